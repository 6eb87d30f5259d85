"""What a person falls back on: the recovery code, another passphrase, another
vault key, a backup; and that a crash in the middle of any of it leaves a vault
that opens, with everything in it."""
import json
import os
import random
import resource
import signal
import subprocess
import sys

import pexpect
import pytest

from ccrun import CCCTL, PASSPHRASE, Ccrun, wants_person
from client import alive, until
from dialogue import answer, done, talk, written_down
from vault_reader import WrongKey, inspect, open_vault, open_with_passphrase

NEW = "another horse battery staple"
OTHER = "a passphrase for the backup"
NO_SUCH_CHARACTERS = "ILOU"


def talk_as_person(c, *words):
    """ccctl on a terminal, which has asked for the vault's passphrase."""
    p = talk(c, CCCTL, *words)
    answer(p, "Passphrase for your vault: ", c.passphrase)
    return p


def fds(c, argv, **kw):
    """ccctl with an option each for texts on descriptors; kw: new, old, rc.  Where a person
    is wanted it is the vault's passphrase."""
    old = kw.get("old", c.passphrase if wants_person(argv) else None)
    vault = c.passphrase if "restore" in argv and "--replace" in argv else None
    return c.with_texts(argv, {"--passphrase-fd": old, "--new-passphrase-fd": kw.get("new"),
                               "--vault-passphrase-fd": vault}, env=kw.get("env"))


def restart(c):
    pid = c.broker()
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid), what="the broker's end")


def token_of(c):
    return c.ccctl("get", "demo").out


def slots(c):
    return json.loads(c.ccctl("slot", "list", "--json").out)


def vault(c):
    return (c.data / "ccrun/vault").read_bytes()


def add_recovery(c):
    p = talk_as_person(c, "slot", "add", "recovery")
    code = written_down(p)
    p.expect("Type it back")
    p.waitnoecho()
    p.sendline(code)
    assert "slot" in done(p)
    return code


# ---- recovery ----

def test_a_recovery_code_is_typed_back_and_opens_the_vault(ready, token):
    c = ready
    p = talk_as_person(c, "slot", "add", "recovery")
    p.expect("shown once")
    code = written_down(p)
    assert not set(code) & set(NO_SUCH_CHARACTERS)
    wrong = ("1" if code[0] != "1" else "2") + code[1:]
    answer(p, "Type it back", wrong)
    p.expect("typing error: its checksum does not match")
    answer(p, "Type it back", code[:10])
    p.expect("has 30 characters, this has 9")
    answer(p, "Type it back", code.lower().replace("-", " "))
    p.expect("Right.")
    done(p)
    assert [s["kind"] for s in slots(c)] == ["passphrase", "recovery"]
    assert code not in "".join(json.dumps(e) for e in c.record())
    # the passphrase slot goes: the code alone opens it
    assert c.ccctl("slot", "rm", "1").rc == 0
    restart(c)
    p = talk(c, CCCTL, "unlock")
    p.expect("Recovery code for your vault: ")
    p.waitnoecho()
    p.sendline(wrong)
    p.expect("typing error")
    p.expect("Recovery code for your vault: ")
    p.sendline(code)
    p.expect("the vault is open")
    done(p)
    c.passphrase = code
    assert token_of(c) == token


def test_a_code_that_is_not_typed_back_adds_nothing(ready):
    c = ready
    p = talk_as_person(c, "slot", "add", "recovery")
    written_down(p)
    for _ in range(3):
        p.expect("Type it back")
        p.sendline("00000-00000-00000-00000-00000-00000")
    assert "no slot was added" in done(p, 1)
    assert len(slots(c)) == 1
    p = talk_as_person(c, "slot", "add", "recovery")
    written_down(p)
    p.expect("Type it back")
    p.sendcontrol("c")
    p.expect(pexpect.EOF)
    p.close()
    assert p.signalstatus == signal.SIGINT and len(slots(c)) == 1


def test_a_recovery_code_at_the_passphrase_prompt(ready, token):
    c = ready
    code = add_recovery(c)
    assert c.ccctl("lock").rc == 0
    p = talk(c, CCCTL, "unlock")
    p.expect("Passphrase for your vault: ")
    p.sendline(code)
    p.expect("the vault is open")
    done(p)
    assert c.ccctl("lock").rc == 0
    r = fds(c, ["unlock"], old=code)
    assert r.rc == 0, r
    # another vault's code is a wrong key
    with Ccrun(c.endpoint_used) as other:
        other.init()
        foreign = add_recovery(other)
    assert c.ccctl("lock").rc == 0
    r = fds(c, ["unlock"], old=foreign)
    assert r.rc == 5 and "no slot opens with this recovery code" in r.err, r


