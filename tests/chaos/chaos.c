/* SPDX-License-Identifier: BSD-3-Clause */
/* chaos [SECONDS [SEED]]: spawns, connects, disconnects, merges, publishes, aborts and kills at random, but
 * the same way for the same seed. Every operation ends in bounded time with success or the right class
 * of error, and in the end nothing is left: no descriptor here or in the daemon, no process. */
#include "chaos.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAMILIES = 5, MOST = 4, STEP_LIMIT_S = 25 };

struct family {
    MPI_Comm inter; /* MPI_COMM_NULL: none */
    int n;
    int pids[MOST];
    bool dead[MOST]; /* killed by us, or told to end badly */
};

static struct family families[FAMILIES];
static unsigned long long seed = 1;
static int steps, daemon_pid, names;
static const char *doing = "start";
static double doing_since, slowest;
static const char *slowest_what = "nothing";

static unsigned roll(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 20) % n);
}

static void on_alarm(int sig)
{
    char text[160];
    int n = snprintf(text, sizeof(text), "chaos: step %d (%s) takes more than %d s\n",
                     steps, doing, STEP_LIMIT_S);
    (void)sig;
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) > 0)
        _exit(2);
    _exit(3);
}

/* ---- families ---------------------------------------------------------------------- */

static int first_living(const struct family *f)
{
    for (int i = 0; i < f->n; i++)
        if (!f->dead[i])
            return i;
    return -1;
}

static bool intact(const struct family *f)
{
    for (int i = 0; i < f->n; i++)
        if (f->dead[i])
            return false;
    return f->n > 0;
}

static struct family *any_family(bool there)
{
    unsigned from = roll(FAMILIES);
    for (unsigned i = 0; i < FAMILIES; i++) {
        struct family *f = &families[(from + i) % FAMILIES];
        if ((f->inter != MPI_COMM_NULL) == there)
            return f;
    }
    return NULL;
}

static void tell(struct family *f, int rank, int cmd, int x)
{
    int rc = MPI_Send((int[]){cmd, x}, 2, MPI_INT, rank, TAG_CMD, f->inter);
    if (f->dead[rank])
        tolerable(rc, "send to one that dies");
    else
        OK(rc);
}

static void kill_one(struct family *f, int rank)
{
    if (!f->dead[rank])
        mt_kill(f->pids[rank]);
    f->dead[rank] = true;
}

static void take(struct family *f, MPI_Comm inter)
{
    memset(f->dead, 0, sizeof(f->dead));
    f->inter = inter;
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    OK(MPI_Comm_remote_size(inter, &f->n));
    for (int i = 0; i < f->n; i++)
        OK(MPI_Recv(&f->pids[i], 1, MPI_INT, i, TAG_PID, inter, MPI_STATUS_IGNORE));
}

static void let_go(struct family *f)
{
    for (int i = 0; i < f->n; i++)
        if (!f->dead[i])
            tell(f, i, CMD_STOP, 0);
    if (roll(4) == 0 && first_living(f) >= 0) /* somebody dies instead of disconnecting */
        kill_one(f, first_living(f));
    for (int i = 0; i < f->n; i++) {
        int found = 0;
        if (f->dead[i])
            continue;
        OK(MPI_Recv(&found, 1, MPI_INT, i, TAG_ANSWER, f->inter, MPI_STATUS_IGNORE));
        CHECK_EQ(found, 0); /* what it has not tolerated */
    }
    OK(MPI_Comm_disconnect(&f->inter));
}

/* ---- steps ------------------------------------------------------------------------- */

