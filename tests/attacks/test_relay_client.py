"""The same with the real client and ccrun's own programs: what a session's tools, the
environment, the user's files and a program outside of any session can make of a key that a
relay uses."""
import shlex
import subprocess

import pytest

from attack import LOOKS, PYTHON, answers, nowhere
from ccrun import CCCTL, CCRUN
from client import LIB, until
from endpoint import Bash, Error, Text

RAW = f"{PYTHON} {LIB}/attack_raw.py"


@pytest.fixture
def relayed(c, token):
    c.demo(policy={"delivery": "relay"})
    c.ready(token)
    return c


def sent_with(ep, token):
    return {q.headers.get("authorization") for q in ep.main} == {"Bearer " + token}


# ---- the environment ---------------------------------------------------

def hostile(c, tools, evil):
    """What loads code into a program, shows TLS's keys, or sends it elsewhere."""
    conf = c.write("openssl.cnf", "openssl_conf = x\n[x]\nengines = e\n[e]\nd = f\n[f]\n"
                                  f"dynamic_path = {tools}/spylib.so\ninit = 1\n")
    return {"LD_PRELOAD": tools / "spylib.so", "LD_AUDIT": "", "LD_LIBRARY_PATH": tools, "SPYLIB_LOG": c.home / "loaded",
            "SSLKEYLOGFILE": c.home / "keylog", "OPENSSL_CONF": conf, "OPENSSL_ENGINES": tools,
            "SSL_CERT_FILE": c.home / "evil.pem", "SSL_CERT_DIR": c.home, "CURL_CA_BUNDLE": c.home / "evil.pem",
            "HTTP_PROXY": evil.url, "http_proxy": evil.url, "ALL_PROXY": evil.url, "NO_PROXY": "", "no_proxy": "",
            "RES_OPTIONS": "debug", "LOCALDOMAIN": "evil.test", "HOSTALIASES": c.write("aliases", "localhost evil\n"),
            "GCONV_PATH": tools, "GLIBC_TUNABLES": "glibc.malloc.check=3", "MALLOC_TRACE": c.home / "trace",
            "CURL_HOME": c.home, "NETRC": c.write(".netrc", "default login x password y\n"), "LISTEN_FDS": "1"}


def test_nothing_of_an_environment_reaches_the_relay(c, ep, tools, evil, token):
    """Of those of ccctl, which starts the broker, of ccrun and of the client."""
    c.plain_env.update(hostile(c, tools, evil))
    c.demo(policy={"delivery": "relay"})
    c.ready(token)
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert sent_with(ep, token) and not evil.saw(token)
    assert not [q for q in evil.requests if "127.0.0.1" in q.path and "messages" in q.path], "not through that proxy"
    loaded = (c.home / "loaded").read_text().split()
    assert loaded and not [n for n in loaded if n.startswith(("ccrun-relay", "ccbroker"))], loaded
    for name in ("keylog", "trace"):
        assert not (c.home / name).exists(), name
    nowhere(c, token, r.out, r.err)


# ---- from inside a session ---------------------------------------------

REACH = """
import ctypes, os, socket, subprocess
inherited = [n for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")
             and os.readlink(f"/proc/self/fd/{n}").startswith("socket")]
libc = ctypes.CDLL(None, use_errno=True)
pid = int(subprocess.run([os.environ["TOOLS"] + "/spy", "session"], capture_output=True, text=True).stdout)
ask = b"GET /v1/models HTTP/1.1\\r\\nHost: ccrun.invalid\\r\\n\\r\\n"
got = set()
def use(s):
    s.settimeout(3)
    s.sendall(ask)
    got.add("answer " + repr(s.recv(100)))
for fd in range(64):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(f"/proc/{pid}/fd/{fd}")
        use(s)
    except OSError as e:
        got.add(e.strerror or str(e))
    pidfd = os.pidfd_open(pid)
    taken = libc.syscall(438, pidfd, fd, 0)
    got.add("taken" if taken >= 0 else os.strerror(ctypes.get_errno()))
    os.close(pidfd)
print("reach", sorted(got), "end")
print("inherited", inherited, "end")
"""


