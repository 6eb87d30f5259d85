"""ccrun-statusline: what it prints for what it is given."""
import json
import os
import subprocess

import pytest

from statusline import PROGRAM, Line, UsageBroker, fixture

DIM, END = "\033[2m", "\033[0m"
BAR = f"{DIM} | {END}"


@pytest.fixture
def w():
    with Line() as world:
        yield world


@pytest.fixture
def broker(w):
    with UsageBroker(w) as stand_in:
        yield stand_in


# ---- the usual lines ---------------------------------------------------

@pytest.mark.parametrize("name, env, want", [
    ("start", {}, "Claude | 0% ctx"),
    ("turn", {}, "Claude | 0% ctx"),
    ("limits", {}, "Claude | 5h:23% | wk:8% | 12% ctx | app"),
    ("limits", {"CCRUN_PROVIDER": "claude"}, "Claude | 5h:23% | wk:8% | 12% ctx | app"),
    ("limits", {"CCRUN_PROVIDER": "zai", "CCRUN_MODE": "local"}, "Local | 12% ctx | app"),
    ("limits", {"CCRUN_PROVIDER": "ollama"}, "Local | 12% ctx | app"),
    ("limits", {"CCRUN_PROVIDER": "anthropic"}, "API | 12% ctx | app"),
])
def test_lines_of_real_input(w, name, env, want):
    assert w.line(fixture(name), **env) == want


def test_colours(w):
    out = w.bytes(fixture("limits")).decode()
    link = "\033]8;;https://github.com/acme/app\033\\", "\033]8;;\033\\"
    assert out == (f"\033[36mClaude{END}{BAR}\033[32m5h:23%{END}{BAR}\033[32mwk:8%{END}{BAR}\033[36m12% ctx{END}{BAR}"
                   f"{link[0]}\033[35mapp{END}{link[1]}\n")
    assert "\033" not in w.bytes(fixture("limits"), {"NO_COLOR": "1"}).decode()
    assert "\033" not in w.bytes(fixture("limits"), {"TERM": "dumb"}).decode()
    assert "\033" in w.bytes(fixture("limits"), {"NO_COLOR": ""}).decode()


@pytest.mark.parametrize("percent, colour", [(49.9, 32), (50, 33), (79, 33), (80, 31), (100, 31)])
def test_thresholds(w, percent, colour):
    limits = {"five_hour": {"used_percentage": percent}}
    context = {"used_percentage": percent}
    out = w.bytes({"rate_limits": limits, "context_window": context}).decode()
    assert f"\033[{colour}m5h:{int(percent)}%{END}" in out
    assert f"\033[{36 if colour == 32 else colour}m{int(percent)}% ctx{END}" in out


def test_context_is_reckoned_where_no_percentage_is(w):
    given = fixture("limits")
    given["context_window"]["used_percentage"] = None
    assert w.line(given, CCRUN_PROVIDER="ollama") == "Local | 12% ctx | app"


# ---- the provider ------------------------------------------------------

@pytest.mark.parametrize("env, want", [
    ({}, "Claude"),
    ({"ANTHROPIC_BASE_URL": "http://localhost:11434"}, "Local"),
    ({"ANTHROPIC_BASE_URL": "http://127.0.0.9"}, "Local"),
    ({"ANTHROPIC_BASE_URL": "http://[::1]:8/x"}, "Local"),
    ({"ANTHROPIC_BASE_URL": "https://localhost.example"}, "localhost.examp…"),
    ({"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic"}, "GLM"),
    ({"ANTHROPIC_BASE_URL": "https://API.Z.AI/api/anthropic"}, "API.Z.AI"),
    ({"ANTHROPIC_BASE_URL": "https://openrouter.ai/api/v1"}, "OpenRouter"),
    ({"ANTHROPIC_BASE_URL": "https://api.anthropic.com"}, "Claude"),
    ({"ANTHROPIC_BASE_URL": "https://evil.z.ai"}, "evil.z.ai"),
    ({"ANTHROPIC_BASE_URL": "\033[31mx"}, "other?"),
    ({"ANTHROPIC_BASE_URL": ""}, "Claude"),
    ({"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BASE_URL": "http://localhost"}, "Bedrock"),
    ({"CLAUDE_CODE_USE_BEDROCK": "0"}, "Claude"),
    ({"CLAUDE_CODE_USE_VERTEX": "true"}, "Vertex"),
    ({"CLAUDE_CODE_USE_FOUNDRY": "1"}, "Foundry"),
    ({"CCRUN_PROVIDER": "zai", "CCRUN_MODE": "local", "ANTHROPIC_BASE_URL": "https://openrouter.ai/api"}, "Local"),
    ({"CCRUN_PROVIDER": "no-such"}, "no-such?"),
    ({"CCRUN_PROVIDER": "../../etc/passwd"}, "Claude"),
    ({"CCRUN_PROVIDER": "ollama", "CCRUN_MODE": "no-such"}, "ollama?"),
])
def test_provider(w, env, want):
    assert w.line({}, **env) == want


