"""What is written of a bundle's content, on wheels with nothing in them."""

import dataclasses
import json
import re
import shutil
import subprocess
import tomllib

import pytest
from packaging.markers import Marker
from packaging.pylock import Pylock

from building import closure, filling, licences, requirements, sbom, sums, vendor, wheels
from building.content import Content, packages_of
from building.targets import Target
from building.testing import write_wheel
from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.bundle.manifest import Manifest

EARLY, LATE = Target("3.11", "x86_64"), Target("3.13", "x86_64")
ABOUT = Manifest(
    version="1.2.0",
    revision="c" * 40,
    site="cloudhands-site",
    epoch=1_790_000_000,
    pythons=("3.11", "3.13"),
    platforms=("x86_64",),
    glibc="2.17",
    schema="0016",
)


@pytest.fixture
def content(tmp_path):
    """A site, a package that it needs everywhere, and one that it needs on 3.13 alone."""
    folder = tmp_path / "cloudhands-1.2.0"
    (folder / "sdists").mkdir(parents=True)
    sdist = folder / "sdists" / "cloudhands_site-1.2.0.tar.gz"
    sdist.write_bytes(b"a source distribution")
    site = write_wheel(
        folder / "wheels",
        "cloudhands-site",
        "1.2.0",
        requires=["library[fast]>=2", "late; python_version >= '3.13'", "never; extra == 'x'"],
        fields={"License-Expression": "BSD-3-Clause"},
    )
    library = write_wheel(
        folder / "wheels",
        "Library",
        "2.1",
        requires=["helper==1.0; extra == 'fast'"],
        fields={
            "Classifier": "License :: OSI Approved :: MIT License",
            "Project-URL": "Homepage, https://example.org/library",
            "Summary": "Does it",
        },
        files={"licenses/LICENSE": "Do as you please."},
    )
    helper = write_wheel(folder / "wheels", "helper", "1.0")
    late = write_wheel(folder / "wheels", "late", "0.5", fields={"License": "As\nis."})
    early = [wheels.read(each) for each in (site, library, helper)]
    by_target = {EARLY: early, LATE: [*early, wheels.read(late)]}
    markers = {("late", wheels.read(late).version): Marker("python_version >= '3.13'")}
    packages = packages_of(by_target, markers, {"cloudhands-site": sdist})
    return Content(folder, ABOUT, packages, by_target)


def written(content, name):
    return (content.folder / name).read_text(encoding="utf-8")


def hash_of(content, name):
    return vendor.sha256(content.folder / name)


def test_requirements_have_the_hash_of_each_file(content):
    requirements.write_requirements(content)
    lines = written(content, "requirements.txt").splitlines()
    assert [line for line in lines if "==" in line] == [
        "cloudhands-site==1.2.0 \\",
        "helper==1.0 \\",
        'late==0.5 ; python_version >= "3.13" \\',
        "library==2.1 \\",
    ]
    hashes = set(re.findall(r"--hash=sha256:(\w+)", "\n".join(lines)))
    files = [*content.folder.glob("wheels/*"), *content.folder.glob("sdists/*")]
    assert hashes == {vendor.sha256(file) for file in files}


def test_pylock_says_the_same_in_the_standard_s_words(content):
    requirements.write_pylock(content)
    lock = Pylock.from_dict(tomllib.loads(written(content, "pylock.toml")))
    assert len(lock.environments) == 2
    found = {
        package.name: (str(package.marker or ""), package.wheels[0].path, package.sdist)
        for package in lock.packages
    }
    assert list(found) == ["cloudhands-site", "helper", "late", "library"]
    assert found["late"][:2] == (
        'python_version >= "3.13"',
        "wheels/late-0.5-py3-none-any.whl",
    )
    site = lock.packages[0]
    assert site.sdist.path == "sdists/cloudhands_site-1.2.0.tar.gz"
    assert site.sdist.hashes["sha256"] == hash_of(content, site.sdist.path)
    assert site.sdist.size == len(b"a source distribution")


