#!/bin/bash -p
# Installs the bundle that it lies in, on a host without any network: see --help.
set -euo pipefail
unset CDPATH

usage() {
    cat <<'TEXT'
usage: ./deploy.sh --config FILE --signers FILE [--dir DIR] [OPTION...]
       ./deploy.sh verify | rollback [--to VERSION] | list [OPTION...]
       ./deploy.sh verify-installed [VERSION] [--thorough] | diff A B [OPTION...]

Installs the bundle in whose folder it lies: it names the system packages that are missing, verifies
signature and sums, makes DIR/releases/<version>/ without any network, tries it, backs up, migrates,
switches DIR/current to it and restarts the programs one by one. It tells what it does. Interrupted at
any point, it leaves the release before serving; run again, it goes on.

  --config FILE    the site's settings; needed the first time, and kept as DIR/cloudhands.toml
  --signers FILE   the public keys of those whose releases you trust, from elsewhere than this bundle:
                   each line is NAME ssh-ed25519 KEY; needed the first time, and kept in DIR
  --dir DIR        the folder of the installation (default: /srv/cloudhands)
  --unsigned       take the bundle whoever made it
  --accept         migrate also where the release before could then not use the database
  --downgrade      take an older release than the one in use
  --python PYTHON  the interpreter of the release (default: the one that runs this)
  --no-start       do not start supervisord where it does not run
  --json           print the result as one JSON object, and what is done to standard error
  --help           print this and end

PYTHON names the interpreter (default: python3), 3.11 or later. Once installed, the same commands are
those of DIR/current/venv/bin/cloud-admin bundle, which explains the options of each. It proves a
bundle before anything of that is run, also this script: install the tar files of upgrades with it.
Exit status: 0 done, or done before; 1 refused as things stand; 2 the bundle, the settings or an
argument is wrong; 3 a step failed, and what serves is told.
TEXT
}

die() {
    echo "deploy.sh: $*" >&2
    exit 2
}

command=install
case ${1:-} in
    install | verify | rollback | list | verify-installed | diff)
        command=$1
        shift
        ;;
    '' | -*) ;;
    *) die "unknown command: $1 (try --help)" ;;
esac

python=${PYTHON:-python3}
signers='' dir=/srv/cloudhands unsigned=no previous='' others=()
for argument; do
    case $previous,$argument in
        --signers,*) signers=$argument ;;
        *,--signers) ;;
        *,--signers=*) signers=${argument#*=} ;;
        *,--unsigned) unsigned=yes ;;
        *) others+=("$argument") ;;
    esac
    case $previous,$argument in
        --dir,*) dir=$argument ;;
        *,--dir=*) dir=${argument#*=} ;;
        *,--help | *,-h)
            usage
            exit 0
            ;;
    esac
    previous=$argument
done

# --- What has to be there --------------------------------------------------------------------------------

folder=${BASH_SOURCE[0]%/*}
[ "$folder" != "${BASH_SOURCE[0]}" ] || folder=.
here=$(cd -- "$folder" && pwd -P)

# Programs are the system's: those of no folder that depends on where this runs, or is the bundle's.
trusted_path() {
    local folder kept='' IFS=:
    set -f
    for folder in $PATH; do
        case $folder/ in
            "$here"/*) ;;
            /*) kept+=${kept:+:}$folder ;;
        esac
    done
    printf '%s\n' "$kept"
}
PATH=$(trusted_path)

missing=()
command -v "$python" >/dev/null || missing+=(python3)
command -v ssh-keygen >/dev/null || missing+=(openssh-client)
command -v sha256sum >/dev/null || missing+=(coreutils)
command -v find >/dev/null || missing+=(findutils)
[ ${#missing[@]} -eq 0 ] ||
    die "missing system packages: ${missing[*]} (as root: apt-get install ${missing[*]})"
"$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    die "Python 3.11 or later is needed, and $python is none: set PYTHON to another"

# --- Whether it is what was signed: before anything of it is run --------------------------------------------

check_signature() {
    local principal signature=$here/SHA256SUMS.sig
    signers=${signers:-$dir/allowed_signers}
    [ -f "$signers" ] ||
        die "$signers is not there: give the public keys of those whose releases you trust with --signers FILE"
    [ -r "$signers" ] || die "$signers may not be read by this user: change its permissions"
    case $(realpath "$signers") in
        "$here"/*) die "--signers $signers came with the bundle, and proves nothing: take another" ;;
    esac
    [ -f "$signature" ] || die "$signature is missing: the bundle is not signed"
    ssh-keygen -Y check-novalidate -n cloudhands-bundle -s "$signature" \
        <"$here/SHA256SUMS" >/dev/null 2>&1 ||
        die "$signature does not sign this SHA256SUMS: one of them was changed, do not use the bundle"
    principal=$(ssh-keygen -Y find-principals -s "$signature" -f "$signers" 2>/dev/null) &&
        ssh-keygen -Y verify -f "$signers" -I "${principal%%$'\n'*}" -n cloudhands-bundle \
            -s "$signature" <"$here/SHA256SUMS" >/dev/null 2>&1 ||
        die "$signature is by a foreign key, which $signers does not allow: do not use the bundle"
}

check_sums() {
    local wrong
    wrong=$(sha256sum --check --strict --quiet SHA256SUMS 2>&1) ||
        die "${wrong%%$'\n'*}: $here is not as it was built, get the bundle again"
}

# sha256sum follows links, and asks nothing of what no line names.
check_files() {
    local odd
    odd=$(find . ! -type d ! -type f -print -quit)
    [ -z "$odd" ] || die "$here/${odd#./} is no plain file, and a bundle holds no other: do not use it"
    odd=$(comm -13 <(cut -c 67- SHA256SUMS | sort) \
        <(find . -type f ! -path ./SHA256SUMS ! -path ./SHA256SUMS.sig -printf '%P\n' | sort))
    [ -z "$odd" ] || die "$here/${odd%%$'\n'*} is not of the bundle, and was added: do not use it"
}

[ -f "$here/SHA256SUMS" ] || die "$here/SHA256SUMS is missing: run the deploy.sh of an unpacked bundle"
[ "$unsigned" = yes ] || check_signature
(
    cd -- "$here"
    export LC_ALL=C
    check_files
    check_sums
)

# --- The rest is in Python, straight from the bundle ----------------------------------------------------------

wheel_of() {
    local found=("$here/wheels/$1"-*.whl)
    [ ${#found[@]} -eq 1 ] || die "$here/wheels holds ${#found[@]} of $1, and not one: do not use it"
    printf '%s\n' "${found[0]}"
}
ops=$(wheel_of cloudhands_ops)
common=$(wheel_of cloudhands_common)

case $command in
    install | verify) set -- "$here" "$@" ;;
    # These look at no signature; what they are run from has been looked at above.
    rollback | list | diff) set -- "${others[@]}" ;;
esac
# Python finds a namespace neither in two wheels nor in one that lists no folders.
exec "$python" -I -c '
import sys, types
namespace = types.ModuleType("cloudhands")
namespace.__path__ = [f"{wheel}/cloudhands" for wheel in sys.argv[1:3]]
sys.modules["cloudhands"] = namespace
from cloudhands.ops.bundle.__main__ import main
sys.exit(main(sys.argv[3:]))
' "$ops" "$common" "$command" "$@"
