import http.client
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from cloudhands.burst import main as entry
from cloudhands.common import history
from cloudhands.common.appliance import commands
from cloudhands.common.appliance.commands import Goal
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.clock import now
from cloudhands.common.db import Database, opened
from cloudhands.common.provider.queries import by_name
from cloudhands.common.testing.databases import put_key
from cloudhands.common.testing.factories import Factory
from cloudhands.common.testing.processes import Process
from cloudhands.common.worker.tables import Worker

CLOUD = """
[providers.{name}]
kind = "simulated"
label = "{name} cloud"
public = {public}
priority = {priority}
settle = 1

[providers.{name}.options]
file = "{name}.db"
capacity = {capacity}
images = ["debian-12"]
sizes = ["m1.small"]
boot_seconds = 0.3
stop_seconds = 0.2
delete_seconds = 0.2
latency_seconds = {latency}
network = "{network}"
"""


@dataclass
class Site:
    """A settings file, a database, and `cloud-burst` as a process."""

    folder: Path
    database: Database
    url: str

    def configure(self, latency: float = 0, claim: float = 3) -> None:
        put_key(self.folder / "server.key")
        common = {"latency": latency}
        text = (
            f'state = "{self.folder}"\n[burst]\nclaim = {claim}\n[database]\nurl = "{self.url}"\n'
        )
        text += CLOUD.format(
            name="private", public="false", priority=10, capacity=4, network="10.0.0.0/24", **common
        )
        text += CLOUD.format(
            name="public", public="true", priority=20, capacity=40, network="10.0.1.0/24", **common
        )
        (self.folder / "cloudhands.toml").write_text(text)

    def argv(self, *more: str) -> list[str]:
        program = str(Path(sys.executable).with_name("cloud-burst"))
        return [program, "--config", str(self.folder / "cloudhands.toml"), *more]

    @contextmanager
    def burst(self, *more: str) -> Iterator[Process]:
        process = Process(self.argv(*more), self.folder / "burst.log")
        try:
            process.wait_until(lambda: '"event": "ready"' in process.output(), 20)
            yield process
        finally:
            process.kill()

    def launch(self, count: int = 1) -> list[UUID]:
        with self.database.writing() as session:
            make = Factory(session, now())
            organisation = make.organisation()
            owner = make.member(organisation)
            return [make.appliance(organisation, owner).uuid for _ in range(count)]

    def want(self, uuid: UUID, goal: Goal) -> None:
        with self.database.writing() as session:
            appliance = by_uuid(session, uuid, lock=True)
            assert appliance is not None
            commands.set_goal(session, appliance.owner, appliance, goal, now())

    def states(self) -> list[str]:
        with self.database.reading() as session:
            return [row.state for row in session.query(Appliance).order_by(Appliance.id)]

    def history(self, uuid: UUID) -> list[str | None]:
        with self.database.reading() as session:
            return [event.to_state for event in reversed(history.latest(session, uuid))]

    def become(self, state: str, limit: float = 30) -> float:
        return until(lambda: set(self.states()) == {state}, limit)

    def servers(self, name: str) -> int:
        with sqlite3.connect(self.folder / f"{name}.db") as file:
            (count,) = file.execute("SELECT count(*) FROM servers").fetchone()
        file.close()
        return int(count)


def until(holds: Callable[[], bool], limit: float = 30) -> float:
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < limit
        time.sleep(0.01)
    return time.monotonic() - started


@pytest.fixture
def site(database: Database, database_url: str, tmp_path: Path) -> Site:
    made = Site(tmp_path, database, database_url)
    made.configure()
    return made


def test_six_launches_and_a_clean_end(site: Site) -> None:
    with site.burst() as process:
        launched = site.launch(6)
        site.become("running")
        for uuid in launched:
            site.want(uuid, "deleted")
        site.become("deleted")
        started = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - started < 10
        lines = [json.loads(line) for line in process.output().splitlines()]
    assert lines[-1]["event"] == "stopped"
    created = [line for line in lines if line["event"] == "create"]
    assert {line["appliance"] for line in created} == {str(uuid) for uuid in launched}
    assert {line["provider"] for line in created} == {"private", "public"}
    assert all(line["seconds"] >= 0 for line in created)


def test_the_end_does_not_wait_for_a_call_that_hangs(site: Site) -> None:
    site.configure(latency=60)
    with site.burst() as process:
        site.launch()
        until(lambda: '"event": "place"' in process.output())
        started = time.monotonic()
        assert process.stop(limit=12) == 0
        assert time.monotonic() - started < 10
        assert "stopped with calls in hand" in process.output()


