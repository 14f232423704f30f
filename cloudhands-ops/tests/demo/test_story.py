import os
import re
import signal
import subprocess

import pytest

from cloudhands.ops.admin.main import main as admin
from cloudhands.ops.demo import clouds, configuration, readiness, setup
from cloudhands.ops.demo.client import Client
from cloudhands.ops.demo.person import Person
from cloudhands.ops.demo.story import invited
from cloudhands.ops.demo.telling import until
from cloudhands.ops.demo.testing import demonstration

# Which programs are killed once a step has been told.
KILLS = {
    "signs in with a local password": ["cloud-index"],
    "invites": ["cloud-serve", "nginx"],
    "adds an SSH key": ["cloud-serve", "cloud-burst"],
    "launches 6 appliances": ["cloud-burst"],
    "are on the private cloud": ["cloud-burst", "cloud-serve", "cloud-index"],
    "stops Story 1": ["cloud-burst"],
    "starts Story 1": ["cloud-serve", "cloud-burst"],
}


@pytest.fixture
def demo():
    with demonstration() as made:
        assert made.run("up", "--port", str(made.port)).returncode == 0
        yield made


def seconds_of(told):
    return float(re.search(r"^ *([0-9.]+) s  the whole story", told, flags=re.MULTILINE)[1])


def servers_of(demo):
    found = clouds.servers(configuration.read(demo.place))
    return {provider: len(servers) for provider, servers in found.items()}


@pytest.fixture(scope="module")
def told():
    """A demonstration whose story was told twice, and what was said."""
    with demonstration() as made:
        assert made.run("up", "--port", str(made.port)).returncode == 0
        yield made, made.run("story"), made.run("story")


def test_the_story_can_be_told_again_and_again(told):
    demo, first, second = told
    for result in (first, second):
        assert result.returncode == 0, result.stdout + result.stderr
        assert seconds_of(result.stdout) < 60
        assert "4 are on the private cloud, 2 on the public one" in result.stdout
        for state in ("provisioning", "running", "stopping", "stopped", "starting", "deleted"):
            assert f"-> {state}" in result.stdout
    assert "Grace Hopper invites" not in first.stdout
    assert "Ada Lovelace invites Grace Hopper" in first.stdout
    assert "of an earlier telling are deleted" in second.stdout
    assert servers_of(demo) == {"private": 3, "public": 2}


def test_it_goes_on_with_its_rows_on_postgresql(told, postgresql_server):
    demo, *_ = told
    assert demo.run("stop").returncode == 0
    name = postgresql_server.create()
    url = postgresql_server.url(name)
    assert admin(["--config", str(demo.place.settings), "db", "move", url]) == 0
    with demo.place.settings.open("a", encoding="utf-8") as file:
        file.write(f'\n[database]\nurl = "{url}"\n')
    settings = configuration.read(demo.place)
    demo.supervision.start()
    try:
        readiness.wait(settings, demo.supervision)
        with Client(configuration.address(demo.port)) as client:
            person = Person(client, invited(), setup.ORGANISATION_TITLE)
            person.sign_in()
            assert len(person.appliances()) == 5
            (one, *_) = [each for each in person.appliances() if each["label"] == "Story 2"]
            person.set_goal(one, "stopped")
            until(lambda: person.look(one), lambda now: now["state"] == "stopped", 30, "runs")
    finally:
        demo.supervision.stop()
        postgresql_server.drop(name)


def test_the_story_ends_at_the_first_step_that_fails(demo):
    demo.place.password.write_text("not the password\n", encoding="ascii")
    result = demo.run("story")
    assert result.returncode == 1
    assert result.stderr.startswith("FAILED: step 1, Ada Lovelace signs in")
    assert "wrong" in result.stderr
    assert "the whole story" not in result.stdout


def test_the_story_ends_well_whatever_is_killed_meanwhile(demo):
    """The story itself checks that no step is lost and that no appliance has two servers."""
    killed = []
    kills = dict(KILLS)
    with subprocess.Popen(
        demo.argv("story"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as story:
        told = []
        for line in story.stdout:
            told.append(line)
            for sentence in [sentence for sentence in kills if sentence in line]:
                killed += [pid for kind in kills.pop(sentence) for pid in kill(demo, kind)]
    assert story.returncode == 0, "".join(told)
    assert not kills
    # A kill may let a later one have the private place of Story 1, which is deleted at the end.
    left = {"private": 4, "public": 2}
    left[re.search(r"Story 1  (private|public)", "".join(told))[1]] -= 1
    assert servers_of(demo) == left
    assert not set(killed) & set(demo.pids().values())
    assert demo.run("status").returncode == 0


def kill(demo, kind):
    """Kill every process of a kind; returns their ids."""
    # One may be on its way back from the last kill.
    running = [one for one in demo.supervision.programs() if one.is_of(kind) and one.pid]
    for one in running:
        os.kill(one.pid, signal.SIGKILL)
    return [one.pid for one in running]
