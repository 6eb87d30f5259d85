"""While a secret is typed: nobody opens the terminal, who has it open already is named,
and a terminal that was used so is as it was before, however ccctl ended."""
import fcntl
import itertools
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from ccrun import CCCTL, CCRUN, PASSPHRASE
from client import children_named, until
from terminal_shell import PROMPT, Shell, left_to_the_shell

pytestmark = pytest.mark.usefixtures("ordinary_user")

SHARED = "has this terminal open"
# Executes its arguments without pidfd_getfd(2) (438 on every architecture).
REFUSE = """
import ctypes, os, struct, sys
code = struct.pack("HBBIHBBIHBBIHBBI", 0x20, 0, 0, 0, 0x15, 0, 1, 438, 0x06, 0, 0, 0x00050001, 0x06, 0, 0, 0x7fff0000)
buf = ctypes.create_string_buffer(code)
prog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(buf)))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, prog) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def shell(c):
    c.init()
    assert c.ccctl("lock").rc == 0
    with Shell(c) as s:
        yield s


def unlocks(shell):
    """After the prompt: the right passphrase opens the vault."""
    shell.asked()
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")
    shell.t.expect("PS>")
    assert shell.c.status()["state"] == "unlocked"
    assert shell.opens()


def named(shell, who, question="[y/N] ", no="", yes="y", ended="nothing was asked"):
    """ccctl unlock names who has the terminal open; a no ends it, and the next one gets a yes."""
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.t.expect(who)
    shell.t.expect_exact(question)
    assert shell.opens(), "while that is asked"
    shell.line(no)
    shell.t.expect(ended)
    shell.t.expect("code=1")
    assert shell.c.status()["state"] == "locked"
    shell.line(f"{CCCTL} unlock")
    shell.t.expect_exact(question)
    shell.line(yes)


@contextmanager
def open_here(shell):
    """This process has the terminal open; it is not named, being an ancestor."""
    shell.fd = os.open(shell.name, os.O_RDWR | os.O_NOCTTY)
    try:
        yield shell
    finally:
        os.close(shell.fd)


# ---- exclusive use ---------------------------------------------------------

def test_nobody_opens_the_terminal_while_a_secret_is_typed(shell):
    assert shell.opens()
    shell.line(f"{CCCTL} unlock")
    shell.asked()
    assert not shell.opens()
    # nor by another of its names
    r = shell.c.run([sys.executable, "-c", f"import os; os.open('/proc/{shell.t.pid}/fd/0', os.O_RDWR | os.O_NOCTTY)"])
    assert "Errno 16" in r.err, r
    shell.line("a wrong passphrase")
    shell.asked()
    assert not shell.opens()
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")
    shell.t.expect("PS>")
    assert shell.opens()


@pytest.mark.parametrize("how", ["ctrl-c", "ctrl-d", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_the_terminal_is_open_again_after(shell, how):
    shell.line(f"{CCCTL} unlock && echo un''locked")
    shell.asked()
    assert not shell.opens()
    if how.startswith("ctrl"):
        shell.t.sendcontrol(how[-1])
    else:
        # The one that asks; its parent ends as it did.
        os.kill(max(children_named(shell.t.pid, "ccctl")), getattr(signal, how))
    shell.t.expect("PS>")
    assert "unlocked" not in shell.t.before
    assert shell.opens()
    until(shell.t.getecho, what="the echo")


def test_killed_outright_its_parent_puts_the_terminal_in_order(shell):
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.asked()
    asking = max(children_named(shell.t.pid, "ccctl"))
    os.kill(asking, signal.SIGKILL)
    shell.t.expect(r"code=(\d+)\r")
    assert shell.t.match.group(1) == "137"
    assert shell.opens()
    until(shell.t.getecho, what="the echo")


# What a session set of its terminal stays with the terminal.
KEYS = ["intr", "quit", "susp", "eof", "erase", "kill", "eol", "lnext", "werase"]


@pytest.mark.parametrize("key", KEYS)
def test_no_letter_of_it_is_taken_for_a_key(shell, key):
    shell.line(f"stty {key} '{PASSPHRASE[3]}' iexten; {CCCTL} unlock")
    unlocks(shell)


@pytest.mark.parametrize("key", KEYS[:4])
def test_nor_for_one_of_pinentry(locked_dialogue, key):
    s = locked_dialogue
    s.line(f"stty {key} '{PASSPHRASE[3]}'; {CCCTL} unlock")
    answer(s, "Passphrase for your vault", PASSPHRASE)
    s.t.expect("the vault is open")


def test_nor_is_enter_or_the_beginning_of_a_paste(shell):
    shell.line(f"stty intr '^J' quit '^[' susp '^H'; {CCCTL} unlock")
    shell.asked()
    shell.line("xx\b\b" + PASSPHRASE)
    shell.t.expect("the vault is open")


def test_killed_outright_what_was_typed_does_not_go_to_the_shell(shell):
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.asked()
    shell.t.send("half a passph")
    os.kill(max(children_named(shell.t.pid, "ccctl")), signal.SIGKILL)
    shell.t.expect("code=137.*PS>")
    assert "half" not in left_to_the_shell(shell)


def test_stopped_it_lets_go_and_continued_it_seizes_again(shell):
    shell.line(f"{CCCTL} unlock")
    shell.asked()
    shell.t.send("half a passph\x1a")
    shell.t.expect("Stopped")
    shell.t.expect("PS>")
    assert shell.opens()
    shell.line("fg")
    shell.asked()
    assert not shell.opens()
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")
    shell.t.expect("PS>")
    assert shell.opens()


def test_who_held_it_exclusively_before_goes_on_so(shell):
    shell.line(f"{sys.executable} -c 'import fcntl, termios; fcntl.ioctl(0, termios.TIOCEXCL)'")
    shell.t.expect("PS>")
    assert not shell.opens()
    # ccctl cannot open /dev/tty either; a descriptor that it inherits will do.
    shell.line(f"{CCCTL} unlock --passphrase-fd 0; echo code=$?")
    shell.t.expect_exact("Passphrase: ")
    assert shell.t.waitnoecho(10)
    shell.line(PASSPHRASE)
    shell.t.expect(r"code=(\d+)\r")
    assert shell.t.match.group(1) == "0" and not shell.opens()


def test_two_questions_of_a_pipeline_follow_each_other(ready, token):
    with Shell(ready) as shell:
        shell.line(f"{CCCTL} get demo | ({CCCTL} get demo | cat; cat); echo code=$?")
        seen = ""
        for _ in range(2):
            shell.asked()
            seen += shell.t.before
            shell.line(PASSPHRASE)
        shell.t.expect("code=0")
        assert (seen + shell.t.before).count(token) == 2, "each waits for its turn"


# ---- who has it open -------------------------------------------------------

ACCESS_3 = 3  # open(2): neither read nor write, but ioctl


@pytest.mark.parametrize("how", ["by name", "as /dev/tty, then left", "earlier by another name", "for writing alone",
                                 "for ioctl alone"])
def test_a_reader_is_named(shell, how):
    pid = {"by name": shell.reader,
           "as /dev/tty, then left": lambda: shell.reader("/dev/tty", here=True, leave="leave"),
           "for writing alone": lambda: shell.reader(flags=os.O_WRONLY),
           "for ioctl alone": lambda: shell.reader(flags=ACCESS_3),
           "earlier by another name": lambda: shell.reader(f"/proc/{shell.t.pid}/fd/0")}[how]()
    named(shell, rf"ccctl: python3\S* \(pid {pid}\) {SHARED} too and could read what you type\s+"
                 rf"hint: end it \(kill {pid}\), or open another terminal",
          ended=rf"ccctl: nothing was asked: python3\S* \(pid {pid}\)")
    # Asked once, not with every prompt.
    shell.asked()
    shell.line("a wrong passphrase")
    assert shell.t.expect_exact([PROMPT, "[y/N] "]) == 0
    assert shell.t.waitnoecho(10) and not shell.opens()
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")


def test_what_a_session_started_needs_a_whole_yes(shell):
    pid = shell.reader(mark=True)
    named(shell, rf"\(pid {pid}\), which a session started, {SHARED}", 'Only "yes" will do: ', no="y", yes="yes")
    unlocks(shell)


def test_a_thread_s_own_descriptors_are_looked_at(shell):
    pid = shell.reader(mark=True, leave="thread")
    shell.line(f"{CCCTL} unlock")
    shell.t.expect(rf"\(pid {pid}\), which a session started, {SHARED}")


def test_a_marked_job_of_the_same_shell_is_named(shell):
    pid = shell.reader(mark=True, here=True)
    shell.line(f"{CCCTL} unlock")
    shell.t.expect(rf"\(pid {pid}\), which a session started, {SHARED}")


# Processes with descriptors that take a while to look at, but no three seconds: other tests look too.
CROWD = """
import os, resource, signal, sys
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
most = min(most, 20000)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
fd = os.open("/dev/null", os.O_RDONLY)
try:
    while True:
        os.dup(fd)
