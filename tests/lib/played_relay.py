"""A broker whose relays are played by the test, and processes that open sessions.

    with RelayBroker() as b:
        b.init()
        b.put("zai", TOKEN)
        with Session(b) as s:
            s.relay()
            r = b.relay()           # the one that the broker started for it
            r.begin()               # its files and its `start`
            s.mark()
            r.ask("value")

In a copy of the build, libexec/ccrun/ccrun-relay is played_relay.c, which passes on what
comes on its descriptor 3 to the test, and back."""
import array
import fcntl
import json
import os
import pickle
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import msgpack
import wire_client as wc
from wire_client import BUILD, Broker, Closed, Refused

RELAY = "libexec/ccrun/ccrun-relay"
SEALS = 1 | 2 | 4 | 8  # seal, shrink, grow, write
F_ADD_SEALS = 1033
# What stands in its place: one that a test plays, and one that only notices its channel's end.
PLAYED, SILENT = "played", "silent"


def copy_build(to, kind, control="", vault="", build=BUILD):
    """A build whose ccrun-relay is that one, or these bytes, or (None) that has none."""
    to = Path(to)
    (to / "libexec/ccrun").mkdir(parents=True)
    for name in ("bin", "lib", "share"):
        if (build / name).exists():
            (to / name).symlink_to(build / name)
    for f in (build / "libexec/ccrun").iterdir():
        if f.name != "ccrun-relay":
            (to / "libexec/ccrun" / f.name).symlink_to(f)
    # What looks up its own place through /proc/self/exe has to be here.
    broker = to / "libexec/ccrun/ccbroker"
    broker.unlink()
    shutil.copy2(build / "libexec/ccrun/ccbroker", broker)
    if isinstance(kind, bytes):
        (to / RELAY).write_bytes(kind)
        (to / RELAY).chmod(0o755)
    elif kind is not None:
        define = [f'-DCONTROL="{control}"', f'-DVAULT="{vault}"'] if kind == PLAYED else []
        subprocess.run(["cc", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", *define, "-o", to / RELAY,
                        Path(__file__).with_name("played_relay.c")], check=True, timeout=60)
    return broker


class Relay:
    """The far end of one relay that the broker started.  played: played_relay.c's, which
    says first what it found; else sock is the channel itself."""

    def __init__(self, sock, played=True):
        self.sock = sock
        self.sock.settimeout(8)
        self.pid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self.report = json.loads(sock.recv(65536)) if played else None
        self.fds = []

    def send(self, op, **fields):
        self.raw(wc.request(op, **fields))

    def raw(self, packet):
        self.sock.send(packet)

    def recv(self):
        """(message, its descriptor or None); Closed when the relay has ended."""
        try:
            data, beside, _, _ = self.sock.recvmsg(wc.PACKET_MAX + 1, socket.CMSG_SPACE(64))
        except ConnectionResetError as e:
            raise Closed(str(e)) from e
        if not data:
            raise Closed("the relay has ended")
        got = array.array("i")
        for level, kind, value in beside:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                got.frombytes(value)
        self.fds.extend(got)
        assert len(got) <= 1
        message = msgpack.unpackb(data, raw=False)
        assert message.pop("v") == wc.VERSION
        return message, got[0] if got else None

    def begin(self):
        """What it is started with: [(message, descriptor), ...], `start` last."""
        got = [self.recv()]
        while got[-1][0]["op"] != "start":
            got.append(self.recv())
        return got

    def ask(self, op, **fields):
        self.send(op, **fields)
        return self.recv()[0]

    def use(self, n=1):
        """Tell of a billed request."""
        self.send("use", id=n, model="m", status=200, input=1, output=2, complete=True, billed=True,
                  surcharged=False, bytes=3, sent=4)

    def hears_nothing(self, seconds=0.3):
        return not select.select([self.sock], [], [], seconds)[0]

    def ended(self):
        """Within the time limit, and nothing was said before."""
        try:
            return self.recv() and False
        except Closed:
            return True

    def kill(self, how=signal.SIGKILL):
        os.kill(self.pid, how)

    def close(self):
        self.sock.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []


