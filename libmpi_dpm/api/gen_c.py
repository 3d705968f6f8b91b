#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the entry points: gen_c.py --out DIR (xmpi.h and mpi_<chapter>.c), gen_c.py --list.

An entry point is: state check, look-ups, checks of arguments, one call of a hand-written function,
error handler. What is checked follows from the kinds of the parameters (kinds.py).
"""
import argparse
import os

import kinds
from gen_abi import wrap_decl, write_if_changed
from kinds import HANDLES


class Body:
    """Collects the lines of one entry point."""

    def __init__(self, f, by_name):
        self.f, self.by = f, by_name
        self.lines = []
        self.wide = dict(zip((p.name for p in f.params), kinds.widths(f, by_name)))
        self.comm = 'NULL'          # expression of the communicator whose handler is called
        self.sig = {}               # parameter -> variable that says whether it counts here
        self.seen = set()           # handles that have been looked up

    def add(self, line):
        self.lines.append('    ' + line)

    def fail(self, condition, call):
        self.add('if (xmpi_unlikely(%s))' % condition)
        self.add('    return %s;' % call)

    def bad(self, what, *args):
        return 'xmpi_bad_%s(%s)' % (what, ', '.join((self.comm, 'fn') + args))

    # -- the parts in the order in which they appear

    def state(self):
        if 'world' in self.f.flags:
            self.fail('!xmpi_world_is_up()', 'xmpi_bad_state(fn)')
        elif 'any' not in self.f.flags:
            self.fail('!xmpi_is_up()', 'xmpi_bad_state(fn)')

    def comms(self):
        """The objects that have an error handler come first: later errors belong to theirs."""
        self.sig.update((n, c) for n, c in kinds.LEADER_ONLY.items() if self.f.param(n))
        for p in self.f.params:
            brings = p.ctype == 'MPI_Errhandler' and self.f.base in kinds.BRINGS_HANDLER
            if p.ctype in kinds.HAS_HANDLER or brings:
                self.handle(p)
                if self.comm == 'NULL':
                    self.comm = p.name + '_p'
                self.seen.add(p.name)

    def significance(self):
        """Which of send and receive arguments count in this process."""
        f, shape = self.f, self.f.shape
        has = lambda n: f.param(n) is not None
        if not has('comm') or not has('sendbuf') and not (shape == 'Bcast'):
            return
        send, recv = None, None
        if shape in kinds.GATHER_LIKE:
            self.add('const bool recv_sig = xmpi_at_root(comm_p, root);')
            self.add('const bool in_place = sendbuf == MPI_IN_PLACE && recv_sig && !comm_p->inter;')
            self.add('const bool send_sig = xmpi_at_leaf(comm_p, root) && !in_place;')
            send, recv = 'send_sig', 'recv_sig'
        elif shape in kinds.SCATTER_LIKE:
            self.add('const bool send_sig = xmpi_at_root(comm_p, root);')
            self.add('const bool in_place = recvbuf == MPI_IN_PLACE && send_sig && !comm_p->inter;')
            self.add('const bool recv_sig = xmpi_at_leaf(comm_p, root) && !in_place;')
            send, recv = 'send_sig', 'recv_sig'
        elif shape in kinds.IN_PLACE_ALL and shape not in kinds.ARRAYS_ONLY:
            self.add('const bool send_sig = sendbuf != MPI_IN_PLACE || comm_p->inter;')
            send = 'send_sig'
        elif shape == 'Bcast':
            self.add('const bool here = !comm_p->inter || root != MPI_PROC_NULL;')
            for n in ('buffer', 'count', 'datatype'):
                self.sig[n] = 'here'
            return
        for p in f.params:
            if p.name.startswith('send') and send:
                self.sig[p.name] = send
            if p.name.startswith('recv') and recv:
                self.sig[p.name] = recv
        if shape in kinds.GATHER_LIKE and has('count'):     # reduce: one count for both
            self.add('const bool here = send_sig || recv_sig;')
            self.sig['count'] = self.sig['datatype'] = self.sig['op'] = 'here'

    def root(self):
        if self.f.param('root'):
            self.fail('!xmpi_root_ok(%s, root)' % self.comm, self.bad('root', 'root'))

    def handle(self, p):
        struct, look, kind = HANDLES[p.ctype]
        sig = self.sig.get(p.name)
        if p.ctype == 'MPI_Info' and self.f.base in kinds.ROOT_ONLY_INFO:
            sig = 'xmpi_at_root(%s, root)' % self.comm
        var, found = p.name + '_p', '%s(%s)' % (look, p.name)
        if sig:
            self.add('struct %s *const %s = %s ? %s : NULL;' % (struct, var, sig, found))
        else:
            self.add('struct %s *const %s = %s;' % (struct, var, found))
        bad = '!' + var
        report = self.bad('handle', '"%s"' % p.name, p.name, kind)
        if p.ctype == 'MPI_Datatype':
            if p.name == 'oldtype' or self.f.base in kinds.UNCOMMITTED_OK:
                bad = '!xmpi_type_there(%s)' % var
            elif not self.f.base.startswith('Type_'):
                bad = '!xmpi_type_ok(%s)' % var
            report = self.bad('type', '"%s"' % p.name, p.name)
        null = {'MPI_Info': 'MPI_INFO_NULL', 'MPI_Request': 'MPI_REQUEST_NULL'}.get(p.ctype)
        if null and not self.f.base.startswith(('Info_', 'Abi_')):
            bad += ' && %s != %s' % (p.name, null)
        self.fail((sig + ' && ' if sig else '') + bad, report)

    def inputs(self):
        for p in self.f.params:
            if p.ctype in HANDLES and not p.array and p.name not in self.seen:
                self.handle(p)

    def numbers(self):
        f, probe = self.f, self.f.param('source') is not None
        for p in f.params:
            n, wide, name = p.name, self.wide[p.name], '"%s"' % p.name
            sig = self.sig.get(n)
            pre = sig + ' && ' if sig else ''
            if p.array or p.ctype.endswith('*'):
                continue
            if f.base == 'Comm_spawn_multiple' and n == 'count':
                continue        # counts at the root, where the function tells all of an error
            if n.endswith('count') and p.ctype in ('int', 'MPI_Count') or \
                    n == 'count' and p.ctype == 'int':
                self.fail(pre + n + ' < 0', self.bad('count', name, n))
            elif (n in ('n', 'size') or n in kinds.SIZES) and p.ctype in ('int', 'MPI_Count', 'MPI_Aint') \
                    and f.base != 'Info_get_nthkey':
                self.fail(n + ' < 0', self.bad('number', name, n))
            elif n == 'dest':
                self.fail('!xmpi_dest_ok(%s, dest)' % self.comm, self.bad('rank', name, n))
            elif n == 'source' and f.param('comm'):
                self.fail('!xmpi_source_ok(%s, source)' % self.comm, self.bad('rank', name, n))
            elif n in ('tag', 'sendtag', 'recvtag') and f.param('comm'):
                wild = n == 'recvtag' or n == 'tag' and probe
                self.fail('%s < 0' % n + (' && %s != MPI_ANY_TAG' % n if wild else ''),
                          self.bad('tag', name, n))

    def buffers(self):
        for p in self.f.params:
            if p.name not in kinds.BUFFERS or not p.ctype.endswith('void *'):
                continue
            for count, dtype in kinds.BUFFERS[p.name]:
                if count and self.f.param(count) and self.f.param(dtype) \
                        and not self.f.param(count).array:
                    sig = self.sig.get(p.name)
                    self.fail((sig + ' && ' if sig else '') +
                              'xmpi_buffer_bad(%s, %s, %s_p)' % (p.name, count, dtype),
                              self.bad('buffer', '"%s"' % p.name, p.name))
                    break

    def pointers(self):
        f = self.f
        for p in f.params:
            arg = '"%s"' % p.name
            if p.array:
                lengths = kinds.ARRAY_LENGTH.get(p.name, ())
                for n in (lengths,) if isinstance(lengths, str) else lengths:
                    if f.param(n):
                        self.fail('!%s && %s > 0' % (p.name, n), self.bad('null', arg))
                        if p.name == 'array_of_requests':
                            self.add('int bad = xmpi_check_requests(fn, %s, %s);' % (n, p.name))
                            self.fail('bad', 'bad')
                continue
            if not p.ctype.endswith('*') or p.name in kinds.BUFFERS and p.name != 'buffer':
                continue
            if p.name in kinds.NULL_OK and (f.base, p.name) not in kinds.NULL_BAD_IN:
                continue
            if (f.base, p.name) in kinds.NULL_OK_IN or f.base in kinds.ROOT_ONLY_INFO and \
                    p.name in ('command', 'port_name'):
                continue
            if '_function' in p.ctype or 'argv' in p.name:
                continue        # null is a legal sentinel or checked by the function
            if p.ctype == 'MPI_Status *' and not f.base.startswith('Status_'):
                continue        # MPI_STATUS_IGNORE
            self.fail('!' + p.name, self.bad('null', arg))
            self.inout(p)

    def inout(self, p):
        """A handle that is read through its pointer."""
        base = p.ctype.replace('*', '').strip()
        if self.f.base not in kinds.INOUT or base not in HANDLES:
            return
        struct, look, kind = HANDLES[base]
        bad = '!%s(*%s)' % (look, p.name)
        if base in kinds.HAS_HANDLER:
            self.add('struct %s *const %s_p = %s(*%s);' % (struct, p.name, look, p.name))
            bad = '!%s_p' % p.name
        if kinds.INOUT[self.f.base]:
            bad = '*%s != MPI_REQUEST_NULL && %s' % (p.name, bad)
        self.fail(bad, self.bad('handle', '"%s"' % p.name, '*' + p.name, kind))

    def call(self):
        f, args, after = self.f, [], []
        for p in f.params:
            if p.name == '...' or 'forms' in f.flags and p.name in kinds.FORM_PARAMS:
                continue
            wide = self.wide[p.name]
            if p.ctype in HANDLES and not p.array:
                args.append(p.name + '_p')
            elif kinds.is_cvec(f, p, self.by):
                member = 'i' if p.ctype == 'const int' else 'c'
                args.append('(struct xmpi_cvec){.%s = %s}' % (member, p.name))
            elif p.ctype == 'int *' and wide in ('MPI_Count *', 'MPI_Aint *'):
                init = '*' + p.name if p.name == 'position' else '0'
                self.add('%s %s_w = %s;' % (wide[:-2], p.name, init))
                args.append('&%s_w' % p.name)
                after.append('*%s = xmpi_narrow(%s_w);' % (p.name, p.name))
            else:
                args.append(p.name)
        if 'forms' in f.flags:
            args.append(form(f))
        if 'large' in f.flags:
            args.append('true' if f.large_of else 'false')
        self.add(wrap_decl('const int rc = %s(%s);' % (f.target, ', '.join(args)), 80)
                 .replace('\n', '\n    '))
        # The object of a freed handle is gone. (A request's communicator may be gone, too: for
        # those functions the hand-written one says it by xmpi_err_from.)
        comm = self.comm
        if f.base in kinds.INOUT and f.params[0].ctype == 'MPI_Comm *':
            comm = 'xmpi_comm_of(*comm)'
        self.fail('rc != MPI_SUCCESS', 'xmpi_raise(%s, fn, rc)' % comm)
        for line in after:
            self.add(line)
        self.leaks()
        self.add('return MPI_SUCCESS;')

    def takes_back(self):
        """The parameter whose handle the function takes from the program, or None."""
        f = self.f
        if f.base.endswith('_free') or f.base in ('Comm_disconnect', 'Type_free_keyval') or \
                f.base in kinds.KEYVALS and 'free' in f.base:
            return f.params[0]
        return None

    def before_leaks(self):
        p = self.takes_back()
        if p and leak_kind(self.f, p):
            self.add('const uintptr_t taken = (uintptr_t)*%s;' % p.name)

    def leaks(self):
        """Handles that the program now holds, or holds no longer."""
        taken = self.takes_back()
        for p in self.f.params:
            kind = leak_kind(self.f, p)
            if not kind:
                continue
            if p is taken:
                what = 'taken(%s, taken)' % kind
            else:
                what = 'given(%s, (uintptr_t)*%s, fn)' % (kind, p.name)
            self.add('if (xmpi_unlikely(xmpi_leaks_on != 0))')
            self.add('    xmpi_leaks_%s;' % what)


def leak_kind(f, p):
    """The kind of handle behind a pointer that rt/leaks.c counts, in C; None: not counted."""
    base = p.ctype[:-2] if p.ctype.endswith(' *') else ''
    if p.array or f.base in kinds.LENT:
        return None
    if base == 'int' and f.base in kinds.KEYVALS and 'keyval' in p.name:
        return 'XMPI_LEAK_%s_KEYVAL' % kinds.KEYVALS[f.base]
    if base in kinds.GIVEN and (f.base not in kinds.INOUT or f.base.endswith('_free')
                                or f.base == 'Comm_disconnect'):
        return HANDLES[base][2]
    return None


def form(f):
    """The argument that says which form of a collective this is."""
    if not f.param('request'):
        return '(struct xmpi_form){.request = NULL}'
    return '(struct xmpi_form){.request = request, .persistent = %s}' % (
        'true' if f.param('info') else 'false')


def entry(f, by_name):
    """The text of one function: definition of PMPI_x and alias MPI_x."""
    head = wrap_decl('PMPI_EXPORT ' + f.decl('P'))
    params = ', '.join(p.decl() for p in f.params) or 'void'
    weak = wrap_decl('PMPI_WEAK(%s, %s, (%s));' % (f.ret, f.name, params))
    names = ', '.join(p.name for p in f.params if p.name != '...')
    if not f.target:
        comm = next((p.name for p in f.params if p.ctype == 'MPI_Comm'), 'MPI_COMM_NULL')
        body = ['    return xmpi_unsupported("%s", %s);' % (f.name, comm)]
    elif 'value' in f.flags:
        body = ['    return %s(%s);' % (f.target, names)]
    elif 'raw' in f.flags:
        body = ['    const int rc = %s(%s);' % (f.target, names),
                '    return xmpi_unlikely(rc) ? xmpi_raise(NULL, "%s", rc) : rc;' % f.name]
    else:
        b = Body(f, by_name)
        for part in (b.state, b.comms, b.root, b.significance, b.inputs, b.numbers, b.buffers,
                     b.pointers, b.before_leaks, b.call):
            part()
        body = ['    static const char fn[] = "%s";' % f.name] + b.lines
    return '%s\n{\n%s\n}\n%s\n' % (head, '\n'.join(body), weak)


def chapter(functions, by_name, name):
    parts = ['/* SPDX-License-Identifier: BSD-3-Clause */',
             '/* Entry points: %s. Generated by gen_c.py. */' % name,
             '#include "pmpi/check.h"', '#include "pmpi/weak.h"', '#include "xmpi.h"', '',
             '/* Functions that are not implemented do not look at their parameters. */',
             '#pragma GCC diagnostic ignored "-Wunused-parameter"', '']
    return '\n'.join(parts) + '\n' + '\n'.join(entry(f, by_name) for f in functions)


def xmpi_header(functions, by_name):
    """Declarations of the hand-written functions."""
    out = ['/* SPDX-License-Identifier: BSD-3-Clause */',
           '/* The hand-written functions behind the entry points. Handles arrive as checked\n'
           ' * objects (NULL: the null handle, where it is legal), counts as MPI_Count. They\n'
           ' * return MPI_SUCCESS or a class after xmpi_err(). Generated by gen_c.py. */',
           '#ifndef XMPI_H', '#define XMPI_H', '', '#include "coll/coll.h"', '#include "mpi.h"', '',
           'struct xmpi_errhandler;', 'struct xmpi_file;', 'struct xmpi_request;',
           'struct xmpi_session;', 'struct xmpi_win;', '']
    seen = set()
    for f in functions:
        if not f.target or f.target in seen:
            continue
        # An alias takes the declaration of the function that it stands for, when that is listed.
        if f.target != 'xmpi_' + f.short.lower() and not f.large_of and any(
                'xmpi_' + g.short.lower() == f.target for g in functions):
            continue
        seen.add(f.target)
        params = ', '.join(kinds.xmpi_params(f, by_name)) or 'void'
        star = '' if f.ret.endswith('*') else ' '
        out.append(wrap_decl('%s%s%s(%s);' % (f.ret, star, f.target, params)))
    return '\n'.join(out + ['', '#endif', ''])


def chapters(functions):
    by_chapter = {}
    for f in functions:
        by_chapter.setdefault(f.chapter, []).append(f)
    return by_chapter


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--out', help='folder for xmpi.h and the chapters')
    ap.add_argument('--list', action='store_true', help='names of the chapter files, with ;')
    a = ap.parse_args()
    functions = kinds.load()
    by_name = {f.name: f for f in functions}
    by_chapter = chapters(functions)
    if a.list:
        print(';'.join(kinds.chapter_file(c) for c in by_chapter), end='')
    if a.out:
        write_if_changed(os.path.join(a.out, 'xmpi.h'), xmpi_header(functions, by_name))
        for name, members in by_chapter.items():
            write_if_changed(os.path.join(a.out, kinds.chapter_file(name)),
                             chapter(members, by_name, name))


if __name__ == '__main__':
    main()
