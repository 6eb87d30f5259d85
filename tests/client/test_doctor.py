"""ccctl doctor: for each check a machine on which it finds something, and one on which it has nothing
to say; what a person and a program get to read, and the exit codes.

Where a machine cannot be had (with a swap, with another kernel's settings), the test plays the
file of /proc, /sys, /dev or /etc that says so: tests/instead/client/facts/machine_file.c."""
import ctypes
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import canary
from built import BUILD, REPO
from ccrun import Ccrun
from client import claude
from git_repos import Git
from wire_client import RLIMIT_LOCKS

pytestmark = pytest.mark.usefixtures("ordinary_user")
HERE = Path(__file__).parent
TROUBLE = ("advice", "broken")
VERSION = subprocess.run([BUILD / "bin/ccctl", "--version"], capture_output=True, text=True,
                         check=True).stdout.split()[1]
SWAPS = "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n"
HIBERNATES = {"/sys/power/state": "freeze mem disk\n", "/sys/power/disk": "[platform] shutdown\n"}
WELL = {"/proc/swaps": SWAPS, "/sys/power/state": "freeze mem\n", "/sys/power/disk": "[disabled]\n",
        "/proc/sys/kernel/yama/ptrace_scope": "1\n", "/proc/sys/dev/tty/legacy_tiocsti": "0\n",
        "/etc/claude-code/README": "", "/etc/ssl/certs/ca-certificates.crt": "-----BEGIN CERTIFICATE-----\n"}


class Findings:
    """What one run found."""

    def __init__(self, result):
        self.rc, self.rows = result.rc, json.loads(result.out)
        self.text = result.out + result.err

    def of(self, check):
        return [r for r in self.rows if r["check"] == check]

    def state(self, check):
        """The worst of a check; None: it said nothing."""
        states = [r["state"] for r in self.of(check)]
        return max(states, key=("ok", "advice", "broken").index) if states else None

    def trouble(self, check):
        """Its one finding that is not ok: state, text, mend."""
        rows = [r for r in self.of(check) if r["state"] in TROUBLE]
        assert len(rows) == 1, (check, self.of(check))
        return rows[0]["state"], rows[0]["what"], rows[0]["hint"]


def play(world, files):
    """Files of the machine: a text, or None for one that is not there."""
    for path, text in files.items():
        at = world.state / f"ccrun/machine{path}"
        if text is None:
            at.unlink()
        else:
            world.write(at, text)
    (world.state / "ccrun").chmod(0o700)


def look(world, env=None, **kw):
    return Findings(world.ccctl("doctor", "--json", env=env, **kw))


def ends_well(world, check, **kw):
    """It has nothing against what is there now."""
    found = look(world, **kw)
    assert found.state(check) in ("ok", None), found.of(check)
    return found


@pytest.fixture
def w(c, known_client):
    """A world in which everything is well that an ordinary user can have so."""
    known_client(c)
    play(c, WELL)
    c.plain_env["PATH"] = f"{BUILD}/bin:{Path(claude()).parent}:/usr/local/bin:/usr/bin:/bin"
    env = Ccrun.env

    def with_path(more=None):
        return env(c, {"PATH": c.plain_env["PATH"], **(more or {})})
    c.env = with_path
    return c


@contextmanager
def copied(w, *left_out):
    """An installation of the user's own, without some of its files, in the world."""
    prefix = w.root / "installed"
    shutil.copytree(BUILD, prefix, symlinks=True, ignore=shutil.ignore_patterns("tests", "obj"))
    for path in left_out:
        (prefix / path).unlink()
    was, w.bin = w.bin, prefix / "bin"
    try:
        yield prefix
    finally:
        w.bin = was


# ---- a run -------------------------------------------------------------

def names():
    source = (REPO / "client/doctor/checks.c").read_text()
    return re.findall(r'^\t\{ "([a-z-]+)", check_', source, re.M)


def test_every_check_is_in_the_man_page_and_has_a_test_here():
    man = (REPO / "man/ccctl.1").read_text()
    table = man[man.index(".Ss The checks of doctor"):].partition(".El")[0]
    assert re.findall(r"^\.It Cm ([a-z-]+)$", table, re.M) == names()
    text = Path(__file__).read_text()
    assert [n for n in names() if f'"{n}"' not in text] == []


def test_a_person_who_asks_reads_the_worst_first_each_with_its_mend(w):
    w.init()
    w.write(".bashrc", f"export ZAI_API_KEY={canary.new_token()}\nexport ANTHROPIC_AUTH_TOKEN=$ZAI_API_KEY\n")
    r = w.ccctl("doctor")
    assert (r.rc, r.err) == (2, "")
    words = [line.split()[0] for line in r.out.splitlines() if not line.startswith(" ")]
    assert words == sorted(words, key=("BROKEN", "advice", "ok").index) and set(words) == {"BROKEN", "advice", "ok"}
    lines = r.out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("BROKEN  keys-files"))
    assert lines[at + 1].strip() == "hint: ccctl import --scrub moves it into the vault"
    assert re.search(r"^ok +client +claude \d+\.\d+\.\d+, /", r.out, re.M)
    assert re.search(r"^ok +delivery +by relay", r.out, re.M)


def test_the_order_within_a_state_is_that_of_the_table(w):
    rows = [r["check"] for r in look(w).rows if r["state"] == "ok"]
    assert rows == sorted(rows, key=names().index)


