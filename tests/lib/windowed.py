"""A session's process in a terminal window that can be closed, as an attacker has it: a process of
its own, which uses the session by its relay when it is told to.

    with Windowed(b, provider) as outer, Windowed(b, provider, window=False, ticket=outer.ticket) as inner:
        outer.post()
        outer.stop()
        outer.close()
"""
import fcntl
import json
import os
import pty
import signal
import termios

import wire_client as wc
from client import until
from relayed import Session

NESTED = "delivery=relay nested=use"


class Windowed:
    """window: it has a terminal, on which a shell started it; else none.  nohup: it is started to
    ignore SIGHUP, which it catches later.  background: another process group has the terminal.  What the session has besides, `ticket` before all, as relayed.Session takes it."""

    def __init__(self, broker, provider, window=True, nohup=False, background=False, **session):
        self.master, slave = pty.openpty()
        self.said, told = os.pipe()
        orders, self.order = os.pipe()
        self.shell = os.fork()
        if self.shell == 0:
            try:
                # Who else had the terminal of another one would keep it there.
                keep = {0, 1, 2, slave, told, orders}
                for fd in {int(name) for name in os.listdir("/proc/self/fd")} - keep:
                    try:
                        os.close(fd)
                    except OSError:
                        pass
                os.setsid()
                if window:
                    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                # It stays: when a shell ends, what is stopped is continued, and only who stops it
                # again and again keeps it from ending.
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                pid = os.fork()
                if pid:
                    os.waitpid(pid, 0)
                else:
                    signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL)
                    if background:
                        os.setpgid(0, 0)
                    self.serve(broker, provider, session, orders, told)
            finally:
                os._exit(0)
        for fd in (slave, told, orders):
            os.close(fd)
        begun = self.hear()
        if "error" in begun:
            raise wc.Refused(begun["error"], begun["message"], begun["hint"])
        self.pid, self.id, self.ticket = (begun[key] for key in ("pid", "id", "ticket"))

    def serve(self, broker, provider, session, orders, told):
        """In the session's process."""
        def tell(**said):
            os.write(told, json.dumps(said).encode() + b"\n")
        try:
            with Session(broker, provider, **session) as s:
                signal.signal(signal.SIGHUP, lambda *_: None)
                tell(pid=os.getpid(), id=s.id, ticket=s.ticket)
                while order := os.read(orders, 1):
                    if order == b"l":
                        os.setsid()
                        tell()
                        continue
                    r = s.post()
                    tell(status=r.status, body=r.data.decode(errors="replace"))
        except wc.Refused as e:
            tell(error=e.error, message=e.message, hint=e.hint)

    def hear(self):
        line = b""
        while not line.endswith(b"\n"):
            more = os.read(self.said, 4096)
            assert more, "the session's process has ended"
            line += more
        return json.loads(line)

    def post(self):
        """One request through its relay: the status, and what was answered."""
        os.write(self.order, b"x")
        said = self.hear()
        return said["status"], said["body"]

    def leave(self):
        """It leaves its terminal by itself."""
        os.write(self.order, b"l")
        self.hear()

    def stat(self):
        """Its state, and its terminal's number; 0: it has none."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
        return fields[0], int(fields[4])

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)
        until(lambda: self.stat()[0] == "T", what="the stopped process")

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def close(self):
        """The person closes the window."""
        os.close(self.master)
        self.master = -1
        until(lambda: self.stat()[1] == 0, what="the terminal's end")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.shell, 0)
        for fd in (self.said, self.order, self.master):
            if fd >= 0:
                os.close(fd)
