"""The Debian packages' life on clean machines that systemd has booted: installed, used by two
people, upgraded under their sessions, removed."""
import os
import shutil
import subprocess
import threading

import pytest

from client import claude, until
from debian_machine import DebianMachine
from debs import RELEASES, built_for, field, package
from endpoint import Bash, Text

pytestmark = pytest.mark.package
PROVIDER = """[provider]
title = Demo
base_url = {url}
auth = bearer
secret = demo
docs = a loopback endpoint
"""
PASSPHRASE = "correct horse battery staple"


def older(debs, to):
    """The same packages with a version of before, as somebody has them who upgrades."""
    out = []
    for deb in (package(debs, "ccrun"), package(debs, "ccrun-system")):
        tree = to / f"tree-{deb.stem}"
        subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
        control = tree / "DEBIAN/control"
        control.write_text(control.read_text().replace(field(deb, "Version"), "0.0.9"))
        # Another file, so that the upgrade replaces a program that runs.
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, to], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
        out.append(f"/debs/{deb.name.replace(field(deb, 'Version'), '0.0.9')}")
    return out


@pytest.fixture(params=RELEASES)
def machine(request, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root: debootstrap, systemd")
    debs = built_for(request.param)
    shelf = tmp_path / "debs"
    shelf.mkdir()
    for deb in debs:
        shutil.copy(deb, shelf)
    try:
        with DebianMachine(request.param, tmp_path, shelf, claude()) as m:
            m.older = older(debs, shelf)
            m.newer = [f"/debs/{package(debs, n).name}" for n in ("ccrun", "ccrun-system")]
            yield m
    except PermissionError as e:
        pytest.skip(str(e))


def install(m, *debs):
    m.root("apt-get", "update", "-q")
    return m.root("apt-get", "install", "-q", "-y", "--no-install-recommends", *debs, timeout=600)


def person(m, name, ep, token, *init):
    """Somebody with a vault, a provider and a key in it."""
    m.root("useradd", "--create-home", "--shell", "/bin/bash", name)
    config = m.path(f"home/{name}/.config/ccrun/providers")
    config.mkdir(parents=True)
    (config / "demo.conf").write_text(PROVIDER.format(url=ep.url))
    m.root("chown", "-R", f"{name}:", f"/home/{name}/.config")
    m.root("chmod", "-R", "go-rwx", f"/home/{name}/.config")
    passphrase = m.path(f"home/{name}/passphrase")
    passphrase.write_text(PASSPHRASE + "\n")
    m.root("chown", f"{name}:", f"/home/{name}/passphrase")
    m.user(name, "ccctl init %s --passphrase-fd 3 3<passphrase" % " ".join(init))
    m.user(name, "ccctl add demo", input=token + "\n")


def launch(m, name):
    return m.user(name, "cd && DISABLE_AUTOUPDATER=1 ccrun demo -p 'say hello'")


def brokers(m):
    return m.root("sh", "-c", "readlink /proc/[0-9]*/exe | grep -c libexec/ccrun/ccbroker || :").out.strip()


def test_installed_used_upgraded_and_removed(machine, ep, token):
    m, tokens = machine, {"anna": token, "bert": token[::-1]}
    install(m, *m.older)
    assert m.root("systemctl", "is-active", "ccbroker.service", "ccrun-logind.service", check=False).out.split()[0] == "active"
    assert m.root("systemctl", "is-enabled", "ccbroker.service").out == "enabled\n"
    assert m.root("stat", "-c", "%U %a", "/var/lib/ccrun").out == "ccrun 700\n"
    # One with the system broker, which is where a vault goes by itself, and one with her own.
    person(m, "anna", ep, tokens["anna"])
    person(m, "bert", ep, tokens["bert"], "--user")
    assert m.root("find", "/var/lib/ccrun", "-name", "vault", "-type", "f").out.count("\n") == 1
    for name in tokens:
        assert "hello from loopback" in launch(m, name).out
        assert ep.main[-1].headers["authorization"] == "Bearer " + tokens[name]
    m.user("anna", "man -w ccctl >/dev/null 2>&1 || zcat /usr/share/man/man1/ccctl.1.gz >/dev/null")

    # Upgraded while both work: a session goes on, a vault stays open.
    go = threading.Event()
    ep.script = [Bash("true", hold=go), Text("after the upgrade"), Bash("true", hold=go), Text("after the upgrade")]
    seen = len(ep.main)
    sessions = [m.popen(m.login(name, "cd && DISABLE_AUTOUPDATER=1 ccrun demo -p go --allowedTools Bash"),
                        stdin=subprocess.DEVNULL) for name in tokens]
    until(lambda: len(ep.main) >= seen + 2, 60, "both sessions")
    said = install(m, *m.newer).out
    assert "the broker runs on with the old program" in said and "systemctl restart ccbroker" in said, said
    of_users = [line for line in said.splitlines() if line.startswith("ccrun: the broker of ")]
    assert len(of_users) == 1 and of_users[0].startswith("ccrun: the broker of bert runs on with the old program"), said
    old = of_users[0].split("kill ")[1]
    go.set()
    for p in sessions:
        out, err = p.communicate(timeout=120)
        assert p.returncode == 0 and "after the upgrade" in out, (out, err)
    ep.script = []
    for name in tokens:
        assert m.user(name, "ccctl status -q", check=False).rc == 0, name
        assert "hello from loopback" in launch(m, name).out

    # The owner's moment: every vault is locked, and opens with the new program.
    m.root("systemctl", "restart", "ccbroker")
    assert m.user("anna", "ccctl status -q", check=False).rc != 0
    m.user("anna", "ccctl unlock --passphrase-fd 3 3<passphrase")
    assert "hello from loopback" in launch(m, "anna").out
    assert m.user("bert", "ccctl status -q", check=False).rc == 0
    # And bert's, by the number that he was told.
    m.user("bert", f"kill {old}")
    until(lambda: m.user("bert", "ccctl status -q", check=False).rc != 0, 20, "the end of bert's broker")
    m.user("bert", "ccctl unlock --passphrase-fd 3 3<passphrase")
    assert "hello from loopback" in launch(m, "bert").out

    # And a broker that systemd starts for one who logs in, with what it gives such a service.
    said = m.user("bert", "ccctl login enable && ccctl unlock --passphrase-fd 3 3<passphrase && ccctl status -q && "
                  "systemctl --user is-active ccbroker.socket ccbroker.service").out
    assert said.split() == ["active"] * 2, said
    assert "hello from loopback" in launch(m, "bert").out
    m.user("bert", "ccctl login disable")

    # Removed: no broker lives on with keys, every vault is kept, and that is said.
    said = m.root("apt-get", "remove", "-q", "-y", "ccrun", "ccrun-system").out
    assert "kept: /var/lib/ccrun with every user's vault" in said and "each user's vault is kept" in said \
        and "ccctl login disable" in said, said
    until(lambda: brokers(m) == "0", 20, "the end of the brokers")
    said = m.root("apt-get", "purge", "-q", "-y", "ccrun", "ccrun-system").out
    assert "kept: /var/lib/ccrun" in said, said
    assert m.root("find", "/var/lib/ccrun", "-name", "vault", "-type", "f").out.count("\n") == 1
    assert m.root("sh", "-c", "ls -d /home/bert/.local/share/ccrun/vault").rc == 0
    left = m.root("sh", "-c", "find /usr /lib /etc -path /usr/local -prune -o '(' -name 'ccrun*' -o -name ccctl* -o -name "
                  "ccbroker* -o -name 'libccrun*' ')' ! -path /etc/dpkg/dpkg.cfg.d/ccrun -print").out
    assert left == "", left

    # And back: the vaults are as they were.
    install(m, *m.newer)
    for name in tokens:
        m.user(name, "ccctl unlock --passphrase-fd 3 3<passphrase")
        assert "hello from loopback" in launch(m, name).out
        assert ep.main[-1].headers["authorization"] == "Bearer " + tokens[name]
