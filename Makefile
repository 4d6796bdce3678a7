# Needs GNU make and Python 3.11 or newer; everything else goes into .venv.
#
# PyTorch comes from wherever pip is told to look. On Linux, pip's default index holds a build for
# CUDA of several GB; an index or folder with CPU builds, set up for pip (PIP_EXTRA_INDEX_URL,
# PIP_FIND_LINKS or pip's configuration), is preferred to it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PIP_INSTALL := $(PIP) install --constraint constraints.txt
WORKERS ?= 2

# The proof is in float64, which runs on the CPU; and TensorFlow is to keep its remarks to itself.
export CUDA_VISIBLE_DEVICES := -1
export TF_CPP_MIN_LOG_LEVEL := 3

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow fuzz fuzz-coverage mutants bench lint format docs coverage distances verify-zoo size clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## compile ResNet-50 for both frameworks into build/ and compare the two
	@$(BIN)/python scripts/demo.py

test: $(VENV)/.tools ## run the default tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-slow: $(VENV)/.tools ## run the heavy tests: full sizes, more than 1,000 layers
	$(BIN)/python -m pytest -m slow

fuzz: $(VENV)/.tools ## check 20,000 mutated specs: in time, within memory, never a traceback
	$(BIN)/python -m pytest -m slow -n $(WORKERS) tests/check/validate/test_mutations.py

FUZZ_SECONDS ?= 120

fuzz-coverage: $(VENV)/.tools ## fuzz the YAML reader and the expressions, led by coverage
	@$(PIP_INSTALL) --group fuzz
	@mkdir -p build/fuzz/reader build/fuzz/expressions
	$(BIN)/python scripts/fuzz.py expressions -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
		-artifact_prefix=build/fuzz/ build/fuzz/expressions
	$(BIN)/python scripts/fuzz.py reader -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
		-artifact_prefix=build/fuzz/ build/fuzz/reader specs specs/blocks tests/diagnostics/cases

MUTANTS := build/mutants/venv

mutants: $(VENV)/.tools $(MUTANTS)/.installed ## see whether a test notices small mistakes; two hours at most, MUTANTS_OPTIONS="--count 30" fewer
	$(MUTANTS)/bin/python scripts/mutants.py --python $(abspath $(BIN))/python $(MUTANTS_OPTIONS)

# Cosmic Ray has an environment of its own: it changes text, and runs the tests in theirs.
$(MUTANTS)/.installed: pyproject.toml
	@$(PYTHON) -m venv $(MUTANTS)
	@$(MUTANTS)/bin/python -m pip --disable-pip-version-check --quiet install --upgrade pip
	@$(MUTANTS)/bin/python -m pip --disable-pip-version-check --quiet install --group mutants
	@touch $@

bench: $(VENV)/.installed ## measure how long netspec takes
	@$(BIN)/python benchmarks/start.py
	@$(BIN)/python benchmarks/validate.py

lint: $(VENV)/.tools ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.tools ## put the code into its format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(VENV)/.tools ## write what docs/ takes from the code: tables, JSON Schemas
	$(BIN)/python scripts/language_reference.py
	$(BIN)/python scripts/diagnostics_page.py
	$(BIN)/python scripts/api_reference.py
	$(BIN)/netspec schema spec --force -o docs/schema/netspec-spec.schema.json
	$(BIN)/netspec schema block --force -o docs/schema/netspec-block.schema.json

coverage: $(VENV)/.tools ## compute every recorded golden, and write docs/coverage.md
	$(BIN)/python scripts/coverage.py

distances: $(VENV)/.tools ## record how far generated source is from what people would write
	$(BIN)/python -m pytest -q --update-goldens -k no_less_near tests/codegen/test_ideal.py

verify-zoo: $(VENV)/.tools ## verify every network of the zoo, and write docs/parity.md; takes long
	$(BIN)/python scripts/parity.py

size: $(VENV)/.installed ## count the statements of each part of the package
	@$(BIN)/python scripts/size.py

clean: ## remove what was built, and the environment
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis $(VENV)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# netspec with both frameworks. The pinned torch goes first: what comes later finds it there.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11; set PYTHON to a newer one" >&2; exit 1; }
	@echo "installing netspec and both frameworks into $(VENV); the first time takes minutes"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) --upgrade pip
	@$(PIP_INSTALL) torch
	@$(PIP_INSTALL) --editable '.[all]'
	@touch $@

# The references of the tests go without their dependencies: they would ask for another torch.
$(VENV)/.tools: $(VENV)/.installed
	@echo "installing the tools of the tests into $(VENV)"
	@$(PIP_INSTALL) --editable '.[all,onnx,litert]' --group dev
	@$(PIP_INSTALL) --no-deps torchvision timm
	@touch $@