def test_on_a_terminal_no_line_is_wider_and_what_takes_time_is_named(w):
    with w.screen([w.bin / "ccctl", "doctor"], columns=80, rows=300) as s:
        assert s.finish() == 1
        raw, shown = s.raw.decode(), s.text()
    assert "ccctl: looking at keys-files" in raw and "looking at" not in shown
    assert re.search(r"ccctl: 0 broken, [1-9]\d* with advice: they stand first, above\s*$", shown), shown[-200:]
    lines = raw.rpartition("\033[K")[2].split("\r\n")
    assert [x for x in lines if len(x) > 80 and " " in x[30:]] == [] and len(lines) > 40
    one = re.sub(r"\n {30}(?!hint:)", " ", "\n".join(lines))
    assert "advice  login                 nothing opens the vault when you log in\n" in one, one
    assert look(w).of("install")[0]["what"] in one


def test_on_a_terminal_that_is_too_low_what_is_well_is_counted(w):
    """What is wrong stands first, and forty lines that nothing is would push it off the screen."""
    with w.screen([w.bin / "ccctl", "doctor"], columns=100, rows=30) as s:
        assert s.finish() == 1
        shown = s.text()
    well = sum(r["state"] == "ok" for r in look(w).rows)
    assert re.search(rf"ccctl: 0 broken, [1-9]\d* with advice; {well} more are ok: ccctl doctor \| less\s*$", shown), shown
    assert "ccctl login enable" in shown and not re.search("^ok ", shown, re.M), shown


def test_exit_codes_are_of_the_worst(w):
    w.init()
    found = look(w)
    assert found.rc == 1 and {r["state"] for r in found.rows} == {"ok", "advice"}
    assert all(r["hint"] for r in found.rows if r["state"] in TROUBLE)
    w.overlay("broken", "[provider\n")
    assert look(w).rc == 2


def test_it_starts_no_broker_asks_nothing_and_changes_no_file(w):
    def files():
        return {p: p.stat().st_mtime_ns for p in w.home.rglob("*") if p.is_file()}
    look(w)
    before = files()
    assert w.broker() is None
    look(w)
    assert files() == before and w.broker() is None


def test_inside_a_session_it_says_what_it_can(w, token):
    w.demo()
    w.ready(token)
    r = w.ccrun("--exec", "/bin/sh", "demo", "-c", f"{BUILD}/bin/ccctl doctor --json")
    found = Findings(r)
    assert "inside a session" not in r.out
    assert found.state("client") == "ok" and found.state("broker") == "ok"
    assert not found.of("keys-files") and not found.of("entries") and token not in found.text


def test_no_key_is_printed_nor_a_value_of_settings(w):
    token = canary.new_token()
    w.write(".bashrc", f"export ANTHROPIC_AUTH_TOKEN={token}\n")
    w.settings({"env": {"ANTHROPIC_API_KEY": token, "ANTHROPIC_BASE_URL": "https://" + token}})
    found = look(w, {"ANTHROPIC_API_KEY": token})
    assert found.of("keys-files") and found.of("settings-user") and found.of("keys-environment")
    # In small letters, as a host's name is written, it is hardly less of one.
    assert not canary.scan_bytes(found.text.lower(), token.lower())


# ---- keys --------------------------------------------------------------

def test_a_key_in_a_shell_file_and_when_the_vault_has_it(w):
    token = canary.new_token()
    ends_well(w, "keys-files")
    w.demo()
    path = w.write(".bashrc", f"# mine\nexport ANTHROPIC_AUTH_TOKEN={token}\n"
                              f"export ANTHROPIC_BASE_URL={w.endpoint_used.url}\n")
    state, what, hint = look(w).trouble("keys-files")
    assert state == "broken" and what.startswith(f"{path}:2 has a key") and "moves it into" in hint
    w.ready(token)
    assert look(w).trouble("keys-files")[2].startswith("the vault has it: ccctl import --scrub")
    path.write_text("# mine\n")
    ends_well(w, "keys-files")


def test_a_key_that_git_tracks_also_by_a_link_from_the_home_directory(w):
    git = Git(w.home)
    top = git.repo("dotfiles")
    kept = top / "bashrc"
    kept.write_text(f"export ANTHROPIC_AUTH_TOKEN={canary.new_token()}\n")
    (w.home / ".bashrc").symlink_to(kept)
    found = ends_well(w, "keys-git")
    assert found.state("keys-files") == "broken"
    git.run("add", "bashrc", cwd=top)
    found = look(w)
    state, what, hint = found.trouble("keys-git")
    assert state == "broken" and f"git tracks it in {top}" in what and "history" in hint
    assert found.state("keys-files") in ("ok", None)
    git.run("rm", "-q", "--cached", "bashrc", cwd=top)
    ends_well(w, "keys-git")


@pytest.mark.parametrize("init,version,split,tracked", [
    ((), 4, False, True), (("--object-format=sha256",), 2, False, True),
    # The names are in a second file then, and nobody can say; the key is told all the same.
    ((), 2, True, False)])
