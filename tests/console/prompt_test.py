# SPDX-License-Identifier: BSD-3-Clause
"""The console at a terminal."""

import os
import re
import signal
import time
import unittest

from lab import BUILD, LabCase
from terminal import CTRL_C, CTRL_D, CTRL_Z, TAB, UP, Terminal

PVMX, PVMXD = BUILD / "bin" / "pvmx", BUILD / "bin" / "pvmxd"
PROMPT = r"pvmx> "


# When a line has been taken and there is a file "now", Ctrl-Z is pressed and the size changes.
PRESSES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>
int tcsetattr(int fd, int when, const struct termios *t)
{
    int (*next)(int, int, const struct termios *);
    *(void **)&next = dlsym(RTLD_NEXT, "tcsetattr");
    if ((t->c_lflag & ICANON) != 0 && unlink("now") == 0)
        raise(SIGTSTP), raise(SIGWINCH);
    return next(fd, when, t);
}
"""


class Prompt(LabCase):
    def setUp(self):
        super().setUp()
        self.env["XDG_STATE_HOME"] = str(self.tmp / "state")
        self.env["PVMX_DAEMON_GRACE"] = "20s"  # who is slow to end is not killed instead
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

    def complete(self, t, typed, more):
        """Types something and presses Tab, again while it only rings: a daemon that is slow is not waited for."""
        t.send(typed + TAB)
        while t.expect(rf"\x07|{more}")[0] == "\x07":
            t.send(TAB)

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
        t.expect("forget aliases")
        t.expect(PROMPT)
        self.leave(t)

    def test_completion_of_tasks(self):
        t = self.console()
        tid = self.ask(t, "spawn sleep 600", r"1 successful\s+(t[0-9a-f]+)\r")[1]
        self.complete(t, "kill t", tid[1:] + " ")
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
        t.expect(r"job.cpu +job.elapsed +job.memory +job.tasks")
        t.send("ta" + TAB)
        t.expect("sks ")
        t.send("> 3' ref" + TAB)
        t.expect("use ")
        t.line("")
        t.expect(r"1\s+refuse\s+0\s+0\s+name =~ /x/ and job.tasks > 3")
        t.expect(PROMPT)
        self.ask(t, "limit add cpu > 1h and name =~ /y/ report", "cpu > 1h and name =~ /y/")
        self.complete(t, "limit del ", r"\n1  2\r\n")
        t.line("1 2")
        t.expect(PROMPT)
        self.ask(t, "limit list", "expression|EXPRESSION")
        self.leave(t)

    def test_completion_while_the_daemon_stands_still(self):
        """A key does something soon, whatever it asks for; what it has asked for then is not awaited."""
        t = self.console()
        daemon, = self.processes(PVMXD)
        os.kill(daemon, signal.SIGSTOP)
        try:
            for typed in ("settings daemon.gr", "kill t", "limit del ", "ps -h "):
                with self.subTest(typed=typed):
                    t.send(typed + TAB + "#")
                    t.expect(re.escape(typed) + r"\x07?#")
                    t.send(CTRL_C)
                    t.expect(r"\^C")
                    t.expect(PROMPT)
        finally:
            os.kill(daemon, signal.SIGCONT)
        self.complete(t, "settings daemon.gra", "ce ")
        t.send(CTRL_C)
        t.expect(PROMPT)
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

    def test_completion_of_words(self):
        """What an option or a command takes, not everything that there is."""
        t = self.console()
        host = self.ask(t, "id", r"default +(\S+) +\d+")[1]
        self.ask(t, "alias listing ps", "")
        for typed, more in (("delete ", f"{host} "), ("ps -h ", f"{host} "), ("ps -s pro", "gram "),
                            ("settings daemon.gra", "ce "), ("sig KI", "LL "), ("unalias ", "listing "),
                            ("listing -s mem", "ory "), ("setenv XDG_STATE_H", "OME "), ("lis", "ting "),
                            ("spawn unshar", "e ")):
            with self.subTest(typed=typed):
                t.send(typed)
                t.expect(re.escape(typed))
                self.complete(t, "", more)
                t.send(CTRL_C)
                t.expect(r"\^C")
                t.expect(PROMPT)
        self.leave(t)

    def test_names_with_blanks(self):
        folder = self.tmp / "a folder"
        folder.mkdir()
        (folder / "größer's").symlink_to("/bin/echo")
        self.env.update(HOME=str(self.tmp), LC_ALL="C.UTF-8")
        t = self.console()
        for typed in ("./a", "'./a", '"./a', "~/a"):
            with self.subTest(typed=typed):
                t.send(f"spawn {typed}" + TAB)
                t.expect("folder/")
                t.send(TAB)
                t.expect("'s['\"]* ")
                t.line("found it")
                t.expect(r"\nfound it|1 successful")
                t.expect(PROMPT)
        self.ask(t, "echo ~ ~/x '~' a~", f"\n{self.tmp} {self.tmp}/x ~ a~\r\n")
        self.ask(t, "echo 'open", "a quote ' is not closed")
        self.leave(t)

    def test_narrow_terminals(self):
        """Lines of ps are cut where the terminal would break them, and stand in columns."""
        self.env["LC_ALL"] = "C.UTF-8"
        self.check_program(PVMX, "spawn", "sh", "-c", "sleep 600 # " + "ä" * 100)
        t = self.console()
        for columns in (100, 60, 20):
            t.resize(20, columns)
            found = self.ask(t, "ps", r"(t[0-9a-f]+ .*sh -c s\S*[^\r]*)\r\n|(t.*[^\r])\r\n")[0]
            shown = re.sub("\x1b.*?m", "", found.rstrip())
            self.assertLessEqual(len(shown), max(columns, 80))
            self.assertEqual(len(shown), {100: 100}.get(columns, len(shown)))
        self.ask(t, "ps -l", "ä{100}\r\n")
        self.leave(t)

    def test_size_changes_while_a_line_is_typed(self):
        t = self.console()
        t.send("echo " + "x" * 40)
        t.expect("x{40}")
        t.resize(20, 24)
        t.expect("pvmx> echo x")  # it is drawn anew
        t.line("y")
        t.expect("\nx{40}y\r\n")
        t.expect(PROMPT)
        self.leave(t)

    def test_stopped_and_continued(self):
        t = Terminal(self, "bash", "--norc", "-i")
        t.line(f"PS1='$ '; {PVMX}")
        t.expect(PROMPT)
        t.send("echo ab")
        t.expect("echo ab")
        t.send(CTRL_Z)
        t.expect("Stopped")
        t.line("stty -a")
        t.expect(r" icanon.* echo ")
        t.line("fg")
        t.expect(r"pvmx> echo ab")
        t.line("cd")
        t.expect("\nabcd")
        t.expect(PROMPT)
        t.line("quit")
        t.expect(r"\$ ")
        t.line("exit")
        self.assertEqual(t.finish(), 0)

    def test_stopped_between_line_and_command(self):
        shim = self.compile("shim", PRESSES, "-shared", "-fPIC")
        self.env["ASAN_OPTIONS"] = "verify_asan_link_order=0"
        t = Terminal(self, "bash", "--norc", "-i")
        t.line(f"PS1='$ '; LD_PRELOAD={shim} {PVMX}")
        t.expect(PROMPT)
        (self.tmp / "now").touch()
        t.line("echo a b")
        t.expect("Stopped")
        t.line("fg")
        t.expect(r"\na b\r\n" + PROMPT)
        t.line("quit")
        t.expect(r"\$ ")
        t.line("exit")
        self.assertEqual(t.finish(), 0)

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
        self.ask(t, r"echo back\\slash ß", r"\nback\\slash ß")
        t.close()  # whatever ends it
        t = self.console()
        t.send(UP)
        t.expect(r"echo back\\\\slash ß")
        t.send(CTRL_C)
        t.expect(PROMPT)
        self.leave(t)
        # Of many lines the last ones stay.
        file = self.tmp / "state" / "pvmx" / "history"
        with open(file, "a", encoding="ascii") as f:
            f.writelines(f"echo\\040{i}\\012\n" for i in range(3000))
        self.leave(self.console())
        kept = file.read_text().splitlines()
        self.assertEqual((len(kept), kept[-2]), (1002, "echo\\0402999\\012"))

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
            self.enter(t, command)
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

    def test_ctrl_c_ends_doctor(self):
        """What has not been found out is no trouble."""
        self.env["PVMX_SSH"] = "sh -c 'echo > reached; exec sleep 600' #"
        t = self.console()
        t.line("doctor nosuch.invalid")
        self.wait_until((self.tmp / "reached").exists, "it waits for ssh")
        t.send(CTRL_C)
        t.expect(r"\A.*doctor nosuch.invalid\r\n\^C\r\n" + PROMPT)
        self.leave(t)

    def test_ctrl_c_withdraws(self):
        """What a daemon is asked for that stands still is not done when it goes on."""
        t = self.console()
        self.ask(t, "spawn true", "1 successful")
        daemon, = self.processes(PVMXD)
        os.kill(daemon, signal.SIGSTOP)
        try:
            for command in ("spawn touch spawned", "add -l fork spawned"):
                self.enter(t, command)
                self.wait_until(lambda: self.sleeps_in_poll(t.pid), "it waits")
                t.send(CTRL_C)
                t.expect(PROMPT)
        finally:
            os.kill(daemon, signal.SIGCONT)
        self.ask(t, "spawn true", "1 successful")
        self.ask(t, "hosts", r"PID.*\r\n[^\r]*\r\n(?=pvmx)")  # one
        self.assertFalse((self.tmp / "spawned").exists())
        self.leave(t)

    @staticmethod
    def enter(t, line):
        """Types a line and waits until it has been taken: from then on the console does not wait for keys."""
        t.line(line)
        t.expect(re.escape(line) + "\r\n")

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
        t.line("kill 1")
        t.expect(r"\[y/N\] ")
        t.line("no, since it is too early")  # all of that is the answer
        t.expect(PROMPT)
        t.line("kill 1")
        t.expect(r"\A.*\r\nend 3 tasks\? \[y/N\] ")
        t.send(CTRL_C)
        t.expect(PROMPT)
        t.line("kill job:1")
        t.expect(r"\[y/N\] ")
        t.line("y")
        t.expect("3 tasks asked to end")
        t.expect(PROMPT)
        self.ask(t, "spawn -2 sleep 600", "2 successful")
        self.ask(t, "kill -y job:2", "2 tasks asked to end")
        self.ask(t, "spawn -2 sleep 600", "2 successful")
        self.leave(t)
        t = Terminal(self, "sh", "-c", f"{PVMX} kill 3 | cat")  # a person is there all the same
        t.expect(r"end 2 tasks\? \[y/N\] ")
        t.line("y")
        t.expect("2 tasks asked to end")
        t.finish()

    def test_question_and_ctrl_c_at_once(self):
        """The console has hardly asked when the key is there: it runs when nothing else wants its processor."""
        t = self.console()
        self.ask(t, "spawn -2 sleep 600", "2 successful")
        processors = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, processors)
        for pid in (0, t.pid):
            os.sched_setaffinity(pid, {min(processors)})
        os.sched_setscheduler(t.pid, os.SCHED_IDLE, os.sched_param(0))
        begin, n = time.monotonic(), 0
        while n < 500 and (n == 0 or time.monotonic() < begin + 20):  # others may want that processor, too
            n += 1
            t.line("kill 1")
            t.expect(r"\[y/N\] ")
            t.send(CTRL_C)
            t.expect(PROMPT)
        self.ask(t, "kill -y 1", "2 tasks asked to end")
        self.leave(t)

    def test_end_of_file_leaves_the_vm(self):
        t = self.console()
        t.send(CTRL_D)
        self.assertEqual(t.finish(), 0)
        self.check_program(PVMX, "id")

    def test_output_of_tasks_appears(self):
        t = self.console()
        t.line("spawn echo from the task")
        t.expect(r"[\nJ]from the task\r\n")  # at the beginning of a line, before or behind the prompt
        self.ask(t, "wait 1", r"\(echo\) has ended")
        self.leave(t)

    def speaker(self, t):
        """A task of this console's that writes what is said to it; a function that says, and one that ends it."""
        fifo, program = self.tmp / "fifo", self.tmp / "speaker"
        os.mkfifo(fifo)
        program.write_text(f'#!/bin/sh\nwhile read -r l; do printf "$l"; done <{fifo}\n')
        program.chmod(0o755)
        t.line("spawn ./speaker")
        t.see(r"1 successful\nt[0-9a-f]+\npvmx> \Z|1 successful\nt[0-9a-f]+\npvmx>\Z")
        f = open(fifo, "w", buffering=1, encoding="utf-8")
        self.addCleanup(f.close)
        return lambda text: f.write(text.replace("\n", "\\n") + "\n"), f.close

    def enter_seen(self, t, line):
        """As enter(), on a screen that is watched."""
        t.line(line)
        self.sees(t, f"pvmx> {line}", cursor="")

    def sees(self, t, *lines, cursor):
        """These are the last lines, and in front of the cursor there is that."""
        t.see(re.escape("\n".join(("", *lines))) + r"\Z")
        self.wait_until(lambda: t.read(0.01) and t.screen.before_cursor() == cursor,
                        lambda: f"{t.screen.before_cursor()!r} is before the cursor")

    def test_output_while_a_line_is_typed(self):
        self.env["LC_ALL"] = "C.UTF-8"
        t = self.console()
        t.watch(12, 30)
        say, end = self.speaker(t)
        t.send("echo abc")
        t.see("echo abc")
        say("of the task\n")
        self.sees(t, "of the task", "pvmx> echo abc", cursor="pvmx> echo abc")
        t.line("d")
        self.sees(t, "of the task", "pvmx> echo abcd", "abcd", "pvmx>", cursor="pvmx> ")
        # On several rows, the last of them full, the cursor in the first.
        t.send("echo " + "a" * 10 + "ü" * 10 + "漢" * 14 + "x")
        t.see("漢x")
        say("one\ntwo\n")
        rows = "pvmx> echo " + "a" * 10 + "ü" * 9, "ü" + "漢" * 14 + "x"
        self.sees(t, "one", "two", *rows, cursor="")
        t.send("\b")
        rows = rows[0], rows[1][:-1]
        self.sees(t, "two", *rows, cursor="ü" + "漢" * 14)
        say("three\n")
        self.sees(t, "two", "three", *rows, cursor="ü" + "漢" * 14)
        t.send("\x01" + "\x06" * 5)  # begin of the line, five to the right
        t.send("Y\b")
        self.sees(t, "two", "three", *rows, cursor="pvmx> echo ")
        say("four\n" * 30)
        self.sees(t, *["four"] * 30, *rows, cursor="pvmx> echo ")
        # A line that is not finished becomes one.
        say("not finished")
        end()
        self.sees(t, "four", "not finished", *rows, cursor="pvmx> echo ")
        t.line("Z")
        self.sees(t, "not finished", "pvmx> echo Z" + "a" * 10 + "ü" * 8, "ü" * 2 + "漢" * 14, "",
                  "Z" + "a" * 10 + "ü" * 10 + "漢" * 4, "漢" * 10, "pvmx>", cursor="pvmx> ")
        self.leave(t)

    def test_output_at_any_moment(self):
        t = self.console()
        t.watch(16, 60)
        say, end = self.speaker(t)
        t.line("echo number one")
        t.see("\nnumber one\npvmx>")
        t.send("\x12mber")  # incremental search
        t.see("bck:mber")
        say("searched\n")
        t.see(r"one\npvmx>\nsearched\npvmx> echo number one\nbck:mber\Z|"
              r"one\nsearched\npvmx> echo number one\nbck:mber\Z")
        self.wait_until(lambda: t.read(0.01) and t.screen.before_cursor() == "pvmx> echo nu", "the cursor is there")
        t.send("\x1b")
        t.see(r"searched\npvmx> echo number one\Z")
        t.line("")
        t.see(r"number one\npvmx>\Z")
        t.send("se\t\t")
        t.see(r"setenv .*settings\npvmx> set\Z")
        say("listed\n")
        t.see(r"setenv .*settings\nlisted\npvmx> set\Z")
        t.send("t" * 53)
        t.see(r"pvmx> set" + "t" * 51 + r"\ntt\Z")
        t.send("\x01")
        self.wait_until(lambda: t.read(0.05) and t.screen.before_cursor() == "pvmx> ", "it is there")
        t.send(CTRL_C)
        t.see(r"\ntt\^C\npvmx>\Z")
        # While a command waits and at its end.
        self.enter_seen(t, "wait 1")
        say("waited for\n")
        t.see(r"wait 1\nwaited for\Z")
        t.send(CTRL_C)
        t.see(r"waited for\n\^C\npvmx>\Z")
        # Not into what top draws.
        t.line("top")
        t.see("1 task, by cpu")
        say("not now\n")
        self.wait_until(lambda: "not now" in self.check_program(PVMX, "logs", "1"), "it is kept")
        t.send("q")
        t.see(r"\nnot now\npvmx>\Z")
        # What is told of a task comes behind what it has written.
        self.enter_seen(t, "wait 1")
        say("the last")
        end()
        t.see(r"wait 1\nthe last\nt[0-9a-f]+ \(\./speaker\) has ended\npvmx>\Z")
        self.leave(t)

    def test_quit_while_tasks_write(self):
        t = self.console()
        t.watch(16, 80)
        say, _ = self.speaker(t)
        t.line("quit")
        t.see("Tasks go on; .* pvmx logs")
        self.assertEqual(t.finish(), 0)
        say("after all\n")
        self.wait_until(lambda: "after all" in self.check_program(PVMX, "logs", "1"), "the task goes on")

    def test_resized_with_several_rows(self):
        t = self.console()
        t.watch(12, 60)
        t.line("echo before")
        t.see(r"\nbefore\npvmx>\Z")
        t.send("echo " + "x" * 100)
        t.see(r"x{49}\nx{51}\Z")
        for columns, rows in ((24, ["x" * 13] + ["x" * 24] * 3 + ["x" * 15]), (100, ["x" * 89, "x" * 11]),
                              (60, ["x" * 49, "x" * 51])):
            t.shown = ""
            t.resize(12, columns)
            t.expect(r"\x1b\[J")  # the editor has seen it
            t.see("\nbefore\npvmx> echo " + "\n".join(rows) + r"\Z")
        t.line("")
        t.see("\nbefore\npvmx> echo x{49}\nx{51}\nx{60}\nx{40}\npvmx>\Z")
        self.leave(t)

    def test_attach_shows_lines_once(self):
        """Also those of tasks that write to this terminal themselves."""
        t = self.console()
        self.ask(t, "spawn -i sh -c 'while read l; do echo got $l; done; echo last'", "1 successful")
        t.line("attach 1")
        t.expect("what is typed goes to")
        for word in ("one", "two"):
            t.line(word)
            t.expect(f"got {word}")
        t.send(CTRL_D)
        shown = t.expect(PROMPT).string
        self.assertEqual((shown.count("got"), shown.count("last")), (0, 1), shown)
        self.ask(t, "logs 1", "got one\r\ngot two\r\nlast\r\n")
        self.leave(t)


if __name__ == "__main__":
    unittest.main()
