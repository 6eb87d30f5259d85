"""A machine (system_broker.py) that systemd has booted, with ccrun's own units for
the system broker and its relays: what these say is applied by the real systemd.

systemd is the first process of a pid namespace, in mount and cgroup namespaces of
its own, so nothing outside is changed.  What runs there is run by inside():

    with Booted() as m:
        m.inside(m.systemctl, "start", "ccbroker.service")
"""
import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import wire_client
from ccrun import REPO
from system_broker import BROKER_UID, PREFIX, Machine, enter_mount_namespace, libc, mount
from systemd_boot import SystemdBoot

SYSTEMD = "/lib/systemd/systemd"
RELAY_UID = BROKER_UID - 1
RELAY_DIR = Path("/run/ccrun-relay")
START = RELAY_DIR / "start.sock"
UNITS, ETC = PREFIX.parent / "units", PREFIX.parent / "etc"
CLONE_NEWNS, CLONE_NEWPID = 0x00020000, 0x20000000

# Nothing of the machine's is written: not /proc/sys, and no hierarchy of cgroup v1 that has
# a controller, which systemd would mount (so no limit on memory or tasks holds here).
BOOT = """set -e
mount --make-rprivate /
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind /dev/null /proc/cgroups
mount --bind "$console" /dev/console
umount -R -l /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
if [ "$hybrid" ]; then
	mkdir /sys/fs/cgroup/unified /sys/fs/cgroup/systemd
	mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
	mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
else
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=%s SYSTEMD_GENERATOR_PATH=/none \
	%s --system --unit=started.target --log-target=console --show-status=0
""" % (UNITS, SYSTEMD)


def in_chroot():
    """To enter a mount namespace, were it one's own, is to be at its root."""
    here, fd = os.stat("/"), os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    if not enter_mount_namespace(fd):
        raise PermissionError("no mount namespaces here")
    return not os.path.samestat(here, os.stat("/"))


class Booted(SystemdBoot, Machine):
    def __enter__(self):
        if not os.access(SYSTEMD, os.X_OK) or wire_client.in_child(in_chroot):
            raise PermissionError("no systemd here, or a chroot, where it cannot be booted")
        self.console = PREFIX.parent / "console"
        super().__enter__()
        try:
            self.install()
            self.boot()
        except BaseException:
            self.leave()
            raise
        return self

    def set_up(self):
        """systemd makes the broker's directories."""

    def install(self):
        """What packages bring besides the programs: accounts and units."""
        subprocess.run(["cp", "-a", "/etc", ETC], check=True)
        for name, uid in (("ccrun", BROKER_UID), ("ccrun-relay", RELAY_UID)):
            with open(ETC / "passwd", "a") as f:
                f.write(f"{name}:x:{uid}:{uid}::/:/usr/sbin/nologin\n")
            with open(ETC / "group", "a") as f:
                f.write(f"{name}:x:{uid}:\n")
        mount("--bind", ETC, "/etc")
        UNITS.mkdir()
        for template in (REPO / "share/systemd/system").glob("*.in"):
            text = template.read_text().replace("@LIBEXEC@", f"{PREFIX}/libexec/ccrun")
            (UNITS / template.stem).write_text(text)
        for name in ("started", "sysinit", "basic", "sockets", "shutdown", "umount", "final"):
            (UNITS / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")

    def boot(self):
        self.console.touch()
        self.start_systemd("ccsys", BOOT, {"console": self.console}, 20)

    def is_up(self):
        return self.inside(self.systemctl, "is-active", "started.target", check=False).stdout == "active\n"

    def said(self):
        """What systemd wrote to the console."""
        return self.console.read_text(errors="replace")

    def inside(self, function, *args, timeout=60, **kw):
        """What function(*args) returns in a process of the booted machine, root's."""
        def enter():
            # First opened, then entered: the names in /proc are this side's.
            spaces = [(os.open(f"/proc/{self.first}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), kind)
                      for name, kind in (("pid", CLONE_NEWPID), ("mnt", CLONE_NEWNS))]
            for fd, kind in spaces:
                if libc.setns(fd, kind) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            # The pid namespace is that of the children.
            return wire_client.in_child(call, timeout=timeout)

        def call():
            return function(*args, **kw)
        return wire_client.in_child(enter, timeout=timeout + 5)

    @staticmethod
    def systemctl(*words, check=True):
        r = subprocess.run(["systemctl", "--no-pager", *words], capture_output=True, text=True)
        assert not check or r.returncode == 0, r
        return r

    def clean(self):
        """Nobody has a vault, no broker, no relay."""
        self.inside(self.systemctl, "stop", "ccbroker.service", "ccrun-relay.socket")
        self.inside(self.systemctl, "reset-failed")
        shutil.rmtree(RELAY_DIR, ignore_errors=True)
        super().clean()

    def leave(self):
        if self.first:
            # Else their private directories would stay behind in /tmp.
            self.inside(self.systemctl, "stop", "ccbroker.service", "ccrun-relay.socket", check=False)
        self.stop_systemd()
        super().leave()


def show(unit, key):
    """A property of a unit, inside."""
    return Booted.systemctl("show", "--value", f"--property={key}", unit).stdout.strip()
