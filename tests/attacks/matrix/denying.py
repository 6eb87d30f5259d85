"""Deny: the person's own use is stopped, or spoiled."""
import os
import signal

from kit import each


def kill_broker(s):
    each(s.brokers, lambda pid: os.kill(pid, signal.SIGKILL))
