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
import sys

import canary
from built import BUILD
from client import LIB, alive, until
from logind import StandIn

HELPER = BUILD / "libexec/ccrun/ccrun-usage"

# One documented answer, and what comes of it.
DEEPSEEK = {"is_available": True, "balance_infos": [
    {"currency": "USD", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}]}
BALANCE = [{"label": "bal", "amount": "110.00", "currency": "USD"}]
PATHS = {"openrouter": "/api/v1/key", "zai": "/api/monitor/usage/quota/limit", "deepseek": "/user/balance",
         "moonshot": "/v1/users/me/balance", "minimax": "/v1/api/openplatform/coding_plan/remains",
         "siliconflow": "/v1/user/info"}


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
        self.broker = StandIn(self.world, "quota_broker.py", self.log, self.directory / "broker.sock")

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


# ---- TLS ---------------------------------------------------------------

def certificate(directory, name):
    """A self-signed certificate and its key."""
    crt, key = directory / "server.crt", directory / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", key, "-out", crt],
                   check=True, capture_output=True)
    crt.chmod(0o644)
    return crt, key


class TlsMachine:
    """A machine (tls_machine.py) on which `host` is this one, with a server on port
    443 whose certificate of `name` (None: host) its programs trust."""

    def __init__(self, world, host, name=None, status=200, body="", headers=()):
        self.world = world
        crt, key = certificate(world.root, "DNS:" + (name or host))
        hosts, self.log = world.root / "hosts", world.root / "tls.log"
        hosts.write_text(f"127.0.0.1 localhost {host}\n")
        hosts.chmod(0o644)
        self.plan = {"crt": str(crt), "key": str(key), "hosts": str(hosts), "log": str(self.log), "status": status,
                     "body": body, "headers": headers}
        self.process = None

    @staticmethod
    def possible():
        return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "--net", "true"],
                                                    capture_output=True).returncode == 0

    def start(self, argv, pass_fds=()):
        """argv as the world's user on that machine, without a proxy."""
        env = {k: v for k, v in self.world.env({"SSLKEYLOGFILE": self.world.root / "keylog"}).items()
               if "PROXY" not in k}
        plan = {**self.plan, "argv": self.world.argv(argv), "env": env, "fds": list(pass_fds)}
        self.process = subprocess.Popen(["unshare", "--mount", "--net", sys.executable, LIB / "tls_machine.py",
                                         json.dumps(plan)], pass_fds=pass_fds, stdin=subprocess.PIPE)

    def requests(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.stdin.close()
            self.process.wait(30)


def memory_is_clean(pid, token):
    found, searched, spared = canary.scan_memory(pid, token, spare_locked=False)
    assert searched + spared > 100_000
    assert not found, found
