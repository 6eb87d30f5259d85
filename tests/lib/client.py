"""Runs the real client in a world of its own: a private home, nothing that
reaches outside, a terminal whose screen can be read, and no leftovers.

    with Endpoint([Text("hi")]) as ep, World(ep) as w:
        r = w.run_p([claude()], "hello")          # r.rc, r.out, r.err
        with w.screen([claude()]) as s:
            s.ask("hello")
            s.wait("hi")
            assert s.exit() == 0
"""
import ctypes
import functools
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from built import REPO
from screen import Screen

LIB = Path(__file__).resolve().parent
PR_SET_CHILD_SUBREAPER = 36
MARK = "CCRUN_TEST_WORLD"
# Nobody listens there, so whatever wants to go outside fails at once.
NOWHERE = "http://127.0.0.1:9"
PATH = "/usr/local/bin:/usr/bin:/bin"


# The token of a login of the user's own, which no session uses.
LOGIN = "sk-ant-oat01-the-users-own-login"


def claude():
    """The real client: $CCRUN_CLAUDE, else in PATH, else in the build tree."""
    local = REPO / "build/claude/node_modules/.bin/claude"
    for path in (os.environ.get("CCRUN_CLAUDE"), shutil.which("claude"), local):
        if path and os.access(path, os.X_OK):
            return str(path)
    raise FileNotFoundError("no claude: set CCRUN_CLAUDE, or put it into PATH or " + str(local))


