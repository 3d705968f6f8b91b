#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The table of both consoles' command trace, from events.txt and the numbers of pvmtev.h. gen_events.py FILE"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main():
    header = (HERE / "include" / "pvmtev.h").read_text()
    numbers = dict(re.findall(r"^#define TEV_(\w+) (\d+)$", header, re.M))
    rows = [line.split() for line in (HERE / "events.txt").read_text().splitlines() if not line.startswith("#")]
    if rows != sorted(rows):
        sys.exit("events.txt: not sorted by name")
    lines = [f'    {{"{name}", {numbers[name.upper()]}, {"true" if shown else "false"}}},' for name, *shown in rows]
    pathlib.Path(sys.argv[1]).write_text("\n".join([
        "/* Events of calls, by name; made of compat/pvm3/events.txt by gen_events.py. */",
        "static const struct event {", "    char name[13];", "    unsigned char number;",
        "    bool shown; /* by XPVM */", "} events[] = {", *lines, "};", ""]))


if __name__ == "__main__":
    main()
