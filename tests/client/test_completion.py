"""Tab in the real shells, with the completions as make install puts them; and what ccctl
complete says to them."""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from built import REPO, SHIPPED
from ccrun import CCCTL, CCRUN
from client import claude
from screen import Screen

PINNED = (REPO / "tools/claude.version").read_text().strip()
MODE = "[mode fast]\n[mode fast models]\ndefault = demo-fast\n"


def complete(world, program, *words, **kw):
    """What ccctl complete answers: a dict from a word to what it is."""
    r = world.run([CCCTL, "complete", program], input="".join(w + "\0" for w in words), **kw)
    assert r.rc == 0 and r.err == "", r
    return dict(line.partition("\t")[::2] for line in r.out.splitlines())


@pytest.fixture
def world(c, token):
    c.demo(extra=MODE)
    c.ready(token)
    r = c.ccctl("add", "--key", "spare", input="sk-spare-0123456789\n")
    assert r.rc == 0, r
    return c


# ---- the shells ------------------------------------------------------------

@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    there = tmp_path_factory.mktemp("installed")
    subprocess.run(["make", "-s", "-C", REPO, f"BUILD={SHIPPED}", f"PREFIX={there}", "install"], check=True,
                   stdout=subprocess.DEVNULL)
    return there


def bash(world, prefix):
    rc = world.write("bashrc", "PS1='ready> '\nsource /usr/share/bash-completion/bash_completion\n"
                               "bind 'set bell-style none'\nbind 'set show-all-if-ambiguous on'\n")
    return ["bash", "--noprofile", "--rcfile", rc, "-i"], {"XDG_DATA_DIRS": f"{prefix}/share:/usr/share"}


def zsh(world, prefix):
    world.write("zsh/.zshrc", f"PS1='ready> '\nfpath=({prefix}/share/zsh/site-functions $fpath)\n"
                              "autoload -Uz compinit\ncompinit -u -D\nunsetopt beep\n")
    return ["zsh", "-d", "-i"], {"ZDOTDIR": str(world.home / "zsh")}


def fish(world, prefix):
    (world.data / "fish/generated_completions").mkdir(parents=True)     # else it reads all man pages first
    world.write(world.config / "fish/config.fish", "function fish_prompt; echo -n 'ready> '; end\n"
                                                   "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n")
    return ["fish", "-i"], {"XDG_DATA_DIRS": f"{prefix}/share:/usr/local/share:/usr/share"}


class Shell:
    """A shell on a terminal, with a line that is being typed."""

    def __init__(self, world, prefix, which, path=None):
        argv, env = which(world, prefix)
        env |= {"PATH": f"{path or prefix / 'bin'}:/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8"}
        self.screen = Screen(world, argv, env=env, columns=100)
        self.screen.wait("ready>")

    def types(self, text):
        self.screen.send(text)

    def line(self, text):
        """Wait until the line is just that."""
        return self.screen.wait(rf"(?m)ready> {re.escape(text)} *$")

    def shows(self, *words):
        for word in words:
            self.screen.wait(rf"(?<![\w-]){re.escape(word)}(?![\w-])")

    def clear(self):
        self.screen.send("\x15\x0c")
        self.screen.wait(r"\A\s*ready>\s*\Z")


@pytest.fixture(params=[bash, zsh, fish], ids=lambda f: f.__name__)
def shell(request, world, prefix):
    (world.cwd / "file-of-mine").write_text("")
    s = Shell(world, prefix, request.param)
    yield s
    s.screen.close()


FINISHED = [
    ("ccrun dem", "ccrun demo"),
    ("ccrun demo:", "ccrun demo:fast"),
    ("ccrun -n demo:f", "ccrun -n demo:fast"),
    ("ccrun --no", "ccrun --no-key"),
    ("ccrun demo --fas", "ccrun demo --fast"),
    ("ccrun demo --effor", "ccrun demo --effort"),
    ("ccrun demo --effort xh", "ccrun demo --effort xhigh"),
    ("ccrun demo --output-format=str", "ccrun demo --output-format=stream-json"),
    ("ccctl unlo", "ccctl unlock"),
    ("ccctl get spa", "ccctl get spare"),
    ("ccctl approve demo:", "ccctl approve demo:fast"),
    ("ccctl slot rm ", "ccctl slot rm 1"),
    ("ccctl spent --by=prov", "ccctl spent --by=provider"),
    ("ccctl settings idl", "ccctl settings idle="),
    ("ccctl settings suspend=y", "ccctl settings suspend=yes"),
    ("ccctl backup file-of", "ccctl backup file-of-mine"),
]


