#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The generator of MPI's entry points: what it makes of a few functions, and that none is lost."""
import os
import re
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'libmpi_dpm', 'api'))
import gen_abi  # noqa: E402
import gen_c    # noqa: E402
import kinds    # noqa: E402

FUNCTIONS = kinds.load()
BY_NAME = {f.name: f for f in FUNCTIONS}


def body(name):
    return gen_c.entry(BY_NAME[name], BY_NAME)


def declared(text, name):
    return re.sub(r'\s+', ' ', re.search(r'\b%s\((.*?)\);' % name, text, re.S).group(1))


class Tables(unittest.TestCase):
    def test_parameters_are_taken_apart(self):
        p = kinds.parse_params('const void *buf ; int ranges[][3] ; char ***argv ; MPI_Comm comm')
        self.assertEqual([(q.ctype, q.name, q.array) for q in p],
                         [('const void *', 'buf', ''), ('int', 'ranges', '[][3]'),
                          ('char ***', 'argv', ''), ('MPI_Comm', 'comm', '')])
        self.assertEqual(kinds.parse_params('void'), [])
        with self.assertRaises(ValueError):
            kinds.parse_params('int')

    def test_implemented_txt_is_checked(self):
        self.assertEqual(kinds.read_implemented('Send\n# no\nWtime any value # why\n'),
                         {'Send': (None, set()), 'Wtime': (None, {'any', 'value'})})
        for text in ('Send fast\n', 'Send\nSend\n'):
            with self.assertRaises(ValueError):
                kinds.read_implemented(text)

    def test_every_section_has_a_chapter(self):
        self.assertEqual({f.section for f in FUNCTIONS} - set(kinds.SECTIONS), set())

    def test_a_large_count_function_follows_its_int_one(self):
        self.assertEqual(BY_NAME['MPI_Send_c'].target, 'xmpi_send')
        # Other parameters: a function of its own.
        self.assertEqual(BY_NAME['MPI_Op_create_c'].target, 'xmpi_op_create_c')


