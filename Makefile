# Two commands are enough: `make demo` shows a night at the line, `make test` checks everything.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
UI_SOURCES := $(shell find console-ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: help demo test lint types bench bench-night golden docs night picture install ui clean lock sbom peers

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: install ## replay one night at the Horadiz sector; ARGS="--headless" for the fast run
	@$(BIN)/araz demo $(ARGS)

test: install $(VENV)/.dev ## everything CI runs: lint, types, contracts, tests
	@tools/check.sh $(ARGS)

install: $(VENV)/.core ui $(VENV)/.warm ## environment, map, compiled kernels

$(VENV)/.core: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Araz needs Python 3.11 or newer; set PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || { echo "creating the environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the libraries (a few minutes the first time)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

ui: src/araz/console/static/index.html ## build the map for the browser

src/araz/console/static/index.html: $(UI_SOURCES) tools/build_ui.sh
	@tools/build_ui.sh $(BIN)/python

$(VENV)/.warm: $(VENV)/.core $(wildcard src/araz/tracking/*.py src/araz/geography/*.py)
	@rm -f src/araz/*/__pycache__/*.nb[ci] # a cached kernel does not notice a change in one it calls
	@echo "compiling the numeric kernels once (a minute or two; cached afterwards)"
	@$(BIN)/araz warm
	@touch $@

lint: $(VENV)/.dev ## style, layers, types
	@tools/check.sh --lint-only

bench: install $(VENV)/.dev ## measure every promise of docs/measured.md (long)
	@$(BIN)/python bench/run.py $(ARGS)

bench-night: install $(VENV)/.dev ## the gates of a night over every scenario, 20 seeds each (hours; goes on where it stopped)
	@$(BIN)/python bench/night.py $(ARGS)
	@$(BIN)/python bench/run.py --only night

golden: $(VENV)/.dev ## write the golden files again; look at the diff
	@$(BIN)/python tools/golden.py

night: $(VENV)/.core ## simulate the demo night again and pack it into scenarios/demo
	@$(BIN)/python tools/ship_night.py $(ARGS)

docs: $(VENV)/.dev ## write the generated pages again
	@$(BIN)/python tools/generate.py

picture: install $(VENV)/.dev ## photograph the console of the demo night again for the README
	@$(BIN)/python tools/screenshot.py $(ARGS)

peers: ## Debian packages that tests use as judges (needs root): tshark, chromium, dump1090, nats-server, postgresql, rabbitmq
	@tools/install_peers.sh

sbom: $(VENV)/.dev ## the bill of materials of what is installed, CycloneDX
	@$(BIN)/python tools/sbom.py $(ARGS)

lock: $(VENV)/.dev ## pin what is installed, for development
	@$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check > requirements-dev.lock

clean: ## remove everything that was built
	@rm -rf $(VENV) out console-ui/node_modules console-ui/dist src/araz/console/static
