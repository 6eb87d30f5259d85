"""The vault as a file on its way in and out, over the wire (docs/PROTOCOL.md):
backup, export, part, stage, restore, retire.

What comes out is read by the independent reader."""
import resource
import time

import pytest

import canary
import vault_reader as reader
import wire_client as wc
from wire_client import Broker, Closed, in_child, mark
from wire_keys import give_host_key, key, keyfile

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
BACKUP = {"slot": [wc.slot(label="backup")], "key": key(7)}
RESTORE = {"slot": 1, "key": key(7), "replace": False, "rekey": False}


@pytest.fixture(scope="module")
def saved():
    """A backup (opened by key 7) of a vault with one entry."""
    with Broker() as b:
        b.init()
        b.put("zai", TOKEN)
        with b.connect() as c:
            return c.fetch("backup", **BACKUP)


def files(b):
    return {p.name: p.read_bytes() for p in b.data.iterdir()}


def results(b, event):
    return [e["result"] for e in b.lines() if e["event"] == event]


# ---- out ---------------------------------------------------------------

def test_a_backup_is_a_vault_of_its_own(broker):
    broker.call("set", idle=600)
    broker.put("other", "another-token-value")
    before = files(broker)
    with broker.connect() as c:
        file = c.fetch("backup", **BACKUP)
    assert files(broker) == before
    copy = reader.open_vault(file, key(7))
    mine = reader.open_vault(broker.vault.read_bytes(), broker.key)
    assert (copy["entries"], copy["settings"]) == (mine["entries"], mine["settings"])
    assert copy["id"] != mine["id"] and copy["generation"] == 1
    assert [(s["kind"], s["label"]) for s in copy["slots"]] == [(1, "backup")]
    with pytest.raises(reader.WrongKey):
        reader.open_vault(file, broker.key)
    with broker.connect() as c:
        assert c.fetch("backup", **BACKUP) != file
    assert results(broker, "backup") == ["granted"] * 2


def test_a_large_vault_goes_in_parts(broker):
    tokens = {f"n{i}": (f"{i}-" * wc.TOKEN_MAX)[:wc.TOKEN_MAX].encode() for i in range(12)}
    for name, token in tokens.items():
        broker.put(name, token)
    with broker.connect() as c:
        file = c.fetch("backup", **BACKUP)
        assert len(file) > 4 * wc.PART
        assert c.call("part", at=wc.PART)["part"] == file[wc.PART:2 * wc.PART], "in any order, again"
        assert c.fetch("export") == broker.vault.read_bytes()
    with Broker() as other, other.connect() as c:
        c.send_file(file, part=20000)
        assert c.call("restore", **RESTORE)["entries"] == 13
        assert all(other.get(name) == token for name, token in tokens.items())


def test_export_wants_a_person(broker):
    broker.add_slot(key(2))
    broker.add_slot(key(3), "keyring")
    before = len(results(broker, "person"))
    with broker.connect(person=None) as c:
        for state in ("unlocked", "locked"):
            assert c.call("hello")["state"] == state
            assert c.error("export") == "person"
            assert not c.prove(2, key(3))["ok"] and c.error("export") == "person"
            assert not c.prove(3, key(3))["ok"] and c.error("export") == "person"
            assert c.error("part", at=0) == "bad-value"
            assert c.prove(2, key(2))["ok"] and c.call("export")["size"]
            assert c.call("part", at=0)["part"] == broker.vault.read_bytes()
            assert c.prove(1, broker.key)["ok"] and c.fetch("export") == broker.vault.read_bytes()
            broker.call("lock")
            assert c.call("part", at=0)["part"] == broker.vault.read_bytes(), "it is ciphertext"
            c.call("stage", at=0, part=b"")
    assert results(broker, "export") == ["person", "person", "person", "granted", "granted"] * 2
    assert results(broker, "person")[before:] == ["asked", "wrong-key", "asked", "person", "asked", "asked"] * 2


