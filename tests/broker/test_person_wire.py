"""Reading and changing a key is a person's act, over the wire (docs/PROTOCOL.md, person):
an open vault is no proof of one, and neither is the key of a slot that answers anybody."""
import struct

import pytest

import canary
import wire_client as wc
from vault_writer import keep_slots
from wire_client import Broker, Person, in_child, mark
from wire_keys import key

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
OTHER = "another-token-value"
# Slots beside the passphrase's 1, each with the key of its number.
AUTOMATIC = {2: "keyring", 3: "keyfile", 4: "credential", 5: "tpm2"}
RECOVERY = 6
NEXT = 7
SEALED = {"origin": wc.ORIGIN, "variable": wc.VARIABLE, "policy": wc.POLICY}
WANT = {
    "get": {"name": "zai"},
    "rm": {"name": "zai"},
    "rename": {"name": "zai", "to": "other"},
    "approve": {"name": "zai", **SEALED, "origin": "bearer https://elsewhere.test"},
    "put": {"name": "zai", **SEALED, "token": OTHER.encode(), "replace": True},
    "backup": {"slot": [wc.slot()], "key": key(9)},
    "export": {},
    "slot-add": {"slot": [wc.slot("recovery")], "key": key(9), "expect": NEXT},
    "slot-rm": {"id": 2},
    "slot-replace": {"id": 2, "slot": [wc.slot("recovery")], "key": key(9), "expect": NEXT},
    "rekey": {"keys": struct.pack("<I", RECOVERY) + key(RECOVERY), "expect": NEXT},
    "set": {"suspend": False},
    "restore": {"slot": 1, "key": key(8), "replace": True, "rekey": True},
    "retire": {"generation": 7},
}


def material(kind):
    return {"material": b"m" * 32} if kind in ("keyfile", "tpm2") else {}


@pytest.fixture(scope="module")
def files():
    """A vault's file with slots of every kind, and a backup that key 8 opens."""
    with Broker() as b:
        b.init()
        b.put("zai", TOKEN)
        for n, kind in {**AUTOMATIC, RECOVERY: "recovery"}.items():
            assert b.add_slot(key(n), slot=[wc.slot(kind, **material(kind))]) == n
        with b.connect() as c:
            backup = c.fetch("backup", slot=[wc.slot()], key=key(8))
        return b.vault.read_bytes(), backup


@pytest.fixture
def b(fresh, files):
    """That vault, open; no connection gives a proof by itself."""
    place(fresh, files[0])
    fresh.unlock()
    fresh.person = None
    return fresh


def place(broker, file):
    broker.vault.write_bytes(file)
    broker.vault.chmod(0o600)


def ask(c, op, files):
    if op == "restore":
        c.send_file(files[1])
    return c.error(op, **WANT[op])


def state_of(broker):
    broker.person = Person(1, broker.key)
    value = broker.get("zai")
    broker.person = None
    return value, broker.call("list", after="")["entries"], broker.call("slots"), broker.call("settings")


@pytest.mark.parametrize("op", WANT)
def test_an_open_vault_is_no_proof(b, files, op):
    before = state_of(b)
    with b.connect() as c:
        assert ask(c, op, files) == "person"
        for n in AUTOMATIC:
            if op == "restore":
                c.send_file(files[1])
            assert c.prove(n, key(n))["error"] == "person"
            assert c.error(op, **WANT[op]) == "person"
        reply = c.ask(op, **WANT[op])
        assert "passphrase or recovery code" in reply["message"] and "--passphrase-fd" in reply["hint"]
    assert state_of(b) == before and b.vault.read_bytes() == files[0]


@pytest.mark.parametrize("slot", [1, RECOVERY])
@pytest.mark.parametrize("op", WANT)
def test_a_persons_slot_is_one(b, files, op, slot):
    with b.connect() as c:
        if op == "restore":
            c.send_file(files[1])
        assert c.prove(slot, b.key if slot == 1 else key(slot)) == {"v": 1, "ok": True}
        assert c.call(op, **WANT[op])
    wanted = {"rm": "remove", "put": "add"}.get(op, op)
    assert [e["result"] for e in b.lines() if e["event"] == wanted][-1] in ("granted", "asked")
    proof = [e for e in b.lines() if e["event"] == "person"][-1]
    assert (proof["result"], proof["entries"]) == ("asked", f"slot-{slot}")