def test_kill_9_at_any_moment_costs_only_time(site: Site) -> None:
    site.configure(latency=0.02, claim=1)
    launched = site.launch(6)
    for delay in (0.0, 0.1, 0.2, 0.4):
        with site.burst():
            time.sleep(delay)
    with site.burst():
        site.become("running")
        assert site.servers("private") == 4
        assert site.servers("public") == 2
        for uuid in launched:
            site.want(uuid, "stopped")
        time.sleep(0.1)
    with site.burst():
        site.become("stopped")
    for uuid in launched:
        steps = site.history(uuid)
        assert steps[:2] == ["requested", "provisioning"]
        # The touch between is the wish itself.
        assert steps[-4:] == ["running", "running", "stopping", "stopped"]


def test_two_share_the_work_and_one_takes_over(site: Site) -> None:
    site.configure(latency=0.02, claim=2)
    with site.burst() as first:
        log = site.folder / "second.log"
        second = Process(site.argv(), log)
        second.wait_until(lambda: '"event": "ready"' in second.output(), 20)
        site.launch(12)
        until(lambda: "provisioning" in site.states())
        first.kill()
        site.become("running")
        assert second.stop() == 0
    assert site.servers("private") + site.servers("public") == 12


def test_once(site: Site) -> None:
    site.launch(2)
    process = Process(site.argv("--once"), site.folder / "once.log")
    assert process.wait(20) == 0
    assert site.states() == ["provisioning", "provisioning"]


def ask(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def logged(process: Process, event: str) -> dict[str, Any]:
    """The last line of the log that tells of an event."""
    lines = [json.loads(line) for line in process.output().splitlines() if line.startswith("{")]
    found: dict[str, Any] = [line for line in lines if line["event"] == event][-1]
    return found


def test_its_numbers_its_health_and_its_row(site: Site) -> None:
    with site.burst("--set", "burst.metrics_port=0") as process:
        until(lambda: '"event": "listening"' in process.output())
        port = logged(process, "listening")["port"]
        site.launch()
        site.become("running")
        told = ask(port, "/metrics")
        assert 'calls_total{call="create",outcome="ok",provider="private"} 1.0' in told
        assert 'cloudhands_oldest_due_seconds{kind="appliance"}' in told
        second = Process(site.argv("--set", f"burst.metrics_port={port}"), site.folder / "2.log")
        second.wait_until(lambda: '"event": "no metrics"' in second.output(), 20)
        until(lambda: 'cloudhands_workers{state="working"} 2.0' in ask(port, "/metrics"))
        assert json.loads(ask(port, "/health/ready")) == {"status": "ready"}
        assert second.stop() == 0
        assert process.stop() == 0
    with site.database.reading() as session:
        assert session.scalars(select(Worker)).all() == []


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("database.url=sqlite:///{folder}/empty.db", "run 'cloud-admin db upgrade'"),
        ("burst.concurrency=0", "burst.concurrency (--set)"),
    ],
)
def test_what_an_operator_has_to_mend(
    tmp_path: Path, sqlite_url: str, setting: str, words: str
) -> None:
    with opened(sqlite_url) as database:
        site = Site(tmp_path, database, sqlite_url)
    site.configure()
    argv = site.argv("--set", setting.format(folder=tmp_path))
    process = Process(argv, tmp_path / "wrong.log")
    assert process.wait(20) == 2
    assert words in process.output()
    assert "Traceback" not in process.output()


def test_one_provider_that_is_not_set_up_and_the_others_go_on(site: Site) -> None:
    with site.burst("--set", "providers.private.options.capacity=many") as process:
        site.launch()
        site.become("running")
        until(lambda: '"event": "paused"' in process.output())
        told = logged(process, "not set up")
        assert process.stop() == 0
    (reason,) = told["reasons"]
    assert reason.startswith("providers.private.options.capacity: Input should be a valid integer")
    assert site.servers("public") == 1
    with site.database.reading() as session:
        found = by_name(session, "private")
        assert found is not None
        assert found.state == "paused"
        assert found.problem == f"{reason}; then start cloud-burst again"
        assert found.pause_ends == "probe", "so it goes on by itself once that is mended"
    with site.burst() as process:
        until(lambda: '"event": "resumed"' in process.output())
        assert process.stop() == 0


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        entry.main(["--version"])
    assert capsys.readouterr().out.startswith("cloud-burst ")
