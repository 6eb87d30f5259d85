"""ccctl import --scrub: the keys out of the files that had them, and nothing
else; whatever happens meanwhile, no key is lost and no file is half."""
import json
import os
import shutil
import subprocess

import pytest

from ccrun import CCCTL
from leaks import FIXTURES, Home


@pytest.fixture
def h():
    with Home() as home:
        home.init()
        yield home


def scrub(h, *words, **kw):
    return h.imp("--scrub", "--yes", *words, **kw)


# ---- what a file becomes -----------------------------------------------

SHELL = [
    ("export ANTHROPIC_API_KEY={t}\n", "# ccrun: ANTHROPIC_API_KEY moved into the vault (ccrun anthropic)\n"),
    ("a=1\n  export ANTHROPIC_API_KEY='{t}'  # mine {t}\nb=2",
     "a=1\n  # ccrun: ANTHROPIC_API_KEY moved into the vault (ccrun anthropic)\nb=2"),
    ("if true; then\n\texport ANTHROPIC_API_KEY={t}\nfi\n",
     "if true; then\n\t: # ccrun: ANTHROPIC_API_KEY moved into the vault (ccrun anthropic)\nfi\n"),
    ("c() { ANTHROPIC_API_KEY={t} claude \"$@\"; }\n", "c() { ANTHROPIC_API_KEY= claude \"$@\"; }\n"),
    ("export A=1 ANTHROPIC_API_KEY=\"{t}\" B=2\n", "export A=1 ANTHROPIC_API_KEY= B=2\n"),
    ("x=1; export ANTHROPIC_API_KEY={t}; y=2\n", "x=1; export ANTHROPIC_API_KEY=; y=2\n"),
    ("alias c='ANTHROPIC_API_KEY={t} claude'\n", "alias c='ANTHROPIC_API_KEY= claude'\n"),
    ("env ANTHROPIC_API_KEY={t} \\\n  claude\n", "env ANTHROPIC_API_KEY= \\\n  claude\n"),
    ("foo \\\nexport ANTHROPIC_API_KEY={t}\nANTHROPIC_API_KEY={t}\n",
     "foo \\\nexport ANTHROPIC_API_KEY=CCRUN-REMOVED\n# ccrun: ANTHROPIC_API_KEY moved into the vault (ccrun anthropic)\n"),
    ("export ANTHROPIC_API_KEY={t}\ncurl -H 'x-api-key: {t}' https://x # {t}\n",
     "# ccrun: ANTHROPIC_API_KEY moved into the vault (ccrun anthropic)\n"
     "curl -H 'x-api-key: CCRUN-REMOVED' https://x # CCRUN-REMOVED\n"),
    ("# export ANTHROPIC_API_KEY={t}\n", "# export ANTHROPIC_API_KEY=\n"),
    (": \"${ANTHROPIC_API_KEY:={t}}\"\n", ": \"${ANTHROPIC_API_KEY:=}\"\n"),
    ("export ANTHROPIC_API_KEY={t}\r\nexport B=2\r\n",
     "# ccrun: ANTHROPIC_API_KEY moved into the vault (ccrun anthropic)\nexport B=2\r\n"),
]


ZAI = "https://api.z.ai/api/anthropic"
# claude without a key sends what it is logged in with to the address that it is told.
ADDRESSES = [
    ("export ANTHROPIC_BASE_URL={u}\nexport ANTHROPIC_AUTH_TOKEN={t}\nexec claude\n",
     "# ccrun: ANTHROPIC_BASE_URL went with its key (ccrun zai)\n"
     "# ccrun: ANTHROPIC_AUTH_TOKEN moved into the vault (ccrun zai)\nexec claude\n"),
    ("alias z='ANTHROPIC_BASE_URL=\"{u}/\" ANTHROPIC_AUTH_TOKEN={t} claude'\n",
     "alias z='ANTHROPIC_BASE_URL= ANTHROPIC_AUTH_TOKEN= claude'\n"),
    ("export ANTHROPIC_BASE_URL={u}\na() { ANTHROPIC_AUTH_TOKEN={t} claude; }\n"
     "b() { ANTHROPIC_AUTH_TOKEN=$(my-keys zai) claude; }\n",
     "export ANTHROPIC_BASE_URL={u}\na() { ANTHROPIC_AUTH_TOKEN= claude; }\n"
     "b() { ANTHROPIC_AUTH_TOKEN=$(my-keys zai) claude; }\n"),
    ("export ANTHROPIC_BASE_URL={u}\nexport ANTHROPIC_AUTH_TOKEN={t}\nl() {\n"
     "\tANTHROPIC_BASE_URL=http://localhost:11434 ANTHROPIC_AUTH_TOKEN=ollama claude\n}\n",
     "# ccrun: ANTHROPIC_BASE_URL went with its key (ccrun zai)\n"
     "# ccrun: ANTHROPIC_AUTH_TOKEN moved into the vault (ccrun zai)\nl() {\n"
     "\tANTHROPIC_BASE_URL=http://localhost:11434 ANTHROPIC_AUTH_TOKEN=ollama claude\n}\n"),
]


