"""What a broker opens with no person there (docs/PROTOCOL.md): keyfiles sealed to
its host, credentials; at its start, and when it is told to after a lock."""
import struct

import pytest

import canary
import wire_client as wc
from wire_keys import give_host_key, host_pair, host_text, key, key_text, keyfile, write_private

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()


@pytest.fixture
def broker(broker):
    broker.id = broker.call("slots")["id"]
    broker.public = give_host_key(broker)
    return broker


def restart(b):
    b.stop()
    b.start()
    return b.call("hello")


def opened(b):
    """The last `reopen` on record."""
    e = [e for e in b.lines() if e["event"] == "reopen"][-1]
    return e["result"], e.get("why")


def add_keyfile(b, n=2):
    file = keyfile(b.id, n, key(n), b.public)
    assert b.add_slot(key(n), "keyfile", keyfile=file) == n
    assert (b.data / "keyfile").read_bytes() == file
    return file


# ---- the host ----------------------------------------------------------

def test_host(fresh):
    assert fresh.error("host") == "no-entry"
    public = give_host_key(fresh)
    assert fresh.call("host") == {"v": 1, "ok": True, "public": public}
    path = fresh.data / "host.key"
    path.chmod(0o440)
    assert fresh.error("host") == "unsafe-path"
    for text in ("", "nonsense", host_text(b"s" * 31), host_text(b"s" * 32)[1:], host_text(b"s" * 32) + "x"):
        write_private(path, text)
        assert fresh.error("host") == "damaged", text
    path.unlink()
    path.symlink_to(fresh.root / "elsewhere")
    write_private(fresh.root / "elsewhere", host_text(b"s" * 32))
    assert fresh.error("host") == "system"


# ---- a keyfile ---------------------------------------------------------

def test_opened_at_the_start_and_not_after_a_lock(broker):
    add_keyfile(broker)
    hello = restart(broker)
    assert (hello["state"], hello["why"]) == ("unlocked", "start")
    assert opened(broker) == ("granted", "keyfile")
    assert broker.get("zai") == TOKEN.encode()
    for _ in range(2):
        broker.call("lock")
        assert broker.error("get", name="zai") == "locked"
        assert broker.error("open", **wc.open_fields()) == "locked"
        hello = broker.call("hello")
        assert (hello["state"], hello["why"]) == ("locked", "request")
        assert broker.call("reopen") == {
            "v": 1, "ok": True, "entries": 1, "slots": 2, "kind": "keyfile"}
        assert broker.get("zai") == TOKEN.encode()
    assert opened(broker) == ("asked", None)
    assert restart(broker)["state"] == "unlocked"


def test_a_lock_of_a_fresh_broker(fresh):
    """Nothing is open, and it stays so: clients see that somebody locked it."""
    fresh.init()
    hello = restart(fresh)
    assert (hello["state"], hello["why"]) == ("locked", "start")
    assert fresh.call("lock")["locked"]
    assert fresh.call("hello")["why"] == "request"


def test_reopen_with_nothing(fresh):
    assert fresh.error("reopen") == "no-vault"
    fresh.init()
    assert fresh.error("reopen") == "no-entry"
    assert fresh.call("hello")["state"] == "unlocked"
    fresh.call("lock")
    assert fresh.error("reopen") == "no-entry"
    assert opened(fresh)[0] == "no-entry"


def spoilt(b):
    """(keyfile, error of `keyfile`, error of `reopen`)"""
    good = keyfile(b.id, 2, key(2), b.public)
    flipped = bytearray(good)
    flipped[80] ^= 1
    return [
        (b"", "truncated", "truncated"),
        (good[:-1], "truncated", "truncated"),
        (bytes(flipped), "damaged", "damaged"),
        (b"k" * 174, "damaged", "damaged"),
        (keyfile(b.id, 2, key(2), b.public, version=2), "newer", "newer"),
        (keyfile(b"i" * 16, 2, key(2), b.public), "wrong-key", "wrong-key"),
        (keyfile(b.id, 2, key(2), host_pair(b"o" * 32)[0]), "wrong-key", "wrong-key"),
        (keyfile(b.id, 2, key(3), b.public), "wrong-key", "wrong-key"),
        (keyfile(b.id, 9, key(2), b.public), "no-entry", "wrong-key"),
        (keyfile(b.id, 1, key(2), b.public), "wrong-key", "wrong-key"),
    ]


