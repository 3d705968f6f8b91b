#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Only the names of its own surface leave a library, and all that its headers declare with PVMX_API do:
exports.py LIBRARY HEADER-DIR PREFIX...     (HEADER-DIR: - for a library without such headers)"""
import re
import subprocess
import sys

import tree


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True,
                         text=True).stdout
    for line in out.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":     # version nodes
            yield name.split("@")[0]


def declared(folder):
    for path in tree.files(folder, ".h") if folder != "-" else ():
        yield from re.findall(r"^PVMX_API\b[^;(]*?\b(\w+)\(", tree.read(folder, path), re.M)


def check(library, folder, prefixes):
    names = sorted(set(exported(library)))
    if not names:
        return [f"{library} exports nothing at all"]
    faults = [f"{name} leaves {library}" for name in names if not name.startswith(tuple(prefixes))]
    return faults + [f"{name} is declared, but {library} does not export it"
                     for name in sorted(set(declared(folder)) - set(names))]


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(tree.report("exports", check(sys.argv[1], sys.argv[2], sys.argv[3:])))
