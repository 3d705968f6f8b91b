/* SPDX-License-Identifier: BSD-3-Clause */
/* Generalized requests: when the program's functions are called, in every way to wait, test, look,
 * free and cancel; completion by another thread. */
#include "mtest.h"
#include <pthread.h>
#include <string.h>
#include <time.h>

struct work {
    char calls[64]; /* q: query, f: free, c: cancelled while incomplete, C: while complete */
    int query_code, free_code, cancelled;
    MPI_Request request;
};

static void note(struct work *w, char c)
{
    size_t n = strlen(w->calls);
    if (n + 1 < sizeof(w->calls))
        w->calls[n] = c;
}

static int query(void *extra, MPI_Status *st)
{
    struct work *w = extra;
    note(w, 'q');
    MPI_Status_set_source(st, 3);
    MPI_Status_set_tag(st, 4);
    MPI_Status_set_elements(st, MPI_INT, 5);
    MPI_Status_set_cancelled(st, w->cancelled);
    return w->query_code;
}

static int release(void *extra)
{
    struct work *w = extra;
    note(w, 'f');
    return w->free_code;
}

static int cancel(void *extra, int complete)
{
    struct work *w = extra;
    note(w, complete ? 'C' : 'c');
    if (!complete) {
        w->cancelled = 1;
        MPI_Grequest_complete(w->request);
    }
    return MPI_SUCCESS;
}

static void start(struct work *w)
{
    memset(w, 0, sizeof(*w));
    OK(MPI_Grequest_start(query, release, cancel, w, &w->request));
    CHECK(w->request != MPI_REQUEST_NULL);
}

static void check_calls(const struct work *w, const char *calls, int line)
{
    if (strcmp(w->calls, calls) != 0)
        mt_fail(__FILE__, line, "the functions called are \"%s\", not \"%s\"", w->calls,
                calls);
}
#define CALLS(w, calls) check_calls((w), (calls), __LINE__)

static void check_status(const MPI_Status *st, int cancelled)
{
    int n, flag;
    CHECK_EQ(st->MPI_SOURCE, 3);
    CHECK_EQ(st->MPI_TAG, 4);
    OK(MPI_Get_count(st, MPI_INT, &n));
    CHECK_EQ(n, 5);
    OK(MPI_Test_cancelled(st, &flag));
    CHECK_EQ(flag, cancelled);
}

static void wait_and_test(void)
{
    struct work w;
    MPI_Status st;
    int flag;
    start(&w);
    OK(MPI_Test(&w.request, &flag, &st));
    CHECK(!flag);
    OK(MPI_Request_get_status(w.request, &flag, &st));
    CHECK(!flag);
    CALLS(&w, "");
    OK(MPI_Grequest_complete(w.request));
    CALLS(&w, "");
    st.MPI_ERROR = 77;
    OK(MPI_Request_get_status(w.request, &flag, &st));
    OK(MPI_Request_get_status(w.request, &flag, MPI_STATUS_IGNORE));
    CHECK(flag);
    check_status(&st, 0);
    CALLS(&w, "qq");
    st.MPI_ERROR = 77;
    OK(MPI_Wait(&w.request, &st));
    CHECK(w.request == MPI_REQUEST_NULL);
    CHECK_EQ(st.MPI_ERROR, 77);
    check_status(&st, 0);
    CALLS(&w, "qqqf");
    start(&w);
    OK(MPI_Grequest_complete(w.request));
    OK(MPI_Test(&w.request, &flag, MPI_STATUS_IGNORE));
    CHECK(flag && w.request == MPI_REQUEST_NULL);
    CALLS(&w, "qf");
}

static void sets(void)
{
    struct work w[3];
    MPI_Request reqs[4];
    MPI_Status st[4];
    int index, flag, n, indices[4];
    for (int i = 0; i < 3; i++)
        start(&w[i]);
    reqs[0] = w[0].request;
    reqs[1] = MPI_REQUEST_NULL;
    reqs[2] = w[1].request;
    reqs[3] = w[2].request;
    OK(MPI_Testany(4, reqs, &index, &flag, st));
    CHECK(!flag && index == MPI_UNDEFINED);
    OK(MPI_Testsome(4, reqs, &n, indices, st));
    CHECK_EQ(n, 0);
    OK(MPI_Grequest_complete(w[1].request));
    OK(MPI_Testall(4, reqs, &flag, st));
    CHECK(!flag);
    OK(MPI_Request_get_status_any(4, reqs, &index, &flag, st));
    CHECK(flag && index == 2);
    OK(MPI_Waitany(4, reqs, &index, st));
    CHECK(index == 2 && reqs[2] == MPI_REQUEST_NULL);
    check_status(st, 0);
    CALLS(&w[1], "qqf");
    OK(MPI_Grequest_complete(w[2].request));
    OK(MPI_Waitsome(4, reqs, &n, indices, st));
    CHECK(n == 1 && indices[0] == 3);
    check_status(st, 0);
    OK(MPI_Grequest_complete(w[0].request));
    OK(MPI_Waitall(4, reqs, st));
    check_status(st, 0);
    CHECK_EQ(st[1].MPI_SOURCE, MPI_ANY_SOURCE);
    CALLS(&w[0], "qf");
}

