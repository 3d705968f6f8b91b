#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Builds the benchmark programs with PVMX and with the MPI libraries that Debian packages, runs them in
turn, and writes a table of medians and ratios. `cmake --build build --target bench` calls it.

Every figure is the median over rounds; in each round all libraries run one after the other, so that a
change of the machine's speed meets all of them. Where the host of a virtual machine has placed its two
processors, which changes every few seconds, doubles the times of messages: libraries take turns of a
second there, and the figure is the better quartile, that is of the placement in which all do better."""

import argparse
import datetime
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import tcp

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ("spawn", "pingpong", "rate", "derived", "coll", "dup", "unexpected", "blocked")
OWN_PROGRAMS = ("dynamic",)  # of PVMX alone
DYNAMIC = (  # row, arguments, key of the result, what, most that is allowed in us
    ("connect", ("connect", 200), "connect", "connect to a program that accepts", 1e3),
    ("clients", ("clients", 100), "clients", "100 programs connect to one server", 1e6),
    ("recovery", ("recovery", 4, 15), "recovery",
     "one of 4 children lost: shrink, respawn, merge, barrier", 20e3),
)
SHORT = (0, 1, 8, 64, 256, 1024)
LONG = (65536, 262144, 1048576, 4194304, 16777216)
KINSHIP = (8, 1024, 65536, 1048576)
COLL_TASKS = (2, 4, 8)
COLL_NAMES = ("bcast", "reduce", "allreduce", "allgather", "alltoall")
COLL_SIZES = (8, 8192, 1048576)
DUP_TASKS = 16
COLUMNS = (16, 128, 1024, 4096)  # rows of a column of doubles
UNEXPECTED = 10000
TURNS = 12  # of short runs of a pair in a round
PAIRS = ("world ", "kin ", "column ", "coll 2 ", "tcp ")  # rows of two tasks: microseconds
PVMX, MPICH, OMPI = "PVMX", "MPICH", "Open MPI"
YIELD = "Open MPI, yielding"  # started with --oversubscribe: an information, not a peer to beat


def log(text):
    print(text, flush=True)


class Library:
    """One MPI library: how to compile and start a program with it."""

    def __init__(self, name, mpicc, launch, build_dir):
        self.name, self.mpicc, self.launch = name, mpicc, launch
        self.dir = build_dir / name.replace(" ", "").lower()
        self.missing = {}  # what it could not do here: key -> why
        self.tries = {}    # how often it could not

    def compile(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        for name in PROGRAMS + (OWN_PROGRAMS if self.name == PVMX else ()):
            subprocess.run([self.mpicc, "-O2", "-D_GNU_SOURCE", "-o", self.dir / name,
                            HERE / f"{name}.c"], check=True)

    def run(self, n, program, *args, env, timeout=150, extra=()):
        """Lines "name value" of the program as a dict; {} when it failed (then said once)."""
        launch = [*self.launch, *extra, "-n", str(n)]
        if self.name == PVMX and n == 1:  # that is what PVMX is for: ./program
            launch = []
        command = [*launch, self.dir / program, *map(str, args)]
        key = " ".join([program, *map(str, args)])
        if self.tries.get(key, 0) > 1:
            return {}
        got = run_program(command, env, timeout)
        if isinstance(got, str):
            # What hangs now and then (Open MPI's spawn does) gets a second chance.
            self.tries[key] = self.tries.get(key, 0) + 1
            self.missing[key] = got
            log(f"  {self.name}: {key}: {got}")
            return {}
        return got


def run_program(command, env, timeout):
    """The program's "name value" lines as a dict, or a sentence why there are none."""
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as program:
        try:
            out, err = program.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            return f"no result in {timeout} s"
    if program.returncode != 0:
        lines = [line for line in (err + out).splitlines() if any(c.isalpha() for c in line)]
        return f"fails (status {program.returncode}): {lines[0].strip() if lines else 'silently'}"
    pairs = (line.split() for line in out.splitlines())
    return {p[0]: float(p[1]) for p in pairs if len(p) == 2}


