# SPDX-License-Identifier: BSD-3-Clause
"""The console and tasks of several hosts, which are virtual ones on this machine."""

import json
import os
import pathlib
import shutil
import signal
import unittest

from hostcase import PVMX, PVMXD, ThreeHosts

# Spawns two that wait, one of them on another host, and stays with them.
FAMILY = r"""
#include <mpi.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    MPI_Comm parent, children;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent == MPI_COMM_NULL)
        MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 5, MPI_INFO_NULL, 0, MPI_COMM_SELF, &children,
                       MPI_ERRCODES_IGNORE);
    pause();
}
"""

SERVER = r"""
#include <mpi.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Init(&argc, &argv);
    MPI_Open_port(MPI_INFO_NULL, port);
    MPI_Publish_name(argv[1], MPI_INFO_NULL, port);
    pause();
}
"""


class AllHosts(ThreeHosts):
    def test_ps_and_jobs(self):
        hosts = self.three_hosts()
        tids, job = self.spawn("-6", "sleep", "600")
        self.wait_until(lambda: {t["command"] for t in self.json("ps")} == {"sleep 600"}, "they have their arguments")
        tasks = self.tasks()
        self.assertEqual(list(tasks), tids)
        self.assertEqual([tasks[t]["host"] for t in tids], [h for h in hosts for _ in range(2)])
        self.assertEqual([tasks[t]["rank"] for t in tids], list(range(6)))
        for t in tids:
            self.assertIn("sleep", self.cmdline(tasks[t]["pid"]))
            self.assertEqual((tasks[t]["job"], tasks[t]["command"]), (job, "sleep 600"))
            self.assertGreater(tasks[t]["memory_kb"], 100)
        entry, = self.json("jobs")
        self.assertEqual((entry["job"], entry["tasks"], entry["hosts"], entry["program"]),
                         (job, 6, ",".join(hosts), "sleep"))
        # Every daemon knows the same.
        for host in hosts[1:]:
            out = self.check_program(PVMX, "--json", "ps", env=self.at(host))
            self.assertEqual([(t["tid"], t["host"]) for t in json.loads(out)],
                             [(t, tasks[t]["host"]) for t in tids])
        self.assertEqual(list(self.tasks("-h", "east")), tids[2:4])
        self.fails("no host nosuch", "ps", "-h", "nosuch")
        self.assertEqual(list(self.tasks("host:west", tids[0])), [tids[0], *tids[4:]])
        self.assertEqual(list(self.tasks("-s", "host")), tids[2:4] + sorted(
            tids[:2] + tids[4:], key=lambda t: (tasks[t]["host"], t)))

    def test_ps_is_a_tree(self):
        self.three_hosts()
        (root,), _ = self.spawn(f"-{self.here}", self.compile("family", FAMILY))
        self.wait_until(lambda: [t["state"] for t in self.json("ps")] == ["enrolled"] * 6, "the children run")
        (other,), _ = self.spawn("-west", "sleep", "600")
        tasks = self.tasks()
        children = [t for t in tasks if tasks[t]["parent"] == root]
        self.assertEqual(len(children), 5)
        self.assertGreater(len({tasks[t]["host"] for t in children}), 1)
        lines = self.ok("ps").splitlines()[1:]
        self.assertEqual([line.split()[0] for line in lines], [root, *children, other])
        for line in lines[1:6]:
            self.assertRegex(line, r" \\_ \S*family")
        self.assertNotIn("\\_", lines[0] + lines[6])
        self.assertEqual(sorted(self.tasks(f"parent:{root}")), sorted(children))
        self.assertIn(root, self.tasks("state:enrolled"))
        self.assertNotIn(other, self.tasks("state:enrolled"))
        # -c ends what it has spawned; with connected children that is its failure too.
        self.ok("kill", "-y", "-c", root)
        self.wait_until(lambda: not any(t in self.tasks() for t in children), "they have ended")

    def test_kill_and_sig(self):
        self.three_hosts()
        script = "trap 'echo usr >>got' USR1; touch up.$PVMX_RANK; while :; do sleep 0.02; done"
        tids, job = self.spawn("-6", "sh", "-c", script)
        self.wait_until(lambda: len(list(self.tmp.glob("up.*"))) == 6, "all have their traps")
        self.assertEqual(self.ok("sig", "USR1", f"job:{job}"), "6 tasks signalled\n")
        self.wait_until(lambda: (self.tmp / "got").exists() and
                        (self.tmp / "got").read_text() == "usr\n" * 6, "all have got it")
        self.assertEqual(self.ok("kill", tids[2]), "")
        self.assertEqual(self.ok("kill", "host:west"), "2 tasks asked to end\n")
        self.wait_until(lambda: len(self.tasks()) == 3, "three are left")
        # What is not there is counted, whichever host it was on.
        self.assertEqual(self.pvmx("kill", tids[2], tids[3])[:2], (1, "1 task asked to end\n"))
        self.wait_until(lambda: len(self.tasks()) == 2, "two are left")
        self.fails("none of these tasks", "kill", tids[2], tids[4])
        self.fails("none of these tasks", "sig", "USR1", tids[4])
        self.fails("none of these tasks", "kill", "t3ffc0001")
        self.assertEqual(self.ok("reset"), "2 tasks ended\n")
        self.assertFalse(self.tasks())

    def test_wait(self):
        self.three_hosts()
        tids, job = self.spawn("-6", "sh", "-c", "while [ ! -e go ]; do sleep 0.01; done; exit $PVMX_RANK")
        run = self.start(PVMX, "wait", f"job:{job}")
        (self.tmp / "go").touch()
        status, out, err = self.finish(run)
        self.assertEqual((status, err), (5, ""))
        self.assertEqual(sorted(line.split()[0] for line in out.splitlines()), tids)
        # A job of another daemon has a large number; all of it has ended already.
        out = self.check_program(PVMX, "--json", "spawn", "-4", "true", env=self.at("west"))
        tasks = json.loads(out)
        for word in (str(tasks[0]["job"]), f"job:{tasks[0]['job']}", f"[{tasks[0]['job']}]"):
            out = self.ok("wait", word)
            self.assertEqual(sorted(line.split()[0] for line in out.splitlines()),
                             sorted(t["tid"] for t in tasks))

    def test_states(self):
        hosts = self.three_hosts()
        tids, _ = self.spawn("-6", "sleep", "600")
        self.assertEqual(self.json("pstat", tids[5]), [{"tid": tids[5], "state": "started",
                                                        "host": "west"}])
        status, out, _ = self.pvmx("pstat", tids[3], "t80fff")
        self.assertEqual(status, 1)
        self.assertRegex(out, rf"{tids[3]} +started +east\nt80fff +no such task")
        self.ok("mstat", *hosts)
        status, out, _ = self.pvmx("mstat", "west", "nohost")
        self.assertEqual(status, 1)
        self.assertRegex(out, r"west +up\nnohost +no such host\n")
        for h in self.json("hosts"):
            self.assertEqual((h["state"], h["tasks"]), ("up", 2))
            self.assertGreater(h["memory_kb"], h["free_kb"])
            self.assertIn(h["pid"], self.processes(PVMXD))
        self.assertEqual([h["host"] for h in self.json("conf")], hosts)

    def test_silent_host_is_named(self):
        self.three_hosts()
        tids, _ = self.spawn("-6", "sleep", "600")
        east = {h["host"]: h["pid"] for h in self.json("hosts")}["east"]
        os.kill(east, signal.SIGSTOP)
        try:
            status, out, err = self.pvmx("--json", "ps", env=dict(self.env, PVMX_CONSOLE_PATIENCE="3s"))
        finally:
            os.kill(east, signal.SIGCONT)
        self.assertEqual((status, err), (1, "pvmx: host east does not answer: what is there is "
                                            "missing\n"))
        self.assertEqual([t["tid"] for t in json.loads(out)], tids[:2] + tids[4:])
        self.assertEqual(len(self.tasks()), 6, "it is there again")

    def test_ctrl_c_withdraws(self):
        """Who gives up before it has been done gets neither tasks nor hosts."""
        self.three_hosts()
        hosts = {h["host"]: h["pid"] for h in self.json("hosts")}
        polls = lambda run: "poll" in pathlib.Path(f"/proc/{run.pid}/wchan").read_text()
        os.kill(hosts["east"], signal.SIGSTOP)
        try:
            run = self.start(PVMX, "spawn", "-6", "touch", "spawned")
            self.wait_until(lambda: polls(run), "it waits for the answer")
            run.send_signal(signal.SIGINT)
            self.assertEqual(self.finish(run), (130, "", ""))
            self.ok("id")  # so that the daemon has read it
        finally:
            os.kill(hosts["east"], signal.SIGCONT)
        self.ok("wait", str(self.spawn("-east", "true")[1]))
        self.assertFalse((self.tmp / "spawned").exists())
        for env in (self.env, self.at("east")):  # of the leader, and of a host that asks it
            run = self.start(PVMX, "add", "-l", f"sh -c 'echo > {self.tmp}/reached; exec sleep 600' %h %c", "far", env=env)
            self.wait_until((self.tmp / "reached").exists, "its launcher runs")
            run.send_signal(signal.SIGINT)
            self.assertEqual(self.finish(run), (130, "", ""))
            self.wait_until(lambda: not [p for p in self.processes() if "sleep" in self.cmdline(p)],
                            "its launcher has ended")
            (self.tmp / "reached").unlink()
            self.assertEqual([h["host"] for h in self.json("hosts")], list(hosts))

    def test_lost_host_is_named(self):
        """A daemon is killed while it is asked: nobody waits until the time is over."""
        self.three_hosts()
        east = {h["host"]: h["pid"] for h in self.json("hosts")}["east"]
        os.kill(east, signal.SIGSTOP)
        asked = lambda: self.log().count("STANDIN-NEW")
        before = asked()
        run = self.start(PVMX, "ps")
        self.wait_until(lambda: asked() > before, "west was asked, and east with it")
        os.kill(east, signal.SIGKILL)
        self.assertEqual(self.finish(run)[::2], (1, "pvmx: host east does not answer: what is there "
                                                    "is missing\n"))
        self.ok("ps")
        shutil.rmtree(self.runtime / "pvmx" / f"{self.vm}.2")  # nobody is there to do it

    def test_events(self):
        self.three_hosts()
        tids, job = self.spawn("-6", "sh", "-c", "exit 3")
        self.pvmx("wait", f"job:{job}")
        events = [json.loads(line) for line in self.ok("--json", "events").splitlines()]
        self.assertEqual(sorted(e["host"] for e in events if e["event"] == "host-up"),
                         ["east", "west"])
        for kind in ("started", "ended"):
            self.assertEqual(sorted(e["tid"] for e in events if e["event"] == kind), tids)
        self.assertEqual({e["status"] for e in events if e["event"] == "ended"}, {3})
        times = [e["at_ms"] for e in events]
        self.assertEqual(times, sorted(times))

    def test_events_follow(self):
        self.three_hosts()
        run = self.start(PVMX, "events", "-f", "--json")
        event = lambda: json.loads(run.stdout.readline())
        self.assertEqual({event()["host"] for _ in range(2)}, {"east", "west"})
        tids, _ = self.spawn("-6", "true")
        seen = [event() for _ in range(12)]
        self.assertEqual(sorted(e["tid"] for e in seen if e["event"] == "started"), tids)
        self.assertEqual(sorted(e["tid"] for e in seen if e["event"] == "ended"), tids)
        # A host that comes later is followed as well; of one that does not come there is nothing to tell.
        self.assertEqual(self.pvmx("add", "-l", "false %c", "south")[0], 1)
        self.ok("add", "north:2")
        self.assertEqual((lambda e: (e["event"], e["host"]))(event()), ("host-up", "north"))
        (one,), _ = self.spawn("-north", "true")
        self.assertEqual([(e["event"], e["tid"]) for e in (event(), event())],
                         [("started", one), ("ended", one)])
        self.ok("delete", "north")
        gone = event()
        self.assertEqual((gone["event"], gone["host"], gone["program"]), ("host-gone", "north", "deleted"))
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(run), (130, "", ""))

    def test_names_and_ports(self):
        self.three_hosts()
        server = self.compile("server", SERVER)
        owners = {}
        for host in ("east", "west"):
            (tid,), _ = self.spawn(f"-{host}", server, f"server on {host}")
            owners[tid] = f"server on {host}"
        self.wait_until(lambda: len(self.json("names")) == 2, "both have published")
        self.assertEqual({n["owner"]: n["name"] for n in self.json("names")}, owners)
        self.assertEqual({p["port"]: p["owner"] for p in self.json("ports")},
                         {n["port"]: n["owner"] for n in self.json("names")})
        out = self.check_program(PVMX, "--json", "names", env=self.at("west"))
        self.assertEqual({n["owner"]: n["name"] for n in json.loads(out)}, owners)
        self.ok("kill", "-y", *owners)
        self.wait_until(lambda: self.json("names") == [] == self.json("ports"), "they go with them")

    def test_consoles_leave_nothing(self):
        """Stand-ins end with their consoles, also when these are killed in the middle."""
        self.three_hosts()
        runs = [self.start(PVMX, "events", "-f") for _ in range(5)]
        for run in runs:
            run.stdout.readline()
        for run in runs:
            run.kill()
            self.finish(run)
        for _ in range(20):
            self.ok("ps")
        self.wait_until(lambda: self.log().count("STANDIN-NEW") == self.log().count("STANDIN-END") > 40,
                        "all stand-ins have ended")
        self.ok("delete", "east")
        self.assertRegex(self.ok("events"), r"host east has gone: deleted\n$")


if __name__ == "__main__":
    unittest.main()