@pytest.mark.parametrize("before,after", ADDRESSES, ids=["lines", "an alias", "another key needs it", "another address"])
def test_a_keys_address_goes_with_it(h, before, after):
    h.write(".bashrc", before.replace("{t}", h.key("t")).replace("{u}", ZAI))
    scrub(h)
    assert (h.home / ".bashrc").read_text() == after.replace("{u}", ZAI)
    assert h.get("zai") == h.made["t"]


def test_an_address_in_another_file_goes_too(h):
    h.write(".bashrc", f"export ANTHROPIC_AUTH_TOKEN={h.key('t')}\n. ~/.claude-env\n")
    h.write(".claude-env", f"export ANTHROPIC_BASE_URL={ZAI}\nexport A=b\n")
    scrub(h)
    assert h.get("zai") == h.made["t"]
    assert (h.home / ".claude-env").read_text() == ("# ccrun: ANTHROPIC_BASE_URL went with its key (ccrun zai)\n"
                                                    "export A=b\n")


@pytest.mark.parametrize("before,after", SHELL, ids=range(len(SHELL)))
def test_shell_lines(h, before, after):
    before = before.replace("{t}", h.key("t"))
    path = h.home / ".bashrc"
    h.write(".bashrc", "")
    path.write_bytes(before.encode())
    scrub(h)
    assert path.read_bytes().decode() == after
    assert h.get("anthropic") == h.made["t"] and not h.leaks()
    if "foo" not in before:
        assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
    kept = list((h.state / "ccrun/import").iterdir())
    assert len(kept) == 1
    assert kept[0].read_bytes().decode() == before.replace(h.made["t"], "CCRUN-REMOVED")


def test_fish(h):
    h.write(".config/fish/config.fish", "if status is-interactive\n"
            f"    set -gx ANTHROPIC_API_KEY {h.key('t')}\nend\nset -x B 1; set -gx ZAI_API_KEY \"{h.key('z')}\"\n")
    scrub(h)
    assert (h.home / ".config/fish/config.fish").read_text() == (
        "if status is-interactive\n    : # ccrun: ANTHROPIC_API_KEY moved into the vault (ccrun anthropic)\nend\n"
        "set -x B 1; set -gx ZAI_API_KEY \n")
    assert h.get("zai") == h.made["z"] and not h.leaks()


JSON = [
    ('{"env": {"ANTHROPIC_API_KEY": "{t}"}}', '{"env": {}}'),
    ('{"env":{"A":"1","ANTHROPIC_API_KEY":"{t}"}}', '{"env":{"A":"1"}}'),
    ('{\n  "env": {\n    "ANTHROPIC_API_KEY": "{t}",\n    "A": "1"\n  },\n  "x": [1, {"env": 2}]\n}\n',
     '{\n  "env": {\n    "A": "1"\n  },\n  "x": [1, {"env": 2}]\n}\n'),
    ('{\n  "env": {\n    "A": "{,}[",\n    "ANTHROPIC_API_KEY": "{t}"\n  }\n}\n',
     '{\n  "env": {\n    "A": "{,}["\n  }\n}\n'),
    ('{"permissions": {"allow": ["Bash(curl -H \'x-api-key: {t}\' *)"]}, "env": {"ANTHROPIC_API_KEY" : "{t}" , "Z" : "\\u00fc"}}',
     '{"permissions": {"allow": ["Bash(curl -H \'x-api-key: CCRUN-REMOVED\' *)"]}, "env": {"Z" : "\\u00fc"}}'),
    ('{"env": {"ANTHROPIC_AUTH_TOKEN": "{t}", "ANTHROPIC_API_KEY": "{t}"}}', '{"env": {}}'),
]


