#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The protocol generator: a small description, what comes of it, and every fault it must refuse."""
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

LIBPVMX = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../libpvmx")
CC = os.environ.get("CC", "cc")

SMALL = """\
# SPDX-License-Identifier: BSD-3-Clause
# A protocol
#   in two lines.

version 3
oldest 2

struct point
    1 x i32         to the right
    2 y i32

struct line
    4 from point
    2 via point*

# ---- drawing ----------
# Drawn at once.
message 200 draw client>daemon    draws lines
    3 lines line*
    1 colour str    a name
    2 retired       was: width
    5 data bin      raw
    6 bold bool
    7 big u64
    8 tags u32*

message 7 retired  was: erase

message 9 ok daemon>client
    1 n u32
"""


def load():
    path = os.path.join(LIBPVMX, "proto/gen_proto.py")
    spec = importlib.util.spec_from_file_location("gen_proto", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Parse(unittest.TestCase):
    def test_what_stands_there(self):
        p = load().Parser(SMALL).parse()
        self.assertEqual((p.version, p.oldest), (3, 2))
        self.assertEqual([s.name for s in p.structs], ["point", "line"])
        self.assertEqual([(m.number, m.name, m.who) for m in p.messages],
                         [(200, "draw", "client>daemon"), (9, "ok", "daemon>client")])
        self.assertEqual([r.number for r in p.retired], [7])
        draw = p.messages[0]
        self.assertEqual(draw.help, "draws lines")
        self.assertEqual(draw.section, "drawing")
        self.assertEqual([f.name for f in draw.live()],
                         ["lines", "colour", "data", "bold", "big", "tags"])

    def refuses(self, change, why):
        """change: (old, new) on the small description."""
        self.assertIn(change[0], SMALL)
        gen = load()
        with self.assertRaises(gen.ProtoError) as caught:
            gen.Parser(SMALL.replace(*change)).parse()
        self.assertIn(why, str(caught.exception))
        self.assertRegex(str(caught.exception), r"^line \d+: ")

    def test_faults(self):
        for change, why in (
                (("message 9 ok", "message 200 ok"), "number 200 is used twice"),
                (("message 9 ok", "message 7 ok"), "number 7 is used twice"),
                (("message 9 ok", "message 0 ok"), "not in 1.."),
                (("message 9 ok", "message 9 draw"), "name draw is used twice"),
                (("message 9 ok", "message 9 point"), "name point is used twice"),
                (("message 9 ok daemon>client", "message 9 ok"), "who sends it"),
                (("    6 bold bool", "    5 bold bool"), "field number 5 is used twice"),
                (("    6 bold bool", "    2 bold bool"), "field number 2 is used twice"),
                (("    6 bold bool", "    6 colour bool"), "name colour is used twice"),
                (("    6 bold bool", "    6 bold boolean"), "unknown type boolean"),
                (("    6 bold bool", "    6 for bool"), "cannot be a name in C"),
                (("    6 bold bool", "    6 Bold bool"), "cannot be a name in C"),
                (("    6 bold bool", "    6 bold bin*"), "lists of bin"),
                (("    6 bold bool", "    bold bool"), "not a field"),
                (("    1 x i32         to the right", "    1 x point*"), "unknown type point"),
                (("    1 x i32         to the right", "    1 x line*"), "unknown type line"),
                (("    1 n u32\n", ""), "ok has no fields"),
                (("version 3", "version 1"), "oldest is newer"),
                (("version 3\n", ""), "missing"),
                (("struct point", "structure point"), "neither struct")):
            with self.subTest(change=change):
                self.refuses(change, why)

    def test_depth_is_bounded(self):
        gen = load()
        text = "version 1\noldest 1\nstruct s0\n    1 x u32\n"
        text += "".join(f"struct s{i}\n    1 x s{i - 1}*\n" for i in range(1, 5))
        with self.assertRaises(gen.ProtoError) as caught:
            gen.Parser(text + "message 1 m a>b\n    1 x u32\n").parse()
        self.assertIn("nested deeper", str(caught.exception))


MAIN = r"""
#include "proto/messages.h"
#include "proto/codec.h"
#include <assert.h>
#include <string.h>
int main(void)
{
    struct pxp_point via[2] = {{1, -2}, {3, 4}};
    struct pxp_line line = {.from = {5, 6}, .via = via, .n_via = 2};
    uint32_t tags[3] = {1, 2, 70000};
    struct pxp_draw m = {.lines = &line, .n_lines = 1, .colour = "red", .data = "a\0b",
                         .data_len = 3, .bold = true, .big = 1ull << 40, .tags = tags, .n_tags = 3};
    struct pxp_draw got;
    struct pxp_zone z = {0};
    struct px_buf out = {0};
    assert(PXP_DRAW == 200 && PXP_OK == 9 && PXP_VERSION == 3 && PXP_OLDEST == 2);
    assert(strcmp(pxp_name(200), "draw") == 0 && strcmp(pxp_name(7), "?") == 0);
    assert(pxp_draw_encode(&out, 1, &m) == 0);
    assert(pxp_draw_decode(px_buf_head(&out) + 4, px_buf_len(&out) - 4, &got, &z) == 0);
    assert(got.n_lines == 1 && got.lines[0].from.x == 5 && got.lines[0].from.y == 6);
    assert(got.lines[0].n_via == 2 && got.lines[0].via[0].y == -2 && got.lines[0].via[1].x == 3);
    assert(strcmp(got.colour, "red") == 0 && got.bold && got.big == 1ull << 40);
    assert(got.data_len == 3 && memcmp(got.data, "a\0b", 3) == 0);
    assert(got.n_tags == 3 && got.tags[2] == 70000);
    size_t n;
    assert(pxp_descs(&n)[0]->number == 200 && n == 2);
    assert(pxp_descs(&n)[0]->fields[0].number == 1); /* sorted */
    px_buf_free(&out);
    pxp_zone_free(&z);
    return 0;
}
"""


class Render(unittest.TestCase):
    def run_generator(self, folder, text):
        path = os.path.join(folder, "small.txt")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return subprocess.run([sys.executable, os.path.join(LIBPVMX, "proto/gen_proto.py"), path,
                               "--code", os.path.join(folder, "gen/proto"), "--page",
                               os.path.join(folder, "docs/p.md")], capture_output=True, text=True,
                              check=False)

    def test_a_fault_stops_the_build_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory(prefix="pvmx-gen-") as folder:
            done = self.run_generator(folder, SMALL.replace("message 9", "message 200"))
            self.assertEqual(done.returncode, 1)
            self.assertIn("small.txt: line", done.stderr)
            self.assertFalse(os.path.exists(os.path.join(folder, "gen")))

    def test_the_code_compiles_and_works(self):
        with tempfile.TemporaryDirectory(prefix="pvmx-gen-") as folder:
            self.assertEqual(self.run_generator(folder, SMALL).returncode, 0)
            main = os.path.join(folder, "main.c")
            with open(main, "w", encoding="utf-8") as f:
                f.write(MAIN)
            sources = [main, os.path.join(folder, "gen/proto/messages.c")]
            sources += [os.path.join(LIBPVMX, s) for s in (
                "proto/encode.c", "proto/decode.c", "proto/reader.c", "proto/zone.c",
                "base/buf.c", "base/err.c")]
            program = os.path.join(folder, "main")
            subprocess.run([CC, "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow",
                            "-Wmissing-prototypes", "-Werror", "-I", os.path.join(folder, "gen"),
                            "-I", LIBPVMX, "-I", os.path.join(LIBPVMX, "include"), "-o", program]
                           + sources, check=True)
            subprocess.run([program], check=True)

    def test_page_and_dictionary(self):
        with tempfile.TemporaryDirectory(prefix="pvmx-gen-") as folder:
            self.assertEqual(self.run_generator(folder, SMALL).returncode, 0)
            with open(os.path.join(folder, "docs/p.md"), encoding="utf-8") as f:
                page = f.read()
            for text in ("Version 3; the oldest", "### 200 draw (client → daemon)", "Drawn at once.",
                         "| 2 | *retired* | | |", "| 3 | lines | line* |  |", "## Drawing",
                         "## Retired numbers\n\n7", "| 1 | x | i32 | to the right |"):
                self.assertIn(text, page)
            with open(os.path.join(folder, "gen/proto/messages.dict"), encoding="utf-8") as f:
                words = f.read()
            self.assertIn('draw="\\x93\\xcd\\x00\\xc8\\x01"\n', words)
            self.assertIn('ok="\\x93\\x09\\x01"\n', words)


if __name__ == "__main__":
    unittest.main()
