# Every target sets itself up: `make demo` and `make test` need Python 3.11+ and a package index.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test check unit e2e golden bench install

demo: $(READY)
	examples/arithmetic.sh

test: check unit e2e

check: $(READY)
	ruff format --check .
	ruff check .
	mypy
	lint-imports

unit: $(READY)
	pytest -n 2 --dist loadfile -m "not e2e and not bench"

e2e: $(READY)
	pytest -m e2e

golden: $(READY)
	WRITE_GOLDEN=1 pytest tests/golden -m "not e2e"

bench: $(READY)
	pytest tests/benchmarks -m bench -s

install: $(READY)

$(READY): pyproject.toml .ci/install .ci/constraints.txt
	.ci/install $(VENV)
	touch $@
