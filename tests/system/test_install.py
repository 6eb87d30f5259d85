"""make install, what it leaves, and make uninstall."""
import os
import stat
import subprocess

import pytest

from built import SHIPPED
from client import REPO


# Root's programs may be written by root, nobody else's by anyone.
MODE = 0o711 if os.geteuid() == 0 else 0o111
TEMPLATES = ["systemd/user/ccbroker.socket.in", "systemd/user/ccbroker.service.in",
             "systemd/user/ccrun-unlock.service.in", "systemd/user/ccrun-logind.service.in",
             "systemd/system/ccbroker.service.in", "systemd/system/ccrun-logind.service.in",
             "systemd/system/ccrun-relay.socket.in", "systemd/system/ccrun-relay@.service.in", "autostart/ccrun-unlock.desktop.in"]
UNITS = ["user/ccbroker.socket", "user/ccbroker.service", "user/ccrun-unlock.service",
         "user/ccrun-logind.service", "system/ccbroker.service", "system/ccrun-logind.service",
         "system/ccrun-relay.socket", "system/ccrun-relay@.service"]


@pytest.mark.parametrize("missing", [("cc", "gcc", "musl-gcc"), ("musl-gcc",)])
def test_without_a_compiler_or_musl_make_asks_the_terminal_nothing(tmp_path, missing):
    """A new machine: what it is for is `make deps`, which has to get as far as that."""
    for directory in ("/bin", "/usr/bin"):
        for program in os.listdir(directory):
            if program not in missing and not (tmp_path / program).exists():
                (tmp_path / program).symlink_to(f"{directory}/{program}")
    # Something that can be read and does not end, as a terminal.
    terminal, held = os.pipe()
    try:
        r = subprocess.run(["make", "-n", "-C", REPO, "deps", "FOR=build", f"BUILD={tmp_path}/build"], stdin=terminal,
                           env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=120)
    finally:
        os.close(terminal)
        os.close(held)
    assert r.returncode == 0 and "\ntools/deps build\n" in r.stdout and not r.stderr, r


