# SPDX-License-Identifier: BSD-3-Clause
"""What tasks write is kept, and can be read and followed; what is typed reaches them."""

import fcntl
import json
import os
import pathlib
import re
import signal
import struct
import termios
import unittest

from hostcase import PVMX, PVMXD, ThreeHosts
from lab import BUILD, SANITIZED
from terminal import CTRL_C, CTRL_D, Terminal

FAR = r"""
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    MPI_Comm parent, children;
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (parent == MPI_COMM_NULL)
        MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 6, MPI_INFO_NULL, 0, MPI_COMM_SELF, &children,
                       MPI_ERRCODES_IGNORE);
    else
        printf("child %d\n", rank);
    MPI_Finalize();
}
"""


LATE = r"""
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    MPI_Comm other;
    MPI_Info info;
    MPI_Init(&argc, &argv);
    MPI_Info_create(&info);
    MPI_Info_set(info, "pvmx_lifetime", "detached");
    MPI_Comm_get_parent(&other);
    int child = other != MPI_COMM_NULL;
    if (!child)
        MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 1, info, 0, MPI_COMM_SELF, &other,
                       MPI_ERRCODES_IGNORE);
    MPI_Comm_disconnect(&other);
    while (child && access("go", F_OK) != 0)
        usleep(1000);
    if (child)
        puts(isatty(1) ? "late, at a terminal" : "late");
    MPI_Info_free(&info);
    MPI_Finalize();
}
"""


# AddressSanitizer keeps what was freed, up to 256 MiB.
QUARANTINE_KB = 300 * 1024 if SANITIZED else 0


