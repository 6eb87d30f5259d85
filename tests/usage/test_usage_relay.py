"""Quota numbers with a key that a relay alone uses: the relay asks, the worker gets the
answer without the key, and the status line the numbers.

What ccrun-relay does with `fetch` is in tests/relay/test_errand.py."""
import json
import os
import subprocess
import time

import pytest

import canary
import wire_client as wc
from built import BUILD, REPO
from client import until
from played_relay import RelayBroker, live
from relay_broker import TOKEN, Provider, answer
from relayed import Session, origin_of
from usage import DEEPSEEK, HELPER
from wire_client import Broker, in_child, mark, undumpable

pytestmark = pytest.mark.usefixtures("ordinary_user")

DEEPSEEK_HOST = "bearer https://api.deepseek.com/anthropic"
SEALED = "delivery=relay"
BODY = json.dumps(DEEPSEEK).encode()
ITEMS = [{"label": "bal", "amount": "110.00", "currency": "USD"}]


@pytest.fixture
def b():
    with RelayBroker() as broker:
        broker.init()
        broker.put("zai", TOKEN, SEALED, DEEPSEEK_HOST)
        yield broker


class Worker:
    """A process that asks as a worker does, and says what it was answered."""

    def __init__(self, b, kind="deepseek", name="zai", before=undumpable, then=None):
        self.child = wc.Child(self.run, b, {"name": name, **({"kind": kind} if kind is not None else {})}, before, then)

    @staticmethod
    def run(b, fields, before, then):
        before()
        with b.connect(timeout=12) as c:
            c.call("hello")
            answers = [c.ask("usage-next", **fields)]
            if then:
                answers.append(c.ask(*then[:1], **then[1]))
            return answers

    def answers(self):
        return self.child.result()


def with_value(b, **changes):
    """A session whose relay has the key, and the relay."""
    session, relay = live(b, origin=DEEPSEEK_HOST, **changes)
    assert relay.ask("value")["token"] == TOKEN.encode()
    return session, relay


def usages(b):
    return [(e["result"], e.get("entries"), e.get("why")) for e in b.lines() if e["event"] == "usage"]


# ---- the broker, with a relay that is played ------------------------------

@pytest.mark.parametrize("kind, origin, path, bearer", [
    ("deepseek", DEEPSEEK_HOST, "/user/balance", True),
    ("zai", "bearer https://api.z.ai/api/anthropic", "/api/monitor/usage/quota/limit", False),
    ("openrouter", "bearer http://127.0.0.1:9/api", "/api/v1/key", True)])
def test_the_relay_is_asked_and_the_worker_answered(b, kind, origin, path, bearer):
    b.put("zai", TOKEN, SEALED, origin, replace=True)
    session, relay = live(b, origin=origin)
    relay.ask("value")
    with session:
        worker = Worker(b, kind, then=("usage-put", {"items": ITEMS}))
        message, fd = relay.recv()
        assert message == {"op": "fetch", "id": 1, "index": 0, "path": path, "bearer": bearer} and fd is None
        relay.send("fetched", id=1, status=200, retry=0, body=BODY)
        assert worker.answers() == [
            {"v": 1, "ok": True, "fetch": True, "origin": origin, "status": 200, "retry": 0, "body": BODY},
            {"v": 1, "ok": True}]
        assert b.call("usage", name="zai")["items"] == ITEMS
        assert usages(b) == [("granted", "zai", "by the session's relay")]


def test_it_waits_for_a_relay_that_has_the_key(b):
    session, relay = live(b, origin=DEEPSEEK_HOST)
    with session:
        worker = Worker(b)
        assert relay.hears_nothing(1.5)
        relay.ask("value")
        assert relay.recv()[0]["op"] == "fetch"
        relay.send("fetched", id=1, error="network")
        assert worker.answers() == [{"v": 1, "ok": True, "fetch": True, "origin": DEEPSEEK_HOST, "error": "network"}]


