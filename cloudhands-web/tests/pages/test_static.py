import re
from importlib import resources

import pytest

from cloudhands.web.pages.static.files import THEME, TYPES, Files

STATIC = resources.files("cloudhands.web") / "static"
FOREVER = "public, max-age=31536000, immutable"


@pytest.fixture
def linked(portal):
    """The paths of the files that a page names."""
    html = portal.browser().get("/").text
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', html)
    assert len(found) >= 4
    return found


def renamed(path, digest="0123456789abcdef"):
    return re.sub(r"(?<=^/static/)[0-9a-f]{16}(?=/)", digest, path)


def test_every_file_of_a_page_may_be_kept_for_ever(portal, linked):
    for path in linked:
        answer = portal.client().get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == FOREVER
        assert answer.headers["content-type"].startswith(TYPES["." + path.rpartition(".")[2]])
        assert "set-cookie" not in answer.headers
        name = path.split("/", 3)[3]
        if name != THEME:
            assert answer.content == STATIC.joinpath(name).read_bytes()


def test_the_sites_colours(portal, linked):
    (path,) = (path for path in linked if path.endswith(THEME))
    answer = portal.client().get(path)
    assert "#0b5c8a" in answer.text
    assert "#6cb8e6" in answer.text


def test_head_and_a_second_look(portal, linked):
    client, path = portal.client(), linked[0]
    whole, head = client.get(path), client.head(path)
    assert head.content == b""
    assert dict(head.headers) == dict(whole.headers)
    for tag in (whole.headers["etag"], "W/" + whole.headers["etag"]):
        again = client.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == whole.headers["etag"]
        assert again.headers["cache-control"] == FOREVER


def test_the_name_of_another_release_gives_the_file_but_it_is_not_kept(portal, linked):
    client = portal.client()
    for path in linked:
        here = client.get(path)
        other = client.get(renamed(path), headers={"If-None-Match": here.headers["etag"]})
        assert (other.status_code, other.content) == (200, here.content)
        assert other.headers["cache-control"] == "no-store"
        assert "etag" not in other.headers


@pytest.mark.parametrize(
    "file",
    [
        "nothing.css",
        "vendor",
        "vendor/README.rst",
        "vendor/pico/LICENSE.md",
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd",
        "",
    ],
)
def test_nothing_else_is_served(portal, linked, file):
    digest = linked[0].split("/")[2]
    assert portal.client().get(f"/static/{digest}/{file}").status_code == 404


def test_a_name_without_a_digest_is_none(portal):
    assert portal.client().get("/static/portal.css").status_code == 404
    assert portal.client().get("/static/UPPERCASEUPPERCA/portal.css").status_code == 404


def test_the_digest_changes_with_names_and_contents():
    digests = {
        Files(contents).digest
        for contents in (
            {"a.css": b"1", "b.css": b"2"},
            {"a.css": b"1", "b.css": b"3"},
            {"a.css": b"2", "b.css": b"1"},
            {"a.css": b"1", "c.css": b"2"},
            {"a.css": b"1"},
        )
    }
    assert len(digests) == 5
    assert Files({"b": b"2", "a": b"1"}).digest == Files({"a": b"1", "b": b"2"}).digest


def test_no_style_or_script_is_written_into_a_template():
    package = resources.files("cloudhands.web")
    templates = [*package.joinpath("templates").iterdir()]
    for page in package.joinpath("pages").iterdir():
        folder = page.joinpath("templates")
        templates += folder.iterdir() if folder.is_dir() else []
    assert len(templates) >= 10
    for template in templates:
        found = re.search(
            r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)|javascript:", template.read_text()
        )
        assert found is None, f"{template.name}: {found}"
