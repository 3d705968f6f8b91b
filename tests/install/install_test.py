# SPDX-License-Identifier: BSD-3-Clause
"""Compiling and linking against PVMX in the build tree, after an install, and after the installed tree
has been moved: with the wrappers, pkg-config and CMake."""

import os
import shlex
import subprocess
import unittest

from lab import BUILD, SOURCE, LabCase

# Grows by two processes and says how many there are; as C and as C++.
GROW = """
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    MPI_Comm parent, inter, all;
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_get_parent(&parent);
    if (parent == MPI_COMM_NULL)
        MPI_Comm_spawn(argv[0], MPI_ARGV_NULL, 2, MPI_INFO_NULL, 0, MPI_COMM_SELF, &inter,
                       MPI_ERRCODES_IGNORE);
    else
        inter = parent;
    MPI_Intercomm_merge(inter, parent != MPI_COMM_NULL, &all);
    MPI_Comm_size(all, &size);
    MPI_Barrier(all);
    if (parent == MPI_COMM_NULL)
        printf("we are %d\\n", size);
    MPI_Comm_free(&all);
    MPI_Comm_disconnect(&inter);
    MPI_Finalize();
    return 0;
}
"""

FIND = {
    "MPI": "find_package(MPI REQUIRED COMPONENTS C)\nset(lib MPI::MPI_C)\n",
    "PVMX": "find_package(PVMX 0.1 REQUIRED)\nset(lib PVMX::mpi)\n",
}


