"""Another program in the place of the one that the user means: a `claude` earlier in PATH, a file or a
link that was exchanged.  Without a word of the person's it does not get the key; an update of the
same client does."""
import os
import shutil
import subprocess

import pexpect
import pytest

from attack import nowhere
from ccrun import CCCTL, CCRUN
from controls import off

SAYS = 'printf "%s has %s\\n" "$0" "$ANTHROPIC_AUTH_TOKEN"'
QUESTION = r"take it for the right one from now on\? \[y/N\] "


@pytest.fixture(scope="module")
def says(tmp_path_factory):
    """A program (ELF) that says its name and whether it has the key; two of its kind."""
    made = []
    where = tmp_path_factory.mktemp("says")
    for word in ("one", "two"):
        code = where / f"{word}.c"
        code.write_text('#include <stdio.h>\n#include <stdlib.h>\n'
                        f'int main(void) {{ printf("{word}: %s\\n", getenv("ANTHROPIC_AUTH_TOKEN")); return 0; }}\n')
        subprocess.run(["cc", "-o", where / word, code], check=True)
        made.append(where / word)
    return made


class Place:
    """Directories in PATH of the world, and what is put into them."""

    def __init__(self, world, says):
        self.world, self.says = world, says
        self.first, self.usual = world.home / "bin", world.home / ".local/bin"
        for where in (self.first, self.usual):
            where.mkdir(parents=True, mode=0o755)
        self.env = {"PATH": f"{self.first}:{self.usual}:/usr/bin:/bin", "NO_COLOR": "1"}

    def program(self, path, word=0):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        path.unlink(missing_ok=True)
        shutil.copy(self.says[word], path)

    def script(self, path, interpreter="/bin/sh"):
        path.unlink(missing_ok=True)
        self.world.write(path, f"#!{interpreter}\n{SAYS}\n", 0o755)

    def start(self, **kw):
        return self.world.ccrun("demo", env=self.env, **kw)

    def ask(self, answer, env=None):
        """Start it on a terminal, which asks."""
        t = pexpect.spawn(str(CCRUN), ["demo"], env=self.world.env({**self.env, **(env or {})}), timeout=20,
                          cwd=str(self.world.cwd), encoding="utf-8", dimensions=(40, 400))
        t.expect(QUESTION)
        shown = t.before
        t.sendline(answer)
        t.expect(pexpect.EOF)
        t.close()
        return t.exitstatus, shown, t.before

    def line(self):
        """What is said on a terminal that asks nothing."""
        t = pexpect.spawn(str(CCRUN), ["demo"], env=self.world.env(self.env), timeout=20, cwd=str(self.world.cwd),
                          encoding="utf-8", dimensions=(40, 400))
        t.expect(pexpect.EOF)
        t.close()
        assert t.exitstatus == 0 and "[y/N]" not in t.before, t.before
        return t.before


@pytest.fixture
def place(ready, says):
    return Place(ready, says)


@pytest.fixture
def known(place, token):
    """The same after a launch of the usual claude."""
    place.program(place.usual / "claude")
    r = place.start()
    assert r.rc == 0 and r.out == f"one: {token}\n" and not r.err, r
    return place


def refused(place, token, r, *words):
    assert r.rc == 125 and not r.out and "hint: " in r.err and "ccctl approve --program claude" in r.err, r
    for word in words:
        assert word in r.err, r
    nowhere(place.world, token, r.out, r.err)


# ---- planted -----------------------------------------------------------

@pytest.mark.parametrize("kind", ["program", "script"])
def test_a_claude_earlier_in_path(known, token, kind):
    getattr(known, kind)(known.first / "claude")
    refused(known, token, known.start(), "claude was a program" if kind == "script" else str(known.usual / "claude"),
            str(known.first / "claude"))
    # it is asked about on a terminal, and not taken by default
    for answer in ("n", ""):
        rc, shown, after = known.ask(answer)
        assert rc == 125 and "nothing was started" in after and token not in after, (shown, after)
        assert f"program {known.usual}/claude of uid {os.getuid()}" in shown, shown
        assert f"{kind} {known.first}/claude of uid {os.getuid()}" in shown and "BLAKE2b-256 " in shown, shown
    refused(known, token, known.start())
    (known.first / "claude").unlink()
    assert known.start().out == f"one: {token}\n"
    refusal = [line for line in known.world.record() if line.get("result") == "image"]
    assert len(refusal) == 2 and refusal[0]["event"] == "open", refusal


def test_without_the_control_it_has_the_key(c, says, token):
    c.plain_env.update(off("image"))
    c.demo()
    c.ready(token)
    place = Place(c, says)
    place.program(place.usual / "claude")
    assert token in place.start().out
    place.script(place.first / "claude")
    assert place.start().out == f"{place.first}/claude has {token}\n"


def test_control_whoever_says_yes_has_it(known, token):
    known.script(known.first / "claude")
    rc, _, after = known.ask("y")
    assert rc == 0 and f"{known.first}/claude has {token}" in after, after
    # and it is the usual one from now on
    r = known.start()
    assert r.rc == 0 and token in r.out, r
    (known.first / "claude").unlink()
    refused(known, token, known.start(), "claude was a script")


