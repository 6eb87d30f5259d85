"""A machine of its own for one test, in fresh mount and network namespaces
(unshare --mount --net tls_machine.py PLAN, as root): its names are PLAN's hosts, it
trusts PLAN's certificate, a TLS server on 127.0.0.1:443 gives PLAN's answer, and
PLAN's command runs on it.  LOG gets a JSON line for each request.  Ends when
standard input does."""
import fcntl
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
from pathlib import Path

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

plan = json.loads(sys.argv[1])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    flags = struct.unpack("16xH", fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))[:18])[0]
    fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
for mine, theirs in ((plan["crt"], BUNDLE), (plan["hosts"], "/etc/hosts")):
    subprocess.run(["mount", "--bind", mine, theirs], check=True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(plan["crt"], plan["key"])
log = open(plan["log"], "a", buffering=1)
listener = socket.create_server(("127.0.0.1", 443))


def serve():
    while True:
        c, _ = listener.accept()
        try:
            c = context.wrap_socket(c, server_side=True)
            data = b""
            while b"\r\n\r\n" not in data:
                data += c.recv(65536)
            lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
            log.write(json.dumps({"line": lines[0], "headers": headers, "tls": c.version()}) + "\n")
            body = plan["body"].encode()
            more = "".join(f"{k}: {v}\r\n" for k, v in plan["headers"])
            c.sendall(f"HTTP/1.1 {plan['status']} X\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        except OSError:
            pass
        finally:
            c.close()


threading.Thread(target=serve, daemon=True).start()
command = subprocess.Popen(plan["argv"], env=plan["env"], pass_fds=plan["fds"], stdin=subprocess.DEVNULL)
sys.stdin.read()
command.kill()
command.wait()
