"""A clean Debian, booted by its own systemd in namespaces of its own, for tests that run as
root: packages are installed into it by apt, and used by users who log in by PAM.

    with DebianMachine("bookworm", work) as m:
        m.root("apt-get", "install", "-y", "/debs/ccrun_0.1.0_amd64.deb")
        m.user("anna", "ccctl status")

debootstrap makes the release once, in the cache that tools/debian uses; what a test
writes goes into an overlay.  The network is the host's.
"""
import fcntl
import os
import shutil
import subprocess
import time
from pathlib import Path

from client import Result
from systemd_boot import SystemdBoot

CACHE = Path(os.environ.get("CCRUN_CACHE", "/var/cache/ccrun"))
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DAYS = 30  # then it is made anew, with Debian's updates
# What a small server has: an init, log-ins, a bus.
PACKAGES = "systemd-sysv,dbus,libpam-systemd,ca-certificates"

BOOT = """set -e
mount --make-rprivate /
mount -t overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" none "$work/root"
cd "$work/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind /dev/null proc/cgroups
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
for n in null zero full random urandom tty; do touch dev/$n; mount --bind /dev/$n dev/$n; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,gid=5 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
touch dev/console; mount --bind "$work/console" dev/console
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
if [ "$hybrid" ]; then
	mkdir sys/fs/cgroup/unified sys/fs/cgroup/systemd
	mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
	mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
else
	mount -t cgroup2 cgroup2 sys/fs/cgroup
fi
mkdir -p debs; mount --bind "$debs" debs; mount -o remount,bind,ro debs
touch usr/local/bin/claude; mount --bind "$claude" usr/local/bin/claude
mkdir -p .before
pivot_root . .before
umount -l /.before
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
	/lib/systemd/systemd --system --log-target=console --show-status=0
"""


def mirror():
    """Debian's, as the host's own apt has it."""
    r = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Label: Debian",
                        "Component: main", "Created-By: Packages"], capture_output=True, text=True)
    first = (r.stdout.splitlines() or [""])[0]
    return first if first.startswith("http") else "http://deb.debian.org/debian"


def release(name):
    """The directory of a clean Debian; PermissionError where none can be made."""
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    base, made = CACHE / f"machine-{name}", CACHE / f"machine-{name}/var/lib/made"
    with open(CACHE / f"machine-{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists() and time.time() - made.stat().st_mtime < DAYS * 86400:
            return base
        new = CACHE / f"machine-{name}.new"
        for old in (base, new):
            shutil.rmtree(old, ignore_errors=True)
        r = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "debootstrap", "--variant=minbase",
                            "--force-check-gpg", f"--keyring={KEYRING}", f"--include={PACKAGES}", name, new, mirror()],
                           capture_output=True, text=True)
        if r.returncode != 0:
            raise PermissionError(f"debootstrap {name}: {r.stdout[-300:]}{r.stderr[-300:]}")
        (new / "etc/dpkg/dpkg.cfg.d/ccrun").write_text("force-unsafe-io\n")
        (new / "etc/hosts").write_text("127.0.0.1 localhost\n")
        (new / "var/lib/made").touch()
        new.rename(base)
    return base


class DebianMachine(SystemdBoot):
    def __init__(self, name, work, debs, claude, base=None):
        """base: the tree of that release to boot; without, a clean one."""
        self.name, self.work, self.debs, self.claude = name, Path(work), Path(debs), Path(claude).resolve()
        self.base = base

    def __enter__(self):
        base = self.base or release(self.name)
        for name in ("upper", "work", "root"):
            (self.work / name).mkdir()
        (self.work / "console").touch()
        try:
            self.boot(base)
            shutil.copyfile("/etc/resolv.conf", self.path("etc/resolv.conf"))
        except BaseException:
            self.leave()
            raise
        return self

    def __exit__(self, *_):
        self.leave()

    def boot(self, base):
        self.start_systemd("ccdeb", BOOT, {"base": base, "work": self.work, "debs": self.debs, "claude": self.claude}, 90)

    def is_up(self):
        return self.root("systemctl", "is-system-running", check=False).out in ("running\n", "degraded\n")

    def said(self):
        return (self.work / "console").read_text(errors="replace")[-2000:]

    def path(self, name):
        """A file of the machine's, from outside."""
        return Path(f"/proc/{self.first}/root") / name

    def popen(self, argv, **kw):
        return subprocess.Popen(["nsenter", f"--target={self.first}", "--mount", "--pid", "--uts", "--ipc", "--root", "--wd",
                                 "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                                 "DEBIAN_FRONTEND=noninteractive", *map(str, argv)],
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)

    def root(self, *argv, check=True, input="", timeout=300):
        p = self.popen(argv, stdin=subprocess.PIPE)
        began = time.monotonic()
        out, err = p.communicate(input, timeout)
        assert not check or p.returncode == 0, (argv, p.returncode, out[-3000:], err[-3000:])
        return Result(p.returncode, out, err, time.monotonic() - began)

    @staticmethod
    def login(name, command):
        """The words of a log-in by PAM that runs a command of the shell."""
        return ["su", "--login", name, "--command", command]

    def user(self, name, command, **kw):
        return self.root(*self.login(name, command), **kw)

    def leave(self):
        self.stop_systemd()
        for name in ("upper", "work"):
            shutil.rmtree(self.work / name, ignore_errors=True)
