"""Ways of opening the vault with no person there, as a whole: the real client is
launched with no question asked after a keyring login, with a sealed keyfile, from
an activated socket with a credential, and with a TPM; and what is said when each
of them cannot."""
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from ccrun import BUILD, CCBROKER, CCCTL, CCRUN, PASSPHRASE, Ccrun
from client import alive, until
from dialogue import done, talk
from host_files import agreed_host
from keyring import Bus, DismissingService, HangingService, SecretService
from swtpm import Tpm

pytestmark = pytest.mark.usefixtures("ordinary_user")


def restart(c):
    """As after a reboot: the next program starts a fresh broker."""
    pid = c.broker()
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid), what="the broker's end")


def launch(c, ep, token, env=None):
    """ccrun demo -p with nobody there; it must work without a question."""
    seen = len(ep.main)
    r = c.ccrun("demo", "-p", "hello", env=env)
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert ep.main[seen].headers["authorization"] == "Bearer " + token
    return r


def asks_once(c, env=None):
    """After a lock: one question on the terminal, then the client; and no more."""
    assert c.ccctl("lock", env=env).rc == 0
    r = c.ccrun("demo", "-p", "hello", env=env)
    assert r.rc == 125 and "locked" in r.err and "hint: ccctl unlock" in r.err, r
    p = talk(c, CCRUN, "demo", "-p", "hello", env=env)
    p.expect("Passphrase for your vault: ")
    p.sendline(PASSPHRASE)
    assert p.expect(["hello from loopback", "(?i)passphrase"]) == 0
    done(p)
    assert c.ccrun("demo", "-p", "hello", env=env).rc == 0


def slots(c, env=None):
    return json.loads(c.ccctl("slot", "list", "--json", env=env).out)


# ---- keyring ----

def test_after_a_keyring_login(c, ep, token):
    c.demo()
    with SecretService(c) as s:
        r = c.with_passphrase("init", "--keyring", env=s.env)
        assert r.rc == 0 and "slot 2 (keyring) opens the vault" in r.err, r
        c.add("demo", token)
        kept = c.run(["secret-tool", "lookup", "vault", vault_id(c), "slot", "2"], env=s.env)
        assert kept.out.startswith(f"ccrun-key-1 {vault_id(c)} 2 "), "a key of the slot, never a token"
        restart(c)
        launch(c, ep, token, s.env)
        assert c.ccctl("unlock", env=s.env).err.strip() == "ccctl: already unlocked"
        asks_once(c, s.env)
        # a person may say that the keyring shall do it, after a lock too
        assert c.ccctl("lock").rc == 0
        r = c.ccctl("unlock", "--keyring", env=s.env)
        assert r.rc == 0 and "the vault is open (1 key)" in r.err, r


def keyring_trouble(c, trouble, env):
    """A fresh broker and a keyring that does not open: why is said, the
    passphrase is offered next, and nothing hangs."""
    restart(c)
    r = c.ccrun("demo", "-p", "hello", env=env)
    assert r.rc == 125 and trouble in r.err and r.seconds < 45, r
    p = talk(c, CCCTL, "unlock", env=env)
    p.expect_exact(trouble)
    p.expect("Passphrase for your vault: ")
    p.sendline(PASSPHRASE)
    p.expect("the vault is open")
    done(p)


def test_a_keyring_that_does_not_open_says_why(c, ep, token):
    c.demo()
    c.init()
    c.add("demo", token)
    with SecretService(c) as s:
        assert c.ccctl("slot", "add", "keyring", env=s.env).rc == 0
        slot = [x for x in slots(c) if x["kind"] == "keyring"][0]["id"]
        vault = vault_id(c)
        s.lock()
        keyring_trouble(c, "locked", s.env)
        s.unlock("letmein")
        restart(c)
        launch(c, ep, token, s.env)
        s.set_secret(vault, slot, b"nonsense")
        keyring_trouble(c, "is no key of ccrun's", s.env)
        s.set_secret(vault, slot, f"ccrun-key-1 {vault} {slot} {'00' * 32}".encode())
        keyring_trouble(c, f"wrong key for slot {slot}", s.env)
        s.delete(vault, slot)
        keyring_trouble(c, "has no key for slot", s.env)
    keyring_trouble(c, "no session bus", {"DBUS_SESSION_BUS_ADDRESS": None})
    with Bus(c) as b:
        keyring_trouble(c, "no Secret Service", b.env)
    with HangingService(c) as b:
        keyring_trouble(c, "no answer within the deadline", b.env)
    with DismissingService(c) as b:
        restart(c)
        r = c.ccctl("unlock", "--keyring", env=b.env)
        assert r.rc == 3 and "dismissed" in r.err and "hint:" in r.err, r


