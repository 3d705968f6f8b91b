/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: begun and ended, their hints, and the sets of processes that they offer:
 * mpi://WORLD    those that were started together with this one
 * mpi://SELF     this one
 * pvmx://PARENT  those that spawned this one's world; not there when nobody did */
#include "rt/session.h"
#include "abi/handles.h"
#include "comm/comm.h"
#include "pt2pt/pt2pt.h"
#include "rt/err.h"
#include "rt/errhandler.h"
#include "rt/info.h"
#include "rt/infoenv.h"
#include "rt/memkinds.h"
#include "rt/state.h"
#include "xmpi.h"
#include <pvmx/engine/dyn.h>
#include <pvmx/engine/prog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct xmpi_session *xmpi_session_ref(struct xmpi_session *s)
{
    if (s)
        xmpi_obj_ref(&s->obj);
    return s;
}

void xmpi_session_unref(struct xmpi_session *s)
{
    if (!s || !xmpi_obj_unref(&s->obj))
        return;
    xmpi_errhandler_unref(s->errhandler);
    xmpi_info_release(s->info);
    free(s);
}

/* The hints that a session understands, with the values in use. */
static int read_hints(const struct xmpi_info *asked, int *level, struct xmpi_info **out)
{
    char kinds[MPI_MAX_INFO_VAL];
    const char *name = xmpi_info_value(asked, "thread_level");
    const char *memory = xmpi_info_value(asked, XMPI_MEMKINDS_KEY);
    *level = MPI_THREAD_SINGLE;
    if (name && !xmpi_thread_level_of(name, level))
        return xmpi_err(MPI_ERR_INFO_VALUE,
                        "thread_level is \"%s\", which is not a thread level", name);
    *level = xmpi_thread_level_for(*level);
    struct xmpi_info *info = xmpi_info_new();
    if (!info)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for the hints of a session");
    if (memory)
        xmpi_memkinds(memory, kinds, sizeof(kinds));
    else
        xmpi_memkinds_initial(kinds, sizeof(kinds));
    int cls = xmpi_info_put(info, "thread_level", xmpi_thread_level_name(*level));
    if (!cls)
        cls = xmpi_info_put(info, XMPI_MEMKINDS_KEY, kinds);
    if (cls)
        xmpi_info_release(info);
    else
        *out = info;
    return cls;
}

int xmpi_session_init(struct xmpi_info *info, struct xmpi_errhandler *errhandler,
                      MPI_Session *session)
{
    int level, cls = xmpi_errhandler_fits(errhandler, XMPI_KIND_SESSION);
    struct xmpi_info *hints;
    if (!cls)
        cls = read_hints(info, &level, &hints);
    if (cls)
        return cls;
    struct xmpi_session *s = calloc(1, sizeof(*s));
    cls = s ? xmpi_life_begin(level == MPI_THREAD_MULTIPLE, true)
            : xmpi_err(MPI_ERR_NO_MEM, "no memory for a session");
    if (cls) {
        xmpi_info_release(hints);
        free(s);
        return cls;
    }
    xmpi_obj_init(&s->obj, XMPI_KIND_SESSION);
    s->info = hints;
    s->errhandler = xmpi_errhandler_ref(errhandler);
    *session = xmpi_session_handle(s);
    return MPI_SUCCESS;
}

int xmpi_session_finalize(MPI_Session *handle)
{
    struct xmpi_session *s = xmpi_session_of(*handle);
    *handle = MPI_SESSION_NULL;
    xmpi_bsend_stop(s);
    /* What the program should have freed. */
    xmpi_comm_stop_of(s);
    /* Groups may hold it for longer; to the program it has gone. */
    s->obj.kind = XMPI_KIND_FREED;
    xmpi_session_unref(s);
    xmpi_life_end();
    return MPI_SUCCESS;
}

