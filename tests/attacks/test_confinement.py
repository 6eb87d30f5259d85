"""What the programs of a session cannot do to the user's other programs and to the terminal,
with the same done without confinement; and what people need goes on working in it."""
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from attack import LOOKS, answers, session
from ccrun import CCRUN, CONFINED
from client import until
from controls import off
from endpoint import Bash, Text

NO = {"EPERM", "EACCES"}
KERNEL = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])
scoped = pytest.mark.skipif(KERNEL < (6, 12), reason="Landlock scopes signals from Linux 6.12 on")
OFF = {"confine": "off"}


@pytest.fixture
def outside():
    """Another program of the user's."""
    with subprocess.Popen(["/bin/sleep", "1000"]) as p:
        yield p.pid
        p.kill()


@pytest.fixture
def loose(c, token):
    """A world whose sessions are not confined."""
    c.demo(policy=OFF)
    c.ready(token)
    return c


# ---- other processes ---------------------------------------------------

OWNERS = {"owner", "owner-ex", "owner-file", "owner-socket", "owner-signal", "async", "async-high", "async-ioctl"}
REACHES = {"ask", "kill", "tgkill", "pidfd-signal", "getfd", "seize", "limits", "keyring", "key"} | OWNERS


@scoped
def test_nothing_outside_is_reached(ready, tools, outside):
    r = session(ready, tools, f"$TOOLS/reach others {outside}; $TOOLS/spy look {outside}")
    found = answers(r.out)
    assert r.rc == 0 and REACHES | LOOKS <= set(found), r
    # Of two directories the names of descriptors are shown, and no more.
    bad = {name: found[name] for name in (REACHES | LOOKS) - {"fd", "map_files"} if found[name] not in NO}
    assert not bad, bad
    assert found["limits-read"] == found["own-limits"] == found["own-flags"] == "OK"


def test_control_without_confinement_it_is(loose, tools, outside):
    r = session(loose, tools, f"$TOOLS/reach others {outside}; $TOOLS/spy look {outside}")
    found = answers(r.out)
    assert r.rc == 0, r
    missed = {name: found[name] for name in REACHES | {"mem", "mem-write", "environ", "attach", "readv"}
              if found[name] != "OK"}
    assert not missed, missed


@scoped
def test_a_shell_outside_is_not_marked_from_inside(ready, tools):
    """Whose launches would be refused from then on."""
    with subprocess.Popen(["/bin/sleep", "1000"]) as p:
        r = session(ready, tools, f"prlimit --locks=0:0 --pid {p.pid}")
        assert r.rc == 4 and "ermitted" in r.err, r
        limits = Path(f"/proc/{p.pid}/limits").read_text()
        assert "unlimited" in next(line for line in limits.splitlines() if line.startswith("Max file locks")), limits
        p.kill()


def ended_by(c, tools):
    """The signal that ends a job of the shell's, in whose terminal session a program of ours has the kernel
    send it another; and what the program said."""
    script = ('set -m; sleep 1000 & job=$!; "$@" "$TOOLS/reach group $job"; echo exit=$?; '
              'kill -USR1 $job; wait $job; echo ended=$?')
    r = c.run(["bash", "-c", script, "bash", CCRUN, "--exec", tools / "victim", "demo"], env={"TOOLS": tools})
    found = answers(r.out)
    assert found["exit"] == "0", r
    return int(found["ended"]) - 128, found


@scoped
def test_the_kernel_signals_nobody_for_it(ready, tools):
    """Some kernels' Landlock lets SIGIO through to a process group, and every signal in its place."""
    number, found = ended_by(ready, tools)
    assert number == signal.SIGUSR1 and found["signal"] == "EPERM", found
    assert {found[name] for name in ("owner", "owner-signal", "async")} == {"EPERM"}, found


def test_control_without_confinement_it_does(loose, tools):
    number, found = ended_by(loose, tools)
    assert number == signal.SIGKILL, found


# ---- the terminal ------------------------------------------------------

