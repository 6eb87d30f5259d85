"""A broker whose every system call and allocation fails in turn."""
import shutil

import wire_client as wc
from errors import ended_badly, number, points, says_why, short_points, shows
from operations import SECRETS, copy_world, expected, look, make_world
from traced import TracedBroker

ACKNOWLEDGED, REFUSED, BROKEN = "acknowledged", "refused", "the connection broken off"


def attempt(b, op):
    """Do it; how that went."""
    try:
        if op.name == "start":
            b.start()
            b.unlock()
        else:
            op.do(b)
        return ACKNOWLEDGED
    except wc.Refused as e:
        return REFUSED if e.message and e.error != "none" else f"refused without a word: {e}"
    except TimeoutError as e:
        return f"hangs: {e}"
    except RuntimeError as e:
        b.stderr = str(e).removeprefix("ccbroker: ")  # what it said, and no more is to be had
        return BROKEN
    except (wc.Closed, OSError, AssertionError, KeyError):
        return BROKEN


def serves(b):
    """Does the broker answer?  A call that failed late costs one connection."""
    for _ in range(3):
        try:
            if b.serving():
                return True
        except TimeoutError:
            pass
    return False


def counted(op, world, where, readable=False):
    """The names of all calls of the operation."""
    copy_world(world, where)
    first = ("count", "ccbroker", "all") if op.name == "start" else ("count", "nobody")
    b = TracedBroker(where, readable, first)
    try:
        ready(b, op, ("count", "all"))
        assert attempt(b, op) == ACKNOWLEDGED
        b.tracer.stop()
        return b.tracer.lines()
    finally:
        b.__exit__()


def ready(b, op, action, **more):
    """Everything before the operation."""
    if op.name == "start":
        return
    b.start()
    if op.unlocked:
        b.unlock()
    b.tracer.arm(action[0], b.pid, action[1], **more)


def refuse_at(op, world, where, what, states, readable=False):
    """what: ("fail" or "short", call, name, error).  What is wrong."""
    action, at, name, error = what
    copy_world(world, where)
    wrong = []
    errno = number(error) if error else 0
    first = (action, "ccbroker", "all", at, errno, name) if op.name == "start" else ("count", "nobody")
    b = TracedBroker(where, readable, first)
    try:
        ready(b, op, (action, "all"), at=at, error=errno, name=name)
        went = attempt(b, op)
        if went not in (ACKNOWLEDGED, REFUSED, BROKEN):
            wrong.append(went)
        serving = serves(b)
        ended = b.process is None or b.process.poll() is not None
        if not serving and not ended and op.name != "start":
            wrong.append("it neither serves nor ends")
        b.tracer.stop()
        said = b.stderr
        end = b.finish()
        said += b.stderr if b.stderr != said else ""
    finally:
        b.__exit__()
    bad = ended_badly(end.code, end.signal)
    if bad:
        wrong.append(f"it died by {bad}: {said}")
    elif ended and not says_why(said):
        wrong.append(f"it ended without a word: {end.code} {said!r}")
    if "it did not end" in said:
        wrong.append("it does not end by SIGTERM")
    elif end.left != "-":
        wrong.append(f"lives on: {end.left}")
    if shows(said, SECRETS):
        wrong.append("it shows a key")
    state, more = look(where, op, went == ACKNOWLEDGED, unread=True)
    wrong += more
    allowed = {ACKNOWLEDGED: states[1:], REFUSED: states[:1]}.get(went, states)
    if state not in allowed:
        wrong.append(f"{went}, and then: {state}")
    return [f"{op.name}, call {at} {name} {error or 'short'}: {w}" for w in wrong]


def refuse_everywhere(op, step=1, short=True):
    """(points, faults)"""
    world = make_world(op)
    states = expected(op, world)
    where = copy_world(world)
    faults, done = [], 0
    try:
        for at, name, error in points(counted(op, world, where), step):
            faults += refuse_at(op, world, where, ("fail", at, name, error), states)
            done += 1
        for at, name in short_points(counted(op, world, where, True)) if short else ():
            faults += refuse_at(op, world, where, ("short", at, name, None), states, True)
            done += 1
    finally:
        shutil.rmtree(world, ignore_errors=True)
        shutil.rmtree(where, ignore_errors=True)
    return done, faults


