"""Keys that stay in another manager, from `ccctl add --source` to the request
that the endpoint sees: what runs the manager, when, and how often."""
import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pexpect
import pytest

import canary
from ccrun import CCCTL, CCRUN, PASSPHRASE
from client import alive, children_named, until
from endpoint import Text
from sources import Standin

REF = "pass:ai/openrouter"
SAY = 'printf %s "$ANTHROPIC_AUTH_TOKEN"'


class Source:
    """Provider demo, with a stand-in for pass in PATH."""

    def __init__(self, c, token):
        self.c, self.token = c, token
        c.demo()
        c.init()
        self.program = Standin(c, "pass")
        c.plain_env["PATH"] = f"{self.program.bin}:{c.env()['PATH']}"
        self.program.plays(out=token + "\n")

    def env(self, more=None):
        return {"PATH": self.c.plain_env["PATH"], **(more or {})}

    def ccctl(self, *argv, **kw):
        return self.c.ccctl(*argv, env=self.env(), **kw)

    def add(self, *more, name="demo", ref=REF):
        r = self.ccctl("add", name, "--source", ref, *self.c.allows(name), *more)
        assert r.rc == 0, r
        return r

    def launch(self, **kw):
        return self.c.ccrun("--exec", "/bin/sh", "demo", "-c", SAY, env=self.env(), **kw)

    def start(self):
        return self.c.popen([CCRUN, "--exec", "/bin/sh", "demo", "-c", SAY], self.env(), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)

    def entry(self, name="demo"):
        return next((e for e in json.loads(self.ccctl("keys", "--json").out) if e["name"] == name), None)

    def terminal(self, *argv):
        argv = self.c.argv(argv)
        return pexpect.spawn(argv[0], argv[1:], env=self.c.env(self.env()), cwd=self.c.cwd, encoding="utf-8", timeout=60)


@pytest.fixture
def s(c, token):
    return Source(c, token)


# ---- the real client, the real pass ----

@pytest.mark.skipif(not shutil.which("pass") or not shutil.which("gpg"), reason="no pass")
@pytest.mark.canary
def test_the_real_client_with_pass(c, ep, token):
    """The token is in the password store alone, and at the endpoint."""
    c.demo()
    c.init()
    env = {"PATH": f"{c.home}/count:{c.env()['PATH']}"}
    (c.home / ".gnupg").mkdir(mode=0o700)
    c.own()
    for argv, given in ((["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "t@example.org",
                          "rsa2048", "encr", "never"], None),
                        (["pass", "init", "t@example.org"], None),
                        (["pass", "insert", "--multiline", "ai/openrouter"], token + "\nuser: me\n")):
        r = c.run(argv, input=given)
        assert r.rc == 0, r
    # Counts, and becomes the real one.
    c.write("count/pass", f'#!/bin/sh\necho run >> {c.home}/runs\nexec /usr/bin/pass "$@"\n', 0o755)
    runs = lambda: (c.home / "runs").read_text().count("run") if (c.home / "runs").exists() else 0
    r = c.ccctl("add", "demo", "--source", REF, "--no-check", *c.allows("demo"), env=env)
    assert r.rc == 0 and runs() == 0, r

    hold = threading.Event()
    ep.script[:] = [Text("held", hold=hold)]
    proc = c.popen([CCRUN, "demo", "-p", "hello"], env)
    try:
        until(lambda: ep.main, what="the request")
        assert token in ep.main[0].headers["authorization"]
        found, _ = canary.scan_proc(token, skip=[os.getpid()])
        assert not found, found
        assert not canary.scan_files([c.root], token)
    finally:
        hold.set()
    assert proc.wait(60) == 0
    assert runs() == 1
    assert c.ccrun("demo", "-p", "again", env=env).rc == 0
    assert runs() == 1 and token in ep.main[-1].headers["authorization"], "the second launch ran no manager"
    assert c.ccctl("lock").rc == 0 and c.unlock().rc == 0
    assert c.ccrun("demo", "-p", "once more", env=env).rc == 0
    assert runs() == 2, "a lock wipes it"
    assert not canary.scan_files([c.root], token)
    assert [e["event"] for e in c.record()].count("fetch") == 2


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
def test_the_brokers_memory(s):
    """What was fetched is in its locked pages, and after a lock nowhere."""
    s.add("--no-check")
    assert s.launch().out == s.token
    found, searched, _ = canary.scan_memory(s.c.broker(), s.token, spare_locked=False)
    assert found and searched, "it can be found"
    found, _, spared = canary.scan_memory(s.c.broker(), s.token)
    assert spared > 100_000 and not found, found
    assert s.ccctl("lock").rc == 0
    found, _, _ = canary.scan_memory(s.c.broker(), s.token, spare_locked=False)
    assert not found, found


