"""Clients of every kind do to a broker what hypothesis thinks of, in any order, and the model
(protocol_model.py) says what must come of it: each answer, each line of the record, and what is
there afterwards.
"""
import collections
import copy
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass

import hypothesis
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

import wire_client as wc
import wire_keys
from protocol_actor import PATIENCE, Actor
from protocol_model import TABLE, Connection, Model, Process
from protocol_steps import AUTHORITIES, ROUTES, MoreSteps
from protocol_words import EVENTS, PERSONS, Refused, digest
from relay_broker import Provider

SECRET = b"token-that-is-secret-"
KEYS = [bytes([65 + n]) * 32 for n in range(4)]
LATER = 100  # seconds that go by: more than any deadline, so that a slow machine's own seconds do not matter
ASYNCHRONOUS = {"end", "start", "stop", "request", "provider", "clock", "spending", "vault-old", "log-cut"}
# What a provider's file may say of the client's environment, and of headers.
HEADER = ROUTES + b"header:x-team=blue\n"
SAID = {digest(lines): lines for lines in (ROUTES, HEADER)}
PROCESSES_MOST, CONNECTIONS_MOST = 8, 16

# ---- what a request may say: mostly right, and partly wrong ----

names = st.sampled_from(["a", "a", "a", "b", "b", "c", "a", "b", "-no-name", "n" * 65])
keys = st.sampled_from([*KEYS, KEYS[0], KEYS[0], b"short"])
origins = st.sampled_from(["at home", "at home", "at home", "elsewhere", "unbound", ""])
variables = st.sampled_from(["ANTHROPIC_AUTH_TOKEN"] * 6 + ["ANTHROPIC_API_KEY", "OTHER", "LD_PRELOAD", "9", "header:x-gate",
                                                            "header:x-gate:Key", "header:"])
slots = st.integers(0, 4)
kinds = st.sampled_from(["passphrase", "recovery", "keyring", "keyfile", "no-kind"])
proofs = st.sampled_from(["right"] * 6 + ["none", "wrong", "automatic"])
which = st.integers(0, 15)
periods = st.sampled_from([0, 0, 150, 250, 366 * 24 * 3600 + 1])
limits = st.sampled_from(["off", "1/month", "3/month", "3/week", "many"])
words = {"delivery": ["auto", "auto", "relay", "relay", "preload", "pipe", "env", "mail"], "nested": ["use", "allow", "deny"],
         "strict": ["yes"], "exposed": ["yes"], "keep": ["yes"], "ttl": [150, "150s", "366d"], "confine": ["on", "off"],
         "config_dir": ["~/work"], "confirm": ["first", "session"], "linger": [150, "2m"], "env": [digest(ROUTES), digest(HEADER)],
         "ca": [digest(AUTHORITIES)], "prices": [digest(b"a price")]}
unheard = {"delivery": ["", "Auto"], "nested": ["yes"], "strict": ["true"], "keep": [""], "ttl": ["367d", "-1", "1w", "9999999999"],
           "linger": ["8785h"], "confine": ["none"], "confirm": ["yes"], "no-key": ["yes"], "env": ["0123", "G" * 32], "ca": ["a" * 33], "prices": ["1"],
           "config_dir": ["work", "~", "~/", "~/a//b", "/../etc", "$HOME/a", "~/a/.", "~/" + "d" * 119, "/a b"]}
policies = st.lists(st.sampled_from([(k, v) for k, of in words.items() for v in of]), max_size=2,
                    unique_by=lambda word: word[0]).map(lambda p: " ".join(f"{k}={v}" for k, v in p))
strange = st.lists(st.sampled_from([f"{k}={v}" for k, of in [*unheard.items(), *words.items()] for v in of]), min_size=4, max_size=9)
few = st.sampled_from([False] * 5 + [True])


@dataclass
class Client:
    """A process, and its connections."""
    actor: Actor
    process: Process


def sealing(origin, variable, policy):
    return {"origin": origin, "variable": variable, "policy": policy}


