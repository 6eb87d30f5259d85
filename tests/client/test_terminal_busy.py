"""A terminal that is kept for itself by a program of ours: by one that asks, which the others wait
for, and by one that was killed, whose terminal the next one opens again."""
import os
import signal

import pytest

from ccrun import CCCTL, CCRUN, PASSPHRASE
from client import children_named, until
from terminal_shell import Shell

pytestmark = pytest.mark.usefixtures("ordinary_user")

OPEN_AGAIN = "note: what kept this terminal for itself has ended: others can open it again"
ENDED = "a program that has ended kept this terminal for itself, and nobody can open it"
ASKS = r"another program asks for a secret on this terminal: ccctl \(pid (\d+)\)"
RUN = f"{CCRUN} --exec /bin/sh demo -c 'echo st''arted'"


@pytest.fixture
def shell(ready):
    with Shell(ready) as s:
        yield s


def leave_seized(shell):
    """Both processes of a ccctl that asks are killed, the one that would put it in order first."""
    shell.line(f"{CCCTL} get demo | cat")
    shell.asked()
    asking = max(children_named(shell.t.pid, "ccctl"))
    waiting = min(children_named(shell.t.pid, "ccctl"))
    os.kill(waiting, signal.SIGSTOP)
    os.kill(asking, signal.SIGKILL)
    os.kill(waiting, signal.SIGKILL)
    shell.t.expect("PS>")
    assert not shell.opens()
    shell.line("stty echo icanon")
    shell.t.expect("PS>")


def after(shell, command):
    """What goes on with command once go() was called."""
    return f"(until [ -e {shell.c.home}/go ]; do sleep 0.1; done; {command})"


def go(shell):
    """With a question on the terminal."""
    shell.asked()
    shell.c.write("go", "")


def ahead(c, seconds):
    """The clocks of our programs go on by so much."""
    c.write(c.state / "ccrun/clock.new", str(seconds * 1000)).rename(c.state / "ccrun/clock")


# ---- left by one that was killed -------------------------------------------

@pytest.mark.parametrize("redirected", ["", "</dev/null", "</dev/null 2>/dev/null", "2>&1 >/dev/null </dev/null | cat"])
def test_the_next_question_opens_it_again(shell, redirected):
    assert shell.c.ccctl("lock").rc == 0
    leave_seized(shell)
    if "cat" in redirected:
        # None of its descriptors is the terminal: it says so, at once.
        shell.line(f"{CCCTL} unlock {redirected}; echo code=${{PIPESTATUS[0]}}")
        shell.t.expect_exact(ENDED)
        shell.t.expect_exact("hint: in that terminal, with its input or its output not redirected")
        shell.t.expect("code=1")
        assert not shell.opens()
        redirected = ""
    shell.line(f"{CCCTL} unlock {redirected}; echo code=$?")
    if "2>" not in redirected:
        shell.t.expect_exact(f"ccctl: {OPEN_AGAIN}")
    shell.asked()
    assert not shell.opens()
    shell.line(PASSPHRASE)
    shell.t.expect("code=0")
    shell.t.expect("PS>")
    assert shell.opens() and shell.c.status()["state"] == "unlocked"
    until(shell.t.getecho, what="the echo")


def test_ccrun_opens_it_again(shell):
    assert shell.c.ccctl("lock").rc == 0
    leave_seized(shell)
    shell.line(RUN)
    shell.t.expect_exact(f"ccrun: {OPEN_AGAIN}")
    shell.asked()
    shell.line(PASSPHRASE)
    shell.t.expect("started")
    assert shell.opens()


def test_pinentry_opens_it_again(shell):
    leave_seized(shell)
    shell.c.write(shell.c.config / "ccrun/ccrun.conf", "[ccrun]\npinentry = /usr/bin/pinentry-tty\n", 0o600)
    shell.line(f"unset DISPLAY WAYLAND_DISPLAY; {CCCTL} get demo | cat")
    shell.t.expect_exact(f"ccctl: {OPEN_AGAIN}")
    shell.t.expect("for: ccctl get demo")
    until(lambda: not shell.opens(), what="the seized terminal")
    shell.t.sendcontrol("c")
    shell.t.expect("PS>")
    assert shell.opens()


