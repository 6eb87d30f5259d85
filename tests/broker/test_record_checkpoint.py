"""The record's checkpoint: what was cut, removed, replaced or put back shows at the next
unlock; a broker that was killed is no tampering; what is durable is on the disk first."""
import hashlib
import json
import os
import re
import signal
import time

import pytest

import record_schema
import vault_reader as reader
import wire_client as wc
from wire_client import Broker


@pytest.fixture
def b():
    with Broker() as broker:
        broker.init()
        broker.put("zai", "token-of-a-test-0123")
        yield broker


def checkpoint(b):
    return b.vault.parent / "record.checkpoint"


def read_checkpoint(b):
    """As docs/VAULT.md has it: the fields, authenticated with the vault's key."""
    text = checkpoint(b).read_bytes()
    body, _, mac = text.rstrip(b"\n").rpartition(b" ")
    key = hashlib.blake2b(b"ccrun record checkpoint 1\0", digest_size=32,
                          key=reader.open_vault(b.vault.read_bytes(), b.key)["vault_key"]).digest()
    assert hashlib.blake2b(body, digest_size=32, key=key).hexdigest().encode() == mac
    magic, vault, generation, seq, line, at = body.decode().split(" ")
    assert magic == "ccrun-checkpoint-1" and abs(int(at) - time.time()) < 600
    assert vault == reader.inspect(b.vault.read_bytes())["id"].hex()
    return int(generation), int(seq), line


def lines(b):
    return [json.loads(line) for line in b.record.read_text().splitlines()]


def found(b):
    return [(e["event"], e["result"], e.get("missing"), e["why"]) for e in lines(b)
            if e["event"] in ("log-cut", "vault-old")]


def news(b):
    return b.call("status").get("record")


def again(b):
    b.start()
    b.unlock()


def keep(b, *paths):
    return {p: p.read_bytes() for p in paths}


def put_back(kept):
    for p, data in kept.items():
        p.write_bytes(data)


def test_it_is_written_with_the_vault_and_at_the_end(b):
    generation, seq, line = read_checkpoint(b)
    assert generation == reader.inspect(b.vault.read_bytes())["generation"]
    assert (seq, line) == (lines(b)[-1]["seq"], lines(b)[-1]["hash"])
    assert os.stat(checkpoint(b)).st_mode & 0o7777 == 0o600
    b.call("get", name="zai")
    b.call("lock")
    generation, seq, line = read_checkpoint(b)
    assert [lines(b)[-1][k] for k in ("event", "seq", "hash")] == ["lock", seq, line]
    # Use times are written at the lock, and the checkpoint is never behind the vault's file.
    assert generation == reader.inspect(b.vault.read_bytes())["generation"]
    b.unlock()
    b.call("get", name="zai")
    b.stop()
    _, seq, line = read_checkpoint(b)
    assert [lines(b)[-1][k] for k in ("event", "seq", "hash")] == ["stop", seq, line]
    again(b)
    assert found(b) == [] and news(b) is None


def test_it_is_not_written_for_each_line(b):
    before = os.stat(checkpoint(b)).st_ino
    for _ in range(50):
        b.call("get", name="zai")
    time.sleep(1.2)  # two sweeps
    assert os.stat(checkpoint(b)).st_ino == before


def test_it_is_written_a_minute_after_a_line(b):
    def advance(seconds):
        new = b.record.parent / "clock.new"
        new.write_text(str(seconds * 1000))
        new.rename(new.with_name("clock"))
        time.sleep(1.2)  # two sweeps
        return os.stat(checkpoint(b)).st_ino

    before = advance(0)
    b.call("get", name="zai")
    assert advance(0) == advance(50) == before
    assert advance(70) != before
    assert read_checkpoint(b)[1] == lines(b)[-1]["seq"]
    before = os.stat(checkpoint(b)).st_ino
    assert advance(7200) == before, "nothing is written where nothing is new"


def test_nothing_new_writes_nothing(b):
    b.call("lock")
    before = os.stat(checkpoint(b))
    b.call("hello")
    b.stop()
    # Locked: there is no key to make one with.
    assert os.stat(checkpoint(b)).st_ino == before.st_ino


def test_a_cut_tail(b):
    for _ in range(5):
        b.call("get", name="zai")
    b.stop()
    text = b.record.read_bytes().splitlines(keepends=True)
    b.record.write_bytes(b"".join(text[:-4]))
    again(b)
    [(event, result, missing, why)] = found(b)
    assert (event, result, missing) == ("log-cut", "found", 4) and "the last 4 lines" in why
    assert news(b) == why
    # Once: the log as it is now is what the next checkpoint is of.
    b.call("lock")
    b.unlock()
    b.stop()
    again(b)
    assert len(found(b)) == 1 and news(b) is None
    b.lines()


def test_a_torn_last_line_is_one_that_is_missing(b):
    b.call("get", name="zai")
    b.stop()
    os.truncate(b.record, b.record.stat().st_size - 20)
    again(b)
    assert [f[2] for f in found(b)] == [1]