# ---- when it runs ----

def test_add_tries_it_once(s):
    r = s.add()
    assert "comes from " + REF in r.err and len(s.program.runs()) == 1
    assert s.launch().out == s.token and len(s.program.runs()) == 1
    assert s.entry()["fetched"] is True


def test_add_that_fails_stores_nothing(s):
    s.program.plays(err="Error: ai/x is not in the password store.\n", exit=1)
    r = s.ccctl("add", "demo", "--source", REF, *s.c.allows("demo"))
    assert r.rc == 1 and "no such item" in r.err and s.entry() is None, r
    s.program.plays(out=s.token + "\n")
    s.add()
    s.program.plays(exit=3)
    r = s.ccctl("add", "demo", "--source", REF, "--replace", *s.c.allows("demo"))
    assert r.rc == 1, r
    assert s.launch().out == s.token, "what was there is there still"


def test_a_launch_without_a_terminal(s):
    s.add("--no-check")
    assert s.program.runs() == []
    r = s.launch()
    assert (r.rc, r.out) == (0, s.token), r
    [run] = s.program.runs()
    assert run["tty"] is False


def test_what_is_claudes_stays_claudes(s):
    """Its standard input and output are not the manager's."""
    s.add("--no-check")
    s.program.plays(out=s.token + "\n", err="a word of the manager\n")
    r = s.c.ccrun("--exec", "/bin/cat", "demo", env=s.env(), input="for claude\n")
    assert r.out == "for claude\n" and "a word of the manager\n" in r.err, r


def test_two_at_once_run_it_once(s):
    s.add("--no-check")
    gate = s.c.home / "gate"
    s.program.plays(out=s.token + "\n", wait=str(gate))
    procs = [s.start() for _ in range(3)]
    until(lambda: len(s.program.runs()) == 1, what="the manager's start")
    until(lambda: sum(len(children_named(p.pid, "ccrun-source")) for p in procs) == 3, what="three that want it")
    s.c.write("gate", "")
    assert [p.communicate(timeout=60)[0] for p in procs] == [s.token] * 3
    assert len(s.program.runs()) == 1


def test_who_waited_tries_itself_when_the_first_fails(s):
    s.add("--no-check")
    gate = s.c.home / "gate"
    s.program.plays(err="Error: x is not in the password store.\n", exit=1, wait=str(gate))
    first = s.start()
    until(lambda: len(s.program.runs()) == 1, what="the manager's start")
    second = s.start()
    until(lambda: children_named(second.pid, "ccrun-source"), what="the second")
    s.program.plays(out=s.token + "\n")  # from the next run on
    s.c.write("gate", "")
    assert "no such item" in first.communicate(timeout=60)[1] and first.returncode == 125
    assert second.communicate(timeout=60)[0] == s.token and len(s.program.runs()) == 2


def test_who_fetches_may_die(s):
    """Its connection ends, so another one may."""
    s.add("--no-check")
    s.program.plays(out=s.token + "\n", wait=str(s.c.home / "never"))
    first = s.start()
    until(lambda: len(s.program.runs()) == 1, what="the manager's start")
    [helper] = children_named(first.pid, "ccrun-source")
    s.program.plays(out=s.token + "\n")
    second = s.start()
    os.kill(helper, signal.SIGKILL)
    assert second.communicate(timeout=60)[0] == s.token
    assert first.wait(60) == 125
    until(lambda: not alive(s.program.runs()[0]["pid"]), what="the manager's end")


def test_who_reads_the_value_is_caged_and_the_manager_is_not(s):
    s.add("--no-check")
    go = s.c.home / "go"
    s.program.plays(out=s.token + "\n", wait=str(go))
    first = s.start()
    until(lambda: len(s.program.runs()) == 1, what="the manager's start")
    [helper] = children_named(first.pid, "ccrun-source")
    cage = ("Seccomp", "NoNewPrivs")

    def shown(pid):
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return [lines[name].strip() for name in cage]
    until(lambda: shown(helper) == ["2", "1"], what="the cage")
    assert shown(s.program.runs()[0]["pid"]) == shown("self")
    go.touch()
    assert first.communicate(timeout=60)[0] == s.token


def test_ttl(s):
    s.add("-t", "1s")
    assert "ttl=1" in s.entry()["policy"]
    until(lambda: s.entry()["fetched"] is False, what="its time is over")
    s.program.forget()
    assert s.launch().out == s.token and len(s.program.runs()) == 1


