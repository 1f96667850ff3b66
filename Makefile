# Everything runs inside .venv, made from constraints.txt. `make help` lists the targets.
EXAMPLE ?= support
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
READY := $(VENV)/.ready
ifneq ($(wildcard ../shared/data),)
export SFTLOOP_BENCH_DATA ?= $(abspath ../shared/data)
endif

.PHONY: help setup demo test check bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/ —/'

setup: $(READY) ## make .venv with everything pinned

$(RUNTIME): constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $(RUNTIME)

$(READY): $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $(READY)

demo: $(RUNTIME) ## fine-tune and measure an example (EXAMPLE=support or netizen)
	$(BIN)/sftloop run examples/$(EXAMPLE) || test $$? -eq 1

test: check ## every test, the real-model ones included, on up to four cores
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(READY) ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## speed and memory against the peers (sets their environments up; one to three hours)
	$(BIN)/python -m benchmarks.training

clean: ## remove runs and caches, keep .venv
	rm -rf runs build dist .pytest_cache .mypy_cache .ruff_cache
