# SPDX-License-Identifier: BSD-3-Clause
"""pvmx port: which functions of PVM a source uses, and what it says of them."""

import json
import random
import re
import unittest

from lab import BUILD, SOURCE, LabCase

PVMX = BUILD / "bin" / "pvmx"

C = r'''#include <pvm3.h>
/* pvm_send(1, 2) in a comment
   pvm_recv(1, 2) */
extern int pvm_nrecv();
extern char *pvm_version();
char *text = "pvm_kill(1) \" pvm_halt()", c = '"';
// pvm_probe(1, 2) \
   pvm_probe(1, 2)
#define SEND pvm_send
#if 0
int old = pvm_mytid();
#endif
int main(void)
{
    int x = pvm_mytid ( /* spaces */ ), n;
    struct ops o, *p = &o;
    o.pvm_kill(1), p->pvm_kill(1), my_pvm_kill(1), pvm_kill_all(1);
    return x + pvm_send
        (x,
         1) + (int)pvm_recv(-1, 1);
}
void f(void) { pvm_reduce(PvmMax, 0, 1, 2, 3, "g", 0); char a = '\''; pvm_exit(); }
char *unclosed = "
pvm_barrier("g", 2);'''

CXX = '''auto raw = R"x(pvm_kill(1); )" pvm_kill(2); )x", wide = LR"(pvm_kill(3))";
int million = 1'000'000; int one = pvm_mytid();
int two = ::pvm_parent(), three = it.pvm_parent();
'''

FIXED = """c     call pvmfsend(1, 2, info)
* call pvmfsend(1, 2, info)
      program x
      external PvmSum
      print *, 'don''t call pvmfkill(1)', "call pvmfkill(2)" ! call pvmfkill(3)
      CALL PVMFMYTID(tid)
      if (a .eq. 1) call pvmfrecv
     &  (tid, 1, buf)
      call pvmfreduce(PvmSum, x, 1, INTEGER4, 1, 'g', 0, info)
      end
"""

FREE = """program x
  call pvmfinitsend(PVMDEFAULT, info); call pvmfpack(INTEGER4, n, 1, 1, info)
  print *, 'a long text &
    & call pvmfkill(1, info)' ; call pvmfsend(tid, 1, info)
  z = thing%pvmfkill(1)
  c = pvm_send(1, 2)
end program
"""


