# SPDX-License-Identifier: BSD-3-Clause
"""Random faults on six hosts, the same ones for the same seed: hosts are added and deleted, cables pulled and
put back, daemons and tasks killed, tasks spawned, some of it at the same moment. Every operation ends in
bounded time, every loss is told exactly once to whoever has spawned the task or follows the hosts, and
nothing is left behind. A minute or more by hand:

    PVMX_CHAOS_SECONDS=60 [PVMX_CHAOS_SEED=n] ctest --test-dir build -R chaos.six_hosts -V"""

import os
import pathlib
import random
import re
import time
import unittest

import hostlab
import netlab

LIMIT = 30  # seconds for any operation and all that follows from it


class Side:
    """A watcher at one host, and the tasks that it has spawned: tid -> host index."""

    def __init__(self, watcher, host):
        self.watcher = watcher
        self.host = host
        self.tasks = {}
        self.since = len(watcher.lines)


class Chaos(netlab.NetCase):
    N = 6

    def setUp(self):
        self.shm = set(os.listdir("/dev/shm"))
        super().setUp()
        self.env["PVMX_DAEMON_HOST_TIMEOUT"] = "1500ms"
        self.env["PVMX_DAEMON_ADD_TIMEOUT"] = "20s"

    # ---- what there is

    def table(self, vm):
        """name -> does it lead, of hosts that are up; None: no answer."""
        status, out, _ = self.run_program(hostlab.HOSTCTL, vm, "hosts")
        return {m[1]: " leader" in m[0] for m in re.finditer(r"^\d+ (\S+) up .*$", out, re.M)} if status == 0 else None

    def any_vm(self):
        return self.vms[self.dice.choice(sorted(self.inside))][0]

    def leader(self):
        for vm, _ in self.vms.values():
            led = [n for n, h in self.hosts(vm).items() if h[2]]
            if led:
                return next(i for i in range(self.N) if self.name(i) == led[0])
        return None

    def can_lose(self, i):
        """Is there a majority, or a leader with half of them, without it? What is lost within a short time
        counts as one loss: a leader cannot know that it is not the one who is cut off."""
        left = len(self.inside) - 1
        recent = len([t for t in self.losses if time.monotonic() - t < 7])
        if i == self.leader():
            return left * 2 > left + 1
        return left * 2 >= left + 1 + recent

    # ---- what always has to hold

    def settle(self):
        end = time.monotonic() + LIMIT
        want = {self.name(i) for i in self.inside}
        why = [""]

        def agreed():
            """All have the same hosts, and the same leader: any of them can be asked for anything."""
            tables = {self.name(i): self.table(self.vms[i][0]) for i in self.inside}
            why[0] = f"{tables}, not {want} and one who leads"
            first = next(iter(tables.values()))
            return first is not None and set(first) == want and any(first.values()) and \
                all(t == first for t in tables.values())

        def told():
            alive = self.alive()
            for side in self.sides:
                lost = {int(x.split()[1]) for x in side.watcher.heard("host") if x.endswith(" gone")}
                for tid, index in side.tasks.items():
                    over = tid not in alive or index in lost
                    if side.watcher.ends(tid) != over:
                        why[0] = f"t{tid} (running: {tid in alive}, host lost: {index in lost}) was told " \
                                 f"{side.watcher.ends(tid)} times: {side.watcher.lines[-40:]}"
                        return False
            return True

        left = max(1, end - time.monotonic())
        self.wait_until(agreed, lambda: why[0], left)
        self.wait_until(told, lambda: why[0], left)
        for side in self.sides:
            heard = side.watcher.heard("host")
            self.assertEqual(len(heard), len(set(heard)), "told twice: " + str(heard))
            self.assertEqual(side.watcher.heard("lost"), [])

    def lost(self, i):
        """A host is no longer in the VM: so say its own watchers, and its tasks end with their spawner."""
        self.inside.discard(i)
        self.vms.pop(i, None)
        self.losses.append(time.monotonic())
        for side in [s for s in self.sides if s.host == i]:
            self.sides.remove(side)
            self.gone.append(side)

    def bury(self):
        """Watchers whose daemon has ended, and what they had spawned."""
        for side in [s for s in self.gone if s.host not in self.cut_off]:
            self.wait_until(lambda: side.watcher.heard("lost"), "a watcher hears of its daemon's end", LIMIT)
            self.wait_until(lambda: not set(side.tasks) & set(self.alive()),
                            "tasks end with their spawner's host", LIMIT)
            side.watcher.close()
            self.gone.remove(side)

    # ---- operations

    def add_some(self):
        out = [i for i in range(self.N) if i not in self.inside and i not in self.cut_off]
        if not out:
            return "nothing to add"
        some = self.dice.sample(out, self.dice.randint(1, min(2, len(out))))
        said = self.ctl("add", netlab.LAUNCHER, *[f"{self.name(i)},slots={i + 1}" for i in some],
                        vm=self.any_vm())
        self.assertEqual(said.count("PVMX_OK"), len(some), said)
        self.inside |= set(some)
        self.find()
        return f"add {some}"

    def find(self):
        """The daemons of all hosts that are in the VM."""
        def all_there():
            found = self.daemons()
            self.vms = {i: found[self.name(i)] for i in self.inside if self.name(i) in found}
            return len(self.vms) == len(self.inside)
        self.wait_until(all_there, "all daemons answer", LIMIT)

    def delete(self):
        leader = self.leader()
        some = sorted(self.inside - {leader})
        if len(some) < 2:
            return "nothing to delete"
        i = self.dice.choice(some)
        vm = self.vms[self.dice.choice(sorted(self.inside - {i}))][0]
        self.assertIn("PVMX_OK", self.ctl("delete", self.name(i), vm=vm))
        self.lost(i)
        self.losses.pop()  # nobody was surprised
        return f"delete {i}"

    def victim(self):
        some = [i for i in sorted(self.inside) if self.can_lose(i)]
        return self.dice.choice(some) if some else None

    def pull(self):
        i = self.victim()
        if i is None:
            return "nothing to cut off"
        self.dice.choice((self.cut, self.unplug))(i)
        self.cut_off.add(i)
        self.lost(i)
        return f"pull the cable of {i}"

    def put_back(self):
        if not self.cut_off:
            return "nothing to put back"
        i = self.dice.choice(sorted(self.cut_off))
        self.sh("ip", "link", "set", self.port(i), "master", self.bridges()[0])
        self.cut(i, down=False)
        self.cut_off.discard(i)
        name = self.name(i)
        self.wait_until(lambda: name not in self.daemons(), "who was cut off is told to end", LIMIT)
        return f"put back the cable of {i}"

    def kill_daemon(self):
        i = self.victim()
        if i is None:
            return "no daemon to kill"
        self.kill(self.vms[i][1])
        self.lost(i)
        return f"kill the daemon of {i}"

    def kill_task(self):
        alive = self.alive()
        some = sorted(t for s in self.sides for t in s.tasks if t in alive)
        if not some:
            return "no task to kill"
        for tid in self.dice.sample(some, min(3, len(some))):
            self.kill(alive[tid])
        return "kill tasks"

    def watch(self):
        if len(self.sides) >= 4:
            side = self.dice.choice(self.sides)
            self.sides.remove(side)
            side.watcher.close()  # its tasks live on
            for tid, pid in self.alive().items():
                if tid in side.tasks:
                    self.kill(pid)
            return f"close a watcher of {side.host}"
        i = self.dice.choice(sorted(self.inside))
        self.sides.append(Side(self.watcher(self.vms[i][0]), i))
        return f"watch at {i}"

    def spawn(self, meanwhile=None):
        if not self.sides:
            return self.watch()
        side = self.dice.choice(self.sides)
        n = self.dice.randint(1, 12)
        if sum(len(s.tasks) for s in self.sides) > 150:
            return self.kill_task()
        before = side.watcher.ask_spawn(n)
        said = f"spawn {n} at {side.host}"
        if meanwhile:
            time.sleep(self.dice.random() * 0.01)
            said += ", " + meanwhile()
        error, tids = side.watcher.answer(before, LIMIT)
        side.tasks.update({t: int(t, 16) >> 18 for t in tids})
        if not meanwhile:
            self.assertEqual(error, 0, side.watcher.lines[-5:])
        return said

    def spawn_and(self):
        return self.spawn(self.dice.choice((self.pull, self.kill_daemon, self.kill_task, self.delete)))

    def two_losses(self):
        if len(self.inside) < 5:
            return "too few for two losses"
        return " and ".join(op() for op in self.dice.sample((self.pull, self.kill_daemon), 2))

    # ---- the whole

    def test_six_hosts(self):
        seconds = float(os.environ.get("PVMX_CHAOS_SECONDS", "12"))
        seed = int(os.environ.get("PVMX_CHAOS_SEED", "20260701"))
        self.dice = random.Random(seed)
        self.inside, self.cut_off, self.sides, self.gone = set(range(4)), set(), [], []
        self.vms, self.losses = {}, []
        self.start_hosts(4)
        self.find()
        operations = [(self.add_some, 5), (self.delete, 2), (self.pull, 2), (self.put_back, 3),
                      (self.kill_daemon, 2), (self.kill_task, 2), (self.spawn, 4), (self.watch, 2),
                      (self.spawn_and, 3), (self.two_losses, 1)]
        end, steps, slowest = time.monotonic() + seconds, 0, (0, "")
        self.watch()
        said = []
        while time.monotonic() < end:
            begin = time.monotonic()
            before = len(self.losses)
            op = self.dice.choices([o for o, _ in operations], [w for _, w in operations])[0]
            try:
                said.append(op())
                self.settle()
                # A leader counts from when it has noticed.
                self.losses[before:] = [time.monotonic()] * len(self.losses[before:])
                self.bury()
            except BaseException:
                print(f"seed {seed}, after {said[-12:]}, in {op.__name__}")
                print(self.log()[-60000:])
                raise
            steps += 1
            slowest = max(slowest, (time.monotonic() - begin, said[-1]))
            self.assertLess(slowest[0], 2 * LIMIT, slowest[1])
        self.over(seed, seconds, steps, slowest)

    def over(self, seed, seconds, steps, slowest):
        said = []
        try:
            while self.cut_off:
                said.append(self.put_back())
            self.settle()
            self.bury()
        except BaseException:
            print(said, self.log()[-60000:])
            raise
        for side in self.sides:
            side.watcher.close()
        for pid in self.alive().values():
            self.kill(pid)
        self.wait_until(lambda: not self.alive(), "no task runs any more", LIMIT)
        fds = [int(re.search(r"fds=(\d+)", self.ctl("status", vm=vm))[1]) for vm, _ in self.vms.values()]
        self.assertLess(max(fds), 80)
        self.ctl("halt", vm=self.any_vm())
        self.wait_until(lambda: not self.processes(), "nothing runs any more", LIMIT)
        self.forget_killed()
        shm = set(os.listdir("/dev/shm")) - self.shm
        self.assertEqual([x for x in shm if x.startswith(("px", "pvmx"))], [])
        print(f"chaos: seed {seed}, {seconds:.0f} s, {steps} steps, the slowest {slowest[0]:.1f} s "
              f"({slowest[1]}), at most {max(fds)} descriptors in a daemon")

    def remove(self):
        super().remove()
        left = [x for x in os.listdir("/sys/class/net") if x.startswith(self.prefix)]
        spaces = pathlib.Path("/run/netns")
        left += [x.name for x in spaces.iterdir() if x.name.startswith(self.prefix)] if spaces.exists() else []
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
