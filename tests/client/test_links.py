"""Commands of one's own: link, unlink, default, edit, show; callers that take
a program's path, as editors and SDKs do."""
import hashlib
import json
import os
import shutil
import stat
import subprocess

import pexpect
import pytest

import canary
from ccrun import CCCTL, CCRUN, Ccrun
from client import claude
from endpoint import Endpoint, Text


@pytest.fixture
def c():
    with Ccrun() as world:
        for name in ("demo", "other"):
            world.provider(name, title=name.title(), base_url=f"http://127.0.0.1:9/{name}", auth="none",
                           extra="[mode fast]\ntitle = Fast\n")
        # A claude that says what it was given.
        world.fake = world.write("opt/claude", '#!/bin/sh\nenv | grep -E "^CCRUN_(PROVIDER|MODE)" | sort -r; for a; do printf "<%s>" "$a"; done; echo\n',
                                 0o755)
        world.bin_dir = world.home / ".local/bin"
        world.bin_dir.mkdir(parents=True)
        world.plain_env["PATH"] = f"{world.bin_dir}:{world.fake.parent}:/usr/bin:/bin"
        yield world


@pytest.fixture
def path(c, monkeypatch):
    """env() puts the real client first; here it is the one above."""
    env = c.env
    c.env = lambda more=None: {**env(more), "PATH": c.plain_env["PATH"]}
    return c


def ok(c, *words, **kw):
    r = c.ccctl(*words, **kw)
    assert r.rc == 0, r
    return r


def conf(c):
    p = c.config / "ccrun/ccrun.conf"
    return p.read_text() if p.exists() else None


# ---- link --------------------------------------------------------------

def test_a_link_is_a_command(path):
    c = path
    r = ok(c, "link", "my-provider", "demo:fast")
    assert str(c.bin_dir / "my-provider") in r.err and "demo:fast" in r.err
    r = c.run(["my-provider", "-p", "a b", "--", "-n", ""])
    assert r.rc == 0 and r.out == "CCRUN_PROVIDER=demo\nCCRUN_MODE=fast\n<-p><a b><--><-n><>\n", r
    assert conf(c) == "[links]\nmy-provider = demo:fast\n"


def test_a_mode_can_be_said_to_a_link(path):
    ok(path, "link", "d", "demo")
    assert "CCRUN_MODE=fast" in path.run(["d", "--fast", "x"]).out


def test_a_links_options_are_the_programs(path):
    ok(path, "link", "d", "demo")
    for words in (["-n"], ["--help"], ["--version"], ["--list"], ["--exec", "/bin/true"], ["--wrap", "x", "y"]):
        assert path.run(["d", *words]).out.endswith("".join(f"<{w}>" for w in words) + "\n")


def test_a_link_by_hand_names_its_provider(path):
    (path.bin_dir / "demo:fast").symlink_to(CCRUN)
    assert "CCRUN_MODE=fast" in path.run(["demo:fast"]).out
    (path.bin_dir / "nobody").symlink_to(CCRUN)
    r = path.run(["nobody", "x"])
    assert r.rc == 125 and "nobody" in r.err and "hint:" in r.err
    (path.bin_dir / "no body").symlink_to(CCRUN)
    r = path.run(["no body"])
    assert r.rc == 125 and "no link and no provider's name" in r.err


@pytest.mark.parametrize("there", ["file", "executable", "link", "dangling"])
def test_nothing_is_shadowed(path, there):
    c = path
    other = c.home / "other-bin"
    other.mkdir()
    c.plain_env["PATH"] = f"{c.bin_dir}:{other}:/usr/bin:/bin"
    thing = other / "tool"
    if there in ("file", "executable"):
        c.write(thing, "#!/bin/sh\n", 0o755 if there == "executable" else 0o644)
    else:
        thing.symlink_to("/bin/true" if there == "link" else "/nowhere")
    r = c.ccctl("link", "tool", "demo")
    assert r.rc == 5 and f"it would shadow {thing}" in r.err and "move that away" in r.err, r
    assert not (c.bin_dir / "tool").is_symlink() and conf(c) is None
    r = c.ccctl("link", "ls", "demo")
    assert r.rc == 5 and "/ls" in r.err


