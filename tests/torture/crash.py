"""A broker that is killed before and behind each call that changes a file or answers."""
import os
import shutil
import signal

import wire_client as wc
from operations import copy_world, expected, look, make_world
from traced import TracedBroker


def broken_off(b, op, action, again=True, **met):
    """Do it, met by the tracer; was it acknowledged?  again: unlock first."""
    if op.unlocked and again:
        b.unlock()
    b.tracer.arm(*action, **met)
    try:
        op.do(b)
        return True
    except (wc.Closed, wc.Refused, OSError, AssertionError, KeyError):
        return False


def start_killed(op, world, where, at, states):
    """A broker that is killed at a call of its start; (was it met, what is wrong)."""
    copy_world(world, where)
    b = TracedBroker(where, first=("kill", "ccbroker", "files", at))
    try:
        b.start()
    except (RuntimeError, wc.Closed, OSError):
        pass
    hit = b.tracer.stop().hit
    end = b.finish()
    b.__exit__()
    state, wrong = look(where, op)
    if end.left != "-":
        wrong.append(f"lives on: {end.left}")
    if state not in states:
        wrong.append(f"another vault than before: {state}")
    return hit != "-", [f"a start, killed at call {at} ({hit}): {w}" for w in wrong]


def crash_start(op, step=1):
    """(points, faults) of a broker's start in the world of op."""
    world = make_world(op)
    states = expected(op, world)
    where = copy_world(world)
    at, met, faults, points = 1, True, [], 0
    while met:
        met, wrong = start_killed(op, world, where, at, states)
        faults += wrong
        points += met
        at += step
    shutil.rmtree(world, ignore_errors=True)
    shutil.rmtree(where, ignore_errors=True)
    return points, faults


def count(op, world, where):
    copy_world(world, where)
    with TracedBroker(where) as b:
        assert broken_off(b, op, action=("count", b.pid)), op.name
        return b.tracer.stop().calls


def kill_at(op, world, where, at, states):
    """One point; what is wrong."""
    copy_world(world, where)
    wrong = []
    with TracedBroker(where) as b:
        pid = b.pid
        done = broken_off(b, op, action=("kill", pid), at=at)
        hit = b.tracer.stop().hit
        if hit == "-":
            os.kill(pid, signal.SIGKILL)
        end = b.finish()
        if end.left != "-":
            wrong.append(f"lives on: {end.left}")
    state, more = look(where, op, done)
    wrong += more
    if state not in (states[1:] if done else states):
        wrong.append(f"neither old nor new: {state}" if not done else f"acknowledged, and gone: {state}")
    return [f"{op.name}, killed at call {at} ({hit}): {w}" for w in wrong]


def crash_everywhere(op, step=1):
    """(points, faults); step: every so many calls alone."""
    world = make_world(op)
    states = expected(op, world)
    where = copy_world(world)
    faults, points = [], 0
    try:
        calls = count(op, world, where)
        for at in [*range(1, calls + 1, step), calls + 100]:
            faults += kill_at(op, world, where, at, states)
            points += 1
    finally:
        shutil.rmtree(world, ignore_errors=True)
        shutil.rmtree(where, ignore_errors=True)
    return points, faults
