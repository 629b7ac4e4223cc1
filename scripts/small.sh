#!/bin/sh
# Builds the small `assay-verify` and refuses one that is larger than 6 MB.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$HOME/.cache/assay-target}
CARGO_TARGET_DIR=$target cargo build --profile small --locked -p assay-verifier --features cli --bin assay-verify
program=$target/small/assay-verify
bytes=$(wc -c < "$program")
printf '%s: %s bytes\n' "$program" "$bytes"
[ "$bytes" -lt 6000000 ] || { printf 'small: expected less than 6000000 bytes\n' >&2; exit 1; }
