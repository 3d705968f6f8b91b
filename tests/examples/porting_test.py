# SPDX-License-Identifier: BSD-3-Clause
"""examples/porting: five programs, from pure PVM to pure MPI, with one result."""

import os
import re
import shutil
import unittest

from lab import BUILD, SOURCE, LabCase

PROGRAMS = BUILD / "examples" / "porting"
STEPS = range(1, 6)


def plate(n, most=1000000, eps=0.001):
    """What the programs have to print, computed here."""
    now = [[100.0] * (n + 2)] + [[0.0] * (n + 2) for _ in range(n + 1)]
    steps, change = 0, None
    while steps < most and (steps == 0 or steps % 20 or change > eps):
        new = [now[0]] + [[0.0] + [(now[r - 1][c] + now[r + 1][c] + now[r][c - 1] + now[r][c + 1]) / 4
                                   for c in range(1, n + 1)] + [0.0] for r in range(1, n + 1)] + [now[n + 1]]
        change = max(abs(a - b) for x, y in zip(new, now) for a, b in zip(x, y))
        now, steps = new, steps + 1
    total = 0.0
    for row in now[1:-1]:
        for value in row[1:-1]:
            total += value
    return f"plate of {n} x {n}: {steps} steps, mean {total / (n * n):.9f}\n"


class Porting(LabCase):
    def setUp(self):
        super().setUp()
        # Copies, so that a process's executable tells whose it is.
        for step in STEPS:
            for name in ("master", "worker"):
                shutil.copy2(PROGRAMS / f"{name}{step}", self.tmp)
        self.env["LD_LIBRARY_PATH"] = str(BUILD / "lib")
        self.env["PVM_PATH"] = "/nowhere"  # workers are found beside their master

    def each(self, *options):
        return [self.check_program(self.tmp / f"master{step}", *options) for step in STEPS]

    def test_same_result(self):
        self.assertEqual(self.each("-n", "30"), [plate(30)] * 5)

    def test_any_number_of_workers(self):
        wanted = [plate(9, eps=0.01)] * 5
        for workers in (1, 2, 3, 9):
            self.assertEqual(self.each("-n", "9", "-e", "0.01", "-w", str(workers)), wanted, workers)

    def test_transcript(self):
        text = (SOURCE / "examples" / "porting" / "README.md").read_text()
        for step, options, wanted in re.findall(r"\$ \./master(\d)(.*)\n    (plate.*\n)", text):
            self.assertEqual(self.check_program(self.tmp / f"master{step}", *options.split()), wanted)

    def test_long_rows(self):
        """Messages beyond all limits of short ones."""
        self.assertEqual(self.each("-n", "400", "-w", "2", "-s", "3"), [plate(400, 3)] * 5)

    def test_smallest(self):
        self.assertEqual(self.each("-n", "1", "-w", "1"), [plate(1)] * 5)

    def test_worker_that_is_killed(self):
        for step in STEPS:
            with self.subTest(step=step):
                master = self.tmp / f"master{step}"
                run = self.start(master, "-n", "60", "-w", "3", "-e", "0", "-s", "2000000000")
                workers = self.wait_until(
                    lambda s=step: (w := self.computing(self.tmp / f"worker{s}")) and len(w) == 3 and w, "they compute")
                self.kill(workers[1])
                status, out, err = self.finish(run)
                self.assertEqual((status, out), (1, ""), err)
                self.assertRegex(err, r"(?m)^worker \d has ended before its work was done$")
                self.wait_until(lambda: not self.processes(), "nobody is left")

    def computing(self, program):
        """Pids of those that have used a little processor time."""
        found = []
        for pid in self.processes(program):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    ticks = f.read().rsplit(")", 1)[1].split()[11:13]
            except OSError:
                continue
            if sum(map(int, ticks)) >= 0.05 * os.sysconf("SC_CLK_TCK"):
                found.append(pid)
        return found

    def test_worker_that_cannot_be_started(self):
        for step in STEPS:
            (self.tmp / f"worker{step}").unlink()
            status, out, err = self.run_program(self.tmp / f"master{step}")
            self.assertNotEqual(status, 0)
            self.assertEqual(out, "")
            self.assertRegex(err, r"error -7$|worker\d", step)

    def test_bad_options(self):
        for options in (("-n", "0"), ("-w", "65"), ("-n", "3", "-w", "4"), ("-e", "x"), ("-e", "-1"), ("-e", "nan"),
                        ("-s", "0"), ("-x",), ("word",)):
            status, out, err = self.run_program(self.tmp / "master1", *options)
            self.assertEqual((status, out), (2, ""), options)
            self.assertIn("usage:", err)


if __name__ == "__main__":
    unittest.main()
