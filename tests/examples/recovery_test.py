# SPDX-License-Identifier: BSD-3-Clause
"""examples/recovery as its users see it."""

import re
import shutil
import subprocess
import unittest

from lab import BUILD, LabCase

PI = "pi is about 3.1415926536 after"


class Recovery(LabCase):
    def setUp(self):
        super().setUp()
        # A copy, so that a process's executable tells whose it is.
        self.recovery = self.tmp / "recovery"
        shutil.copy2(BUILD / "examples" / "recovery" / "recovery", self.recovery)
        self.env["LD_LIBRARY_PATH"] = str(BUILD / "lib")

    def run_it(self, *options):
        done = subprocess.run([self.recovery, *options], env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0)
        return done.stdout

    def test_losses_are_made_good(self):
        out = self.run_it("-n", "4", "-s", "50", "-k", "12")
        self.assertIn(f"{PI} 50 steps, 4 workers lost\n", out)
        self.assertEqual(re.findall(r"step (\d+): a worker was lost; 5 processes again", out),
                         ["12", "24", "36", "48"])

    def test_without_losses(self):
        self.assertEqual(self.run_it("-n", "2", "-s", "30", "-k", "0"),
                         f"2 workers, 30 steps\n{PI} 30 steps, 0 workers lost\n")

    def test_the_only_worker(self):
        self.assertIn(f"{PI} 9 steps, 4 workers lost\n",
                      self.run_it("-n", "1", "-s", "9", "-k", "2"))

    def test_killed_from_outside(self):
        """Two at once, then another one, at whatever point of their work."""
        run = subprocess.Popen([self.recovery, "-n", "3", "-s", "200", "-k", "0", "-d", "20"],
                               env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               text=True)
        try:
            def workers():
                return [p for p in self.processes(self.recovery) if p != run.pid]

            self.assertEqual(run.stdout.readline(), "3 workers, 200 steps\n")
            for pid in workers()[:2]:
                self.kill(pid)
            self.assertIn("a worker was lost", run.stdout.readline())
            self.kill(workers()[0])
            out = run.stdout.read()
            run.wait(timeout=60)
        finally:
            run.kill()
            run.wait()
            run.stdout.close()
        self.assertEqual(run.returncode, 0)
        self.assertIn(f"{PI} 200 steps", out)

    def test_bad_options(self):
        for options in (("-n", "0"), ("-s", "-1"), ("-x",)):
            done = subprocess.run([self.recovery, *options], env=self.env, capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn("usage:", done.stdout)


if __name__ == "__main__":
    unittest.main()
