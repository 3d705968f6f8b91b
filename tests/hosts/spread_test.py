# SPDX-License-Identifier: BSD-3-Clause
"""Jobs over several hosts: where tasks go, what they say, how they end, and messages between them."""

import pathlib
import re
import signal
import time
import unittest

import hostlab
import lab

MPIEXEC = lab.BUILD / "bin" / "mpiexec"
SPREAD = lab.BUILD / "tests" / "bin" / "spread"


class Spread(hostlab.HostCase):
    def tasks_on(self, text):
        """Tasks by host index, from lines that hold PVMX_TASK."""
        count = {}
        for tid in re.findall(r"task=\S*,([0-9a-f]+)$", text, re.M):
            host = int(tid, 16) >> 18
            count[host] = count.get(host, 0) + 1
        return count

    def three_hosts(self):
        self.begin()
        own = self.slots()
        self.add("h1,slots=2", "h2,slots=3")
        hosts = self.hosts()
        return own, hosts["h1"][0], hosts["h2"][0]

    def mpiexec(self, *args, **more):
        return self.run_program(MPIEXEC, *args, **more)

    def test_free_slots_first(self):
        own, h1, h2 = self.three_hosts()
        script = "echo rank=$PVMX_RANK/$PVMX_SIZE local=$PVMX_LOCAL_RANK task=$PVMX_TASK"
        status, out, err = self.mpiexec("-n", str(own + 5), "sh", "-c", script)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(self.tasks_on(out), {1: own, h1: 2, h2: 3})
        ranks = re.findall(r"rank=(\d+)/(\d+) local=(\d+)", out)
        self.assertEqual(sorted(int(r[0]) for r in ranks), list(range(own + 5)))
        self.assertEqual(sorted(int(r[2]) for r in ranks),
                         sorted([*range(own), *range(2), *range(3)]))
        # What is more than there are slots is shared out.
        status, out, err = self.mpiexec("-n", str(2 * (own + 5)), "sh", "-c", script)
        self.assertEqual(self.tasks_on(out), {1: 2 * own, h1: 4, h2: 6})
        # Labels and names of files tell where each runs.
        n = str(own + 5)
        status, out, err = self.mpiexec("-v", "-prepend-pattern", "%h/%p ", "-n", n, "echo", "x")
        self.assertEqual(status, 0)
        name = {v[0]: k for k, v in self.hosts().items()}
        self.assertEqual(sorted(out.splitlines()),
                         sorted(f"{name[h]}/{h - 1} x" for h, k in ((1, own), (h1, 2), (h2, 3))
                                for _ in range(k)))
        self.assertEqual(re.findall(r"is t[0-9a-f]+, process \d+ on host (\S+)$", err, re.M),
                         ["h1"] * 2 + ["h2"] * 3)
        self.mpiexec("-outfile-pattern", "out.%h", "-n", n, "echo", "x")
        self.assertEqual((self.tmp / "out.h2").read_text(), "x\n" * 3)

    def test_all_hosts_at_once(self):
        """Four on each of eight hosts: all are asked before the first has answered."""
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "600s"  # no heart-beat meanwhile
        self.begin()
        names = [f"v{i}" for i in range(1, 8)]
        self.add(*[f"{name},slots=4" for name in names])
        leader = int(re.search(r"leader.*127\.0\.0\.1:(\d+)", self.ctl("hosts"))[1])
        daemons = [self.daemon_of(name) for name in names]
        for pid in daemons:
            self.kill(pid, signal.SIGSTOP)

        def asked():
            """Connections with the leader whose other end has not read what came."""
            lines = [x.split() for end in ("", "6") for x in pathlib.Path(f"/proc/net/tcp{end}").read_text().splitlines()]
            return sum(x[2].endswith(f":{leader:04X}") and not x[4].endswith(":00000000") for x in lines)

        job = self.start(MPIEXEC, "-ppn", "4", "-n", "32", "sh", "-c", "echo task=$PVMX_TASK")
        try:
            self.wait_until(lambda: asked() == len(names), "all are asked")
            self.assertIsNone(job.poll())
        finally:
            for pid in daemons:
                self.kill(pid, signal.SIGCONT)
        status, out, err = self.finish(job)
        self.assertEqual((status, set(self.tasks_on(out).values()), len(self.tasks_on(out))), (0, {4}, 8), err)

    def test_range_of_ports_as_others_say_it(self):
        self.env["MPIEXEC_PORT_RANGE"] = "21231:21239"
        self.begin()
        self.add("h1")
        ports = [int(p) for p in re.findall(r":(\d+)(?= |$)", self.ctl("hosts"), re.M)]
        self.assertTrue(ports and all(21231 <= p <= 21239 for p in ports), self.ctl("hosts"))

    def test_output_by_whole_lines(self):
        own, _, _ = self.three_hosts()
        n = own + 5
        script = ("i=0; while [ $i -lt 200 ]; do echo $PVMX_RANK:$i:xxxxxxxxxxxxxxxxxxxxxxxxxxxxx; "
                  "i=$((i+1)); done; echo last $PVMX_RANK >&2; printf tail")
        status, out, err = self.mpiexec("-n", str(n), "sh", "-c", script)
        self.assertEqual(status, 0)
        lines = out.replace("tail", "").splitlines()
        self.assertEqual(len(lines), 200 * n)
        self.assertEqual(out.count("tail"), n)
        for rank in range(n):
            mine = [x for x in lines if x.startswith(f"{rank}:")]
            self.assertEqual(mine, [f"{rank}:{i}:{'x' * 29}" for i in range(200)])
        self.assertEqual(sorted(err.splitlines()), sorted(f"last {r}" for r in range(n)))
        job = self.start(MPIEXEC, "-host", "h1", "sh", "-c",
                         f"printf 'sure? '; until [ -e {self.tmp}/go ]; do sleep 0.01; done; echo yes")
        self.assertEqual(job.stdout.read(6), "sure? ")  # a question is
        (self.tmp / "go").touch()
        self.assertEqual(self.finish(job), (0, "yes\n", ""))

    def test_much_output_is_held_back(self):
        own, _, _ = self.three_hosts()
        job = self.start(MPIEXEC, "-n", str(own + 5), "sh", "-c",
                         "head -c 3000000 /dev/zero | tr '\\0' y")
        time.sleep(0.3)  # nobody reads: what is written has to wait somewhere
        status, out, err = self.finish(job)
        self.assertEqual((status, len(out)), (0, 3000000 * (own + 5)), err)

    def test_standard_input(self):
        """A process on another host reads what mpiexec's own descriptor has, to its end, as one on this host does."""
        self.three_hosts()
        path = self.tmp / "input"
        path.write_text("".join(f"{i}\n" for i in range(300000)))
        for source in ("exec", "cat {} |", "exec 3<{}; read -r skipped <&3;"):
            text = path.read_text()
            more = f"<{path}" if source == "exec" else ""
            if "skipped" in source:  # what has been read before is not read again
                text, more = text[2:], "<&3"
            out = self.check_program("bash", "-c", f"{source.format(path)} {MPIEXEC} -host h1 -n 2 cat {more}")
            self.assertTrue(out == text, (source, len(out)))
        out = self.check_program("sh", "-c", f"{MPIEXEC} -stdin all -l -host h1:1,h2:1,localhost:1 -n 3 md5sum <{path}")
        self.assertEqual(len(set(line.split()[1] for line in out.splitlines())), 1, out)
        self.assertEqual(len(out.splitlines()), 3, out)
        self.assertEqual(self.check_program("sh", "-c", f"echo x | {MPIEXEC} -stdin 1 -host h2 -n 2 "
                                            "sh -c 'cat; echo $PVMX_RANK'").splitlines().count("x"), 1)
        # One that reads no more is a closed pipe for who writes; what nobody reads is held back.
        self.check_program("bash", "-c", f"set -o pipefail; (yes; [ $? = 141 ]) | {MPIEXEC} -host h1 -n 1 head -n 3")
        job = self.start(MPIEXEC, "-host", "h2", "-n", "1", "sh", "-c", "read x; echo $x; read x; echo $x; wc -c",
                         stdin=-1)
        for word in ("one", "two"):
            job.stdin.write(f"{word}\n")
            job.stdin.flush()
            self.assertEqual(job.stdout.readline(), f"{word}\n")
        status, out, _ = self.finish(job)
        self.assertEqual((status, out), (0, "0\n"))
        held = self.start("sh", "-c", f"dd if=/dev/zero bs=64k count=64 2>{self.tmp}/written | "
                          f"{MPIEXEC} -host h1 -n 1 sh -c 'echo up; while [ ! -e {self.tmp}/go ]; do sleep 0.02; done; "
                          "wc -c'")
        self.assertEqual(held.stdout.readline(), "up\n")
        time.sleep(0.3)
        self.assertEqual((self.tmp / "written").read_text(), "")
        (self.tmp / "go").touch()
        self.assertEqual(self.finish(held)[1], f"{64 * 65536}\n")

    def test_status_and_signals(self):
        own, _, _ = self.three_hosts()
        n = str(own + 5)
        status, _, _ = self.mpiexec("-n", n, "sh", "-c",
                                    f"[ $PVMX_RANK = {own + 4} ] && exit 7; exit 0")
        self.assertEqual(status, 7)
        job = self.start(MPIEXEC, "-n", n, "sh", "-c", "echo up; exec sleep 1000")
        for _ in range(own + 5):
            self.assertEqual(job.stdout.readline(), "up\n")
        job.send_signal(signal.SIGINT)
        status, _, _ = self.finish(job)
        self.assertNotEqual(status, 0)
        self.wait_until(lambda: not self.sleepers(), "no task is left")

    def sleepers(self):
        return [p for p in self.processes() if "sleep\0" in self.raw(p)]

    @staticmethod
    def raw(pid):
        try:
            with open(f"/proc/{pid}/cmdline") as f:
                return f.read()
        except OSError:
            return ""

    def test_missing_program(self):
        own, h1, _ = self.three_hosts()
        status, _, err = self.mpiexec("-n", str(own + 5), "/no/such/program")
        self.assertNotEqual(status, 0)
        self.assertIn("/no/such/program", err)
        self.wait_until(lambda: "tasks=0" in self.ctl("status"), "no task here")
        other = f"{self.vm}.{h1}"
        self.wait_until(lambda: "tasks=0" in self.ctl("status", vm=other), "no task there")

    def test_messages(self):
        self.three_hosts()
        for n in (1, 3, 9):
            out = self.check_program(SPREAD, str(n))
            self.assertIn("universe", out)

    def test_messages_while_asleep(self):
        self.env["PVMX_WAIT"] = "sleep"
        self.three_hosts()
        self.check_program(SPREAD, "9")

    def test_killed_daemon_takes_its_tasks_along(self):
        own, h1, _ = self.three_hosts()
        victim = self.daemon_of("h1")
        job = self.start(MPIEXEC, "-n", str(own + 5), "sh", "-c", "echo up; exec sleep 1000")
        for _ in range(own + 5):
            self.assertEqual(job.stdout.readline(), "up\n")
        self.kill(victim)
        status, _, err = self.finish(job)
        self.assertNotEqual(status, 0, err)
        self.wait_until(lambda: not self.sleepers(), "no task is left")
        self.assertNotIn("h1", self.hosts())
        self.clean(h1)

    def test_killed_daemon_that_was_left_alone(self):
        """The others may come back, to whom its tasks have ended."""
        self.begin()
        self.add("h1")
        self.ctl("delete", "h1")
        job = self.start(MPIEXEC, "-n", "2", "sh", "-c", "echo up; exec sleep 1000")
        for _ in range(2):
            self.assertEqual(job.stdout.readline(), "up\n")
        self.kill(int(re.search(r"pid=(\d+)", self.ctl("status"))[1]))
        self.assertNotEqual(self.finish(job)[0], 0)
        self.wait_until(lambda: not self.sleepers(), "no task is left")
        self.forget_killed()

    def test_killed_mpiexec(self):
        own, _, _ = self.three_hosts()
        job = self.start(MPIEXEC, "-n", str(own + 5), "sh", "-c", "echo up; exec sleep 1000")
        for _ in range(own + 5):
            self.assertEqual(job.stdout.readline(), "up\n")
        job.kill()
        self.finish(job)
        self.wait_until(lambda: not self.sleepers(), "no task is left")

    def test_dead_worker_is_noticed(self):
        """A worker on another host is killed: its master hears of it, and spawns a new one."""
        own, h1, _ = self.three_hosts()
        program = self.compile("survive", SURVIVE)
        out = self.check_program(program, str(own + 5))
        self.assertIn("survived", out)

    def test_ports_and_names(self):
        """A server on one host and a client on another find each other by a name."""
        self.three_hosts()
        program = self.compile("meet", MEET)
        self.assertIn("met", self.check_program(program, "h1", "h2"))
        self.assertIn("met", self.check_program(program, "h2", "localhost"))

    def test_each_program_is_bound_as_it_says(self):
        """On another host too, where only what is said by nobody comes from the spawner."""
        own, _, _ = self.three_hosts()
        if own < 2:
            self.skipTest("needs two processors")
        out = self.check_program(self.compile("bound", BOUND))
        self.assertEqual(out, f"1 {own}\n")

    def clean(self, index):
        import shutil
        shutil.rmtree(self.runtime / "pvmx" / f"{self.vm}.{index}", ignore_errors=True)


