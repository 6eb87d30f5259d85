"""What `ccctl get` asks the broker for, with no person asked first.

    raw_get.py SOCKET ENTRY"""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "lib"))

import wire_client as wc

with wc.Client(sys.argv[1], timeout=3) as c:
    print(c.ask("get", name=sys.argv[2]))
