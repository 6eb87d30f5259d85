"""libccrun.so against a fake broker: the claim, and what children see."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import preload_broker as fb
from client import REPO
from preload_broker import AGAIN, ARRIVED, CLAIM, item, ok, packet, refused, run

PROGRAMS = Path(__file__).with_name("preload")
TOKEN = "sk-test-0123456789abcdefghij"
SECRETS = {"TEST_TOKEN": TOKEN}
EXECS = ["execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve", "execveat"]
SPAWNS = ["posix_spawn", "posix_spawnp", "pidfd_spawn", "pidfd_spawnp"]
SHELLS = ["system", "popen"]
CLAUDE = next((p for p in [os.environ.get("CCRUN_CLAUDE"), shutil.which("claude"),
                           REPO / "build/claude/node_modules/.bin/claude"]
               if p and os.path.exists(p)), None)


@pytest.fixture(scope="session")
def probes(tmp_path_factory):
    assert os.path.exists(fb.LIBRARY), "build libccrun.so first: make"
    d = tmp_path_factory.mktemp("probes")
    cc = ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-w", "-pthread"]
    for name in ["show", "hooks", "behave", "stress", "misc"]:
        subprocess.run(cc + ["-o", str(d / name), str(PROGRAMS / (name + ".c"))], check=True)
    lib = ["-shared", "-fPIC", "-o"]
    subprocess.run(cc + lib + [str(d / "libearly.so"), str(PROGRAMS / "early.c")], check=True)
    (d / "users.c").write_text("int users_own;\n")
    subprocess.run(cc + lib + [str(d / "users.so"), str(d / "users.c")], check=True)
    (d / "linked.c").write_text("void early_needed(void);int main(void){early_needed();return 0;}\n")
    subprocess.run(cc + ["-o", str(d / "linked"), str(d / "linked.c"), "-L" + str(d), "-learly",
                         "-Wl,-rpath," + str(d)], check=True)
    return d


@pytest.fixture
def hooks(probes):
    def call(how, *more, **kw):
        env = {"PATH": f"{probes}:/usr/bin:/bin"}
        env.update(kw.pop("env", {}))
        kw.setdefault("secrets", SECRETS)
        kw.setdefault("saved", {"LD_PRELOAD": str(probes / "users.so"), "NODE_OPTIONS": "--user"})
        return run([str(probes / "hooks"), how, str(probes / "show"), *map(str, more)], env=env, **kw)
    return call


def env_of(out):
    return dict(line[4:].split("=", 1) for line in out.splitlines() if line.startswith("ENV "))


# ---- the claim ----

def test_claim_puts_the_secret_into_environ_only(probes):
    r = run([str(probes / "show"), "a"], SECRETS, {"NODE_OPTIONS": "--user"},
            env={"TEST_TOKEN": "stray", "CCRUN_PROVIDER": "zai"})
    assert r.code == 0 and r.err == ""
    assert r.broker.log == [(ARRIVED, r.pid), (CLAIM, r.pid)]
    assert r.broker.beside == [False, True]
    env = env_of(r.out)
    assert env["TEST_TOKEN"] == TOKEN and env["CCRUN_PROVIDER"] == "zai"
    assert not [n for n in env if n.startswith(("CCRUN_SAVED", "CCRUN_FD", "LD_PRELOAD"))]
    assert "NODE_OPTIONS" not in env
    initial = next(x for x in r.out.splitlines() if x.startswith("INITIAL"))
    assert TOKEN not in initial
    assert "DUMPABLE 0 CORE 0" in r.out
    fds = [x for x in r.out.splitlines() if x.startswith("FD ")]
    assert len(fds) == 1 and "socket" in fds[0] and fds[0].endswith("cloexec=1")


def test_dumpable_is_gone_between_arrived_and_claim(probes):
    """What the broker sees; as root, of another user: of root's own it tells nothing."""
    user, owners = (65534 if os.getuid() == 0 else None), []
    answers = {ARRIVED: lambda pid: owners.append(os.stat(f"/proc/{pid}/stat").st_uid) or ok(),
               CLAIM: lambda pid: owners.append(os.stat(f"/proc/{pid}/stat").st_uid)
               or ok(item(b"TEST_TOKEN", TOKEN.encode()))}
    with tempfile.TemporaryDirectory(dir="/tmp") as d:
        os.chmod(d, 0o755)
        lib, show = shutil.copy(fb.LIBRARY, d), shutil.copy(probes / "show", d)
        r = run([show], SECRETS, answers=answers, preload=lib, user=user)
    assert r.code == 0 and owners == [user or os.getuid(), 0]
    assert "INITIAL unreadable" in r.out


