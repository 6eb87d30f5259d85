"""The canary when a relay has the key: a random token, the real client, and root's eyes.
Only the broker and the relay may have it, in locked pages, and neither after a lock."""
import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import canary
from ccrun import CCRUN
from client import LIB, alive, children_named, descendants, until
from endpoint import Bash, Text
from relay_broker import certificate, server_context

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")]


@pytest.fixture
def relayed(c, token):
    c.demo(policy={"delivery": "relay"})
    c.ready(token)
    return c


@pytest.fixture
def pause():
    event = threading.Event()
    yield event
    event.set()


def relays():
    return [p for p in children_named(os.getpid(), "ccrun-relay") if alive(p)]


def holders(c):
    """Who may have it: the broker that serves, and relays."""
    return [c.broker(), *relays()]


def clean_memory(pid, token, when, locked=True):
    """A process has it in locked pages alone (locked: somewhere in them)."""
    with canary.frozen(pid):
        anywhere = canary.scan_memory(pid, token, spare_locked=False)[0]
        found, searched, spared = canary.scan_memory(pid, token)
    print(when, pid, *anywhere, sep="\n  ")
    assert searched > 100_000 and spared > 100_000
    assert not found, f"{when}: {found}"
    assert bool(anywhere) == locked, f"{when}: {anywhere}"


def clean(c, token, when, may=()):
    """Nothing of it in any process that this world started but those that may, in no
    environment or argument of anybody's, in no file."""
    found, read = canary.scan_proc(token, skip=[os.getpid()])
    assert c.broker() in read | {None} and read and not found, f"{when}: {found}"
    searched = []
    for pid in descendants(os.getpid()):
        # A process may end meanwhile; an open file is searched in those that may, too.
        files = canary.scan_descriptors(pid, token)[0]
        assert not files, f"{when}: {files}"
        if pid in may or not alive(pid):
            continue
        try:
            found, n, _ = canary.scan_memory(pid, token, spare_locked=False)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            assert not alive(pid), f"{when}: {pid} cannot be searched"
            continue
        assert not found, f"{when}: {found}"
        searched.append((pid, n))
    found = canary.scan_files([c.root, "/dev/shm"], token)
    assert not found, f"{when}: {found}"
    return searched


@contextmanager
def streaming(c, ep, pause, *argv, **kw):
    """A client in the middle of an answer's stream."""
    ep.script[:] = [Bash(canary.SNOOP), Text("one two three four five six", pause=pause)]
    with open(c.root / "said", "wb") as said:
        p = c.popen([CCRUN, "demo", "-p", "look", "--output-format", "stream-json", "--verbose",
                     "--include-partial-messages", *argv], stdout=said, stderr=subprocess.STDOUT, **kw)
        assert ep.paused.wait(60), (c.root / "said").read_text()
        # Some of it has come through.
        until(lambda: b"content_block_delta" in (c.root / "said").read_bytes(), what="a piece of the answer")
        yield p


def speak_tls(c, ep):
    """Now the endpoint does, with a certificate that the person trusts."""
    crt, key = certificate(c.root, name="DNS:localhost")
    ep.server.socket = server_context(crt, key).wrap_socket(ep.server.socket, server_side=True)
    c.plain_env["NODE_EXTRA_CA_CERTS"] = str(crt)
    c.own()
    return f"https://localhost:{ep.port}"


def authorities(c):
    """A person agrees to the file of them."""
    path = Path(c.plain_env["NODE_EXTRA_CA_CERTS"])
    return "--allow", "ca=" + hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()[:32]


@pytest.mark.parametrize("auth, tls", [("bearer", False), ("api-key", False), ("bearer", True)])
def test_only_broker_and_relay_have_it_and_only_in_locked_pages(c, ep, token, pause, auth, tls):
    """With TLS: the library that encrypts keeps no copy of what it has sent, either."""
    c.demo(url=speak_tls(c, ep) if tls else None, auth=auth, policy={"delivery": "relay"})
    c.init()
    c.add("demo", token, *(authorities(c) if tls else ()))
    clean(c, token, "before the first launch", may=[c.broker()])
    with streaming(c, ep, pause) as p:
        may = holders(c)
        assert len(may) == 2
        searched = clean(c, token, "in mid-stream", may)
        # The client was searched, as a whole.
        assert dict(searched)[p.pid] > 50 << 20
        for pid in may:
            clean_memory(pid, token, "in mid-stream")
        pause.set()
        assert p.wait(60) == 0
    until(lambda: not relays(), what="the relay's end")
    clean(c, token, "after claude", may=[c.broker()])
    clean_memory(c.broker(), token, "after claude")
    sent = ep.main[0].headers["authorization" if auth == "bearer" else "x-api-key"]
    assert sent.endswith(token), "it did arrive"
    assert not canary.scan_bytes("\n".join(ep.tool_results()), token)


