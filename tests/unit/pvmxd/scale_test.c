/* SPDX-License-Identifier: BSD-3-Clause */
/* The host table, its broadcast and the election of a leader with as many hosts as a tid can name: the
 * real code of a leader, of a member and of a voter, with links that lead nowhere. Records what each host
 * costs. */
#include "add.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf.h"
#include "events.h"
#include "lead.h"
#include "link.h"
#include "lost.h"
#include "output.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "relay.h"
#include "server.h"
#include "table.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = HOSTS_MAX, BATCH = 32 };

TestSuite(scale, .timeout = 100);

static struct link links[N + 1];

static void (*each_round)(struct server *sv);

static void before_sleep(void *arg)
{
    if (each_round != NULL)
        each_round(arg);
}

/* A daemon of one host, without sockets and threads. */
static struct server *server_new(uint32_t self, uint32_t leader)
{
    struct server *sv = calloc(1, sizeof *sv);
    server_init(sv);
    cr_assert(book_init(sv));
    links_init(sv);
    add_init(sv);
    relay_init(sv);
    conf_init();
    cr_assert(secure_init());
    cr_assert_eq(arena_open(&sv->arena, 2, self), PVMX_OK);
    cr_assert(loop_init(&sv->loop, before_sleep, sv));
    sv->vm = "scale";
    snprintf(sv->host, sizeof sv->host, "node%04u.cluster.example.org", self);
    sv->hosts.self = self;
    sv->hosts.last_index = self;
    sv->hosts.leader = leader;
    struct host *me = table_add(&sv->hosts, self, sv->host);
    me->state = PXP_HOST_UP;
    me->slots = 64;
    return sv;
}

static void server_free(struct server *sv)
{
    sv->stopping = true;
    lead_stop(sv);
    book_fini(sv);
    lost_fini(sv);
    events_fini(sv);
    while (!px_list_empty(&sv->links.all)) /* they live on, in links */
        px_list_remove(sv->links.all.next);
    table_free(&sv->hosts);
    arena_close(&sv->arena);
    loop_fini(&sv->loop);
    free(sv);
}

static struct link *link_to(struct server *sv, uint32_t host)
{
    struct link *l = &links[host];
    px_buf_free(&l->plain);
    px_map_free(&l->asks);
    if (l->all.next != NULL)
        px_list_remove(&l->all); /* another server had it */
    *l = (struct link){.sv = sv, .fd = -1, .state = LINK_OPEN, .host = host};
    px_list_init(&l->dirty);
    px_list_push_back(&sv->links.all, &l->all);
    return l;
}

/* Takes what was said on all links: bytes, and of the last of them the last frame's body. */
static size_t take_said(uint32_t from, uint32_t to, struct px_buf *sample)
{
    size_t bytes = 0;
    for (uint32_t i = from; i <= to; i++) {
        const uint8_t *body;
        size_t len;
        bytes += px_buf_len(&links[i].plain);
        while (sample != NULL &&
               pxp_frame_next(&links[i].plain, SIZE_MAX, &body, &len) == PVMX_OK) {
            uint32_t number = 0, serial;
            pxp_frame_head(body, len, &number, &serial);
            if (number == PXP_TABLE) {
                px_buf_free(sample);
                px_buf_append(sample, body, len);
            }
            pxp_frame_drop(&links[i].plain);
        }
        px_buf_free(&links[i].plain);
    }
    return bytes;
}

static double ms_since(uint64_t begin)
{
    return (double)(px_now_ns() - begin) / 1e6;
}

struct texts {
    char name[80], first[80], second[80];
    const char *addresses[2];
};

static struct pxp_host_entry entry_of(uint32_t index, struct texts *t)
{
    snprintf(t->name, sizeof t->name, "node%04u.cluster.example.org", index);
    snprintf(t->first, sizeof t->first, "10.1.%u.%u:40123", index / 256, index % 256);
    snprintf(t->second, sizeof t->second, "[fd00:1234::%x]:40123", index);
    t->addresses[0] = t->first;
    t->addresses[1] = t->second;
    return (struct pxp_host_entry){.index = index,
                                   .name = t->name,
                                   .state = PXP_HOST_UP,
                                   .slots = 64,
                                   .speed = 1000,
                                   .arch = "x86_64",
                                   .release = "1.0.0",
                                   .addresses = t->addresses,
                                   .n_addresses = 2};
}

