#!/usr/bin/env bash
# Checks everything: see --help.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: ./check.sh [--novenv] [--nolint] [--notest] [--bundle] [--openstack] [--help]

Installs the locked development set and the five distributions, then runs every check and test. The
last lines say what ran, what was left out and why, and how long each step took. Ends at the first
step that fails, with a non-zero status.

  --novenv   use the current environment instead of a fresh one in .check/venv
  --nolint   leave out ruff, mypy and import-linter
  --notest   leave out the tests
  --bundle   try releases in full: build one twice from two clones and compare the bytes, deploy it where
             there is no network with each Python that is there, upgrade and go back while people are at
             work, refuse what was tampered with: some minutes more. Together with --notest: without the
             other tests
  --openstack
             also install an OpenStack control plane (as root) and try the adapter on it: some
             minutes and 700 MB the first time. Together with --notest: these tests alone
  --help     print this and end

PYTHON names the interpreter (default: python3). PYTEST_WORKERS is the number of test processes
(default: two more than there are cores, 8 at most). OPENSTACK_HOME is where the control plane is
installed (default: .check/openstack), OPENSTACK_PORTS its first port (default: 16000). Where CI is
set, a missing system package is an error.
TEXT
}

venv=yes lint=yes test=yes bundle=no openstack=no
for option; do
    case $option in
        --novenv) venv=no ;;
        --nolint) lint=no ;;
        --notest) test=no ;;
        --bundle) bundle=yes ;;
        --openstack) openstack=yes ;;
        --help)
            usage
            exit 0
            ;;
        *)
            echo "check.sh: unknown option: $option (try --help)" >&2
            exit 2
            ;;
    esac
done

# Found before the working directory changes: PYTHON may be a relative path.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$venv" = yes ]; then
    python=$("$here/tools/require-python.sh" --venv "${PYTHON:-python3}")
else
    python=$("$here/tools/require-python.sh" "${PYTHON:-python3}")
fi
cd "$here"
export PIP_DISABLE_PIP_VERSION_CHECK=1
# Set in many containers: each of the hundreds of processes that the tests start would compile all of
# our modules again.
unset PYTHONDONTWRITEBYTECODE

distributions=(cloudhands-common cloudhands-web cloudhands-burst cloudhands-ops cloudhands-jasmin)
# libatomic1: the program that drives the browser is linked with it. openssh-client: its ssh-keygen says
# whether our fingerprints are right, and its ssh signs in to openssh-server's sshd, which asks by curl.
packages=(slapd ldap-utils nginx chromium-headless-shell postgresql libatomic1 openssh-client openssh-server curl)
log=.check/pytest.log
openstack_log=.check/pytest-openstack.log

# --- Steps, and the summary that is printed however the script ends ------------------------------------

ran=() left_out=() failed='' packages_pid='' packages_status=0 release_pid=''

milliseconds() {
    local now=${EPOCHREALTIME//[!0-9]/}
    echo "${now%???}"
}

# step NAME COMMAND...: runs it, keeps its time, ends the script if it fails. "if" switches errexit off
# inside COMMAND, so a step made of several commands joins them with &&.
step() {
    local name=$1 start took
    shift
    printf '\n== %s\n' "$name"
    start=$(milliseconds)
    if "$@"; then
        took=$(($(milliseconds) - start))
        ran+=("$(printf '%4d.%d s  %s' $((took / 1000)) $((took % 1000 / 100)) "$name")")
    else
        failed=$name
        exit 1
    fi
}

summary() {
    local status=$? line
    await_system_packages || true
    end_release
    printf '\n== Summary\n'
    for line in "${ran[@]}"; do echo "ran      $line"; done
    for line in "${left_out[@]}"; do echo "left out $line"; done
    if [ -f "$log" ]; then
        # The reasons of skipped tests stand above, in pytest's own report.
        echo "tests    $(tail -n 1 "$log" | sed 's/^=* *//; s/ *=*$//')"
        # A test that used both counts for both; "neither" may leave the database to a program.
        echo "tests    $(grep '^passed by database: ' "$log" || echo 'not counted by database')"
    fi
    if [ -f "$openstack_log" ]; then
        echo "tests    on OpenStack: $(tail -n 1 "$openstack_log" | sed 's/^=* *//; s/ *=*$//')"
    fi
    if [ -n "$failed" ]; then
        echo "FAILED   $failed (the steps after it were not run)"
    elif [ "$status" -ne 0 ]; then
        echo "FAILED   with status $status"
    else
        echo "passed"
    fi
}
mkdir -p .check
rm -f "$log" "$openstack_log"
trap summary EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- What the steps do ---------------------------------------------------------------------------------

# Most of what is installed is never imported here: what is, is compiled then.
install_locked() {
    "$python" -m pip install --quiet --no-compile --require-hashes -r requirements/development.txt
}

# "compat" puts the folders themselves on the path: mypy cannot follow the finder that is the default.
install_ours() {
    local distribution editables=()
    for distribution in "${distributions[@]}"; do editables+=(--editable "./$distribution"); done
    "$python" -m pip install --quiet --no-deps --no-build-isolation \
        --config-settings editable_mode=compat "${editables[@]}"
}

# Mostly waits for the network and the disk, as pip does: both go on at the same time.
begin_system_packages() {
    tools/system-packages.sh "${packages[@]}" >.check/system-packages.log 2>&1 &
    packages_pid=$!
}

# However the script ends, nothing is left half installed, or goes on.
await_system_packages() {
    local pid=$packages_pid
    packages_pid=''
    if [ -n "$pid" ]; then
        packages_status=0
        wait "$pid" || packages_status=$?
    fi
    return "$packages_status"
}

system_packages() {
    local status=0
    await_system_packages || status=$?
    cat .check/system-packages.log
    if [ "$status" -eq 0 ]; then
        return 0
    fi
    left_out+=("tests that need a missing system package: named above, and skipped with their reason")
    [ -z "${CI:-}" ]
}

namespace_guard() {
    local site_packages
    site_packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))') &&
        tools/check-namespace.sh . "$site_packages" &&
        "$python" tools/check_installed.py
}

