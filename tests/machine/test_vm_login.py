"""A person who logs in with a password, by PAM, and logs out again: the keyring opens the
vault of their own broker, and after the log-out nothing of theirs lives on."""
import re

import pytest

import vm_acts
from vm_acts import PASSPHRASE, PEOPLE, TOKENS

pytestmark = pytest.mark.vm


def again(m, t):
    """Out, until all is over, and in."""
    name = t.name
    t.logout()
    vm_acts.gone(m, name)
    t.login(name, PEOPLE[name])


def with_keyring(m, ben):
    """ben's vault gets a slot in the keyring that PAM unlocks with his password."""
    again(m, ben)  # the first log-in made the keyring
    ben.ok("ccctl slot add keyring", PASSPHRASE)


def test_log_out_locks_and_leaves_nothing_alive(m):
    """Also where no unit was enabled: the broker is ccctl's."""
    for name in ("ann", "ben"):
        t = vm_acts.at(m, name)
        vm_acts.works(t)
        t.logout()
        vm_acts.gone(m, name)
        rc, came, said = vm_acts.nobody_launches(m, name)
        assert rc != 0 and not came, said
        assert m.root("loginctl", "list-users", "--no-legend").out.split().count(name) == 0


def test_the_keyring_opens_the_vault_of_who_logs_in_and_asks_nothing(m):
    ben = vm_acts.at(m, "ben")
    with_keyring(m, ben)
    out = ben.ok("ccctl login enable </dev/null")
    assert "enabled" in out, out
    again(m, ben)
    vm_acts.works(ben)
    vm_acts.is_watched(m, ben)
    active = m.root("systemctl", "--user", "--machine=ben@.host", "is-active", "ccbroker.service", "ccrun-logind.service")
    assert active.out.split() == ["active"] * 2
    for event in vm_acts.EVENTS[:2]:
        vm_acts.lock_by(m, ben, event, "user")
        ben.ok("ccctl unlock --keyring")
    ben.logout()
    vm_acts.gone(m, "ben")


def test_a_first_log_in_says_what_is_missing(booted):
    """An account's first session has no keyring that could keep a key."""
    m = booted(load="installed")
    ben = vm_acts.back(m, "ben")
    rc, out = ben.run("ccctl init --user --keyring", PASSPHRASE, PASSPHRASE)
    assert rc == 0 or "hint:" in out, out


def test_init_with_a_keyring_then_login_enable_as_the_readme_has_it(booted):
    m = booted(load="installed")
    ben = vm_acts.back(m, "ben")
    again(m, ben)
    ben.ok("ccctl init --user --keyring", PASSPHRASE, PASSPHRASE)
    ben.ok(f"printf {TOKENS['ben']} | ccctl add demo --allow delivery=preload; printf {TOKENS['ben']} | ccctl add via")
    ben.ok("ccctl login enable </dev/null")
    vm_acts.works(ben)
    vm_acts.is_watched(m, ben)
    for event in vm_acts.EVENTS[:2]:
        vm_acts.lock_by(m, ben, event, "user")
        ben.ok("ccctl unlock --keyring")


def desktop(m, name, verb):
    """graphical-session.target, as a desktop starts it."""
    m.sh(f"install -D -m 644 -o {name} -g {name} /dev/stdin /home/{name}/.config/systemd/user/desktop.target",
         input="[Unit]\nBindsTo=graphical-session.target\n")
    user = ("systemctl", "--user", f"--machine={name}@.host")
    m.root(*user, "daemon-reload")
    m.root(*user, verb, "desktop.target")


def test_a_desktop_opens_it_in_either_broker_and_it_is_watched(m):
    ben = vm_acts.at(m, "ben")
    with_keyring(m, ben)
    ben.ok("ccctl login enable </dev/null")
    ben.ok("systemctl --user stop ccbroker.service")
    desktop(m, "ben", "start")
    vm_acts.wait_for(lambda: vm_acts.is_open(ben), "the desktop's unlock")
    vm_acts.is_watched(m, ben)
    ben.ok("ccctl move system", PASSPHRASE, "y")  # the keyring's slot opens it there, too
    desktop(m, "ben", "stop")
    vm_acts.restart(m)
    assert not vm_acts.is_open(ben)
    desktop(m, "ben", "start")
    vm_acts.wait_for(lambda: vm_acts.is_open(ben), "the desktop's unlock")
    vm_acts.is_watched(m, ben)
    # What is disabled is said as it is: the vault that is open stays so.
    out = ben.ok("ccctl login disable")
    assert vm_acts.is_open(ben) and "the vault is locked" not in out, out
    vm_acts.lock_by(m, ben, "suspend", "system")


def test_lingering_keeps_the_broker_and_not_the_open_vault(m):
    m.root("loginctl", "enable-linger", "ben")
    ben = vm_acts.at(m, "ben")
    vm_acts.unlock(ben) if not vm_acts.is_open(ben) else None
    ben.logout()
    sessions = lambda: m.root("loginctl", "list-sessions", "--no-legend").out
    # From systemd 256 on the manager that lingers is a session of its own.
    vm_acts.wait_for(lambda: not re.search(r"\bben\b(?!.*\bmanager\b)", sessions()), "the end of ben's session", sessions)
    vm_acts.wait_for(lambda: vm_acts.last_lock(m, "ben", "user") == "logout", "the lock at log-out")
    rc, came, said = vm_acts.nobody_launches(m, "ben")
    assert rc != 0 and not came, said
    ben.login("ben", PEOPLE["ben"])
    vm_acts.unlock(ben)
    vm_acts.works(ben)
    m.root("loginctl", "disable-linger", "ben")
    ben.logout()
    vm_acts.gone(m, "ben")
