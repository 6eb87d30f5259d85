"""ccrun with delivery = relay: what the client is given, and how a version of it is
tried.  Most of it needs no client: a script shows what it got."""
import json
import os
import re
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from client import alive, claude, until
from endpoint import Bash, Text
from relay_broker import certificate, server_context

SHOW = """#!/usr/bin/python3
import json, os, stat, subprocess, sys
place = int(os.environ["ANTHROPIC_UNIX_SOCKET"].rpartition("/")[2])
child = [sys.executable, "-c", "import json, os; print(json.dumps([dict(os.environ), os.listdir('/proc/self/fd')]))"]
env, fds = json.loads(subprocess.run(child, stdout=subprocess.PIPE, close_fds=False, check=True).stdout)
print(json.dumps({"env": dict(os.environ), "place": place, "socket": stat.S_ISSOCK(os.stat(place).st_mode),
                  "inherited": os.get_inheritable(place), "owner": os.stat("/proc/self/stat").st_uid,
                  "child": env, "child_fds": fds}))
"""

# A client that asks so many times at once.
MANY = """#!/usr/bin/python3
import json, os, socket, sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
BODY = json.dumps({"model": "m", "max_tokens": 9, "stream": True, "tools": [{"name": "Bash"}],
                   "messages": [{"role": "user", "content": "hi"}]})
def ask(_):
    c = HTTPConnection("ccrun.invalid")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(os.environ["ANTHROPIC_UNIX_SOCKET"])
    c.request("POST", "/v1/messages", BODY, {"content-type": "application/json"})
    r = c.getresponse()
    return r.status if r.read().endswith(b"\\n\\n") else "cut"
print(*ThreadPoolExecutor(99).map(ask, range(int(sys.argv[1]))))
"""

# What the canned answer says, which is what shows that a client took it.
WORKS = "ccrun-relay-works"


@pytest.fixture
def relayed(c, token):
    """Provider demo by relay at the endpoint, its key in an open vault."""
    c.demo(policy={"delivery": "relay"})
    c.ready(token)
    return c


@pytest.fixture
def show(c):
    """A program that prints what it was given."""
    return c.write("bin/show", SHOW, 0o755)


def shown(r):
    assert r.rc == 0, r
    return json.loads(r.out)


def facts(r):
    """The facts of -n that are there once: {word: rest of the line}."""
    assert r.rc == 0, r
    return dict(line.partition(" ")[::2] for line in r.out.splitlines())


def tried(c):
    path = c.home / ".cache/ccrun/clients"
    return path.read_text().splitlines() if path.exists() else []


def client(c, body, name="claude"):
    """A script of that name, in a directory of its own."""
    return c.write(f"clients/{name}", f"#!/bin/sh\n{body}\n", 0o755)


# ---- the real client ----

def test_client_works_with_its_tools(relayed, ep, token):
    ep.script = [Bash("echo $((6 * 7)); env; cat /proc/$PPID/environ"), Text("done")]
    r = relayed.ccrun("demo", "-p", "go", "--allowedTools", "Bash")
    assert r.rc == 0 and "done" in r.out, r
    assert [q.headers["authorization"] for q in ep.main] == ["Bearer " + token] * 2
    result = "".join(ep.tool_results())
    assert "42" in result and token not in result
    for word in ("/proc/self/fd/", "CCRUN_RELAY", "placeholder"):
        assert word not in result
    assert re.fullmatch(r"[\d.:+]+ relay=yes first-party=(yes|no)", "\n".join(tried(relayed)))


