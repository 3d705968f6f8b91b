# SPDX-License-Identifier: BSD-3-Clause
"""Host files where they are used, and what they say of a host: with real daemons on this machine."""

import os
import re
import socket
import time
import unittest

import hostlab
import lab

PVMX = lab.BUILD / "bin" / "pvmx"
MPIEXEC = lab.BUILD / "bin" / "mpiexec"
SHOW = 'echo "$PVMX_RANK ${PVMX_TASK##*,} $PWD $0"'


class HostFile(hostlab.HostCase):
    def write(self, name, text):
        path = self.tmp / name
        path.write_text(text)
        return path

    def slots_of(self):
        return {name: h[1] for name, h in self.hosts().items() if not h[2]}

    def speeds(self):
        return {m[1]: int(m[2]) for m in re.finditer(r"^\d+ (\S+) up .*speed=(\d+)", self.ctl("hosts"), re.M)}

    def placed(self, *args):
        """Host index -> tasks of a job."""
        count = {}
        for line in self.check_program(MPIEXEC, *args, "sh", "-c", SHOW).splitlines():
            host = int(line.split()[1], 16) >> 18
            count[host] = count.get(host, 0) + 1
        return count

    def test_add_from_a_file(self):
        self.begin()
        path = self.write("hosts", "# all kinds\n* sp=700\nlam cpu=2\nmpich:3 # comment\nompi slots=4 max_slots=9\n"
                                   f"{socket.gethostname()} cpu=1 launcher=ssh\n& later cpu=5 wd=/tmp\n"
                                   "* sp=20\npvm\npvm\n")
        out = self.check_program(PVMX, "add", "--from", path)
        self.assertEqual(out.count("PVMX_OK"), 4, out)
        self.assertIn("is in the virtual machine already", out.replace("which is", "is"))
        self.assertEqual(self.slots_of(), {"lam": 2, "mpich": 3, "ompi": 4, "pvm": 2})
        speeds = self.speeds()
        self.assertEqual((speeds["lam"], speeds["pvm"]), (700, 20))
        # Again: what is there is no failure. A host that the file keeps for later comes when it is named.
        self.check_program(PVMX, "add", "--from", path)
        self.assertIn("PVMX_OK", self.check_program(PVMX, "add", "-f", path, "later"))
        self.assertEqual(self.slots_of()["later"], 5)
        for text, error in (("h1 slots=0\n", "line 1: \"0\" is no number of slots"),
                            ("\nh1 slot=1\n", "line 2: there is no option slot="), (None, "No such file")):
            bad = self.write("bad", text) if text else self.tmp / "none"
            status, out, err = self.run_program(PVMX, "add", "--from", bad)
            self.assertEqual((status, out), (1, ""))
            self.assertIn(f"host file {bad}", err)
            self.assertIn(error, err)
        status, out, err = self.run_program(PVMX, "add")
        self.assertEqual(status, 2)
        self.assertIn("--from FILE", err)

    def test_pvmxd_with_a_file(self):
        path = self.write("hosts", "localhost sp=300 wd=/usr cpu=3 launcher=ssh\n* wd=/tmp\nh1:2 wd=/\n& h2:4\n"
                                   "gone launcher=\"echo no way >&2; exit 9; %c\"\n")
        status, out, err = self.run_program(hostlab.PVMXD, path)
        self.assertEqual((status, out), (0, ""), err)
        self.assertEqual(err, "pvmxd: host gone: no way\n")
        own = next(n for n, h in self.hosts().items() if h[2])
        self.assertEqual(self.slots_of(), {"h1": 2})
        self.assertEqual((self.hosts()[own][1], self.speeds()[own]), (3, 300))
        # The file goes on to speak of hosts that are added later.
        self.add("h2", "h3,slots=1")
        self.assertEqual(self.slots_of(), {"h1": 2, "h2": 4, "h3": 1})
        out = self.check_program(MPIEXEC, "-l", "-n", "10", "sh", "-c", "echo $PWD")
        self.assertEqual(sorted(line.split()[1] for line in out.splitlines()),
                         sorted(3 * ["/usr"] + 2 * ["/"] + 5 * ["/tmp"]))
        status, _, err = self.run_program(hostlab.PVMXD, "--vm", "other", self.write("bad", "a b\n"))
        self.assertEqual(status, 2)
        self.assertIn("bad, line 1", err)

    def test_programs_use_it(self):
        self.begin()
        self.add("h1,slots=2", "h2,slots=3", "h3,slots=4")
        index = {name: h[0] for name, h in self.hosts().items()}
        path = self.write("hosts", "h2 slots=2\nh1\nh3 slots=9 schedule=no\n")
        self.assertEqual(self.placed("-hostfile", path, "-n", "4"), {index["h2"]: 2, index["h1"]: 2})
        self.assertEqual(self.placed("-hostfile", path, "-ppn", "1", "-n", "4"), {index["h2"]: 2, index["h1"]: 2})
        self.assertEqual(self.placed("-hostfile", path, "-host", "h3", "-n", "2"), {index["h3"]: 2})
        self.assertEqual(self.placed("-host", "h3:1,h1:1", "-n", "3"), {index["h3"]: 2, index["h1"]: 1})
        self.assertEqual(self.placed("-ppn", "1", "-n", "4"), {i: 1 for i in index.values()})
        # Without -n: as many as there are slots.
        self.assertEqual(self.placed("-hostfile", path), {index["h2"]: 2, index["h1"]: 1})
        self.assertEqual(self.placed("-hostfile", path, "-ppn", "2"), {index["h2"]: 2, index["h1"]: 2})
        self.assertEqual(self.placed("-host", "h3:1,h1,h3:2"), {index["h3"]: 3, index["h1"]: 1})
        out = self.check_program(MPIEXEC, "-f", self.write("f", "h7 slots=3 wd=/usr\n"), "pwd")  # is added
        self.assertEqual((out, self.hosts()["h7"][1]), ("/usr\n" * 3, 3))
        program = self.compile("keys", KEYS)
        out = self.check_program(program, path)
        self.assertEqual([int(w, 16) >> 18 for w in out.split()], [index["h2"], index["h2"], index["h1"]])

    def test_what_is_said_of_a_host(self):
        """wd=, ep=, wrapper=: for its tasks; what their spawner says comes first."""
        programs = self.tmp / "programs"
        programs.mkdir()
        tool = programs / "tool"
        tool.write_text("#!/bin/sh\necho tool in $PWD as $WRAPPED\n")
        tool.chmod(0o755)
        self.begin()
        self.env["PROGRAMS"] = str(programs)
        path = self.write("hosts", f"h1:1 ep=/nowhere:{programs} wd=/usr wrapper=\"env WRAPPED=yes\"\nh2:1 wd=~/..\n")
        self.check_program(PVMX, "add", "--from", path)
        run = (MPIEXEC, "-host", "h1")
        self.assertEqual(self.check_program(*run, "tool"), "tool in /usr as yes\n")
        self.assertEqual(self.check_program(*run, "-wdir", "/tmp", "tool"), "tool in /tmp as yes\n")
        out = self.check_program(MPIEXEC, "-host", "h2", "pwd")
        self.assertEqual(out.strip(), os.path.realpath(os.path.expanduser("~") + "/.."))
        status, _, err = self.run_program(MPIEXEC, "-host", "h2", "tool")
        self.assertNotEqual(status, 0)
        self.assertIn("cannot start 'tool' on host h2", err)
        # What is not here may be where the wrapper leads: the wrapper says so if it is not.
        status, _, err = self.run_program(*run, "no-such-tool")
        self.assertEqual(status, 127)
        self.assertIn("no-such-tool", err)
        self.check_program(PVMX, "add", "-w", "no-such-wrapper -x", "h3")
        status, _, err = self.run_program(MPIEXEC, "-host", "h3", "true")
        self.assertIn("its wrapper no-such-wrapper is no program there", err)
        status, _, err = self.run_program(PVMX, "add", "h4 wd=/a\tlauncher=fork")
        self.assertEqual(status, 0, err)

    def test_load_by_speed(self):
        """What is more than free slots goes to fast hosts."""
        self.begin()
        path = self.write("hosts", "slow:1 sp=100\nfast:1 sp=900\n")
        self.check_program(PVMX, "add", "--from", path)
        index = {name: h[0] for name, h in self.hosts().items()}
        own = self.slots() - 2
        n = own + 2 + 20
        count = self.placed("-n", str(n))
        self.assertEqual(sum(count.values()), n)
        self.assertEqual(count[index["slow"]], 1 + max(0, count[index["slow"]] - 1))
        self.assertLessEqual(count[index["slow"]], 3, count)
        self.assertGreaterEqual(count[index["fast"]], 3 * count[index["slow"]], count)

    def test_at_most_so_many_at_one_time(self):
        """PVMX_DAEMON_ADD_PARALLEL; each has its own time limit and error."""
        self.env["PVMX_DAEMON_ADD_PARALLEL"] = "3"
        self.begin()
        trace = self.tmp / "trace"
        # The first ones wait until as many as may have begun.
        launcher = (f"echo + >>{trace}; until [ $(grep -c + {trace}) -ge 3 ]; do sleep 0.02; done; sleep 0.2; "
                    f"echo - >>{trace}; %c")
        out = self.add(*[f"h{i},slots=1" for i in range(9)], launcher=launcher)
        self.assertEqual(out.count("PVMX_OK"), 9, out)
        running, most = 0, 0
        for mark in trace.read_text().split():
            running += 1 if mark == "+" else -1
            most = max(most, running)
        self.assertEqual((running, most), (0, 3))
        begin = time.monotonic()
        out = self.add("a,timeout=200", "b,timeout=400", "c", "d", launcher="case %h in a|b) exec sleep 100;; "
                       "c) echo out of order >&2; exit 5;; esac; %c", status=3)
        self.assertLess(time.monotonic() - begin, 20)
        for text in ("host a has not come within 200 ms", "host b has not come within 400 ms",
                     "host c: out of order", "d PVMX_OK"):
            self.assertIn(text, out)


KEYS = r"""
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    MPI_Comm parent, children;
    char task[64] = "";
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent != MPI_COMM_NULL) {
        strncpy(task, strrchr(getenv("PVMX_TASK"), ',') + 1, sizeof task - 1);
        MPI_Send(task, sizeof task, MPI_CHAR, 0, 0, parent);
    } else {
        MPI_Info info;
        MPI_Info_create(&info);
        MPI_Info_set(info, "hostfile", argv[1]);
        MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 3, info, 0, MPI_COMM_SELF, &children, MPI_ERRCODES_IGNORE);
        for (int i = 0; i < 3; i++) {
            MPI_Recv(task, sizeof task, MPI_CHAR, i, 0, children, MPI_STATUS_IGNORE);
            printf("%s ", task);
        }
        MPI_Info_free(&info);
    }
    MPI_Finalize();
    return 0;
}
"""

if __name__ == "__main__":
    unittest.main()
