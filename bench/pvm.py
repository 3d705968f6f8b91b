#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares PVM calls of this build with those of PVM 3 (Debian: pvm, pvm-dev): builds pvm_messages.c and
pvm_tasks.c with both, runs the two in turn, and prints figures and ratios: of messages, for which the two
take several turns in each round, the better quartile (as run.py does, which says why), else medians.
pvm.py --build BUILD [--rounds N]"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
# Row, and the least ratio PVM : PVMX that is required (for packs in native form: PVMX : memcpy at most).
REQUIRED = {"rtt_8": 10, "rtt_1m_default": 10, "rtt_1m_inplace": 2, "pack_1m_default": 5, "unpack_1m_default": 5,
            "spawn_4": 3, "spawn_64": 3, "barrier_8": 5, "rate_8": 10}
MEMCPY = {"pack_1m_raw": 1.3, "unpack_1m_raw": 1.3}
FLOOR = {"spawn_4": "floor_4", "spawn_64": "floor_64"}  # at most twice as long
MOST = {"notify": 1000, "join_100": 20000}  # us
MESSAGES, TASKS = "pvm_messages", "pvm_tasks"
TURNS = 5  # of the messages in a round


def compile_with(folder, *flags):
    folder.mkdir()
    for name in (MESSAGES, TASKS):
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", folder / name, HERE / f"{name}.c", *flags], check=True)


def figures(command, env):
    """Lines "name value" as a dict."""
    out = subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=100)
    return {name: float(value) for name, value in (line.split() for line in out.stdout.splitlines())}


class Side:
    """A library: how its programs are run, and what they said."""

    def __init__(self, folder, env):
        self.folder = folder
        self.env = env
        self.messages, self.tasks = {}, {}

    def run(self, program):
        samples = self.messages if program == MESSAGES else self.tasks
        for name, value in figures([self.folder / program, self.folder / program], self.env).items():
            samples.setdefault(name, []).append(value)

    def values(self):
        low = {k: statistics.quantiles(v, n=4)[0] if len(v) > 1 else v[0] for k, v in self.messages.items()}
        return low | {k: statistics.median(v) for k, v in self.tasks.items()}


def floors(folder):
    """What starting processes takes without any of both: see floor.c."""
    for name in ("floor", "floor_child"):
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", folder / name, HERE / f"{name}.c"], check=True)
    return {f"floor_{n}": figures([folder / "floor", str(n), "21", folder / "floor_child"], None)["floor"]
            for n in (4, 64)}


def start_pvmd(folder):
    """The daemon of PVM, with its files in a folder of its own; None when it does not start."""
    env = dict(os.environ, PVM_TMP=str(folder), PVM_ALLOW_ROOT="1")
    daemon = subprocess.Popen(["pvmd"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True)
    for _ in range(500):
        if list(folder.glob("pvmd.*")):
            return daemon, env
        if daemon.poll() is not None:
            break
        time.sleep(0.01)
    daemon.terminate()
    sys.exit("pvmd does not start")


def table(ours, theirs, floor_rounds):
    print(f"| {'what':20} | {'PVMX us':>10} | {'PVM us':>10} | {'ratio':>6} | required |")
    print("| --- | --- | --- | --- | --- |")
    ours, theirs = ours.values(), theirs.values()
    for name, x in ours.items():
        p = theirs[name]
        want = f">= {REQUIRED[name]}" if name in REQUIRED else ""
        if name in FLOOR:
            floor = statistics.median(r[FLOOR[name]] for r in floor_rounds)
            want += f", {x / floor:.2f} x the floor, <= 2"
        if name in MOST:
            want = f"< {MOST[name]} us"
        if name in MEMCPY:
            want = f"{x / ours['memcpy_1m']:.2f} x memcpy, <= {MEMCPY[name]}"
        print(f"| {name:20} | {x:10.3f} | {p:10.3f} | {p / x:6.1f} | {want} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if not shutil.which("pvmd"):
        sys.exit("PVM is not installed (Debian: pvm, pvm-dev)")
    build = args.build.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        compile_with(folder / "ours", f"-I{build}/include", f"-L{build}/lib", "-lgpvm3", "-lpvm3",
                     f"-Wl,-rpath,{build}/lib")
        compile_with(folder / "theirs", "-lgpvm3", "-lpvm3")
        daemon, env = start_pvmd(folder)
        sides = Side(folder / "ours", dict(os.environ, XDG_RUNTIME_DIR=name)), Side(folder / "theirs", env)
        floor_rounds = []
        try:
            for _ in range(args.rounds):
                for program in (MESSAGES,) * TURNS + (TASKS,):
                    for side in sides:
                        side.run(program)
                floor_rounds.append(floors(folder))
        finally:
            daemon.terminate()
            daemon.wait()
        table(*sides, floor_rounds)


if __name__ == "__main__":
    main()
