# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that come and go, with real daemons on this machine."""

import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import time
import unittest

import hostlab
import lab


class Hosts(hostlab.HostCase):
    def test_come_and_go(self):
        self.begin()
        own = self.slots()
        out = self.add("h1,slots=3", "h2,slots=4,speed=500", "h3,slots=5")
        self.assertEqual(len(re.findall(r"PVMX_OK", out)), 3, out)
        hosts = self.hosts()
        self.assertEqual({n: hosts[n][1] for n in ("h1", "h2", "h3")},
                         {"h1": 3, "h2": 4, "h3": 5})
        self.assertEqual(self.slots(), own + 12)
        # Every daemon has the same table, and passes requests on to the leader.
        other = f"{self.vm}.{hosts['h2'][0]}"
        self.wait_until(lambda: self.hosts(other) == hosts, "h2 knows all hosts")
        self.assertEqual(self.slots(other), own + 12)
        self.assertIn("PVMX_OK", self.ctl("add", "fork", "h4,slots=1", vm=other))
        self.assertIn("PVMX_OK", self.ctl("delete", "h1", vm=other))
        self.assertIn("PVMX_OK", self.ctl("delete", str(hosts["h3"][0])))
        after = self.hosts()
        self.assertEqual(set(after), set(hosts) - {"h1", "h3"} | {"h4"})
        self.assertEqual(self.slots(), own + 5)
        # One that comes back is a new host.
        self.add("h1,slots=3")
        self.assertGreater(self.hosts()["h1"][0], after["h4"][0])
        self.ctl("halt")
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone")

    def test_delete_asked_there(self):
        """A host is taken out by a client of its own daemon, which hears that before the daemon ends."""
        self.begin()
        self.add("h1,slots=1", "h2,slots=1", "h3,slots=1")
        index = {n: h[0] for n, h in self.hosts().items()}
        for name, also in (("h1", ["h1"]), ("h3", ["h2", "nobody"])):
            vm = f"{self.vm}.{index[name]}"
            pid = self.daemon_of(name)
            names = [name, *also]  # one is named twice, or others with it
            self.wait_until(lambda: set(self.hosts(vm)) == set(self.hosts()), "it knows all")
            out = self.ctl("delete", *names, vm=vm, status=3 if "nobody" in also else 0)
            self.assertEqual(out.count("PVMX_OK"), 2, out)
            self.assertEqual("nobody PVMX_ERR_NOENT" in out, "nobody" in also, out)
            self.wait_until(lambda: pid not in self.processes(hostlab.PVMXD), "its daemon ends")
            self.wait_until(lambda: not {name, *also} & set(self.hosts()), "it is not in the table")

    def test_many_at_once(self):
        limit, times = 3 if os.getloadavg()[0] < 2 else 12, []
        while len(times) < 3 and not any(t < limit for t in times):  # others may have come in between
            self.begin()
            begin = time.monotonic()
            out = self.add(*[f"v{i},slots=2" for i in range(64)])
            times.append(time.monotonic() - begin)
            self.assertEqual(out.count("PVMX_OK"), 64, out)
            self.assertEqual(len(self.hosts()), 65)
            print(f"64 hosts in {times[-1]:.2f} s")
            self.ctl("halt")
            self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone")
            if lab.SANITIZED:
                return
        self.assertLess(min(times), limit)

    def test_clear_errors(self):
        self.begin()
        self.add("h1")
        for name, launcher, text in (
                ("h1", "fork", "in the virtual machine already"),
                ("a/b", "fork", "is no name for a host"),
                ("x", "teleport", "is no launcher"),
                ("x", "echo %z", "is followed by"),
                ("x", "exit 127; %c", "pvmxd is not installed on host x"),
                ("x", "echo the reason >&2; exit 9; %c", "host x: the reason"),
                ("x", "kill -9 $$; %c", "was ended by signal 9"),
                ("x,timeout=300", "sleep 100; %c", "has not come within 300 ms"),
                ("x,daemon=/no/such/pvmxd", "fork", "cannot start host x"),
                ("x", "cat >/dev/null; %c", "standard input"),
                ("x", "sed s/^pvmx-join.*/pvmx-join_9/ | %c", "does not begin with"),
                ("x", "sed '/^address/d; s/^end/address 127.0.0.1:9\\nend/' | %c",
                 "Connection refused"),
                ("no.such.host.invalid", "ssh", "check the name, or give its address"),
                ("no.such.host.invalid", "ssh", "cannot reach host no.such.host.invalid")):
            with self.subTest(launcher=launcher):
                out = self.add(name, launcher=launcher, status=3)
                self.assertIn(text, out)
                self.assertNotIn("PVMX_OK", out)
        # One that fails does not keep others back.
        out = self.add("g1", "h1", "g2", status=3)
        self.assertEqual(out.count("PVMX_OK"), 2, out)
        # A template gets what was said of the host, each as one word.
        self.add("g3,user=b'ob,address=there", launcher="[ %u-%h-%% = \"b'ob-there-%%\" ] && exec %c")
        own = next(n for n, h in self.hosts().items() if h[2])
        self.assertIn("halt it instead", self.ctl("delete", own, status=3))
        self.assertIn("there is no host zz", self.ctl("delete", "zz", status=3))
        self.assertEqual(set(self.hosts()), {own, "h1", "g1", "g2", "g3"})

    def test_killed_daemon_is_a_lost_host(self):
        self.begin()
        own = self.slots()
        self.add("h1,slots=3", "h2,slots=4")
        index = self.hosts()["h1"][0]
        self.kill(self.daemon_of("h1"))
        self.wait_until(lambda: "h1" not in self.hosts(), "h1 is lost")
        self.wait_until(lambda: self.slots() == own + 4, "its slots are gone")
        self.add("h1,slots=3")
        self.assertGreater(self.hosts()["h1"][0], index)
        self.clean(index)

    def clean(self, index):
        """What a killed daemon has left: lock and socket."""
        shutil.rmtree(self.runtime / "pvmx" / f"{self.vm}.{index}", ignore_errors=True)

    def test_leader_is_replaced(self):
        self.begin()
        own = next(iter(self.hosts()))
        self.add("h1,slots=2", "h2,slots=3", "h3,slots=4")
        hosts = self.hosts()
        for lowest, rest in (("h1", ("h2", "h3")), ("h2", ())):
            leader = next(n for n, h in self.hosts(self.at(hosts, lowest)).items() if h[2])
            self.kill(self.pid_of(hosts, leader, own))
            if not rest:
                break
            self.wait_until(lambda: self.leads(hosts, lowest, rest), f"{lowest} leads")
        # h1 was killed with two left: of three that is a majority, so h2 leads.
        self.wait_until(lambda: self.leads(hosts, "h2", ("h3",)), "h2 leads")
        self.assertEqual(self.slots(self.at(hosts, "h3")), 7)
        # The machine is whole again: hosts can be added, with an index that was never used.
        out = self.ctl("add", "fork", "h4,slots=5", vm=self.at(hosts, "h3"))
        self.assertIn("PVMX_OK", out)
        self.assertGreater(self.hosts(self.at(hosts, "h2"))["h4"][0], hosts["h3"][0])
        self.ctl("halt", vm=self.at(hosts, "h3"))
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone")
        shutil.rmtree(self.runtime / "pvmx", ignore_errors=True)

    def at(self, hosts, name):
        return f"{self.vm}.{hosts[name][0]}"

    def pid_of(self, hosts, name, own):
        vm = self.vm if name == own else self.at(hosts, name)
        return int(re.search(r"pid=(\d+)", self.ctl("status", vm=vm))[1])

    def leads(self, hosts, name, others):
        for other in (name, *others):
            try:
                seen = self.hosts(self.at(hosts, other))
            except AssertionError:
                return False
            if name not in seen or not seen[name][2] or len(seen) != 1 + len(others):
                return False
        return True

    def test_killed_leader(self):
        self.begin()
        self.add("h1")
        index = self.hosts()["h1"][0]
        other = f"{self.vm}.{index}"
        leader = int(re.search(r"pid=(\d+)", self.ctl("status"))[1])
        self.kill(leader)
        # One of two is no majority: without tasks it has nothing to stay for.
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "h1 leaves")
        self.assertFalse((self.runtime / "pvmx" / other).exists())
        shutil.rmtree(self.runtime / "pvmx", ignore_errors=True)

    def test_all_stand_still(self):
        """A machine that is suspended for longer than a host may be silent: nobody is lost when it goes on."""
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "2s"
        self.begin()
        self.add("h1", "h2")
        before = self.hosts()
        daemons = self.processes(hostlab.PVMXD)
        self.assertEqual(len(daemons), 3)
        for sig, seconds in ((signal.SIGSTOP, 2.5), (signal.SIGCONT, 0.6)):  # the next heart-beat is then over
            for pid in daemons:
                self.kill(pid, sig)
            time.sleep(seconds)
        self.assertEqual(self.hosts(), before)
        self.assertNotIn("LINK-CLOSED", self.log())

    def test_events_are_told_once(self):
        self.begin()
        watch = self.start(hostlab.HOSTCTL, self.vm, "watch", "5")
        self.assertIn("self=", watch.stdout.readline())
        self.add("h1", "h2")
        victim = self.daemon_of("h1")
        index = self.hosts()["h1"][0]
        self.kill(victim)
        self.wait_until(lambda: "h1" not in self.hosts(), "h1 is lost")
        self.ctl("delete", "h2")
        self.add("h3")
        status, out, err = self.finish(watch)
        events = re.findall(r"^event \d+ (\S+) (\S+)", out, re.M)
        self.assertEqual(sorted(events), sorted([("h1", "up"), ("h2", "up"), ("h1", "gone"),
                                                 ("h2", "gone"), ("h3", "up")]), out + err)
        self.clean(index)

    def test_wrong_key(self):
        self.begin()
        out = self.add("x", launcher="sed 's/^key ..../key 0123/' | %c", status=3)
        self.assertRegex(out, "does not know the key|closed by the other side")
        self.assertEqual(len(self.hosts()), 1)
        self.assertIn("does not know the key", self.log())

    def port(self):
        return int(re.search(r"127\.0\.0\.1:(\d+)", self.ctl("hosts"))[1])

    def say(self, bytes_):
        s = socket.create_connection(("127.0.0.1", self.port()), timeout=lab.DEADLINE)
        s.sendall(bytes_)
        return s

    def hear(self, s):
        """What comes until the daemon closes."""
        got = b""
        with s:
            try:
                while True:
                    more = s.recv(65536)
                    if not more:
                        return got
                    got += more
            except ConnectionError:
                return got

    def test_strangers(self):
        self.begin()
        self.add("h1")
        # A real greeting, recorded by somebody between, and what follows it.
        said = self.relay("PVMX_OK")
        self.assertGreater(len(said), 200)
        long = "a frame of .* bytes where 4096 are allowed"
        for bytes_, why in (
                (b"GET / HTTP/1.0\r\n\r\n", long), (b"SSH-2.0-scan\r\n", long), (b"\xe7" * 4000, long),
                (struct.pack(">I", 0x7fffffff), long), (struct.pack(">I", 4097) + b"x" * 5000, long),
                (struct.pack(">I", 4) + b"\x93\x64\x00\x80", "a greeting that makes no sense"),
                (struct.pack(">I", 4) + b"\x93\x66\x00\x80", "it does not greet as daemons do"),
                (struct.pack(">I", 3) + b"abc", "does not begin with a message number"),
                (said, "does not know the key of this VM")):
            with self.subTest(first=bytes_[:16]):
                before = len(self.log())
                got = self.hear(self.say(bytes_))
                self.wait_until(lambda: re.search(f"LINK-CLOSED.*{why}", self.log()[before:]),
                                lambda: self.log()[before:], 20)
                # Only who greets hears anything at all, and no more than a greeting and a proof.
                self.assertLess(len(got), 400 if bytes_ == said else 1)
                self.assertEqual(len(self.hosts()), 2)
        self.halt()
        self.late(said)

    def late(self, said):
        """Those who say nothing, or not all of it, with a daemon that does not wait for long."""
        self.env["PVMX_DAEMON_GREETING"] = "1500ms"
        self.begin()
        self.add("h1")
        before, begin = len(self.log()), time.monotonic()
        for s in [self.say(bytes_) for bytes_ in (b"", said[:50])]:
            self.assertEqual(self.hear(s), b"")
        self.assertGreater(time.monotonic() - begin, 1.4)
        self.wait_until(lambda: self.log()[before:].count("has not greeted in time") == 2, lambda: self.log()[before:], 20)
        # Many who say nothing: they cost a place each until their time is over, no more.
        port = self.port()
        quiet = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        self.add("h2")
        for s in quiet:
            s.settimeout(lab.DEADLINE)
            try:
                self.assertEqual(s.recv(1), b"")
            except ConnectionError:
                pass
            s.close()
        # One byte at a time is no way to stay longer.
        with socket.create_connection(("127.0.0.1", port)) as s, self.assertRaises(ConnectionError):
            for byte in said:
                s.sendall(bytes([byte]))
                time.sleep(0.05)
        self.assertEqual(len(self.hosts()), 3)

    def test_another_release(self):
        """Its greeting says which versions it speaks; who adds it hears what to do."""
        self.begin()
        self.add("h1")
        self.relay(r"speaks protocol versions 1 to 1, the other host's \(PVMX \S+\) 9 to 9: install one release on both",
                   (b"\x01\x01\x02\x01", b"\x01\x09\x02\x09"))
        self.assertEqual(len(self.hosts()), 2)

    def relay(self, outcome, change=(b"", b"")):
        """Adds a host through a relay, which may change the first thing that the new daemon says; returns all
        that it has said."""
        port = self.port()
        server = socket.create_server(("127.0.0.1", 0))
        relay_port = server.getsockname()[1]
        launcher = (f"sed '/^address/d; s/^end/address 127.0.0.1:{relay_port}\\nend/' | %c")
        adding = self.start(hostlab.HOSTCTL, self.vm, "add", launcher, "between")
        server.settimeout(lab.DEADLINE)
        inner, _ = server.accept()
        outer = socket.create_connection(("127.0.0.1", port))
        said = b""
        pair = {inner: outer, outer: inner}
        for s in pair:
            s.setblocking(False)
        end = time.monotonic() + lab.DEADLINE
        while adding.poll() is None and time.monotonic() < end:
            for s, other in pair.items():
                try:
                    got = s.recv(65536)
                except OSError:  # nothing there, or it has gone
                    continue
                if s is inner and got:
                    if not said:
                        self.assertIn(change[0], got)
                        got = got.replace(*change, 1)
                    said += got
                other.setblocking(True)
                with contextlib.suppress(ConnectionError):  # it has gone: its last words are on their way
                    other.sendall(got)
                other.setblocking(False)
            time.sleep(0.001)
        status, out, err = self.finish(adding)
        self.assertRegex(out, outcome, err)
        for s in (inner, outer, server):
            s.close()
        self.wait_until(lambda: "between" not in self.hosts(), "the cut host is lost")
        return said

    def test_ssh(self):
        me = self.sshd()
        keys = self.tmp / "ssh"
        port = re.search(r"^Port (\d+)", (keys / "sshd_config").read_text(), re.M).group(1)
        self.begin()
        out = self.add("node1,slots=2", f"node2,slots=3,user={me}", "inner", launcher="ssh")
        self.assertEqual(out.count("PVMX_OK"), 3, out)
        self.assertIn("node2", self.hosts())
        out = self.add("locked", "nobody", "new", "changed", "node1,address=node2,daemon=/no/pvmxd", launcher="ssh",
                       status=3)
        for name, text in (("locked", "Permission denied.*ssh-copy-id"), ("nobody", "Connection refused.*is sshd running"),
                           ("new", "verification failed.*connect once by hand"), ("changed", "its key has changed"),
                           ("node1", "already")):
            self.assertRegex(out, rf"(?m)^{name} PVMX_ERR\S+ \d+ .*{text}")
        out = self.add("n3,address=node1,daemon=/no/pvmxd", launcher="ssh", status=3)
        self.assertIn("pvmxd is not installed on host n3", out)
        # A host file says all of it: login, port, options, address, and where pvmxd is over there.
        path = self.tmp / "hosts"
        path.write_text(f"* launcher=ssh lo={me} port={port} ip=127.0.0.1 ssh=\"-i {keys}/user -oIdentitiesOnly=yes "
                        f"-oUserKnownHostsFile={keys}/known -oStrictHostKeyChecking=accept-new\"\n"
                        f"n4 dx={hostlab.PVMXD}\nn5 dx=$HOME/no/such/pvmxd\n")
        status, out, _ = self.run_program(lab.BUILD / "bin" / "pvmx", "add", "--from", path)
        self.assertEqual(status, 1)
        self.assertRegex(out, r"n4 +\d+ +PVMX_OK")
        self.assertRegex(out, rf"not installed on host n5 .*{os.path.expanduser('~')}/no/such/pvmxd")
        self.ctl("halt")
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone")


if __name__ == "__main__":
    unittest.main()
