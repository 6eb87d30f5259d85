"""ccrun-relay between a session and a provider: what passes, and what it becomes."""
import gzip
import json
import os
import re
import select
import socket
import struct
import threading
from contextlib import ExitStack

import pytest

from endpoint import Endpoint, Text
from relay_broker import (MESSAGE, STREAM, STREAM_HEAD, TOKEN, Provider, Relay, answer, chunk, read_to_end, readable,
                          stream, until)

HOST = "Host: a\r\n"


@pytest.fixture
def provider():
    with Provider() as p:
        yield p


def error_of(response):
    whole = json.loads(response.data)
    assert whole["type"] == "error"
    return whole["error"]["message"]


# ---- what passes -------------------------------------------------------

MESSAGES = [("POST", "/v1/messages", True), ("POST", "/v1/messages?beta=true", True),
            ("POST", "/v1/messages/count_tokens", True), ("GET", "/v1/models", True),
            ("GET", "/v1/models?limit=20", True), ("GET", "/v1/models/claude-x", True),
            ("GET", "/v1/messages", False), ("POST", "/v1/messages/batches", False), ("POST", "/v1/files", False),
            ("GET", "/v1/organizations/keys", False), ("GET", "/api/v1/key", False), ("POST", "/v1/messages?a=b", False),
            ("GET", "/v1/models/a%2Fb", False), ("POST", "/model/a/invoke", False)]
ARN = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.anthropic.claude-x-v1%3A0"
BEDROCK = [("POST", f"/model/{m}/{op}", True) for m in ("eu.anthropic.claude-x-v1:0", "claude-x-v1%3A0", ARN)
           for op in ("invoke", "invoke-with-response-stream", "converse", "converse-stream", "count-tokens")]
BEDROCK += [("POST", "/v1/messages", False), ("GET", "/foundation-models", False), ("POST", "/model/a/b/invoke", False),
            ("POST", "/model/a%2F..%2Fb/invoke", False), ("GET", "/model/a/invoke", False)]


@pytest.mark.parametrize("auth, rows", [("bearer", MESSAGES), ("api-key", MESSAGES), ("foundry", MESSAGES),
                                        ("bedrock", BEDROCK)])
def test_routes(provider, auth, rows):
    with Relay(provider.url, auth=auth) as relay:
        for method, path, passes in rows:
            before = len(provider.requests)
            response = relay.post(path) if method == "POST" else relay.get(path)
            if passes:
                assert response.status == 200, path
                assert provider.requests[-1].line == f"{method} {path} HTTP/1.1"
            else:
                assert response.status in (400, 404), path
                assert error_of(response).startswith("ccrun: ")
                assert len(provider.requests) == before, path
        assert relay.wait("refusal")


@pytest.mark.parametrize("auth, field, value", [
    ("bearer", "authorization", "Bearer " + TOKEN), ("api-key", "x-api-key", TOKEN), ("foundry", "x-api-key", TOKEN),
    ("bedrock", "authorization", "Bearer " + TOKEN)])
def test_which_field_bears_the_key(provider, auth, field, value):
    path = "/model/a/invoke" if auth == "bedrock" else "/v1/messages"
    with Relay(provider.url, auth=auth) as relay:
        sent = {"Authorization": "Bearer mine", "X-Api-Key": "mine", "Cookie": "a=mine", "X-Private": "mine",
                "X-Forwarded-Host": "mine", "Anthropic-Version": "2023-06-01", "Connection": "x-app", "X-App": "mine"}
        assert relay.post(path, headers=sent).status == 200
    got = provider.requests[0]
    assert got.headers.pop(field) == value
    assert not [v for v in got.headers.values() if "mine" in v or TOKEN in v]
    assert got.headers["anthropic-version"] == "2023-06-01"
    assert got.headers["accept-encoding"] == "identity"
    assert got.names.count("Host") == 1 and got.headers["host"] == provider.url.split("//")[1]


