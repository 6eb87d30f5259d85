"""ccctl import runs a program of its own, which reads other people's files: it never
reads a passphrase, and what a person sees is as if it were ccctl."""
import os
import shutil
import signal
from pathlib import Path

import pexpect
import pytest

from ccrun import BUILD, CCCTL, PASSPHRASE
from client import alive, children_named, descendants, until
from leaks import Home

IMPORT = BUILD / "libexec/ccrun/ccrun-import"
REFUSED = 5


@pytest.fixture
def h():
    with Home() as home:
        home.init()
        home.write(".bashrc", f"export OPENROUTER_API_KEY={home.key('t')}\n")
        yield home


def lock(h):
    assert h.ccctl("lock").rc == 0


def restart_broker(h):
    """The next broker finds a vault that nobody has locked."""
    pid = h.broker()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), what="the broker's end")


def terminal(h, *words):
    argv = h.argv([CCCTL, "import", *words])
    t = pexpect.spawn(argv[0], argv[1:], env=h.env(), cwd=str(h.cwd), timeout=20)
    t.delaybeforesend = None
    return t


def copied_installation(h):
    prefix = h.home / "installation"
    shutil.copytree(BUILD, prefix, ignore=shutil.ignore_patterns("obj", "tests", "claude*", "bw*", "home", "test-logs"))
    h.own()
    return prefix


@pytest.fixture
def other_ccctl(h):
    """Another installation, whose ccctl is a script: what it is called with comes into a
    file.  Returns the installation and that file."""
    prefix, log = copied_installation(h), h.home / "called"
    (prefix / "bin/ccctl").unlink()
    script = prefix / "bin/ccctl"
    script.write_text(f'#!/bin/sh\necho "$*" >>"{log}"\necho "ccctl: said once" >&2\necho to-stdout\nexit 3\n')
    script.chmod(0o755)
    h.own()
    return prefix, log


def test_a_passphrase_is_left_to_ccctl(h, other_ccctl):
    """Where ccctl does not read the descriptor, nobody has."""
    prefix, log = other_ccctl
    lock(h)
    read, write = os.pipe()
    os.write(write, PASSPHRASE.encode() + b"\n")
    os.close(write)
    r = h.run([prefix / "libexec/ccrun/ccrun-import", "--yes", "--json", "--passphrase-fd", str(read)], pass_fds=[read])
    assert os.read(read, 1000) == PASSPHRASE.encode() + b"\n"
    os.close(read)
    assert log.read_text() == f"unlock --passphrase-fd {read}\n"
    assert (r.rc, r.out, r.err) == (3, "", "ccctl: said once\nto-stdout\n")


def test_on_a_terminal_ccctl_asks(h, other_ccctl):
    prefix, log = other_ccctl
    lock(h)
    argv = h.argv([prefix / "libexec/ccrun/ccrun-import"])
    t = pexpect.spawn(argv[0], argv[1:], env=h.env(), cwd=str(h.cwd), timeout=20)
    t.expect(pexpect.EOF)
    t.close()
    assert (t.exitstatus, log.read_text()) == (3, "unlock\n")


def test_a_wrong_passphrase_is_said_once(h):
    lock(h)
    alone = h.unlock(passphrase="not this one at all")
    r = h.with_passphrase("import", "--yes", passphrase="not this one at all")
    assert alone.rc != 0 and (r.rc, r.err, r.out) == (alone.rc, alone.err, "")
    r = h.with_passphrase("import", "--yes")
    assert r.rc == 0 and "the vault is open" in r.err and h.get("openrouter") == h.made["t"], r


def test_an_open_vault_needs_no_passphrase(h):
    r = h.with_passphrase("import", "--yes", passphrase="not this one at all")
    assert r.rc == 0 and "unlocked" not in r.err and h.get("openrouter") == h.made["t"], r


def test_looking_opens_nothing(h):
    lock(h)
    r = h.with_passphrase("import")
    assert r.rc == 0 and "****" in r.out and h.status()["state"] == "locked", r


def test_with_nobody_to_ask(h):
    locked = "ccctl: the vault is locked\nhint: ccctl unlock, then the same command again\n"
    lock(h)
    r = h.ccctl("import", "--yes")
    assert (r.rc, r.err) == (3, locked)
    restart_broker(h)
    r = h.ccctl("import", "--yes")
    assert (r.rc, r.err) == (3, locked)


