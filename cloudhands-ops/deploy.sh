#!/usr/bin/env bash
# Installs the bundle that it lies in, on a host without any network: see --help.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: ./deploy.sh --config FILE --signers FILE [--dir DIR] [OPTION...]
       ./deploy.sh verify | rollback | list | verify-installed | diff [OPTION...]

Installs the bundle in whose folder it lies: it names the system packages that are missing, verifies
signature and sums, makes DIR/releases/<version>/ without any network, tries it, backs up, migrates,
switches DIR/current to it and restarts the programs one by one. It tells what it does. Interrupted at
any point, it leaves the release before serving; run again, it goes on.

  --config FILE    the site's settings; needed the first time, and kept as DIR/cloudhands.toml
  --signers FILE   the public keys of those whose releases you trust, from elsewhere than this bundle:
                   each line is NAME ssh-ed25519 KEY; needed the first time, and kept in DIR
  --dir DIR        the folder of the installation (default: /srv/cloudhands)
  --unsigned       take the bundle whoever made it
  --help           print this and end; after a command: its own options

PYTHON names the interpreter (default: python3), 3.11 or later. Once installed, the same commands are
those of DIR/current/venv/bin/cloud-admin bundle.
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
    --help)
        usage
        exit 0
        ;;
    install | verify | rollback | list | verify-installed | diff)
        command=$1
        shift
        ;;
    '' | -*) ;;
    *) die "unknown command: $1 (try --help)" ;;
esac

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
signers='' dir=/srv/cloudhands unsigned=no help=no previous='' others=()
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
        *,--help) help=yes ;;
    esac
    previous=$argument
done

# --- What has to be there --------------------------------------------------------------------------------

missing=()
command -v "$python" >/dev/null || missing+=(python3)
command -v ssh-keygen >/dev/null || missing+=(openssh-client)
command -v sha256sum >/dev/null || missing+=(coreutils)
[ ${#missing[@]} -eq 0 ] ||
    die "missing system packages: ${missing[*]} (as root: apt-get install ${missing[*]})"
"$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    die "Python 3.11 or later is needed, and $python is none: set PYTHON to another"

# --- Whether it is what was signed: before anything of it is run --------------------------------------------

check_signature() {
    local principal
    signers=${signers:-$dir/allowed_signers}
    [ -f "$signers" ] ||
        die "$signers is not there: give the public keys of those whose releases you trust with --signers FILE"
    case $(realpath "$signers") in
        "$(realpath .)"/*) die "--signers $signers came with the bundle, and proves nothing: take another" ;;
    esac
    [ -f SHA256SUMS.sig ] || die "$here/SHA256SUMS.sig is missing: the bundle is not signed"
    principal=$(ssh-keygen -Y find-principals -s SHA256SUMS.sig -f "$signers" 2>/dev/null) ||
        die "$here/SHA256SUMS.sig is by a foreign key, which $signers does not allow: do not use the bundle"
    ssh-keygen -Y verify -f "$signers" -I "${principal%%$'\n'*}" -n cloudhands-bundle \
        -s SHA256SUMS.sig <SHA256SUMS >/dev/null 2>&1 ||
        die "$here/SHA256SUMS is not what ${principal%%$'\n'*} signed: do not use the bundle"
}

check_sums() {
    local wrong
    wrong=$(sha256sum --check --strict --quiet SHA256SUMS 2>&1) ||
        die "${wrong%%$'\n'*}: $here is not as it was built, get the bundle again"
}

cd "$here"
[ -f SHA256SUMS ] || die "$here/SHA256SUMS is missing: run the deploy.sh of an unpacked bundle"
[ "$unsigned" = yes ] || [ "$help" = yes ] || check_signature
check_sums
cd - >/dev/null

# --- The rest is in Python, straight from the bundle ----------------------------------------------------------

if [ "$help" = yes ]; then
    set -- --help
else
    case $command in
        install | verify) set -- "$here" "$@" ;;
        # These look at no signature; what they are run from has been looked at above.
        rollback | list | diff) set -- "${others[@]}" ;;
    esac
fi
# Python finds a namespace neither in two wheels nor in one that lists no folders.
exec "$python" -I -c '
import sys, types
namespace = types.ModuleType("cloudhands")
namespace.__path__ = [f"{wheel}/cloudhands" for wheel in sys.argv[1:3]]
sys.modules["cloudhands"] = namespace
from cloudhands.ops.bundle.__main__ import main
sys.exit(main(sys.argv[3:]))
' "$here"/wheels/cloudhands_ops-*.whl "$here"/wheels/cloudhands_common-*.whl "$command" "$@"
