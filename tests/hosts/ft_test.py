# SPDX-License-Identifier: BSD-3-Clause
"""Failure mitigation when the members of a communicator live on several hosts."""

import os
import re
import unittest

import hostlab
import lab


class Ft(hostlab.HostCase):
    def mpi(self, name, *args):
        """A program of tests/mpi/ft, its processes spread over virtual hosts with few slots each."""
        self.begin()
        self.add(*[f"h{i},slots=1" for i in range(1, 5)])
        self.env["MTEST_LIMIT"] = str(lab.DEADLINE)
        self.check_program(lab.BUILD / "tests" / "bin" / f"mpi_ft_{name}", *args)
        self.wait_until(lambda: len(self.ended()) >= 4, lambda: "tasks of four hosts end: " + self.log()[-2000:])

    def ended(self):
        """Hosts where tasks have ended."""
        return {int(t, 16) >> 18 for t in re.findall(r"TASK-END\S*\s.*?\bt([0-9a-f]+) ", self.log())}

    def test_failed(self):
        self.mpi("failed")

    def test_revoke(self):
        self.mpi("revoke")

    def test_agree(self):
        self.mpi("agree")

    def test_inter(self):
        self.mpi("inter")

    def test_lost_hosts(self):
        """Host by host is lost, the one that gathers (and leads) first of all, in agreements."""
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "1500ms"  # the last one waits four times as long for the others
        first = int(os.environ.get("LOSING_SEED", "1"))
        for seed in range(first, first + 2):
            with self.subTest(seed=seed):
                self.begin()
                self.add(*[f"h{i},slots=2" for i in range(1, 6)])
                self.wait_until(lambda: len(self.hosts(f"{self.vm}.6")) == 6, "the last host knows all")
                program = lab.BUILD / "tests" / "bin" / "losing"
                out = self.check_program(program, "12", str(seed), env=self.env | {"PVMX_VM": f"{self.vm}.6"})
                self.assertRegex(out, r"^\d+ rounds, 0 failures\n$")
                self.assertGreaterEqual(int(out.split()[0]), 5)
                self.wait_until(lambda: not self.processes(), "nobody is left")
                self.forget_killed()


if __name__ == "__main__":
    unittest.main()