# ---- another passphrase ----

def test_another_passphrase(ready, token):
    c = ready
    r = fds(c, ["passphrase"], old="wrong wrong wrong", new=NEW)
    assert r.rc == 5 and "wrong passphrase" in r.err, r
    r = fds(c, ["passphrase"], old=PASSPHRASE, new="short")
    assert r.rc == 1 and "shorter than 8" in r.err, r
    assert c.ccctl("lock").rc == 0
    r = fds(c, ["passphrase"], old=PASSPHRASE, new=NEW)
    assert r.rc == 0 and "slot 2 took the place of 1" in r.err, r
    assert [(s["id"], s["label"]) for s in slots(c)] == [(2, "passphrase")]
    assert c.ccctl("lock").rc == 0
    assert c.unlock().rc == 5
    c.passphrase = NEW
    assert c.unlock(NEW).rc == 0 and token_of(c) == token
    p = talk_as_person(c, "passphrase")
    p.expect("New passphrase.*: ")
    p.sendline(PASSPHRASE)
    p.expect("Once more: ")
    p.sendline(PASSPHRASE)
    done(p)
    assert c.ccctl("lock").rc == 0 and c.unlock().rc == 0


# ---- another vault key ----

def test_rekey_makes_old_keys_worthless(ready, token):
    c = ready
    r = fds(c, ["slot", "add", "passphrase", "--label", "shared"], new=NEW)
    assert r.rc == 0, r
    old = vault(c)
    assert open_with_passphrase(old, NEW, 2)
    # removed, but who has the old file has the vault key
    assert c.ccctl("slot", "rm", "2").rc == 0
    r = fds(c, ["rekey"], old=PASSPHRASE)
    assert r.rc == 0 and "1 of 1 slots were kept" in r.err and "replace such a key at its provider" in r.err, r
    new = vault(c)
    assert vault_key(old, 2, NEW) != vault_key(new, 1, PASSPHRASE)
    prev = (c.data / "ccrun/vault.prev").read_bytes()
    assert vault_key(prev, 1, PASSPHRASE) == vault_key(new, 1, PASSPHRASE), "the generation before has the old key"
    restart(c)
    assert c.unlock().rc == 0 and token_of(c) == token


def vault_key(data, slot, passphrase):
    return open_with_passphrase(data, passphrase, slot)["vault_key"]


def test_rekey_keeps_what_it_has_the_key_of_and_drops_by_name_alone(ready, token):
    c = ready
    code = add_recovery(c)
    before = vault(c)
    r = fds(c, ["rekey"], old=PASSPHRASE)
    assert r.rc == 2 and "slot 2 (recovery, recovery) cannot be kept" in r.err, r
    assert "hint: make its key available, or drop the slot: ccctl rekey --drop 2" in r.err, r
    r = fds(c, ["rekey"], old="wrong wrong wrong")
    assert r.rc == 5, r
    assert vault(c) == before
    for words, rc in ((["--drop", "9"], 4), (["--drop", "x"], 2), (["--drop", "1", "--drop", "2"], 5)):
        assert fds(c, ["rekey", *words], old=PASSPHRASE).rc == rc
    assert vault(c) == before
    p = talk(c, CCCTL, "rekey")
    p.expect(r"Passphrase of slot 1 \(passphrase\): ")
    p.sendline(PASSPHRASE)
    p.expect(r"Recovery code of slot 2 \(recovery\): ")
    p.sendline(code)
    p.expect("2 of 2 slots were kept")
    done(p)
    restart(c)
    assert fds(c, ["unlock"], old=code).rc == 0 and token_of(c) == token
    r = fds(c, ["rekey", "--drop", "1"], old=PASSPHRASE)
    assert r.rc == 2 and "slot 2 (recovery, recovery) cannot be kept" in r.err, r
    r = fds(c, ["rekey", "--drop", "2"], old=PASSPHRASE)
    assert r.rc == 0 and "1 of 2 slots were kept" in r.err and "only one slot" in r.err, r
    assert c.ccctl("lock").rc == 0
    assert fds(c, ["unlock"], old=code).rc == 5