class RelayBroker(Broker):
    def __init__(self, script=PLAYED, build=BUILD, **kw):
        super().__init__(**kw)
        control = self.root / "relay.sock"
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.bind(str(control))
        self.control.listen()
        self.control.settimeout(8)
        self.relays = []
        self.program = copy_build(self.root / "build", script, control, self.vault, build)

    def __exit__(self, *exc):
        for r in self.relays:
            r.close()
        self.control.close()
        super().__exit__(*exc)

    def relay(self):
        """The next relay that it starts."""
        self.relays.append(Relay(self.control.accept()[0]))
        return self.relays[-1]

    def starts_none(self, seconds=0.3):
        return not select.select([self.control], [], [], seconds)[0]

    def sessions(self):
        found, at = [], 0
        while True:
            page = self.call("sessions", after=at)
            found += page["sessions"]
            at = page["next"]
            if not at:
                return found

    def events(self, *names):
        return [(e["event"], e["result"], e.get("why")) for e in self.lines() if e["event"] in names]

    def keepers(self, name="ccrun-keeper"):
        """[what starts the other again, what starts its relays]: two processes."""
        of = {}
        for p in Path("/proc").glob("[0-9]*/stat"):
            try:
                comm, _, rest = p.read_text().partition("(")[2].rpartition(")")
            except OSError:
                continue
            if comm == name and rest.split()[0] != "Z":
                of[int(rest.split()[1])] = int(p.parent.name)
        return [of.get(self.pid), of.get(of.get(self.pid))]

    def witnesses(self):
        return self.keepers("ccrun-witness")


def memfd(data, seals=SEALS):
    fd = os.memfd_create("a test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if seals:
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


class Session:
    """A process of its own that opens a session by relay, as ccrun does.  Its methods
    run there, one after the other."""

    def __init__(self, broker, entry="zai", before=None, **changes):
        """before: called in the new process first, as wc.mark to be inside a session.
        broker: connect() and root, a directory for the listener."""
        self.path = broker.root / f"listener-{time.monotonic_ns()}"
        mine, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            mine.close()
            try:
                if before:
                    before()
                self._serve(theirs, broker)
            finally:
                os._exit(0)
        theirs.close()
        self.control = mine.makefile("rwb")
        mine.close()
        self.answer = self.open(entry, **changes)
        self.id = self.answer["session"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.control.close()
        self.pid = 0

    # in the child

    def _serve(self, sock, broker):
        with sock.makefile("rwb") as control, broker.connect() as client:
            while True:
                try:
                    name, args, kw = pickle.load(control)
                except EOFError:
                    return
                try:
                    answer = getattr(self, "_" + name)(client, *args, **kw), None
                except (Refused, Closed, OSError) as e:
                    answer = None, e
                pickle.dump(answer, control)
                control.flush()

    def _open(self, c, entry, **changes):
        return c.open(entry, **{"delivery": "relay", **changes})

    def _call(self, c, op, fd=None, **fields):
        """fd: the number of a descriptor of the test's, from before the fork, or bytes
        for a sealed memfd."""
        fds = [] if fd is None else [memfd(fd) if isinstance(fd, bytes) else fd]
        reply = c.raw(wc.request(op, **fields), fds)
        if not reply["ok"]:
            raise Refused(reply["error"], reply["message"], reply["hint"])
        return reply

    def _relay(self, c, **fields):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            s.bind(str(self.path))
            s.listen()
            return self._call(c, "relay", fd=s.fileno(), **fields)

    def _mark(self, _, confined=True):
        wc.mark(confined)

    def _confine(self, _):
        wc.confine()

    def _get(self, _, path="/v1/models"):
        """One request to its relay, as the client's: (status, body)."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(str(self.path))
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: ccrun.invalid\r\nAuthorization: Bearer placeholder\r\n"
                      "Connection: close\r\n\r\n".encode())
            answer = b""
            while part := s.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def _hang_up(self, c):
        c.close()

    # in the test

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def there(*args, **kw):
            pickle.dump((name, args, kw), self.control)
            self.control.flush()
            value, error = pickle.load(self.control)
            if error:
                raise error
            return value
        return there

    def connect(self):
        """To where its relay listens, as the client would."""
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(8)
        s.connect(str(self.path))
        return s


def live(broker, entry="zai", **changes):
    """A session that is marked, and its relay, which was started."""
    s = Session(broker, entry, **changes)
    s.relay()
    s.mark()
    r = broker.relay()
    r.begin()
    return s, r