except OSError:
    pass
for _ in range(100000 // most):
    if os.fork() == 0:
        signal.pause()
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture
def crowd(shell):
    with subprocess.Popen([sys.executable, "-c", CROWD], stdout=subprocess.PIPE, start_new_session=True) as p:
        assert p.stdout.readline() == b"ready\n"
        yield shell
        os.killpg(p.pid, signal.SIGKILL)


def looks(shell):
    """It has the terminal for itself, and looks at others."""
    while shell.opens() or children_named(shell.t.pid, "ccrun takes"):
        pass


def in_the_look(shell, act, said):
    """Have it ask, and act while it looks: it says so.  On a busy machine the look may be over by then."""
    for _ in range(9):
        shell.line(f"{CCCTL} unlock; echo code=$?")
        looks(shell)
        act()
        if shell.t.expect_exact([said, PROMPT]) == 0:
            return
        shell.t.sendcontrol("c")
        until(lambda: not children_named(shell.t.pid, "ccctl"), what="its end")
        shell.line("echo the ne''xt")
        shell.t.expect_exact("the next\r\nPS>")
    assert False, said


def test_too_many_to_look_at(crowd):
    """Among which one may have the terminal open."""
    c, ahead = crowd.c, itertools.count(4000, 4000)
    for answer in ("y", "yes"):
        in_the_look(crowd, lambda: c.write(c.state / "ccrun/clock.new", str(next(ahead))).rename(c.state / "ccrun/clock"),
                    "ccctl: there are too many processes to see who else has this terminal open")
        crowd.t.expect_exact('Only "yes" will do: ')
        assert crowd.opens(), "while that is asked"
        crowd.line(answer)
        if answer == "y":
            crowd.t.expect_exact("nothing was asked: there are too many processes")
            crowd.t.expect("code=1")
    unlocks(crowd)


def test_ctrl_c_while_it_looks(crowd):
    in_the_look(crowd, lambda: crowd.t.sendcontrol("c"), "PS>")
    assert crowd.opens()
    until(crowd.t.getecho, what="the echo")


@pytest.fixture
def refused_getfd(c):
    """A prefix under which pidfd_getfd(2) is refused, as by Yama."""
    return f"{sys.executable} {c.write('refuse.py', REFUSE)} "


@pytest.mark.parametrize("marked", [True, False])
def test_a_marked_one_that_took_another_terminal_is_named(shell, refused_getfd, marked):
    """Which terminal its /dev/tty is cannot be told there."""
    pid = shell.reader("/dev/tty", mark=marked, here=True, leave="other")
    shell.line(f"{refused_getfd}{CCCTL} unlock")
    assert shell.t.expect_exact([f"(pid {pid}), which a session started, {SHARED}", PROMPT]) == (not marked)


def test_one_that_ended_is_no_longer_named(shell):
    os.kill(shell.reader(), signal.SIGKILL)
    shell.readers.clear()
    shell.line(f"{CCCTL} unlock")
    assert shell.t.expect_exact([PROMPT, SHARED]) == 0


@pytest.mark.parametrize("way", ["a job", "a stopped editor", "only its path", "another terminal's", "a pane", "script"])
def test_daily_life_is_quiet(shell, way):
    c = shell.c
    if way == "a job":
        shell.reader(here=True)
    elif way == "a stopped editor":
        shell.line(f"{sys.executable} -c 'import sys; print(6 * 7, flush=True); sys.stdin.read()'")
        shell.t.expect("42")
        shell.t.sendcontrol("z")
        shell.t.expect("Stopped")
        shell.t.expect("PS>")
    elif way == "only its path":
        shell.reader(flags=os.O_PATH)
    elif way == "another terminal's":
        with Shell(c) as other:
            other.reader(here=True)
            other.reader()
            shell.line(f"{CCCTL} unlock")
            assert shell.t.expect_exact([PROMPT, SHARED]) == 0
        return
    elif way == "script":
        shell.line("script -qc 'PS1=PS\\> exec bash --norc --noprofile -i' /dev/null")
        shell.t.expect("PS>")
    elif way == "a pane":
        shell.line(f"{sys.executable} -c 'import pty; pty.spawn([\"/bin/bash\", \"--norc\", \"--noprofile\", \"-i\"])'")
        shell.t.expect("PS>")
    shell.line(f"{CCCTL} unlock")
    assert shell.t.expect_exact([PROMPT, SHARED]) == 0
    assert shell.t.waitnoecho(10)
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")


def test_ccrun_asks_so_too(ready):
    """What a first launch asks for is asked by ccctl."""
    assert ready.ccctl("lock").rc == 0
    with Shell(ready) as shell:
        pid = shell.reader()
        shell.line(f"{CCRUN} demo -p hello; echo code=$?")
        shell.t.expect(rf"\(pid {pid}\) {SHARED}")
        shell.line("n")
        shell.t.expect("nothing was started")
        shell.t.expect("code=125")


def test_keys_and_new_passphrases_are_asked_so(c):
    c.demo()
    with Shell(c) as shell:
        pid = shell.reader()
        shell.line(f"{CCCTL} init")
        shell.t.expect(rf"\(pid {pid}\) {SHARED}")
        shell.line("y")
        for prompt in ("New passphrase", "Once more"):
            shell.t.expect(prompt)
            assert shell.t.waitnoecho(10) and not shell.opens()
            shell.line(PASSPHRASE)
        shell.t.expect("PS>")
        shell.line(f"{CCCTL} add demo --allow delivery=preload")
        shell.t.expect(rf"\(pid {pid}\) {SHARED}")
        shell.line("y")
        shell.t.expect("Key for demo: ")
        assert shell.t.waitnoecho(10) and not shell.opens()
        shell.line("sk-test-0123456789abcdef")
        shell.t.expect("PS>")
        assert shell.opens()
    assert "demo" in c.ccctl("keys").out


# ---- what is done to it meanwhile ------------------------------------------

ALTERED = "another program altered this terminal while you typed: nothing was used"


def alter(shell, how):
    """By open_here's descriptor, from before the question."""
    fd = shell.fd
    if how == "taken back":
        fcntl.ioctl(fd, termios.TIOCNXCL)
    else:
        modes = termios.tcgetattr(fd)
        modes[3] &= ~termios.ICANON  # pinentry-tty reads lines
        modes[6][termios.VMIN] = 255
        termios.tcsetattr(fd, termios.TCSANOW, modes)


@pytest.fixture
def watched(shell):
    with open_here(shell):
        yield shell


@pytest.mark.parametrize("how", ["taken back", "waits for many bytes"])
def test_an_altered_terminal_ends_the_question(watched, how):
    s = watched
    s.line(f"{CCCTL} unlock; echo code=$?")
    s.asked()
    s.t.send(PASSPHRASE[:4])
    alter(s, how)
    s.t.expect_exact(f"ccctl: {ALTERED}")
    s.t.expect_exact("hint: open another terminal")
    s.t.expect("code=1")
    s.t.expect("PS>")
    assert s.opens()
    until(s.t.getecho, what="the echo")
    assert s.c.status()["state"] == "locked"


READ = "another program reads this terminal: nothing that you typed was used"


@pytest.mark.parametrize("control", ["", "terminal-watched"])
def test_one_that_waits_for_what_is_typed_is_noticed_before_the_question(shell, control):
    """Nobody may look into it, and it waits for its first byte before anybody asks."""
    shell.reader(mark=True, leave="undumpable")
    ask = f"CCRUN_WITHOUT={control} {CCCTL} unlock; echo code=$?"
    shell.t.sendline(ask)
    # It takes from the shell too; what comes is typed until the shell has a whole line.
    while shell.t.expect_exact([f"ccctl: {READ}", PROMPT, pexpect.TIMEOUT], 8) == 2:
        shell.t.sendline("\x15" + ask)
    assert (shell.t.after == PROMPT) == (control != "")
    assert shell.c.status()["state"] == "locked"


# Reads that inotify does not tell of: by io_submit, and by the terminal's other name.
UNTOLD = """
import ctypes, os, resource, struct, sys, termios, time
libc = ctypes.CDLL(None, use_errno=True)
how, name, told, took = sys.argv[1:]
resource.setrlimit(10, (1, 1))                # the mark
fd = os.open("/dev/tty" if how == "tty" else name, os.O_RDWR | os.O_NOCTTY)
if os.fork():
    sys.exit()
os.setsid()
libc.prctl(4, 0, 0, 0, 0)                     # undumpable
buf, ctx = ctypes.create_string_buffer(256), ctypes.c_ulong(0)
if how == "aio" and libc.syscall(206, 4, ctypes.byref(ctx)) != 0:
    raise OSError(ctypes.get_errno(), "io_setup")
def some():
    if how == "tty":
        return os.read(fd, 200)
    iocb = ctypes.create_string_buffer(struct.pack("<QIIHhIQQqQII", 0, 0, 0, 0, 0, fd, ctypes.addressof(buf), 200,
                                                   0, 0, 0, 0))
    if libc.syscall(209, ctx, 1, (ctypes.c_void_p * 1)(ctypes.addressof(iocb))) != 1:
        return b""
    event = ctypes.create_string_buffer(32)
    libc.syscall(208, ctx, 1, 1, event, None)
    return buf.raw[:max(0, struct.unpack("<QQqq", event.raw)[2])]
open(told, "w").write("ready")
while termios.tcgetattr(fd)[3] & termios.ECHO:
    time.sleep(.01)
with open(took, "ab", buffering=0) as out:
    while True:
        out.write(some())
"""


@pytest.mark.parametrize("how", ["aio", "tty"])
def test_who_waits_for_what_is_typed_gets_none_of_it(shell, how):
    """Nor one of whose reads inotify does not tell, and that comes when the question is there."""
    c = shell.c
    told, took = c.root / "told", c.root / "took"
    spy = c.write("untold.py", UNTOLD)
    shell.line(f"{sys.executable} {spy} {how} {shell.name} {told} {took}")
    until(lambda: told.exists() and told.read_text(), what="the reader")
    shell.t.expect("PS>")
    shell.line(f"{CCCTL} unlock; echo code=$?")
    # It may have come to wait before we did.
    if shell.t.expect_exact([PROMPT, f"ccctl: {READ}"]) == 0:
        until(took.exists, what="its wait")
        time.sleep(0.2)
        for character in PASSPHRASE + "\n":
            shell.t.send(character)
            time.sleep(0.01)
        shell.t.expect("the vault is open")
        shell.t.expect("code=0")
    else:
        assert c.status()["state"] == "locked"
    # What the shell asked for since may be its.
    assert PASSPHRASE[:2].encode() not in took.read_bytes()


# Reads only when something is there, by /dev/tty, of which inotify does not tell.
QUICK = """
import ctypes, os, resource, select, sys, termios
told, took = sys.argv[1:]
resource.setrlimit(10, (1, 1))
fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
if os.fork():
    sys.exit()
os.setsid()
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
out = os.open(took, os.O_WRONLY | os.O_CREAT, 0o600)
some = select.poll()
some.register(fd, select.POLLIN)
open(told, "w").write("ready")
while True:
    if some.poll(20) and not termios.tcgetattr(fd)[3] & termios.ECHO:
        try:
            os.write(out, os.read(fd, 4096))
        except BlockingIOError:
            pass
"""


@pytest.mark.parametrize("way", ["typed", "pasted"])
def test_who_reads_when_something_is_there_gets_none_of_it(shell, way):
    """Also one that nobody may look into, and of whose reads inotify does not tell."""
    told, took = shell.c.root / "told", shell.c.root / "took"
    shell.line(f"{sys.executable} {shell.c.write('quick.py', QUICK)} {told} {took}")
    until(lambda: told.exists() and told.read_text(), what="the reader")
    shell.t.expect("PS>")
    for _ in range(3):
        shell.line(f"{CCCTL} lock")
        shell.t.expect("PS>")
        shell.line(f"{CCCTL} unlock")
        shell.asked()
        for part in PASSPHRASE if way == "typed" else [PASSPHRASE]:
            shell.t.send(part)
            time.sleep(0.01)
        shell.line("")
        shell.t.expect("the vault is open")
        shell.t.expect("PS>")
    assert took.read_bytes() == b""


# One that nobody may look into, with a descriptor that inotify does not tell of; from when it is told
# which process asks, it does what it can to read in its place.
PUSHY = """
import ctypes, os, resource, signal, sys, termios, threading, time
how, told, took, go = sys.argv[1:]
resource.setrlimit(10, (1, 1))
fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
if os.fork():
    sys.exit()
os.setsid()
libc = ctypes.CDLL(None)
libc.prctl(4, 0, 0, 0, 0)
open(told, "w").write("ready")
while not os.path.exists(go):
    time.sleep(.01)
asks = int(open(go).read())
def push():
    threads = [int(t) for t in os.listdir(f"/proc/{asks}/task")]
    while True:
        for t in threads:
            if t != asks:
                libc.tgkill(asks, t, int(signal.SIGALRM))
        time.sleep(.001)
if how == "cuts":                             # what is typed so far becomes a line
    is_set = termios.tcgetattr(fd)
    not_set = [*is_set[:3], is_set[3] & ~termios.ICANON, *is_set[4:]]
    termios.tcsetattr(fd, termios.TCSANOW, not_set)
    termios.tcsetattr(fd, termios.TCSANOW, is_set)
if how == "pushes":
    threading.Thread(target=push, daemon=True).start()
if how == "stops":
    os.kill(asks, signal.SIGSTOP)
out = os.open(took, os.O_WRONLY | os.O_CREAT, 0o600)
while True:
    os.write(out, os.read(fd, 200))
"""

HELD = "this program was stopped while it asked, and another one could read what you typed: nothing was used"


@pytest.fixture
def pushed(shell):
    """A function: how somebody reads, from when the question is there and something is typed."""
    def start(how, typed=""):
        told, go = shell.c.root / "told", shell.c.root / "go"
        shell.took = shell.c.root / "took"
        shell.line(f"{sys.executable} {shell.c.write('pushy.py', PUSHY)} {how} {told} {shell.took} {go}")
        until(lambda: told.exists() and told.read_text(), what="the reader")
        shell.t.expect("PS>")
        shell.line(f"{CCCTL} unlock; echo code=$?")
        shell.asked()
        shell.t.send(typed)
        time.sleep(0.1)
        shell.c.write("go.new", str(max(children_named(shell.t.pid, "ccctl")))).rename(go)
        until(shell.took.exists, what="its first read")
        time.sleep(0.3)
    return start


def test_who_waits_behind_us_gets_none_of_it(shell, pushed):
    pushed("waits")
    for character in PASSPHRASE + "\r":
        shell.t.send(character)
        time.sleep(0.02)
    shell.t.expect("the vault is open")
    assert PASSPHRASE.encode() not in shell.took.read_bytes()


def test_a_signal_that_ends_our_read_ends_the_question(shell, pushed):
    """Or who waits behind us is let in."""
    pushed("pushes")
    shell.t.expect_exact(f"ccctl: {READ}")
    shell.t.expect("code=1")
    assert shell.c.status()["state"] == "locked"
    until(shell.t.getecho, what="the echo")


def test_who_cuts_the_line_ends_the_question(shell, pushed):
    """In less time than goes by between two looks at the terminal's modes."""
    pushed("cuts", PASSPHRASE[:4])
    assert shell.t.expect_exact(["ccctl: the line ended without Enter: nothing was used", "Wrong passphrase"]) == 0
    shell.t.expect("code=1")
    assert shell.c.status()["state"] == "locked"


def test_who_stops_us_has_us_say_so_at_once(shell, pushed):
    """Of a child that was stopped no shell tells, and what is typed meanwhile another one reads."""
    pushed("stops")
    shell.t.expect_exact(f"ccctl: {HELD}")
    shell.t.expect_exact("hint: open another terminal; if you typed much of it, change the passphrase")
    shell.t.expect("code=1")
    assert shell.c.status()["state"] == "locked"
    until(shell.t.getecho, what="the echo")


def stands_still(pid):
    return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in Path(f"/proc/{pid}/task").glob("*/stat"))


