"""Several people at one system broker, of whom one is hostile.  As root, on a Machine (system_broker.py).

    print(people(machine, "sessions"))     # that way of the hostile one
"""
import os
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path

import client as world
import crowd
import wire_client as wc
from played_relay import memfd
from relay_broker import Provider, answer
from relayed import Session, origin_of
from system_broker import BROKER_UID, PREFIX, SOCKET, STATE, account, become

RELAY_UID = BROKER_UID - 1
SERVICE = Path("/run/ccrun-relay")
USAGE = {"id": "m", "type": "message", "usage": {"input_tokens": 1, "output_tokens": 1}}
RELAY_PAUSE = 1  # seconds from one session by relay of a person to the next: a uid has so many in a minute
CLAIM = ("mark", "arrived", "hide", "claim")


class Person:
    """One user's side of the broker: what crowd.py and relayed.py want of a broker."""

    def __init__(self, n, provider):
        self.uid = account(n).pw_uid
        self.key = bytes([n]) * 32
        self.token = b"token-of-user-%d-" % n + crowd.TOKEN.encode()
        self.person = wc.Person(1, self.key)
        self.provider, self.origin = provider, origin_of(provider)
        self.act(self.move_in)

    def connect(self, **kw):
        return wc.Client(SOCKET, **{"person": self.person, **kw})

    def call(self, op, **fields):
        with self.connect() as c:
            return c.call(op, **fields)

    def act(self, function, *args, timeout=60):
        """In a process of that user."""
        return wc.in_child(lambda: (become(self.uid), function(*args))[1], timeout=timeout)

    def process(self, function, *args):
        """The same in one that lives on; its first argument says that it is ready."""
        return crowd.Process(lambda say: (become(self.uid), function(say, self, *args)))

    def move_in(self):
        self.call("init", slot=[wc.slot()], key=self.key)
        self.call("put", name="zai", token=self.token, policy=wc.POLICY, origin=self.origin, variable=wc.VARIABLE,
                  replace=False)

    def look(self):
        with self.connect() as c:
            assert c.call("hello")["state"] == "unlocked"
            assert c.call("get", name="zai")["token"] == self.token

    def claim(self):
        return wc.launch(self, *CLAIM, origin=self.origin)[wc.VARIABLE]

    def ask(self):
        with Session(self, self.provider) as s:
            return s.post().status

    def live(self, seconds):
        """Look, launch, and now and then launch by relay, all of it served; how often, and the longest look."""
        end, next_relay, rounds, most = time.monotonic() + seconds, 0, 0, 0
        while time.monotonic() < end or rounds == 0:
            start = time.monotonic()
            self.look()
            most = max(most, time.monotonic() - start)
            assert wc.in_child(self.claim, timeout=60) == self.token
            if time.monotonic() >= next_relay:
                assert wc.in_child(self.ask, timeout=60) == 200
                next_relay = time.monotonic() + RELAY_PAUSE
            rounds += 1
        return rounds, most

    def lines(self):
        """The record, verified."""
        place = STATE / "vaults" / str(self.uid)
        old = place / "record.1.jsonl"
        return wc.read_record((old.read_bytes() if old.exists() else b"") + (place / "record.jsonl").read_bytes())


@contextmanager
def relay_service():
    """In systemd's place: a relay for each connection, with a uid of its own."""
    SERVICE.mkdir(mode=0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(SERVICE / "start.sock"))
        os.chown(SERVICE / "start.sock", BROKER_UID, BROKER_UID)
        listener.listen(128)
        with crowd.Process(start_relays, listener) as process:
            process.ready()
            yield
    (SERVICE / "start.sock").unlink()
    SERVICE.rmdir()


def start_relays(say, listener):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    say()
    while True:
        channel, _ = listener.accept()
        if os.fork() == 0:
            try:
                os.dup2(channel.fileno(), 3)
                become(RELAY_UID)
                os.execve(PREFIX / "libexec/ccrun/ccrun-relay", ["ccrun-relay"], {})
            finally:
                os._exit(1)
        channel.close()


# ---- what the hostile one does: each in a process of its own, for ever ----

def on_and_on(step):
    """Whatever the broker answers."""
    while True:
        try:
            step()
        except (OSError, wc.Closed, wc.Refused, AssertionError):
            time.sleep(0.001)


def takes_sessions(say, person, delivery):
    """Sessions that are opened, and held; of those that end others are opened."""
    held = []

    def step():
        held.append(person.connect(timeout=2))
        held[-1].open(delivery=delivery, origin=person.origin)
    for _ in range(80):
        try:
            step()
        except (OSError, wc.Closed, wc.Refused):
            pass
    say()
    on_and_on(step)


