#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""libmpi_abi.so.1 as the loader sees it: names, versions, and what costs time at each start.

    load_test.py <libmpi_abi.so.1> <archive of the same objects>
"""
import re
import subprocess
import sys
import unittest

LIBRARY, ARCHIVE = sys.argv.pop(1), sys.argv.pop(1)
# Tables of names, texts and kernels need about 600 relocations (2 us); entry points in tables or
# calls that leave the library would show as thousands.
MOST_RELOCATIONS = 800
# Ours and the C library's; a task must start fast.
MAY_NEED = {'libpvmx.so.0', 'libc.so.6', 'libm.so.6', 'ld-linux-x86-64.so.2', 'libpthread.so.0',
            'libasan.so.8', 'libubsan.so.1', 'libtsan.so.2'}


def readelf(*args):
    return subprocess.run(['readelf', '-W', *args, LIBRARY], stdout=subprocess.PIPE, check=True,
                          universal_newlines=True, env={'LC_ALL': 'C', 'PATH': '/usr/bin:/bin'}).stdout


class Load(unittest.TestCase):
    sanitized = 'libasan' in readelf('-d') or 'libtsan' in readelf('-d')

    def test_soname(self):
        self.assertIn('Library soname: [libmpi_abi.so.1]', readelf('-d'))

    def test_needs_few_libraries(self):
        needed = set(re.findall(r'NEEDED.*\[(.*)\]', readelf('-d')))
        self.assertLessEqual(needed, MAY_NEED)

    def test_exports_only_names_of_the_interface(self):
        names = re.findall(r'(?:FUNC|OBJECT|IFUNC|NOTYPE|TLS)\s+(?:GLOBAL|WEAK)\s+DEFAULT\s+(?!UND)\S+\s+(\S+)',
                           readelf('--dyn-syms'))
        self.assertGreater(len(names), 1300)
        self.assertEqual([n for n in names if not re.match(r'P?MPIX?_', n)], [])

    def test_names_have_no_version(self):
        # A version would tie programs to this library; the ABI has none.
        self.assertFalse(re.search(r'\bP?MPI_\w+@', readelf('--dyn-syms')))

    def test_calls_none_of_its_own_names(self):
        # A tool that takes MPI_X over must not see what the library does for itself.
        undefined = subprocess.run(['nm', '-u', ARCHIVE], stdout=subprocess.PIPE, check=True,
                                   universal_newlines=True).stdout
        self.assertIn('xmpi_send', undefined)
        self.assertEqual(re.findall(r'\bP?MPI_\w+', undefined), [])

    def test_nothing_runs_at_load(self):
        if self.sanitized:
            self.skipTest('sanitizers register themselves')
        size = re.search(r'INIT_ARRAYSZ\)\s+(\d+)', readelf('-d'))
        # One entry is the compiler's own frame_dummy.
        self.assertLessEqual(int(size.group(1)) if size else 0, 8)

    def test_few_relocations(self):
        if self.sanitized:
            self.skipTest('sanitizers add their own')
        count = len(re.findall(r'R_[A-Z0-9]+_\w+', readelf('-r')))
        self.assertLess(count, MOST_RELOCATIONS)


if __name__ == '__main__':
    unittest.main()
