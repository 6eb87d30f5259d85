"""What the client starts, replaces or becomes by itself, with the real client: agents in the
background, teammates, another renderer, an update underneath it, an MCP server of its own.  Each
works by relay with the session's key, or a person is told in a line why not.  What a session's
programs start is in test_nested.py.

make long runs all of it once more with the newest client."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from client import LOGIN, alive, claude, until
from endpoint import Bash, Endpoint, Text, Tool
from test_nested import is_from, login_is_unused, results, sessions
from test_relay_long import installed

WAITS = "for i in $(seq 600); do [ -e ~/%s ] && break; sleep 0.1; done"


@pytest.fixture(scope="module")
def newest(tmp_path_factory):
    """A directory with the newest client in it, which everybody can read."""
    where = tmp_path_factory.mktemp("npm")
    return installed(where, "@anthropic-ai/claude-code@latest").parent


@pytest.fixture(autouse=True, params=["pinned", pytest.param("newest", marks=pytest.mark.long)])
def version(request, monkeypatch):
    if request.param == "newest":
        monkeypatch.setenv("CCRUN_CLAUDE", str(request.getfixturevalue("newest") / "claude"))


@pytest.fixture
def outside():
    """Who wants to go anywhere else is seen here, and gets nowhere."""
    with Endpoint() as proxy:
        yield proxy


@pytest.fixture
def w(version, relay_world, outside, token):
    """Provider demo by relay, its key in an open vault; the person is logged in at claude.ai."""
    relay_world.plain_env.update(HTTPS_PROXY=outside.url, HTTP_PROXY=outside.url)
    relay_world.login(LOGIN)
    relay_world.demo()
    relay_world.ready(token)
    return relay_world


def by_first_words(**turns):
    """A script: which conversation a request is of is told by its first message.  A list's next
    turn comes when a tool has answered."""
    def script(request):
        for words, answers in turns.items():
            if is_from(request, words.replace("_", "-")):
                done = sum("tool_result" in json.dumps(m) for m in request.json["messages"])
                return answers[min(done, len(answers) - 1)]
        return None
    return script


def of(ep, words):
    """The requests of a conversation that begins so."""
    return [q for q in ep.main if is_from(q, words)]


def until_asked(ep, words, n=1):
    until(lambda: len(of(ep, words)) >= n, 60, f"{n} requests of {words}")


def service(w):
    """The pid of the client's background service, while one runs."""
    path = w.home / ".claude/daemon.lock"
    pid = json.loads(path.read_text())["pid"] if path.exists() else 0
    return pid if pid and alive(pid) else 0


def has_ended(w):
    return not w.ccctl("sessions", "--json").out.strip() or not sessions(w)


# ---- agents in the background ----

def test_an_agent_started_from_a_terminal_goes_on(w, ep, outside, token):
    ep.script = by_first_words(agent_one=[Bash(WAITS % "over"), Text("the agent")])
    r = w.ccrun("demo", "--bg", "agent-one")
    assert r.rc == 0 and "backgrounded" in r.out, r
    until_asked(ep, "agent-one")
    roots = {s["inside"] for s in sessions(w)}
    assert len(roots) == 1 and None not in roots, "the command has ended"
    w.write("over", "")
    until_asked(ep, "agent-one", 2)
    login_is_unused(ep, outside, token)


def test_a_second_agent_is_started_by_the_same_service(w, ep, outside, token):
    for word in ("agent-one", "agent-two"):
        assert w.ccrun("demo", "--bg", word).rc == 0
        until_asked(ep, word)
    assert len({s["inside"] for s in sessions(w) if s["inside"]}) == 1
    login_is_unused(ep, outside, token)


