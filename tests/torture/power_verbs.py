"""ccctl and ccrun-import, whose computer loses power: what they, what they run and the broker did
to a home is replayed together, and each tree that a disk may hold then is looked at."""
import shutil

from disk import Disk, put_tree, replay
from verbs import TracedHome, TracedServer, unfinished

READABLE = {"CCRUN_WITHOUT": "hardened,broker-undumpable"}  # for a log of what they do


def record(h, verb):
    """(the disk before, what was done to it, the disk that is there)"""
    verb.begin(h)
    h.end()
    h.plain_env.update(READABLE)
    broker = TracedServer(h) if verb.opens else None
    disk = Disk(h.home)
    if broker:
        broker.tracer.arm("count", "*", "log")
    r, _, done = h.traced(verb.do, ("count", "*", "log"))
    done += broker.end(log=True)[1] if broker else []
    after = Disk(h.home)
    assert r.rc == 0 and verb.done(h), (verb.name, r)
    h.end()
    h.plain_env.pop("CCRUN_WITHOUT")
    return disk, [what for _, what in sorted(done)], after


def try_tree(h, verb, tree, modes, done):
    h.end()
    shutil.rmtree(h.home)
    put_tree(tree, modes)
    wrong = []
    r = h.unlock() if verb.opens else None
    if r and r.rc != 0:
        wrong.append(f"the vault does not open: {r}")
    wrong += verb.wrong(h)
    if done and not verb.done(h):
        wrong.append("acknowledged, and gone")
    wrong += verb.finishes(h)
    if unfinished(h):
        wrong.append(f"left behind: {unfinished(h)}")
    r = h.ccctl("log", "--verify") if verb.opens else None
    if r and r.rc != 0:
        wrong.append(f"the record: {r}")
    return wrong


def lose_power(verb, step=1):
    """(trees, faults)"""
    faults, points = [], 0
    with TracedHome() as h:
        h.init()
        disk, lines, after = record(h, verb)
        for done, tree in replay(disk, lines):
            points += 1
            if points % step:
                continue
            what = {p.removeprefix(f"{h.home}/"): len(d) for p, d in tree.items() if d is not None}
            faults += [f"{verb.name}, power lost, {'behind' if done else 'before'} the answer: {w}; {what}"
                       for w in try_tree(h, verb, tree, disk.modes, done)]
        faults += [f"{verb.name}: the model is wrong about {p}" for p in disk.differs(after)]
    return points // step, faults
