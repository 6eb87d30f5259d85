"""Attacks on a key that a relay uses, by programs of the same user, in a session and
outside of any: each is refused, or gets use of the key, on record; none reads it.

What can talk to the broker's socket itself is tried raw, with the broker and the relay as
they are.  A key that was encoded (base64, percent, hex) is looked for by nobody."""
import json
import os
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

import canary
import wire_client as wc
from attack import LOOKS, PYTHON, answers
from client import LIB, alive, children_named, until
from relay_broker import Ended, Provider, UnixConnection, answer, certificate, chunk, memfd, server_context
from relayed import Session, origin_of

TOKEN = canary.new_token()


@pytest.fixture
def b(fresh):
    fresh.init()
    return fresh


@pytest.fixture
def provider():
    with Provider() as p:
        yield p


def seal(b, origin, entry="zai", policy="delivery=relay"):
    """And from now on nobody proves to be a person."""
    b.put(entry, TOKEN, policy, origin)
    b.person = None


@pytest.fixture
def sealed(b, provider):
    seal(b, origin_of(provider))
    return b


class Attacker:
    """A session by relay in a process that never had the token, and can be looked into."""

    def __init__(self, b, origin, entry="zai"):
        self.process = subprocess.Popen(
            [PYTHON, LIB / "relay_session.py", b.socket, b.root, entry, origin], env={"PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.pid = self.process.pid
        self.began = json.loads(self.process.stdout.readline())
        self.said = []

    def ask(self, text="hello"):
        self.process.stdin.write(text + "\n")
        self.said.append(json.loads(self.process.stdout.readline()))
        return self.said[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)


def nowhere(b, *texts, pids=()):
    for text in texts:
        assert not canary.scan_bytes(text, TOKEN)
    for pid in pids:
        found, searched, _ = canary.scan_memory(pid, TOKEN, spare_locked=False)
        assert searched > 1 << 20 and not found, found
    assert not canary.scan_files(b.root, TOKEN)


def marked_child(function):
    def child():
        wc.mark()
        return function()
    return wc.in_child(child)


# ---- who asks the broker -----------------------------------------------

def test_whoever_opens_a_session_gets_use_alone_and_is_on_record(sealed, provider):
    """As does a planted claude, which is what this is."""
    with Attacker(sealed, origin_of(provider)) as a:
        assert a.ask()["status"] == 200
        assert provider.requests[0].headers["authorization"] == "Bearer " + TOKEN
        nowhere(sealed, json.dumps(a.said), pids=[a.pid])
    events = [(e["event"], e["result"], e.get("why")) for e in sealed.lines()]
    assert ("release", "granted", "to the session's relay") in events
    assert ("open", "granted", None) in events


@pytest.mark.parametrize("delivery", ["preload", "pipe", "env", "auto"])
def test_another_delivery(sealed, delivery):
    with sealed.connect() as c:
        origin = {"origin": origin_in(sealed)}
        assert c.error("open", **wc.open_fields("zai", delivery=delivery, **origin)) in ("policy", "bad-value")


def origin_in(b):
    return b.call("list", after="")["entries"][0]["origin"]


def test_no_claim_by_whom_a_relay_serves(sealed, provider):
    def child():
        with sealed.connect() as c:
            c.open("zai", delivery="relay", origin=origin_of(provider))
            wc.mark()
            wc.undumpable()
            said = []
            for ask in (c.arrived, c.claim, lambda: c.call("pipe")):
                try:
                    said.append(repr(ask()))
                except (wc.Refused, wc.Closed) as e:
                    said.append(type(e).__name__)
            return said
    said = wc.in_child(child)
    assert set(said) <= {"Refused", "Closed"}, said


@pytest.mark.parametrize("op", ["value", "file", "start", "reserve", "use", "renew", "refusal", "wipe", "reserved"])
def test_nobody_poses_as_a_relay(sealed, op):
    """A relay never connects, so the broker's socket knows none of its words."""
    def ask():
        with sealed.connect() as c:
            return c.error(op, id=1, kind="session", model="m", bytes=1, index=0, count=1, limited=False,
                           token=b"x" * 20)
    assert ask() == "unknown-op"
    assert marked_child(ask) == "unknown-op"


@pytest.mark.parametrize("changes", [
    {"origin": "bearer http://127.0.0.1:9"}, {"variable": "header:X-Echo"}, {"variable": "ANTHROPIC_API_KEY"},
    {"origin": "api-key"}])
def test_another_place_or_header(sealed, provider, changes):
    fields = {"delivery": "relay", "origin": origin_of(provider), **changes}
    if fields["origin"] == "api-key":
        fields["origin"] = origin_of(provider).replace("bearer", "api-key")
    with sealed.connect() as c:
        assert c.error("open", **wc.open_fields("zai", **fields)) in ("origin", "policy", "bad-value")


def test_a_key_of_the_attackers_own_beside_it(sealed, provider):
    """Two entries in a session: the attacker's says where to go."""
    with Provider() as theirs:
        sealed.put("mine", "a-token-of-the-attackers", "delivery=relay", origin_of(theirs))
        for order in (("mine", "zai"), ("zai", "mine")):
            entries = [{"name": n, "variable": wc.VARIABLE,
                        "origin": origin_of(theirs if n == "mine" else provider)} for n in order]

            def child(entries=entries):
                with sealed.connect() as c:
                    c.open(entries=entries, delivery="relay")
                    with socket.socket(socket.AF_UNIX) as listener:
                        listener.bind(str(sealed.root / "l"))
                        listener.listen()
                        c.send(wc.request("relay"), [listener.fileno()])
                        return wc.unpack(c.recv())["error"]
            assert wc.in_child(child) == "origin"
            os.unlink(sealed.root / "l")
        assert not theirs.connections and not provider.connections


def test_an_open_vault_gives_an_unmarked_process_nothing_to_read(sealed):
    """What laundering the mark brings: everything that can be asked without a person."""
    asked = {"get": {"name": "zai"}, "export": {}, "backup": {"slot": [wc.slot()], "key": b"k" * 32},
             "slot-add": {"slot": [wc.slot("recovery")], "key": b"k" * 32, "expect": 2},
             "rename": {"name": "zai", "to": "mine"},
             "approve": {"name": "zai", "origin": "bearer http://127.0.0.1:9", "variable": wc.VARIABLE,
                         "policy": "delivery=env"},
             "put": {"name": "zai", "token": b"x" * 20, "origin": "bearer http://127.0.0.1:9",
                     "variable": wc.VARIABLE, "policy": "delivery=env", "replace": True}}
    for op, fields in asked.items():
        with sealed.connect() as c:
            assert c.error(op, **fields) == "person", op
    for op, fields in (("list", {"after": ""}), ("slots", {}), ("status", {}), ("sessions", {"after": 0})):
        with sealed.connect() as c:
            c.send(wc.request(op, **fields))
            assert not canary.scan_bytes(c.recv(), TOKEN), op


KINDS = {"deepseek": ("/user/balance", "Bearer " + TOKEN), "zai": ("/api/monitor/usage/quota/limit", TOKEN)}


def ask_as_worker(b, fields):
    wc.undumpable()
    with b.connect() as c:
        c.send(wc.request("usage-next", name="zai", **fields))
        return c.recv()


def echo_key(wire, request):
    """The provider answers with what it was sent."""
    wire.sock.sendall(answer({"echo": request.headers["authorization"]}))


@pytest.mark.parametrize("policy, limit, kind", [
    ("delivery=relay", None, "zai"), ("delivery=relay", None, "deepseek"), ("delivery=auto", "4M/day", "zai")])
def test_posing_as_the_worker_of_quota_numbers(b, policy, limit, kind):
    """What it gets, at most once a minute and on record, are the bytes of a fixed path."""
    with Provider(reply=echo_key) as provider:
        seal(b, origin_of(provider), policy=policy)
        if limit:
            b.call("limit-set", name="zai", limit=limit)
        with Attacker(b, origin_of(provider)) as a:
            assert a.ask().get("status") == 200, (a.began, a.said)
            refused = [wc.in_child(ask_as_worker, b, fields) for fields in (
                {}, {"kind": "none"}, {"kind": "anthropic"}, {"path": "/v1/files"}, {"url": provider.url + "/v1/files"})]
            assert [wc.unpack(r)["error"] for r in refused] == ["policy"] * 5
            fields = {"kind": kind, "path": "/v1/files", "bearer": True, "url": "/x", "index": 1}
            got = wc.in_child(ask_as_worker, b, fields)
            assert not canary.scan_bytes(got, TOKEN)
            reply = wc.unpack(got)
            assert reply["status"] == 200 and "token" not in reply and b"*" * len(TOKEN) in reply["body"]
            # Again and again brings nothing before a minute is over.
            with pytest.raises(TimeoutError):
                wc.in_child(ask_as_worker, b, fields)
            (asked,) = [r for r in provider.requests if not r.line.startswith("POST")]
            path, sent = KINDS[kind]
            assert asked.line == f"GET {path} HTTP/1.1" and asked.headers["authorization"] == sent
            nowhere(b, json.dumps(a.said), pids=[a.pid])
        assert [e["entries"] for e in b.lines() if e["event"] == "usage"] == ["zai"]


# ---- whom the relay trusts and goes through -----------------------------

class Middle(Provider):
    """A proxy that answers for the host itself, with the attacker's certificate."""

    def __init__(self, context):
        super().__init__(begin=self.pretend)
        self.context = context

    def pretend(self, wire):
        self.requests.append(wire.head())
        wire.sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        try:
            with self.context.wrap_socket(wire.sock, server_side=True) as tls:
                self.requests.append(tls.recv(65536))
        except (ssl.SSLError, OSError):
            pass
        raise Ended


def test_an_authority_and_a_proxy_of_the_attackers(b, tmp_path):
    crt, key = certificate(tmp_path, name="DNS:api.example.test")
    origin = "bearer https://api.example.test"
    seal(b, origin)
    with Middle(server_context(crt, key)) as proxy:
        def with_authority():
            with b.connect() as c:
                c.open("zai", delivery="relay", origin=origin)
                c.send(wc.request("relay-file", kind="ca"), [memfd_sealed(crt.read_bytes())])
                return wc.unpack(c.recv())["error"]
        assert wc.in_child(with_authority) == "origin"

        def with_proxy():
            with Asked(b, origin, proxy=f"http://127.0.0.1:{proxy.port}") as s:
                r = s.post()
                return r.status, r.data
        status, body = wc.in_child(with_proxy)
        assert status == 400 and b"certificate" in body, body
        assert [getattr(r, "line", r) for r in proxy.requests] == ["CONNECT api.example.test:443 HTTP/1.1"]
        nowhere(b, repr(proxy.requests), body)


def memfd_sealed(data):
    import fcntl  # pylint: disable=import-outside-toplevel
    fd = memfd(data, seal=False)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 15)
    return fd


class Asked(Session):
    """A session whose request for a relay has further fields."""

    def __init__(self, broker, origin, **more):
        self.root = Path(broker.root / f"asked-{time.monotonic_ns()}")
        self.root.mkdir()
        self.path = str(self.root / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            listener.bind(self.path)
            listener.listen(16)
            listener.setblocking(False)
            with broker.connect() as c:
                self.id = c.open("zai", delivery="relay", origin=origin)["session"]
                c.send(wc.request("relay", **more), [listener.fileno()])
                reply = wc.unpack(c.recv())
                assert reply["ok"], reply
        wc.mark()


def test_a_proxy_before_an_endpoint_without_tls(sealed, provider):
    with Provider() as proxy:
        def child():
            with Asked(sealed, origin_of(provider), proxy=proxy.url, no_proxy="") as s:
                return s.post().status
        assert wc.in_child(child) == 200
        assert len(provider.requests) == 1 and not proxy.connections


ROUTED = [("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", "/v1/organizations"), ("X-Rewrite-URL", "/v1/files"),
          ("X-Forwarded-Host", "evil.test"), ("Forwarded", "host=evil.test"), ("Host", "evil.test"),
          ("Proxy-Connection", "keep-alive"), ("X_Http_Method_Override", "PUT"), ("Cookie", "a=b"), ("Upgrade", "h2c"),
          ("x-api-key", "mine"), ("X-Amz-Security-Token", "mine"), ("Range", "bytes=0-1"), ("Content-Encoding", "gzip")]


def test_fields_that_route_do_not_pass_even_when_they_are_asked_for(sealed, provider):
    def child():
        added = [{"name": n} for n, _ in ROUTED]
        with Asked(sealed, origin_of(provider), added=added) as s:
            c = UnixConnection(s.path)
            c.putrequest("POST", "/v1/messages", skip_host=True)
            for name, value in ROUTED:
                c.putheader(name, value)
            c.putheader("Content-Length", "14")
            c.endheaders(b'{"model": "m"}')
            return c.getresponse().status
    wc.in_child(child)
    for r in provider.requests:
        assert r.headers["host"] == f"127.0.0.1:{provider.port}"
        sent = {k.lower() for k in r.headers} - {"host", "range"}
        assert not sent & {n.lower() for n, _ in ROUTED}, r.headers
        assert r.headers["authorization"] == "Bearer " + TOKEN


OUTSIDE = ["/v1/organizations/api_keys", "/v1/files", "/v1/messages/batches", "/v1/messages/../organizations",
           "/v1/messages%2f..%2ffiles", "//evil.test/v1/messages", "/v1/messages?beta=true&x=1", "/v1//messages",
           "/v1/messages;x=/../files", "/V1/messages", "/v1/messages/", "/v1/messages#", "/v1/models/..%2Ffiles"]


def test_other_paths_and_hosts(sealed, provider):
    def child():
        said = {}
        with Asked(sealed, origin_of(provider)) as s:
            targets = [*OUTSIDE, "http://evil.test/v1/messages", f"{provider.url}/v1/files", "*", "evil.test:443"]
            for method in ("POST", "GET", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PRI"):
                for target in targets:
                    said[method, target] = raw(s.path, f"{method} {target} HTTP/1.1\r\nHost: ccrun.invalid\r\n"
                                                       "Content-Length: 0\r\n\r\n".encode())
            for shape in SMUGGLED:
                said[shape[:60]] = raw(s.path, shape)
        return said
    said = wc.in_child(child)
    assert all(re.match(rb"HTTP/1\.1 (4\d\d|501|505) ", v) or v == b"" for v in said.values()), said
    assert not provider.requests
    assert any(e["event"] == "request" for e in sealed.lines())


INNER = b"GET /v1/files HTTP/1.1\r\nHost: ccrun.invalid\r\n\r\n"
POST = b"POST /v1/messages HTTP/1.1\r\nHost: ccrun.invalid\r\n"
SMUGGLED = [
    POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    POST + b"Content-Length: 0\r\nContent-Length: 48\r\n\r\n" + INNER,
    POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + INNER,
    POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + INNER,
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + INNER,
    POST + b"Content-Length: +0\r\n\r\n" + INNER,
    POST + b"X: a\nContent-Length: 0\r\n\r\n" + INNER,
    POST + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n" + INNER,
    POST + b"X\0: a\r\nContent-Length: 0\r\n\r\n" + INNER,
]


def raw(path, data):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        s.sendall(data)
        got = b""
        try:
            while part := s.recv(65536):
                got += part
                if b"\r\n\r\n" in got:
                    break
        except ConnectionResetError:
            pass
        return got


# ---- other processes ---------------------------------------------------

@pytest.fixture
def live(sealed, provider):
    with Attacker(sealed, origin_of(provider)) as a:
        assert a.ask()["status"] == 200
        yield a


@pytest.mark.usefixtures("live")
def test_nobody_looks_into_relay_keeper_or_broker(sealed, tools):
    # Of this test alone, whose process gets the orphans: what is attached to stops for a moment.
    pids = {sealed.process.pid, *children_named(os.getpid(), "ccbroker"), *children_named(os.getpid(), "ccrun-relay"),
            *children_named(os.getpid(), "ccrun-keeper"), *children_named(os.getpid(), "ccrun-witness")}
    assert len(pids) >= 7
    for pid in filter(alive, pids):
        name = Path(f"/proc/{pid}/comm").read_text().strip()

        def open_to(pid=pid):
            out = subprocess.run([tools / "spy", "look", str(pid)], capture_output=True, text=True, check=True).stdout
            found = answers(out)
            return {n: found[n] for n in LOOKS if found[n] not in ("EPERM", "EACCES")}
        # It may have been started just now; where the programs are installed, they are
        # unreadable from their first instruction on.
        until(lambda: not alive(pid) or not open_to(), timeout=5, what=f"{name} ({pid}) is closed")


def test_a_taken_connection_and_a_nameless_socket(sealed, provider):
    """A client that can be looked into: another process takes its connection, adds to a
    request that it began, and finds its listener without a name."""
    on, go = os.pipe()
    tell, told = os.pipe()

    def child():
        with Session(sealed, provider) as s:
            first = s.post().status
            place = os.open(s.path, os.O_PATH)
            os.unlink(s.path)
            with socket.socket(socket.AF_UNIX) as begun:
                begun.connect(f"/proc/self/fd/{place}")
                begun.settimeout(10)
                os.write(told, f"{os.getpid()} {place} {begun.fileno()}\n".encode())
                os.read(on, 1)
                s.path = f"/proc/self/fd/{place}"
                return first, s.post().status
    c = wc.Child(child)
    pid, place, begun = map(int, os.read(tell, 100).split())
    ask = b"GET /v1/models HTTP/1.1\r\nHost: ccrun.invalid\r\n\r\n"
    said = raw(f"/proc/{pid}/fd/{place}", ask)
    pidfd = os.pidfd_open(pid)
    fd = wc.libc.syscall(438, pidfd, begun, 0)
    assert fd >= 0, "the control: this client can be looked into"
    with socket.socket(fileno=fd) as taken:
        taken.settimeout(10)
        taken.sendall(ask)
        try:
            said += taken.recv(65536)
        except ConnectionResetError:
            pass
    os.write(go, b"x")
    assert c.result() == (200, 200)
    assert said == b"" and len(provider.requests) == 2
    until(lambda: "another process" in json.dumps(sealed.lines()), what="the refusal on record")


def test_tickets_are_of_one_session_and_for_relay_alone(b, provider):
    """A ticket is in the environment of the session's children.  Whoever reads it there gets
    use of that session's key, as its own children do, and no more."""
    use = "delivery=relay nested=use"
    b.put("zai", TOKEN, use, origin_of(provider))
    b.put("other", TOKEN[::-1], use, origin_of(provider))
    b.person = None

    def opened(entry):
        c = b.connect()
        return c, c.open(entry, delivery="relay", origin=origin_of(provider))
    keep, one = opened("zai")
    keep2, two = opened("other")
    with keep, keep2:
        def attempt(entry, **fields):
            def ask():
                with b.connect() as c:
                    said = c.ask("open", **wc.open_fields(entry, **{"delivery": "relay", "origin": origin_of(provider),
                                                                    **fields}))
                    return said.get("error", "OK")
            return marked_child(ask)
        assert attempt("zai", ticket=one["ticket"]) == "OK"
        for ticket in ("", "0" * 32, one["ticket"][:-1], one["ticket"] + "0", one["ticket"].upper() + " ",
                       one["session"], two["ticket"]):
            assert attempt("zai", ticket=ticket) in ("marked", "too-large", "bad-value"), ticket
        assert attempt("other", ticket=one["ticket"]) == "marked"
        for delivery in ("preload", "pipe", "env"):
            assert attempt("zai", ticket=one["ticket"], delivery=delivery) in ("marked", "policy")
        for op in ("get", "list", "sessions", "usage-next", "source-take", "match", "spent"):
            def ask(op=op):
                with b.connect() as c:
                    return c.error(op, name="zai", ticket=one["ticket"], after="", token=b"x" * 20)
            assert marked_child(ask) == "marked", op


# ---- a provider that sends it back -------------------------------------

def echo(pieces, kind="text/plain"):
    """An answer with the request's key in its head and its body."""
    def reply(wire, request):
        key = request.headers["authorization"].encode()
        body = b"<" + key + b"><" + key[7:] + b">"
        head = (b"HTTP/1.1 200 " + key + b"\r\nContent-Type: " + kind.encode() + b"\r\nX-Echo: " + key +
                b"\r\nSet-Cookie: k=" + key[7:] + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(0, len(head), pieces):
            wire.sock.sendall(head[i:i + pieces])
        for i in range(0, len(body), pieces):
            wire.sock.sendall(chunk(body[i:i + pieces]))
        wire.sock.sendall(chunk(b""))
    return reply


@pytest.mark.parametrize("pieces", [1, 2, 7, 11, 40, 100000])
def test_an_echo(b, pieces):
    with Provider(echo(pieces)) as provider:
        seal(b, origin_of(provider))

        def child():
            with Session(b, provider) as s:
                with socket.socket(socket.AF_UNIX) as c:
                    c.connect(s.path)
                    c.settimeout(10)
                    c.sendall(POST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
                    got = b""
                    while part := c.recv(65536):
                        got += part
                    return got
        got = wc.in_child(child)
        assert provider.requests[0].headers["authorization"] == "Bearer " + TOKEN
        assert b"<" in got and got.startswith(b"HTTP/1.1 200"), got
        nowhere(b, got)


def test_a_redirect_goes_to_the_client_who_has_nothing_to_send(b):
    with Provider() as elsewhere:
        with Provider(answer(b"", 302, [("Location", elsewhere.url + "/v1/messages")])) as provider:
            seal(b, origin_of(provider))
            with Attacker(b, origin_of(provider)) as a:
                assert a.ask()["status"] == 302
        assert not elsewhere.connections
