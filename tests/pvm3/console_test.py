# SPDX-License-Identifier: BSD-3-Clause
"""PVM's console: sessions as PVM shows them, compared byte for byte but for tids and pids."""

import array
import ctypes
import fcntl
import itertools
import json
import os
import pathlib
import re
import signal
import sys
import termios
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hosts"))

import hostlab  # noqa: E402
from lab import BUILD  # noqa: E402

PVM = BUILD / "bin" / "pvm"
PVMD3 = BUILD / "bin" / "pvmd3"
PVMX = BUILD / "bin" / "pvmx"
GREETER = BUILD / "tests" / "bin" / "pvm_greeter"
SESSIONS = pathlib.Path(__file__).with_name("console_sessions.txt")
PROMPT = "pvm> "
LEAVING = "\nConsole: exit handler called\npvmd still running.\n"
PLACES = {"alpha": r"4[0-9a-f]{4}", "beta": r"8[0-9a-f]{4}", "gamma": r"c[0-9a-f]{4}",
          "tid": r"(?:[48c]|10)[0-9a-f]{4}", "local": r"[0-9a-f]{4}", "number": r"\d+",
          "pid": r"(?=.{6} )[ \d]{5}\d", "name": "(?:alpha|beta|gamma)"}


def pattern(text, tasks=()):
    """A line of a session as a regular expression; tasks: names of tasks and their tids."""
    known = dict(tasks)
    parts = re.split(r"\{(\w+)\}", text)
    for i in range(1, len(parts), 2):
        parts[i] = known.get(parts[i]) or PLACES[parts[i]]
    return re.compile("".join(p if i % 2 else re.escape(p) for i, p in enumerate(parts)))


class Step:
    """A line that is typed, what answers it, and what comes by itself then."""

    def __init__(self, line):
        self.line, self.answer, self.later, self.enrolled = line, [], [], 0


def read_session(name):
    text = SESSIONS.read_text().split(f"==== {name}\n", 1)[1].split("\n==== ")[0]
    steps = []
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("> ") or line == ">":
            steps.append(Step(line[2:]))
        elif line.startswith("~ "):
            steps[-1].later.append(line[2:])
        elif line.startswith("* "):
            steps[-1].enrolled = int(line[2:])
        else:
            steps[-1].answer.append(line)
    return steps


