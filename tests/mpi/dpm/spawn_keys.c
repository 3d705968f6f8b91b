/* SPDX-License-Identifier: BSD-3-Clause */
/* Info keys of a spawn: each does what it says, a value that means nothing is an error that names key
 * and value, and a key that is not known is ignored and logged. */
#include "mtest.h"
#include <fcntl.h>
#include <mpix_pvmx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static char folder[] = "/tmp/mtest-XXXXXX";
static char *const of_file = "of the file";

/* Path of a file in our folder with this text; NULL: no such file. */
static const char *file_with(const char *name, const char *text)
{
    static char path[8][256];
    static unsigned next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
    FILE *f = text ? fopen(p, "w") : NULL;
    if (f) {
        fputs(text, f);
        fclose(f);
    }
    return p;
}

static MPI_Info info_of(const char *const pairs[])
{
    MPI_Info info;
    OK(MPI_Info_create(&info));
    for (; *pairs; pairs += 2)
        OK(MPI_Info_set(info, pairs[0], pairs[1]));
    return info;
}

/* ---- children: each tells its parent what it was asked for and ends */

static char asked_for[16]; /* how many processes of its program, as known before MPI_Init */

static void before_init(void)
{
    int flag;
    MPI_Info info;
    MPI_Info_create_env(0, NULL, &info);
    MPI_Info_get(info, "maxprocs", sizeof(asked_for) - 1, asked_for, &flag);
    MPI_Info_free(&info);
}

