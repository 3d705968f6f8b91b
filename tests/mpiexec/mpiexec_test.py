# SPDX-License-Identifier: BSD-3-Clause
"""mpiexec as its users see it."""

import ctypes
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import unittest

from lab import BUILD, SANITIZED, LabCase

MPIEXEC, PVMXD = BUILD / "bin" / "mpiexec", BUILD / "bin" / "pvmxd"
PIDFD_GETFD = 438  # of Linux, on all processors

WORLD = """
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    int rank, size, sum, *app, known;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, &app, &known);
    printf("%d of %d, sum %d, app %d, %s\\n", rank, size, sum, known ? *app : -1, argv[argc - 1]);
    MPI_Finalize();
    return 0;
}
"""

# A process runs half a second before whoever has started it goes on.
SLOW_START = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>
int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
    int (*next)(int (*)(void *), void *, int, void *, void *);
    va_list rest;
    va_start(rest, arg);
    void *fd = va_arg(rest, void *);
    va_end(rest);
    *(void **)&next = dlsym(RTLD_NEXT, "clone");
    int pid = next(fn, stack, flags, arg, fd);
    usleep(500000);
    return pid;
}
"""

# Rank 1 does what argv[1] says; the others wait for a message that never comes.
TROUBLE = """
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    int rank, byte;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 1 && strcmp(argv[1], "segv") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (rank == 1 && strcmp(argv[1], "abort") == 0)
        MPI_Abort(MPI_COMM_WORLD, 7);
    if (rank == 1 && strcmp(argv[1], "exit") == 0)
        _exit(5);
    for (;;) {
        MPI_Recv(&byte, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        pause();
    }
}
"""

# The shell's own remarks about its sleeping child, which gets the signals too, are not wanted.
SHELL_TRAP = ("exec 2>/dev/null; trap 'echo got %s; exit %d' %s; echo ready; "
              "while :; do sleep 0.05; done")


class Mpiexec(LabCase):
    def setUp(self):
        super().setUp()
        self.env["PVMX_MPIEXEC_GRACE"] = "1h"  # nobody here is made to end because the machine is slow

    def mpiexec(self, *args, **more):
        return self.run_program(MPIEXEC, *args, **more)

    def trouble(self, what):
        return self.mpiexec("-n", "4", self.compile("trouble", TROUBLE), what)

    def begin(self, *command):
        """Starts a job of shell commands and waits until each has said "ready"."""
        out = self.tmp / "out"
        with out.open("w") as f:
            run = self.start(MPIEXEC, *command, stdout=f)
        n = int(command[1])
        self.wait_until(lambda: out.read_text().count("ready") == n, "all are ready")
        return run, out

    def sleepers(self):
        return [p for p in self.processes() if self.cmdline(p).startswith("sleep 600")]

    def daemon(self):
        """Of a job that runs. One that was given up, since its starter did not come in time, may still be leaving."""
        return self.wait_until(lambda: len(found := self.processes(PVMXD)) == 1 and found, "there is one daemon")[0]

    def test_one_world(self):
        status, out, err = self.mpiexec("-n", "5", self.compile("world", WORLD), "last")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(sorted(out.splitlines()),
                         [f"{r} of 5, sum 10, app 0, last" for r in range(5)])

    def test_several_programs(self):
        world = self.compile("world", WORLD)
        status, out, err = self.mpiexec("-n", "2", world, "a", ":", "-np", "1", world, "b")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(sorted(out.splitlines()),
                         ["0 of 3, sum 3, app 0, a", "1 of 3, sum 3, app 0, a",
                          "2 of 3, sum 3, app 1, b"])

    def test_wrappers_may_close_descriptors(self):
        """As python and csh do: the world is found all the same, once; what is run later is alone."""
        world = self.compile("world", WORLD)
        wrap = ("python3", "-c", "import subprocess, sys; "
                "[subprocess.run([sys.argv[1], w], check=True) for w in ('first', 'again')]", world)
        want = sorted([f"{r} of 3, sum 3, app 0, first" for r in range(3)] + ["0 of 1, sum 0, app -1, again"] * 3)
        status, out, err = self.mpiexec("-n", "3", *wrap)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(sorted(out.splitlines()), want)
        # They may also be there before the daemon has said to itself that it has started them.
        self.env.update(LD_PRELOAD=str(self.compile("slow", SLOW_START, "-shared", "-fPIC")),
                        ASAN_OPTIONS="verify_asan_link_order=0", PVMX_DAEMON_LOG=str(self.tmp / "log"), PVMX_LOG="info",
                        PVMX_VM="slow")
        status, out, err = self.mpiexec("-n", "3", *wrap)
        self.assertEqual((status, sorted(out.splitlines())), (0, want), err)
        self.assertIn("TASK-EARLY", (self.tmp / "log").read_text())

    def test_largest_status_counts(self):
        status, _, err = self.mpiexec("sh", "-c", "exit 3", ":", "sh", "-c", "exit 9", ":",
                                      "-n", "2", "true")
        self.assertEqual((status, err), (9, ""))

    def test_programs_without_mpi(self):
        status, out, err = self.mpiexec("-n", "3", "echo", "hello")
        self.assertEqual((status, out, err), (0, "hello\n" * 3, ""))

    def test_stdin_reaches_the_job(self):
        source = self.tmp / "in"
        source.write_text("one line\n")
        with source.open() as f:
            status, out, err = self.mpiexec("cat", stdin=f)
        self.assertEqual((status, out, err), (0, "one line\n", ""))

    def test_environment_and_folder(self):
        where = self.tmp / "where"
        where.mkdir()
        env = dict(self.env, FROM_OUTSIDE="outside")
        status, out, err = self.mpiexec(
            "-genv", "A", "general", "-wdir", where, "-env", "B", "own",
            "sh", "-c", "echo $A $B $FROM_OUTSIDE $(pwd) $(umask)", ":",
            "-env", "A", "mine", "sh", "-c", "echo $A $B", env=env, umask=0o027)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(sorted(out.splitlines()),
                         sorted([f"general own outside {where} 0027", "mine"]))

    def test_missing_program_is_named(self):
        status, out, err = self.mpiexec("-n", "3", "./no-such-program")
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"^mpiexec: .*no-such-program.*[Nn]o such file")

    def test_folder_is_no_program(self):
        status, _, err = self.mpiexec("-n", "1", self.tmp)
        self.assertEqual(status, 1)
        self.assertIn(str(self.tmp), err)

    def test_bad_command_lines(self):
        for args, word in ((["-n", "0", "true"], "-n 0"), (["-n", "x", "true"], "-n x"),
                           (["-n"], "-n needs N"), ([], "which program"),
                           (["-n", "2"], "missing after -n 2"), (["true", ":"], "after ':'"),
                           (["--nonsense", "true"], "--nonsense"),
                           (["-env", "=B", "true", "x"], "no name"),
                           (["-genv", "A"], "-genv needs NAME VALUE"),
                           (["--rankfile", "f", "true"], "-host, -hostfile and -map-by say"),
                           (["-byslot", "true"], "no option here; instead: -map-by slot")):
            with self.subTest(args=args):
                status, out, err = self.mpiexec(*args)
                self.assertEqual((status, out), (2, ""))
                self.assertIn(word, err)

    def test_help_and_version(self):
        status, out, err = self.mpiexec("--help")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("-wdir", out)
        status, out, err = self.mpiexec("-V")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"^mpiexec \(PVMX\) \d+\.\d+\.\d+$")

    def test_signal_in_words(self):
        status, _, err = self.trouble("segv")
        self.assertEqual(status, 128 + signal.SIGSEGV)
        self.assertRegex(err, r"mpiexec: rank 1 \(t[0-9a-f]+, \S*trouble\) was killed by signal 11: "
                              r"Segmentation fault")
        self.assertIn("ending the other 3 processes", err)
        self.assertEqual(err.count("was killed"), 1, "those that mpiexec ends are no news")

    def test_abort_ends_the_rest(self):
        status, _, err = self.trouble("abort")
        self.assertEqual(status, 7)
        self.assertRegex(err, r"mpiexec: .*t[0-9a-f]+.* aborted the job with code 7")

    def test_exit_without_finalize_ends_the_rest(self):
        status, _, err = self.trouble("exit")
        self.assertEqual(status, 5)
        self.assertRegex(err, r"rank 1 .* has exited with status 5 without MPI_Finalize")

    def test_output_of_those_left_behind(self):
        """What a process has started may write after its end, as tee does; not when the job was ended."""
        late = "(until [ -e go ]; do sleep 0.01; done; echo late) & echo ready"
        shell = os.path.realpath(shutil.which("sh"))
        run, out = self.begin("-n", "2", "sh", "-c", late)
        self.wait_until(lambda: len(self.processes(shell)) == 2, "the processes have ended")
        (self.tmp / "go").touch()
        status, _, err = self.finish(run)
        self.assertEqual(status, 0)
        self.assertRegex(err, r"\A(mpiexec: the job has ended, but .*\(Ctrl-C leaves\)\n)?\Z")  # if it took long
        self.assertEqual(out.read_text(), "ready\n" * 2 + "late\n" * 2)
        (self.tmp / "go").unlink()
        run, out = self.begin("-n", "1", "sh", "-c", f"{late}; kill -9 $$")
        self.assertEqual(self.finish(run)[0], 128 + signal.SIGKILL)
        run, out = self.begin("-n", "1", "sh", "-c", late)
        self.assertIn("(Ctrl-C leaves)", run.stderr.readline())  # until then the process may be running
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(run)[0], 128 + signal.SIGINT)
        (self.tmp / "go").touch()

    def test_interrupt_is_passed_on(self):
        run, out = self.begin("-n", "2", "sh", "-c", SHELL_TRAP % ("INT", 4, "INT"))
        run.send_signal(signal.SIGINT)
        status, _, err = self.finish(run)
        self.assertEqual((status, err), (4, ""))
        self.assertEqual(out.read_text().count("got INT"), 2)

    def test_second_interrupt_kills(self):
        run, out = self.begin("-n", "2", "sh", "-c",
                              "exec 2>/dev/null; trap 'echo got INT' INT; echo ready; "
                              "while :; do sleep 0.05; done")
        run.send_signal(signal.SIGINT)
        self.wait_until(lambda: out.read_text().count("got INT") == 2, "both have got the first")
        run.send_signal(signal.SIGINT)
        status, _, err = self.finish(run)
        self.assertEqual((status, err), (128 + signal.SIGINT, ""))

    def test_user_signals_are_passed_on(self):
        for sig in ("USR1", "USR2", "TERM", "HUP", "QUIT"):
            with self.subTest(sig=sig):
                run, out = self.begin("-n", "1", "sh", "-c", SHELL_TRAP % (sig, 6, sig))
                run.send_signal(getattr(signal, f"SIG{sig}"))
                status, _, err = self.finish(run)
                self.assertEqual((status, err), (6, ""))
                self.assertIn(f"got {sig}", out.read_text())

    @staticmethod
    def state(pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0]

    def test_stop_and_continue(self):
        run, _ = self.begin("-n", "1", "sh", "-c", "echo ready $$; exec sleep 600")
        sleeper, = self.wait_until(self.sleepers, "the shell has become it")
        state = self.state
        run.send_signal(signal.SIGTSTP)
        self.wait_until(lambda: state(sleeper) == "T" and state(run.pid) == "T", "both are stopped")
        run.send_signal(signal.SIGCONT)
        self.wait_until(lambda: state(sleeper) != "T", "the process goes on")
        run.send_signal(signal.SIGTERM)
        status, _, err = self.finish(run)
        self.assertEqual((status, err), (128 + signal.SIGTERM, ""))

    def test_killed_mpiexec_takes_its_job_along(self):
        run, _ = self.begin("-n", "3", "sh", "-c", "echo ready; exec sleep 600")
        run.kill()
        self.finish(run)
        self.wait_until(lambda: not self.processes(), "job and daemon are gone")

    def test_daemon_killed(self):
        run, _ = self.begin("-n", "1", "sh", "-c", "echo ready; exec sleep 600 2>/dev/null")
        self.wait_until(self.sleepers, "it has closed what mpiexec has for it")
        self.kill(self.daemon())
        status, _, err = self.finish(run)
        self.assertEqual(status, 1)
        self.assertIn("pvmxd", err)
        self.check_program(MPIEXEC, "true")  # the next start replaces what the dead one has left
        for pid in self.sleepers():
            self.kill(pid)

    def test_closed_stdio(self):
        done = subprocess.run(["sh", "-c", f"exec {MPIEXEC} -n 2 true <&- >&- 2>&-"], env=self.env,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0)

    @unittest.skipIf(SANITIZED or not shutil.which("gdb"), "needs gdb, which LeakSanitizer does not bear")
    def test_a_debugger_does_not_stumble_over_the_start_of_the_daemon(self):
        status, out, err = self.run_program("gdb", "-q", "-batch", "-ex", "run", "--args", MPIEXEC, "echo", "x")
        self.assertEqual(status, 0, err)
        self.assertIn("exited normally", out)

    @staticmethod
    def is_full(pid):
        """A socket that a process has takes no more, since nobody reads what it has written there."""
        limit = int(pathlib.Path("/proc/sys/net/core/wmem_default").read_text(encoding="ascii"))
        process, most = os.pidfd_open(pid), 0
        for fd in os.listdir(f"/proc/{pid}/fd"):
            ours = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, process, int(fd), 0)
            if ours >= 0 and os.readlink(f"/proc/self/fd/{ours}").startswith("socket:"):
                most = max(most, struct.unpack("i", fcntl.ioctl(ours, termios.TIOCOUTQ, bytes(4)))[0])
            if ours >= 0:
                os.close(ours)
        os.close(process)
        return most >= limit

    @staticmethod
    def pending(pid):
        """Signals that a process has not taken yet."""
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return int(re.search(r"ShdPnd:\s*(\w+)", status)[1], 16)

    def await_flood(self, run):
        """Until mpiexec reads what the job writes without end: before, the daemon still has to give it the pipes."""
        def flows():
            counts = pathlib.Path(f"/proc/{run.pid}/io").read_text(encoding="ascii")
            return int(re.search(r"rchar: (\d+)", counts)[1]) > 1 << 20
        self.wait_until(flows, "the job writes")

    def test_daemon_that_stands_still(self):
        """What it does not read keeps nobody from leaving."""
        run = self.start(MPIEXEC, "-n", "4", "yes", stdout=subprocess.DEVNULL)
        self.await_flood(run)
        daemon = self.daemon()
        os.kill(daemon, signal.SIGSTOP)
        try:
            self.wait_until(lambda: self.is_full(run.pid), "what was written is told")
            for _ in range(2):
                run.send_signal(signal.SIGINT)
                self.wait_until(lambda: not self.pending(run.pid), "it was heard")
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.wait(60), 128 + signal.SIGINT)
        finally:
            os.kill(daemon, signal.SIGCONT)
        self.finish(run)  # the daemon has its stderr, too

    @staticmethod
    def pass_on(source, to):
        while True:
            data, fds, _, _ = socket.recv_fds(source, 65536, 32)
            if not data:
                break
            to.sendall(data[socket.send_fds(to, [data], fds):])
            for fd in fds:
                os.close(fd)
        to.shutdown(socket.SHUT_WR)

    def test_request_that_is_not_read(self):
        """A request longer than a socket takes goes on when the daemon does, and keeps nobody from leaving."""
        self.env["PVMX_DAEMON_LINGER"] = "60s"
        self.check_program(MPIEXEC, "true")
        # Between us and the daemon somebody who stands still after the greeting.
        between = self.tmp / "between" / "pvmx" / "default"
        between.mkdir(parents=True)
        for folder in (between, *between.parents[:2]):
            folder.chmod(0o700)
        env = dict(self.env, XDG_RUNTIME_DIR=str(self.tmp / "between"), **{f"LONG{i}": 100000 * "x" for i in range(4)})
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(between / "ctl"))
        listener.listen()
        for leaves in (True, False):
            run = self.start(MPIEXEC, "-n", "2", "sh", "-c", "echo ${#LONG0} ${#LONG3}", env=env)
            ours, _ = listener.accept()
            daemon = socket.socket(socket.AF_UNIX)
            daemon.connect(f"{self.env['XDG_RUNTIME_DIR']}/pvmx/default/ctl")
            daemon.sendall(ours.recv(65536))
            ours.sendall(daemon.recv(65536))
            self.wait_until(lambda run=run: self.is_full(run.pid), "the request is on its way")
            threads = [threading.Thread(target=self.pass_on, args=ends)
                       for ends in ((ours, daemon), (daemon, ours)) if not leaves]
            for _ in range(2 * leaves):
                run.send_signal(signal.SIGINT)
                self.wait_until(lambda run=run: run.poll() is not None or not self.pending(run.pid), "it was heard")
            if leaves:
                run.wait(60)
                ours.close()  # with what has come along
            for thread in threads:
                thread.start()
            status, out, err = self.finish(run)
            self.assertEqual((status, out), (128 + signal.SIGINT, "") if leaves else (0, 2 * "100000 100000\n"), err)
            for thread in threads:
                thread.join()
            ours.close()
            daemon.close()
        self.check_program(BUILD / "bin" / "pvmx", "halt")

    def test_stop_behind_much_output(self):
        """The job is stopped although what was told before has not been taken."""
        run = self.start(MPIEXEC, "-n", "2", "yes", stdout=subprocess.DEVNULL)
        yes = os.path.realpath(shutil.which("yes"))
        self.await_flood(run)
        job = self.wait_until(lambda: len(found := self.processes(yes)) == 2 and found, "the job runs")
        daemon = self.daemon()
        os.kill(daemon, signal.SIGSTOP)
        try:
            self.wait_until(lambda: self.is_full(run.pid), "what was written is told")
            run.send_signal(signal.SIGTSTP)
            self.wait_until(lambda: not self.pending(run.pid), "it was heard")
        finally:
            os.kill(daemon, signal.SIGCONT)
        self.wait_until(lambda: {self.state(p) for p in (*job, run.pid)} == {"T"}, "all are stopped")
        run.send_signal(signal.SIGCONT)
        self.wait_until(lambda: "T" not in {self.state(p) for p in (*job, run.pid)}, "all go on")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(run)[::2], (128 + signal.SIGTERM, ""))

    def test_no_oversubscription(self):
        many = str(2 * os.cpu_count() + 1)
        status, out, err = self.mpiexec("-nooversubscribe", "-n", many, "echo", "started")
        self.assertEqual((status, out), (1, ""))
        self.assertTrue(re.search(rf"\b{many}\b", err), err)

    def test_soft_starts_what_it_can(self):
        status, out, err = self.mpiexec("-soft", "0:2", "-n", "2", "./no-such-program", ":",
                                        "-soft", "0:2", "-n", "2", "echo", "there")
        self.assertEqual(out, "there\nthere\n")
        self.assertEqual(status, 0)
        self.assertIn("2 of 4 processes could not be started", err)

    def test_many_in_a_row(self):
        """One daemon serves them all, and nothing is left of them."""
        self.env["PVMX_DAEMON_LINGER"] = "1h"
        self.check_program(MPIEXEC, "true")
        daemon = self.daemon()
        for _ in range(30):
            self.check_program(MPIEXEC, "-n", "2", "true")
        self.assertEqual(self.processes(), [daemon])
        self.kill(daemon, signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
