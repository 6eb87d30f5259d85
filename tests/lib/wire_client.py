"""A raw client of the broker's protocol (docs/PROTOCOL.md), written from that
page and sharing no code with the broker, and a broker in a private world.

    with Broker() as b:
        b.init()
        b.put("zai", "token")
        with b.connect() as c:
            c.call("get", name="zai")["token"]

Client.ask gives any answer, Client.call raises Refused on {ok: false}, and
Client.send takes raw bytes, well-formed or not.  A process that may claim must
be marked and undumpable, for ever: in_child runs a function in a fork.
"""
import array
import ctypes
import hashlib
import json
import os
import pickle
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import msgpack

import record_schema
from built import BUILD, REPO

BROKER = BUILD / "libexec/ccrun/ccbroker"

VERSION = 1
PACKET_MAX = 65536
TOKEN_MAX = 16384
ENTRIES_MAX = 3
CONNECTIONS_UID = 1536
CONNECTIONS_MARKED = 256
SESSIONS_UID = 1024
SLOTS_MAX = 64
STAGED_UID = 2
FILE_MAX = 524288
LOCK_TIME_MAX = 366 * 24 * 3600
PART = 48000
CLAIM_DEADLINE = 10
IDLE_DEADLINE = 30

MAGIC = b"CCR1"
ARRIVED, CLAIM, AGAIN, OK, REFUSED = 1, 2, 3, 0x81, 0x82

ORIGIN = "bearer https://api.example.test/anthropic"
VARIABLE = "ANTHROPIC_AUTH_TOKEN"
POLICY = "delivery=auto nested=deny strict=no exposed=no"

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38
RLIMIT_LOCKS = 10
CRED = struct.Struct("3i")


class Refused(Exception):
    """{ok: false}, or a fixed REFUSED message (which bears no error name)."""

    def __init__(self, error, message, hint):
        super().__init__(f"{error}: {message} ({hint})")
        self.error, self.message, self.hint = error, message, hint

    def __reduce__(self):
        return Refused, (self.error, self.message, self.hint)


class Closed(Exception):
    """The broker ended the connection."""


def many_files():
    """Let this process open as many files as it may: the default is fewer than a broker has places."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


# ---- messages ----------------------------------------------------------

def pack(**fields):
    return msgpack.packb(fields, use_bin_type=True)


def request(op, **fields):
    return pack(v=VERSION, op=op, **fields)


def unpack(packet):
    """One map, strictly: str is str, bin is bytes."""
    reply = msgpack.unpackb(packet, raw=False, strict_map_key=True,
                            unicode_errors="surrogateescape")
    assert isinstance(reply, dict) and reply["v"] == VERSION, reply
    assert isinstance(reply["ok"], bool), reply
    if not reply["ok"]:
        # The last from the system broker alone, when it takes no connection.
        assert set(reply) - {"has_vault"} == {"v", "ok", "error", "message", "hint"}, reply
    return reply


def fixed(kind, body=b""):
    return MAGIC + bytes([kind, 0, 0, 0]) + struct.pack("<I", len(body)) + body


def read_fixed(packet):
    """The items of an OK message as [(variable, value)]; raises Refused."""
    magic, kind, zero, length = packet[:4], packet[4], packet[5:8], packet[8:12]
    body = packet[12:]
    assert magic == MAGIC and zero == b"\0\0\0", packet
    assert struct.unpack("<I", length)[0] == len(body), packet
    if kind == REFUSED:
        n, = struct.unpack_from("<H", body)
        m, = struct.unpack_from("<H", body, 2 + n)
        assert len(body) == 4 + n + m, packet
        raise Refused(None, body[2:2 + n].decode(), body[4 + n:].decode())
    assert kind == OK, packet
    count, = struct.unpack_from("<H", body)
    items, at = [], 2
    for _ in range(count):
        n, m = struct.unpack_from("<HI", body, at)
        at += 6
        items.append((body[at:at + n].decode(), body[at + n:at + n + m]))
        assert len(items[-1][1]) == m, packet
        at += n + m
    assert at == len(body), packet
    return items


# ---- a connection ------------------------------------------------------

# What wants a person's slot, given just before: all of it, or with these fields.
PERSONS = {"get", "image-forget", "rm", "rename", "approve", "backup", "export", "retire", "slot-add", "slot-rm",
           "slot-replace", "rekey", "set"}


def wants_person(op, fields):
    return op in PERSONS or (op in ("put", "restore") and fields.get("replace") is True)


class Person:
    """A person's slot and its key, as they are after the requests that were seen."""

    def __init__(self, slot, key):
        self.slot, self.key = slot, key

    def follow(self, client, op, fields, reply):
        """What that request, which succeeded, has changed."""
        if op in ("unlock", "restore"):
            kinds = {s["id"]: s["kind"] for s in client.raw(request("slots"))["slots"]}
            if kinds[fields["slot"]] in ("passphrase", "recovery"):
                self.slot, self.key = fields["slot"], fields["key"]
        elif op == "init":
            self.slot, self.key = 1, fields["key"]
        elif op == "slot-replace" and fields["id"] == self.slot:
            self.slot, self.key = reply["id"], fields["key"]
        elif op == "rekey":
            keys = {int.from_bytes(fields["keys"][at:at + 4], "little"): fields["keys"][at + 4:at + 36]
                    for at in range(0, len(fields["keys"]), 36)}
            self.key = keys.get(self.slot, self.key)


