import subprocess
import tarfile
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from cloudhands.common import release

ROOT = Path(__file__).parents[2]
FILE = "cloudhands-common/cloudhands/common/REVISION"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_work_tree_is_no_revision():
    assert release.revision() is None
    assert release.told("cloud-test", "cloudhands-common") == (
        f"cloud-test {version('cloudhands-common')} (revision unknown: a work tree)"
    )


def test_what_was_built_tells_its_commit(tmp_path, monkeypatch):
    (tmp_path / "REVISION").write_text(COMMIT + "\n")
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    assert release.told("cloud-test", "cloudhands-common").endswith(f" (revision {COMMIT})")


def test_git_writes_it_into_an_archive(tmp_path):
    def git(*arguments):
        return subprocess.run(
            ["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("archive", f"--output={tmp_path / 'one.tar'}", "HEAD", FILE)
    with tarfile.open(tmp_path / "one.tar") as archive:
        assert archive.extractfile(FILE).read().decode() == git("rev-parse", "HEAD") + "\n"
