# Everything a person or CI does with this project. Each step leaves a stamp and is not done twice.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STATIC := nnviz_widgets/static
BUNDLE := $(foreach name,inspector page,$(STATIC)/$(name).js $(STATIC)/$(name).css) $(STATIC)/annex.js
GENERATED := js/src

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-js test-python check format bench soak gallery protocol pins build chromium clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- what people ask for ----------------------------------------------------------------------------------------------

demo: setup ## open the quickstart notebook in JupyterLab on this machine, and print its URL
	$(BIN)/python scripts/demo.py

# All three even if one fails. What waits for a browser comes by itself, since it waits for a processor. The rest mostly
# traces steps, which takes one processor: a process for each, each with whole files, as fixtures of a file are shared.
test: setup chromium $(VENV)/kernels.stamp ## run every test: TypeScript, Python, TensorFlow, wheel, notebooks, browser
	@npm --prefix js test; js=$$?; $(MAKE) --no-print-directory test-python && exit $$js

test-js: setup chromium
	npm --prefix js test

test-python: setup chromium $(VENV)/kernels.stamp
	@$(BIN)/python -m pytest -m "not soak and not browser" --numprocesses logical --maxprocesses 4 --dist loadfile; \
		quick=$$?; $(BIN)/python -m pytest -m "not soak and browser" && exit $$quick

check: setup ## format, lint, types, sizes and import arrows, nothing written
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	npm --prefix js run check
	npm --prefix js run --silent size
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_protocol.py

format: setup ## write what `make check` wants, where a tool can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	npm --prefix js run format

bench: setup ## print the figures: time and size beside what a user would take instead
	$(BIN)/python -m benchmarks

soak: setup chromium $(VENV)/kernels.stamp ## run the long fault cases in full length
	$(BIN)/python -m pytest -m soak --timeout 2400

gallery: setup chromium ## write the notebooks as pages that move, and photograph each kind of layer: docs/gallery
	$(BIN)/python -m scripts.gallery

protocol: $(VENV)/installed.stamp ## write the TypeScript side of the protocol anew
	$(BIN)/python scripts/write_protocol.py $(GENERATED)

pins: ## write constraints.txt anew with the newest versions
	scripts/pins "$(PYTHON)"

build: setup ## make the sdist and the wheel in dist/
	$(BIN)/python -m build --no-isolation

clean: ## remove what was built
	rm -rf $(STATIC) dist build js/dist tests/browser/shots .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean ## and what was installed
	rm -rf $(VENV) js/node_modules

# --- steps ------------------------------------------------------------------------------------------------------------

setup: $(VENV)/installed.stamp $(BUNDLE) ## install and build, and do nothing else

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later is needed and was not found" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

# The build backend comes first and pinned too: the editable install then needs nothing that is not in constraints.txt.
# The front end is a step of its own below, so the build hook has nothing to do here.
$(VENV)/installed.stamp: pyproject.toml constraints.txt nnviz_widgets/_version.py | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt hatchling hatch-jupyter-builder
	SKIP_JUPYTER_BUILDER=1 $(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--no-build-isolation --editable '.[dev]'
	$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements
	@touch $@

$(VENV)/kernels.stamp: tests/browser/kernels.py $(VENV)/installed.stamp
	$(BIN)/python tests/browser/kernels.py
	@touch $@

js/node_modules/installed.stamp: js/package.json js/package-lock.json
	npm --prefix js ci --no-audit --no-fund
	@touch $@

$(BUNDLE) &: js/node_modules/installed.stamp js/build.mjs js/annex.mjs js/tsconfig.json $(shell find js/src -type f)
	npm --prefix js run build
	@touch $(BUNDLE)

chromium:
	@scripts/chromium
