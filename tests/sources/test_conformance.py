"""A source file and everything that a manager can answer."""
import json
import os
import re
import signal
from pathlib import Path

import pytest

from client import alive, descendants, until
from sources import SourceFile, Standin

KEY = "conformance"
SLOW = "[source]\ntimeout = 2s\n"


class Manager:
    """The file under test, with a stand-in for its program, in a world."""

    def __init__(self, world, conf):
        self.world, self.file = world, SourceFile(conf)
        if conf.parent.name != "sources" or conf.parent.parent.name != "share":
            self.overlay(conf.read_text())
        self.program = Standin(world, Path(self.file.program).name)
        self.env = {"PATH": f"{self.program.bin}:/usr/bin:/bin"}
        self.ref = self.file.reference()

    def overlay(self, text):
        path = self.world.write(self.world.config / f"ccrun/sources/{self.file.kind}.conf", text)
        for d in (path.parent, path.parent.parent):
            d.chmod(0o700)

    def ccctl(self, *argv, **kw):
        return self.world.ccctl(*argv, env=self.env, **kw)

    def says(self):
        return self.world.says(KEY, self.env)

    def add(self, *more, ref=None):
        return self.world.agreeing_to_command(lambda *said: self.ccctl(
            "add", KEY, "--replace", "--source", ref or self.ref, *self.world.allows(KEY), *more, *said))

    def fetch(self, **play):
        """A fresh entry, which the manager is then asked for by a launch."""
        r = self.add("--no-check")
        assert r.rc == 0, r
        self.program.forget()
        self.program.plays(**play)
        return self.says()

    def holds_nothing(self):
        [entry] = [e for e in json.loads(self.ccctl("keys", "--json").out) if e["name"] == KEY]
        return entry["fetched"] is False


@pytest.fixture(scope="module")
def m(world, conf):
    return Manager(world, conf)


def failed(m, r, *words):
    """One line that says what, one that says what to do; nothing was kept."""
    lines = r.err.splitlines()
    ours = [line for line in lines if line.startswith("ccrun: ")]
    assert r.rc == 125 and r.out == "" and len(ours) == 1, r
    assert ours[0].startswith(f"ccrun: {m.ref[:90]}"), r
    for word in words:
        assert word in ours[0], r
    assert m.holds_nothing(), r


def test_found_and_the_arguments(m, token):
    m.program.plays(out=m.file.gives(token))
    m.program.forget()
    r = m.add()
    assert r.rc == 0 and m.ref in r.err, r
    [run] = m.program.runs()
    assert run["argv"] == [str(m.program.path), *m.file.argv(m.ref)]
    assert m.says().out == token
    assert len(m.program.runs()) == 1, "what add fetched was kept"


def test_fetched_for_the_broker(m, token):
    r = m.fetch(out=m.file.gives(token))
    assert (r.rc, r.out) == (0, token), r
    [run] = m.program.runs()
    assert run["argv"] == [str(m.program.path), *m.file.argv(m.ref)]
    assert run["out"].startswith("socket:"), "a pipe could be opened by others"
    assert not run["tty"] and run["gpg_tty"] is None


def test_without_a_newline(m, token):
    r = m.fetch(out=m.file.gives(token).removesuffix("\n"))
    assert (r.rc, r.out) == (0, token), r


def test_one_newline_alone_is_trimmed(m, token):
    if m.file.output == "first-line":
        assert m.fetch(out=token + "\n\nnotes\n").out == token
    elif m.file.output == "line":
        failed(m, m.fetch(out=token + "\n\n"), "more than one line")
        failed(m, m.fetch(out=token + " \n"), "blank")
        failed(m, m.fetch(out=" " + token + "\n"), "blank")


def test_empty(m):
    failed(m, m.fetch(out=b""), "gave nothing")
    if m.file.output != "json":
        failed(m, m.fetch(out=b"\n"), "gave nothing")


def test_more_than_one_line(m, token):
    if m.file.output == "line":
        failed(m, m.fetch(out=token + "\nsecond\n"), "more than one line")
    if m.file.output == "json":
        failed(m, m.fetch(out='{"token": "%s\\nsecond"}' % token), "more than one line")


