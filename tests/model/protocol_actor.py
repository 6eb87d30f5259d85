"""A process that speaks to a broker, step by step as it is told: what a client is (marked, confined,
undumpable, alive) is a process's property, so each is one.

    a = Actor(broker.socket, directory)
    a.do("connect", 0)
    a.do("packets", 0, [packet])    -> its answers, None where the connection has ended
    a.do("mark")
"""
import multiprocessing.connection
import os
import signal
import socket

import wire_client as wc
from played_relay import SEALS, memfd
from relay_broker import UnixConnection

ASK = b'{"model":"claude-asked-1"}'
PATIENCE = 20


class Actor:
    def __init__(self, path, directory):
        mine, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                keep = theirs.fileno()
                os.closerange(3, keep)
                os.closerange(keep + 1, 4096)
                Stage(path, directory).serve(multiprocessing.connection.Connection(keep))
            finally:
                os._exit(0)
        theirs.close()
        self.pipe = multiprocessing.connection.Connection(mine.detach())

    def do(self, what, *args):
        self.pipe.send((what, args))
        if not self.pipe.poll(PATIENCE):
            raise TimeoutError(f"no answer to {what} within {PATIENCE} s")
        done, result = self.pipe.recv()
        assert done, f"{what}: {result}"
        return result

    def vanish(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pipe.close()


class Stage:
    """The child's side: one method a word."""

    def __init__(self, path, directory):
        self.path, self.directory, self.clients = path, directory, {}

    def serve(self, pipe):
        while True:
            try:
                what, args = pipe.recv()
            except EOFError:
                return
            try:
                pipe.send((True, getattr(self, what)(*args)))
            except Exception as e:  # pylint: disable=broad-except
                pipe.send((False, f"{type(e).__name__}: {e}"))

    def connect(self, n):
        self.clients[n] = wc.Client(self.path, timeout=PATIENCE)

    def close(self, n):
        self.clients.pop(n).close()

    mark = staticmethod(lambda: wc.mark(False))
    confine = staticmethod(wc.confine)
    hide = staticmethod(wc.undumpable)
    show = staticmethod(lambda: wc.libc.prctl(wc.PR_SET_DUMPABLE, 1, 0, 0, 0))

    @staticmethod
    def answer(client):
        try:
            return client.recv()
        except wc.Closed:
            return None

    def packets(self, n, packets, fds=()):
        """All are sent before the first answer is read."""
        c = self.clients[n]
        for packet in packets:
            try:
                c.send(packet, fds)
            except wc.Closed:
                break  # the reason may be there to be read
        answers = [self.answer(c) for _ in packets]
        beside = b"".join(self.drain(fd) for fd in c.fds)
        return answers, beside

    @staticmethod
    def drain(fd):
        with os.fdopen(fd, "rb") as pipe:
            return pipe.read()

    def by_child(self, n, packet):
        """A process that inherited the connection sends it."""
        pid = os.fork()
        if pid == 0:
            try:
                self.clients[n].sock.send(packet)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        return self.answer(self.clients[n])

    def claim(self, n):
        """(items, None), or (None, what it was refused with)."""
        try:
            return self.clients[n].claim(), None
        except wc.Refused as e:
            return None, str(e)
        except (wc.Closed, BrokenPipeError):
            return None, "closed"

    def pass_file(self, n, packet, data, sealed):
        """With a memfd that has these bytes; None: with no descriptor."""
        if data is None:
            return self.packets(n, [packet])[0][0]
        fd = memfd(data, SEALS if sealed else 0)
        answers, _ = self.packets(n, [packet], [fd])
        os.close(fd)
        return answers[0]

    def relay(self, n, packet, session):
        """With a socket on which that session will reach its relay."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            listener.bind(f"{self.directory}/{os.getpid()}-{session}")
            listener.listen(16)
            listener.setblocking(False)
            answers, _ = self.packets(n, [packet], [listener.fileno()])
        return answers[0]

    def post(self, session):
        """A request of that session's; its status, and the answer."""
        c = UnixConnection(f"{self.directory}/{os.getpid()}-{session}")
        c.request("POST", "/v1/messages", ASK, {"Content-Type": "application/json", "Authorization": "Bearer none"})
        response = c.getresponse()
        data = response.read()
        c.close()
        return response.status, data
