"""A session of the real client by relay, in which ccrun, the broker or the relay is killed at each
call that changes a file or answers somebody."""
import os
from contextlib import contextmanager

import canary
from client import alive, children_named, until
from endpoint import Endpoint, Text
from verbs import TracedHome, TracedServer

TOKEN = canary.new_token(40)
SAID = "torture is over"
PROGRAMS = ("ccrun", "ccbroker", "ccrun-relay")


@contextmanager
def home():
    with Endpoint([Text(SAID)] * 2000) as ep, TracedHome(endpoint=ep) as h:
        h.demo(policy={"delivery": "relay"})
        h.ready(TOKEN)
        yield h


def ask(h):
    return h.ccrun("demo", "-p", "hello")


def answered(r):
    return r.rc == 0 and SAID in r.out


def killed_session(h, program, at):
    """(its result, what was met, or -)"""
    if program == "ccrun":
        h.unlock()
        r, end, _ = h.traced(ask, ("kill", program, "files", at))
        return r, end.hit
    server = TracedServer(h)
    server.tracer.arm("kill", program, "files", at)
    try:
        return ask(h), server.tracer.stop().hit
    finally:
        server.end()


def kill_at(h, program, at):
    """One point; (was it met, what is wrong)."""
    h.end()
    try:
        r, hit = killed_session(h, program, at)
    except TimeoutError as e:
        return True, [f"a session, {program} killed at call {at}: hangs: {e}"]
    wrong = []
    if not answered(r) and (r.rc == 0 or not (r.out + r.err).strip()) and (program, hit != "-") != ("ccrun", True):
        wrong.append(f"neither an answer nor a word: {r}")
    if hit == "-" and not answered(r):
        wrong.append(f"failed by itself: {r}")
    if canary.scan_bytes(r.out + r.err, TOKEN) or canary.scan_files(h.root, TOKEN):
        wrong.append("the key is somewhere")
    try:
        until(lambda: not any(map(alive, children_named(os.getpid(), "ccrun-relay"))), what="no relay any more")
    except TimeoutError as e:
        wrong.append(str(e))
    unlocked = h.unlock()
    if unlocked.rc != 0:
        wrong.append(f"the vault does not open: {unlocked}")
    again = ask(h)
    if not answered(again):
        wrong.append(f"the next session: {again}")
    verified = h.ccctl("log", "--verify")
    if verified.rc != 0:
        wrong.append(f"the record: {verified}")
    return hit != "-", [f"a session, {program} killed at call {at} ({hit}): {w}" for w in wrong]


def crash_session(program, step=1):
    """(points, faults)"""
    at, met, faults, points = 1, True, [], 0
    with home() as h:
        while met:
            met, wrong = kill_at(h, program, at)
            faults += wrong
            points += met
            at += step
    return points, faults