def test_a_keyfile_is_kept_only_when_it_opens_the_vault(broker):
    good = keyfile(broker.id, 2, key(2), broker.public)
    broker.add_slot(key(2), "keyfile")
    broker.call("lock")
    for file, error, _ in spoilt(broker) + [(good + b"x", "damaged", None), (b"k" * 60000, "damaged", None)]:
        assert broker.error("keyfile", keyfile=file) == error
        assert not (broker.data / "keyfile").exists()
        assert (broker.lines()[-1]["event"], broker.lines()[-1]["result"]) == ("keyfile", error)
    assert broker.call("keyfile", keyfile=good) == {"v": 1, "ok": True}
    kept = broker.data / "keyfile"
    assert kept.read_bytes() == good and kept.stat().st_mode & 0o777 == 0o600
    assert broker.call("hello")["state"] == "locked", "it is for the next start"
    assert restart(broker)["state"] == "unlocked"
    for file, error, _ in spoilt(broker):
        assert broker.error("keyfile", keyfile=file) == error
    (broker.data / "host.key").unlink()
    assert broker.error("keyfile", keyfile=good) == "no-entry"
    assert kept.read_bytes() == good
    assert canary.scan_files(broker.root, key(2).hex()) == []


def test_a_keyfile_that_does_not_open_is_on_record_and_no_failure(broker):
    broker.add_slot(key(2), "keyfile")
    for file, _, error in spoilt(broker):
        (broker.data / "keyfile").write_bytes(file)
        (broker.data / "keyfile").chmod(0o600)
        hello = restart(broker)
        assert (hello["state"], hello["why"]) == ("locked", "start")
        at_start = opened(broker)[0]
        assert at_start in (error, "no-entry") and at_start != "granted"
        assert broker.error("reopen") == error
        broker.unlock()
    (broker.data / "keyfile").chmod(0o640)
    assert restart(broker)["state"] == "locked" and broker.error("reopen") == "unsafe-path"


def test_no_keyfile_without_a_vault(fresh):
    assert fresh.error("keyfile", keyfile=keyfile(b"i" * 16, 1, key(1), give_host_key(fresh))) == "no-vault"


def kept(broker, slot):
    """The keys of a rekey that keeps the person's slot, and this one."""
    both = (broker.person.slot, broker.person.key), slot
    return b"".join(struct.pack("<I", n) + k for n, k in both)


def test_a_keyfile_goes_with_its_slot(broker):
    add_keyfile(broker, 2)
    broker.call("slot-rm", id=2)
    assert not (broker.data / "keyfile").exists()
    add_keyfile(broker, 3)
    broker.add_slot(key(4))
    broker.call("slot-rm", id=4)
    assert (broker.data / "keyfile").exists()
    broker.call("slot-replace", id=3, slot=[wc.slot("keyring")], key=key(5), expect=5)
    assert not (broker.data / "keyfile").exists()
    file = add_keyfile(broker, 6)
    broker.call("rekey", keys=kept(broker, (6, key(6))))
    assert (broker.data / "keyfile").read_bytes() == file and restart(broker)["state"] == "unlocked"
    broker.add_slot(key(7))
    broker.call("rekey", keys=kept(broker, (7, key(7))))
    assert not (broker.data / "keyfile").exists()
    assert restart(broker)["state"] == "locked"


def test_rekey_with_a_new_keyfile(broker):
    add_keyfile(broker)
    new = keyfile(broker.id, 2, key(22), broker.public)
    broker.call("rekey", keys=kept(broker, (2, key(22))), keyfile=new)
    assert (broker.data / "keyfile").read_bytes() == new
    assert not (broker.data / "keyfile.next").exists()
    assert restart(broker)["state"] == "unlocked"


def test_a_change_that_was_cut_short(broker):
    """The vault has another key, and its keyfile still has its second name."""
    old = add_keyfile(broker)
    new = keyfile(broker.id, 2, key(22), broker.public)
    broker.call("rekey", keys=kept(broker, (2, key(22))), keyfile=new)
    broker.stop()
    (broker.data / "keyfile").rename(broker.data / "keyfile.next")
    write_private(broker.data / "keyfile", old)
    broker.start()
    assert broker.call("hello")["state"] == "unlocked" and opened(broker) == ("granted", "keyfile")
    assert (broker.data / "keyfile").read_bytes() == new and not (broker.data / "keyfile.next").exists()


