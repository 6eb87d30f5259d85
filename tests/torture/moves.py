"""ccctl move between a person's own broker and the system's: ccctl and both brokers killed at each
call that changes a file or answers, power lost at each moment of all three, each system call and
allocation of ccctl's failing in turn.  As root, on a Machine (system_broker.py).

The person's home and the system broker's directory may be on different disks: what is on the one
after a loss of power says nothing of the other.
"""
import ctypes
import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass

import wire_client as wc
from ccrun import PASSPHRASE
from client import MARK, until
from disk import Disk, Disks, put_tree, replay
from errors import number, points as points_of, took_badly
from operations import DATA, FRESH, KEPT, SECRETS, STATE as RECORDS, state_of
from system_broker import BROKER_UID, PREFIX, RUN, SOCKET, STATE, Machine, SystemBroker, SystemUser, account
from traced import Tracer, room

BROKER = PREFIX / "libexec/ccrun/ccbroker"
VICTIMS = ("ccctl", "own", "system")
WITH_KEYS = ("vault", "vault.prev", "keyfile", "keyfile.next")  # no trace of these stays where the vault was


def vault_key(kdf):
    """Of slot 1, as the client derives it from the passphrase."""
    out, sodium = ctypes.create_string_buffer(32), ctypes.CDLL("libsodium.so.23")
    assert sodium.crypto_pwhash(out, ctypes.c_ulonglong(32), PASSPHRASE.encode(), ctypes.c_ulonglong(len(PASSPHRASE)),
                                kdf["salt"], ctypes.c_ulonglong(kdf["ops"]), ctypes.c_size_t(kdf["mem"]),
                                ctypes.c_int(kdf["alg"])) == 0
    return out.raw


class Reached:
    """A broker as a process of the person's reaches it: what operations.py wants of one."""
    call, get, put = wc.Broker.call, wc.Broker.get, wc.Broker.put

    def __init__(self, socket, key=None):
        self.socket, self.person = socket, key and wc.Person(1, key)

    def connect(self, **kw):
        return wc.Client(self.socket, **{"person": self.person, **kw})

    def serving(self):
        with suppress(OSError, wc.Closed):
            return self.call("hello")
        return None

    def opened(self):
        """What people have in the vault; None: there is none."""
        until(self.serving, what="a broker")
        if self.call("hello")["state"] != "none":
            self.call("unlock", slot=1, key=self.person.key)
        return state_of(self)


def looked_at(places):
    """What is in each, or why that cannot be told."""
    found = []
    for place in places:
        try:
            found.append(place.opened())
        except (AssertionError, TimeoutError, wc.Refused, wc.Closed, OSError) as e:
            found.append(f"unusable: {type(e).__name__}: {e}")
    return found


def found_in_path(argv):
    """The tracer looks for no program."""
    return [shutil.which(argv[0]), *argv[1:]]


