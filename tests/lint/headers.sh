#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each installed header compiles alone, as C11 and as C++17: headers.sh INCLUDE-DIR CC [CXX]
set -u
include=$1 cc=$2 cxx=${3:-}
bad=0 n=0

compiles() { # language, compiler and flags...
    lang=$1
    shift
    printf '#include <%s>\n#include <%s>\nextern int nothing_else;\n' "$header" "$header" |
        "$@" -x "$lang" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$include" - || {
        echo "$header does not compile alone as $lang"
        bad=1
    }
}

for file in $(cd "$include" && find . -name '*.h' | sort); do
    header=${file#./}
    [ "$header" != fpvm3.h ] || continue # is Fortran
    n=$((n + 1))
    compiles c "$cc" -std=c11
    [ -z "$cxx" ] || compiles c++ "$cxx" -std=c++17
done
[ "$n" -gt 0 ] || {
    echo "no header in $include"
    bad=1
}
echo "headers: $n seen"
exit $bad
