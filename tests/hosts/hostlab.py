# SPDX-License-Identifier: BSD-3-Clause
"""What tests of several hosts share: a first daemon, host requests, the hosts' table."""

import os
import re
import shutil
import signal
import subprocess

import lab

HOSTCTL = lab.BUILD / "tests" / "bin" / "hostctl"
PVMXD = lab.BUILD / "bin" / "pvmxd"


class HostCase(lab.LabCase):
    def setUp(self):
        super().setUp()
        self.vm = "hosts"
        self.env.update(PVMX_VM=self.vm, PVMX_LAUNCHER="fork", PVMX_DAEMON_GRACE="500ms",
                        PVMX_DAEMON_LOG=str(self.tmp / "log"), PVMX_LOG="info")
        # Daemons have no standard error: what a sanitizer has to say goes to files.
        self.env["ASAN_OPTIONS"] = ":".join(
            [os.environ.get("ASAN_OPTIONS", ""), f"log_path={self.tmp}/sanitizer"]).strip(":")
        self.env["UBSAN_OPTIONS"] = ":".join(
            [os.environ.get("UBSAN_OPTIONS", ""), f"log_path={self.tmp}/sanitizer"]).strip(":")
        self.addCleanup(self.halt)

    def tear(self):
        reports = [p.read_text(errors="replace") for p in self.tmp.glob("sanitizer*")]
        super().tear()
        self.assertEqual(reports, [])

    def begin(self, *prefix):
        """The first host's daemon, in the background."""
        self.check_program(*prefix, PVMXD)

    def halt(self):
        if self.processes(PVMXD):
            self.run_program(HOSTCTL, self.vm, "halt")
            self.wait_until(lambda: not self.processes(PVMXD), "all daemons are gone", 30)

    def ctl(self, *args, status=0, vm=None):
        code, out, err = self.run_program(HOSTCTL, vm or self.vm, *args)
        if code != status:
            self.fail(f"{args}: {code}\n{out}\n{err}\n{self.log()}")
        return out

    def log(self):
        path = self.tmp / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def add(self, *names, launcher="fork", status=0):
        return self.ctl("add", launcher, *names, status=status)

    def hosts(self, vm=None):
        """name -> (index, slots, leads) of hosts that are up."""
        out = self.ctl("hosts", vm=vm)
        return {m[2]: (int(m[1]), int(m[3]), " leader" in m[0])
                for m in re.finditer(r"^(\d+) (\S+) up slots=(\d+).*$", out, re.M)}

    def slots(self, vm=None):
        return int(re.search(r"slots=(\d+)", self.ctl("status", vm=vm))[1])

    def daemon_of(self, name):
        """Process of the daemon of a virtual host."""
        index = self.hosts()[name][0]
        return int(re.search(r"pid=(\d+)", self.ctl("status", vm=f"{self.vm}.{index}"))[1])

    def forget_killed(self):
        """What killed daemons have left: lock and socket."""
        self.assertEqual(self.processes(PVMXD), [])
        shutil.rmtree(self.runtime / "pvmx", ignore_errors=True)

    def sh(self, *command):
        subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)


KILL = signal.SIGKILL
