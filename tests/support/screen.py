# SPDX-License-Identifier: BSD-3-Clause
"""What a person sees on a terminal: takes what programs write, and has the lines and the cursor. It knows
the sequences of xterm that line editors use, wraps as xterm does (in the last column only when one more
character comes), and breaks lines anew when its size changes, as terminals of today do."""

import codecs
import re
import unicodedata

CSI = re.compile(r"\x1b\[([?>]?)([0-9;]*)([@A-Za-z])")
PART = re.compile(r"\x1b(\[[?>]?[0-9;]*)?\Z")


def width_of(c):
    return 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1


class Screen:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines, self.wrapped = [[]], [False]  # all, also those above; wrapped: goes on below
        self.row = self.column = 0  # of all lines
        self.inserts = False
        self.rest = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines).rstrip("\n")

    def before_cursor(self):
        return "".join(self.lines[self.row][:self.column])

    def top(self):
        return max(0, len(self.lines) - self.rows)

    # ---- writing

    def go(self, row, column):
        self.row = max(self.top(), row)
        self.column = min(max(0, column), self.columns - 1)
        while len(self.lines) <= self.row:
            self.lines.append([])
            self.wrapped.append(False)

    def feed(self, data):
        text = self.rest + self.decoder.decode(data)
        part = PART.search(text)
        self.rest = part[0] if part else ""
        text, at = text[:len(text) - len(self.rest)], 0
        while at < len(text):
            found = CSI.match(text, at)
            if found:
                self.obey(*found.groups())
                at = found.end()
            else:
                self.put(text[at])
                at += 1

    def put(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.wrapped[self.row] = False
            self.go(self.row + 1, self.column)
        elif c == "\b":
            self.go(self.row, min(self.column, self.columns) - 1)
        elif c >= " ":
            self.put_plain(c, width_of(c))

    def put_plain(self, c, width):
        if self.column + width > self.columns:
            self.wrapped[self.row] = True
            self.go(self.row + 1, 0)
        line = self.lines[self.row]
        line.extend(" " * (self.column - len(line)))
        if width == 0:
            line[-1] += c
            return
        cells = [c] + [""] * (width - 1)
        line[self.column:self.column + (0 if self.inserts else width)] = cells
        del line[self.columns:]
        self.column += width

    def obey(self, private, numbers, what):
        first = int(numbers.split(";")[0] or 0)
        n, line = max(1, first), self.lines[self.row]
        at = min(self.column, self.columns - 1)
        if what in "AB":
            row = self.row + (n if what == "B" else -n)
            self.go(min(row, self.top() + self.rows - 1), at)
        elif what in "CD":
            self.go(self.row, at + (n if what == "C" else -n))
        elif what == "G":
            self.go(self.row, n - 1)
        elif what == "H":
            row, column = ([int(x or 1) for x in numbers.split(";")] + [1, 1])[:2] if numbers else (1, 1)
            self.go(self.top() + row - 1, column - 1)
        elif what in "JK" and first == 0:
            del line[at:]
            self.wrapped[self.row] = False
            if what == "J":
                del self.lines[self.row + 1:], self.wrapped[self.row + 1:]
        elif what == "P":
            del line[at:at + n]
        elif what == "@":
            line[at:at] = " " * n
            del line[self.columns:]
        elif what in "hl" and not private and first == 4:
            self.inserts = what == "h"
        elif what not in "mhlt":
            raise AssertionError(f"an unknown sequence: {private}{numbers}{what}")

    # ---- another size

    def resize(self, rows, columns):
        lines, wrapped, at = [], [], 0
        cursor = (0, 0)
        while at < len(self.lines):
            last = at
            while self.wrapped[last] and last + 1 < len(self.lines):
                last += 1
            whole, where = [], None
            for i in range(at, last + 1):
                if i == self.row:
                    where = len(whole) + self.column
                whole += self.lines[i]
            pieces = [whole[i:i + columns] for i in range(0, len(whole), columns)] or [[]]
            if where is not None:
                while where // columns >= len(pieces):
                    pieces.append([])
                cursor = (len(lines) + where // columns, where % columns)
            wrapped += [True] * (len(pieces) - 1) + [False]
            lines += pieces
            at = last + 1
        self.rows, self.columns, self.lines, self.wrapped = rows, columns, lines, wrapped
        self.row, self.column = cursor
