# SPDX-License-Identifier: BSD-3-Clause
"""What a killed daemon leaves: programs that people had started, which go on, and its runtime directory."""

import unittest

import hostlab


class Orphans(hostlab.HostCase):
    def three_hosts(self):
        self.begin()
        self.add("h1,slots=2", "h2,slots=2")
        self.vm_1 = f"{self.vm}.{self.hosts()['h1'][0]}"

    def at_h1(self):
        return {**self.env, "PVMX_VM": self.vm_1}

    def sweep(self):
        """The next daemon that starts here removes what killed ones have left."""
        left = self.runtime / "pvmx" / self.vm_1
        self.assertTrue(left.exists())
        self.add("h1,slots=2")
        self.assertFalse(left.exists())
        self.assertIn(f"LOCK-SWEEP: {left}", self.log())
        self.assertEqual({p.name for p in (self.runtime / "pvmx").iterdir()},
                         {self.vm, *(f"{self.vm}.{h[0]}" for n, h in self.hosts().items() if h[0] > 1)})

    def test_strangers_lose_each_other(self):
        """Two programs of different hosts; one's daemon is killed: for both that is the other's end."""
        self.three_hosts()
        program = self.compile("pair", PAIR)
        first = self.start(program, "accept", env=self.at_h1())
        port = first.stdout.readline().strip()
        second = self.start(program, port)
        for p in (first, second):
            self.assertEqual(p.stdout.readline(), "connected\n")
        self.kill(self.daemon_of("h1"))
        for p in (first, second):
            status, out, err = self.finish(p)
            self.assertEqual((status, out), (0, "lost\n"), err)
        self.sweep()

    def test_master_goes_on_alone(self):
        """A program's own daemon is killed: it hears that its workers elsewhere are lost, and can start none."""
        self.three_hosts()
        master = self.start(self.compile("master", MASTER), "h2", env=self.at_h1())
        self.assertEqual(master.stdout.readline(), "waiting\n")
        self.kill(self.daemon_of("h1"))
        status, out, err = self.finish(master)
        self.assertEqual((status, out), (0, "lost\nnone started\n"), err)
        self.wait_until(lambda: not self.processes(self.tmp / "master"), "its workers end")
        self.sweep()


PAIR = r"""
#include <mpi.h>
#include <mpix_pvmx.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Comm other;
    int byte = 0, class, err;
    MPI_Init(&argc, &argv);
    if (strcmp(argv[1], "accept") == 0) {
        MPI_Open_port(MPI_INFO_NULL, port);
        printf("%s\n", port);
        fflush(stdout);
        MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &other);
    } else {
        MPI_Comm_connect(argv[1], MPI_INFO_NULL, 0, MPI_COMM_SELF, &other);
    }
    MPI_Sendrecv(&byte, 1, MPI_INT, 0, 0, &byte, 1, MPI_INT, 0, 0, other, MPI_STATUS_IGNORE);
    MPI_Comm_set_errhandler(other, MPI_ERRORS_RETURN);
    printf("connected\n");
    fflush(stdout);
    err = MPI_Recv(&byte, 1, MPI_INT, 0, 1, other, MPI_STATUS_IGNORE);
    MPI_Error_class(err, &class);
    if (class != MPIX_ERR_PROC_FAILED)
        return 3;
    if (MPI_Send(&byte, 1, MPI_INT, 0, 1, other) == MPI_SUCCESS)
        return 4;
    printf("lost\n");
    fflush(stdout);
    MPI_Comm_free(&other);
    MPI_Finalize();
    return 0;
}
"""

MASTER = r"""
#include <mpi.h>
#include <mpix_pvmx.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    MPI_Comm parent, workers, more;
    MPI_Info info;
    int byte = 0, class, err, codes[2];
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) { /* waits for its end */
        MPI_Recv(&byte, 1, MPI_INT, 0, 1, parent, MPI_STATUS_IGNORE);
        return 5;
    }
    MPI_Info_create(&info);
    MPI_Info_set(info, "host", argv[1]);
    MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 2, info, 0, MPI_COMM_SELF, &workers, codes);
    MPI_Info_free(&info);
    MPI_Comm_set_errhandler(workers, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    printf("waiting\n");
    fflush(stdout);
    err = MPI_Recv(&byte, 1, MPI_INT, 1, 0, workers, MPI_STATUS_IGNORE);
    MPI_Error_class(err, &class);
    if (class != MPIX_ERR_PROC_FAILED)
        return 3;
    printf("lost\n");
    err = MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF, &more, codes);
    if (err == MPI_SUCCESS)
        return 4;
    printf("none started\n");
    fflush(stdout);
    MPI_Comm_free(&workers);
    MPI_Finalize();
    return 0;
}
"""

if __name__ == "__main__":
    unittest.main()
