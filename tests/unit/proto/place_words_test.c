/* SPDX-License-Identifier: BSD-3-Clause */
/* What people write about processors: every word comes out as place.h reads it, or is refused. */
#include "base/err.h"
#include "proto/place.h"
#include "proto/place_words.h"
#include <criterion/criterion.h>
#include <string.h>

struct saying {
    const char *key, *value, *text; /* NULL: refused */
};

static const struct saying sayings[] = {
    {"bind_to", "none", "bind=none"},
    {"bind_to", "CORE", "bind=core"},
    {"bind_to", "core:4", "bind=core:4"},
    {"bind_to", "thread", "bind=hwthread"},
    {"bind_to", "package:2", "bind=socket:2"},
    {"bind_to", "core:overload-allowed", "bind=core"},
    {"bind_to", "rr", "bind=core"},
    {"bind_to", "fish", NULL},
    {"bind_to", "", NULL},
    {"bind_to", "core:", NULL},
    {"bind_to", "core:0", NULL},
    {"bind_to", "core:1x", NULL},
    {"bind_to", "core:-1", NULL},
    {"bind_to", "core:9999999", NULL},
    {"bind_to", "none:2", NULL},
    {"map_by", "socket", "bind=core map=socket"},
    {"map_by", "hwthread", "bind=hwthread map=hwthread"},
    {"map_by", "slot", "bind=core map=packed"},
    {"map_by", "numa:PE=2", "bind=core cpus=2 map=numa"},
    {"map_by", "core:span", "bind=core map=core"},
    {"map_by", "core:PE=0", NULL},
    {"map_by", "core:PE=", NULL},
    {"map_by", "core:", NULL},
    {"map_by", "core:fast", NULL},
    {"map_by", "node", "bind=core map=packed"},
    {"map_by", "ppr:2:node", "bind=core map=packed"},
    {"map_by", "PPR:12:Node:PE=2", "bind=core cpus=2 map=packed"},
    {"map_by", "ppr:0:node", NULL},
    {"map_by", "ppr:2", NULL},
    {"map_by", "ppr:2:", NULL},
    {"map_by", "ppr::node", NULL},
    {"map_by", "ppr:2:socket", NULL},
    {"map_by", "ppr:2:node:", NULL},
    {"mpit_cpus", "3", "cpus=3"},
    {"mpit_cpus", "0", NULL},
    {"mpit_cpus", "", NULL},
    {"mpit_cpus_r17", "2", "r17=2"},
    {"mpit_cpus_r17", "two", NULL},
    {"mpit_procmap", "0,4,2", "procs=0,4,2"},
    {"mpit_procmap", "socket", "map=socket"},
    {"mpit_procmap", "1,,2", NULL},
    {"mpit_procmap", "1,", NULL},
    {"mpit_procmap", "fish", NULL},
    {"mpit_bind_to_processor_set", "yes", "bind=core"},
    {"mpit_bind_to_processor_set", "T", "bind=core"},
    {"mpit_bind_to_processor_set", "perhaps", NULL},
};

Test(place_words, each_saying)
{
    for (size_t i = 0; i < sizeof sayings / sizeof sayings[0]; i++) {
        const struct saying *s = &sayings[i];
        struct pxp_place_words w = {.text = NULL};
        struct pxp_place place;
        pvmx_err err = pxp_place_say(&w, "the option", s->key, s->value);
        if (s->text == NULL) {
            cr_expect_eq(err, PVMX_ERR_ARG, "%s %s", s->key, s->value);
            cr_expect_eq(strncmp(pvmx_last_error(), "the option ", 11), 0, "%s",
                         pvmx_last_error());
        } else {
            cr_expect_eq(err, PVMX_OK, "%s %s: %s", s->key, s->value, pvmx_last_error());
            cr_expect_str_eq(w.text, s->text, "%s %s", s->key, s->value);
            cr_expect_eq(pxp_place_read(w.text, &place), PVMX_OK, "%s", w.text);
            pxp_place_free(&place);
        }
        pxp_place_words_free(&w);
    }
}

Test(place_words, on_each_host)
{
    const char *rest = NULL;
    cr_expect_eq(pxp_place_each("node", &rest), 1);
    cr_expect_str_eq(rest, "");
    cr_expect_eq(pxp_place_each("ppr:3:node:PE=2", &rest), 3);
    cr_expect_str_eq(rest, ":PE=2");
    cr_expect_eq(pxp_place_each("socket", NULL), 0);
    cr_expect_eq(pxp_place_each("ppr:3:core", NULL), 0);
    cr_expect_eq(pxp_place_each("ppr:x:node", NULL), 0);
}

Test(place_words, other_keys_are_not_ours)
{
    static const char *const keys[] = {
        "host",    "mpit_", "mpit_cpus_r", "mpit_cpus_rx", "mpit_cpus_r1234567",
        "BIND_TO", ""};
    struct pxp_place_words w = {.text = NULL};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        cr_expect_eq(pxp_place_say(&w, "x", keys[i], "1"), PVMX_ERR_NOENT, "%s", keys[i]);
    cr_expect_null(w.text);
}

Test(place_words, what_is_said_adds_up)
{
    struct pxp_place_words w = {.text = NULL};
    cr_assert_eq(pxp_place_say(&w, "x", "bind_to", "hwthread"), PVMX_OK);
    cr_assert_eq(pxp_place_say(&w, "x", "map_by", "socket:NOOVERSUBSCRIBE"), PVMX_OK);
    cr_assert_eq(pxp_place_say(&w, "x", "mpit_bind_to_processor_set", "no"), PVMX_OK);
    cr_expect_str_eq(w.text, "bind=hwthread map=socket", "an order leaves the level alone");
    cr_expect(w.bound && w.may_not_crowd && !w.may_crowd);
    pxp_place_words_free(&w);
}
