"""A manager's agent that a session put in the place of the person's (helpers/source/agent.h): gpg and
gpg-agent themselves, where a pinentry is played, and with it the person who answers whichever asks."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from ccrun import CCRUN
from client import until
from controls import off
from sources import Standin

pytestmark = [pytest.mark.usefixtures("ordinary_user"),
              pytest.mark.skipif(not shutil.which("gpg", path="/usr/bin:/bin"), reason="no gpg")]

TOKEN = "5f0c2a9d1b7e4c3f8a6d5e4c3b2a1f0e.QzR7vWn3kPx8LmT2"
PHRASE = "only the person types this"
PATH = "/usr/bin:/bin"
MARKED = ") answers as gpg-agent, and descends from a session"
CHANGED = "another gpg-agent came, or one went, while it was in use"
PINENTRY = """#!/bin/sh
echo "OK hi"
while read -r word rest; do
    case $word in
        GETPIN) echo asked >> {asked}; {then}echo "D {phrase}"; echo OK ;;
        BYE) echo OK; exit ;;
        *) echo OK ;;
    esac
done
"""
LATER = "until test -e {gate}; do sleep .05; done; exec gpg --quiet --decrypt {file}"


class Gpg:
    """Provider far, whose key is in a file of gpg's; provider demo for sessions."""

    def __init__(self, c, made, source=None):
        self.c, self.token = c, TOKEN
        self.home = c.home / ".gnupg"
        shutil.copytree(made, self.home, ignore=lambda _, names: [n for n in names if n.startswith(("S.", "k.gpg"))])
        self.socket = self.home / "S.gpg-agent"
        self.file, self.gate = c.home / "k.gpg", c.home / "gate"
        self.person = self.pinentry("person")
        self.conf(self.person)
        shutil.copy(made / "k.gpg", self.file)
        c.provider("far", base_url="https://far.example.test", auth="bearer")
        source = (source or "gpg:{file}").format(file=self.file, gate=self.gate)
        r = c.ccctl("add", "far", "--source", source, *c.allows("far"), "--no-check", env={"PATH": PATH})
        assert r.rc == 0, r

    def conf(self, program, cached=False):
        ttl = "" if cached else "max-cache-ttl 0\ndefault-cache-ttl 0\n"
        (self.home / "gpg-agent.conf").write_text(f"pinentry-program {program}\n{ttl}")

    def pinentry(self, name, then=""):
        program = self.c.write(f"pinentries/{name}", PINENTRY.format(asked=self.c.home / f"asked-{name}", then=then,
                                                                      phrase=PHRASE), 0o755)
        return program

    def asked(self, name):
        path = self.c.home / f"asked-{name}"
        return path.read_text().count("asked") if path.exists() else 0

    def kill(self):
        self.c.run(["gpgconf", "--kill", "gpg-agent"], {"PATH": PATH})
        until(lambda: not self.socket.exists(), what="the agent's end")

    def planted(self):
        """By a session, which it outlives."""
        evil = self.pinentry("session")
        r = self.c.ccrun("--exec", "/bin/sh", "demo", "-c", "gpgconf --kill gpg-agent; gpg-agent --daemon "
                         f"--pinentry-program {evil} >/dev/null 2>&1; gpg-connect-agent 'getinfo pid' /bye")
        assert r.rc == 0 and "D " in r.out, r
        return r.out.split()[1]

    def fetch(self, *controls):
        return self.c.says("far", {"PATH": PATH, **off(*controls)})

    def start(self, *controls):
        p = self.c.popen([CCRUN, "--exec", "/bin/sh", "far", "-c", 'printf %s "$ANTHROPIC_AUTH_TOKEN"'],
                         {"PATH": PATH, **off(*controls)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return p

    def forget(self):
        assert self.c.ccctl("lock").rc == 0 and self.c.unlock().rc == 0


@pytest.fixture(scope="module")
def made():
    """A home of gpg's with a key, and k.gpg, which that opens: making it takes a while."""
    with tempfile.TemporaryDirectory(prefix="ccrun-gpg.") as home:
        env = {"PATH": PATH, "GNUPGHOME": home, "HOME": home}
        gpg = ["gpg", "--quiet", "--batch", "--trust-model", "always"]
        subprocess.run([*gpg, "--pinentry-mode", "loopback", "--passphrase", PHRASE, "--quick-gen-key", "t@example.org",
                        "rsa2048", "encr", "never"], env=env, check=True, capture_output=True)
        subprocess.run([*gpg, "--encrypt", "--recipient", "t@example.org", "--output", f"{home}/k.gpg"], env=env, check=True,
                       input=TOKEN.encode())
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=env, check=True)
        yield Path(home)


SOURCES = {"gpg": "gpg:{file}", "a shell": "command:sh -c 'exec gpg --quiet --decrypt {file}'"}


@pytest.fixture
def gpg(ready, made, request):
    g = Gpg(ready, made, getattr(request, "param", None))
    yield g
    g.gate.touch()
    if not g.socket.is_socket():
        g.socket.unlink(missing_ok=True)
    g.c.run(["gpgconf", "--kill", "gpg-agent"], {"PATH": PATH})


later = pytest.mark.parametrize("gpg", [f"command:sh -c '{LATER}'"], indirect=True, ids=["later"])


def is_refused(g, out, err, code, words):
    assert code == 125 and g.token not in out and words in err and "hint: " in err, (code, out, err)
    assert "the same command again" in err and g.asked("session") == 0, err


@pytest.mark.parametrize("gpg", SOURCES.values(), indirect=True, ids=SOURCES)
def test_one_that_a_session_left_is_not_used(gpg):
    pid = gpg.planted()
    r = gpg.fetch()
    is_refused(gpg, r.out, r.err, r.rc, f"process {pid} (gpg-agent{MARKED}")
    assert "hint: gpgconf --kill gpg-agent; then the same command again" in r.err, r
    r = gpg.fetch("manager-agent")
    assert r.out == gpg.token and gpg.asked("session") == 1, "without the control the session is told"
    gpg.forget()
    gpg.kill()
    assert gpg.fetch().out == gpg.token and gpg.asked("person") == 1


@later
def test_one_that_comes_while_the_manager_runs_is_not_used(gpg):
    for controls in ((), ("manager-agent",)):
        p = gpg.start(*controls)
        until(lambda: b"exec gpg" in b"".join(cmdlines(gpg)), what="the manager")
        gpg.planted()
        if controls:
            gpg.gate.touch()
        out, err = p.communicate(timeout=60)
        if not controls:
            is_refused(gpg, out, err, p.returncode, MARKED)
            assert "what you typed for it meanwhile, change" in err
            gpg.kill()
    assert out == gpg.token and gpg.asked("session") == 1, "without the control the session is told"


def cmdlines(g):
    """Those of the manager's processes."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read()
        except OSError:
            continue
        if str(g.gate).encode() in words and words.startswith((b"sh", b"/usr/bin/sh", b"/bin/sh")):
            yield words


@later
def test_one_that_comes_and_goes_between_two_looks_is_noticed(gpg):
    p = gpg.start()
    until(lambda: b"exec gpg" in b"".join(cmdlines(gpg)), what="the manager")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(gpg.socket))
        s.listen()
        gpg.socket.unlink()
    out, err = p.communicate(timeout=60)
    is_refused(gpg, out, err, p.returncode, CHANGED)


@later
def test_a_directory_in_the_place_of_its_own_is_noticed(gpg):
    p = gpg.start()
    until(lambda: b"exec gpg" in b"".join(cmdlines(gpg)), what="the manager")
    away = gpg.home.rename(gpg.c.home / "away")
    away.rename(gpg.home)
    out, err = p.communicate(timeout=60)
    is_refused(gpg, out, err, p.returncode, CHANGED)


@later
def test_a_link_that_another_link_leads_through_is_watched(gpg):
    """As of files that are kept in one place: ~/.gnupg -> dot/gnupg, ~/dot -> kept."""
    kept, dot = gpg.c.home / "kept", gpg.c.home / "dot"
    kept.mkdir()
    gpg.home.rename(kept / "gnupg")
    dot.symlink_to("kept")
    gpg.home.symlink_to("dot/gnupg")
    p = gpg.start()
    until(lambda: b"exec gpg" in b"".join(cmdlines(gpg)), what="the manager")
    other = gpg.c.home / "other"
    shutil.copytree(kept, other, ignore=lambda _, names: [n for n in names if n.startswith("S.")])
    dot.unlink()
    dot.symlink_to("other")
    time.sleep(0.5)
    gpg.gate.touch()
    out, err = p.communicate(timeout=60)
    is_refused(gpg, out, err, p.returncode, CHANGED)


def test_one_that_takes_the_place_of_the_person_s_while_it_asks_is_noticed(gpg):
    gpg.conf(gpg.pinentry("waits", then="sleep 60; "))
    p = gpg.start()
    until(lambda: gpg.asked("waits"), what="the question")
    gpg.planted()
    out, err = p.communicate(timeout=60)
    is_refused(gpg, out, err, p.returncode, CHANGED)


def test_one_s_own_is_used(gpg):
    """None runs and gpg starts it, it runs and asks, it has the passphrase, it was killed."""
    for cached, asked in ((False, 1), (False, 2), (True, 3), (True, 3)):
        gpg.conf(gpg.person, cached)
        gpg.c.run(["gpg-connect-agent", "reloadagent", "/bye"] if asked > 1 and gpg.asked("person") < asked else ["true"],
                  {"PATH": PATH})
        r = gpg.fetch()
        assert (r.rc, r.out) == (0, gpg.token), r
        assert gpg.asked("person") == asked
        gpg.forget()
    r = gpg.c.run(["gpg-connect-agent", "getinfo pid", "/bye"], {"PATH": PATH})
    os.kill(int(r.out.split()[1]), signal.SIGKILL)
    assert gpg.socket.is_socket()
    r = gpg.fetch()
    assert (r.rc, r.out) == (0, gpg.token) and gpg.asked("person") == 4, r


@pytest.mark.parametrize("way", ["redirect", "link"])
def test_what_leads_elsewhere_is_not_followed(gpg, way):
    other = gpg.c.home / "S.other"
    if way == "link":
        gpg.socket.symlink_to(other)
    else:
        gpg.socket.write_text(f"%Assuan%\nsocket={other}\n")
    r = gpg.fetch()
    is_refused(gpg, r.out, r.err, r.rc, f"in the place of gpg-agent's socket is what leads elsewhere: {gpg.socket}")


def test_one_that_does_not_answer_is_not_used(gpg):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(gpg.socket))
        s.listen()
        r = gpg.fetch()
    is_refused(gpg, r.out, r.err, r.rc, f"who answers as gpg-agent cannot be looked at: {gpg.socket}")
    gpg.socket.unlink()


def test_one_named_by_the_command_is_found(ready, made):
    """gpg --homedir, of a file of one's own."""
    g = Gpg(ready, made)
    other = g.home.rename(ready.home / "other")
    g.home, g.socket = other, other / "S.gpg-agent"
    ready.plain_env["GNUPGHOME"] = str(other)
    g.planted()
    del ready.plain_env["GNUPGHOME"]
    ready.provider("third", base_url="https://third.example.test", auth="bearer")
    r = ready.ccctl("add", "third", "--source", f"command:gpg --homedir {other} --quiet --decrypt {g.file}",
                    *ready.allows("third"), "--no-check", env={"PATH": PATH})
    assert r.rc == 0, r
    r = ready.says("third", {"PATH": PATH})
    is_refused(g, r.out, r.err, r.rc, MARKED)
    ready.run(["gpgconf", "--homedir", other, "--kill", "gpg-agent"], {"PATH": PATH})


# ---- rbw ----

RBW_AGENT = """
import os, socket
path = os.path.join(os.environ["XDG_RUNTIME_DIR"], "rbw/socket")
os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
s = socket.socket(socket.AF_UNIX)
s.bind(path)
s.listen()
if os.fork() == 0:
    os.setsid()
    for fd in range(3):
        os.close(fd)
    while True:
        c, _ = s.accept()
        if c.recv(64).endswith(b"\\n"):
            c.send(b'{"type":"Error","error":"failed to parse message"}\\n')
        c.close()
"""


def test_an_agent_of_rbw_is_looked_at_as_well(ready, token):
    """rbw is a stand-in, and its agent answers as that of rbw does."""
    rbw = Standin(ready, "rbw")
    rbw.plays(out=token + "\n")
    path = f"{rbw.bin}:{PATH}"
    ready.provider("far", base_url="https://far.example.test", auth="bearer")
    r = ready.ccctl("add", "far", "--source", "rbw:it", *ready.allows("far"), "--no-check", env={"PATH": path})
    assert r.rc == 0, r
    program, where = ready.write("agent.py", RBW_AGENT), ready.runtime / "rbw/socket"
    start = ["/usr/bin/python3", str(program)]
    try:
        assert ready.ccrun("--exec", start[0], "demo", start[1]).rc == 0
        r = ready.says("far", {"PATH": path})
        assert r.rc == 125 and ") answers as rbw-agent, and descends from a session" in r.err, r
        assert "hint: rbw stop-agent; " in r.err and not rbw.runs()
        end(program)
        assert where.exists() and ready.says("far", {"PATH": path}).out == token, "what is left of one that was killed"
        assert not where.exists() and ready.ccctl("lock").rc == 0 and ready.unlock().rc == 0
        assert ready.run(start).rc == 0 and ready.says("far", {"PATH": path}).out == token, "the person's own"
    finally:
        end(program)


def end(program):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f.read().rstrip(b"\0").endswith(b"\0" + str(program).encode()):
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue
