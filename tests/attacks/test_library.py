"""Writing into libccrun.so while a session runs.  The library of an installation of the user's is a
file that every program of the session can write, and shared libraries know no ETXTBSY: what is written
into the file is code of the process that has the key."""
import shlex

import pytest

from attack import PYTHON, nowhere
from controls import off

# A session's process: it has the token, has the library spoiled by a child, goes on by
# execve in a new image, and starts a child from there.
FIRST = """import os, subprocess, sys
say = lambda *words: print(*words, flush=True)
say("first", len(os.environ["ANTHROPIC_AUTH_TOKEN"]))
subprocess.run(["/bin/sh", "-c", os.environ["SPOIL"]], check=True)
say("spoiled")
subprocess.run(["/bin/true"], check=True)
os.system("true")
say("hooks work")
os.execve(sys.executable, [sys.executable, "-c", os.environ["SECOND"]], os.environ)
"""
SECOND = """import os, subprocess, sys
say = lambda *words: print(*words, flush=True)
say("second", len(os.environ["ANTHROPIC_AUTH_TOKEN"]))
out = subprocess.run(["/bin/sh", "-c", "env; ls -l /proc/self/fd"], close_fds=False, stdout=-1, stderr=-2).stdout.decode()
say("child", [x for x in out.splitlines() if x.startswith("LD_PRELOAD=") or "mem" + "fd:" in x or "ERROR: " + "ld" in x])
"""


def attack(ready, installed, prefix=(), env=None):
    library = installed / "lib/ccrun/libccrun.so"
    script = ready.write("spoil.py", f"p = {str(library)!r}\nn = len(open(p, 'rb').read())\n"
                         "f = open(p, 'r+b')\nf.write(b'\\xcc' * n)\nf.close()\n")
    r = ready.run([*prefix, installed / "bin/ccrun", "--exec", PYTHON, "demo", "-c", FIRST],
                  env={"SPOIL": f"{PYTHON} {shlex.quote(str(script))}", "SECOND": SECOND, **(env or {})})
    assert library.read_bytes()[:64] == b"\xcc" * 64, r
    return r


def test_a_library_that_the_session_overwrites(ready, token, installed):
    r = attack(ready, installed)
    lines = r.out.splitlines()
    assert r.rc == 0 and lines == [f"first {len(token)}", "spoiled", "hooks work", f"second {len(token)}", "child []"], r
    assert not r.err, r
    nowhere(ready, token, r.out, r.err)


def test_control_preloaded_from_its_file_it_runs_what_was_written(ready, token, installed):
    """No copy can be made where no file may have its size: ccrun says so and takes the file.  The
    process that has the key then runs what the session wrote: here it traps."""
    r = attack(ready, installed, ["/bin/sh", "-c", 'trap "" XFSZ; ulimit -S -f 100; exec "$@"', "sh"])
    assert "no sealed copy of libccrun.so can be used here" in r.err and "hint:" in r.err, r
    assert r.out.startswith(f"first {len(token)}") and "hooks work" not in r.out and r.rc != 0, r


def test_without_the_control_the_file_is_preloaded(ready, token, installed):
    r = attack(ready, installed, env=off("library-copy"))
    assert r.out.startswith(f"first {len(token)}") and "hooks work" not in r.out and r.rc != 0, r


@pytest.mark.parametrize("way", ["write", "map", "truncate", "unseal", "reopen"])
def test_the_copy_itself_cannot_be_changed(ready, token, way):
    """By the process that has it, even: a child has no way to it at all."""
    code = f"""import fcntl, mmap, os
def link(n):
    try:
        return os.readlink("/proc/self/fd/" + n)
    except OSError:
        return ""
fd = int(next(n for n in os.listdir("/proc/self/fd") if "libccrun.so" in link(n)))
assert not os.get_inheritable(fd) and fcntl.fcntl(fd, 1034) & 15 == 15
ways = {{"write": lambda: os.pwrite(fd, b"x", 0), "map": lambda: mmap.mmap(fd, 4096),
        "truncate": lambda: os.ftruncate(fd, 0), "unseal": lambda: fcntl.fcntl(fd, 1033, 16),
        "reopen": lambda: os.pwrite(os.open("/proc/self/fd/" + str(fd), os.O_RDWR), b"x", 0)}}
try:
    ways["{way}"]()
    print("done")
except PermissionError:
    print("EPERM")
"""
    r = ready.ccrun("--exec", PYTHON, "demo", "-c", code)
    assert r.out == "EPERM\n" and r.rc == 0, r
    nowhere(ready, token, r.out, r.err)


def test_a_script_and_its_interpreters_have_it(ready, token):
    """env, a shell and a last program: each is loaded with the library, none gives it to a child."""
    last = ready.write("bin/last", "#!/usr/bin/env python3\n" + SECOND, 0o755)
    script = ready.write("bin/first", f"#!/usr/bin/env -S bash\n/usr/bin/env > $HOME/env\nexec {shlex.quote(str(last))}\n", 0o755)
    r = ready.ccrun("--exec", script, "demo")
    assert r.rc == 0 and r.out == f"second {len(token)}\nchild []\n" and not r.err, r
    env = (ready.home / "env").read_text()
    assert "LD_PRELOAD" not in env and "CCRUN_FD" not in env, env


def test_a_program_that_closes_everything_starts_no_other_with_the_key(ready, token):
    """Without the descriptor another image cannot be given the library: it gets no key, either."""
    code = ("import os; os.closerange(20, 4096); "
            "os.execve('/bin/sh', ['sh', '-c', 'echo \"${ANTHROPIC_AUTH_TOKEN:-none}\"; env'], os.environ)")
    r = ready.ccrun("--exec", PYTHON, "demo", "-c", code)
    assert r.rc == 0 and r.out.startswith("none\n") and "LD_PRELOAD" not in r.out and not r.err, r
    nowhere(ready, token, r.out, r.err)


def test_a_directory_that_ld_preload_cannot_name(ready, token, tools, installed):
    for name in ("with space", "with:colon"):
        where = installed.rename(installed.with_name(name))
        r = ready.run([where / "bin/ccrun", "--exec", tools / "victim", "demo"])
        assert r.rc == 0 and not r.err, r
        r = ready.run(["/bin/sh", "-c", 'trap "" XFSZ; ulimit -S -f 100; exec "$@"', "sh",
                       where / "bin/ccrun", "--exec", tools / "victim", "demo"])
        assert r.rc == 125 and "LD_PRELOAD cannot name" in r.err, r
        installed = where
    nowhere(ready, token, r.out, r.err)
