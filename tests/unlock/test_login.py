"""ccctl login: the units and the autostart entry, with a stand-in for systemctl
that writes down how it is called."""
import json
import os
import shutil
import stat
import subprocess

import pytest

from ccrun import BUILD, CCCTL
from client import alive, until
from login_units import Login

UNITS = ["ccbroker.socket", "ccbroker.service", "ccrun-unlock.service", "ccrun-logind.service"]
ENABLED = "ccbroker.socket ccrun-unlock.service ccrun-logind.service"
MARKER = "# Written by ccctl login enable; ccctl login disable removes it.\n"
SHOW = "--user show --property=UnitFileState --property=ActiveState "
RELOAD = "--user daemon-reload"


@pytest.fixture
def login(c):
    return Login(c)


@pytest.fixture
def bare(c):
    return Login(c, manager=False)


# ---- without a manager -------------------------------------------------

def test_without_a_manager_an_autostart_entry(bare):
    r = bare.ok("enable")
    assert "no systemd user manager runs here: wrote" in r.err and str(bare.entry) in r.err
    assert bare.files() == ["autostart/ccrun-unlock.desktop"] and bare.calls() == []
    text = bare.entry.read_text()
    assert text.startswith(MARKER) and f"\nExec={BUILD}/bin/ccctl unlock --auto\n" in text
    assert "@" not in text
    if shutil.which("desktop-file-validate"):
        r = bare.c.run(["desktop-file-validate", bare.entry])
        assert r.rc == 0 and not r.out and not r.err, r


def test_autostart_entry_again_status_and_disable(bare):
    assert bare.status()["way"] == "none"
    bare.ok("enable")
    before = bare.entry.stat().st_mtime_ns
    assert "there is" in bare.ok("enable").err
    assert bare.entry.stat().st_mtime_ns == before
    state = bare.status()
    assert (state["way"], state["manager"], state["autostart"]["file"]) == ("autostart", False, "current")
    assert state["units"][0] == {"name": "ccbroker.socket", "path": str(bare.dir / "ccbroker.socket"),
                                 "file": "missing", "enabled": None, "active": None}
    assert "an autostart entry opens the vault" in bare.ok("status").out
    assert "removed" in bare.ok("disable").err
    assert bare.files() == []
    assert "nothing was in place" in bare.ok("disable").err
    assert bare.calls() == []


def test_a_foreign_entry_is_left_alone(bare):
    bare.c.write(bare.entry, "[Desktop Entry]\nName=mine\n")
    r = bare("enable")
    assert r.rc == 1 and str(bare.entry) in r.err and "hint: " in r.err, r
    bare.ok("disable")
    assert bare.entry.read_text() == "[Desktop Entry]\nName=mine\n"
    assert bare.status()["autostart"]["file"] == "foreign"


# ---- with one ----------------------------------------------------------

def test_enable_writes_the_units_and_makes_these_calls(login):
    r = login.ok("enable")
    assert login.calls() == [SHOW + "ccbroker.socket", RELOAD, "--user enable --now " + ENABLED]
    assert login.files() == sorted(f"systemd/user/{u}" for u in UNITS)
    assert f"wrote 4 unit files to {login.dir}" in r.err
    assert r.out == ""
    for unit in UNITS:
        text = (login.dir / unit).read_text()
        assert text.startswith(MARKER) and "@BIN@" not in text and "@LIBEXEC@" not in text
        assert stat.S_IMODE((login.dir / unit).stat().st_mode) == 0o644
    service = (login.dir / "ccbroker.service").read_text()
    assert f"\nExecStart={BUILD}/libexec/ccrun/ccbroker --foreground\n" in service
    assert f"\nExecStart={BUILD}/bin/ccctl unlock --auto\n" in (login.dir / UNITS[2]).read_text()
    # What it is given is a list of words and no input.
    assert (login.bin / "last").read_text().split() == ["--user", "enable", "--now", *ENABLED.split()]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_what_was_written(login):
    login.ok("enable")
    r = login.c.run(["systemd-analyze", "--user", "verify", "--man=no", *(login.dir / u for u in UNITS)])
    said = [line for line in r.err.splitlines() if "ccbroker" in line or "ccrun" in line]
    assert r.rc == 0 and not said, r


def test_again_changes_nothing_and_disable_undoes_it(login):
    login.ok("enable")
    before = {u: (login.dir / u).stat().st_mtime_ns for u in UNITS}
    login.calls()
    assert "wrote" not in login.ok("enable").err
    assert before == {u: (login.dir / u).stat().st_mtime_ns for u in UNITS}
    login.calls()
    r = login.ok("disable")
    assert login.calls() == ["--user disable --now " + ENABLED, RELOAD]
    assert login.files() == [] and "removed 4 unit files" in r.err
    assert "nothing was in place" in login.ok("disable").err
    assert login.calls() == []