def test_an_older_copy_is_not_exported_for_the_open_vault(broker):
    """Nor is the vault removed for one that arrived elsewhere."""
    older = broker.vault.read_bytes()
    broker.call("set", idle=600)
    newer = broker.vault.read_bytes()
    broker.vault.write_bytes(older)
    for op, more in (("export", {}), ("retire", {"generation": reader.inspect(older)["generation"]})):
        with broker.connect() as c:
            assert c.prove(1, broker.key)["ok"] and c.error(op, **more) == "changed"
    broker.vault.write_bytes(newer)
    with broker.connect() as c:
        assert c.prove(1, broker.key)["ok"] and c.fetch("export") == newer


def test_a_damaged_file_is_not_exported(broker):
    data = broker.vault.read_bytes()
    for bad, error in ((data[:-9], "truncated"), (data[:-1] + b"?", "damaged")):
        broker.vault.write_bytes(bad)
        assert broker.error("export") == error
        assert broker.error("retire", generation=2) == error
    broker.vault.unlink()
    assert broker.error("export") == "no-vault"


# ---- on its way --------------------------------------------------------

def test_parts_come_in_order(fresh, saved):
    with fresh.connect() as c:
        assert c.error("stage", at=1, part=b"x") == "bad-value"
        assert c.call("stage", at=0, part=b"")["size"] == 0
        assert c.call("stage", at=0, part=saved[:100])["size"] == 100
        for at in (99, 101, 200, 2**63):
            assert c.error("stage", at=at, part=b"x") == "bad-value"
        assert c.error("part", at=0) == "bad-value", "it is on its way in"
        assert c.call("stage", at=100, part=saved[100:])["size"] == len(saved)
        assert c.call("stage", at=0, part=saved[:9])["size"] == 9, "begun anew"
        assert c.error("restore", **RESTORE) == "truncated"
        c.send_file(saved)
        assert c.call("restore", **RESTORE)["generation"] == 1
        assert c.error("restore", **dict(RESTORE, replace=True)) == "bad-value", "it was used up"
        # one that goes out takes the place of one that comes in
        c.send_file(saved)
        c.call("backup", **BACKUP)
        assert c.error("stage", at=len(saved), part=b"x") == "bad-value"
        assert c.error("restore", **dict(RESTORE, replace=True)) == "bad-value"
        assert c.error("part", at=2**20) == "bad-value" == c.error("part", at=2**64 - 1)


def test_a_file_that_is_no_vaults(fresh):
    with fresh.connect() as c:
        whole = wc.FILE_MAX // wc.PART
        for i in range(whole):
            c.call("stage", at=i * wc.PART, part=b"x" * wc.PART)
        left = wc.FILE_MAX - whole * wc.PART
        assert c.call("stage", at=whole * wc.PART, part=b"x" * left)["size"] == wc.FILE_MAX
        assert c.error("restore", **RESTORE) == "damaged"
        assert c.error("stage", at=wc.FILE_MAX, part=b"x") == "too-large"
        assert c.error("stage", at=wc.FILE_MAX, part=b"x") == "bad-value", "it was dropped"
        assert c.error("restore", **RESTORE) == "bad-value"
        assert c.call("stage", at=0, part=b"")["size"] == 0


def test_two_connections_move_a_file(broker, saved):
    with broker.connect() as a, broker.connect() as b, broker.connect() as c:
        a.call("stage", at=0, part=saved)
        b.call("backup", **BACKUP)
        for _ in range(3):
            assert c.error("stage", at=0, part=saved) == "busy"
            assert c.error("backup", **BACKUP) == "busy"
            assert c.error("export") == "busy"
        a.call("stage", at=0, part=saved)      # again, in its own place
        b.call("backup", **BACKUP)
        a.close()
        deadline = time.monotonic() + 5
        while not c.ask("stage", at=0, part=saved)["ok"]:
            assert time.monotonic() < deadline, "it was not dropped with its connection"
        assert b.call("part", at=0)["part"]
        c.call("restore", **dict(RESTORE, replace=True))
        with broker.connect() as d:
            d.call("stage", at=0, part=saved)  # a restore gives its place back