def test_further_secrets_and_added_fields(provider):
    second, third = "second-secret-0123456789", "third-secret-0123456789"
    with Relay(provider.url, values=[(TOKEN, second, third)], entries=("", "x-gate", "cf-aig-authorization:Bearer"),
               added=(("x-team", "blue"), ("x-portkey-config", "pc 1: a"))) as relay:
        relay.post(headers={"CF-AIG-Authorization": "mine", "X-Gate": "mine", "X-Team": "red", "x-portkey-config": "evil",
                            "x-portkey-custom-host": "https://evil.test"})
    got = provider.requests[0]
    assert got.headers["authorization"] == "Bearer " + TOKEN
    assert (got.headers["x-gate"], got.headers["cf-aig-authorization"]) == (second, "Bearer " + third)
    assert (got.headers["x-team"], got.headers["x-portkey-config"]) == ("blue", "pc 1: a")
    assert not [n for n in ("X-Team", "x-portkey-custom-host") if n in got.names]


def test_added_fields_of_all_the_length_that_can_be_sealed(provider):
    added = [(f"x-added-{i}", "v" * 110) for i in range(16)]
    with Relay(provider.url, added=added) as relay:
        assert relay.post().status == 200
    assert [provider.requests[0].headers[name] for name, _ in added] == [value for _, value in added]


def test_the_sealed_path_is_put_before(provider):
    with Relay(provider.url + "/api/anthropic/") as relay:
        relay.post("/v1/messages?beta=true")
    assert provider.requests[0].line == "POST /api/anthropic/v1/messages?beta=true HTTP/1.1"


