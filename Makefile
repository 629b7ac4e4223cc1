# `make demo` and `make test` need nothing but Rust and, on a fresh Debian or Ubuntu, the right to install a C compiler
# and clang. RocksDB is compiled once, which takes about 18 minutes on two cores.
# Both build in one profile and one shared target directory, so that most dependencies are compiled once.

export CARGO_TARGET_DIR ?= $(HOME)/.cache/assay-target

# Every feature but `cuda`, which needs NVIDIA's toolkit.
FEATURES = assay/synthetic,assay-attestation/keystore,assay-attestation/synthetic,assay-attestation/collect,assay-attestation/toml,assay-chain/node,assay-prover/onnx,assay-prover/transformer,assay-worker/node,assay-verifier/cli

.PHONY: demo test lint bench soak setup web assay-verify

demo: setup
	cargo build --release --locked --bin assay
	$(CARGO_TARGET_DIR)/release/assay demo

test: setup
	cargo test --release --locked --workspace --features $(FEATURES)
	$(MAKE) lint

lint: setup
	cargo fmt --all -- --check
	cargo clippy --release --locked --workspace --all-targets --features $(FEATURES) -- --deny warnings

bench: setup assay-verify
	cargo bench --locked

# 5000 kills of a process that makes blocks, 2000 interruptions at named points of its writes, ten million random transactions against a plain model, the recorded chain in a build
# without optimisation, and ten minutes of hostile evidence; each prints its figures. The transactions take more than an hour:
# SOAK_TRANSACTIONS=1000000 makes it fewer.
SOAK_TRANSACTIONS ?= 10000000
soak: setup
	cargo test --release --locked -p assay-chain --features node --test kill_loop -- --kills 5000
	ASSAY_SOAK_INTERRUPTIONS=2000 cargo test --release --locked -p assay-chain --features node --lib -- --ignored --nocapture many_interruptions
	ASSAY_SOAK_TRANSACTIONS=$(SOAK_TRANSACTIONS) cargo test --release --locked -p assay-chain --lib -- --ignored --nocapture many_sequences
	cargo test --locked -p assay-chain --test replay
	cargo test --release --locked -p assay-attestation --features synthetic --test hostile -- --seconds 600

# The page and the package that verify in a browser; installs what is missing on Debian.
web:
	sh scripts/web.sh --install --test

# The verifier alone, as a small program.
assay-verify: setup
	sh scripts/small.sh

setup:
	@sh scripts/setup.sh
