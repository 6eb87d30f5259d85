"""ccrun-keyring alone: a vault's wrapping key in the Secret Service, against the
real gnome-keyring-daemon and against services that are not there, hang, crash,
or want a dialog.  Each of these has its own words, and none of them hangs."""
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from ccrun import Ccrun
from client import World, until
from controls import off
from keyring import (ITEM, KEYRING, SCHEMA, Bus, DismissingService, HangingService, Running, SecretService, Standin,
                     bare_socket, helper)

pytestmark = pytest.mark.skipif(not KEYRING.exists(), reason="built without ccrun-keyring")

VAULT = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
# The program's own deadline is 5 s; this much more is a slow machine, not a hang.
NO_HANG = 40


@pytest.fixture
def w():
    with World() as world:
        yield world


@pytest.fixture
def s(w):
    with SecretService(w) as service:
        yield service


@pytest.fixture
def key():
    return secrets.token_hex(32).encode()


def stored(where, slot=7, vault=VAULT, key=None):
    key = key or secrets.token_hex(32).encode()
    r = helper(where, "store", vault, slot, send=key)
    assert (r.kind, r.payload, r.rc, r.out) == ("k", b"", 0, ""), r
    return key


def failed(r, name, *words):
    assert (r.kind, r.name, r.rc, r.out) == ("f", name, 1, ""), r
    for word in words:
        assert word in r.what, r
    assert r.hint and not r.what.endswith(".") and r.seconds < NO_HANG, r
    return r


# ---- the real daemon ----

def test_store_fetch_erase(s, key):
    stored(s, key=key)
    r = helper(s, "fetch", VAULT, 7)
    assert (r.kind, r.payload, r.rc, r.out) == ("k", key, 0, ""), r
    r = helper(s, "erase", VAULT, 7)
    assert (r.kind, r.payload, r.rc) == ("k", b"", 0), r
    failed(helper(s, "fetch", VAULT, 7), "no-entry", "slot 7")
    failed(helper(s, "erase", VAULT, 7), "no-entry")


def test_store_replaces(s, key):
    stored(s)
    stored(s, key=key)
    assert len(s.items()) == 1
    assert helper(s, "fetch", VAULT, 7).payload == key


@pytest.mark.parametrize("text", [b"x", bytes(range(0x20, 0x7f)) + b"~" * 161], ids=["one", "256"])
def test_every_allowed_text(s, text):
    stored(s, key=text)
    assert helper(s, "fetch", VAULT, 7).payload == text


def test_slots_and_vaults_are_apart(s):
    keys = {(v, n): stored(s, n, v) for v in (VAULT, OTHER) for n in (1, 4294967295)}
    for (v, n), k in keys.items():
        assert helper(s, "fetch", v, n).payload == k
    failed(helper(s, "fetch", VAULT, 2), "no-entry", "slot 2")
    assert helper(s, "erase", VAULT, 1).kind == "k"
    assert helper(s, "fetch", OTHER, 1).payload == keys[OTHER, 1]


def test_as_documented(s, key):
    """The schema, the attributes and the label, and that the desktop's own tool finds it."""
    stored(s, key=key)
    attributes = {"xdg:schema": SCHEMA, "vault": VAULT, "slot": "7"}
    assert s.items() == [("ccrun vault key (slot 7)", attributes)]
    found = s.world.run(["secret-tool", "search", "xdg:schema", SCHEMA, "vault", VAULT, "slot", "7"], s.env)
    assert found.rc == 0 and "label = ccrun vault key (slot 7)" in found.out, found
    looked = s.world.run(["secret-tool", "lookup", "xdg:schema", SCHEMA, "vault", VAULT, "slot", "7"], s.env)
    assert looked.out.strip().encode() == key, looked


def test_an_item_made_elsewhere_with_these_attributes(s):
    made = s.world.run(["secret-tool", "store", "--label=mine", "xdg:schema", SCHEMA, "vault", VAULT, "slot", "3"],
                       s.env, input="made-elsewhere")
    assert made.rc == 0, made
    assert helper(s, "fetch", VAULT, 3).payload == b"made-elsewhere"