def test_a_log_that_is_gone(b):
    b.stop()
    n = lines(b)[-1]["seq"]
    b.record.unlink()
    again(b)
    [(_, result, missing, why)] = found(b)
    assert (result, missing) == ("found", n) and "the log is missing" in why
    assert b.lines()[0]["seq"] == 1


def chained(first, last, before="0" * 64, why="w"):
    """Lines whose chain holds."""
    out = []
    for seq in range(first, last + 1):
        text = b'{"seq":%d,"time":"2026-01-01T00:00:00.000Z","event":"get","result":"locked","why":"%s"' % (
            seq, why.encode())
        before = hashlib.blake2b(before.encode() + text, digest_size=32).hexdigest()
        out.append(text + b',"hash":"' + before.encode() + b'"}\n')
    return b"".join(out)


@pytest.mark.parametrize("more", [-3, 0, 7])
def test_another_log_in_its_place(b, more):
    b.stop()
    n = lines(b)[-1]["seq"]
    b.record.write_bytes(chained(1, n + more))
    again(b)
    b.lines()  # its chain holds
    [(_, result, missing, why)] = found(b)
    assert (result, missing) == ("found", 3 if more < 0 else None)
    assert more < 0 or "another log" in why


def test_the_checkpoint_is_gone(b):
    b.stop()
    checkpoint(b).unlink()
    b.record.unlink()
    again(b)
    [(event, result, _, why)] = found(b)
    assert (event, result) == ("log-cut", "unknown") and news(b) == why
    # Its version could be that of a vault from before there were any.
    assert "has no checkpoint yet, as after an upgrade" in why and why.endswith("or it was removed")
    read_checkpoint(b)
    # Once.
    b.stop()
    again(b)
    assert len(found(b)) == 1 and news(b) is None


def version(b):
    return int.from_bytes(b.vault.read_bytes()[8:10], "little")


@pytest.mark.parametrize("written", ["durable", "image"])
def test_no_upgrade_is_named_where_there_was_one(b, written):
    """The vault's own file says that it was kept with a checkpoint."""
    if written == "durable":
        b.call("set", durable=True)
    else:
        image = {"name": "claude", "path": "/home/u/claude", "file": "/home/u/claude", "owner": 1000,
                 "identity": "66:1:2:3.4", "digest": "1" * 64}
        with b.connect() as c:
            c.open(roots="", image=[image])
    b.call("lock")
    assert version(b) == {"durable": 4, "image": 5}[written]
    b.stop()
    checkpoint(b).unlink()
    again(b)
    [(event, result, _, why)] = found(b)
    assert (event, result) == ("log-cut", "unknown") and news(b) == why
    assert "checkpoint is gone" in why and "upgrade" not in why and "removed" in why
    read_checkpoint(b)


def test_its_version_is_not_to_be_changed_without_the_key(b):
    """Or who removes the checkpoint would make the vault one from before."""
    b.call("set", durable=True)
    b.stop()
    data = bytearray(b.vault.read_bytes())
    data[8] = 2
    b.vault.write_bytes(data[:-32] + hashlib.blake2b(data[:-32], digest_size=32).digest())
    b.start()
    with pytest.raises(wc.Refused, match="damaged"):
        b.unlock()


@pytest.mark.parametrize("change", [
    lambda t: t.replace(b" 2 ", b" 9 ", 1), lambda t: t[:-2] + b"0\n", lambda t: t[:-1], lambda t: b"",
    lambda t: t + t, lambda t: b"x" * 5000, lambda t: t.replace(b"checkpoint-1", b"checkpoint-2")])
def test_a_forged_checkpoint(b, change):
    b.stop()
    text = checkpoint(b).read_bytes()
    changed = change(text)
    if changed == text:
        changed = text.replace(text[-3:-2], b"1" if text[-3:-2] == b"0" else b"0")
    checkpoint(b).write_bytes(changed)
    again(b)
    assert [f[:2] for f in found(b)] == [("log-cut", "unknown")]


def test_log_and_checkpoint_put_back_together(b):
    """An older pair is whole and authentic; but the vault has gone on since."""
    b.call("lock")
    b.stop()
    old = keep(b, b.record, checkpoint(b))
    again(b)
    b.put("other", "token-of-a-test-0123")
    b.stop()
    put_back(old)
    again(b)
    b.lines()
    [(_, result, _, why)] = found(b)
    assert result == "found" and "checkpoint is an old one" in why


def test_all_three_put_back_together(b):
    """What docs/DEFENCES.md says of it: nothing shows, as with a copy of the whole home."""
    b.stop()
    old = keep(b, b.record, checkpoint(b), b.vault)
    again(b)
    b.put("other", "token-of-a-test-0123")
    b.stop()
    put_back(old)
    again(b)
    assert found(b) == []


def test_an_older_vault_shows(b):
    b.stop()
    old = keep(b, b.vault)
    again(b)
    for n in range(3):
        b.put(f"other{n}", "token-of-a-test-0123")
    b.stop()
    put_back(old)
    again(b)
    assert [f[:2] for f in found(b)] == [("vault-old", "found")]


