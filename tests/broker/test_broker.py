"""A real ccbroker around its protocol: clients that misbehave, the record, a full
disk, being killed, and everything that it refuses to start on.

Run it as an ordinary user: what it looks at is meaningless for root."""
import fcntl
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest

import canary
import wire_client as wc
from client import until
from wire_client import Broker, Child, Closed, Refused, in_child, launch, many_files, mark, request, undumpable

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
PUT = {"name": "new", "token": b"t" * 20, "origin": wc.ORIGIN, "variable": wc.VARIABLE,
       "policy": "", "replace": False}


# ---- clients that misbehave --------------------------------------------

def test_who_does_not_read_stalls_nobody(broker):
    with broker.connect() as deaf, broker.connect() as c:
        deaf.sock.setblocking(False)
        try:
            for _ in range(5000):
                deaf.send(request("list", after=""))
        except (BlockingIOError, Closed):
            pass
        slowest = 0.0
        for _ in range(50):
            began = time.monotonic()
            c.call("status")
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
def test_a_full_claim_channel_stalls_nobody(broker, kind):
    def clog():
        with broker.connect() as c:
            c.open()
            mark()
            c.arrived()
            undumpable()
            mine, theirs = socket.socketpair(socket.AF_UNIX, kind)
            theirs.setblocking(False)
            try:
                while True:
                    theirs.send(b"x" * 1000)
            except BlockingIOError:
                theirs.setblocking(True)
            c.send(wc.fixed(wc.CLAIM), [theirs.fileno()])
            try:
                c.recv()
            except (Closed, TimeoutError):
                pass
            mine.close()
    child = Child(clog)
    time.sleep(0.2)
    for _ in range(20):
        broker.call("hello")
    child.result()


def test_who_holds_connections_keeps_nobody_out(fresh):
    """A newcomer gets the place that was silent for longest, of the process that holds most."""
    many_files()
    with fresh.connect() as patient, ExitStack() as held:
        patient.call("hello")

        def crowd():
            mine = [fresh.connect() for _ in range(wc.CONNECTIONS_UID - 1)]
            for c in mine:
                c.call("hello")
            os.write(says, b".")
            os.read(go, 1)
            said = [wc.unpack(mine[i].recv()) for i in range(2)], [mine[i].closed() for i in range(2)]
            return said, mine[2].call("hello")["ok"], mine[-1].call("hello")["ok"]
        there, says = os.pipe()
        go, tells = os.pipe()
        child = Child(crowd)
        assert os.read(there, 1) == b"."
        for _ in range(2):
            assert held.enter_context(fresh.connect()).call("hello")["ok"]
        assert patient.call("hello")["ok"]
        os.write(tells, b".")
        (answers, ends), *others = child.result()
        assert all(a["error"] == "timeout" and "silent for longest" in a["message"] for a in answers) and all(ends)
        assert others == [True, True]
        for fd in (there, says, go, tells):
            os.close(fd)


def test_who_waits_in_the_background_is_told_to_connect_again(broker):
    """What fetches a session's tokens again waits for ever; by this error it begins anew (ccrun-source keep)."""
    many_files()
    with ExitStack() as held:
        waiting = [held.enter_context(broker.connect()) for _ in range(wc.CONNECTIONS_UID)]
        for c in waiting:
            c.send(request("source-wait", names=[{"name": "zai"}]))
        assert broker.call("hello")["ok"]
        said = []
        for c in waiting:
            c.sock.setblocking(False)
            try:
                said.append(wc.unpack(c.recv())["error"])
            except BlockingIOError:
                pass
        assert said == ["timeout"]


def test_too_many_sessions_and_recovery(broker):
    """They cannot be taken from who has them; the next one hears why, and a person can still look and lock."""
    many_files()
    with ExitStack() as held:
        for _ in range(wc.SESSIONS_UID):
            held.enter_context(broker.connect()).open()
        with broker.connect() as c:
            said = c.ask("open", **wc.open_fields())
            assert said["error"] == "busy" and f"{wc.SESSIONS_UID} sessions" in said["message"]
            assert "ccctl sessions" in said["hint"]
        assert broker.call("status")["connections"] > wc.SESSIONS_UID
        broker.call("lock")
        broker.unlock()
    until(lambda: broker.call("status")["connections"] == 1, what="the end of them")
    with broker.connect() as c:
        assert c.open()["granted"]


