# The one virtual environment, .venv, holds exactly what the locks name, checked by hash.
# A stamp remembers which lock it holds, so a second run starts at once.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes \
	--strip-extras --allow-unsafe --no-annotate --build-deps-for=editable \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# What tests write lies in memory where that can be: SQLite waits for the disk at every commit.
SCRATCH := $(shell [ -w /dev/shm ] && echo /dev/shm || echo "$${TMPDIR:-/tmp}")

.DEFAULT_GOAL := help
.PHONY: help run test bench lint format openapi lock clean

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

run: .venv/run.stamp ## Serve on http://localhost:6006
	@$(BIN)/phoenix-web serve

test: .venv/dev.stamp ## Install what is missing, then run every check
	@.ci/system-packages
	@$(MAKE) --no-print-directory lint
	@TMPDIR=$(SCRATCH) $(BIN)/pytest --numprocesses=auto --cov

bench: .venv/dev.stamp ## Measure requests per second
	@$(BIN)/python -m bench

lint: .venv/dev.stamp ## Check style and types, change nothing
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: .venv/dev.stamp ## Rewrite the code in the house style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

openapi: .venv/dev.stamp ## Store the API description that the tests compare, after an intended change
	@$(BIN)/python -m tests.api.test_openapi > $@.new && mv $@.new tests/api/openapi.json

lock: .venv/dev.stamp ## Write the locks anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) --extra=postgres --extra=redis --output-file=requirements.txt pyproject.toml
	$(COMPILE) $(UPGRADE) --extra=arrow --extra=postgres --extra=redis --extra=dev --constraint=requirements.txt \
		--output-file=requirements-dev.txt pyproject.toml

clean: ## Remove what was made, but never instance/, where the data is
	rm -rf .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find phoenix_web tests bench -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"Python 3.11 or newer is needed and $(PYTHON) is not: say make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo \
		"$(PYTHON) cannot make a virtual environment (on Debian: apt-get install python3-venv)" >&2; exit 1; }

.venv/run.stamp: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing requirements.txt into .venv"
	@$(INSTALL) --require-hashes --requirement requirements.txt
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

# The development lock holds every version of the runtime lock and adds to it.
.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	@echo "Installing requirements-dev.txt into .venv"
	@$(INSTALL) --require-hashes --requirement requirements-dev.txt
	@touch $@