def test_what_is_there_is_not_replaced(path):
    c = path
    mine = c.write(c.bin_dir / "tool", "precious", 0o644)
    r = c.ccctl("link", "tool", "demo")
    assert r.rc == 5 and mine.read_text() == "precious" and conf(c) is None
    assert c.ccctl("unlink", "tool").rc == 4 and mine.read_text() == "precious"
    assert c.ccctl("link", "claude", "demo").rc == 5


def test_a_link_is_changed_and_removed(path):
    c = path
    c.write(c.config / "ccrun/ccrun.conf", "; mine\n[ccrun]\ndefault = other ; a word\n\n[links]\n; first\nx = other\n")
    ok(c, "link", "x", "demo")
    ok(c, "link", "y", "other:fast")
    assert conf(c) == "; mine\n[ccrun]\ndefault = other ; a word\n\n[links]\n; first\nx = demo\ny = other:fast\n"
    ok(c, "unlink", "x")
    assert conf(c) == "; mine\n[ccrun]\ndefault = other ; a word\n\n[links]\n; first\ny = other:fast\n"
    assert not (c.bin_dir / "x").is_symlink() and (c.bin_dir / "y").is_symlink()
    r = c.ccctl("unlink", "x")
    assert r.rc == 4 and "no link 'x'" in r.err


def test_only_links_are_unlinked(path):
    """An installation of one's own: ccrun itself lies where links are made."""
    c = path
    prefix = c.root / "prefix"
    for part in ("bin", "share"):
        shutil.copytree(c.bin.parent / part, prefix / part, symlinks=True)
    c.own()
    c.plain_env["PATH"] = f"{prefix}/bin:/usr/bin:/bin"
    (prefix / "bin/hard").hardlink_to(prefix / "bin/ccrun")
    for name in ("ccrun", "hard"):
        r = c.run([prefix / "bin/ccctl", "unlink", name])
        assert r.rc != 0 and "hint:" in r.err, r
        assert (prefix / "bin" / name).exists()
    # The same of a link to ccrun that is its name elsewhere.
    (c.bin_dir / "ccrun").symlink_to(prefix / "bin/ccrun")
    c.plain_env["PATH"] = f"{c.bin_dir}:/usr/bin:/bin"
    assert c.run([prefix / "bin/ccctl", "unlink", "ccrun"]).rc == 2
    assert (c.bin_dir / "ccrun").is_symlink()


def test_a_link_that_cannot_be_changed_stays(path):
    c = path
    ok(c, "link", "x", "demo")
    c.bin_dir.chmod(0o555)
    try:
        r = c.ccctl("link", "x", "other", "--dir", c.bin_dir)
        assert r.rc == 1 and conf(c) == "[links]\nx = demo\n", (r, conf(c))
        r = c.ccctl("link", "y", "other", "--dir", c.bin_dir)
        assert r.rc == 1 and conf(c) == "[links]\nx = demo\n"
    finally:
        c.bin_dir.chmod(0o755)


def test_the_list(path):
    c = path
    ok(c, "link", "x", "demo")
    ok(c, "link", "--wrap", "vsc", "other:fast")
    (c.bin_dir / "x").unlink()
    assert json.loads(ok(c, "link", "--json").out) == [
        {"name": "x", "provider": "demo", "wrap": False, "path": None},
        {"name": "vsc", "provider": "other:fast", "wrap": True, "path": str(c.bin_dir / "vsc")}]
    out = ok(c, "link").out
    assert "--wrap other:fast" in out and "no such link" in out


@pytest.mark.parametrize("words", [["a b", "demo"], ["../x", "demo"], ["ccrun", "demo"], ["-x", "demo"], ["x"],
                                   ["x", "demo", "y"], ["x", "de mo"], ["--json", "x", "demo"]])
def test_words_that_are_no_link(path, words):
    assert path.ccctl("link", *words).rc == 2
    assert conf(path) is None and list(path.bin_dir.iterdir()) == []


def test_an_unknown_provider_gets_no_link(path):
    r = path.ccctl("link", "x", "dmeo")
    assert r.rc == 4 and "demo" in r.err
    assert path.ccctl("link", "x", "demo:nosuch").rc == 4
    assert conf(path) is None