static int child(const char *what, char **argv)
{
    MPI_Comm parent;
    char text[256] = "";
    int size;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    if (strcmp(what, "env") == 0)
        snprintf(text, sizeof(text), "%s|%s|%s", getenv("A") ? getenv("A") : "",
                 getenv("B") ? getenv("B") : "", getenv("C") ? getenv("C") : "");
    else if (strcmp(what, "kinds") == 0)
        snprintf(text, sizeof(text), "%s",
                 getenv("PVMX_MEMORY_ALLOC_KINDS") ? getenv("PVMX_MEMORY_ALLOC_KINDS")
                                                   : "none");
    else if (strcmp(what, "level") == 0) {
        int level, flag;
        OK(MPI_Query_thread(&level));
        OK(MPI_Info_get(MPI_INFO_ENV, "thread_level", sizeof(text) - 1, text, &flag));
        CHECK((level == MPI_THREAD_MULTIPLE) == (flag && strstr(text, "MULTIPLE")));
        if (!flag) /* nobody has asked for one */
            snprintf(text, sizeof(text), "level %d", level);
    } else if (strcmp(what, "cwd") == 0)
        CHECK(getcwd(text, sizeof(text)) != NULL);
    else if (strcmp(what, "say") == 0 && fgets(text, sizeof(text), stdin))
        printf("out %s", text);
    else if (strcmp(what, "schema") == 0)
        snprintf(text, sizeof(text), "%s of %s/%d", argv[1], asked_for, size);
    if (strcmp(what, "say") == 0) {
        fflush(stdout);
        fprintf(stderr, "err\n");
    }
    OK(MPI_Send(text, (int)strlen(text) + 1, MPI_CHAR, 0, 1, parent));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

/* Spawns n of us with these keys; texts: room for n answers of 256. */
static int spawn(const char *what, int n, const char *const pairs[], int *codes, char *texts)
{
    char mark[] = "--role", *argv[] = {mark, (char *)(uintptr_t)what, NULL};
    MPI_Info info = info_of(pairs);
    MPI_Comm inter;
    int size = 0;
    if (OK(MPI_Comm_spawn(mt_program(), argv, n, info, 0, MPI_COMM_SELF, &inter, codes))) {
        OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
        OK(MPI_Comm_remote_size(inter, &size));
        for (int i = 0; i < size; i++)
            OK(MPI_Recv(texts + 256 * i, 256, MPI_CHAR, i, 1, inter, MPI_STATUS_IGNORE));
        OK(MPI_Comm_disconnect(&inter));
    }
    OK(MPI_Info_free(&info));
    return size;
}

static void says(const char *what, const char *const pairs[], const char *wanted)
{
    char text[256] = "";
    spawn(what, 1, pairs, MPI_ERRCODES_IGNORE, text);
    if (strcmp(text, wanted) != 0)
        mt_fail(__FILE__, __LINE__, "%s=%s: \"%s\", not \"%s\"", pairs[0], pairs[1], text,
                wanted);
}

static void refused(const char *key, const char *value, int class, const char *words)
{
    MPI_Info info = info_of((const char *const[]){key, value, NULL});
    MPI_Comm inter = MPI_COMM_WORLD;
    char said[MPI_MAX_ERROR_STRING];
    int codes[2] = {-1, -1}, len;
    int rc = MPI_Comm_spawn(mt_program(), MPI_ARGV_NULL, 2, info, 0, MPI_COMM_SELF,
                            &inter, codes);
    CHECK_CLASS(rc, class);
    MPI_Error_string(rc, said, &len);
    if (!strstr(said, words))
        mt_fail(__FILE__, __LINE__, "%s=%s: \"%s\" does not stand in: %s", key, value,
                words, said);
    CHECK(inter == MPI_COMM_NULL);
    for (int i = 0; i < 2; i++)
        CHECK(codes[i] != MPI_SUCCESS && codes[i] != -1);
    OK(MPI_Info_free(&info));
}

/* ---- cases */

static void environment(void)
{
    says("env", (const char *const[]){"env", "A=1\nB=two words", NULL}, "1|two words|");
    says("env", (const char *const[]){"environ", "C=x=y", NULL}, "||x=y");
    says("env",
         (const char *const[]){"pvmx_env", "A=p", "env", "B=e", "environ", "C=h", NULL},
         "p|e|h");
    says("env", (const char *const[]){"env", "\n\nA=\n", NULL}, "||");
    refused("env", "A", MPI_ERR_INFO_VALUE, "\"A\"");
    refused("environ", "A=1\n=2", MPI_ERR_INFO_VALUE, "=2");
    says("kinds",
         (const char *const[]){"mpi_memory_alloc_kinds", "mpi:win_allocate,system", NULL},
         "mpi:win_allocate,system");
    refused("mpi_memory_alloc_kinds", "mpi,,system", MPI_ERR_INFO_VALUE, "mpi,,system");
    refused("mpi_memory_alloc_kinds", "", MPI_ERR_INFO_VALUE, "mpi_memory_alloc_kinds");
    refused("mpi_initial_errhandler", "mpi_errors_ignored", MPI_ERR_INFO_VALUE, "ignored");
    says("level", (const char *const[]){NULL}, "level 0");
    says("level", (const char *const[]){"thread_level", "MPI_THREAD_MULTIPLE", NULL},
         "MPI_THREAD_MULTIPLE");
    refused("thread_level", "MPI_THREAD_MANY", MPI_ERR_INFO_VALUE, "MPI_THREAD_MANY");
}

static void hosts(void)
{
    char own[256] = "", two[600];
    struct utsname u;
    gethostname(own, sizeof(own) - 1);
    uname(&u);
    snprintf(two, sizeof(two), "%s , localhost:3", own);
    says("cwd", (const char *const[]){"host", own, "wdir", "/usr", NULL}, "/usr");
    says("cwd", (const char *const[]){"hosts", two, "wdir", "/usr", NULL}, "/usr");
    says("cwd", (const char *const[]){"add-host", "127.0.0.1", "wdir", "/", NULL}, "/");
    says("cwd", (const char *const[]){"arch", u.machine, "wdir", "/", NULL}, "/");
    refused("host", "no-such-host.example", MPI_ERR_SPAWN, "no-such-host.example");
    refused("hosts", "localhost,elsewhere", MPI_ERR_SPAWN, "elsewhere");
    refused("hosts", "localhost,,elsewhere", MPI_ERR_INFO_VALUE, "hosts");
    refused("hosts", "localhost:0,localhost", MPI_ERR_INFO_VALUE, "\"0\" is no number");
    refused("wdir", "", MPI_ERR_INFO_VALUE, "wdir");
    refused("soft", "", MPI_ERR_INFO_VALUE, "soft");
    refused("host", "two names", MPI_ERR_INFO_VALUE, "two names");
    refused("arch", "vax", MPI_ERR_SPAWN, "vax");
    refused("arch", "", MPI_ERR_INFO_VALUE, "arch");
    const char *file =
        file_with("hosts", "# ours\n\nlocalhost slots=2 max_slots=4\n127.0.0.1:1\n"
                           "nowhere schedule=no\n");
    says("cwd", (const char *const[]){"hostfile", file, "wdir", "/", NULL}, "/");
    refused("hostfile", file_with("none", NULL), MPI_ERR_INFO_VALUE, "No such file");
    refused("hostfile", file_with("bad", "localhost\nlocalhost two\n"),
            MPI_ERR_INFO_VALUE, "line 2");
    refused("hostfile", file_with("empty", "# nothing\n"), MPI_ERR_INFO_VALUE, "no host");
}

static int universe(void)
{
    int flag, *value;
    OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, &value, &flag));
    return *value;
}

