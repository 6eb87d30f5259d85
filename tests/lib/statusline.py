"""The status line's program in a world, and a broker that it can ask.

    with Line() as w, UsageBroker(w) as broker:
        broker.answers(state="fresh", age=1, items=[...])
        w.line(fixture("turn"), CCRUN_PROVIDER="zai")      # without colours
        w.bytes(b"{}")                                      # as it comes
"""
import json
import subprocess
from pathlib import Path

from ccrun import BUILD, Ccrun
from client import REPO
from logind import StandIn

PROGRAM = BUILD / "bin/ccrun-statusline"
FIXTURES = REPO / "tests/statusline"


def fixture(name, **changes):
    """An input; changes replace its keys (None: null)."""
    return {**json.loads((FIXTURES / f"{name}.json").read_text()), **changes}


class Line(Ccrun):
    def start(self, env=None, argv=(PROGRAM,), **kw):
        """The program, its output to be read; env: nothing of it is there by itself
        that routes a client."""
        clean = {"TERM": "xterm-256color", "XDG_RUNTIME_DIR": self.runtime, **(env or {})}
        return self.popen(list(argv), env=clean, stdout=subprocess.PIPE, **kw)

    def bytes(self, given, env=None, timeout=30, **kw):
        """Its output; given: bytes, a text or an object.  It must exit with 0."""
        if not isinstance(given, bytes):
            given = (given if isinstance(given, str) else json.dumps(given)).encode()
        p = self.start(env, stdin=subprocess.PIPE, **kw)
        out, _ = p.communicate(given, timeout)
        assert p.returncode == 0, (p.returncode, out)
        return out

    def line(self, given, *, argv=(PROGRAM,), cwd=None, **env):
        """The line without colours and without its end."""
        out = self.bytes(given, {"NO_COLOR": "1", **env}, argv=argv, cwd=cwd).decode()
        assert out.endswith("\n") and out.count("\n") == 1, out
        return out[:-1]

    def conf(self, text, mode=0o600):
        path = self.write(self.config / "ccrun/ccrun.conf", text, mode)
        path.parent.chmod(0o700)
        return path


class UsageBroker(StandIn):
    """tests/lib/usage_broker.py in a world."""

    def __init__(self, world):
        directory = Path(world.runtime) / "ccrun"
        directory.mkdir(mode=0o700, exist_ok=True)
        world.own()
        super().__init__(world, "usage_broker.py", world.root / "usage.log", directory / "broker.sock")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def answers(self, **fields):
        self.tell(json.dumps(fields), "told")

    def says(self, word):
        self.tell(word, "told")

    def asked(self):
        """The requests so far, without hello."""
        return [{k: v for k, v in e.items() if k != "event"}
                for e in self.events("request") if e["op"] != "hello"]