def find_libraries(build, build_dir):
    mpiexec = [build / "bin" / "mpiexec"]
    found = [Library(PVMX, build / "bin" / "mpicc", mpiexec, build_dir)]
    if shutil.which("mpicc.mpich") and shutil.which("mpiexec.mpich"):
        found.append(Library(MPICH, "mpicc.mpich", ["mpiexec.mpich"], build_dir))
    if shutil.which("mpicc.openmpi") and shutil.which("mpirun.openmpi"):
        launch = ["mpirun.openmpi"] + (["--allow-run-as-root"] if os.getuid() == 0 else [])
        found.append(Library(OMPI, "mpicc.openmpi", launch, build_dir))
    return found


class Bench:
    def __init__(self, args):
        self.build = args.build.resolve()
        self.rounds = args.rounds
        self.only = args.only
        self.dir = self.build / "bench"
        self.libs = find_libraries(self.build, self.dir)
        self.ours = self.libs[0]
        self.tmp = tempfile.mkdtemp(prefix="pvmx-bench.")
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.tmp,
                        OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        for name in ("PVMX_VM", "PVMX_TASK", "PVMX_DAEMON", "PVMX_WAIT"):
            self.env.pop(name, None)
        self.samples = {}  # (row, library) -> list of values
        self.daemon = []
        self.tcp = None

    def add(self, row, library, value):
        if value is not None:
            self.samples.setdefault((row, library), []).append(value)

    def value(self, row, library):
        got = sorted(self.samples.get((row, library), ()))
        if not got:
            return None
        if row.startswith(PAIRS):
            return got[len(got) // 4]
        return got[-1 - len(got) // 4] if row.startswith("rate ") else statistics.median(got)

    def compile(self):
        for lib in self.libs:
            lib.compile()
        for name in ("floor", "floor_child"):
            subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", self.dir / name,
                            HERE / f"{name}.c"], check=True)

    @staticmethod
    def peers_launch(lib, crowded):
        """Open MPI wants to be told when there are more processes than processors."""
        return ("--oversubscribe",) if lib.name == OMPI and crowded else ()

    def spawn_round(self, n, index):
        row = f"spawn {n}"
        rounds = 101 if n < 16 else 15
        floor = run_program([self.dir / "floor", str(n), str(rounds), self.dir / "floor_child"],
                            self.env, 60)
        if isinstance(floor, dict):
            self.add(row, "floor", floor["floor"])
        for lib in self.libs:
            # Open MPI 4.1 needs tens of seconds for one spawn of 64: twice will do.
            if lib.name == OMPI and n > 16 and index > 0:
                continue
            count = rounds if lib is self.ours else 5 if n < 16 else 1
            got = lib.run(1, "spawn", n, count, env=self.env,
                          extra=self.peers_launch(lib, True), timeout=60 if n < 16 else 240)
            self.add(row, lib.name, got.get("spawn"))

    def dynamic_round(self):
        for n in (4, 64):
            got = self.ours.run(1, "dynamic", "apart", n, 51 if n < 16 else 11, env=self.env)
            self.add(f"apart {n}", PVMX, got.get("apart"))
        for row, args, key, *_ in DYNAMIC:
            self.add(row, PVMX, self.ours.run(1, "dynamic", *args, env=self.env).get(key))

    def messages_round(self):
        sizes = SHORT + LONG
        for lib in self.libs * TURNS:
            got = lib.run(2, "pingpong", "world", *sizes, env=self.env)
            for size in sizes:
                self.add(f"world {size}", lib.name, got.get(str(size)))
            got = lib.run(2, "rate", 8, env=self.env)
            self.add("rate 8", lib.name, got.get("rate"))

    def kinship_round(self):
        for kind, n in (("world", 2), ("parent", 1)) * TURNS:
            got = self.ours.run(n, "pingpong", kind, *KINSHIP, env=self.env)
            for size in KINSHIP:
                self.add(f"kin {kind} {size}", PVMX, got.get(str(size)))

    def derived_round(self):
        for lib in self.libs:
            got = lib.run(1, "derived", "pack", *COLUMNS, env=self.env)
            for rows in COLUMNS:
                for way in ("pack", "loop", "unpack", "unloop"):
                    self.add(f"{way} {rows}", lib.name, got.get(f"{way}:{rows}"))
        for lib in self.libs * TURNS:
            got = lib.run(2, "derived", "pingpong", *COLUMNS, env=self.env)
            for rows in COLUMNS:
                self.add(f"column {rows}", lib.name, got.get(str(rows)))

    def coll_rows(self, tasks, program, args, rows, index):
        """Values of a program with so many tasks: rows is {row: name in the output}. Peers that wait
        busily with more tasks than processors are slow beyond any doubt: once will do for them."""
        crowded = tasks > os.cpu_count()
        runs = [(lib.name, lib, ()) for lib in self.libs] * (TURNS if tasks == 2 else 1)
        if crowded and self.libs[-1].name == OMPI:
            runs[-1] = (OMPI, self.libs[-1], ("--host", f"localhost:{tasks}"))
            runs.append((YIELD, self.libs[-1], ("--oversubscribe",)))
        for name, lib, extra in runs:
            once = crowded and name in (MPICH, OMPI)
            if once and index > 0:
                continue
            got = lib.run(tasks, program, 300 if once else 30 if tasks == 2 else 100, *args, env=self.env, extra=extra)
            for row, value in rows.items():
                self.add(row, name, got.get(value))

    def coll_cells(self, tasks, cells, index):
        """Times of the cells "operation:bytes" with so many tasks."""
        rows = {f"coll {tasks} {cell}": cell for cell in cells}
        self.coll_rows(tasks, "coll", cells, rows, index)

    def coll_round(self, index):
        for tasks in COLL_TASKS:
            for name in COLL_NAMES:  # one start for each: a library that fails loses only that
                self.coll_cells(tasks, [f"{name}:{size}" for size in COLL_SIZES], index)
        self.coll_cells(8, ["barrier:0"], index)
        self.coll_rows(DUP_TASKS, "dup", [], {"dup": "dup"}, index)

    def unexpected_round(self):
        for lib in self.libs:
            got = lib.run(2, "unexpected", UNEXPECTED, env=self.env)
            self.add("unexpected", lib.name, got.get("unexpected"))

    def note(self, name, key, why):
        """Something could not be done: it stands below the table."""
        log(f"  {name}: {key}: {why}")
        for lib in self.libs:
            if name in (lib.name, tcp.SOCKETS):
                lib.missing[key] = why

    def tcp_round(self, index):
        why = tcp.usable()
        if why:
            self.note(PVMX, "tcp", why)
            return
        if index == 0:
            self.tcp = tcp.Tcp(self, run_program)
        self.tcp.round()

    def blocked_round(self):
        for lib in self.libs:
            got = lib.run(2, "blocked", env=self.env)
            self.add("blocked", lib.name, got.get("blocked"))

    def idle_daemon(self):
        """Processor time of pvmxd over 15 s in which its two tasks only wait."""
        job = subprocess.Popen([*self.ours.launch, "-n", "2", self.ours.dir / "blocked", "daemon"],
                               env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            time.sleep(2)  # the start is over; what follows is idling
            pid = find_daemon(self.tmp)
            if pid is None:
                log("  no pvmxd found to look at")
                return
            before, begin = run_ns(pid), time.monotonic_ns()
            time.sleep(15)
            self.add("daemon", PVMX, 100 * (run_ns(pid) - before) / (time.monotonic_ns() - begin))
        finally:
            job.wait(timeout=60)

    def measure(self):
        parts = (("spawn", lambda i: (self.spawn_round(4, i), self.spawn_round(64, i))),
                 ("dynamic", lambda i: self.dynamic_round()),
                 ("messages", lambda i: self.messages_round()),
                 ("kinship", lambda i: self.kinship_round()),
                 ("pack", lambda i: self.derived_round()),
                 ("coll", self.coll_round),
                 ("matching", lambda i: self.unexpected_round()),
                 ("tcp", self.tcp_round),
                 ("blocked", lambda i: self.blocked_round() if i == 0 else None),
                 ("daemon", lambda i: self.idle_daemon() if i == 0 else None))
        for index in range(self.rounds):
            for name, part in parts:
                if self.only and name not in self.only:
                    continue
                log(f"round {index + 1} of {self.rounds}: {name}")
                part(index)

    def close(self):
        if self.tcp:
            self.tcp.close()
        shutil.rmtree(self.tmp, ignore_errors=True)


def find_daemon(runtime):
    """The pvmxd of this benchmark: the one with our runtime directory in its environment."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == "pvmxd" and \
                    f"XDG_RUNTIME_DIR={runtime}".encode() in (entry / "environ").read_bytes():
                return int(entry.name)
        except OSError:
            continue
    return None


def run_ns(pid):
    """Nanoseconds that all threads of a process have run."""
    return sum(int((t / "schedstat").read_text().split()[0])
               for t in pathlib.Path(f"/proc/{pid}/task").iterdir())


# ---- the table -----------------------------------------------------------------------------------

def size_text(n):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if n >= unit:
            return f"{n // unit} {name}"
    return f"{n} B"


def number(v):
    if v is None:
        return "–"
    return f"{v:.3g}" if v < 100 else f"{v:,.0f}"


def best_peer(bench, row, higher=False, convert=lambda v: v):
    values = [convert(v) for v in (bench.value(row, MPICH), bench.value(row, OMPI)) if v is not None]
    return (max if higher else min)(values) if values else None


def verdict(ok):
    return "–" if ok is None else "pass" if ok else "**miss**"


class Table:
    def __init__(self):
        self.lines = ["| what | unit | PVMX | MPICH | Open MPI | floor | ratio | required | |",
                      "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |"]
        self.counts = {"pass": 0, "**miss**": 0}

    def row(self, what, unit, ours, mpich, ompi, floor, ratio, required, ok):
        word = verdict(ok)
        if word in self.counts:
            self.counts[word] += 1
        cells = [what, unit, number(ours), number(mpich), number(ompi), number(floor),
                 "–" if ratio is None else f"{ratio:.3g}", required, word]
        self.lines.append("| " + " | ".join(cells) + " |")


def ratio_of(a, b):
    return a / b if a is not None and b else None


def below(ratio, limit):
    return None if ratio is None else ratio <= limit


def spawn_rows(bench, table):
    for n in (4, 64):
        row = f"spawn {n}"
        v = {name: bench.value(row, name) for name in (PVMX, MPICH, OMPI, "floor")}
        ratio = ratio_of(v[PVMX], v["floor"])
        table.row(f"spawn {n} + MPI_Init + merge + barrier", "µs", v[PVMX], v[MPICH], v[OMPI],
                  v["floor"], ratio, "≤ 2 × the floor", below(ratio, 2))


def dynamic_rows(bench, table):
    for n in (4, 64):
        ours, floor = bench.value(f"apart {n}", PVMX), bench.value(f"spawn {n}", "floor")
        ratio = ratio_of(ours, floor)
        table.row(f"spawn {n} + MPI_Init + disconnect", "µs", ours, None, None, floor, ratio,
                  "≤ 2 × the floor", below(ratio, 2))
    for row, _, _, what, most in DYNAMIC:
        ours = bench.value(row, PVMX)
        table.row(what, "µs", ours, None, None, None, None, f"< {most:,.0f} µs",
                  None if ours is None else ours < most)


def message_rows(bench, table):
    for size in SHORT:
        row = f"world {size}"
        v = {name: bench.value(row, name) for name in (PVMX, MPICH, OMPI)}
        ratio = ratio_of(v[PVMX], best_peer(bench, row))
        table.row(f"half round trip, {size_text(size)}", "µs", v[PVMX], v[MPICH], v[OMPI], None,
                  ratio, "≤ the better peer", below(ratio, 1))
    for size in LONG:
        row = f"world {size}"

        def speed(t, size=size):
            return None if t is None else size / t

        v = {name: speed(bench.value(row, name)) for name in (PVMX, MPICH, OMPI)}
        best = best_peer(bench, row, higher=True, convert=speed)
        ratio = ratio_of(v[PVMX], best)
        table.row(f"bandwidth, {size_text(size)} (ping-pong)", "MB/s", v[PVMX], v[MPICH], v[OMPI],
                  None, ratio, "≥ the better peer", None if ratio is None else ratio >= 1)
    v = {name: bench.value("rate 8", name) for name in (PVMX, MPICH, OMPI)}
    ratio = ratio_of(v[PVMX], best_peer(bench, "rate 8", higher=True))
    table.row("message rate, 8 B, 64 in flight", "messages/s", v[PVMX], v[MPICH], v[OMPI], None,
              ratio, "≥ the better peer", None if ratio is None else ratio >= 1)


def kinship_rows(bench, table):
    for size in KINSHIP:
        world, parent = (bench.value(f"kin {k} {size}", PVMX) for k in ("world", "parent"))
        ratio = ratio_of(parent, world)
        table.row(f"parent and child, {size_text(size)} (ratio: to one world, {number(world)} µs)",
                  "µs", parent, None, None, None, ratio, "≤ 1.05", below(ratio, 1.05))


def derived_rows(bench, table):
    """The floor is the loop of the PVMX program; the ratio is its time to ours."""
    for way, loop in (("pack", "loop"), ("unpack", "unloop")):
        for rows in COLUMNS:
            v = {name: bench.value(f"{way} {rows}", name) for name in (PVMX, MPICH, OMPI)}
            floor = bench.value(f"{loop} {rows}", PVMX)
            ratio = ratio_of(floor, v[PVMX])
            # A call costs as much as a loop over a few numbers: that is no matter of packing.
            least = "≥ 0.8 × the loop" if rows > 16 else "(not required)"
            table.row(f"{way} a column of {rows} doubles", "µs", v[PVMX], v[MPICH], v[OMPI],
                      floor, ratio, least, None if ratio is None or rows <= 16 else ratio >= 0.8)
    for rows in COLUMNS:
        row = f"column {rows}"
        v = {name: bench.value(row, name) for name in (PVMX, MPICH, OMPI)}
        ratio = ratio_of(v[PVMX], best_peer(bench, row))
        table.row(f"half round trip, column of {rows} doubles", "µs", v[PVMX], v[MPICH], v[OMPI],
                  None, ratio, "≤ the better peer", below(ratio, 1))


def coll_row(bench, table, what, row, least):
    """Ratio: the better peer's time to ours."""
    v = {name: bench.value(row, name) for name in (PVMX, MPICH, OMPI, YIELD)}
    ratio = ratio_of(best_peer(bench, row), v[PVMX])
    required = "≥ the better peer" if least == 1 else f"≥ {least} × faster"
    table.row(what, "µs", v[PVMX], v[MPICH], v[OMPI], None, ratio, required,
              None if ratio is None else ratio >= least)
    if v[YIELD] is not None:
        table.row(f"{what}; Open MPI yields", "µs", v[PVMX], None, v[YIELD], None,
                  ratio_of(v[YIELD], v[PVMX]), "(not required)", None)


def coll_rows(bench, table):
    coll_row(bench, table, "barrier, 8 tasks", "coll 8 barrier:0", 5)
    for tasks in COLL_TASKS:
        for name in COLL_NAMES:
            for size in COLL_SIZES:
                coll_row(bench, table, f"{name} {size_text(size)}, {tasks} tasks",
                         f"coll {tasks} {name}:{size}", 1 if tasks <= os.cpu_count() else 3)
    coll_row(bench, table, f"MPI_Comm_dup, {DUP_TASKS} tasks", "dup", 1)


def matching_rows(bench, table):
    v = {name: bench.value("unexpected", name) for name in (PVMX, MPICH, OMPI)}
    ratio = ratio_of(best_peer(bench, "unexpected"), v[PVMX])
    table.row(f"{UNEXPECTED:,} unexpected messages received in reverse order", "µs", v[PVMX],
              v[MPICH], v[OMPI], None, ratio, "≥ 20 × faster", None if ratio is None else ratio >= 20)


def waiting_rows(bench, table):
    v = {name: bench.value("blocked", name) for name in (PVMX, MPICH, OMPI)}
    table.row("a task blocked 5 s in MPI_Recv", "% of a processor", v[PVMX], v[MPICH], v[OMPI],
              None, None, "< 1 %", None if v[PVMX] is None else v[PVMX] < 1)
    idle = bench.value("daemon", PVMX)
    table.row("idle pvmxd", "% of a processor", idle, None, None, None, None, "< 0.1 %",
              None if idle is None else idle < 0.1)


def tcp_rows(bench, table):
    for size in tcp.SMALL:
        v = {name: bench.value(f"tcp {size}", name) for name in (PVMX, MPICH, OMPI, tcp.SOCKETS)}
        ratio, best = ratio_of(v[PVMX], v[tcp.SOCKETS]), best_peer(bench, f"tcp {size}")
        ok = None if ratio is None else ratio <= 1.15 and (best is None or v[PVMX] <= best)
        table.row(f"half round trip over TCP, {size_text(size)}", "µs", v[PVMX], v[MPICH], v[OMPI],
                  v[tcp.SOCKETS], ratio, "≤ 1.15 × plain sockets, ≤ the better peer", ok)
    for size in tcp.LONG:
        v = {name: (lambda t: size / t if t else None)(bench.value(f"tcp {size}", name))
             for name in (PVMX, MPICH, OMPI, tcp.SOCKETS)}
        ratio = ratio_of(v[PVMX], v[tcp.SOCKETS])
        table.row(f"bandwidth over TCP, {size_text(size)}", "MB/s", v[PVMX], v[MPICH], v[OMPI], v[tcp.SOCKETS],
                  ratio, "≥ 0.9 × plain sockets" if size == 1 << 20 else "–",
                  None if ratio is None or size != 1 << 20 else ratio >= 0.9)


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) // (1 << 20)
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return f"{os.cpu_count()} × {model}, {memory} GiB, {system}, Linux {platform.release()}"