def test_another_directory(path):
    c = path
    place = c.home / "my bin"
    place.mkdir()
    r = ok(c, "link", "--dir", place, "x", "demo")
    assert "is not in your PATH" in r.err and os.readlink(place / "x") == str(CCRUN)
    place.chmod(0o500)
    r = c.ccctl("link", "--dir", place, "y", "demo")
    assert r.rc == 1 and "hint:" in r.err and "y" not in conf(c).split("[links]")[1].replace("my", "")


def test_a_link_in_a_configuration_behind_a_link(path):
    """As dotfile managers keep it."""
    c = path
    real = c.write(c.home / "dotfiles/ccrun.conf", "[ccrun]\ndefault = demo\n", 0o644)
    (c.config / "ccrun/ccrun.conf").symlink_to(real)
    ok(c, "link", "x", "demo")
    assert (c.config / "ccrun/ccrun.conf").is_symlink()
    assert real.read_text() == "[ccrun]\ndefault = demo\n\n[links]\nx = demo\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o644


@pytest.mark.parametrize("line", ["x = de mo", "a b = demo", "x = --wrap", "x ="])
def test_a_wrong_line_is_named(path, line):
    c = path
    c.write(c.config / "ccrun/ccrun.conf", f"[links]\n{line}\n")
    r = c.ccctl("link")
    assert r.rc == 1 and "ccrun.conf:2:" in r.err, r
    (c.bin_dir / "x").symlink_to(CCRUN)
    r = c.run(["x"])
    assert r.rc == 125 and "ccrun.conf:2:" in r.err


def test_many_at_once(path):
    c = path
    runs = [c.popen([CCCTL, "link", f"l{i}", "demo"], stderr=subprocess.DEVNULL) for i in range(10)]
    assert [r.wait(30) for r in runs] == [0] * 10
    assert len(json.loads(ok(c, "link", "--json").out)) == 10


def test_a_session_makes_no_command(path):
    r = path.ccrun("--exec", "/bin/sh", "demo", "-c", f'"{CCCTL}" link x demo')
    assert r.rc != 0 and "inside a session" in r.err and conf(path) is None


# ---- callers -----------------------------------------------------------

def test_a_wrapper_is_called_with_the_program(path):
    """As VS Code's claudeCode.claudeProcessWrapper does: WRAPPER /path/to/claude ARGS."""
    c = path
    ok(c, "link", "--wrap", "code-demo", "demo")
    r = c.run([c.bin_dir / "code-demo", c.fake, "--output-format", "stream-json", "--exec", "x"])
    assert r.rc == 0 and "CCRUN_PROVIDER=demo" in r.out and r.out.endswith("<--output-format><stream-json><--exec><x>\n")
    r = c.run([c.bin_dir / "code-demo"])
    assert r.rc == 125 and "needs a program" in r.err
    r = c.run([c.bin_dir / "code-demo", "/nowhere/claude"])
    assert r.rc == 127
    # An extension that has no client of its own names none.
    r = c.run([c.bin_dir / "code-demo", "--output-format", "json"])
    assert r.rc == 0 and r.out == "CCRUN_PROVIDER=demo\n<--output-format><json>\n", r


def test_ccrun_itself_is_called_with_the_program(path):
    c = path
    other = c.write("opt/other", '#!/bin/sh\necho "$CCRUN_PROVIDER" "$@"\n', 0o755)
    r = c.ccrun(other, "-n", "--exec", "x")
    assert r.rc == 125 and "which provider?" in r.err and "hint: ccctl default NAME; " in r.err, r
    ok(c, "default", "demo")
    assert c.ccrun(other, "-n", "--exec", "x").out == "demo -n --exec x\n"
    assert f"target {other}\n" in c.ccrun("-n", other).out


NODE_CALLER = """
const { spawn } = require('child_process');
const [program, ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: process.env, windowsHide: true });
child.stdout.on('data', d => process.stdout.write(d));
child.stderr.on('data', d => process.stderr.write(d));
child.stdin.on('error', () => {});  // it may have ended before it read, when it refuses
child.stdin.write(JSON.stringify({ type: 'user', session_id: '', parent_tool_use_id: null,
  message: { role: 'user', content: [{ type: 'text', text: 'hello' }] } }) + '\\n');
child.stdin.end();
child.on('close', code => process.exit(code));
"""
STREAM = ["--output-format", "stream-json", "--verbose", "--input-format", "stream-json", "-p"]