@pytest.mark.parametrize("what", ["\0", "\x1b[2J\xe9"])
def test_what_is_no_token(m, token, what):
    out = m.file.gives(token)
    out = json.dumps({"token": token + what}) if m.file.output == "json" else out.replace(token, token + what)
    failed(m, m.fetch(out=out.encode()))


def test_the_longest_and_one_more(m):
    long = "k" * 16384
    assert m.fetch(out=m.file.gives(long)).out == long
    failed(m, m.fetch(out=m.file.gives(long + "k")), "16385")


def test_without_an_end(m):
    failed(m, m.fetch(out=b"x" * 300_000), "more than")


def test_fields(m, token):
    if m.file.output != "json":
        return
    failed(m, m.fetch(out="not JSON\n"), "not JSON")
    failed(m, m.fetch(out='{"token": "%s"' % token), "not JSON")
    failed(m, m.fetch(out='{"other": "%s"}' % token), "no field 'token'")
    failed(m, m.fetch(out='{"token": 12345678}'), "is no text")
    failed(m, m.fetch(out='["%s"]' % token), "no field")
    for ref, out in ((m.file.scheme + "id#a.b", '{"a": {"b": "%s"}}'), (m.file.scheme + "id#a.b", '{"a.b": "%s"}'),
                     (m.file.scheme + "id#a.1.b", '{"a": [0, {"b": "%s"}]}')):
        m.program.plays(out=out % token)
        assert m.add(ref=ref).rc == 0
        assert m.says().out == token
    m.program.plays(out=token + "\n")
    assert m.add(ref=m.file.scheme + "id").rc == 0, "without a field the whole of it"
    assert m.says().out == token


def test_every_sign(m):
    words = {"cancelled": "cancelled", "signed-out": "signed in", "missing": "no such item"}
    for section, text, code in m.file.signs():
        r = m.fetch(err=f"E: {(text or '').upper()}!\n", exit=code)
        failed(m, r, words[section])
        hint = m.file.ini[section].get("hint")
        assert f"hint: {hint}" in r.err if hint else section == "cancelled" or "hint: " in r.err, r
        assert text is None or f"E: {text.upper()}!\n" in r.err, "its own words are shown"


def test_an_exit_code_that_says_nothing(m):
    codes = {code for _, text, code in m.file.signs() if text is None}
    code = next(n for n in range(70, 80) if n not in codes)
    r = m.fetch(err="went wrong\n", out=b"half-a-token-123", exit=code)
    failed(m, r, f"exit code {code}")
    assert "went wrong\n" in r.err and "half-a-token" not in r.err + r.out


def test_killed(m):
    failed(m, m.fetch(out=b"half-a-token-123", signal=int(signal.SIGKILL)), "signal 9")
    failed(m, m.fetch(signal=int(signal.SIGINT)), "cancelled")


def test_slow(m):
    old = m.file.path.read_text()
    m.overlay(SLOW if m.file.path.parent.parent.name == "share" else old.replace("[source]\n", SLOW, 1))
    before = set(descendants(os.getpid()))
    try:
        failed(m, m.fetch(out=b"half-a-token-123", hang=True), "within 2 s")
    finally:
        m.overlay("" if m.file.path.parent.parent.name == "share" else old)
    [run] = m.program.runs()
    until(lambda: not alive(run["pid"]), what="the manager's end")
    until(lambda: not [p for p in set(descendants(os.getpid())) - before
                       if alive(p) and b"managers/" in Path(f"/proc/{p}/cmdline").read_bytes()],
          what="the end of what it started")


def test_not_installed(m):
    assert m.add("--no-check").rc == 0
    there = m.program.path
    away = there.rename(there.with_name("away"))
    try:
        r = m.says()
        failed(m, r, "is not installed")
        assert m.file.package is None or f"hint: install {m.file.package}" in r.err, r
        r = m.world.agreeing_to_command(lambda *said: m.world.ccctl(
            "add", "--key", "another", "--source", m.ref, *said, env={"PATH": str(there.parent)}))
        assert r.rc == 1 and "is not installed" in r.err, r
    finally:
        away.rename(there)


