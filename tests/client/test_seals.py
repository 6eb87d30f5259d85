"""What a person decided for a key stays: files that were edited meanwhile are sealed only by
a person who saw old and new, be it with a new key or for the first time."""
import json

import pytest

from ccrun import CCCTL, PASSPHRASE
from dialogue import answer, done, talk

# What a program that runs as the user would append to the provider's file.
LOOSER = {
    "delivery": ({"policy": {"delivery": "env"}}, "delivery", "preload -> env"),
    "pipe": ({"policy": {"delivery": "pipe"}}, "delivery", "preload -> pipe"),
    "nested": ({"policy": {"nested": "allow"}}, "nested", "deny -> allow"),
    "keep": ({"policy": {"keep": "yes"}}, "keep", "no -> yes"),
    "linger": ({"policy": {"linger": "30d"}}, "linger", "0 -> 30d"),
    "exposed": ({"secrets": {"ANTHROPIC_AUTH_TOKEN": "demo", "exposed": "yes"}}, "exposed", "no -> yes"),
    "confine": ({"policy": {"confine": "off"}}, "confine", "auto -> off"),
    "config_dir": ({"policy": {"config_dir": "~/.evil"}}, "config_dir", "none -> ~/.evil"),
    "base_url": ({"url": "https://evil.example.test"}, "origin", "-> bearer https://evil.example.test"),
    "header": ({"auth": "api-key"}, "origin", "-> api-key "),
    "variable": ({"secrets": {"ANTHROPIC_API_KEY": "demo"}}, "variable", "-> ANTHROPIC_API_KEY"),
    "env": ({"env": {"CLAUDE_CODE_SHELL_PREFIX": "/tmp/x"}}, "env", "none -> "),
}


def entry(c, name="demo"):
    return next((e for e in json.loads(c.ccctl("keys", "--json").out) if e["name"] == name), None)


@pytest.fixture
def usual(c):
    """Its providers say nothing about delivery."""
    c.delivery = None
    return c


# ---- a key is replaced -------------------------------------------------

def test_a_new_key_keeps_the_seal(ready, token):
    before = entry(ready)
    assert ready.ccctl("add", "demo", "--replace", input="n" + token[1:]).rc == 0
    after = entry(ready)
    assert {k: after[k] for k in ("origin", "variable", "policy")} == {k: before[k] for k in ("origin", "variable", "policy")}
    assert ready.ccctl("get", "demo").out == "n" + token[1:]


@pytest.mark.parametrize("case", LOOSER)
def test_a_new_key_does_not_seal_what_files_say_now(ready, token, case):
    """A rotation in a script, as every night: it names the difference, and what seals it."""
    changed, what, difference = LOOSER[case]
    before = entry(ready)
    ready.demo(**changed)
    r = ready.ccctl("add", "demo", "--replace", input="n" + token[1:])
    assert r.rc == 5 and "ccctl approve demo" in r.err and what in r.err and difference in r.err, r
    # --allow is for a first seal
    r = ready.ccctl("add", "demo", "--replace", "--allow", f"{what}={difference.split()[-1]}", input="n" + token[1:])
    assert r.rc == 5, r
    assert entry(ready) == before and ready.ccctl("get", "demo").out == token


def test_what_goes_by_relay_stays_with_it(usual, token):
    usual.demo()
    usual.ready(token)
    before = entry(usual)
    assert "delivery=relay " in before["policy"]
    usual.demo(policy={"delivery": "preload"})
    r = usual.ccctl("add", "demo", "--replace", input="n" + token[1:])
    assert r.rc == 5 and "delivery relay -> preload" in r.err and "ccctl approve demo" in r.err, r
    r = usual.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and "ccctl approve demo" in r.err and entry(usual) == before, r
    assert usual.ccctl("approve", "demo", "--yes").rc == 0 and "delivery=preload " in entry(usual)["policy"]


