#!/usr/bin/env bash
# Builds a release's bundle: see --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/../tools/require-python.sh" --venv "${PYTHON:-python3}")
# The same rights on every machine, and nothing of what a shell has set for other programs of Python.
umask 022
unset "${!PYTHON@}"
export PYTHONPATH="$here:$here/../cloudhands-common"
exec "$python" -P -m building "$@"