def test_no_reference_becomes_an_option(m):
    hostile = m.file.scheme + ("-o=x" if "{attributes}" in m.file.words else "--help x") + \
        ("#f" if m.file.has_field() else "")
    if "{ref}" in m.file.words and m.file.scheme[0] != "-":
        return  # it begins with the scheme
    m.program.forget()
    r = m.add(ref=hostile)
    assert r.rc == 1 and "ccctl: " in r.err and not m.program.runs(), r


def test_no_shell(m, token):
    """Whatever a shell would read, it is a part of one word."""
    extra = "$(id)`id`;|& <>*?~!ünï{path}"
    if "{words}" not in m.file.words:
        extra += "\"'\\"  # quotes are the one thing that these know
    ref = m.file.reference(extra=extra)
    m.program.plays(out=m.file.gives(token))
    m.program.forget()
    r = m.add(ref=ref)
    assert r.rc == 0, r
    [run] = m.program.runs()
    assert run["argv"][1:] == m.file.argv(ref)


@pytest.mark.parametrize("ref", ["", "no-reference", "sk-or-v1-0123456789abcdef", "nosuch:x", "../x:y", "x" * 2000])
def test_what_is_no_reference(world, ref):
    r = world.ccctl("add", KEY, "--replace", "--source", ref, *world.allows(KEY))
    assert r.rc in (1, 2, 4) and "sk-or" not in r.err and "ccctl: " in r.err, r


def test_another_command_needs_approval(m):
    """Who can write the file cannot have another program run."""
    assert m.add("--no-check").rc == 0
    evil = Standin(m.world, "evil")
    old = m.file.path.read_text()
    m.program.forget()
    m.overlay("[source]\ncommand = evil {path}\n" if m.file.path.parent.parent.name == "share"
              else re.sub(r"(?m)^(command\s*=\s*)\S+", r"\1evil", old))
    try:
        r = m.says()
        assert r.rc == 125 and "not what was sealed" in r.err and "ccctl approve" in r.err, r
        assert not evil.runs() and not m.program.runs() and m.holds_nothing()
    finally:
        m.overlay("" if m.file.path.parent.parent.name == "share" else old)


def test_what_comes_first_in_path_later_is_not_run(m, token):
    assert m.add("--no-check").rc == 0
    m.program.plays(out=m.file.gives(token))
    m.program.forget()
    other = m.world.write(f"planted/{m.program.path.name}", "#!/bin/sh\ntouch $HOME/planted-ran\n", 0o755)
    r = m.world.says(KEY, env={"PATH": f"{other.parent}:{m.env['PATH']}"})
    assert r.out == token and len(m.program.runs()) == 1 and not (m.world.home / "planted-ran").exists(), r


def test_nothing_is_looked_for_where_ccrun_is_started(m, token):
    """A repository, or a session, can put programs there for what a manager starts."""
    relative = m.env["PATH"] + ":./node_modules/.bin::bin"
    for said in (m.add("--no-check"), None):
        m.program.plays(out=m.file.gives(token))
        r = said or m.world.says(KEY, env={"PATH": f"node_modules:{relative}"})
        assert r.rc == 0, r
    run = m.program.runs()[-1]
    assert run["cwd"] == "/" and run["PATH"] == m.env["PATH"] and not {"PWD", "OLDPWD"} & set(run["env"])


def test_variables(m, token):
    r = m.add("--no-check")
    assert r.rc == 0, r
    m.program.plays(out=m.file.gives(token))
    m.program.forget()
    r = m.world.says(KEY, env={**m.env, "AWS_PROFILE": "p", "BW_SESSION": "s", "BUN_OPTIONS": "--x",
                                       "ANTHROPIC_AUTH_TOKEN": "other", "LD_BIND_NOW": "1"})
    assert r.out == token, r
    names = set(m.program.runs()[0]["env"])
    assert {"AWS_PROFILE", "BW_SESSION", "PATH", "HOME"} <= names
    assert not {"BUN_OPTIONS", "ANTHROPIC_AUTH_TOKEN", "LD_BIND_NOW"} & names
