# SPDX-License-Identifier: BSD-3-Clause
"""Writes the rows of wrong calls: for every function that is implemented and each of its parameters
the values that the standard lets a library detect. What a parameter may be follows from its type and
its name, so a new function has its rows at once. gen_errors.py --api DIR --out FILE"""
import argparse
import os
import sys

NULLS = {'MPI_Comm': 'MPI_COMM_NULL', 'MPI_Group': 'MPI_GROUP_NULL', 'MPI_Info': 'MPI_INFO_NULL',
         'MPI_Datatype': 'MPI_DATATYPE_NULL', 'MPI_Op': 'MPI_OP_NULL',
         'MPI_Errhandler': 'MPI_ERRHANDLER_NULL', 'MPI_Request': 'MPI_REQUEST_NULL',
         'MPI_Session': 'MPI_SESSION_NULL', 'MPI_Win': 'MPI_WIN_NULL', 'MPI_File': 'MPI_FILE_NULL',
         'MPI_Message': 'MPI_MESSAGE_NULL'}
CLASSES = {'MPI_Comm': 'MPI_ERR_COMM', 'MPI_Group': 'MPI_ERR_GROUP', 'MPI_Info': 'MPI_ERR_INFO',
           'MPI_Datatype': 'MPI_ERR_TYPE', 'MPI_Op': 'MPI_ERR_OP',
           'MPI_Errhandler': 'MPI_ERR_ERRHANDLER', 'MPI_Request': 'MPI_ERR_REQUEST',
           'MPI_Session': 'MPI_ERR_SESSION', 'MPI_Win': 'MPI_ERR_WIN', 'MPI_File': 'MPI_ERR_FILE',
           'MPI_Message': 'MPI_ERR_REQUEST'}
GOOD = {'MPI_Comm': 'errors_comm', 'MPI_Group': 'errors_group', 'MPI_Info': 'errors_info',
        'MPI_Datatype': 'MPI_INT', 'MPI_Op': 'MPI_SUM', 'MPI_Errhandler': 'errors_handler',
        'MPI_Request': 'errors_persistent', 'MPI_Session': 'errors_session',
        'MPI_Win': 'MPI_WIN_NULL', 'MPI_File': 'MPI_FILE_NULL', 'MPI_Message': 'MPI_MESSAGE_NULL'}

# Handles that are read through a pointer: function -> parameter, and whether null is legal.
INOUT = {'Comm_free': 'comm', 'Comm_disconnect': 'comm', 'Group_free': 'group', 'Info_free': 'info',
         'Errhandler_free': 'errhandler', 'Op_free': 'op', 'Type_free': 'datatype',
         'Type_commit': 'datatype', 'Session_finalize': 'session', 'Start': 'request',
         'Cancel': 'request', 'Request_free': 'request', 'Wait': 'request', 'Test': 'request',
         'Mrecv': 'message', 'Imrecv': 'message', 'Win_free': 'win', 'File_close': 'fh'}
NULL_HANDLE_OK = {('Wait', 'request'), ('Test', 'request'), ('Request_get_status', 'request')}

# Null pointers that mean something: by name, by type (start), by function and name.
NULL_OK = {'argc', 'argv', 'extra_state', 'base', 'location', 'status', 'array_of_statuses',
           'array_of_errcodes', 'array_of_argv', 'buf', 'buffer', 'sendbuf', 'recvbuf', 'inbuf',
           'inoutbuf', 'outbuf', 'origin_addr', 'result_addr', 'buffer_addr', 'sourceweights',
           'destweights', 'weights', 'win_attr'}
NULL_OK_IN = {('Comm_set_attr', 'attribute_val'), ('Attr_put', 'attribute_val'),
              ('Type_set_attr', 'attribute_val'), ('Win_set_attr', 'attribute_val'),
              ('Session_get_nth_pset', 'pset_name'), ('Info_get_string', 'value'),
              ('Info_get', 'value'), ('Abi_get_fortran_booleans', 'logical_true'),
              ('Abi_get_fortran_booleans', 'logical_false')}