def test_a_ttl_of_twelve_hours_when_nobody_says_another(s):
    s.add()
    assert "ttl=43200" in s.entry()["policy"]


# ---- every failure, 125 ----

@pytest.mark.parametrize("play, words", [
    ({"out": b""}, "gave nothing"), ({"exit": 9}, "exit code 9"),
    ({"err": "gpg: decryption failed: No secret key\n", "exit": 2}, "nobody is signed in"),
    ({"err": "Error: x is not in the password store.\n", "exit": 1}, "no such item"),
    ({"out": b"x" * 100_000}, "more than"), ({"signal": 15}, "signal 15")])
def test_failures(s, play, words):
    s.add("--no-check")
    s.program.plays(**play)
    r = s.launch()
    ours = [line for line in r.err.splitlines() if line.startswith("ccrun: ")]
    assert r.rc == 125 and r.out == "" and len(ours) == 1 and words in ours[0] and REF in ours[0], r
    assert "\nhint: " in r.err and s.entry()["fetched"] is False, r


def test_not_installed(s):
    s.add("--no-check")
    s.program.path.unlink()
    r = s.launch()
    assert r.rc == 125 and "pass is not installed" in r.err and "hint: install pass" in r.err, r


def test_without_the_helper(c, token, tmp_path):
    """make HELPERS= : said plainly, and everything else works."""
    s = Source(c, token)
    s.add("--no-check")
    prefix = tmp_path / "prefix"
    shutil.copytree(CCRUN.parents[1], prefix, ignore=shutil.ignore_patterns(
        "obj", "tests", "claude", "bw", "home", "test-logs", "ccrun-source"))
    r = c.run([prefix / "bin/ccrun", "--exec", "/bin/sh", "demo", "-c", SAY], s.env())
    assert r.rc == 125 and "ccrun-source is not installed" in r.err, r


# ---- on a terminal ----

def test_it_asks_a_person(s):
    s.add("--no-check")
    s.program.plays(ask="Manager's password: ")
    t = s.terminal(CCRUN, "--exec", "/bin/sh", "demo", "-c", 'printf "<%s>" "${#ANTHROPIC_AUTH_TOKEN}"')
    t.expect("Manager's password: ")
    until(lambda: not t.getecho(), what="the manager has switched the echo off")
    t.sendline(s.token)
    t.expect("ccrun: .*key from pass")
    t.expect(f"<{len(s.token)}>")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0 and s.token not in t.before
    [run] = s.program.runs()
    assert run["tty"] is True and run["gpg_tty"].startswith("/dev/pts/")


def test_ctrl_c(s):
    s.add("--no-check")
    s.program.plays(ask="Manager's password: ")
    t = s.terminal(CCRUN, "--exec", "/bin/sh", "demo", "-c", SAY)
    t.expect("Manager's password: ")
    until(lambda: not t.getecho(), what="no echo")
    t.sendintr()
    t.expect("it was cancelled")
    until(t.getecho, what="the terminal as it was")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 125, (t.exitstatus, t.signalstatus)
    until(lambda: not alive(s.program.runs()[0]["pid"]), what="the manager's end")
    assert s.entry()["fetched"] is False


def test_ctrl_c_while_another_fetches(s):
    s.add("--no-check")
    s.program.plays(out=s.token + "\n", wait=str(s.c.home / "gate"))
    first = s.start()
    until(lambda: s.program.runs(), what="the manager's start")
    t = s.terminal(CCRUN, "--exec", "/bin/sh", "demo", "-c", SAY)
    until(lambda: children_named(t.pid, "ccrun-source"), what="the second")
    # It must be in its wait: what comes before its signals are held ends it all the same.
    t.sendintr()
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 125
    s.c.write("gate", "")
    assert first.communicate(timeout=60)[0] == s.token


def test_ctrl_z_and_fg(s):
    """It is a job as any other."""
    s.add("--no-check")
    s.program.plays(ask="Manager's password: ")
    t = s.terminal("/bin/bash", "--norc", "--noprofile", "-i")
    t.sendline("PS1='prompt> '")
    t.expect("prompt> ")
    t.expect("prompt> ") if t.expect(["prompt> ", pexpect.TIMEOUT], timeout=2) == 1 else None
    t.sendline(f"{CCRUN} --exec /bin/sh demo -c 'printf \"<%s>\" ${{#ANTHROPIC_AUTH_TOKEN}}'")
    t.expect("Manager's password: ")
    t.sendcontrol("z")
    t.expect("Stopped")
    t.sendline("fg")
    t.expect("--exec")
    t.sendline(s.token)
    t.expect(f"<{len(s.token)}>")
    t.sendline("exit")
    t.expect(pexpect.EOF)


