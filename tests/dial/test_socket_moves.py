"""Where the broker's socket is, when that is not where it was: the directory that goes with
the last log-out, other users' and other worlds' variables."""
import os
import shutil
import socket

import pytest

from ccrun import Ccrun
from client import alive, children_named, until
from endpoint import Bash, Text


@pytest.fixture
def c(ep, token):
    with Ccrun(ep) as world:
        world.demo()
        world.ready(token)
        yield world


def launches(c, **env):
    """Does a launch work there, by the broker that was there before?"""
    before = c.broker_before
    r = c.ccrun("-n", "demo", env=env) if env.pop("dry", False) else c.ccrun("demo", "-p", "hi", env=env)
    assert r.rc == 0, r
    state = c.ccctl("status", env=env)
    assert state.rc == 0 and str(before) in state.out and "unlocked" in state.out, state
    return True


@pytest.fixture
def running(c):
    c.broker_before = c.broker()
    return c


def socket_of(c):
    return c.runtime / "ccrun/broker.sock"


def place_named(c):
    """Where the vault's lock says that the broker listens."""
    return (c.data / "ccrun/vault.lock").read_text().split("\n")[1]


# ---- the directory goes, as at the last log-out ----

def test_the_runtime_directory_goes_and_comes_back(running):
    c = running
    shutil.rmtree(c.runtime)
    c.runtime.mkdir(mode=0o700)
    assert launches(c)
    assert until(socket_of(c).exists)


def test_the_runtime_directory_goes_for_good(running):
    c = running
    shutil.rmtree(c.runtime)
    assert launches(c)
    # and when it comes back (claude makes it, where it may), the broker is found where it went
    c.runtime.mkdir(mode=0o700, exist_ok=True)
    assert launches(c)


def test_it_goes_twice(running):
    c = running
    for _ in range(2):
        shutil.rmtree(c.runtime)
        c.runtime.mkdir(mode=0o700)
        assert launches(c)


@pytest.mark.parametrize("left", [None, "a socket that nobody listens on", "its directory too"])
def test_the_socket_is_removed(running, left):
    c = running
    socket_of(c).unlink()
    if left == "its directory too":
        socket_of(c).parent.rmdir()
    elif left:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.bind(str(socket_of(c)))
        os.chown(socket_of(c), c.user.pw_uid, c.user.pw_gid)
        s.close()
    assert launches(c)


def test_a_live_session_goes_on(ep, token):
    """By relay: its socket was never in the directory for longer than a moment."""
    with Ccrun(ep, delivery=None) as c:
        c.demo()
        c.ready(token)
        c.broker_before = c.broker()
        ep.script[:] = [Bash(f"rm -r {c.runtime}/*; sleep 1"), Text("still here")]
        r = c.ccrun("demo", "-p", "go", "--allowedTools", "Bash", "--permission-mode", "bypassPermissions")
        assert r.rc == 0 and "still here" in r.out, r
        assert launches(c)


def test_the_socket_is_removed_at_the_end(running):
    c = running
    shutil.rmtree(c.runtime)
    c.runtime.mkdir(mode=0o700)
    assert launches(c)
    os.kill(c.broker_before, 15)
    assert until(lambda: not alive(c.broker_before))
    r = c.ccctl("status")
    assert "no broker is running" in r.out + r.err, r


def test_the_process_that_listens_again_is_killed(running):
    c = running
    listeners = children_named(c.broker_before, "ccrun-listener")
    for pid in [p for parent in listeners for p in children_named(parent, "ccrun-listener")]:
        os.kill(pid, 9)
    shutil.rmtree(c.runtime)
    assert launches(c)


# ---- other variables than the broker's ----

@pytest.mark.parametrize("runtime", [None, "/nonexistent", "relative", "/run", "elsewhere"])
def test_another_runtime_directory(running, runtime):
    """cron and sudo have none, su has another user's, an editor's package one of its own."""
    c = running
    if runtime == "elsewhere":
        runtime = c.write(c.home / "else/file", "").parent
        runtime.chmod(0o700)
    assert launches(c, XDG_RUNTIME_DIR=runtime)


def test_started_elsewhere_and_used_from_here(ep, token):
    with Ccrun(ep) as c:
        c.demo()
        elsewhere = c.write(c.home / "else/file", "").parent
        elsewhere.chmod(0o700)
        c.plain_env["XDG_RUNTIME_DIR"] = str(elsewhere)
        c.ready(token)
        c.broker_before = c.broker()
        del c.plain_env["XDG_RUNTIME_DIR"]
        assert place_named(c).startswith(str(elsewhere))
        assert launches(c)


def test_a_place_that_others_can_write_is_not_believed(running):
    """vault.lock names it; whoever could put a socket there is not asked."""
    c = running
    lock = c.data / "ccrun/vault.lock"
    place = c.tmp / "open"
    place.mkdir()
    place.chmod(0o777)
    pid = lock.read_text().split()[0]
    os.rename(socket_of(c), place / "broker.sock")
    lock.write_text(f"{pid}\n{place}/broker.sock\n")
    # It listens again where it belongs.
    assert launches(c)
    assert place_named(c) == str(socket_of(c))


def test_what_the_lock_names_is_checked_as_any(running):
    """A program that poses there as the broker gets no answer that is believed."""
    c = running
    lock = c.data / "ccrun/vault.lock"
    elsewhere = c.write(c.home / "else/file", "").parent
    elsewhere.chmod(0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(str(elsewhere / "broker.sock"))
        os.chown(elsewhere / "broker.sock", c.user.pw_uid, c.user.pw_gid)
        s.listen()
        s.settimeout(10)
        lock.write_text(f"{c.broker_before}\n{elsewhere}/broker.sock\n")
        p = c.popen([c.bin / "ccctl", "status"], env={"XDG_RUNTIME_DIR": "/nonexistent"}, stderr=-1, stdout=-1)
        connection, _ = s.accept()
        assert connection.recv(65536)
        connection.send(b"\x81\xa2ok\xc3")
        out, err = p.communicate(timeout=30)
        connection.close()
    assert p.returncode != 0 and b"unlocked" not in out, (out, err)
