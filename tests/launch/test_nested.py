"""A claude that a session starts, with the real client: by the Bash tool, a hook, the
background service, a terminal multiplexer.  It works on the session's provider, and never
on the user's own login, which is there in every test."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from client import LOGIN, claude, until
from endpoint import Bash, Endpoint, Text, Tool

REAL = Path(claude()).parent


@pytest.fixture
def outside():
    """Who wants to go anywhere else is seen here, and gets nowhere."""
    with Endpoint() as proxy:
        yield proxy


@pytest.fixture
def world(c, outside):
    c.plain_env.update(HTTPS_PROXY=outside.url, HTTP_PROXY=outside.url)
    c.login(LOGIN)
    return c


@pytest.fixture
def nested(world, token):
    """Provider demo by relay, its key in an open vault."""
    world.demo(policy={"delivery": "relay"})
    world.ready(token)
    return world


def go(c, *more, word="demo", **kw):
    return c.ccrun(word, "-p", "go", "--allowedTools", "Bash", *more, **kw)


def results(ep):
    return "".join(ep.tool_results())


def sessions(c):
    r = c.ccctl("sessions", "--json")
    assert r.rc == 0, r
    return json.loads(r.out)


def is_from(request, word):
    """Does the conversation begin with it?"""
    return word in json.dumps(request.json["messages"][0])


def login_is_unused(ep, outside, token):
    """Every request was made with the session's key, and the login went nowhere."""
    assert not ep.saw(LOGIN) and not outside.saw(LOGIN)
    assert {q.headers.get("authorization") for q in ep.main} == {"Bearer " + token}
    assert not [q for q in outside.requests if "anthropic.com" in q.path]


# ---- what a shell starts ----

def test_bash_tool(nested, ep, outside, token):
    ep.script = [Bash("claude -p inner --model inner-model </dev/null; echo status $?; claude --no-such-option; echo status $?"),
                 Text("the inner one"), Text("done")]
    r = go(nested)
    assert r.rc == 0 and "done" in r.out, r
    text = results(ep)
    assert "the inner one\nstatus 0" in text and "--no-such-option" in text and "status 1" in text
    assert len(ep.main) == 3 and ep.main[1].json["model"] == "inner-model"
    login_is_unused(ep, outside, token)


def test_it_is_on_record_inside_the_other_one(nested, ep):
    seen = []

    def script(request):
        if len(ep.main) == 2:
            seen.extend(sessions(nested))
            return Text("the inner one")
        return Bash("claude -p inner </dev/null") if len(ep.main) == 1 else Text("done")

    ep.script = script
    assert go(nested).rc == 0
    outer, inner = sorted(seen, key=lambda s: s["inside"] is not None)
    assert outer["inside"] is None and inner["inside"] == outer["id"]
    assert {s["entry"] for s in seen} == {"demo"}
    opened = {e["session"]: e.get("inside") for e in nested.record() if e["event"] == "open"}
    assert opened == {outer["id"]: None, inner["id"]: outer["id"]}
    spent = json.loads(nested.ccctl("spent", "--by", "session", "--json").out)
    assert outer["id"] in json.dumps(spent) and inner["id"] in json.dumps(spent)


def test_hook(nested, ep, outside, token):
    nested.settings({"hooks": {"SessionStart": [{"hooks": [
        {"type": "command", "command": "[ $CLAUDE_HOOKED ] || CLAUDE_HOOKED=1 claude -p inner </dev/null"}]}]}})
    ep.script = [Text("the inner one"), Text("done")]
    r = go(nested)
    assert r.rc == 0 and "done" in r.out, r
    assert len(ep.main) == 2 and b"the inner one" in ep.main[1].body
    login_is_unused(ep, outside, token)


@pytest.mark.parametrize("how", ["PATH={real}:/usr/bin:/bin", "unset CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST; PATH={real}:/usr/bin:/bin"])
def test_claude_past_our_directory_reaches_nobody(nested, ep, outside, token, how):
    ep.script = [Bash(f"{how.format(real=REAL)}; claude -p inner </dev/null; echo status $?"), Text("done")]
    r = go(nested)
    assert r.rc == 0 and "done" in r.out, r
    assert "Not logged in" in results(ep) and "status 1" in results(ep)
    assert len(ep.main) == 2
    login_is_unused(ep, outside, token)


def test_login_shell(nested, ep, outside, token):
    """/etc/profile sets PATH anew."""
    nested.write(".profile", f"PATH={REAL}:/usr/bin:/bin\n")
    nested.write(".bash_profile", f"PATH={REAL}:/usr/bin:/bin\n")
    ep.script = [Bash("bash -lc 'claude -p inner </dev/null; echo status $?'"), Text("done")]
    r = go(nested)
    assert r.rc == 0 and "Not logged in" in results(ep), (r, results(ep))
    login_is_unused(ep, outside, token)


