"""A process that stands in for the broker, for ccrun-logind:

    watch_broker.py SOCKET LOG

It knows hello, watch (one watcher at a time) and lock.  LOG gets a JSON line
for everything that happens, with CLOCK_MONOTONIC.  Lines on standard input say
how a lock is answered from then on: `answer SECONDS` (after so long), `answer
never`, `answer refused`; `child` makes it have one; its end, or `end`, ends the
process."""
import json
import os
import subprocess
import sys
import threading
import time

import msgpack
import wire_client as wc
from played_broker import listening, packets, refusal, send

path, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
answer, watcher, guard = "0", None, threading.Lock()


def note(event, **more):
    log.write(json.dumps({"t": time.monotonic(), "event": event, **more}) + "\n")


def reply_to(peer, request):
    """The answer, or None for silence."""
    global watcher
    if request["op"] == "watch":
        with guard:
            if request.get("kind") != "logind" or watcher not in (None, peer):
                return refusal("exists")
            watcher = peer
            return {"ok": True}
    if request["op"] == "lock":
        if answer == "never":
            return None
        if answer == "refused":
            return refusal("system")
        time.sleep(float(answer))
        return {"ok": True, "locked": True}
    return {"ok": True, "broker": "user", "version": "0", "state": "unlocked", "vault": "/vault"}


def serve(peer):
    global watcher
    for packet in packets(peer):
        request = msgpack.unpackb(packet)
        note("request", op=request["op"], why=request.get("why"), fields=sorted(request))
        reply = reply_to(peer, request)
        if reply is not None:
            # Noted before it is sent: what the other side does then is later.
            note("answer", op=request["op"], ok=reply["ok"])
            send(peer, wc.pack(v=1, **reply))
    note("gone")
    with guard:
        watcher = None if watcher is peer else watcher


with listening(path, serve):
    note("serving")
    for line in sys.stdin:
        word = line.split()
        if word[0] == "end":
            break
        if word[0] == "child":
            note("child", number=subprocess.Popen(["sleep", "600"]).pid)
            continue
        answer = word[1]
        note("told", answer=answer)
os._exit(0)
