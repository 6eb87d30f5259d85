"""More of what clients do to a broker (protocol_machine.py): images, a second key in a header, work in
the background, backups.
"""
import signal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

import wire_client as wc
import wire_keys
from protocol_model import Keyfile
from protocol_words import PERSONS, digest

which = st.integers(0, 15)
few = st.sampled_from([False] * 5 + [True])
ROUTES = b"A_ROUTE=1\n"
AUTHORITIES = b"-----BEGIN CERTIFICATE-----\n"  # which is none, and nothing here asks for one
DIGEST = "0123456789abcdef" * 4


def image(name="claude", path="/usr/bin/claude", file="/opt/claude/1", owner=0, identity="1.2:3+4", digest=DIGEST, script=""):
    made = {"name": name, "path": path, "file": file, "owner": owner, "identity": identity, "digest": digest}
    if script:
        made.update(interpreter="/usr/bin/" + script, interpreter_file="/usr/bin/" + script, interpreter_owner=0)
    return made


# As it is, or otherwise in one thing.
images = st.builds(lambda astray, name, digest: image(**{"name": name, "digest": digest, **astray}), st.sampled_from([
    {}, {}, {}, {"identity": "5"}, {"file": "/opt/claude/2"}, {"file": "/opt/claude/2/3"}, {"file": "/opt/claud/1"}, {"owner": 1000},
    {"path": "/tmp/claude"}, {"script": "node"}, {"script": "bun"}, {"identity": ""}]),
    st.sampled_from(["claude"] * 6 + ["other"]), st.sampled_from([DIGEST] * 3 + [""]))
sources = st.builds(lambda path, command, pick: {"source": "pass:" + path, "command": command, "pick": pick},
                    st.sampled_from("ab"), st.sampled_from(["pass show a", "pass show a", ""]), st.just("first"))