def vault_id(c):
    return (c.data / "ccrun/vault").read_bytes()[28:44].hex()


def test_a_keyring_slot_comes_and_goes(c, ep, token):
    c.demo()
    c.init()
    c.add("demo", token)
    with SecretService(c) as s:
        r = c.ccctl("slot", "add", "keyring", "--label", "my desktop", env=s.env)
        assert r.rc == 0 and "slot 2 (keyring)" in r.err, r
        assert [(x["id"], x["kind"], x["label"]) for x in slots(c)] == [
            (1, "passphrase", "passphrase"), (2, "keyring", "my desktop")]
        assert s.paths(vault_id(c), 2)
        # the passphrase stays: the keyring shows no person
        r = c.ccctl("slot", "rm", "1")
        assert r.rc == 5 and "neither passphrase nor recovery code would be left" in r.err, r
        assert "hint: add another first: ccctl slot add passphrase" in r.err, r
        restart(c)
        launch(c, ep, token, s.env)
        r = c.ccctl("slot", "rm", "2", env=s.env)
        assert r.rc == 0 and "removed slot 2 (keyring)" in r.err and "ccctl rekey" in r.err, r
        assert "only one slot" in r.err
        assert not s.paths(vault_id(c), 2), "the keyring's item stayed"


def test_keyring_slots_that_are_added_at_once_all_open(c):
    """Keys are kept by the slot's number: two must not take the same one."""
    c.init()
    with SecretService(c) as s:
        many = [c.popen([CCCTL, "slot", "add", "keyring", "--passphrase-fd", "0"], env=s.env, stdin=subprocess.PIPE,
                        stderr=subprocess.PIPE) for _ in range(4)]
        for p in many:
            p.stdin.write(PASSPHRASE.encode())
            p.stdin.close()
            p.stdin = None
        said = [p.communicate(timeout=60)[1] for p in many]
        assert [p.returncode for p in many] == [0] * 4, said
        there = [x["id"] for x in slots(c, s.env) if x["kind"] == "keyring"]
        assert len(there) == 4
        for slot in there:
            kept = c.run(["secret-tool", "lookup", "vault", vault_id(c), "slot", str(slot)], env=s.env)
            assert kept.out.startswith(f"ccrun-key-1 {vault_id(c)} {slot} "), (slot, kept)
        # each opens: a vault key is wrapped under it
        others = [w for slot in there[1:] for w in ("--drop", str(slot))]
        r = c.with_passphrase("rekey", *others, env=s.env)
        assert r.rc == 0, r


def test_no_keyring_no_slot(c):
    """What cannot keep the key gets no slot; the vault is there, with its passphrase."""
    r = c.ccctl("init", "--keyring", env={"DBUS_SESSION_BUS_ADDRESS": None})
    assert r.rc == 2 and "no terminal" in r.err and not (c.data / "ccrun/vault").exists(), r
    r = c.with_passphrase("init", "--keyring", env={"DBUS_SESSION_BUS_ADDRESS": None})
    assert r.rc == 1 and "no session bus" in r.err and "hint:" in r.err, r
    assert "its passphrase opens it; later: ccctl slot add keyring" in r.err, r
    r = c.ccctl("slot", "add", "keyring", env={"DBUS_SESSION_BUS_ADDRESS": None})
    assert r.rc == 1 and len(slots(c)) == 1, r


# ---- TPM ----