# Functions behind pointers: null is a legal value of these (the predefined callbacks).
NULL_CALLBACK_OK = ('copy_fn', 'delete_fn', 'copy_attr_fn', 'delete_attr_fn', 'query_fn', 'free_fn',
                    'cancel_fn')

TOPOLOGY = {'Cart_get': 'cart', 'Cart_rank': 'cart', 'Cart_coords': 'cart', 'Cart_shift': 'cart',
            'Cart_sub': 'cart', 'Cartdim_get': 'cart', 'Graph_get': 'graph',
            'Graph_neighbors': 'graph', 'Graph_neighbors_count': 'graph',
            'Graphdims_get': 'graph', 'Dist_graph_neighbors': 'dist',
            'Dist_graph_neighbors_count': 'dist'}
# Functions whose datatype need not be committed, besides those named Type_.
UNCOMMITTED_OK = {'Get_count', 'Get_elements', 'Get_elements_x', 'Status_set_elements',
                  'Status_set_elements_x', 'Pack_size', 'Pack_external_size'}
# Numbers of which a negative one is a wrong argument.
SIZES = {'n', 'size', 'ndims', 'maxdims', 'nnodes', 'maxindex', 'maxedges', 'maxneighbors',
         'indegree', 'outdegree', 'maxindegree', 'maxoutdegree', 'n1', 'n2'}
# Parameters that are not looked at before others, or by one process only, or that have no wrong
# value: (function, parameter).
SKIP = {('Intercomm_create_from_groups', 'remote_group'), ('Intercomm_create', 'peer_comm'),
        ('Abort', 'errorcode'), ('Comm_spawn_multiple', 'count'), ('Comm_accept', 'port_name'),
        ('Comm_connect', 'port_name')}
