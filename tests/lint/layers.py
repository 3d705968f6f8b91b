#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Who may include whom. Files outside of the listed parts (tests) may include what they test."""
import os
import re
import sys

import tree

PUBLIC = ["pvmx/"]      # <pvmx/...>: the installed headers of libpvmx, engine surface included
ALL = ["base/", "proto/", "layout/", "transport/", "match/", "req/", "msg/", "progress/", "core/"] + PUBLIC
# Header-only parts of base that the layers above libpvmx may use.
HEADER_ONLY = ["base/list.h", "base/clock.h"]

# Folder -> prefixes of our headers that its files may include. Its own files are always allowed.
# The longest folder that matches counts.
MAY = {
    "libpvmx": PUBLIC,
    "libpvmx/include/pvmx": ["pvmx/types.h", "pvmx/errors.h", "pvmx/version.h"],
    "libpvmx/include/pvmx/engine": ["pvmx/types.h", "pvmx/errors.h", "pvmx/engine/"],
    "libpvmx/base": ["pvmx/errors.h", "pvmx/types.h", "pvmx/version.h"],
    "libpvmx/proto": ["base/", "pvmx/errors.h", "pvmx/types.h", "pvmx/version.h"],
    # The shm transport shares the arena's layout, and the bells, with the daemon: these headers only.
    "libpvmx/transport": ["base/", "proto/arena.h", "proto/bell.h"] + PUBLIC,
    "libpvmx/layout": ["base/"] + PUBLIC,
    "libpvmx/match": ["base/", "transport/"] + PUBLIC,
    "libpvmx/req": ["base/", "transport/", "match/"] + PUBLIC,
    "libpvmx/msg": ["base/", "layout/", "transport/", "match/", "req/", "progress/"] + PUBLIC,
    "libpvmx/progress": ["base/", "proto/bell.h", "transport/", "req/"] + PUBLIC,
    "libpvmx/core": ALL,
    "libmpi_dpm": PUBLIC + HEADER_ONLY + ["mpi.h", "xmpi.h", "mpix_pvmx.h"],
    "pvmxd": ["base/", "proto/"] + PUBLIC,
    "console": ["base/", "proto/"] + PUBLIC,
    # What libedit does not tell is counted once for both consoles, and options are listed once.
    "compat/pvm3/console": ["pvm3.h", "pvmtev.h", "typed.h", "base/pvmopts.def"],
    # What PVM's variables and options are is told once; libpvm3 compiles it.
    "compat/pvm3": PUBLIC + HEADER_ONLY + ["base/pvmenv.h", "base/pvmopts.def", "pvm3.h", "fpvm3.h"],
    "examples": ["mpi.h", "mpix_pvmx.h", "pvmx/pvmx.h", "pvm3.h"],
    "bench": ["mpi.h", "mpix_pvmx.h", "pvmx/pvmx.h", "pvm3.h"],
    "tools": [],
}

# Headers of others that are allowed in some places only.
THIRD = {
    "ev.h": ["pvmxd"],
    "hwloc": ["pvmxd"],
    "msgpack": ["libpvmx/proto"],
    "sodium": ["pvmxd"],
    "editline/": ["console"],
    "histedit.h": ["console", "compat/pvm3/console"],
    "ucp/": ["libpvmx/transport/ucx"],
    "uct/": ["libpvmx/transport/ucx"],
}

# Headers without a folder that are installed, and headers that exist in the build tree only.
INSTALLED = {"mpi.h", "mpix_pvmx.h", "pvm3.h", "fpvm3.h"}
GENERATED = {"proto/messages.h": "libpvmx/proto"}

# Programs may use the public headers for facts of the protocol, never the engine's functions: that
# they do not link libpvmx makes certain of it.

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
# Roots below which a quoted include of a part is looked for, besides the file's own folder.
ROOTS = {"libpvmx": ["libpvmx", "libpvmx/include"], "libmpi_dpm": ["libmpi_dpm"],
         "pvmxd": ["pvmxd", "libpvmx", "libpvmx/include"],
         "console": ["console", "libpvmx", "libpvmx/include"],
         "compat": ["compat/pvm3", "compat/pvm3/include"]}


def part_of(path):
    """The longest listed folder that holds path; None for files outside of all parts."""
    folder = os.path.dirname(path)
    while folder:
        if folder in MAY:
            return folder
        folder = os.path.dirname(folder)
    return None


def own(root, path, part, name):
    """Is the included header a file of the same part?"""
    if name in GENERATED:
        return part == GENERATED[name]
    where = [os.path.dirname(path), part] + ROOTS.get(part.split("/")[0], [])
    for base in where:
        found = os.path.normpath(os.path.join(base, name))
        if os.path.exists(os.path.join(root, found)):
            return part_of(found) == part
        if os.path.exists(os.path.join(root, found + ".in")):
            return part_of(found) == part
    return False


def ours(root):
    """Every name under which a header of ours can be included, to tell it from a system header."""
    names = set()
    for path in tree.files(root, ".h", ".h.in", ".def"):
        part = part_of(path)
        if part is None:
            continue
        path = path.removesuffix(".in")
        for base in {part, part.split("/")[0]} | set(ROOTS.get(part.split("/")[0], [])):
            if path.startswith(base + "/"):
                names.add(path[len(base) + 1:])
    return names | set(GENERATED) | INSTALLED


def fault_of(root, path, part, quoted, name, known):
    for prefix, places in THIRD.items():
        if name.startswith(prefix) and not any((part + "/").startswith(p + "/") for p in places):
            return f"{name} may be used in {' and '.join(places)} only"
    if not quoted and (name not in known or ("/" not in name and name not in INSTALLED)):
        return None     # the system's: <spawn.h> is not ours
    if any(name == m or (m.endswith("/") and name.startswith(m)) for m in MAY[part]):
        return None
    if own(root, path, part, name):
        return None
    if quoted and name not in known:
        return f"{name} is no header of this part" if "/" in name else None
    return f"{part} may not include {name}"


def check(root):
    faults = []
    known = ours(root)
    for path in tree.files(root, ".c", ".h", ".c.in", ".h.in", ".def"):
        part = part_of(path)
        if part is None:
            continue    # tests use what they test
        for m in INCLUDE.finditer(tree.read(root, path)):
            why = fault_of(root, path, part, m[1] == '"', m[2], known)
            if why:
                faults.append(f"{path}: {why}")
    return faults


if __name__ == "__main__":
    sys.exit(tree.main("layers", check))
