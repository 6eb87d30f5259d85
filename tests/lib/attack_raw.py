"""Every request that could bring or change something, by the raw protocol:
attack_raw.py SOCKET ENTRY ORIGIN.  One line each, op=OK or op=ERROR."""
import resource
import sys

import wire_client as wc

path, entry, origin = sys.argv[1:]
sealed = {"name": entry, "origin": origin, "variable": wc.VARIABLE, "policy": "nested=allow"}
REQUESTS = [
    ("get", {"name": entry}), ("list", {"after": ""}), ("slots", {}),
    ("open", wc.open_fields(entry, origin=origin)),
    ("open-env", wc.open_fields(entry, origin=origin, delivery="env")),
    ("open-pipe", wc.open_fields(entry, origin=origin, delivery="pipe")),
    ("put", dict(sealed, token=b"x" * 20, replace=True)), ("approve", sealed),
    ("rename", {"name": entry, "to": "mine"}), ("rm", {"name": entry}), ("lock", {}),
    ("person", {"slot": 1, "key": b"k" * 32}),
    ("init", {"slot": [wc.slot()], "key": b"k" * 32}), ("unlock", {"slot": 1, "key": b"k" * 32}),
]
MARKED = resource.getrlimit(wc.RLIMIT_LOCKS)[1] != resource.RLIM_INFINITY
OUTSIDE = ("get", "list", "slots", "open")
for name, fields in REQUESTS:
    # Outside, where nothing keeps it, only what changes nothing.
    if MARKED or name in OUTSIDE:
        with wc.Client(path) as c:
            answer = c.ask(name.partition("-")[0], **fields)
            print(f"{name}={'OK' if answer['ok'] else answer['error']}")