class MoreSteps:
    """A part of Protocol."""

    # ---- images ----

    def launch_of(self, n, name, fields, marked=False):
        """A launch of the client, from outside mostly, with these fields more."""
        self.make_ready()
        conn = self.new_connection(self.new_client())
        for what in ("mark", "confine") if marked else ():
            self.become(conn.process, what)
        opening = {**self.opening(self.chosen(n, name), None, {}), **fields}
        if self.open_session(conn, opening) and conn.session:
            self.go_on(conn, "")
        return conn

    @precondition(lambda self: self.has_places())
    @rule(n=which, name=st.sampled_from(["a", "b"]), image=images, agreed=st.booleans(), twice=st.booleans())
    def launch_image(self, n, name, image, agreed, twice):
        conn = self.launch_of(n, name, {"image": [image], "agreed": agreed})
        if twice and not conn.session and conn in self.model.connections:
            # The client has hashed it, and perhaps asked its person.
            self.open_session(conn, {**self.opening(self.chosen(n, name), None, {}), "image": [{**image, "digest": DIGEST}],
                                     "agreed": agreed})

    @rule(n=which, proof=st.sampled_from(["right"] * 4 + ["none", "wrong", "automatic"]),
          name=st.sampled_from(["claude", "claude", "other", "-no-name"]), op=st.sampled_from(["image", "image", "image-forget"]))
    def kept_image(self, n, proof, name, op):
        self.ask(n, op, {"name": name}, proof)

    # ---- a second key, for a gateway's header ----

    @precondition(lambda self: self.has_places())
    @rule(n=which, delivery=st.sampled_from(["relay", "relay", "preload", "env", "pipe"]), wrong=few,
          variable=st.sampled_from(["header:x-gate", "header:x-gate:Key"]), inside=st.sampled_from(["all", "first", "last"]),
          nested=st.sampled_from(["", "nested=use", "nested=use"]), limited=st.sampled_from(["", "", "", "gate", "own"]))
    def launch_with_header(self, n, delivery, wrong, variable, inside, nested, limited):
        self.make_ready()
        there = self.model.file.entries
        for name, sent_as in (("gate", variable), ("own", "ANTHROPIC_AUTH_TOKEN")):
            conn = self.model.connections[0]
            if name in there:
                self.prove(conn, "right")
            self.put_entry(conn, name, {"origin": "at home", "variable": sent_as, "policy": nested}, name in there)
            if name == limited:
                self.step(conn, "limit-set", {"name": name, "limit": "5/month"})
        fields = self.opening("own" if n % 4 else self.chosen(n, "a"), delivery, {})
        gate = self.opening("gate", delivery, {})["entries"][0]
        if wrong:
            gate["origin"] = fields["entries"][0]["origin"] + "/else"
        if fields["entries"][0]["name"] != "gate":
            fields["entries"] = [*fields["entries"], gate] if n % 2 else [gate, *fields["entries"]]
        conn = self.new_connection(self.new_client())
        if not self.open_session(conn, fields) or not conn.session:
            return
        session = conn.session
        self.go_on(conn, "")
        if session.ticket and self.has_places():
            # Inside it, with all of its entries, or with one.
            conn = self.new_connection(self.new_client())
            some = fields["entries"] if inside == "all" else fields["entries"][:1] if inside == "first" else fields["entries"][-1:]
            if self.open_session(conn, {**fields, "entries": some, "ticket": session.ticket}):
                self.go_on(conn, "")

    # ---- background work, and what lingers ----

    @precondition(lambda self: self.has_places())
    @rule(n=which, linger=st.booleans(), nested=st.sampled_from(["use"] * 4 + ["allow", "allow", "deny"]), marked=few, then=st.one_of(
        st.lists(st.sampled_from(["begins"] * 4 + ["ends", "ends", "is ended", "is over", "is over", "is over by request", "later",
                                                   "later", "wants a yes"]), max_size=8),
        st.sampled_from([["begins", "is over", "later", "ends", "later"], ["begins", "begins", "is over", "is ended", "is ended"],
                         ["is over", "later", "begins", "later"], ["begins", "is over", "ends"], ["wants a yes"]])))
    def launch_in_background(self, n, linger, nested, marked, then):
        """A session whose agents may outlive it: they begin and end, and so does it, in any order."""
        self.make_ready()
        policy = f"nested={nested}" + (" linger=150" if linger else "")
        conn = self.model.connections[0]
        there = "back" in self.model.file.entries
        if there:
            self.prove(conn, "right")
        self.put_entry(conn, "back", {"origin": "at home", "variable": "ANTHROPIC_AUTH_TOKEN", "policy": policy}, there)
        conn = self.launch_of(n, "back", {**self.opening("back", "relay", {}), "background": n % 4 > 0}, marked)
        root = next((s for s in self.model.sessions if s.process is conn.process), None)
        if not root:
            return
        for what in [*then, "begins"]:
            agents = [s for s in self.model.live() if s.inside and s.inside.root is root and not s.ended]
            if what == "begins":
                self.begin_inside(root)
            elif what == "later":
                self.later()
            elif what == "wants a yes":
                self.step(self.model.connections[0], "confirm-set", {"name": "back", "confirm": "session"})
            elif what == "is over" and root in self.model.sessions:
                self.vanish_process(root.process)
            elif what == "is over by request":
                self.step(self.model.connections[0], "session-end", {"session": root.id})
            elif what == "ends" and agents:
                self.vanish_process(agents[0].process)
            elif what == "is ended" and agents:
                self.step(self.model.connections[0], "session-end", {"session": agents[0].id})

    def begin_inside(self, root):
        if not self.has_places() or not root.ticket:
            return
        conn = self.new_connection(self.new_client())
        for what in ("mark", "confine"):
            self.become(conn.process, what)
        name = root.fields["entries"][0]["name"]
        if self.open_session(conn, {**self.opening(name, "relay", {}), "ticket": root.ticket}):
            self.go_on(conn, "")

    # ---- backups ----

    @rule(n=which, proof=st.sampled_from(["right"] * 5 + ["none", "wrong"]), kind=st.sampled_from(
        ["passphrase"] * 3 + ["recovery", "keyring", "no-kind"]), key=st.sampled_from([b"F" * 32, b"G" * 32, b"short"]))
    def backup(self, n, proof, kind, key):
        conn = self.connection(n)
        if not self.has_room(conn):
            return
        reply = self.ask(n, "backup", {"slot": [wc.slot(kind)], "key": key}, proof)
        if reply["ok"]:
            self.take_file(conn, reply)

    @precondition(lambda self: self.files)
    @rule(n=which, file=which, replace=st.booleans(), rekey=few)
    def restore_file(self, n, file, replace, rekey):
        """One that was made here, with its own key, by a person."""
        conn = self.connection(n)
        if not self.has_room(conn):
            return
        data = self.files[file % len(self.files)]
        if self.step(conn, "stage", {"at": 0, "part": data})["ok"]:
            slots = self.model.files[data].slots
            slot, (_, key) = next(((i, s) for i, s in slots.items() if s[0] in PERSONS), [*slots.items()][0])
            self.prove(conn, "right")
            self.step(conn, "restore", {"slot": slot, "key": key, "replace": replace, "rekey": rekey})

    # ---- what has an answer that nobody counts on ----

    @rule(n=which, op=st.sampled_from(["host", "reopen", "slot", "record", "spent", "spent-today"]))
    def look_more(self, n, op):
        self.learn_id()
        fields = {"slot": {"id": n % 5}, "record": {"at": 0}, "spent": {"from": 0}, "spent-today": {"name": "a"}}
        self.ask(n, op, fields.get(op, {}))

    # ---- tokens that stay in other managers ----

    def put_source(self, conn, name, source, policy, fetched):
        """In the place of what is there."""
        there = name in self.model.file.entries
        if there:
            self.prove(conn, "right")
        fields = {"name": name, **self.here({"origin": "at home", "variable": "ANTHROPIC_AUTH_TOKEN", "policy": policy}),
                  "replace": there, **source}
        self.step(conn, "put", {**fields, "token": self.new_token()} if fetched else fields)

    @rule(name=st.sampled_from("ab"), source=sources, policy=st.sampled_from(["", "", "keep=yes", "ttl=150", "delivery=env"]),
          fetched=st.booleans())
    def put_elsewhere(self, name, source, policy, fetched):
        self.make_ready()
        self.put_source(self.model.connections[0], name, source, policy, fetched)

    @rule(n=which, name=st.sampled_from(["a", "a", "b", "c", "-no-name"]), puts=st.sampled_from([True] * 4 + [False]),
          token=st.sampled_from([None] * 5 + [b"short", b"x" * 16385]), expires=st.sampled_from([None, None, 150, 1000]),
          other=few)
    def fetch(self, n, name, puts, token, expires, other):
        conn = self.connection(n)
        reply = self.step(conn, "source-take", {"name": name})
        if puts or not reply["ok"]:
            fields = {"name": "b" if other else name, "token": token or self.new_token()}
            self.step(conn, "source-put", fields if expires is None else {**fields, "expires": expires})

    @rule(n=which, source=sources)
    def source_changes(self, n, source):
        """While it is fetched."""
        self.make_ready()
        conn = self.connection(n)
        self.put_source(self.model.connections[0], "a", source, "", False)
        taken = self.step(conn, "source-take", {"name": "a"})
        self.prove(self.model.connections[0], "right")
        to = {"source": "pass:b", "command": "pass show b", "pick": "first"} if n % 2 else {}
        self.step(self.model.connections[0], "approve", {"name": "a", **self.here({
            "origin": "at home", "variable": "ANTHROPIC_AUTH_TOKEN", "policy": "nested=use"}), **to})
        if taken["ok"]:
            self.step(conn, "source-put", {"name": "a", "token": self.new_token()})

    @precondition(lambda self: self.has_places())
    @rule(n=which, fetched=st.sampled_from([True, True, True, False]), policy=st.sampled_from(["", "keep=yes", "ttl=150"]),
          delivery=st.sampled_from(["relay", "relay", "preload", "env"]), source=sources)
    def launch_elsewhere(self, n, fetched, policy, delivery, source):
        self.make_ready()
        self.put_source(self.model.connections[0], "a", source, policy, False)
        if fetched:
            self.fetch(n, "a", True, None, None, False)
        conn = self.new_connection(self.new_client())
        if self.open_session(conn, self.opening("a", delivery, {})) and conn.session:
            self.go_on(conn, "")

    @rule(n=which, name=st.sampled_from(["a", "-no-name"]))
    def source_fail(self, n, name):
        self.step(self.connection(n), "source-fail", {"name": name, "message": "m", "hint": ""})

    # ---- quotas ----

    @rule(n=which, name=st.sampled_from(["a", "a", "a", "b", "-no-name"]), own=few, kept=few, hidden=st.sampled_from([True] * 5 + [False]),
          put=st.sampled_from([{"items": [{"label": "5h", "percent": 1250}]}] * 3 + [
              {"items": []}, {"items": [{"label": "bal", "amount": "1.50", "currency": "USD"}]}, {"items": [{"label": "wk"}]},
              {"items": [{"label": "too-long-a-word", "percent": 1}]}, {"items": [{"label": "wk", "percent": 1000001}]},
              {"items": [{"label": "x", "percent": 1}] * 9}, {"error": "network"}, {"error": "tls", "retry": 150},
              {"error": "unheard"}, None]))
    def work_at_numbers(self, n, name, own, kept, hidden, put):
        """A worker outside the sessions; it stays if it is kept."""
        if not self.has_places():
            return
        conn = self.new_connection(self.new_client())
        if hidden:
            self.become(conn.process, "hide")
        fields = {"name": name, "own": True} if own else {"name": name}
        if not self.model.would_wait(conn, fields):
            self.step(conn, "usage-next", fields)
            for what in [*([put] if put else []), *([{"items": []}] if n % 4 == 0 else [])]:
                self.step(conn, "usage-put", what)
        if not kept:
            self.vanish_process(conn.process)

    @rule(n=which, name=st.sampled_from(["a", "a", "b", "-no-name"]), own=few)
    def ask_numbers(self, n, name, own):
        self.ask(n, "usage", {"name": name, "own": True} if own else {"name": name})

    @rule(n=which, what=st.sampled_from(["usage-put", "usage-next"]))
    def numbers_by_others(self, n, what):
        conn = self.connection(n)
        fields = {"name": "a"} if what == "usage-next" else {"items": []}
        if what == "usage-put" or not self.model.would_wait(conn, fields):
            self.step(conn, what, fields)

    # ---- keyfiles ----

    def learn_id(self):
        if self.model.file:
            with wc.Client(self.broker.socket) as c:
                self.model.file.id = c.call("slots")["id"]

    def make_keyfile(self, slot, key, astray):
        """(what the model takes it for, its bytes)"""
        vault = self.model.file.id if self.model.file and astray != "vault" else bytes(16)
        another = wire_keys.host_pair(b"t" * 32)[0]
        host = another if astray == "host" else self.model.host or another
        data = wire_keys.keyfile(vault, slot, key, host)
        if astray == "short":
            return Keyfile(vault, slot, key, host, "truncated"), data[:-1]
        if astray == "bit":
            return Keyfile(vault, slot, key, host, "damaged"), data[:-1] + bytes([data[-1] ^ 1])
        return Keyfile(vault, slot, key, host), data

    @rule(n=which, slot=st.integers(0, 4), right=st.sampled_from([True] * 4 + [False]),
          astray=st.sampled_from([""] * 6 + ["vault", "host", "short", "bit"]))
    def keyfile(self, n, slot, right, astray):
        conn = self.connection(n)
        self.learn_id()
        slots = [*(self.model.file.slots if self.model.file else {1: ("", b"K" * 32)}).items()]
        slot, (_, key) = slots[slot % len(slots)] if right else (slot, ("", b"K" * 32))
        known, data = self.make_keyfile(slot, key, astray)
        self.step(conn, "keyfile", {"keyfile": known}, {"keyfile": data})

    @rule(n=which, key=st.sampled_from([b"L" * 32, b"M" * 32]), proof=st.sampled_from(["right"] * 5 + ["none"]), wrong=few,
          astray=st.sampled_from([""] * 5 + ["vault", "bit"]))
    def slot_by_keyfile(self, n, key, proof, wrong, astray):
        self.make_ready()
        conn = self.connection(n)
        self.learn_id()
        known, data = self.make_keyfile(self.model.file.next + wrong, key, astray)
        fields = {"slot": [wc.slot("keyfile")], "key": key, "expect": self.model.file.next}
        self.prove(conn, proof)
        self.step(conn, "slot-add", {**fields, "keyfile": known}, {**fields, "keyfile": data})

    @precondition(lambda self: self.model.keyfile)
    @rule(n=which, lock=st.booleans(), how=st.sampled_from([signal.SIGTERM, signal.SIGKILL]), life=st.booleans())
    def reopen(self, n, lock, how, life):
        """By what the broker has, asked for it or in its next life."""
        self.learn_id()
        if lock:
            self.step(self.model.connections[0], "lock", {})
        if life:
            self.another_life(how)
        else:
            self.step(self.connection(n), "reopen", {})

    # ---- files for a relay ----

    @precondition(lambda self: self.has_places())
    @rule(n=which, seal=st.sampled_from([True, True, False]), delivery=st.sampled_from(["relay"] * 5 + ["preload"]),
          passed=st.lists(st.tuples(st.sampled_from(["ca", "ca", "ca", "cert", "key", "crl"]), st.sampled_from(
              ["known"] * 5 + ["other", "empty", "none", "open"])), min_size=1, max_size=3))
    def launch_with_files(self, n, seal, delivery, passed):
        """Authorities that are sealed with the key, or not, and a client's certificate."""
        self.make_ready()
        there = "files" in self.model.file.entries
        if there:
            self.prove(self.model.connections[0], "right")
        self.put_entry(self.model.connections[0], "files", {
            "origin": "at home", "variable": "ANTHROPIC_AUTH_TOKEN", "policy": "ca=" + digest(AUTHORITIES) if seal else ""}, there)
        conn = self.new_connection(self.new_client())
        if not self.open_session(conn, self.opening("files", delivery, {})):
            return
        for kind, what in passed:
            data = {"empty": b"", "none": None, "other": b"other authorities"}.get(what, AUTHORITIES)
            self.pass_file(conn, {"kind": kind, "data": data, "sealed": what != "open"})
        self.go_on(conn, "")

    def pass_file(self, conn, f):
        granted, refused = self.expect(self.model.ask, conn, "relay-file", f)
        packet = self.actor(conn).do("pass_file", conn.number, wc.request("relay-file", kind=f["kind"]), f["data"], f["sealed"])
        reply = wc.unpack(packet)
        self.compare("relay-file", granted, refused, reply)
        self.check_record([("relay-file", refused.error, reply)] if refused else [], conn.process.pid)

    # ---- what is sealed, and an open that says something else in one thing ----

    @precondition(lambda self: self.has_places())
    @rule(n=which, sealed_and_said=st.sampled_from([
        ("env=" + digest(ROUTES), {"env": b""}), ("env=" + digest(ROUTES), {"env": ROUTES + b"B=2\n"}), ("", {"env": ROUTES}),
        ("config_dir=~/work", {"config_dir": ""}), ("", {"config_dir": "~/work"}), ("confine=on", {"confine": "auto"}),
        ("strict=yes", {"delivery": "pipe"}), ("strict=yes", {"delivery": "env", "roots": ""}),
        ("", {"delivery": "pipe", "strict": True, "roots": ""}), ("", {"delivery": "preload", "strict": True, "roots": ""}),
        ("", {"delivery": "preload", "strict": True}), ("", {"delivery": "env"}), ("delivery=pipe", {"delivery": "env"}),
        ("delivery=preload", {"delivery": "pipe"}), ("delivery=relay", {"delivery": "preload"}), ("delivery=env", {}),
        ("nested=use", {"delivery": "preload"}), ("nested=use", {}), ("nested=allow", {"delivery": "preload"})]),
          inside=st.booleans(), limit=few)
    def launch_against_seal(self, n, sealed_and_said, inside, limit):
        policy, said = sealed_and_said
        self.make_ready()
        first = self.model.connections[0]
        there = "seal" in self.model.file.entries
        if there:
            self.prove(first, "right")
        self.put_entry(first, "seal", {"origin": "at home", "variable": "ANTHROPIC_AUTH_TOKEN", "policy": policy}, there)
        if limit:
            self.step(first, "limit-set", {"name": "seal", "limit": "1/month"})
        if inside and "nested" in policy:
            root = self.launch_of(n, "seal", self.opening("seal", "relay", {})).process
            tickets = [text for text, t in self.model.tickets.items() if t.root.process is root]
            if not tickets or not self.has_places():
                return
            said = {**said, "ticket": tickets[0]}
        conn = self.new_connection(self.new_client())
        if self.open_session(conn, {**self.opening("seal", None, {}), **said}) and conn.session:
            self.go_on(conn, "")

    # ---- a person's proof that grows old ----

    @precondition(lambda self: self.has_places() and not any(c.watches for c in self.model.connections))
    @rule(meanwhile=st.sampled_from(["later", "unlock", "lock and unlock", ""]))
    def person_waits(self, meanwhile):
        """On a connection that may be silent for long: between the proof and what it was for."""
        self.make_ready()
        conn = self.new_connection(self.new_client())
        self.step(conn, "watch", {"kind": "test"})
        self.prove(conn, "right")
        if meanwhile == "later":
            self.later()
        if meanwhile == "lock and unlock":
            self.step(self.model.connections[0], "lock", {})
        if "unlock" in meanwhile:
            self.step(self.model.connections[0], "unlock", self.right("right"))
        self.step(conn, "rename", {"name": "a", "to": "a"})
        self.vanish_process(conn.process)
