"""A person's day: acts at the broker's clock, beside a model that says what must be open then, what
must be counted, and which lines the record must have.

    played = play(hours=24, seed=1, rotate=True)
"""
import os
import random
import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass, field

import client as world
import crowd
import wire_client as wc
from relay_broker import Provider, answer
from relayed import Session, origin_of

MINUTE, HOUR, DAY = 60, 3600, 86400
IDLE, LONGEST, TTL = 30 * MINUTE, 10 * HOUR, HOUR
LIMIT = 25            # requests a day, of `zai`
ROTATES = 8 << 20     # bytes of the record
CLOSE = 20            # seconds from a deadline in which nothing is done: the real clock goes on, too
ENTRIES = {"zai": "delivery=relay", "spared": "delivery=relay keep=yes", "brief": f"delivery=relay ttl={TTL}"}
USAGE = {"id": "m", "type": "message", "usage": {"input_tokens": 3, "output_tokens": 2}}


# ---- a session ---------------------------------------------------------

class Live:
    """A session in a process of its own, which asks when it is told."""

    def __init__(self, b, provider, entry):
        self.entry = entry
        self.has_key = False  # its relay was given it, since the last lock that took it
        self.refused = False  # and it is on record that it was not
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.settimeout(60)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.ours.close()
                self.serve(theirs, b, provider, entry)
            finally:
                os._exit(0)
        theirs.close()
        self.said = self.ours.recv(100).decode()

    @staticmethod
    def serve(sock, b, provider, entry):
        try:
            s = Session(b, provider, entry)
        except wc.Refused as e:
            sock.send(e.error.encode())
            return
        sock.send(b"open")
        while sock.recv(10):
            sock.send(str(s.post().status).encode())

    def ask(self):
        self.ours.send(b"ask")
        return int(self.ours.recv(100))

    def end(self):
        self.ours.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


# ---- what must be ------------------------------------------------------

@dataclass
class Model:
    open: bool = True
    why: str = "start"
    opened: float = 0.0
    used: float = 0.0
    kept: bool = False         # an automatic lock spared `spared`
    today: int = 0             # requests of `zai`
    day_ends: float = 0.0
    spent: Counter = field(default_factory=Counter)
    record: Counter = field(default_factory=Counter)

    def note(self, event, result, why=None):
        self.record[(event, result, why)] += 1

    def due(self, now):
        """Which deadline is over."""
        ends = {"longest": self.opened + LONGEST, "idle": self.used + IDLE}
        return next((why for why in ends if self.open and now >= ends[why]), None)

    def lock(self, why, by_clock=False):
        """Does it lock?  An automatic one wants an open vault, and spares an entry; one by request
        is always heard, and where there is nothing to lock it changes nothing."""
        automatic = why != "request"
        if automatic and not self.open:
            return False
        self.note("lock", "done" if by_clock else "granted", why)
        if self.open or self.kept or self.why == "start":
            self.why = why
        self.kept, self.open = automatic, False
        return True

    def unlock(self, now):
        self.open, self.kept, self.opened, self.used = True, False, now, now

    def serves(self, entry, now):
        """Is its token in memory?"""
        if entry == "spared" and self.kept:
            return True
        return self.open and (entry != "brief" or now < self.opened + TTL)


# ---- the day -----------------------------------------------------------

