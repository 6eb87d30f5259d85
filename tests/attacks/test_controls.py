"""Each control holds something: with it the attempt fails, and in the test build without it
(CCRUN_WITHOUT) the same attempt gets what it is after.  A test that passes either way would
prove nothing about the control."""
import os
import socket
import subprocess
import time

import pytest

import wire_client as wc
from api_shapes import message
from ccrun import CCRUN, Ccrun
from built import BUILD
from controls import names, off, without
from relay_broker import Provider, Relay, answer
from wire_client import Closed, Refused, in_child

TOKEN = "sk-test-0123456789abcdefghij"
SAYS = 'printf %s "$ANTHROPIC_AUTH_TOKEN"'


def attempt(control, function):
    """(what comes of it, what comes of it without the control)"""
    found = []
    for controls in ((), (control,)):
        with without(wc.Broker(), *controls) as b:
            b.init()
            b.put("zai", TOKEN)
            try:
                found.append(function(b))
            except (Refused, Closed, OSError) as e:
                found.append(str(e) or type(e).__name__)
    return found


def has_token(found):
    return TOKEN in str(found)


# ---- the broker ----

def marked(function):
    """The same by a process of a session."""
    def child(b):
        wc.mark()
        return function(b)
    return lambda b: in_child(child, b)


def get(b):
    return b.get("zai")


def impostor(b):
    """A child claims over the connection of the session that started it."""
    return in_child(wc.launch, b, "mark", "arrived", "hide", "other claims")


def claim(*steps, **changes):
    return lambda b: in_child(lambda: wc.launch(b, *steps, **changes))


def nobody_asks(b):
    b.person = None
    return b.get("zai")


ELSEWHERE = "bearer https://elsewhere.example.test"


@pytest.mark.parametrize("control, function", [
    ("mark", marked(get)),
    ("message-sender", impostor),
    ("person", nobody_asks),
    ("undumpable-claimant", claim("mark", "arrived", "claim")),
    ("marked-claimant", claim("arrived", "hide", "claim")),
    ("untraced", claim("mark", "arrived", "traceme", "hide", "claim")),
    ("sealed-origin", claim("mark", "arrived", "hide", "claim", origin=ELSEWHERE)),
    ("sealed-variable", claim("mark", "arrived", "hide", "claim", variable="ANTHROPIC_API_KEY")),
    ("sealed-env", claim("mark", "arrived", "hide", "claim", env=bytes(32))),
    ("sealed-config-dir", claim("mark", "arrived", "hide", "claim", config_dir="/home/me/other")),
])
def test_the_key_comes_out_without_it(ordinary_user, control, function):
    held, gone = attempt(control, function)
    assert not has_token(held), held
    assert has_token(gone), gone


# ---- the relay ----

def by_a_child(relay, provider):
    s = relay.raw()
    s.settimeout(5)
    ask = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    in_child(lambda: s.sendall(ask))
    try:
        return b"200" in s.recv(4096)
    except OSError:
        return False
    finally:
        s.close()


def other_path(relay, provider):
    try:
        relay.post("/v1/files")
    except (OSError, ValueError):
        pass
    return any("/v1/files" in r.line for r in provider.requests)


def routing_field(relay, provider):
    relay.post(headers={"X-Forwarded-Host": "elsewhere.example.test"})
    return "x-forwarded-host" in provider.requests[-1].headers


def the_key_comes_back(relay, provider):
    return relay.values[0][0].encode() in relay.post().data


def after_a_wipe(relay, provider):
    assert relay.post().status == 200
    relay.values.append({"error": "locked", "message": "the vault is locked", "hint": "ccctl unlock"})
    relay.values.pop(0)
    relay.wipe()
    time.sleep(0.2)  # the wipe has no answer
    return relay.post().status == 200


@pytest.mark.parametrize("control, function", [
    ("request-sender", by_a_child), ("request-routes", other_path), ("request-fields", routing_field),
    ("answer-filter", the_key_comes_back), ("relay-wipe", after_a_wipe),
])
def test_the_relay_lets_it_through_without(ordinary_user, control, function):
    said = message("claude-test-1", [{"type": "text", "text": Relay.__init__.__defaults__[0][0][0]}], "end_turn")
    found = []
    for controls in ((), (control,)):
        with Provider(reply=answer(said)) as provider, Relay(provider.url, env=off(*controls)) as relay:
            found.append(function(relay, provider))
    assert found == [False, True]


# ---- ccrun, and what is in the client ----

def launched(world, controls, *argv, env=None):
    return world.run([CCRUN, *argv], env={**off(*controls), **(env or {})})


@pytest.mark.parametrize("control", ["runtime-variables", "routing-variables", "managed"])
def test_the_client_s_variables(ready, control):
    variable = {"runtime-variables": "BUN_INSPECT=ws://127.0.0.1:1", "routing-variables": "ANTHROPIC_BEDROCK_BASE_URL=http://x"}
    name, _, value = variable.get(control, "").partition("=")
    found = []
    for controls in ((), (control,)):
        # of the launched program itself: children get back what is theirs
        r = launched(ready, controls, "--exec", "/usr/bin/env", "demo", env={name: value} if name else {})
        assert r.rc == 0, r
        found.append("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1" in r.out if not name else f"{name}={value}" not in r.out)
    assert found == [True, False]


def test_a_child_s_environment(ready, token):
    found = []
    for controls in ((), ("child-environment",)):
        r = launched(ready, controls, "--exec", "/bin/sh", "demo", "-c", "/usr/bin/env; :")
        assert r.rc == 0, r
        found.append(token in r.out)
    assert found == [False, True]


def test_a_child_s_look_at_the_client(ep, token):
    found = []
    for controls in ((), ("undumpable-client", "undumpable-claimant")):
        with Ccrun(ep) as world:
            world.plain_env.update(off(*controls))  # its broker's too, which asks for that
            world.demo()
            world.ready(token)
            r = world.ccrun("--exec", "/bin/sh", "demo", "-c", "/bin/cat /proc/$$/maps; :")
            assert r.rc == 0 and (r.out or not controls), r
            found.append("libccrun.so" in r.out)
    assert found == [False, True]


def test_files_that_others_wrote(ready):
    ready.demo()
    path = ready.config / "ccrun/providers/demo.conf"
    path.chmod(0o666)
    found = [launched(ready, controls, "--exec", "/bin/true", "demo").rc for controls in ((), ("trusted-files",))]
    assert found == [125, 0]


def test_a_project_nobody_allowed(ready):
    (ready.cwd / ".ccrun").write_text("provider = demo\n")
    found = [launched(ready, controls, "--exec", "/bin/true").rc for controls in ((), ("project-pin",))]
    assert found == [125, 0]


# ---- the switch itself ----

def test_a_name_that_is_none_ends_every_program(ready):
    for program in ("bin/ccrun", "bin/ccctl", "bin/ccrun-statusline", "libexec/ccrun/ccbroker", "libexec/ccrun/ccrun-relay"):
        r = subprocess.run([BUILD / program, "--version"], env={"CCRUN_WITHOUT": "mark,marc"}, capture_output=True, text=True)
        assert r.returncode == 98 and "CCRUN_WITHOUT" in r.stderr, r
    assert "mark" in names() and len(names()) > 40