class Client:
    """person: whose slot ask, and what is made of it, give before a request that wants
    one; None: nobody's."""

    def __init__(self, path, timeout=8, person=None):
        self.person = person
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Blocking, else a full backlog is an error; with a limit all the same.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", timeout, 0))
        self.sock.connect(str(path))
        self.sock.settimeout(timeout)
        self.fds = []      # that came beside the last answer; the caller's to close
        self.sender = None # pid that sent it
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, packet, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self.sock.sendmsg([packet], rights)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed(str(e)) from e

    def recv(self):
        """One packet; Closed at the end of the connection."""
        try:
            data, beside, flags, _ = self.sock.recvmsg(
                PACKET_MAX + 1, socket.CMSG_SPACE(CRED.size) + socket.CMSG_SPACE(16))
        except ConnectionResetError as e:
            raise Closed(str(e)) from e
        assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC), flags
        self.fds = []
        for level, kind, value in beside:
            if kind == socket.SCM_RIGHTS:
                got = array.array("i")
                got.frombytes(value)
                self.fds.extend(got)
            elif kind == socket.SCM_CREDENTIALS:
                self.sender = CRED.unpack(value)[0]
        if not data:
            raise Closed("end of the connection")
        return data

    def raw(self, packet, fds=()):
        """Send these bytes; the answer, unpacked."""
        self.send(packet, fds)
        return unpack(self.recv())

    def ask(self, op, **fields):
        if self.person and wants_person(op, fields):
            self.prove(self.person.slot, self.person.key)
        reply = self.raw(request(op, **fields))
        if self.person and reply["ok"] and op in ("init", "unlock", "restore", "slot-replace", "rekey"):
            fds, sender = self.fds, self.sender
            self.person.follow(self, op, fields, reply)
            self.fds, self.sender = fds, sender
        return reply

    def prove(self, slot, key):
        """The answer to `person`; what comes next says if it was a refusal."""
        return self.raw(request("person", slot=slot, key=key))

    def call(self, op, **fields):
        reply = self.ask(op, **fields)
        if not reply["ok"]:
            raise Refused(reply["error"], reply["message"], reply["hint"])
        return reply

    def error(self, op, **fields):
        """The error's name; an answer that is none fails the test."""
        reply = self.ask(op, **fields)
        assert not reply["ok"], reply
        return reply["error"]

    def closed(self):
        """Has the broker ended this connection (within the timeout)?"""
        try:
            self.recv()
        except Closed:
            return True
        except TimeoutError:
            pass
        return False

    # a vault's file on its way

    def fetch(self, op, **fields):
        """The file that `backup` or `export` makes, part by part."""
        size, data = self.call(op, **fields)["size"], b""
        while len(data) < size:
            part = self.call("part", at=len(data))
            assert part["size"] == size and part["part"]
            data += part["part"]
        assert len(data) == size and self.call("part", at=size)["part"] == b""
        return data

    def send_file(self, data, part=PART):
        for at in range(0, len(data), part):
            sent = data[at:at + part]
            assert self.call("stage", at=at, part=sent)["size"] == at + len(sent)

    # the life of a session

    def open(self, entry="zai", **changes):
        return self.call("open", **open_fields(entry, **changes))

    def arrived(self):
        self.send(fixed(ARRIVED))
        return read_fixed(self.recv())

    def again(self):
        self.send(fixed(AGAIN))
        return read_fixed(self.recv())

    def claim(self, kind=socket.SOCK_SEQPACKET):
        """Claim on a fresh pair; {variable: value} or Refused."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with mine, theirs:
            self.send(fixed(CLAIM), [theirs.fileno()])
            theirs.close()
            # Where the channel is no good the answer comes on the connection.
            # (The channel's other end is closed by then, or will be.)
            ready = select.select([mine, self.sock], [], [], 8)[0]
            if not ready:
                raise TimeoutError("no answer to a claim")
            packet = mine.recv(PACKET_MAX + 1) if mine in ready else b""
            packet = packet or self.recv()
            if packet.startswith(MAGIC):
                return dict(read_fixed(packet))
            reply = unpack(packet)
            raise Refused(reply["error"], reply["message"], reply["hint"])


def open_fields(entry="zai", **changes):
    """The fields of `open` for one entry; origin and variable are the entry's."""
    item = {"name": entry, "variable": changes.pop("variable", VARIABLE),
            "origin": changes.pop("origin", ORIGIN)}
    return {"provider": entry, "mode": "", "delivery": "preload", "strict": False,
            "entries": [item], **changes}


