# SPDX-License-Identifier: BSD-3-Clause
"""The files of the tree that the checks look at: no build trees, nothing generated, nothing hidden."""
import os
import sys


def files(root, *suffixes):
    """Paths relative to root, sorted, that end in one of the suffixes (all when none is given)."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(d for d in folders if d != "__pycache__" and not d.startswith("build")
                            and (not d.startswith(".") or d == ".ci"))
        for name in sorted(names):
            if not suffixes or name.endswith(suffixes):
                yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def report(what, faults):
    """Prints the faults; the exit status of the check."""
    for fault in faults:
        print(fault)
    print(f"{what}: {len(faults)} faults" if faults else f"{what}: good")
    return 1 if faults else 0


def main(what, check):
    """For checks that only need the root of the tree as argument."""
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print(f"usage: {sys.argv[0]} ROOT", file=sys.stderr)
        return 2
    return report(what, check(sys.argv[1]))
