"""What a broker does to files, as operations that can be repeated on a copy of a world, and
what must be true of the world that is left when one of them was broken off."""
import hashlib
import json
import shutil
import signal
from dataclasses import dataclass, field
from functools import cache
from typing import Callable

import wire_client as wc
from client import until
from relay_broker import Provider
from relayed import Session, sealed
from traced import room
from wire_keys import give_host_key, keyfile

KEPT = "sk-torture-kept-0123456789abcdef"
FRESH = "sk-torture-fresh-0123456789abcdef"
NEW_KEY = hashlib.blake2b(b"another wrapping key", digest_size=32).digest()
RECOVERY = hashlib.blake2b(b"a recovery key", digest_size=32).digest()
SECRETS = (KEPT.encode(), FRESH.encode())

# What may lie beside the vault, and beside the record.
DATA = {"vault", "vault.prev", "vault.lock", "vault.replaced", "keyfile", "spending", "record.checkpoint", "host.key",
        "host.pub"}
STATE = {"record.jsonl", "record.1.jsonl", "run"}  # run: sockets, where XDG_RUNTIME_DIR cannot be used


@dataclass
class Operation:
    """do(broker), on a world that begin(broker) made; unlocked: the vault is open then."""
    name: str
    do: Callable
    begin: Callable = lambda b: None
    vault: bool = True
    unlocked: bool = True
    keys: list = field(default_factory=list)  # that may open slot 1 afterwards, besides the first


def replace_slot(b):
    b.call("slot-replace", id=1, slot=[wc.slot(label="new")], key=NEW_KEY, expect=b.call("slots")["next"])


def rekey(b):
    keys = b"".join(n.to_bytes(4, "little") + key for n, key in ((1, b.key), (2, RECOVERY)))
    b.call("rekey", keys=keys)


def restore(b):
    with b.connect() as c:
        c.send_file((b.root / "backup").read_bytes())
        c.call("restore", slot=1, key=b.key, replace=True, rekey=False)


def backup_made(b):
    with b.connect() as c:
        data = c.fetch("backup", slot=[wc.slot(label="backup")], key=b.key)
    (b.root / "backup").write_bytes(data)
    b.put("later", FRESH)


def keyfile_beside(b):
    """The vault opens at the broker's start."""
    slots = b.call("slots")
    b.add_slot(NEW_KEY, "keyfile", keyfile=keyfile(slots["id"], slots["next"], NEW_KEY, give_host_key(b)))


def retire(b):
    b.call("retire", generation=b.call("slots")["generation"])


def moved_away(b):
    """The vault is elsewhere, where it was changed; an earlier move from here was killed behind the vault."""
    checkpoint = b.data / "record.checkpoint"
    old = checkpoint.read_bytes()
    b.put("later", FRESH)
    with b.connect() as c:
        data = c.fetch("export")
    (b.root / "moved").write_bytes(data)
    retire(b)
    checkpoint.write_bytes(old)
    checkpoint.chmod(0o600)


def arrive(b):
    with b.connect() as c:
        c.send_file((b.root / "moved").read_bytes())
        c.call("restore", slot=1, key=b.key, replace=False, rekey=False)


@cache
def provider():
    """One for all, so that its address stays."""
    return Provider()


def limited(b):
    sealed(b, provider(), "metered")
    b.call("limit-set", name="metered", limit="100/day")


def ask(b):
    """A relay's session asks once, which is counted."""
    def child():
        with Session(b, provider(), "metered") as s:
            return s.post().status
    assert wc.in_child(child, timeout=30) == 200
    until(lambda: b.call("spent", **{"from": 0})["rows"] and b.call("status")["sessions"] == 0, what="numbers")


OPERATIONS = [  # "start" is a broker's start, and the unlock
    Operation("init", lambda b: b.init(), vault=False, unlocked=False),
    Operation("start", lambda b: None, unlocked=False),
    Operation("unlock", lambda b: b.unlock(), unlocked=False),
    Operation("put", lambda b: b.put("fresh", FRESH)),
    Operation("put-replace", lambda b: b.put("kept", FRESH, replace=True)),
    Operation("rm", lambda b: b.call("rm", name="kept")),
    Operation("rename", lambda b: b.call("rename", name="kept", to="moved")),
    Operation("approve", lambda b: b.call("approve", name="kept", origin="bearer https://other.example.test",
                                          variable=wc.VARIABLE, policy=wc.POLICY)),
    Operation("set", lambda b: b.call("set", idle=90, screen=False)),
    Operation("get", lambda b: b.get("kept")),
    Operation("lock", lambda b: b.call("lock")),
    Operation("slot-add", lambda b: b.add_slot(NEW_KEY)),
    Operation("slot-rm", lambda b: b.call("slot-rm", id=2)),
    Operation("slot-replace", replace_slot, keys=[NEW_KEY]),
    Operation("rekey", rekey),
    Operation("limit-set", lambda b: b.call("limit-set", name="kept", limit="5/day")),
    Operation("restore", restore, begin=backup_made),
    Operation("retire", retire, begin=keyfile_beside),
    Operation("arrive", arrive, begin=moved_away, unlocked=False),
    Operation("metered", ask, begin=limited),
]


