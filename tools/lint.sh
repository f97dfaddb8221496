#!/bin/sh
# Everything that reads the code without running it: `sh tools/lint.sh`, or one half of it, `python` or `page`.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
export PATH
half=${1:-both}

step() { sh tools/step.sh "$@"; }

if [ "$half" != page ]; then
    step "rules (ruff check)" ruff check .
    step "format (ruff format --check)" ruff format --check .
    step "types (mypy --strict)" mypy
    step "layers (import-linter)" lint-imports
fi
if [ "$half" != python ]; then
    step "page: packages (npm ci)" python tools/web_bundle.py --packages
    step "page: rules and format (biome)" npm --prefix web run --silent lint
    step "page: components (svelte-check)" npm --prefix web run --silent check
    step "page: types and layers (tsc -b)" npm --prefix web run --silent types
fi