/* Hosts that are not there are added first; those that are there will do. */
static void adding(void)
{
    int before = universe();
    char text[256] = "", mark[] = "--role", role[] = "cwd", *argv[] = {mark, role, NULL};
    const char *file =
        file_with("more", "localhost\n* launcher=fork\nspare slots=9\nthird:3\n");
    MPI_Info info;
    MPI_Comm inter;
    MPI_Request req;
    says("cwd",
         (const char *const[]){"add-host", "localhost, spare:2 launcher=fork", "host",
                               "spare", "wdir", "/", NULL},
         "/");
    CHECK_EQ(universe(), before + 2);
    says("cwd",
         (const char *const[]){"add-host", "spare.some.domain", "add-hostfile", file,
                               "host", "third", "map_by", "ppr:2:node", "wdir", "/", NULL},
         "/");
    CHECK_EQ(universe(), before + 5);
    info = info_of((const char *const[]){"add-host", "fourth:1 launcher=fork", "host",
                                         "fourth", "wdir", "/", NULL});
    OK(MPIX_Comm_ispawn(mt_program(), argv, 1, info, 0, MPI_COMM_SELF, &inter,
                        MPI_ERRCODES_IGNORE, &req));
    OK(MPI_Info_free(&info));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    OK(MPI_Recv(text, 256, MPI_CHAR, 0, 1, inter, MPI_STATUS_IGNORE));
    OK(MPI_Comm_disconnect(&inter));
    CHECK_EQ(universe(), before + 6);
    refused("add-host", "elsewhere launcher='echo no bread >&2; exit 1; %c'",
            MPI_ERR_SPAWN, "elsewhere: no bread");
    refused("add-host", "two names", MPI_ERR_INFO_VALUE, "names");
    refused("add-host", "", MPI_ERR_INFO_VALUE, "add-host");
    refused("add-host", "a:0", MPI_ERR_INFO_VALUE, "add-host");
    refused("add-hostfile", file_with("none", NULL), MPI_ERR_INFO_VALUE, "No such file");
    refused("add-hostfile", file_with("empty", "# nothing\n"), MPI_ERR_INFO_VALUE, "no host");
}

static void round_robin(void)
{
    says("cwd",
         (const char *const[]){"lam_spawn_sched_round_robin", "c7", "wdir", "/", NULL}, "/");
    says("cwd",
         (const char *const[]){"lam_spawn_sched_round_robin", "n0", "wdir", "/", NULL}, "/");
    refused("lam_spawn_sched_round_robin", "N", MPI_ERR_INFO_VALUE, "\"N\"");
    refused("lam_spawn_sched_round_robin", "c", MPI_ERR_INFO_VALUE, "\"c\"");
    refused("lam_spawn_sched_round_robin", "c1x", MPI_ERR_INFO_VALUE, "c1x");
    refused("lam_no_root_node_schedule", "yes", MPI_ERR_SPAWN, "no host other than");
    says("cwd", (const char *const[]){"lam_no_root_node_schedule", "", "wdir", "/", NULL},
         "/");
}

