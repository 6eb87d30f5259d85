"""A limit in money counts by the prices that were sealed with the key, not by what the files say since."""
import json

import pytest

from ccrun import CCCTL, PASSPHRASE
from dialogue import answer, done, talk

PRICES = "[prices]\nclaude-* = 3 15 0.30 3.75\n* = 1.00 5\n"
LOWER = "[prices]\nclaude-* = 0.000001 0.000001\n* = 0 0\n"
REFUSED = "'demo' was sealed {} prices of the provider's file, by which its limit in money counts, the files now say {}"


def policy(c, name="demo"):
    return next(e["policy"] for e in json.loads(c.ccctl("keys", "--json").out) if e["name"] == name)


def launch(c, word="demo"):
    return c.ccrun("--exec", "/bin/true", word)


def differs(c):
    """As ccctl list has it."""
    return next(p["key"] for p in json.loads(c.ccctl("list", "--json").out) if p["name"] == "demo") == "differs"


def demo(c, prices, **more):
    c.demo(policy={"delivery": "relay"}, extra=prices, **more)


@pytest.fixture
def c(relay_world):
    return relay_world


@pytest.fixture
def priced(c, token):
    """A key with prices, and a limit in money."""
    demo(c, PRICES)
    c.ready(token)
    assert c.ccctl("limit", "demo", "$50/day").rc == 0
    return c


def refuses(c, words, word="demo"):
    r = launch(c, word)
    assert r.rc == 125 and words in r.err and "if you changed that yourself: ccctl approve demo" in r.err, r


def approves(c, *words):
    r = c.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and all(w in r.out for w in words), r
    assert "what a limit in money counts depends on them" in r.out, r
    r = launch(c)
    assert r.rc == 0, r


@pytest.mark.parametrize("now, words, shown", [
    (LOWER, ("with", "others"), ["prices others -> these", "claude-* = 0.000001 0.000001 (", "* = 0 0 (", "demo.conf:"]),
    (PRICES + "claude-cheap-* = 0 0\n", ("with", "others"), ["claude-cheap-* = 0 0 (", "claude-* = 3 15 0.30 3.75 ("]),
    ("", ("with", "none"), ["prices some -> none"])])
def test_other_prices_than_the_sealed_ones_are_asked_about(priced, now, words, shown):
    """Whatever writes the file: it says which lines, and where they are."""
    assert launch(priced).rc == 0
    demo(priced, now)
    refuses(priced, REFUSED.format(*words))
    assert differs(priced)
    approves(priced, *shown)
    assert (" prices=" in policy(priced)) == bool(now)


def test_prices_where_there_were_none(c, token):
    demo(c, "")
    c.ready(token)
    assert c.ccctl("limit", "demo", "$50/day").rc == 0 and " prices=" not in policy(c)
    demo(c, LOWER)
    refuses(c, REFUSED.format("without", "some"))
    approves(c, "prices none -> these", "* = 0 0 (")


def test_how_they_are_written_says_nothing(priced):
    sealed = policy(priced)
    demo(priced, "[prices]\n# of today\n* = 1 5.000000\nclaude-* =  3.0 15   0.3 3.75 ; a comment\n")
    assert launch(priced).rc == 0
    r = priced.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and "nothing to approve" in r.err and policy(priced) == sealed, r


@pytest.mark.parametrize("limit", ["off", "50M/day", "500/hour"])
def test_without_a_limit_in_money_nothing_is_asked(c, token, limit):
    demo(c, PRICES)
    c.ready(token)
    assert c.ccctl("limit", "demo", *limit.split()).rc == 0
    demo(c, LOWER)
    r = launch(c)
    assert r.rc == 0, r
    assert not differs(c)
    sealed = policy(c)
    # Nobody sees them with a new key from a script: they stay as they are.
    assert c.ccctl("add", "demo", "--replace", input="n" + token[1:]).rc == 0 and policy(c) == sealed
    approves(c, "prices others -> these")
    assert policy(c) != sealed


