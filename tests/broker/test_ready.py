"""What a service manager is told (sd_notify(3)): that clients are served, by the process that it
started, and nothing where it does not come to that."""
import socket
import struct

import pytest

import wire_client as wc


@pytest.fixture(params=["a path", "a name"])
def manager(request, tmp_path):
    """A socket, and what NOTIFY_SOCKET has for it."""
    name = str(tmp_path / "notify") if request.param == "a path" else f"@{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(name.replace("@", "\0"))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        s.settimeout(20)
        yield s, name


def heard(s):
    """(what is said, the process that says it)"""
    text, [(_, _, sender)], _, _ = s.recvmsg(100, socket.CMSG_SPACE(12))
    return text, struct.unpack("3i", sender)[0]


def test_ready_is_said_once_clients_are_served_by_the_process_that_was_started(manager):
    s, name = manager
    with wc.Broker() as world:
        world.stop()
        world.env["NOTIFY_SOCKET"] = name
        world.process = world.popen("--foreground")
        assert heard(s) == (b"READY=1", world.process.pid)
        assert world.call("hello")["state"] == "none"
        assert world.pid != world.process.pid
        assert world.stop() == 0
        s.settimeout(0.2)
        with pytest.raises(TimeoutError):
            s.recv(100)


def test_a_broker_that_does_not_come_up_says_nothing(manager):
    s, name = manager
    with wc.Broker() as world:
        world.env["NOTIFY_SOCKET"] = name
        assert world.fails()[0] == 0  # another one serves
        s.settimeout(0)
        with pytest.raises(BlockingIOError):
            s.recv(100)


def test_what_is_no_such_socket_keeps_no_broker_from_serving():
    for name in ("", "vsock:2:1", "/" + "long" * 40, "/nowhere"):
        with wc.Broker() as world:
            world.stop()
            world.env["NOTIFY_SOCKET"] = name
            world.start()
            assert world.call("hello")["state"] == "none"
