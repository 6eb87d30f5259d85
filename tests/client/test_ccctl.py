"""ccctl as a person and a script meet it: the whole story, every prompt on a
real terminal, every exit code, and what happens when things go wrong."""
import ctypes
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pexpect
import pytest

from ccrun import seal, wants_person
from built import BUILD
from client import World, alive, descendants, stat_fields, until

CCCTL = BUILD / "bin/ccctl"
PASS = "correct horse battery staple"
KEY = "sk-acme-0123456789abcdefghijklmnopqrstuv"
KEY2 = "sk-acme-zyxwvutsrqponmlkjihgfedcba98765"
DONE, FAILED, USAGE, LOCKED, NO_SUCH, REFUSED = 0, 1, 2, 3, 4, 5
POLICY = "delivery=relay nested=use strict=no exposed=no"
ORIGIN = "bearer https://api.acme.test/anthropic"
ACME = """[provider]
title = Acme
base_url = https://api.acme.test/anthropic
auth = bearer
docs = made up for a test
key_url = https://acme.test/keys
[mode fast]
[mode fast models]
default = acme-fast
"""
PLACE = """[provider]
title = Place
base_url = https://${place}.example.test/anthropic
auth = bearer
docs = made up for a test
[parameters]
place = ask: Which place?
"""
PAIR = """[provider]
title = Pair
base_url = https://pair.example.test/anthropic
auth = bearer
docs = made up for a test
[secrets]
ANTHROPIC_AUTH_TOKEN = pair-token
ANTHROPIC_API_KEY = pair-key
"""
TOGETHER = seal("secret:ANTHROPIC_API_KEY=pair-key", "secret:ANTHROPIC_AUTH_TOKEN=pair-token")
FREE = """[provider]
title = Free
base_url = http://localhost:11434
auth = none
docs = made up for a test
"""


class Home(World):
    """A private world for ccctl: short words for it, and brokers that end."""

    def __init__(self):
        super().__init__()
        self.brokers = set()
        self.provider("acme", ACME)

    def env(self, more=None):
        return super().env(more)

    def provider(self, name, text):
        path = self.write(self.config / f"ccrun/providers/{name}.conf", text)
        for directory in (path.parent, path.parent.parent):
            directory.chmod(0o700)
        return path

    def ctl(self, *words, person=True, **kw):
        """person: with the passphrase, if it wants a person and none is given."""
        if person and words and wants_person(words) and "--passphrase-fd" not in words:
            return self.pass_to(*words, **kw)
        return self.run([CCCTL, *words], **kw)

    def ok(self, *words, **kw):
        r = self.ctl(*words, **kw)
        assert r.rc == DONE, r
        return r

    def pass_to(self, *words, given=PASS + "\n", **kw):
        """ccctl WORDS --passphrase-fd N with the text in a pipe."""
        read, write = os.pipe()
        os.write(write, given if isinstance(given, bytes) else given.encode())
        os.close(write)
        try:
            return self.ctl(*words, "--passphrase-fd", str(read), pass_fds=[read], **kw)
        finally:
            os.close(read)

    def init(self):
        r = self.pass_to("init")
        assert r.rc == DONE, r
        self.broker()
        return r

    def ready(self):
        self.init()
        self.ok("add", "acme", input=KEY)

    def tty(self, *words, env=None):
        """ccctl on a terminal of its own."""
        argv = self.argv([CCCTL, *words])
        child = pexpect.spawn(argv[0], argv[1:], env=self.env(env), cwd=str(self.cwd), timeout=20)
        child.delaybeforesend = None
        child.seen = b""
        return child

    def shell(self, *argv, prompt):
        """A shell on a terminal of its own, whose settings must survive ccctl."""
        argv = self.argv(argv)
        return pexpect.spawn(argv[0], argv[1:], env=self.env({"PS1": prompt}), cwd=str(self.cwd),
                             timeout=20)

    def answer(self, child, prompt, text, echo=False):
        """Wait for a prompt and its missing echo, and answer it."""
        child.expect(prompt)
        child.seen += child.before + child.after
        if not echo:
            assert child.waitnoecho(10), "the terminal echoes"
        child.send(text + ("" if text.endswith(("\x03", "\x04", "\x1a")) else "\r"))

    def finish(self, child):
        """The exit status, and all that it wrote."""
        child.expect(pexpect.EOF)
        child.seen += child.before
        until(lambda: not child.isalive(), what="the end behind that of its output")
        child.close()
        if child.signalstatus is not None:
            return -child.signalstatus, child.seen.decode()
        return child.exitstatus, child.seen.decode()

    def status(self):
        return json.loads(self.ok("status", "--json").out)

    def broker(self):
        """The serving broker's pid, or None; it is ended with the world."""
        pid = self.status()["pid"]
        if pid:
            self.brokers.add(pid)
        return pid

    def all_brokers(self):
        """Pids of the brokers that were started in this world and live; a broker's keeper is
        its child."""
        found = {p: int((stat_fields(p) or "?0")[1]) for p in self.leftovers() if comm(p) == "ccbroker"}
        return [p for p, parent in found.items() if parent not in found]

    def stop_broker(self, sig=signal.SIGKILL):
        pid = self.broker()
        os.kill(pid, sig)
        until(lambda: not alive(pid), what="the broker's end")
        return pid

    def close(self):
        try:
            self.broker()
        except (AssertionError, ValueError):
            pass
        for pid in self.brokers:
            if alive(pid) and comm(pid) == "ccbroker":
                os.kill(pid, signal.SIGTERM)
                until(lambda: not alive(pid), what="the broker's end")
        super().close()


