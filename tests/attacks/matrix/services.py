"""What a person has running before any session: a shell, a multiplexer, a service that runs
what it is told, and as far as this machine lets them be started privately: a desktop's
keyring, at, an SSH server, systemd's user manager, logind.

Services(run).missing[NAME] says why one is not there."""
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from client import children_named, until
from keyring import SecretService
from logind import Logind

PYTHON = "/usr/bin/python3"
SPOOL = Path("/var/spool/cron")
SSHD = "/usr/sbin/sshd"
MANAGER = "/lib/systemd/systemd"


class Missing(Exception):
    """The text says why it is not there."""


def needs(*programs):
    for program in programs:
        if not os.access(program, os.X_OK):
            raise Missing(f"no {program}")


def free_port():
    import socket  # pylint: disable=import-outside-toplevel
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Services:
    def __init__(self, run):
        self.run, self.c, self.out = run, run.c, run.out
        self.kept, self.missing, self.logind = set(), {}, None

    def start(self):
        os.mkfifo(self.out / "shell.fifo")
        self.c.own()
        self.keep(self.c.popen([PYTHON, self.run.kit / "service.py", self.out / "service.sock"]))
        if os.geteuid() == 0:
            self.account()
        for name in ("disk", "tmux", "logind", "keyring", "ssh", "at", "systemd"):
            with self.noted(name):
                getattr(self, f"start_{name}")()
        self.c.own()

    @contextmanager
    def noted(self, name):
        try:
            yield
        except (Missing, OSError, AssertionError, TimeoutError, subprocess.SubprocessError) as e:
            self.missing[name] = str(e).splitlines()[0] if str(e) else type(e).__name__

    def keep(self, proc):
        self.kept.add(proc.pid)
        return proc

    def account(self):
        """A machine's own users have none; services look for one."""
        user, home = self.c.user, self.c.home
        with open("/etc/passwd", "a") as f:
            f.write(f"{user.pw_name}:x:{user.pw_uid}:{user.pw_gid}::{home}:/bin/bash\n")
        with open("/etc/group", "a") as f:
            f.write(f"{user.pw_name}:x:{user.pw_gid}:\n")
        with open("/etc/shadow", "a") as f:
            f.write(f"{user.pw_name}:*:20000:0:99999:7:::\n")

    def start_disk(self):
        """A small one for the vault and the audit log."""
        if os.geteuid() != 0:
            raise Missing("only root can make a small disk")
        where = self.c.home / ".local"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(where)], check=True, capture_output=True)
        for path in (self.c.data, self.c.state):
            path.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.c.own()

    def start_tmux(self):
        needs("/usr/bin/tmux")
        command = ["tmux", "-S", self.out / "tmux.sock"]
        self.c.run([*command, "-f", "/dev/null", "new-session", "-d", "sleep 100000"])
        self.kept |= {int(x) for x in self.c.run([*command, "display-message", "-p", "#{pid}"]).out.split()}

    def start_logind(self):
        """A stand-in for it, which says when the machine goes to sleep; ours is what watches."""
        if self.run.column.broker != "user":
            raise Missing("the system's watcher is root's, not to be signalled by a user")
        needs("/usr/bin/dbus-daemon")
        self.logind = Logind(self.c)
        self.keep(self.logind.daemon)
        self.keep(self.logind.service.process)
        self.c.plain_env.update(self.logind.env)

    def start_keyring(self):
        """An unlocked one, on a session bus."""
        needs("/usr/bin/gnome-keyring-daemon", "/usr/bin/secret-tool")
        self.keyring = SecretService(self.c)
        self.keep(self.keyring.daemon)
        self.keep(self.keyring.keyring)
        self.c.plain_env["DBUS_SESSION_BUS_ADDRESS"] = self.keyring.env["DBUS_SESSION_BUS_ADDRESS"]

    def start_ssh(self):
        """One of the person's own on this machine, which takes the person's key."""
        needs(SSHD, "/usr/bin/ssh", "/usr/bin/ssh-keygen")
        place, port = self.c.home / ".ssh", free_port()
        place.mkdir(mode=0o700)
        for name in ("id", "host"):
            subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", place / name], check=True)
        (place / "authorized_keys").write_bytes((place / "id.pub").read_bytes())
        (place / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {place}/host\nAuthorizedKeysFile {place}/authorized_keys\n"
            "UsePAM no\nStrictModes no\nPidFile none\nPasswordAuthentication no\n")
        (place / "config").write_text(
            f"Host localhost\nHostname 127.0.0.1\nPort {port}\nIdentityFile {place}/id\nUserKnownHostsFile "
            f"{place}/known_hosts\nStrictHostKeyChecking no\nBatchMode yes\nUser {self.c.user.pw_name}\n")
        self.c.own()
        with open(self.out / "sshd.log", "w") as log:
            self.keep(self.c.popen([SSHD, "-D", "-e", "-f", place / "sshd_config"], stdout=log, stderr=log))
        until(lambda: self.c.run(["ssh", "-F", place / "config", "localhost", "true"]).rc == 0, 10, "the SSH server")

    def start_at(self):
        """Debian's, with a spool of this machine's own."""
        needs("/usr/sbin/atd", "/usr/bin/at")
        if os.geteuid() != 0:
            raise Missing("at's daemon is root's")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(SPOOL)], check=True, capture_output=True)
        for name in ("atjobs", "atspool"):
            (SPOOL / name).mkdir()
            shutil.chown(SPOOL / name, "daemon", "daemon")
            (SPOOL / name).chmod(0o1770)
        (SPOOL / "atjobs/.SEQ").write_text("0")
        shutil.chown(SPOOL / "atjobs/.SEQ", "daemon", "daemon")
        (SPOOL / "atjobs/.SEQ").chmod(0o600)
        with open(self.out / "atd.log", "w") as log:
            self.keep(subprocess.Popen(["/usr/sbin/atd", "-f", "-l", "1000", "-b", "1"], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True))

    def start_systemd(self):
        """The user's manager, started by the machine's."""
        needs("/usr/bin/systemd-run", MANAGER)
        if os.geteuid() != 0 or not Path("/run/systemd/private").exists():
            raise Missing("systemd starts a user's manager where it has booted the machine")
        units = self.c.home / ".units"
        units.mkdir()
        for name in ("basic", "shutdown"):
            (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        self.c.own()
        env = {"HOME": self.c.home, "XDG_RUNTIME_DIR": self.c.runtime, "SYSTEMD_UNIT_PATH": units,
               "PATH": "/usr/bin:/bin"}
        subprocess.run(["systemd-run", "--quiet", f"--unit=manager-{self.c.id}", f"--uid={self.c.user.pw_uid}",
                        f"--gid={self.c.user.pw_gid}", "-pDelegate=yes", *(f"--setenv={k}={v}" for k, v in env.items()),
                        MANAGER, "--user", "--unit=basic.target"], check=True, capture_output=True)
        until((self.c.runtime / "systemd/private").exists, 10, "the user's manager")

    def watched(self):
        """Is there somebody who tells the broker of sleep?"""
        return any(children_named(os.getpid(), "ccrun-logind"))