def test_client_is_undumpable(relayed, ep):
    hold = threading.Event()
    ep.script = [Text("done", hold=hold)]
    p = subprocess.Popen(relayed.argv([relayed.bin / "ccrun", "demo", "-p", "go"]), env=relayed.env(),
                         cwd=relayed.cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        ep.wait()
        assert Path(f"/proc/{p.pid}/comm").read_text().startswith("claude")
        assert os.stat(f"/proc/{p.pid}/stat").st_uid == 0
        with pytest.raises(PermissionError):
            Path(f"/proc/{p.pid}/environ").read_bytes()
        hold.set()
        out, err = p.communicate(timeout=60)
        assert p.returncode == 0 and b"done" in out, err
    finally:
        hold.set()
        p.kill()
        p.wait()


def test_x_api_key_provider_asks_nothing_and_stores_no_part_of_it(c, ep, token):
    c.demo(auth="api-key", policy={"delivery": "relay"})
    c.ready(token)
    r = c.ccrun("demo", "-p", "go")
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert [q.headers["x-api-key"] for q in ep.main] == [token]
    assert "authorization" not in ep.main[0].headers
    assert token[-20:] not in (c.home / ".claude.json").read_text()


@pytest.mark.parametrize("auth, more, header", [
    ("foundry", {}, "x-api-key"),
    ("bedrock", {"parameters": {"region": "eu-west-1"}, "secrets": {"AWS_BEARER_TOKEN_BEDROCK": "demo"},
                 "models": {"default": "us.anthropic.claude-test-v1:0"}}, "authorization")])
def test_clouds_work(c, ep, token, auth, more, header):
    c.demo(auth=auth, policy={"delivery": "relay"}, **more)
    c.ready(token)
    r = c.ccrun("demo", "-p", "go")
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert ep.main[0].headers[header].endswith(token) and ep.sent("authorization") is not None


def test_full_screen(relayed, ep, token):
    with relayed.screen([relayed.bin / "ccrun", "demo"]) as s:
        s.ask("say hello")
        s.wait("hello from loopback")
        assert s.exit() == 0
    assert {q.headers["authorization"] for q in ep.main} == {"Bearer " + token}


def test_session_inside_a_session_uses_its_key(c, ep, token):
    c.demo(policy={"delivery": "relay", "nested": "use"})
    c.ready(token)
    ep.script = [Bash(f"{c.bin / 'ccrun'} demo -p inner </dev/null 2>&1; {c.bin / 'ccctl'} get demo 2>&1"),
                 Text("the inner one"), Text("done")]
    r = c.ccrun("demo", "-p", "go", "--allowedTools", "Bash")
    assert r.rc == 0 and "done" in r.out, r
    result = "".join(ep.tool_results())
    assert "the inner one" in result and token not in result and "session" in result
    assert [q.headers["authorization"] for q in ep.main] == ["Bearer " + token] * 3


# ---- what it is given ----

def test_environment_has_a_place_and_a_placeholder(relayed, show, token):
    r = relayed.ccrun("--exec", show, "demo", env={"ANTHROPIC_UNIX_SOCKET": "/planted", "CCRUN_RELAY": "5",
                                                   "ANTHROPIC_AUTH_TOKEN": "mine", "LD_PRELOAD": ""})
    got = shown(r)
    env, place = got["env"], got["place"]
    assert place >= 3 and got["socket"] and not got["inherited"] and got["owner"] == 0
    assert env["ANTHROPIC_UNIX_SOCKET"] == f"/proc/self/fd/{place}"
    assert env["ANTHROPIC_BASE_URL"] == "http://ccrun.invalid" and env["ANTHROPIC_AUTH_TOKEN"] == "placeholder"
    assert not [n for n in env if n in ("CCRUN_RELAY", "CCRUN_FD", "LD_PRELOAD")]
    assert token not in r.out + r.err
    child = got["child"]
    assert child["LD_PRELOAD"] == "" and child["CCRUN_PROVIDER"] == "demo"
    assert not [n for n in child if n in ("ANTHROPIC_AUTH_TOKEN", "CCRUN_RELAY")]
    assert child["ANTHROPIC_UNIX_SOCKET"].startswith("/nonexistent/")
    assert str(place) not in got["child_fds"]
    # Nobody can find it by name.
    assert not [n for n in os.listdir(relayed.runtime / "ccrun") if n.startswith("relay-")]


def test_session_goes_on_in_another_image(relayed, show):
    chain = relayed.write("bin/chain", f"#!/bin/sh\nexec {show}\n", 0o755)
    got = shown(relayed.ccrun("--exec", chain, "demo"))
    assert got["socket"] and got["owner"] == 0 and not got["inherited"]


@pytest.mark.parametrize("auth, variable, base, more", [
    ("foundry", "ANTHROPIC_FOUNDRY_API_KEY", "ANTHROPIC_FOUNDRY_BASE_URL", {"parameters": {"resource": "r"}}),
    ("bedrock", "AWS_BEARER_TOKEN_BEDROCK", "ANTHROPIC_BEDROCK_BASE_URL",
     {"parameters": {"region": "eu-west-1"}, "secrets": {"AWS_BEARER_TOKEN_BEDROCK": "demo"}})])
def test_clouds_with_one_key(c, show, token, auth, variable, base, more):
    c.provider("demo", title="D", auth=auth, policy={"delivery": "relay"}, **more)
    c.ready(token)
    env = shown(c.ccrun("--exec", show, "demo"))["env"]
    assert env[variable] == "placeholder" and env[base] == "http://ccrun.invalid"
    assert "ANTHROPIC_FOUNDRY_RESOURCE" not in env and "ANTHROPIC_AUTH_TOKEN" not in env
    said = facts(c.ccrun("-n", "--exec", show, "demo"))
    assert said["relay"] == f"{variable}=(from vault: demo)"


@pytest.mark.parametrize("auth, more, why", [
    ("vertex", {"parameters": {"region": "us", "project": "p"},
                "secrets": {"exposed": "yes", "GOOGLE_TOKEN": "demo"}}, "auth = vertex"),
    ("oauth", {}, "auth = oauth"),
    ("bedrock", {"parameters": {"region": "us-east-1"},
                 "secrets": {"exposed": "yes", "AWS_SECRET_ACCESS_KEY": "demo"}}, "AWS_SECRET_ACCESS_KEY")])
def test_what_no_relay_carries_is_refused(c, show, auth, more, why):
    c.provider("demo", title="D", auth=auth, policy={"delivery": "relay"}, **more)
    r = c.ccrun("-n", "--exec", show, "demo")
    assert r.rc == 125 and why in r.err and "hint:" in r.err, r


def test_program_that_cannot_be_preloaded(relayed, token):
    source = relayed.write("static.c", '#include <stdio.h>\n#include <stdlib.h>\nint main(void){'
                           'puts(getenv("ANTHROPIC_UNIX_SOCKET"));puts(getenv("ANTHROPIC_AUTH_TOKEN"));return 0;}\n')
    out = relayed.home / "static"
    subprocess.run(["cc", "-static", "-o", out, source], check=True)
    relayed.own()
    r = relayed.ccrun("--exec", out, "demo")
    assert r.rc == 0 and r.out.startswith("/proc/self/fd/") and r.out.endswith("\nplaceholder\n"), r
    with relayed.screen([relayed.bin / "ccrun", "--exec", out, "demo"]) as s:
        s.wait("cannot be preloaded: its children see its environment; the key is not in it")
        assert "used by a relay, never in this process" in s.text()
        assert "untried: the program's name is not claude" in s.text()
        assert s.finish() == 0


# ---- the person's network ----

def test_network_is_shown(c):
    c.write(".claude/settings.json", json.dumps({"env": {"HTTPS_PROXY": "http://me:pw@proxy.test:3128"}}), 0o600)
    c.provider("demo", title="D", base_url="https://api.example.test", auth="bearer", policy={"delivery": "relay"})
    c.write("repo/.claude/settings.json", json.dumps({"env": {"NODE_EXTRA_CA_CERTS": "/planted"}}))
    r = c.ccrun("-n", "demo", env={"NO_PROXY": "a.test", "HTTPS_PROXY": "http://other:1"}, cwd=c.home / "repo")
    said = facts(r)
    assert said["proxy"] == f"http://***@proxy.test:3128 (HTTPS_PROXY, {c.home}/.claude/settings.json)"
    assert said["no-proxy"] == "a.test (NO_PROXY, environment)"
    assert "pw" not in r.out + r.err and "ca" not in said


def test_authorities_are_read_before_the_start(c, show, token):
    c.provider("demo", title="D", base_url="https://api.example.test", auth="bearer", policy={"delivery": "relay"})
    c.ready(token)
    r = c.ccrun("--exec", show, "demo", env={"NODE_EXTRA_CA_CERTS": str(c.home / "none.pem")})
    assert r.rc == 125 and "NODE_EXTRA_CA_CERTS (environment)" in r.err and "No such file" in r.err, r


def speak_tls(c, ep, client=None):
    """Have the endpoint of provider demo speak TLS; the path of its authority."""
    crt, key = certificate(c.root, name="DNS:localhost")
    ep.server.socket = server_context(crt, key, client).wrap_socket(ep.server.socket, server_side=True)
    c.demo(url=f"https://localhost:{ep.port}", policy={"delivery": "relay"})
    return crt


def test_authorities_of_the_persons_settings(c, ep, token):
    crt = speak_tls(c, ep)
    c.plain_env["CLAUDE_CODE_MAX_RETRIES"] = "0"
    c.ready(token)
    r = c.ccrun("demo", "-p", "go")
    assert r.rc != 0 and "certificate" in r.out, r
    c.write("ca.pem", crt.read_text())
    c.settings({"env": {"NODE_EXTRA_CA_CERTS": str(c.home / "ca.pem")}})
    r = c.ccrun("demo", "-p", "go")
    assert r.rc == 125 and "ccctl approve demo" in r.err, "a session can write these settings"
    assert c.ccctl("approve", "demo", "--yes").rc == 0
    r = c.ccrun("demo", "-p", "go")
    assert r.rc == 0 and "hello from loopback" in r.out, r
    c.settings({"env": {}})
    c.settings({"env": {"NODE_EXTRA_CA_CERTS": str(c.home / "ca.pem")}}, where="project")
    assert c.ccrun("demo", "-p", "go").rc != 0 and len(ep.main) == 1


def test_many_connections_with_the_persons_authorities(c, ep, token):
    """Subagents ask beside the conversation; each connection is TLS of its own."""
    crt = speak_tls(c, ep)
    c.ready(token)
    c.plain_env.update(NODE_EXTRA_CA_CERTS=str(crt))
    assert c.ccctl("approve", "demo", "--yes").rc == 0
    hold = threading.Event()
    ep.script = lambda q: Text("done", hold=hold)
    many = c.write("bin/many", MANY, 0o755)
    p = c.popen([c.bin / "ccrun", "--exec", many, "demo", "20"], stdout=subprocess.PIPE, text=True)
    try:
        ep.wait(20)
    finally:
        hold.set()
    assert p.communicate(timeout=60)[0].split() == ["200"] * 20


def test_certificate_of_the_person(c, ep, token):
    crt, key = certificate(c.root)
    authority = speak_tls(c, ep, client=crt)
    c.ready(token)
    c.plain_env.update(CLAUDE_CODE_MAX_RETRIES="0", NODE_EXTRA_CA_CERTS=str(authority))
    c.own()
    assert c.ccctl("approve", "demo", "--yes").rc == 0
    assert c.ccrun("demo", "-p", "go").rc not in (0, 125)
    c.plain_env.update(CLAUDE_CODE_CLIENT_CERT=str(crt), CLAUDE_CODE_CLIENT_KEY=str(key))
    r = c.ccrun("demo", "-p", "go")
    assert r.rc == 0 and "hello from loopback" in r.out, r


def test_dry_run_tries_nothing(relayed):
    ran = relayed.home / "ran"
    own = client(relayed, f"touch {ran}; echo {WORKS}")
    assert facts(relayed.ccrun("-n", "--exec", own, "demo"))["delivery"] == \
        "relay (untried: the next start tries this claude)"
    assert not ran.exists() and not tried(relayed)


def test_each_client_is_tried_once(relayed):
    log = relayed.home / "log"
    own = client(relayed, f"echo ${{CCRUN_PROVIDER:-try}} >>{log}; echo {WORKS}")
    for _ in range(2):
        assert relayed.ccrun("--exec", own, "demo").rc == 0
    lines = log.read_text().split()
    assert lines.count("demo") == 2 and lines.count("try") in (1, 2)  # one or both of the questions
    assert len(tried(relayed)) == 1 and " relay=yes " in tried(relayed)[0]
    assert facts(relayed.ccrun("-n", "--exec", own, "demo"))["delivery"] == "relay (this claude was tried with one)"
    # Another one, also when it is in the same place.
    own = client(relayed, f"echo ${{CCRUN_PROVIDER:-again}} >>{log}; echo {WORKS}")
    assert relayed.ccrun("--exec", own, "demo").rc == 0
    assert "again" in log.read_text() and len(tried(relayed)) == 2


def test_a_client_is_tried_by_a_path_that_begins_here(relayed):
    """The README's `ccrun --exec build/claude/node_modules/.bin/claude zai`."""
    own = client(relayed, f"echo {WORKS}")
    short = f"./{os.path.basename(own)}"
    r = relayed.ccrun("--exec", short, "demo", cwd=own.parent)
    assert r.rc == 0 and len(tried(relayed)) == 1 and " relay=yes " in tried(relayed)[0], r
    assert facts(relayed.ccrun("-n", "--exec", short, "demo", cwd=own.parent))["delivery"] == \
        "relay (this claude was tried with one)"


def test_client_that_does_not_take_the_socket_is_refused(relayed, ep):
    own = client(relayed, "echo hello; exit 0")
    r = relayed.ccrun("--exec", own, "demo")
    assert r.rc == 125 and "does not send its requests to a relay" in r.err and "hint:" in r.err, r
    assert len(tried(relayed)) == 1 and " relay=no first-party=no" in tried(relayed)[0]
    assert not ep.main


def test_a_try_is_no_better_placed_than_a_session(relayed):
    """A planted claude is run by a try, too."""
    told = relayed.home / "told"
    own = client(relayed, f"[ $CCRUN_PROVIDER ] || {{ env; pwd; ls -A; grep locks /proc/self/limits; "
                          f"cat /proc/net/dev; }} >{told}; echo {WORKS}")
    r = relayed.ccrun("--exec", own, "demo", env={"MINE": "secret", "HTTPS_PROXY": "http://p:1"})
    assert r.rc == 0, r
    text = told.read_text()
    assert "secret" not in text and "http://p:1" not in text and "ANTHROPIC_AUTH_TOKEN=placeholder" in text
    home = re.search(r"^HOME=(.*)$", text, re.M).group(1)
    assert home.startswith(str(relayed.runtime)) and f"\n{home}\n" in text and not os.path.exists(home)
    assert re.search(r"^Max file locks +\d+", text, re.M)
    names = re.findall(r"^ *(\S+):", text[text.index("face"):], re.M)
    assert names == ["lo"]


def test_nothing_of_a_try_is_left(relayed):
    left = relayed.home / "left"
    own = client(relayed, f"[ $CCRUN_PROVIDER ] || {{ sleep 1000 & echo $! >>{left}; mkdir -p $HOME/a/b; "
                          f"touch $HOME/a/b/c; ln -s {relayed.home} $HOME/a/link; }}; echo {WORKS}")
    assert relayed.ccrun("--exec", own, "demo").rc == 0
    assert left.read_text().split() and not [p for p in left.read_text().split() if alive(int(p))]
    assert not [n for n in os.listdir(relayed.runtime / "ccrun") if n.startswith("try-")]
    assert own.exists()


def test_kept_answers_are_private(relayed):
    own = client(relayed, f"echo {WORKS}")
    assert relayed.ccrun("--exec", own, "demo").rc == 0
    path = relayed.home / ".cache/ccrun/clients"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    # A no may be a session's: it does not count for a start.
    path.write_text(path.read_text().replace("relay=yes", "relay=no"))
    assert relayed.ccrun("--exec", own, "demo").rc == 0 and " relay=yes " in tried(relayed)[0]
    # A damaged one is no answer.
    path.write_text(path.read_text() + "rubbish\n")
    assert "untried" in facts(relayed.ccrun("-n", "--exec", own, "demo"))["delivery"]
    assert relayed.ccrun("--exec", own, "demo").rc == 0
    assert len(tried(relayed)) == 1


def test_real_client_is_tried_behind_links(relayed, ep):
    link = relayed.home / "clients/claude"
    link.parent.mkdir()
    link.symlink_to(claude())
    relayed.own()
    assert relayed.ccrun("--exec", link, "demo", "-p", "x").rc == 0
    st = os.stat(claude())
    assert tried(relayed)[0].startswith(f"{st.st_dev}:{st.st_ino}:{st.st_size}:")
    assert len(ep.main) == 1


def test_wait_is_explained_on_a_terminal(relayed):
    own = client(relayed, f"sleep 1; echo {WORKS}")
    with relayed.screen([relayed.bin / "ccrun", "--exec", own, "demo"]) as s:
        s.wait(r"ccrun: trying what this claude supports \(once\)")
        assert s.finish() == 0
    with relayed.screen([relayed.bin / "ccrun", "--exec", own, "demo"]) as s:
        s.wait(WORKS)
        assert "trying" not in s.text() and s.finish() == 0


def test_where_it_could_reach_hosts_it_is_asked_for_none(relayed):
    """In a user namespace that has none below it."""
    bases = relayed.home / "bases"
    own = client(relayed, f"echo $ANTHROPIC_BASE_URL >>{bases}; echo {WORKS}")
    relayed.run(["unshare", "-Ur", "sh", "-c", "echo 0 >/proc/sys/user/max_user_namespaces; exec \"$@\"", "sh",
                 relayed.bin / "ccrun", "--exec", own, "demo"])
    assert bases.read_text() == "http://ccrun.invalid\n"
    assert tried(relayed)[0].endswith(" relay=yes first-party=no")


@pytest.mark.parametrize("first_party, base", [("yes", "http://api.anthropic.com"), ("no", "http://ccrun.invalid")])
def test_first_party_is_addressed_where_the_client_takes_it(c, first_party, base):
    c.overlay("anthropic", "[policy]\ndelivery = relay\n")
    st = os.stat(claude())
    nanoseconds = f"{st.st_ctime_ns // 10**9}.{st.st_ctime_ns % 10**9:09}"
    path = c.write(".cache/ccrun/clients", f"{st.st_dev}:{st.st_ino}:{st.st_size}:{nanoseconds} "
                   f"relay=yes first-party={first_party}\n")
    path.parent.chmod(0o700)
    r = c.ccrun("-n", "anthropic")
    assert facts(r)["delivery"] == "relay (this claude was tried with one)"
    assert f"set ANTHROPIC_BASE_URL={base}\n" in r.out and "set ANTHROPIC_AUTH_TOKEN=placeholder\n" in r.out


def test_a_try_ends_with_ccrun(relayed):
    started = relayed.home / "started"
    own = client(relayed, f"echo $$ >{started}.new; mv {started}.new {started}; exec sleep 1000")
    p = subprocess.Popen(relayed.argv([relayed.bin / "ccrun", "--exec", own, "demo"]), env=relayed.env(),
                         cwd=relayed.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(started.exists)
    finally:
        p.kill()
        p.wait()
    until(lambda: not alive(int(started.read_text())))
