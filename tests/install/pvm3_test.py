# SPDX-License-Identifier: BSD-3-Clause
"""PVM programs are built as PVM's users build them: with aimk and a Makefile.aimk, by PVM_ROOT and PVM_ARCH, with
pkg-config, with CMake; in the build tree and in an installed tree that has been moved."""

import os
import shlex
import shutil
import subprocess
import unittest

from lab import BUILD, SANITIZED, SOURCE, LabCase

HELLO = r"""
#include <stdio.h>
#ifdef HASSTDLIB
#include <stdlib.h>
#endif
#include "pvm3.h"

main(argc, argv)
int argc;
char **argv;
{
    int tid, cc, inum;
    char text[100];
    cc = pvm_parent();
    inum = pvm_joingroup("hello");
    if (cc == PvmNoParent) {
        if (pvm_spawn("hello", (char **)0, 0, "", 1, &tid) != 1) {
            printf("can't start hello\n");
            exit(1);
        }
        cc = pvm_recv(tid, 1);
        pvm_upkstr(text);
        printf("%s from task %d of %d\n", text, pvm_getinst("hello", tid), pvm_gsize("hello"));
    } else {
        strcpy(text, "hello, world");
        pvm_initsend(PvmDataDefault);
        pvm_pkstr(text);
        pvm_send(cc, 1);
    }
    pvm_barrier("hello", 2);
    pvm_exit();
    exit(0);
}
"""

FHELLO = """
      program fhello
      include 'fpvm3.h'
      integer tid, parent, info, numt, n
      call pvmfparent(parent)
      if (parent .eq. PvmNoParent) then
        call pvmfspawn('fhello', PVMDEFAULT, '*', 1, tid, numt)
        if (numt .ne. 1) stop 1
        call pvmfrecv(tid, 1, info)
        call pvmfunpack(INTEGER4, n, 1, 1, info)
        print *, 'fortran says', n
      else
        n = 42
        call pvmfinitsend(PVMDEFAULT, info)
        call pvmfpack(INTEGER4, n, 1, 1, info)
        call pvmfsend(parent, 1, info)
      endif
      call pvmfexit(info)
      end
"""

# As in PVM's own documentation: SDIR, BDIR and XDIR, binaries moved to $HOME/pvm3/bin.
MAKEFILE = """
SDIR    =  ..
BDIR    =  $(HOME)/pvm3/bin
XDIR    =  $(BDIR)/$(PVM_ARCH)
CFLAGS  =  -g $(ARCHCFLAGS) -I$(PVM_ROOT)/include
FFLAGS  =  -g $(ARCHFFLAGS) -I$(PVM_ROOT)/include
LDIR    =  -L$(PVM_ROOT)/lib/$(PVM_ARCH)
LIBS    =  -lgpvm3 -lpvm3 $(ARCHLIB)
AFILES  =  $(PVM_ROOT)/lib/$(PVM_ARCH)/libgpvm3.a $(PVM_ROOT)/lib/$(PVM_ARCH)/libpvm3.a

default: hello

$(XDIR):
\t- mkdir -p $(XDIR)

hello: $(SDIR)/hello.c $(XDIR)
\t$(CC) $(CFLAGS) -o $@ $(SDIR)/hello.c $(LDIR) $(LIBS)
\tmv $@ $(XDIR)

by-file: $(SDIR)/hello.c $(XDIR)
\t$(CC) $(CFLAGS) -o hello $(SDIR)/hello.c $(AFILES) $(ARCHLIB)
\tmv hello $(XDIR)

fhello: $(SDIR)/fhello.f $(XDIR)
\t$(FC) $(FFLAGS) -o $@ $(SDIR)/fhello.f $(LDIR) -lfpvm3 $(LIBS)
\tmv $@ $(XDIR)
"""


