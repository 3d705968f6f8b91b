# SPDX-License-Identifier: BSD-3-Clause
"""What the table of commands says of them holds: JSON, help, manual pages, completion."""

import json
import os
import re
import subprocess
import unittest

from hostcase import PVMX, ThreeHosts
from lab import BUILD
from terminal import TAB, Terminal

KILL_LINE = "\x15"

SHARE = BUILD / "share"

# A command line for each command that has JSON. job, tid, last: of tasks that the test has started, the
# last of them alone.
RUNS = {
    "add": "add north:1", "attach": "attach {ended}", "clean": "clean", "conf": "conf",
    "delete": "delete north", "doctor": "doctor", "events": "events", "getopt": "getopt", "help": "help",
    "hosts": "hosts", "id": "id", "jobs": "jobs", "kill": "kill {last}", "limit": "limit test elapsed>=0",
    "logs": "logs {ended}",
    "mstat": "mstat east nohost", "names": "names", "port": "port old.c", "ports": "ports", "ps": "ps",
    "pstat": "pstat {tid} t4fff", "reset": "reset", "settings": "settings", "sig": "sig CONT {tid}",
    "spawn": "spawn -2 sleep 600", "top": "top", "trace": "trace", "version": "version", "wait": "wait {ended}",
}
# In this order: what others need comes first.
ORDER = ("spawn add port help version id conf hosts mstat jobs ps pstat top names ports settings limit getopt trace logs "
         "attach events wait doctor sig kill delete reset clean").split()

SERVER = r"""
#include <mpi.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Init(&argc, &argv);
    MPI_Open_port(MPI_INFO_NULL, port);
    MPI_Publish_name("the server", MPI_INFO_NULL, port);
    pause();
}
"""