def test_a_repository_of_another_format(w, init, version, split, tracked):
    git = Git(w.home)
    top = git.repo("dotfiles", *init)
    linked = w.home / "linked"
    git.run("worktree", "add", "-q", linked, cwd=top)
    for name in ("a/aa", "a/bashrc", "b"):
        git.write(linked / name, f"export ANTHROPIC_AUTH_TOKEN={canary.new_token()}\n")
    (w.home / ".bashrc").symlink_to(linked / "a/bashrc")
    git.run("add", ".", cwd=linked)
    git.run("update-index", "--index-version", version, cwd=linked)
    if split:
        git.run("update-index", "--split-index", cwd=linked)
    found = look(w)
    assert found.state("keys-git" if tracked else "keys-files") == "broken"
    assert (found.state("keys-git") == "broken") == tracked


def test_a_search_that_fails_is_told(w):
    with copied(w, "libexec/ccrun/ccrun-import") as prefix:
        w.write(prefix / "libexec/ccrun/ccrun-import", "#!/bin/sh\necho 'ccctl: it broke: here' >&2\n"
                "echo 'hint: mend it' >&2\nexit 1\n", 0o755)
        found = look(w)
        assert found.trouble("keys-files") == ("advice", "it broke: here", "mend it")
        assert not found.of("keys-git")


def test_pieces_of_a_key_in_a_history(w):
    token = canary.new_token()
    w.write(".bashrc", f"export ANTHROPIC_AUTH_TOKEN={token}\n")
    ends_well(w, "keys-history")
    history = w.write(".bash_history", f"ls\nexport ANTHROPIC_AUTH_TOKEN={token}\n")
    state, what, hint = look(w).trouble("keys-history")
    assert state == "advice" and str(history) in what and "--history" in hint


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"])
def test_a_key_in_the_environment(w, name):
    ends_well(w, "keys-environment")
    state, what, _ = look(w, {name: canary.new_token()}).trouble("keys-environment")
    assert state == "advice" and what.startswith(name)


# ---- the installation --------------------------------------------------

def test_who_can_write_the_installation(w):
    with copied(w) as prefix:
        state, what, hint = look(w).trouble("install")
        assert state == "advice" and what.startswith("not root's alone") and "sudo make install" in hint
        # A directory on the way, and the library itself.
        for path in (prefix, prefix / "libexec", prefix / "lib/ccrun/libccrun.so"):
            mode = path.stat().st_mode & 0o7777
            path.chmod(mode | 0o022)
            state, what, _ = look(w).trouble("install")
            assert state == "broken" and str(path) in what, what
            path.chmod(mode)
        assert look(w).state("install") == "advice"


def test_programs_that_are_missing(w):
    ends_well(w, "programs")
    with copied(w, "libexec/ccrun/ccrun-tpm2"):
        state, what, _ = look(w).trouble("programs")
        assert (state, what) == ("advice", "missing, or not to be executed: libexec/ccrun/ccrun-tpm2")
    shutil.rmtree(w.root / "installed")
    with copied(w, "libexec/ccrun/ccbroker"):
        state, what, _ = look(w).trouble("programs")
        assert (state, what) == ("broken", "nothing is launched without libexec/ccrun/ccbroker")


def test_a_ccrun_of_another_version_beside_ccctl(w):
    with copied(w) as prefix:
        (prefix / "bin/ccrun").unlink()
        w.write(prefix / "bin/ccrun", "#!/bin/sh\necho ccrun 0.0.1\n", 0o755)
        state, what, _ = look(w).trouble("programs")
        assert state == "broken" and "another version" in what


def test_which_ccrun_is_first_in_path(w):
    ends_well(w, "path")
    state, what, hint = look(w, {"PATH": "/usr/bin:/bin"}).trouble("path")
    assert state == "advice" and what == "no ccrun is in your PATH" and f"put {BUILD}/bin first" in hint
    other = w.write("bin/ccrun", "#!/bin/sh\n", 0o755)
    state, what, _ = look(w, {"PATH": f"{other.parent}:{w.env()['PATH']}"}).trouble("path")
    assert state == "advice" and str(other) in what


# ---- the client --------------------------------------------------------

def test_the_client_its_version_and_its_delivery(w):
    found = look(w)
    version = subprocess.run([claude(), "--version"], capture_output=True, text=True, check=True).stdout.split()[0]
    assert found.of("client")[0]["what"].startswith(f"claude {version}, {claude()}")
    assert found.state("client") == "ok" and found.state("target") == "ok"
    assert found.of("delivery")[0]["what"] == "by relay: the key never is in claude (this claude was tried with one)"


def test_a_client_of_which_nothing_is_known_is_tried_now(w):
    kept = w.home / ".cache/ccrun/clients"
    kept.unlink()
    assert look(w).state("delivery") == "ok"
    assert "relay=yes" in kept.read_text()


def test_no_client(w):
    found = look(w, {"PATH": f"{BUILD}/bin:/usr/bin:/bin"})
    state, what, hint = found.trouble("client")
    assert (state, what) == ("broken", "claude: not found in PATH") and "npm install" in hint
    assert not found.of("delivery") and not found.of("target")


def test_a_client_that_is_no_program(w):
    path = w.write("bin/claude", "not a program\n", 0o755)
    state, what, _ = look(w, {"PATH": f"{path.parent}:/usr/bin:/bin"}).trouble("client")
    assert state == "broken" and "is a text without a #! line" in what


def test_a_second_client_in_path(w):
    path = w.write("bin/claude", f"#!/bin/sh\nexec {claude()} \"$@\"\n", 0o755)
    state, what, _ = look(w, {"PATH": f"{w.env()['PATH']}:{path.parent}"}).trouble("client")
    assert state == "advice" and what.endswith(str(path))


