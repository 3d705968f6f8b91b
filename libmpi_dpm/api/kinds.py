# SPDX-License-Identifier: BSD-3-Clause
"""Facts about MPI's functions and their parameters, read from the tables beside this file.

prototypes.tsv, types.tsv, constants.tsv: the standard ABI as data; implemented.txt: which functions
have a hand-written xmpi_ function. A parameter's kind follows from its type, its name and, where the
standard is not regular, from the name of the function; the exceptions are the tables in this file.
"""
import csv
import os
import re
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))

# Chapters of MPI 5.0 by the name of their annex section.
SECTIONS = {
    'Point-to-Point': 'Point-to-Point Communication (chapter 3)',
    'Partitioned': 'Partitioned Communication (chapter 4)',
    'Datatypes': 'Datatypes (chapter 5)',
    'Collective': 'Collective Communication (chapter 6)',
    'Groups/Contexts/Communicators/Caching':
        'Groups, Contexts, Communicators, and Caching (chapter 7)',
    'Virtual Topologies': 'Virtual Topologies (chapter 8)',
    'Environmental Management': 'MPI Environmental Management (chapter 9)',
    'Info': 'The Info Object (chapter 10)',
    'Process Creation and Management':
        'Process Initialization, Creation, and Management (chapter 11)',
    'One-Sided': 'One-Sided Communications (chapter 12)',
    'External Interfaces': 'External Interfaces (chapter 13)',
    'I/O': 'I/O (chapter 14)',
    'Profiling': 'Tool Support: profiling (chapter 15)',
    'Tool Information': 'Tool Support: information interface (chapter 15)',
    'Deprecated (deprecated annex)': 'Deprecated Interfaces (chapter 16)',
    'Language Bindings': 'Language Bindings (chapter 19)',
    'ABI': 'Application Binary Interface (chapter 20)',
}

# Input handles by type: (struct of the object, look-up, enum xmpi_kind)
HANDLES = {
    'MPI_Comm': ('xmpi_comm', 'xmpi_comm_of', 'XMPI_KIND_COMM'),
    'MPI_Datatype': ('xmpi_dtype', 'xmpi_dtype_of', 'XMPI_KIND_DTYPE'),
    'MPI_Op': ('xmpi_op', 'xmpi_op_of', 'XMPI_KIND_OP'),
    'MPI_Group': ('xmpi_group', 'xmpi_group_of', 'XMPI_KIND_GROUP'),
    'MPI_Info': ('xmpi_info', 'xmpi_info_of', 'XMPI_KIND_INFO'),
    'MPI_Errhandler': ('xmpi_errhandler', 'xmpi_errhandler_of', 'XMPI_KIND_ERRHANDLER'),
    'MPI_Request': ('xmpi_request', 'xmpi_request_of', 'XMPI_KIND_REQUEST'),
    'MPI_Session': ('xmpi_session', 'xmpi_session_of', 'XMPI_KIND_SESSION'),
    'MPI_Win': ('xmpi_win', 'xmpi_win_of', 'XMPI_KIND_WIN'),
    'MPI_File': ('xmpi_file', 'xmpi_file_of', 'XMPI_KIND_FILE'),
}

# Whose error handler an error belongs to: the first parameter of one of these types; functions that
# make a communicator or session from nothing are told the handler by an argument.
HAS_HANDLER = ('MPI_Comm', 'MPI_Session', 'MPI_File')
BRINGS_HANDLER = {'Session_init', 'Comm_create_from_group', 'Intercomm_create_from_groups'}

# Handles that count in one process only: parameter -> condition in C.
LEADER_ONLY = {'peer_comm': 'local_comm_p->rank == local_leader',
               'remote_group': 'local_group_p->rank == local_leader'}

