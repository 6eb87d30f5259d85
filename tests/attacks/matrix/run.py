#!/usr/bin/python3
"""run.py - play the agent in real sessions, and print what each attack came to.

    run.py                         all columns that this user can run (root: all)
    run.py --columns user-relay    these alone (commas)
    run.py --only vm-readv,files   these techniques alone (commas)
    run.py --without CONTROL       with a build for tests: that control switched off
    run.py --fast                  what takes no launch afterwards, and little time
    run.py --controls              with a build for tests: each control (without.py) switched off
                                   in its turn; its cell must be worse (--only: these controls)
    run.py --renew                 keep what came out as what is expected
    run.py --keep DIR              what the attacks got, to look at
    run.py -v                      how each attack ended, place by place

A cell that is worse than what expected.txt keeps fails; one that is better is said."""
import argparse
import base64
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIB = HERE.parents[1] / "lib"
REPO = HERE.parents[2]
sys.path[:0] = [str(HERE), str(LIB)]

import canary
import table
from columns import COLUMNS, LIMITED, Skipped, placed, typed_command
from client import children_named, descendants, until
from without import CONTROLS, OF_READABLE_PROGRAMS
from endpoint import Bash, Endpoint, Text
from followups import FOLLOWUPS, GIVEN
from judge import Evidence, worst
from relay_broker import certificate, server_context
from services import Services
from shown import RANK, UNTRIED, Kept
from techniques import TECHNIQUES

PYTHON = "/usr/bin/python3"
QUICK = ("", "standin", "shell", "no_words", "unlock")  # no launch of the client afterwards
PLACES = ("hook", "mcp", "status", "bash", "daemon")
SESSION = 240        # seconds for all that is tried in the running session


def compiled(where):
    """programs/*.c, as the other attacks use them."""
    jobs = []
    for source in sorted((HERE.parent / "programs").glob("*.c")):
        kind = ["-shared", "-fPIC"] if source.stem.endswith(".so") else []
        jobs.append(subprocess.Popen(["cc", "-D_GNU_SOURCE", "-Wall", "-O1", *kind, "-o", where / source.stem, source]))
    if [job.wait(60) for job in jobs] != [0] * len(jobs):
        raise RuntimeError("the attacks' programs do not compile")


def wait_for(ended):
    """For these files; when there is but one left to come, not as long."""
    deadline, last = time.monotonic() + SESSION, None
    while time.monotonic() < deadline:
        left = sum(not p.exists() for p in ended)
        if left == 0 or (left == 1 and last and time.monotonic() > last + SESSION / 4):
            return
        last = last or (time.monotonic() if left == 1 else None)
        time.sleep(0.1)


class Snapshot:
    """A directory as it was, byte by byte, but for what is below `spared`; what an attack left
    there goes away again."""

    def __init__(self, c, top, spared=None):
        self.c, self.top, self.spared = c, top, spared
        self.files = dict(self.look())

    def look(self):
        for where, directories, names in os.walk(self.top):
            for name in [*names, *directories]:
                path = Path(where, name)
                if self.spared and self.spared in path.parents:
                    continue
                if path.is_symlink():
                    yield path, (os.readlink(path), None)
                elif path.is_file():
                    yield path, (path.read_bytes(), path.stat().st_mode & 0o7777)

    def restore(self):
        now = dict(self.look())
        for path in now.keys() - self.files.keys():
            path.unlink()
        for path, (data, mode) in self.files.items():
            if now.get(path) == (data, mode) or path.name in ("record.jsonl", "counts") or "spent" in path.name:
                continue
            if path.is_symlink() or path.exists():
                path.unlink()
            path.parent.mkdir(parents=True, exist_ok=True)
            if mode is None:
                path.symlink_to(data)
            else:
                path.write_bytes(data)
                path.chmod(mode)
        self.c.own()