def test_a_first_limit_in_money_shows_what_it_counts_by(c, token):
    demo(c, PRICES)
    c.init()
    r = c.add("demo", token)
    assert "demo is sealed with prices=" in r.err and "claude-* = 3 15 0.30 3.75 (" in r.err, r
    r = c.ccctl("limit", "demo", "50M/day")
    assert r.rc == 0 and "claude" not in r.err, r
    r = c.ccctl("limit", "demo", "50M/day", "$50/day")
    assert r.rc == 0 and "demo has these prices:" in r.err and "* = 1 5 (" in r.err and "approve" not in r.err, r
    assert launch(c).rc == 0
    r = c.ccctl("limit", "demo", "50M/day", "$40/day")
    assert r.rc == 0 and "prices" not in r.err, r


def test_a_first_limit_in_money_after_they_were_changed(c, token):
    """It seals nothing that nobody looked at: the next launch asks."""
    demo(c, PRICES)
    c.ready(token)
    demo(c, LOWER)
    r = c.ccctl("limit", "demo", "$50/day")
    assert r.rc == 0 and "say other prices than were sealed with 'demo'" in r.err and "ccctl approve demo" in r.err, r
    assert "* = 0 0 (" in r.err, r
    refuses(c, REFUSED.format("with", "others"))
    approves(c, "prices others -> these")


def test_a_new_key_with_a_limit_in_money_seals_no_others(priced, token):
    sealed = policy(priced)
    demo(priced, LOWER)
    r = priced.ccctl("add", "demo", "--replace", input="n" + token[1:])
    assert r.rc == 5 and "its provider's files now differ: prices " in r.err and "ccctl approve demo" in r.err, r
    assert policy(priced) == sealed
    p = talk(priced, CCCTL, "add", "demo", "--replace")
    shown = answer(p, r"seal that with the new key\? \[y/N\] ", "y", echo=True)
    assert "prices others -> these" in shown and "claude-* = 0.000001 0.000001 (" in shown
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    answer(p, "[Kk]ey.*: ", "n" + token[1:])
    done(p)
    assert policy(priced) != sealed and launch(priced).rc == 0


def test_of_several_changes_each_is_shown(priced, token):
    demo(priced, LOWER, env={"CLAUDE_CODE_SHELL_PREFIX": "/tmp/x"})
    r = priced.ccctl("add", "demo", "--replace", input="n" + token[1:])
    assert r.rc == 5 and "env none -> " in r.err and ", prices " in r.err, r
    refuses(priced, "decide how claude works, the files now say some")
    approves(priced, "-> CLAUDE_CODE_SHELL_PREFIX=/tmp/x", "prices others -> these")


def test_a_mode_has_the_same_prices(priced):
    demo(priced, PRICES + "[mode fast models]\nopus = claude-fast\n")
    assert launch(priced, "demo:fast").rc == 0
    demo(priced, LOWER + "[mode fast models]\nopus = claude-fast\n")
    refuses(priced, REFUSED.format("with", "others"), "demo:fast")
    approves(priced, "prices others -> these")
    assert launch(priced, "demo:fast").rc == 0


def test_prices_of_a_provider_that_another_one_uses(priced):
    """What counts is sealed, whichever of a provider's files says it; and that a file says it no more."""
    priced.provider("work", use="demo", secret="demo")
    assert launch(priced, "work").rc == 0
    for own in ("[prices]\n* = 0 0\n", "[prices]\nclaude-* =\n"):
        priced.provider("work", use="demo", secret="demo", extra=own)
        refuses(priced, REFUSED.format("with", "others"), "work")
    priced.provider("work", use="demo", secret="demo", extra="[prices]\n* = 1 5\n")
    assert launch(priced, "work").rc == 0


def test_foreign_text_among_prices_is_shown_plain(priced):
    """A file's own path is the one thing that is not checked."""
    path = priced.config / "ccrun/providers/demo.conf"
    other = priced.home / "a\x1b[31m"
    other.mkdir(mode=0o700)
    (other / "demo.conf").write_text(path.read_text() + "claude-x = 9 9\n")
    path.unlink()
    path.symlink_to(other / "demo.conf")
    r = priced.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and "claude-x = 9 9 (" in r.out and "\x1b" not in r.out, r