class Install(LabCase):
    def setUp(self):
        super().setUp()
        self.source = self.tmp / "grow.c"
        self.source.write_text(GROW)

    def installed(self, name="moved"):
        """Installs somewhere, then moves it: only the new place exists."""
        first, moved = self.tmp / "first", self.tmp / name
        self.check_program("cmake", "--install", BUILD, "--prefix", first)
        os.rename(first, moved)
        return moved

    def check_grows(self, program):
        self.assertEqual(self.check_program(program), "we are 3\n")

    def compile_with(self, wrapper, source=None):
        out = self.tmp / "grow"
        self.check_program(wrapper, "-Wall", "-Werror", "-o", out, source or self.source)
        self.check_grows(out)

    def build_project(self, package, *options, env=None):
        project, build = self.tmp / "project", self.tmp / "project-build"
        project.mkdir()
        (project / "grow.c").write_text(GROW)
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.20)\nproject(grow C)\n" + FIND[package] +
            "add_executable(grow grow.c)\ntarget_link_libraries(grow PRIVATE ${lib})\n")
        env = env or self.env
        # FindMPI takes paths and libraries from the wrapper, not the sanitizers of such a build.
        flags = self.check_program(BUILD / "bin" / "mpicc", "-showme:compile").split()
        flags = " ".join(f for f in flags if f.startswith("-fsanitize"))
        self.check_program("cmake", "-S", project, "-B", build, f"-DCMAKE_C_FLAGS={flags}", *options,
                           env=env)
        self.check_program("cmake", "--build", build, env=env)
        self.check_grows(build / "grow")
        return (build / "CMakeCache.txt").read_text()

    def test_mpicc_in_place(self):
        self.compile_with(BUILD / "bin" / "mpicc")

    def test_mpicc_after_move(self):
        self.compile_with(self.installed() / "bin" / "mpicc")

    def test_mpicc_through_a_link(self):
        link = self.tmp / "cc-link"
        link.symlink_to(self.installed() / "bin" / "mpicc")
        self.compile_with(link)

    def test_mpicxx_after_move(self):
        source = self.tmp / "grow.cpp"
        source.write_text(GROW)
        bin_dir = self.installed() / "bin"
        self.compile_with(bin_dir / "mpicxx", source)
        self.compile_with(bin_dir / "mpic++", source)

    def test_prefix_with_a_space(self):
        self.compile_with(self.installed("a moved prefix") / "bin" / "mpicc")

    def test_pkg_config_after_move(self):
        prefix = self.installed()
        env = dict(self.env, PKG_CONFIG_PATH=str(prefix / "lib" / "pkgconfig"))
        for module in ("mpi_abi", "pvmx"):
            flags = self.check_program("pkg-config", "--cflags", "--libs", module, env=env)
            self.assertNotIn("first", flags)
            version = self.check_program("pkg-config", "--modversion", module, env=env)
            self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        flags = self.check_program("pkg-config", "--cflags", "--libs", "mpi_abi", env=env)
        out = self.tmp / "grow"
        self.check_program("cc", "-o", out, self.source, *shlex.split(flags))
        self.check_grows(out)

    def test_find_mpi_in_place(self):
        cache = self.build_project("MPI", f"-DMPI_HOME={BUILD}")
        self.assertIn(f"{BUILD}/lib/libmpi_abi.so", cache)

    def test_find_mpi_after_move(self):
        prefix = self.installed()
        cache = self.build_project("MPI", f"-DMPI_HOME={prefix}")
        self.assertIn(f"{prefix}/lib/libmpi_abi.so", cache)
        self.assertIn(f"{prefix}/bin/mpiexec", cache)

    def test_find_mpi_by_path(self):
        prefix = self.installed()
        env = dict(self.env, PATH=f"{prefix}/bin:{os.environ['PATH']}")
        cache = self.build_project("MPI", env=env)
        self.assertIn(f"{prefix}/lib/libmpi_abi.so", cache)

    def test_find_pvmx_in_place(self):
        self.build_project("PVMX", f"-DCMAKE_PREFIX_PATH={BUILD}")

    def test_find_pvmx_after_move(self):
        self.build_project("PVMX", f"-DCMAKE_PREFIX_PATH={self.installed()}")

    def test_example_alone(self):
        """The example builds outside this project, against the installed one, and works."""
        prefix, build = self.installed(), self.tmp / "example"
        self.check_program("cmake", "-S", SOURCE / "examples" / "master_worker", "-B", build,
                           f"-DCMAKE_PREFIX_PATH={prefix}")
        self.check_program("cmake", "--build", build)
        data = self.tmp / "data"
        data.write_bytes(b"grow " * 500000)
        self.check_program(build / "master", "-q", "-n", "2", data)
        self.assertEqual(self.check_program("gunzip", "-c", f"{data}.gz"), data.read_text())

    def test_mpiexec_after_move(self):
        prefix = self.installed()
        self.check_program(prefix / "bin" / "mpicc", "-o", self.tmp / "grow", self.source)
        out = self.check_program(prefix / "bin" / "mpiexec", "-n", "1", self.tmp / "grow")
        self.assertEqual(out, "we are 3\n")

    def test_program_of_the_readme(self):
        text = (SOURCE / "README.md").read_text().split("```c\n")[1].split("```")[0]
        program = self.compile("master", text, "-O2")
        self.assertRegex(self.check_program(program), r"^pi is about 3\.14159265\d\d, say \d+ workers$")

    def test_show_options(self):
        mpicc = BUILD / "bin" / "mpicc"
        include, lib = f"-I{BUILD}/include", f"-L{BUILD}/lib"

        def shown(*args):
            return shlex.split(self.check_program(mpicc, *args))

        for option in ("-show", "-showme"):
            words = shown(option, "a b.c")
            self.assertEqual(words[1], "a b.c")
            for word in (include, lib, "-lmpi_abi"):
                self.assertIn(word, words)
        self.assertIn("-c", shown("-compile-info"))
        self.assertNotIn("-lmpi_abi", shown("-compile-info"))
        self.assertIn("-lmpi_abi", shown("-link-info"))
        self.assertIn(include, shown("-showme:compile"))
        self.assertNotIn(lib, shown("-showme:compile"))
        self.assertIn(lib, shown("-showme:link"))
        self.assertNotIn(include, shown("-showme:link"))
        self.assertEqual(shown("-showme:incdirs"), [f"{BUILD}/include"])
        self.assertEqual(shown("-showme:libdirs"), [f"{BUILD}/lib"])
        self.assertEqual(shown("-showme:libs"), ["mpi_abi"])
        self.assertIn("usage: mpicc", self.check_program(mpicc, "-help"))

    def test_compile_only(self):
        mpicc = BUILD / "bin" / "mpicc"
        self.check_program(mpicc, "-c", self.source, "-o", self.tmp / "grow.o")
        self.check_program(mpicc, "-o", self.tmp / "grow", self.tmp / "grow.o")
        self.check_grows(self.tmp / "grow")
        self.check_program(mpicc, "--version")

    def test_compiler_can_be_chosen(self):
        mpicc = BUILD / "bin" / "mpicc"
        env = dict(self.env, PVMX_CC="my-cc -x c")
        self.assertTrue(self.check_program(mpicc, "-show", "a.c", env=env).startswith("my-cc -x c a.c"))
        env = dict(self.env, MPICH_CC="other")
        self.assertTrue(self.check_program(mpicc, "-show", env=env).startswith("other "))
        self.assertTrue(self.check_program(mpicc, "-cc=third", "-show").startswith("third "))

    def test_no_paths_of_the_build_tree(self):
        """Nothing that is installed names the folder it was built in."""
        prefix = self.installed()
        for path in sorted(prefix.rglob("*")):
            if path.is_file() and not path.is_symlink():
                if path.suffix in (".cmake", ".pc", ".h") or path.name.startswith("mpic"):
                    self.assertNotIn(str(BUILD), path.read_text(), path)
                else:
                    found = subprocess.run(["readelf", "-d", path], stdout=subprocess.PIPE, text=True,
                                           stderr=subprocess.DEVNULL, check=False).stdout
                    self.assertNotIn(str(BUILD), found, path)


if __name__ == "__main__":
    unittest.main()
