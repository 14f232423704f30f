#!/usr/bin/env bash
# system-packages.sh PACKAGE...: makes sure that these Debian packages are there. What is missing is
# installed when root, without starting any service; otherwise one line names it and the command to run.
# Exit status: 0 all there, 1 some missing.
set -euo pipefail

# Servers live in sbin, which an ordinary user's PATH leaves out.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# present PACKAGE: is what we need of it there, whoever installed it?
present() {
    case $1 in
        postgresql) command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ;;
        chromium-headless-shell) command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null ;;
        rabbitmq-server) [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] ;;
        mariadb-server) command -v mariadbd >/dev/null ;;
        ldap-utils) command -v ldapsearch >/dev/null ;;
        openssh-client) command -v ssh-keygen >/dev/null ;;
        openssh-server) command -v sshd >/dev/null ;;
        libatomic1) [[ $(ldconfig -p) == *libatomic.so.1* ]] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# missing_of PACKAGE...: prints those that are not there.
missing_of() {
    local package
    for package; do
        present "$package" || printf '%s\n' "$package"
    done
}

# Debian starts a server as soon as it is installed, unless this file says no. Tests and demonstration
# start their own, on ports of their own.
policy=/usr/sbin/policy-rc.d
forbid_service_starts() {
    if [ -e "$policy" ]; then
        return
    fi
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update &&
        apt-get -qq -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends "$@" >/dev/null
}

[ $# -gt 0 ] || {
    echo "usage: system-packages.sh PACKAGE..." >&2
    exit 2
}
mapfile -t missing < <(missing_of "$@")
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing system packages: ${missing[*]}"
    forbid_service_starts
    install_packages "${missing[@]}" </dev/null || true
    mapfile -t missing < <(missing_of "$@")
    [ ${#missing[@]} -gt 0 ] || exit 0
    echo "System packages that could not be installed: ${missing[*]}" >&2
else
    echo "Missing system packages: ${missing[*]} (as root: apt-get install ${missing[*]})" >&2
fi
exit 1
