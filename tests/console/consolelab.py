# SPDX-License-Identifier: BSD-3-Clause
"""Running commands of the console: what is mixed into a test's class."""

import json

from lab import BUILD

PVMX = BUILD / "bin" / "pvmx"


class Console:
    def pvmx(self, *args, **more):
        return self.run_program(PVMX, *args, **more)

    def ok(self, *args, **more):
        status, out, err = self.pvmx(*args, **more)
        self.assertEqual((status, err), (0, ""), f"{args}\n{out}")
        return out

    def json(self, *args):
        return json.loads(self.ok("--json", *args))

    def fails(self, word, *args, status=1, **more):
        got, out, err = self.pvmx(*args, **more)
        self.assertEqual((got, out), (status, ""), err)
        self.assertTrue(err.startswith("pvmx: "), err)
        self.assertIn(word, err)

    def spawn(self, *args):
        """Tids of what was started, and the job."""
        tasks = self.json("spawn", *args)
        return [t["tid"] for t in tasks], tasks[0]["job"]
