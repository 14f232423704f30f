"""SHA256SUMS and its signature: with them a host knows that a bundle is whole, and whose it is."""

import shutil
import subprocess
from pathlib import Path

from building import vendor
from building.saying import in_words
from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.bundle import manifest


def write(folder: Path) -> None:
    """Write the sums of every file in a bundle's folder, as `sha256sum -c` reads them."""
    files = sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
    )
    lines = [f"{vendor.sha256(folder / name)}  {name}\n" for name in files]
    (folder / manifest.SUMS).write_text("".join(lines), encoding="utf-8")


def sign(folder: Path, key: Path) -> str:
    """Sign the sums; returns the line of `allowed_signers` with which hosts verify them.

    :raises ConfigurationError: if the key cannot sign.
    """
    sums = folder / manifest.SUMS
    _run("ssh-keygen", "-Y", "sign", "-f", key, "-n", manifest.NAMESPACE, sums)
    public = _public(key)
    # Its comment is whom it belongs to, where somebody wrote one.
    name = public[2] if len(public) == 3 else "releases"
    return f'{name} namespaces="{manifest.NAMESPACE}" {public[0]} {public[1]}'


def check_key(key: Path) -> None:
    """Refuse early what cannot sign.

    :raises ConfigurationError: if the key or ssh-keygen is missing.
    """
    if not key.is_file():
        raise ConfigurationError(
            f"{key}, the key, is not there: ssh-keygen -t ed25519 -f {key}, or --nosign"
        )
    if shutil.which("ssh-keygen") is None:
        raise ConfigurationError("ssh-keygen is missing: apt-get install openssh-client")


def _public(key: Path) -> list[str]:
    """A public key. Where only that is given, ssh-keygen asks the agent for the private one."""
    for file in (key, key.with_name(key.name + ".pub")):
        if file.suffix == ".pub" and file.is_file():
            return file.read_text(encoding="utf-8").split()
    return _run("ssh-keygen", "-y", "-f", key).split()


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConfigurationError(f"the bundle cannot be signed: {in_words(done.stderr)}")
    return done.stdout
