"""Compares one virtual environment with the wheels that it was made from, file by file."""

import json
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from cloudhands.common.errors import Conflict
from cloudhands.ops.bundle import python, scripts, wheels

# pip's own notes beside each distribution's metadata.
NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
# What the venv module makes, besides the links to Python.
ACTIVATION = ("activate", "activate.csh", "activate.fish", "Activate.ps1")
CONFIGURATION = "pyvenv.cfg"
# Python 3.13 keeps a whole environment out of git.
IGNORED = ".gitignore"
# What it says for people: Python goes by the other keys.
DESCRIBED = ("version", "executable", "command", "prompt")
COMPILING = "compiling.py"


class Comparison:
    """One environment, and what is known of its files by now.

    :param venv: where it is.
    :raises Conflict: if it is not whole enough to be compared.
    """

    def __init__(self, venv: Path) -> None:
        self._venv = venv
        sites = list((venv / "lib").glob("python*/site-packages"))
        if len(sites) != 1:
            raise Conflict(
                f"{venv / 'lib'} holds {len(sites)} folders of packages, and not one: find out who "
                "changed that; remove the release and install its bundle again"
            )
        self._site = sites[0]
        self._python = venv / "bin" / "python"
        self.known: set[Path] = set()
        self.wrong: list[str] = []

    @property
    def interpreter(self) -> Path:
        """The system's Python that it is for, which no bundle proves."""
        return self._python.resolve()

    def holds(self, file: Path) -> bool:
        """Whether a wheel's version of its distribution is installed."""
        wheel = wheels.parse(file)
        folders = (one.stem.rpartition("-") for one in self._site.glob("*.dist-info"))
        return (wheel.name, wheel.version) in {
            (wheels.normal(name), version) for name, _, version in folders
        }

    def compare(self, file: Path) -> None:
        """Compare what one wheel holds. One that was not installed, nothing of it, is no matter."""
        wheel = wheels.parse(file)
        with zipfile.ZipFile(file) as opened:
            # At the top: setuptools carries others below its own package.
            tops = (name.split("/")[0] for name in opened.namelist())
            folder = next(top for top in tops if top.endswith(".dist-info"))
            if not (self._site / folder).is_dir():
                self.wrong.append(f"{wheel.name} {wheel.version} is not installed")
                return
            for name in opened.namelist():
                if not name.endswith("/") and name != f"{folder}/RECORD":
                    self._compare(opened, name)
            for name, entry in scripts.of_wheel(opened, folder):
                self._compare_script(self._venv / "bin" / name, entry)
                if name == "pip":  # it names itself for the Python that it installs with, too
                    own = f"pip{self._site.parent.name.removeprefix('python')}"
                    self._compare_script(self._venv / "bin" / own, entry)
        self.known.update(self._site / folder / note for note in NOTES)

    def _compare(self, wheel: zipfile.ZipFile, name: str) -> None:
        path = self._place(name)
        self.known.add(path)
        if not path.is_file() or path.is_symlink():
            self.wrong.append(f"{path} is missing")
        elif path.read_bytes() != self._installed(wheel.read(name), name):
            self.wrong.append(f"{path} is not as in {Path(str(wheel.filename)).name}")

    def _installed(self, content: bytes, name: str) -> bytes:
        """A wheel's file as pip installs it: a script learns which Python it is for."""
        if ".data/scripts/" in name and content.startswith(b"#!python"):
            return b"#!" + bytes(self._python) + content[content.index(b"\n") :]
        return content

    def _place(self, name: str) -> Path:
        """Where pip puts a wheel's file."""
        top, _, rest = name.partition("/")
        if not top.endswith(".data"):
            return self._site / name
        kind, _, rest = rest.partition("/")
        bases = {"purelib": self._site, "platlib": self._site, "scripts": self._venv / "bin"}
        return bases.get(kind, self._venv) / rest

    def _compare_script(self, script: Path, entry: str) -> None:
        self.known.add(script)
        if not scripts.is_as_made(script, entry, self._python):
            self.wrong.append(f"{script} is not what pip makes of {entry}")

    def others(self) -> Iterator[str]:
        """What no wheel holds, and neither pip nor Python makes."""
        for path in sorted(self._venv.rglob("*")):
            if path.is_symlink():
                if not self._is_own_link(path):
                    yield f"{path} leads to {path.readlink()}, and is not of the bundle"
            elif path.is_file() and not self._is_explained(path):
                yield f"{path} is not of the bundle"
        if not self._is_shut_off():
            yield f"{self._venv / CONFIGURATION} is not what Python makes for {self.interpreter}"

    def _is_own_link(self, path: Path) -> bool:
        """Whether the venv module makes it: each of Python's names leads to the system's."""
        target = path.readlink()
        if path == self._venv / "lib64":
            return target == Path("lib")
        if path.parent != self._python.parent or not path.name.startswith("python"):
            return False
        return target.name.startswith("python") and (
            target.is_absolute() or target.parent == Path()
        )

    def _is_shut_off(self) -> bool:
        """Whether Python takes its own modules from where it is, and no others of the system's."""
        link = self._python
        try:
            lines = (self._venv / CONFIGURATION).read_text(encoding="utf-8").splitlines()
            while not (target := link.readlink()).is_absolute():
                link = link.parent / target
        except (OSError, UnicodeDecodeError):
            return False
        pairs = (line.partition("=") for line in lines)
        values = {key.strip(): value.strip() for key, _, value in pairs}
        return (
            len(values) == len(lines)
            and values.keys() <= {"home", "include-system-site-packages", *DESCRIBED}
            and values.get("include-system-site-packages") == "false"
            and values.get("home") == str(target.parent)
        )

    def _is_explained(self, path: Path) -> bool:
        if path in self.known or path in (self._venv / CONFIGURATION, self._venv / IGNORED):
            return True
        if path.parent == self._python.parent:
            return path.name in ACTIVATION
        if path.parent.name != "__pycache__" or path.suffix != ".pyc":
            return False
        # Python goes by the source's time and size: what has none would be run as it is.
        return path.parent.parent / f"{path.name.split('.')[0]}.py" in self.known

    def compiled_wrongly(self) -> Iterator[str]:
        """What is kept compiled and is not what its source says."""
        # Not the environment's own, which would first run what may have been added to it.
        # Its text: deploy.sh runs us from within a wheel.
        text = (resources.files("cloudhands.ops.bundle") / COMPILING).read_text(encoding="utf-8")
        argv: list[str | Path] = [self.interpreter, "-I", "-S", "-B", "-c", text, self._site]
        told = python.run("compiling again", argv)
        for line in json.loads(told):
            yield f"{line} is not what its source says"