def test_a_crash_leaves_none(relayed, ep, token, pause):
    relayed.run(["sh", "-c", "ulimit -c unlimited; kill -SEGV $$"])
    cores = [p for p in relayed.root.rglob("core*") if p.is_file()]
    for p in cores:
        p.unlink()
    raised = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))}
    with streaming(relayed, ep, pause, **raised) as p:
        relay, = relays()
        for pid in (p.pid, relay, relayed.broker()):
            os.kill(pid, signal.SIGSEGV)
            until(lambda pid=pid: not alive(pid), what="its end")
        p.wait(20)
    assert not [p for p in relayed.root.rglob("core*") if p.is_file()]
    clean(relayed, token, "after crashes", may=relays())
    assert cores, "the control: a core of something else would be there"


def test_what_the_client_writes_on_request(relayed, ep, token):
    """/heapdump; the runtime's debug switch, in settings that it reloads; --debug."""
    with relayed.screen([CCRUN, "demo", "--debug"]) as s:
        s.ask("say hello")
        s.wait("hello from loopback")
        s.ask("/heapdump")
        dumps = until(lambda: s.pump(0.2) and heap_dumps(relayed), timeout=60, what="a heap dump")
        until(lambda: s.pump(0.5) and still(dumps), timeout=60, what="its end")
        relayed.settings({"env": {"BUN_CONFIG_VERBOSE_FETCH": "curl"}}, where="local")
        s.pump(2)
        s.ask("say more")
        # What the switch prints is all over the screen.
        until(lambda: s.pump(0.2) and len(ep.main) == 2, timeout=60, what="the next request")
        s.pump(2)
        clean(relayed, token, "the full screen", holders(relayed))
        raw = bytes(s.raw)
    print("the switch took effect:", b"ccrun.invalid/v1/messages" in raw)
    assert not canary.scan_bytes(raw, token), "on the screen"
    until(lambda: not relays(), what="the relay's end")
    clean(relayed, token, "after it", [relayed.broker()])
    logs = list((relayed.home / ".claude/debug").rglob("*.txt"))
    assert logs and any(p.stat().st_size for p in logs), "the control: it writes a log"
    assert {q.headers["authorization"] for q in ep.main} == {"Bearer " + token}


def heap_dumps(c):
    return [p for p in c.home.rglob("*.heapsnapshot") if p.stat().st_size]


def still(paths):
    sizes = [p.stat().st_size for p in paths]
    time.sleep(0.5)
    return [p.stat().st_size for p in paths] == sizes


# ---- a lock, the end of a session ----

def cut(said):
    """The client tells of an answer that ended in its middle, and tries again."""
    return re.search(rb"api_retry|overloaded|529|retry", said.read_bytes())


ENDS = {
    "lock": lambda c: c.ccctl("lock"),
    "sessions end": lambda c: c.ccctl("sessions", "end", *ids(c)),
    "suspend": lambda c: c.run(["/usr/bin/python3", LIB / "lock_event.py", c.runtime / "ccrun/broker.sock", "suspend"]),
}


def ids(c):
    return [s["id"] for s in json.loads(c.ccctl("sessions", "--json").out)]


def gone_from(pid, token):
    """Nothing of it anywhere in the process, or the process has ended."""
    try:
        return not canary.scan_memory(pid, token, spare_locked=False)[0]
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("how", ENDS)
def test_a_relay_forgets_in_mid_stream(relayed, ep, token, pause, how):
    with streaming(relayed, ep, pause) as p:
        relay, = relays()
        assert not gone_from(relay, token)
        before = len(ep.main)
        r = ENDS[how](relayed)
        began = time.monotonic()
        assert r.rc == 0, r
        until(lambda: gone_from(relay, token), timeout=20, what="the key's end in the relay")
        print(f"{how}: gone {time.monotonic() - began:.3f} s after the answer")
        # And it is not used again: what was under way is cut, what comes is refused.
        until(lambda: cut(relayed.root / "said"), what="the cut")
        assert len(ep.main) == before
        if how == "sessions end":
            assert p.wait(60) != 0
            return
        assert gone_from(relayed.broker(), token)
        assert gone_from(relay, token)
        assert relayed.unlock().rc == 0
        pause.set()
        ep.default = Text("it goes on")
        assert p.wait(90) == 0
    assert b"it goes on" in (relayed.root / "said").read_bytes()
    assert ep.sent("authorization") == {"Bearer " + token}


def test_a_killed_client_takes_the_relay_along(relayed, ep, token, pause):
    with streaming(relayed, ep, pause) as p:
        relay, = relays()
        p.kill()
        p.wait()
        until(lambda: gone_from(relay, token), timeout=20, what="the key's end in the relay")
        until(lambda: not alive(relay), what="the relay's end")
    clean_memory(relayed.broker(), token, "after the client was killed")