@pytest.mark.parametrize("before,after", JSON, ids=range(len(JSON)))
def test_settings_members(h, before, after):
    path = h.write(".claude/settings.json", before.replace("{t}", h.key("t", "sk-ant-api03-")))
    scrub(h)
    assert path.read_text() == after
    assert h.get("anthropic") == h.made["t"] and not h.leaks()


def test_a_token_written_with_escapes(h):
    key = h.key("t")
    path = h.write(".claude/settings.json", '{"env": {"ANTHROPIC_API_KEY": "' +
                   "".join(f"\\u{ord(c):04x}" for c in key) + '", "B": "1"}}')
    scrub(h)
    assert path.read_text() == '{"env": {"B": "1"}}' and h.get("anthropic") == key


# ---- the file itself ---------------------------------------------------

def test_mode_owner_and_links_are_kept(h):
    real = h.write("dotfiles/bashrc", f"export ANTHROPIC_API_KEY={h.key('t')}\n", 0o640)
    (h.home / ".bashrc").symlink_to("dotfiles/bashrc")
    script = h.write("bin/c", f"#!/bin/sh\nexport ANTHROPIC_API_KEY={h.made['t']}\nexec claude\n", 0o755)
    h.own()
    owner = (real.stat().st_uid, real.stat().st_gid)
    scrub(h)
    assert (h.home / ".bashrc").is_symlink() and os.readlink(h.home / ".bashrc") == "dotfiles/bashrc"
    assert (real.stat().st_mode & 0o7777, script.stat().st_mode & 0o7777) == (0o640, 0o755)
    assert (real.stat().st_uid, real.stat().st_gid) == owner
    assert not h.leaks()
    assert sorted(p.name for p in (h.home / "dotfiles").iterdir()) == ["bashrc"]


def test_hard_links_and_git_are_warned_about(h):
    path = h.write(".bashrc", f"export ANTHROPIC_API_KEY={h.key('t')}\n")
    os.link(path, h.home / "second-name")
    repo = h.home / "repo"
    h.write(repo / ".envrc", f"export ZAI_API_KEY={h.key('z')}\n")
    h.write(repo / ".env", f"export OPENROUTER_API_KEY={h.key('o')}\n")
    h.own()
    for words in (["init", "-q"], ["add", ".envrc"]):
        r = h.run(["git", "-C", repo, *words])
        assert r.rc == 0, r
    r = scrub(h, str(repo), str(path))
    assert "1 other names" in r.out and "git tracks it" in r.out and "inside of a git repository" in r.out
    notes = {f["file"].rpartition("/")[2]: f["note"] for f in h.found(str(repo))["files"]}
    assert set(notes) == {".envrc", ".env"}
    assert "ANTHROPIC_API_KEY moved" in path.read_text()
    assert h.made["t"] in (h.home / "second-name").read_text()


def test_a_directory_that_is_closed(h):
    closed = h.write("closed/keys.sh", f"export ANTHROPIC_API_KEY={h.key('t')}\n")
    (h.home / "closed").chmod(0o500)
    before = closed.read_bytes()
    r = scrub(h, str(closed), rc=1)
    assert closed.read_bytes() == before and "~/closed/keys.sh: " in r.err
    assert h.get("anthropic") == h.made["t"]
    assert list((h.state / "ccrun/import").iterdir()) == [], "a backup of what was not changed"
    (h.home / "closed").chmod(0o700)


def test_the_diff_shows_no_secret_and_the_rest(h):
    h.write(".bashrc", f"export EDITOR=vim\nexport ANTHROPIC_API_KEY={h.key('t')}\n")
    out = scrub(h).out
    assert f"-export ANTHROPIC_API_KEY=****{h.made['t'][-4:]}\n" in out
    assert "+# ccrun: ANTHROPIC_API_KEY moved into the vault (ccrun anthropic)\n" in out
    assert "EDITOR" not in out


