/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawns at the edges: commands found in every way, arguments of every kind and number, bytes that are
 * no text, error codes that nobody wants; over duplicates and halves, from a thread, and while a
 * nonblocking collective waits. */
#include "mtest.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 10000 };

static char mark[] = "--role", role_child[] = "child";
static const char odd_bytes[] = "\xff\xfe caf\xe9 \x01\x7f\t";

/* What is right about this child's arguments, environment and place: the parent knows what for. */
static int child(int argc, char **argv)
{
    MPI_Comm parent;
    int x[4] = {argc - 1, 0, 0, 0};
    char number[16], cwd[256] = "";
    const char *odd = getenv("MTEST_ODD");
    for (int i = 1; i < argc; i++) {
        snprintf(number, sizeof(number), "%d", i);
        x[1] += strcmp(argv[i], number) == 0;
    }
    if (argc == 4) /* the odd ones */
        x[1] = strcmp(argv[1], "") == 0 && strcmp(argv[2], " a  b ") == 0 &&
               strcmp(argv[3], odd_bytes) == 0;
    x[2] = odd && strcmp(odd, odd_bytes) == 0;
    x[3] = getcwd(cwd, sizeof(cwd)) && strstr(cwd, "mtest-edges") != NULL;
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Send(x, 4, MPI_INT, 0, 1, parent));
    OK(MPI_Comm_disconnect(&parent));
    return mt_end();
}

static char *child_argv[] = {mark, role_child, NULL};

static void meet(MPI_Comm inter, int n, int x[4])
{
    int remote = -1, rank;
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    OK(MPI_Comm_remote_size(inter, &remote));
    CHECK_EQ(remote, n);
    OK(MPI_Comm_rank(inter, &rank));
    for (int i = 0; i < remote && rank == 0; i++)
        OK(MPI_Recv(x, 4, MPI_INT, i, 1, inter, MPI_STATUS_IGNORE));
    OK(MPI_Comm_disconnect(&inter));
}

static bool spawn(const char *command, char **argv, MPI_Info info, int x[4])
{
    MPI_Comm inter;
    if (!OK(MPI_Comm_spawn(command, argv, 1, info, 0, MPI_COMM_SELF, &inter,
                           MPI_ERRCODES_IGNORE)))
        return false;
    meet(inter, 1, x);
    return true;
}

/* ---- commands */

/* A folder with a link to this program in its folder "bin". */
static void commands(void)
{
    char top[] = "/tmp/mtest-edges-XXXXXX", bin[64], link[128], path[160], line[128];
    int x[4] = {0};
    MPI_Info info;
    MPI_Comm inter;
    if (!CHECK(mkdtemp(top) != NULL))
        return;
    snprintf(bin, sizeof(bin), "%s/bin", top);
    snprintf(link, sizeof(link), "%s/linked", bin);
    CHECK(mkdir(bin, 0700) == 0 && symlink(mt_program(), link) == 0);
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "wdir", top));
    /* With '/': relative to wdir. */
    spawn("bin/linked", child_argv, info, x);
    CHECK(x[3]);
    spawn("./bin/../bin/linked", child_argv, info, x);
    spawn(link, child_argv, info, x);
    CHECK_CLASS(MPI_Comm_spawn("linked", child_argv, 1, info, 0, MPI_COMM_SELF, &inter,
                               MPI_ERRCODES_IGNORE),
                MPI_ERR_SPAWN);
    /* Without: found by path, absolute or relative to wdir. */
    snprintf(path, sizeof(path), "/does/not/exist:%s", bin);
    OK(MPI_Info_set(info, "path", path));
    spawn("linked", child_argv, info, x);
    CHECK(x[3]);
    OK(MPI_Info_set(info, "path", "bin"));
    spawn("linked", child_argv, info, x);
    OK(MPI_Info_set(info, "path", ""));
    CHECK_CLASS(MPI_Comm_spawn("linked", child_argv, 1, info, 0, MPI_COMM_SELF, &inter,
                               MPI_ERRCODES_IGNORE),
                MPI_ERR_SPAWN);
    OK(MPI_Info_free(&info));
    /* In PATH, and beside the spawner's own program. */
    snprintf(path, sizeof(path), "%s:/usr/bin:/bin", bin);
    char *old = strdup(getenv("PATH") ? getenv("PATH") : "");
    setenv("PATH", path, 1);
    spawn("linked", child_argv, MPI_INFO_NULL, x);
    setenv("PATH", old, 1);
    free(old);
    spawn(strrchr(mt_program(), '/') + 1, child_argv, MPI_INFO_NULL, x);
    snprintf(line, sizeof(line), "rm -r %s", top);
    CHECK_EQ(system(line), 0);
}

/* ---- arguments and environment */

static void arguments(void)
{
    static char none[] = "", spaces[] = " a  b ", odd[sizeof(odd_bytes)];
    char *few[] = {mark, role_child, none, spaces, odd, NULL};
    int x[4] = {0};
    memcpy(odd, odd_bytes, sizeof(odd));
    spawn(mt_program(), few, MPI_INFO_NULL, x);
    CHECK_EQ(x[0], 3);
    CHECK(x[1] && !x[2]);
    char **many = calloc(MANY + 3, sizeof(*many));
    char *text = malloc(MANY * 8);
    many[0] = mark;
    many[1] = role_child;
    for (int i = 1; i <= MANY; i++) {
        many[i + 1] = text + 8 * (i - 1);
        snprintf(many[i + 1], 8, "%d", i);
    }
    spawn(mt_program(), many, MPI_INFO_NULL, x);
    CHECK_EQ(x[0], MANY);
    CHECK_EQ(x[1], MANY);
    free(many);
    free(text);
    spawn(mt_program(), child_argv, MPI_INFO_NULL, x);
    CHECK_EQ(x[0], 0);
    /* Bytes of the environment pass as they are, inherited or given. */
    setenv("MTEST_ODD", odd_bytes, 1);
    spawn(mt_program(), child_argv, MPI_INFO_NULL, x);
    CHECK(x[2]);
    unsetenv("MTEST_ODD");
    MPI_Info info;
    char entry[64];
    snprintf(entry, sizeof(entry), "MTEST_ODD=%s", odd_bytes);
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "pvmx_env", entry));
    spawn(mt_program(), child_argv, info, x);
    CHECK(x[2]);
    OK(MPI_Info_free(&info));
}