def test_status_in_each_state(login):
    assert login.status()["way"] == "none"
    assert "ccctl login enable" in login.ok("status").out
    login.ok("enable")
    state = login.status()
    assert state["way"] == "systemd" and state["manager"] is True
    assert [(u["name"], u["file"], u["active"]) for u in state["units"]] == [(u, "current", "active") for u in UNITS]
    assert [u["enabled"] for u in state["units"]] == ["enabled", "static", "enabled", "enabled"]
    assert "systemd's user units open the vault" in login.ok("status").out
    # Files of another PREFIX, or of another version of the templates.
    path = login.dir / "ccbroker.service"
    text = path.read_text()
    path.write_text(text.replace(str(BUILD), "/opt/elsewhere"))
    assert [u["file"] for u in login.status()["units"]] == ["current", "stale", "current", "current"]
    assert "ccctl login enable writes them anew" in login.ok("status").out
    assert "wrote 1 unit files" in login.ok("enable").err
    assert path.read_text() == text
    # Written, and then disabled by systemctl.
    (login.bin / "on").unlink()
    assert login.status()["way"] == "none"


def test_a_unit_that_has_failed_is_no_log_in_that_works(login):
    login.ok("enable")
    wanted = login.dir / "sockets.target.wants"
    wanted.mkdir()
    (wanted / "ccbroker.socket").symlink_to(login.dir / "ccbroker.socket")
    login.c.own()
    (login.bin / "failed-ccbroker.socket").touch()
    out = login.ok("status").out
    assert "open the vault" not in out and "a unit of the log-in has failed: ccbroker.socket\n" in out
    assert "mend           journalctl --user -u ccbroker.socket tells why it failed; then ccctl login enable\n" in out
    r = login.c.run([CCCTL, "doctor", "--json"], env={"PATH": f"{login.bin}:/usr/bin:/bin"})
    found = [c for c in json.loads(r.out) if c["check"] == "login"]
    assert [(c["state"], c["hint"].split()[0]) for c in found] == [("broken", "journalctl")], found


def test_one_of_the_two_is_enough(login):
    """The entry of a log-in without systemd goes when the units come."""
    hidden = login.c.runtime / "systemd/away"
    (login.c.runtime / "systemd/private").rename(hidden)
    login.ok("enable")
    assert login.entry.exists()
    hidden.rename(login.c.runtime / "systemd/private")
    assert "removed" in login.ok("enable").err
    assert not login.entry.exists() and login.status()["way"] == "systemd"
    # And the other way round nothing is written beside the units.
    (login.c.runtime / "systemd/private").rename(hidden)
    r = login("enable")
    assert r.rc == 1 and "no user manager runs here" in r.err and "hint: " in r.err, r
    assert not login.entry.exists()


def test_disable_without_the_manager_takes_the_links_too(login):
    login.ok("enable")
    links = [login.dir / f"{target}.wants/{unit}" for target, unit in (
        ("sockets.target", UNITS[0]), ("graphical-session.target", UNITS[2]), ("ccbroker.service", UNITS[3]))]
    for link in links:
        link.parent.mkdir()
        link.symlink_to(login.dir / link.name)
    login.c.own()
    (login.c.runtime / "systemd/private").unlink()
    login.calls()
    assert login.status()["way"] == "systemd"
    login.ok("disable")
    assert login.files() == [] and login.calls() == []


@pytest.mark.parametrize("kind", ["file", "mask"])
def test_a_foreign_unit_is_not_overwritten(login, kind):
    path = login.dir / "ccrun-unlock.service"
    path.parent.mkdir(parents=True)
    if kind == "file":
        path.write_text("[Service]\nExecStart=/bin/true\n")
    else:
        path.symlink_to("/dev/null")
    login.c.own()
    r = login("enable")
    assert r.rc == 1 and f"{path} is there and was not written by ccctl" in r.err and "hint: " in r.err, r
    assert login.files() == ["systemd/user/ccrun-unlock.service"] and login.calls() == []
    login.ok("disable")
    assert path.is_symlink() if kind == "mask" else path.read_text() == "[Service]\nExecStart=/bin/true\n"
    assert login.status()["units"][2]["file"] == "foreign"


def test_enabled_right_after_init(login):
    """The broker that init started gives way to systemd's; the socket is free for it."""
    login.c.init()
    pid = login.c.broker()
    r = login.ok("enable")
    assert "ended the broker that systemd did not start" in r.err and not alive(pid), r
    assert "note: no log-in opens this vault yet" in r.err and "ccctl slot add keyring" in r.err, r
    assert not (login.c.runtime / "ccrun/broker.sock").exists()
    assert any(call.startswith("--user enable --now") for call in login.calls())


