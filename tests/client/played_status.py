"""A process that stands in for the broker and says of itself what it is told:

    played_status.py SOCKET FIELDS

FIELDS is JSON, over what a broker says that is well.  Its end of standard input ends it."""
import json
import os
import sys

import msgpack
import wire_client as wc
from played_broker import listening

WELL = {"state": "unlocked", "broker": "user", "version": "0", "vault": "/nowhere/vault", "pid": os.getpid(),
        "started": 1, "memory_size": 0, "memory_used": 0, "sessions": 0, "relays": 0, "releases": 0,
        "memory_locked": True, "undumpable": True, "untraced": True, "caged": True, "landlock": 5, "why": "",
        "locked_at": 0, "kept": 0, "asleep": 0, "watched": True, "delays": True, "relay": "user"}
path, says = sys.argv[1], {**WELL, **json.loads(sys.argv[2])}


def serve(peer):
    while packet := peer.recv(wc.PACKET_MAX):
        op = msgpack.unpackb(packet)["op"]
        more = {"slots": []} if op == "slots" else {"entries": [], "more": False} if op == "list" else says
        peer.send(wc.pack(v=1, ok=True, **more))


with listening(path, serve):
    print("serving", flush=True)
    sys.stdin.read()
os._exit(0)
