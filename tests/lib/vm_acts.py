"""What happens on a virtual machine of vm_ready.py: launches, and what locks a vault."""
import json

from client import until
from vm import SLOW
from vm_image import PEOPLE
from vm_ready import LINES, PASSPHRASE, TOKENS

RECORDS = {"system": "/var/lib/ccrun/vaults/{uid}/record.jsonl", "user": "/home/{name}/.local/state/ccrun/record.jsonl"}
EVENTS = ("suspend", "screen", "logout")
WAIT = 90  # for what comes by itself, on a machine that is emulated


def wait_for(condition, what, show=lambda: ""):
    """What a machine does by itself; show: what is said when it does not."""
    try:
        return until(condition, WAIT, what)
    except TimeoutError as e:
        raise AssertionError(f"{e}: {show()}") from e


def at(m, name):
    """The terminal where somebody has logged in before the snapshot."""
    t = m.terminal(LINES[name])
    t.name = name
    return t


def back(m, name):
    """A log-in at one's own terminal."""
    t = next((t for t in m.terminals if t.name is None), None) or m.terminal(LINES[name])
    t.login(name, PEOPLE[name])
    return t


def status(t):
    rc, out = t.run("ccctl status --json")
    assert rc == 0, out
    return json.loads(out[out.index("{"):])


def is_open(t):
    return t.run("ccctl status -q")[0] == 0


def opens_by_itself(t):
    """A broker that systemd has started serves, with what needs no person."""
    assert is_open(t), t.run("ccctl status; ccctl log -n 5")[1]


def unlock(t):
    t.ok("ccctl unlock", PASSPHRASE)


def shows_key(t):
    """The key comes to the program that is launched."""
    rc, out = t.run("ccrun --exec /usr/bin/env demo </dev/null")
    assert rc == 0 and "=" + TOKENS[t.name] in out, (rc, out)


def works(t):
    """A launch and a request by relay, which asks nobody anything."""
    shows_key(t)
    out = t.ok("ccctl test via </dev/null")
    assert "works" in out, out


def nobody_launches(m, name):
    """A launch with nobody there: its exit code, and whether the key came."""
    r = m.nobody_there(name, "ccrun --exec /usr/bin/env demo", check=False)
    return r.rc, "=" + TOKENS[name] in r.out, r.err


def last_lock(m, name, broker):
    """Why the record says that the vault was locked last."""
    uid = m.root("id", "-u", name).out.strip()
    lines = m.root("cat", RECORDS[broker].format(uid=uid, name=name)).out.splitlines()
    return next((e.get("why") for e in map(json.loads, reversed(lines)) if e["event"] in ("lock", "stop")), None)


# ---- what opens without a person ----

def credential(m, ann, *how):
    """A credential slot of ann's, sealed by systemd for this machine, and the broker's drop-in."""
    m.root("install", "-d", "-m", "700", "/etc/ccrun")
    ann.ok("ccctl slot add credential >slot", PASSPHRASE)
    m.root("systemd-creds", "encrypt", "--name=ccrun.key", *how, "/home/ann/slot", "/etc/ccrun/ccrun.key.cred")
    m.root("rm", "/home/ann/slot")
    m.root("install", "-D", "-m", "644", "/dev/stdin", "/etc/systemd/system/ccbroker.service.d/credential.conf",
           input="[Service]\nLoadCredentialEncrypted=ccrun.key:/etc/ccrun/ccrun.key.cred\n")
    m.root("systemctl", "daemon-reload")


def keyfile(m, t):
    """A keyfile of the system broker's, sealed for this host."""
    m.root("ccctl", "host", "init", "--system")
    t.ok("ccctl slot add keyfile", PASSPHRASE)


# ---- what locks ----

def suspend(m):
    """The whole way of a suspend, as far as the kernel freezes programs; the emulated
    hardware's own sleep does not come back on every kernel."""
    m.sh("echo freezer >/sys/power/pm_test; echo 1 >/sys/module/suspend/parameters/pm_test_delay\n"
         "n=$(dmesg | grep -c 'PM: suspend exit'); systemctl suspend\n"
         f"for i in $(seq {WAIT * 5}); do [ $(dmesg | grep -c 'PM: suspend exit') -gt $n ] && exit 0; sleep .2; done; exit 1")


def lock_screen(m, name):
    """Of each log-in; from systemd 256 on a user's manager has a session, too, which has no screen."""
    m.sh(f"for s in $(loginctl list-sessions --no-legend | awk '$3 == \"{name}\" {{print $1}}'); do\n"
         "[ \"$(loginctl show-session --property=Class --value $s)\" != user ] || loginctl lock-session $s; done")


def is_locked_for(m, t, why):
    """The vault is locked in a moment, for that reason."""
    wait_for(lambda: not is_open(t), f"the lock at {why}", lambda: t.run("ccctl status")[1])
    assert status(t)["locked_why"] == why


def lock_by(m, t, event, broker):
    """One event, after which the vault is locked, and nothing opens it without a person."""
    name = t.name
    if event == "logout":
        t.logout()
        wait_for(lambda: last_lock(m, name, broker) == "logout", "the lock at log-out", lambda: m.root("loginctl").out)
    else:
        suspend(m) if event == "suspend" else lock_screen(m, name)
        is_locked_for(m, t, event)
    rc, came, said = nobody_launches(m, name)
    assert rc != 0 and not came, (rc, said)
    if event == "logout":
        t.login(name, PEOPLE[name])


def gone(m, name):
    """Nothing of somebody's lives on: no manager, no broker, no keyring."""
    wait_for(lambda: m.root("pgrep", "-u", name, check=False).rc == 1, f"the end of {name}'s processes",
             lambda: m.root("ps", "-u", name, "-o", "pid,cgroup,args", check=False).out)


def restart(m):
    m.root("systemctl", "restart", "ccbroker")


def crash(m):
    """Both processes of the broker, at once; systemd has it back."""
    before = m.root("systemctl", "show", "--property=MainPID", "--value", "ccbroker").out.strip()
    m.root("kill", "-9", before)
    wait_for(lambda: m.root("systemctl", "show", "--property=MainPID", "--value", "ccbroker").out.strip() not in ("0", before)
             and m.root("systemctl", "is-active", "ccbroker", check=False).rc == 0, "the broker's return")


def is_watched(m, t):
    wait_for(lambda: status(t)["delays"], "a watcher that delays a suspend", lambda: t.run("ccctl status")[1])
