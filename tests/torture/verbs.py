"""Verbs of ccctl that write into a person's files, killed at each call that changes one."""
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Callable

from ccrun import CCCTL, PASSPHRASE
from client import until
from leaks import Home
from traced import Tracer
from vault_reader import VaultError


class TracedHome(Home):
    """A home whose programs may run under a tracer."""
    tracer, first = None, None

    def run(self, argv, *args, **kw):
        if self.tracer is None:
            return super().run(argv, *args, **kw)
        argv, fds = self.tracer.before(argv, self.first)
        return super().run(argv, *args, **{**kw, "pass_fds": (*fds, *kw.get("pass_fds", ()))})

    def traced(self, do, first):
        """do(self) under a tracer: (its result, how it ended, what is in the log)."""
        self.tracer, self.first = Tracer(), first
        try:
            result = do(self)
            self.tracer.started()
            end, log = self.tracer.end(), "log" in first
            return result, end, self.tracer.done() if log else self.tracer.lines()
        finally:
            self.tracer.close()
            self.tracer = None


class TracedServer:
    """The home's broker, started by ccctl unlock, and what it starts, under a tracer of their own."""

    def __init__(self, h):
        self.tracer = Tracer()
        with tempfile.TemporaryFile() as typed:
            typed.write(PASSPHRASE.encode())
            typed.seek(0)
            argv, fds = self.tracer.before([CCCTL, "unlock", "--passphrase-fd", "0"])
            self.process = h.popen(argv, stdin=typed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=fds)
        self.tracer.started()
        until(lambda: h.status().get("state") == "unlocked", what="an open vault")

    def end(self, log=False):
        """(what was counted since it was armed, the log if there is one)"""
        counted = self.tracer.stop()
        self.tracer.say(b"end")
        self.tracer.end()
        self.process.wait(20)
        done = self.tracer.done() if log else []
        self.tracer.close()
        return counted, done


@dataclass
class Verb:
    """do(home) on what begin(home) made; program: which of ours writes.  right(home): the files
    are whole, the old ones or the new ones; done(home): the new ones.  again: a line of the same
    command that says that it was done, or how it goes on, where it does not do it twice.  says(home,
    result): what else that command must say.  opens: it wants an open vault."""
    name: str
    do: Callable
    right: Callable
    done: Callable
    begin: Callable = lambda h: None
    program: str = "ccctl"
    again: str = ""
    says: Callable = lambda h, r: True
    opens: bool = False

    def finishes(self, h):
        """Does the same command finish what was broken off?  What is wrong."""
        r = self.do(h)
        if not self.says(h, r):
            return [f"the same command does not say what is there: {r}"]
        if r.rc == 0 and self.done(h) or r.rc != 0 and self.again and self.again in r.err:
            return []
        return [f"the same command does not finish it: {r}"]

    def wrong(self, h):
        """What is wrong with the files."""
        try:
            return [] if self.right(h) else ["the files are not whole"]
        except (ValueError, KeyError, AssertionError, OSError, VaultError) as e:
            return [f"the files are not whole: {e!r}"]


def unfinished(h):
    return [str(p) for p in h.root.rglob(".ccrun-unfinished-??????")]


def kill_at(h, verb, at):
    """One point; (was it met, what is wrong)."""
    verb.begin(h)
    result, end, _ = h.traced(verb.do, ("kill", verb.program, "files", at))
    wrong = []
    if end.hit == "-" and result.rc != 0:
        wrong.append(f"failed by itself: {result}")
    if end.left != "-":
        wrong.append(f"lives on: {end.left}")
    wrong += verb.wrong(h)
    wrong += verb.finishes(h)
    if unfinished(h):
        wrong.append(f"left behind: {unfinished(h)}")
    return end.hit != "-", [f"{verb.name}, killed at call {at} ({end.hit}): {w}" for w in wrong]


def crash_verb(verb, step=1):
    """(points, faults)"""
    with TracedHome() as h:
        h.init()
        at, met, faults = 1, True, []
        points = 0
        while met:
            met, wrong = kill_at(h, verb, at)
            faults += wrong
            points += met
            at += step
    return points, faults