def test_a_proof_is_for_the_next_request_alone(b):
    with b.connect() as c, b.connect() as other:
        assert c.prove(1, b.key)["ok"]
        assert other.error("get", name="zai") == "person", "on its own connection alone"
        assert c.call("get", name="zai")["token"] == TOKEN.encode()
        assert c.error("get", name="zai") == "person"
        for between in (("hello", {}), ("get", {"name": "absent"}), ("no-such-op", {}), ("person", {"slot": 1})):
            assert c.prove(1, b.key)["ok"]
            c.ask(between[0], **between[1])
            assert c.error("get", name="zai") == "person", between
        # a proof that fails takes an earlier one away
        assert c.prove(1, b.key)["ok"] and not c.prove(1, key(1))["ok"]
        assert c.error("get", name="zai") == "person"


def test_a_wrong_key_is_on_record(b):
    with b.connect() as c:
        for slot, wrong, error in ((1, key(1), "wrong-key"), (2, key(2), "person"), (9, key(9), "no-entry"),
                                   (2, b.key, "wrong-key")):
            assert c.prove(slot, wrong)["error"] == error
            asked, refused = b.lines()[-2:]
            assert (asked["event"], asked["result"], asked["entries"]) == ("person", "asked", f"slot-{slot}")
            assert (refused["event"], refused["result"]) == ("person", error)
            assert c.error("get", name="zai") == "person"
    assert canary.scan_files(b.root, key(2).hex()) == []


def test_another_vault_in_the_files_place_proves_nothing(b):
    """Who runs as the user can write the file.  He cannot open what is in memory with it."""
    with Broker() as his:
        his.init()
        his.put("zai", OTHER)
        his.call("slot-add", slot=[wc.slot()], key=key(20), expect=2)
        theirs = his.vault.read_bytes()
    place(b, theirs)
    with b.connect() as c:
        assert c.prove(2, key(20))["error"] == "wrong-key"
        assert c.error("get", name="zai") == "person"
        # what a slot was before it was removed, neither
        assert c.prove(1, b.key)["ok"] and c.call("get", name="zai")["token"] == TOKEN.encode()


def test_a_proof_ends_when_a_vault_is_opened(b, files):
    """Nor of a file that lay there while the vault was locked, or was opened in its stead."""
    with Broker() as his:
        his.init()
        theirs, their_key = his.vault.read_bytes(), his.key
    with b.connect() as c:
        b.call("lock")
        place(b, theirs)
        assert c.prove(1, their_key)["ok"]
        place(b, files[0])
        b.call("unlock", slot=3, key=key(3))
        assert c.error("get", name="zai") == "person"
        b.call("lock")
        place(b, theirs)
        b.call("unlock", slot=1, key=their_key)
        assert c.prove(1, their_key)["ok"]
        place(b, files[0])
        b.call("lock")
        b.call("unlock", slot=3, key=key(3))
        assert c.error("get", name="zai") == "person"
        # opening the same one again, neither; after it, as ever
        assert c.prove(1, b.key)["ok"]
        b.call("unlock", slot=1, key=b.key)
        assert c.error("get", name="zai") == "person"
        assert c.prove(1, b.key)["ok"] and c.call("get", name="zai")["token"] == TOKEN.encode()


def another_vault():
    """(Its file, the key of its slot 2.)"""
    with Broker() as his:
        his.init()
        his.call("slot-add", slot=[wc.slot()], key=key(20), expect=2)
        return his.vault.read_bytes(), key(20)


def test_an_open_vault_gives_way_to_no_other(b, files):
    """Neither by a file that was put in its place, nor by one that is sent when it was removed."""
    theirs, their_key = another_vault()
    place(b, theirs)
    with b.connect() as c:
        reply = c.ask("unlock", slot=2, key=their_key)
        assert reply["error"] == "changed" and "ccctl lock" in reply["hint"]
        assert not c.prove(2, their_key)["ok"] and c.error("unlock", slot=2, key=their_key) == "changed"
        b.vault.unlink()
        c.send_file(theirs)
        assert c.error("restore", slot=2, key=their_key, replace=False, rekey=False) == "person"
        # what is in memory is what it was, and a person may say otherwise
        assert c.prove(1, b.key)["ok"] and c.call("get", name="zai")["token"] == TOKEN.encode()
        place(b, theirs)
        assert c.prove(1, b.key)["ok"] and c.call("unlock", slot=2, key=their_key)["entries"] == 0
        # its own file, rewritten, is taken as ever
        place(b, theirs)
        assert c.call("unlock", slot=2, key=their_key)["entries"] == 0


