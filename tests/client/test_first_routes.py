"""The first key of a provider is sealed for what its files say.  A session can have written
the user's own before: where they differ from the shipped one, or name a command to run, a
person agrees first."""
import ctypes
import json
import os
import select
import struct
import threading

import pexpect
import pytest

import canary
import wire_client
from ccrun import CCCTL, CCRUN, PASSPHRASE
from controls import off
from leaks import Home

EVIL = "https://evil.example.test/anthropic"
SHIPPED = "https://api.z.ai/api/anthropic"
PLANTED = {
    "base_url": (f"[provider]\nbase_url = {EVIL}\n", f"base_url={EVIL}", SHIPPED),
    "auth": ("[provider]\nauth = api-key\n", "auth=api-key", "bearer"),
    "variable": ("[secrets]\nANTHROPIC_API_KEY = zai\n", "variable=ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "secret": ("[provider]\nsecret = spare\n", "secret=spare", "zai"),
    "use": (f"[provider]\nuse = mine\nbase_url = {EVIL}\n", f"base_url={EVIL}", SHIPPED),
}


def entry(c, name="zai"):
    return next((e for e in json.loads(c.ccctl("keys", "--json").out) if e["name"] == name), None)


def bare(c, *argv, **kw):
    """ccctl as it is typed: the helper of other tests agrees to their endpoint's address."""
    return c.run([CCCTL, *argv], **kw)


def talk(c, *words, env=None):
    p = pexpect.spawn(str(CCCTL), list(words), env=c.env(env), cwd=str(c.cwd), encoding="utf-8", timeout=30, dimensions=(40, 300))
    p.delaybeforesend = None
    return p


def ended(p):
    p.expect(pexpect.EOF)
    p.close()
    return p.exitstatus


@pytest.fixture
def v(c):
    """A vault without a key, and providers as they ship."""
    c.delivery = None
    c.init()
    return c


# ---- another address than the shipped one -------------------------------

@pytest.mark.parametrize("case", PLANTED)
def test_a_script_s_first_key_is_not_sealed_for_it(v, token, case):
    text, word, shipped = PLANTED[case]
    v.overlay("mine", "[provider]\nbase_url = https://x.test\nauth = bearer\n")
    path = v.overlay("zai", text)
    r = bare(v, "add", "zai", input=token)
    assert r.rc == 5 and shipped in r.err and str(path) in r.err and f"--allow {word}" in r.err, r
    assert bare(v, "add", "zai", "--allow", word + "x", input=token).rc == 5
    assert entry(v) is None
    command = r.err.split("ccctl add zai ", 1)[1].split()
    r = bare(v, "add", "zai", *command, input=token)
    assert r.rc == 0 and word.partition("=")[2] in r.err, r
    stored, = json.loads(v.ccctl("keys", "--json").out)
    assert word.partition("=")[2] in " ".join(stored[k] for k in ("name", "origin", "variable"))


def test_a_key_s_limit_is_not_lost_with_its_entry_s_name(v, token):
    """A planted name has the next launch ask for the key once more: for an entry without the limit."""
    assert bare(v, "add", "zai", input=token).rc == 0 and v.ccctl("limit", "zai", "1/day").rc == 0
    path = v.overlay("zai", "[provider]\nsecret = spare\n")
    p = talk(v, "add", "zai")
    p.expect(r"seal the key for that\? \[y/N\] ")
    assert f"secret zai -> spare, by {path}" in p.before, p.before
    p.send("n\r")
    assert ended(p) == 1 and entry(v, "spare") is None


def test_control_without_the_question_it_is(v, token):
    v.overlay("zai", f"[provider]\nbase_url = {EVIL}\n")
    r = bare(v, "add", "zai", input=token, env=off("first-routes"))
    assert r.rc == 0 and EVIL in entry(v)["origin"], r


@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize("how", ["typed", "source"])
def test_a_person_sees_both_first(v, token, agreed, how):
    v.overlay("zai", f"[provider]\nbase_url = {EVIL}\n")
    ran = v.home / "ran"
    tool = v.write("bin/tool", f"#!/bin/sh\ntouch {ran}\necho {token}\n", 0o755)
    p = talk(v, "add", "zai", *(("--source", f"command:{tool}") if how == "source" else ()))
    p.expect(r"seal the key for that\? \[y/N\] ")
    assert f"base_url {SHIPPED} -> {EVIL}" in p.before and not ran.exists(), p.before
    p.send("y\r" if agreed else "n\r")
    if agreed and how == "typed":
        p.expect("Key for zai: ")
        assert p.waitnoecho(10)
        p.send(token + "\r")
    assert ended(p) == (0 if agreed else 1)
    assert ran.exists() == (agreed and how == "source")
    assert (entry(v) or {}).get("origin") == (f"bearer {EVIL}" if agreed else None)


def test_an_answer_that_a_file_gave_is_no_person_s(v, token):
    """An address that the shipped file asks for."""
    given = ("--set", "url=https://llm.example.test", "--set", "auth=bearer", "--set", "model=m", "--set", "context=9")
    v.overlay("custom", f"[parameters]\nurl = {EVIL}\nauth = bearer\nmodel = m\ncontext = 9\n")
    r = bare(v, "add", "custom", input=token)
    assert r.rc == 5 and f"--allow base_url={EVIL}" in r.err, r
    r = bare(v, "add", "custom", *given, input=token)
    assert r.rc == 0 and entry(v, "custom")["origin"] == "bearer https://llm.example.test", r
    # nor is a default that stands in one
    v.overlay("litellm", f"[parameters]\nurl = ask: where | {EVIL}\nmodel = m\n")
    r = bare(v, "add", "litellm", input=token)
    assert r.rc == 5 and f"http://localhost:4000 -> {EVIL}" in r.err, r
    v.overlay("azure", "[parameters]\nresource = evil\n")
    assert bare(v, "add", "azure", input=token).rc == 5
    assert bare(v, "add", "azure", "--set", "resource=mine", input=token).rc == 0


@pytest.mark.parametrize("tail", [";~/x", "$(~/x)", "&~/x", "'~/x'", "(~/x)"])
def test_the_hint_is_no_second_command(v, token, tail):
    """A path of an address may have letters of a shell's; who pastes the hint runs ccctl alone."""
    v.write(v.home / "x", "#!/bin/sh\ntouch ~/ran\n", 0o755)
    v.overlay("zai", f"[provider]\nbase_url = {SHIPPED}{tail}\n")
    r = bare(v, "add", "zai", input=token)
    assert r.rc == 5 and f"-> {SHIPPED}{tail}" in r.err, r
    command = r.err.split("hint: ", 1)[1].split("ccctl add zai ", 1)[1].strip()
    r = v.run(["/bin/bash", "-c", f"exec {CCCTL} add zai {command}"], input=token)
    assert not (v.home / "ran").exists() and entry(v)["origin"] == f"bearer {SHIPPED}{tail}", r


# A user's file beside a shipped one, that the shipped one cannot be loaded like.
OVER = f"[provider]\nbase_url = {EVIL}\n"
BESIDE = {
    "a mode of one's own": ({"openrouter": OVER + "[mode fast models]\nopus = x/y\n"}, "openrouter:fast"),
    "a mode's use": ({"zai": "[mode x]\nuse = openrouter\n", "openrouter": OVER}, "zai:x"),
    "a shipped mode's use": ({"zai": "[mode local]\nuse = openrouter\n", "openrouter": OVER}, "zai:local"),
    "one's own use": ({"work": "[provider]\nuse = openrouter\nsecret = work\n", "openrouter": OVER}, "work"),
    "a use of a use": ({"work": "[provider]\nuse = more\n", "more": "[provider]\nuse = openrouter\n", "openrouter": OVER}, "work"),
    "a shipped use": ({"work": "[provider]\nuse = kimi\n[parameters]\nregion = ai\nmodel = m\n", "moonshot": OVER}, "work"),
    "own mode's use": ({"work": "[provider]\nbase_url = https://x.test\nauth = bearer\n[mode x]\nuse = openrouter\n", "openrouter": OVER}, "work:x"),
    "own use of a mode": ({"zai": "[mode x]\nuse = mine\n", "mine": OVER + "auth = bearer\n"}, "zai:x"),
}


@pytest.mark.parametrize("case", BESIDE)
def test_a_shipped_one_that_cannot_be_loaded_alike(v, token, case):
    files, word = BESIDE[case]
    paths = [str(v.overlay(name, text)) for name, text in files.items()]
    r = bare(v, "add", word, input=token)
    assert r.rc == 5 and f"--allow base_url={EVIL}" in r.err and any(path in r.err for path in paths), r
    assert json.loads(v.ccctl("keys", "--json").out) == []
    command = r.err.split(f"ccctl add {word} ", 1)[1].split()
    assert bare(v, "add", word, *command, input=token).rc == 0


@pytest.mark.parametrize("name, question, answer", [
    ("azure", "resource = ask: the resource, like contoso/claude", "contoso/claude"),
    ("siliconflow", "context = ask: how much, like 128k\nregion = com\nmodel = m\n[models]\ncontext = 131072", "128k")])
def test_an_answer_that_the_shipped_file_refuses(v, token, name, question, answer):
    v.overlay(name, f"{OVER}[parameters]\n{question}\n")
    p = talk(v, "add", name)
    p.expect(answer + '"\r\n.*no key: ')
    p.send(answer + "\r")
    p.expect(r"seal the key for that\? \[y/N\] ")
    assert f"-> {EVIL}" in p.before
    p.send("n\r")
    assert ended(p) == 1 and entry(v, name) is None


def test_ones_own_that_uses_a_shipped_one(v, token):
    """It goes where that one does, or where one's own file says: that is named, and asked by none."""
    v.overlay("work", "[provider]\nuse = openrouter\nsecret = work\n")
    v.overlay("other", f"[provider]\nuse = zai\nsecret = other\nbase_url = {EVIL}\n")
    v.overlay("deepseek", "[mode x]\nuse = zai\n[mode y models]\nopus = x/y\n")
    for word, to in (("work", "https://openrouter.ai/api"), ("other", EVIL), ("deepseek:x", SHIPPED)):
        r = bare(v, "add", word, input=token)
        assert r.rc == 0 and f"its key will go to {to}" in r.err, r
    assert bare(v, "add", "deepseek:y", input=token).rc == 0
    v.overlay("openrouter", "[statusline]\nlabel = OR\n")
    v.overlay("third", "[provider]\nuse = openrouter\nsecret = third\n")
    assert bare(v, "add", "third", input=token).rc == 0


def test_what_people_have(v, token):
    """No file of one's own, or one with other things in it; and a shipped default."""
    assert bare(v, "add", "zai", input=token).rc == 0
    v.overlay("openrouter", "[models]\nopus = x/y\n[statusline]\nlabel = OR\n")
    assert bare(v, "add", "openrouter", input=token).rc == 0
    assert bare(v, "add", "litellm", "--set", "model=m", input=token).rc == 0
    assert entry(v, "litellm")["origin"] == "bearer http://localhost:4000"
    # a new key of what was agreed to
    v.overlay("deepseek", f"[provider]\nbase_url = {EVIL}\n")
    assert bare(v, "add", "deepseek", "--allow", f"base_url={EVIL}", input=token).rc == 0
    assert v.with_passphrase("add", "deepseek", "--replace", input="n" + token[1:]).rc == 0


def test_ones_own_is_named_before_the_key(v, token):
    v.overlay("mine", f"[provider]\nbase_url = {EVIL}\nauth = bearer\n")
    r = bare(v, "add", "mine", input=token)
    assert r.rc == 0 and r.err.index(f"its key will go to {EVIL}") < r.err.index("stored 'mine'"), r
    ran = v.home / "ran"
    tool = v.write("bin/tool", f"#!/bin/sh\nsleep 1\ntouch {ran}\necho {token}\n", 0o755)
    v.overlay("other", f"[provider]\nbase_url = {EVIL}\nauth = bearer\n")
    p = talk(v, "add", "other", "--source", f"command:{tool}")
    p.expect(f"its key will go to {EVIL}")
    assert not ran.exists()
    assert ended(p) == 0


# ---- a file that is rewritten meanwhile ----

class Flip:
    """Rename `new` over `path` when the n-th reader of it is done."""
    def __init__(self, path, new, n):
        self.libc, self.path, self.new, self.left, self.stop = ctypes.CDLL(None, use_errno=True), path, new, n, False
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        assert self.libc.inotify_add_watch(self.fd, os.fsencode(path.parent), 0x10) >= 0  # IN_CLOSE_NOWRITE
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.left and not self.stop:
            if not select.select([self.fd], [], [], .05)[0]:
                continue
            self.left -= min(self.left, os.read(self.fd, 65536).count(b"\0" * 4 + struct.pack("=I", 16) + name_of(self.path)))
        if not self.left:
            os.rename(self.new, self.path)

    def end(self):
        self.stop = True
        self.thread.join()
        os.close(self.fd)


def name_of(path):
    return os.fsencode(path.name).ljust(16, b"\0")


@pytest.mark.parametrize("n", range(1, 9))
def test_what_is_sealed_is_what_was_compared(v, token, n):
    """Its model is asked for later, and the file has become another before one of the loads."""
    slow = "".join(f"VARIABLE_{i} = x\n" for i in range(500)) + "; padding\n" * 2000
    path = v.overlay("longcat", "[statusline]\nlabel = lc\n[mode zz env]\n" + slow)
    new = v.write(path.parent / "evil", OVER, 0o600)
    flip = Flip(path, new, n)
    p = talk(v, "add", "longcat")
    try:
        if p.expect([r"seal the key for that\? ", "Key for longcat: "]) == 0:
            assert f"-> {EVIL}" in p.before
            return
        assert EVIL not in p.before and p.waitnoecho(10)
        p.send(token + "\r")
        p.expect("stored [^\r\n]*")
        assert EVIL not in p.after and EVIL not in entry(v, "longcat")["origin"]
    finally:
        flip.end()
        p.close(force=True)


# ---- import -------------------------------------------------------------

@pytest.fixture
def h():
    with Home() as home:
        home.init()
        home.write(".bashrc", "export ZAI_API_KEY=" + home.key("t") + "\n")
        yield home


def test_import_seals_for_what_is_shipped_alone(h):
    h.overlay("zai", f"[provider]\nbase_url = {EVIL}\n")
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc != 0 and f"to {EVIL}, as " in r.out and entry(h) is None, r
    assert "--allow base_url=" in r.out + r.err, r
    p = talk(h, "import", str(h.home / ".bashrc"))
    p.expect(f"to {EVIL}, as .*zai.conf says")
    p.expect(r"store 1 key in the vault\? \[y/N\] ")
    p.send("y\r")
    p.expect(r"seal the key for that\? \[y/N\] ")
    assert f"base_url {SHIPPED} -> {EVIL}" in p.before
    p.send("n\r")
    assert ended(p) != 0 and entry(h) is None
    h.overlay("zai", "")
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc == 0 and entry(h)["origin"] == f"bearer {SHIPPED}", r


def test_import_of_a_second_key_compares_what_it_uses(h):
    assert bare(h, "import", "--yes", str(h.home / ".bashrc")).rc == 0
    h.overlay("zai", f"[provider]\nbase_url = {EVIL}\n")
    h.write(".bashrc", "export ZAI_API_KEY=" + h.key("u") + "\n")
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc != 0 and "--allow base_url=" in r.out + r.err and entry(h, "zai-2") is None, r
    h.overlay("zai", "[statusline]\nlabel = Z\n")
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc == 0 and entry(h, "zai-2")["origin"] == f"bearer {SHIPPED}", r


def test_import_gives_no_key_to_a_planted_provider(h):
    """Of the same kind, or of the same address, as one that ships; the file comes first by its name."""
    h.overlay("aaa", "[provider]\ntitle = x\nauth = foundry\n[parameters]\nresource = evil\n")
    h.overlay("aab", f"[provider]\nbase_url = {SHIPPED}\nauth = bearer\n")
    h.write(".bashrc", f"""export ANTHROPIC_FOUNDRY_API_KEY={h.key('f')} ANTHROPIC_FOUNDRY_RESOURCE=acme
zai() {{ ANTHROPIC_BASE_URL={SHIPPED} ANTHROPIC_AUTH_TOKEN={h.key('z')} claude; }}
""")
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc == 0 and entry(h, "foundry")["origin"] == "foundry https://acme.services.ai.azure.com/anthropic", r
    assert entry(h)["origin"] == f"bearer {SHIPPED}" and len(json.loads(h.ccctl("keys", "--json").out)) == 2


def test_import_asks_about_a_provider_of_one_s_own(h):
    """It says something else than what stands beside the key."""
    h.overlay("mine", f"[provider]\nbase_url = {EVIL}\nauth = api-key\n")
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL={EVIL} ANTHROPIC_AUTH_TOKEN={h.key('m')}\n")
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc != 0 and "ccctl add mine" in r.err and EVIL in r.err and entry(h, "mine") is None, r
    for answer in "ny":
        p = talk(h, "import", str(h.home / ".bashrc"))
        p.expect(r"store 1 key in the vault\? \[y/N\] ")
        p.send("y\r")
        p.expect(rf"its key will go to {EVIL}[^?]*seal the key for that\? \[y/N\] ")
        p.send(answer + "\r")
        assert (ended(p) == 0) == (answer == "y") == bool(entry(h, "mine"))
    assert entry(h, "mine")["origin"] == f"api-key {EVIL}"
    # a second key of it, too
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL={EVIL} ANTHROPIC_AUTH_TOKEN={h.key('n')}\n")
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc != 0 and EVIL in r.err and entry(h, "mine-2") is None, r


def test_import_of_two_keys_for_one_new_address(h):
    h.write(".bashrc", "".join(f"{n}() {{ ANTHROPIC_BASE_URL=https://gw.example.test ANTHROPIC_AUTH_TOKEN={h.key(n)} claude; }}\n"
                               for n in "ab"))
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc == 0, r
    for e in json.loads(h.ccctl("keys", "--json").out):
        assert e["origin"] == "bearer https://gw.example.test"


@pytest.mark.parametrize("name, line", [("zai-2", "ZAI_API_KEY={}"),
                                        ("example", "ANTHROPIC_BASE_URL=https://gw.example.test ANTHROPIC_AUTH_TOKEN={}")])
def test_import_seals_what_it_showed(h, name, line):
    """The file that it writes for a key is there, with another address, when it comes to that."""
    assert bare(h, "import", "--yes", str(h.home / ".bashrc")).rc == 0
    h.write(".bashrc", f"export {line.format(h.key('u'))}\n")
    p = talk(h, "import", str(h.home / ".bashrc"))
    p.expect(rf"store [^?]*\? \[y/N\] ")
    h.overlay(name, f"[provider]\nuse = zai\nsecret = {name}\nbase_url = {EVIL}\n")
    p.send("y\r")
    p.expect(f"was not stored: [^\r\n]*{name}.conf was changed meanwhile: it says bearer {EVIL}")
    assert ended(p) != 0 and entry(h, name) is None


# ---- a planted key in the place of the first one ----

@pytest.mark.parametrize("text, question, says", [
    (f"[provider]\nbase_url = {EVIL}\n", "seal the key for that", f"base_url {SHIPPED} -> {EVIL}"),
    (f"[provider]\nbase_url = {EVIL}\n[policy]\ndelivery = preload\n", "seal the key for that", f"base_url {SHIPPED} -> {EVIL}"),
    ("[policy]\ndelivery = preload\n", "seal it like that", "delivery=preload: it reaches claude itself")])
def test_a_planted_key_and_a_file_that_say_the_same(v, token, text, question, says):
    """What replaces it is agreed to as a first key is: nobody may have agreed to that one."""
    v.overlay("zai", text)
    put(v, "zai", f"bearer {EVIL if EVIL in text else SHIPPED}")
    p = talk(v, "add", "zai")
    p.expect(r"replace it\? \[y/N\] ")
    p.send("y\r")
    p.expect(question + r"\? \[y/N\] ")
    assert says in p.before
    p.send("n\r")
    assert ended(p) == 1
    r = v.with_passphrase("add", "zai", "--replace", input=token)
    assert r.rc != 0 or r.err.index("'zai' is sealed for ") < r.err.index("stored 'zai'"), r


# ---- a key of no provider -----------------------------------------------

def put(c, name, origin):
    """A program with no mark, before a person's key."""
    with wire_client.Client(c.env()["XDG_RUNTIME_DIR"] + "/ccrun/broker.sock") as b:
        b.call("put", name=name, origin=origin, variable="ANTHROPIC_AUTH_TOKEN", replace=False,
               policy="delivery=preload nested=deny strict=no exposed=no", token=b"sk-dummy-0123456789")


@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize("words", [(), ("--replace",)])
def test_a_key_alone_in_the_place_of_a_planted_one(v, token, agreed, words):
    put(v, "shared", f"bearer {EVIL}")
    p = talk(v, "add", "--key", "shared", *words)
    if not words:
        p.expect(r"replace it\? \[y/N\] ")
        p.send("y\r")
    p.expect(r"seal the new key for that, too\? \[y/N\] ")
    assert EVIL in p.before and "ANTHROPIC_AUTH_TOKEN" in p.before and "delivery=preload" in p.before
    p.send("y\r" if agreed else "n\r")
    if agreed:
        p.expect("(?i)passphrase.*: ")
        assert p.waitnoecho(10)
        p.send(PASSPHRASE + "\r")
        p.expect("Key for shared: ")
        assert f"sealed for {EVIL}" in p.before and "no provider yet" not in p.before
        assert p.waitnoecho(10)
        p.send(token + "\r")
    assert ended(p) == (0 if agreed else 1)


def test_a_script_s_key_alone_wants_a_person(v, token):
    put(v, "shared", f"bearer {EVIL}")
    assert bare(v, "add", "--key", "shared", input=token).rc == 1
    assert bare(v, "add", "--key", "shared", "--replace", input=token).rc != 0
    r = v.with_passphrase("add", "--key", "shared", "--replace", input=token)
    assert r.rc == 0 and r.err.index(f"sealed for bearer {EVIL}") < r.err.index("stored 'shared'"), r


def test_an_unbound_one_is_replaced_with_one_question(v, token):
    assert bare(v, "add", "--key", "shared", input=token).rc == 0
    p = talk(v, "add", "--key", "shared", "--replace")
    p.expect("(?i)passphrase.*: ")
    assert "seal" not in p.before and p.waitnoecho(10)
    p.send(PASSPHRASE + "\r")
    p.expect("no provider yet")
    p.close(force=True)


# ---- a planted command --------------------------------------------------

@pytest.fixture
def planted(v):
    """A source's file of the user's with another command in it, and what that would leave."""
    ran = v.home / "ran"
    v.write("evil", f"#!/bin/sh\ntouch {ran}\necho {canary.new_token()}\n", 0o755)
    path = v.write(v.config / "ccrun/sources/pass.conf", "[source]\ncommand = ~/evil {path}\n", 0o600)
    for directory in (path.parent, path.parent.parent):
        directory.chmod(0o700)
    v.ran, v.runs, v.source = ran, f"{v.home}/evil x", path
    return v


@pytest.mark.parametrize("more", [(), ("--no-check",)])
def test_a_command_of_the_user_s_file_does_not_run_unseen(planted, more):
    r = bare(planted, "add", "zai", "--source", "pass:x", *more)
    assert r.rc == 5 and planted.runs in r.err and str(planted.source) in r.err, r
    assert f"--allow 'command={planted.runs}'" in r.err, r
    assert bare(planted, "add", "zai", "--source", "pass:x", "--allow", "command=pass show x", *more).rc == 5
    r = bare(planted, "add", "--key", "loose", "--source", "pass:x", *more)
    assert r.rc == 5 and not planted.ran.exists() and entry(planted) is None and entry(planted, "loose") is None, r
    for words in (("zai",), ("--key", "loose")):
        assert bare(planted, "add", *words, "--source", "pass:x", "--allow", f"command={planted.runs}", *more).rc == 0
    assert planted.ran.exists() == (not more) and entry(planted)


def test_control_without_the_question_it_runs(planted):
    r = bare(planted, "add", "zai", "--source", "pass:x", env=off("first-source"))
    assert r.rc == 0 and planted.ran.exists(), r


@pytest.mark.parametrize("agreed", [True, False])
def test_a_person_sees_the_command_first(planted, agreed):
    p = talk(planted, "add", "zai", "--source", "pass:x")
    p.expect(r"run that, and seal it with the key\? \[y/N\] ")
    assert planted.runs in p.before and str(planted.source) in p.before and not planted.ran.exists()
    p.send("y\r" if agreed else "n\r")
    assert ended(p) == (0 if agreed else 1)
    assert planted.ran.exists() == agreed and bool(entry(planted)) == agreed


def test_a_file_that_says_the_shipped_command_is_no_news(v, token):
    tool = v.write("bin/tool", f"#!/bin/sh\necho {token}\n", 0o755)
    path = v.write(v.config / "ccrun/sources/command.conf", "[source]\ncommand = {words}\ntimeout = 9s\n", 0o600)
    path.parent.chmod(0o700)
    r = bare(v, "add", "zai", "--source", f"command:{tool}")
    assert r.rc == 0, r


def test_import_does_not_seal_such_a_command(planted, h):
    path = h.write(h.config / "ccrun/sources/pass.conf", planted.source.read_text(), 0o600)
    for directory in (path.parent, path.parent.parent):
        directory.chmod(0o700)
    h.write("evil", "#!/bin/sh\n", 0o755)
    h.write(".bashrc", "export ZAI_API_KEY=$(pass show x)\n")
    r = bare(h, "import", "--yes", str(h.home / ".bashrc"))
    assert r.rc != 0 and "evil" in r.out + r.err and entry(h) is None, r


# ---- where a key is made -------------------------------------------------

@pytest.mark.parametrize("planted", [False, True])
def test_who_says_where_keys_are_made_is_named(v, planted):
    """A person goes there and logs in: a page of the attacker's passes on what both say, and so has
    the key that is made on it."""
    path = v.overlay("zai", "[provider]\nkey_url = https://evil.example.test/keys\n") if planted else None
    p = talk(v, "add", "zai")
    p.expect(r"Keys are made at https://(\S+?)(, says your file \S+)?\r\n")
    said, by = p.match.groups()
    p.sendintr()
    assert ended(p) != 0
    assert said.startswith("evil.example.test") == planted
    assert by == (f", says your file {path}" if planted else None)


# ---- what is asked ------------------------------------------------------

WORDS = "Passphrase for your vault"
NO_SECRET = "never give a passphrase or a key.\r\n"
ITS_OWN = "zai, its parameter 'unlock', no passphrase and no key: "
OF_A_FILE = {
    "a question": (f"[parameters]\nunlock = ask: {WORDS}\n", f'"{WORDS}"'),
    "a default": (f"[parameters]\nunlock = ask: {WORDS} | x\n", f'"{WORDS} [x]"'),
    "choices": (f"[parameters]\nunlock = ask: {WORDS} | x, y\n", f'"{WORDS} (x, y) [x]"'),
    "quotes and blanks": (f'[parameters]\nunlock = ask: ok"{" " * 90}{WORDS}:\n', f"\"ok' {WORDS}:\""),
    "no question": ("[parameters]\nunlock =\n", '"unlock"'),
    "a title": (f"[provider]\ntitle = {WORDS}\n[parameters]\nunlock = ask: {WORDS}\n", f'"{WORDS}"'),
}


@pytest.mark.parametrize("case", OF_A_FILE)
def test_a_question_of_a_file_of_yours_is_named_as_that_and_never_asked_as_ours(v, case):
    """It would be answered with what the words ask for, which then stands in a file."""
    text, quoted = OF_A_FILE[case]
    path = v.overlay("zai", text)
    p = talk(v, "add", "zai")
    p.expect(": $")
    assert p.before + p.after == (
        f"{path} asks for its parameter 'unlock', in these words: {quoted}\r\n"
        f"An answer is shown here, and written to a file that every program of yours reads: {NO_SECRET}{ITS_OWN}")
    p.send("x\r")
    p.expect(r"(\S+): the key will be sealed for")
    assert p.match.group(1) == ("zai" if case == "a title" else "z.ai"), p.before
    p.sendintr()
    assert ended(p) != 0 and "unlock = x\n" in path.read_text()


def test_it_is_no_question_of_a_launch_s_or_of_a_failure_s_either(v, token):
    assert bare(v, "add", "zai", input=token).rc == 0
    path = v.overlay("zai", OF_A_FILE["a question"][0])
    told = f'{path} asks "{WORDS}"'
    for r in bare(v, "add", "zai", "--replace", input=token), v.ccrun("zai", "-p", "hi"):
        assert r.rc in (2, 125) and told in r.err, r
    p = pexpect.spawn(str(CCRUN), ["zai", "-p", "hi"], env=v.env(), cwd=str(v.cwd), encoding="utf-8", timeout=30,
                      dimensions=(40, 300))
    p.expect_exact(NO_SECRET + ITS_OWN)
    p.sendintr()
    assert ended(p) != 0


def test_what_ships_is_asked_as_before_whatever_a_file_of_yours_says_beside_it(v):
    v.overlay("moonshot", f"[provider]\ntitle = {WORDS}\n[parameters]\nregion =\n")
    p = talk(v, "add", "moonshot")
    p.expect(": ")
    assert p.before == ("where the key was made, ai for the international platform, cn for China (ai, cn) [ai]")
    p.sendintr()
    assert ended(p) != 0


SECRETS = ["sk-or-v1-00000000", "5f0c2a9d1b7e4c3f8a6d5e4c3b2a1f0e.QzR7vWn3kPx8LmT2",
           "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
           "8xQ2mZp7Lr4TvW9sKb3NfY6hJd5GcA1e"]
# models, regions, resources, addresses, numbers, ids of projects, accounts and workspaces
ANSWERS = ["anthropic/claude-sonnet-4.5", "accounts/fireworks/models/kimi-k2p5", "Qwen3-Coder-480B-A35B-Instruct-FP8",
           "hf.co/unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF:UD-Q4_K_XL", "us-east-1", "contoso-foundry-eastus2",
           "https://gw.example.com/8xQ2mZp7Lr4TvW9sKb3NfY6hJd5GcA1e", "200000", "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
           "3F2504E0-4F89-41D3-9A0C-0305E82C3301", "5f0c2a9d1b7e4c3f8a6d5e4c3b2a1f0e", "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ",
           "ClaudeSonnet45DeploymentOfTheTeamInEurope2026", "@anthropic-provider/claude-sonnet-4-5"]


@pytest.mark.parametrize("value, refused", [(value, value in SECRETS) for value in SECRETS + ANSWERS])
def test_what_is_plainly_a_secret_is_no_answer(v, value, refused):
    path = v.overlay("zai", "[parameters]\nunlock = ask: x\n")
    r = bare(v, "add", "zai", "--set", f"unlock={value}", input="")
    assert (value in path.read_text()) != refused, r
    assert ("looks like a key" in r.err and "ccctl add zai asks for keys" in r.err) == refused, r
