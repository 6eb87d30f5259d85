"""ccctl import: the places where other programs keep keys.  Each is taken over, or named
with the reason; none is passed in silence."""
import ctypes
import json
import os
import sqlite3

import pytest

from ccrun import CCCTL
from dialogue import done, talk
from leaks import Home

ZAI = "https://api.z.ai/api/anthropic"


@pytest.fixture
def h():
    with Home() as home:
        home.init()
        yield home


def cc_switch_db(h, providers, path=".cc-switch/cc-switch.db", wal=False):
    """A database as cc-switch 3.8 and later make it; the connection, which still holds it."""
    h.write(path, "")
    db = sqlite3.connect(h.home / path)
    if wal:
        db.execute("PRAGMA journal_mode=WAL")
    db.executescript("""
        CREATE TABLE providers (id TEXT NOT NULL, app_type TEXT NOT NULL, name TEXT NOT NULL,
            settings_config TEXT NOT NULL, website_url TEXT, category TEXT, created_at INTEGER,
            sort_index INTEGER, notes TEXT, icon TEXT, icon_color TEXT, meta TEXT NOT NULL DEFAULT '{}',
            is_current BOOLEAN NOT NULL DEFAULT 0, PRIMARY KEY (id, app_type));
        CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT);""")
    for i, (app, name, settings) in enumerate(providers):
        db.execute("INSERT INTO providers (id, app_type, name, settings_config) VALUES (?, ?, ?, ?)",
                   (str(i), app, name, settings if isinstance(settings, str) else json.dumps(settings)))
    db.commit()
    return db