class Pvm3(LabCase):
    def setUp(self):
        super().setUp()
        for name in ("PVM_ROOT", "PVM_ARCH", "PVM_PATH", "CC", "FC", "F77", "MAKEFLAGS"):
            self.env.pop(name, None)
        self.env["HOME"] = str(self.tmp)
        self.project = self.tmp / "project"
        self.project.mkdir()
        for name, text in (("hello.c", HELLO), ("fhello.f", FHELLO), ("Makefile.aimk", MAKEFILE)):
            (self.project / name).write_text(text)
        self.built = self.tmp / "pvm3" / "bin" / "LINUX64"

    def installed(self):
        """Installs somewhere, then moves it: only the new place exists."""
        first, moved = self.tmp / "first", self.tmp / "moved"
        self.check_program("cmake", "--install", BUILD, "--prefix", first)
        os.rename(first, moved)
        return moved

    def check_hello(self, program):
        self.assertRegex(self.check_program(program, cwd=self.tmp), r"^hello, world from task \d of 2\n$")

    def aimk(self, prefix, *args, **more):
        return self.check_program(prefix / "pvm3" / "lib" / "aimk", *args, cwd=self.project, **more)

    def test_aimk_in_place(self):
        self.assertIn("making in LINUX64/ for LINUX64\n", self.aimk(BUILD))
        self.check_hello(self.built / "hello")
        (self.built / "hello").unlink()
        self.env.update(PVM_ROOT=str(BUILD / "pvm3"), PATH=f"{BUILD}/bin:{self.env['PATH']}")
        self.check_program("aimk", "by-file", cwd=self.project)
        self.check_hello(self.built / "hello")

    def test_aimk_after_move(self):
        prefix = self.installed()
        self.aimk(prefix)
        self.check_hello(self.built / "hello")
        found = self.check_program("ldd", self.built / "hello")
        self.assertIn(f"{prefix}/pvm3/lib/LINUX64/libpvm3.so.3", found)
        (self.built / "hello").unlink()
        self.aimk(prefix, "CC=cc", "by-file")
        self.check_hello(self.built / "hello")
        for name in ("include/pvm3.h", "include/fpvm3.h", "include/pvmtev.h", "lib/pvmgetarch", "conf/LINUX64.def",
                     "bin/LINUX64", *(f"lib/LINUX64/lib{x}" for x in ("pvm3.so", "pvm3.so.3", "gpvm3.so", "fpvm3.a"))):
            self.assertTrue((prefix / "pvm3" / name).exists(), name)

    def test_aimk_fortran(self):
        if not shutil.which("gfortran"):
            self.skipTest("gfortran is not installed")
        prefix = BUILD if SANITIZED else self.installed()
        self.aimk(prefix, "fhello")
        self.assertRegex(self.check_program(self.built / "fhello"), r"fortran says +42\n")

    def test_which_makefile(self):
        """A folder's own makefile goes first, then Makefile.aimk, then what is here; -here skips both."""
        show = "all:\n\t@echo $(notdir $(CURDIR)) $(PVM_ARCH) $(X) $(words $(MAKEFILE_LIST))\n"
        (self.project / "Makefile.aimk").write_text(show)
        (self.project / "Makefile").write_text(show)

        def made(*args, **more):
            return self.aimk(BUILD, *args, **more).splitlines()[-1]

        self.assertEqual(made("X=a b"), "LINUX64 LINUX64 a b 2")
        self.assertEqual(made("-here", "X=c"), "project LINUX64 c 1")
        (self.project / "LINUX64" / "makefile").write_text(show)
        self.assertEqual(made("-s", "X=d"), "LINUX64 LINUX64 d 1")
        shutil.rmtree(self.project / "LINUX64")
        (self.project / "Makefile.aimk").unlink()
        self.assertEqual(made("X=e"), "project LINUX64 e 1")
        self.assertEqual(made(env=dict(self.env, PVM_ARCH="SUN4")), "project SUN4 1")

    def test_aimk_errors(self):
        aimk = BUILD / "bin" / "aimk"
        (self.project / "Makefile.aimk").write_text("all:\n\t@exit 7\n")
        for env, status, words in ((dict(PVM_ARCH="SUN4"), 1, f"aimk: no definitions for SUN4: {BUILD}/pvm3/conf/SUN4.def"),
                                   (dict(PVM_ROOT="/nowhere"), 1, "aimk: PVM_ROOT is /nowhere, which is no folder"),
                                   (dict(PVM_ROOT=str(self.tmp)), 1, "aimk: PVM_ARCH is not set, and there is no"), ({}, 2, "Error 7")):
            got, _, err = self.run_program(aimk, cwd=self.project, env=dict(self.env, **env))
            self.assertEqual(got, status, env)
            self.assertIn(words, err)
        tools = self.tmp / "tools"
        tools.mkdir()
        for tool in ("readlink", "uname", "getconf", "mkdir", "sh"):
            (tools / tool).symlink_to(shutil.which(tool))
        got, _, err = self.run_program(aimk, cwd=self.project, env=dict(self.env, PATH=str(tools)))
        self.assertEqual((got, err), (1, "aimk: there is no make in PATH\n"))

    def test_pvmgetarch(self):
        """What the library says, the script says."""
        program = self.compile("arch", """
            #include <pvm3.h>
            #include <stdio.h>
            int main(void)
            {
                struct pvmhostinfo *h;
                pvm_config(NULL, NULL, &h);
                puts(h->hi_arch);
                return pvm_exit();
            }
        """, "-lpvm3")
        wanted = self.check_program(program)
        self.assertEqual(self.check_program(BUILD / "bin" / "pvmgetarch"), wanted)
        self.assertEqual(self.check_program(BUILD / "pvm3" / "lib" / "pvmgetarch"), wanted)

    def test_pkg_config(self):
        prefix = self.installed()
        env = dict(self.env, PKG_CONFIG_PATH=str(prefix / "lib" / "pkgconfig"))
        for module in ("pvm3", "gpvm3", "fpvm3"):
            self.assertEqual(self.check_program("pkg-config", "--modversion", module, env=env), "3.4.6\n")
        flags = shlex.split(self.check_program("pkg-config", "--cflags", "--libs", "gpvm3", env=env))
        self.check_program("cc", "-DHASSTDLIB", "-w", "-o", "hello", self.project / "hello.c", *flags)
        self.check_hello(self.tmp / "hello")
        if shutil.which("gfortran"):
            flags = shlex.split(self.check_program("pkg-config", "--cflags", "--libs", "fpvm3", env=env))
            self.check_program("gfortran", "-std=legacy", "-o", "fhello", self.project / "fhello.f", *flags)
            self.assertIn("42", self.check_program(self.tmp / "fhello"))

    def test_headers_without_warnings(self):
        text = '#include <stdio.h>\n#include <pvm3.h>\n#include <pvmtev.h>\n#include <pvmproto.h>\n' \
               'int main(void) { return pvm_spawn("x", 0, 0, "", 1, 0) + pvm_catchout(stdout); }\n'
        for compiler, name, standards in (("gcc", "a.c", ("gnu89", "c99", "c11", "gnu17")),
                                          ("g++", "a.cpp", ("c++98", "c++17", "c++20"))):
            if not shutil.which(compiler):
                continue
            (self.tmp / name).write_text(text)
            for standard in standards:
                self.check_program(compiler, "-Wall", "-Wextra", "-Werror", f"-std={standard}", "-c", name, "-o", "a.o",
                                   "-I", BUILD / "pvm3" / "include")

    def test_readme(self):
        """The commands of the README's section, in its order."""
        text = (SOURCE / "README.md").read_text().split("## Run your PVM program")[1].split("\n## ")[0]
        commands = [line[6:] for line in text.splitlines() if line.startswith("    $ ") and "master1" not in line]
        self.assertEqual(len(commands), 5)
        if not shutil.which("gfortran"):
            commands = [c for c in commands if "gfortran" not in c]
        flags = self.check_program(BUILD / "bin" / "mpicc", "-showme:compile").split()
        flags = " ".join(f for f in flags if f.startswith("-fsanitize"))
        script = "\n".join(c.replace("cc -o", f"cc {flags} -w -DHASSTDLIB -o").replace("gfortran ", f"gfortran {flags} ")
                           for c in commands)
        (self.project / "build").symlink_to(BUILD)
        out = self.check_program("sh", "-e", "-c", script, cwd=self.project)
        self.assertEqual(out.count("hello, world from task"), 2, out)
        self.assertEqual(out.count("fortran says"), "gfortran" in script, out)

    def test_example_alone(self):
        """examples/porting outside this project: by CMake against an installed tree, and as its page says."""
        prefix, build, source = self.installed(), self.tmp / "b", SOURCE / "examples" / "porting"
        self.check_program("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
        self.check_program("cmake", "--build", build)
        results = {self.check_program(build / f"master{i}", "-n", "20") for i in range(1, 6)}
        self.assertEqual(len(results), 1)
        shutil.copytree(source, self.tmp / "own")
        commands = [line for line in (source / "README.md").read_text().splitlines() if line.startswith(("    cc ", "    mpicc "))]
        self.assertEqual(len(commands), 2)
        env = dict(self.env, PATH=f"{prefix}/bin:{self.env['PATH']}", PKG_CONFIG_PATH=f"{prefix}/lib/pkgconfig")
        for command in commands:
            subprocess.run(command, shell=True, cwd=self.tmp / "own", env=env, check=True)
        self.assertEqual(self.check_program(self.tmp / "own" / "master2", "-n", "20"), results.pop())


if __name__ == "__main__":
    unittest.main()