# Kinds of handles that a program has to give back (rt/leaks.h), and the functions that hand out one
# that is not the program's to free.
GIVEN = ('MPI_Comm', 'MPI_Group', 'MPI_Datatype', 'MPI_Op', 'MPI_Info', 'MPI_Errhandler')
LENT = {'Comm_get_parent'}
KEYVALS = {'Comm_create_keyval': 'COMM', 'Comm_free_keyval': 'COMM', 'Keyval_create': 'COMM',
           'Keyval_free': 'COMM', 'Type_create_keyval': 'TYPE', 'Type_free_keyval': 'TYPE',
           'Win_create_keyval': 'WIN', 'Win_free_keyval': 'WIN'}

# Functions whose handle behind a pointer goes in as well as out, and whether null is legal there.
INOUT = {
    'Comm_free': False, 'Comm_disconnect': False, 'Group_free': False, 'Info_free': False,
    'Errhandler_free': False, 'Op_free': False, 'Type_free': False, 'Type_commit': False,
    'Session_finalize': False, 'Wait': True, 'Test': True, 'Start': False, 'Cancel': False, 'Request_free': False,
}

# Pointers that may be null besides statuses: parameter names.
NULL_OK = {'argc', 'argv', 'extra_state', 'base', 'location', 'attribute_val', 'buffer'}
# ... and by function.
NULL_OK_IN = {('Info_get_string', 'value'), ('Info_get', 'value'),
              ('Session_get_nth_pset', 'pset_name'),
              ('Abi_get_fortran_booleans', 'logical_true'),
              ('Abi_get_fortran_booleans', 'logical_false')}
# Names from NULL_OK that are outputs in these functions.
NULL_BAD_IN = {('Comm_get_attr', 'attribute_val'), ('Type_get_attr', 'attribute_val'),
               ('Attr_get', 'attribute_val')}

# Functions whose datatype need not be committed, besides those named Type_.
UNCOMMITTED_OK = {'Get_count', 'Get_elements', 'Get_elements_x', 'Status_set_elements',
                  'Status_set_elements_x', 'Pack_size', 'Pack_external_size'}

# Arrays that must be there when their length is not 0.
ARRAY_LENGTH = {'ranks': 'n', 'ranges': 'n', 'ranks1': 'n', 'ranks2': 'n',
                'array_of_requests': ('count', 'incount'),
                'array_of_indices': ('incount',), 'array_of_partitions': 'length',
                'dims': ('ndims', 'maxdims'), 'periods': ('ndims', 'maxdims'),
                'coords': 'maxdims', 'indx': ('nnodes', 'maxindex'), 'degrees': 'n',
                'edges': 'maxedges', 'neighbors': 'maxneighbors',
                'sources': ('n', 'indegree', 'maxindegree'),
                'destinations': ('outdegree', 'maxoutdegree'),
                'array_of_blocklengths': 'count', 'array_of_displacements': 'count',
                'array_of_types': 'count', 'array_of_sizes': 'ndims', 'array_of_subsizes': 'ndims',
                'array_of_starts': 'ndims', 'array_of_gsizes': 'ndims', 'array_of_distribs': 'ndims',
                'array_of_dargs': 'ndims', 'array_of_psizes': 'ndims',
                'array_of_integers': 'max_integers', 'array_of_addresses': 'max_addresses',
                'array_of_large_counts': 'max_large_counts', 'array_of_datatypes': 'max_datatypes'}

# Numbers of things that are no counts of a buffer.
SIZES = {'ndims', 'maxdims', 'nnodes', 'maxindex', 'maxedges', 'maxneighbors', 'indegree',
         'outdegree', 'maxindegree', 'maxoutdegree', 'blocklength', 'insize', 'outsize',
         'max_integers', 'max_addresses', 'max_large_counts', 'max_datatypes'}

# Arrays for which there are constants that are addresses of nothing (MPI_UNWEIGHTED). They are declared
# as pointers, which is the same type: in calls with such a constant gcc would warn of a read from
# a region of size 0 when it is told that the parameter is an array.
NO_ARRAY = {'weights', 'sourceweights', 'destweights'}