def test_a_key_by_descriptor_is_in_a_pipe(probes):
    """Nothing of it in the environment; the program reads it once; children get
    neither the variable nor the descriptor."""
    code = ("import os, subprocess; n = os.environ['CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR']; "
            "print(n.isdigit(), os.get_inheritable(int(n)), os.read(int(n), 99999).decode(), os.read(int(n), 1)); "
            "print(subprocess.run(['env'], stdout=-1).stdout.decode()); "
            "print(subprocess.run(['sh', '-c', 'echo $0', '-' + '@@'], stdout=-1).stdout.decode())")
    r = run(["/usr/bin/python3", "-c", code.replace("@@", TOKEN)], {"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR": TOKEN},
            env={"PATH": "/usr/bin:/bin"})
    lines = r.out.splitlines()
    assert lines[0] == f"True False {TOKEN} b''", r.out + r.err
    assert "DESCRIPTOR" not in "".join(lines[1:]) and TOKEN not in "".join(lines[1:])
    assert lines[-2] == "-" + "x" * len(TOKEN)


def test_three_secrets_and_a_large_one(probes):
    many = {"A_KEY": "k" * 16384, "B_KEY": "second-secret", "C_KEY": "third-secret"}
    r = run([str(probes / "show")], many)
    assert r.code == 0
    assert {k: env_of(r.out)[k] for k in many} == many


def test_without_ccrun_variables_nothing_happens(probes):
    r = run([str(probes / "show")], None)
    assert r.code == 0 and env_of(r.out)["LD_PRELOAD"] == fb.LIBRARY
    assert "DUMPABLE 1" in r.out


def test_errno_is_untouched(probes):
    assert run([str(probes / "misc"), "errno", "x"], SECRETS).out == "errno 0\n"


@pytest.mark.parametrize("when", [ARRIVED, CLAIM])
def test_refusal_is_printed(probes, when):
    r = run([str(probes / "show")], SECRETS,
            answers={when: refused(b"the \x1b[31mvault\n is locked", b"ccctl unlock\x07")})
    assert r.code == 125 and r.out == ""
    assert r.err == "ccrun: claim refused: the ?[31mvault? is locked\nhint: ccctl unlock?\n"


def test_refusal_with_nobody_reading(probes):
    """125, not a death by SIGPIPE."""
    r, w = os.pipe()
    os.close(r)
    done = run([str(probes / "show")], SECRETS, answers={ARRIVED: refused(b"no", b"")}, stderr=w)
    os.close(w)
    assert done.code == 125 and done.out == ""


