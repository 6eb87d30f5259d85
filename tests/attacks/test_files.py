"""Files, directories, names and circumstances that somebody else prepared: ccrun
refuses them or is not impressed, quickly, and releases nothing."""
import json
import os
import shlex
import shutil
import socket

import pytest

from attack import PYTHON, nowhere, session
from ccrun import CCCTL, CCRUN
from client import claude

OVERLAY = "ccrun/providers/demo.conf"


def starts(c, tools, **kw):
    return c.ccrun("--exec", tools / "victim", "demo", timeout=15, **kw)


def refused(c, token, r, *words):
    assert r.rc == 125 and not r.out, r
    assert r.seconds < 5, r
    for word in words:
        assert word in r.err, r
    nowhere(c, token, r.out, r.err)


# ---- provider files ----------------------------------------------------

def replace(path, make):
    path.unlink()
    make(path)


def dangling(path):
    path.symlink_to("/nonexistent/file")


def bound(path):
    os.chdir(path.parent)  # sun_path is short
    s = socket.socket(socket.AF_UNIX)
    s.bind(path.name)
    s.close()
    os.chdir("/")


def link_to_loose(path):
    loose = path.parent.parent.parent / "loose"
    loose.write_text("[provider]\ntitle = x\n")
    loose.chmod(0o666)
    path.symlink_to(loose)


UNSAFE = {
    "world-writable": (lambda p: p.chmod(0o666), "chmod go-w"),
    "group-writable": (lambda p: p.chmod(0o660), "chmod go-w"),
    "its directory world-writable": (lambda p: p.parent.chmod(0o777), "chmod go-w"),
    "its directory group-writable": (lambda p: p.parent.chmod(0o770), "chmod go-w"),
    "a FIFO": (lambda p: replace(p, os.mkfifo), "not a regular file"),
    "a socket": (lambda p: replace(p, bound), ""),
    "a directory": (lambda p: replace(p, os.mkdir), "not a regular file"),
    "a device": (lambda p: replace(p, lambda q: q.symlink_to("/dev/tty")), ""),
    "an endless device": (lambda p: replace(p, lambda q: q.symlink_to("/dev/zero")), ""),
    "a link to a loose file": (lambda p: replace(p, link_to_loose), "can be written by others"),
    "a link to itself": (lambda p: replace(p, lambda q: q.symlink_to(q)), ""),
    "1 MiB": (lambda p: p.write_text(p.read_text() + "# x\n" * (1 << 18)), "larger than"),
    "1 MiB in a line": (lambda p: p.write_text(p.read_text() + "docs = " + "x" * (1 << 20)), "larger than"),
    "60 KiB in a line": (lambda p: p.write_text(p.read_text() + "docs = " + "x" * 60000 + "\n"), ""),
    "many keys": (lambda p: p.write_text(p.read_text() + "[env]\n" + "".join(f"A{i} = 1\n" for i in range(3000))), ""),
    "a NUL": (lambda p: p.write_bytes(p.read_bytes() + b"\0"), "NUL"),
    "an escape": (lambda p: p.write_bytes(p.read_bytes() + b"docs = \x1b]0;x\x07\n"), "control character"),
    "a loop of use": (lambda p: p.write_text("[provider]\nuse = demo\n"), ""),
    "use above": (lambda p: p.write_text("[provider]\nuse = ../evil\n"), "not a provider's name"),
    "a secret above": (lambda p: p.write_text(p.read_text() + "secret = ../demo\n"), ""),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_unsafe_provider_files(ready, tools, token, case):
    path = ready.config / OVERLAY
    assert starts(ready, tools).rc == 0, "the control"
    spoil, word = UNSAFE[case]
    spoil(path)
    refused(ready, token, starts(ready, tools), word)


def test_a_dangling_link_is_no_file(ready, tools, token):
    replace(ready.config / OVERLAY, dangling)
    refused(ready, token, starts(ready, tools))


def test_a_provider_file_of_somebody_else(ready, tools, token):
    """In a user namespace root's files are nobody's."""
    path = ready.config / OVERLAY
    path.unlink()
    path.symlink_to("/etc/passwd")
    unshare = ["unshare", "--user", "--map-current-user"]
    if ready.run([*unshare, "true"]).rc != 0:
        pytest.skip("no user namespaces here")
    r = ready.run([*unshare, CCRUN, "-n", "demo"])
    refused(ready, token, r, "belongs to uid")


@pytest.mark.parametrize("name", ["../evil", "..", ".", "/etc/passwd", "demo/../../evil", "demo/", "./demo", "demo\nx",
                                  "demo\x1b[2J", "x" * 5000, "demo:../evil", "demo:", ":demo", "", "%s%n", "demo.conf/"])
def test_names_that_leave_the_directory(ready, ep, tools, token, name):
    ready.write(ready.config / "ccrun/evil.conf", (ready.config / OVERLAY).read_text())
    r = ready.ccrun("--exec", tools / "victim", name)
    refused(ready, token, r)
    assert len(r.err) < 2000
    r = ready.ccctl("get", name)
    assert r.rc != 0 and not r.out


def test_a_message_does_not_drive_the_terminal(ready):
    for program in (CCRUN, CCCTL):
        r = ready.run([program, *["show"] * (program is CCCTL), "demo\x1b[2J\r\nccrun: all is well"])
        assert r.rc != 0 and "\x1b" not in r.err and "\nccrun: all" not in r.err, r


# ---- the installation --------------------------------------------------

def test_control_a_copy_of_the_installation_works(ready, tools, installed):
    r = ready.run([installed / "bin/ccrun", "--exec", tools / "victim", "demo"])
    assert r.rc == 0, r


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o666])
def test_a_library_that_others_can_write(ready, tools, token, installed, mode):
    (installed / "lib/ccrun/libccrun.so").chmod(mode)
    r = ready.run([installed / "bin/ccrun", "--exec", tools / "victim", "demo"])
    refused(ready, token, r, "changed by others")