def test_nested_use_goes_with_relay_and_is_not_gained_by_a_new_key(usual, token):
    usual.demo(policy={"nested": "deny"})
    usual.ready(token)
    assert "delivery=relay nested=deny " in entry(usual)["policy"]
    usual.demo()
    r = usual.ccctl("add", "demo", "--replace", input="n" + token[1:])
    assert r.rc == 0 and "nested=deny " in entry(usual)["policy"], r
    r = usual.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and "nested deny -> use" in r.out + r.err, r
    assert "nested=use " in entry(usual)["policy"]
    usual.demo(policy={"delivery": "preload"})
    assert usual.ccctl("approve", "demo", "--yes").rc == 0
    assert "delivery=preload nested=deny " in entry(usual)["policy"]


MEANS = {"delivery": "it reaches claude itself", "pipe": "it reaches claude itself", "nested": "programs inside a session",
         "keep": "automatic locks leave it open", "linger": "goes on using it that long after it",
         "exposed": "MCP servers and hooks may get it",
         "confine": "reach your other programs", "config_dir": "obeys the settings and hooks there",
         "base_url": "the key is sent there", "header": "the key is sent there", "env": "decide how claude works"}


@pytest.mark.parametrize("case", MEANS)
def test_approve_says_what_a_change_means(ready, case):
    """A yes to a name and a value alone is given by who does not know them."""
    ready.demo(**LOOSER[case][0])
    r = ready.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and MEANS[case] in r.out, r
    ready.demo()
    r = ready.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and (case in ("base_url", "header") or MEANS[case] not in r.out), r


def test_what_was_stricter_than_usual_is_loosened_knowingly(usual, token):
    usual.demo(policy={"strict": "yes"})
    usual.ready(token)
    usual.demo()
    r = usual.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and "it is handed out also where less protects it" in r.out, r


HIDING = "a\u202eb\u2066c\u200fd\u061ce\u2028f"


@pytest.mark.parametrize("how", [("approve", "demo", "--yes"), ("add", "demo", "--replace")])
def test_nothing_turns_or_hides_what_is_agreed_to(ready, how):
    """Values of a file are shown as they are read."""
    ready.demo(policy={"config_dir": f"~/{HIDING}"})
    r = ready.run([CCCTL, *how], input="")
    assert "~/a?b?c?d?e?f" in r.out + r.err, r
    assert not set(HIDING) - set("abcdef") & set(r.out + r.err), r


@pytest.mark.parametrize("agreed", [True, False])
def test_a_person_sees_old_and_new(ready, token, agreed):
    before = entry(ready)
    ready.demo(url="https://new.example.test", policy={"nested": "allow", "strict": "yes"},
               env={"B_UNKNOWN": "2", "API_TIMEOUT_MS": "5", "A_UNKNOWN": "1 x"})
    p = talk(ready, CCCTL, "add", "demo", "--replace")
    # what was not usual before, and stays: a program can have stored the key that is replaced
    unusual = answer(p, r"seal it like that\? \[y/N\] ", "y", echo=True)
    assert "delivery=preload: " in unusual
    shown = answer(p, r"seal that with the new key\? \[y/N\] ", "y" if agreed else "n", echo=True)
    for text in (before["origin"], "-> bearer https://new.example.test", "nested deny -> allow",
                 "strict no -> yes", "-> A_UNKNOWN=1 x", "           B_UNKNOWN=2"):
        assert text in shown.replace("\r", ""), shown
    assert "API_TIMEOUT_MS" not in shown, "it is harmless"
    if agreed:
        answer(p, "Passphrase for your vault: ", PASSPHRASE)
        answer(p, "[Kk]ey.*: ", "n" + token[1:])
        done(p)
        after = entry(ready)
        assert "new.example" in after["origin"] and "nested=allow" in after["policy"] and " env=" in after["policy"]
        assert ready.ccctl("get", "demo").out == "n" + token[1:]
        assert ready.ccrun("--exec", "/bin/true", "demo").rc == 0
    else:
        done(p, 1)
        assert entry(ready) == before and ready.ccctl("get", "demo").out == token


