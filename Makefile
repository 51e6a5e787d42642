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
MINISTACK := .ministack/bin/ministack
CHECKOV := .checkov/bin/checkov
ARCH ?= arm64
DATA ?=
# Processes that share the tests, a file each at a time.
WORKERS ?= 2
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
	rm -rf .boot .venv .checkov .ministack .sam .aws-sam .build .topshelf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage* coverage.xml

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
	@mkdir -p .build/reports
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report=xml:.build/reports/coverage.xml --junit-xml=.build/reports/junit.xml
	@$(BIN)/coverage report --skip-covered --fail-under=90

.PHONY: test-all
test-all: $(READY) ## the tests, slow ones too
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m ''

# mutmut wants the folder of the code to be named src.
.PHONY: mutation
mutation: $(READY) ## does a test notice when ranking, weighing, topk, ids, events or serving change? 1,500 changes, 8 minutes
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
	@$(BIN)/python -m infra.pipeline.declarative Jenkinsfile
	@$(MAKE) lint-template

.PHONY: lint-template
lint-template: $(READY) $(SAM) $(CHECKOV) ## template.yaml: cfn-lint, sam validate, checkov
	@$(BIN)/cfn-lint template.yaml
	@mkdir -p .build
	@SAM_CLI_TELEMETRY=0 $(SAM) validate --lint --region us-east-1 >.build/validate.log 2>&1 || { cat .build/validate.log >&2; exit 1; }
	@$(CHECKOV) --config-file .checkov.yaml >.build/checkov.log 2>&1 || { cat .build/checkov.log >&2; exit 1; }

.PHONY: check
check: lint check-requirements check-openapi check-grants test demo-once ## everything that CI runs

# ---------------------------------------------------------------- artefacts

$(SAM): requirements/sam.txt .python-version | $(UV)
	@echo "setting up: AWS SAM CLI"
	@$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" .sam
	@$(UV) pip sync --quiet --python .sam/bin/python --require-hashes requirements/sam.txt
	@touch $@

$(CHECKOV): requirements/checkov.txt .python-version | $(UV)
	@echo "setting up: checkov"
	@$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" .checkov
	@$(UV) pip sync --quiet --python .checkov/bin/python --require-hashes requirements/checkov.txt
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

$(MINISTACK): requirements/ministack.txt .python-version | $(UV)
	@echo "setting up: MiniStack"
	@$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" .ministack
	@$(UV) pip sync --quiet --python .ministack/bin/python --require-hashes requirements/ministack.txt
	@touch $@

.PHONY: test-stack
test-stack: $(READY) $(MINISTACK) ## template.yaml deployed by CloudFormation to MiniStack: every resource, and the platform at work on it
	@$(MAKE) build ARCH=$$(uname -m | sed 's/aarch64/arm64/')
	@$(BIN)/pytest tests/stack -m '' -s

# ---------------------------------------------------------------- containers

# stand-in: images made from Debian's packages; real: python and public.ecr.aws/lambda/python.
IMAGES ?= stand-in
# Debian mirror for stand-ins; the one that apt uses here unless given.
MIRROR ?=
IMAGE ?=
CONTAINERS = $(BIN)/python -m infra.containers

.build/training/.ready: training/requirements.txt | $(UV)
	@rm -rf .build/training && mkdir -p .build/training
	@$(UV) pip install --quiet --no-deps --require-hashes --python $(BIN)/python --target .build/training -r training/requirements.txt
	@touch $@

.PHONY: image
image: $(READY) .build/training/.ready ## the training image; IMAGES=real from python:3.13-slim
	@$(CONTAINERS) image --images $(IMAGES) --mirror "$(MIRROR)"

.PHONY: push-image
push-image: $(READY) ## push it: IMAGE=<registry>/<name>:<tag>, after docker login
	@test -n "$(IMAGE)" || { echo "name the image in your registry: make push-image IMAGE=<registry>/<name>:<tag>" >&2; exit 1; }
	@$(CONTAINERS) push "$(IMAGE)"

.PHONY: test-sam
test-sam: $(READY) $(SAM) .build/runtime/.ready .build/training/.ready ## sam local and the training image, in containers; starts an engine if none runs; IMAGES=real
	@began=$$(date +%s); \
	$(CONTAINERS) install --images $(IMAGES); \
	$(MAKE) build ARCH=$$(uname -m | sed 's/aarch64/arm64/'); \
	$(BIN)/pytest tests/sam tests/packaging/test_wheel_too_new.py -m '' -s --images $(IMAGES) --mirror "$(MIRROR)"; \
	echo "make test-sam: $$(( $$(date +%s) - began )) s"

.PHONY: docker-engine
docker-engine: $(READY) ## a Docker engine until Ctrl-C, for several of these in a row
	@$(CONTAINERS) engine

.PHONY: docker-clean
docker-clean: $(READY) ## remove containers, networks and images that were made here
	@$(CONTAINERS) clean

# ---------------------------------------------------------------- the pipeline's stages

