/* SPDX-License-Identifier: BSD-3-Clause */
/* Tasks that work in a daemon's place: a tasker starts tasks, a hoster the daemons of other hosts. */
#include "check.h"

#include <netinet/in.h>
#include <pvmsdpro.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 3, FACTS = 1, GO = 2, GONE = 3, BIG = 4, LONG = 1 << 18 };

/* ---- the tasker, in a process of its own, as one that a person starts */

static struct {
    pid_t pid;
    int tid;
} running[64];

static int get(void)
{
    int v;
    SAME(pvm_upkint(&v, 1, 1), PvmOk);
    return v;
}

static char **get_texts(int n, int before, int behind)
{
    static char text[1 << 16];
    char **list = calloc((size_t)(n + before + behind + 1), sizeof *list);
    CHECK(list != NULL);
    for (int i = 0; i < n; i++) {
        SAME(pvm_upkstr(text), PvmOk);
        list[before + i] = strdup(text);
    }
    return list;
}

static void ended(int daemon, int tid, int status)
{
    int v[6] = {tid, status};
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkint(v, 6, 1), PvmOk);
    SAME(pvm_send(daemon, SM_TASKX), PvmOk);
}

static void start(void)
{
    char path[4096], seen[32];
    int tid = get(), flags = get(), at = 0;
    SAME(pvm_upkstr(path), PvmOk);
    char **argv = get_texts(get(), 1, 0);
    int nenv = get();
    char **env = get_texts(nenv, 0, 1);
    argv[0] = path;
    snprintf(seen, sizeof seen, "SEEN_FLAGS=%d", flags);
    env[nenv] = seen;
    while (running[at].pid != 0)
        CHECK(++at < 64);
    pid_t tasker = getpid(), pid = fork();
    if (pid == 0) {
        if (argv[1] != NULL && strcmp(argv[1], "1000") == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else ends it */
            if (getppid() != tasker)          /* which has been killed before that */
                _exit(127);
        }
        execve(path, argv, env);
        _exit(127);
    }
    running[at].pid = pid;
    running[at].tid = tid;
    for (int i = 0; argv[i + 1] != NULL; i++)
        free(argv[i + 1]);
    for (int i = 0; i < nenv; i++)
        free(env[i]);
    free(argv);
    free(env);
}

static void be_tasker(void)
{
    int daemon = 0, status;
    pid_t pid;
    SAME(pvm_setopt(PvmResvTids, 1), 0);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_reg_tasker(), PvmOk);
    SAME(pvm_reg_tasker(), PvmAlready);
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_putinfo("tasker", pvm_getsbuf(), PvmMboxDefault), 0);
    for (;;) {
        struct timeval limit = {0, 5000};
        int buf = pvm_trecv(-1, SM_STTASK, &limit);
        if (buf > 0) {
            SAME(pvm_bufinfo(buf, NULL, NULL, &daemon), PvmOk);
            start();
        }
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
            for (int i = 0; i < 64; i++)
                if (running[i].pid == pid) {
                    running[i].pid = 0;
                    ended(daemon, running[i].tid, status);
                }
    }
}

static void be_tasker_there(int parent)
{
    (void)parent;
    be_tasker();
}

/* ---- the hoster: the command is for a shell of that host, which is this machine, or with TEST_NETNS a
 * network namespace of this name */

/* A stranger calls first: the new daemon does not listen to him. */
static void call_as_stranger(const char *line)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned port;
    CHECK(sscanf(strstr(line, "ip<"), "ip<%*8x:%4x>", &port) == 1);
    a.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    CHECK(write(fd, "pvmx-join 1\nvm mine\nend\n", 25) == 25);
    close(fd);
}

static void run(const char *login, char *command, char *line, int size)
{
    if (strcmp(login, "somebody@broken") == 0) {
        snprintf(line, (size_t)size, "PvmCantStart");
        return;
    }
    char within[400];
    if (getenv("TEST_NETNS") != NULL) {
        CHECK(setenv("HOSTER_COMMAND", command, 1) == 0);
        snprintf(within, sizeof within, "ip netns exec %s sh -c \"$HOSTER_COMMAND\"", login);
        command = within;
    }
    FILE *f = popen(command, "r");
    CHECK(f != NULL && fgets(line, size, f) != NULL);
    line[strcspn(line, "\n")] = 0;
    CHECK(pclose(f) == 0);
    CHECK(strncmp(line, "ddpro<2316> arch<LINUX64> ip<", 29) == 0);
    if (strcmp(login, "v2") == 0)
        call_as_stranger(line);
}