def test_the_key_is_gone_with_the_last_agent(w, ep):
    """The service ends some seconds after it, and the ticket with the service."""
    r = w.ccrun("demo", "--bg", "agent-one")
    until_asked(ep, "agent-one")
    [ident] = [word for word in r.out.split() if len(word) == 8 and set(word) <= set("0123456789abcdef")][:1]
    assert w.ccrun("demo", "stop", ident).rc == 0
    until(lambda: not service(w), 60, "the end of the service")
    until(lambda: has_ended(w), what="the end of its sessions")


def test_a_person_ends_what_a_command_left_behind(w, ep):
    ep.script = by_first_words(agent_one=[Bash(WAITS % "over"), Text("the agent")])
    assert w.ccrun("demo", "--bg", "agent-one").rc == 0
    until_asked(ep, "agent-one")
    root = sessions(w)[0]["inside"]
    r = w.ccctl("sessions", "end", root[:10])
    assert r.rc == 0 and "has left behind gets no key any more" in r.out + r.err, r
    assert {s["key"] for s in sessions(w)} == {"ended"}
    w.write("over", "")
    jobs = w.home / ".claude/jobs"
    until(lambda: any("ccrun: this session" in f.read_text() for f in jobs.glob("*/state.json")), 60, "a refusal")
    assert len(of(ep, "agent-one")) == 1


def test_agents_go_on_when_the_agent_view_is_left(w, ep, outside, token):
    ep.script = by_first_words(agent_one=[Bash(WAITS % "over"), Text("the agent")])
    with w.screen([w.bin / "ccrun", "demo", "agents"]) as s:
        s.wait("describe a task")
        s.send("agent-one")
        s.wait("agent-one")
        s.send("\r")
        until(lambda: s.pump(0.1) and of(ep, "agent-one"), 60, "a request of the agent's")
        s.send("/exit")
        s.wait("Exit the CLI")
        s.send("\r")
        s.finish()
    w.write("over", "")
    until_asked(ep, "agent-one", 2)
    login_is_unused(ep, outside, token)


def test_an_agent_is_answered_in_a_terminal(w, ep, token):
    r = w.ccrun("demo", "--bg", "agent-one")
    until_asked(ep, "agent-one")
    ident = r.out.split("attach ")[1].split()[0]
    with w.screen([w.bin / "ccrun", "demo", "attach", ident]) as s:
        s.wait("hello from loopback", 60)
        s.ask("and now this")
        until(lambda: s.pump(0.1) and len(of(ep, "agent-one")) == 2, 60, "its answer")
    assert {q.headers["authorization"] for q in ep.main} == {"Bearer " + token}


def left_behind(w, ep):
    """A session that has ended, and the service of its that has not: an agent waits in it."""
    ep.script = by_first_words(
        leader_starts=[Bash("claude --bg agent-one </dev/null; " + WAITS % "started"), Text("done")],
        agent_one=[Bash("touch ~/started; " + WAITS % "over"), Text("the agent")])
    r = w.ccrun("demo", "-p", "leader-starts", "--allowedTools", "Bash")
    assert r.rc == 0 and (w.home / "started").exists(), (r, results(ep))
    return service(w)


def test_the_service_of_a_session_that_has_ended_is_replaced(w, ep, outside, token):
    """All that it starts would be refused."""
    old = left_behind(w, ep)
    assert old and alive(old)
    with w.screen([w.bin / "ccrun", "demo", "--bg", "agent-two"]) as s:
        s.wait("was still that of a session that has ended; it was stopped")
        s.finish()
    until_asked(ep, "agent-two")
    assert not alive(old) and service(w) not in (0, old)
    login_is_unused(ep, outside, token)


def test_only_such_a_service_is_stopped(w, ep):
    """The file that names it is one that a session can write."""
    left_behind(w, ep)
    other = w.popen(["sleep", "600"])
    lock = w.home / ".claude/daemon.lock"
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "pid": other.pid}))
    w.ccrun("demo", "-p", "hello")
    assert other.poll() is None


