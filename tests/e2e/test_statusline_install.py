"""ccctl statusline: the one member in settings.json and not a byte beside it,
whatever the file looks like and whatever happens meanwhile; what was there
before comes back."""
import json
import os
import re
import resource
import shutil
import stat
from random import Random
from types import SimpleNamespace

import pexpect
import pytest

from ccrun import BUILD, Ccrun


PROGRAM = BUILD / "bin/ccrun-statusline"
OURS = {"type": "command", "command": str(PROGRAM), "padding": 0, "refreshInterval": 10}
SECRET = "sk-not-to-be-shown-0123456789"


@pytest.fixture
def w():
    """A world with a settings file to write: w.put(bytes), w.get() -> bytes."""
    with Ccrun() as c:
        path = c.home / ".claude/settings.json"
        path.unlink()

        def put(data):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o600)
            c.own()

        def verb(*words, **kw):
            return c.ccctl("statusline", *words, **kw)

        yield SimpleNamespace(c=c, path=path, put=put, get=path.read_bytes, verb=verb,
                              backup=path.with_name("settings.json.ccrun-backup"),
                              saved=c.state / "ccrun/statusline.json",
                              files=lambda: sorted(p.name for p in path.parent.iterdir()))


def install(w, *more, **kw):
    r = w.verb("install", "--yes", *more, **kw)
    assert r.rc == 0, r
    return r


def remove(w):
    r = w.verb("remove", "--yes")
    assert r.rc == 0, r
    return r


def refused(w, data, r, rc=None):
    """Nothing happened, and an error says so."""
    assert r.rc != 0 and (rc is None or r.rc == rc) and r.err.count("ccctl: "), r
    assert w.get() == data and w.files() == ["settings.json"] and not w.saved.exists()


BLOCK = (b'  "statusLine": {\n    "type": "command",\n    "command": "%s",\n    "padding": 0,\n'
         b'    "refreshInterval": 10\n  }' % str(PROGRAM).encode())
FLAT = b'{"type":"command","command":"%s","padding":0,"refreshInterval":10}' % str(PROGRAM).encode()
SPACED = FLAT.replace(b'":', b'": ').replace(b',"', b', "')


