"""The tests' own tools against the real client, without ccrun: the endpoint,
the world, the screen, the search for a token.  Where the client behaves in a
way that the design rests on, that is here too."""
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

import canary
from client import LIB, World, alive, claude, until
from endpoint import Bash, Endpoint, Error, Text

MANAGED = {"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}


@pytest.fixture
def outside():
    with Endpoint() as proxy:
        yield proxy


@pytest.fixture
def ep():
    with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def world(ep, token, outside):
    with World(ep, token, proxy=outside) as w:
        yield w


def call(url, body=None, method=None):
    """(status, content type, body) of one plain HTTP request."""
    data = None if body is None else json.dumps(body).encode()
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data, {"content-type": "application/json"},
                                     method=method)
    try:
        with direct.open(request, timeout=10) as answer:
            return answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers["content-type"], e.read()


MAIN = {"model": "m", "max_tokens": 9, "tools": [{"name": "Bash"}],
        "messages": [{"role": "user", "content": "hi"}]}


# ---- the endpoint alone ------------------------------------------------

def test_plain_http(ep):
    ep.script = [Text("one"), Bash("true"), Error(429, "rate_limit_error")]
    status, _, body = call(ep.url + "/some/prefix/v1/messages?beta=true", MAIN)
    assert (status, json.loads(body)["content"][0]["text"]) == (200, "one")
    _, kind, body = call(ep.url + "/v1/messages", dict(MAIN, stream=True))
    assert kind == "text/event-stream" and b"input_json_delta" in body
    assert call(ep.url + "/v1/messages", MAIN)[0] == 429
    assert json.loads(call(ep.url + "/v1/messages/count_tokens", MAIN)[2])["input_tokens"] > 0
    assert json.loads(call(ep.url + "/v1/models")[2])["data"]
    assert call(ep.url + "/", method="HEAD")[0] == 200
    assert call(ep.url + "/nothing")[0] == 404
    assert call(ep.url + "/v1/messages", {})[0] == 400
    assert [r.kind for r in ep.requests] == ["main"] * 3 + ["count", "models", "head"] + ["other"] * 2


def test_side_traffic_spares_the_script(ep):
    ep.script = [Text("for the conversation")]
    side = dict(MAIN, tools=[], max_tokens=1)
    assert b"for the" not in call(ep.url + "/v1/messages", side)[2]
    assert b"for the" in call(ep.url + "/v1/messages", MAIN)[2]