/* Hosts that have joined before. */
static void have_hosts(struct server *sv, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++) {
        struct texts t;
        struct pxp_host_entry e = entry_of(i, &t);
        struct host *h = table_add(&sv->hosts, i, t.name);
        cr_assert_eq(table_read(h, &e), PVMX_OK);
        h->link = link_to(sv, i);
        sv->hosts.last_index = i;
    }
}

/* A new host says join, as it would over its link. */
static void join(struct server *sv, uint32_t index)
{
    struct px_buf b = {0};
    struct texts t;
    struct pxp_join m = {.index = index, .host = entry_of(index, &t)};
    struct host *h = hosts_new(sv, t.name, "ssh");
    cr_assert_not_null(h);
    cr_assert_eq(h->index, index);
    cr_assert_eq(pxp_join_encode(&b, 1, &m), PVMX_OK);
    cr_assert_eq(hosts_on_join(sv, link_to(sv, index), 1, px_buf_head(&b) + 4,
                               px_buf_len(&b) - 4),
                 PVMX_OK, "%s", pvmx_last_error());
    px_buf_free(&b);
}

/* The leader of all hosts, of which the last ones have just joined; table: what the last one was told. */
static struct server *full_leader(double *ms, size_t *bytes, struct px_buf *table)
{
    struct server *sv = server_new(1, 1);
    have_hosts(sv, 2, N - BATCH);
    uint64_t begin = px_now_ns();
    for (uint32_t i = N - BATCH + 1; i < N; i++)
        join(sv, i);
    hosts_round(sv); /* the last one comes in a round of its own */
    join(sv, N);
    px_buf_append(table, px_buf_head(&links[N].plain) + 4, px_buf_len(&links[N].plain) - 4);
    *bytes = px_buf_len(&links[N].plain);
    px_buf_free(&links[N].plain);
    hosts_round(sv);
    *ms = ms_since(begin);
    *bytes += take_said(2, N, NULL);
    return sv;
}

Test(scale, table_and_broadcast)
{
    double ms;
    size_t bytes;
    struct px_buf table = {0}, change = {0};
    struct server *sv = full_leader(&ms, &bytes, &table);
    cr_assert_eq(sv->hosts.table.count, N);
    cr_assert_eq(table_slots(&sv->hosts), 64 * N);
    cr_assert_null(hosts_new(sv, "onemore", "ssh"));
    cr_assert_not_null(strstr(pvmx_last_error(), "at most 4095 hosts"));
    cr_assert_lt(px_buf_len(&table), PXP_FRAME_MAX / 8,
                 "the table fits a frame many times over");
    printf("join of %d hosts to %d: %.2f ms and %.0f KiB sent for each, table of %zu KiB "
           "(%zu bytes for each host)\n",
           BATCH, N - BATCH, ms / BATCH, (double)bytes / 1024 / BATCH,
           px_buf_len(&table) / 1024, px_buf_len(&table) / N);
    cr_assert_lt(ms / BATCH, 250,
                 "a host more costs the leader little, even under a sanitizer");

    /* One host changes: everybody is told. */
    uint64_t begin = px_now_ns();
    hosts_gone(sv, hosts_find(sv, 77), "its cable was pulled");
    hosts_round(sv);
    ms = ms_since(begin);
    bytes = take_said(2, N, &change);
    printf("loss of one host told to %d: %.2f ms, %zu bytes for each\n", N - 2, ms,
           bytes / (N - 2));
    cr_assert_eq(sv->hosts.table.count, N - 1);

    /* A member reads all of it, and the change. */
    struct server *member = server_new(N, 1);
    table_add(&member->hosts, 1, "the first host");
    struct link *l = link_to(member, 1);
    begin = px_now_ns();
    cr_assert_eq(hosts_on_table(member, l, 0, px_buf_head(&table), px_buf_len(&table)),
                 PVMX_OK, "%s", pvmx_last_error());
    printf("the table read by a member: %.2f ms\n", ms_since(begin));
    cr_assert_eq(member->hosts.table.count, N);
    cr_assert_eq(hosts_on_table(member, l, 0, px_buf_head(&change), px_buf_len(&change)),
                 PVMX_OK);
    cr_assert_eq(member->hosts.table.count, N - 1);
    cr_assert_null(hosts_find(member, 77));
    cr_assert_eq(member->hosts.version, sv->hosts.version);
    px_buf_free(&table);
    px_buf_free(&change);
    server_free(member);
    take_said(1, N, NULL);
    server_free(sv);
}

