"""make torture: every crash, every loss of power, every error, and the figures.

    run.py [--step N] [--rest R] [--only WORD]

N: every so many points alone; R: with which of them it begins, for a program that is refused
something: all N make up the whole.  WORD: of the rows' names.  Everything as an ordinary user
but for moves between a person's broker and the system's, which are two users.
"""
import argparse
import os
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]

# pylint: disable=wrong-import-position
import crash
import helpers
import moves
import power
import power_verbs
import programs
import refuse
import relays
import sessions
import verbs
from operations import OPERATIONS, operation
from system_broker import Machine
from verb_list import VERBS


def as_root(do, *args):
    """do(a machine with a system broker, ...); None: left out."""
    if os.geteuid() != 0:
        return None
    with Machine() as machine:
        return do(machine, *args)


def rows(step, rest):
    """(name, function): (points, faults)."""
    writing = [o for o in OPERATIONS if o.name != "start"]
    for op in (operation("init"), operation("get")):
        yield f"killed: a start{'' if op.vault else ', without a vault'}", lambda op=op: crash.crash_start(op, step)
    for op in writing:
        yield f"killed: {op.name}", lambda op=op: crash.crash_everywhere(op, step)
    for verb in VERBS:
        yield f"killed: ccctl {verb.name}", lambda verb=verb: verbs.crash_verb(verb, step)
    for move in moves.MOVES:
        yield f"killed: {move.name}", lambda move=move: as_root(moves.crash_move, move, step)
    for program in sessions.PROGRAMS:
        yield f"killed: {program}, in a session", lambda program=program: sessions.crash_session(program, step)
    for op in writing:
        yield f"power lost: {op.name}", lambda op=op: power.lose_power(op, step)
    for verb in VERBS:
        yield f"power lost: ccctl {verb.name}", lambda verb=verb: power_verbs.lose_power(verb, step)
    for move in moves.MOVES:
        yield f"power lost: {move.name}", lambda move=move: as_root(moves.lose_power, move, step)
    for op in OPERATIONS:
        yield f"refused: broker, {op.name}", lambda op=op: refuse.refuse_everywhere(op, step)
    for case in programs.CASES:
        yield f"refused: {case.name}", lambda case=case: programs.refuse_alone(case, step, rest)
    for move in moves.MOVES:
        yield f"refused: {move.name}", lambda move=move: as_root(moves.refuse_move, move, step, rest)
    for kind in helpers.KINDS:
        yield f"refused: {kind}", lambda kind=kind: helpers.refuse_helper(kind, step, rest)
    yield "refused: ccrun-relay", lambda: relays.refuse_relay(step)
    for case in programs.CASES:
        yield f"by half: {case.name}", lambda case=case: programs.shorten_alone(case, step)
    for kind in helpers.BY_HALF:
        yield f"by half: {kind}", lambda kind=kind: helpers.shorten_helper(kind, step)
    yield "by half: ccrun-relay", lambda: relays.shorten_relay(step)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--rest", type=int, default=0)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    sums, begin = {}, time.monotonic()
    for name, do in rows(args.step, args.rest):
        if args.only not in name:
            continue
        start = time.monotonic()
        result = do()
        if result is None:
            print(f"{name:<44} left out: needs root", flush=True)
            continue
        points, faults = result
        print(f"{name:<44} {points:6} points {len(faults):4} faults {time.monotonic() - start:7.1f} s", flush=True)
        for fault in faults:
            print(f"    {fault}", flush=True)
        kind = sums.setdefault(name.split(":")[0], [0, 0])
        kind[0] += points
        kind[1] += len(faults)
    for kind, (points, faults) in sums.items():
        print(f"{kind}: {points} points, {faults} faults")
    print(f"{sum(p for p, _ in sums.values())} points, {sum(f for _, f in sums.values())} faults, "
          f"{time.monotonic() - begin:.0f} s")
    return 1 if any(f for _, f in sums.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