def test_with_no_vault():
    none = "ccctl: there is no vault yet\nhint: ccctl init, then the same command again\n"
    with Home() as h:
        h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('t')}\n")
        r = h.ccctl("import", "--yes")
        assert (r.rc, r.err) == (4, none), r
        r = h.with_passphrase("import", "--yes")
        assert (r.rc, r.err) == (4, none), r
        t = terminal(h)
        for question in ("New passphrase", "Once more: "):
            t.expect_exact(question)
            assert t.waitnoecho(10)
            t.sendline(PASSPHRASE)
        t.expect_exact("store 1 key in the vault?")
        t.sendline("y")
        t.expect(pexpect.EOF)
        t.close()
        assert t.exitstatus == 0 and h.get("openrouter") == h.made["t"]


def test_on_a_terminal_it_asks_and_goes_on(h):
    lock(h)
    t = terminal(h)
    t.expect_exact("Passphrase for your vault: ")
    t.sendline("not this one at all")
    t.expect_exact("Passphrase for your vault: ")
    t.sendline(PASSPHRASE)
    t.expect_exact("store 1 key in the vault?")
    for pid in children_named(t.pid, "ccrun-import"):
        assert os.geteuid() == 0 or not os.access(f"/proc/{pid}/mem", os.R_OK), "its memory can be opened"
    assert not children_named(t.pid, "ccctl")
    t.sendline("y")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0 and h.get("openrouter") == h.made["t"]


def shown(pid):
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return [lines[name].strip() for name in ("Seccomp", "NoNewPrivs")]


def test_who_reads_the_files_is_caged_and_ccctl_is_not(h):
    lock(h)
    t = terminal(h)
    t.expect_exact("Passphrase for your vault: ")
    free, programs = shown("self"), descendants(t.pid)
    caged = [pid for pid in programs if shown(pid) == ["2", "1"]]
    assert len(caged) == 1 and caged[0] in children_named(t.pid, "ccrun-import")
    asking = children_named(t.pid, "ccctl")
    assert asking and all(shown(pid) == free for pid in asking)
    t.sendline(PASSPHRASE)
    t.expect_exact("store 1 key in the vault?")
    t.sendline("y")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0 and h.get("openrouter") == h.made["t"]


# A terminal sends SIGINT to the group, kill(1) the others to one process.
@pytest.mark.parametrize("sig,to", [(signal.SIGINT, "group"), (signal.SIGTERM, "group"), (signal.SIGTERM, "parent"),
                                    (signal.SIGHUP, "parent")])
def test_a_signal_at_the_question_ends_all(h, sig, to):
    lock(h)
    t = terminal(h)
    t.expect_exact("Passphrase for your vault: ")
    assert t.waitnoecho(10)
    pids = descendants(t.pid)
    (os.killpg if to == "group" else os.kill)(t.pid, sig)
    until(t.getecho, what="the echo")
    t.expect(pexpect.EOF)
    t.close()
    assert t.signalstatus == sig
    until(lambda: not any(alive(pid) for pid in pids), what="the end of all")


@pytest.mark.parametrize("program", [[CCCTL, "import"], [IMPORT]], ids=["ccctl", "ccrun-import"])
def test_inside_a_session_it_is_refused(h, program):
    r = h.run(["prlimit", "--locks=1000:1000", "--", *program, "--yes"])
    assert r.rc == REFUSED and "as inside a session" in r.err and r.out == "", r
    assert h.get("openrouter") is None


def test_without_the_program(h):
    prefix = copied_installation(h)
    (prefix / "libexec/ccrun/ccrun-import").unlink()
    r = h.run([prefix / "bin/ccctl", "import"])
    assert r.rc == 1 and "ccctl: run " in r.err and "is the installation whole?" in r.err, r


def test_findings_that_cannot_be_written(h):
    """They go out before the end, where nothing is left to be written."""
    h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('or')}\n")
    r = h.run(["sh", "-c", 'exec "$0" import > /dev/full', CCCTL])
    assert r.rc == 1 and "standard output" in r.err, r
