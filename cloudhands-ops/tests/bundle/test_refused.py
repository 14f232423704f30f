"""Bundles and hosts that will not do: one line each, and the host stays as it was."""

import argparse
import shutil
import subprocess
import tarfile
from errno import ENOSPC
from io import BytesIO
from os import strerror

import pytest

from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.bundle import commands, testing
from cloudhands.ops.bundle.__main__ import main
from cloudhands.ops.bundle.manifest import SIGNATURE, SUMS, WHEELS


@pytest.fixture
def refused(site, capsys):
    """Install in vain; answers the one line that says why."""

    def install(bundle, *more, status=2):
        before = sorted(site.host.folder.rglob("*"))
        given = ["--config", site.config, "--signers", site.signers, "--dir", site.host.folder]
        argv = ["install", bundle, *given, *more]
        assert main([str(one) for one in argv]) == status
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        after = [file for file in sorted(site.host.folder.rglob("*")) if file not in before]
        assert {file.name for file in after} <= {".lock", site.host.folder.name, "incoming"}
        return told

    return install


# --- What was done to the bundle -----------------------------------------------------------------


def changed_wheel(folder):
    wheel = next((folder / WHEELS).glob("cloudhands_ops-*"))
    wheel.write_bytes(wheel.read_bytes() + b"!")


def changed_sum(folder):
    text = (folder / SUMS).read_text(encoding="utf-8")
    (folder / SUMS).write_text(text.replace("0", "1", 1), encoding="utf-8")


def added_file(folder):
    (folder / WHEELS / "evil-1-py3-none-any.whl").write_text("x", encoding="utf-8")


def missing_file(folder):
    next((folder / WHEELS).glob("supervisor*")).unlink()


def symbolic_link(folder):
    wheel = next((folder / WHEELS).glob("supervisor*"))
    wheel.rename(folder.parent / wheel.name)
    wheel.symlink_to(folder.parent / wheel.name)


def linked_folder(folder):
    (folder / "more").symlink_to("/etc")


def no_signature(folder):
    (folder / SIGNATURE).unlink()


def torn_signature(folder):
    (folder / SIGNATURE).write_text("-----BEGIN SSH SIGNATURE-----\nAAAA\n", encoding="ascii")


def no_sums(folder):
    (folder / SUMS).unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed_wheel, "is not as it was built"),
        (changed_sum, "does not sign this SHA256SUMS"),
        (added_file, "evil-1-py3-none-any.whl is not of the bundle"),
        (missing_file, "is missing: the bundle is not whole"),
        (symbolic_link, "is a symbolic link"),
        (linked_folder, "more is a symbolic link"),
        (no_signature, "the bundle is not signed"),
        (torn_signature, "does not sign this SHA256SUMS"),
        (no_sums, "is no bundle"),
    ],
)
def test_a_changed_bundle(copy, refused, change, said):
    change(copy)
    assert said in refused(copy)
    assert said in refused(testing.pack(copy)) or "link or a device" in refused(testing.pack(copy))


def test_a_foreign_key_is_named(copy, keys, refused):
    testing.sign(copy, keys["foreign"][0])
    told = refused(copy)
    assert "is by a foreign key (ED25519 key SHA256:" in told
    assert "does not allow" in told


def test_a_signature_for_something_else(copy, keys, refused):
    argv = ["ssh-keygen", "-Y", "sign", "-q", "-f", keys["ours"][0], "-n", "file"]
    (copy / SIGNATURE).unlink()
    subprocess.run([*argv, copy / SUMS], check=True, capture_output=True)
    assert "does not sign this SHA256SUMS" in refused(copy)


def test_the_bundles_own_list_of_signers_proves_nothing(copy, keys, refused):
    testing.sign(copy, keys["foreign"][0])
    own = copy / "allowed_signers"
    shutil.copy(keys["foreign"][1], own)
    assert "came with the bundle, and proves nothing" in refused(copy, "--signers", own)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "wheels/../../evil", "./x"])
def test_sums_that_lead_out(copy, keys, refused, name):
    lines = (copy / SUMS).read_text(encoding="utf-8")
    (copy / SUMS).write_text(f"{lines}{'0' * 64}  {name}\n", encoding="utf-8")
    (copy / SIGNATURE).unlink()
    argv = ["ssh-keygen", "-Y", "sign", "-q", "-f", keys["ours"][0], "-n", "cloudhands-bundle"]
    subprocess.run([*argv, copy / SUMS], check=True, capture_output=True)
    assert "leads out of the bundle" in refused(copy)