def test_who_stops_both_of_us_has_the_shell_say_so(shell):
    shell.line(f"{CCCTL} unlock; echo code=$?")
    shell.asked()
    both = children_named(shell.t.pid, "ccctl")
    for pid in both:
        os.kill(pid, signal.SIGSTOP)
    shell.t.expect("Stopped")
    shell.t.expect("PS>")
    # Or what is typed goes to the one that has not noticed yet.
    until(lambda: len(both) == 2 and all(map(stands_still, both)), what="both to stand still")
    shell.line("fg")
    assert shell.t.expect_exact([f"ccctl: {HELD}", PROMPT]) == 0


def test_without_inotify_it_is_said(shell):
    kept = shell.c.write("spent.py", """
import ctypes, os, sys
libc = ctypes.CDLL(None)
while libc.inotify_init1(0) >= 0:
    pass
os.execv(sys.argv[1], sys.argv[1:])
""")
    shell.line(f"(ulimit -n 20000; exec {sys.executable} {kept} {CCCTL} unlock)")
    shell.t.expect_exact("ccctl: no inotify is left to notice others that read this terminal")
    unlocks(shell)


def test_a_file_that_says_that_nobody_reads_it_is_watched_all_the_same(shell):
    """A program of the user's can say so of the terminal's, and inotify would believe it."""
    os.chmod(shell.name, 0o020)
    shell.line(f"{CCCTL} unlock")
    assert shell.t.expect_exact([PROMPT, "ccctl: this terminal's file is another user's"]) == 0
    assert os.stat(shell.name).st_mode & 0o777 == 0o420
    shell.line(PASSPHRASE)
    shell.t.expect("the vault is open")


