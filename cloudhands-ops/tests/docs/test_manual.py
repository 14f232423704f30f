"""The manual says what is so: its commands are those that there are, its links lead somewhere."""

import re
import shlex
import subprocess
import tomllib
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from cloudhands.common.settings import load

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "cloudhands-ops" / "docs"
PAGES = sorted(file for file in DOCS.rglob("*.rst") if "decisions/0" not in file.as_posix())
OURS = ("cloud-admin", "cloud-burst", "cloud-index", "cloud-serve")


def blocks(page, language):
    """The content of each code block of a language."""
    found = re.finditer(
        rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)",
        page.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return [re.sub(r"^   ", "", one[1], flags=re.MULTILINE) for one in found]


def command_lines():
    """Every command that a reader is told to run, with the page."""
    return [
        pytest.param(line.removeprefix("$ "), id=f"{page.stem}-{line[2:60]}")
        for page in PAGES
        for block in blocks(page, "console")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("$ ")
    ]


def words_of(line):
    """The command's name and its arguments, without the "sudo" before it."""
    words = shlex.split(line)
    if words[0] == "sudo" and not words[1].startswith("-"):
        words = words[1:]
    return Path(words[0]).name, words[1:]


@pytest.mark.parametrize("line", command_lines())
def test_each_command_is_one_that_there_is(extensions, line):
    from extensions import commands

    name, arguments = words_of(line)
    if name in OURS:
        assert is_accepted(commands.parser_of(name), arguments)
    elif name == "deploy.sh":
        # What it takes is what "cloud-admin bundle" takes.
        bundle = ["bundle", "install", "cloudhands-0.1.0"]
        assert is_accepted(commands.parser_of("cloud-admin"), [*bundle, *arguments])
    elif name.endswith(".sh"):
        told = help_of(name)
        for option in arguments:
            if option.startswith("--"):
                assert re.search(rf"{re.escape(option.partition('=')[0])}\b", told), option
    else:
        assert name in KNOWN, f"{name}: is it a program that the reader has?"


def is_accepted(parser, arguments):
    try:
        parser.parse_args(arguments)
    except SystemExit as end:  # --version ends it, too, with 0
        return end.code == 0
    return True


# Other people's programs, which this manual tells to run.
KNOWN = {
    *("apt-get", "cd", "curl", "export", "git", "install", "sha256sum", "ssh-keygen", "sudo"),
    *("rm", "supervisorctl", "systemctl", "tar", "useradd"),
}


@cache
def help_of(script):
    (found,) = [ROOT / one for one in (script, f"cloudhands-ops/{script}") if (ROOT / one).exists()]
    return subprocess.run(
        [found, "--help"], capture_output=True, text=True, check=True, timeout=30
    ).stdout


def settings_examples():
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page, "toml"))
        if "[images]" not in block
    ]


@pytest.mark.parametrize("block", settings_examples())
def test_each_example_of_settings_is_valid(tmp_path, block):
    tables = tomllib.loads(block)
    assert tables
    file = tmp_path / "cloudhands.toml"
    file.write_text(block, encoding="utf-8")
    assert load(file=file, environment={})


class Links(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, page):
        super().__init__()
        self.targets, self.ids = [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids |= {values[name] for name in ("id", "name") if values.get(name)}
        self.targets += [values[name] for name in ("href", "src") if values.get(name)]


def test_no_link_is_broken(manual):
    pages = {page.resolve(): Links(page) for page in manual.rglob("*.html")}
    assert len(pages) > 25
    broken, checked = [], 0
    for page, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            checked += 1
            to = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not to.is_file() or (
                parts.fragment and unquote(parts.fragment) not in of(to, pages)
            ):
                broken.append(f"{page.relative_to(manual)}: {target}")
    assert broken == []
    assert checked > 500


def of(page, pages):
    return pages[page].ids if page in pages else {""}


def test_nothing_is_fetched_from_elsewhere(manual):
    for page in manual.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(
            r'<(?:script|img|link|iframe)[^>]+(?:src|href)="(?:https?:)?//[^"]+"', text
        )
        assert [one for one in fetched if 'rel="canonical"' not in one] == []


def test_the_decision_records_and_states_are_in_it(manual):
    for source in [
        *DOCS.glob("explanation/decisions/0*.rst"),
        *DOCS.glob("reference/states/*.rst"),
    ]:
        page = manual / source.relative_to(DOCS).with_suffix(".html")
        title = source.read_text(encoding="utf-8").removeprefix(".. ").splitlines()
        assert page.is_file()
        heading = next(line for line, rule in pairwise(title) if set(rule) == {"="})
        assert heading.replace("'", "&#39;") in page.read_text(encoding="utf-8")


def test_no_markup_is_left_over(manual):
    """What reStructuredText takes for words where a blank line or a space is missing."""
    found, checked = [], 0
    for page in [*manual.glob("*/*.html"), *manual.glob("reference/*/*.html")]:
        html = page.read_text(encoding="utf-8")
        prose = re.sub(r"<pre.*?</pre>|<code.*?</code>|<[^>]+>", "", article(html), flags=re.DOTALL)
        checked += 1
        found += [(page.name, one) for one in re.findall(r"#\. .{20}|``|\*\*|:\w+:`", prose)]
    assert found == []
    assert checked > 20


def article(html):
    return html[html.index("<article") : html.index("</article>")]


def test_its_landmarks_can_be_told_apart_by_ear(manual):
    text = (manual / "how-to" / "trouble.html").read_text(encoding="utf-8")
    names = [re.search(r'aria-label="([^"]+)"', one)[1] for one in re.findall(r"<aside.*?>", text)]
    assert names == ["The manual", "This page"]
    assert (manual / "search.html").read_text(encoding="utf-8").count("<h1") == 1


def test_a_page_says_how_wide_a_phone_is_and_works_without_a_script(manual):
    text = (manual / "how-to" / "trouble.html").read_text(encoding="utf-8")
    assert '<meta name="viewport" content="width=device-width' in text
    assert "cloud-admin burst resume" in re.sub(r"<[^>]+>", "", article(text))
    assert "<script" not in article(text)
