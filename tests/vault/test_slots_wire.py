"""The slots of an open vault and its key, over the wire (docs/PROTOCOL.md): made,
listed, removed, replaced, and another vault key for those that stay.

What is on the disk afterwards is read by the independent reader."""
import os
import resource
import struct

import pytest

import canary
import vault_reader as reader
import wire_client as wc
from wire_client import Broker, in_child, mark
from wire_keys import give_host_key, key, keyfile

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
KINDS = ("passphrase", "keyring", "keyfile", "credential", "tpm2", "recovery")


@pytest.fixture(scope="module")
def shared():
    """For what leaves the vault as it is: slots 1 (of init) and 2 (key 2)."""
    with Broker() as b:
        b.init()
        b.put("zai", TOKEN)
        b.add_slot(key(2))
        b.public = give_host_key(b)
        b.id = b.call("slots")["id"]
        yield b


def ids(b):
    return [s["id"] for s in b.call("slots")["slots"]]


def events(b, *names):
    return [(e["event"], e["result"], e.get("entries")) for e in b.lines() if e["event"] in names]


def vault_key(file, slot_key, slot):
    """The key inside a slot, as the reader sees it."""
    public = reader.inspect(file)
    found = next(s for s in public["slots"] if s["id"] == slot)
    return reader.decrypt(found["wrapped"], public["id"] + found["bytes"], found["nonce"], slot_key,
                          reader.WrongKey("slot"))


def packed(*slots):
    return b"".join(struct.pack("<I", n) + slot_key for n, slot_key in slots)


# ---- adding and removing -----------------------------------------------

def test_every_kind_of_slot_opens_it(broker):
    material = {"keyfile": b"p" * 32, "tpm2": b"b" * 1024}
    for n, kind in enumerate(KINDS, 2):
        new = wc.slot(kind, label=f"a {kind}")
        if kind in material:
            new["material"] = material[kind]
        assert broker.call("slot-add", slot=[new], key=key(n), expect=n) == {
            "v": 1, "ok": True, "id": n, "generation": n + 1, "slots": n}
    told = broker.call("slots")
    assert told["next"] == 8 and told["generation"] == 8
    for s, kind in zip(told["slots"][1:], KINDS):
        costs = {"alg", "ops", "mem", "salt"} if kind == "passphrase" else set()
        assert set(s) == {"id", "kind", "label", "created"} | costs
        assert (s["kind"], s["label"]) == (kind, f"a {kind}")
        assert broker.call("slot", id=s["id"]) == {
            "v": 1, "ok": True, "kind": kind, "material": material.get(kind, b"")}
    file = broker.vault.read_bytes()
    for n in range(2, 8):
        broker.call("lock")
        assert broker.call("unlock", slot=n, key=key(n)) == {
            "v": 1, "ok": True, "entries": 1, "slots": 7}
        assert reader.open_with_key(file, key(n), n)[0]["token"] == TOKEN.encode()
    assert broker.get("zai") == TOKEN.encode()
    # what needs no key is told of a locked vault, too
    broker.call("lock")
    assert ids(broker) == list(range(1, 8)) and "next" not in broker.call("slots")
    assert broker.call("slot", id=6)["material"] == b"b" * 1024
    assert canary.scan_files(broker.root, key(3).hex()) == []
    assert events(broker, "slot-add") == [("slot-add", "granted", f"slot-{n}") for n in range(2, 8)]


def test_a_removed_slot_opens_nothing_and_its_id_does_not_come_back(broker):
    for n in (2, 3):
        assert broker.add_slot(key(n)) == n
    assert broker.call("slot-rm", id=2) == {"v": 1, "ok": True, "generation": 5, "slots": 2}
    assert broker.add_slot(key(4)) == 4 and ids(broker) == [1, 3, 4]
    assert broker.call("slot-rm", id=4)["slots"] == 2
    broker.call("lock")
    assert broker.error("unlock", slot=2, key=key(2)) == "no-entry"
    broker.call("unlock", slot=3, key=key(3))
    assert broker.call("slots")["next"] == 5
    broker.call("slot-rm", id=1)
    assert broker.error("slot-rm", id=3) == "policy"
    assert ids(broker) == [3]
    assert events(broker, "slot-rm")[-2:] == [("slot-rm", "granted", "slot-3"), ("slot-rm", "policy", None)]


