#!/usr/bin/python3
"""A loopback endpoint that speaks the Messages API, Bedrock and Vertex well
enough for the real client.  It answers from a script and keeps what it saw.

    with Endpoint([Bash("env"), Text("done")]) as ep:
        ...run the client with ANTHROPIC_BASE_URL=ep.url...
        ep.main[0].headers["authorization"], ep.tool_results()
"""
import argparse
import hashlib
import json
import os
import re
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from api_shapes import COUNTS, MODELS, PROFILES, ROUTES, events, eventstream, message, sse

PAUSE_AFTER = 3      # events: the beginning and a piece of the text
MAX_BODY = 64 << 20  # a long conversation with images stays far below
CREDENTIAL_HEADERS = ("authorization", "x-api-key", "api-key", "proxy-authorization")


# ---- what a script is made of ------------------------------------------

@dataclass
class Text:
    """The model says this and ends its turn.  hold: wait for it to be set; pause: the same
    in mid-stream, when some of the answer has been sent."""
    text: str
    hold: threading.Event = None
    pause: threading.Event = None

    def blocks(self):
        return [{"type": "text", "text": self.text}], "end_turn"


@dataclass
class Tool:
    """The model asks for a tool."""
    name: str
    input: dict
    hold: threading.Event = None

    def blocks(self):
        use = {"type": "tool_use", "id": "toolu_" + os.urandom(12).hex(),
               "name": self.name, "input": self.input}
        return [use], "tool_use"


def Bash(command, hold=None, **more):
    """The model asks for the Bash tool; more: timeout, run_in_background, ..."""
    return Tool("Bash", {"command": command, "description": "scripted", **more}, hold)


@dataclass
class Error:
    """An HTTP error.  The client retries 408, 409, 429 and 5xx."""
    status: int
    kind: str = "api_error"
    message: str = "scripted error"
    headers: dict = field(default_factory=dict)
    hold: threading.Event = None


@dataclass
class Own:
    """The test answers by itself: a function of the Handler and of the frames that the
    text would be streamed as."""
    answer: callable
    text: str = ""
    hold: threading.Event = None

    blocks = Text.blocks


# ---- what was seen -----------------------------------------------------

@dataclass
class Request:
    method: str
    path: str           # as sent, with the query
    headers: dict       # names in lower case
    body: bytes
    time: float         # time.monotonic()
    kind: str = "other"  # main, side, count, models, profiles, head, proxy, other

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def tool_results(self):
        """The tool results in the last message, as texts."""
        found = []
        messages = (self.json or {}).get("messages") or [{}]
        content = messages[-1].get("content")
        for block in content if isinstance(content, list) else []:
            if block.get("type") == "tool_result":
                found.append(flatten(block.get("content")))
        return found

    def record(self, mask):
        headers = dict(self.headers)
        for name in CREDENTIAL_HEADERS if mask else ():
            if name in headers:
                digest = hashlib.sha256(headers[name].encode()).hexdigest()
                headers[name] = "sha256:" + digest
        return {"method": self.method, "path": self.path, "kind": self.kind,
                "headers": headers, "time": self.time,
                "body": self.body.decode("utf-8", "replace")}


def flatten(content):
    """The text of a content value, which is a string or a list of blocks."""
    if isinstance(content, list):
        return "".join(b.get("text", "") for b in content if isinstance(b, dict))
    return content or ""


