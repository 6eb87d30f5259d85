"""ccrun-relay with everything around it played by the test: the broker at descriptor 3,
the provider, and the session, which is the test's own process.

    with Provider() as provider, Relay(provider.url) as relay:
        relay.post("/v1/messages", b"{}").status
        provider.requests[0].headers["authorization"]
        relay.wait("use")

A Provider answers each request with `answer`, bytes as they go over the connection, or
calls it with the connection and the request.
"""
import fcntl
import http.client
import json
import os
import select
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import msgpack

from built import BUILD
from api_shapes import events, message, sse

PROGRAM = BUILD / "libexec/ccrun/ccrun-relay"

TOKEN = "sk-relay-0123456789-abcdefghijklmnop-zyxwv"
PATIENCE = 30
CRED = struct.Struct("3i")

MESSAGE = message("claude-test-1", [{"type": "text", "text": "hello"}], "end_turn")


# ---- bytes of answers --------------------------------------------------

def answer(body=b"", status=200, headers=(), kind="application/json"):
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {kind}", f"Content-Length: {len(body)}",
             *(f"{k}: {v}" for k, v in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b"0\r\n\r\n"


STREAM_HEAD = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n")
STREAM = [sse(e) for e in events(MESSAGE)]


def stream(frames=STREAM):
    return STREAM_HEAD + b"".join(map(chunk, frames)) + chunk(b"")


# ---- the provider ------------------------------------------------------

@dataclass
class Request:
    line: str
    headers: dict  # names in lower case
    names: list    # as they came
    body: bytes


class Ended(Exception):
    """The other side has hung up."""


class Wire:
    """A connection with a buffer before it."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""

    def more(self):
        got = self.sock.recv(1 << 16)
        if not got:
            raise Ended
        self.data += got

    def until(self, end):
        while end not in self.data:
            self.more()
        head, self.data = self.data.split(end, 1)
        return head

    def exactly(self, n):
        parts = [self.data]
        have = len(self.data)
        while have < n:
            got = self.sock.recv(1 << 18)
            if not got:
                raise Ended
            parts.append(got)
            have += len(got)
        whole = b"".join(parts)
        self.data = whole[n:]
        return whole[:n]

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        names = [line.split(": ", 1)[0] for line in lines[1:]]
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        return Request(lines[0], headers, names, b"")

    def body(self, headers):
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size = int(self.until(b"\r\n"), 16)
                body += self.exactly(size)
                assert self.exactly(2) == b"\r\n"
                if size == 0:
                    return body
        return self.exactly(int(headers.get("content-length") or 0))


class Provider:
    """answer: bytes, or function(wire, request) that sends; `begin`, if set, is called
    with a wire in place of reading a request."""

    def __init__(self, reply=None, begin=None, tls=None, host="127.0.0.1", path=""):
        self.reply = reply if reply is not None else answer(MESSAGE)
        self.begin = begin
        self.tls = tls
        self.requests = []
        self.connections = 0
        self.trouble = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family, backlog=128)
        self.port = self.listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{name}:{self.port}{path}"
        self.accepting = threading.Thread(target=self.accept, daemon=True)
        self.accepting.start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            wire = Wire(sock)
            while True:
                if self.begin:
                    self.begin(wire)
                    continue
                request = wire.head()
                request.body = wire.body(request.headers)
                self.requests.append(request)
                if callable(self.reply):
                    self.reply(wire, request)
                else:
                    sock.sendall(self.reply)
        except (Ended, OSError, ValueError) as e:
            self.trouble.append(e)
        finally:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Nobody listens there any more."""
        # First the thread, which might else accept at whatever has the descriptor's number next.
        if self.accepting.is_alive():
            self.listener.shutdown(socket.SHUT_RDWR)
            self.accepting.join(PATIENCE)
        self.listener.close()


class Proxy(Provider):
    """Carries CONNECT to where it is asked to go, or to `to`; wants `credentials` (as base64), if given."""

    def __init__(self, credentials=None, to=None, **more):
        super().__init__(begin=self.tunnel, **more)
        self.credentials = credentials
        self.to = to

    def tunnel(self, wire):
        request = wire.head()
        self.requests.append(request)
        if self.credentials and request.headers.get("proxy-authorization") != "Basic " + self.credentials:
            wire.sock.sendall(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")
            raise Ended
        host, port = request.line.split()[1].rsplit(":", 1)
        far = socket.create_connection(self.to or (host, int(port)))
        wire.sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        threading.Thread(target=self.carry, args=(far, wire.sock), daemon=True).start()
        self.carry(wire.sock, far)
        raise Ended

    @staticmethod
    def carry(one, other):
        try:
            while data := one.recv(1 << 16):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# ---- certificates ------------------------------------------------------

CA_CONF = """[ca]
default_ca = it
[it]
database = {0}/index
serial = {0}/serial
new_certs_dir = {0}
default_md = sha256
policy = any
[any]
commonName = supplied
[names]
subjectAltName = {1}
"""


def certificate(directory, name="IP:127.0.0.1", dates=("20200101000000Z", "20990101000000Z")):
    """A self-signed certificate, which is its own authority, and its key."""
    directory = Path(tempfile.mkdtemp(dir=directory))
    crt, key, request, conf = (directory / n for n in ("it.crt", "it.key", "it.csr", "it.conf"))
    conf.write_text(CA_CONF.format(directory, name))
    (directory / "index").write_text("")
    (directory / "serial").write_text("01")

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test",
            "-keyout", key, "-out", request)
    openssl("ca", "-selfsign", "-batch", "-notext", "-config", conf, "-keyfile", key, "-in", request, "-out", crt,
            "-startdate", dates[0], "-enddate", dates[1], "-extensions", "names")
    return crt, key


EXPIRED = ("20200101000000Z", "20200102000000Z")


def server_context(crt, key, client=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client)
    return context


# ---- the relay ---------------------------------------------------------

def memfd(data, seal=True):
    fd = os.memfd_create("file", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if seal:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return fd


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("ccrun.invalid", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class Relay:
    """values: what the broker answers to `value`, in turn and the last one for ever: the
    tokens, or the fields of `no-value`, or None for no answer.  renewed: the same for
    `renew`; without it nobody can fetch the key anew."""

    def __init__(self, url, values=((TOKEN,),), auth="bearer", entries=("",), added=(), proxy="", no_proxy="",
                 files=(), pid=None, broker=None, limited=False, env=None, reserve=None, renewed=(), program=PROGRAM):
        self.values = list(values)
        self.renewed = list(renewed)
        self.limited = limited
        self.reserve = reserve  # message -> answer's fields, for `reserve`
        self.messages = []
        self.changed = threading.Condition()
        self.root = Path(tempfile.mkdtemp(prefix="relay-"))
        self.path = str(self.root / "s")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.listener.bind(self.path)
        self.listener.listen(128)
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.sender = None
        self.program = program
        self.process = self.spawn(theirs, env or {})
        theirs.close()
        pid = pid or os.getpid()
        self.give("file", kind="session", fd=os.pidfd_open(pid))
        if broker:
            self.give("file", kind="broker", fd=os.pidfd_open(broker))
        for kind, data in files:
            self.give("file", kind=kind, fd=memfd(data))
        renewable = {"renewable": True} if renewed else {}
        self.give("start", session="0" * 16, pid=pid, uid=os.getuid(), url=url, auth=auth, **renewable,
                  entries=[{"header": h} for h in entries], added=[{"name": n, "value": v} for n, v in added],
                  proxy=proxy, no_proxy=no_proxy, fd=os.dup(self.listener.fileno()))
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def spawn(self, channel, env):
        self.output, theirs = os.pipe()
        os.set_blocking(self.output, False)

        def place():
            os.dup2(channel.fileno(), 3)
        process = subprocess.Popen([self.program], env=env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                   pass_fds=(3,), preexec_fn=place)
        os.close(theirs)
        return process

    # ---- the broker ----

    def give(self, op, fd=-1, **fields):
        packet = msgpack.packb({"v": 1, "op": op, **fields}, use_bin_type=True)
        if fd >= 0:
            socket.send_fds(self.channel, [packet], [fd])
            os.close(fd)
        else:
            self.channel.send(packet)

    def give_value(self, tokens):
        for i, token in enumerate(tokens):
            self.give("value", index=i, count=len(tokens), limited=self.limited, token=token.encode())

    def answer_value(self, values):
        value = values.pop(0) if len(values) > 1 else values[0]
        if value is None:
            return
        if isinstance(value, dict):
            self.give("no-value", **value)
        else:
            self.give_value(value)

    def listen(self):
        while True:
            try:
                packet, beside, _, _ = self.channel.recvmsg(65536, socket.CMSG_SPACE(CRED.size))
            except OSError:
                return
            if not packet:
                with self.changed:
                    self.messages.append({"op": "end"})
                    self.changed.notify_all()
                return
            self.sender = CRED.unpack(beside[0][2])[0]
            m = msgpack.unpackb(packet)
            assert m.pop("v") == 1
            with self.changed:
                self.messages.append(m)
                self.changed.notify_all()
            if m["op"] in ("value", "renew"):
                self.answer_value(self.values if m["op"] == "value" else self.renewed)
            if m["op"] == "reserve" and self.reserve:
                self.give(**self.reserve(m))

    def of(self, op):
        with self.changed:
            return [m for m in self.messages if m["op"] == op]

    def wait(self, op, n=1):
        """The n-th message of that op."""
        with self.changed:
            def there():
                return sum(m["op"] == op for m in self.messages) >= n
            assert self.changed.wait_for(there, PATIENCE), (op, n, self.messages)
        return self.of(op)[n - 1]

    def wipe(self, why="locked", text="the vault was locked"):
        self.give("wipe", why=why, message=text)

    # ---- the session ----

    def connect(self):
        return UnixConnection(self.path)

    def post(self, path="/v1/messages", body=b'{"model":"claude-asked-1"}', headers=(), connection=None):
        c = connection or self.connect()
        c.request("POST", path, body, {"Content-Type": "application/json", "Authorization": "Bearer placeholder",
                                       **dict(headers)}, encode_chunked=not isinstance(body, bytes))
        return self.finish(c, c.getresponse(), connection)

    def get(self, path="/v1/models", connection=None):
        c = connection or self.connect()
        c.request("GET", path)
        return self.finish(c, c.getresponse(), connection)

    @staticmethod
    def finish(c, response, keep):
        response.data = response.read()
        if not keep:
            c.close()
        return response

    def raw(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE)
        s.connect(self.path)
        return s

    def exchange(self, data):
        """data as it is; what comes until the end of the connection."""
        with self.raw() as s:
            s.sendall(data)
            return read_to_end(s)

    # ---- the process ----

    def pid(self):
        """The process that relays, once it has said something."""
        until(lambda: self.sender, "nothing was said")
        return self.sender

    def said(self):
        """What it wrote to its standard streams since this was asked last."""
        try:
            return os.read(self.output, 65536)
        except BlockingIOError:
            return b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()
        self.channel.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.channel.close()
        self.process.wait(PATIENCE)
        said = self.said()
        os.close(self.output)
        shutil.rmtree(self.root, ignore_errors=True)
        if exc[0] is None:
            assert said == b"", said


def read_to_end(s):
    data = b""
    while True:
        try:
            got = s.recv(1 << 16)
        except ConnectionResetError:
            return data
        if not got:
            return data
        data += got


def readable(s, seconds):
    return bool(select.select([s], [], [], seconds)[0])


def until(condition, what="", seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)
