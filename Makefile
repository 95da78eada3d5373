# The two commands that do all: `make matrix` measures, `make test` tests. Both set up .venv on their first run.
#
#   make matrix OPTIONS="--op 'aten.conv*' --backend tosa"   narrows what is measured
#   make matrix PYTHON=python3.12                            chooses the Python of a new .venv
#   make matrix TORCH=2.12.0 TORCH_MLIR=20260901             another pair of versions, in a venv of its own
#   make matrix TORCH_MLIR=some-torch-mlir==2026.7.1         another compiler (--torch-mlir SPEC) beside the pinned one
#   make nightly BUDGET=30m LAST=reports/out/night           one night with the newest torch-mlir (docs/nightly.md)
#   make gate CANDIDATE=build/bin/torch-mlir-opt             is it worse than the pinned one, or than BASE=SPEC?
#   make bench BASE=../before                                compares with another checkout that is set up

PYTHON ?= python3
OPTIONS ?=
BASE ?=
CANDIDATE ?=
# a version of torch: its CPU build, from an index that has it (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS); empty: the pinned one
TORCH ?=
# a version of torch-mlir, or else a SPEC as --torch-mlir takes it; empty: the pinned one
TORCH_MLIR ?=
SPEC := $(if $(findstring =,$(TORCH_MLIR))$(findstring /,$(TORCH_MLIR)),$(TORCH_MLIR))
VERSION := $(if $(SPEC),,$(TORCH_MLIR))
VENV := .venv$(if $(TORCH),-torch-$(TORCH))$(if $(VERSION),-torch-mlir-$(VERSION))
BIN := $(VENV)/bin
OUT := reports/out
# how long a night takes in all; what the last one published (a folder or an address); the folder that this one publishes
BUDGET ?= 5h
LAST ?=
NIGHT ?= $(OUT)/night
NEWEST := .venv-nightly/bin

.PHONY: matrix test tests smoke check gate bench nightly newest setup clean

matrix: setup
	$(BIN)/pytest -n auto op_suites --check-baseline $(if $(SPEC),--torch-mlir '$(SPEC)') $(OPTIONS)

test: check tests smoke

tests: setup
	$(BIN)/python -m harness.surface.opinfo
	$(BIN)/python -m harness.commands.picks --check
	$(BIN)/pytest -n auto tests

# the main job on everything, few samples: the whole registry still runs, and comes out as its baseline says
smoke: setup
	$(BIN)/pytest -n auto op_suites --profile quick --check-baseline --out $(OUT)/smoke

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

nightly: newest
	$(NEWEST)/opcov night --budget $(BUDGET) --out $(NIGHT) $(if $(LAST),--last '$(LAST)') $(if $(OPTIONS),--options $(OPTIONS))

# the newest torch-mlir that pip finds (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL name a place); all else is as pinned
newest:
	@$(PYTHON) harness/preflight.py
	test -x $(NEWEST)/python || $(PYTHON) -m venv .venv-nightly
	@sed -e '/^torch-mlir==/d' constraints.txt > .venv-nightly/constraints.txt
	$(NEWEST)/python -m pip install --quiet --disable-pip-version-check --upgrade --pre \
	  -c .venv-nightly/constraints.txt torch-mlir -e '.[test]'

gate: setup
	OPCOV=$(BIN)/opcov bash .ci/gate '$(or $(BASE),installed)' '$(CANDIDATE)' $(OPTIONS)

bench: setup
	$(BIN)/python -m harness.commands.bench
	$(BIN)/python -m harness.commands.everyday $(if $(BASE),--base $(BASE))

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) harness/preflight.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@sed $(if $(TORCH),-e 's/^torch==.*/torch==$(TORCH)+cpu/') \
	  $(if $(VERSION),-e 's/^torch-mlir==.*/torch-mlir==$(VERSION)/') -e '' constraints.txt > $(VENV)/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[test]'
	@$(BIN)/python -m compileall -q harness backends op_suites reports || true  # as pip does with what it installs
	@touch $@

clean:
	rm -rf .venv .venv-torch* .venv-nightly $(OUT)