class ConsoleCase(hostlab.HostCase):
    def setUp(self):
        super().setUp()
        programs = self.tmp / "programs"
        programs.mkdir()
        for name in ("hello.pvm", "hello_other", "ring", "speaker", "slave1"):
            (programs / name).symlink_to(GREETER)
        self.env.update(HOME=str(self.tmp), PVM_TMP=str(self.tmp), PVM_PATH=str(programs))
        self.env.pop("PVM_EXPORT", None)
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "30s"  # none is lost on a busy machine
        self.console = None

    def open(self, *args, hosts=("beta", "gamma"), greeting="", prefix=()):
        """A console at a pipe, on host alpha, and the hosts."""
        self.console = self.start(*prefix, PVM, "-nalpha", *args, stdin=hostlab.subprocess.PIPE, text=False)
        self.shown = ""
        for pipe in (self.console.stdout, self.console.stderr):
            self.addCleanup(pipe.close)
            fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_NONBLOCK)
        self.see(greeting + PROMPT)
        if hosts:
            self.type("add " + " ".join(hosts))
            self.see("\n".join([f"{len(hosts)} successful", f"{'HOST':>24} {'DTID':>8}"] +
                               [f"{h:>24} {(k + 2) << 18:8x}" for k, h in enumerate(hosts)] + [PROMPT]))

    def read(self):
        data = self.console.stdout.read()
        self.shown += (data or b"").decode()
        return data != b""

    def type(self, line):
        """The line appears as it was typed, behind what was seen."""
        self.console.stdin.write(line.encode() + b"\n")
        self.console.stdin.flush()
        self.see(line + "\n")

    def see(self, text):
        self.lines_until(lambda: len(self.shown) >= len(text), text)
        self.assertEqual(self.shown[:len(text)], text)
        self.shown = self.shown[len(text):]

    def lines_until(self, condition, what):
        def look():
            alive = self.read()
            if not condition() and not alive:
                self.fail(f"the console has gone; wanted {what!r}, shown {self.shown!r}{self.errors()}")
            return condition()
        try:
            self.wait_until(look, repr(what), 60)
        except AssertionError as e:
            self.fail(f"{e}\nshown: {self.shown!r}\n{self.errors()}")

    def errors(self):
        return (self.console.stderr.read() or b"").decode()

    def take_lines(self, n):
        self.lines_until(lambda: self.shown.count("\n") >= n, f"{n} lines")
        lines = self.shown.split("\n")[:n]
        self.shown = self.shown[sum(len(x) + 1 for x in lines):]
        return lines

    def leave(self, errors=""):
        self.type("quit")
        self.see(LEAVING)
        self.console.stdin.close()
        self.assertEqual(self.console.wait(60), 0)
        self.assertEqual(self.errors(), errors)

    # ---- sessions

    def check_answer(self, step):
        actual = self.take_lines(len(step.answer))
        expected = list(step.answer)
        self.assertEqual(len(actual), len(expected))
        for want, have in zip(expected, actual):
            self.assertTrue(pattern(want).fullmatch(have), f"{step.line!r}: {have!r} is not {want!r}\n{actual}")
        self.see(PROMPT)

    def check_later(self, step):
        """Lines of each task in order, the job's last line last."""
        actual = self.take_lines(len(step.later))
        self.assertEqual(actual[-1], step.later[-1])
        tids = list(dict.fromkeys(re.match(r"\[\d+:t([0-9a-f]+)\]", line)[1] for line in actual[:-1]))
        names = list(dict.fromkeys(re.match(r"\[\d+:\{(\w)\}\]", line)[1] for line in step.later[:-1]))
        self.assertEqual(len(tids), len(names), actual)
        for order in itertools.permutations(tids):
            named = dict(zip(names, order))
            if all(self.fits(named, name, step.later[:-1], actual[:-1]) for name in names):
                return named
        self.fail(f"{step.line!r}: {actual} is not {step.later}")

    @staticmethod
    def fits(named, name, expected, actual):
        mark = "{" + name + "}]"
        want = [re.sub(r":\{(\w)\}\]", r":t{\1}]", x) for x in expected if mark in x.split(" ")[0]]
        have = [x for x in actual if f":t{named[name]}]" in x.split(" ")[0]]
        return len(want) == len(have) and all(
            pattern(w, named.items()).fullmatch(h) for w, h in zip(want, have))

    def session(self, name):
        self.open()
        for step in read_session(name):
            self.type(step.line)
            self.check_answer(step)
            if step.later:
                self.check_later(step)
            if step.enrolled:
                self.wait_until(lambda n=step.enrolled: len(list(self.tmp.glob("enrolled.*"))) == n, "tasks enrol")
        self.leave()


