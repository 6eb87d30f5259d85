"""A key's limit, and the relay's and the broker's memory and time, against clients and
providers that mean ill: the limit holds, or what passed it is counted; memory is bounded;
others are served meanwhile."""
import gzip
import json
import os
import resource
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

import wire_client as wc
from api_shapes import message
from client import children_named, until
from relay_broker import STREAM, STREAM_HEAD, Provider, UnixConnection, answer, chunk
from relayed import Session, sealed

BODY = b'{"model":"claude-asked-1"}'
BOUNDED = b'{"model":"claude-asked-1","max_tokens":4096}'
ROOM = 48 << 10  # KiB of a relay's memory, whatever happens to it


@pytest.fixture
def b():
    with wc.Broker() as broker:
        broker.init()
        yield broker


def used(b):
    rows = b.call("spent", **{"from": 0})["rows"]
    return {k: sum(r[k] for r in rows) for k in ("requests", "estimated", "input", "output")}


def settled(b, n):
    until(lambda: used(b)["requests"] >= n, what="the answer's numbers")
    return used(b)


def in_session(b, provider, function):
    """function(session) in a process that is one."""
    def child():
        with Session(b, provider) as s:
            return function(s)
    return wc.in_child(child, timeout=60)


def at_once(n, function):
    said = [None] * n

    def one(i):
        said[i] = function()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return said


# ---- the limit ---------------------------------------------------------

def test_requests_at_once_share_what_is_left(b):
    with Provider() as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="3/day")
        said = in_session(b, provider, lambda s: at_once(12, lambda: until(lambda: posted(s))))
        assert sorted(said) == [200] * 3 + [429] * 9 and len(provider.requests) == 3


def test_who_leaves_in_mid_stream_pays(b):
    gone = threading.Event()

    def reply(wire, _request):
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]) + chunk(b": " + b"x" * 8000 + b"\n\n"))
        gone.wait(20)
    with Provider(reply) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="30k/day")

        def leave(s):
            for _ in range(3):
                c = UnixConnection(s.path)
                c.request("POST", "/v1/messages", BODY + b" " * 30000, {"Content-Type": "application/json"})
                r = c.getresponse()
                if r.status != 200:
                    return r.status
                r.read(4000)
                c.sock.close()
                r.close()
                c.close()
                time.sleep(0.2)
            return 200
        assert in_session(b, provider, leave) == 429
        gone.set()
        sums = used(b)
        assert sums["estimated"] == sums["requests"] == len(provider.requests) <= 2
        assert sums["input"] >= 10000 and sums["output"] >= 2000


ABSURD = [-5, -2**63, 2**63, 2**64, 2**64 - 1, 10**400, 1.5, 1e300, "7", None, [], {"a": 1}, True]


@pytest.mark.parametrize("number", ABSURD, ids=lambda n: str(n)[:24])
def test_absurd_numbers_lower_nothing(b, number):
    whole = message("claude-test-1", [{"type": "text", "text": "hello"}], "end_turn")
    whole["usage"] = {k: number for k in whole["usage"] if k.endswith("tokens")}
    with Provider(answer(whole)) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="10k/day")
        said = in_session(b, provider, lambda s: [s.post(BOUNDED).status for _ in range(4)])
    # As if it had said nothing: by the estimate, of which two fit.
    assert said == [200, 200, 429, 429], (said, used(b))
    sums = used(b)
    assert sums["estimated"] == sums["requests"] == 2 and 2 * 4096 <= sums["output"] < 10000, sums


@pytest.mark.parametrize("shape", ["gzip", "br", "type", "none", "empty"])
def test_an_answer_that_hides_its_numbers_is_estimated(b, shape):
    whole = message("claude-test-1", [{"type": "text", "text": "hello"}], "end_turn")
    whole["usage"].update(input_tokens=1, output_tokens=1)
    if shape in ("none", "empty"):
        whole["usage"] = {} if shape == "empty" else None
    body = json.dumps(whole).encode()
    if shape == "gzip":
        body = gzip.compress(body)
    headers = [("Content-Encoding", shape)] if shape in ("gzip", "br") else []
    kind = "application/octet-stream" if shape == "type" else "application/json"
    with Provider(answer(body, headers=headers, kind=kind)) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="100k/day")
        assert in_session(b, provider, lambda s: s.post(BODY).status) == 200
        sums = settled(b, 1)
    assert sums["estimated"] == 1 and sums["input"] >= len(BODY) // 3 and sums["output"] >= 4096, sums


def test_the_file_is_of_no_use_while_the_broker_runs(b):
    """After its end it is, with a user broker (docs/DEFENCES.md)."""
    with Provider() as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="2/day")
        path = b.data / "spending"
        assert in_session(b, provider, lambda s: s.post(BODY).status) == 200
        settled(b, 1)
        path.unlink()
        assert in_session(b, provider, lambda s: s.post(BODY).status) == 200
        settled(b, 2)
        path.write_bytes(b"")
        assert in_session(b, provider, lambda s: s.post(BODY).status) == 429
        assert used(b)["requests"] == 2 and len(provider.requests) == 2


