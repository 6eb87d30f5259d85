"""What the rows of `make bench` share: spawning, and printing a row."""
import os
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
BUILD = os.environ["CCRUN_BUILD"]
NPM = HERE / "build/bench/node_modules"


def head():
    print(f"{'ours : theirs, microseconds':58} {'min':>9} {'median':>9}   {'min':>10} {'median':>10}   {'min':>7} {'median':>7}   want")


def row(what, ours, theirs, want):
    """ours, theirs: (minimum, median); want: "<= 2.5" of ours/theirs, or ">= 10" of theirs/ours."""
    flip = want.startswith(">")
    ratios = [(b / a if flip else a / b) for a, b in zip(ours, theirs)]
    print(f"{what:58} {ours[0]:9.0f} {ours[1]:9.0f}   {theirs[0]:10.0f} {theirs[1]:10.0f}   "
          f"{ratios[0]:7.2f} {ratios[1]:7.2f}   {want}", flush=True)


def skipped(what, why):
    print(f"{what}: skipped: {why}", flush=True)


def bench_spawn(*words):
    return [BUILD + "/tests/bench_spawn", *map(str, words)]


def spawns(world, rounds, *commands, given=None, must=True):
    """[(minimum, median), ...] of the commands; given: a file for their standard
    input; must: they have to end with 0."""
    argv = bench_spawn(*(["-i", given] if given else []), rounds)
    for command in commands:
        argv += ["--", *map(str, command)]
    r = world.run(argv, timeout=900)
    if r.rc != 0:
        raise RuntimeError(str(r))
    found = [line.split() for line in r.out.splitlines()]
    if must and any(worst != "0" for _, _, worst in found):
        raise RuntimeError(f"a command failed: {r}")
    return [(float(a), float(b)) for a, b, _ in found]


def peak(world, command, given):
    """The most that the command's own process had resident, in KiB."""
    r = world.run(bench_spawn("-p", "-i", given, *command), timeout=60)
    if r.rc != 0:
        raise RuntimeError(str(r))
    return int(r.out)
