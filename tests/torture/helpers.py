"""The helpers that speak with a service, every system call and allocation of theirs failing in
turn: ccrun-keyring and ccrun-tpm2, which answer one question; ccrun-logind, which watches;
ccrun-usage, which fetches."""
import os
import secrets
import select
import signal
import socket
import struct
import tempfile
import time
from contextlib import contextmanager

import canary
from built import BUILD
from client import World
from errors import ended_badly, number, points, says_why, short_points, shows
from keyring import SecretService
from logind import Logind, WatchBroker
from quota_server import QuotaServer
from swtpm import NO_SESSIONS, Tpm
from traced import PATIENCE, Tracer
from usage import BALANCE, DEEPSEEK, Usage

HELPERS = BUILD / "libexec/ccrun"
FLUSH_CONTEXT = 0x165
VAULT, SLOT = "0123456789abcdef0123456789abcdef", 7
# GLib and libgcrypt end a program that cannot make a thread, or not read whether FIPS is on: the
# starter says that it was ended by a signal (test_torture.py).  Nothing of ours does that.
LIBRARIES_END = {"ccrun-keyring": {signal.SIGTRAP, signal.SIGABRT}}
READABLE = {"CCRUN_WITHOUT": "hardened"}  # for half reads and writes


class Running:
    """One helper under a tracer, with a descriptor of ours as its fd 3."""

    def __init__(self, world, argv, first, env=None, third=None, pass_fds=()):
        self.tracer, self.errors = Tracer(), tempfile.TemporaryFile()
        fds, words = list(pass_fds), list(map(str, argv))
        if third is not None:
            n = third.fileno() if hasattr(third, "fileno") else third
            fds.append(n)
            words = ["/bin/bash", "-c", f'exec "$@" 3<&{n} {n}<&-' if n != 3 else 'exec "$@"', "bash", *words]
        words, more = self.tracer.before(words, first)
        self.process = world.popen(words, env, pass_fds=[*fds, *more], stdout=self.errors, stderr=self.errors)
        self.tracer.started()

    def ended(self):
        return bool(select.select([self.tracer.mine], [], [], 0)[0])

    def finish(self, patience=PATIENCE):
        """Its end and what it wrote; what has not ended by then lives on, in End.left."""
        if not select.select([self.tracer.mine], [], [], patience)[0]:
            self.tracer.mine.send(b"end")
        end = self.tracer.end()
        self.process.wait(PATIENCE)
        self.errors.seek(0)
        said, lines = self.errors.read().decode(errors="replace"), self.tracer.lines()
        self.errors.close()
        self.tracer.close()
        return end, said, lines


def judge(end, said, secret):
    """What is wrong with any end."""
    wrong = []
    bad = ended_badly(end.code, end.signal)
    if bad:
        wrong.append(f"it died by {bad}: {said!r}")
    if end.left != "-":
        wrong.append(f"lives on: {end.left}")
    if shows(said, [secret]):
        wrong.append("it shows the key")
    return wrong


# ---- one question ------------------------------------------------------

class Question:
    """A helper that gets a packet, or none, and answers with one."""

    def __init__(self, world, name, argv, secret, env, packet=None, begin=lambda: None, right=lambda answer: True):
        self.world, self.name, self.argv, self.secret, self.env = world, name, argv, secret, env
        self.packet, self.begin, self.right = packet, begin, right

    def run(self, first):
        """(what is wrong, the lines of the log)"""
        self.begin()
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        mine.settimeout(PATIENCE)
        if self.packet is not None:
            mine.send(self.packet)
        r = Running(self.world, [HELPERS / self.name, *self.argv], first, {**self.env, **self.also(first)}, theirs)
        theirs.close()
        wrong = []
        with mine:
            try:
                answer = mine.recv(65536)
            except ConnectionResetError:
                answer = b""
            except TimeoutError:
                answer = b""
                wrong.append("hangs")
        end, said, lines = r.finish(0 if wrong else PATIENCE)
        if not answer and end.signal in LIBRARIES_END.get(self.name, ()):
            return wrong + (["it shows the key"] if shows(said, [self.secret]) else []), lines
        wrong += judge(end, said, self.secret)
        return wrong + self.judge_answer(answer, first[0] == "short"), lines

    @staticmethod
    def also(first):
        return READABLE if first[0] == "short" or "readable" in first else {}

    def judge_answer(self, answer, whole=False):
        """whole: it is to have done what it was asked."""
        kind, body = answer[:1], answer[1:]
        if whole and kind != b"k":
            return [f"it failed: {answer!r}"]
        if kind == b"f":
            texts = body.split(b"\0")
            return [f"a failure without a word: {body}"] if len(texts) != 4 or not texts[1] else \
                ["it shows the key"] if shows(body, [self.secret]) else []
        if kind != b"k":
            return [f"it ended without an answer: {answer!r}"]
        return [] if self.right(body) else ["it says that it was done, and it was not"]


