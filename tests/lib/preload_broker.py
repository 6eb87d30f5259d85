"""A broker for one session, over a socket pair: answers the fixed-layout
messages of libccrun.so, keeps a log of them, and can be told to misbehave."""

import socket
import struct
import subprocess
import threading

import ccrun

ARRIVED, CLAIM, AGAIN, OK, REFUSED = 1, 2, 3, 0x81, 0x82
LIBRARY = str(ccrun.LIBRARY)


def packet(kind, body=b""):
    return b"CCR1" + bytes([kind, 0, 0, 0]) + struct.pack("<I", len(body)) + body


def item(name, value):
    return struct.pack("<HI", len(name), len(value)) + name + value


def ok(*items):
    return packet(OK, struct.pack("<H", len(items)) + b"".join(items))


def refused(text, hint):
    return packet(REFUSED, struct.pack("<H", len(text)) + text + struct.pack("<H", len(hint)) + hint)


class Broker:
    """answers: message type -> bytes, None (silence), "close", or a callable
    that takes the sender's pid and returns one of those."""

    def __init__(self, secrets, answers=None):
        self.answers = {ARRIVED: ok(), AGAIN: ok(),
                        CLAIM: ok(*(item(k.encode(), v.encode()) for k, v in secrets.items()))}
        self.answers.update(answers or {})
        self.log = []      # (type, pid) in order
        self.beside = []   # descriptors that came, as bool
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        while True:
            try:
                data, ancillary, _, _ = self.ours.recvmsg(65536, 512)
            except OSError:
                return
            if not data:
                return
            pid, answer_fd = 0, -1
            for _, kind, raw in ancillary:
                if kind == socket.SCM_RIGHTS:
                    answer_fd = struct.unpack("<i", raw[:4])[0]
                elif kind == socket.SCM_CREDENTIALS:
                    pid = struct.unpack("<iii", raw)[0]
            assert data[:4] == b"CCR1" and data[5:] == b"\0" * 7
            self.log.append((data[4], pid))
            self.beside.append(answer_fd >= 0)
            self.answer(data[4], answer_fd)

    def answer(self, kind, answer_fd):
        what = self.answers[kind]
        if callable(what):
            what = what(self.log[-1][1])
        to = socket.socket(fileno=answer_fd) if answer_fd >= 0 else self.ours
        if what == "close":
            if to is not self.ours:
                to.close()
            self.ours.close()
            return
        if what is not None:
            try:
                to.send(what)
            except OSError:
                pass
        if to is not self.ours and what is not None:
            to.close()
        elif to is not self.ours:
            self.kept = to

    def kinds(self):
        return [k for k, _ in self.log]


class Result:
    def __init__(self, code, out, err, broker, pid):
        self.code, self.out, self.err, self.broker, self.pid = code, out, err, broker, pid


def run(argv, secrets=None, saved=None, env=None, answers=None, timeout=60, cwd=None,
        preload=LIBRARY, keep_fds=(), stderr=subprocess.PIPE, user=None):
    """Run argv as a session.  secrets None: one without a connection."""
    full = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "KEEP": "1"}
    full.update(env or {})
    if preload:
        full["LD_PRELOAD"] = preload
    for name, value in (saved or {}).items():
        full["CCRUN_SAVED_" + name] = value
    broker, fds = None, list(keep_fds)
    if secrets is not None:
        broker = Broker(secrets, answers)
        full["CCRUN_FD"] = str(broker.theirs.fileno())
        fds.append(broker.theirs.fileno())
        broker.thread.start()
    p = subprocess.Popen(argv, env=full, pass_fds=fds, cwd=cwd, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=stderr, user=user)
    if broker:
        broker.theirs.close()
    try:
        out, err = p.communicate(timeout=timeout)
    finally:
        p.kill()
    if broker:
        broker.thread.join(5)
        broker.ours.close()
    return Result(p.returncode, out.decode(errors="replace"), (err or b"").decode(errors="replace"),
                  broker, p.pid)
