"""A process that stands in for the broker, for the status line:

    usage_broker.py SOCKET LOG

It knows hello and usage.  LOG gets a JSON line for everything that happens.
Lines on standard input say how usage is answered from then on: a JSON object
(the answer's fields), `never`, `refused ERROR` or `raw HEX` (these bytes);
`readable` makes this process one that others may look into, as no broker is."""
import json
import os
import sys

import msgpack
import wire_client as wc
from played_broker import listening

path, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
answer = '{"state": "none"}'


def note(event, **more):
    log.write(json.dumps({"event": event, **more}) + "\n")


def reply_to(request):
    """The answer's bytes, or None for silence."""
    if request["op"] == "hello":
        return wc.pack(v=1, ok=True, broker="user", version="0", state="unlocked", vault="/vault")
    if request["op"] != "usage" or answer.startswith("refused"):
        return wc.pack(v=1, ok=False, error=answer.partition(" ")[2] or "unknown-op", message="no", hint="none")
    if answer.startswith("raw"):
        return bytes.fromhex(answer[3:])
    return None if answer == "never" else wc.pack(v=1, ok=True, **json.loads(answer))


def serve(peer):
    while packet := peer.recv(wc.PACKET_MAX):
        request = msgpack.unpackb(packet)
        note("request", **request)
        reply = reply_to(request)
        if reply is not None:
            peer.send(reply)


with listening(path, serve):
    note("serving")
    for line in sys.stdin:
        line = line.strip()
        if line == "readable":
            wc.libc.prctl(wc.PR_SET_DUMPABLE, 1, 0, 0, 0)
        else:
            answer = line
        note("told")
os._exit(0)
