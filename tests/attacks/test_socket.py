"""The socket: who stands in for the broker is told nothing, and who gets hold of
a connection that is not its own can claim nothing."""
import os
import shlex
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import wire_client as wc
from attack import nowhere, session
from attempts_programs import Fake, kill_broker
from ccrun import PASSPHRASE
from client import until
from wire_client import Broker, Child, Closed, Refused, in_child, launch, mark, undumpable

ASKED = [
    ("locked", lambda c, t: c.unlock()),
    ("none", lambda c, t: c.with_passphrase("init")),
    ("unlocked", lambda c, t: c.ccctl("add", "demo", "--replace", input=t + "\n")),
    ("unlocked", lambda c, t: c.ccctl("approve", "demo", "--yes")),
    ("unlocked", lambda c, t: c.ccctl("get", "demo")),
    ("unlocked", lambda c, t: c.ccrun("demo", "-p", "hello")),
]


@pytest.mark.parametrize("how", [("mark",), ("mark", "hide"), ()])
@pytest.mark.parametrize("state,ask", ASKED)
def test_a_fake_broker_is_told_no_secret(ready, ep, token, state, ask, how):
    """Marked, marked and undumpable, neither: whoever is not a hardened process
    from outside hears no more than what is asked of it."""
    kill_broker(ready)
    with Fake(ready, state, *how) as fake:
        r = ask(ready, token)
        assert r.rc in (1, 5, 125) and not ep.main, r
        assert "descends from a session" in r.err or "not hardened" in r.err, r
        told = fake.told()
        assert b"hello" in told or b"open" in told, "the control: it was asked"
        for word in (b"unlock", b"put", b"key", b"token\xc4", PASSPHRASE.encode()):
            assert word not in told, told
        nowhere(ready, token, told)


def test_control_what_passes_for_a_broker_is_told(ready, token):
    """Undumpable and not from a session: the recorder hears the key and the token
    (code outside any session is not what this defends against)."""
    kill_broker(ready)
    with Fake(ready, "locked", "hide") as fake:
        assert ready.unlock().rc == 0
        until(lambda: b"unlock" in fake.told())
    until(lambda: not connects(ready), what="the fake's end")
    (ready.home / "stop").unlink()
    with Fake(ready, "unlocked", "hide") as fake:
        ready.add("demo", token, "--replace")
        until(lambda: token.encode() in fake.told())
        fake.record.unlink()


def connects(c):
    try:
        wc.Client(c.runtime / "ccrun/broker.sock").close()
    except OSError:
        return False
    return True


def test_a_session_cannot_take_the_brokers_place(ready, ep, tools, token):
    """The real thing: a session's child kills the broker, binds the socket, and
    waits for the person.  Not confined, since else it cannot kill it."""
    ready.demo(policy={"confine": "off"})
    assert ready.ccctl("approve", "demo", "--yes").rc == 0
    pid = ready.broker()

    def start(argv):
        line = " ".join(shlex.quote(str(a)) for a in argv)
        r = session(ready, tools, f"kill -9 {pid}; (setsid {line} < /dev/null > /dev/null 2>&1 &)")
        assert r.rc == 0, r
    with Fake(ready, "locked", "hide", start=start) as fake:
        for r in (ready.unlock(), ready.ccrun("demo", "-p", "hello"), ready.ccctl("get", "demo")):
            assert r.rc in (1, 5, 125) and "descends from a session" in r.err, r
        nowhere(ready, token, fake.told())
        assert b"unlock" not in fake.told() and not ep.main


def test_the_sockets_directory_must_be_private(ready, token):
    kill_broker(ready)
    for mode in (0o777, 0o750, 0o711):
        (ready.runtime / "ccrun").chmod(mode)
        r = ready.unlock()
        assert r.rc != 0 and "chmod 700" in r.err, r
    (ready.runtime / "ccrun").chmod(0o700)
    elsewhere = ready.root / "elsewhere"
    (ready.runtime / "ccrun").rename(elsewhere)
    (ready.runtime / "ccrun").symlink_to(elsewhere)
    r = ready.unlock()
    assert r.rc != 0 and "symbolic link" in r.err, r


# ---- a connection in other hands (raw protocol) -------------------------

@pytest.fixture(scope="module")
def broker():
    with Broker() as b:
        b.init()
        b.put("zai", "a-token-of-twenty-and-more")
        b.put("loose", "a-token-of-twenty-and-more", "delivery=env nested=deny strict=no exposed=no")
        b.put("nested", "a-token-of-twenty-and-more", "delivery=auto nested=allow strict=no exposed=no")
        yield b


def try_everything(c):
    """What the broker answers to every message on a connection that is not ours."""
    mark()
    undumpable()
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with mine, theirs:
        tried = [(wc.fixed(wc.ARRIVED), []), (wc.fixed(wc.CLAIM), [theirs.fileno()]), (wc.fixed(wc.AGAIN), []),
                 (wc.request("pipe"), []), (wc.request("get", name="zai"), []), (wc.request("hello"), [])]
        answers = [c.raw(packet, fds).get("error") for packet, fds in tried]
        mine.setblocking(False)
        theirs.close()
        try:
            answers.append(mine.recv(wc.PACKET_MAX) or "nothing")
        except ConnectionResetError:
            answers.append("nothing")
    return answers


NOTHING = ["peer"] * 6 + ["nothing"]


def test_control_the_opener_itself_claims(broker):
    assert in_child(launch, broker, "mark", "arrived", "hide", "claim")