def test_with_a_tpm(c, ep, token):
    c.demo()
    with Tpm(c) as tpm:
        assert c.with_passphrase("init", "--tpm2", env=tpm.env).rc == 0
        c.add("demo", token)
        restart(c)
        tpm.stop()
        tpm.start()
        launch(c, ep, token, tpm.env)
        asks_once(c, tpm.env)
        # another TPM: why, then the passphrase
        tpm.stop()
        tpm.reset()
        restart(c)
        r = c.ccrun("demo", "-p", "hello", env=tpm.env)
        assert r.rc == 125 and "TPM" in r.err and "hint:" in r.err, r
        assert c.unlock().rc == 0
        r = c.ccctl("unlock", "--tpm2", env=tpm.env)
        assert r.rc == 0 and "already unlocked" in r.err
        assert c.ccctl("slot", "rm", "2").rc == 0
        r = c.ccctl("slot", "add", "tpm2", env=tpm.env)
        assert r.rc == 0 and "slot 3 (tpm2)" in r.err, r
        restart(c)
        launch(c, ep, token, tpm.env)
    restart(c)
    r = c.ccctl("unlock", "--tpm2", env={"CCRUN_TPM2_TCTI": f"swtpm:path={c.root}/nowhere"})
    assert r.rc != 0 and "hint:" in r.err, r


# ---- helpers ----

TAKER = """#!/usr/bin/python3
# in a helper's place, and as dumpable as any program
import os, select, socket
s = socket.socket(fileno=3)
got = s.recv(4096) if select.select([s], [], [], 2)[0] else b""
fds = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
open(%r, "w").write(f"{len(got)} {fds}")
"""


def other_helper(c, text, name="ccrun-tpm2"):
    """An installation with another helper in it: its ccctl."""
    for part in ("bin", "lib", "libexec"):
        shutil.copytree(BUILD / part, c.root / "other" / part)
    helper = c.root / "other/libexec/ccrun" / name
    helper.unlink()
    helper.write_text(text)
    helper.chmod(0o755)
    return c.root / "other/bin/ccctl"


def test_a_helper_gets_no_key_before_it_is_hardened_and_no_descriptor(c):
    """Between fork and exec it looks as undumpable as ccctl is."""
    c.init()
    seen = c.root / "seen"
    ccctl = other_helper(c, TAKER % str(seen))
    secret = c.root / "secret"
    secret.write_text(PASSPHRASE + "\n")
    fd = os.open(secret, os.O_RDONLY)
    r = c.run([ccctl, "slot", "add", "tpm2", "--passphrase-fd", str(fd)], pass_fds=[fd])
    os.close(fd)
    assert r.rc != 0 and len(slots(c)) == 1, r
    assert seen.read_text().startswith("0 "), "it was sent the key: " + seen.read_text()
    assert "secret" not in seen.read_text()


def test_a_helper_that_cannot_be_run_says_why(c):
    c.init()
    r = c.run([other_helper(c, "#!/nonexistent/interpreter\n"), "slot", "add", "tpm2", "--passphrase-fd", "0"],
              input=PASSPHRASE)
    assert r.rc == 1 and "run ccrun-tpm2: No such file or directory" in r.err and "hint:" in r.err, r


