# SPDX-License-Identifier: BSD-3-Clause
"""Two hosts whose connection breaks while both stay in the virtual machine: what they tell each other arrives
all the same, once and in its order. Hosts are network namespaces; the first one leads and is in no way."""

import re
import time
import unittest

import lab
import netlab

MPIEXEC = lab.BUILD / "bin" / "mpiexec"
A, B = 1, 2


class Links(netlab.NetCase):
    def three_hosts(self, timeout):
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = timeout
        self.start_hosts()
        self.vm_a = self.daemons()[self.name(A)][0]

    # ---- faults

    def reset(self, at):
        """Ends the connections between both, with all that is on its way in the sockets of one."""
        other = A + B - at
        self.sh("ip", "netns", "exec", self.name(at), "ss", "-K", "dst", f"10.77.0.{other + 1}")

    def route(self, verb):
        for i, j in ((A, B), (B, A)):
            self.sh("ip", "-n", self.name(i), "route", verb, "blackhole", f"10.77.0.{j + 1}/32")

    def closed(self, other=A):
        """How often one of them has lost its connection with the other."""
        return len(re.findall(f"LINK-CLOSED.* connection with {self.name(other)}:", self.log()))

    # ---- a job of A with tasks on B

    def job(self, n):
        """Starts it; returns the process and the file that it writes to. It writes until it is told to stop."""
        script = (f"i=0; until [ -e {self.tmp}/stop ]; do echo $PVMX_RANK:$i; i=$((i+1)); sleep 0.01; done; "
                  "echo $PVMX_RANK:end $i; exit $((PVMX_RANK+3))")
        out = self.tmp / "out"
        with open(out, "w") as f:
            job = self.start("ip", "netns", "exec", self.name(A), MPIEXEC, "-host", f"{self.name(B)}:{n}", "-n", n,
                             "sh", "-c", script, env={**self.env, "PVMX_VM": self.vm_a}, stdout=f)
        self.wait_until(lambda: "0:3\n" in out.read_text(), "output comes")
        return job, out

    def all_is_there(self, job, out, n):
        (self.tmp / "stop").touch()
        status, _, err = self.finish(job)
        said, all_ = out.read_text().splitlines(), 0
        for rank in range(n):
            mine = [x for x in said if x.startswith(f"{rank}:")]
            lines = len(mine) - 1
            self.assertEqual(mine, [*[f"{rank}:{i}" for i in range(lines)], f"{rank}:end {lines}"], self.log()[-3000:])
            all_ += len(mine)
        self.assertEqual((len(said), status), (all_, n + 2), err)

    def ended_once(self, w, tids):
        self.wait_until(lambda: all(w.ends(t) for t in tids), lambda: f"the ends are told: {w.lines}", 30)
        time.sleep(0.3)  # a second notice would come with what is on its way now
        self.assertEqual([w.ends(t) for t in tids], [1] * len(tids), w.lines)

    # ---- tests

    def test_connections_are_reset(self):
        self.three_hosts("5s")
        job, out = self.job(4)
        for k in range(10):
            self.wait_until(self.comes, lambda: f"output comes: {self.log()[-3000:]}")
            before = self.closed(A), self.closed(B)
            self.reset((A, B)[k % 2])
            self.wait_until(lambda: self.closed(A) > before[0] and self.closed(B) > before[1], "both have lost it")
        self.all_is_there(job, out, 4)
        self.assertEqual(len(self.hosts()), 3)

    def comes(self):
        """More than greetings has come over a connection from B to A."""
        out = self.check_program("ip", "netns", "exec", self.name(A), "ss", "-Htni", "dst", f"10.77.0.{B + 1}")
        return any(int(n) > 1000 for n in re.findall(r"bytes_received:(\d+)", out))

    def test_path_is_cut(self):
        """First through the third host, then directly again."""
        self.three_hosts("2s")
        job, out = self.job(3)
        w = self.watcher(self.vm_a)
        tids = w.spawn(6, where=f"hosts={self.name(B)}")
        self.assertEqual({int(t, 16) >> 18 for t in tids}, {3})
        processes = self.alive()
        self.route("add")
        for t in tids[:3]:
            self.kill(processes[t])
        self.ended_once(w, tids[:3])
        self.assertIn("RELAY-SERVE", self.log())
        self.assertGreaterEqual(self.closed(), 1)
        self.route("del")
        for t in tids[3:]:
            self.kill(processes[t])
        self.ended_once(w, tids)
        self.all_is_there(job, out, 3)
        self.assertEqual(len(self.hosts()), 3)

    def test_ends_and_resets(self):
        """Ends that are on their way when the connection goes."""
        self.three_hosts("20s")
        w = self.watcher(self.vm_a)
        for _ in range(3):
            tids = w.spawn(4, where=f"hosts={self.name(B)}")
            processes = self.alive()
            self.unplug(A)
            for t in tids:
                self.kill(processes[t])
            self.wait_until(self.under_way, "the ends are told")
            self.assertEqual([w.ends(t) for t in tids], [0] * 4)
            before = self.closed()
            self.reset(B)
            self.wait_until(lambda: self.closed() > before, "the connection is lost")
            self.unplug(A, out=False)
            self.ended_once(w, tids)

    def under_way(self):
        """Bytes that B has sent to A and that have not arrived."""
        out = self.check_program("ip", "netns", "exec", self.name(B), "ss", "-Htn", "dst", f"10.77.0.{A + 1}")
        return sum(int(line.split()[2]) for line in out.splitlines())


if __name__ == "__main__":
    unittest.main()
