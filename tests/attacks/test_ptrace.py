"""Nobody reads the session's process: not its memory, not its descriptors, not
by loading something into it.  Each attack also runs where it must succeed."""
import pytest

import canary
from attack import LOOKS, answers, nowhere, session
from endpoint import Bash, Text, Tool

LOOK = "$TOOLS/spy look $($TOOLS/spy session); echo looked"
NO = {"EPERM", "EACCES"}


def env_delivery(c, token):
    """The control: an entry whose key goes into the environment, unhardened."""
    c.demo(policy={"delivery": "env", "confine": "off"})
    c.ready(token)


def test_a_child_cannot_look_into_its_session(ready, tools, token):
    r = session(ready, tools, LOOK)
    found = answers(r.out)
    assert r.rc == 0 and "looked" in r.out and LOOKS <= set(found), r
    bad = {name: found[name] for name in LOOKS if found[name] not in NO}
    assert not bad, bad
    nowhere(ready, token, r.out, r.err)


def test_control_without_hardening_the_same_attacks_succeed(c, tools, token):
    env_delivery(c, token)
    r = session(c, tools, "$TOOLS/spy look $PPID; $TOOLS/spy dump $PPID > $HOME/dump; "
                          "tr '\\0' '\\n' < /proc/$PPID/environ")
    found = answers(r.out)
    assert r.rc == 0 and "warning" in r.err, r
    for name in ("attach", "seize", "readv", "writev", "getfd", "mem", "environ", "maps", "fd"):
        assert found[name] == "OK", (name, found)
    assert token in r.out
    assert canary.scan_files([c.home / "dump"], token)


def test_gcore_and_gdb(ready, tools, token):
    for command in ("gcore -o $HOME/core {}", "gdb -p {} -batch -ex 'call (int)getpid()'"):
        r = session(ready, tools, command.format("$($TOOLS/spy session)") + "; true")
        assert not list(ready.home.glob("core*")), r
        assert "ermitted" in r.out + r.err or "ould not attach" in r.out + r.err or "not found" in r.err, r
    nowhere(ready, token)


@pytest.mark.parametrize("signal", ["SEGV", "ABRT", "SYS", "TRAP", "BUS"])
def test_no_core_of_a_session(ready, tools, token, signal):
    """A session that a child crashes leaves nothing (piped collectors aside,
    which dumpable 0 turns off)."""
    r = session(ready, tools, f"ulimit -c unlimited; kill -{signal} $($TOOLS/spy session)")
    assert r.rc < 0, r
    assert not [p for p in ready.root.rglob("core*") if p.is_file()]
    nowhere(ready, token, r.out, r.err)


def test_limits_cannot_bring_core_dumps_back(ready, tools, token):
    r = session(ready, tools, "prlimit --core=unlimited --pid $($TOOLS/spy session); echo ended=$?")
    assert answers(r.out)["ended"] != "0", r


# ---- the real client ---------------------------------------------------

@pytest.mark.parametrize("auth", ["bearer", "api-key"])
def test_the_bash_tool_cannot_look_into_claude(c, ep, tools, token, auth):
    """The api-key case is about the pipe as well: the client reads its key from a
    descriptor of its own process."""
    c.demo(auth=auth)
    c.ready(token)
    ep.script[:] = [Bash(LOOK + "; cat /proc/$PPID/comm; gcore -o $HOME/core $PPID 2>&1 | tail -1; "
                         "tr '\\0' '\\n' < /proc/$($TOOLS/spy session)/cmdline"), Text("done")]
    r = c.ccrun("demo", "-p", "look", env={"TOOLS": tools})
    assert r.rc == 0, r
    said = ep.tool_results()[0]
    found = answers(said)
    assert "looked" in said and "claude" in said and LOOKS <= set(found), said
    bad = {name: found[name] for name in LOOKS if found[name] not in NO}
    assert not bad, bad
    header = "authorization" if auth == "bearer" else "x-api-key"
    assert token in ep.main[0].headers[header]
    nowhere(c, token, r.out, r.err, *ep.tool_results())


def test_a_debugger_does_not_open_on_a_signal(ready, ep, tools, token):
    """SIGUSR1 opens an inspector in some runtimes."""
    ep.script[:] = [Bash("P=$($TOOLS/spy session); kill -USR1 $P; sleep 0.3; cat /proc/net/tcp > $HOME/tcp; "
                         "(cd /proc/$P/net && cat unix) > $HOME/unix; true"), Text("done")]
    before = listening()
    r = ready.ccrun("demo", "-p", "look", env={"TOOLS": tools})
    new = listening((ready.home / "tcp").read_text() if (ready.home / "tcp").exists() else "") - before
    assert not new & {6499, 9229, 9230}, (r, new)
    nowhere(ready, token, r.out, r.err)


def listening(text=None):
    text = text if text is not None else open("/proc/net/tcp").read()
    return {int(f[1].rpartition(":")[2], 16) for f in map(str.split, text.splitlines()[1:])
            if len(f) > 3 and f[3] == "0A"}


@pytest.mark.xfail(strict=True, reason="a node target opens its inspector on SIGUSR1; not closed in this version")
def test_a_debugger_does_not_open_in_a_node_target(ready, tools, token):
    script = ready.write("cli.js", "#!/usr/bin/env node\nsetTimeout(() => {}, 700);\n"
                         "require('child_process').exec('kill -USR1 ' + process.pid + '; sleep 0.4; cat /proc/net/tcp',"
                         " (e, out) => console.log(out));\n", 0o700)
    before = listening()
    r = ready.ccrun("--exec", script, "demo")
    if r.rc == 127:
        pytest.skip("no node here")
    nowhere(ready, token, r.out, r.err)
    assert not (listening(r.out) - before) & {9229}, r


