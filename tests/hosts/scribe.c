/* SPDX-License-Identifier: BSD-3-Clause */
/* A task that does with names, boxes and groups what it is told on standard input, a line for each, and
 * prints what came of it: "ok ..." or "error ...". */
#include <mpi.h>
#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 8, LINE = 512, LONG = 3000 };

static void say(int code)
{
    printf(code >= 0 ? "ok %d\n" : "error %d\n", code);
}

static void say_mpi(int err, const char *value)
{
    char text[MPI_MAX_ERROR_STRING];
    int len;
    if (err == MPI_SUCCESS) {
        printf("ok %s\n", value);
        return;
    }
    MPI_Error_string(err, text, &len);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\n' ? ' ' : *c;
    printf("error %s\n", text);
}

/* seconds: how long to wait for the name; NULL: not. */
static void look_up(const char *name, const char *seconds)
{
    char port[MPI_MAX_PORT_NAME] = "";
    MPI_Info info = MPI_INFO_NULL;
    if (seconds != NULL) {
        MPI_Info_create(&info);
        MPI_Info_set(info, "pvmx_wait", seconds);
    }
    int err = MPI_Lookup_name(name, info, port);
    if (seconds != NULL)
        MPI_Info_free(&info);
    say_mpi(err, port);
}

static void names(char **w)
{
    if (strcmp(w[0], "publish") == 0)
        say_mpi(MPI_Publish_name(w[1], MPI_INFO_NULL, w[2]), w[2]);
    else if (strcmp(w[0], "unpublish") == 0)
        say_mpi(MPI_Unpublish_name(w[1], MPI_INFO_NULL, w[2]), w[2]);
    else
        look_up(w[1], w[2]);
}

static int put(char *name, char *text, int flags)
{
    int id = pvm_mkbuf(PvmDataDefault);
    int old = pvm_setsbuf(id);
    pvm_pkstr(text);
    int code = pvm_putinfo(name, id, flags);
    pvm_setsbuf(old);
    pvm_freebuf(id);
    return code;
}

/* Of no length when there is none. */
static int get(char *name, int flags, char *text)
{
    *text = '\0';
    int id = pvm_recvinfo(name, 0, flags);
    if (id < 0)
        return id;
    int old = pvm_setrbuf(id);
    pvm_upkstr(text);
    pvm_setrbuf(old);
    pvm_freebuf(id);
    return PvmOk;
}

static void boxes(char **w)
{
    char text[LINE];
    if (strcmp(w[0], "put") == 0) {
        say(put(w[1], w[2], atoi(w[3])));
    } else if (strcmp(w[0], "drop") == 0) {
        say(pvm_delinfo(w[1], atoi(w[2]), PvmMboxDefault));
    } else {
        int code = get(w[1], atoi(w[2]), text);
        if (code < 0)
            say(code);
        else
            printf("ok %s\n", text);
    }
}

static void groups(char **w)
{
    const char *what = w[0];
    int n = w[2] != NULL ? (int)strtol(w[2], NULL, 0) : 0;
    say(strcmp(what, "join") == 0      ? pvm_joingroup(w[1])
        : strcmp(what, "leave") == 0   ? pvm_lvgroup(w[1])
        : strcmp(what, "size") == 0    ? pvm_gsize(w[1])
        : strcmp(what, "inst") == 0    ? pvm_getinst(w[1], n)
        : strcmp(what, "at") == 0      ? pvm_gettid(w[1], n)
        : strcmp(what, "barrier") == 0 ? pvm_barrier(w[1], n)
                                       : pvm_freezegroup(w[1], n));
}

/* Takes the number out of the box, adds one, and puts it back, so often. */
static void count(char *name, int times)
{
    char text[LINE];
    for (int i = 0; i < times; i++) {
        int code = get(name, PvmMboxReadAndDelete | PvmMboxWaitForInfo, text);
        snprintf(text, sizeof text, "%d", atoi(text) + 1);
        if (code >= 0)
            code = put(name, text, PvmMboxPersistent | PvmMboxOverWritable);
        if (code < 0) {
            printf("error %d in round %d\n", code, i);
            return;
        }
    }
    printf("ok %d\n", times);
}

/* What a box of many holds: it tells which one it is. Half of a thousand are long. */
static void box_text(char *text, const char *name, int i)
{
    int n = snprintf(text, LONG, "%s.%d ", name, i);
    int len = i % 1000 < 500 ? LONG - 1 : n;
    memset(text + n, 'a' + i % 26, (size_t)(len - n));
    text[len] = '\0';
}

/* So many boxes are made, or read and compared. */
static void many(const char *what, const char *name, int n)
{
    char box[80], text[LONG], wanted[LONG];
    for (int i = 0; i < n; i++) {
        snprintf(box, sizeof box, "%s.%d", name, i);
        box_text(wanted, name, i);
        int code = strcmp(what, "fill") == 0 ? put(box, wanted, PvmMboxPersistent)
                                             : get(box, PvmMboxDefault, text);
        if (code < 0 || (*what == 'r' && strcmp(text, wanted) != 0)) {
            printf("error %d with box %d\n", code, i);
            return;
        }
    }
    printf("ok %d\n", n);
}

/* Joins, meets the others, leaves: so often. */
static void meet(char *name, int members, int times)
{
    for (int i = 0; i < times; i++) {
        int place = pvm_joingroup(name);
        int code = pvm_barrier(name, members);
        if (code >= 0 && (place < 0 || place >= members))
            code = place < 0 ? place : -1000 - place;
        if (code >= 0)
            code = pvm_barrier(name, members);
        if (code >= 0)
            code = pvm_lvgroup(name);
        if (code >= 0)
            code = pvm_barrier("all", members);
        if (code < 0) {
            printf("error %d in round %d\n", code, i);
            return;
        }
    }
    printf("ok %d\n", times);
}

int main(int argc, char **argv)
{
    char line[LINE];
    MPI_Init(&argc, &argv);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    pvm_setopt(PvmAutoErr, 0);
    printf("ok %d\n", pvm_mytid());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *w[WORDS] = {NULL}, *save = NULL;
        size_t n = 0;
        for (char *at = strtok_r(line, " \n", &save); at != NULL && n < WORDS - 1;
             at = strtok_r(NULL, " \n", &save))
            w[n++] = at;
        if (n == 0 || strcmp(w[0], "end") == 0)
            break;
        if (strstr("publish unpublish lookup", w[0]) != NULL)
            names(w);
        else if (strstr("put get drop", w[0]) != NULL)
            boxes(w);
        else if (strcmp(w[0], "count") == 0)
            count(w[1], atoi(w[2]));
        else if (strcmp(w[0], "fill") == 0 || strcmp(w[0], "read") == 0)
            many(w[0], w[1], atoi(w[2]));
        else if (strcmp(w[0], "meet") == 0)
            meet(w[1], atoi(w[2]), atoi(w[3]));
        else
            groups(w);
        fflush(stdout);
    }
    MPI_Finalize();
    return 0;
}
