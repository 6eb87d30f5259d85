"""ccctl statusline: the one member in settings.json and not a byte beside it,
whatever the file looks like; links, mode, owner, and the copies."""
import json
import os
import re
import shutil
import stat
from random import Random

import pytest

from ccrun import Ccrun
from settings_file import OURS, PROGRAM, install, refused, remove, w  # noqa: F401

SECRET = "sk-not-to-be-shown-0123456789"

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
    # a copy of what is there again may have keys in it, and is of no use
    assert not list(w.path.parent.glob("*.ccrun-backup*"))


def test_the_change_is_shown_where_it_is(w):
    w.put(b'{\n  "theme": "auto"\n}\n')
    assert "\n@@ -2,0 +3,6 @@\n+  \"statusLine\"" in install(w).err
    assert "\n@@ -3,6 +2,0 @@\n-  \"statusLine\"" in remove(w).err


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
