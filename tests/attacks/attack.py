"""What the attacks share: a session without the real client, and verdicts.

programs/victim.c stands for claude: preloaded and hardened like it, it has the
token and runs a shell command, whose processes are the attackers."""
import os
from pathlib import Path

import canary
from client import until

PYTHON = "/usr/bin/python3"
HERE = Path(__file__).resolve().parent
# What `spy look` tries (programs/spy.c).
LOOKS = {"attach", "seize", "readv", "writev", "getfd", "mem", "environ", "maps", "smaps", "pagemap", "auxv", "stack",
         "syscall", "fd", "fdinfo", "map_files", "thread-mem", "mem-write", "exe", "io"}


def session(c, tools, command, name="demo", env=None, **kw):
    """Run a shell command as a child of a session's process."""
    return c.ccrun("--exec", tools / "victim", name, command,
                   env={"TOOLS": tools, **(env or {})}, **kw)


def answers(text):
    """The "name=value" lines of programs/spy.c."""
    found = {}
    for line in text.splitlines():
        name, eq, value = line.partition("=")
        if eq and " " not in name:
            found[name] = value
    return found


def nowhere(c, token, *texts):
    """No piece of the token in a text, in a file of the world, nor in /proc."""
    for text in texts:
        assert not canary.scan_bytes(text, token), "in what was printed"
    found = canary.scan_files([c.root], token)
    assert not found, found
    found, _ = canary.scan_proc(token, skip=[os.getpid()])
    assert not found, found


def content(path, ends="", timeout=20):
    """A file's text, once it is there and ends so."""
    def there():
        return path.exists() and path.read_text(errors="replace").endswith(ends) and path.read_text(errors="replace")
    return until(there, timeout, f"{path} ending in {ends!r}")