def test_a_file_does_not_keep_a_connection(broker, saved):
    """A bad packet ends it, and the file with it."""
    for _ in range(wc.STAGED_UID + 1):
        with broker.connect() as c:
            c.call("stage", at=0, part=saved)
            assert c.raw(b"\xc0")["error"] == "malformed"
            with pytest.raises(Closed):
                c.recv()


# ---- in ----------------------------------------------------------------

def test_restore_into_nothing(fresh, saved):
    with fresh.connect() as c:
        c.send_file(saved)
        assert c.error("restore", **dict(RESTORE, key=key(8))) == "wrong-key"
        assert c.error("restore", **dict(RESTORE, slot=2)) == "no-entry"
        assert not fresh.vault.exists() and c.call("hello")["state"] == "none"
        assert c.call("restore", **RESTORE) == {
            "v": 1, "ok": True, "generation": 1, "entries": 1, "slots": 1}
        assert fresh.vault.read_bytes() == saved, "who moves it can tell that it arrived"
        assert c.call("hello")["state"] == "unlocked"
    assert fresh.get("zai") == TOKEN.encode()
    assert not (fresh.data / "vault.replaced").exists()
    fresh.call("lock")
    fresh.call("unlock", slot=1, key=key(7))
    assert fresh.put("more", "12345678")["generation"] == 2
    assert results(fresh, "restore") == ["asked", "wrong-key", "asked", "no-entry", "asked"]
    assert canary.scan_files(fresh.root, key(7).hex()) == []


def test_restore_sets_what_there_is_aside(broker, saved):
    for n in range(5):
        broker.put("zai", f"replaced-{n}-token", replace=True)
    old = broker.vault.read_bytes()
    with broker.connect() as c:
        c.send_file(saved)
        assert c.error("restore", **RESTORE) == "exists"
        assert broker.vault.read_bytes() == old and broker.get("zai") == b"replaced-4-token"
        assert c.call("restore", **dict(RESTORE, replace=True))["generation"] == 8, "above the one before"
        assert broker.get("zai") == TOKEN.encode()
        assert (broker.data / "vault.replaced").read_bytes() == old
        # once more, of a locked one
        broker.call("lock")
        second = broker.vault.read_bytes()
        c.send_file(saved)
        assert c.call("restore", **dict(RESTORE, replace=True))["generation"] == 9
    assert (broker.data / "vault.replaced").read_bytes() == old
    assert (broker.data / "vault.replaced.1").read_bytes() == second
    assert reader.open_vault(second, key(7))["id"] == reader.inspect(saved)["id"]


def test_restore_over_a_damaged_vault(broker, saved):
    broker.call("lock")
    broker.vault.write_bytes(b"not a vault")
    with broker.connect(person=None) as c:
        c.send_file(saved)
        assert c.error("restore", **RESTORE) == "exists"
        # nobody could show that he may: nothing opens it
        c.call("restore", **dict(RESTORE, replace=True))
    broker.person = wc.Person(1, key(7))
    assert (broker.data / "vault.replaced").read_bytes() == b"not a vault"
    assert broker.get("zai") == TOKEN.encode()


def test_restore_with_another_key(fresh, saved):
    """Whoever has the backup's slot and an old key gets nothing of what comes."""
    with fresh.connect() as c:
        c.send_file(saved)
        reply = c.call("restore", **dict(RESTORE, rekey=True))
        assert (reply["slots"], reply["generation"]) == (1, 2)
    new = fresh.vault.read_bytes()

    def vault_key(file):
        public = reader.inspect(file)
        s, = public["slots"]
        return reader.decrypt(s["wrapped"], public["id"] + s["bytes"], s["nonce"], key(7), AssertionError())
    assert vault_key(saved) != vault_key(new)
    assert reader.open_with_key(new, key(7))[0]["token"] == TOKEN.encode()


