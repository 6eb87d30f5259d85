"""What a program of the person's puts in the place of `spending`, in the moment between its writing
and its opening, does not make the broker wait."""
import ctypes
import os
import signal
import struct

import pytest

from client import until
from relay_broker import Provider
from relayed import Session, sealed
from wire_client import Broker, in_child

pytestmark = pytest.mark.usefixtures("ordinary_user")

IN_MOVED_TO = 0x80
ROUNDS = 20


def swapper(where):
    """A process that puts a FIFO in the place of each new `spending`; its PID."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid:
        os.close(told)
        os.read(ready, 1)
        os.close(ready)
        return pid
    try:
        os.chdir(where)
        libc = ctypes.CDLL(None, use_errno=True)
        fd = libc.inotify_init1(0)
        libc.inotify_add_watch(fd, b".", IN_MOVED_TO)
        os.mkfifo(".fifo")
        os.write(told, b"x")
        while True:
            data, at = os.read(fd, 4096), 0
            while at < len(data):
                n = struct.unpack_from("iIII", data, at)[3]
                name, at = data[at + 16:at + 16 + n].rstrip(b"\0"), at + 16 + n
                if name == b"spending" and os.path.isfile(name):  # not its own, which comes here too
                    os.rename(".fifo", "spending")
                    os.mkfifo(".fifo")
    finally:
        os._exit(1)


def use(b, provider):
    with Session(b, provider) as s:
        return s.post().status


def test_a_fifo_in_its_place_is_not_waited_for():
    with Broker() as b, Provider() as provider:
        b.init()
        sealed(b, provider)
        assert in_child(lambda: use(b, provider), timeout=30) == 200
        spending = b.data / "spending"
        until(spending.exists, what="what was used")
        clock = b.root / "state/ccrun/clock"
        pid, met = swapper(b.data), 0
        try:
            for n in range(1, ROUNDS):
                there = spending.stat().st_ino
                [name] = [e["name"] for e in b.call("list", after="")["entries"]]
                b.call("rename", name=name, to=f"other-{n}")  # which is noted there, too
                if spending.stat().st_ino != there:
                    # A broker that met a FIFO has no file, and writes one with the next note.
                    met += 1
                    if met == 3:
                        break
                else:
                    # Not the broker's: when it is to be synced, it is written anew.
                    spending.unlink()
                    os.close(os.open(spending, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                    clock.write_text(str(n * 6000))
                until(spending.is_fifo, what="the FIFO")
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        assert met, "the broker never met one"
        assert b.call("hello")["state"] == "unlocked"