def test_a_vault_with_a_slot_of_the_machine_s_has_no_note(login):
    login.c.init()
    assert login.c.ccctl("host", "init").rc == 0 and login.c.ccctl("slot", "add", "keyfile").rc == 0
    assert "no log-in opens" not in login.ok("enable").err


def test_a_broker_with_sessions_is_its_owner_s_to_end(login, token):
    c = login.c
    c.demo()
    c.ready(token)
    pid = c.broker()
    session = c.popen([c.bin / "ccrun", "--exec", "/bin/sleep", "demo", "600"])
    until(lambda: '"sessions": 1' in c.ccctl("status", "--json").out, what="the session")
    r = login("enable")
    assert r.rc == 1 and f"process {pid}" in r.err and f"kill {pid}" in r.err, r
    assert login.files() == [] and login.calls() == [SHOW + "ccbroker.socket"]
    session.kill()
    session.wait()
    until(lambda: '"sessions": 0' in c.ccctl("status", "--json").out, what="its end")
    # One that systemd started is systemd's to deal with.
    (login.bin / "on").touch()
    login.ok("enable")
    assert c.broker() == pid


# ---- a systemctl that does not do as it is told ------------------------

def test_systemctl_fails(login):
    (login.bin / "fail").touch()
    r = login("enable")
    assert r.rc == 1, r
    assert "no such luck" in r.err
    assert f"ccctl: systemctl --user enable --now {ENABLED}: it ended with exit status 4\nhint: " in r.err
    assert login("disable").rc == 1
    assert len(login.files()) == 4, "files of units that may still be enabled stay"
    (login.bin / "fail").unlink()
    login.ok("disable")
    assert login.files() == []


def test_systemctl_is_missing(login):
    (login.bin / "systemctl").unlink()
    empty = login.c.root / "empty"
    empty.mkdir()
    login.bin = empty
    r = login.c.run([CCCTL, "login", "enable"], env={"PATH": str(empty)})
    assert r.rc == 1 and "run systemctl: No such file" in r.err and "hint: " in r.err, r


def test_systemctl_hangs(login):
    (login.bin / "hang").touch()
    r = login("enable", timeout=60)
    assert r.rc == 1 and r.seconds < 30 and "not done within 20 s" in r.err and "hint: " in r.err, r
    assert not any(b"sleep\x00300" in cmdline(p) for p in login.c.leftovers())


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read()
    except OSError:
        return b""


# ---- root's units, words, surroundings ---------------------------------

def test_units_that_root_installed_are_used(login):
    """A mount namespace of the user's own puts them where root would."""
    own = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*own, "true"], capture_output=True).returncode != 0:
        pytest.skip("no user namespaces here")
    login.ok("enable")
    there = login.c.root / "root-units"
    there.mkdir()
    for unit in UNITS:
        login.c.write(there / unit, (login.dir / unit).read_text().removeprefix(MARKER), 0o644)
    for where in ("/usr/lib/systemd/user", "/usr/local/lib/systemd/user"):
        if os.path.isdir(where):
            break
    else:
        pytest.skip("no directory to mount over")
    program = (*own, "sh", "-c", f'mount --bind {there} {where} && exec "$0" "$@"', CCCTL)
    login.calls()
    r = login.ok("enable", program=program)
    assert f"the units are in {where}" in r.err and r.err.count("the unit that root installed is used") == 4
    assert login.files() == []
    assert login.calls()[-2:] == [RELOAD, "--user enable --now " + ENABLED]
    out = json.loads(login.ok("status", "--json", program=program).out)
    assert out["way"] == "systemd" and out["units"][1]["path"] == f"{where}/ccbroker.service"
    assert [u["file"] for u in out["units"]] == ["current"] * 4
    (there / UNITS[1]).write_text("[Service]\nExecStart=/usr/libexec/ccrun/ccbroker\n")
    assert "another installation's" in login.ok("enable", program=program).err
    assert "another installation's" in login.ok("status", program=program).out


def test_a_directory_that_others_may_write_is_refused(login):
    login.dir.mkdir(parents=True)
    login.dir.chmod(0o777)
    login.c.own()
    r = login("enable")
    assert r.rc == 5 and "can be written by others" in r.err, r
    assert login.files() == []


def test_another_data_directory_is_pointed_out(login):
    r = login.c.run([CCCTL, "login", "enable"],
                    env={"PATH": f"{login.bin}:/usr/bin:/bin", "XDG_DATA_HOME": login.c.root / "other"})
    assert r.rc == 0 and "note: XDG_DATA_HOME is set here" in r.err, r
    assert "note:" not in login.ok("enable").err


@pytest.mark.parametrize("words", [(), ("on",), ("enable", "now"), ("enable", "--json"), ("status", "-x")])
def test_words(login, words):
    r = login(*words)
    assert r.rc == 2 and "hint: ccctl help login" in r.err, r
    assert login.files() == [] and login.calls() == []
