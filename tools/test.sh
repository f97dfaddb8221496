#!/bin/sh
# All checks, cheapest first; the first that fails ends the run with its exit code. pytest comes last, so its closing line
# ends the output.
set -eu
cd "$(dirname "$0")/.."
sh tools/setup.sh dev
sh tools/setup_tests.sh
PATH="$PWD/.venv/bin:$PATH"
export PATH

step() { sh tools/step.sh "$@"; }

sh tools/lint.sh
step "page: unit tests (vitest)" npm --prefix web run --silent test
step "page: build" python tools/web_bundle.py

# Playwright keeps an event loop running in its process, which other asynchronous tests cannot bear: browsers have their own.
if [ "${BROWSER:-yes}" = no ]; then
    echo "note: BROWSER=no, the browser tests are left out"
else
    step "page: in the browser (pytest -m browser)" python -m pytest -q tests/browser -m "browser and not soak"
fi
echo "==> Python tests: unit, properties, venues, integration, architecture, examples, doctests (pytest)"
# Two processes, whole tests each: the machine that checks has two cores.
exec python -m pytest -q -n 2 --dist worksteal -m "not soak and not browser" --durations=10
