"""The canary: a random token, the real client through ccrun, and a search for
any 12-character piece of it while that runs and afterwards."""
import os
import threading

import pytest

import canary
from ccrun import CCRUN
from client import until
from endpoint import Bash, Text

LOOK = canary.SNOOP
pytestmark = pytest.mark.canary


def clean(c, token, when):
    """Nothing in any process's environment or arguments, nor in any file."""
    # As an ordinary user most of what matters cannot be read, which is the
    # point; started as root the same tests run once more with root's eyes.
    other = c.popen(["sleep", "60"])
    found, read = canary.scan_proc(token, skip=[os.getpid()])
    other.kill()
    assert other.pid in read, "nothing was searched"
    assert not found, f"{when}: {found}"
    found = canary.scan_files([c.root], token)
    assert not found, f"{when}: {found}"


def held_run(c, ep, token, auth, start):
    """Run the client, stop it in the middle of a turn, search; let it end, search."""
    c.demo(auth=auth)
    c.ready(token)
    clean(c, token, "before the first launch")
    hold = threading.Event()
    ep.script[:] = [Bash(LOOK), Text("the end", hold=hold)]
    running = start()
    try:
        until(lambda: len(ep.main) == 2, what="the tool's result")
        clean(c, token, "while claude runs")
    finally:
        hold.set()
    return running


@pytest.mark.parametrize("auth", ["bearer", "api-key"])
def test_print_mode(c, ep, token, auth):
    proc = held_run(c, ep, token, auth, lambda: c.popen([CCRUN, "demo", "-p", "look around"]))
    assert proc.wait(60) == 0
    clean(c, token, "after claude")
    header = "authorization" if auth == "bearer" else "x-api-key"
    assert token in ep.main[0].headers[header], "the canary did sing at the provider"
    snoop = (c.home / "snoop.txt").read_text(errors="replace")
    assert "snoop done" in snoop.lower() or len(snoop) > 200, snoop
    assert not canary.scan_bytes("\n".join(ep.tool_results()).encode(), token)


@pytest.mark.parametrize("auth", ["bearer", "api-key"])
def test_full_screen(c, ep, token, auth):
    screens = []

    def start():
        s = c.screen([CCRUN, "demo"])
        s.ask("look around")
        screens.append(s)
        return s

    # The screen only moves while it is read.
    c.demo(auth=auth)
    c.ready(token)
    ep.script[:] = [Bash(LOOK), Text("the end of it")]
    s = start()
    s.wait("the end of it")
    clean(c, token, "while the full screen is up")
    assert s.exit() == 0
    clean(c, token, "after the full screen")
    assert not canary.scan_bytes(bytes(s.raw), token), "on the screen"


def test_broker_killed_between_and_during(c, ep, token):
    """A session goes on without its broker; the next launch finds a new one."""
    hold = threading.Event()
    c.demo()
    c.ready(token)
    ep.script[:] = [Text("one", hold=hold)]
    proc = c.popen([CCRUN, "demo", "-p", "hello"])
    until(lambda: ep.main, what="the request")
    os.kill(c.broker(), 9)
    hold.set()
    assert proc.wait(60) == 0
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and "locked" in r.err and "ccctl unlock" in r.err, r
    assert c.unlock().rc == 0
    assert c.ccrun("demo", "-p", "hello").rc == 0
    clean(c, token, "after a broker was killed")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
def test_broker_memory(c, ep, token):
    """The broker's memory outside its locked pages, read as root."""
    assert os.geteuid() == 0
    c.demo()
    c.ready(token)
    for _ in range(3):
        assert c.ccrun("demo", "-p", "hello").rc == 0
    c.add("demo", token, "--replace")
    # A search that finds it in the locked pages proves that it can find it.
    found, searched, _ = canary.scan_memory(c.broker(), token, spare_locked=False)
    assert found and searched
    found, searched, spared = canary.scan_memory(c.broker(), token)
    assert searched > 100_000 and spared > 100_000
    assert not found, found
    assert c.ccctl("lock").rc == 0
    found, _, _ = canary.scan_memory(c.broker(), token, spare_locked=False)
    assert not found, f"after lock: {found}"
