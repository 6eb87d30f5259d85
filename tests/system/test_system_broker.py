"""The system broker, as users of a machine meet it: installed by root, a uid of
its own, everybody's vault apart.  (What one user can do to another's:
test_system_isolation.py.)"""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest

import wire_client
from canary import new_token
from ccrun import PASSPHRASE
from client import REPO, alive, until
from system_broker import BROKER_UID, PREFIX, RUN, STATE, Machine, mount

pytestmark = pytest.mark.root

SHOW = ("import hashlib, os; "
        "print(hashlib.sha256(os.environ['ANTHROPIC_AUTH_TOKEN'].encode()).hexdigest())")


def launch(user, name="demo", **kw):
    """A program that says what token it got."""
    return user.run([user.bin / "ccrun", "--exec", "/usr/bin/python3", name, "-c", SHOW], **kw)


def got(r, token):
    return r.rc == 0 and r.out.strip() == hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def broker(system):
    with system.broker() as b:
        yield b


@pytest.fixture
def a(system, ep):
    with system.user(1, ep) as user:
        user.demo()
        yield user


@pytest.fixture
def ready(broker, a, token):
    a.init_system()
    a.add("demo", token)
    return a


# ---- the way it is meant to be used

@pytest.mark.parametrize("ptrace", [True, False], ids=["as its unit gives it", "without CAP_SYS_PTRACE"])
def test_the_real_client_through_it(system, a, ep, token, ptrace):
    with system.broker(ptrace=ptrace) as b:
        r = a.init_system()
        assert f"/var/lib/ccrun/vaults/{a.uid}/vault" in r.err
        a.add("demo", token)
        r = a.ccrun("demo", "-p", "hello")
        assert r.rc == 0 and "hello from loopback" in r.out, r
        assert ep.main[0].headers["authorization"] == "Bearer " + token
        status = a.status()
        assert status["broker"] == "system" and status["state"] == "unlocked" and status["pid"] == b.pid
        assert status["memory_locked"] and status["undumpable"] and status["untraced"] and status["caged"]
        assert re.search(r"^broker +process \d+, system,", a.ccctl("status").out, re.M)
        released = [e for e in a.lines() if e["event"] == "release"]
        image = released[0].get("image")
        assert os.path.basename(image).startswith("claude") if ptrace else image is None
        r = a.ccctl("log", "--verify")
        assert r.rc == 0 and f"{len(a.lines())} lines, the chain holds" in r.out, r
        assert "release" in a.ccctl("log").out
        # Whoever serves has no power left, and whoever only waits neither.
        for pid in (b.pid, int(read(b.pid, "status", "PPid"))):
            assert int(read(pid, "status", "CapPrm"), 16) == 0, pid
    assert "stop" in a.place.joinpath("record.jsonl").read_text()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd's tables of system calls are not here")
def test_under_its_unit_s_sandbox(system, a, token):
    """As far as it can be had without systemd: the system call filter, a read-only
    tree, no network, no other capability."""
    unit = (REPO / "share/systemd/system/ccbroker.service.in").read_text()
    with system.broker(ptrace=True, unit=unit) as b:
        assert read(b.pid, "status", "NoNewPrivs") == "1" and int(read(b.pid, "status", "Seccomp_filters")) == 2
        a.init_system()
        a.add("demo", token)
        assert got(launch(a), token)
        assert "python" in [e for e in a.lines() if e["event"] == "release"][0]["image"]
        subprocess.run([PREFIX / "bin/ccctl", "host", "init", "--system"], check=True, capture_output=True)
        assert a.ccctl("slot", "add", "keyfile").rc == 0
        b.restart()
        assert got(launch(a), token)
        assert a.ccctl("log", "--verify").rc == 0 and move(a, "user").rc == 0
        assert move(a, "system", "--allow", "keyfile=2").rc == 0
        status = a.status()
        assert status["memory_locked"] and status["undumpable"] and status["caged"]


def read(pid, leaf, key):
    return re.search(rf"^{key}:\s*(\S+)", open(f"/proc/{pid}/{leaf}").read(), re.M)[1]


