"""What holds where the kernel cannot say exactly who connected (before Linux
6.5).  tools/test runs this, and the launches, against a build that takes its
kernel for such a one (-DSO_PEERPIDFD=9999)."""
import os
import signal
import subprocess

import msgpack
import pytest

import wire_client as wc
from attempts_programs import told_the_key
from client import until
from wire_client import Refused

pytestmark = pytest.mark.oldkernel
TOKEN = "sk-test-0123456789abcdefghij"


@pytest.fixture
def broker():
    with wc.Broker() as b:
        with b.connect() as c:
            c.call("hello")
            c.call("init", slot=[wc.slot()], key=b.key)
            c.call("put", name="zai", token=TOKEN.encode(), policy=wc.POLICY, origin=wc.ORIGIN,
                   variable=wc.VARIABLE, replace=False)
        yield b


def test_the_first_message_gets_nothing(broker):
    for op, fields in (("get", {"name": "zai"}), ("list", {"after": ""}), ("lock", {}), ("rm", {"name": "zai"}),
                       ("person", {"slot": 1, "key": broker.key})):
        with broker.connect(person=None) as c, pytest.raises(Refused, match="not verified yet"):
            c.call(op, **fields)
    with broker.connect() as c:
        c.call("hello")
        assert c.call("get", name="zai")["token"] == TOKEN.encode()


def test_messages_that_waited_get_nothing(broker):
    """As a process that is gone would have left them for whoever has its number."""
    pid = broker.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with broker.connect() as c:
            c.send(wc.request("hello"))
            c.send(wc.request("get", name="zai"))
            os.kill(pid, signal.SIGCONT)
            first = msgpack.unpackb(c.recv())
            assert first["ok"] is False and first["error"] == "peer", first
            assert c.closed()
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_session_opens_at_once(broker):
    assert TOKEN in str(wc.in_child(lambda: wc.launch(broker, "mark", "arrived", "hide", "claim")))


def test_a_yes_is_for_nobodys_first_message(broker):
    """It might be of a process that has ended, whose number the one that waits has now."""
    def tries(*first):
        with broker.connect() as c:
            for op in first:
                c.call(op)
            reply = c.ask("open", **wc.open_fields())
        return "granted" if reply["ok"] else reply["error"]

    with broker.connect() as c:
        c.call("hello")
        c.call("confirm-set", name="zai", confirm="session")
        assert tries() == "confirm"
        launch = c.call("confirmations")["launches"][0]["id"]
        assert c.prove(1, broker.key)["ok"] and c.call("confirm", id=launch)["ok"]
    assert tries() == "peer"
    assert tries("hello") == "granted"


def test_a_launch_that_waits_for_a_yes(ready, token):
    assert ready.ccctl("confirm", "demo", "first").rc == 0
    p = ready.popen([ready.bin / "ccrun", "--exec", "/bin/sh", "demo", "-c", 'printf %s "$ANTHROPIC_AUTH_TOKEN"'],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True)
    until(lambda: ready.ccctl("confirm", "--json").out.strip() != "[]", what="a launch that waits")
    assert ready.with_passphrase("confirm").rc == 0
    assert p.communicate(timeout=20)[0] == token


def test_a_broker_that_the_connection_started_is_believed_the_second_time(c, token):
    """A socket unit's broker is younger than the connection that it is started
    for, which without a pidfd looks as if another process had its number."""
    from ccrun import CCBROKER
    from client import alive, until
    c.demo()
    c.ready(token)
    os.kill(c.broker(), signal.SIGTERM)
    socket = c.runtime / "ccrun/broker.sock"
    until(lambda: not socket.exists(), what="the broker's end")
    words = [f"--setenv={k}={v}" for k, v in c.env().items()]
    unit = c.popen(["systemd-socket-activate", "--seqpacket", "-l", socket, *words, CCBROKER],
                   stderr=subprocess.DEVNULL)
    until(socket.exists, what="the socket")
    r = c.unlock()
    assert r.rc == 0 and "the vault is open" in r.err, r
    assert c.ccrun("demo", "-p", "hello").rc == 0
    unit.terminate()
    until(lambda: not alive(unit.pid), what="the unit's end")


@pytest.mark.parametrize("control", ["", "broker-same"])
def test_an_answer_from_before_the_look_makes_nobody_a_broker(c, token, control):
    """The client asks twice, and the second answer is to come after it has looked who answers."""
    c.demo()
    c.init()
    assert told_the_key("hide", "ahead")(c, token, {"CCRUN_WITHOUT": control}) == bool(control)