def member(name, kind=tarfile.REGTYPE, target=""):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (member("../evil"), "leads out of the bundle"),
        (member("/tmp/evil"), "leads out of the bundle"),
        (member("cloudhands-1.0/../../evil"), "leads out of the bundle"),
        (member("cloudhands-1.0/link", tarfile.SYMTYPE, "/etc/passwd"), "link or a device"),
        (member("cloudhands-1.0/link", tarfile.LNKTYPE, "/etc/passwd"), "link or a device"),
        (member("cloudhands-1.0/pipe", tarfile.FIFOTYPE), "link or a device"),
        (member("cloudhands-9/more"), "is not in the bundle's folder"),
        (member("else/more"), "is not in the bundle's folder"),
        (member("cloudhands-1.0/BUNDLE.json"), "is in it twice"),
        (member("cloudhands-1.0/added"), "is not of the bundle"),
    ],
)
def test_a_tar_file_with_more(copy, refused, added, said):
    file = testing.pack(copy)
    with tarfile.open(file, "a") as tar:
        tar.addfile(added, BytesIO())
    assert said in refused(file)
    assert not (copy.parent / "evil").exists()


@pytest.mark.parametrize("kept", [0, 100, 5_000, 20_480, -3_000])
def test_a_tar_file_that_is_cut_short(copy, refused, kept):
    file = testing.pack(copy)
    whole = file.read_bytes()
    file.write_bytes(whole[:kept])
    told = refused(file)
    assert any(words in told for words in ("not a whole tar file", "is missing", "no bundle"))


def test_what_is_no_bundle_at_all(refused, tmp_path):
    assert "is not there" in refused(tmp_path / "absent.tar")
    assert "is no bundle" in refused(tmp_path)
    (tmp_path / "text.tar").write_text("not a tar file" * 100, encoding="utf-8")
    assert "is not a whole tar file" in refused(tmp_path / "text.tar")


# --- What the host is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"pythons": ("3.10",)}, "the bundle is for CPython 3.10"),
        ({"platforms": ("sparc64",)}, "the bundle is for sparc64"),
        ({"glibc": "9.99"}, "needs glibc 9.99 at least"),
    ],
)
def test_a_bundle_for_another_host(bundles, refused, facts, said):
    assert said in refused(bundles("1.0", **facts))


def test_a_python_that_does_not_run(bundles, refused):
    assert "give --python PYTHON" in refused(bundles("1.0"), "--python", "/absent")


def test_settings_that_are_not_there(bundles, site, refused):
    site.config.unlink()
    assert "write the site's settings" in refused(bundles("1.0"))


def test_missing_packages_come_first_and_together(bundles, site, refused, monkeypatch, tmp_path):
    with site.config.open("a", encoding="utf-8") as file:
        file.write('nginx = true\n[database]\nurl = "postgresql:///x"\n')
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("cloudhands.ops.bundle.fitness.SYSTEM_FOLDERS", ())
    monkeypatch.setattr("cloudhands.ops.bundle.fitness.POSTGRESQL", tmp_path)
    told = refused(tmp_path / "not even looked at")
    assert "apt-get install nginx openssh-client postgresql-client util-linux" in told


def test_a_folder_below_a_file(bundles, refused, tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be made" in refused(bundles("1.0"), "--dir", tmp_path / "file" / "below")


def test_another_deployment_under_way(bundles, site, refused):
    site.host.folder.mkdir()
    with site.host.held():
        assert "another deployment is under way" in refused(bundles("1.0"), status=1)


def test_what_cannot_be_left(site, capsys):
    assert main(["rollback", "--dir", str(site.host.folder)]) == 1
    assert "there is nothing to go back from" in capsys.readouterr().err


def test_a_full_disk(bundles, site):
    """A file system of a few megabytes, mounted where nobody else sees it."""
    script = 'mkdir -p "$1" && mount -t tmpfs -o size=8m none "$1" && shift && exec "$@"'
    argv = site.argv(
        *("install", bundles("1.0"), "--config", site.config, "--signers", site.signers)
    )
    alone = ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*alone, "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode:
        pytest.skip("this kernel lets nobody mount in a namespace of their own")
    done = subprocess.run(
        [*alone, "sh", "-c", script, "sh", str(site.host.folder), *argv],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "has 8 MB free, and the release needs" in done.stderr


def test_a_disk_that_fills_midway_is_named_and_not_the_bundles(site):
    def copy(options):
        # As shutil says it.
        raise OSError(ENOSPC, strerror(ENOSPC), "wheels/a.whl", None, str(options.dir))

    with pytest.raises(ConfigurationError) as refused:
        commands.explained(copy)(argparse.Namespace(dir=site.host.folder))
    assert str(refused.value) == f"{site.host.folder}: No space left on device: make room"