class Logs(ThreeHosts):
    def lines(self, *args):
        return [json.loads(line) for line in self.ok("--json", "logs", *args).splitlines()]

    def memory_kb(self, pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def test_of_a_job_on_all_hosts(self):
        hosts = self.three_hosts()
        tids, job = self.spawn("-6", "sh", "-c", "echo out $PVMX_RANK; echo err $PVMX_RANK >&2")
        self.ok("wait", f"job:{job}")
        lines = self.lines(str(job))
        self.assertEqual(sorted((e["tid"], e["stream"], e["text"]) for e in lines),
                         sorted((t, s, f"{s} {i}") for i, t in enumerate(tids) for s in ("out", "err")))
        self.assertEqual({e["tid"]: e["host"] for e in lines}, dict(zip(tids, [h for h in hosts
                                                                               for _ in range(2)])))
        self.assertEqual([e["at_ms"] for e in lines], sorted(e["at_ms"] for e in lines))
        status, out, err = self.pvmx("logs", f"job:{job}")
        self.assertEqual(status, 0)
        self.assertEqual(sorted(out.splitlines()), sorted(f"[{t}] out {i}" for i, t in enumerate(tids)))
        self.assertEqual(sorted(err.splitlines()), sorted(f"[{t}] err {i}" for i, t in enumerate(tids)))
        # One alone has no label; any daemon can be asked.
        out = self.check_program(PVMX, "logs", tids[5], env=self.at("east"))
        self.assertEqual(out, "out 5\n")
        self.assertEqual(sorted(self.pvmx("logs", "-r", tids[0], tids[2])[1].splitlines()),
                         ["out 0", "out 2"])

    def mpiexec(self, *args, program):
        return self.start(BUILD / "bin" / "mpiexec", *args, "sh", "-c", program)

    def last_job(self):
        """That has been started last; another one may end after it."""
        events = [json.loads(line) for line in self.ok("--json", "events").splitlines()]
        return str([e["job"] for e in events if e["event"] == "started" and e["job"]][-1])

    def test_of_a_job_of_mpiexec(self):
        """On its own host mpiexec reads what tasks write, elsewhere their daemons do."""
        self.three_hosts()
        run = self.mpiexec("-n", "6", "-l", program="echo out $PVMX_RANK; echo err $PVMX_RANK >&2; "
                                                    "exec sleep 600")
        first = sorted(run.stdout.readline() for _ in range(6))
        self.assertEqual(first, [f"[{i}] out {i}\n" for i in range(6)])
        tasks = {t["tid"]: t for t in self.json("ps") if t["job"]}
        job = str(next(iter(tasks.values()))["job"])
        want = sorted((t["host"], "err" if s else "out", f"{'err' if s else 'out'} {t['rank']}")
                      for t in tasks.values() for s in (0, 1))
        self.wait_until(lambda: sorted((e["host"], e["stream"], e["text"]) for e in self.lines(job)) ==
                   want, "what all six have written")
        follower = self.start(PVMX, "logs", "-f", job)
        attached = self.start(PVMX, "attach", "-r", next(iter(tasks)))
        self.assertRegex(follower.stdout.readline(), r"\[t[0-9a-f]+\] out \d")
        self.assertRegex(attached.stdout.readline(), r"out \d")
        run.send_signal(signal.SIGTERM)
        self.finish(run)
        self.assertEqual((self.finish(follower)[0], self.finish(attached)[0]), (0, 0))
        # After its end, and mpiexec's, it is still kept.
        self.assertEqual(len(self.lines(job)), 12)

    def test_of_mpiexec_with_one_process(self):
        """What it says on its end is not lost, and neither what stays in the middle of a line."""
        self.begin()
        run = self.mpiexec("-n", "1", program="printf begun; kill -9 $$")
        out = self.finish(run)[1]
        job = self.last_job()
        self.assertIn("begun", out)
        self.assertEqual(self.ok("logs", job), "begun\n")

    def test_of_mpiexec_at_a_terminal(self):
        """The tasks have a terminal, in the order of writing its output is kept, and the user's sees every byte."""
        self.begin()
        t = Terminal(self, BUILD / "bin" / "mpiexec", "-n", "2", "sh", "-c",
                     '[ $PVMX_RANK = 1 ] && { while [ ! -e go ]; do sleep 0.01; done; printf "one\\tat\\33[1m" >&2; '
                     'touch on; exec sleep 600; }; [ -t 1 ] && stty size <&1; touch go; '
                     'while [ ! -e on ]; do sleep 0.01; done; echo zero; exec sleep 600')
        t.expect("40 200\r\none\tat\x1b\\[1mzero\r\n")
        tids = {x["tid"]: x["job"] for x in self.json("ps") if x["job"]}
        job = str(tids.popitem()[1])
        text = "40 200\none\tat\33[1mzero\n"
        self.wait_until(lambda: self.ok("logs", job) == text, "it is kept")
        lines = self.lines(job)  # a line may have come in parts
        self.assertEqual({(x["tid"], x["job"]) for x in lines}, {(None, int(job))})
        self.assertEqual("".join(x["text"] for x in lines), text.replace("\n", ""))
        self.fails("that write to its terminal for the job", "logs", tids.popitem()[0])
        fcntl.ioctl(t.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        task, _ = self.wait_until(lambda: len(found := [p for p in self.processes() if self.cmdline(p).startswith(
            "sleep 600")]) == 2 and found, "both sleep")
        self.wait_until(lambda: self.size_of(f"/proc/{task}/fd/1") == (24, 80), "the new size is known")
        t.send(CTRL_C)
        self.assertEqual(t.finish(), 130)
        self.assertEqual(self.ok("logs", "-f", job), text)

    def test_children_at_a_terminal(self):
        """Those of this host write there too; a detached one has the user's own."""
        self.three_hosts()
        t = Terminal(self, BUILD / "bin" / "mpiexec", "-n", "1", self.compile("far", FAR))
        self.assertEqual(t.finish(), 0)
        want = [f"child {i}" for i in range(6)]
        self.assertEqual(sorted(t.shown.split("\r\n")), ["", *want])
        job = self.last_job()
        lines = self.lines(job)
        self.assertEqual(sorted(x["text"] for x in lines), want)
        self.assertEqual({x["host"] for x in lines if x["tid"] is None}, {self.here})
        self.assertIn(f"job {job} writes to a terminal together with job", self.pvmx("logs", job)[2])
        t = Terminal(self, "bash", "--norc", "--noprofile", "--noediting", "-i")
        t.line(f"{BUILD}/bin/mpiexec -n 1 {self.compile('late', LATE)}; echo is $?")
        t.expect("is 0")
        (self.tmp / "go").touch()
        t.expect("late, at a terminal")
        t.line("exit")
        self.assertEqual(t.finish(), 0)

    @staticmethod
    def size_of(path):
        fd = os.open(path, os.O_RDONLY | os.O_NOCTTY)
        try:
            return struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8))[:2]
        finally:
            os.close(fd)

    def test_mpiexec_that_is_flooded(self):
        """Its output is whole, the log has its end, and nobody waits for the log."""
        self.begin()
        n = 300000
        run = self.mpiexec("-n", "2", program=f"seq {n}")
        out = self.finish(run)[1]
        self.assertEqual(len(out.splitlines()), 2 * n)
        job = self.last_job()
        last = lambda lines: [e["text"] for e in lines].count(str(n)) == 2 and lines
        kept = self.wait_until(lambda: last(self.lines(job)), "the daemon has read all that mpiexec has told it")
        for tid in {e["tid"] for e in kept}:
            numbers = [int(e["text"]) for e in kept if e["tid"] == tid]
            self.assertEqual(numbers[-1], n)
            self.assertEqual(numbers, sorted(set(numbers)), "whole lines, in order")

    def test_what_is_not_kept(self):
        self.three_hosts()
        self.fails("there has been no job 99", "logs", "99")
        _, job = self.spawn("->out", "echo", "to a file")
        self.ok("wait", str(job))
        self.fails("nothing is kept", "logs", str(job))
        self.assertEqual((self.tmp / "out").read_text(), "to a file\n")
        run = self.start(BUILD / "bin" / "mpiexec", "-n", "1", "-stdoutbuf", "none",
                         "-stderrbuf", "none", "sh", "-c",
                         "echo mine; sleep 600")
        self.assertEqual(run.stdout.readline(), "mine\n")
        self.fails("nothing is kept", "logs", self.json("ps")[0]["tid"])
        run.send_signal(signal.SIGTERM)
        self.finish(run)
        self.fails("no number of lines", "logs", "-n", "-1", "3", status=2)

    def test_many_tasks_leave_descriptors(self):
        """Rather than to fail for want of pipes the daemon keeps nothing."""
        self.begin("sh", "-c", 'ulimit -n 400; exec "$@"', "sh")
        _, job = self.spawn("-20", "echo", "kept")
        self.ok("wait", str(job))
        self.assertEqual(len(self.lines(str(job))), 20)
        _, job = self.spawn("-80", "echo", "lost")
        self.ok("wait", str(job))
        self.fails("not thousands at once", "logs", str(job))

    def test_children_on_other_hosts_are_kept(self):
        self.three_hosts()
        self.assertEqual(sorted(self.check_program(self.compile("far", FAR)).splitlines()),
                         [f"child {i}" for i in range(6)])
        events = [json.loads(line) for line in self.ok("--json", "events").splitlines()]
        far = {e["tid"]: e["host"] for e in events if e["event"] == "started" and e["job"] and
               e["host"] != self.here}
        self.assertGreater(len(far), 1)
        for tid, host in far.items():
            line, = self.lines(tid)
            self.assertEqual(line["host"], host)
            self.assertRegex(line["text"], r"child \d")

    def test_follow(self):
        self.three_hosts()
        tids, job = self.spawn("-3", "-east", "sh", "-c",
                               "echo begin; while [ ! -e go.$PVMX_RANK ]; do sleep 0.01; done; echo end")
        run = self.start(PVMX, "logs", "-f", str(job))
        self.assertEqual(sorted(run.stdout.readline() for _ in range(3)),
                         [f"[{t}] begin\n" for t in tids])
        for i in (2, 0, 1):
            (self.tmp / f"go.{i}").touch()
            self.assertEqual(run.stdout.readline(), f"[{tids[i]}] end\n")
        self.assertEqual(self.finish(run), (0, "", ""))
        (one,), _ = self.spawn("sleep", "600")
        run = self.start(PVMX, "logs", "-f", one)
        self.wait_until(lambda: "poll" in pathlib.Path(f"/proc/{run.pid}/wchan").read_text(), "it waits")
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(run)[0], 130)

    def test_last_lines_and_parts_of_lines(self):
        self.three_hosts()
        (tid,), job = self.spawn("sh", "-c", "seq 100; printf 'no end'")
        self.ok("wait", str(job))
        self.assertEqual(self.ok("logs", "-n", "3", tid), "99\n100\nno end\n")
        self.assertEqual(self.ok("logs", "-n", "0", tid), "")
        self.assertEqual(self.ok("logs", tid), "".join(f"{i}\n" for i in range(1, 101)) + "no end\n")
        self.assertEqual(self.lines("-n", "2", tid)[-1]["text"], "no end")
        self.assertEqual(self.ok("logs", "-ln", "2", tid), f"[{tid}] 100\n[{tid}] no end\n")
        (tid,), job = self.spawn("sh", "-c", r"printf 'bad \377 bytes\n'")
        self.ok("wait", str(job))
        self.assertEqual(self.lines(tid)[0]["text"], "bad \ufffd bytes")
        (tid,), job = self.spawn("sh", "-c", "echo error >&2")
        self.ok("wait", str(job))
        self.assertEqual(self.pvmx("logs", tid), (0, "", "error\n"))
        self.assertEqual(self.pvmx("logs", "-l", tid), (0, f"[{tid}] error\n", ""))

    def test_bounds(self):
        """Tasks write as fast as they can, and nobody reads: they are not held up, and memory stays."""
        self.env["PVMX_DAEMON_OUTPUT_TOTAL"] = "1m"
        self.three_hosts()
        self.assertEqual(self.json("settings", "daemon.output_task")[0]["value"], "64k")
        east = self.daemon_of("east")
        before = self.memory_kb(east)
        _, job = self.spawn("-4", "-east", "sh", "-c", "yes 0123456789abcdef | head -c 20000000; echo end")
        self.ok("wait", f"job:{job}")
        status, out, err = self.pvmx("logs", "-r", str(job))
        self.assertEqual(status, 0)
        self.assertRegex(err, r"pvmx: \d+ bytes are no longer kept")
        self.assertEqual(out.count("end\n"), 4)
        self.assertLess(len(out), 4 * 64 * 1024)
        self.assertGreater(len(out), 4 * 16 * 1024)
        lost = int(re.search(r"(\d+) bytes", err)[1])
        self.assertEqual(lost + len(out), 4 * 20000004)
        self.assertLess(self.memory_kb(east), before + 20 * 1024 + QUARANTINE_KB)

    def test_total_bound(self):
        """The logs of tasks that have ended go first, the oldest of them before the others."""
        self.env["PVMX_DAEMON_OUTPUT_TOTAL"] = "100k"
        self.env["PVMX_DAEMON_OUTPUT_TASK"] = "32k"
        self.begin()
        (live,), _ = self.spawn("sh", "-c", "head -c 9999 /dev/zero | tr '\\0' x; echo; exec sleep 600")
        self.wait_until(lambda: self.pvmx("logs", live)[1].endswith("x\n"), "it has written")
        tids = []
        for i in range(8):
            (tid,), job = self.spawn("sh", "-c", "head -c 20000 /dev/zero | tr '\\0' y; echo")
            self.ok("wait", str(job))
            tids.append(tid)
        kept = [t for t in tids if self.pvmx("logs", t)[0] == 0]
        self.assertEqual(kept, tids[-len(kept):])
        self.assertIn(len(kept), (3, 4))
        self.assertEqual(self.ok("logs", live), "x" * 9999 + "\n")

    def test_followers_end_with_their_reader(self):
        _, job = self.spawn("sh", "-c", "echo line; sleep 600")  # and nothing more
        for args in (("logs", "-f", job), ("attach", job), ("events", "-f")):
            with self.subTest(args=args):
                run = self.start(PVMX, *args)
                run.stdout.readline()
                run.stdout.close()
                run.stdout = None
                run.communicate(timeout=60)
                self.assertEqual(run.returncode, 1)
        with open("/dev/full", "w", encoding="ascii") as full:
            status, _, err = self.run_program(PVMX, "logs", "-f", job, stdout=full)
        self.assertEqual(status, 1)
        self.assertIn("could not be written", err)
        self.ok("kill", f"job:{job}")

    def test_follower_that_does_not_read(self):
        """It holds up neither the task nor the daemon."""
        self.three_hosts()
        (tid,), job = self.spawn("-east", "sh", "-c",
                                 "yes 0123456789abcdef | head -c 50000000; echo end; touch done")
        run = self.start(PVMX, "logs", "-f", tid)
        self.wait_until((self.tmp / "done").exists, "the task is done")
        for pid in self.processes(PVMXD):
            self.assertLess(self.memory_kb(pid), 64 * 1024 + QUARANTINE_KB)
        self.ok("wait", str(job))
        status, out, err = self.finish(run)
        self.assertEqual(status, 0)
        self.assertTrue(out.endswith("end\n"), out[-100:])

    def test_output_still_goes_to_the_spawner(self):
        self.three_hosts()
        # The console may be gone before the tasks write: its descriptors are still theirs, to the end.
        out = self.ok("spawn", "-6", "->", "sh", "-c", "sleep 0.1; echo line $PVMX_RANK")
        self.assertRegex(out, r"\[1\] 6 successful")
        self.assertEqual(sorted(re.findall(r"line \d", out)), [f"line {i}" for i in range(6)])

    def test_attach_gives_input(self):
        self.three_hosts()
        for host in (self.here, "west"):
            tids, job = self.spawn("-i", "-2", f"-{host}", "sh", "-c",
                                   "while read l; do echo $PVMX_RANK got $l; done; echo $PVMX_RANK done")
            self.wait_until(lambda: len(self.lines(str(job))) == 1, "rank 1 reads the end of the file")
            t = Terminal(self, PVMX, "attach", str(job))
            t.expect(f"what is typed goes to {tids[0]}, Ctrl-D is its end; Ctrl-C detaches")
            t.expect(rf"\[{tids[1]}\] 1 done")
            t.line("first")
            t.expect(rf"\[{tids[0]}\] 0 got first")
            t.send(CTRL_C)
            t.expect("detached; the tasks go on")
            self.assertEqual(t.finish(), 0)
            self.wait_until(lambda: [t["tid"] for t in self.json("ps")] == [tids[0]], "rank 1 has ended")
            t = Terminal(self, PVMX, "attach", str(job))
            t.expect("0 got first")
            t.line("second")
            t.expect("0 got second")
            t.send(CTRL_D)
            t.expect("0 done")
            self.assertEqual(t.finish(), 0)
            self.wait_until(lambda: self.json("ps") == [], "rank 0 has ended")

    def test_attach_from_a_pipe(self):
        self.three_hosts()
        text = "".join(f"{i} {'x' * 60}\n" for i in range(3000))
        (self.tmp / "text").write_text(text)
        (tid,), job = self.spawn("-i", "-east", "tee", "copy")
        with (self.tmp / "text").open() as f:
            self.check_program(PVMX, "attach", tid, stdin=f)
        self.ok("wait", f"job:{job}")
        self.assertEqual((self.tmp / "copy").read_text(), text)

    def test_attach_without_input(self):
        self.three_hosts()
        (tid,), job = self.spawn("sh", "-c", "echo hello; while [ ! -e go ]; do sleep 0.01; done; echo bye")
        t = Terminal(self, PVMX, "attach", tid)
        t.expect(r"no task takes input \(spawn -i\); Ctrl-C detaches")
        t.expect("hello")
        t.line("nobody reads this")
        (self.tmp / "go").touch()
        t.expect("bye")
        self.assertEqual(t.finish(), 0)
        # A task that does not read, and ends: the console ends with it.
        (tid,), job = self.spawn("-i", "sleep", "600")
        t = Terminal(self, PVMX, "attach", tid)
        t.expect("what is typed goes to")
        t.line("x" * 1000)
        self.ok("kill", tid)
        self.assertEqual(t.finish(), 0)
        self.fails("spawn: -i and ->FILE", "spawn", "-i", "->x", "cat", status=2)

    def test_nothing_is_left(self):
        self.three_hosts()
        daemons = {h["host"]: h["pid"] for h in self.json("hosts")}
        count = lambda: {h: len(os.listdir(f"/proc/{p}/fd")) for h, p in daemons.items()}
        round_trip = lambda: self.ok("wait", f"job:{self.spawn('-i', '-12', 'echo', 'x')[1]}")
        round_trip()  # links between the daemons are there from now on
        self.wait_until(lambda: not self.json("ps"), "all have ended")
        before = count()
        for _ in range(10):
            round_trip()
        self.wait_until(lambda: all(n <= before[h] for h, n in count().items()),
                        f"no descriptor is left: {before}")


if __name__ == "__main__":
    unittest.main()
