"""A home as people have them, with keys in every place that ccctl import knows."""
import json

import canary
from ccrun import CCCTL, REPO, Ccrun

FIXTURES = REPO / "tests/import"


class Home(Ccrun):
    """A world whose tokens are known by name: self.made[name]."""

    def __init__(self, **kw):
        super().__init__(**kw)
        self.made = {}

    def key(self, name, prefix="", length=40):
        self.made[name] = prefix + canary.new_token(length)
        return self.made[name]

    def program(self, name, text="#!/bin/sh\nexit 1\n"):
        """A program of that name that is found (and must not be run)."""
        return self.write(f"programs/{name}", text, 0o755)

    def env(self, more=None):
        env = super().env()
        env["PATH"] = f"{self.home}/programs:{env['PATH']}"
        return {**env, **{k: str(v) for k, v in (more or {}).items()}}

    def imp(self, *words, rc=0, **kw):
        """ccctl import WORDS; its result."""
        r = self.run([CCCTL, "import", *words], **kw)
        assert r.rc == rc, r
        for name, token in self.made.items():
            assert not canary.scan_bytes(r.out + r.err, token), f"{name} was shown\n{r.out}\n{r.err}"
        return r

    def found(self, *words, **kw):
        """What ccctl import --json says."""
        return json.loads(self.imp("--json", *words, **kw).out)

    def get(self, entry):
        r = self.ccctl("get", entry)
        return r.out if r.rc == 0 else None

    def leaks(self, skip=()):
        """Which tokens have a piece anywhere below the world's root."""
        return {f"{name}: {f}" for name, token in self.made.items()
                for f in canary.scan_files(self.root, token, skip=skip)}

    def bytes_of(self, *paths):
        return {p: (self.home / p).read_bytes() for p in paths}