def keyring_questions(world, service):
    key = secrets.token_hex(32).encode()

    def stored():
        service.delete(VAULT, SLOT)
        asked("store", packet=key)[0].run(("count", "nobody"))

    def fetched():
        answer = []
        q = asked("fetch", right=lambda body: answer.append(body) or True)[0]
        q.run(("count", "nobody"))
        return answer == [key]

    def asked(verb, packet=None, begin=lambda: None, right=lambda body: True):
        return [Question(world, "ccrun-keyring", [verb, VAULT, SLOT], key, service.env, packet, begin, right)]

    return asked("store", key, lambda: service.delete(VAULT, SLOT), lambda _: fetched()) + \
        asked("fetch", None, stored, lambda body: body == key) + \
        asked("erase", None, stored, lambda _: not service.items())


def tpm_questions(world, tpm):
    key = secrets.token_bytes(32)
    blob = []

    def asked(verb, packet, right):
        return Question(world, "ccrun-tpm2", [verb], key, tpm.env, packet, flush, right)

    def flush():
        """What a question that was broken off has left; the kernel does that for /dev/tpmrm0."""
        for kind in ("transient", "session"):
            for handle in tpm.handles(kind):
                tpm.command(NO_SESSIONS, FLUSH_CONTEXT, struct.pack(">I", handle))

    def opens(sealed):
        got = []
        asked("unseal", sealed, lambda body: got.append(body) or True).run(("count", "nobody"))
        return got == [key]

    asked("seal", key, lambda body: blob.append(body) or True).run(("count", "nobody"))
    return [asked("seal", key, opens), asked("unseal", blob[0], lambda body: body == key)]


# ---- the watcher -------------------------------------------------------

class Watch:
    """ccrun-logind from its start to a suspend."""
    name, argv = "ccrun-logind", ["suspend"]

    def __init__(self, world, logind, broker):
        self.world, self.logind, self.broker = world, logind, broker

    def run(self, first):
        before = len(self.broker.locks())
        read, write = os.pipe()
        r = Running(self.world, [HELPERS / self.name, "--ready-fd", write], first,
                    {**self.logind.env, **Question.also(first)}, pass_fds=[write])
        os.close(write)
        said, wrong = self.hear(read, r), []
        os.close(read)
        if said is None:
            wrong.append("hangs: neither ready nor ended")
        if said == b"ready\n":
            wrong += self.suspend(r, before)
        elif first[0] == "short":
            wrong.append("it does not watch")
        r.process.terminate()  # which the tracer hands on
        end, text, lines = r.finish(10)
        wrong += judge(end, text, canary.new_token(40).encode())
        if said == b"" and not says_why(text):
            wrong.append(f"it ended with {end.code} and without a word: {text!r}")
        return wrong, lines

    @staticmethod
    def hear(fd, r):
        """What it says there; None: nothing, and it has not ended."""
        there = select.select([fd, r.tracer.mine], [], [], PATIENCE)[0]
        return os.read(fd, 100) if fd in there else b"" if there else None

    def suspend(self, r, before):
        """Nobody is told that it watches who does not lock."""
        self.logind.prepare_for_sleep(True)
        deadline = time.monotonic() + PATIENCE
        while len(self.broker.locks()) == before and not r.ended() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.logind.prepare_for_sleep(False)
        return [] if len(self.broker.locks()) > before or r.ended() else ["it watches, and does not lock"]


