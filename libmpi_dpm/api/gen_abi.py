#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes mpi.h and docs/mpi-coverage.md from the tables: gen_abi.py --header FILE --coverage FILE"""
import argparse
import os
import textwrap

import kinds

GUARD = 'MPI_H_ABI'


def comment(text):
    lines = textwrap.wrap(text, 74)
    return '/* ' + '\n * '.join(lines) + ' */'


def wrap_decl(text, width=90):
    """Breaks a declaration after commas, continuation lines under the first parameter."""
    if len(text) <= width:
        return text
    first, *rest = text.split(', ')
    lines, line = [], first
    for word in rest:
        if len(line) + len(word) + 3 > width:
            lines.append(line + ',')
            line = '    ' + word
        else:
            line += ', ' + word
    return '\n'.join(lines + [line])


def types(rows):
    by = {}
    for r in rows:
        by.setdefault(r['kind'], []).append(r)
    out = ['/* Integers. */']
    for r in by['integer']:
        out.append('typedef %s %s;' % (r['definition'], r['name']))
    out += ['', '/* Outcome of a communication; MPI_internal belongs to the library. */',
            'typedef struct {']
    for r in by['struct field']:
        base, _, arr = r['definition'].partition('[')
        out.append('    %s %s%s;' % (base, r['name'].split('.')[1], '[' + arr if arr else ''))
    out += ['} MPI_Status;', '', '/* Handles. */']
    for r in by['handle']:
        out.append('typedef struct %s *%s;' % (r['definition'].split()[-1], r['name']))
    out += ['', '/* Handles of the tool information interface. */']
    for r in by['tool handle']:
        out.append('typedef struct %s *%s;' % (r['definition'].split()[-1], r['name']))
    out += ['', '/* Enumerations of the tool information interface. */']
    for r in by['enum']:
        head, _, body = r['definition'].partition('{')
        items = [i.strip().replace('=', ' = ') for i in body.rstrip('}').split(',')]
        out.append('typedef %s{\n    %s\n} %s;' % (head, ',\n    '.join(items), r['name']))
    out += ['', '/* Functions that the application provides. */']
    for r in by['callback'] + by.get('callback alias', []):
        params = ', '.join(p.decl() for p in kinds.parse_params(r['params']))
        out.append(wrap_decl('typedef %s %s(%s);' % (r['return'], r['name'], params)))
    return out


def constants(rows):
    """Macros and enumerators, in groups; enumerators of the enum types stand with their type."""
    typed = {'MPI_T callback safety', 'MPI_T source order'}
    groups = {}
    for r in rows:
        if r['group'] not in typed:
            groups.setdefault(r['group'], []).append(r)
    out = []
    for group, members in groups.items():
        out += ['', comment(group[0].upper() + group[1:] + '.')]
        enums = [r for r in members if r['form'] == 'enum']
        for r in members:
            if r['form'] != 'enum':
                out.append('#define %-28s %s' % (r['name'], r['c_expr']))
        if enums:
            out.append('enum {')
            out += ['    %s = %s,' % (r['name'], r['c_expr']) for r in enums[:-1]]
            out += ['    %s = %s' % (enums[-1]['name'], enums[-1]['c_expr']), '};']
    return out


def note(f):
    words = ['since MPI ' + f.since if f.since != '-' else 'not in a published report']
    if f.large_of:
        words.append('large counts')
    if f.deprecated != '-':
        words.append('deprecated since MPI ' + f.deprecated)
    return ', '.join(words)


def prototypes(functions):
    sections = {}
    for f in functions:
        sections.setdefault(f.section, []).append(f)
    out = []
    for key, title in kinds.SECTIONS.items():
        out += ['', comment('MPI 5.0: ' + title + '.')]
        for f in sections.pop(key, []):
            out.append('/* %s */' % note(f))
            out.append(wrap_decl(f.decl() + ';'))
    if sections:
        raise ValueError('sections without a chapter: ' + ', '.join(sections))
    out += ['', '/* The same functions under the names of the profiling interface. */']
    out += [wrap_decl(f.decl('P') + ';') for f in functions]
    return out


def header(folder=kinds.HERE):
    functions = kinds.load(folder)
    parts = ['/* SPDX-License-Identifier: BSD-3-Clause */',
             comment('The Message Passing Interface, version 5.0, in the standard ABI 1.0. Programs '
                     'compiled with this header run with every library that implements the ABI. '
                     'Generated from the tables in libmpi_dpm/api.'),
             '#ifndef ' + GUARD, '#define ' + GUARD, '', '#include <stdint.h>', '',
             '#ifdef __cplusplus', 'extern "C" {', '#endif', '']
    parts += types(kinds.read_tsv('types.tsv', folder))
    parts += constants(kinds.read_tsv('constants.tsv', folder))
    parts += prototypes(functions)
    parts += ['', '#ifdef __cplusplus', '}', '#endif', '#endif', '']
    return '\n'.join(parts)


def coverage(folder=kinds.HERE):
    functions = kinds.load(folder)
    done = [f for f in functions if f.target]
    out = ['# What of MPI 5.0 is implemented', '',
           'All %d functions are exported, each as `MPI_` and `PMPI_`. %d of them work. Every other '
           'one returns `MPI_ERR_UNSUPPORTED_OPERATION` through the error handler (those of the '
           'tool interface, `MPI_T_`, just return it).' % (len(functions), len(done)), '',
           'Each of those that work is called by a test of what it does and by one of its errors; '
           'the check `abi.tested` fails otherwise.', '',
           '| chapter | functions | implemented |', '| --- | ---: | ---: |']
    sections = {}
    for f in functions:
        sections.setdefault(f.section, []).append(f)
    for key, title in kinds.SECTIONS.items():
        members = sections.get(key, [])
        out.append('| %s | %d | %d |' % (title, len(members), sum(bool(f.target) for f in members)))
    for key, title in kinds.SECTIONS.items():
        out += ['', '## ' + title]
        for label, wanted in (('Implemented', True), ('Not yet', False)):
            names = sorted(f.name for f in sections.get(key, []) if bool(f.target) == wanted)
            if names:
                out += ['', '%s: %s.' % (label, ', '.join('`%s`' % n for n in names))]
    return '\n'.join(out) + '\n'


def write_if_changed(path, text):
    """Leaves the file alone when it is the same: what depends on it is not built again."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    try:
        with open(path) as f:
            if f.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path, 'w') as f:
        f.write(text)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--header', action='append', default=[])
    ap.add_argument('--coverage')
    a = ap.parse_args()
    for path in a.header:
        write_if_changed(path, header())
    if a.coverage:
        write_if_changed(a.coverage, coverage())


if __name__ == '__main__':
    main()
