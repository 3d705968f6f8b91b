#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes C structs, tables for the codec, the reference page and the fuzz dictionary from proto.txt.

The C it writes holds facts only (structs and tables); what encodes and decodes is codec.c.
"""
import argparse
import os
import re
import sys

SCALARS = {"u32": "uint32_t ", "u64": "uint64_t ", "i32": "int32_t ", "bool": "bool ",
           "str": "const char *", "bin": "const void *"}
MAX_FIELD = 4095      # field and message numbers stay small on the wire
MAX_DEPTH = 4         # structs inside structs; bounds the codec's recursion
C_KEYWORDS = set("""auto break case char const continue default do double else enum extern float for
goto if inline int long register restrict return short signed sizeof static struct switch typedef
union unsigned void volatile while bool""".split())


class ProtoError(Exception):
    """A fault of the description; the text names the line."""


class Field:
    def __init__(self, number, name, base, is_list, help_text, retired=False):
        self.number, self.name, self.base = number, name, base
        self.is_list, self.help, self.retired = is_list, help_text, retired

    def type_text(self):
        return self.base + ("*" if self.is_list else "")


class Record:
    """A struct or, when number is not None, a message."""

    def __init__(self, name, number=None, who="", help_text=""):
        self.name, self.number, self.who, self.help = name, number, who, help_text
        self.fields = []
        self.retired = False
        self.section = ""
        self.comment = []

    def live(self):
        return [f for f in self.fields if not f.retired]


class Protocol:
    def __init__(self):
        self.version = self.oldest = None
        self.structs, self.messages, self.retired = [], [], []
        self.comment = []


HEAD = re.compile(r"^(struct|message)\s+(.*)$")
MESSAGE = re.compile(r"^(\d+)\s+(\w+)\s*(.*)$")
WHO = re.compile(r"^(\w+(?:>\w+)?)(?:\s+(.*))?$")
FIELD = re.compile(r"^(\d+)\s+(\w+)\s+(\w+)(\*?)(?:\s+(.*))?$")
RETIRED = re.compile(r"^(\d+)\s+retired(?:\s+.*)?$")
SECTION = re.compile(r"^# -{2,} (.*?) -*$")


class Parser:
    def __init__(self, text):
        self.proto, self.text = Protocol(), text
        self.record, self.section, self.notes = None, "", []
        self.line = 0

    def fail(self, why):
        raise ProtoError(f"line {self.line}: {why}")

    def parse(self):
        for self.line, raw in enumerate(self.text.splitlines(), 1):
            line = raw.rstrip()
            if line.startswith("#") or not line:
                self.comment_line(line)
            elif line[0].isspace():
                self.field_line(line.strip())
            else:
                self.head_line(line)
                self.notes = []
        self.line += 1
        self.finish()
        return self.proto

    def comment_line(self, line):
        section = SECTION.match(line)
        if section:
            self.section, self.notes = section.group(1), []
        elif not line:
            if not self.proto.comment and self.proto.version is None:
                self.proto.comment = self.notes
            self.notes = []
        elif "SPDX" not in line:
            self.notes.append(line[1:].removeprefix(" "))

    def head_line(self, line):
        word, _, rest = line.partition(" ")
        if word in ("version", "oldest"):
            if not rest.strip().isdigit():
                self.fail(f"{word} needs a number")
            setattr(self.proto, word, int(rest))
            return
        head = HEAD.match(line)
        if not head:
            self.fail(f"neither struct, message, version nor oldest: {line!r}")
        self.record = self.struct(head[2]) if head[1] == "struct" else self.message(head[2])
        self.record.section, self.record.comment = self.section, self.notes

    def check_name(self, name):
        if name in C_KEYWORDS or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            self.fail(f"{name!r} cannot be a name in C")

    def struct(self, rest):
        name = rest.strip()
        self.check_name(name)
        self.check_fresh(name)
        record = Record(name)
        self.proto.structs.append(record)
        return record

    def message(self, rest):
        m = MESSAGE.match(rest)
        if not m:
            self.fail("a message needs a number and a name")
        number, name, tail = int(m[1]), m[2], m[3]
        self.check_number(number, [r.number for r in self.proto.messages + self.proto.retired],
                          "message")
        if name == "retired":
            record = Record("retired", number, help_text=tail)
            self.proto.retired.append(record)
            return record
        self.check_name(name)
        self.check_fresh(name)
        who = WHO.match(tail)
        if not who:
            self.fail(f"message {name}: say who sends it to whom, as in client>daemon")
        record = Record(name, number, who[1], who[2] or "")
        self.proto.messages.append(record)
        return record

    def check_fresh(self, name):
        if any(r.name == name for r in self.proto.structs + self.proto.messages):
            self.fail(f"the name {name} is used twice")

    def check_number(self, number, used, what):
        if not 0 < number <= MAX_FIELD:
            self.fail(f"{what} number {number} is not in 1..{MAX_FIELD}")
        if number in used:
            self.fail(f"{what} number {number} is used twice")

    def field_line(self, line):
        if self.record is None:
            self.fail("a field outside of a struct or message")
        used = [f.number for f in self.record.fields]
        retired = RETIRED.match(line)
        if retired:
            self.check_number(int(retired[1]), used, "field")
            self.record.fields.append(Field(int(retired[1]), "", "", False, "", True))
            return
        m = FIELD.match(line)
        if not m:
            self.fail(f"not a field (number name type help): {line!r}")
        number, name, base, is_list = int(m[1]), m[2], m[3], m[4] == "*"
        self.check_number(number, used, "field")
        self.check_name(name)
        if any(f.name == name for f in self.record.live()):
            self.fail(f"the field name {name} is used twice")
        if base not in SCALARS:
            # Only structs above this one: so they can never contain themselves.
            if base not in [s.name for s in self.proto.structs if s is not self.record]:
                self.fail(f"unknown type {base}")
        if base == "bin" and is_list:
            self.fail("lists of bin are not supported")
        self.record.fields.append(Field(number, name, base, is_list, m[5] or ""))

    def finish(self):
        if self.proto.version is None or self.proto.oldest is None:
            self.fail("version and oldest are missing")
        if self.proto.oldest > self.proto.version:
            self.fail("oldest is newer than version")
        depth = {}
        for s in self.proto.structs:
            depth[s.name] = 1 + max((depth.get(f.base, 0) for f in s.live()), default=0)
            if depth[s.name] > MAX_DEPTH:
                self.fail(f"struct {s.name}: structs nested deeper than {MAX_DEPTH}")
        for r in self.proto.structs + self.proto.messages:
            if not r.live():
                self.fail(f"{r.name} has no fields")


def c_members(record):
    lines = []
    for f in record.live():
        note = f" /* {f.help} */" if f.help else ""
        ctype = SCALARS.get(f.base, f"struct pxp_{f.base} ")
        if f.is_list:
            lines += [f"    {ctype}*{f.name};{note}", f"    size_t n_{f.name};"]
        elif f.base == "bin":
            lines += [f"    {ctype}{f.name};{note}", f"    size_t {f.name}_len;"]
        else:
            lines.append(f"    {ctype}{f.name};{note}")
    return lines


def make_header(p):
    out = ["/* SPDX-License-Identifier: BSD-3-Clause */",
           "/* Messages of the control protocol. Made by gen_proto.py from proto.txt.",
           " *",
           " * pxp_X_encode appends one whole frame, length included; zero and empty fields, and NULL",
           " * strings, are left out. On failure (NOMEM, TOOBIG) the buffer is as it was.",
           " * pxp_X_decode takes the body of a frame; what the fields point to lies in the zone, and",
           " * strings are never NULL. On failure (PROTO, TOOBIG, NOMEM) *m is not to be used; the zone",
           " * is to be freed in either case. */",
           "#ifndef PXP_MESSAGES_H", "#define PXP_MESSAGES_H", "",
           '#include "base/buf.h"', '#include "proto/zone.h"', "#include <stdbool.h>",
           "#include <stddef.h>", "#include <stdint.h>", "",
           f"enum {{ PXP_VERSION = {p.version}, PXP_OLDEST = {p.oldest} }};", "", "enum {"]
    out += [f"    PXP_{m.name.upper()} = {m.number}," for m in p.messages]
    out += ["};"]
    for r in p.structs + p.messages:
        what = f"{r.who}: {r.help}".rstrip(": ") if r.number is not None else ""
        out += [""] + ([f"/* {what} */"] if what else [])
        out += [f"struct pxp_{r.name} {{"] + c_members(r) + ["};"]
    out.append("")
    for m in p.messages:
        out += [f"pvmx_err pxp_{m.name}_encode(struct px_buf *out, uint32_t serial,",
                f"    const struct pxp_{m.name} *m);",
                f"pvmx_err pxp_{m.name}_decode(const uint8_t *body, size_t len, "
                f"struct pxp_{m.name} *m,", "    struct pxp_zone *z);"]
    out += ["", "/* Name of a message number; \"?\" when there is none. Static storage. */",
            "const char *pxp_name(uint32_t number);", "",
            "/* All messages, for the tracer and for tests; *n: how many. */",
            "struct pxp_desc;", "const struct pxp_desc *const *pxp_descs(size_t *n);", "", "#endif",
            ""]
    return "\n".join(out)


def c_field(record, f):
    at = f"offsetof(struct pxp_{record.name}, {f.name})"
    count = "0"
    if f.is_list:
        count = f"offsetof(struct pxp_{record.name}, n_{f.name})"
    elif f.base == "bin":
        count = f"offsetof(struct pxp_{record.name}, {f.name}_len)"
    kind = f"PXP_T_{f.base.upper()}" if f.base in SCALARS else "PXP_T_STRUCT"
    sub = "NULL" if f.base in SCALARS else f"&desc_{f.base}"
    return (f'    {{{f.number}, {kind}, {"true" if f.is_list else "false"}, {at}, {count}, {sub}, '
            f'"{f.name}"}},')


def make_source(p):
    out = ["/* SPDX-License-Identifier: BSD-3-Clause */",
           "/* Tables of the control protocol. Made by gen_proto.py from proto.txt. */",
           '#include "proto/messages.h"', '#include "proto/codec.h"', ""]
    for r in p.structs + p.messages:
        fields = sorted(r.live(), key=lambda f: f.number)
        out += [f"static const struct pxp_field fields_{r.name}[] = {{"]
        out += [c_field(r, f) for f in fields] + ["};"]
        out += [f"static const struct pxp_desc desc_{r.name} = {{\"{r.name}\", {r.number or 0}, "
                f"sizeof(struct pxp_{r.name}),", f"    fields_{r.name}, {len(fields)}}};", ""]
    out += ["static const struct pxp_desc *const descs[] = {"]
    out += [f"    &desc_{m.name}," for m in p.messages] + ["};", ""]
    for m in p.messages:
        out += [f"pvmx_err pxp_{m.name}_encode(struct px_buf *out, uint32_t serial,",
                f"    const struct pxp_{m.name} *m)", "{",
                f"    return pxp_encode(&desc_{m.name}, out, serial, m);", "}", "",
                f"pvmx_err pxp_{m.name}_decode(const uint8_t *body, size_t len, "
                f"struct pxp_{m.name} *m,", "    struct pxp_zone *z)", "{",
                f"    return pxp_decode(&desc_{m.name}, body, len, m, z);", "}", ""]
    out += ["const char *pxp_name(uint32_t number)", "{", "    switch (number) {"]
    for m in p.messages:
        out += [f"    case {m.number}:", f'        return "{m.name}";']
    out += ["    }", '    return "?";', "}", "",
            "const struct pxp_desc *const *pxp_descs(size_t *n)", "{",
            "    *n = sizeof descs / sizeof descs[0];", "    return descs;", "}", ""]
    return "\n".join(out)


def page_table(record):
    out = ["| field | name | type | meaning |", "| ---: | --- | --- | --- |"]
    for f in record.fields:
        out.append(f"| {f.number} | *retired* | | |" if f.retired else
                   f"| {f.number} | {f.name} | {f.type_text()} | {f.help} |")
    return out + [""]


def make_page(p):
    out = ["# The control protocol", "",
           f"Version {p.version}; the oldest version still understood is {p.oldest}. "
           "This page is made from `libpvmx/proto/proto.txt`.", ""]
    out += p.comment + ["", "## Structs", ""]
    for s in p.structs:
        out += [f"### {s.name}", ""] + page_table(s)
    section = None
    for m in p.messages:
        if m.section != section:
            section = m.section
            out += [f"## {section[:1].upper()}{section[1:] or 'Messages'}", ""]
        out += [f"### {m.number} {m.name} ({m.who.replace('>', ' → ')})", ""]
        out += [t for t in (m.help, " ".join(m.comment)) if t] + [""]
        out += page_table(m)
    if p.retired:
        out += ["## Retired numbers", "", ", ".join(str(r.number) for r in p.retired), ""]
    return "\n".join(out)


def make_dictionary(p):
    """Heads of all messages with an empty body, and the kinds of msgpack values."""
    out = ["# Made by gen_proto.py from proto.txt."]
    for m in p.messages:
        number = f"\\x{m.number:02x}" if m.number < 128 else \
            f"\\xcd\\x{m.number >> 8:02x}\\x{m.number & 255:02x}"
        out.append(f'{m.name}="\\x93{number}\\x01"')
    for name, text in (("array32", r"\xdd\x00\x00\x00\x01"), ("map32", r"\xdf\x00\x00\x00\x01"),
                       ("str32", r"\xdb\x00\x00\x00\x01"), ("bin8", r"\xc4\x01"),
                       ("u64max", r"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
                       ("ext8", r"\xc7\x01\x01"), ("nil", r"\xc0"), ("never", r"\xc1")):
        out.append(f'{name}="{text}"')
    return "\n".join(out) + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def main(argv):
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("description")
    ap.add_argument("--code", required=True, help="folder for messages.h, messages.c, messages.dict")
    ap.add_argument("--page", required=True, help="file for the reference page")
    args = ap.parse_args(argv)
    with open(args.description, encoding="utf-8") as f:
        text = f.read()
    try:
        p = Parser(text).parse()
    except ProtoError as e:
        print(f"{args.description}: {e}", file=sys.stderr)
        return 1
    write(os.path.join(args.code, "messages.h"), make_header(p))
    write(os.path.join(args.code, "messages.c"), make_source(p))
    write(os.path.join(args.code, "messages.dict"), make_dictionary(p))
    write(args.page, make_page(p))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