def test_the_sbom_has_every_part_and_what_it_requires(content):
    edges = closure.follow("cloudhands-site", content.wheels)
    sbom.write(content, edges)
    first = written(content, "sbom.cdx.json")
    sbom.write(content, edges)
    assert written(content, "sbom.cdx.json") == first  # no time, no random number

    found = json.loads(first)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["timestamp"].startswith("2026-09-21T14:13:20")
    assert found["metadata"]["component"]["version"] == "1.2.0"
    parts = {part["purl"]: part for part in found["components"]}
    assert sorted(parts) == [
        "pkg:pypi/cloudhands-site@1.2.0",
        "pkg:pypi/helper@1.0",
        "pkg:pypi/late@0.5",
        "pkg:pypi/library@2.1",
    ]
    (reference,) = parts["pkg:pypi/late@0.5"]["externalReferences"]
    assert reference["url"] == "wheels/late-0.5-py3-none-any.whl"
    assert reference["hashes"][0]["content"] == hash_of(content, reference["url"])
    site = parts["pkg:pypi/cloudhands-site@1.2.0"]
    assert site["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    needs = {each["ref"]: set(each.get("dependsOn", ())) for each in found["dependencies"]}
    assert needs["cloudhands-1.2.0"] == {"pkg:pypi/cloudhands-site@1.2.0"}
    assert needs["pkg:pypi/cloudhands-site@1.2.0"] == {
        "pkg:pypi/late@0.5",
        "pkg:pypi/library@2.1",
    }
    assert needs["pkg:pypi/library@2.1"] == {"pkg:pypi/helper@1.0"}

    # pip is in a bundle and nothing requires it; and another content has another number.
    sbom.write(dataclasses.replace(content, packages=content.packages[:2]), {})
    other = json.loads(written(content, "sbom.cdx.json"))
    needs = {each["ref"]: set(each.get("dependsOn", ())) for each in other["dependencies"]}
    assert needs["cloudhands-1.2.0"] == {"pkg:pypi/cloudhands-site@1.2.0", "pkg:pypi/helper@1.0"}
    assert other["serialNumber"] != found["serialNumber"]


def test_the_licences_are_those_that_each_states(content):
    licences.write(content)
    text = written(content, "LICENCES.txt")
    assert "cloudhands-site 1.2.0: BSD-3-Clause\n" in text
    assert (
        "library 2.1: MIT License\n    https://example.org/library\n    licenses/LICENSE\n" in text
    )
    assert "late 0.5: As\n" in text
    assert "helper 1.0: not stated\n    no text in its wheel\n" in text
    assert licences.unstated(content) == ["helper 1.0"]


def test_a_licence_of_the_standard_s_list_counts_more_than_a_classifier(tmp_path):
    fields = {"License": "apache-2.0", "Classifier": "License :: OSI Approved :: Apache License"}
    assert wheels.read(write_wheel(tmp_path, "a", "1", fields=fields)).licence == "Apache-2.0"


@pytest.mark.parametrize(
    ("requires", "python", "said"),
    [
        ("absent>1", "", r"absent>1, and the bundle has none for Python 3.11 on x86_64: name it"),
        ("helper>=2", "", r"cloudhands-site 1.2.0 requires helper>=2, and the bundle has 1.0"),
        ("helper", ">=3.12", r"needs Python >=3.12: leave out 3.11 with --python"),
        ("helper @ file:///helper.whl", "", r"helper from file:///helper.whl: require a version"),
    ],
)
def test_a_bundle_that_is_not_whole_is_refused(tmp_path, requires, python, said):
    fields = {"Requires-Python": python} if python else None
    site = write_wheel(tmp_path, "cloudhands-site", "1.2.0", requires=[requires], fields=fields)
    helper = write_wheel(tmp_path, "helper", "1.0")
    with pytest.raises(ConfigurationError, match=said):
        closure.follow("cloudhands-site", {EARLY: [wheels.read(site), wheels.read(helper)]})


def test_a_site_package_that_brings_too_little_or_stands_for_another(tmp_path):
    site = wheels.read(write_wheel(tmp_path, "cloudhands-site", "1.2.0", requires=["helper"]))
    helper = wheels.read(write_wheel(tmp_path, "helper", "1.0"))
    with pytest.raises(ConfigurationError, match="cloudhands-site does not bring cloudhands-web: "):
        closure.follow(site.name, {EARLY: [site, helper]}, ours=["cloudhands-web", "helper"])
    other = wheels.read(write_wheel(tmp_path, "helper", "2.0"))
    with pytest.raises(ConfigurationError, match="helper, the site package, is named as a package"):
        closure.follow(other.name, {EARLY: [site, helper, other]})
    foreign = wheels.read(write_wheel(tmp_path, "foreign", "1.0", "cp311-cp311-win_amd64"))
    with pytest.raises(ConfigurationError, match=r"win_amd64.whl is not for Python 3.11 on x86_64"):
        closure.follow(foreign.name, {EARLY: [foreign]})


def test_the_instructions_say_what_was_not_tried(content, tmp_path):
    scripts = tmp_path / "cloudhands-ops"
    scripts.mkdir()
    with pytest.raises(ConfigurationError, match=r"has no cloudhands-ops/deploy\.sh"):
        filling.write_instructions(content, tmp_path)
    (scripts / "deploy.sh").write_text("#!/bin/sh\n")
    filling.write_instructions(content, tmp_path)
    text = written(content, "INSTALL.txt")
    assert "For Linux on x86_64 with Python 3.11, 3.13 and glibc 2.17 or later." in text
    assert "tar -xf cloudhands-1.2.0.tar" in text
    assert "aarch64" not in text
    content.wheels[Target("3.13", "aarch64")] = content.wheels[LATE]
    filling.write_instructions(content, tmp_path)
    assert "For aarch64 the wheels were chosen by their names" in written(content, "INSTALL.txt")


def test_what_is_no_wheel_is_named(tmp_path):
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"PK")
    with pytest.raises(ConfigurationError, match=r"a-1-py3-none-any\.whl is no wheel"):
        wheels.read(tmp_path / "a-1-py3-none-any.whl")
    wheel = write_wheel(tmp_path, "b", "1")
    names = ("b.whl", "c-1-py3-none-any.whl", "b-2-py3-none-any.whl", "b-1-cp311-none-any.whl")
    for name in names:
        wheel = wheel.rename(tmp_path / name)
        with pytest.raises(ConfigurationError, match=f"{name} was renamed: it is b 1; give it"):
            wheels.read(wheel)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """A key that signs."""
    file = tmp_path_factory.mktemp("keys") / "release"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "us@example.org", "-f", file]
    subprocess.run(command, check=True)
    return file


