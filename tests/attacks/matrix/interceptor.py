"""A proxy of the attacker's, with a certificate that the attacker's authority stands for: who
believes in that is read.  interceptor.py CRT KEY SAYS INTO; SAYS gets its port."""
import socket
import ssl
import sys
import threading
from pathlib import Path

crt, key, says, into = map(Path, sys.argv[1:])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(crt, key)
listener = socket.create_server(("127.0.0.1", 0))


def until_blank(c):
    data = b""
    while b"\r\n\r\n" not in data and (part := c.recv(65536)):
        data += part
    return data


def serve(c):
    try:
        with c:
            data = until_blank(c)
            if data.startswith(b"CONNECT"):
                c.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
                with context.wrap_socket(c, server_side=True) as inner:
                    data = until_blank(inner)
                    inner.sendall(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            with into.open("ab") as f:
                f.write(data)
    except OSError as e:
        with into.open("a") as f:
            f.write(f"{e}\n")


says.with_suffix(".tmp").write_text(str(listener.getsockname()[1]))
says.with_suffix(".tmp").rename(says)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
