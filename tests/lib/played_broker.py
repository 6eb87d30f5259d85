"""What the processes have in common that stand in for the broker (usage_broker.py and its like)."""
import os
import socket
import threading
from contextlib import contextmanager, suppress

import wire_client as wc


@contextmanager
def listening(path, serve):
    """A broker's socket at path; serve(connection) has a thread for each who connects.  No
    other process looks into this one."""
    def accept():
        while True:
            threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()

    wc.undumpable()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        os.umask(0o177)
        server.bind(path + "~")
        server.listen()
        os.rename(path + "~", path)  # what is there can be connected to
        threading.Thread(target=accept, daemon=True).start()
        yield


def packets(peer):
    """What it sends, until it is gone."""
    with suppress(ConnectionError):
        while packet := peer.recv(wc.PACKET_MAX):
            yield packet


def send(peer, packet):
    """To one that may be gone, too."""
    with suppress(ConnectionError):
        peer.send(packet)


def refusal(error):
    return {"ok": False, "error": error, "message": f"this is a test: {error}", "hint": "none"}
