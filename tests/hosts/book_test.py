# SPDX-License-Identifier: BSD-3-Clause
"""Names, boxes and groups outlive the leader: it is killed or cut off while they are there, and while tasks wait
for them, and tasks of other hosts notice nothing."""

import re
import time
import unittest

import hostlab
import netlab

SCRIBE = hostlab.lab.BUILD / "tests" / "bin" / "scribe"
KEPT, MULTI, SHARED, FIRST, TAKE, WAIT = 1, 2, 4, 8, 16, 32
NOT_FOUND = -32


class Scribe:
    """A task on a host (scribe.c)."""

    def __init__(self, case, vm):
        self.case = case
        self.process = case.start(SCRIBE, stdin=-1, env=dict(case.env, PVMX_VM=vm))
        self.tid = int(self.hear().split()[1])

    def say(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()

    def hear(self):
        return self.process.stdout.readline().rstrip("\n")

    def do(self, *words):
        self.say(*words)
        return self.hear()

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(hostlab.lab.DEADLINE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


class Book(netlab.NetCase):
    N = 4
    TIMEOUT = "5s"  # who is killed is missed at once

    def setUp(self):
        super().setUp()
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = self.TIMEOUT
        self.start_hosts()
        self.at = self.daemons()
        self.vms = [self.at[self.name(i)][0] for i in range(self.N)]
        for vm in self.vms:
            self.await_hosts(vm, *range(self.N))
        self.s = [self.scribe(i) for i in range(self.N)]

    def scribe(self, i):
        s = Scribe(self, self.vms[i])
        self.addCleanup(s.end)
        self.assertEqual(s.tid >> 18, self.hosts(self.vms[-1])[self.name(i)][0])
        return s

    def expect(self, answer, s, *words):
        got = s.do(*words)
        if isinstance(answer, int):
            answer = f"{'ok' if answer >= 0 else 'error'} {answer}"
        self.assertRegex(got, f"^{answer}", f"{words}\n{self.log()[-6000:]}")

    def lose(self, i=0):
        self.kill(self.at[self.name(i)][1])

    def over(self):
        """The rest is ended by what is left of it."""
        for s in self.s:
            s.end()
        self.run_program(hostlab.HOSTCTL, self.vms[-1], "halt")
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone", 30)
        self.forget_killed()

    # ---- the leader is killed

    def test_names(self):
        a, b, c, d = self.s
        self.expect("ok port1", b, "publish", "one", "port1")
        self.expect("ok port0", a, "publish", "lost", "port0")
        self.expect("ok port2", c, "publish", "two", "port2")
        self.expect("ok port0", d, "lookup", "lost")
        begin = time.monotonic()
        c.say("lookup", "never", 3)
        time.sleep(2.5)
        self.lose()
        self.assertRegex(c.hear(), "^error .*within 3 s")
        took = time.monotonic() - begin
        self.assertTrue(2.99 < took < (9 if hostlab.lab.SANITIZED else 5.4), took)  # else it had begun again
        self.expect("ok port1", d, "lookup", "one")  # asked while nobody leads
        self.expect("ok port2", b, "lookup", "two")
        self.expect("error", b, "lookup", "lost")
        self.expect("error", d, "publish", "one", "port3")
        self.expect("error", d, "unpublish", "one", "port1")
        self.expect("ok port3", d, "publish", "lost", "port3")
        self.expect("ok port1", b, "unpublish", "one", "port1")
        self.expect("error", c, "lookup", "one")
        c.end()  # its name goes with it
        self.wait_until(lambda: b.do("lookup", "two").startswith("error"), "the name has gone")
        self.over()

    def test_boxes(self):
        a, b, c, d = self.s
        heir = self.scribe(2)
        self.expect(0, heir, "put", "kept", "of-one-who-ended", KEPT)
        heir.end()
        self.expect(0, a, "put", "goes", "of-the-lost", 0)
        self.expect(0, a, "put", "stays", "of-the-lost", KEPT)
        self.expect(0, b, "put", "mine", "first", MULTI)
        self.expect(1, c, "put", "mine", "second", MULTI)
        self.expect(0, c, "put", "again", "x" * 400, SHARED)
        d.say("get", "later", WAIT)
        self.lose()
        self.expect("ok of-one-who-ended", b, "get", "kept", 0)
        self.expect("ok of-the-lost", c, "get", "stays", 0)
        self.expect(NOT_FOUND, c, "get", "goes", 0)
        self.expect("ok x{400}$", b, "get", "again", TAKE)
        self.expect(NOT_FOUND, c, "get", "again", 0)
        self.expect("ok first", c, "get", "mine", 0)
        self.expect(2, b, "put", "mine", "third", MULTI)
        self.expect(0, b, "put", "later", "now", 0)
        self.assertEqual(d.hear(), "ok now")
        b.end()
        self.wait_until(lambda: c.do("get", "mine", FIRST) == "ok second", "entries go with their owner")
        self.over()

    def test_groups(self):
        a, b, c, d = self.s
        for place, s in enumerate((b, a, d, c)):
            self.expect(place, s, "join", "work")
        for s in (b, c, d):
            self.expect("ok", s, "join", "still")
        for s in (b, c, d):
            s.say("freeze", "still", 3)
        for s in (b, c, d):
            self.assertEqual(s.hear(), "ok 3")
        for s in (a, b):
            self.expect("ok", s, "join", "torn")
        a.say("freeze", "torn", 2)
        self.expect(2, b, "freeze", "torn", 2)
        c.say("barrier", "work", 3)
        d.say("barrier", "work", 3)
        self.lose()
        self.expect(0, b, "barrier", "work", 3)
        self.assertEqual([c.hear(), d.hear()], ["ok 0", "ok 0"])
        self.expect(3, b, "size", "work")
        for place, s in ((0, b), (2, d), (3, c)):
            self.expect(place, b, "inst", "work", s.tid)
            self.expect(s.tid, c, "at", "work", place)
        self.expect("error", b, "at", "work", 1)
        new = self.scribe(1)
        self.expect(1, new, "join", "work")  # the place of the lost one
        self.expect("error", new, "join", "still")
        for s in (b, c):
            s.say("barrier", "still", 3)
        self.expect(0, d, "barrier", "still", 3)
        self.assertEqual([b.hear(), c.hear()], ["ok 0", "ok 0"])
        self.expect("error", b, "barrier", "torn", 2)  # static, and has lost a member
        new.end()
        self.over()

    def busy(self, during):
        """Three tasks count and meet, again and again, while the leader is lost: nothing is lost or done twice."""
        _, b, c, d = self.s
        for s in (b, c, d):
            self.expect("ok", s, "join", "all")
        for s in (b, c, d):
            s.say("meet", "crowd", 3, 60)
        time.sleep(0.1)
        during()
        for s in (b, c, d):
            self.assertEqual(s.hear(), "ok 60")

    def test_killed_in_barriers(self):
        self.busy(self.lose)
        self.over()

    def test_nothing_is_done_twice(self):
        _, b, c, d = self.s
        self.expect(0, b, "put", "number", "0", KEPT | SHARED)
        for s in (b, c, d):
            s.say("count", "number", 200)
        time.sleep(0.15)
        self.lose()
        for s in (b, c, d):
            self.assertEqual(s.hear(), "ok 200")
        self.expect("ok 600$", b, "get", "number", 0)
        self.over()


    def test_more_than_one_piece(self):
        """A book that is too large for one message is fetched in pieces, while it changes."""
        _, b, c, d = self.s
        n = 1600
        self.expect(n, b, "fill", "many", n)
        self.expect(0, b, "put", "number", "0", KEPT | SHARED)
        for s in (c, d):
            s.say("count", "number", 150)
        self.lose(0)  # the second host has a copy, and leads; the third one begins to fetch
        self.wait_until(lambda: re.search("BOOK-COPY.* in [3-9] pieces", self.log()), "a copy in pieces")
        self.lose(1)
        for s in (c, d):
            self.assertEqual(s.hear(), "ok 150")
        self.expect(n, d, "read", "many", n)
        self.expect("ok 300$", c, "get", "number", 0)
        self.over()


class Again(Book):
    """Two leaders, one after the other."""
    N = 6
    TIMEOUT = "2s"  # the third one gives the second one its time to lead

    def test_next_leader_too(self):
        self.expect("ok p", self.s[5], "publish", "name", "p")
        for s in self.s:
            self.expect("ok", s, "join", "work")
        self.lose(0)
        self.expect(5, self.s[4], "size", "work")
        self.expect(0, self.s[4], "put", "box", "text", KEPT)
        self.lose(1)
        self.expect(4, self.s[4], "size", "work")
        self.expect(5, self.s[3], "inst", "work", self.s[5].tid)
        self.expect("ok p", self.s[2], "lookup", "name")
        self.expect("ok text", self.s[3], "get", "box", 0)
        self.over()

    def test_with_a_keeper(self):
        """The leader and the host that would lead next, at the same time."""
        self.expect("ok p", self.s[5], "publish", "name", "p")
        self.expect(0, self.s[4], "join", "work")
        self.lose(1)
        self.lose(0)
        self.expect("ok p", self.s[2], "lookup", "name")
        self.expect(0, self.s[3], "inst", "work", self.s[4].tid)
        self.over()


class CutOff(Book):
    """The leader's cable is pulled."""
    TIMEOUT = "1500ms"

    def away(self):
        self.cut(0)

    def test_cut_off(self):
        a, b, c, d = self.s
        self.expect("ok p", b, "publish", "name", "p")
        self.expect("ok q", a, "publish", "other", "q")
        self.expect(0, c, "put", "box", "text", KEPT)
        for s in (a, b, c, d):
            self.expect("ok", s, "join", "work")
        d.say("get", "later", WAIT)
        self.away()
        self.expect("ok p", c, "lookup", "name")
        self.expect("error", c, "lookup", "other")
        self.expect(3, c, "size", "work")
        self.expect("ok text", b, "get", "box", 0)
        self.expect(0, b, "put", "later", "now", 0)
        self.assertEqual(d.hear(), "ok now")
        self.expect("error .*no host leads", a, "publish", "new", "r")
        self.expect("error .*no host leads", a, "lookup", "name")
        self.expect("error", a, "join", "new")
        self.expect("error", c, "lookup", "new")
        self.cut(0, down=False)
        self.over()

    def test_cut_off_in_barriers(self):
        self.busy(self.away)
        self.cut(0, down=False)
        self.over()


if __name__ == "__main__":
    unittest.main()
