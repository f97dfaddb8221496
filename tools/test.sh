#!/bin/sh
# All checks, cheapest first; the first that fails ends the run with its exit code. pytest comes last, so its closing line
# ends the output. The machine that checks has two cores: whatever takes long is done by two processes.
set -eu
cd "$(dirname "$0")/.."
# Hundreds of processes start here: what one has compiled to byte code, the next shall not compile again.
unset PYTHONDONTWRITEBYTECODE
sh tools/setup.sh dev
sh tools/setup_tests.sh
PATH="$PWD/.venv/bin:$PATH"
export PATH

step() { sh tools/step.sh "$@"; }

page() {
    sh tools/lint.sh page
    step "page: unit tests (vitest)" npm --prefix web run --silent test
    step "page: build" python tools/web_bundle.py
}

# The page beside Python; what it says comes afterwards, in one piece.
mkdir -p build
(page) >build/page.log 2>&1 &
beside=$!
failed=0
{ sh tools/lint.sh python && step "kernels (compiled once, for all processes that follow)" python tools/compile_kernels.py; } || failed=$?
wait $beside || failed=$?
cat build/page.log
if [ $failed -ne 0 ]; then
    echo "==> FAILED, see above: $(grep -h '^==> FAILED' build/page.log || echo 'the Python half') (exit code $failed)" >&2
    exit $failed
fi

# Playwright keeps an event loop running in its process, which other asynchronous tests cannot bear: browsers have their own.
if [ "${BROWSER:-yes}" = no ]; then
    echo "note: BROWSER=no, the browser tests are left out"
else
    step "page: in the browser (pytest -m browser)" \
        python -m pytest -q -n 2 --dist worksteal tests/browser -m "browser and not soak" --durations=5
fi
echo "==> Python tests: unit, properties, venues, integration, architecture, examples, doctests (pytest)"
exec python -m pytest -q -n 2 --dist worksteal -m "not soak and not browser" --durations=10