/* ---- the leader is lost ----------------------------------------------------------------------- */

static struct server *voter;
static size_t said;
static uint32_t asked;
static double vote_ms;

/* Everybody who was asked votes, as a real voter does; the loop ends when one leads. */
static void vote(struct server *sv)
{
    uint64_t begin = px_now_ns();
    for (uint32_t i = 2; i <= N && sv->hosts.electing; i++) {
        const uint8_t *body;
        size_t len;
        uint32_t number, serial;
        if (pxp_frame_next(&links[i].plain, SIZE_MAX, &body, &len) != PVMX_OK)
            continue;
        cr_assert_eq(pxp_frame_head(body, len, &number, &serial), PVMX_OK);
        cr_assert_eq(number, PXP_CLAIM);
        asked++;
        voter->hosts.self = i;
        voter->hosts.voted_until = 0;
        struct link from = {.sv = voter, .host = sv->hosts.self, .fd = -1};
        px_list_init(&from.dirty);
        cr_assert_eq(lead_on_claim(voter, &from, serial, body, len), PVMX_OK, "%s",
                     pvmx_last_error());
        px_list_remove(&from.dirty);
        said += px_buf_len(&links[i].plain) + px_buf_len(&from.plain);
        px_buf_free(&links[i].plain);
        link_answered(&links[i], PXP_GRANTED, serial | LINK_REPLY,
                      px_buf_head(&from.plain) + 4, px_buf_len(&from.plain) - 4);
        px_buf_free(&from.plain);
    }
    vote_ms += ms_since(begin);
    if (hosts_leading(sv))
        loop_stop(&sv->loop);
}

Test(scale, change_of_the_leader)
{
    struct px_buf table = {0}, news = {0};
    double ms;
    size_t bytes;
    struct server *old = full_leader(&ms, &bytes, &table);
    server_free(old);
    /* Two members with a copy: one that will lead, and one that follows. */
    struct server *next = server_new(2, 1), *other = server_new(N, 1);
    voter = server_new(3, 0);
    table_add(&next->hosts, 1, "the first host");
    table_add(&other->hosts, 1, "the first host");
    struct link *first = link_to(other, 1);
    cr_assert_eq(hosts_on_table(other, first, 0, px_buf_head(&table), px_buf_len(&table)),
                 PVMX_OK);
    first = link_to(next, 1);
    cr_assert_eq(hosts_on_table(next, first, 0, px_buf_head(&table), px_buf_len(&table)),
                 PVMX_OK);
    for (uint32_t i = 3; i <= N; i++)
        hosts_find(next, i)->link = link_to(next, i);
    each_round = vote;
    uint64_t begin = px_now_ns();
    lead_lost(next, "killed");
    loop_run(&next->loop);
    ms = ms_since(begin);
    each_round = NULL;
    cr_assert(hosts_leading(next));
    cr_assert_eq(next->hosts.quorum, N);
    cr_assert(lead_majority(next->hosts.votes, N));
    cr_assert_geq(asked, N / 2);
    bytes = take_said(3, N, &news);
    printf("a new leader of %d hosts: %.0f ms (%.0f ms of it the voters'), %zu bytes "
           "sent for each host\n",
           N - 1, ms, vote_ms, (said + bytes) / (N - 1));
    cr_assert_lt(bytes / (N - 1), 200, "the news are short: everybody has the table");

    /* The other one follows, and needs nothing more; one that has missed a change asks for the table. */
    struct link *l = link_to(other, 2);
    other->hosts.leader = 0;
    begin = px_now_ns();
    cr_assert_eq(hosts_on_table(other, l, 0, px_buf_head(&news), px_buf_len(&news)),
                 PVMX_OK, "%s", pvmx_last_error());
    printf("a member learns of it: %.2f ms\n", ms_since(begin));
    cr_assert_eq(other->hosts.leader, 2);
    cr_assert_null(hosts_find(other, 1));
    cr_assert_eq(other->hosts.table.count, N - 1);
    cr_assert_eq(px_buf_len(&l->plain), 0);
    struct server *late = server_new(N, 1);
    table_add(&late->hosts, 2, "node0002");
    hosts_find(late, 2)->state = PXP_HOST_UP;
    l = link_to(late, 2);
    late->hosts.leader = 0;
    cr_assert_eq(hosts_on_table(late, l, 0, px_buf_head(&news), px_buf_len(&news)), PVMX_OK);
    cr_assert_gt(px_buf_len(&l->plain), 0);
    struct link *there = &links[N];
    px_buf_free(&there->plain);
    cr_assert_eq(hosts_on_member(next, there, 0, px_buf_head(&l->plain) + 4,
                                 px_buf_len(&l->plain) - 4),
                 PVMX_OK, "%s", pvmx_last_error());
    px_buf_free(&l->plain);
    cr_assert_eq(hosts_on_table(late, l, 0, px_buf_head(&there->plain) + 4,
                                px_buf_len(&there->plain) - 4),
                 PVMX_OK, "%s", pvmx_last_error());
    cr_assert_eq(late->hosts.table.count, N - 1);
    for (uint32_t i = 1; i <= N; i++) {
        px_buf_free(&links[i].plain);
        uint64_t key;
        void *value;
        for (size_t pos = 0; px_map_next(&links[i].asks, &pos, &key, &value);)
            free(value);
        px_map_free(&links[i].asks);
    }
    px_buf_free(&table);
    px_buf_free(&news);
    server_free(late);
    server_free(next);
    server_free(other);
    server_free(voter);
}

