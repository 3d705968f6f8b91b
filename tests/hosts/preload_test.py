# SPDX-License-Identifier: BSD-3-Clause
"""Files that a spawn brings along: each host's tasks run in a folder of their own on this machine."""

import hashlib
import os
import pathlib
import signal
import subprocess
import unittest

import hostlab
import lab

PVMX = lab.BUILD / "bin" / "pvmx"
MPIEXEC = lab.BUILD / "bin" / "mpiexec"
MEGA = 1 << 20


class Preload(hostlab.HostCase):
    def setUp(self):
        super().setUp()
        for name in ("here", "w1", "w2"):
            (self.tmp / name).mkdir()
        self.here, self.w1, self.w2 = (self.tmp / n for n in ("here", "w1", "w2"))

    def start_hosts(self):
        self.begin()
        path = self.tmp / "hosts"
        path.write_text(f"h1 slots=2 wd={self.w1}\nh2 slots=2 wd={self.w2}\n")
        self.check_program(PVMX, "add", "--from", path)

    def run_here(self, *args, where="h1:2,h2:2", command=("true",)):
        return self.run_program("sh", "-c", f'cd {self.here} && exec "$@"', "sh", MPIEXEC, "-n", "4", "-host", where,
                                *args, *command)

    def refused(self, sentence, *args, **more):
        status, out, err = self.run_here(*args, command=("touch", "started"), **more)
        self.assertNotEqual(status, 0, out)
        self.assertIn(sentence, err)
        self.assertFalse((self.w1 / "started").exists() and (self.w2 / "started").exists())

    def left(self, folder):
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))

    def test_they_are_there(self):
        """Name, bytes, mode and time; a program too; what is there already is left as it is."""
        big = os.urandom(MEGA) * 50 + b"and some"
        (self.here / "data").mkdir()
        (self.here / "data" / "big").write_bytes(big)
        (self.here / "empty").touch()
        tool = self.here / "tool"
        tool.write_text('#!/bin/sh\nset -e\ntest -e empty\nsha1sum < data/big\n')
        tool.chmod(0o750)
        self.start_hosts()
        status, out, err = self.run_here("-preload-files", f"data/big,empty,{tool}", command=("./tool",))
        self.assertEqual((status, err), (0, ""), self.log()[-2000:])
        self.assertEqual(out, f"{hashlib.sha1(big).hexdigest()}  -\n" * 4)
        copies = [w / "data" / "big" for w in (self.w1, self.w2)]
        for w in (self.w1, self.w2):
            self.assertEqual(self.left(w), ["data", "data/big", "empty", "tool"])
            for name in ("data/big", "tool"):
                was, now = (self.here / name).stat(), (w / name).stat()
                self.assertEqual((now.st_mode, now.st_mtime_ns), (was.st_mode, was.st_mtime_ns))
        before = [c.stat().st_ino for c in copies]
        (self.here / "empty").write_text("not any more")
        (self.w2 / "empty").chmod(0o400)  # replaced, not written to
        status, out, err = self.run_here("-preload-files", "data/big,empty", command=("cat", "empty"))
        self.assertEqual((status, out, err), (0, "not any more" * 4, ""))
        self.assertEqual([c.stat().st_ino for c in copies], before)

    def test_on_the_spawners_host(self):
        """Nothing is copied onto itself; another working directory gets a copy as on any host."""
        (self.here / "a").write_text("text")
        self.begin()
        was = (self.here / "a").stat()
        for name in ("a", self.here / "a", "../here/a"):
            status, out, err = self.run_here("-preload-files", name, where="localhost", command=("cat", "a"))
            self.assertEqual((status, out, err), (0, "text" * 4, ""))
        self.assertEqual((self.here / "a").stat().st_ino, was.st_ino)
        status, out, err = self.run_here("-preload-files", self.here / "a", "-wdir", self.w1, where="localhost",
                                         command=("cat", "a"))
        self.assertEqual((status, out, err), (0, "text" * 4, ""))
        self.assertEqual(self.left(self.w1), ["a"])
        status, out, err = self.run_here("-preload-files", "../here/a", "-wdir", self.w2, where="localhost",
                                         command=("cat", "a"))
        self.assertEqual((status, out, err), (0, "text" * 4, ""))

    def test_what_cannot_be(self):
        """File, host and reason are told, nothing starts there, and nothing is left half written."""
        (self.here / "a").write_text("text")
        (self.here / "folder").mkdir()
        self.start_hosts()
        status, _, err = self.run_here("-preload-files", "a,missing")
        self.assertNotEqual(status, 0)
        self.assertIn("missing", err)
        self.refused(f"cannot read {self.here}/folder on host", "-preload-files", "folder")
        (self.w2 / "a").mkdir()
        self.refused(f"cannot write {self.w2}/a on host h2: Is a directory", "-preload-files", "a")
        (self.w2 / "a").rmdir()
        (self.w2 / "a").symlink_to(self.tmp / "elsewhere")
        self.refused(f"cannot write {self.w2}/a on host h2: Too many levels", "-preload-files", "a")
        (self.w2 / "a").unlink()
        os.mkfifo(self.w2 / "a")
        self.refused(f"{self.w2}/a on host h2 is no regular file", "-preload-files", "a")
        (self.w2 / "a").unlink()
        (self.w2 / "folder").symlink_to(self.tmp)
        (self.here / "folder" / "b").write_text("b")
        self.refused(f"cannot write {self.w2}/folder/b on host h2: ", "-preload-files", "folder/b")
        self.assertFalse((self.tmp / "b").exists())
        (self.w2 / "folder").unlink()
        self.assertEqual(self.left(self.w2), [])

    @unittest.skipIf(os.geteuid() != 0, "mounting needs root")
    def test_no_room_and_no_permission(self):
        (self.here / "big").write_bytes(bytes(3 * MEGA))
        self.sh("mount", "-t", "tmpfs", "-o", "size=1m", "none", self.w2)
        try:
            self.start_hosts()
            self.refused(f"cannot write {self.w2}/big on host h2: No space left on device", "-preload-files", "big")
            self.assertEqual(self.left(self.w2), [])
            self.assertEqual(os.statvfs(self.w2).f_bfree, os.statvfs(self.w2).f_blocks)
            self.sh("mount", "-o", "remount,ro", self.w2)
            self.refused(f"cannot write {self.w2}/big on host h2: Read-only file system", "-preload-files", "big")
        finally:
            self.halt()
            self.sh("umount", self.w2)

    def test_killed_in_the_middle(self):
        """mpiexec is killed while a file is on its way: nothing starts, nothing is left."""
        with open(self.here / "big", "wb") as f:
            f.truncate(1 << 40)  # takes longer than anybody waits
        self.start_hosts()
        p = subprocess.Popen([str(MPIEXEC), "-n", "2", "-host", "h1,h2", "-preload-files", "big", "touch", "started"],
                             cwd=self.here, env=self.env)
        try:
            self.wait_until(lambda: self.reads(self.here / "big"), "the file is read")
        finally:
            p.send_signal(signal.SIGKILL)
            p.wait()
        self.wait_until(lambda: not self.reads(self.here / "big"), "nobody reads it any more")
        self.wait_until(lambda: "tasks=0" in self.ctl("status"), "it has been given up")
        self.assertEqual((self.left(self.w1), self.left(self.w2)), ([], []))
        (self.here / "small").write_text("x")
        status, out, err = self.run_here("-preload-files", "small", command=("cat", "small"))
        self.assertEqual((status, out, err), (0, "xxxx", ""))

    def reads(self, path):
        for pid in self.processes(hostlab.PVMXD):
            for fd in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    if os.readlink(fd) == str(path):
                        return True
                except OSError:
                    pass
        return False


if __name__ == "__main__":
    unittest.main()
