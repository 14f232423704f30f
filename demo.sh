#!/usr/bin/env bash
# The whole system on this machine: see --help.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: ./demo.sh [status | stop | reset] [--dir DIR] [--port N] [--story] [--help]

Sets up and starts the whole system on this machine, with simulated clouds and a directory of invented
people, and prints its address and who can sign in. Running it again is harmless.

  (nothing)    set up what is missing, start what is not running
  status       say how each process is; the exit status is 0 if the portal can be used, 3 if not
  stop         stop everything; what was made stays
  reset        stop everything and remove what was made, but not what was installed

  --story      after the start, do the main job over HTTP, from an invitation to running appliances
  --dir DIR    keep everything in DIR (default: .demo beside this script)
  --port N     where people reach the portal (default: the last one, at first 8080)
  --help       print this and end

PYTHON names the interpreter (default: python3). As root, slapd and nginx are installed if they are missing,
without starting their services. Without slapd a directory in memory takes its place; without nginx the portal
is served directly.
TEXT
}

die() {
    echo "demo.sh: $1" >&2
    exit "${2:-1}"
}

wrong() {
    die "$1 (try --help)" 2
}

is_port() {
    [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] && [ "$1" -lt 65536 ]
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command='' story=no folder=$here/.demo port=()

while [ $# -gt 0 ]; do
    case $1 in
        status | stop | reset)
            [ -z "$command" ] || wrong "one command at a time: $command, $1"
            command=$1
            ;;
        --story) story=yes ;;
        --dir)
            folder=${2:-}
            [ -n "$folder" ] || wrong "--dir needs a folder"
            shift
            ;;
        --port)
            is_port "${2:-}" || wrong "--port needs a number from 1 to 65535"
            port=(--port "$2")
            shift
            ;;
        --help)
            usage
            exit 0
            ;;
        *) wrong "unknown argument: $1" ;;
    esac
    shift
done
if [ "$story" = yes ]; then
    [ -z "$command" ] || wrong "--story goes with no other command"
    command=story
fi
command=${command:-up}

# What a shell has set for other programs of Python is not for ours.
unset PYTHONPATH PYTHONHOME

# --- The virtual environment -----------------------------------------------------------------------------

distributions=(cloudhands-common cloudhands-web cloudhands-burst cloudhands-ops cloudhands-jasmin)

make_folder() {
    mkdir -p "$1" 2>/dev/null || die "$1 cannot be made: name another folder with --dir"
    folder=$(cd "$1" && pwd)
    venv=$folder/venv
    # A virtual environment that is somebody's own is never cleared.
    ours=$folder/.made-by-demo.sh
    [ ! -e "$venv" ] || [ -e "$ours" ] ||
        die "$venv was not made by demo.sh: name another folder with --dir"
}

# origin_of PYTHON: what the environment is made from; when it changes, it is made anew.
origin_of() {
    local python=$1
    cd "$here"
    echo "$here $("$python" --version)"
    cat requirements/demo.txt VERSION cloudhands-*/pyproject.toml cloudhands-*/setup.py
}

make_environment() {
    local python=$1 distribution editables=()
    for distribution in "${distributions[@]}"; do editables+=(--editable "$here/$distribution"); done
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    touch "$ours"
    "$python" -m venv --clear "$venv" &&
        "$venv/bin/python" -m pip install --quiet --require-hashes -r "$here/requirements/demo.txt" &&
        "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation \
            --config-settings editable_mode=compat "${editables[@]}"
}

# ensure_installed PYTHON: makes the environment unless it is there and up to date.
ensure_installed() {
    local python=$1 origin stamp=$venv/.origin
    origin=$(origin_of "$python" | sha256sum)
    if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$origin" ]; then
        return
    fi
    # What runs from the environment would lose it.
    [ ! -e "$stamp" ] || demo stop || true
    rm -f "$stamp"
    echo "Installing in $venv ..."
    make_environment "$python" || die "the installation failed; what went wrong stands above"
    echo "$origin" >"$stamp"
}

demo() {
    "$venv/bin/python" -I -m cloudhands.ops.demo "$1" --dir "$folder" "${port[@]}"
}

# --- What was asked for ----------------------------------------------------------------------------------

case $command in
    up | story)
        python=$("$here/tools/require-python.sh" --venv "${PYTHON:-python3}") || exit 1
        make_folder "$folder"
        # It does without what cannot be had, so that this is no error.
        "$here/tools/system-packages.sh" slapd nginx 2>&1 || true
        ensure_installed "$python"
        ;;
    *)
        # What was never installed does not run, and left nothing behind.
        if [ ! -e "$folder/venv/.origin" ]; then
            echo "There is no demonstration in $folder."
            if [ "$command" = status ]; then exit 3; else exit 0; fi
        fi
        make_folder "$folder"
        ;;
esac
demo "$command"
