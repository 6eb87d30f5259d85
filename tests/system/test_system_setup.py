"""tools/system, which sets up and takes away the system broker's user and
directory.  As root, in a mount namespace of its own: /etc, /run, /var/lib and
/var/log are copies or empty there, and systemctl is a stand-in."""
import os
import pwd
import subprocess

import pytest

from built import REPO, SHIPPED

pytestmark = pytest.mark.root

STAND_IN = """#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
[ "$1" = --quiet ] && exit 3
[ -e "$(dirname "$0")/fail" ] && exit 1
exit 0
"""
# What is written to is hidden first; nothing of it is seen outside.
PRIVATE = """set -eu
mount --make-rprivate /
cp -a /etc "$1/etc"
mount --bind "$1/etc" /etc
for d in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs "$d"; done
export PATH="$1/bin:$PATH"
cd "$2"
"""


@pytest.fixture
def root(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("not root")
    try:
        pwd.getpwnam("ccrun")
        pytest.skip("there is a user ccrun on this machine")
    except KeyError:
        pass
    if subprocess.run(["unshare", "--mount", "mount", "--make-rprivate", "/"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(STAND_IN)
    (tmp_path / "bin/systemctl").chmod(0o755)

    def run(script):
        r = subprocess.run(["unshare", "--mount", "sh", "-c", PRIVATE + script, "sh", tmp_path, REPO],
                           capture_output=True, text=True)
        calls = tmp_path / "bin/calls"
        r.calls = calls.read_text().splitlines() if calls.exists() else []
        return r
    yield run
    with pytest.raises(KeyError):
        pwd.getpwnam("ccrun")


BOOTED = "mkdir -p /run/systemd/system\n"
ENABLED = ["daemon-reload", "--quiet is-active ccbroker.service", "enable --now ccbroker.service"]
WATCHED = ["enable ccrun-logind.service", "restart ccrun-logind.service"]
DISABLED = ["disable --now ccrun-logind.service", "disable --now ccbroker.service"]


def test_set_up_twice_and_removed(root):
    r = root(BOOTED + """
tools/system setup /usr/local; tools/system setup /usr/local
getent passwd ccrun ccrun-relay; stat -c '%a %U:%G' /var/lib/ccrun; ls -A /var/lib/ccrun
echo vault > /var/lib/ccrun/1000
tools/system remove; tools/system remove
getent passwd ccrun; cat /var/lib/ccrun/1000
""")
    assert r.returncode == 0, r
    assert r.stdout.count(":/var/lib/ccrun:/usr/sbin/nologin\n") == 2
    assert "700 ccrun:ccrun\n" in r.stdout and r.stdout.endswith("vault\n")
    assert r.stdout.count("made the user ccrun,") == 1
    assert "kept: the users ccrun, ccrun-logind and ccrun-relay, and /var/lib/ccrun" in r.stdout
    assert r.stdout.count("made the user ccrun-logind") == 1 and r.stdout.count("built without ccrun-logind") == 2
    assert r.stdout.count("made the user ccrun-relay,") == 1
    assert r.stdout.count("ccrun relays:/:/usr/sbin/nologin\n") == 1
    assert r.calls == ENABLED * 2 + DISABLED * 2


def test_purge_says_what_it_deletes(root):
    r = root(BOOTED + """
tools/system setup /usr; echo vault > /var/lib/ccrun/1000; mkdir /run/ccrun-relay
tools/system remove --purge; tools/system remove --purge
[ ! -e /var/lib/ccrun ]; [ ! -e /run/ccrun-relay ]
! id ccrun 2>/dev/null; ! id ccrun-logind 2>/dev/null; ! id ccrun-relay 2>/dev/null
""")
    assert r.returncode == 0, r
    assert "deleting /var/lib/ccrun, with 1 files: every user's vault and record" in r.stdout
    for name in ("ccrun", "ccrun-logind", "ccrun-relay"):
        assert f"deleting the user {name}\n" in r.stdout


def test_without_systemd_it_says_how_to_start_by_hand(root):
    r = root("tools/system setup /usr/local\ntools/system remove\n")
    assert r.returncode == 0 and r.calls == [], r
    assert "install -d -o ccrun -g ccrun -m 755 /run/ccrun\n" in r.stdout
    assert "setpriv --reuid ccrun --regid ccrun --clear-groups /usr/local/libexec/ccrun/ccbroker --system\n" in r.stdout
    assert "no relays" in r.stdout


def test_a_service_that_does_not_start_is_a_failure(root, tmp_path):
    (tmp_path / "bin/fail").touch()
    r = root(BOOTED + "tools/system setup /usr/local\n")
    assert r.returncode == 1 and "hint: " in r.stderr, r


def test_elsewhere_there_is_nothing_to_set_up(root):
    r = root(BOOTED + "tools/system setup /opt/ccrun; ! id ccrun 2>/dev/null")
    assert r.returncode == 0 and "not set up" in r.stdout and r.calls == [], r


@pytest.mark.parametrize("words", ["", "setup", "remove --all", "reload x", "erase"])
def test_words(root, words):
    r = root(f"tools/system {words}")
    assert r.returncode == 2 and "usage" in r.stderr and r.calls == [], r


def test_installed_by_root_and_taken_away(root, tmp_path):
    """make install sets the system broker up, make uninstall keeps the vaults."""
    (tmp_path / "usr-local").mkdir()
    r = root(f"""mount --bind "$1/usr-local" /usr/local
{BOOTED}make -s BUILD={SHIPPED} PREFIX=/usr/local install >/dev/null
stat -c '%a %U' /usr/local/bin/ccrun /usr/local/libexec/ccrun/ccbroker
ls /usr/local/lib/systemd/system /usr/local/lib/systemd/user
make -s BUILD={SHIPPED} PREFIX=/usr/local uninstall >/dev/null
find /usr/local -type f; stat -c %U /var/lib/ccrun
""")
    assert r.returncode == 0, r
    lines = r.stdout.split()
    assert lines[:4] == ["711", "root"] * 2
    assert lines.count("ccbroker.service") == 2 and lines[-1] == "ccrun"
    assert lines.count("ccrun-relay.socket") == lines.count("ccrun-relay@.service") == 1
    assert not [line for line in lines if line.startswith("/usr/local/") and not line.endswith(":")]
    assert r.calls == ENABLED + WATCHED + DISABLED + ["daemon-reload"]
