# `make demo` and `make test` need nothing but Rust and, on a fresh Debian or Ubuntu, the right to install a C compiler.
# Both build in one profile and one shared target directory, so that dependencies are compiled once.

export CARGO_TARGET_DIR ?= $(HOME)/.cache/assay-target

.PHONY: demo test lint bench setup

demo: setup
	cargo build --release --locked --bin assay
	$(CARGO_TARGET_DIR)/release/assay demo

test: setup
	cargo test --release --locked --workspace --features assay-attestation/keystore
	$(MAKE) lint

lint: setup
	cargo fmt --all -- --check
	cargo clippy --release --locked --workspace --all-targets -- --deny warnings

bench: setup
	cargo bench --locked

setup:
	@sh scripts/setup.sh
