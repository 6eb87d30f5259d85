"""One watcher for all users of the system broker: the real ccrun-logind --system
between the real broker and a logind of the test's."""
import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

import wire_client
from client import World, alive, children_named, until
from logind import Logind, read_log
from system_broker import PREFIX, SOCKET, STATE, WATCHER_DIR, WATCHER_UID, SystemWatcher, account, as_user, mount
from test_system_broker import got, launch

pytestmark = pytest.mark.root

MEND = "as root: systemctl enable --now ccrun-logind"


@pytest.fixture
def broker(system):
    with system.broker() as b:
        yield b


@pytest.fixture
def accounts(system, tmp_path):
    """The bus takes nobody of whom it cannot tell the groups."""
    text = open("/etc/passwd", encoding="utf-8").read()
    (tmp_path / "passwd").write_text(text + "".join(
        f"user{uid}:x:{uid}:{uid}::/nonexistent:/bin/sh\n" for uid in (account(1).pw_uid, account(2).pw_uid, WATCHER_UID)))
    mount("--bind", tmp_path / "passwd", "/etc/passwd")
    yield
    subprocess.run(["umount", "/etc/passwd"], check=True)


@pytest.fixture
def logind(accounts):
    with World() as world, Logind(world) as bus:
        # Everybody may reach the system bus.
        for directory in (world.root, bus.dir):
            directory.chmod(0o711)
        yield bus


@pytest.fixture
def users(system, ep, broker, logind, token):
    """Two with an open vault each, both logged in."""
    with system.user(1, ep) as a, system.user(2, ep) as b:
        for user, session in ((a, "a"), (b, "b")):
            logind.new_session(session, user.uid)
            user.plain_env.update(logind.env)
            user.demo()
        yield a, b


def fill(*users, token="a-token-0123456789-0123456789"):
    for user in users:
        user.init_system()
        user.add("demo", token)


@pytest.fixture
def watched(users, logind):
    with SystemWatcher(logind.env) as w:
        fill(*users)
        yield w


def held(logind):
    return [i for i in logind.inhibitors() if i["closed"] is None]


def own_watchers():
    """Those that somebody's ccctl started."""
    return [p for p in children_named(os.getpid(), "ccrun-logind")
            if alive(p) and os.stat(f"/proc/{p}").st_uid != WATCHER_UID]


def states(*users):
    return [(s["state"], s["locked_why"]) for s in (u.status() for u in users)]


def sleep(logind):
    logind.prepare_for_sleep(True)
    until(lambda: not held(logind), what="the inhibitor is released")


# ---- what happens

def test_sleep_waits_until_both_are_locked(watched, users, logind, broker):
    a, b = users
    assert all(u.status()["watched"] for u in users) and len(held(logind)) == 1
    pid = broker.pid
    os.kill(pid, signal.SIGSTOP)
    logind.prepare_for_sleep(True)
    with pytest.raises(TimeoutError):
        until(lambda: not held(logind), timeout=1)
    os.kill(pid, signal.SIGCONT)
    until(lambda: not held(logind), what="the inhibitor is released")
    assert states(a, b) == [("locked", "suspend")] * 2
    for u in users:
        assert [e["why"] for e in u.lines() if e["event"] == "lock"] == ["suspend"]
        assert launch(u).rc == 125
    logind.prepare_for_sleep(False)
    until(lambda: held(logind), what="another inhibitor")
    assert a.unlock().rc == 0
    sleep(logind)
    assert states(a) == [("locked", "suspend")]


def test_each_by_the_own_settings(watched, users, logind, token):
    a, b = users
    assert b.ccctl("settings", "suspend=no", "screen=no", "logout=no").rc == 0
    logind.lock_session("b")
    logind.remove_session("b")
    sleep(logind)
    assert states(a, b) == [("locked", "suspend"), ("unlocked", None)]


@pytest.mark.parametrize("how", ["lock", "hint"])
def test_a_screen_locks_its_user_s_alone(watched, users, logind, how):
    a, b = users
    (logind.lock_session if how == "lock" else logind.set_locked_hint)("b")
    until(lambda: b.status()["state"] == "locked", what="the lock")
    assert states(a, b) == [("unlocked", None), ("locked", "screen")]


def test_a_log_out_locks_with_the_last_session(watched, users, logind):
    a, b = users
    logind.new_session("c", a.uid)
    logind.remove_session("a")
    logind.lock_session("b")  # heard after it
    until(lambda: b.status()["state"] == "locked", what="the lock")
    assert states(a) == [("unlocked", None)]
    logind.remove_session("c")
    until(lambda: a.status()["state"] == "locked", what="the lock")
    assert states(a, b) == [("locked", "logout"), ("locked", "screen")]


def test_a_session_that_closes_in_silence_is_noticed(watched, users, logind):
    a, b = users
    logind.set_property("a", "State", "closing")
    until(lambda: a.status()["state"] == "locked", timeout=60, what="the lock")
    assert states(a, b) == [("locked", "logout"), ("unlocked", None)]


