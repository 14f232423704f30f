#!/usr/bin/env bash
# require-python.sh [--venv] PYTHON: prints the absolute path of PYTHON's executable if it is 3.11 or
# later (and, with --venv, can make virtual environments); otherwise says in one line what is missing.
set -euo pipefail

die() {
    echo "$*" >&2
    exit 1
}

need_venv=no
if [ "${1:-}" = --venv ]; then
    need_venv=yes
    shift
fi
python=${1:?usage: require-python.sh [--venv] PYTHON}

command -v "$python" >/dev/null ||
    die "Python 3.11 or later is needed, and $python is not there: install it or set PYTHON."
version=$("$python" -c 'import platform; print(platform.python_version())') ||
    die "Python 3.11 or later is needed, and $python does not run: set PYTHON to another."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "Python 3.11 or later is needed, and $python is $version: set PYTHON to a later one."
# Debian splits ensurepip, without which venv cannot bring pip, into a package of its own.
[ "$need_venv" = no ] || "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    die "$python cannot make virtual environments: apt-get install python3-venv"

"$python" -c 'import sys; print(sys.executable)'