def test_a_client_that_others_can_replace(w):
    path = w.write("bin/claude", f"#!/bin/sh\nexec {claude()} \"$@\"\n", 0o755)
    env = {"PATH": f"{path.parent}:{w.env()['PATH']}"}
    ends_well(w, "target", env=env)
    path.chmod(0o777)
    state, what, hint = look(w, env).trouble("target")
    assert state == "broken" and str(path) in what and hint == f"chmod go-w {path}"


def test_a_client_that_a_group_of_ones_own_can_replace(w):
    """npm under umask 002, where each user has a group of that name."""
    path = w.write("bin/claude", f"#!/bin/sh\nexec {claude()} \"$@\"\n", 0o775)
    path.parent.chmod(0o775)
    env = {"PATH": f"{path.parent}:{w.env()['PATH']}"}
    uid, gid = os.geteuid(), path.stat().st_gid
    me, group = f"ann:x:{uid}:{gid}::/home/ann:/bin/sh\n", f"root:x:0:\nann:x:{gid}:"
    for users, groups in ((me, group + "\n"), (me, group + "ann\n")):
        play(w, {"/etc/passwd": users, "/etc/group": groups})
        ends_well(w, "target", env=env)
    for users, groups in ((me + f"bob:x:{uid + 1}:{gid}::/:/bin/sh\n", group), (me, group + "ann,bob\n"), (me, group + "bob\n"),
                          (me.replace("ann:", "eve:", 1), group), (me, f"ann:x:{gid + 1}:\n"), ("", group)):
        play(w, {"/etc/passwd": users, "/etc/group": groups})
        state, what, hint = look(w, env).trouble("target")
        assert (state, hint) == ("broken", f"chmod go-w {path.parent}"), (users, groups, what)
    play(w, {"/etc/passwd": me, "/etc/group": group})
    path.chmod(0o777)
    assert look(w, env).trouble("target")[0] == "broken"


def test_a_client_that_takes_no_relay(w):
    path = w.write("bin/claude", "#!/bin/sh\necho 1.0.0\n", 0o755)
    state, what, _ = look(w, {"PATH": f"{path.parent}:/usr/bin:/bin"}).trouble("delivery")
    assert state == "advice" and "by preload" in what and "does not take one" in what


def test_a_script_that_runs_the_client_as_its_child(w):
    path = w.write("bin/claude", f"#!/bin/sh\n{claude()} \"$@\"\nexit\n", 0o755)
    state, what, hint = look(w, {"PATH": f"{path.parent}:{w.env()['PATH']}"}).trouble("delivery")
    assert state == "broken" and "as a child" in what and "exec" in hint


# ---- directories -------------------------------------------------------

def test_directories_that_others_can_open(w):
    w.init()
    ends_well(w, "directories")
    for path, mode, mend in ((w.data / "ccrun", 0o755, "chmod 700"), (w.config / "ccrun", 0o777, "chmod go-w")):
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        state, what, hint = look(w).trouble("directories")
        assert state == "broken" and str(path) in what and hint == f"{mend} {path}"
        path.chmod(0o700)
    ends_well(w, "directories")