SMUGGLED = {
    "both framings": (HOST + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "two lengths": (HOST + "Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
    "a length with a sign": (HOST + "Content-Length: +2\r\n", b"{}"),
    "another coding": (HOST + "Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "a folded line": (HOST + "Content-Length: 2\r\nX-A: b\r\n c\r\n", b"{}"),
    "a blank before the colon": (HOST + "Content-Length : 2\r\n", b"{}"),
    "a bare line feed": (HOST + "Content-Length: 2\n", b"{}"),
    "no host": ("Content-Length: 2\r\n", b"{}"),
    "two hosts": (HOST + HOST + "Content-Length: 2\r\n", b"{}"),
    "an underscore": (HOST + "Content_Length: 2\r\n", b"{}"),
    "a form": (HOST + "Content-Length: 2\r\nContent-Type: application/x-www-form-urlencoded\r\n", b"{}"),
    "another charset": (HOST + "Content-Length: 2\r\nContent-Type: application/json; charset=utf-7\r\n", b"{}"),
    "two types": (HOST + "Content-Length: 2\r\n" + 2 * "Content-Type: application/json\r\n", b"{}"),
    "expect": (HOST + "Content-Length: 2\r\nExpect: 100-continue\r\n", b"{}"),
    "upgrade": (HOST + "Content-Length: 2\r\nUpgrade: h2c\r\n", b"{}"),
    "a chunk's extension": (HOST + "Transfer-Encoding: chunked\r\n", b"2;a=b\r\n{}\r\n0\r\n\r\n"),
    "a trailer": (HOST + "Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\nX-Api-Key: a\r\n\r\n"),
    "a chunk that is longer than it says": (HOST + "Transfer-Encoding: chunked\r\n", b"1\r\n{}\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("shape", SMUGGLED)
def test_what_two_readers_read_differently_is_refused(provider, shape):
    fields, body = SMUGGLED[shape]
    with Relay(provider.url) as relay:
        got = relay.exchange(f"POST /v1/messages HTTP/1.1\r\n{fields}\r\n".encode() + body)
        assert re.match(rb"HTTP/1.1 (400|411|415|417|501) ", got), got
        assert b"connection: close" in got
        assert relay.wait("refusal")["what"]
    assert not provider.requests


def test_heads_that_never_end_keep_no_request_out(provider):
    """More than it has room for."""
    begun = b"P", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\n"
    with Relay(provider.url) as relay, ExitStack() as held:
        slow = [held.enter_context(relay.raw()) for _ in range(66)]
        for i, s in enumerate(slow):
            s.sendall(begun[i % len(begun)])
        assert relay.post().status == 200
        assert slow[0].recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_line_that_is_no_request(provider):
    with Relay(provider.url) as relay:
        for line in (b"CONNECT a:443 HTTP/1.1", b"GET http://a/v1/models HTTP/1.1", b"GET /v1/models HTTP/1.0",
                     b"\x16\x03\x01\x02\x00\x01\x00", b"GET /v1/../v1/models HTTP/1.1", b"DELETE /v1/models HTTP/1.1"):
            got = relay.exchange(line + b"\r\nHost: a\r\n\r\n")
            assert re.match(rb"HTTP/1.1 (400|405|505) ", got), (line, got)
    assert not provider.connections


# ---- framing -----------------------------------------------------------

def test_bodies_in_chunks(provider):
    provider.reply = stream()
    with Relay(provider.url) as relay:
        pieces = [b'{"model":', b'"a"', b"}" + b" " * 40000]
        response = relay.post(body=iter(pieces), headers={"Transfer-Encoding": "chunked"})
        assert response.data == b"".join(STREAM)
        assert response.headers["transfer-encoding"] == "chunked"
        assert relay.wait("use")["bytes"] == sum(map(len, pieces))
    got = provider.requests[0]
    assert got.headers["transfer-encoding"] == "chunked" and "content-length" not in got.headers
    assert got.body == b"".join(pieces)


def test_a_body_that_ends_with_the_connection(provider):
    def reply(wire, _):
        wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + json.dumps(MESSAGE).encode())
        wire.sock.shutdown(socket.SHUT_RDWR)
    provider.reply = reply
    with Relay(provider.url) as relay:
        assert json.loads(relay.post().data) == MESSAGE
        assert relay.wait("use")["complete"]


def test_no_body(provider):
    provider.reply = b"HTTP/1.1 204 No\r\n\r\n"
    with Relay(provider.url) as relay:
        c = relay.connect()
        assert [relay.post(connection=c).status for _ in range(3)] == [204] * 3


def test_thirty_mebibytes_up_and_down(provider):
    body = os.urandom(1 << 20) * 30
    provider.reply = lambda wire, request: wire.sock.sendall(answer(request.body, kind="application/octet-stream"))
    with Relay(provider.url) as relay:
        assert relay.post(body=body).data == body
        assert relay.post(body=iter([body]), headers={"Transfer-Encoding": "chunked"}).data == body


def test_a_stream_comes_as_it_is_written(provider):
    more = threading.Event()

    def reply(wire, _):
        wire.sock.sendall(STREAM_HEAD)
        for frame in STREAM:
            wire.sock.sendall(chunk(frame))
            assert more.wait(30)
            more.clear()
        wire.sock.sendall(chunk(b""))
    provider.reply = reply
    with Relay(provider.url) as relay:
        c = relay.connect()
        c.request("POST", "/v1/messages", b"{}")
        response = c.getresponse()
        for frame in STREAM:
            assert response.read1(1 << 16) == frame
            more.set()
        assert response.read() == b""
        used = relay.wait("use")
        assert (used["complete"], used["input"], used["output"]) == (True, 10, 5)


def test_twenty_streams_at_once(provider):
    together = threading.Barrier(20, timeout=30)

    def reply(wire, request):
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]))
        together.wait()
        wire.sock.sendall(b"".join(map(chunk, [*STREAM[1:], request.body, b""])))
    provider.reply = reply
    with Relay(provider.url) as relay:
        got = [None] * 20

        def ask(i):
            got[i] = relay.post(body=b'{"n":%d}' % i).data
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert got == [b"".join(STREAM) + b'{"n":%d}' % i for i in range(20)]
        assert provider.connections == 20
        assert len(relay.of("value")) == 1
        until(lambda: len(relay.of("use")) == 20)


def test_a_hundred_requests_on_one_connection(provider):
    with Relay(provider.url) as relay:
        c = relay.connect()
        for i in range(100):
            assert relay.post(body=b'{"n":%d}' % i, connection=c).status == 200
        assert relay.get(connection=c).status == 200
    assert provider.connections == 1
    assert [r.body for r in provider.requests[:100]] == [b'{"n":%d}' % i for i in range(100)]


def test_requests_behind_each_other_wait_their_turn(provider):
    request = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n%s\r\n{}"
    with Relay(provider.url) as relay:
        got = relay.exchange(request % b"" * 2 + request % b"Connection: close\r\n")
    assert got.count(b"HTTP/1.1 200 ") == 3
    assert provider.connections == 1


def test_the_model_is_found(provider):
    provider.reply = answer({"type": "error"}, status=500)
    with Relay(provider.url) as relay:
        body = json.dumps({"model": "claude-asked-1", "messages": []}).encode()
        with relay.raw() as s:
            s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
            assert not readable(s, 0.2)
            s.sendall(body)
            s.shutdown(socket.SHUT_WR)
            assert b" 500 " in s.recv(65536)
        used = relay.wait("use")
        assert used["model"] == "claude-asked-1"
        assert (used["status"], used["billed"], used["complete"]) == (500, False, False)


# ---- answers that are no message ---------------------------------------

def test_a_compressed_answer_is_not_believed(provider):
    whole = gzip.compress(json.dumps(MESSAGE).encode())
    provider.reply = answer(whole, headers=[("Content-Encoding", "gzip")])
    with Relay(provider.url) as relay:
        response = relay.post()
        assert response.headers["content-encoding"] == "gzip" and response.data == whole
        used = relay.wait("use")
        assert (used["billed"], used["complete"]) == (True, False) and "output" not in used


@pytest.mark.parametrize("path, billed", [("/v1/messages", True), ("/v1/messages/count_tokens", False)])
def test_an_unknown_type_is_not_believed(provider, path, billed):
    provider.reply = answer(json.dumps(MESSAGE).encode(), kind="text/plain")
    with Relay(provider.url) as relay:
        relay.post(path)
        relay.get()
        relay.post()
        used = relay.wait("use")
        assert (used["billed"], used["complete"], used["id"]) == (True, False, 1 if billed else 3)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 529])
