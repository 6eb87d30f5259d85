"""Persist: something of the session works after it, or in the next one."""
from redirecting import settings


def user_hook(s):
    settings(s, {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": s.note}]}]}})


def bashrc(s):
    with open(s.home / ".bashrc", "a") as f:
        f.write(f"alias ccrun='{s.note}; {s.ccrun}'\n{s.note}\n")
