# Two commands on a fresh machine: `make up` and `make test`. `make setup` only installs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PORT ?= 4566
DATA ?= $(or $(MAY_DATA),.maycloud)
WORKERS ?= 3

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready native ## install Maycloud and its tools
tools: .venv/.tools ## install what the tests need besides: SAM CLI, JavaScript SDK
native: .venv/.ready ## compile the hot modules, unless they are or there is no C compiler
	@.venv/bin/python scripts/native.py

.venv/.ready: pyproject.toml requirements.lock scripts/setup.sh
	@scripts/setup.sh
	@touch $@

.venv/.tools: .venv/.ready scripts/tools.sh tests/clients/package.json
	@scripts/tools.sh
	@touch $@

up: setup ## install, start the cloud, deploy the systems and print their addresses
	@.venv/bin/may status --data $(DATA) > /dev/null 2>&1 || .venv/bin/may up --detach --port $(PORT) --data $(DATA)
	@for template in systems/*/template.yaml; do \
	    .venv/bin/may deploy --data $(DATA) "$$(dirname $$template)"; done

down: ## stop the cloud; its data stays
	@.venv/bin/may down --data $(DATA)

check: setup ## lint, format and types
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/pyright

test: setup tools ## install what is needed and run every test
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/pyright --threads 2
	@.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile -q

pictures: setup tools ## take the docs' pictures from the running product
	@MAY_PICTURES=docs/images .venv/bin/python -m pytest -q tests/browser

bench: setup ## measure, side by side with pinned peers; results to bench/RESULTS.md
	@.venv/bin/python -m bench

lock: ## choose newer dependencies
	@uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --no-annotate --universal \
	    --python-version 3.11 --group dev pyproject.toml -o requirements.lock --upgrade

.PHONY: help setup native tools up down check test pictures bench lock