def test_sums_and_signature_are_those_that_the_system_s_programs_verify(content, key, tmp_path):
    sums.write(content.folder)
    allowed = sums.sign(content.folder, key)
    signature = (content.folder / "SHA256SUMS.sig").read_bytes()
    sums.sign(content.folder, key)
    assert (content.folder / "SHA256SUMS.sig").read_bytes() == signature
    check = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"],
        cwd=content.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [line.removesuffix(": OK") for line in check.stdout.splitlines()]
    assert files == sorted(files)
    assert len(files) == 5
    (tmp_path / "signers").write_text(allowed + "\n")
    verify = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "signers", "-I", "us@example.org"]
    verify += ["-n", "cloudhands-bundle", "-s", content.folder / "SHA256SUMS.sig"]
    for text, status in ((written(content, "SHA256SUMS"), 0), ("changed", 255)):
        done = subprocess.run(verify, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr


def test_a_key_that_cannot_sign_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"absent, the key, is not there: ssh-keygen"):
        sums.check_key(tmp_path / "absent")
    (tmp_path / "words").write_text("no key")
    (tmp_path / "words").chmod(0o600)
    with pytest.raises(ConfigurationError, match="words, the key, is no private key"):
        sums.check_key(tmp_path / "words")


def test_why_a_key_cannot_sign_is_said_before_anything_is_made(key, tmp_path, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    secret, opened, public = (tmp_path / name for name in ("secret", "opened", "public.pub"))
    shutil.copy(key, secret)
    change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "a passphrase", "-f", secret]
    subprocess.run(change, check=True)
    shutil.copy(key, opened)
    opened.chmod(0o644)
    shutil.copy(key.with_suffix(".pub"), public)
    for file, said in (
        (secret, "has a passphrase, and nobody is asked for it here: ssh-add it"),
        (opened, "may be read by others: chmod 600 it"),
        (public, "is a public key, and no ssh-agent has its private one"),
    ):
        with pytest.raises(ConfigurationError, match=f"{file.name}, the key, {said}"):
            sums.check_key(file)