static void spawn_family(void)
{
    struct family *f = any_family(false);
    static char mark[] = "--role", role[] = "worker";
    char *argv[] = {mark, role, NULL}, *program = (char *)(uintptr_t)mt_program();
    int n = 1 + (int)roll(MOST), codes[MOST];
    MPI_Comm inter = MPI_COMM_NULL;
    MPI_Request req;
    if (!f) {
        let_go(any_family(true));
        return;
    }
    switch (roll(3)) {
    case 0:
        OK(MPI_Comm_spawn(program, argv, n, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter, codes));
        break;
    case 1:
        OK(MPIX_Comm_ispawn(program, argv, n, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter,
                            codes, &req));
        OK(MPI_Wait(&req, MPI_STATUS_IGNORE));
        break;
    default:
        OK(MPI_Comm_spawn_multiple(2, (char *[]){program, program},
                                   (char **[]){argv, argv}, (int[]){n - 1, 1},
                                   (MPI_Info[]){MPI_INFO_NULL, MPI_INFO_NULL}, 0,
                                   MPI_COMM_SELF, &inter, codes));
    }
    if (CHECK(inter != MPI_COMM_NULL))
        take(f, inter);
    for (int i = 0; i < n; i++)
        CHECK_EQ(codes[i], MPI_SUCCESS);
    if (roll(6) == 0) /* dies at once */
        kill_one(f, (int)roll((unsigned)n));
}

static void spawn_nonsense(void)
{
    MPI_Comm inter;
    CHECK_CLASS(MPI_Comm_spawn("/does/not/exist", MPI_ARGV_NULL, 2, MPI_INFO_NULL, 0,
                               MPI_COMM_SELF, &inter, MPI_ERRCODES_IGNORE),
                MPI_ERR_SPAWN);
}

/* The living answer, the dead are known to be dead. */
static void talk(struct family *f)
{
    for (int i = 0; i < f->n; i++) {
        int x = (int)roll(1000), y = -1;
        tell(f, i, CMD_ECHO, x);
        int rc = MPI_Recv(&y, 1, MPI_INT, i, TAG_ANSWER, f->inter, MPI_STATUS_IGNORE);
        CHECK_CLASS(rc, f->dead[i] ? MPIX_ERR_PROC_FAILED : MPI_SUCCESS);
        if (!f->dead[i])
            CHECK_EQ(x, y);
    }
}

static void kill_somebody(struct family *f)
{
    int victim = (int)roll((unsigned)f->n), y;
    if (roll(3) == 0 && !f->dead[victim])
        tell(f, victim, CMD_EXIT, 7);
    else
        kill_one(f, victim);
    f->dead[victim] = true;
    if (roll(2)) {
        CHECK_CLASS(MPI_Recv(&y, 1, MPI_INT, victim, TAG_TEXT, f->inter, MPI_STATUS_IGNORE),
                    MPIX_ERR_PROC_FAILED);
    }
}

/* All of its world end. */
static void abort_world(struct family *f)
{
    int rank = first_living(f), y;
    if (rank < 0)
        return;
    tell(f, rank, CMD_ABORT, 0);
    for (int i = 0; i < f->n; i++) {
        f->dead[i] = true;
        CHECK_CLASS(MPI_Recv(&y, 1, MPI_INT, i, TAG_TEXT, f->inter, MPI_STATUS_IGNORE),
                    MPIX_ERR_PROC_FAILED);
    }
}

static void merge(struct family *f)
{
    if (!intact(f))
        return;
    int victim = roll(2) ? (int)roll((unsigned)f->n) : -1, die_at = 1 + (int)roll(ROUNDS);
    for (int i = 0; i < f->n; i++)
        tell(f, i, CMD_MERGE, 0);
    bool early = victim >= 0 && roll(3) == 0;
    if (early)
        mt_kill(f->pids[victim]);
    int left = work_together(f->inter, false, victim < 0 || early ? 0 : die_at,
                             victim < 0 ? 0 : f->pids[victim]);
    if (victim < 0)
        CHECK_EQ(left, f->n + 1);
    else
        CHECK(left == 0 || left == f->n || left == f->n + 1);
    if (victim >= 0) {
        /* Whatever came in between, it is dead by now, or will be soon. */
        f->dead[victim] = true;
        int y;
        if (!early && left == 0)
            mt_kill(f->pids[victim]);
        CHECK_CLASS(MPI_Recv(&y, 1, MPI_INT, victim, TAG_TEXT, f->inter, MPI_STATUS_IGNORE),
                    MPIX_ERR_PROC_FAILED);
    }
}

