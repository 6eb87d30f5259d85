"""ccrun-usage's own life: what is left of a key, when it ends, how it is started."""
import os
import signal
import threading
from pathlib import Path

import pytest

import canary
import wire_client as wc
from client import alive, children_named, until
from quota_server import QuotaServer
from usage import BALANCE, DEEPSEEK, HELPER, PATHS, memory_is_clean


# ---- what is left of a key ----------------------------------------------


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
def test_memory(ask, usage, server, token):
    hold = threading.Event()
    server.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    # It is there while it is needed, in locked memory alone, and with the child alone.
    with canary.frozen(child):
        found, searched, _ = canary.scan_memory(child, token, spare_locked=False)
        assert found and searched
        found, searched, spared = canary.scan_memory(child, token)
        assert searched > 100_000 and spared > 100_000
        assert not found, found
    memory_is_clean(usage.pid, token)
    hold.set()
    assert usage.put()["error"] == "network"
    until(lambda: not children_named(usage.pid, "ccrun-usage"), what="the child is gone")
    for status in (200, 401, 302, 429):
        server.answer(status, DEEPSEEK)
        ask()
    memory_is_clean(usage.pid, token)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
def test_memory_that_read_a_log_in(world, usage, token):
    world.login(token)
    hold = threading.Event()
    with QuotaServer() as proxy:
        proxy.raw(b"", hold)
        usage.start("anthropic", None, env={"https_proxy": proxy.url, "HTTPS_PROXY": None, "NO_PROXY": None})
        usage.say(own=True)
        until(lambda: proxy.requests, what="the request")
        (child,) = children_named(usage.pid, "ccrun-usage")
        with canary.frozen(child):
            assert canary.scan_memory(child, token, spare_locked=False)[0]
            found, _, _ = canary.scan_memory(child, token)
            assert not found, found
        memory_is_clean(usage.pid, token)
        hold.set()


def test_no_environment_argument_or_file_has_it(ask, usage, world, server, token):
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    # (What was sent to a test's own broker was in its standard input.)
    found, read = canary.scan_proc(token, skip=[os.getpid()])
    assert read and not found, found
    assert not canary.scan_files([world.root], token)
    hold.set()
    usage.put()
    assert not canary.scan_files([world.root], token)


def test_nobody_looks_into_it(ask, usage, server):
    if os.geteuid() == 0:
        pytest.skip("root sees everything")
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, "token-0123456789")
    until(lambda: server.requests, what="the request")
    for pid in (usage.pid, *children_named(usage.pid, "ccrun-usage")):
        for leaf in ("environ", "mem", "fd/3"):
            with pytest.raises(PermissionError):
                with open(f"/proc/{pid}/{leaf}", "rb") as f:
                    f.read(1)
    hold.set()


def test_the_process_that_reads_untrusted_bytes_is_sandboxed(ask, usage, server):
    """(What the sandbox refuses: tests/usage/test_usage_answers.c.)"""
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, "token-0123456789")
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    status = Path(f"/proc/{child}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    limits = Path(f"/proc/{child}/limits").read_text()
    assert "Max file size             0 " in limits and "Max core file size        0 " in limits
    hold.set()


def test_what_reads_strangers_bytes_gets_nothing_from_the_broker(ask, usage, server):
    """Taken over, it could connect to the broker: as a process of a session."""
    def marked(pid):
        line, = [at for at in Path(f"/proc/{pid}/limits").read_text().splitlines() if at.startswith("Max file locks")]
        return "unlimited" not in line.split()[-2]
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, "token-0123456789")
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    assert marked(child) and not marked(usage.pid)
    hold.set()


# ---- life ---------------------------------------------------------------

def test_it_ends_with_the_session(usage):
    usage.start("deepseek")
    assert alive(usage.pid)
    usage.end_session()
    usage.ended()
    assert usage.err == ""


def test_it_ends_with_the_session_in_the_middle_of_a_fetch(ask, usage, server, token):
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    usage.end_session()
    usage.ended()
    assert not alive(child) and usage.err == ""
    assert not usage.requests("usage-put")
    hold.set()


def test_the_child_dies_with_it(ask, usage, server, token):
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    os.kill(usage.pid, signal.SIGKILL)
    until(lambda: not alive(child), what="the child ends")
    hold.set()


def test_a_child_that_dies_is_an_error(ask, usage, server, token):
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    os.kill(children_named(usage.pid, "ccrun-usage")[0], signal.SIGKILL)
    assert usage.put() == {"error": "answer", "retry": 30}
    hold.set()
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}


def test_who_was_late_comes_again(ask, usage, server):
    """The computer slept in the middle of a fetch: the broker has dropped it."""
    server.answer(200, DEEPSEEK)
    usage.say(puts="timeout")
    assert ask() == {"items": BALANCE}
    until(lambda: len(usage.requests("hello")) == 2, what="it connects again")
    assert alive(usage.pid)
    usage.say(raw={"ok": False, "error": "timeout", "message": "nothing came", "hint": "connect again"})
    until(lambda: len(usage.requests("hello")) == 3, what="it connects again")
    assert alive(usage.pid)


