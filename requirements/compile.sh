#!/usr/bin/env bash
# Compiles the hash locks: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'TEXT'
usage: requirements/compile.sh [--check] [OPTION OF UV...]
       requirements/compile.sh --help

Compiles the hash locks (*.txt) from the direct dependencies (*.in). What is locked stays unless an .in
file asks for something else.

  --check                 change nothing; tell which locks are not what the .in files ask for, with status 1
  --upgrade               take the newest versions
  --upgrade-package NAME  take the newest version of one
  --help                  print this and end
TEXT
}

if [ "${1:-}" = --help ]; then
    usage
    exit 0
fi
command -v uv >/dev/null || {
    echo "compile.sh: uv is missing: python3 -m pip install uv" >&2
    exit 1
}

here=$PWD check=no
if [ "${1:-}" = --check ]; then
    shift
    check=yes
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    cp -- *.in *.txt "$scratch"
    cd "$scratch"
fi

# One lock for Python 3.11 and everything later: what differs between versions carries a marker.
# Each larger set is compiled under the smaller one's lock, so that what is tested is what is shipped.
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --custom-compile-command requirements/compile.sh \
        "$1.in" --output-file "$1.txt" "${@:2}"
}

lock runtime "$@"
lock bundle --constraint runtime.txt "$@"
lock demo --constraint runtime.txt "$@"
lock building --constraint demo.txt "$@"
lock development --constraint demo.txt --constraint building.txt "$@"

if [ "$check" = yes ]; then
    status=0
    for lock in *.txt; do
        cmp --silent "$lock" "$here/$lock" || {
            echo "compile.sh: requirements/$lock is not what is asked for: run requirements/compile.sh" >&2
            status=1
        }
    done
    exit "$status"
fi