def test_command_line(tmp_path, token):
    port, log = tmp_path / "port", tmp_path / "log"
    # A shell in between, so that the parent can die.
    parent = subprocess.Popen(
        ["sh", "-c", '"$@" & echo $!; wait', "-", sys.executable, LIB / "endpoint.py",
         "--port-file", port, "--log", log, "--mask", "--text", "as told"],
        stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    try:
        until(port.exists, what="port file")
        url = f"http://127.0.0.1:{int(port.read_text())}"
        assert b"as told" in call(url + "/v1/messages", MAIN)[2]
        request = urllib.request.Request(url + "/v1/models", headers={"x-api-key": token})
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
        assert [json.loads(line)["kind"] for line in log.open()] == ["main", "models"]
        assert not canary.scan_files(tmp_path, token)
        parent.kill()
        parent.wait()
        until(lambda: not alive(pid), what="end of the endpoint")
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


# ---- the real client ---------------------------------------------------

def test_print_mode(ep, world, token, outside):
    ep.script = [Bash("id -un; echo $HOME"), Text("all is well")]
    r = world.run_p([claude()])
    assert (r.rc, r.out.strip()) == (0, "all is well"), r
    assert ep.tool_results() == [f"{world.user.pw_name}\n{world.home}"]
    assert ep.sent("authorization") == {"Bearer " + token} and not ep.sent("x-api-key")
    assert {r.path for r in ep.requests} == {"/v1/messages?beta=true"}
    assert not outside.requests and not world.leftovers()


def test_full_screen(ep, world, outside):
    ep.script = [Bash("echo from-the-tool"), Text("seen on screen")]
    with world.screen([claude()]) as s:
        s.ask("say hello")
        s.wait("seen on screen")
        assert s.exit() == 0
    assert ep.tool_results() == ["from-the-tool"]
    assert not outside.requests and not world.leftovers()


def test_permission_is_asked_without_tools(ep, token):
    ep.script = [Bash("touch ~/made"), Text("so be it")]
    with World(ep, token, tools=False) as w:
        assert w.run_p([claude()]).rc == 0
        assert "approv" in ep.tool_results()[0] or "permission" in ep.tool_results()[0]
        assert not (w.home / "made").exists()


def test_error_reaches_the_user(ep, world):
    ep.script = lambda request: Error(403, "permission_error", "no such key")
    r = world.run_p([claude()])
    assert r.rc == 1 and "no such key" in r.out, r


PLATFORMS = {
    "bedrock": ({"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "us-east-1"},
                "ANTHROPIC_BEDROCK_BASE_URL", "AWS_BEARER_TOKEN_BEDROCK",
                "authorization", "Bearer ", "/invoke-with-response-stream"),
    "vertex": ({"CLAUDE_CODE_USE_VERTEX": "1", "CLOUD_ML_REGION": "us-east5",
                "ANTHROPIC_VERTEX_PROJECT_ID": "p", "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1"},
               "ANTHROPIC_VERTEX_BASE_URL", None, None, None, ":streamRawPredict"),
    "foundry": ({"CLAUDE_CODE_USE_FOUNDRY": "1"}, "ANTHROPIC_FOUNDRY_BASE_URL",
                "ANTHROPIC_FOUNDRY_API_KEY", "x-api-key", "", "/v1/messages?beta=true"),
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_platforms(name, ep, token, outside):
    env, base, secret, header, prefix, path = PLATFORMS[name]
    ep.script = [Bash("echo ran"), Text("by way of " + name)]
    env = {**env, **MANAGED, base: ep.url, **({secret: token} if secret else {})}
    with World(proxy=outside) as w:
        r = w.run_p([claude()], env=env)
    assert (r.rc, r.out.strip()) == (0, "by way of " + name), r
    assert [t.split("\n")[0] for t in ep.tool_results()] == ["ran"]
    assert len(ep.main) == 2 and all(m.path.endswith(path) for m in ep.main)
    if secret:
        assert ep.sent(header) == {prefix + token}
    assert not outside.requests


# ---- what the design rests on ------------------------------------------

def test_host_managed_hides_a_login(ep, token):
    with World(ep) as w:
        w.login(token)
        assert w.run_p([claude()]).rc == 0
        assert ep.sent("authorization") == {"Bearer " + token}
        seen = len(ep.requests)
        r = w.run_p([claude()], env=MANAGED)
        assert r.rc == 1 and "Not logged in" in r.out, r
        assert len(ep.requests) == seen


def test_key_from_a_pipe(ep, token):
    ep.script = [Text("from a pipe")]
    with World(ep) as w:
        read, write = os.pipe()
        os.write(write, token.encode())
        os.close(write)
        try:
            r = w.run_p([claude()], env={"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR": read, **MANAGED},
                        pass_fds=(read,))
        finally:
            os.close(read)
        assert (r.rc, r.out.strip()) == (0, "from a pipe"), r
        assert ep.sent("x-api-key") == {token}
        assert not canary.scan_files(w.root, token)


def test_key_in_the_environment_ends_in_a_file(ep, token):
    with World(ep) as w, w.screen([claude()], env={"ANTHROPIC_API_KEY": token}) as s:
        s.wait("Do you want to use this API key")
        s.send("\x1b[A")
        s.wait("❯ Yes")
        s.send("\r")
        s.wait("❯ *\n")
        assert s.exit() == 0
        found = canary.scan_files(w.root, token)
        assert {(f.where, f.length) for f in found} == {(str(w.home / ".claude.json"), 20)}


def test_key_goes_home_unless_told_not_to(ep, token, outside):
    """A key for somebody else's endpoint makes the client call its maker too."""
    env = {"ANTHROPIC_API_KEY": token, **MANAGED}
    with World(ep, proxy=outside, quiet=False) as w:
        assert w.run_p([claude()], env=env).rc == 0
        assert {r.path for r in outside.requests} == {"api.anthropic.com:443"}
        before = len(outside.requests)
        env["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1"
        assert w.run_p([claude()], env=env).rc == 0
        assert len(outside.requests) == before


def test_proxy_variables(ep, world, token, outside):
    assert world.run_p([claude()], env={"NO_PROXY": None}).rc == 1
    assert outside.requests[0].headers["authorization"] == "Bearer " + token
    assert outside.requests[0].path.startswith(ep.url) and not ep.requests


# ---- the search for a token --------------------------------------------

def test_search_finds_a_plain_environment(ep, world, token):
    hold = threading.Event()
    ep.script = [Bash(canary.SNOOP), Text("late", hold)]
    with world.screen([claude()]) as s:
        s.ask("say hello")
        ep.wait(2)
        found, read = canary.scan_proc(token)
        assert s.pid in read and f"/proc/{s.pid}/environ" in {f.where for f in found}
        with canary.frozen(s.pid):
            found, searched, _ = canary.scan_memory(s.pid, token, wide=False)
        assert searched > 50 << 20 and max(f.length for f in found) == len(token)
        hold.set()
        s.wait("late")
        assert canary.scan_files(world.home / "snoop.txt", token)
        assert s.exit() == 0


HOLDER = """
import ctypes, mmap, sys
page = mmap.mmap(-1, 4096)
at = ctypes.addressof(ctypes.c_char.from_buffer(page))
libc = ctypes.CDLL(None, use_errno=True)
if sys.argv[1] == "locked" and libc.mlock(ctypes.c_void_p(at), ctypes.c_size_t(4096)):
    sys.exit("mlock failed")
view = memoryview(page)
n = open(0, "rb", buffering=0, closefd=False).readinto(view)
print(n, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("how", ["locked", "open"])
def test_search_in_memory(how, token):
    with subprocess.Popen([sys.executable, "-c", HOLDER, how], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as p:
        try:
            p.stdin.write(token[5:30].encode())
            p.stdin.flush()
            assert int(p.stdout.readline()) == 25
            found, searched, spared = canary.scan_memory(p.pid, token)
            assert searched > 1 << 20 and (spared > 0) == (how == "locked")
            assert [f.length for f in found] == ([] if how == "locked" else [25])
            assert canary.scan_memory(p.pid, token, spare_locked=False)[0]
        finally:
            p.kill()


def test_search_in_files(tmp_path, token):
    clean = token[:11] + "\n" + token[11:22]
    (tmp_path / "clean").write_text(clean)
    assert not canary.scan_files(tmp_path, token)
    edge = b"\0" * (canary.CHUNK - 20) + token.encode()
    (tmp_path / "edge").write_bytes(edge)
    # "-" before a piece: no token has it, where a letter is one in 62 times the token's own.
    for order in ("le", "be"):
        (tmp_path / order).write_bytes(b"-" + token[20:32].encode("utf-16-" + order))
    (tmp_path / ("-" + token[3:15])).touch()
    (tmp_path / "link").symlink_to(token)
    os.mkfifo(tmp_path / "fifo")
    found = sorted((f.length, f.encoding) for f in canary.scan_files(tmp_path, token))
    assert found == [(12, "plain")] + 2 * [(24, "utf-16")] + 2 * [(48, "plain")]
    assert all(token[i:i + 12] not in str(f) for f in canary.scan_files(tmp_path / "edge", token)
               for i in range(len(token) - 11))


def test_every_piece_is_found(token):
    everything = canary.pieces(token)
    assert len(everything) == len(token) - 11
    for piece in everything:
        assert canary.scan_bytes("(" + piece + ")", token)
        assert not canary.scan_bytes("(" + piece[1:] + ")", token)


# ---- the world ---------------------------------------------------------

def test_a_world_ends_what_it_started():
    with World() as w:
        r = w.run(["sh", "-c", "setsid -f sh -c 'trap \"\" TERM; while :; do sleep 1; done'"])
        assert r.rc == 0
        daemon = until(w.leftovers)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            w.run(["sleep", "60"], timeout=0.3)
        assert time.monotonic() - start < 10
    assert not any(alive(pid) for pid in daemon) and not w.root.exists()


def test_worlds_leave_each_other_alone():
    with World() as one, World() as two:
        mine = one.popen(["sleep", "60"])
        two.popen(["sleep", "60"])
        two.end()
        assert alive(mine.pid) and len(one.leftovers()) == 1