@pytest.mark.parametrize("how", ["sdk", "wrapper"])
def test_the_real_client_behind_a_caller(how):
    """A program with pipes for standard streams, and no terminal: the Agent SDK's
    pathToClaudeCodeExecutable, and an editor's wrapper."""
    token = canary.new_token()
    with Endpoint(default=Text("hello from loopback")) as ep, Ccrun(ep) as c:
        c.demo()
        c.ready(token)
        caller = c.write("caller.js", NODE_CALLER)
        place = c.home / "bin"
        place.mkdir()
        ok(c, "link", "--dir", place, *(["--wrap"] if how == "wrapper" else []), "sdk", "demo")
        argv = [place / "sdk", *([claude()] if how == "wrapper" else []), *STREAM]
        r = c.run(["node", caller, *argv], timeout=120)
        assert r.rc == 0, r
        lines = [json.loads(line) for line in r.out.splitlines()]
        assert lines[-1]["type"] == "result" and lines[-1]["result"] == "hello from loopback"
        assert ep.main[0].headers["authorization"] == "Bearer " + token
        c.ccctl("lock")
        r = c.run(["node", caller, *argv])
        assert r.rc == 125 and "hint: ccctl unlock" in r.err


# ---- default -----------------------------------------------------------

def test_default(path):
    c = path
    r = c.ccrun("x y")
    assert r.rc == 125
    assert c.ccctl("default").rc == 4
    ok(c, "default", "demo:fast")
    assert ok(c, "default").out == "demo:fast\n"
    r = c.ccrun("-p", "hi there")
    assert r.out == "CCRUN_PROVIDER=demo\nCCRUN_MODE=fast\n<-p><hi there>\n", r
    assert c.ccrun().rc == 0 and c.ccrun("--", "-n").out.endswith("<-n>\n")
    assert "provider demo:fast" in c.ccrun("-n").out
    assert "CCRUN_PROVIDER=other" in c.ccrun("other").out
    ok(c, "default", "--unset")
    assert c.ccrun("-p", "x").rc == 125 and c.ccctl("default").rc == 4
    assert c.ccctl("default", "nosuch").rc == 4 and c.ccctl("default", "a", "b").rc == 2


def test_a_pin_goes_before_the_default(path):
    c = path
    ok(c, "default", "demo")
    c.write(c.cwd / ".ccrun", "provider = other\n")
    ok(c, "allow")
    assert "CCRUN_PROVIDER=other" in c.ccrun().out


def test_a_default_that_is_gone(path):
    c = path
    ok(c, "default", "demo")
    (c.config / "ccrun/providers/demo.conf").unlink()
    r = c.ccrun()
    assert r.rc == 125 and "demo" in r.err
    c.write(c.config / "ccrun/ccrun.conf", "[ccrun]\ndefualt = demo\n")
    r = c.ccrun()
    assert r.rc == 125 and "ccrun.conf:2:" in r.err and "did you mean default" in r.err


# ---- edit --------------------------------------------------------------

def editor(c, script):
    """EDITOR, with an argument before the file as people have it."""
    return {"EDITOR": f"{c.write('editor', '#!/bin/sh' + chr(10) + 'shift' + chr(10) + script + chr(10), 0o755)} --wait"}


def test_edit_makes_a_file(path):
    c = path
    r = ok(c, "edit", "zai", env=editor(c, 'grep "^; opus" "$1" > seen; printf "[models]\\nopus = mine\\n" >> "$1"'))
    assert "zai.conf is made" in r.err
    made = c.config / "ccrun/providers/zai.conf"
    assert made.read_text().endswith("[models]\nopus = mine\n") and stat.S_IMODE(made.stat().st_mode) == 0o600
    assert (c.cwd / "seen").read_text().startswith("; opus    = GLM")  # what is shipped is there to read
    assert "ANTHROPIC_DEFAULT_OPUS_MODEL=mine" in ok(c, "show", "zai").out
    assert sorted(p.name for p in made.parent.iterdir()) == ["demo.conf", "other.conf", "zai.conf"]


