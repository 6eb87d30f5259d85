"""A machine with a system broker on it, for tests that run as root.

Its paths (/run/ccrun, /var/lib/ccrun) are fixed in the programs on purpose, so
this process itself moves into a mount namespace of its own, where /run, /var/lib
and /opt are empty; nothing is seen outside, and leave() brings it back.  Users are
numbers without a passwd entry: nothing to add, nothing to take away.

    with Machine() as m:
        with m.broker() as b, m.user(1, ep) as a:
            a.init_system(); a.add("demo", token); a.ccrun("demo", "-p", "hello")
"""
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import wire_client
from built import BUILD, REPO, SHIPPED
from ccrun import Ccrun
from client import alive, until
from controls import off

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
BROKER_UID = 61000
WATCHER_UID = 61900
RUN = Path("/run/ccrun")
SOCKET = RUN / "broker.sock"
STATE = Path("/var/lib/ccrun")
WATCHER_DIR = Path("/run/ccrun-logind")
PREFIX = Path("/opt/ccrun")

libc = ctypes.CDLL(None, use_errno=True)


def account(n):
    """User n; nobody on the machine knows the number."""
    return pwd.struct_passwd((f"user{n}", "x", BROKER_UID + n, BROKER_UID + n, "", "/nonexistent", "/bin/sh"))


def mount(*words):
    r = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True)
    if r.returncode != 0:
        raise PermissionError(f"no mounts here: {r.stderr.strip()}")


def enter_mount_namespace(fd):
    """Also beside threads: a server's last may be ending yet, and who shares root and
    working directory with one is not let in (EINVAL)."""
    return libc.unshare(CLONE_FS) == 0 and libc.setns(fd, CLONE_NEWNS) == 0


def become(uid):
    """In a forked child: that user, without any power."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def as_user(uid, function, *args, timeout=60):
    """What function(*args) returns in a child of that user."""
    def run():
        become(uid)
        return function(*args)
    return wire_client.in_child(run, timeout=timeout)


def install_test_build(prefix):
    """Its programs over those that make install, which knows no test build, has put there."""
    for folder in ("bin", "libexec/ccrun"):
        for program in (BUILD / folder).iterdir():
            if program.is_file():
                shutil.copyfile(program, prefix / folder / program.name)  # the mode stays
    shutil.copyfile(BUILD / "lib/ccrun/libccrun.so", prefix / "lib/ccrun/libccrun.so")


class Machine:
    def __enter__(self):
        self.outside = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self.root, self.cwd = (os.open(d, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for d in ("/", "."))
        if libc.unshare(CLONE_NEWNS) != 0:
            raise PermissionError(f"no mount namespaces here: {os.strerror(ctypes.get_errno())}")
        # On a real disk: what writes there waits for it.
        self.disk = Path(tempfile.mkdtemp(prefix="ccsys-", dir="/var/tmp"))
        try:
            mount("--make-rprivate", "/")
            for d in ("/run", "/var/lib", "/opt"):
                mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", d)
            STATE.mkdir()
            mount("--bind", self.disk, STATE)
            self.set_up()
            # As root's make install leaves it: programs that nobody reads.
            subprocess.run(["make", "-s", "-C", REPO, f"BUILD={SHIPPED}", "DESTDIR=/opt", "PREFIX=/ccrun", "install"],
                           check=True, stdout=subprocess.DEVNULL)
            install_test_build(PREFIX)
        except BaseException:
            self.leave()
            raise
        return self

    def set_up(self):
        """The broker's directories, as tools/system and its unit make them."""
        for path, mode in ((STATE, 0o700), (RUN, 0o755)):
            path.mkdir(exist_ok=True)
            os.chown(path, BROKER_UID, BROKER_UID)
            path.chmod(mode)

    def clean(self):
        """Nobody has a vault, no host key, no socket."""
        for path in (STATE, RUN):
            for entry in path.iterdir() if path.exists() else ():
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        self.set_up()

    def leave(self):
        if self.outside >= 0 and not enter_mount_namespace(self.outside):
            raise OSError(ctypes.get_errno(), "cannot leave the mount namespace")
        # MUST: to enter a mount namespace is to be at its root, outside of the
        # chroot that the tests may be run in, on the machine around it.
        os.fchdir(self.root)
        os.chroot(".")
        os.fchdir(self.cwd)
        for fd in (self.outside, self.root, self.cwd):
            os.close(fd)
        self.outside = -1
        shutil.rmtree(self.disk, ignore_errors=True)

    def __exit__(self, *_):
        self.leave()

    def broker(self, **kw):
        return SystemBroker(**kw)

    def user(self, n, endpoint=None, **kw):
        return SystemUser(endpoint, user=account(n), prefix=PREFIX, **kw)


