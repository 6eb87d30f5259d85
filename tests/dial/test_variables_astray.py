"""Variables of another world: an editor's package, su and sudo.  What they lead away from is
found, or named."""
import os
import shutil

import pytest

from ccrun import Ccrun, PASSPHRASE


@pytest.fixture
def home(ep):
    """Everything where it is without variables: ~/.config, ~/.local/share, ~/.local/state."""
    with Ccrun(ep) as c:
        c.config, c.data, c.state = c.home / ".config", c.home / ".local/share", c.home / ".local/state"
        c.plain_env.update(XDG_CONFIG_HOME=None, XDG_DATA_HOME=None, XDG_STATE_HOME=None)
        c.demo()
        yield c


PACKAGED = {"XDG_DATA_HOME": "snap/editor/7/.local/share", "XDG_CONFIG_HOME": "snap/editor/7/.config"}


def packaged(c, *variables):
    """As in the terminal of an editor that is packaged with directories of its own."""
    env = {}
    for name in variables:
        env[name] = str(c.home / PACKAGED[name])
        os.makedirs(env[name], exist_ok=True)
    c.own()
    return env


def test_with_a_running_broker_the_vault_is_found(home, token):
    home.ready(token)
    r = home.ccrun("demo", "-p", "hi", env=packaged(home, "XDG_DATA_HOME"))
    assert r.rc == 0, r


def test_without_one_the_variable_is_named(home, token):
    home.ready(token)
    os.kill(home.broker(), 15)
    env = packaged(home, "XDG_DATA_HOME")
    for argv in (["unlock"], ["add", "demo"], ["list"], ["get", "demo"]):
        r = home.ccctl(*argv, env=env, input=token)
        if argv == ["list"]:
            continue  # lists providers, vault or not
        assert r.rc != 0 and "there is no vault" in r.err, r
        assert f"XDG_DATA_HOME leads elsewhere; without it there is {home.data}/ccrun/vault" in r.err, r
    r = home.ccrun("demo", "-p", "hi", env=env)
    assert r.rc == 125 and "XDG_DATA_HOME leads elsewhere" in r.err, r
    r = home.with_passphrase("init", passphrase=PASSPHRASE, env=env)
    assert r.rc == 0 and "note: XDG_DATA_HOME leads elsewhere; without it you have a vault" in r.err, r


def test_a_provider_that_is_elsewhere(home, token):
    home.ready(token)
    r = home.ccrun("demo", "-p", "hi", env=packaged(home, "XDG_CONFIG_HOME"))
    assert r.rc == 125 and "there is no provider demo" in r.err, r
    assert f"XDG_CONFIG_HOME leads elsewhere; without it there is {home.config}/ccrun/providers/demo.conf" in r.err


def test_status_says_where_and_what_is_not_used(home, token):
    home.ready(token)
    assert f"{home.runtime}/ccrun/broker.sock\n" in home.ccctl("status").out
    r = home.ccctl("status", env={"XDG_RUNTIME_DIR": "/run"})
    assert f"{home.runtime}/ccrun/broker.sock (XDG_RUNTIME_DIR is no directory of yours" in r.out, r


# ---- directories as people have them ----

def test_directories_that_mkdir_made(home, token):
    """0755, with files of umask 022 in them."""
    for d in (home.config / "ccrun/providers", home.config / "ccrun"):
        d.chmod(0o755)
    (home.config / "ccrun/providers/demo.conf").chmod(0o644)
    home.ready(token)
    assert home.ccrun("demo", "-p", "hi").rc == 0
    r = home.ccctl("default", "demo")
    assert r.rc == 0 and home.ccctl("default").out == "demo\n", r
    home.write(home.home / ".bashrc", f"export ANTHROPIC_AUTH_TOKEN={token}x1\n"
               f"export ANTHROPIC_BASE_URL=https://llm.example.com/api\n")
    r = home.ccctl("import", "--yes")
    assert r.rc == 0, r


def test_a_data_directory_that_is_open(home):
    """One line that says what and how, and nothing is made."""
    for d in (home.data / "ccrun", home.state / "ccrun"):
        d.mkdir(parents=True, exist_ok=True)
        d.chmod(0o755)
    home.own()
    r = home.with_passphrase("init")
    assert r.rc != 0 and "is open to others (mode 0755)" in r.err and "hint: chmod 700 /" in r.err, r
    assert not (home.data / "ccrun/vault").exists()


def test_umask_002_and_077(home, token):
    """What ccctl makes is the same; what an editor made of 0664 is named, with the mend."""
    home.ready(token)
    for mask in (0o002, 0o077, 0o777):
        r = home.ccctl("default", "demo", preexec_fn=lambda mask=mask: os.umask(mask))
        assert r.rc == 0, r
        assert (home.config / "ccrun/ccrun.conf").stat().st_mode & 0o777 == 0o600
        assert home.ccrun("demo", "-p", "hi", preexec_fn=lambda mask=mask: os.umask(mask)).rc == 0
    (home.config / "ccrun/providers/demo.conf").chmod(0o664)
    r = home.ccrun("demo", "-p", "hi")
    assert r.rc == 125 and "can be written by others (mode 0664)" in r.err and "hint: chmod go-w" in r.err, r


def test_config_is_a_link(home, token):
    """As dotfile managers leave ~/.config, or ccrun's directory in it, or one file."""
    real = home.home / "dotfiles"
    shutil.move(home.config, real)
    home.config.symlink_to(real)
    home.ready(token)
    assert home.ccrun("demo", "-p", "hi").rc == 0
    assert home.ccctl("default", "demo").rc == 0
    assert (real / "ccrun/ccrun.conf").exists()
    home.config.unlink()
    home.config.mkdir()
    (home.config / "ccrun").symlink_to(real / "ccrun")
    home.own()
    assert home.ccrun("-p", "hi").rc == 0


def test_blanks_and_quotes_in_home(ep, token):
    with Ccrun(ep) as c:
        home = c.home
        c.home = home.parent / "my 'own' höme $HOME"
        shutil.move(home, c.home)
        c.config, c.data, c.state = c.home / ".config", c.home / ".local/share", c.home / ".local/state"
        c.plain_env.update(XDG_CONFIG_HOME=None, XDG_DATA_HOME=None, XDG_STATE_HOME=None, XDG_RUNTIME_DIR=None)
        c.cwd = c.home
        c.own()
        c.demo()
        c.ready(token)
        assert c.ccrun("demo", "-p", "hi").rc == 0
        assert "vault is unlocked" in c.ccctl("status").out or c.status()["state"] == "unlocked"


def test_no_home_at_all(home):
    for value in (None, "", "relative"):
        r = home.ccrun("demo", "-p", "hi", env={"HOME": value})
        assert r.rc == 125 and "HOME" in r.err and "hint:" in r.err, r