def under_usr(w, *argv):
    """The command in a user namespace where /usr, which is another's, lies over the world's data directory."""
    at = w.data / "ccrun"
    at.mkdir(parents=True, exist_ok=True)
    unshare = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]
    if subprocess.run([*unshare, "mount", "--bind", "/usr", at], check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    env = {k: v for k, v in w.env().items() if k != "XDG_DATA_HOME"}
    r = subprocess.run([*unshare, "sh", "-c", 'mount --bind /usr "$0" && exec "$@"', at.resolve(), *argv],
                       env=env, cwd=w.cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return r.stdout + r.stderr


def test_no_hint_has_root_follow_a_link(w):
    """A session puts one where the data directory is: what a hint would have root give away is another's."""
    real = w.home / "elsewhere"
    shutil.move(w.data, real) if w.data.exists() else real.mkdir()
    w.data.parent.mkdir(parents=True, exist_ok=True)
    w.data.symlink_to(real)
    for argv in (["doctor"], ["status"], ["keys"], ["init", "--user"], ["unlock"]):
        said = under_usr(w, w.bin / "ccctl", *argv)
        assert f"hint: {w.data} is a symbolic link: if you did not make it, remove the link" in said, (argv, said)
        assert "chown" not in said and "as root" not in said.partition("directories")[2].partition("\n\n")[0][:300], (argv, said)


def test_anothers_directory_is_left_to_its_owner(w):
    said = under_usr(w, w.bin / "ccctl", "doctor")
    assert f"{w.data}/ccrun belongs to uid" in said and "hint: leave it to its owner, and choose another directory" in said
    assert "chown" not in said, said


def test_a_name_in_a_hint_is_one_word(w):
    """And a client in a directory whose name a session chose is one of them."""
    at = w.home / "claude';cd;touch RAN;'"
    path = w.write(at / "claude", f"#!/bin/sh\nexec {claude()} \"$@\"\n", 0o755)
    at.chmod(0o777)
    env = {"PATH": f"{at}:{w.env()['PATH']}"}
    state, what, hint = look(w, env).trouble("target")
    assert state == "broken" and str(path.parent) in what and hint.startswith("chmod go-w '"), hint
    subprocess.run(["/bin/sh", "-c", hint], env=w.env(), cwd=w.home, check=True)
    assert not (w.home / "RAN").exists() and at.stat().st_mode & 0o777 == 0o755
    ends_well(w, "target", env=env)


def test_on_a_terminal_no_line_break_comes_before_a_path(w):
    """Pasted as two lines the path would be a command."""
    at = w.home / ("d" * 20)
    w.write(at / "claude", f"#!/bin/sh\nexec {claude()} \"$@\"\n", 0o755)
    at.chmod(0o777)
    env = w.env({"PATH": f"{at}:{w.env()['PATH']}"})
    with w.screen([w.bin / "ccctl", "doctor"], columns=70, rows=300, env=env) as s:
        s.finish()
        lines = s.raw.decode().split("\r\n")
    assert [x for x in lines if x.endswith(f"go-w {at}")], lines


def test_a_runtime_directory_that_is_not_used(w):
    ends_well(w, "runtime")
    state, what, _ = look(w, {"XDG_RUNTIME_DIR": "/nowhere"}).trouble("runtime")
    assert state == "advice" and "/nowhere" in what


# ---- the broker --------------------------------------------------------

def test_the_broker_that_runs(w):
    assert look(w).of("broker")[0]["what"].startswith("none runs")
    w.init()
    found = look(w)
    for check in ("broker", "broker-version", "broker-hardening", "broker-memory", "broker-sandbox", "relay", "record"):
        assert found.state(check) == "ok", found.of(check)
    assert str(w.broker()) in found.of("broker")[0]["what"] and not found.of("memory-lock")


@contextmanager
def says(w, **fields):
    """A program in the broker's place, that says so of itself."""
    path = w.runtime / "ccrun/broker.sock"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    p = subprocess.Popen([sys.executable, HERE / "played_status.py", path,
                          json.dumps({"version": VERSION, **fields})], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(REPO / "tests/lib")})
    try:
        assert p.stdout.readline() == "serving\n"
        yield p
    finally:
        p.stdin.close()
        p.wait(30)


def test_a_broker_from_before_an_upgrade(w):
    with says(w) as p:
        assert look(w).state("broker-version") == "ok"
    with says(w, version="0.0.9") as p:
        state, what, hint = look(w).trouble("broker-version")
        assert state == "advice" and "version 0.0.9" in what and hint.startswith(f"kill {p.pid};")


def test_a_broker_whose_memory_is_not_locked_as_it_says(w):
    with says(w, memory_size=1 << 20):
        state, what, _ = look(w).trouble("broker-memory")
        assert state == "broken" and "the kernel does not say" in what


def test_a_broker_that_nobody_tells_of_suspend(w):
    with says(w):
        assert look(w).state("broker-watcher") == "ok"
    with says(w, delays=False):
        assert look(w).trouble("broker-watcher")[1] == "suspend does not wait until the vault is locked"
    with says(w, watched=False):
        state, what, _ = look(w).trouble("broker-watcher")
        assert state == "advice" and "do not lock the vault" in what


def test_another_program_in_the_brokers_place(w):
    with says(w) as p:
        # The mark, by which no session's program is taken for the broker.
        resource.prlimit(p.pid, RLIMIT_LOCKS, (4096, 4096))
        found = look(w)
        state, _, hint = found.trouble("broker")
        assert state == "broken" and str(p.pid) in hint
        assert not found.of("broker-memory") and not found.of("vault")


def test_a_broker_without_its_hardening(w):
    w.plain_env["CCRUN_WITHOUT"] = "hardened,broker-undumpable"
    w.init()
    state, what, hint = look(w).trouble("broker-hardening")
    assert state == "broken" and "can be read" in what and str(w.broker()) in hint


def test_a_broker_without_its_sandbox(w):
    w.plain_env["CCRUN_WITHOUT"] = "broker-seccomp"
    w.init()
    state, what, _ = look(w).trouble("broker-sandbox")
    assert (state, what) == ("broken", "the broker has no sandbox")


def test_a_broker_that_can_start_no_relay(w):
    with copied(w, "libexec/ccrun/ccrun-relay"):
        w.init()
        state, what, _ = look(w).trouble("relay")
        assert (state, what) == ("broken", "the broker cannot start relays")


def test_an_audit_log_that_was_cut(w, token):
    w.demo()
    w.ready(token)
    assert w.ccctl("get", "demo").rc == 0
    os.kill(w.broker(), 15)
    w.ccctl("status")
    record = w.state / "ccrun/record.jsonl"
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[:-2]))
    assert w.unlock().rc == 0
    state, what, _ = look(w).trouble("record")
    assert state == "advice" and "lines of the log are missing" in what


# ---- the vault ---------------------------------------------------------

def test_the_vault_and_its_slots(w):
    assert look(w).trouble("vault")[2] == "ccctl init"
    w.init()
    found = ends_well(w, "vault")
    state, what, hint = found.trouble("slots")
    assert state == "advice" and "one slot alone" in what and "recovery" in hint
    assert w.ccctl("host", "init").rc == 0
    assert w.ccctl("slot", "add", "keyfile").rc == 0
    ends_well(w, "slots")


def test_a_vault_that_a_variable_leads_away_from(w):
    w.init()
    usual = {"XDG_DATA_HOME": w.home / "elsewhere"}
    state, what, hint = look(w, {**usual, "XDG_RUNTIME_DIR": w.tmp}).trouble("vault")
    assert state == "advice" and str(w.data / "ccrun/vault") in what and "XDG_DATA_HOME" in hint


