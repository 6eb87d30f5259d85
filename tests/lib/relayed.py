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


def sealed(broker, provider, entry="zai", policy="delivery=relay", prices=()):
    broker.put(entry, TOKEN, policy + wc.prices_word(prices), origin_of(provider))


class Session:
    """Leaves the process marked (unless not marked): use it in a child.
    files: [(kind, descriptor)] that the relay is given; proxy: by which it is to go out."""

    def __init__(self, broker, provider, entry="zai", files=(), proxy="", marked=True, **changes):
        self.root = Path(tempfile.mkdtemp(prefix="relayed-"))
        self.path = str(self.root / "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            listener.bind(self.path)
            listener.listen(16)
            listener.setblocking(False)
            with broker.connect() as c:
                fields = {"delivery": "relay", "origin": origin_of(provider), "project": "/home/me/work", **changes}
                answer = c.open(entry, **fields)
                self.id, self.ticket = answer["session"], answer.get("ticket")
                for kind, fd in files:
                    self.ask(c, "relay-file", fd, kind=kind)
                self.ask(c, "relay", listener.fileno(), proxy=proxy)
        if marked:
            wc.mark()

    @staticmethod
    def ask(c, op, fd, **fields):
        reply = c.raw(wc.request(op, **fields), [fd])
        if not reply["ok"]:
            raise wc.Refused(reply["error"], reply["message"], reply["hint"])

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
