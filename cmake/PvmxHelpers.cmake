# SPDX-License-Identifier: BSD-3-Clause
# Helpers that the folders use.

# pvmx_add_folder(folder): a folder of the top level that takes part once it has a CMakeLists.txt.
function(pvmx_add_folder folder)
    if(EXISTS ${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt)
        add_subdirectory(${folder})
    endif()
endfunction()

# pvmx_shared_library(name SOVERSION n SOURCES ...): a library that is installed, with its version
# and a run path to its neighbours.
function(pvmx_shared_library name)
    cmake_parse_arguments(A "" "SOVERSION" "SOURCES" ${ARGN})
    add_library(${name} SHARED ${A_SOURCES})
    set_target_properties(${name} PROPERTIES
        VERSION ${A_SOVERSION}.${PROJECT_VERSION_MINOR}.${PROJECT_VERSION_PATCH}
        SOVERSION ${A_SOVERSION}
        BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
    # A task must start fast: code and constants in one segment saves two mappings and their page
    # faults for each library.
    target_link_options(${name} PRIVATE
        LINKER:-z,noseparate-code LINKER:-O1 LINKER:--hash-style=gnu)
    install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

# pvmx_program(name SOURCES ...): a program that is installed into bin.
function(pvmx_program name)
    cmake_parse_arguments(A "" "" "SOURCES" ${ARGN})
    add_executable(${name} ${A_SOURCES})
    set_target_properties(${name} PROPERTIES BUILD_WITH_INSTALL_RPATH ON)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# pvmx_public_headers(target BASE dir FILES ...): copies headers into <build>/include whenever they
# change and installs them; paths below BASE are kept. Files may be generated ones.
function(pvmx_public_headers target)
    cmake_parse_arguments(A "" "BASE" "FILES" ${ARGN})
    set(copies)
    foreach(file ${A_FILES})
        cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${A_BASE} OUTPUT_VARIABLE source)
        file(RELATIVE_PATH below ${A_BASE} ${source})
        cmake_path(GET below PARENT_PATH folder)
        add_custom_command(OUTPUT ${PVMX_INCLUDE_OUT}/${below}
            COMMAND ${CMAKE_COMMAND} -E copy ${source} ${PVMX_INCLUDE_OUT}/${below}
            DEPENDS ${source} VERBATIM COMMENT "header ${below}")
        list(APPEND copies ${PVMX_INCLUDE_OUT}/${below})
        install(FILES ${source} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
    endforeach()
    add_custom_target(${target} ALL DEPENDS ${copies})
endfunction()

# pvmx_unit_test(name SOURCES ... [LIBS ...] [TIMEOUT s]): a Criterion program, linked with the
# internals of libpvmx (pvmx_test) unless LIBS names something else, run by ctest.
function(pvmx_unit_test name)
    cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
    # Criterion starts each test in a process cloned at fixed addresses, which ThreadSanitizer does not
    # give away: under it only the plain programs run.
    if(NOT PVMX_CRITERION OR PVMX_SANITIZE MATCHES "thread")
        return()
    endif()
    if(NOT A_LIBS)
        set(A_LIBS pvmx_test)
    endif()
    if(NOT A_TIMEOUT)
        set(A_TIMEOUT 60)
    endif()
    add_executable(${name} ${A_SOURCES})
    target_link_libraries(${name} PRIVATE ${A_LIBS} ${PVMX_CRITERION})
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
    add_test(NAME unit.${name} COMMAND ${name} --jobs 2)
    # Criterion's own limit ends one hanging test with its name; ctest's is the last resort.
    set_tests_properties(unit.${name} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS unit
        ENVIRONMENT "PVMX_BUILD_DIR=${PROJECT_BINARY_DIR}"
        # A leak is found when a test's process has already reported success.
        FAIL_REGULAR_EXPRESSION "ERROR: LeakSanitizer;WARNING: ThreadSanitizer;runtime error:")
endfunction()

# pvmx_self_described(target [NAME program] MAN arguments COMPLETION arguments [ALSO name ...]): the program
# prints its own manual page and bash completion; both are made in <build>/share and installed,
# also under the program's other names.
function(pvmx_self_described target)
    cmake_parse_arguments(A "" "NAME" "MAN;COMPLETION;ALSO" ${ARGN})
    set(program ${target})
    if(A_NAME)
        set(program ${A_NAME})
    endif()
    set(man ${PROJECT_BINARY_DIR}/share/man/man1)
    set(rules ${PROJECT_BINARY_DIR}/share/bash-completion/completions)
    file(MAKE_DIRECTORY ${man} ${rules})
    add_custom_command(OUTPUT ${man}/${program}.1 ${rules}/${program}
        COMMAND ${target} ${A_MAN} > ${man}/${program}.1
        COMMAND ${target} ${A_COMPLETION} > ${rules}/${program}
        DEPENDS ${target} VERBATIM COMMENT "manual page and completion of ${program}")
    add_custom_target(${target}_described ALL DEPENDS ${man}/${program}.1)
    install(FILES ${man}/${program}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    set(folder ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${rules}/${program} DESTINATION ${folder})
    foreach(name ${A_ALSO})
        file(WRITE ${man}/${name}.1 ".so man1/${program}.1\n")
        install(FILES ${man}/${name}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
        install(FILES ${rules}/${program} DESTINATION ${folder} RENAME ${name})
    endforeach()
endfunction()