def test_the_last_slot_that_shows_a_person_stays(broker):
    broker.add_slot(key(2), "keyring")
    broker.add_slot(key(3), "tpm2", slot=[wc.slot("tpm2", material=b"m")])
    before = broker.vault.read_bytes()
    assert broker.error("slot-rm", id=1) == "policy"
    assert broker.error("slot-replace", id=1, slot=[wc.slot("keyring")], key=key(4), expect=4) == "policy"
    assert broker.error("rekey", keys=packed((2, key(2)), (3, key(3)))) == "policy"
    assert broker.vault.read_bytes() == before and ids(broker) == [1, 2, 3]
    # in memory too: what is written next still has it
    assert broker.put("more", "12345678")["generation"] == reader.inspect(before)["generation"] + 1
    assert [s["id"] for s in reader.inspect(broker.vault.read_bytes())["slots"]] == [1, 2, 3]
    new = broker.add_slot(key(5))
    assert broker.call("slot-rm", id=1)["slots"] == 3
    broker.person = wc.Person(new, key(5))
    assert broker.error("slot-rm", id=new) == "policy"


def test_a_slot_in_the_place_of_another(broker):
    broker.add_slot(key(2))
    assert broker.call("slot-replace", id=1, slot=[wc.slot(label="another")], key=key(3), expect=3) == {
        "v": 1, "ok": True, "id": 3, "generation": 4}
    assert ids(broker) == [3, 2]
    broker.call("lock")
    assert broker.error("unlock", slot=1, key=broker.key) == "no-entry"
    broker.call("unlock", slot=3, key=key(3))
    assert broker.get("zai") == TOKEN.encode()
    assert events(broker, "slot-replace") == [("slot-replace", "granted", "slot-1")]


def test_two_who_add_a_slot_do_not_get_one_number(broker):
    first = {"slot": [wc.slot("keyring")], "key": key(2), "expect": 2}
    broker.call("slot-add", **first)
    assert broker.error("slot-add", **first) == "changed"
    assert broker.error("slot-replace", **dict(first, id=1)) == "changed"
    assert ids(broker) == [1, 2]


def test_sixty_four_slots(broker):
    for n in range(2, wc.SLOTS_MAX + 1):
        assert broker.add_slot(key(n), slot=[wc.slot(label="l" * 64)]) == n
    assert broker.error("slot-add", slot=[wc.slot()], key=key(65), expect=65) == "too-large"
    assert len(ids(broker)) == wc.SLOTS_MAX
    # all of them can be kept
    kept = [(1, broker.key)] + [(n, key(n)) for n in range(2, wc.SLOTS_MAX + 1)]
    assert broker.call("rekey", keys=packed(*kept))["slots"] == wc.SLOTS_MAX
    assert broker.error("rekey", keys=packed(*kept, (65, key(65)))) == "bad-value"
    broker.call("lock")
    broker.call("unlock", slot=64, key=key(64))


# ---- another vault key -------------------------------------------------

def test_rekey_loses_no_slot_that_came_meanwhile(broker):
    broker.add_slot(key(2))
    before = broker.vault.read_bytes()
    for expect in (1, 2, 4, 9):
        assert broker.error("rekey", keys=packed((1, broker.key)), expect=expect) == "changed"
    assert broker.vault.read_bytes() == before
    assert broker.call("rekey", keys=packed((1, broker.key), (2, key(2))), expect=3)["slots"] == 2


def test_rekey(broker):
    for n in (2, 3, 4):
        broker.add_slot(key(n))
    old = broker.vault.read_bytes()
    assert broker.call("rekey", keys=packed((1, broker.key), (3, key(33))), expect=5) == {
        "v": 1, "ok": True, "generation": 7, "slots": 2}
    new, prev = broker.vault.read_bytes(), (broker.data / "vault.prev").read_bytes()
    before, after = vault_key(old, broker.key, 1), vault_key(new, broker.key, 1)
    assert before != after == vault_key(prev, broker.key, 1) == vault_key(new, key(33), 3)
    for file, generation in ((prev, 6), (new, 7)):
        public = reader.inspect(file)
        assert (public["generation"], [s["id"] for s in public["slots"]]) == (generation, [1, 3])
        assert public["id"] == reader.inspect(old)["id"]
        with pytest.raises(reader.WrongKey):
            vault_key(file, key(3), 3)
    assert broker.get("zai") == TOKEN.encode()
    broker.call("lock")
    assert broker.error("unlock", slot=3, key=key(3)) == "wrong-key"
    assert broker.error("unlock", slot=2, key=key(2)) == "no-entry"
    broker.call("unlock", slot=3, key=key(33))
    assert broker.add_slot(key(5)) == 5
    assert [e[:2] for e in events(broker, "rekey")] == [("rekey", "granted")]


# ---- a file that somebody else wrote to --------------------------------