class Run:
    """One column: a world, its sessions, its evidence."""

    def __init__(self, column, c, ep, evil, tls, chosen):
        self.column, self.c, self.ep, self.evil, self.tls = column, c, ep, evil, tls
        self.bin = c.bin
        self.chosen = [t for t in TECHNIQUES if t.id in chosen]
        self.entry = "demo"
        self.token, self.manager = canary.new_token(), canary.new_token()
        self.passphrase = "-".join(canary.new_token(6) for _ in range(5))
        self.prompt = "what was said in confidence: " + canary.new_token(24)
        self.out, self.tools = c.root / "out", c.root / "tools"
        self.kit = c.root / "kit/tests/attacks/matrix"
        self.scene = self.out / "scene.json"
        self.said = []
        self.evidence = Evidence(self.out, (self.token, self.passphrase, self.manager), ep, evil, self.prompt)
        self.letters, self.how = {}, {}

    def set_up(self):
        for where in (self.out, self.out / "loot", self.out / "done", self.tools):
            where.mkdir()
        compiled(self.tools)
        self.bring_kit()
        self.speak_tls()
        self.services = Services(self)
        self.services.start()
        self.new_shell()
        self.column.set_up(self)
        self.write_scene()
        r = self.launch(self.entry, "-p", "hello", timeout=60)
        if r.rc != 0 or not self.ep.saw(self.token):
            raise RuntimeError(f"{self.column.name}: no session comes up\n{r}")
        # The broker writes the vault, and does not take it for its own when others did.
        self.snapshot = Snapshot(self.c, self.c.home, spared=self.c.data / "ccrun")

    def speak_tls(self):
        """A provider by TLS, whose authority the person's network has."""
        crt, key = certificate(self.c.root, name="DNS:localhost")
        self.tls.server.socket = server_context(crt, key).wrap_socket(self.tls.server.socket, server_side=True)
        self.tls.url = f"https://localhost:{self.tls.port}"
        self.ca = self.c.home / "authorities.pem"
        self.ca.write_text(crt.read_text())
        self.c.own()

    def network(self, entry):
        """Variables of the person's for it."""
        return {"NODE_EXTRA_CA_CERTS": str(self.ca)} if entry == "tls" else {}

    def bring_kit(self):
        """The attacker's programs, where its user can read them, and what tests/lib reads."""
        none = shutil.ignore_patterns("__pycache__")
        for part in (HERE, LIB, *(REPO / d for d in ("base", "broker"))):
            shutil.copytree(part, self.c.root / "kit" / part.relative_to(REPO), ignore=none)

    def write_scene(self):
        table.write_json(self.scene, {
            "home": self.c.home, "cwd": self.c.cwd, "runtime": self.c.runtime, "out": self.out, "tools": self.tools,
            "kit": self.kit, "config": self.c.config, "data": self.c.data, "state": self.c.state,
            "socket": self.column.socket(self.c), "provider": self.entry, "entry": self.entry,
            "origin": "bearer " + self.ep.url, "delivery": self.column.delivery,
            "confine": self.column.confine, "evil": self.evil.url,
            "endpoint": self.ep.url, "ccrun": self.c.bin / "ccrun", "ccctl": self.c.bin / "ccctl",
            "top": self.column.top(), "plain": self.column.plain, "missing": self.services.missing, "ca": self.ca,
            "chosen": [t.id for t in self.chosen]})
        self.c.own()

    def new_shell(self):
        """One that executes the lines which are written to a pipe."""
        self.shell = self.c.popen(["bash", "-c",
            f'while :; do while read -r line; do eval "$line"; done < {self.out}/shell.fifo; done'])
        (self.out / "shell.pid").write_text(str(self.shell.pid))
        self.c.own()

    # ---- launching ----

    def launch(self, *words, **kw):
        argv, env = self.column.command(self, list(words))
        return self.c.run(argv, env=env, **kw)

    def started(self, *words, **kw):
        argv, env = self.column.command(self, list(words))
        return self.c.popen(argv, env=env, **kw)

    def typed_command(self, words):
        return typed_command(self.column, self, [str(w) for w in words])

    def heard(self, *texts):
        self.said.extend(texts)

    def agent(self, place):
        return f"{PYTHON} {self.kit}/agent.py {place} {self.scene}"

    # ---- what is tried in a running session ----

    def plant_daemon(self):
        """An earlier session leaves it behind."""
        r = self.launch("--exec", self.tools / "victim", self.entry,
                        f"setsid {self.agent('daemon')} < /dev/null > /dev/null 2>&1 & "
                        f"while [ ! -e {self.out}/planted.daemon ]; do sleep 0.05; done", timeout=30)
        if not (self.out / "planted.daemon").exists():
            raise RuntimeError(f"no daemon was left: {r}")

    def poison(self):
        """The repository and the user's settings start the agent in every place."""
        self.c.settings({"statusLine": {"type": "command", "command": self.agent("status")},
                         "enableAllProjectMcpServers": True})
        self.c.settings({"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [
            {"type": "command", "command": self.agent("hook"), "timeout": 300}]}]}}, "project")
        words = self.agent("mcp").split()
        table.write_json(self.c.cwd / ".mcp.json", {"mcpServers": {"s": {"command": words[0], "args": words[1:]}}})
        self.c.own()

    def in_session(self):
        here = [t for t in self.chosen if not t.after]
        if not here:
            return
        self.plant_daemon()
        self.poison()
        go = [Bash(self.agent("bash"), timeout=600000)]
        ended = [(self.out / f"end.{p}") for p in PLACES]

        missing = []

        def script(request):
            if b"attack=" in request.body and b"go on" not in request.body:
                return answer(request, self.token)
            if go:
                return go.pop()
            (self.out / "go.daemon").touch()
            wait_for(ended)
            missing.extend(p.name for p in ended if not p.exists())
            return Text("that was all of it")
        self.ep.script = script
        argv, env = self.column.command(self, [self.entry])
        with self.c.screen(argv, env=env) as s:
            s.ask("go on")
            s.wait("that was all of it", 2 * SESSION)
            self.heard(s.text())
            s.exit()
        if missing:
            print(f"{self.column.name}: not there: {missing}", file=sys.stderr)
        self.ep.script = []
        for technique in here:
            self.judge(technique, technique.at)
        self.snapshot.restore()

    def judge(self, technique, places, letters=()):
        """The worst of what it came to in each place."""
        found = dict(self.evidence.loot(technique))
        for place in places:
            how = self.evidence.ended(technique, place)
            letter = found.get(place, "?")
            if how is None:
                letter = "?"
            elif how.startswith("n/a"):
                letter = "."
            elif how.startswith("missing"):
                letter = "s"
            else:
                letter = worst([letter, self.evidence.used(technique, place)])
            self.how[technique.id, place] = (letter, how)
        seen = [self.how[technique.id, p][0] for p in places]
        path = f"attack={technique.id}@"
        seen.append(self.evidence.elsewhere([r for r in self.evil.requests if path in r.path]))
        was_tried = bool(set(seen[:-1]) - set(UNTRIED))
        tried = [x for x in [*seen, *letters] if x not in UNTRIED] if was_tried else []
        self.letters[technique.id] = worst(tried) if tried else next(x for x in "?s." if x in seen)

    # ---- what is tried in a session of its own ----

    def heal(self):
        """The person's world as it was: an unlocked vault, no process of an attack's."""
        keep = {"ccbroker", "ccrun-logind", "ccrun-relay", "atd"}
        kept = self.services.kept.union(children_named(os.getpid(), "ccbroker"))
        kept = kept.union(*(descendants(pid) for pid in kept))
        for pid in self.c.leftovers():
            try:
                if Path(f"/proc/{pid}/comm").read_text().strip() not in keep and pid not in kept:
                    os.kill(pid, 9)
                else:
                    os.kill(pid, 18)
            except OSError:
                pass
        self.new_shell()
        self.column.heal(self)

    def on_its_own(self, technique):
        self.snapshot.restore()
        vault = Snapshot(self.c, self.c.data / "ccrun")
        self.evidence.mark()
        self.said = []
        if technique.entry in LIMITED and self.column.delivery != "relay":
            self.letters[technique.id] = "."
            return
        self.entry = technique.entry
        if technique.given and not self.chosen_by_person(technique):
            self.letters[technique.id] = "."
            return
        self.write_scene()
        self.attack_alone(technique)
        if technique.kind == "deny":
            vault.restore()
        self.done_with()
        self.snapshot.restore()
        self.heal()

    def attack_alone(self, technique):
        command = f"{self.agent('alone')} {technique.id}"
        words = ["--exec", self.tools / "victim", self.entry, command]
        if technique.inside == "terminal":
            self.in_terminal(words)
        else:
            r = self.launch(*words, timeout=60)
            self.heard(r.out, r.err)
            if r.rc == 125:
                raise RuntimeError(f"the session of {technique.id} was refused: {r}")
        # What it was a child of may have been its victim.
        until(lambda: self.evidence.ended(technique, "alone"), 60, f"the end of {technique.id}")
        how = self.evidence.ended(technique, "alone")
        code = 0
        if not (how or "").startswith(("n/a", "missing")):
            try:
                code = FOLLOWUPS[technique.after](self)
            except TimeoutError:
                code = -1  # what it waits for does not come: others have it
        (self.out / "loot" / f"after.{technique.id}").write_text("\n".join(map(str, self.said)))
        letters = [self.evidence.elsewhere(self.evil.requests[self.evidence.since:]), self.evidence.signs(technique),
                   self.evidence.won(technique)]
        if any(self.evidence.secret_in(text) for text in self.said):
            letters.append("R")
        if code != 0 and technique.kind == "deny":
            letters.append("d")
        self.judge(technique, technique.at, letters)
        self.how[technique.id, "after"] = (worst(letters), f"{technique.after}: exit {code}")
        for path in self.out.glob(f"won.{technique.id}*"):
            path.rename(self.out / "loot" / f"{path.name}.kept")

    def in_terminal(self, words):
        """The session is started from a shell on a terminal, which goes on behind it."""
        line, env = self.typed_command(words)
        env = {**env, "PATH": f"{self.c.bin}:{self.c.env()['PATH']}", "PS1": "ready> "}
        with self.c.screen(["bash", "--norc", "-i"], env=env) as s:
            s.wait("ready>")
            s.send(line + "; echo en''ded\r")
            s.wait("ended", 40)
            s.pump(1.0)
            s.send("exit\r")
            s.finish(40)

    def play(self):
        self.set_up()
        self.in_session()
        for technique in self.chosen:
            if technique.after:
                self.one(technique)
        return self.letters

    def chosen_by_person(self, technique):
        """The choice is made; False: there is no such choice in this column."""
        if self.column.plain:
            return False
        # The vault's file was put back as it was; the broker is to know that.
        self.c.ccctl("lock")
        self.heal()
        return GIVEN[technique.given](self)

    def done_with(self):
        self.entry, self.c.bin = "demo", self.bin

    def one(self, technique):
        """What goes wrong with one is that one's: its cell is not stated, which fails."""
        try:
            self.on_its_own(technique)
        except Exception as e:  # pylint: disable=broad-except
            self.letters[technique.id] = "?"
            self.how[technique.id, "after"] = ("?", f"{type(e).__name__}: {e}")
            self.done_with()
            self.snapshot.restore()
            self.heal()