int xmpi_session_get_info(struct xmpi_session *session, MPI_Info *info_used)
{
    struct xmpi_info *copy = xmpi_info_copy(session->info);
    if (!copy)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an info object");
    *info_used = xmpi_info_handle(copy);
    return MPI_SUCCESS;
}

/* ---- process sets ------------------------------------------------------------------ */

enum { WORLD, SELF, PARENT, SETS };

static const char names[SETS][16] = {"mpi://WORLD", "mpi://SELF", "pvmx://PARENT"};

static int number_of_sets(void)
{
    const struct pvmx_birth *birth = pvmx_engine_birth();
    return birth && birth->nparents > 0 ? SETS : PARENT;
}

/* The number of a name, -1: there is no such set. */
static int find_set(const char *name)
{
    for (int i = 0; i < number_of_sets(); i++)
        if (strcasecmp(names[i], name) == 0)
            return i;
    return -1;
}

static int no_set(const char *name)
{
    return xmpi_err(MPI_ERR_ARG, "there is no process set \"%.200s\"", name);
}

/* Members in rank order, owned by others. */
static const pvmx_tid *members(int set, int *n)
{
    const struct xmpi_group *g = set == SELF ? xmpi_self.local : xmpi_world.local;
    if (set == PARENT) {
        *n = pvmx_engine_birth()->nparents;
        return pvmx_engine_birth()->parents;
    }
    *n = g->size;
    return g->tids;
}

const pvmx_tid *xmpi_pset_members(const char *name, int *n)
{
    int set = find_set(name);
    return set < 0 ? NULL : members(set, n);
}

int xmpi_session_get_num_psets(struct xmpi_session *session, struct xmpi_info *info,
                               int *npset_names)
{
    (void)session;
    (void)info;
    *npset_names = number_of_sets();
    return MPI_SUCCESS;
}

int xmpi_session_get_nth_pset(struct xmpi_session *session, struct xmpi_info *info, int n,
                              int *pset_len, char *pset_name)
{
    (void)session;
    (void)info;
    if (n < 0 || n >= number_of_sets())
        return xmpi_err(MPI_ERR_ARG, "n is %d; process sets are 0 to %d", n,
                        number_of_sets() - 1);
    if (*pset_len < 0)
        return xmpi_err(MPI_ERR_ARG, "pset_len is %d; it must not be negative", *pset_len);
    if (*pset_len > 0) {
        if (!pset_name)
            return xmpi_err(MPI_ERR_ARG, "pset_name is a null pointer");
        snprintf(pset_name, (size_t)*pset_len, "%s", names[n]);
    }
    *pset_len = (int)strlen(names[n]) + 1;
    return MPI_SUCCESS;
}

int xmpi_session_get_pset_info(struct xmpi_session *session, const char *pset_name,
                               MPI_Info *info)
{
    char text[16];
    int n;
    (void)session;
    if (!xmpi_pset_members(pset_name, &n))
        return no_set(pset_name);
    struct xmpi_info *made = xmpi_info_new();
    if (!made)
        return xmpi_err(MPI_ERR_NO_MEM, "no memory for an info object");
    snprintf(text, sizeof(text), "%d", n);
    int cls = xmpi_info_put(made, "mpi_size", text);
    if (cls)
        xmpi_info_release(made);
    else
        *info = xmpi_info_handle(made);
    return cls;
}

int xmpi_group_from_session_pset(struct xmpi_session *session, const char *pset_name,
                                 MPI_Group *newgroup)
{
    struct xmpi_group *group;
    int n;
    const pvmx_tid *tids = xmpi_pset_members(pset_name, &n);
    *newgroup = MPI_GROUP_NULL;
    if (!tids)
        return no_set(pset_name);
    int cls = xmpi_group_make(tids, n, &group);
    if (cls)
        return cls;
    xmpi_group_set_session(group, session);
    *newgroup = xmpi_group_handle(group);
    return MPI_SUCCESS;
}
