"""The short form of the virtual machines' scenarios, a part of `make test`: the Debian 13 that
tools/debian has built on, booted by its own systemd in namespaces of its own (debian_machine.py).
`make install`, the system broker's services, people who log in by PAM, the units of a person."""
import fcntl
import os
import re
import subprocess

import pytest

from client import claude, until
from debian_machine import CACHE, DebianMachine

pytestmark = pytest.mark.booted
BASE = CACHE / "build-trixie"
PASSPHRASE = "correct horse battery staple"
PROVIDER = """[provider]
title = {name}
base_url = {url}
auth = bearer
docs = a loopback endpoint
[models]
opus = model-one
{more}"""
PROVIDERS = {"demo": "[policy]\ndelivery = preload\n", "via": ""}


class LogIn:
    """Somebody's shell, in a session of logind's."""

    def __init__(self, m, name):
        self.m, self.name = m, name
        self.shell = m.popen(["su", "--login", name, "--command", "exec 2>&1; exec bash"], stdin=subprocess.PIPE)
        self.ok("cd")
        self.session = self.ok("echo $XDG_SESSION_ID").strip()

    def run(self, command):
        """(exit code, what it printed)"""
        self.shell.stdin.write(f"{{ {command}; }} </dev/null; printf '\\n<<%s>>\\n' $?\n")
        self.shell.stdin.flush()
        said = []
        for line in self.shell.stdout:
            end = re.fullmatch(r"<<(\d+)>>\n", line)
            if end:
                return int(end[1]), "".join(said)[:-1]
            said.append(line)
        raise AssertionError(("the log-in ended", command, said))

    def ok(self, command):
        rc, out = self.run(command)
        assert rc == 0, (command, rc, out)
        return out

    def is_open(self):
        return self.run("ccctl status -q")[0] == 0

    def unlock(self):
        self.ok("ccctl unlock --passphrase-fd 3 3<passphrase")

    def works(self, token):
        """A launch that is given the key itself, and a request by relay."""
        assert "=" + token in self.ok("ccrun --exec /usr/bin/env demo")
        assert "works" in self.ok("ccctl test via")

    def out(self):
        self.shell.stdin.close()
        assert self.shell.wait(30) == 0


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """With ccrun, of `make install`."""
    if os.geteuid() != 0 or not (BASE / "src/build/bin/ccctl").exists():
        pytest.skip(f"needs root, and a build in {BASE}: tools/debian trixie")
    work = tmp_path_factory.mktemp("machine")
    (work / "debs").mkdir()
    with open(CACHE / "build-trixie.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # nobody builds there meanwhile
        try:
            with DebianMachine("trixie", work, work / "debs", claude(), BASE) as m:
                m.root("make", "-s", "-C", "/src", "CC=gcc", "install")
                # A log-in without a terminal is one in the background, which has no screen to lock.
                m.path("etc/environment").write_text("XDG_SESSION_CLASS=user\n")
                yield m
        except PermissionError as e:
            pytest.skip(str(e))


def person(m, ep, name, token, broker):
    """A new account's first log-in, with a vault that has two keys."""
    m.root("useradd", "--create-home", "--shell", "/bin/bash", name)
    config = m.path(f"home/{name}/.config/ccrun/providers")
    config.mkdir(parents=True)
    for provider, more in PROVIDERS.items():
        (config / f"{provider}.conf").write_text(PROVIDER.format(name=provider, url=ep.url, more=more))
    m.path(f"home/{name}/passphrase").write_text(PASSPHRASE + "\n")
    m.root("chmod", "-R", "go-rwx", f"/home/{name}/.config", f"/home/{name}/passphrase")
    m.root("chown", "-R", f"{name}:", f"/home/{name}")
    t = LogIn(m, name)
    t.ok(f"ccctl init {broker} --passphrase-fd 3 3<passphrase")
    t.ok(f"printf {token} | ccctl add demo --allow delivery=preload; printf {token} | ccctl add via")
    return t


def lock_by_screen(m, t):
    until(lambda: "yes" == re.search(r"^watched +(\S+?),?( |$)", t.ok("ccctl status"), re.M)[1], 20, "a watcher")
    m.root("loginctl", "lock-session", t.session)
    until(lambda: not t.is_open(), 20, "the lock with the screen's")
    assert "the screen was locked" in t.ok("ccctl status")
    rc, out = t.run("ccrun --exec /usr/bin/env demo")
    assert rc != 0, out


def test_the_services_of_the_system_broker_run(machine):
    services = ("ccbroker", "ccrun-logind", "ccrun-relay.socket")
    assert machine.root("systemctl", "is-active", *services, check=False).out.split() == ["active"] * 3


def test_a_vault_of_the_system_broker_s(machine, ep, token):
    t = person(machine, ep, "ann", token, "--system")
    t.works(token)
    lock_by_screen(machine, t)
    machine.root("systemctl", "restart", "ccbroker")
    t.unlock()
    t.works(token)
    t.out()


def test_one_s_own_broker_gives_way_to_systemd_s(machine, ep, token):
    t = person(machine, ep, "ben", token, "--user")
    t.works(token)
    t.ok("ccctl login enable")
    t.unlock()
    t.works(token)
    assert t.ok("systemctl --user is-active ccbroker.socket ccbroker.service ccrun-logind.service").split() == ["active"] * 3
    lock_by_screen(machine, t)
    t.out()
    # By what every machine has: a small one has no pgrep.
    owners = 'for p in /proc/[0-9]*; do stat -c %U "$p"; done 2>/dev/null'
    assert "root" in machine.root("sh", "-c", owners, check=False).out.split()
    until(lambda: "ben" not in machine.root("sh", "-c", owners, check=False).out.split(), 60, "the end of what ben ran")