def test_what_each_control_holds(shell):
    """Without it, in the test build, what the tests above show is so no longer."""
    pid = shell.reader()
    for control in ("", "terminal-readers"):
        shell.line(f"CCRUN_WITHOUT={control} {CCCTL} unlock")
        assert shell.t.expect_exact([f"(pid {pid}) {SHARED}", PROMPT]) == (control != "")
        shell.t.sendcontrol("c")
        shell.t.expect("PS>")
    os.kill(shell.readers.pop(), signal.SIGKILL)
    for control in ("", "terminal-alone"):
        shell.line(f"CCRUN_WITHOUT={control} {CCCTL} unlock")
        shell.asked()
        assert shell.opens() == (control != "")
        shell.t.sendcontrol("c")
        shell.t.expect("PS>")
    planted = shell.c.write("pinentry", f"#!/bin/sh\ntouch {shell.c.home}/ran\n", 0o755)
    by_pinentry(shell.c, planted)
    for control in ("", "pinentry-owner"):
        shell.line(f"CCRUN_WITHOUT={control} {CCCTL} unlock; echo code=$?")
        shell.t.expect(r"code=\d+\r")
        assert (shell.c.home / "ran").exists() == (control != "")


# ---- pinentry --------------------------------------------------------------

# What each prints before the field, and how an answer is given there.
PINENTRY = {"tty": ("/usr/bin/pinentry-tty", "\n"), "curses": ("/usr/bin/pinentry-curses", "\r")}


