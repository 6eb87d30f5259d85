"""ccrun-relay and the broker: the key comes and goes, limits, who may use it, the end."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

import canary
from lingering import SO_PASSRIGHTS, lingering, stopped
from relay_broker import (MESSAGE, PROGRAM, STREAM, STREAM_HEAD, TOKEN, Provider, Relay, answer, certificate, chunk,
                          memfd, read_to_end, readable, server_context, until)

LOCKED = {"error": "locked", "message": "the vault is locked", "hint": "ccctl unlock"}
ASK = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def provider():
    with Provider() as p:
        yield p


def error_of(response):
    return json.loads(response.data)["error"]


def streaming(wire, _):
    """The beginning of a stream, and then nothing."""
    wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]))
    wire.more()


# ---- the key -----------------------------------------------------------

def test_the_key_is_asked_for_with_the_first_request(provider):
    with Relay(provider.url, values=[None]) as relay:
        c = [relay.connect() for _ in range(5)]
        for one in c:
            one.request("POST", "/v1/messages", b"{}")
        relay.wait("value")
        assert not readable(c[0].sock, 0.3) and not provider.connections
        relay.give_value([TOKEN])
        assert [one.getresponse().status for one in c] == [200] * 5
        assert len(relay.of("value")) == 1


def test_nothing_is_asked_before_a_request(provider):
    with Relay(provider.url) as relay:
        s = relay.raw()
        s.sendall(ASK[:30])
        time.sleep(0.3)
        assert not relay.messages
        s.close()


def test_locked_then_open(provider):
    with Relay(provider.url, values=[LOCKED, (TOKEN,)]) as relay:
        response = relay.post()
        assert response.status == 503
        assert error_of(response) == {"type": "api_error",
                                      "message": "ccrun: the vault is locked (hint: ccctl unlock)"}
        assert not provider.connections
        assert relay.post().status == 200
        assert relay.post().status == 200
        assert len(relay.of("value")) == 2


@pytest.mark.parametrize("error", ["policy", "origin", "no-entry", "something-new"])
def test_a_refusal_that_stays(provider, error):
    with Relay(provider.url, values=[{"error": error, "message": "no", "hint": ""}]) as relay:
        response = relay.post()
        assert response.status == 400
        assert error_of(response) == {"type": "invalid_request_error", "message": "ccrun: no"}


@pytest.mark.parametrize("tokens", [("short",), (TOKEN + "*",), (TOKEN + "\n",), ("x" * 20000,)])
def test_a_key_that_cannot_be_used(provider, tokens):
    with Relay(provider.url, values=[tokens]) as relay:
        response = relay.post()
        assert response.status == 400 and TOKEN.encode() not in response.data
        assert not provider.connections
        assert relay.wait("failure")


def test_a_key_that_nobody_asked_for_ends_it(provider):
    with Relay(provider.url) as relay:
        relay.post()
        relay.give_value([TOKEN])
        relay.wait("end")
        assert b"a key that nobody asked for" in relay.said()
    with Relay(provider.url) as relay:
        relay.post()
        relay.give("no-value", **LOCKED)
        relay.wait("end")
        assert b"nobody asked for" in relay.said()


def test_the_key_is_in_no_file_of_proc(provider):
    with Relay(provider.url, env={"A": "b", "https_proxy": "http://127.0.0.1:1"}) as relay:
        relay.post()
        for leaf in ("environ", "cmdline", "mem"):
            try:
                data = Path(f"/proc/{relay.pid()}/{leaf}").read_bytes()
            except OSError:
                continue
            assert leaf != "mem" and TOKEN.encode() not in data


@pytest.mark.parametrize("error, cause", [("locked", "locked"), ("no-entry", "no-key")])
def test_why_there_is_no_key_is_named(provider, error, cause):
    with Relay(provider.url, values=[LOCKED | {"error": error}]) as relay:
        assert relay.post().headers["ccrun-cause"] == cause


# ---- wipe --------------------------------------------------------------

@pytest.mark.parametrize("why, status", [("locked", 503), ("ended", 400)])
def test_wipe_in_mid_stream(provider, why, status):
    provider.reply = streaming
    with Relay(provider.url, values=[(TOKEN,), LOCKED]) as relay:
        idle = relay.connect()
        provider.reply = answer(MESSAGE)
        relay.post(connection=idle)
        provider.reply = streaming
        with relay.raw() as s:
            s.sendall(ASK)
            assert s.recv(1 << 16)
            relay.wipe(why, "the session was ended")
            assert not read_to_end(s).endswith(b"0\r\n\r\n")
        until(lambda: len(provider.trouble) == 2)
        used = relay.wait("use", 2)
        assert (used["billed"], used["complete"], used["input"]) == (True, False, 10)
        for c in (idle, None):
            assert relay.post(connection=c).status == status
        assert len(relay.of("value")) == (3 if why == "locked" else 1)


def test_wipe_between_requests_spares_the_clients_connection(provider):
    with Relay(provider.url) as relay:
        c = relay.connect()
        relay.post(connection=c)
        relay.wipe()
        until(lambda: provider.trouble)
        assert relay.post(connection=c).status == 200
        assert len(relay.of("value")) == 2 and provider.connections == 2


def test_wipe_while_the_key_is_awaited(provider):
    with Relay(provider.url, values=[None]) as relay:
        c = relay.connect()
        c.request("POST", "/v1/messages", b"{}")
        relay.wait("value")
        relay.wipe()
        relay.give("no-value", **LOCKED)
        assert c.getresponse().status == 503
        c = relay.connect()
        c.request("POST", "/v1/messages", b"{}")
        relay.wait("value", 2)
        relay.wipe("ended", "the session was ended")
        assert c.getresponse().status == 400


def test_wipe_where_the_session_makes_accept_wait(provider):
    """It has the listening socket too, and with that its flags."""
    with Relay(provider.url) as relay:
        c = relay.connect()
        relay.post(connection=c)
        os.set_blocking(relay.listener.fileno(), True)
        with relay.raw():
            time.sleep(0.3)  # it has been accepted, and the next one would be
            relay.wipe()
            until(lambda: provider.trouble)
            assert relay.post(connection=c).status == 200


def test_wipe_where_the_session_passes_what_is_slow_to_close(provider):
    """It has the listening socket too, and by that what its connections take."""
    with Relay(provider.url) as relay, lingering() as slow:
        c = relay.connect()
        relay.post(connection=c)
        try:
            relay.listener.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 1)
        except OSError:
            pass  # before Linux 6.16 all of them take descriptors
        with stopped(relay.pid()), relay.raw() as passing:
            socket.send_fds(passing, [b"P"], [slow.fileno()])
            slow.close()
        relay.wipe()
        until(lambda: provider.trouble)
        assert relay.post(connection=c).status == 200


# ---- limits ------------------------------------------------------------

def test_a_reservation_comes_first(provider):
    with Relay(provider.url, limited=True) as relay:
        c = relay.connect()
        c.request("POST", "/v1/messages", b'{"model":"claude-dear"}')
        asked = relay.wait("reserve")
        assert (asked["model"], asked["bytes"]) == ("claude-dear", 23)
        assert not readable(c.sock, 0.3) and not provider.connections
        relay.give("reserved", id=asked["id"] + 1)
        assert not readable(c.sock, 0.3)
        relay.give("reserved", id=asked["id"])
        assert c.getresponse().status == 200
        # What was reserved for nobody is given back first.
        assert [relay.wait("use", n)["id"] for n in (1, 2)] == [asked["id"] + 1, asked["id"]]
        relay.get()
        relay.post("/v1/messages/count_tokens")
        assert len(relay.of("reserve")) == 1


def test_over_the_limit(provider):
    words = "$10/day of demo is used up; it begins again at 00:00"
    with Relay(provider.url, limited=True,
               reserve=lambda m: {"op": "refused", "id": m["id"], "message": words, "retry": 3600}) as relay:
        response = relay.post()
        assert response.status == 429 and response.headers["retry-after"] == "3600"
        assert error_of(response) == {"type": "rate_limit_error", "message": "ccrun: " + words}
        assert not provider.connections and not relay.of("use")


def test_without_a_limit_nothing_is_reserved(provider):
    with Relay(provider.url) as relay:
        relay.post()
        relay.wait("use")
        assert not relay.of("reserve")


# ---- who may use it ----------------------------------------------------

def in_child(function):
    pid = os.fork()
    if pid == 0:
        try:
            function()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def test_a_child_that_inherited_the_connection(provider):
    with Relay(provider.url) as relay:
        with relay.raw() as s:
            in_child(lambda: s.sendall(ASK))
            assert read_to_end(s) == b""
        assert "another process" in relay.wait("refusal")["what"]
        assert not provider.connections and not relay.of("value")


def test_a_child_that_goes_on_with_a_request(provider):
    with Relay(provider.url) as relay:
        with relay.raw() as s:
            s.sendall(ASK[:40])
            time.sleep(0.2)
            in_child(lambda: s.sendall(ASK[40:]))
            assert read_to_end(s) == b""
        with relay.raw() as s:
            s.sendall(ASK[:-1])
            until(lambda: provider.connections)
            in_child(lambda: s.sendall(ASK[-1:]))
            assert read_to_end(s) == b""
        assert not provider.requests
        relay.wait("refusal", 2)


def test_a_child_that_connects(provider):
    with Relay(provider.url) as relay:
        r, w = os.pipe()

        def ask():
            with relay.raw() as s:
                s.sendall(ASK)
                os.write(w, b"got %d" % len(read_to_end(s)))
        in_child(ask)
        assert os.read(r, 100) == b"got 0"
        assert not provider.connections


def test_another_session_than_this_process(provider):
    sleeper = subprocess.Popen(["sleep", "100"])
    with Relay(provider.url, pid=sleeper.pid) as relay:
        assert relay.exchange(ASK) == b""
        sleeper.kill()
        sleeper.wait()
        relay.wait("end")


def test_descriptors_that_come_along_are_not_kept(provider):
    with Relay(provider.url) as relay:
        relay.post()
        before = len(os.listdir(f"/proc/{relay.pid()}/fd")) if os.geteuid() == 0 else 0
        r, w = os.pipe()
        with relay.raw() as s:
            try:
                socket.send_fds(s, [ASK], [w])
            except OSError:
                s.sendall(ASK)
            os.close(w)
            assert s.recv(1 << 16).startswith(b"HTTP/1.1 200")
        assert readable(r, 5) and os.read(r, 1) == b""
        os.close(r)
        if before:
            until(lambda: len(os.listdir(f"/proc/{relay.pid()}/fd")) == before)


# ---- the end -----------------------------------------------------------

def test_the_channels_end_is_its_end(provider):
    with Relay(provider.url) as relay:
        relay.post()
        pid = relay.pid()
        relay.channel.shutdown(socket.SHUT_RDWR)
        until(lambda: not alive(pid))


def test_a_channel_that_is_cut_is_its_end_while_the_broker_lives(provider):
    with Relay(provider.url, broker=os.getpid()) as relay:
        relay.post()
        pid = relay.pid()
        relay.channel.shutdown(socket.SHUT_RDWR)
        until(lambda: not alive(pid))


def test_the_brokers_end_is_told_until_the_sessions(provider):
    broker = subprocess.Popen(["sleep", "100"])
    told = "ccrun: the broker has ended, and the key with it (hint: leave claude, and start it again with --resume)"
    with Relay(provider.url, broker=broker.pid) as relay:
        kept = relay.connect()
        assert relay.post(connection=kept).status == 200
        provider.reply = streaming
        with relay.raw() as s:
            s.sendall(ASK)
            assert s.recv(1 << 16)
            broker.kill()
            broker.wait()
            relay.channel.shutdown(socket.SHUT_RDWR)
            assert not read_to_end(s).endswith(b"0\r\n\r\n")
        until(lambda: len(provider.trouble) == 2)
        asked = len(provider.requests)
        for c in (kept, None, None):
            response = relay.post(connection=c)
            assert response.status == 400 and error_of(response)["message"] == told
        assert len(provider.requests) == asked


def test_the_sessions_end_comes_after_the_brokers(provider):
    broker, session = (subprocess.Popen(["sleep", "100"]) for _ in range(2))
    with Relay(provider.url, broker=broker.pid, pid=session.pid) as relay:
        assert relay.exchange(ASK) == b""
        pid = relay.pid()
        broker.kill()
        broker.wait()
        relay.channel.shutdown(socket.SHUT_RDWR)
        assert relay.exchange(ASK) == b"" and alive(pid)
        session.kill()
        session.wait()
        until(lambda: not alive(pid))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_sessions_end_is_its_end(provider):
    session = subprocess.Popen(["sleep", "100"])
    with Relay(provider.url, pid=session.pid) as relay:
        assert relay.exchange(ASK) == b""
        pid = relay.pid()
        session.kill()
        session.wait()
        relay.wait("end")
        until(lambda: not alive(pid))


def started(channel, **more):
    return subprocess.run([PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, **more,
                          preexec_fn=lambda: os.dup2(channel.fileno(), 3), pass_fds=(3,))


def test_its_exit_status_with_a_service_manager(provider):
    """It stays in the process that was started, whose status says how it ended."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(b"\0relay-%d" % os.getpid())
    listener.listen()
    shell = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0"'
    process = subprocess.Popen(["sh", "-c", shell, PROGRAM], pass_fds=(3,), stderr=subprocess.PIPE,
                               preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
    theirs.close()
    socket.send_fds(mine, [pack(op="file", kind="session")], [os.pidfd_open(os.getpid())])
    socket.send_fds(mine, [pack(op="start", session="0" * 16, pid=os.getpid(), uid=os.getuid(), url=provider.url,
                                auth="bearer", entries=[{"header": ""}], added=[], proxy="", no_proxy="")],
                    [listener.fileno()])
    time.sleep(0.3)
    assert process.poll() is None
    mine.close()
    assert process.wait(30) == 0
    assert process.stderr.read() == b""


def pack(**fields):
    import msgpack  # pylint: disable=import-outside-toplevel
    return msgpack.packb({"v": 1, **fields}, use_bin_type=True)


BAD_STARTS = {
    "an unsealed file": [("file", {"kind": "ca"}, lambda: memfd(b"x", seal=False))],
    "a file for nothing": [("file", {"kind": "other"}, lambda: memfd(b"x"))],
    "a file that is missing": [("file", {"kind": "ca"}, None)],
    "a file that is no session": [("file", {"kind": "session"}, lambda: memfd(b"x"))],
    "a start without a session": [("start", {"url": "http://127.0.0.1:1"}, None)],
    "another op": [("value", {"index": 0, "count": 1, "limited": False, "token": b"x" * 20}, None)],
    "an unknown op": [("hello", {}, None)],
    "no listener": [("file", {"kind": "session"}, lambda: os.pidfd_open(os.getpid())),
                    ("start", {"url": "http://127.0.0.1:1"}, lambda: memfd(b"x"))],
    "a user in the address": [("file", {"kind": "session"}, lambda: os.pidfd_open(os.getpid())),
                              ("start", {"url": "http://a@127.0.0.1:1"}, None)],
    "another scheme": [("file", {"kind": "session"}, lambda: os.pidfd_open(os.getpid())),
                       ("start", {"url": "ftp://127.0.0.1:1"}, None)],
}


def said_of(steps):
    """What a relay says that is started so, and ends at once."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen([PROGRAM], pass_fds=(3,), stderr=subprocess.PIPE,
                               preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
    theirs.close()
    usual = {"session": "0" * 16, "pid": os.getpid(), "uid": os.getuid(), "auth": "bearer",
             "entries": [{"header": ""}], "added": [], "proxy": "", "no_proxy": ""}
    for op, fields, make in steps:
        fds = [make()] if make else []
        socket.send_fds(mine, [pack(op=op, **{**(usual if op == "start" else {}), **fields})], fds)
        for fd in fds:
            os.close(fd)
    assert mine.recv(100) == b""
    with process:
        said = process.stderr.read()
    mine.close()
    return said


@pytest.mark.parametrize("what", BAD_STARTS)
def test_a_start_that_is_none(what):
    assert said_of(BAD_STARTS[what]).startswith(b"ccrun-relay: ")


@pytest.mark.parametrize("name, value", [
    ("x-api-key", "a"), ("host", "evil.test"), ("x-forwarded-host", "evil.test"), ("transfer-encoding", "chunked"),
    ("anthropic-beta", "a"), ("x-a", "a "), ("x-a", ""), ("x a", "b")])
def test_a_header_that_no_file_can_add(name, value):
    said = said_of([("file", {"kind": "session"}, lambda: os.pidfd_open(os.getpid())),
                    ("start", {"url": "http://127.0.0.1:1", "added": [{"name": name, "value": value}]}, None)])
    assert b"the header " + name.encode() + b" is not one that a file can add" in said, said


def test_it_is_nothing_to_start_by_hand():
    done = subprocess.run([PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 2 and b"descriptor 3" in done.stderr
    done = subprocess.run([PROGRAM, "--help"], capture_output=True, check=True)
    assert done.stdout.startswith(b"usage: ccrun-relay\n")


def test_a_marked_process_cannot_start_it():
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    done = subprocess.run(["prlimit", "--locks=1:1", PROGRAM], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, pass_fds=(3,), preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
    mine.close()
    theirs.close()
    assert done.returncode == 1 and b"inside a session" in done.stderr


# ---- memory ------------------------------------------------------------

def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


def test_memory_stays_the_same(provider):
    provider.reply = lambda wire, request: wire.sock.sendall(
        STREAM_HEAD + b"".join(map(chunk, [*STREAM, request.body, b""])))
    with Relay(provider.url) as relay:
        def some(n):
            c = relay.connect()
            for _ in range(n):
                assert relay.post(body=b"x" * 50000, connection=c).status == 200
            c.close()
        for _ in range(5):
            some(100)
        before = resident(relay.pid())
        for _ in range(15):
            some(100)
        assert resident(relay.pid()) <= before + 512
        until(lambda: len(relay.of("use")) == 2000)


def test_more_connections_than_it_takes_at_once(provider):
    go = threading.Event()

    def reply(wire, _):
        assert go.wait(30)
        wire.sock.sendall(answer(MESSAGE))
    provider.reply = reply
    with Relay(provider.url) as relay:
        c = [relay.connect() for _ in range(100)]
        for one in c:
            one.request("POST", "/v1/messages", b"{}")
        time.sleep(0.5)
        go.set()
        got = []
        for one in c:
            got.append(one.getresponse().status)
            one.close()
        assert set(got) <= {200, 503} and got.count(200) >= 30, got
        assert relay.post().status == 200


def test_noise_in_the_log_has_a_bound(provider):
    with Relay(provider.url) as relay:
        for _ in range(50):
            relay.post("/v1/files")
        relay.post()
        relay.wait("use")
        assert len(relay.of("refusal")) == 10


def test_a_signal_ends_it(provider):
    with Relay(provider.url) as relay:
        relay.post()
        os.kill(relay.pid(), signal.SIGTERM)
        relay.wait("end")


# ---- what root sees ----------------------------------------------------

@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="root's eyes")
@pytest.mark.parametrize("tls", [False, True])
def test_where_the_key_is_in_its_memory(token, tmp_path, tls):
    """In locked memory while it can be used, and nowhere after a wipe."""
    def reply(wire, _):
        # What TLS has read is in memory of OpenSSL's own.
        echo = () if tls else [("X-Echo", token)]
        wire.sock.sendall(answer({"echo": [v for _, v in echo] * 100}, headers=echo))
    pair = certificate(tmp_path)
    with Provider(reply, tls=server_context(*pair) if tls else None) as provider, \
            Relay(provider.url, values=[(token,), LOCKED], files=[("ca", pair[0].read_bytes())]) as relay:
        c = relay.connect()
        for _ in range(20):
            assert relay.post(connection=c).status == 200
            assert relay.post().status == 200
        assert not canary.scan_memory(relay.pid(), token, spare_locked=True)[0]
        assert canary.scan_memory(relay.pid(), token, spare_locked=False)[0]
        provider.reply = streaming
        with relay.raw() as s:
            s.sendall(ASK)
            assert s.recv(1 << 16)
            relay.wipe()
            read_to_end(s)
        assert relay.post().status == 503
        assert not canary.scan_memory(relay.pid(), token, spare_locked=False)[0]
