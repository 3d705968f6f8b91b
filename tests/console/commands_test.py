# SPDX-License-Identifier: BSD-3-Clause
"""Commands of the console, one at a time and in scripts."""

import json
import os
import pathlib
import re
import signal
import subprocess
import unittest

from consolelab import PVMX, Console
from lab import BUILD, LabCase

# Publishes a name for a port and stays until it is killed.
SERVER = """
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Comm client;
    MPI_Init(NULL, NULL);
    MPI_Open_port(MPI_INFO_NULL, port);
    MPI_Publish_name("the größte server", MPI_INFO_NULL, port);
    puts(port);
    fflush(stdout);
    MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &client);
    return 1;
}
"""

# Leaves a box that outlives it.
BOX = """
#include <pvm3.h>
int main(void)
{
    pvm_mytid();
    pvm_initsend(PvmDataDefault);
    pvm_putinfo("kept here", pvm_getsbuf(), PvmMboxPersistent);
    return pvm_exit();
}
"""

# Ctrl-C is pressed right before a line is read.
PRESSES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
ssize_t getline(char **line, size_t *size, FILE *f)
{
    raise(SIGINT);
    return getdelim(line, size, '\\n', f);
}
ssize_t __getdelim(char **line, size_t *size, int end, FILE *f) /* what getline may be compiled to */
{
    ssize_t (*next)(char **, size_t *, int, FILE *);
    *(void **)&next = dlsym(RTLD_NEXT, "__getdelim");
    raise(SIGINT);
    return next(line, size, end, f);
}
"""


class Commands(Console, LabCase):
    def setUp(self):
        super().setUp()
        self.env["PVMX_DAEMON_GRACE"] = "20s"  # who is slow to end is not killed instead
        self.addCleanup(self.run_program, PVMX, "halt")

    def test_nothing_runs(self):
        for command in ("ps", "conf", "hosts", "jobs", "id", "names", "ports", "events", "settings",
                        "halt", "reset", "mstat x", "pstat t40001"):
            self.fails('no virtual machine "default" is running', *command.split())
        self.assertEqual(self.processes(), [], "and nothing was started")
        self.ok("version")
        self.ok("help")

    def test_hosts_come_and_go(self):
        self.env["PVMX_LAUNCHER"] = "fork"
        added = self.json("add", "-s", "500", "east:3", "west:4")
        self.assertEqual([(h["host"], h["result"]) for h in added],
                         [("east", "PVMX_OK"), ("west", "PVMX_OK")])
        slots = {h["host"]: h["slots"] for h in self.json("hosts")}
        self.assertEqual((slots["east"], slots["west"]), (3, 4))
        tids, _ = self.spawn("-5", "-west", "sleep", "100")
        index = {h["host"]: h["index"] for h in added}["west"]
        self.assertEqual({int(t[1:], 16) >> 18 for t in tids}, {index})
        self.wait_until(lambda: {h["host"]: h["tasks"] for h in self.json("hosts")}["west"] == 5,
                        "they run on west")
        self.assertIn("PVMX_OK", self.ok("delete", "west"))
        self.wait_until(lambda: not any("sleep" in self.cmdline(p) for p in self.processes()),
                        "its tasks have ended")
        status, out, err = self.pvmx("delete", "east", "nowhere")
        self.assertEqual(status, 1)
        self.assertRegex(out, r"east +\d+ +PVMX_OK")
        self.assertIn("there is no host nowhere", out)
        self.assertIn("1 of 2 hosts failed", err)
        self.assertEqual(len(self.json("hosts")), 1)
        self.fails("no number of slots", "add", "north:many", status=2)
        self.fails("no speed", "add", "-s", "fast", "north", status=2)

    def test_starts_and_halts(self):
        self.ok(stdin=subprocess.DEVNULL)
        daemon = int(self.json("id")[0]["pid"])
        self.assertIn(daemon, self.processes())
        self.wait_until(lambda: self.processes() == [daemon], "the daemon stays")
        self.ok("spawn", "sleep", "600")
        self.ok("halt")
        self.wait_until(lambda: not self.processes(), "all is gone")

    def test_two_machines(self):
        self.ok("--vm", "other", "spawn", "sleep", "600")
        self.fails('"default" is running', "ps")
        self.assertEqual(len(json.loads(self.ok("--vm=other", "--json", "ps"))), 1)
        self.assertEqual(json.loads(self.ok("--vm", "other", "id", "--json"))[0]["vm"], "other")
        self.ok("--vm", "other", "halt")
        self.fails("..", "--vm", "../x", "ps")

    def test_json_is_as_documented(self):
        self.spawn("-2", "sleep", "600")
        kinds = {"string": (str, type(None)), "number": (int, float)}
        for command in ("conf", "hosts", "id", "ps", "jobs", "names", "ports", "settings", "doctor"):
            with self.subTest(command=command):
                documented = dict(re.findall(r"^    (\w+) +(string|number) ",
                                             self.ok("help", command), re.M))
                entries = self.json(command) if command != "doctor" else json.loads(
                    self.pvmx("--json", "doctor")[1])
                self.assertTrue(entries or command in ("names", "ports"))
                for entry in entries:
                    self.assertEqual(list(entry), list(documented))
                    for key, value in entry.items():
                        self.assertIsInstance(value, kinds[documented[key]], key)

    def tasks_if_any(self):
        """While mpiexec starts there may be no virtual machine, also after there was one that has waited too long."""
        status, out, _ = self.pvmx("--json", "ps")
        return json.loads(out) if status == 0 else []

    def test_ps_shows_what_runs(self):
        cpus = sorted(os.sched_getaffinity(0))
        run = self.start(BUILD / "bin" / "mpiexec", "-bind-to", "hwthread", "-n", "1", "sh", "-c",
                         "while :; do :; done")
        self.wait_until(lambda: (tasks := self.tasks_if_any()) and tasks[0]["cpu_ms"] > 100, "it has used processor time")
        task = self.json("ps")[0]
        self.assertEqual((task["program"], task["rank"], task["parent"], task["state"]),
                         ("sh", 0, None, "started"))
        self.assertEqual(task["cpus"], str(cpus[0]))
        self.assertIn(task["pid"], self.processes())
        self.assertGreater(task["memory_kb"], 100)
        self.assertEqual(self.json("hosts")[0]["tasks"], 1)
        self.assertRegex(self.ok("ps"), rf"TID +PARENT.*\n{task['tid']} +- +")
        run.send_signal(signal.SIGTERM)
        self.finish(run)

    def test_ps_sorts_and_chooses(self):
        (one,), job = self.spawn("sh", "-c", "while :; do :; done")
        (two,), _ = self.spawn("sleep", "600")
        tids = lambda *args: [t["tid"] for t in self.json("ps", *args)]
        # What runs is "sh -c ..." or "sleep": the listing shows it with its arguments, as soon as it has them.
        self.wait_until(lambda: self.json("ps")[1]["command"] == "sleep 600", "it runs")
        self.assertEqual(tids(), [one, two])
        self.assertEqual(tids(two), [two])
        self.assertEqual(tids(f"job:{job}"), [one])
        self.assertEqual(tids("name:^sl"), [two])
        self.assertEqual(tids(f"host:{self.json('id')[0]['host']}"), [one, two])
        self.wait_until(lambda: tids("-s", "cpu") == [one, two] and
                        self.json("ps", one)[0]["cpu_ms"] > 50, "the busy one comes first")
        self.fails("-s height", "ps", "-s", "height", status=2)
        self.fails("no task of job 77 is running", "ps", "job:77")
        self.fails("names no task", "ps", "frog!")
        self.fails("regular expression", "ps", "name:(")

    def test_jobs_and_wait(self):
        tids, job = self.spawn("-3", "sh", "-c", "while [ ! -e go ]; do sleep 0.01; done; exit $PVMX_RANK")
        entry, = self.json("jobs")
        self.assertEqual((entry["job"], entry["tasks"], entry["program"]), (job, 3, "sh"))
        run = self.start(PVMX, "wait", str(job), tids[0])
        (self.tmp / "go").touch()
        status, out, err = self.finish(run)
        self.assertEqual((status, err), (2, ""))
        self.assertEqual(len(out.splitlines()), 3)
        self.assertIn(f"{tids[2]} (sh) has exited with status 2\n", out)

    def test_wait_for_what_has_ended(self):
        tids, job = self.spawn("-2", "sh", "-c", "kill -9 $$")
        for what in (f"job:{job}", str(job), f"[{job}]"):
            status, out, err = self.pvmx("--json", "wait", what)
            self.assertEqual((status, err), (128 + 9, ""))
            ends = [json.loads(line) for line in out.splitlines()]
            self.assertEqual(sorted(e["tid"] for e in ends), tids)
            self.assertEqual({e["signal"] for e in ends}, {9})
        self.fails("no job 99", "wait", "99")

    def test_wait_for_what_runs_for_long(self):
        """The beginning of a job is not remembered for ever."""
        tids, job = self.spawn("-2", "sh", "-c", "while [ ! -e go ]; do sleep 0.01; done")
        for _ in range(6):
            self.ok("wait", str(self.spawn("-100", "true")[1]))
        self.assertNotIn(tids[0], self.ok("events"))
        run = self.start(PVMX, "wait", str(job))
        (self.tmp / "go").touch()
        status, out, err = self.finish(run)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(sorted(line.split()[0] for line in out.splitlines()), tids)

    def test_spawn_flags(self):
        host = self.json("spawn", "true") and self.json("id")[0]["host"]
        (self.tmp / "d").mkdir()

        def run(*args):
            out = self.ok("spawn", *args)
            self.ok("wait", re.search(r"\[(\d+)\]", out)[1])
            return out

        run(f"-{host}:{self.tmp}/d", "->out", "pwd")
        self.assertEqual((self.tmp / "out").read_text(), f"{self.tmp}/d\n")
        run("->>", "->out", "-2", "echo", "two words")
        self.assertEqual((self.tmp / "out").read_text(), "two words\n" * 2)
        run("->>out", "-n", "1", f"-{os.uname().machine}", "sh", "-c", "echo more >&2")
        self.assertEqual((self.tmp / "out").read_text(), "two words\n" * 2 + "more\n")
        self.assertRegex(run("-:/", "pwd"), r"^\[\d+\] 1 successful\nt[0-9a-f]+\n$", "no terminal")
        self.assertIn("/\n", run("-:/", "->", "pwd"), "asked for")
        self.assertEqual(self.json("jobs"), [])

    def test_spawn_errors(self):
        self.fails("nosuch", "spawn", "nosuch")
        self.fails("neither a host nor", "spawn", "-nohost", "true")
        self.fails("no/folder", "spawn", "->no/folder", "true")
        self.fails("from 1 to 1000000", "spawn", "-0", "true", status=2)
        self.fails("a program is missing", "spawn", "-3", status=2)
        self.fails("neither a host nor", "spawn", "--host=192.0.2.1", "true")
        self.fails("no option --hots", "spawn", "--hots=127.0.0.1", "true", status=2)
        self.fails("cannot write to no/file", "spawn", "-@no/file", "true")
        self.env["PVM_ROOT"] = "/nosuch"
        self.fails("/nosuch/lib/debugger", "spawn", "-?", "true")
        self.fails("do not go together", "--json", "spawn", "-@", "true", status=2)

    def test_kill_and_sig(self):
        tids, job = self.spawn("-3", "sh", "-c",
                               "trap 'echo usr >>got' USR1; touch up.$PVMX_RANK; while :; do sleep 0.02; done")
        self.wait_until(lambda: len(list(self.tmp.glob("up.*"))) == 3, "all have their traps")
        self.ok("sig", "USR1", tids[0])
        self.ok("sig", "SIGUSR1", tids[1])
        self.ok("sig", str(int(signal.SIGUSR1)), tids[2][1:])
        self.wait_until(lambda: (self.tmp / "got").exists() and
                        (self.tmp / "got").read_text() == "usr\n" * 3, "all have got it")
        self.fails("no signal", "sig", "FOO", tids[0], status=2)
        self.assertEqual(self.ok("kill", tids[0]), "")
        self.wait_until(lambda: len(self.json("ps")) == 2, "it has ended")
        self.assertEqual(self.ok("kill", f"job:{job}"), "2 tasks asked to end\n")
        self.assertEqual(self.pvmx("wait", str(job))[0], 128 + signal.SIGTERM)
        self.fails("", "kill", tids[0])

    def test_kill_of_a_rank_under_mpiexec(self):
        run = self.start(BUILD / "bin" / "mpiexec", "-n", "2", "sleep", "600")
        self.wait_until(lambda: len(self.tasks_if_any()) == 2, "both run")
        self.ok("kill", self.json("ps")[1]["tid"])
        status, _, err = self.finish(run)
        self.assertEqual(status, 128 + signal.SIGTERM)
        self.assertRegex(err, r"rank 1 .* was killed by signal 15")

    def test_reset(self):
        self.spawn("-2", "sleep", "600")
        self.spawn("sleep", "600")
        self.assertEqual(self.ok("reset"), "3 tasks ended\n")
        self.assertEqual(self.json("ps"), [], "all have ended")
        self.assertEqual(self.json("reset"), {"tasks": 0, "entries": 0})

    def test_names_and_ports(self):
        self.ok("spawn", "->port", self.compile("server", SERVER))
        self.wait_until(lambda: self.json("ports") and self.json("ports")[0]["accepting"] == 1,
                        "the server waits")
        port = (self.tmp / "port").read_text().strip()
        owner = self.json("ps")[0]["tid"]
        self.assertEqual(self.json("ports"), [{"port": port, "owner": owner, "accepting": 1,
                                               "connecting": 0}])
        self.assertEqual(self.json("names"), [{"name": "the größte server", "owner": owner, "port": port,
                                               "kind": "mpi", "index": 0, "flags": 0}])
        self.assertEqual(self.json("ps")[0]["state"], "enrolled")
        box = self.compile("box", BOX, "-lpvm3")
        self.check_program(box)
        mpi, *pvm = self.wait_until(lambda: len(names := self.json("names")) == 2 and names[1]["owner"] is None and names,
                                    "its owner has gone")
        self.assertEqual(pvm, [{"name": "kept here", "owner": None, "port": "", "kind": "pvm", "index": 0, "flags": 1}])
        self.assertEqual(self.json("names", "k*t*h"), pvm)
        self.assertEqual(self.json("names", "e*serv"), [mpi])
        self.assertEqual(self.json("names", "h*k"), [])
        # Columns are columns, whatever the bytes of a character.
        for env in ({"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C"}):
            table = self.ok("names", env=dict(self.env, **env)).splitlines()
            self.assertEqual(len({line.index(w) for line, w in zip(table, ("OWNER", owner, "-"))}), 1, table)
        self.ok("kill", owner)
        self.wait_until(lambda: self.json("names") == pvm and self.json("ports") == [], "they go with it")

    def events(self, *args):
        return [json.loads(line) for line in self.ok("--json", "events", *args).splitlines()]

    def test_events(self):
        (one,), job = self.spawn("sh", "-c", "exit 3")
        self.pvmx("wait", str(job))
        start, end = self.events()
        self.assertEqual((start["event"], start["tid"], start["job"]), ("started", one, job))
        self.assertEqual((end["event"], end["tid"], end["status"]), ("ended", one, 3))
        self.assertGreaterEqual(end["at_ms"], start["at_ms"])
        self.assertRegex(self.ok("events"), rf"{one} \(sh\) has exited with status 3, job {job}\n$")
        (self.tmp / "odd\n\x1b[31mname").symlink_to("/bin/true")  # terminals obey nobody else's texts
        (two,), job = self.spawn("./odd\n\x1b[31mname")
        self.assertEqual(self.ok("wait", str(job)), f"{two} (./odd??[31mname) has ended\n")
        self.assertIn(f"{two} (./odd??[31mname) has started on", self.ok("events"))
        for _ in range(6):
            _, job = self.spawn("-100", "true")
            self.ok("wait", str(job))
        self.assertEqual(len(self.events()), 1000, "older ones are forgotten")

    def test_events_follow(self):
        self.ok(stdin=subprocess.DEVNULL)
        run = self.start(PVMX, "events", "-f", "--json")
        (one,), job = self.spawn("true")
        for kind in ("started", "ended"):
            event = json.loads(run.stdout.readline())
            self.assertEqual((event["event"], event["tid"], event["job"]), (kind, one, job))
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(run), (130, "", ""))

    def test_settings(self):
        # What the daemon, which starts in the background, cannot make sense of is told here.
        self.env.update(PVMX_DAEMON_LINGER="soon", PVMX_DAEMON_OUTPUT_TASK="-3", PVMX_DAEMON_LOG=f"{self.tmp}/no/log")
        status, _, err = self.pvmx(stdin=subprocess.DEVNULL)
        self.assertEqual(status, 0)
        for text in (r'"soon" is not a time .* from 0ns to 24h \(PVMX_DAEMON_LINGER\); 2s is used',
                     r'"-3" is not a size .* \(PVMX_DAEMON_OUTPUT_TASK\); 64k is used',
                     rf"cannot append to {self.tmp}/no/log \(PVMX_DAEMON_LOG\): No such file"):
            self.assertRegex(err, text)
        self.assertEqual(len(err.splitlines()), 3)
        self.assertEqual(self.json("settings", "daemon.output_task")[0]["value"], "64k")
        names = {s["setting"] for s in self.json("settings")}
        self.assertLessEqual({"daemon.grace", "daemon.linger"}, names)
        self.assertEqual(self.json("settings", "daemon.grace", "300ms")[0]["value"], "300ms")
        self.assertEqual(self.json("settings", "daemon.grace")[0]["value"], "300ms")
        self.fails("no setting", "settings", "nosuch")
        self.fails("no setting", "settings", "vm", "x")
        self.fails("not a time", "settings", "daemon.grace", "soon")
        self.fails("PVMX_DAEMON_LOG", "settings", "daemon.log", "x")
        # It holds: who ignores SIGTERM is killed soon.
        self.spawn("sh", "-c", "trap '' TERM; touch up; while :; do sleep 0.02; done")
        self.wait_until((self.tmp / "up").exists, "it ignores the signal")
        self.ok("kill", "name:sh")
        self.wait_until(lambda: self.json("ps") == [], "it is gone")

    def test_doctor(self):
        status, out, err = self.pvmx("--json", "doctor")
        self.assertEqual(err, "")
        checks = {c["check"]: c for c in json.loads(out)}
        self.assertEqual(checks["virtual machine"]["result"], "good")
        self.assertIn("none runs", checks["virtual machine"]["found"])
        self.assertEqual(status, int(any(c["result"] == "trouble" for c in checks.values())))
        status, out, _ = self.pvmx("doctor", env=dict(self.env, PVMX_DAEMON="/no/such/pvmxd"))
        self.assertEqual(status, 1)
        self.assertRegex(out, "daemon program +trouble")
        status, out, _ = self.pvmx("doctor", env=dict(self.env, PVMX_DAEMON="/bin/true", PVMX_VM="a/b"))
        self.assertEqual(status, 1)
        self.assertRegex(out, "daemon program +trouble +/.*true is not this version's pvmxd")
        self.assertRegex(out, 'virtual machine +trouble +"a/b" is no name .*PVMX_VM')
        self.assertNotIn("runtime directory", out)
        self.assertEqual(list(self.runtime.iterdir()), [], "it leaves nothing behind itself")
        (self.runtime / "pvmx").mkdir(mode=0o755)
        (self.runtime / "pvmx").chmod(0o777)
        status, out, _ = self.pvmx("doctor")
        (self.runtime / "pvmx").rmdir()
        self.assertEqual(status, 1)
        self.assertRegex(out, "runtime directory +trouble")

    def script(self, text, *args):
        path = self.tmp / "script"
        path.write_text(text)
        with path.open() as f:
            return self.pvmx(*(args or ()), stdin=f if not args else subprocess.DEVNULL)

    def test_aliases_and_variables(self):
        status, out, err = self.script(
            "alias say echo 'a  b'\nsay c\nalias say\nalias twice say say\ntwice\nalias echo echo x\n"
            "echo y\nunalias say\nsetenv A 'the value'\ngetenv A\n"
            "spawn ->out sh -c 'echo $A'\nwait 1\nunalias say\n")
        self.assertEqual(out.splitlines()[:6], ["a b c", "say\techo a  b", "a b say", "x y", "the value",
                                                "[1] 1 successful"])
        self.assertEqual(status, 1)
        self.assertIn('no alias "say"', err)
        self.assertEqual((self.tmp / "out").read_text(), "the value\n")

    def test_variables_for_pvm_spawn(self):
        script = self.tmp / "script"
        script.write_text("export A B\nexport\nexport A\nexport\nunexport B\nexport\nsetenv C 'x y'\nsetenv\n")
        out = self.ok("-f", script, env={k: v for k, v in self.env.items() if k != "PVM_EXPORT"})
        self.assertEqual(out.splitlines()[:3], ["PVM_EXPORT=A:B", "PVM_EXPORT=B:A", "PVM_EXPORT=A"])
        self.assertIn("\nC=x y\n", out)
        self.fails("no name of a variable", "export", "A=B", status=2)

    def test_scripts(self):
        self.assertEqual(self.script("# nothing\n\necho one # two\n"), (0, "one\n", ""))
        status, out, err = self.script("echo a\nnosuch\necho b\n")
        self.assertEqual((status, out), (2, "a\n"))
        self.assertIn("line 2 ends the script", err)
        for args in (("-f", "script"), ("--json", "-f", "script")):
            self.assertEqual(self.script("echo x\nquit\necho y\n", *args), (0, "x\n", ""))
        self.fails("no-script", "-f", "no-script")
        self.fails("cannot read .: Is a directory", "-f", ".")
        folder = os.open("/", os.O_RDONLY)
        self.fails("cannot read standard input: Is a directory", "-f", "-", stdin=folder)
        os.close(folder)
        run = self.start(PVMX, "-f", "-", stdin=subprocess.PIPE)
        run.stdin.write("echo it runs\n")
        run.stdin.flush()
        self.assertEqual(run.stdout.readline(), "it runs\n")
        wchan = pathlib.Path(f"/proc/{run.pid}/wchan")
        self.wait_until(lambda: "pipe" in wchan.read_text(), "it reads the next line")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(60), 130)
        run.communicate()
        self.fails("too much", "-f", "script", "more", status=2)

    def test_ctrl_c_before_a_script_reads(self):
        """It has looked whether Ctrl-C was pressed, and has not begun to wait for the next line."""
        shim = self.compile("shim", PRESSES, "-shared", "-fPIC")
        env = dict(self.env, LD_PRELOAD=str(shim), ASAN_OPTIONS="verify_asan_link_order=0")
        ours, its = os.pipe()
        self.assertEqual(self.run_program(PVMX, "-f", "-", stdin=ours, env=env), (130, "", ""))
        os.close(ours)
        os.close(its)

    def test_ctrl_c_while_the_daemon_stands_still(self):
        self.ok("spawn", "true")
        pid = self.json("id")[0]["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            run = self.start(PVMX, "ps")
            wchan = pathlib.Path(f"/proc/{run.pid}/wchan")
            self.wait_until(lambda: "poll" in wchan.read_text(), "it waits for the greeting")
            run.send_signal(signal.SIGINT)
            self.assertEqual(self.finish(run, 9), (130, "", ""), "less than the 10 s that the daemon may take")
            os.kill(pid, signal.SIGCONT)
            run = self.start(PVMX, "-f", "-", stdin=subprocess.PIPE)
            run.stdin.write("id\n")
            run.stdin.flush()
            run.stdout.readline(), run.stdout.readline()
            os.kill(pid, signal.SIGSTOP)
            run.stdin.write(f"put kept 0 {'x' * 1000000}\n")  # more than a socket takes
            run.stdin.flush()
            wchan = pathlib.Path(f"/proc/{run.pid}/wchan")
            self.wait_until(lambda: "poll" in wchan.read_text(), "it cannot send all of it")
            run.send_signal(signal.SIGINT)
            self.assertEqual(self.finish(run)[::2], (130, "pvmx: line 2 ends the script\n"))
        finally:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(self.json("names"), [])

    def test_words(self):
        status, out, _ = self.script("echo 'a b' \"c 'd'\" e\\ f '' \\\\ g\\#h i#j\n")
        self.assertEqual((status, out), (0, "a b c 'd' e f  \\ g#h i#j\n"))
        status, _, err = self.script("echo 'open\n")
        self.assertEqual(status, 2)
        self.assertIn("not closed", err)
        self.assertEqual(self.script("\\\necho a\\\n \\\n")[:2], (0, "a\n"))
        self.assertEqual(self.script("echo " + "x" * 100000 + "\n")[1], "x" * 100000 + "\n")

    def test_usage_errors(self):
        self.fails("--nonsense", "--nonsense", status=2)
        self.fails("no command", "nosuch", status=2)
        for slip, meant in (("hots", "hosts"), ("host5", "hosts"), ("kil1", "kill"), ("sspawn", "spawn"), ("jbs", "jobs")):
            self.fails(f'"{slip}": did you mean {meant}?', slip, status=2)
        self.fails("pvmx --pvm3", "tickle", status=2)
        self.fails('no option "nosuch"', "setopt", "nosuch", "1", status=2)
        self.fails("from 1 to 3", "setopt", "PvmRoute", "4", status=2)
        self.fails('no event "nosuch"', "trace", "-", "nosuch", status=2)
        self.fails("no option -q", "ps", "-q", status=2)
        self.fails("no option --jsn;", "ps", "--jsn", status=2)
        self.fails("must follow --vm", "--vm", status=2)
        self.fails("must follow -f", "-f", status=2)
        self.fails('add "b ad": "ad" is not understood', "add", "b ad", status=2)
        self.fails("needs a value", "ps", "-s", status=2)
        for option, value, most in (("-n", "4294967295", 1000000), ("-s", "0", 1000000), ("-t", "4294968", 86400),
                                    ("-p", "65536", 65535)):
            self.fails(f"({option} takes a number from 1 to {most})", "add", option, value, "host", status=2)
        self.fails("too much", "id", "x", status=2)
        self.fails("x: must be a number", "spawn", "-n", "x", "true", status=2)

    def test_what_ends_with_the_console(self):
        for words in (("setenv", "A", "1"), ("export", "A"), ("alias", "a", "ps"), ("setopt", "PvmRoute", "2"),
                      ("trace", "-", "*")):
            status, _, err = self.pvmx(*words)
            self.assertEqual((status, err.startswith(f"pvmx: {words[0]} holds for what the same console")), (0, True), err)
            self.assertEqual(self.script(" ".join(words) + "\n")[::2], (0, ""))
        self.assertEqual(self.pvmx("setenv")[::2], (0, ""))

    def test_output_that_cannot_be_written(self):
        for args in (("version",), ("help",)):  # one piece, and more than one
            with open("/dev/full", "w", encoding="ascii") as full:
                status, _, err = self.run_program(PVMX, *args, stdout=full)
            self.assertEqual(status, 1)
            self.assertIn("could not be written", err)
        run = self.start(PVMX, "-f", "-", stdin=subprocess.PIPE)
        run.stdout.close()  # a reader that has enough is no error worth a word
        run.stdout = None
        err = run.communicate("echo a\n", timeout=60)[1]
        self.assertEqual((run.returncode, err), (1, ""))

    def test_abbreviations(self):
        self.assertEqual(self.ok("ver"), self.ok("version"))
        self.fails("may be", "s", status=2)

    def test_help_and_manual(self):
        listed = re.findall(r"^(\w+) ", self.ok("help"), re.M)
        page = (BUILD / "share/man/man1/pvmx.1").read_text()
        for name in listed:
            self.assertIn(f"\\fB{name}\\fR", page)
            self.assertTrue(self.ok("help", name).startswith(name))
            self.assertEqual(self.ok(name, "--help"), self.ok("help", name))
        self.assertEqual(listed, sorted(listed))
        self.check_program("bash", "-n", BUILD / "share/bash-completion/completions/pvmx")

    def test_daemon_that_dies(self):
        self.ok("spawn", "true")
        run = self.start(PVMX, "events", "-f")
        run.stdout.readline()
        daemon = self.json("id")[0]["pid"]
        self.kill(daemon)
        status, _, err = self.finish(run)
        self.assertEqual(status, 1)
        self.assertIn("daemon (pvmxd) of this virtual machine has ended", err)
        self.wait_until(lambda: self.is_over(daemon), "nobody listens any more")
        self.fails("no virtual machine", "ps")
        self.ok(stdin=subprocess.DEVNULL)  # and the next start replaces it


if __name__ == "__main__":
    unittest.main()
