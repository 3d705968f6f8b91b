# SPDX-License-Identifier: BSD-3-Clause
"""Commands of the console that PVM's console has too, and what they do to PVM's tasks."""

import json
import re
import signal
import socket
import subprocess
import unittest

from consolelab import PVMX, Console
from lab import BUILD, LabCase

# Prints the text that an entry of the mailbox holds.
READ_BOX = """
#include <pvm3.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    char text[100];
    int box = pvm_recvinfo(argv[1], argc > 2 ? atoi(argv[2]) : 0, PvmMboxDefault);
    if (box < 0 || pvm_setrbuf(box) < 0 || pvm_upkstr(text) < 0)
        return 1;
    puts(text);
    return pvm_putinfo(argv[1], box, PvmMboxDefault) == PvmDenied ? pvm_exit() : 2;
}
"""

# Wants to survive a reset.
STAYS = """
#include <pvm3.h>
int main(void)
{
    pvm_setopt(PvmNoReset, 1);
    pvm_recv(-1, 1);
    return pvm_exit();
}
"""


class PvmWords(Console, LabCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.run_program, PVMX, "halt")

    def session(self, *lines):
        path = self.tmp / "script"
        path.write_text("\n".join(lines) + "\n")
        return self.ok("-f", path)

    def entries(self, pattern=""):
        return [(e["name"], e["index"], e["flags"]) for e in self.json("names", pattern)]

    def test_put_into_the_mailbox(self):
        self.ok("spawn", "true")
        read = self.compile("read", READ_BOX, "-lpvm3")
        for text in ("", "abc", "a longer one", "größer"):
            self.ok("put", "a name", "1", text)
            self.assertEqual(self.check_program(read, "a name").strip("\n"), text)
        self.ok("put", "many", "3", "first")
        self.ok("put", "many", "3", "second")
        self.ok("put", "many", str(7 * 1024 + 1), "seventh")
        self.assertEqual(self.entries("many"), [("many", 0, 3), ("many", 1, 3), ("many", 7, 1)])
        self.assertEqual(self.check_program(read, "many", "1"), "second\n")
        self.assertEqual(self.check_program(read, "many", "7"), "seventh\n")
        self.assertEqual({e["owner"] for e in self.json("names")}, {None})
        self.ok("spawn", "->out", self.compile("stays", STAYS, "-lpvm3"))
        self.wait_until(lambda: self.entries("NO_RESET"), "its entry is there")
        self.fails("sum of flags", "put", "a", "b", "c", status=2)
        self.fails("belongs to t", "put", "###_PVM_NO_RESET_###", "0", "mine")

    def test_what_the_console_puts_goes_with_it(self):
        self.ok("spawn", "true")
        out = self.session("put goes 0 text", "put stays 1 text", "reset info", "names --json")
        self.assertEqual([e["name"] for e in json.loads(out.partition("deleted\n")[2])], ["goes", "stays"],
                         "reset leaves what this console has put")
        self.assertEqual(self.entries(), [("stays", 0, 1)])
        self.ok("put", "stays too", "0", "since there is but one command")
        self.assertEqual(self.entries("too"), [("stays too", 0, 1)])
        run = self.start(PVMX, "-f", "-", stdin=subprocess.PIPE)
        run.stdin.write("put goes 0 text\necho put\nspawn sleep 600\nevents -f\n")
        run.stdin.flush()
        while "sleep" not in run.stdout.readline():
            continue
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(run)[0], 130)
        self.assertEqual(self.entries("goes"), [], "also when Ctrl-C has ended it")

    def test_reset_spares_and_forgets(self):
        (tid,), _ = self.spawn(self.compile("stays", STAYS, "-lpvm3"))
        self.wait_until(lambda: self.entries("NO_RESET"), "its entry is there")
        self.spawn("-2", "sleep", "600")
        for name in ("a", "b", "b", "c"):
            self.ok("put", name, "3", "text")
        self.assertEqual(self.ok("reset", "info", "b", "1"), "1 entry of the mailbox deleted\n")
        self.assertEqual(self.ok("reset", "info", "b"), "1 entry of the mailbox deleted\n")
        self.assertEqual([n for n, _, _ in self.entries()], ["###_PVM_NO_RESET_###", "a", "c"])
        self.fails('"bogus" is not understood', "reset", "bogus", status=2)
        self.fails("index of an entry", "reset", "info", "a", "-1", status=2)
        self.assertEqual(self.ok("reset"), "2 tasks ended\n2 entries of the mailbox deleted\n")
        self.assertEqual([t["tid"] for t in self.json("ps")], [tid])

    def test_options_of_spawned_tasks(self):
        options = {o["option"]: (o["value"], o["of"]) for o in self.json("getopt")}
        self.assertEqual(len(options), 23)
        self.assertEqual(options["PvmFragSize"], ("4080", "console"))
        self.assertEqual(options["PvmTraceTid"], ("0", "tasks"))
        out = self.session("setopt PvmTraceTid 0x40123", "setopt TraceCode 7", "setopt PvmTraceContext 2",
                          "setopt PvmOutputTid 262145", "setopt PvmSelfOutputCode -3", "trace buf 100",
                          "trace opt count", "trace - *", "trace addhosts",
                          "getopt PvmOutputCode", "spawn -> sh -c env", "wait 1", "setopt PvmTraceTid 0",
                          "spawn -> sh -c env", "wait 2")
        self.assertIn("PvmTraceCode Changed from 0 to 7\n", out)
        self.assertRegex(out, r"PvmOutputCode +-3 +console\n")
        first, second = out.split("PvmTraceTid Changed from 262435 to 0\n")
        for line in ("PVMX_PVM_OUT=40001", "PVMX_PVM_TRACE=40123,2,7", "PVMTMASK=A" + "@" * 34, "PVMTRCBUF=100",
                     "PVMTRCOPT=3"):
            self.assertIn(f"\n{line}\n", first)
        self.assertNotIn("PVMX_PVM_TRACE", second)
        status, out, err = self.pvmx("setopt", "PvmRoute", "3")
        self.assertEqual((status, out), (0, "PvmRoute Changed from 1 to 3\n"))
        self.assertIn("same console", err)

    def test_choosing_events(self):
        def traced(text):
            return set(re.findall(r" \* (\w+)", text))

        shown = traced(self.ok("trace"))
        self.assertEqual(shown, {e["event"] for e in self.json("trace") if e["traced"]})
        self.assertLess({"spawn", "send", "recv", "exit"}, shown)
        self.assertEqual(len(self.json("trace")), 104)
        self.assertEqual(traced(self.session("trace + config tasks", "trace")),
                         shown | {"config", "tasks"})
        self.assertEqual(traced(self.session("trace - *", "trace")), set())
        self.assertEqual(len(traced(self.session("trace *", "trace"))), 104)
        self.assertEqual(traced(self.session("trace - *", "trace xpvm", "trace")), shown)
        self.assertEqual(self.session("trace buf", "trace buf 64", "trace buf", "trace opt time", "trace opt"),
                         "Trace Buffering set to 0 bytes\nTrace Buffering set to 64 bytes\n"
                         'Trace Options set to "time"\n')

    def test_traces_into_a_file(self):
        for name in ("hello.pvm", "hello_other"):
            (self.tmp / name).symlink_to(BUILD / "tests" / "bin" / "pvm_greeter")
        self.env["PVM_PATH"] = str(self.tmp)
        (tid,), job = self.spawn("-@file", "hello.pvm")

        def events(text):
            return [(m[1], int(m[2])) for m in re.finditer(r'^(?:\[T\d+:t\w+\] )?"(\w+)\(\S+\)" '
                                                           r"\{ \d+, \d+, (\d+)", text, re.M)]

        def ended(path):
            return [t for e, t in events((self.tmp / path).read_text()) if e == "endtask"]

        def written(path, tid):
            return [text for task, text in re.findall(r'"output\(0\)" { \d+, \d+, (\d+), \[\d+\] { "(.*)" } };;',
                                                      (self.tmp / path).read_text(errors="surrogateescape"))
                    if int(task) == int(tid[1:], 16)]

        self.wait_until(lambda: self.json("ps") == [], "the reader has gone with the last task")
        tasks = ended("file")
        self.assertEqual(len(tasks), 2, "it and what it has spawned")
        self.assertIn(int(tid[1:], 16), tasks)
        found = events((self.tmp / "file").read_text())
        for event in ("spawn", "recv", "mytid", "exit"):
            self.assertIn((event, int(tid[1:], 16)), found)
        lines = written("file", tid)
        self.assertEqual((lines[0], lines[-1]), ("CREATION", "GOTEOF"))
        self.assertIn("i'm " + tid, lines)
        self.assertIn("i'm " + tid, self.ok("logs", f"job:{job}"), "output is kept all the same")
        # Here, of chosen events alone; a program that tells nothing ends as well.
        here = events(self.session("trace - *", "trace + recv", "spawn -@ hello.pvm", "spawn -@other true",
                                  "wait 2", "wait 3"))
        self.assertEqual({e for e, _ in here} - {"host_add", "newtask", "output", "endtask"}, {"recv"})
        self.wait_until(lambda: self.json("ps") == [], "both readers have gone")
        self.assertEqual([e for e, _ in events((self.tmp / "other").read_text())],
                         ["host_add", "newtask", "output", "output"], "CREATION, GOTEOF")
        # Of several tasks, to a file, by both streams, which keep their order there; a long line is told in parts.
        tids, _ = self.spawn("-2", "-@other", "->out", "sh", "-c",
                             r"""echo '  a"b'; echo err >&2; printf %09000d 7; printf '\n\351\n'""")
        self.wait_until(lambda: self.json("ps") == [], "the reader has gone")
        for tid in tids:
            first, *lines, last = written("other", tid)
            self.assertEqual((first, *lines[:2], "".join(lines[2:-1]).count("0"), lines[-1], last),
                             ("CREATION", '  a"b', "err", 8999, "\udce9", "GOTEOF"))
        out = (self.tmp / "out").read_bytes()
        self.assertEqual((out.count(b'  a"b\n'), out.count(b"err\n"), len(out)), (2, 2, 2 * (6 + 4 + 9001 + 2)))

    def test_debugger_and_search_path(self):
        program = self.tmp / "bin" / "LINUX64" / "a program"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho ran with \"$@\"\n")
        program.chmod(0o755)
        self.env.update(PVM_PATH="/nosuch:$BASE/bin/$PVM_ARCH", BASE=str(self.tmp), PVM_DEBUGGER="echo")
        out = self.session("spawn -LINUX64 -> 'a program' one two", "wait 1", "spawn --host=127.0.0.1 -? -> 'a program' x",
                          "wait 2")
        self.assertIn("ran with one two\n", out)
        self.assertIn(f"{program} x\n", out)

    def test_working_directory(self):
        """Of the spawn, else of the host (wd=), else PVM_WD."""
        for name in ("wd", "own", "said"):
            (self.tmp / name).mkdir()
        self.env.update(PVM_WD="$BASE/wd", BASE=str(self.tmp))
        here = socket.gethostname()
        out = self.session(f"add -l fork 'other wd={self.tmp}/own'", f"spawn -{here} -> pwd", "wait 1",
                           "spawn -other -> pwd", "wait 2", "spawn -other:said -> pwd", "wait 3")
        self.assertEqual([line for line in out.splitlines() if line.startswith("/")],
                         [f"{self.tmp}/{name}" for name in ("wd", "own", "said")])
        self.env.update(PVM_WD="$BASE/missing")
        self.fails("missing", "spawn", f"-{here}", "pwd")


if __name__ == "__main__":
    unittest.main()
