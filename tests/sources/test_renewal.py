"""Keys that are fetched again while a session by relay goes on: after the provider has
refused one, after a lock, and before one ends by its source's word.

The session is a script, which posts as it is told; the manager is pass, the real one or a
stand-in."""
import json
import os
import shutil
import subprocess
import threading

import pytest

import canary
from ccrun import CCRUN
from client import alive, until
from controls import off
from endpoint import Error, Text
from relay_broker import MESSAGE, STREAM, Provider, answer, chunk, STREAM_HEAD
from sources import Standin

REF = "pass:ai/openrouter"
REFUSED = {"type": "error", "error": {"type": "authentication_error", "message": "the provider's own words"}}

# Reads a line a round from its standard input, [how many, bytes of each], and answers with what
# came of each: [[status, text, Retry-After], ...].
POSTER = """#!/usr/bin/python3
import http.client, json, os, socket, sys, threading
class Relay(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(os.environ["ANTHROPIC_UNIX_SOCKET"])
def post(n, out, chunked):
    c = Relay("ccrun.invalid", timeout=60)
    body = json.dumps({"model": "claude-test-1", "x": "y" * n}).encode()
    head = {"Content-Type": "application/json", "Authorization": "Bearer placeholder"}
    c.request("POST", "/v1/messages", iter([body]) if chunked else body, head, encode_chunked=chunked)
    r = c.getresponse()
    out.append([r.status, r.read().decode(), r.getheader("retry-after")])
for line in sys.stdin:
    many, n, *chunked = json.loads(line)
    out = []
    threads = [threading.Thread(target=post, args=(n, out, bool(chunked))) for _ in range(many)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    print(json.dumps(out), flush=True)
"""


class Keys:
    """A provider that takes one key."""

    def __init__(self, good):
        self.good = {good}
        self.seen = []
        self.meanwhile = None  # called after a refusal
        self.held = None       # an event: streams wait for it in their middle
        self.lock = threading.Lock()

    def __call__(self, wire, request):
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        with self.lock:
            self.seen.append(key)
            if key not in self.good:
                wire.sock.sendall(answer(REFUSED, status=401))
                if self.meanwhile:
                    self.meanwhile()
                return
        if self.held:
            wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0] + b": " + key.encode() + b"\n\n"))
            assert self.held.wait(30)
            wire.sock.sendall(chunk(key.encode()) + b"".join(map(chunk, STREAM[1:])) + chunk(b""))
            return
        wire.sock.sendall(answer(MESSAGE))


