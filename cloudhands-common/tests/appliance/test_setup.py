from datetime import timedelta

import pytest

from cloudhands.common import history
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import MACHINE
from cloudhands.common.appliance import setup
from cloudhands.common.appliance.setup import LOG_BYTES, Report, plain
from cloudhands.common.errors import Conflict, NotFound
from cloudhands.common.testing.factories import NOON, Factory

LATER = NOON + timedelta(minutes=2)


@pytest.fixture
def appliance(rolled_back):
    make = Factory(rolled_back)
    organisation = make.organisation()
    return make.appliance(organisation, make.member(organisation, "alice"))


def said(session, appliance, state="ready", log="done", at=LATER):
    setup.report(
        session, component(session, MACHINE, NOON), appliance, Report(state=state, log=log), at
    )


def test_a_machine_boots_and_reports(rolled_back, appliance):
    setup.begin(appliance, NOON)
    assert (appliance.setup, appliance.setup_at) == ("booting", NOON)
    version = appliance.version
    said(rolled_back, appliance)
    assert (appliance.setup, appliance.setup_log, appliance.setup_at) == ("ready", "done", LATER)
    assert appliance.version == version + 1
    event = history.latest(rolled_back, appliance.uuid)[0]
    assert (event.who, event.why) == ("machine", "its machine says that it is ready")
    assert not event.changed_state


def test_the_same_report_again_changes_nothing_and_another_is_refused(rolled_back, appliance):
    said(rolled_back, appliance, "failed")
    version = appliance.version
    said(rolled_back, appliance, "failed", at=LATER + timedelta(hours=1))
    for state, log in (("ready", "done"), ("failed", "else")):
        with pytest.raises(Conflict, match="reported already"):
            said(rolled_back, appliance, state, log)
    assert (appliance.setup, appliance.setup_at, appliance.version) == ("failed", LATER, version)


def test_a_report_that_was_quicker_than_we_stays(rolled_back, appliance):
    said(rolled_back, appliance)
    setup.begin(appliance, LATER)
    assert appliance.setup == "ready"


def test_what_does_not_report_does_not_boot_for_ever(appliance):
    appliance.definition = {**appliance.definition, "reports": False}
    setup.begin(appliance, NOON)
    assert appliance.setup == ""


def test_another_try_knows_nothing(rolled_back, appliance):
    said(rolled_back, appliance, "failed")
    setup.forget(appliance)
    assert (appliance.setup, appliance.setup_log, appliance.setup_at) == ("", "", None)


def test_nobody_else_reports(rolled_back, appliance):
    for actor in (appliance.owner, Factory(rolled_back).burst):
        with pytest.raises(NotFound):
            setup.report(rolled_back, actor, appliance, Report(state="ready"), NOON)
    assert appliance.setup == ""


@pytest.mark.parametrize(
    ("log", "text"),
    [
        ("  a\r\nb\rc\n", "a\nb\nc"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07end", "red end"),
        ("a\x00\x07\x7f\x9bb\ud800", "ab?"),
        ("evil\u202etxt\u2028", "eviltxt"),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_a_log_is_plain_text(log, text):
    assert plain(log) == text


def test_the_end_of_a_long_log_is_kept_whole_characters_alone():
    kept = plain("x" * 10_000 + "ü" * LOG_BYTES + "!")
    assert kept.endswith("ü!")
    assert len(kept.encode()) == LOG_BYTES - 1