def test_few_descriptors():
    """Of connections and sessions there are as many as leave the broker's own files enough."""
    many_files()
    few = Broker(setup=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
    with few, ExitStack() as held:
        few.init()
        few.put("zai", TOKEN)
        with pytest.raises(Refused) as said:
            for _ in range(200):
                held.enter_context(few.connect()).open()
        assert said.value.error == "busy" and "sessions already" in said.value.message
        for _ in range(200):
            assert held.enter_context(few.connect()).call("hello")["ok"]
        few.put("another", TOKEN)
        assert few.get("another") == TOKEN.encode()
    none = Broker(setup=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    code, err = none.fails()
    assert code == 1 and "only 100 files may be open" in err and "ulimit -Hn" in err


def test_a_session_takes_no_place_outside(fresh):
    """What is marked is displaced by what is marked alone."""
    with ExitStack() as held:
        mine = [held.enter_context(fresh.connect()) for _ in range(300)]
        for c in mine:
            c.call("hello")

        def crowd():
            mark()
            return sum(fresh.connect().call("hello")["ok"] for _ in range(2 * wc.CONNECTIONS_MARKED))
        assert in_child(crowd) == 2 * wc.CONNECTIONS_MARKED
        assert all(c.call("hello")["ok"] for c in mine)


# ---- the record --------------------------------------------------------

def test_everything_is_on_record_and_no_value(broker):
    broker.get("zai")
    broker.error("get", name="absent")
    broker.error("open", **wc.open_fields("zai", origin="elsewhere"))
    in_child(lambda: launch(broker, "mark", "arrived", "hide", "claim"))
    broker.call("rename", name="zai", to="z")
    broker.call("rm", name="z")
    broker.call("lock")
    broker.error("unlock", slot=1, key=b"k" * 32)
    broker.stop()
    lines = broker.lines()
    happened = [(e["event"], e["result"]) for e in lines if e["event"] != "end"]
    assert happened == [
        ("start", "done"), ("init", "asked"), ("add", "granted"),
        ("person", "asked"), ("get", "granted"), ("person", "asked"), ("get", "no-entry"),
        ("open", "origin"), ("open", "granted"), ("release", "granted"),
        ("person", "asked"), ("rename", "granted"), ("person", "asked"), ("remove", "granted"),
        ("lock", "granted"),
        ("unlock", "asked"), ("unlock", "wrong-key"), ("stop", "done")]
    release = next(e for e in lines if e["event"] == "release")
    opened = next(e for e in lines if e["event"] == "open" and e["result"] == "granted")
    assert release["session"] == opened["session"] and release["provider"] == "zai"
    assert release["image"] == os.readlink("/proc/self/exe")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", release["time"])
    assert canary.scan_files(broker.root, TOKEN) == []


def test_another_config_dir_than_the_sealed_one(broker):
    def asked(**more):
        return broker.error("open", **wc.open_fields("zai", **more))
    assert asked(config_dir="~/.evil") == "origin"
    assert asked(config_dir=1) == "wrong-type"
    assert asked(config_dir="/" + "a" * 120) in ("bad-value", "too-large")
    broker.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy="config_dir=~/.work")
    assert broker.call("list", after="")["entries"][0]["policy"].endswith(" config_dir=~/.work")
    assert [asked(), asked(config_dir=""), asked(config_dir="~/.wor"), asked(config_dir="~/.work/")] == ["origin"] * 4
    assert broker.call("open", **wc.open_fields("zai", config_dir="~/.work"))["granted"]
    for bad in ("config_dir=work", "config_dir=~/../a", "config_dir=~/a/"):
        assert broker.error("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=bad) == "bad-value"


def test_a_session_is_not_confined_less_than_sealed(broker):
    def asked(**more):
        return broker.error("open", **wc.open_fields("zai", **more))
    assert asked(confine="off") == "policy"
    assert asked(confine=1) == "wrong-type"
    assert (asked(confine=""), asked(confine="o" * 9)) == ("bad-value", "too-large")
    broker.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy="confine=on")
    assert [asked(), asked(confine="auto"), asked(confine="off")] == ["policy"] * 3
    broker.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy="confine=off")
    assert broker.call("list", after="")["entries"][0]["policy"].endswith(" confine=off")
    assert broker.call("open", **wc.open_fields("zai", confine="off"))["granted"]


def digest(data):
    return hashlib.blake2b(data, digest_size=32).hexdigest()[:32]


