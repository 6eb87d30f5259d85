"""What docs/PROTOCOL.md grants and refuses, as a small model of a broker: the table of requests is
read from the page itself, the rest is its rules once more.  Nothing here talks to a broker.

    m.ask(conn, op, fields)     the fields of the answer that are known, or Refused(error)
    m.say(conn, "claim")        the same of a fixed message
    m.request(session)          the tokens with which a session's request leaves its relay

A value of an answer that is a function is called with what came: it learns it, or judges it.
"""
import copy
import re
from dataclasses import dataclass, field
from pathlib import Path

from protocol_usage import Usage
from protocol_words import (DELIVERIES, EVENTS, KEPT_FROM_SERVERS, KINDS, LEVELS, MOST_SECONDS, PERSONS, VARIABLE, WORDS, Refused,
                            carried, counted_for, digest, limit_of, name_of, need, policy_of, policy_text)

PAGE = Path(__file__).resolve().parents[2] / "docs/PROTOCOL.md"
# ---- the table of requests ----

@dataclass
class Row:
    open: str     # "", "yes", "kept"
    changes: bool
    marked: bool
    person: str   # "", "yes", "some"
    record: list


def table():
    page, rows = PAGE.read_text(), {}
    for line in page[page.index("| op | open vault"):].splitlines()[2:]:
        if not line.startswith("|"):
            return rows
        ops, needs, changes, marked, person, record = (cell.strip() for cell in line.strip("|").split("|"))
        for op in ops.split(", "):
            rows[op] = Row(needs, bool(changes), marked != "no", person, re.findall(r"`([a-z-]+)`", record))
    return rows


TABLE = table()


# ---- what there is ----

@dataclass
class Entry:
    origin: str
    variable: str
    policy: dict
    token: bytes      # of one with a source None: it is to be fetched
    since: float = 0  # in memory since then
    source: object = None  # (reference, command, pick)
    until: object = None   # when what was fetched is over

    def asleep(self, now):
        return not self.source and self.ttl_is_over(now)

    def ttl_is_over(self, now):
        return self.policy["ttl"] and now - self.since >= self.policy["ttl"]

    def forget(self):
        """What its source gave is in memory alone."""
        if self.source:
            self.token = self.until = None

    def on_disk(self):
        e = copy.deepcopy(self)
        e.forget()
        return e


@dataclass
class Vault:
    slots: dict    # id: (kind, key)
    next: int = 2
    generation: int = 1
    entries: dict = field(default_factory=dict)
    images: dict = field(default_factory=dict)
    id: bytes = b""  # as the broker's list of slots has it
    settings: dict = field(default_factory=lambda: {"idle": 0, "longest": 0, "suspend": True, "screen": True,
                                                    "logout": True, "durable": False})

    def on_disk(self):
        v = copy.deepcopy(self)
        v.entries = {n: e.on_disk() for n, e in v.entries.items()}
        return v

    def opens(self, slot, key):
        need(slot in self.slots, "no-entry")
        need(self.slots[slot][1] == key, "wrong-key")


@dataclass
class Keyfile:
    vault: bytes
    slot: int
    key: bytes
    host: bytes
    wrong: str = ""  # it is none: the error


@dataclass(eq=False)
class Process:
    pid: int
    marked: bool = False
    confined: bool = False
    hidden: bool = False   # undumpable
    launch: object = None  # that waits for a yes, or ended


@dataclass(eq=False)
class Connection:
    process: Process
    number: int
    proof: object = None   # of a person: (when, of which opening)
    session: object = None
    staged: object = None  # a Vault, or what is no vault's file
    out: object = None     # a file that was made here
    watches: bool = False
    fetches: object = None # (an entry, its source)
    numbers: object = None # whose quota it fetches (protocol_usage.py)
    owes: bool = False     # it is its turn


@dataclass(eq=False)
class Session:
    process: Process
    fields: dict
    opened: float
    strict: bool
    marked: bool          # when it was opened
    state: str = "opened"
    resumed: bool = False # opened again, for another exec
    id: str = ""
    ticket: str = ""      # its own
    inside: object = None # the ticket that it showed
    confirmed: bool = False
    number: int = 0       # for whoever runs it
    values: object = None # the tokens that its relay has
    ended: bool = False
    told: str = ""        # what its relay's last question was refused with
    files: dict = field(default_factory=dict)  # that its relay gets: kind, bytes
    authorities: str = ""  # the digest of those that it asked for


@dataclass(eq=False)
class Ticket:
    root: Session
    entries: list
    background: bool
    linger: float
    over: bool = False   # its session has ended
    expires: object = None


@dataclass
class Launch:
    facts: object
    state: str
    ends: float


