"""The user units under a real systemd user manager: it is started here, as the
world's user, in a mount namespace where the machine looks booted with systemd.
Root is needed for that alone."""
import json
import os
import shlex
import subprocess

import pytest

from ccrun import BUILD, CCCTL, PASSPHRASE
from client import LIB
from logind import Logind

pytestmark = pytest.mark.root
SYSTEMD = "/lib/systemd/systemd"

# $as runs a command as the user.  77: no manager can be had here.
START = """
mount --make-rprivate / && mount -t tmpfs -o mode=755 tmpfs /run || exit 77
mkdir -p /run/systemd/system
joined=
for h in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
	[ -w $h/cgroup.procs ] && mkdir -p $h/$id/manager || continue
	chown -R $user $h/$id && echo $$ > $h/$id/manager/cgroup.procs && joined=1
done
[ "$joined" ] || exit 77
cd /
$as SYSTEMD --user --log-target=console 2>$log &
manager=$!
trap 'kill $manager; wait $manager' EXIT
n=0
until $as systemctl --user is-system-running 2>/dev/null | grep -Eq 'running|degraded'; do
	n=$((n + 1)); [ $n -lt 100 ] && kill -0 $manager || exit 77
	sleep 0.1
done
""".replace("SYSTEMD", SYSTEMD)


@pytest.fixture
def managed(c):
    if os.geteuid() != 0 or not os.access(SYSTEMD, os.X_OK):
        pytest.skip("needs root and systemd")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")
    env = [f"{k}={v}" for k, v in c.env().items()]
    c.own()

    def run(script):
        names = {"as": shlex.join(c.argv(["env", "-i", *env])), "id": c.id, "user": c.user.pw_name,
                 "log": str(c.root / "manager.log"), "ccctl": str(CCCTL)}
        head = "".join(f"{k}={shlex.quote(v)}\n" for k, v in names.items())
        # `as` is split into words, which have no blanks of their own.
        r = subprocess.run(["unshare", "--mount", "bash", "-c", head + START + script], capture_output=True,
                           text=True, timeout=120, stdin=subprocess.DEVNULL)
        if r.returncode == 77:
            pytest.skip("no systemd user manager can be started here")
        return r
    yield run
    for where in ("", "systemd", "unified"):
        subprocess.run(["find", f"/sys/fs/cgroup/{where}/{c.id}", "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"],
                       capture_output=True)


def test_enabled_the_first_connection_starts_the_broker_and_disable_ends_it(managed):
    # Whether the vault could be opened is not the question here, so enable's
    # exit status is not looked at.
    r = managed(f"""
$as $ccctl login enable >&2
$as $ccctl login status --json; echo ,
$as systemctl --user stop ccbroker.service ccrun-logind.service
echo {shlex.quote(PASSPHRASE)} | $as $ccctl init --passphrase-fd 0 >&2
echo a-key-to-keep-0123456789 | $as $ccctl add --key one >&2
[ "$(echo {shlex.quote(PASSPHRASE)} | $as $ccctl get one --passphrase-fd 0)" = a-key-to-keep-0123456789 ] && echo true, || echo false,
$as $ccctl status --json; echo ,
$as systemctl --user kill --signal=KILL ccbroker.service
$as $ccctl login enable >&2
$as $ccctl login disable >&2
$as $ccctl login status --json; echo ,
$as $ccctl status --json
""")
    assert r.returncode == 0, r
    enabled, got, serving, disabled, after = json.loads(f"[{r.stdout}]")
    assert enabled["way"] == "systemd"
    units = {u["name"]: u for u in enabled["units"]}
    assert units["ccbroker.socket"]["enabled"] == "enabled" and units["ccbroker.socket"]["active"] == "active"
    assert got is True
    assert serving["state"] == "unlocked" and serving["undumpable"] and serving["caged"] and serving["memory_locked"]
    assert disabled["way"] == "none" and {u["file"] for u in disabled["units"]} == {"missing"}
    assert after["state"] == "no-broker", r.stderr