@pytest.fixture
def another(w, ep):
    """Another provider's session, which has the background service; its endpoint."""
    with Endpoint() as there:
        w.provider("other", title="Other", base_url=there.url, auth="bearer")
        w.add("other", "k" * 40)
        there.script = by_first_words(
            leader_starts=[Bash("claude --bg agent-one </dev/null; " + WAITS % "over"), Text("done")],
            agent_one=[Text("the agent")])
        p = w.popen([w.bin / "ccrun", "other", "-p", "leader-starts", "--allowedTools", "Bash"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: of(there, "agent-one"), 60, "the other one's agent")
        yield there
        w.write("over", "")
        p.wait(60)


def test_no_agent_goes_to_another_providers_service(w, ep, another, token):
    w.provider("free", title="Free", base_url=ep.url, auth="bearer", policy={"delivery": "relay", "confine": "off"})
    w.add("free", token)
    for name in ("demo", "free"):
        r = w.ccrun(name, "--bg", "agent-two")
        assert r.rc == 125 and "works for a session of other, and starts all agents\nhint: " in r.err, r
        assert "claude daemon stop --any" in r.err
    assert not of(another, "agent-two") and not ep.main


def test_a_login_has_a_service_of_its_own_too(w, another):
    """Its agents would use the other one's key."""
    r = w.ccrun("claude", "--bg", "agent-two")
    assert r.rc == 125 and "works for a session of other" in r.err and not of(another, "agent-two"), r


def test_no_agent_goes_to_a_service_without_a_key(w, ep):
    with Endpoint([Bash("claude --bg agent-one </dev/null"), Text("done")]) as there:
        w.provider("local", title="Local", base_url=there.url, auth="none")
        r = w.ccrun("--no-key", "local", "-p", "go", "--allowedTools", "Bash")
        assert r.rc == 0 and service(w), (r, results(there))
        r = w.ccrun("demo", "--bg", "agent-two")
        assert r.rc == 125 and "belongs to a session without this key" in r.err and not ep.main, r


def test_a_provider_without_a_key_has_no_agents(w, ep):
    """The client's service would give them no address, and say that a login is required."""
    w.provider("local", title="Local", base_url=ep.url, auth="none")
    for words in (["--bg", "agent-one"], ["agents"]):
        r = w.ccrun("--no-key", "local", *words)
        assert r.rc == 125 and "work by relay alone, which local, without a key, does not need\nhint: " in r.err, r
    assert not ep.requests and not service(w)


def test_a_session_beside_it_is_told_where_its_agents_would_go(w, ep, another):
    with w.screen([w.bin / "ccrun", "demo"]) as s:
        s.wait("background service works for a session of other")
        s.ask("say hello")
        s.wait("hello from loopback")
        assert s.exit() == 0


def test_agents_that_share_a_sessions_service_end_with_it(w, ep):
    ep.script = by_first_words(
        leader_starts=[Bash("claude --bg agent-one </dev/null; " + WAITS % "over"), Text("done")])
    p = w.popen([w.bin / "ccrun", "demo", "-p", "leader-starts", "--allowedTools", "Bash"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_asked(ep, "agent-one")
    with w.screen([w.bin / "ccrun", "demo", "--bg", "agent-two"]) as s:
        s.wait("note: agents end with session [0-9a-f]{8}, whose background service claude has")
        s.finish()
    w.write("over", "")
    p.wait(60)


@pytest.mark.parametrize("policy, words", [
    ({"delivery": "relay", "nested": "deny"}, "lets a session start no other one (nested = deny)"),
    ({"delivery": "preload"}, "agents in the background have a key by relay alone")], ids=["nested", "preload"])
def test_agents_that_could_have_no_key_are_not_started(w, ep, token, policy, words):
    w.provider("closed", title="Closed", base_url=ep.url, auth="bearer", policy=policy)
    w.add("closed", token)
    for argv in (["--bg", "agent-one"], ["agents", "--json"]):
        r = w.ccrun("closed", *argv)
        assert r.rc == 125 and words in r.err and "\nhint: " in r.err, r
    assert not ep.requests and not service(w)


# ---- teammates ----

def test_teammate_in_the_same_process(w, ep, outside, token):
    def script(request):
        if is_from(request, "be the mate") and not is_from(request, "leader-starts"):
            return Text("the mate is done")
        if len(ep.main) == 1:
            return Tool("Agent", {"name": "mate", "description": "a mate", "prompt": "be the mate",
                                  "subagent_type": "general-purpose"})
        return Text("the leader is done")

    ep.script = script
    with w.screen([w.bin / "ccrun", "demo", "--teammate-mode", "in-process", "--permission-mode", "default"],
                  env={"CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS": "1"}) as s:
        s.ask("leader-starts")
        until(lambda: s.pump(0.1) and of(ep, "be the mate"), 60, "the mate's request")
        assert [x["inside"] for x in sessions(w)] == [None]
        s.wait("the leader is done")
        assert s.exit() == 0
    login_is_unused(ep, outside, token)


# ---- another image of the same process ----

def hardened(pid):
    return os.stat(f"/proc/{pid}/stat").st_uid == 0


def asked(s, ep, words, more=0):
    n = len(ep.main)
    s.ask(words)
    until(lambda: s.pump(0.1) and len(ep.main) > n + more, 60, f"the answer to {words}")
    s.wait("done|hello")


def rendered(s, w, ep, how):
    """The client executes itself for another renderer; answer what it asks then."""
    n = len(sessions(w))
    s.ask(f"/tui {how}")
    until(lambda: s.pump(0.2) and len(sessions(w)) > n, 60, "a session of the new image")
    s.pump(3)


def test_another_renderer_and_back(w, ep, outside, token):
    with w.screen([w.bin / "ccrun", "demo"]) as s:
        asked(s, ep, "say-hello")
        for how in ("classic", "fullscreen"):
            rendered(s, w, ep, how)
            assert hardened(s.pid) and {x["pid"] for x in sessions(w)} == {s.pid}
            ep.script = [Bash("env; cat /proc/$PPID/environ; claude -p inner </dev/null"), Text("inner"), Text("done")]
            asked(s, ep, f"now with {how}", 2)
        assert s.exit() == 0
    seen = results(ep)
    assert token not in seen and "Permission denied" in seen and "placeholder" not in seen
    login_is_unused(ep, outside, token)
    until(lambda: has_ended(w), what="the end of all its sessions")


# ---- an update ----

def npm_replaces(w):
    """npm puts a new file in the place of the old one.  Returns PATH and the update."""
    program = w.home / "lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe"
    program.parent.mkdir(parents=True)
    shutil.copy(claude(), program)
    (w.home / "bin").mkdir()
    (w.home / "bin/claude").symlink_to(program)

    def update():
        shutil.copy(claude(), f"{program}.new")
        os.rename(f"{program}.new", program)
    return w.home / "bin", update


def native_moves_the_link(w):
    """The native installer links to another version, and removes the old one."""
    versions, bin_dir = w.home / ".local/share/claude/versions", w.home / ".local/bin"
    for d in (versions, bin_dir):
        d.mkdir(parents=True)
    shutil.copy(claude(), versions / "2.1.1")
    (bin_dir / "claude").symlink_to(versions / "2.1.1")

    def update():
        shutil.copy(claude(), versions / "2.1.2")
        (bin_dir / "new").symlink_to(versions / "2.1.2")
        os.rename(bin_dir / "new", bin_dir / "claude")
        (versions / "2.1.1").unlink()
    return bin_dir, update


@pytest.mark.parametrize("install", [npm_replaces, native_moves_the_link], ids=["npm", "native"])
def test_an_update_underneath_a_session(w, ep, outside, token, install):
    where, update = install(w)
    w.own()
    with w.screen([w.bin / "ccrun", "demo"], env={"PATH": f"{where}:/usr/bin:/bin"}) as s:
        asked(s, ep, "say-hello")
        update()
        w.own()
        # In this order: a program of the session, the service's agent, the session itself.
        ep.script = by_first_words(
            inner=[Text("the inner one")], agent_one=[Text("the agent")],
            say_hello=[Bash("claude -p inner </dev/null; claude --bg agent-one </dev/null; echo status $?"), Text("done")])
        asked(s, ep, "now the others")
        until_asked(ep, "inner")
        until(lambda: s.pump(0.1) and of(ep, "agent-one"), 60, "the agent's request")
        until(lambda: s.pump(0.1) and "status 0" in results(ep), 60, "the end of the command")
        ep.script = []
        rendered(s, w, ep, "classic")
        assert hardened(s.pid)
        asked(s, ep, "still there")
        assert s.exit() == 0
    assert "the inner one" in results(ep)
    login_is_unused(ep, outside, token)


NPM = """#!/bin/bash
echo "$*" >>~/npm.log
case "$*" in
*view*) echo 99.0.0 ;;
*prefix*) echo ~/npm ;;
esac
"""


@pytest.mark.parametrize("inside", [False, True], ids=["ccrun", "session"])
def test_claude_update(w, ep, inside):
    """It has npm do it; what it would have installed is told by one that only notes it."""
    w.write("bin/npm", NPM, 0o755)
    env = {"PATH": f"{w.home}/bin:{Path(claude()).parent}:/usr/bin:/bin", "DISABLE_AUTOUPDATER": None}
    if inside:
        ep.script = [Bash("claude update </dev/null"), Text("done")]
        r = w.ccrun("demo", "-p", "go", "--allowedTools", "Bash", env=env)
        said = results(ep)
    else:
        r = w.ccrun("demo", "update", env=env)
        said = r.out
    assert r.rc == 0 and "99.0.0" in said and "Success" in said, (r, said)
    assert "install -g @anthropic-ai/claude-code@99.0.0\n" in (w.home / "npm.log").read_text()
    assert not ep.saw(LOGIN)


# ---- other doors of the client ----

def mcp(ident, method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": ident, "method": method, "params": params})


def test_claude_as_an_mcp_server(w, ep, outside, token):
    p = w.popen([w.bin / "ccrun", "demo", "mcp", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True)

    def call(*message, **params):
        p.stdin.write(mcp(*message, **params) + "\n")
        p.stdin.flush()
        return json.dumps(json.loads(p.stdout.readline())["result"])

    call(1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t", "version": "1"})
    said = call(2, "tools/call", name="Bash", arguments={
        "command": "echo $((6 * 7)); env; cat /proc/$PPID/environ; claude -p inner </dev/null", "description": "x"})
    assert "42" in said and "Permission denied" in said and token not in said and "hello from loopback" in said
    said = call(3, "tools/call", name="Agent", arguments={
        "description": "x", "prompt": "be-an-agent", "subagent_type": "general-purpose"})
    assert "hello from loopback" in said and of(ep, "be-an-agent")
    p.stdin.close()
    assert p.wait(30) == 0
    login_is_unused(ep, outside, token)
    until(lambda: has_ended(w), what="the end of its session")


def test_what_needs_an_account_of_claude_ai(w, ep):
    for words in (["--remote-control"], ["--remote-control=mine"], ["--rc", "mine"], ["remote-control"],
                  ["-p", "hello", "--cloud"], ["--teleport"], ["ultrareview"]):
        r = w.ccrun("demo", *words)
        word = next(x for x in words if x not in ("-p", "hello")).partition("=")[0]
        assert r.rc == 125 and f"{word} works with your own account of claude.ai alone, which Demo does not use" in r.err, r
        assert f"hint: without ccrun: claude {word}" in r.err
    assert not ep.requests


def test_it_passes_where_that_account_is_used(w):
    assert w.ccrun("-n", "claude", "--remote-control").rc == 0
    assert w.ccrun("-n", "demo", "-p", "--", "--remote-control").rc == 0
