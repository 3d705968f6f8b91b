#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of PVM's calls in MPI, from port.txt: the table of `pvmx port` and those of the guide.
gen_port.py --table FILE | --guide FILE | --check GUIDE LIBRARY-FOLDER NM
--guide writes the tables between the two marks of the guide; --check says where guide, functions.txt or
libfpvm3 and port.txt differ."""

import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
VERDICTS = {"same": "one call", "other": "another way", "drop": "not needed", "keep": "keep"}
BEGIN, END = "<!-- tables: made of compat/pvm3/port.txt by gen_port.py -->", "<!-- end of tables -->"


class Row:
    def __init__(self, line, section):
        fields = line.split("\t")
        if len(fields) != 5 or not all(fields) or fields[2] not in VERDICTS:
            sys.exit(f"port.txt: not five columns with a known third one: {line}")
        self.section = section
        self.name, fortran, self.verdict, mpi, self.note = fields
        names = [] if fortran == "-" else fortran.split(", ")
        self.fortran = [n.strip("()") for n in names]
        self.linked = [n for n in names if not n.startswith("(")]
        self.mpi = "" if mpi == "-" else mpi


def rows():
    table, section = [], ""
    for line in (HERE / "port.txt").read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line and not line.startswith("#"):
            table.append(Row(line, section))
    notes = {r.name: r.note for r in table}
    for r in table:
        r.note = "" if r.note == "-" else r.note
        while r.note.startswith("= "):
            r.note = notes[r.note[2:]]
    return table


def c_table():
    """Texts in one array and offsets into it, so that the table needs no relocations."""
    text, places = ["\\0"], {"": 0}
    used = 1

    def place(s):
        nonlocal used
        if s not in places:
            places[s] = used
            text.append(s.replace("\\", "\\\\").replace('"', '\\"') + "\\0")
            used += len(s) + 1
        return places[s]

    names = {}
    for r in rows():
        for language, spelled in [("PORT_C", [] if r.name in r.fortran else [r.name]),
                                  ("PORT_FORTRAN", r.fortran)]:
            for name in spelled:
                names[language, name.lower() if language == "PORT_FORTRAN" else name] = r
    lines = [f"    {{{place(name)}, {place(r.mpi)}, {place(r.note)}, {language}, PORT_{r.verdict.upper()}}},"
             for (language, name), r in sorted(names.items(), key=lambda i: i[0][1])]
    verdicts = ", ".join(f'[PORT_{v.upper()}] = "{words}"' for v, words in VERDICTS.items())
    return "\n".join([
        "/* What becomes of PVM's calls; made of compat/pvm3/port.txt by gen_port.py. */",
        "enum { PORT_C, PORT_FORTRAN };",
        f"enum {{ {', '.join('PORT_' + v.upper() for v in VERDICTS)}, PORT_VERDICTS }};",
        f"static const char port_verdicts[PORT_VERDICTS][16] = {{{verdicts}}};",
        "static const char port_text[] =", *[f'    "{t}"' for t in text], "    ;",
        "/* By name. */",
        "static const struct port_row {",
        "    unsigned short name, mpi, note; /* offsets in port_text */",
        "    unsigned char language, verdict;",
        "} port_rows[] = {", *lines, "};", ""])


def guide_tables():
    lines, section = [BEGIN], None
    for r in rows():
        if r.section != section:
            section = r.section
            lines += ["", f"### {section}", "", "| PVM | Fortran | | MPI | what to know |",
                      "| --- | --- | --- | --- | --- |"]
        name = "" if r.name in r.fortran else f"`{r.name}`"
        fortran = ", ".join(f"`{n}`" for n in r.fortran)
        lines.append(f"| {name} | {fortran} | {VERDICTS[r.verdict]} | {r.mpi} | {r.note} |")
    return "\n".join(lines + ["", END])


def put_in_guide(text):
    head, _, rest = text.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        sys.exit("the guide has not both marks")
    return head + guide_tables() + tail


def functions():
    for line in (HERE / "functions.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")[0]


def differences(what, ours, others):
    return [f"{n}: in {what}, not in port.txt" for n in sorted(others - ours)] + \
           [f"{n}: in port.txt, not in {what}" for n in sorted(ours - others)]


def check(guide, folder, nm):
    text, table = pathlib.Path(guide).read_text(), rows()
    faults = [] if put_in_guide(text) == text else [f"{guide}: not as port.txt has it: gen_port.py --guide {guide}"]
    names = [n for r in table for n in {r.name, *r.fortran}]
    faults += [f"{n}: twice in port.txt" for n in sorted(set(names)) if names.count(n) > 1]
    faults += differences("functions.txt", {r.name for r in table if r.name not in r.fortran}, set(functions()))
    out = subprocess.run([nm, "-D", "--defined-only", f"{folder}/libfpvm3.so.3"], check=True,
                         capture_output=True, text=True).stdout
    exported = {line.split()[-1].removesuffix("_") for line in out.splitlines()}
    return faults + differences("libfpvm3", {n for r in table for n in r.linked}, exported - {"ctofstr", "ftocstr"})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table")
    parser.add_argument("--guide")
    parser.add_argument("--check", nargs=3)
    args = parser.parse_args()
    if args.table:
        pathlib.Path(args.table).write_text(c_table())
    if args.guide:
        guide = pathlib.Path(args.guide)
        guide.write_text(put_in_guide(guide.read_text()))
    found = check(*args.check) if args.check else []
    print("\n".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
