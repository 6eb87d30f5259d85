"""Words as people type and paste them: passphrases from two keyboards, keys with what
stood around them."""
import os
import signal
import unicodedata

import pexpect
import pytest

from ccrun import CCCTL, PASSPHRASE
from client import alive, until
from vault_reader import open_with_passphrase
from vault_writer import set_passphrase

WORDS = "fünf große Bäume, ậ und 한"
COMPOSED = unicodedata.normalize("NFC", WORDS)
DECOMPOSED = unicodedata.normalize("NFD", WORDS)
LATIN1 = b"gr\xfc\xdfe aus k\xf6ln"
assert COMPOSED != DECOMPOSED


def stop(c):
    pid = c.broker()
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid), what="the broker's end")


def on_fd(c, words, *options):
    """ccctl with bytes on a descriptor for each pair of an option and a text."""
    fds, argv = [], [str(CCCTL), *words]
    for option, text in zip(options[::2], options[1::2]):
        read, write = os.pipe()
        os.write(write, (text if isinstance(text, bytes) else text.encode()) + b"\n")
        os.close(write)
        fds.append(read)
        argv += [option, str(read)]
    try:
        return c.run(argv, pass_fds=fds)
    finally:
        for fd in fds:
            os.close(fd)


def talk(c, *words):
    argv = c.argv([str(CCCTL), *words])
    p = pexpect.spawn(argv[0], argv[1:], env=c.env({"LANG": "C.UTF-8", "TERM": "vt100"}), cwd=str(c.cwd), timeout=30,
                      encoding="utf-8")
    p.delaybeforesend = None
    return p


def answer(p, prompt, text):
    p.expect_exact(prompt)
    assert p.waitnoecho(10)
    p.sendline(text)


def ended(p):
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus == 0, p.before


def vault(c):
    return (c.data / "ccrun/vault").read_bytes()


def unlocks(c):
    """How many wrong keys the broker was shown for the vault's slots: a derivation each."""
    return sum(e["event"] == "unlock" and e["result"] == "wrong-key" for e in c.record())


