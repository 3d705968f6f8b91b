# SPDX-License-Identifier: BSD-3-Clause
"""PVM programs over several hosts: virtual ones on this machine, and network namespaces."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hosts"))

import hostlab  # noqa: E402
import netns_test  # noqa: E402
from lab import BUILD  # noqa: E402

PROGRAM = BUILD / "tests" / "bin" / "pvm_hosts"
FAR = BUILD / "tests" / "bin" / "pvm_far"
STARTER = BUILD / "tests" / "bin" / "pvm_starter"


class Virtual(hostlab.HostCase):
    """Hosts that the fork launcher makes."""

    def setUp(self):
        super().setUp()
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "30s"  # none is lost on a busy machine

    def run_case(self, case, program=PROGRAM):
        self.env["TEST_HOSTS"] = "v1 v2 v3"
        status, out, err = self.run_program(program, case, timeout=120)
        self.assertEqual((status, out), (0, ""), err + self.log()[-4000:])

    def test_table(self):
        self.run_case("table")

    def test_host_file(self):
        """What it says of hosts holds; hosts behind & are not started; a bad one starts none."""
        program, good, bad = BUILD / "tests" / "bin" / "pvm_start", self.tmp / "good", self.tmp / "bad"
        folder = self.tmp / "folder"  # not where the program works: everybody looks there
        folder.mkdir()
        (folder / "only_there").symlink_to(program)
        bad.write_text("v1\nv2 sp=none\n")
        status, _, err = self.run_program(program, str(bad), str(folder))
        self.assertEqual(status, 2)
        self.assertIn(f"{bad}, line 2", err)
        self.wait_until(lambda: not list(self.runtime.glob("pvmx/*/ctl")), "the daemon has ended")
        good.write_text(f"# hosts\n* sp=500\nv1 ep={folder}\n& v2\n")
        status, _, err = self.run_program(program, str(good), str(folder))
        self.assertEqual(status, 0, err + self.log()[-4000:])

    def test_tasks(self):
        self.run_case("tasks")

    def test_debuggers(self):
        """bx= of a host, else the spawner's; PVMDLOGMAX ends the daemons' log, which is one here."""
        for name in ("own", "spawners"):
            (self.tmp / name).write_text(f'#!/bin/sh\nDEBUGGER={name} exec "$@"\n')
            (self.tmp / name).chmod(0o755)
        self.env.update(BX=str(self.tmp), PVMDLOGMAX="400")
        self.run_case("debuggers")
        log = self.log().splitlines(keepends=True)
        self.assertIn("*** logging truncated\n", log)
        self.assertLess(sum(len(line) for line in log if "***" not in line), 401)

    def test_messages(self):
        self.run_case("messages")

    def test_output(self):
        self.run_case("output")

    def test_routes(self):
        self.run_case("routes")

    def test_load(self):
        self.run_case("load")

    def test_last_words(self):
        self.run_case("last_words")

    def test_kills(self):
        self.run_case("work", BUILD / "tests" / "bin" / "pvm_kills")

    def test_hoster(self):
        self.run_case("hoster", STARTER)

    def test_never_waits(self):
        self.run_case("never_waits", FAR)

    def test_children(self):
        self.run_case("children", FAR)

    def test_dead_host(self):
        self.run_case("dead_host", FAR)
        self.halt()
        self.forget_killed()

    def test_far_tasker(self):
        self.run_case("far_tasker", STARTER)

    def test_variables(self):
        """PVM_RSH is called as PVM calls it, PVM_DPATH says what to run there, PVM_VMID which machine."""
        rsh = self.tmp / "rsh"
        other = self.tmp / "other"  # one machine has one runtime directory for each machine of PVM
        other.mkdir(mode=0o700)
        rsh.write_text(f"#!/bin/sh\necho $* >> {self.tmp}/said\nwhile [ $1 != {hostlab.PVMXD} ]; do shift; done\n"
                       f"export XDG_RUNTIME_DIR={other}/$$; mkdir -m 700 $XDG_RUNTIME_DIR; exec $*\n")
        rsh.chmod(0o755)
        del self.env["PVMX_VM"]
        self.env.update(PVM_RSH=str(rsh), PVM_VMID=self.vm, PVM_DPATH=str(hostlab.PVMXD),
                        TEST_HOSTS="v1 v2 v3")
        status, out, err = self.run_program(PROGRAM, "tasks")
        self.assertEqual((status, out), (0, ""), err + self.log()[-4000:])
        self.assertEqual(len(self.hosts()), 4)
        said = (self.tmp / "said").read_text().splitlines()
        self.assertEqual(sorted(line.split()[0] for line in said), ["v1", "v2", "v3"])
        self.ctl("halt")
        self.wait_until(lambda: not any(str(other) in self.environment(p) for p in self.all_pids()), "all have gone")

    @staticmethod
    def all_pids():
        return [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()]

    @staticmethod
    def environment(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
        except OSError:
            return ""

    def test_halt(self):
        self.env["TEST_HOSTS"] = "v1 v2 v3"
        status, out, err = self.run_program(PROGRAM, "halt")
        self.assertLess(status, 0, out + err)  # by a signal, as all tasks
        self.wait_until(lambda: not self.processes(), "all tasks and daemons are gone")


class Net(netns_test.Namespaces):
    """Hosts between which packets really travel."""

    N = 4

    def setUp(self):
        super().setUp()
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "30s"

    def run_case(self, case, program=PROGRAM):
        self.env["TEST_HOSTS"] = " ".join(self.name(i) for i in range(1, self.N))
        status, out, err = self.run_program("ip", "netns", "exec", self.name(0), program, case,
                                            timeout=120)
        self.assertEqual((status, out), (0, ""), err + self.log()[-4000:])

    def test_net_messages(self):
        self.run_case("messages")

    def test_net_load(self):
        self.run_case("load")

    def test_net_hoster(self):
        """The hoster runs the commands in the hosts' namespaces; what it then says is how the daemons are reached."""
        self.env["TEST_NETNS"] = "1"
        self.run_case("hoster", STARTER)


if __name__ == "__main__":
    unittest.main()