# Functions with nothing that can be checked row by row.
SKIP_FUNCTIONS = {'Init', 'Init_thread', 'Pcontrol'}
# Errors that only one row can show: function -> [(arguments, parameter, value, class, whose)].
EXTRA = {
    'Comm_split': [({'color': '-4'}, 'color', '-4', 'MPI_ERR_ARG')],
    'Comm_split_type': [({'split_type': '-77'}, 'split_type', '-77', 'MPI_ERR_ARG')],
    'Comm_free': [({'comm': '&world'}, '', 'MPI_COMM_WORLD', 'MPI_ERR_COMM', 'ON_COMM')],
    'Comm_disconnect': [({'comm': '&world'}, '', 'MPI_COMM_WORLD', 'MPI_ERR_COMM', 'ON_COMM')],
    'Comm_remote_size': [({}, '', None, 'MPI_ERR_COMM')],
    'Comm_remote_group': [({}, '', None, 'MPI_ERR_COMM')],
    'Intercomm_merge': [({}, '', None, 'MPI_ERR_COMM')],
    'Op_free': [({'op': '&predefined_op'}, '', None, 'MPI_ERR_OP')],
    'Group_incl': [({'n': '1', 'ranks': 'big'}, '', '4711', 'MPI_ERR_RANK')],
    'Group_excl': [({'n': '1', 'ranks': 'big'}, '', '4711', 'MPI_ERR_RANK')],
    'Group_translate_ranks': [({'n': '1', 'ranks1': 'big'}, '', '4711', 'MPI_ERR_RANK')],
    'Group_range_incl': [({'n': '1', 'ranges': 'still'}, '', None, 'MPI_ERR_ARG')],
    'Group_range_excl': [({'n': '1', 'ranges': 'still'}, '', None, 'MPI_ERR_ARG')],
    'Error_class': [({'errorcode': '1 << 29'}, '', '536870912', 'MPI_ERR_ARG')],
    'Error_string': [({'errorcode': '1 << 29'}, '', '536870912', 'MPI_ERR_ARG')],
    'Comm_call_errhandler': [({'errorcode': '1 << 29'}, 'errorcode', '536870912', 'MPI_ERR_ARG')],
    'Session_call_errhandler': [({'errorcode': '1 << 29'}, 'errorcode', '536870912',
                                 'MPI_ERR_ARG')],
    'File_call_errhandler': [({'errorcode': '1 << 29'}, 'errorcode', '536870912', 'MPI_ERR_ARG')],
    'Group_from_session_pset': [({'pset_name': '"none"'}, '', 'none', 'MPI_ERR_ARG')],
    'Session_get_pset_info': [({'pset_name': '"none"'}, '', 'none', 'MPI_ERR_ARG')],
    'Session_get_nth_pset': [({'n': '99'}, 'n', '99', 'MPI_ERR_ARG')],
    'Info_get_nthkey': [({'n': '99'}, '', '99', 'MPI_ERR_ARG')],
    'Info_delete': [({'key': '"absent"'}, '', 'absent', 'MPI_ERR_INFO_NOKEY')],
    'Info_set': [({'key': '""'}, '', None, 'MPI_ERR_INFO_KEY')],
    'Comm_get_attr': [({'comm_keyval': 'MPI_KEYVAL_INVALID'}, '', 'MPI_KEYVAL_INVALID',
                       'MPI_ERR_KEYVAL'), ({'comm_keyval': '999999'}, '', '999999',
                                           'MPI_ERR_KEYVAL')],
    'Comm_set_attr': [({'comm_keyval': 'MPI_KEYVAL_INVALID'}, '', 'MPI_KEYVAL_INVALID',
                       'MPI_ERR_KEYVAL'), ({'comm_keyval': 'MPI_TAG_UB'}, '', None,
                                           'MPI_ERR_KEYVAL')],
    'Comm_delete_attr': [({'comm_keyval': '999999'}, '', '999999', 'MPI_ERR_KEYVAL')],
    'Comm_free_keyval': [({'comm_keyval': '&invalid_keyval'}, '', 'MPI_KEYVAL_INVALID',
                          'MPI_ERR_KEYVAL')],
    'Intercomm_create': [({'local_leader': '9'}, 'local_leader', '9', 'MPI_ERR_RANK'),
                         ({'remote_leader': '9'}, 'remote_leader', '9', 'MPI_ERR_RANK'),
                         ({'remote_leader': '0'}, 'remote_leader', '0', 'MPI_ERR_RANK')],
    'Intercomm_create_from_groups': [
        ({'local_leader': '9'}, 'local_leader', '9', 'MPI_ERR_RANK'),
        ({'remote_leader': '9'}, 'remote_leader', '9', 'MPI_ERR_RANK'),
        ({'remote_group': 'MPI_GROUP_NULL'}, 'remote_group', None, 'MPI_ERR_GROUP')],
    'Cart_coords': [({'rank': '9'}, '', '9', 'MPI_ERR_RANK')],
    'Graph_neighbors': [({'rank': '9'}, '', '9', 'MPI_ERR_RANK')],
    'Alloc_mem': [({'size': '(MPI_Aint)1 << 60'}, '', None, 'MPI_ERR_NO_MEM')],
    'Abi_get_fortran_booleans': [({'logical_size': '3'}, 'logical_size', '3', 'MPI_ERR_ARG')],
    'Abi_set_fortran_booleans': [({'logical_size': '3'}, 'logical_size', '3', 'MPI_ERR_ARG')],
    'Remove_error_class': [({'errorclass': '4711'}, '', '4711', 'MPI_ERR_ARG')],
    'Remove_error_code': [({'errorcode': '4711'}, '', '4711', 'MPI_ERR_ARG')],
    'Remove_error_string': [({'errorcode': '4711'}, '', '4711', 'MPI_ERR_ARG')],
    'Comm_spawn': [({'maxprocs': '-3'}, 'maxprocs', '-3', 'MPI_ERR_ARG')],
    'Comm_accept': [({'port_name': 'NULL'}, 'port_name', None, 'MPI_ERR_PORT')],
    'Comm_connect': [({'port_name': 'NULL'}, 'port_name', None, 'MPI_ERR_PORT')],
}
for topology in TOPOLOGY:
    EXTRA.setdefault(topology, []).append(({'comm': 'errors_comm'}, '', None, 'MPI_ERR_TOPOLOGY'))

