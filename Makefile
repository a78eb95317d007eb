# make demo: install into .venv and see one model learn all eight problems.  make test: ruff, mypy, and the tests on the installed package.
# make docs: build the documentation into site/.  make docs-serve: show it while you write.
PYTHON ?= python3
VENV := .venv

.PHONY: demo test lint docs docs-serve install check-python clean

demo: install
	$(VENV)/bin/python -P -m t2tlite.bin.demo

test: install lint
	T2TLITE_TEST_INSTALLED=1 $(VENV)/bin/pytest -q -n 2 --dist worksteal

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

docs: install
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build

docs-serve: install
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs serve --watch=README.md

# The package itself is installed anew each time, as a wheel, so that what runs is what a user gets; without isolation,
# so that this needs no network. `build` would hold on to files that have been deleted since.
install: $(VENV)/installed
	rm -rf build
	$(VENV)/bin/pip install --quiet --no-deps --no-build-isolation --force-reinstall .

$(VENV)/installed: pyproject.toml constraints.txt | check-python
	rm -rf $(VENV) build
	$(PYTHON) -m venv $(VENV)
	@echo "Installing TensorFlow and what else t2tlite needs: about 3 GB in $(VENV), several minutes."
	$(VENV)/bin/pip install --quiet -c constraints.txt "setuptools>=77" ".[dev]"
	touch $@

check-python:
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); \
	  sys.exit(None if ok else "t2tlite needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is " \
	  + sys.version.split()[0] + "; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)")'

clean:
	rm -rf $(VENV) build *.egg-info
