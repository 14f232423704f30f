#!/usr/bin/env bash
# openstack-services.sh: installs the OpenStack control plane that `./check.sh --openstack` tries the
# adapter on: two Debian packages (as root) and a Python environment of its own, about 3 minutes and
# 700 MB, once. Nothing is started. It lies under OPENSTACK_HOME (default: .check/openstack).
# PYTHON names the interpreter (default: python3). Exit status: 0 all there, 1 something is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${OPENSTACK_HOME:-$here/.check/openstack}
locked=$here/requirements/openstack.txt
venv=$home/venv
installed=$venv/installed.txt

"$here/tools/system-packages.sh" rabbitmq-server mariadb-server || exit 1

if cmp -s "$locked" "$installed"; then
    exit 0
fi
echo "Installing the services of OpenStack into $venv"
mkdir -p "$home"
"${PYTHON:-python3}" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check -r "$locked"
# Written last: an installation that was interrupted is begun again.
cp "$locked" "$installed"