def test_rekey_with_a_keyfile_and_a_credential(ready, token):
    c = ready
    assert c.ccctl("host", "init").rc == 0
    assert c.ccctl("slot", "add", "keyfile").rc == 0
    assert c.ccctl("slot", "add", "credential", "--out", str(c.root / "old.key")).rc == 0
    out = c.root / "out"
    out.mkdir(mode=0o700)
    r = fds(c, ["rekey", "--out", str(out)], old=PASSPHRASE)
    assert r.rc == 0 and "3 of 3 slots were kept" in r.err, r
    assert [p.name for p in out.iterdir()] == ["3-credential.credential"]
    assert not (c.data / "ccrun/keyfile.next").exists()
    restart(c)
    assert token_of(c) == token, "the keyfile opens it with no person there"
    # a file that is no use is not left behind
    r = fds(c, ["rekey", "--out", str(c.root / "nowhere")], old=PASSPHRASE)
    assert r.rc == 1 and "cannot be kept" in r.err, r


def test_a_rekey_that_fails_leaves_no_keys(ready):
    """Before the vault was written its new keys are no use."""
    c = ready
    assert c.ccctl("host", "init").rc == 0
    assert c.ccctl("slot", "add", "keyfile").rc == 0
    assert c.ccctl("slot", "add", "credential", "--out", str(c.root / "old.key")).rc == 0
    out = c.root / "out"
    out.mkdir(mode=0o700)
    before = vault(c)
    (c.data / "ccrun/keyfile.next.new").mkdir()
    r = fds(c, ["rekey", "--out", str(out)], old=PASSPHRASE)
    assert r.rc == 1 and vault(c) == before and not list(out.iterdir()), r
    assert "this file then opens" not in r.err


# The file has another inode: the change is there, its answer is not yet.
KILL_ON_CHANGE = """
import os, sys, time
file, pid, later = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
was, end = os.stat(file).st_ino, time.monotonic() + 30
os.write(1, b"r")
while os.stat(file).st_ino == was and time.monotonic() < end:
    pass
time.sleep(later)
os.kill(pid, 9)
"""


def test_a_rekey_without_an_answer_keeps_the_keys_that_the_vault_may_have(ready):
    """Once it was written they are the only ones: the broker dies in the middle, and
    the credential that the vault has then is in one of the files."""
    c = ready
    assert c.ccctl("slot", "add", "credential", "--out", str(c.root / "old.key")).rc == 0
    files = [c.root / "old.key"]
    dice = random.Random("rekey")
    died = 0
    for n in range(14):
        out = c.root / f"out{n}"
        out.mkdir(mode=0o700)
        assert c.unlock().rc == 0
        pid = c.broker()
        killer = subprocess.Popen([sys.executable, "-c", KILL_ON_CHANGE, c.data / "ccrun/vault", str(pid),
                                   str(dice.choice([0, 0, dice.uniform(0, 0.01)]))], stdout=subprocess.PIPE)
        assert killer.stdout.read(1) == b"r"
        died += fds(c, ["rekey", "--out", str(out)], old=PASSPHRASE).rc != 0
        killer.wait()
        until(lambda: not alive(pid), what="the broker's end")
        files += out.iterdir()
        keys = [bytes.fromhex(f.read_text().split()[-1]) for f in files]
        assert any(opens(vault(c), key, 2) for key in keys), "the credential's new key is lost"
    assert died


def opens(data, key, slot):
    try:
        return open_vault(data, key, slot)
    except WrongKey:
        return None


def test_a_slot_that_comes_during_a_rekey_is_not_lost(ready):
    c = ready
    p = talk(c, CCCTL, "rekey")
    p.expect("Passphrase of slot 1")
    assert fds(c, ["slot", "add", "passphrase"], new=NEW).rc == 0
    p.sendline(PASSPHRASE)
    assert "the slots were changed meanwhile" in done(p, 1)
    assert [s["id"] for s in slots(c)] == [1, 2]


def test_giving_up_a_rekey_leaves_no_file(ready):
    c = ready
    assert c.ccctl("slot", "add", "credential", "--out", str(c.root / "old.key")).rc == 0
    assert fds(c, ["slot", "add", "passphrase"], new=NEW).rc == 0
    out = c.root / "out"
    out.mkdir(mode=0o700)
    p = talk(c, CCCTL, "rekey", "--out", out)
    p.expect("Passphrase of slot 1")
    p.sendline(PASSPHRASE)
    p.expect("Passphrase of slot 3")
    p.sendintr()
    p.expect(pexpect.EOF)
    p.close()
    assert not list(out.iterdir())


