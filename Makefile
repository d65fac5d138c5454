# `make help` lists what there is to do.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell command -v $(p) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := include
RUN := .run

.PHONY: help setup demo demo-clean test screenshots lint docs docs-check lock bench soak clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: $(VENV)/.product ## the whole way on this machine: sandbox, Airflow, backfill, push (EXIT=1: stop at the end)
	@$(BIN)/python -m demo $(if $(EXIT),--exit)

demo-clean: ## forget the demo: its lake, databases and secrets
	rm -rf $(RUN)/demo

setup: $(VENV)/.tools ## .venv with everything that is needed

test: $(VENV)/.tools ## the whole suite
	@# Bytecode is kept even where the environment says otherwise: a hundred processes import the same files.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder $(ARGS)

screenshots: $(VENV)/.tools ## pictures of Airflow's UI for docs/screenshots/, taken by the tests (needs chromium)
	@mkdir -p docs/screenshots
	@AUDIENCE_SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest tests/whole_way/test_screens.py $(ARGS)

lint: $(VENV)/.tools ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.product ## write the generated pages of docs/
	$(BIN)/python -m audience docs

docs-check: $(VENV)/.product ## fail when a generated page is stale
	$(BIN)/python -m audience docs --check

bench: $(VENV)/.tools ## ratios against the plain query that does the same
	$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/.tools ## the fault campaign at length: ARGS="--minutes 30 --seed 1"
	PYTHONPATH=include:tests $(BIN)/python -m activation.soak $(ARGS)

lock: $(VENV)/.tools ## resolve requirements.in and requirements-dev.in again
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --upgrade requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --upgrade requirements-dev.in -o requirements-dev.txt

clean: ## remove the environment and everything made by runs
	rm -rf $(VENV) $(RUN)

# -- the environment: uv where it can be had (seconds), pip otherwise ---------------------------------------------------

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python was found: install Python 3.11, 3.12 or 3.13 with its venv module."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Found $$($(PYTHON) --version), expected Python 3.11, 3.12 or 3.13: install one, or name it with PYTHON=/path/to/python make ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module: install it (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "making $(VENV)"
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv 2>/dev/null || true
	@touch $@

$(VENV)/.product: $(VENV)/.made requirements.txt pyproject.toml
	@echo "installing what requirements.txt locks"
	@# Bytecode as pip makes it: without, and where Python may not write it, each of a demo's programs compiles what it imports.
	@if [ -x $(BIN)/uv ]; then VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --compile-bytecode -r requirements.txt; \
	 else $(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt; fi
	@# Without its dependencies, which are locked: only so that Airflow finds its connection types (an entry point).
	@if [ -x $(BIN)/uv ]; then VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --no-deps --editable .; \
	 else $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --editable .; fi
	@touch $@

$(VENV)/.tools: $(VENV)/.product requirements-dev.txt requirements-no-deps.txt
	@if [ -x $(BIN)/uv ]; then VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q -r requirements-dev.txt; \
	 else $(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt; fi
	@if [ -x $(BIN)/uv ]; then VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --no-deps -r requirements-no-deps.txt; \
	 else $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -r requirements-no-deps.txt; fi
	@touch $@