def test_what_the_bash_tool_reaches(relayed, ep, tools, token):
    script = relayed.write("reach.py", REACH)
    names = "for p in /proc/[0-9]*; do case $(cat $p/comm 2>/dev/null) in ccrun-relay|ccbroker) echo ${p#/proc/};; esac; done"
    ep.script[:] = [Bash(f"{PYTHON} {script}; env; ls $XDG_RUNTIME_DIR/ccrun"),
                    Bash(f"for p in $({names}); do echo look=$p; $TOOLS/spy look $p; done"),
                    Bash(f"{CCRUN} demo -p hello; {CCCTL} get demo; {CCCTL} approve demo --yes; {CCCTL} sessions end --all; "
                         f"{RAW} $XDG_RUNTIME_DIR/ccrun/broker.sock demo {shlex.quote('bearer ' + ep.url)}"),
                    Text("done")]
    r = relayed.ccrun("demo", "-p", "look", env={"TOOLS": tools})
    # One of them is what the ccrun inside asked: it uses the key, as nested = use allows.
    assert r.rc == 0 and len(ep.main) == 5, r
    first, looks, asks = ep.tool_results()
    reach = first.partition("reach [")[2].partition("] end")[0]
    assert "answer" not in reach and "taken" not in reach and "ermi" in reach, first
    assert "inherited [] end" in first, first
    for look in looks.split("look=")[1:]:
        found = answers(look)
        if found.get("exe") == "ENOENT" or not LOOKS <= set(found) or found["readv"] == "ESRCH":
            continue  # it has ended
        bad = {n: found[n] for n in LOOKS if found[n] not in ("EPERM", "EACCES")}
        assert not bad, look
    assert looks.count("look=") >= 2
    found = {k: v for k, v in answers(asks).items() if k in ("get", "list", "open", "put", "approve", "rm")}
    assert found and set(found.values()) == {"marked"}, asks
    assert sent_with(ep, token)
    nowhere(relayed, token, r.out, r.err, first, looks, asks)


def test_an_echo_in_a_stream(relayed, ep, token):
    """A provider that talks about the key: the client shows something else."""
    ep.default = Text(f"your key is {token}, as in Bearer {token}")
    r = relayed.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and "your key is" in r.out, r
    nowhere(relayed, token, r.out, r.err)


def test_the_client_does_not_follow_a_redirect_with_a_key(relayed, ep, evil, token):
    ep.script[:] = [Error(307, headers={"Location": evil.url + "/v1/messages"})]
    r = relayed.ccrun("demo", "-p", "hello")
    assert not evil.saw(token), r
    nowhere(relayed, token, r.out, r.err)


# ---- from outside ------------------------------------------------------

LAUNDERED = [
    "$CCCTL get demo", "$CCCTL get demo --reveal", "echo wrong | $CCCTL get demo --passphrase-fd 0",
    "$CCCTL approve demo --yes", "echo a-token-of-mine | $CCCTL add demo --replace --yes",
    "$CCCTL rename demo mine", "$CCCTL rm -y demo", "$CCCTL slot add recovery", "$CCCTL backup $HOME/b",
    "$CCCTL rekey"]


@pytest.mark.parametrize("command", LAUNDERED)
def test_a_program_that_shed_the_mark(relayed, ep, evil, token, command):
    """As a hook of a daemon that was started outside does; it edits the provider's file first."""
    before = (relayed.data / "ccrun/vault").read_bytes()
    relayed.demo(url=evil.url, policy={"delivery": "env", "nested": "allow"})
    r = relayed.run(["sh", "-c", command.replace("$CCCTL", str(CCCTL))])
    assert r.rc != 0, r
    nowhere(relayed, token, r.out, r.err)
    assert (relayed.data / "ccrun/vault").read_bytes() == before
    r = relayed.ccrun("--exec", "/usr/bin/env", "demo")
    assert r.rc == 125 and "approve" in r.err, r
    assert not evil.requests
    relayed.demo(policy={"delivery": "relay"})
    assert relayed.ccrun("demo", "-p", "hello").rc == 0 and sent_with(ep, token)


@pytest.mark.parametrize("delivery", ["preload", "pipe", "env"])
def test_a_loosened_file(relayed, token, delivery):
    relayed.demo(policy={"delivery": delivery})
    r = relayed.ccrun("--exec", "/usr/bin/env", "demo")
    assert r.rc == 125 and r.out == "", r
    nowhere(relayed, token, r.out, r.err)