def test_a_library_whose_directory_others_can_write(ready, tools, token, installed):
    (installed / "lib/ccrun").chmod(0o777)
    r = ready.run([installed / "bin/ccrun", "--exec", tools / "victim", "demo"])
    refused(ready, token, r)


def test_without_its_library_nothing_is_released(ready, tools, token, installed):
    (installed / "lib/ccrun/libccrun.so").unlink()
    r = ready.run([installed / "bin/ccrun", "--exec", tools / "victim", "demo"])
    refused(ready, token, r)


# ---- what is started ---------------------------------------------------

@pytest.mark.parametrize("path", [".:{real}", ":{real}", "./bin:{real}", "../work:{real}", "{real}:."])
def test_claude_of_the_working_directory_is_not_run(ready, ep, token, path):
    for where in (ready.cwd, ready.cwd / "bin"):
        ready.write(where / "claude", f"#!/bin/sh\nenv > {ready.home}/stolen\n", 0o755)
    real = os.path.dirname(claude()) + ":/usr/bin:/bin"
    r = ready.ccrun("-n", "demo", env={"PATH": path.format(real=real)})
    assert r.rc == 0 and f"target {claude()}" in r.out.splitlines(), r
    assert not (ready.home / "stolen").exists()


@pytest.mark.parametrize("path", [".", "", "bin:.:..", None])
def test_only_relative_directories_find_nothing(ready, token, path):
    ready.write(ready.cwd / "claude", f"#!/bin/sh\nenv > {ready.home}/stolen\n", 0o755)
    r = ready.ccrun("demo", "-p", "hello", env={"PATH": path})
    assert r.rc in (125, 127) and not (ready.home / "stolen").exists(), r


def test_a_target_that_the_loader_will_not_preload_into(ready, token):
    """Static, or a script for something static: the key is not released to it."""
    source = ready.write("s.c", "int main(void) { return 0; }\n")
    static = ready.root / "static"
    if ready.run(["cc", "-static", "-o", static, source]).rc != 0:
        pytest.skip("no static libc here")
    refused(ready, token, ready.ccrun("--exec", static, "demo"), "statically linked")
    script = ready.write("script", f"#!{static}\n", 0o755)
    refused(ready, token, ready.ccrun("--exec", script, "demo"), "statically linked")


# ---- circumstances -----------------------------------------------------

@pytest.mark.parametrize("closed", ["0", "1", "2", "01", "12", "02", "012"])
def test_closed_standard_streams(ready, tools, token, closed):
    """The connection must not become somebody's standard error, nor the key
    somebody's standard output."""
    shut = " ".join(f"exec {n}<&-;" if n == "0" else f"exec {n}>&-;" for n in closed)
    r = ready.run(["bash", "-c", f"{shut} exec {CCRUN} --exec {tools}/victim demo 'echo out; echo err >&2; true'"],
                  timeout=15)
    assert r.rc in (0, 4, 125), r
    nowhere(ready, token, r.out, r.err)
    for program in ("get demo", "status", "list"):
        r = ready.run(["bash", "-c", f"{shut} exec {CCCTL} {program}"], timeout=15)
        assert token not in r.err, r
    assert starts(ready, tools).rc == 0, "and the broker is well"


def test_thousands_of_variables(ready, tools, token):
    many = {f"V{i}": "x" * 20 for i in range(5000)}
    r = session(ready, tools, "env | grep -c ^V; env | grep -c -E '^(ANTHROPIC_AUTH|CCRUN_FD|LD_PRELOAD)'; true", env=many)
    assert r.rc == 0 and r.out.split() == ["5000", "0"], r
    nowhere(ready, token, r.out, r.err)