def test_a_shorter_ttl_stays_and_a_typed_one_counts(ready, token):
    def ttl():
        return entry(ready)["policy"].partition(" ttl=")[2]
    assert ready.ccctl("add", "demo", "--replace", "-t", "1h", input=token).rc == 0 and ttl() == "3600"
    assert ready.ccctl("add", "demo", "--replace", input=token).rc == 0 and ttl() == "3600"
    ready.demo(policy={"ttl": "30m"})
    assert ready.ccctl("add", "demo", "--replace", input=token).rc == 0 and ttl() == "1800"
    ready.demo()
    assert ready.ccctl("add", "demo", "--replace", input=token).rc == 0 and ttl() == "1800"
    assert ready.ccctl("add", "demo", "--replace", "-t", "2h", input=token).rc == 0 and ttl() == "7200"


def test_a_key_alone_keeps_its_binding(ready, token):
    before = entry(ready)
    r = ready.ccctl("add", "--key", "demo", "--replace", input="n" + token[1:])
    assert r.rc == 0 and "approve" not in r.err, r
    after = entry(ready)
    assert {k: after[k] for k in ("origin", "variable", "policy")} == {k: before[k] for k in ("origin", "variable", "policy")}
    assert ready.ccrun("--exec", "/bin/true", "demo").rc == 0


def test_an_entry_of_before_is_sealed_anew_with_its_next_key(c, token):
    """Entries that were sealed with `auto` are valid; `keys` tells them apart."""
    c.provider("cloud", base_url="https://cloud.example.test", auth="oauth", policy={"delivery": "pipe"})
    c.init()
    c.add("cloud", token)
    row = next(x for x in c.ccctl("keys").out.splitlines() if x.startswith("cloud "))
    assert " pipe " in row and "DELIVERY" in c.ccctl("keys").out
    c.provider("cloud", base_url="https://cloud.example.test", auth="oauth")
    assert c.ccctl("approve", "cloud", "--yes").rc == 0
    assert "delivery=preload" in entry(c, "cloud")["policy"], "not auto: an oauth token goes no other way"
    assert "nothing to approve" in c.ccctl("approve", "cloud").err


# ---- the first key -----------------------------------------------------

def test_a_first_seal_names_what_is_not_usual(usual, token):
    usual.demo(policy={"strict": "yes", "ttl": "2h"})
    usual.init()
    r = usual.ccctl("add", "demo", input=token)
    assert r.rc == 0 and "sealed with strict=yes" in r.err and "ttl=2h" in r.err and "nested" not in r.err, r


FIRST = {
    "preload": ({"policy": {"delivery": "preload"}}, "delivery=preload"),
    "delivery": ({"policy": {"delivery": "env"}}, "delivery=env"),
    "nested": ({"policy": {"nested": "allow"}}, "nested=allow"),
    "exposed": ({"secrets": {"MY_TOKEN": "demo", "exposed": "yes"}}, "exposed=yes"),
    "keep": ({"policy": {"keep": "yes"}}, "keep=yes"),
    "linger": ({"policy": {"linger": "365d"}}, "linger=365d"),
    "confine": ({"policy": {"confine": "off"}}, "confine=off"),
    "config_dir": ({"policy": {"config_dir": "~/.w"}}, "config_dir=~/.w"),
}


@pytest.mark.parametrize("case", FIRST)
def test_a_script_says_what_it_allows(usual, token, case):
    """What was planted in the file meanwhile is not among it."""
    c = usual
    said, word = FIRST[case]
    c.demo(**said)
    c.init()
    r = c.ccctl("add", "demo", input=token)
    assert r.rc == 5 and word in r.err and "--allow" in r.err, r
    other = ["--allow", "nested=deny", "--allow", word + "x"]
    assert c.ccctl("add", "demo", *other, input=token).rc == 5
    assert entry(c) is None
    r = c.ccctl("add", "demo", "--allow", word, input=token)
    assert r.rc == 0 and word in r.err, r
    assert word.replace("365d", str(365 * 86400)) in entry(c)["policy"]
    assert word in c.ccctl("show", "demo").out


def test_a_time_may_be_allowed_in_other_words(c, token):
    c.demo(policy={"linger": "2h"})
    c.init()
    assert c.ccctl("add", "demo", "--allow", "linger=2d", input=token).rc == 5
    assert c.ccctl("add", "demo", "--allow", "linger=120m", input=token).rc == 0