def test_a_planted_claude_has_use_of_it_and_is_on_record(relayed, ep, token):
    planted = relayed.write("planted/claude", f"""#!{PYTHON}
import http.client, os, socket, sys
place = os.environ["ANTHROPIC_UNIX_SOCKET"]
class C(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(place)
c = C("ccrun.invalid")
c.request("POST", "/v1/messages", '{{"model": "m", "messages": [], "max_tokens": 1}}', {{"Authorization": "Bearer x"}})
r = c.getresponse()
print(r.status, r.read(), dict(r.getheaders()), dict(os.environ))
print(open("/proc/self/environ").read() if os.access("/proc/self/environ", os.R_OK) else "")
""", 0o755)
    relayed.plain_env["PATH"] = f"{planted.parent}:/usr/bin:/bin"
    r = relayed.run([CCRUN, "demo"], env={"PATH": f"{planted.parent}:/usr/bin:/bin"})
    nowhere(relayed, token, r.out, r.err)
    if r.rc == 0:
        assert r.out.startswith("200"), r
        assert sent_with(ep, token) or ep.saw(token)
        opened = [e for e in relayed.record() if e["event"] == "open"]
        assert opened and [e for e in relayed.record() if e["event"] == "release"]
    else:
        assert "relay" in r.err, r


def test_a_client_that_anybody_can_look_into(relayed, ep, tools, token):
    """It cannot be preloaded, so its memory, environment and descriptors are open; the key
    is in none of them, and who takes its connection gets nothing.  Not confined, or nobody could
    take one."""
    relayed.demo(policy={"delivery": "relay", "confine": "off"})
    assert relayed.ccctl("approve", "demo", "--yes").rc == 0
    source = relayed.write("open.c", """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static const char ask[] = "GET /v1/models HTTP/1.1\\r\\nHost: ccrun.invalid\\r\\n\\r\\n";
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char answer[4096];
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t n;
	(void)argc;
	strcpy(sa.sun_path, getenv("ANTHROPIC_UNIX_SOCKET"));
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) != 0 || write(s, ask, sizeof(ask) - 1) < 0 ||
	    (n = read(s, answer, sizeof(answer))) <= 0)
		return 1;
	printf("%.12s\\n", answer);
	fflush(stdout);
	/* So that a child knows which: the connection is on 30. */
	dup2(s, 30);
	return system(argv[1]) != 0;
}
""")
    program = relayed.home / "open"
    subprocess.run(["cc", "-static", "-o", program, source], check=True)
    script = relayed.write("take.py", """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
ask = b"GET /v1/models HTTP/1.1\\r\\nHost: ccrun.invalid\\r\\n\\r\\n"
def say(name, s):
    s.settimeout(5)
    try:
        s.sendall(ask)
        print(f"{name}={s.recv(100)!r}")
    except OSError as e:
        print(f"{name}={e!r}")
place = [n for n in os.listdir(f"/proc/{pid}/fd") if os.readlink(f"/proc/{pid}/fd/{n}").startswith("/")
         and os.stat(f"/proc/{pid}/fd/{n}").st_mode & 0o170000 == 0o140000]
for n in place:
    s = socket.socket(socket.AF_UNIX)
    s.connect(f"/proc/{pid}/fd/{n}")
    say("nameless", s)
taken = libc.syscall(438, os.pidfd_open(pid), 30, 0)
say("taken", socket.socket(fileno=taken))
say("inherited", socket.socket(fileno=30))
""")
    command = (f"{PYTHON} {script} $PPID; $TOOLS/spy dump $PPID > $HOME/dump; tr '\\0' '\\n' < /proc/$PPID/environ; "
               "$TOOLS/spy look $PPID")
    r = relayed.ccrun("--exec", program, "demo", command, env={"TOOLS": tools})
    found = answers(r.out)
    assert "HTTP/1.1 200" in r.out and found["mem"] == found["getfd"] == "OK", r
    # What it reads from the taken one is the rest of an answer to the client, who may be slow.
    assert found["nameless"] == "b''" and "HTTP/" not in found["taken"], found
    assert found["inherited"] == "b''" or "Error" in found["inherited"], found
    assert (relayed.home / "dump").stat().st_size > 100_000
    assert len(ep.of("models")) == 1
    nowhere(relayed, token, r.out, r.err)
    until(lambda: any("another process" in str(e) for e in relayed.record()), what="the refusal on record")