def test_a_new_providers_file_shows_what_it_may_say(path):
    c = path
    assert "ccctl edit mine makes one" in c.ccctl("add", "mine").err
    r = ok(c, "edit", "mine", env=editor(c, 'sed -i "s,^base_url.*,base_url = http://127.0.0.1:9,; s,^; \\[models,[models," "$1"; '
                                            'sed -i "s,^; opus.*,opus = big," "$1"'))
    assert "its first start asks for the key: ccrun mine" in r.err
    assert "ANTHROPIC_DEFAULT_OPUS_MODEL=big" in ok(c, "show", "mine").out


def test_edit_keeps_what_was_there_when_the_new_is_wrong(path):
    c = path
    demo = c.config / "ccrun/providers/demo.conf"
    before = demo.read_bytes()
    for bad in ("nonsense", "[provider]\\nbase_ulr = x", "[env]\\nLD_PRELOAD = x", "[mode x]\\nuse = nosuch"):
        r = c.ccctl("edit", "demo", env=editor(c, f'printf "{bad}\\n" > "$1"'))
        assert r.rc == 1 and "demo.conf" in r.err, (bad, r)
        assert demo.read_bytes() == before
    r = c.ccctl("edit", "fresh", env=editor(c, 'printf "nonsense\\n" > "$1"'))
    assert r.rc == 1 and not (demo.parent / "fresh.conf").exists()
    assert sorted(p.name for p in demo.parent.iterdir()) == ["demo.conf", "other.conf"]


def test_edit_of_comments_alone_and_of_a_new_name_say_so(path):
    c = path
    r = ok(c, "edit", "zai", env=editor(c, 'sed -i s/GLM-5/GLM-9/ "$1"'))
    assert "only comments" in r.err and "asks for the key" not in r.err
    r = ok(c, "edit", "fresh", env=editor(c, 'printf "[provider]\\ntitle = F\\nauth = none\\n" > "$1"'))
    assert "there is no provider fresh yet" in r.err and "only comments" not in r.err
    r = c.ccctl("edit", "demo")
    assert r.rc == 2 and "no terminal for an editor" in r.err


def test_edit_saves_nothing_before_it_is_checked(path):
    """A launch meanwhile must not see what is refused: the file is not even written for a moment."""
    c = path
    demo = c.config / "ccrun/providers/demo.conf"
    before = demo.stat()
    r = c.ccctl("edit", "demo", env=editor(c, 'printf "[mode x]\\nuse = nosuch\\n" >> "$1"'))
    after = demo.stat()
    assert r.rc == 1 and "use: there is no provider nosuch" in r.err, r
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_edit_loses_no_change_that_another_program_made_meanwhile(path):
    c = path
    demo = c.config / "ccrun/providers/demo.conf"
    both = f'printf "\\n[models]\\nopus = theirs\\n" >> {demo}; printf "\\n[models]\\nopus = mine\\n" >> "$1"'
    r = c.ccctl("edit", "demo", env=editor(c, both))
    assert r.rc == 1 and "changed by another program meanwhile" in r.err, r
    (kept,) = demo.parent.glob("demo.conf.*.edit")
    assert str(kept) in r.err and kept.read_text().endswith("opus = mine\n")
    assert demo.read_text().endswith("opus = theirs\n")


def test_edit_that_changes_nothing(path):
    r = ok(path, "edit", "demo", env=editor(path, "true"))
    assert "is as it was" in r.err
    r = path.ccctl("edit", "demo", env=editor(path, 'echo x >> "$1"; exit 1'))
    assert r.rc == 1 and "did not succeed" in r.err
    assert path.ccctl("edit", "demo", env={"EDITOR": "/nowhere/ed"}).rc == 1
    assert path.ccctl("edit", "a b").rc == 2


