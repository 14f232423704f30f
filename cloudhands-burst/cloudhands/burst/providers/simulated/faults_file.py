"""Faults of a simulated cloud that are switched on and off while it is used.

While there is a file beside the one that holds the servers, `private.faults.json` for
`private.db`, it takes the place of the faults in the settings, in every process that uses the
cloud, from the next call on. It is a `Faults` as a JSON object, written by `write` or by hand:

    {"temporary": {"any": 0.2}, "lost": {"create": 0.5}}
"""

import os
from pathlib import Path

from pydantic import ValidationError

from cloudhands.burst.providers.simulated.faults import NONE, Faults
from cloudhands.common.cloud import Temporary

_Signature = tuple[int, int, int] | None


def beside(file: Path) -> Path:
    """Where the faults are of the cloud whose servers a file holds."""
    return file.with_name(f"{file.stem}.faults.json")


def write(path: Path, faults: Faults) -> None:
    """Let these faults hold from now on; who reads meanwhile sees the old ones or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(f"{faults.model_dump_json(indent=2, exclude_defaults=True)}\n", "utf-8")
    new.replace(path)


def remove(path: Path) -> None:
    """Let the faults of the settings hold again."""
    path.unlink(missing_ok=True)


class FaultsFile:
    """The faults that hold now; read again when the file changes.

    :param path: where the file may be.
    :param otherwise: what holds while there is none.
    """

    def __init__(self, path: Path, otherwise: Faults) -> None:
        self._path = path
        self._otherwise = _known(otherwise)
        self._read: tuple[_Signature, Faults] = (None, self._otherwise)

    def faults(self) -> Faults:
        """The faults that hold now: the same object until the file changes, `NONE` if none do.

        :raises Temporary: if the file cannot be understood: naming it and what is wrong.
        """
        signature, faults = self._read
        present = self._signature()
        if present != signature:
            faults = self._parsed() if present else self._otherwise
            self._read = (present, faults)
        return faults

    def _signature(self) -> _Signature:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._wrong(str(error.strerror)) from error
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _parsed(self) -> Faults:
        try:
            return _known(Faults.model_validate_json(self._path.read_bytes()))
        except FileNotFoundError:
            return self._otherwise
        except OSError as error:
            raise self._wrong(str(error.strerror)) from error
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            raise self._wrong(
                "; ".join(f"{_key(one['loc'])}{one['msg']}" for one in found)
            ) from None

    def _wrong(self, why: str) -> Temporary:
        return Temporary(f"its faults, {self._path}, cannot be used (mend or remove it): {why}")


def _known(faults: Faults) -> Faults:
    # That nothing is to go wrong is asked at every call: an identity is quick to compare.
    return NONE if faults == NONE else faults


def _key(parts: tuple[int | str, ...]) -> str:
    key = ".".join(str(part) for part in parts if part != "[key]")
    return f"{key}: " if key else ""
