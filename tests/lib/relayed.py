"""A session by relay, with the broker and the relay as they are: the test's process plays
ccrun and claude, a Provider (relay_broker.py) the other end.

    with Broker() as b, Provider() as provider:
        b.init()
        sealed(b, provider)
        with Session(b, provider) as s:
            s.post().status
"""
import os
import shutil
import socket
import tempfile
from pathlib import Path

import wire_client as wc
from relay_broker import TOKEN, UnixConnection


def origin_of(provider):
    return "bearer " + provider.url


def sealed(broker, provider, entry="zai", policy="delivery=relay"):
    broker.put(entry, TOKEN, policy, origin_of(provider))


class Session:
    """Leaves the process marked: use it in a child."""

    def __init__(self, broker, provider, entry="zai", **changes):
        self.root = Path(tempfile.mkdtemp(prefix="relayed-"))
        self.path = str(self.root / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            listener.bind(self.path)
            listener.listen(16)
            listener.setblocking(False)
            with broker.connect() as c:
                fields = {"delivery": "relay", "origin": origin_of(provider), "project": "/home/me/work", **changes}
                self.id = c.open(entry, **fields)["session"]
                c.send(wc.request("relay"), [listener.fileno()])
                reply = wc.unpack(c.recv())
                assert reply["ok"], reply
        wc.mark()

    def post(self, body=b'{"model":"claude-asked-1"}'):
        c = UnixConnection(self.path)
        c.request("POST", "/v1/messages", body, {"Content-Type": "application/json",
                                                 "Authorization": "Bearer placeholder"})
        response = c.getresponse()
        response.data = response.read()
        c.close()
        return response

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)
