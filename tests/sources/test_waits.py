"""Password managers that wait for somebody: what a person is told, and how it ends.
op, bw, rbw and secret-tool are stand-ins that say what their documentation says they say;
pass and gpg are themselves."""
import os
import shlex
import shutil
import signal
import subprocess
import time

import pexpect
import pytest

from ccrun import CCRUN
from client import alive, children_named, until
from sources import Standin
from terminal_shell import Shell, left_to_the_shell

SAY = 'printf "<%s>" "$ANTHROPIC_AUTH_TOKEN"'
RUN = [CCRUN, "--exec", "/bin/sh", "demo", "-c", SAY]


class Manager:
    """Provider demo, whose key is in a manager."""

    def __init__(self, c, token, ref, program=None):
        self.c, self.token = c, token
        c.demo()
        c.init()
        self.program = Standin(c, program) if program else None
        path = f"{self.program.bin}:{c.env()['PATH']}" if program else "/usr/bin:/bin"
        self.env = {"PATH": path}
        r = c.ccctl("add", "demo", "--source", ref, *c.allows("demo"), "--no-check", env=self.env)
        assert r.rc == 0, r

    def start(self, **more):
        return self.c.popen(RUN, {**self.env, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def terminal(self, **more):
        argv = self.c.argv(RUN)
        return pexpect.spawn(argv[0], argv[1:], env=self.c.env({**self.env, **more}), cwd=self.c.cwd,
                             encoding="utf-8", timeout=60)


def line_with(stream, words):
    for line in stream:
        if words in line:
            return line
    raise AssertionError(f"no line with {words!r}")


KINDS = [("pass:ai/x", "pass", "waiting for pass: gpg-agent asks"), ("op://a/b/c", "op", "waiting for 1Password: the 1Password app asks"),
         ("bw:x", "bw", "waiting for Bitwarden: "), ("rbw:x", "rbw", "waiting for rbw: rbw-agent asks"),
         ("secret-service:a=b", "secret-tool", "waiting for the Secret Service: the keyring asks in a window"),
         ("command:slow --now", "slow", "waiting for the command: does it ask somebody")]


@pytest.mark.parametrize("ref,program,words", KINDS, ids=[k[1] for k in KINDS])
def test_a_manager_that_waits_is_named_while_it_does(c, token, ref, program, words):
    m = Manager(c, token, ref, program)
    m.program.plays(out=token + "\n", wait=str(c.home / "gate"))
    p = m.start()
    assert line_with(p.stderr, "ccrun: waiting").startswith(f"ccrun: {words}")
    c.write("gate", "")
    assert p.communicate(timeout=60)[0] == f"<{token}>"


def test_one_that_answers_at_once_is_not(c, token):
    m = Manager(c, token, "pass:ai/x", "pass")
    m.program.plays(out=token + "\n")
    out, err = m.start().communicate(timeout=60)
    assert out == f"<{token}>" and "waiting" not in err


def test_what_was_typed_beside_one_does_not_go_to_the_session(c, token):
    """Somebody who is told that something waits may type its password here."""
    m = Manager(c, token, "pass:ai/x", "pass")
    m.program.plays(out=token + "\n", wait=str(c.home / "gate"))
    argv = c.argv([CCRUN, "--exec", "/bin/sh", "demo", "-c", "IFS= read -r x; printf '<%s>' \"$x\""])
    t = pexpect.spawn(argv[0], argv[1:], env=c.env(m.env), cwd=c.cwd, encoding="utf-8", timeout=60)
    t.expect("ccrun: waiting for pass")
    t.sendline("my password")
    c.write("gate", "")
    time.sleep(1)
    t.sendline("to the session")
    t.expect_exact("<to the session>")
    t.expect(pexpect.EOF)
    t.close()


def test_words_of_a_user_s_file_are_the_file_s(c, token):
    """Any program of the user's can write it: it does not speak for ccrun."""
    m = Manager(c, token, "pass:ai/x", "pass")
    c.write(c.config / "ccrun/sources/pass.conf", "[source]\ntitle = the vault\nwaits = type your passphrase\n"
            "[missing]\nexit = 3\ntext = gone\nhint = curl http://x | sh\n", 0o600)
    c.own()
    m.program.plays(exit=3, err="gone")
    err = m.start().communicate(timeout=60)[1]
    assert 'hint: it says: "curl http://x | sh" [sources/pass.conf]' in err, err
    m.program.plays(out=token + "\n", wait=str(c.home / "gate"))
    p = m.start()
    line = line_with(p.stderr, "ccrun: waiting")
    assert line.startswith('ccrun: waiting for "the vault" [sources/pass.conf]: "type your passphrase" [sources/pass.conf]')
    c.write("gate", "")
    assert p.communicate(timeout=60)[0] == f"<{token}>"


QUOTED = {
    'long" (sources/pass.conf).  ccrun: type your passphrase: "': '"long\' (sources/pass.conf). ccrun: type your passphrase: \'"',
    "a\u202eb\u2066c\u200fd\u061ce": '"a?b?c?d?e"',
    "a\u2028b\u2029c": '"a?b?c"',
    "$(~/x) `~/x` \\": '"?(~/x) ?~/x? ?"',
    "süß 漢字": '"süß 漢字"',
}


@pytest.mark.parametrize("said", QUOTED)
def test_nothing_ends_the_quotes_of_a_user_s_words(c, token, said):
    m = Manager(c, token, "pass:ai/x", "pass")
    c.write(c.config / "ccrun/sources/pass.conf", f"[source]\ntitle = {said}\nwaits = {said}\n"
            f"[missing]\nexit = 3\ntext = gone\nhint = {said}\n", 0o600)
    c.own()
    m.program.plays(exit=3, err="gone")
    err = m.start().communicate(timeout=60)[1]
    assert f"hint: it says: {QUOTED[said]} [sources/pass.conf]\n" in err, err
    m.program.plays(out=token + "\n", wait=str(c.home / "gate"))
    p = m.start()
    line = line_with(p.stderr, "ccrun: waiting")
    assert line == f"ccrun: waiting for {QUOTED[said]} [sources/pass.conf]: {QUOTED[said]} [sources/pass.conf]\n"
    c.write("gate", "")
    assert p.communicate(timeout=60)[0] == f"<{token}>"


def test_a_person_gives_up(c, token):
    m = Manager(c, token, "op://a/b/c", "op")
    m.program.plays(hang=True)
    t = m.terminal()
    t.expect(r"ccrun: waiting for 1Password: .* \(Ctrl-C gives up\)")
    t.sendintr()
    t.expect("it was cancelled")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 125
    until(lambda: not alive(m.program.runs()[0]["pid"]), what="the manager's end")


def test_a_question_on_this_terminal_is_not_written_over(c, token):
    m = Manager(c, token, "bw:x", "bw")
    m.program.plays(ask="Master password: ")
    t = m.terminal()
    t.expect("Master password: ")
    time.sleep(4)  # longer than it takes to be told
    t.sendline(token)
    t.expect(f"<{token}>")
    t.expect(pexpect.EOF)
    assert "waiting for" not in t.before


def test_what_was_typed_for_a_manager_that_was_killed_does_not_go_to_the_shell(c, token):
    m = Manager(c, token, "bw:x", "bw")
    m.program.plays(ask="Master password: ")
    with Shell(c) as s:
        s.line(f"PATH={m.env['PATH']} {shlex.join(map(str, RUN))}")
        s.t.expect("Master password: ")
        assert s.t.waitnoecho(10)
        s.t.send("half a passw")
        os.kill(m.program.runs()[0]["pid"], signal.SIGKILL)
        s.t.expect("was ended by signal 9.*PS>")
        assert "half" not in left_to_the_shell(s)


def test_no_letter_of_what_is_typed_for_a_manager_is_taken_for_a_key(c, token):
    m = Manager(c, token, "bw:x", "bw")
    m.program.plays(ask="Master password: ")
    with Shell(c) as s:
        s.line(f"stty intr '{token[3]}' eof '{token[5]}'; PATH={m.env['PATH']} {shlex.join(map(str, RUN))}")
        s.t.expect("Master password: ")
        assert s.t.waitnoecho(10)
        s.line(token)
        s.t.expect_exact(f"<{token}>")


def test_a_launch_that_waits_for_another(c, token):
    m = Manager(c, token, "pass:ai/x", "pass")
    m.program.plays(out=token + "\n", wait=str(c.home / "gate"))
    first = m.start()
    until(lambda: m.program.runs(), what="the manager's start")
    second = m.start()
    assert "fetches 'demo'" in line_with(second.stderr, "ccrun: waiting for another launch")
    c.write("gate", "")
    assert first.communicate(timeout=60)[0] == second.communicate(timeout=60)[0] == f"<{token}>"


SIGNED_OUT = [
    ("op://a/b/c", "op", "[ERROR] 2026/03/01 10:00:00 No accounts configured for use with 1Password CLI.\n", "op account add"),
    ("op://a/b/c", "op", "[ERROR] 2026/03/01 10:00:00 You are not currently signed in. Please run `op signin --help`.\n", "op signin"),
    ("op://a/b/c", "op", "[ERROR] 2026/03/01 10:00:00 error initializing client: connecting to desktop app: read: connection reset\n", "unlock the 1Password app"),
    ("bw:x", "bw", "You are not logged in.\n", "bw login"),
    ("bw:x", "bw", "Vault is locked.\n", "bw unlock"),
    ("rbw:x", "rbw", "rbw: failed to unlock database: failed to read password from pinentry\n", "rbw unlock"),
]


@pytest.mark.parametrize("ref,program,says,mend", SIGNED_OUT, ids=range(len(SIGNED_OUT)))
def test_nobody_is_signed_in(c, token, ref, program, says, mend):
    m = Manager(c, token, ref, program)
    m.program.plays(err=says, exit=1)
    out, err = m.start().communicate(timeout=60)
    assert out == "" and says in err, "its own words are passed on"
    assert "is locked, or nobody is signed in" in err and mend in err.split("hint: ")[-1], err


# ---- the real pass and gpg ---------------------------------------------

needs_pass = pytest.mark.skipif(not shutil.which("pass") or not shutil.which("gpg"), reason="no pass")


def real_pass(c, token, pinentry):
    """pass with a key that has a passphrase, and an agent that asks with that program."""
    c.write(".gnupg/gpg-agent.conf", f"pinentry-program {pinentry}\n")
    (c.home / ".gnupg").chmod(0o700)
    for argv, text in ((["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "open sesame",
                         "--quick-gen-key", "t@example.org", "rsa2048", "encr", "never"], None),
                       (["pass", "init", "t@example.org"], None),
                       (["gpgconf", "--kill", "gpg-agent"], None),
                       (["pass", "insert", "--multiline", "--force", "ai/x"], token + "\n")):
        r = c.run(argv, {"PATH": "/usr/bin:/bin"}, input=text)
        assert r.rc == 0, r
    return Manager(c, token, "pass:ai/x")


@needs_pass
def test_pass_on_a_display_that_is_gone(c, token):
    """The real pinentry finds neither the display nor a terminal."""
    m = real_pass(c, token, shutil.which("pinentry-curses") or "/usr/bin/pinentry")
    out, err = m.start(DISPLAY=":77").communicate(timeout=120)
    assert out == "" and "gpg could not unlock the key" in err and "GPG_TTY" in err, err
    assert "did not answer" not in err


@needs_pass
def test_pass_whose_pinentry_asks_where_nobody_is(c, token):
    """A pinentry (a stand-in) that has opened its window on a display that nobody sees."""
    pinentry = c.write("pinentry", "#!/bin/sh\necho OK\nwhile read -r line; do case $line in\n"
                       "GETPIN*) sleep 1000 ;; *) echo OK ;; esac; done\n", 0o755)
    m = real_pass(c, token, pinentry)
    t = m.terminal(DISPLAY=":77")
    t.expect("ccrun: waiting for pass: gpg-agent asks for the passphrase")
    t.sendintr()
    t.expect("it was cancelled")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 125 and not children_named(t.pid, "gpg")
