# SPDX-License-Identifier: BSD-3-Clause
"""Tasks of hosts that cannot connect to each other, or only one way; and which of a host's addresses and ports are
used. Hosts are network namespaces on a bridge."""

import re
import subprocess
import unittest

import hostlab
import lab
import netns_test

MPIEXEC = lab.BUILD / "bin" / "mpiexec"
SPREAD = lab.BUILD / "tests" / "bin" / "spread"
STREAMS = lab.BUILD / "tests" / "bin" / "streams"


class Relay(netns_test.Namespaces):
    def within(self, i, *command):
        return ("ip", "netns", "exec", self.name(i), *command)

    def no_route(self, i, j):
        """Neither finds the other."""
        for a, b in ((i, j), (j, i)):
            self.sh("ip", "-n", self.name(a), "route", "add", "unreachable", f"10.77.0.{b + 1}/32")

    def refuse_dials(self, i, j, port):
        """A firewall between: i cannot open connections to j; the other way is open."""
        self.sh("ip", "-n", self.name(i), "rule", "add", "to", f"10.77.0.{j + 1}", "ipproto", "tcp", "dport", port,
                "unreachable")

    def spawns(self, i, n):
        """A program that host i starts: its world and its workers, all of which talk to each other."""
        return self.check_program(*self.within(i, SPREAD, n))

    def test_without_a_route(self):
        self.start_hosts()
        self.no_route(1, 2)
        self.spawns(0, 7)
        self.assertIn("RELAY-SERVE", self.log())
        self.check_program(*self.within(0, MPIEXEC, "-ppn", "1", "-n", str(self.N), STREAMS, "order"))
        # A daemon talks to one that it cannot reach, too: the job belongs to host 1.
        out = self.check_program(*self.within(0, MPIEXEC, "-host", self.name(1), STREAMS, "spawn", self.name(2)))
        self.assertIn("spawned", out)

    def test_relay_that_dies(self):
        """The host that passes bytes on is lost: so are connections through it, and nobody waits for ever."""
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "1500ms"
        self.start_hosts()
        self.no_route(1, 2)
        job = self.start(*self.within(0, MPIEXEC, "-host", f"{self.name(1)}:1,{self.name(2)}:1", "-n", "2",
                                      STREAMS, "forever"))
        self.assertEqual(job.stdout.readline(), "running\n")
        self.assertIn("RELAY-SERVE", self.log())
        leader = int(re.search(r"pid=(\d+)", self.ctl("status"))[1])
        self.kill(leader)
        self.finish(job)
        self.wait_until(lambda: not self.processes(STREAMS), "the tasks have ended", 30)
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone", 30)
        subprocess.run(["rm", "-rf", self.runtime / "pvmx"], check=True)

    def test_firewall_in_front_of_one(self):
        """Two hosts, and only the second may dial the first: it is asked to."""
        self.env["PVMX_DAEMON_PORTS"] = "7321"
        self.start_hosts()
        self.refuse_dials(0, 1, 7321)
        self.spawns(0, 3)
        self.assertRegex(self.log(), "RELAY-SEEK: .*asking it to call")
        before = self.without_route(0)
        self.assertGreater(before, 0)
        self.spawns(0, 3)
        self.assertEqual(self.without_route(0), before)  # it is known by now: no time is lost by trying

    def without_route(self, i):
        """How often a host has found no route for what it wanted to send."""
        names, values = [line.split() for line in self.check_program(*self.within(i, "cat", "/proc/net/snmp"))
                         .splitlines() if line.startswith("Ip:")]
        return int(values[names.index("OutNoRoutes")])

    def test_both_dial_at_once(self):
        self.start_hosts()
        self.env["PVMX_LOG"] = "debug"
        both = rounds = 0
        while rounds < 3 or (both == 0 and rounds < 20):  # chance decides who is first
            rounds += 1
            status, _, err = self.run_program(*self.within(0, MPIEXEC, "-n", "9", STREAMS, "order"))
            self.assertEqual(status, 0, err)
            dialled = set(re.findall(r"\[(\d+)\] \w+ TCP-ARRIVED: .* with (t\w+), which (it|this task)", err))
            both += len([1 for pid, tid, who in dialled if who == "it" and (pid, tid, "this task") in dialled])
        self.assertGreater(both, 0, "two have never dialled each other")

    def test_back_pressure(self):
        """A receiver that does not look makes its sender wait, whose memory does not grow."""
        self.start_hosts()
        out = self.check_program(*self.within(0, MPIEXEC, "-ppn", "1", "-n", "2", STREAMS, "pressure"))
        held, grown = map(int, re.search(r"held back (\d+) ms, grown by (\d+) KiB", out).groups())
        self.assertGreaterEqual(held, 1000, out)
        self.assertLess(grown, 8 * 1024, out)

    # ---- addresses and ports

    def addresses(self):
        return {m[1]: m[2].split() for m in re.finditer(r"^\d+ (\S+) up .*?((?: \S+:\d+)+)$", self.ctl("hosts"), re.M)}

    def second_network(self):
        for i in range(self.N):
            self.sh("ip", "-n", self.name(i), "link", "add", "fast0", "link", "eth0", "type", "macvlan", "mode",
                    "bridge")
            self.sh("ip", "-n", self.name(i), "addr", "add", f"10.88.0.{i + 1}/24", "dev", "fast0")
            self.sh("ip", "-n", self.name(i), "link", "set", "fast0", "up")

    def test_choice_of_interface(self):
        self.second_network()
        for setting in ("fast0", "10.88.0.0/16"):
            self.env["PVMX_DAEMON_ADDRESS"] = setting
            self.begin(*self.within(0))
            # Only the first daemon is told: it tells the others.
            launcher = "ip netns exec %h env -u PVMX_DAEMON_ADDRESS %c"
            self.add(*[f"{self.name(i)},slots=1" for i in range(1, self.N)], launcher=launcher)
            found = self.addresses()
            self.assertEqual(len(found), self.N)
            for addresses in found.values():
                self.assertTrue(all(a.startswith("10.88.0.") for a in addresses), found)
            self.spawns(0, 4)
            used = self.check_program(*self.within(1, "ip", "-s", "link", "show", "fast0"))
            self.assertGreater(int(re.search(r"RX:.*\n\s*(\d+)", used)[1]), 10000, used)
            self.halt()
        self.env["PVMX_DAEMON_ADDRESS"] = "nosuch0"
        self.begin(*self.within(0))
        out = self.add(self.name(1), status=3)
        self.assertIn("no address, interface or network that is called so", out)

    def test_ipv6_only(self):
        for i in range(self.N):
            self.sh("ip", "-n", self.name(i), "addr", "flush", "dev", "eth0", "scope", "global")
            self.sh("ip", "-n", self.name(i), "addr", "add", f"fd77::{i + 1}/64", "dev", "eth0", "nodad")
        self.start_hosts()
        self.assertTrue(any("[fd77::2]" in a for a in self.addresses()[self.name(1)]))
        self.spawns(0, 7)
        self.halt()
        self.env["PVMX_DAEMON_ADDRESS"] = "fd77::/16"
        self.start_hosts()
        self.assertEqual([a.rpartition(":")[0] for a in self.addresses()[self.name(1)]], ["[fd77::2]"])
        self.spawns(0, 7)

    def test_range_of_ports(self):
        self.env["PVMX_DAEMON_PORTS"] = "7300-7301"
        self.begin(*self.within(0))
        launcher = "ip netns exec %h env -u PVMX_DAEMON_PORTS %c"
        self.add(f"{self.name(1)},slots=1", launcher=launcher)
        for addresses in self.addresses().values():
            for address in addresses:
                self.assertIn(int(address.rpartition(":")[2]), (7300, 7301))
        self.spawns(0, 3)
        # Two daemons on one machine take both ports; for a third none is left.
        self.add("second,slots=1", launcher=f"ip netns exec {self.name(1)} %c")
        out = self.add("third,slots=1", launcher=f"ip netns exec {self.name(1)} %c", status=3)
        self.assertIn("ports 7300 to 7301", out)
        self.assertIn("Address already in use", out)
        self.halt()  # while they reach each other: two of three would go on without the first


if __name__ == "__main__":
    unittest.main()