GARBAGE = {
    "empty body": packet(0x81),
    "no items": ok(),
    "short": b"CCR1\x81",
    "magic": b"XXXX" + ok(item(b"A", b"b"))[4:],
    "msgpack": b"\x81\xa1v\x01",
    "length": ok(item(b"A", b"b"))[:-1],
    "count": packet(0x81, b"\x02\x00" + item(b"A", b"b")),
    "trailing": packet(0x81, b"\x01\x00" + item(b"A", b"b") + b"x"),
    "equals in name": ok(item(b"A=B", b"value")),
    "empty name": ok(item(b"", b"value")),
    "digit": ok(item(b"1A", b"value")),
    "long name": ok(item(b"A" * 65, b"value")),
    "empty value": ok(item(b"A", b"")),
    "nul in value": ok(item(b"A", b"va\0lue")),
    "nul in name": ok(item(b"A\0", b"value")),
    "twice": ok(item(b"A", b"value"), item(b"A", b"other")),
    "many": ok(*(item(b"A%d" % i if i else b"A", b"value") for i in range(9))),
    "huge name": packet(0x81, b"\x01\x00\xff\xff\x01\x00\x00\x00A"),
    "huge value": packet(0x81, b"\x01\x00\x01\x00\xff\xff\xff\xffAb"),
    "other type": packet(0x83),
    "its own words": packet(ARRIVED),
    "refusal cut": packet(0x82, b"\xff\xffno"),
    "refusal without hint": packet(0x82, b"\x02\x00no"),
    "reserved": ok(item(b"A", b"b"))[:5] + b"\x01" + ok(item(b"A", b"b"))[6:],
    "too long": ok(item(b"A", b"v" * 70000)),
    "closed": "close",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_for_claim_is_125(probes, name):
    r = run([str(probes / "show")], SECRETS, answers={CLAIM: GARBAGE[name]})
    assert r.code == 125 and r.out == "" and r.err.startswith("ccrun: claim refused: ")


@pytest.mark.parametrize("name", ["closed", "short", "its own words", "refusal cut"])
def test_garbage_for_arrived_is_125(probes, name):
    r = run([str(probes / "show")], SECRETS, answers={ARRIVED: GARBAGE[name]})
    assert r.code == 125 and r.out == "" and r.broker.kinds() == [ARRIVED]


def test_items_in_the_answer_to_arrived_are_refused(probes):
    r = run([str(probes / "show")], SECRETS, answers={ARRIVED: ok(item(b"A", b"value"))})
    assert r.code == 125 and r.broker.kinds() == [ARRIVED]


def test_silence_ends_at_the_deadline(probes):
    r = run([str(probes / "show")], SECRETS, answers={CLAIM: None})
    assert r.code == 125 and "does not answer" in r.err


@pytest.mark.parametrize("fd", ["", "x", "0", "1", "03", "-1", "3x", "99999999999", "63"])
def test_a_bad_descriptor_is_125(probes, fd):
    r = run([str(probes / "show")], None, env={"CCRUN_FD": fd})
    assert r.code == 125 and "CCRUN_FD" in r.err


def test_a_descriptor_of_another_kind_is_125(probes):
    for make in [lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM), os.pipe]:
        a, b = make()
        n = a if isinstance(a, int) else a.fileno()
        r = run([str(probes / "show")], None, env={"CCRUN_FD": str(n)}, keep_fds=[n])
        assert r.code == 125
        for x in (a, b):
            os.close(x) if isinstance(x, int) else x.close()


# ---- a session whose secret a relay uses ----