def answer(request, token):
    """What the provider says to an attack's request: its key, where it asks for that."""
    how = (request.json or {}).get("echo", "")
    said = {"plain": f"your key is {token}", "bearer": f"Bearer {token}",
        "base64": base64.b64encode(token.encode()).decode(),
            "hex": token.encode().hex(), "reversed": token[::-1]}
    return Text(said.get(how, "hello"))


@contextmanager
def endpoints():
    with Endpoint(default=Text("hello from loopback")) as ep, Endpoint(default=Text("hello from elsewhere")) as evil, \
            Endpoint(default=Text("hello by TLS")) as tls:
        yield ep, evil, tls


def play(column, chosen, args):
    """{technique: letter} of one column."""
    def inside():
        with endpoints() as (ep, evil, tls), world(ep) as c:
            if args.without:
                c.plain_env["CCRUN_WITHOUT"] = args.without
            run = Run(column, c, ep, evil, tls, chosen)
            letters = run.play()
            if args.keep:
                shutil.copytree(run.out, Path(args.keep) / column.name, dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns("*.sock", "*.fifo"))
            return letters, run.how
    with placed(column) as (world, where):
        letters, how = where(inside)
    for (name, at), (letter, said) in how.items() if args.verbose else ():
        print(f"    {column.name:12} {name:20} {at:7} {letter} {said}", file=sys.stderr)
    return letters


