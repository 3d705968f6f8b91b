/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine between real processes over a real arena: all protocols, sizes around their limits,
 * order, many senders, back-pressure, death. */
#include "lab.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CTX = 2000, MIB = 1 << 20 };

static const size_t sizes[] = {0,     1,      31,   32,         33,    100,
                               4095,  4096,   4097, 16000,      16384, 16385,
                               65536, 100000, MIB,  5 * MIB + 3};
enum { NSIZES = sizeof sizes / sizeof sizes[0] };

static void fill(uint8_t *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(seed + i * 13 + i / 251);
}

static bool same(const uint8_t *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != (uint8_t)(seed + i * 13 + i / 251))
            return false;
    return true;
}

/* Rank 0 sends every size in every mode, rank 1 receives and sends back. */
static int echo(int rank)
{
    struct pvmx_peer *peer = lab_peer(1 - rank);
    uint8_t *buf = malloc(6 * MIB);
    struct pvmx_status st;
    for (int mode = PVMX_SEND_STANDARD; mode <= PVMX_SEND_BUFFERED; mode++)
        for (int i = 0; i < NSIZES; i++) {
            if (rank == 0) {
                fill(buf, sizes[i], (unsigned)i);
                LAB_CHECK(!pvmx_engine_send(peer, CTX, 0, i, buf, sizes[i],
                                            (enum pvmx_send_mode)mode));
                memset(buf, 0, sizes[i]);
                LAB_CHECK(!pvmx_engine_recv(peer, NULL, CTX, 1, i, buf, 6 * MIB, &st));
                LAB_CHECK(st.length == sizes[i] && st.source == 1 && st.tag == i);
                LAB_CHECK(same(buf, sizes[i], (unsigned)i));
            } else {
                LAB_CHECK(!pvmx_engine_recv(NULL, NULL, CTX, PVMX_ANY_SOURCE,
                                            PVMX_ANY_TAG, buf, 6 * MIB, &st));
                LAB_CHECK(st.length == sizes[i] && st.source == 0 && st.tag == i);
                LAB_CHECK(!pvmx_engine_send(peer, CTX, 1, i, buf, sizes[i],
                                            (enum pvmx_send_mode)mode));
            }
        }
    free(buf);
    return 0;
}

Test(engine, echoes_every_size_in_every_mode)
{
    cr_assert_eq(lab_run(2, echo, -1), 0);
}

Test(engine, echoes_without_access_to_the_peers_memory)
{
    setenv("PVMX_SHM_CMA", "no", 1);
    cr_assert_eq(lab_run(2, echo, -1), 0);
}

Test(engine, echoes_with_sleeping_only_and_with_spinning_only)
{
    setenv("PVMX_WAIT", "sleep", 1);
    cr_assert_eq(lab_run(2, echo, -1), 0);
    setenv("PVMX_WAIT", "spin", 1);
    cr_assert_eq(lab_run(2, echo, -1), 0);
}

/* From now on the kernel refuses to copy between processes, as a container's filter does. */
static int refuse_vm_copy(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof code / sizeof code[0], code};
    char here = 1, there;
    struct iovec a = {&there, 1}, b = {&here, 1};
    LAB_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    LAB_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
    LAB_CHECK(process_vm_readv(getpid(), &a, 1, &b, 1, 0) == -1 && errno == EPERM);
    return 0;
}

static int refused_echo(int rank)
{
    int bad = refuse_vm_copy();
    return bad ? bad : echo(rank);
}

/* Only one side is refused: the helper of a shared copy, or the receiver. */
static int half_refused_echo(int rank)
{
    int bad = rank == 1 ? refuse_vm_copy() : 0;
    return bad ? bad : echo(rank);
}

Test(engine, echoes_where_the_kernel_refuses_to_copy_between_processes)
{
    cr_assert_eq(lab_run(2, refused_echo, -1), 0);
    cr_assert_eq(lab_run(2, half_refused_echo, -1), 0);
}

/* Everyone sends to everyone at once, long and short, before anyone receives. */
static int all_to_all(int rank)
{
    enum { N = 12, ROUNDS = 20 };
    const struct pvmx_birth *b = pvmx_engine_birth();
    static uint8_t out[N][40000], in[N][40000];
    struct pvmx_req *req[2 * N];
    for (int round = 0; round < ROUNDS; round++) {
        int n = 0;
        size_t len = (size_t)round * 2003;
        for (int i = 0; i < b->size; i++) {
            fill(out[i], len, (unsigned)(rank * 7 + i + round));
            LAB_CHECK(!pvmx_engine_isend(lab_peer(i), CTX, rank, round, out[i], len,
                                         PVMX_SEND_STANDARD, &req[n]));
            n += req[n] != NULL;
        }
        for (int i = 0; i < b->size; i++)
            LAB_CHECK(!pvmx_engine_irecv(lab_peer(i), NULL, CTX, i, round, in[i],
                                         sizeof in[i], &req[n++]));
        for (int i = 0; i < n; i++) {
            LAB_CHECK(!pvmx_engine_req_wait(req[i]));
            pvmx_engine_req_free(req[i]);
        }
        for (int i = 0; i < b->size; i++)
            LAB_CHECK(same(in[i], len, (unsigned)(i * 7 + rank + round)));
    }
    return 0;
}

