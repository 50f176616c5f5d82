# The virtual environment .venv contains exactly the locked packages, verified by hash.
# A stamp file records that a lock is installed, so later runs start immediately.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes \
	--strip-extras --allow-unsafe --no-annotate --build-deps-for=editable \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# Tests write to memory where it has 2 GiB free (Docker gives 64 MB): SQLite waits for the disk at
# every commit.
SCRATCH := $(shell [ -w /dev/shm ] && df -Pk /dev/shm | awk 'NR == 2 { exit $$4 < 2097152 }' \
	&& echo /dev/shm || echo "$${TMPDIR:-/tmp}")

.DEFAULT_GOAL := help
.PHONY: help run test bench lint format openapi lock clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

run: .venv/run.stamp ## Serve on http://localhost:6006
	@$(BIN)/phoenix-web serve

test: .venv/dev.stamp ## Install missing programs, then run all checks
	@.ci/system-packages
	@$(MAKE) --no-print-directory lint
	@TMPDIR=$(SCRATCH) $(BIN)/pytest --numprocesses=auto --dist=worksteal --durations=10 --cov

bench: .venv/dev.stamp ## Run the benchmarks
	@$(BIN)/python -m bench

lint: .venv/dev.stamp ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: .venv/dev.stamp ## Format the code and apply safe fixes
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

openapi: .venv/dev.stamp ## Save the current API description as the one the tests expect
	@$(BIN)/python -m tests.api.test_openapi > $@.new && mv $@.new tests/api/openapi.json

lock: .venv/dev.stamp ## Recompile the lock files from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) --extra=postgres --extra=redis --output-file=requirements.txt pyproject.toml
	$(COMPILE) $(UPGRADE) --extra=arrow --extra=postgres --extra=redis --extra=dev --constraint=requirements.txt \
		--output-file=requirements-dev.txt pyproject.toml

clean: ## Remove build and cache files; keep instance/ with its data
	rm -rf .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find phoenix_web tests bench -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"Python 3.11 or newer is required. Name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo \
		"$(PYTHON) cannot create a virtual environment. On Debian, run: apt-get install python3-venv" >&2; exit 1; }

.venv/run.stamp: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing requirements.txt into .venv"
	@$(INSTALL) --require-hashes --requirement requirements.txt
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

# The development lock contains every version of the runtime lock and adds to it.
.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	@echo "Installing requirements-dev.txt into .venv"
	@$(INSTALL) --require-hashes --requirement requirements-dev.txt
	@touch $@
