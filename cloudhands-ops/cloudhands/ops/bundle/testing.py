"""Bundles of a test's own: signed, complete, and with programs that only stand in for ours.

Also pip: what the real one makes of a bundle is tried with a whole one, by check.sh --bundle.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module, resources
from pathlib import Path

from cloudhands.ops.bundle import manifest, python
from cloudhands.ops.bundle.manifest import Manifest

SITE = "cloudhands-jasmin"
COMMANDS = {
    "cloud-serve": "cloudhands_stand_in:serve",
    "cloud-index": "cloudhands_stand_in:wait",
    "cloud-burst": "cloudhands_stand_in:burst",
    "cloud-admin": "cloudhands_stand_in:admin",
}
SUPERVISOR = {
    "supervisord": "supervisor_stand_in:supervisord",
    "supervisorctl": "supervisor_stand_in:supervisorctl",
}
# The real one, which the tests' own environment has.
SUPERVISOR_TEXT = f"""
import os, sys
def supervisord(): _become("supervisord")
def supervisorctl(): _become("supervisorctl")
def _become(name):
    os.execv({sys.executable!r}, [{sys.executable!r}, "-m", "supervisor." + name, *sys.argv[1:]])
"""


@dataclass(frozen=True)
class Made:
    """What a release's stand-ins do.

    :param schema: the newest revision of the database that it knows.
    :param oldest_code: what its migration makes the database ask for.
    :param broken: a command that does not come up.
    """

    version: str
    schema: str = "0016"
    oldest_code: str = "0007"
    broken: str = ""
    pythons: Sequence[str] = field(default_factory=lambda: [python.look_at(None).version])
    platforms: Sequence[str] = field(default_factory=lambda: [python.look_at(None).machine])
    glibc: str = "2.17"

    def bundle(self, folder: Path, key: Path | None) -> Path:
        """Make the unpacked bundle below a folder, and sign it with a private key."""
        place = folder / f"cloudhands-{self.version}"
        wheels = place / manifest.WHEELS
        wheels.mkdir(parents=True)
        (place / manifest.SDISTS).mkdir()
        self._wheels(wheels)
        hashed = [_requirement(file) for file in sorted(wheels.iterdir())]
        _write(place / manifest.REQUIREMENTS, "".join(hashed))
        for name in (manifest.PYLOCK, manifest.LICENCES, manifest.INSTALL):
            _write(place / name, f"{name} of {self.version}\n")
        licence = {"license": {"id": "BSD-3-Clause"}}
        components = [{"name": "supervisor", "version": "4", "licenses": [licence]}]
        _write(place / manifest.SBOM, json.dumps({"components": components}))
        script = Path(__file__).parents[3] / manifest.DEPLOY
        shutil.copy(script, place / manifest.DEPLOY)
        self._manifest().write(place)
        sign(place, key)
        return place

    def _manifest(self) -> Manifest:
        return Manifest(
            version=self.version,
            revision=hashlib.sha1(self.version.encode(), usedforsecurity=False).hexdigest(),
            site=SITE,
            epoch=1_790_000_000,
            pythons=tuple(self.pythons),
            platforms=tuple(self.platforms),
            glibc=self.glibc,
            schema=self.schema,
        )

    def _wheels(self, folder: Path) -> None:
        programs = resources.files("cloudhands.ops.bundle")
        pip = (programs / "testing_pip.py").read_text(encoding="utf-8")
        wheel(folder, "pip", "99", {"pip/__init__.py": "", "pip/__main__.py": pip})
        stand_in = (programs / "testing_programs.py").read_text(encoding="utf-8")
        facts = (
            f"VERSION, SCHEMA = {self.version!r}, {self.schema!r}\n"
            f"OLDEST_CODE, BROKEN = {self.oldest_code!r}, {self.broken!r}\n"
        )
        modules = {"cloudhands_stand_in.py": stand_in.replace("# FACTS\n", facts)}
        needs = ["cloudhands-ops", "cloudhands-common", "supervisor"]
        wheel(folder, SITE, self.version, modules, needs, COMMANDS)
        for name in ("ops", "common"):
            wheel(folder, f"cloudhands-{name}", self.version, _own(name))
        wheel(
            folder, "supervisor", "4", {"supervisor_stand_in.py": SUPERVISOR_TEXT}, (), SUPERVISOR
        )
        wheel(folder, "setuptools", "80.0", {})


def sign(folder: Path, key: Path | None) -> None:
    """Write the sums of a bundle's files, and their signature."""
    names = sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and file.name not in (manifest.SUMS, manifest.SIGNATURE)
    )
    _write(
        folder / manifest.SUMS,
        "".join(f"{_digest(folder / name)}  {name}\n" for name in names),
    )
    (folder / manifest.SIGNATURE).unlink(missing_ok=True)
    if key:
        argv: list[str | Path] = [
            "ssh-keygen",
            "-Y",
            "sign",
            "-q",
            "-f",
            key,
            "-n",
            manifest.NAMESPACE,
        ]
        subprocess.run([*argv, folder / manifest.SUMS], check=True, capture_output=True, timeout=60)


def make_key(folder: Path, name: str) -> tuple[Path, Path]:
    """A private key, and a file of allowed signers that names it."""
    key, signers = folder / f"{name}.key", folder / f"{name}.signers"
    argv: list[str | Path] = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key]
    subprocess.run(argv, check=True, timeout=60)
    public = key.with_suffix(".key.pub").read_text(encoding="ascii")
    _write(signers, f"{name}@example.org {public}")
    return key, signers


def pack(folder: Path) -> Path:
    """The tar file of an unpacked bundle."""
    file = folder.with_name(f"{folder.name}.tar")
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(folder, folder.name)
    return file


def wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes],
    needs: Sequence[str] = (),
    commands: Mapping[str, str] | None = None,
) -> Path:
    """Make a wheel of these files."""
    escaped = name.replace("-", "_")
    notes = f"{escaped}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    entries = "".join(f"{key} = {value}\n" for key, value in (commands or {}).items())
    inside = {
        **files,
        f"{notes}/METADATA": metadata + "".join(f"Requires-Dist: {one}\n" for one in needs),
        f"{notes}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{notes}/entry_points.txt": f"[console_scripts]\n{entries}",
    }
    file = folder / f"{escaped}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as made:
        for path, text in inside.items():
            made.writestr(path, text)
        listed = "".join(f"{path},,\n" for path in (*inside, f"{notes}/RECORD"))
        made.writestr(f"{notes}/RECORD", listed)
    return file


def _own(part: str) -> Mapping[str, bytes]:
    """The files of ours that deploy.sh runs, or that a comparison reads."""
    package = Path(import_module(f"cloudhands.{part}").__path__[0])
    kept = {"ops": ("bundle/*.py",), "common": ("errors.py", "settings/*.py", "migrations/**/*.py")}
    files = [package / "__init__.py", *(file for one in kept[part] for file in package.glob(one))]
    top = package.parent.parent
    return {file.relative_to(top).as_posix(): file.read_bytes() for file in files}


def _requirement(file: Path) -> str:
    name, version = file.name.split("-")[:2]
    return f"{name.replace('_', '-')}=={version} --hash=sha256:{_digest(file)}\n"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