class Model(Usage):
    def __init__(self):
        self.now = 0
        self.file = None      # the vault on the disk, which is the one in memory while that is open
        self.opening = 0      # which opening of it; a person's proof is of one
        self.firsts = set()   # entries of which a launch was confirmed
        self.used = {}        # entry: its requests; None: not known
        self.slack = 0        # by how much the generation may be higher: use times were written, or not
        self.processes, self.files = [], {}
        self.host = self.keyfile = None  # the public half of its key pair; what opens the vault by it
        self.start()

    # ---- the broker's life ----

    def start(self):
        """Another life: the file alone is there."""
        self.forget_fetched()
        self.open, self.kept, self.why, self.dirty = False, None, "start", False
        self.kept_images, self.image_kept = {}, False
        for p in self.processes:
            p.launch = None
        self.connections, self.sessions, self.tickets, self.firsts = [], [], {}, set()
        self.numbers = {}
        self.opened = self.last_use = self.now
        if self.file and self.keyfile:
            try:
                self.opens_by(self.keyfile)
                self.adopt(self.file)
            except Refused:
                pass  # it is on record, and a person opens it

    def forget_fetched(self):
        for e in self.file.entries.values() if self.file else ():
            e.forget()

    def stop(self, killed):
        if not killed:
            self.write_use_times()
        self.start()

    def advance(self, seconds):
        self.now += seconds
        if self.open:
            for name, since in (("longest", self.opened), ("idle", self.last_use)):
                if self.open and self.file.settings[name] and self.now - since >= self.file.settings[name]:
                    self.do_lock(name)
        for name, e in (self.file.entries if self.open else self.kept or {}).items():
            if e.ttl_is_over(self.now) and (not e.source or e.token):
                e.forget()
                self.wipe(name)
            elif e.until is not None and self.now >= e.until:
                e.forget()  # relays were told when it ends, and have a clock of their own
        self.end_tickets()
        for p in self.processes:
            if p.launch and self.now >= p.launch.ends:
                p.launch = Launch(p.launch.facts, "late", self.now + 10) \
                    if p.launch.state in ("waits", "confirmed") else None

    def gone(self, conn):
        """The connection has ended."""
        self.connections.remove(conn)
        self.leave_numbers(conn)
        if conn.session:
            self.end_session(conn.session)

    def vanished(self, process):
        self.processes.remove(process)
        for c in [c for c in self.connections if c.process is process]:
            self.gone(c)
        for s in [s for s in self.sessions if s.process is process]:
            self.end_session(s)

    def end_session(self, s):
        self.sessions.remove(s)
        t = self.ticket_of(s)
        if t:
            t.over = t.over or t.root is s
            if t.over and t.expires is None and not (t.background and self.is_used(t, s)):
                t.expires = self.now + t.linger
        self.end_tickets()

    def ticket_of(self, s):
        """That it made, or showed, if it is one still."""
        return next((t for t in self.tickets.values() if t.root is s or t is s.inside), None)

    def is_used(self, ticket, but):
        """Has it a session, but that one, which nobody has ended?"""
        return any(s is not but and not s.ended and self.ticket_of(s) is ticket for s in self.live())

    def end_tickets(self):
        for t in [t for t in self.tickets.values() if t.expires is not None and self.now >= t.expires]:
            self.revoke(t.root)

    def revoke(self, root):
        """Its ticket ends, and with it what was opened by it."""
        self.tickets = {text: t for text, t in self.tickets.items() if t.root is not root}
        for s in self.sessions:
            if s.inside and s.inside.root is root or s is root:
                s.ended, s.values = True, None

    # ---- the vault's life ----

    def adopt(self, vault):
        self.file, self.open, self.kept = vault, True, None
        self.opening += 1
        self.opened = self.last_use = self.now
        self.no_launches()
        for e in vault.entries.values():
            if not e.source:
                e.since = self.now

    def open_again(self):
        """The same vault; what was fetched for kept entries, and has its source still, is carried over."""
        for name, had in (self.kept or {}).items() if not self.open else ():
            e = self.file.entries.get(name)
            if e and had.source and e.source == had.source:
                e.token, e.since, e.until = had.token, had.since, had.until
        self.adopt(self.file)

    def write_use_times(self):
        if self.open:
            self.slack += self.dirty
            self.dirty = False

    def generation(self, came):
        was, slack, self.slack = self.file.generation, self.slack, 0
        self.file.generation = came
        return was <= came <= was + slack

    def do_lock(self, why):
        automatic = why not in ("request", "moved")
        was_locked = not self.open and self.kept is None and self.why != "start"
        self.write_use_times()
        if not automatic:
            self.kept = None
        elif self.open:
            self.kept = {n: copy.copy(e) for n, e in self.file.entries.items()
                         if e.policy["keep"] == "yes" and self.is_in_memory(e)} or None
            self.kept_images = copy.deepcopy(self.file.images)
        self.open = False
        self.forget_fetched()
        self.no_launches()
        for s in self.sessions:
            names = [e["name"] for e in s.fields["entries"]]
            if not (automatic and self.kept and all(n in self.kept and self.is_in_memory(self.kept[n]) for n in names)):
                s.values = None
        if not was_locked or why == "moved":
            self.why = why

    def is_in_memory(self, e):
        return e.token is not None and not e.asleep(self.now)

    def no_launches(self):
        """None waits any more, and none was confirmed."""
        self.firsts = set()
        for p in self.processes:
            if p.launch and p.launch.state in ("waits", "confirmed"):
                p.launch = Launch(p.launch.facts, "locked", self.now + 10)

    def wipe(self, name):
        """Relays that have the token of that entry lose it."""
        for s in self.sessions:
            if any(e["name"] == name for e in s.fields["entries"]):
                s.values = None

    def commit(self, name=None, times=1):
        self.file.generation += times
        self.dirty = False
        if name:
            self.firsts.discard(name)
            self.wipe(name)
        return {"generation": self.file.generation}

    # ---- a request ----

    def ask(self, conn, op, f):
        self.advance(0)
        self.person = bool(conn.proof and self.now - conn.proof[0] <= 30 and conn.proof[1] == self.opening)
        conn.proof = None
        need(op in TABLE, "unknown-op")
        row = TABLE[op]
        asks_inside = conn.process.marked and "ticket" not in f and not conn.session
        need(not conn.process.marked or row.marked, "marked")
        need(not (asks_inside and row.open and not self.open), "marked")
        if row.open == "yes" or row.open == "kept" and self.kept is None:
            self.need_open()
        need(row.person != "yes" or self.person, "person")
        answer = getattr(self, "op_" + op.replace("-", "_"))(conn, f)
        if row.open:
            self.last_use = self.now
        return answer

    def need_open(self):
        need(self.open or self.file, "no-vault")
        need(self.open, "locked")

    def state(self):
        return "unlocked" if self.open else "locked" if self.file else "none"

    def live(self):
        return [s for s in self.sessions if s.state == "live"]

    def op_hello(self, _conn, _f):
        return {"state": self.state(), "why": self.why, "broker": "user",
                "asleep": sum(bool(e.asleep(self.now)) for e in self.file.entries.values()) if self.open else 0,
                "watched": any(c.watches for c in self.connections)}

    def op_status(self, conn, f):
        launches = [p.launch for p in self.processes]
        return {**self.op_hello(conn, f), "sessions": len(self.live()),
                "relays": sum(s.fields["delivery"] == "relay" for s in self.live()),
                "kept": sum(self.is_in_memory(e) for e in (self.kept or {}).values()),
                "waiting": sum(bool(launch and launch.state == "waits") for launch in launches),
                "memory_locked": True, "undumpable": True, "caged": True}

    def op_watch(self, conn, f):
        need(not f.get("all"), "peer")
        need(not conn.session and not conn.numbers, "in-use")
        need(not any(c.watches for c in self.connections), "exists")
        conn.watches = True
        return {}

    # ---- the vault ----

    def op_slots(self, _conn, _f):
        need(self.file, "no-vault")
        return {"generation": self.generation, **({"next": self.file.next} if self.open else {}),
                "slots": lambda slots: [(s["id"], s["kind"]) for s in slots] ==
                [(n, kind) for n, (kind, _) in self.file.slots.items()]}

    def op_slot(self, _conn, f):
        need(self.file, "no-vault")
        need(f["id"] in self.file.slots, "no-entry")
        return {"kind": self.file.slots[f["id"]][0], "material": b""}

    # ---- keyfiles ----

    def op_host(self, _conn, _f):
        need(self.host, "no-entry")
        return {"public": self.host}

    def opens_by(self, k):
        """Does this keyfile open the vault's file on this host?"""
        need(self.file, "no-vault")
        need(k.vault == self.file.id, "wrong-key")
        need(self.host, "no-entry")
        need(k.host == self.host, "wrong-key")
        self.file.opens(k.slot, k.key)

    def op_keyfile(self, _conn, f):
        need(not f["keyfile"].wrong, f["keyfile"].wrong)
        self.opens_by(f["keyfile"])
        self.keyfile = f["keyfile"]
        return {}

    def op_reopen(self, _conn, _f):
        need(self.file, "no-vault")
        need(self.keyfile, "no-entry")
        try:
            self.opens_by(self.keyfile)
        except Refused as e:
            raise Refused("wrong-key" if e.error == "no-entry" else e.error) from e
        self.open_again()
        return {"entries": len(self.file.entries), "slots": len(self.file.slots), "kind": "keyfile"}

    def drop_stale_keyfile(self):
        if self.keyfile and self.keyfile.vault == self.file.id and self.keyfile.slot not in self.file.slots:
            self.keyfile = None

    def op_record(self, _conn, f):
        return {"part": lambda part: len(part) <= 48000 and part.startswith(b"{") or f["at"]}

    def op_spent(self, _conn, _f):
        return {"more": False, "damaged": 0}

    def op_spent_today(self, _conn, f):
        name_of(f["name"])
        return {"counted": f["name"] in self.used}

    @staticmethod
    def new_slot(f):
        kind, key = f["slot"][0]["kind"], f["key"]
        need(kind in KINDS, "bad-value")
        need(kind != "passphrase" or f["slot"][0]["mem"] >= 8 << 20, "kdf-bounds")
        need(len(key) == 32, "bad-value")
        return kind, key

    def op_init(self, _conn, f):
        kind, key = self.new_slot(f)
        need(kind in PERSONS, "policy")
        need(not self.open and not self.file, "exists")
        self.adopt(Vault({1: (kind, key)}))
        return {"generation": 1}

    def op_unlock(self, _conn, f):
        need(len(f["key"]) == 32, "bad-value")
        need(self.file, "no-vault")
        self.file.opens(f["slot"], f["key"])
        self.open_again()
        return {"entries": len(self.file.entries), "slots": len(self.file.slots)}

    def op_person(self, conn, f):
        need(len(f["key"]) == 32, "bad-value")
        need(self.file, "no-vault")
        self.file.opens(f["slot"], f["key"])
        need(self.file.slots[f["slot"]][0] in PERSONS, "person")
        conn.proof = (self.now, self.opening)
        return {}

    def op_lock(self, _conn, f):
        why = f.get("why", "request")
        need(why == "request" or why in EVENTS, "bad-value")
        need("uid" not in f and not f.get("all"), "peer")
        locks = why == "request" or self.open and self.file.settings[why]
        if locks:
            self.do_lock(why)
        return {"locked": bool(locks)}

    def op_settings(self, _conn, _f):
        return dict(self.file.settings)

    def op_set(self, _conn, f):
        was, to = self.file.settings, {**self.file.settings, **f}
        longer = any(was[k] and (not to[k] or to[k] > was[k]) for k in ("idle", "longest"))
        loosens = longer or any(was[k] and not to[k] for k in (*EVENTS, "durable"))
        need(not loosens or self.person, "person")
        need(max(to["idle"], to["longest"]) <= MOST_SECONDS, "bad-value")
        self.file.settings = to
        return self.commit()

    def op_slot_add(self, _conn, f):
        new = self.new_slot(f)
        need(f["expect"] == self.file.next, "changed")
        k = f.get("keyfile")
        need(not k or not k.wrong, k and k.wrong)
        need(not k or (k.vault, k.slot) == (self.file.id, self.file.next), "bad-value")
        self.keyfile = k or self.keyfile
        self.file.slots[self.file.next] = new
        self.file.next += 1
        return {"id": self.file.next - 1, **self.commit(), "slots": len(self.file.slots)}

    def change_slots(self, slots):
        need(any(kind in PERSONS for kind, _ in slots.values()), "policy")
        self.file.slots = slots

    def op_slot_rm(self, _conn, f):
        need(f["id"] in self.file.slots, "no-entry")
        self.change_slots({n: s for n, s in self.file.slots.items() if n != f["id"]})
        self.drop_stale_keyfile()
        return {**self.commit(), "slots": len(self.file.slots)}

    def op_slot_replace(self, _conn, f):
        new = self.new_slot(f)
        need(f["expect"] == self.file.next, "changed")
        need(f["id"] in self.file.slots, "no-entry")
        # In its place, with a number of its own.
        self.change_slots({self.file.next if n == f["id"] else n: new if n == f["id"] else s
                           for n, s in self.file.slots.items()})
        self.file.next += 1
        self.drop_stale_keyfile()
        return {"id": self.file.next - 1, **self.commit()}

    def op_rekey(self, _conn, f):
        need("expect" not in f or f["expect"] == self.file.next, "changed")
        keys = [(int.from_bytes(f["keys"][at:at + 4], "little"), f["keys"][at + 4:at + 36])
                for at in range(0, len(f["keys"]), 36)]
        need(f["keys"] and len(f["keys"]) % 36 == 0 and len(keys) <= len(self.file.slots), "bad-value")
        for i, (n, _) in enumerate(keys):
            need(n in self.file.slots, "no-entry")
            need(n not in dict(keys[:i]), "bad-value")
        self.change_slots({n: (kind, dict(keys)[n]) for n, (kind, _) in self.file.slots.items() if n in dict(keys)})
        self.drop_stale_keyfile()
        return {**self.commit(times=2), "slots": len(self.file.slots)}

    # ---- the vault as a file ----

    def op_backup(self, conn, f):
        kind, key = self.new_slot(f)
        need(kind in PERSONS, "policy")
        conn.out, conn.staged = Vault({1: (kind, key)}, entries=self.file.on_disk().entries,
                                      settings=dict(self.file.settings)), None
        return {}

    def op_export(self, conn, _f):
        need(self.file, "no-vault")
        conn.out, conn.staged = self.file.on_disk(), None
        return {}

    def op_stage(self, conn, f):
        """Whole files alone; what they are is told by m.files."""
        need(f["at"] == 0, "bad-value")
        conn.staged, conn.out = copy.deepcopy(self.files[f["part"]]), None
        return {"size": len(f["part"])}

    def op_part(self, conn, f):
        need(conn.out and f["at"] == 0, "bad-value")
        return {}

    def op_restore(self, conn, f):
        need(len(f["key"]) == 32, "bad-value")
        need(conn.staged, "bad-value")
        need(not (f["replace"] and self.file) or self.person, "person")
        need(f["replace"] or not self.file, "exists")
        need(isinstance(conn.staged, Vault), conn.staged)  # a file that is none: what is wrong with it
        v = copy.deepcopy(conn.staged)
        v.opens(f["slot"], f["key"])
        need(v.slots[f["slot"]][0] in PERSONS, "person")
        moved = not self.file and not f["rekey"]
        v.generation = max(v.generation, self.file.generation if self.file else 0) + (not moved)
        if f["rekey"]:
            v.slots = {f["slot"]: v.slots[f["slot"]]}
        self.adopt(v)
        for s in self.sessions:
            s.values = None
        conn.staged = None
        return {"generation": v.generation, "entries": len(v.entries), "slots": len(v.slots)}

    def op_retire(self, _conn, f):
        need(self.file, "no-vault")
        need(f["generation"] == self.file.generation, "changed")
        self.dirty = False
        self.do_lock("moved")
        self.file = self.keyfile = None
        return {}

    # ---- entries ----

    def entry(self, f, key="name"):
        name_of(f[key])
        need(f[key] in self.file.entries, "no-entry")
        return self.file.entries[f[key]]

    @staticmethod
    def sealed(f):
        """What put and approve seal."""
        name_of(f["name"])
        need(len(f["origin"]) <= 512, "too-large")
        need(f["origin"], "bad-value")
        need(VARIABLE.match(f["variable"]), "bad-value")
        p = policy_of(f["policy"])
        if not f["variable"].startswith("header:"):
            need(not f["variable"].startswith("LD_"), "policy")
            need(f["variable"] in KEPT_FROM_SERVERS or p["exposed"] == "yes", "policy")
        return p

    @staticmethod
    def keep_choices(p, old):
        if old:
            p.update(limit=old.policy["limit"], confirm=max(p["confirm"], old.policy["confirm"], key=LEVELS.index))
        return p

    @staticmethod
    def source_in(f):
        if "source" not in f:
            return None
        return need(f["source"] and f["command"] and f["pick"], "bad-value") or (f["source"], f["command"], f["pick"])

    def op_put(self, _conn, f):
        p = self.sealed(f)
        source = self.source_in(f)
        if not source or "token" in f:
            need(8 <= len(f["token"]), "bad-value")
            need(len(f["token"]) <= 16384, "too-large")
        old = self.file.entries.get(f["name"])
        need(not old or f["replace"], "exists")
        need(not old or self.person, "person")
        self.file.entries[f["name"]] = Entry(f["origin"], f["variable"], self.keep_choices(p, old), f.get("token"),
                                             self.now, source)
        return self.commit(f["name"])

    def op_approve(self, _conn, f):
        old = self.entry(f)
        p = self.keep_choices(self.sealed(f), old)
        source = self.source_in(f)
        need(not source or old.source, "bad-value")
        self.file.entries[f["name"]] = Entry(f["origin"], f["variable"], p, None if source else old.token, old.since,
                                             source or old.source, None if source else old.until)
        return self.commit(f["name"])

    def op_get(self, _conn, f):
        e = self.entry(f)
        need(not e.source, "policy")
        need(not e.asleep(self.now), "locked")
        return {"token": e.token}

    def op_match(self, _conn, f):
        e = self.entry(f)
        need(not e.asleep(self.now), "locked")
        need(e.token is not None, "no-value")
        return {"same": f["token"] == e.token}

    def op_rm(self, _conn, f):
        self.entry(f)
        del self.file.entries[f["name"]]
        return self.commit(f["name"])

    def op_rename(self, _conn, f):
        e = self.entry(f)
        name_of(f["to"])
        need(f["to"] not in self.file.entries, "exists")
        del self.file.entries[f["name"]]
        self.file.entries[f["to"]] = e
        other = {f["name"]: f["to"], f["to"]: f["name"]}  # what one of that name used once is nobody's any more
        self.used = {other.get(name, name): n for name, n in self.used.items()}
        return self.commit(f["name"])

    def listed(self):
        return [(n, e.origin, e.variable, policy_text(e.policy)) for n, e in sorted(self.file.entries.items())]

    def op_list(self, _conn, f):
        return {"more": False, "entries": lambda entries: [tuple(e[k] for k in ("name", "origin", "variable", "policy"))
                                                           for e in entries] ==
                [e for e in self.listed() if e[0] > f["after"]]}

    # ---- limits ----

    def op_limit(self, _conn, f):
        e = self.entry(f)
        return {"limit": e.policy["limit"] or "off"}

    def op_limit_set(self, _conn, f):
        name_of(f["name"])
        need(f["limit"] == "off" or re.match(r"\d+/(hour|day|week|month)\Z", f["limit"]), "bad-value")
        e, to = self.entry(f), limit_of(f["limit"])
        was = limit_of(e.policy["limit"])
        loosens = was and (not to or to[0] > was[0] or to[1] != was[1])
        need(not loosens or self.person, "person")
        e.policy["limit"] = f["limit"] if to else ""
        self.wipe(f["name"])
        return self.commit()

    # ---- sessions ----

    def value(self, name):
        e = (self.file.entries if self.open else self.kept or {}).get(name)
        need(e or self.open, "locked")
        need(e, "no-entry")
        need(e.token is not None, "no-value" if self.open else "locked")
        need(not e.asleep(self.now), "locked")
        return e

    def allowed(self, s, item):
        """May the session have this entry?  In the order of the page."""
        need(not s.inside or s.inside in self.tickets.values(), "marked")
        try:
            e = self.value(item["name"])
        except Refused:
            need(not s.marked, "marked")
            raise
        p, how = e.policy, s.fields["delivery"]
        if s.marked or s.inside:
            need(p["nested"] == "allow" or p["nested"] == "use" and s.inside and how == "relay", "marked")
        need(item["origin"] == e.origin and " " in e.origin and item["variable"] == e.variable, "origin")
        need(s.fields.get("config_dir", "") == p["config_dir"], "origin")
        need(digest(s.fields.get("env", b"")) == p["env"], "origin")
        need(s.authorities in ("", p["ca"]), "origin")
        tightness = WORDS["confine"].index
        need(tightness(s.fields.get("confine", "auto")) <= tightness(p["confine"]), "policy")
        s.strict = s.strict or p["strict"] == "yes"
        loosest = "pipe" if p["delivery"] == "auto" else p["delivery"]
        need(DELIVERIES.index(how) <= DELIVERIES.index(loosest), "policy")
        need(how != "pipe" or not e.variable.startswith("header:"), "policy")
        need(not p["limit"] or how == "relay", "policy")
        need(not s.strict or how in ("relay", "preload"), "policy")
        need(not p["limit"] or item["name"] == counted_for(s.fields), "policy")
        return e

    def op_open(self, conn, f):
        need(not conn.session and not conn.watches and not conn.numbers, "in-use")
        need(f["delivery"] in DELIVERIES and f["delivery"] != "auto", "bad-value")
        need(1 <= len(f["entries"]) <= 3, "bad-value")
        need(f["delivery"] != "pipe" or len(f["entries"]) == 1, "bad-value")
        need(all(len(e["name"]) <= 64 for e in f["entries"]), "too-large")
        s = Session(conn.process, f, self.now, f["strict"], conn.process.marked)
        if "ticket" in f:
            need(f["ticket"] in self.tickets, "marked")
            s.inside = self.tickets[f["ticket"]]
            need(all(e["name"] in s.inside.entries for e in f["entries"]), "marked")
            need(counted_for(f) == counted_for(s.inside.root.fields), "marked")
            s.confirmed = s.inside.root.confirmed
        for item in f["entries"]:
            self.allowed(s, item)
        need(not s.strict or f.get("roots") == "", "policy")
        image = self.compare_image(s, f)
        if image and not f["image"][0]["digest"]:
            return {"granted": False, "image": image, "was": lambda was: was == ([self.images()[f["image"][0]["name"]]]
                                                                                if image != "new" else None)}
        need(image != "changed" or f.get("agreed"), "image")
        background = f.get("background", False) and not conn.process.marked
        policies = [self.value(e["name"]).policy for e in f["entries"]]
        need(not (background and f["delivery"] == "relay" and any(p["nested"] == "deny" for p in policies)), "policy")
        self.confirm_launch(conn.process, s)
        if image:
            self.keep_image(f["image"][0])
        conn.session = s
        self.sessions.append(s)
        answer = {"granted": True, "session": lambda text: setattr(s, "id", text) or re.match("[0-9a-f]{16}$", text)}
        if f["delivery"] == "relay" and not s.inside:
            answer["ticket"] = lambda text: setattr(s, "ticket", text) or \
                self.tickets.update({text: Ticket(s, [e["name"] for e in f["entries"]], background,
                                                  min(p["linger"] for p in policies))}) or len(text) == 32
        sources = [self.value(e["name"]).source for e in f["entries"]]
        answer["source"] = sources[0] and sources[0][0].partition(":")[0]
        answer["renewable"] = True if any(sources) and f["delivery"] == "relay" else None
        return answer

    # ---- tokens that stay in other managers ----

    def op_source_take(self, conn, f):
        e = self.entry(f)
        need(not conn.session and not conn.watches and not conn.owes, "in-use")
        conn.fetches = None
        there = not e.source or e.token is not None
        wait = not there and any(c.fetches and c.fetches[0] == f["name"] for c in self.connections if c is not conn)
        if there or wait:
            return {"cached": not wait, "wait": wait, "command": None}
        conn.fetches = (f["name"], e.source)
        return {"cached": False, "wait": False, **dict(zip(("source", "command", "pick"), e.source))}

    def op_source_put(self, conn, f):
        e, was = self.entry(f), conn.fetches
        need(was and was[0] == f["name"], "posture")
        conn.fetches = None
        need(e.source == was[1], "changed")
        need(8 <= len(f["token"]), "bad-value")
        need(len(f["token"]) <= 16384, "too-large")
        e.token, e.since = f["token"], self.now
        e.until = self.now + max(f["expires"] - 60, 15) if "expires" in f else None
        return {}

    def op_source_fail(self, _conn, f):
        name_of(f["name"])
        raise Refused("posture")  # nothing was asked of a connection that does not wait

    # ---- images ----

    def images(self):
        return self.file.images if self.open else self.kept_images

    def compare_image(self, s, f):
        """What is new about it, or None."""
        if s.marked or s.inside and f["delivery"] == "relay" or not f.get("image"):
            return None
        now, was = f["image"][0], self.images().get(f["image"][0]["name"])
        need(all(now[k].startswith("/") for k in ("path", "file")) and now["identity"], "bad-value")
        if not was:
            return "new"
        places = [("path", "file", "owner"), ("interpreter", "interpreter_file", "interpreter_owner")]
        for path, file, owner in places[:1 + ("interpreter" in now)]:
            if any(now[k] != was.get(k) for k in (path, owner)) or \
                    now[file].rpartition("/")[0] != was[file].rpartition("/")[0]:
                return "changed"
        if ("interpreter" in now) != ("interpreter" in was):
            return "changed"
        return None if (now["identity"], now["file"]) == (was["identity"], was["file"]) else "updated"

    def keep_image(self, image):
        self.images()[image["name"]] = dict(image)
        self.image_kept = True
        if self.open:
            self.commit()

    def op_image(self, _conn, f):
        name_of(f["name"])
        there = self.file.images.get(f["name"])
        return {"image": [there] if there else None}

    def op_image_forget(self, _conn, f):
        name_of(f["name"])
        need(f["name"] in self.file.images, "no-entry")
        del self.file.images[f["name"]]
        return self.commit()

    def confirm_launch(self, process, s):
        f, names = s.fields, [e["name"] for e in s.fields["entries"]]
        if s.inside and s.confirmed and f["delivery"] == "relay":
            return
        levels = [max(self.value(n).policy["confirm"], f.get("confirm", "no"), key=LEVELS.index) for n in names]
        if any(at == "session" or at == "first" and n not in self.firsts for n, at in zip(names, levels)):
            need(self.open, "locked")
            facts, was = (repr({k: v for k, v in f.items() if k not in ("confirm", "roots", "image", "agreed")}),
                          s.strict, process.marked), process.launch
            if was and (was.facts, was.state) == (facts, "confirmed"):
                s.confirmed = True
                self.firsts |= set(names)
            else:
                if not (was and (was.facts, was.state) == (facts, "waits")):
                    process.launch = Launch(facts, "waits", self.now + 60)
                raise Refused("confirm")
        else:
            s.confirmed = any(at != "no" for at in levels)
        process.launch = None

    def op_keyless(self, _conn, f):
        if self.file:
            self.need_open()
        need(not any(e["name"] in self.file.entries for e in f["entries"]) if self.file else True, "policy")
        need(not any(n in self.file.entries for n in self.used) if self.file else not self.used, "policy")
        return {}

    def confined(self, s):
        need(s.process.confined or s.fields.get("confine") == "off", "posture")

    def released(self, s):
        s.state, s.resumed = "live", False
        self.last_use, self.dirty = self.now, True

    def op_pipe(self, conn, _f):
        s = conn.session
        need(s and s.state == "opened" and s.fields["delivery"] == "pipe" and conn.process.marked, "posture")
        e = self.allowed(s, s.fields["entries"][0])
        self.confined(s)
        self.released(s)
        return {None: e.token}

    def op_relay_file(self, conn, f):
        s = conn.session
        need(s and s.state == "opened" and s.fields["delivery"] == "relay", "posture")
        need(f["data"] is not None and f["sealed"], "wrong-type")
        need(0 < len(f["data"]) <= 1 << 20, "too-large")
        need(f["kind"] in ("ca", "cert", "key") and f["kind"] not in s.files, "bad-value")
        if f["kind"] == "ca":
            s.authorities = digest(f["data"])  # from then on, be they refused
            for item in s.fields["entries"]:
                self.allowed(s, item)
        s.files[f["kind"]] = f["data"]
        return {}

    def op_relay(self, conn, _f):
        s = conn.session
        need(s and s.state == "opened" and s.fields["delivery"] == "relay", "posture")
        for item in s.fields["entries"]:
            self.allowed(s, item)
        need(len(s.fields["entries"]) == 1 or len({e["origin"] for e in s.fields["entries"]}) == 1, "origin")
        headers = [e["variable"].split(":")[1] if e["variable"].startswith("header:") else "" for e in s.fields["entries"]]
        need(len(set(headers)) == len(headers), "policy")  # each in a header of its own
        s.state, conn.session = "live", None
        return {}

    def request(self, s):
        """A request of the session's: {variable: token} of what leaves, or Refused."""
        name = counted_for(s.fields)
        if not s.values:
            need(not s.ended, "ended")
            try:
                if self.kept is None:
                    self.need_open()
                need(s.process.marked, "posture")
                values = {item["variable"]: self.allowed(s, item).token for item in s.fields["entries"]}
                self.confined(s)
            except Refused as e:
                e.recorded, s.told = e.error != s.told, e.error  # of the same in a row the first
                raise
            s.values, s.told = values, ""
            self.last_use, self.dirty = self.now, True
            s.limited = bool(self.open and self.file.entries[name].policy["limit"]
                             or not self.open and self.kept[name].policy["limit"])
        if s.limited:
            limit = limit_of((self.file.entries if self.open else self.kept)[name].policy["limit"])
            need(self.used.get(name, 0) < limit[0], "limit")
        self.last_use = self.now
        self.used[name] = self.used.get(name, 0) + 1
        return s.values

    def say(self, conn, what):
        """A fixed message."""
        s = conn.session
        how = s.fields["delivery"] if s else None
        if what == "arrived":
            need(s and s.state == "opened" and how == "preload" and not s.process.hidden, "posture")
            s.state = "arrived"
        elif what == "again":
            need(s and (s.state == "live" or s.resumed), "posture")
            need(s.process.marked and s.process.hidden, "posture")
            s.state, s.resumed, s.opened = "opened", True, self.now
        else:
            need(s, "wrong-type")  # the kernel lets no descriptor through without a session
            need((s.state, how) in (("arrived", "preload"), ("opened", "env")), "posture")
            if self.kept is None:
                self.need_open()
            items = [(item["variable"], self.allowed(s, item).token) for item in s.fields["entries"]]
            need(s.process.marked and s.process.hidden, "posture")
            self.confined(s)
            self.released(s)
            return carried(items, s.fields.get("env", b""))
        return {}

    def op_sessions(self, _conn, _f):
        return {"next": 0, "sessions": lambda there: sorted((s["id"], s["pid"], s["delivery"]) for s in there) ==
                sorted((s.id, s.process.pid, s.fields["delivery"]) for s in self.live())}

    def op_session_end(self, _conn, f):
        found = [s for s in self.live() if s.id == f["session"]]
        roots = [t.root for t in self.tickets.values() if t.root.id == f["session"]]
        need(found or roots, "no-entry")
        for s in found:
            need(s.fields["delivery"] == "relay", "policy")
            s.ended, s.values = True, None
            t = self.ticket_of(s)
            if t and (t.root is s or t.background and t.over and not self.is_used(t, s)):
                self.revoke(t.root)
        for root in roots:
            self.revoke(root)
        return {}

    # ---- a person's yes ----

    def waiting(self):
        return [p for p in self.processes if p.launch and p.launch.state == "waits"]

    def op_confirm_wait(self, conn, _f):
        need(conn.process.launch, "no-entry")
        return {"state": conn.process.launch.state}

    def op_confirmations(self, _conn, _f):
        return {"launches": lambda there: sorted(n["pid"] for n in there) == sorted(p.pid for p in self.waiting())}

    def answered(self, f, state):
        """id: in the model the process."""
        found = [p for p in self.waiting() if p is f["id"]]
        need(found, "no-entry")
        found[0].launch.state, found[0].launch.ends = state, self.now + 10

    def op_confirm(self, _conn, f):
        self.answered(f, "confirmed")
        return {}

    def op_confirm_deny(self, _conn, f):
        self.answered(f, "denied")
        return {}

    def op_confirm_set(self, _conn, f):
        name_of(f["name"])
        need(f["confirm"] in LEVELS, "bad-value")
        e = self.entry(f)
        need(LEVELS.index(f["confirm"]) >= LEVELS.index(e.policy["confirm"]) or self.person, "person")
        e.policy["confirm"] = f["confirm"]
        self.firsts.discard(f["name"])
        return self.commit()
