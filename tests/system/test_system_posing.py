"""What runs as the user outside every session keeps the system broker from serving, and poses as
a broker of the user's own: what a person types for the one does not come to the other."""
import os
import signal
import time
from contextlib import contextmanager

import msgpack
import pytest

import wire_client
from ccrun import PASSPHRASE
from client import until
from played_broker import listening, refusal
from system_broker import BROKER_UID, SOCKET, STATE, become

pytestmark = pytest.mark.root

PLACES = 64


@pytest.fixture
def broker(system, request):
    """controls: what it does without, of the test's own parametrization."""
    with system.broker(controls=getattr(request, "param", ())) as b:
        yield b


@pytest.fixture
def a(broker, system, ep, token):
    with system.user(1, ep) as user:
        user.demo()
        user.init_system()
        user.add("demo", token)
        yield user


def pose(user, slots, log):
    """A process of the user's that nobody looks into.  It says of the slots what the real one does."""
    answers = {"hello": {"broker": "user", "version": "0", "state": "locked", "vault": "/x", "why": "request",
                         "asleep": 0, "watched": True, "delays": True}, "slots": slots}

    def serve(peer):
        while packet := peer.recv(wire_client.PACKET_MAX):
            request = msgpack.unpackb(packet)
            with log.open("a") as out:
                print(request["op"], request.get("key", b"").hex(), file=out)
            peer.send(wire_client.pack(**{"v": 1, "ok": True, **answers.get(request["op"], {})}))

    with listening(str(user.runtime / "ccrun/broker.sock"), serve):
        while True:
            time.sleep(60)


@contextmanager
def posing(user):
    """Yields what was asked of it: pairs of an op and a key."""
    slots = user.ask("slots")
    slots["slots"] = [{**s, "salt": bytes(s["salt"])} for s in slots["slots"]]
    log = user.home / "asked"

    def prepare():
        (user.runtime / "ccrun").mkdir(mode=0o700, exist_ok=True)
        (user.data / "ccrun").mkdir(mode=0o700, parents=True, exist_ok=True)
        (user.data / "ccrun/vault").write_bytes(b"not looked at")

    user.act(prepare)
    with user.busy(pose, user, slots, log):
        until(lambda: (user.runtime / "ccrun/broker.sock").exists(), what="what poses")
        yield lambda: [line.split(" ") for line in log.read_text().splitlines()] if log.exists() else []


def unasked(user):
    """What the system broker says unasked, or None."""
    def run():
        with wire_client.Client(SOCKET, timeout=1) as c:
            try:
                return wire_client.unpack(c.recv())
            except TimeoutError:
                return None
    return user.act(run)


def take_places():
    clients = []
    while len(clients) < PLACES:
        clients.append(wire_client.Client(SOCKET))
        try:
            clients[-1].call("hello")
        except (wire_client.Refused, wire_client.Closed):
            clients.pop().close()
            break
    while True:
        for c in list(clients):
            try:
                c.call("hello")
            except (wire_client.Refused, wire_client.Closed):
                clients.remove(c)
                clients.append(wire_client.Client(SOCKET))
        time.sleep(1)


def test_who_takes_the_places_keeps_its_user_out_of_nothing(a):
    with posing(a) as asked, a.busy(take_places):
        until(lambda: a.ask("status")["connections"] >= PLACES, what="all places taken")
        for words in (["unlock"], ["get", "demo"], ["lock"], ["unlock"], ["log"], ["log", "--verify"]):
            r = a.with_passphrase(*words) if words[0] in ("unlock", "get") else a.ccctl(*words)
            assert r.rc == 0, r
        assert asked() == []


def one_each():
    """More processes than there are places, each with one connection, and another when that is taken."""
    for _ in range(PLACES):
        if os.fork() == 0:
            while True:
                with wire_client.Client(SOCKET, timeout=60) as c:
                    c.recv()
    time.sleep(60)


def test_one_whose_place_is_taken_before_it_was_served_learns_that_its_vault_is_there(a):
    """ccctl is such a one, where so many come that its first request is not read."""
    with a.busy(one_each) as group:
        try:
            said = until(lambda: unasked(a), what="a place that is taken")
        finally:
            os.killpg(group, signal.SIGKILL)
    assert said["error"] == "timeout" and "silent for longest" in said["message"] and said["has_vault"] is True


@contextmanager
def refusing(broker, **said):
    """In the system broker's place one of its uid that serves nobody, and says so."""
    def serve(peer):
        peer.recv(wire_client.PACKET_MAX)
        peer.send(wire_client.pack(**{"v": 1, **refusal("busy"), **said}))
        peer.recv(wire_client.PACKET_MAX)

    def play():
        with listening(str(SOCKET), serve):
            SOCKET.chmod(0o666)
            time.sleep(60)

    broker.stop()
    pid = os.fork()
    if pid == 0:
        try:
            become(BROKER_UID)
            play()
        finally:
            os._exit(1)
    try:
        until(lambda: SOCKET.exists() and SOCKET.stat().st_mode & 0o777 == 0o666, what="what refuses")
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("said", [{}, {"has_vault": True}, {"has_vault": "no"}], ids=str)
def test_a_refusal_that_does_not_say_otherwise_sends_nobody_to_another_broker(a, broker, said):
    with posing(a) as asked, refusing(broker, **said):
        for words in (["unlock"], ["get", "demo"]):
            r = a.with_passphrase(*words)
            assert r.rc == 1 and "this is a test: busy" in r.err, r
        assert asked() == []


def test_a_refusal_that_says_so_leaves_the_users_own_broker(a, broker):
    with posing(a) as asked, refusing(broker, has_vault=False):
        a.ccctl("status")
        assert asked() != []


# What would be without the rule of whose place a newcomer gets: nothing is asked of what poses.
UNFAIR = pytest.mark.parametrize("broker", [("session-places",)], indirect=True)


@UNFAIR
def test_it_is_asked_for_nothing_while_the_places_are_taken(a):
    with posing(a) as asked, a.busy(take_places):
        said = until(lambda: unasked(a), what="no place")
        assert said["error"] == "busy" and said["has_vault"] is True
        for words in (["unlock"], ["get", "demo"], ["lock"], ["log"], ["log", "--verify"]):
            r = a.with_passphrase(*words) if words[0] in ("unlock", "get") else a.ccctl(*words)
            assert r.rc == 1 and f"has {PLACES} connections already" in r.err, r
        assert asked() == []


def test_it_does_not_get_what_was_typed_for_the_system_broker(a, broker):
    assert a.ccctl("lock").rc == 0
    with posing(a) as asked, a.screen([a.bin / "ccctl", "unlock"]) as s:
        s.wait("assphrase")
        broker.stop()
        s.send(PASSPHRASE + "\r")
        assert s.finish() == 1
        assert b"the system broker is not running" in s.raw, bytes(s.raw)
        assert asked() == []


def test_a_person_sees_that_it_is_not_the_system_broker(a, broker):
    """Nobody can tell what poses from a broker of the user's, where the one that could is down."""
    with posing(a):
        broker.stop()
        with a.screen([a.bin / "ccctl", "unlock"]) as s:
            s.wait(r"Passphrase for the vault of your own broker \(the system's is down\)")


@UNFAIR
def test_a_refusal_says_of_others_that_nothing_is_there(a, system, ep):
    with system.user(2, ep) as b:
        with b.busy(take_places):
            said = until(lambda: unasked(b), what="no place")
            assert said["error"] == "busy" and said["has_vault"] is False
            b.init()
            assert b.status()["broker"] == "user"
        assert not (STATE / "vaults" / str(b.uid) / "vault").exists()