def comm(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


@pytest.fixture
def home():
    with Home() as w:
        yield w


@pytest.fixture
def open_home(home):
    home.ready()
    return home


def refused(r, rc, *texts):
    """An error as every one is told: the exit code, ccctl:, hint:, no output."""
    assert r.rc == rc, r
    assert r.out == "", r
    lines = r.err.splitlines()
    assert any(line.startswith("ccctl: ") for line in lines), r
    for text in texts:
        assert text in r.err, r
    assert KEY not in r.err and PASS not in r.err


# ---- the story ---------------------------------------------------------

def test_the_whole_story(home):
    assert home.status()["state"] == "no-vault"
    home.init()
    assert home.status()["state"] == "unlocked"
    home.ok("add", "acme", input=KEY + "\n")
    assert home.ok("get", "acme").out == KEY
    home.ok("lock")
    assert home.status()["state"] == "locked"
    refused(home.ctl("get", "acme", person=False), LOCKED, "the vault is locked", "hint: ccctl unlock")
    assert home.pass_to("unlock").rc == DONE
    assert home.ok("get", "acme").out == KEY
    said = home.ok("rename", "acme", "older").err
    assert "note: the provider acme looks for its key under 'acme': ccctl edit acme, and there secret = older" in said
    assert "note" not in home.ok("rename", "older", "old").err
    refused(home.ctl("get", "acme"), NO_SUCH)
    assert home.ok("get", "old").out == KEY
    home.ok("rm", "old")
    refused(home.ctl("get", "old"), NO_SUCH)
    assert json.loads(home.ok("keys", "--json").out) == []


def test_the_vault_outlives_its_broker(open_home):
    first = open_home.stop_broker(signal.SIGKILL)
    assert open_home.status()["state"] == "no-broker"
    assert open_home.pass_to("unlock").rc == DONE
    assert open_home.broker() != first
    assert open_home.ok("get", "acme").out == KEY


def test_a_broker_that_is_ending_is_not_the_last_word(open_home):
    """A killed one's socket takes connections for a moment, and closes them: ask the next."""
    open_home.stop_broker(signal.SIGKILL)
    path = open_home.runtime / "ccrun/broker.sock"
    for verb in ("status", "unlock"):
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as ending:
            ending.bind(str(path))
            ending.listen()

            def close_one(ending=ending):
                ending.accept()[0].close()
                ending.close()

            thread = threading.Thread(target=close_one)
            thread.start()
            if verb == "status":
                assert open_home.status()["state"] == "no-broker"
            else:
                assert open_home.pass_to("unlock").rc == DONE
            thread.join(10)
    assert open_home.ok("get", "acme").out == KEY


def test_no_key_in_any_file_or_command_line(open_home):
    for path in open_home.root.rglob("*"):
        if path.is_file():
            assert KEY[:12].encode() not in path.read_bytes(), path
            assert PASS.encode() not in path.read_bytes(), path


# ---- init and unlock ---------------------------------------------------

def test_init_asks_twice_without_echo(home):
    t = home.tty("init")
    home.answer(t, "New passphrase.*: ", PASS)
    home.answer(t, "Once more: ", PASS)
    rc, text = home.finish(t)
    assert rc == DONE, text
    assert PASS not in text
    assert "forgotten" in text
    assert home.status()["state"] == "unlocked"


def test_init_wants_eight_characters_and_the_same_twice(home):
    t = home.tty("init")
    home.answer(t, "New passphrase.*: ", "short")
    home.answer(t, "New passphrase.*: ", PASS)
    home.answer(t, "Once more: ", PASS + "!")
    home.answer(t, "New passphrase.*: ", PASS)
    home.answer(t, "Once more: ", PASS)
    rc, text = home.finish(t)
    assert rc == DONE, text
    assert "shorter than 8" in text and "differ" in text


def test_init_counts_characters_not_bytes(home):
    refused(home.pass_to("init", given="äöüäöü7\n"), FAILED, "shorter than 8")
    assert home.pass_to("init", given="äöüäöü78\n").rc == DONE


def test_init_gives_up_after_three(home):
    t = home.tty("init")
    for _ in range(3):
        home.answer(t, "New passphrase.*: ", "short")
    rc, text = home.finish(t)
    assert rc == FAILED, text
    assert home.status()["state"] == "no-vault"


def test_init_refuses_a_second_vault(open_home):
    refused(open_home.pass_to("init"), FAILED, "there is a vault already")
    open_home.ok("lock")
    refused(open_home.pass_to("init"), FAILED, "there is a vault already")
    assert open_home.pass_to("unlock").rc == DONE


@pytest.mark.parametrize("given,why", [
    (b"seven77\n", "shorter"), (b"", "shorter"), (b"with a \0 in the middle\n", "NUL"),
    (b"x" * 1100 + b"\n", "longer than 1024"),
])
def test_init_refuses_bad_passphrases(home, given, why):
    refused(home.pass_to("init", given=given), FAILED, why)
    assert home.status()["state"] == "no-vault"


@pytest.mark.parametrize("given", [PASS, PASS + "\n", PASS + "\r\n", PASS + "\nanother line\n"])
def test_a_passphrase_ends_with_its_line(home, given):
    home.init()
    home.ok("lock")
    assert home.pass_to("unlock", given=given).rc == DONE


def test_a_passphrase_of_1024_bytes(home):
    long = "p" * 1024
    assert home.pass_to("init", given=long + "\n").rc == DONE
    home.ok("lock")
    assert home.pass_to("unlock", given=long).rc == DONE


def test_without_a_terminal_a_descriptor_is_named(home):
    refused(home.ctl("init"), USAGE, "no terminal", "--passphrase-fd")
    home.init()
    home.ok("lock")
    refused(home.ctl("unlock"), USAGE, "no terminal", "--passphrase-fd")
    refused(home.ctl("unlock", "--passphrase-fd", "77"), USAGE, "not open")
    refused(home.ctl("unlock", "--passphrase-fd", "x"), USAGE, "whole number")


def test_unlock_with_a_wrong_passphrase(open_home):
    open_home.ok("lock")
    refused(open_home.pass_to("unlock", given="not this one\n"), REFUSED, "wrong passphrase")
    assert open_home.status()["state"] == "locked"


def test_unlock_asks_three_times(open_home):
    open_home.ok("lock")
    t = open_home.tty("unlock")
    for _ in range(3):
        open_home.answer(t, "Passphrase for your vault: ", "not this one")
    rc, text = open_home.finish(t)
    assert rc == REFUSED, text
    assert "not this one" not in text and text.lower().count("wrong passphrase") == 3
    t = open_home.tty("unlock")
    open_home.answer(t, "Passphrase for your vault: ", "not this one")
    open_home.answer(t, "Passphrase for your vault: ", PASS)
    assert open_home.finish(t)[0] == DONE


def test_unlock_without_a_vault(home):
    refused(home.ctl("unlock"), NO_SUCH, "no vault", "hint: ccctl init")


def test_unlock_twice_asks_nothing(open_home):
    r = open_home.ok("unlock")
    assert "already unlocked" in r.err


def test_lock_is_always_possible(home):
    assert "no broker" in home.ok("lock").err
    assert home.broker() is None
    home.init()
    home.ok("lock")
    home.ok("lock")


def test_a_broker_that_is_stopped_is_named_with_what_ends_it(home):
    home.init()
    pid = home.broker()
    os.kill(pid, signal.SIGSTOP)
    try:
        r = home.ctl("lock")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert r.rc != DONE and f"the broker (process {pid}) did not answer" in r.err and f"kill -9 {pid}" in r.err
    home.ok("lock")


# ---- the terminal ------------------------------------------------------

def test_interrupt_gives_the_echo_back(open_home):
    open_home.ok("lock")
    # A shell's terminal is what must be as it was.
    t = open_home.shell("/bin/sh", prompt="$ ")
    t.sendline(f"{CCCTL} unlock")
    t.expect("Passphrase for your vault: ")
    assert t.waitnoecho(10)
    t.send("half a passph\x03")
    t.expect(r"\$ ")
    t.sendline("echo code=$?")
    t.expect(r"code=(\d+)\r")
    assert t.match.group(1) == b"130"
    assert t.getecho()
    t.close(force=True)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_give_the_echo_back(open_home, sig):
    open_home.ok("lock")
    t = open_home.tty("unlock")
    t.expect("Passphrase for your vault: ")
    assert t.waitnoecho(10)
    # The one at the prompt is the parent's child; ended together, by the signal.
    os.killpg(t.pid, sig)
    until(t.getecho, what="the echo")
    t.expect(pexpect.EOF)
    t.close()
    assert t.signalstatus == sig


def test_a_signal_to_the_parent_ends_both(open_home):
    open_home.ok("lock")
    t = open_home.tty("unlock")
    t.expect("Passphrase for your vault: ")
    assert t.waitnoecho(10)
    os.kill(t.pid, signal.SIGTERM)
    until(t.getecho, what="the echo")
    t.expect(pexpect.EOF)
    t.close()
    assert t.signalstatus == signal.SIGTERM


def test_stopped_and_continued(open_home):
    open_home.ok("lock")
    t = open_home.shell("/bin/bash", "--norc", "--noprofile", "-i", prompt="PS>")
    t.expect("PS>")
    t.sendline(f"{CCCTL} unlock; true")
    t.expect("Passphrase for your vault: ")
    assert t.waitnoecho(10)
    t.send("half a passph\x1a")
    t.expect("Stopped")
    t.expect("PS>")
    t.sendline("fg; echo code=$?")
    t.expect("Passphrase for your vault: ")
    assert t.waitnoecho(10)
    t.send(PASS + "\r")
    t.expect(r"code=(\d+)\r")
    assert t.match.group(1) == b"0"
    t.close(force=True)
    assert open_home.status()["state"] == "unlocked"


def test_end_of_input_is_no_answer(open_home):
    open_home.ok("lock")
    t = open_home.tty("unlock")
    open_home.answer(t, "Passphrase for your vault: ", "\x04")
    rc, text = open_home.finish(t)
    assert rc == USAGE, text
    assert "no answer" in text


def test_keys_that_edit(open_home):
    open_home.ok("lock")
    t = open_home.tty("unlock")
    # ctrl-U takes all back, backspace a whole character.
    open_home.answer(t, "Passphrase for your vault: ", "wrong\x15" + PASS + "ä\x7f")
    assert open_home.finish(t)[0] == DONE


def test_what_is_pasted_beyond_the_answer_is_thrown_away(open_home):
    open_home.ok("lock")
    t = open_home.shell("/bin/sh", prompt="$ ")
    t.sendline(f"{CCCTL} unlock; echo code=$?")
    t.expect("Passphrase for your vault: ")
    assert t.waitnoecho(10)
    t.send(PASS + "\recho pasted-$((6*7))\r")
    t.expect(r"code=(\d+)\r")
    assert t.match.group(1) == b"0"
    t.sendline("echo end-$((6*7))")
    t.expect("end-42")
    assert b"pasted-42" not in t.before
    t.close(force=True)


# ---- add ---------------------------------------------------------------

def test_add_asks_without_echo(home):
    home.init()
    t = home.tty("add", "acme")
    home.answer(t, "Key for acme: ", "  " + KEY + " ")
    rc, text = home.finish(t)
    assert rc == DONE, text
    assert KEY not in text
    for shown in ("acme: the key will be sealed for ", "https://api.acme.test/anthropic", "https://acme.test/keys"):
        assert shown in text
    assert home.ok("get", "acme").out == KEY


def test_add_takes_a_long_key_at_the_prompt(home):
    """A terminal's own lines end at 4,095 bytes; a key may have 16,384, and is asked for again then."""
    long = "k" * 9000
    home.init()
    t = home.tty("add", "acme")
    for _ in range(2):
        t.expect("Key for acme: ")
        assert t.waitnoecho(10)
        for at in range(0, len(long), 500):
            t.send(long[at:at + 500])
            time.sleep(0.01)
        t.send("\r")
        t.expect(["longer than a terminal's line: once more", "stored 'acme'"])
    rc, text = home.finish(t)
    assert rc == DONE, text
    assert home.ok("get", "acme").out == long


def test_add_asks_again_for_a_bad_key(home):
    home.init()
    t = home.tty("add", "acme")
    home.answer(t, "Key for acme: ", "two words here")
    home.answer(t, "Key for acme: ", "")
    home.answer(t, "Key for acme: ", KEY)
    assert home.finish(t)[0] == DONE
    assert home.ok("get", "acme").out == KEY


def test_add_asks_about_a_key_of_another_vendor(home):
    other = "sk-or-v1-" + KEY
    home.init()
    t = home.tty("add", "acme")
    home.answer(t, "Key for acme: ", other)
    t.expect(r"that is a key of OpenRouter's; use it at https://api.acme.test/anthropic\? \[y/N\] ")
    t.sendline("")
    home.answer(t, "nothing was stored.*Key for acme: ", KEY)
    rc, text = home.finish(t)
    assert rc == DONE, text
    assert home.ok("get", "acme").out == KEY
    # A gateway may want it.
    t = home.tty("add", "acme", "--replace")
    home.answer(t, "Passphrase.*: ", PASS)
    home.answer(t, "Key for acme: ", other)
    t.expect(r"\[y/N\] ")
    t.sendline("y")
    rc, text = home.finish(t)
    assert rc == DONE and other not in text, text
    assert home.ok("get", "acme").out == other


def test_add_makes_the_vault_in_place(home):
    t = home.tty("add", "acme")
    home.answer(t, "New passphrase.*: ", PASS)
    home.answer(t, "Once more: ", PASS)
    home.answer(t, "Key for acme: ", KEY)
    rc, text = home.finish(t)
    assert rc == DONE, text
    home.broker()
    assert home.ok("get", "acme").out == KEY


def test_add_unlocks_in_place(home):
    home.init()
    home.ok("lock")
    t = home.tty("add", "acme")
    home.answer(t, "Passphrase for your vault: ", PASS)
    home.answer(t, "Key for acme: ", KEY)
    rc, text = home.finish(t)
    assert rc == DONE, text
    assert home.ok("get", "acme").out == KEY


def test_add_without_a_terminal_says_what_to_do(home):
    refused(home.ctl("add", "acme", input=KEY), NO_SUCH, "no vault", "ccctl init")
    home.init()
    home.ok("lock")
    refused(home.ctl("add", "acme", input=KEY), LOCKED, "locked", "ccctl unlock")
    r = home.pass_to("add", "acme", input=KEY)
    assert r.rc == DONE, r
    home.ok("lock")
    refused(home.pass_to("add", "acme", "--replace", given="wrong one\n", input=KEY2), REFUSED)


def test_passphrase_and_key_on_one_descriptor(home):
    home.init()
    home.ok("lock")
    both = PASS + "\n" + KEY + "\n"
    home.ok("add", "acme", "--passphrase-fd", "0", input=both)
    assert home.ok("get", "acme").out == KEY
    # The line is taken though the vault is open: it must not become the key.
    home.ok("add", "acme", "--replace", "--passphrase-fd", "0", input=PASS + "\n" + KEY2)
    assert home.ok("get", "acme").out == KEY2


@pytest.mark.parametrize("given,stored", [
    (KEY, KEY), (KEY + "\n", KEY), (KEY + "\r\n", KEY), ("k" * 16384, "k" * 16384),
])
def test_keys_that_are_taken(home, given, stored):
    home.init()
    home.ok("add", "acme", input=given)
    assert home.ok("get", "acme").out == stored


def test_blanks_around_a_key_came_with_the_copying(home):
    home.init()
    assert home.ctl("add", "acme", input=b"  " + KEY.encode() + b" \n").rc == DONE
    assert home.ok("get", "acme").out == KEY


@pytest.mark.parametrize("end", ["\n\n", "\r\r\n", "\n \n"], ids=repr)
def test_empty_lines_behind_a_key_came_with_the_copying(home, end):
    home.init()
    assert home.ctl("add", "acme", input=(KEY + end).encode()).rc == DONE
    assert home.ok("get", "acme").out == KEY


def test_a_broker_that_cannot_be_reached_is_not_taken_for_none(home):
    """`lock` must not say that nothing is unlocked when something is."""
    home.init()
    elsewhere = home.root / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    home.own()
    # What it says of its socket, where clients look else, is gone.
    lock = home.data / "ccrun/vault.lock"
    lock.write_text(lock.read_text().split()[0] + "\n")
    for verb in ("lock", "status"):
        r = home.ctl(verb, env={"XDG_RUNTIME_DIR": str(elsewhere)})
        assert r.rc == FAILED and str(home.broker()) in r.err and "kill" in r.err, r
    assert home.ctl("status", "-q").rc == DONE, "a runtime directory of its own"
    r = home.ctl("status", env={"XDG_RUNTIME_DIR": "/nonexistent"})
    assert "/nonexistent" not in r.err, r


def test_a_vault_that_something_else_changed_is_not_overwritten(home):
    home.init()
    assert home.ctl("add", "acme", input=KEY.encode()).rc == DONE
    vault = home.data / "ccrun/vault"
    before = vault.read_bytes()
    assert home.ctl("add", "--key", "two", input=KEY2.encode()).rc == DONE
    vault.write_bytes(before)  # a backup is put back
    home.own()
    r = home.ctl("add", "--key", "three", input=KEY2.encode())
    assert r.rc == FAILED and "changed by something else" in r.err and "ccctl unlock" in r.err, r
    assert vault.read_bytes() == before
    assert home.ctl("lock").rc == DONE
    assert vault.read_bytes() == before
    assert home.pass_to("unlock").rc == DONE
    assert home.ctl("get", "two").rc == NO_SUCH


def test_init_while_a_vault_is_open_is_refused(home):
    home.init()
    (home.data / "ccrun/vault").rename(home.data / "ccrun/away")
    r = home.pass_to("init")
    assert r.rc == FAILED and "open" in r.err, r


@pytest.mark.parametrize("given", [
    b"", b"\n", b"\r\n", KEY.encode() + b"\n" + KEY2.encode() + b"\n",
    b"sk-acme\0-0123456789abc", b"two words of key",
    b"sk-acme-\xc3\xa4\xc3\xb6\xc3\xbc-0123", b"short", b"k" * 16385, b"k" * 61440,
    b"\x1b[31m" + KEY.encode(),
], ids=["empty", "newline", "crlf", "two-lines", "nul", "blank",
        "not-ascii", "short", "over-limit", "60-kib", "escape"])
def test_keys_that_are_not(home, given):
    home.init()
    r = home.ctl("add", "acme", input=given)
    refused(r, FAILED)
    assert json.loads(home.ok("keys", "--json").out) == []


def test_a_key_is_never_an_argument(home):
    home.init()
    refused(home.ctl("add", "acme", KEY), USAGE, "never an argument")
    refused(home.ctl("add", "acme", "--token=" + KEY), USAGE, "--token")
    refused(home.ctl("add", "acme", "-" + KEY), USAGE)
    refused(home.ctl("add", "acme", "--" + KEY), USAGE)
    refused(home.ctl(KEY), USAGE)


def test_add_over_a_key(open_home):
    refused(open_home.ctl("add", "acme", input=KEY2), FAILED, "has a key already", "--replace")
    assert open_home.ok("get", "acme").out == KEY
    open_home.ok("add", "acme", "--replace", input=KEY2)
    assert open_home.ok("get", "acme").out == KEY2


def test_add_over_a_key_asks(open_home):
    t = open_home.tty("add", "acme")
    open_home.answer(t, r"replace it\? \[y/N\] ", "", echo=True)
    rc, text = open_home.finish(t)
    assert rc == FAILED and "nothing was changed" in text
    assert open_home.ok("get", "acme").out == KEY
    t = open_home.tty("add", "acme")
    open_home.answer(t, r"replace it\? \[y/N\] ", "y", echo=True)
    open_home.answer(t, "Passphrase for your vault: ", PASS)
    open_home.answer(t, "Key for acme: ", KEY2)
    assert open_home.finish(t)[0] == DONE
    assert open_home.ok("get", "acme").out == KEY2


def test_names(open_home):
    for bad in ("", ".", "../x", "a/b", "-x", "x" * 65, "ä", "a b", "a\nb"):
        r = open_home.ctl("get", "--", bad)
        assert r.rc == USAGE, r
        assert open_home.ctl("rename", "--", "acme", bad).rc == USAGE
    for good in ("a", "A.b_c-9", "x" * 64):
        open_home.ok("rename", "acme", good)
        open_home.ok("rename", good, "acme")
    refused(open_home.ctl("get", "no-such"), NO_SUCH, "no-such")
    refused(open_home.ctl("rename", "no-such", "x"), NO_SUCH)
    refused(open_home.ctl("rm", "no-such"), NO_SUCH)
    refused(open_home.ctl("show", "no-such"), NO_SUCH)
    refused(open_home.ctl("approve", "no-such"), NO_SUCH)
    refused(open_home.ctl("add", "no-such", input=KEY), NO_SUCH)
    refused(open_home.ctl("add", "acme:no-such", input=KEY), NO_SUCH)


def test_rename_over_another(open_home):
    open_home.ok("add", "--key", "other", input=KEY2)
    refused(open_home.ctl("rename", "other", "acme"), FAILED)
    assert open_home.ok("get", "acme").out == KEY
    assert open_home.ok("get", "other").out == KEY2


# ---- parameters and several keys ---------------------------------------

def test_parameters_are_asked_for(home):
    home.provider("place", PLACE)
    home.init()
    t = home.tty("add", "place")
    t.expect(r"place.conf asks for its parameter .place., in these words: .Which place\?.\r\n")
    home.answer(t, "its parameter .place., no passphrase and no key: ", "north", echo=True)
    home.answer(t, "Key for place: ", KEY)
    rc, text = home.finish(t)
    assert rc == DONE, text
    entry = json.loads(home.ok("show", "place", "--json").out)
    assert entry["origin"] == "bearer https://north.example.test/anthropic"
    assert entry["files"] == [{"provider": "place", "origin": entry["origin"], "policy": POLICY,
                               "variable": "ANTHROPIC_AUTH_TOKEN", "differs": False}]


def test_parameters_in_scripts(home):
    home.provider("place", PLACE)
    home.init()
    refused(home.ctl("add", "place", input=KEY), USAGE, "hint: ccctl add place --set place=")
    refused(home.ctl("add", "place", "--set", "nope=1", input=KEY), USAGE, "nope", "place")
    refused(home.ctl("add", "place", "--set", "place", input=KEY), USAGE)
    assert home.ctl("add", "place", "--set", "place=a b", input=KEY).rc != DONE
    assert home.ctl("add", "place", "--set", "place=evil.test/?", input=KEY).rc != DONE
    home.ok("add", "place", "--set", "place=south", input=KEY)
    assert "https://south.example.test" in home.ok("show", "place").out


def test_several_keys(home):
    home.provider("pair", PAIR)
    home.init()
    for bad in ("", KEY, KEY + "\n", f"{KEY}\n{KEY2}\n{KEY}\n", f"{KEY}\n\n"):
        refused(home.ctl("add", "pair", *TOGETHER, input=bad), FAILED)
    home.ok("add", "pair", *TOGETHER, input=f"{KEY}\n{KEY2}\n")
    assert home.ok("get", "pair-token").out == KEY
    assert home.ok("get", "pair-key").out == KEY2
    refused(home.ctl("get", "pair"), NO_SUCH, "pair-token", "pair-key")
    t = home.tty("add", "pair")
    home.answer(t, "'pair-token' has a key already: replace it", "n", echo=True)
    home.answer(t, "'pair-key' has a key already: replace it", "y", echo=True)
    home.answer(t, "its provider.s files say so; seal it like that", "y", echo=True)
    home.answer(t, "Passphrase for your vault: ", PASS)
    home.answer(t, "Key for pair-key: ", KEY)
    rc, text = home.finish(t)
    assert rc == DONE, text
    assert home.ok("get", "pair-token").out == home.ok("get", "pair-key").out == KEY


def test_several_keys_at_prompts(home):
    home.provider("pair", PAIR)
    home.init()
    t = home.tty("add", "pair")
    home.answer(t, "its provider.s files say so; seal it like that", "y", echo=True)
    home.answer(t, r"ANTHROPIC_AUTH_TOKEN \(entry pair-token, 1 of 2\): ", KEY)
    home.answer(t, r"ANTHROPIC_API_KEY \(entry pair-key, 2 of 2\): ", KEY2)
    assert home.finish(t)[0] == DONE
    assert home.ok("get", "pair-key").out == KEY2


def test_a_provider_without_a_key_needs_no_vault(home):
    home.provider("free", FREE)
    assert "needs no key" in home.ok("add", "free").err
    assert home.broker() is None
    refused(home.ctl("approve", "free"), NO_SUCH, "needs no key")


def test_a_key_without_a_provider(home):
    home.init()
    home.ok("add", "--key", "shared", input=KEY)
    entry = json.loads(home.ok("show", "shared", "--json").out)
    assert entry["origin"] == "unbound" and entry["files"] == []
    refused(home.ctl("add", "--key", "shared", input=KEY2), FAILED, "add --key shared --replace")
    refused(home.ctl("add", "--key", "shared", "--set", "a=b", input=KEY2), USAGE)
    refused(home.ctl("approve", "shared", "--yes"), NO_SUCH)
    home.provider("user", ACME.replace("auth = bearer", "auth = bearer\nsecret = shared"))
    r = home.ok("approve", "shared", "--yes")
    assert "unbound" in r.out and ORIGIN in r.out
    assert json.loads(home.ok("show", "shared", "--json").out)["origin"] == ORIGIN


# ---- show and approve --------------------------------------------------

def test_approve_seals_what_the_files_say(open_home):
    assert "nothing to approve" in open_home.ok("approve", "acme").err
    open_home.provider("acme", ACME.replace("api.acme", "new.acme") + "[policy]\nstrict = yes\n")
    entry = json.loads(open_home.ok("show", "acme", "--json").out)
    assert entry["origin"] == ORIGIN and entry["policy"] == POLICY
    assert entry["files"][0]["differs"] and "new.acme" in entry["files"][0]["origin"]
    assert "ccctl approve acme" in open_home.ok("show", "acme").out
    assert json_row(open_home, "acme")["key"] == "differs"
    r = open_home.ctl("approve", "acme")
    assert r.rc == USAGE and "--yes" in r.err, r
    assert json.loads(open_home.ok("show", "acme", "--json").out)["origin"] == ORIGIN
    t = open_home.tty("approve", "acme")
    open_home.answer(t, r"seal this\? \[y/N\] ", "n", echo=True)
    rc, text = open_home.finish(t)
    assert rc == FAILED and "api.acme" in text and "new.acme" in text, text
    t = open_home.tty("approve", "acme")
    open_home.answer(t, r"seal this\? \[y/N\] ", "y", echo=True)
    open_home.answer(t, "Passphrase for your vault: ", PASS)
    assert open_home.finish(t)[0] == DONE
    entry = json.loads(open_home.ok("show", "acme", "--json").out)
    assert "new.acme" in entry["origin"] and "strict=yes" in entry["policy"]
    assert not entry["files"][0]["differs"]
    assert open_home.ok("get", "acme").out == KEY


def test_approve_seals_every_entry(home):
    home.provider("pair", PAIR)
    home.init()
    home.ok("add", "pair", *TOGETHER, input=f"{KEY}\n{KEY2}\n")
    home.provider("pair", PAIR.replace("pair.example", "new.example"))
    home.ok("approve", "pair", "--yes")
    for entry in json.loads(home.ok("keys", "--json").out):
        assert entry["origin"] == "bearer https://new.example.test/anthropic"


def test_approve_an_entry_of_two_providers(home):
    home.provider("one", ACME.replace("auth = bearer", "auth = bearer\nsecret = shared"))
    home.provider("two", ACME.replace("auth = bearer", "auth = bearer\nsecret = shared"))
    home.init()
    home.ok("add", "one", input=KEY)
    refused(home.ctl("approve", "shared", "--yes"), USAGE, "one", "two")
    assert len(json.loads(home.ok("show", "shared", "--json").out)["files"]) == 2


def test_rm_asks_on_a_terminal(open_home):
    t = open_home.tty("rm", "acme")
    open_home.answer(t, r"remove the key 'acme'\? \[y/N\] ", "", echo=True)
    assert open_home.finish(t)[0] == FAILED
    assert open_home.ok("get", "acme").out == KEY
    t = open_home.tty("rm", "-y", "acme")
    open_home.answer(t, "Passphrase for your vault: ", PASS)
    assert open_home.finish(t)[0] == DONE
    refused(open_home.ctl("get", "acme"), NO_SUCH)


def test_get_on_a_terminal_needs_reveal(open_home):
    t = open_home.tty("get", "acme")
    rc, text = open_home.finish(t)
    assert rc == REFUSED and KEY not in text and "--reveal" in text
    t = open_home.tty("get", "acme", "--reveal")
    open_home.answer(t, "Passphrase for your vault: ", PASS)
    t.expect_exact("The key 'acme':\r\n\r\n" + KEY + "\r\n\r\nPress Enter")
    open_home.answer(t, "it goes from the screen", "")
    rc, text = open_home.finish(t)
    assert rc == DONE and KEY not in text, text
    assert open_home.ok("get", "acme").out == KEY


# ---- what is printed ---------------------------------------------------

STATUS = {"state", "vault", "inside_session", "broker", "version", "pid", "started", "memory_locked",
          "memory_size", "memory_used", "kernel_locked_kib", "undumpable", "untraced", "caged", "landlock",
          "sessions", "sessions_by_relay", "releases", "waiting", "locked_why", "locked_at", "kept", "asleep", "watched", "delays", "relay",
          "record", "slots", "yama_ptrace_scope", "landlock_abi", "seccomp", "legacy_tiocsti", "peer_pidfd"}
ROW = {"name", "title", "modes", "key", "entries", "endpoint", "from", "missing_parameters", "verified",
       "unverified", "tried", "used", "error"}
UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def json_row(home, name):
    rows = json.loads(home.ok("list", "--json").out)
    return next(row for row in rows if row["name"] == name)


def test_status_says_what_the_kernel_does(home):
    def setting(name):
        path = Path("/proc/sys") / name
        return int(path.read_text()) if path.exists() else None
    s, text = home.status(), home.ok("status").out
    yama, types = setting("kernel/yama/ptrace_scope"), setting("dev/tty/legacy_tiocsti")
    assert s["yama_ptrace_scope"] == yama and s["legacy_tiocsti"] == (types != 0)
    assert re.search(rf"^yama +{'none' if yama is None else yama}: ", text, re.M), text
    libc = ctypes.CDLL(None, use_errno=True)
    assert s["landlock_abi"] == max(libc.syscall(444, None, 0, 1), 0) and s["seccomp"] is True
    a, b = socket.socketpair(socket.AF_UNIX)
    with a, b:
        try:
            os.close(a.getsockopt(socket.SOL_SOCKET, 77))
            exact = True
        except OSError:
            exact = False
    assert s["peer_pidfd"] == exact
    for row in ("landlock", "typing", "peers"):
        assert re.search(f"^{row} +[a-z]", text, re.M), text


def test_status(home):
    s = home.status()
    assert set(s) == STATUS
    assert s["state"] == "no-vault" and s["pid"] is None and s["broker"] is None
    assert s["vault"] == str(home.data / "ccrun/vault")
    assert home.ctl("status", "-q").rc == NO_SUCH
    home.init()
    s = home.status()
    assert set(s) == STATUS
    assert s["state"] == "unlocked" and s["broker"] == "user" and not s["inside_session"]
    for evidence in ("memory_locked", "undumpable", "untraced", "caged"):
        assert s[evidence] is True, evidence
    assert comm(s["pid"]) == "ccbroker" and re.fullmatch(UTC, s["started"])
    assert s["kernel_locked_kib"] * 1024 >= s["memory_size"] > s["memory_used"] > 0
    assert s["sessions"] == s["releases"] == 0 and s["relay"] == "user"
    text = home.ok("status").out
    assert "unlocked" in text and str(s["pid"]) in text and "NO" not in text
    assert re.search("^relay +as you$", text, re.M)
    r = home.ctl("status", "-q")
    assert (r.rc, r.out, r.err) == (DONE, "", "")
    home.ok("lock")
    assert home.ctl("status", "-q").rc == LOCKED
    home.stop_broker()
    r = home.ctl("status", "-q")
    assert (r.rc, r.out, r.err) == (LOCKED, "", "")
    assert home.status()["state"] == "no-broker"
    assert home.broker() is None, "status started a broker"


def test_list_says_what_it_knows(home):
    home.provider("free", FREE)
    home.provider("place", PLACE)
    row = json_row(home, "acme")
    assert set(row) == ROW
    assert row == {"name": "acme", "title": "Acme", "modes": ["fast"], "key": "no-vault",
                   "entries": ["acme"], "endpoint": "api.acme.test", "missing_parameters": [],
                   "verified": None, "unverified": None, "tried": [], "used": None, "error": None, "from": None}
    assert json_row(home, "free")["key"] == "none-needed"
    row = json_row(home, "place")
    assert row["missing_parameters"] == ["place"] and row["endpoint"] is None
    assert home.broker() is None
    home.init()
    assert json_row(home, "acme")["key"] == "missing"
    home.ok("add", "acme", input=KEY)
    assert json_row(home, "acme")["key"] == "stored"
    assert re.search(r"^acme +Acme +fast +in vault +vault +api\.acme\.test +not tried here +-$", home.ok("list").out, re.M)
    home.ok("lock")
    assert json_row(home, "acme")["key"] == "locked"
    assert "vault locked" in home.ok("list").out
    home.stop_broker()
    assert json_row(home, "acme")["key"] == "no-broker"


def test_list_shows_a_broken_file(home):
    home.provider("broken", "[provider]\nno-such-key = 1\n")
    row = json_row(home, "broken")
    assert row["title"] is None and "no-such-key" in row["error"]
    assert "no-such-key" in home.ok("list").out
    assert json_row(home, "acme")["key"] == "no-vault"


def test_keys_and_show(open_home):
    keys = json.loads(open_home.ok("keys", "--json").out)
    assert len(keys) == 1
    assert set(keys[0]) == {"name", "origin", "variable", "policy", "created", "changed", "used", "source",
                            "command", "pick", "fetched", "confirm"}
    assert keys[0]["name"] == "acme" and keys[0]["origin"] == ORIGIN
    assert keys[0]["variable"] == "ANTHROPIC_AUTH_TOKEN" and keys[0]["policy"] == POLICY
    assert re.fullmatch(UTC, keys[0]["created"]) and keys[0]["used"] is None
    shown = json.loads(open_home.ok("show", "acme", "--json").out)
    assert {k: shown[k] for k in keys[0]} == keys[0]
    assert "never" in open_home.ok("keys").out
    for words in (("keys",), ("show", "acme"), ("list",), ("status",), ("log",)):
        assert KEY[:12] not in open_home.ok(*words).out
    open_home.ok("lock")
    refused(open_home.ctl("keys"), LOCKED)
    # what the files say needs no open vault; what is sealed does
    r = open_home.ctl("show", "acme")
    assert r.rc == LOCKED and "the vault is locked" in r.err and "sends " in r.out and "origin" not in r.out


def test_a_listing_of_many_pages(home):
    home.init()
    names = [f"entry-{i:04}" for i in range(260)]
    script = f'i=0; while [ $i -lt 260 ]; do printf "sk-%08d\\n" $i | ' \
             f'"{CCCTL}" add --key "$(printf entry-%04d $i)" 2>/dev/null || exit 1; i=$((i+1)); done'
    r = home.run(["/bin/sh", "-c", script], timeout=120)
    assert r.rc == 0, r
    assert [e["name"] for e in json.loads(home.ok("keys", "--json").out)] == names
    assert home.ok("get", "entry-0259").out == "sk-00000259"


def test_help_and_usage(home):
    r = home.ok("--help")
    for verb in ("init unlock lock status add list keys get rm rename show approve log").split():
        assert re.search(rf"^  {verb} ", r.out, re.M), verb
        one = home.ok("help", verb).out
        assert one.startswith(f"usage: ccctl {verb}")
        assert home.ok(verb, "--help").out == one
        assert home.ctl(verb, "--no-such").rc == USAGE
        assert home.ctl(verb, "a", "b", "c").rc == USAGE
    assert re.fullmatch(r"ccctl \d+\.\d+\.\d+\n", home.ok("--version").out)
    refused(home.ctl("no-such-verb"), USAGE, "no-such-verb")
    assert "hint: did you mean ccctl unlock?" in home.ctl("unlcok").err
    assert "hint: ccrun openrouter" in home.ctl("openrouter").err
    refused(home.ctl("help", "no-such-verb"), USAGE)
    assert home.broker() is None


def test_alone_it_says_what_is_next(home):
    steps = [("There is no vault yet", "ccctl init", None), ("has no key yet", "ccctl add PROVIDER", home.init),
             ("with 1 key.", "ccrun PROVIDER", lambda: home.ok("add", "--key", "one", input="sk-12345678")),
             ("is locked", "ccctl unlock", lambda: home.ok("lock"))]
    for said, command, step in steps:
        if step:
            step()
        r = home.ok()
        assert said in r.out and f"    {command} " in r.out and r.err == "", r
        assert max(map(len, r.out.splitlines())) <= 80


def test_output_that_cannot_be_written(open_home):
    with open("/dev/full", "w") as full:
        for words in (["keys"], ["get", "acme", "--passphrase-fd", "0"], ["keys", "--json"]):
            proc = open_home.popen([CCCTL, *words], stdin=subprocess.PIPE, stdout=full, stderr=subprocess.PIPE)
            assert b"ccctl: write to standard output" in proc.communicate(PASS.encode(), timeout=20)[1]
            assert proc.returncode == FAILED, words


# ---- inside a session --------------------------------------------------

def test_a_marked_process_is_refused(open_home):
    def marked(*words, **kw):
        limit = ["prlimit", "--locks=1000:1000", "--", CCCTL, *words]
        return open_home.run(limit, **kw)

    for words in (["init"], ["unlock"], ["lock"], ["add", "acme"], ["list"], ["keys"], ["get", "acme"],
                  ["rm", "acme"], ["rename", "acme", "x"], ["show", "acme"], ["approve", "acme"],
                  ["log"]):
        refused(marked(*words, input=KEY), REFUSED, "as inside a session, but none started it")
    assert marked("--help").rc == DONE
    s = json.loads(marked("status", "--json").out)
    assert s["inside_session"] is True and s["state"] == "unlocked"
    assert open_home.ok("get", "acme").out == KEY


def test_a_marked_process_is_not_asked_for_a_passphrase(open_home):
    open_home.ok("lock")
    argv = open_home.argv(["prlimit", "--locks=1000:1000", "--", CCCTL, "unlock"])
    t = pexpect.spawn(str(argv[0]), [str(a) for a in argv[1:]], env=open_home.env(), timeout=20)
    t.seen = b""
    rc, text = open_home.finish(t)
    assert rc == REFUSED and "assphrase" not in text


# ---- many at once, and things that break -------------------------------

def test_twenty_at_once_have_one_broker(home):
    home.init()
    home.stop_broker()
    procs = []
    for i in range(20):
        if i % 4 == 3:
            procs.append(("status", home.popen([CCCTL, "status", "-q"])))
            continue
        read, write = os.pipe()
        os.write(write, PASS.encode())
        os.close(write)
        procs.append(("unlock", home.popen([CCCTL, "unlock", "--passphrase-fd", str(read)],
                                           pass_fds=[read], stderr=subprocess.PIPE)))
        os.close(read)
    for verb, proc in procs:
        err = proc.communicate(timeout=60)[1]
        assert proc.returncode == DONE or (verb == "status" and proc.returncode == LOCKED), err
    assert home.all_brokers() == [home.broker()]
    assert home.status()["state"] == "unlocked"


def test_killed_while_it_writes_loses_nothing(open_home):
    """What was acknowledged is there after kill -9, whenever that comes."""
    acknowledged = {"acme": KEY}
    for i in range(12):
        name, key = f"entry-{i}", f"sk-kill-{i:08}"
        pid = open_home.broker()
        read, write = os.pipe()
        proc = open_home.popen([CCCTL, "add", "--key", name], stdin=read, stderr=subprocess.DEVNULL)
        os.close(read)
        os.write(write, key.encode())
        os.close(write)
        time.sleep(0.004 * i)
        os.kill(pid, signal.SIGKILL)
        if proc.wait(30) == DONE:
            acknowledged[name] = key
        assert open_home.pass_to("unlock").rc == DONE
        for name, key in acknowledged.items():
            assert open_home.ok("get", name).out == key


def limit_file_size(home, size):
    """As if the disk were full for the broker once a file has that many bytes."""
    r = home.run(["prlimit", "--pid", str(home.broker()), f"--fsize={size}:unlimited"])
    assert r.rc == 0, r


def test_no_room_for_the_vault(open_home):
    big = "k" * 16000
    open_home.ok("add", "--key", "big", input=big)
    # The record is far below this, the vault above it.
    limit_file_size(open_home, 16384)
    pid = open_home.broker()
    for words, given in ((["add", "--key", "more"], KEY2), (["rm", "acme"], None),
                         (["rename", "acme", "x"], None), (["add", "acme", "--replace"], KEY2)):
        refused(open_home.ctl(*words, input=given), FAILED, "make room on the disk")
    assert open_home.broker() == pid, "the broker died of it"
    assert [e["name"] for e in json.loads(open_home.ok("keys", "--json").out)] == ["acme", "big"]
    assert open_home.ok("get", "acme").out == KEY
    limit_file_size(open_home, "unlimited")
    open_home.ok("add", "--key", "more", input=KEY2)
    open_home.ok("lock")
    assert open_home.pass_to("unlock").rc == DONE
    assert open_home.ok("get", "acme").out == KEY
    assert open_home.ok("get", "big").out == big
    assert open_home.ok("get", "more").out == KEY2


def test_no_room_for_the_record(open_home):
    """What cannot be put on record does not happen."""
    limit_file_size(open_home, 100)
    r = open_home.ctl("get", "acme")
    refused(r, FAILED, "record")
    refused(open_home.ctl("rm", "acme"), FAILED, "record")
    limit_file_size(open_home, "unlimited")
    assert open_home.ok("get", "acme").out == KEY
    open_home.ok("log", "--verify")


def test_a_damaged_vault_says_the_way_back(open_home):
    open_home.ok("add", "--key", "other", input=KEY2)
    open_home.stop_broker()
    vault = open_home.data / "ccrun/vault"
    whole = vault.read_bytes()
    vault.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    r = open_home.pass_to("unlock")
    refused(r, FAILED, "vault", "vault.prev")
    vault.write_bytes((open_home.data / "ccrun/vault.prev").read_bytes())
    assert open_home.pass_to("unlock").rc == DONE
    assert open_home.ok("get", "acme").out == KEY


def test_locked_memory_is_not_optional(home):
    r = home.run(["prlimit", "--memlock=65536:65536", "--", CCCTL, "init"])
    refused(r, REFUSED, "locked memory", "RLIMIT_MEMLOCK")


def test_a_false_broker_gets_no_secret(open_home):
    """Something that answers at the socket and is not hardened."""
    open_home.ok("lock")
    open_home.stop_broker()
    sock = open_home.runtime / "ccrun/broker.sock"
    sock.unlink(missing_ok=True)
    said = open_home.root / "said"
    impostor = open_home.popen(["/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind({str(sock)!r}); s.listen(8)
hello = bytes([0x86]) + b"".join(
    bytes([0xa0 | len(k)]) + k + v for k, v in
    [(b"v", b"\\x01"), (b"ok", b"\\xc3"), (b"broker", b"\\xa4user"), (b"version", b"\\xa50.1.0"),
     (b"state", b"\\xa6locked"), (b"vault", b"\\xa2/x")])
out = open({str(said)!r}, "wb", buffering=0)
while True:
    c, _ = s.accept()
    try:
        while (m := c.recv(65536)):
            out.write(m + b"\\n"); c.send(hello)
    except OSError:
        pass
"""])
    until(sock.exists, what="the impostor's socket")
    for words in (["unlock"], ["add", "acme"]):
        r = open_home.pass_to(*words, input=KEY)
        refused(r, REFUSED, "not hardened")
    r = open_home.ctl("status")
    refused(r, REFUSED, str(impostor.pid))
    assert b"key" not in said.read_bytes() and KEY.encode() not in said.read_bytes()
    assert json_row(open_home, "acme")["key"] == "unknown"
    impostor.kill()
    impostor.wait()
    sock.unlink()


def test_the_process_with_the_secret_cannot_be_read(open_home):
    """At a prompt, ccctl's memory is closed to the same user."""
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    open_home.ok("lock")
    t = open_home.tty("unlock")
    t.expect("Passphrase for your vault: ")
    pids = [t.pid, *descendants(t.pid)]
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(PermissionError):
            open(f"/proc/{pid}/mem", "rb")
        with pytest.raises(PermissionError):
            open(f"/proc/{pid}/environ", "rb")
    t.send("\x03")
    t.expect(pexpect.EOF)
    t.close()


# ---- the record --------------------------------------------------------

def test_log(open_home):
    open_home.ok("get", "acme")
    open_home.ok("lock")
    refused(open_home.pass_to("get", "acme", given="another passphrase\n"), REFUSED)
    record = open_home.state / "ccrun/record.jsonl"
    lines = json.loads(open_home.ok("log", "--json").out)
    assert lines == [json.loads(line) for line in record.read_text().splitlines()]
    events = [(line["event"], line["result"]) for line in lines]
    for event in (("init", "asked"), ("add", "granted"), ("get", "granted"), ("lock", "granted"),
                  ("person", "asked"), ("unlock", "wrong-key")):
        assert event in events
    text = open_home.ok("log").out
    assert len(text.splitlines()) == len(lines) and "acme" in text and "wrong passphrase" in text
    assert open_home.ok("log", "-n", "2").out.splitlines() == text.splitlines()[-2:]
    assert open_home.ok("log", "-n", "0").out == ""
    assert json.loads(open_home.ok("log", "-n", "1", "--json").out) == lines[-1:]
    refused(open_home.ctl("log", "-n", "-1"), USAGE)
    refused(open_home.ctl("log", "-n", "x"), USAGE)


def test_log_without_a_record(home):
    assert home.ok("log").out == ""
    assert json.loads(home.ok("log", "--json").out) == []
    assert json.loads(home.ok("log", "--verify", "--json").out)["intact"] is True
    assert home.broker() is None


def test_log_json_is_an_object_a_line(open_home):
    record = open_home.state / "ccrun/record.jsonl"
    text = open_home.ok("log", "--json").out.splitlines()
    assert (text[0], text[-1]) == ("[", "]")
    assert [json.loads(line.rstrip(",")) for line in text[1:-1]] == [
        json.loads(line) for line in record.read_text().splitlines()]
    assert all(isinstance(line["pid"], int) for line in json.loads("".join(text)) if "pid" in line)


def test_log_of_an_older_version(home):
    """Its pid was a text, its UTF-8 was written byte by byte as Latin-1."""
    record = home.state / "ccrun/record.jsonl"
    record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before, out = "0" * 64, b""
    for n, more in enumerate((b'"open","result":"granted","pid":"7","image":"/opt/\\u00c3\\u00bc"',
                              b'"end","result":"done","why":"3 requests, 1 refused"'), 1):
        text = b'{"seq":%d,"time":"2026-01-31T12:00:00.000Z","event":%s' % (n, more)
        before = hashlib.blake2b(before.encode() + text, digest_size=32).hexdigest()
        out += text + b',"hash":"' + before.encode() + b'"}\n'
    record.write_bytes(out)
    record.chmod(0o600)
    [opened, end] = json.loads(home.ok("log", "--json").out)
    assert opened["pid"] == 7 and opened["image"] == "/opt/\u00c3\u00bc" and end["why"] == "3 requests, 1 refused"
    text = home.ok("log").out
    assert "process 7" in text and "3 requests, 1 refused" in text
    assert "the chain holds" in home.ok("log", "--verify").out


def test_log_that_was_cut(open_home):
    record = open_home.state / "ccrun/record.jsonl"
    open_home.ok("get", "acme")
    open_home.ok("lock")
    assert open_home.pass_to("unlock").rc == DONE
    r = open_home.ok("log", "--verify")
    assert "is the one that the broker noted" in r.out and r.err == ""
    assert json.loads(open_home.ok("log", "--verify", "--json").out)["missing"] == 0
    assert open_home.status()["record"] is None
    open_home.stop_broker(signal.SIGTERM)
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[:-2]))
    assert "cannot be told" in open_home.ok("log", "--verify").out  # no broker runs
    assert open_home.pass_to("unlock").rc == DONE
    assert "the last 2 lines of the log are missing" in open_home.status()["record"]
    assert "NO: the last 2 lines of the log are missing" in open_home.ok("status").out
    r = open_home.ok("log", "--verify")
    assert "1 times that lines were lost" in r.err and "\nhint: " in r.err
    assert json.loads(open_home.ok("log", "--verify", "--json").out)["losses"] == 1
    assert "log-cut" in open_home.ok("log").out
    # While the broker runs.
    whole = record.read_bytes()
    record.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    r = open_home.ctl("log", "--verify")
    assert r.rc == FAILED and "the last 1 lines are missing" in r.err
    r = open_home.ctl("log", "--verify", "--json")
    assert r.rc == FAILED and (json.loads(r.out)["intact"], json.loads(r.out)["missing"]) == (False, 1)


def test_log_verify(open_home):
    open_home.ok("get", "acme")
    open_home.stop_broker(signal.SIGTERM)
    record = open_home.state / "ccrun/record.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    verdict = json.loads(open_home.ok("log", "--verify", "--json").out)
    assert set(verdict) == {"record", "lines", "first", "intact", "first_bad_line", "last_hash", "checkpoint",
                            "checkpoint_at", "missing", "losses"}
    assert verdict["checkpoint"] is verdict["checkpoint_at"] is verdict["missing"] is None  # no broker runs
    assert verdict["intact"] is True and verdict["lines"] == len(lines)
    assert verdict["last_hash"] == json.loads(lines[-1])["hash"]
    assert "the chain holds" in open_home.ok("log", "--verify").out
    at = next(i for i, line in enumerate(lines) if b'"get"' in line)
    changes = {
        "edited": lines[:at] + [lines[at].replace(b'"granted"', b'"refused"')] + lines[at + 1:],
        "removed": lines[:at] + lines[at + 1:],
        "swapped": lines[:1] + [lines[2], lines[1]] + lines[3:],
        "head gone": lines[1:],
        "slipped in": lines[:at] + [lines[at]] + lines[at:],
        "not a line": lines[:at] + [b"hello\n"] + lines[at:],
        "empty line": lines[:at] + [b"\n"] + lines[at:],
    }
    for what, changed in changes.items():
        record.write_bytes(b"".join(changed))
        r = open_home.ctl("log", "--verify")
        assert r.rc == FAILED and r.out == "", what
        assert "does not follow" in r.err, what
        r = open_home.ctl("log", "--verify", "--json")
        assert r.rc == FAILED and json.loads(r.out)["intact"] is False, what
        assert json.loads(r.out)["first_bad_line"] > 0, what
    record.write_bytes(b"".join(lines) + lines[-1][:40])
    r = open_home.ok("log", "--verify")
    assert "is incomplete" in r.err
    # The next broker mends that, and goes on from the last whole line.
    assert open_home.pass_to("unlock").rc == DONE
    open_home.ok("log", "--verify")
