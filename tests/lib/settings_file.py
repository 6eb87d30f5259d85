"""A settings.json of Claude Code in a world of its own, and ccctl statusline
on it: w.put(bytes), w.get() -> bytes, w.verb("install", "--yes") -> Result."""
from types import SimpleNamespace

import pytest

from ccrun import BUILD, Ccrun

PROGRAM = BUILD / "bin/ccrun-statusline"
OURS = {"type": "command", "command": str(PROGRAM), "padding": 0, "refreshInterval": 10}


@pytest.fixture
def w():
    """A world with a settings file to write: w.put(bytes), w.get() -> bytes."""
    with Ccrun() as c:
        path = c.home / ".claude/settings.json"
        path.unlink()

        def put(data):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o600)
            c.own()

        def verb(*words, **kw):
            return c.ccctl("statusline", *words, **kw)

        yield SimpleNamespace(c=c, path=path, put=put, get=path.read_bytes, verb=verb,
                              backup=path.with_name("settings.json.ccrun-backup"),
                              saved=c.state / "ccrun/statusline.json",
                              files=lambda: sorted(p.name for p in path.parent.iterdir()))


def install(w, *more, **kw):
    r = w.verb("install", "--yes", *more, **kw)
    assert r.rc == 0, r
    return r


def remove(w):
    r = w.verb("remove", "--yes")
    assert r.rc == 0, r
    return r


def refused(w, data, r, rc=None):
    """Nothing happened, and an error says so."""
    assert r.rc != 0 and (rc is None or r.rc == rc) and r.err.count("ccctl: "), r
    assert w.get() == data and w.files() == ["settings.json"] and not w.saved.exists()
