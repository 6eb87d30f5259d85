"""ccctl statusline: who is asked, the status line that was there before, trouble
while it writes, and what preview shows."""
import json
import re
import resource
import shutil
import stat

import pexpect
import pytest

from ccrun import BUILD
from settings_file import OURS, PROGRAM, install, refused, remove, w  # noqa: F401

# ---- asking ----

def ask(w, words, answer):
    child = pexpect.spawn(str(BUILD / "bin/ccctl"), ["statusline", *words], env=w.c.env(), timeout=30, encoding="utf-8",
                          dimensions=(50, 200))
    child.expect(r"change .*\? \[y/N\] ")
    shown = child.before
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, shown, child.before


def test_without_a_terminal_nobody_is_asked(w):
    w.put(b'{"a": 1}')
    r = w.verb("install")
    refused(w, b'{"a": 1}', r, 2)
    assert "hint:" in r.err and "--yes" in r.err and '+"statusLine"' in r.err


def test_a_person_is_shown_the_change_and_asked(w):
    w.put(b'{\n  "a": 1\n}\n')
    rc, shown, _ = ask(w, ["install"], "n")
    assert rc == 1 and '+  "statusLine": {' in shown and w.get() == b'{\n  "a": 1\n}\n' and w.files() == ["settings.json"]
    rc, _, _ = ask(w, ["install"], "y")
    assert rc == 0 and json.loads(w.get())["statusLine"] == OURS
    installed = w.get()
    rc, shown, _ = ask(w, ["remove"], "n")
    assert rc == 1 and '-  "statusLine": {' in shown and w.get() == installed
    rc, _, _ = ask(w, ["remove"], "yes")
    assert rc == 0 and w.get() == b'{\n  "a": 1\n}\n'


def test_what_was_changed_while_a_person_thought_is_not_lost(w):
    w.put(b'{"a": 1}')
    child = pexpect.spawn(str(BUILD / "bin/ccctl"), ["statusline", "install"], env=w.c.env(), timeout=30, encoding="utf-8")
    child.expect(r"\[y/N\] ")
    w.put(b'{"a": 2}')
    child.sendline("y")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1 and "changed meanwhile" in child.before and w.get() == b'{"a": 2}'


# ---- a status line that is there ----

EARLIER = [b'{"type":"command",  "command":"~/bin/line.sh | head -1"}', b"null", b'"text"',
           b'{\n      "type": "command",\n  "command": "x \\u001b[31m", "padding": 2 }', b"[1, 2]"]


@pytest.mark.parametrize("earlier", EARLIER)
@pytest.mark.parametrize("frame", [b'{"a": 1, "statusLine": %s, "b": 2}', b'{\n  "statusLine": %s\n}\n'])
def test_anothers_is_shown_kept_and_comes_back(w, frame, earlier):
    before = frame % earlier
    w.put(before)
    r = install(w)
    assert "another status line" in r.err and re.search(r"(?m)^-", r.err) and "\x1b" not in r.err, r
    assert json.loads(w.get()) == {**json.loads(before), "statusLine": OURS}
    assert w.backup.read_bytes() == before and stat.S_IMODE(w.saved.stat().st_mode) == 0o600
    # The user goes on editing.
    w.put(w.get().replace(b'"a": 1', b'"a": 3'))
    remove(w)
    assert w.get() == before.replace(b'"a": 1', b'"a": 3') and not w.saved.exists()


def test_c1_controls_of_anothers_do_not_reach_the_terminal(w):
    w.put('{"statusLine": {"command": "a\u009b31mb"}}'.encode())
    assert "\u009b" not in install(w).err


def test_ours_is_done_already(w):
    w.put(b'{"a": 1}')
    install(w)
    before, files = w.get(), w.files()
    r = w.verb("install")
    assert r.rc == 0 and "already" in r.err and w.get() == before and w.files() == files, r


