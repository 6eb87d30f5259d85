"""A broker whose computer loses power: every tree that a disk may hold then is opened."""
import os
import shutil

from crash import broken_off
from disk import Disk, put_tree, replay
from operations import copy_world, expected, look, make_world
from traced import TracedBroker

ROOTS = ("data", "state")


def record(op, where):
    """The disk before, and what the operation does to it; of a new vault from the broker's
    start."""
    disk = Disk(*(where / r for r in ROOTS))
    first = ("count", "ccbroker", "log") if not op.vault else ("count", "nobody")
    with TracedBroker(where, readable=True, first=first) as b:
        if op.vault:
            if op.unlocked:
                b.unlock()
            disk = Disk(*(where / r for r in ROOTS))
            assert broken_off(b, op, again=False, action=("count", b.pid, "log")), op.name
        else:
            op.do(b)
        b.tracer.stop()
        lines = [what for _, what in b.tracer.done()]
        after = Disk(*(where / r for r in ROOTS))
    return disk, lines, after


def lose_power(op, step=1):
    """(trees, faults)"""
    world = make_world(op)
    states = expected(op, world)
    where = copy_world(world)
    faults, points = [], 0
    try:
        disk, lines, after = record(op, where)
        for done, tree in replay(disk, lines):
            points += 1
            if points % step == 0:
                faults += try_tree(op, where, tree, states, done)
        faults += [f"{op.name}: the model is wrong about {p}" for p in disk.differs(after)]
    finally:
        shutil.rmtree(world, ignore_errors=True)
        shutil.rmtree(where, ignore_errors=True)
    return points // step, faults


def try_tree(op, where, tree, states, done):
    for root in (*ROOTS, "run"):
        shutil.rmtree(where / root, ignore_errors=True)
        os.mkdir(where / root, 0o700)
    put_tree(tree)
    what = {os.path.relpath(p, where): None if d is None else len(d) for p, d in tree.items()}
    state, wrong = look(where, op)
    if state not in (states[1:] if done else states):
        wrong.append("acknowledged, and gone" if done else f"neither old nor new: {state}")
    return [f"{op.name}, power lost, {'behind' if done else 'before'} the answer: {w}; {what}" for w in wrong]