def test_other_variables_than_the_sealed_ones(broker):
    """[env] as far as it is sealed: the lines are sent, their digest is compared."""
    def asked(**more):
        return broker.error("open", **wc.open_fields("zai", **more))
    lines = b"CLAUDE_CODE_SHELL_PREFIX=/bin/x\n"
    assert asked(env=lines) == "origin"
    assert asked(env="text") == "wrong-type"
    assert asked(env=b"x" * 8193) == "too-large"
    assert broker.call("open", **wc.open_fields("zai", env=b""))["granted"]
    broker.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy="env=" + digest(lines))
    assert [asked(), asked(env=b""), asked(env=lines + lines), asked(env=lines[:-1])] == ["origin"] * 4
    assert broker.call("open", **wc.open_fields("zai", env=lines))["granted"]
    big = b"A" * 8192
    broker.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy="env=" + digest(big))
    assert broker.call("open", **wc.open_fields("zai", env=big))["granted"]
    for bad in ("env=x", "env=" + digest(lines)[:-1], "env=" + digest(lines).upper()):
        assert broker.error("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=bad) == "bad-value"


def sealed_memfd(data):
    fd = os.memfd_create("ca", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    return fd


def pass_file(broker, data, kind="ca", entry="zai"):
    """A session by relay that passes a file; the error, or None."""
    with broker.connect() as c:
        c.call("open", **wc.open_fields(entry, delivery="relay"))
        fd = sealed_memfd(data)
        reply = c.raw(request("relay-file", kind=kind), [fd])
        os.close(fd)
        return None if reply["ok"] else reply["error"]


def test_other_authorities_than_the_sealed_ones(broker):
    """By its bytes, whatever a requester says: who signs for another host reads the key there."""
    mine, evil = b"my authority" * 9000, b"another one"
    assert pass_file(broker, evil) == "origin"
    why = [e["why"] for e in broker.lines() if e["result"] == "origin"]
    assert len(why) == 1 and "certificate authorities" in why[0]
    broker.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy="ca=" + digest(mine))
    assert pass_file(broker, mine) is None
    assert [pass_file(broker, x) for x in (evil, mine + b"x", mine[:-1])] == ["origin"] * 3
    # fewer are always allowed, and a client's own certificate is no authority
    assert broker.call("open", **wc.open_fields("zai", delivery="relay"))["granted"]
    assert pass_file(broker, evil, kind="cert") is None


def test_what_a_requester_sends_cannot_forge_a_line(broker):
    evil = 'x","event":"release\\u0000é\u202e'
    assert broker.error("open", **wc.open_fields("zai", provider=evil, origin="o")) == "origin"
    line = broker.lines()[-1]
    assert (line["event"], line["result"]) == ("open", "origin")
    assert line["provider"] == evil
    raw = broker.record.read_bytes().splitlines()[-1]
    assert b'x\\u0022,\\u0022event' in raw and "é\\u202e".encode() in raw


def test_no_record_no_release(broker):
    """The record is full; the last line that did not fit is taken back."""
    room = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    broker.stop()
    broker.setup = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, room))
    broker.start()
    broker.unlock()
    got = "none"
    with broker.connect() as c:  # one, as a person is not told from others without room for a line either
        for _ in range(200):
            reply = c.ask("get", name="zai")
            if not reply["ok"]:
                got = reply["error"]
                assert "record" in reply["message"] and "room on the disk" in reply["hint"]
                break
    assert got == "system"
    assert broker.error("open", **wc.open_fields()) == "system"
    assert broker.error("put", **PUT) == "system"
    assert broker.call("lock")["ok"]          # a lock is never kept from happening
    assert broker.call("hello")["state"] == "locked"
    assert 7000 < broker.record.stat().st_size <= 8192
    broker.lines()


@pytest.mark.parametrize("torn", [b'{"seq":99,"ti', b"\0" * 700, b'{"seq":4,"time":"x","hash":"12'])
def test_a_torn_last_line_is_mended(broker, torn):
    broker.stop()
    whole = broker.record.read_bytes()
    broker.record.write_bytes(whole + torn)
    broker.start()
    assert broker.record.read_bytes().startswith(whole)
    assert broker.lines()[-1]["event"] == "start"


def test_a_record_of_one_torn_line(fresh):
    fresh.stop()
    fresh.record.write_bytes(b'{"seq":1,"time"')
    fresh.start()
    assert [e["event"] for e in fresh.lines()] == ["start"]


def test_a_strange_record_is_not_continued(fresh):
    fresh.stop()
    fresh.record.write_bytes(b"my notes\n")
    code, err = fresh.fails()
    assert code == 1 and "hint: move record.jsonl away" in err