Test(engine, twelve_tasks_all_to_all, .timeout = 60)
{
    cr_assert_eq(lab_run(12, all_to_all, -1), 0);
    setenv("PVMX_SHM_CMA", "no", 1);
    cr_assert_eq(lab_run(12, all_to_all, -1), 0);
}

/* Rank 0 floods rank 1, which does not look for a while: nothing is lost, order holds. */
static int flood(int rank)
{
    enum { N = 20000 };
    struct pvmx_peer *peer = lab_peer(1 - rank);
    char word[200];
    struct pvmx_status st;
    if (rank == 0) {
        for (int i = 0; i < N; i++) {
            snprintf(word, sizeof word, "%d", i);
            LAB_CHECK(!pvmx_engine_send(peer, CTX, 0, i % 3, word, (size_t)(i % 200),
                                        PVMX_SEND_STANDARD));
        }
        return pvmx_engine_recv(peer, NULL, CTX, 1, 9, word, sizeof word, &st);
    }
    for (int tag = 2; tag >= 0; tag--)
        for (int i = tag; i < N; i += 3) {
            char want[32];
            int n = snprintf(want, sizeof want, "%d", i);
            LAB_CHECK(!pvmx_engine_recv(peer, NULL, CTX, 0, tag, word, sizeof word, &st));
            LAB_CHECK(st.length == (uint64_t)(i % 200));
            LAB_CHECK(i % 200 < n || memcmp(word, want, (size_t)n) == 0);
        }
    return pvmx_engine_send(peer, CTX, 1, 9, NULL, 0, PVMX_SEND_STANDARD);
}

Test(engine, flood_of_unexpected_messages_keeps_order, .timeout = 60)
{
    cr_assert_eq(lab_run(2, flood, -1), 0);
}

static int truncation_and_probe(int rank)
{
    struct pvmx_peer *peer = lab_peer(1 - rank);
    static uint8_t buf[3 * MIB];
    struct pvmx_status st;
    static const size_t lens[] = {100, 3 * MIB};
    for (int i = 0; i < 2; i++) {
        if (rank == 0) {
            fill(buf, lens[i], 5);
            struct pvmx_req *first;
            LAB_CHECK(!pvmx_engine_isend(peer, CTX, 0, 1, buf, lens[i],
                                         PVMX_SEND_STANDARD, &first));
            LAB_CHECK(!pvmx_engine_send(peer, CTX, 0, 2, buf, lens[i], PVMX_SEND_STANDARD));
            if (first) {
                LAB_CHECK(!pvmx_engine_req_wait(first));
                pvmx_engine_req_free(first);
            }
            continue;
        }
        struct pvmx_msg *msg;
        struct pvmx_req *req;
        LAB_CHECK(!pvmx_engine_probe(peer, NULL, CTX, 0, 2, &st));
        LAB_CHECK(st.length == lens[i] && st.tag == 2);
        LAB_CHECK(!pvmx_engine_mprobe(peer, NULL, CTX, 0, PVMX_ANY_TAG, true, &msg, &st));
        LAB_CHECK(st.tag == 1 && st.length == lens[i]);
        LAB_CHECK(pvmx_engine_recv(peer, NULL, CTX, 0, 2, buf, 60, &st) == PVMX_ERR_TRUNCATE);
        LAB_CHECK(st.length == lens[i] && same(buf, 60, 5));
        LAB_CHECK(!pvmx_engine_imrecv(msg, buf, sizeof buf, &req));
        LAB_CHECK(!pvmx_engine_req_wait(req));
        pvmx_engine_req_free(req);
        LAB_CHECK(same(buf, lens[i], 5));
    }
    return 0;
}

Test(engine, truncation_probe_and_matched_receive)
{
    cr_assert_eq(lab_run(2, truncation_and_probe, -1), 0);
    setenv("PVMX_SHM_CMA", "no", 1);
    cr_assert_eq(lab_run(2, truncation_and_probe, -1), 0);
}

