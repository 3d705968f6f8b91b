# SPDX-License-Identifier: BSD-3-Clause
"""mpiexec with many processes, and with much input and output."""

import subprocess
import unittest

from lab import BUILD, LabCase

MPIEXEC = BUILD / "bin" / "mpiexec"

# Writes argv[1] million lines of 100 bytes.
LINES = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
    char line[101];
    memset(line, 'x', 99);
    line[99] = '\\n';
    line[100] = 0;
    (void)argc;
    for (long i = atol(argv[1]) * 1000000; i > 0; i--)
        fputs(line, stdout);
    return 0;
}
"""

# Rank 0 hears from all others before it reads; everyone reads all of the input.
LATE = """
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    char buf[65536];
    long long sum = 0;
    int rank;
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0)
        MPI_Barrier(MPI_COMM_WORLD);
    for (ssize_t n; (n = read(0, buf, sizeof buf)) > 0;)
        sum += n;
    if (rank != 0)
        MPI_Barrier(MPI_COMM_WORLD);
    printf("%lld\\n", sum);
    MPI_Finalize();
    return 0;
}
"""


class Limits(LabCase):
    @staticmethod
    def peak_kb(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return int(next(l for l in f if l.startswith("VmHWM")).split()[1])

    def test_256_processes_with_labels(self):
        out = self.check_program(MPIEXEC, "-l", "-n", "256", "sh", "-c",
                                 "echo a; echo b >&2; echo c; exit 0")
        self.assertEqual(sorted(out.splitlines()),
                         sorted(f"[{r}] {w}" for r in range(256) for w in "ac"))

    def test_a_gigabyte_with_labels_takes_little_memory(self):
        run = self.start(MPIEXEC, "-l", "-n", "2", self.compile("lines", LINES, "-O2"), "5", text=False)
        size, peak = 0, 0
        while True:
            data = run.stdout.read(1 << 20)
            if not data:
                break
            if size >> 27 != (size + len(data)) >> 27:
                peak = max(peak, self.peak_kb(run.pid))
            size += len(data)
        self.assertEqual(self.finish(run)[0], 0)
        self.assertEqual(size, 10_000_000 * 104)
        self.assertLess(peak, 32 * 1024 * self.sanitized())

    def sanitized(self):
        """Sanitizers keep freed memory for a while."""
        symbols = subprocess.run(["ldd", MPIEXEC], capture_output=True, text=True, check=True).stdout
        return 16 if "libasan" in symbols else 1

    def test_a_reader_that_stands_still(self):
        run = self.start(MPIEXEC, "-l", "-n", "2", self.compile("lines", LINES, "-O2"), "1", text=False)
        run.stdout.read(1)
        self.wait_until(lambda: [self.waits(p) for p in self.processes(self.tmp / "lines")] == [True] * 2,
                        "the writers wait")
        self.assertLess(self.peak_kb(run.pid), 32 * 1024 * self.sanitized())
        run.send_signal(2)  # hears it all the same
        run.stdout.read()
        self.assertEqual(self.finish(run)[0], 130)

    @staticmethod
    def waits(pid):
        with open(f"/proc/{pid}/wchan", encoding="ascii") as f:
            return "pipe" in f.read()

    def test_much_input_for_all(self):
        """The fastest may run ahead of the one that waits for it."""
        size = 40_000_000
        run = self.start("sh", "-c", f"head -c {size} /dev/zero | exec {MPIEXEC} -stdin all -n 3 "
                         f"{self.compile('late', LATE)}")
        status, out, err = self.finish(run)
        self.assertEqual((status, out, err), (0, f"{size}\n" * 3, ""))

    def test_input_that_nobody_reads(self):
        for args in (("-n", "2", "true"), ("-stdin", "all", "-n", "2", "true"),
                     ("-stdin", "none", "-n", "2", "true"), ("-l", "-n", "2", "head", "-c", "1")):
            with self.subTest(args=args):
                run = self.start("sh", "-c", f"yes | {MPIEXEC} {' '.join(args)}")
                self.assertEqual(self.finish(run)[0], 0)

    def test_long_lines(self):
        out = self.check_program(MPIEXEC, "-l", "-n", "2", "sh", "-c",
                                 "head -c 1000000 /dev/zero | tr '\\0' $PVMX_RANK; echo")
        self.assertEqual(len(out.replace("[0] ", "").replace("[1] ", "").replace("\n", "")), 2_000_000)


if __name__ == "__main__":
    unittest.main()
