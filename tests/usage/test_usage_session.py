"""The launcher, the broker and ccrun-usage together: numbers reach the session, the
key does not, and the worker ends with it."""
import json
import os
from pathlib import Path

import pytest

import canary
from ccrun import Ccrun
from client import LIB, alive, children_named, until
from quota_server import QuotaServer
from usage import TlsMachine

BALANCE = {"balance_infos": [{"currency": "USD", "total_balance": "12.5"}]}
ITEMS = [{"label": "bal", "amount": "12.50", "currency": "USD"}]
# No worker is started for an address of this machine.
URL = "https://api.deepseek.com/anthropic"
CONNECT = "CONNECT api.deepseek.com:443 HTTP/1.1"

@pytest.fixture
def proxy():
    with QuotaServer() as s:
        yield s


@pytest.fixture
def c():
    with Ccrun() as world:
        yield world


class Session:
    """A session of demo's.  in_machine: how it is started, else here, where all that
    goes outside is seen by proxy."""

    def __init__(self, c, want, proxy=None, name="session", in_machine=None, more=()):
        self.c, self.out = c, c.root / (name + ".json")
        argv = [c.bin / "ccrun", "--exec", "/usr/bin/python3", "demo", "--", LIB / "usage_session.py", want, self.out,
                *more]
        if in_machine:
            in_machine(argv)
        else:
            self.process = c.popen(argv, env={"https_proxy": proxy.url, "HTTPS_PROXY": None, "NO_PROXY": None})

    def answer(self):
        until(self.out.exists, timeout=60, what="the session's answer")
        return json.loads(self.out.read_text())

    def end(self):
        Path(str(self.out) + ".end").touch()


def workers():
    return [p for p in children_named(os.getpid(), "ccrun-usage") if alive(p)]


def ready(c, token, kind="deepseek", delivery="preload"):
    c.demo(URL, policy={"delivery": delivery}, extra=f"[usage]\nkind = {kind}\n" if kind else "")
    c.ready(token)


def refuse(proxy, times=1):
    """The tunnel is refused: nothing but the host's name was said by then."""
    for _ in range(times):
        proxy.raw(b"HTTP/1.1 502 no\r\nContent-Length: 0\r\n\r\n")


def test_what_failed_reaches_a_session(c, proxy, token):
    ready(c, token)
    refuse(proxy)
    session = Session(c, "error", proxy)
    answer = session.answer()
    assert (answer["state"], answer["error"], answer["items"]) == ("error", "network", [])
    assert [r.line for r in proxy.requests] == [CONNECT] and token.encode() not in proxy.requests[0].raw
    (event,) = [e for e in c.record() if e["event"] == "usage"]
    assert event["entries"] == "demo" and token not in json.dumps(event)
    found, read = canary.scan_proc(token, skip=[os.getpid()])
    assert read and not found, found
    (worker,) = workers()
    session.end()
    assert session.process.wait(30) == 0
    until(lambda: not alive(worker), what="the worker ends")


def test_by_relay_the_relay_asks(c, proxy, token):
    """The session's request and the question are two tunnels, and nothing more was said."""
    ready(c, token, delivery="relay")
    refuse(proxy, 2)
    session = Session(c, "error", proxy, more=["ask"])
    answer = session.answer()
    assert (answer["state"], answer["error"], answer["items"]) == ("error", "network", [])
    assert [r.line for r in proxy.requests] == [CONNECT] * 2
    assert not any(token.encode() in r.raw for r in proxy.requests)
    (event,) = [e for e in c.record() if e["event"] == "usage"]
    assert event["entries"] == "demo" and event["why"] == "by the session's relay"
    found, read = canary.scan_proc(token, skip=[os.getpid()])
    assert read and not found, found
    (worker,) = workers()
    session.end()
    assert session.process.wait(30) == 0
    until(lambda: not alive(worker), what="the worker ends")


def test_closed_standard_streams(c, proxy, token):
    """What the launcher opens would be one of them: the session's connection, what
    the worker is handed."""
    ready(c, token)
    refuse(proxy)
    env = {"https_proxy": proxy.url, "HTTPS_PROXY": None, "NO_PROXY": None}
    session = Session(c, "error", in_machine=lambda argv: c.popen(["bash", "-c", 'exec "$@" <&- >&-', "bash", *argv],
                                                                  env=env))
    assert session.answer()["error"] == "network"
    assert len(workers()) == 1
    session.end()
    until(lambda: not workers(), what="the worker ends")


def test_many_sessions_ask_once(c, proxy, token):
    ready(c, token)
    refuse(proxy, 3)
    sessions = [Session(c, "error", proxy, f"session-{i}") for i in range(3)]
    assert all(s.answer()["error"] == "network" for s in sessions)
    until(lambda: len(workers()) == 3, what="a worker each")
    assert len(proxy.requests) == 1
    for s in sessions:
        s.end()
    until(lambda: not workers(), what="the workers end")


def test_a_killed_session_takes_its_worker_along(c, proxy, token):
    ready(c, token)
    refuse(proxy)
    session = Session(c, "error", proxy)
    session.answer()
    session.process.kill()
    until(lambda: not workers(), what="the worker ends")


def test_a_key_of_another_vendor_is_not_sent(c, proxy, token):
    ready(c, token, "openrouter")
    session = Session(c, "error", proxy)
    assert session.answer()["error"] == "missing"
    assert proxy.connections == 0
    session.end()


@pytest.mark.parametrize("kind", [None, "nonsense"])
def test_no_kind_no_worker(c, proxy, token, kind):
    ready(c, token, kind)
    session = Session(c, "none", proxy)
    assert session.answer()["state"] == "none"
    until(lambda: not workers(), what="no worker")
    assert proxy.connections == 0
    session.end()


@pytest.mark.root
def test_numbers_reach_a_session_and_the_key_stays(c, token):
    if not TlsMachine.possible():
        pytest.skip("needs root and namespaces: other name and certificate files")
    ready(c, token)
    with TlsMachine(c, "api.deepseek.com", body=json.dumps(BALANCE)) as machine:
        session = Session(c, "fresh", in_machine=machine.start)
        answer = session.answer()
        assert answer["state"] == "fresh" and answer["items"] == ITEMS and "error" not in answer
        (sent,) = machine.requests()
        assert sent["line"] == "GET /user/balance HTTP/1.1" and sent["headers"]["authorization"] == "Bearer " + token
        (worker,) = workers()
        found, searched, _ = canary.scan_memory(worker, token, spare_locked=False)
        assert searched > 100_000 and not found, found
        found, read = canary.scan_proc(token, skip=[os.getpid()])
        assert worker in read and not found, found
        session.end()
        until(lambda: not workers(), what="the worker ends")
