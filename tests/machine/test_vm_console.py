"""A text console of the machine: systemd-logind hands its keyboards to any program of the user's that
asks, a session's too.  ccctl says so instead of asking, or stops asking."""
import time

import pytest

import vm_acts
from vm_image import LIB, PEOPLE

pytestmark = pytest.mark.vm

KEYS = {" ": "spc", "\n": "ret", "-": "minus", "/": "slash", ".": "dot", "_": "shift-minus", ";": "semicolon"}
LOG = "/home/ben/taken.log"


class Console:
    """A person at the machine's own keyboard and screen."""

    def __init__(self, m):
        self.m = m
        # The image has none there.
        m.sh("rm -f /etc/systemd/system/getty@tty1.service; systemctl daemon-reload; systemctl start getty@tty1")
        self.sees("login:")
        self.types("ben\n")
        self.sees("assword:")
        self.types(PEOPLE["ben"] + "\n")
        self.sees("<<0>>")

    def key(self, name):
        self.m.monitor(f"sendkey {name} 60")
        time.sleep(0.2)

    def types(self, text):
        for c in text:
            self.key(KEYS.get(c, c))

    def screen(self, number=1):
        text = self.m.root("cat", f"/dev/vcs{number}").out
        return "\n".join(text[i:i + 80].rstrip() for i in range(0, len(text), 80))

    def sees(self, words, number=1):
        # A line goes on in the next row wherever it is full.
        vm_acts.wait_for(lambda: "".join(words.split()) in "".join(self.screen(number).split()), words,
                         lambda: self.screen(number))


@pytest.fixture
def taker(m):
    """The path of the program that takes a console."""
    path = "/home/ben/console_taker.py"
    m.root("install", "-o", "ben", "-g", "ben", "-m", "700", "/dev/stdin", path, input=(LIB / "console_taker.py").read_text())
    return path


def log(m):
    return m.root("cat", LOG, check=False).out


def test_a_passphrase_is_typed_and_another_console_is_looked_at(m):
    console = Console(m)
    console.types("ccctl lock; ccctl unlock\n")
    console.sees("Passphrase for your vault:")
    console.types(vm_acts.PASSPHRASE[:7])
    console.key("alt-f2")
    time.sleep(1)
    console.key("alt-f1")
    console.sees("another console was in front, and what was typed meanwhile went there")
    console.types(vm_acts.PASSPHRASE[7:] + "\n")
    console.sees("the vault is open")


def test_a_session_on_the_console_itself_that_keeps_its_keyboards(m, taker):
    console = Console(m)
    console.types(f"ccrun --exec {taker} demo {LOG} here\n")
    vm_acts.wait_for(lambda: "keyboards" in log(m), "the taker", lambda: log(m) + console.screen())
    time.sleep(5)
    console.types("clear; ccctl lock; ccctl unlock\n")
    console.sees("another program has the keyboards of this console (tty1): nothing was asked")
    assert "Passphrase" not in console.screen()
    # It was no empty threat.
    vm_acts.wait_for(lambda: "ccctl unlock" in log(m), "what it read", lambda: log(m))


def test_a_session_elsewhere_that_takes_them_when_ccctl_asks(m, taker):
    ben = vm_acts.at(m, "ben")
    ben.ok(f"ccrun --exec {taker} demo {LOG} tty1")
    console = Console(m)
    console.types("clear; ccctl lock; ccctl unlock\n")
    vm_acts.wait_for(lambda: "keyboards" in log(m), "the taker", lambda: log(m) + console.screen())
    console.types(vm_acts.PASSPHRASE + "\n")
    console.sees("another program has the keyboards of this console (tty1), and reads what you type")
    assert "keyboards 0" not in log(m) and "control True" in log(m), log(m)
    assert not any(part in log(m) for part in vm_acts.PASSPHRASE.split()), log(m)
    assert not vm_acts.is_open(ben)
