"""ccrun-relay, every system call and allocation of its own failing in turn."""
import http.client
import os
import subprocess

import canary
from errors import ended_badly, number, points, short_points
from relay_broker import MESSAGE, TOKEN, Provider, Relay
from traced import Tracer

GONE = (OSError, http.client.HTTPException)


class TracedRelay(Relay):
    """first: what the tracer does from the start on."""

    def __init__(self, url, first, **kw):
        self.tracer, self.first = Tracer(), first
        super().__init__(url, **kw)
        self.listener.close()  # the relay has it: when it ends, so does whoever waits there

    def spawn(self, channel, env):
        self.output, theirs = os.pipe()
        os.set_blocking(self.output, False)

        def place():
            os.dup2(channel.fileno(), 3)
        process = self.tracer.popen([self.program], self.first, env=env, stdin=subprocess.DEVNULL, stdout=theirs,
                                    stderr=theirs, pass_fds=(3,), preexec_fn=place)
        os.close(theirs)
        return process

    def finish_all(self):
        """The broker hangs up: how the relay ended, and what it said."""
        self.channel.shutdown(2)
        self.tracer.stop()
        end, said = self.tracer.end(), self.said()
        self.tracer.close()
        self.__exit__(AssertionError)
        return end, said


def asked(relay):
    """One request of the session: "good", what else came, or that it broke off."""
    try:
        r = relay.post()
    except TimeoutError as e:
        return f"hangs: {e}", b""
    except GONE:
        return "broken off", b""
    good = r.status == 200 and MESSAGE["content"][0]["text"].encode() in r.data
    return ("good" if good else "an error" if r.status >= 400 and r.data else f"{r.status} {r.data!r}"), r.data


def ends(relay):
    try:
        relay.process.wait(5)
    except subprocess.TimeoutExpired:
        return False
    return True


def refuse_relay_at(provider, at, name, error):
    relay = TracedRelay(provider.url, ("fail", "ccrun-relay", "all", at, number(error), name))
    try:
        went, data = asked(relay)
        again, more = asked(relay)  # which may be the one that is met
        last, _ = asked(relay)
        alive = last == "good" or not ends(relay)
    finally:
        end, said = relay.finish_all()
    wrong = []
    for one in (went, again, last):
        if one not in ("good", "an error", "broken off"):
            wrong.append(one)
    if alive and last != "good":
        wrong.append(f"a later request: {last}")
    bad = ended_badly(end.code, end.signal)
    if bad:
        wrong.append(f"it died by {bad}: {said!r}")
    if not alive and end.code != 0 and not said and not [m for m in relay.messages if m["op"] not in ("value", "end")]:
        wrong.append(f"it ended with {end.code} and without a word")
    if any(canary.scan_bytes(text, TOKEN) for text in (data, more, said)):
        wrong.append("it shows the key")
    if end.left != "-":
        wrong.append(f"lives on: {end.left}")
    return [f"relay, call {at} {name} {error}: {w}" for w in wrong]


def calls_of(provider):
    relay = TracedRelay(provider.url, ("count", "ccrun-relay", "all"))
    went = asked(relay)[0]
    assert went == "good", (went, relay.messages)
    counted = relay.tracer.stop()
    assert counted.calls, (counted, relay.tracer.ended)
    lines = relay.tracer.lines()
    relay.finish_all()
    return lines


def refuse_relay(step=1):
    """(points, faults)"""
    done, faults = 0, []
    with Provider() as provider:
        for at, name, error in points(calls_of(provider), step):
            faults += refuse_relay_at(provider, at, name, error)
            done += 1
    return done, faults


def shorten_relay_at(provider, at, name):
    relay = TracedRelay(provider.url, ("short", "ccrun-relay", "all", at, 0, name), env={"CCRUN_WITHOUT": "hardened"})
    try:
        went = [asked(relay)[0] for _ in range(2)]
    finally:
        end, said = relay.finish_all()
    wrong = [f"{w}: {said!r}" for w in went if w != "good"]
    if end.left != "-":
        wrong.append(f"lives on: {end.left}")
    return [f"relay, call {at} {name}, half of it: {w}" for w in wrong]


def shorten_relay(step=1):
    """(points, faults) of reads and writes that do half of it."""
    done, faults = 0, []
    with Provider() as provider:
        for at, name in short_points(calls_of(provider), step):
            faults += shorten_relay_at(provider, at, name)
            done += 1
    return done, faults
