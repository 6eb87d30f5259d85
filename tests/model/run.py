"""make fuzz-protocol: clients of every kind against a broker, and the model that says what is granted.

    run.py [--seconds N] [--seed N] [--sequences N] [--steps N] [--without CONTROL ...] [--only RULE ...] [--as-it-is]

Seed after seed until the time is over; the first sequence that fails is made as short as it can be,
printed, and ends it.  --without: with these controls of base/control.h switched off.  --only: clients do
nothing but this (the rules of protocol_machine.py and protocol_steps.py).
"""
import argparse
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]

# pylint: disable=wrong-import-position
from protocol_machine import Protocol, rules, run

PART = 20  # sequences of a seed


def show():
    """What came of each request, most often first."""
    rows = {}
    for (op, what), n in sorted(Protocol.seen.items(), key=lambda item: -item[1]):
        rows.setdefault(op, []).append(f"{what} {n}")
    for op in sorted(rows):
        print(f"  {op}: {', '.join(rows[op])}")
    asked = sum(Protocol.seen.values())
    granted = sum(n for (_, what), n in Protocol.seen.items() if what == "granted")
    print(f"{Protocol.sequences} sequences, {Protocol.steps} steps, {asked} requests: {granted} granted, "
          f"{asked - granted} refused as the model says", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sequences", type=int, default=PART, help="of each seed")
    parser.add_argument("--steps", type=int, default=60, help="of a sequence, at most")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--only", action="append", default=[], choices=sorted(rules()), metavar="RULE")
    parser.add_argument("--as-it-is", action="store_true", help="a sequence that fails is not made shorter")
    a = parser.parse_args()
    end, seed = time.monotonic() + a.seconds, a.seed
    while True:
        try:
            run(seed, a.sequences, a.steps, a.without, not a.as_it_is, a.only)
        except BaseException:
            print(f"seed {seed}, sequence {Protocol.failed_at}: --seed {seed} --sequences {a.sequences} --steps {a.steps} "
                  "repeats it", flush=True)
            raise
        seed += 1
        if time.monotonic() >= end:
            break
    print(f"seeds {a.seed} to {seed - 1}, none failed")
    show()


if __name__ == "__main__":
    main()