def operation(name):
    return next(o for o in OPERATIONS if o.name == name)


def make_world(op):
    """A directory with what the operation begins with."""
    where = room("ccp-")
    b = wc.Broker(where)  # makes the directories of a home
    if not op.vault:
        return where
    with b:
        b.init()
        b.add_slot(RECOVERY)
        b.put("kept", KEPT)
        op.begin(b)
        b.stop()
    return where


def copy_world(world, where=None):
    """A copy that a broker can start in."""
    copy = where or room("ccp-")
    shutil.rmtree(copy)
    shutil.copytree(world, copy, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    return copy


# ---- what is there afterwards ------------------------------------------

def unlock_any(b, op):
    """With whichever slot and key it has now."""
    for slot in b.call("slots")["slots"]:
        for key in (b.key, *op.keys):
            with b.connect(person=None) as c:
                if c.ask("unlock", slot=slot["id"], key=key)["ok"]:
                    b.person = wc.Person(slot["id"], key)
                    return
    raise AssertionError("the vault does not open with the old key nor with the new one")


def state_of(b):
    """What people have in the vault; None: there is none."""
    if b.call("hello")["state"] == "none":
        return None
    plain = ("name", "origin", "variable", "policy")
    entries = [{k: e[k] for k in plain} | {"token": b.get(e["name"]).decode()}
               for e in b.call("list", after="")["entries"]]
    settings = {k: v for k, v in b.call("settings").items() if k not in ("v", "ok", "generation")}
    slots = [(s["id"], s["kind"], s["label"]) for s in b.call("slots")["slots"]]
    limits = [b.call("limit", name=e["name"]).get("limit") for e in entries]
    return json.loads(json.dumps([entries, settings, slots, limits], default=str))


def litter(b):
    """Files that have no business there any more."""
    def beside(directory, known):
        return {p.name for p in directory.iterdir()} - known if directory.is_dir() else set()
    return beside(b.data, DATA) | beside(b.record.parent, STATE)


def secrets_in(where):
    """Files of the world with a key in the clear."""
    return [str(p) for p in where.rglob("*") if p.is_file() and any(s in p.read_bytes() for s in SECRETS)]


def look(where, op, done=False, unread=False):
    """Start a broker on what is there: (state, what is wrong).  done: the operation was
    acknowledged; unread: it may have found a file that could not be read."""
    wrong = []
    found = secrets_in(where)
    if found:
        wrong.append(f"a key in the clear: {found}")
    b = wc.Broker(where)
    try:
        b.start()
        if b.call("hello")["state"] != "none":
            unlock_any(b, op)
        state = state_of(b)
        cuts = [e for e in b.lines() if e["event"] in ("log-cut", "vault-old") ]
        if unread:
            cuts = [e for e in cuts if "cannot be read" not in e["why"]]
        if cuts:
            wrong.append(f"the record: {cuts}")
        if state is None and any((b.data / name).exists() for name in ("keyfile", "keyfile.next")):
            wrong.append("a key of a vault that is elsewhere")
        if litter(b):
            wrong.append(f"left behind: {sorted(litter(b))}")
        if done and op.name == "metered" and not b.call("spent", **{"from": 0})["rows"]:
            wrong.append("what was used is forgotten")
        b.stop()
        return state, wrong
    except (AssertionError, RuntimeError, wc.Refused, wc.Closed, OSError) as e:
        return "unusable", [*wrong, f"{type(e).__name__}: {e}"]
    finally:
        b.stop(how=signal.SIGKILL, check=False)


def expected(op, world):
    """The states before and after."""
    where = copy_world(world)
    before, wrong = look(where, op)
    assert not wrong, (op.name, wrong)
    copy_world(world, where)
    with wc.Broker(where) as b:
        if op.unlocked:
            b.unlock()
        op.do(b)
        b.stop()
    after, wrong = look(where, op, True)
    shutil.rmtree(where)
    assert not wrong, (op.name, wrong)
    return before, after
