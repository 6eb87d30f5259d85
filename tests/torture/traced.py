"""Programs under tests/torture/tracer.c: counted, killed at a call, refused one.

    with TracedBroker(where) as b:
        b.tracer.arm("kill", b.pid, at=7)
        b.put("zai", "token")          # raises wire_client.Closed
        b.tracer.stop()                # Counted(calls=7, hit="renameat")
"""
import os
import select
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import wire_client as wc
from built import SHIPPED

TRACER = SHIPPED / "tests/tracer"
FAST = "/dev/shm"  # where a sync costs nothing
PATIENCE = 40


def room(prefix):
    """A directory of the test's own."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=FAST if os.access(FAST, os.W_OK) else None))


@dataclass
class Counted:
    calls: int
    hit: str  # the call that was met, or -


@dataclass
class End:
    code: int
    signal: int
    calls: int
    hit: str
    left: str  # programs that lived on, or -


class Tracer:
    """One program's."""

    def __init__(self):
        self.mine, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.dir = room("cct-")
        self.log = self.dir / "log"
        self.mine.settimeout(PATIENCE)
        self.ended = None

    def close(self):
        self.mine.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def before(self, argv, first=("count", "nobody")):
        """(argv, descriptors it needs) with the tracer in front; first: as arm has it, from the
        program's start."""
        self.mine.send(self.packet(*first))
        fd = self.theirs.fileno()
        return [str(TRACER), str(fd), str(self.log), *map(str, argv)], (fd,)

    def started(self):
        """The program runs."""
        self.theirs.close()
        assert self.answer() == "armed"

    def popen(self, argv, first=("count", "nobody"), **kw):
        argv, fds = self.before(argv, first)
        process = subprocess.Popen(argv, pass_fds=(*fds, *kw.pop("pass_fds", ())), **kw)
        self.started()
        return process

    @staticmethod
    def packet(action, target, which="files", at=0, error=0, name="-"):
        return f"arm {action} {target} {which} {at} {error} {name}".encode()

    def answer(self):
        if not select.select([self.mine], [], [], PATIENCE)[0]:
            raise TimeoutError("the tracer is silent")
        with suppress(ConnectionResetError):  # it ended with a word of ours unread: its last one comes next
            return self.mine.recv(1024).decode()
        return self.mine.recv(1024).decode()

    def arm(self, *what, **more):
        self.mine.send(self.packet(*what, **more))
        assert self.answer() == "armed"

    def say(self, word):
        with suppress(BrokenPipeError, ConnectionResetError):  # all have ended
            self.mine.send(word)

    def stop(self):
        if not self.ended:
            self.say(b"stop")
            answer = self.answer().split()
            if answer[0] != "end":
                return Counted(int(answer[0]), answer[1])
            self.ended = answer
        return Counted(int(self.ended[3]), self.ended[4])

    def end(self):
        """When all of the program's processes are gone."""
        word, code, sig, calls, hit, left = self.ended or self.answer().split()
        assert word == "end"
        return End(int(code), int(sig), int(calls), hit, left)

    def lines(self):
        return self.log.read_text().splitlines()

    def done(self):
        """Of an arm with log: [(when, what was done to files)]."""
        return [(int(when), what) for when, _, what in (line.partition("\t") for line in self.lines())]


class TracedBroker(wc.Broker):
    """A broker under the tracer.  readable: its memory, for a log of what it does.
    first: what the tracer does from the start on."""

    def __init__(self, where, readable=False, first=("count", "nobody")):
        super().__init__(where)
        self.tracer = Tracer()
        self.first = first
        if readable:
            self.env["CCRUN_WITHOUT"] = "hardened"

    def popen(self, *args, **kw):
        return self.tracer.popen([self.program, *args], self.first, env=self.env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, text=True, **{"stderr": subprocess.PIPE, **kw})

    def finish(self):
        """End it, unless it has ended; how it was."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.stderr = self.process.communicate(timeout=8)[1]
            except subprocess.TimeoutExpired:
                self.tracer.mine.send(b"end")
                self.stderr = self.process.communicate(timeout=8)[1] + "it did not end"
            self.process = None
        self.stop(check=False)
        return self.tracer.end()

    def __exit__(self, *exc):
        super().__exit__(*exc)
        self.tracer.close()
