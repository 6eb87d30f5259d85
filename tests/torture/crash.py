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
