"""The relays of the system broker: systemd starts them with a uid of their own, in the
sandbox that their unit describes, and no process with a user's uid has the key in
memory.  systemd is the real one (tests/lib/booted.py)."""
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import canary
from booted import RELAY_DIR, RELAY_UID, START, Booted, show
from client import alive, until
from endpoint import Bash, Text
from system_broker import BROKER_UID, PREFIX, SOCKET, as_user
from wire_client import Client, open_fields, request, unpack

pytestmark = pytest.mark.root
systemctl = Booted.systemctl
SESSION = Path(__file__).resolve().parents[1] / "lib/relay_session.py"


@pytest.fixture(scope="module")
def booted():
    if os.geteuid() != 0:
        pytest.skip("needs root: systemd, several users")
    try:
        m = Booted().__enter__()
    except PermissionError as e:
        pytest.skip(str(e))
    yield m
    m.leave()


@pytest.fixture
def scene(booted, ep, token):
    """scene(function): function(user), where a system broker runs and the user has a key in it."""
    booted.clean()

    def run():
        systemctl("start", "ccbroker.service")
        with booted.user(1, ep) as user:
            user.demo()
            until(booted.broker().serving, 10, "the broker")
            user.init_system()
            user.add("demo", token)
            return run.function(user)

    def play(function):
        run.function = function
        return booted.inside(run, timeout=120)
    return play


class Session:
    """relay_session.py as that user, in a process that knows nothing of this one's memory."""

    def __init__(self, user, entry="demo"):
        user.own()
        argv = user.argv([sys.executable, str(SESSION), str(SOCKET), str(user.runtime), entry,
                          "bearer " + user.endpoint_used.url])
        self.process = subprocess.Popen([str(a) for a in argv], env=user.env(), cwd="/", text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.started = self.answer()

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, text="hello"):
        print(text, file=self.process.stdin, flush=True)
        return self.answer()

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@contextmanager
def session(user):
    s = Session(user)
    try:
        yield s
    finally:
        s.process.kill()
        s.end()


def field(pid, key, leaf="status"):
    return re.search(rf"^{key}:\s*(\S+)", Path(f"/proc/{pid}/{leaf}").read_text(), re.M)[1]


def processes():
    """{pid: (uid, name)} of the booted machine, this process and its parents left out."""
    mine, pid = set(), os.getpid()
    while pid:
        mine.add(pid)
        pid = int(field(pid, "PPid"))
    found = {}
    for pid in (int(n) for n in os.listdir("/proc") if n.isdigit() and int(n) not in mine - {1}):
        try:
            found[pid] = (int(field(pid, "Uid")), field(pid, "Name"))
        except OSError:
            pass
    return found


def holders(token):
    """Whose memory has a piece of the token: {(uid, name)}; and how many were searched."""
    found, searched = set(), 0
    for pid, who in processes().items():
        try:
            hits, size, _ = canary.scan_memory(pid, token, spare_locked=False)
        except (FileNotFoundError, ProcessLookupError):
            continue
        searched += size > 0
        if hits:
            found.add(who)
    return found, searched


def relays():
    """The pids of those that serve; each has a parent that only waits for it."""
    pids = {pid for pid, (uid, _) in processes().items() if uid == RELAY_UID}
    return [pid for pid in pids if int(field(pid, "PPid")) in pids]


# ---- the service is root's

def test_the_broker_says_whose_the_relays_are(scene):
    def play(user):
        seen = []
        for verb in ("start", "stop", "start"):
            systemctl(verb, "ccrun-relay.socket")
            seen.append((user.status()["relay"], user.ccctl("status").out))
        return seen
    there, gone, again = scene(play)
    assert there[0] == again[0] == "own-uid" and gone[0] == "none"
    assert re.search(r"^relay +with a uid of its own, ccrun-relay$", there[1], re.M)
    assert re.search(r"^relay +NONE: .*as root: systemctl start ccrun-relay.socket$", gone[1], re.M)


def test_only_the_broker_connects_to_it(scene):
    def play(user):
        def connect():
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
                s.connect(str(START))
        with pytest.raises(PermissionError):
            user.act(connect)
        with pytest.raises(PermissionError):
            as_user(RELAY_UID, connect)
        assert stat.S_IMODE(RELAY_DIR.stat().st_mode) == 0o755 and RELAY_DIR.stat().st_uid == 0
        assert show("ccrun-relay.socket", "NAccepted") == "0"
    scene(play)


def change_owner():
    os.chown(RELAY_DIR, BROKER_UID + 7, 0)


def change_mode():
    RELAY_DIR.chmod(0o777)