def by_pinentry(c, program):
    c.write(c.config / "ccrun/ccrun.conf", f"[ccrun]\npinentry = {program}\n", 0o600)
    (c.config / "ccrun").chmod(0o700)


@pytest.fixture(params=list(PINENTRY))
def dialogue(request, c):
    """A shell whose secrets are asked for by a real pinentry, on its terminal."""
    program, enter = PINENTRY[request.param]
    by_pinentry(c, program)
    with Shell(c) as s:
        s.kind, s.enter = request.param, enter
        s.line("export TERM=vt100; unset DISPLAY WAYLAND_DISPLAY")
        s.t.expect("PS>")
        yield s


def answer(s, description, text):
    """Wait for the dialogue and for ccctl to have the terminal for itself; answer."""
    s.t.expect_exact(description)
    until(lambda: not s.opens(), what="the seized terminal")
    assert s.t.waitnoecho(10)
    s.t.send(text + s.enter)


def repeat(s, text):
    """The second field: in curses it is there from the beginning."""
    if s.kind == "tty":
        s.t.expect("(?i)once more")
        assert s.t.waitnoecho(10)
    s.t.send(text + s.enter)


def test_pinentry_asks_for_all(dialogue, token):
    s, c = dialogue, dialogue.c
    c.demo()
    s.line(f"{CCCTL} init")
    answer(s, "New passphrase", "short")
    repeat(s, "short")
    answer(s, "shorter than 8", PASSPHRASE)
    repeat(s, PASSPHRASE)
    s.t.expect("PS>")
    assert c.status()["state"] == "unlocked" and s.opens()
    s.line(f"{CCCTL} add demo --allow delivery=preload")
    answer(s, "Key for demo", token)
    s.t.expect("PS>")
    assert c.ccctl("get", "demo").out.strip() == token
    assert c.ccctl("lock").rc == 0
    s.line(f"{CCCTL} unlock")
    answer(s, "Passphrase for your vault", "another passphrase")
    answer(s, "Wrong passphrase", PASSPHRASE)
    s.t.expect("the vault is open")
    s.t.expect("PS>")
    assert s.opens()
    until(s.t.getecho, what="the echo")


