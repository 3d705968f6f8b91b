# SPDX-License-Identifier: BSD-3-Clause
"""A place for tests that run whole programs: a temporary directory with a runtime directory of its own
(so that no VM of the user's is touched), runs with a time limit, waiting for conditions, and at the
end the proof that nothing was left behind."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ["PVMX_BUILD_DIR"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
# Programs with sanitizers on a busy machine of two processors are slow; nothing waits this long
# unless something is wrong.
DEADLINE = 60
SANITIZED = "PVMX_SANITIZE:STRING=\n" not in (BUILD / "CMakeCache.txt").read_text()


class LabCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="pvmx-programs."))
        self.runtime = self.tmp / "runtime"
        self.runtime.mkdir(mode=0o700)
        self.marker = f"XDG_RUNTIME_DIR={self.runtime}"
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("PVMX_", "MPICH_", "OMPI_"))}
        # A daemon that stands still for a while is not silent.
        self.env.update(XDG_RUNTIME_DIR=str(self.runtime), PVMX_DAEMON_LINGER="100ms", PVMX_CONSOLE_PATIENCE="60s")
        self.addCleanup(self.tear)

    def tear(self):
        left = []
        try:
            self.wait_until(lambda: not self.processes(), "all processes are gone")
            self.wait_until(lambda: not list(self.runtime.rglob("*")), "no file is left")
        except AssertionError:
            left = [f"{p} {self.cmdline(p)}" for p in self.processes()]
            left += [str(f) for f in self.runtime.rglob("*")]
            for pid in self.processes():
                self.kill(pid)
        shutil.rmtree(self.tmp, ignore_errors=True)
        self.assertEqual(left, [], "left behind")

    def start(self, *command, **more):
        """A process in a group of its own, which run() and tear() can end as a whole."""
        more.setdefault("env", self.env)
        more.setdefault("cwd", self.tmp)
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        more.setdefault("text", True)
        return subprocess.Popen([str(c) for c in command], start_new_session=True, **more)

    def finish(self, process, timeout=DEADLINE):
        """Status, stdout, stderr of a process; fails the test when it takes too long."""
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            for pid in self.processes():  # they may hold the other ends of the pipes
                self.kill(pid)
            out, err = process.communicate()
            self.fail(f"{process.args} is not done in {timeout} s\nstdout: {out}\nstderr: {err}")
        return process.returncode, out, err

    def run_program(self, *command, timeout=DEADLINE, **more):
        return self.finish(self.start(*command, **more), timeout)

    def check_program(self, *command, **more):
        """Runs what must succeed; returns its stdout."""
        status, out, err = self.run_program(*command, **more)
        self.assertEqual(status, 0, f"{command}\nstdout: {out}\nstderr: {err}")
        return out

    def processes(self, program=None):
        """Pids of live processes that this test has started, directly or not; program: only those that
        execute this file."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                marked = self.marker.encode() in (entry / "environ").read_bytes().split(b"\0")
                exe = os.readlink(entry / "exe") if program else None
            except OSError:
                continue
            if marked and (program is None or exe == str(program)):
                found.append(int(entry.name))
        return found

    @staticmethod
    def is_over(pid):
        """It has ended, and has nothing open any more; processes() forgets it a little earlier."""
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] in "ZX"

    @staticmethod
    def cmdline(pid):
        try:
            raw = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return "?"
        return raw.replace(b"\0", b" ").decode(errors="replace")

    @staticmethod
    def kill(pid, sig=signal.SIGKILL):
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            pass

    def wait_until(self, condition, what, seconds=DEADLINE):
        """Polls until condition() is true, and returns its value. Looks once more when the time is over: this
        process, too, may have been kept from running."""
        end = time.monotonic() + seconds
        while True:
            late = time.monotonic() > end
            value = condition()
            if value:
                return value
            if late:
                self.fail(f"not within {seconds} s: {what() if callable(what) else what}")
            time.sleep(0.01)

    def compile(self, name, source, *flags):
        """Compiles C text with the mpicc of the build tree; returns the program's path."""
        text = self.tmp / f"{name}.c"
        text.write_text(source)
        self.check_program(BUILD / "bin" / "mpicc", "-Wall", "-Wextra", "-Werror", "-o",
                           self.tmp / name, text, *flags)
        return self.tmp / name