def test_kept_entries_give_way_to_no_other_vault(b, files):
    b.person = Person(1, b.key)
    b.put("kept", OTHER, policy=wc.POLICY + " keep=yes")
    own = b.vault.read_bytes()
    theirs, their_key = another_vault()
    b.call("lock", why="screen")
    place(b, theirs)
    with b.connect(person=None) as c:
        assert c.prove(2, their_key)["ok"], "of the file alone"
        assert c.error("unlock", slot=2, key=their_key) == "changed"
        place(b, own)
        assert c.call("unlock", slot=1, key=b.key)["entries"] == 2


def test_a_slot_that_was_removed_proves_nothing(b, files):
    b.person = Person(1, b.key)
    b.call("slot-rm", id=RECOVERY)
    b.person = None
    place(b, files[0])
    with b.connect() as c:
        assert c.prove(RECOVERY, key(RECOVERY))["error"] == "no-entry"


def test_what_wants_none(b):
    """A new key, a launch, tighter settings, a lock."""
    assert b.put("new", OTHER)["generation"]
    assert b.put("newer", OTHER, replace=True)["generation"], "there was none to replace"
    assert b.call("match", name="zai", token=TOKEN.encode())["same"] is True
    assert b.call("match", name="zai", token=OTHER.encode())["same"] is False
    assert b.call("match", name="zai", token=TOKEN.encode()[:-1])["same"] is False
    assert in_child(lambda: wc.launch(b, "mark", "arrived", "hide", "claim")) == {wc.VARIABLE: TOKEN.encode()}
    assert b.call("set", idle=600, longest=7200)["generation"]
    assert b.call("set", idle=300, suspend=True)["generation"]
    for looser in ({"idle": 301}, {"idle": 0}, {"longest": 0}, {"screen": False}, {"idle": 200, "logout": False}):
        assert b.error("set", **looser) == "person"
    now = b.call("settings")
    assert (now["idle"], now["longest"], now["screen"], now["logout"]) == (300, 7200, True, True)
    assert b.call("lock")["locked"]


def test_a_token_of_another_manager_is_not_given(b):
    b.call("put", name="elsewhere", **SEALED, replace=False, token=OTHER.encode(), source="pass:ai/x",
           command="/usr/bin/pass show ai/x", pick="first-line")
    b.person = Person(1, b.key)
    with b.connect() as c:
        reply = c.ask("get", name="elsewhere")
    assert (reply["error"], reply["hint"]) == ("policy", "ccctl get elsewhere has its command")
    assert "pass:ai/x" in reply["message"]


def test_a_marked_process_proves_nothing(b):
    def ask_marked():
        mark()
        with b.connect() as c:
            return [c.prove(1, b.key)["error"], c.error("get", name="zai")]
    assert in_child(ask_marked) == ["marked"] * 2


def test_a_vault_that_no_person_opens(b, files):
    """It can be used; nothing is read or changed, and no person's slot gets in."""
    b.call("lock")
    place(b, keep_slots(files[0], b.key, 1, list(AUTOMATIC)))
    b.call("unlock", slot=3, key=key(3))
    with b.connect() as c:
        for op in WANT:
            assert ask(c, op, files) == "person"
            assert c.prove(3, key(3))["error"] == "person"
        reply = c.ask("get", name="zai")
        assert "neither passphrase nor recovery code" in reply["message"] and "ccctl(1)" in reply["hint"]
        # of what opens it with nobody there, none of it is a person either, locked or open
        c.call("lock")
        assert c.error("export") == "person"
        c.call("unlock", slot=3, key=key(3))
    assert b.put("new", OTHER)["ok"]
    assert in_child(lambda: wc.launch(b, "mark", "arrived", "hide", "claim")) == {wc.VARIABLE: TOKEN.encode()}


def test_no_vault_begins_or_comes_in_without_a_persons_slot(fresh, files):
    for kind in AUTOMATIC.values():
        assert fresh.error("init", slot=[wc.slot(kind, **material(kind))], key=key(1)) == "policy"
    file = keep_slots(files[0], fresh.key, 1, list(AUTOMATIC))
    with fresh.connect(person=None) as c:
        for rekey in (False, True):
            c.send_file(file)
            assert c.error("restore", slot=2, key=key(2), replace=False, rekey=rekey) == "person"
        c.send_file(files[0])
        assert c.error("restore", slot=2, key=key(2), replace=False, rekey=True) == "person"
        assert c.call("hello")["state"] == "none"
        c.send_file(files[0])
        assert c.call("restore", slot=1, key=fresh.key, replace=False, rekey=False)["slots"] == 6
