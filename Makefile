# Every command here works on a fresh machine with Python >= 3.11 and make, nothing else.
.DEFAULT_GOAL := help
.PHONY: help up test check bench fuzz package docs test-cockroach clean

BIN := .venv/bin
READY := .venv/.ready

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

# Made again only when the dependencies change.
$(READY): pyproject.toml uv.lock
	@./.ci/prepare

up: $(READY) ## run everything on this machine (PORT=8000, POUTAMA_HOME=.poutama)
	@$(BIN)/poutama up

# Hundreds of processes are started, and compile what they import, unless one leaves it to the next.
test: $(READY) ## run the whole test suite (ARGS="-k goals -x" narrows it)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto $(ARGS)

check: $(READY) ## lint, format, types, layers, sizes, names, and links of the docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q $(addprefix tests/unit/test_,floors.py sizes.py settings.py asserts.py once.py docs.py \
		names.py phrases.py)

bench: $(READY) ## measure requests a second beside their ceiling
	@$(BIN)/python -m bench $(ARGS)

package: $(READY) ## make the functions' zip files in dist/ (POUTAMA_FUNCTION_PYTHON=3.14)
	@$(BIN)/poutama package

docs: $(READY) ## write the generated pages, and build the site in dist/docs/
	@$(BIN)/poutama pages
	@echo "building the site: some 20 s"
	@$(BIN)/python -m sphinx -q -W --keep-going -d dist/.doctrees -b html docs dist/docs
	@echo "dist/docs/index.html"

fuzz: $(READY) ## ask a server of its own whatever the schema allows, for SECONDS=120
	@$(BIN)/python -m tests.e2e.fuzz --seconds $(or $(SECONDS),120) $(ARGS)

test-cockroach: $(READY) ## the suite on CockroachDB (a `cockroach` on PATH, or POUTAMA_COCKROACH_URL)
	@if [ -n "$$POUTAMA_COCKROACH_URL" ] || command -v cockroach >/dev/null; then \
		POUTAMA_TEST_ENGINE=cockroachdb $(BIN)/pytest $(ARGS); \
	else \
		echo "skipped: no cockroach on PATH, and POUTAMA_COCKROACH_URL is not set"; \
	fi

clean: ## remove the environment and caches, not your data (.poutama)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	find . -name node_modules -prune -exec rm -rf {} +
	find . -name __pycache__ -prune -exec rm -rf {} +
