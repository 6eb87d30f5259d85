"""A loopback server that plays a vendor's quota endpoint.

    with QuotaServer() as server:
        server.answer(200, {...})          # the next request's answer
        server.requests[0].headers["authorization"]
"""
import json
import queue
import socket
import ssl
import threading
import time
from dataclasses import dataclass


@dataclass
class Request:
    line: str
    headers: dict
    raw: bytes


class QuotaServer:
    """Plain sockets: what is to be played includes what no HTTP server would say.
    context: an ssl.SSLContext."""

    def __init__(self, host="127.0.0.1", port=0, context=None):
        self.context, self.requests, self.connections = context, [], 0
        self.scripts = queue.Queue()
        self.failures = []   # handshakes that failed
        self.closing = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family)
        self.port = self.socket.getsockname()[1]
        scheme = "https" if context else "http"
        self.url = f"{scheme}://{'[' + host + ']' if ':' in host else host}:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closing.set()
        # shutdown wakes accept, close alone does not.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    # ---- the script ----

    def play(self, script):
        """script(connection): what follows one request."""
        self.scripts.put(script)

    def raw(self, data, hold=None):
        """Exactly these bytes; hold (an Event): then wait for it before closing."""
        def script(c):
            c.sendall(data)
            if hold:
                while not hold.is_set() and not self.closing.is_set():
                    time.sleep(0.02)
        self.play(script)

    def answer(self, status, body=b"", headers=(), hold=None):
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        head = [f"HTTP/1.1 {status} Whatever", "Content-Type: application/json", f"Content-Length: {len(body)}",
                *(f"{k}: {v}" for k, v in headers)]
        self.raw(("\r\n".join(head) + "\r\n\r\n").encode() + body, hold)

    # ---- connections ----

    def accept(self):
        while not self.closing.is_set():
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        c.settimeout(30)
        try:
            if self.context:
                c = self.context.wrap_socket(c, server_side=True)
            data = b""
            while b"\r\n\r\n" not in data:
                got = c.recv(65536)
                if not got:
                    return
                data += got
            lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
            self.requests.append(Request(lines[0], headers, data))
            self.scripts.get(timeout=30)(c)
        except ssl.SSLError as e:
            self.failures.append(str(e))
        except (OSError, queue.Empty):
            pass
        finally:
            c.close()