def kill(b):
    os.kill(b.call("status")["pid"], signal.SIGKILL)
    b.stop(check=False)


@pytest.mark.parametrize("how", ["lines", "change", "locked", "nothing"])
def test_a_killed_broker_is_no_tampering(b, how):
    for _ in range(5):
        if how == "lines":
            b.call("get", name="zai")
        elif how == "change":
            b.put("zai", "token-of-a-test-4567", replace=True)
        elif how == "locked":
            b.call("lock")
            b.error("unlock", slot=1, key=bytes(32))
        kill(b)
        again(b)
        assert found(b) == []
    b.lines()


def test_killed_while_it_writes(b):
    """At any instant: the checkpoint may announce a vault that was not written, never the
    other way round."""
    for delay in range(12):
        child = os.fork()
        if child == 0:
            try:
                for n in range(1000):
                    b.put("zai", f"token-of-a-test-{n:04}", replace=True)
            finally:
                os._exit(0)
        time.sleep(0.01 * delay)
        kill(b)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        again(b)
        assert found(b) == [], delay


def test_a_new_vault_key(b):
    b.call("rekey", keys=(1).to_bytes(4, "little") + bytes(range(32)))
    b.key = bytes(range(32))
    read_checkpoint(b)
    b.stop()
    again(b)
    assert found(b) == []


def test_cut_while_it_runs(b):
    """It shows with the next line, before anything else happens."""
    os.truncate(b.record, 0)
    b.call("get", name="zai")
    assert [(e["event"], e["result"]) for e in lines(b)] == [("log-cut", "found"), ("person", "asked"),
                                                             ("get", "granted")]
    assert "bytes shorter" in news(b)
    b.record.unlink()
    b.call("get", name="zai")
    assert [e["event"] for e in lines(b)] == ["log-cut", "person", "get"] and "was removed" in news(b)


def test_edited_while_it_was_locked(b):
    for _ in range(3):
        b.call("get", name="zai")
    b.call("lock")
    text = b.record.read_bytes()
    fd = os.open(b.record, os.O_WRONLY)
    last = text.rindex(b'"hash":"')
    os.pwrite(fd, b"0" * 64, last + 8)
    os.close(fd)
    b.unlock()
    assert [f[1] for f in found(b)] == ["found"] and "not the one that was there" in news(b)


def test_a_rotated_log(b):
    """The line of the checkpoint is in the older part, which is then taken away."""
    b.stop()
    n, line = read_checkpoint(b)[1:]
    with open(b.record, "ab") as f:
        f.write(chained(n + 1, n + 20000, line, "x" * 400))
    assert b.record.stat().st_size > 8 << 20
    old = b.record.parent / "record.1.jsonl"
    b.start()
    assert old.exists() and read_checkpoint(b)[1] == n < lines(b)[0]["seq"]
    b.unlock()
    assert found(b) == []
    b.call("lock")
    b.stop()
    again(b)
    assert found(b) == []
    kill(b)
    # An older checkpoint would be of a line that nobody has any more.
    b.record.unlink()
    n = read_checkpoint(b)[1]
    b.start()
    b.unlock()
    [(_, result, missing, _)] = found(b)
    assert result == "found" and missing > 0 and lines(b)[0]["seq"] == n - missing + 1


# ---- what a line may be ----

def test_every_documented_event_is_known():
    """And none that is not: the schema, by which every line is checked, is the document's."""
    text = (wc.REPO / "docs/PROTOCOL.md").read_text()
    events = text[text.index("\nEvents are those of the table"):text.index("\n`entries` has the names")]
    told = {name for row in re.findall(r"^\| (`.*?`) \|", events, re.M) for name in re.findall(r"`([a-z-]+)`", row.partition(" with ")[0])}
    table = text[text.index("| op | open vault | changes |"):text.index("\nA refusal that comes from the record itself")]
    asked = {name for row in table.splitlines()[2:] for name in re.findall(r"`([a-z-]+)`", row.split("|")[6])}
    assert told | asked - record_schema.OPS <= set(record_schema.RESULTS) | asked
    assert set(record_schema.RESULTS) <= told | asked


def test_text_stays_readable(b):
    with b.connect(person=None) as c:
        reply = c.ask("open", **wc.open_fields("zai", provider="gr\u00fc\u00dfe \U0001f680\u202e\u2028", origin="o"))
    assert reply["error"] == "origin"
    raw = b.record.read_bytes().splitlines()[-1]
    assert "gr\u00fc\u00dfe \U0001f680\\u202e\\u2028".encode() in raw
    assert b.lines()[-1]["provider"] == "gr\u00fc\u00dfe \U0001f680\u202e\u2028"


# ---- durable ----

@pytest.mark.parametrize("durable", [False, True])
def test_what_was_answered_is_on_record(b, durable):
    """After SIGKILL every line that was answered is there (that a durable one is synced, and
    what happens when it cannot be: test_record.c)."""
    b.call("set", durable=durable)
    for _ in range(20):
        b.call("get", name="zai")
        kill(b)
        assert lines(b)[-1]["event"] == "get"
        again(b)
        assert b.call("settings")["durable"] is durable
