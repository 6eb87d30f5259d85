"""The short form of make torture: some operations at every point, the others at a few."""
import pytest

import crash
import helpers
import power
import power_verbs
import programs
import refuse
import relays
import verbs
from disk import Disk, Disks
from operations import operation
from keyring import SecretService
from traced import TracedBroker, room
from verb_list import VERBS
from verbs import TracedHome


def none_wrong(result, least):
    points, faults = result
    assert not faults, "\n".join(faults)
    assert points >= least


@pytest.mark.parametrize("name, least", [("init", 20), ("put", 15), ("rekey", 40), ("retire", 15)])
def test_a_broker_killed_at_every_call(name, least):
    none_wrong(crash.crash_everywhere(operation(name)), least)


@pytest.mark.parametrize("name, least", [("init", 80), ("put", 15), ("rekey", 40), ("restore", 30), ("arrive", 15), ("metered", 30)])
def test_power_lost_at_every_moment(name, least):
    none_wrong(power.lose_power(operation(name)), least)


def verb_of(name):
    return next(v for v in VERBS if v.name == name)


@pytest.mark.parametrize("verb, step", [("import --scrub", 9), ("default", 1), ("backup", 3), ("host init", 3)])
def test_a_verb_killed(verb, step):
    none_wrong(verbs.crash_verb(verb_of(verb), step), 5)


@pytest.mark.parametrize("verb, least", [("default, the first", 7), ("link", 7), ("unlink", 4), ("deny", 3),
                                         ("statusline remove", 6), ("host init", 9)])
def test_a_verb_whose_computer_loses_power(verb, least):
    none_wrong(power_verbs.lose_power(verb_of(verb)), least)


@pytest.mark.parametrize("name", ["put", "unlock"])
def test_a_broker_that_is_refused(name):
    none_wrong(refuse.refuse_everywhere(operation(name), 10, short=False), 8)


def test_programs_that_are_refused():
    with programs.home() as h:
        for case in programs.CASES:
            if case.name in ("unlock", "get", "ccrun, preload", "ccrun-statusline"):
                none_wrong(programs.refuse_case(h, case, 60), 2)


def test_a_relay_that_is_refused():
    none_wrong(relays.refuse_relay(30), 5)


@pytest.mark.skipif(not (helpers.HELPERS / "ccrun-keyring").exists(), reason="built without ccrun-keyring")
def test_a_helper_that_was_killed_is_named():
    with TracedHome() as h, SecretService(h) as s:
        h.plain_env.update(s.env)
        h.init()
        assert h.ccctl("slot", "add", "keyring").rc == 0
        h.ccctl("lock")
        r, end, _ = h.traced(lambda h: h.ccctl("unlock", "--keyring"), ("kill", "ccrun-keyring", "all", 100))
        assert end.hit != "-" and r.rc != 0 and "ccrun-keyring was ended by a signal (Killed)" in r.err, r
        assert h.ccctl("unlock", "--keyring").rc == 0


@pytest.mark.parametrize("kind, step", [("ccrun-keyring", 150), ("ccrun-tpm2", 60), ("ccrun-logind", 900), ("ccrun-usage", 60)])
def test_a_helper_that_is_refused(kind, step):
    if not (helpers.HELPERS / kind).exists():
        pytest.skip(f"built without {kind}")
    none_wrong(helpers.refuse_helper(kind, step, step - 1), 3)


def test_reads_and_writes_of_half():
    with programs.home(True) as h:
        for case in programs.CASES:
            if case.name in ("add", "ccrun, preload", "ccrun-source"):
                none_wrong(programs.shorten_case(h, case, 8), 2)
    none_wrong(relays.shorten_relay(8), 2)
    none_wrong(helpers.shorten_helper("ccrun-usage", 9), 2)


# ---- that these could fail ---------------------------------------------

def test_a_file_that_was_not_synced_may_be_empty():
    where = room("ccp-")
    disk = Disk(where)
    for line in (f"open\t{where}/new\tx-", f"write\t1:1\t{where}/new\t0\t6162", f"rename\t{where}/new\t{where}/it"):
        assert disk.take(line)
    found = [tree.get(f"{where}/it") for _, tree in disk.trees()]
    assert None in found and b"" in found and b"a" in found and b"\0\0" in found and b"ab" in found
    disk.take(f"sync\t1:1\t{where}/new\t0")
    disk.take(f"sync\t1:2\t{where}\t0")
    where.rmdir()


def test_a_disk_says_nothing_of_another_one():
    one, other = room("ccp-"), room("ccp-")
    disks = Disks(Disk(one), Disk(other))
    for where, n in ((one, 1), (other, 2)):
        assert disks.take(f"open\t{where}/new\tx-")
        assert disks.take(f"write\t{n}:1\t{where}/new\t0\t6162")
    for what in (f"2:1\t{other}/new", f"2:2\t{other}"):
        disks.take(f"sync\t{what}\t0")
    found = {(tree.get(f"{one}/new"), tree.get(f"{other}/new")) for _, tree in disks.trees()}
    assert (None, b"ab") in found and (b"ab", b"ab") in found and {b for _, b in found} == {b"ab"}
    one.rmdir()
    other.rmdir()


def test_a_kill_meets_the_call_that_was_asked_for():
    op = operation("put")
    world = crash.make_world(op)
    with TracedBroker(world) as b:
        assert not crash.broken_off(b, op, ("kill", b.pid), at=1, name="renameat")
        assert b.tracer.stop().hit == "renameat"
        assert b.finish().signal == 9
