# SPDX-License-Identifier: BSD-3-Clause
"""Daemons that are killed, hosts that vanish, networks that fall apart: the rest goes on, and every loss is
told once to everyone whom it concerns."""

import signal
import time
import unittest

import hostlab
import netlab

START, END, UP, GONE = 1, 2, 3, 4  # kinds of events


class Faults(netlab.NetCase):
    N = 4

    def start_impatient(self, n=None):
        """For tests of silence, or of a VM that has no majority: who is killed is missed at once."""
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "1500ms"
        self.start_hosts(n)

    # ---- what always has to hold

    def lost_once(self, w, name, tids):
        """The watcher has heard of the host's end and of its tasks' ends, each once."""
        self.wait_until(lambda: w.gone(name) and w.host_events(GONE, name) and all(w.ends(t) for t in tids),
                        lambda: f"the loss of {name} is told: {w.lines}", 30)
        time.sleep(0.3)  # a second notice would come with what is on its way now
        self.assertEqual([w.gone(name), *[w.ends(t) for t in tids]], [1] * (1 + len(tids)), w.lines)
        self.assertEqual(w.host_events(GONE, name), 1, w.lines)

    def tasks_by_host(self, tids):
        by = {}
        for tid in tids:
            by.setdefault(int(tid, 16) >> 18, []).append(tid)
        return by

    def index(self, vm, i):
        return self.hosts(vm)[self.name(i)][0]

    def goes_on(self, vm, w, *hosts):
        """All these hosts are in the VM, and take tasks; hosts can be added."""
        self.await_hosts(vm, *hosts)
        tids = w.spawn(2 * sum(i + 1 for i in hosts))
        self.assertEqual(len(self.tasks_by_host(tids)), len(hosts))
        return tids

    def only(self, n):
        self.wait_until(lambda: len(self.processes(hostlab.PVMXD)) == n,
                        lambda: f"{n} daemons are left: {self.log()[-6000:]}", 30)

    # ---- daemons

    def test_killed_daemon(self):
        self.start_hosts()
        w = self.watcher(self.vm)
        far = self.watcher(self.daemons()[self.name(3)][0])
        index = self.index(self.vm, 1)
        tids = w.spawn(20)
        by = self.tasks_by_host(tids)
        far.say("watch", *tids)
        self.kill(self.daemons()[self.name(1)][1])
        self.lost_once(w, self.name(1), by[index])
        self.lost_once(far, self.name(1), by[index])
        self.wait_until(lambda: all(w.events(END, t, self.name(1)) for t in by[index]), "the events are told")
        for tid in by[index]:
            self.assertEqual(w.events(END, tid, self.name(1)), 1, w.lines)
        self.await_ends(by[index])
        self.goes_on(self.vm, w, 0, 2, 3)
        self.assertFalse([t for t in tids if w.ends(t) and t not in by[index]])
        self.add(self.name(1), launcher=netlab.LAUNCHER)
        self.assertGreater(self.index(self.vm, 1), index)
        self.forget_killed()

    def test_killed_leader(self):
        self.start_hosts()
        vm = self.daemons()[self.name(3)][0]
        w, other = self.watcher(vm), self.watcher(self.daemons()[self.name(1)][0])
        self.await_hosts(vm, 0, 1, 2, 3)
        tids = w.spawn(20)
        lost = self.tasks_by_host(tids)[1]
        other.say("watch", *tids)
        self.kill(self.daemons()[self.name(0)][1])
        self.lost_once(w, self.name(0), lost)
        self.lost_once(other, self.name(0), lost)
        self.wait_until(lambda: self.leads(vm) == self.name(1), "the next host leads", 30)
        self.goes_on(vm, w, 1, 2, 3)
        self.assertFalse([t for t in tids if w.ends(t) and t not in lost])
        self.ctl("add", netlab.LAUNCHER, self.name(0), vm=vm)
        self.await_hosts(vm, 0, 1, 2, 3)
        self.end(vm)

    def leads(self, vm):
        return next((n for n, h in self.hosts(vm).items() if h[2]), None)

    def end(self, vm):
        """Ends a VM whose first daemon is not there any more."""
        self.ctl("halt", vm=vm)
        # What a killed leader was just starting finds nobody to join, and leaves.
        self.wait_until(lambda: set(self.processes()) == set(self.processes(netlab.HOSTWATCH)),
                        "all daemons are gone", 30)
        self.forget_killed()

    def test_leader_and_another(self):
        """Two at the same moment: whoever leads next does not know, and finds out."""
        self.start_impatient()
        daemons = self.daemons()
        vm = daemons[self.name(3)][0]
        w = self.watcher(vm)
        self.await_hosts(vm, 0, 1, 2, 3)
        by = self.tasks_by_host(w.spawn(20))
        for sig in (signal.SIGSTOP, signal.SIGKILL):  # so that neither says anything in between
            self.kill(daemons[self.name(0)][1], sig)
            self.kill(daemons[self.name(3)][1], sig)
        self.only(2)  # of four: no majority
        vm = daemons[self.name(1)][0]
        self.wait_until(lambda: self.leads(vm) is None, "the leader is missed")
        self.assertIn("no host leads", self.ctl("add", netlab.LAUNCHER, self.name(0), vm=vm, status=3))
        self.assertEqual(len(by), 4)
        self.only(0)
        self.forget_killed()

    # ---- the leader in the middle of something

    def during(self, what, delays, start):
        """what(vm) starts a request at a member's daemon; the leader is killed so many seconds later."""
        for round_no, delay in enumerate(delays):
            with self.subTest(delay=delay):
                if round_no > 0:
                    self.halt()
                    self.forget_killed()
                self.logged = len(self.log())
                start(3)
                vm = self.daemons()[self.name(2)][0]
                self.await_hosts(vm, 0, 1, 2)
                w = self.watcher(vm)
                finish = what(vm, w)
                time.sleep(delay)
                self.kill(self.daemons()[self.name(0)][1])
                begin = time.monotonic()
                finish()
                self.assertLess(time.monotonic() - begin, 20)
                self.wait_until(lambda: w.gone(self.name(0)), "the loss is told")
                self.assertEqual(w.gone(self.name(0)), 1, w.lines)
                self.end(vm)
                self.wait_until(lambda: not self.watched(w), "nothing is left", 20)

    def watched(self, w):
        return [p for p in self.processes() if p != w.process.pid]

    def test_leader_killed_during_add(self):
        def add(vm, w):
            leader = self.daemons()[self.name(1)][0]
            request = self.start(hostlab.HOSTCTL, vm, "add", "sleep 0.3; " + netlab.LAUNCHER, self.name(3))

            def finish():
                status, out, err = self.finish(request)
                self.assertIn(status, (0, 3), out + err)
                self.assertRegex(out, "PVMX_OK|refused: .*lost")
                self.wait_until(lambda: self.leads(vm) == self.name(1), "the next host leads", 30)
                # One that came too late for whoever leads now leaves, and can be added again.
                if self.name(3) not in self.see(leader):
                    self.only(2)
                    self.assertIn("PVMX_OK", self.ctl("add", netlab.LAUNCHER, self.name(3), vm=vm))
                self.await_hosts(vm, 1, 2, 3)
            return finish
        self.during(add, (0, 0.1, 0.33, 0.4), self.start_hosts)

    def test_leader_killed_during_spawn(self):
        def spawn(vm, w):
            before = w.ask_spawn(60)

            def finish():
                error, tids = w.answer(before)
                self.assertIsNotNone(error)
                lost = [t for t in tids if int(t, 16) >> 18 == 1]
                self.wait_until(lambda: self.leads(vm) == self.name(1), "the next host leads", 30)
                if tids:
                    self.lost_once(w, self.name(0), lost)
                    self.await_ends(lost)
                    self.assert_alive([t for t in tids if t not in lost])
                else:  # nothing is left of it
                    self.wait_until(lambda: len(self.watched(w)) == 2, "no task is left", 20)
                w.spawn(6)
            return finish
        self.during(spawn, (0, 0.001, 0.002, 0.003, 0.005, 0.01, 0.05), self.start_hosts)

    def test_leader_killed_during_delete(self):
        def delete(vm, w):
            self.tids = self.tasks_by_host(w.spawn(12))[self.index(vm, 1)]
            request = self.start(hostlab.HOSTCTL, vm, "delete", self.name(1))

            def finish():
                status, out, err = self.finish(request)
                self.assertRegex(out, "PVMX_OK|refused: .*lost")
                # Whoever leads now: the host that was told to end goes, unless it was not told.
                self.wait_until(lambda: w.gone(self.name(0)), "the loss is told")
                if status == 0 or "HOST-PART" in self.log()[self.logged:]:
                    self.lost_once(w, self.name(1), self.tids)
            return finish
        self.during(delete, (0, 0.005, 0.02), self.start_impatient)

    # ---- the network

    def vanish(self, how):
        """Tasks that go on at the host that nobody hears any more: they depend on nobody else."""
        self.start_impatient()
        daemons = self.daemons()
        w, far, there = [self.watcher(daemons[self.name(i)][0]) for i in (0, 3, 1)]
        tids = w.spawn(20)
        own = there.spawn(2, f"hosts={self.name(1)}")
        lost = self.tasks_by_host(tids)[self.index(self.vm, 1)]
        far.say("watch", *tids, *own)
        begin = time.monotonic()
        how(1)
        self.lost_once(w, self.name(1), lost)
        self.assertLess(time.monotonic() - begin, 12)
        self.lost_once(far, self.name(1), lost + own)
        self.goes_on(self.vm, w, 0, 2, 3)
        # Those whose spawner is on the other side end with it.
        self.await_ends(lost)
        self.assert_alive(own)
        self.assertFalse([t for t in own if there.ends(t)])
        return own

    def test_cable_is_pulled(self):
        own = self.vanish(self.cut)
        self.cut(1, down=False)
        self.await_ends(own)  # they are told
        self.only(3)

    def test_packets_are_dropped(self):
        own = self.vanish(self.unplug)
        self.unplug(1, out=False)
        self.await_ends(own)  # they are told
        self.only(3)

    def test_slow_and_lossy(self):
        """No reason to take anybody for lost."""
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "5s"
        self.start_hosts()
        w = self.watcher(self.vm)
        for i in range(1, self.N):
            self.spoil(i, 3000, 2000, 10)
        for name, case in (("agree", "values"), ("agree", "acknowledged"), ("revoke", "ways")):
            program = hostlab.lab.BUILD / "tests" / "bin" / f"mpi_ft_{name}"
            self.check_program("ip", "netns", "exec", self.name(0), program, case)
        self.assertEqual(len(w.spawn(20)), 20)
        self.assertEqual(w.heard("ended") + [x for x in w.heard("host") if "gone" in x], [])