def test_edit_says_when_a_key_is_sealed_to_something_else(path):
    c = path
    c.provider("keyed", base_url="http://127.0.0.1:9", auth="bearer")
    r = ok(c, "edit", "keyed", env=editor(c, 'printf "[models]\\nopus = x\\n" >> "$1"'))
    assert "approve" not in r.err
    r = ok(c, "edit", "keyed", env=editor(c, 'sed -i s,127.0.0.1:9,127.0.0.1:10, "$1"'))
    assert "ccctl approve keyed" in r.err


def test_edit_again_on_a_terminal(path):
    c = path
    env = editor(c, 'if [ -e once ]; then printf "[provider]\\ntitle = New\\nauth = none\\n" > "$1"; else touch once; echo bad > "$1"; fi')
    argv = c.argv([CCCTL, "edit", "demo"])
    t = pexpect.spawn(argv[0], argv[1:], env=c.env(env), cwd=str(c.cwd), encoding="utf-8", timeout=20)
    t.expect("demo.conf:1")
    t.expect(r"edit it again\?")
    t.sendline("y")
    t.expect("is changed")
    t.expect(pexpect.EOF)
    assert "title = New" in (c.config / "ccrun/providers/demo.conf").read_text()


def test_edit_removes_no_file_that_it_did_not_make(path):
    c = path
    file = c.config / "ccrun/providers/demo.conf"
    base = hashlib.blake2b(file.read_bytes(), digest_size=32).hexdigest()[:8]
    script = f'echo precious > "{file}.$$-{base}.edit"; exec "$@"'
    r = c.run(["bash", "-c", script, "bash", CCCTL, "edit", "demo"], env={"EDITOR": "true"})
    (there,) = file.parent.glob("demo.conf.*.edit")
    assert r.rc == 1 and there.read_text() == "precious\n", r


# ---- an edit that was broken off ----

TYPED = 'printf "[provider]\\ntitle = Typed\\nauth = none\\n" > "$1"'


def copies(c, name="demo"):
    return sorted((c.config / "ccrun/providers").glob(f"{name}.conf.*.edit"))


def broken_off(c, name="demo", typed=TYPED):
    """The copy of an edit whose ccctl and editor were killed, and the editor had written."""
    shell_and_ccctl = "read -r _ _ _ ccctl _ < /proc/$PPID/stat; kill -9 $ccctl $PPID $$"
    r = c.ccctl("edit", name, env=editor(c, f"{typed}; {shell_and_ccctl}"))
    assert r.rc == -9, r
    return copies(c, name)[-1]


def edit_on_terminal(c, env, answer, *then):
    argv = c.argv([CCCTL, "edit", "demo"])
    t = pexpect.spawn(argv[0], argv[1:], env=c.env(env), cwd=str(c.cwd), encoding="utf-8", timeout=20)
    t.expect(r"go on with it\?")
    t.sendline(answer)
    for word in then:
        t.expect(word)
    t.expect(pexpect.EOF)
    t.close()
    return t.exitstatus


def test_an_edit_that_was_broken_off_goes_on(path):
    c = path
    demo = c.config / "ccrun/providers/demo.conf"
    before = demo.read_text()
    left = broken_off(c)
    assert demo.read_text() == before and "title = Typed" in left.read_text()
    # Who does not want it keeps it.
    assert edit_on_terminal(c, {"EDITOR": "true"}, "n", "is as it was") == 0
    assert demo.read_text() == before and copies(c) == [left]
    # Nor is it lost with an editor that fails.
    assert edit_on_terminal(c, {"EDITOR": "false"}, "y", "did not succeed", "what was written in it is in") == 1
    (left,) = copies(c)
    assert "title = Typed" in left.read_text()
    assert edit_on_terminal(c, editor(c, 'echo "docs = more" >> "$1"'), "y", "is changed") == 0
    assert demo.read_text() == "[provider]\ntitle = Typed\nauth = none\ndocs = more\n" and not copies(c)


def test_what_was_typed_is_named_where_nobody_can_be_asked(path):
    c = path
    left = broken_off(c)
    r = ok(c, "edit", "demo", env={"EDITOR": "true"})
    assert f"note: an edit was broken off; what was written in it is in {left}\n" in r.err, r
    assert "title = Typed" in left.read_text()