# aws, or local: a local cloud in its place. STAGE is one of infra/pipeline/stages.toml.
TARGET ?= aws
STAGE ?= staging
PIPELINE = $(BIN)/python -m infra.pipeline
LINT := .build/lint/node_modules/.bin/npm-groovy-lint

# Stages run beside each other: what they share is made before.
.PHONY: setup-all
setup-all: $(READY) $(SAM) $(CHECKOV) $(MINISTACK) $(LINT) ## everything that the stages need, pinned

.PHONY: check-code
check-code: lint lint-pipeline check-requirements check-openapi check-grants ## every check that runs no code of ours

.PHONY: build-native
build-native: ## the build for this machine's processor
	@$(MAKE) build ARCH=$$(uname -m | sed 's/aarch64/arm64/')

.PHONY: deploy
deploy: $(READY) $(SAM) ## deploy what was built; STAGE=staging, TARGET=local for a local cloud
	@$(PIPELINE) deploy --stage $(STAGE) --target $(TARGET)

.PHONY: smoke
smoke: $(READY) ## try everything that a deployed stage offers, once; STAGE, TARGET
	@$(PIPELINE) smoke --stage $(STAGE) --target $(TARGET)

.PHONY: load-test
load-test: $(READY) ## 2,000 requests to a deployed stage: p99 < 100 ms, errors < 0.1%; STAGE, TARGET, P99_MS, ERROR_SHARE
	@$(PIPELINE) load-test --stage $(STAGE) --target $(TARGET)

.PHONY: canary
canary: $(READY) $(SAM) ## release step by step, tried and watched; STAGE, TARGET
	@$(PIPELINE) canary --stage $(STAGE) --target $(TARGET)

.PHONY: promote
promote: $(READY) ## make sure that a release has all requests and no alarm rings; STAGE, TARGET
	@$(PIPELINE) promote --stage $(STAGE) --target $(TARGET)

.PHONY: roll-back
roll-back: $(READY) ## go back to the code from before the last canary; STAGE, TARGET
	@$(PIPELINE) roll-back --stage $(STAGE) --target $(TARGET)

.PHONY: promote-or-roll-back
promote-or-roll-back: $(READY) ## promote where the canary passed, else roll back; STAGE, TARGET
	@$(PIPELINE) promote-or-roll-back --stage $(STAGE) --target $(TARGET)

.PHONY: notify
notify: $(READY) ## tell how a run of the pipeline ended; RESULT, TOPSHELF_NOTICE_TOPIC
	@$(PIPELINE) notify --target $(TARGET)

.PHONY: stage-down
stage-down: $(READY) ## end a stage's local cloud; STAGE
	@$(PIPELINE) down --stage $(STAGE)

$(LINT): infra/pipeline/lint/package-lock.json infra/pipeline/lint/package.json
	@command -v npm >/dev/null && command -v java >/dev/null || { \
	  echo "linting the Jenkinsfile needs Node 20 with npm, and Java 17 (Debian: apt-get install nodejs npm default-jre-headless)" >&2; exit 1; }
	@mkdir -p .build/lint && cp $^ .build/lint
	@cd .build/lint && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: check-declarative
check-declarative: $(READY) ## is the Jenkinsfile Declarative Pipeline, by its documented grammar?
	@$(BIN)/python -m infra.pipeline.declarative Jenkinsfile

.PHONY: lint-pipeline
lint-pipeline: check-declarative $(LINT) ## the same, and npm-groovy-lint (15 s)
	@$(LINT) --noserver --config "$(CURDIR)/infra/pipeline/lint/.groovylintrc.json" --failon info --loglevel info Jenkinsfile > .build/lint/report.txt 2>&1 || { cat .build/lint/report.txt >&2; exit 1; }

.PHONY: upgrade-lint
upgrade-lint: $(READY) ## pins of npm-groovy-lint anew, with hashes and without addresses
	@cd infra/pipeline/lint && npm install --silent --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	@$(BIN)/python -m infra.pipeline.lint infra/pipeline/lint/package-lock.json

# FROM and TO are stages of the Jenkinsfile: FROM="Deploy to staging" leaves out what ran before.
.PHONY: test-pipeline
test-pipeline: $(READY) ## the Jenkinsfile's stages in order by their targets, a local cloud for AWS; FROM, TO
	@$(BIN)/pytest tests/pipeline -m slow -s $(if $(FROM),--from-stage="$(FROM)") $(if $(TO),--to-stage="$(TO)")

# ---------------------------------------------------------------- derived files

# One resolution (all.txt); every other file is a part of it.
COMPILE = $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate \
  --python-version 3.13 --universal pyproject.toml
PARTS := core:layers/core/requirements.txt api:functions/recommend_api/requirements.txt \
  api:functions/ingest_events/requirements.txt numerics:functions/refresh_topk/requirements.txt \
  training:training/requirements.txt
EMPTY_PARTS := functions/check_deployment/requirements.txt functions/release_model/requirements.txt
OUT ?= .