class Partitions(Faults):
    N = 5

    def parted(self, away, leads):
        """Hosts `away` can only reach each other; the others go on. What both sides have is in self."""
        self.start_impatient()
        self.away, self.here = away, [i for i in range(self.N) if i not in away]
        daemons = self.daemons()
        self.vms = [daemons[self.name(side[-1])][0] for side in (self.here, away)]
        for vm in self.vms:
            self.await_hosts(vm, *range(self.N))
        self.ws = [self.watcher(vm) for vm in self.vms]
        self.by = [self.tasks_by_host(w.spawn(4 * self.N)) for w in self.ws]
        indices = [self.index(self.vms[0], i) for i in range(self.N)]
        self.at = [[by[index] for index in indices] for by in self.by]
        self.part(*away)
        self.wait_until(lambda: self.leads(self.vms[0]) == self.name(leads), "it has a leader", 30)
        self.await_hosts(self.vms[0], *self.here)
        for i in range(self.N):
            if i in away:
                self.lost_once(self.ws[0], self.name(i), self.at[0][i])
            else:
                self.stay(0, i)
        self.ws[0].spawn(10)

    def stay(self, side, i):
        """Tasks that were spawned from this side go on at this host, which nobody has lost."""
        self.assertEqual(self.ws[side].gone(self.name(i)), 0, self.log()[-12000:])
        for tid in self.at[side][i]:
            self.assertEqual(self.ws[side].ends(tid), 0, self.ws[side].lines)
        self.assert_alive(self.at[side][i])

    def minority(self):
        """Without a majority the table does not change; after a while the others are taken for lost."""
        self.wait_until(lambda: self.leads(self.vms[1]) is None, "the leader is missed", 30)
        self.assertIn("no host leads",
                      self.ctl("add", netlab.LAUNCHER, "x", vm=self.vms[1], status=3))
        for i in range(self.N):
            if i in self.here:
                self.lost_once(self.ws[1], self.name(i), self.at[1][i])
            else:
                self.stay(1, i)

    def healed(self):
        """Those that were cut off hear that they were given up, and end."""
        self.part(*self.away, heal=True)
        self.only(self.N - len(self.away))
        self.wait_until(lambda: self.ws[1].heard("lost"), "the watcher there hears it")
        self.await_ends([t for i in self.away for t in self.at[1][i]])
        self.ctl("add", netlab.LAUNCHER, *[self.name(i) for i in self.away], vm=self.vms[0])
        self.await_hosts(self.vms[0], *range(self.N))
        for i in self.here:
            self.stay(0, i)

    def test_majority_has_the_leader(self):
        self.parted([3, 4], 0)
        self.minority()
        self.healed()

    def test_leader_is_cut_off(self):
        self.parted([0, 1], 2)
        self.minority()
        self.healed()


class Halves(Partitions):
    N = 4

    def test_leader_keeps_its_half(self):
        self.parted([2, 3], 0)
        self.minority()
        self.healed()


if __name__ == "__main__":
    unittest.main()