# ---- loading something into it -----------------------------------------

DROPPED = ("LD_AUDIT", "LD_LIBRARY_PATH", "LD_DEBUG_OUTPUT", "LD_PROFILE", "GCONV_PATH", "GLIBC_TUNABLES",
           "MALLOC_TRACE", "BUN_OPTIONS", "BUN_INSPECT", "BUN_INSPECT_PRELOAD",
           "BUN_CONFIG_VERBOSE_FETCH", "NODE_OPTIONS", "NODE_DEBUG", "NODE_COMPILE_CACHE", "CARES_HOSTS",
           "SSLKEYLOGFILE", "OPENSSL_CONF")


def test_what_loads_code_is_dropped_and_children_get_it_back(ready, tools, token):
    """The stand-in for claude is python here: it says what it has itself."""
    mine = {name: f"/nonexistent/{name}" for name in DROPPED}
    mine |= {"LD_PRELOAD": str(tools / "spylib.so"), "LD_AUDIT": "", "SPYLIB_LOG": str(ready.home / "loaded")}
    script = ("import os, subprocess, sys; print('mine', sorted(os.environ), flush=True);"
              "subprocess.run(['env'])")
    r = ready.ccrun("--exec", "/usr/bin/python3", "demo", "-c", script, env=mine)
    assert r.rc == 0, r
    own, _, child = r.out.partition("\n")
    for name in DROPPED + ("LD_PRELOAD", "CCRUN_FD"):
        assert f"'{name}'" not in own, own
    assert "'ANTHROPIC_AUTH_TOKEN'" in own, "the control: it is the one with the token"
    assert "'NODE_DISABLE_COMPILE_CACHE'" in own, "node would run code that others left below TMPDIR"
    lines = child.splitlines()
    for name in DROPPED:
        if mine[name]:
            assert f"{name}={mine[name]}" in lines, (name, child)
    assert f"LD_PRELOAD={tools / 'spylib.so'}" in lines
    assert not [x for x in lines if x.startswith(("CCRUN_FD", "CCRUN_SAVED", "ANTHROPIC_AUTH_TOKEN")) or "libccrun" in x]
    loaded = (ready.home / "loaded").read_text()
    assert "env" in loaded.split() and "python3" not in loaded.split(), loaded
    nowhere(ready, token, r.out, r.err)


def test_nothing_is_loaded_into_the_real_client(ready, ep, tools, token):
    js = ready.write("evil.js", "require('fs').appendFileSync(process.env.HOME + '/stolen', "
                     "process.argv.join(' ') + JSON.stringify(process.env) + '\\n')")
    ready.write(ready.cwd / "bunfig.toml", f'preload = ["{js}"]\n')
    ready.write(ready.cwd / ".env", "ANTHROPIC_BASE_URL=http://127.0.0.1:9\nBUN_CONFIG_VERBOSE_FETCH=curl\n")
    ep.script[:] = [Bash("env; true"), Text("done")]
    r = ready.ccrun("demo", "-p", "look", env={
        "BUN_OPTIONS": f"--preload {js}", "BUN_INSPECT_PRELOAD": js, "NODE_OPTIONS": f"--require {js}",
        "LD_PRELOAD": tools / "spylib.so", "LD_AUDIT": tools / "spylib.so", "SPYLIB_LOG": ready.home / "loaded",
        "BUN_CONFIG_VERBOSE_FETCH": "curl", "SSLKEYLOGFILE": ready.home / "keylog",
        "BUN_INSPECT": "ws://127.0.0.1:6499/x"})
    assert r.rc == 0 and len(ep.main) == 2, r
    assert token in ep.main[0].headers["authorization"]
    assert not (ready.home / "stolen").exists() and not (ready.home / "keylog").exists()
    names = (ready.home / "loaded").read_text().split()
    assert names and not [n for n in names if n.startswith("claude")], names
    nowhere(ready, token, r.out, r.err, *ep.tool_results())


def test_what_the_client_reads_of_itself(ready, ep, tools, token):
    """Its file tools and a CLAUDE.md are read by claude itself, links too: what
    /proc shows it of itself has no token (and the client refuses some)."""
    ready.settings({"permissions": {"allow": ["Bash", "Read"], "defaultMode": "bypassPermissions"}})
    ready.write(ready.cwd / "CLAUDE.md", "@/proc/self/environ\n@/proc/self/cmdline\n@/proc/self/maps\n")
    paths = ["/proc/self/environ", "/proc/self/cmdline", str(ready.cwd / "link"), "/proc/self/mem"]
    (ready.cwd / "link").symlink_to("/proc/self/environ")
    ep.script[:] = [*[Tool("Read", {"file_path": p}) for p in paths],
                    Tool("Grep", {"pattern": "ANTHROPIC|CCRUN", "path": "/proc/self/environ", "output_mode": "content"}),
                    Text("done")]
    r = ready.ccrun("demo", "-p", "look", timeout=40)
    assert r.rc == 0 and len(ep.main) >= len(paths) + 1, r
    assert len(ep.tool_results()) >= len(paths)
    for request in ep.requests:
        assert not canary.scan_bytes(request.body, token), request.path
    nowhere(ready, token, r.out, r.err)
