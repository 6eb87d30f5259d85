"""Launches that wait for a person's yes, as a person meets them: on the terminal of the launch,
in another window, and not at all.  Time is the broker's, see test_confirm_time.py."""
import json
import re
import signal
import subprocess

import pexpect
import pytest

from ccrun import CCCTL, CCRUN, PASSPHRASE
from client import until
from dialogue import answer, done, talk

WRONG = "wrong wrong wrong"
PROMPT = "Passphrase for your vault: "
SAY = 'printf "started with %s" "$ANTHROPIC_AUTH_TOKEN"'
LAUNCH = ["--exec", "/bin/sh", "demo", "-c", SAY]


@pytest.fixture
def asks(ready):
    assert ready.ccctl("confirm", "demo", "session").rc == 0
    return ready


def background(w, *words):
    """A launch without a terminal: it and its standard error are read later."""
    return w.popen([CCRUN, *(words or LAUNCH)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE, text=True, start_new_session=True)


def waiting(w):
    return json.loads(w.ccctl("confirm", "--json").out)


def waits(w, n=1):
    until(lambda: len(waiting(w)) == n, what="a launch that waits")
    return waiting(w)


def ended(process):
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def results(w, event):
    return [e["result"] for e in w.record() if e["event"] == event]


# ---- on its terminal ----

def test_the_passphrase_is_the_yes(asks, token):
    p = talk(asks, CCRUN, *LAUNCH)
    p.expect(PROMPT)
    shown = p.before
    assert re.search(r"^launch [0-9a-f]{8} waits for your yes, (60|5\d) s more:\r$", shown, re.M), shown
    for fact in ("provider   demo (key demo)", f"sends to   {asks.endpoint_used.url}", f"directory  {asks.cwd}",
                 "program    /bin/sh, as it says", "delivery   preload", "limit      off"):
        assert fact + "\r\n" in shown, shown
    assert re.search(r"^  asked by   \S+/bin/ccrun, process \d+\r$", shown, re.M), shown
    assert "y/N" not in shown
    p.waitnoecho()
    p.sendline(PASSPHRASE)
    out = done(p)
    assert "may start" in out and f"started with {token}" in out, out
    assert results(asks, "confirm") == ["granted"] and results(asks, "release") == ["granted"]
    # and the next one is asked about again
    p = talk(asks, CCRUN, *LAUNCH)
    p.expect(PROMPT)
    p.sendintr()
    p.expect(pexpect.EOF)
    assert token not in p.before and results(asks, "release") == ["granted"]


def test_a_wrong_passphrase(asks, token):
    p = talk(asks, CCRUN, *LAUNCH)
    for _ in range(3):
        answer(p, PROMPT, WRONG)
    out = done(p, 125)
    assert "ccctl: wrong passphrase\r\n" in out and "ccrun: no yes was given, so nothing was started\r\n" in out, out
    assert token not in out and waiting(asks) == []
    assert results(asks, "open")[-1] == "confirm" and results(asks, "confirm-deny") == ["granted"]
    assert results(asks, "person").count("wrong-key") == 3 and "granted" not in results(asks, "confirm")


@pytest.mark.parametrize("typed", ["y", "yes", ""])
def test_a_program_that_types_yes(asks, token, typed):
    """What runs as the user has terminals, as many as it likes, and no passphrase."""
    p = talk(asks, CCRUN, *LAUNCH)
    for _ in range(3):
        answer(p, PROMPT, typed)
    out = done(p, 125)
    assert token not in out and "granted" not in results(asks, "confirm")
    # nor in a window of its own, for a launch of its own
    b = background(asks)
    launch = waits(asks)[0]["id"]
    for words in ((), ("--ask", launch)):
        p = talk(asks, CCCTL, "confirm", *words)
        for _ in range(3):
            answer(p, PROMPT, typed)
        assert token not in done(p, 5)
        r = asks.ccctl("confirm", *words, input="y\n" * 3)
        assert r.rc == 5 and "--passphrase-fd" in r.err, r
    assert waiting(asks)[0]["id"] == launch
    assert asks.ccctl("confirm", "--deny", launch).rc == 0
    assert ended(b)[0] == 125


def test_the_question_goes_when_it_is_answered_elsewhere(asks, token):
    p = talk(asks, CCRUN, *LAUNCH)
    p.expect(PROMPT)
    p.waitnoecho()
    r = asks.with_passphrase("confirm")
    assert r.rc == 0 and "may start" in r.err, r
    out = done(p)
    assert f"started with {token}" in out
    # refused in another window
    p = talk(asks, CCRUN, *LAUNCH)
    p.expect(PROMPT)
    p.waitnoecho()
    assert asks.ccctl("confirm", "--deny", waiting(asks)[0]["id"]).rc == 0
    out = done(p, 125)
    assert "ccrun: this launch was refused: no yes was given\r\n" in out, out
    # and locked
    p = talk(asks, CCRUN, *LAUNCH)
    p.expect(PROMPT)
    p.waitnoecho()
    assert asks.ccctl("lock").rc == 0
    out = done(p, 125)
    assert "the vault was locked while this launch waited for a yes\r\nhint: ccctl unlock" in out, out


def test_echo_is_on_again(asks):
    """The question is ended from outside while it reads."""
    p = talk(asks, "/bin/sh", "-c", f"{CCRUN} --exec /bin/true demo; stty -a </dev/tty")
    p.expect(PROMPT)
    p.waitnoecho()
    assert asks.ccctl("confirm", "--deny", waiting(asks)[0]["id"]).rc == 0
    p.expect(pexpect.EOF)
    assert re.search(r"(?<!-)\becho\b", p.before) and "-icanon" not in p.before, p.before


# ---- in another window ----

def test_without_a_terminal_it_waits_for_another_window(asks, token):
    b = background(asks)
    shown, = waits(asks)
    assert shown["pid"] == b.pid and shown["directory"] == str(asks.cwd) and shown["provider"] == "demo"
    assert shown["asked_by"].endswith("/bin/ccrun") and shown["program_as_said"] == "/bin/sh"
    assert "waiting        1 for your yes: ccctl confirm\n" in asks.ccctl("status").out
    p = talk(asks, CCCTL, "confirm")
    answer(p, PROMPT, PASSPHRASE)
    assert "may start" in done(p)
    rc, out, err = ended(b)
    assert rc == 0 and out == f"started with {token}", (rc, out, err)
    assert re.match(r"ccrun: waiting for your yes: ccctl confirm \((60|5\d) s\)\n", err), err
    r = asks.ccctl("confirm")
    assert r.rc == 0 and r.err == "ccctl: no launch waits for your yes\n"


def test_of_more_than_one_each_is_asked_about(asks, token):
    one, two = background(asks), background(asks)
    ids = {x["pid"]: x["id"] for x in waits(asks, 2)}
    r = asks.with_passphrase("confirm")
    assert r.rc == 2 and "--ask LAUNCH" in r.err and len(waiting(asks)) == 2, r
    p = talk(asks, CCCTL, "confirm")
    answer(p, PROMPT, PASSPHRASE)
    for _ in ids:
        p.expect(r"let launch ([0-9a-f]{8}) start\? \[y/N\] ")
        p.sendline("y" if p.match[1] == ids[one.pid] else "n")
    done(p)
    assert ended(one)[:2] == (0, f"started with {token}")
    rc, out, err = ended(two)
    assert (rc, out) == (125, "") and "ccrun: this launch was refused" in err, err


def test_a_script_of_a_person(asks, token):
    b = background(asks)
    launch = waits(asks)[0]["id"]
    r = asks.with_passphrase("confirm", "--ask", launch, passphrase=WRONG)
    assert r.rc == 5 and waiting(asks), r
    r = asks.with_passphrase("confirm", "--ask", launch)
    assert r.rc == 0, r
    assert ended(b)[:2] == (0, f"started with {token}")
    r = asks.with_passphrase("confirm", "--ask", launch)
    assert r.rc == 4 and "no launch of that id waits" in r.err, r


def test_a_name_that_would_deceive(asks):
    """A directory's name is foreign text."""
    odd = asks.cwd / "x\u202egpj\x1b[2J"
    odd.mkdir()
    b = asks.popen([CCRUN, *LAUNCH], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                   text=True, start_new_session=True, cwd=odd)
    launch = waits(asks)[0]["id"]
    r = asks.with_passphrase("confirm", "--ask", launch)
    assert r.rc == 0 and "\u202e" not in r.out and "\x1b" not in r.out and "x?gpj?[2J" in r.out, r
    assert ended(b)[0] == 0


def test_it_stops_waiting_with_its_launch(asks):
    b = background(asks)
    waits(asks)
    b.send_signal(signal.SIGTERM)
    b.communicate(timeout=20)
    assert waiting(asks) == []


# ---- first, and which ----

def test_first(ready, token):
    assert ready.ccctl("confirm", "demo", "first").rc == 0
    b = background(ready)
    waits(ready)
    assert ready.with_passphrase("confirm").rc == 0
    assert ended(b)[0] == 0
    for _ in range(2):
        r = ready.ccrun(*LAUNCH)
        assert r.rc == 0 and r.out == f"started with {token}", r
    assert ready.ccctl("lock").rc == 0 and ready.unlock().rc == 0
    b = background(ready)
    waits(ready)
    b.kill()
    b.communicate()


def test_setting_and_showing_it(ready):
    w = ready
    assert w.ccctl("confirm", "demo").out == "off\n" and "CONFIRM" not in w.ccctl("keys").out
    r = w.ccctl("confirm", "demo", "session")
    assert r.rc == 0 and r.err == "ccctl: confirm of demo: session; sessions that run go on (ccctl sessions)\n", r
    assert w.ccctl("confirm", "demo").out == "session\n"
    assert re.search(r"^demo .* session +bearer", w.ccctl("keys").out, re.M)
    assert json.loads(w.ccctl("keys", "--json").out)[0]["confirm"] == "session"
    assert "confirm=session" in w.ccctl("show", "demo").out or "session" in w.ccctl("show", "demo").out
    # looser: a person
    for to in ("first", "off"):
        r = w.ccctl("confirm", "demo", to)
        assert r.rc == 5 and w.ccctl("confirm", "demo").out == "session\n", r
        assert w.with_passphrase("confirm", "demo", to, passphrase=WRONG).rc == 5
    # approve and a new key keep it
    w.demo(url="https://elsewhere.example.test")
    assert w.ccctl("approve", "--yes", "demo").rc == 0
    assert w.ccctl("confirm", "demo").out == "session\n"
    assert w.ccctl("add", "demo", "--replace", input="sk-other-0123456789abcdef\n").rc == 0
    assert w.ccctl("confirm", "demo").out == "session\n"
    assert w.with_passphrase("confirm", "demo", "off").rc == 0 and w.ccctl("confirm", "demo").out == "off\n"
    for words in (["demo", "always"], ["demo", "first", "more"], ["--json", "demo"], ["--ask", "1", "--deny", "1"]):
        assert w.ccctl("confirm", *words).rc == 2, words
    assert w.ccctl("confirm", "absent", "first").rc == 4


def test_a_file_tightens(ready, token):
    w = ready
    w.demo(policy={"confirm": "session"})
    r = w.ccrun("-n", "--exec", "/bin/sh", "demo")
    assert "\nconfirm session\n" in r.out, r
    b = background(w)
    waits(w)
    assert w.with_passphrase("confirm").rc == 0
    assert ended(b)[:2] == (0, f"started with {token}")
    # what is sealed is not loosened by one
    assert w.ccctl("confirm", "demo", "session").rc == 0
    w.demo(policy={"confirm": "no"})
    b = background(w)
    waits(w)
    b.kill()
    b.communicate()
    assert w.ccctl("approve", "--yes", "demo").rc == 0 and w.ccctl("confirm", "demo").out == "session\n"


def test_a_daemon_that_was_left_behind(asks, token):
    """What runs as the user, outside every session, with the vault open: it starts launches as it
    likes, and they get nothing.  They are on record, with its program."""
    daemon = asks.write("daemon.py", "import subprocess, sys\n"
                        "p = subprocess.run(sys.argv[1:], capture_output=True, text=True, input='y\\n')\n"
                        "print(p.returncode, p.stdout, p.stderr)\n")
    p = asks.popen(["/usr/bin/python3", str(daemon), str(CCRUN), *LAUNCH], stdout=subprocess.PIPE, text=True,
                   start_new_session=True)
    launch = waits(asks)[0]["id"]
    assert asks.ccctl("confirm", "--deny", launch).rc == 0
    out = p.communicate(timeout=20)[0]
    assert out.startswith("125 ") and token not in out
    assert "release" not in {e["event"] for e in asks.record()}
    line = next(e for e in asks.record() if e["event"] == "confirm-deny")
    assert line["why"].startswith(f"launch {launch} of process ") and line["why"].endswith("/bin/ccrun"), line