# What systemd does before it runs a service whose unit says so.
SANDBOX = """set -e
mount --make-rslave /
mount --bind /proc/sys /proc/sys
for d in / /run /opt /proc/sys; do mount -o remount,bind,ro $d; done
mount --bind /run/ccrun /run/ccrun
mount -o remount,bind,rw /run/ccrun
mount -t tmpfs -o mode=000 none /home; mount -t tmpfs -o mode=000 none /root; mount -t tmpfs none /tmp
exec "$@"
"""
# The rest of it, that must come last: the system call filter, and no memory that
# is both writable and executable.
FILTER = """
import ctypes, os, sys
n = sys.argv.index("--")
s = ctypes.CDLL("libseccomp.so.2")
s.seccomp_init.restype = ctypes.c_void_p
f = ctypes.c_void_p(s.seccomp_init(0x00050001))
for name in sys.argv[1:n]:
    nr = s.seccomp_syscall_resolve_name(name.encode())
    assert nr < 0 or s.seccomp_rule_add(f, 0x7fff0000, nr, 0) == 0, name
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
assert s.seccomp_load(f) == 0
os.execv(sys.argv[n + 1], sys.argv[n + 1:])
"""


def filter_of(unit):
    """The system calls that the SystemCallFilter= lines of a unit leave, by
    systemd's own tables."""
    def expand(word):
        if not word.startswith("@"):
            return {word}
        text = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True).stdout
        names = [line.strip() for line in text.splitlines()[1:]]
        return set().union(*(expand(n) for n in names if n and not n.startswith("#")))
    allowed = expand("@default")
    for line in unit.splitlines():
        if line.startswith("SystemCallFilter="):
            words = line.partition("=")[2]
            for word in words.lstrip("~").split():
                allowed = allowed - expand(word) if words.startswith("~") else allowed | expand(word)
    return sorted(allowed)


