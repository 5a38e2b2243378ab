# Every target works as the first command on a clean checkout: it makes the environment if it is missing or outdated.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= default

.DEFAULT_GOAL := help
.PHONY: help setup bench smoke test test-all test-cluster lint docs notebook speed clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed  ## make the virtual environment and install everything

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $(PYTHON) is too old; allowed: Python 3.11 or newer, as in: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[test]'
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true  # pip would use one core; not all files are of this Python
	@touch $@

bench: setup  ## execute the default study and report it (STUDY=NAME for another)
	$(BIN)/supernet-bench run $(STUDY)

smoke: setup  ## execute every code path in under a minute
	$(BIN)/supernet-bench run smoke

# One thread each, since tests run side by side.
test: $(VENV)/.speed lint  ## lint, check types and run the tests, but for those that take long
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal $(FULL)

test-all: FULL = --full --suite-limit 5000
test-all: test  ## the same with the tests that take long

# Not part of `test`: needs root and Debian's packages, and takes minutes.
test-cluster: setup  ## run the tests on a real Slurm cluster of one node, which is installed first
	@command -v slurmctld slurmdbd mariadbd munged >/dev/null \
		|| apt-get install -y --no-install-recommends slurm-wlm munge slurmdbd mariadb-server
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m cluster tests/benchmark/execution/executors

lint: setup  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup  ## write docs/heuristics.md and docs/proxies.md from the declarations of the plug-ins
	$(BIN)/python -m tools.handbook
	$(BIN)/python -m tools.proxies --page

notebook: $(VENV)/.notebook  ## open the notebook over the result files
	$(BIN)/jupyter notebook analysis/notebooks

$(VENV)/.notebook: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[notebook]'
	@touch $@

speed: $(VENV)/.speed  ## measure speed beside xautodl and plain PyTorch, in about ten minutes
	$(BIN)/python -m speed compare
	$(BIN)/python -m speed growth
	$(BIN)/python -m speed proxies

# Without its dependencies: it asks for a NumPy of 2020, and the part that is measured needs PyTorch alone.
$(VENV)/.speed: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt xautodl
	@touch $@

clean:  ## remove the virtual environment and caches; store/ and reports/ stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
