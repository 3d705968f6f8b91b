/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that the console's tests start, by the name they are called by: hello greets through a child of
 * its own; ring passes a token round its siblings; speaker writes to both its outputs. */
#include <pvm3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *own_host(void)
{
    struct pvmhostinfo *h;
    int n, dtid = pvm_tidtohost(pvm_mytid());
    if (pvm_config(&n, NULL, &h) < 0)
        exit(1);
    while (n > 0 && h[n - 1].hi_tid != dtid)
        n--;
    return n > 0 ? h[n - 1].hi_name : "?";
}

static int hello(void)
{
    char text[100], host[] = ".";
    int tid, src;
    printf("i'm t%x\n", (unsigned)pvm_mytid());
    if (pvm_spawn("hello_other", NULL, PvmTaskHost, host, 1, &tid) != 1)
        return 1;
    int buf = pvm_recv(-1, 1);
    if (buf < 0 || pvm_bufinfo(buf, NULL, NULL, &src) < 0 || pvm_upkstr(text) < 0)
        return 1;
    printf("from t%x: %s\n", (unsigned)src, text);
    pvm_exit();
    return 0;
}

static int other(void)
{
    char text[100];
    snprintf(text, sizeof text, "hello, world from %.60s", own_host());
    pvm_initsend(PvmDataDefault);
    pvm_pkstr(text);
    pvm_send(pvm_parent(), 1);
    pvm_exit();
    return 0;
}

static int ring(void)
{
    int *tids, token = 0, me = 0, self = pvm_mytid(), n = pvm_siblings(&tids);
    while (me < n && tids[me] != self)
        me++;
    if (me > 0 && (pvm_recv(tids[me - 1], 1) < 0 || pvm_upkint(&token, 1, 1) < 0))
        return 1;
    token++;
    pvm_initsend(PvmDataDefault);
    pvm_pkint(&token, 1, 1);
    pvm_send(tids[(me + 1) % n], 1);
    if (me == 0) {
        if (pvm_recv(tids[n - 1], 1) < 0 || pvm_upkint(&token, 1, 1) < 0)
            return 1;
        printf("the token has been with %d tasks\n", token);
    }
    pvm_exit();
    return 0;
}

static int speaker(void)
{
    printf("BEGIN\nEOF\n[7:t99] strange\n");
    fflush(stdout);
    fprintf(stderr, "to the other one\n");
    printf("no newline");
    return 0;
}

/* The test sees by a file that it has enrolled. */
static int waiter(void)
{
    char path[32];
    snprintf(path, sizeof path, "enrolled.%x", (unsigned)pvm_mytid());
    FILE *f = fopen(path, "w");
    if (f)
        fclose(f);
    pvm_recv(-1, -1);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');
    name = name ? name + 1 : argv[0];
    (void)argc;
    if (strcmp(name, "hello.pvm") == 0)
        return hello();
    if (strcmp(name, "hello_other") == 0)
        return other();
    if (strcmp(name, "ring") == 0)
        return ring();
    if (strcmp(name, "speaker") == 0)
        return speaker();
    if (strcmp(name, "slave1") == 0)
        return waiter();
    fprintf(stderr, "there is no program %s here\n", name);
    return 1;
}
