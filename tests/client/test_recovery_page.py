"""A recovery code, or a key, is on the terminal while the person looks at it, and nowhere after that:
what reads a terminal's lines later, as a session in the same tmux can, does not find it."""
import os
import re
import signal
import subprocess
import sys

import pytest

import wire_client
from ccrun import CCCTL, PASSPHRASE
from client import children_named, until
from dialogue import CODE, answer, done, ended, talk, written_down

pytestmark = pytest.mark.usefixtures("ordinary_user")

REFUSED = 5
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Tmux:
    """A server of its own, whose one pane runs argv and stays when that ends."""

    def __init__(self, c, *argv, alternate=True):
        self.c = c
        self.socket = str(c.root / "tmux")
        conf = c.root / "tmux.conf"
        conf.write_text("set -g remain-on-exit on\nset -g history-limit 10000\n"
                        + ("" if alternate else "setw -g alternate-screen off\n"))
        self.run("-f", str(conf), "new-session", "-d", "-x", "100", "-y", "24", *argv)

    def run(self, *words):
        argv = self.c.argv(["tmux", "-S", self.socket, *words])
        return subprocess.run(argv, env=self.c.env(), cwd=self.c.cwd, check=True, capture_output=True, text=True).stdout

    def all(self):
        """All that can be had of the pane: what is shown, scrolled away, and the other screen."""
        lines = self.run("capture-pane", "-p", "-J", "-S", "-")
        other = subprocess.run(self.c.argv(["tmux", "-S", self.socket, "capture-pane", "-p", "-a", "-q", "-S", "-"]),
                               env=self.c.env(), capture_output=True, text=True).stdout
        return lines + other

    def wait(self, pattern):
        return until(lambda: re.search(pattern, self.all()), 60, what=pattern)

    def type(self, text):
        self.run("send-keys", "-l", text)
        self.run("send-keys", "Enter")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run("kill-server")


@pytest.mark.parametrize("alternate", [True, False], ids=["alternate screen", "without one"])
def test_it_is_not_among_the_lines_of_tmux(ready, alternate):
    words = ["sh", "-c", f"echo earlier; seq 60; {CCCTL} slot add recovery; echo code=$?; seq 60; sleep 600"]
    with Tmux(ready, *words, alternate=alternate) as t:
        t.wait("Passphrase for your vault")
        t.type(PASSPHRASE)
        code = t.wait(CODE).group()
        t.wait("Press Enter")
        t.type("")
        t.wait("Type it back")
        assert code[:11] not in t.all()
        t.type(code)
        t.wait("code=0")
        seen = t.all()
    assert "earlier" in seen and "Right." in seen and code[:11] not in seen
    assert re.search(r"^60$", seen, re.M)


def as_in_a_session(read):
    wire_client.mark()
    return read()


@pytest.mark.parametrize("alternate", [True, False], ids=["alternate screen", "without one"])
def test_nor_is_a_key_that_was_shown(ready, token, alternate):
    words = ["sh", "-c", f"echo earlier; seq 60; {CCCTL} get --reveal demo; echo code=$?; seq 60; sleep 600"]
    with Tmux(ready, *words, alternate=alternate) as t:
        t.wait("Passphrase for your vault")
        t.type(PASSPHRASE)
        t.wait(re.escape(token))
        t.wait("Press Enter")
        t.type("")
        t.wait("code=0")
        seen = wire_client.in_child(as_in_a_session, t.all)
    assert "earlier" in seen and token not in seen and token[:12] not in seen


# What a session said of its terminal's size stays with the terminal.
@pytest.mark.parametrize("size", ["rows 1 cols 1", "rows 7 cols 4000", "rows 0 cols 0"])
@pytest.mark.parametrize("kind", ["code", "key"])
def test_a_false_size_leaves_nothing(ready, kind, size):
    key = "tk-" + "".join(f"{i:05}-" for i in range(200))
    assert ready.ccctl("add", "--key", "long", input=key + "\n").rc == 0
    words = {"code": "slot add recovery", "key": "get --reveal long"}[kind]
    with Tmux(ready, "sh", "-c", f"stty {size}; {CCCTL} {words}; echo code=$?; sleep 600", alternate=False) as t:
        t.wait("Passphrase for your vault")
        t.type(PASSPHRASE)
        if not t.wait(f"{CODE}|tk-0|longer than").group().startswith("longer"):
            t.wait("Press Enter")
            t.type("")
            t.wait("Type it back|code=")
        seen = wire_client.in_child(as_in_a_session, t.all)
    assert not re.search(CODE, seen) and not re.search("[0-9]{5}-[0-9]{5}", seen)


