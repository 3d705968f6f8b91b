# SPDX-License-Identifier: BSD-3-Clause
"""mpiexec adds the hosts that it was told to use; they go with a virtual machine that was started for the job, and
stay in one that a person has started."""

import re
import signal
import unittest

import hostlab
import netlab

MPIEXEC = hostlab.lab.BUILD / "bin" / "mpiexec"
PVMX = hostlab.lab.BUILD / "bin" / "pvmx"
WHERE = ("sh", "-c", "echo $PVMX_RANK $PVMX_TASK | sed 's/,.*,/ /'")


class Adding(hostlab.HostCase):
    def ranks(self, out):
        """rank -> index of its host."""
        found = {int(m[1]): int(m[2], 16) >> 18 for m in re.finditer(r"^(\d+) \d+ (\w+)$", out, re.M)}
        self.assertEqual(sorted(found), list(range(len(found))), out)
        return [found[r] for r in sorted(found)]

    def gone(self):
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone", 20)

    def waiter(self, flag, *args, env=None):
        """An mpiexec whose processes wait for a file."""
        return self.start(MPIEXEC, *args, "sh", "-c", f"echo here; while [ ! -e {flag} ]; do sleep 0.02; done",
                          env=dict(self.env, **(env or {})))

    def become(self, n):
        """The number of daemons, some time: those who lost the race to be the first end, and who starts a
        program is a daemon's copy until then."""
        self.wait_until(lambda: len(self.processes(hostlab.PVMXD)) == n, f"there are {n} daemons")

    def test_they_go_with_it(self):
        out = self.check_program(MPIEXEC, "-hosts", "a:2,b:1,me@c", "-n", "4", *WHERE)
        self.assertEqual(self.ranks(out), [2, 2, 3, 4])
        self.gone()
        path = self.tmp / "file"
        path.write_text("* launcher=fork\na slots=2\n& later\nlocalhost:1\nb cpu=3\n")
        out = self.check_program(MPIEXEC, "-f", path, "-launcher", "slurm", "-n", "6", *WHERE)
        self.assertEqual(self.ranks(out), [2, 2, 1, 3, 3, 3])
        self.gone()
        out = self.check_program(MPIEXEC, "-launcher", "exec %c", "-host", "a", "-n", "1", *WHERE, ":",
                                 "-host", "b", "-n", "1", *WHERE)
        self.assertEqual(self.ranks(out), [2, 3])
        self.gone()
        # Launchers run somewhere else.
        there = self.tmp / "there"
        there.write_text('#!/bin/sh\nshift\nexec "$@"\n')
        there.chmod(0o755)
        for command in ((MPIEXEC, "-launcher-exec", "./there", "-host", "a", "true"),
                        (MPIEXEC, "-launcher", "./there %h %c", "-host", "a", "true")):
            self.check_program(*command)
            self.gone()
        self.check_program(PVMX, "add", "-l", "./there %h %c", "a")
        self.check_program(PVMX, "halt")
        self.gone()
        # Several programs share one list, and each goes on where the one before has stopped.
        out = self.check_program(MPIEXEC, "-hosts", "a:1,b:1,c:1", "-n", "2", *WHERE, ":", "-n", "1", *WHERE, ":",
                                 "-host", "b", "-n", "1", *WHERE)
        self.assertEqual(self.ranks(out), [2, 3, 4, 3])

    def test_they_stay_where_a_person_wants_it(self):
        self.begin()
        self.check_program(MPIEXEC, "-hosts", "a:2,b:1", "-n", "3", "true")
        hosts = self.hosts()
        self.assertEqual((hosts["a"][1], hosts["b"][1], len(hosts)), (2, 1, 3))
        self.check_program(MPIEXEC, "-launcher", "manual", "-hosts", "b,A.some.domain", "-n", "3", "true")
        self.assertEqual(self.hosts(), hosts)
        # An ephemeral one stays when somebody adds a host to it.
        self.halt()
        flag = self.tmp / "go"
        job = self.waiter(flag, "-hosts", "a", "-n", "1")
        self.assertEqual(job.stdout.readline(), "here\n")
        self.add("b")
        flag.touch()
        self.assertEqual(self.finish(job)[0], 0)
        self.assertNotEqual(self.processes(hostlab.PVMXD), [])
        other = self.start(MPIEXEC, "-hosts", "c", "sleep", "0.3")  # longer than an ephemeral one would linger
        self.assertEqual(self.finish(other)[0], 0)
        self.assertEqual(len(self.hosts()), 4)

    def test_errors(self):
        status, out, err = self.run_program(
            MPIEXEC, "-launcher", "case %h in a) exec %c;; b) echo no bread >&2; exit 3;; esac; exit 127",
            "-hosts", "a,b,c", "-n", "3", "echo", "started")
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, "(?m)^mpiexec: host b: no bread$")
        self.assertRegex(err, "(?m)^mpiexec: pvmxd is not installed on host c ")
        self.assertRegex(err, "(?m)^mpiexec: 2 of 3 hosts could not be added, so nothing was started$")
        self.gone()
        # Hosts behind those that are needed are for what the processes spawn.
        pick = "case %h in a) exec %c;; esac; echo no bread >&2; exit 3"
        status, out, err = self.run_program(MPIEXEC, "-launcher", pick, "-hosts", "b:9,a:2,[::2]:1,c", "-ppn", "1",
                                            "-n", "1", "true")
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, "(?m)^mpiexec: host b: no bread$")
        status, out, err = self.run_program(MPIEXEC, "-launcher", pick, "-hosts", "a:2,[::2]:1,c", "-n", "2", *WHERE)
        self.assertEqual(status, 0, err)
        self.assertEqual(len(set(self.ranks(out))), 1)
        self.assertEqual(len(re.findall("(?m)^mpiexec: .*no bread; going on without it", err)), 2, err)
        status, _, err = self.run_program(MPIEXEC, "-launcher", pick, "-hosts", "a:2,c", "-n", "2", "true", ":", "true")
        self.assertEqual(status, 1, err)
        self.gone()
        status, _, err = self.run_program(MPIEXEC, "-launcher", "slurm", "-hosts", "a", "true")
        self.assertEqual(status, 1)
        self.assertIn("-launcher slurm cannot add it", err)
        status, _, err = self.run_program(MPIEXEC, "-launcher-exec", "no/such/program", "-hosts", "a", "true")
        self.assertEqual(status, 1)
        self.assertRegex(err, "not installed on host a|cannot start host a")
        status, _, err = self.run_program(MPIEXEC, "-launcher", "sleep 100; %c", "-timeout", "1", "-hosts", "a", "true")
        self.assertEqual(status, 124)
        self.gone()

    def slow(self):
        """A launcher that is done when a file is there, and says that it has begun."""
        return (f"touch {self.tmp}/begun-%h; while [ ! -e {self.tmp}/come ]; do sleep 0.02; done; exec %c")

    def begun(self, host):
        self.wait_until((self.tmp / f"begun-{host}").exists, f"{host} is being added")

    def test_two_at_once(self):
        self.env["PVMX_DAEMON_LINGER"] = "300ms"
        jobs = [self.start(MPIEXEC, "-launcher", self.slow(), "-hosts", hosts, "-ppn", "1", "-n", "2", *WHERE)
                for hosts in ("a,b", "b,c")]
        for host in "abc":
            self.begun(host)
        self.become(1)
        (self.tmp / "come").touch()
        for job in jobs:
            status, out, err = self.finish(job)
            self.assertEqual(status, 0, err)
            self.assertEqual(len(set(self.ranks(out))), 2, out)
        self.gone()

    def test_left_while_adding(self):
        """Ctrl-C or kill -9: nobody waits for hosts that have not come, unless somebody else does."""
        for sig in (signal.SIGINT, signal.SIGKILL):
            job = self.start(MPIEXEC, "-launcher", self.slow(), "-hosts", ",".join("abcdefgh"), "-n", "2", "true")
            self.begun("a")  # others of the launchers are not yet what they will be
            job.send_signal(sig)
            status, _, err = self.finish(job)
            self.assertEqual(status, 128 + sig if sig == signal.SIGINT else -sig, err)
            self.gone()  # the launchers too: tear() looks
            for host in "abcdefgh":
                (self.tmp / f"begun-{host}").unlink(missing_ok=True)
        first = self.start(MPIEXEC, "-launcher", self.slow(), "-hosts", "a,b", "-n", "2", "true")
        self.begun("b")
        second = self.start(MPIEXEC, "-v", "-launcher", self.slow(), "-hosts", "b,c", "-n", "2", *WHERE)
        self.begun("c")
        first.send_signal(signal.SIGKILL)
        self.finish(first)
        (self.tmp / "come").touch()
        status, out, err = self.finish(second)
        self.assertEqual(status, 0, err)
        self.assertEqual(len(self.ranks(out)), 2)
        self.assertNotIn(" a was", err)
        self.gone()

    def test_killed_mpiexec(self):
        job = self.waiter("never", "-hosts", "a,b", "-n", "2")
        self.assertEqual(job.stdout.readline(), "here\n")
        self.become(3)
        job.kill()
        self.finish(job)
        self.gone()

    def test_used_from_another_host(self):
        """The machine is needed as long as anybody on any of its hosts needs it."""
        here, there = self.tmp / "here", self.tmp / "there"
        first = self.waiter(here, "-hosts", "a,b", "-n", "2")
        self.assertEqual(first.stdout.readline(), "here\n")
        second = self.waiter(there, "-host", "localhost", "-n", "1",
                             env={"PVMX_VM": f"{self.vm}.{self.hosts()['b'][0]}"})
        self.assertEqual(second.stdout.readline(), "here\n")
        here.touch()
        self.assertEqual(self.finish(first)[0], 0)
        self.check_program("sleep", "0.5")  # five times as long as it lingers
        self.assertEqual(len(self.hosts()), 3)
        there.touch()
        self.assertEqual(self.finish(second)[0], 0)
        self.gone()

    def test_lost_leader(self):
        """Whoever leads next leads a machine that goes when nobody uses it."""
        job = self.waiter("never", "-hosts", "a,b,c", "-n", "3")
        self.assertEqual(job.stdout.readline(), "here\n")
        at = {n: f"{self.vm}.{h[0]}" for n, h in self.hosts().items() if n in "abc"}
        flag = self.tmp / "there"
        other = self.waiter(flag, "-host", "localhost", "-n", "1", env={"PVMX_VM": at["c"]})
        self.assertEqual(other.stdout.readline(), "here\n")
        self.kill(int(re.search(r"pid=(\d+)", self.ctl("status"))[1]))
        self.assertNotEqual(self.finish(job)[0], 0)
        self.wait_until(lambda: self.hosts(at["c"]).get("a", (0, 0, False))[2], "a leads")
        self.check_program("sleep", "0.5")
        self.assertEqual(len(self.hosts(at["c"])), 3)
        flag.touch()
        self.assertEqual(self.finish(other)[0], 0)
        self.gone()
        self.forget_killed()


class Network(netlab.NetCase):
    """Hosts are added over a network, and nothing of them is left."""

    def test_over_ethernet(self):
        names = [self.name(i) for i in range(self.N)]
        # The first one is our own: no host has to be added for it. Once added, the others go by their addresses too.
        status, out, err = self.run_program(
            "ip", "netns", "exec", names[0], MPIEXEC, "-launcher-exec", "ip netns exec", "-hosts",
            f"10.77.0.1,{names[1]},{names[2]}", "-ppn", "1", "-n", "3", "sh", "-c",
            f"ip -o -4 addr show eth0; [ $PVMX_RANK != 0 ] || exec {MPIEXEC} -hosts 10.77.0.3,10.77.0.1 -ppn 1 -n 2 "
            "ip -o -4 addr show eth0")
        self.assertEqual(status, 0, err)
        self.assertEqual(sorted(re.findall(r"10\.77\.0\.\d+/", out)),
                         [f"10.77.0.{i}/" for i in (1, 1, 2, 3, 3)], out)
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone", 10)


if __name__ == "__main__":
    unittest.main()