def test_a_providers_error_passes(provider, status):
    provider.reply = answer(b'{"type":"error"}', status, [("Retry-After", "7"), ("X-Should-Retry", "true"),
                                                         ("Set-Cookie", "a=b")])
    with Relay(provider.url) as relay:
        response = relay.post()
        assert (response.status, response.data) == (status, b'{"type":"error"}')
        assert response.headers["retry-after"] == "7" and response.headers["x-should-retry"] == "true"
        assert "set-cookie" not in response.headers
        assert relay.wait("use")["status"] == status


def test_a_key_that_the_provider_refuses_is_on_record_once(provider):
    """The client answers a 401 with `Please run /login`, which is not what the key needs."""
    provider.reply = answer(b'{"type":"error"}', 401)
    with Relay(provider.url) as relay:
        for _ in range(3):
            assert relay.post().status == 401
        relay.wait("use", 3)
        host = provider.url.partition("//")[2]
        assert [m["what"] for m in relay.of("failure")] == [f"{host} refuses the key (HTTP 401)"]


def test_a_redirect_is_not_followed(provider):
    with Provider() as other:
        provider.reply = answer(b"", 307, [("Location", other.url + "/v1/messages")])
        with Relay(provider.url) as relay:
            assert relay.post().status == 307
        assert not other.connections


def test_informational_heads_are_skipped(provider):
    provider.reply = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n" + answer(MESSAGE)
    with Relay(provider.url) as relay:
        response = relay.post()
        assert response.status == 200 and json.loads(response.data) == MESSAGE


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", b"SSH-2.0-a\r\n",
                                  b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc"],
                         ids=["two lengths", "no HTTP", "coding"])
def test_what_is_no_answer(provider, data):
    provider.reply = data
    with Relay(provider.url) as relay:
        response = relay.post()
        assert response.status == 502 and "127.0.0.1" in error_of(response)
        assert relay.wait("failure")


# ---- time, and ends ----------------------------------------------------

def test_a_slow_first_byte(provider):
    go = threading.Event()

    def reply(wire, _):
        assert go.wait(30)
        wire.sock.sendall(answer(MESSAGE))
    provider.reply = reply
    with Relay(provider.url) as relay:
        c = relay.connect()
        c.request("POST", "/v1/messages", b"{}")
        until(lambda: provider.requests)
        assert not readable(c.sock, 0.5)
        go.set()
        assert c.getresponse().status == 200


@pytest.mark.parametrize("part", [STREAM_HEAD + chunk(STREAM[0]), STREAM_HEAD, STREAM_HEAD + b"100\r\nabc",
                                  answer(MESSAGE)[:-5]], ids=["event", "head", "chunk", "length"])