def test_locked_and_not_fetched(s):
    """A person unlocks, and then the manager asks; one launch."""
    s.add("--no-check")
    assert s.ccctl("lock").rc == 0
    t = s.terminal(CCRUN, "--exec", "/bin/sh", "demo", "-c", 'printf "<%s>" "${#ANTHROPIC_AUTH_TOKEN}"')
    t.expect("[Pp]assphrase.*: ")
    t.sendline(PASSPHRASE)
    t.expect(f"<{len(s.token)}>")
    t.expect(pexpect.EOF)
    assert len(s.program.runs()) == 1


def test_it_waits_for_a_terminal_where_ccctl_asks(s):
    s.add("--no-check")
    s.program.plays(ask="Manager's password: ")
    run = shlex.join([str(CCRUN), "--exec", "/bin/sh", "demo", "-c", 'printf "<%s>" "${#ANTHROPIC_AUTH_TOKEN}"'])
    t = s.terminal("/bin/sh", "-c", f"{CCCTL} slot add passphrase | (until [ -e {s.c.home}/go ]; do sleep 0.1; done; {run})")
    t.expect("Passphrase for your vault: ")
    s.c.write("go", "")
    until(lambda: children_named(t.pid, "ccrun waits"), what="one that waits")
    os.kill(max(children_named(t.pid, "ccctl")), signal.SIGTERM)
    t.expect("Manager's password: ")
    until(lambda: not t.getecho(), what="the manager has switched the echo off")
    t.sendline(s.token)
    t.expect(f"<{len(s.token)}>")


# ---- what is sealed ----

def test_listings_say_where_it_comes_from(s):
    s.add()
    s.c.add("zai", canary.new_token())
    keys = s.ccctl("keys").out
    assert REF in keys and "vault" in keys and "FROM" in keys
    assert s.entry()["source"] == REF and s.entry("zai")["source"] is None
    assert s.entry()["command"] == f"{s.program.path} show ai/openrouter" and s.entry()["pick"] == "first-line"
    listed = {p["name"]: p for p in json.loads(s.ccctl("list", "--json").out)}
    assert listed["demo"]["from"] == REF and listed["zai"]["from"] == "vault" and listed["azure"]["from"] is None
    assert REF in s.ccctl("list").out
    shown = s.ccctl("show", "demo").out
    assert f"from      {REF}" in shown and f"command   {s.program.path} show ai/openrouter" in shown
    assert "fetched" in shown
    r = s.ccctl("get", "demo")
    assert r.rc == 5 and r.out == "" and s.token not in r.err, r
    assert f"'demo' stays in another manager, which is where to ask for it: {REF}" in r.err, r
    assert f"hint: {s.program.path} show ai/openrouter\n" in r.err, r
    assert len(s.program.runs()) == 1, "it was not asked"


def test_an_empty_word_of_the_command_is_one_in_the_hint(s):
    r = s.ccctl("add", "demo", "--source", f"command:{s.program.path} '' show ''", *s.c.allows("demo"))
    assert r.rc == 0, r
    r = s.ccctl("get", "demo")
    assert r.rc == 5 and f"\nhint: {s.program.path} '' show ''\n" in r.err, r


@pytest.mark.parametrize("path", ["ai/x$(~/x)", "ai/x;~/x", "ai/x `~/x`", "ai/'x' \"~/x\"", "ai/it\\x"])
def test_the_command_in_a_hint_is_words_of_a_shell(s, path):
    """It is stored for no shell; what is in a reference may be a session's choice."""
    s.c.write(s.c.home / "x", "#!/bin/sh\ntouch ~/ran\n", 0o755)
    s.add(ref=f"pass:{path}")
    r = s.ccctl("get", "demo")
    assert r.rc == 5, r
    before = len(s.program.runs())
    r = s.c.run(["/bin/bash", "-c", r.err.split("\nhint: ", 1)[1].strip()])
    assert r.out.strip() == s.token and not (s.c.home / "ran").exists(), r
    assert [run["argv"][1:] for run in s.program.runs()[before:]] == [["show", path]]


