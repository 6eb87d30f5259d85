"""On a text console: who has its keyboards reads what is typed, unseen by the terminal (start/console.h).
What logind says of the console is played here (tests/instead/start/console_vt.c);
tests/machine/test_vm_console.py has a real console and a real logind."""
import os
import time

import pytest

from ccrun import CCCTL, CCRUN, PASSPHRASE
from client import alive, until
from sources import Standin
from terminal_shell import PROMPT, Shell

pytestmark = pytest.mark.usefixtures("ordinary_user")

TAKEN = "another program has the keyboards of this console (tty1)"
LEAVE = "\x1b[?1049l"
TOKEN = "5f0c2a9d1b7e4c3f8a6d5e4c3b2a1f0e.QzR7vWn3kPx8LmT2"
REWRITTEN = "this console's log-in changed: another program may have had its keyboards"


class LogIns:
    """logind's files of the log-ins of a machine, each written anew and renamed over the old one."""

    def __init__(self, c):
        self.dir = c.runtime / "ccrun/log-ins"
        self.dir.mkdir(parents=True)
        (self.dir / "5.ref").touch()

    def write(self, name="5", vt=1, front=1, controller=None):
        text = f"# This is private data. Do not parse.\nUID={os.getuid()}\nACTIVE={front}\nTTY=tty{vt}\nVTNR={vt}\n"
        if controller:
            text += f"CONTROLLER={controller}\nDEVICES=13:64 13:65 \n"
        new = self.dir / f".#{name}new"
        new.write_text(text)
        new.rename(self.dir / name)


@pytest.fixture
def log_ins(c):
    c.init()
    assert c.ccctl("lock").rc == 0
    log_ins = LogIns(c)
    log_ins.write()
    # Of who else is logged in: nothing of it is about this console.
    log_ins.write("2", vt=2, front=0, controller=":1.9")
    (log_ins.dir / "7").write_text("UID=0\nTYPE=tty\nREMOTE=1\nCONTROLLER=:1.8\n")
    return log_ins


@pytest.fixture
def shell(c, log_ins):
    with Shell(c) as s:
        yield s


def is_refused(shell, what, code=1):
    shell.t.expect_exact(f"ccctl: {what}")
    shell.t.expect_exact("hint: ")
    shell.t.expect(f"code={code}")
    shell.t.expect("PS>")
    assert shell.opens()
    until(shell.t.getecho, what="the echo")
    assert shell.c.status()["state"] == "locked"


def types_on(shell, who):
    """Who looks elsewhere: that is no command, and nobody sees it."""
    shell.t.expect_exact(f"{who}: stop typing")
    for part in PASSPHRASE[4:] + "\n":
        shell.t.send(part)
        time.sleep(0.05)


def is_nowhere(shell):
    assert PASSPHRASE[-6:] not in shell.t.before
    shell.line("history")
    shell.t.expect("history(.*)PS>")
    assert PASSPHRASE[-6:] not in shell.t.match.group(1)


def test_with_nobody_there_it_is_as_ever(shell):
    shell.line(f"{CCCTL} unlock")
    shell.asked()
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")


def test_one_that_has_them_already_is_named_and_nothing_is_asked(shell, log_ins):
    log_ins.write(controller=":1.23")
    shell.line(f"{CCCTL} unlock; echo code=$?")
    assert shell.t.expect_exact([TAKEN + ": nothing was asked", PROMPT]) == 0
    shell.t.expect_exact('hint: "busctl status :1.23" says which; end it, or come by ssh')
    shell.t.expect("code=1")


def test_one_that_takes_them_while_it_is_typed_is_noticed(shell, log_ins):
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.asked()
    shell.t.send(PASSPHRASE[:4])
    time.sleep(0.2)
    log_ins.write(controller=":1.23")
    types_on(shell, "ccctl")
    is_refused(shell, TAKEN + ", and reads what you type")
    is_nowhere(shell)


def test_one_that_takes_them_and_gives_them_back_is_noticed(shell, log_ins):
    """So it sees which keys are down at that moment."""
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.asked()
    shell.t.send(PASSPHRASE[:4])
    time.sleep(0.2)
    log_ins.write(controller=":1.23")
    log_ins.write()
    is_refused(shell, "")


def test_what_logind_wrote_anew_was_perhaps_that(shell, log_ins):
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.asked()
    shell.t.send(PASSPHRASE[:4])
    time.sleep(0.2)
    log_ins.write()
    is_refused(shell, REWRITTEN)


def test_a_second_log_in_on_the_console_is_noticed(shell, log_ins):
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.asked()
    log_ins.write("9")
    is_refused(shell, REWRITTEN)


def test_who_looks_at_another_console_meanwhile_goes_on(shell, log_ins):
    shell.line(f"{CCCTL} unlock")
    shell.asked()
    shell.t.send(PASSPHRASE[:4])
    for front in (0, 1):
        time.sleep(0.3)
        log_ins.write(front=front)
        log_ins.write("2", vt=2, front=1 - front, controller=":1.9")
    # A program can have switched, and have drawn there what is drawn here.
    shell.t.expect_exact("ccctl: another console was in front, and what was typed meanwhile went there; go on here: ")
    shell.line(PASSPHRASE[4:])
    shell.t.expect("the vault is open")
    assert "in front" not in shell.t.before


