"""What holds, and where it was set."""

from cloudhands.common import settings
from cloudhands.common.settings.masking import MASK


def entries(file, **sources):
    found = settings.read(file=file, **({"environment": {}} | sources))
    return {entry.key: (entry.value, entry.source) for entry in found.entries()}


def test_each_setting_says_where_it_was_set(tmp_path):
    file = tmp_path / "cloudhands.toml"
    file.write_text(
        "[portal]\nport = 9000\nnginx = true\ntls_certificate = 'c'\ntls_key = 'k'\n"
        "[providers.a]\nkind = 'x'\nlabel = 'A'\n"
        "options = { user = 'me', password = 'hunter2' }\n",
        encoding="utf-8",
    )
    found = entries(
        file,
        defaults={"index": {"interval": 7}},
        environment={"CLOUDHANDS_DATABASE__URL": "postgresql://me:hunter2@db/x"},
        overrides={"portal.threads": "3"},
    )
    assert found["portal.port"] == (9000, f"{file}, line 2")
    assert found["portal.threads"] == (3, "--set")
    assert found["portal.secure_cookies"] == (True, "follows from other settings")
    assert found["portal.host"] == ("127.0.0.1", "default")
    assert found["index.interval"] == (7.0, "the site's defaults")
    assert found["database.url"] == (f"postgresql://me:{MASK}@db/x", "$CLOUDHANDS_DATABASE__URL")
    assert found["providers.a.label"] == ("A", f"{file}, line 8")
    assert found["providers.a.priority"] == (100, "default")
    assert found["providers.a.options.password"] == (MASK, f"{file}, line 9")
    assert found["providers.a.options.user"] == ("me", f"{file}, line 9")
    assert "hunter2" not in repr(found)