def test_a_vault_that_others_can_read(w):
    w.init()
    (w.data / "ccrun/vault").chmod(0o644)
    state, _, hint = look(w).trouble("vault")
    assert state == "advice" and hint == f"chmod 600 {w.data}/ccrun/vault"


def test_a_keyring_slot_without_a_session_bus(w):
    bus = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
    with says(w, slots=1):
        assert not look(w).of("keyring")
        assert look(w, bus).state("keyring") == "ok"


def test_a_tpm_that_its_user_may_not_use(w):
    play(w, {"/dev/tpmrm0": ""})
    assert "ccctl slot add tpm2" in ends_well(w, "tpm").of("tpm")[0]["what"]
    (w.state / "ccrun/machine/dev/tpmrm0").chmod(0)
    state, _, hint = look(w).trouble("tpm")
    assert state == "advice" and "tss" in hint


# ---- configuration -----------------------------------------------------

def test_a_providers_file_that_cannot_be_read(w):
    ends_well(w, "providers")
    path = w.overlay("mine", "[provider]\ntitle = Mine\nbase_url = https://a.example/\nauth = nonsense\n")
    state, what, _ = look(w).trouble("providers")
    assert state == "broken" and f"{path}:4" in what
    path.unlink()
    path = w.overlay("mine", "[provider]\ntitle = Mine\nbase_url = https://a.example\nauth = bearer\n"
                             "docs = x\n[mode m]\nauth = nonsense\n")
    assert f"{path}:7" in look(w).trouble("providers")[1]
    path.unlink()
    w.write(path.with_name("My Own.conf"), "")
    state, what, _ = look(w).trouble("providers")
    assert state == "advice" and what.endswith("My Own.conf is not read")


def test_a_sources_file_that_cannot_be_read(w):
    ends_well(w, "sources")
    path = w.write(w.config / "ccrun/sources/pass.conf", "[source]\nnonsense = 1\n")
    path.parent.chmod(0o700)
    path.parent.parent.chmod(0o700)
    state, what, _ = look(w).trouble("sources")
    assert state == "broken" and f"{path}:2" in what


@pytest.mark.parametrize("text,state,word", [
    ("[ccrun\n", "broken", "ccrun.conf:1"),
    ("[ccrun]\ndefault = zay\n", "broken", "zay"),
    ("[statusline]\nparts = nonsense\n", "advice", "nonsense"),
    ("[ccrun]\npinentry = /nowhere/pinentry\n", "broken", "/nowhere/pinentry"),
])
def test_a_ccrun_conf_that_is_wrong(w, text, state, word):
    ends_well(w, "ccrun-conf")
    w.write(w.config / "ccrun/ccrun.conf", text).parent.chmod(0o700)
    found = look(w).trouble("ccrun-conf")
    assert found[0] == state and word in found[1] and found[2]


def test_links_that_lead_nowhere(w):
    bin_dir = w.home / "bin"
    bin_dir.mkdir()
    env = {"PATH": f"{bin_dir}:{w.env()['PATH']}"}
    r = w.ccctl("link", "--dir", bin_dir, "cz", "zai", env=env)
    assert r.rc == 0, r
    ends_well(w, "links", env=env)
    state, what, hint = look(w).trouble("links")
    assert state == "advice" and what.startswith("cz is no command") and "ccctl link cz zai" in hint
    conf = w.config / "ccrun/ccrun.conf"
    conf.write_text(conf.read_text().replace("zai", "zay"))
    assert look(w, env).trouble("links")[0] == "broken"


def test_a_projects_pin(w):
    assert not look(w).of("project")
    pin = w.write(w.cwd / ".ccrun", "provider = zai\n")
    state, what, hint = look(w).trouble("project")
    assert state == "advice" and what == f"{pin} is not allowed, and not used" and "ccctl allow" in hint
    assert w.ccctl("allow").rc == 0
    ends_well(w, "project")
    pin.write_text("provider = kimi\n")
    assert "was changed since" in look(w).trouble("project")[1]
    pin.write_text("nonsense\n")
    assert look(w).trouble("project")[0] == "broken"


# ---- launches ----------------------------------------------------------

def test_a_provider_that_cannot_be_launched(w, token):
    w.demo()
    w.ready(token)
    assert look(w).of("launch")[0]["what"].startswith("demo can be launched")
    w.demo(policy={"delivery": "pipe"})
    state, what, hint = look(w).trouble("launch")
    assert state == "broken" and what.startswith("ccrun demo: ") and "delivery = pipe" in hint


def test_a_default_that_cannot_be_launched_is_told_with_the_vault_locked(w):
    w.overlay("mine", "[provider]\ntitle = Mine\nbase_url = https://{host}/\nauth = bearer\ndocs = x\n"
                      "[parameters]\nhost = Which host?\n")
    w.write(w.config / "ccrun/ccrun.conf", "[ccrun]\ndefault = mine\n")
    state, what, _ = look(w).trouble("launch")
    assert state == "broken" and what.startswith("ccrun mine: ")


def test_entries_that_are_sealed_for_something_else(w, token):
    w.demo()
    w.ready(token)
    ends_well(w, "entries")
    w.demo(url="https://elsewhere.example")
    state, what, hint = look(w).trouble("entries")
    assert state == "advice" and what.startswith("demo: its files say something else") and "approve demo" in hint
    assert w.ccctl("lock").rc == 0
    assert not look(w).of("entries")


