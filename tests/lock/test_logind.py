"""ccrun-logind on a private bus: what logind says becomes a request to lock, in
time, and what others say does not."""
import os
import select
import signal
import time
from pathlib import Path

import pytest

import wire_client as wc
from built import BUILD
from client import World, alive, until
from logind import LOGIN1, MANAGER, MANAGER_PATH, OURS, SESSION, Logind, WatchBroker

HELPER = BUILD / "libexec/ccrun/ccrun-logind"
BUS = "org.freedesktop.DBus"


class Helper:
    """One ccrun-logind.  said: what came through --ready-fd until it was closed."""

    def __init__(self, world, env, **kw):
        self.errors = world.root / f"helper-{time.monotonic_ns()}.err"
        read, write = os.pipe()
        with open(self.errors, "wb") as err:
            self.process = world.popen([HELPER, "--ready-fd", str(write)], env=env, pass_fds=[write],
                                       stdout=err, stderr=err, **kw)
        os.close(write)
        self.said = b""
        deadline = time.monotonic() + 60
        while select.select([read], [], [], max(0, deadline - time.monotonic()))[0]:
            data = os.read(read, 100)
            self.said += data
            if not data:
                break
        else:
            raise TimeoutError("neither ready nor ended: " + self.err)
        os.close(read)

    @property
    def err(self):
        """Everything that it wrote."""
        return self.errors.read_text()

    def ends(self, timeout=30):
        return self.process.wait(timeout)


class Machine:
    def __init__(self, world, logind, broker):
        self.world, self.logind, self.broker = world, logind, broker
        self.helper = None

    def start(self, env=None, **kw):
        return Helper(self.world, {**self.logind.env, **(env or {})}, **kw)

    def watch(self):
        self.helper = self.start()
        assert self.helper.said == b"ready\n", self.helper.err
        return self

    def hears(self, *why):
        """Exactly these requests to lock, in this order, have come."""
        until(lambda: len(self.broker.locks()) >= len(why), what=f"{why}, but {self.broker.locks()}")
        assert self.broker.locks() == list(why)

    def held(self):
        return [i for i in self.logind.inhibitors() if i["closed"] is None]

    def quiet(self):
        """It still runs and said nothing."""
        assert self.helper.process.poll() is None and self.helper.err == ""


@pytest.fixture
def machine():
    with World() as world, Logind(world) as logind, WatchBroker(world) as broker:
        yield Machine(world, logind, broker)


@pytest.fixture
def m(machine):
    return machine.watch()


# ---- life --------------------------------------------------------------

def test_ready_means_that_it_watches(m):
    assert [e["op"] for e in m.broker.events("request")] == ["hello", "watch"]
    assert [(i["what"], i["who"], i["mode"], i["closed"]) for i in m.logind.inhibitors()] == \
        [("sleep", "ccrun", "delay", None)]
    m.quiet()


def test_help_and_version(machine):
    run = machine.world.run
    r = run([HELPER, "--version"])
    assert r.rc == 0 and r.out.startswith("ccrun-logind ") and r.err == ""
    r = run([HELPER, "--help"])
    assert r.rc == 0 and "--ready-fd" in r.out and r.err == ""


@pytest.mark.parametrize("words", [["x"], ["--ready-fd"], ["--ready-fd", "x"], ["--ready-fd", "99"],
                                   ["--ready-fd", "1"], ["--ready-fd", "3x"], ["--version", "x"]])
def test_other_words_are_refused(machine, words):
    r = machine.world.run([HELPER, *words], env=machine.logind.env)
    assert r.rc == 2 and r.out == "" and "--ready-fd" in r.err
    assert not machine.broker.events("request")


def test_it_holds_nothing_that_others_can_look_into(m):
    if os.geteuid() == 0:
        pytest.skip("root sees everything")
    with pytest.raises(PermissionError):
        Path(f"/proc/{m.helper.process.pid}/environ").read_bytes()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_sleep_is_free(m, how):
    m.helper.process.send_signal(how)
    assert m.helper.ends() == -how
    until(lambda: not m.held(), what="the inhibitor is released")
    assert m.broker.locks() == [] and m.helper.err == ""


def test_a_second_one_goes_quietly(m):
    second = m.start()
    assert second.ends() == 0 and second.said == b"" and second.err == ""
    m.logind.lock_session("1")
    m.hears("screen")
    assert len(m.logind.inhibitors()) == 1


def test_the_broker_ends(m):
    m.broker.stop()
    assert m.helper.ends() == 0 and m.helper.err == ""
    until(lambda: not m.held(), what="the inhibitor is released")


def test_no_broker(machine):
    machine.broker.stop()
    helper = machine.start()
    assert helper.ends() == 1 and helper.said == b""
    assert helper.err == "ccrun-logind: no broker is running\nhint: ccctl unlock starts one\n"