def without_control(control, name, technique, args):
    """(the technique's letter in that column without the control, what went wrong)."""
    args.without = control
    try:
        column = next(c for c in COLUMNS if c.name == name)
        return play(column, [technique], args)[technique], ""
    except Exception as e:  # pylint: disable=broad-except
        return "?", " ".join(f": {type(e).__name__}: {e}".split())[:300]


def show_controls(args):
    """Each control off, and its cell is worse than what is kept: a line for each."""
    kept, same = Kept(), 0
    for control, (name, technique) in CONTROLS.items():
        if args.only and not set(control.split(",")) & set(args.only.split(",")):
            continue
        if os.geteuid() == 0 and control in OF_READABLE_PROGRAMS:
            print(f"--   {control}: shown to an ordinary user alone", flush=True)
            continue
        held = kept.letter(name, technique)
        letter, why = without_control(control, name, technique, args)
        shown = letter in RANK and held in RANK and RANK.index(letter) > RANK.index(held)
        print(f"{'ok  ' if shown else 'SAME'} {control}: {name} {technique}: {held} with it, {letter} without{why}",
              flush=True)
        same += not shown
    return 1 if same else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--columns", default="")
    p.add_argument("--only", default="")
    p.add_argument("--without")
    p.add_argument("--fast", action="store_true")
    p.add_argument("--controls", action="store_true")
    p.add_argument("--renew", action="store_true")
    p.add_argument("--keep")
    p.add_argument("-v", "--verbose", action="store_true")
    args = p.parse_args()
    if args.controls:
        return show_controls(args)
    chosen = [t.id for t in TECHNIQUES if (not args.only or t.id in args.only.split(","))
              and (not args.fast or (t.short and t.after in QUICK))]
    found, notes = {}, []
    for column in COLUMNS:
        if args.columns and column.name not in args.columns.split(","):
            continue
        began = time.monotonic()
        try:
            found[column.name] = play(column, chosen, args)
            print(f"{column.name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        except Skipped as e:
            notes.append(f"{column.name}: skipped: {e}")
    return table.report(found, notes, renew=args.renew)


if __name__ == "__main__":
    sys.exit(main())