def test_tab_finishes_the_word(shell):
    for typed, becomes in FINISHED:
        shell.types(typed + "\t")
        shell.line(becomes)
        shell.clear()


def test_tab_shows_what_there_is(shell):
    for typed, words in (("ccctl stat", ("status", "statusline")),
                         ("ccctl get ", ("demo", "spare")),
                         ("ccrun de", ("demo", "deepseek")),
                         ("ccctl slot add ", ("passphrase", "keyring", "recovery")),
                         ("ccctl add --", ("--replace", "--source", "--passphrase-fd")),
                         ("ccrun demo --permission-mode ", ("acceptEdits", "plan")),
                         ("ccctl limit demo ", ("5M/day", "200/hour", "off")),
                         ("ccctl confirm demo ", ("session", "first", "off"))):
        shell.types(typed + "\t\t")
        shell.shows(*words)
        shell.clear()


@pytest.mark.parametrize("which", [bash, zsh, fish], ids=lambda f: f.__name__)
def test_what_is_typed_is_no_argument_of_a_program(world, prefix, which, tmp_path):
    """Somebody types a key behind a verb and presses Tab: other programs see arguments."""
    key = "sk-typed-in-the-wrong-place"
    seen, read = tmp_path / "arguments", tmp_path / "read"
    stand_in = tmp_path / "bin/ccctl"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\ntr "\\0" " " </proc/$$/cmdline >>{seen}\ncat >>{read}\necho found-it\n')
    stand_in.chmod(0o755)
    shell = Shell(world, prefix, which, path=stand_in.parent)
    shell.types(f"ccctl add {key} foun\t")
    shell.line(f"ccctl add {key} found-it")
    shell.screen.close()
    assert "complete ccctl" in seen.read_text() and key not in seen.read_text()
    assert key in read.read_text()


def test_a_users_own_installation_is_found(world, prefix):
    """PREFIX=~/.local, which zsh and fish pass on as it is: bash and fish look there by themselves."""
    argv = ["make", "-s", "-C", REPO, f"BUILD={SHIPPED}", "PREFIX=~/.local", "install"]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, HOME=str(world.home), XDG_DATA_HOME=str(world.data)))
    share = Path(world.home) / ".local/share"
    for which in (bash, fish):
        rc, env = which(world, prefix)
        env["XDG_DATA_DIRS"] = "/usr/local/share:/usr/share"
        env["XDG_DATA_HOME"] = str(share)
        shell = Shell(world, world.home / ".local", lambda *_, rc=rc, env=env: (rc, env))
        shell.types("ccctl unlo\t")
        shell.line("ccctl unlock")
        shell.screen.close()


# ---- what it says ------------------------------------------------------------

def test_words_come_with_what_they_are(world):
    assert complete(world, "ccctl", "stat")["status"].startswith("is the vault open")
    assert complete(world, "ccctl", "get", "")["demo"] == world.endpoint_used.url
    assert complete(world, "ccrun", "demo") == {"demo": "Demo", "demo:fast": "Demo"}
    assert complete(world, "ccctl", "slot", "rm", "")["1"].startswith("passphrase")
    assert complete(world, "ccrun", "demo:fast", "--model", "demo") == {"demo-fast": "Demo"}
    assert "opus" in complete(world, "ccrun", "demo", "--model", "")
    assert complete(world, "ccctl", "test", "demo:fast", "--model", "") == {"demo-fast": "Demo"}
    assert "--json" in complete(world, "ccctl", "list", "")


@pytest.mark.parametrize("model", ["demo;x", "demo`x`", "demo|x", "demo&x", "demo>x", "demo{,x}"])
def test_no_word_is_a_command(c, model):
    """A session writes a file of the person's; bash puts the only word into the line as it is."""
    c.demo(extra=f"[mode fast]\n[mode fast models]\ndefault = {model}\n")
    assert complete(c, "ccrun", "demo:fast", "--model", "demo") == {}


