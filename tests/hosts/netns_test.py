# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that are network namespaces."""

import unittest

import hostlab
import netlab


class Namespaces(netlab.NetCase):
    def test_join_over_ethernet(self):
        self.start_hosts()
        self.assertEqual(len(self.hosts()), self.N)
        self.assertIn("10.77.0.2:", self.ctl("hosts"))

    def test_silent_host(self):
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "1500ms"
        self.start_hosts()
        index = self.hosts()[self.name(1)][0]
        self.cut(1)
        self.wait_until(lambda: self.name(1) not in self.hosts(), "the silent host is lost", 20)
        self.assertRegex(self.log(), f"HOST-GONE: host {self.name(1)} .*silent for 1.5 s")
        # On its own it is no majority, and without tasks it leaves.
        self.wait_until(lambda: len(self.processes(hostlab.PVMXD)) == self.N - 1,
                        "the host that was cut off leaves", 20)
        self.cut(1, down=False)
        self.add(f"{self.name(1)},slots=2", launcher=netlab.LAUNCHER)
        self.assertGreater(self.hosts()[self.name(1)][0], index)

    def test_messages_over_ethernet(self):
        self.start_hosts()
        program = hostlab.lab.BUILD / "tests" / "bin" / "spread"
        for n in (2, 7):
            self.check_program("ip", "netns", "exec", self.name(0), program, str(n))

    def test_lost_host_is_a_failure(self):
        """A cable is pulled: no packet says so, and still nobody waits for ever."""
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "1500ms"
        self.start_hosts()
        program = self.compile("wait", WAIT)
        job = self.start("ip", "netns", "exec", self.name(0), program)
        self.assertEqual(job.stdout.readline(), "waiting\n")
        self.cut(1)
        status, out, err = self.finish(job)
        self.assertEqual(status, 0, out + err)
        self.assertIn("lost", out)
        self.wait_until(lambda: len(self.processes()) == self.N - 1, "nothing is left there", 20)


WAIT = r"""
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    enum { N = 8 };
    MPI_Comm parent, children;
    int value = 0, lost = 0, rank = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) {
        MPI_Comm_set_errhandler(parent, MPI_ERRORS_RETURN);
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        MPI_Send(&rank, 1, MPI_INT, 0, 1, parent);
        int err = MPI_Recv(&value, 1, MPI_INT, 0, 2, parent, MPI_STATUS_IGNORE);
        if (err == MPI_SUCCESS)
            MPI_Send(&rank, 1, MPI_INT, 0, 3, parent);
        _exit(0);
    }
    MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, N, MPI_INFO_NULL, 0, MPI_COMM_SELF, &children,
                   MPI_ERRCODES_IGNORE);
    MPI_Comm_set_errhandler(children, MPI_ERRORS_RETURN);
    for (int i = 0; i < N; i++)
        MPI_Recv(&value, 1, MPI_INT, i, 1, children, MPI_STATUS_IGNORE);
    printf("waiting\n");
    fflush(stdout);
    /* Nobody sends with this tag: one of them has to be lost. */
    if (MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 9, children, MPI_STATUS_IGNORE) != MPI_SUCCESS)
        lost++;
    printf("lost %d\n", lost);
    fflush(stdout);
    _exit(lost > 0 ? 0 : 1);
}
"""

if __name__ == "__main__":
    unittest.main()