def write_into(file, old, new):
    """In place, as whoever runs as the user can: with its checksum, and not to be told by its time."""
    was = file.stat()
    data = bytearray(file.read_bytes())
    assert data.count(old) == 1 and len(old) == len(new)
    at = data.index(old)
    data[at:at + len(old)] = new
    data[-32:] = reader.blake2b(bytes(data[:-32]))
    with open(file, "r+b") as f:
        f.write(data)
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_an_open_vaults_slots_are_not_what_its_file_says(broker):
    """ccctl rekey makes a slot's new key and seals it to the host that the slot names: one that was
    written into the file would get a key that opens the vault."""
    owners, thiefs = b"o" * 32, b"t" * 32
    broker.add_slot(key(2), "keyfile", slot=[wc.slot("keyfile", label="server", material=owners)])
    told, salt = broker.call("slots"), broker.call("slots")["slots"][0]["salt"]
    write_into(broker.vault, owners, thiefs)
    write_into(broker.vault, b"server", b"thiefs")
    write_into(broker.vault, salt, bytes(16))
    assert broker.call("slot", id=2)["material"] == owners
    assert broker.call("slots") == told
    # and the next change writes what the vault has
    broker.call("rekey", keys=packed((1, broker.key), (2, key(22))), expect=3)
    found = reader.inspect(broker.vault.read_bytes())["slots"]
    assert found[1]["material"] == owners
    # a locked one's is the file's: nobody has the key that tells them apart
    broker.call("lock")
    write_into(broker.vault, owners, thiefs)
    assert broker.call("slot", id=2)["material"] == thiefs
    assert broker.error("unlock", slot=2, key=key(22)) == "wrong-key"


# ---- errors ------------------------------------------------------------

ADD = {"slot": [wc.slot("recovery")], "key": key(3), "expect": 3}
ERRORS = [
    ("slot", {}, "wrong-type"),
    ("slot", {"id": "1"}, "wrong-type"),
    ("slot", {"id": 3}, "no-entry"),
    ("slot", {"id": 0}, "no-entry"),
    ("slot", {"id": 2**33 + 1}, "no-entry"),
    ("slot-add", {}, "wrong-type"),
    ("slot-add", dict(ADD, slot=wc.slot()), "wrong-type"),
    ("slot-add", dict(ADD, slot=[]), "wrong-type"),
    ("slot-add", dict(ADD, slot=[wc.slot("unknown")]), "bad-value"),
    ("slot-add", dict(ADD, slot=[wc.slot("k" * 32)]), "too-large"),
    ("slot-add", dict(ADD, slot=[wc.slot("recovery", label="l" * 65)]), "too-large"),
    ("slot-add", dict(ADD, slot=[wc.slot("recovery", label="ü")]), "bad-value"),
    ("slot-add", dict(ADD, slot=[wc.slot("recovery", label="a\nb")]), "bad-value"),
    ("slot-add", dict(ADD, slot=[{"kind": "recovery"}]), "wrong-type"),
    ("slot-add", dict(ADD, slot=[{"kind": "passphrase", "label": ""}]), "wrong-type"),
    ("slot-add", dict(ADD, slot=[wc.slot(mem=1 << 20)]), "kdf-bounds"),
    ("slot-add", dict(ADD, slot=[wc.slot(ops=17)]), "kdf-bounds"),
    ("slot-add", dict(ADD, slot=[wc.slot(alg=2**32 + 2)]), "bad-value"),
    ("slot-add", dict(ADD, slot=[wc.slot("recovery", material=b"m")]), "bad-value"),
    ("slot-add", dict(ADD, slot=[wc.slot(material=b"m")]), "bad-value"),
    ("slot-add", dict(ADD, slot=[wc.slot("tpm2", material=b"m" * 1025)]), "too-large"),
    ("slot-add", dict(ADD, slot=[wc.slot("tpm2", material="m")]), "wrong-type"),
    ("slot-add", dict(ADD, key=b"k" * 33), "bad-value"),
    ("slot-add", dict(ADD, key="k" * 32), "wrong-type"),
    ("slot-add", dict(ADD, expect="3"), "wrong-type"),
    ("slot-add", {k: v for k, v in ADD.items() if k != "expect"}, "wrong-type"),
    ("slot-add", dict(ADD, expect=2), "changed"),
    ("slot-add", dict(ADD, expect=2**32 + 3), "no-entry"),
    ("slot-add", dict(ADD, keyfile="k"), "wrong-type"),
    ("slot-add", dict(ADD, keyfile=b""), "truncated"),
    ("slot-add", dict(ADD, keyfile=b"k" * 174), "damaged"),
    ("slot-rm", {}, "wrong-type"),
    ("slot-rm", {"id": -1}, "wrong-type"),
    ("slot-rm", {"id": 3}, "no-entry"),
    ("slot-replace", dict(ADD, id=3), "no-entry"),
    ("slot-replace", dict(ADD, id="2"), "wrong-type"),
    ("slot-replace", dict(ADD, id=2, expect=2), "changed"),
    ("slot-replace", dict(ADD, id=2, key=b""), "bad-value"),
    ("slot-replace", dict(ADD, id=2, slot=[wc.slot(ops=0)]), "kdf-bounds"),
    ("rekey", {}, "wrong-type"),
    ("rekey", {"keys": "k" * 36}, "wrong-type"),
    ("rekey", {"keys": b""}, "bad-value"),
    ("rekey", {"keys": b"k" * 35}, "bad-value"),
    ("rekey", {"keys": packed((2, key(2)), (2, key(2)))}, "bad-value"),
    ("rekey", {"keys": packed((3, key(3)))}, "no-entry"),
    ("rekey", {"keys": packed((1, key(1)), (2, key(2)), (3, key(3)))}, "bad-value"),
    ("rekey", {"keys": packed(*[(n, key(n)) for n in range(1, 66)])}, "bad-value"),
    ("rekey", {"keys": packed((2, key(2))), "keyfile": b"k" * 174}, "damaged"),
    ("keyfile", {}, "wrong-type"),
    ("keyfile", {"keyfile": "k"}, "wrong-type"),
]