@pytest.mark.parametrize("policy,word", [({"delivery": "env"}, "every program"), ({"confine": "off"}, "signal")])
def test_entries_that_are_sealed_loosely(w, token, policy, word):
    w.demo(policy=policy)
    w.ready(token)
    state, what, hint = look(w).trouble("entries")
    assert state == "advice" and what.startswith("demo is sealed with ") and word in what and "approve demo" in hint


def test_an_entry_whose_password_manager_is_gone(w):
    w.init()
    manager = w.write("bin/pass", "#!/bin/sh\necho key-of-somebody-0123456789\n", 0o755)
    env = {"PATH": f"{manager.parent}:{w.env()['PATH']}"}
    w.demo()
    r = w.ccctl("add", "--no-check", "--source", "pass:demo", "demo", *w.allows("demo"), env=env)
    assert r.rc == 0, r
    ends_well(w, "entries", env=env)
    state, what, _ = look(w, {"PATH": BUILD / "bin"}).trouble("entries")
    assert state == "broken" and "pass is not in PATH" in what


def test_a_provider_whose_last_trial_failed(w, token):
    w.demo(url="http://127.0.0.1:9", policy={"delivery": "relay"})
    w.ready(token)
    ends_well(w, "trials")
    assert w.ccctl("test", "demo").rc != 0
    state, what, hint = look(w).trouble("trials")
    assert state == "broken" and what.startswith("demo did not work") and what.endswith(": refused")
    assert hint.startswith("ccctl test demo")
    # Of what it is now nothing is known.
    w.demo(policy={"delivery": "relay"})
    ends_well(w, "trials")


# ---- the kernel --------------------------------------------------------

def denies(number):
    """For a child: the system call of that number is one that the kernel has not."""
    def load():
        libc = ctypes.CDLL(None, use_errno=True)
        steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | 38), (0x06, 0, 0, 0x7fff0000)]
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in steps))
        fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program)))
        assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, fprog, 0, 0) == 0
    return load


@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="the numbers of these machines")
def test_a_kernel_without_filters_or_landlock(w):
    ends_well(w, "seccomp")
    state, what, _ = look(w, preexec_fn=denies(317 if os.uname().machine == "x86_64" else 277)).trouble("seccomp")
    assert state == "broken" and "no session is confined" in what
    ends_well(w, "landlock")
    assert look(w, preexec_fn=denies(444)).trouble("landlock")[0] == "advice"


def test_what_the_kernel_lets_programs_do_to_each_other(w):
    ends_well(w, "yama")
    ends_well(w, "tiocsti")
    play(w, {"/proc/sys/kernel/yama/ptrace_scope": "0\n", "/proc/sys/dev/tty/legacy_tiocsti": "1\n"})
    found = look(w)
    assert found.trouble("yama")[0] == "advice" and "ptrace_scope=1" in found.trouble("yama")[2]
    assert found.trouble("tiocsti")[0] == "advice" and "legacy_tiocsti=0" in found.trouble("tiocsti")[2]


# ---- memory ------------------------------------------------------------

@pytest.mark.parametrize("kib,state", [(0, "broken"), (512, "advice")])
def test_too_little_memory_can_be_locked(w, kib, state):
    ends_well(w, "memory-lock")

    def limit():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (kib * 1024, kib * 1024))
    found = look(w, preexec_fn=limit).trouble("memory-lock")
    assert found[0] == state and "RLIMIT_MEMLOCK" in found[2]


def test_a_swap_on_a_plain_disk_and_on_one_that_is_encrypted(w):
    ends_well(w, "swap")
    play(w, {"/proc/swaps": SWAPS + "/dev/zram0 partition\t100\t0\t5\n"})
    ends_well(w, "swap")
    play(w, {"/proc/swaps": SWAPS + "/dev/dm-1  partition\t100\t0\t-2\n", "/sys/block/dm-1/dm/uuid": "LVM-abc\n"})
    state, what, hint = look(w).trouble("swap")
    assert state == "advice" and what.startswith("/dev/dm-1 is not encrypted") and "crypttab" in hint
    play(w, {"/sys/block/dm-1/dm/uuid": "CRYPT-PLAIN-swap\n"})
    ends_well(w, "swap")
    play(w, {"/proc/swaps": SWAPS + "/swapfile file\t100\t0\t-2\n"})
    assert look(w).trouble("swap")[1].startswith("/swapfile")


def test_hibernation_to_a_plain_disk(w):
    ends_well(w, "hibernation")
    play(w, {**HIBERNATES, "/proc/swaps": SWAPS + "/dev/sda3 partition\t100\t0\t-2\n"})
    assert look(w).trouble("hibernation")[0] == "advice"
    with says(w, watched=False):
        state, what, _ = look(w).trouble("hibernation")
        assert state == "broken" and "/dev/sda3" in what and "nothing locks the vault" in what
    play(w, {"/proc/swaps": SWAPS})
    ends_well(w, "hibernation")


# ---- Claude Code's settings --------------------------------------------

