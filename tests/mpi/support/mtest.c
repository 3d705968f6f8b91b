/* SPDX-License-Identifier: BSD-3-Clause */
/* Support of MPI test programs: processes, checks, time limit. */
#include "mtest.h"
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int mt_thread_level = MPI_THREAD_SINGLE;
int mt_rank, mt_size = 1;

static MPI_Comm world = MPI_COMM_NULL, report = MPI_COMM_NULL;
static atomic_int failures;
static char program[PATH_MAX];
static const char *role;
static const char *_Atomic last_file = "start";
static atomic_int last_line;

/* First argument of a spawned process, before its role. */
static const char role_mark[] = "--role";
/* Role of the processes that mt_begin starts to fill its communicator. */
static const char member_role[] = "member";

static void on_alarm(int sig)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s: rank %d: time limit; last check begun: %s:%d\n",
                     program, mt_rank, last_file, last_line);
    (void)sig;
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
        _exit(3);
    _exit(2);
}

static void set_limit(void)
{
    const char *text = getenv("MTEST_LIMIT");
    int limit = text ? atoi(text) : 60;
    signal(SIGALRM, on_alarm);
    alarm((unsigned)(limit > 4 ? limit - 2 : limit)); /* before ctest's, which says less */
}

/* A virtual machine of its own, so that tests do not meet and what is left behind can be seen. */
static void set_vm(void)
{
    char name[64];
    if (getenv("PVMX_TASK") || getenv("PVMX_VM"))
        return;
    snprintf(name, sizeof(name), "mtest-%d", (int)getpid());
    setenv("PVMX_VM", name, 1);
}

static void take_role(int *argc, char ***argv)
{
    if (*argc >= 3 && strcmp((*argv)[1], role_mark) == 0) {
        role = (*argv)[2];
        (*argv)[2] = (*argv)[0];
        *argv += 2;
        *argc -= 2;
    }
}

/* The communicator of n processes: the world of mpiexec, or this process and n - 1 new ones. */
static MPI_Comm gather_world(int n)
{
    MPI_Comm inter = MPI_COMM_NULL, comm = MPI_COMM_NULL;
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (role && strcmp(role, member_role) == 0) {
        MPI_Comm_get_parent(&inter);
        MPI_Intercomm_merge(inter, 1, &comm);
    } else if (size > 1 || n == 1) {
        MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    } else {
        if (mt_spawn(MPI_COMM_SELF, 0, member_role, NULL, n - 1, &inter) != MPI_SUCCESS)
            return MPI_COMM_NULL;
        MPI_Intercomm_merge(inter, 0, &comm);
    }
    if (inter != MPI_COMM_NULL)
        MPI_Comm_free(&inter);
    return comm;
}

void mt_prepare(int *argc, char ***argv)
{
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (len < 0)
        snprintf(program, sizeof(program), "%s", (*argv)[0]);
    set_limit();
    set_vm();
    take_role(argc, argv);
}

MPI_Comm mt_begin(int *argc, char ***argv, int n)
{
    int provided;
    mt_prepare(argc, argv);
    MPI_Init_thread(argc, argv, mt_thread_level, &provided);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm parent;
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL)
        MPI_Comm_set_errhandler(parent, MPI_ERRORS_RETURN);
    if (n == 0 || (role && strcmp(role, member_role) != 0))
        return MPI_COMM_NULL;
    world = gather_world(n);
    if (world == MPI_COMM_NULL) {
        fprintf(stderr, "%s: the processes of this test could not be started\n", program);
        exit(1);
    }
    MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
    MPI_Comm_dup(world, &report); /* so that no wildcard of the test hears its end */
    MPI_Comm_rank(world, &mt_rank);
    MPI_Comm_size(world, &mt_size);
    if (mt_size < n) {
        fprintf(stderr, "%s: needs %d processes, has %d\n", program, n, mt_size);
        exit(1);
    }
    return world;
}

