"""ccrun itself: the command line, the target, the environment, what it says and
how it ends.  Most of it needs no client: a small script shows what it was given."""
import json
import os
import stat
import subprocess

import pexpect
import pytest

from built import SHIPPED
from ccrun import BUILD, CCCTL, CCRUN, PASSPHRASE
from dialogue import done, talk

SHOW = """#!/usr/bin/python3
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "stdin": sys.stdin.isatty()}))
"""


@pytest.fixture
def show(c):
    """A program that prints its arguments and environment."""
    return c.write("bin/show", SHOW, 0o755)


def shown(r):
    assert r.rc == 0, r
    return json.loads(r.out)


# ---- arguments ----

AWKWARD = [[], [""], ["a", "", "b"], ["two\nlines"], ["-p", "--", "-n"], ["--list"], ["--local"], ["ünïcode", "\t"],
           ["'quoted'", '"double"', "$(id)", "`id`", "*"]]


@pytest.mark.parametrize("args", AWKWARD)
def test_arguments_byte_for_byte(ready, show, args):
    assert shown(ready.ccrun("--exec", show, "demo", *args))["argv"] == args


def test_ten_thousand_arguments(ready, show):
    args = [str(i) for i in range(10_000)]
    assert shown(ready.ccrun("--exec", show, "demo", *args))["argv"] == args


def test_one_double_dash_is_ours(ready, show):
    assert shown(ready.ccrun("--exec", show, "demo", "--", "--", "x"))["argv"] == ["--", "x"]


def test_not_utf8(ready, show):
    out = ready.ccrun("--exec", "/bin/echo", "demo", os.fsdecode(b"\xff\xfe"))
    assert out.rc == 0 and out.out == "\ufffd\ufffd\n"


def test_wrap(ready, show):
    assert shown(ready.ccrun("--wrap", "demo", show, "-p", "x"))["argv"] == ["-p", "x"]


