"""A broker of another user: only root can play that, so it runs with root's eyes."""
import os
import socket
import threading

import pytest

from ccrun import CCRUN, PASSPHRASE

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