/* Errors of the program's functions reach whoever called them; the last one counts. */
static void errors(void)
{
    struct work w, v;
    MPI_Request reqs[2];
    MPI_Status st[2];
    int class;
    OK(MPI_Add_error_class(&class));
    start(&w);
    w.query_code = class;
    OK(MPI_Grequest_complete(w.request));
    CHECK_CLASS(MPI_Wait(&w.request, st), class);
    CALLS(&w, "qf");
    start(&w);
    w.query_code = class;
    w.free_code = MPI_ERR_OTHER;
    OK(MPI_Grequest_complete(w.request));
    CHECK_CLASS(MPI_Wait(&w.request, st), MPI_ERR_OTHER);
    start(&w);
    start(&v);
    v.free_code = class;
    OK(MPI_Grequest_complete(w.request));
    OK(MPI_Grequest_complete(v.request));
    reqs[0] = w.request;
    reqs[1] = v.request;
    CHECK_CLASS(MPI_Waitall(2, reqs, st), MPI_ERR_IN_STATUS);
    CHECK_EQ(st[0].MPI_ERROR, MPI_SUCCESS);
    CHECK_EQ(st[1].MPI_ERROR, class);
    start(&w);
    OK(MPI_Grequest_complete(w.request));
    CHECK_CLASS(MPI_Grequest_complete(w.request), MPI_ERR_REQUEST);
    OK(MPI_Wait(&w.request, st));
    CHECK_CLASS(MPI_Grequest_complete(MPI_REQUEST_NULL), MPI_ERR_REQUEST);
    OK(MPI_Irecv(&class, 1, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_SELF, reqs));
    CHECK_CLASS(MPI_Grequest_complete(reqs[0]), MPI_ERR_REQUEST);
    CHECK_CLASS(MPI_Start(reqs), MPI_ERR_REQUEST);
    OK(MPI_Wait(reqs, st));
    CHECK_CLASS(MPI_Grequest_start(NULL, release, cancel, &w, &w.request), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Grequest_start(query, NULL, cancel, &w, &w.request), MPI_ERR_ARG);
    CHECK_CLASS(MPI_Grequest_start(query, release, NULL, &w, &w.request), MPI_ERR_ARG);
}

static void free_and_cancel(void)
{
    struct work w;
    MPI_Status st;
    start(&w);
    MPI_Request kept = w.request;
    OK(MPI_Request_free(&w.request));
    CHECK(w.request == MPI_REQUEST_NULL);
    CALLS(&w, "");
    OK(MPI_Grequest_complete(kept)); /* the second of the two frees */
    CALLS(&w, "f");
    start(&w);
    OK(MPI_Grequest_complete(w.request));
    CALLS(&w, "");
    w.free_code = MPI_ERR_OTHER;
    CHECK_CLASS(MPI_Request_free(&w.request), MPI_ERR_OTHER);
    CALLS(&w, "f");
    start(&w);
    OK(MPI_Cancel(&w.request));
    CALLS(&w, "c");
    OK(MPI_Cancel(&w.request));
    CALLS(&w, "cC");
    OK(MPI_Wait(&w.request, &st));
    check_status(&st, 1);
}

static void *complete_later(void *arg)
{
    struct work *w = arg;
    int flag;
    for (int i = 0; i < 100; i++)
        MPI_Iprobe(MPI_ANY_SOURCE, 1, MPI_COMM_SELF, &flag, MPI_STATUS_IGNORE);
    struct timespec nap = {.tv_nsec = 20000000}; /* the waiting thread may well sleep by then */
    nanosleep(&nap, NULL);
    OK(MPI_Grequest_complete(w->request));
    return NULL;
}

/* A thread that sleeps in MPI_Wait is woken at once, not at the next look after its daemon, half a second
 * later: a busy machine may hold up one of them, not all. */
static void other_thread(void)
{
    double least = 100;
    for (int i = 0; i < 5; i++) {
        double begin = MPI_Wtime();
        struct work w;
        pthread_t t;
        start(&w);
        MPI_Request mine = w.request;
        pthread_create(&t, NULL, complete_later, &w);
        OK(MPI_Wait(&mine, MPI_STATUS_IGNORE));
        pthread_join(t, NULL);
        CALLS(&w, "qf");
        double took = MPI_Wtime() - begin;
        least = took < least ? took : least;
    }
    CHECK(least < 0.4);
}

int main(int argc, char **argv)
{
    mt_thread_level = MPI_THREAD_MULTIPLE;
    mt_begin(&argc, &argv, 0);
    wait_and_test();
    sets();
    errors();
    free_and_cancel();
    other_thread();
    return mt_end();
}
