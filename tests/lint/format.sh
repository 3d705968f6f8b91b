#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The whole tree is in the form of .clang-format: format.sh ROOT [--fix]. 77: no clang-format 14 (other
# versions format differently).
set -u
root=$1
for tool in clang-format-14 clang-format; do
    if "$tool" --version 2>/dev/null | grep -q 'version 14\.'; then
        found=$tool
        break
    fi
done
[ -n "${found:-}" ] || {
    echo "clang-format 14 was not found (Debian 12: apt install clang-format)"
    exit 77
}
mode="--dry-run -Werror"
[ "${2:-}" = --fix ] && mode=-i
cd "$root" || exit 2
# shellcheck disable=SC2086 # two words on purpose
find . -type d \( -name '.?*' -o -name 'build*' \) -prune -o \( -name '*.c' -o -name '*.h' \) -print0 |
    xargs -0 "$found" $mode