@pytest.fixture
def locked_dialogue(dialogue):
    dialogue.c.init()
    assert dialogue.c.ccctl("lock").rc == 0
    return dialogue


def test_pinentry_says_who_asks_and_why(locked_dialogue):
    """A window does not stand beside the command that it belongs to."""
    s = locked_dialogue
    s.line(f"{CCCTL} unlock")
    s.t.expect(r"for: ccctl unlock \(pid (\d+)\)")
    assert int(s.t.match.group(1)) in children_named(s.t.pid, "ccctl")


# What a directory may be called: no line more, no escape of Assuan's, no markup, no turned text.
HOSTILE = "50%0A%25\nlimit: off <b>&lt;x \N{RIGHT-TO-LEFT OVERRIDE}caf\N{LATIN SMALL LETTER E WITH ACUTE}"
SHOWN = {"C.UTF-8": "50%0A%25?limit: off ?b>?lt;x ?caf\N{LATIN SMALL LETTER E WITH ACUTE}",
         "C": "50%0A%25?limit: off ?b>?lt;x ?caf?"}


@pytest.mark.parametrize("locale", list(SHOWN))
def test_pinentry_says_what_a_yes_agrees_to(dialogue, token, locale):
    """The window may cover the terminal that says it; whoever asks chose some of the words."""
    s, c = dialogue, dialogue.c
    c.demo()
    c.ready(token)
    assert c.ccctl("confirm", "demo", "session").rc == 0
    (c.cwd / HOSTILE).mkdir()
    s.line(f"export LC_ALL={locale}; stty cols 120 rows 40; cd ./50*")
    s.t.expect("PS>")
    launch = f"{CCRUN} --exec /bin/sh demo -c 'echo st''arted'"
    s.line(launch)
    s.t.expect_exact("lets it start")
    for fact in (r"for: ccctl confirm --ask [0-9a-f]{8} \(pid \d+\)", r"provider: demo \(key demo\)",
                 f"sends to: {c.endpoint_used.url}", rf"directory: /\S+/{re.escape(SHOWN[locale])}[\r\n \x1b]",
                 "program: /bin/sh, as it says", r"asked by: /\S+/ccrun, process \d+", "delivery: preload", "limit: off"):
        s.t.expect(fact)
    until(lambda: not s.opens(), what="the seized terminal")
    assert s.t.waitnoecho(10)
    s.t.send(PASSPHRASE + s.enter)
    s.t.expect("started")


