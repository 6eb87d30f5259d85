"""Deny: the person's own use is stopped, or spoiled."""
import fcntl
import os
import resource
import shutil
import signal
import socket
import time
from pathlib import Path

import kit
from kit import LOCKS, NoService, NotHere, each


def signalled(who, number):
    """An attack: a signal to all of these."""
    def act(s):
        if s.plain:
            raise NotHere("no such process there")
        each(getattr(s, who) if isinstance(who, str) else s.pids(*who), lambda pid: os.kill(pid, number))
    return act


kill_broker = signalled("brokers", signal.SIGKILL)
stop_broker = signalled("brokers", signal.SIGSTOP)
kill_relay = signalled("relays", signal.SIGKILL)
stop_relay = signalled("relays", signal.SIGSTOP)
kill_witness = signalled(("ccrun-witness", "ccrun-keeper"), signal.SIGKILL)


def sent_by_kernel(owner):
    """SIGKILL in the place of SIGIO, to a process, or to a group (below 0), because there is something to read."""
    read, write = socket.socketpair()
    fcntl.fcntl(read, 10, signal.SIGKILL)  # F_SETSIG
    fcntl.fcntl(read, fcntl.F_SETOWN, owner)
    fcntl.fcntl(read, fcntl.F_SETFL, os.O_ASYNC)
    write.send(b"x")


def kill_by_sigio(s):
    if s.plain:
        raise NotHere("no such process there")
    each([owner for pid in s.brokers for owner in (pid, -os.getpgid(pid))], sent_by_kernel)


def kill_watcher(s):
    if s.plain:
        raise NotHere("no watcher there")
    s.needs("logind")
    signalled(("ccrun-logind",), signal.SIGKILL)(s)


kill_worker = signalled(("ccrun-usage",), signal.SIGKILL)


def kill_client(s):
    each(s.clients, lambda pid: os.kill(pid, signal.SIGKILL))


def fill_connections(s):
    """Every place that the broker has for this user, kept by a daemon."""
    if s.plain:
        raise NotHere("no broker there")
    kept = []
    try:
        while len(kept) < 600:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.setblocking(False)
            sock.connect(str(s.socket))
            kept.append(sock)
    except OSError as e:
        print(len(kept), e.strerror)
    if os.fork() == 0:
        os.setsid()
        time.sleep(20)
        os._exit(0)
    print(len(kept))


def lock(s):
    s.ask("lock")


def remove(s):
    for op, fields in (("rm", {"name": s.entry}), ("retire", {}), ("slot-rm", {"id": 1}), ("settings", {}),
                       ("set", {"idle": 1}), ("session-end", {"id": "0" * 16}), ("put", {
                           "name": s.entry, "token": b"x" * 20, "origin": s.origin, "variable": "ANTHROPIC_AUTH_TOKEN",
                           "policy": "delivery=env", "replace": True}), ("approve", {"name": s.entry,
                           "origin": s.origin,
                           "variable": "ANTHROPIC_AUTH_TOKEN", "policy": "delivery=env"})):
        try:
            s.ask(op, **fields)
        except Exception as e:  # pylint: disable=broad-except
            print(op, repr(e))


def vault_removed(s):
    if s.plain:
        raise NotHere("no vault there")
    (s.data / "ccrun/vault").rename(s.data / "ccrun/vault.before")  # for what is tried after it


def vault_swapped(s):
    """A vault of the attacker's, that opens with the attacker's passphrase."""
    if s.plain:
        raise NotHere("no vault there")
    path = s.data / "ccrun/vault"
    data = path.read_bytes()
    shutil.copy2(path, path.with_name("vault.before"))
    path.write_bytes(data[:40] + bytes(x ^ 1 for x in data[40:60]) + data[60:])


def config_removed(s):
    s.provider_file.unlink()


def runtime_opened(s):
    """The socket's directory open for everybody."""
    if s.plain:
        raise NotHere("no broker there")
    Path(s.socket).parent.chmod(0o777)


def socket_removed(s):
    if s.plain:
        raise NotHere("no broker there")
    Path(s.socket).unlink()


def mark_the_shell(s):
    """The mark, put on the person's shell from inside."""
    if s.plain:
        raise NotHere("no mark there")
    pid = int((s.out / "shell.pid").read_text())
    resource.prlimit(pid, LOCKS, (4096, 4096))


def log_unwritable(s):
    """The audit log cannot be written: nothing is released."""
    if s.plain:
        raise NotHere("no audit log there")
    path = s.state / "ccrun"
    (path / "record.jsonl").chmod(0o400)
    path.chmod(0o500)


def processes(s):
    """As many processes as a user may have, in bounds here."""
    resource.setrlimit(resource.RLIMIT_NPROC, (64, 64))
    pids = []
    try:
        for _ in range(64):
            pid = os.fork()
            if pid == 0:
                time.sleep(2)
                os._exit(0)
            pids.append(pid)
    except OSError as e:
        print(len(pids), e.strerror)
    del s


def spend(s):
    """The rest of the limit, used up by many requests."""
    import using  # pylint: disable=import-outside-toplevel
    path = using.own_relay(s, s.ticket or None)
    for _ in range(8):
        kit.talk(path, s.request(), 1)


def fill_disk(s):
    """Not a byte is left where the vault and the audit log are, or the person's files."""
    s.needs("disk")
    with open(s.home / ".local/fill", "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError as e:
            print(e.strerror)
    for leaf in ("share", "state"):
        try:
            (s.home / f".local/{leaf}/fill").write_bytes(b"x" * 4096)
        except OSError as e:
            print(e.strerror)


def keep_older(s):
    """What lies beside the vault, kept, to be put back when it has changed."""
    if s.plain:
        raise NotHere("no vault there")
    place, kept = s.data / "ccrun", s.out / f"older.{s.technique}"
    kept.mkdir()
    s.run(f"cp -p {place}/* {kept}")
    kit.detach(["sh", "-c", f"until [ -e {s.out}/go.older ]; do sleep 0.02; done; cp -p {kept}/* {place}; "
                            f"rm {s.out}/go.older"])


def spend_and_keep(s):
    """The file of what a key was used for, kept; then the limit is used up."""
    again = s.out / "spent.before"
    if not again.exists():
        keep_older(s)
        again.touch()
    spend(s)


def cgroup(s):
    """Where systemd gave the user a cgroup of his own, writing a file there ends what no signal reaches."""
    if s.plain:
        raise NotHere("no such process there")
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    top = next((Path(m[1]) for m in mounts if m[2] == "cgroup2"), None)
    path = next((line[3:].strip("/") for line in Path("/proc/self/cgroup").read_text().splitlines()
                 if line.startswith("0::")), "")
    own = [p for p in (top / path, *(top / path).parents)
           if p.is_relative_to(top) and os.access(p, os.W_OK) and os.access(p / "cgroup.procs", os.W_OK)] if top else []
    if not own:
        raise NoService("no cgroup is the user's to change")
    there = own[-1] / "ccrun-attack"
    there.mkdir(exist_ok=True)
    each([*s.relays, *s.brokers], lambda pid: (there / "cgroup.procs").write_text(str(pid)))
    (there / "cgroup.kill").write_text("1")
