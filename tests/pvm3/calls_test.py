#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""calls.def is complete: every function that the libraries export is called with right arguments (or names
the test that does), and there is a row for each of its parameters."""

import pathlib
import re
import unittest

HERE = pathlib.Path(__file__).resolve().parent
COMPAT = HERE.parents[1] / "compat" / "pvm3"
PROTOTYPE = re.compile(r"^(?:char |void |int )\*?\(?\*?(\w+)\((.*)\)+;$")
UNDECLARED = {"pvm_recvf": ["func"]}


def functions():
    rows = [line.split("\t") for line in (COMPAT / "functions.txt").read_text().splitlines()]
    return {row[0] for row in rows if len(row) > 2 and row[2] == "yes"}


def parameters():
    """name -> names of its parameters, of all that the headers declare."""
    text = "".join((COMPAT / name).read_text() for name in ("include/pvm3.h", "include/pvmtev.h", "extra.h"))
    text = re.sub(r"\(\*(\w+)\)\([^()]*\)", r"*\1", re.sub(r"\n[ \t]+", " ", text))  # pointers to functions
    found = dict(UNDECLARED)
    for line in text.splitlines():
        if m := PROTOTYPE.match(line):
            words = [re.findall(r"\w+", part) for part in m[2].split(",")]
            found.setdefault(m[1], [w[-1] for w in words if w and w != ["void"]])
    return found


def rows(known):
    """(function, parameter) of each row; those of macros that stand for several rows too."""
    text = re.sub(r"/\*.*?\*/", "", (HERE / "calls.def").read_text(), flags=re.S)
    macros = re.sub(r"\\\n", "", (HERE / "pvm_calls.c").read_text())
    expanded = []
    for line in text.splitlines():
        kind, inside = re.match(r"(\w+)\((.*)\)\s*$", line).groups() if line.strip() else ("", "")
        body = re.search(rf"^#define {kind}\((\w+)[^\n]*?\)\s+(CALL\(.*)$", macros, re.M)
        if kind in ("CALL", "ELSEWHERE"):
            expanded.append(line)
        elif body:
            first = inside.split(",")[0]
            for row in re.split(r"(?=CALL\()", body[2]):
                for side in (rf"##{body[1]}\b", rf"\b{body[1]}\b"):
                    row = re.sub(side, first, row)
                expanded.append(row)
    for row in filter(None, expanded):
        m = re.match(r"(\w+)\((\w+), (.*)", row)
        if m[1] == "ELSEWHERE":
            yield m[2], "elsewhere", m[3]
        elif names := [w for w in re.findall(r"\w+", m[3]) if w in known]:
            yield names[0], m[2], row
            for name in names[1:]:
                yield name, "mentioned" if m[2] == "right" else m[2], row


class Calls(unittest.TestCase):
    """What calls.def says of which function."""

    def test_complete(self):
        known = functions()
        seen = {}
        for name, what, row in rows(known):
            seen.setdefault(name, {}).setdefault(what, []).append(row)
        missing = []
        for name, params in parameters().items():
            if name not in known:
                continue
            have = seen.get(name, {})
            if not {"right", "elsewhere", "mentioned"} & have.keys():
                missing.append(f"{name}: never called with right arguments")
            missing += [f"{name}: no row for {p}" for p in params if p not in have]
        missing += [f"{name}: no prototype is known" for name in known - parameters().keys()]
        self.assertEqual(missing, [])

    def test_other_programs(self):
        for name, what, rest in rows(functions()):
            if what != "elsewhere":
                continue
            program, case = re.findall(r"\w+", rest)
            text = (HERE / f"{program}.c").read_text()
            self.assertRegex(text, rf"\b{name}\(", f"{program}.c does not call {name}")
            self.assertTrue(f'{{"{case}",' in text or f"void {case}(" in text,
                            f"{program}.c has no {case}, which {name} is said to be called in")


if __name__ == "__main__":
    unittest.main()