@pytest.mark.parametrize("columns,rows", [(120, 40), (80, 24)])
def test_a_long_fact_is_cut(locked_dialogue, token, columns, rows):
    """Also where all there is to say does not fit into a line of the protocol."""
    s, c = locked_dialogue, locked_dialogue.c
    assert c.with_passphrase("unlock").rc == 0
    c.demo()
    c.add("demo", token)
    assert c.ccctl("confirm", "demo", "session").rc == 0
    deep = c.cwd / ("%" * 100) / ("d" * 100)
    deep.mkdir(parents=True)
    program = c.write("p" * 200, "#!/bin/sh\necho st''arted\n", 0o755)
    s.line(f"stty cols {columns} rows {rows}; cd ./%*/d*; {CCRUN} --exec {program} demo")
    s.t.expect_exact("lets it start")
    if columns == 120:  # else it is wrapped
        s.t.expect("directory: /[^\r\n\x1b]{10,90}\N{HORIZONTAL ELLIPSIS}")
        s.t.expect("program: /[^\r\n\x1b]{10,90}\N{HORIZONTAL ELLIPSIS}, as it says")
    s.t.expect("limit: off")
    until(lambda: not s.opens(), what="the seized terminal")
    s.t.send(PASSPHRASE + s.enter)
    s.t.expect("started")


def pinentry_of(shell):
    return (children_named(shell.t.pid, "pinentry-tty") + children_named(shell.t.pid, "pinentry-curses"))[0]


@pytest.mark.parametrize("how", ["ctrl-c", "SIGTERM", "SIGKILL", "pinentry ends"])
def test_a_pinentry_that_is_left_leaves_the_terminal_as_it_was(locked_dialogue, how):
    s = locked_dialogue
    s.line(f"{CCCTL} unlock && echo un''locked")
    s.t.expect_exact("Passphrase for your vault")
    until(lambda: not s.opens(), what="the seized terminal")
    if how == "ctrl-c":
        s.t.sendcontrol("c")
    elif how == "pinentry ends":
        os.kill(pinentry_of(s), signal.SIGKILL)
        s.t.expect_exact(f"ccctl: {PINENTRY[s.kind][0]} ended without an answer")
    else:
        # While it takes the terminal it has another name.
        until(lambda: len(children_named(s.t.pid, "ccctl")) == 2, what="the one that asks")
        os.kill(max(children_named(s.t.pid, "ccctl")), getattr(signal, how))
    s.t.expect("PS>")
    assert "unlocked" not in s.t.before
    assert s.opens()
    until(s.t.getecho, what="the echo")
    until(lambda: not children_named(s.t.pid, "ccctl"), what="its end")
    assert s.c.status()["state"] == "locked"


def test_what_was_typed_for_a_pinentry_that_was_killed_does_not_go_to_the_shell(locked_dialogue):
    s = locked_dialogue
    s.line(f"{CCCTL} unlock")
    s.t.expect_exact("Passphrase for your vault")
    until(lambda: not s.opens(), what="the seized terminal")
    os.kill(pinentry_of(s), signal.SIGSTOP)
    s.t.send("half a passph")
    os.kill(pinentry_of(s), signal.SIGKILL)
    s.t.expect_exact(f"ccctl: {PINENTRY[s.kind][0]} ended without an answer")
    s.t.expect("PS>")
    assert "half" not in left_to_the_shell(s)


def test_a_cancelled_pinentry_is_one_line(locked_dialogue):
    s = locked_dialogue
    s.line(f"{CCCTL} unlock; echo code=$?")
    s.t.expect_exact("Passphrase for your vault")
    until(lambda: not s.opens(), what="the seized terminal")
    # curses: by the button; tty: the end of input
    s.t.send("\t\t\r" if s.kind == "curses" else "\x04")
    s.t.expect_exact("ccctl: cancelled: nothing was typed")
    s.t.expect("code=1")
    assert s.opens()


def test_a_stopped_pinentry_lets_the_terminal_go(locked_dialogue):
    s = locked_dialogue
    s.line(f"{CCCTL} unlock")
    s.t.expect_exact("Passphrase for your vault")
    until(lambda: not s.opens(), what="the seized terminal")
    os.killpg(os.getpgid(pinentry_of(s)), signal.SIGTSTP)
    s.t.expect("Stopped")
    until(s.opens, what="the open terminal")
    s.line("fg")
    until(lambda: not s.opens(), what="the seized terminal")
    assert s.t.waitnoecho(10)
    s.t.send(PASSPHRASE + s.enter)
    s.t.expect("the vault is open")


def test_a_reader_is_named_before_pinentry_is_answered(locked_dialogue):
    s = locked_dialogue
    pid = s.reader()
    named(s, rf"\(pid {pid}\) {SHARED}")
    answer(s, "Passphrase for your vault", PASSPHRASE)
    s.t.expect("the vault is open")


@pytest.mark.parametrize("how", ["taken back", "waits for many bytes"])
def test_an_altered_terminal_ends_pinentry(locked_dialogue, how):
    s = locked_dialogue
    with open_here(s):
        s.line(f"{CCCTL} unlock; echo code=$?")
        s.t.expect_exact("Passphrase for your vault")
        until(lambda: not s.opens(), what="the seized terminal")
        assert s.t.waitnoecho(10)
        s.t.send(PASSPHRASE[:4])
        alter(s, how)
        s.t.expect_exact(f"ccctl: {ALTERED}")
        s.t.expect("code=1")
    until(s.opens, what="the open terminal")
    assert s.c.status()["state"] == "locked"


