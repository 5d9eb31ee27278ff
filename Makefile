# Everything a developer or a newcomer types. `make run` and `make test` set up what they need by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test test-kill check golden dashboards bench lock audit clean

help:
	@echo "make run     set up, then start: with config.yaml if there is one, else the demo"
	@echo "make test    set up, then run the tests"
	@echo "make check   ruff, mypy and the tests"
	@echo "make golden  write the expected outputs anew; read the diff before committing it"
	@echo "make dashboards  write the dashboards and rules anew"
	@echo "make test-kill   the long form of the kill test"
	@echo "make bench   measure against the floor"
	@echo "make lock    write the locks anew after a change to setup.cfg;  make audit  ask for known vulnerabilities"

# With hashes, so that everybody tests the very same packages; `make lock` writes the locks anew.
$(STAMP): setup.cfg pyproject.toml requirements/dev.txt requirements/build.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

run: $(STAMP)
	@if [ -e config.yaml ]; then exec $(BIN)/greenapi-exporter --config.file=config.yaml; \
	else exec $(BIN)/greenapi-exporter --demo; fi

test: $(STAMP)
	$(BIN)/python -m pytest -q

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q

golden: $(STAMP)
	$(BIN)/python -m tests.test_config
	$(BIN)/python -m tests.golden
	$(BIN)/python -m tests.test_readme

bench: $(STAMP)
	$(BIN)/python -m tests.bench

dashboards: $(STAMP)
	$(BIN)/python -m grafana
	$(BIN)/python -m prometheus

test-kill: $(STAMP)
	$(BIN)/python -m tests.kill

lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	PATH="$(abspath $(BIN)):$$PATH" requirements/lock

audit: $(STAMP)
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements/runtime.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
