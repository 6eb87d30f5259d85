"""Pins: a project's .ccrun, what it may say, and a person's word on it."""
import os
import shutil

import pexpect
import pytest

from ccrun import CCCTL, CCRUN, Ccrun
from dialogue import done, talk

ENV = ["--exec", "/usr/bin/env"]


@pytest.fixture
def c():
    with Ccrun() as world:
        for name in ("demo", "other"):
            world.provider(name, title=name.title(), base_url=f"http://127.0.0.1:9/{name}", auth="none",
                           models={"opus": f"{name}-opus", "haiku": f"{name}-haiku"},
                           extra="[mode fast]\ntitle = Fast\n[mode fast models]\nopus = fast-opus\n")
        yield world


def pin(c, text="provider = demo\n", where="."):
    return c.write(c.cwd / where / ".ccrun", text, 0o644)


def allow(c, *words, **kw):
    r = c.ccctl("allow", *words, **kw)
    assert r.rc == 0, r
    return r


def env_of(r):
    assert r.rc == 0, r
    return dict(line.split("=", 1) for line in r.out.splitlines() if "=" in line)


def provider_of(r):
    e = env_of(r)
    return e["CCRUN_PROVIDER"] + (":" + e["CCRUN_MODE"] if e.get("CCRUN_MODE") else "")


def refused(r, *words):
    assert r.rc == 125 and r.out == "", r
    for word in words:
        assert word in r.err, (word, r.err)


# ---- following one -----------------------------------------------------

def test_an_allowed_pin_is_followed(c):
    pin(c)
    r = allow(c)
    assert "pins this directory to demo" in r.err
    assert provider_of(c.ccrun(*ENV)) == "demo"


