# SPDX-License-Identifier: BSD-3-Clause
"""PVM's console at a terminal."""

import os
import pathlib
import signal
import unittest

from console_test import PROMPT, PVM, ConsoleCase
from terminal import CTRL_C, CTRL_D, TAB, UP, Terminal


class Prompt(ConsoleCase):
    """At a terminal."""

    def setUp(self):
        super().setUp()
        self.terminal = Terminal(self, PVM, "-nalpha")
        self.terminal.expect(PROMPT)

    def ask(self, line, answer):
        self.terminal.line(line)
        found = self.terminal.expect(answer)
        self.terminal.expect(PROMPT)
        return found

    def quit(self):
        self.terminal.line("quit")
        self.terminal.expect(r"Console: exit handler called\s+pvmd still running\.")
        self.assertEqual(self.terminal.finish(), 0)

    def test_commands(self):
        self.ask("version", r"version\r\n3\.4\.6\r\n")
        self.ask("add beta", r"1 successful\r\n +HOST +DTID\r\n +beta    80000\r\n")
        self.ask("nosuch", "nosuch: not found")
        self.quit()

    def test_output_while_typing(self):
        """What a job writes does not spoil the line that is being typed."""
        go = self.tmp / "go"
        t = self.terminal
        self.ask(f"spawn -> /bin/sh -c 'until [ -e {go} ]; do sleep .05; done; echo here'", r"1 successful\r\nt40002")
        t.send("vers")
        t.expect("vers")
        go.touch()
        t.expect(r"\[1:t40002\] here")
        t.expect(r"\[1\] finished")
        t.expect(PROMPT + "vers")
        t.line("ion")
        t.expect(r"3\.4\.6")
        t.expect(PROMPT)
        self.quit()

    def test_output_beside_several_rows(self):
        t = self.terminal
        t.watch(12, 30)
        go = self.tmp / "go"
        t.line(f"spawn -> /bin/sh -c 'until [ -e {go} ]; do sleep .05; done; echo here'")
        t.see(r"1 successful\nt40002\npvm>\Z")
        t.send("echo " + "x" * 50 + "\x01")
        t.see(r"pvm> echo x{20}\nx{30}\Z")
        go.touch()
        t.see(r"t40002\n\[1:t40002\] here\n\[1:t40002\] EOF\n\[1\] finished\npvm> echo x{20}\nx{30}\Z")
        self.wait_until(lambda: t.read(0.01) and t.screen.before_cursor() == PROMPT, "the cursor is there")
        t.shown = ""
        t.resize(12, 20)
        t.expect(r"\x1b\[J")  # the editor has seen it
        t.see(r"finished\npvm> echo x{10}\nx{20}\nx{20}\Z")
        t.send(CTRL_C)
        t.see(r"finished\npvm> echo x{10}\nx{20}\nx{20}\n\^C\npvm>\Z")
        self.quit()

    def test_signals_cut_no_output_short(self):
        """They come while the terminal takes no more."""
        t = self.terminal
        t.line("spawn -> /bin/sh -c 'seq 100000 119999'")
        status, where = (pathlib.Path(f"/proc/{t.pid}/{name}") for name in ("status", "wchan"))
        for columns in range(100, 105):
            self.wait_until(lambda: "ShdPnd:\t0000000000000000" in status.read_text() and
                            where.read_text() == "wait_woken", lambda: f"it is in {where.read_text()}", 10)
            os.kill(t.pid, signal.SIGINT)
            t.resize(30, columns)
        t.expect(r"\[1\] finished")
        t.expect(PROMPT)
        self.quit()

    def test_keys(self):
        t = self.terminal
        t.send("ver" + TAB)
        t.expect("sion ")
        t.line("")
        t.expect(r"3\.4\.6")
        t.expect(PROMPT)
        t.send("halt" + CTRL_C)
        t.expect(r"\^C")
        t.expect(PROMPT)
        self.ask("echo first", r"\nfirst")
        t.send(UP)
        t.line("")
        t.expect(r"\nfirst")
        t.expect(PROMPT)
        t.send(CTRL_D)
        t.expect("quit")
        t.expect("pvmd still running")
        self.assertEqual(t.finish(), 0)


if __name__ == "__main__":
    unittest.main()
