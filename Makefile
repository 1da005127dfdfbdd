# Everything here works on a machine with nothing but Python 3.11 and make: the environment is made in .venv from the
# locked requirements on the first call, and stamps in it let the second call go straight to work.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
PYTEST := $(BIN)/python -m pytest

.PHONY: help demo demo-once test test-long check bench lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 20

demo: $(VENV)/.base ## a fictional city, one document on its whole road, and the server to look at
	@$(BIN)/songda demo

demo-once: $(VENV)/.base ## the same without staying; the last line is one JSON object
	@$(BIN)/songda demo --once --json

test: $(VENV)/.dev ## all tests but the long ones
	@$(PYTEST) -n 2 --dist loadfile -m "not long" $(ARGS)

test-long: $(VENV)/.dev ## the tests that take minutes
	@$(PYTEST) -m long $(ARGS) || [ $$? -eq 5 ]

check: $(VENV)/.dev ## format, lint, types and the rules of the house
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(PYTEST) -q tests/house

bench: $(VENV)/.base ## measure the road; each figure beside the limit of this machine
	@$(BIN)/python -m benchmarks

# Hashes but no addresses: any index that serves the same files will do. LOCK=--upgrade takes the latest releases.
lock: ## write requirements/ from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "songda: make lock needs uv (pip install uv)" >&2; exit 1; }
	@$(call LOCKED,base) --extra build
	@$(call LOCKED,dev) --extra build --extra dev --constraint requirements/base.txt
LOCKED = uv pip compile pyproject.toml --output-file requirements/$(1).txt --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(LOCK)

clean: ## remove the environment and everything that is built
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# An environment knows its folder and its Python: made anew when the tree was moved or that Python is gone.
ifneq ($(shell $(BIN)/python -c "" 2>/dev/null && cat $(VENV)/.made),$(CURDIR))
.PHONY: $(VENV)/.made
endif

$(VENV)/.made:
	@python=$$(.ci/find-python) && echo "songda: making $(VENV) with $$python" && "$$python" -m venv --clear $(VENV)
	@echo "$(CURDIR)" >$@

$(VENV)/.base: requirements/base.txt pyproject.toml $(VENV)/.made
	@echo "songda: installing the locked packages (first time: about half a minute)"
	@$(PIP) install --require-hashes -r requirements/base.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@echo "songda: installing the locked packages for tests and checks (first time: about half a minute)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