def test_neither_a_terminal_nor_a_display(c):
    c.init()
    assert c.ccctl("lock").rc == 0
    by_pinentry(c, "yes")
    r = c.ccctl("unlock", env={"DISPLAY": None, "WAYLAND_DISPLAY": None})
    assert r.rc == 2 and "there is no terminal" in r.err and "--passphrase-fd" in r.err, r
    # with a display where nobody is, pinentry says it
    by_pinentry(c, "/usr/bin/pinentry-curses")
    r = c.ccctl("unlock", env={"DISPLAY": ":987654"})
    assert r.rc == 1 and "ccctl: /usr/bin/pinentry-curses: " in r.err and "hint:" in r.err, r


@pytest.mark.parametrize("value,why", [
    ("pinentry-tty", "pinentry is neither"), ("/bin/cat", "pinentry is neither"), ("maybe", "pinentry is neither"),
    ("/usr/bin/pinentry-of-nobody", "/usr/bin/pinentry-of-nobody: No such file"), ("HOME/pinentry", "who could change it"),
    ("HOME/pinentry-link", "/usr/bin/cat"), ("/tmp/../usr/bin/pinentry-tty", None)])
def test_which_program_may_be_pinentry(c, value, why):
    c.init()
    assert c.ccctl("lock").rc == 0
    c.write("pinentry", "#!/bin/sh\necho OK\n", 0o755)
    (c.home / "pinentry-link").symlink_to("/usr/bin/cat")
    by_pinentry(c, value.replace("HOME", str(c.home)))
    with Shell(c) as s:
        s.line(f"unset DISPLAY WAYLAND_DISPLAY; {CCCTL} unlock; echo code=$?")
        assert s.t.expect_exact([why or "Passphrase for your vault", "Passphrase: "]) == 0


def test_none_is_taken_from_the_path_or_the_environment(c):
    """A planted pinentry, and what a pinentry would load, is not run."""
    c.init()
    assert c.ccctl("lock").rc == 0
    planted = c.write("bin/pinentry", f"#!/bin/sh\ntouch {c.home}/ran\n", 0o755)
    by_pinentry(c, "/usr/bin/pinentry-tty")
    with Shell(c) as s:
        s.line(f"export PATH={planted.parent}:$PATH PINENTRY_BINARY={planted} GPG_TTY=/dev/null LD_DEBUG=all "
               f"PINENTRY_USER_DATA=x; unset DISPLAY WAYLAND_DISPLAY; {CCCTL} unlock 2>/dev/null")
        s.t.expect_exact("Passphrase for your vault")
        pid = until(lambda: children_named(s.t.pid, "pinentry-tty"), what="pinentry")[0]
        with open(f"/proc/{pid}/environ", "rb") as f:
            names = {item.partition(b"=")[0].decode() for item in f.read().split(b"\0") if item}
        assert names <= {"PATH", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "TERM", "LANG", "LC_ALL",
                         "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR",
                         "AT_SPI_BUS_ADDRESS", "NO_AT_BRIDGE"}, names
        # what it answers is in a socket, which nobody opens
        with pytest.raises(OSError):
            os.open(f"/proc/{pid}/fd/1", os.O_RDONLY)
    assert not (c.home / "ran").exists()


# ---- a shell that was marked from outside ----------------------------------

MARK = 0x4343524e
LOCKS = 10  # RLIMIT_LOCKS


def mark(pid, value):
    resource.prlimit(pid, LOCKS, (value, value))


def answers(shell, command):
    """All that the command says on the shell's terminal, and its exit code."""
    shell.line(f"{command}; echo code=$?")
    shell.t.expect(r"code=(\d+)\r")
    said = shell.t.before
    code = int(shell.t.match.group(1))
    shell.t.expect("PS>")
    return code, " ".join(said.split())


@pytest.mark.parametrize("value,words,mend", [
    (1, "none started it: something set its RLIMIT_LOCKS (prlimit)", "hint: open a new terminal, or log in anew"),
    (MARK, "but no session is seen above it", "something set that limit (prlimit): open a new terminal, or log in anew")])
def test_a_shell_marked_from_outside_is_told_so(ready, token, value, words, mend):
    with Shell(ready) as shell:
        shell.line("stty cols 1000")
        shell.t.expect("PS>")
        mark(shell.t.pid, value)
        for command, code in ((f"{CCCTL} get demo", 5), (f"{CCRUN} demo -p hello", 125),
                              (f"{CCCTL} import", 5)):
            got, said = answers(shell, command)
            assert got == code and words in said and mend in said and token not in said, said
        refused = [e for e in ready.record() if e["result"] == "marked"]
        assert {e["event"] for e in refused} >= {"open", "slots"} and all(words in e["why"] for e in refused), refused
        assert ready.status()["releases"] == 0, "it is never served"
        # Without a broker too.
        os.kill(ready.broker(), signal.SIGTERM)
        until(lambda: not ready.broker(), what="the broker's end")
        got, said = answers(shell, f"{CCRUN} demo -p hello")
        assert got == 125 and words in said and mend in said, said
        assert not ready.broker()


@pytest.mark.parametrize("delivery", ["preload", "env"])
def test_inside_a_session_the_words_are_those_of_a_session(c, token, delivery):
    """Whatever stands between; with env its own process is dumpable, and the broker knows it."""
    c.demo(policy={"delivery": delivery})
    c.ready(token)
    inside = f"{CCCTL} get demo; setsid -w {CCCTL} keys; {CCRUN} demo -p hello"
    r = c.ccrun("--exec", "/bin/sh", "demo", "-c", f"sh -c '{inside}' 2>&1; true")
    assert r.rc == 0 and r.out.count("a process inside a session gets nothing") == 3, r
    assert "RLIMIT_LOCKS" not in r.out + r.err