def typed_after(c, tools):
    """What a session's program types is read by the shell that it came from."""
    p = pexpect.spawn("/bin/sh", ["-i"], env=c.env({"TOOLS": tools, "PS1": "shell> "}), cwd=str(c.cwd),
                      encoding="utf-8", timeout=20)
    p.delaybeforesend = None
    p.setecho(False)
    p.expect("shell> ")
    command = "$TOOLS/reach type 'echo typed-$((40+2))'"
    p.send(f"{CCRUN} --exec {tools}/victim demo \"{command.replace('$', chr(92) + '$')}\"; echo over-$((1+1))\n")
    p.expect("over-2")
    text = p.before
    p.send("echo asked-$((2+1))\n")
    p.expect("asked-3")
    text += p.before
    p.close(force=True)
    return text


def test_nothing_is_typed_into_the_terminal(ready, tools):
    text = typed_after(ready, tools)
    assert "type=EPERM" in text and "type-high=EPERM" in text and "newline=EPERM" in text, text
    assert "typed-42" not in text, text


def test_control_without_confinement_it_is_typed(loose, tools):
    legacy = Path("/proc/sys/dev/tty/legacy_tiocsti")
    if legacy.exists() and legacy.read_text().strip() == "0":
        pytest.skip("this kernel lets nobody type (dev.tty.legacy_tiocsti = 0)")
    text = typed_after(loose, tools)
    assert "type=OK" in text and "typed-42" in text, text


# ---- what each control holds -------------------------------------------

@scoped
@pytest.mark.parametrize("control,opens", [("confine-landlock", {"kill", "tgkill", "pidfd-signal", "seize", "ask"}),
                                           ("confine-seccomp", {"limits", "keyring", "key"} | OWNERS)])
def test_what_its_absence_opens(c, token, tools, outside, control, opens):
    # or the broker gives nothing to a client without a filter
    c.plain_env.update(off("confined-session"))
    c.demo()
    c.ready(token)
    r = session(c, tools, f"$TOOLS/reach others {outside}", env=off(control, "confined-session"))
    found = answers(r.out)
    assert r.rc == 0 and {name for name in REACHES if found[name] == "OK"} == opens, found


def test_what_was_sealed_is_asked_about(c, token):
    c.plain_env.update(off("sealed-confine"))
    c.demo()
    c.ready(token)
    c.demo(policy=OFF)
    assert c.ccrun("--exec", "/bin/true", "demo").rc == 0


# ---- what people need --------------------------------------------------

NEEDED = {
    "gdb": "gdb -q -batch -ex 'break main' -ex run -ex 'print 40+2' $TOOLS/reach | grep '= 42'",
    "strace": "strace -o $HOME/trace /bin/echo traced && grep -q execve $HOME/trace",
    "bwrap": "bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --unshare-all /bin/echo in a cage",
    "unshare": "unshare -Urm sh -c 'mount -t tmpfs none /mnt && echo mounted'",
    "git": "git init -q repo && cd repo && git -c user.name=a -c user.email=b commit -q --allow-empty -m x && git log",
    "tmux": "tmux -L ccrun-test new-session -d 'sleep 100' && tmux -L ccrun-test kill-server && echo multiplexed",
    "jobs": "sleep 100 & kill -STOP $! && kill -CONT $! && kill $! && wait $! ; test $? = 143",
    "pool": "/usr/bin/python3 -c 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1, -2]))'",
    "node": "node -e 'require(\"child_process\").execSync(\"true\"); console.log(process.version)'",
    "limits": "ulimit -n 64 && ulimit -c 0 && test $(ulimit -n) = 64",
    "flock": "flock $HOME/lock true",
    "perl": "perl -e 'kill 0, $$ or die'",
}


@pytest.mark.parametrize("name", NEEDED)
def test_it_works_in_a_session(ready, tools, name):
    if not shutil.which(NEEDED[name].split()[0] if name not in ("jobs", "limits") else "sh"):
        pytest.skip(f"{name} is not installed")
    r = session(ready, tools, NEEDED[name])
    assert r.rc == 0, r


