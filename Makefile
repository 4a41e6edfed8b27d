# Everything happens in .venv, .venv-peers and .demo beside this file.
# Targets: demo, check, test, coverage, catalogue, matrix, benchmarks, versions, lint, docs, pictures, messages, release-check, clean.
#   make demo ARGS=--exit     ends by itself after the report; ARGS="--seconds 60 --port 9000", ARGS=--help
#   make test ARGS="-k chat"  passes options on to pytest
#   make … PYTHON=python3.13  makes .venv with that interpreter

PYTHON ?= python3
ARGS ?=
VENV := .venv
IN_VENV := $(VENV)/bin/python
# Daphne's autobahn has no wheel for the newest Python yet, and its C code would need headers and a compiler.
export AUTOBAHN_USE_NVX ?= 0

.PHONY: demo check test coverage catalogue matrix benchmarks versions lint docs pictures messages release-check clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed-demo
	@$(IN_VENV) -m testproject.demo $(ARGS)

# Takes all pictures and the recording in docs/images again; needs Chromium.
pictures: $(VENV)/installed-demo
	@$(IN_VENV) -m testproject.demo.pictures

# For every few minutes of work: no test that measures real time, starts a server or opens a browser.
check: lint
	$(IN_VENV) -m tests --quick $(ARGS)

# All tests: in parallel, and those that measure real time alone afterwards.
test: $(VENV)/installed-test
	$(IN_VENV) -m tests $(ARGS)

# Which lines and branches the tests reach, on the Python that hardly slows them for it.
coverage:
	@$(MAKE) --no-print-directory versions ARGS="--tags coverage -- $(ARGS)"

catalogue: $(VENV)/installed-test
	$(IN_VENV) -m pytest -m "" $(ARGS) tests/detection/test_catalogue.py

# The catalogue beside other tools of the field, which get an environment of their own.
matrix:
	@$(MAKE) --no-print-directory VENV=.venv-peers .venv-peers/installed-peers
	@.venv-peers/bin/python -m tests.detection.catalogue.matrix $(ARGS)

# What it costs, beside the same tools; wants a machine that does nothing else.
benchmarks:
	@$(MAKE) --no-print-directory VENV=.venv-peers .venv-peers/installed-peers
	@.venv-peers/bin/python -m tests.benchmarks $(ARGS)

# On every Python and Django, as far as the interpreters are there: see noxfile.py.
versions: $(VENV)/installed-versions
	$(IN_VENV) -m nox $(ARGS)

lint: $(VENV)/installed-lint
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy
	$(IN_VENV) manage.py makemigrations --check --dry-run

# The documents as a site, in docs/_build.
docs: $(VENV)/installed-docs
	$(IN_VENV) -m sphinx -W --keep-going -q -b html docs docs/_build

# Brings the translations up to date, to be completed by hand, and compiles them; needs gettext.
messages: $(VENV)/installed-test
	cd loopwatch && ../$(IN_VENV) ../manage.py makemessages --all --no-location --no-obsolete
	cd loopwatch && ../$(IN_VENV) ../manage.py compilemessages

# Builds the packages into dist/, checks them, and uses each from a fresh environment.
release-check: $(VENV)/installed-release
	.ci/release-check $(abspath $(IN_VENV))

clean:
	rm -rf dist $(VENV) .venv-peers .demo .nox docs/_build

# pip knows dependency groups from 25.1 on. It compiles the hot path, too, if there is a compiler.
$(VENV)/installed-%: pyproject.toml hatch_build.py $(wildcard loopwatch/detection/timing/*.[ch]) | $(VENV)/made
	@echo "Installing what 'make $*' needs into $(VENV) …"
	@$(IN_VENV) -m pip install --quiet --disable-pip-version-check --editable . --group $* || \
		{ echo "pip could not install it; its own words are above. Is the package index within reach?" >&2; exit 1; }
	@touch $@

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "'$(PYTHON)' is missing or older than Python 3.11. Name another: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV) || { \
		echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu, install python3-venv." >&2; exit 1; }
	@$(IN_VENV) -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' || { \
		echo "pip could not update itself; its own words are above. Is the package index within reach?" >&2; exit 1; }
	@touch $@
