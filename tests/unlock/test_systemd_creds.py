"""A credential as systemd keeps one: encrypted by systemd-creds to this host,
decrypted into the broker's credentials directory.  Only root has the host's key."""
import os
import shutil
import signal
import subprocess

import pytest

from ccrun import CCBROKER
from client import alive, until

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="only root has the host's key"),
              pytest.mark.skipif(not shutil.which("systemd-creds"), reason="no systemd-creds")]


def creds(*words, given):
    return subprocess.run(["systemd-creds", *words], input=given, stdout=subprocess.PIPE, check=True).stdout


def test_encrypted_at_rest_and_open_at_the_start(c, ep, token):
    c.demo()
    c.init()
    c.add("demo", token)
    key = c.ccctl("slot", "add", "credential")
    assert key.rc == 0, key
    try:
        sealed = creds("encrypt", "--with-key=host", "--name=ccrun.key", "-", "-", given=key.out.encode())
    except subprocess.CalledProcessError as e:
        pytest.skip(f"systemd-creds does not work here: {e}")
    assert key.out.split()[-1].encode() not in sealed
    # What LoadCredentialEncrypted= does.
    directory = c.root / "credentials"
    directory.mkdir(mode=0o700)
    (directory / "ccrun.key").write_bytes(creds("decrypt", "--name=ccrun.key", "-", "-", given=sealed))
    (directory / "ccrun.key").chmod(0o400)
    c.own()
    pid = c.broker()
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid), what="the broker's end")
    socket = c.runtime / "ccrun/broker.sock"
    c.popen([CCBROKER, "--foreground"], env={"CREDENTIALS_DIRECTORY": str(directory)})
    until(socket.exists, what="the broker")
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and ep.main[0].headers["authorization"] == "Bearer " + token, r
    assert [e["why"] for e in c.record() if e["event"] == "reopen"] == ["credential"]
