import json

import pytest

from cloudhands.common.errors import BundleError
from cloudhands.ops.bundle.manifest import MANIFEST, Manifest

ONE = Manifest(
    version="1.2.0",
    revision="a" * 40,
    site="cloudhands-jasmin",
    epoch=1_790_000_000,
    pythons=("3.11", "3.13"),
    platforms=("x86_64",),
    glibc="2.28",
    schema="0017",
)


def written(tmp_path, **changes):
    ONE.write(tmp_path)
    file = tmp_path / MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return tmp_path


def test_what_was_written_is_read(tmp_path):
    ONE.write(tmp_path)
    assert Manifest.read(tmp_path) == ONE
    assert ONE.folder == "cloudhands-1.2.0"
    assert json.loads((tmp_path / MANIFEST).read_text())["format"] == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "format 2, and this code knows format 1"),
        ({"format": "1"}, "does not tell its format"),
        ({"colour": "red"}, "lacks or adds colour"),
        ({"epoch": "today"}, "epoch is not of type int"),
        ({"dirty": 0}, "dirty is not of type bool"),
        ({"pythons": []}, "pythons is not a list of words"),
        ({"platforms": [1]}, "platforms is not a list of words"),
        ({"version": "../../etc"}, "is not a version"),
        ({"version": "1/2"}, "is not a version"),
    ],
)
def test_another_manifest_is_refused(tmp_path, changes, said):
    with pytest.raises(BundleError, match=said) as caught:
        Manifest.read(written(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_a_folder_without_one_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="is not an unpacked bundle"):
        Manifest.read(tmp_path)


def test_a_torn_one_is_refused(tmp_path):
    (tmp_path / MANIFEST).write_text('{"format": 1,')
    with pytest.raises(BundleError, match="cannot be read"):
        Manifest.read(tmp_path)
