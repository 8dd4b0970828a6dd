# make call   take a call at the keyboard        make call ARGS="--keys '1 2'"
# make simulator   place calls in a browser       make simulator ARGS="--policy own.toml"
# make test   run all but the long tests         make test ARGS='-k keypad'
# make screenshots   retake the pictures of the simulator in docs/simulator
# make prove  run the long tests, and repeat those that loop, with high counts
# make cover  rewrite the covering set in tests/cover, and the traces of all transcripts
# make check  format, lint, types, import rules, generated docs, the site
# make sbom   list every installed package: licenses, and an SBOM (build/sbom.cdx.json)
# make docs   rewrite the generated docs, and build the site (build/site)
# Each target sets up .venv if necessary, and again when pyproject.toml changes. In `make prove`,
# tests with a SOAP library in another language need npm, and those with a browser need npm and
# Chromium. Without these, they are skipped.

BIN := .venv/bin

# The first of these that is Python 3.11 or newer and can make a virtual environment is used.
PYTHON_CANDIDATES := python3 python3.15 python3.14 python3.13 python3.12 python3.11

# Three tests per core, because most of them wait for servers, calls, and timeouts.
WORKERS := $(shell echo $$((3 * $$(getconf _NPROCESSORS_ONLN))))

# Tests start hundreds of processes, each of which would compile the package again. If this is
# empty, bytecode is kept.
export PYTHONDONTWRITEBYTECODE :=

# Warnings, such as broken links within the site, are treated as errors.
SITE := $(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs build/site

.PHONY: setup call simulator test screenshots prove cover check check-code check-docs sbom docs clean

setup: .venv/.stamp

.venv/.stamp: pyproject.toml constraints.txt
	@for python in $(PYTHON) $(PYTHON_CANDIDATES); do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	        >/dev/null 2>&1; then \
	        echo "Setting up .venv with $$("$$python" --version): this fetches about 100 packages,"; \
	        echo 'and takes one to three minutes.'; \
	        "$$python" -m venv .venv && \
	        $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	            --constraint constraints.txt --editable '.[all,dev]' && \
	        touch $@; \
	        exit; \
	    fi; \
	done; \
	echo 'Python 3.11 or newer, with its venv module, is needed and was not found.' >&2; \
	echo 'On Debian and Ubuntu: apt-get install python3 python3-venv.' >&2; \
	echo 'For a Python that is not on the PATH: make setup PYTHON=/path/to/python3' >&2; \
	exit 1

call: setup
	@$(BIN)/paperless-ivr call $(ARGS)

simulator: setup
	@$(BIN)/paperless-ivr simulator $(ARGS)

NPM := tests/interop tests/simulator

tests/%/node_modules/.stamp: tests/%/package.json
	@if command -v npm >/dev/null; then \
	    echo 'Setting up $(<D) with npm'; \
	    (cd $(<D) && npm install --no-package-lock --no-audit --no-fund \
	        --loglevel=error && touch node_modules/.stamp) || \
	        echo 'npm failed: the tests in $(<D) that need it are skipped.' >&2; \
	fi

# Tests marked `alone` run first. Those that load the machine run one after another in one process,
# and those that mostly wait run in two others. Exit status 5 means that ARGS selected no tests.
define run-tests
	@failed=0; set -x; \
	$(BIN)/python -m pytest -n 3 -m 'alone and ($(1))' $(2) $(ARGS) || test $$? -eq 5 || failed=1; \
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not alone and ($(1))' $(2) $(ARGS) || \
	    test $$? -eq 5 || failed=1; \
	{ set +x; } 2>/dev/null; exit $$failed
endef

test: setup
	$(call run-tests,not long)

# The pictures of the page in the docs, taken by the tests that drive it. Each comes with the words
# that it shows; `make prove` compares them with the page, so an outdated picture fails.
screenshots: setup tests/simulator/node_modules/.stamp
	@mkdir -p build/screenshots
	PAPERLESS_IVR_SCREENSHOTS=build/screenshots $(BIN)/python -m pytest tests/simulator/test_page.py
	for name in text fault phone; do \
	    cp build/screenshots/simulator-$$name.png build/screenshots/simulator-$$name.txt docs/simulator || exit 1; \
	done

prove: export PAPERLESS_IVR_PROVE := 1
prove: setup $(NPM:%=%/node_modules/.stamp)
	$(call run-tests,prove or long,$$(grep -rlE --include='test_*.py' 'mark\.(prove|long)' tests | sort))

cover: setup
	$(BIN)/paperless-ivr transcripts --cover tests/cover
	$(BIN)/python -m tests.tracing

# Both halves run at the same time.
check: setup
	@$(MAKE) --no-print-directory --jobs=2 check-code check-docs

check-code:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

check-docs:
	$(BIN)/python docs/generate.py --check
	$(SITE)

sbom: setup
	@mkdir -p build
	$(BIN)/pip-licenses --python $(BIN)/python --order=license --output-file=build/licenses.txt
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-file build/sbom.cdx.json $(BIN)/python

# To read the site, open build/site/index.html.
docs: setup
	$(BIN)/python docs/generate.py
	$(SITE)

clean:
	rm -rf .venv $(NPM:%=%/node_modules) .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist htmlcov
	find src tests docs examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