BOUND = r"""
#define _GNU_SOURCE
#include <mpi.h>
#include <sched.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    MPI_Comm parent, children;
    cpu_set_t set;
    int n[2];
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) {
        sched_getaffinity(0, sizeof set, &set);
        n[0] = CPU_COUNT(&set);
        MPI_Gather(n, 1, MPI_INT, NULL, 0, MPI_INT, 0, parent);
        MPI_Comm_disconnect(&parent);
    } else {
        char *commands[] = {argv[0], argv[0]};
        MPI_Info info[2];
        for (int i = 0; i < 2; i++) {
            MPI_Info_create(&info[i]);
            MPI_Info_set(info[i], "host", "h1");
        }
        MPI_Info_set(info[0], "bind_to", "hwthread");
        MPI_Comm_spawn_multiple(2, commands, MPI_ARGVS_NULL, (int[]){1, 1}, info, 0, MPI_COMM_SELF, &children,
                                MPI_ERRCODES_IGNORE);
        MPI_Gather(NULL, 0, MPI_INT, n, 1, MPI_INT, MPI_ROOT, children);
        printf("%d %d\n", n[0], n[1]);
        MPI_Info_free(&info[0]);
        MPI_Info_free(&info[1]);
        MPI_Comm_disconnect(&children);
    }
    MPI_Finalize();
    return 0;
}
"""