def test_a_restore_with_all_slots_or_one(broker):
    broker.add_slot(key(2))
    with broker.connect() as c:
        file = c.fetch("export")
        with Broker() as other, other.connect() as to:
            to.send_file(file)
            assert to.call("restore", slot=2, key=key(2), replace=False, rekey=False)["slots"] == 2
            to.send_file(file)
            assert to.call("restore", slot=2, key=key(2), replace=True, rekey=True)["slots"] == 1
            assert [s["id"] for s in to.call("slots")["slots"]] == [2]
            assert to.call("slots")["next"] == 3


def test_a_restore_that_cannot_be_written_leaves_nothing(broker, saved):
    with broker.connect() as c:
        big = {"slot": [wc.slot()], "key": key(7)}
        broker.put("big", "b" * 16000)
        file = c.fetch("backup", **big)
        broker.call("rm", name="big")
    broker.stop()
    broker.setup = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (12000, 12000))
    broker.start()
    broker.unlock()
    before = files(broker)
    with broker.connect() as c:
        c.send_file(file)
        for _ in range(2):
            assert c.error("restore", **dict(RESTORE, replace=True)) == "system"
        assert files(broker) == before
        assert broker.get("zai") == TOKEN.encode()
        # it still knows which file it has: one that was put there is not overwritten
        broker.vault.write_bytes(before["vault.prev"])
        assert broker.error("rm", name="zai") == "changed"
        broker.vault.write_bytes(before["vault"])
        c.send_file(saved)
        c.call("restore", **dict(RESTORE, replace=True))
        assert (broker.data / "vault.replaced").read_bytes() == before["vault"]


def test_sessions_of_the_vault_before(broker, saved):
    """What was opened for one vault is asked of the one that is there now."""
    def replaced():
        with broker.connect() as c:
            c.send_file(saved)
            c.call("restore", **dict(RESTORE, replace=True))
    broker.put("gone", TOKEN)
    with pytest.raises(wc.Refused, match="there is no key"):
        in_child(lambda: wc.launch(broker, replaced, "mark", "arrived", "hide", "claim", entry="gone"))
    broker.person = wc.Person(1, key(7))
    broker.put("zai", "another-token-value", replace=True)
    assert in_child(lambda: wc.launch(broker, replaced, "mark", "arrived", "hide", "claim")) == {
        wc.VARIABLE: TOKEN.encode()}


# ---- going -------------------------------------------------------------

def test_retire(broker):
    public, vault = give_host_key(broker), broker.call("slots")["id"]
    broker.add_slot(key(2), "keyfile", keyfile=keyfile(vault, 2, key(2), public))
    old = broker.vault.read_bytes()
    with broker.connect() as c:
        for wrong, error in (({"generation": 2}, "changed"), ({"generation": 4}, "changed"),
                             ({"generation": "3"}, "wrong-type")):
            assert c.error("retire", **{"generation": 3, **wrong}) == error
            assert broker.vault.read_bytes() == old and c.call("hello")["state"] == "unlocked"
        assert c.call("retire", generation=3) == {"v": 1, "ok": True}
        hello = c.call("hello")
        assert (hello["state"], hello["why"]) == ("none", "moved")
        assert c.error("get", name="zai") == "no-vault"
        assert c.error("retire", generation=3) == "person"
    assert sorted(p.name for p in broker.data.iterdir()) == ["host.key", "vault.lock"]
    assert results(broker, "retire")[-2:] == ["granted", "person"]
    assert [e["why"] for e in broker.lines() if e["event"] == "lock"] == ["moved"]
    broker.init()
    assert broker.call("hello")["state"] == "unlocked"


def test_a_move_takes_everything_along(broker):
    """export, restore there, retire here, with a use that is on no disk yet."""
    in_child(lambda: wc.launch(broker, "mark", "arrived", "hide", "claim"))
    with Broker() as other, broker.connect() as c, other.connect() as to:
        file = c.fetch("export")
        to.send_file(file)
        to.call("restore", slot=1, key=broker.key, replace=False, rekey=False)
        c.call("retire", generation=reader.inspect(file)["generation"])
        assert not broker.vault.exists(), "the use is not written back"
        assert other.get("zai") == TOKEN.encode()
    broker.stop()
    assert not broker.vault.exists()