def test_a_flood_of_one_user_s_screen_locks_delays_nobody_s_sleep(watched, users, logind):
    """The signals of others wait behind them: so none of them costs a call to logind."""
    a, b = users
    listed = lambda: len([e for e in read_log(logind.log) if e["event"] == "listed"])
    before = listed()
    logind.lock_session("b", 300)
    sleep(logind)
    assert listed() == before
    assert states(a, b) == [("locked", "suspend"), ("locked", "screen")]


def test_a_broker_that_is_busy_misses_nothing(watched, users, logind, broker):
    """More than a socket takes, while it does not read."""
    a, b = users
    pid = broker.pid
    os.kill(pid, signal.SIGSTOP)
    logind.lock_session("b", 400)
    logind.prepare_for_sleep(True)
    with pytest.raises(TimeoutError):
        until(lambda: not held(logind), timeout=0.5)
    os.kill(pid, signal.SIGCONT)
    until(lambda: not held(logind), what="the inhibitor is released")
    assert states(a, b) == [("locked", "suspend"), ("locked", "screen")]
    watched.stop()
    assert watched.err == ""


def test_logind_s_files_tell_it_at_once(users, logind):
    """What keeps a session "closing" may keep it for days; logind's files say so, and
    nobody waits for the next look, which is 20 s away."""
    files = Path("/run/systemd/sessions")
    files.mkdir(parents=True)
    with SystemWatcher(logind.env):
        fill(*users)
        logind.set_property("a", "State", "closing")
        (files / ".new").write_text("STATE=closing\n")
        (files / ".new").rename(files / "a")
        until(lambda: users[0].status()["state"] == "locked", timeout=10, what="the lock")
        assert states(*users) == [("locked", "logout"), ("unlocked", None)]


def test_status_says_when_sleep_does_not_wait(users, logind):
    a, b = users
    logind.refuse_inhibitors()
    with SystemWatcher(logind.env):
        fill(a, b)
        assert [(s["watched"], s["delays"]) for s in (u.status() for u in users)] == [(True, False)] * 2
        assert "watched        yes, but a suspend does not wait" in b.ccctl("status").out


# ---- without anybody's ccctl

def test_a_vault_that_opens_by_itself_is_watched(watched, users, logind, broker):
    a, _ = users
    subprocess.run([PREFIX / "bin/ccctl", "host", "init", "--system"], check=True, capture_output=True)
    assert a.ccctl("slot", "add", "keyfile").rc == 0
    broker.restart()
    assert watched.ends() == (0, "")  # and its unit starts the next
    assert a.status()["state"] == "unlocked" and not a.status()["watched"]
    with SystemWatcher(logind.env):
        assert a.status()["watched"]
        sleep(logind)
        assert states(a) == [("locked", "suspend")]
    assert not own_watchers()


def test_status_says_where_none_is(watched, users, logind):
    a, _ = users
    assert "watched        yes (" in a.ccctl("status").out
    watched.stop(signal.SIGKILL)
    until(lambda: not a.status()["watched"], what="the broker notices")
    assert "watched        no: " in a.ccctl("status").out and MEND in a.ccctl("status").out
    with SystemWatcher(logind.env):
        assert a.status()["watched"] and MEND not in a.ccctl("status").out
        sleep(logind)
        assert states(*users) == [("locked", "suspend")] * 2


def test_a_vault_that_was_moved_is_watched(users, logind, token):
    """By a watcher of its user's where the system has none."""
    a, _ = users
    a.init()
    a.add("demo", token)
    assert a.with_passphrase("move", "system").rc == 0
    until(lambda: a.status()["watched"], what="the watcher")
    assert a.status()["broker"] == "system" and got(launch(a), token)
    sleep(logind)
    assert states(a) == [("locked", "suspend")]


def test_it_takes_the_place_of_users_watchers(users, logind):
    a, b = users
    fill(a, b)
    until(lambda: a.status()["watched"] and b.status()["watched"] and len(own_watchers()) == 2, what="their own")
    with SystemWatcher(logind.env):
        until(lambda: not own_watchers(), what="their end")
        assert a.status()["watched"] and b.status()["watched"]
        a.ccctl("lock")
        assert a.unlock().rc == 0 and a.unlock().rc == 0
        assert not own_watchers() and a.status()["watched"]
        sleep(logind)
        assert states(a, b) == [("locked", "suspend")] * 2


def test_only_one(watched, users, logind):
    second = SystemWatcher(logind.env).start()
    assert not second.watches and second.ends() == (0, "")
    assert users[0].status()["watched"]


# ---- who may

def ask(op, **fields):
    with wire_client.Client(SOCKET) as c:
        return c.ask(op, **fields)


def refused(answer, error):
    return not answer["ok"] and answer["error"] == error


