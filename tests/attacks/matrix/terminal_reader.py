"""Reads what is typed on a terminal: terminal_reader.py HOW SAYS INTO

SAYS will have the terminal's name, and SAYS.ready is made when this is ready for the question.
HOW: tried   opened again and again, from the question on
     before  opened before the question
     write   opened before it for writing alone; then TIOCEXCL is taken back
     closed  opened before it, by a process that nobody may look into
     passed  opened before it; the descriptor is in a message under way while others look
     thread  opened before it, by a thread with descriptors of its own"""
import ctypes
import fcntl
import os
import socket
import sys
import termios
import threading
import time
from pathlib import Path

how = sys.argv[1]
says, into = map(Path, sys.argv[2:])
libc = ctypes.CDLL(None, use_errno=True)
MODES = {"write": os.O_WRONLY}
SECONDS = 30


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)


def opened(mode=os.O_RDONLY):
    return os.open(says.read_text(), mode | os.O_NOCTTY | os.O_NONBLOCK)


def is_asked():
    """Does somebody have it alone?"""
    try:
        os.close(opened())
    except OSError:
        return True
    return False


def again():
    """Another descriptor for it; -1: not now."""
    try:
        return opened()
    except OSError as e:
        with into.open("a") as f:
            f.write(f"{e.strerror}\n")
        time.sleep(0.1)
    return -1


def listen(fd):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if fd < 0:
            fd = again()
            continue
        try:
            with into.open("ab") as f:
                f.write(os.read(fd, 64))
        except BlockingIOError:
            pass
        except OSError:
            fd = -1
        time.sleep(0.002)


def main():
    until(lambda: says.exists() and says.read_text())
    fd = -1 if how == "tried" else opened(MODES.get(how, os.O_RDONLY))
    if how == "closed":
        libc.prctl(4, 0, 0, 0, 0)
    if how == "passed":
        one, other = socket.socketpair()
        socket.send_fds(one, [b"x"], [fd])
        os.close(fd)
    says.with_suffix(".ready").touch()
    if how == "tried":
        until(is_asked)
    if how == "write":
        until(is_asked)
        for _ in range(5000):
            fcntl.ioctl(fd, termios.TIOCNXCL)
            try:
                fd = opened()
                break
            except OSError:
                time.sleep(0.001)
    if how == "passed":
        until(is_asked)
        time.sleep(0.3)
        fd = socket.recv_fds(other, 1, 1)[1][0]
    listen(fd)


def alone():
    """Its descriptors are not in /proc/PID/fd."""
    libc.unshare(0x400)
    main()


if how == "thread":
    thread = threading.Thread(target=alone)
    thread.start()
    thread.join()
else:
    main()