def test_models_and_mode(c):
    pin(c, "provider = demo\nmode = fast\n[models]\nhaiku = vendor/small-2\nsubagent = s1\ncontext = 200000\n")
    allow(c)
    e = env_of(c.ccrun(*ENV))
    assert e["CCRUN_MODE"] == "fast" and e["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "fast-opus"
    assert e["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "vendor/small-2"
    assert e["CLAUDE_CODE_SUBAGENT_MODEL"] == "s1" and e["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "200000"


def test_words_beat_the_pin(c):
    pin(c, "provider = demo\n[models]\nopus = pinned\n")
    allow(c)
    e = env_of(c.ccrun(*ENV, "other"))
    assert e["CCRUN_PROVIDER"] == "other" and e["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "other-opus"
    assert provider_of(c.ccrun(*ENV, "--fast")) == "demo:fast"
    pin(c, "provider = demo\nmode = fast\n")
    allow(c)
    assert provider_of(c.ccrun(*ENV, "--fast")) == "demo:fast"


def test_arguments_go_to_claude(c):
    pin(c)
    allow(c)
    args = ["-p", "hello", "--resume", "--", "-n"]
    r = c.ccrun("--exec", "/usr/bin/printf", "--", "%s\\n", *args)
    assert r.out.splitlines() == args
    r = c.ccrun("--exec", "/bin/echo", *args)
    assert r.out.split() == args
    # behind "--" nothing is a mode
    assert "--fast" in c.ccrun("--exec", "/bin/echo", "--", "--fast").out


def test_from_below(c):
    pin(c)
    allow(c)
    deep = c.cwd / "a/b/c"
    deep.mkdir(parents=True)
    assert provider_of(c.ccrun(*ENV, cwd=deep)) == "demo"
    pin(c, "provider = other\n", "a/b")
    refused(c.ccrun(*ENV, cwd=deep), "a/b/.ccrun was not allowed", "hint:", "ccctl allow")
    allow(c, cwd=deep)
    assert provider_of(c.ccrun(*ENV, cwd=deep)) == "other"
    assert provider_of(c.ccrun(*ENV, cwd=c.cwd / "a")) == "demo"


def test_not_above_the_home_directory(c):
    above = c.home.parent / ".ccrun"
    above.write_text("provider = demo\n")
    try:
        refused(c.ccrun(*ENV), "which provider?")
        c.write(c.home / ".ccrun", "provider = other\n")
        refused(c.ccrun(*ENV), "was not allowed")
    finally:
        above.unlink()


def test_not_beyond_a_file_systems_border(c):
    pin(c)
    allow(c)
    place = c.cwd / "mnt"
    place.mkdir()
    alone = ["unshare", "-m", "-U", "-c", "--keep-caps"]
    if c.run([*alone, "mount", "-t", "tmpfs", "none", place]).rc != 0:
        pytest.skip("no user and mount namespaces here")
    r = c.run([*alone, "sh", "-c", 'mount -t tmpfs none mnt && cd mnt && exec "$@"', "sh", CCRUN, *ENV])
    refused(r, "which provider?")


def test_a_directory_that_is_gone(c):
    gone = c.cwd / "gone"
    gone.mkdir()
    script = 'rmdir "$PWD"; exec "$@"'
    r = c.run(["sh", "-c", script, "sh", CCRUN, *ENV], cwd=gone)
    refused(r, "which provider?")


def test_dry_run_says_where_it_comes_from(c):
    path = pin(c)
    allow(c)
    r = c.ccrun("-n", *ENV)
    assert r.rc == 0 and f"pin {path}\n" in r.out and "provider demo\n" in r.out


# ---- a person's word ---------------------------------------------------

def test_nothing_is_followed_that_was_not_allowed(c):
    pin(c)
    refused(c.ccrun(*ENV), "was not allowed", "ccctl allow")
    refused(c.ccrun("-n", *ENV), "was not allowed")
    # who names a provider is not bothered
    assert provider_of(c.ccrun(*ENV, "other")) == "other"


@pytest.mark.parametrize("after", ["provider = other\n", "provider = demo\n[models]\nopus = x\n", "provider = demo",
                                   "provider = demo\n\n", "provider = demo\n; a comment\n"])
def test_a_change_ends_it(c, after):
    pin(c)
    allow(c)
    pin(c, after)
    refused(c.ccrun(*ENV), "has changed since you allowed it")
    allow(c)
    assert env_of(c.ccrun(*ENV))
    pin(c)
    refused(c.ccrun(*ENV), "has changed")


def test_the_same_content_elsewhere_is_not_allowed(c):
    pin(c)
    allow(c)
    pin(c, where="elsewhere")
    refused(c.ccrun(*ENV, cwd=c.cwd / "elsewhere"), "was not allowed")


def test_deny(c):
    pin(c)
    allow(c)
    r = c.ccctl("deny")
    assert r.rc == 0 and "no longer allowed" in r.err
    refused(c.ccrun(*ENV), "was not allowed")
    assert c.ccctl("deny").rc == 4


def test_deny_what_is_broken_or_gone(c):
    path = pin(c)
    allow(c)
    pin(c, "base_url = http://evil.example\n")
    assert c.ccctl("deny").rc == 0
    pin(c)
    refused(c.ccrun(*ENV), "was not allowed")
    allow(c)
    path.unlink()
    assert c.ccctl("deny", str(path.parent)).rc == 0
    pin(c)
    refused(c.ccrun(*ENV), "was not allowed")


def test_many_projects_and_one_forgotten(c):
    places = [f"p{i}" for i in range(20)]
    for p in places:
        pin(c, f"provider = {'demo' if p != 'p3' else 'other'}\n[models]\nopus = m-{p}\n", p)
        allow(c, p)
    assert c.ccctl("deny", "p7").rc == 0
    for p in places:
        r = c.ccrun(*ENV, cwd=c.cwd / p)
        if p == "p7":
            refused(r, "was not allowed")
        else:
            assert env_of(r)["ANTHROPIC_DEFAULT_OPUS_MODEL"] == f"m-{p}"


def test_two_decisions_at_once(c):
    for i in range(12):
        pin(c, where=f"p{i}")
    runs = [c.popen([CCCTL, "allow", f"p{i}"]) for i in range(12)]
    assert [r.wait(30) for r in runs] == [0] * 12
    assert all(c.ccrun(*ENV, cwd=c.cwd / f"p{i}").rc == 0 for i in range(12))


def test_allow_says_when_it_would_not_work(c):
    pin(c, "provider = nosuch\n")
    r = c.ccctl("allow")
    assert r.rc == 4 and "nosuch" in r.err
    pin(c, "provider = demo\nmode = nosuch\n")
    assert c.ccctl("allow").rc == 4
    assert c.ccctl("allow", "absent").rc != 0
    assert c.ccctl("allow", cwd=c.home).rc == 4


def test_who_can_write_what_was_allowed(c):
    pin(c)
    allow(c)
    (c.data / "ccrun/projects").chmod(0o666)
    refused(c.ccrun(*ENV), "projects")


# ---- on a terminal -----------------------------------------------------

def test_asked_on_a_terminal(c):
    pin(c, "provider = demo\n[models]\nopus = one\n")
    t = talk(c, CCRUN, *ENV)
    t.expect(r"\.ccrun says:")
    t.expect("provider = demo")
    t.expect("opus = one")
    t.expect(r"follow it in this directory\? \[y/N\]")
    t.sendline("y")
    t.expect("as pinned by")
    t.expect("CCRUN_PROVIDER=demo")
    t.expect(pexpect.EOF)
    # from now on without a question
    assert provider_of(c.ccrun(*ENV)) == "demo"
    pin(c, "provider = other\n")
    t = talk(c, CCRUN, *ENV)
    t.expect("what you allowed before:")
    t.expect("provider = demo")
    t.expect("has changed, and now says:")
    t.expect("provider = other")
    t.expect(r"\[y/N\]")
    t.sendline("n")
    t.expect("was not allowed")
    done(t, 125)
    refused(c.ccrun(*ENV), "has changed")


# ---- what none may say -------------------------------------------------

HOSTILE = {
    "a URL": ("provider = demo\nbase_url = http://evil.example\n", "base_url cannot be set"),
    "a secret": ("provider = demo\nsecret = work\n", "secret cannot be set"),
    "another section": ("provider = demo\n[env]\nA = b\n", "a section that no pin has"),
    "policy": ("[policy]\nnested = allow\n", "a section that no pin has"),
    "upwards": ("provider = ../../etc/passwd\n", "provider: not a name"),
    "a path": ("provider = /etc/passwd\n", "provider: not a name"),
    "one quote": ('provider = "demo\n', "a quote that does not end"),
    "quotes in quotes": ("provider = '\"demo\"'\n", "provider: not a name"),
    "a path in quotes": ('provider = "/etc/passwd"\n', "provider: not a name"),
    "a blank": ("provider = demo x\n", "provider: not a name"),
    "an option": ("provider = --exec\n", "provider: not a name"),
    "a hidden mode": ("provider = demo\nmode = ../x\n", "mode: not a name"),
    "nothing": ("", "it names no provider"),
    "a mode alone": ("mode = fast\n", "it names no provider"),
    "an empty name": ("provider =\n", "provider: not a name"),
    "twice": ("provider = demo\nprovider = other\n", "there already"),
    "no key": ("provider\n", "neither a section nor"),
    "a NUL": ("provider = demo\0\n", "NUL"),
    "an escape sequence": ("provider = demo\x1b[2J\n", "control character"),
    "UTF-8": ("provider = dêmo\n", "provider: not a name"),
    "a model with a blank": ("provider = demo\n[models]\nopus = a b\n", "opus: not a model's name"),
    "a model with a quote": ("provider = demo\n[models]\nopus = a'b\n", "opus: not a model's name"),
    "a model that is a URL": ("provider = demo\n[models]\nopus = http://x/y\n", "opus: not a model's name"),
    "a model upwards": ("provider = demo\n[models]\nopus = ../../x\n", "opus: not a model's name"),
    "a model with $": ("provider = demo\n[models]\nopus = $HOME\n", "opus: not a model's name"),
    "an unknown model": ("provider = demo\n[models]\nopsu = x\n", "did you mean opus"),
    "a context": ("provider = demo\n[models]\ncontext = many\n", "context is a number"),
    "a long name": (f"provider = {'n' * 65}\n", "provider: not a name"),
    "a long model": (f"provider = demo\n[models]\nopus = {'m' * 129}\n", "opus: not a model's name"),
    "a long line": (f"provider = demo ; {'x' * 3000}\n", "longer than 2000"),
    "a megabyte": ("provider = demo\n" + "; \n" * 350000, "at most 4096 bytes"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile(c, what):
    text, why = HOSTILE[what]
    path = c.cwd / ".ccrun"
    path.write_bytes(text.encode())
    before = sorted(p.name for p in (c.data / "ccrun").iterdir()) if (c.data / "ccrun").exists() else []
    r = c.ccctl("allow")
    assert r.rc != 0 and why in r.err and "\x1b" not in r.err, r
    refused(c.ccrun(*ENV), why)
    after = sorted(p.name for p in (c.data / "ccrun").iterdir()) if (c.data / "ccrun").exists() else []
    assert before == after


def test_no_file_that_is_none(c):
    path = c.cwd / ".ccrun"
    os.mkfifo(path)
    refused(c.ccrun(*ENV), "not a regular file")
    path.unlink()
    secret = c.write(c.home / "secret", "provider = demo\n")
    path.symlink_to(secret)
    refused(c.ccrun(*ENV), ".ccrun: a symbolic link")
    assert c.ccctl("allow").rc != 0
    path.unlink()
    path.symlink_to("/dev/zero")
    refused(c.ccrun(*ENV), ".ccrun")
    path.unlink()
    path.mkdir()
    refused(c.ccrun(*ENV), "which provider?")


def test_a_session_cannot_allow(c):
    pin(c)
    r = c.ccrun("--exec", "/bin/sh", "demo", "-c", f'"{CCCTL}" allow')
    assert r.rc != 0 and "inside a session" in r.err
    refused(c.ccrun(*ENV), "was not allowed")


def test_a_name_with_a_line_break(c):
    odd = c.cwd / "a\nb"
    odd.mkdir()
    (odd / ".ccrun").write_text("provider = demo\n")
    r = c.ccctl("allow", cwd=odd)
    assert r.rc == 5 and "line break" in r.err
    refused(c.ccrun(*ENV, cwd=odd), "was not allowed")


def test_one_that_is_gone_is_denied_alone(c):
    """Whatever its directories are called, and not one of two that were named."""
    for name in (".ccrunner/p", "q"):
        (c.cwd / name).mkdir(parents=True)
        allow(c, pin(c, where=name).parent)
        shutil.rmtree(c.cwd / name)
    r = c.ccctl("deny", c.cwd / "q", c.cwd / ".ccrunner/p")
    assert r.rc == 2 and "one directory at a time" in r.err, r
    for name in (".ccrunner/p", "q/.ccrun"):
        r = c.ccctl("deny", c.cwd / name)
        assert r.rc == 0 and "no longer allowed" in r.err, r


# ---- names that steer a terminal ----------------------------------------

@pytest.mark.parametrize("byte", ["\x1b", "\x9b", "\x07"])
def test_a_directorys_name_steers_no_terminal(c, byte):
    where = c.cwd / f"a{byte}31mb"
    where.mkdir()
    c.write(where / ".ccrun", "provider = demo\n", 0o644)
    r = c.ccrun(*ENV, cwd=where)
    assert r.rc == 125 and "was not allowed" in r.err and byte not in r.err, r
    r = allow(c, cwd=where)
    assert "pins this directory" in r.err and byte not in r.err, r
    r = c.ccrun("-n", cwd=where)
    assert r.rc == 0 and "pin " in r.out and byte not in r.out, r
    argv = c.argv([CCRUN, "--exec", "/bin/true"])
    t = pexpect.spawn(argv[0], argv[1:], env=c.env({"TERM": "dumb"}), cwd=str(where), encoding="utf-8", timeout=20)
    t.expect(pexpect.EOF)
    assert "as pinned by" in t.before and byte not in t.before
    r = c.ccctl("deny", cwd=where)
    assert r.rc == 0 and "no longer allowed" in r.err and byte not in r.err, r