def test_options_that_cannot_follow_are_not_offered(world):
    assert "--keyfile" in complete(world, "ccctl", "unlock", "--")
    assert complete(world, "ccctl", "unlock", "--auto", "--") == {}
    assert "--user" not in complete(world, "ccctl", "init", "--system", "--")
    assert "--keyring" in complete(world, "ccctl", "init", "--system", "--")
    assert "--replace" not in complete(world, "ccctl", "add", "--replace", "--")
    assert "--set" in complete(world, "ccctl", "add", "--set", "a=b", "--")
    assert "--label" not in complete(world, "ccctl", "slot", "rm", "--")
    assert "--quiet" not in complete(world, "ccctl", "unlock", "--"), "ccrun-import's"
    assert "complete" not in complete(world, "ccctl", "") and complete(world, "ccctl", "digest", "") == {}


def test_parameters_of_the_provider_that_is_named(world):
    assert list(complete(world, "ccctl", "add", "azure", "--set", "")) == ["resource="]


def test_settings_that_are_offered_are_taken(world):
    offered = complete(world, "ccctl", "settings", "")
    assert "idle=" in offered and "screen=no" in offered
    for word in offered:
        r = world.with_passphrase("settings", word + "never" if word.endswith("=") else word)
        assert r.rc == 0, r


def test_limits_that_are_offered_are_taken(world):
    for word in complete(world, "ccctl", "limit", "demo", ""):
        assert world.with_passphrase("limit", "demo", word).rc == 0, word


def test_kinds_of_slots_that_are_offered_are_known(world):
    for kind in complete(world, "ccctl", "slot", "add", ""):
        r = world.ccctl("slot", "add", kind, "--out", "x", "--for", "y", person=False)
        assert "unknown" not in r.err, r


def test_a_link_has_the_words_of_its_provider(world):
    r = world.ccctl("link", "--dir", world.write("bin/x", "").parent, "mine", "demo")
    assert r.rc == 0, r
    assert "--fast" in complete(world, "mine", "--f")
    assert "mine" in complete(world, "ccctl", "unlink", "")
    assert complete(world, "no-such-command", "--f") == {}


def test_sessions_and_waiting_launches_are_offered(world):
    hold = world.popen([CCRUN, "--exec", "/bin/sh", "demo", "-c", "echo started; read x"], stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE)
    assert hold.stdout.readline() == b"started\n"
    ids = [s["id"][:8] for s in json.loads(world.ccctl("sessions", "--json").out)]
    assert len(ids) == 1 and complete(world, "ccctl", "sessions", "end", "") == {ids[0]: "demo"}
    hold.stdin.close()
    assert hold.wait(20) is not None


def test_a_locked_vault_is_not_opened_and_nobody_is_asked(world):
    assert world.ccctl("lock").rc == 0
    assert "spare" not in complete(world, "ccctl", "get", "")
    assert "demo" in complete(world, "ccctl", "add", "de")
    assert world.status()["state"] == "locked"


def test_no_broker_is_started(c):
    c.demo()
    assert "demo" in complete(c, "ccrun", "d") and ":files" not in complete(c, "ccctl", "get", "")
    assert c.broker() is None


def test_inside_a_session_nothing_goes_on_record(world):
    before = world.record()
    limit = ["prlimit", "--locks=1000:1000", "--", CCCTL, "complete", "ccctl"]
    r = world.run(limit, input="get\0\0")
    assert r.rc == 0 and "demo" not in r.out and r.err == "", r
    assert world.record() == before


def test_a_key_is_never_said(world, token):
    for words in (["get", ""], ["show", ""], ["show", "demo"], ["add", "--key", ""]):
        assert token not in repr(complete(world, "ccctl", *words))


@pytest.mark.parametrize("line", [b"", b"get", b"get\0x", b"\0" * 600, b"x" * 70000 + b"\0", b"\xff\xfe\0", b"get\0\x1b[2J\0"])
def test_a_line_that_cannot_be_read_is_no_matter(world, line):
    r = subprocess.run([CCCTL, "complete", "ccctl"], input=line, env=world.env(), capture_output=True, check=False)
    assert (r.returncode, r.stderr) == (0, b"") and b"\x1b" not in r.stdout


# ---- claude's words ------------------------------------------------------------

def test_options_of_claude_are_those_of_its_help():
    """tools/claude-options --refresh writes them.  Another version than the pinned one may have more."""
    r = subprocess.run([REPO / "tools/claude-options"], env=dict(os.environ, CCRUN_CLAUDE=str(claude())),
                       capture_output=True, check=False, text=True)
    version = subprocess.run([claude(), "--version"], capture_output=True, check=True, text=True).stdout.split()[0]
    gone = [line for line in r.stdout.splitlines() if line.startswith("gone: ")]
    assert r.returncode == 0 or (version != PINNED and not gone), r.stdout
