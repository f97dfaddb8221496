#!/bin/sh
# Make .venv and install footloom into it: `sh tools/setup.sh run` for users, `sh tools/setup.sh dev` with what the checks need,
# `sh tools/setup.sh bare` makes no more than the environment.
# Does nothing where all is in place. PYTHON=/path/to/python3 chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-run}
stamp=.venv/.footloom-$kind

say() { echo "==> $*"; }
fail() { printf '\nfootloom: %s\n' "$*" >&2; exit 1; }

suitable() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        suitable "$PYTHON" || fail "PYTHON=$PYTHON is no Python 3.11 to 3.14"
        echo "$PYTHON"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if command -v "$name" >/dev/null && suitable "$name"; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 to 3.14 is needed, and none was found (python3 here: $(python3 --version 2>/dev/null || echo none)).
Install it (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python), or name it: make run PYTHON=/path/to/python3"
}

# Debian and Ubuntu ship Python without the two modules that make an environment.
need_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    package=python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $package with apt-get: this Python cannot make environments without it"
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    else
        fail "$1 cannot make environments: its venv module is missing.
Debian, Ubuntu: sudo apt-get install $package"
    fi
}

if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    need_venv "$python"
    say "making .venv with $("$python" --version)"
    "$python" -m venv .venv
fi
suitable .venv/bin/python || fail ".venv holds a Python other than 3.11 to 3.14: remove it (rm -r .venv) and try again"
[ "$kind" != bare ] || exit 0

# Installed already, and nothing that the install depends on is newer?
if [ -f "$stamp" ] && [ -z "$(find pyproject.toml hatch_build.py tools/web_bundle.py -newer "$stamp")" ]; then
    if [ "$kind" = dev ] || .venv/bin/python tools/web_bundle.py --check; then
        exit 0
    fi
fi

# Older ones compare each wheel of every release with a thousand tags, one by one.
.venv/bin/python -m pip install --disable-pip-version-check -q "pip>=23.3" || say "going on with an older pip"

if [ "$kind" = dev ]; then
    say "installing footloom with its development tools into .venv (a few minutes the first time)"
    # Byte code is made of what is imported, when it is: most of a hundred packages is never.
    FOOTLOOM_SKIP_WEB=1 .venv/bin/python -m pip install --disable-pip-version-check -q --no-compile -e '.[dev]'
else
    say "installing footloom into .venv and building its page (a minute or two the first time)"
    .venv/bin/python -m pip install --disable-pip-version-check -q -e .
    say "compiling its kernels, so that the first start does not have to"
    .venv/bin/python tools/compile_kernels.py
fi
touch "$stamp"
