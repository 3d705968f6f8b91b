# SPDX-License-Identifier: BSD-3-Clause
# pvmx_python_tests(prefix FILE f.py CLASS c LABEL l [TIMEOUT s] TESTS t...): one ctest for each
# method test_<t> of class c in f.py, with tests/support on the path.
function(pvmx_python_tests prefix)
    cmake_parse_arguments(A "" "FILE;CLASS;LABEL;TIMEOUT" "TESTS" ${ARGN})
    if(NOT A_TIMEOUT)
        set(A_TIMEOUT 180)
    endif()
    foreach(test ${A_TESTS})
        add_test(NAME ${prefix}.${test}
            COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/${A_FILE}
                    ${A_CLASS}.test_${test})
        set_tests_properties(${prefix}.${test} PROPERTIES LABELS ${A_LABEL} TIMEOUT ${A_TIMEOUT}
            ENVIRONMENT "PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/support;PVMX_BUILD_DIR=${PROJECT_BINARY_DIR}")
    endforeach()
endfunction()