def tabs(block):
    return re.sub(rb"(?m)^( +)", lambda m: b"\t" * (len(m[1]) // 2), block)


def four(block):
    return re.sub(rb"(?m)^( +)", lambda m: m[1] * 2, block)


# name: (the file, the file with ours in it)
KEPT = {
    "two blanks": (b'{\n  "a": 1,\n  "b": [1, {"x": "}"}]\n}\n', b'{\n  "a": 1,\n  "b": [1, {"x": "}"}],\n' + BLOCK + b"\n}\n"),
    "four blanks": (b'{\n    "a": {\n        "b": 1\n    }\n}', b'{\n    "a": {\n        "b": 1\n    },\n' + four(BLOCK) + b"\n}"),
    "tabs": (b'{\n\t"a": 1\n}\n', b'{\n\t"a": 1,\n' + tabs(BLOCK) + b"\n}\n"),
    "dos": (b'{\r\n  "a": 1\r\n}\r\n', (b'{\n  "a": 1,\n' + BLOCK + b"\n}\n").replace(b"\n", b"\r\n")),
    "bom": (b'\xef\xbb\xbf{\n  "a": 1\n}\n', b'\xef\xbb\xbf{\n  "a": 1,\n' + BLOCK + b"\n}\n"),
    "one line": (b'{"a":1,"b":"\\u20ac \\"}"}', b'{"a":1,"b":"\\u20ac \\"}","statusLine":' + FLAT + b"}"),
    "one spaced line": (b'{ "a": 1, "b": 2 }\n', b'{ "a": 1, "b": 2, "statusLine": ' + SPACED + b" }\n"),
    "odd numbers and order": (b'{\n  "z": 1.50, "y": 1E3,\n  "a": -0.0\n}', b'{\n  "z": 1.50, "y": 1E3,\n  "a": -0.0,\n' + BLOCK + b"\n}"),
    "no indentation": (b'{\n"a": 1\n}\n', b'{\n"a": 1,\n' + re.sub(rb"(?m)^ +", b"", BLOCK) + b"\n}\n"),
    "blank lines": (b'\n\n{\n\n  "a" : 1\n\n  ,\n\n  "b":\n 2\n\n}\n\n\n', b'\n\n{\n\n  "a" : 1\n\n  ,\n\n  "b":\n 2,\n' + BLOCK + b"\n\n}\n\n\n"),
    "empty object": (b"{}", b"{\n" + BLOCK + b"\n}"),
    "empty object and line": (b"{}\n", b"{\n" + BLOCK + b"\n}\n"),
    "a member of that name deeper": (b'{\n  "a": {"statusLine": 1}\n}', b'{\n  "a": {"statusLine": 1},\n' + BLOCK + b"\n}"),
    "nul and unicode": ('{\n  "a\u00e9": "\\u0000 \u00fc \U0001f600"\n}'.encode(), '{\n  "a\u00e9": "\\u0000 \u00fc \U0001f600",\n'.encode() + BLOCK + b"\n}"),
}


@pytest.mark.parametrize("name", KEPT)
def test_every_byte_stays_and_comes_back(w, name):
    before, after = KEPT[name]
    w.put(before)
    install(w)
    assert w.get() == after
    assert json.loads(w.get().decode("utf-8-sig"))["statusLine"] == OURS
    assert w.backup.read_bytes() == before
    remove(w)
    assert w.get() == before


@pytest.mark.parametrize("before", [b"", b"\n", b"\xef\xbb\xbf", b" \r\n\t"], ids=repr)
def test_nothing_in_the_file(w, before):
    w.put(before)
    install(w)
    assert w.get() == before[:3].replace(b"\n", b"").replace(b" \r", b"") + b"{\n" + BLOCK + b"\n}\n"


def test_no_file_and_no_directory(w):
    shutil.rmtree(w.path.parent)
    r = install(w)
    assert w.get() == b"{\n" + BLOCK + b"\n}\n" and w.files() == ["settings.json"]
    assert stat.S_IMODE(w.path.stat().st_mode) == 0o600 and "--- /dev/null" in r.err
    remove(w)
    assert json.loads(w.get()) == {}


def test_no_file_to_remove_from(w):
    assert "no status line" in remove(w).err and w.files() == []


def test_the_configuration_directory(w):
    other = w.c.home / "other dir"
    install(w, env={"CLAUDE_CONFIG_DIR": other})
    assert json.loads((other / "settings.json").read_text())["statusLine"] == OURS and not w.path.exists()
    r = w.verb("install", "--yes", env={"CLAUDE_CONFIG_DIR": "relative"})
    assert r.rc == 1 and "absolute" in r.err, r


def some_json(random, depth=0):
    """A value and blanks as nobody would write them."""
    blank = lambda: "".join(random.choice(["", " ", "\n", "\r\n", "\t", "  "]) for _ in range(random.randrange(3)))
    text = lambda: json.dumps("".join(random.choice("ab\"\\{}[],:/\u00e9\U0001f600\n\x7f") for _ in range(random.randrange(6))),
                              ensure_ascii=random.random() < 0.5)
    kind = random.randrange(7) if depth < 4 else random.randrange(4)
    if depth == 0 or kind == 5:
        keys = {text() for _ in range(random.randrange(4))}
        keys = [k for i, k in enumerate(keys) if json.loads(k) not in map(json.loads, list(keys)[:i])]
        members = [f"{blank()}{k}{blank()}:{blank()}{some_json(random, depth + 1)}{blank()}" for k in keys]
        return "{" + (",".join(members) if members else blank()) + "}"
    if kind == 6:
        items = [blank() + some_json(random, depth + 1) + blank() for _ in range(random.randrange(3))]
        return "[" + (",".join(items) if items else blank()) + "]"
    return [text(), "true", "null", str(random.choice([0, -1, 1.5, "1e9", 2**53]))][kind % 4]


def test_any_file_at_all(w):
    """Random files: ours is in, everything else is what it was, and the bytes come back."""
    random = Random(4)
    for _ in range(150):
        before = some_json(random).encode()
        if not json.loads(before):
            continue
        w.put(before)
        install(w)
        at = w.get().rindex(b'"statusLine"')
        assert json.loads(w.get()) == {**json.loads(before), "statusLine": OURS}, before
        assert before.startswith(w.get()[:at].rstrip(b" \t\r\n").removesuffix(b",").rstrip(b" \t\r\n")), before
        remove(w)
        assert w.get() == before


# ---- files that are left alone ----

BAD = {
    "line comment": b'{\n  // mine\n  "a": 1\n}\n', "block comment": b'{"a": 1 /* x */}',
    "trailing comma": b'{\n  "a": 1,\n}\n', "trailing bytes": b'{"a": 1} x', "two": b"{}{}",
    "cut off": b'{"a": 1', "array": b"[1]", "string": b'"x"', "single quotes": b"{'a': 1}",
    "twice": b'{"a": 1, "b": {}, "a": 2}', "statusLine twice": b'{"statusLine": 1, "statusLine": 2}',
    "statusLine twice, once escaped": b'{"statusLine": 1, "status\\u004cine": 2}',
    "twice, deeper": b'{"a": {"x": 1, "x": 2}}', "latin-1": b'{"a": "\xe9"}', "utf-16": '{"a": 1}'.encode("utf-16"),
    "raw nul": b'{"a": "\0"}', "nan": b'{"a": NaN}', "too large": b'{"a": "' + b"x" * 1024 * 1024 + b'"}',
    "deep": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_plain_json_is_left_alone_and_named(w, name):
    w.put(BAD[name])
    r = w.verb("install", "--yes")
    refused(w, BAD[name], r, 1)
    assert str(w.path) in r.err and '"statusLine": {' in r.err and f'"command": "{PROGRAM}"' in r.err, r
    if "twice" in name:
        assert "a key is there twice" in r.err, r
    if name in ("latin-1", "utf-16"):
        assert "not UTF-8" in r.err, r
    if "comm" in name:
        line = 1 if name == "block comment" else 2 if name == "line comment" else 3
        assert f"line {line}: not plain JSON" in r.err, r
    refused(w, BAD[name], w.verb("remove", "--yes"), 1)


@pytest.mark.parametrize("text", [f'{{"env": {{"K": "{SECRET}"}},}}', f'{{"K": "{SECRET}" // x\n}}', f'{{"{SECRET}": 1, "{SECRET}": 2}}'])
def test_no_word_of_a_broken_file_is_shown(w, text):
    w.put(text.encode())
    r = w.verb("install", "--yes")
    assert r.rc == 1 and SECRET not in r.err + r.out, r


@pytest.mark.parametrize("text", [f'{{"env":{{"K":"{SECRET}"}}}}', f'{{\n  "env": {{"K": "{SECRET}"}}\n}}',
                                  f'{{"statusLine": {{"type": "command", "command": "/x"}}, "env": {{"K": "{SECRET}"}}}}'])
def test_the_diff_shows_the_one_member_alone(w, text):
    w.put(text.encode())
    r = install(w)
    assert "+++ " in r.err and SECRET not in r.err + r.out and r.out == "", r


def test_a_read_only_file(w):
    w.put(b"{}")
    w.path.chmod(0o400)
    r = w.verb("install", "--yes")
    refused(w, b"{}", r, 5)
    assert "read-only" in r.err and '"statusLine": {' in r.err


def test_a_second_name(w):
    w.put(b"{}")
    os.link(w.path, w.c.home / "second")
    r = w.verb("install", "--yes")
    refused(w, b"{}", r, 5)
    assert "hard link" in r.err


def test_a_directory_that_is_read_only(w):
    w.put(b'{"a": 1}')
    w.path.parent.chmod(0o500)
    try:
        r = w.verb("install", "--yes")
        refused(w, b'{"a": 1}', r, 1)
    finally:
        w.path.parent.chmod(0o700)


@pytest.mark.root
def test_another_owners_file():
    if os.geteuid() != 0:
        pytest.skip("needs root: a file of another user")
    with Ccrun() as c:
        path = c.home / ".claude/settings.json"
        path.write_bytes(b"{}")
        path.chmod(0o644)
        os.chown(path, 0, 0)
        r = c.ccctl("statusline", "install", "--yes")
        assert r.rc == 5 and "another user" in r.err and path.read_bytes() == b"{}", r


def test_a_directory_or_a_pipe_in_its_place(w):
    w.path.mkdir(parents=True)
    assert w.verb("install", "--yes").rc == 1
    w.path.rmdir()
    os.mkfifo(w.path)
    w.c.own()
    assert w.verb("install", "--yes").rc == 1 and stat.S_ISFIFO(w.path.stat().st_mode)


# ---- links, mode, group ----

@pytest.mark.parametrize("relative", [False, True])
def test_a_symbolic_link_stays_one(w, relative):
    target = w.c.home / "dotfiles/claude.json"
    target.parent.mkdir()
    target.write_bytes(b'{\n  "a": 1\n}\n')
    target.chmod(0o644)
    w.path.symlink_to("../dotfiles/claude.json" if relative else target)
    w.c.own()
    install(w)
    assert w.path.is_symlink() and target.read_bytes() == b'{\n  "a": 1,\n' + BLOCK + b"\n}\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644 and not target.is_symlink()
    # The copy is the client's side, not in somebody's repository.
    assert w.backup.read_bytes() == b'{\n  "a": 1\n}\n' and sorted(p.name for p in target.parent.iterdir()) == ["claude.json"]
    remove(w)
    assert w.path.is_symlink() and target.read_bytes() == b'{\n  "a": 1\n}\n'


def test_a_link_to_nothing(w):
    w.path.symlink_to("nowhere")
    r = w.verb("install", "--yes")
    assert r.rc == 1 and "link" in r.err and w.path.is_symlink() and not w.path.exists(), r


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o640])
def test_mode_and_owner_are_kept(w, mode):
    w.put(b'{"a": 1}')
    w.path.chmod(mode)
    before = w.path.stat()
    install(w)
    for path in (w.path, w.backup):
        now = path.stat()
        assert stat.S_IMODE(now.st_mode) == mode and (now.st_uid, now.st_gid) == (before.st_uid, before.st_gid)


# ---- copies ----

def test_copies_are_numbered_and_none_is_lost(w):
    texts = [b'{"a": %d}' % i for i in range(3)]
    for i, text in enumerate(texts):
        w.put(text)
        r = install(w)
        name = w.backup.name + (f".{i}" if i else "")
        assert name in r.err and (w.path.parent / name).read_bytes() == text
    w.put(texts[1])
    assert w.backup.name + ".1" in install(w).err, "a copy of these bytes is there already"
    assert len(w.files()) == 4


def test_a_copys_name_that_is_a_link_is_not_followed(w):
    w.put(b'{"a": 1}')
    victim = w.c.write("victim", "as it was")
    w.backup.symlink_to(victim)
    install(w)
    assert victim.read_text() == "as it was" and w.backup.is_symlink()
    assert w.backup.with_name(w.backup.name + ".1").read_bytes() == b'{"a": 1}'


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
    r = w.verb("preview")
    lines = r.out.splitlines()
    assert r.rc == 0 and r.err == "" and [line[:18].strip() for line in lines] == ["at the start", "after an answer", "without colours"], r
    for line in lines:
        assert line[18:].strip(), r
    assert "\x1b" in lines[1] and "\x1b" not in lines[2]
    assert "12%" in lines[1] and "work" in lines[2] and "23" in lines[2], "context, directory, quota"
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