/* maxprocs, command and arguments give way to what stands in the file. */
static void schema(const char *key)
{
    char line[1024], texts[8 * 256];
    int codes[4] = {-1, -1, -1, -1};
    snprintf(line, sizeof(line),
             "# three lines\n"
             "n0 -np 2 -x A=1 %s --role schema 'of the file' # and so on\n\n"
             "c0 -wd / %s --role schema \"second\"\n"
             "%s --role schema third\n",
             mt_program(), mt_program(), mt_program());
    int n = spawn("ignored", 4, (const char *const[]){key, file_with("app", line), NULL},
                  codes, texts);
    if (CHECK_EQ(n, 4)) {
        char wanted[32];
        snprintf(wanted, sizeof(wanted), "%s of 2/4", of_file);
        CHECK(strcmp(texts, wanted) == 0 && strcmp(texts + 256, wanted) == 0);
        CHECK(strcmp(texts + 512, "second of 1/4") == 0 &&
              strcmp(texts + 768, "third of 1/4") == 0);
    }
    for (int i = 0; i < 4; i++)
        CHECK_EQ(codes[i], MPI_SUCCESS);
    /* Fewer than were asked for, and more. */
    snprintf(line, sizeof(line), "h %s --role schema one\n", mt_program());
    n = spawn("ignored", 4, (const char *const[]){key, file_with("app", line), NULL},
              codes, texts);
    CHECK_EQ(n, 1);
    CHECK(codes[0] == MPI_SUCCESS && codes[1] == MPI_ERR_SPAWN && codes[3] == MPI_ERR_SPAWN);
    snprintf(line, sizeof(line), "-np 3 %s --role schema more\nC %s --role schema all\n",
             mt_program(), mt_program());
    codes[1] = -1;
    char *many = calloc((size_t)universe() + 3, 256);
    n = spawn("ignored", 1, (const char *const[]){key, file_with("app", line), NULL},
              codes, many);
    CHECK_EQ(n, universe() + 3);
    CHECK(codes[0] == MPI_SUCCESS && codes[1] == -1);
    free(many);
    refused(key, "", MPI_ERR_INFO_VALUE, key);
    refused(key, file_with("no such", NULL), MPI_ERR_INFO_VALUE, "No such file");
    refused(key, file_with("app", "\n# only this\n"), MPI_ERR_INFO_VALUE, "no program");
    refused(key, file_with("app", "h -np 2\n"), MPI_ERR_INFO_VALUE, "line 1");
    refused(key, file_with("app", "true\nh -np none true\n"), MPI_ERR_INFO_VALUE, "line 2");
    refused(key, file_with("app", "-q 1 true\n"), MPI_ERR_INFO_VALUE, "not known");
    refused(key, file_with("app", "'true\n"), MPI_ERR_INFO_VALUE, "quote");
    refused(key, file_with("app", "n5 true\n"), MPI_ERR_SPAWN, "no host 5");
    refused(key, file_with("app", "h /does/not/exist\n"), MPI_ERR_SPAWN, "/does/not/exist");
}

static void holds(const char *path, const char *wanted)
{
    char text[256] = "";
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f)
        fclose(f);
    if (!f || n != strlen(wanted) || strcmp(text, wanted) != 0)
        mt_fail(__FILE__, __LINE__, "%s holds \"%s\", not \"%s\"", path, text, wanted);
}

static void streams(void)
{
    const char *in = file_with("in", "first line\n"),
               *out = file_with("out", "old and long"), *err = file_with("err", NULL);
    int fds = mt_count_fds();
    says("say",
         (const char *const[]){"pvmx_stdin", in, "pvmx_stdout", out, "pvmx_stderr", err, NULL},
         "first line\n");
    holds(out, "out first line\n");
    holds(err, "err\n");
    says("say",
         (const char *const[]){"pvmx_stdin", in, "pvmx_stdout", out, "pvmx_stderr", out, NULL},
         "first line\n");
    holds(out, "out first line\nerr\n");
    CHECK_EQ(mt_count_fds(), fds);
    refused("pvmx_stdin", file_with("none", NULL), MPI_ERR_INFO_VALUE, "No such file");
    refused("pvmx_stdout", "/does/not/exist", MPI_ERR_INFO_VALUE, "/does/not/exist");
    refused("pvmx_stderr", "", MPI_ERR_INFO_VALUE, "pvmx_stderr");
    refused("preload_files", "", MPI_ERR_INFO_VALUE, "preload_files");
    refused("preload_files", "/etc/passwd,", MPI_ERR_INFO_VALUE, "preload_files");
    refused("preload_files", "/does/not/exist", MPI_ERR_INFO_VALUE, "/does/not/exist");
    refused("preload_files", folder, MPI_ERR_SPAWN, "Is a directory");
    char both[600], sub[256];
    snprintf(both, sizeof(both), "%s,%s", in, out);
    snprintf(sub, sizeof(sub), "%s", file_with("sub", NULL));
    CHECK_EQ(mkdir(sub, 0700), 0);
    says("cwd", (const char *const[]){"preload_files", both, "wdir", sub, NULL}, sub);
    holds(file_with("sub/in", NULL), "first line\n");
    holds(file_with("sub/out", NULL), "out first line\nerr\n");
    CHECK(unlink(file_with("sub/in", NULL)) == 0 && unlink(file_with("sub/out", NULL)) == 0);
    CHECK_EQ(rmdir(sub), 0);
    CHECK_EQ(mt_count_fds(), fds);
}