@pytest.fixture
def place(tmp_path):
    """The place of a relay's socket, open, as ccrun passes it on."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        fd = os.open(tmp_path / "s", os.O_PATH)
        os.unlink(tmp_path / "s")
        yield fd
        os.close(fd)


def relayed(place):
    return {"CCRUN_RELAY": str(place), "ANTHROPIC_UNIX_SOCKET": f"/proc/self/fd/{place}",
            "ANTHROPIC_AUTH_TOKEN": "placeholder", "AWS_BEARER_TOKEN_BEDROCK": "placeholder",
            "ANTHROPIC_FOUNDRY_API_KEY": "placeholder"}


def test_a_relayed_program_is_hardened_and_keeps_its_socket(probes, place):
    r = run([str(probes / "show"), "a"], None, env=relayed(place), keep_fds=[place])
    env = env_of(r.out)
    assert re.search(rf"^FD {place} .*/s \(deleted\) cloexec=1$", r.out, re.M)
    assert r.code == 0 and "DUMPABLE 0" in r.out and "CCRUN_RELAY" not in env and "LD_PRELOAD" not in env
    assert env["ANTHROPIC_UNIX_SOCKET"] == f"/proc/self/fd/{place}" and env["ANTHROPIC_AUTH_TOKEN"] == "placeholder"


@pytest.mark.parametrize("how", ["vfork:" + e for e in EXECS] + SPAWNS + SHELLS)
def test_its_children_get_neither_socket_nor_placeholder(hooks, place, how):
    r = hooks(how, secrets=None, env=relayed(place), keep_fds=[place])
    env = env_of(r.out)
    assert env["KEEP"] == "1" and "DUMPABLE 1" in r.out and f"FD {place} " not in r.out
    assert not [n for n in env if n in relayed(place)]


@pytest.mark.parametrize("kind", ["", "x", "0", "63", "stream", "seqpacket", "file"])
def test_what_is_no_place_of_a_socket_is_125(probes, kind):
    keep, value = [], kind
    if kind in ("stream", "seqpacket"):
        keep = socket.socketpair(socket.AF_UNIX, getattr(socket, f"SOCK_{kind.upper()}"))
    if kind == "file":
        keep = [open("/etc/passwd", opener=lambda p, _: os.open(p, os.O_PATH), encoding="utf-8")]
    if keep:
        value = str(keep[0].fileno())
    r = run([str(probes / "show")], None, env={"CCRUN_RELAY": value}, keep_fds=[k.fileno() for k in keep])
    assert r.code == 125 and "CCRUN_RELAY" in r.err
    for k in keep:
        k.close()


# ---- children ----

def clean(probes, out):
    assert TOKEN not in out
    env = env_of(out)
    assert "TEST_TOKEN" not in env and "OTHER" not in env
    assert not [n for n in env if n.startswith(("CCRUN_FD", "CCRUN_SAVED"))]
    assert env["LD_PRELOAD"] == str(probes / "users.so") and env["NODE_OPTIONS"] == "--user"
    assert "socket" not in out and "DUMPABLE 1" in out
    return env


@pytest.mark.parametrize("how", EXECS + ["vfork:" + e for e in EXECS] + SPAWNS + SHELLS)
def test_child_sees_nothing(probes, hooks, how):
    r = hooks(how)
    assert r.code == 0 and r.err == ""
    env = clean(probes, r.out)
    assert env["KEEP"] == "1"
    assert f"ARG --key={'x' * len(TOKEN)}!" in r.out and "ARG plain" in r.out
    assert "STATUS 0" in r.out or how.startswith("pidfd")
    assert r.broker.kinds() == [ARRIVED, CLAIM]


@pytest.mark.parametrize("how", EXECS + ["vfork:execve"] + SPAWNS[:2] + SHELLS)
@pytest.mark.parametrize("preload", [None, fb.LIBRARY])
def test_without_a_session_it_is_libc(probes, hooks, how, preload):
    """Also the proof that the probe leaks when nothing stops it."""
    r = hooks(how, secrets=None, saved={}, preload=preload, env={"TEST_TOKEN": TOKEN})
    env = env_of(r.out)
    assert env["TEST_TOKEN"] == TOKEN and TOKEN in env["OTHER"]
    assert f"ARG --key={TOKEN}!" in r.out and env.get("LD_PRELOAD") == preload


@pytest.mark.parametrize("how", ["null-argv", "null-both", "null-envp", "empty-env", "vfork:null-both",
                                 "spawn-null-envp"])
def test_null_and_empty(probes, hooks, how):
    r = hooks(how)
    assert "STATUS 0" in r.out
    env = clean(probes, r.out)
    assert ("KEEP" in env) == (how == "null-argv")


def test_a_path_with_the_secret_is_masked(hooks):
    assert f"STATUS {99 << 8}" in hooks("key-path").out


@pytest.mark.parametrize("how", ["execve", "vfork:execve", "posix_spawn", "vfork:execvp"])
def test_ten_thousand_arguments_and_five_thousand_variables(probes, hooks, how):
    r = hooks(how, 10000, 5000)
    env = clean(probes, r.out)
    assert "ARGC 10003" in r.out and env["EXTRA_0"] == env["EXTRA_4999"] == "value"
    assert sum(1 for n in env if n.startswith("EXTRA_")) == 5000


def test_short_secrets_match_as_a_whole(probes, hooks):
    r = hooks("execve", secrets={"TEST_TOKEN": "abc"}, env={"WHOLE": "abc", "PART": "abcd"})
    env = env_of(r.out)
    assert "TEST_TOKEN" not in env and "WHOLE" not in env and env["PART"] == "abcd"


def test_the_program_cannot_blunt_the_hooks(probes):
    """Overwriting what getenv gave, or naming the variable anew, changes nothing."""
    r = run([str(probes / "misc"), "scrub", str(probes / "show")], SECRETS)
    assert TOKEN not in r.out and "COPY" not in env_of(r.out) and "TEST_TOKEN" not in env_of(r.out)
    assert "ARG " + "x" * len(TOKEN) in r.out


def test_what_the_program_sets_itself_wins(probes):
    own = str(probes / "libearly.so")
    r = run([str(probes / "misc"), "preload", str(probes / "show"), own], SECRETS,
            {"LD_PRELOAD": str(probes / "users.so"), "NODE_OPTIONS": "--user"})
    env = env_of(r.out)
    assert env["LD_PRELOAD"] == own and env["NODE_OPTIONS"] == "--own"


def test_wordexp_runs_nothing(probes):
    assert run([str(probes / "misc"), "wordexp", "x"], SECRETS).out == "wordexp 0 1\n"


def test_behaves_as_libc(probes, tmp_path):
    script = tmp_path / "plain-script"
    script.write_text("echo \"script $0 $# $1\"\n")
    script.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PLAIN_SCRIPT": str(script), "LONG_NAME": "n" * 300}
    plain = run([str(probes / "behave")], None, env=env, preload=None)
    assert plain.code == 0 and "threads: 0" in plain.out
    for kw in [{}, {"secrets": SECRETS}, {"saved": {"NODE_OPTIONS": "--user"}}]:
        r = run([str(probes / "behave")], env=env, **{"secrets": None, **kw})
        assert r.out == plain.out and r.err == plain.err and r.code == 0


def test_vfork_storm(probes):
    r = run([str(probes / "stress"), "6", "150"], SECRETS, {"NODE_OPTIONS": "--user"})
    assert r.out == "bad 0\n" and r.code == 0


def test_a_constructor_before_ours(probes):
    r = run([str(probes / "linked")], SECRETS)
    assert r.code == 0 and r.out == "early none\n" and r.broker.kinds() == [ARRIVED, CLAIM]


# ---- exec by the session's own process ----

CHAIN = [ARRIVED, CLAIM, AGAIN, ARRIVED, CLAIM]


def continued(r):
    env = env_of(r.out)
    assert r.broker.kinds() == CHAIN and {p for _, p in r.broker.log} == {r.pid}
    assert env["TEST_TOKEN"] == TOKEN and "DUMPABLE 0" in r.out
    assert "NODE_OPTIONS" not in env and "LD_PRELOAD" not in env
    initial = next(x for x in r.out.splitlines() if x.startswith("INITIAL"))
    assert TOKEN not in initial


@pytest.mark.parametrize("how", EXECS)
def test_own_exec_claims_again(hooks, how):
    r = hooks("self:" + how)
    continued(r)
    assert "OTHER" not in env_of(r.out) and f"ARG --key={'x' * len(TOKEN)}!" in r.out


def test_env_chain(probes, tmp_path):
    script = tmp_path / "tool"
    script.write_text("#!/usr/bin/env show\n")
    script.chmod(0o755)
    r = run([str(script)], SECRETS, {"NODE_OPTIONS": "--user"}, env={"PATH": f"{probes}:/usr/bin:/bin"})
    continued(r)
    assert f"ARG {script}" in r.out


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash"])
def test_shell_wrapper(probes, tmp_path, shell):
    script = tmp_path / "wrapper"
    script.write_text(f"#!{shell}\n/usr/bin/env\nx=$(env)\necho \"$x\"\nexec show \"$@\"\n")
    script.chmod(0o755)
    r = run([str(script), "an arg"], SECRETS, {"NODE_OPTIONS": "--user"},
            env={"PATH": f"/nonexistent:{probes}:/usr/bin:/bin"})
    children, _, own = r.out.partition("ARG ")
    assert children.count("NODE_OPTIONS=--user") == 2 and TOKEN not in children
    assert "CCRUN_" not in children and "LD_PRELOAD" not in children
    r.out = "ARG " + own
    continued(r)
    assert "ARG an arg" in r.out


def stripped(r):
    assert TOKEN not in r.out and "socket" not in r.out
    env = env_of(r.out)
    assert env and not [n for n in env if n.startswith(("CCRUN_", "TEST_", "LD_PRELOAD"))]


@pytest.mark.parametrize("answer", [refused(b"no", b""), None, b"junk"])
def test_own_exec_refused_goes_on_without(hooks, answer):
    r = hooks("self:execve", answers={AGAIN: answer}, saved={})
    stripped(r)
    assert r.broker.kinds() == [ARRIVED, CLAIM, AGAIN]


def test_own_exec_after_the_broker_is_gone(hooks):
    r = hooks("self:execve", answers={AGAIN: "close"}, saved={})
    stripped(r)


def test_own_exec_that_fails_closes_the_connection_to_children_again(probes):
    r = run([str(probes / "hooks"), "self:execve", "/etc/"], SECRETS)
    assert "FAILED" in r.out and "cloexec=1" in r.out and "cloexec=0" not in r.out


def test_a_missing_program_is_not_announced(probes):
    r = run([str(probes / "hooks"), "self:execve", "/no/such"], SECRETS)
    assert "FAILED No such file" in r.out and r.broker.kinds() == [ARRIVED, CLAIM]


def test_a_reused_descriptor_is_left_alone(probes):
    r = run([str(probes / "misc"), "reuse", str(probes / "show")], SECRETS)
    stripped(r)
    assert "CCR1" not in r.out and r.broker.kinds() == [ARRIVED, CLAIM]


def test_saved_only_session(probes, hooks):
    saved = {"LD_PRELOAD": str(probes / "users.so"), "NODE_OPTIONS": "--user"}
    r = run([str(probes / "show")], None, saved)
    assert not [n for n in env_of(r.out) if n.startswith(("CCRUN_", "LD_", "NODE_"))]
    assert "DUMPABLE 1" in r.out
    r = hooks("execve", secrets=None)
    env = env_of(r.out)
    assert env["LD_PRELOAD"] == saved["LD_PRELOAD"] and env["NODE_OPTIONS"] == "--user"
    r = run(["/bin/sh", "-c", f"env -u HOME {probes}/show; exec {probes}/show"], None, saved)
    child, own = r.out.split("ARGC", 2)[1:]
    assert "ENV NODE_OPTIONS=--user" in child and "NODE_OPTIONS" not in own.split("INITIAL")[0]
    assert f"CCRUN_SAVED_LD_PRELOAD={saved['LD_PRELOAD']}" in own.split("INITIAL")[1]


# ---- real programs ----

@pytest.mark.parametrize("argv", [
    # not the last command: bash makes that one the session's own process
    ["/bin/bash", "-c", "echo $TEST_TOKEN; env; x=$(env); echo \"$x\"; true"],
    [sys.executable, "-c", "import os,subprocess;print(os.environ['TEST_TOKEN'],flush=True);"
     "subprocess.run(['env']);subprocess.run('env',shell=True);os.system('env')"],
    ["perl", "-e", "$|=1;print \"$ENV{TEST_TOKEN}\\n\"; system('env'); print `env`;"],
    ["node", "-e", "const c=require('child_process');console.log(process.env.TEST_TOKEN);"
     "console.log(c.execSync('env')+c.spawnSync('env').stdout)"],
])
def test_real_programs(argv):
    if not shutil.which(argv[0]):
        pytest.skip(argv[0] + " is not here")
    r = run(argv, SECRETS, {"NODE_OPTIONS": "--no-warnings"}, env={"PATH": os.environ["PATH"]})
    assert r.code == 0 and r.err == ""
    assert r.out.count(TOKEN) == 1 and r.out.startswith(TOKEN)
    assert r.out.count("NODE_OPTIONS=--no-warnings") >= 2 and "LD_PRELOAD" not in r.out


@pytest.mark.skipif(not CLAUDE, reason="no claude here")
def test_claude_version(tmp_path):
    r = run([CLAUDE, "--version"], {"ANTHROPIC_AUTH_TOKEN": TOKEN},
            env={"HOME": str(tmp_path), "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"})
    assert r.code == 0 and "Claude Code" in r.out and r.broker.kinds()[:2] == [ARRIVED, CLAIM]


@pytest.mark.skipif(not shutil.which("valgrind"), reason="no valgrind here")
def test_valgrind(probes):
    """Valgrind's launcher is the first image of the session, the probe the last."""
    r = run(["valgrind", "-q", "--error-exitcode=9", "--trace-children=no", str(probes / "hooks"),
             "posix_spawn", str(probes / "show")], SECRETS, {"NODE_OPTIONS": "--user"}, timeout=120)
    assert r.code == 0 and TOKEN not in r.out and "STATUS 0" in r.out