def env(url, token, **more):
    return {"env": {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": token, **more}}


# ---- beside a key ----

def test_what_stands_beside_a_key_and_is_not_taken_over_is_named(h):
    token = h.key("gw")
    h.write(".local/bin/gw", f"""#!/bin/sh
export ANTHROPIC_BASE_URL=https://gw.example.com ANTHROPIC_AUTH_TOKEN={token}
export ANTHROPIC_CUSTOM_HEADERS='x-team: {h.key("header")}'
export ANTHROPIC_BETAS=context-1m-2025-08-07 VERTEX_REGION_CLAUDE_4_0_SONNET=us-east5
export ANTHROPIC_MODEL=big CLAUDE_CODE_EXTRA_BODY='a;b'
exec claude "$@"
""", 0o755)
    r = h.imp("--yes")
    for name, hint in (("ANTHROPIC_CUSTOM_HEADERS", "[headers]"), ("ANTHROPIC_BETAS", "[betas]"),
                       ("VERTEX_REGION_CLAUDE_4_0_SONNET", "[regions]"), ("CLAUDE_CODE_EXTRA_BODY", "no line of")):
        assert next(line for line in r.out.splitlines() if f"left: {name} " in line).count(hint) == 1, r.out
    assert "    ANTHROPIC_MODEL = big\n" in r.out
    account = json.loads(h.imp("--json", "--yes").out)["keys"][0]
    assert account["left"] == ["ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_BETAS", "VERTEX_REGION_CLAUDE_4_0_SONNET",
                               "CLAUDE_CODE_EXTRA_BODY"]


# ---- cc-switch ---------------------------------------------------------

def test_no_row_of_a_database_goes_into_a_file(h):
    """More than SQLite sorts in its cache, where it could write a temporary file."""
    tmp = h.home / "tmp"
    tmp.mkdir()
    cc_switch_db(h, [("claude", f"n{i:02}", {**env(f"https://api.x{i}.test", h.key(f"k{i}")), "pad": "y" * 30000})
                     for i in reversed(range(30))]).close()
    libc = ctypes.CDLL(None)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(watch, os.fsencode(tmp), 0x100) > 0  # IN_CREATE
    h.imp("--scrub", "--yes", rc=1, env={"TMPDIR": tmp})  # its file is left to cc-switch
    with pytest.raises(BlockingIOError):
        os.read(watch, 4096)
    os.close(watch)
    assert len(json.loads(h.ccctl("keys", "--json").out)) == 30


def test_the_database_of_cc_switch(h):
    cc_switch_db(h, [
        ("claude", "Zhipu GLM", env(ZAI, h.key("glm"), ANTHROPIC_MODEL="glm-5")),
        ("claude", "DeepSeek", env("https://api.deepseek.com/anthropic", h.key("ds", "sk-"))),
        ("claude", "Claude Official", {"env": {}}),
        ("claude", "Broken", "{"),
        ("codex", "OpenAI", {"auth": {"OPENAI_API_KEY": h.key("codex", "sk-")}}),
    ]).close()
    before = h.bytes_of(".cc-switch/cc-switch.db")
    keys = {k["of"]: k for k in h.found()["keys"]}
    assert sorted(keys) == ["DeepSeek", "Zhipu GLM"]
    assert (keys["Zhipu GLM"]["provider"], keys["Zhipu GLM"]["settings"]) == ("zai", {"ANTHROPIC_MODEL": "glm-5"})
    assert "~/.cc-switch/cc-switch.db (Zhipu GLM)  ANTHROPIC_AUTH_TOKEN" in h.imp("--yes").out
    assert h.get("zai") == h.made["glm"] and h.get("deepseek") == h.made["ds"]
    assert h.bytes_of(*before) == before
    assert os.listdir(h.home / ".cc-switch") == ["cc-switch.db"]


def test_a_database_that_keeps_its_keys_says_how_they_go(h):
    cc_switch_db(h, [("claude", "Zhipu GLM", env(ZAI, h.key("glm")))]).close()
    cc_switch_db(h, [("claude", "Zhipu GLM", env(ZAI, h.made["glm"]))],
                 ".cc-switch/backups/db_backup_20260301_101010.db").close()
    before = h.bytes_of(".cc-switch/cc-switch.db")
    r = h.imp("--yes", "--scrub", "--history", rc=1)
    assert "~/.cc-switch/cc-switch.db: keeps its keys; delete that provider in cc-switch" in r.err
    assert "~/.cc-switch/backups/db_backup_20260301_101010.db: keeps its keys; a copy of cc-switch's: delete it" in r.err
    assert h.bytes_of(*before) == before


def test_while_cc_switch_runs_what_it_wrote_last_is_read(h):
    db = cc_switch_db(h, [("claude", "Zhipu GLM", env(ZAI, h.key("glm")))], wal=True)
    assert (h.home / ".cc-switch/cc-switch.db-wal").stat().st_size > 0
    assert [k["provider"] for k in h.found()["keys"]] == ["zai"]
    h.imp("--yes")
    assert h.get("zai") == h.made["glm"]
    db.close()


def test_a_database_after_a_crash_is_not_read_as_it_was_before(h):
    db = cc_switch_db(h, [("claude", "Zhipu GLM", env(ZAI, h.key("glm")))], wal=True)
    wal = (h.home / ".cc-switch/cc-switch.db-wal").read_bytes()
    db.close()
    (h.home / ".cc-switch/cc-switch.db-wal").write_bytes(wal)
    out = h.imp().out
    assert "cc-switch has not written all of it yet" in out or "glm" in out
    assert os.listdir(h.home / ".cc-switch") != []


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read" * 40,
                                     b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_database_is_named(h, content):
    h.write(".cc-switch/cc-switch.db", "")
    (h.home / ".cc-switch/cc-switch.db").write_bytes(content)
    assert "~/.cc-switch/cc-switch.db  left alone: this is no database of cc-switch" in h.imp().out


def test_a_database_without_an_end_is_left(h):
    h.write(".cc-switch/cc-switch.db", "")
    db = sqlite3.connect(h.home / ".cc-switch/cc-switch.db")
    db.execute("CREATE VIEW providers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
               "SELECT i AS id, CASE WHEN i < 0 THEN 'claude' ELSE 'codex' END AS app_type, 'x' AS name, '{}' AS settings_config FROM n")
    db.close()
    assert "cc-switch.db  left alone: this is no database of cc-switch" in h.imp().out


def test_the_earlier_files_of_cc_switch(h):
    """config.json of its versions 1 and 2, and what it renames it to."""
    h.write(".cc-switch/config.json", json.dumps({"version": 2, "claude": {"current": "a", "providers": {
        "a": {"id": "a", "name": "Zhipu GLM", "settingsConfig": env(ZAI, h.key("glm"))}}},
        "codex": {"providers": {"c": {"settingsConfig": {"auth": {"OPENAI_API_KEY": h.key("codex", "sk-")}}}}}}, indent=2))
    h.write(".cc-switch/config.json.migrated", json.dumps({"providers": {
        "b": {"id": "b", "name": "Kimi", "settingsConfig": env("https://api.kimi.com/coding/", h.key("kimi"))}}, "current": "b"}))
    keys = {k["of"]: k["entry"] for k in h.found()["keys"]}
    assert sorted(keys) == ["Kimi", "Zhipu GLM"]
    h.imp("--yes", "--scrub")
    assert h.get("zai") == h.made["glm"] and h.get(keys["Kimi"]) == h.made["kimi"]
    assert not {f for f in h.leaks() if not f.startswith("codex:")}
    after = json.loads((h.home / ".cc-switch/config.json").read_text())
    assert after["claude"]["providers"]["a"]["settingsConfig"] == env(ZAI, "")


# ---- editors -----------------------------------------------------------

EDITORS = [".config/Code/User/settings.json", ".config/Cursor/User/settings.json",
           ".config/Code/User/profiles/1a2b/settings.json", ".vscode-server/data/Machine/settings.json",
           "work/.vscode/settings.json"]


@pytest.mark.parametrize("path", EDITORS)
def test_the_settings_of_an_editor(h, path):
    text = """// settings, with comments
{
    "editor.fontSize": 13, /* not "claudeCode.environmentVariables": [ */
    "url": "https://example.org//x", // a
    "claudeCode.environmentVariables": [
        {"name": "ANTHROPIC_BASE_URL", "value": "%s"},
        // the key
        {"name": "ANTHROPIC_AUTH_TOKEN", "value": "%s"},
    ],
}
""" % (ZAI, h.key("t"))
    h.write(path, text)
    k, = h.found()["keys"]
    assert (k["provider"], k["line"], k["base_url"]) == ("zai", 8, ZAI)
    h.imp("--yes", "--scrub")
    assert h.get("zai") == h.made["t"] and not h.leaks()
    assert (h.home / path).read_text() == text.replace(h.made["t"], "").replace(ZAI, "")


def test_variables_as_an_object_and_those_of_the_terminal(h):
    h.write(EDITORS[0], json.dumps({"claudeCode.environmentVariables": {"ANTHROPIC_API_KEY": h.key("a", "sk-ant-api03-")},
                                    "terminal.integrated.env.linux": env(ZAI, h.key("t"))["env"]}))
    assert {k["variable"]: k["provider"] for k in h.found()["keys"]} == {
        "ANTHROPIC_API_KEY": "anthropic", "ANTHROPIC_AUTH_TOKEN": "zai"}


def test_settings_that_are_empty_or_damaged(h):
    h.write(EDITORS[0], "")
    assert h.found()["keys"] == [] and h.found()["files"][0]["error"] is None
    h.write(EDITORS[0], "{ /* no end\n")
    assert "left alone: this is no JSON" in h.imp().out


# ---- files that files read ---------------------------------------------

def test_op_run_with_an_env_file(h):
    h.program("op")
    h.write("keys/claude.env", f"ANTHROPIC_AUTH_TOKEN=op://Private/zai/credential\nANTHROPIC_BASE_URL={ZAI}\n")
    h.write(".local/bin/cz", '#!/bin/sh\nexec op run --env-file="$HOME/keys/claude.env" -- claude "$@"\n', 0o755)
    k, = h.found()["keys"]
    assert (k["kind"], k["source"], k["provider"]) == ("source", "op://Private/zai/credential", "zai")
    h.imp("--yes")
    assert "op://Private/zai/credential" in h.ccctl("keys", "--json").out


@pytest.mark.parametrize("line", ["set -a; . ~/keys.env; set +a", "source $HOME/keys.env", '. "$HOME/keys.env"'])
def test_a_wrapper_that_reads_a_file(h, line):
    """The key goes where the wrapper sends it, although the file does not say so."""
    h.write("keys.env", f"ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    h.write("bin/cz", f"#!/bin/sh\n{line}\nexport ANTHROPIC_BASE_URL={ZAI}\nexec claude\n", 0o755)
    k, = h.found()["keys"]
    assert (k["file"], k["provider"]) == (str(h.home / "keys.env"), "zai")
    h.imp("--yes", "--scrub")
    assert h.get("zai") == h.made["t"] and not h.leaks()


def test_two_wrappers_that_send_one_file_to_two_addresses(h):
    h.write("keys.env", f"ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    for name, url in (("a", ZAI), ("b", "https://api.kimi.com/coding/")):
        h.write(f"bin/{name}", f"#!/bin/sh\n. ~/keys.env\nANTHROPIC_BASE_URL={url} claude\nexport ANTHROPIC_BASE_URL={url}\n", 0o755)
    k, = h.found()["keys"]
    assert (k["state"], k["error"]) == ("left", "to which address it goes cannot be told")


@pytest.mark.parametrize("line,path", [("source_env ../shared", "shared/.envrc"), ("source_env_if_exists ../.envrc", ".envrc"),
                                       ("source_up", ".envrc"), ("dotenv ../prod.env", "prod.env"),
                                       ("dotenv", "work/.env")])
def test_what_direnv_reads(h, line, path):
    h.write("work/.envrc", f"{line}\n")
    h.write(path, f"export ANTHROPIC_BASE_URL={ZAI}\nexport ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    k, = h.found(str(h.home / "work"))["keys"]
    assert (k["file"], k["provider"]) == (str(h.home / path), "zai")


@pytest.mark.parametrize("line", ["export $(grep -v '^#' ~/keys.env | xargs)", "export $(cat $HOME/keys.env | xargs)",
                                  "env `cat ~/keys.env` claude", 'env -S "$(cat ~/keys.env)" claude'])
def test_a_file_that_becomes_variables_by_a_command(h, line):
    h.write("keys.env", f"ANTHROPIC_AUTH_TOKEN={h.key('t')}\nANTHROPIC_BASE_URL={ZAI}\n")
    h.write("bin/cz", f"#!/bin/sh\n# runs claude: ANTHROPIC_ variables are in a file\n{line}\nclaude\n", 0o755)
    assert [(k["file"], k["provider"]) for k in h.found()["keys"]] == [(str(h.home / "keys.env"), "zai")]


def test_references_in_an_envrc(h):
    h.program("op")
    h.write("work/.envrc", f"export ANTHROPIC_BASE_URL={ZAI}\nfrom_op ANTHROPIC_AUTH_TOKEN=op://Private/zai/key\n")
    assert [k["source"] for k in h.found(str(h.home / "work"))["keys"]] == ["op://Private/zai/key"]


def test_files_that_read_each_other(h):
    h.write(".bashrc", f". ~/a.sh\nexport ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    h.write("a.sh", f". ~/a.sh\n. ~/.bashrc\nexport ANTHROPIC_BASE_URL={ZAI}\n")
    assert [k["provider"] for k in h.found()["keys"]] == ["zai"]


# ---- fish, nushell, systemd --------------------------------------------

def test_universal_variables_of_fish(h):
    token = h.key("t") + "+/="
    h.made["t"] = token
    h.write(".config/fish/fish_variables", "# This file contains fish universal variable definitions.\n# VERSION: 3.0\n"
            f"SETUVAR --export ANTHROPIC_AUTH_TOKEN:{token[:-3]}\\x2b/\\x3d\n"
            f"SETUVAR --export ANTHROPIC_BASE_URL:https\\x3a//api.z.ai/api/anthropic\nSETUVAR __fish_list:a\\x1eb\n")
    before = h.bytes_of(".config/fish/fish_variables")
    assert [(k["provider"], k["line"]) for k in h.found()["keys"]] == [("zai", 3)]
    r = h.imp("--yes", "--scrub", rc=1)
    assert h.get("zai") == token and "fish_variables: keeps its keys; fish keeps it: set -Ue NAME" in r.err
    assert h.bytes_of(*before) == before


NUSHELL = ["$env.ANTHROPIC_AUTH_TOKEN = \"{t}\"\n$env.ANTHROPIC_BASE_URL = \"{u}\"\n",
           "load-env {{ ANTHROPIC_AUTH_TOKEN: '{t}', ANTHROPIC_BASE_URL: '{u}' }}\n",
           "load-env {{\n  \"ANTHROPIC_BASE_URL\": \"{u}\"\n  \"ANTHROPIC_AUTH_TOKEN\": \"{t}\" # mine\n}}\n",
           "def cz [...rest] {{ with-env {{ANTHROPIC_AUTH_TOKEN: \"{t}\", ANTHROPIC_BASE_URL: \"{u}\"}} {{ ^claude ...$rest }} }}\n",
           "let x = \"it's (\" # '\n$env.KEY = \"{t}\"\n$env.ANTHROPIC_AUTH_TOKEN = $env.KEY\n$env.ANTHROPIC_BASE_URL = {u}\n"]


@pytest.mark.parametrize("form", NUSHELL, ids=range(len(NUSHELL)))
def test_variables_of_nushell(h, form):
    text = form.format(t=h.key("t"), u=ZAI)
    h.write(".config/nushell/env.nu", text)
    k, = h.found()["keys"]
    assert (k["kind"], k["provider"]) == ("token", "zai")
    h.imp("--yes", "--scrub")
    assert h.get("zai") == h.made["t"] and not h.leaks()
    for gone in (h.made["t"], ZAI):
        text = text.replace(f"'{gone}'", '""').replace(f"= {gone}", '= ""').replace(gone, "")
    assert (h.home / ".config/nushell/env.nu").read_text() == text


def test_two_commands_of_nushell_do_not_mix(h):
    h.write(".config/nushell/config.nu", "\n".join(
        f"def {n} [] {{\n  $env.ANTHROPIC_BASE_URL = '{u}'\n  $env.ANTHROPIC_AUTH_TOKEN = '{h.key(n)}'\n  ^claude\n}}"
        for n, u in (("a", ZAI), ("b", "https://api.kimi.com/coding/"))))
    assert [k["base_url"] for k in h.found()["keys"]] == [ZAI, "https://api.kimi.com/coding"]


def test_a_manager_that_nushell_asks(h):
    h.program("op")
    h.write(".config/nushell/env.nu", f"$env.ANTHROPIC_BASE_URL = \"{ZAI}\"\n"
            "$env.ANTHROPIC_AUTH_TOKEN = (op read \"op://Private/zai/key\" | str trim)\n")
    k, = h.found()["keys"]
    assert (k["kind"], k["source"], k["provider"]) == ("source", "op://Private/zai/key", "zai")


UNITS = ["[Service]\nEnvironment=ANTHROPIC_AUTH_TOKEN={t} ANTHROPIC_BASE_URL={u}\nExecStart=claude\n",
         "[Service]\nEnvironment=\"ANTHROPIC_AUTH_TOKEN={t}\" \"X=a b\"\nEnvironment='ANTHROPIC_BASE_URL={u}'\n",
         "[Service]\nEnvironment = A=b \\\n  ANTHROPIC_BASE_URL={u} \\\n  ANTHROPIC_AUTH_TOKEN={t}\n"]


@pytest.mark.parametrize("path", [".config/systemd/user/claude.service", ".config/systemd/user/claude.service.d/key.conf"])
@pytest.mark.parametrize("form", UNITS, ids=range(len(UNITS)))
def test_a_unit_of_systemd(h, form, path):
    text = form.format(t=h.key("t"), u=ZAI)
    h.write(path, text)
    assert [k["provider"] for k in h.found()["keys"]] == ["zai"]
    h.imp("--yes", "--scrub")
    assert h.get("zai") == h.made["t"] and not h.leaks()
    assert (h.home / path).read_text() == text.replace(h.made["t"], "").replace(ZAI, "")


def test_the_environment_file_of_a_unit(h):
    h.write(".config/systemd/user/claude.service", "[Service]\nEnvironmentFile=-%h/etc/claude\n")
    h.write("etc/claude", f"ANTHROPIC_AUTH_TOKEN={h.key('t')}\nANTHROPIC_BASE_URL={ZAI}\n")
    assert [(k["file"], k["provider"]) for k in h.found()["keys"]] == [(str(h.home / "etc/claude"), "zai")]


def test_environment_d(h):
    h.write(".config/environment.d/50-claude.conf", f"ANTHROPIC_BASE_URL={ZAI}\nANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    h.imp("--yes", "--scrub")
    assert h.get("zai") == h.made["t"] and not h.leaks()


# ---- other switchers ---------------------------------------------------

def test_keys_of_claude_code_router(h):
    h.write(".claude-code-router/config.json", json.dumps({"Providers": [
        {"name": "openrouter", "api_base_url": "https://openrouter.ai/api/v1/chat/completions", "api_key": h.key("or", "sk-or-v1-"), "models": []},
        {"name": "mine", "api_base_url": "https://llm.example.org/v1/chat/completions", "api_key": h.key("mine"), "models": []}]}))
    keys = {k["of"]: k for k in h.found()["keys"]}
    assert keys["openrouter"]["provider"] == "openrouter"
    assert keys["mine"]["state"] == "left" and "not known to speak the Messages API" in keys["mine"]["error"]
    h.imp("--yes")
    assert h.get("openrouter") == h.made["or"]


def test_what_holds_a_login_is_named(h):
    token = h.key("login", "sk-ant-oat01-")
    for path in (".ccs/instances/work/.credentials.json", ".ccs/cliproxy/auth/codex-me.json", ".cli-proxy-api/gemini.json"):
        h.write(path, json.dumps({"access_token": token}))
    out = h.imp().out
    assert out.count("left alone: a login") == 3
    assert json.loads(h.ccctl("keys", "--json").out) == []


# ---- a repository ------------------------------------------------------

EVIL = "https://evil.example.test"


def sealed(h):
    return {e["name"]: e["origin"] for e in json.loads(h.ccctl("keys", "--json").out)}


@pytest.mark.parametrize("theirs, mine", [
    ("export ANTHROPIC_BASE_URL={evil}\n", "export ANTHROPIC_API_KEY={t}\n"),
    ("export ANTHROPIC_BASE_URL={evil}\n. ~/more.sh\n", "export ANTHROPIC_API_KEY={t}\n")])
def test_a_repository_s_address_is_for_no_key_of_another_file(h, theirs, mine):
    h.write("work/.envrc", theirs.format(evil=EVIL))
    h.write("more.sh" if "more" in theirs else ".bashrc", mine.format(t=h.key("t", "sk-ant-api03-")))
    h.imp("--yes", "--scrub")
    assert sealed(h) == {"anthropic": "api-key https://api.anthropic.com"}


@pytest.mark.parametrize("value", ["$(cat ~/keys/mine)", "$MINE", "${MINE}"])
def test_a_repository_gets_no_value_of_another_file(h, value):
    h.write("work/.envrc", f"export ANTHROPIC_BASE_URL={EVIL} ANTHROPIC_MODEL=$MINE\nexport ANTHROPIC_AUTH_TOKEN=\"{value}\"\n")
    h.write("keys/mine", h.key("t") + "\n")
    h.write(".bashrc", f"export MINE={h.made['t']}\n")
    before = h.bytes_of("keys/mine", ".bashrc")
    [key] = h.found()["keys"]
    assert (key["kind"], key["state"], key["settings"]) == ("malformed", "left", {}) and "no file of this directory" in key["error"]
    h.imp("--yes", "--scrub")
    assert sealed(h) == {} and h.bytes_of(*before) == before
    # who names both means both
    if value == "$MINE":
        assert [k["kind"] for k in h.found(str(h.home / ".bashrc"), str(h.home / "work/.envrc"))["keys"]] == ["token"]
    # its own file is its own
    h.write("work/key", h.key("own") + "\n")
    h.write("work/.envrc", f"export ANTHROPIC_BASE_URL={EVIL} ANTHROPIC_AUTH_TOKEN=$(cat {h.home}/work/key)\n")
    h.imp("--yes")
    assert sealed(h) == {"example": f"bearer {EVIL}"}


def test_a_repository_says_nothing_of_an_address_of_another_file(h):
    h.write("work/.envrc", f"export GATEWAY={EVIL}\n")
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL=$GATEWAY ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    h.imp("--yes")
    assert sealed(h) == {}


def test_a_repository_s_reference_is_for_what_ships_or_is_asked_about(h):
    h.program("op")
    h.write("work/.env", f"ANTHROPIC_BASE_URL={EVIL}\nANTHROPIC_AUTH_TOKEN=op://Private/Bank/password\n")
    r = h.imp("--yes", rc=1)
    assert sealed(h) == {} and EVIL in r.err and "ccctl add example" in r.err
    assert not (h.config / "ccrun/providers/example.conf").exists()
    h.write("work/.env", f"ANTHROPIC_BASE_URL={ZAI}\nANTHROPIC_AUTH_TOKEN=op://Private/z.ai/key\n")
    h.imp("--yes")
    assert sealed(h) == {"zai": f"bearer {ZAI}"}


def test_a_reference_goes_to_whoever_listens_on_a_port_only_if_that_is_agreed_to(h):
    """A session can write both: the answer to a shipped question, and the reference beside it."""
    h.program("op")
    h.write(".config/ccrun/providers/litellm.conf", "[parameters]\nurl = http://localhost:4000\nmodel = m\n", 0o600)
    h.write("work/.env", "ANTHROPIC_BASE_URL=http://localhost:4000\nANTHROPIC_AUTH_TOKEN=op://Private/Bank/password\n")
    r = h.imp("--yes", rc=1)
    assert "    to http://localhost:4000\n" in r.out
    assert sealed(h) == {} and "http://localhost:4000, where whoever listens is given it" in r.err
    for answer, rc in ("n", 1), ("y", 0):
        p = talk(h, CCCTL, "import")
        p.expect_exact("store 1 key in the vault?")
        p.sendline("y")
        p.expect_exact("to whoever listens there")
        p.expect_exact("seal it for that?")
        p.sendline(answer)
        done(p, rc)
    assert sealed(h) == {"litellm": "bearer http://localhost:4000"}


def test_a_file_names_nobody_who_gets_what_a_reference_leads_to(h):
    """An answer of the file's makes a tenant's address of a shipped one; a region does not."""
    h.program("op")
    tenant = "https://evil-tenant.services.ai.azure.com/anthropic"
    h.write("work/.env", f"ANTHROPIC_BASE_URL={tenant}\nANTHROPIC_API_KEY=op://Private/Bank/password\n")
    r = h.imp("--yes", rc=1)
    assert sealed(h) == {} and f"-> {tenant}" in r.err
    h.write("work/.env", "AWS_REGION=eu-west-1\nAWS_BEARER_TOKEN_BEDROCK=op://Private/Bedrock/key\n")
    h.imp("--yes")
    assert sealed(h) == {"bedrock": "bedrock https://bedrock-runtime.eu-west-1.amazonaws.com"}


def test_a_repository_s_command_has_no_manager_run_a_program(h):
    h.program("gpg")
    h.write("work/.envrc", f"export ANTHROPIC_BASE_URL={ZAI}\n"
                           'export ANTHROPIC_AUTH_TOKEN="$(gpg --agent-program ./agent -d k.gpg)"\n')
    assert "not imported" in h.imp("--yes").out and sealed(h) == {}


def linked(h, path, text):
    """A link of that name in the working directory, to a file of the repository above it."""
    h.write("work/shared/theirs", text)
    link = h.cwd / "sub" / path
    link.parent.mkdir(parents=True)
    link.symlink_to(h.cwd / "shared/theirs")
    return h.cwd / "sub"


def named_from(h, path, text):
    h.write("work/shared/theirs", text)
    h.write(f"work/sub/{path}", "source ../shared/theirs\n")
    return h.cwd / "sub"


@pytest.mark.parametrize("path, lead", [(".envrc", linked), (".env", linked), (".claude/settings.json", linked),
                                        (".vscode/settings.json", linked), (".envrc", named_from)])
def test_what_a_repository_leads_to_is_not_the_persons(h, path, lead):
    """By a link, or by a file of its that reads another; in a directory of a larger one."""
    h.write(".bashrc", f"export MINE={h.key('t', 'sk-ant-api03-')}\n")
    variables = {"ANTHROPIC_BASE_URL": EVIL, "ANTHROPIC_AUTH_TOKEN": "$MINE" if path.startswith(".env") else "${MINE}"}
    text = (json.dumps({"env": variables}) if ".claude" in path else
            json.dumps({"claudeCode.environmentVariables": variables}) if ".vscode" in path else
            "".join(f"export {k}={v}\n" for k, v in variables.items()))
    cwd = lead(h, path, text)
    assert [(k["kind"], k["state"]) for k in h.found(cwd=cwd)["keys"]] in ([("malformed", "left")], [])
    h.imp("--yes", cwd=cwd)
    assert sealed(h) == {}


@pytest.mark.parametrize("lead", [linked, named_from])
def test_what_a_repository_leads_to_says_no_address(h, lead):
    h.write(".bashrc", f"export ANTHROPIC_API_KEY={h.key('t', 'sk-ant-api03-')}\n")
    h.imp("--yes", cwd=lead(h, ".envrc", f"export ANTHROPIC_BASE_URL={EVIL}\n"))
    assert sealed(h) == {"anthropic": "api-key https://api.anthropic.com"}


def test_a_repository_s_link_to_a_file_of_yours_has_its_address_nowhere(h):
    h.write("secrets/zai", f"export ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    h.write("work/.env", f"ANTHROPIC_BASE_URL={EVIL}\n")
    (h.cwd / ".envrc").symlink_to(h.home / "secrets/zai")
    h.imp("--yes")
    assert EVIL not in str(sealed(h))


def test_two_repositories_say_nothing_of_each_other(h):
    h.write("work/one/.env", f"ANTHROPIC_BASE_URL={EVIL}\n")
    h.write("work/two/.env", f"ANTHROPIC_API_KEY={h.key('t', 'sk-ant-api03-')}\n")
    h.imp("--yes", str(h.cwd / "one"), str(h.cwd / "two"))
    assert sealed(h) == {"anthropic": "api-key https://api.anthropic.com"}


def test_what_is_named_by_itself_is_yours_also_after_its_directory(h):
    h.write("work/.envrc", f"export ANTHROPIC_BASE_URL={EVIL} ANTHROPIC_AUTH_TOKEN=$MINE\n")
    h.write(".bashrc", f"export MINE={h.key('t')}\n")
    h.imp("--yes", str(h.cwd), str(h.home / ".bashrc"))
    assert sealed(h) == {}
    h.imp("--yes", str(h.cwd), str(h.cwd / ".envrc"), str(h.home / ".bashrc"))
    assert sealed(h) == {"example": f"bearer {EVIL}"}


# ---- what stands in a key's place --------------------------------------

def test_a_switchers_word_for_its_own_proxy_is_no_key(h):
    """cc-switch and ccs write it where a key was when their proxy takes over."""
    for path, url, word in ((".claude/settings.json", "http://127.0.0.1:15721", "PROXY_MANAGED"),
                            (".ccs/gemini.settings.json", "http://127.0.0.1:8317", "ccs-internal-managed")):
        h.write(path, json.dumps(env(url, word)))
    cc_switch_db(h, [("claude", "default", env("http://127.0.0.1:15721", "PROXY_MANAGED")),
                     ("claude", "GLM", env(ZAI, h.key("glm")))]).close()
    assert [k["of"] for k in h.found()["keys"]] == ["GLM"]


@pytest.mark.parametrize("form", ["$DEEPSEEK_API_KEY", "${DEEPSEEK_API_KEY}"])
def test_a_variable_that_claude_code_router_reads(h, form):
    h.write(".claude-code-router/config.json", json.dumps({"Providers": [
        {"name": "deepseek", "api_base_url": "https://api.deepseek.com/chat/completions", "api_key": form, "models": []}]}))
    key, = h.found()["keys"]
    assert key["state"] == "left", key
    assert "DEEPSEEK_API_KEY  $(...)  not imported: where it comes from cannot be told" in h.imp().out
    h.write(".bashrc", f"export DEEPSEEK_API_KEY={h.key('ds', 'sk-')}\n")
    before = h.bytes_of(".claude-code-router/config.json")
    assert {(k["of"], k["written_in"], k["provider"]) for k in h.found()["keys"]} == {
        (None, str(h.home / ".bashrc"), "deepseek"), ("deepseek", str(h.home / ".bashrc"), "deepseek")}
    h.imp("--yes", "--scrub")
    assert h.get("deepseek") == h.made["ds"] and not h.leaks()
    assert h.bytes_of(*before) == before


def test_a_key_beside_an_empty_variable_of_cc_switch(h):
    """Its form took the key, and its own test passes; claude alone is refused."""
    cc_switch_db(h, [
        ("claude", "Kimi For Coding", {"apiKey": h.key("kimi", "sk-kimi-"), **env("https://api.kimi.com/coding/", "")}),
        ("claude", "Both", {"apiKey": h.key("old", "sk-"), **env(ZAI, h.key("glm"))}),
        ("claude", "None", {"apiKey": "", **env("https://api.deepseek.com/anthropic", "")})]).close()
    h.write(".cc-switch/config.json", json.dumps({"providers": {"1": {"name": "DS", "settingsConfig": {
        "apiKey": h.key("ds", "sk-"), **env("https://api.deepseek.com/anthropic", "")}}}}))
    assert {k["of"]: k["provider"] for k in h.found()["keys"]} == {
        "Kimi For Coding": "kimi-code", "Both": "zai", "DS": "deepseek"}
    h.imp("--yes")
    assert {n: h.get(n) for n in ("kimi-code", "zai", "deepseek")} == {
        "kimi-code": h.made["kimi"], "zai": h.made["glm"], "deepseek": h.made["ds"]}


def test_a_reference_of_ones_own_file_is_for_what_ships_or_is_asked_about(h):
    """The key is not in the file; the address beside it may be any program's."""
    h.program("op")
    h.write(".bashrc", "export ANTHROPIC_BASE_URL=https://gateway.example.net/api\n"
                       'export ANTHROPIC_AUTH_TOKEN="$(op read op://Work/gateway/key)"\n')
    r = h.imp("--yes", rc=1)
    assert "gateway.example.net" in r.err and json.loads(h.ccctl("keys", "--json").out) == [], r
    assert not (h.config / "ccrun/providers/example.conf").exists()
    for agreed in "n", "y":
        p = talk(h, CCCTL, "import")
        p.expect("to https://gateway.example.net/api")
        p.expect("store 1 key in the vault")
        p.sendline("y")
        p.expect_exact("seal the key for that? [y/N]")
        p.sendline(agreed)
        done(p, 0 if agreed == "y" else 1)
        assert sealed(h) == ({"example": "bearer https://gateway.example.net/api"} if agreed == "y" else {})
