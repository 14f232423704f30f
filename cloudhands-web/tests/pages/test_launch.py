"""What the page of an item tells of where a launch would go."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cloudhands.common.limits import Limits
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement.commands import Terms, set_terms
from cloudhands.common.provider.queries import subscription_to
from cloudhands.common.settings import Price
from cloudhands.common.testing.factories import Factory
from cloudhands.web.testing import NOW


@pytest.fixture
def priced(portal):
    """The same portal, where sizes have prices."""
    settings = portal.services.settings
    providers = {
        name: one.model_copy(update={"prices": (Price(size="m1.small", running=Decimal("0.1")),)})
        for name, one in settings.providers.items()
    }
    services = replace(
        portal.services, settings=settings.model_copy(update={"providers": providers})
    )
    return replace(portal, services=services)


@pytest.fixture
def path(portal):
    return f"/organisations/{portal.world.organisation}/catalogue/{portal.world.item}"


def agree(portal, **wanted):
    with portal.services.database.writing() as session:
        organisation = session.query(Organisation).filter_by(name="physics").one()
        set_terms(session, Factory(session, NOW).operator, organisation, Terms(**wanted), NOW)


def fill(portal, until):
    """The private cloud was full."""
    with portal.services.database.writing() as session:
        organisation = session.query(Organisation).filter_by(name="physics").one()
        subscription_to(session, organisation.id, "private").full_until = until


def test_it_tells_the_cloud_the_price_and_every_reason(priced, path):
    (told,) = priced.client("member").document(path)["placement"]
    assert told == {
        "size": "small",
        "title": "Small",
        "cloud": "Private cloud",
        "sentence": "It would go to Private cloud: chosen, first by priority.",
        "price": "0.10 EUR an hour",
        "candidates": [
            {
                "provider": "private",
                "label": "Private cloud",
                "chosen": True,
                "reason": "chosen, first by priority",
                "price": "0.10 EUR an hour",
            },
            {
                "provider": "public",
                "label": "Public cloud",
                "chosen": False,
                "reason": "not needed: Private cloud comes first",
                "price": "0.10 EUR an hour",
            },
        ],
    }
    page = priced.browser("member").get(path).text
    for words in ("Where it would go now", "0.10 EUR an hour", "not needed: Private cloud comes"):
        assert words in page


def test_it_follows_what_changes_also_by_time_alone(portal, path):
    client = portal.client("member")
    fill(portal, NOW + timedelta(seconds=60))
    first = client.get(path)
    assert first.json()["placement"][0]["cloud"] == "Public cloud"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    portal.time[0] = NOW + timedelta(seconds=61)
    later = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200
    assert later.json()["placement"][0]["cloud"] == "Private cloud"


def test_it_says_clearly_that_nothing_can_take_it(portal, path):
    agree(portal, overflow="never")
    fill(portal, NOW + timedelta(seconds=60))
    sentence = "No cloud can take it now; it would wait for one."
    (told,) = portal.client("member").document(path)["placement"]
    assert (told["cloud"], told["sentence"]) == ("", sentence)
    assert f'<p class="problem">{sentence}</p>' in portal.browser("member").get(path).text


def test_it_says_that_an_administrator_would_be_asked(priced, path):
    agree(priced, overflow="ask")
    fill(priced, NOW + timedelta(seconds=60))
    (told,) = priced.client("member").document(path)["placement"]
    assert told["sentence"] == (
        "It would wait for an administrator's approval to use Public cloud "
        "(about 73.00 EUR a month)."
    )


def test_it_says_that_the_organisation_may_launch_no_more(portal, path):
    with portal.services.database.writing() as session:
        make = Factory(session, NOW)
        organisation = session.query(Organisation).filter_by(name="physics").one()
        organisations.set_limits(session, make.operator, organisation, Limits(appliances=1), NOW)
    (told,) = portal.client("member").document(path)["placement"]
    assert told["sentence"] == "The organisation has used up its limit of 1 appliances."
    assert (told["cloud"], told["candidates"]) == ("", [])


def test_it_is_told_beside_a_refused_form_too(portal, path):
    browser = portal.browser("member")
    answer = browser.post(path, data={"csrf_token": browser.token(), "label": "", "size": "small"})
    assert answer.status_code == 422
    assert "Where it would go now" in answer.text
    assert "placement" not in portal.client("member").document(path.rpartition("/")[0])
