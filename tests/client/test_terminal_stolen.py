"""ccctl looks whether it is the only reader of the terminal, and one that was there before gives way
for that moment."""
import shlex
import sys
import time

import pytest

from ccrun import CCCTL, PASSPHRASE
from client import until
from terminal_shell import PROMPT, Shell
from test_terminal_secrets import READ

pytestmark = pytest.mark.usefixtures("ordinary_user")

# It reads by /dev/tty, of which inotify does not tell, where nobody may look into it.  When its read
# is woken the terminal's modes were set, by which ccctl looks: a signal then has it let go of the
# terminal's lock, for which ccctl's thread waits, and take it again.  "slow": one that it has run last.
STEALS = """
import ctypes, os, resource, signal, sys, termios, threading, time
slow, told, took = sys.argv[1:]
resource.setrlimit(10, (1, 1))                # the mark
fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
if os.fork():
    sys.exit()
os.setsid()
libc = ctypes.CDLL(None)
libc.prctl(4, 0, 0, 0, 0)                     # undumpable
signal.signal(signal.SIGUSR1, lambda *a: None)
signal.siginterrupt(signal.SIGUSR1, False)    # the kernel begins the read again
out = os.open(took, os.O_WRONLY | os.O_CREAT, 0o600)
cpu = min(os.sched_getaffinity(0))
reader = []
def read():
    os.sched_setaffinity(0, [cpu])
    some = ctypes.create_string_buffer(4096)
    reader.append(threading.get_native_id())
    while True:
        n = libc.read(fd, some, 4096)
        os.write(out, some.raw[:max(n, 0)])
def sleeps(thread):
    return int(open(f"/proc/self/task/{thread}/status").read().split("\\nvoluntary_ctxt_switches:")[1].split()[0])
def asks():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open(f"/proc/{pid}/comm").read() == "ccctl\\n" and len(os.listdir(f"/proc/{pid}/task")) > 1:
                return max(map(int, os.listdir(f"/proc/{pid}/task")))
        except OSError:
            pass
open(told, "w").write("ready")
while termios.tcgetattr(fd)[3] & termios.ECHO:
    time.sleep(.001)
threading.Thread(target=read, daemon=True).start()
while not (thread := asks()):
    pass
if slow:
    os.sched_setaffinity(thread, [cpu])
    os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
before = sleeps(reader[0])
while sleeps(reader[0]) == before:
    pass
libc.tgkill(os.getpid(), reader[0], int(signal.SIGUSR1))
time.sleep(600)
"""


@pytest.mark.parametrize("slow", ["slow", ""])
def test_who_gives_way_for_a_moment_gets_none_of_it(c, slow):
    c.init()
    assert c.ccctl("lock").rc == 0
    told, took = c.root / "told", c.root / "took"
    with Shell(c) as shell:
        shell.line(shlex.join([sys.executable, str(c.write("steals.py", STEALS)), slow, str(told), str(took)]))
        until(lambda: told.exists() and told.read_text(), what="the reader")
        shell.t.expect("PS>")
        shell.line(f"{CCCTL} unlock; echo code=$?")
        # It may have given way too long, and waits behind us.
        if shell.t.expect_exact([PROMPT, f"ccctl: {READ}"]) == 0:
            time.sleep(0.2)
            shell.line(PASSPHRASE)
            time.sleep(0.5)
        assert took.read_bytes() == b""
