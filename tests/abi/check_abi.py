#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Check an mpi.h (and optionally a shared library) against the MPI ABI 1.0 tables.

    check_abi.py [--cc CC] [--profile any|ref|std] [--lib LIBMPI_ABI.so] path/to/mpi.h

The tables constants.tsv, types.tsv and prototypes.tsv are read from this script's directory (or
--tables DIR).  Every check is one line of a generated C file; the compiler is asked for all its
errors at once and each error is charged to the line it names, the charged lines are dropped and
the rest is compiled again until it is clean, so a missing name costs one report and nothing else.
A check counts as passed only if it was part of a translation unit that compiled without an error.

profile any (default): rows marked optional may be absent; where the MPI-5.0 text and the reference
                       header disagree on a signature, either one is accepted.
profile ref:           every row is required, signatures exactly those of the reference header.
profile std:           optional rows may be absent; contested signatures must follow the MPI-5.0 text.

Exit status: 0 no failure, 1 failures, 2 the header does not compile or the usage is wrong.
Python standard library only; needs a C11 compiler, and nm for --lib.
"""
import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

ENV = dict(os.environ, LC_ALL='C', LANGUAGE='C')


def read_tsv(path):
    with open(path, newline='') as f:
        return list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))


class Check:
    """One line of C.  what: shown when it fails; ok: filled in by Compiler.sift."""

    def __init__(self, section, name, what, code):
        self.section, self.name, self.what, self.code = section, name, what, code
        self.error = None


class Compiler:
    def __init__(self, cc, cflags, header, tmp, jobs):
        self.cc, self.tmp, self.jobs, self.serial = cc.split(), tmp, jobs, 0
        header = os.path.abspath(header)
        self.prefix = ['#include <stddef.h>', '#include <stdint.h>', '#include "%s"' % header]
        self.flags = ['-std=gnu11', '-w', '-I' + os.path.dirname(header)] + cflags
        ident = self.run(['-dM', '-E', '-x', 'c', os.devnull], base=True).stdout
        self.kind = 'clang' if '__clang__' in ident else 'gcc' if '__GNUC__' in ident else 'other'
        self.flags += {'gcc': ['-fmax-errors=0', '-fno-diagnostics-show-caret', '-fdiagnostics-color=never'],
                       'clang': ['-ferror-limit=0', '-fno-caret-diagnostics', '-fno-color-diagnostics']}.get(self.kind, [])

    def run(self, args, base=False):
        cmd = self.cc + ([] if base else self.flags) + args
        return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, universal_newlines=True)

    def write(self, lines):
        self.serial += 1
        path = os.path.join(self.tmp, 'chk%d.c' % self.serial)
        with open(path, 'w') as f:
            f.write('\n'.join(self.prefix + lines) + '\n')
        return path

    def compile(self, lines):
        """-> (clean, {line index: first message}, stderr)"""
        path = self.write(lines)
        r = self.run(['-fsyntax-only', '-x', 'c', path])
        if r.returncode == 0:
            return True, {}, ''
        base, blamed, pending = os.path.basename(path), {}, None
        for text in r.stderr.splitlines():
            m = re.match(r'^(.*?):(\d+):(?:\d+:)? (?:fatal )?(error|note|warning): (.*)$', text)
            if not m:
                continue
            here = os.path.basename(m.group(1)) == base
            if m.group(3) == 'error':
                pending = None if here else m.group(4)
                if here:
                    blamed.setdefault(int(m.group(2)) - 1 - len(self.prefix), m.group(4))
            elif m.group(3) == 'note' and here and pending and 'in expansion of macro' in m.group(4):
                blamed.setdefault(int(m.group(2)) - 1 - len(self.prefix), pending)
                pending = None
        return False, {i: m for i, m in blamed.items() if 0 <= i < len(lines)}, r.stderr

    def sift(self, checks, wrap='static void chk_%d(void) { %s }'):
        """Set .error on the checks that do not compile; return those that do."""
        good = self._sift(list(checks), wrap)
        trusted = re.compile(r'static.assert|undeclared|unknown type name|not constant|compile-time constant|integral constant')
        doubt = [c for c in checks if c.error and not trusted.search(c.error)]
        if doubt:       # could be the victim of another line's syntax error: try each alone
            with ThreadPoolExecutor(self.jobs) as ex:
                alone = list(ex.map(lambda ic: self.compile([wrap % ic] if wrap.count('%') > 1 else [wrap % ic[1]])[0],
                                    [(i, c.code) for i, c in enumerate(doubt)]))
            back = [c for c, ok in zip(doubt, alone) if ok]
            for c in back:
                c.error = None
            if back:
                good = self._sift(good + back, wrap)
        return good

    def _sift(self, live, wrap):
        while live:
            ok, blamed, err = self.compile([wrap % (i, c.code) for i, c in enumerate(live)])
            if ok:
                break
            if not blamed:
                if len(live) == 1:
                    live[0].error = (err.strip().splitlines() or ['does not compile'])[0]
                    return []
                h = len(live) // 2
                return self._sift(live[:h], wrap) + self._sift(live[h:], wrap)
            for i, msg in blamed.items():
                live[i].error = msg
            live = [c for i, c in enumerate(live) if i not in blamed]
        return live


def c_params(params, names=False):
    """'const void *buf ; int ranges[][3]' -> C parameter list."""
    return ', '.join(p.strip() for p in params.split(' ; '))


def fn_ptr(ret, params):
    return '%s (*)(%s)' % (ret, c_params(params))


def read_values(cc, usable, tmp):
    """Build and run a program that prints the constants; (values, {address: symbol}, error)."""
    tab = cc.write(['const struct { const char *n; long long v; } chk_tab[] = {'] +
                   ['  {"%s", %s},' % (c.name, c.code) for c in usable] + ['  {0, 0} };'])
    obj, exe = os.path.join(tmp, 'tab.o'), os.path.join(tmp, 'values')
    r = cc.run(['-x', 'c', '-c', tab, '-o', obj])
    if r.returncode:
        return {}, {}, (r.stderr.strip().splitlines() or ['compile error'])[-1]
    # a header may define a constant as the address of a library object: give it something to point at
    und = []
    if shutil.which('nm'):
        und = re.findall(r'\bU (\w+)', subprocess.run(['nm', obj], stdout=subprocess.PIPE, env=ENV, universal_newlines=True).stdout)
        und = [u for u in und if u != '_GLOBAL_OFFSET_TABLE_']
    drv = os.path.join(tmp, 'values.c')
    with open(drv, 'w') as f:
        f.write('#include <stdio.h>\nextern const struct { const char *n; long long v; } chk_tab[];\n')
        f.write(''.join('char %s[16];\n' % u for u in und))
        f.write('int main(void) {\n  for (int i = 0; chk_tab[i].n; i++) printf("v %s %lld\\n", chk_tab[i].n, chk_tab[i].v);\n')
        f.write(''.join('  printf("a %s %%lld\\n", (long long)%s);\n' % (u, u) for u in und) + '  return 0;\n}\n')
    r = subprocess.run(cc.cc + ['-std=gnu11', '-w', '-x', 'c', drv, '-x', 'none', obj, '-o', exe], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, env=ENV, universal_newlines=True)
    if r.returncode:
        return {}, {}, (r.stderr.strip().splitlines() or ['link error'])[-1]
    out = [ln.split() for ln in subprocess.run([exe], stdout=subprocess.PIPE, universal_newlines=True, env=ENV).stdout.splitlines()]
    return {w[1]: int(w[2]) for w in out if w[0] == 'v'}, {int(w[2]): w[1] for w in out if w[0] == 'a'}, ''


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('header')
    ap.add_argument('--cc', default=os.environ.get('CC') or 'cc', help='C compiler command (default: $CC or cc)')
    ap.add_argument('--cflags', default='', help='extra compiler flags, one string')
    ap.add_argument('--lib', help='shared library whose exported MPI_ and PMPI_ symbols are checked with nm -D')
    ap.add_argument('--cxx', help='also compile the header as C++ with this compiler and check C linkage')
    ap.add_argument('--profile', choices=('any', 'ref', 'std'), default='any')
    ap.add_argument('--tables', default=os.path.dirname(os.path.abspath(__file__)))
    ap.add_argument('--max-report', type=int, default=0, metavar='N', help='list at most N failures (default: all)')
    ap.add_argument('--extras', action='store_true', help='list every public name that is not in the tables')
    ap.add_argument('-j', '--jobs', type=int, default=os.cpu_count() or 1)
    a = ap.parse_args()
    try:
        consts, types, protos = (read_tsv(os.path.join(a.tables, n)) for n in ('constants.tsv', 'types.tsv', 'prototypes.tsv'))
    except OSError as e:
        ap.error(str(e))
    if not os.path.isfile(a.header):
        ap.error('no such file: ' + a.header)
    if not shutil.which(a.cc.split()[0]):
        ap.error('compiler not found: ' + a.cc)
    if a.lib and not os.path.isfile(a.lib):
        ap.error('no such library: ' + a.lib)

    tmp = tempfile.mkdtemp(prefix='check_abi.')
    try:
        return run(a, consts, types, protos, tmp)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


def run(a, consts, types, protos, tmp):
    cc = Compiler(a.cc, a.cflags.split(), a.header, tmp, max(1, a.jobs))
    ok, _, err = cc.compile([])
    if not ok:
        print(err)
        print('check_abi: %s does not compile on its own; nothing was checked' % a.header)
        return 2

    passed, failures, notes = OrderedDict(), [], []
    sections = ['constants', 'types', 'prototypes MPI_', 'prototypes PMPI_']
    for s in sections:
        passed[s] = 0

    def fail(section, name, why):
        failures.append((section, name, why))

    strict = a.profile == 'ref'
    tnames = [t for t in types if '.' not in t['name']]
    callbacks = {t['name']: t for t in types if t['kind'].startswith('callback')}

    # ---- phase 1: which names exist
    exist = []
    for r in consts:
        exist.append(Check('constants', r['name'], 'missing', '(void)(%s);' % r['name']))
    for r in tnames:
        exist.append(Check('types', r['name'], 'missing', '%s *p; (void)p;' % r['name']))
    for r in protos:
        for pre in ('', 'P'):
            exist.append(Check('prototypes %sMPI_' % pre, pre + r['name'], 'missing', '(void)&%s%s;' % (pre, r['name'])))
    have = {c.name for c in cc.sift(exist)}
    optional = {r['name'] for r in consts + types + protos if r['required'] == 'optional'}
    optional |= {'P' + n for n in optional}
    absent_optional = []
    for c in exist:
        if c.name not in have:
            if c.name in optional and not strict:
                absent_optional.append(c.name)
            else:
                fail(c.section, c.name, 'missing' if re.search('undeclared|unknown type', c.error) else 'unusable: ' + c.error)

    # ---- phase 2: compile-time checks
    sa = '_Static_assert(%s, "");'
    checks = []

    def add(section, name, what, cond):
        checks.append(Check(section, name, what, sa % cond))

    for r in consts:
        n, t = r['name'], r['ctype']
        if n not in have:
            continue
        add('constants', n, 'C type is not ' + t, '_Generic((%s), %s: 1, default: 0)' % (n, t))
        if t == 'int' or t == 'MPI_Offset':
            add('constants', n, 'value', '(%s) == %s' % (n, r['value']))
    for r in types:
        n, kind = r['name'], r['kind']
        if n.split('.')[0] not in have:
            continue
        if kind == 'struct field':
            s, f = n.split('.')
            m = '((%s *)0)->%s' % (s, f)
            ptr = 'int (*)[5]' if r['definition'] == 'int[5]' else r['definition'] + ' *'
            add('types', n, 'offset is not ' + r['offset'], 'offsetof(%s, %s) == %s' % (s, f, r['offset']))
            add('types', n, 'size is not %s or type is not %s' % (r['size_lp64'], r['definition']),
                'sizeof(%s) == %s && _Generic(&%s, %s: 1, default: 0)' % (m, r['size_lp64'], m, ptr))
            continue
        if kind.startswith('callback'):
            add('types', n, 'is not the function type %s(%s)' % (r['return'], c_params(r['params'])),
                '_Generic((%s *)0, %s: 1, default: 0)' % (n, fn_ptr(r['return'], r['params'])))
            continue
        add('types', n, 'size is not ' + r['size_lp64'], 'sizeof(%s) == %s' % (n, r['size_lp64']))
        add('types', n, 'alignment is not ' + r['align_lp64'], '_Alignof(%s) == %s' % (n, r['align_lp64']))
        if kind == 'integer':
            add('types', n, 'is not ' + r['definition'], '_Generic((%s)0, %s: 1, default: 0)' % (n, r['definition']))
        elif kind in ('handle', 'tool handle'):
            tag = r['definition'].split()[-1]
            add('types', n, 'is not struct %s *' % tag, '_Generic((%s)0, struct %s *: 1, default: 0)' % (n, tag))
        elif kind == 'enum':
            tag = r['definition'].split()[1]
            add('types', n, 'is not enum ' + tag, '_Generic((%s)0, enum %s: 1, default: 0)' % (n, tag))
    sigs = {}
    for r in protos:
        ref = '_Generic(&%%s, %s: 1, default: 0)' % fn_ptr(r['return'], r['params'])
        alt = r['mpi50_text_params']
        alt = None if alt == '-' else '_Generic(&%%s, %s: 1, default: 0)' % fn_ptr(r['return'], alt)
        for pre in ('', 'P'):
            n = pre + r['name']
            if n not in have:
                continue
            cond = ref % n
            if alt and a.profile == 'std':
                cond = alt % n
            elif alt and a.profile == 'any':
                cond = '(%s) || (%s)' % (ref % n, alt % n)
            want = r['mpi50_text_params'] if alt and a.profile == 'std' else r['params']
            sigs[n] = '%s (%s)' % (r['return'], c_params(want))
            add('prototypes %sMPI_' % pre, n, 'prototype', cond)
    good = cc.sift(checks)
    for c in good:
        passed[c.section] += 1

    # ---- phase 3: values of handles and pointers, and the actual value of wrong integers
    rows = {r['name']: r for r in consts}
    init = []
    for r in consts:
        if r['name'] in have:
            e = '(long long)(%s)' if r['ctype'] in ('int', 'MPI_Offset') else '(long long)(intptr_t)(%s)'
            c = Check('constants', r['name'], 'not usable as a static initializer', e % r['name'])
            init.append(c)
    usable = cc.sift(init, 'static const long long v_%d = %s;')
    values, where = {}, {}
    if usable:
        values, where, why = read_values(cc, usable, tmp)
        if why:
            notes.append('the values could not be read: ' + why)

    def fmt(v, hexed):
        return hex(v & 0xffffffffffffffff) if hexed else str(v)

    for r in consts:
        n, t = r['name'], r['ctype']
        if n not in have or t in ('int', 'MPI_Offset'):
            continue
        want, hexed = int(r['value'], 0), r['value'].startswith('0x')
        if n not in values:
            fail('constants', n, 'not a compile-time constant, expected ' + r['c_expr'])
        elif values[n] != want:
            got = 'the address of ' + where[values[n]] if values[n] in where else fmt(values[n], hexed)
            fail('constants', n, 'value is %s, expected %s' % (got, r['value']))
        else:
            passed['constants'] += 1

    # ---- report the failures of phase 2
    pre = re.sub(r'__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)', ' ', cc.run(['-E', '-P', '-x', 'c', cc.write([])]).stdout)
    pre = re.sub(r'\s+', ' ', pre)
    for c in checks:
        if not c.error:
            continue
        why = c.what
        if why == 'value':
            r = rows[c.name]
            got = fmt(values[c.name], r['value'].startswith('0x')) if c.name in values else 'not a constant'
            why = 'value is %s, expected %s' % (got, r['value'])
        elif why == 'prototype':
            m = re.search(r'((?:\w+[\s*]+)+)%s\s*\(([^;{]*?)\)\s*;' % c.name, pre)
            why = 'prototype is %s, expected %s' % (
                ('%s (%s)' % (m.group(1).replace('extern', '').strip(), m.group(2).strip())) if m else 'different', sigs[c.name])
        if not re.search('static.assert', c.error):
            why += ' [%s]' % c.error
        fail(c.section, c.name, why)

    # ---- library
    if a.lib:
        r = subprocess.run(['nm', '-D', a.lib], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, universal_newlines=True)
        sym = {}
        for ln in r.stdout.splitlines():
            m = re.match(r'^[0-9a-fA-F]+\s+(\w)\s+(\S+)$', ln)
            if m:
                sym[m.group(2).split('@')[0]] = m.group(1)
        if not sym:
            notes.append('nm -D %s: %s' % (a.lib, r.stderr.strip() or 'no defined symbols'))
        for p in ('', 'P'):
            s = 'library %sMPI_' % p
            passed[s] = 0
            for row in protos:
                n = p + row['name']
                if sym.get(n) in ('T', 'W', 'i'):
                    passed[s] += 1
                elif row['required'] == 'optional' and not strict:
                    absent_optional.append(n + ' (library)')
                else:
                    fail(s, n, 'not exported' if n not in sym else 'exported as %s, not as a function' % sym[n])
        all_names = {r['name'] for r in protos} | {'P' + r['name'] for r in protos}
        ex = sorted(n for n in sym if re.match(r'P?MPIX?_', n) and n not in all_names)
        weak = sum(sym.get(r['name']) == 'W' for r in protos)
        notes.append('library: %d of %d MPI_ symbols are weak, %d of %d PMPI_ symbols are strong' % (
            weak, len(protos), sum(sym.get('P' + r['name']) == 'T' for r in protos), len(protos)))
        if ex:
            notes.append('library: %d exported (P)MPI names are not in the tables: %s' %
                         (len(ex), ' '.join(ex if a.extras else ex[:12]) + ('' if a.extras or len(ex) <= 12 else ' ...')))
        if shutil.which('readelf'):
            m = re.search(r'SONAME.*\[(.*)\]', subprocess.run(['readelf', '-d', a.lib], stdout=subprocess.PIPE, env=ENV,
                                                             universal_newlines=True).stdout)
            notes.append('library: SONAME is %s%s' % (m.group(1) if m else 'not set',
                                                      '' if m and m.group(1) == 'libmpi_abi.so.1' else ' (convention for ABI version 1: libmpi_abi.so.1)'))

    # ---- C++
    if a.cxx:
        s = 'C++'
        passed[s] = 0
        names = [n for r in protos for n in (r['name'], 'P' + r['name']) if n in have]
        src, obj = os.path.join(tmp, 'chk.cpp'), os.path.join(tmp, 'chk.o')
        with open(src, 'w') as f:
            f.write('#include "%s"\nvoid *chk_tab[] = {%s};\n' % (os.path.abspath(a.header), ', '.join('(void*)&' + n for n in names)))
        r = subprocess.run(a.cxx.split() + ['-w', '-I' + os.path.dirname(os.path.abspath(a.header)), '-c', src, '-o', obj],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV, universal_newlines=True)
        if r.returncode:
            fail(s, 'mpi.h', 'does not compile as C++: ' + (re.findall(r'error: .*', r.stderr) or ['?'])[0])
        else:
            passed[s] += 1
            und = set(re.findall(r'\bU (\S+)', subprocess.run(['nm', obj], stdout=subprocess.PIPE, env=ENV, universal_newlines=True).stdout))
            for n in names:
                if n in und:
                    passed[s] += 1
                else:
                    fail(s, n, 'does not have C linkage (extern "C")')

    # ---- names beyond the tables
    mac = set(re.findall(r'(?m)^#define (MPIX?_\w+)', cc.run(['-dM', '-E', '-x', 'c', cc.write([])]).stdout))
    fun = set(re.findall(r'(?<!\w)(P?MPIX?_[A-Z]\w*)\s*\(', pre)) - set(callbacks)
    enu = set(re.findall(r'\b(MPIX?_[A-Z0-9_]+) = ', pre))
    known = set(rows) | {r['name'] for r in types} | {p + r['name'] for r in protos for p in ('', 'P')}
    exc, exf = sorted((mac | enu) - known - {'MPI_H_ABI'}), sorted(fun - known)
    for label, lst in (('macros/enumerators', exc), ('functions', exf)):
        if lst:
            notes.append('header: %d %s are not in the tables%s' % (
                len(lst), label, ': ' + ' '.join(lst if a.extras else lst[:8]) + ('' if a.extras or len(lst) <= 8 else ' ... (--extras lists all)')))
    if absent_optional:
        notes.append('optional names that are absent (see the required and note columns): ' + ' '.join(sorted(absent_optional)))
    present = sorted(n for n in optional if n in have)
    if a.profile == 'std' and present:
        notes.append('present although the MPI-5.0 text leaves them out of the ABI: ' + ' '.join(present))

    # ---- output
    n_pass, n_fail = sum(passed.values()), len(failures)
    print('header   %s' % a.header)
    print('compiler %s (%s), profile %s%s' % (a.cc, cc.kind, a.profile, ', library ' + a.lib if a.lib else ''))
    order = list(passed)
    failures.sort(key=lambda f: order.index(f[0]))
    if failures:
        print('\nfailures:')
        shown = failures[:a.max_report] if a.max_report else failures
        for s, n, why in shown:
            print('  [%s] %s: %s' % (s, n, why))
        if len(shown) < len(failures):
            print('  ... %d more (--max-report 0 lists all)' % (len(failures) - len(shown)))
    if notes:
        print('\nnotes (not counted):')
        for t in notes:
            print('  ' + t)
    print()
    for s in order:
        bad = [f for f in failures if f[0] == s]
        miss = sum(f[2] in ('missing', 'not exported') for f in bad)
        print('%-18s %5d passed, %4d failed%s' % (s, passed[s], len(bad), ' (%d missing)' % miss if miss else ''))
    print('%d passed, %d failed' % (n_pass, n_fail))
    return 1 if n_fail else 0


if __name__ == '__main__':
    sys.exit(main())
