"""Files that our programs lock, locked by something else: which program that is, in a line and soon,
instead of a wait without end or of words about a broker."""
import fcntl
import os
import signal
import time

import pytest

from ccrun import PASSPHRASE
from client import until

pytestmark = pytest.mark.usefixtures("ordinary_user")


class Holder:
    """A process that holds the lock of path."""

    def __init__(self, path):
        told, tells = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            fd = os.open(path, os.O_RDONLY)
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.write(tells, b"x")
            time.sleep(300)
            os._exit(0)
        os.close(tells)
        assert os.read(told, 1) == b"x"
        os.close(told)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def named(self, r, path):
        return f"(process {self.pid}), holds a lock on {path}" in r.err and f"kill {self.pid}" in r.err


def end_broker(c):
    os.kill(c.broker(), signal.SIGTERM)
    until(lambda: not c.broker(), what="its end")


@pytest.mark.parametrize("leaf", ["vault.lock", "record.jsonl"])
def test_what_a_broker_locks(ready, leaf):
    c = ready
    end_broker(c)
    path = {"vault.lock": c.data, "record.jsonl": c.state}[leaf] / "ccrun" / leaf
    with Holder(path) as h:
        for r in (c.ccctl("unlock"), c.ccrun("demo", "-p", "hi")):
            assert r.rc in (1, 125) and h.named(r, path) and "XDG_RUNTIME_DIR" not in r.err, r
    assert "nothing is unlocked" in c.ccctl("lock").err


def test_what_ccctl_locks(ready):
    c = ready
    project = c.home / "project"
    project.mkdir()
    c.write(project / ".ccrun", "provider = demo\n")
    c.own()
    assert c.ccctl("allow", cwd=project).rc == 0
    lock = c.data / "ccrun/projects.lock"
    with Holder(lock) as h:
        assert h.named(c.ccctl("deny", cwd=project, timeout=60), lock)
    assert c.ccctl("deny", cwd=project).rc == 0
    with Holder(c.config / "ccrun") as h:
        assert h.named(c.ccctl("default", "demo", timeout=60), c.config / "ccrun")
    assert c.ccctl("default", "demo").rc == 0


def test_a_lock_that_its_taker_left_to_another(ready):
    """The process that the kernel names has ended; a child of its has the descriptor."""
    c = ready
    end_broker(c)
    path = c.data / "ccrun/vault.lock"
    fd = os.open(path, os.O_RDONLY)
    pid = os.fork()
    if pid == 0:
        fcntl.flock(fd, fcntl.LOCK_EX)
        os._exit(0)
    os.waitpid(pid, 0)
    r = c.ccctl("unlock")
    assert r.rc == 1 and f"another program holds a lock on {path}" in r.err and "fuser -v" in r.err, r
    os.close(fd)
    assert c.with_passphrase("unlock", passphrase=PASSPHRASE).rc == 0
