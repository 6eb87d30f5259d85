"""Virtual machines with ccrun's packages installed, kept as snapshots that a test goes on from:

    installed   nobody has logged in yet
    people      ann, on ttyS2, has an open vault of the system broker's with two keys in it;
                ben, on ttyS3, one of his own broker's

A key of `demo` comes to the program itself, so `ccrun --exec env demo` shows it; one of
`via` goes by relay, to the endpoint that runs in the machine.
"""
import base64
import fcntl
import hashlib
import shutil
import tempfile
from pathlib import Path

import vm_image
from client import claude
from debian_machine import CACHE
from debs import built_for, package
from vault_writer import set_passphrase
from vm import VirtualMachine, accelerator
from vm_image import LIB, PEOPLE

PASSPHRASE = "correct horse battery staple"
TOKENS = {"ann": "sk-ann-V7qk2ZtJ9rXw4LmPb8Nc3", "ben": "sk-ben-H5fd8QyW1sGu6TzRa2Ke7"}
# The least that a slot may cost: what init makes is twenty seconds of an emulated processor,
# each time that it is opened.
COST = (1, 8 << 20)
VAULTS = {"--system": "/var/lib/ccrun/vaults/{uid}/vault", "--user": "/home/{name}/.local/share/ccrun/vault"}
LINES = {"ann": "ttyS2", "ben": "ttyS3"}
PROVIDERS = {"demo": "[policy]\ndelivery = preload\n", "via": ""}
PROVIDER = """[provider]
title = {name}
base_url = http://127.0.0.1:8126
auth = bearer
docs = a loopback endpoint
[models]
opus = model-one
{more}"""


def shelf(name):
    """The packages without debugging symbols."""
    debs = built_for(name)
    return [package(debs, "ccrun"), package(debs, "ccrun-system")]


def goods(name, to):
    """The disk that a test brings: packages, the client, the endpoint."""
    with tempfile.TemporaryDirectory(dir=CACHE) as tree:
        tree = Path(tree)
        (tree / "debs").mkdir()
        (tree / "lib").mkdir()
        for deb in shelf(name):
            shutil.copy(deb, tree / "debs")
        for program in ("endpoint.py", "api_shapes.py"):
            shutil.copy(LIB / program, tree / "lib")
        shutil.copy(Path(claude()).resolve(), tree / "claude")
        for path in (tree, *tree.rglob("*")):
            path.chmod(0o755)
        vm_image.disk_of(tree, to, "700M", "goods")


def key(name):
    """Changes with whatever a snapshot is made of."""
    client = Path(claude()).resolve().stat()
    h = hashlib.sha256(f"{accelerator()} {client.st_size} {client.st_mtime_ns}".encode())
    made_by = ("vm_image.py", "vm_ready.py", "vm_agent.py", "endpoint.py", "api_shapes.py")
    for path in (*shelf(name), *(LIB / n for n in made_by)):
        h.update(path.read_bytes())
    return h.hexdigest()[:16]


def cheapen(m, t, vault):
    """Somebody's passphrase slot costs little from now on."""
    t.ok("ccctl lock")
    data = base64.b64decode(m.root("base64", vault).out)
    word = PASSPHRASE.encode()
    m.sh(f"base64 --decode >{vault}", input=base64.b64encode(set_passphrase(data, word, word, cost=COST)).decode())
    t.ok("ccctl unlock", PASSPHRASE)


def person(m, name, broker):
    """Logs in, makes a vault and adds two keys to it."""
    t = m.terminal(LINES[name])
    t.login(name, PEOPLE[name])
    t.ok("ccctl init " + broker, PASSPHRASE, PASSPHRASE)
    cheapen(m, t, VAULTS[broker].format(uid=m.root("id", "-u", name).out.strip(), name=name))
    t.ok(f"printf {TOKENS[name]} | ccctl add demo --allow delivery=preload")
    t.ok(f"printf {TOKENS[name]} | ccctl add via")


def install(m):
    m.root("systemctl", "is-system-running", "--wait", check=False, seconds=60)
    # Neither a start nor a reboot of a slow machine waits for a mount that may fail.
    m.root("systemctl", "start", "goods.mount")
    for service in ("vm-agent", "endpoint"):
        m.root("install", "-D", "-m", "644", "/dev/stdin", f"/etc/systemd/system/{service}.service.d/goods.conf",
               input="[Unit]\nRequiresMountsFor=/goods\n")
    m.sh("systemctl daemon-reload; systemctl restart endpoint.service")
    m.sh("apt-get install -q -y --no-install-recommends /goods/debs/*.deb")
    m.root("ln", "-s", "/goods/claude", "/usr/local/bin/claude")
    for name in PEOPLE:
        where = f"/home/{name}/.config/ccrun/providers"
        m.root("install", "-d", "-o", name, "-g", name, "-m", "700", f"/home/{name}/.config", f"/home/{name}/.config/ccrun", where)
        for provider, more in PROVIDERS.items():
            m.root("install", "-o", name, "-g", name, "-m", "600", "/dev/stdin", f"{where}/{provider}.conf",
                   input=PROVIDER.format(name=provider, more=more))


def make(name, base, new):
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    goods(name, new / "goods")
    (new / "tpm").mkdir()
    vm_image.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base / "disk", "-F", "raw", new / "empty")
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        with VirtualMachine(new / "empty", base, work, tpm=new / "tpm", goods=new / "goods") as m:
            install(m)
            m.sh("sync; echo 3 >/proc/sys/vm/drop_caches")
            m.save("installed")
            person(m, "ann", "--system")
            person(m, "ben", "--user")
            m.sh("sync; echo 3 >/proc/sys/vm/drop_caches")
            m.save("people")
        shutil.move(m.disk, new / "disk")
        shutil.rmtree(new / "tpm")
        shutil.move(m.work / "tpm", new / "tpm")
    (new / "empty").unlink()


class Ready:
    """A release with its snapshots, which are made when they are not there or are old."""

    def __init__(self, name):
        self.name, self.base = name, vm_image.release(name, shelf(name))
        self.where = self.base / f"ready-{key(name)}"
        with open(CACHE / f"vm-{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.where / "disk").exists():
                for old in self.base.glob("ready-*"):
                    shutil.rmtree(old)
                new = self.base / "ready-new"
                make(name, self.base, new)
                new.rename(self.where)

    def machine(self, work, load="people", **kw):
        """load: a snapshot's name, or None for a machine that boots from its disk."""
        return VirtualMachine(self.where / "disk", self.base, work, load=load, tpm=self.where / "tpm",
                              goods=self.where / "goods", **kw)