def test_a_locked_vault_and_an_ended_session_ask_nobody(b):
    session, relay = with_value(b)
    with session:
        b.call("lock")
        assert relay.recv()[0]["op"] == "wipe"
        worker = Worker(b)
        assert relay.hears_nothing(1.5)
        b.unlock()
        relay.ask("value")
        assert relay.recv()[0]["op"] == "fetch"
        b.call("session-end", session=session.id)
        assert relay.recv()[0]["op"] == "wipe"
        # What it had begun is over, as the relay says.
        relay.send("fetched", id=1, error="missing")
        assert worker.answers()[0]["error"] == "missing"
        Worker(b)
        assert relay.hears_nothing(1.5)


def test_a_session_of_another_entry_is_not_asked(b):
    b.put("other", TOKEN, SEALED, DEEPSEEK_HOST)
    session, relay = live(b, "other", origin=DEEPSEEK_HOST)
    relay.ask("value")
    with session:
        Worker(b)
        assert relay.hears_nothing(1.5)


@pytest.mark.parametrize("kind", ["", "x", "/user/balance", "anthropic", "a" * 64, None])
def test_kinds_that_no_key_is_sent_for(b, kind):
    """anthropic: the client's own log-in, and none of an entry's."""
    session, relay = with_value(b)
    with session:
        (got,) = Worker(b, kind).answers()
        assert not got["ok"] and got["error"] in ("policy", "bad-value")
        assert relay.hears_nothing()
    assert usages(b) == []


@pytest.mark.parametrize("origin", [
    "bearer https://api.z.ai/api/anthropic", "bearer http://api.deepseek.com/anthropic",
    "bearer https://api.deepseek.com.evil.test", "bearer https://api.deepseek.com@evil.test",
    "bearer http://127.0.0.1.evil.test"])
def test_a_host_that_the_kind_does_not_ask(b, origin):
    b.put("zai", TOKEN, SEALED, origin, replace=True)
    session, relay = live(b, origin=origin)
    relay.ask("value")
    with session:
        (got,) = Worker(b).answers()
        assert got == {"v": 1, "ok": True, "fetch": True, "origin": origin, "error": "missing"}
        assert relay.hears_nothing()
    assert usages(b) == []


def test_a_key_for_a_header(b):
    b.put("gateway", TOKEN, SEALED, DEEPSEEK_HOST, variable="header:x-gateway")
    (got,) = Worker(b, name="gateway").answers()
    assert got["error"] == "policy"


def test_a_session_is_no_worker(b):
    session, relay = with_value(b)
    with session:
        def both():
            mark()
            undumpable()
        (got,) = Worker(b, before=both).answers()
        assert got["error"] == "marked" and relay.hears_nothing()


def test_numbers_before_the_relay_has_answered(b):
    """A worker owes nothing yet."""
    session, relay = with_value(b)

    def early():
        undumpable()
        with b.connect(timeout=12) as c:
            c.call("hello")
            c.send(wc.request("usage-next", name="zai", kind="deepseek"))
            time.sleep(0.3)
            c.send(wc.request("usage-put", items=ITEMS))
            first = wc.unpack(c.recv())
            return first, wc.unpack(c.recv())
    with session:
        child = wc.Child(early)
        assert relay.recv()[0]["op"] == "fetch"
        time.sleep(0.6)
        relay.send("fetched", id=1, status=200, retry=0, body=b"{}")
        first, second = child.result()
        assert first["error"] == "posture" and second["status"] == 200


def test_the_relays_end_is_told(b):
    session, relay = with_value(b)
    with session:
        worker = Worker(b)
        assert relay.recv()[0]["op"] == "fetch"
        relay.kill()
        assert worker.answers()[0]["error"] == "network"
        b.relay().begin()


def test_a_worker_that_ends_is_forgotten(b):
    session, relay = with_value(b)
    with session:
        worker = Worker(b)
        assert relay.recv()[0]["op"] == "fetch"
        os.kill(worker.child.pid, 9)
        time.sleep(0.3)
        relay.send("fetched", id=1, status=200, retry=0, body=b"{}")
        # Who comes and goes does not have the provider asked all the time.
        again = Worker(b)
        assert relay.hears_nothing(1.5)
        os.kill(again.child.pid, 9)
        assert len(usages(b)) == 1


