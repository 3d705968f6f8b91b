# SPDX-License-Identifier: BSD-3-Clause
"""Each option and variable of mpiexec, and what happens when both speak."""

import os
import pathlib
import re
import socket
import subprocess
import unittest

from lab import BUILD, LabCase

MPIEXEC = BUILD / "bin" / "mpiexec"
CPUS = sorted(os.sched_getaffinity(0))
SHOW_CPUS = ("sh", "-c", "taskset -cp $$ | sed 's/.*: //'")

# Rank 0 spawns as many as argv[1] says; children print a line.
SPAWN = """
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    MPI_Comm parent, inter;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent == MPI_COMM_NULL) {
        printf("parent\\n");
        MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, atoi(argv[1]), MPI_INFO_NULL, 0, MPI_COMM_WORLD,
                       &inter, MPI_ERRCODES_IGNORE);
        MPI_Comm_disconnect(&inter);
    } else {
        printf("child\\n");
        MPI_Comm_disconnect(&parent);
    }
    MPI_Finalize();
    return 0;
}
"""


class Options(LabCase):
    def mpiexec(self, *args, **variables):
        env = dict(self.env, **{k: str(v) for k, v in variables.items()})
        return self.run_program(MPIEXEC, *args, env=env)

    def output(self, *args, **variables):
        """Lines of a run that must succeed in silence."""
        status, out, err = self.mpiexec(*args, **variables)
        self.assertEqual((status, err), (0, ""), f"{args} {variables}\n{out}")
        return sorted(out.splitlines())

    def refused(self, word, *args, status=2, **variables):
        got, out, err = self.mpiexec(*args, **variables)
        self.assertEqual((got, out), (status, ""), err)
        self.assertIn(word, err)
        self.assertTrue(err.startswith("mpiexec: "), err)

    def test_names_of_options(self):
        for args in (("-n", "2"), ("-np", "2"), ("--np", "2"), ("--np=2",), ("-n=2",), ("-c", "2")):
            with self.subTest(args=args):
                self.assertEqual(self.output(*args, "echo", "x"), ["x", "x"])
        self.assertEqual(self.output("--", "printf", "%s", "-n"), ["-n"])
        self.assertEqual(self.output("echo", "-n", "2"), ["2"], "arguments are the program's")
        self.refused("did you mean -hostfile", "--hostfiel", "x", "true")

    def test_mpirun_is_the_same(self):
        out = self.check_program(BUILD / "bin" / "mpirun", "-n", "2", "echo", "x")
        self.assertEqual(out, "x\nx\n")

    def test_labels(self):
        self.assertEqual(self.output("-l", "-n", "2", "echo", "x"), ["[0] x", "[1] x"])
        self.assertEqual(self.output("-prepend-pattern", "%d.%r %w %g %h %% %q>", "echo", "x"),
                         [f"0.0 0 0 {socket.gethostname()} % %q>x"])
        text = "printf 'a\\n\\nb'; printf c"
        self.assertEqual(self.output("-l", "sh", "-c", text), ["[0] ", "[0] a", "[0] bc"])

    def test_beginnings_of_lines(self):
        """A question is seen before it is answered; what another one writes meanwhile is a line of its own."""
        out = self.tmp / "out"
        wait = "until [ -e $PVMX_RANK ]; do sleep 0.01; done"
        with out.open("w") as f:
            run = self.start(MPIEXEC, "-l", "-n", "1", "sh", "-c", f"printf 'sure? '; {wait}; echo yes", ":",
                             "sh", "-c", f"{wait}; echo other", stdout=f)
        self.wait_until(lambda: out.read_text() == "[0] sure? ", "the question is seen")
        (self.tmp / "1").touch()
        self.wait_until(lambda: out.read_text() == "[0] sure? \n[1] other\n", "the other has written")
        (self.tmp / "0").touch()
        self.assertEqual(self.finish(run)[::2], (0, ""))
        self.assertEqual(out.read_text(), "[0] sure? \n[1] other\n[0] yes\n")

    def test_labels_of_several_worlds(self):
        program = self.compile("spawn", SPAWN)
        lines = self.output("-l", "-n", "2", program, "2")
        self.assertEqual([l for l in lines if "child" in l], ["[1:0] child", "[1:1] child"])
        self.assertEqual(sum("parent" in l for l in lines), 2)

    def test_label_variables(self):
        both = ("sh", "-c", "echo out; echo err >&2")
        cases = (({"MPIEXEC_PREFIX_DEFAULT": ""}, (), "0> out\n", "0(err)> err\n"),
                 ({"MPIEXEC_PREFIX_STDOUT": "%d/%w:"}, (), "0/0:out\n", "err\n"),
                 ({"MPIEXEC_PREFIX_STDERR": "e%d "}, (), "out\n", "e0 err\n"),
                 ({"MPIEXEC_PREFIX_DEFAULT": "1", "MPIEXEC_PREFIX_STDERR": "!"}, (), "0> out\n",
                  "!err\n"),
                 ({"MPIEXEC_PREFIX_DEFAULT": "1"}, ("-l",), "[0] out\n", "[0] err\n"),
                 ({"MPIEXEC_PREFIX_STDOUT": "x"}, ("-prepend-pattern", "p "), "p out\n", "p err\n"))
        for variables, args, out, err in cases:
            with self.subTest(variables=variables, args=args):
                self.assertEqual(self.mpiexec(*args, *both, **variables), (0, out, err))

    def test_output_files(self):
        out = self.output("-outfile-pattern", "out.%r", "-errfile-pattern", "err", "-n", "2",
                          "sh", "-c", "echo o$PVMX_RANK; echo e$PVMX_RANK >&2")
        self.assertEqual(out, [])
        for name, text in (("out.0", ["o0"]), ("out.1", ["o1"]), ("err", ["e0", "e1"])):
            self.assertEqual(sorted((self.tmp / name).read_text().splitlines()), text)
        self.output("-l", "-outfile-pattern", "out.0", "echo", "new")
        self.assertEqual((self.tmp / "out.0").read_text(), "[0] new\n", "emptied, and labelled")
        status, _, err = self.mpiexec("-outfile-pattern", "no/such/folder", "echo", "x")
        self.assertEqual(status, 1)
        self.assertIn("no/such/folder", err)

    def test_output_that_cannot_be_written(self):
        full = ("mpiexec: cannot write output to %s: No space left on device\n", 1)
        small = ("mpiexec: cannot write output to %s: File too large\n", 1)
        for redirect, name, (text, status) in (
                (">/dev/full", "standard output", full), ("2>&1 >/dev/full", "standard output", full),
                ("-outfile-pattern /dev/full", "/dev/full", full),
                ("-outfile-pattern small", "small", small)):
            with self.subTest(redirect=redirect):
                files, words = (redirect, "") if redirect[0] != "-" else ("", redirect)
                got, out, err = self.run_program(
                    "sh", "-c", f"ulimit -Sf 1; {MPIEXEC} {words} printf %0600d 0 {files}")
                self.assertEqual((got, out + err), (status, text % name))

    def test_buffers(self):
        # Without buffering each write arrives by itself, with line buffering a line does.
        script = ("sh", "-c", "printf a; while [ ! -e go ]; do sleep 0.01; done; echo b")
        for kind, first in (("none", "a"), ("line", ""), ("NONE", "a")):
            with self.subTest(kind=kind):
                out = self.tmp / f"out.{kind}"
                with out.open("w") as f:
                    run = self.start(MPIEXEC, f"-stdoutbuf={kind}", "-l", *script, stdout=f)
                if first:
                    self.wait_until(lambda out=out: out.read_text() == "[0] a", "a is there")
                (self.tmp / "go").touch()
                status, _, err = self.finish(run)
                self.assertEqual((status, err, out.read_text()), (0, "", "[0] ab\n"))
                (self.tmp / "go").unlink()
        for kind in ("block", "line"):
            self.assertEqual(self.output("-stderrbuf", kind, "-stdoutbuf", kind, "-n", "2", "echo", "x"),
                             ["x", "x"])
        self.refused("-stdoutbuf some", "-stdoutbuf=some", "true")
        self.refused("MPIEXEC_STDERRBUF some", "true", MPIEXEC_STDERRBUF="some")
        self.output("-stdoutbuf=line", "true", MPIEXEC_STDOUTBUF="nonsense")

    def test_empty_variables(self):
        self.output("true", MPIEXEC_TIMEOUT="", MPIEXEC_UNIVERSE_SIZE="", MPIEXEC_PORT_RANGE="", MPIEXEC_STDOUTBUF="",
                    MPIT_CPUS="", MPIT_CPUS_R0="", MPIT_PROCMAP="", MPIT_BIND_TO_PROCESSOR_SET="")

    def test_time_limits(self):
        sleep = ("-n", "2", "sleep", "600")
        for args, variables in ((("-timeout", "1"), {}), (("-maxtime", "1"), {}), ((), {"MPIEXEC_TIMEOUT": 1}),
                                (("-timeout", "1"), {"MPIEXEC_TIMEOUT": 500})):
            with self.subTest(args=args, variables=variables):
                status, out, err = self.mpiexec(*args, *sleep, **variables)
                self.assertEqual((status, out), (124, ""))
                self.assertIn("time limit of 1 s", err)
        self.output("-timeout", "0", "sleep", "1.2", MPIEXEC_TIMEOUT=1)
        self.refused("-timeout soon", "-timeout", "soon", "true")
        self.refused("MPIEXEC_TIMEOUT soon", "true", MPIEXEC_TIMEOUT="soon")

    def test_time_limit_of_those_that_ignore_it(self):
        env = dict(self.env, PVMX_DAEMON_GRACE="100ms")
        status, _, err = self.run_program(MPIEXEC, "-timeout", "1", "sh", "-c",
                                          "trap '' TERM; while :; do sleep 0.05; done", env=env)
        self.assertEqual(status, 124, err)

    def test_universe_size(self):
        show = ("sh", "-c", "echo $MPI_UNIVERSE_SIZE")
        cases = ((("-usize", "77"), {}, "77"), (("-usize", "infinite"), {}, "INFINITE"),
                 (("-usize", "SYSTEM"), {}, str(len(CPUS))), ((), {"MPIEXEC_UNIVERSE_SIZE": 5}, "5"),
                 (("-usize", "SYSTEM"), {"MPIEXEC_UNIVERSE_SIZE": 5}, str(len(CPUS))),
                 (("-usize", "4"), {"MPIEXEC_UNIVERSE_SIZE": "x"}, "4"))
        for args, variables, size in cases:
            with self.subTest(args=args, variables=variables):
                self.assertEqual(self.output(*args, *show, **variables), [size])
        self.refused("-usize 0", "-usize", "0", "true")
        self.refused("MPIEXEC_UNIVERSE_SIZE x", "true", MPIEXEC_UNIVERSE_SIZE="x")

    def test_environment(self):
        always = {"PVMX_RANK", "PVMX_SIZE", "PVMX_LOCAL_RANK", "PVMX_TASK", "MPI_APPNUM",
                  "PVMX_MAXPROCS", "MPI_UNIVERSE_SIZE"}
        names = lambda lines: {l.split("=", 1)[0] for l in lines}
        self.assertEqual(names(self.output("-envnone", "/usr/bin/env", A="1")), always)
        self.assertEqual(names(self.output("-genvnone", "/usr/bin/env", A="1")), always)
        self.assertEqual(names(self.output("-envlist", "A,B", "/usr/bin/env", A="1")), always | {"A"})
        self.assertEqual(names(self.output("-envnone", "-env", "X", "a=b c", "-genv", "Y", "",
                                           "/usr/bin/env", A="1")), always | {"X", "Y"})
        show = ("sh", "-c", "echo $A$B")
        cases = ((("-genvnone", "-envall"), "1"), (("-genvall", "-envnone"), ""),
                 (("-genvlist", "B", "-envlist", "A"), "1"), (("-genv", "A", "2"), "2"),
                 (("-genv", "A", "2", "-env", "A", "3"), "3"), (("-x", "B=4"), "14"),
                 (("-genvnone", "-x", "A"), "1"))
        for args, text in cases:
            with self.subTest(args=args):
                self.assertEqual(self.output(*args, *show, A="1"), [text])
        # -genv after a ':' is still for all, -env for one only.
        self.assertEqual(self.output("-env", "B", "x", *show, ":", "-genv", "A", "y", *show),
                         ["y", "yx"])
        self.refused("must be names", "-envlist", "A,,B", "true")

    def test_variables_of_the_processes(self):
        show = ("sh", "-c", "echo $PVMX_RANK $PVMX_SIZE $PVMX_LOCAL_RANK $MPI_APPNUM $PVMX_MAXPROCS")
        self.assertEqual(self.output("-n", "2", *show, ":", "-envnone", "-path", "/bin", *show),
                         ["0 3 0 0 2", "1 3 1 0 2", "2 3 2 1 1"])

    def test_path_and_folder(self):
        for name in ("a", "b"):
            (self.tmp / name).mkdir()
            tool = self.tmp / name / "tool"
            tool.write_text(f"#!/bin/sh\necho {name} $(pwd)\n")
            tool.chmod(0o755)
        self.assertEqual(self.output("-path", f"{self.tmp}/none:{self.tmp}/a:{self.tmp}/b", "tool"),
                         [f"a {self.tmp}"])
        self.assertEqual(self.output("-wdir", "b", "./tool", ":", "-wd", self.tmp / "a", "./tool"),
                         [f"a {self.tmp}/a", f"b {self.tmp}/b"])
        self.refused("no/folder", "-wdir", "no/folder", "true", status=1)

    def test_arguments_are_left_alone(self):
        args = ["", " ", "a b", "*", "$X", "'", '"', "\\", "é", "--", "-n", "\n"]
        out = self.check_program(MPIEXEC, "printf", "<%s>", *args)
        self.assertEqual(out, "".join(f"<{a}>" for a in args))

    def test_configuration_files(self):
        conf = self.tmp / "conf"
        conf.write_text("# two programs\n-n 2 echo 'one  two' # not this\n\n"
                        "-env A \"x y\" sh -c 'echo \\\n$A'\n")
        self.assertEqual(self.output("-configfile", conf), ["one  two", "one  two", "x y"])
        self.assertEqual(self.output("-configfile", conf, ":", "echo", "more"),
                         ["more", "one  two", "one  two", "x y"])
        (self.tmp / "options").write_text("-n 2\n-env A b\n")
        self.assertEqual(self.output("-file", "options", "sh", "-c", "echo $A"), ["b", "b"])
        self.refused("no-such-file", "-configfile", "no-such-file")
        (self.tmp / "open").write_text("echo 'x\n")
        self.refused("not closed", "-configfile", "open")
        (self.tmp / "loop").write_text("-configfile loop\n")
        self.refused("too deeply", "-configfile", "loop")

    def test_hosts(self):
        own = socket.gethostname()
        size = ("sh", "-c", "echo $MPI_UNIVERSE_SIZE")
        # Without -n: one process for each slot that is named, of each program.
        for args, n in ((("-host", own), 1), (("-hosts", "localhost,127.0.0.1"), 2), (("-H", f"{own}:3"), 3),
                        (("-host", "[::1]:2"), 2), (("-hosts", f"{own},{own},{own}:3"), 5), (("-n", "1", "-host", f"{own}:3"), 1),
                        (("-hosts", f"{own},localhost:3,{own}", "-ppn", "2"), 4), (("-ppn", "2"), 1),
                        (("-hosts", f"{own}:3", "-arch", os.uname().machine), 1), (("-hosts", f"{own}:3", "-soft", "2"), 2)):
            with self.subTest(args=args):
                self.assertEqual(self.output(*args, "echo", "x"), ["x"] * n)
        for args, a, b in (((), 3, 3), (("-n", "1"), 1, 3)):
            self.assertEqual(sorted(self.output("-hosts", f"{own}:3", *args, "echo", "a", ":", "echo", "b")),
                             ["a"] * a + ["b"] * b)
        self.assertEqual(sorted(self.output("-host", f"{own}:3", "echo", "a", ":", "-host", f"{own}:2", "echo", "b", ":",
                                            "echo", "c")), ["a"] * 3 + ["b"] * 2 + ["c"])
        self.refused("would be 1000001: say -n", "-hosts", f"{own}:1000000,{own}", "true")
        hosts = self.tmp / "hosts"
        hosts.write_text(f"# mine\nlocalhost slots=4 max_slots=9\n\n{own}:2 # more\n{own} cpu=1\n")
        for name in ("-f", "-hostfile", "-machinefile"):
            self.assertEqual(self.output(name, hosts, *size), ["7"] * 7)
        self.assertEqual(self.output("-f", hosts, "-usize", "3", "-n", "1", *size), ["3"])
        self.refused("cannot reach host nosuch.invalid", "-host", "nosuch.invalid", "true", status=1)
        hosts.write_text("localhost slots=none\n")
        self.refused("line 1", "-f", hosts, "true")
        hosts.write_text("localhost:1\n")
        self.refused("more than the 1 slots", "-f", hosts, "-nooversubscribe", "-n", "2", "true")
        self.refused("no-hosts", "-f", "no-hosts", "true")
        self.output("-arch", os.uname().machine, "-ppn", "2", "-launcher", "ssh", "-launcher-exec",
                    "/bin/true", "true")
        self.refused("the architecture pdp11", "-arch", "pdp11", "true", status=1)
        self.refused("no name of an architecture", "-arch", "a b", "true")
        self.refused("-launcher pigeon", "-launcher", "pigeon", "true")

    def test_ends_are_told(self):
        status, _, err = self.mpiexec("-exitinfo", "-n", "2", "sh", "-c", "exit $((PVMX_RANK * 3))")
        self.assertEqual(status, 3)
        self.assertRegex(err, r"^mpiexec: rank 1 \(t[0-9a-f]+, sh\) has exited with status 3\n$")
        status, _, err = self.mpiexec("-print-all-exitcodes", "-n", "2", "true")
        self.assertEqual((status, len(re.findall(r"rank [01] .* has ended", err))), (0, 2), err)

    def test_the_others_may_go_on(self):
        script = ("-n", "2", "sh", "-c", "[ $PVMX_RANK = 1 ] && kill -9 $$; "
                  "while [ ! -e go ]; do sleep 0.01; done; echo $PVMX_RANK")
        out = self.tmp / "out"
        with out.open("w") as f:
            run = self.start(MPIEXEC, "-disable-auto-cleanup", *script, stdout=f)
        self.assertIn("killed by signal 9", run.stderr.readline())
        (self.tmp / "go").touch()
        status, _, _ = self.finish(run)
        self.assertEqual((status, out.read_text()), (137, "0\n"))

    def test_verbose_and_info(self):
        status, _, err = self.mpiexec("-v", "-n", "2", "true")
        self.assertEqual(status, 0)
        self.assertRegex(err, r"VM default on host \S+, daemon \d+, 2 processes")
        self.assertEqual(len(re.findall(r"rank [01] is t[0-9a-f]+, process \d+\n", err)), 2)
        status, out, err = self.mpiexec("-info")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("MPI 5.0", out)

    def test_stdin_for_some(self):
        def run(*args):
            with source.open() as f:
                done = self.run_program(MPIEXEC, *args, "-l", "-n", "4", "cat", stdin=f)
            self.assertEqual((done[0], done[2]), (0, ""))
            return sorted(done[1].splitlines())

        source = self.tmp / "in"
        source.write_text("x\n")
        self.assertEqual(run(), ["[0] x"])
        self.assertEqual(run("-stdin", "all"), [f"[{r}] x" for r in range(4)])
        self.assertEqual(run("-s", "1,3"), ["[1] x", "[3] x"])
        self.assertEqual(run("-stdin=2-3"), ["[2] x", "[3] x"])
        self.assertEqual(run("-stdin", "none"), [])
        self.refused("-stdin 4", "-stdin", "4", "-n", "4", "cat")
        self.refused("-stdin 3-1", "-stdin", "3-1", "-n", "4", "cat")

    # ---- processors

    def test_binding(self):
        ones = [str(c) for c in CPUS]
        self.assertEqual(self.output("-bind-to", "hwthread", "-n", len(CPUS), *SHOW_CPUS), ones)
        self.assertEqual(self.output("-bind-to", "none", "-n", "1", *SHOW_CPUS),
                         self.output("-n", "1", *SHOW_CPUS))
        self.assertEqual(self.output("-bind-to", f"hwthread:{len(CPUS)}", *SHOW_CPUS),
                         self.output(*SHOW_CPUS))
        # What is said holds for the programs behind it, too, unless they say something else.
        self.assertEqual(self.output("-l", "-bind-to", "hwthread", *SHOW_CPUS, ":", *SHOW_CPUS, ":", "-bind-to", "none",
                                     *SHOW_CPUS),
                         [f"[{r}] {c}" for r, c in enumerate((ones + ones)[:2] + self.output(*SHOW_CPUS))])
        self.refused("this host has", "-bind-to", "core:4096", "true", status=1)
        for bad in ("fish", "core:", "core:0", "core:x", "none:2", ""):
            self.refused("-bind-to", "-bind-to", bad, "true")
        for bad in ("fish", "core:PE=0", "core:FOO"):
            self.refused("-map-by", "-map-by", bad, "true")

    def test_binding_is_told(self):
        for option in ("-v", "-report-bindings"):
            _, out, err = self.mpiexec(option, "-map-by", "hwthread", *SHOW_CPUS)
            told = re.search(r"rank 0 is t[0-9a-f]+, process \d+, bound to processors (\S+)\n", err)
            self.assertTrue(told, err)
            self.assertEqual(out.strip(), told[1])

    def test_processor_variables(self):
        last, set_ = str(CPUS[-1]), {"MPIT_BIND_TO_PROCESSOR_SET": "yes"}
        all_cpus = self.output(*SHOW_CPUS)
        number = {"MPIT_CPUS": len(CPUS)}
        siblings = pathlib.Path("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list")
        if len(CPUS) < 2 or len(CPUS) != os.cpu_count() or siblings.read_text().strip() != "0":
            self.skipTest("needs two cores without hardware threads")
        self.assertEqual(self.output(*SHOW_CPUS, **number), all_cpus, "nothing is bound")
        self.assertEqual(self.output(*SHOW_CPUS, **set_), [str(CPUS[0])])
        self.assertEqual(self.output("-l", "-n", "2", *SHOW_CPUS, MPIT_CPUS_R1=2, **set_),
                         [f"[0] {CPUS[0]}", "[1] 0,1" if len(CPUS) == 2 else "[1] 1,2"])
        self.assertEqual(self.output("-l", "-n", "2", *SHOW_CPUS, MPIT_PROCMAP=f"{last},0", **set_),
                         [f"[0] {last}", "[1] 0"])
        self.assertEqual(self.output(*SHOW_CPUS, MPIT_PROCMAP="socket", **set_), [str(CPUS[0])])
        self.assertEqual(self.output("-bind-to", "none", *SHOW_CPUS, **set_), all_cpus)
        self.refused("MPIT_CPUS 0", "true", MPIT_CPUS=0)
        self.refused("MPIT_CPUS_R3 x", "true", MPIT_CPUS_R3="x")
        self.refused("MPIT_PROCMAP 1,x", "true", MPIT_PROCMAP="1,x")
        self.refused("MPIT_BIND_TO_PROCESSOR_SET perhaps", "true", MPIT_BIND_TO_PROCESSOR_SET="perhaps")
        self.output("true", MPIT_CPUS_RANKS="x", MPIT_CPUS_R="x")

    def test_port_range(self):
        self.output("true", MPIEXEC_PORT_RANGE="20000:20100", MPICH_PORT_RANGE="1:65535")
        for bad in ("5", "9:1", "1:99999", "a:b", "-1:5"):
            self.refused("MPIEXEC_PORT_RANGE", "true", MPIEXEC_PORT_RANGE=bad)

    def test_initial_errhandler(self):
        for name in ("mpi_errors_are_fatal", "mpi_errors_abort", "mpi_errors_return"):
            self.output("-initial-errhandler", name, "true")
        self.refused("-initial-errhandler x", "-initial-errhandler", "x", "true")

    def test_options_of_others_are_accepted(self):
        self.assertEqual(self.output("--allow-run-as-root", "--mca", "btl", "self", "-rmk", "user",
                                     "-iface", "lo", "-disable-hostname-propagation", "--quiet", "--prefix", "/usr",
                                     "--map-by", ":OVERSUBSCRIBE", "-perhost", "1", "echo", "x"), ["x"])
        self.assertEqual(self.output("-genv", "A=1 =2", "-env=B=3", "-x", "C,D,E", "sh", "-c", "echo $A $B $C $D ${E-none}",
                                     C="4", D="5"), ["1 =2 3 4 5 none"])
        status, out, err = self.mpiexec("--display-map", "-n", "2", "true")
        self.assertEqual((status, out, len(re.findall("mpiexec: rank [01] is t", err))), (0, "", 2), err)

    # ---- what the tables say of themselves

    def test_manual_page(self):
        page = (BUILD / "share/man/man1/mpiexec.1").read_text()
        status, out, err = self.mpiexec("--help")
        self.assertEqual(status, 0)
        for name in re.findall(r"^  -([a-z-]+)", out, re.M):
            self.assertIn("\\fB\\-" + name.replace("-", "\\-"), page)
        for name in ("MPIEXEC_TIMEOUT", "MPIT_PROCMAP", "PVMX_LOCAL_RANK", "MPI_UNIVERSE_SIZE"):
            self.assertIn(name, page)
        if pathlib.Path("/usr/bin/groff").exists():
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8"], input=page, capture_output=True,
                                  text=True, check=True, timeout=60)
            self.assertEqual(done.stderr, "")

    def test_completion(self):
        rules = BUILD / "share/bash-completion/completions/mpiexec"

        def complete(*words):
            script = (f". {rules}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _pvmx_mpiexec; "
                      "printf '%s\\n' \"${COMPREPLY[@]}\"")
            return self.check_program("bash", "-c", script, "bash", *words).split()

        (self.tmp / "program").touch()
        self.assertEqual(complete("mpiexec", "-bin"), ["-bind-to"])
        self.assertEqual(complete("mpiexec", "-bind-to", "nu"), ["numa"])
        self.assertEqual(complete("mpiexec", "--maxt"), ["--maxtime"])
        self.assertEqual(complete("mpiexec", "-n", "2", "./pro"), ["./program"])
        self.assertEqual(complete("mpiexec", "-env", "A", "-x", "-hel"), ["-help", "-help-as"])
        self.assertEqual(complete("mpiexec", "prog", "-bin"), [], "the program's own")
        self.assertEqual(complete("mpiexec", "prog", ":", "-bin"), ["-bind-to"])
        self.assertEqual(complete("mpiexec", "-configfile", "prog"), ["program"])


if __name__ == "__main__":
    unittest.main()
