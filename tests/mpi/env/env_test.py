#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What programs say and return: the list of leaks, the initial error handler by mpiexec."""
import os
import unittest

from lab import BUILD, LabCase

PROGRAMS = BUILD / 'tests' / 'bin'


class Environment(LabCase):
    def leaks(self, how):
        env = dict(self.env, PVMX_LEAKS='yes')
        # The sanitizer would list the same objects once more.
        env['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
        status, out, err = self.run_program(PROGRAMS / 'mpi_env_leaks', how, env=env)
        self.assertEqual((status, out), (0, ''), err)
        return err

    def test_leaks_are_listed(self):
        err = self.leaks('leak')
        for line in ('communicator "forgotten" of 1 process, made by MPI_Comm_dup',
                     'group of 1 process, made by MPI_Comm_group',
                     'info object with 1 keys, made by MPI_Info_create',
                     'error handler, made by MPI_Comm_create_errhandler',
                     'operation, made by MPI_Op_create', ', made by MPI_Comm_create_keyval',
                     'request: persistent receive of 4 bytes from rank 0 with tag 77'):
            self.assertEqual(err.count(line), 1, f'{line}\n{err}')
        self.assertIn('7 objects were not given back', err)
        self.assertIn('rank 0 of 1', err)

    def test_nothing_is_listed_of_a_clean_program(self):
        self.assertEqual(self.leaks('clean'), '')
        env = dict(self.env, ASAN_OPTIONS='detect_leaks=0')
        status, out, err = self.run_program(PROGRAMS / 'mpi_env_leaks', 'leak', env=env)
        self.assertEqual((status, out, err), (0, '', ''))

    def test_leaks_of_sessions_are_listed_with_the_last_one(self):
        before, after = self.leaks('session').split('finalized\n')
        self.assertEqual(before, '')
        self.assertIn('group of 1 process, made by MPI_Group_from_session_pset', after)
        self.assertIn('1 objects were not given back', after)

    def test_initial_handler_of_mpiexec(self):
        for option, shown in (('mpi_errors_return', 'return'), ('mpi_errors_abort', 'abort'),
                              ('mpi_errors_are_fatal', 'fatal')):
            out = self.check_program(BUILD / 'bin' / 'mpiexec', '-n', '2', '-initial-errhandler',
                                     option, PROGRAMS / 'mpi_env_handler', 'show')
            self.assertEqual(out, f'{shown}\n{shown}\n')
        out = self.check_program(PROGRAMS / 'mpi_env_handler', 'show')
        self.assertEqual(out, 'fatal\n')


if __name__ == '__main__':
    unittest.main()