# ---- the disk ----------------------------------------------------------

def test_a_full_disk_loses_nothing(fresh):
    fresh.init()
    fresh.stop()
    fresh.setup = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000))
    fresh.start()
    fresh.unlock()
    big = [(f"big{i}", (f"{i}" * wc.TOKEN_MAX)[:16000]) for i in range(3)]
    for name, token in big[:2]:
        fresh.put(name, token)
    before = fresh.vault.read_bytes()
    with pytest.raises(Refused, match="make room on the disk") as e:
        fresh.put(*big[2])
    assert e.value.error == "system"
    assert fresh.vault.read_bytes() == before
    assert not (fresh.data / "vault.new").exists()
    assert fresh.error("get", name="big2") == "no-entry"
    assert [e["name"] for e in fresh.call("list", after="")["entries"]] == ["big0", "big1"]
    # Replacing undoes to the old value.
    assert fresh.error("approve", name="big0", origin="o" * 512, variable=wc.VARIABLE,
                       policy="p" * 460) == "too-large"
    assert fresh.put("small", "12345678")["generation"] == 4
    fresh.stop()
    fresh.setup = None
    fresh.start()
    fresh.unlock()
    for name, token in big[:2]:
        assert fresh.get(name) == token.encode()


def test_killed_at_any_instant(broker):
    known, rounds = {"zai": TOKEN.encode()}, 20
    for i in range(rounds):
        pid, tried, n = broker.pid, None, 0
        killer = threading.Timer(0.004 * i, os.kill, (pid, signal.SIGKILL))
        try:
            with broker.connect() as c:
                killer.start()
                while True:
                    name, token = f"n{n % 7}", f"round-{i}-put-{n}".encode()
                    tried = (name, token)
                    c.call("put", name=name, token=token, origin=wc.ORIGIN, replace=True,
                           variable=wc.VARIABLE, policy="")
                    known[name], tried, n = token, None, n + 1
        except (Closed, OSError):
            pass
        killer.join()
        assert broker.stop(check=False) == -signal.SIGKILL
        broker.start()
        broker.unlock()
        for name, token in known.items():
            got = broker.get(name)
            assert got == token or (name, got) == tried, f"round {i}: {name}"
            known[name] = got
        broker.lines()
    assert (broker.data / "vault.prev").exists() and len(known) > 1


def test_two_vaults_never_mix(broker, fresh):
    with Broker() as other:
        other.init()
        other.put("mine", "other-token-value")
        assert other.error("get", name="zai") == "no-entry"
        assert fresh.error("get", name="mine") == "no-entry"
        # The same key does not open the other's file.
        a, b = broker.vault.read_bytes(), other.vault.read_bytes()
        assert a[28:44] != b[28:44]


# ---- starting ----------------------------------------------------------