def test_other_programs_get_their_environment_back(nested, ep):
    ep.script = [Bash("env"), Text("done")]
    assert go(nested, env={"ANTHROPIC_UNIX_SOCKET": "/mine"}).rc == 0
    env = dict(line.partition("=")[::2] for line in results(ep).splitlines())
    assert not Path(env["ANTHROPIC_UNIX_SOCKET"]).exists() and "ccrun" in env["ANTHROPIC_UNIX_SOCKET"]
    assert env["PATH"].split(":")[0] == str(nested.bin.parent / "libexec/ccrun/inside")
    assert env["PATH"].count("/inside") == 1 and "ANTHROPIC_AUTH_TOKEN" not in env


def test_outside_a_session_it_is_the_real_one(world):
    path = f"{world.bin.parent}/libexec/ccrun/inside:{REAL}:/usr/bin:/bin"
    r = world.run(["bash", "-c", "claude --version"], env={"PATH": path})
    assert r.rc == 0 and "Claude Code" in r.out, r
    r = world.run(["bash", "-c", "claude"], env={"PATH": f"{world.bin.parent}/libexec/ccrun/inside:/usr/bin:/bin"})
    assert r.rc == 127 and "not found in PATH" in r.err, r


# ---- refusals ----

def test_deny(world, ep, outside, token):
    world.demo(policy={"delivery": "relay", "nested": "deny"})
    world.ready(token)
    ep.script = [Bash("claude -p inner </dev/null 2>&1; echo status $?"), Text("done")]
    r = go(world)
    assert r.rc == 0 and "done" in r.out, r
    assert "lets a session start no other one (nested = deny)\nhint: " in results(ep) and "status 125" in results(ep)
    assert len(ep.main) == 2
    login_is_unused(ep, outside, token)


def test_another_provider(nested, ep):
    with Endpoint() as other:
        nested.provider("other", title="Other", base_url=other.url, auth="bearer", policy={"delivery": "relay"})
        nested.add("other", "k" * 40)
        ep.script = [Bash(f"{nested.bin}/ccrun other -p inner </dev/null 2>&1; echo status $?"), Text("done")]
        assert go(nested).rc == 0
        assert "only that session's own key can be used\nhint: " in results(ep) and "status 125" in results(ep)
        assert not other.requests


def test_locked(nested, ep):
    def script(request):
        if len(ep.main) > 1:
            return Text("done")
        return Bash("touch ~/ready; while [ ! -e ~/locked ]; do sleep 0.1; done; claude -p inner </dev/null 2>&1; echo status $?; touch ~/tried; while [ ! -e ~/open ]; do sleep 0.1; done")

    ep.script = script
    p = nested.popen([nested.bin / "ccrun", "demo", "-p", "go", "--allowedTools", "Bash"],
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until((nested.home / "ready").exists)
    assert nested.ccctl("lock").rc == 0
    nested.write("locked", "")
    until((nested.home / "tried").exists)
    assert nested.unlock().rc == 0
    nested.write("open", "")
    assert p.wait(60) == 0
    assert "the vault is locked\nhint: in a terminal outside the session: ccctl unlock" in results(ep)
    assert "status 125" in results(ep) and len(ep.main) == 2


def test_launcher_without_a_ticket(nested):
    wrap = nested.bin.parent / "libexec/ccrun/inside/wrap"
    for words in ([], [claude(), "-p", "x"], ["demo", "no-ticket", claude()]):
        r = nested.run([wrap, *words])
        assert r.rc == 125 and r.err.startswith("ccrun: wrap "), r
    r = nested.run([wrap, "demo", "0" * 32, claude(), "-p", "x"])
    assert r.rc == 125 and "the session that this process belongs to has ended" in r.err, r


# ---- its end ----

def start_left_behind(c, ep):
    """A session with a nested one that goes on when it has ended, and asks once more then.
    Returns how many requests there were before that."""
    c.write("left.sh", "#!/bin/bash\nsetsid claude -p inner --allowedTools Bash </dev/null >~/out 2>&1 &\n", 0o755)
    waits = "while [ ! -e ~/%s ]; do sleep 0.1; done"

    def script(request):
        if is_from(request, "inner"):
            return Text("went on") if request.tool_results() else Bash("touch ~/inside; " + waits % "over")
        return Text("done") if request.tool_results() else Bash("~/left.sh; " + waits % "inside")

    ep.script = script
    r = go(c)
    assert r.rc == 0 and "done" in r.out, r
    n = len(ep.main)
    c.write("over", "")
    return n


def test_it_ends_with_the_first_one(nested, ep):
    nested.plain_env["CLAUDE_CODE_MAX_RETRIES"] = "1"
    n = start_left_behind(nested, ep)
    out = nested.home / "out"
    until(lambda: out.read_text().strip(), 60)
    assert "went on" not in out.read_text() and "ended" in out.read_text(), out.read_text()
    assert len(ep.main) == n


def test_it_lingers(world, ep, token):
    world.demo(policy={"delivery": "relay", "linger": "8h"})
    world.ready(token)
    n = start_left_behind(world, ep)
    until(lambda: "went on" in (world.home / "out").read_text(), 60)
    assert len(ep.main) == n + 1
    assert {q.headers["authorization"] for q in ep.main} == {"Bearer " + token}


# ---- the client's own workers ----

def agents_run(c, ep, *words):
    commands = [f"claude --bg {w} </dev/null; for i in $(seq 300); do [ -e ~/answered-{w} ] && break; sleep 0.1; done"
                for w in words]

    def script(request):
        for w in words:
            if is_from(request, w) and not is_from(request, "leader-starts"):
                c.write(f"answered-{w}", "")
                return Text("the agent")
        done = sum("tool_result" in json.dumps(m) for m in request.json["messages"])
        return Bash(commands[done]) if done < len(commands) else Text("done")

    ep.script = script
    r = c.ccrun("demo", "-p", "leader-starts", "--allowedTools", "Bash")
    assert r.rc == 0 and "done" in r.out, r
    for w in words:
        assert (c.home / f"answered-{w}").exists(), results(ep)


def test_background_agents(nested, ep, outside, token):
    agents_run(nested, ep, "agent-one", "agent-two")
    login_is_unused(ep, outside, token)
    inside = [e for e in nested.record() if e["event"] == "open" and e.get("inside")]
    assert len(inside) > 2 and len({e["inside"] for e in inside}) == 1


def test_background_service_of_the_user_is_replaced(world, ep, outside, token):
    """One that was started outside any session has the user's own login."""
    world.demo(policy={"delivery": "relay", "confine": "off"})
    world.ready(token)
    assert world.run([claude(), "--bg", "mine"]).rc == 0
    agents_run(world, ep, "agent-one")
    assert not ep.saw(LOGIN)
    assert {q.headers.get("authorization") for q in ep.main} == {"Bearer " + token}


@pytest.mark.skipif(tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2]) < (6, 12),
                    reason="Landlock scopes signals from Linux 6.12 on")
