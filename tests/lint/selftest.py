#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A check that cannot fail is worse than none: each is run on a tree that is good and on trees with
one fault each. selftest.py CC [CXX]"""
import os
import subprocess
import sys
import tempfile
import unittest

import exports
import layers
import size
import spdx

HEAD = "/* SPDX-License-Identifier: BSD-3-Clause */\n/* A sample. */\n"
HERE = os.path.dirname(os.path.abspath(__file__))
COMPILERS = ["cc"]


class Tree(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(prefix="pvmx-lint-")
        self.root = os.path.join(self.temp.name, "tree")
        os.mkdir(self.root)
        self.put("libpvmx/base/err.h", HEAD)
        self.put("libpvmx/base/list.h", HEAD)
        self.put("libpvmx/proto/frame.h", HEAD)
        self.put("libpvmx/core/ctx.h", HEAD)
        self.put("libpvmx/transport/shm/ring.h", HEAD)
        self.put("libpvmx/include/pvmx/types.h", HEAD)
        self.put("libpvmx/include/pvmx/engine/msg.h", HEAD)
        self.put("libmpi_dpm/comm/comm.h", HEAD)
        self.put("pvmxd/tasks.h", HEAD)

    def tearDown(self):
        self.temp.cleanup()

    def put(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def one_fault(self, check, word):
        faults = check(self.root)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(word, faults[0])


class Layers(Tree):
    def includes(self, path, *names):
        self.put(path, HEAD + "".join(f"#include {n}\n" for n in names))

    def test_what_is_allowed(self):
        self.includes("libpvmx/base/x.c", '"base/err.h"', "<stdio.h>", "<sys/socket.h>")
        self.includes("libpvmx/proto/x.c", '"base/err.h"', '"proto/frame.h"', "<msgpack/pack.h>",
                      '"proto/messages.h"')
        self.includes("libpvmx/transport/shm/x.c", '"transport/shm/ring.h"', '"ring.h"')
        self.includes("libpvmx/core/x.c", '"proto/frame.h"', '"core/ctx.h"', "<pvmx/engine/msg.h>")
        self.includes("libmpi_dpm/dpm/x.c", '"comm/comm.h"', "<pvmx/engine/msg.h>", '"base/list.h"',
                      '"mpi.h"')
        self.includes("pvmxd/x.c", '"tasks.h"', '"proto/frame.h"', "<ev.h>", "<hwloc.h>")
        self.put("pvmxd/spawn.h", HEAD)
        self.includes("examples/x/x.c", "<mpi.h>", "<zlib.h>", "<spawn.h>")
        self.includes("tests/unit/x.c", '"pvmxd/tasks.h"', '"core/ctx.h"')
        self.assertEqual(layers.check(self.root), [])

    def test_what_is_not(self):
        for path, name in (("libpvmx/base/x.c", '"proto/frame.h"'),
                           ("libpvmx/base/x.h", "<pvmx/engine/msg.h>"),
                           ("libpvmx/proto/x.c", '"core/ctx.h"'),
                           ("libpvmx/proto/x.c", "<hwloc.h>"),
                           ("libpvmx/match/x.c", '"core/ctx.h"'),
                           ("libpvmx/transport/x.c", '"proto/frame.h"'),
                           ("libpvmx/core/x.c", "<msgpack.h>"),
                           ("libpvmx/core/x.c", '"comm/comm.h"'),
                           ("libmpi_dpm/dpm/x.c", '"core/ctx.h"'),
                           ("libmpi_dpm/dpm/x.c", '"base/err.h"'),
                           ("libmpi_dpm/dpm/x.c", '"../../libpvmx/core/ctx.h"'),
                           ("pvmxd/x.c", '"core/ctx.h"'),
                           ("pvmxd/x.c", '"transport/shm/ring.h"'),
                           ("console/x.c", '"tasks.h"'),
                           ("console/x.c", "<ev.h>"),
                           ("examples/x/x.c", "<pvmx/engine/msg.h>"),
                           ("compat/pvm3/x.c", '"proto/frame.h"')):
            with self.subTest(path=path, name=name):
                self.includes(path, name)
                self.one_fault(layers.check, path)
                os.remove(os.path.join(self.root, path))


class Size(Tree):
    def test_good(self):
        self.put("pvmxd/x.c", HEAD + "x;\n" * 598)
        self.put("pvmxd/y.c", HEAD + "\nint f(void)\n{\n" + "    x;\n" * 97 + "}\n")
        self.assertEqual(size.check(self.root), [])

    def test_file(self):
        self.put("pvmxd/x.c", HEAD + "x;\n" * 599)
        self.one_fault(size.check, "pvmxd/x.c: 601 lines")

    def test_function(self):
        self.put("pvmxd/x.c", HEAD + "\nint long_one(void)\n{\n" + "    x;\n" * 98 + "}\n")
        self.one_fault(size.check, "long_one has 101 lines")

    def test_function_in_python(self):
        self.put("tools/x.py", "def long_one():\n" + "    pass\n" * 100)
        self.one_fault(size.check, "long_one has 101 lines")

    def test_columns(self):
        self.put("pvmxd/x.c", HEAD + "x" * 111 + "\n")
        self.one_fault(size.check, "x.c:3: 111 columns")

    def test_exceptions_need_a_reason_and_a_use(self):
        self.put("pvmxd/x.c", HEAD + "x;\n" * 599)
        listed = "tests/lint/size_exceptions.txt"
        self.put(listed, "# comment\npvmxd/x.c - a table\n")
        self.assertEqual(size.check(self.root), [])
        self.put(listed, "pvmxd/x.c\n")
        self.one_fault(size.check, "no reason")
        self.put(listed, "pvmxd/x.c - a table\npvmxd/gone.c - old\n")
        self.one_fault(size.check, "pvmxd/gone.c is not needed")


class Spdx(Tree):
    def test_good(self):
        self.put("tools/run", "#!/bin/sh\n# SPDX-License-Identifier: BSD-3-Clause\n")
        self.put("docs/x.md", "no licence here\n")
        self.put("tests/data/sample.gz", "data")
        self.assertEqual(spdx.check(self.root), [])

    def test_missing(self):
        for path, text in (("pvmxd/x.c", "int x;\n"), ("tools/run", "#!/bin/sh\necho\n"),
                           ("pvmxd/CMakeLists.txt", "x()\n"),
                           ("pvmxd/y.c", "/* SPDX-License-Identifier: BSD-3-Clause */\nint x;\n")):
            with self.subTest(path=path):
                self.put(path, text)
                self.one_fault(spdx.check, path)
                os.remove(os.path.join(self.root, path))


class Exports(Tree):
    def library(self, text):
        self.put("x.c", text)
        out = os.path.join(self.root, "libx.so")
        subprocess.run([COMPILERS[0], "-shared", "-fPIC", "-o", out,
                        os.path.join(self.root, "x.c")], check=True)
        return out

    def test_good_and_bad(self):
        good = self.library("int pvmx_x(void) { return 0; }")
        self.assertEqual(exports.check(good, "-", ["pvmx_"]), [])
        faults = exports.check(self.library("int pvmx_x, px_y; static int z;"), "-", ["pvmx_"])
        self.assertEqual(len(faults), 1)
        self.assertIn("px_y leaves", faults[0])

    def test_a_library_without_names(self):
        self.assertEqual(len(exports.check(self.library("static int z;"), "-", ["pvmx_"])), 1)

    def test_declared_but_not_there(self):
        self.put("include/x.h", "PVMX_API int pvmx_x(void);\nPVMX_API const char *\npvmx_gone(int);\n")
        faults = exports.check(self.library("int pvmx_x(void) { return 0; }"),
                               os.path.join(self.root, "include"), ["pvmx_"])
        self.assertEqual(len(faults), 1)
        self.assertIn("pvmx_gone is declared", faults[0])


class Scripts(Tree):
    def run_script(self, *args):
        return subprocess.run(["sh", *args], capture_output=True, text=True, check=False)

    def headers(self, text):
        self.put("include/a/good.h",
                 "#ifndef A\n#define A\n#include <stddef.h>\nsize_t f(void);\n#endif\n")
        self.put("include/x.h", text)
        return self.run_script(os.path.join(HERE, "headers.sh"),
                               os.path.join(self.root, "include"), *COMPILERS)

    def test_headers(self):
        self.assertEqual(self.headers("struct x;\n").returncode, 0)
        done = self.headers("size_t f(void);\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("x.h does not compile alone", done.stdout)
        self.assertEqual(self.headers("struct x { int y; };\n").returncode, 1)  # no guard
        if len(COMPILERS) > 1:
            done = self.headers("#ifndef X\n#define X\nint f(int class);\n#endif\n")
            self.assertIn("as c++", done.stdout)
            self.assertEqual(done.returncode, 1)

    def test_no_headers_at_all(self):
        os.mkdir(os.path.join(self.root, "include"))
        done = self.run_script(os.path.join(HERE, "headers.sh"), os.path.join(self.root, "include"),
                               *COMPILERS)
        self.assertEqual(done.returncode, 1)

    def test_format(self):
        script = os.path.join(HERE, "format.sh")
        with open(os.path.join(HERE, "../../.clang-format"), encoding="utf-8") as f:
            self.put(".clang-format", f.read())
        self.put("pvmxd/x.c", HEAD + "int x;\n")
        done = self.run_script(script, self.root)
        if done.returncode == 77:
            self.skipTest(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.put("pvmxd/x.c", HEAD + "int  x ;\n")
        self.assertNotEqual(self.run_script(script, self.root).returncode, 0)
        self.assertEqual(self.run_script(script, self.root, "--fix").returncode, 0)
        self.assertEqual(self.run_script(script, self.root).returncode, 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        COMPILERS = [c for c in sys.argv[1:] if c]
    unittest.main(argv=sys.argv[:1])