def version_of(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout or "not installed"


def report(bench):
    table = Table()
    for rows in (spawn_rows, dynamic_rows, message_rows, kinship_rows, derived_rows, coll_rows,
                 matching_rows, tcp_rows, waiting_rows):
        rows(bench, table)
    failures = [f"* {lib.name}: `{key}` {why}" for lib in bench.libs
                for key, why in lib.missing.items()]
    text = f"""# Benchmarks

Made by `cmake --build build --target bench` (bench/run.py); `bench/install-peers` installs the
libraries to compare with. Rerun it to replace this page.

* Date: {datetime.date.today().isoformat()}
* Machine: {machine()}
* Peers: MPICH {version_of('mpich')}, Open MPI {version_of('openmpi-bin')}
* {bench.rounds} round{'s' if bench.rounds > 1 else ''}, in each of which the libraries run in turn; medians
* Pairs of tasks (messages, collectives of 2, TCP) take several turns in each round, and the better quartile
  counts: where a virtual machine's host places two processors changes every few seconds, and doubles times
* {table.counts['pass']} required figures met, {table.counts['**miss**']} missed

""" + "\n".join(table.lines) + """

* Floor of spawning: `posix_spawn` of as many dynamically linked programs that each write one byte into a
  pipe, until all bytes are read. The VM is running already; each round waits until the children of the
  one before are gone.
* Ratio: PVMX to the floor for spawning, PVMX to the better peer for messages (time: below 1 is faster;
  bandwidth: above 1 is faster), the better peer to PVMX for collectives, a loop written by hand (the
  floor) to PVMX for packing.
* Bandwidth: size divided by half a round trip.
* Collectives: bytes of one process's block; the time of the slowest process in a loop of the same
  operation. With more tasks than processors the peers' defaults wait busily (Open MPI started with
  `--host localhost:N`); told of it by `--oversubscribe`, Open MPI yields the processor: shown apart.
* Over TCP: two network namespaces with a virtual cable between them. The floor is a program that sends and
  receives on one plain socket; it sleeps for each message, which is slow where processors fall asleep.
* A lone process is started as `./program` with PVMX, by `mpiexec -n 1` with the others.
"""
    if failures:
        text += "\nWhat did not run here:\n\n" + "\n".join(failures) + "\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help="PVMX's build folder")
    parser.add_argument("--out", type=pathlib.Path, help="file to write (default: only print)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="spawn messages kinship pack coll matching tcp blocked daemon")
    args = parser.parse_args()
    bench = Bench(args)
    try:
        bench.compile()
        bench.measure()
        text = report(bench)
    finally:
        bench.close()
    print(text)
    if args.out:
        args.out.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