class Port(LabCase):
    def put(self, name, text):
        path = self.tmp / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        return path

    def found(self, name, text):
        out = json.loads(self.check_program(PVMX, "port", "--json", self.put(name, text)))
        return [(r["line"], r["function"], r["use"]) for r in out]

    @staticmethod
    def table():
        """(names, verdict) of the description."""
        words = {"same": "one call", "other": "another way", "drop": "not needed", "keep": "keep"}
        for line in (SOURCE / "compat" / "pvm3" / "port.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                name, fortran, verdict, *_ = line.split("\t")
                yield name, [] if fortran == "-" else fortran.replace("(", "").replace(")", "").split(", "), words[verdict]

    def test_c(self):
        self.assertEqual(self.found("a.c", C), [
            (4, "pvm_nrecv", "declaration"), (5, "pvm_version", "declaration"), (9, "pvm_send", "name"),
            (11, "pvm_mytid", "call"), (15, "pvm_mytid", "call"), (18, "pvm_send", "call"),
            (20, "pvm_recv", "call"), (22, "pvm_reduce", "call"), (22, "PvmMax", "name"),
            (22, "pvm_exit", "call"), (24, "pvm_barrier", "call")])

    def test_cxx(self):
        wanted = [(2, "pvm_mytid", "call"), (3, "pvm_parent", "call")]
        for name in ("a.cc", "a.cpp", "a.C", "a.hpp"):
            self.assertEqual(self.found(name, CXX), wanted, name)

    def test_fortran(self):
        self.assertEqual(self.found("a.f", FIXED), [
            (4, "pvmsum", "name"), (6, "pvmfmytid", "call"), (7, "pvmfrecv", "call"),
            (9, "pvmfreduce", "call"), (9, "pvmsum", "name")])
        self.assertEqual(self.found("a.f90", FREE), [
            (2, "pvmfinitsend", "call"), (2, "pvmfpack", "call"), (4, "pvmfsend", "call")])
        self.assertIn("no Fortran interface of MPI", self.check_program(PVMX, "port", self.put("b.F", FIXED)))

    def test_every_function(self):
        """Each function of PVM is known, by both of its names, and nothing else is."""
        names = list(self.table())
        self.assertGreater(len(names), 150)
        for file, spelled in (("all.c", [(n, v) for n, f, v in names if n not in f]),
                              ("all.f", [(x, v) for _, f, v in names for x in f])):
            path = self.put(file, "".join(f"      call {n}(x)\n" for n, _ in spelled))
            out = json.loads(self.check_program(PVMX, "--json", "port", path))
            self.assertEqual([(r["line"], r["function"], r["verdict"]) for r in out],
                             [(i, n, v) for i, (n, v) in enumerate(spelled, 1)])
            for row in out:
                self.assertTrue(row["mpi"] or row["note"], row)
                self.assertFalse(row["note"].startswith("="), row)

    def test_for_people(self):
        path = self.put("a.c", C)
        none = self.put("none.c", "int main(void) { return 0; }\n")
        out = self.check_program(PVMX, "port", path, none)
        self.assertTrue(out.startswith(f"{path}\n  pvm_nrecv (line 4): another way, MPI_Improbe, MPI_Mrecv\n"), out)
        self.assertIn("\n  pvm_send (lines 9, 18): another way, MPI_Send, MPI_Isend\n      pvm_send never", out)
        twice = self.check_program(PVMX, "port", self.put("twice.c", "int x = pvm_mytid() + pvm_mytid();"))
        self.assertIn("  pvm_mytid (line 1): ", twice)
        self.assertRegex(twice, r"\n1 function in 2 places\n")
        self.assertIn(f"\n{none} uses no function of PVM\n", out)
        self.assertRegex(out, r"\n9 functions in 11 places\n +4  one call of MPI does it\n +5  MPI has another way\n\Z")
        self.assertLessEqual(max(len(line) for line in out.splitlines()), 90)

    def test_what_cannot_be_read(self):
        path = self.put("a.c", "int x = pvm_mytid();\n")
        status, out, err = self.run_program(PVMX, "port", "nowhere.c", self.tmp, path)
        self.assertEqual(status, 1)
        self.assertRegex(err, r"\Apvmx: port: cannot read nowhere.c: No such file or directory\n"
                              r"pvmx: port: cannot read \S+: Is a directory\n\Z")
        self.assertIn("pvm_mytid (line 1)", out, "the others are looked at")
        status, out, err = self.run_program(PVMX, "--json", "port", "nowhere.c")
        self.assertEqual((status, json.loads(out)), (1, []))
        status, out, err = self.run_program(PVMX, "port")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("usage: port FILE...", err)

    def test_anything(self):
        """Pieces of sources and noise are read to their end, in every form."""
        random.seed(11)
        files = []
        for i in range(60):
            whole = [C, CXX, FIXED, FREE][i % 4].encode()
            begin = random.randrange(len(whole))
            piece = whole[begin:random.randrange(begin, len(whole))]
            noise = bytes(random.choice(b"\"'/*\\\n R(!&.0ap\0") for _ in range(300))
            for ending in ("c", "cc", "f", "f90"):
                files.append(self.put(f"{i}.{ending}", piece + noise * (i % 2) + piece))
        files += [self.put("empty.c", ""), self.put("big.c", "int x = pvm_mytid();\n" * 200000)]
        out = self.check_program(PVMX, "port", "--json", *files)
        self.assertEqual(sum(r["file"].endswith("big.c") for r in json.loads(out)), 200000)

    def test_own_programs(self):
        """Of the steps of examples/porting each calls PVM in fewer places, the last one nowhere."""
        steps = []
        for folder in sorted((SOURCE / "examples" / "porting").glob("step*")):
            out = json.loads(self.check_program(PVMX, "--json", "port", folder / "worker.c"))
            steps.append(len(out))
        self.assertEqual(len(steps), 5)
        self.assertEqual(steps, sorted(set(steps), reverse=True))
        self.assertEqual(steps[-1], 0)
        guide = (SOURCE / "docs" / "porting-from-pvm.md").read_text()
        shown = guide.split("    $ pvmx port step1_pvm/master.c step1_pvm/worker.c\n")[1].split("\n\n")[0].splitlines()
        out = self.check_program(PVMX, "port", "step1_pvm/master.c", "step1_pvm/worker.c",
                                 cwd=SOURCE / "examples" / "porting").splitlines()
        self.assertEqual({line[4:] for line in shown} - {"..."} - set(out), set(), "the guide shows what is printed")
        self.assertEqual(re.findall(r"\| \[\d\]\(\S+step\S+\) \| [^|]+ \| (\d+) \|", guide), [str(n) for n in steps])
        self.assertRegex(self.check_program(PVMX, "help", "port"), re.compile("port FILE.*verdict", re.S))


if __name__ == "__main__":
    unittest.main()