@pytest.mark.parametrize("reset", [False, True])
def test_an_answer_that_is_cut_stays_cut(provider, part, reset):
    def reply(wire, _):
        wire.sock.sendall(part)
        if reset:
            until(lambda: seen)
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.sock.close()
    provider.reply = reply
    seen = []
    with Relay(provider.url) as relay:
        with relay.raw() as s:
            s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
            got = s.recv(1 << 16)
            seen.append(got)
            got += read_to_end(s)
        assert got.startswith(b"HTTP/1.1 200 ") and not got.endswith(b"0\r\n\r\n")
        used = relay.wait("use")
        assert (used["billed"], used["complete"]) == (True, False)
        if STREAM[0] in part:
            assert used["input"] == 10


@pytest.mark.parametrize("reset", [False, True])
def test_no_answer_at_all(provider, reset):
    def reply(wire, _):
        if reset:
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.sock.close()
    provider.reply = reply
    with Relay(provider.url) as relay:
        response = relay.post()
        assert response.status == 502 and error_of(response).startswith("ccrun: 127.0.0.1:")
        used = relay.wait("use")
        assert (used["status"], used["billed"], used["complete"]) == (0, True, False)
        assert used["bytes"] == len(b'{"model":"claude-asked-1"}')


def test_no_answer_to_half_a_request(provider):
    """What is not whole nobody answers, and bills."""
    with Relay(provider.url) as relay:
        provider.begin = lambda wire: (wire.head(), wire.sock.close())
        with relay.raw() as s:
            s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n" + b'{"model":"m",')
            assert b" 502 " in s.recv(65536)
        used = relay.wait("use")
        assert (used["status"], used["billed"]) == (0, False)


def test_an_answer_whose_head_cannot_be_passed_on(provider):
    provider.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: " + b"a" * 300000 + b"\r\n\r\n{}"
    with Relay(provider.url) as relay:
        assert relay.post().status == 502
        used = relay.wait("use")
        assert (used["billed"], used["complete"]) == (True, False)


def test_the_client_leaves_in_mid_stream(provider):
    gone = threading.Event()

    def reply(wire, _):
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]))
        try:
            wire.more()
        finally:
            gone.set()
    provider.reply = reply
    with Relay(provider.url) as relay:
        c = relay.connect()
        c.request("POST", "/v1/messages", b"{}")
        response = c.getresponse()
        assert response.read1(1 << 16) == STREAM[0]
        c.close()
        response.close()
        used = relay.wait("use")
        assert (used["billed"], used["complete"], used["input"]) == (True, False, 10)
        assert gone.wait(30)


def test_the_client_leaves_before_the_answer(provider):
    provider.reply = lambda wire, _: wire.more()
    with Relay(provider.url) as relay:
        c = relay.connect()
        c.request("POST", "/v1/messages", b"{}")
        until(lambda: provider.requests)
        c.close()
        used = relay.wait("use")
        assert (used["billed"], used["complete"], used["status"]) == (True, False, 0)


def test_a_connection_that_the_provider_ends_between_requests(provider):
    def reply(wire, _):
        wire.sock.sendall(answer(MESSAGE))
        wire.sock.close()
    provider.reply = reply
    with Relay(provider.url) as relay:
        c = relay.connect()
        relay.post(connection=c)
        assert readable(c.sock, 30)
        assert c.sock.recv(10) == b""
        assert relay.post().status == 200


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_the_provider_ends_while_it_is_idle(provider, reset):
    over = threading.Event()

    def reply(wire, _):
        wire.sock.sendall(answer(MESSAGE))
        assert over.wait(30)
        if reset:
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.sock.close()
    provider.reply = reply
    with Relay(provider.url) as relay:
        c = relay.connect()
        assert relay.post(connection=c).status == 200
        relay.wait("use")
        over.set()
        assert readable(c.sock, 30)
        assert c.sock.recv(10) == b""


def test_what_is_said_of_a_path_that_does_not_pass(provider):
    with Relay(provider.url) as relay:
        assert relay.get("/nothing?a=b").status == relay.post("/" + "x" * 300).status == 404
        until(lambda: len(relay.of("refusal")) == 2)
        assert [m["what"] for m in relay.of("refusal")] == [
            "GET /nothing does not pass", f"POST /{'x' * 159} does not pass"]


