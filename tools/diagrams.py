"""Writes the reference pages of the states: one for each transition table, from the table itself.

    python tools/diagrams.py [--check] [--folder FOLDER]

A transition table is every `Machine` in a `states.py` of `cloudhands.common`. With `--check`
nothing is written; the exit status is 1 if a page is not what would be written, or should not be
there.
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cloudhands.common
from cloudhands.common.machine import Machine

FOLDER = Path(__file__).parents[1] / "cloudhands-ops" / "docs" / "reference" / "states"
NOTE = ".. Written by tools/diagrams.py from the transition table: change that one, and run it."
INDEX = "index"


def machines() -> Mapping[str, Machine]:
    """Every transition table, by its name in small letters."""
    found: dict[str, Machine] = {}
    for package in pkgutil.iter_modules(cloudhands.common.__path__):
        folder = Path(cloudhands.common.__path__[0]) / package.name
        if package.ispkg and (folder / "states.py").exists():
            module = importlib.import_module(f"cloudhands.common.{package.name}.states")
            found.update(
                (name.lower(), one)
                for name, one in vars(module).items()
                if isinstance(one, Machine)
            )
    return dict(sorted(found.items()))


def pages(tables: Mapping[str, Machine]) -> Mapping[str, str]:
    """The text of each page, by the name of its file."""
    made = {f"{name}.rst": _text(page(name, machine)) for name, machine in tables.items()}
    return {**made, f"{INDEX}.rst": _text(_index(list(tables)))}


def page(name: str, machine: Machine) -> Iterator[str]:
    """The lines of a page."""
    yield from (NOTE, "", *_title(f"States: {name}"))
    yield f"Made as ``{machine.initial}``. A state in brackets goes on where it has none."
    yield from ("", "::", "")
    yield from (f"    {line}" for line in diagram(machine))
    yield from ("", "Every other change is refused.", "")
    yield from _table(machine)


def diagram(machine: Machine) -> Iterator[str]:
    """A transition table as a tree: each state is drawn below the nearest one that leads to it."""
    above = _nearest(machine)

    def branches(state: str, margin: str) -> Iterator[str]:
        targets = _targets(machine, state)
        for target in targets:
            last = target == targets[-1]
            drawn_here = above.get(target) == state
            yield f"{margin}{'`' if last else '+'}--> {target if drawn_here else f'({target})'}"
            if drawn_here:
                yield from branches(target, f"{margin}{' ' if last else '|'}    ")

    yield f"--> {machine.initial}"
    yield from branches(machine.initial, "    ")


def _nearest(machine: Machine) -> Mapping[str, str]:
    """For each state but the initial one the first that leads to it, on a shortest way."""
    above: dict[str, str] = {}
    order = [machine.initial]
    for state in order:  # it grows
        new = [each for each in _targets(machine, state) if each not in order]
        above.update(dict.fromkeys(new, state))
        order.extend(new)
    return above


def _targets(machine: Machine, state: str) -> Sequence[str]:
    return [arrow.target for arrow in machine.arrows if arrow.source == state]


def _table(machine: Machine) -> Iterator[str]:
    rows = [("From", "To", "Meaning")]
    rows += [(arrow.source, arrow.target, arrow.meaning) for arrow in machine.arrows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    yield from (rule, lines[0], rule, *lines[1:], rule)


def _index(names: Sequence[str]) -> Iterator[str]:
    yield from (NOTE, "", *_title("States"))
    yield from (".. toctree::", "", *(f"   {name}" for name in names))


def _title(title: str) -> Sequence[str]:
    return (title, "=" * len(title), "")


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def differing(folder: Path, wanted: Mapping[str, str]) -> Sequence[str]:
    """The files of a folder that are not as wanted, are missing, or have no machine any more."""
    found = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.rst")}
    names = sorted({*found, *wanted})
    return [name for name in names if found.get(name) != wanted.get(name)]


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point; returns its exit status."""
    arguments = argparse.ArgumentParser(description="Writes the reference pages of the states.")
    arguments.add_argument("--check", action="store_true", help="write nothing, compare")
    arguments.add_argument("--folder", type=Path, default=FOLDER, help="where the pages are")
    options = arguments.parse_args(argv)
    wanted = pages(machines())
    stale = differing(options.folder, wanted)
    if options.check:
        for name in stale:
            print(f"{options.folder / name} is not current: run python tools/diagrams.py")
        return 1 if stale else 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (options.folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (options.folder / name).unlink()
        print(f"{options.folder / name}: {'written' if name in wanted else 'removed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