SURVIVE = r"""
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    MPI_Comm parent, children;
    int n = argc > 1 ? atoi(argv[1]) : 0, value = 0, class, rank, size;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) {
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        MPI_Comm_size(MPI_COMM_WORLD, &size);
        MPI_Send(&rank, 1, MPI_INT, 0, 1, parent);
        MPI_Recv(&value, 1, MPI_INT, 0, 2, parent, MPI_STATUS_IGNORE);
        if (value < 0)
            raise(SIGKILL);
        MPI_Comm_disconnect(&parent);
        MPI_Finalize();
        return 0;
    }
    for (int round = 0; round < 3; round++) {
        MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, n, MPI_INFO_NULL, 0, MPI_COMM_SELF, &children,
                       MPI_ERRCODES_IGNORE);
        MPI_Comm_set_errhandler(children, MPI_ERRORS_RETURN);
        for (int i = 0; i < n; i++)
            MPI_Recv(&value, 1, MPI_INT, i, 1, children, MPI_STATUS_IGNORE);
        value = -1; /* the last one, which is on another host */
        MPI_Send(&value, 1, MPI_INT, n - 1, 2, children);
        int err = MPI_Recv(&value, 1, MPI_INT, n - 1, 3, children, MPI_STATUS_IGNORE);
        MPI_Error_class(err, &class);
        if (err == MPI_SUCCESS) {
            fprintf(stderr, "a message from the dead\n");
            return 1;
        }
        value = 0;
        for (int i = 0; i < n - 1; i++)
            MPI_Send(&value, 1, MPI_INT, i, 2, children);
        MPI_Comm_disconnect(&children);
    }
    printf("survived\n");
    MPI_Finalize();
    return 0;
}
"""