@pytest.mark.parametrize("closes", [False, True])
def test_an_answer_before_the_body_has_been_sent(provider, closes):
    def begin(wire):
        provider.requests.append(wire.head())
        wire.sock.sendall(answer({"type": "error"}, 413))
        if closes:
            wire.sock.close()
        while True:
            wire.sock.recv(1 << 16)
    provider.begin = begin
    with Relay(provider.url) as relay, relay.raw() as s:
        s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n{")
        got = s.recv(1 << 16)
        assert got.startswith(b"HTTP/1.1 413 ")
        got += read_to_end(s)
        assert b"Connection: close" in got and got.endswith(json.dumps({"type": "error"}).encode())


def test_who_was_refused_and_stays_is_left(provider):
    with Relay(provider.url) as relay, relay.raw() as s:
        s.sendall(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_to_end(s).startswith(b"HTTP/1.1 404 ")

        end = select.poll()
        end.register(s, select.POLLHUP)
        until(lambda: end.poll(0) and end.poll(0)[0][1] & select.POLLHUP, what="the end of the connection")


def test_an_answer_to_a_client_that_goes_on_writing(provider):
    def begin(wire):
        wire.head()
        wire.sock.sendall(answer({"type": "error"}, 401))
        wire.sock.close()
        raise OSError
    provider.begin = begin
    body = b"x" * (20 << 20)
    with Relay(provider.url) as relay, relay.raw() as s:
        s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert read_to_end(s).startswith(b"HTTP/1.1 401 ")


def test_a_client_that_does_not_read_holds_back_the_provider(provider):
    done = threading.Event()
    size = 64 << 20

    def reply(wire, _):
        wire.sock.sendall(answer(b"x" * size))
        done.set()
    provider.reply = reply
    with Relay(provider.url) as relay:
        c = relay.connect()
        c.request("POST", "/v1/messages", b"{}")
        response = c.getresponse()
        assert not done.wait(1)
        assert len(response.read()) == size
        assert done.wait(30)


# ---- the key in an answer ----------------------------------------------

def test_an_echo_of_the_key_is_overwritten_at_every_split(provider):
    """In the head, and in the body cut in two at every byte of it."""
    data = f'{{"echo":"{TOKEN}", "more":"{TOKEN[:-1]}"}}'.encode()
    head = b"HTTP/1.1 200 OK\r\nX-Echo: %s\r\nX-%s: a\r\n" % (TOKEN.encode(), TOKEN.encode())

    def reply(wire, request):
        at = int(request.body)
        if at % 2:
            wire.sock.sendall(head + b"Content-Length: %d\r\n\r\n" % len(data) + data[:at])
            wire.sock.sendall(data[at:])
        else:
            wire.sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(data[:at] or b"") * bool(at))
            wire.sock.sendall(chunk(data[at:]) + chunk(b""))
    provider.reply = reply
    want = data.replace(TOKEN.encode(), b"*" * len(TOKEN))
    with Relay(provider.url) as relay:
        c = relay.connect()
        for at in range(1, len(data)):
            response = relay.post(body=b"%d" % at, connection=c)
            assert response.data == want, at
            assert response.headers["x-echo"] == "*" * len(TOKEN)
            assert TOKEN not in str(response.headers)


# ---- against an endpoint that knows the API ----------------------------

def test_the_real_shapes():
    with Endpoint(default=Text("hello")) as ep, Relay(ep.url) as relay:
        body = {"model": "claude-x", "messages": [{"role": "user", "content": "hi"}], "tools": [{"name": "Bash"}]}
        assert json.loads(relay.post(body=json.dumps(body).encode()).data)["content"][0]["text"] == "hello"
        data = relay.post(body=json.dumps({**body, "stream": True}).encode()).data
        assert data.endswith(b'{"type": "message_stop"}\n\n')
        for i in (1, 2):
            used = relay.wait("use", i)
            assert (used["complete"], used["model"], used["input"], used["output"]) == (True, "claude-x", 10, 5)
        assert ep.sent("authorization") == {"Bearer " + TOKEN}


def test_a_stream_of_bedrock_is_billed_and_not_believed():
    with Endpoint(default=Text("hello")) as ep, Relay(ep.url, auth="bedrock") as relay:
        body = json.dumps({"messages": [], "tools": [{"name": "Bash"}]}).encode()
        response = relay.post(f"/model/{ARN}/invoke-with-response-stream", body)
        assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
        used = relay.wait("use")
        assert (used["billed"], used["complete"]) == (True, False)
        assert used["model"].startswith("arn:aws:bedrock:") and used["model"].endswith("/eu.anthropic.claude-x-v1:0")