def test_an_edit_that_was_broken_off_overwrites_no_later_change(path):
    c = path
    left = broken_off(c)
    ok(c, "edit", "demo", env=editor(c, 'echo "docs = later" >> "$1"'))
    r = ok(c, "edit", "demo", env={"EDITOR": "true"})
    assert f"is in {left}, without what was changed since it began" in r.err, r
    argv = c.argv([CCCTL, "edit", "demo"])
    t = pexpect.spawn(argv[0], argv[1:], env=c.env({"EDITOR": "true"}), cwd=str(c.cwd), encoding="utf-8", timeout=20)
    t.expect(["is as it was", r"go on with it\?"])
    assert "go on" not in t.after and left.exists()
    t.expect(pexpect.EOF)


def test_a_copy_in_which_nothing_was_written_does_not_stay(path):
    c = path
    broken_off(c, typed=":")
    broken_off(c, "zai", typed=":")
    for name in ("demo", "zai"):
        r = ok(c, "edit", name, env={"EDITOR": "true"})
        assert "broken off" not in r.err and not copies(c, name), r
    # Killed behind the save: what was written is the file.
    demo = c.config / "ccrun/providers/demo.conf"
    left = broken_off(c)
    demo.write_text(left.read_text())
    r = ok(c, "edit", "demo", env={"EDITOR": "true"})
    assert "broken off" not in r.err and not copies(c), r


def test_the_copy_of_an_edit_that_goes_on_is_left_alone(path):
    c = path
    inner = f'HOME={c.home} EDITOR=true {CCCTL} edit demo 2> {c.home}/inner'
    ok(c, "edit", "demo", env=editor(c, f'{inner}; [ -e "$1" ] && {TYPED}; {inner}'))
    assert "broken off" not in (c.home / "inner").read_text()
    assert "title = Typed" in (c.config / "ccrun/providers/demo.conf").read_text() and not copies(c)


def test_an_editor_that_was_killed_loses_nothing(path):
    c = path
    r = c.ccctl("edit", "demo", env=editor(c, f"{TYPED}; kill -9 $$"))
    (left,) = copies(c)
    assert r.rc == 1 and f"what was written in it is in {left}" in r.err and "title = Typed" in left.read_text(), r


def test_edit_that_adds_nothing_makes_no_file(path):
    c = path
    r = c.ccctl("edit", "zai", env={"EDITOR": "true"})
    assert r.rc == 0 and "as it was" in r.err, r
    assert not list((c.config / "ccrun/providers").glob("zai*"))


# ---- show --------------------------------------------------------------

def test_show_says_what_is_sent_and_why(path):
    c = path
    overlay = c.overlay("zai", "[models]\nopus = mine\n[env]\nDISABLE_TELEMETRY = 1\n")
    c.plain_env["ANTHROPIC_API_KEY"] = "stray"
    out = ok(c, "show", "zai").out
    assert f"sends     ANTHROPIC_DEFAULT_OPUS_MODEL=mine   ({overlay}:2)\n" in out
    assert f"sends     DISABLE_TELEMETRY=1   ({overlay}:4)\n" in out
    assert "sends     ANTHROPIC_BASE_URL=https://api.z.ai/api/anthropic   (" in out and "share/ccrun/providers/zai.conf:" in out
    assert "sends     CCRUN_PROVIDER=zai   (ccrun)\n" in out
    assert "sends     ANTHROPIC_AUTH_TOKEN=(the key 'zai')\n" in out
    assert "drops     ANTHROPIC_API_KEY\n" in out and "stray" not in out
    assert "not in the vault: ccctl add zai" in out
    shown = json.loads(ok(c, "show", "zai", "--json").out)["sends"]
    assert {"name": "ANTHROPIC_DEFAULT_OPUS_MODEL", "value": "mine", "where": f"{overlay}:2"} in shown["set"]
    assert shown["secrets"] == [{"variable": "ANTHROPIC_AUTH_TOKEN", "entry": "zai"}]
    assert "ANTHROPIC_API_KEY" in shown["dropped"]


def test_show_a_mode(path):
    out = ok(path, "show", "demo:fast").out
    assert "provider  demo:fast (Fast)\n" in out and "CCRUN_MODE=fast   (ccrun)" in out
    assert path.ccctl("show", "demo:nosuch").rc == 4
