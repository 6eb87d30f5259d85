"""The columns: whose broker, how the key is delivered, is the session confined.  And
one without ccrun, the key in the environment, which shows what of the attacks works at all."""
import json
import os
import shlex
from contextlib import contextmanager
from dataclasses import dataclass

from ccrun import Ccrun
from client import alive, children_named, claude, until


COLUMN = 2700  # seconds for one: ten times what a quiet machine takes
LIMIT = 3  # requests of these in a day; each is used up by one attack
LIMITED = ("capped", "capped-too", "priced")
# One in money, which leaves room for a request at a time: its answer is reserved by $4.
PRICES = "[prices]\n* = 1000 1000\n"
MONEY = "$5/day"
# What opens a password manager, which no session is to have.
MANAGER = "BWS_ACCESS_TOKEN"


class Skipped(Exception):
    """This column cannot be run here; the text says why."""


@dataclass(frozen=True)
class Column:
    name: str
    broker: str
    delivery: str
    confine: str = "off"
    plain = False

    def policy(self):
        return {"delivery": self.delivery, "confine": self.confine}

    def set_up(self, run):
        """A vault with the key in it, and a provider that uses it."""
        c = run.c
        c.passphrase = run.passphrase
        c.demo(policy=self.policy())
        words = ["init", "--system" if self.broker == "system" else "--user"]
        r = c.with_passphrase(*words, passphrase=run.passphrase)
        assert r.rc == 0, r
        c.add(run.entry, run.token)
        c.provider("tls", title="By TLS", base_url=run.tls.url, auth="bearer", policy=self.policy())
        c.add("tls", run.token)
        r = c.ccctl("approve", "tls", "--yes", env=run.network("tls"))
        assert r.rc == 0, r
        for name in LIMITED if self.delivery == "relay" else ():
            # Keys with a limit, which only a relay counts.
            money = name == "priced"
            c.provider(name, title="Capped", base_url=run.ep.url, auth="bearer", policy=self.policy(),
                       extra=PRICES if money else "")
            c.add(name, run.token)
            r = c.ccctl("limit", name, MONEY if money else f"{LIMIT}/day")
            assert r.rc == 0, r

    def socket(self, c):
        return "/run/ccrun/broker.sock" if self.broker == "system" else c.runtime / "ccrun/broker.sock"

    def top(self):
        """The process below which all of this world is; 0: a pid namespace has nothing else."""
        return os.getpid() if self.broker != "system" else 0

    def command(self, run, words):
        """(argv, environment) of ccrun WORDS."""
        return [run.c.bin / "ccrun", *words], {**run.network(run.entry), MANAGER: run.manager}

    def heal(self, run):
        """After an attack: somebody serves, and the vault is open."""
        c = run.c
        for path in (c.runtime / "ccrun", c.state / "ccrun", c.data / "ccrun"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        if (c.state / "ccrun/record.jsonl").exists():
            (c.state / "ccrun/record.jsonl").chmod(0o600)
        # Without the one that looks at others a broker gives nothing any more.
        whole = self.broker == "system" or any(map(alive, children_named(os.getpid(), "ccrun-witness")))
        if whole and self.state(c) == "unlocked":
            return
        if self.broker != "system":
            # Whoever is in the broker's place, or has lost its socket.
            for pid in children_named(os.getpid(), "ccbroker"):
                os.kill(pid, 9)
        r = c.with_passphrase("unlock", passphrase=run.passphrase)
        assert r.rc == 0, r

    @staticmethod
    def state(c):
        r = c.ccctl("status", "--json")
        return json.loads(r.out).get("state") if r.out.startswith("{") else r.err

    def restart_broker(self, run):
        if self.broker == "system":
            # Root does that; here the vault is opened anew.
            run.c.ccctl("lock")
        else:
            pid = run.c.broker()
            os.kill(pid, 9)
            until(lambda: not alive(pid), 10, "the broker's end")
        self.heal(run)


class Plain(Column):
    """As people have it: the key in the environment."""
    plain = True

    def set_up(self, run):
        pass

    def command(self, run, words):
        url = run.tls.url if run.entry == "tls" else run.ep.url
        env = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": run.token, MANAGER: run.manager,
               **run.network(run.entry)}
        words = [w for w in words if w != run.entry]
        return ([*words[1:]] if words[:1] == ["--exec"] else [claude(), *words]), env

    def heal(self, run):
        pass


COLUMNS = [Column(f"{broker}-{delivery}{'+' * (confine == 'on')}", broker, delivery, confine)
           for broker in ("user", "system") for delivery in ("relay", "preload") for confine in ("off", "on")]
COLUMNS.append(Plain("plain", "none", "env"))


@contextmanager
def placed(column):
    """A function that makes the column's world, and where it is run.  Root's programs are
    installed by root; an ordinary user has the build tree's."""
    if os.geteuid() != 0:
        if column.broker == "system":
            raise Skipped("needs root")
        yield lambda ep: Ccrun(ep, delivery=None), lambda function: function()
        return
    # They move this process into namespaces of its own, so only root has them.
    from booted import Booted  # pylint: disable=import-outside-toplevel
    try:
        machine = Booted().__enter__()
    except PermissionError as e:
        raise Skipped(str(e)) from e
    try:
        machine.clean()

        def inside(function):
            def run():
                if column.broker == "system":
                    machine.systemctl("start", "ccbroker.service")
                    until(machine.broker().serving, 10, "the broker")
                return function()
            return machine.inside(run, timeout=COLUMN)
        yield lambda ep: machine.user(1, ep, delivery=None), inside
    finally:
        machine.leave()


def typed_command(column, run, words):
    """As it is typed into a shell: by name, where ccrun is to be found by PATH."""
    argv, env = column.command(run, words)
    # A shell's own environment is read by what is not confined.
    del env[MANAGER]
    argv = [str(a) for a in argv]
    if not column.plain:
        argv[0] = "ccrun"
    # An alias counts where its word is not quoted.
    return " ".join([argv[0], *map(shlex.quote, argv[1:])]), env