# ---- backup and restore ----

def test_a_backup_never_takes_the_vaults_place(ready, token):
    c = ready
    home, before = c.data / "ccrun", vault(c)
    (c.root / "link").symlink_to(home)
    for file in (home / "vault", home / "keyfile", c.root / "link/vault"):
        r = fds(c, ["backup", str(file)], new=OTHER)
        assert r.rc == 1 and "hint:" in r.err, (file, r)
    # nor that of a vault that somebody copied elsewhere
    (c.root / "copy").write_bytes(before)
    r = fds(c, ["backup", str(c.root / "copy")], new=OTHER)
    assert r.rc == 1 and "is not a backup" in r.err and (c.root / "copy").read_bytes() == before, r
    assert vault(c) == before and not (home / "keyfile").exists()
    restart(c)
    assert c.unlock().rc == 0 and token_of(c) == token


def test_backup_and_restore_elsewhere(ready, token, ep):
    c = ready
    file = c.root / "backup"
    assert c.ccctl("add", "--key", "second", input="sk-second-0123456789").rc == 0
    r = fds(c, ["backup", str(file)], new=OTHER)
    assert r.rc == 0 and file.stat().st_mode & 0o777 == 0o600, r
    assert token.encode() not in file.read_bytes()
    found = open_with_passphrase(file.read_bytes(), OTHER, 1)
    assert {e["name"] for e in found["entries"]} == {"demo", "second"}
    assert found["vault_key"] != vault_key(vault(c), 1, PASSPHRASE), "a backup has a vault key of its own"
    # older ones may be replaced, other files not
    assert fds(c, ["backup", str(file)], new=OTHER).rc == 0
    (c.root / "notes").write_text("mine")
    r = fds(c, ["backup", str(c.root / "notes")], new=OTHER)
    assert r.rc == 1 and "is not a backup" in r.err and (c.root / "notes").read_text() == "mine", r
    with Ccrun(ep) as other:
        other.demo()
        r = fds(other, ["restore", str(file)], old="wrong wrong wrong")
        assert r.rc == 5 and not (other.data / "ccrun/vault").exists(), r
        r = fds(other, ["restore", str(file)], old=OTHER)
        assert r.rc == 0 and "restored 2 keys" in r.err and "only one slot" in r.err, r
        other.passphrase = OTHER
        assert token_of(other) == token
        restart(other)
        assert other.unlock(OTHER).rc == 0 and token_of(other) == token
        assert other.ccrun("demo", "-p", "hello").rc == 0
        # the restored vault's key is not the backup's
        assert vault_key(vault(other), 1, OTHER) != found["vault_key"]


def test_restore_over_a_vault_sets_it_aside(ready, token):
    c = ready
    file = c.root / "backup"
    assert fds(c, ["backup", str(file)], new=OTHER).rc == 0
    c.add("demo", "sk-newer-0123456789abcdef", "--replace")
    before = vault(c)
    r = fds(c, ["restore", str(file)], old=OTHER)
    assert r.rc == 1 and "there is a vault already" in r.err and "--replace" in r.err, r
    assert vault(c) == before
    r = c.with_passphrase("restore", "--replace", str(file), passphrase=OTHER)
    assert r.rc == 5 and "passphrase" in r.err and "move the vault's file away" in r.err and vault(c) == before, r
    r = fds(c, ["restore", "--replace", str(file)], old=OTHER)
    assert r.rc == 0 and "vault.replaced" in r.err, r
    c.passphrase = OTHER
    assert token_of(c) == token
    assert (c.data / "ccrun/vault.replaced").read_bytes() == before
    assert inspect(vault(c))["generation"] > inspect(before)["generation"]
    # once more: nothing that was set aside is lost
    assert fds(c, ["restore", "--replace", str(file)], old=OTHER).rc == 0
    assert (c.data / "ccrun/vault.replaced").read_bytes() == before
    assert (c.data / "ccrun/vault.replaced.1").exists()
    p = talk(c, CCCTL, "restore", str(file))
    p.expect("set it aside")
    p.sendline("n")
    assert "nothing was changed" in done(p, 1)


