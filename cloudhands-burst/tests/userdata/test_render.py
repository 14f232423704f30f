import pytest
import yaml

from cloudhands.burst.testing_machine import ours, parts
from cloudhands.burst.userdata import MAX_BYTES, Machine, render
from cloudhands.burst.userdata.layout import USER
from cloudhands.common.cloud import Invalid
from cloudhands.common.settings import Portal
from cloudhands.common.testing.factories import ITEM, KEY

UUID = "7f8a6c1e-0000-4000-8000-000000000001"
PORTAL = Portal(url="https://portal.example.org/cloud/", keys_stale_hours=1.5)
TOKEN = "0123456789abcdef" * 4
LONG_KEY = f"ssh-rsa {'A' * 716}"


def machine(user_data="", keys=(KEY,), **definition):
    item = ITEM.model_copy(update={"user_data": user_data, **definition})
    return Machine(UUID, 3, "small", item.model_dump(mode="json"), keys, TOKEN)


def files(user_data):
    return {file["path"]: file for file in ours(user_data)["write_files"]}


def test_what_cloud_init_is_told():
    text = render(machine(), PORTAL)
    assert text.isascii()
    kinds = [kind for kind, _ in parts(text)]
    assert kinds == ["text/cloud-config", "text/x-shellscript"]
    found = ours(text)
    assert found["users"] == [
        {
            "name": "researcher",
            "shell": "/bin/bash",
            "lock_passwd": True,
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
        }
    ]
    written = files(text)
    assert written["/etc/cloudhands/machine"]["content"] == (
        f"account=researcher\nurl=https://portal.example.org/cloud/appliances/{UUID}\nminutes=90\n"
    )
    assert written["/var/lib/cloudhands/keys"]["content"] == f"{KEY}\n"
    sshd = written["/etc/ssh/sshd_config.d/00-cloudhands.conf"]["content"]
    assert "\nAuthorizedKeysFile none\n" in sshd
    asks = "AuthorizedKeysCommand /usr/local/sbin/cloudhands-authorized-keys %u"
    assert f"\n{asks}\nAuthorizedKeysCommandUser {USER}\n" in sshd


def test_the_token_is_for_sshds_helper_alone():
    text = render(machine(), PORTAL)
    (place,) = [file for file in files(text).values() if TOKEN in file["content"]]
    assert (place["permissions"], place["owner"]) == ("0640", f"root:{USER}")
    # Its account and folder are there before the files are.
    assert all(USER in command for command in ours(text)["bootcmd"])


def test_no_word_of_the_layout_is_left_open():
    for file in files(render(machine(), PORTAL)).values():
        assert not any(f"@{word}@" in file["content"] for word in ("etc", "state", "sbin", "path"))


def test_it_is_yaml_too():
    (text,) = [text for kind, text in parts(render(machine(), PORTAL)) if "config" in kind]
    assert yaml.safe_load(text) == ours(render(machine(), PORTAL))


def test_the_items_own_part_comes_first_and_stays_as_it_is():
    own = (
        "#!/bin/sh\n# Zürich, --==cloudhands== and a line with = and trailing space \n" + "x" * 2000
    )
    for user_data in (
        "#cloud-config\npackages: [a]\n",
        own + "\n",
        "#cloud-config\n--==cloudhands==\n",
    ):
        text = render(machine(user_data), PORTAL)
        assert text.isascii()
        assert parts(text)[0] == ("text/plain", user_data)
        assert [kind for kind, _ in parts(text)[1:]] == ["text/cloud-config", "text/x-shellscript"]
        # Said to cloud-init, whose own way would drop the item's lists.
        assert "Merge-Type: list(prepend)+dict(no_replace,recurse_list)+str()\n" in text


def test_the_items_template_is_filled_in():
    own = "#cloud-config\nhostname: {{ account }}-{{ size }}-{{ generation }}\nurl: {{ portal }}\n"
    assert parts(render(machine(own), PORTAL))[0][1] == (
        "#cloud-config\nhostname: researcher-small-3\nurl: https://portal.example.org/cloud\n"
    )


def test_another_account_that_may_not_become_root_and_reports_nothing():
    text = render(machine(account="guest", sudo=False, reports=False), PORTAL)
    (account,) = ours(text)["users"]
    assert (account["name"], "sudo" in account) == ("guest", False)
    assert text.startswith("#cloud-config\n")
    assert not any("report" in path for path in files(text))


@pytest.mark.parametrize(
    "portal", [Portal(), Portal(host="portal.example.org"), Portal(host="0.0.0.0", port=80)]
)
def test_where_machines_cannot_ask_they_keep_the_keys_of_the_launch(portal):
    text = render(machine(), portal)
    found = ours(text)
    assert found["users"][0]["ssh_authorized_keys"] == [KEY]
    assert found.keys() == {"users", "ssh_pwauth"}
    assert TOKEN not in text


def test_an_item_that_was_launched_before_there_were_accounts():
    before = {"user_data": "#cloud-config\n"}
    text = render(Machine(UUID, 1, "small", before, [KEY], TOKEN), PORTAL)
    assert ours(text)["users"][0]["name"] == "researcher"
    assert "cloudhands-report" not in text


def test_ours_leaves_most_of_the_room_to_the_item():
    assert len(render(machine(), PORTAL)) < MAX_BYTES * 0.45


def test_too_long_is_said_in_plain_words():
    room = MAX_BYTES - len(render(machine("#!/bin/sh\n", keys=()), PORTAL))
    assert len(render(machine("#!/bin/sh\n" + "x" * room, keys=()), PORTAL)) == MAX_BYTES
    with pytest.raises(Invalid, match=f"more than the {MAX_BYTES} .* own 1[0-9]{{4}} must"):
        render(machine("#!/bin/sh\n" + "x" * (room + 1), keys=()), PORTAL)


def test_many_keys_do_not_keep_a_machine_from_starting():
    text = render(machine(keys=[LONG_KEY] * 50), PORTAL)
    assert len(text) <= MAX_BYTES
    begun = files(text)["/var/lib/cloudhands/keys"]["content"].splitlines()
    assert 10 < len(begun) < 50
    with pytest.raises(Invalid, match="some of the 50 SSH keys removed"):
        render(machine(keys=[LONG_KEY] * 50), Portal())


def test_a_template_that_fails_now_is_the_items_fault():
    with pytest.raises(Invalid, match="user_data cannot be used"):
        render(machine("#cloud-config\nkey: {{ keys[0] }}\n", keys=()), PORTAL)


def test_it_is_the_same_each_time_and_another_for_another_machine():
    one, other = machine(), Machine(UUID, 4, "small", machine().definition, (KEY,), "f" * 64)
    assert render(one, PORTAL) == render(one, PORTAL) != render(other, PORTAL)


def test_cloud_init_reads_the_files_in_an_order_that_works():
    paths = list(files(render(machine(), PORTAL)))
    # sshd must not ask before what it asks with is there.
    sshd = paths.index("/etc/ssh/sshd_config.d/00-cloudhands.conf")
    assert {path for path in paths[:sshd] if "report" not in path} == {
        "/etc/cloudhands/machine",
        "/etc/cloudhands/authorization",
        "/var/lib/cloudhands/keys",
        "/usr/local/sbin/cloudhands-ask",
        "/usr/local/sbin/cloudhands-authorized-keys",
    }
