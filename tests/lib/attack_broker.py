"""A process that stands in for the broker and records what it is told:

    attack_broker.py SOCKET RECORD STATE [hide] [mark] [ahead] [mem=N] [uid=N]

hide, mark: it is undumpable, it descends from a session.  ahead: it sends what answers a second hello
together with the first answer, as one whose PID is another's by then.  mem: bytes that its vault's
passphrase slot takes.  uid: it is another user's, whom root plays.  It answers as a broker in STATE (none, locked, unlocked) would, until the
record's directory has a file named stop.  RECORD gets every packet."""
import os
import socket
import sys
from pathlib import Path

import msgpack
import wire_client as wc

path, record, state, how = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
if "mark" in how:
    wc.mark()
if "hide" in how:
    wc.undumpable()

number = {name: int(value) for name, _, value in (word.partition("=") for word in how) if value}

SLOT = dict(wc.slot(), id=1, created=1, **{name: number[name] for name in ("mem",) if name in number})
ANSWERS = {
    "hello": {"broker": "user", "version": "0.1.0", "state": state, "vault": "/vault", "why": "request", "asleep": 0},
    "slots": {"generation": 1, "id": bytes(16), "slots": [SLOT]}, "unlock": {"entries": 1},
    "init": {"generation": 1, "vault": "/vault"}, "put": {"generation": 2}, "approve": {"generation": 2},
    "open": {"granted": True, "session": "0" * 16}, "list": {"more": False, "entries": []},
    "status": {"broker": "user", "version": "0.1.0", "state": state, "vault": "/vault", "pid": os.getpid(),
               "started": 1, "memory_locked": True, "memory_size": 1, "memory_used": 1, "undumpable": True,
               "untraced": True, "caged": True, "landlock": 7, "sessions": 0, "relays": 0, "releases": 0,
               "why": "request", "asleep": 0, "locked_at": 1, "kept": 0, "watched": False, "relay": "user"},
}

try:
    os.unlink(path)
except FileNotFoundError:
    pass
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(path)
listener.listen()
listener.settimeout(0.05)
if "uid" in number:
    os.chmod(path, 0o666)
    os.setresuid(number["uid"], 0, 0)
    wc.undumpable()
record.write_bytes(b"")
while not (record.parent / "stop").exists():
    try:
        peer, _ = listener.accept()
    except TimeoutError:
        continue
    peer.settimeout(3)
    hellos = 0
    try:
        while True:
            packet = peer.recv(wc.PACKET_MAX + 1)
            if not packet:
                break
            with record.open("ab") as f:
                f.write(packet + b"\n")
            op = msgpack.unpackb(packet).get("op") if not packet.startswith(wc.MAGIC) else None
            hellos += op == "hello"
            times = {1: 2, 2: 0}.get(hellos, 1) if "ahead" in how and op == "hello" else 1
            for _ in range(times):
                peer.send(wc.pack(v=1, ok=True, **ANSWERS.get(op, {})))
    except (OSError, ValueError):
        pass
    peer.close()