# Buffer -> (its count, its datatype) in order of preference.
BUFFERS = {
    'buf': [('count', 'datatype')],
    'buffer': [('count', 'datatype')],
    'inbuf': [('count', 'datatype'), ('incount', 'datatype')],
    'outbuf': [('outcount', 'datatype')],
    'inoutbuf': [('count', 'datatype')],
    'sendbuf': [('sendcount', 'sendtype'), ('count', 'datatype'), ('recvcount', 'datatype')],
    'recvbuf': [('recvcount', 'recvtype'), ('count', 'datatype'), ('recvcount', 'datatype')],
}

# Collectives by shape; the name is without I, _init, _c. Says whose arguments count where.
GATHER_LIKE = {'Gather', 'Gatherv', 'Reduce'}          # all send, the root receives
SCATTER_LIKE = {'Scatter', 'Scatterv'}                 # the root sends, all receive
IN_PLACE_ALL = {'Allgather', 'Allgatherv', 'Alltoall', 'Alltoallv', 'Alltoallw', 'Allreduce',
                'Reduce_scatter', 'Reduce_scatter_block', 'Scan', 'Exscan'}
# Those whose sendbuf only the hand-written function can judge.
ARRAYS_ONLY = {'Alltoallw', 'Reduce_scatter'}
# Parameters that only nonblocking and persistent forms of a collective have.
FORM_PARAMS = ('info', 'request')
# Arguments that count only at the root, besides those.
ROOT_ONLY_INFO = {'Comm_spawn', 'Comm_accept', 'Comm_connect'}


@dataclass
class Param:
    ctype: str      # "const int", "MPI_Comm", "void *", without the name and the array part
    name: str
    array: str      # "", "[]", "[][3]"

    def decl(self):
        if self.name == '...':
            return '...'
        if self.name in NO_ARRAY:
            return self.ctype + ' *' + self.name
        star = '' if self.ctype.endswith('*') else ' '
        return self.ctype + star + self.name + self.array


@dataclass
class Function:
    name: str                   # "MPI_Send"
    ret: str
    params: list
    chapter: str                # "p2p"
    section: str                # key of SECTIONS
    since: str
    large_of: str               # the int function of a _c one, else None
    twin: str                   # name of the _c function, else None
    deprecated: str
    required: bool
    flags: set = field(default_factory=set)
    target: str = None          # hand-written function, None: not implemented

    @property
    def short(self):
        return self.name[len('MPI_'):]

    @property
    def base(self):
        """The name that tables above use: without MPI_ and _c."""
        return (self.large_of or self.name)[len('MPI_'):]

    @property
    def shape(self):
        """Name of the collective without the forms nonblocking and persistent."""
        s = re.sub(r'_init$', '', self.base)
        return s[1].upper() + s[2:] if re.match(r'I[a-z]', s) else s

    def param(self, name):
        return next((p for p in self.params if p.name == name), None)

    def decl(self, prefix=''):
        args = ', '.join(p.decl() for p in self.params) or 'void'
        star = '' if self.ret.endswith('*') else ' '
        return '%s%s%s%s(%s)' % (self.ret, star, prefix, self.name, args)


def read_tsv(name, folder=HERE):
    with open(os.path.join(folder, name), newline='') as f:
        return list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))


def parse_params(text):
    """'const void *buf ; int ranges[][3]' -> list of Param; 'void' -> []."""
    out = []
    for part in (p.strip() for p in text.split(' ; ')):
        if part == 'void':
            continue
        if part == '...':
            out.append(Param('', '...', ''))
            continue
        m = re.match(r'^(.*?)(\w+)((?:\[\d*\])*)$', part)
        if not m or not m.group(1).strip():
            raise ValueError('cannot read the parameter "%s"' % part)
        out.append(Param(m.group(1).strip(), m.group(2), m.group(3)))
    return out


