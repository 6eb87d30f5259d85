"""What only a person may do: ccctl asks for the passphrase or a recovery code, of an open
vault too, once in a command; a script gives it by --passphrase-fd."""
import json
import re

import pytest

from ccrun import CCCTL, PASSPHRASE, seal
from dialogue import answer, done, talk, written_down
from keyring import SecretService
from vault_reader import derive, inspect
from vault_writer import keep_slots

NEW = "another horse battery staple"
OTHER = "sk-other-0123456789abcdef"
WRONG = "wrong wrong wrong"

# Each on a vault with demo (a key) and second (one more, in slot 2 a recovery code).
VERBS = {
    "get": ["get", "demo"],
    "rm": ["rm", "-y", "demo"],
    "rename": ["rename", "demo", "other"],
    "approve": ["approve", "--yes", "demo"],
    "add": ["add", "demo", "--replace"],
    "backup": ["backup", "FILE"],
    "slot add": ["slot", "add", "passphrase"],
    "slot rm": ["slot", "rm", "-y", "1"],
    "settings": ["settings", "suspend=no"],
    "rekey": ["rekey", "--drop", "OTHER"],
    "restore": ["restore", "--replace", "BACKUP"],
}
NEEDS_NEW = ("backup", "slot add")


@pytest.fixture
def two(ready):
    """An open vault with a recovery code in slot 2; its code is w.code.  What the
    provider's file says of demo is not what is sealed."""
    w = ready
    p = talk(w, CCCTL, "slot", "add", "recovery")
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    w.code = written_down(p)
    answer(p, "Type it back", w.code)
    done(p)
    assert w.with_texts(["backup", str(w.root / "saved")], {"--passphrase-fd": PASSPHRASE,
                                                            "--new-passphrase-fd": NEW}).rc == 0
    w.demo(url="https://elsewhere.example.test")
    return w


def run(w, verb, given=None):
    """The verb's words, with what a person gives on a descriptor (None: nothing)."""
    names = {"FILE": str(w.root / "file"), "BACKUP": str(w.root / "saved"), "OTHER": "1" if given == w.code else "2"}
    words = [names.get(word, word) for word in VERBS[verb]]
    if verb == "slot rm" and given != w.code:
        words[-1] = "2"
    if verb == "add":
        w.demo()  # what is sealed stays
    texts = {"--new-passphrase-fd": NEW if verb in NEEDS_NEW else None, "--passphrase-fd": given}
    if verb == "restore":
        texts = {"--passphrase-fd": NEW, "--vault-passphrase-fd": given}
    return w.with_texts(words, texts, input=OTHER + "\n" if verb == "add" else "")


def files(w):
    return {p.name: p.read_bytes() for p in (w.data / "ccrun").iterdir()}


def events(w, *names):
    return [(e["event"], e["result"]) for e in w.record() if e["event"] in names]


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_person_it_is_refused(two, token, verb):
    before = files(two)
    r = run(two, verb)
    assert r.rc == 5 and token not in r.out, r
    assert re.search(r"^ccctl: this wants the vault's passphrase or recovery code, also while the vault is open$",
                     r.err, re.M), r
    assert re.search("^hint: .*--(vault-)?passphrase-fd|^hint: if it cannot be given: ", r.err, re.M), r
    assert files(two) == before
    # a wrong one: told, and on record
    r = run(two, verb, WRONG)
    assert r.rc == 5 and token not in r.out and "hint:" in r.err, r
    assert ("person", "wrong-key") in events(two, "person") or ("unlock", "wrong-key") in events(two, "unlock")
    assert files(two) == before and two.status()["state"] == "unlocked"


@pytest.mark.parametrize("who", ["passphrase", "code"])
@pytest.mark.parametrize("verb", VERBS)
def test_with_a_person_it_is_done(two, token, verb, who):
    before = files(two)
    r = run(two, verb, two.code if who == "code" else PASSPHRASE)
    assert r.rc == 0, r
    assert r.out == token if verb == "get" else token not in r.out
    assert files(two) != before or verb in ("get", "backup")
    if verb == "backup":
        assert (two.root / "file").exists()


def test_a_person_is_asked_once(two, token):
    """Three wrong answers end it; a locked vault is opened with the same answer."""
    p = talk(two, CCCTL, "get", "--reveal", "demo")
    for _ in range(3):
        answer(p, "Passphrase for your vault: ", WRONG)
    assert "wrong passphrase" in done(p, 5)
    p = talk(two, CCCTL, "get", "--reveal", "demo")
    answer(p, "Passphrase for your vault: ", WRONG)
    answer(p, "Wrong passphrase.*Passphrase for your vault: ", two.code)
    assert token in answer(p, "Press Enter.*screen", "")
    done(p)
    assert two.ccctl("lock").rc == 0
    p = talk(two, CCCTL, "rm", "-y", "demo")
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    text = done(p)
    assert "the vault is open" in text and "removed 'demo'" in text and "assphrase" not in text