class Protocol(MoreSteps, RuleBasedStateMachine):
    """without: controls that the broker has switched off."""
    without = ()
    sequences = steps = requests = 0
    seen = collections.Counter()  # (what was asked, what came of it)
    first = None                  # what failed first, should it not fail again
    failed_at = 0                 # which sequence that was

    def __init__(self):
        super().__init__()
        Protocol.sequences += 1
        self.model, self.number, self.tokens, self.files = Model(), 0, 0, []
        self.clients, self.read_to, self.lines, self.begun, self.last, self.memory = [], 0, [], {}, None, 0
        self.broker = wc.Broker(tempfile.mkdtemp(prefix="ccm-"))
        self.broker.person = None
        if self.without:
            self.broker.env["CCRUN_WITHOUT"] = ",".join(self.without)
        self.provider = Provider()
        self.home = "bearer " + self.provider.url
        self.ahead = 0
        self.broker.start()
        self.model.files = {b"no vault's file": "damaged"}

    # ---- one step, and all that is judged of it ----

    def connection(self, n):
        return self.model.connections[n % len(self.model.connections)]

    def client(self, process):
        return next(c for c in self.clients if c.process is process)

    def actor(self, conn):
        return self.client(conn.process).actor

    def expect(self, function, *args):
        """(fields of the answer, None) or (None, Refused)."""
        try:
            return function(*args), None
        except Refused as e:
            return None, e

    def step(self, conn, op, fields, sent=None):
        """One request, as the model sees it (fields) and as it is sent."""
        packet = wc.request(op, **(sent or self.outward(fields)))
        self.judge(conn, [(op, fields)], [packet])
        return self.reply

    def outward(self, fields):
        return fields

    def judge(self, conn, asked, packets):
        """Send all of them, and compare each answer."""
        Protocol.requests += len(asked)
        self.last = (conn, asked, packets)
        p = conn.process
        note(f"    {' '.join(op for op, _ in asked)} by process {self.model.processes.index(p)} (marked {p.marked}, "
             f"confined {p.confined}, hidden {p.hidden}), vault {self.model.state()}, kept {sorted(self.model.kept or ())}")
        expected = [self.expect(self.model.ask, conn, op, f) for op, f in asked]
        answers, beside = self.actor(conn).do("packets", conn.number, packets)
        answers = [a and wc.unpack(a) for a in answers]
        for (op, _), (granted, refused), reply in zip(asked, expected, answers):
            self.compare(op, granted, refused, reply, beside)
        self.settle()
        self.check_record([(op, e[1] and e[1].error, a) for (op, _), e, a in zip(asked, expected, answers)],
                          conn.process.pid)
        self.reply = answers[-1]

    @staticmethod
    def compare(op, granted, refused, reply, beside=b""):
        Protocol.seen[op, refused.error if refused else "granted"] += 1
        assert reply is not None, f"{op}: the connection was ended"
        if refused:
            assert not reply["ok"], f"{op} was granted, and must be refused: {refused.error}"
            assert reply["error"] == refused.error, f"{op} must be refused for {refused.error}: {reply}"
        else:
            assert reply["ok"], f"{op} was refused, and must be granted: {reply}"
            for key, value in granted.items():
                came = beside if key is None else reply.get(key)
                assert value(came) if callable(value) else value == came, f"{op}: {key} is {came}, not {value}"
        given = repr(reply).encode() + beside
        if refused or not ({"token", None} & set(granted)):
            assert SECRET not in given, f"{op}: a key that nobody may have: {reply}"

    def settle(self):
        """Nobody but the kernel's clock knows whether there were new times of use to be written."""
        if self.model.slack and self.model.file:
            with wc.Client(self.broker.socket, timeout=PATIENCE) as c:
                assert self.model.generation(c.call("slots")["generation"]), "another generation"

    # ---- the record ----

    def new_lines(self):
        with open(self.broker.record, "rb") as f:
            f.seek(self.read_to)
            data = f.read()
        whole = data[:data.rfind(b"\n") + 1]
        self.read_to += len(whole)
        lines = [wc.json.loads(line) for line in whole.splitlines()]
        for line in lines:
            if (line["event"], line["result"]) == ("open", "granted"):
                self.begun[line["session"]] = 0
            if line["event"] == "end":
                self.begun[line["session"]] += 1
        return [line for line in lines if not self.is_asynchronous(line)]

    @staticmethod
    def is_asynchronous(line):
        return line["event"] in ASYNCHRONOUS or line["event"] == "lock" and line["result"] == "done" or \
            line["event"] == "confirm" and "image" in line or line["event"] == "relay" and line["result"] == "restarted"

    def check_record(self, done, pid):
        """What the table of requests says of each that was granted or refused, and nothing else."""
        lines = [(line["event"], line["result"], line.get("pid")) for line in self.new_lines()]
        for op, error, reply in done:
            row = TABLE.get(op)
            events = row.record if row else []
            if op == "lock" and not (error or reply["locked"]):
                events = []
            begun = [(e, r, pid) for e in events for r in ("granted", "asked")]
            if op == "usage-next" and not error and "token" not in reply:
                continue
            if op == "open" and not error:
                events = [*self.images_kept(reply), *(events if reply["granted"] else ())]
                begun = [(e, "granted", pid) for e in events]
            if not error:
                for event in events:
                    assert lines and lines[0][0] == event and lines[0] in begun, \
                        f"{op} was granted, its line is not on record: {lines}"
                    lines.pop(0)
                continue
            if lines and lines[0] in begun:
                lines.pop(0)
            if events or error == "marked":
                assert lines and lines.pop(0) == (op, error, pid), f"{op}: its refusal is not on record ({error})"
        assert not lines, f"not to be on record: {lines}"

    def images_kept(self, reply):
        """Where the model has just kept one, its line comes before the session's."""
        kept, self.model.image_kept = self.model.image_kept, False
        return ["image"] if kept and reply["granted"] else []

    # ---- who there is ----

    def new_client(self):
        process = Process(0)
        actor = Actor(self.broker.socket, self.broker.root)
        process.pid = actor.pid
        self.clients.append(Client(actor, process))
        self.model.processes.append(process)
        return process

    def new_connection(self, process):
        self.number += 1
        conn = Connection(process, self.number)
        self.client(process).actor.do("connect", self.number)
        self.model.connections.append(conn)
        return conn

    @initialize(host=st.booleans(), vault=st.sampled_from([True] * 7 + [False]), entries=st.lists(policies, min_size=0, max_size=3))
    def begin(self, host, vault, entries):
        if host:
            self.model.host = wire_keys.give_host_key(self.broker)
        conn = self.new_connection(self.new_client())
        if not vault:
            return
        self.step(conn, "init", {"slot": [wc.slot()], "key": KEYS[0]})
        for name, policy in zip("abc", entries):
            self.put_entry(conn, name, sealing(self.home, "ANTHROPIC_AUTH_TOKEN", policy), False)

    @precondition(lambda self: len(self.clients) < PROCESSES_MOST)
    @rule(inside=few)
    def arrive(self, inside):
        process = self.new_client()
        self.new_connection(process)
        if inside:
            for what in ("mark", "confine"):
                self.become(process, what)

    @precondition(lambda self: len(self.model.connections) < CONNECTIONS_MOST)
    @rule(n=which)
    def connect(self, n):
        self.new_connection(self.clients[n % len(self.clients)].process)

    def become(self, process, what):
        self.client(process).actor.do(what)
        if what in ("mark", "confine"):
            setattr(process, what + ("ed" if what == "mark" else "d"), True)
        else:
            process.hidden = what == "hide"

    @rule(n=which, what=st.sampled_from(["mark", "confine", "hide", "show"]))
    def change(self, n, what):
        # One unmarked client stays, or nothing more would come of it.
        process = self.clients[n % len(self.clients)].process
        if process is not self.clients[0].process:
            self.become(process, what)

    @rule(n=which)
    def vanish(self, n):
        if len(self.clients) > 1 and n % len(self.clients):
            self.vanish_process(self.clients[n % len(self.clients)].process)

    def vanish_process(self, process):
        client = self.client(process)
        self.clients.remove(client)
        client.actor.vanish()
        self.model.vanished(process)
        self.wait_for_sessions()

    def has_places(self):
        return len(self.clients) < PROCESSES_MOST

    @rule(n=which)
    def hang_up(self, n):
        conn = self.connection(n)
        if len(self.model.connections) > 1 and conn is not self.model.connections[0]:
            self.end(conn)

    def end(self, conn):
        self.actor(conn).do("close", conn.number)
        self.model.gone(conn)
        self.wait_for_sessions()

    def wait_for_sessions(self):
        """A relay's session ends with its process, which the broker is told at its own time."""
        deadline = time.monotonic() + PATIENCE
        while self.hello("status")["sessions"] != len(self.model.live()):
            assert time.monotonic() < deadline, "a session is left over"
            time.sleep(0.01)

    def hello(self, op="hello"):
        with wc.Client(self.broker.socket, timeout=PATIENCE) as c:
            return c.call(op)

    # ---- the vault ----

    def right(self, proof):
        """A slot and its key: of a person, or not."""
        there = self.model.file.slots if self.model.file else {1: ("passphrase", KEYS[0])}
        wanted = [(n, key) for n, (kind, key) in there.items() if (kind in PERSONS) == (proof != "automatic")]
        slot, key = (wanted or [(n, key) for n, (_, key) in there.items()])[0]
        return {"slot": slot, "key": next(k for k in KEYS if k != key) if proof == "wrong" else key}

    def prove(self, conn, proof):
        if proof != "none":
            self.step(conn, "person", self.right(proof))

    def ask(self, n, op, fields, proof="none"):
        conn = self.connection(n)
        self.prove(conn, proof)
        return self.step(conn, op, fields)

    @rule(n=which, kind=st.sampled_from(["passphrase"] * 4 + ["recovery", "keyring", "no-kind"]), key=keys)
    def init(self, n, kind, key):
        self.ask(n, "init", {"slot": [wc.slot(kind)], "key": key})

    @rule(n=which, proof=proofs, other=few, slot=slots, key=keys)
    def unlock(self, n, proof, other, slot, key):
        self.step(self.connection(n), "unlock", {"slot": slot, "key": key} if other else self.right(proof))

    @rule(n=which, proof=proofs)
    def person(self, n, proof):
        self.prove(self.connection(n), proof)

    @rule(n=which, why=st.sampled_from([{}, {"why": "request"}, *({"why": e} for e in EVENTS), {"why": "lunch"},
                                        {"uid": 0}, {"why": "screen", "all": True}]))
    def lock(self, n, why):
        self.ask(n, "lock", why)

    @rule(n=which, proof=proofs, to=st.fixed_dictionaries({}, optional={
        "idle": periods, "longest": periods, "suspend": st.booleans(), "screen": st.booleans(), "durable": st.booleans()}))
    def set(self, n, proof, to):
        self.ask(n, "set", to, proof)

    @rule(n=which, name=names, op=st.sampled_from(["hello", "status", "slots", "settings", "confirmations", "confirm-wait",
                                                   "list", "limit", "match", "sessions", "no-op", ""]))
    def look(self, n, name, op):
        e = self.model.file and self.model.file.entries.get(name)
        fields = {"list": {"after": "" if n % 2 else "a"}, "limit": {"name": name}, "sessions": {"after": 0},
                  "match": {"name": name, "token": e.token if e and n % 2 else b"no such token"}}
        self.ask(n, op, fields.get(op, {}))

    @rule(n=which, more=st.sampled_from([{}, {}, {"all": True}]))
    def watch(self, n, more):
        conn = self.connection(n)
        if conn is not self.model.connections[0]:
            self.step(conn, "watch", {"kind": "test", **more})

    # ---- entries ----

    def here(self, fields):
        """The provider's address, which the sequence is not to depend on."""
        known = {"at home": self.home, "elsewhere": self.home + "/elsewhere"}
        return {**fields, "origin": known.get(fields["origin"], fields["origin"])}

    def new_token(self):
        self.tokens += 1
        return SECRET + b"%04d" % self.tokens

    def put_entry(self, conn, name, sealed, replace, token=None):
        token = self.new_token() if token is None else token
        self.step(conn, "put", {"name": name, **self.here(sealed), "replace": replace, "token": token})

    @rule(n=which, proof=proofs, name=names, sealed=st.builds(sealing, origins, variables, policies),
          replace=st.booleans(), token=st.sampled_from([None] * 8 + [b"short", b"x" * 16385]))
    def put(self, n, proof, name, sealed, replace, token):
        conn = self.connection(n)
        if replace:
            self.prove(conn, proof)
        self.put_entry(conn, name, sealed, replace, token)

    @rule(words_of=strange)
    def policies_of_all_kinds(self, words_of):
        """One word each, and most of them nobody has heard."""
        self.make_ready()
        for word in words_of:
            there = "c" in self.model.file.entries
            if there:
                self.prove(self.model.connections[0], "right")
            self.put_entry(self.model.connections[0], "c", sealing("at home", "ANTHROPIC_AUTH_TOKEN", word), there)

    @rule(n=which, proof=proofs, name=names, sealed=st.builds(sealing, origins, variables, policies))
    def approve(self, n, proof, name, sealed):
        self.ask(n, "approve", {"name": name, **self.here(sealed)}, proof)

    @rule(n=which, proof=proofs, name=names, op=st.sampled_from(["get", "get", "rm"]))
    def one(self, n, proof, name, op):
        self.ask(n, op, {"name": name}, proof)

    @rule(n=which, proof=proofs, name=names, to=names)
    def rename(self, n, proof, name, to):
        self.ask(n, "rename", {"name": name, "to": to}, proof)

    @rule(n=which, proof=proofs, name=names, limit=limits)
    def limit_set(self, n, proof, name, limit):
        self.ask(n, "limit-set", {"name": name, "limit": limit}, proof)

    # ---- slots ----

    def expected(self, wrong):
        return (self.model.file.next if self.model.file else 2) + wrong

    @rule(n=which, proof=proofs, op=st.sampled_from(["slot-add", "slot-rm", "slot-replace"]), slot=slots, kind=kinds,
          key=keys, wrong=few)
    def change_slots(self, n, proof, op, slot, kind, key, wrong):
        new = {"slot": [wc.slot(kind)], "key": key, "expect": self.expected(wrong)} if op != "slot-rm" else {}
        self.ask(n, op, {**({"id": slot} if op != "slot-add" else {}), **new}, proof)

    @rule(n=which, proof=proofs, keep=st.lists(st.tuples(slots, st.sampled_from(KEYS)), max_size=3), all_stay=st.booleans(),
          cut=few)
    def rekey(self, n, proof, keep, all_stay, cut):
        if all_stay and self.model.file:
            keep = [(number, KEYS[number % len(KEYS)]) for number in self.model.file.slots]
        packed = b"".join(number.to_bytes(4, "little") + key for number, key in keep)
        self.ask(n, "rekey", {"keys": packed[:-1] if cut else packed}, proof)

    # ---- files ----

    def has_room(self, conn):
        """Few connections of a uid may have a file at once."""
        return sum(bool(c.staged or c.out) and c is not conn for c in self.model.connections) < wc.STAGED_UID

    @rule(n=which, proof=proofs)
    def export(self, n, proof):
        conn = self.connection(n)
        if not self.has_room(conn):
            return
        reply = self.ask(n, "export", {}, proof)
        if reply["ok"]:
            self.take_file(conn, reply)

    def take_file(self, conn, reply):
        data = self.step(conn, "part", {"at": 0})["part"]
        assert len(data) == reply["size"] and SECRET not in data
        self.model.files[data] = conn.out
        self.files.append(data)

    @rule(n=which, at=st.sampled_from([0, 0, 0, 7]), file=which)
    def stage(self, n, at, file):
        conn = self.connection(n)
        if self.has_room(conn):
            there = [*self.files, b"no vault's file"]
            self.step(conn, "stage", {"at": at, "part": there[file % len(there)]})

    @rule(n=which, proof=proofs, slot=slots, key=keys, replace=st.booleans(), rekey=few)
    def restore(self, n, proof, slot, key, replace, rekey):
        self.ask(n, "restore", {"slot": slot, "key": key, "replace": replace, "rekey": rekey}, proof)

    @rule(n=which, proof=proofs, wrong=st.sampled_from([1, 1, 0]))
    def retire(self, n, proof, wrong):
        self.ask(n, "retire", {"generation": (self.model.file.generation if self.model.file else 1) + wrong}, proof)

    # ---- sessions ----

    def opening(self, name, delivery, astray):
        """What `open` says for that entry, as it is sealed, or astray in one word."""
        e = (self.model.file.entries if self.model.file else {}).get(name)
        p = e.policy if e else {"delivery": "auto", "confine": "auto", "config_dir": "", "env": ""}
        usual = "relay" if p["delivery"] == "auto" else p["delivery"]
        f = {"provider": "p", "mode": "", "delivery": delivery or usual, "strict": False, "roots": "",
             "confine": p["confine"], "config_dir": p["config_dir"], "env": SAID.get(p["env"], b""),
             "entries": [{"name": name, "variable": e.variable if e else "ANTHROPIC_AUTH_TOKEN",
                          "origin": e.origin if e else self.home}]}
        if "item" in astray:
            f["entries"] = [{**f["entries"][0], **astray["item"]}]
        f.update({k: v for k, v in astray.items() if k != "item"})
        return f

    astray = st.sampled_from([
        {"item": {"origin": "bearer https://evil.example"}}, {"item": {"variable": "ANTHROPIC_API_KEY"}}, {"strict": True},
        {"roots": "group"}, {"confine": "off"}, {"confine": "auto"}, {"config_dir": "~/else"}, {"confirm": "first"},
        {"confirm": "session"}, {"entries": []}, {"program": "other"}, {"env": b""}, {"env": ROUTES}, {"env": HEADER}])
    deliveries = st.sampled_from([None] * 4 + ["relay", "preload", "preload", "preload", "pipe", "env", "auto"])

    def make_ready(self):
        """Most launches find an open vault, and a key."""
        conn = self.model.connections[0]
        if not self.model.file:
            self.step(conn, "init", {"slot": [wc.slot()], "key": KEYS[0]})
        if not self.model.open:
            self.step(conn, "unlock", self.right("right"))
        if not self.model.file.entries:
            self.put_entry(conn, "a", sealing(self.home, "ANTHROPIC_AUTH_TOKEN", ""), False)

    def chosen(self, n, name):
        """That of an entry that is there, mostly."""
        there = sorted(self.model.file.entries) if self.model.file else []
        return name if n % 8 == 7 or not there else there[n % len(there)]

    def open_session(self, conn, fields):
        return self.step(conn, "open", fields)["ok"]

    @rule(n=which, which_one=which, name=names, delivery=deliveries, astray=astray, as_sealed=st.booleans())
    def open(self, n, which_one, name, delivery, astray, as_sealed):
        self.open_session(self.connection(n), self.opening(self.chosen(which_one, name), delivery,
                                                           {} if as_sealed else astray))

    @rule(n=which, what=st.sampled_from(["arrived", "claim", "again"]))
    def say(self, n, what):
        self.fixed(self.connection(n), what)

    def fixed(self, conn, what):
        if conn is self.model.connections[0]:
            return  # it would be ended
        session = conn.session
        granted, refused = self.expect(self.model.say, conn, what)
        Protocol.seen[what, refused.error if refused else "granted"] += 1
        if what == "claim" and session:
            items, wrong = self.actor(conn).do("claim", conn.number)
        else:
            kind = {"arrived": wc.ARRIVED, "claim": wc.CLAIM, "again": wc.AGAIN}[what]
            (packet,), _ = self.actor(conn).do("packets", conn.number, [wc.fixed(kind)])
            items, wrong = self.expect(lambda: dict(wc.read_fixed(packet))) if packet[4] == wc.OK else (None, packet)
        lines = [(line["event"], line["result"], line.get("pid")) for line in self.new_lines()]
        if refused:
            assert items is None, f"{what} was granted, and must be refused: {refused.error}"
            assert lines == [("claim", refused.error, conn.process.pid)], f"{what}: {refused.error}, {lines}"
            if not (session and session.state == "live"):
                self.end(conn)
            return
        assert wrong is None, f"{what} was refused, and must be granted: {wrong}"
        assert items == granted, f"{what} gave {items}, not {granted}"
        line = {"claim": [("release", "granted", conn.process.pid)], "again": [("again", "granted", conn.process.pid)]}
        assert lines == line.get(what, []), (what, lines)

    @rule(n=which)
    def pipe(self, n):
        self.ask(n, "pipe", {})

    @rule(n=which)
    def relay(self, n):
        self.start_relay(self.connection(n))

    def start_relay(self, conn):
        session = conn.session
        granted, refused = self.expect(self.model.ask, conn, "relay", {})
        if not session and not refused:
            raise AssertionError("the model is wrong")
        if session:
            self.number += 1
            session.number = self.number
            packet = self.actor(conn).do("relay", conn.number, wc.request("relay", proxy="", no_proxy=""), session.number)
        else:  # which may pass no descriptor
            (packet,), _ = self.actor(conn).do("packets", conn.number, [wc.request("relay", proxy="", no_proxy="")])
        reply = wc.unpack(packet)
        self.compare("relay", granted, refused, reply)
        self.settle()
        if session and not refused and "ca" in session.files:
            line = self.new_lines()[0]
            assert (line["event"], line["result"], line["pid"]) == ("relay", "granted", conn.process.pid), line
        self.check_record([("relay", refused and refused.error, reply)] if refused else [], conn.process.pid)

    @rule(n=which, times=st.sampled_from([1, 1, 2, 4]))
    def post(self, n, times):
        """A session's requests, by its relay."""
        relayed = [s for s in self.model.live() if s.fields["delivery"] == "relay"]
        for _ in range(times if relayed else 0):
            self.request(relayed[n % len(relayed)])

    def request(self, s):
        before, had = len(self.provider.requests), bool(s.values)
        values, refused = self.expect(self.model.request, s)
        Protocol.seen["a relay's request", refused.error if refused else "granted"] += 1
        status, data = self.client(s.process).actor.do("post", s.number)
        assert SECRET not in data
        went = self.provider.requests[before:]
        lines = [(line["event"], line["result"], line.get("entries")) for line in self.new_lines()]
        names_of = " ".join(e["name"] for e in s.fields["entries"])
        given = [("release", "granted", names_of)] if s.values and not had else []
        if refused:
            assert status != 200 and not went, f"a request went out, and must not: {refused.error}"
            told = [("release", refused.error, None)] if getattr(refused, "recorded", False) else []
            assert lines == given + told, (refused.error, lines)
            return
        assert status == 200, f"a request was refused, and must go out: {status} {data}"
        assert len(went) == 1 and self.keys_sent(went[0]) == self.keys_due(s, values), f"{went[0].headers}, not {values}"
        assert lines == given, lines
        self.wait_until_counted()

    @staticmethod
    def keys_sent(request):
        return {name: value for name, value in request.headers.items()
                if name in ("authorization", "x-api-key", "x-gate", "x-team")}

    @staticmethod
    def keys_due(s, values):
        due = {}
        for variable, token in values.items():
            _, name, *scheme = ["", "authorization", "Bearer"] if ":" not in variable else variable.split(":")
            due[name] = " ".join([*scheme, token.decode()])
        if b"header:x-team=" in s.fields.get("env", b""):
            due["x-team"] = "blue"
        return due

    def counted(self):
        with wc.Client(self.broker.socket, timeout=PATIENCE) as c:
            used = {}
            for row in c.call("spent", **{"from": 0})["rows"]:
                used[row["entry"]] = used.get(row["entry"], 0) + row["requests"]
            return used

    def wait_until_counted(self):
        deadline = time.monotonic() + PATIENCE
        while (used := self.counted()) != self.model.used:
            assert time.monotonic() < deadline, f"counted {used}, not {self.model.used}"
            time.sleep(0.01)

    @precondition(lambda self: len(self.clients) < PROCESSES_MOST)
    @rule(n=which, name=names, delivery=deliveries, ready=st.booleans())
    def launch(self, n, name, delivery, ready):
        """All that ccrun, and the library, do."""
        if ready:
            self.make_ready()
        self.begin_launch(self.chosen(n, name), delivery, {}, "")

    @precondition(lambda self: len(self.clients) < PROCESSES_MOST)
    @rule(n=which, name=names, delivery=deliveries, astray=astray)
    def launch_astray(self, n, name, delivery, astray):
        """The files say something else than what is sealed."""
        self.make_ready()
        self.begin_launch(self.chosen(n, name), delivery, astray, "")

    @precondition(lambda self: len(self.clients) < PROCESSES_MOST)
    @rule(n=which, name=names, delivery=deliveries, forgets=st.sampled_from(["mark", "confine", "hide", "claim"]))
    def launch_unready(self, n, name, delivery, forgets):
        """All but one thing."""
        self.make_ready()
        self.begin_launch(self.chosen(n, name), delivery, {}, forgets)

    @precondition(lambda self: len(self.clients) < PROCESSES_MOST)
    @rule(n=which, name=names, delivery=deliveries)
    def launch_late(self, n, name, delivery):
        """All, but what gives the key comes when its time is over."""
        self.make_ready()
        self.begin_launch(self.chosen(n, name), delivery, {}, "last")
        self.later()

    def begin_launch(self, name, delivery, astray, forgets):
        conn = self.new_connection(self.new_client())
        if self.open_session(conn, self.opening(name, delivery, astray)):
            self.go_on(conn, forgets)

    def go_on(self, conn, forgets):
        how, session, process = conn.session.fields["delivery"], conn.session, conn.process
        last = forgets == "last"
        if how == "relay" and not last and session.state == "opened":
            self.start_relay(conn)
        steps = {"preload": ["mark", "confine", "arrived", "hide", "claim"], "env": ["mark", "confine", "hide", "claim"],
                 "pipe": ["mark", "confine", "pipe"], "relay": ["mark", "confine", "post"]}[how]
        for what in steps:
            if what == forgets or last and what in ("claim", "pipe"):
                continue
            if what in ("arrived", "claim") and conn in self.model.connections:
                self.fixed(conn, what)
            elif what == "pipe":
                self.step(conn, "pipe", {})
            elif what == "post" and session.state == "live":
                self.request(session)
            elif what in ("mark", "confine", "hide"):
                self.become(process, what)

    @precondition(lambda self: self.model.tickets and len(self.clients) < PROCESSES_MOST)
    @rule(n=which, name=names, own=st.sampled_from([True, True, True, False]), delivery=st.sampled_from(
        ["relay"] * 4 + ["preload"]), ticket=st.sampled_from([True] * 5 + [False]), marked=st.booleans(),
          post=st.booleans())
    def launch_inside(self, n, name, own, delivery, ticket, marked, post):
        """From inside a session by relay, whose ticket it shows, or a made-up one."""
        self.make_ready()
        if not self.model.tickets:
            return
        tickets = [*self.model.tickets]
        text = tickets[n % len(tickets)]
        conn = self.new_connection(self.new_client())
        for what in ("mark", "confine") if marked else ():
            self.become(conn.process, what)
        name = self.model.tickets[text].entries[0] if own else name
        fields = {**self.opening(name, delivery, {}), "ticket": text if ticket else "0" * 32}
        if self.open_session(conn, fields) and post:
            self.go_on(conn, "")

    @rule(n=which, which_one=which)
    def session_end(self, n, which_one):
        there = [*(s.id for s in self.model.sessions), *(t.root.id for t in self.model.tickets.values()), "0" * 16]
        self.ask(n, "session-end", {"session": there[which_one % len(there)]})

    @rule(n=which, provider=st.sampled_from(["p", "-"]), entries=st.lists(st.sampled_from(["a", "z"]), max_size=2))
    def keyless(self, n, provider, entries):
        if provider == "p":
            self.ask(n, "keyless", {"provider": "p", "entries": [{"name": e} for e in entries]})

    # ---- a person's yes ----

    @rule(n=which, proof=proofs, yes=st.booleans(), which_one=which)
    def answer_launch(self, n, proof, yes, which_one):
        conn = self.connection(n)
        with wc.Client(self.broker.socket, timeout=PATIENCE) as c:
            ids = {launch["pid"]: launch["id"] for launch in c.call("confirmations")["launches"]}
        waiting = sorted(self.model.waiting(), key=self.model.processes.index)
        assert set(ids) == {p.pid for p in waiting}, (ids, waiting)
        process = [*waiting, None][which_one % (len(waiting) + 1)] if which_one else (waiting or [None])[0]
        self.prove(conn, proof)
        op = "confirm" if yes else "confirm-deny"
        self.step(conn, op, {"id": process}, {"id": ids[process.pid] if process else "00000000"})

    @precondition(lambda self: len(self.clients) < PROCESSES_MOST)
    @rule(n=which, name=names, again=st.booleans(), level=st.sampled_from(["first", "session"]))
    def launch_with_yes(self, n, name, again, level):
        """One that waits, gets its yes, and goes on, twice perhaps."""
        self.make_ready()
        conn = self.new_connection(self.new_client())
        fields = self.opening(self.chosen(n, name), None, {"confirm": level})
        for _ in range(1 + again):
            if self.open_session(conn, fields):
                self.go_on(conn, "")
                return
            if conn.process in self.model.waiting():
                self.answer_for(conn.process)

    def answer_for(self, process):
        self.prove(self.model.connections[0], "right")
        with wc.Client(self.broker.socket, timeout=PATIENCE) as c:
            ids = {launch["pid"]: launch["id"] for launch in c.call("confirmations")["launches"]}
        self.step(self.model.connections[0], "confirm", {"id": process}, {"id": ids[process.pid]})

    @rule(n=which, proof=proofs, name=names, to=st.sampled_from(["no", "first", "session", "often"]))
    def confirm_set(self, n, proof, name, to):
        self.ask(n, "confirm-set", {"name": name, "confirm": to}, proof)

    # ---- what no client of ours does ----

    @rule(n=which)
    def twice(self, n):
        """The last request once more, from wherever."""
        if self.last and not any(op in ("confirm", "confirm-deny", "part", "export", "stage") for op, _ in self.last[1]):
            conn = self.connection(n)
            self.judge(conn, self.last[1], self.last[2])

    @rule(n=which, proof=proofs, name=names)
    def at_once(self, n, proof, name):
        """Three that do not wait for each other's answers."""
        conn = self.connection(n)
        asked = [("person", self.right("right" if proof == "none" else proof)), ("get", {"name": name}), ("hello", {})]
        self.judge(conn, asked, [wc.request(op, **f) for op, f in asked])

    @rule(n=which, name=names, proof=proofs)
    def more_than_asked(self, n, name, proof):
        conn = self.connection(n)
        self.prove(conn, proof)
        self.step(conn, "get", {"name": name}, {"name": name, "person": True, "uid": 0, "token": b"none", "x": [{"y": 1}]})

    @rule(n=which, proof=proofs, op=st.sampled_from(["get", "put", "approve", "rename", "person", "open", "slot-add"]),
          wrong=which)
    def of_another_type(self, n, proof, op, wrong):
        """One field is missing, or a number."""
        conn = self.connection(n)
        fields = {"get": {"name": "a"}, "rename": {"name": "a", "to": "b"}, "person": self.right("right"),
                  "put": {"name": "z", **sealing(self.home, "ANTHROPIC_AUTH_TOKEN", ""), "replace": False, "token": b"x" * 9},
                  "approve": {"name": "a", **sealing(self.home, "ANTHROPIC_AUTH_TOKEN", "")},
                  "open": {k: v for k, v in self.opening("a", None, {}).items()
                           if k not in ("confine", "config_dir", "roots", "env")},
                  "slot-add": {"slot": [wc.slot("recovery")], "key": KEYS[0], "expect": self.expected(0)}}[op]
        if op != "person":
            self.prove(conn, proof)
        key = [*fields][wrong // 2 % len(fields)]
        sent = {**fields, key: -1} if wrong % 2 else {k: v for k, v in fields.items() if k != key}
        Protocol.requests += 1
        may, _ = copy.copy(self.model), None
        refusal = self.refusal_of(conn, op, fields)
        conn.proof = None
        reply = wc.unpack(self.actor(conn).do("packets", conn.number, [wc.request(op, **sent)])[0][0])
        assert not reply["ok"] and reply["error"] in {"wrong-type", refusal}, (op, key, refusal, reply)
        assert may.file is self.model.file
        self.new_lines()

    def refusal_of(self, conn, op, fields):
        """With the right fields, on copies of all."""
        model, same = copy.deepcopy((self.model, conn), {id(self.model.files): {}})
        _, refused = self.expect(model.ask, same, op, fields)
        return refused and refused.error

    @rule(n=which, cut=st.integers(1, 60), how=st.sampled_from(["half", "more", "twice", "large", "fixed", "newer"]))
    def rubbish(self, n, cut, how):
        """A packet that ends the connection."""
        conn = self.connection(n)
        if conn is self.model.connections[0]:
            return
        whole = wc.request("get", name="a", x=b"y" * 40)
        packet, error = {
            "half": (whole[:cut % (len(whole) - 1) + 1], "malformed"), "more": (whole + b"\0", "trailing-bytes"),
            "twice": (b"\x83" + whole[1:7] + whole[1:], None), "large": (b"\x81" * 65537, "too-large"),
            "fixed": (wc.MAGIC + bytes([cut]) * 9, None), "newer": (wc.pack(v=2, op="hello"), "newer")}[how]
        (answer,), _ = self.actor(conn).do("packets", conn.number, [packet])
        assert answer is not None and SECRET not in answer
        if not answer.startswith(wc.MAGIC):
            reply = wc.unpack(answer)
            assert not reply["ok"] and error in (None, reply["error"]), (how, reply)
        live = conn.session and conn.session.state == "live"
        # A session's connection ends as any other: it broke the protocol.
        (after,), _ = self.actor(conn).do("packets", conn.number, [wc.request("hello")])
        assert after is None, (how, live, after)
        self.new_lines()
        self.end(conn)

    @rule(n=which, op=st.sampled_from(["hello", "list", "lock", "fixed"]))
    def stolen(self, n, op):
        """Its child speaks over the connection that it inherited."""
        conn = self.connection(n)
        if conn is self.model.connections[0]:
            return
        packet = wc.fixed(wc.AGAIN) if op == "fixed" else wc.request(op, after="")
        answer = self.actor(conn).do("by_child", conn.number, packet)
        reply = wc.unpack(answer)
        assert not reply["ok"] and reply["error"] == "peer", reply
        lines = [(line["event"], line["result"]) for line in self.new_lines()]
        assert lines == [("message", "peer")], lines
        if not conn.session:
            self.end(conn)

    # ---- time, and another life ----

    @rule()
    def later(self):
        """Whoever has said nothing for so long has lost its connection, or finds that it is too late."""
        self.ahead += LATER
        clock = self.broker.record.parent / "clock"
        (clock.parent / "clock.new").write_text(str(self.ahead * 1000))
        (clock.parent / "clock.new").rename(clock)
        self.model.advance(LATER)
        # First those who could have a key yet: the broker looks at its deadlines twice a second.
        for conn in sorted(self.model.connections, key=lambda c: not (c.session and c.process.hidden)):
            if conn.watches or conn.session and conn.session.state == "live":
                continue
            if conn.session:
                self.too_late(conn)
            self.end(conn)
        self.hello()
        self.new_connection(self.clients[0].process)
        self.model.connections.insert(0, self.model.connections.pop())
        self.settle()
        self.new_lines()

    def too_late(self, conn):
        how = conn.session.fields["delivery"]
        if how == "relay":
            self.number += 1
            answer = self.actor(conn).do("relay", conn.number, wc.request("relay", proxy="", no_proxy=""), self.number)
            assert answer is None or not wc.unpack(answer)["ok"], "a relay was started long after the launch"
        elif how == "pipe":
            (answer,), beside = self.actor(conn).do("packets", conn.number, [wc.request("pipe")])
            assert not beside and (answer is None or not wc.unpack(answer)["ok"]), "a key long after the launch"
        else:
            items, _ = self.actor(conn).do("claim", conn.number)
            assert items is None, "a key long after the launch"

    @rule(how=st.sampled_from([signal.SIGTERM, signal.SIGKILL]))
    def another_life(self, how):
        self.learn_id()
        pid = self.broker.pid
        if how == signal.SIGKILL:
            os.kill(pid, how)
            self.broker.process.wait(60)
            self.broker.process = None
        else:
            self.broker.stop(how)
        for conn in self.model.connections:
            self.actor(conn).do("close", conn.number)
        self.new_lines()
        self.begun = {}
        self.model.stop(how == signal.SIGKILL)
        self.broker.start()
        self.read_to = min(self.read_to, self.broker.record.stat().st_size)
        self.new_lines()
        if how == signal.SIGKILL:
            # What was used in the last seconds may be forgotten, and is never more.
            used = self.counted()
            assert all(used[name] <= self.model.used.get(name, 0) for name in used), (used, self.model.used)
            self.model.used = used
        for client in self.clients:
            self.new_connection(client.process)
        self.settle()

    # ---- after each step, and at the end ----

    def check_broker(self):
        self.model.advance(0)
        answer = self.hello("status")
        for key, value in self.model.op_status(None, {}).items():
            assert answer[key] == value, f"status: {key} is {answer[key]}, not {value}"
        # A locked vault has nothing in memory: as much is used as before there was one.
        if not (self.model.open or self.model.kept or any(c.staged or c.out for c in self.model.connections)):
            self.memory = self.memory or answer["memory_used"]
            assert answer["memory_used"] == self.memory, f"{self.memory} bytes were used: {answer}"

    @hypothesis.stateful.invariant()
    def as_it_should_be(self):
        Protocol.steps += 1
        self.check_broker()

    def teardown(self):
        wrong = isinstance(sys.exc_info()[1], Exception)
        if wrong:
            Protocol.first = Protocol.first or traceback.format_exc()
            Protocol.failed_at = Protocol.failed_at or Protocol.sequences
        try:
            if self.clients and self.broker.process and not wrong:
                self.check_end()
        finally:
            for client in self.clients:
                client.actor.vanish()
            self.broker.stop(check=False)
            self.provider.close()
            shutil.rmtree(self.broker.root, ignore_errors=True)

    def check_end(self):
        """Each entry is there in the next life, as it was acknowledged; nothing else is left of this one."""
        for client in self.clients:
            client.actor.vanish()
            self.model.vanished(client.process)
        self.clients.clear()
        self.wait_for_sessions()
        self.check_left()
        self.another_life(signal.SIGTERM)
        conn = self.new_connection(self.new_client())
        if self.model.file:
            self.step(conn, "unlock", self.right("right"))
            self.step(conn, "list", {"after": ""})
            for name in self.model.file.entries:
                self.prove(conn, "right")
                self.step(conn, "get", {"name": name})
                self.step(conn, "source-take", {"name": name})
        self.broker.lines()

    def check_left(self):
        assert self.broker.process.poll() is None, "the broker has ended"
        deadline = time.monotonic() + PATIENCE
        while self.connections_left() or self.children_left():
            assert time.monotonic() < deadline, (self.connections_left(), self.children_left())
            time.sleep(0.02)
        self.hello()
        self.new_lines()
        for session, ends in self.begun.items():
            assert ends == 1, [line for line in self.broker.lines() if line.get("session") == session]

    def connections_left(self):
        with open("/proc/net/unix", encoding="ascii", errors="replace") as f:
            return sum(line.split()[-1] == str(self.broker.socket) and line.split()[5] == "03" for line in f)

    def children_left(self):
        """Relays, which the keeper starts."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                    name, parent = re.match(r"\d+ \((.*)\) . (\d+)", f.read()).groups()
                with open(f"/proc/{parent}/stat", encoding="ascii", errors="replace") as f:
                    grandparent = re.match(r"\d+ \(.*\) . (\d+)", f.read()).group(1)
            except OSError:
                continue
            if name == "ccrun-relay" and str(self.broker.process.pid) in (parent, grandparent):
                found.append(pid)
        return found


def rules():
    """By name: what each does, as rules call it too."""
    return {r.function.__name__: r.function for r in Protocol.rules()}


def run(seed, sequences, length=40, without=(), shrink=True, only=()):
    """AssertionError with the shortest sequence that fails, which hypothesis prints.  only: these rules, and those
    by which places are made again."""
    no_rules = {name: function for name, function in rules().items() if only and name not in (*only, "vanish")}
    machine = type("Protocol", (Protocol,), {"without": without, **no_rules})
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    hypothesis.seed(seed)(machine)
    Protocol.first = None
    try:
        run_it(machine, sequences, length, phases)
    except hypothesis.errors.Flaky as e:
        raise AssertionError(f"it failed once, and not again:\n{Protocol.first}") from e


def run_it(machine, sequences, length, phases):
    run_state_machine_as_test(machine, settings=settings(
        max_examples=sequences, stateful_step_count=length, deadline=None, database=None, phases=phases,
        print_blob=False, report_multiple_bugs=False, suppress_health_check=list(HealthCheck)))
