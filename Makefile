# The short names that people, README and CI share. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BOOT_PYTHON ?= python3
UV := .boot/bin/uv
READY := .venv/.ready
BIN := .venv/bin
SAM := .sam/bin/sam
ARCH ?= arm64
DATA ?=
export UV_PROJECT_ENVIRONMENT := .venv

.PHONY: help
help: ## what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- set-up

$(UV): requirements/boot.txt
	@$(BOOT_PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "topshelf needs any Python 3 with venv to start with: install it (Debian: apt-get install python3-venv), or name one: make BOOT_PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "setting up: uv"
	@$(BOOT_PYTHON) -m venv .boot
	@.boot/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/boot.txt 2>.boot/pip.log || { cat .boot/pip.log >&2; exit 1; }
	@touch $@

$(READY): $(UV) requirements/all.txt pyproject.toml .python-version
	@$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" .venv || { \
	  echo "topshelf needs Python $$(cat .python-version): install it (pyenv install $$(cat .python-version), or uv python install $$(cat .python-version), or your distribution's python$$(cat .python-version)) and run make again" >&2; exit 1; }
	@echo "setting up: libraries"
	@$(UV) pip sync --quiet --require-hashes requirements/all.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: setup
setup: $(READY) ## the interpreter and the libraries, pinned

.PHONY: clean
clean: ## remove what make made
	rm -rf .boot .venv .sam .aws-sam .build .topshelf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage* coverage.xml

# ---------------------------------------------------------------- use

.PHONY: demo
demo: $(READY) ## recommendations on http://localhost:8000, from nothing; DATA=<dir> takes real data
	@$(BIN)/topshelf demo $(if $(DATA),--data "$(DATA)")

.PHONY: demo-once
demo-once: $(READY) ## the same, checked, and done
	@$(BIN)/topshelf --cloud-port 0 --api-port 0 --lambda-port 0 demo --once $(if $(DATA),--data "$(DATA)")

# ---------------------------------------------------------------- checks

.PHONY: test
test: $(READY) ## the tests, with coverage
	@$(BIN)/pytest --cov --cov-report=
	@$(BIN)/coverage report --skip-covered --fail-under=90

.PHONY: test-all
test-all: $(READY) ## the tests, slow ones too
	@$(BIN)/pytest -m ''

# mutmut wants the folder of the code to be named src.
.PHONY: mutation
mutation: $(READY) ## does a test notice when ranking, topk, events or serving change? 1,300 changes, 5 minutes
	@rm -rf .build/mutation && mkdir -p .build/mutation
	@ln -s ../../layers/core .build/mutation/src
	@ln -s ../../tests ../../pyproject.toml .build/mutation
	@cd .build/mutation && ../../$(BIN)/mutmut run
	@$(BIN)/python -m tests.mutation.score .build/mutation --fail-under 90

.PHONY: format
format: $(READY) ## put the code into shape
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --quiet --fix

.PHONY: lint
lint: $(READY) ## format, lint, types, import rules, template
	@$(BIN)/ruff format --check --quiet || { echo "run make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint template.yaml

.PHONY: check
check: lint check-requirements check-openapi test demo-once ## everything that CI runs

# ---------------------------------------------------------------- artefacts

$(SAM): requirements/sam.txt .python-version | $(UV)
	@echo "setting up: AWS SAM CLI"
	@$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" .sam
	@$(UV) pip sync --quiet --python .sam/bin/python --require-hashes requirements/sam.txt
	@touch $@

# A layer's BuildArchitecture can be no parameter: the template is built with what was asked for.
.PHONY: build
build: $(READY) $(SAM) ## the functions and the layer as they are deployed, in .aws-sam/build; ARCH=x86_64 for Intel
	@mkdir -p .build
	@sed 's/\(BuildArchitecture\|Default\): arm64/\1: $(ARCH)/' template.yaml > .build/template.yaml
	@PATH="$(CURDIR)/$(BIN):$$PATH" SAM_CLI_TELEMETRY=0 $(SAM) build --template .build/template.yaml --base-dir . \
	  --cached --cache-dir .build/sam-cache --parameter-overrides Architecture=$(ARCH) >.build/sam.log 2>&1 || { cat .build/sam.log >&2; exit 1; }
	@$(BIN)/python -m infra.packaging

.build/runtime/.ready: requirements/runtime.txt | $(UV)
	@rm -rf .build/runtime && mkdir -p .build/runtime
	@$(UV) pip install --quiet --no-deps --require-hashes --python $(BIN)/python --target .build/runtime -r requirements/runtime.txt
	@$(BIN)/python -m compileall -q .build/runtime
	@touch $@

.PHONY: test-runtime
test-runtime: $(READY) .build/runtime/.ready ## the artefacts in Lambda's own runtime, as plain processes: what they load, cold and warm
	@$(MAKE) build ARCH=$$(uname -m | sed 's/aarch64/arm64/')
	@$(BIN)/pytest tests/runtime -m '' -s

# ---------------------------------------------------------------- derived files

# One resolution (all.txt); every other file is a part of it.
COMPILE = $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate \
  --python-version 3.13 --universal pyproject.toml
PARTS := core:layers/core/requirements.txt api:functions/recommend_api/requirements.txt \
  api:functions/ingest_events/requirements.txt numerics:functions/refresh_topk/requirements.txt \
  training:training/requirements.txt
EMPTY_PARTS := functions/release_model/requirements.txt
OUT ?= .

.PHONY: upgrade
upgrade: $(UV) ## resolve anew, then derive
	@$(COMPILE) --group dev --upgrade -o requirements/all.txt
	@$(COMPILE) --group sam --upgrade -o requirements/sam.txt
	@$(COMPILE) --group runtime --upgrade -o requirements/runtime.txt
	@$(MAKE) requirements

.PHONY: requirements
requirements: $(UV) ## pins of the environment and of each Lambda from pyproject.toml
	@mkdir -p $(OUT)/requirements
	@$(COMPILE) --group dev -c requirements/all.txt -o $(OUT)/requirements/all.txt
	@$(COMPILE) --group sam -c requirements/sam.txt -o $(OUT)/requirements/sam.txt
	@$(COMPILE) --group runtime -c requirements/runtime.txt -o $(OUT)/requirements/runtime.txt
	@set -e; for part in $(PARTS); do \
	  file=$(OUT)/$${part#*:}; mkdir -p $$(dirname $$file); \
	  $(COMPILE) --group $${part%%:*} -c requirements/all.txt -o $$file; done
	@set -e; for file in $(EMPTY_PARTS); do mkdir -p $$(dirname $(OUT)/$$file); \
	  echo "# nothing beyond the layer" > $(OUT)/$$file; done

.PHONY: check-requirements
check-requirements: $(UV) ## are they in step?
	@rm -rf .build/requirements && mkdir -p .build/requirements
	@$(MAKE) requirements OUT=.build/requirements
	@cd .build/requirements && for file in $$(find . -name '*.txt'); do \
	  diff -u ../../$$file $$file || { echo "$$file is not what pyproject.toml says; run make requirements" >&2; exit 1; }; done

.PHONY: openapi
openapi: $(READY) ## the API's description and page
	@$(BIN)/python -m infra.cli.openapi

.PHONY: check-openapi
check-openapi: $(READY) ## are they in step?
	@$(BIN)/python -m infra.cli.openapi --check

# ---------------------------------------------------------------- figures

.PHONY: bench-quality
bench-quality: $(READY) ## ALS beside popularity; DATA=<MovieLens directory>
	@$(BIN)/python -m tests.benchmarks.quality --data "$(or $(DATA),../shared/data/ml-latest-small)"

.PHONY: load
load: $(READY) ## 2,000 requests at concurrency 4 against http://localhost:8000 (run `make demo` beside it)
	@$(BIN)/python -m tests.benchmarks.load

.PHONY: bench-outages
bench-outages: $(READY) ## what is served in each outage: 500 requests at concurrency 4, warm and cold
	@$(BIN)/python -m tests.benchmarks.outages

.PHONY: bench-import
bench-import: $(READY) ## imports of 2 and 20 million rows, interrupted, killed and resumed: rows a second, memory, each row once
	@$(BIN)/python -m tests.benchmarks.imports

.PHONY: bench-fuzz
bench-fuzz: $(READY) ## 25,000 hostile requests and 25,000 events against the whole platform
	@$(BIN)/python -m tests.benchmarks.fuzz