/* ---- two candidates --------------------------------------------------------------------------- */

static void stop_when_asked(struct server *sv)
{
    if (px_buf_len(&links[4].plain) > 0)
        loop_stop(&sv->loop);
}

/* The claim that waits on the link with that host goes to a voter. */
static pvmx_err carry_claim(uint32_t to, struct server *voter_there, struct link *from,
                            uint32_t *serial)
{
    const uint8_t *body;
    size_t len;
    uint32_t number;
    cr_assert_eq(pxp_frame_next(&links[to].plain, SIZE_MAX, &body, &len), PVMX_OK);
    cr_assert_eq(pxp_frame_head(body, len, &number, serial), PVMX_OK);
    cr_assert_eq(number, PXP_CLAIM);
    pvmx_err err = lead_on_claim(voter_there, from, *serial, body, len);
    pxp_frame_drop(&links[to].plain);
    return err;
}

/* Host 3 has asked for the votes when host 2 does so, whom nobody has heard for a while: 3 gives way, and
 * whoever has voted for it is free to vote for 2 at once. */
Test(scale, higher_candidate_gives_way)
{
    struct px_buf claim = {0};
    struct pxp_claim m = {.index = 2};
    struct server *sv[5] = {NULL};
    struct link from2[5], from3 = {.host = 3, .fd = -1};
    uint32_t serial;
    conf_init();
    for (uint32_t i = 3; i <= 4; i++) {
        sv[i] = server_new(i, 1);
        for (uint32_t k = 1; k <= 4; k++) {
            struct host *h = k != i ? table_add(&sv[i]->hosts, k, "other") : NULL;
            if (h != NULL)
                h->state = PXP_HOST_UP;
        }
        from2[i] = (struct link){.sv = sv[i], .host = 2, .fd = -1};
        px_list_init(&from2[i].dirty);
    }
    from3.sv = sv[4];
    px_list_init(&from3.dirty);
    for (uint32_t k = 1; k <= 4; k++)
        if (k != 3)
            hosts_find(sv[3], k)->link = link_to(sv[3], k);
    conf.host_timeout = 50 * (int64_t)PX_MS;
    lead_lost(sv[4], "killed");
    lead_lost(sv[3], "killed");
    each_round = stop_when_asked;
    loop_run(&sv[3]->loop);
    each_round = NULL;
    conf.host_timeout = 5 * (int64_t)PX_SEC;
    cr_assert_eq(carry_claim(4, sv[4], &from3, &serial), PVMX_OK, "%s", pvmx_last_error());
    cr_assert_eq(pxp_claim_encode(&claim, 1, &m), PVMX_OK);
    const uint8_t *body = px_buf_head(&claim) + 4;
    size_t len = px_buf_len(&claim) - 4;
    sv[4]->hosts.voted_until = px_now_ns() + 1000 * PX_SEC;
    cr_assert_eq(lead_on_claim(sv[4], &from2[4], 1, body, len), PVMX_ERR_STATE);
    cr_assert_eq(lead_on_claim(sv[3], &from2[3], 1, body, len), PVMX_OK);
    /* The vote for 3 arrives now. */
    link_answered(&links[4], PXP_GRANTED, serial | LINK_REPLY,
                  px_buf_head(&from3.plain) + 4, px_buf_len(&from3.plain) - 4);
    cr_assert_eq(sv[3]->hosts.leader, 0, "what it had was given up");
    cr_assert_eq(carry_claim(4, sv[4], &from3, &serial), PVMX_OK);
    cr_assert_eq(lead_on_claim(sv[4], &from2[4], 1, body, len), PVMX_OK, "%s",
                 pvmx_last_error());
    px_buf_free(&claim);
    px_buf_free(&from3.plain);
    for (uint32_t i = 3; i <= 4; i++) {
        uint64_t key;
        void *value;
        px_buf_free(&from2[i].plain);
        for (size_t pos = 0; px_map_next(&links[i == 3 ? 2 : 4].asks, &pos, &key, &value);)
            free(value);
        px_map_free(&links[i == 3 ? 2 : 4].asks);
        take_said(1, 4, NULL);
        server_free(sv[i]);
    }
}

