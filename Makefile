# Needs make and Python 3.11 or newer, and nothing else. `make demo` is the place to begin.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
PIP = .venv/bin/python -m pip --disable-pip-version-check --no-input install --quiet --root-user-action=ignore
OURS = bot flows payments webhook.py tests $(wildcard bench)
RUN = .venv/.acerto-run
TEST = .venv/.acerto-test

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench lint format lock clean

help: ## say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

setup: $(RUN) ## make .venv with the program and what it needs

demo: $(RUN) ## everything on this machine, with stand-ins for WhatsApp and the bank
	@exec .venv/bin/acerto demo

test: $(TEST) ## the whole suite
	@.ci/chromium
	.venv/bin/python -m pytest -n logical --dist worksteal

bench: $(RUN) ## measurements, one JSON line each
	@.venv/bin/python -m bench

lint: $(TEST) ## style, types and the direction of imports
	.venv/bin/ruff check $(OURS)
	.venv/bin/ruff format --check $(OURS)
	.venv/bin/mypy --strict $(OURS)
	.venv/bin/lint-imports --no-cache

format: $(TEST) ## put the source in the one form that lint accepts
	.venv/bin/ruff check --fix-only $(OURS)
	.venv/bin/ruff format $(OURS)

lock: ## fix versions and hashes anew; needs uv
	uv pip compile pyproject.toml --group build $(LOCK) -o requirements.txt
	uv pip compile pyproject.toml --group build --group test -c requirements.txt $(LOCK) -o requirements-test.txt

clean: ## remove what setup made; .acerto, the data, stays
	rm -rf .venv acerto.egg-info build

LOCK = --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command "make lock"

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "acerto needs Python 3.11 or newer; install it and run make again." >&2; exit 1; }
	@.ci/venv "$(PYTHON)" .venv

# The stamps make a second run instant. Every file is checked against its hash before anything is unpacked.
$(RUN): requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing what acerto needs into .venv ..."
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(TEST): requirements-test.txt $(RUN)
	@echo "Installing what the tests need into .venv ..."
	@$(PIP) --require-hashes -r requirements-test.txt
	@touch $@
