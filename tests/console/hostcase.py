# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine of three hosts, which are virtual ones on this machine, for tests of the console."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hosts"))

import hostlab
from consolelab import PVMX, Console

PVMXD = hostlab.PVMXD


class ThreeHosts(Console, hostlab.HostCase):
    def setUp(self):
        super().setUp()
        self.env["XDG_STATE_HOME"] = str(self.tmp / "state")
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "60s"  # whose daemon stands still for a while is not lost

    def three_hosts(self):
        self.begin()
        self.ok("add", "east:2", "west:2")
        self.here = self.json("id")[0]["host"]
        return [self.here, "east", "west"]

    def at(self, host):
        """The environment of a console that asks the daemon of a virtual host."""
        index = self.hosts()[host][0]
        return dict(self.env, PVMX_VM=f"{self.vm}.{index}")

    def tasks(self, *args):
        return {t["tid"]: t for t in self.json("ps", *args)}