# Arguments of functions that their names do not tell.
ARGS = {('Comm_spawn', 'maxprocs'): '1', ('Comm_spawn', 'command'): '"/nonexistent"',
        ('Session_init', 'errhandler'): 'errors_session_handler',
        ('Session_set_errhandler', 'errhandler'): 'errors_session_handler',
        ('File_set_errhandler', 'errhandler'): 'MPI_ERRORS_RETURN',
        ('Win_set_errhandler', 'errhandler'): 'MPI_ERRORS_RETURN',
        ('Dims_create', 'ndims'): '1', ('Error_class', 'errorcode'): 'MPI_ERR_OTHER',
        ('Error_string', 'errorcode'): 'MPI_ERR_OTHER',
        ('Cart_create', 'ndims'): '1', ('Cart_map', 'ndims'): '1',
        ('Abi_get_fortran_booleans', 'logical_size'): '4',
        ('Abi_set_fortran_booleans', 'logical_size'): '4',
        ('Intercomm_create', 'remote_leader'): '0', ('Get_address', 'location'): 'errors_data'}
NUMBERS = {'count': '1', 'sendcount': '1', 'recvcount': '1', 'incount': '1', 'outcount': '1', 'maxprocs': '1',
           'nnodes': '1', 'errorcode': 'MPI_ERR_OTHER', 'errorclass': 'MPI_ERR_OTHER',
           'comm_keyval': 'errors_keyval', 'keyval': 'errors_keyval', 'partitions': '1',
           'split_type': 'MPI_COMM_TYPE_SHARED', 'size': '8', 'n': '0', 'fd': '-1',
           'typeclass': 'MPI_TYPECLASS_INTEGER'}
ROOTED_ALONE = {'Comm_spawn', 'Comm_spawn_multiple', 'Comm_accept', 'Comm_connect'}


def words(p):
    return p.ctype.replace('const ', '').strip()


def good(f, p):
    """A right argument, as C."""
    key = (f.base, p.name)
    if key in ARGS:
        return ARGS[key]
    t = words(p)
    if p.array == '[][3]':
        return '(void *)errors_zeros'
    if p.array:
        return {'MPI_Count': 'errors_counts', 'MPI_Aint': 'errors_displs',
                'MPI_Datatype': 'errors_types', 'MPI_Request': 'errors_requests',
                'int': 'errors_zeros' if 'displs' in p.name or p.name in ('ranks', 'ranks1')
                or 'dest' in p.name or 'source' in p.name else 'errors_ints'
                }.get(t, '(void *)errors_out')
    if t == 'MPI_Comm':
        neighbors = f.shape.startswith('Neighbor_')
        return 'errors_' + TOPOLOGY.get(f.base, 'cart' if neighbors else 'comm')
    if t in GOOD:
        return GOOD[t]
    if p.name == '...':
        return None
    if 'function' in t:
        return '(void *)dummy'
    if t == 'char *' and p.ctype.startswith('const'):
        return '"key"'
    if t == 'MPI_Status *':
        return '&errors_status'
    if INOUT.get(f.base) == p.name:
        return '&own'
    if t.endswith('*'):
        return '(void *)errors_%s' % ('data' if p.name in ('sendbuf', 'buf', 'buffer', 'inbuf')
                                      else 'out')
    return NUMBERS.get(p.name, '0')