def test_settings_that_route(w):
    ends_well(w, "settings-user")
    w.settings({"env": {"ANTHROPIC_BASE_URL": "https://a.example", "FOO": "1"}, "apiKeyHelper": "/bin/true"})
    state, what, _ = look(w).trouble("settings-user")
    assert state == "advice" and "apiKeyHelper, env.ANTHROPIC_BASE_URL: claude alone" in what and "FOO" not in what
    w.write(".claude/settings.json", "{ nonsense\n")
    assert look(w).trouble("settings-user")[0] == "broken"


def test_settings_of_the_administrator(w):
    ends_well(w, "settings-managed")
    play(w, {"/etc/claude-code/managed-settings.d/10.json": json.dumps({"forceLoginMethod": "console"})})
    state, what, _ = look(w).trouble("settings-managed")
    assert state == "advice" and what.endswith("10.json says forceLoginMethod")
    play(w, {"/etc/claude-code/managed-settings.json": "nonsense"})
    assert look(w).trouble("settings-managed")[0] == "broken"


@pytest.mark.parametrize("where", ["project", "local"])
def test_settings_of_a_repository(w, where):
    ends_well(w, "settings-project")
    w.settings({"env": {"ANTHROPIC_BASE_URL": "https://a.example"}}, where)
    state, what, _ = look(w).trouble("settings-project")
    assert state == "advice" and what.endswith("says env.ANTHROPIC_BASE_URL") and str(w.cwd) in what


def test_an_environment_that_routes(w):
    ends_well(w, "settings-environment")
    state, what, _ = look(w, {"ANTHROPIC_BASE_URL": "https://a.example"}).trouble("settings-environment")
    assert state == "advice" and "says ANTHROPIC_BASE_URL: claude alone" in what


# ---- the network, and the clock ----------------------------------------

def test_certificates_of_the_system(w):
    ends_well(w, "certificates")
    play(w, {"/etc/ssl/certs/ca-certificates.crt": "\n"})
    assert look(w).trouble("certificates")[0] == "broken"


@pytest.mark.parametrize("name", ["NODE_EXTRA_CA_CERTS", "CLAUDE_CODE_CLIENT_CERT"])
def test_certificates_of_the_person(w, name):
    more = {"CLAUDE_CODE_CLIENT_KEY": w.write("key", "-----BEGIN KEY-----\n")} if "CLIENT" in name else {}
    file = w.write("file.pem", "-----BEGIN CERTIFICATE-----\n")
    ends_well(w, "network", env={name: file, **more})
    for wrong in ("/nowhere.pem", "relative.pem", w.write("file.der", "x")):
        state, what, hint = look(w, {name: wrong, **more}).trouble("network")
        assert state == "broken" and name in what and hint


def test_a_proxy_that_is_none(w):
    assert "through the proxy" in ends_well(w, "network").of("network")[0]["what"]
    assert look(w, {"https_proxy": "socks5://a:1"}).trouble("network")[0] == "broken"


def test_a_clock_that_is_wrong(w):
    w.init()
    ends_well(w, "clock")
    w.write(w.state / "ccrun/wall", str(-10 * 365 * 86400))
    state, what, hint = look(w).trouble("clock")
    assert state == "broken" and "the clock is wrong: it says 201" in what and "timedatectl" in hint
    (w.state / "ccrun/wall").unlink()
    os.utime(w.data / "ccrun/vault", (4e9, 4e9))
    assert look(w).trouble("clock")[0] == "advice"


# ---- comfort -----------------------------------------------------------

def test_what_opens_the_vault_at_log_in(w):
    assert look(w).trouble("login")[2] == "ccctl login enable"
    assert w.ccctl("login", "enable").rc == 0
    ends_well(w, "login")
    entry = w.config / "autostart/ccrun-unlock.desktop"
    entry.write_text(entry.read_text() + "# more\n")
    assert "another installation's or version's" in look(w).trouble("login")[1]


def test_the_status_line(w):
    assert look(w).trouble("status-line")[2] == "ccctl statusline install"
    assert w.ccctl("statusline", "install", "--yes").rc == 0
    ends_well(w, "status-line")
    settings = w.home / ".claude/settings.json"
    settings.write_text(settings.read_text().replace(str(BUILD), "/elsewhere"))
    assert "another installation's: /elsewhere" in look(w).trouble("status-line")[1]
    w.settings({"statusLine": {"type": "command", "command": "date"}})
    ends_well(w, "status-line")


@pytest.mark.parametrize("shell,file,mend", [
    ("bash", "bash-completion/completions/ccctl", "ln -s "),
    ("zsh", "zsh/site-functions/_ccctl", "fpath+="),
    ("fish", "fish/vendor_completions.d/ccctl.fish", "ln -s "),
])
def test_completions_of_the_shell(w, shell, file, mend):
    with copied(w) as prefix:
        env = {"SHELL": f"/bin/{shell}", "XDG_DATA_DIRS": "/nowhere"}
        ours = prefix / "share" / file
        if ours.exists():
            ours.unlink()
        assert not look(w, env).of("completion")
        w.write(ours, "")
        state, what, hint = look(w, env).trouble("completion")
        assert state == "advice" and what.startswith(f"{shell} does not look") and mend in hint
        env["XDG_DATA_DIRS"] = f"/nowhere:{prefix}/share"
        w.write(".zshrc", f"fpath+=({prefix}/share/zsh/site-functions)\n")
        w.write(prefix / "share/bash-completion/bash_completion", "")
        ends_well(w, "completion", env=env)
        assert not look(w, {**env, "SHELL": "/bin/dash"}).of("completion")
