"""What can be asked of an appliance's server, where its cloud can."""

import re

import pytest

from cloudhands.common.appliance.tables import Appliance
from cloudhands.web.testing import able_to_change


@pytest.fixture
def portal(any_portal):
    """The world's appliance runs where it can be rebooted and resized."""
    change(any_portal, able=True, state="running")
    return any_portal


def change(portal, *, able=False, **values):
    with portal.services.database.writing() as session:
        row = session.query(Appliance).filter_by(uuid=portal.world.appliance).one()
        for name, value in values.items():
            setattr(row, name, value)
        row.version += 1
        if able:
            able_to_change(session, row)


def row(portal):
    with portal.services.database.reading() as session:
        return session.query(Appliance).filter_by(uuid=portal.world.appliance).one()


def path(portal):
    return f"/appliances/{portal.world.appliance}"


def form(portal, client):
    """The form that edits, as a document and with its tag."""
    edit = client.document(path(portal))["_links"]["edit-form"]
    answer = client.get(edit["href"])
    return answer.json(), answer.headers["etag"]


def test_a_reboot(portal):
    client = portal.client("member")
    template = client.document(path(portal))["_templates"]["reboot"]
    assert client.use(template).status_code == 303
    assert row(portal).reboots_wanted == 1
    assert "asked to reboot" in portal.browser("member").get(path(portal)).text


def test_where_it_cannot_be_rebooted_nobody_is_offered_it(portal):
    client = portal.client("member")
    template = client.document(path(portal))["_templates"]["reboot"]
    change(portal, state="stopped", goal="stopped")
    assert "reboot" not in client.document(path(portal))["_templates"]
    assert "Reboot" not in portal.browser("member").get(path(portal)).text
    refused = client.use(template)
    assert refused.status_code == 409
    assert "is not running" in refused.json()["detail"]


def test_another_size(portal):
    client = portal.client("member")
    document, tag = form(portal, client)
    template = document["_templates"]["resize"]
    (field, *_) = template["properties"]
    assert field["value"] == "small"
    assert [one["value"] for one in field["options"]["inline"]] == ["small", "large"]
    body = {one["name"]: one["value"] for one in template["properties"] if "value" in one}
    del body["if_match"]
    without = client.post(template["target"], json=body | {"size": "large"})
    assert without.status_code == 428
    headers = {"If-Match": tag}
    done = client.post(template["target"], json=body | {"size": "large"}, headers=headers)
    assert done.status_code == 303, done.text
    assert (row(portal).size, row(portal).seen_size) == ("large", "small")
    assert "resize" not in form(portal, client)[0]["_templates"], "one after the other"
    stale = client.use(template, size="small")
    assert (stale.status_code, stale.json()["current"]["size"]) == (412, "large")


def test_a_person_resizes_it_in_a_form(portal):
    browser = portal.browser("member")
    page = browser.get(f"{path(portal)}/rename")
    assert "Large: 4 vCPU" in page.text
    (_, if_match) = re.findall(r'name="if_match" value="([^"]+)"', page.text)
    body = {"csrf_token": browser.token(), "if_match": if_match, "size": "huge"}
    refused = browser.post(f"{path(portal)}/resize", data=body)
    assert refused.status_code == 422
    assert "There is no size" in refused.text
    assert browser.post(f"{path(portal)}/resize", data=body | {"size": "large"}).is_redirect
    assert row(portal).size == "large"


def test_no_more_than_the_limit(portal):
    with portal.services.database.writing() as session:
        appliance = session.query(Appliance).filter_by(uuid=portal.world.appliance).one()
        appliance.organisation.vcpus_limit = 2
    client = portal.client("member")
    template = form(portal, client)[0]["_templates"]["resize"]
    refused = client.use(template, size="large")
    assert refused.status_code == 409
    assert "vCPUs" in refused.json()["detail"]
    assert row(portal).size == "small"