def test_programs_and_places_as_installed(ready):
    for program in ("bin/ccrun", "bin/ccctl", "libexec/ccrun/ccbroker"):
        st = os.stat(PREFIX / program)
        assert stat.S_IMODE(st.st_mode) == 0o711 and st.st_uid == 0
    for path in (STATE, STATE / "vaults", ready.place):
        st = os.stat(path)
        assert stat.S_IMODE(st.st_mode) == 0o700 and st.st_uid == BROKER_UID, path
    for path in ready.place.iterdir():
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
    assert ready.run(["ls", STATE]).rc != 0
    assert ready.run(["cat", ready.place / "vault"]).rc != 0
    assert not (ready.data / "ccrun/vault").exists()


def test_asks_exactly_once_after_a_lock(ready, token):
    assert got(launch(ready), token)
    assert ready.ccctl("lock").rc == 0
    r = launch(ready)
    assert r.rc == 125 and "locked" in r.err and "ccctl unlock" in r.err, r
    for asked in (1, 0):
        with ready.screen([ready.bin / "ccrun", "demo", "-p", "hello"]) as s:
            if asked:
                s.wait("Passphrase for your vault")
                s.send(PASSPHRASE + "\r")
            s.wait("hello from loopback")
            assert s.finish() == 0
            assert s.raw.count(b"assphrase for") == asked


# ---- no question at all

def test_a_sealed_keyfile_opens_it_without_a_question(system, broker, ready, ep, token):
    r = ready.ccctl("slot", "add", "keyfile")
    assert r.rc != 0 and "ccctl host init --system" in r.err, r
    r = ready.ccctl("host", "init", "--system")
    assert r.rc == 5 and "root" in r.err, r
    r = subprocess.run([PREFIX / "bin/ccctl", "host", "init", "--system"], capture_output=True, text=True)
    assert r.returncode == 0, r
    st = os.stat(STATE / "host.key")
    assert stat.S_IMODE(st.st_mode) == 0o400 and st.st_uid == BROKER_UID
    r = ready.ccctl("slot", "add", "keyfile")
    assert r.rc == 0, r
    broker.restart()
    assert ready.status()["state"] == "unlocked"
    r = ready.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert ep.main[0].headers["authorization"] == "Bearer " + token
    # Once a person has locked it, only a person opens it.
    assert ready.ccctl("lock").rc == 0
    assert launch(ready).rc == 125
    assert ready.unlock().rc == 0 and got(launch(ready), token)


def copied(system, ready, keep_host_key):
    """The user's files, on a machine that begins anew."""
    kept = {name: (ready.place / name).read_bytes() for name in ("vault", "keyfile")}
    host = (STATE / "host.key").read_bytes()
    system.clean()
    ready.place.mkdir(parents=True)
    for name, data in kept.items():
        (ready.place / name).write_bytes(data)
    if keep_host_key:
        (STATE / "host.key").write_bytes(host)
    else:
        subprocess.run([PREFIX / "bin/ccctl", "host", "init", "--system"], check=True, capture_output=True)
    for path in (STATE, *STATE.rglob("*")):
        os.chown(path, BROKER_UID, BROKER_UID)
        path.chmod(0o700 if path.is_dir() else 0o400 if path.name == "host.key" else 0o600)