MEET = r"""
#include <mpi.h>
#include <stdio.h>
#include <string.h>

static MPI_Comm start(char *self, char *role, char *host)
{
    char *argv[] = {role, NULL};
    MPI_Comm comm;
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_Info_set(info, "host", host);
    MPI_Comm_spawn(self, argv, 1, info, 0, MPI_COMM_SELF, &comm, MPI_ERRCODES_IGNORE);
    MPI_Info_free(&info);
    return comm;
}

int main(int argc, char **argv)
{
    MPI_Comm parent, other;
    char port[MPI_MAX_PORT_NAME] = "";
    int value = 0, twice = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent == MPI_COMM_NULL) {
        MPI_Comm server = start(argv[0], "server", argv[1]);
        MPI_Recv(&value, 1, MPI_INT, 0, 1, server, MPI_STATUS_IGNORE); /* has published */
        MPI_Comm client = start(argv[0], "client", argv[2]);
        MPI_Recv(&value, 1, MPI_INT, 0, 1, client, MPI_STATUS_IGNORE);
        printf(value == 42 ? "met\n" : "lost\n");
        MPI_Comm_disconnect(&client);
        MPI_Comm_disconnect(&server);
    } else if (strcmp(argv[1], "server") == 0) {
        MPI_Open_port(MPI_INFO_NULL, port);
        MPI_Publish_name("here", MPI_INFO_NULL, port);
        MPI_Send(&value, 1, MPI_INT, 0, 1, parent);
        MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &other);
        MPI_Recv(&value, 1, MPI_INT, 0, 1, other, MPI_STATUS_IGNORE);
        twice = 2 * value;
        MPI_Send(&twice, 1, MPI_INT, 0, 2, other);
        MPI_Comm_disconnect(&other);
        MPI_Unpublish_name("here", MPI_INFO_NULL, port);
        MPI_Close_port(port);
        MPI_Comm_disconnect(&parent);
    } else {
        value = 21;
        MPI_Lookup_name("here", MPI_INFO_NULL, port);
        MPI_Comm_connect(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &other);
        MPI_Send(&value, 1, MPI_INT, 0, 1, other);
        MPI_Recv(&twice, 1, MPI_INT, 0, 2, other, MPI_STATUS_IGNORE);
        MPI_Send(&twice, 1, MPI_INT, 0, 1, parent);
        MPI_Comm_disconnect(&other);
        MPI_Comm_disconnect(&parent);
    }
    MPI_Finalize();
    return 0;
}
"""

if __name__ == "__main__":
    unittest.main()