@pytest.mark.parametrize("command", ["/old/bin/ccrun-statusline", "ccrun-statusline", "'/my home/ccrun-statusline'", '"/a b/ccrun-statusline"',
                                     "/my\\ home/ccrun-statusline --width 3"])
def test_ours_of_another_place_is_renewed_and_the_rest_kept(w, command):
    text = '{"x": 1, "statusLine": {"padding": 2, "command": %s , "type": "command", "mine": [1]}}'
    w.put((text % json.dumps(command)).encode())
    r = install(w)
    assert "another installation" in r.err
    more = " --width 3" if "--width" in command else ""
    assert w.get() == (text % json.dumps(f"{PROGRAM}{more}")).encode()
    remove(w)
    assert w.get() == b'{"x": 1}'


@pytest.mark.parametrize("command", ["/x/ccrun-statusline2", "bash -c ccrun-statusline", "/x/ccrun-statusline | cut -c1-9", "$HOME/ccrun-statusline",
                                     "/x/ccrun-statusline; date", "X=1 ccrun-statusline", "", "'/x/ccrun-statusline"])
def test_a_script_around_ours_is_anothers(w, command):
    before = json.dumps({"statusLine": {"type": "command", "command": command}}).encode()
    w.put(before)
    r = w.verb("remove", "--yes")
    refused(w, before, r, 5)
    assert "another status line" in r.err
    install(w)
    remove(w)
    assert w.get() == before


def test_an_earlier_one_of_long_ago_does_not_come_back(w):
    w.put(b'{"statusLine": {"command": "old"}}')
    install(w)
    w.put(b"{}")  # taken out by hand
    install(w)
    remove(w)
    assert w.get() == b"{}"


def test_the_first_of_two_installs_is_what_comes_back(w):
    w.put(b'{"statusLine": {"command": "old"}}')
    install(w)
    w.put(w.get().replace(str(PROGRAM).encode(), b"/elsewhere/ccrun-statusline"))
    install(w)
    remove(w)
    assert w.get() == b'{"statusLine": {"command": "old"}}'


@pytest.mark.parametrize("saved", ["", "{", "[]", '{"%s": "not json"}'])
def test_what_was_kept_is_damaged(w, saved):
    w.put(b'{"statusLine": {"command": "old"}}')
    install(w)
    installed = w.get()
    w.saved.write_text(saved % w.path if "%" in saved else saved)
    r = w.verb("remove", "--yes")
    assert r.rc == 1 and w.get() == installed, r


def test_a_path_with_blanks_is_quoted_and_runs(w):
    prefix = w.c.home / "my 'own' $dir"
    for d in ("bin", "share", "lib", "libexec"):
        if (BUILD / d).exists():
            shutil.copytree(BUILD / d, prefix / d)
    w.c.own()
    r = w.c.run([prefix / "bin/ccctl", "statusline", "install", "--yes"])
    assert r.rc == 0, r
    command = json.loads(w.get())["statusLine"]["command"]
    r = w.c.run(["sh", "-c", command], input="{}")
    assert r.rc == 0 and r.out.strip(), r
    r = w.c.run([prefix / "bin/ccctl", "statusline", "install"])
    assert r.rc == 0 and "already" in r.err, r


def test_it_says_when_it_would_not_be_seen(w):
    w.put(b'{"disableAllHooks": true}')
    w.c.settings({"statusLine": {"type": "command", "command": "x"}}, "local")
    r = install(w)
    assert "disableAllHooks" in r.err and "settings.local.json" in r.err, r
    r = w.verb("install", "--yes", cwd=w.c.home)
    assert r.rc == 0 and "of its own" not in r.err, "in the home directory that file is the user's own"


# ---- trouble while it writes ----

def test_a_full_disk(w):
    before = b'{"a": "' + b"x" * 5000 + b'"}'
    w.put(before)
    # Enough for nothing, for the copy alone, for half of the new file.
    for limit in (0, len(before), len(before) + 20):
        r = w.verb("install", "--yes", preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)))
        # A file of output counts as well, so only what is left behind is looked at.
        assert r.rc != 0 and w.get() == before, r
        assert not [name for name in w.files() if name not in ("settings.json", w.backup.name)]
        if w.backup.exists():
            assert w.backup.read_bytes() == before
    install(w)
    assert json.loads(w.get())["statusLine"] == OURS