def test_a_relay_works_in_the_sandbox_of_the_broker_s_unit(c, ep, token, managed):
    """It inherits what the unit says: system calls, address families, no executable memory."""
    c.demo(policy={"delivery": "relay"})
    c.own()
    r = managed(f"""
$as $ccctl login enable >&2
$as systemctl --user stop ccrun-logind.service
echo {shlex.quote(PASSPHRASE)} | $as $ccctl init --passphrase-fd 0 >&2
echo {token} | $as $ccctl add demo >&2
echo hello | $as /usr/bin/python3 {LIB}/relay_session.py {c.runtime}/ccrun/broker.sock {c.tmp} demo "bearer {ep.url}" | paste -sd,; echo ,
$as $ccctl status --json; echo ,
$as systemctl --user show --value --property=MainPID ccbroker.service
$as $ccctl login disable >&2
""")
    assert r.returncode == 0, r
    started, answer, status, pid = json.loads(f"[{r.stdout}]")
    assert started == {} and answer["status"] == 200 and status["relay"] == "user", r
    assert pid, "that broker was not the unit's"
    assert ep.main[0].headers["authorization"] == "Bearer " + token


def test_a_broker_of_ones_own_gives_way_to_the_unit_s(c, managed):
    r = managed(f"""
echo {shlex.quote(PASSPHRASE)} | $as $ccctl init --passphrase-fd 0 >&2
before=$(head -n 1 {c.data}/ccrun/vault.lock)
$as $ccctl login enable
echo $?
$as $ccctl status -q; echo $?
echo {shlex.quote(PASSPHRASE)} | $as $ccctl unlock --passphrase-fd 0 >&2; echo $?
[ "$(head -n 1 {c.data}/ccrun/vault.lock)" -ne $before ]; echo $?
[ "$($as systemctl --user show --value --property=MainPID ccbroker.service)" -gt 0 ]; echo $?
""")
    assert r.stdout.split() == ["0", "3", "0", "0", "0"], r


SESSION = "/user.slice/user-1000.slice/session-3.scope"


def test_what_was_started_in_a_session_leaves_it_and_ends_with_the_manager(c, managed):
    """A real manager takes broker and watcher; only that they are in a session is made up."""
    fake = c.write(c.root / "cgroup", f"1:name=systemd:{SESSION}\n0::{SESSION}\n", 0o644)
    with Logind(c) as logind:
        r = managed(f"""
echo {shlex.quote(PASSPHRASE)} | $as $ccctl init --passphrase-fd 0 >&2
broker=$(head -n 1 {c.data}/ccrun/vault.lock); beside=$(pgrep -d, -P $broker); all="$broker $(pgrep -P $broker) $(pgrep -P $beside)"
for p in $all; do mount --bind {fake} /proc/$p/cgroup; done
sh -c 'mount --bind {fake} /proc/$$/cgroup; exec "$@"' sh $as env DBUS_SYSTEM_BUS_ADDRESS={logind.address} \\
	{BUILD}/libexec/ccrun/ccrun-logind >&2 &
watcher=$!; all="$all $watcher"
n=0
until $as systemctl --user is-active -q ccrun-$watcher.scope; do
	n=$((n + 1)); [ $n -lt 200 ] && kill -0 $watcher || exit 77
	sleep 0.1
done
for p in $all; do umount /proc/$p/cgroup; grep -q ccrun-$watcher.scope /proc/$p/cgroup && echo moved || echo stays; done
kill $manager; wait $manager; trap - EXIT
n=0
lives() {{ cut -d' ' -f3 /proc/$1/stat 2>/dev/null | grep -qv Z; }}
while lives $broker || lives $watcher; do
	n=$((n + 1)); [ $n -lt 200 ] || exit 1
	sleep 0.1
done
""")
    assert r.returncode == 0, r
    assert len(r.stdout.split()) >= 2 and set(r.stdout.split()) == {"moved"}, r
