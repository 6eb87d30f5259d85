"""In a session's own process, which the attacker took over: asks through each of its
descriptors, as the client does.  as_client.py SCENE TECHNIQUE"""
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "lib")]

from kit import Scene, talk

s = Scene(sys.argv[1])
s.technique = sys.argv[2]
for fd in os.listdir("/proc/self/fd"):
    try:
        talk(f"/proc/self/fd/{fd}", s.request(), 2)
    except OSError as e:
        print(fd, e)