def test_a_file_of_ones_own_has_label_and_colour(w):
    w.overlay("work", "[provider]\nbase_url = https://llm.work.example/v1\nauth = none\n"
                      "[statusline]\nlabel = Work\ncolour = bold 208\n")
    for env in ({"CCRUN_PROVIDER": "work"}, {"ANTHROPIC_BASE_URL": "https://llm.work.example/x"}):
        assert w.bytes({}, env).decode() == f"\033[1;38;5;208mWork{END}\n"


def test_an_address_with_a_parameter_is_found(w):
    w.overlay("azure", "[parameters]\nresource = ours\n")
    assert w.line({}, ANTHROPIC_BASE_URL="https://ours.services.ai.azure.com/anthropic") == "Azure"
    assert w.line({}, ANTHROPIC_BASE_URL="https://other.services.ai.azure.com/anthropic") == "other.services.…"


def test_a_file_that_others_can_write_is_not_believed(w):
    w.overlay("work", "[provider]\nbase_url = https://x.example\nauth = none\n[statusline]\nlabel = Trust me\n", 0o666)
    assert w.line({}, CCRUN_PROVIDER="work") == "work?"
    assert w.line({}, ANTHROPIC_BASE_URL="https://x.example") == "x.example"


# ---- a repository that tries to redirect -------------------------------

