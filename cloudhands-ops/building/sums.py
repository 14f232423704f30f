"""SHA256SUMS and its signature: with them a host knows that a bundle is whole, and whose it is."""

import os
import shutil
import subprocess
from pathlib import Path

from building import vendor
from building.saying import in_words
from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.bundle import manifest

# What ssh-keygen says of a key with which it cannot sign, and what a person can do.
_REMEDIES = {
    "passphrase": "has a passphrase, and nobody is asked for it here: ssh-add it to an ssh-agent",
    "too open": "may be read by others: chmod 600 it",
    "load public key": "is no private key of OpenSSH's: ssh-keygen -t ed25519 makes one",
    "for public key": "is a public key, and no ssh-agent has its private one: name that one",
}


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
    _sign(key, folder / manifest.SUMS)
    public = _public(key)
    # Its comment is whom it belongs to, where somebody wrote one.
    name = public[2] if len(public) == 3 else "releases"
    return f'{name} namespaces="{manifest.NAMESPACE}" {public[0]} {public[1]}'


def check_key(key: Path) -> None:
    """Refuse early what cannot sign: it signs nothing, once.

    :raises ConfigurationError: if the key or ssh-keygen is missing, or the key cannot sign.
    """
    if not key.is_file():
        raise ConfigurationError(
            f"{key}, the key, is not there: ssh-keygen -t ed25519 -f {key}, or --nosign"
        )
    if shutil.which("ssh-keygen") is None:
        raise ConfigurationError("ssh-keygen is missing: apt-get install openssh-client")
    _sign(key)


def _public(key: Path) -> list[str]:
    """A public key. Where only that is given, ssh-keygen asks the agent for the private one."""
    for file in (key, key.with_name(key.name + ".pub")):
        if file.suffix == ".pub" and file.is_file():
            return file.read_text(encoding="utf-8").split()
    return _run(key, "-y").split()


def _sign(key: Path, *files: Path) -> None:
    """Sign these files, or what is read, which is nothing."""
    _run(key, "-Y", "sign", "-n", manifest.NAMESPACE, *files)


def _run(key: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        ["ssh-keygen", "-f", key, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        # Without a terminal: it would wait there for a passphrase.
        start_new_session=True,
        env={**os.environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        raise ConfigurationError(f"{key}, the key, {_refusal(done.stderr)}")
    return done.stdout


def _refusal(said: str) -> str:
    for words, remedy in _REMEDIES.items():
        if words in said:
            return remedy
    return f"cannot sign: {in_words(said)}"
