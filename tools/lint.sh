#!/bin/sh
# Everything that reads the code without running it.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
export PATH

step() { sh tools/step.sh "$@"; }

step "rules (ruff check)" ruff check .
step "format (ruff format --check)" ruff format --check .
step "types (mypy --strict)" mypy
step "layers (import-linter)" lint-imports
step "page: packages (npm ci)" python tools/web_bundle.py --packages
step "page: rules and format (biome)" npm --prefix web run --silent lint
step "page: components (svelte-check)" npm --prefix web run --silent check
step "page: types and layers (tsc -b)" npm --prefix web run --silent types