class Day:
    def __init__(self, b, provider, seed):
        self.b, self.provider, self.random = b, provider, random.Random(seed)
        self.model, self.live, self.ahead, self.acts = Model(), [], 0.0, Counter()
        self.state = b.root / "state/ccrun"
        self.watcher = None
        self.start, self.begins, self.before = time.monotonic(), 0.0, 0

    # the clock

    def hour(self):
        return (self.ahead - self.begins) / HOUR

    def now(self):
        return self.ahead + time.monotonic() - self.start

    def set_clock(self, ahead):
        """Both clocks at once: in between the broker would see a calendar that was set."""
        pid = self.b.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            for leaf, text in (("clock", int(ahead * 1000)), ("wall", int(ahead))):
                new = self.state / (leaf + ".new")
                new.write_text(str(text))
                new.rename(self.state / leaf)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.ahead = float(int(ahead))

    def pass_time(self, seconds):
        """Never to a moment at which it cannot be told which side of a deadline it is on."""
        m, to = self.model, self.ahead + seconds
        for _ in range(9):
            marks = [m.opened + LONGEST, m.used + IDLE, m.opened + TTL, m.day_ends]
            near = [mark for mark in marks if abs(mark - (to + time.monotonic() - self.start)) < CLOSE]
            if not near:
                break
            to += 2 * CLOSE
        self.set_clock(to)
        self.settle()

    def settle(self):
        """The broker looks at the time with each request, or twice a second."""
        self.b.call("hello")
        over = self.model.due(self.now())
        if over:
            self.model.lock(over, by_clock=True)
        for s in self.live:
            s.has_key = s.has_key and self.model.serves(s.entry, self.now())
        if self.now() >= self.model.day_ends:
            self.model.today, self.model.day_ends = 0, self.model.day_ends + DAY

    # acts

    def used(self):
        self.model.used = self.now()

    def launch(self, entry=None):
        m = self.model
        entry = entry or self.random.choice(list(ENTRIES))
        s = Live(self.b, self.provider, entry)
        if m.serves(entry, self.now()):
            assert s.said == "open", (entry, s.said, m)
            m.note("open", "granted")
            self.live.append(s)
            self.used()
        else:
            assert s.said == "locked", (entry, s.said, m)
            m.note("open", "locked")
            s.end()

    def ask(self):
        for s in self.random.sample(self.live, min(3, len(self.live))):
            self.ask_one(s)

    def ask_one(self, s):
        m, before = self.model, self.counted()
        serves = m.serves(s.entry, self.now())
        full = s.entry == "zai" and m.today >= LIMIT
        status = s.ask()
        assert status == (503 if not serves else 429 if full else 200), (s.entry, status, m)
        self.acts[status] += 1
        if serves and not s.has_key:
            m.note("release", "granted")
            self.used()
        if not serves and not s.refused:
            m.note("release", "locked")
        s.has_key, s.refused = serves, not serves
        if status == 200:
            m.spent[s.entry] += 1
            m.today += s.entry == "zai"
            self.used()
            world.until(lambda: self.counted() == before + Counter({s.entry: 1}), 20, "the numbers")

    def exhaust(self):
        """Up to the day's limit; then the vault is locked, and one more is asked for."""
        if not self.model.open:
            self.unlock()
        self.launch("zai")
        for _ in range(LIMIT + 1 - self.model.today):
            self.ask_one(self.live[-1])
        self.lock()
        self.ask_one(self.live[-1])

    def counted(self):
        sums = Counter()
        for row in self.b.call("spent", **{"from": 0})["rows"]:
            sums[row["entry"]] += row["requests"]
        return sums

    def leave(self):
        if self.live:
            s = self.live.pop(self.random.randrange(len(self.live)))
            s.end()
            self.model.note("end", "done")

    def look(self):
        self.b.call("slots")
        self.b.call("sessions", after=0)
        self.b.call("record", at=0)

    def list_keys(self):
        if self.model.open:
            assert len(self.b.call("list", after="")["entries"]) == len(ENTRIES)
            self.used()
        else:
            assert self.b.error("list", after="") == "locked"

    def read(self):
        entry = self.random.choice(list(ENTRIES))
        self.model.note("person", "asked")
        if self.model.open and self.model.serves(entry, self.now()):
            assert self.b.get(entry) == crowd.TOKEN.encode()
            self.model.note("get", "granted")
            self.used()
        else:
            assert self.b.error("get", name=entry) == "locked"
            self.model.note("get", "locked")

    def limit(self):
        if self.model.open:
            now = next(w for w in self.b.call("limit", name="zai")["windows"] if w["period"] == "day")
            assert now["requests"] == self.model.today
            self.used()

    def wrong_key(self):
        assert self.b.error("unlock", slot=1, key=bytes(32)) == "wrong-key"
        self.model.note("unlock", "asked")
        self.model.note("unlock", "wrong-key")

    def unlock(self):
        self.b.unlock()
        self.model.note("unlock", "asked")
        self.model.unlock(self.now())

    def lock(self, why="request"):
        assert self.watcher.call("lock", why=why)["locked"] == self.model.lock(why)

    def suspend(self, hours):
        """The watcher says so, and nothing runs meanwhile."""
        self.lock("suspend")
        self.set_clock(self.ahead + hours * HOUR)
        self.settle()

    def watch(self):
        self.watcher = self.b.connect()
        self.watcher.call("watch", kind="a test")

    def restart(self, how):
        """SIGTERM, or killed: with it its sessions end, and what was counted stays."""
        self.set_clock(self.ahead + 2 * MINUTE)
        self.settle()
        if how == signal.SIGTERM:
            self.model.note("stop", "done")
            for _ in self.live:
                self.model.note("end", "done")
            self.b.stop()
        else:
            os.kill(self.b.pid, how)
            self.b.stop(check=False)
        for s in self.live:
            assert s.ask() == 400
            s.end()
        self.live = []
        self.watcher.close()
        self.b.start()
        self.model.note("start", "done")
        self.model.open, self.model.kept, self.model.why = False, False, "start"
        self.watch()

    def fill_record(self):
        """Refusals in a loop, until the record goes on in a second file."""
        old, far = self.b.record.with_name("record.1.jsonl"), "bearer https://" + "x" * 400
        if not self.model.open:
            self.unlock()
        with self.b.connect() as c:
            while not old.exists():
                assert self.b.record.stat().st_size < ROTATES + 4096
                assert c.error("open", **wc.open_fields(origin=far)) == "origin"
                self.model.note("open", "origin")

    # what must be

    def check(self, act):
        m = self.model
        self.settle()
        status = self.b.call("status")
        where = (act, m, status, self.now())
        assert (status["state"] == "unlocked") == m.open, where
        if not m.open:
            assert status["why"] == m.why, where
        assert (status["kept"] > 0) == m.kept, where
        world.until(lambda: self.b.call("status")["sessions"] == len(self.live), 20, "the sessions' end")
        assert self.counted() == m.spent, where
        self.acts[act] += 1

    def act(self):
        name = self.random.choice(("launch",) * 4 + ("ask",) * 6 + (
            "leave", "leave", "look", "list_keys", "read", "limit", "wrong_key"))
        getattr(self, name)()
        self.check(name)
        if not self.model.open and self.random.random() < 0.4:
            self.unlock()
            self.check("unlock")

    def do(self, act, *args):
        getattr(self, act)(*args)
        self.check(act)