/* Adds up what all processes found, by point-to-point messages only. */
static int total_failures(void)
{
    int mine = failures, sum = failures;
    if (world == MPI_COMM_NULL)
        return sum;
    for (int i = 1; i < mt_size && mt_rank == 0; i++) {
        if (MPI_Recv(&mine, 1, MPI_INT, i, 99, report, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            mine = 1;
        sum += mine;
    }
    if (mt_rank != 0)
        MPI_Send(&mine, 1, MPI_INT, 0, 99, report);
    return sum;
}

int mt_end(void)
{
    int sum = total_failures();
    if (world != MPI_COMM_NULL) {
        MPI_Comm_disconnect(&report);
        MPI_Comm_disconnect(&world);
    }
    MPI_Finalize();
    return sum ? 1 : 0;
}

bool mt_is_child(const char **out)
{
    if (out)
        *out = role ? role : "";
    return role && strcmp(role, member_role) != 0;
}

const char *mt_program(void)
{
    return program;
}

int mt_spawn(MPI_Comm comm, int root, const char *r, const char *const *more, int n,
             MPI_Comm *inter)
{
    char *args[32] = {(char *)(uintptr_t)role_mark, (char *)(uintptr_t)r};
    for (int i = 2; more && *more && i < 31; i++)
        args[i] = (char *)(uintptr_t)*more++;
    int rc = MPI_Comm_spawn(program, args, n, MPI_INFO_NULL, root, comm, inter,
                            MPI_ERRCODES_IGNORE);
    if (rc == MPI_SUCCESS)
        MPI_Comm_set_errhandler(*inter, MPI_ERRORS_RETURN);
    return rc;
}

int mt_start(const char *r, const char *const *more)
{
    char *args[32] = {program, (char *)(uintptr_t)role_mark, (char *)(uintptr_t)r};
    for (int i = 3; more && *more && i < 31; i++)
        args[i] = (char *)(uintptr_t)*more++;
    pid_t pid = fork();
    if (pid == 0) {
        unsetenv("PVMX_TASK");
        execv(program, args);
        _exit(127);
    }
    if (pid < 0)
        mt_fail(__FILE__, __LINE__, "%s cannot be started", program);
    return (int)pid;
}

int mt_finish(int pid)
{
    int status = 0;
    if (pid <= 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- checks -------------------------------------------------------------------------- */

int mt_failures(void)
{
    return failures;
}

void mt_at(const char *file, int line)
{
    last_file = file;
    last_line = line;
}

void mt_fail(const char *file, int line, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fprintf(stderr, "%s:%d: rank %d%s%s: %s\n", file, line, mt_rank, role ? " of " : "",
            role ? role : "", text);
    failures++;
}

bool mt_check(bool ok, const char *file, int line, const char *text)
{
    mt_at(file, line);
    if (!ok)
        mt_fail(file, line, "%s does not hold", text);
    return ok;
}

bool mt_check_eq(long long a, long long b, const char *file, int line, const char *ta,
                 const char *tb)
{
    mt_at(file, line);
    if (a != b)
        mt_fail(file, line, "%s is %lld, not %s (%lld)", ta, a, tb, b);
    return a == b;
}

bool mt_check_class(int rc, int wanted, const char *file, int line, const char *text)
{
    char said[MPI_MAX_ERROR_STRING] = "";
    int class = rc, len;
    if (rc != MPI_SUCCESS)
        MPI_Error_class(rc, &class);
    if (class == wanted)
        return true;
    MPI_Error_string(rc, said, &len);
    mt_fail(file, line, "%s gives class %d, not %d: %s", text, class, wanted, said);
    return false;
}

void mt_fill(void *buf, size_t n, unsigned seed)
{
    unsigned char *b = buf;
    for (size_t i = 0; i < n; i++)
        b[i] = (unsigned char)((i * 131 + (i >> 8) * 7 + seed * 29 + 1) & 0xff);
}

bool mt_filled(const void *buf, size_t n, unsigned seed)
{
    const unsigned char *b = buf;
    for (size_t i = 0; i < n; i++)
        if (b[i] != (unsigned char)((i * 131 + (i >> 8) * 7 + seed * 29 + 1) & 0xff))
            return false;
    return true;
}

bool mt_until(bool (*cond)(void *arg), void *arg, double s)
{
    double end = MPI_Wtime() + s;
    int flag;
    while (!cond(arg)) {
        if (MPI_Wtime() > end)
            return false;
        MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_SELF, &flag, MPI_STATUS_IGNORE);
    }
    return true;
}

void mt_kill(int pid)
{
    if (pid <= 1 || kill(pid, SIGKILL) != 0)
        mt_fail(__FILE__, __LINE__, "process %d cannot be killed", pid);
}

int mt_fds_of(int pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

int mt_count_fds(void)
{
    return mt_fds_of((int)getpid()) - 1; /* the directory's own */
}

long mt_rss_kb(void)
{
    long size = 0, rss = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &size, &rss) != 2)
        rss = 0;
    if (f)
        fclose(f);
    return rss * (sysconf(_SC_PAGESIZE) / 1024);
}