class Console(ConsoleCase):
    def test_information(self):
        self.session("information")

    def test_spawn(self):
        self.session("spawn")

    def test_mailbox(self):
        self.session("mailbox")

    def test_options(self):
        self.session("options")

    def test_words(self):
        self.session("words")

    def test_hosts(self):
        self.session("hosts")

    def test_jobs(self):
        self.session("jobs")
        lines = (self.tmp / "out1").read_text().splitlines()
        self.assertEqual(sorted(re.sub(r":t[0-9a-f]+", ":T", x) for x in lines),
                         ["[2:T] EOF", "[2:T] EOF", "[2:T] one", "[2:T] one", "[3:T] EOF", "[3:T] two"])
        self.assertEqual(re.sub(r":t[0-9a-f]+", ":T", lines[-1]), "[3:T] EOF")

    def test_trace(self):
        """What happens to tasks, in the format of PVM's tracers."""
        self.open(hosts=())
        self.type("spawn -@ -> hello.pvm")
        self.lines_until(lambda: "[1] finished\n" in self.shown, "the job has ended")
        out, self.shown = self.shown, ""
        for wanted in (r"^\[T1:t40001\]  \*/ ;;$", r'^\[T1:t40000\] #1802: "host_add\(0\)"$',
                       r'^\[T1:t40000\] "host_add\(0\)" \{ \d+, \d+, 262144, \[6\] \{ "alpha" \}, '
                       r'\[6\] \{ "alpha" \}, \[8\] \{ "LINUX64" \}, 1000 \};;$',
                       r"^pvm> \[1\] libpvmtrc: Task TID=0x40002 Connected to Console$",
                       r'^\[T1:t80040000\] "newtask\(0\)" \{ \d+, \d+, 262146, -35, \d, \[10\] \{ "hello.pvm" \} \};;$',
                       r'^\[T1:t80040000\] "newtask\(0\)" \{ \d+, \d+, 262147, ',
                       r'^\[T1:t40002\] "output\(0\)" \{ \d+, \d+, 262146, \[11\] \{ "i\'m t40002" \} \};;$',
                       r'^\[T1:t40003\] "output\(0\)" \{ \d+, \d+, 262147, \[7\] \{ "GOTEOF" \} \};;$',
                       r"^\[1:t40002\] from t40003: hello, world from alpha$", r"^\[1:t40003\] EOF$",
                       r'^\[T1:t40002\] #1090: "recv\(0\.0\)"$', r'^\[T1:t40002\] #2091: "recv\(1\.1\)"$',
                       r'^\[T1:t40002\] \t// "RST" "Receive Msg Source Task / Wildcard"$',
                       r'^\[T1:t40002\] "recv\(0\.0\)" \{ \d+, \d+, 262146, -1, 1, 0 \};;$',
                       r'^\[T1:t40002\] "recv\(1\.1\)" \{ \d+, \d+, 262146, \d+, \d+, 1, 0, 262147 \};;$',
                       r'^\[T1:t40002\] \tint "STL"\[\];$',
                       r'^\[T1:t40002\] "spawn\(1\.1\)" \{ \d+, \d+, 262146, 1, \[1\] \{ 262147 \} \};;$',
                       r'^\[T1:t40003\] "parent\(1\.1\)" \{ \d+, \d+, 262147, 262146 \};;$',
                       r'^\[T1:t40003\] "send\(0\.0\)" \{ \d+, \d+, 262147, \d+, 262146, 1, 0 \};;$',
                       r'^\[T1:t40003\] "send\(1\.1\)" \{ \d+, \d+, 262147, 0 \};;$',
                       r'^\[T1:t40003\] "exit\(0\.0\)" \{ \d+, \d+, 262147 \};;$',
                       r"^\[1\] libpvmtrc: Trace File Complete$"):
            self.assertRegex(out, re.compile(wanted, re.M))
        self.assertNotIn("initsend", out)  # not among what is traced at first
        self.type("trace - recv")
        self.see(PROMPT)
        self.type("trace + initsend")
        self.see(PROMPT)
        self.type("trace buf 1000")
        self.see(PROMPT)
        self.type("spawn -@trace hello.pvm")
        self.lines_until(lambda: "[2] finished\n" in self.shown, "the job has ended")
        self.assertNotIn("i'm", self.shown)
        trace = (self.tmp / "trace").read_text()
        self.assertRegex(trace, r'\A/\*\n \* "Creation Date" "')
        self.assertIn('{ "i\'m t40004" } };;\n', trace)
        self.assertIn('"send(1.1)" {', trace)
        self.assertIn('"initsend(0.0)" {', trace)
        self.assertNotIn('"recv(', trace)
        self.shown = ""
        self.leave()

    def test_errors_name_the_call(self):
        self.open(hosts=())
        self.type("spawn -0 hello.pvm")
        self.see(PROMPT)
        self.type("kill 0")
        self.see(PROMPT)
        self.type("kill 40001")
        self.see("t40001: that's me.\n" + PROMPT)
        self.leave("libpvm [t40001]: pvm_spawn(): Bad parameter\nlibpvm [t40001]: pvm_sendsig(): Bad parameter\n"
                   .replace("pvm_sendsig", "pvm_kill"))

    def test_help_names_every_command(self):
        self.open(hosts=())
        self.type("help")
        self.lines_until(lambda: self.shown.endswith(PROMPT), "help")
        names = re.findall(r"^  (\w+) +\S", self.shown, re.M)
        self.assertEqual(names, "add alias conf delete echo export getopt halt help id jobs kill mstat names ps "
                         "pstat put quit reset setenv setopt sig spawn trace unalias unexport version".split())
        self.shown = ""
        for name in names + ["tickle", "idump"]:
            self.type(f"help {name}")
            self.lines_until(lambda: self.shown.endswith(PROMPT), name)
            self.assertRegex(self.shown, rf"\A{name} +\S.*\nSyntax:  {name}\b")
            self.shown = ""

    def test_profile(self):
        (self.tmp / ".pvmrc").write_text("# mine\nalias ? help\nsetenv MINE 1\necho new shell\nid\n")
        self.open(hosts=(), greeting="# mine\nalias ? help\nsetenv MINE 1\necho new shell\nnew shell\nid\nt40001\n")
        self.type("setenv MINE")
        self.see("1\n" + PROMPT)
        self.leave()
        (self.tmp / ".pvmrc").unlink()
        self.open(hosts=(), greeting="pvmd already running.\n")
        self.leave()

    def test_end_of_input(self):
        self.open(hosts=())
        self.console.stdin.close()
        self.see("quit\n" + LEAVING)
        self.assertEqual(self.console.wait(60), 0)

    def test_script(self):
        """All lines are there from the start, the last without its end."""
        source = self.tmp / "script"
        source.write_text("id\nspawn -> /bin/echo x\nversion")
        with open(source, encoding="utf-8") as f:
            out = self.check_program(PVM, stdin=f)
        self.assertRegex(out, r"\Apvm> id\nt40001\npvm> spawn -> /bin/echo x\n\[1\]\n1 successful\nt40002\npvm> "
                         r"(\[1:t40002\] .*\n|\[1\] finished\n)*version\n3\.4\.6\npvm> "
                         r"(\[1:t40002\] .*\n|\[1\] finished\n)*quit\n" + re.escape(LEAVING) + r"\Z")

    def test_halt(self):
        """The console ends by SIGTERM, and nothing is left when it has."""
        self.open()
        self.type("spawn -3 -> slave1")
        self.type_and_wait_for_tasks(3)
        self.type("halt")
        self.assertEqual(self.console.wait(60), -signal.SIGTERM)
        self.wait_until(lambda: not self.processes(), "all is gone", 30)

    def type_and_wait_for_tasks(self, n):
        self.take_lines(n + 2)
        self.see(PROMPT)
        self.wait_until(lambda: len(list(self.tmp.glob("enrolled.*"))) == n, "tasks enrol")

    def test_quit_leaves_jobs_alone(self):
        """Tasks whose output was shown go on when nobody shows it any more, also with much of it."""
        go, done = self.tmp / "go", self.tmp / "done"
        self.open()
        self.type(f"spawn -2 -> /bin/sh -c 'until [ -e {go} ]; do sleep .05; done; seq 100000; echo x >> {done}'")
        self.take_lines(4)
        self.see(PROMPT)
        self.leave()
        go.touch()
        self.wait_until(lambda: done.exists() and done.read_text() == "x\nx\n", "both have ended")
        self.wait_until(lambda: not self.processes(PVM), "nothing of the console is left")

    def test_many_lines(self):
        """More output than buffers hold, of several tasks, complete and in order."""
        self.open(hosts=("beta",))
        self.type("spawn -3 -> /bin/sh -c 'seq 20000'")
        self.lines_until(lambda: "[1] finished\n" in self.shown, "the job has ended")
        lines = self.shown.replace(PROMPT, "").split("\n")
        tids = [x[1:] for x in lines[2:5]]
        for tid in tids:
            said = [x.split("] ")[1] for x in lines if x.startswith(f"[1:t{tid}] ")]
            self.assertEqual(said, [str(i) for i in range(1, 20001)] + ["EOF"])
        self.assertEqual(self.shown.count("\n"), 2 + 3 + 3 * 20001 + 1)
        self.shown = ""
        self.leave()

    def queued(self):
        """Bytes that the console has yet to take from its sockets."""
        most, console = 0, os.pidfd_open(self.console.pid)
        for fd in os.listdir(f"/proc/{self.console.pid}/fd"):
            if os.readlink(f"/proc/{self.console.pid}/fd/{fd}").startswith("socket:"):
                ours = ctypes.CDLL(None).syscall(438, console, int(fd), 0)  # pidfd_getfd
                n = array.array("i", [0])
                fcntl.ioctl(ours, termios.FIONREAD, n)
                os.close(ours)
                most = max(most, n[0])
        os.close(console)
        return most

    def test_late_reader(self):
        """A task of another host has ended before what it wrote was read: its end is shown last all the same."""
        done = self.tmp / "done"
        self.open(hosts=("beta",))
        self.type(f"spawn -beta -> /bin/sh -c 'until [ -e {self.tmp}/go ]; do sleep .05; done; seq 55000; touch {done}'")
        self.take_lines(3)
        self.see(PROMPT)
        wchan = pathlib.Path(f"/proc/{self.console.pid}/wchan")
        self.wait_until(lambda: "poll" in wchan.read_text(), "it has asked the daemon for all it wants")
        os.kill(self.console.pid, signal.SIGSTOP)
        (self.tmp / "go").touch()
        self.wait_until(done.exists, "it has written all")
        self.wait_until(lambda: self.queued() > 100000, "its socket is full")
        self.wait_until(lambda: all(h["tasks"] <= (h["host"] == "alpha") for h in json.loads(
            self.check_program(BUILD / "bin" / "pvmx", "--json", "hosts"))), "its end is known")
        daemons = self.processes(BUILD / "bin" / "pvmxd")
        for pid in daemons:  # what they have yet to write does not come
            os.kill(pid, signal.SIGSTOP)
        os.kill(self.console.pid, signal.SIGCONT)
        self.lines_until(lambda: self.shown.count("\n") > 10000, "what the socket holds")
        for pid in daemons:
            os.kill(pid, signal.SIGCONT)
        self.lines_until(lambda: "[1] finished\n" in self.shown, "the job has ended")
        said = [x.split("] ")[1] for x in self.shown.replace(PROMPT, "").split("\n") if x.startswith("[1:t")]
        self.assertEqual(said, [str(i) for i in range(1, 55001)] + ["EOF"])
        self.shown = ""
        self.leave()

    def test_many_jobs(self):
        """Jobs that have ended hold nothing."""
        self.open(hosts=(), prefix=("sh", "-c", 'ulimit -n 40; exec "$@"', "sh"))
        for job in range(1, 61):
            self.type("spawn -> /bin/echo x")
            lines = self.take_lines(3)
            tid = f"t{0x40001 + job:x}"
            self.assertEqual(lines, [f"[{job}]", "1 successful", tid])
            self.see(f"{PROMPT}[{job}:{tid}] x\n[{job}:{tid}] EOF\n[{job}] finished\n")
        self.type("jobs")
        self.see(PROMPT)
        self.leave()

    def test_unread_output_goes_to_the_log(self):
        self.open(hosts=())
        self.type("spawn /bin/sh -c 'echo said; echo wrong >&2'")
        self.take_lines(2)
        log = self.tmp / f"pvml.{os.getuid()}"
        self.wait_until(lambda: log.exists() and log.read_text() == "said\nwrong\n", "it is in the log")
        self.see(PROMPT)
        self.leave()