def test_one_of_twenty_serves(fresh):
    fresh.stop()
    started = []
    for _ in range(20):
        r, w = os.pipe()
        started.append((fresh.popen("--report-fd", str(w), pass_fds=[w], stderr=None), r))
        os.close(w)
    said = []
    for process, r in started:
        with os.fdopen(r) as f:
            said.append(f.read())
        assert process.wait(10) == 0
    try:
        assert sorted(said) == ["busy\n"] * 19 + ["ready\n"]
        assert fresh.call("status")["caged"]
    finally:
        os.kill(fresh.pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while fresh.socket.exists():
            assert time.monotonic() < deadline


def test_a_failed_start_is_reported(fresh):
    fresh.stop()
    (fresh.root / "data/ccrun").chmod(0o750)
    r, w = os.pipe()
    process = fresh.popen("--report-fd", str(w), pass_fds=[w], stderr=None)
    os.close(w)
    with os.fdopen(r) as f:
        what, hint = f.read().splitlines()
    assert process.wait(10) in (0, 1)
    assert "open to others (mode 0750)" in what and hint.startswith("chmod 700 ")


def test_one_vault_one_broker(broker):
    with Broker() as second:
        second.stop()
        second.env["XDG_DATA_HOME"] = broker.env["XDG_DATA_HOME"]
        code, err = second.fails()
    assert code == 0 and f"another broker (process {broker.pid}) serves" in err
    assert broker.call("hello")["state"] == "unlocked"


def test_sigterm(broker):
    with broker.connect() as c:
        assert broker.stop() == 0
        assert c.closed()
    assert not broker.socket.exists()
    assert broker.lines()[-1]["event"] == "stop"
    broker.start()
    assert broker.call("hello")["state"] == "locked"


def spoil(path, mode=None, link=False, file=False):
    def spoiled(b):
        at = b.root / path
        if mode is not None:
            at.chmod(mode)
        if link or file:
            if at.is_dir():
                shutil.rmtree(at)
            else:
                at.unlink(missing_ok=True)
        if link:
            (b.root / "elsewhere").mkdir(mode=0o700)
            at.symlink_to(b.root / "elsewhere")
        if file:
            at.write_text("x")
    return spoiled


def test_sessions_cannot_keep_their_person_out():
    """Who comes marked gets some of the places; the person can still lock and launch."""
    with wc.Broker() as b:
        b.init()

        def crowd():
            mark()
            held = [b.connect() for _ in range(2 * wc.CONNECTIONS_MARKED)]
            os.write(says, b".")
            os.read(go, 1)
            return len(held)
        there, says = os.pipe()
        go, tells = os.pipe()
        child = Child(crowd)
        assert os.read(there, 1) == b"."
        status = b.call("status")
        assert status["state"] == "unlocked" and status["connections"] <= wc.CONNECTIONS_MARKED + 1
        os.write(tells, b".")
        child.result()
        for fd in (there, says, go, tells):
            os.close(fd)


def test_a_second_broker_does_not_take_a_socket_over():
    with wc.Broker() as b:
        b.init()
        other = dict(b.env, XDG_DATA_HOME=str(b.root / "data2"), XDG_STATE_HOME=str(b.root / "state2"))
        for d in ("data2", "state2"):
            (b.root / d).mkdir(mode=0o700)
        r = subprocess.run([str(wc.BROKER), "--foreground"], env=other, capture_output=True, text=True, timeout=20)
        assert "another broker listens" in r.stderr, r
        assert b.call("status")["state"] == "unlocked"
        other = dict(b.env, XDG_DATA_HOME=str(b.root / "data2"), XDG_RUNTIME_DIR=str(b.root / "run2"))
        (b.root / "run2").mkdir(mode=0o700)
        r = subprocess.run([str(wc.BROKER), "--foreground"], env=other, capture_output=True, text=True, timeout=20)
        assert f"holds a lock on {b.root}/state/ccrun/record.jsonl" in r.stderr and "ccbroker (process " in r.stderr, r


def test_a_record_whose_end_is_garbage_is_not_emptied():
    with wc.Broker() as b:
        b.init()
        b.stop()
        size = b.record.stat().st_size
        with open(b.record, "ab") as f:
            f.write(b"\0" * 40000)
        r = subprocess.run([str(wc.BROKER), "--foreground"], env=b.env, capture_output=True, text=True, timeout=20)
        assert r.returncode == 1 and "damaged" in r.stderr, r
        assert b.record.stat().st_size == size + 40000


def long_socket(b):
    path = b.root / ("long" * 30)
    path.mkdir(mode=0o700)
    b.env["XDG_RUNTIME_DIR"] = str(path)


def limit(what, value):
    return lambda b: setattr(b, "setup", lambda: resource.setrlimit(what, (value, value)))


NO_START = {
    "data-mode": (spoil("data/ccrun", 0o755), "open to others", "chmod 700"),
    "state-mode": (spoil("state/ccrun", 0o770), "open to others", "chmod 700"),
    "run-mode": (spoil("run/ccrun", 0o711), "open to others", "chmod 700"),
    "data-link": (spoil("data/ccrun", link=True), "symbolic link", "put a real directory there"),
    "run-link": (spoil("run/ccrun", link=True), "symbolic link", "put a real directory there"),
    "data-file": (spoil("data/ccrun", file=True), "a file where", "put a real directory there"),
    "socket-file": (spoil("run/ccrun/broker.sock", file=True), "something else", "move it away"),
    "socket-long": (long_socket, "socket path too long", "shorter directory"),
    "record-link": (spoil("state/ccrun/record.jsonl", link=True), "record.jsonl", ""),
    "lock-link": (spoil("data/ccrun/vault.lock", link=True), "vault.lock", ""),
    "marked": (lambda b: setattr(b, "setup", mark), "inside a session", "outside the session"),
    "memlock": (limit(resource.RLIMIT_MEMLOCK, 65536), "lock", "MEMLOCK"),
}


@pytest.mark.parametrize("case", NO_START)
def test_does_not_start(fresh, case):
    spoiling, what, hint = NO_START[case]
    fresh.stop()
    spoiling(fresh)
    code, err = fresh.fails()
    assert code == 1, err
    lines = err.splitlines()
    assert lines[0].startswith("ccbroker: ") and what in lines[0], err
    assert not hint or (lines[1].startswith("hint: ") and hint in lines[1]), err
    assert not stat_socket(fresh)


def stat_socket(b):
    return b.socket.is_socket()


def test_a_directory_of_somebody_else(fresh):
    """/usr mounted over it, in a user namespace."""
    fresh.stop()
    unshare = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]
    if subprocess.run([*unshare, "mount", "--bind", "/usr", fresh.data], check=False,
                      capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    run = subprocess.run([*unshare, "sh", "-c", 'mount --bind /usr "$0" && exec "$1" --foreground',
                          fresh.data, wc.BROKER], env=fresh.env, capture_output=True, text=True,
                         timeout=10, check=False)
    assert run.returncode == 1 and "belongs to uid" in run.stderr and "chown" not in run.stderr
    assert "hint: leave it to its owner" in run.stderr


@pytest.mark.parametrize("spoiling,what", [
    (spoil("data/ccrun/vault", 0o644), "mode 0644"),
    (spoil("data/ccrun/vault", link=True), "symbolic link"),
])
def test_an_unsafe_vault_file_is_not_opened(broker, spoiling, what):
    broker.call("lock")
    spoiling(broker)
    with pytest.raises(Refused, match=what) as e:
        broker.unlock()
    assert e.value.error == "unsafe-path" and e.value.hint


def test_a_damaged_vault_names_the_way_back(broker):
    broker.call("lock")
    data = bytearray(broker.vault.read_bytes())
    data[-1] ^= 1
    broker.vault.write_bytes(data)
    with pytest.raises(Refused, match="vault.prev") as e:
        broker.unlock()
    assert e.value.error == "damaged"
    broker.vault.write_bytes(data[:-20])
    assert broker.error("unlock", slot=1, key=broker.key) == "truncated"
    broker.vault.unlink()
    with pytest.raises(Refused, match="vault.prev is the last generation"):
        broker.unlock()
    shutil.copy(broker.data / "vault.prev", broker.vault)
    broker.unlock()


def test_a_dead_brokers_socket_is_replaced(broker):
    os.kill(broker.pid, signal.SIGKILL)
    assert broker.stop(check=False) == -signal.SIGKILL
    assert broker.socket.is_socket()
    broker.start()
    broker.unlock()
    assert broker.get("zai") == TOKEN.encode()


# ---- a service manager's socket ----------------------------------------

def with_socket(b, kind=socket.SOCK_SEQPACKET, fds="1", listening=True):
    """Start it as a service manager does: the socket is descriptor 3."""
    b.socket.unlink(missing_ok=True)
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(str(b.socket))
    if listening:
        s.listen()
    code = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = "
            "str(os.getpid()); os.execv(sys.argv[2], [sys.argv[2]])")
    env = dict(b.env, LISTEN_FDS=fds)
    return subprocess.Popen([sys.executable, "-c", code, str(s.fileno()), wc.BROKER], env=env,
                            pass_fds=[s.fileno()], stderr=subprocess.PIPE, text=True), s