def ordinary_user():
    """Who runs things: the caller; for root $CCRUN_TEST_USER, else ccrun-test
    where there is one, else nobody."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in (os.environ.get("CCRUN_TEST_USER"), "ccrun-test", "nobody"):
        try:
            return pwd.getpwnam(name or "")
        except KeyError:
            if name and name == os.environ.get("CCRUN_TEST_USER"):
                raise
    raise KeyError("no ordinary user to run tests as")


# ---- processes ---------------------------------------------------------

def stat_fields(pid):
    """/proc/PID/stat after the name (index 0 is the state), or None."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def alive(pid):
    """Exists and is no zombie."""
    fields = stat_fields(pid)
    return fields is not None and fields[0] not in "ZX"


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(root):
    """{pid: start time} of everything below root, zombies too."""
    children, start = {}, {}
    for pid in all_pids():
        fields = stat_fields(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(pid)
            start[pid] = fields[19]
    found, todo = {}, [root]
    while todo:
        for pid in children.get(todo.pop(), ()):
            found[pid] = start[pid]
            todo.append(pid)
    return found


def world_of(pid):
    """The mark of the world that a process says it is of, or None."""
    try:
        env = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    for item in env:
        if item.startswith(MARK.encode() + b"="):
            return item.partition(b"=")[2].decode()
    return None


def adopt_orphans():
    """What a descendant leaves behind comes to this process from now on."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


_forked = set()  # pids that this process began itself, and waits for at their place


def _remember(function):
    """A function that forks, remembering whom."""
    @functools.wraps(function)
    def forking():
        pid = function()
        _forked.add(pid if isinstance(pid, int) else pid[0])
        return pid
    return forking


os.fork, os.forkpty = _remember(os.fork), _remember(os.forkpty)


def _remember_popen(init):
    @functools.wraps(init)
    def starting(self, *args, **kw):
        init(self, *args, **kw)
        _forked.add(self.pid)
    return starting


subprocess.Popen.__init__ = _remember_popen(subprocess.Popen.__init__)


def reap_orphans():
    """What came to this process and has ended.  Left, they would be thousands in a suite,
    and each look at /proc would read them all."""
    for pid in all_pids():
        fields = stat_fields(pid)
        if fields and fields[0] == "Z" and fields[1] == str(os.getpid()) and pid not in _forked:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def children_named(pid, name):
    """Descendants of pid whose comm is name."""
    found = []
    for p in descendants(pid):
        try:
            if Path(f"/proc/{p}/comm").read_text().strip() == name:
                found.append(p)
        except OSError:
            pass
    return found


def until(condition, timeout=20, what="condition"):
    """Poll until condition() is true; returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(0.02)


@dataclass
class Result:
    rc: int
    out: str
    err: str
    seconds: float

    def __str__(self):
        return f"exit {self.rc} after {self.seconds:.2f} s\n--- out\n{self.out}\n--- err\n{self.err}"


# ---- a world -----------------------------------------------------------

class World:
    """A private home directory and environment.  endpoint: where the client's
    ANTHROPIC_BASE_URL points (None: unset).  token: its ANTHROPIC_AUTH_TOKEN.
    proxy: an Endpoint that sees whoever wants to go outside.  quiet=False
    lets the client try its telemetry.  tools=False: the Bash tool wants
    permission.  Run as root, its programs run as an ordinary user (user: as
    this one).

    close() ends everything that was started through it and whatever that
    left behind: orphans come back to this process, a subreaper.  Processes
    of another open world are told by their environment; what else was
    started below this process since the world was made goes with it."""

    def __init__(self, endpoint=None, token=None, proxy=None, quiet=True, tools=True, user=None):
        self.user = user or ordinary_user()
        self.endpoint, self.token, self.quiet = endpoint, token, quiet
        self.proxy = proxy.url if proxy else NOWHERE
        # Short, because sockets below it must fit into sun_path.
        self.root = Path(tempfile.mkdtemp(prefix="ccw-", dir="/tmp"))
        self.id = self.root.name
        adopt_orphans()
        self.before = descendants(os.getpid())
        self.screens, self.procs = [], []
        self.home = self.root / "home"
        self.cwd = self.home / "work"
        self.runtime = self.root / "run"
        self.tmp = self.root / "tmp"
        self.config = self.home / ".config"
        self.data = self.home / ".local/share"
        self.state = self.home / ".local/state"
        for d in (self.home, self.cwd, self.runtime, self.tmp, self.config,
                  self.data, self.state):
            d.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.write(".claude.json", json.dumps(self.client_state()))
        # The Bash tool without a question; no command goes to the auto mode's judge.
        self.settings({"permissions": {"allow": ["Bash"], "defaultMode": "default"}}
                      if tools else {})

    def client_state(self):
        """What spares the full screen its first-run questions."""
        return {"hasCompletedOnboarding": True, "lastOnboardingVersion": "99.0.0",
                "lastReleaseNotesSeen": "99.0.0", "theme": "dark", "numStartups": 10,
                "autoUpdates": False, "hasSeenAutoDefaultNotice": True,
                "projects": {str(self.cwd): {
                    "hasTrustDialogAccepted": True,
                    "hasCompletedProjectOnboarding": True,
                    "projectOnboardingSeenCount": 4,
                    "hasClaudeMdExternalIncludesApproved": True,
                    "allowedTools": []}}}

    def own(self):
        """Give all of the world to its user; a test that wrote as root calls it."""
        if os.geteuid() == 0:
            for path in (self.root, *self.root.rglob("*")):
                # A client that runs meanwhile makes and removes files.
                with suppress(FileNotFoundError):
                    os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)

    def write(self, path, text, mode=0o600):
        """Write a file of the world (a relative path is below home)."""
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text)
        path.chmod(mode)
        self.own()
        return path

    def settings(self, value, where="user"):
        """Set keys of Claude Code's settings; where: user, project or local."""
        name = "settings.local.json" if where == "local" else "settings.json"
        path = (self.home if where == "user" else self.cwd) / ".claude" / name
        old = json.loads(path.read_text()) if path.exists() else {}
        return self.write(path, json.dumps({**old, **value}))

    def approve_key(self, key):
        """Answer the full screen's question about an ANTHROPIC_API_KEY, as the
        client does: with the key's last 20 characters in a file."""
        path = self.home / ".claude.json"
        state = json.loads(path.read_text())
        state["customApiKeyResponses"] = {"approved": [key[-20:]], "rejected": []}
        return self.write(path, json.dumps(state))

    def login(self, token):
        """A subscription's login, as /login leaves it."""
        return self.write(".claude/.credentials.json", json.dumps({"claudeAiOauth": {
            "accessToken": token, "refreshToken": "refresh-" + self.id,
            "expiresAt": 4102444800000, "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max"}}))

    def env(self, more=None):
        """The environment; more: variables to add, None as a value removes."""
        env = {"HOME": self.home, "USER": self.user.pw_name, "LOGNAME": self.user.pw_name,
               "SHELL": "/bin/bash", "PATH": PATH, "TERM": "xterm-256color", "LANG": "C.UTF-8",
               "TMPDIR": self.tmp, "XDG_CONFIG_HOME": self.config, "XDG_DATA_HOME": self.data,
               "XDG_STATE_HOME": self.state, "XDG_RUNTIME_DIR": self.runtime,
               "XDG_CACHE_HOME": self.home / ".cache", MARK: self.id,
               "DISABLE_AUTOUPDATER": "1",
               "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "1",
               "HTTP_PROXY": self.proxy, "HTTPS_PROXY": self.proxy,
               "NO_PROXY": "localhost,127.0.0.1"}
        if self.quiet:
            env.update(CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", DISABLE_TELEMETRY="1",
                       DISABLE_ERROR_REPORTING="1")
        if self.endpoint:
            env["ANTHROPIC_BASE_URL"] = self.endpoint.url
        if self.token:
            env["ANTHROPIC_AUTH_TOKEN"] = self.token
        env.update(more or {})
        return {k: str(v) for k, v in env.items() if v is not None}

    def argv(self, argv):
        """argv as the world's user; setpriv execs, so the pid stays."""
        argv = [str(a) for a in argv]
        if os.geteuid() != 0:
            return argv
        return ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}",
                "--clear-groups", "--inh-caps=-all", "--"] + argv

    def popen(self, argv, env=None, cwd=None, **kw):
        """subprocess.Popen in the world, in a session of its own."""
        kw.setdefault("stdin", subprocess.DEVNULL)
        kw.setdefault("start_new_session", True)
        proc = subprocess.Popen(self.argv(argv), env=self.env(env), cwd=cwd or self.cwd, **kw)
        self.procs.append(proc)
        return proc

    def run(self, argv, env=None, input=None, timeout=60, cwd=None, **kw):
        """Run to the end; on a time-out its session is killed, then raise."""
        start = time.monotonic()
        # Files, not pipes: a daemon that keeps stdout open must not stall us.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, \
                tempfile.TemporaryFile() as given:
            given.write((input or "").encode() if not isinstance(input, bytes) else input)
            given.seek(0)
            proc = self.popen(argv, env, cwd, stdin=given, stdout=out, stderr=err, **kw)
            try:
                rc = proc.wait(timeout)
            except subprocess.TimeoutExpired:
                rc = None
                os.killpg(proc.pid, signal.SIGKILL)
                proc.wait()
            texts = []
            for f in (out, err):
                f.seek(0)
                texts.append(f.read().decode("utf-8", "replace"))
        result = Result(rc, *texts, time.monotonic() - start)
        if rc is None:
            raise TimeoutError(f"{argv[0]}: not done within {timeout} s\n{result}")
        return result

    def run_p(self, argv, prompt="hello", env=None, **kw):
        """argv -p PROMPT; the rest as run()."""
        return self.run([*argv, "-p", prompt], env, **kw)

    def screen(self, argv, env=None, **kw):
        screen = Screen(self, argv, env, **kw)
        self.screens.append(screen)
        return screen

    def leftovers(self):
        """Pids below this process that came with this world, without zombies."""
        found = []
        for pid, start in descendants(os.getpid()).items():
            if self.before.get(pid) != start and world_of(pid) in (None, self.id) and alive(pid):
                found.append(pid)
        return found

    def end(self):
        """End every process of this world and reap it."""
        for screen in self.screens:
            screen.close()
        for step in range(60):
            left = self.leftovers()
            # A polite signal first; a broker gets time to write its record.
            for pid in left:
                try:
                    os.kill(pid, signal.SIGTERM if step < 10 else signal.SIGKILL)
                except ProcessLookupError:
                    pass
            for proc in self.procs:
                proc.poll()
            # Each broker's start leaves watchers that find no bus and end by themselves,
            # each session a worker that ends with it.
            reap_orphans()
            if not left:
                return
            time.sleep(0.05)
        raise RuntimeError(f"processes that do not end: {self.leftovers()}")

    def close(self):
        try:
            self.end()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