def read_implemented(text):
    """Lines of implemented.txt -> {short name: (target or None, set of flags)}."""
    out = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split('#')[0].split()
        if not words:
            continue
        name, rest = words[0], words[1:]
        if name in out:
            raise ValueError('implemented.txt:%d: %s stands there twice' % (number, name))
        target, flags = None, set()
        for w in rest:
            if w.startswith('='):
                target = w[1:]
            elif w in ('any', 'raw', 'value', 'forms', 'large', 'world'):
                flags.add(w)
            else:
                raise ValueError('implemented.txt:%d: unknown flag "%s"' % (number, w))
        out[name] = (target, flags)
    return out


def load(folder=HERE):
    """All functions in the order of the table, with what implemented.txt says of them."""
    with open(os.path.join(folder, 'implemented.txt')) as f:
        done = read_implemented(f.read())
    functions = []
    for row in read_tsv('prototypes.tsv', folder):
        text = row['params'] if row['mpi50_text_params'] == '-' else row['mpi50_text_params']
        large = None if row['large_count_of'] == '-' else row['large_count_of']
        functions.append(Function(
            row['name'], row['return'], parse_params(text), row['chapter'], row['annex_section'],
            row['since'], large, row['name'] + '_c' if row['has_c_twin'] == 'yes' else None,
            row['deprecated'], row['required'] == 'yes'))
    known = {f.short: f for f in functions}
    for name, (target, flags) in done.items():
        if name not in known:
            raise ValueError('implemented.txt: MPI has no function MPI_' + name)
        if 'forms' in flags:
            for other in ('I' + name[0].lower() + name[1:], name + '_init'):
                for f in (known[other], known.get(other + '_c')):
                    if f:
                        mark(f, target or name.lower(), flags)
        mark(known[name], target, flags)
        twin = known.get(name + '_c')
        # A _c function is the same function behind another face where the parameters pair up.
        if twin and name + '_c' not in done and pairs_up(known[name], twin):
            mark(twin, target or name.lower(), flags)
    return functions


def mark(function, target, flags):
    function.target = 'xmpi_' + (target or function.short.lower())
    function.flags = flags


def pairs_up(small, large):
    """True when the parameters differ in the width of integers only."""
    def plain(p):
        t = re.sub(r'\b(int|MPI_Count|MPI_Aint)\b', 'integer', p.ctype)
        return t, p.name, p.array
    return [plain(p) for p in small.params] == [plain(p) for p in large.params]


def widths(function, functions_by_name):
    """For each parameter the type that the hand-written function takes: as the _c twin has it."""
    twin = functions_by_name.get(function.twin) if function.twin else None
    if twin and not pairs_up(function, twin):
        twin = None
    return [t.ctype for t in (twin or function).params]


def xmpi_params(function, by_name):
    """Parameters of the hand-written function as C declarations."""
    raw = 'raw' in function.flags or 'value' in function.flags
    out = []
    forms = 'forms' in function.flags
    for p, wide in zip(function.params, widths(function, by_name)):
        if p.name == '...' or forms and p.name in FORM_PARAMS:
            continue
        if not raw and p.ctype in HANDLES and not p.array:
            out.append('struct %s *%s' % (HANDLES[p.ctype][0], p.name))
        elif is_cvec(function, p, by_name):
            out.append('struct xmpi_cvec ' + p.name)
        else:
            out.append(Param(wide, p.name, p.array).decl())
    return out + (['struct xmpi_form form'] if forms else []) + (
        ['bool large'] if 'large' in function.flags else [])


def is_cvec(function, p, by_name):
    """A count or displacement array that comes in two widths."""
    if not p.array or 'raw' in function.flags:
        return False
    if function.large_of:
        small = by_name[function.large_of]
        other = small.param(p.name)
        return bool(other) and other.ctype != p.ctype and pairs_up(small, function)
    return dict(zip((q.name for q in function.params),
                    widths(function, by_name)))[p.name] != p.ctype


def chapter_file(chapter):
    return 'mpi_' + re.sub(r'[^a-z0-9]+', '_', chapter.lower()).strip('_') + '.c'