class Entries(unittest.TestCase):
    def test_every_function_is_defined_once_with_its_alias(self):
        text = ''.join(gen_c.chapter(fs, BY_NAME, c)
                       for c, fs in gen_c.chapters(FUNCTIONS).items())
        wanted = sorted(f.name for f in FUNCTIONS)
        strong = re.findall(r'^PMPI_EXPORT [^(\n]*?\bP(MPI_\w+)\(', text, re.M)
        weak = re.findall(r'^PMPI_WEAK\([^,\n]*,\s(MPI_\w+),\s', text, re.M)
        self.assertEqual(sorted(strong), wanted)
        self.assertEqual(sorted(weak), wanted)

    def test_send_checks_everything_before_its_one_call(self):
        text = body('MPI_Send')
        checks, call = text.split('xmpi_send(')
        for what in ('state', 'handle', 'type', 'count', 'rank', 'tag', 'buffer'):
            self.assertIn('xmpi_bad_%s(' % what, checks)
        self.assertNotIn('xmpi_bad_', call)
        self.assertIn('xmpi_raise(comm_p, fn, rc)', call)

    def test_wildcards_only_where_messages_are_received(self):
        self.assertIn('tag < 0)', body('MPI_Send'))
        self.assertIn('tag < 0 && tag != MPI_ANY_TAG', body('MPI_Recv'))
        self.assertIn('xmpi_source_ok(comm_p, source)', body('MPI_Probe'))
        both = body('MPI_Sendrecv')
        self.assertIn('sendtag < 0)', both)
        self.assertIn('recvtag < 0 && recvtag != MPI_ANY_TAG', both)

    def test_receive_arguments_of_gather_count_at_the_root_only(self):
        text = body('MPI_Gather')
        self.assertIn('recv_sig ? xmpi_dtype_of(recvtype) : NULL', text)
        self.assertIn('recv_sig && recvcount < 0', text)
        text = body('MPI_Scatter')
        self.assertIn('send_sig ? xmpi_dtype_of(sendtype) : NULL', text)

    def test_in_place_frees_the_send_arguments(self):
        self.assertIn('sendbuf != MPI_IN_PLACE || comm_p->inter', body('MPI_Allgather'))
        self.assertNotIn('IN_PLACE', body('MPI_Send'))

    def test_spawn_looks_at_info_at_the_root_only(self):
        text = body('MPI_Comm_spawn')
        self.assertIn('xmpi_at_root(comm_p, root) ? xmpi_info_of(info) : NULL', text)
        self.assertNotIn('!command', text)
        self.assertNotIn('maxprocs < 0', text)

    def test_null_handles_where_the_standard_allows_them(self):
        self.assertIn('*request != MPI_REQUEST_NULL', body('MPI_Wait'))
        self.assertNotIn('MPI_REQUEST_NULL', body('MPI_Start'))
        self.assertIn('info != MPI_INFO_NULL', body('MPI_Alloc_mem'))
        self.assertNotIn('MPI_INFO_NULL', body('MPI_Info_set'))

    def test_ignorable_outputs_may_be_null(self):
        self.assertNotIn('!status', body('MPI_Recv'))
        self.assertIn('!status', body('MPI_Get_count'))
        self.assertIn('!flag', body('MPI_Test'))

    def test_wide_results_are_narrowed(self):
        text = body('MPI_Get_count')
        self.assertIn('MPI_Count count_w = 0;', text)
        self.assertIn('*count = xmpi_narrow(count_w);', text)
        self.assertNotIn('narrow', body('MPI_Get_count_c'))

    def test_count_arrays_of_both_widths_go_to_one_function(self):
        self.assertIn('{.i = recvcounts}', body('MPI_Gatherv'))
        self.assertIn('{.c = recvcounts}', body('MPI_Gatherv_c'))

    def test_constructors_of_datatypes_hear_of_their_width(self):
        self.assertIn('oldtype_p, newtype, false)', re.sub(r'\s+', ' ', body('MPI_Type_vector')))
        self.assertIn('oldtype_p, newtype, true)', re.sub(r'\s+', ' ', body('MPI_Type_vector_c')))

    def test_only_communication_wants_committed_types(self):
        self.assertIn('!xmpi_type_ok(datatype_p)', body('MPI_Send'))
        self.assertIn('!xmpi_type_there(oldtype_p)', body('MPI_Type_contiguous'))
        self.assertIn('!xmpi_type_there(datatype_p)', body('MPI_Get_elements'))
        self.assertNotIn('xmpi_type_ok', body('MPI_Type_get_extent'))

    def test_the_three_forms_of_a_collective_go_to_one_function(self):
        self.assertIn('xmpi_scan(', body('MPI_Scan'))
        self.assertIn('(struct xmpi_form){.request = NULL}', body('MPI_Scan'))
        self.assertIn('request, .persistent = false}', body('MPI_Iscan_c'))
        self.assertIn('request, .persistent = true}', body('MPI_Scan_init'))
        self.assertNotIn('info_p,', body('MPI_Scan_init'))

    def test_functions_for_any_time_do_not_look_at_the_state(self):
        self.assertNotIn('is_up', body('MPI_Info_create'))
        self.assertIn('is_up', body('MPI_Comm_rank'))

    def test_the_rest_says_that_it_is_not_supported(self):
        self.assertIsNone(BY_NAME['MPI_Win_create'].target)
        self.assertIn('xmpi_unsupported("MPI_Win_create", comm)', body('MPI_Win_create'))
        self.assertIn('xmpi_unsupported("MPI_File_close", MPI_COMM_NULL)', body('MPI_File_close'))

    def test_the_tool_interface_calls_no_error_handler(self):
        for f in FUNCTIONS:
            if f.name.startswith('MPI_T_'):
                self.assertNotIn('raise', body(f.name), f.name)

    def test_errors_belong_to_the_object_that_has_a_handler(self):
        text = body('MPI_Session_get_num_psets')
        self.assertIn('xmpi_bad_null(session_p, fn, "npset_names")', text)
        self.assertIn('xmpi_bad_handle(NULL, fn, "session"', text)
        text = body('MPI_Comm_create_from_group')
        self.assertIn('xmpi_bad_handle(errhandler_p, fn, "group"', text)
        self.assertIn('xmpi_raise(errhandler_p, fn, rc)', text)

    def test_functions_of_the_world_model_need_it(self):
        self.assertIn('!xmpi_world_is_up()', body('MPI_Finalize'))
        self.assertNotIn('world_is_up', body('MPI_Comm_rank'))

    def test_handles_that_programs_hold_are_counted(self):
        self.assertIn('xmpi_leaks_given(XMPI_KIND_COMM, (uintptr_t)*newcomm, fn)',
                      body('MPI_Comm_dup'))
        text = body('MPI_Comm_free')
        self.assertLess(text.index('taken = (uintptr_t)*comm'), text.index('xmpi_comm_free('))
        self.assertIn('xmpi_leaks_taken(XMPI_KIND_COMM, taken)', text)
        self.assertIn('XMPI_LEAK_COMM_KEYVAL', body('MPI_Comm_free_keyval'))
        for name in ('MPI_Send', 'MPI_Comm_get_parent', 'MPI_Wait', 'MPI_Comm_set_info'):
            self.assertNotIn('leaks', body(name))

    def test_generated_c_holds_no_logic(self):
        for f in FUNCTIONS:
            text = body(f.name)
            self.assertFalse(re.search(r'\b(for|while|switch|goto|malloc)\b', text), f.name)