def test_a_deleted_item(s):
    stored(s)
    s.delete(VAULT, 7)
    failed(helper(s, "fetch", VAULT, 7), "no-entry", "slot 7")


def test_the_newest_of_several(s, key):
    stored(s)
    first = s.paths(VAULT, 7)[0]
    old = s.get(first, ITEM, "Modified")
    # The service counts whole seconds.
    path = until(lambda: newer(s, old, key), what="a newer item")
    assert helper(s, "fetch", VAULT, 7).payload == key
    s.call(path, ITEM, "Delete")
    assert helper(s, "fetch", VAULT, 7).kind == "k"
    s.add(VAULT, 7, b"one more")
    assert helper(s, "erase", VAULT, 7).kind == "k"
    assert s.items() == []


def newer(s, old, key):
    path = s.add(VAULT, 7, key)
    if s.get(path, ITEM, "Modified") > old:
        return path
    s.call(path, ITEM, "Delete")
    return None


@pytest.mark.parametrize("content,word", [(b"", "empty"), (b"a" * 257, "256"), (b"a" * 300000, "256"),
                                          (b"line\n", "unprintable"), (b"nul\0", "unprintable"),
                                          ("é".encode(), "unprintable")],
                         ids=["empty", "257", "large", "newline", "nul", "utf8"])
def test_wrong_content(s, content, word):
    stored(s)
    s.set_secret(VAULT, 7, content)
    failed(helper(s, "fetch", VAULT, 7), "bad-value", word)
    # And it can be mended.
    stored(s)
    assert helper(s, "fetch", VAULT, 7).kind == "k"


@pytest.mark.parametrize("sent", [b"a" * 257, b"line\n", b"\0", b"\xff"], ids=["257", "newline", "nul", "ff"])
def test_wrong_content_is_not_stored(s, sent):
    failed(helper(s, "store", VAULT, 7, send=sent), "bad-value", "what was sent")
    assert s.items() == []


def test_locked_and_unlocked_again(s):
    key = stored(s)
    s.lock()
    for argv in (("fetch",), ("erase",)):
        failed(helper(s, *argv, VAULT, 7), "locked", "locked")
    failed(helper(s, "store", VAULT, 8, send=b"x"), "locked")
    assert s.locked()
    s.unlock("letmein")
    assert not s.locked()
    assert helper(s, "fetch", VAULT, 7).payload == key
    failed(helper(s, "fetch", VAULT, 8), "no-entry")


def test_a_wrong_password_leaves_it_locked(s):
    key = stored(s)
    s.lock()
    s.unlock("wrong")
    assert s.locked()
    failed(helper(s, "fetch", VAULT, 7), "locked")
    s.unlock("letmein")
    assert helper(s, "fetch", VAULT, 7).payload == key


def test_locked_says_nothing_of_what_is_in_it(s):
    """Without the password nobody knows whether a slot's item is there."""
    s.lock()
    failed(helper(s, "fetch", VAULT, 7), "locked")


def test_a_dialog_that_cannot_be_shown(s):
    """The real daemon has no display to ask on here."""
    stored(s)
    s.lock()
    failed(helper(s, "fetch", "--prompt", VAULT, 7), "locked", "stays locked")
    assert s.locked()


def test_no_keyring_yet(w):
    with SecretService(w, password=None) as s:
        for argv, send in ((("fetch", VAULT, 7), None), (("store", VAULT, 7), b"x")):
            failed(helper(s, *argv, send=send), "system", "no default keyring")


def test_the_keyring_is_restarted(s):
    """What was acknowledged is on disk."""
    key = stored(s)
    s.kill()
    failed(helper(s, "fetch", VAULT, 7), "system", "no Secret Service")
    s.serve("letmein")
    assert helper(s, "fetch", VAULT, 7).payload == key


# ---- nobody there ----

def test_no_session_bus(w):
    # An X display would be asked for a bus, or get one started.
    env = {"DBUS_SESSION_BUS_ADDRESS": None, "DISPLAY": ":0"}
    failed(helper(w, "fetch", VAULT, 7, env=env), "system", "no session bus")
    failed(helper(w, "fetch", VAULT, 7, env={**env, "XDG_RUNTIME_DIR": None}), "system", "no session bus")
    failed(helper(w, "fetch", VAULT, 7, env={**env, "DBUS_SESSION_BUS_ADDRESS": ""}), "system", "no session bus")
    w.write(w.runtime / "bus", "no socket")
    failed(helper(w, "fetch", VAULT, 7, env=env), "system", "no session bus")