@pytest.mark.parametrize("case", ["script in place", "link to another place", "file for a link", "a directory's link",
                                  "interpreter"])
def test_what_else_changes_what_it_is(known, token, case):
    usual = known.usual / "claude"
    if case == "script in place":
        known.script(usual)
    elif case == "link to another place":
        known.program(known.world.home / "evil/claude", 1)
        usual.unlink()
        usual.symlink_to(known.world.home / "evil/claude")
    elif case == "file for a link":
        versions = known.world.home / "share/versions"
        known.program(versions / "1.0")
        usual.unlink()
        usual.symlink_to(versions / "1.0")
        assert known.ask("y")[0] == 0
        known.program(usual, 1)
    elif case == "a directory's link":
        known.program(known.world.home / "evil/claude", 1)
        shutil.move(known.usual, known.world.home / "was")
        known.usual.symlink_to(known.world.home / "evil")
    else:
        known.script(usual, "/bin/sh")
        assert known.ask("y")[0] == 0
        known.script(usual, "/bin/bash")
    refused(known, token, known.start(), "at its last launch")


def test_an_interpreter_earlier_in_path(place, token):
    """#!/usr/bin/env NAME takes the interpreter from PATH: it gets the key as the script does."""
    os.symlink("/bin/sh", place.usual / "runs")
    place.script(place.usual / "claude", "/usr/bin/env runs")
    assert token in place.start().out
    place.program(place.first / "runs", 1)
    refused(place, token, place.start(), "claude was run by", str(place.first / "runs"))


def test_nothing_of_it_is_in_a_file_that_a_session_can_write(known, token):
    """Every file of the user's but the vault may be gone, and the broker too."""
    known.script(known.first / "claude")
    os.kill(known.world.broker(), 9)
    for top in (known.world.home / ".cache", known.world.state, known.world.config / "ccrun/clients"):
        shutil.rmtree(top, ignore_errors=True)
    for path in (known.world.data / "ccrun").iterdir():
        if path.name != "vault":
            path.unlink()
    assert known.world.unlock().rc == 0
    refused(known, token, known.start())


def test_a_session_agrees_to_nothing(known, token, tools):
    """Neither with ccctl, nor by starting ccrun where it has a terminal; what it starts keeps nothing."""
    known.script(known.first / "claude")
    r = known.world.ccrun("--exec", tools / "victim", "demo", f"{CCRUN.parent}/ccctl approve --program --yes; "
                          f"script -qec '{CCRUN} demo' /dev/null </dev/null; true", env=known.env)
    assert "a process inside a session gets nothing" in r.out + r.err, r
    refused(known, token, known.start())


# ---- updates -----------------------------------------------------------

def test_an_update_in_place(known, token):
    known.program(known.usual / "claude", 1)
    assert "claude changed since the last launch\r\n" in known.line()
    assert "changed" not in known.line()
    assert known.start().out == f"two: {token}\n"


def test_an_update_by_the_native_installer(place, token):
    """~/.local/bin/claude is a link to a file of the version's name."""
    versions = place.world.home / ".local/share/claude/versions"
    place.program(versions / "2.1.330")
    (place.usual / "claude").symlink_to(versions / "2.1.330")
    assert f"; first launch of {place.usual}/claude\r\n" in place.line()
    assert "launch" not in place.line()
    place.program(versions / "2.1.331", 1)
    (place.usual / "claude").unlink()
    (place.usual / "claude").symlink_to(versions / "2.1.331")
    r = place.start()
    assert r.out == f"two: {token}\n" and not r.err, r
    # back again, and said
    (place.usual / "claude").unlink()
    (place.usual / "claude").symlink_to(versions / "2.1.330")
    assert "; claude changed since the last launch (2.1.331 -> 2.1.330)\r\n" in place.line()


def test_an_update_by_npm(place, token):
    """.bin/claude is a link into the package, whose files are all new: a script, or a program."""
    package = place.world.home / "lib/node_modules/@anthropic-ai/claude-code"
    for step in range(3):
        shutil.rmtree(package, ignore_errors=True)
        package.mkdir(parents=True, mode=0o755)
        place.script(package / "cli.js", "/usr/bin/env sh")
        with open(package / "cli.js", "a", encoding="ascii") as f:
            f.write(f"# {step}\n")
        if step == 0:
            (place.usual / "claude").symlink_to(package / "cli.js")
        assert token in place.start().out
    kept = [line["why"].split(",")[0] for line in place.world.record() if line["event"] == "image"]
    assert kept == ["new", "updated", "updated"], kept


def test_the_same_bytes_again_are_no_news(known, token):
    known.program(known.usual / "claude")
    assert "changed" not in known.line()
    assert known.start().out == f"one: {token}\n"


# ---- for scripts, and by path ------------------------------------------

