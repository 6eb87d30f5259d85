"""A person at a shell of their own, who types a line and answers what it asks.

    with Person(c, answers={r"Key .*: ": token}) as p:
        said, status = p.types("ccctl add zai")
"""
import re
import time

from dialogue import CODE
from dialogue import CODE
from screen import Screen

SHELL = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]
READY = re.compile(r"<<(\d+)>>\Z")
# What a terminal is told about colours, modes and titles.
CONTROL = re.compile(r"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78])")


class Person:
    """answers: to prompts (patterns, the first that fits) and what is typed there; CODE: the recovery
    code that was shown."""

    def __init__(self, world, answers, env=None, cwd=None):
        self.answers = answers
        self.s = Screen(world, SHELL, env={"PS1": "<<$?>>", "PS2": "", **(env or {})}, cwd=cwd, rows=50, columns=150)
        self.seen = 0
        self.code = ""
        self.wait_for_prompt(10)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.s.close()

    def new(self):
        """What was written since the last thing typed."""
        return CONTROL.sub("", self.s.raw[self.seen:].decode("utf-8", "replace")).replace("\r", "")

    def put(self, text):
        self.seen = len(self.s.raw)
        self.s.send(text)

    def answered(self, text):
        """If it waits for an answer that is known, give it."""
        for prompt, answer in self.answers.items():
            if re.search(rf"(?:{prompt})\Z", text, re.I):
                self.s.pump(0.05)       # a prompt comes before the echo goes
                if self.new() == text:
                    self.put((self.code if answer == CODE else answer) + "\r")
                return True
        return False

    def talked(self):
        """A client in full screen: one question, then /exit."""
        self.s.ask("hello")
        self.s.wait("hello from loopback")
        self.s.ask("/exit")
        self.seen = len(self.s.raw)

    def wait_for_prompt(self, timeout):
        """All that it says, and its status."""
        said, talked, end = "", False, time.monotonic() + timeout
        while True:
            going = self.s.pump(0.05)
            text, before = self.new(), self.seen
            code = re.search(CODE, text)
            self.code = code.group(0) if code else self.code
            ready = READY.search(text)
            if ready:
                self.seen = len(self.s.raw)
                return said + text[:ready.start()], int(ready.group(1))
            if not talked and "❯" in text and "─────" in text:
                said += "[full screen]\n"
                talked = True
                self.talked()
            elif self.answered(text) and self.seen != before:
                said += text
            assert going and time.monotonic() < end, \
                f"it waits for something:\n{said}{self.s.text()}\n{self.new()[-300:]!r}"

    def types(self, line, timeout=30):
        self.put(line.replace("\n", "\r") + "\r")
        return self.wait_for_prompt(timeout)
