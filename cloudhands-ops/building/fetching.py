"""build.sh --vendor: fetches the wheels that the vendor folder lacks.

pip fetches, from wherever it is set up to, and checks each hash. A few wheels at a time: an
interrupted run goes on where it was.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import chain
from pathlib import Path

from building import asking, environment, locks, saying, selection, tools, vendor
from building.asking import Asked
from building.locks import Locked, needed
from building.saying import in_words, say
from building.targets import Target
from cloudhands.common.errors import ConfigurationError

BATCH = 12
AT_ONCE = 3  # most of the time is waiting, for the network and the disk
_ROOT = Path(__file__).resolve().parents[2]


def main(argv: Sequence[str]) -> int:
    """Fetch what is asked for; the first argument is the scratch folder."""
    scratch, *options = argv
    asked = asking.parse(_ROOT, options)
    return saying.run(lambda: fetch(asked, Path(scratch)), inner=True)


def fetch(asked: Asked, scratch: Path) -> None:
    """Fetch what is lacking, remove what no lock names.

    :raises ConfigurationError: if the folder is somebody's own, or something cannot be had.
    """
    folder = asked.vendor_folder
    _ours(folder)
    for name in vendor.read(folder).foreign(tools.known(asked.root)):
        say(f"removed {name}: no lock names it")
        (folder / name).unlink()
    carried = locks.read(asked.root / environment.BUNDLE_LOCK)
    for python in asked.pythons:
        for machine in asked.machines:
            _fetch(folder, scratch, carried, Target(python, machine))
    if asked.venv:
        say("and for building with this Python:")
        named = locks.read(asked.root / environment.LOCK)
        _fetch(folder, scratch / "tools", named, Target.here())
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
    batches = [missing[at : at + BATCH] for at in range(0, len(missing), BATCH)]
    place = scratch / f"{target.python}-{target.machine}"
    done = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [
            pool.submit(_download, batch, target, place / str(number))
            for number, batch in enumerate(batches)
        ]
        try:
            for file in chain.from_iterable(future.result() for future in as_completed(running)):
                done += 1
                size = file.stat().st_size / 1e6
                file.replace(folder / file.name)
                say(f"  {done} of {len(missing)}  {file.name}  {size:.2f} MB")
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