static void host(int n)
{
    char option[64], login[256], command[8192], line[1024];
    struct pvmminfo asked, m;
    SAME(pvm_getminfo(pvm_getrbuf(), &asked), PvmOk);
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    for (int i = 0; i < n; i++) {
        int tid = get();
        SAME(pvm_upkstr(option), PvmOk);
        SAME(pvm_upkstr(login), PvmOk);
        SAME(pvm_upkstr(command), PvmOk);
        run(login, command, line, sizeof line);
        SAME(pvm_pkint(&tid, 1, 1), PvmOk);
        SAME(pvm_pkstr(line), PvmOk);
    }
    SAME(pvm_getminfo(pvm_getsbuf(), &m), PvmOk);
    m.wid = asked.wid;
    SAME(pvm_setminfo(pvm_getsbuf(), &m), PvmOk);
    SAME(pvm_send(asked.src, SM_STHOSTACK), PvmOk);
}

static void be_hoster(void)
{
    SAME(pvm_setopt(PvmResvTids, 1), 0);
    pvm_setopt(PvmAutoErr, 0);
    SAME(pvm_reg_hoster(), PvmOk);
    SAME(pvm_reg_hoster(), PvmAlready);
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_putinfo("hoster", pvm_getsbuf(), PvmMboxDefault), 0);
    for (;;) {
        CHECK(pvm_recv(-1, SM_STHOST) > 0);
        host(get());
    }
}

/* ---- who spawns, and adds hosts */

static pid_t start_helper(char *name, int *tid)
{
    char role[32];
    snprintf(role, sizeof role, "be_%s", name);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        execl(own_program, own_program, role, NULL);
        _exit(9);
    }
    struct pvmminfo m;
    int buf = pvm_recvinfo(name, 0, PvmMboxWaitForInfo);
    CHECK(buf > 0);
    SAME(pvm_getminfo(buf, &m), PvmOk);
    *tid = m.src;
    return pid;
}

/* What a child tells: the process that has started it, flags, how many siblings, how a process of its own is
 * seen. */
static void facts_of(int tid, int parent_process, int flags, int siblings)
{
    struct timeval limit = {60, 0};
    CHECK(pvm_trecv(tid, FACTS, &limit) > 0);
    int process = get();
    if (parent_process > 0)
        SAME(process, parent_process);
    else
        CHECK(process != -parent_process);
    SAME(get(), flags);
    SAME(get(), siblings);
    SAME(get(), PvmNoParent);
}

static void long_message(int tid)
{
    static int data[LONG];
    for (int i = 0; i < LONG; i++)
        data[i] = i * 7 + tid;
    SAME(pvm_psend(tid, BIG, data, LONG, PVM_INT), PvmOk);
    SAME(recv_int(tid, BIG), data[LONG - 1]);
}

static void tasker(void)
{
    int t[N], tid, info, helper;
    char *args[] = {"tasker", NULL}, *sleep[] = {"1000", NULL};
    CHECK(pvm_mytid() > 0);
    pid_t pid = start_helper("tasker", &helper);
    SAME(pvm_spawn(own_program, args, PvmTaskTrace, "", N, t), N);
    SAME(pvm_notify(PvmTaskExit, GONE, N, t), PvmOk);
    for (int i = 0; i < N; i++) {
        facts_of(t[i], pid, PvmTaskTrace, N);
        SAME(pvm_pstat(t[i]), PvmOk);
    }
    long_message(t[0]);
    send_int(t[0], GO, 0); /* ends by itself */
    SAME(recv_int(-1, GONE), t[0]);
    SAME(pvm_kill(t[1]), PvmOk);
    SAME(recv_int(-1, GONE), t[1]);
    /* Programs that make no call: their end is known from the tasker. */
    SAME(pvm_spawn("true", NULL, PvmTaskDefault, "", 1, &tid), 1);
    SAME(pvm_notify(PvmTaskExit, GONE, 1, &tid), PvmOk);
    SAME(recv_int(-1, GONE), tid);
    SAME(pvm_pstat(tid), PvmNoTask);
    SAME(pvm_spawn("no-such-program", NULL, PvmTaskDefault, "", 1, &info), 0);
    SAME(info, PvmNoFile);
    /* The tasker ends: what it was asked for and has not come ends too, others stay. */
    SAME(pvm_spawn("sleep", sleep, PvmTaskDefault, "", 1, &tid), 1);
    SAME(pvm_notify(PvmTaskExit, GONE, 1, &tid), PvmOk);
    pvm_kill(helper);
    SAME(recv_int(-1, GONE), tid);
    CHECK(waitpid(pid, NULL, 0) == pid);
    send_int(t[2], GO, 0);
    SAME(recv_int(-1, GONE), t[2]);
    SAME(pvm_spawn(own_program, args, PvmTaskDefault, "", 1, t), 1);
    facts_of(t[0], -pid, -1, 1);
    send_int(t[0], GO, 0);
}

/* The first two of TEST_HOSTS. */
static void test_hosts(char first[64], char second[64])
{
    const char *list = getenv("TEST_HOSTS");
    CHECK(list != NULL && sscanf(list, "%63s %63s", first, second) == 2);
}

