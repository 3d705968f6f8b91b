# SPDX-License-Identifier: BSD-3-Clause
"""mpiexec at a terminal: what is typed, Ctrl-C and Ctrl-Z, and what else may end it."""

import array
import fcntl
import os
import shutil
import signal
import termios
import unittest

from lab import BUILD, LabCase
from terminal import CTRL_C, CTRL_D, CTRL_Z, Terminal

MPIEXEC = BUILD / "bin" / "mpiexec"


class AtTerminal(LabCase):
    def setUp(self):
        super().setUp()
        self.env["PVMX_MPIEXEC_GRACE"] = "1h"  # nobody is made to end because the machine is slow

    def shell(self):
        t = Terminal(self, "bash", "--norc", "--noprofile", "--noediting", "-i")
        t.expect(r"\$ ")
        return t

    def alone(self, *args):
        return Terminal(self, MPIEXEC, *args)

    def sleepers(self):
        return [p for p in self.processes() if self.cmdline(p).startswith("sleep 600")]

    def state(self, pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0]

    def leave(self, t, status=0):
        t.line(f"exit {status}")
        self.assertEqual(t.finish(), status)

    def test_what_is_typed_reaches_rank_0(self):
        t = self.alone("-n", "3", "cat")
        for word in ("first", "second"):
            t.line(word)
            t.expect(word)  # the terminal's echo
            t.expect(word)
        t.send(CTRL_D)
        self.assertEqual(t.finish(), 0)

    def test_typing_ahead_stays_for_the_shell(self):
        t = self.shell()
        t.line(f"{MPIEXEC} -n 2 sh -c 'echo rea''dy; while [ ! -e go ]; do sleep 0.01; done'")
        t.expect("ready")
        t.expect("ready")
        t.line("echo typed $((40 + 2))")  # nobody in the job reads
        t.expect("typed")
        (self.tmp / "go").touch()
        t.expect("typed 42")
        self.leave(t)

    def test_only_lines_that_are_read_are_taken(self):
        t = self.shell()
        t.line(f"{MPIEXEC} -n 2 sh -c '[ $PVMX_RANK = 1 ] && exit; echo rea''dy; head -1 >got; "
               "while [ ! -e go ]; do sleep 0.01; done'")
        t.expect("ready")
        t.line("for the job")
        self.wait_until(lambda: (self.tmp / "got").exists() and
                        (self.tmp / "got").read_text() == "for the job\n", "the job has its line")
        self.assertEqual(t.status, None)
        t.line("echo shell $((40 + 3))")
        (self.tmp / "go").touch()
        t.expect("shell 43")
        self.leave(t)

    def test_whoever_reads_is_found(self):
        """Children of rank 0, those that wait in poll, and those that do not wait at all."""
        for script in ("sh -c 'cat; true'", "bash -c 'read x; echo $x'",
                       "python3 -c 'import select, sys; select.select([0], [], []); "
                       "print(sys.stdin.readline())'",
                       "python3 -c 'import os, time\nos.set_blocking(0, False)\nb = None\n"
                       "while not b:\n try: b = os.read(0, 99)\n except BlockingIOError: time.sleep(0.01)\n"
                       "print(b.decode())'"):
            with self.subTest(script=script):
                t = self.alone("-n", "2", "sh", "-c", f"[ $PVMX_RANK = 1 ] || {script}")
                t.line("hello")
                t.expect("hello")
                t.expect("hello")
                t.send(CTRL_D)
                self.assertEqual(t.finish(), 0)

    def test_told_who_reads_it_takes_lines_at_once(self):
        t = self.alone("-stdin", "0", "sh", "-c", "while [ ! -e go ]; do sleep 0.01; done; timeout 60 "
                       "python3 -c 'import fcntl, termios, array; b = array.array(\"i\", [0]); "
                       "fcntl.ioctl(0, termios.FIONREAD, b); print(\"there are\", b[0])'")
        t.line("123")
        t.expect("123")
        self.wait_until(lambda: 4 in [self.waiting_bytes(p) for p in self.processes() if
                                      self.cmdline(p).startswith("sh -c while")], "the line is in the pipe")
        (self.tmp / "go").touch()
        t.expect("there are 4")
        self.assertEqual(t.finish(), 0)

    @staticmethod
    def waiting_bytes(pid):
        """In the pipe that a process has as its standard input; 0 too when it has just ended."""
        n = array.array("i", [0])
        try:
            fd = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return 0
        fcntl.ioctl(fd, termios.FIONREAD, n)
        os.close(fd)
        return n[0]

    def test_background_job_takes_nothing(self):
        t = self.shell()
        t.line(f"{MPIEXEC} -n 1 cat & echo on $((40 + 4))")
        t.expect("on 44")
        cat = os.path.realpath(shutil.which("cat"))
        self.wait_until(lambda: self.processes(cat), "it would read")
        t.line("echo still $((40 + 5))")
        t.expect("still 45")
        t.line("fg")
        t.expect("mpiexec")
        t.line("to cat")
        t.expect("to cat")
        t.expect("to cat")
        t.send(CTRL_D)
        t.expect(r"\$ ")
        self.leave(t)

    def test_ctrl_c_ends_the_job(self):
        t = self.shell()
        t.line(f"{MPIEXEC} -n 2 sh -c 'echo rea''dy; exec sleep 600'")
        t.expect("ready")
        t.expect("ready")
        t.send(CTRL_C)
        t.expect(r"\$ ")
        t.line("echo is $?")
        t.expect(f"is {128 + signal.SIGINT}")
        self.wait_until(lambda: not self.sleepers(), "the job has ended")
        self.leave(t)

    def test_ctrl_c_twice_ends_those_that_do_not_want_to(self):
        t = self.alone("-n", "2", "sh", "-c", "trap 'echo not yet' INT; echo ready; "
                       "while :; do sleep 0.05; done")
        for word in ("ready", "not yet"):
            t.expect(word)
            t.expect(word)
            t.send(CTRL_C)
        self.assertEqual(t.finish(), 128 + signal.SIGINT)

    def test_one_ctrl_c_is_enough_in_the_end(self):
        self.env.update(PVMX_MPIEXEC_GRACE="200ms", PVMX_DAEMON_GRACE="100ms")
        t = self.alone("-n", "2", "sh", "-c", "trap '' INT TERM; echo ready; while :; do sleep 0.05; done")
        t.expect("ready")
        t.expect("ready")
        t.send(CTRL_C)
        self.assertEqual(t.finish(), 128 + signal.SIGINT)

    def test_ctrl_z_stops_and_fg_continues(self):
        t = self.shell()
        t.line(f"{MPIEXEC} -n 2 sh -c 'echo rea''dy; exec sleep 600'")
        t.expect("ready")
        t.expect("ready")
        sleepers = self.wait_until(lambda: len(self.sleepers()) == 2 and self.sleepers(), "both run")
        t.send(CTRL_Z)
        t.expect(r"Stopped.*\n\$ ")
        self.wait_until(lambda: all(self.state(p) == "T" for p in sleepers), "all are stopped")
        t.line("fg")
        self.wait_until(lambda: all(self.state(p) == "S" for p in sleepers), "all go on")
        t.send(CTRL_C)
        t.expect(r"\$ ")
        self.wait_until(lambda: not self.sleepers(), "the job has ended")
        self.leave(t)

    def test_output_of_those_left_behind_there(self):
        t = self.alone("-n", "2", "sh", "-c", "(until [ -e go ]; do sleep 0.01; done; echo late) & echo ready")
        shell = os.path.realpath(shutil.which("sh"))
        t.expect("ready")
        t.expect("ready")
        self.wait_until(lambda: len(self.processes(shell)) == 2, "the processes have ended")
        (self.tmp / "go").touch()
        t.expect("late")
        t.expect("late")
        self.assertEqual(t.finish(), 0)

    def test_killing_the_process_group_ends_all(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(sig=sig):
                run = self.start(MPIEXEC, "-n", "3", "sleep", "600")
                self.wait_until(lambda: len(self.sleepers()) == 3, "the job runs")
                os.killpg(run.pid, sig)
                self.finish(run)
                self.wait_until(lambda: not self.sleepers(), "the job has ended")

    def test_a_closed_terminal_ends_the_job(self):
        t = self.alone("-n", "2", "sleep", "600")
        self.wait_until(lambda: len(self.sleepers()) == 2, "the job runs")
        t.hang_up()
        self.wait_until(lambda: not self.sleepers(), "the job has ended")
        self.assertEqual(t.finish(), 128 + signal.SIGHUP)

    def test_reader_that_goes_away(self):
        done = self.run_program("sh", "-c", f"{MPIEXEC} -n 2 -l yes | head -3")
        self.assertEqual(len(done[1].splitlines()), 3)
        self.wait_until(lambda: not self.processes(), "nothing writes on")


if __name__ == "__main__":
    unittest.main()