class Rows:
    def __init__(self, kinds):
        self.kinds, self.rows, self.calls, self.text = kinds, [], [], []

    def call(self, f, changes, before=''):
        """A C function that makes the call; its name."""
        name = 'row%d' % len(self.text)
        args = [changes.get(p.name, good(f, p)) for p in f.params]
        body = before
        own = INOUT.get(f.base)
        if own and '&own' in args:
            t = words(f.param(own)).rstrip(' *')
            body += '    %s own = %s;\n' % (t, GOOD[t])
        self.text.append('static int %s(void)\n{\n%s    return %s(%s);\n}\n' % (
            name, body, f.name, ', '.join(a for a in args if a is not None)))
        return name

    def row(self, f, changes, parameter, value, cls, on=None, before=''):
        on = on or self.handler(f)
        self.rows.append('    {%s, "%s", "%s", %s, %s, %s},' % (
            self.call(f, changes, before), f.name, parameter,
            '"%s"' % value if value else 'NULL', cls, on))

    def handler(self, f, bad=None):
        """Whose handler an error belongs to when parameter `bad` is wrong."""
        if f.base in self.kinds.BRINGS_HANDLER:
            return 'ON_SELF' if bad is not None and bad.name == 'errhandler' else 'ON_GIVEN'
        for p in f.params:
            t = words(p)
            if t in ('MPI_Comm', 'MPI_Session', 'MPI_File'):
                if bad is p:
                    return 'ON_FILE' if t == 'MPI_File' else 'ON_SELF'
                return {'MPI_Comm': 'ON_COMM', 'MPI_Session': 'ON_SESSION',
                        'MPI_File': 'ON_FILE'}[t]
        return 'ON_SELF'

    def handles(self, f, p):
        t = words(p).rstrip(' *')
        pointer = words(p).endswith('*')
        if t == 'MPI_Info' and not f.base.startswith(('Info_', 'Abi_')):
            null = False
        elif t == 'MPI_File':
            null = 'errhandler' not in f.base
        else:
            null = (f.base, p.name) not in NULL_HANDLE_OK
        wrong = '(%s)(void *)errors_%s' % (t, 'group' if t == 'MPI_Comm' else 'comm')
        for value, shown, say in ((NULLS[t], NULLS[t], null), (wrong, None, True)):
            if not say:
                continue
            on = self.handler(f, p)
            if pointer:
                self.row(f, {p.name: '&bad'}, p.name, shown, CLASSES[t], on,
                         '    %s bad = %s;\n' % (t, value))
            else:
                self.row(f, {p.name: value}, p.name, shown, CLASSES[t], on)

        if t == 'MPI_Datatype' and not pointer and f.base not in UNCOMMITTED_OK and \
                not f.base.startswith('Type_'):
            self.row(f, {p.name: 'errors_raw'}, p.name, 'not committed', CLASSES[t])

    def numbers(self, f, p):
        n = p.name
        bad = []
        if n.endswith('count'):
            bad = [('-1', 'MPI_ERR_COUNT')]
        elif n in SIZES:
            bad = [('-1', 'MPI_ERR_ARG')]
        elif n == 'dest':
            bad = [('77', 'MPI_ERR_RANK'), ('-99', 'MPI_ERR_RANK'),
                   ('MPI_ANY_SOURCE', 'MPI_ERR_RANK')]
        elif n == 'source' and f.param('comm'):
            bad = [('77', 'MPI_ERR_RANK'), ('-99', 'MPI_ERR_RANK')]
        elif n in ('tag', 'sendtag', 'recvtag') and not f.base.startswith('Status_'):
            bad = [('-55', 'MPI_ERR_TAG')]
            if f.param('dest') and n != 'recvtag' or n == 'sendtag':
                bad.append(('MPI_ANY_TAG', 'MPI_ERR_TAG'))
        elif n == 'root':
            bad = [('77', 'MPI_ERR_ROOT'), ('-99', 'MPI_ERR_ROOT')]
        for value, cls in bad:
            self.row(f, {n: value}, n, value, cls)

    def pointer(self, f, p):
        reads_status = words(p) == 'MPI_Status *' and p.ctype.startswith('const') or \
            f.base.startswith('Status_')
        if p.name in NULL_OK and not reads_status or (f.base, p.name) in NULL_OK_IN or \
                p.name.endswith(NULL_CALLBACK_OK):
            return
        self.row(f, {p.name: 'NULL'}, p.name, None, 'MPI_ERR_ARG')

    def buffers(self, f):
        in_place = f.shape in self.kinds.IN_PLACE_ALL or f.shape in self.kinds.GATHER_LIKE
        scatter = f.shape in self.kinds.SCATTER_LIKE
        for p in f.params:
            pairs = self.kinds.BUFFERS.get(p.name, ())
            if not words(p).endswith('void *') or not any(
                    f.param(c) and not f.param(c).array and f.param(t) for c, t in pairs):
                continue
            self.row(f, {p.name: 'NULL'}, p.name, None, 'MPI_ERR_BUFFER')
            legal = p.name == 'sendbuf' and in_place or p.name == 'recvbuf' and scatter
            if not legal:
                self.row(f, {p.name: 'MPI_IN_PLACE'}, p.name, 'MPI_IN_PLACE', 'MPI_ERR_BUFFER')

    def arrays(self, f, p):
        if p.name in ('sendcounts', 'recvcounts'):
            wide = 'big' if words(p) == 'MPI_Count' else 'small'
            self.row(f, {p.name: 'negative_' + wide}, p.name, '-7', 'MPI_ERR_COUNT')
        if p.name in ('sendtypes', 'recvtypes'):
            self.row(f, {p.name: 'no_types'}, p.name, None, 'MPI_ERR_TYPE')
        if words(p) == 'MPI_Request':
            self.row(f, {p.name: 'errors_wrong_requests'}, p.name, None, 'MPI_ERR_REQUEST')
        lengths = self.kinds.ARRAY_LENGTH.get(p.name, ())
        for n in (lengths,) if isinstance(lengths, str) else lengths:
            if f.param(n) and p.name not in NULL_OK:
                self.row(f, {p.name: 'NULL', n: '1'}, p.name, None, 'MPI_ERR_ARG')
                break

    def reductions(self, f):
        """An operation that the standard does not define for the type."""
        if f.param('op') and f.param('datatype') and 'create' not in f.base:
            self.row(f, {'op': 'MPI_BAND', 'datatype': 'MPI_DOUBLE'}, '', None, 'MPI_ERR_OP')

    def add(self, f):
        no_windows = f.param('win') and words(f.param('win')) == 'MPI_Win'
        for p in f.params:
            t = words(p)
            if no_windows and p.name != 'win':
                continue    # a right window is needed to come so far
            if (f.base, p.name) in SKIP or p.name == '...' or 'argv' in p.name:
                continue
            if p.array:
                self.arrays(f, p)
            elif t in NULLS:
                self.handles(f, p)
            elif t.endswith('*'):
                if INOUT.get(f.base) == p.name:
                    self.handles(f, p)
                self.pointer(f, p)
            else:
                self.numbers(f, p)
        if not no_windows:
            self.buffers(f)
        self.reductions(f)
        for changes, parameter, value, cls, *on in EXTRA.get(f.base, ()):
            if all(f.param(c) for c in changes):
                self.row(f, changes, parameter, value, cls, *on)


