"""The columns: whose broker, how the key is delivered, is the session confined.  And
one without any protection, which shows what of the attacks works at all."""
import os
from contextlib import contextmanager
from dataclasses import dataclass

from ccrun import BUILD, Ccrun


class Skipped(Exception):
    """This column cannot be run here; the text says why."""


@dataclass(frozen=True)
class Column:
    name: str
    broker: str
    delivery: str
    confine: str = "off"

    def policy(self):
        words = {"delivery": self.delivery}
        if knows_confine():
            words["confine"] = "on" if self.confine == "on" else "off"
        return words

    def init(self, run):
        words = ["init", *{"user": [], "system": ["--system"]}[self.broker]]
        r = run.c.with_passphrase(*words, passphrase=run.passphrase)
        assert r.rc == 0, r

    def socket(self, c):
        return "/run/ccrun/broker.sock" if self.broker == "system" else c.runtime / "ccrun/broker.sock"

    def top(self):
        """The process below which all of this world is; 0: a pid namespace has nothing else."""
        return os.getpid() if self.broker == "user" else 0

    def heal(self, run):
        """After an attack: somebody serves, and the vault is open."""
        c = run.c
        said = c.ccctl("status", "--json")
        if '"unlocked"' not in said.out:
            r = c.with_passphrase("unlock", passphrase=run.passphrase)
            assert r.rc == 0, (r, said)


def knows_confine():
    """Does this build have the key?"""
    return b"\0confine\0" in (BUILD / "bin/ccrun").read_bytes()


COLUMNS = [Column(f"{broker}-{delivery}{'+' * (confine == 'on')}", broker, delivery, confine)
           for broker in ("user", "system") for delivery in ("relay", "preload") for confine in ("off", "on")]
COLUMNS.append(Column("bare", "user", "env"))


@contextmanager
def world_of(column, ep, without=None):
    if column.confine == "on" and not knows_confine():
        raise Skipped("this build confines no session")
    if column.broker == "system":
        if os.geteuid() != 0:
            raise Skipped("needs root")
        raise Skipped("not yet")
    with Ccrun(ep, delivery=None) as c:
        if without:
            c.plain_env["CCRUN_WITHOUT"] = without
        yield c