/* ---- which processes, and how many */

/* Nobody at all: the intercommunicator works, in every process. */
static void nobody(MPI_Comm comm)
{
    MPI_Comm inter, merged;
    int size, x[4];
    char *commands[] = {(char *)(uintptr_t)mt_program(), (char *)(uintptr_t)mt_program()};
    MPI_Info infos[] = {MPI_INFO_NULL, MPI_INFO_NULL};
    OK(MPI_Comm_spawn(mt_program(), child_argv, 0, MPI_INFO_NULL, 1, comm, &inter,
                      MPI_ERRCODES_IGNORE));
    meet(inter, 0, x);
    OK(MPI_Comm_spawn(mt_program(), child_argv, 0, MPI_INFO_NULL, 1, comm, &inter,
                      MPI_ERRCODES_IGNORE));
    OK(MPI_Intercomm_merge(inter, 0, &merged));
    OK(MPI_Comm_size(merged, &size));
    CHECK_EQ(size, mt_size);
    OK(MPI_Barrier(merged));
    OK(MPI_Comm_disconnect(&merged));
    OK(MPI_Comm_disconnect(&inter));
    /* Nobody of one program beside somebody of another. */
    int codes[2] = {-1, -1};
    char **argvs[] = {child_argv, child_argv};
    OK(MPI_Comm_spawn_multiple(2, commands, argvs, (const int[]){0, 2}, infos, 2, comm,
                               &inter, codes));
    CHECK(codes[0] == MPI_SUCCESS && codes[1] == MPI_SUCCESS);
    meet(inter, 2, x);
    /* An empty command, even of nobody, and one that is no command. */
    CHECK_CLASS(MPI_Comm_spawn("", MPI_ARGV_NULL, 0, MPI_INFO_NULL, 0, comm, &inter,
                               MPI_ERRCODES_IGNORE),
                MPI_ERR_ARG);
    CHECK_CLASS(MPI_Comm_spawn("/", MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, comm, &inter,
                               MPI_ERRCODES_IGNORE),
                MPI_ERR_SPAWN);
}

static void parts(MPI_Comm comm)
{
    MPI_Comm dup, half, inter;
    int x[4], rank, sum = 0, mine = 1;
    OK(MPI_Comm_dup(comm, &dup));
    OK(MPI_Comm_spawn(mt_program(), child_argv, 2, MPI_INFO_NULL, 2, dup, &inter,
                      MPI_ERRCODES_IGNORE));
    OK(MPI_Comm_free(&dup)); /* the children do not hang on it */
    meet(inter, 2, x);
    /* Two halves spawn at the same time, each its own. */
    OK(MPI_Comm_split(comm, mt_rank % 2, -mt_rank, &half));
    OK(MPI_Comm_rank(half, &rank));
    OK(MPI_Comm_spawn(mt_program(), child_argv, 1 + mt_rank % 2, MPI_INFO_NULL, 0, half,
                      &inter, MPI_ERRCODES_IGNORE));
    meet(inter, 1 + mt_rank % 2, x);
    OK(MPI_Comm_disconnect(&half));
    /* While a collective waits for the others. */
    MPI_Request req;
    OK(MPI_Iallreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, comm, &req));
    OK(MPI_Comm_spawn(mt_program(), child_argv, 2, MPI_INFO_NULL, 1, comm, &inter,
                      MPI_ERRCODES_IGNORE));
    meet(inter, 2, x);
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
    CHECK_EQ(sum, mt_size);
    if (mt_rank != 0)
        OK(MPI_Ibarrier(comm, &req));
    OK(MPI_Comm_spawn(mt_program(), child_argv, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF,
                      &inter, MPI_ERRCODES_IGNORE));
    meet(inter, 1, x);
    if (mt_rank == 0)
        OK(MPI_Ibarrier(comm, &req));
    OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
}

/* ---- from a thread that was not there at MPI_Init, over a communicator of its own */

static void *thread(void *arg)
{
    MPI_Comm *comm = arg, inter;
    int x[4];
    OK(MPI_Comm_spawn(mt_program(), child_argv, 2, MPI_INFO_NULL, 1, *comm, &inter,
                      MPI_ERRCODES_IGNORE));
    meet(inter, 2, x);
    return NULL;
}

static void in_threads(MPI_Comm comm)
{
    enum { THREADS = 3 };
    pthread_t id[THREADS];
    MPI_Comm own[THREADS];
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_dup(comm, &own[i]));
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&id[i], NULL, thread, &own[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(id[i], NULL);
    for (int i = 0; i < THREADS; i++)
        OK(MPI_Comm_disconnect(&own[i]));
}

int main(int argc, char **argv)
{
    const char *role;
    mt_thread_level = MPI_THREAD_MULTIPLE;
    MPI_Comm comm = mt_begin(&argc, &argv, 3);
    if (mt_is_child(&role))
        return child(argc, argv);
    if (mt_rank == 0) {
        commands();
        arguments();
    }
    nobody(comm);
    parts(comm);
    in_threads(comm);
    return mt_end();
}