class Session:
    """ccrun with POSTER in claude's place."""

    def __init__(self, world, name, env):
        path = world.home / "bin/poster"
        if not path.exists():  # another one may be on its way to be executed
            world.write(path, POSTER, 0o755)
        self.name = name
        self.proc = world.popen([CCRUN, "--exec", path, name], env, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ask(self, many=1, n=100, *chunked):
        self.proc.stdin.write(json.dumps([many, n, *chunked]) + "\n")
        self.proc.stdin.flush()

    def hear(self):
        line = self.proc.stdout.readline()
        assert line, self.proc.stderr.read()
        return json.loads(line)

    def post(self, many=1, n=100, *chunked):
        self.ask(many, n, *chunked)
        return self.hear()

    def worker(self):
        """The pid of who fetches its keys again, or None."""
        out = subprocess.run(["pgrep", "-u", str(os.getuid()), "-f", f"ccrun-source keep {self.name}"], stdout=subprocess.PIPE,
                             text=True, check=False).stdout.split()
        return next((int(pid) for pid in out), None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()
        try:
            self.proc.wait(20)
        finally:
            self.proc.kill()


class World:
    def __init__(self, c, token, controls=()):
        c.plain_env.update(off(*controls))
        self.c, self.old, self.new = c, token, canary.new_token()
        self.keys = Keys(token)
        self.provider = Provider(self.keys).__enter__()
        # A name of its own: by it the process is found that stays behind for a session.
        self.name = "demo-" + os.urandom(4).hex()
        c.provider(self.name, title="Demo", base_url=self.provider.url, auth="bearer", docs="made up for a test",
                   policy={"delivery": "relay"})
        c.init()
        self.manager = Standin(c, "pass")
        self.env = {"PATH": f"{self.manager.bin}:{c.env()['PATH']}"}
        self.manager.plays(out=token + "\n")

    def add(self, ref=REF, *more):
        r = self.c.ccctl("add", self.name, "--source", ref, "--no-check", *self.c.allows(self.name), *more,
                         env=self.env)
        assert r.rc == 0, r

    def rotate(self):
        self.keys.good = {self.new}
        self.manager.plays(out=self.new + "\n")

    def session(self):
        return Session(self.c, self.name, self.env)

    def events(self, *names):
        return [e for e in self.c.record() if e["event"] in names]


@pytest.fixture
def w(c, token):
    world = World(c, token)
    world.add()
    yield world
    world.provider.__exit__()


def statuses(answers):
    return sorted(a[0] for a in answers)


# ---- refused ----

def test_key_that_was_rotated(w):
    with w.session() as s:
        assert statuses(s.post()) == [200]
        w.rotate()
        assert statuses(s.post()) == [200]
        assert w.keys.seen == [w.old, w.old, w.new]
        assert statuses(s.post(3)) == [200] * 3 and w.keys.seen[3:] == [w.new] * 3
    assert len(w.manager.runs()) == 2
    [e] = w.events("renew")
    assert (e["result"], e["entries"]) == ("granted", w.name)
    assert not canary.scan_files([w.c.root / "home/.local"], w.new)


def test_eight_at_once_run_the_manager_once(w):
    with w.session() as s:
        assert statuses(s.post()) == [200]
        w.rotate()
        assert statuses(s.post(8, 100_000)) == [200] * 8
        assert w.keys.seen.count(w.new) == 8
    assert len(w.manager.runs()) == 2 and len(w.events("renew")) == 1


def test_body_goes_out_whole_once_more(w):
    """Nearly as much as is kept, by length and in chunks."""
    with w.session() as s:
        s.post()
        for chunked in ((), (True,)):
            w.rotate()
            w.old, w.new = w.new, w.old
            before = len(w.provider.requests)
            assert statuses(s.post(1, 3_000_000, *chunked)) == [200]
            first, second = w.provider.requests[before:]
            assert len(first.body) > 3_000_000 and first.body == second.body


def test_body_that_is_not_kept_is_to_be_sent_again(w):
    with w.session() as s:
        s.post()
        w.rotate()
        [[status, text, retry]] = s.post(1, 5_000_000)
        assert (status, retry) == (503, "1") and "the key was renewed: try again" in text
        assert statuses(s.post(1, 5_000_000)) == [200]
        assert w.keys.seen == [w.old, w.old, w.new]


def test_answers_under_way_go_on_and_show_no_key(w):
    """A stream that began with the old key; it is looked for to the end."""
    with w.session() as s, w.session() as other:
        s.post(), other.post()
        w.keys.held = threading.Event()
        s.ask()
        until(lambda: len(w.keys.seen) == 3, what="the stream")
        w.rotate()
        held, w.keys.held = w.keys.held, None
        assert statuses(other.post()) == [200] and w.keys.seen[3:] == [w.old, w.new]
        held.set()
        [[status, text, _]] = s.hear()
        assert status == 200 and w.old not in text and "*" * len(w.old) in text and "message_stop" in text
        # That session's own relay has the old one still, and is told by its provider.
        assert statuses(s.post()) == [200]
    assert len(w.manager.runs()) == 2, "the other session's renewal was enough"


def test_key_that_stays_refused(w):
    """The provider's words, and the manager does not run in a circle."""
    with w.session() as s:
        s.post()
        w.keys.good = {"another-one-altogether"}
        for _ in range(6):
            [[status, text, _]] = s.post()
            assert status == 401 and "the provider's own words" in text
    assert len(w.manager.runs()) == 1 + 3
    assert [e["result"] for e in w.events("renew")] == ["granted"] * 3


def test_without_its_control_the_manager_runs_in_a_circle(c, token):
    world = World(c, token, ["renewals"])
    world.add()
    with world.session() as s:
        world.keys.good = {"another-one-altogether"}
        for _ in range(6):
            [[status, _, _]] = s.post()
            assert status == 401
    assert len(world.manager.runs()) > 1 + 3
    world.provider.__exit__()


def test_source_that_fails(w):
    """Its words reach the client and the log, and other requests do not run it again at once."""
    with w.session() as s:
        s.post()
        w.rotate()
        w.manager.plays(err="gpg: decryption failed: No secret key\n", exit=2)
        [[status, text, _]] = s.post()
        assert status == 401 and "pass is locked" in text and "gpg-agent" in text, text
        runs = len(w.manager.runs())
        [[status, text, _]] = s.post()
        assert status == 401 and len(w.manager.runs()) == runs
    assert any("pass is locked" in e.get("why", "") for e in w.events("release"))
    assert w.new not in json.dumps(w.c.record())


def test_key_in_the_vault_is_not_renewed(c, token):
    world = World(c, token)
    c.add(world.name, token)
    with world.session() as s:
        assert s.worker() is None
        s.post()
        world.keys.good = {world.new}
        [[status, text, _]] = s.post()
        assert status == 401 and "the provider's own words" in text
        assert world.keys.seen == [token] * 2
    world.provider.__exit__()


# ---- gone ----

def test_after_a_lock(w):
    with w.session() as s:
        s.post()
        assert w.c.ccctl("lock").rc == 0
        assert "vault is locked" in s.post()[0][1]
        assert w.c.unlock().rc == 0
        assert statuses(s.post(4)) == [200] * 4
    assert len(w.manager.runs()) == 2


def test_source_that_fails_after_a_lock(w):
    with w.session() as s:
        s.post()
        w.c.ccctl("lock"), w.c.unlock()
        w.manager.plays(err="gpg: decryption failed: No secret key\n", exit=2)
        [[status, text, _]] = s.post()
        assert status in (503, 529) and "pass is locked" in text and "gpg-agent" in text


def test_worker_ends_with_the_session(w):
    with w.session() as s:
        s.post()
        pid = s.worker()
        assert pid and os.stat(f"/proc/{pid}/stat").st_uid == 0, "it is there, and undumpable"
    until(lambda: not alive(pid), what="its end")


def test_nobody_is_there(w):
    """The worker was killed: the provider's words, and the next launch renews again."""
    with w.session() as s:
        s.post()
        os.kill(s.worker(), 9)
        w.rotate()
        until(lambda: s.worker() is None)
        [[status, text, _]] = s.post()
        assert status == 401 and "the provider's own words" in text
        assert any("nobody can fetch" in e.get("why", "") for e in w.events("release"))


# ---- ends by its source's word ----

def test_key_that_ends(w):
    """It is fetched anew before a request meets its end.  15 s is the least that one is used."""
    path = w.c.write(w.c.config / "ccrun/sources/pass.conf", "[source]\noutput = json\nexpires = end\n", 0o600)
    for d in (path.parent, path.parent.parent):
        d.chmod(0o700)
    w.manager.plays(out=json.dumps({"token": w.old, "end": 70}))
    w.add(REF + "#token", "--replace")
    with w.session() as s:
        assert statuses(s.post()) == [200] and w.keys.seen == [w.old]
        w.manager.plays(out=json.dumps({"token": w.new, "end": "2099-01-01T00:00:00Z"}))
        w.keys.good = {w.old, w.new}
        assert statuses(s.post()) == [200]
        until(lambda: statuses(s.post()) == [200] and w.keys.seen[-1] == w.new, timeout=40, what="another key, unasked")
    assert w.events("renew") == [] and len(w.manager.runs()) == 2


# ---- the real ones ----

@pytest.mark.skipif(not shutil.which("pass") or not shutil.which("gpg"), reason="no pass")
def test_the_real_client_with_pass(c, ep, token):
    """The key is rotated in the store, and the endpoint refuses the old one, in mid-session."""
    new = canary.new_token()
    c.demo(policy={"delivery": "relay"})
    c.init()
    (c.home / ".gnupg").mkdir(mode=0o700)
    c.own()

    def run(*argv, given=None):
        r = c.run(argv, input=given)
        assert r.rc == 0, r
    run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "t@example.org", "rsa2048", "encr", "never")
    run("pass", "init", "t@example.org")
    run("pass", "insert", "--multiline", "ai/openrouter", given=token + "\n")
    run(c.bin / "ccctl", "add", "demo", "--source", REF, "--no-check", *c.allows("demo"))
    good, said = {token}, []

    def turn(request):
        key = request.headers["authorization"].removeprefix("Bearer ")
        said.append(key in good)
        return Text(f"turn {sum(said)}") if key in good else Error(401, "authentication_error", "refused")
    ep.script = turn
    with c.screen([c.bin / "ccrun", "demo"]) as s:
        s.ask("say something")
        s.wait("turn 1")
        run("pass", "insert", "--multiline", "--force", "ai/openrouter", given=new + "\n")
        good.clear()
        good.add(new)
        s.ask("say more")
        s.wait("turn 2")
        assert s.exit() == 0
    assert said == [True, False, True]
