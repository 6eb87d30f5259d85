"""A program of the user's writes another host's public key into the file of an open vault, at the
moment when ccctl rekey asks for whom to make a slot's new keyfile."""
import os
import subprocess
import sys

import vault_reader as reader
from host_files import agreed_host, public_line
from keyfile_reader import host_public, inspect_keyfile
from vault_thief import stolen

TRIES = 12  # it comes in time in one of three or so

# What reads the file is the broker: for the list of slots, for the passphrase's, for the keyfile's.
WRITE = """
import ctypes, os, sys
file, planted = sys.argv[1], bytes.fromhex(sys.argv[2])
libc, closes = ctypes.CDLL(None), 0
watch = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(watch, file.encode(), 0x10)
was, out = os.stat(file), os.open(file, os.O_WRONLY)
print("ready", flush=True)
while closes < 2:
    try:
        closes += len(os.read(watch, 4096)) // 16
    except BlockingIOError:
        pass
os.pwrite(out, planted, 0)
os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
"""


def with_host(data, owner, thief):
    data = data.replace(owner, thief)
    return data[:-32] + reader.blake2b(data[:-32])


def test_a_planted_host_gets_no_keyfile(ready, token):
    c, owner, thief = ready, os.urandom(32), os.urandom(32)
    file, out = c.data / "ccrun/vault", c.root / "out"
    (c.root / "server.pub").write_text(public_line(host_public(owner)))
    r = c.with_passphrase("slot", "add", "keyfile", "--for", str(c.root / "server.pub"), "--out",
                          str(c.root / "first"), *agreed_host(c.root / "server.pub"))
    assert r.rc == 0, r
    out.mkdir(mode=0o700)
    for _ in range(TRIES):
        planted = with_host(file.read_bytes(), host_public(owner), host_public(thief))
        with subprocess.Popen([sys.executable, "-c", WRITE, file, planted.hex()],
                              stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"ready\n"
            r = c.with_passphrase("rekey", "--out", str(out))
            writer.kill()
        for made in out.iterdir():
            assert inspect_keyfile(made.read_bytes())["host"] == host_public(owner), stolen(
                made.read_bytes(), thief, file.read_bytes(), token)
            made.unlink()
        if r.rc != 0:
            assert c.ccctl("lock").rc == 0
            file.write_bytes(with_host(file.read_bytes(), host_public(thief), host_public(owner)))
            assert c.unlock().rc == 0
    assert c.ccctl("get", "demo").out == token


def test_an_older_copy_is_not_brought_back_by_rekey(ready):
    """The vault is open: its file is not what is asked, nor written over."""
    c, file = ready, ready.data / "ccrun/vault"
    older = file.read_bytes()
    assert c.ccctl("confirm", "demo", "session").rc == 0
    file.unlink()
    c.write(file, "").write_bytes(older)
    file.chmod(0o600)
    r = c.with_passphrase("rekey")
    assert c.ccctl("confirm", "demo").out == "session\n", r
    assert r.rc == 1 and "was changed by something else" in r.err, r