def test_background_service_of_the_user_is_not_used(nested, ep, outside, token):
    """A confined session cannot end it, and gives no agent to it."""
    assert nested.run([claude(), "--bg", "mine"]).rc == 0
    until((nested.home / ".claude/daemon.lock").exists)
    ep.script = [Bash("claude --bg agent-one </dev/null; echo status $?"), Text("done")]
    r = go(nested)
    assert r.rc == 0 and "done" in r.out, r
    assert "status 125" in results(ep) and "claude daemon stop --any" in results(ep), results(ep)
    assert nested.run([claude(), "daemon", "stop", "--any"]).rc == 0
    agents_run(nested, ep, "agent-one")
    assert not ep.saw(LOGIN)
    assert {q.headers.get("authorization") for q in ep.main} == {"Bearer " + token}


def test_teammate_in_a_pane(nested, ep, outside, token):
    """A child of the multiplexer's server, which is in no session."""
    def script(request):
        if is_from(request, "be the mate") and not is_from(request, "leader-starts"):
            return Text("the mate is done")
        if len(ep.main) == 1:
            return Tool("Agent", {"name": "mate", "description": "a mate", "prompt": "be the mate",
                                  "subagent_type": "general-purpose"})
        return Text("the leader is done")

    def tmux(*words):
        r = nested.run(["tmux", "-S", nested.root / "tmux", *words])
        assert r.rc == 0, r
        return r.out

    def panes():
        ids = tmux("list-panes", "-a", "-F", "#{pane_id}").split()
        return "".join(tmux("capture-pane", "-p", "-J", "-t", i) for i in ids)

    ep.script = script
    tmux("new-session", "-d", "-s", "main", "-x", "200", "-y", "50", "bash --norc")
    tmux("send-keys", "-t", "main", f"CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS=1 {nested.bin}/ccrun demo --teammate-mode tmux --permission-mode default", "Enter")
    until(lambda: "manual mode" in panes(), 30)
    tmux("send-keys", "-t", "main", "leader-starts")
    until(lambda: "leader-starts" in panes())
    tmux("send-keys", "-t", "main", "Enter")
    until(lambda: "the mate is done" in panes(), 60)
    assert len(tmux("list-panes", "-a", "-F", "#{pane_id}").split()) == 2
    outer, inner = sorted(sessions(nested), key=lambda s: s["inside"] is not None)
    assert inner["inside"] == outer["id"] and inner["requests"] > 0
    tmux("kill-server")
    login_is_unused(ep, outside, token)
