/* SPDX-License-Identifier: BSD-3-Clause */
/* Children end with a spawner that fails while they are connected: by the intercommunicator or by
 * another communicator that came from it. Detached ones, and ones whose every communicator was
 * disconnected, go on. */
#include "mtest.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the process in the middle does with its child before it dies. */
static const char *const ways[] = {"plain", "merged", "apart", "freed", "detached"};
enum { WAYS = 5, PLAIN = 0, MERGED, APART, FREED, DETACHED };

static int way_of(const char *name)
{
    for (int i = 0; i < WAYS; i++)
        if (strcmp(ways[i], name) == 0)
            return i;
    return -1;
}

/* Says its id, takes its part in what the way asks for, and stays. */
static int grandchild(int way)
{
    MPI_Comm parent, all;
    int pid = (int)getpid();
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Send(&pid, 1, MPI_INT, 0, 1, parent));
    if (way == MERGED || way == APART)
        OK(MPI_Intercomm_merge(parent, 1, &all));
    if (way == APART)
        OK(MPI_Comm_disconnect(&all));
    if (way == FREED)
        OK(MPI_Comm_free(&parent));
    else if (way == MERGED || way == APART)
        OK(MPI_Comm_disconnect(&parent));
    alarm(30); /* should nobody end it */
    signal(SIGALRM, SIG_DFL);
    pause();
    return 0;
}

static void middle(int way)
{
    MPI_Comm inter, all, parent;
    MPI_Info info = MPI_INFO_NULL;
    static char mark[] = "--role", role[] = "grandchild";
    char *argv[] = {mark, role, (char *)(uintptr_t)ways[way], NULL};
    int pid = 0;
    if (way == DETACHED) {
        OK(MPI_Info_create(&info));
        OK(MPI_Info_set(info, "pvmx_lifetime", "detached"));
    }
    OK(MPI_Comm_spawn(mt_program(), argv, 1, info, 0, MPI_COMM_SELF, &inter,
                      MPI_ERRCODES_IGNORE));
    OK(MPI_Recv(&pid, 1, MPI_INT, 0, 1, inter, MPI_STATUS_IGNORE));
    if (way == MERGED || way == APART)
        OK(MPI_Intercomm_merge(inter, 0, &all));
    if (way == APART)
        OK(MPI_Comm_disconnect(&all));
    if (way == FREED)
        OK(MPI_Comm_free(&inter));
    else if (way == MERGED || way == APART)
        OK(MPI_Comm_disconnect(&inter));
    OK(MPI_Comm_get_parent(&parent));
    OK(MPI_Ssend(&pid, 1, MPI_INT, 0, 2, parent));
    raise(SIGKILL);
}

static bool no_such_process(void *arg)
{
    return kill(*(int *)arg, 0) != 0 && errno == ESRCH;
}

static void try_way(int way)
{
    MPI_Comm inter;
    const char *more[] = {ways[way], NULL};
    int pid = 0, x;
    if (!OK(mt_spawn(MPI_COMM_SELF, 0, "middle", more, 1, &inter)))
        return;
    OK(MPI_Recv(&pid, 1, MPI_INT, 0, 2, inter, MPI_STATUS_IGNORE));
    if (!CHECK(pid > 1))
        return;
    CHECK_CLASS(MPI_Recv(&x, 1, MPI_INT, 0, 3, inter, MPI_STATUS_IGNORE), MT_ERR_PROC_FAILED);
    /* The daemon, which has told us, acts on the children in the same breath; a second is ample to
     * see that it does not. */
    bool ends = way == PLAIN || way == MERGED || way == FREED;
    bool ended = mt_until(no_such_process, &pid, ends ? 20 : 1);
    if (ended != ends)
        mt_fail(__FILE__, __LINE__, "%s: the grandchild %s", ways[way],
                ended ? "has ended" : "lives on");
    if (!ended)
        mt_kill(pid);
    OK(MPI_Comm_disconnect(&inter));
}

int main(int argc, char **argv)
{
    const char *role;
    mt_begin(&argc, &argv, 0);
    if (mt_is_child(&role)) {
        if (strcmp(role, "grandchild") == 0)
            return grandchild(way_of(argv[1]));
        middle(way_of(argv[1]));
        return 1;
    }
    for (int way = 0; way < WAYS; way++)
        try_way(way);
    return mt_end();
}
