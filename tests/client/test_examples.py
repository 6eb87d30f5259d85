"""Every command that README.md, docs/ and the man pages' EXAMPLES show, typed by a person as it is
printed, block by block: with the real client, and an endpoint here in the place of each provider.

LINES says what a line needs before it, what it must say, and what must be true after it.  A line
that is not there must end with 0."""
import json
import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

import canary
from ccrun import PASSPHRASE, Ccrun
from examples import stories
from keyring import SecretService
from login_units import STAND_IN as SYSTEMCTL
from person import Person
from sources import Standin
from swtpm import Tpm

STORIES = stories()
OURS = ("openrouter", "zai", "bedrock", "ollama", "azure")

ANSWERS = {
    r"(?i)passphrase[^\n]*: ": PASSPHRASE,
    r"\[y/N\] ": "y",
}


class Hosts:
    """One world a host, made when a story first names it; all of them have the same providers."""

    def __init__(self, ep, known_client, stack):
        self.ep, self.known_client, self.stack = ep, known_client, stack
        self.worlds, self.people, self.env, self.answers = {}, {}, {}, {}
        self.key = canary.new_token()

    def world(self, host="", fresh=False):
        if host not in self.worlds:
            c = self.worlds[host] = self.stack.enter_context(Ccrun(self.ep, delivery=None))
            self.known_client(c)
            for name in OURS:
                c.overlay(name, f"[provider]\nbase_url = {self.ep.url}\n")
            if not fresh:
                c.init()
                for name in ("openrouter", "zai"):
                    c.add(name, self.key)
        return self.worlds[host]

    def person(self, host):
        if host not in self.people:
            c = self.world(host)
            env = {"PATH": f"{c.home}/stand-in:{c.bin}:{c.env()['PATH']}", **self.env}
            answers = {r"(?i)key[^\n]*: ": self.key, **self.answers, **ANSWERS}
            cwd = c.home if host else c.cwd
            self.people[host] = self.stack.enter_context(Person(c, answers, env, cwd))
        return self.people[host]


# ---- what a line needs -------------------------------------------------


@dataclass
class Row:
    before: object = None       # (hosts, world): before it
    says: str = ""              # a pattern
    after: object = None        # (hosts, world, what it said)
    instead: str = ""           # what a person puts in the place of a word of the page
    status: int = 0


FRESH = {
}

LINES = {
}


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.name)
def test_example(story, ep, known_client):
    with ExitStack() as stack:
        hosts = Hosts(ep, known_client, stack)
        for line in story.lines:
            row = LINES.get((story.page, line.text.partition("  #")[0].rstrip()), Row())
            world = hosts.world(line.host, fresh=story.name in FRESH)
            if row.before:
                row.before(hosts, world)
            said, status = hosts.person(line.host).types(line.text)
            print(f"{line.host}$ {line.text}\n{said}[{status}]")
            assert status == row.status, said
            assert re.search(row.says, said), said
            if row.after:
                row.after(hosts, world, said)