def test_the_bus_in_the_runtime_directory(s):
    key = stored(s)
    r = helper(s, "fetch", VAULT, 7, env={"DBUS_SESSION_BUS_ADDRESS": None})
    assert r.payload == key, r


def test_a_bus_that_has_gone(w):
    with Bus(w) as b:
        pass
    b.path.unlink(missing_ok=True)
    failed(helper(b, "fetch", VAULT, 7), "system", "cannot reach the session bus")


@pytest.mark.parametrize("address", ["autolaunch:", "tcp:host=127.0.0.1,port=9", "unixexec:path=/bin/true",
                                     "unix:path=/nonexistent;tcp:host=127.0.0.1,port=9", "nonsense"])
def test_an_address_that_is_no_unix_socket(w, address):
    r = helper(w, "fetch", VAULT, 7, env={"DBUS_SESSION_BUS_ADDRESS": address, "DISPLAY": ":0"})
    failed(r, "system", "no unix socket")


def test_a_bus_that_hangs(w):
    path = w.runtime / "bus"
    with bare_socket(path):
        w.own()
        failed(helper(w, "fetch", VAULT, 7, env={"DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}), "timeout", "bus")


def test_no_secret_service(w):
    with Bus(w) as b:
        for argv in (("fetch",), ("fetch", "--prompt"), ("erase",)):
            failed(helper(b, *argv, VAULT, 7), "system", "no Secret Service")
        failed(helper(b, "store", VAULT, 7, send=b"x"), "system", "no Secret Service")


# ---- services that misbehave ----

@pytest.mark.parametrize("argv", [("fetch",), ("fetch", "--prompt"), ("store",)])
def test_a_service_that_hangs(w, argv):
    with HangingService(w) as h:
        r = failed(helper(h, *argv, VAULT, 7, send=b"x" if argv[0] == "store" else None), "timeout")
        assert r.seconds >= 4, r


@pytest.mark.parametrize("method", ["SearchItems", "OpenSession", "GetSecret"])
def test_a_service_that_hangs_later(w, method):
    with HangingService(w, method) as h:
        failed(helper(h, "fetch", VAULT, 7), "timeout")
        assert method in h.calls()


@pytest.mark.parametrize("method", ["SearchItems", "OpenSession", "GetSecret"])
def test_a_service_that_crashes_in_a_call(w, method):
    with Standin(w, "--die", method) as d:
        failed(helper(d, "fetch", VAULT, 7), "system", "Secret Service")


def test_a_service_killed_in_a_call(w):
    with HangingService(w, "SearchItems") as h:
        running = Running(h, "fetch", VAULT, 7)
        h.wait_for("SearchItems")
        h.standin.kill()
        failed(running.reply(), "system", "ended before it answered")


def test_the_bus_ends_in_a_call(w):
    with HangingService(w, "SearchItems") as h:
        running = Running(h, "fetch", VAULT, 7)
        h.wait_for("SearchItems")
        h.daemon.kill()
        failed(running.reply(), "system", "bus has ended")


def test_a_locked_keyring_is_never_prompted_for(w):
    with DismissingService(w) as d:
        failed(helper(d, "fetch", VAULT, 7), "locked", "the keyring is locked")
        failed(helper(d, "erase", VAULT, 7), "locked", "the keyring is locked")
        failed(helper(d, "store", VAULT, 7, send=b"x"), "locked", "the keyring is locked")
        assert not {"Prompt", "Unlock", "CreateItem", "Delete"} & set(d.calls())


def test_a_dismissed_dialog(w):
    with DismissingService(w) as d:
        failed(helper(d, "fetch", "--prompt", VAULT, 7), "locked", "dismissed")
        assert d.calls().count("Prompt") == 1


def test_a_dialog_that_is_answered(w):
    with Standin(w, "--locked", "--prompt", "grant", "--secret", "the key") as g:
        r = helper(g, "fetch", "--prompt", VAULT, 7)
        assert (r.kind, r.payload) == ("k", b"the key"), r
        assert g.calls().count("Prompt") == 1


@pytest.mark.parametrize("who,words", [("standin", "Secret Service ended before it answered"),
                                       ("daemon", "session bus has ended")])
def test_killed_behind_its_dialog(w, who, words):
    with Standin(w, "--locked", "--prompt", "wait") as g:
        running = Running(g, "fetch", "--prompt", VAULT, 7)
        g.wait_for("Prompt")
        getattr(g, who).kill()
        failed(running.reply(), "system", words)


def test_a_keyring_that_is_not_there(w):
    with Standin(w, "--bare") as b:
        failed(helper(b, "fetch", VAULT, 7), "system", "no default keyring")
        failed(helper(b, "store", VAULT, 7, send=b"x"), "system", "no default keyring")
        failed(helper(b, "erase", VAULT, 7), "system", "no default keyring")


# ---- how it is called ----

def test_a_refusal_before_the_packet_was_read(w):
    """A socket closed over it would give the client ECONNRESET for an answer."""
    running = Running(w, "store", VAULT, "0", send=b"x")
    running.proc.wait(NO_HANG)
    failed(running.reply(), "usage", "SLOT")


@pytest.mark.parametrize("argv", [
    (), ("fetch",), ("fetch", VAULT), ("fetch", VAULT, "1", "2"), ("look", VAULT, "1"), ("--help",),
    ("fetch", VAULT[:-1], "1"), ("fetch", VAULT + "0", "1"), ("fetch", VAULT.upper(), "1"),
    ("fetch", VAULT[:-1] + "g", "1"), ("fetch", "", "1"), ("fetch", VAULT, ""), ("fetch", VAULT, "0"),
    ("fetch", VAULT, "01"), ("fetch", VAULT, "-1"), ("fetch", VAULT, "+1"), ("fetch", VAULT, " 1"),
    ("fetch", VAULT, "1x"), ("fetch", VAULT, "4294967296"), ("fetch", VAULT, "9" * 40),
    ("fetch", "--promptly", VAULT, "1"), ("fetch", VAULT, "1", "--prompt"), ("store", "--prompt", VAULT, "1"),
    ("erase", "--prompt", VAULT, "1")])
def test_malformed_arguments(w, argv):
    failed(helper(w, *argv), "usage")


def test_no_conversation(w):
    """Started by hand it does nothing; with a terminal's or a file's descriptor 3 neither."""
    for script in ('exec "$0" fetch "$1" 7 3<&-', 'exec "$0" fetch "$1" 7 3</dev/null'):
        r = w.run(["bash", "-c", script, KEYRING, VAULT])
        assert r.rc == 1 and r.out == "" and "ccctl runs this program" in r.err, r


def test_the_client_goes_away(s):
    running = Running(s, "store", VAULT, 7)
    running.mine.close()
    running.proc.wait(NO_HANG)
    assert running.proc.returncode == 1
    assert s.items() == []


def test_inside_a_session(s):
    """A process that bears the mark gets nothing, and nothing is asked for it."""
    key = stored(s)
    marked = ["prlimit", "--locks=1024:1024"]
    for argv in (("fetch", VAULT, 7), ("erase", VAULT, 7)):
        failed(helper(s, *argv, before=marked), "marked")
    failed(helper(s, "store", VAULT, 7, send=b"x", before=marked), "marked")
    assert helper(s, "fetch", VAULT, 7).payload == key
    # The helper's look at itself is what refuses: the test build can do without.
    assert helper(s, "fetch", VAULT, 7, before=marked, env=off("helper-unmarked")).payload == key


def test_without_locked_memory(s):
    stored(s)
    for limit in ("0:0", "4096:4096"):
        failed(helper(s, "fetch", VAULT, 7, before=["prlimit", f"--memlock={limit}"]), "not-locked-memory")
    assert helper(s, "fetch", VAULT, 7, before=["prlimit", "--memlock=65536:65536"]).kind == "k"


def test_at_work_it_cannot_be_read(w):
    """Undumpable while it waits, and what it links is in locked memory."""
    with HangingService(w, "SearchItems") as h:
        running = Running(h, "fetch", VAULT, 7)
        h.wait_for("SearchItems")
        pid = running.proc.pid
        assert os.stat(f"/proc/{pid}/stat").st_uid == 0
        if os.geteuid() != 0:
            with pytest.raises(PermissionError):
                open(f"/proc/{pid}/mem", "rb")
        running.proc.send_signal(signal.SIGKILL)
        assert running.reply().kind == ""


def test_the_environment_changes_nothing(s):
    """Another backend, another name, a trace of the bus: all are the caller's, none is heeded."""
    key = stored(s)
    env = {"SECRET_BACKEND": "file", "SECRET_FILE_TEST_PASSWORD": "x", "SECRET_SERVICE_BUS_NAME": "org.example.Other",
           "G_DBUS_DEBUG": "all", "G_MESSAGES_DEBUG": "all", "GIO_EXTRA_MODULES": "/nonexistent"}
    r = helper(s, "fetch", VAULT, 7, env=env)
    assert (r.kind, r.payload, r.out) == ("k", key, ""), r


# ---- the way of a login ----

# pam_exec asks for a password and takes any, so that no account needs one.
PAM = """auth required pam_exec.so quiet expose_authtok /bin/cat
auth optional pam_gnome_keyring.so
account required pam_permit.so
session optional pam_gnome_keyring.so auto_start
"""


class Login:
    """A login as a display manager does it, in a PAM service of its own."""

    def __init__(self, bus):
        self.bus, self.w = bus, bus.world
        self.service = f"ccrun-test-{self.w.id}"
        self.file = Path("/etc/pam.d", self.service)
        self.file.write_text(PAM)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.unlink(missing_ok=True)

    def login(self, password):
        env = {k: v for k, v in self.w.env(self.bus.env).items() if k.startswith(("XDG", "DBUS", "HOME", "CCRUN_TEST"))}
        argv = ["pamtester", *(f"-E{k}={v}" for k, v in env.items()), self.service, self.w.user.pw_name,
                "authenticate", "open_session"]
        r = subprocess.run(argv, input=password + "\n", text=True, env={"PATH": "/usr/bin:/bin"}, capture_output=True,
                           timeout=60)
        assert r.returncode == 0, r
        # What the desktop's autostart does: the daemon that PAM started joins the bus.
        r = self.w.run(["gnome-keyring-daemon", "--start", "--components=secrets"], self.bus.env)
        assert r.rc == 0, r
        until(lambda: self.bus.owner() and self.bus.has_login_keyring(), what="the login keyring")

    def logout(self):
        os.kill(self.bus.owner(), signal.SIGTERM)
        until(lambda: not self.bus.owner(), what="the daemon's end")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="writes a service file to /etc/pam.d")
@pytest.mark.skipif(not shutil.which("pamtester"), reason="no pamtester")
def test_unlocked_by_a_login(w):
    with Bus(w) as b, Login(b) as session:
        session.login("letmein")
        key = stored(b)
        session.logout()
        session.login("wrong")
        assert b.locked()
        failed(helper(b, "fetch", VAULT, 7), "locked")
        session.logout()
        session.login("letmein")
        assert not b.locked()
        assert helper(b, "fetch", VAULT, 7).payload == key
        session.logout()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="writes a service file to /etc/pam.d")
@pytest.mark.skipif(not shutil.which("pamtester"), reason="no pamtester")
def test_a_login_is_all_that_a_launch_needs(ep, token):
    """From the password at the display manager to the client, with no question."""
    with Ccrun(ep) as c, Bus(c) as b, Login(b) as session:
        c.demo()
        session.login("letmein")
        assert c.with_passphrase("init", "--keyring", env=b.env).rc == 0
        c.add("demo", token)
        os.kill(c.broker(), signal.SIGTERM)
        session.logout()
        session.login("letmein")
        r = c.ccrun("demo", "-p", "hello", env=b.env)
        assert r.rc == 0 and "hello from loopback" in r.out, r
        assert ep.main[0].headers["authorization"] == "Bearer " + token
        session.logout()