/* Accepts one who may be dead by then. */
static void accept_one(const char *port, bool sure)
{
    MPI_Comm inter = MPI_COMM_NULL;
    MPI_Info info;
    int x = 5;
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "timeout", sure ? "20" : "0.2"));
    int rc = MPI_Comm_accept(port, info, 0, MPI_COMM_SELF, &inter);
    OK(MPI_Info_free(&info));
    if (!sure && class_of(rc) == MPI_ERR_PORT)
        return;
    if (!OK(rc))
        return;
    OK(MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN));
    tolerable(MPI_Send(&x, 1, MPI_INT, 0, TAG_ANSWER, inter), "greeting");
    OK(MPI_Comm_disconnect(&inter));
}

static void meet(struct family *f)
{
    char port[MPI_MAX_PORT_NAME] = "";
    MPI_Comm inter;
    int rank = first_living(f);
    OK(MPI_Open_port(MPI_INFO_NULL, port));
    if (rank >= 0) {
        bool dies = roll(3) == 0;
        tell(f, rank, CMD_CONNECT, 0);
        OK(MPI_Send(port, (int)strlen(port) + 1, MPI_CHAR, rank, TAG_TEXT, f->inter));
        if (dies)
            kill_one(f, rank);
        accept_one(port, !dies);
    }
    OK(MPI_Close_port(port));
    CHECK_CLASS(MPI_Comm_connect(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter),
                MPI_ERR_PORT);
}

/* One that nobody has spawned. */
static void meet_stranger(void)
{
    char port[MPI_MAX_PORT_NAME] = "";
    bool dies = roll(3) == 0;
    OK(MPI_Open_port(MPI_INFO_NULL, port));
    int pid = mt_start("stranger", (const char *[]){port, NULL});
    if (dies) {
        usleep(roll(8000)); /* at whatever point of its life */
        mt_kill(pid);
    }
    accept_one(port, !dies);
    int status = mt_finish(pid);
    CHECK(status == 0 || (dies && status == 128 + SIGKILL));
    OK(MPI_Close_port(port));
}

static void publish(struct family *f)
{
    char name[64], port[MPI_MAX_PORT_NAME];
    int rank = first_living(f), y = -1;
    if (rank < 0)
        return;
    snprintf(name, sizeof(name), "chaos-%d", ++names);
    tell(f, rank, CMD_PUBLISH, names);
    OK(MPI_Recv(&y, 1, MPI_INT, rank, TAG_ANSWER, f->inter, MPI_STATUS_IGNORE));
    CHECK_EQ(y, MPI_SUCCESS);
    CHECK_CLASS(MPI_Publish_name(name, MPI_INFO_NULL, "mine"), MPI_ERR_SERVICE);
    OK(MPI_Lookup_name(name, MPI_INFO_NULL, port));
    if (roll(2)) {
        kill_one(f, rank);
        CHECK_CLASS(MPI_Recv(&y, 1, MPI_INT, rank, TAG_TEXT, f->inter, MPI_STATUS_IGNORE),
                    MPIX_ERR_PROC_FAILED);
        CHECK_CLASS(MPI_Lookup_name(name, MPI_INFO_NULL, port), MPI_ERR_NAME);
    }
}

static void spawn_below(struct family *f)
{
    int rank = first_living(f);
    if (rank < 0)
        return;
    tell(f, rank, CMD_SPAWN, 0);
    if (roll(2))
        kill_one(f, rank);
}

/* ---- the whole --------------------------------------------------------------------- */

static void begin(const char *what)
{
    double now = MPI_Wtime();
    if (steps > 0 && now - doing_since > slowest) {
        slowest = now - doing_since;
        slowest_what = doing;
    }
    doing = what;
    doing_since = now;
    steps++;
    signal(SIGALRM, on_alarm);
    alarm(STEP_LIMIT_S);
}