class Headers(unittest.TestCase):
    def test_declarations_of_hand_written_functions(self):
        text = gen_c.xmpi_header(FUNCTIONS, BY_NAME)
        self.assertEqual(declared(text, 'xmpi_send'),
                         'const void *buf, MPI_Count count, struct xmpi_dtype *datatype, int dest, '
                         'int tag, struct xmpi_comm *comm')
        self.assertEqual(declared(text, 'xmpi_waitall'),
                         'int count, MPI_Request array_of_requests[], MPI_Status *array_of_statuses')
        self.assertIn('struct xmpi_cvec recvcounts', declared(text, 'xmpi_gatherv'))
        names = re.findall(r'\b(xmpi_\w+)\(', text)
        self.assertEqual(len(names), len(set(names)))

    def test_mpi_h_is_the_same_every_time_and_complete(self):
        text = gen_abi.header()
        self.assertEqual(text, gen_abi.header())
        declared_names = re.findall(r'^\w[\w *]*?\b(P?MPI_\w+)\(', text, re.M)
        wanted = [p + f.name for f in FUNCTIONS for p in ('', 'P')]
        self.assertEqual(sorted(n for n in declared_names if n in set(wanted)), sorted(wanted))
        self.assertIn('extern "C"', text)
        self.assertIn('#define MPI_COMM_WORLD               ((MPI_Comm)0x101)', text)

    def test_long_declarations_are_broken_after_commas(self):
        text = gen_abi.wrap_decl('int f(' + ', '.join('int parameter_%d' % i for i in range(9)) + ');')
        self.assertTrue(all(len(line) <= 90 for line in text.splitlines()))
        self.assertEqual(text.replace('\n   ', ''), text.replace('\n    ', ' '))

    def test_coverage_counts_agree(self):
        text = gen_abi.coverage()
        done = sum(f.target is not None for f in FUNCTIONS)
        self.assertIn('All %d functions are exported' % len(FUNCTIONS), text)
        rows = re.findall(r'^\| .* \| (\d+) \| (\d+) \|$', text, re.M)
        self.assertEqual(sum(int(r[0]) for r in rows), len(FUNCTIONS))
        self.assertEqual(sum(int(r[1]) for r in rows), done)


if __name__ == '__main__':
    unittest.main()