@pytest.fixture
def installed(tmp_path, request):
    prefix = getattr(request, "param", "/opt/ccrun")
    argv = ["make", "-s", "-C", REPO, f"BUILD={SHIPPED}", f"DESTDIR={tmp_path}", f"PREFIX={prefix}"]
    subprocess.run(argv + ["install"], check=True, stdout=subprocess.DEVNULL)
    yield tmp_path / prefix[1:]
    subprocess.run(argv + ["uninstall"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    left = [str(p) for p in tmp_path.rglob("*") if not p.is_dir()]
    assert not left, left


def test_installed_tree_works(c, ep, token, installed):
    for program in ("bin/ccrun", "bin/ccctl", "bin/ccrun-statusline", "libexec/ccrun/ccbroker",
                    "libexec/ccrun/ccrun-import"):
        assert stat.S_IMODE(os.stat(installed / program).st_mode) == MODE
    relay = installed / "libexec/ccrun/ccrun-relay"
    assert stat.S_IMODE(os.stat(relay).st_mode) == (MODE if os.getuid() == 0 else 0o511)
    for page in ("man1/ccrun.1", "man1/ccctl.1", "man5/ccrun-provider.5", "man5/ccrun-source.5",
                 "man1/ccrun-statusline.1",
                 "man5/ccrun.conf.5", "man7/ccrun-troubles.7", "man8/ccbroker.8"):
        assert (installed / "share/man" / page).exists()
    for template in TEMPLATES:
        assert (installed / "share/ccrun" / template).exists()
    assert not (installed / "lib/systemd").exists(), "systemd does not look there"
    c.delivery, c.bin = None, installed / "bin"
    c.demo()
    c.with_passphrase("init")
    r = c.ccctl("add", "demo", input=token)
    assert r.rc == 0, r
    r = c.run([installed / "bin/ccrun", "demo", "-p", "hello"])
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert ep.main[0].headers["authorization"] == "Bearer " + token
    assert "openrouter" in c.run([installed / "bin/ccrun", "--list"]).out
    r = c.run([installed / "bin/ccrun-statusline"], env={"NO_COLOR": "1", "CCRUN_PROVIDER": "bedrock"})
    assert (r.rc, r.out) == (0, "Bedrock\n"), r
    r = c.run([installed / "bin/ccctl", "import", "--json"])
    assert r.rc == 0 and '"keys": []' in r.out, r
    # the helper that cannot be read, with the installation's source files
    elsewhere = c.write("elsewhere", "another-" + token + "\n")
    r = c.ccctl("add", "demo", "--replace", "--source", f"command:/bin/cat {elsewhere}")
    assert r.rc == 0, r
    assert c.run([installed / "bin/ccrun", "demo", "-p", "hello"]).rc == 0
    assert ep.main[-1].headers["authorization"] == "Bearer another-" + token


@pytest.mark.parametrize("installed", ["/usr", "/usr/local"], indirect=True)
def test_installed_where_systemd_looks_the_units_are_there(installed, tmp_path):
    prefix = f"/{installed.relative_to(tmp_path)}"
    texts = {}
    for unit in UNITS:
        text = texts[unit] = (installed / "lib/systemd" / unit).read_text()
        assert stat.S_IMODE((installed / "lib/systemd" / unit).stat().st_mode) == 0o644
        assert "@BIN@" not in text and "@LIBEXEC@" not in text
    exec_start = f"\nExecStart={prefix}/libexec/ccrun/"
    assert exec_start + "ccbroker --system --foreground\n" in texts["system/ccbroker.service"]
    assert exec_start + "ccrun-logind --system\n" in texts["system/ccrun-logind.service"]
    users = (installed / "lib/sysusers.d/ccrun.conf").read_text()
    assert "u ccrun " in users and "u ccrun-logind " in users and "u ccrun-relay " in users
    directories = (installed / "lib/tmpfiles.d/ccrun.conf").read_text()
    assert "d /run/ccrun 0755 ccrun ccrun" in directories
    assert "d /run/ccrun-logind 0755 ccrun-logind ccrun-logind" in directories


def test_installed_into_the_home_directory_the_vault_stays_private(c, ep, token):
    """PREFIX=~/.local puts the presets into the directory that the vault lives in."""
    argv = ["make", "-s", "-C", REPO, f"BUILD={SHIPPED}", f"PREFIX={c.home}/.local"]
    env = dict(os.environ, HOME=str(c.home), XDG_DATA_HOME=str(c.data))
    for _ in range(2):  # once more over it, with a vault in place
        subprocess.run(argv + ["install"], check=True, stdout=subprocess.DEVNULL, env=env)
        assert stat.S_IMODE(os.stat(c.data / "ccrun").st_mode) == 0o700
        assert (c.data / "ccrun/systemd/user/ccbroker.socket.in").exists()
        assert not (c.home / ".local/lib/systemd").exists(), "ccctl login enable writes the units"
        if not c.record():
            c.demo()
            assert c.with_passphrase("init").rc == 0
            c.add("demo", token)
    r = c.run([c.home / ".local/bin/ccrun", "demo", "-p", "hello"])
    assert r.rc == 0 and "hello from loopback" in r.out, r
    subprocess.run(argv + ["uninstall"], check=True, stdout=subprocess.DEVNULL, env=env)
    assert (c.data / "ccrun/vault").exists(), "the vault stays"
    assert not (c.data / "ccrun/systemd").exists() and not (c.data / "ccrun/autostart").exists()
    assert not (c.home / ".local/bin/ccrun").exists()


def test_uninstalled_by_a_user_nothing_is_left_that_starts_it(c):
    if os.geteuid() == 0:
        pytest.skip("root's installation is everybody's")
    here = f"PREFIX={c.home}/.local"

    def make(target, prefix=here):
        return c.run(["make", "-s", "-C", REPO, f"BUILD={SHIPPED}", prefix, target])

    r = make("install")
    assert r.rc == 0, r
    ccctl = c.home / ".local/bin/ccctl"
    settings, entry = c.home / ".claude/settings.json", c.config / "autostart/ccrun-unlock.desktop"
    c.write(settings, '{\n  "theme": "dark"\n}\n')
    c.write(c.config / "ccrun/ccrun.conf", "")
    c.demo()
    for verb in (("statusline", "install", "--yes"), ("login", "enable"), ("link", "mine", "demo")):
        r = c.run([ccctl, *verb])
        assert r.rc == 0, r
    assert "ccrun-statusline" in settings.read_text() and entry.exists()
    # Another place, where nothing is: that is said, and nothing is done.
    r = make("uninstall", f"PREFIX={c.home}/elsewhere")
    assert r.rc != 0 and f"there is no ccrun in {c.home}/elsewhere" in r.err and entry.exists(), r
    r = make("uninstall")
    assert r.rc == 0 and "vaults stay" in r.out, r
    assert "mine starts nothing now" in r.out, r
    assert "statusLine" not in settings.read_text() and '"theme": "dark"' in settings.read_text()
    assert not entry.exists() and not ccctl.exists()
