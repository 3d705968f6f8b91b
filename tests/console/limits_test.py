# SPDX-License-Identifier: BSD-3-Clause
"""Rules for runaway tasks: limit, and what the daemons do with real tasks."""

import json
import re
import shutil
import signal
import unittest

from hostcase import PVMXD, ThreeHosts
from lab import BUILD, DEADLINE

SPIN = ("sh", "-c", "while :; do :; done")
STUBBORN = ("sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")

# Waits for a file, and spawns two children, which stay when their spawner has gone. With another file they are
# detached, and it makes the file and stays too.
FAMILY = r"""
#include <mpi.h>
#include <fcntl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    MPI_Comm parent, children;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) {
        MPI_Comm_disconnect(&parent);
        for (;;)
            pause();
    }
    while (argc > 1 && access(argv[1], F_OK) != 0)
        usleep(10000);
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_Info_set(info, "pvmx_lifetime", argc > 2 ? "detached" : "connected");
    MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 2, info, 0, MPI_COMM_SELF, &children, MPI_ERRCODES_IGNORE);
    MPI_Info_free(&info);
    MPI_Comm_disconnect(&children);
    if (argc > 2)
        close(creat(argv[2], 0600));
    while (argc > 2)
        pause();
    MPI_Finalize();
}
"""

# Tries to spawn so many of a program by MPI, then by PVM, and says what it was told.
TRIES = r"""
#include <mpi.h>
#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    MPI_Comm children;
    char text[MPI_MAX_ERROR_STRING];
    int len, class, tids[64], n = atoi(argv[1]);
    MPI_Init(&argc, &argv);
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    int err = MPI_Comm_spawn(argv[2], argv + 3, n, MPI_INFO_NULL, 0, MPI_COMM_SELF, &children, MPI_ERRCODES_IGNORE);
    MPI_Error_class(err, &class);
    MPI_Error_string(err, text, &len);
    printf("%s %s\n", class == MPI_ERR_SPAWN ? "MPI_ERR_SPAWN" : "?", text);
    int started = pvm_spawn(argv[2], argv + 3, 0, "", n, tids);
    printf("%d %d\n", started, tids[0] == PvmOutOfRes);
    pvm_exit();
    MPI_Finalize();
}
"""