@pytest.mark.parametrize("made, typed", [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_passphrase_of_one_keyboard_opens_with_the_other(c, made, typed):
    assert on_fd(c, ["init"], "--passphrase-fd", made).rc == 0
    open_with_passphrase(vault(c), COMPOSED)
    assert c.ccctl("lock").rc == 0
    r = on_fd(c, ["unlock"], "--passphrase-fd", typed)
    assert r.rc == 0, r
    assert c.ccctl("lock").rc == 0
    assert on_fd(c, ["unlock"], "--passphrase-fd", made).rc == 0


@pytest.mark.parametrize("dialogue", [False, True], ids=["terminal", "pinentry"])
def test_so_it_does_where_a_person_is_asked(c, dialogue):
    if dialogue:
        c.write(c.config / "ccrun/ccrun.conf", "[ccrun]\npinentry = /usr/bin/pinentry-tty\n", 0o600)
        (c.config / "ccrun").chmod(0o700)
    p = talk(c, "init")
    answer(p, "New passphrase", DECOMPOSED)
    answer(p, "nce more", DECOMPOSED)
    ended(p)
    open_with_passphrase(vault(c), COMPOSED)
    assert c.ccctl("lock").rc == 0
    p = talk(c, "unlock")
    answer(p, "Passphrase for your vault", COMPOSED)
    ended(p)
    assert c.status()["state"] == "unlocked"


def test_every_verb_that_makes_a_passphrase_takes_either(c, token, tmp_path):
    assert on_fd(c, ["init"], "--passphrase-fd", PASSPHRASE).rc == 0
    c.demo()
    c.add("demo", token)
    r = on_fd(c, ["passphrase"], "--passphrase-fd", PASSPHRASE, "--new-passphrase-fd", DECOMPOSED)
    assert r.rc == 0, r
    r = on_fd(c, ["slot", "add", "passphrase"], "--passphrase-fd", COMPOSED, "--new-passphrase-fd", DECOMPOSED + "!")
    assert r.rc == 0, r
    open_with_passphrase(vault(c), COMPOSED + "!")
    file = tmp_path / "backup"
    r = on_fd(c, ["backup", str(file)], "--passphrase-fd", DECOMPOSED, "--new-passphrase-fd", DECOMPOSED + "?")
    assert r.rc == 0, r
    r = on_fd(c, ["restore", "--replace", str(file)], "--vault-passphrase-fd", COMPOSED + "!",
              "--passphrase-fd", COMPOSED + "?")
    assert r.rc == 0, r
    assert on_fd(c, ["rekey"], "--passphrase-fd", DECOMPOSED + "?").rc == 0
    assert on_fd(c, ["get", "--reveal", "demo"], "--passphrase-fd", COMPOSED + "?").out.strip() == token


def test_a_slot_that_is_older_opens_as_it_was_typed(c):
    assert on_fd(c, ["init"], "--passphrase-fd", PASSPHRASE).rc == 0
    stop(c)
    path = c.data / "ccrun/vault"
    path.write_bytes(set_passphrase(path.read_bytes(), PASSPHRASE.encode(), DECOMPOSED.encode()))
    r = on_fd(c, ["unlock"], "--passphrase-fd", DECOMPOSED)
    assert r.rc == 0, r
    assert on_fd(c, ["rekey"], "--passphrase-fd", DECOMPOSED).rc == 0
    assert c.ccctl("lock").rc == 0
    assert on_fd(c, ["unlock"], "--passphrase-fd", DECOMPOSED).rc == 0
    # A new passphrase, which may have the same letters, is of the new kind.
    assert on_fd(c, ["passphrase"], "--passphrase-fd", DECOMPOSED, "--new-passphrase-fd", DECOMPOSED).rc == 0
    assert c.ccctl("lock").rc == 0
    assert on_fd(c, ["unlock"], "--passphrase-fd", COMPOSED).rc == 0


@pytest.mark.parametrize("made, typed", [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED)])
def test_a_slot_that_is_older_opens_from_another_keyboard(c, made, typed):
    assert on_fd(c, ["init"], "--passphrase-fd", PASSPHRASE).rc == 0
    stop(c)
    path = c.data / "ccrun/vault"
    path.write_bytes(set_passphrase(path.read_bytes(), PASSPHRASE.encode(), made.encode()))
    assert on_fd(c, ["unlock"], "--passphrase-fd", typed).rc == 0


def test_only_what_has_two_forms_is_tried_twice(c):
    assert on_fd(c, ["init"], "--passphrase-fd", COMPOSED).rc == 0
    assert c.ccctl("lock").rc == 0
    for words, tries in (("wrong horse battery staple", 1), (COMPOSED + "x", 2), (DECOMPOSED + "x", 2)):
        before = unlocks(c)
        r = on_fd(c, ["unlock"], "--passphrase-fd", words)
        assert r.rc != 0 and "wrong passphrase" in r.err
        assert unlocks(c) - before == tries, words


def test_a_passphrase_that_is_no_utf8_is_its_bytes(c):
    assert on_fd(c, ["init"], "--passphrase-fd", LATIN1).rc == 0
    open_with_passphrase(vault(c), LATIN1)
    assert c.ccctl("lock").rc == 0
    assert on_fd(c, ["unlock"], "--passphrase-fd", LATIN1).rc == 0


def test_marks_do_not_make_a_passphrase_longer(c):
    r = on_fd(c, ["init"], "--passphrase-fd", unicodedata.normalize("NFD", "üüüü"))
    assert r.rc != 0 and "shorter than 8 characters" in r.err
    assert on_fd(c, ["init"], "--passphrase-fd", unicodedata.normalize("NFD", "ü" * 8)).rc == 0


# ---- keys ----

# What is pasted around a key, and what is said of it.
AROUND = [
    ('"{}"', "quotes"),
    ("  {}\t\r", None),
    ('export ANTHROPIC_AUTH_TOKEN="{}"', "quotes, an assignment"),
    ("ANTHROPIC_AUTH_TOKEN={}", "an assignment"),
    ("Authorization: Bearer {}", "a header's name"),
    ("x-api-key: {}", "a header's name"),
    ("\ufeff{}\u200b\u00a0", "invisible characters"),
]
REFUSED = [
    ("{}\"", "one quote"),
    ("$ZAI_API_KEY", "a variable's name"),
    ("sk-{}...wxyz", "shortened"),
    ("op://private/zai/key", "an address"),
]
NOTE = "note: the key of demo was taken without what stood around it: "


def test_a_key_pasted_with_what_stood_around_it(c, token):
    c.init()
    c.demo()
    for around, said in AROUND:
        for end in ("\n", "", "\r\n\r\n"):
            r = c.add("demo", (around.format(token) + end).encode())
            assert token not in r.out + r.err
            assert (NOTE + said in r.err) if said else "note:" not in r.err
            assert c.ccctl("get", "--reveal", "demo").out.strip() == token
            assert c.ccctl("rm", "-y", "demo").rc == 0
    half = len(token) // 2
    for text, why in [(around.format(token), why) for around, why in REFUSED] + [
            (token[:half] + "\n" + token[half:], "more after the key"),
            (token[:half] + "\u200b" + token[half:], "an invisible character")]:
        r = c.ccctl("add", "demo", *c.allows("demo"), input=text + "\n")
        assert r.rc != 0 and why in r.err, r
        assert token[:half] not in r.out + r.err and token[half:] not in r.out + r.err
        assert c.ccctl("get", "demo").rc != 0


def test_a_key_pasted_at_the_prompt(c, token):
    c.init()
    c.demo()
    p = talk(c, "add", "demo", *c.allows("demo"))
    half = len(token) // 2
    answer(p, "Key for demo", token[:half] + "\n" + token[half:])
    p.expect_exact("more was pasted behind the key's line")
    answer(p, "Key for demo", f"'{token}")
    p.expect_exact("the key has one quote")
    answer(p, "Key for demo", f'export ANTHROPIC_AUTH_TOKEN="{token}"\u00a0\n')
    p.expect_exact(NOTE + "quotes, an assignment, invisible characters")
    ended(p)
    assert token[:half] not in p.before
    assert c.ccctl("get", "--reveal", "demo").out.strip() == token


# ---- a key that its own beginning tells ----

API_KEY, SUBSCRIPTION, OPENROUTER = ("sk-ant-api03-", "sk-ant-oat01-", "sk-or-v1-")


@pytest.mark.parametrize("provider, beginning, mend", [
    ("company", API_KEY, "auth = api-key"), ("claude-token", API_KEY, "ccctl add anthropic"),
    ("anthropic", SUBSCRIPTION, "ccctl add claude-token"), ("company", SUBSCRIPTION, "ccctl add claude-token")])
def test_a_key_of_anthropics_that_its_api_would_refuse(c, token, provider, beginning, mend):
    """`Invalid bearer token`, and nothing is wrong with the key: it went in the other header."""
    c.init()
    c.provider("company", base_url="https://api.anthropic.com", auth="bearer")
    r = c.ccctl("add", provider, input=beginning + token + "\n")
    assert r.rc != 0 and mend in r.err and token not in r.err, r
    assert c.ccctl("keys", "--json").out.strip() == "[]"


@pytest.mark.parametrize("provider, beginning", [("anthropic", API_KEY), ("claude-token", SUBSCRIPTION)])
def test_a_key_of_anthropics_where_it_belongs(c, token, provider, beginning):
    c.init()
    r = c.ccctl("add", provider, input=beginning + token + "\n")
    assert r.rc == 0 and "note:" not in r.err, r


@pytest.mark.parametrize("provider, beginning, whose", [
    ("zai", API_KEY, "Anthropic"), ("zai", OPENROUTER, "OpenRouter"), ("openrouter", API_KEY, "Anthropic"),
    ("anthropic", OPENROUTER, "OpenRouter"), ("openrouter", OPENROUTER, None)])
def test_a_key_of_one_vendor_for_another_is_named(c, token, provider, beginning, whose):
    """It may be a gateway's wish; else another vendor would get it."""
    c.init()
    r = c.ccctl("add", provider, input=beginning + token + "\n")
    assert r.rc == 0 and token not in r.err, r
    assert (f"the key of {provider} is one of {whose}'s, and will go to https://" in r.err) == bool(whose), r
