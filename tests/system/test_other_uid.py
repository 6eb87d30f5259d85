"""A broker of another user: only root can play that, so it runs with root's eyes."""
import os
import socket
import subprocess
import threading

import pytest

from attempts_programs import Fake
from ccrun import CCRUN, PASSPHRASE
from controls import off

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")]


def test_somebody_elses_broker_gets_nothing(c, token):
    c.demo()
    directory = c.runtime / "ccrun"
    directory.mkdir(mode=0o700)
    c.own()
    heard = []
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(directory / "broker.sock"))
    os.chmod(directory / "broker.sock", 0o666)
    listener.listen(8)

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                data = peer.recv(65536)
                while data:
                    heard.append(data)
                    # {v:1, ok:true, state:"unlocked", granted:true}
                    peer.send(b"\x84\xa1v\x01\xa2ok\xc3\xa5state\xa8unlocked\xa7granted\xc3")
                    data = peer.recv(65536)

    threading.Thread(target=serve, daemon=True).start()
    try:
        for r in (c.unlock(), c.ccctl("add", "demo", input=token), c.ccrun("demo", "-p", "x"),
                  c.run([CCRUN, "--exec", "/bin/true", "demo"])):
            assert r.rc in (5, 125) and "somebody else's" in r.err and "hint:" in r.err, r
        said = b"".join(heard)
        assert said and token.encode() not in said and PASSPHRASE.encode() not in said
    finally:
        listener.close()


OTHER = 65533


def told(c, token, open_directory, *controls):
    """Is the key told to who has put a socket of theirs into that directory, without these controls?"""
    with Fake(c, "unlocked", f"uid={OTHER}", start=start) as fake:
        (c.runtime / "ccrun").chmod(0o777 if open_directory else 0o700)
        r = c.ccctl("add", "demo", *c.allows("demo"), input=token + "\n", env=off(*controls))
        assert r.rc in (0, 5), r
        return token.encode() in fake.told()


def start(argv):
    return subprocess.Popen(argv)


def test_what_each_check_holds(c, token):
    """Two: others put no socket into your directory, and who is another is not believed."""
    c.demo()
    (c.runtime / "ccrun").mkdir(mode=0o700)
    c.own()
    assert [told(c, token, False, *controls) for controls in ((), ("broker-owner",))] == [False, True]
    both = ("private-directories", "broker-owner")
    assert [told(c, token, True, *controls) for controls in ((), both[:1], both[1:], both)] == [False, False, False, True]
