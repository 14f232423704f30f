#!/usr/bin/env bash
# check-namespace.sh DIR...: fails, naming the files, if anything under DIR would turn the namespace
# "cloudhands" into an ordinary package or module: that hides every other distribution, and neither the
# type checker nor the import linter notices.
set -euo pipefail

[ $# -gt 0 ] || {
    echo "usage: check-namespace.sh DIR..." >&2
    exit 2
}

# Environments inside a work tree are looked at for themselves, as a DIR of their own.
found=$(find "$@" -mindepth 1 \
    \( -name .git -o -name '.venv*' -o -name .check -o -name .demo \) -prune \
    -o \( -path '*/cloudhands/__init__.*' -o -name cloudhands.py -o -name 'cloudhands.*.so' \) -print)

if [ -n "$found" ]; then
    echo "These files hide the namespace that the distributions of cloudhands share; remove them:" >&2
    printf '  %s\n' "$found" >&2
    exit 1
fi