/* A tasker of another host, where the tasks that it is asked for are. */
static void far_tasker(void)
{
    char first[64], second[64], *list[] = {first}, *helper[] = {"be_tasker", NULL},
                                *args[] = {"tasker", NULL};
    struct pvmtaskinfo *ti;
    int host, tasker_tid, t[N], n;
    test_hosts(first, second);
    SAME(pvm_addhosts(list, 1, &host), 1);
    SAME(pvm_spawn(own_program, helper, PvmTaskHost, first, 1, &tasker_tid), 1);
    CHECK(pvm_recvinfo("tasker", 0, PvmMboxWaitForInfo) > 0);
    SAME(pvm_tasks(tasker_tid, &n, &ti), PvmOk);
    int pid = ti->ti_pid;
    CHECK(n == 1 && pid > 0 && ti->ti_host == host);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, first, N, t), N);
    SAME(pvm_notify(PvmTaskExit, GONE, N, t), PvmOk);
    for (int i = 0; i < N; i++) {
        SAME(pvm_tidtohost(t[i]), host);
        facts_of(t[i], pid, PvmTaskHost, N);
    }
    long_message(t[0]);
    send_int(t[0], GO, 0);
    SAME(recv_int(-1, GONE), t[0]);
    SAME(pvm_kill(t[1]), PvmOk);
    SAME(recv_int(-1, GONE), t[1]);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, ".", 1, t), 1); /* has nothing to do with it */
    facts_of(t[0], -pid, -1, 1);
    send_int(t[0], GO, 0);
    SAME(pvm_delhosts(list, 1, &n), 1); /* tasker, tasks and host go together */
    SAME(recv_int(-1, GONE), t[2]);
}

static void hoster(void)
{
    char first[64], second[80], broken[] = "broken lo=somebody",
                                *hosts[] = {first, second, broken},
                                *args[] = {"hoster", NULL};
    int info[3], n, helper, tid;
    struct pvmhostinfo *h;
    test_hosts(first, second);
    CHECK(pvm_mytid() > 0);
    pid_t pid = start_helper("hoster", &helper);
    strcat(second, " sp=2000");
    SAME(pvm_addhosts(hosts, 3, info), 2);
    CHECK(info[0] > 0 && info[1] > 0 && info[2] < 0);
    SAME(pvm_config(&n, NULL, &h), PvmOk);
    SAME(n, 3);
    SAME(h[2].hi_speed, 2000);
    SAME(pvm_spawn(own_program, args, PvmTaskHost, h[2].hi_name, 1, &tid), 1);
    SAME(pvm_tidtohost(tid), info[1]);
    SAME(recv_int(tid, FACTS), pvm_mytid());
    SAME(pvm_delhosts(hosts, 1, info), 1);
    pvm_kill(helper);
    CHECK(waitpid(pid, NULL, 0) == pid);
    do /* its end is known a moment later */
        usleep(1000);
    while (pvm_pstat(helper) == PvmOk);
    SAME(pvm_addhosts(hosts, 1, info), 1); /* as without */
}

static void hoster_child(int parent)
{
    send_int(parent, FACTS, parent);
}

/* A process that a task has started is a task of its own. */
static int grandchild(void)
{
    int ends[2], seen = 0;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], 1);
        execl(own_program, own_program, "alone", NULL);
        _exit(9);
    }
    CHECK(read(ends[0], &seen, sizeof seen) == sizeof seen);
    CHECK(waitpid(pid, NULL, 0) == pid);
    close(ends[0]);
    close(ends[1]);
    return seen;
}

static void alone(void)
{
    pvm_setopt(PvmAutoErr, 0);
    int parent = pvm_parent();
    CHECK(write(1, &parent, sizeof parent) == sizeof parent);
}

static void child(int parent)
{
    static int data[LONG];
    int *tids, from;
    const char *flags = getenv("SEEN_FLAGS");
    int v[4] = {getppid(), flags ? atoi(flags) : -1, pvm_siblings(&tids), grandchild()};
    CHECK(pvm_initsend(PvmDataDefault) > 0);
    SAME(pvm_pkint(v, 4, 1), PvmOk);
    SAME(pvm_send(parent, FACTS), PvmOk);
    while (pvm_probe(parent, GO) == 0) {
        struct timeval limit = {0, 20000};
        if (pvm_trecv(parent, BIG, &limit) <= 0)
            continue;
        SAME(pvm_bufinfo(pvm_getrbuf(), NULL, NULL, &from), PvmOk);
        SAME(pvm_upkint(data, LONG, 1), PvmOk);
        send_int(from, BIG, data[LONG - 1]);
    }
}

const struct test_case cases[] = {{"tasker", tasker, child},
                                  {"hoster", hoster, hoster_child},
                                  {"be_hoster", be_hoster, NULL},
                                  {"far_tasker", far_tasker, NULL},
                                  {"be_tasker", be_tasker, be_tasker_there},
                                  {"alone", alone, NULL},
                                  {0}};
