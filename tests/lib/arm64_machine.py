"""An arm64 machine, emulated: a tree of Debian's arm64 packages, unpacked on this machine,
as the kernel's first file system, whose first process is a script.  Nothing runs there but
the script: maintainer scripts of Debian's packages were not, so there is no systemd.
"""
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from debian_machine import CACHE, DAYS, KEYRING, mirror
from vm_image import LIB, depends_of, run

QEMU = "qemu-system-aarch64"
PACKAGES = ("linux-image-arm64", "busybox", "python3-minimal", "python3", "ca-certificates", "procps")
UNUSED = ("lib/modules", "usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "boot", "debootstrap")
SECONDS = 900

INIT = """#!/bin/sh
mount() { busybox mount -t $1 $1 $2; }
mount proc /proc; mount sysfs /sys; mount devtmpfs /dev
mkdir -p /dev/pts /dev/shm; mount devpts /dev/pts; mount tmpfs /dev/shm; mount tmpfs /run
busybox ip link set lo up
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
sh /scenario 2>&1
echo "END $?"
busybox poweroff -f
"""


def names(deps):
    """The packages of a Depends field, the first of each choice."""
    return {word.split("|")[0].split("(")[0].strip() for word in deps.split(",")}


def unpack(deb, root):
    tar = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-xf", "-", "--keep-directory-symlink", "-C", root], stdin=tar.stdout, check=True)
    tar.stdout.close()
    if tar.wait() != 0:
        raise PermissionError(f"cannot unpack {deb}")


def make(name, new, debs):
    root = new / "root"
    new.mkdir(parents=True)
    packages = ",".join([*PACKAGES, *sorted(names(depends_of(debs)))])
    run("debootstrap", "--arch=arm64", "--foreign", "--variant=minbase", "--force-check-gpg", f"--keyring={KEYRING}",
        f"--include={packages}", name, root, mirror())
    for deb in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        unpack(deb, root)
    shutil.copy(sorted((root / "boot").glob("vmlinuz*"))[-1], new / "vmlinuz")
    for path in UNUSED:
        shutil.rmtree(root / path, ignore_errors=True)
    for name in ("proc", "sys", "dev", "run"):  # debootstrap's first stage has links to this machine's
        if (root / name).is_symlink():
            (root / name).unlink()
        (root / name).mkdir(exist_ok=True)
    # What the scripts of base-passwd and base-files would have made.
    for kind in ("passwd", "group"):
        text = (root / f"usr/share/base-passwd/{kind}.master").read_text()
        (root / "etc" / kind).write_text(text + ("ann:x:1000:1000::/home/ann:/bin/sh\n" if kind == "passwd" else "ann:x:1000:\n"))
    home = root / "home/ann"
    home.mkdir(parents=True)
    shutil.chown(home, 1000, 1000)


def release(name, debs):
    base, made = CACHE / f"arm64-{name}", CACHE / f"arm64-{name}/made"
    if not made.exists() or time.time() - made.stat().st_mtime > DAYS * 86400 or made.read_text() != depends_of(debs):
        new = base.with_suffix(".new")
        for old in (base, new):
            shutil.rmtree(old, ignore_errors=True)
        make(name, new, debs)
        (new / "made").write_text(depends_of(debs))
        new.rename(base)
    return base


def archive(trees, to):
    """What the kernel unpacks: the release's tree, then what the test adds."""
    with open(to, "wb") as out:
        for tree in trees:
            listed = subprocess.Popen(["find", ".", "-mindepth", "1", "-print0"], cwd=tree, stdout=subprocess.PIPE)
            subprocess.run(["cpio", "--null", "--create", "--format=newc", "--quiet"], cwd=tree, stdin=listed.stdout,
                           stdout=out, check=True)
            listed.stdout.close()
            listed.wait()


def play(name, debs, scenario, files):
    """What a script of the shell prints as the machine's root; files: {path: text} beside it."""
    base = release(name, debs)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        more, image = Path(work) / "more", Path(work) / "image"
        (more / "debs").mkdir(parents=True)
        for deb in debs:
            shutil.copy(deb, more / "debs")
        for program in ("endpoint.py", "api_shapes.py"):
            shutil.copy(LIB / program, more)
        for path, text in {"init": INIT, "scenario": scenario, **files}.items():
            (more / path).parent.mkdir(parents=True, exist_ok=True)
            (more / path).write_text(text)
        (more / "init").chmod(0o755)
        archive((base / "root", more), image)
        r = subprocess.run([QEMU, "-machine", "virt", "-cpu", "max,pauth-impdef=on", "-smp", "2", "-m", "2048", "-nographic",
                            "-nic", "none", "-no-reboot", "-kernel", base / "vmlinuz", "-initrd", image, "-append",
                            "console=ttyAMA0 quiet rdinit=/init panic=-1"], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, errors="replace", timeout=SECONDS, check=False)
    return r.stdout.replace("\r", "") + r.stderr
