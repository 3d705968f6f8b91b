# SPDX-License-Identifier: BSD-3-Clause
"""The console at a terminal."""

import os
import re
import unittest

from lab import BUILD, LabCase
from terminal import CTRL_C, CTRL_D, TAB, UP, Terminal

PVMX = BUILD / "bin" / "pvmx"
PROMPT = r"pvmx> "


class Prompt(LabCase):
    def setUp(self):
        super().setUp()
        self.env["XDG_STATE_HOME"] = str(self.tmp / "state")
        self.addCleanup(self.run_program, PVMX, "halt")

    def console(self):
        t = Terminal(self, PVMX)
        t.expect(PROMPT)
        return t

    def ask(self, t, line, answer):
        """Types a line; waits for its answer and the next prompt."""
        t.line(line)
        found = t.expect(answer)
        t.expect(PROMPT)
        return found

    def leave(self, t):
        t.line("quit")
        self.assertEqual(t.finish(), 0)

    def test_prompt_and_quit(self):
        t = Terminal(self, PVMX)
        t.expect('Started virtual machine "default" on host')
        t.expect(PROMPT)
        self.ask(t, "version", r"\d+\.\d+\.\d+")
        self.ask(t, "nosuch", "there is no command")
        self.ask(t, "version", r"\d+\.\d+\.\d+")
        t.line("quit")
        self.assertEqual(t.finish(), 0)
        again = Terminal(self, PVMX)
        again.expect("Attached to virtual machine")
        again.expect(PROMPT)
        again.line("halt")
        self.assertEqual(again.finish(), 0)
        self.wait_until(lambda: not self.processes(), "all is gone")

    def test_colours_on_terminals_only(self):
        t = self.console()
        t.line("hosts")
        t.expect("\033\\[1mHOST .*\033\\[0m\r\n")
        t.expect("\033\\[32mup +\033\\[0m")
        t.expect(PROMPT)
        self.leave(t)
        self.assertNotIn("\033", self.check_program(PVMX, "hosts"))
        self.env["NO_COLOR"] = "1"
        t = self.console()
        self.ask(t, "hosts", "\nHOST .*\r\n.*  up  ")
        self.leave(t)

    def test_completion_of_commands(self):
        t = self.console()
        t.send("ver" + TAB)
        t.expect("sion ")  # the editor draws what is new only
        t.line("")
        t.expect(r"\d+\.\d+\.\d+")
        t.expect(PROMPT)
        t.send("se" + TAB)
        t.expect("se.*t")
        t.send(TAB)
        t.expect("setenv")
        t.expect("settings")
        t.send("t" + TAB)
        t.expect("ings ")
        t.line("")
        t.expect("daemon.grace")
        t.expect(PROMPT)
        t.send("help unal" + TAB)
        t.expect("ias ")
        t.line("")
        t.expect("forget an alias")
        t.expect(PROMPT)
        self.leave(t)

    def test_completion_of_tasks(self):
        t = self.console()
        tid = self.ask(t, "spawn sleep 600", r"1 successful\s+(t[0-9a-f]+)")[1]
        t.send("kill t" + TAB)
        t.expect(tid[1:] + " ")
        t.line("")
        t.expect(PROMPT)
        self.ask(t, f"wait {tid}", "killed by signal 15")
        t.send("sig USR" + TAB + TAB)
        t.expect("USR1")
        t.expect("USR2")
        t.expect("sig USR")  # the line is shown again
        t.send(CTRL_C)
        t.expect(r"\^C")
        t.expect(PROMPT)
        self.leave(t)

    def test_completion_of_rules(self):
        t = self.console()
        t.send("limit a" + TAB)
        t.expect("dd ")
        t.send("'na" + TAB)
        t.expect("me ")
        t.send("=~ /x/ and job." + TAB + TAB)
        t.expect(r"job.cpu  job.elapsed  job.memory  job.tasks")
        t.send("ta" + TAB)
        t.expect("sks ")
        t.send("> 3' ref" + TAB)
        t.expect("use ")
        t.line("")
        t.expect(r"1\s+refuse\s+0\s+0\s+name =~ /x/ and job.tasks > 3")
        t.expect(PROMPT)
        self.ask(t, "limit add cpu > 1h and name =~ /y/ report", "cpu > 1h and name =~ /y/")
        t.send("limit del " + TAB + TAB)
        t.expect("1  2  ")
        t.line("1 2")
        t.expect(PROMPT)
        self.ask(t, "limit list", "expression|EXPRESSION")
        self.leave(t)

    def test_completion_of_files(self):
        (self.tmp / "folder").mkdir()
        (self.tmp / "folder" / "program-of-mine").symlink_to("/bin/echo")
        t = self.console()
        t.send("spawn ./fol" + TAB)
        t.expect("der/")
        t.send(TAB)
        t.expect("program-of-mine ")
        t.line("hello from it")
        t.expect(r"\nhello from it|1 successful")
        t.expect(PROMPT)
        self.ask(t, "wait 1", r"folder/program-of-mine\) has ended")
        self.leave(t)

    def test_history(self):
        t = self.console()
        self.ask(t, "echo first line", r"\nfirst line")
        self.ask(t, "echo second line", r"\nsecond line")
        t.send(UP + UP)
        t.line("")
        t.expect("\nfirst line")
        t.expect(PROMPT)
        self.leave(t)
        kept = (self.tmp / "state" / "pvmx" / "history").read_text()
        self.assertIn("second", kept)
        t = self.console()  # another one remembers
        t.send(UP + UP + UP)
        t.line("")
        t.expect("\nsecond line")
        t.expect(PROMPT)
        self.leave(t)

    def test_ctrl_c_drops_the_line(self):
        t = self.console()
        t.send("halt" + CTRL_C)
        t.expect(r"\^C")
        t.expect(PROMPT)
        self.ask(t, "echo still here", r"\nstill here")
        self.leave(t)
        self.check_program(PVMX, "id")

    def test_ctrl_c_ends_waiting(self):
        t = self.console()
        self.ask(t, "spawn sleep 600", "1 successful")
        for command in ("wait 1", "events -f"):
            t.line(command)
            t.expect(re.escape(command))
            if command.startswith("events"):
                t.expect("has started")
            else:
                self.wait_until(lambda: self.sleeps_in_poll(t.pid), "it waits")
            t.send(CTRL_C)
            t.expect(PROMPT)
        self.ask(t, "echo still here", r"\nstill here")
        self.ask(t, "ps", r"t[0-9a-f]+ .*sleep")
        self.ask(t, "kill name:sleep", "")
        self.leave(t)

    @staticmethod
    def sleeps_in_poll(pid):
        with open(f"/proc/{pid}/wchan", encoding="ascii") as f:
            return "poll" in f.read()

    def test_question_before_many(self):
        t = self.console()
        self.ask(t, "spawn -3 sleep 600", "3 successful")
        t.line("kill job:1")
        t.expect(r"end 3 tasks\? \[y/N\] ")
        t.line("n")
        t.expect(PROMPT)
        t.line("ps")
        for _ in range(3):
            t.expect("sleep")
        t.expect(PROMPT)
        t.line("kill job:1")
        t.expect(r"\[y/N\] ")
        t.line("y")
        t.expect("3 tasks asked to end")
        t.expect(PROMPT)
        self.ask(t, "spawn -2 sleep 600", "2 successful")
        self.ask(t, "kill -y job:2", "2 tasks asked to end")
        self.leave(t)

    def test_end_of_file_leaves_the_vm(self):
        t = self.console()
        t.send(CTRL_D)
        self.assertEqual(t.finish(), 0)
        self.check_program(PVMX, "id")

    def test_output_of_tasks_appears(self):
        t = self.console()
        self.ask(t, "spawn echo from the task", "from the task|1 successful")
        self.ask(t, "wait 1", r"\(echo\) has ended")
        self.leave(t)


if __name__ == "__main__":
    unittest.main()
