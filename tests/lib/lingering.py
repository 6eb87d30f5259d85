"""A TCP socket whose last close waits: its data goes nowhere, and it lingers."""
import os
import signal
import socket
import struct
from contextlib import contextmanager

SO_PASSRIGHTS = 83  # Linux 6.16
SECONDS = 120


@contextmanager
def lingering():
    """Yields the socket.  Who has a copy of it is kept from waiting at the end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        s = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
        with peer:
            s.setblocking(False)
            try:
                while True:
                    s.send(bytes(65536))
            except BlockingIOError:
                pass
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, SECONDS))
            yield s
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def stopped(pid):
    """For what is passed on meanwhile to be closed by that process last."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