def test_a_second_keyfile_that_opens_nothing(broker):
    old = add_keyfile(broker)
    broker.stop()
    for left in (keyfile(broker.id, 9, key(9), broker.public), keyfile(broker.id, 2, key(9), broker.public), b"x"):
        write_private(broker.data / "keyfile.next", left)
        (broker.data / "keyfile").unlink(missing_ok=True)
        broker.start()
        assert broker.call("hello")["state"] == "locked"
        write_private(broker.data / "keyfile", old)
        assert broker.call("reopen")["kind"] == "keyfile"
        broker.stop()
    vault = broker.vault.read_bytes()
    broker.vault.write_bytes(vault[:-1] + b"?")
    (broker.data / "keyfile").unlink()
    broker.start()
    assert broker.error("reopen") == "no-entry"


def test_a_keyfile_is_of_the_slot_that_is_made(broker):
    public, vault = broker.public, broker.id
    new = {"slot": [wc.slot("keyfile", material=public)], "key": key(2), "expect": 2}
    for wrong in (keyfile(b"w" * 16, 2, key(2), public), keyfile(vault, 1, key(2), public),
                  keyfile(vault, 3, key(2), public)):
        assert broker.error("slot-add", **new, keyfile=wrong) == "bad-value"
    assert not list(broker.data.glob("keyfile*"))
    file = keyfile(vault, 2, key(2), public)
    assert broker.call("slot-add", **new, keyfile=file)["id"] == 2
    assert [(p.name, p.read_bytes()) for p in broker.data.glob("keyfile*")] == [("keyfile", file)]
    assert restart(broker)["state"] == "unlocked"


# ---- credentials -------------------------------------------------------

@pytest.fixture
def credentials(broker):
    broker.add_slot(key(2), "credential")
    broker.add_slot(key(3), "credential")
    d = broker.root / "credentials"
    d.mkdir(mode=0o700)
    broker.env["CREDENTIALS_DIRECTORY"] = str(d)
    return d


def test_a_credential(broker, credentials):
    write_private(credentials / "ccrun.key", key_text(broker.id, 2, key(2)))
    assert restart(broker)["state"] == "unlocked" and opened(broker) == ("granted", "credential")
    broker.call("lock")
    assert broker.call("reopen")["kind"] == "credential"


def test_several_credentials(broker, credentials):
    write_private(credentials / "another-name", key_text(broker.id, 2, key(2)))
    write_private(credentials / "ccrun.key.1", key_text(b"x" * 16, 1, key(1)))
    assert restart(broker)["state"] == "locked" and opened(broker)[0] == "wrong-key"
    write_private(credentials / "ccrun.key.2", key_text(broker.id, 2, key(3)))
    assert restart(broker)["state"] == "locked" and opened(broker)[0] == "wrong-key"
    write_private(credentials / "ccrun.key.3", key_text(broker.id, 3, key(3)).rstrip() + "\r\n")
    assert restart(broker)["state"] == "unlocked"


def test_the_keyfile_is_tried_after_a_credential_that_does_not_open(broker, credentials):
    write_private(credentials / "ccrun.key", key_text(broker.id, 2, key(9)))
    add_keyfile(broker, 4)
    assert restart(broker)["state"] == "unlocked" and opened(broker) == ("granted", "keyfile")
    # of two that fail the first is told
    (broker.data / "keyfile").chmod(0o666)
    assert restart(broker)["state"] == "locked" and opened(broker)[0] == "wrong-key"


@pytest.mark.parametrize("text,mode,error", [
    ("", 0o400, "truncated"), ("ccrun-key-1 ", 0o400, "truncated"), ("nonsense " * 12, 0o400, "damaged"),
    (None, 0o440, "unsafe-path"), (None, 0o404, "unsafe-path"), ("x" * 500, 0o400, "system"),
])
def test_a_credential_that_is_none(broker, credentials, text, mode, error):
    write_private(credentials / "ccrun.key", key_text(broker.id, 2, key(2)) if text is None else text)
    (credentials / "ccrun.key").chmod(mode)
    assert restart(broker)["state"] == "locked" and opened(broker)[0] == error
    assert broker.error("reopen") == error
    assert canary.scan_files(broker.data, key(2).hex()) == []