def test_the_diff_drives_no_terminal(h):
    """U+009B begins an escape sequence as ESC [ does."""
    h.write(".bashrc", f"export ANTHROPIC_API_KEY={h.key('t')} A=\u009b2J\x1b]0;x\x7f B=\u00fc\n")
    out = scrub(h).out
    assert not set(out) & {"\u009b", "\x1b", "\x7f"} and "A=?2J?]0;x? B=\u00fc" in out


def one_settings(h):
    [key] = h.found()["keys"]
    return key["settings"]


def test_what_is_set_to_the_key_too_is_in_no_file_afterwards(h):
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL=https://gw.example.test ANTHROPIC_AUTH_TOKEN={h.key('t')}\n"
            "export CLAUDE_CODE_NAME=$ANTHROPIC_AUTH_TOKEN\nexport CLAUDE_CODE_OTHER=\"x-$ANTHROPIC_AUTH_TOKEN\"\n"
            f"export CLAUDE_CODE_THIRD=\"Bearer {h.made['t'][:20]}\" ANTHROPIC_MODEL=m\n")
    assert one_settings(h) == {"ANTHROPIC_MODEL": "m"}
    scrub(h)
    assert h.get("example") == h.made["t"] and not h.leaks()


# ---- everything at once ------------------------------------------------

def every_kind(h):
    """A home with every kind of leak."""
    t = h.key
    h.program("op")
    h.write(".local/bin/zai", (FIXTURES / "zai").read_text(), 0o755)
    h.write(".bashrc", f"export OPENROUTER_API_KEY={t('or', 'sk-or-v1-')}\n# export ANTHROPIC_API_KEY={t('old', 'sk-ant-api03-')}\n"
            f"alias cz='ANTHROPIC_BASE_URL=https://one.example.com ANTHROPIC_AUTH_TOKEN={t('alias')} claude'\n"
            f"export ANTHROPIC_AUTH_TOKEN=\"$(cat ~/keys/two)\"\n")
    h.write("keys/two", t("keyfile") + "\n")
    h.write(".zshrc", f"two() {{\n  ANTHROPIC_BASE_URL=https://two.example.org ANTHROPIC_AUTH_TOKEN='{t('zsh')}' claude \"$@\"\n}}\n")
    h.write(".config/fish/config.fish", f"set -gx CLAUDE_CODE_OAUTH_TOKEN {t('oauth', 'sk-ant-oat01-')}\n")
    h.write("work/.envrc", f"export AWS_BEARER_TOKEN_BEDROCK={t('aws')}\n")
    h.write("bin/gw", f"#!/bin/sh\nexport ANTHROPIC_BASE_URL=https://gw.corp.example\nexport ANTHROPIC_AUTH_TOKEN={t('gw')}\nexec claude \"$@\"\n", 0o755)
    h.settings({"env": {"ANTHROPIC_API_KEY": t("json", "sk-ant-api03-")}})
    h.settings({"env": {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "ANTHROPIC_AUTH_TOKEN": t("project")}}, "local")
    h.write(".ccs/km.settings.json", json.dumps({"env": {"ANTHROPIC_BASE_URL": "https://api.kimi.com/coding/", "ANTHROPIC_AUTH_TOKEN": t("km")}}))
    h.write(".ccm_config", f"GLM_API_KEY={t('glm')}\n")
    # what was written down of them elsewhere
    k = h.made
    h.write(".bash_history", f"ls\nexport OPENROUTER_API_KEY={k['or']}\ncd\n")
    h.write(".zsh_history", f": 1700000000:0;ANTHROPIC_AUTH_TOKEN={k['zsh']} claude\n")
    h.write(".local/share/fish/fish_history", f"- cmd: set -gx CLAUDE_CODE_OAUTH_TOKEN {k['oauth']}\n")
    h.write(".bashrc~", f"export OPENROUTER_API_KEY={k['or']}\n")
    h.write(".bashrc.bak", f"export OPENROUTER_API_KEY={k['or']}\n")
    h.write("bin/.gw.swp", "b0VIM\0\0" + k["gw"] + "\0" * 300 + k["gw"][5:30])
    h.write(".ccs/backups/km.settings.json", k["km"])
    h.write(".ccs/logs/a.log", "x" * 300_000 + k["km"] + "\n")
    h.write(".claude/shell-snapshots/snapshot-zsh-1.sh", f"two () {{ ANTHROPIC_AUTH_TOKEN='{k['zsh']}' claude }}\n")
    h.write(".claude/projects/-home/x.jsonl", json.dumps({"message": k["json"]}) + "\n")
    h.approve_key(k["json"])
    h.own()