@scoped
def test_another_program_of_the_user_is_still_known_to_be_there(ready, outside):
    """The client removes an editor's file, or another session's, whose process it takes for gone."""
    code = ("import os\n"
            "def ask(pid, n):\n"
            "    try: os.kill(pid, n); return 'OK'\n"
            "    except OSError as e: return os.strerror(e.errno)\n"
            f"print([ask(p, 0) for p in ({outside}, 1, 4194000, os.getpid())], ask({outside}, 18))")
    r = ready.ccrun("--exec", "/usr/bin/python3", "demo", "-c", code)
    assert r.rc == 0, r
    assert r.out == "['OK', 'Operation not permitted', 'No such process', 'OK'] Operation not permitted\n", r


def test_a_session_in_a_session_in_a_session(c, tools):
    """Deeper than the kernel nests Landlock."""
    c.provider("ollama", base_url="http://127.0.0.1:1", parameters={"model": "m"})
    script = c.write("deep.sh", f"#!/bin/sh\n[ $1 = 0 ] && exec $TOOLS/reach type x\n"
                     f"exec {CCRUN} --exec /bin/sh ollama $0 $(($1 - 1))\n", 0o755)
    r = c.run(["/bin/sh", script, "20"], env={"TOOLS": tools})
    assert r.rc == 0 and "newline=EPERM" in r.out, r


# ---- what is said ------------------------------------------------------

def confined_line(r):
    return next(line for line in r.out.splitlines() if line.startswith("confined "))


def test_what_holds_is_shown(ready, tools):
    r = ready.ccrun("-n", "demo")
    assert confined_line(r).startswith("confined yes" if KERNEL >= (6, 12) else "confined in part"), r
    r = ready.run([tools / "reach", "without", "landlock", CCRUN, "-n", "demo"])
    assert "in part (seccomp; no Landlock" in confined_line(r) and "6.12" in r.out, r
    r = ready.run([tools / "reach", "without", "seccomp", CCRUN, "-n", "demo"])
    assert confined_line(r).startswith("confined in part (Landlock; no seccomp" if KERNEL >= (6, 12) else
                                       "confined no (this kernel"), r


def test_auto_takes_what_the_kernel_has(ready, tools):
    command = "$TOOLS/reach type x; /usr/bin/gdb -v >/dev/null; echo ran"
    r = ready.run([tools / "reach", "without", "landlock", CCRUN, "--exec", tools / "victim", "demo", command],
                  env={"TOOLS": tools})
    assert r.rc == 0 and "newline=EPERM" in r.out and "ran" in r.out, r


def test_on_wants_all_of_it(c, tools, token):
    c.demo(policy={"confine": "on"})
    c.ready(token)
    for missing, word in (("landlock", "6.12"), ("seccomp", "seccomp")):
        r = c.run([tools / "reach", "without", missing, CCRUN, "--exec", tools / "victim", "demo", "echo ran"])
        assert r.rc == 125 and word in r.err and "confine = auto" in r.err and "ran" not in r.out, r
    if KERNEL >= (6, 12):
        assert c.ccrun("--exec", tools / "victim", "demo", "echo ran").out == "ran\n"


def test_a_file_confines_more_and_never_less(ready, tools):
    ready.demo(policy=OFF)
    r = ready.ccrun("--exec", tools / "victim", "demo", "echo ran")
    assert r.rc == 125 and "confine = auto" in r.err and "ccctl approve demo" in r.err and "ran" not in r.out, r
    assert ready.ccctl("approve", "demo", "--yes").rc == 0
    r = ready.ccrun("--exec", tools / "victim", "demo", "echo ran")
    assert r.rc == 0 and r.out == "ran\n", r
    assert confined_line(ready.ccrun("-n", "demo")) == "confined no (confine = off)"
    if KERNEL >= (6, 12):
        ready.demo(policy={"confine": "on"})
        assert ready.ccrun("--exec", tools / "victim", "demo", "echo ran").rc == 0


@pytest.mark.parametrize("policy,word", [({}, "confined"), (OFF, "not confined (confine = off)")])
def test_the_start_line_says_it(c, token, policy, word):
    c.demo(policy=policy)
    c.ready(token)
    p = pexpect.spawn(str(CCRUN), ["--exec", "/bin/true", "demo"], env=c.env(), encoding="utf-8", timeout=20)
    p.expect(pexpect.EOF)
    assert f", {word}" in p.before and (policy or "not confined" not in p.before), p.before


