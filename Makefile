# make run: set up and run the program. make test: set up and pass the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test check types setup

run: setup
	$(BIN)/flowface live

test: check
	$(BIN)/python -m pytest -q

check: setup
	$(BIN)/ruff check app engine tests packaging
	$(BIN)/ruff format --check app engine tests packaging
	$(BIN)/lint-imports

types: setup
	$(BIN)/pyright

setup: $(READY)

$(READY): pyproject.toml constraints.txt packaging/system_packages.sh
	bash packaging/system_packages.sh
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
