"""The reference pages of the states are what the transition tables say."""

import importlib.util
from pathlib import Path

import pytest

from cloudhands.common.machine import Arrow, Machine

TOOL = Path(__file__).parents[3] / "tools" / "diagrams.py"


@pytest.fixture(scope="module")
def diagrams():
    spec = importlib.util.spec_from_file_location("diagrams", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_current(diagrams, capsys):
    assert diagrams.main(["--check"]) == 0, capsys.readouterr().out


def test_every_machine_has_a_page_with_each_of_its_arrows(diagrams):
    machines = diagrams.machines()
    assert {"appliance", "membership", "subscription"} <= set(machines)
    for name, machine in machines.items():
        page = (diagrams.FOLDER / f"{name}.rst").read_text(encoding="utf-8")
        rows = [line.split(maxsplit=2) for line in page.splitlines()]
        for arrow in machine.arrows:
            assert [arrow.source, arrow.target, arrow.meaning] in rows


def test_a_stale_a_missing_and_an_orphaned_page_are_noticed_and_mended(diagrams, tmp_path, capsys):
    folder = ["--folder", str(tmp_path / "states")]
    assert diagrams.main([*folder, "--check"]) == 1
    assert diagrams.main(folder) == 0
    assert diagrams.main([*folder, "--check"]) == 0
    (tmp_path / "states" / "appliance.rst").write_text("old")
    (tmp_path / "states" / "membership.rst").unlink()
    (tmp_path / "states" / "gone.rst").write_text("of a machine that is no more")
    capsys.readouterr()
    assert diagrams.main([*folder, "--check"]) == 1
    told = capsys.readouterr().out
    assert all(f"{name}.rst is not current" in told for name in ("appliance", "membership", "gone"))
    assert diagrams.main(folder) == 0
    assert not (tmp_path / "states" / "gone.rst").exists()
    assert diagrams.main([*folder, "--check"]) == 0


def test_a_drawing(diagrams):
    machine = Machine(
        "new",
        (
            Arrow("new", "on", "switched on"),
            Arrow("new", "gone", "thrown away"),
            Arrow("on", "off", "switched off"),
            Arrow("off", "on", "switched on again"),
            Arrow("off", "gone", "thrown away"),
        ),
    )
    assert list(diagrams.diagram(machine)) == [
        "--> new",
        "    +--> on",
        "    |    `--> off",
        "    |         +--> (on)",
        "    |         `--> (gone)",
        "    `--> gone",
    ]