@pytest.mark.parametrize("op,fields,error", ERRORS)
def test_an_error_has_its_name_and_costs_nothing(shared, op, fields, error):
    before = {p.name: p.read_bytes() for p in shared.data.iterdir()}
    told = shared.call("slots")
    with shared.connect() as c:
        assert c.error(op, **fields) == error
        assert c.call("hello")["state"] == "unlocked"
        # the number that the next slot gets may be used up by a failure, no more
        now = c.call("slots")
    assert (now["slots"], now["generation"]) == (told["slots"], told["generation"])
    assert {p.name: p.read_bytes() for p in shared.data.iterdir()} == before
    if op not in ("slot",):
        assert (shared.lines()[-1]["event"], shared.lines()[-1]["result"]) == (op, error)


def test_a_keyfile_of_another_vault_or_slot_is_no_part_of_a_change(shared):
    before = {p.name: p.read_bytes() for p in shared.data.iterdir()}
    wrong = [keyfile(b"x" * 16, 3, key(3), shared.public), keyfile(shared.id, 2, key(3), shared.public)]
    for file in wrong:
        assert shared.error("slot-add", **dict(ADD, keyfile=file)) == "bad-value"
    wrong[1] = keyfile(shared.id, 1, key(3), shared.public)
    for file in wrong:
        assert shared.error("rekey", keys=packed((2, key(2))), keyfile=file) == "bad-value"
    assert shared.error("slot-add", **dict(ADD, keyfile=keyfile(shared.id, 3, key(3), shared.public, 2))) == "newer"
    assert {p.name: p.read_bytes() for p in shared.data.iterdir()} == before
    assert shared.call("slots")["next"] == 3


def test_a_full_disk_changes_no_slot_and_no_keyfile(broker):
    public, vault = give_host_key(broker), broker.call("slots")["id"]
    broker.put("big", "b" * 16000)
    broker.add_slot(key(2), "keyfile", keyfile=keyfile(vault, 2, key(2), public))
    broker.stop()
    broker.setup = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (12000, 12000))
    broker.start()
    assert broker.call("hello")["state"] == "unlocked"

    def kept():
        """The record goes on, and its checkpoint with it."""
        return {p.name: p.read_bytes() for p in broker.data.iterdir() if p.name != "record.checkpoint"}
    before = kept()
    new = keyfile(vault, 3, key(3), public)
    assert broker.error("slot-add", **dict(ADD, keyfile=new)) == "system"
    assert broker.error("slot-rm", id=2) == "system"
    assert broker.error("slot-replace", id=2, slot=[wc.slot()], key=key(4),
                        expect=broker.call("slots")["next"]) == "system"
    assert broker.error("rekey", keys=packed((1, broker.key), (2, key(2))),
                        keyfile=keyfile(vault, 2, key(2), public)) == "system"
    assert ids(broker) == [1, 2]
    assert kept() == before
    broker.call("lock")
    assert broker.call("reopen")["kind"] == "keyfile"


def test_marked_processes_change_no_slot(shared):
    def ask():
        mark()
        return [shared.error(op, **fields) for op, fields in (
            ("slots", {}), ("slot", {"id": 1}), ("slot-add", ADD), ("slot-rm", {"id": 2}),
            ("slot-replace", dict(ADD, id=2)), ("rekey", {"keys": packed((2, key(2)))}),
            ("host", {}), ("keyfile", {"keyfile": b""}), ("reopen", {}))]
    assert in_child(ask) == ["marked"] * 9
    assert ids(shared) == [1, 2]