class Described(ThreeHosts):
    def schema(self):
        return {c["command"]: c for c in self.json("help")}

    def in_the_end(self, look, wanted):
        """Who completes a word does not wait for a daemon that is slow: then a key is pressed again."""
        seen = []
        self.wait_until(lambda: seen.append(look()) or seen[-1] == wanted, lambda: f"{wanted}, but {seen[-1]}")

    def check_object(self, entry, schema):
        fields = {f["name"]: f for f in schema["fields"]}
        self.assertEqual(list(entry), list(fields))
        for name, value in entry.items():
            kind = {"string": str, "number": (int, float), "list": list}[fields[name]["type"]]
            if value is None:
                self.assertTrue(fields[name]["null"], name)
            else:
                self.assertIsInstance(value, kind, name)
                self.assertNotIsInstance(value, bool, name)

    def check_output(self, out, schema):
        """The objects that a command has written, each as the schema says."""
        form = schema["form"]
        entries = json.loads(out) if form == "array" else [json.loads(line) for line in out.splitlines()]
        if form == "object":
            self.assertEqual(len(entries), 1)
        for entry in entries:
            self.check_object(entry, schema)
        return entries

    def test_json_of_every_command(self):
        self.three_hosts()
        schema = self.schema()
        self.assertEqual({n for n, c in schema.items() if c["form"] != "none"}, set(RUNS))
        self.assertEqual(set(ORDER), set(RUNS))
        (self.tmp / "old.c").write_text("int main(void) { return pvm_mytid() > 0; }\n")
        self.spawn(self.compile("server", SERVER))
        self.wait_until(lambda: self.json("names"), "the server has published")
        tids, _ = self.spawn("-2", "-east", "sleep", "600")
        _, ended = self.spawn("-4", "sh", "-c", "echo out; echo err >&2; exit 3")
        self.pvmx("wait", f"job:{ended}")
        for name in ORDER:
            with self.subTest(command=name):
                words = RUNS[name].format(tid=tids[0], last=tids[1], ended=f"job:{ended}").split()
                status, out, err = self.pvmx("--json", *words)
                self.assertIn(status, (0, 1, 3), err)
                self.assertTrue(self.check_output(out, schema[name]), f"{name} says something")
                # As an option of its own it means the same.
                if name not in ("add", "kill", "delete", "spawn"):
                    again = self.pvmx(words[0], "--json", *words[1:])[1]
                    self.check_output(again, schema[name])

    def test_schema_is_complete(self):
        for c in self.schema().values():
            self.assertIn(c["form"], ("array", "lines", "object", "none"))
            self.assertEqual(c["form"] == "none", c["fields"] == [])
            for f in c["fields"]:
                self.assertTrue(f["help"])
                self.assertEqual(f["unit"], {"_ms": "ms", "_kb": "KiB"}.get(f["name"][-3:], ""))

    def test_help_and_manual_pages(self):
        names = self.ok("help", "-n").split()
        self.assertEqual(names, sorted(names))
        schema = self.schema()
        self.assertEqual(names, list(schema))
        for name in names:
            with self.subTest(command=name):
                text = self.ok(name, "--help")
                self.assertTrue(text.startswith(name))
                self.assertEqual(text, self.ok("help", name))
                self.assertLessEqual(max(map(len, text.splitlines())), 80)
                page = SHARE / "man" / "man1" / f"pvmx-{name}.1"
                self.assertEqual(page.read_text(), self.ok("help", "-m", name))
                # groff finds nothing wrong, and the page says what help says.
                shown = subprocess.run(["man", "--warnings", "-P", "cat", "-E", "UTF-8", "-l", page],
                                       env=dict(self.env, MANWIDTH="500", MAN_KEEP_FORMATTING=""),
                                       capture_output=True, text=True, check=True)
                self.assertEqual(shown.stderr, "")
                flat = re.sub(r"\s+", " ", re.sub(r".\x08", "", shown.stdout))
                self.assertIn(schema[name]["summary"], flat)
                for f in schema[name]["fields"]:
                    self.assertIn(f"{f['name']} ({f['type']}) {f['help'].split()[0]}", flat)
        self.assertFalse({p.name for p in (SHARE / "man" / "man1").glob("pvmx-*.1")} -
                         {f"pvmx-{n}.1" for n in names})

    def test_what_words_may_become(self):
        self.three_hosts()
        tids, job = self.spawn("-3", "sleep", "600")
        choices = lambda *words: self.ok("help", "-c", "--", *words).split()
        self.in_the_end(lambda: choices("kill", "t"), tids)
        self.in_the_end(lambda: choices("wait", "job"), [f"job:{job}"])
        self.in_the_end(lambda: choices("ps", "host:e"), ["host:east"])
        self.in_the_end(lambda: choices("spawn", "-w"), ["-west"])
        self.assertEqual(choices("top", "-"), ["--json", "-d", "-s", "--help"])
        self.assertEqual(choices("sig", "USR"), ["USR1", "USR2"])
        self.assertEqual(choices("he"), ["help"])
        self.assertEqual(choices("setopt", "PvmR"), ["PvmRoute", "PvmResvTids"])
        self.assertEqual(choices("trace", "-", "barr"), ["barrier"])
        self.in_the_end(lambda: choices("ps", "-n", "e"), ["east"])
        self.assertEqual(choices("nosuch", ""), [])

    def test_words_of_limit(self):
        self.begin()
        (rule,) = self.json("limit", "add", "cpu", ">", "1h", "and", "not", "elapsed < 5", "report")
        self.assertEqual(rule["expression"], "cpu > 1h and not elapsed < 5")
        choices = lambda *words: self.ok("help", "-c", "--", "limit", *words).splitlines()
        self.assertEqual(choices("")[:4], ["add", "del", "list", "test"])
        self.in_the_end(lambda: choices("del", "")[:1], [str(rule["rule"])])
        self.assertEqual(choices("add", "comm"), ["command"])
        self.assertEqual(choices("add", "name", "")[:4], ["=~", "!~", "=", "!="])
        self.assertIn(">=", choices("add", "name =~ /a b/ and (cpu", ">"))
        self.assertEqual(choices("add", "name = \"a and b\" a"), ["name = \"a and b\" and"])
        self.assertEqual(choices("add", "cpu > 3", "re"), ["report", "refuse"])
        self.assertEqual(choices("test", "vm.tasks > 3", "re"), ["refuse"])
        self.assertEqual(choices("add", "'name =~ /x/ and (not job.t"), ["name =~ /x/ and (not job.tasks"])
        self.assertEqual(choices("add", "cpu > "), [])
        self.assertIn("/bin/sh", choices("test", "vm.tasks > 3", "refuse", "/bin/s"))
        # What is offered as a field is all that the daemon knows.
        known = self.pvmx("limit", "test", "nosuch > 1")[2].split("one of ")[1].split(";")[0].split(", ")
        self.assertEqual(sorted(c for c in choices("add", "") if c not in ("not", "--json", "--help")),
                         sorted(known))

    def test_completion_in_bash(self):
        self.three_hosts()
        tids, job = self.spawn("-3", "sleep", "600")

        def complete(*words):
            script = (f"source {SHARE}/bash-completion/completions/pvmx; COMP_WORDS=(\"$@\"); "
                      "COMP_CWORD=$(($# - 1)); _pvmx; printf '%s\\n' \"${COMPREPLY[@]}\"")
            return self.check_program("bash", "-c", script, "bash", PVMX, *words).split()

        self.assertEqual(complete("ev"), ["events"])
        self.assertIn("--vm", complete("-"))
        self.in_the_end(lambda: complete("kill", "t"), tids)
        self.in_the_end(lambda: complete("--json", "wait", "job:"), [f"job:{job}"])
        self.assertEqual(complete("--vm", "nosuch", "kill", "t"), [])
        self.in_the_end(lambda: complete("--vm", self.vm, "delete", ""), [self.here, "east", "west"])
        self.assertIn("bash", complete("spawn", "bas"))
        self.assertEqual(complete("limit", "te"), ["test"])
        # In a quote that is still open, as a person meets it.
        t = Terminal(self, "bash", "--norc", "-i")
        t.line(f"PS1='% '; source {SHARE}/bash-completion/completions/pvmx; PATH={PVMX.parent}:$PATH; echo rea''dy")
        t.expect(r"\rready")
        t.send("pvmx limit test 'name =~ /sleep/ and comm" + TAB)
        t.expect("command' ")  # readline closes the quote
        t.line("")
        t.expect("rule")
        t.expect("at its end")
        t.line("exit")
        t.finish()

    def test_completion_in_zsh(self):
        self.three_hosts()
        (tid,), _ = self.spawn("sleep", "600")
        self.env.update(PATH=f"{PVMX.parent}:{os.environ['PATH']}", ZDOTDIR=str(self.tmp))
        t = Terminal(self, "zsh", "-f", "-i")
        t.line(f"PS1='% '; fpath=({SHARE}/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; "
               "print ready")
        t.expect("\nready")
        t.send("pvmx eve" + TAB)
        t.expect("nts")
        t.send(KILL_LINE)
        t.send("pvmx kill t" + TAB)
        while t.expect(rf"\x07|{tid[1:]}")[0] == "\x07":  # the daemons have not answered soon enough
            t.send(TAB)
        t.send(KILL_LINE)
        t.send("pvmx limit test 'vm.t" + TAB)
        t.expect("asks")
        t.send(KILL_LINE)
        t.send("pvmx s" + TAB)
        t.expect("sig +-- send a signal to tasks")
        t.send(KILL_LINE)
        t.line("exit")
        t.finish()

    def test_progress_of_add_and_delete(self):
        self.env["PVMX_DAEMON_ADD_PARALLEL"] = "2"
        self.env["NO_COLOR"] = "1"
        self.begin()
        names = [f"h{i}" for i in range(6)]
        for command, words in (("add", "hosts are up"), ("delete", "hosts are gone")):
            t = Terminal(self, PVMX, command, *names)
            t.expect(rf"\r0 of 6 {words}")
            if command == "add":  # two at a time; all end at once
                t.expect(rf"\r[1-5] of 6 {words}")
            t.expect(r"\r\x1b\[K")
            t.expect(r"h5 +\d+ +PVMX_OK")
            self.assertEqual(t.finish(), 0)
        out = self.ok("add", *names)
        self.assertNotIn(" of 6 ", out, "nobody sees it")

    def test_progress_of_spawn(self):
        self.three_hosts()
        east = self.daemon_of("east")
        self.kill(east, 19)  # SIGSTOP: so that there is time to see it
        try:
            t = Terminal(self, PVMX, "spawn", "-90", "sleep", "600")
            t.expect(r"\r\d+ of 90 tasks are started")
        finally:
            self.kill(east, 18)
        t.expect(r"\[1\] 90 successful")
        self.assertEqual(t.finish(), 0)
        # Many at once, at their own speed; refused as before.
        t = Terminal(self, PVMX, "spawn", "-500", "true")
        t.expect(r"500 successful")
        self.assertEqual(t.finish(), 0)
        t = Terminal(self, PVMX, "spawn", "-500", "nosuch")
        t.expect(r"cannot start 'nosuch'")
        self.assertEqual(t.finish(), 1)


if __name__ == "__main__":
    unittest.main()
