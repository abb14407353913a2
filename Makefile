# Hookyard: every everyday command. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
UV := UV_PYTHON_DOWNLOADS=never $(BIN)/uv
ADD := $(UV) pip install --quiet --python $(BIN)/python --require-hashes
ARGS ?=
# why: without compiled files every process compiles all it imports, which doubles its start; tests
# start hundreds.
export PYTHONDONTWRITEBYTECODE :=
# Processes that run tests: all processors, or a number.
JOBS ?= logical

.PHONY: help install dev test lint bench chaos simulate smoke demo demo-scaled migrate lock clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(DONE)/package ## .venv with Hookyard and what it runs on, nothing else

dev: $(DONE)/package $(DONE)/test $(DONE)/lint node_modules/.done ## all a contributor needs, commit hooks included
	@tools/hooks.sh $(BIN)
	@echo "Ready. Next: 'make demo' to see it work, 'make test', 'make lint'; CONTRIBUTING.md has the rest."

test: $(DONE)/package $(DONE)/test $(DONE)/lint node_modules/.done ## every test, against real parts (ARGS='-k name')
	$(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: $(DONE)/package $(DONE)/test $(DONE)/lint ## ruff, format, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(DONE)/package $(DONE)/test ## figures, ours and the peers' in one run (ARGS='name')
	$(BIN)/python -m benchmarks $(ARGS)

chaos: $(DONE)/package $(DONE)/test ## the long fault campaigns (short ones are in `make test`)
	HOOKYARD_CHAOS=long $(BIN)/pytest tests/chaos -n 0 --timeout=0 -s $(ARGS)

simulate: $(DONE)/package $(DONE)/test ## the durable core under faults drawn from seeds (SEEDS=20000, FIRST=1)
	HOOKYARD_SIM_SEEDS=$(or $(SEEDS),20000) HOOKYARD_SIM_FIRST=$(or $(FIRST),1) $(BIN)/pytest tests/simulation/test_seeds.py -n $(JOBS) $(ARGS)

smoke: $(DONE)/package $(DONE)/test ## one pass through the front door: the journeys only
	$(BIN)/pytest tests/journeys -x $(ARGS)

demo: $(DONE)/package ## the whole control plane beside a simulated GitHub (ARGS=--exit to leave when done)
	$(BIN)/hookyard demo $(ARGS)

demo-scaled: $(DONE)/package $(DONE)/scaled ## the same on Postgres and Redis, a process for each role (ARGS=--exit)
	$(BIN)/hookyard demo --scaled $(ARGS)

migrate: $(DONE)/package ## bring the configured database to the newest schema
	$(BIN)/hookyard migrate $(ARGS)

lock: $(DONE)/tools ## write requirements/*.txt again (ARGS=--upgrade for newer versions)
	$(BIN)/python tools/lock.py $(ARGS)

clean: ## remove the environment, caches and build results (data in .hookyard stays)
	rm -rf $(VENV) node_modules .build benchmarks/.build benchmarks/node_modules dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Each file below is made once and again when what it was made from changes.
$(DONE)/tools: requirements/tools.txt tools/venv.sh
	@tools/venv.sh $(VENV) requirements/tools.txt
	@mkdir -p $(DONE) && touch $@

$(DONE)/runtime $(DONE)/test $(DONE)/lint $(DONE)/scaled: $(DONE)/%: requirements/%.txt $(DONE)/tools
	@echo "Installing $(*F) packages"
	@$(ADD) -r $<
	@touch $@

$(DONE)/package: pyproject.toml README.md LICENSE $(DONE)/runtime
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# Without npm this one is never made, so that it is tried again once npm is there.
node_modules/.done: package.json package-lock.json .npmrc tools/npm.sh
	@tools/npm.sh $@