def test_where_others_are_it_comes_again(ask, usage, server):
    server.answer(200, DEEPSEEK)
    usage.say(raw={"ok": True, "fetch": False, "retry": 1})
    until(lambda: usage.broker.events("gone"), what="it hangs up meanwhile")
    assert ask() == {"items": BALANCE}
    assert len(usage.requests("hello")) == 2


def test_it_ends_while_it_is_away(usage):
    usage.start("deepseek")
    usage.say(raw={"ok": True, "fetch": False, "retry": 3600})
    until(lambda: usage.broker.events("gone"), what="it hangs up meanwhile")
    assert alive(usage.pid)
    usage.end_session()
    usage.ended()
    assert usage.err == ""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root cannot be told")
def test_as_root_what_is_sealed_as_strict_is_not_released():
    with wc.Broker() as b:
        b.init()
        b.put("strict", "token-0123456789-0123456789", wc.POLICY.replace("strict=no", "strict=yes"))
        b.put("loose", "token-0123456789-0123456789")

        def ask(name):
            wc.undumpable()
            with b.connect() as c:
                c.call("hello")
                return c.ask("usage-next", name=name)
        assert wc.in_child(ask, "strict")["error"] == "posture"
        assert wc.in_child(ask, "loose")["ok"]


def test_it_ends_with_the_broker(usage):
    usage.start("deepseek")
    pid = usage.pid
    usage.broker.stop()
    until(lambda: not alive(pid), timeout=120, what="the worker ends")
    assert usage.err == ""


def test_a_broker_that_is_started_anew(ask, usage, server):
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}
    usage.broker.stop()
    usage.start_broker()
    until(lambda: len(usage.requests("hello")) == 2, timeout=60, what="it comes back")
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}


def test_no_broker(usage):
    usage.broker.stop()
    assert usage.run(usage.words("deepseek")) == 0
    until(lambda: usage.err.count("\n") == 2, what="it says so")
    assert usage.err == "ccrun-usage: no broker is running\nhint: ccctl unlock starts one\n"


@pytest.mark.parametrize("answer", [{"refuse": "no-entry"}, {"raw": {"ok": True}}, {"raw": {"ok": 1}},
                                    {"raw": {"ok": True, "origin": "bearer http://127.0.0.1:9", "token": "text-not-bin"}},
                                    {"raw": {"ok": True, "origin": 5, "token": "x"}}])
def test_answers_that_end_it(usage, answer):
    usage.start("deepseek").say(**answer)
    usage.ended()
    assert usage.err.startswith("ccrun-usage: ") and not usage.requests("usage-put")


def test_numbers_that_are_refused_end_it(usage, server, token):
    usage.start("deepseek").say(puts="bad-value")
    server.answer(200, DEEPSEEK)
    usage.fetch("bearer " + server.url, token)
    usage.ended()
    assert "this is a test: bad-value" in usage.err


def test_refused_inside_a_session(usage):
    assert usage.run(usage.words("deepseek"), preexec_fn=wc.mark) == 1
    assert "inside a session" in usage.err and not usage.broker.events("request")


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it(usage, signal_):
    def ignore():
        signal.signal(signal_, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal_])
    usage.start("deepseek", preexec_fn=ignore)
    os.kill(usage.pid, signal_)
    usage.ended()


# ---- the command line ---------------------------------------------------

def test_help_and_version(world):
    r = world.run([HELPER, "--version"])
    assert r.rc == 0 and r.out.startswith("ccrun-usage ") and r.err == ""
    r = world.run([HELPER, "--help"])
    assert r.rc == 0 and r.err == ""
    for word in (*PATHS, "anthropic", "--kind", "--entry", "--own"):
        assert word in r.out


@pytest.mark.parametrize("words", [[], ["x"], ["--kind"], ["--kind", "deepseek"], ["--entry", "key"], ["--own"],
                                   ["--kind", "nonsense", "--entry", "key"], ["--kind", "deepseek", "--own"],
                                   ["--kind", "anthropic", "--entry", "key"],
                                   ["--kind", "anthropic", "--own", "--entry", "key"],
                                   ["--kind", "deepseek", "--entry", "../key"], ["--kind", "deepseek", "--entry", ""],
                                   ["--kind", "deepseek", "--entry", "a", "--entry", "b"],
                                   ["--kind", "zai", "--kind", "zai", "--entry", "a"], ["--version", "x"]])
def test_other_words_are_refused(usage, words):
    assert usage.run([HELPER, *words]) == 2
    assert usage.err.startswith("usage: ccrun-usage ") and not usage.broker.events("request")


@pytest.mark.parametrize("what", ["<&-", "</dev/null", "< <(sleep 1)", "</proc/$$"])
def test_descriptor_3_must_be_a_pidfd(usage, world, what):
    words = usage.words("deepseek")
    r = world.run(["bash", "-c", f'exec "$@" 3{what}', "bash", *words])
    assert r.rc == 2 and r.err == "ccrun-usage: descriptor 3 is no pidfd\nhint: ccrun runs this program\n"
    assert not usage.broker.events("request")
