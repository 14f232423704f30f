import shutil

import pytest
from sqlalchemy import text

LIVE, READY = "/health/live", "/health/ready"


@pytest.mark.parametrize("path", [LIVE, READY])
@pytest.mark.parametrize("accept", ["*/*", "text/html", "image/png", "nonsense", ""])
def test_it_answers_json_to_everybody_and_nobody_keeps_it(portal, path, accept):
    answer = portal.client().get(path, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    head = portal.client().head(path, headers={"Accept": accept})
    assert (head.status_code, head.content) == (200, b"")


def test_ready(any_portal):
    assert any_portal.client().get(READY).json() == {
        "status": "ready",
        "database": "ok",
        "index": "ok",
    }


def test_without_the_index_of_people_it_is_degraded_but_can_be_used(portal, tmp_path):
    shutil.rmtree(tmp_path / "index")
    answer = portal.client().get(READY)
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "ok", "index": "missing"}


@pytest.mark.parametrize(
    "statement", ["DROP TABLE alembic_version", "UPDATE alembic_version SET version_num = 'other'"]
)
def test_a_database_that_is_not_up_to_date_is_unready_but_live(any_portal, statement):
    with any_portal.services.database.writing() as session:
        session.execute(text(statement))
    answer = any_portal.client().get(READY)
    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", "database": "unavailable"}
    assert any_portal.client().get(LIVE).status_code == 200


def test_a_database_that_is_gone_is_unready_but_live(portal, tmp_path):
    portal.services.database.close()
    (tmp_path / "cloudhands.db").unlink()
    (tmp_path / "cloudhands.db").mkdir()
    assert portal.client().get(READY).status_code == 503
    assert portal.client().get(LIVE).status_code == 200


def test_a_process_that_is_ending_is_unready_but_live(portal):
    portal.services.stopping.set()
    answer = portal.client().get(READY)
    assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
    assert portal.client().get(LIVE).json() == {"status": "live"}
