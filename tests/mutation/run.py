#!/usr/bin/python3
"""Negate each condition of the decisions in turn; some test must fail for each.

One build has them all (mutant.h).  First every test is run once, which says what it asks; then
for each condition those that ask it, the quickest first, until one fails.  What no test
notices is printed, unless known.txt says why nothing can.  make mutate.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
# pylint: disable=wrong-import-position
from conditions import conditions, rewritten
from mutant_map import MutantMap

# What decides: who is given a key, what passes a relay, what is written down.
FILES = ["wire/policy.c", "broker/policy.c", "broker/claim.c", "broker/peer.c", "broker/person.c",
         "broker/confirm.c", "broker/ticket.c", "broker/relay_value.c", "broker/image.c",
         "broker/ops_session.c", "broker/session_counted.c", "broker/held.c", "broker/places.c",
         "broker/audit_log.c", "broker/audit_line.c", "broker/checkpoint.c", "broker/tenant_record.c",
         "relay/http_request.c", "relay/http_target.c", "relay/http_text.c", "relay/http_chunks.c",
         "relay/request_head.c", "relay/request_routes.c", "relay/request_fields.c",
         "relay/request_flow.c", "relay/request_model.c", "relay/pair.c", "relay/pair_client.c", "relay/pair_end.c",
         "relay/pair_exchange.c", "relay/pair_request.c", "relay/sender.c", "relay/key.c",
         "relay/secret_filter.c"]
UNIT = ["tests/wire", "tests/broker", "tests/relay"]
END_TO_END = ["tests/wire", "tests/broker", "tests/relay", "tests/spending", "tests/lock/test_lock_wire.py",
              "tests/vault/test_slots_wire.py", "tests/attacks/test_socket.py", "tests/attacks/test_controls.py",
              "tests/attacks/test_relay_misuse.py", "tests/attacks/test_held.py", "tests/attacks/test_relay_theft.py",
              "tests/attacks/test_mark.py", "tests/attacks/test_redirect.py", "tests/launch/test_launch.py", "tests/client/test_person.py"]
SLOW = 20  # seconds; what takes longer is asked only once all others were
LIMIT = 90  # seconds for one program; what waits for ever has noticed, too
AT_ONCE = 12  # tests by one pytest, of which the first to fail ends it


def run(argv, where, timeout, **env):
    """(exit code or None: it did not end, output)"""
    # Not a pipe, which whatever the program leaves behind would hold open.
    with tempfile.TemporaryFile("w+", errors="replace") as out, \
            subprocess.Popen(argv, cwd=where, env=dict(os.environ, **env), stdin=subprocess.DEVNULL,
                             stdout=out, stderr=subprocess.STDOUT, start_new_session=True) as p:
        try:
            p.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            return None, ""
        out.seek(0)
        return p.returncode, out.read()


class Mutants:
    def __init__(self, work, files):
        self.tree, self.map_path = work / "tree", work / "map"
        self.reach_path = work / "reach"
        flags = ["-std=gnu11", "-D_GNU_SOURCE", '-DCCRUN_VERSION="0"', "-I" + str(ROOT)]
        flags += subprocess.run(["pkg-config", "--cflags", "libsodium"], stdout=subprocess.PIPE,
                                check=True, text=True).stdout.split()
        self.by_file = {path: conditions(ROOT, path, flags) for path in files}
        self.all = dict(enumerate((c for found in self.by_file.values() for c in found), 1))
        self.map = MutantMap.make(self.map_path)
        self.tests = []  # {"test", "seconds", "asked"}, the quickest first
        self.noticers = []  # the last one first: it often notices the next, too

    # ---- a build that has them all ----

    def build(self):
        self.copy_tree()
        number = {id(c): n for n, c in self.all.items()}
        for path, found in self.by_file.items():
            source = rewritten((ROOT / path).read_bytes(), [(number[id(c)], c) for c in found])
            (self.tree / path).write_bytes(b'#include "tests/mutation/mutant.h"\n' + source)
        # The broker's own programs could not open the map.
        sandbox = self.tree / "broker/sandbox.c"
        sandbox.write_text(sandbox.read_text().replace("control_active(CONTROL_BROKER_LANDLOCK)", "false"))
        # Nor could a relay that a broker starts.
        keeper = self.tree / "broker/relay_keeper.c"
        keeper.write_text(keeper.read_text().replace(
            "paths[KEEPER_PATHS]", "paths[KEEPER_PATHS + 1]").replace(
            "rules.path_count = n;",
            "paths[n++] = (struct landlock_path){ .path = MUTANT_MAP, .may = LANDLOCK_READ | LANDLOCK_WRITE };\n"
            "\trules.path_count = n;"))
        code, out = run(["make", f"-j{os.cpu_count()}", "MUSL=", "all", "test-build", "unit-build",
                         f"CFLAGS=-Wno-error -DMUTANT_MAP='\"{self.map_path}\"'"], self.tree, 1800)
        if code != 0:
            sys.exit("the build with the mutants failed:\n" + out[-3000:])

    def copy_tree(self):
        shutil.rmtree(self.tree, ignore_errors=True)
        listed = subprocess.run(["tools/files"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        for name in listed.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.tree / name, follow_symlinks=False)

    # ---- what each test asks ----

    def pytest(self, what, timeout, *more, **env):
        argv = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m",
                "not root and not oldkernel and not long", f"--timeout={LIMIT}", *more, *what]
        return run(argv, self.tree, timeout, CCRUN_BUILD=str(self.tree / "build-test"), **env)

    def look(self, end_to_end):
        self.map.choose(0)
        for program in self.units():
            self.map.forget()
            start = time.monotonic()
            code, _ = run([program], self.tree, LIMIT)
            self.tests.append({"test": program, "seconds": time.monotonic() - start, "asked": self.map.asked(),
                               "failed": code != 0})
        self.reach_path.unlink(missing_ok=True)
        # No -x, no limit to how many fail: what fails now says nothing later.
        self.pytest([t for t in end_to_end if (self.tree / t).exists()], 7200, "-p", "reach",
                    PYTHONPATH=str(self.tree / "tests/mutation"), MUTANT_MAP=str(self.map_path),
                    MUTANT_REACH=str(self.reach_path))
        with open(self.reach_path, encoding="utf-8") as lines:
            self.tests += [json.loads(line) for line in lines]
        unfit = [t["test"] for t in self.tests if t["failed"]]
        print(f"{len(self.tests)} tests asked {len(set(n for t in self.tests for n in t['asked']))} of "
              f"{len(self.all)} conditions; {len(unfit)} are of no use here (skipped, or failing without a mutant)")
        self.tests = sorted((t for t in self.tests if not t["failed"]), key=lambda t: t["seconds"])

    def units(self):
        names = [p.stem for where in UNIT for kind in ("test", "prove") for p in sorted((ROOT / where).glob(kind + "_*.c"))]
        return [f"build/tests/{name}" for name in names]

    # ---- each in turn ----

    def noticed_by(self, number):
        """The test that fails, "time" if one does not end, None if all pass."""
        those = [t for t in self.tests if number in t["asked"]]
        self.map.choose(number)
        try:
            for t in (t for t in those if "::" not in t["test"]):
                code, _ = run([t["test"]], self.tree, min(LIMIT, 10 + 10 * t["seconds"]))
                if code != 0:
                    return t["test"]
            return self.noticed_end_to_end(sorted((t for t in those if "::" in t["test"]), key=self.turn))
        finally:
            self.map.choose(0)

    def turn(self, t):
        name = t["test"]
        return (t["seconds"] >= SLOW, self.noticers.index(name) if name in self.noticers else len(self.noticers))

    def noticed_end_to_end(self, tests):
        names = [t["test"] for t in tests]
        while names:
            code, out = self.pytest(names[:AT_ONCE], LIMIT * 3, "-x")
            if code == 0:
                names = names[AT_ONCE:]
                continue
            said = re.findall(r"^(?:FAILED|ERROR) (.+)", out, re.M)
            name = next((n for n in names if any(line.startswith(n) for line in said)), None)
            if name is None:
                return "time"
            # On a busy machine one may be late without a mutant, too, but seldom twice.
            if self.pytest([name], LIMIT * 2)[0] != 0:
                self.noticers = [name] + [n for n in self.noticers if n != name]
                return name
            names = names[names.index(name) + 1:]
        return None


def known():
    """What negating cannot show, by its name."""
    lines = (HERE / "known.txt").read_text().splitlines()
    return {line.partition(" # ")[0].strip() for line in lines if line and not line.startswith("#")}


def as_ordinary_user():
    """What a broker forbids to others root may do: the tests mean something for another."""
    line = subprocess.run([ROOT / "tools/stage"], stdout=subprocess.PIPE, check=True, text=True).stdout
    user, where, claude = line.split()
    try:
        return subprocess.run(["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "env", "HOME=" + where,
                               "CCRUN_CLAUDE=" + claude, where + "/tests/mutation/run.py", *sys.argv[1:]],
                              cwd=where, check=False).returncode
    finally:
        shutil.rmtree(where, ignore_errors=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--files", default=",".join(FILES), help="these files' conditions alone")
    p.add_argument("--tests", default=",".join(END_TO_END), help="beside the unit tests, these end-to-end tests alone")
    p.add_argument("--list", action="store_true", help="print the conditions, and end")
    args = p.parse_args()
    if os.geteuid() == 0 and not args.list:
        return as_ordinary_user()
    work = ROOT / "build" / "mutation"
    work.mkdir(parents=True, exist_ok=True)
    mutants = Mutants(work, args.files.split(","))
    if args.list:
        print("\n".join(f"{n} {c.path}:{c.line} {c.function}: {c.text}" for n, c in mutants.all.items()))
        return 0
    mutants.build()
    mutants.look(args.tests.split(","))
    expected, count, unknown = known(), Counter(), 0
    for number, c in mutants.all.items():
        asked = any(number in t["asked"] for t in mutants.tests)
        by = mutants.noticed_by(number) if asked else None
        what = "noticed" if by else "known" if c.name() in expected else "unnoticed" if asked else "not asked"
        count[what] += 1
        if what in ("unnoticed", "not asked"):
            unknown += 1
            print(f"{what}: {c.path}:{c.line} {c.name()}", flush=True)
    print(", ".join(f"{n} {what}" for what, n in sorted(count.items())) + f", of {len(mutants.all)} conditions")
    return 1 if unknown else 0


sys.exit(main())
