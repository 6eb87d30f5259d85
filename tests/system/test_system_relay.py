"""Relays of the system broker: where they come from, and whose they are.  In systemd's
place, and in the relays', is the test."""
import os
import select
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

import wire_client as wc
from client import until
from played_relay import Relay, Session
from system_broker import BROKER_UID, SOCKET, account, become
from wire_client import Client, Closed, Refused

pytestmark = pytest.mark.root

SERVICE = Path("/run/ccrun-relay")


class Here:
    """What a Session needs of a broker."""

    def __init__(self, root):
        self.root = root

    def connect(self):
        return Client(SOCKET)


class Systemd:
    """It listens where the socket unit says."""

    def __init__(self, owner=0, mode=0o755):
        SERVICE.mkdir()
        os.chown(SERVICE, owner, owner)
        SERVICE.chmod(mode)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.bind(str(SERVICE / "start.sock"))
        (SERVICE / "start.sock").chmod(0o666)
        self.sock.listen()
        self.sock.settimeout(8)
        self.relays = []

    def relay(self):
        self.relays.append(Relay(self.sock.accept()[0], played=False))
        return self.relays[-1]

    def asked(self, seconds=0.3):
        return bool(select.select([self.sock], [], [], seconds)[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for r in self.relays:
            r.close()
        self.sock.close()
        (SERVICE / "start.sock").unlink()
        SERVICE.rmdir()


@pytest.fixture
def broker(system):
    with system.broker() as b:
        yield b


@pytest.fixture
def a(system, broker, ep, token):
    with system.user(1, ep) as user:
        user.init_system()
        reply = user.ask("put", name="zai", token=token.encode(), policy=wc.POLICY, origin=wc.ORIGIN,
                         variable=wc.VARIABLE, replace=False)
        assert reply["ok"], reply
        yield user


@pytest.fixture
def here(a):
    with tempfile.TemporaryDirectory(prefix="ccsr-") as d:
        os.chown(d, a.uid, a.uid)
        yield Here(Path(d))


@pytest.fixture
def session(a, here):
    with Session(here, before=lambda: become(a.uid)) as s:
        yield s


def refused(function, *args):
    with pytest.raises(Refused) as e:
        function(*args)
    return e.value


def test_the_value_goes_to_the_service_alone(a, session, token):
    with Systemd() as systemd:
        session.relay()
        r = systemd.relay()
        got = r.begin()
        assert [m["op"] for m, _ in got] == ["file", "file", "start"]
        start = got[2][0]
        assert (start["uid"], start["pid"], start["session"]) == (a.uid, session.pid, session.id)
        assert r.ask("value")["error"] == "posture"
        session.mark()
        assert r.ask("value")["token"].decode() == token
        assert a.ask("lock")["ok"]
        assert r.recv()[0]["why"] == "locked"
        [released] = [e for e in a.lines() if (e["event"], e["result"]) == ("release", "granted")]
        assert released["why"] == "to the session's relay" and released["delivery"] == "relay"


def test_another_user_neither_lists_nor_ends_it(system, a, session, ep):
    with Systemd() as systemd, system.user(2, ep) as b:
        b.init_system()
        session.relay()
        r = systemd.relay()
        r.begin()
        session.mark()
        assert r.ask("value")["op"] == "value"
        assert b.ask("sessions", after=0)["sessions"] == []
        assert b.ask("session-end", session=session.id)["error"] == "no-entry"
        assert b.ask("lock")["ok"]
        assert r.hears_nothing()
        assert [s["id"] for s in a.ask("sessions", after=0)["sessions"]] == [session.id]
        assert a.ask("session-end", session=session.id)["ok"]
        assert r.recv()[0]["why"] == "ended"
        assert [e["result"] for e in b.lines() if session.id in str(e)] == ["no-entry"], "what it asked itself"


def test_without_the_service_it_says_so(a, session):
    for _ in range(2):
        e = refused(session.relay)
        assert (e.error, e.message) == ("no-entry", f"the relays' service is not there ({SERVICE}/start.sock)")
        assert "systemctl" in e.hint
        os.unlink(session.path)
    with Systemd():
        session.relay()


@pytest.mark.parametrize("owner, mode", [(BROKER_UID, 0o755), (account(1).pw_uid, 0o755), (0, 0o777), (0, 0o775)])
def test_a_service_that_another_could_have_made_gets_nothing(session, owner, mode):
    with Systemd(owner, mode) as systemd:
        e = refused(session.relay)
        assert (e.error, e.message) == ("unsafe-path", f"{SERVICE} or the socket in it is not root's")
        assert not systemd.asked()


def test_nor_does_one_behind_a_link(session):
    with Systemd() as systemd:
        SERVICE.rename("/run/elsewhere")
        SERVICE.symlink_to("/run/elsewhere")
        try:
            assert refused(session.relay).error == "unsafe-path"
            assert not systemd.asked()
        finally:
            SERVICE.unlink()
            Path("/run/elsewhere").rename(SERVICE)


def test_one_that_ends_is_asked_for_again_and_given_up(a, session):
    with Systemd() as systemd:
        session.relay()
        session.mark()
        for _ in range(5):
            systemd.relay().close()
        until(lambda: not a.ask("sessions", after=0)["sessions"], what="the session's end")
        assert not systemd.asked()
        assert [e["result"] for e in a.lines() if e["event"] == "relay"] == ["restarted"] * 4 + ["system"]
        with pytest.raises((Closed, ConnectionRefusedError)):
            session.connect()


def test_no_descriptor_is_left(a, here, broker):
    """Of the broker and its keeper, whatever became of a session."""
    def open_here():
        serving = broker.pid
        children = subprocess.run(["pgrep", "-P", str(serving)], capture_output=True, text=True).stdout.split()
        return [len(os.listdir(f"/proc/{p}/fd")) for p in (serving, *children)]

    def files(s):
        for kind in ("cert", "key"):
            s.call("relay-file", fd=b"x", kind=kind)
        refused(s.call, "relay-file")

    before = open_here()
    with Systemd() as systemd:
        for _ in range(3):
            with Session(here, before=lambda: become(a.uid)) as s:
                files(s)
                refused(s.call, "relay")
            with Session(here, before=lambda: become(a.uid)) as s:
                files(s)
                s.relay()
                s.mark()
                systemd.relay().close()
                systemd.relay().begin()
                # its own, the listener, the process, two files: what the limit counts with
                until(lambda: open_here()[0] <= before[0] + 2 + 6, what="the client's connection alone")
            systemd.relays[-1].close()
            until(lambda: not a.ask("sessions", after=0)["sessions"], what="the session's end")
    until(lambda: open_here() == before, what="all closed")
