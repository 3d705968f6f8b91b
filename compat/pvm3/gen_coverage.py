#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""docs/pvm-coverage.md from functions.txt, and the proof that the libraries agree with it:
gen_coverage.py --page FILE | --check LIBRARY-FOLDER NM"""

import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def rows():
    for line in (HERE / "functions.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, library, here, *note = line.split("\t")
            yield name, library, here == "yes", note[0] if note else ""


def page():
    table = list(rows())
    here = sum(r[2] for r in table)
    lines = ["# PVM 3 functions", "",
             f"{here} of the {len(table)} functions that PVM 3.4.6 has or describes. Made by the build from "
             "`compat/pvm3/functions.txt`; a test holds it against the libraries.", "",
             "| function | library | here | what differs |", "| --- | --- | --- | --- |"]
    lines += [f"| `{n}` | lib{lib} | {'yes' if ok else 'no'} | {note} |" for n, lib, ok, note in table]
    return "\n".join(lines) + "\n"


def check(folder, nm):
    faults = []
    for library in ("pvm3", "gpvm3"):
        out = subprocess.run([nm, "-D", "--defined-only", f"{folder}/lib{library}.so.3"], check=True,
                             capture_output=True, text=True).stdout
        exported = {line.split()[-1].split("@")[0] for line in out.splitlines()}
        for name, lib, here, _ in rows():
            if lib == library and here != (name in exported):
                faults.append(f"{name}: {'not ' if here else ''}exported by lib{library}.so.3")
    return faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--page")
    parser.add_argument("--check", nargs=2)
    args = parser.parse_args()
    if args.page:
        pathlib.Path(args.page).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(args.page).write_text(page())
    found = check(*args.check) if args.check else []
    print("\n".join(found))
    sys.exit(bool(found))