/* Rank 2 is killed while the others wait for it in every way there is. */
static int survivor(int rank)
{
    static uint8_t buf[MIB];
    struct pvmx_peer *dead = lab_peer(2), *other = lab_peer(1 - rank);
    struct pvmx_status st;
    struct pvmx_scope *scope;
    struct pvmx_req *big, *recv;
    pvmx_tid tids[3];
    if (rank == 2) {
        LAB_CHECK(!pvmx_engine_send(lab_peer(0), CTX, 2, 7, "last words", 10,
                                    PVMX_SEND_STANDARD));
        LAB_CHECK(!pvmx_engine_send(lab_peer(1), CTX, 2, 7, "last words", 10,
                                    PVMX_SEND_STANDARD));
        raise(SIGKILL);
    }
    for (int i = 0; i < 3; i++)
        tids[i] = pvmx_engine_birth()->world[i];
    LAB_CHECK(!pvmx_engine_scope_create(tids, 3, &scope));
    pvmx_err err = pvmx_engine_isend(dead, CTX, rank, 1, buf, MIB, PVMX_SEND_STANDARD, &big);
    LAB_CHECK(err == PVMX_OK || err == PVMX_ERR_PEER_DEAD);
    LAB_CHECK(!pvmx_engine_irecv(dead, NULL, CTX, 2, 1, buf, MIB, &recv));
    if (!err)
        LAB_CHECK(pvmx_engine_req_wait(big) == PVMX_ERR_PEER_DEAD);
    LAB_CHECK(pvmx_engine_req_wait(recv) == PVMX_ERR_PEER_DEAD);
    /* what it said before is still there */
    LAB_CHECK(!pvmx_engine_recv(dead, NULL, CTX, 2, 7, buf, MIB, &st));
    LAB_CHECK(st.length == 10 && memcmp(buf, "last words", 10) == 0);
    LAB_CHECK(pvmx_engine_recv(dead, NULL, CTX, 2, 7, buf, MIB, &st) == PVMX_ERR_PEER_DEAD);
    LAB_CHECK(pvmx_engine_recv(NULL, scope, CTX, PVMX_ANY_SOURCE, 6, buf, MIB, &st) ==
              PVMX_ERR_DEAD_PENDING);
    int32_t who[3];
    LAB_CHECK(pvmx_engine_scope_dead(scope, who) == 1 && who[0] == 2);
    pvmx_engine_scope_ack(scope, 1);
    /* the others go on */
    LAB_CHECK(!pvmx_engine_send(other, CTX, rank, 5, "x", 1, PVMX_SEND_STANDARD));
    LAB_CHECK(!pvmx_engine_recv(NULL, scope, CTX, PVMX_ANY_SOURCE, 5, buf, MIB, &st));
    LAB_CHECK(st.source == 1 - rank);
    struct pvmx_end end;
    LAB_CHECK(!pvmx_engine_end_of(tids[2], &end));
    LAB_CHECK(end.signal == SIGKILL);
    pvmx_engine_scope_free(scope);
    return 0;
}

Test(engine, death_of_a_task_fails_only_what_depends_on_it)
{
    cr_assert_eq(lab_run(3, survivor, 2), 0);
    setenv("PVMX_WAIT", "sleep", 1);
    cr_assert_eq(lab_run(3, survivor, 2), 0);
}

/* Tasks 1 and 2 have ended before anybody here knew of them, and their slots are cleared. */
static int late(int rank)
{
    pvmx_tid tids[3];
    struct pvmx_scope *scope;
    struct pvmx_end end;
    int32_t who[3];
    for (int i = 0; i < 3; i++)
        tids[i] = pvmx_engine_birth()->world[rank] + i;
    for (int i = 1; i < 3; i++) {
        char c;
        LAB_CHECK(pvmx_engine_recv(lab_peer(i), NULL, CTX, i, 7, &c, 1, NULL) ==
                  PVMX_ERR_PEER_DEAD);
        LAB_CHECK(!pvmx_engine_end_of(tids[i], &end));
        LAB_CHECK(end.left == (i == 1) && end.status == (i == 1 ? 0 : -1));
    }
    LAB_CHECK(!pvmx_engine_scope_create(tids, 3, &scope));
    LAB_CHECK(pvmx_engine_scope_dead(scope, who) == 1 && who[0] == 2);
    pvmx_engine_scope_free(scope);
    return 0;
}

Test(engine, who_has_left_in_good_order_has_not_failed_for_one_who_comes_late)
{
    cr_assert_eq(lab_run(1, late, -1), 0);
}

static int cancelling(int rank)
{
    struct pvmx_peer *peer = lab_peer(1 - rank);
    struct pvmx_req *req;
    char c;
    LAB_CHECK(!pvmx_engine_irecv(peer, NULL, CTX, 1 - rank, 3, &c, 1, &req));
    pvmx_engine_req_cancel(req);
    LAB_CHECK(!pvmx_engine_req_wait(req));
    LAB_CHECK(pvmx_engine_req_status(req)->cancelled == 1);
    pvmx_engine_req_free(req);
    LAB_CHECK(!pvmx_engine_send(peer, CTX, rank, 3, "y", 1, PVMX_SEND_SYNC) || rank > 1);
    return 0;
}

static int cancel_pair(int rank)
{
    if (rank == 1) {
        int bad = cancelling(1);
        return bad;
    }
    struct pvmx_peer *peer = lab_peer(1);
    struct pvmx_status st;
    char c;
    return pvmx_engine_recv(peer, NULL, CTX, 1, 3, &c, 1, &st) || c != 'y';
}

Test(engine, a_cancelled_receive_takes_no_message)
{
    cr_assert_eq(lab_run(2, cancel_pair, -1), 0);
}
