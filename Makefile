# footloom: `make run` to see it, `make test` to check it.
# Needs Python 3.11 to 3.14; everything else goes into .venv. PYTHON=/path/to/python3 chooses the interpreter.

PYTHON ?=
BROWSER ?= yes
ARGS ?=
export PYTHON BROWSER
PY = .venv/bin/python

.PHONY: help run test lint format soak audit bench bench-check clean

help:
	@echo "make run          install into .venv and start the demo (ARGS=... are passed to footloom demo)"
	@echo "make test         everything that has to hold: about eight minutes on two cores"
	@echo "make lint         rules, types and layers only"
	@echo "make format       put the code into its format"
	@echo "make soak         the long versions of the tests"
	@echo "make audit        look for known weaknesses in what footloom stands on (asks the network, and says when nobody answers)"
	@echo "make bench        measure every promise and print one table (BENCH=name for one)"
	@echo "make bench-check  the same, failing when a ratio is under its floor"
	@echo "make clean        remove what was built (not .venv, not your data)"

run:
	@sh tools/setup.sh run
	@echo "==> starting the demo (Ctrl-C stops it)"
	@exec .venv/bin/footloom demo $(ARGS)

test:
	@sh tools/test.sh

lint:
	@sh tools/setup.sh dev
	@sh tools/setup_tests.sh
	@sh tools/lint.sh

format:
	@sh tools/setup.sh dev
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .
	@if [ -d web/node_modules ]; then npm --prefix web run --silent format; fi

soak:
	@sh tools/setup.sh dev
	@sh tools/setup_tests.sh
	@$(PY) tools/web_bundle.py
	@$(PY) -m pip install -q --disable-pip-version-check --only-binary :all: "atheris>=2.3" || echo "no atheris here: hypothesis fuzzes alone"
	@FOOTLOOM_TEST_PROFILE=soak $(PY) -m pytest -m "soak or slow" --timeout 7200
	@FOOTLOOM_TEST_PROFILE=soak $(PY) -m pytest -m "hypothesis and not browser" --timeout 7200

audit:
	@sh tools/setup.sh dev
	@mkdir -p build
	@$(PY) tools/audit.py $(ARGS)

bench:
	@sh tools/setup.sh dev
	@$(PY) tools/web_bundle.py
	@$(PY) -m benchmarks $(BENCH)

bench-check:
	@sh tools/setup.sh dev
	@$(PY) tools/web_bundle.py
	@$(PY) -m benchmarks --check $(BENCH)

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks
	rm -rf src/footloom/server/static web/node_modules web/dist
	find src tests benchmarks tools examples -name __pycache__ -type d -exec rm -rf {} +
