# Everything is set up by the targets that need it: `make study` and `make test` work on a fresh clone.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help study ui test test-fast lint bench bench-long pictures audit secrets compose-test clean

help:
	@echo "make study   search the published grid on Fashion-MNIST, every trial in MLflow"
	@echo "make ui      browse the runs in MLflow's UI"
	@echo "make test         run all tests (about 20 minutes on 2 cores)"
	@echo "make test-fast    run all but those of whole programs and studies (about 4 minutes)"
	@echo "make lint    check style and types"
	@echo "make bench        measure against what people use instead (about 17 minutes)"
	@echo "make bench-long   the same, whole grids and several rounds (hours)"
	@echo "make secrets       write .env with random secrets, for docker-compose.yml"
	@echo "make compose-test  bring docker-compose.yml up in containers, kill a worker, take it down"
	@echo "make audit         look for known vulnerabilities and risky code"
	@echo "make clean   remove the virtual environment and caches; runs are kept"

$(VENV)/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

study: $(VENV)/.installed
	$(BIN)/fmsearch study --space mlp_grid

ui: $(VENV)/.installed
	$(BIN)/fmsearch ui

# A file's tests share what its fixtures make, so a file stays on one core; tests/conftest.py says
# which files begin.
PYTEST = $(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder

test: $(VENV)/.installed
	$(PYTEST)

test-fast: $(VENV)/.installed
	$(PYTEST) --ignore tests/end_to_end

# mypy names a package after its folder; a link gives the clone the package's name, whatever its own.
lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache
	@rm -rf $(VENV)/as && mkdir -p $(VENV)/as && ln -s "$(CURDIR)" $(VENV)/as/fmsearch
	MYPYPATH=$(VENV)/as $(BIN)/mypy -p fmsearch.cli -p fmsearch.api -p fmsearch.loaded_study -p fmsearch.homes -p fmsearch.errors -p fmsearch.text -p fmsearch.places -p fmsearch.addresses -p fmsearch.checksums -p fmsearch.redaction -p fmsearch.locks -p fmsearch.sqlite -p fmsearch.commands \
		-p fmsearch.models -p fmsearch.search -p fmsearch.tracking

# The peers have pins of their own: they are no part of the product, and nothing else needs them.
$(VENV)/.peers: $(VENV)/.installed benchmarks/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-c benchmarks/constraints.txt -e '.[dev,bench]'
	@touch $@

bench: $(VENV)/.peers
	$(BIN)/python benchmarks/bench.py

bench-long: $(VENV)/.peers
	$(BIN)/python benchmarks/bench.py --form long

# Screenshots of docs/guide.md; needs Debian's Chromium.
pictures: $(VENV)/.installed
	$(BIN)/python tests/make_pictures.py

secrets:
	@$(PYTHON) deploy/make_secrets.py && echo ".env is written"

compose-test:
	deploy/compose_test.sh

# Risky patterns in the code, known vulnerabilities of the pinned versions. bandit.yaml says what is
# excepted, and why. --strict: a version about which nothing could be learnt is a failure.
audit: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[audit]'
	$(BIN)/bandit --quiet --recursive --configfile bandit.yaml .
	$(BIN)/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
