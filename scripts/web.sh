#!/bin/sh
# Builds the verifier for browsers: web/dist/verify.html (one file, works from a disk or any host) and web/dist/package (an
# ES module for Node and bundlers). With --test both are run as well, the page in headless Chromium; --install lets it
# install what is missing. What cannot be built or tested here is said as "skipped: reason", with exit code 77.
set -eu

version=0.2.130
cd "$(dirname "$0")/../web"
target=${CARGO_TARGET_DIR:-$HOME/.cache/assay-target}/web
tools=$target/tools
install="" test=""
for argument in "$@"; do
    case $argument in
        --install) install=yes ;;
        --test) test=yes ;;
        *) echo "usage: web.sh [--install] [--test]" >&2; exit 2 ;;
    esac
done

say() { printf 'web: %s\n' "$1" >&2; }
skip() { printf 'skipped: %s\n' "$1"; exit 77; }

# The compiler: rustup's with its library for the target, or Debian's with the library's source.
build() {
    if rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown ||
        { [ -n "$install" ] && rustup target add wasm32-unknown-unknown >&2; }; then
        CARGO_TARGET_DIR=$target cargo build --release --locked --target wasm32-unknown-unknown
        return
    fi
    if [ -n "$install" ] && ! dpkg -s rust-web-src >/dev/null 2>&1; then
        say "installing Debian's Rust with the library's source"
        apt-get install -y -qq --no-install-recommends rustc-web cargo-web rust-web-src >&2 || true
    fi
    dpkg -s rust-web-src >/dev/null 2>&1 || return 1
    # Debian's Rust has no linker of its own for the target: that of the LLVM which it was built with.
    llvm=$(/usr/bin/rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    if [ -n "$install" ] && ! command -v "wasm-ld-$llvm" >/dev/null 2>&1; then
        say "installing lld-$llvm"
        apt-get install -y -qq --no-install-recommends "lld-$llvm" >&2 || true
    fi
    linker=$(command -v "wasm-ld-$llvm") || return 1
    RUSTC_BOOTSTRAP=1 PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc CARGO_TARGET_DIR=$target \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
        /usr/bin/cargo build --release --locked --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort
}

build || skip "no Rust target wasm32-unknown-unknown, and no Debian packages rustc-web, cargo-web, rust-web-src and lld of their LLVM"

bindgen=$(command -v wasm-bindgen || echo "$tools/bin/wasm-bindgen")
if [ "$("$bindgen" --version 2>/dev/null)" != "wasm-bindgen $version" ]; then
    bindgen=$tools/bin/wasm-bindgen
    if [ "$("$bindgen" --version 2>/dev/null)" != "wasm-bindgen $version" ]; then
        [ -n "$install" ] || skip "wasm-bindgen $version is not installed; 'make web' installs it"
        say "installing wasm-bindgen $version"
        CARGO_TARGET_DIR=$target cargo install --quiet wasm-bindgen-cli --version $version --root "$tools" >&2 ||
            skip "wasm-bindgen-cli $version cannot be installed here"
    fi
fi

module=$target/wasm32-unknown-unknown/release/assay_web.wasm
rm -rf dist
"$bindgen" --target web --out-dir dist/package "$module"
cp package/package.json dist/package/
"$bindgen" --target no-modules --no-typescript --out-dir dist/page "$module"
command -v node >/dev/null 2>&1 || skip "no Node: the module is built, the page is not put together"
node page.mjs
rm -rf dist/page
say "web/dist/verify.html ($(wc -c < dist/verify.html) bytes), web/dist/package"
[ -n "$test" ] || exit 0

node test/package.mjs
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ] && [ -n "$install" ] && command -v apt-get >/dev/null 2>&1; then
    say "installing chromium"
    apt-get install -y -qq --no-install-recommends chromium >&2 && chromium=$(command -v chromium)
fi
[ -n "$chromium" ] || skip "no Chromium: the module was tested in Node, the page was not"
CHROMIUM=$chromium node test/page.mjs