class Limits(ThreeHosts):
    def setUp(self):
        super().setUp()
        self.env["PVMX_DAEMON_LIMIT_LOOK"] = "50ms"
        self.env["PVMX_DAEMON_GRACE"] = "20s"  # who is slow to end is not killed instead

    def add(self, *words):
        (rule,) = self.json("limit", *words)
        return rule["rule"]

    def hits(self, number):
        """How often a rule was applied, as soon as it was."""
        def look():
            return {r["rule"]: r["hits"] for r in self.json("limit", "list")}[number]
        return self.wait_until(look, f"rule {number} is applied")

    def hit_by(self, number):
        """Tasks that a rule was applied to: also again, when others had not told their sums for ten looks."""
        return {e["tid"] for e in self.events() if e["event"] == "limit" and e["text"].startswith(f"rule {number},")}

    def ends(self, tid):
        """The signal that has ended a task."""
        def look():
            return [e for e in self.events() if e["tid"] == tid and e["event"] == "ended"]
        return self.wait_until(look, f"{tid} has ended")[0]["signal"]

    def events(self):
        return [json.loads(line) for line in self.ok("--json", "events").splitlines()]

    def state(self, tid):
        pid = self.tasks()[tid]["pid"]
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0]

    def looks_pass(self):
        """The daemons have looked at all tasks again: a rule that holds for each of them is applied."""
        number = self.add("add", "elapsed >= 0", "report")
        self.hits(number)
        self.ok("limit", "del", str(number))

    # ---- the command

    def test_add_list_del(self):
        self.begin()
        _, job = self.spawn("sleep", "600")
        self.assertEqual(self.json("limit", "list"), [])
        self.assertEqual(self.add("add", "cpu > 1d", "report"), 1)
        self.assertEqual(self.add("-j", str(job), "add", "memory > 1T", "stop"), 2)
        self.assertEqual(self.add("add", "vm.tasks > 9999", "kill", "-j", f"job:{job}"), 3)
        rules = [(r["rule"], r["action"], r["job"], r["hits"], r["expression"]) for r in self.json("limit", "list")]
        self.assertEqual(rules, [(1, "report", 0, 0, "cpu > 1d"), (2, "stop", job, 0, "memory > 1T"),
                                 (3, "kill", job, 0, "vm.tasks > 9999")])
        self.assertRegex(self.ok("limit", "list"), r"\n +2 +stop +\d+ +0 +memory > 1T\n")
        self.ok("limit", "del", "1", "3")
        self.assertEqual([r["rule"] for r in self.json("limit", "list")], [2])
        self.assertEqual(self.json("limit", "list", "--json"), self.json("limit", "list"))
        self.assertEqual(self.add("add", "cpu > 1d", "report"), 4, "numbers are not used again")

    def test_refusals(self):
        self.begin()
        self.fails('character 7 ("5G"): expected a time', "limit", "add", "cpu > 5G", "kill")
        self.fails('character 1 ("speed"): expected one of name', "limit", "test", "speed > 5")
        self.fails("no rule 7", "limit", "del", "7")
        self.fails('"x" is no number', "limit", "del", "x")
        self.fails("-j nosuch is no job", "limit", "-j", "nosuch", "add", "cpu > 5", "kill")
        self.fails("no task of job 99", "limit", "-j", "99", "add", "cpu > 5", "kill")
        self.fails('"explode" is not report', "limit", "add", "cpu > 5", "explode", status=2)
        self.fails("must be add", "limit", "add", "cpu > 5", status=2)
        self.fails("must be add", "limit", "remove", "1", status=2)
        self.fails("-n goes with test EXPR refuse", "limit", "-n", "3", "add", "cpu > 5", "kill", status=2)
        self.fails("-n goes with test EXPR refuse", "limit", "-n", "3", "test", "cpu > 5", status=2)
        self.fails("-j goes with add and test only", "limit", "-j", "1", "list", status=2)
        self.assertEqual(self.json("limit", "list"), [])
        for _ in range(256):
            self.add("add", "cpu > 1d", "report")
        self.fails("256 rules already", "limit", "add", "cpu > 5", "kill")

    def test_test_shows_what_would_be_hit(self):
        self.three_hosts()
        (spin,), job = self.spawn("-east", *SPIN)
        (sleeper,), _ = self.spawn("-west", "sleep", "600")
        self.wait_until(lambda: self.json("limit", "test", "cpu > 100ms"), "it spins")

        def hit(expr, *more):
            return [h["tid"] for h in self.json("limit", *more, "test", expr)]

        self.assertEqual(hit("cpu > 100ms"), [spin])
        self.assertEqual(hit("name = 'sleep'"), [sleeper])
        self.assertEqual(hit("command =~ /^sleep 600$/"), [sleeper])
        self.assertEqual(hit("host = 'east' or host = 'west'"), [spin, sleeper])
        self.assertEqual(hit("vm.tasks = 2 and job.tasks = 1"), [spin, sleeper])
        self.assertEqual(hit(f"job = {job} and elapsed >= 100ms"), [spin])
        self.assertEqual(hit("elapsed >= 0", "-j", str(job)), [spin])
        self.assertEqual(hit("memory > 1G"), [])
        (entry,) = self.json("limit", "test", "cpu > 100ms")
        self.assertEqual((entry["host"], entry["program"], entry["job"], entry["pid"]),
                         ("east", "sh", job, self.tasks()[spin]["pid"]))
        self.assertRegex(entry["values"], r"^cpu \d+\.\d s$")
        self.assertEqual(set(self.tasks()), {spin, sleeper}, "nothing was done")
        self.assertEqual(self.json("limit", "list"), [])

    # ---- actions

    def test_kill_of_one_that_spins(self):
        self.begin()
        (sleeper,), _ = self.spawn("sleep", "600")
        (spin,), _ = self.spawn(*SPIN)
        number = self.add("add", "name =~ /^sh$/ and (cpu > 300ms or elapsed > 1h)", "kill")
        self.assertEqual(self.ends(spin), signal.SIGTERM)
        self.assertEqual(self.hits(number), 1)
        (event,) = [e for e in self.events() if e["event"] == "limit"]
        self.assertEqual((event["tid"], event["program"], event["host"]), (spin, "sh", self.json("id")[0]["host"]))
        self.assertRegex(event["text"], rf"^rule {number}, kill: name =~ /\^sh\$/ and .*: cpu \d+\.\d s$")
        self.assertRegex(self.ok("events"), rf"{spin} \(sh\) has reached rule {number}, kill: ")
        self.assertRegex(self.log(), rf"LIMIT-HIT: {spin} \(sh, process \d+\): rule {number}, kill: .*: cpu \d+\.\d s\n")
        self.assertEqual(set(self.tasks()), {sleeper})

    def test_kill_of_one_that_ignores_it(self):
        self.env["PVMX_DAEMON_GRACE"] = "500ms"
        self.begin()
        (tid,), _ = self.spawn(*STUBBORN)
        self.add("add", "name = 'sh' and elapsed > 200ms", "kill")
        self.assertEqual(self.ends(tid), signal.SIGKILL)

    def test_root_task(self):
        self.begin()
        run = self.start(self.compile("family", FAMILY), self.tmp / "never")
        self.wait_until(self.tasks, "it has joined the virtual machine")
        self.add("add", "job = 0 and name = 'family' and elapsed > 100ms", "kill")
        self.assertEqual(self.finish(run)[0], -signal.SIGTERM)

    def test_report(self):
        self.begin()
        (tid,), _ = self.spawn("sleep", "600")
        number = self.add("add", "elapsed > 100ms", "report")
        self.assertEqual(self.hits(number), 1)
        self.looks_pass()
        self.assertEqual(self.hits(number), 1, "once")
        self.assertEqual(set(self.tasks()), {tid})

    def test_stop_and_continue(self):
        self.begin()
        (tid,), _ = self.spawn(*SPIN)
        number = self.add("add", "cpu > 200ms", "stop")
        self.wait_until(lambda: self.state(tid) == "T", "it is stopped")
        self.assertEqual([t["state"] for t in self.json("ps", "state:stopped")], ["stopped"])
        self.ok("sig", "CONT", tid)
        self.wait_until(lambda: self.state(tid) != "T", "it goes on")
        self.looks_pass()
        self.assertNotEqual(self.state(tid), "T", "it is not stopped again")
        self.assertEqual(self.hits(number), 1)
        # A stopped one can be killed.
        self.ok("sig", "STOP", tid)
        self.add("add", "cpu > 200ms", "kill")
        self.assertEqual(self.ends(tid), signal.SIGTERM)

    # ---- what is measured

    def test_memory(self):
        self.begin()
        code = "import time; x = b'x' * (%d << 20); time.sleep(600)"
        (small,), _ = self.spawn("python3", "-c", code % 1)
        (large,), _ = self.spawn("python3", "-c", code % 150)
        self.add("add", "memory > 120M", "kill")
        self.assertEqual(self.ends(large), signal.SIGTERM)
        self.looks_pass()
        self.assertEqual(set(self.tasks()), {small})

    def test_what_a_script_runs_counts(self):
        self.begin()
        (tid,), _ = self.spawn("sh", "-c", "sh -c 'while :; do :; done'; true")
        self.add("add", "cpu > 300ms", "kill")
        self.assertEqual(self.ends(tid), signal.SIGTERM)

    def test_forked_processes_count_and_end(self):
        self.begin()
        # Nobody waits for those, and they are no children of the task any more.
        (tid,), _ = self.spawn("sh", "-c", "(sh -c 'while :; do :; done' &); exec sleep 600")
        self.add("add", "cpu > 300ms", "kill")
        self.assertEqual(self.ends(tid), signal.SIGTERM)
        self.wait_until(lambda: not [p for p in self.processes() if "while" in self.cmdline(p)],
                        "the forked one has ended too")

    def test_tasks_of_a_job(self):
        self.begin()
        few, _ = self.spawn("-2", "sleep", "600")
        many, _ = self.spawn("-4", "sleep", "600")
        self.add("add", "job.tasks > 3", "kill")
        for tid in many:
            self.assertEqual(self.ends(tid), signal.SIGTERM)
        self.looks_pass()
        self.assertEqual(set(self.tasks()), set(few))

    # ---- what is refused

    def test_refuse_by_name(self):
        self.begin()
        number = self.add("add", 'name = "sleep" and host =~ /./', "refuse")
        self.fails(f"1 task of sleep is refused by rule {number}", "spawn", "sleep", "600")
        status, _, err = self.run_program(BUILD / "bin" / "mpiexec", "-n", "2", "sleep", "600")
        self.assertNotEqual(status, 0)
        self.assertIn(f"2 tasks of sleep are refused by rule {number}", err)
        self.assertEqual(self.tasks(), {})
        self.spawn("true")
        self.assertEqual(self.hits(number), 2)
        self.ok("limit", "del", str(number))
        self.spawn("sleep", "600")

    def test_refuse_tells_spawners(self):
        self.begin()
        tries = self.compile("tries", TRIES, "-lpvm3")
        number = self.add("add", "name = \"sleep\" and job.tasks > 3", "refuse")
        lines = self.check_program(tries, "4", "sleep", "600").splitlines()
        self.assertRegex(lines[0], rf"^MPI_ERR_SPAWN .*4 tasks of sleep are refused by rule {number}, "
                                   r"name = .sleep. and job.tasks > 3: job.tasks 4")
        self.assertEqual(lines[1], "0 1")
        self.wait_until(lambda: [e for e in self.events() if "refuse" in (e["text"] or "")],
                        "the event of the rule")
        self.assertRegex(self.log(), "LIMIT-REFUSE: 4 tasks for t")

    def test_refuse_more_tasks_of_the_machine(self):
        self.begin()
        self.add("add", "vm.tasks > 3", "refuse")
        self.spawn("-2", "sleep", "600")
        self.assertEqual(self.json("limit", "test", "vm.tasks > 3", "refuse", "sleep"), [])
        (hit,) = self.json("limit", "-n", "2", "test", "vm.tasks > 3", "refuse", "sleep", "9")
        self.assertEqual((hit["tid"], hit["program"], hit["values"]), (None, "sleep", "vm.tasks 4"))
        self.fails("vm.tasks 4", "spawn", "-2", "sleep", "600")
        (last,), _ = self.spawn("sleep", "600")
        self.fails("vm.tasks 4", "spawn", "sleep", "600")
        self.ok("kill", last)
        self.wait_until(lambda: last not in self.tasks(), "it has ended")
        self.spawn("sleep", "600")

    def test_refuse_counts_at_once(self):
        """What was started on another host counts before that has told anything."""
        self.env["PVMX_DAEMON_LIMIT_LOOK"] = "10s"
        self.three_hosts()
        self.add("add", "vm.tasks > 3", "refuse")
        tids, _ = self.spawn("-3", "-east", "sleep", "600")
        self.fails("vm.tasks 4", "spawn", "-west", "sleep", "600")
        self.ok("kill", tids[0])
        self.wait_until(lambda: tids[0] not in self.tasks(), "it has ended")
        self.spawn("-west", "sleep", "600")

    def test_refuse_more_tasks_of_a_family(self):
        """job.tasks of a rule for a job: all that it has spawned, wherever; other jobs may."""
        self.three_hosts()
        go = self.tmp / "go"
        _, job = self.spawn(self.compile("family", FAMILY), go)
        number = self.add("-j", str(job), "add", "job.tasks > 2", "refuse")
        self.spawn("-3", "sleep", "600")
        go.touch()
        self.pvmx("wait", f"job:{job}")
        self.assertEqual(self.hits(number), 1)
        self.assertEqual(len(self.tasks()), 3)

    def test_refuse_by_host(self):
        hosts = self.three_hosts()
        self.add("add", f'host = "{hosts[1]}"', "refuse")
        self.fails("is refused", "spawn", f"-{hosts[1]}", "sleep", "600")
        self.spawn(f"-{hosts[2]}", "sleep", "600")
        hits = self.json("limit", "test", f'host = "{hosts[1]}"', "refuse", "sleep")
        self.assertEqual([h["host"] for h in hits], [hosts[1]])

    def test_refuse_knows_nothing_of_a_run(self):
        self.begin()
        self.fails("cannot refuse", "limit", "add", "cpu > 3", "refuse")
        self.fails("cannot refuse", "limit", "test", "name = \"a\" or elapsed > 3", "refuse", "a")
        self.fails("no number of tasks", "limit", "-n", "0", "test", "vm.tasks > 3", "refuse", "a")

    # ---- jobs and what they spawn

    def test_children_inherit_also_as_orphans(self):
        self.begin()
        go = self.tmp / "go"
        _, job = self.spawn(self.compile("family", FAMILY), go)
        (other,), _ = self.spawn("sleep", "600")
        # It comes to hold for the children when their spawner has gone, and not for others.
        self.add("-j", str(job), "add", f"job != {job} and job.tasks = 2 and job.elapsed > 0", "kill")
        self.looks_pass()
        go.touch()
        self.pvmx("wait", f"job:{job}")
        ended = lambda: [e for e in self.events() if e["event"] == "ended" and e["job"] not in (0, job)]
        self.wait_until(lambda: len(ended()) == 2, "both children have ended")
        self.assertEqual({e["signal"] for e in ended()}, {signal.SIGTERM})
        self.assertEqual(set(self.tasks()), {other})

    def test_time_limit_of_mpiexec(self):
        self.three_hosts()
        mpiexec = lambda seconds: self.start(BUILD / "bin" / "mpiexec", "-maxtime", seconds, "-n", "1",
                                             self.compile("family", FAMILY))
        run = mpiexec(600)
        self.wait_until(lambda: len(self.tasks()) == 2, "its spawner has ended")
        (limit,) = self.json("limit", "list")
        self.assertEqual((limit["rule"], limit["action"], limit["expression"]), (0, "kill", "job.elapsed > 600s"))
        run.send_signal(signal.SIGTERM)
        self.finish(run)
        status, _, err = self.finish(mpiexec(3))
        self.assertEqual(status, 124, err)
        self.assertIn("the time limit of 3 s is over", err)
        self.wait_until(lambda: not self.tasks(), "all that it has spawned has ended")
        self.assertRegex(self.log(), r"LIMIT-HIT: t\w+ \(.*family, process \d+\): the limit of job \d+, kill: job.elap")

    def test_time_limit_outlives_mpiexec(self):
        self.three_hosts()
        done = self.tmp / "done"
        family = self.compile("family", FAMILY)
        for seconds in (4, 16, 50):  # a slow machine may need so much to spawn
            run = self.start(BUILD / "bin" / "mpiexec", "-timeout", seconds, "-n", "1", family, self.tmp, done)
            self.wait_until(lambda r=run: done.exists() or r.poll() is not None, "it has spawned")
            self.kill(run.pid)
            run.communicate()
            if done.exists():
                break
        spawned = [e["job"] for e in self.events() if e["event"] == "started"][-1]
        ended = lambda: [e for e in self.events() if e["event"] == "limit" and e["job"] == spawned]
        self.wait_until(lambda: len(ended()) == 2, "their time is over too")
        self.wait_until(lambda: not self.tasks(), "they have ended")

    def test_time_limit_on_other_hosts(self):
        self.three_hosts()
        for seconds in (1, 5, 25):  # a slow machine may need so much to start them
            run = self.start(BUILD / "bin" / "mpiexec", "-timeout", seconds, "-n", "6", "sleep", "600")
            self.assertEqual(self.finish(run)[0], 124)
            self.wait_until(lambda: not self.tasks(), "all have ended")
            hosts = {e["host"] for e in self.events() if e["event"] == "started"}
            if len(hosts) == 3:
                break
        self.assertEqual(hosts, {self.here, "east", "west"})

    # ---- hosts

    def test_rules_hold_on_all_hosts(self):
        self.three_hosts()
        tids, _ = self.spawn("-6", "sleep", "600")
        # Given to a host that does not lead.
        self.ok("limit", "add", "name = 'sleep' and elapsed > 300ms", "kill", env=self.at("west"))
        for tid in tids:
            self.assertEqual(self.ends(tid), signal.SIGTERM)
        self.wait_until(lambda: self.json("limit", "list")[0]["hits"] == 6, "the leader has heard of them")
        # A host that comes later has them too.
        self.ok("add", "north:1")
        (tid,), _ = self.spawn("-north", "sleep", "600")
        self.assertEqual(self.ends(tid), signal.SIGTERM)
        self.ok("limit", "del", "1", env=self.at("north"))
        (tid,), _ = self.spawn("-east", "sleep", "600")
        self.looks_pass()
        self.assertIn(tid, self.tasks())

    def test_sums_over_hosts(self):
        self.three_hosts()
        tids, job = self.spawn("-6", "sleep", "600")
        self.spawn("-east", "sleep", "601")
        number = self.add("-j", str(job), "add", "job.tasks = 6 and vm.tasks = 7", "report")
        self.wait_until(lambda: self.hit_by(number) == {*tids}, "each host knows of the others' tasks")

    def test_sums_of_every_kind(self):
        """Limits of a job and of the machine: wall time, processor time, memory, number of tasks."""
        self.three_hosts()
        spins, job = self.spawn("-2", *SPIN)
        sleeps, other = self.spawn("sleep", "600")
        bounds = {"elapsed": ">= 300ms", "cpu": ">= 300ms", "memory": ">= 1M", "tasks": ">= 2"}
        rules = {self.add("-j", str(job), "add", f"job.{what} {least}", "report"): {*spins}
                 for what, least in bounds.items()}
        rules.update({self.add("add", f"vm.{what} {least}", "report"): {*spins, *sleeps} for what, least in bounds.items()})
        for number, tasks in rules.items():
            self.wait_until(lambda n=number, t=tasks: self.hit_by(n) == t, f"rule {number} is applied to {tasks}")
        self.assertEqual({e["job"] for e in self.events() if "job." in e["text"]}, {job})
        number = self.add("add", "job.cpu > 600ms and vm.tasks = 3", "kill")
        self.pvmx("wait", str(job))
        self.assertEqual({t["job"] for t in self.json("ps")}, {other})

    def test_rules_outlive_the_leader(self):
        self.three_hosts()
        self.add("add", "name = 'sleep' and elapsed > 300ms", "kill")
        east = self.at("east")
        self.wait_until(lambda: "elapsed" in self.ok("limit", "list", env=east), "the others know of it")
        self.kill(self.json("hosts")[0]["pid"])
        self.wait_until(lambda: self.pvmx("hosts", env=east)[1].count(" up ") == 2, "another host leads")
        added = lambda: self.pvmx("limit", "add", "cpu > 1d", "report", env=east)
        self.wait_until(lambda: added()[0] == 0, "rules can be added")
        out = self.ok("limit", "list", env=east)
        self.assertRegex(out, r"(?m)^ +1 +kill .*\n +2 +report ")
        self.ok("spawn", "-2", "sleep", "600", env=east)
        self.wait_until(lambda: len(re.findall("was killed by signal 15", self.ok("events", env=east))) == 2,
                        "the old rule holds")
        self.ok("halt", env=east)
        self.wait_until(lambda: not self.processes(PVMXD), "all daemons are gone")
        shutil.rmtree(self.runtime / "pvmx")  # of the one that was killed

    def test_cost_without_rules(self):
        self.begin()
        self.spawn("sleep", "600")
        (daemon,) = self.processes(PVMXD)

        def wakes(seconds):
            """How often the daemon wakes up in that time."""
            before = switches()
            self.assertRaises(AssertionError, self.wait_until, lambda: False, "time passes", seconds)
            return switches() - before

        def switches():
            with open(f"/proc/{daemon}/status", encoding="ascii") as f:
                return int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", f.read())[1])

        number = self.add("add", "cpu > 1d", "report")
        self.wait_until(lambda: wakes(0.5) > 2, "a timer runs", DEADLINE)
        self.ok("limit", "del", str(number))
        self.wait_until(lambda: wakes(0.5) == 0, "no timer runs", DEADLINE)


if __name__ == "__main__":
    unittest.main()