# At these hours, whatever else there is.
PLANNED = [(2.0, "exhaust", ()), (3.5, "lock", ("screen",)), (4.2, "lock", ()), (6.0, "restart", (signal.SIGKILL,)), (9.0, "suspend", (2,)),
           (12.5, "restart", (signal.SIGTERM,)), (14.5, "lock", ("logout",)), (18.0, "suspend", (5,))]


def play(hours=24, seed=1, rotate=True, pace=0.1):
    """From eight in the morning; pace: how often some time passes after an act.  Figures."""
    begin = time.monotonic()
    with Provider(reply=answer(USAGE)) as provider, crowd.room(policy=ENTRIES["zai"], origin=origin_of(provider)) as b:
        day = Day(b, provider, seed)
        prepare(day)
        memory, planned = None, list(PLANNED)
        while day.hour() < hours:
            while planned and day.hour() >= planned[0][0]:
                day.do(planned[0][1], *planned[0][2])
                planned.pop(0)
            if rotate and day.hour() > hours / 2:
                rotate = False
                day.do("fill_record")
            day.act()
            if day.random.random() < pace:
                day.pass_time(day.random.choice((1, 3, 10, 25, 45)) * MINUTE)
                day.check("time")
            memory = memory or crowd.status_kib(b.pid, "VmLck")
        while day.live:
            day.do("leave")
        figures = finish(day, memory)
    return f"{hours} hours in {time.monotonic() - begin:.0f} s: " + figures


def prepare(day):
    """The clock first: where times lock a vault, a step of hours would."""
    b, m = day.b, day.model
    day.set_clock(0)
    ends = next(w["ends"] for w in b.call("limit", name="zai")["windows"] if w["period"] == "day")
    day.begins = (ends - time.time() - 16 * HOUR) % DAY
    day.set_clock(day.begins)
    for name, policy in ENTRIES.items():
        if name != "zai":
            b.put(name, crowd.TOKEN, policy, b.origin)
    b.call("limit-set", name="zai", limit=f"{LIMIT}/day")
    day.watch()
    b.call("set", idle=IDLE, longest=LONGEST)
    b.call("lock")
    m.day_ends = day.now() + 16 * HOUR
    m.open, m.why, day.before = False, "request", len(b.lines())
    day.do("unlock")


def finish(day, memory):
    """The whole record is as the model has it, and verifies; nothing has grown or stayed."""
    b, m = day.b, day.model
    crowd.quiet(b, 2)
    found = Counter()
    for line in crowd.record_lines(b)[day.before:]:
        found[(line["event"], line["result"], line.get("why") if line["event"] == "lock" else None)] += 1
    assert found == m.record, {"there": found - m.record, "missing": m.record - found}
    assert day.counted() == m.spent
    assert crowd.status_kib(b.pid, "VmLck") == memory
    locks = sum(n for (event, _, _), n in m.record.items() if event == "lock")
    assert day.acts[200] and day.acts[429] and day.acts[503]
    return f"{sum(day.acts.values())} acts, {locks} locks, {day.acts[200]} requests that went through, {day.acts[429]} " \
           f"over the limit, {day.acts[503]} while it was locked; {sum(m.record.values())} lines of the record"