# structlog and httpx import rich wherever they find it, in each of the hundreds of processes that the
# tests start. It is here for the linter alone, which has done its work.
remove_linter() {
    "$python" -m pip uninstall --quiet --yes import-linter rich
}

# Two more than there are cores: a third of the tests' time is waiting for servers and browsers.
# A file's tests stay in one process, so that they share the servers that they start. The files go in the
# order of "testpaths", the long ones first: else the last process works on alone for minutes.
run_tests() {
    export MANUAL_HTML=$PWD/.check/manual/html
    local workers=${PYTEST_WORKERS:-$(($(nproc) < 6 ? $(nproc) + 2 : 8))}
    "$python" -m pytest -n "$workers" --dist loadfile --no-loadscope-reorder --durations=10 -rfEs 2>&1 |
        tee "$log"
}

install_openstack() {
    PYTHON=$python tools/openstack-services.sh
}

# What it warns of is an error. The tests look at what is made here.
make_manual() {
    rm -rf .check/manual &&
        "$python" -m sphinx -W -n -q -b html -d .check/manual/doctrees cloudhands-ops/docs .check/manual/html
}

# Why no bundle can be built of this tree; nothing where one can be.
no_bundle() {
    if ! [ "$(git rev-parse --show-toplevel 2>/dev/null)" -ef . ]; then
        echo "this is no clone of the repository"
    elif [ "$(git rev-parse --is-shallow-repository)" = true ]; then
        echo "this clone has not the whole history (git fetch --unshallow)"
    elif ! command -v ssh-keygen >/dev/null; then
        echo "ssh-keygen is missing (openssh-client)"
    elif ! "$python" cloudhands-ops/bench/release_offline.py; then
        echo "this user may make no namespace without a network"
    fi
}

# What is missing of the vendor's wheels is fetched; it stays for the next time.
try_release() {
    local version
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') &&
        PYTHON=$python cloudhands-ops/build.sh --vendor --novenv --python "$version" --platform "$(uname -m)" &&
        "$python" cloudhands-ops/bench/release_check.py
}

try_release_in_full() {
    PYTHON=$python cloudhands-ops/build.sh --vendor &&
        "$python" cloudhands-ops/bench/release_check.py --long
}

# It goes on beside what checks the code, which keeps one core busy, and the tests, which wait a lot.
begin_release() {
    export -f try_release
    python=$python setsid --wait nice bash -c try_release >.check/release.log 2>&1 &
    release_pid=$!
}

await_release() {
    local pid=$release_pid status=0
    wait "$pid" || status=$?
    release_pid=''
    cat .check/release.log
    return "$status"
}

end_release() {
    [ -z "$release_pid" ] || kill -- "-$release_pid" 2>/dev/null || true
}

# In one process: they share one control plane. What is printed shows the counts.
run_openstack_tests() {
    "$python" -m pytest -m openstack -p no:xdist --durations=10 -rfEs cloudhands-burst/tests/providers \
        2>&1 | tee "$openstack_log"
}

# --- The steps -----------------------------------------------------------------------------------------

if [ "$venv" = yes ]; then
    step "virtual environment" "$python" -m venv --clear .check/venv
    python=$PWD/.check/venv/bin/python
else
    left_out+=("virtual environment (--novenv): $python")
fi
PATH=$("$python" -c 'import sysconfig; print(sysconfig.get_path("scripts"))'):$PATH
export PATH

if [ "$test" = yes ]; then
    begin_system_packages
fi
step "locked requirements" install_locked
step "our distributions" install_ours
step "namespace guard" namespace_guard
# What a release needs of the system is among them.
await_system_packages || true
why=$(no_bundle)
if [ -n "$why" ] && [ "$bundle" = yes ]; then
    failed="releases in full: $why"
    exit 1
elif [ -n "$why" ]; then
    left_out+=("a release, built and deployed: $why")
elif [ "$test" = yes ] && [ "$bundle" = no ]; then
    begin_release
fi
if [ "$lint" = yes ]; then
    step "ruff check" "$python" -m ruff check .
    step "ruff format" "$python" -m ruff format --check .
    step "mypy" "$python" -m mypy
    step "import-linter" lint-imports
else
    left_out+=("ruff, mypy, import-linter (--nolint)")
fi
step "pip check" "$python" -m pip check
step "manual" make_manual
if [ "$test" = yes ]; then
    if [ "$venv" = yes ]; then
        step "without the linter" remove_linter
    fi
    step "system packages" system_packages
    step "tests" run_tests
else
    left_out+=("tests and the system packages they need (--notest)")
fi
if [ -n "$release_pid" ]; then
    step "a release, built and deployed (since the namespace guard)" await_release
fi
if [ "$bundle" = yes ] && [ -z "$why" ]; then
    step "releases in full" try_release_in_full
elif [ -z "$why" ]; then
    left_out+=("releases on every Python, upgraded under load: they need --bundle")
fi
if [ "$openstack" = yes ]; then
    step "services of OpenStack" install_openstack
    step "tests on OpenStack" run_openstack_tests
else
    left_out+=("tests on OpenStack: they need --openstack")
fi
