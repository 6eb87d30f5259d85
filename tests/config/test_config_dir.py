"""A provider with a directory of the client's own: histories, settings and logins
apart from the others'.  Sealed with the key, as the client obeys what lies there."""
import json
import os

import pytest

import canary
from ccrun import CCRUN

WORK = {"config_dir": "~/.claude-work"}


def mode(path):
    return path.stat().st_mode & 0o777


def test_histories_are_apart(c, ep, token):
    c.demo(policy=WORK)
    c.provider("home", base_url=ep.url, auth="bearer", secret="demo")
    c.ready(token)
    work = c.home / ".claude-work"
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0, r
    assert mode(work) == 0o700 and work.stat().st_uid == c.user.pw_uid
    assert list(work.glob("projects/*/*.jsonl")), "the conversation is in it"
    assert not (c.home / ".claude/projects").exists()
    assert ep.sent("authorization") == {"Bearer " + token}
    assert not canary.scan_files(work, token)


def test_its_settings_count_and_the_others_do_not(c, ep, token):
    c.demo(policy=WORK)
    c.ready(token)
    hook = {"hooks": {"UserPromptSubmit": [{"hooks": [{"type": "command", "command": "echo ran > ~/%s"}]}]}}
    c.settings(json.loads(json.dumps(hook).replace("%s", "other.txt")))
    c.write(".claude-work/settings.json", json.dumps(hook).replace("%s", "work.txt"))
    assert c.ccrun("demo", "-p", "hello").rc == 0
    assert (c.home / "work.txt").exists() and not (c.home / "other.txt").exists()


def test_a_changed_one_is_refused_until_it_is_approved(c, ep, token):
    """Who can write the provider's file cannot choose the settings that claude obeys."""
    c.demo(policy=WORK)
    c.ready(token)
    assert "config_dir=~/.claude-work" in c.ccctl("show", "demo").out
    for changed in ({"config_dir": "~/.evil"}, None):
        c.demo(policy=changed)
        r = c.ccrun("demo", "-p", "hello")
        assert r.rc == 125 and "config_dir" in r.err and "ccctl approve demo" in r.err, r
        assert not ep.requests and not (c.home / ".evil").exists()
        row = next(x for x in c.ccctl("list").out.splitlines() if x.startswith("demo "))
        assert "differs: approve" in row
        assert [e["result"] for e in c.record() if e["event"] == "open"][-1] == "origin"
    c.demo(policy={"config_dir": "~/.other"})
    r = c.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and "config_dir ~/.claude-work -> ~/.other" in r.out, r
    assert c.ccrun("demo", "-p", "hello").rc == 0
    assert mode(c.home / ".other") == 0o700


def test_one_that_was_added_to_the_file_later_is_refused(c, ep, token):
    c.demo()
    c.ready(token)
    assert c.ccrun("demo", "-p", "hello").rc == 0
    c.demo(policy=WORK)
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and "sealed for none as the client's config_dir" in r.err, r


@pytest.mark.parametrize("bits", [0o770, 0o707])
def test_one_that_others_can_write_is_refused(c, ep, token, bits):
    c.demo(policy=WORK)
    c.ready(token)
    work = c.home / ".claude-work"
    work.mkdir()
    work.chmod(bits)
    c.own()
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and str(work) in r.err, r
    assert not ep.requests
    work.chmod(0o755)
    assert c.ccrun("demo", "-p", "hello").rc == 0, "a plain one of the user's will do"


def test_through_a_link_and_below_a_missing_directory(c, ep, token):
    c.demo(policy={"config_dir": "$XDG_DATA_HOME/a/b"})
    c.ready(token)
    assert c.ccrun("demo", "-p", "hello").rc == 0
    made = c.data / "a/b"
    assert mode(made) == mode(made.parent) == 0o700 and (made / "projects").exists()
    (c.home / ".claude-link").symlink_to(made)
    c.demo(policy={"config_dir": "~/.claude-link"})
    assert c.ccctl("approve", "demo", "--yes").rc == 0
    assert c.ccrun("demo", "-p", "hello").rc == 0
    (c.home / "file").write_text("x")
    c.own()
    c.demo(policy={"config_dir": "~/file"})
    assert c.ccctl("approve", "demo", "--yes").rc == 0
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and "file" in r.err, r


def test_without_a_key_the_file_decides(c, ep):
    """Nothing is sealed for a provider without a key."""
    c.provider("ollama", base_url=ep.url, parameters={"model": "m"}, policy={"config_dir": "~/.claude-local"})
    assert c.ccrun("ollama", "-p", "hello").rc == 0
    assert (c.home / ".claude-local/projects").exists() and c.broker() is None


def test_ones_own_variable_stays_where_the_provider_says_nothing(c, ep, token):
    c.demo()
    c.ready(token)
    mine = c.home / "mine"
    r = c.ccrun("demo", "-p", "hello", env={"CLAUDE_CONFIG_DIR": mine})
    assert r.rc == 0 and (mine / "projects").exists(), r
    c.demo(policy=WORK)
    shown = c.ccrun("-n", "demo", env={"CLAUDE_CONFIG_DIR": mine}).out.splitlines()
    assert f"set CLAUDE_CONFIG_DIR={c.home}/.claude-work" in shown
    assert not (c.home / ".claude-work").exists(), "-n makes nothing"


def test_the_first_full_screen_asks_anew(c, ep, token):
    """A new directory has seen no onboarding: the client asks its first questions."""
    c.demo(policy=WORK)
    c.ready(token)
    with c.screen([CCRUN, "demo"]) as s:
        s.wait("(?i)text style|theme")
        s.send("\x03")
        s.wait("(?i)again to exit")
        s.send("\x03")
        s.finish()
    assert os.path.isdir(c.home / ".claude-work")


@pytest.mark.parametrize("value, mend", [("~/.claude-personal", "export CLAUDE_CONFIG_DIR={home}/.claude-personal"),
                                         ("claude-work", "write it from / on")])
def test_a_tilde_that_no_shell_replaced(c, ep, token, value, mend):
    """From an editor's settings, a unit or a .env file: claude would make a directory `~` in every
    project, with the history and the log-in in it."""
    c.demo()
    c.ready(token)
    env = {"CLAUDE_CONFIG_DIR": value}
    for argv in (("demo", "-p", "hello"), ("-n", "demo"), ("claude", "-p", "hello")):
        r = c.ccrun(*argv, env=env)
        assert r.rc == 125 and f"CLAUDE_CONFIG_DIR={value} is not an absolute path" in r.err, r
        assert mend.format(home=c.home) in r.err
    assert not os.listdir(c.cwd) and not ep.requests
    assert "is not an absolute path" in c.ccctl("statusline", "install", "--yes", env=env).err
    c.demo(policy=WORK)
    assert c.ccctl("approve", "demo", "--yes").rc == 0
    assert c.ccrun("demo", "-p", "hello", env=env).rc == 0, "the provider's file says another"


def test_a_variable_that_is_empty_names_no_directory(c, ep, token):
    """As a line `CLAUDE_CONFIG_DIR=` of a .env file leaves it: claude would keep its files in
    the working directory."""
    c.demo()
    c.ready(token)
    r = c.ccrun("demo", "-p", "hello", env={"CLAUDE_CONFIG_DIR": ""})
    assert r.rc == 0 and (c.home / ".claude/projects").exists(), r
    assert not os.listdir(c.cwd)