class Running:
    """A broker and what it starts, under a tracer, which is root's."""

    def __init__(self, argv, env):
        self.tracer = Tracer()
        self.process = self.tracer.popen(found_in_path(argv), env=env, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def end(self, log=False):
        """(whose call was met, the log if there is one)"""
        hit = self.tracer.stop().hit
        self.tracer.say(b"end")
        self.tracer.end()
        self.process.wait(20)
        lines = self.tracer.done() if log else []
        self.tracer.close()
        return hit, lines


class Person(SystemUser):
    """A user of the machine whose programs may run under a tracer, which stays root's."""
    tracer, first = None, None

    def argv(self, argv):
        argv = super().argv(argv)
        return self.tracer.before(found_in_path(argv), self.first)[0] if self.tracer else argv

    def popen(self, argv, env=None, cwd=None, **kw):
        if self.tracer:
            kw["pass_fds"] = (self.tracer.theirs.fileno(), *kw.get("pass_fds", ()))
        return super().popen(argv, env, cwd, **kw)

    def traced(self, do, first):
        """do() under a tracer: (its result, how it ended, what is in the log)."""
        self.tracer, self.first = Tracer(), first
        try:
            result = do()
            self.tracer.started()
            end, log = self.tracer.end(), "log" in first
            return result, end, self.tracer.done() if log else self.tracer.lines()
        finally:
            self.tracer.close()
            self.tracer = None


@dataclass
class Move:
    """ccctl move WHERE."""
    where: str
    allow: tuple = ()

    @property
    def name(self):
        return f"move {self.where}"

    def __call__(self, person):
        return person.with_passphrase("move", self.where, *self.allow)

    def right(self, own, system):
        """(where it was, where it goes to)"""
        return (own, system) if self.where == "system" else (system, own)


# The slot of a keyfile moves along when that is agreed to, its file does not.
MOVES = [Move("system", ("--allow", "keyfile=2")), Move("user")]


class Scene:
    """A person, both brokers, and the trees of files with which a move begins."""

    def __init__(self, machine, move):
        self.machine, self.move = machine, move
        self.kept, self.world = room("ccm-"), room("ccm-")
        machine.clean()
        self.person = Person(None, user=account(1), prefix=PREFIX)
        self.trees = (self.person.data, self.person.state, STATE)
        self.owners = {STATE: BROKER_UID}
        self.own, self.system, self.key = None, None, None

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.end()
        self.person.close()
        for d in (self.kept, self.world):
            shutil.rmtree(d, ignore_errors=True)
        self.machine.clean()

    def begin(self):
        """Make the world, and learn what is in the vault."""
        p = self.person
        p.init()
        for words in ("host", "init"), ("slot", "add", "keyfile"):
            r = p.ccctl(*words)
            assert r.rc == 0, r
        own = self.reach()[0]
        self.key = vault_key(p.act(lambda: own.call("slots")["slots"][0]))
        p.act(self.fill)
        if self.move.where == "user":
            self.begin_in_system()
        self.end()
        self.keep(self.world)
        found, wrong = self.look()
        self.whole, other = self.move.right(*found)
        assert not wrong and isinstance(self.whole, list) and other is None, (found, wrong)

    def fill(self):
        own = self.reach()[0]
        own.put("kept", KEPT)
        own.put("later", FRESH)
        own.call("limit-set", name="later", limit="5/day")
        own.call("set", idle=90, screen=False)

    def begin_in_system(self):
        """It is there, with a keyfile of its own; the move there was killed behind the vault."""
        subprocess.run([PREFIX / "bin/ccctl", "host", "init", "--system"], check=True, capture_output=True)
        checkpoint = self.bytes_of("record.checkpoint")
        self.start_system()
        p = self.person
        for r in (MOVES[0](p), p.ccctl("slot", "add", "keyfile"), p.ccctl("slot", "rm", "-y", "2")):
            assert r.rc == 0, r
        for path, data in checkpoint.items():
            path.write_bytes(data)
            path.chmod(0o600)

    def reach(self):
        """Both brokers: the person's own, the system's."""
        return [Reached(s, self.key) for s in (self.person.runtime / "ccrun/broker.sock", SOCKET)]

    # ---- trees ----

    def clear(self):
        for path in (RUN, self.person.runtime, *self.trees):
            for entry in path.iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()

    def give(self):
        """Each tree to its owner."""
        for tree in self.trees:
            owner = self.owners.get(tree, self.person.uid)
            for path in (tree, *tree.rglob("*")):
                os.chown(path, owner, owner, follow_symlinks=False)

    def keep(self, where):
        """A copy of the trees."""
        shutil.rmtree(where)
        for n, tree in enumerate(self.trees):
            shutil.copytree(tree, where / str(n), symlinks=True, ignore=shutil.ignore_patterns("*.sock"))

    def bring(self, where):
        """The trees as that copy has them; nothing runs."""
        self.clear()
        for n, tree in enumerate(self.trees):
            shutil.copytree(where / str(n), tree, symlinks=True, dirs_exist_ok=True)
        self.give()

    def put(self, tree, modes):
        self.clear()
        put_tree(tree, modes)
        self.give()

    def bytes_of(self, *names):
        """Those files of both that are there."""
        places = (self.person.data / "ccrun", self.person.state / "ccrun", self.person.place)
        return {p / n: (p / n).read_bytes() for p in places for n in names if (p / n).is_file()}

    # ---- brokers ----

    def start_own(self):
        self.own = Running(self.person.argv([BROKER, "--foreground"]), self.person.env())
        place = self.reach()[0]
        self.person.act(lambda: until(place.serving, what="the person's own broker") and None)

    def start_system(self):
        # MARK: none of the person's processes, which end with their world.
        self.system = Running(SystemBroker().argv(), {"PATH": "/usr/bin:/bin", MARK: "system"})
        until(Reached(SOCKET).serving, what="the system broker")

    def start(self):
        self.start_own()
        self.start_system()

    def end(self, log=False):
        """The brokers, as kill -9 ends them: (whose call was met, their logs)."""
        hit, lines = "-", []
        for running in (self.own, self.system):
            if running:
                met, done = running.end(log)
                hit = hit if met == "-" else met
                lines += done
        self.own = self.system = None
        self.person.end()
        return hit, lines

    # ---- what is there ----

    def look(self):
        """New brokers on what is there: ([the person's own vault, the system's], what is wrong)."""
        wrong = [f"a key in the clear: {p}" for tree in self.trees for p in tree.rglob("*")
                 if p.is_file() and any(s in p.read_bytes() for s in SECRETS)]
        self.start()
        places = self.reach()
        found = self.person.act(looked_at, places)
        for path, data in self.bytes_of("record.jsonl").items():
            try:
                cuts = [e for e in wc.read_record(data) if e["event"] in ("log-cut", "vault-old")]
                wrong += [f"{path}: {e}" for e in cuts]
            except AssertionError as e:
                wrong.append(f"{path}: {e}")
        wrong += [f"left behind: {p}" for p in self.litter()]
        self.end()
        return found, wrong

    def litter(self):
        """Files that have no business there any more."""
        p = self.person
        known = {p.data / "ccrun": DATA, p.state / "ccrun": RECORDS, p.place: DATA | RECORDS}
        return [f for d, names in known.items() if d.is_dir() for f in d.iterdir() if f.name not in names]

    def judge(self, done=False):
        """What is wrong with what is there.  done: it was acknowledged."""
        found, wrong = self.look()
        wrong += [f"neither whole nor absent: {f}" for f in found if f not in (None, self.whole)]
        if self.whole not in found:
            wrong.append("there is no whole vault")
        return wrong + (self.unfinished(found) if done else [])

    def unfinished(self, found):
        """What a move that was acknowledged has not done."""
        old, new = self.move.right(*found)
        place = self.move.right(self.person.data / "ccrun", self.person.place)[0]
        left = [n for n in WITH_KEYS if (place / n).exists()]
        return (["it is not there"] if new != self.whole else []) + (["it is where it was, too"] if old else []) + \
            ([f"left where it was: {left}"] if left else [])

    def again(self):
        """The same command once more, which finishes the move or says that it was done; what is wrong."""
        old, new = self.move.right(self.person.data / "ccrun/vault", self.person.place / "vault")
        moved = new.exists() and not old.exists()
        r = self.move(self.person)
        wrong = [] if r.rc == 0 or moved and "there is no vault in" in r.err else [f"the same command again: {r}"]
        self.end()
        found, more = self.look()
        return wrong + [f"after the same command again: {w}" for w in more + self.unfinished(found)]


# ---- killed ------------------------------------------------------------

def kill_at(s, victim, at):
    """One point; (was it met, what is wrong)."""
    s.bring(s.world)
    s.start()
    kill = ("kill", "ccctl" if victim == "ccctl" else "ccbroker", "files", at)
    if victim == "ccctl":
        r, end, _ = s.person.traced(lambda: s.move(s.person), kill)
        hit = end.hit
    else:
        tracer = (s.own if victim == "own" else s.system).tracer
        tracer.arm(*kill)
        r = s.move(s.person)
        hit = tracer.stop().hit
    wrong = [f"failed by itself: {r}"] if hit == "-" and r.rc != 0 else []
    s.keep(s.kept)
    if victim == "system" and hit != "-":
        s.system.end()
        s.start_system()
    wrong += s.again()
    s.bring(s.kept)
    wrong += s.judge(r.rc == 0)
    return hit != "-", [f"{s.move.name}, {victim} killed at call {at} ({hit}): {w}" for w in wrong]


def crash_move(machine, move, step=1, victims=VICTIMS):
    """(points, faults)"""
    faults, points = [], 0
    with Scene(machine, move) as s:
        for victim in victims:
            at, met = 1, True
            while met:
                met, wrong = kill_at(s, victim, at)
                faults += wrong
                points += met
                at += step
    return points, faults


# ---- power lost --------------------------------------------------------

def record(s):
    """(the disks before, what was done to them, the disks that are there)"""
    s.bring(s.world)
    s.start()
    disks = Disks(Disk(s.person.data, s.person.state), Disk(STATE))
    for running in (s.own, s.system):
        running.tracer.arm("count", "*", "log")
    r, _, done = s.person.traced(lambda: s.move(s.person), ("count", "*", "log"))
    assert r.rc == 0, r
    done += s.end(log=True)[1]
    after = Disks(Disk(s.person.data, s.person.state), Disk(STATE))
    return disks, [what for _, what in sorted(done)], after


def try_tree(s, tree, modes, done):
    s.put(tree, modes)
    wrong = s.judge(done)
    s.put(tree, modes)
    s.start_system()
    return wrong + s.again()


def lose_power(machine, move, step=1):
    """(trees, faults)"""
    faults, points = [], 0
    with Scene(machine, move) as s:
        disks, lines, after = record(s)
        for done, tree in replay(disks, lines):
            points += 1
            if points % step:
                continue
            what = {p: len(d) for p, d in tree.items() if d is not None}
            faults += [f"{move.name}, power lost, {'behind' if done else 'before'} the answer: {w}; {what}"
                       for w in try_tree(s, tree, disks.modes, done)]
        faults += [f"{move.name}: the model is wrong about {p}" for p in disks.differs(after)]
    return points // step, faults


# ---- refused -----------------------------------------------------------

def refuse_at(s, at, name, error):
    """One point; what is wrong."""
    s.bring(s.world)
    s.start()
    try:
        r, end, _ = s.person.traced(lambda: s.move(s.person), ("fail", "ccctl", "all", at, number(error), name))
    except TimeoutError as e:
        return [f"{s.move.name}, call {at} {name} {error}: hangs: {e}"]
    wrong = took_badly(end, r.err, SECRETS) + s.again()
    return [f"{s.move.name}, call {at} {name} {error}: {w}" for w in wrong]


def refuse_move(machine, move, step=1, rest=0):
    """(points, faults)"""
    faults, done = [], 0
    with Scene(machine, move) as s:
        s.bring(s.world)
        s.start()
        r, _, lines = s.person.traced(lambda: s.move(s.person), ("count", "ccctl", "all"))
        assert r.rc == 0, r
        for what in points_of(lines, step, rest):
            faults += refuse_at(s, *what)
            done += 1
    return done, faults
