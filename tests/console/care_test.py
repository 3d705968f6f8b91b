# SPDX-License-Identifier: BSD-3-Clause
"""Commands that put things right: clean, doctor."""

import json
import os
import shutil
import signal
import socket
import unittest

from hostcase import PVMX, PVMXD, ThreeHosts
from terminal import Terminal

SERVER = r"""
#include <mpi.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Init(&argc, &argv);
    MPI_Open_port(MPI_INFO_NULL, port);
    MPI_Publish_name(argv[1], MPI_INFO_NULL, port);
    pause();
}
"""

# Leaves a box that outlives it; with an argument: tells whether it is there.
BOX = r"""
#include <pvm3.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    (void)argv;
    pvm_mytid();
    if (argc > 1) {
        printf("%d\n", pvm_recvinfo("kept", 0, PvmMboxDefault));
    } else {
        pvm_initsend(PvmDataDefault);
        pvm_putinfo("kept", pvm_getsbuf(), PvmMboxPersistent);
    }
    pvm_exit();
    return 0;
}
"""


class Care(ThreeHosts):
    def checks(self, *args, env=None):
        status, out, err = self.pvmx("--json", "doctor", *args, env=env or self.env)
        self.assertEqual(err, "")
        checks = {}
        for c in json.loads(out):
            checks.setdefault(c["check"], []).append(c)
        troubles = [c for cs in checks.values() for c in cs if c["result"] == "trouble"]
        self.assertEqual(status, 1 if troubles else 0)
        self.assertTrue(all(c["advice"] for c in troubles))
        return checks

    def trouble(self, check, *args):
        """The one trouble of that name."""
        c, = [c for c in self.checks(*args)[check] if c["result"] == "trouble"]
        return c

    def left(self):
        """What is found to be left behind by this test."""
        marks = [str(self.runtime)] + [f"process {p} " for p in self.processes()]
        return [c for c in self.checks()["left behind"] if any(m in c["found"] for m in marks)]

    def test_clean(self):
        self.three_hosts()
        server = self.compile("server", SERVER)
        for host in (self.here, "east", "west"):
            self.spawn(f"-{host}", server, f"server on {host}")
        _, job = self.spawn("-6", "sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done")
        self.wait_until(lambda: len(self.json("names")) == 3 and len(self.json("ports")) == 3,
                        "the servers have published")
        self.wait_until(lambda: self.pvmx("logs", str(job))[1].count("up") == 6, "they ignore SIGTERM")
        self.assertEqual(self.ok("clean"), "9 tasks ended; names, ports, boxes and groups are forgotten\n")
        # All has ended, what ignores SIGTERM too, when it returns.
        self.assertEqual(self.json("ps") + self.json("names") + self.json("ports"), [])
        self.wait_until(lambda: sorted(self.processes()) == sorted(self.processes(PVMXD)), "what they have run has ended")
        self.assertEqual(self.json("clean"), {"tasks": 0})
        self.assertEqual(len(self.json("hosts")), 3, "the machine stays, and works")
        tids, job = self.spawn("-3", "true")
        self.ok("wait", f"job:{job}")

    def test_clean_forgets_boxes(self):
        self.begin()
        box = self.compile("box", BOX, "-lpvm3")
        self.check_program(box)
        found = lambda: int(self.check_program(box, "look"))
        self.assertGreater(found(), 0)
        self.ok("clean")
        self.assertLess(found(), 0)

    def test_clean_asks(self):
        self.begin()
        self.spawn("-2", "sleep", "600")
        t = Terminal(self, PVMX, "clean")
        t.expect(r"end all 2 tasks\? \[y/N\] ")
        t.line("n")
        self.assertEqual(t.finish(), 1)
        self.assertEqual(len(self.json("ps")), 2)
        t = Terminal(self, PVMX, "clean", "-y")
        t.expect("2 tasks ended")
        self.assertEqual(t.finish(), 0)

    def test_doctor_of_a_healthy_machine(self):
        hosts = self.three_hosts()
        checks = self.checks()
        for host in hosts:
            self.assertIn("version", checks[f"host {host}"][0]["found"])
            self.assertRegex(checks[f"port of {host}"][0]["found"], r":\d+$")
        # Others who use this machine may have left something behind.
        self.assertEqual({c["result"] for cs in checks.values() for c in cs
                          if c["check"] != "left behind"}, {"good"})
        self.assertEqual(self.left(), [])

    def test_doctor_names_a_silent_host(self):
        self.three_hosts()
        east = self.daemon_of("east")
        os.kill(east, signal.SIGSTOP)
        try:
            checks = self.checks(env=dict(self.env, PVMX_CONSOLE_PATIENCE="3s"))
        finally:
            os.kill(east, signal.SIGCONT)
        c, = checks["host east"]
        self.assertEqual((c["result"], c["found"]), ("trouble", "it does not answer"))
        self.assertIn("delete", c["advice"])
        self.assertEqual(checks["host west"][0]["result"], "good")

    def test_doctor_finds_leftovers(self):
        self.begin()
        (tid,), _ = self.spawn("sh", "-c", "exec sleep 600")
        self.assertEqual(self.left(), [])
        task = self.json("ps")[0]["pid"]
        daemon = self.json("id")[0]["pid"]
        self.kill(daemon)
        self.wait_until(lambda: self.is_over(daemon), "the daemon is dead")
        self.assertEqual(self.processes(), [task], "on one host a task goes on")
        left = self.left()
        self.assertEqual([c["result"] for c in left], ["trouble"] * 2, left)
        for c in left:  # its advice is a command that helps
            self.check_program("sh", "-c", c["advice"])
        self.wait_until(lambda: not self.processes(), "the task is gone")
        self.assertEqual(self.left(), [])

    def test_doctor_looks_at_ports(self):
        self.env["PVMX_DAEMON_PORTS"] = "21211-21218"
        self.three_hosts()
        self.assertRegex(self.checks()["ports for hosts"][0]["found"], r"21211-21218: [1-5] of 8 are free")

    def test_doctor_tries_ssh(self):
        self.sshd()
        self.checks("node1")  # its key becomes known
        checks = self.checks("node1", "locked", "nobody", "nosuch.invalid")
        self.assertRegex(checks["ssh to node1"][0]["found"], r"^pvmxd \(PVMX\) \d")
        self.assertEqual(checks["ssh to node1"][0]["result"], "good")
        for host, found, advice in (("locked", "Permission denied", "ssh-copy-id"),
                                    ("nobody", "Connection refused", "start sshd"),
                                    ("nosuch.invalid", "Could not resolve", "check the name")):
            c, = checks[f"ssh to {host}"]
            self.assertEqual(c["result"], "trouble")
            self.assertIn(found, c["found"])
            self.assertIn(advice, c["advice"])
        self.env["PVMX_DAEMON"] = str(self.tmp / "pvmxd")
        shutil.copy(PVMXD, self.tmp / "pvmxd")
        (self.tmp / "pvmxd").chmod(0o600)  # "there" is here: it is not where it is expected
        self.assertIn("install PVMX there", self.trouble("ssh to node1", "node1")["advice"])
        # Without an ssh client.
        self.env["PVMX_SSH"] = "/no/such/ssh"
        self.assertIn("install an ssh client", self.trouble("ssh to node1", "node1")["advice"])

    def test_doctor_does_not_hang(self):
        """A host that accepts and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            (self.tmp / "config").write_text(
                f"Host mute\n  HostName 127.0.0.1\n  Port {server.getsockname()[1]}\n")
            self.env["PVMX_SSH"] = f"ssh -F {self.tmp}/config"
            run = self.start(PVMX, "doctor", "mute")
            self.wait_until(lambda: any("oConnectTimeout" in self.cmdline(p) for p in self.processes()),
                            "ssh runs")
            run.send_signal(signal.SIGINT)
            self.finish(run)


if __name__ == "__main__":
    unittest.main()