# A region that lines scroll in, and rows that are counted from its first, stay with the terminal too.
@pytest.mark.parametrize("left", ["[1;2r", "[5;9r\\033[?6h"])
@pytest.mark.parametrize("kind", ["code", "key"])
def test_a_region_that_was_left_keeps_nothing(ready, token, kind, left):
    words = {"code": "slot add recovery", "key": "get --reveal demo"}[kind]
    line = f"printf '\\033{left}'; {CCCTL} {words}; echo code=$?; sleep 600"
    with Tmux(ready, "sh", "-c", line, alternate=False) as t:
        t.wait("Passphrase for your vault")
        t.type(PASSPHRASE)
        t.wait("Press Enter")
        t.type("")
        t.wait("Type it back|code=")
        seen = wire_client.in_child(as_in_a_session, t.all)
    assert not re.search(CODE, seen) and token[:12] not in seen


def shown(c, **env):
    p = talk(c, CCCTL, "slot", "add", "recovery", env=env)
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    p.expect(CODE)
    code, before = p.after, p.before
    return p, code, before


def erased(text):
    """The page's lines were overwritten, and then it was left, once and for good."""
    page, left, rest = text.partition(LEAVE)
    return left and ENTER not in rest and all(f"\x1b[{row};1H\x1b[2K" in page for row in range(1, 10))


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGKILL", "ctrl-c", "ctrl-d"])
def test_the_page_is_left_however_it_ends(ready, how):
    p, code, before = shown(ready)
    assert before.rindex(ENTER) > before.rfind(LEAVE)
    p.expect("Press Enter")
    assert p.waitnoecho(10)
    if how.startswith("ctrl"):
        p.sendcontrol(how[-1])
    else:
        pids = [p.pid, *children_named(p.pid, "ccctl")]
        os.kill(max(pids), getattr(signal, how))
    said, _ = ended(p)
    assert erased(said) and code not in said
    assert "Type it back" not in said
    assert "recovery" not in ready.ccctl("slot", "list").out


def test_stopped_it_is_left_and_continued_it_is_shown_again(ready):
    p = talk(ready, "/bin/bash", "--norc", "--noprofile", "--noediting", "-i", env={"PS1": "PS>"})
    p.expect("PS>")
    p.sendline(f"{CCCTL} slot add recovery")
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    p.expect(CODE)
    code = p.after
    p.expect("Press Enter")
    assert p.waitnoecho(10)
    p.send("\x1a")
    p.expect_exact(LEAVE)
    p.expect("Stopped")
    p.expect("PS>")
    p.sendline("fg")
    assert written_down(p) == code
    answer(p, "Type it back", code)
    p.expect("Right.")


# A line of a shell's file, which a session can write, says so of any terminal.
@pytest.mark.parametrize("term", ["dumb", ""])
@pytest.mark.parametrize("words", ["get --reveal demo", "slot add recovery"])
def test_nothing_is_shown_where_no_page_is_said_to_be(ready, token, term, words):
    secret = ready.root / "passphrase"
    secret.write_text(PASSPHRASE)
    line = f"export TERM={term}; {CCCTL} {words} --passphrase-fd 9 9<{secret}; echo code=$?; sleep 600"
    with Tmux(ready, "sh", "-c", line) as t:
        t.wait(f"code=|{CODE}")
        seen = wire_client.in_child(as_in_a_session, t.all)
    assert not re.search(CODE, seen) and token[:12] not in seen
    assert f"code={REFUSED}" in seen and "TERM" in seen
    assert "recovery" not in ready.ccctl("slot", "list").out


LEAVES = """
import os, sys, time
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_NOCTTY)
print("ready", flush=True)
while True:
    os.write(fd, b"\\x1b[?1049l")
    time.sleep(.0001)
"""


def test_who_writes_there_too_gets_nothing_between_the_page_and_the_key(ready, token):
    """It would leave the alternate screen just before the key came."""
    p = talk(ready, "/bin/bash", "--norc", "--noprofile", "--noediting", "-i", env={"PS1": "PS>"})
    p.expect("PS>")
    writer = subprocess.Popen([sys.executable, "-c", LEAVES, os.readlink(f"/proc/{p.pid}/fd/0")], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline()
        for _ in range(6):
            p.sendline(f"{CCCTL} get --reveal demo --passphrase-fd 9 9<<<'{PASSPHRASE}'")
            p.expect_exact("[y/N] ")  # it is named
            p.sendline("y")
            p.expect_exact(token)
            assert LEAVE not in p.before[p.before.rindex(ENTER):]
            p.send("\r")
            p.expect("PS>")
    finally:
        writer.kill()
        writer.wait()
