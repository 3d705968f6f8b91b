/* SPDX-License-Identifier: BSD-3-Clause */
/* Placing tasks on hosts that we do not have: hwloc describes them, bind.c chooses. */
#include "base/err.h"
#include "bind.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static const char two_sockets[] = "pack:2 numa:1 core:4 pu:2";
static const char large[] = "pack:2 [numa] core:16 pu:1";

static struct bind_map map;
static struct bind_place *places[MOST];
static uint32_t nplaces;

static hwloc_topology_t load(const char *synthetic)
{
    hwloc_topology_t topo;
    cr_assert_eq(hwloc_topology_init(&topo), 0);
    cr_assert_eq(hwloc_topology_set_synthetic(topo, synthetic), 0, "%s", synthetic);
    cr_assert_eq(hwloc_topology_load(topo), 0);
    return topo;
}

static void read_map(hwloc_topology_t topo)
{
    cr_assert_eq(bind_map_read(&map, topo), PVMX_OK, "%s", pvmx_last_error());
    hwloc_topology_destroy(topo);
}

static struct bind_place *choose(const char *text, uint32_t rank)
{
    struct pxp_place want;
    cr_assert_eq(pxp_place_read(text, &want), PVMX_OK, "%s", pvmx_last_error());
    struct bind_place *p = bind_choose(&map, &want, rank);
    pxp_place_free(&want);
    return p;
}

/* Places n ranks, and returns what each got as "0,1|2-3". */
static const char *place(const char *text, uint32_t n)
{
    static char all[4096];
    size_t at = 0;
    all[0] = '\0';
    for (uint32_t rank = 0; rank < n; rank++) {
        struct bind_place *p = choose(text, rank);
        cr_assert_not_null(p, "%s: %s", text, pvmx_last_error());
        at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", rank ? "|" : "", p->text);
        places[nplaces++] = p;
    }
    return all;
}

static void release_all(void)
{
    while (nplaces > 0)
        bind_unchoose(&map, places[--nplaces]);
    for (uint32_t i = 0; i < map.npu; i++)
        cr_assert_eq(map.pu[i].load, 0, "unit %u is still counted", map.pu[i].os);
}

static void finish(void)
{
    release_all();
    bind_map_free(&map);
}

/* One request on an empty host. */
static void expect(const char *text, uint32_t n, const char *places_text)
{
    cr_assert_str_eq(place(text, n), places_text, "%s", text);
    release_all();
}

Test(bind, two_sockets_packed, .fini = finish)
{
    read_map(load(two_sockets)); /* core c has units 2c and 2c+1; cores 0-3, 4-7 */
    expect("bind=core", 5, "0-1|2-3|4-5|6-7|8-9");
    expect("bind=hwthread", 3, "0|1|2");
    expect("bind=socket", 3, "0-7|8-15|0-7");
    expect("bind=numa", 2, "0-7|8-15");
    expect("bind=core:2", 4, "0-3|4-7|8-11|12-15");
    expect("bind=hwthread:2", 2, "0-1|2-3");
    expect("bind=hwthread:3", 2, "0-2|3-5");
    expect("bind=core:4", 2, "0-7|8-15");
    expect("bind=socket:2", 1, "0-15");
}

Test(bind, two_sockets_round_robin, .fini = finish)
{
    read_map(load(two_sockets));
    expect("bind=core map=socket", 5, "0-1|8-9|2-3|10-11|4-5");
    expect("bind=core map=numa", 3, "0-1|8-9|2-3");
    expect("bind=hwthread map=core", 9, "0|2|4|6|8|10|12|14|1");
    expect("bind=hwthread map=socket", 4, "0|8|1|9");
    expect("bind=core:3 map=socket", 2, "0-5|8-13");
    /* Going round what is smaller than what is bound to means nothing: packed. */
    expect("bind=socket map=core", 2, "0-7|8-15");
}

