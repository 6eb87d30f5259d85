"""A world (ccrun.py) for tests of locking: keys with policies, launches that say
which key they got, whatever locks a vault, and a broker's clock.

    with Locking() as w:
        w.keys(demo={}, spared={"keep": "yes"})
        w.lock("suspend")
        assert w.launch("spared") == w.token["spared"]
        w.refused("demo", "locked")

advance() moves the clock of the test build.
"""
import json
import subprocess
from datetime import datetime, timezone

import canary
from ccrun import CCRUN, Ccrun
from client import LIB, alive, until

# A launch's whole program; and one that goes on, and answers a line with a line.
SAY = 'printf %s "$ANTHROPIC_AUTH_TOKEN"'
LIVE = ('read -r key < "$HOME/live"; echo up; while read -r word; do '
        '[ "$ANTHROPIC_AUTH_TOKEN" = "$key" ] && echo "$word right" || echo "$word wrong"; done')

EVENTS = ["suspend", "screen", "logout"]
TIMES = ["idle", "longest"]  # these need the clock
WORDS = {"request": "by request", "idle": "it was idle", "longest": "its longest time was over",
         "suspend": "the computer went to sleep", "screen": "the screen was locked",
         "logout": "its user logged out"}


class Live:
    """A session that lives."""

    def __init__(self, world, name):
        world.write("live", world.token[name] + "\n")
        self.process = world.popen([CCRUN, "--exec", "/bin/sh", name, "-c", LIVE], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.process.stdout.readline() == "up\n"

    def has_its_key(self):
        """It runs, and what it was given is there."""
        self.process.stdin.write("still\n")
        return self.process.stdout.readline() == "still right\n"

    def end(self):
        self.process.stdin.close()
        return self.process.wait(20)


class Locking(Ccrun):
    def __init__(self, **kw):
        super().__init__(**kw)
        self.token = {}
        self.ahead = 0.0

    # ---- keys ----

    def keys(self, **policies):
        """A vault with a provider and its key for each name."""
        self.init()
        for name, policy in policies.items():
            self.key(name, policy)
        return self

    def key(self, name, policy=None, *words):
        self.file(name, policy)
        self.token[name] = canary.new_token()
        return self.add(name, self.token[name], *words)

    def file(self, name, policy=None):
        """The provider's file alone."""
        return self.provider(name, title=name, base_url=f"https://{name}.example.test", auth="bearer",
                             docs="made up for a test", policy=policy)

    def ok(self, *words, **kw):
        r = self.ccctl(*words, **kw)
        assert r.rc == 0, r
        return r

    def json(self, *words):
        return json.loads(self.ok(*words, "--json").out)

    def used(self, name):
        """When a key was last used, in seconds since the epoch, or None."""
        when = next(k for k in self.json("keys") if k["name"] == name)["used"]
        return when and datetime.strptime(when, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()

    # ---- launches ----

    def launch(self, name):
        """The key that a program got."""
        r = self.ccrun("--exec", "/bin/sh", name, "-c", SAY)
        assert r.rc == 0 and r.err == "", r
        return r.out

    def serves(self, name):
        return self.launch(name) == self.token[name]

    def refused(self, name, *words, hint="ccctl unlock"):
        """A launch without a terminal fails, says so in these words, and what to do."""
        r = self.ccrun("--exec", "/bin/sh", name, "-c", SAY)
        assert r.rc == 125 and r.out == "", r
        assert all(word in r.err for word in words) and f"hint: {hint}\n" in r.err, r
        return True

    def live(self, name):
        return Live(self, name)

    # ---- locking ----

    def event(self, why):
        """What a watcher says; does the broker lock?"""
        r = self.run(["/usr/bin/python3", LIB / "lock_event.py", self.runtime / "ccrun/broker.sock", why])
        assert r.rc == 0, r
        return r.out == "True\n"

    def advance(self, seconds):
        """The broker's clock goes on by so much."""
        self.ahead += seconds
        new = self.write(self.state / "ccrun/clock.new", str(int(self.ahead * 1000)))
        new.rename(self.state / "ccrun/clock")

    def lock(self, why):
        """Whatever it takes that the vault locks for this reason."""
        if why == "request":
            self.ok("lock")
        elif why in EVENTS:
            assert self.event(why)
        else:
            self.ok("settings", f"{why}=10m")
            self.advance(601)
        s = self.status()
        assert s["state"] == "locked" and s["locked_why"] == why, s

    def locks(self):
        """Why it was locked, as the record has it."""
        return [e["why"] for e in self.record() if e["event"] == "lock"]

    def end_broker(self, signal=9):
        """Kill the broker; the next program starts another."""
        pid = self.broker()
        self.run(["kill", f"-{signal}", str(pid)])
        until(lambda: not alive(pid), what="the broker's end")


__all__ = ["CCCTL", "CCRUN", "EVENTS", "TIMES", "WORDS", "Live", "Locking"]
