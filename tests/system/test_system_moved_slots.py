"""A vault of the user's own broker that opens without a person can be written by every program of
the user's, with a slot more: moved to the system broker, that slot would be a person's there."""
import os
from pathlib import Path

import pytest

import vault_writer
import wire_client
from ccrun import PASSPHRASE
from keyfile_reader import host_secret, inspect_keyfile, open_keyfile, read_host_secret
from system_broker import SOCKET

pytestmark = pytest.mark.root

PLANTED = os.urandom(32)


@pytest.fixture
def broker(system):
    with system.broker() as b:
        yield b


@pytest.fixture
def a(broker, system, ep, token):
    """Whose own vault opens by a keyfile as well, and who has a program that wrote into it."""
    with system.user(1, ep) as user:
        user.demo()
        user.init()
        user.add("demo", token)
        for words in ("host", "init"), ("slot", "add", "keyfile"), ("lock",):
            r = user.ccctl(*words)
            assert r.rc == 0, r
        yield user


def opened(user):
    """Of what a session reads: the vault's file, a slot's key and the slot."""
    own = user.data / "ccrun"
    keyfile = (own / "keyfile").read_bytes()
    machine = Path("/etc/machine-id")
    secret = host_secret(read_host_secret((own / "host.key").read_text()),
                         machine.read_text().strip() if machine.exists() else "")
    return (own / "vault").read_bytes(), open_keyfile(keyfile, secret), inspect_keyfile(keyfile)["slot"]


def plant(user):
    vault, slot = vault_writer.plant_recovery(*opened(user), PLANTED)
    (user.data / "ccrun/vault").write_bytes(vault)
    return slot


def stolen(user, slot, name="demo"):
    """What a daemon reads with it in the system broker, or the refusal's name."""
    def run():
        with wire_client.Client(SOCKET, person=wire_client.Person(slot, PLANTED)) as c:
            reply = c.ask("get", name=name)
            return reply["token"].decode() if reply["ok"] else reply["error"]
    return user.act(run)


@pytest.fixture
def planted(a):
    return a.act(plant, a)


def unmoved(a, r, slot):
    assert (a.data / "ccrun/vault").exists() and not (a.place / "vault").exists(), \
        f"the key is read there: {stolen(a, slot)}, after {r}"


def test_a_person_s_slot_does_not_move_along_that_others_could_write(a, planted, token):
    for more in (), ("--allow", "keyfile=2", "--allow", f"recovery={planted}"):
        r = a.with_passphrase("move", *more, "system")
        unmoved(a, r, planted)
        assert r.rc == 5 and f"slot {planted} (recovery) may be another's: by slot 2 (keyfile)" in r.err, r
    with a.screen([a.bin / "ccctl", "move", "system"]) as s:
        s.wait("assphrase")
        s.send(PASSPHRASE + "\r")
        assert s.finish() == 5
    unmoved(a, bytes(s.raw), planted)
    assert a.with_passphrase("slot", "rm", str(planted), "--yes").rc == 0
    r = a.with_passphrase("move", "system")
    unmoved(a, r, planted)
    assert r.rc == 5 and "slot 2 (keyfile, " in r.err and "ccctl move system --allow keyfile=2" in r.err, r
    r = a.with_passphrase("move", "--allow", "keyfile=2", "system")
    assert r.rc == 0 and (a.place / "vault").exists(), r
    assert stolen(a, planted) != token


def test_a_person_is_shown_what_opens_it_and_where_the_keys_go(a, ep):
    for answer, code in ("n", 1), ("y", 0):
        with a.screen([a.bin / "ccctl", "move", "system"]) as s:
            s.wait("assphrase")
            s.send(PASSPHRASE + "\r")
            s.wait("slot 2 opens it there, too: keyfile, ")
            s.wait("may they open it there")
            s.send(answer + "\r")
            assert s.finish() == code
        assert (a.place / "vault").exists() == (answer == "y")
    assert f"'demo' is sealed for bearer {ep.url}".encode() in s.raw.replace(b"\r\n", b" "), bytes(s.raw)


def test_what_nobody_else_can_write_moves_when_it_is_agreed_to(a):
    assert a.with_passphrase("slot", "rm", "2", "--yes").rc == 0
    r = a.with_texts(["slot", "add", "passphrase"], {"--passphrase-fd": PASSPHRASE, "--new-passphrase-fd": "another one"})
    assert r.rc == 0, r
    r = a.with_passphrase("move", "system")
    assert r.rc == 5 and "--allow passphrase=3" in r.err, r
    r = a.with_passphrase("move", "--allow", "passphrase=3", "system")
    assert r.rc == 0 and a.unlock("another one").rc == 0, r


def test_a_vault_with_one_slot_moves_unasked(broker, system, ep, token):
    with system.user(2, ep) as b:
        b.demo()
        b.init()
        b.add("demo", token)
        r = b.with_passphrase("move", "system")
        assert r.rc == 0 and "opens it there" not in r.err and "is sealed for" not in r.err, r


def test_a_planted_backup_shows_where_its_keys_go(a, ep):
    """It opens with the vault's passphrase, being a copy of the vault but for an address."""
    url = ep.url.encode()
    other = url.replace(b"127.0.0.1", b"127.0.0.2")

    def forge():
        (a.home / "backup").write_bytes(vault_writer.with_text(*opened(a), url, other))
        (a.data / "ccrun/vault").unlink()
    a.act(forge)
    r = a.with_passphrase("restore", "--system", a.home / "backup")
    assert r.rc == 0 and f"'demo' is sealed for bearer {other.decode()} as ANTHROPIC_AUTH_TOKEN" in r.err, r
