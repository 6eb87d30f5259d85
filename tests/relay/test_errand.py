"""ccrun-relay asks about quota for the broker: `fetch` and `fetched`."""
import socket
import threading

import pytest

import canary
from relay_broker import TOKEN, Provider, Relay, answer, chunk, readable, until

PATH = "/user/balance"


@pytest.fixture
def provider():
    with Provider() as p:
        yield p


def with_key(provider, **more):
    """A relay that has used its key once."""
    relay = Relay(provider.url, **more)
    assert relay.post().status == 200
    provider.requests.clear()
    return relay


def fetch(relay, n=1, path=PATH, bearer=True, index=0):
    relay.give("fetch", id=n, index=index, path=path, bearer=bearer)


def fetched(relay, n=1):
    """The n-th answer, which must be for n."""
    m = dict(relay.wait("fetched", n))
    assert m.pop("op") == "fetched" and m.pop("id") == n
    return m


def ask(relay, provider, reply, n=1):
    provider.reply = reply
    fetch(relay, n)
    return fetched(relay, n)


@pytest.mark.parametrize("bearer", [True, False])
def test_a_get_of_that_path_with_the_key(provider, bearer):
    with with_key(provider) as relay:
        provider.reply = answer({"balance": 3})
        fetch(relay, bearer=bearer)
        assert fetched(relay) == {"status": 200, "retry": 0, "body": b'{"balance": 3}'}
        (request,) = provider.requests
        assert request.line == f"GET {PATH} HTTP/1.1" and request.body == b""
        assert request.headers["authorization"] == ("Bearer " if bearer else "") + TOKEN
        assert request.headers["host"] == f"127.0.0.1:{provider.port}"
        assert request.headers["accept-encoding"] == "identity"
        assert len(relay.of("value")) == 1 and len(relay.of("use")) == 1


def test_the_path_is_not_below_the_endpoints():
    with Provider(path="/api/anthropic") as provider, with_key(provider) as relay:
        assert ask(relay, provider, answer({}))["status"] == 200
        assert provider.requests[0].line == f"GET {PATH} HTTP/1.1"


def test_the_second_key_of_two(provider):
    other = "sk-other-9876543210-abcdefghijklmnop"
    with with_key(provider, entries=("", "X-Gateway"), values=[(TOKEN, other)]) as relay:
        provider.reply = answer(("%s %s" % (TOKEN, other)).encode())
        fetch(relay, index=1)
        assert not canary.scan_bytes(fetched(relay)["body"], TOKEN)
        assert provider.requests[0].headers["authorization"] == "Bearer " + other
        assert "x-gateway" not in provider.requests[0].headers
        fetch(relay, 2, index=2)
        assert fetched(relay, 2) == {"error": "missing"}


def test_the_key_is_not_asked_for(provider):
    with Relay(provider.url) as relay:
        fetch(relay)
        assert fetched(relay) == {"error": "missing"}
        assert not relay.of("value") and not provider.connections


@pytest.mark.parametrize("path", ["", "x", "//evil", "/a?b", "/a/../b", "/" + "a" * 120])
def test_paths_that_are_none(provider, path):
    with with_key(provider) as relay:
        before = provider.connections
        fetch(relay, path=path)
        got = fetched(relay)
        if len(path) < 100:
            assert got == {"error": "missing"} and provider.connections == before
        else:
            assert provider.requests[0].line == f"GET {path} HTTP/1.1"


