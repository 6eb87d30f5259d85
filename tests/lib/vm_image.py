"""Disks of virtual machines (vm.py): a Debian release that boots, made by debootstrap and
mke2fs without a loop device, and a disk of goods that a test brings along.

What a release needs to start ccrun's packages is in the image; the packages are not.  It
stays in the cache of tools/debian13, and is made anew after some days, with Debian's updates.
"""
import fcntl
import os
import shutil
import subprocess
import time
from pathlib import Path

from debian_machine import CACHE, DAYS, KEYRING, mirror

LIB = Path(__file__).resolve().parent
# Passwords at the log-in; nobody else reaches these machines.
PEOPLE = {"ann": "wonderland 9", "ben": "builder 99"}
PACKAGES = ("systemd-sysv", "linux-image-amd64", "initramfs-tools", "dbus", "dbus-user-session", "libpam-systemd", "login",
            "polkitd", "gnome-keyring", "libpam-gnome-keyring", "libsecret-tools", "python3-minimal", "apparmor",
            "ca-certificates", "procps", "sudo", "systemd-timesyncd", "tpm-udev")
# trixie has systemd-creds' TPM in it; what systemd loads by name is no dependency.
MORE = {"bookworm": ("libtss2-rc0", "python3"), "trixie": ("libtss2-rc0t64", "python3")}
MODULES = "virtio_pci\nvirtio_blk\next4\ntpm_tis\n"
TIMERS = ("apt-daily", "apt-daily-upgrade", "man-db", "dpkg-db-backup", "fstrim", "e2scrub_all", "logrotate",
          "systemd-tmpfiles-clean")
AGENT = """[Unit]
Description=Root's hand for the tests
After=multi-user.target dbus.service
[Service]
ExecStart=/usr/bin/python3 -u /usr/local/lib/vm_agent.py /dev/ttyS1
Environment=HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
OOMScoreAdjust=-500
[Install]
WantedBy=multi-user.target
"""
ENDPOINT = """[Unit]
Description=A provider for the tests
[Service]
ExecStart=/usr/bin/python3 -u /goods/lib/endpoint.py --port 8126 --port-file /run/endpoint.port \\
	--log /run/endpoint.log --text "hello from loopback" --max-seconds 1e9
[Install]
WantedBy=multi-user.target
"""
# A prompt that says how the last command ended, and a line that does not wrap.
BASHRC = """[ -t 0 ] || return
stty -echo cols 500
bind 'set enable-bracketed-paste off'
export PAGER=cat SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 LC_ALL=C.UTF-8
HISTFILE= PROMPT_COMMAND= PS1='<<$?>> ' PS2=
"""


def run(*argv, **kw):
    r = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False, **kw)
    if r.returncode != 0:
        raise PermissionError(f"{argv[0]} {argv[1] if len(argv) > 1 else ''}: {r.stdout[-300:]}{r.stderr[-600:]}")
    return r.stdout


def disk_of(tree, image, size, label):
    """A sparse file with an ext4 of this tree."""
    image.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", "-L", label, "-E", "root_owner=0:0", "-m", "0", "-d", tree, image, size)


def in_tree(root, script, **kw):
    """A script of the shell in a tree, whose mounts and processes end with it."""
    return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
               'mount -t proc proc "$0/proc" && exec chroot "$0" sh -ec "$1"', root, script,
               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
                    **{k: os.environ[k] for k in ("http_proxy",) if k in os.environ}}, **kw)


def configure(root):
    """What makes a tree of debootstrap a machine that boots, and people log in to."""
    put = lambda name, text: ((root / name).parent.mkdir(parents=True, exist_ok=True), (root / name).write_text(text))
    put("etc/hostname", "machine\n")
    put("etc/hosts", "127.0.0.1 localhost machine\n")
    put("etc/fstab", "/dev/vda / ext4 rw,relatime 0 1\nLABEL=goods /goods ext4 ro,nofail 0 0\n")
    (root / "goods").mkdir()
    put("etc/machine-id", "")
    put("etc/skel/.bashrc", BASHRC)
    put("etc/dpkg/dpkg.cfg.d/ccrun", "force-unsafe-io\n")
    put("etc/initramfs-tools/modules", MODULES)
    put("etc/initramfs-tools/conf.d/ccrun", "MODULES=list\n")
    put("etc/systemd/system/vm-agent.service", AGENT)
    put("etc/systemd/system/endpoint.service", ENDPOINT)
    shutil.copy(LIB / "vm_agent.py", root / "usr/local/lib/vm_agent.py")
    # Debian's login does not call the keyring by itself; its display managers do.
    with open(root / "etc/pam.d/login", "a") as f:
        f.write("auth optional pam_gnome_keyring.so\nsession optional pam_gnome_keyring.so auto_start\n")
    units = root / "etc/systemd/system"
    for name in TIMERS:
        (units / f"{name}.timer").symlink_to("/dev/null")
    for name in ("serial-getty@ttyS0", "getty@tty1", "systemd-timesyncd"):
        (units / f"{name}.service").unlink(missing_ok=True)
        (units / f"{name}.service").symlink_to("/dev/null")
    wants = units / "multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for line in ("ttyS2", "ttyS3"):
        (wants / f"serial-getty@{line}.service").symlink_to("/lib/systemd/system/serial-getty@.service")
    for name in ("vm-agent", "endpoint"):
        (wants / f"{name}.service").symlink_to(f"/etc/systemd/system/{name}.service")
    accounts = "\n".join(f"useradd -m -s /bin/bash {name}; echo '{name}:{word}' | chpasswd" for name, word in PEOPLE.items())
    in_tree(root, accounts + "\nupdate-initramfs -u\napt-get clean; rm -rf /var/lib/apt/lists/*")


def depends_of(debs):
    fields = [subprocess.run(["dpkg-deb", "--field", d, f], capture_output=True, text=True, check=True).stdout.strip()
              for d in debs for f in ("Depends", "Recommends", "Suggests")]
    return ", ".join(word for f in fields for word in f.split(", ") if word and not word.startswith("ccrun"))


def make(name, new, debs):
    root = new / "root"
    new.mkdir(parents=True)
    packages = ",".join(PACKAGES + MORE[name])
    run("unshare", "--mount", "--pid", "--fork", "--kill-child", "debootstrap", "--variant=minbase", "--force-check-gpg",
        f"--keyring={KEYRING}", f"--include={packages}", name, root, mirror())
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    in_tree(root, f"apt-get update -q; apt-get satisfy -y -q --no-install-recommends '{depends_of(debs)}'")
    configure(root)
    for kind in ("vmlinuz", "initrd"):
        shutil.copy(sorted((root / "boot").glob(f"{kind}*"))[-1], new / kind)
    disk_of(root, new / "disk", "4G", "root")
    shutil.rmtree(root)
    (new / "made").write_text(depends_of(debs))


def release(name, debs):
    """The directory of a release's disk, kernel and first disk of memory; PermissionError
    where it cannot be made.  debs: the packages that are to be installed there."""
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    base, made = CACHE / f"vm-{name}", CACHE / f"vm-{name}/made"
    with open(CACHE / f"vm-{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh = made.exists() and time.time() - made.stat().st_mtime < DAYS * 86400
        if not fresh or made.read_text() != depends_of(debs):
            for old in (base, base.with_suffix(".new")):
                shutil.rmtree(old, ignore_errors=True)
            make(name, base.with_suffix(".new"), debs)
            base.with_suffix(".new").rename(base)
    return base
