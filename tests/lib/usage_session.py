"""A session that asks for quota numbers as a status line does:

    usage_session.py STATE FILE [ask]

ask: it first sends a request to its relay, as the client would.  It asks until they are
in STATE, writes the answer to FILE, and ends when
FILE.end is there."""
import json
import os
import socket
import sys
import time

import wire_client as wc

want, out = sys.argv[1:3]
if sys.argv[3:]:
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.environ["ANTHROPIC_UNIX_SOCKET"])
        s.sendall(b"GET /v1/models HTTP/1.1\r\nHost: ccrun.invalid\r\nConnection: close\r\n\r\n")
        while s.recv(65536):
            pass
with wc.Client(os.environ["XDG_RUNTIME_DIR"] + "/ccrun/broker.sock") as c:
    for _ in range(2000):
        answer = c.call("usage", name="demo")
        if answer["state"] == want:
            break
        time.sleep(0.02)
with open(out + ".new", "w") as f:
    json.dump(answer, f)
os.rename(out + ".new", out)
while not os.path.exists(out + ".end"):
    time.sleep(0.02)