def echo_chunked(wire, request):
    key = request.headers["authorization"].encode()
    wire.sock.sendall(b"HTTP/1.1 200 OK\r\nX-Key: " + key + b"\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      chunk(b"a" + key[:20]) + chunk(key[20:] + b"b") + chunk(b""))


def echo_to_the_end(wire, request):
    key = request.headers["authorization"].encode()
    wire.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\na" + key + b"b")
    wire.sock.shutdown(socket.SHUT_WR)


def echo_with_length(wire, request):
    wire.sock.sendall(answer(b"a" + request.headers["authorization"].encode() + b"b"))


@pytest.mark.parametrize("echo", [echo_chunked, echo_to_the_end, echo_with_length])
def test_a_key_that_is_echoed_is_cut_out(provider, echo):
    with with_key(provider) as relay:
        got = ask(relay, provider, echo)
        assert got == {"status": 200, "retry": 0, "body": b"aBearer " + b"*" * len(TOKEN) + b"b"}


def test_a_compressed_answer_may_hide_it(provider):
    with with_key(provider) as relay:
        assert ask(relay, provider, answer(b"x", headers=[("Content-Encoding", "gzip")])) == {"error": "answer"}


@pytest.mark.parametrize("reply, want", [
    (answer(b"x" * 49152), {"status": 200, "retry": 0, "body": b"x" * 49152}),
    (answer(b"x" * 49153), {"error": "too-large"}),
    (answer(b"x" * (1 << 20)), {"error": "too-large"}),
    (answer(b"", headers=[("X-Long", "x" * 70000)]), {"error": "answer"}),
    (answer(b"no", 429, [("Retry-After", "300")]), {"status": 429, "retry": 300, "body": b"no"}),
    (answer(b"", 429, [("Retry-After", "99999999")]), {"status": 429, "retry": 0, "body": b""}),
    (answer(b"", 302, [("Location", "http://127.0.0.1:9/")]), {"status": 302, "retry": 0, "body": b""}),
    (b"HTTP/1.1 204 No\r\n\r\n", {"status": 204, "retry": 0, "body": b""}),
    (b"nonsense\r\n\r\n", {"error": "answer"}),
], ids=["as large as may be", "larger", "much larger", "a large head", "429", "429 for long", "302", "204", "none"])
def test_answers(provider, reply, want):
    with with_key(provider) as relay:
        assert ask(relay, provider, reply) == want
        # And another one follows.
        assert ask(relay, provider, answer(b"{}"), 2)["status"] == 200


def cut(wire, _):
    wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    wire.sock.shutdown(socket.SHUT_RDWR)


def test_an_answer_that_is_cut(provider):
    with with_key(provider) as relay:
        assert ask(relay, provider, cut) == {"error": "network"}


def test_nobody_listens(provider):
    with with_key(provider) as relay:
        provider.close()
        fetch(relay)
        assert fetched(relay) == {"error": "network"}


class Held:
    """A provider's answer that begins, and then waits."""

    def __init__(self):
        self.began, self.gone, self.go_on = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, wire, request):
        if request.line.startswith("POST"):
            wire.sock.sendall(answer(b"{}"))
            return
        key = request.headers["authorization"].encode()
        wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + key)
        self.began.set()
        while not self.go_on.is_set():
            if readable(wire.sock, 0.05):
                self.gone.set()
                assert not wire.sock.recv(1)
                return


def test_a_wipe_in_the_middle(provider):
    held = Held()
    with with_key(provider) as relay:
        provider.reply = held
        fetch(relay)
        assert held.began.wait(20)
        relay.wipe()
        assert fetched(relay) == {"error": "missing"}
        assert held.gone.wait(20)
        fetch(relay, 2)
        assert fetched(relay, 2) == {"error": "missing"}
        # The next request has the key again, and so the next question.
        provider.reply = answer(b"{}")
        assert relay.post().status == 200
        fetch(relay, 3)
        assert fetched(relay, 3)["status"] == 200


def test_requests_go_on_beside_it_and_it_is_one(provider):
    held = Held()
    with with_key(provider) as relay:
        provider.reply = held
        fetch(relay, 7)
        assert held.began.wait(20)
        assert relay.post().status == 200
        fetch(relay, 8)
        assert relay.wait("fetched") == {"op": "fetched", "id": 8, "error": "missing"}
        # It is over within its time, and what began of it is not passed on.
        assert relay.wait("fetched", 2) == {"op": "fetched", "id": 7, "error": "timeout"}
        assert held.gone.wait(20)
        until(lambda: relay.post().status == 200, "it relays")


def test_the_end_in_the_middle(provider):
    held = Held()
    with with_key(provider) as relay:
        provider.reply = held
        fetch(relay)
        assert held.began.wait(20)
    assert held.gone.wait(20)
    assert not relay.of("fetched")


def test_the_broker_never_hears_the_key(provider):
    with with_key(provider) as relay:
        for n, echo in enumerate((echo_chunked, echo_to_the_end, echo_with_length), 1):
            ask(relay, provider, echo, n)
        assert not canary.scan_bytes(repr(relay.messages), TOKEN)
