"""The reference has every command with each of its arguments, and every setting."""

import argparse
import inspect
import os
import re
import subprocess
import tomllib
from html import unescape
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from cloudhands.burst import providers
from cloudhands.common.settings import Settings
from cloudhands.common.settings.problems import known_keys

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ("check.sh", "demo.sh", "cloudhands-ops/build.sh", "cloudhands-ops/deploy.sh")


def text_of(page):
    """A page's words as a person reads them."""
    html = page.read_text(encoding="utf-8")
    body = html[html.index("<article") : html.index("</article>")]
    # What stands in lines of its own is apart from what is around it.
    body = re.sub(r"</(?:dt|dd|p|h\d|pre)>", " ", body)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", body)).replace("¶", "").split())


def ids_of(page):
    return set(re.findall(r'id="([^"]+)"', page.read_text(encoding="utf-8")))


# --- Commands ------------------------------------------------------------------------------------


def named_in_pyprojects():
    return {
        name
        for file in ROOT.glob("cloudhands-*/pyproject.toml")
        for name in tomllib.loads(file.read_text(encoding="utf-8"))["project"].get("scripts", {})
    }


def test_every_command_has_a_page(manual, extensions):
    from extensions import commands

    names = named_in_pyprojects()
    assert {"cloud-admin", "cloud-burst", "cloud-index", "cloud-serve"} <= names
    assert set(commands.commands()) == names
    for name in names:
        assert f"{name} [-h]" in text_of(manual / "reference" / "commands" / f"{name}.html")


@pytest.mark.parametrize("name", sorted(named_in_pyprojects()))
def test_every_argument_of_every_parser_is_there(manual, extensions, name):
    from extensions import commands

    page = manual / "reference" / "commands" / f"{name}.html"
    ids, text, seen = ids_of(page), text_of(page), 0
    for parser in commands.parsers(commands.parser_of(name)):
        assert parser.prog in text
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
                continue
            seen += 1
            for option in action.option_strings:
                assert f"cmdoption-{parser.prog.replace(' ', '-')}-{option.strip('-')}" in ids
            if action.help:
                assert action.help.split(" (")[0].split("%")[0][1:60] in text, action.help
    assert seen > 3


def test_every_group_of_cloud_admin_is_there(manual):
    text = text_of(manual / "reference" / "commands" / "cloud-admin.html")
    for name in ("config show", "db restore", "history verify", "burst resume", "reconcile"):
        assert f"cloud-admin {name}" in text


def test_an_argument_is_told_with_its_choices_and_default(extensions):
    from extensions import commands

    parser = argparse.ArgumentParser(prog="tool", description="Does *this* with _that_.")
    parser.add_argument("--level", choices=["low", "high"], default="low", help="how much")
    parser.add_argument("--quiet", action="store_true", help="as --level low")
    parser.add_argument("file", metavar="FILE", help="100%% of it")
    page = "\n".join(commands.page(parser, 1))
    assert r"Does \*this\* with \_that\_." in page
    assert ".. option:: --level low|high" in page
    assert "How much. One of ``low``, ``high``. Default: ``low``." in page
    assert ".. option:: --quiet\n" in page
    assert "As ``--level`` low." in page
    assert ".. option:: FILE" in page
    assert "100% of it." in page


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_says_what_it_says_with_help(manual, script):
    told = subprocess.run(
        [ROOT / script, "--help"],
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    page = text_of(manual / "reference" / "commands" / "scripts.html")
    assert " ".join(told.split()) in page


# --- Settings ------------------------------------------------------------------------------------


def test_every_setting_is_there(manual, extensions):
    from extensions import settings

    tables = {".".join(table.key) for table in settings.tables()}
    known = {".".join(key) for key in known_keys()}
    ids = ids_of(manual / "reference" / "settings.html")
    leaves = {key for key in known - tables if not any(one.startswith(f"{key}.") for one in tables)}
    assert {key for key in leaves if f"confval-{key}" not in ids} == set()
    assert len(known) > 80


def test_every_option_of_every_kind_of_cloud_is_there(manual):
    text = text_of(manual / "reference" / "settings.html")
    for kind, adapter in providers.own().items():
        assert f"[providers.NAME.options] of the kind {kind}" in text
        for name in adapter.Options.model_fields:
            assert f"providers.NAME.options.{name}" in text


def test_every_key_is_explained_by_the_docstring_of_its_table(extensions):
    from extensions import settings

    unexplained = [
        f"{table.title}: {name}"
        for table in settings.tables()
        for name in settings.keys(table)
        if f"`{name}`" not in (inspect.getdoc(table.model) or "")
    ]
    assert unexplained == []


def test_what_a_setting_takes_is_told_with_its_default_and_variable(manual):
    text = text_of(manual / "reference" / "settings.html")
    assert (
        "portal.port Takes: a whole number from 1 to 65,535 Default: 8080 "
        "Environment: CLOUDHANDS_PORTAL__PORT"
    ) in text
    assert 'directory.kind Takes: "openldap" or "freeipa" or "active-directory"' in text
    assert "directory.base Takes: text Default: none: it is required" in text


def test_a_new_setting_shows_up_by_itself(extensions):
    from extensions import settings

    class Inner(BaseModel):
        """What `deep` is."""

        deep: float = Field(default=2, gt=1, le=3)

    class Outer(BaseModel):
        """Outer."""

        inner: Inner = Inner()

    inner = list(settings._below(settings.Table(("outer",), Outer, "[outer]")))[1]
    assert inner.title == "[outer.inner]"
    told = "\n".join(settings._setting(inner, "deep", settings.keys(inner)["deep"]))
    assert ".. confval:: outer.inner.deep" in told
    assert ":Takes: a number above 1 to 3" in told
    assert ":Default: ``2``" in told
    assert ":Environment: ``CLOUDHANDS_OUTER__INNER__DEEP``" in told


def test_the_settings_model_is_the_one_that_the_programs_read(extensions):
    from extensions import settings

    assert next(settings.tables()).model is Settings
