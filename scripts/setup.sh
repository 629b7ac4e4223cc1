#!/bin/sh
# Checks for what the build needs and installs what is missing on Debian and Ubuntu. Says what it does.
set -eu

say() { printf 'setup: %s\n' "$1" >&2; }

if ! command -v cargo >/dev/null 2>&1; then
    say "Rust is missing. Install it from https://rustup.rs (this project needs 1.91 or newer) and run the command again."
    exit 4
fi

# The library that reads RocksDB's C headers while its bindings are made.
has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    for library in /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* /usr/lib64/libclang*.so* \
        /usr/lib64/llvm*/lib*/libclang*.so* /usr/lib/libclang*.so* /usr/local/lib/libclang*.so*; do
        [ -e "$library" ] && return 0
    done
    return 1
}

missing=""
command -v cc >/dev/null 2>&1 && command -v c++ >/dev/null 2>&1 || missing="build-essential"
command -v clang >/dev/null 2>&1 || missing="$missing clang"
has_libclang || missing="$missing libclang-dev"
missing="${missing# }"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    say "missing: $missing (names of Debian packages), and this is not Debian or Ubuntu: install them and run the command again."
    exit 4
fi
as_root=""
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        say "missing: $missing. Run 'apt-get install $missing' as root."
        exit 4
    fi
    as_root="sudo"
fi
say "installing $missing (a C and C++ compiler; clang and libclang for the bindings of RocksDB)"
$as_root apt-get update -qq
# One package per word.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