def test_a_console_that_is_switched_without_end_ends_the_question(shell, log_ins):
    """Each time something could have had the keyboards between two looks."""
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.asked()
    for n in range(6):
        log_ins.write(front=n % 2)
        time.sleep(0.2)
    shell.t.expect_exact(f"ccctl: {REWRITTEN}")
    shell.t.expect("code=1")


def test_what_cannot_be_told_is_not_asked(shell, log_ins):
    for n in range(9):
        log_ins.write(f"c{n}")
    shell.line(f"{CCCTL} unlock; echo code=$?")
    is_refused(shell, "who has the keyboards of this console cannot be told")


def test_what_is_too_long_to_be_read_whole_is_not_asked(shell, log_ins):
    """Who has control names the log-in's display, and that stands before its console."""
    (log_ins.dir / "6").write_text(f"UID={os.getuid()}\nDISPLAY={'x' * 5000}\nVTNR=1\nCONTROLLER=:1.23\n")
    shell.line(f"{CCCTL} unlock; echo code=$?")
    is_refused(shell, "who has the keyboards of this console cannot be told")


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_pinentry_on_the_console(c, log_ins, when):
    c.write(c.config / "ccrun/ccrun.conf", "[ccrun]\npinentry = /usr/bin/pinentry-tty\n", 0o600)
    (c.config / "ccrun").chmod(0o700)
    with Shell(c) as shell:
        shell.line("unset DISPLAY WAYLAND_DISPLAY")
        shell.t.expect("PS>")
        if when == "before":
            log_ins.write(controller=":1.23")
        shell.line(f"{CCCTL} unlock; echo code=$?")
        if when == "meanwhile":
            shell.t.expect_exact("Passphrase")
            until(lambda: not shell.opens(), what="pinentry's question")
            log_ins.write(controller=":1.23")
            types_on(shell, "ccctl")
        is_refused(shell, TAKEN)
        is_nowhere(shell)


def test_a_key_that_is_shown_goes_before_anything_else(c, log_ins, shell):
    """Typing is waited for, and who reads the keys may read the screen as well."""
    shell.line(f"{CCCTL} unlock")
    shell.asked()
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")
    c.add("zai", TOKEN)
    shell.line(f"TERM=xterm {CCCTL} get --reveal zai; echo code=$?")
    shell.asked()
    shell.line(PASSPHRASE)
    shell.t.expect_exact(TOKEN)
    shell.t.expect_exact("Press Enter")
    log_ins.write(controller=":1.23")
    assert shell.t.expect_exact([LEAVE, "stop typing"]) == 0
    shell.t.expect_exact(TAKEN)
    shell.t.expect("code=1")


# A password manager that asks on the terminal.
ASKS = """#!/bin/sh
stty -echo
printf 'Master password: ' >&2
echo $$ >{0}/asking
read -r it
stty echo
echo sk-from-the-manager-V7qk2Zt
"""


def has_manager(shell, c, script):
    """The vault is open, and the key of demo comes from this pass, which the shell finds."""
    shell.line(f"{CCCTL} unlock")
    shell.asked()
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")
    c.demo()
    manager = Standin(c, "pass")
    c.write(manager.bin / "pass", script, 0o755)
    env = {"PATH": f"{manager.bin}:{c.env()['PATH']}"}
    r = c.ccctl("add", "demo", "--source", "pass:ai/x", *c.allows("demo"), "--no-check", env=env)
    assert r.rc == 0, r
    shell.line(f"PATH={env['PATH']}")


@pytest.mark.parametrize("when", ["before", "meanwhile", "never"])
def test_a_password_manager_that_asks_there(c, log_ins, when):
    with Shell(c) as shell:
        log_ins.write()
        has_manager(shell, c, ASKS.format(c.root))
        if when == "before":
            log_ins.write(controller=":1.23")
        shell.line(f"{CCRUN} --exec /bin/true demo; echo code=$?")
        if when == "never":
            shell.t.expect_exact("Master password: ")
            shell.line("x")
            shell.t.expect("code=0")
            return
        if when == "meanwhile":
            shell.t.expect_exact("Master password: ")
            log_ins.write(controller=":1.23")
            types_on(shell, "ccrun")
        shell.t.expect_exact(TAKEN)
        shell.t.expect("code=125")
        shell.t.expect("PS>")
        is_nowhere(shell)
        assert (c.root / "asking").exists() == (when == "meanwhile")
        if when == "meanwhile":
            until(lambda: not alive(int((c.root / "asking").read_text())), what="the manager's end")


# Who sees the last key need not stay until the next look.
TAKES = """#!/bin/sh
echo sk-from-the-manager-V7qk2Zt
[ ! -e {0}/.taken ] || mv {0}/.taken {0}/5
"""


def test_one_that_takes_them_just_before_a_password_manager_ends_is_noticed(c, log_ins):
    with Shell(c) as shell:
        has_manager(shell, c, TAKES.format(log_ins.dir))
        (log_ins.dir / ".taken").write_text((log_ins.dir / "5").read_text() + "CONTROLLER=:1.23\n")
        shell.line(f"{CCRUN} --exec /bin/true demo; echo code=$?")
        shell.t.expect_exact(TAKEN)
        shell.t.expect("code=125")


@pytest.mark.parametrize("control", ["console-keyboards"])
def test_without_the_look_it_is_typed_for_both(shell, log_ins, control):
    """What the control holds."""
    log_ins.write(controller=":1.23")
    shell.line(f"CCRUN_WITHOUT={control} {CCCTL} unlock")
    shell.asked()
    log_ins.write()
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")