# ---- errors ------------------------------------------------------------

ERRORS = [
    ("backup", {}, "wrong-type"),
    ("backup", dict(BACKUP, slot=[wc.slot(mem=1)]), "kdf-bounds"),
    ("backup", dict(BACKUP, slot=[wc.slot(label="ü")]), "bad-value"),
    ("backup", dict(BACKUP, key=b"k"), "bad-value"),
    ("backup", dict(BACKUP, slot=[wc.slot("keyring")]), "policy"),
    ("person", {}, "wrong-type"),
    ("person", {"slot": 1, "key": b"k"}, "bad-value"),
    ("person", {"slot": 2**40, "key": key(1)}, "no-entry"),
    ("part", {}, "wrong-type"),
    ("part", {"at": "0"}, "wrong-type"),
    ("part", {"at": 0}, "bad-value"),
    ("stage", {"at": 0}, "wrong-type"),
    ("stage", {"at": 0, "part": "x"}, "wrong-type"),
    ("stage", {"at": -1, "part": b"x"}, "wrong-type"),
    ("stage", {"at": 7, "part": b"x"}, "bad-value"),
    ("restore", RESTORE, "bad-value"),
    ("restore", dict(RESTORE, replace=1), "wrong-type"),
    ("restore", {k: v for k, v in RESTORE.items() if k != "rekey"}, "wrong-type"),
    ("restore", dict(RESTORE, key=b""), "bad-value"),
    ("retire", {}, "wrong-type"),
    ("retire", {"generation": 9}, "changed"),
]


def test_errors_have_their_names_and_cost_nothing(broker):
    before = files(broker)
    for op, fields, error in ERRORS:
        assert broker.error(op, **fields) == error, (op, fields)
        if op not in ("part", "stage"):
            assert (broker.lines()[-1]["event"], broker.lines()[-1]["result"]) == (op, error)
    assert files(broker) == before and broker.call("hello")["state"] == "unlocked"


def test_no_secret_memory_is_lost(broker, saved):
    """After a lock as much is in use as at the start, whatever was asked and refused."""
    def used():
        broker.call("lock")
        return broker.call("status")["memory_used"]
    public, vault = give_host_key(broker), broker.call("slots")["id"]
    at_start = used()
    other = keyfile(vault, 9, key(9), public)
    for _ in range(3):
        broker.unlock()
        broker.unlock()
        for op, fields, error in ERRORS:
            assert broker.error(op, **fields) == error
        for op, fields in (("unlock", {"slot": 1, "key": key(9)}), ("person", {"slot": 1, "key": key(9)}),
                           ("retire", {"generation": 0}),
                           ("keyfile", {"keyfile": other}), ("keyfile", {"keyfile": other[:-1]}),
                           ("rekey", {"keys": b"\t\0\0\0" + key(9)}), ("reopen", {})):
            assert broker.error(op, **fields)
        broker.add_slot(key(2), "keyfile", keyfile=keyfile(vault, broker.call("slots")["next"], key(2), public))
        broker.call("rekey", keys=b"\1\0\0\0" + broker.key)
        broker.call("host")
        with broker.connect() as c:
            c.fetch("backup", **BACKUP)
            c.send_file(saved)
            assert c.error("restore", **dict(RESTORE, replace=True, key=key(8))) == "wrong-key"
            c.send_file(broker.vault.read_bytes())
            c.call("restore", slot=1, key=broker.key, replace=True, rekey=True)
        assert used() == at_start


def test_marked_processes_move_nothing(broker):
    def ask():
        mark()
        return [broker.error(op, **fields) for op, fields in (
            ("backup", BACKUP), ("export", {}), ("part", {"at": 0}),
            ("stage", {"at": 0, "part": b"x"}), ("restore", RESTORE),
            ("retire", {"generation": 2}))]
    assert in_child(ask) == ["marked"] * 6
    assert broker.get("zai") == TOKEN.encode()