# ---- sudo --------------------------------------------------------------

@pytest.fixture
def real_sudo(c):
    """What stands for the system's; its directory."""
    return c.write("root-bin/sudo", "#!/bin/sh\necho sudo ran \"$@\"\n", 0o755).parent


def sudo(c, tools, where, command="sudo -n true"):
    return session(c, tools, command, env={"PATH": f"{where}:{c.env()['PATH']}"})


def test_sudo_says_why_and_how_to_have_it(ready, tools, real_sudo):
    r = sudo(ready, tools, real_sudo)
    assert r.rc == 4 and "sudo does nothing in this session" in r.err, r
    assert "confine = off" in r.err and "providers/demo.conf" in r.err and "ccctl approve demo" in r.err, r
    assert r.err.count("\n") == 2 and "sudo ran" not in r.out, r


def test_what_the_hint_says_works(loose, tools, real_sudo):
    r = sudo(loose, tools, real_sudo, "sudo -n true; command -v sudo")
    assert r.rc == 0 and r.out == f"sudo ran -n true\n{real_sudo}/sudo\n", r


def test_one_that_is_not_there_is_not_found(ready, tools):
    r = session(ready, tools, "doas true; echo $?", env={"PATH": "/usr/bin:/bin"})
    assert "127" in r.out.split() and "not found" in r.err, r


def test_outside_the_name_runs_the_real_one(c, real_sudo):
    r = c.run([CONFINED / "sudo", "-n", "true"], env={"PATH": f"{CONFINED}:{real_sudo}:/usr/bin:/bin"})
    assert r.rc == 0 and r.out == "sudo ran -n true\n", r


# ---- the real client ---------------------------------------------------

@scoped
@pytest.mark.parametrize("world", ["ready", "relay_world"])
def test_the_clients_tools_are_confined(request, world, ep, tools, token, outside, real_sudo):
    c = request.getfixturevalue(world)
    if world == "relay_world":
        c.demo()
        c.ready(token)
    ep.script[:] = [Bash(f"$TOOLS/reach others {outside}; $TOOLS/reach type x; sudo -n true; echo sudo=$?"),
                    Text("done")]
    r = c.ccrun("demo", "-p", "look", env={"TOOLS": tools, "PATH": f"{real_sudo}:{c.env()['PATH']}"})
    assert r.rc == 0, r
    said = ep.tool_results()[0]
    found = answers(said)
    assert {found[name] for name in REACHES} <= NO, said
    assert found["sudo"] == "1" and "sudo does nothing in this session" in said, said


@scoped
def test_a_launch_without_a_key_is_confined(c, tools, outside):
    c.provider("ollama", base_url="http://127.0.0.1:1", parameters={"model": "m"})
    r = c.ccrun("--exec", "/bin/sh", "ollama", "-c", f"$TOOLS/reach others {outside}; echo $CCRUN_CONFINED",
                env={"TOOLS": tools})
    found = answers(r.out)
    assert r.rc == 0 and {found[name] for name in REACHES} <= NO, r
    assert "LD_PRELOAD" not in c.ccrun("--exec", "/usr/bin/env", "ollama", "env").out


@scoped
def test_an_editors_file_is_left_alone(ready, outside):
    """By a full-screen client, which looks for editors when it starts."""
    lock = ready.write(".claude/ide/43210.lock", json.dumps(
        {"pid": outside, "workspaceFolders": [str(ready.cwd)], "ideName": "Editor", "transport": "ws", "authToken": "x"}))
    gone = ready.write(".claude/ide/43211.lock", json.dumps(
        {"pid": 4194000, "workspaceFolders": [str(ready.cwd)], "ideName": "Gone", "transport": "ws", "authToken": "x"}))
    with ready.screen([CCRUN, "demo"]) as s:
        until(lambda: s.pump(0.02) and not gone.exists(), what="the client's look at editors")
        assert lock.exists()
        assert s.exit() == 0