def change_listener():
    """A socket in root's directory where another one listens."""
    systemctl("stop", "ccrun-relay.socket")
    RELAY_DIR.mkdir(exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(START))
    START.chmod(0o666)
    pid = os.fork()
    if pid == 0:
        os.setresuid(BROKER_UID + 7, BROKER_UID + 7, BROKER_UID + 7)
        listener.listen()
        signal.pause()
    listener.close()
    until(lambda: "start.sock" in Path("/proc/net/unix").read_text() and field(pid, "State") == "S", 5, "a listener")


@pytest.mark.parametrize("change", [change_owner, change_mode, change_listener])
def test_nobody_but_root_stands_in_for_the_service(scene, change):
    def play(user):
        change()
        with session(user) as s:
            return s.started, user.status()["relay"]
    started, place = scene(play)
    assert started["error"] == "unsafe-path" and "is not root's" in started["message"], started
    # The mode and owner of files can be told without connecting, who listens cannot.
    assert place == ("own-uid" if change is change_listener else "none")


def test_without_the_service_a_session_is_told_how_to_have_it(scene):
    def play(user):
        systemctl("stop", "ccrun-relay.socket")
        with session(user) as s:
            return s.started
    started = scene(play)
    assert started["error"] == "no-entry" and "systemctl start ccrun-relay.socket" in started["hint"], started


# ---- a session

def test_no_process_of_a_user_ever_has_the_key(scene, ep, token):
    def play(user):
        with session(user) as s:
            seen = [s.started, holders(token)]
            seen += [s.ask(), holders(token)]
            assert user.ccctl("lock").rc == 0
            seen += [holders(token), s.ask()]
            assert user.unlock().rc == 0
            seen += [s.ask("again"), holders(token)]
        until(lambda: not relays(), 10, "the relay's end")
        return seen + [holders(token), user.uid]
    started, before, first, during, locked, refused, again, unlocked, after, uid = scene(play)
    assert started == {}
    broker = (BROKER_UID, "ccbroker")
    relay = (RELAY_UID, "ccrun-relay")
    assert first["status"] == again["status"] == 200 and "hello from loopback" in first["body"], (first, again)
    assert [r.headers["authorization"] for r in ep.main] == ["Bearer " + token] * 2
    assert refused["status"] >= 400 and "lock" in refused["body"], refused
    assert before[0] == {broker} and during[0] == unlocked[0] == {broker, relay}
    assert locked[0] == set() and after[0] == {broker}
    # systemd, the broker's four, the relay's two, the session.
    assert during[1] >= 8
    assert uid not in {u for u, _ in before[0] | during[0] | locked[0] | unlocked[0] | after[0]}


