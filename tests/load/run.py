"""make load: what a broker and its relays bear, and the figures.

    run.py [--only WORD]     WORD: of the rows' names
"""
import argparse
import os
import sys
import time
import traceback
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]

# pylint: disable=wrong-import-position
import day
import scenarios
import system_crowd
from system_broker import Machine


def system(way, files):
    """As root alone: the system broker's users are others."""
    if os.geteuid() != 0:
        return "left out: needs root"
    with Machine() as machine:
        return system_crowd.people(machine, way, seconds=5, files=files)


ROWS = {
    "clients: 64 without pause": lambda: scenarios.clients(64, 20),
    "clients: vanish at each step": lambda: scenarios.vanishing(100),
    "clients: hold connections": lambda: scenarios.holding(1),
    "clients: hold connections, 200 processes": lambda: scenarios.holding(200),
    "clients: hold connections, 256 descriptors": lambda: scenarios.holding(1, files=256),
    "clients: hold connections, as fast as they can": lambda: scenarios.grabbing(8, 5),
    "sessions: 1,000, and their relays": lambda: scenarios.crowded(1000, 50),
    "sessions: too many": scenarios.too_many,
    "sessions: too many, 256 descriptors": lambda: scenarios.too_many(256),
    "sessions: slow requests": lambda: scenarios.slow(120),
    "launches: a storm": lambda: scenarios.storm(500),
    "providers: stall, flood, cut": lambda: scenarios.providers(16),
    **{f"users: one takes {way}{words}": lambda way=way, files=files: system(way, files)
       for way in system_crowd.WAYS for files, words in ((None, ""), (400, ", 400 descriptors"))},
    **{f"days: person {n}": lambda n=n: day.play(seed=n) for n in range(1, 6)},
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    faults, begin = 0, time.monotonic()
    for name, do in ROWS.items():
        if args.only not in name:
            continue
        start = time.monotonic()
        try:
            said = do()
        except Exception as e:  # pylint: disable=broad-except
            faults += 1
            said = f"FAULT: {type(e).__name__}: {e}"
            traceback.print_exc()
        print(f"{name:<48} {time.monotonic() - start:6.1f} s  {said}", flush=True)
    print(f"{faults} faults, {time.monotonic() - begin:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