@pytest.mark.parametrize("address", ["unix:path=/nonexistent/bus", "nonsense"])
def test_no_bus(machine, address):
    helper = machine.start({"DBUS_SYSTEM_BUS_ADDRESS": address})
    assert helper.ends() == 1 and helper.said == b""
    assert helper.err.startswith("ccrun-logind: connect to the system bus: ") and "\nhint: " in helper.err


def test_no_logind_on_the_bus(machine):
    machine.logind.stop_service()
    helper = machine.start()
    assert helper.ends() == 1 and helper.said == b""
    assert "logind" in helper.err and "\nhint: " in helper.err


def test_refused_inside_a_session(machine):
    helper = machine.start(preexec_fn=wc.mark)
    assert helper.ends() == 1 and helper.said == b""
    assert "inside a session" in helper.err
    assert not machine.broker.events("request") and not machine.logind.inhibitors()


# ---- sleep -------------------------------------------------------------

def test_sleep_waits_for_the_lock(m):
    m.broker.answers("0.7")
    m.logind.prepare_for_sleep(True)
    until(lambda: not m.held(), what="the inhibitor is released")
    m.hears("suspend")
    assert m.logind.inhibitors()[0]["closed"] > m.broker.answered()[0]
    m.quiet()


def test_the_inhibitor_is_taken_anew_after_waking(m):
    for n in (1, 2):
        m.logind.prepare_for_sleep(True)
        until(lambda: not m.held(), what="the inhibitor is released")
        m.logind.prepare_for_sleep(False)
        until(m.held, what="the inhibitor is taken")
        assert len(m.logind.inhibitors()) == n + 1
    m.hears("suspend", "suspend")
    assert m.logind.inhibitors()[1]["closed"] > m.broker.answered()[1]
    m.quiet()


def test_a_broker_that_hangs_does_not_keep_the_machine_awake(m):
    m.broker.answers("never")
    m.logind.prepare_for_sleep(True)
    until(lambda: not m.held(), what="the inhibitor is released")
    waited = m.logind.inhibitors()[0]["closed"] - m.broker.events("request")[-1]["t"]
    assert 2.5 < waited < 4.9, waited  # logind itself gives up after 5
    m.hears("suspend")
    assert "did not answer within 3 s" in m.helper.err and "\nhint: " in m.helper.err
    # It goes on, and a late answer is not taken for another one's.
    m.broker.answers("0")
    m.logind.prepare_for_sleep(False)
    m.logind.lock_session("1")
    m.hears("suspend", "screen")
    until(m.held, what="the inhibitor is taken")


def test_many_signals_to_a_broker_that_hangs(m):
    m.broker.answers("60")  # it does not even read
    for _ in range(40):
        m.logind.lock_session("1")
    m.logind.prepare_for_sleep(True)
    until(lambda: not m.held(), what="the inhibitor is released")
    assert alive(m.helper.process.pid)


def test_a_refusal_is_said(m):
    m.broker.answers("refused")
    m.logind.prepare_for_sleep(True)
    until(lambda: not m.held(), what="the inhibitor is released")
    assert "did not lock the vault: this is a test: system" in m.helper.err


def test_no_inhibitor_is_a_warning(machine):
    machine.logind.refuse_inhibitors()
    m = machine.watch()
    assert "sleep will not wait" in m.helper.err and "permission denied" in m.helper.err
    m.logind.prepare_for_sleep(True)
    m.hears("suspend")


# ---- the screen --------------------------------------------------------

def test_screen_lock(m):
    m.logind.lock_session("1")
    m.hears("screen")
    m.quiet()


def test_locked_hint(m):
    m.logind.set_locked_hint("1")
    m.hears("screen")
    m.logind.set_locked_hint("1", False)
    m.logind.unlock_session("1")
    m.logind.lock_session("1")
    m.hears("screen", "screen")
    m.quiet()


def test_another_users_screen_is_not_ours(m):
    m.logind.lock_session("7")
    m.logind.set_locked_hint("7")
    # What the same process sends arrives in order.
    m.logind.prepare_for_sleep(True)
    m.hears("suspend")


def test_a_session_that_came_later(m):
    m.logind.new_session("9")
    m.logind.new_session("8", mine=False)
    m.logind.lock_session("8")
    m.logind.lock_session("9")
    m.hears("screen")


# ---- log-out -----------------------------------------------------------

def test_logout_of_the_last_session(m):
    m.logind.new_session("2")
    m.logind.remove_session("1")
    m.logind.lock_session("2")
    m.hears("screen")  # not of the last but one
    m.logind.remove_session("2")
    m.hears("screen", "logout")
    m.quiet()


