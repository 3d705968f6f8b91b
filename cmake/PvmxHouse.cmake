# SPDX-License-Identifier: BSD-3-Clause
# Settings that hold for every target: language, warnings, sanitizers, output tree, run paths.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug" FORCE)
endif()

# One library folder name everywhere, so that <library>/../bin/pvmxd holds in every prefix.
set(CMAKE_INSTALL_LIBDIR lib CACHE PATH "Folder of libraries below the prefix")
include(GNUInstallDirs)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
if(PVMX_WERROR)
    add_compile_options(-Werror)
endif()
# Structures of 100 to 400 bytes are cleared and copied in many calls. GCC's own choice, rep stos and rep movs,
# takes 20 to 30 ns to begin with; a short loop takes 5.
include(CheckCCompilerFlag)
set(PVMX_STRING_OPS -mmemset-strategy=unrolled_loop:512:noalign,libcall:-1:noalign
                    -mmemcpy-strategy=unrolled_loop:512:noalign,libcall:-1:noalign)
check_c_compiler_flag("${PVMX_STRING_OPS}" PVMX_HAVE_STRING_OPS)
if(PVMX_HAVE_STRING_OPS)
    add_compile_options(${PVMX_STRING_OPS})
endif()
add_compile_definitions(_GNU_SOURCE)

if(PVMX_SANITIZE)
    add_compile_options(-fsanitize=${PVMX_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${PVMX_SANITIZE})
    # gcc warns of each fence, which its ThreadSanitizer does not model.
    if(PVMX_SANITIZE MATCHES "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-Wno-tsan)
    endif()
else()
    add_link_options(LINKER:-z,defs)
endif()
add_link_options(LINKER:--as-needed)

# The build tree is usable in place: bin, lib and include lie as they do after an install.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(PVMX_INCLUDE_OUT ${PROJECT_BINARY_DIR}/include)
set(PVMX_GEN_DIR ${PROJECT_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${PVMX_INCLUDE_OUT} ${PVMX_GEN_DIR})

# Run paths are relative to the file that carries them, so that either tree can be moved. Installed
# programs and libraries have their final one from the start: the build tree has the same shape.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
file(RELATIVE_PATH PVMX_BIN_TO_LIB ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib" "$ORIGIN/${PVMX_BIN_TO_LIB}")
list(REMOVE_DUPLICATES CMAKE_INSTALL_RPATH)

# Version texts for headers and programs.
configure_file(${PROJECT_SOURCE_DIR}/libpvmx/include/pvmx/version.h.in
               ${PVMX_GEN_DIR}/pvmx/version.h @ONLY)
