# SPDX-License-Identifier: BSD-3-Clause
"""examples/master_worker as its users see it."""

import fcntl
import gzip
import os
import pathlib
import pty
import random
import shutil
import signal
import stat
import struct
import subprocess
import termios
import time
import unittest

from lab import BUILD, LabCase

PROGRAMS = BUILD / "examples" / "master_worker"


class MasterWorker(LabCase):
    def setUp(self):
        super().setUp()
        # Copies, so that a process's executable tells whose it is.
        self.bin = self.tmp / "bin"
        self.bin.mkdir()
        for name in ("master", "worker"):
            shutil.copy2(PROGRAMS / name, self.bin / name)
        self.env["LD_LIBRARY_PATH"] = str(BUILD / "lib")
        self.master = self.bin / "master"

    def make(self, name, size, seed=1):
        """A file whose halves are noise and text, so that blocks differ in how they compress."""
        path = self.tmp / name
        random.seed(seed)
        noise = random.randbytes(size // 2)
        line = b"the quick brown fox jumps over the lazy dog; "
        path.write_bytes((noise + line * (size // len(line) + 1))[:size])
        return path

    def same(self, path, out=None):
        out = out or pathlib.Path(f"{path}.gz")
        with subprocess.Popen(["gunzip", "-c", out], stdout=subprocess.PIPE) as unzip:
            compare = subprocess.run(["cmp", "-", path], stdin=unzip.stdout, check=False)
        self.assertEqual(unzip.returncode, 0, "gunzip accepts it")
        self.assertEqual(compare.returncode, 0, "gunzip gives back the input")

    def workers(self):
        return self.processes(self.bin / "worker")

    def begin_long_run(self, *options):
        """A run that lasts long enough to be disturbed, and has begun to write."""
        path = self.make("long", 160 << 20)
        run = self.start(self.master, "-9", "-n", "2", "-b", "256k", *options, path)
        out = self.tmp / "long.gz"
        self.wait_until(lambda: out.exists() and out.stat().st_size > 1 << 20, "output grows")
        return path, run

    def test_sizes_come_back(self):
        block = 4096
        for size in (0, 1, block - 1, block, block + 1, 7 * block + 13, 300 * block):
            with self.subTest(size=size):
                path = self.make(f"f{size}", size, seed=size)
                self.check_program(self.master, "-q", "-b", "4k", path)
                self.same(path)
                listed = subprocess.run(["gzip", "-l", f"{path}.gz"], stdout=subprocess.PIPE,
                                        text=True, check=True).stdout.splitlines()[1].split()
                self.assertEqual(int(listed[1]), size)

    def test_several_files_and_one_missing(self):
        paths = [self.make(f"part{i}", 100000 * i + 5, seed=i) for i in range(20)]
        status, _, err = self.run_program(self.master, "-b", "64k", *paths[:10], "nowhere",
                                          *paths[10:])
        self.assertEqual(status, 1)
        self.assertIn("cannot open nowhere: No such file", err)
        self.assertIn("20 of 21 files", err)
        for path in paths:
            self.same(path)

    def test_one_gigabyte(self):
        path = self.tmp / "big"
        with path.open("wb") as f:
            f.write(random.randbytes(8 << 20))
            f.seek((1 << 30) - (4 << 20))
            f.write(random.randbytes(4 << 20))
        self.check_program(self.master, "-q", "-1", path, timeout=150)
        self.same(path)

    def test_levels_differ(self):
        path = self.tmp / "text"
        path.write_bytes(b"".join(b"%d %d\n" % (i, i * i) for i in range(200000)))
        sizes = []
        for level in ("-1", "-6", "-9"):
            self.check_program(self.master, "-q", "-f", level, path)
            self.same(path)
            sizes.append(pathlib.Path(f"{path}.gz").stat().st_size)
        self.assertGreater(sizes[0], sizes[1])
        self.assertGreaterEqual(sizes[1], sizes[2])

    def test_existing_output_needs_force(self):
        path = self.make("f", 100000)
        out = self.tmp / "f.gz"
        out.write_text("precious")
        status, _, err = self.run_program(self.master, path)
        self.assertEqual(status, 1)
        self.assertIn("f.gz exists; -f replaces it", err)
        self.assertEqual(out.read_text(), "precious")
        self.check_program(self.master, "-q", "-f", path)
        self.same(path)

    def test_input_is_never_the_output(self):
        path = self.make("f", 100000)
        before = path.read_bytes()
        status, _, err = self.run_program(self.master, "-f", "-o", path, path)
        self.assertEqual(status, 1)
        self.assertIn("is the input itself", err)
        self.assertEqual(path.read_bytes(), before)

    def test_standard_output(self):
        path = self.make("f", 3000000)
        run = self.start(self.master, "-q", "-o", "-", path, text=False)
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, err), (0, b""))
        self.assertEqual(gzip.decompress(out), path.read_bytes())

    def test_standard_input(self):
        path = self.make("f", 300000)
        with path.open("rb") as f:
            run = self.start(self.master, "-q", "-b", "4k", "-", stdin=f, text=False)
            out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, err), (0, b""))
        self.assertEqual(gzip.decompress(out), path.read_bytes())

    def test_full_disk(self):
        """The file is removed; a device, which is not ours, stays (even for root)."""
        path = self.make("f", 300000)
        device = self.tmp / "device"
        try:
            os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 7))
            full = device.open("wb", buffering=0)
            full.close()
        except PermissionError:
            device = pathlib.Path("/dev/full")
        status, _, err = self.run_program(self.master, "-f", "-o", device, path)
        self.assertEqual(status, 1)
        self.assertIn("No space left on device", err)
        self.assertTrue(device.exists())
        status, _, err = self.run_program("sh", "-c", f"ulimit -Sf 8; exec {self.master} -b 4k {path}")
        self.assertEqual(status, 1)
        self.assertIn("f.gz: File too large", err)
        self.assertFalse((self.tmp / "f.gz").exists())

    def test_more_files_than_may_be_open(self):
        """With a large window very many small files would be open at one time."""
        paths = [self.make(f"s{i}", i % 7) for i in range(300)]
        status, _, err = self.run_program("sh", "-c", 'ulimit -Sn 200; exec "$@"', "sh", self.master,
                                          "-q", "-n", "60", "-b", "4k", *paths)
        self.assertEqual((status, err), (0, ""))
        for path in paths:
            self.assertEqual(gzip.decompress(pathlib.Path(f"{path}.gz").read_bytes()),
                             path.read_bytes())

    def test_killed_worker_is_replaced(self):
        path, run = self.begin_long_run()
        victim = self.workers()[0]
        self.kill(victim)
        self.wait_until(lambda: len(set(self.workers()) - {victim}) == 2, "there are two again")
        status, _, err = self.finish(run, 150)
        self.assertEqual(status, 0, err)
        self.assertRegex(err, rf"\(process {victim}\) has died; its \d+ blocks? (is|are) to be "
                              r"done again; a new worker takes its place")
        self.same(path)

    def test_all_workers_killed_at_once(self):
        path, run = self.begin_long_run()
        for pid in self.workers():
            self.kill(pid)
        status, _, err = self.finish(run, 150)
        self.assertEqual(status, 0, err)
        self.assertEqual(err.count("has died"), 2, err)
        self.same(path)

    def test_stopped_then_killed_worker(self):
        """One worker is stopped: the other goes on until the window is full. Then it is killed."""
        path, run = self.begin_long_run("-q")
        victim = self.workers()[0]
        self.kill(victim, signal.SIGSTOP)
        out = self.tmp / "long.gz"

        def stands_still():
            before = out.stat().st_size
            end = time.monotonic() + 0.5
            while time.monotonic() < end and out.stat().st_size == before:
                time.sleep(0.05)
            return out.stat().st_size == before

        self.wait_until(stands_still, "the output waits for the stopped worker's block")
        self.kill(victim)
        status, _, err = self.finish(run, 150)
        self.assertEqual(status, 0, err)
        self.same(path)

    def test_worker_that_cannot_be_started(self):
        path = self.make("f", 100000)
        plain = self.tmp / "plain"
        plain.write_text("not a program")
        for worker, why in ((self.tmp / "nowhere", "[Nn]o such file"), (plain, "not an executable"),
                            (self.tmp, "irectory|ermission denied")):
            with self.subTest(worker=worker):
                status, _, err = self.run_program(self.master, "-f", "-w", worker, path)
                self.assertEqual(status, 1)
                self.assertIn("cannot start", err)
                self.assertIn(str(worker), err)
                self.assertRegex(err, why)
                self.assertFalse((self.tmp / "f.gz").exists(), "no half output")

    def test_worker_that_always_dies(self):
        worker = self.compile("suicide", """
            #include <mpi.h>
            #include <signal.h>
            int main(int argc, char **argv)
            {
                MPI_Init(&argc, &argv);
                return raise(SIGKILL);
            }
        """)
        path = self.make("f", 100000)
        status, _, err = self.run_program(self.master, "-n", "2", "-w", worker, path)
        self.assertEqual(status, 1)
        self.assertIn("giving up", err)
        self.assertFalse((self.tmp / "f.gz").exists(), "no half output")

    def test_interrupt_leaves_no_output(self):
        for sig in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(sig=sig):
                path, run = self.begin_long_run()
                run.send_signal(sig)
                self.finish(run)
                self.assertEqual(run.returncode, -sig)
                self.assertFalse(pathlib.Path(f"{path}.gz").exists())
                self.wait_until(lambda: not self.workers(), "the workers end with their master")

    def test_bad_options_are_named(self):
        for options, word in ((["-n", "0", "f"], "-n 0"), (["-b", "1", "f"], "-b 1"),
                              (["-o", "x", "f", "g"], "one FILE"), ([], "usage:"),
                              (["-x"], "usage:")):
            with self.subTest(options=options):
                status, _, err = self.run_program(self.master, *options)
                self.assertEqual(status, 2)
                self.assertIn(word, err)
        self.assertIn("usage:", self.check_program(self.master, "-h"))

    def test_progress_on_a_terminal(self):
        path = self.make("f", 40 << 20)
        ours, theirs = pty.openpty()
        run = self.start(self.master, "-b", "64k", path, stderr=theirs)
        os.close(theirs)
        seen = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # the other side of a terminal is closed
                break
            if not more:
                break
            seen += more
        os.close(ours)
        self.assertEqual(run.wait(timeout=60), 0)
        run.stdout.close()
        self.assertRegex(seen.decode(), r"\r\[#+\.*\] +\d+ %  [0-9.]+ MiB of 40.0 MiB, "
                                        r"[0-9.]+ MiB/s, \d+ workers?")
        self.assertIn("100 %", seen.decode())
        self.same(path)

    def test_progress_on_terminals_of_every_width(self):
        """The bar never goes on in a second line, which a carriage return would not take back."""
        path = self.make("f", 2 << 20)
        for width in (1, 2, 20, 60, 79, 200):
            with self.subTest(width=width):
                ours, theirs = pty.openpty()
                fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
                run = self.start(self.master, "-f", "-b", "64k", path, stderr=theirs)
                os.close(theirs)
                self.assertEqual(run.wait(timeout=60), 0)
                run.stdout.close()
                seen = os.read(ours, 65536).decode().split("\r\n")[0]
                os.close(ours)
                for line in seen.replace("\x1b[K", "").split("\r"):
                    self.assertLess(len(line), max(width, 2))

    def test_two_masters_at_once(self):
        paths = [self.make(f"f{i}", 8 << 20, seed=i) for i in range(2)]
        runs = [self.start(self.master, "-q", "-n", "2", path) for path in paths]
        for path, run in zip(paths, runs):
            status, _, err = self.finish(run)
            self.assertEqual((status, err), (0, ""))
            self.same(path)


if __name__ == "__main__":
    unittest.main()
