"""An interactive shell on a terminal of its own, where ccctl asks for secrets, and who else has
that terminal open."""
import errno
import os
import shlex
import signal
import subprocess
import sys

import pexpect

from client import until

PROMPT = "Passphrase for your vault: "
# Opens what it is told to and stays; with "mark" it lowers its RLIMIT_LOCKS as a session's process has it.
READER = """
import ctypes, fcntl, os, pty, resource, sys, termios, threading, time
path, flags, mark, leave = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "mark", sys.argv[4] == "leave"
if mark:
    resource.setrlimit(10, (1, 1))
fd = os.open(path, flags | os.O_NOCTTY)
if sys.argv[4] == "other":
    if os.fork():
        os._exit(0)
    os.setsid()
    fcntl.ioctl(pty.openpty()[1], termios.TIOCSCTTY, 0)
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    os.dup2(0, 1)
    os.dup2(0, 2)
if leave:
    if os.fork():
        os._exit(0)
    os.setsid()
libc = ctypes.CDLL(None)
if sys.argv[4] == "thread":
    os.close(fd)
    ready = threading.Event()

    def alone():
        libc.unshare(0x400)  # CLONE_FILES
        os.open(path, flags | os.O_NOCTTY)
        ready.set()
        time.sleep(600)
    threading.Thread(target=alone, daemon=True).start()
    ready.wait()
if sys.argv[4] == "undumpable":
    libc.prctl(4, 0, 0, 0, 0)
    open(sys.argv[5], "w").write(str(os.getpid()))
    while os.read(fd, 1):
        pass
open(sys.argv[5], "w").write(str(os.getpid()))
time.sleep(600)
"""


class Shell:
    """bash on a terminal of its own."""

    def __init__(self, c):
        self.c = c
        argv = c.argv(["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"])
        self.t = pexpect.spawn(argv[0], argv[1:], env=c.env({"PS1": "PS>", "TERM": "dumb"}), cwd=str(c.cwd), timeout=15,
                               encoding="utf-8")
        self.t.delaybeforesend = None
        self.name = os.readlink(f"/proc/{self.t.pid}/fd/0")
        self.readers = []
        self.t.expect("PS>")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.t.close(force=True)
        for pid in self.readers:
            os.kill(pid, signal.SIGKILL)

    def line(self, text):
        self.t.sendline(text)

    def asked(self):
        """The prompt for the passphrase is there, and the terminal seized."""
        self.t.expect_exact(PROMPT)
        assert self.t.waitnoecho(10)

    def opens(self):
        """Can a process open the terminal now?"""
        try:
            os.close(os.open(self.name, os.O_RDWR | os.O_NOCTTY))
        except OSError as e:
            assert e.errno == errno.EBUSY
            return False
        return True

    def reader(self, path=None, flags=os.O_RDWR, mark=False, here=False, leave=""):
        """Start a process that has the terminal open; here: as a job of this shell.  Its pid.
        leave: "leave" gives the terminal up as its controlling one, "other" takes another for it;
        "thread" keeps it where a thread alone has it, "undumpable" reads it where nobody may look."""
        told = self.c.root / f"reader{len(self.readers)}"
        words = [sys.executable, "-c", READER, path or self.name, str(flags), "mark" if mark else "", leave, str(told)]
        if here:
            program = self.c.write(f"reader{len(self.readers)}.py", READER)
            self.line(shlex.join([sys.executable, str(program), *words[3:]]) + " &")
            self.t.expect("PS>")
        else:
            subprocess.Popen(words, start_new_session=True)  # pylint: disable=consider-using-with
        until(lambda: told.exists() and told.read_text(), what="the reader")
        self.readers.append(int(told.read_text()))
        return self.readers[-1]


def left_to_the_shell(shell):
    """What the shell finds typed when it has the terminal again: it would show it, run it, keep it in its history."""
    shell.line("; echo the ne''xt")
    shell.t.expect_exact(["the next\r\nPS>", "syntax error"])
    return shell.t.before