@pytest.mark.parametrize("what", ["another host key", "the host key too, another machine"])
def test_copied_elsewhere_it_opens_nothing(system, a, token, tmp_path, what):
    with system.broker() as b:
        a.init_system()
        a.add("demo", token)
        subprocess.run([PREFIX / "bin/ccctl", "host", "init", "--system"], check=True, capture_output=True)
        assert a.ccctl("slot", "add", "keyfile").rc == 0
        assert a.status()["slots"] == 2
        b.restart()
        assert a.status()["state"] == "unlocked"
    machine_id = what != "another host key" and os.path.exists("/etc/machine-id")
    if machine_id:
        (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        mount("--bind", tmp_path / "machine-id", "/etc/machine-id")
    try:
        copied(system, a, machine_id)
        with system.broker():
            assert a.status()["state"] == "locked"
            r = a.ccctl("unlock", "--auto")
            assert r.rc != 0 and a.status()["state"] == "locked", r
            assert launch(a).rc == 125
            assert a.unlock().rc == 0 and got(launch(a), token), "the passphrase does"
    finally:
        if machine_id:
            subprocess.run(["umount", "/etc/machine-id"], check=True)


def acl(path, uid):
    """Root's, and readable for uid: as systemd hands a credential to a service with User=."""
    entries = ((0x01, 4, 0xffffffff), (0x02, 4, uid), (0x04, 0, 0xffffffff), (0x10, 4, 0xffffffff),
               (0x20, 0, 0xffffffff))
    os.setxattr(path, "system.posix_acl_access", b"\2\0\0\0" + b"".join(
        tag.to_bytes(2, "little") + perm.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, perm, who in entries))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o440


@pytest.mark.parametrize("way", ["owned by it", "root's with an ACL"])
def test_credentials_open_each_user_s_vault_and_no_other(system, a, ep, token, tmp_path, way):
    where = RUN.parent / "credentials"
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(mode=0o711)
    other = new_token()
    with system.user(2, ep) as b:
        b.demo()
        with system.broker():
            for user, secret in ((a, token), (b, other)):
                user.init_system()
                user.add("demo", secret)
                r = user.ccctl("slot", "add", "credential")
                assert r.rc == 0, r
                path = where / f"ccrun.key.{user.uid}"
                path.write_text(r.out)
                path.chmod(0o400)
                os.chown(path, *(0, 0) if "ACL" in way else (BROKER_UID, BROKER_UID))
                if "ACL" in way:
                    acl(path, BROKER_UID)
            os.chown(where, BROKER_UID, BROKER_UID)
        with system.broker(credentials=where):
            assert got(launch(a), token) and got(launch(b), other)
        (where / f"ccrun.key.{b.uid}").unlink()
        with system.broker(credentials=where):
            assert got(launch(a), token)
            assert b.status()["state"] == "locked" and launch(b).rc == 125


# ---- which broker

def test_the_system_s_comes_first_when_it_has_a_vault(system, a, token):
    own, shared = new_token(), new_token()
    a.init()
    a.add("demo", own)
    assert a.status()["broker"] == "user"
    with system.broker():
        assert a.status()["broker"] == "user", "it has nothing of ours"
        assert got(launch(a), own)
        r = a.with_passphrase("init", "--system")
        assert r.rc == 1 and "ccctl move system" in r.err, r
        # A second one comes about only by hand.
        end_own(a)
        (a.data / "ccrun/vault").rename(a.data / "ccrun/aside")
        a.init_system()
        a.add("demo", shared)
        (a.data / "ccrun/aside").rename(a.data / "ccrun/vault")
        assert a.status()["broker"] == "system" and got(launch(a), shared)
        r = a.with_passphrase("init")
        assert r.rc == 1 and "already" in r.err and "/var/lib/ccrun" in r.err, r
    assert a.unlock().rc == 0 and got(launch(a), own), "while the system's is down"


def test_a_new_vault_is_made_in_it_where_it_serves(system, a, ep, token):
    with system.broker(), system.user(2, ep) as b:
        r = a.with_passphrase("init")
        assert r.rc == 0 and f"made the vault {a.place}/vault" in r.err, r
        assert "note: it is the system broker's" in r.err and "ccctl move user" in r.err, r
        assert not (a.data / "ccrun/vault").exists()
        a.add("demo", token)
        assert got(launch(a), token)
        # one that is there stays where it is, and is said
        b.init()
        r = b.with_passphrase("init")
        assert r.rc == 1 and str(b.data / "ccrun/vault") in r.err and "ccctl move system" in r.err, r
        r = b.with_passphrase("init", "--user", "--system")
        assert r.rc == 2, r


def test_while_it_is_down_no_second_vault_is_made(system, a, token):
    with system.broker():
        a.init_system()
        a.add("demo", token)
    for gone in (False, True):
        if gone:
            shutil.rmtree(RUN)  # after a boot, before its service has started
        r = launch(a)
        assert r.rc == 125 and "the system broker is not running" in r.err and "systemctl start" in r.err, r
        r = a.ccctl("add", "demo", "--replace", input=token + "\n")
        assert r.rc == 1 and "the system broker is not running" in r.err, r
        with a.screen([a.bin / "ccrun", "demo", "-p", "x"]) as s:
            assert s.finish() == 125
            assert b"assphrase" not in s.raw and b"not running" in s.raw
        status = a.status()
        assert status["state"] == "no-broker" and status["broker"] is None
        assert status["vault"] == str(a.place / "vault")
        assert "the system's is not running" in a.ccctl("status").out
        assert a.ccctl("status", "-q").rc == 3
        assert not (a.data / "ccrun/vault").exists()
    # Asked for by name, it is made, and said what that means.
    r = a.with_passphrase("init")
    assert r.rc == 0 and "the system broker is not running; if it has a vault of yours, that one will be" in r.err, r
    a.add("demo", token)
    assert got(launch(a), token)


def test_what_it_cannot_serve_now_does_not_take_the_own_vault_away(system, a, token):
    """A full disk of the machine's is nothing to a user who has a broker of his own."""
    a.init()
    a.add("demo", token)
    with system.broker():
        shutil.rmtree(STATE / "vaults")
        (STATE / "vaults").write_text("no directory")
        assert a.status()["broker"] == "user" and got(launch(a), token)
        end_own(a)
        (a.data / "ccrun/vault").rename(a.data / "ccrun/aside")
        r = launch(a)
        assert r.rc == 125 and "/var/lib/ccrun/vaults" in r.err, r


def test_a_backup_comes_back_into_it(system, broker, a, token):
    a.init()
    a.add("demo", token)
    file = a.home / "backup"
    r = a.with_texts(["backup", file], {"--passphrase-fd": PASSPHRASE, "--new-passphrase-fd": PASSPHRASE})
    assert r.rc == 0, r
    r = a.with_passphrase("restore", "--system", file)
    assert r.rc == 1 and "ccctl move system" in r.err, r
    assert not (a.place / "vault").exists()
    end_own(a)
    (a.data / "ccrun/vault").unlink()
    r = a.with_passphrase("restore", "--system", file)
    assert r.rc == 0 and a.status()["broker"] == "system", r
    assert got(launch(a), token)
    r = a.with_passphrase("restore", "--system", file)
    assert r.rc == 1 and "--replace" in r.err, r
    assert a.with_texts(["restore", "--replace", file], {"--passphrase-fd": PASSPHRASE,
                                                         "--vault-passphrase-fd": PASSPHRASE}).rc == 0
    assert (a.place / "vault.replaced").exists() and got(launch(a), token)


# ---- moving

def move(user, where, *more, **kw):
    return user.with_passphrase("move", where, *more, **kw)


def test_moved_in_and_back(system, broker, a, token):
    a.init()
    a.add("demo", token)
    r = move(a, "system")
    assert r.rc == 0 and "the vault is in the system broker now" in r.err, r
    assert not (a.data / "ccrun/vault").exists() and (a.place / "vault").exists()
    assert a.status()["broker"] == "system" and got(launch(a), token)
    r = move(a, "system")
    assert r.rc == 4 and "no vault in your own broker" in r.err, r
    r = a.with_passphrase("move", "user", passphrase="another one")
    assert r.rc == 5 and (a.place / "vault").exists(), r
    r = move(a, "user")
    assert r.rc == 0 and "your own broker now" in r.err, r
    assert not (a.place / "vault").exists()
    assert a.status()["broker"] == "user" and got(launch(a), token)
    events = [e["event"] for e in a.lines()]
    assert "restore" in events and "export" in events and "retire" in events


def test_a_key_that_stays_elsewhere_moves_along(system, broker, a, token):
    """The system broker runs nothing: its user does, and hands the token in."""
    a.init()
    program = a.write("fetch-it", f"#!/bin/sh\nid -u >> {a.home}/runs\ncat {a.home}/kept\n", 0o755)
    a.write("kept", token + "\n")
    r = a.ccctl("add", "demo", "--source", f"command:{program}", "--no-check")
    assert r.rc == 0, r
    assert move(a, "system").rc == 0
    runs = lambda: (a.home / "runs").read_text().split() if (a.home / "runs").exists() else []
    assert runs() == []
    assert got(launch(a), token) and got(launch(a), token)
    assert a.status()["broker"] == "system" and runs() == [str(a.user.pw_uid)]
    assert "fetch" in [e["event"] for e in a.lines()]
    assert move(a, "user").rc == 0
    assert got(launch(a), token) and len(runs()) == 2, "what was fetched stays in the broker that has it"


def test_a_vault_that_is_in_both_is_finished_or_named(system, broker, a, token):
    a.init()
    a.add("demo", token)
    vault = a.data / "ccrun/vault"
    before = vault.read_bytes()
    assert move(a, "system").rc == 0
    assert (a.place / "vault").read_bytes() == before, "byte for byte"
    end_own(a)
    vault.write_bytes(before)
    vault.chmod(0o600)
    os.chown(vault, a.uid, a.uid)
    r = move(a, "system")
    assert r.rc == 0 and not vault.exists() and (a.place / "vault").exists(), r
    # Changed in one of them: neither is thrown away.
    vault.write_bytes(before)
    vault.chmod(0o600)
    os.chown(vault, a.uid, a.uid)
    a.add("demo", token + "x", "--replace")
    for where in ("system", "user"):
        r = move(a, where)
        assert r.rc == 1 and "was changed in one of them" in r.err and str(vault) in r.err, r
        assert vault.exists() and (a.place / "vault").exists()
    # Another one altogether.
    end_own(a)
    shutil.rmtree(a.data / "ccrun")
    with broker_down(broker):
        a.init()
    r = move(a, "system")
    assert r.rc == 1 and "another vault already" in r.err, r


class broker_down:
    def __init__(self, broker):
        self.broker = broker

    def __enter__(self):
        self.broker.stop()

    def __exit__(self, *_):
        self.broker.start()


def user_broker(user):
    """The pid of the user's own broker, from its lock."""
    return int((user.data / "ccrun/vault.lock").read_text().split()[0])


def end_own(user):
    pid = user_broker(user)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), 10)


