"""Attempts at a broker and at a relay: each gets what it is after when one control is off,
and nothing else stands in its way.

    for control, function in ATTEMPTS:   # function(broker) -> what comes of it, has_token(it)?
    for control, function in RELAYED:    # relayed(function, env) -> did it get through?
"""
import time

import wire_client as wc
from api_shapes import message
from relay_broker import PROGRAM, Provider, Relay, answer
from relay_broker import TOKEN as RELAY_TOKEN
from wire_client import in_child

TOKEN = "sk-test-0123456789abcdefghij"


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


def nobody_says_yes(b):
    """A launch of somebody else's, with your open vault."""
    b.call("confirm-set", name="zai", confirm="session")
    return claim("mark", "arrived", "hide", "claim")(b)


ATTEMPTS = [
    ("mark", marked(get)),
    ("message-sender", impostor),
    ("person", nobody_asks), ("confirm", nobody_says_yes),
    ("undumpable-claimant", claim("mark", "arrived", "claim")),
    ("marked-claimant", claim("arrived", "hide", "claim")),
    ("untraced", claim("mark", "arrived", "traceme", "hide", "claim")),
    ("sealed-origin", claim("mark", "arrived", "hide", "claim", origin=ELSEWHERE)),
    ("sealed-variable", claim("mark", "arrived", "hide", "claim", variable="ANTHROPIC_API_KEY")),
    ("sealed-env", claim("mark", "arrived", "hide", "claim", env=bytes(32))),
    ("sealed-config-dir", claim("mark", "arrived", "hide", "claim", config_dir="/home/me/other")),
]


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
    return RELAY_TOKEN.encode() in relay.post().data


def after_a_wipe(relay, provider):
    assert relay.post().status == 200
    relay.values.append({"error": "locked", "message": "the vault is locked", "hint": "ccctl unlock"})
    relay.values.pop(0)
    relay.wipe()
    time.sleep(0.2)  # the wipe has no answer
    return relay.post().status == 200


RELAYED = [
    ("request-sender", by_a_child), ("request-routes", other_path), ("request-fields", routing_field),
    ("answer-filter", the_key_comes_back), ("relay-wipe", after_a_wipe),
]


def relayed(function, env, program=PROGRAM):
    said = message("claude-test-1", [{"type": "text", "text": RELAY_TOKEN}], "end_turn")
    with Provider(reply=answer(said)) as provider, Relay(provider.url, env=env, program=program) as relay:
        return function(relay, provider)