def test_one_answer_is_enough_for_several_keys(c, token):
    pair = {"ANTHROPIC_AUTH_TOKEN": "one", "ANTHROPIC_API_KEY": "two"}
    c.provider("pair", base_url="https://pair.example.test", auth="bearer", docs="none", secrets=pair)
    c.init()
    c.add("pair", f"{token}\n{OTHER}", *seal("secret:ANTHROPIC_API_KEY=two", "secret:ANTHROPIC_AUTH_TOKEN=one"))
    r = c.with_passphrase("add", "pair", "--replace", input=f"{OTHER}\n{token}\n")
    assert r.rc == 0 and c.ccctl("get", "one").out == OTHER and c.ccctl("get", "two").out == token, r
    c.provider("pair", base_url="https://new.example.test", auth="bearer", docs="none", secrets=pair)
    p = talk(c, CCCTL, "approve", "pair")
    p.expect("seal this")
    p.sendline("y")
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    text = done(p)
    assert text.count("sealed '") == 2 and "assphrase" not in text


def test_what_is_refused_anyway_asks_nobody(two):
    for words, rc in ((["get", "absent"], 4), (["rm", "-y", "absent"], 4), (["rename", "absent", "x"], 4),
                      (["slot", "rm", "-y", "9"], 4), (["settings", "idle=soon"], 2), (["rekey", "--drop", "9"], 4)):
        r = two.run([CCCTL, *words])
        assert r.rc == rc, (words, r)
    assert not [e for e in events(two, "person")[2:] if e[1] != "asked"]


def test_what_asks_nobody(two, token):
    """New keys, and what tightens."""
    assert two.run([CCCTL, "add", "--key", "third"], input=OTHER + "\n").rc == 0
    assert two.run([CCCTL, "add", "--key", "fourth", "--replace"], input=OTHER + "\n").rc == 0
    assert two.run([CCCTL, "settings", "idle=15m", "longest=8h"]).rc == 0
    assert two.run([CCCTL, "settings", "idle=10m"]).rc == 0
    r = two.run([CCCTL, "settings", "idle=11m"])
    assert r.rc == 5 and json.loads(two.ccctl("settings", "--json").out)["idle"] == 600, r
    two.demo()
    assert two.run([two.bin / "ccrun", "--exec", "/bin/sh", "demo", "-c", 'printf %s "$ANTHROPIC_AUTH_TOKEN"']).out == token
    assert two.run([CCCTL, "lock"]).rc == 0


def test_a_person_who_is_known_at_init_need_not_say_it_again(c):
    assert c.ccctl("host", "init").rc == 0
    p = talk(c, CCCTL, "init", "--keyfile")
    answer(p, r"New passphrase.*: ", PASSPHRASE)
    answer(p, "Once more: ", PASSPHRASE)
    text = done(p)
    assert "slot 2 (keyfile) opens the vault" in text and "Passphrase for your vault" not in text
    assert [s["kind"] for s in json.loads(c.ccctl("slot", "list", "--json").out)] == ["passphrase", "keyfile"]


def test_a_vault_that_only_a_keyring_opens(c, token):
    """As older versions made them: it is used, and nothing else; and the way out."""
    c.demo()
    c.init()
    c.add("demo", token)
    with SecretService(c) as s:
        assert c.ccctl("slot", "add", "keyring", env=s.env).rc == 0
        file = c.data / "ccrun/vault"
        key = derive(inspect(file.read_bytes())["slots"][0], PASSPHRASE.encode())
        assert c.ccctl("lock").rc == 0
        file.write_bytes(keep_slots(file.read_bytes(), key, 1, [2]))
        assert c.ccctl("unlock", "--keyring", env=s.env).rc == 0
        r = c.ccrun("--exec", "/bin/sh", "demo", "-c", 'printf %s "$ANTHROPIC_AUTH_TOKEN"', env=s.env)
        assert r.out == token, r
        assert c.run([CCCTL, "add", "--key", "more"], input=OTHER + "\n", env=s.env).rc == 0
        for words in (["get", "demo"], ["rm", "-y", "demo"], ["rename", "demo", "x"], ["backup", str(c.root / "b")],
                      ["slot", "add", "recovery"], ["slot", "add", "keyring"], ["settings", "suspend=no"], ["rekey"],
                      ["passphrase"]):
            r = c.run([CCCTL, *words], env=s.env)
            assert r.rc == 5 and token not in r.out, (words, r)
            assert "neither passphrase nor recovery code opens this vault" in r.err, (words, r)
            assert "hint: add the keys to a new vault" in r.err and "ccctl(1)" in r.err, (words, r)
        # nor by a passphrase that is none of its
        r = c.with_passphrase("get", "demo", env=s.env)
        assert r.rc == 5 and "neither passphrase nor recovery code" in r.err, r
        assert "no person's slot opens this vault" in c.ccctl("slot", "list").err
        # the way out
        assert c.ccctl("lock").rc == 0
        file.rename(c.root / "aside")
        c.init()
        c.add("demo", token)
        assert c.ccctl("get", "demo").out == token