static void step(void)
{
    static const struct {
        const char *name;
        void (*run)(struct family *f); /* NULL: alone */
        void (*alone)(void);
        unsigned weight;
    } all[] = {
        {"spawn", NULL, spawn_family, 6}, {"spawn nonsense", NULL, spawn_nonsense, 1},
        {"talk", talk, NULL, 5},          {"kill", kill_somebody, NULL, 3},
        {"abort", abort_world, NULL, 1},  {"merge", merge, NULL, 5},
        {"meet", meet, NULL, 3},          {"meet a stranger", NULL, meet_stranger, 2},
        {"publish", publish, NULL, 2},    {"spawn below", spawn_below, NULL, 2},
        {"disconnect", let_go, NULL, 3},
    };
    unsigned sum = 0, at = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        sum += all[i].weight;
    unsigned r = roll(sum);
    while (r >= all[at].weight)
        r -= all[at++].weight;
    begin(all[at].name);
    struct family *f = all[at].run ? any_family(true) : NULL;
    if (f)
        all[at].run(f);
    else if (!all[at].run)
        all[at].alone();
}

/* Our own process id in the eyes of what we spawn, which is the daemon's child. */
static int find_daemon(void)
{
    char line[256];
    int pid = 0;
    spawn_family();
    struct family *f = any_family(true);
    snprintf(line, sizeof(line), "/proc/%d/status", f->pids[0]);
    FILE *s = fopen(line, "r");
    while (s && fgets(line, sizeof(line), s))
        if (sscanf(line, "PPid: %d", &pid) == 1)
            break;
    if (s)
        fclose(s);
    let_go(f);
    return pid;
}

/* Of all its threads: each has those that it has started. */
static int children_of(int pid)
{
    char path[320];
    int n = 0, child;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    for (const struct dirent *e; threads && (e = readdir(threads)) != NULL;) {
        snprintf(path, sizeof(path), "/proc/%d/task/%s/children", pid, e->d_name);
        FILE *f = fopen(path, "r");
        while (f && fscanf(f, "%d", &child) == 1)
            n++;
        if (f)
            fclose(f);
    }
    if (threads)
        closedir(threads);
    return n;
}

struct rest {
    int fds;
};

static bool nothing_left(void *arg)
{
    const struct rest *r = arg;
    return mt_fds_of(daemon_pid) <= r->fds && children_of(daemon_pid) == 0;
}

int main(int argc, char **argv)
{
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role))
        return strcmp(role, "stranger") == 0 ? stranger(argv[1]) : worker();
    double end = MPI_Wtime() + (argc > 1 ? atof(argv[1]) : 10);
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 20260401;
    unsigned long long first = seed;
    for (int i = 0; i < FAMILIES; i++)
        families[i].inter = MPI_COMM_NULL;
    daemon_pid = find_daemon();
    int ours = mt_count_fds();
    struct rest before = {0};
    CHECK(mt_until(nothing_left, &(struct rest){1 << 20}, 20)); /* the first family has gone */
    before.fds = mt_fds_of(daemon_pid);
    while (MPI_Wtime() < end && mt_failures() == 0)
        step();
    begin("end");
    for (int i = 0; i < FAMILIES && mt_failures() == 0; i++)
        if (families[i].inter != MPI_COMM_NULL)
            let_go(&families[i]);
    if (mt_failures() == 0) {
        CHECK_EQ(mt_count_fds(), ours);
        if (!CHECK(mt_until(nothing_left, &before, 20)))
            mt_fail(__FILE__, __LINE__,
                    "the daemon has %d descriptors (%d before), %d children",
                    mt_fds_of(daemon_pid), before.fds, children_of(daemon_pid));
    }
    fprintf(stderr, "chaos: seed %llu, %d steps, the slowest %.3f s (%s), %s\n", first,
            steps, slowest, slowest_what, mt_failures() ? doing : "all well");
    return mt_end();
}
