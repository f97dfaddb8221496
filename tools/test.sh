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

marks="not soak"
if [ "${BROWSER:-yes}" = no ]; then
    echo "note: BROWSER=no, the browser tests are left out"
    marks="not soak and not browser"
fi
echo "==> Python tests: unit, properties, venues, integration, architecture, browser, examples, doctests (pytest)"
exec python -m pytest -m "$marks" --durations=10