/* What one program of several says about all of them may be said once. */
static void several(void)
{
    char *commands[] = {(char *)(uintptr_t)mt_program(), (char *)(uintptr_t)mt_program()};
    MPI_Info infos[] = {info_of((const char *const[]){"pvmx_stdout", "/dev/null", NULL}),
                        info_of((const char *const[]){"pvmx_stdout", "/dev/zero", NULL})};
    MPI_Comm inter;
    CHECK_CLASS(MPI_Comm_spawn_multiple(2, commands, MPI_ARGVS_NULL, (const int[]){1, 1},
                                        infos, 0, MPI_COMM_SELF, &inter, MPI_ERRCODES_IGNORE),
                MPI_ERR_INFO_VALUE);
    OK(MPI_Info_free(&infos[0]));
    OK(MPI_Info_free(&infos[1]));
}

/* Only in a log of our own level, to which this program starts itself. */
static void unknown_key(const char *role)
{
    char log[256];
    if (role) {
        says("cwd",
             (const char *const[]){"colour_of_the_moon", "green", "wdir", "/", NULL}, "/");
        return;
    }
    snprintf(log, sizeof(log), "%s", file_with("log", ""));
    setenv("PVMX_LOG", "debug", 1);
    setenv("PVMX_LOG_FILE", log, 1);
    CHECK_EQ(mt_finish(mt_start("unknown", NULL)), 0);
    unsetenv("PVMX_LOG");
    unsetenv("PVMX_LOG_FILE");
    char line[1024];
    bool found = false;
    FILE *f = fopen(log, "r");
    while (f && fgets(line, sizeof(line), f))
        found = found || strstr(line, "colour_of_the_moon");
    if (f)
        fclose(f);
    CHECK(found);
}

/* A program started with its standard descriptors closed: none of the library's takes their places,
 * where the program's output would hit it; and files for its children are not mixed up. */
static void closed_stdio(const char *role)
{
    if (!role) {
        for (int fd = 0; fd < 3; fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        int pid = mt_start("closed", NULL);
        for (int fd = 0; fd < 3; fd++)
            fcntl(fd, F_SETFD, 0);
        CHECK_EQ(mt_finish(pid), 0);
        return;
    }
    const char *in = file_with("in", "first line\n"), *out = file_with("out", "");
    says("say", (const char *const[]){"pvmx_stdin", in, "pvmx_stdout", out, NULL},
         "first line\n");
    holds(out, "out first line\n");
    for (int fd = 0; fd < 3; fd++)
        CHECK(fcntl(fd, F_GETFD) < 0);
}

int main(int argc, char **argv)
{
    const char *role;
    char command[64];
    before_init();
    setenv("PVMX_DAEMON_HOST_TIMEOUT", "60s", 0); /* no host is lost on a busy machine */
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        MPI_Comm parent;
        MPI_Comm_get_parent(&parent);
        if (parent != MPI_COMM_NULL)
            return child(role, argv);
        if (strcmp(role, "closed") != 0) {
            unknown_key(role);
            return mt_end();
        }
    }
    if (!CHECK(mkdtemp(folder) != NULL))
        return mt_end();
    if (*role) {
        closed_stdio(role);
        snprintf(command, sizeof(command), "rm -r %s", folder);
        CHECK_EQ(system(command), 0);
        return mt_end();
    }
    environment();
    hosts();
    round_robin();
    schema("lam_spawn_file");
    schema("file");
    streams();
    several();
    unknown_key(NULL);
    closed_stdio(NULL);
    adding();
    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK_EQ(system(command), 0);
    return mt_end();
}
