"""What the contract's suite does not ask of a cloud: this one's own ways to refuse and to fail."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from cloudhands.common.cloud import (
    Cloud,
    Denied,
    Full,
    Identity,
    Invalid,
    Room,
    Server,
    ServerState,
    Temporary,
)
from cloudhands.common.testing.contract import Trial
from cloudhands.common.testing.openstack.control import ControlPlane
from cloudhands.common.testing.openstack.tenancy import HUGE, IMAGE, MEDIUM, SMALL, WHOLE, Project

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(600)]

Connect = Callable[..., Cloud]
MakeProject = Callable[..., Project]


@pytest.fixture(scope="module")
def project(make_project: MakeProject) -> Project:
    return make_project(instances=20, cores=200)


@pytest.fixture
def trials() -> Iterator[list[Trial]]:
    made: list[Trial] = []
    yield made
    for trial in made:
        trial.clear()


@pytest.fixture
def at(project: Project, connect: Connect, trials: list[Trial]) -> Trial:
    trial = Trial(connect(project), image=IMAGE, size=SMALL, limit=120, poll=0.2)
    trials.append(trial)
    return trial


def new() -> Identity:
    return Identity(str(uuid4()), str(uuid4()), 1)


def failed(at: Trial, server_id: str) -> Server:
    def look() -> Server | None:
        server = at.cloud.observe(server_id)
        assert server.state is not ServerState.RUNNING
        return server if server.state is ServerState.FAILED else None

    return at.wait_for(look)


def test_the_eleventh_vcpu_finds_no_host(at: Trial) -> None:
    at.becomes(at.create(size=WHOLE).id, ServerState.RUNNING)
    eleventh = at.create()
    seen = failed(at, eleventh.id)
    assert seen.full
    assert "No valid host was found" in seen.problem
    assert [server.full for server in at.cloud.find(eleventh.identity)] == [True]
    at.cloud.delete(eleventh.id)
    at.vanishes(eleventh.id)


def test_a_resize_that_finds_no_host_leaves_the_server_and_says_full(
    at: Trial, project: Project, connect: Connect
) -> None:
    server = at.becomes(at.create().id, ServerState.RUNNING)
    with pytest.raises(Temporary, match="only a stopped one"):
        # The trial's own cloud would ask again for as long as it may.
        connect(project).resize(server.id, HUGE)
    at.cloud.stop(server.id)
    at.becomes(server.id, ServerState.STOPPED)
    at.cloud.resize(server.id, HUGE)
    at.becomes(server.id, ServerState.STOPPED)
    with pytest.raises(Full, match=f"'{HUGE}': it has no room"):
        at.cloud.resize(server.id, HUGE)
    assert at.cloud.observe(server.id).size == SMALL
    at.cloud.start(server.id)
    assert at.becomes(server.id, ServerState.RUNNING).size == SMALL


def test_a_quota_is_full_whatever_it_counts(make_project: MakeProject, connect: Connect) -> None:
    for quota in ({"instances": 0}, {"cores": 0}, {"ram": 1}):
        trial = Trial(connect(make_project(**quota)), image=IMAGE, size=SMALL)
        spec = trial.spec()
        with pytest.raises(Full, match="Quota exceeded"):
            trial.cloud.create(spec)
        assert list(trial.cloud.find(spec.identity)) == []


def test_no_floating_ip_left_is_full(
    make_project: MakeProject, connect: Connect, trials: list[Trial]
) -> None:
    cloud = connect(make_project(floating_ips=0))
    trials.append(Trial(cloud, image=IMAGE, size=SMALL, limit=120, poll=0.2))
    server = trials[0].running(external_address=True)
    with pytest.raises(Full, match="Quota exceeded"):
        cloud.give_address(server.id)
    assert not cloud.observe(server.id).external
    assert cloud.standing([], []).quota["addresses"] == Room(0, 0)


def test_a_wrong_password_is_denied(project: Project, connect: Connect) -> None:
    wrong = connect(project, {**project.credentials, "password": "wr0ng"})
    for call in (lambda: wrong.find(new()), lambda: wrong.standing([IMAGE], [SMALL])):
        with pytest.raises(Denied, match="credentials are refused") as caught:
            call()
        assert "wr0ng" not in str(caught.value)


def test_an_application_credential_opens_the_project(project: Project, connect: Connect) -> None:
    user: Any = project.connect()
    made = user.identity.create_application_credential(user.current_user_id, "burst")
    url = project.credentials["auth_url"]
    auth = {
        "auth_url": url.removesuffix("/v3"),
        "application_credential_id": made.id,
        "application_credential_secret": made.secret,
    }
    standing = connect(project, auth).standing([IMAGE, "none"], [SMALL, "none"])
    assert (standing.missing_images, standing.missing_sizes) == (["none"], ["none"])
    assert standing.quota["vcpus"].limit == 200
    with pytest.raises(Denied, match="credentials are refused"):
        connect(project, {**auth, "application_credential_secret": "x"}).standing([], [])


@pytest.mark.parametrize("option", ["network", "external_network"])
def test_a_network_that_is_not_there_is_the_operators_to_mend(
    option: str, project: Project, connect: Connect
) -> None:
    cloud = connect(project, **{option: "none"})
    with pytest.raises(Denied, match=f"option {option}: the cloud has no network 'none'"):
        cloud.standing([], [])


def test_the_security_groups_of_the_options_guard_the_server(
    project: Project, connect: Connect, trials: list[Trial]
) -> None:
    user: Any = project.connect()
    user.network.create_security_group(name="desktops")
    told = {"image": IMAGE, "size": SMALL, "limit": 120, "poll": 0.2}
    guarded = Trial(connect(project, security_groups=["desktops"], config_drive=True), **told)
    trials.append(guarded)
    server = user.compute.get_server(guarded.running(user_data="#cloud-config\n").id)
    assert {group["name"] for group in server.security_groups} == {"desktops"}
    assert server.has_config_drive
    with pytest.raises(Invalid, match="security_group with name or id 'none'"):
        connect(project, security_groups=["none"]).create(guarded.spec())


def test_images_and_sizes_go_by_their_ids_too(at: Trial, project: Project) -> None:
    cloud: Any = project.connect()
    (image,) = cloud.image.images(name=IMAGE)
    ids = {flavor.name: flavor.id for flavor in cloud.compute.flavors()}
    assert not at.cloud.standing([image.id], ids.values()).missing_sizes
    assert not at.cloud.standing([image.id], ids.values()).missing_images
    server = at.running(image=image.id, size=ids[SMALL])
    assert server.size == ids[SMALL]
    at.cloud.stop(server.id)
    at.becomes(server.id, ServerState.STOPPED)
    at.cloud.resize(server.id, ids[MEDIUM])

    def done() -> Server | None:
        seen = at.cloud.observe(server.id)
        if seen.state is ServerState.RESIZING:
            at.cloud.resize(server.id, ids[MEDIUM])
        return seen if seen.size == ids[MEDIUM] and seen.state is ServerState.STOPPED else None

    at.wait_for(done)


def test_what_somebody_paused_is_stopped_and_can_be_started(at: Trial, project: Project) -> None:
    server_id = at.becomes(at.create().id, ServerState.RUNNING).id
    cloud: Any = project.connect()
    for rest in (cloud.compute.pause_server, cloud.compute.suspend_server):
        rest(server_id)
        at.becomes(server_id, ServerState.STOPPED)
        at.cloud.stop(server_id)
        at.cloud.start(server_id)
        at.becomes(server_id, ServerState.RUNNING)


def test_a_server_that_does_not_tell_whose_it_is_is_left_alone(
    at: Trial, project: Project, connect: Connect
) -> None:
    server = at.becomes(at.create().id, ServerState.RUNNING)
    cloud: Any = project.connect()
    cloud.compute.delete_server_metadata(server.id, ["cloudhands_appliance"])
    with pytest.raises(Temporary, match="does not tell any more whose it is"):
        connect(project).observe(server.id)
    assert list(at.cloud.find(server.identity)) == []
    assert list(at.cloud.listed(server.identity.installation).servers) == []
    mark = {"cloudhands_appliance": server.identity.appliance}
    cloud.compute.set_server_metadata(server.id, **mark)


def test_a_service_frozen_during_a_create_costs_time_only(
    at: Trial, plane: ControlPlane, project: Project, connect: Connect
) -> None:
    hasty = connect(project, timeout=3)
    spec = at.spec()
    # So that what freezes is the create itself, not the way to it.
    assert list(hasty.find(spec.identity)) == []
    with plane.frozen("nova"), pytest.raises(Temporary, match="did not answer in time"):
        hasty.create(spec)
    # Whether it took effect shows now; what cloud-burst does next is to look, then to create.
    if not (found := at.cloud.find(spec.identity)):
        at.create(spec.identity)
    at.made.extend(server.id for server in found)
    (server,) = at.cloud.find(spec.identity)
    assert at.becomes(server.id, ServerState.RUNNING).identity == spec.identity
    assert [one.id for one in at.cloud.find(spec.identity)] == [server.id]


@pytest.mark.parametrize("service", ["keystone", "glance", "neutron"])
def test_a_part_of_the_cloud_that_stands_still_is_temporary(
    service: str, plane: ControlPlane, project: Project, connect: Connect
) -> None:
    cloud = connect(project, timeout=2)
    with plane.frozen(service), pytest.raises(Temporary):
        cloud.standing([IMAGE], [])


def test_a_malformed_wish_is_the_persons(at: Trial) -> None:
    spec = at.spec(name="x" * 300)
    with pytest.raises(Invalid, match="Invalid input for field"):
        at.cloud.create(spec)