def prices_word(prices):
    """What a policy has of the prices of an `open`, with a blank before it."""
    lines = sorted(" ".join([p["model"], *(f"{k}={p[k]}" for k in ("input", "output", "cache_write", "cache_read") if k in p)])
                   for p in prices)
    text = "".join(line + "\n" for line in lines).encode()
    return " prices=" + hashlib.blake2b(text, digest_size=32).hexdigest()[:32] if lines else ""


# ---- what a process must be --------------------------------------------

def mark(confined=True):
    """Lower the hard RLIMIT_LOCKS of this process, for ever; and confine it, as ccrun does."""
    if confined:
        confine()
    limit = (ctypes.c_ulong * 2)(4096, 4096)
    if libc.setrlimit(RLIMIT_LOCKS, limit) != 0:
        raise OSError(ctypes.get_errno(), "setrlimit")


def confine(privileges=False, filtered=True):
    """No new privileges, and a seccomp filter: all that the kernel tells others about it.  This
    filter refuses nothing.  privileges: keep them, which the kernel allows root alone."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000))  # return ALLOW
    fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 1, ctypes.addressof(program)))
    if not privileges and libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            filtered and libc.prctl(PR_SET_SECCOMP, 2, fprog, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def undumpable():
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class Child:
    """function(*args) running in a forked process."""

    def __init__(self, function, *args):
        self.pipe, w = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(w)
            return
        try:
            os.close(self.pipe)
            try:
                data = pickle.dumps((function(*args), None))
            except (Refused, Closed, OSError) as e:
                data = pickle.dumps((None, e))
            except BaseException as e:  # pylint: disable=broad-except
                data = pickle.dumps((None, AssertionError(f"{type(e).__name__}: {e}")))
            while data:
                data = data[os.write(w, data):]
        finally:
            os._exit(0)

    def result(self, timeout=15):
        """What the function returned; what it raised is raised here."""
        data, more, deadline = b"", b"?", time.monotonic() + timeout
        try:
            while more:
                left = max(0, deadline - time.monotonic())
                if not select.select([self.pipe], [], [], left)[0]:
                    raise TimeoutError(f"a child did not end within {timeout} s")
                more = os.read(self.pipe, 65536)
                data += more
        finally:
            os.close(self.pipe)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        value, error = pickle.loads(data)
        if error:
            raise error
        return value


def in_child(function, *args, timeout=15):
    return Child(function, *args).result(timeout)


def launch(broker, *steps, entry="zai", **changes):
    """A session in this process (which it leaves marked and undumpable: use it
    in a child), step by step; what the last step gives."""
    with broker.connect() as c:
        c.open(entry, **changes)
        do = {"mark": mark, "mark alone": lambda: mark(False), "confine": confine,
              "no privileges": lambda: confine(filtered=False),
              "arrived": c.arrived, "hide": undumpable, "claim": c.claim,
              "again": c.again, "show": lambda: libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0),
              "pipe": lambda: c.call("pipe"), "lock": lambda: broker.call("lock"),
              "rm": lambda: broker.call("rm", name=entry),
              "traceme": lambda: libc.ptrace(0, 0, 0, 0),
              "other claims": lambda: in_child(c.claim),
              "stream": lambda: c.claim(socket.SOCK_STREAM),
              "dgram": lambda: c.claim(socket.SOCK_DGRAM)}
        result = None
        for step in steps:
            result = step() if callable(step) else do[step]()
        return result


# ---- a broker ----------------------------------------------------------

def slot(kind="passphrase", **changes):
    """A slot to be made; for a passphrase with the least costs that are allowed."""
    return {"kind": kind, "label": "", "alg": 2, "ops": 1, "mem": 8 << 20,
            "salt": b"0123456789abcdef", **changes}


class Broker:
    """A broker with directories of its own, run in the foreground.  where: use
    these again; setup: called in the new process before it becomes the broker."""
    program = BROKER

    def __init__(self, where=None, setup=None):
        self.mine = where is None
        # Short: the socket must fit into sun_path.
        self.root = Path(where or tempfile.mkdtemp(prefix="ccp-"))
        self.env = {"HOME": str(self.root / "home"), "XDG_RUNTIME_DIR": str(self.root / "run"),
                    "XDG_DATA_HOME": str(self.root / "data"),
                    "XDG_STATE_HOME": str(self.root / "state"), "PATH": "/usr/bin:/bin"}
        for d in ("home", "run", "data", "state"):
            (self.root / d).mkdir(mode=0o700, exist_ok=True)
        self.socket = self.root / "run/ccrun/broker.sock"
        self.data = self.root / "data/ccrun"
        self.vault = self.data / "vault"
        self.record = self.root / "state/ccrun/record.jsonl"
        self.key = hashlib.blake2b(b"a wrapping key", digest_size=32).digest()
        self.person = Person(1, self.key)  # who asks on every connection; None: nobody does
        self.setup = setup
        self.process = None
        self.stderr = ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop(check=False)
        if self.mine:
            shutil.rmtree(self.root, ignore_errors=True)

    def popen(self, *args, **kw):
        return subprocess.Popen([str(self.program), *args], env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, preexec_fn=self.setup, text=True,
                                **{"stderr": subprocess.PIPE, **kw})

    def start(self):
        self.process = self.popen("--foreground")
        deadline = time.monotonic() + 10
        while not self.serving():
            if self.process.poll() is not None:
                raise RuntimeError("ccbroker: " + self.process.stderr.read())
            if time.monotonic() > deadline:
                raise TimeoutError("the broker does not listen")
            time.sleep(0.01)

    def serving(self):
        """Does it answer?  (The socket of a dead one may lie there.)"""
        try:
            self.call("hello")
        except (OSError, Closed, Refused):
            return False
        return True

    def fails(self):
        """Start one that must not come up: its exit code and what it said."""
        process = self.popen("--foreground")
        try:
            err = process.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            process.terminate()
            process.communicate()
            raise AssertionError("the broker came up") from None
        return process.returncode, err

    @property
    def pid(self):
        """Of the serving process, which is the child of the one we started."""
        with self.connect() as c:
            return c.call("status")["pid"]

    def stop(self, how=signal.SIGTERM, check=True):
        """End it; its exit status."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(how)
        try:
            self.stderr = process.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        assert not check or process.returncode == 0, (process.returncode, self.stderr)
        return process.returncode

    def connect(self, **kw):
        return Client(self.socket, **{"person": self.person, **kw})

    def call(self, op, **fields):
        with self.connect() as c:
            return c.call(op, **fields)

    def error(self, op, **fields):
        with self.connect() as c:
            return c.error(op, **fields)

    # what most tests begin with

    def init(self, **more):
        return self.call("init", slot=[slot()], key=self.key, **more)

    def add_slot(self, key, kind="recovery", **more):
        """Its id."""
        fields = {"slot": [slot(kind, label="added")], "expect": self.call("slots")["next"], **more}
        return self.call("slot-add", key=key, **fields)["id"]

    def unlock(self):
        return self.call("unlock", slot=1, key=self.key)

    def put(self, name, token, policy=POLICY, origin=ORIGIN, variable=VARIABLE, replace=False):
        token = token if isinstance(token, bytes) else token.encode()
        return self.call("put", name=name, token=token, policy=policy, origin=origin,
                         variable=variable, replace=replace)

    def get(self, name):
        return self.call("get", name=name)["token"]

    def lines(self):
        """The record, its chain verified."""
        return read_record(self.record.read_bytes())


def read_record(data):
    """Every line as a dict; the chain of hashes and the numbers must hold."""
    before, found = "0" * 64, []
    assert data.endswith(b"\n") or not data
    for n, line in enumerate(data.splitlines(), 1):
        text, cut, rest = line.rpartition(b',"hash":"')
        assert cut and rest.endswith(b'"}'), line
        digest = hashlib.blake2b(before.encode() + text, digest_size=32).hexdigest()
        assert rest[:-2].decode() == digest, f"line {n} does not follow from the one before"
        event = json.loads(line)
        assert event["seq"] == n, line
        record_schema.check(event)
        before = digest
        found.append(event)
    return found