def test_variables_that_are_none(ready, tools, token):
    """Without '=', without a name, twice, and very long."""
    script = ("import ctypes, sys; libc = ctypes.CDLL(None);"
              "env = [b'NOTHING', b'=x', b'A=1', b'A=2', b'ANTHROPIC_AUTH_TOKEN=one', b'ANTHROPIC_AUTH_TOKEN=two',"
              " b'L' * 4000 + b'=' + b'v' * 100000, b'CCRUN_FD=3', b'CCRUN_FD=4', b'LD_PRELOAD=']"
              " + [x.encode() for x in sys.argv[2:]];"
              "arr = (ctypes.c_char_p * (len(env) + 1))(*env, None);"
              "argv = (ctypes.c_char_p * 6)(b'ccrun', b'--exec', sys.argv[1].encode(), b'demo', b'env', None);"
              f"libc.execve({str(CCRUN)!r}.encode(), argv, arr)")
    wanted = [f"{k}={v}" for k, v in ready.env().items() if k.startswith(("HOME", "XDG", "PATH"))]
    r = ready.run([PYTHON, "-c", script, tools / "victim", *wanted])
    assert r.rc == 0 and "A=" in r.out, r
    assert "ANTHROPIC_AUTH_TOKEN" not in r.out and "CCRUN_FD" not in r.out, r.out[:2000]
    nowhere(ready, token, r.out, r.err)


@pytest.mark.parametrize("argv0", ["", "claude", "ccctl", "/bin/../ccbroker", "-ccrun", "../../../etc/passwd", "x" * 5000, None])
def test_any_name_of_its_own(ready, tools, token, argv0):
    args = ["--exec", str(tools / "victim"), "demo", "true"]
    argv = [] if argv0 is None else [argv0, *args]
    script = f"import ctypes, json, sys; a = json.loads(sys.argv[1]); " \
             f"v = (ctypes.c_char_p * (len(a) + 1))(*[x.encode() for x in a], None); " \
             f"ctypes.CDLL(None).execv({str(CCRUN)!r}.encode(), v)"
    r = ready.run([PYTHON, "-c", script, json.dumps(argv)], timeout=15)
    # By the name of a provider it is a command for that one: all words are the client's.
    if argv0 == "claude":
        assert r.rc == 1 and "unknown option '--exec'" in r.err, r
    else:
        assert r.rc in ((0, 125) if argv else (0, 125, 127)), r
    nowhere(ready, token, r.out, r.err)


WHERE = {
    "no HOME": {"HOME": None, "XDG_CONFIG_HOME": None}, "relative HOME": {"HOME": ".", "XDG_CONFIG_HOME": None},
    "empty HOME": {"HOME": "", "XDG_CONFIG_HOME": None},
    "relative configuration": {"XDG_CONFIG_HOME": "evil"}, "empty configuration": {"XDG_CONFIG_HOME": ""},
    "relative runtime": {"XDG_RUNTIME_DIR": "evil"}, "relative data": {"XDG_DATA_HOME": "evil"},
    "relative state": {"XDG_STATE_HOME": "evil"}, "long runtime": {"XDG_RUNTIME_DIR": "/tmp/" + "x" * 200},
    "absent runtime": {"XDG_RUNTIME_DIR": "/nonexistent/run"},
}


@pytest.mark.parametrize("case", WHERE)
def test_a_repository_is_not_taken_for_home(ready, ep, evil, tools, token, case):
    """Relative directories would be the repository's."""
    text = (ready.config / OVERLAY).read_text().replace(ep.url, evil.url)
    for where in ("evil", ".config", "."):
        ready.write(ready.cwd / where / OVERLAY, text)
    r = ready.ccrun("-n", "demo", env=WHERE[case])
    assert evil.url not in r.out + r.err, r
    r = ready.ccrun("--exec", tools / "victim", "demo", "true", env=WHERE[case], timeout=15)
    assert r.rc in (0, 125), r
    if "HOME" in WHERE[case]:
        assert r.rc == 125 and "HOME" in r.err, r
    assert not (ready.cwd / "evil/ccrun/broker.sock").exists() and not (ready.cwd / "evil/ccrun/vault").exists()
    nowhere(ready, token, r.out, r.err)


def test_arguments_are_not_ours_to_lose(ready, tools, token):
    """What follows the provider reaches the target byte for byte, and none of it
    is taken for an option of ours."""
    odd = ["--exec", "/bin/false", "-n", "", "a b", "\x01\x7f", "--", "$(id)", "--approve"]
    r = ready.ccrun("--exec", PYTHON, "demo", "-c", "import sys; print(sys.argv[1:] == " + repr(odd) + ")", *odd)
    assert r.rc == 0 and r.out == "True\n", r


def test_output_that_nobody_reads(ready, tools, token):
    r = ready.run(["bash", "-c", f"{CCCTL} list --json | true; {CCRUN} --list | true; "
                                 f"{CCRUN} --exec {tools}/victim demo {shlex.quote('yes | head -c 100000')} | true; "
                                 "echo ${PIPESTATUS[0]}"], timeout=15)
    assert r.rc == 0, r
    nowhere(ready, token, r.out, r.err)