def test_a_person_agrees_beforehand(known, token):
    known.script(known.first / "claude")
    world = known.world
    r = world.ccctl("approve", "--program", "--yes", person=False)
    assert r.rc != 0 and "passphrase" in r.err + r.out, r
    refused(known, token, known.start())
    r = world.ccctl("approve", "--program", "claude", "--yes")
    assert r.rc == 0 and str(known.usual / "claude") in r.err + r.out and "BLAKE2b-256 " in r.err + r.out, r
    r = known.start()
    assert r.rc == 0 and token in r.out, r
    (known.first / "claude").unlink()
    refused(known, token, known.start())
    r = world.ccctl("approve", "--program", "other", "--yes")
    assert r.rc == 0 and "nothing is kept of other" in r.out + r.err, r


def test_a_path_says_itself_which_program_it_is(known, token):
    known.script(known.first / "claude")
    r = known.world.ccrun("--exec", known.first / "claude", "demo", env=known.env)
    assert r.rc == 0 and token in r.out, r
    refused(known, token, known.start())


def test_exchanged_while_a_person_is_asked(known, token):
    """Between the look and the start there may be minutes."""
    (known.world.config / "ccrun").mkdir(exist_ok=True)
    known.world.ccctl("lock")
    t = pexpect.spawn(str(CCRUN), ["demo"], env=known.world.env(known.env), timeout=20, cwd=str(known.world.cwd),
                      encoding="utf-8")
    t.expect("assphrase")
    known.program(known.usual / "claude", 1)
    t.expect(": ")
    t.sendline(known.world.passphrase)
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 125 and "was changed meanwhile" in t.before and token not in t.before, t.before


# ---- strict ------------------------------------------------------------

@pytest.mark.parametrize("delivery", ["preload", "env"])
@pytest.mark.parametrize("what", ["a device", "a pipe", "a large file"])
def test_what_has_no_end_is_not_read_to_it(c, says, token, what, delivery):
    """Nothing of the kind can be executed, or is a client."""
    c.demo(policy={"delivery": delivery})
    c.ready(token)
    place = Place(c, says)
    claude, why = place.usual / "claude", "is no regular file: it can be no interpreter"
    if what == "a device":
        place.script(claude, "/dev/zero")
    elif what == "a pipe":
        os.mkfifo(place.first / "pipe")
        place.script(claude, place.first / "pipe")
    else:
        place.program(claude)
        os.truncate(claude, 3 << 30)
        why = f"{claude} is larger than 2048 MiB: it gets no key"
    r = place.start(timeout=30)
    assert r.rc == 125 and why in r.err and "hint: " in r.err and not r.out, r
    claude.unlink()
    nowhere(place.world, token, r.err)
    # ccctl, whoever runs it, keeps to the same
    if what == "a device":
        r = place.world.run(["/bin/sh", "-c", f"exec {CCCTL} digest 0 </dev/zero"], timeout=30)
        assert r.rc == 1 and "no regular file" in r.err, r


def test_strict_wants_a_program_of_roots(c, says, token):
    c.demo(policy={"strict": "yes"})
    c.ready(token)
    place = Place(c, says)
    place.program(place.usual / "claude")
    r = place.start()
    assert r.rc == 125 and "is strict, for programs of root's alone" in r.err and "hint: " in r.err, r
    assert "/tmp can be written by others than root" in r.err and not r.out, r
    nowhere(c, token, r.out, r.err)
    # one of root's is taken, by a path and by a name
    for program in ("/bin/sh", "sh"):
        r = c.ccrun("--exec", program, "demo", "-c", 'echo "$ANTHROPIC_AUTH_TOKEN"', env={"PATH": "/usr/bin:/bin"})
        assert r.rc == 0 and r.out == f"{token}\n", r
    # not by a link of the user's
    (place.first / "sh").symlink_to("/bin/sh")
    r = c.ccrun("--exec", "sh", "demo", "-c", "true", env=place.env)
    assert r.rc == 125 and "is strict" in r.err, r


def test_without_the_control_strict_takes_any(c, says, token):
    c.plain_env.update(off("strict-roots"))
    c.demo(policy={"strict": "yes"})
    c.ready(token)
    place = Place(c, says)
    place.program(place.usual / "claude")
    assert place.start().out == f"one: {token}\n"


def test_strict_that_is_sealed_alone(c, says, token):
    """A file that a session edited says no; the seal decides."""
    c.demo(policy={"strict": "yes"})
    c.ready(token)
    c.demo()
    place = Place(c, says)
    place.program(place.usual / "claude")
    r = place.start()
    assert r.rc == 125 and "is strict, for programs of root's alone" in r.err, r
    nowhere(c, token, r.out, r.err)


def test_another_program_is_tried_in_a_sessions_cage(c, ep, token):
    """What a client supports is tried before anybody is asked about it."""
    c.demo(policy={"delivery": "relay"})
    c.ready(token)
    planted = c.write(c.home / "bin/claude", "#!/bin/sh\ngrep -E 'NoNewPrivs|Seccomp:' /proc/self/status >>$0.tried\n", 0o755)
    c.ccrun("demo", "-p", "hello", env={"PATH": f"{planted.parent}:/usr/bin:/bin"})
    first = planted.with_name("claude.tried").read_text().split()[:4]
    assert first == ["NoNewPrivs:", "1", "Seccomp:", "2"], first