@pytest.mark.parametrize("words", [{"id": 1, "status": 200, "retry": 0, "body": b"{}"}, {"id": 0, "error": "network"}])
def test_an_answer_that_nobody_asked_for_ends_a_relay(b, words):
    session, relay = with_value(b)
    with session:
        relay.send("fetched", **words)
        assert relay.ended()
        b.relay().begin()


@pytest.mark.parametrize("words", [{}, {"status": 200}, {"status": 200, "retry": 0, "body": "text"},
                                   {"error": 3}, {"error": "e" * 100}])
def test_a_malformed_answer_ends_a_relay(b, words):
    session, relay = with_value(b)
    with session:
        worker = Worker(b)
        assert relay.recv()[0]["op"] == "fetch"
        relay.send("fetched", id=1, **words)
        assert relay.ended()
        assert worker.answers()[0]["error"] == "network"
        b.relay().begin()


# ---- all of it, as it is -----------------------------------------------------

def reply(wire, request):
    """The provider's: quota is answered with an echo of the key beside the numbers."""
    echo = {**DEEPSEEK, "echo": request.headers["authorization"]}
    wire.sock.sendall(answer(echo if request.line.startswith("GET /user") else b"{}"))


class Whole:
    """A broker, a session by relay that has sent a request, and ccrun-usage for it."""

    def __init__(self, b, provider):
        self.b = b
        b.put("deepseek", TOKEN, SEALED, origin_of(provider))
        r, self.go_on = os.pipe()
        done, ready = os.pipe()
        self.session = wc.Child(self.run, provider, r, ready)
        assert os.read(done, 1) == b"y"
        for fd in (r, done, ready):
            os.close(fd)
        fd = os.pidfd_open(self.session.pid)
        with open(b.root / "err", "wb") as err:
            subprocess.run(["bash", "-c", f'exec "$@" 3<&{fd} {fd}<&-', "bash", str(HELPER), "--kind", "deepseek",
                            "--entry", "deepseek"], env=b.env, pass_fds=[fd], stderr=err, check=True)
        os.close(fd)

    def run(self, provider, r, ready):
        with Session(self.b, provider, "deepseek") as s:
            assert s.post().status == 200
            os.write(ready, b"y")
            os.read(r, 1)
            return True

    def line(self):
        """The status line's quota."""
        program = BUILD / "bin/ccrun-statusline"
        given = (REPO / "tests/statusline/turn.json").read_bytes()
        env = {**self.b.env, "NO_COLOR": "1", "TERM": "xterm", "CCRUN_PROVIDER": "deepseek"}
        return subprocess.run([program], input=given, env=env, capture_output=True, check=True).stdout.decode()

    def end(self):
        os.write(self.go_on, b"x")
        os.close(self.go_on)
        assert self.session.result()


def test_numbers_on_the_status_line():
    with Broker() as b, Provider(reply=reply) as provider:
        b.init()
        whole = Whole(b, provider)
        until(lambda: b.call("usage", name="deepseek")["state"] == "fresh", timeout=30,
              what=f"numbers: {(b.root / 'err').read_text()}")
        assert b.call("usage", name="deepseek")["items"] == ITEMS
        assert "$110.00" in whole.line()
        asked = [r for r in provider.requests if not r.line.startswith("POST")]
        assert [r.line for r in asked] == ["GET /user/balance HTTP/1.1"]
        assert asked[0].headers["authorization"] == "Bearer " + TOKEN
        assert usages(b) == [("granted", "deepseek", "by the session's relay")]
        assert not canary.scan_files(b.root, TOKEN)
        whole.end()


def test_what_failed_is_on_the_status_line():
    def refuse(wire, request):
        wire.sock.sendall(answer(b"{}", 200 if request.line.startswith("POST") else 401))
    with Broker() as b, Provider(reply=refuse) as provider:
        b.init()
        whole = Whole(b, provider)
        until(lambda: b.call("usage", name="deepseek")["state"] == "error", timeout=30, what="an error")
        assert b.call("usage", name="deepseek")["error"] == "unauthorized"
        assert "?" in whole.line()
        whole.end()
