# SPDX-License-Identifier: BSD-3-Clause
"""Messages over TCP: two network namespaces with a cable (veth) between them as two hosts. In each, programs of
PVMX, of the peers and a plain socket program (sockets.c) run in turn."""

import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
SMALL = (1, 8, 64, 1024)
LONG = (65536, 1048576, 4194304)
SOCKETS = "sockets"
TURNS = 5  # in a round
NET = "10.79.0"


def usable():
    """Why it cannot be done here, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    return None if shutil.which("ip") and shutil.which("unshare") else "ip and unshare are missing"


class Hosts:
    """The two namespaces, and how to run something in them. Each has a host name of its own, else the peers
    would find out that they share a machine and its memory."""

    def __init__(self, folder):
        self.names = [f"pxt{os.getpid() % 100000}{c}" for c in "ab"]
        self.addresses = [f"{NET}.1", f"{NET}.2"]
        self.scripts = []
        for name, address in zip(self.names, self.addresses):
            self.ip("netns", "add", name)
            self.ip("-n", name, "link", "set", "lo", "up")
        self.ip("link", "add", "eth0", "netns", self.names[0], "type", "veth", "peer", "name", "eth0",
                "netns", self.names[1])
        for name, address in zip(self.names, self.addresses):
            self.ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            self.ip("-n", name, "link", "set", "eth0", "up")
        self.agent = folder / "agent"  # stands in for ssh: agent [-x...] HOST COMMAND...
        self.agent.write_text(
            "#!/bin/sh\nwhile case $1 in -*) true;; *) false;; esac; do shift; done\n"
            "host=$1; shift\n"
            f"case $host in {self.addresses[0]}|{self.names[0]}) name={self.names[0]};; *) name={self.names[1]};; "
            "esac\n"
            "exec ip netns exec $name unshare -u sh -c 'hostname '$name'; '\"$*\"\n")
        self.agent.chmod(0o755)

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def inside(self, i, *command):
        """The command line that runs in namespace i."""
        return ["ip", "netns", "exec", self.names[i], "unshare", "-u", "sh", "-c",
                f'hostname {self.names[i]}; exec "$@"', "sh", *map(str, command)]

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)


class Tcp:
    def __init__(self, bench, run_program):
        self.bench, self.run_program = bench, run_program
        self.folder = bench.dir
        self.hosts = Hosts(self.folder)
        self.started = False
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", self.folder / "sockets", HERE / "sockets.c"], check=True)

    def start_vm(self):
        b, h = self.bench.build / "bin", self.hosts
        self.env = dict(self.bench.env, PVMX_VM="tcp", PVMX_DAEMON_LINGER="1s")
        self.run(h.inside(0, b / "pvmxd"), self.env)
        self.run(h.inside(0, b / "pvmx", "add", "-l", f"{h.agent} %h %c", "-n", "1", h.names[1]), self.env)
        self.started = True

    @staticmethod
    def run(command, env):
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)

    def close(self):
        if self.started:
            self.run(self.hosts.inside(0, self.bench.build / "bin" / "pvmx", "halt"), self.env)
        self.hosts.close()

    def sockets(self, sizes):
        h = self.hosts
        where = (h.addresses[1], "7701")
        with subprocess.Popen(h.inside(1, self.folder / "sockets", *where), stdout=subprocess.PIPE) as server:
            server.stdout.readline()
            return self.run_program(h.inside(0, self.folder / "sockets", *where, *sizes), self.bench.env, 100)

    def command(self, lib, sizes):
        h = self.hosts
        program = [lib.dir / "pingpong", "world", *sizes]
        if lib.name == "PVMX":
            return h.inside(0, self.bench.build / "bin" / "mpiexec", "-host", f"localhost:1,{h.names[1]}:1", "-n", "2",
                            *program), self.env
        if lib.name == "MPICH":
            return h.inside(0, *lib.launch, "-launcher", "ssh", "-launcher-exec", h.agent, "-localhost",
                            h.addresses[0], "-hosts", ",".join(h.addresses), "-n", "2",
                            *program), dict(self.bench.env, UCX_TLS="tcp,self", UCX_NET_DEVICES="eth0")
        net = f"{NET}.0/24"
        # Each host would bind its process to its first processor, which is the same one.
        return h.inside(0, *lib.launch, "--bind-to", "none", "--mca", "plm_rsh_agent", h.agent, "--mca", "pml", "ob1", "--mca", "btl",
                        "tcp,self", "--mca", "btl_tcp_if_include", net, "--mca", "oob_tcp_if_include", net, "--host",
                        ",".join(f"{a}:1" for a in h.addresses), "-n", "2", *program), self.bench.env

    def round(self):
        sizes = [str(s) for s in SMALL + LONG]
        if not self.started:
            self.start_vm()
        for _ in range(TURNS):
            self.turn(sizes)

    def turn(self, sizes):
        for name, got in [(SOCKETS, self.sockets(sizes)),
                          *((lib.name, self.run_program(*self.command(lib, sizes), 100)) for lib in self.bench.libs)]:
            if isinstance(got, str):
                self.bench.note(name, "tcp", got)
                continue
            for size in sizes:
                self.bench.add(f"tcp {size}", name, got.get(size))