def test_after_an_import_no_piece_of_any_key_is_anywhere(h):
    every_kind(h)
    assert len({x.partition(":")[0] for x in h.leaks()}) == len(h.made)
    r = scrub(h, "--history")
    assert not h.leaks(), r
    entries = [e["name"] for e in json.loads(h.ccctl("keys", "--json").out)]
    assert {h.get(e) for e in entries} >= set(h.made.values())
    for path in (".bashrc", ".zshrc", "bin/gw", ".local/bin/zai"):
        assert subprocess.run(["bash", "-n", h.home / path], check=False).returncode == 0
    json.loads((h.home / ".claude.json").read_text())
    assert len((h.home / ".ccs/logs/a.log").read_text()) == 300_000 + len(h.made["km"]) + 1
    again = h.found()
    assert {k["state"] for k in again["keys"]} <= {"same", "left"} and again["leftovers"] == []


def test_a_scrubbed_script_is_named_with_what_makes_it_anew(h):
    key = f"ANTHROPIC_AUTH_TOKEN={h.key('t')}\n"
    h.write("bin/claude-two", "#!/bin/sh\nexport ANTHROPIC_BASE_URL=https://two.example.org\nexport " + key + "exec claude \"$@\"\n", 0o755)
    said = scrub(h, "--history").err
    assert "note: ~/bin/claude-two starts claude without its key now: ccctl link claude-two example makes that command anew\n" in said
    assert "no piece of these keys was found in histories" in said and "what started claude with these keys" not in said
    h.write(".bashrc", "alias two='ANTHROPIC_BASE_URL=https://two.example.org " + key.strip() + " claude'\n")
    h.write(".bash_history", h.made["t"] + "\n")
    said = scrub(h, "--history").err
    assert "what started claude with these keys" in said and "no piece" not in said and "claude-two" not in said


def test_leftovers_are_named_and_kept_without_the_word(h):
    every_kind(h)
    paths = [".bash_history", ".zsh_history", ".local/share/fish/fish_history", ".bashrc~", ".bashrc.bak", "bin/.gw.swp",
             ".ccs/backups/km.settings.json", ".ccs/logs/a.log", ".claude/shell-snapshots/snapshot-zsh-1.sh",
             ".claude/projects/-home/x.jsonl", ".claude.json"]
    before = h.bytes_of(*paths)
    r = scrub(h)
    assert h.bytes_of(*paths) == before
    for path in paths:
        assert f"~/{path}: has pieces of a key" in r.err, r.err
    h.imp("--scrub", "--yes", "--history")
    assert h.bytes_of(*paths) == before, "the files that told which keys to look for have none any more"


def test_a_short_key_is_taken_out_of_its_place_alone(h):
    """A word of few characters stands in other places for other reasons."""
    h.write(".bashrc", "export ANTHROPIC_BASE_URL=https://gw.acme.example\nexport ANTHROPIC_AUTH_TOKEN=letmein9\n"
            "alias letmein9='true letmein9'\n")
    r = scrub(h, "--history")
    assert "letmein9" not in r.out.partition("---")[2].partition("+#")[0]
    assert "alias letmein9='true letmein9'" in (h.home / ".bashrc").read_text()
    assert "AUTH_TOKEN=" not in (h.home / ".bashrc").read_text() and h.get("acme") == "letmein9"


# ---- when it goes wrong ------------------------------------------------

@pytest.fixture(scope="module")
def stop(tmp_path_factory):
    lib = tmp_path_factory.mktemp("stop") / "stop.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-U_FORTIFY_SOURCE", "-o", lib, FIXTURES / "stop.c"], check=True)
    for p in (lib, *lib.parents[:3]):
        p.chmod(0o755)
    return lib


