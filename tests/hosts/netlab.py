# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that are network namespaces, joined by bridges, which is the least in which packets really travel,
links can really go down, and a network can really fall apart; and a client that listens."""

import os
import pathlib
import re
import shutil
import subprocess
import threading

import hostlab
import lab

HOSTWATCH = lab.BUILD / "tests" / "bin" / "hostwatch"
SLOWWIRE = lab.BUILD / "tests" / "bin" / "slowwire"
LAUNCHER = "ip netns exec %h %c"


class NetCase(hostlab.HostCase):
    N = 3

    def setUp(self):
        self.prefix = f"px{os.getpid() % 100000}"
        self.wires = []
        self.addCleanup(self.remove)  # last of all: the network is there while daemons end
        super().setUp()
        self.assertEqual(os.geteuid(), 0, "network namespaces need root")
        self.env["PVMX_LAUNCHER"] = LAUNCHER
        for bridge in self.bridges():
            self.sh("ip", "link", "add", bridge, "type", "bridge")
            self.sh("ip", "link", "set", bridge, "up")
        for i in range(self.N):
            name = self.name(i)
            self.sh("ip", "netns", "add", name)
            self.sh("ip", "link", "add", self.port(i), "type", "veth", "peer", "name", "eth0",
                    "netns", name)
            self.sh("ip", "link", "set", self.port(i), "master", self.bridges()[0], "up")
            for words in (("addr", "add", f"10.77.0.{i + 1}/24", "dev", "eth0"),
                          ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
                self.sh("ip", "-n", name, *words)
        for i in range(self.N):
            self.forwards(i)

    def bridges(self):
        return f"{self.prefix}b", f"{self.prefix}c"

    def name(self, i):
        return f"{self.prefix}n{i}"

    def port(self, i):
        """The bridge's end of a host's cable."""
        return f"{self.prefix}v{i}"

    def remove(self):
        for wire in self.wires:
            self.kill(wire.pid)
            wire.communicate()
        for i in range(self.N):
            os.system(f"ip netns del {self.name(i)} 2>/dev/null; "
                      f"ip link del {self.port(i)} 2>/dev/null; "
                      f"ip link del {self.port(i)}s 2>/dev/null")
        for bridge in self.bridges():
            os.system(f"ip link del {bridge} 2>/dev/null")

    # ---- faults

    def forwards(self, i, port=None):
        """The kernel takes up to a second to notice that a link is up."""
        state = pathlib.Path(f"/sys/class/net/{port or self.port(i)}/brport/state")
        self.wait_until(lambda: state.read_text().strip() == "3", "the bridge forwards")

    def cut(self, i, down=True):
        self.sh("ip", "link", "set", self.port(i), "down" if down else "up")
        if not down:
            self.forwards(i)

    def unplug(self, i, out=True):
        """As if a switch had lost it: the link is up, and nothing gets through."""
        self.sh("ip", "link", "set", self.port(i), *(["nomaster"] if out else ["master", self.bridges()[0]]))
        if not out:
            self.forwards(i)

    def part(self, *hosts, heal=False):
        """These hosts reach each other and nobody else."""
        bridge = self.bridges()[0 if heal else 1]
        lines = "".join(f"link set {self.port(i)} master {bridge}\n" for i in hosts)
        subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)  # all at the same moment
        for i in hosts:
            self.forwards(i)

    def spoil(self, i, delay_us, jitter_us, loss_permille):
        """A bad cable to a host: packets are late, and some are lost."""
        ends = [f"{self.port(i)}{x}" for x in "st"]
        self.sh("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for words in (("set", ends[0], "up"), ("set", self.port(i), "nomaster"),
                      ("set", ends[1], "master", self.bridges()[0], "up")):
            self.sh("ip", "link", *words)
        wire = self.start(SLOWWIRE, self.port(i), ends[0], delay_us, jitter_us, loss_permille, i,
                          env={})
        self.wires.append(wire)
        self.assertEqual(wire.stdout.readline(), "ready\n")
        self.forwards(i, ends[1])

    # ---- daemons

    def halt(self):
        """All that answer, whoever leads whom."""
        for vm, _ in self.daemons().values():
            self.run_program(hostlab.HOSTCTL, vm, "halt")
        self.wait_until(lambda: not self.processes(hostlab.PVMXD), "all daemons are gone", 30)

    def start_hosts(self, n=None):
        """The first host's daemon, and the others."""
        self.begin("ip", "netns", "exec", self.name(0), "unshare", "--uts", "sh", "-c",
                   f'hostname {self.name(0)}; exec "$@"', "sh")
        out = self.add(*[f"{self.name(i)},slots={i + 1}" for i in range(1, n or self.N)],
                       launcher=LAUNCHER)
        self.assertEqual(out.count("PVMX_OK"), (n or self.N) - 1, out)

    def daemons(self):
        """name of host -> (name of its VM directory, process) of all that answer."""
        found = {}
        for path in (self.runtime / "pvmx").glob("*"):
            status, out, _ = self.run_program(hostlab.HOSTCTL, path.name, "status")
            match = re.search(r"host=(\S+) pid=(\d+)", out) if status == 0 else None
            if match:
                found[match[1]] = path.name, int(match[2])
        return found

    def see(self, vm):
        """Names of the hosts in a daemon's table; None: it does not answer."""
        status, out, _ = self.run_program(hostlab.HOSTCTL, vm, "hosts")
        return set(re.findall(r"^\d+ (\S+) up ", out, re.M)) if status == 0 else None

    def await_hosts(self, vm, *hosts, seconds=30):
        want = {self.name(i) for i in hosts}
        self.wait_until(lambda: self.see(vm) == want,
                        lambda: f"{vm} has the hosts {hosts}: {self.see(vm)}\n{self.log()[-6000:]}", seconds)

    def watcher(self, vm):
        w = Watcher(self, vm)
        self.addCleanup(w.close)
        return w

    def forget_killed(self):
        """What killed daemons have left on this machine: lock and socket."""
        for path in (self.runtime / "pvmx").glob("*"):
            if self.see(path.name) is None:
                shutil.rmtree(path, ignore_errors=True)
        if not self.processes(hostlab.PVMXD):
            super().forget_killed()

    def alive(self):
        """Hexadecimal tid -> process of all tasks that run."""
        found = {}
        for pid in self.processes():
            try:
                env = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            task = [e for e in env if e.startswith(b"PVMX_TASK=")]
            if task and state != "Z":
                found[task[0].decode().rsplit(",", 1)[1]] = pid
        return found

    def await_ends(self, tids):
        """None of these tasks has a process any more."""
        self.wait_until(lambda: not set(tids) & set(self.alive()), "they end", 30)

    def assert_alive(self, tids):
        self.assertEqual(set(tids) - set(self.alive()), set())


