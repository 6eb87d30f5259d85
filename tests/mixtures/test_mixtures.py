"""Older programs themselves, built from the history (versions), with those of today: make mixtures."""
import os
import signal
import subprocess
from pathlib import Path

import pytest

import older
from built import BUILD, REPO
from ccrun import Ccrun
from client import alive, until

pytestmark = [pytest.mark.mixture, pytest.mark.usefixtures("ordinary_user")]

BUILT = Path(os.environ.get("CCRUN_MIXTURES", REPO / "build/mixtures"))
VERSION = 8  # where a vault's file has that of its format


@pytest.fixture(params=list(older.versions()))
def name(request):
    return request.param


@pytest.fixture
def before(name):
    return BUILT / name / "build"


@pytest.fixture
def c(ep, before):
    with Ccrun(ep, prefix=before, delivery=None) as world:
        world.provider("demo", title="Demo", base_url=ep.url, auth="bearer", docs="a loopback endpoint")
        world.file = world.data / "ccrun/vault"
        yield world


def programs(c, prefix):
    c.bin = Path(prefix) / "bin"


def made(c, token):
    """A vault with a key, by whichever programs there are."""
    c.init()
    r = c.run([c.bin / "ccctl", "add", "demo"], input=token + "\n")
    assert r.rc == 0, r


def end_broker(c):
    pid = int(c.record()[-1]["pid"]) if c.record()[-1]["event"] == "start" else \
        int([e for e in c.record() if e["event"] == "start"][-1]["pid"])
    os.kill(pid, signal.SIGTERM)
    until(lambda: not alive(pid), what="the broker's end")


def shapes(rows):
    return {f"{r.request['op']} {older.shape(r.request)} {older.shape(r.answer)}" for r in rows}


def test_what_is_kept_is_what_they_say(name, before, tmp_path):
    out = tmp_path / "said.json"
    subprocess.run(["/usr/bin/python3", REPO / "tests/mixtures/record.py", before, out], check=True, timeout=120)
    # In what order they come is not the same each time: their watcher asks, too.
    assert shapes(older.rows(out)) == shapes(older.said(name))


def test_their_vault(c, before, token):
    """Opened and changed by the programs of today; then those of before open it or say why not, and change nothing."""
    made(c, token)
    end_broker(c)
    programs(c, BUILD)
    r = c.unlock()
    assert r.rc == 0 and c.with_passphrase("get", "demo").out == token, r
    assert c.run([c.bin / "ccctl", "add", "openrouter"], input=token[::-1] + "\n").rc == 0
    for settings in ((), ("durable=yes",)):
        if settings:
            assert c.with_passphrase("settings", *settings).rc == 0
        assert c.ccctl("log", "--verify").rc == 0
        end_broker(c)
        programs(c, before)
        data = c.file.read_bytes()
        r = c.unlock()
        assert r.rc == 0 or (r.rc == 1 and f"format version {data[VERSION]} is not known" in r.err
                             and "nothing was written" in r.err), r
        assert c.file.read_bytes() == data
        end_broker(c)
        programs(c, BUILD)
        assert c.unlock().rc == 0
        assert c.with_passphrase("get", "demo").out == token and c.with_passphrase("get", "openrouter").out == token[::-1]


def test_their_client_and_the_broker_of_today(c, before, token):
    programs(c, BUILD)
    made(c, token)
    programs(c, before)
    for words in (["status"], ["keys"], ["list"], ["log"], ["lock"]):
        r = c.run([c.bin / "ccctl", *words])
        assert r.rc == 0, (words, r)
    assert c.unlock().rc == 0
    r = c.run([c.bin / "ccctl", "get", "demo"])
    # To the oldest ones this error is unknown, which is an internal one.
    assert r.rc in (1, 5) and token not in r.out + r.err and "hint: " in r.err, r
    r = c.run([c.bin / "ccrun", "--exec", "/bin/sh", "demo", "-c", 'echo "$ANTHROPIC_AUTH_TOKEN"'])
    assert r.rc == 125 and token not in r.out and "hint: " in r.err, r
    programs(c, BUILD)
    assert c.with_passphrase("get", "demo").out == token and c.ccctl("log", "--verify").rc == 0


def test_their_broker_and_the_client_of_today(c, token):
    made(c, token)
    programs(c, BUILD)
    r = c.ccctl("status")
    assert r.rc == 0 and "process " in r.out, r
    for words in (["get", "demo"], ["sessions"], ["limit", "demo", "5/day"], ["unlock"], ["rm", "demo"]):
        r = c.with_passphrase(*words) if words[0] in ("get", "unlock", "rm") else c.ccctl(*words)
        assert r.rc == 0 or "another version" in r.err or "programs of one version" in r.err, (words, r)
    r = c.ccrun("--exec", "/bin/sh", "demo", "-c", 'echo "$ANTHROPIC_AUTH_TOKEN"')
    assert r.rc == 0 or (r.rc == 125 and "ccrun: " in r.err), r
    assert c.ccctl("lock").rc == 0
    # and as the hint says
    end_broker(c)
    assert c.unlock().rc == 0 and c.with_passphrase("get", "demo").out == token


def test_a_session_of_theirs_goes_on_beside_the_broker_of_today(c, token):
    made(c, token)
    s = c.popen([c.bin / "ccrun", "--exec", "/bin/sh", "demo", "-c",
                 'read -r key < "$HOME/live"; echo up; while read -r word; do [ "$ANTHROPIC_AUTH_TOKEN" = "$key" ] && '
                 'echo right || echo wrong; done'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    c.write("live", token + "\n")
    if s.stdout.readline() != "up\n":
        s.kill()
        pytest.skip("these go by relay, which ends with its broker: test_upgrades.py")
    programs(c, BUILD)
    for _ in range(2):
        end_broker(c)
        assert c.unlock().rc == 0
        s.stdin.write("still\n")
        assert s.stdout.readline() == "right\n"
    s.stdin.close()
    s.stdout.close()
    assert s.wait(20) == 0