def test_a_change_during_the_move_is_not_lost(system, broker, a, token):
    """retire takes the generation that was moved and no other."""
    a.init()
    a.add("demo", token)
    key = vault_key(a)
    sock = a.runtime / "ccrun/broker.sock"

    def run():
        with wire_client.Client(sock, person=wire_client.Person(1, key)) as c:
            return c.ask("retire", generation=2)
    a.add("demo", token + "x", "--replace")
    r = a.act(run)
    assert not r["ok"] and r["error"] == "changed" and "changed meanwhile" in r["message"], r
    assert got(launch(a), token + "x")


def vault_key(user):
    """The wrapping key of slot 1, as the client derives it."""
    import ctypes

    def run():
        with wire_client.Client(user.runtime / "ccrun/broker.sock") as c:
            return c.call("slots")["slots"][0]
    slot = user.act(run)
    sodium = ctypes.CDLL("libsodium.so.23")
    out = ctypes.create_string_buffer(32)
    assert sodium.crypto_pwhash(out, ctypes.c_ulonglong(32), PASSPHRASE.encode(), ctypes.c_ulonglong(len(PASSPHRASE)),
                                slot["salt"], ctypes.c_ulonglong(slot["ops"]), ctypes.c_size_t(slot["mem"]),
                                ctypes.c_int(slot["alg"])) == 0
    return out.raw


