"""ccrun-logind out of the log-in session that it was started in: into a scope of the
user's manager, with the broker and what that started.  Their cgroups are made up,
which takes root."""
import os
import subprocess

import pytest

from client import World, until
from logind import CONFIG, Logind, StandIn, WatchBroker
from test_logind import HELPER

pytestmark = pytest.mark.root

SESSION = "/user.slice/user-1000.slice/session-3.scope"
SERVICE = "/user.slice/user-1000.slice/user@1000.service/app.slice/ccrun-1.scope"
# The pid of what is executed is the shell's.
START = """set -e
mount --make-rprivate /
mount --bind "$1" /proc/$$/cgroup
for pid in $3; do mount --bind "$2" "/proc/$pid/cgroup"; done
shift 3
exec "$@"
"""


class User:
    """A world with a system bus, a broker and a manager of the user's, with its bus."""

    def __init__(self, world, logind, broker):
        self.world, self.logind, self.broker = world, logind, broker
        self.daemon = self.manager = None
        broker.tell("child", "child")
        self.brokers = [broker.process.pid, broker.events("child")[0]["number"]]

    def start_manager(self):
        socket = self.world.runtime / "bus"
        (self.world.root / "user-bus.conf").write_text(CONFIG.format(socket=socket))
        self.world.own()
        self.daemon = self.world.popen(["dbus-daemon", f"--config-file={self.world.root / 'user-bus.conf'}", "--nofork",
                                        "--nopidfile"], stdout=subprocess.DEVNULL)
        until(socket.exists, what="the user's bus")
        self.manager = StandIn(self.world, "fake_systemd1.py", self.world.root / "systemd1.log", f"unix:path={socket}")

    def cgroup(self, name, path):
        file = self.world.root / name
        file.write_text(f"1:name=systemd:{path}\n0::{path}\n")
        return file

    def watch(self, own, brokers):
        """A helper in the cgroup own, beside a broker in another; it watches."""
        read, write = os.pipe()
        argv = ["unshare", "--mount", "sh", "-c", START, "sh", self.cgroup("own", own), self.cgroup("brokers", brokers),
                " ".join(map(str, self.brokers)), *self.world.argv([HELPER, "--ready-fd", str(write)])]
        p = subprocess.Popen([str(a) for a in argv], env=self.world.env(self.logind.env), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[write])
        self.world.procs.append(p)
        os.close(write)
        with open(read, encoding="ascii") as ready:
            assert ready.read() == "ready\n", p.communicate()
        return p

    def scopes(self):
        return self.manager.events("scope")


@pytest.fixture
def user():
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("needs root and mount namespaces")
    with World() as world, Logind(world) as logind, WatchBroker(world) as broker:
        yield User(world, logind, broker)


def ended(user, helper):
    """It watched until the broker's end; what it said."""
    user.broker.stop()
    _, err = helper.communicate(timeout=30)
    assert helper.returncode == 0, err
    return err


@pytest.mark.parametrize("own, brokers, moved", [
    (SESSION, SESSION, "both"), (SESSION, SERVICE, "own"), (SERVICE, SESSION, "broker"), (SERVICE, SERVICE, None)],
    ids=["both in the session", "the broker is a service", "it is a service", "none in a session"])
def test_out_of_the_session(user, own, brokers, moved):
    user.start_manager()
    helper = user.watch(own, brokers)
    pids = {"both": [helper.pid, *user.brokers], "own": [helper.pid], "broker": user.brokers}
    if moved:
        until(user.scopes, what="a scope")
    user.logind.lock_session("1")
    until(user.broker.locks, what="the lock")
    assert [(s["name"], s["mode"], s["pids"]) for s in user.scopes()] == \
        ([(f"ccrun-{helper.pid}.scope", "fail", sorted(pids[moved]))] if moved else [])
    assert ended(user, helper) == ""


def test_without_a_manager_it_watches_where_it_is(user):
    helper = user.watch(SESSION, SESSION)
    user.logind.lock_session("1")
    until(user.broker.locks, what="the lock")
    assert ended(user, helper) == ""


def test_a_manager_that_refuses(user):
    user.start_manager()
    user.manager.tell("refuse", "told")
    helper = user.watch(SESSION, SESSION)
    user.logind.lock_session("1")
    until(user.broker.locks, what="the lock")
    err = ended(user, helper)
    assert "keep your log-in session after the log-out: not here" in err and "\nhint: ccctl login enable" in err
