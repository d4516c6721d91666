# One command file. `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE  # with it, every command compiles the whole program anew

.DEFAULT_GOAL := help
.PHONY: help demo ocr test lint fix serve worker bench bench-quick chaos large services services-stop fuzz audit docs screenshots core-tasks requirements clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(VENV)/run.ok: requirements/pip.txt requirements/base.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what Lantai needs (pinned, with hashes) ..."
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/pip.txt  # older pips trip over extras under hashes
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/base.txt
	@$(BIN)/python -m pip install -qqq --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/ocr.ok: requirements/ocr.txt $(VENV)/run.ok
	@echo "Installing the reader of scans (pinned, with hashes) ..."
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/ocr.txt
	@touch $@

$(VENV)/dev.ok: requirements/dev.txt requirements/services.txt $(VENV)/run.ok $(VENV)/ocr.ok
	@echo "Installing what tests and linters need (pinned, with hashes) ..."
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/services.txt
	@touch $@

demo: $(VENV)/run.ok ## make a sample county and serve it at http://127.0.0.1:8000
	@$(BIN)/lantai demo

ocr: $(VENV)/ocr.ok ## add the reader of scans (text recognition, about 400 MB)

test: $(VENV)/dev.ok ## run every test; says what was skipped and why
	@$(BIN)/python -m tests.run $(ARGS)

lint: $(VENV)/dev.ok ## check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(VENV)/dev.ok ## mend what the linters can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

serve: $(VENV)/run.ok ## serve the site at LANTAI_HOME
	@$(BIN)/lantai serve

worker: $(VENV)/run.ok ## work for the site at LANTAI_HOME
	@$(BIN)/lantai worker

bench: $(VENV)/dev.ok ## measure against the usual tools, side by side
	@$(BIN)/python -m bench

bench-quick: $(VENV)/dev.ok ## the same on small corpora, under ten minutes
	@$(BIN)/python -m bench --quick

services: $(VENV)/dev.ok ## start PostgreSQL, SeaweedFS, Elasticsearch and clamd for development; empty unless KEEP=1
	@$(BIN)/python -m tests.services start

services-stop: $(VENV)/dev.ok ## end them
	@$(BIN)/python -m tests.services stop

large: $(VENV)/dev.ok ## objects of 10 GiB through a real S3 server, with bounded memory
	@$(BIN)/python -m pytest -m large tests

chaos: $(VENV)/dev.ok ## seeded kills of workers and servers while 200 and 300 households are taken in
	@$(BIN)/python -m pytest -m chaos tests/journeys

fuzz: $(VENV)/dev.ok ## ten thousand damaged files and ten thousand calls of the API, seeded; each must be accounted for
	@$(BIN)/python -m pytest -m fuzz tests/corpus tests/journeys

audit: $(VENV)/dev.ok ## ask an advisory source about the dependencies; "not run" (exit 3) where none answers
	@$(BIN)/python -m tests.vulnerabilities

docs: $(VENV)/dev.ok ## write the reference pages that are made from the code
	@$(BIN)/python -m docs.build

screenshots: $(VENV)/dev.ok ## take the pictures that README shows
	@$(BIN)/python -m docs.screenshots

core-tasks: $(VENV)/dev.ok ## count the clicks and keys of the core tasks in Chromium
	@$(BIN)/python -m tests.journeys.core_tasks

requirements: ## resolve and pin the dependencies anew (needs uv)
	@for name in pip base dev ocr services; do $(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --strip-extras \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements" \
	  -o requirements/$$name.txt requirements/$$name.in; done

clean: ## remove what was built (never a site)
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache tests/output