class Watcher:
    """A client of a daemon that stays (hostwatch.c)."""

    def __init__(self, case, vm):
        self.case = case
        self.lines = []
        self.process = case.start(HOSTWATCH, vm, stdin=-1)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        case.wait_until(lambda: "ready" in self.lines, f"a watcher of {vm} is ready")

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        self.process.wait(lab.DEADLINE)
        self.thread.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def say(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()

    def heard(self, start):
        return [x for x in list(self.lines) if x.startswith(start)]

    def ask_spawn(self, n, where="-", command=("sleep", "1000")):
        """Asks, and returns how many answers there were before."""
        before = len(self.heard("spawned")) + len(self.heard("refused"))
        self.say("spawn", n, where, *command)
        return before

    def answer(self, before, seconds=30):
        """(error, tids): (0, ...) when all were started; (None, []): the daemon has gone."""
        def answers():
            return self.heard("spawned") + self.heard("refused")
        self.case.wait_until(lambda: len(answers()) > before or self.heard("lost"),
                             "a spawn request is answered", seconds)
        if len(answers()) <= before:
            return None, []
        words = [x for x in list(self.lines) if x.startswith(("spawned", "refused"))][before].split()
        if words[0] == "refused":
            return words[1], []
        error = int(words[1])
        return error, [w for w in words[2:] if re.fullmatch("[0-9a-f]+", w)] if error == 0 else []

    def spawn(self, n, where="-", command=("sleep", "1000")):
        error, tids = self.answer(self.ask_spawn(n, where, command))
        self.case.assertEqual(error, 0, self.lines[-5:])
        return tids

    def ends(self, tid):
        return len([x for x in self.heard("ended") if x.split()[1] == tid])

    def gone(self, name):
        return len([x for x in self.heard("host") if x.split()[2:] == [name, "gone"]])

    def host_events(self, kind, host):
        return sum(re.fullmatch(f"event {kind} [0-9a-f]+ {host}", x) is not None for x in self.lines)

    def events(self, kind, tid, host):
        return self.lines.count(f"event {kind} {tid} {host}")