@pytest.mark.parametrize("victim", ["its own broker", "the system's", "ccctl itself"])
@pytest.mark.parametrize("where", ["system", "user"])
def test_killed_at_any_moment_of_a_move_there_is_a_vault(system, broker, a, token, victim, where):
    a.init()
    a.add("demo", token)
    if where == "user":
        assert move(a, "system").rc == 0
    took = measure(a, where)
    for step in range(4):
        if victim == "ccctl itself":
            moving = threading.Thread(target=lambda: move(a, where, timeout=20))
            before = len(a.procs)
            moving.start()
            until(lambda: len(a.procs) > before, 5)
            time.sleep(took * (step + random.random()) / 4)
            kill_quietly(a.procs[-1].pid)
            moving.join(30)
        else:
            pid = broker.pid if victim == "the system's" else user_broker(a)
            killer = threading.Timer(took * (step + random.random()) / 4, kill_quietly, [pid])
            killer.start()
            move(a, where, timeout=20)
            killer.join()
            if victim == "the system's" and not until_serving(broker):
                broker.process.wait(10)
                broker.process.stderr.close()
                broker.start()
        assert (a.data / "ccrun/vault").exists() or (a.place / "vault").exists()
        # And the same words again finish it.
        r = move(a, where)
        assert r.rc == 0 or "there is no vault in" in r.err, r
        assert (a.data / "ccrun/vault").exists() != (a.place / "vault").exists()
        assert (a.place / "vault").exists() == (where == "system")
        a.unlock()
        assert got(launch(a), token), step
        assert move(a, "user" if where == "system" else "system").rc == 0


