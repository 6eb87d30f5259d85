"""make install, what it leaves, and make uninstall."""
import os
import stat
import subprocess

import pytest

from ccrun import BUILD
from client import REPO


@pytest.fixture
def installed(tmp_path):
    argv = ["make", "-s", "-C", REPO, f"BUILD={BUILD}", f"DESTDIR={tmp_path}", "PREFIX=/opt/ccrun"]
    subprocess.run(argv + ["install"], check=True, stdout=subprocess.DEVNULL)
    yield tmp_path / "opt/ccrun"
    subprocess.run(argv + ["uninstall"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    left = [str(p) for p in tmp_path.rglob("*") if not p.is_dir()]
    assert not left, left


def test_installed_tree_works(c, ep, token, installed):
    for program in ("bin/ccrun", "bin/ccctl", "libexec/ccrun/ccbroker"):
        assert stat.S_IMODE(os.stat(installed / program).st_mode) == 0o111
    for page in ("man1/ccrun.1", "man1/ccctl.1", "man5/ccrun-provider.5", "man8/ccbroker.8"):
        assert (installed / "share/man" / page).exists()
    c.demo()
    c.with_passphrase("init")
    r = c.run([installed / "bin/ccctl", "add", "demo"], input=token)
    assert r.rc == 0, r
    r = c.run([installed / "bin/ccrun", "demo", "-p", "hello"])
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert ep.main[0].headers["authorization"] == "Bearer " + token
    assert "openrouter" in c.run([installed / "bin/ccrun", "--list"]).out


def test_installed_into_the_home_directory_the_vault_stays_private(c, ep, token):
    """PREFIX=~/.local puts the presets into the directory that the vault lives in."""
    argv = ["make", "-s", "-C", REPO, f"BUILD={BUILD}", f"PREFIX={c.home}/.local"]
    env = dict(os.environ, HOME=str(c.home), XDG_DATA_HOME=str(c.data))
    for _ in range(2):  # once more over it, with a vault in place
        subprocess.run(argv + ["install"], check=True, stdout=subprocess.DEVNULL, env=env)
        assert stat.S_IMODE(os.stat(c.data / "ccrun").st_mode) == 0o700
        if not c.record():
            c.demo()
            assert c.with_passphrase("init").rc == 0
            c.add("demo", token)
    r = c.run([c.home / ".local/bin/ccrun", "demo", "-p", "hello"])
    assert r.rc == 0 and "hello from loopback" in r.out, r
    subprocess.run(argv + ["uninstall"], check=True, stdout=subprocess.DEVNULL, env=env)
    assert (c.data / "ccrun/vault").exists(), "the vault stays"
    assert not (c.home / ".local/bin/ccrun").exists()