# ---- the server -------------------------------------------------------

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    # One segment a write: a stream is many small ones.
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def read_body(self):
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return body
                if len(body) > MAX_BODY:
                    raise ValueError("request body too large")
        size = int(self.headers.get("content-length") or 0)
        if not 0 <= size <= MAX_BODY:
            raise ValueError("request body too large")
        return self.rfile.read(size)

    def answer(self, status, value, headers=()):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("request-id", "req_" + os.urandom(8).hex())
        for name, text in dict(headers).items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def stream(self, kind, frames):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.send_header("request-id", "req_" + os.urandom(8).hex())
        self.end_headers()
        for frame in frames:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(frame), frame))
        self.wfile.write(b"0\r\n\r\n")

    def paused(self, frames, turn):
        for i, frame in enumerate(frames):
            if i == PAUSE_AFTER and getattr(turn, "pause", None):
                self.server.owner.paused.set()
                turn.pause.wait(self.timeout)
            yield frame

    def fail(self, status, kind, text, headers=()):
        self.answer(status, {"type": "error", "error": {"type": kind, "message": text}}, headers)

    def handle_any(self):
        try:
            body = self.read_body()
        except ValueError as e:
            self.close_connection = True
            return self.fail(400, "invalid_request_error", str(e))
        headers = {k.lower(): v for k, v in self.headers.items()}
        request = Request(self.command, self.path, headers, body, time.monotonic())
        try:
            self.route(request)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = handle_any
    do_CONNECT = handle_any

    def route(self, request):
        owner = self.server.owner
        path = urllib.parse.urlsplit(request.path).path
        # As a proxy it only shows who wanted to go where.
        if self.command == "CONNECT" or "://" in request.path.split("?")[0]:
            self.close_connection = True
            owner.note(request, "proxy")
            return self.fail(403, "permission_error", "this endpoint is no proxy")
        if self.command == "HEAD":
            owner.note(request, "head")
            return self.answer(200, None)
        if self.command == "GET" and re.search(r"/v1/models(/[^/]+)?$", path):
            owner.note(request, "models")
            return self.answer(200, MODELS)
        if self.command == "GET" and path.endswith("/inference-profiles"):
            owner.note(request, "profiles")
            return self.answer(200, PROFILES)
        if self.command == "POST" and COUNTS.search(path):
            owner.note(request, "count")
            return self.answer(200, {"input_tokens": 10, "inputTokens": 10})
        for pattern, form in ROUTES if self.command == "POST" else ():
            found = pattern.search(path)
            if found:
                named = urllib.parse.unquote(found.group(1)) if found.groups() else None
                return self.converse(request, form, named)
        owner.note(request, "other")
        return self.fail(404, "not_found_error", "no such path")

    def converse(self, request, form, named):
        asked = request.json
        if not isinstance(asked, dict) or not isinstance(asked.get("messages"), list):
            self.server.owner.note(request, "other")
            return self.fail(400, "invalid_request_error", "messages: field required")
        turn = self.server.owner.turn(request, asked)
        if turn.hold is not None:
            turn.hold.wait(self.timeout)
        if isinstance(turn, Error):
            return self.fail(turn.status, turn.kind, turn.message, turn.headers)
        whole = message(named or asked.get("model", "unknown"), *turn.blocks())
        if isinstance(turn, Own):
            return turn.answer(self, [sse(e) for e in events(whole)])
        if form == "messages":
            form = "sse" if asked.get("stream") else "whole"
        if form == "sse":
            return self.stream("text/event-stream", self.paused(map(sse, events(whole)), turn))
        if form == "eventstream":
            return self.stream("application/vnd.amazon.eventstream",
                               map(eventstream, events(whole)))
        return self.answer(200, whole)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_activate(self):
        super().server_activate()
        # A client that is reset between select() and accept() leaves nothing to accept, and
        # shutdown() would wait for that for ever.
        self.socket.settimeout(1)

    def handle_error(self, request, client_address):
        # A client that hangs up in mid-request is no event for a test's output.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class Endpoint:
    """script: turns for the main conversation, in order, or a function from
    Request to turn; after the last one comes `default`.  Requests without the
    Bash tool (titles, topics, quota probes) never use up the script."""

    def __init__(self, script=(), default=None, log=None, mask=False, port=0):
        self.script = script if callable(script) else list(script)
        self.default = default or Text("done")
        self.requests = []
        self.mask = mask
        self.changed = threading.Condition()
        self.paused = threading.Event()  # a turn with `pause` is in its middle
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.owner = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = None
        if log:
            fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self.log = os.fdopen(fd, "w")
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def note(self, request, kind):
        request.kind = kind
        with self.changed:
            self.requests.append(request)
            if self.log:
                self.log.write(json.dumps(request.record(self.mask)) + "\n")
                self.log.flush()
            self.changed.notify_all()

    def turn(self, request, asked):
        """Note a Messages request and choose its answer."""
        tools = {t.get("name") for t in asked.get("tools") or () if isinstance(t, dict)}
        if "Bash" not in tools:
            self.note(request, "side")
            # Valid for whoever wants JSON (titles) and for whoever wants any text.
            return Text('{"title": "a test", "isNewTopic": false}')
        with self.changed:
            self.note(request, "main")
            if callable(self.script):
                return self.script(request) or self.default
            return self.script.pop(0) if self.script else self.default

    def of(self, kind):
        with self.changed:
            return [r for r in self.requests if r.kind == kind]

    @property
    def main(self):
        return self.of("main")

    def tool_results(self):
        """What the tools answered, over the whole conversation, in order."""
        return [text for r in self.main for text in r.tool_results()]

    def sent(self, name):
        """Every different value of one header, over all requests."""
        with self.changed:
            return {r.headers[name] for r in self.requests if name in r.headers}

    def saw(self, text):
        """The requests that hold text in path, a header or the body."""
        raw = text.encode()
        with self.changed:
            return [r for r in self.requests if text in r.path or raw in r.body
                    or any(text in v for v in r.headers.values())]

    def wait(self, n=1, kind="main", timeout=60):
        """Wait until n requests of a kind have come; returns them."""
        with self.changed:
            def enough():
                return sum(r.kind == kind for r in self.requests) >= n
            if not self.changed.wait_for(enough, timeout):
                seen = [(r.kind, r.method, r.path) for r in self.requests]
                raise TimeoutError(f"no {n} {kind} requests in {timeout} s: {seen}")
        return self.of(kind)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
        if self.log:
            self.log.close()
            self.log = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def main():
    ap = argparse.ArgumentParser(description="a loopback endpoint for the real client")
    ap.add_argument("--port-file", required=True, help="the port is written here when it listens")
    ap.add_argument("--port", type=int, default=0, help="listen on this one")
    ap.add_argument("--log", help="every request as a JSON line (0600)")
    ap.add_argument("--mask", action="store_true", help="log credentials as SHA-256 only")
    ap.add_argument("--bash", action="append", default=[], metavar="CMD",
                    help="first ask for the Bash tool with CMD (repeatable)")
    ap.add_argument("--text", default="hello from the loopback endpoint")
    ap.add_argument("--max-seconds", type=float, default=600)
    args = ap.parse_args()
    parent, deadline = os.getppid(), time.monotonic() + args.max_seconds
    say = Text(args.text)
    with Endpoint([Bash(c) for c in args.bash] + [say], say, args.log, args.mask, args.port) as ep:
        part = args.port_file + ".part"
        with open(part, "w") as f:
            f.write(f"{ep.port}\n")
        os.rename(part, args.port_file)
        while time.monotonic() < deadline and os.getppid() == parent:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