@pytest.mark.parametrize("state", ["opened", "arrived", "claimed"])
def test_an_inherited_connection_is_worth_nothing(broker, state):
    def parent():
        with broker.connect() as c:
            c.open()
            mark()
            if state != "opened":
                c.arrived()
            if state == "claimed":
                undumpable()
                c.claim()
            return in_child(try_everything, c)
    assert in_child(parent) == NOTHING


def test_a_passed_connection_is_worth_nothing(broker):
    """Sent over a socket, or pulled out by pidfd_getfd, a descriptor stays its
    opener's."""
    mine, theirs = socket.socketpair()

    def opener():
        with broker.connect() as c:
            c.open()
            mark()
            socket.send_fds(theirs, [b"x"], [c.sock.fileno()])
            theirs.recv(1)

    def thief():
        fds = socket.recv_fds(mine, 1, 1)[1]
        c = broker.connect()
        c.sock = socket.socket(fileno=fds[0])
        c.sock.settimeout(8)
        try:
            return try_everything(c)
        finally:
            mine.send(b"x")
    one, two = Child(opener), Child(thief)
    assert two.result() == NOTHING
    one.result()
    mine.close()
    theirs.close()


@pytest.mark.parametrize("trusted", ["/bin/sleep", "/usr/bin/env"])
def test_exec_of_a_trusted_program_lends_nothing(broker, trusted):
    """Connect, open, leave the connection to a helper, and become a program that
    the broker would take for harmless: the helper is still not the opener."""
    mine, theirs = socket.socketpair()

    def trick():
        c = broker.connect()
        c.open()
        mark()
        if os.fork() == 0:
            parent = f"/proc/{os.getppid()}/comm"
            until(lambda: Path(parent).read_text().strip() in ("sleep", "env"))
            theirs.send(",".join(try_everything(c)).encode())
            os._exit(0)
        os.execv(trusted, [trusted, *["sleep"] * trusted.endswith("env"), "5"])
    child = Child(trick)
    mine.settimeout(8)
    answer = mine.recv(1000).decode().split(",")
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    os.close(child.pipe)
    assert answer == NOTHING
    mine.close()
    theirs.close()


def test_of_racing_claims_one_wins(broker):
    def race():
        with broker.connect() as c:
            c.open()
            mark()
            c.arrived()
            undumpable()
            pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(8)]
            gate = threading.Barrier(len(pairs))

            def send(theirs):
                gate.wait()
                try:
                    c.send(wc.fixed(wc.CLAIM), [theirs.fileno()])
                except Closed:
                    pass
                theirs.close()
            threads = [threading.Thread(target=send, args=(t,)) for _, t in pairs]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            answers = []
            for mine, _ in pairs:
                mine.settimeout(8)
                packet = mine.recv(wc.PACKET_MAX)
                answers.append(packet[4] if packet else None)
            return answers
    answers = in_child(race)
    assert answers.count(wc.OK) == 1 and set(answers) <= {wc.OK, wc.REFUSED, None}, answers


@pytest.mark.parametrize("steps,why", [
    (("mark", "arrived", "claim"), "dumpable"), (("arrived", "hide", "claim"), "mark"),
    (("mark", "hide", "claim"), "nothing to claim"), (("mark", "arrived", "traceme", "hide", "claim"), "traced"),
    (("mark", "arrived", "hide", "claim", "claim"), "claimed already"),
])
def test_a_claim_from_an_unfit_process(broker, steps, why):
    with pytest.raises(Refused, match=why):
        in_child(launch, broker, *steps)


def test_a_session_cannot_have_the_broker_speak_for_it(broker):
    """A claim's answer goes to a socket that the claimer names.  If that is a
    client's connection to a fake broker, the client sees the true broker's
    credentials on it: what it sees must still be no answer that it believes."""
    where = broker.root / "fake.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(where))
    listener.listen()
    victim = wc.Client(where)
    victim.send(wc.request("hello"))

    def relay():
        accepted, _ = listener.accept()
        accepted.recv(wc.PACKET_MAX)
        mark()
        with broker.connect() as c:
            c.open("nested")
            c.send(wc.fixed(wc.CLAIM), [accepted.fileno()])  # too early: refused, there
            try:
                c.recv()
            except Closed:
                pass
    in_child(relay)
    packet = victim.recv()
    assert victim.sender == broker.pid, "the control: it does come from the broker"
    assert packet.startswith(wc.MAGIC)
    with pytest.raises(Exception):
        wc.unpack(packet)
    victim.close()


# ---- the client's own check --------------------------------------------

def test_a_recycled_pid_does_not_pass_for_a_broker(ready, tools, token):
    """The fake answers and ends while the client is stopped; pids are burnt until
    a process from outside (any daemon's next child) has that number."""
    if int(open("/proc/sys/kernel/pid_max").read()) > 40000:
        pytest.skip("it takes too long to go round all pids here")
    kill_broker(ready)
    place = ready.runtime / "ccrun/broker.sock"
    place.unlink(missing_ok=True)
    racer = ready.popen([tools / "recycle", place], stdout=subprocess.PIPE, text=True)
    until(place.exists)
    r = ready.ccctl("add", "demo", "--replace", input=token + "\n", timeout=50)
    said = racer.communicate(timeout=10)[0]
    if "recycled" not in said:
        pytest.skip("the pid was not hit")
    assert "put" not in said and r.rc != 0, (said, r)
    assert token not in said