PINNED = {"CCRUN_PROVIDER": "ollama", "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}
REDIRECTS = [{"env": {"ANTHROPIC_BASE_URL": "https://evil.example"}}, {"env": {"ANTHROPIC_AUTH_TOKEN": "x"}},
             {"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}, {"apiKeyHelper": "/bin/evil"}]


def shown(w, env):
    return w.line(fixture("start", workspace={"project_dir": str(w.cwd)}), **env)


@pytest.mark.parametrize("settings", REDIRECTS)
def test_a_redirect_is_shown(w, settings):
    w.settings(settings, "project")
    assert shown(w, {}) == "Claude | redirected | 0% ctx"
    assert shown(w, PINNED) == "Local | redirect ignored | 0% ctx"
    given = fixture("start", workspace={"project_dir": str(w.cwd)})
    assert f"\033[31mredirected{END}" in w.bytes(given).decode()
    assert f"\033[33mredirect ignored{END}" in w.bytes(given, PINNED).decode()


def test_the_local_file_is_ones_own_where_it_takes_effect(w):
    w.settings(REDIRECTS[0], "local")
    assert shown(w, {}) == "Claude | 0% ctx"
    assert shown(w, PINNED) == "Local | redirect ignored | 0% ctx"


@pytest.mark.parametrize("settings", [
    {}, {"env": {"FOO": "ANTHROPIC_BASE_URL"}}, {"env": {"ANTHROPIC_MODEL": "opus"}}, {"env": []},
    {"permissions": {"allow": ["env", "apiKeyHelper"]}}, {"apiKeyHelper": None}, [], "env"])
def test_what_is_no_redirect(w, settings):
    w.write(w.cwd / ".claude/settings.json", json.dumps(settings))
    assert shown(w, {}) == "Claude | 0% ctx"
    assert shown(w, PINNED) == "Local | 0% ctx"


@pytest.mark.parametrize("name", ["CCRUN_PROVIDER", "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"])
def test_a_repository_cannot_say_that_it_was_ignored(w, name):
    w.settings({"env": {name: "1", "ANTHROPIC_BASE_URL": "https://evil.example"}}, "project")
    assert shown(w, PINNED) == "Local | redirected | 0% ctx"


@pytest.mark.parametrize("text", [
    '{"env":{"ANTHROPIC_BASE_\\u0055RL":"https://evil.example"}}',
    '{"x":"\\ud83d","env":{"ANTHROPIC_BASE_URL":"https://evil.example"}}',
    '{"x":' + "[" * 5000 + "]" * 5000 + ',"env":{"ANTHROPIC_BASE_URL":"https://evil.example"}}',
    '{"x":"' + "x" * 300000 + '","env":{"ANTHROPIC_BASE_URL":"https://evil.example"}}',
])
def test_a_redirect_does_not_hide(w, text):
    """In what the client's parser takes and ours does not."""
    w.write(w.cwd / ".claude/settings.json", text)
    assert shown(w, {}) == "Claude | redirected | 0% ctx"


def test_settings_that_are_no_file(w):
    (w.cwd / ".claude").mkdir()
    os.mkfifo(w.cwd / ".claude/settings.json")
    (w.cwd / ".claude/settings.local.json").mkdir()
    w.own()
    assert shown(w, PINNED) == "Local | 0% ctx"


# ---- ccrun.conf --------------------------------------------------------

def test_settings(w):
    w.conf("[ccrun]\ndefault = zai\n\n[statusline]\nparts = repo context model provider\nseparator = \" - \"\n"
           "colour-context = none\ncontext-at = 10 12\n")
    assert w.line(fixture("limits")) == "app - 12% ctx - Opus 5.5 - Claude"
    w.conf("[statusline]\nparts = cost duration lines effort dir session\n")
    assert w.line(fixture("turn", session_name="idea")) == "$0.00 | 9s | +0 -0 | medium | app | idea"


@pytest.mark.parametrize("text, line", [("[statusline]\nparts = brunch\n", 2), ("[statusline]\n\ncolor = x\n", 3),
                                        ("[status]\n", 1), ("parts\n", 1), ("[statusline]\nparts = \033[31m\n", 2)])
def test_a_mistake_is_shown_and_the_line_stays(w, text, line):
    w.conf(text)
    assert w.line(fixture("limits")) == f"Claude | ccrun.conf:{line}? | 5h:23% | wk:8% | 12% ctx | app"
    assert f"\033[31mccrun.conf:{line}?{END}" in w.bytes({}).decode()


def test_a_file_that_cannot_be_read(w):
    w.conf("[statusline]\n", 0o666)
    assert w.line({}) == "Claude | ccrun.conf?"


def test_columns(w):
    given = fixture("limits")
    assert w.line(given, COLUMNS="30") == "Claude | 5h:23% | 12% ctx"
    assert w.line(given, COLUMNS="6") == "Claude"
    assert w.line(given, COLUMNS="3") == "Cl…"
    for odd in ("0", "-1", "x", "", "99999999999999999999"):
        assert w.line(given, COLUMNS=odd) == "Claude | 5h:23% | wk:8% | 12% ctx | app"
    w.conf("[statusline]\nwidth = 6\n")
    assert w.line(given, COLUMNS="100") == "Claude"


# ---- quota from the broker ---------------------------------------------

ITEM = {"label": "5h", "percent": 6750, "reset": 4102444800}
ZAI = {"CCRUN_PROVIDER": "zai", "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}


def test_numbers_of_the_broker(w, broker):
    broker.answers(state="fresh", age=3, items=[ITEM])
    assert w.line(fixture("turn"), **ZAI) == "GLM | 5h:67% | 0% ctx"
    assert f"\033[33m5h:67%{END}" in w.bytes({}, ZAI).decode()
    # All that it asks, in a process of a session too.
    marked = ("prlimit", "--locks=1000:1000", PROGRAM)
    assert w.line(fixture("turn"), argv=marked, **ZAI) == "GLM | 5h:67% | 0% ctx"
    assert broker.asked() == [{"v": 1, "op": "usage", "name": "zai", "own": False}] * 3


def test_stale_numbers_and_errors_are_dim(w, broker):
    broker.answers(state="stale", age=300, error="timeout", items=[ITEM])
    assert w.bytes({}, ZAI).decode() == f"\033[36mGLM{END}{BAR}{DIM}5h:67%{END}\n"
    broker.answers(state="error", error="unauthorized", items=[])
    assert w.bytes({}, ZAI).decode() == f"\033[36mGLM{END}{BAR}{DIM}?{END}\n"
    broker.answers(state="waiting", items=[])
    assert w.line({}, **ZAI) == "GLM | …"
    broker.answers(state="none", items=[])
    assert w.line({}, **ZAI) == "GLM"


def test_money_and_reset_times(w, broker):
    broker.answers(state="fresh", age=3, items=[{"label": "left", "amount": "12.3456", "currency": "USD"},
                                                {"label": "mo", "percent": 100}, ITEM])
    assert w.line({}, **ZAI) == "GLM | 5h:67% | $12.34"
    w.conf("[statusline]\nwindows = all\nreset = left\n")
    line = w.line({}, **ZAI)
    assert line.startswith("GLM | $12.34 | mo:1% | 5h:67% ") and line.endswith("h")


def test_a_second_account_asks_for_its_own_entry(w, broker):
    w.overlay("zai-work", "[provider]\nuse = zai\nsecret = zai-office\n")
    broker.answers(state="fresh", age=3, items=[ITEM])
    assert w.line({}, CCRUN_PROVIDER="zai-work") == "GLM | 5h:67%"
    assert broker.asked() == [{"v": 1, "op": "usage", "name": "zai-office", "own": False}]


def test_the_subscription_is_asked_for_where_the_input_has_no_limits(w, broker):
    broker.answers(state="stale", age=200, items=[ITEM])
    for env in ({}, {"CCRUN_PROVIDER": "claude"}):
        assert w.line(fixture("turn"), **env) == "Claude | 5h:67% | 0% ctx"
        assert w.line(fixture("limits"), **env) == "Claude | 5h:23% | wk:8% | 12% ctx | app"
    assert broker.asked() == [{"v": 1, "op": "usage", "name": "claude", "own": True}] * 2


@pytest.mark.parametrize("env", [
    {"CCRUN_PROVIDER": "zai", "CCRUN_MODE": "local"}, {"CCRUN_PROVIDER": "ollama"},
    {"ANTHROPIC_BASE_URL": "http://localhost:1"}, {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic"},
    {"ANTHROPIC_API_KEY": "sk-ant-of-another-account"}])
def test_nobody_is_asked(w, broker, env):
    broker.answers(state="fresh", age=3, items=[ITEM])
    assert "5h" not in w.line(fixture("turn"), **env)
    w.conf("[statusline]\nparts = provider context\n")
    assert "5h" not in w.line(fixture("turn"), **ZAI)
    assert broker.asked() == [] and broker.events("request") == []


@pytest.mark.parametrize("says", ["never", "refused busy", "raw 80", "raw 81a2", "raw", "readable",
                                  '{"state": 5}', '{"state": "fresh"}', '{"state": "fresh", "items": [{"label": 5}]}',
                                  '{"state": "fresh", "items": [{"label": "5h", "percent": -1}]}'])
def test_a_broker_that_is_none_costs_no_line(w, broker, says):
    broker.says(says)
    # (The time-out is far above what it takes and far below the usual patience.)
    out = w.bytes(fixture("turn"), {"NO_COLOR": "1", **ZAI}, timeout=8).decode()
    assert out == "GLM | ? | 0% ctx\n"


def test_a_broker_that_knows_no_usage(w, broker):
    broker.says("refused unknown-op")
    assert w.line(fixture("turn"), **ZAI) == "GLM | 0% ctx"


def test_hostile_numbers(w, broker):
    w.conf("[statusline]\nwindows = all\n")
    broker.answers(state="fresh", age=3, items=[
        {"label": "\u202e5h", "percent": 1000000, "reset": 2**63}, {"label": "m", "amount": "9" * 16, "currency": "X" * 8},
        *[{"label": str(i), "percent": i * 100} for i in range(20)]])
    assert w.line({}, **ZAI) == "GLM | ?5h:999% | 9999999999999999 XXXXXXXX | 0:0% | 1:1% | 2:2% | 3:3% | 4:4% | 5:5%"


def test_the_real_broker_with_nothing_watched(w):
    w.init()
    assert w.line(fixture("turn")) == "Claude | 0% ctx"


# ---- git ---------------------------------------------------------------

def git(w, *argv):
    r = w.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *argv])
    assert r.rc == 0, r


@pytest.fixture
def repository(w):
    w.write(w.cwd / "file", "text\n")
    for argv in (["init", "-q", "-b", "feature"], ["add", "file"], ["commit", "-q", "-m", "first"],
                 ["remote", "add", "origin", "git@git.example.org:team/thing.git"]):
        git(w, *argv)
    return fixture("turn", cwd=str(w.cwd), workspace={"current_dir": str(w.cwd), "project_dir": str(w.cwd)})


def test_branch_and_repository(w, repository):
    out = w.bytes(repository, {"CCRUN_PROVIDER": "ollama"}).decode()
    assert out == (f"\033[36mLocal{END}{BAR}\033[36m0% ctx{END}{BAR}\033[34mfeature{END}{BAR}"
                   f"\033]8;;https://git.example.org/team/thing\033\\\033[35mwork{END}\033]8;;\033\\\n")
    w.conf("[statusline]\nlink = no\n")
    assert "\033]8" not in w.bytes(repository).decode()
    git(w, "checkout", "-q", "--detach")
    short = w.run(["git", "rev-parse", "--short=7", "HEAD"]).out.strip()
    assert w.line(repository) == f"Claude | 0% ctx | {short} | work"


def test_changes_are_marked_when_that_is_wanted(w, repository):
    w.write(w.cwd / "file", "another text\n")
    assert w.line(repository) == "Claude | 0% ctx | feature | work"
    w.conf("[statusline]\ndirty = yes\ndirty-ms = 1000\n")
    assert w.line(repository) == "Claude | 0% ctx | feature* | work"
    assert f"feature{END}\033[33m*{END}" in w.bytes(repository).decode()
    git(w, "checkout", "-q", "file")
    assert w.line(repository) == "Claude | 0% ctx | feature | work"


def test_without_input_the_directory_is_ours(w, repository):
    assert w.line("", cwd=w.cwd) == "Claude | feature | work"


# ---- any input ---------------------------------------------------------

HOSTILE = [b"", b" ", b"\0", b"\xff" * 100, b"null", b"[]", b"{", b'"', b"{}", b'{"workspace":5,"context_window":"x"}',
           b'{"model":null,"cost":[],"rate_limits":{"five_hour":7}}', b'{"cwd":"/nowhere/at/all"}', b'{"cwd":""}',
           b'{"workspace":{"current_dir":"relative","project_dir":"../.."}}', b"[" * 100000, b'{"a":' * 100000,
           b"x" * (10 << 20), b'{"session_name":"' + b"x" * (10 << 20) + b'"}', b"[" + b"{}," * (3 << 20) + b"1]",
           json.dumps(fixture("limits")).encode()[:700]]


@pytest.mark.parametrize("given", HOSTILE, ids=range(len(HOSTILE)))
def test_any_input(w, given):
    assert w.line(given) == "Claude"


@pytest.mark.parametrize("name", ["a\033[31mb", "a\033]0;title\007b", "a\u009b31mb", "a\rb\nc", "a\u202eb", "a\0b",
                                  "\ufeffa\u200b", "a\u2028b", "\x7f\x08\x1b"])
def test_names_drive_no_terminal(w, name):
    w.conf("[statusline]\nparts = provider model effort session branch repo dir\n")
    given = fixture("start", model={"display_name": name}, effort={"level": name}, session_name=name,
                    worktree={"branch": name},
                    workspace={"current_dir": "/tmp/" + name, "repo": {"host": name, "owner": name, "name": name}})
    line = w.line(given)
    assert line.isprintable() and line.count("?") >= 6, line
    out = w.bytes(given).decode()
    assert "\033]8" not in out and "\033" not in out.replace("\033[36m", "").replace("\033[2m", "") \
        .replace("\033[34m", "").replace("\033[35m", "").replace("\033[0m", "")


def test_bytes_that_are_no_text(w):
    w.conf("[statusline]\nparts = provider session context\n")
    given = b'{"session_name":"a\xff\xc3(\\ud83d","context_window":{"used_percentage":7}}'
    assert w.line(given) == "Claude | a??(? | 7% ctx"


def test_input_that_never_ends(w):
    given = json.dumps(fixture("limits")).encode()
    p = w.start({"NO_COLOR": "1"}, stdin=subprocess.PIPE)
    p.stdin.write(given)
    p.stdin.flush()
    assert p.stdout.read() == b"Claude | 5h:23% | wk:8% | 12% ctx | app\n"
    assert p.wait(30) == 0


@pytest.mark.parametrize("redirect", ["<&-", "<&- 2>&-", "</dev/null", "</", "0>/dev/null"])
def test_no_standard_input(w, redirect):
    assert w.line("", argv=("sh", "-c", f'exec "$0" {redirect}', PROGRAM)) == "Claude"


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full", "<&- >&- 2>&-", "| true"])
def test_no_standard_output(w, redirect):
    """With a broker there is a connection that could take the place of what is closed."""
    with UsageBroker(w) as broker:
        broker.answers(state="fresh", age=3, items=[ITEM])
        script = f'"$0" {redirect}; echo $?'
        assert w.bytes("{}", ZAI, argv=("bash", "-c", script, PROGRAM)) == b"0\n"
        assert all(r["op"] == "usage" for r in broker.asked())


def test_a_directory_that_is_gone(w):
    gone = w.root / "gone"
    gone.mkdir()
    w.own()
    script = 'rmdir "$PWD" && exec "$0"'
    assert w.line({"cwd": str(gone)}, argv=("sh", "-c", script, PROGRAM), cwd=gone) == "Claude"


def test_no_home_and_no_environment(w):
    out = w.bytes(fixture("limits"), argv=("env", "-i", PROGRAM)).decode()
    assert "5h:23%" in out and "Claude" in out


# ---- memory ------------------------------------------------------------

def test_three_mebibytes_are_enough(w):
    with UsageBroker(w) as broker:
        broker.answers(state="fresh", age=3, items=[ITEM])
        narrow = ("prlimit", f"--as={3 << 20}", PROGRAM)
        assert w.line(fixture("limits"), argv=narrow, **ZAI) == "GLM | 5h:67% | 12% ctx | app"


def test_without_memory_the_provider_is_still_named(w):
    """However little it gets: where it can start at all it prints a line."""
    lines = set()
    for data in range(64 << 10, 3 << 20, 64 << 10):
        p = w.start({"NO_COLOR": "1", **ZAI}, argv=("prlimit", f"--data={data}", PROGRAM), stdin=subprocess.PIPE)
        out, _ = p.communicate(json.dumps(fixture("limits")).encode(), 30)
        if p.returncode == 0:
            lines.add(out)
    assert b"GLM | ? | 12% ctx | app\n" in lines
    assert len(lines) > 1, "it never was short of memory"
    for line in lines:
        assert line.startswith((b"GLM", b"zai?")), lines


# ---- the program -------------------------------------------------------

def test_words(w):
    assert w.bytes("", argv=(PROGRAM, "--version")).startswith(b"ccrun-statusline ")
    assert w.bytes("", argv=(PROGRAM, "--help")).startswith(b"usage: ")
    r = w.run([PROGRAM, "--nonsense"])
    assert r.rc == 2 and r.out == "" and r.err.startswith("usage: ")
