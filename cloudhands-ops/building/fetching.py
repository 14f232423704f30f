"""build.sh --vendor: fetches the wheels that the vendor folder lacks.

pip fetches, from wherever it is set up to, and checks each hash. A few wheels at a time: an interrupted run
goes on where it was.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from building import selection, vendor
from building.locks import Locked, needed
from building.saying import in_words, say
from building.targets import Target
from cloudhands.common.errors import ConfigurationError

BATCH = 6
AT_ONCE = 3  # most of the time is waiting, for the network and the disk


@dataclass(frozen=True)
class Wanted:
    """What a vendor folder has to hold: the lines of one lock for some targets."""

    lock: Sequence[Locked]
    targets: Sequence[Target]


def fetch(folder: Path, scratch: Path, wanted: Sequence[Wanted], known: frozenset[str]) -> None:
    """Fetch what is lacking, remove what no lock names.

    :param known: the hashes in the locks.
    :raises ConfigurationError: if the folder is somebody's own, or something cannot be had.
    """
    _ours(folder)
    found = vendor.read(folder)
    for name in found.foreign(known):
        say(f"removed {name}: no lock names it")
        (folder / name).unlink()
    for number, each in enumerate(wanted, 1):
        for target in each.targets:
            _fetch(folder, scratch / str(number), each.lock, target)
    kept = vendor.read(folder).names.values()
    size = sum((folder / name).stat().st_size for name in kept)
    say(f"{folder}: {len(kept)} wheels, {size / 1e6:.1f} MB, all checked")


def _ours(folder: Path) -> None:
    mark = folder / vendor.MARK
    if not mark.exists() and vendor.read(folder).names:
        raise ConfigurationError(
            f"{folder} was not made by build.sh --vendor: name an empty folder with --vendor-folder"
        )
    mark.touch()


def _fetch(folder: Path, scratch: Path, lock: Sequence[Locked], target: Target) -> None:
    found = vendor.read(folder)
    wanted = needed(lock, target)
    missing = [each for each in wanted if selection.one(found, each, target) is None]
    say(f"{target}: {len(wanted) - len(missing)} of {len(wanted)} wheels are there")
    done = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            running = [
                pool.submit(_download, missing[at : at + BATCH], target, scratch / f"{target.python}-{target.machine}-{at}")
                for at in range(0, len(missing), BATCH)
            ]
            for future in as_completed(running):
                for file in future.result():
                    done += 1
                    say(f"  {done} of {len(missing)}  {file.name}  {file.stat().st_size / 1e6:.2f} MB")
                    file.replace(folder / file.name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _download(wanted: Sequence[Locked], target: Target, scratch: Path) -> Iterator[Path]:
    scratch.mkdir(parents=True)
    asked = scratch / "asked.txt"
    asked.write_text("".join(_line(each) for each in wanted), encoding="utf-8")
    files = scratch / "files"
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--progress-bar=off"]
    command += ["--disable-pip-version-check", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={target.python}"]
    command += [f"--abi={abi}" for abi in _abis(target)]
    command += [f"--platform={platform}" for platform in target.platforms]
    command += [f"--requirement={asked}", f"--dest={files}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        names = ", ".join(str(each) for each in wanted)
        raise ConfigurationError(f"{names} for {target}: {in_words(done.stderr)}")
    return iter(sorted(files.iterdir()))


def _abis(target: Target) -> tuple[str, ...]:
    return "cp" + target.python.replace(".", ""), "abi3", "none"


def _line(locked: Locked) -> str:
    hashes = " ".join(f"--hash=sha256:{each}" for each in sorted(locked.hashes))
    return f"{locked.name}=={locked.version} {hashes}\n"
