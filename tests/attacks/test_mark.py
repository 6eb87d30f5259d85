"""A process that descends from a session is refused, for ever: whatever it does
to its parents, its limits or its namespaces, and however it asks."""
import os
import shlex
import signal

import pytest

from attack import PYTHON, answers, content, nowhere, session
from ccrun import CCBROKER, CCCTL, CCRUN, PASSPHRASE
from client import LIB, until

# With the passphrase at hand: what refuses is the mark.
GET = f"{CCCTL} get demo --reveal --passphrase-fd 9 9< $HOME/passphrase"
RAW = f"{PYTHON} {LIB}/attack_raw.py"


def refused_inside(c, tools, token, command, **kw):
    """The command's output; it failed inside a session, and brought nothing."""
    r = session(c, tools, f"{command}; echo ended=$?", **kw)
    assert r.rc == 0, r
    assert answers(r.out)["ended"] not in ("0", "126", "127"), r
    nowhere(c, token, r.out, r.err)
    return r.out + r.err


@pytest.fixture(autouse=True)
def at_hand(ready):
    ready.write("passphrase", PASSPHRASE + "\n")


@pytest.fixture(autouse=True)
def namespaces(request, ready):
    """What makes a user namespace cannot be tried where nobody may (a chroot,
    some containers)."""
    words = str(request.node.callspec.params) if hasattr(request.node, "callspec") else ""
    shape = SHAPES.get(words and request.node.callspec.params.get("shape"), "")
    if "unshare" in words + shape and ready.run(["unshare", "-Urpf", "true"]).rc != 0:
        pytest.skip("no user namespaces here")


# ---- how it may ask ----------------------------------------------------

@pytest.mark.parametrize("command", [
    GET, f"{CCRUN} --exec $TOOLS/victim demo", f"{CCRUN} demo -p hello", f"{CCCTL} approve demo",
    f"{CCCTL} rm demo", f"{CCCTL} lock", f"{CCCTL} list",
    f"echo another-token-of-mine | {CCCTL} add demo --replace",
    f"echo {shlex.quote(PASSPHRASE)} | {CCCTL} unlock --passphrase-fd 0",
    f"echo {shlex.quote(PASSPHRASE)} | {CCCTL} init --passphrase-fd 0",
])
def test_programs_inside_are_refused(ready, ep, tools, token, command):
    before = (ready.data / "ccrun/vault").read_bytes()
    if "list" in command or "unlock" in command:
        # They do not need the broker for everything: what matters is what they bring.
        r = session(ready, tools, command)
        nowhere(ready, token, r.out, r.err)
    else:
        said = refused_inside(ready, tools, token, command)
        assert "inside" in said or "exists" in said or "already" in said, said
    assert (ready.data / "ccrun/vault").read_bytes() == before
    assert ready.status()["state"] == "unlocked" and not ep.main
    assert ready.ccctl("get", "demo").out.strip() == token, "outside it works"


@pytest.mark.parametrize("how", ["", "unshare -Ur", "unshare -Urpf"])
def test_raw_protocol_inside_is_refused(ready, ep, tools, token, how):
    origin = shlex.quote("bearer " + ep.url)
    asked = f"{RAW} $XDG_RUNTIME_DIR/ccrun/broker.sock demo {origin}"
    r = session(ready, tools, f"{how} {asked}")
    found = answers(r.out)
    assert r.rc == 0 and len(found) > 8, r
    assert set(found.values()) <= {"marked", "posture" if how else "marked"}, found
    assert found["get"] == "marked"
    nowhere(ready, token, r.out, r.err)
    # The control: outside, the same program may use it; reading it wants a person.
    r = ready.run(["sh", "-c", asked])
    assert answers(r.out) == {"get": "person", "list": "OK", "slots": "OK", "open": "OK"}, r


# ---- how it may hide ---------------------------------------------------