def test_rename_backup_restore_rm_keep_it(s):
    s.add()
    assert s.ccctl("rename", "demo", "other").rc == 0
    assert s.entry("other")["source"] == REF and s.entry("other")["fetched"] is True
    assert len(s.program.runs()) == 1, "a new name loses no value"
    read, write = os.pipe()
    os.write(write, b"another passphrase\n")
    os.close(write)
    r = s.ccctl("backup", "--new-passphrase-fd", str(read), "backup", pass_fds=[read])
    assert r.rc == 0, r
    assert not canary.scan_files([s.c.root / "home/.local", s.c.cwd], s.token)
    assert s.ccctl("rm", "-y", "other").rc == 0 and s.entry("other") is None
    assert s.ccctl("lock").rc == 0
    (s.c.data / "ccrun/vault").unlink()
    r = s.c.with_passphrase("restore", "backup", passphrase="another passphrase")
    assert r.rc == 0, r
    assert s.entry("other")["source"] == REF and s.entry("other")["fetched"] is False
    s.c.passphrase = "another passphrase"
    assert s.ccctl("rename", "other", "demo").rc == 0
    assert s.launch().out == s.token


def test_the_vaults_version(s):
    """One that older programs read, for as long as they can."""
    version = lambda: int.from_bytes((s.c.data / "ccrun/vault").read_bytes()[8:10], "little")
    s.c.add("zai", canary.new_token())
    assert version() == 2
    s.add()
    assert version() == 3 and REF.encode() not in (s.c.data / "ccrun/vault").read_bytes()
    assert s.ccctl("rm", "-y", "demo").rc == 0
    assert version() == 2


def test_approve_shows_the_other_command(s):
    s.add()
    s.ccctl("lock")
    s.c.unlock()
    mine = s.c.write(s.c.config / "ccrun/sources/pass.conf", "[source]\ncommand = pass show --mine {path}\n")
    mine.parent.chmod(0o700)
    r = s.launch()
    assert r.rc == 125 and "not what was sealed" in r.err and "ccctl approve demo" in r.err, r
    r = s.ccctl("approve", "demo", "--yes")
    assert r.rc == 0 and f"-> {s.program.path} show --mine ai/openrouter" in r.out, r
    assert s.launch().out == s.token
    assert s.program.runs()[-1]["argv"][1:] == ["show", "--mine", "ai/openrouter"]
    assert "nothing to approve" in s.ccctl("approve", "demo", "--yes").err


def test_approve_of_the_endpoint_keeps_the_value(s):
    s.add()
    s.c.demo(policy={"nested": "allow"})
    assert s.ccctl("approve", "demo", "--yes").rc == 0
    assert s.launch().out == s.token and len(s.program.runs()) == 1


def test_approve_finds_a_program_that_moved(s):
    s.add()
    s.ccctl("lock")
    s.c.unlock()
    there = s.c.home / "elsewhere"
    there.mkdir()
    for f in s.program.bin.iterdir():
        f.rename(there / f.name)
    s.program.path = there / "pass"
    s.c.plain_env["PATH"] = f"{there}:{s.c.plain_env['PATH']}"
    assert s.launch().rc == 125
    assert s.ccctl("approve", "demo", "--yes").rc == 0
    assert s.launch().out == s.token


def test_a_file_that_others_can_write_is_refused(s):
    s.add()
    s.ccctl("lock")
    s.c.unlock()
    mine = s.c.write(s.c.config / "ccrun/sources/pass.conf", "", 0o666)
    mine.parent.chmod(0o700)
    r = s.launch()
    assert r.rc == 125 and "pass.conf" in r.err and len(s.program.runs()) == 1, r


def test_from_inside_a_session(s):
    s.add("--no-check")
    r = s.c.run(["prlimit", "--locks=0", CCCTL, "get", "demo"], s.env())
    assert r.rc == 5 and "inside a session" in r.err and not s.program.runs(), r
    helper = CCCTL.parents[1] / "libexec/ccrun/ccrun-source"
    r = s.c.run(["prlimit", "--locks=0", CCRUN, "--exec", "/bin/sh", "demo", "-c", SAY], s.env())
    assert r.rc == 125 and not s.program.runs(), r
    assert s.c.run(["bash", "-c", f"{helper} fetch demo 3<&-"], s.env()).rc == 1 and not s.program.runs()


def test_several_keys(s):
    s.c.provider("pair", title="Pair", base_url="http://127.0.0.1:1", auth="bearer",
                 secrets={"ANTHROPIC_AUTH_TOKEN": "one", "ANTHROPIC_API_KEY": "two"})
    r = s.ccctl("add", "pair", "--source", REF, *s.c.allows("pair"))
    if r.rc == 0:
        pytest.skip("one key after all")
    assert r.rc == 2 and "2 keys" in r.err, r
