"""A session that asks for quota numbers as a status line does:

    usage_session.py STATE FILE

It asks until they are in STATE, writes the answer to FILE, and ends when
FILE.end is there."""
import json
import os
import sys
import time

import wire_client as wc

want, out = sys.argv[1:]
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