class SystemBroker:
    """The system broker in the foreground.  ptrace: with CAP_SYS_PTRACE, as its
    unit gives it.  credentials: a directory with what systemd would hand over.
    unit: the text of its unit, whose sandbox it gets as far as that can be had.
    controls: it does without these.  files: as many descriptors it may open."""

    def __init__(self, ptrace=False, credentials=None, uid=BROKER_UID, unit=None, controls=(), files=None):
        self.controls, self.files = controls, files
        self.ptrace, self.credentials, self.uid, self.unit = ptrace, credentials, uid, unit
        self.program = PREFIX / "libexec/ccrun/ccbroker"
        self.process, self.stderr = None, ""

    def argv(self):
        caps = ["--inh-caps=-all,+sys_ptrace", "--ambient-caps=-all,+sys_ptrace"] if self.ptrace else ["--inh-caps=-all"]
        words = [str(self.program), "--system", "--foreground"]
        before = []
        if self.unit:
            caps.append("--bounding-set=-all,+sys_ptrace")
            words = ["/usr/bin/python3", "-c", FILTER, *filter_of(self.unit), "--", *words]
            before = ["unshare", "--mount", "--net", "sh", "-c", SANDBOX, "sh"]
        if self.files:
            before = ["prlimit", f"--nofile={self.files}", "--", *before]
        return [*before, "setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", *caps,
                "--no-new-privs", "--", *words]

    def popen(self):
        env = {"PATH": "/usr/bin:/bin", **off(*self.controls)}
        if self.credentials:
            env["CREDENTIALS_DIRECTORY"] = str(self.credentials)
        return subprocess.Popen(self.argv(), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, cwd="/")

    def start(self):
        self.process = self.popen()
        try:
            until(lambda: self.process.poll() is not None or self.serving(), 15, "a system broker")
        finally:
            if self.process.poll() is not None:
                raise RuntimeError("ccbroker --system: " + self.process.stderr.read())
        return self

    def serving(self):
        try:
            self.call("hello")
        except (OSError, wire_client.Closed, wire_client.Refused):
            return False
        return True

    def fails(self):
        """Start one that must not come up: its exit code and what it said."""
        process = self.popen()
        try:
            err = process.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            process.terminate()
            process.communicate()
            raise AssertionError("the broker came up") from None
        return process.returncode, err

    def call(self, op, **fields):
        """As root, a user like any other."""
        with wire_client.Client(SOCKET) as c:
            return c.call(op, **fields)

    @property
    def pid(self):
        return self.call("status")["pid"]

    def kill(self):
        """As a crash or the kernel ends it: no goodbye, the socket stays."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        self.process.stderr.close()
        until(lambda: not alive(pid), 10, "end of the broker")
        self.process = None

    def stop(self):
        if self.process is None:
            return
        process, self.process = self.process, None
        process.terminate()
        self.stderr = process.communicate(timeout=15)[1]
        assert process.returncode == 0, (process.returncode, self.stderr)

    def restart(self):
        self.kill()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except AssertionError:
            if kind is None:
                raise


class SystemWatcher:
    """ccrun-logind --system, as its unit starts it; env says where the system bus is."""

    def __init__(self, env, uid=WATCHER_UID):
        self.env, self.uid = env, uid
        self.process, self.err = None, ""

    def start(self):
        """Returns when it watches, or has ended."""
        WATCHER_DIR.mkdir(exist_ok=True)
        WATCHER_DIR.chmod(0o755)
        os.chown(WATCHER_DIR, WATCHER_UID, WATCHER_UID)
        read, write = os.pipe()
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--inh-caps=-all",
             "--no-new-privs", "--", PREFIX / "libexec/ccrun/ccrun-logind", "--system", "--ready-fd", str(write)],
            env={"PATH": "/usr/bin:/bin", **self.env}, pass_fds=[write], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/")
        os.close(write)
        with open(read, encoding="ascii") as ready:
            self.watches = ready.read() == "ready\n"
        return self

    def ends(self):
        """Its exit code and what it said."""
        self.err = self.process.communicate(timeout=20)[1]
        return self.process.returncode, self.err

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.ends()

    def __enter__(self):
        self.start()
        assert self.watches, self.ends()
        return self

    def __exit__(self, *_):
        self.stop()


class SystemUser(Ccrun):
    """A user of the machine; the programs are the installed ones."""

    def init(self):
        """In a broker of the user's own, also where the system broker serves."""
        r = self.with_passphrase("init", "--user")
        assert r.rc == 0, r

    def init_system(self):
        r = self.with_passphrase("init", "--system")
        assert r.rc == 0, r
        return r

    @property
    def uid(self):
        return self.user.pw_uid

    @property
    def place(self):
        """Where the system broker keeps what is this user's."""
        return STATE / "vaults" / str(self.uid)

    def act(self, function, *args, **kw):
        """function(*args) in a child of this user."""
        return as_user(self.uid, function, *args, **kw)

    def ask(self, op, **fields):
        """One request to the system broker, by a process of this user; the answer."""
        def run():
            with wire_client.Client(SOCKET) as c:
                return c.ask(op, **fields)
        return self.act(run)

    def lines(self):
        """This user's record in the system broker, the chain verified."""
        return wire_client.read_record((self.place / "record.jsonl").read_bytes())

    @contextmanager
    def busy(self, function, *args):
        """function(*args) over and over in a child of this user, meanwhile."""
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                become(self.uid)
                function(*args)
            finally:
                os._exit(0)
        try:
            time.sleep(0.3)
            yield pid
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