FILES = [(kind, memfd(b"no certificate")) for kind in ("cert", "key")]


def passes_files(say, person):
    """As many sessions as there may be, and then as many descriptors for each as can be passed."""
    held = []
    for _ in range(64):
        held.append(person.connect())
        try:
            held[-1].open(delivery="relay", origin=person.origin)
        except (OSError, wc.Closed, wc.Refused):
            break
    for c in held:
        for kind, fd in FILES:
            try:
                c.raw(wc.request("relay-file", kind=kind), [fd])
            except (OSError, wc.Closed):
                pass
    assert len(held) > 1, "it has no session"
    say()
    signal.pause()


def takes_relays(say, person):
    """The same of relays."""
    held = []
    for _ in range(60):
        try:
            held.append(Session(person, person.provider, files=FILES, marked=False))
        except (OSError, wc.Closed, wc.Refused):
            pass
    assert held, "it has no relay"
    say()
    signal.pause()


def talks(say, person):
    def step():
        with person.connect() as c:
            say()
            for _ in range(1000):
                c.ask("list", after="")
                c.error("get", name="x" * 64)  # as long a line on record as can be
    on_and_on(step)


def stages(say, person):
    def step():
        with person.connect() as c:
            say()
            for at in range(0, 480000, 48000):
                c.call("stage", at=at, part=b"x" * 48000)
    on_and_on(step)


WAYS = {
    "connections": [(crowd.hold, (100, True)), (crowd.hold, (100, False))],
    "as fast as can be": [(crowd.grab, ())] * 4,
    "sessions": [(takes_sessions, ("preload",)), (takes_sessions, ("relay",))],
    "files": [(passes_files, ())],
    "relays": [(takes_relays, ())],
    "requests": [(talks, ())] * 4 + [(stages, ())] * 2,
}


# ---- the scenario ----

def broker_sums(pid):
    return (*crowd.status_kib(pid, "VmRSS", "VmLck"), crowd.descriptors(pid))


def people(machine, way, others=4, seconds=2.0, files=None):
    """The hostile one does that, and each of the others is served; afterwards nothing of it is left."""
    world.adopt_orphans()
    machine.clean()
    with Provider(reply=answer(USAGE)) as provider, relay_service(), machine.broker(files=files) as b:
        hostile, *honest = [Person(n, provider) for n in range(1, others + 2)]
        pid = b.pid
        together(honest, seconds / 4)
        sums = {}
        for last in (False, True):  # twice: what a first crowd makes the broker's tables grow by is used again
            quiet(b)
            before = broker_sums(pid)
            held = [hostile.process(function, *args) for function, args in WAYS[way]]
            try:
                for process in held:
                    process.ready()
                done = together(honest, seconds)
            finally:
                for process in held:
                    process.kill()
            quiet(b)
            after = broker_sums(pid)
            if last:
                check_flat(before, after)
        for person in (hostile, *honest):
            assert person.act(person.call, "status")["state"] == "unlocked" and person.lines()
        sums = [sum(rounds for rounds, _ in done), max(most for _, most in done)]
        assert b.pid == pid
    return f"one of {others + 1} users takes {way}" + (f", with {files} descriptors" if files else "") + \
        f": the others made {sums[0]} rounds, the longest look took {sums[1] * 1000:.0f} ms; {after[0]} KiB resident"


def together(honest, seconds):
    """All of them at once."""
    children = [wc.Child(lambda p=p: (become(p.uid), p.live(seconds))[1]) for p in honest]
    return [child.result(seconds * 10 + 60) for child in children]


def quiet(b):
    """Until all relays and connections have ended."""
    world.until(lambda: not crowd.relays(), 40, "the relays' end")
    world.until(lambda: connections(b.pid) == 0, 60, "the connections' end")


def connections(pid):
    """Other ends of the broker's socket, of whomever."""
    with open("/proc/net/unix", encoding="ascii", errors="replace") as f:
        return sum(line.split()[-1] == str(SOCKET) and line.split()[5] == "03" for line in f) if pid else 0


def check_flat(before, after):
    assert after[1] == before[1], f"{before[1]} KiB were locked, {after[1]} are"
    assert after[0] <= before[0] + crowd.SLACK_KIB, f"{before[0]} KiB were resident, {after[0]} are"
    assert after[2] == before[2], f"{before[2]} descriptors were open, {after[2]} are"