CALLS = ["openat", "write", "fchmod", "fchown", "fsync", "rename", "close", "lstat", "newfstatat"]


@pytest.mark.parametrize("there", [True, False])
def test_killed_at_any_moment(w, there):
    before = b'{"a": "' + b"x" * 300 + b'"}'
    program = w.c.argv(["strace", "-qq", "-o", "/dev/null"])
    killed = {"old": 0, "new": 0}
    for call in CALLS:
        for when in range(1, 40):
            for path in list(w.path.parent.iterdir()) if w.path.parent.exists() else []:
                path.unlink()
            if there:
                w.put(before)
            r = w.c.run([*program, "-e", f"inject={call}:signal=SIGKILL:when={when}", BUILD / "bin/ccctl", "statusline", "install", "--yes"])
            now = w.get() if w.path.exists() else None
            if r.rc == 0:
                break
            assert now == (before if there else None) or json.loads(now)["statusLine"] == OURS, (call, when)
            killed["new" if now and b"statusLine" in now else "old"] += 1
    assert killed["old"] > 5 and killed["new"] > 0, killed
    install(w)


# ---- preview ----

def test_preview_runs_the_program_here(w):
    assert w.c.run(["git", "init", "-q", "-b", "feature", "."]).rc == 0
    r = w.verb("preview")
    lines = r.out.splitlines()
    assert r.rc == 0 and r.err == "" and [line[:18].strip() for line in lines] == ["at the start", "after an answer", "without colours"], r
    for line in lines:
        assert line[18:].strip(), r
    assert "\x1b" in lines[1] and "\x1b" not in lines[2]
    assert lines[2][18:] == "Claude | 5h:23% | wk:8% | 12% ctx | feature | work"
    assert not w.path.exists() and w.c.broker() is None, "it changes and starts nothing"


def test_preview_with_a_providers_environment(w):
    r = w.verb("preview", env={"NO_COLOR": "1", "ANTHROPIC_BASE_URL": "http://localhost:11434", "ANTHROPIC_AUTH_TOKEN": "x"})
    assert r.rc == 0 and "Local" in r.out and "5h" not in r.out and len(r.out.splitlines()) == 2, r


def test_preview_of_an_input_and_a_width(w):
    text = json.dumps({"cwd": str(w.c.cwd), "context_window": {"used_percentage": 77}})
    given = w.c.write("in.json", text)
    r = w.verb("preview", "--input", given)
    assert r.rc == 0 and "77%" in r.out, r
    assert w.verb("preview", "--input", "-", input=text).out == r.out
    narrow = w.verb("preview", "--width", "12", "--input", given, env={"NO_COLOR": "1"})
    assert narrow.rc == 0 and all(len(line) <= 12 for line in narrow.out.splitlines()) and narrow.out.strip(), narrow
    r = w.verb("preview", "--input", w.c.home / "missing")
    assert r.rc == 1 and "missing" in r.err, r


def test_words(w):
    w.put(b"{}")
    for words in ([], ["nothing"], ["install", "x"], ["preview", "--yes"], ["install", "--width", "3"], ["remove", "--input", "x"],
                  ["preview", "--width", "0"], ["preview", "--width", "x"]):
        refused(w, b"{}", w.verb(*words), 2)


def test_a_session_may_too(w):
    """settings.json is the session's to write in any case, and no key is near."""
    w.put(b"{}")
    w.c.provider("free", title="F", base_url="http://127.0.0.1:1", auth="none")
    r = w.c.ccrun("--exec", "/bin/sh", "free", "-c", f"{BUILD}/bin/ccctl statusline preview && {BUILD}/bin/ccctl statusline install --yes")
    assert r.rc == 0 and json.loads(w.get())["statusLine"] == OURS, r
