#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each source file begins with its licence, and each C file says in its second line what it is for."""
import os
import sys

import tree

LICENCE = "SPDX-License-Identifier: BSD-3-Clause"
SUFFIXES = (".c", ".h", ".c.in", ".h.in", ".py", ".sh", ".cmake", ".def", ".map", "CMakeLists.txt",
            "proto.txt")
DATA = (".tsv", ".md", ".txt", ".json", ".xml", ".dict")


def is_script(root, path):
    with open(os.path.join(root, path), "rb") as f:
        return f.read(2) == b"#!"


def check(root):
    faults = []
    for path in tree.files(root):
        source = path.endswith(SUFFIXES)
        if not source and (path.endswith(DATA) or not is_script(root, path)):
            continue
        lines = tree.read(root, path).splitlines()[:4]
        if lines and lines[0].startswith("#!"):
            lines = lines[1:]
        if not any(LICENCE in line for line in lines[:2]):
            faults.append(f"{path}: no line \"{LICENCE}\" at its head")
        elif path.endswith((".c", ".h")) and not (len(lines) > 1 and lines[1].startswith("/*")):
            faults.append(f"{path}: the second line does not say what the file is for")
    return faults


if __name__ == "__main__":
    sys.exit(tree.main("spdx", check))