def test_another_users_logout_is_not_ours(m):
    m.logind.remove_session("7")
    m.logind.lock_session("1")
    m.hears("screen")


def test_logout_is_told_once(m):
    m.logind.remove_session("1")
    m.logind.new_session("8", mine=False)
    m.logind.remove_session("8")
    m.logind.prepare_for_sleep(True)
    m.hears("logout", "suspend")


def test_what_is_not_a_login_does_not_count(m):
    m.logind.new_session("3", kind="background")
    m.logind.new_session("4", kind="manager")
    m.logind.remove_session("1")
    m.hears("logout")
    m.logind.new_session("5")
    # A log-in that is gone before it was looked at is none: wait until it was.
    m.logind.lock_session("5")
    m.hears("logout", "screen")
    m.logind.remove_session("5")
    m.hears("logout", "screen", "logout")


def test_on_a_server_that_nobody_logs_in_to(machine):
    machine.logind.remove_session("1")
    m = machine.watch()
    m.logind.new_session("3", mine=False, kind="background")
    m.logind.remove_session("3")
    m.logind.prepare_for_sleep(True)
    m.hears("suspend")


def test_a_session_that_is_closing_does_not_count(m):
    m.logind.new_session("8", mine=False)
    m.logind.set_property("1", "State", "closing")
    m.logind.remove_session("8")
    m.hears("logout")


def test_a_session_that_closes_in_silence_is_noticed(m):
    m.logind.set_property("1", "State", "closing")
    until(m.broker.locks, timeout=60, what="logout")
    m.hears("logout")
    m.quiet()


# ---- what others say ---------------------------------------------------

FORGED = {
    "sleep": (MANAGER_PATH, MANAGER, "PrepareForSleep", "b", [True]),
    "lock": (OURS, SESSION, "Lock"),
    "hint": (OURS, BUS + ".Properties", "PropertiesChanged", "sa{sv}as", [SESSION, {"LockedHint": True}, []]),
    "removed": (MANAGER_PATH, MANAGER, "SessionRemoved", "so", ["1", OURS]),
}


@pytest.mark.parametrize("to_helper", [False, True], ids=["to-all", "to-it"])
@pytest.mark.parametrize("what", FORGED)
def test_signals_of_others_are_ignored(m, what, to_helper):
    if what == "removed":
        m.logind.set_property("1", "State", "closing")
    m.logind.forge(*FORGED[what], to_helper=to_helper)
    m.logind.prepare_for_sleep(False)
    m.logind.lock_session("1")
    m.hears("screen")
    m.quiet()


def test_nobody_else_becomes_logind(m):
    m.logind.forge("/org/freedesktop/DBus", BUS, "NameOwnerChanged", "sss", [LOGIN1, "", "$me"], to_helper=True)
    m.logind.forge(*FORGED["lock"], to_helper=True)
    m.logind.prepare_for_sleep(True)
    m.hears("suspend")
    m.quiet()


@pytest.mark.parametrize("what", [
    (MANAGER_PATH, MANAGER, "PrepareForSleep", "s", ["x"]),
    (OURS, BUS + ".Properties", "PropertiesChanged", "s", [SESSION]),
    ("/org/freedesktop/DBus", BUS, "NameOwnerChanged", "s", [LOGIN1])], ids=["sleep", "hint", "owner"])
def test_signals_that_make_no_sense(m, what):
    m.logind.forge(*what, to_helper=True)
    m.logind.lock_session("1")
    m.hears("screen")
    m.quiet()


# ---- when the others are started anew ----------------------------------

def test_logind_is_restarted(m):
    m.logind.stop_service()
    m.logind.start_service()
    until(lambda: len(m.logind.inhibitors()) == 2, what="an inhibitor of the new one")
    m.logind.prepare_for_sleep(True)
    until(lambda: m.logind.inhibitors()[1]["closed"], what="it is released")
    m.hears("suspend")
    m.quiet()


def test_the_bus_is_restarted(m):
    m.logind.stop_bus()
    m.logind.stop_service()
    m.logind.start_bus()
    m.logind.start_service()
    until(lambda: len(m.logind.inhibitors()) == 2, timeout=40, what="an inhibitor on the new bus")
    m.logind.prepare_for_sleep(True)
    until(lambda: m.logind.inhibitors()[1]["closed"], what="it is released")
    m.hears("suspend")
    m.quiet()


def test_the_broker_ends_while_the_bus_is_away(m):
    m.logind.stop_bus()
    m.broker.stop()
    assert m.helper.ends() == 0 and m.helper.err == ""


def test_the_bus_ends(m):
    m.logind.stop_bus()
    assert m.helper.ends(90) == 1
    assert m.helper.err.startswith("ccrun-logind: the system bus is lost: ") and "\nhint: " in m.helper.err
    assert m.broker.locks() == []
