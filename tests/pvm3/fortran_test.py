# SPDX-License-Identifier: BSD-3-Clause
"""A Fortran program with our header and libraries, static and shared: texts, numbers, groups, lists."""

import shutil
import unittest

from lab import BUILD, SOURCE, LabCase

PROGRAM = """
      program ftest
      implicit none
      include 'fpvm3.h'
      integer mytid, parent, tids(2), numt, info, buf, i, bytes
      integer tag, src
      integer nhost, narch, dtid, speed, ints(3), inst, total(1)
      double precision reals(4)
      character*20 text
      character*40 hname, arch
      external PvmSum
      call pvmfmytid(mytid)
      call pvmfparent(parent)
      if (parent .eq. PvmNoParent) then
        call pvmfconfig(nhost, narch, dtid, hname, arch, speed, info)
        if (nhost .ne. 1 .or. arch .ne. 'LINUX64') stop 1
        call pvmfjoingroup('fortran', inst)
        if (inst .ne. 0) stop 2
        call pvmfspawn('SELF', PVMDEFAULT, '*', 2, tids, numt)
        if (numt .ne. 2) stop 3
        do i = 1, 2
          call pvmfinitsend(PVMDATADEFAULT, buf)
          call pvmfpack(STRING, 'hello fortran', 13, 1, info)
          ints(1) = i
          ints(2) = 20
          ints(3) = 30
          call pvmfpack(INTEGER4, ints, 3, 1, info)
          reals(1) = 1.5d0
          reals(3) = 2.5d0
          call pvmfpack(REAL8, reals, 2, 2, info)
          call pvmfsend(tids(i), 7, info)
          if (info .ne. 0) stop 4
        end do
      else
        call pvmfrecv(parent, 7, buf)
        call pvmfbufinfo(buf, bytes, tag, src, info)
        if (tag .ne. 7 .or. src .ne. parent) stop 5
        if (bytes .ne. 16 + 12 + 16) stop 11
        text = ' '
        call pvmfunpack(STRING, text, 13, 1, info)
        if (text .ne. 'hello fortran') stop 6
        call pvmfunpack(INTEGER4, ints, 3, 1, info)
        call pvmfunpack(REAL8, reals, 2, 1, info)
        if (reals(2) .ne. 2.5d0) stop 7
        call pvmfjoingroup('fortran', inst)
      end if
      call pvmfbarrier('fortran', 3, info)
      if (info .ne. 0) stop 8
      total(1) = inst + 1
      call pvmfreduce(PvmSum, total, 1, INTEGER4, 9, 'fortran', 0, info)
      if (info .ne. 0) stop 9
      if (inst .eq. 0 .and. total(1) .ne. 6) stop 10
      call pvmfbarrier('fortran', 3, info)
      if (parent .eq. PvmNoParent) print *, 'all is well', PvmDupEntry
      call pvmfexit(info)
      end
"""


class Fortran(LabCase):
    def setUp(self):
        if not shutil.which("gfortran"):
            self.skipTest("gfortran is not installed")
        super().setUp()

    def build(self, name, text, *libraries):
        program = self.tmp / name
        source = self.tmp / f"{name}.f"
        source.write_text(text)
        flags = self.check_program(BUILD / "bin" / "mpicc", "-showme:compile").split()
        flags = [f for f in flags if f.startswith("-fsanitize")]
        self.check_program("gfortran", "-fallow-argument-mismatch", *flags, "-I", BUILD / "include", "-o", program,
                           source, "-L", BUILD / "lib", *libraries, "-lgpvm3", "-lpvm3", f"-Wl,-rpath,{BUILD / 'lib'}",
                           f"-Wl,-rpath-link,{BUILD / 'lib'}")
        return program

    def test_fortran(self):
        for name, library in (("fstatic", BUILD / "lib" / "libfpvm3.a"), ("fshared", "-lfpvm3")):
            self.assertIn("all is well", self.check_program(self.build(name, PROGRAM.replace("SELF", name), library)))

    def test_every_routine(self):
        text = (SOURCE / "tests" / "pvm3" / "fortran_calls.f").read_text()
        names = self.check_program("nm", "-D", "--defined-only", BUILD / "lib" / "libfpvm3.so.3").split()
        routines = {n[:-1] for n in names if n.startswith("pvmf")}
        self.assertGreater(len(routines), 55)
        self.assertEqual({r for r in routines if r not in text}, {"pvmfhalt"}, "all but the one that ends the caller")
        for library in (BUILD / "lib" / "libfpvm3.a", "-lfpvm3"):
            self.assertIn("every routine answers", self.check_program(self.build("calls", text, library)))


if __name__ == "__main__":
    unittest.main()