class Start(ConsoleCase):
    """How the machine is started: host files, names, pvmd3, pvmx --pvm3."""

    def host_file(self):
        path = self.tmp / "hosts"
        path.write_text("# my hosts\nalpha\nbeta sp=700 # slow\n* sp=300\ngamma\n\n& delta sp=42\n")
        return path

    CONF = ("3 hosts, 1 data format\n"
            "                    HOST     DTID     ARCH   SPEED       DSIG\n"
            "                   alpha    40000  LINUX64    1000 0x00408c41\n"
            "                    beta    {}0000  LINUX64     700 0x00408c41\n"
            "                   gamma    {}0000  LINUX64     300 0x00408c41\n")

    def check_conf(self):
        self.type("conf")
        self.see(self.CONF.format("8", "c") + PROMPT)

    def test_host_file(self):
        self.open(self.host_file(), hosts=())
        self.check_conf()
        self.type("add delta epsilon")  # one that the file has kept, and the last defaults
        self.see("2 successful\n                    HOST     DTID\n"
                 "                   delta   100000\n                 epsilon   140000\n" + PROMPT)
        self.type("conf")
        shown = "\n".join(self.take_lines(7))
        self.assertRegex(shown, r" delta   100000  LINUX64      42 .*\n +epsilon   140000  LINUX64     300 ")
        self.see(PROMPT)
        self.leave()

    def test_host_file_variable(self):
        self.env["PVMHOSTFILE"] = str(self.host_file())
        self.open(hosts=())
        self.check_conf()
        self.leave()

    def test_host_file_errors(self):
        """What makes no sense is left out, and told of."""
        path = self.tmp / "bad"
        path.write_text("beta nonsense=1\n* sp=70\n* sp=0\ngamma\ndelta dx=/nosuch/daemon\n")
        self.open(path, hosts=())
        self.type("conf")
        self.assertRegex("".join(self.take_lines(4)), "2 hosts.*alpha.*gamma.* 70 ")
        self.see(PROMPT)
        self.type("quit")
        self.see(LEAVING)
        said = self.errors()
        for words in (f"{path}, line 1: .*nonsense", f"{path}, line 3: .*sp", "host delta"):
            self.assertRegex(said, words)

    def test_host_file_missing(self):
        for program in (PVM, PVMD3):
            with open(os.devnull, encoding="utf-8") as nothing:
                status, _, err = self.run_program(program, "/nosuch/file", stdin=nothing)
            self.assertEqual(status, 0, err)
            self.assertIn("/nosuch/file: No such file or directory", err)
            self.check_program(PVMX, "halt")

    def test_host_file_and_variables(self):
        """PVM_RSH and PVM_DPATH hold for the hosts of the file too."""
        rsh = self.tmp / "rsh"
        rsh.write_text('#!/bin/sh\necho "$*" >>"$0.said"\nshift 3\nexec "$@"\n')
        rsh.chmod(0o755)
        own = self.tmp / "beta"
        own.write_text(f'#!/bin/sh\nexport XDG_RUNTIME_DIR={own}.d\nmkdir -m 700 {own}.d\nexec {hostlab.PVMXD} "$@"\n')
        own.chmod(0o755)
        (self.tmp / "hosts").write_text("beta lo=me\n")
        self.env.update(PVM_RSH=str(rsh), PVM_DPATH=str(own))
        self.env.pop("PVMX_LAUNCHER")
        self.open(self.tmp / "hosts", hosts=())
        self.type("conf")
        self.assertRegex("".join(self.take_lines(4)), "2 hosts.*alpha.*beta")
        self.see(PROMPT)
        self.leave()
        self.assertEqual((self.tmp / "rsh.said").read_text(), f"beta -l me {own} --join\n")

    def test_pvmd3(self):
        self.assertEqual(self.check_program(PVMD3, "-nalpha", self.host_file()), "")
        self.assertEqual(self.run_program(PVMD3), (1, "", "pvmd3: a daemon runs already\n"))
        self.open(hosts=(), greeting="pvmd already running.\n")
        self.check_conf()
        self.leave()

    def test_options(self):
        for program in (PVM, PVMD3):
            status, out, err = self.run_program(program, "-s")
            self.assertEqual((status, out), (2, ""))
            self.assertIn("-s: daemons of other hosts are started by the first one", err)
            status, out, err = self.run_program(program, "--help")
            self.assertEqual((status, out), (2, ""))
            self.assertIn("usage:", err)
        self.env["PVMX_DAEMON"] = "/nosuch/pvmxd"
        status, out, err = self.run_program(PVM)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("/nosuch/pvmxd", err)

    def test_by_pvmx(self):
        source = self.tmp / "script"
        source.write_text("conf\n")
        with open(source, encoding="utf-8") as f:
            out = self.check_program(PVMX, "--vm", "other", "--pvm3", "-nalpha", stdin=f)
        self.assertRegex(out, r"\Apvm> conf\n1 host, 1 data format\n.*\n +alpha ")
        self.check_program(PVMX, "--vm", "other", "halt")

    def test_vmid(self):
        """PVM_VMID is the name of the machine."""
        del self.env["PVMX_VM"]
        self.env["PVM_VMID"] = "mine"
        self.open(hosts=())
        self.leave()
        self.check_program(PVMX, "--vm", "mine", "halt")
        self.env["PVMX_VM"] = self.vm


if __name__ == "__main__":
    unittest.main()