# ---- the quota worker --------------------------------------------------

class Fetch:
    """ccrun-usage from its start to the numbers that it puts."""
    name, argv = "ccrun-usage", ["fetch"]

    def __init__(self, world, server):
        self.world, self.server = world, server
        self.token = canary.new_token(40)

    def run(self, first):
        with Usage(self.world) as u:  # what is left in another's queue would be answered first
            u.taken = len(u.requests("usage-put"))
            u.fetch("bearer " + self.server.url + "/anthropic", self.token)
            self.server.answer(200, DEEPSEEK)
            return self.fetch(u, first)

    def fetch(self, u, first):
        fd = os.pidfd_open(u.session.pid)
        r = Running(self.world, u.words("deepseek"), first, Question.also(first), fd)
        os.close(fd)
        deadline = time.monotonic() + PATIENCE / 4
        while len(u.requests("usage-put")) == u.taken and not r.ended() and time.monotonic() < deadline:
            time.sleep(0.01)
        puts, ended = u.requests("usage-put")[u.taken:], r.ended()
        u.end_session()
        end, said, lines = r.finish(5)
        wrong = judge(end, said, self.token.encode())
        if not puts and not ended:
            wrong.append("it neither puts anything nor ends")
        if ended and not puts and not says_why(said):
            wrong.append(f"it ended without a word: {said!r}")
        if first[0] == "short" and [p.get("items") for p in puts] != [BALANCE]:
            wrong.append(f"no numbers: {puts} {said!r}")
        for put in puts:
            if "error" not in put and put.get("items") != BALANCE:
                wrong.append(f"other numbers: {put}")
        return wrong, lines


# ---- all of them -------------------------------------------------------

@contextmanager
def keyring():
    with World() as w, SecretService(w) as s:
        yield keyring_questions(w, s)


@contextmanager
def tpm():
    with World() as w, Tpm(w) as t:
        yield tpm_questions(w, t)


@contextmanager
def watcher():
    with World() as w, Logind(w) as logind, WatchBroker(w) as broker:
        yield [Watch(w, logind, broker)]


@contextmanager
def worker():
    with World() as w, QuotaServer() as server:
        yield [Fetch(w, server)]


KINDS = {"ccrun-keyring": keyring, "ccrun-tpm2": tpm, "ccrun-logind": watcher, "ccrun-usage": worker}
# ccrun-tpm2's streams are tpm2-tss's, for which a command and an answer are one write and one read.
BY_HALF = ("ccrun-keyring", "ccrun-logind", "ccrun-usage")


def refuse_helper(kind, step=1, rest=0):
    """(points, faults)"""
    done, faults = 0, []
    with KINDS[kind]() as cases:
        for case in cases:
            target = (case.name[:15], "all")
            wrong, lines = case.run(("count", *target))
            assert not wrong and len(lines) > 20, (case.name, case.argv, wrong)
            for at, name, error in points(lines, step, rest):
                wrong, _ = case.run(("fail", *target, at, number(error), name))
                faults += [f"{case.name} {case.argv[0]}, call {at} {name} {error}: {w}" for w in wrong]
                done += 1
    return done, faults


def shorten_helper(kind, step=1):
    """(points, faults) of reads and writes that do half of it."""
    done, faults = 0, []
    with KINDS[kind]() as cases:
        for case in cases:
            target = (case.name[:15], "all")
            wrong, lines = case.run(("count", *target))
            assert not wrong and len(lines) > 20, (case.name, case.argv, wrong)
            for at, name in short_points(lines, step):
                wrong, _ = case.run(("short", *target, at, 0, name))
                faults += [f"{case.name} {case.argv[0]}, call {at} {name}, half of it: {w}" for w in wrong]
                done += 1
    return done, faults
