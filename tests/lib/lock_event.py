"""What ccrun-logind asks of a broker, from a process of the world's user:

    lock_event.py SOCKET WHY

prints whether that locked the vault."""
import sys

import wire_client as wc

with wc.Client(sys.argv[1]) as c:
    c.call("hello")
    print(c.call("lock", why=sys.argv[2])["locked"])