def test_the_hint_can_be_typed(c, token):
    c.demo(policy={"config_dir": "~/.w", "nested": "allow"}, env={"UNKNOWN": "x"})
    c.init()
    r = c.run([CCCTL, "add", "demo"], input=token)
    assert r.rc == 5 and "UNKNOWN=x" in r.err, r
    command = r.err.split("ccctl add demo ", 1)[1].strip()
    r = c.run(["/bin/bash", "-c", f"exec {CCCTL} add demo {command}"], input=token)
    assert r.rc == 0 and c.ccrun("--exec", "/bin/true", "demo").rc == 0, r


@pytest.mark.parametrize("agreed", [True, False])
def test_a_person_is_asked(c, token, agreed):
    c.demo(policy={"nested": "allow", "delivery": "env"})
    c.init()
    p = talk(c, CCCTL, "add", "demo")
    shown = answer(p, r"seal it like that\? \[y/N\] ", "y" if agreed else "n", echo=True)
    assert "nested=allow: programs inside a session" in shown and "delivery=env" in shown
    if agreed:
        answer(p, "[Kk]ey.*: ", token)
        done(p)
        assert "nested=allow" in entry(c)["policy"]
    else:
        done(p, 1)
        assert entry(c) is None


@pytest.mark.parametrize("said", [{}, {"delivery": "relay"}, {"confine": "on"}])
def test_what_is_usual_is_not_asked(usual, token, said):
    usual.demo(policy={**said, "strict": "yes", "nested": "deny"}, env={"API_TIMEOUT_MS": "9"})
    usual.init()
    p = talk(usual, CCCTL, "add", "demo")
    shown = answer(p, "[Kk]ey.*: ", token)
    assert "[y/N]" not in shown
    done(p)


# ---- certificate authorities -------------------------------------------

def test_authorities_that_a_session_plants_are_refused(c, token):
    """A file of authorities and a proxy in the user's settings, which a session can write, would
    read the key between the relay and the provider."""
    c.demo(url="https://demo.example.test", policy={"delivery": "relay"})
    c.init()
    c.add("demo", token)
    assert " ca=" not in entry(c)["policy"]
    c.write("ca.pem", "an authority")
    c.settings({"env": {"NODE_EXTRA_CA_CERTS": str(c.home / "ca.pem"), "HTTPS_PROXY": "http://u:pw@127.0.0.1:9"}})
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and "certificate authorities" in r.err and "ccctl approve demo" in r.err, r
    assert "NODE_EXTRA_CA_CERTS and HTTPS_PROXY of " in r.err and "settings.json, which a session can write; if you" in r.err, r
    r = c.ccctl("add", "demo", "--replace", input="n" + token[1:])
    assert r.rc == 5 and "ca none -> " in r.err and c.ccctl("get", "demo").out == token, r
    r = c.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and f"certificate authorities: none -> {c.home}/ca.pem (" in r.out, r
    # what it means, who says so, and who is between
    assert "whoever signs with these certificate authorities can read it" in r.out, r
    assert "NODE_EXTRA_CA_CERTS says so (" in r.out and "settings.json, which a session can write)" in r.out, r
    assert "through the proxy http://***@127.0.0.1:9 (HTTPS_PROXY, " in r.out and "pw" not in r.out, r
    assert " ca=" in entry(c)["policy"] and "nothing to approve" in c.ccctl("approve", "demo").err
    c.write("ca.pem", "another one")
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 125 and "certificate authorities" in r.err, r


def test_a_first_seal_asks_about_authorities(c, token):
    c.demo(url="https://demo.example.test", policy={"delivery": "relay"})
    c.init()
    c.write("ca.pem", "an authority")
    env = {"NODE_EXTRA_CA_CERTS": str(c.home / "ca.pem")}
    r = c.ccctl("add", "demo", input=token, env=env)
    assert r.rc == 5 and "ca.pem" in r.err and "--allow ca=" in r.err, r
    assert "NODE_EXTRA_CA_CERTS says so (environment)" in r.err and "a session can write" not in r.err, r
    word = r.err.rpartition("--allow ")[2].strip()
    assert c.ccctl("add", "demo", "--allow", word, input=token, env=env).rc == 0
    assert entry(c)["policy"].endswith(" " + word)
