# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What tools/demo and tools/test share: missing packages, configuring, building. Sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What the build and the demo need on Debian 12. `command:package` are for programs that may come from
# elsewhere than Debian as well.
programs=(gcc:gcc g++:g++ cmake:cmake ninja:ninja-build python3:python3 pkg-config:pkg-config
    gzip:gzip tar:tar)
libraries=(libc6-dev libedit-dev libev-dev libhwloc-dev libmsgpack-dev libsodium-dev zlib1g-dev)

# The tests need more: real networks, a real sshd, Fortran, and programs that PVM was shipped with.
need_for_tests() {
    programs+=(clang-format:clang-format gfortran:gfortran ip:iproute2 ssh:openssh-client
        /usr/sbin/sshd:openssh-server)
    libraries+=(libcriterion-dev pvm-examples)
}

say() { printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

missing_packages() {
    local entry package
    for entry in "${programs[@]}"; do
        command -v "${entry%%:*}" >/dev/null 2>&1 || printf '%s\n' "${entry#*:}"
    done
    for package in "${libraries[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            printf '%s\n' "$package"
    done
}

# Installs what is missing; does nothing, and needs neither root nor a network, when nothing is.
install_packages() {
    local missing
    command -v dpkg-query >/dev/null || {
        say "This is not Debian: I take it that the packages of README.md are there."
        return 0
    }
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -gt 0 ] || return 0
    local apt=(apt-get -y -q -o DPkg::Lock::Timeout=300)
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null && ! [ -t 0 ]; then
            die "packages are missing and I am not root. Run this, then me again:
  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
        fi
        as_root=(sudo)
    fi
    say "Installing ${missing[*]}"
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    "${as_root[@]}" "${apt[@]}" install --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || {
        "${as_root[@]}" "${apt[@]}" update
        "${as_root[@]}" "${apt[@]}" install --no-install-recommends "${missing[@]}"
    }
}

# configure PRESET: in the preset's own folder; quick when nothing has changed.
configure() {
    local preset=$1 dir=$2
    local launcher=()
    command -v ccache >/dev/null && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/.preset" 2>/dev/null)" != "$preset" ]; then
        (cd "$root" && cmake --preset "$preset" "${launcher[@]}") >"$root/.configure.log" 2>&1 || {
            cat "$root/.configure.log" >&2
            rm -f "$root/.configure.log"
            die "cmake --preset $preset has failed, see above"
        }
        rm -f "$root/.configure.log"
        printf '%s\n' "$preset" >"$dir/.preset"
    fi
}

# build DIR [TARGET...]
build() {
    local dir=$1
    shift
    local targets=()
    [ $# -gt 0 ] && targets=(--target "$@")
    local quiet=(-- --quiet)
    [ -t 1 ] && quiet=() # on a terminal ninja shows how far it is, in one line
    cmake --build "$dir" "${targets[@]}" "${quiet[@]}"
}
