#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every function that is implemented is called by a test of what it does and by one of its errors.

    tested_test.py <folder of the built tests> [--list]

A call is an undefined symbol in an object file of a test, so macros are seen through and comments are
not. Errors are shown by the rows of wrong calls (mpi/errors), or in the way that ERRORS says.
--list prints who calls each function.
"""
import functools
import glob
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, '..', 'libmpi_dpm', 'api'), os.path.join(TESTS, 'mpi', 'errors')]
import gen_errors  # noqa: E402
import kinds       # noqa: E402

BUILT = sys.argv.pop(1)
FOLDERS = ('mpi', 'mpi_coll', 'unit/mpi_rt', 'unit/mpi_op')
# They call functions to have something to test with, or only with wrong arguments.
NO_MEANING = ('mpi/errors/', 'mpi/support/', 'mpi_coll/lab.c')

# Functions without a row of a wrong call: pattern of names -> why they cannot fail, or the source in
# which a test shows their errors.
ERRORS = {
    r'.*_(to|from)int|Aint_(add|diff)|Wtime|Wtick': 'returns a value and cannot report an error',
    r'Pcontrol': 'takes anything',
    r'Init|Init_thread': 'mpi/env/finalize.c',
    r'T_.*': 'mpi/tool/off.c',
}


def sources():
    """Sources of the tests of MPI, relative to the folder of tests."""
    return sorted(os.path.relpath(p, TESTS) for folder in FOLDERS
                  for p in glob.glob(os.path.join(TESTS, folder, '**', '*.c'), recursive=True))


@functools.lru_cache(None)
def objects():
    """{source: its object file}; what a source that is gone has left is not looked at."""
    found = {}
    for folder in FOLDERS:
        for path in glob.glob(os.path.join(BUILT, folder, '**', '*.c.o'), recursive=True):
            source = re.sub(r'CMakeFiles/[^/]*\.dir/', '', os.path.relpath(path, BUILT))[:-2]
            if os.path.exists(os.path.join(TESTS, source)):
                found[source] = path
    return found


def callers(found):
    """{function: sources of tests that call it for what it does}."""
    by_path = {path: s for s, path in found.items() if not s.startswith(NO_MEANING)}
    text = subprocess.run(['nm', '-A', '-u', *by_path], stdout=subprocess.PIPE, check=True,
                          universal_newlines=True).stdout
    out = {}
    for path, name in re.findall(r'^(.*?):\s+\w\s+P?(MPI_\w+)$', text, re.M):
        out.setdefault(name, set()).add(by_path[path])
    return out


def listed(name):
    return [e for pattern, e in ERRORS.items() if re.fullmatch('MPI_(%s)' % pattern, name)]


def expects_error(name, source):
    """A check in the source calls the function and wants an error."""
    with open(os.path.join(TESTS, source)) as f:
        return re.search(r'\b(?:CHECK_EQ|CHECK_CLASS|OFF)\(%s\(' % name, f.read())


class Tested(unittest.TestCase):
    maxDiff = None
    done = [f.name for f in kinds.load() if f.target]
    wrong = gen_errors.collect(kinds)
    rows = {row.split('"')[1] for row in wrong.rows + wrong.calls}

    def test_all_tests_are_built(self):
        self.assertEqual([s for s in sources() if s not in objects()], [])

    def test_what_each_function_does_is_tested(self):
        called = callers(objects())
        self.assertGreater(len(called), 300)
        self.assertEqual([n for n in self.done if n not in called], [])

    def test_an_error_of_each_function_is_tested(self):
        self.assertEqual([n for n in self.done if n not in self.rows and not listed(n)], [])

    def test_errors_are_where_the_list_says(self):
        for name in self.done:
            for e in listed(name):
                self.assertNotIn(name, self.rows, 'has a row and need not be listed')
                if e.endswith('.c'):
                    self.assertTrue(expects_error(name, e), '%s: no error in %s' % (name, e))


if __name__ == '__main__':
    if sys.argv[1:] == ['--list']:
        for function, where in sorted(callers(objects()).items()):
            print(function, *sorted(where))
    else:
        unittest.main()
