"""ccrun-usage beside a stand-in for the broker, a server and a session.

    with World() as w, QuotaServer() as server, Usage(w) as u:
        u.start("deepseek")
        server.answer(200, {...})
        u.fetch("bearer " + server.url, token)
        u.put()["items"]
"""
import json
import os
import subprocess
from pathlib import Path

from client import REPO, alive, until
from logind import StandIn

HELPER = Path(os.environ.get("CCRUN_BUILD") or REPO / "build") / "libexec/ccrun/ccrun-usage"


class Usage:
    def __init__(self, world):
        self.world = world
        self.directory = world.runtime / "ccrun"
        self.directory.mkdir(mode=0o700, exist_ok=True)
        world.own()
        self.log = world.root / "usage-broker.log"
        self.errors = world.root / "usage.err"
        self.session = world.popen(["sleep", "1000"])
        self.process = None
        self.taken = 0  # puts that were looked at
        self.start_broker()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end_session()
        self.broker.stop()

    def start_broker(self):
        self.broker = StandIn(self.world, "usage_broker.py", self.log, self.directory / "broker.sock")

    def end_session(self):
        self.session.kill()
        self.session.wait()

    # ---- the worker ----

    def words(self, kind, entry="key"):
        who = ["--own"] if entry is None else ["--entry", entry]
        return [str(HELPER), "--kind", kind, *who]

    def run(self, argv, env=None, **kw):
        """argv with a pidfd of the session as descriptor 3, to its end (the worker
        itself goes on in a fork: its standard error is a file)."""
        fd = os.pidfd_open(self.session.pid)
        try:
            with open(self.errors, "ab") as err:
                process = self.world.popen(["bash", "-c", f'exec "$@" 3<&{fd} {fd}<&-', "bash", *argv], env=env,
                                           pass_fds=[fd], stdout=subprocess.DEVNULL, stderr=err, **kw)
            return process.wait(60)
        finally:
            os.close(fd)

    def start(self, kind, entry="key", **kw):
        assert self.run(self.words(kind, entry), **kw) == 0, self.err
        return self

    @property
    def err(self):
        return self.errors.read_text() if self.errors.exists() else ""

    @property
    def pid(self):
        """The worker, once it has spoken to the broker."""
        return until(lambda: self.broker.events("request"), what="a request")[-1]["pid"]

    def ended(self):
        pid = self.pid
        until(lambda: not alive(pid), timeout=90, what="the worker ends")

    # ---- the broker ----

    def say(self, **answer):
        self.broker.tell(json.dumps(answer), "told")

    def fetch(self, origin, token):
        self.say(origin=origin, token=token)

    def requests(self, op):
        return [e for e in self.broker.events("request") if e["op"] == op]

    def put(self):
        """The next usage-put, without what every request has."""
        until(lambda: len(self.requests("usage-put")) > self.taken, timeout=60, what=f"usage-put: {self.err}")
        self.taken += 1
        request = self.requests("usage-put")[self.taken - 1]
        return {k: v for k, v in request.items() if k not in ("op", "v", "pid", "event")}