.PHONY: upgrade
upgrade: $(UV) ## resolve anew, then derive
	@$(COMPILE) --group dev --upgrade -o requirements/all.txt
	@$(COMPILE) --group checkov --upgrade -o requirements/checkov.txt
	@$(COMPILE) --group ministack --upgrade -o requirements/ministack.txt
	@$(COMPILE) --group sam --upgrade -o requirements/sam.txt
	@$(COMPILE) --group runtime --upgrade -o requirements/runtime.txt
	@$(MAKE) requirements

.PHONY: requirements
requirements: $(UV) ## pins of the environment and of each Lambda from pyproject.toml
	@mkdir -p $(OUT)/requirements
	@$(COMPILE) --group dev -c requirements/all.txt -o $(OUT)/requirements/all.txt
	@$(COMPILE) --group checkov -c requirements/checkov.txt -o $(OUT)/requirements/checkov.txt
	@$(COMPILE) --group ministack -c requirements/ministack.txt -o $(OUT)/requirements/ministack.txt
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

.PHONY: grants
grants: $(READY) ## what each role may do, docs/grants.md
	@$(BIN)/python -m infra.grants

.PHONY: check-grants
check-grants: $(READY) ## is it in step?
	@$(BIN)/python -m infra.grants --check

# ---------------------------------------------------------------- figures

.PHONY: bench-quality
bench-quality: $(READY) ## ALS beside popularity; DATA=<MovieLens directory>
	@$(BIN)/python -m tests.benchmarks.quality --data "$(or $(DATA),../shared/data/ml-latest-small)"

.PHONY: bench-recency
bench-recency: $(READY) ## what recency is worth on three MovieLens sets, with a gap and without (2 minutes); DATA=<their folder>
	@$(BIN)/python -m tests.benchmarks.recency --data "$(or $(DATA),../shared/data)"

.PHONY: bench-protocols
bench-protocols: $(READY) ## ALS beside six baselines on MovieLens 1M, by two protocols; DATA=<ml1m.npz>
	@$(BIN)/python -m tests.benchmarks.protocols --data "$(or $(DATA),../shared/data/ml1m.npz)"

.PHONY: bench-weak-signals
bench-weak-signals: $(READY) ## low ratings as weak evidence beside likes only, on MovieLens 1M (a minute); DATA=<ml1m.npz>
	@$(BIN)/python -m tests.benchmarks.weak_signals --data "$(or $(DATA),../shared/data/ml1m.npz)"

.PHONY: bench-training
bench-training: $(READY) ## an iteration of ALS beside implicit, irspack and Spark (a few minutes)
	@$(BIN)/python -m tests.benchmarks.speed_training

.PHONY: bench-ranking
bench-ranking: $(READY) ## the best 50 items of 100,000 viewers beside the product alone and implicit (a few minutes)
	@$(BIN)/python -m tests.benchmarks.speed_ranking

.PHONY: bench-spark
bench-spark: $(READY) ## the training on Spark beside that of one machine: quality, seconds; DATA=<ml1m.npz>
	@$(BIN)/python -m tests.benchmarks.spark_quality --data "$(or $(DATA),../shared/data/ml1m.npz)"

.PHONY: bench-spark-slice
bench-spark-slice: USERS = 100000
bench-spark-slice: EVENTS = 5000000
bench-spark-slice: $(READY) ## the whole job on Spark beside that of one machine, a tenth of a million viewers; USERS=, ITEMS=, EVENTS=
	@$(BIN)/python -m tests.benchmarks.spark_slice --users $(USERS) --items $(ITEMS) --events $(EVENTS)

.PHONY: bench-scale
bench-scale: $(READY) ## what viewers, movies, interactions and factors cost: seconds, memory, dollars (2 minutes)
	@$(BIN)/python -m tests.benchmarks.scale

.PHONY: load
load: $(READY) ## 2,000 requests at concurrency 4 against http://localhost:8000 (run `make demo` beside it)
	@$(BIN)/python -m tests.benchmarks.load

.PHONY: bench-outages
bench-outages: $(READY) ## what is served in each outage: 500 requests at concurrency 4, warm and cold
	@$(BIN)/python -m tests.benchmarks.outages

.PHONY: bench-import
bench-import: $(READY) ## imports of 2 and 20 million rows, interrupted, killed and resumed: rows a second, memory, each row once
	@$(BIN)/python -m tests.benchmarks.imports

USERS ?= 1000000
ITEMS ?= 27000
EVENTS ?= 50000000

.PHONY: bench-million
bench-million: $(READY) ## the training job at size: wall time by stage, memory, lists stored and read; USERS=, ITEMS=, EVENTS=
	@$(BIN)/python -m tests.benchmarks.million --users $(USERS) --items $(ITEMS) --events $(EVENTS)

.PHONY: bench-fuzz
bench-fuzz: $(READY) ## 25,000 hostile requests and 25,000 events against the whole platform
	@$(BIN)/python -m tests.benchmarks.fuzz
