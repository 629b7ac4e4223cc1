#!/bin/sh
# Checks for what the build needs and installs what is missing on Debian and Ubuntu. Says what it does.
set -eu

say() { printf 'setup: %s\n' "$1" >&2; }

if ! command -v cargo >/dev/null 2>&1; then
    say "Rust is missing. Install it from https://rustup.rs (this project needs 1.88 or newer) and run the command again."
    exit 4
fi

if command -v cc >/dev/null 2>&1; then
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    say "a C compiler (cc) is missing, and this is not Debian or Ubuntu: install one and run the command again."
    exit 4
fi
as_root=""
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        say "a C compiler is missing and needs root to install: run 'apt-get install build-essential' as root."
        exit 4
    fi
    as_root="sudo"
fi
say "installing build-essential (a C compiler for linking and for hash functions in assembly)"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends build-essential