@pytest.mark.parametrize("directory", ["none", "another's", "root's", "writable", "a file"])
def test_nobody_else_speaks_for_all(users, directory):
    a, b = users
    fill(a, b)
    watch = lambda: ask("watch", kind="logind", all=True)
    if directory == "a file":
        WATCHER_DIR.write_text("")
        os.chown(WATCHER_DIR, b.uid, b.uid)
    elif directory != "none":
        WATCHER_DIR.mkdir()
        WATCHER_DIR.chmod(0o777 if directory == "writable" else 0o755)
        owner = {"another's": WATCHER_UID, "root's": 0, "writable": b.uid}[directory]
        os.chown(WATCHER_DIR, owner, owner)
    try:
        assert refused(b.act(watch), "peer") and refused(watch(), "peer")
        for fields in ({"uid": a.uid}, {"all": True}, {"uid": b.uid, "all": True}):
            for why in ("screen", "request"):
                assert refused(b.ask("lock", why=why, **fields), "peer"), fields
                assert refused(ask("lock", why=why, **fields), "peer"), fields
        assert states(a, b) == [("unlocked", None)] * 2
        assert [e["result"] for e in b.lines() if e["event"] == "lock"] == ["peer"] * 6
    finally:
        if WATCHER_DIR.exists():
            (WATCHER_DIR.rmdir if WATCHER_DIR.is_dir() else WATCHER_DIR.unlink)()


@pytest.mark.parametrize("controls", [(), ("system-watcher",)])
def test_who_poses_as_it_locks_another_s_vault(system, ep, token, controls):
    with system.broker(controls=controls), system.user(1, ep) as a, system.user(2, ep) as b:
        a.demo()
        fill(a)

        def pose():
            with wire_client.Client(SOCKET) as c:
                return c.ask("watch", kind="logind", all=True), c.ask("lock", why="suspend", uid=a.uid)
        watches, locks = b.act(pose)
        assert watches["ok"] == locks["ok"] == bool(controls)
        assert states(a) == [("locked", "suspend") if controls else ("unlocked", None)]


def test_a_user_s_watcher_speaks_for_its_user(users):
    a, b = users
    for user in users:
        del user.plain_env["DBUS_SYSTEM_BUS_ADDRESS"]
    fill(a, b)

    def watch():
        with wire_client.Client(SOCKET) as c:
            return c.ask("watch", kind="logind"), c.ask("watch", kind="logind", all=True), \
                c.ask("lock", why="screen", uid=a.uid), c.ask("lock", why="screen")
    first, second, others, own = b.act(watch)
    assert first["ok"] and refused(second, "peer") and refused(others, "peer") and own["locked"]
    assert states(a, b) == [("unlocked", None), ("locked", "screen")]


def test_what_the_system_s_watcher_may_say(users, system):
    a, _ = users
    fill(a)
    WATCHER_DIR.mkdir(exist_ok=True)
    os.chown(WATCHER_DIR, WATCHER_UID, WATCHER_UID)

    def watch():
        wire_client.undumpable()
        with wire_client.Client(SOCKET) as c:
            return [c.ask(op, **fields) for op, fields in (
                ("watch", {"kind": "logind", "all": True}), ("watch", {"kind": "logind", "all": True}),
                ("lock", {}), ("lock", {"why": "request", "all": True}), ("lock", {"why": "screen"}),
                ("lock", {"why": "screen", "uid": a.uid, "all": True}), ("lock", {"why": "screen", "uid": 4000}),
                ("lock", {"why": "screen", "uid": 1 << 40}), ("get", {"name": "demo"}))]
    said = as_user(WATCHER_UID, watch)
    assert said[0]["ok"] and refused(said[1], "exists")
    assert all(refused(answer, "bad-value") for answer in said[2:6]), said
    assert [answer["locked"] for answer in said[6:8]] == [False, False]
    assert not said[8]["ok"]
    assert states(a) == [("unlocked", None)]
    assert not (STATE / "vaults/4000").exists(), "a place for a uid that never came"


def test_it_must_be_undumpable(users):
    WATCHER_DIR.mkdir(exist_ok=True)
    os.chown(WATCHER_DIR, WATCHER_UID, WATCHER_UID)

    del users[0].plain_env["DBUS_SYSTEM_BUS_ADDRESS"]
    fill(users[0])

    def watch():
        wire_client.libc.prctl(wire_client.PR_SET_DUMPABLE, 1, 0, 0, 0)
        return ask("watch", kind="logind", all=True)
    assert refused(as_user(WATCHER_UID, watch), "posture")
    assert not users[0].status()["watched"]


def test_it_is_no_one_s_reader(watched):
    """A uid that reads no vault and puts no socket into the broker's place."""
    for path in (STATE, SOCKET.parent):
        assert os.stat(path).st_uid != WATCHER_UID and not stat.S_IMODE(os.stat(path).st_mode) & 0o022
    assert as_user(WATCHER_UID, os.access, STATE, os.R_OK | os.X_OK) is False