SHAPES = {
    "setsid": "setsid -w {}",
    "daemon": "(setsid sh -c '{}; echo $? > $HOME/done' < /dev/null &) ; "
              "while [ ! -e $HOME/done ]; do sleep 0.01; done; (exit $(cat $HOME/done))",
    "nohup": "nohup {}",
    "bare environment": "env -i HOME=$HOME XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR {}",
    "another name": "exec -a sshd {}",
    "script": "script -qec '{} >told; code=$?; cat told; rm told; exit $code' /dev/null",  # else it waits for Enter
    "user namespace": "unshare -Ur {}",
    "user and pid namespace": "unshare -Urpf {}",
    "mounts and proc": "unshare -Urpfm --mount-proc {}",
    "no new privileges": "setpriv --no-new-privs {}",
    "limits": "prlimit --core=0 {}",
    "chroot": "unshare -Ur /usr/sbin/chroot / {}",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_hiding_does_not_help(ready, tools, token, shape):
    command = f"bash -c {shlex.quote(SHAPES[shape].format(GET))}"
    refused_inside(ready, tools, token, command)
    if "namespace" not in shape and "mounts" not in shape and shape != "chroot":
        (ready.home / "done").unlink(missing_ok=True)
        r = ready.run(["sh", "-c", command])
        assert token in r.out, f"outside the same works: {r}"


@pytest.mark.parametrize("how", ["", "unshare -Ur", "unshare -Urpf"])
def test_the_mark_cannot_be_raised(ready, tools, how):
    r = session(ready, tools, f"{how} $TOOLS/spy unmark")
    found = answers(r.out)
    assert (found["setrlimit"], found["prlimit"], found["marked"]) == ("EPERM", "EPERM", "1"), r
    assert found["prlimit-parent"] in ("EPERM", "ESRCH")
    # The control: what is not marked may set it, to what it is.
    assert answers(ready.run([tools / "spy", "unmark"]).out)["setrlimit"] == "OK"


def test_it_outlives_the_session_and_the_broker(ready, tools, token):
    """A daemon that a session left behind asks when the session is over, when
    the broker was killed, and when a new one serves."""
    # All descriptors away, so that nothing waits for it.
    ask = (f"for n in 1 2 3; do while [ ! -e $HOME/go$n ]; do sleep 0.01; done; "
           f"{GET} > $HOME/got$n 2>&1; {CCRUN} --exec $TOOLS/victim demo >> $HOME/got$n 2>&1; "
           f"echo end >> $HOME/got$n; done")
    r = session(ready, tools, f"(setsid bash -c {shlex.quote(ask)} < /dev/null > /dev/null 2>&1 &); "
                              "echo started")
    assert r.rc == 0 and "started" in r.out
    until(lambda: ready.status()["sessions"] == 0, what="the session's end")

    def asks(n):
        ready.write(f"go{n}", "")
        return content(ready.home / f"got{n}", "end\n")
    assert "inside" in asks(1)
    os.kill(ready.broker(), signal.SIGKILL)
    until(lambda: ready.broker() is None, what="the broker's end")
    assert "inside" in asks(2)
    assert ready.broker() is None, "a session's process starts no broker"
    assert ready.unlock().rc == 0
    assert "inside" in asks(3)
    nowhere(ready, token)
    assert {e["result"] for e in ready.record() if e["event"] in ("get", "open")} == {"granted", "marked"}


def test_a_broker_does_not_start_inside(ready):
    ready.ccctl("lock")
    os.kill(ready.broker(), signal.SIGTERM)
    until(lambda: ready.broker() is None, what="the broker's end")
    r = ready.run(["bash", "-c", f"ulimit -x 4096; exec {CCBROKER} --foreground"])
    assert r.rc == 1 and "inside a session" in r.err, r


# ---- nested = allow ----------------------------------------------------

def test_nested_needs_the_seal(ready, tools, token):
    """Editing the file is not enough, from inside nobody can seal it, and a
    person's approval from outside opens it for that entry alone."""
    again = f"{CCRUN} --exec $TOOLS/victim demo"
    ready.demo(policy={"nested": "allow"})
    refused_inside(ready, tools, token, again)
    refused_inside(ready, tools, token, f"{CCCTL} approve demo")
    refused_inside(ready, tools, token, f"echo yes | {CCCTL} approve demo")
    refused_inside(ready, tools, token, again)
    r = ready.ccctl("approve", "demo", "--yes")
    assert r.rc == 0, r
    r = session(ready, tools, again)
    assert r.rc == 0, f"sealed, it works: {r}"
    refused_inside(ready, tools, token, GET)
    refused_inside(ready, tools, token, f"{CCCTL} approve demo")


def test_nested_is_for_that_entry_alone(ready, ep, tools, token):
    ready.provider("open", base_url=ep.url, auth="bearer", policy={"nested": "allow"})
    ready.add("open", token[::-1])
    assert session(ready, tools, f"{CCRUN} --exec $TOOLS/victim open").rc == 0
    refused_inside(ready, tools, token, f"{CCRUN} --exec $TOOLS/victim demo")