Test(bind, host_of_32_cores, .fini = finish)
{
    char text[512] = "";
    size_t at = 0;
    read_map(load(large));
    cr_assert_eq(map.npu, 32);
    for (unsigned i = 0; i < 33; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%u", i ? "|" : "", i % 32);
    expect("bind=core", 33, text);
    at = 0;
    for (unsigned i = 0; i < 32; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%u", i ? "|" : "",
                               i / 2 + i % 2 * 16);
    expect("bind=core map=socket", 32, text);
    expect("bind=core:8", 4, "0-7|8-15|16-23|24-31");
    expect("bind=numa", 2, "0-15|16-31");
}

Test(bind, fast_cores_of_a_hybrid_host_come_first, .fini = finish)
{
    hwloc_topology_t topo = load("pack:1 core:6 pu:1");
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    hwloc_bitmap_set_range(set, 0, 3);
    cr_assert_eq(hwloc_cpukinds_register(topo, set, 0, 0, NULL, 0), 0);
    hwloc_bitmap_zero(set);
    hwloc_bitmap_set_range(set, 4, 5);
    cr_assert_eq(hwloc_cpukinds_register(topo, set, 1, 0, NULL, 0), 0);
    hwloc_bitmap_free(set);
    read_map(topo);
    expect("bind=core", 7, "4|5|0|1|2|3|4");
}

Test(bind, own_numbers_for_ranks, .fini = finish)
{
    read_map(load(large));
    expect("bind=core cpus=2 r1=4 r2=1", 4, "0-1|2-5|6|7-8");
    expect("bind=core r0=3 r0=1", 2, "0|1"); /* the last word counts */
    expect("bind=core procs=4,9 cpus=2", 3, "4-5|9-10|4-5");
    expect("bind=socket procs=1", 1, "16-31");
}

Test(bind, what_others_use_is_left_alone, .fini = finish)
{
    read_map(load(two_sockets));
    cr_assert_str_eq(place("bind=core", 3), "0-1|2-3|4-5"); /* one job */
    cr_assert_str_eq(place("bind=core", 2), "6-7|8-9");     /* another */
    cr_assert_str_eq(place("bind=core:3", 1), "10-15");     /* close together */
    bind_unchoose(&map, places[1]); /* one of the first has ended */
    places[1] = choose("bind=core", 9);
    cr_assert_str_eq(places[1]->text, "2-3");
}

Test(bind, units_that_are_not_ours, .fini = finish)
{
    hwloc_topology_t topo = load(two_sockets);
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    hwloc_bitmap_set_range(set, 6, 9); /* core 3 of one socket, core 4 of the other */
    cr_assert_eq(hwloc_topology_restrict(topo, set, 0), 0);
    hwloc_bitmap_free(set);
    read_map(topo);
    expect("bind=core", 3, "6-7|8-9|6-7");
    expect("bind=core map=socket", 2, "6-7|8-9");
    expect("bind=socket", 2, "6-7|8-9");
}

Test(bind, no_levels_but_units, .fini = finish)
{
    read_map(load("pu:3"));
    expect("bind=core", 4, "0|1|2|0");
    expect("bind=socket", 1, "0-2");
    expect("bind=numa", 1, "0-2");
}

Test(bind, more_than_there_is, .fini = finish)
{
    read_map(load(two_sockets));
    cr_assert_null(choose("bind=core:9", 3));
    cr_assert_str_eq(pvmx_last_error(),
                     "rank 3 is to be bound to 9 cores, but this host has 8 for us");
    cr_assert_null(choose("bind=socket:3", 0));
    cr_assert_null(choose("bind=core procs=8", 0));
    cr_assert_not_null(strstr(pvmx_last_error(), "number 8 of the cores"));
}

Test(bind, an_end_within_a_round_counts_after_it)
{
    struct bind b = {0};
    struct pxp_place want;
    bind_init(&b);
    hwloc_topology_t topo = load("pack:1 core:2 pu:1");
    cr_assert_eq(bind_map_read(&b.map, topo), PVMX_OK, "%s", pvmx_last_error());
    hwloc_topology_destroy(topo);
    cr_assert_eq(pxp_place_read("bind=core", &want), PVMX_OK, "%s", pvmx_last_error());
    struct bind_place *old[2], *new[2];
    for (uint32_t i = 0; i < 2; i++)
        old[i] = bind_choose(&b.map, &want, i);
    bind_begin(&b);
    new[0] = bind_choose(&b.map, &want, 0);
    bind_release(&b, old[0]); /* on the same core: now it would be the emptiest again */
    new[1] = bind_choose(&b.map, &want, 1);
    bind_end(&b);
    cr_assert_str_eq(new[0]->text, "0");
    cr_assert_str_eq(new[1]->text, "1");
    cr_assert(b.map.pu[0].load == 1 && b.map.pu[1].load == 2);
    bind_release(&b, old[1]);
    for (uint32_t i = 0; i < 2; i++)
        bind_release(&b, new[i]);
    cr_assert(b.map.pu[0].load == 0 && b.map.pu[1].load == 0);
    pxp_place_free(&want);
    bind_fini(&b);
}

Test(bind, a_thousand_units)
{
    read_map(load("pack:8 numa:2 core:32 pu:2"));
    cr_assert_eq(map.npu, 1024);
    struct bind_place *p = choose("bind=numa", 0);
    cr_assert_str_eq(p->text, "0-63");
    bind_unchoose(&map, p);
    p = choose("bind=hwthread procs=1023", 0);
    cr_assert_str_eq(p->text, "1023");
    cr_assert_geq(p->mask_size, 128);
    cr_assert_eq(p->mask[1023 / 64] >> 63, 1);
    bind_unchoose(&map, p);
    bind_map_free(&map);
}

Test(bind, texts_that_mean_nothing)
{
    static const char *const bad[] = {
        "bind=",        "bind=core:",      "bind=core:0", "bind=cores", "map=",
        "map=x",        "cpus=0",          "cpus=-1",     "r=1",        "r1",
        "r1=0",         "procs=",          "procs=1,",    "procs=a",    "frobnicate",
        "bind=core:1x", "cpus=99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pxp_place want;
        cr_assert_eq(pxp_place_read(bad[i], &want), PVMX_ERR_ARG, "%s", bad[i]);
        cr_assert_not_null(strstr(pvmx_last_error(), "placement"), "%s", bad[i]);
    }
}
