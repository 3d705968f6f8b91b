/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawns that cannot work: each gives its class, an error code for each process, and a sentence
 * that names the cause, in bounded time; afterwards spawning works. */
#include "mtest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static MPI_Info info_with(const char *key, const char *value)
{
    MPI_Info info;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, key, value));
    return info;
}

/* Spawning gives this class, and the sentence holds these words (NULL: any). */
static void fails(const char *command, char **argv, int n, MPI_Info info, int class,
                  const char *words)
{
    MPI_Comm inter = MPI_COMM_WORLD;
    int kept = n > 0 && n <= 1000000 ? n : 0, len;
    int *codes = kept ? malloc(sizeof(int) * (size_t)kept) : MPI_ERRCODES_IGNORE;
    char said[MPI_MAX_ERROR_STRING];
    double start = MPI_Wtime();
    for (int i = 0; i < kept; i++)
        codes[i] = -1;
    int rc = MPI_Comm_spawn(command, argv, n, info, 0, MPI_COMM_SELF, &inter, codes);
    if (!CHECK_CLASS(rc, class))
        mt_fail(__FILE__, __LINE__, "spawn of %s", command);
    MPI_Error_string(rc, said, &len);
    if (words && !strstr(said, words))
        mt_fail(__FILE__, __LINE__, "\"%s\" does not stand in: %s", words, said);
    CHECK(inter == MPI_COMM_NULL);
    CHECK(MPI_Wtime() - start < 10);
    for (int i = 0; i < kept && class == MPI_ERR_SPAWN; i++)
        if (!CHECK(codes[i] != MPI_SUCCESS && codes[i] != -1))
            break;
    free(codes);
    if (info != MPI_INFO_NULL)
        MPI_Info_free(&info);
}

static void programs(void)
{
    char plain[] = "/tmp/mtest-XXXXXX";
    int fd = mkstemp(plain);
    fails("/does/not/exist", MPI_ARGV_NULL, 2, MPI_INFO_NULL, MPI_ERR_SPAWN,
          "/does/not/exist");
    fails("no-such-program-anywhere", MPI_ARGV_NULL, 1, MPI_INFO_NULL, MPI_ERR_SPAWN,
          "no-such-program-anywhere");
    fails("/tmp", MPI_ARGV_NULL, 1, MPI_INFO_NULL, MPI_ERR_SPAWN, "/tmp");
    if (CHECK(fd >= 0)) {
        fails(plain, MPI_ARGV_NULL, 1, MPI_INFO_NULL, MPI_ERR_SPAWN, plain); /* not executable */
        fchmod(fd, 0700); /* empty, so not a program of any kind */
        close(fd);
        fails(plain, MPI_ARGV_NULL, 1, MPI_INFO_NULL, MPI_ERR_SPAWN, plain);
        unlink(plain);
    }
    fails("", MPI_ARGV_NULL, 1, MPI_INFO_NULL, MPI_ERR_ARG, "empty");
    fails(NULL, MPI_ARGV_NULL, 1, MPI_INFO_NULL, MPI_ERR_ARG, NULL);
    fails(mt_program(), MPI_ARGV_NULL, 1, info_with("wdir", "/no/such/dir"),
          MPI_ERR_SPAWN, "/no/such/dir");
}

static void numbers(void)
{
    MPI_Comm inter = MPI_COMM_WORLD;
    int remote = -1;
    fails(mt_program(), MPI_ARGV_NULL, -1, MPI_INFO_NULL, MPI_ERR_ARG, "-1");
    fails(mt_program(), MPI_ARGV_NULL, 1000000, MPI_INFO_NULL, MPI_ERR_SPAWN, "1000000");
    fails(mt_program(), MPI_ARGV_NULL, 1 << 30, MPI_INFO_NULL, MPI_ERR_SPAWN, NULL);
    /* None at all is allowed, and gives an empty remote group. */
    OK(MPI_Comm_spawn(mt_program(), MPI_ARGV_NULL, 0, MPI_INFO_NULL, 0, MPI_COMM_SELF,
                      &inter, MPI_ERRCODES_IGNORE));
    OK(MPI_Comm_remote_size(inter, &remote));
    CHECK_EQ(remote, 0);
    OK(MPI_Comm_disconnect(&inter));
}

static void hints(void)
{
    fails(mt_program(), MPI_ARGV_NULL, 1, info_with("host", "no-such-host.example"),
          MPI_ERR_SPAWN, "no-such-host.example");
    fails(mt_program(), MPI_ARGV_NULL, 1, info_with("soft", "a:b"), MPI_ERR_INFO_VALUE,
          "a:b");
    fails(mt_program(), MPI_ARGV_NULL, 1, info_with("pvmx_lifetime", "eternal"),
          MPI_ERR_INFO_VALUE, "eternal");
    fails(mt_program(), MPI_ARGV_NULL, 1, info_with("pvmx_oversubscribe", "perhaps"),
          MPI_ERR_INFO_VALUE, "perhaps");
    fails(mt_program(), MPI_ARGV_NULL, 1, info_with("pvmx_env", "no equals sign"),
          MPI_ERR_INFO_VALUE, "NAME=value");
    fails(mt_program(), MPI_ARGV_NULL, 7000, info_with("pvmx_oversubscribe", "no"),
          MPI_ERR_SPAWN, "7000");
}

/* One argument of 1 MB is beyond what the kernel takes (128 KiB each). */
static void long_argument(void)
{
    char *arg = malloc(1 << 20), *argv[] = {arg, NULL};
    memset(arg, 'x', (1 << 20) - 1);
    arg[(1 << 20) - 1] = '\0';
    fails(mt_program(), argv, 1, MPI_INFO_NULL, MPI_ERR_SPAWN, NULL);
    free(arg);
}

static void still_works(void)
{
    MPI_Comm inter;
    int x = 0;
    OK(mt_spawn(MPI_COMM_SELF, 0, "child", NULL, 2, &inter));
    OK(MPI_Recv(&x, 1, MPI_INT, 1, 0, inter, MPI_STATUS_IGNORE));
    CHECK_EQ(x, 41);
    OK(MPI_Comm_disconnect(&inter));
}

int main(int argc, char **argv)
{
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        MPI_Comm parent;
        int rank, x;
        OK(MPI_Comm_get_parent(&parent));
        OK(MPI_Comm_rank(parent, &rank));
        x = 40 + rank;
        if (rank == 1)
            OK(MPI_Send(&x, 1, MPI_INT, 0, 0, parent));
        OK(MPI_Comm_disconnect(&parent));
        return mt_end();
    }
    programs();
    still_works();
    numbers();
    hints();
    long_argument();
    still_works();
    return mt_end();
}
