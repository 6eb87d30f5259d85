"""How long a launch waits for a yes, and how long a yes waits for its launch.  The broker's clock
is the test's."""
import json
import subprocess

import pytest

import canary
import wire_client as wc
from ccrun import CCRUN
from client import until
from dialogue import done, talk
from locking import Locking

WAIT, TAKE = 60, 10


@pytest.fixture
def w():
    with Locking() as world:
        world.keys(demo={})
        world.ok("confirm", "demo", "session")
        yield world


@pytest.fixture
def b(fresh):
    fresh.init()
    fresh.put("zai", canary.new_token(), wc.POLICY + " confirm=session")
    return fresh


def advance(b, seconds):
    new = b.root / "state/ccrun/clock.new"
    new.write_text(str(int(seconds * 1000)))
    new.rename(b.root / "state/ccrun/clock")


def tries(b):
    with b.connect() as c:
        reply = c.ask("open", **wc.open_fields())
    return "granted" if reply["ok"] else reply["error"]


def says_yes(b, launch):
    with b.connect() as c:
        assert c.prove(1, b.key)["ok"]
        reply = c.ask("confirm", id=launch)
    return "ok" if reply["ok"] else reply["error"]


def state(b):
    with b.connect() as c:
        reply = c.ask("confirm-wait")
    return reply["state"] if reply["ok"] else reply["error"]


def outcomes(b):
    return [e["result"] for e in b.lines() if e["event"] == "confirm"]


def test_after_a_minute_the_answer_is_no(b):
    assert tries(b) == "confirm"
    launch = b.call("confirmations")["launches"][0]["id"]
    advance(b, WAIT - 1)
    assert state(b) == "waits" and tries(b) == "confirm", "asking again begins no new minute"
    assert [x["id"] for x in b.call("confirmations")["launches"]] == [launch]
    advance(b, WAIT + 1)
    assert says_yes(b, launch) == "no-entry" and state(b) == "late"
    assert outcomes(b) == ["timeout", "no-entry"]
    assert b.call("confirmations")["launches"] == []
    advance(b, WAIT + 1 + 2 * TAKE)
    assert state(b) == "no-entry"


def test_a_yes_is_for_now(b):
    assert tries(b) == "confirm"
    launch = b.call("confirmations")["launches"][0]["id"]
    advance(b, WAIT - 1)
    assert says_yes(b, launch) == "ok"
    advance(b, WAIT - 1 + TAKE - 1)
    assert state(b) == "confirmed"
    advance(b, WAIT - 1 + TAKE + 1)
    assert tries(b) == "confirm"
    assert outcomes(b) == ["granted", "timeout"]


def test_a_launch_without_a_terminal(w):
    p = w.popen([CCRUN, "--exec", "/bin/true", "demo"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                start_new_session=True)
    until(lambda: json.loads(w.ok("confirm", "--json").out), what="a launch that waits")
    w.advance(WAIT + 1)
    err = p.communicate(timeout=20)[1]
    assert p.returncode == 125, err
    assert "ccrun: nobody said yes to this launch within 60 seconds\nhint: ccctl confirm, in any window" in err


def test_a_question_on_a_terminal_ends_too(w):
    p = talk(w, CCRUN, "--exec", "/bin/true", "demo")
    p.expect("Passphrase for your vault: ")
    p.waitnoecho()
    w.advance(WAIT + 1)
    assert "nobody said yes to this launch within 60 seconds" in done(p, 125)
