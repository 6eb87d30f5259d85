"""The programs' files are replaced, as a package does it, while a broker and a session run on."""
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from built import BUILD
from ccrun import Ccrun
from client import adopt_orphans, alive, children_named, until

pytestmark = pytest.mark.usefixtures("ordinary_user")

ASKS = Path(__file__).resolve().parent / "asks.py"
PARTS = ["bin", "lib", "libexec", "share"]


@pytest.fixture
def c(ep, tmp_path):
    adopt_orphans()
    prefix = tmp_path / "prefix"
    for part in PARTS:
        shutil.copytree(BUILD / part, prefix / part, symlinks=True)
    with Ccrun(ep, prefix=prefix, delivery="relay") as world:
        world.prefix = prefix
        world.demo()
        yield world


def upgrade(prefix, but=()):
    """Each program and library is another file by now; but: these do not run at all."""
    for path in [p for part in PARTS for p in (prefix / part).rglob("*") if p.is_file() and not p.is_symlink()]:
        data = path.read_bytes()
        if path.name in but:
            data = b"#!/bin/false\n"
        elif data.startswith(b"\x7fELF"):
            data += b"another version"
        new = path.with_name(path.name + ".dpkg-new")
        new.write_bytes(data)
        new.chmod(path.stat().st_mode & 0o777)
        new.rename(path)


class Session:
    def __init__(self, c):
        self.process = c.popen([c.bin / "ccrun", "--exec", ASKS, "demo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, bufsize=1)
        assert self.process.stdout.readline() == "up\n"

    def ask(self):
        self.process.stdin.write("\n")
        return self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(20)


def relay():
    there = [p for p in children_named(os.getpid(), "ccrun-relay") if alive(p)]
    assert len(there) == 1, there
    return there[0]


def crash(pid):
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), what="its end")


def test_a_session_outlives_two_upgrades(c, ep, token):
    c.ready(token)
    pid, s = c.broker(), Session(c)
    assert s.ask().startswith("200 ")

    upgrade(c.prefix)
    assert s.ask().startswith("200 ")
    # What the broker starts is of its own version, which is no file any more.
    crash(relay())
    assert s.ask().startswith("200 ")
    other = Session(c)
    assert other.ask().startswith("200 ") and other.end() == 0

    upgrade(c.prefix, but=["ccrun-relay"])
    crash(relay())
    assert s.ask().startswith("200 ")
    r = c.ccctl("status")
    assert r.rc == 0 and f"process {pid}, user" in r.out, r
    assert c.ccctl("lock").rc == 0 and s.ask().startswith("503 ")
    assert c.unlock().rc == 0 and s.ask().startswith("200 ")
    assert {r.headers["authorization"] for r in ep.requests} == {f"Bearer {token}"} and c.broker() == pid
    assert s.end() == 0


def test_what_an_upgrade_ends_says_so_and_loses_nothing(c, token):
    """The broker of before is ended: its sessions say what to do, the vault opens with the new one."""
    c.ready(token)
    pid, s = c.broker(), Session(c)
    assert s.ask().startswith("200 ")
    upgrade(c.prefix)
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid), what="the broker's end")
    said = s.ask()
    assert said.startswith("400 ") and "the broker has ended" in said and "--resume" in said, said
    assert s.end() == 0
    assert c.unlock().rc == 0 and c.broker() != pid
    s = Session(c)
    assert s.ask().startswith("200 ") and s.end() == 0
    assert c.with_passphrase("get", "demo").out == token and c.ccctl("log", "--verify").rc == 0