@pytest.mark.parametrize("word", ["m1", "--m1", ":"])
def test_modes(c, show, word):
    c.provider("multi", title="M", base_url="http://127.0.0.1:1", auth="none",
               extra="[mode m1]\nbase_url = http://127.0.0.1:2\n[mode m1 env]\nAPI_TIMEOUT_MS = 7\n")
    argv = {"m1": ["multi:m1"], "--m1": ["multi", "--m1"], ":": ["multi:m1", "--m1"]}[word]
    env = shown(c.ccrun("--exec", show, *argv, "rest"))["env"]
    assert env["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:2" and env["CCRUN_MODE"] == "m1"
    assert env["API_TIMEOUT_MS"] == "7"
    env = shown(c.ccrun("--exec", show, "multi", "rest", "--m1"))
    assert env["env"]["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:1" and env["argv"] == ["rest", "--m1"]


# ---- what it says ----

def test_unknown_provider_names_the_nearest(c):
    r = c.ccrun("openruoter")
    assert r.rc == 125 and "openrouter" in r.err and r.err.startswith("ccrun: "), r


def test_no_provider_lists_them(c):
    r = c.ccrun()
    assert r.rc == 125 and "openrouter" in r.err and "bedrock" in r.err, r
    assert c.ccrun("--", "-p", "x").rc == 125


def test_unknown_mode(c):
    r = c.ccrun("bedrock:nothing")
    assert r.rc == 125 and "bearer" in r.err, r


def test_help_version_list(c):
    assert "usage: ccrun" in c.ccrun("--help").out
    assert c.ccrun("--version").out.startswith("ccrun ")
    names = [line.split()[0] for line in c.ccrun("--list").out.splitlines()]
    for name in "anthropic azure bedrock claude foundry ollama openrouter vertex zai".split():
        assert name in names


def test_dry_run_is_one_fact_a_line(c, token):
    c.demo(models={"default": "demo-model"})
    r = c.ccrun("-n", "demo", env={"ANTHROPIC_API_KEY": "sk-stray-stray", "NODE_OPTIONS": "--no-warnings"})
    assert r.rc == 0, r
    lines = r.out.splitlines()
    assert "provider demo" in lines and "delivery preload" in lines
    assert f"set ANTHROPIC_BASE_URL={c.endpoint_used.url}" in lines
    assert "set ANTHROPIC_AUTH_TOKEN=(from vault: demo)" in lines
    assert "set ANTHROPIC_MODEL=demo-model" in lines
    assert "set CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1" in lines
    assert "unset ANTHROPIC_API_KEY" in lines
    assert any(line.startswith("unset NODE_OPTIONS") for line in lines)
    assert any(line.startswith("target /") for line in lines)
    assert "sk-stray" not in r.out
    assert c.broker() is None, "a dry run starts nothing"


def test_dry_run_shows_a_variable_s_name_without_what_drives_a_terminal(c, token):
    c.demo()
    r = c.ccrun("-n", "demo", env={"ANTHROPIC_\x1b[2J\u009bx": "1"})
    assert r.rc == 0 and "\x1b" not in r.out + r.err and "unset ANTHROPIC_?[2J?x\n" in r.out, r


def test_without_a_terminal_the_commands_are_named(c):
    c.demo()
    r = c.ccrun("demo", "-p", "x")
    assert r.rc == 125 and "ccctl init" in r.err and "ccctl add demo" in r.err, r
    c.init()
    r = c.ccrun("demo", "-p", "x")
    assert r.rc == 125 and "ccctl add demo" in r.err, r


def test_start_line_only_on_a_terminal(ready):
    r = ready.ccrun("--exec", "/bin/true", "demo")
    assert r.rc == 0 and r.err == "", r


# ---- the target ----

def test_not_found_and_not_executable(ready):
    assert ready.ccrun("--exec", "no-such-program", "demo").rc == 127
    assert ready.ccrun("--exec", "/no/such/program", "demo").rc == 127
    plain = ready.write("bin/plain", "no program\n", 0o644)
    assert ready.ccrun("--exec", plain, "demo").rc == 126
    r = ready.ccrun("demo", env={"PATH": "/nowhere"})
    assert r.rc == 127 and "npm install" in r.err, r


def test_exit_code_is_the_programs(ready):
    assert ready.ccrun("--exec", "/bin/sh", "demo", "-c", "exit 42").rc == 42


def test_relative_path_entries_are_not_searched(ready):
    ready.write("work/claude", "#!/bin/sh\necho hijacked\n", 0o755)
    r = ready.ccrun("demo", env={"PATH": ".:work::/nowhere"}, cwd=ready.cwd)
    assert r.rc == 127 and "hijacked" not in r.out


def test_an_env_chain_and_an_exec_wrapper_get_the_key(ready, token):
    tell = "import os; print(os.environ.get('ANTHROPIC_AUTH_TOKEN') == open(os.environ['HOME'] + '/t').read())"
    ready.write("t", token)
    chain = ready.write("bin/chain", f"#!/usr/bin/env python3\n{tell}\n", 0o755)
    r = ready.ccrun("--exec", chain, "demo")
    assert r.out == "True\n", r
    wrapper = ready.write("bin/wrapper", f"#!/bin/sh\nexec {chain}\n", 0o755)
    r = ready.ccrun("--exec", wrapper, "demo")
    assert r.out == "True\n", r


@pytest.fixture
def static(c):
    source = c.write("static.c", '#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\nint main(void){'
                     'const char *n=getenv("CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR");char b[999];long r;'
                     'r=n?read(atoi(n),b,sizeof b):0;printf("%.*s\\n",(int)r,b);return 0;}\n')
    out = c.home / "static"
    subprocess.run(["cc", "-static", "-o", out, source], check=True)
    c.own()
    return out


def test_static_target_gets_a_pipe_only_for_api_keys(c, token, static):
    c.demo(auth="api-key", policy={"delivery": "pipe"})
    c.ready(token)
    r = c.ccrun("--exec", static, "demo")
    assert r.rc == 0 and r.out.strip() == token and "warning" in r.err, r
    c.provider("bear", title="B", base_url="http://127.0.0.1:1", auth="bearer")
    c.add("bear", token)
    r = c.ccrun("--exec", static, "bear")
    assert r.rc == 125 and "statically linked" in r.err and "hint:" in r.err, r


def test_program_that_no_relay_was_tried_with_is_refused_a_key_for_one(c, token, show, static):
    """auto names what would be possible; what is sealed is a relay alone."""
    c.delivery = None
    c.demo(auth="api-key")
    c.ready(token)
    for program, other in ((show, "preload"), (static, "pipe")):
        assert f"delivery {other} (no relay: untried: the program's name is not claude)\n" in \
            c.ccrun("-n", "--exec", program, "demo").out
        r = c.ccrun("--exec", program, "demo")
        assert r.rc == 125 and f"delivered by relay, not by {other}" in r.err and "ccctl approve demo" in r.err, r


def test_musl_target_is_not_preloaded(c, token):
    source = c.write("m.c", "int main(void){return 0;}\n")
    out = c.home / "musl"
    subprocess.run(["musl-gcc", "-o", out, source], check=True)
    c.own()
    c.demo()
    c.ready(token)
    r = c.ccrun("--exec", out, "demo")
    assert r.rc == 125 and "glibc" in r.err, r


def test_env_delivery_must_be_approved_and_warns(c, token, show):
    c.demo()
    c.ready(token)
    c.demo(policy={"delivery": "env"})
    r = c.ccrun("--exec", show, "demo")
    assert r.rc == 125 and "ccctl approve demo" in r.err, r
    assert c.ccctl("approve", "demo", "--yes").rc == 0
    r = c.ccrun("--exec", show, "demo")
    assert shown(r)["env"]["ANTHROPIC_AUTH_TOKEN"] == token and "warning" in r.err


def test_changed_origin_is_refused(c, token):
    c.demo()
    c.ready(token)
    c.demo(url="http://127.0.0.1:2")
    r = c.ccrun("--exec", "/bin/true", "demo")
    assert r.rc == 125 and "ccctl approve demo" in r.err, r
    assert [e for e in c.record() if e["event"] == "open" and e["result"] == "origin"]


# ---- the environment ----

def test_environment_rules(ready, show):
    given = {"ANTHROPIC_BASE_URL": "http://evil", "CLAUDE_CODE_USE_BEDROCK": "1", "AWS_BEARER_TOKEN_BEDROCK": "x",
             "NODE_TLS_REJECT_UNAUTHORIZED": "0", "AWS_PROFILE": "work", "KEEP": "me", "EMPTY": "",
             "BUN_OPTIONS": "--smol", "LD_LIBRARY_PATH": "/nowhere", "MALLOC_ARENA_MAX": "1"}
    # python is the target itself here, so it sees what claude would see.
    env = shown(ready.ccrun("--exec", show, "demo", env=given))["env"]
    assert env["ANTHROPIC_BASE_URL"] == ready.endpoint_used.url
    for name in ("CLAUDE_CODE_USE_BEDROCK", "AWS_BEARER_TOKEN_BEDROCK", "NODE_TLS_REJECT_UNAUTHORIZED",
                 "BUN_OPTIONS", "LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "LD_PRELOAD", "CCRUN_FD"):
        assert name not in env, name
    assert not [n for n in env if n.startswith("CCRUN_SAVED")]
    assert env["AWS_PROFILE"] == "work" and env["KEEP"] == "me" and env["EMPTY"] == ""
    assert env["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"] == "1" and env["CCRUN_PROVIDER"] == "demo"
    # and its children get theirs back
    code = "import subprocess; print(subprocess.run(['env'], stdout=-1).stdout.decode())"
    out = ready.ccrun("--exec", "/usr/bin/python3", "demo", "-c", code, env=given).out
    assert "BUN_OPTIONS=--smol" in out and "MALLOC_ARENA_MAX=1" in out
    assert "ANTHROPIC_AUTH_TOKEN" not in out and "CCRUN_FD" not in out


def test_children_of_a_session_without_a_key_get_theirs_back(c):
    c.provider("free", title="F", base_url="http://127.0.0.1:1", auth="none")
    code = "import os, subprocess; print('BUN_OPTIONS' in os.environ); print(subprocess.run(['env'], stdout=-1).stdout.decode())"
    r = c.ccrun("--exec", "/usr/bin/python3", "free", "-c", code, env={"BUN_OPTIONS": "--smol"})
    assert r.out.startswith("False") and "BUN_OPTIONS=--smol" in r.out, r


def test_file_locks_go_on_working_in_a_session(ready):
    code = "import fcntl; f = open('x', 'w'); fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX); print('ok')"
    assert ready.ccrun("--exec", "/usr/bin/python3", "demo", "-c", code).out == "ok\n"


# ---- the first time ----

def test_the_first_time_on_a_terminal(c, ep, token):
    c.overlay("openrouter", f"[provider]\nbase_url = {ep.url}\n")
    p = talk(c, CCRUN, "openrouter", "-p", "hello")
    p.expect("New passphrase.*: ")
    p.sendline(PASSPHRASE)
    p.expect("Once more: ")
    p.sendline(PASSPHRASE)
    p.expect(r"base_url https://openrouter.ai/api -> .*seal the key for that\? ")
    p.sendline("y")
    p.expect("Key for openrouter: ")
    p.sendline(token)
    p.expect("hello from loopback")
    done(p)
    assert ep.main[0].headers["authorization"] == "Bearer " + token
    # the second time nothing is asked
    p = talk(c, CCRUN, "openrouter", "-p", "hello")
    p.expect("ccrun: OpenRouter.*key from vault")
    p.expect("hello from loopback")
    done(p)
    # locked: exactly one question
    assert c.ccctl("lock").rc == 0
    p = talk(c, CCRUN, "openrouter", "-p", "hello")
    p.expect("(?i)passphrase")
    p.sendline(PASSPHRASE)
    p.expect("hello from loopback")
    done(p)


def test_a_missing_parameter_is_asked_for(c, ep):
    c.overlay("ollama", f"[provider]\nbase_url = {ep.url}\n")
    r = c.ccrun("ollama", "-p", "x")
    assert r.rc == 125 and "--set model=" in r.err, r
    p = talk(c, CCRUN, "ollama", "-p", "hello")
    p.expect("(?i)model")
    p.sendline("qwen3")
    p.expect("hello from loopback")
    done(p)
    assert ep.main[0].json["model"] == "qwen3"


def test_giving_up_starts_nothing(c, ep):
    c.demo()
    p = talk(c, CCRUN, "demo", "-p", "hello")
    p.expect("(?i)passphrase")
    p.sendintr()
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus not in (0, None) or p.signalstatus == 2
    assert not ep.main and c.status()["state"] == "no-vault"


# ---- configuration that others can write ----

def test_a_provider_file_that_others_can_write(c):
    c.demo()
    path = c.overlay("demo", "[provider]\ntitle = x\nbase_url = http://127.0.0.1:1\nauth = none\n", 0o666)
    r = c.ccrun("-n", "demo")
    assert r.rc == 125 and str(path) in r.err and "chmod" in r.err, r


def test_a_broken_provider_file_names_file_and_line(c):
    path = c.overlay("demo", "[provider]\ntitle = x\nbase_ulr = http://127.0.0.1:1\n")
    r = c.ccrun("-n", "demo")
    assert r.rc == 125 and f"{path}:3" in r.err and "base_url" in r.err, r


def readelf(what, program):
    return subprocess.run(["readelf", "-W", what, SHIPPED / program], stdout=subprocess.PIPE, check=True, text=True).stdout


@pytest.mark.parametrize("program", ["bin/ccrun", "libexec/ccrun/ccbroker"])
def test_what_holds_or_passes_secrets_is_static(program):
    assert "INTERP" not in readelf("-l", program) and "(NEEDED)" not in readelf("-d", program)
    assert " DYN " in readelf("-h", program), "position-independent"
    assert "GNU_RELRO" in readelf("-l", program) and "GNU_STACK" in readelf("-l", program)


def test_the_library_needs_libc_alone():
    needed = [line for line in readelf("-d", "lib/ccrun/libccrun.so").splitlines() if "(NEEDED)" in line]
    assert len(needed) == 1 and "libc.so.6" in needed[0], needed
    assert stat.S_IMODE(os.stat(CCCTL).st_mode) & 0o022 == 0


def test_installed_so_that_nobody_can_read_the_programs(c, ep, token):
    """0711 and not yours, as root installs them: undumpable from the first
    instruction, which the broker must not take for something it cannot look at."""
    top = c.root / "installed"
    for part in ("bin", "libexec/ccrun", "lib/ccrun", "share/ccrun/providers"):
        subprocess.run(["mkdir", "-p", top / part], check=True)
    programs = ("bin/ccrun", "bin/ccctl", "libexec/ccrun/ccbroker", "libexec/ccrun/ccrun-relay")
    for program in programs:
        subprocess.run(["cp", BUILD / program, top / program], check=True)
    subprocess.run(["cp", BUILD / "lib/ccrun/libccrun.so", top / "lib/ccrun"], check=True)
    c.own()
    for program in programs:
        os.chmod(top / program, 0o111)
    c.with_passphrase("init")
    for name, delivery in (("demo", "relay"), ("other", "preload")):
        c.provider(name, title="D", base_url=ep.url, auth="bearer", policy={"delivery": delivery})
        r = c.run([top / "bin/ccctl", "add", name, "--allow", "delivery=" + delivery], input=token)
        assert r.rc == 0, r
        r = c.run([top / "bin/ccrun", name, "-p", "hello"])
        assert r.rc == 0 and "hello from loopback" in r.out, r
    assert [q.headers["authorization"] for q in ep.main] == ["Bearer " + token] * 2