def test_inherited_socket(fresh):
    fresh.stop()
    process, s = with_socket(fresh)
    try:
        with fresh.connect() as c:
            assert c.call("hello")["state"] == "none"
        fresh.init()
        fresh.put("zai", TOKEN)
        assert in_child(lambda: launch(fresh, "mark", "arrived", "hide", "claim"))
        s.close()
    finally:
        process.terminate()
        assert process.wait(10) == 0
    assert fresh.socket.exists()   # it is the manager's


@pytest.mark.parametrize("kw", [{"fds": "2"}, {"kind": socket.SOCK_STREAM}, {"listening": False}])
def test_inherited_socket_of_the_wrong_kind(fresh, kw):
    fresh.stop()
    process, s = with_socket(fresh, **kw)
    with s:
        err = process.communicate(timeout=10)[1]
    assert process.returncode == 1 and "inherited socket" in err and "hint:" in err


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="not installed")
def test_systemd_socket_activate(fresh):
    fresh.stop()
    variables = [f"--setenv={k}={v}" for k, v in fresh.env.items()]
    process = subprocess.Popen(["systemd-socket-activate", "--seqpacket", "-l", fresh.socket,
                                *variables, wc.BROKER], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not fresh.socket.exists():
            assert time.monotonic() < deadline
        fresh.init()
        assert fresh.call("status")["caged"]
    finally:
        process.terminate()
        assert process.wait(10) == 0
