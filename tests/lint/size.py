#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""No hand-written file over 600 lines, no function over 100, unless listed with a reason in
size_exceptions.txt beside this file. An entry that is no longer needed is a fault too: the list may
only shrink. Lines: clang-format aims at 90 columns and leaves long comments alone; 110 is the end."""
import ast
import os
import re
import sys

import tree

FILE_MAX, FUNCTION_MAX, COLUMN_MAX = 600, 100, 110
SUFFIXES = (".c", ".h", ".py", ".sh", ".c.in", ".h.in", ".cmake", "CMakeLists.txt")
NAME = re.compile(r"(\w+)\s*\(")


def c_functions(lines):
    """(name, number of lines) of each function; relies on the tree's format: braces in column 0."""
    start = None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line.startswith("}") and start is not None:
            head = start - 1
            while head > 0 and lines[head - 1].strip() and not lines[head - 1].startswith(("}", "#")) \
                    and not lines[head - 1].rstrip().endswith((";", "*/")):
                head -= 1
            name = NAME.search(" ".join(lines[head:start]))
            yield (name[1] if name else "?"), i - head + 1
            start = None


def py_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.end_lineno - node.lineno + 1


def findings(root):
    """(key, sentence) of everything that is too large; the key is what an exception names."""
    for path in tree.files(root, *SUFFIXES):
        text = tree.read(root, path)
        lines = text.splitlines()
        if len(lines) > FILE_MAX:
            yield path, f"{path}: {len(lines)} lines, more than {FILE_MAX}"
        functions = c_functions(lines) if path.endswith((".c", ".h")) else \
            py_functions(text) if path.endswith(".py") else ()
        for name, n in functions:
            if n > FUNCTION_MAX:
                yield f"{path}:{name}", f"{path}: {name} has {n} lines, more than {FUNCTION_MAX}"
        for i, line in enumerate(lines if path.endswith((".c", ".h")) else (), 1):
            if len(line) > COLUMN_MAX:
                yield f"{path}:columns", f"{path}:{i}: {len(line)} columns, more than {COLUMN_MAX}"


def exceptions(path):
    """Key -> reason; a line is "key - reason"."""
    listed, faults = {}, []
    if not os.path.exists(path):
        return listed, faults
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("#") or not line.strip():
                continue
            key, _, reason = line.strip().partition(" - ")
            if not reason:
                faults.append(f"exception {key} gives no reason")
            listed[key] = reason
    return listed, faults


def check(root):
    listed, faults = exceptions(os.path.join(root, "tests/lint/size_exceptions.txt"))
    used = set()
    for key, sentence in findings(root):
        if key in listed:
            used.add(key)
        else:
            faults.append(sentence)
    return faults + [f"exception {k} is not needed any more: remove it" for k in set(listed) - used]


if __name__ == "__main__":
    sys.exit(tree.main("size", check))