@pytest.mark.parametrize("spoil, why", [
    (lambda b: b[:100], "cut off"), (lambda b: b"", "cut off"), (lambda b: b + b"x", "after its end"),
    (lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:], "checksum"), (lambda b: b"x" * 600000, "larger"),
    (lambda b: b"PK" + b[2:], "not a ccrun vault")])
def test_a_backup_that_is_none(ready, spoil, why):
    c = ready
    file = c.root / "backup"
    assert fds(c, ["backup", str(file)], new=OTHER).rc == 0
    before = vault(c)
    file.write_bytes(spoil(file.read_bytes()))
    r = fds(c, ["restore", "--replace", str(file)], old=OTHER)
    assert r.rc == 1 and why in r.err, r
    assert vault(c) == before and not (c.data / "ccrun/vault.replaced").exists()


def test_a_new_vault_does_not_end_what_is_left_of_a_lost_one(ready, token):
    """The file is gone, a new vault is made and changed: vault.prev was the last copy."""
    c = ready
    restart(c)
    left = (c.data / "ccrun/vault.prev").read_bytes()
    (c.data / "ccrun/vault").unlink()
    c.init()
    c.add("demo", "sk-other-0123456789abcdef")
    assert (c.data / "ccrun/vault.replaced").read_bytes() == left


def test_a_vault_by_hand_is_a_backup_too(ready, token):
    """With nothing but cp: a backup in the vault's place opens with its passphrase."""
    c = ready
    file = c.root / "backup"
    assert fds(c, ["backup", str(file)], new=OTHER).rc == 0
    restart(c)
    c.end()
    (c.data / "ccrun/vault").write_bytes(file.read_bytes())
    c.passphrase = OTHER
    assert c.unlock(OTHER).rc == 0 and token_of(c) == token


# ---- crashes ----

CHANGES = {
    "rekey": lambda c: fds(c, ["rekey"], old=PASSPHRASE),
    "passphrase": lambda c: fds(c, ["passphrase"], old=PASSPHRASE, new=PASSPHRASE),
    "slot": lambda c: fds(c, ["slot", "add", "passphrase"], new=PASSPHRASE),
    "settings": lambda c: c.ccctl("settings", "idle=1h"),
    "restore": lambda c: fds(c, ["restore", "--replace", str(c.root / "backup")], old=PASSPHRASE),
}


@pytest.mark.parametrize("change", CHANGES)
def test_killed_at_any_point(ready, token, change):
    """The broker dies somewhere in the change, many times: the vault opens each
    time, with its key in it; and an acknowledged change is there."""
    c = ready
    assert fds(c, ["backup", str(c.root / "backup")], new=PASSPHRASE).rc == 0
    dice = random.Random(change)
    for _ in range(12):
        assert c.unlock().rc == 0
        pid = c.broker()
        killer = subprocess.Popen([sys.executable, "-c",
                                   "import os, sys, time; time.sleep(float(sys.argv[1])); os.kill(int(sys.argv[2]), 9)",
                                   str(dice.uniform(0.02, 0.16)), str(pid)])
        r = CHANGES[change](c)
        killer.wait()
        until(lambda: not alive(pid), what="the broker's end")
        if change == "slot" and r.rc == 0:
            assert len(slots(c)) >= 2
        assert c.unlock().rc == 0, f"after {change} that ended with {r}"
        assert token_of(c) == token
        if change == "slot":
            for s in slots(c)[1:]:
                assert c.ccctl("slot", "rm", str(s["id"])).rc == 0


@pytest.mark.parametrize("change", CHANGES)
def test_a_full_disk_changes_nothing(ready, token, change):
    """RLIMIT_FSIZE stands for it: lines of the record still fit, the vault does not."""
    c = ready
    c.ccctl("add", "--key", "big", input="x" * 12000)
    assert fds(c, ["backup", str(c.root / "backup")], new=PASSPHRASE).rc == 0
    restart(c)
    (c.state / "ccrun/record.jsonl").unlink()
    assert c.unlock().rc == 0
    before = vault(c)
    resource.prlimit(c.broker(), resource.RLIMIT_FSIZE, (8000, 8000))
    r = CHANGES[change](c)
    assert r.rc != 0 and "File too large" in r.err and "hint: make room on the disk" in r.err, r
    assert vault(c) == before and token_of(c) == token
    restart(c)
    assert c.unlock().rc == 0 and token_of(c) == token