def test_a_relay_is_in_the_sandbox_that_its_unit_says(scene):
    def play(user):
        with session(user) as s:
            assert s.ask()["status"] == 200
            pid, = relays()
            see = "/usr/bin/nsenter", f"--target={pid}", "--mount"
            def try_(*argv):
                return subprocess.run([*see, f"--setuid={RELAY_UID}", f"--setgid={RELAY_UID}", *argv],
                                      capture_output=True, text=True)
            return {"caps": {field(pid, key) for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
                    "no_new_privs": field(pid, "NoNewPrivs"), "groups": field(pid, "Groups"),
                    "filters": int(field(pid, "Seccomp_filters")),
                    "sees": try_("ls", "/proc").stdout.split(),
                    "homes": try_("ls", "/home", "/root").stderr,
                    # Not even root writes where it is.
                    "write": subprocess.run([*see, "touch", "/var/x", "/etc/x", f"{PREFIX}/x"], capture_output=True, text=True).stderr,
                    "broker": try_("ls", "/run/ccrun", "/run/ccrun-relay").stderr,
                    "locked": int(field(pid, "VmLck")),
                    "core": re.search(r"^Max core file size +(\S+) +(\S+)", Path(f"/proc/{pid}/limits").read_text(), re.M).groups(),
                    "owner": os.stat(f"/proc/{pid}/stat").st_uid, "pid": pid,
                    "environ": Path(f"/proc/{pid}/environ").read_text()}
    seen = scene(play)
    assert seen["caps"] == {"0" * 16} and seen["no_new_privs"] == "1"
    assert seen["filters"] >= 2 and seen["core"] == ("0", "0") and seen["locked"] > 0
    assert seen["owner"] == 0, "it is dumpable"
    assert "1" not in seen["sees"] and "sys" not in seen["sees"]
    assert seen["homes"].count("ermission denied") == 2, seen["homes"]
    assert seen["write"].count("Read-only file system") == 3, seen["write"]
    assert seen["broker"].count("ermission denied") == 2, seen["broker"]


def test_it_ends_with_its_session_and_with_the_broker(scene):
    def play(user):
        with session(user) as s:
            assert s.ask()["status"] == 200 and len(relays()) == 1
        until(lambda: not relays(), 10, "the end with the session")
        with session(user) as s:
            assert s.ask()["status"] == 200
            systemctl("stop", "ccbroker.service")
            assert not relays() and show("ccrun-relay.socket", "ActiveState") == "inactive"
        systemctl("start", "ccbroker.service")
        until(lambda: user.unlock().rc == 0, 10, "the broker")
        with session(user) as s:
            assert s.ask()["status"] == 200
            serving = user.status()["pid"]
            os.kill(serving, signal.SIGKILL)
            until(lambda: not relays(), 10, "the end with a broker that crashed")
        until(lambda: systemctl("list-units", "--all", "--plain", "--no-legend", "ccrun-relay@*").stdout == "",
              10, "no unit of a relay is left")
        return True
    assert scene(play)


def test_a_relay_that_was_killed_is_started_again(scene, token):
    def play(user):
        with session(user) as s:
            assert s.ask()["status"] == 200
            first, = relays()
            os.kill(first, signal.SIGKILL)
            until(lambda: not alive(first) and relays(), 10, "another relay")
            return s.ask(), holders(token)[0]
    answer, held = scene(play)
    assert answer["status"] == 200 and held == {(BROKER_UID, "ccbroker"), (RELAY_UID, "ccrun-relay")}


def test_each_user_s_session_has_a_relay_of_its_own(booted, scene, ep):
    other = canary.new_token()

    def play(user):
        with booted.user(2, ep) as b:
            b.demo()
            b.init_system()
            b.add("demo", other)
            with session(user) as s, session(b) as t:
                return s.ask()["status"], t.ask()["status"], len(relays())
    assert scene(play) == (200, 200, 2)
    assert len({r.headers["authorization"] for r in ep.main}) == 2


def test_one_user_does_not_keep_systemd_busy_for_all(booted, scene, ep):
    def one_session(user):
        with Client(SOCKET) as c:
            c.call("open", **open_fields("demo", origin="bearer " + ep.url, delivery="relay"))
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
                listener.setblocking(False)
                listener.bind("")
                listener.listen()
                c.send(request("relay"), [listener.fileno()])
                return unpack(c.recv())

    def play(user):
        answers = []
        while len(answers) < 125 and (not answers or answers[-1]["ok"]):
            answers.append(user.act(one_session, user))
            # Places of sessions that have ended are free with the broker's next look at them.
            if answers[-1].get("error") == "busy" and "connections" in answers[-1]["message"]:
                answers.pop()
                time.sleep(0.2)
        with booted.user(2, ep) as b:
            b.demo()
            b.init_system()
            b.add("demo", canary.new_token())
            with session(b) as s:
                return answers, s.ask()["status"]
    answers, status = scene(play)
    assert len(answers) == 121 and answers[-1]["error"] == "busy", answers[-1]
    assert "120 relays" in answers[-1]["message"] and status == 200


# ---- with the real client

def test_the_real_client_and_its_tools_never_have_the_key(scene, ep, token):
    ep.script = [Bash(f"touch ~/there; until [ -e ~/searched ]; do sleep 0.05; done; {canary.SNOOP}"), Text("done")]

    def play(user):
        user.provider("relayed", title="Relayed", base_url=ep.url, auth="bearer", docs="here",
                      policy={"delivery": "relay"})
        user.add("relayed", token)
        with ThreadPoolExecutor() as pool:
            client = pool.submit(user.ccrun, "relayed", "-p", "hello")
            until(lambda: (user.home / "there").exists() or client.done(), 60, "the tool")
            seen = [holders(token), {name for uid, name in processes().values() if uid == user.uid}]
            user.write("searched", "")
            r = client.result()
        snooped = (user.home / "snoop.txt").read_bytes()
        return seen + [r, canary.scan_bytes(snooped, token), len(snooped), canary.scan_files(user.root, token)]
    held, names, r, snooped, size, files = scene(play)
    assert r.rc == 0 and "done" in r.out, r
    assert {request.headers["authorization"] for request in ep.main} == {"Bearer " + token}
    assert held[0] == {(BROKER_UID, "ccbroker"), (RELAY_UID, "ccrun-relay")}
    assert any("claude" in name for name in names), names
    assert size > 1000 and not snooped and not files
