"""Reads what is typed on a terminal, once a file says which: terminal_reader.py SAYS INTO"""
import os
import sys
import time
from pathlib import Path

says, into = map(Path, sys.argv[1:])
for _ in range(3000):
    if says.exists() and says.read_text():
        break
    time.sleep(0.01)
fd = -1
for _ in range(2000):
    try:
        if fd < 0:
            fd = os.open(says.read_text(), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        data = os.read(fd, 64)
        with into.open("ab") as f:
            f.write(data)
    except BlockingIOError:
        pass
    except OSError as e:
        with into.open("a") as f:
            f.write(f"{e.strerror}\n")
        time.sleep(0.1)
    time.sleep(0.002)
