# SPDX-License-Identifier: BSD-3-Clause
"""What tests of several hosts share: a first daemon, host requests, the hosts' table."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess

import lab

HOSTCTL = lab.BUILD / "tests" / "bin" / "hostctl"
PVMXD = lab.BUILD / "bin" / "pvmxd"


class HostCase(lab.LabCase):
    def setUp(self):
        super().setUp()
        self.vm = "hosts"
        self.env.update(PVMX_VM=self.vm, PVMX_LAUNCHER="fork", PVMX_DAEMON_GRACE="500ms",
                        PVMX_DAEMON_LOG=str(self.tmp / "log"), PVMX_LOG="info")
        # Daemons have no standard error: what a sanitizer has to say goes to files.
        self.env["ASAN_OPTIONS"] = ":".join(
            [os.environ.get("ASAN_OPTIONS", ""), f"log_path={self.tmp}/sanitizer"]).strip(":")
        self.env["UBSAN_OPTIONS"] = ":".join(
            [os.environ.get("UBSAN_OPTIONS", ""), f"log_path={self.tmp}/sanitizer"]).strip(":")
        self.addCleanup(self.halt)

    def tear(self):
        reports = [p.read_text(errors="replace") for p in self.tmp.glob("sanitizer*")]
        super().tear()
        self.assertEqual(reports, [])

    def begin(self, *prefix):
        """The first host's daemon, in the background."""
        self.check_program(*prefix, PVMXD)

    def halt(self):
        if self.processes(PVMXD):
            self.run_program(HOSTCTL, self.vm, "halt")
            self.wait_until(lambda: not self.processes(PVMXD), "all daemons are gone")

    def ctl(self, *args, status=0, vm=None):
        code, out, err = self.run_program(HOSTCTL, vm or self.vm, *args)
        if code != status:
            self.fail(f"{args}: {code}\n{out}\n{err}\n{self.log()}")
        return out

    def log(self):
        path = self.tmp / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def add(self, *names, launcher="fork", status=0):
        return self.ctl("add", launcher, *names, status=status)

    def hosts(self, vm=None):
        """name -> (index, slots, leads) of hosts that are up."""
        out = self.ctl("hosts", vm=vm)
        return {m[2]: (int(m[1]), int(m[3]), " leader" in m[0])
                for m in re.finditer(r"^(\d+) (\S+) up slots=(\d+).*$", out, re.M)}

    def slots(self, vm=None):
        return int(re.search(r"slots=(\d+)", self.ctl("status", vm=vm))[1])

    def daemon_of(self, name):
        """Process of the daemon of a virtual host."""
        index = self.hosts()[name][0]
        return int(re.search(r"pid=(\d+)", self.ctl("status", vm=f"{self.vm}.{index}"))[1])

    def forget_killed(self):
        """What killed daemons have left: lock and socket."""
        self.wait_until(lambda: not self.processes(PVMXD), "all daemons are gone", 30)
        shutil.rmtree(self.runtime / "pvmx", ignore_errors=True)

    def sshd(self):
        """A real sshd on loopback, and what ssh needs to know of it: node1 and node2 work, locked has no
        key, nobody listens at nobody, inner is reached by way of node1, new is not known, changed has another
        key than is known. The user's name."""
        keys = self.tmp / "ssh"
        keys.mkdir(mode=0o700)
        port, nobodys = self.free_port(), self.free_port()
        me = pwd.getpwuid(os.getuid()).pw_name
        for name in ("host", "user"):
            self.sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name)
        shutil.copy(keys / "user.pub", keys / "authorized")
        (keys / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys}/host\n"
            f"AuthorizedKeysFile {keys}/authorized\nPidFile none\nStrictModes no\nUsePAM no\n"
            f"PasswordAuthentication no\nPermitRootLogin yes\n"
            f"SetEnv XDG_RUNTIME_DIR={self.runtime} PVMX_DAEMON_LOG={self.tmp}/log\n")
        (keys / "config").write_text(
            f"Host node1 node2\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {keys}/user\n"
            f"  UserKnownHostsFile {keys}/known\n  StrictHostKeyChecking accept-new\n"
            f"Host locked\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile none\n"
            f"  IdentitiesOnly yes\n  UserKnownHostsFile {keys}/known\n"
            f"Host nobody\n  HostName 127.0.0.1\n  Port {nobodys}\n"
            f"Host inner\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {keys}/user\n  ProxyJump node1\n"
            f"  HostKeyAlias inner\n  UserKnownHostsFile {keys}/known\n  StrictHostKeyChecking accept-new\n"
            + "".join(f"Host {name}\n  HostName 127.0.0.1\n  Port {port}\n  HostKeyAlias {name}\n"
                      f"  UserKnownHostsFile {keys}/changed\n  StrictHostKeyChecking yes\n"
                      for name in ("new", "changed")))
        (keys / "changed").write_text(f"changed {(keys / 'user.pub').read_text()}")
        os.makedirs("/run/sshd", exist_ok=True)
        daemon = self.start("/usr/sbin/sshd", "-D", "-e", "-f", keys / "sshd_config")
        self.addCleanup(lambda: (self.kill(daemon.pid), daemon.communicate()))
        self.wait_until(lambda: listens(port), "sshd listens")
        self.env["PVMX_SSH"] = f"ssh -F {keys}/config"
        return me

    def free_port(self):
        """A port at which nobody listens, and that nobody else is given while the test runs."""
        s = socket.socket()
        self.addCleanup(s.close)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # who is told of it can listen there
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]

    def sh(self, *command):
        subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


KILL = signal.SIGKILL