def collect(kinds):
    """The rows and calls of all functions."""
    r = Rows(kinds)
    for f in kinds.load():
        if not f.target or 'value' in f.flags or f.base in SKIP_FUNCTIONS:
            continue
        if 'any' not in f.flags:
            r.calls.append('    {%s, "%s"},' % (r.call(f, {}), f.name))
        if 'raw' not in f.flags:
            r.add(f)
    return r


def generate(kinds):
    r = collect(kinds)
    return '\n'.join([
        '/* SPDX-License-Identifier: BSD-3-Clause */', '/* Generated by gen_errors.py. */',
        '#include "errors.h"', '#include <stddef.h>', '',
        'static MPI_Comm world = MPI_COMM_WORLD;',
        'static MPI_Op predefined_op = MPI_SUM;',
        'static int big[1] = {4711}, still[1][3] = {{0, 0, 0}};',
        'static int invalid_keyval = MPI_KEYVAL_INVALID, negative_small[4] = {-7, -7, -7, -7};',
        'static MPI_Count negative_big[4] = {-7, -7, -7, -7};',
        'static MPI_Datatype no_types[2] = {MPI_DATATYPE_NULL, MPI_DATATYPE_NULL};',
        'static void dummy(void)\n{\n}', ''] + r.text + [
        'const struct errors_row errors_rows[] = {'] + r.rows + ['};',
        'const int errors_rows_count = sizeof(errors_rows) / sizeof(errors_rows[0]);',
        'const struct errors_call errors_calls[] = {'] + r.calls + ['};',
        'const int errors_calls_count = sizeof(errors_calls) / sizeof(errors_calls[0]);', ''])


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--api', required=True, help='folder of kinds.py and the tables')
    ap.add_argument('--out', required=True)
    a = ap.parse_args()
    sys.path.insert(0, a.api)
    import kinds
    text = generate(kinds)
    os.makedirs(os.path.dirname(a.out), exist_ok=True)
    with open(a.out, 'w') as out:
        out.write(text)


if __name__ == '__main__':
    main()