def measure(a, where):
    """How long a move takes, there and back."""
    start = time.monotonic()
    assert move(a, where).rc == 0
    took = time.monotonic() - start
    assert move(a, "user" if where == "system" else "system").rc == 0
    return took


def kill_quietly(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def until_serving(broker):
    time.sleep(0.05)
    return broker.serving()


# ---- the record

def test_the_record_is_handed_out_in_both_parts(ready):
    """40,000 refusals, as a program in a loop would make them."""
    def spam():
        with wire_client.Client("/run/ccrun/broker.sock") as c:
            for _ in range(20):
                for _ in range(100):
                    c.send(wire_client.request("get", name="x" * 64))
                    c.recv()
    old, now = ready.place / "record.1.jsonl", ready.place / "record.jsonl"
    while not old.exists():
        ready.act(spam)
    first = old.read_bytes()
    for _ in range(2):
        ready.act(spam)
    assert old.stat().st_size <= (8 << 20) + 8192 and now.stat().st_size < (8 << 20)
    lines = first.count(b"\n") + now.read_bytes().count(b"\n")
    r = ready.ccctl("log", "--verify", "--json")
    v = json.loads(r.out)
    assert r.rc == 0 and v["intact"] and v["lines"] == lines and v["first"] == 1, r
    shown = json.loads(ready.ccctl("log", "-n", "5000", "--json").out)
    assert [e["seq"] for e in shown] == list(range(lines - 4999, lines + 1))
    # An older part that was replaced: said, and no damage.
    cut = first.split(b"\n", 1)[1]
    old.write_bytes(cut)
    r = ready.ccctl("log", "--verify")
    assert r.rc == 0 and "the 1 lines before them are gone" in r.out, r
    # One that was taken away is.
    old.unlink()
    r = ready.ccctl("log", "--verify")
    assert r.rc == 1 and "line 1 does not follow" in r.err, r


# ---- what does not serve

def test_it_does_not_serve_as_the_wrong_user(system):
    code, err = system.broker(uid=0).fails()
    assert code == 1 and "does not run as root" in err and "setpriv" in err
    code, err = system.broker(uid=BROKER_UID + 1).fails()
    assert code == 1 and f"is not a private directory of uid {BROKER_UID + 1}" in err
    STATE.chmod(0o755)
    code, err = system.broker().fails()
    assert code == 1 and "not a private directory" in err
    STATE.chmod(0o700)
    for mode, owner in ((0o775, BROKER_UID), (0o755, 0)):
        RUN.chmod(mode)
        os.chown(RUN, owner, owner)
        code, err = system.broker().fails()
        assert code == 1 and "/run/ccrun is not a directory of uid" in err
    with system.broker() if system.set_up() else system.broker():
        code, err = system.broker().fails()
        assert code == 0 and err == "" or "another broker" in err, (code, err)


def test_the_machine_is_left_beside_threads():
    """What stays inside has no /etc and no /var/lib for every test after it."""
    here, end = os.stat("/run"), threading.Event()
    with Machine():
        thread = threading.Thread(target=end.wait)
        thread.start()
        assert not os.path.samestat(here, os.stat("/run"))
    assert os.path.samestat(here, os.stat("/run"))
    end.set()
    thread.join()