def three(h):
    h.write(".bashrc", f"export EDITOR=vim\nexport OPENROUTER_API_KEY={h.key('or')}\n")
    h.settings({"env": {"ANTHROPIC_BASE_URL": "https://x.example.org", "ANTHROPIC_AUTH_TOKEN": h.key("x"), "A": "1"}})
    h.write(".bash_history", f"export OPENROUTER_API_KEY={h.made['or']}\n")
    return h.bytes_of(".bashrc", ".claude/settings.json")


def whole(h, before, entry, path, token):
    """The file is the old one, or one without the key that the vault has."""
    now = (h.home / path).read_bytes()
    if now == before[path]:
        return False
    assert token.encode() not in now and h.get(entry) == token, path
    assert b"EDITOR=vim" in now if path == ".bashrc" else json.loads(now)["env"]["A"] == "1"
    return True


def test_killed_at_every_step(h, stop):
    """Every change to a file that an import makes, killed in its place; and then
    the same command finishes what was begun."""
    steps = changed = 0
    while True:
        steps += 1
        before = three(h)
        r = h.ccctl("import", "--scrub", "--yes", "--history",
                    env={"LD_PRELOAD": stop, "CCRUN_TEST_STOP": steps})
        killed = r.rc not in (0, 1)
        assert killed or r.rc == 0, r
        for entry, path, name in (("openrouter", ".bashrc", "or"), ("example", ".claude/settings.json", "x")):
            changed += killed and whole(h, before, entry, path, h.made[name])
        # Whatever was left lying there holds no key.
        assert not h.leaks(skip=[h.home / p for p in (*before, ".bash_history")])
        scrub(h, "--history")
        assert h.get("openrouter") == h.made["or"] and h.get("example") == h.made["x"]
        assert not h.leaks(skip=[h.home / ".bash_history"])
        for entry in ("openrouter", "example"):
            assert h.ccctl("rm", "-y", entry).rc == 0
        shutil.rmtree(h.config / "ccrun", ignore_errors=True)
        if not killed:
            break
    assert steps > 15 and changed > 5, (steps, changed)


@pytest.mark.parametrize("ignored", [True, False])
def test_no_room_for_a_file(h, ignored):
    """RLIMIT_FSIZE at every size that cuts one of the files, as an error and as a signal."""
    for size in (0, 1, 20, 40, 60, 80, 100, 140, 180, 220):
        before = three(h)
        argv = ["env", "--ignore-signal=XFSZ"] if ignored else []
        r = h.run([*argv, "prlimit", f"--fsize={size}", CCCTL, "import", "--scrub", "--yes"])
        assert r.rc != 0 or not h.leaks(skip=[h.home / ".bash_history"]), r
        for entry, path, name in (("openrouter", ".bashrc", "or"), ("example", ".claude/settings.json", "x")):
            whole(h, before, entry, path, h.made[name])
        assert not h.leaks(skip=[h.home / p for p in (*before, ".bash_history")])
        scrub(h)
        assert h.get("openrouter") == h.made["or"] and h.get("example") == h.made["x"]
        for entry in ("openrouter", "example"):
            assert h.ccctl("rm", "-y", entry).rc == 0
        shutil.rmtree(h.config / "ccrun", ignore_errors=True)


def test_a_vault_that_cannot_be_written_costs_no_key(h):
    before = three(h)
    vault = h.data / "ccrun"
    vault.chmod(0o500)
    try:
        h.imp("--scrub", "--yes", rc=1)
        assert h.bytes_of(*before) == before
    finally:
        vault.chmod(0o700)
    scrub(h)
    assert h.get("openrouter") == h.made["or"]


def test_a_file_that_changes_meanwhile_is_left(h):
    import pexpect  # pylint: disable=import-outside-toplevel
    path = h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('t')}\n")
    argv = h.argv([CCCTL, "import", "--scrub"])
    child = pexpect.spawn(argv[0], argv[1:], env=h.env(), cwd=str(h.cwd), timeout=20)
    child.expect_exact("in the vault?")
    child.sendline("y")
    child.expect_exact("change ~/.bashrc so?")
    text = path.read_text() + "export NEW=1\n"
    path.write_text(text)
    child.sendline("y")
    child.expect_exact("it was changed meanwhile")
    child.expect(pexpect.EOF)
    child.close()
    assert path.read_text() == text and child.exitstatus == 1