def test_all_of_a_pipeline_wait_for_one_to_open_it(shell, token):
    """Each of them is called as what could hold it, and none does."""
    leave_seized(shell)
    shell.line(f"{CCCTL} get demo | ({CCCTL} get demo | ({CCCTL} get demo | cat; cat); cat); echo code=$?")
    seen = ""
    for _ in range(3):
        shell.asked()
        seen += shell.t.before
        shell.line(PASSPHRASE)
    shell.t.expect("code=0")
    seen += shell.t.before
    assert seen.count(token) == 3 and seen.count(OPEN_AGAIN) == 1 and "altered" not in seen, seen


def test_killed_again_at_the_question_after_it(shell):
    """Its parent puts the echo in order, though it could not open the terminal by its name."""
    leave_seized(shell)
    shell.line(f"{CCCTL} get demo | cat")
    shell.asked()
    os.kill(max(children_named(shell.t.pid, "ccctl")), signal.SIGKILL)
    shell.t.expect("PS>")
    until(shell.t.getecho, what="the echo")


def test_one_that_lives_keeps_it(shell):
    """Also while others ask, on a terminal of their own."""
    shell.line(f"{CCCTL} get demo | cat")
    shell.asked()
    asking = max(children_named(shell.t.pid, "ccctl"))
    with Shell(shell.c) as other:
        other.line(f"{CCCTL} get demo | cat")
        other.asked()
        assert not shell.opens() and not other.opens()
        other.t.sendcontrol("c")
        other.t.expect("PS>")
    assert not shell.opens() and asking in children_named(shell.t.pid, "ccctl")


# ---- while one asks --------------------------------------------------------

def test_ccrun_waits_for_its_turn(shell):
    assert shell.c.ccctl("lock").rc == 0
    shell.line(f"{CCCTL} unlock | {after(shell, RUN)}; echo code=$?")
    go(shell)
    until(lambda: children_named(shell.t.pid, "ccrun waits"), what="one that waits")
    shell.line(PASSPHRASE)
    # Where deriving the key takes long, the vault is not open yet when its turn has come.
    if shell.t.expect(["started", "Passphrase for your vault: "]):
        assert shell.t.waitnoecho(10)
        shell.line(PASSPHRASE)
        shell.t.expect("started")
    shell.t.expect("code=0")


@pytest.mark.parametrize("which", ["ccctl", "ccrun"])
def test_who_waits_too_long_says_for_whom(shell, which):
    assert shell.c.ccctl("lock").rc == 0
    second = {"ccctl": f"{CCCTL} unlock", "ccrun": RUN}[which]
    shell.line(f"{CCCTL} unlock | {after(shell, second + '; echo code=$? >&2')}")
    go(shell)
    asking = max(children_named(shell.t.pid, "ccctl"))
    until(lambda: children_named(shell.t.pid, "ccrun waits"), what="one that waits")
    ahead(shell.c, 61)
    shell.t.expect(f"{which}: {ASKS}")
    assert int(shell.t.match.group(1)) == asking
    shell.t.expect_exact(f"hint: answer it, or end it (kill {asking}), then the same command again")
    shell.t.expect("code=" + ("1" if which == "ccctl" else "125"))
    assert not shell.opens(), "the first one asks on"


def test_who_has_it_open_already_waits_too(shell, token):
    """As two that open it at the same time: none keeps the other from that."""
    ask = f"{CCCTL} get --passphrase-fd 3 demo"
    shell.line(f"exec 3<>/dev/tty; {ask} | ({ask} | ({ask} | cat; cat); cat); echo code=$?; exec 3<&-")
    seen = ""
    for _ in range(3):
        shell.t.expect_exact("Passphrase: ")
        assert shell.t.waitnoecho(10)
        seen += shell.t.before
        shell.line(PASSPHRASE)
    shell.t.expect("code=0")
    seen += shell.t.before
    assert seen.count(token) == 3 and OPEN_AGAIN not in seen, seen
    shell.t.expect("PS>")
    assert shell.opens()


def test_a_launch_that_needs_a_yes_does_not_wait(shell):
    """The yes may come from another window meanwhile."""
    c = shell.c
    assert c.ccctl("confirm", "demo", "session").rc == 0
    shell.line(f"{CCCTL} get demo | {after(shell, RUN)}")
    go(shell)
    shell.t.expect(f"ccrun: {ASKS}")
    shell.t.expect_exact("ccrun: waiting for your yes: ccctl confirm")
    assert c.with_passphrase("confirm").rc == 0
    shell.t.expect("started")
