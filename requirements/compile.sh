#!/usr/bin/env bash
# Compiles the hash locks (*.txt) from the direct dependencies (*.in). Arguments go to uv: "--upgrade"
# takes the newest versions; without it, what is locked stays unless an .in file asks for something else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

command -v uv >/dev/null || {
    echo "compile.sh: uv is missing: python3 -m pip install uv" >&2
    exit 1
}

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
