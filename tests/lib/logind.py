"""A private system bus with a stand-in for logind, and one for the broker.

    with World() as w, Logind(w) as logind, WatchBroker(w) as broker:
        w.popen([HELPER], env=logind.env)
        logind.prepare_for_sleep(True)
        until(lambda: logind.inhibitors()[0]["closed"])

Both write down what happens with CLOCK_MONOTONIC, so that the order of events
in different processes can be told.  Session 1 is ours, session 7 another user's.
"""
import json
import socket
import subprocess

from client import LIB, until

PYTHON = "/usr/bin/python3"
LOGIN1 = "org.freedesktop.login1"
MANAGER_PATH = "/org/freedesktop/login1"
MANAGER, SESSION = LOGIN1 + ".Manager", LOGIN1 + ".Session"
OURS = MANAGER_PATH + "/session/_31"  # session 1

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>custom</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"""


def read_log(path):
    """The events so far; a line that is being written is left for later."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


class StandIn:
    """A python program of this directory that takes commands and keeps a log."""

    def __init__(self, world, program, log, *argv):
        self.log = log
        before = len(self.events("serving"))
        self.process = world.popen([PYTHON, LIB / program, *argv, log], stdin=subprocess.PIPE)
        until(lambda: len(self.events("serving")) > before or self.died(), what=program)

    def died(self):
        assert self.process.poll() is None, f"{self.process.args} ended: {self.process.returncode}"

    def events(self, event=None):
        return [e for e in read_log(self.log) if event in (None, e["event"])]

    def tell(self, line, done):
        """Send a command; return when the log says that it was done."""
        before = len(self.events(done))
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        until(lambda: len(self.events(done)) > before or self.died(), what=line)

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(20)


class WatchBroker(StandIn):
    """tests/lib/watch_broker.py in a world."""

    def __init__(self, world):
        directory = world.runtime / "ccrun"
        directory.mkdir(mode=0o700, exist_ok=True)
        world.own()
        super().__init__(world, "watch_broker.py", world.root / "broker.log", directory / "broker.sock")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def answers(self, how):
        """How a lock is answered: seconds to wait, "never", "refused"."""
        self.tell(f"answer {how}", "told")

    def locks(self):
        """Why it was told to lock, in order."""
        return [e["why"] for e in self.events("request") if e["op"] == "lock"]

    def answered(self):
        """When locks were answered."""
        return [e["t"] for e in self.events("answer") if e["op"] == "lock"]


class Logind:
    """The bus and fake_login1.py in a world."""

    def __init__(self, world):
        self.world = world
        self.dir = world.root / "bus"
        self.dir.mkdir(mode=0o700)
        self.socket = self.dir / "socket"
        self.address = f"unix:path={self.socket}"
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.address}
        self.log = self.dir / "login1.log"
        (self.dir / "bus.conf").write_text(CONFIG.format(socket=self.socket))
        world.own()
        self.daemon = self.service = None
        self.start_bus()
        self.start_service()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_service()
        self.stop_bus()

    # ---- the processes ----

    def bus_serves(self):
        assert self.daemon.poll() is None, "dbus-daemon ended"
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(self.socket)) == 0

    def start_bus(self):
        self.socket.unlink(missing_ok=True)
        self.daemon = self.world.popen(["dbus-daemon", f"--config-file={self.dir / 'bus.conf'}", "--nofork",
                                        "--nopidfile"], stdout=subprocess.DEVNULL)
        until(self.bus_serves, what="the bus")

    def stop_bus(self):
        if self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(20)

    def start_service(self):
        self.service = StandIn(self.world, "fake_login1.py", self.log, self.address)

    def stop_service(self):
        self.service.stop()

    # ---- what happens on the machine ----

    def tell(self, *words):
        self.service.tell(json.dumps(words), "done")

    def prepare_for_sleep(self, going):
        self.tell("sleep", going)

    def lock_session(self, name, times=1):
        self.tell("lock", name, times)

    def unlock_session(self, name):
        self.tell("unlock", name)

    def set_locked_hint(self, name, value=True):
        self.tell("hint", name, value)

    def set_property(self, name, key, value):
        """Changed, and no signal: as logind does with State."""
        self.tell("property", name, key, value)

    def new_session(self, name, mine=True, kind="user"):
        """mine may be a uid."""
        self.tell("new", name, mine, kind)

    def remove_session(self, name):
        self.tell("remove", name)

    def refuse_inhibitors(self, value=True):
        self.tell("refuse", value)

    def forge(self, path, interface, member, signature="", arguments=(), to_helper=False):
        """A signal of logind's (or the bus's own) from somebody else."""
        self.tell("forge", path, interface, member, signature, arguments, to_helper)

    # ---- what the helper holds ----

    def inhibitors(self):
        """In the order in which they were taken; opened and closed are times,
        closed is None while it is held."""
        found = {}
        for e in read_log(self.log):
            key = e["pid"], e.get("n")
            if e["event"] == "inhibit":
                found[key] = {"opened": e["t"], "closed": None,
                              **{k: e[k] for k in ("what", "who", "why", "mode")}}
            elif e["event"] == "released":
                found[key]["closed"] = e["t"]
        return list(found.values())
