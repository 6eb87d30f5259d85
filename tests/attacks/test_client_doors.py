"""What the client itself prints or writes when it is told to, where it has the key in its
memory (delivery = preload)."""
import json
from pathlib import Path

import pytest

import canary
from endpoint import Bash, Error, Text

VERBOSE = {"env": {"BUN_CONFIG_VERBOSE_FETCH": "curl"}}


@pytest.fixture
def client(c, token):
    c.demo()
    c.ready(token)
    return c


def nowhere(c, token, *texts):
    for text in texts:
        assert not canary.scan_bytes(text, token)
    found = canary.scan_files([c.root], token)
    assert not found, found
    assert not [*c.root.rglob("*.heapsnapshot"), *Path("/tmp").glob("*.heapsnapshot")]


def test_no_heap_dump_from_a_script(client, token):
    r = client.ccrun("demo", "-p", "/heapdump")
    assert "Couldn't create heap dump" in r.out, r
    nowhere(client, token, r.out, r.err)


def test_no_heap_dump_in_full_screen(client, token):
    with client.screen([client.bin / "ccrun", "demo"]) as screen:
        screen.ask("/heapdump")
        screen.wait("Couldn't create heap dump")
        screen.exit()
        nowhere(client, token, bytes(screen.raw))


@pytest.mark.parametrize("mode", ["script", "screen"])
def test_a_refused_key_is_said_as_without_us(client, ep, mode):
    """No sign-in of the client's own is begun: the key is replaced in the vault."""
    ep.default = Error(401, "authentication_error", "invalid key")
    if mode == "script":
        r = client.ccrun("demo", "-p", "hello")
        assert r.rc == 1 and "401 invalid key" in r.out, r
        return
    with client.screen([client.bin / "ccrun", "demo"]) as screen:
        screen.ask("hello")
        screen.wait("401 invalid key")
        assert "sign in" not in screen.text().lower()
        screen.exit()


@pytest.mark.parametrize("where", ["settings.json", "settings.local.json"])
def test_headers_are_not_printed_because_a_repository_wants_it(client, ep, token, where):
    client.write(client.cwd / ".claude" / where, json.dumps(VERBOSE))
    r = client.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and "uthorization" not in r.err, r
    nowhere(client, token, r.out, r.err)


def test_nor_when_the_session_writes_it_meanwhile(client, ep, token):
    path = client.cwd / ".claude/settings.local.json"
    writer = client.write(client.cwd / "writer.py", f"""
import pathlib, time
path = pathlib.Path({str(path)!r})
path.parent.mkdir(exist_ok=True)
path.write_text({json.dumps(VERBOSE)!r})
time.sleep(3)
""")
    ep.script = [Bash(f"/usr/bin/python3 {writer}"), Bash("true"), Text("done")]
    r = client.ccrun("demo", "-p", "go")
    assert r.rc == 0 and "done" in r.out and len(ep.main) == 3 and path.exists(), r
    nowhere(client, token, r.out, r.err)


@pytest.mark.parametrize("how", ["text", "file", "one word"])
def test_a_persons_own_settings_are_kept(client, ep, token, how):
    own = json.dumps({"env": {"BUN_CONFIG_VERBOSE_FETCH": "curl", "OWN": "said"}})
    path = client.write(client.root / "own settings.json", own)
    words = {"text": ["--settings", own], "file": ["--settings", path], "one word": [f"--settings={path}"]}[how]
    ep.script = [Bash("echo it is $OWN >own"), Text("done")]
    r = client.ccrun("demo", *words, "--allowedTools", "Bash", "-p", "go")
    assert r.rc == 0 and "BUN_CONFIG_VERBOSE_FETCH in your --settings is off here" in r.err, r
    assert (client.cwd / "own").read_text() == "it is said\n"
    nowhere(client, token, r.out, r.err)


def test_settings_that_are_none(client):
    r = client.ccrun("demo", "--settings", "/nowhere/settings.json", "-p", "go")
    assert r.rc == 1 and "not found: /nowhere/settings.json" in r.out + r.err, r
    path = client.write(client.root / "bad.json", '{"env": "sk-not-to-be-quoted" oops}')
    r = client.ccrun("demo", "--settings", path, "-p", "go")
    assert r.rc == 125 and f"--settings {path} is not JSON: line 1" in r.err and "quoted" not in r.err, r


def test_other_commands_of_the_client_take_it_too(client):
    assert client.ccrun("demo", "--version").out.startswith("2.")
    assert "No MCP servers" in client.ccrun("demo", "mcp", "list").out


def test_by_relay_the_client_is_started_as_it_is(c, ep, token):
    c.demo(policy={"delivery": "relay"})
    c.ready(token)
    said = c.ccrun("-n", "demo", "-p", "hello").out
    assert "--settings" not in said and "HOST_AUTH" not in said