def test_what_watches_for_suspend_keeps_nothing_of_the_environment(c):
    """It lives for days, and a shell's environment may hold keys."""
    seen = c.root / "seen"
    text = f"#!/usr/bin/python3\nimport os\nopen({str(seen)!r}, 'w').write(' '.join(os.environ))\n"
    ccctl = other_helper(c, text, "ccrun-logind")
    c.init()
    r = c.run([ccctl, "unlock"], env={"SOME_KEY": "sk-0123456789abcdef", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/x"})
    assert r.rc == 0, r
    until(lambda: seen.exists() and seen.read_text(), what="the watcher")
    names = seen.read_text().split()
    assert "HOME" in names and "DBUS_SYSTEM_BUS_ADDRESS" in names and "SOME_KEY" not in names, names


# ---- credential ----

def credential(c, text):
    d = c.root / "credentials"
    d.mkdir(mode=0o700, exist_ok=True)
    (d / "ccrun.key").write_bytes(text if isinstance(text, bytes) else text.encode())
    (d / "ccrun.key").chmod(0o600)
    return d


def listens(path):
    """Between bind and listen a client is refused, and starts a broker of its own."""
    rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return any(row[3] == "00010000" and row[-1] == str(path) for row in rows)


class Activated:
    """systemd-socket-activate in front of the broker, as a socket unit is."""

    def __init__(self, c, credentials):
        self.c = c
        directory = c.runtime / "ccrun"
        directory.mkdir(mode=0o700, exist_ok=True)
        self.socket = directory / "broker.sock"
        self.socket.unlink(missing_ok=True)
        env = {**c.env(), "CREDENTIALS_DIRECTORY": str(credentials)}
        words = [f"--setenv={k}={v}" for k, v in env.items()]
        self.proc = c.popen(["systemd-socket-activate", "--seqpacket", "-l", self.socket, *words, CCBROKER],
                            stderr=subprocess.DEVNULL)
        until(lambda: listens(self.socket), what="the socket")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.proc.terminate()
        self.proc.wait(10)
        self.socket.unlink(missing_ok=True)


def test_from_an_activated_socket_with_a_credential(c, ep, token):
    c.demo()
    c.init()
    c.add("demo", token)
    r = c.ccctl("slot", "add", "credential")
    assert r.rc == 0 and r.out.startswith(f"ccrun-key-1 {vault_id(c)} 2 "), r
    text = r.out
    d = credential(c, text)
    restart(c)
    with Activated(c, d):
        launch(c, ep, token)
        assert [e["why"] for e in c.record() if e["event"] == "reopen"] == ["credential"]
        asks_once(c)
    # wrong or cut off: on record, said to who asks, and the passphrase goes on working
    for bad, why in ((text.replace(vault_id(c), "0" * 32), "another vault's"),
                     (text[:60], "cut off"), ("", "cut off"), (b"\xff" * 120, "no key of ccrun's"),
                     (text[:-65] + "0" * 64 + "\n", "wrong key for slot 2")):
        credential(c, bad)
        with Activated(c, d):
            r = c.ccrun("demo", "-p", "hello")
            assert r.rc == 125 and why in r.err and "hint:" in r.err, (bad, r)
            assert c.record()[-1]["event"] in ("open", "reopen")
            assert c.unlock().rc == 0


def test_a_credential_is_not_shown_on_a_terminal(c):
    c.init()
    p = talk(c, CCCTL, "slot", "add", "credential")
    p.expect("Passphrase for your vault: ")
    p.sendline(PASSPHRASE)
    p.expect("not shown on a terminal")
    p.expect("hint: .*systemd-creds")
    p.expect(pexpect.EOF)
    assert len(slots(c)) == 1
    # nor written to nobody: it is the slot's only key
    for where in (">&-", ">/dev/full"):
        r = c.run(["sh", "-c", f'exec "$0" slot add credential --passphrase-fd 0 {where}', CCCTL], input=PASSPHRASE)
        assert r.rc == 1 and "standard output" in r.err and len(slots(c)) == 1, r
    r = c.ccctl("slot", "add", "credential", "--out", str(c.root / "key"))
    assert r.rc == 0 and (c.root / "key").stat().st_mode & 0o777 == 0o600
    r = c.ccctl("slot", "add", "credential", "--out", str(c.root / "key"))
    assert r.rc == 1 and "hint: name a file that is not there yet" in r.err and len(slots(c)) == 2, r


# ---- keyfile ----

def test_with_a_sealed_keyfile(c, ep, token):
    c.demo()
    r = c.with_passphrase("init", "--keyfile")
    assert r.rc == 4 and "no key pair yet" in r.err and "hint: ccctl host init" in r.err, r
    assert "later: ccctl slot add keyfile" in r.err, r
    r = c.ccctl("host", "init")
    assert r.rc == 0 and r.out.startswith("ccrun-host-1 "), r
    home = c.data / "ccrun"
    assert (home / "host.key").stat().st_mode & 0o777 == 0o400
    assert c.ccctl("host", "show").out == r.out == (home / "host.pub").read_text()
    assert c.ccctl("host", "init").rc == 1
    assert c.ccctl("slot", "add", "keyfile").rc == 0
    assert (home / "keyfile").stat().st_mode & 0o777 == 0o600
    c.add("demo", token)
    restart(c)
    launch(c, ep, token)
    asks_once(c)
    assert c.ccctl("lock").rc == 0
    assert c.ccctl("unlock", "--keyfile").rc == 0
    # the slot goes, and its keyfile with it
    assert c.ccctl("slot", "rm", "2").rc == 0
    assert not (home / "keyfile").exists()


def test_a_second_keyfile_of_this_host_says_that_the_first_is_worth_nothing(c):
    assert c.ccctl("host", "init").rc == 0 and c.with_passphrase("init", "--keyfile").rc == 0
    r = c.ccctl("slot", "add", "keyfile")
    assert r.rc == 0 and "ccctl slot rm 2" in r.err, r
    assert c.ccctl("slot", "rm", "2").rc == 0
    restart(c)
    assert c.ccctl("unlock", "--keyfile").rc == 0
    # another host's keyfile takes nothing's place
    other = c.root / "other"
    other.mkdir(mode=0o700)
    pub = c.write("other.pub", c.run([CCCTL, "host", "init"], env={"XDG_DATA_HOME": str(other)}).out)
    r = c.ccctl("slot", "add", "keyfile", "--for", pub, "--out", c.root / "other.keyfile", *agreed_host(pub))
    assert r.rc == 0 and "slot rm" not in r.err, r


def spoilt_keyfiles(good):
    yield good[:100], "cut off"
    yield b"", "cut off"
    yield good + b"x", "bytes after its end"
    yield good[:80] + bytes([good[80] ^ 1]) + good[81:], "checksum"
    yield b"something else altogether" * 7, "no keyfile"


def test_a_keyfile_that_does_not_open_says_why(c, ep, token):
    c.demo()
    c.init()
    c.add("demo", token)
    assert c.ccctl("host", "init").rc == 0
    assert c.ccctl("slot", "add", "keyfile").rc == 0
    home = c.data / "ccrun"
    good = (home / "keyfile").read_bytes()

    def refused(why, *more):
        restart(c)
        r = c.ccrun("demo", "-p", "hello")
        assert r.rc == 125 and why in r.err and "hint:" in r.err, (why, r)
        assert c.unlock().rc == 0

    for bad, why in spoilt_keyfiles(good):
        (home / "keyfile").write_bytes(bad)
        refused(why)
        r = c.ccctl("unlock", "--keyfile", str(home / "keyfile"))
        assert "already unlocked" in r.err
    (home / "keyfile").write_bytes(good)
    (home / "keyfile").chmod(0o644)
    refused("no private file")
    (home / "keyfile").chmod(0o600)
    key = (home / "host.key").read_text()
    (home / "host.key").chmod(0o644)
    refused("can be read by others")
    (home / "host.key").unlink()
    refused("no key pair")
    (home / "host.key").write_text("nonsense\n")
    (home / "host.key").chmod(0o400)
    refused("damaged")
    (home / "host.key").unlink()
    assert c.ccctl("host", "init").rc == 0  # another pair
    refused("sealed to another host")
    (home / "host.key").unlink()
    (home / "host.key").write_text(key)
    (home / "host.key").chmod(0o400)
    restart(c)
    launch(c, ep, token)


HOSTS = 20


def test_one_vault_and_twenty_hosts_of_which_one_is_revoked(c, ep, token):
    """Each host has a key pair and a copy of the vault; a keyfile opens only at home."""
    c.demo()
    c.init()
    c.add("demo", token)
    hosts = []
    try:
        for i in range(HOSTS):
            host = Ccrun(ep)
            hosts.append(host)
            host.demo()
            pub = host.ccctl("host", "init").out
            (c.root / f"h{i}.pub").write_text(pub)
            r = c.ccctl("slot", "add", "keyfile", "--for", str(c.root / f"h{i}.pub"), "--out",
                        str(c.root / f"h{i}.keyfile"), "--label", f"h{i}",
                        *agreed_host(c.root / f"h{i}.pub"))
            assert r.rc == 0 and f"slot {i + 2} (keyfile)" in r.err, r
        assert len(slots(c)) == HOSTS + 1

        def deploy(host, keyfile):
            host.end()
            for name in ("vault", "vault.prev", "keyfile"):
                (host.data / "ccrun" / name).unlink(missing_ok=True)
            host.write(host.data / "ccrun/vault", "")
            (host.data / "ccrun/vault").write_bytes((c.data / "ccrun/vault").read_bytes())
            r = host.ccctl("host", "use", str(keyfile))
            if r.rc == 0:
                restart(host)
            return r

        for i, host in enumerate(hosts[:4]):
            assert deploy(host, c.root / f"h{i}.keyfile").rc == 0
            r = host.ccctl("list", "--json")
            assert host.run([CCRUN, "--exec", "/bin/true", "demo"]).rc == 0
        launch(hosts[1], ep, token)
        # another host's keyfile, and no key pair of its own
        r = deploy(hosts[5], c.root / "h6.keyfile")
        assert r.rc == 5 and "another host" in r.err and "hint:" in r.err, r
        r = hosts[5].ccctl("unlock", "--keyfile", str(c.root / "h6.keyfile"))
        assert r.rc == 5 and "another host" in r.err, r
        assert hosts[5].ccctl("unlock", "--keyfile", str(c.root / "h5.keyfile")).rc == 0
        # revoked: the others go on
        r = c.ccctl("slot", "rm", "2")
        assert r.rc == 0 and "ccctl rekey" in r.err, r
        r = deploy(hosts[0], c.root / "h0.keyfile")
        assert r.rc == 4 and "no slot 2" in r.err, r
        assert hosts[0].run([CCRUN, "--exec", "/bin/true", "demo"]).rc == 125
        assert deploy(hosts[1], c.root / "h1.keyfile").rc == 0
        assert hosts[1].run([CCRUN, "--exec", "/bin/true", "demo"]).rc == 0
        # rekey: new keyfiles for all that are left, and the old ones are worthless
        (c.root / "new").mkdir(mode=0o700)
        r = c.with_passphrase("rekey")
        assert r.rc == 2 and "--out DIRECTORY" in r.err, r
        r = c.with_passphrase("rekey", "--out", str(c.root / "new"))
        assert r.rc == 0 and f"{HOSTS} of {HOSTS} slots were kept" in r.err, r
        assert len(list((c.root / "new").iterdir())) == HOSTS - 1
        r = deploy(hosts[1], c.root / "h1.keyfile")
        assert r.rc == 5 and "wrong key" in r.err, r
        assert deploy(hosts[1], c.root / "new/3-h1.keyfile").rc == 0
        launch(hosts[1], ep, token)
    finally:
        for host in hosts:
            host.close()


def test_what_slot_add_refuses(c):
    c.init()
    pub = c.root / "bad.pub"
    pub.write_text("ssh-ed25519 AAAA\n")
    for words, rc, why in (
            (["frob"], 2, "slots of kind 'frob' are unknown"),
            (["keyfile", "--for", str(pub)], 2, "where should the keyfile"),
            (["passphrase", "--for", str(pub)], 2, "--for is for keyfiles"),
            (["keyring", "--out", "x"], 2, "--out is for credentials"),
            (["keyfile", "--allow", "host=x"], 2, "--allow is for keyfiles of other hosts"),
            (["keyfile"], 4, "no key pair"),
            (["keyfile", "--for", str(pub), "--out", str(c.root / "k")], 1, "no public key of a host"),
            (["keyfile", "--for", str(c.root / "none"), "--out", str(c.root / "k")], 1, "No such file"),
            (["recovery"], 2, "there is no terminal"),
            (["passphrase"], 2, "there is no terminal")):
        r = c.ccctl("slot", "add", *words)
        assert r.rc == rc and why in r.err and "hint:" in r.err or "No such file" in r.err, (words, r)
    assert len(slots(c)) == 1 and not (c.root / "k").exists()
    assert c.ccctl("slot", "rm", "7").rc == 4
    assert c.ccctl("slot", "rm", "x").rc == 2
    assert c.ccctl("slot", "frob").rc == 2
    r = c.ccctl("slot", "list", "frob")
    assert r.rc == 2 and "too many arguments" in r.err, r
    # before a key is put anywhere
    for label in ("x" * 65, "Zoë", "a\nb"):
        r = c.ccctl("slot", "add", "credential", "--label", label)
        assert r.rc == 2 and r.out == "" and "printable ASCII" in r.err, r


def test_a_full_vault_takes_no_key_for_another_slot(c):
    c.init()
    for i in range(63):
        assert c.ccctl("slot", "add", "credential", "--label", f"{i:064}", "--out", str(c.root / f"{i}.key")).rc == 0
    assert len(slots(c)) == 64
    r = c.ccctl("slot", "add", "credential")
    assert r.rc == 1 and r.out == "" and "64 slots already" in r.err and "hint:" in r.err, r
    assert c.ccctl("slot", "rm", "64").rc == 0 and c.ccctl("slot", "add", "credential").rc == 0
