"""A process that stands in for the broker, for ccrun-usage:

    quota_broker.py SOCKET LOG

It knows hello, usage-next and usage-put.  LOG gets a JSON line for everything
that happens, but for keys.  Lines of JSON on standard input are the answers to
a usage-next each, in order, whether they come before it or after
({"origin": ..., "token": ...}, {"own": true}, {"refuse": NAME}, {"raw": {...}}),
or {"puts": NAME} (how a usage-put is refused from then on).  Its end, or {"end": true}, ends
the process."""
import json
import os
import queue
import socket
import sys
import threading

import msgpack
import wire_client as wc
from played_broker import listening, packets, refusal, send

path, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
wanted, guard = queue.Queue(), threading.Lock()
puts = None


def note(event, **more):
    with guard:
        log.write(json.dumps({"event": event, **more}) + "\n")


def next_answer():
    want = wanted.get()
    if "refuse" in want:
        return refusal(want["refuse"])
    if "raw" in want:
        return want["raw"]
    answer = {"ok": True, "fetch": True}
    if "origin" in want:
        answer.update(origin=want["origin"], token=want["token"].encode())
    return answer


def reply_to(request):
    if request["op"] == "usage-next":
        return next_answer()
    if request["op"] == "usage-put":
        return refusal(puts) if puts else {"ok": True}
    return {"ok": True, "broker": "user", "version": "0", "state": "unlocked", "vault": "/vault"}


def serve(peer):
    for packet in packets(peer):
        request = msgpack.unpackb(packet, raw=False)
        pid, _, _ = wc.CRED.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, wc.CRED.size))
        note("request", pid=pid, **request)
        send(peer, wc.pack(v=1, **reply_to(request)))
        note("answered", op=request["op"])
    note("gone")


with listening(path, serve):
    note("serving")
    for line in sys.stdin:
        word = json.loads(line)
        if "end" in word:
            break
        if "puts" in word:
            puts = word["puts"]
        else:
            wanted.put(word)
        note("told")
os._exit(0)
