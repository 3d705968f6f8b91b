# SPDX-License-Identifier: BSD-3-Clause
"""The command top, on a terminal and without one."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import termios
import unittest

from hostcase import PVMX, ThreeHosts
from terminal import CTRL_C, Terminal

DOWN = "\x1b[B"
ENTER, LEAVE = r"\x1b\[\?1049h", r"\x1b\[\?1049l"


class Top(ThreeHosts):
    def setUp(self):
        super().setUp()
        self.three_hosts()

    def top(self, *args):
        t = Terminal(self, PVMX, "top", "-d", "0.2", *args)
        # Of a fresh one: the program may have begun already.
        ends = pty.openpty()
        self.before = termios.tcgetattr(ends[0])
        for fd in ends:
            os.close(fd)
        t.expect(ENTER)
        return t

    def busy_and_idle(self):
        (busy,), _ = self.spawn("-east", "sh", "-c", "while :; do :; done")
        (idle,), _ = self.spawn("-west", "sleep", "600")
        return busy, idle

    def check_left(self, t, status=0):
        t.expect(LEAVE)
        self.assertEqual(t.finish(), status, t.shown)
        self.assertEqual(termios.tcgetattr(t.fd), self.before, "the terminal is as it was")

    def test_once_without_a_terminal(self):
        busy, idle = self.busy_and_idle()
        rows = lambda *args: json.loads(self.ok("--json", "top", *args))
        self.wait_until(lambda: [t["tid"] for t in rows()] == [busy, idle] and
                        rows()[0]["cpu_percent"] > 2, "the busy one comes first")
        self.assertEqual([t["tid"] for t in rows("-s", "tid")], sorted([busy, idle]))
        self.assertEqual([(t["host"], t["command"]) for t in rows()],
                         [("east", "sh -c while :; do :; done"), ("west", "sleep 600")])
        out = self.ok("top")
        self.assertRegex(out, rf"^TID +JOB.*\n{busy} .*\n{idle} ")
        self.assertNotIn("\x1b", out)
        self.fails("-s height", "top", "-s", "height", status=2)
        self.fails("from 0.1", "top", "-d", "0", status=2)
        # A terminal that cannot be drawn on is none.
        t = Terminal(self, "env", "TERM=dumb", PVMX, "top")
        t.expect(f"{idle} ")
        self.assertEqual(t.finish(), 0)

    def test_live(self):
        busy, idle = self.busy_and_idle()
        t = self.top()
        t.expect("pvmx top: hosts, 3 hosts, 2 tasks, by cpu")
        t.expect(r"east +2 +1 ")
        t.expect(rf"{busy} +1 +east +started +\d+\.\d+ ")
        t.expect(rf"{idle} +2 +west +started +0\.00 ")
        # What is new is seen without a key.
        (more,), _ = self.spawn("sleep", "601")
        t.expect("3 tasks")
        t.expect(rf"{more} .*sleep 601")
        t.send("H")
        t.expect("by host")
        t.expect(rf"east.*\r\n(?:\x1b\[7m)?{more} .*{self.here} |{busy} +1 +east ")
        t.send("q")
        self.check_left(t)

    def test_kill_from_the_list(self):
        busy, idle = self.busy_and_idle()
        t = self.top("-s", "tid")
        first, second = sorted([busy, idle])
        t.expect(rf"\x1b\[7m{first}")
        t.send(DOWN)
        t.expect(rf"\x1b\[7m{second}")
        t.send("k")
        t.expect(rf"end {second}\? \[y/N\]")
        t.send("n")
        t.expect("q quit")
        t.send("k")
        t.expect(rf"end {second}\? \[y/N\]")
        t.send("y")
        t.expect(rf"{second} was asked to end")
        t.expect("1 task, by tid")
        self.assertEqual([x["tid"] for x in self.json("ps")], [first])
        t.send("q")
        self.check_left(t)

    def test_long_list_scrolls(self):
        tids, _ = self.spawn("-60", "sleep", "600")
        t = self.top("-s", "tid")
        fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        t.expect("60 tasks")
        for _ in range(70):
            t.send(DOWN)
        t.expect(rf"\x1b\[7m{tids[-1]}")
        # A page has 12 lines of at most 60 columns.
        t.send(" ")
        t.shown = ""
        page = t.expect(r"(?s)\x1b\[H(.*?)\x1b\[J")[1]
        lines = re.sub(r"\x1b\[[0-9?]*[a-zA-Z]", "", page).split("\r\n")
        self.assertEqual(len(lines), 12)
        self.assertLessEqual(max(map(len, lines)), 60)
        t.send("q")
        self.check_left(t)

    def test_resized_all_the_time(self):
        """A change of size that comes while a page is written costs nothing."""
        self.spawn("-60", "sleep", "600")
        t = self.top()
        for i in range(400):
            t.resize(20 + i % 20, 100 + i)
            t.send(DOWN)
            t.read(0)
        t.expect("60 tasks")
        t.send("q")
        self.check_left(t)

    def test_restores_the_terminal(self):
        self.spawn("sleep", "600")
        t = self.top()
        t.expect("1 task")
        t.send(CTRL_C)
        self.check_left(t)
        for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            t = self.top()
            t.expect("1 task")
            os.kill(t.pid, sig)
            self.check_left(t, -sig)
        t = self.top()
        t.expect("1 task")
        self.ok("halt")
        t.expect(LEAVE)
        t.expect("daemon .* has ended")
        self.assertEqual(t.finish(), 1)
        self.assertEqual(termios.tcgetattr(t.fd), self.before)

    def test_at_the_prompt(self):
        t = Terminal(self, PVMX)
        t.expect("pvmx> ")
        t.line("top")
        t.expect(ENTER)
        t.expect("0 tasks")
        t.send("q")
        t.expect(LEAVE)
        t.expect("pvmx> ")
        t.line("echo still here")
        t.expect("\nstill here")
        t.line("quit")
        self.assertEqual(t.finish(), 0)

    def test_silent_host(self):
        self.env["PVMX_CONSOLE_PATIENCE"] = "3s"
        east = self.daemon_of("east")
        (*_, there), _ = self.spawn("-3", "sleep", "600")
        t = self.top("-s", "tid")
        t.expect("3 tasks")
        t.send(DOWN * 2)
        t.expect(rf"\x1b\[7m{there}")
        t.send("k")
        t.expect(rf"end {there}\?")
        os.kill(east, signal.SIGSTOP)
        try:
            t.send("y")
            t.expect(f"{there}: its host does not answer")
            t.expect(r"east .* silent")
        finally:
            os.kill(east, signal.SIGCONT)
        t.expect(r"east .* up")
        t.send("q")
        self.check_left(t)


if __name__ == "__main__":
    unittest.main()
