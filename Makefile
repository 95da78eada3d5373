# The two commands that do all: `make matrix` measures, `make test` tests. Both set up .venv on their first run.
#
#   make matrix OPTIONS="--op 'aten.conv*' --backend tosa"   narrows what is measured
#   make matrix PYTHON=python3.12                            chooses the Python of a new .venv
#   make bench BASE=../before                                compares with another checkout that is set up

PYTHON ?= python3
OPTIONS ?=
BASE ?=
BIN := .venv/bin
OUT := reports/out

.PHONY: matrix test tests smoke check bench setup clean

matrix: setup
	$(BIN)/pytest -n auto op_suites --check-baseline $(OPTIONS)

test: check tests smoke

tests: setup
	$(BIN)/python -m harness.surface.opinfo
	$(BIN)/pytest -n auto tests

# the main job on everything, few samples: the whole registry still runs, and comes out as its baseline says
smoke: setup
	$(BIN)/pytest -n auto op_suites --profile quick --check-baseline --out $(OUT)/smoke

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m harness.commands.bench
	$(BIN)/python -m harness.commands.everyday $(if $(BASE),--base $(BASE))

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) harness/preflight.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@$(BIN)/python -m compileall -q harness backends op_suites reports || true  # as pip does with what it installs
	@touch $@

clean:
	rm -rf .venv $(OUT)