# ---- memory and time ---------------------------------------------------

def relays(tests=os.getpid()):
    """Those of our broker; they are orphans, which come to the tests' process."""
    return children_named(tests, "ccrun-relay")


def most(pids):
    """The most memory that one of them ever had, in KiB."""
    found = [0]
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        found += [int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM")]
    return max(found)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HOSTILE = {
    "a head without an end": lambda: (HEAD + b"X: ", b"y" * 65536),
    "fields without an end": lambda: (HEAD, b"X-Some: field\r\n" * 4000),
    "a body without an end": lambda: (CHUNKED, chunk(b"z" * 65536)),
    "one chunk without an end": lambda: (CHUNKED + b"7fffffffffffffff\r\n", b"z" * 65536),
    "a chunk's size without an end": lambda: (CHUNKED + b"1;x=", b"y" * 65536),
    "trailers without an end": lambda: (CHUNKED + b"0\r\n", b"X-Some: field\r\n" * 4000),
    "a size over all numbers": lambda: (CHUNKED + b"1" * 40 + b"\r\n", b"z" * 65536),
    "a negative size": lambda: (CHUNKED + b"-1\r\n", b"z" * 65536),
    "an event without an end": lambda: (STREAM_HEAD, chunk(b"data: " + b"z" * 65000)),
    "json without an end": lambda: (CHUNKED, chunk(b'{"usage":' * 7000)),
    "a bomb": lambda: (HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
                       chunk(gzip.compress(bytes(64 << 20)))),
    "many heads of information": lambda: (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nX: y\r\n\r\n" * 2000),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_what_a_provider_sends_without_an_end(b, shape):
    first, more = HOSTILE[shape]()
    sent = []

    def reply(wire, request):
        if b"hostile" not in request.body:
            wire.sock.sendall(answer({"data": []}))
            return
        wire.sock.sendall(first)
        total = 0
        while total < 64 << 20:
            wire.sock.sendall(more)
            total += len(more)
            sent.append(len(more))
        wire.sock.close()
    with Provider(reply) as provider:
        sealed(b, provider)

        def child(s):
            got, status = 0, 0
            with socket.socket(socket.AF_UNIX) as c:
                c.connect(s.path)
                c.settimeout(30)
                ask = b'{"model":"hostile"}'
                c.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: ccrun.invalid\r\nContent-Length: %d\r\n\r\n" % len(ask)
                          + ask)
                try:
                    while part := c.recv(1 << 18):
                        status = status or int(part.split()[1])
                        got += len(part)
                except ConnectionResetError:
                    pass
            return status, got, s.post(BODY).status, most(relays())
        status, _, after, memory = in_session(b, provider, child)
    assert status in (200, 502), status
    assert after == 200, "and the next request is served"
    assert 0 < memory < ROOM, memory


def test_a_client_of_a_thousand_connections(b):
    """Half a request on each.  The broker and another session do not notice."""
    soft = min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    on, go = os.pipe()
    up, tell = os.pipe()
    with Provider() as provider:
        sealed(b, provider)

        def child(s):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
            held = []
            for _ in range(1000):
                c = socket.socket(socket.AF_UNIX)
                c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 2000))
                try:
                    c.connect(s.path)
                    c.send(b"POST /v1/messages HTTP/1.1\r\nHost: ccrun.invalid\r\nContent-Length: 100\r\n\r\n{")
                    held.append(c)
                except (BlockingIOError, BrokenPipeError):
                    c.close()
            os.write(tell, b"x")
            os.read(on, 1)
            memory = most(relays())
            for c in held:
                c.close()
            # As soon as those that wait to be accepted have been found to be closed.
            return len(held), memory, until(lambda: posted(s))
        first = wc.Child(lambda: in_session_here(b, provider, child))
        os.read(up, 1)
        began = time.monotonic()
        assert b.call("status")["relays"] == 1
        assert in_session(b, provider, lambda s: s.post(BODY).status) == 200
        print(f"another session's whole life took {time.monotonic() - began:.3f} s meanwhile")
        os.write(go, b"x")
        held, memory, after = first.result(60)
    assert held >= 40 and after == 200
    assert 0 < memory < ROOM, memory


def posted(s):
    try:
        return s.post(BODY).status
    except BlockingIOError:
        return None


def in_session_here(b, provider, function):
    with Session(b, provider) as s:
        return function(s)


def test_heads_that_come_byte_by_byte(b):
    """They take places of their own session alone, and it gets those back."""
    with Provider() as provider:
        sealed(b, provider)

        def child(s):
            slow = []
            for _ in range(30):
                c = socket.socket(socket.AF_UNIX)
                c.connect(s.path)
                slow.append(c)
            said = []
            for byte in b"POST /v1/messages HTTP/1.1\r\nHost: cc":
                for c in slow:
                    c.send(bytes([byte]))
            said.append(until(lambda: posted(s)))
            for c in slow:
                c.close()
            said.append(until(lambda: posted(s)))
            return said
        assert in_session(b, provider, child) == [200, 200]
        assert len(provider.requests) == 2