/* ---- two connections with one host ------------------------------------------------------------ */

/* Both had dialled: the second connection. */
static struct link *second_link(struct server *sv, struct link *l, uint32_t host)
{
    *l = (struct link){.sv = sv, .fd = -1, .state = LINK_OPEN, .host = host};
    px_list_init(&l->dirty);
    px_list_push_back(&sv->links.all, &l->all);
    return l;
}

/* The number of the first frame that waits on it; 0: none. */
static uint32_t first_said(const struct link *l)
{
    struct px_buf plain = l->plain;
    const uint8_t *body;
    size_t len;
    uint32_t number = 0, serial;
    if (pxp_frame_next(&plain, SIZE_MAX, &body, &len) == PVMX_OK)
        pxp_frame_head(body, len, &number, &serial);
    return number;
}

static void end_two_links(struct server *sv, struct link *l)
{
    uint64_t key;
    void *value;
    for (size_t pos = 0; px_map_next(&l->asks, &pos, &key, &value);)
        free(value);
    px_map_free(&l->asks);
    px_buf_free(&l->plain);
    while (!px_list_empty(&sv->links.closed))
        px_list_remove(sv->links.closed.next);
    server_free(sv);
}

Test(scale, leader_loses_one_of_two_links)
{
    struct link other;
    struct server *sv = server_new(1, 1);
    have_hosts(sv, 2, 3);
    struct host *h = hosts_find(sv, 2);
    struct link *l = second_link(sv, &other, 2);
    link_close(&links[2], "reset");
    cr_assert_eq(h->state, PXP_HOST_UP);
    cr_assert_eq(h->link, l);
    hosts_round(sv);
    cr_assert_eq(sv->hosts.table.count, 3);
    cr_assert_eq(first_said(&links[3]), 0, "nobody is told anything");
    link_close(l, "reset");
    cr_assert_eq(h->state, PXP_HOST_GONE);
    hosts_round(sv);
    cr_assert_eq(sv->hosts.table.count, 2);
    cr_assert_eq(first_said(&links[3]), PXP_TABLE);
    take_said(2, 3, NULL);
    end_two_links(sv, l);
}

Test(scale, member_loses_one_of_two_links_with_the_leader)
{
    struct link other;
    struct server *sv = server_new(2, 1);
    have_hosts(sv, 1, 1);
    have_hosts(sv, 3, 3);
    sv->book.keeps_for = 1;
    struct link *l = second_link(sv, &other, 1);
    link_close(&links[1], "reset");
    cr_assert_eq(sv->hosts.leader, 1);
    cr_assert_not(sv->hosts.electing);
    cr_assert_eq(hosts_find(sv, 1)->link, l);
    cr_assert_eq(first_said(l), PXP_BOOK_FETCH, "what was on its way is asked for again");
    px_buf_free(&l->plain);
    link_close(l, "reset");
    cr_assert_eq(sv->hosts.leader, 0);
    cr_assert(sv->hosts.electing);
    take_said(1, 3, NULL);
    end_two_links(sv, l);
}
