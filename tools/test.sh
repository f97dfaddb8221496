#!/bin/sh
# All checks, cheapest first; the first that fails ends the run with its exit code. pytest comes last, so its closing line
# ends the output. The machine that checks has two cores: whatever takes long is done by two processes.
set -eu
cd "$(dirname "$0")/.."
# Hundreds of processes start here: what one has compiled to byte code, the next shall not compile again.
unset PYTHONDONTWRITEBYTECODE
PATH="$PWD/.venv/bin:$PATH"
export PATH

step() { sh tools/step.sh "$@"; }

page() {
    sh tools/lint.sh page
    step "page: unit tests (vitest)" npm --prefix web run --silent test
    step "page: build" python tools/web_bundle.py
}

machine() { sh tools/setup_tests.sh machine; }

kernels() {
    step "kernels (compiled once, for all processes that follow)" python tools/compile_kernels.py
    step "tests (read once, for all processes that follow)" sh -c \
        'python -m pytest --collect-only -qq >build/collected.txt || { cat build/collected.txt; exit 1; }'
}

# A weakness that became known today is not this change's fault: it is said, and the check goes on.
audit() { python tools/audit.py || echo "==> known weaknesses, see above: mend them before a release"; }

# Work beside: what it says comes with `finish`, in one piece.
pids=
failed=0
begin() {
    ("$1") >"build/$1.log" 2>&1 &
    pids="$pids $1=$!"
}
finish() {
    for one in $pids; do
        wait "${one#*=}" || failed=$?
        cat "build/${one%%=*}.log"
    done
    pids=
}
trap 'for one in $pids; do kill "${one#*=}" 2>/dev/null || :; done' EXIT

# The page needs Node alone: where that is here already, its half goes on while Python's packages are installed.
sh tools/setup_tests.sh check
sh tools/setup.sh bare
mkdir -p build && rm -f build/*.log
begin machine
if python tools/web_bundle.py --has-node; then begin page; fi
sh tools/setup.sh dev
sh tools/setup_tests.sh node
case $pids in *page=*) ;; *) begin page ;; esac
begin kernels
if [ "${AUDIT:-no}" = yes ]; then begin audit; fi
sh tools/lint.sh python || failed=$?
finish
if [ $failed -ne 0 ]; then
    echo "==> FAILED, see above: $(cat build/*.log | grep '^==> FAILED' || echo 'the Python half') (exit code $failed)" >&2
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
# Three for two cores: half of the time of two went by while they waited, for clocks and for other processes.
exec python -m pytest -q -n 3 --dist worksteal -m "not soak and not browser" --durations=10
