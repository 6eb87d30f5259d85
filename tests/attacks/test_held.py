"""A program of a session keeps its client from ending with the terminal window, by stopping it or
by having it wait for something, so as to go on with the session's ticket: that session is as one
that a person ended.  Who runs without a terminal, or is stopped on one, goes on.

Run it as an ordinary user: what it looks at is meaningless for root."""
import pytest

import wire_client as wc
from client import until
from relay_broker import Provider
from relayed import sealed
from windowed import NESTED, Windowed

pytestmark = pytest.mark.usefixtures("ordinary_user")

LOOK = 10  # seconds between two looks of a broker, and to end in (broker/held.h)


@pytest.fixture
def b():
    with wc.Broker() as broker:
        broker.init()
        yield broker


@pytest.fixture
def provider(b):
    with Provider() as there:
        sealed(b, there, policy=NESTED)
        yield there


def inside(b, provider, outer):
    return Windowed(b, provider, window=False, ticket=outer.ticket)


def status(session):
    return session.post()[0]


def later(b, looks=1):
    (b.root / "state/ccrun/clock").write_text(str((LOOK + 1) * 1000 * looks))


def ends_of(b):
    return [(e["session"], e["result"], e.get("why")) for e in b.lines() if e["event"] == "session-end"]


def by_time(b, provider, outer, inner):
    later(b)
    until(lambda: status(inner) != 200, what="the end of the session inside")


def by_ticket(b, provider, outer, inner):
    with pytest.raises(wc.Refused) as e:
        inside(b, provider, outer)
    assert (e.value.error, "has ended" in str(e.value)) == ("marked", True)


def by_value(b, provider, outer, inner):
    """Its relay wants the key again."""
    b.call("lock")
    b.unlock()
    assert status(inner) != 200


@pytest.mark.parametrize("seen", [by_time, by_ticket, by_value])
def test_a_client_that_is_held_when_its_window_is_closed(b, provider, seen):
    with Windowed(b, provider) as outer, inside(b, provider, outer) as inner:
        assert (status(outer), status(inner)) == (200, 200)
        outer.stop()
        outer.close()
        assert outer.stat() == ("T", 0)
        seen(b, provider, outer, inner)
        asked = len(provider.requests)
        again, said = inner.post()
        assert again != 200 and "ended" in said
        with pytest.raises(wc.Refused) as e:
            inside(b, provider, outer)
        assert e.value.error == "marked"
        assert {s["id"]: s["ended"] for s in b.call("sessions", after=0)["sessions"]} == {outer.id: True, inner.id: True}
        assert len(provider.requests) == asked
        assert ends_of(b) == [(outer.id, "done", "its process is stopped, and its terminal is gone")]


@pytest.mark.parametrize("seen", [by_time, by_ticket, by_value])
def test_a_client_that_waits_when_its_window_is_closed(b, provider, seen):
    """It has the signal, and would save and end: it waits in open(2) of a FIFO, say."""
    with Windowed(b, provider) as outer, inside(b, provider, outer) as inner:
        assert (status(outer), status(inner)) == (200, 200)
        outer.close()
        with inside(b, provider, outer) as another:  # it has its time
            assert (status(another), status(inner)) == (200, 200)
        assert outer.stat() == ("S", 0)
        assert ends_of(b) == []
        if seen != by_time:
            (b.root / "state/ccrun/clock").write_text(str((LOOK + 1) * 1000))
        seen(b, provider, outer, inner)
        asked = len(provider.requests)
        for one in (outer, inner):
            again, said = one.post()
            assert again != 200 and "ended" in said
        with pytest.raises(wc.Refused) as e:
            inside(b, provider, outer)
        assert e.value.error == "marked"
        assert len(provider.requests) == asked
        assert ends_of(b) == [(outer.id, "done", "its process has not ended, and its terminal is gone")]


def test_one_that_never_asks_again_ends_by_looks_alone(b, provider):
    with Windowed(b, provider) as outer:
        outer.close()
        for looks in (1, 2):
            later(b, looks)
            until(lambda: looks == 1 or ends_of(b), what="the end")
            b.call("sessions", after=0)
        assert status(outer) != 200


def test_one_inside_that_is_held_ends_alone(b, provider):
    with Windowed(b, provider) as outer, Windowed(b, provider, ticket=outer.ticket) as inner:
        inner.stop()
        inner.close()
        later(b)
        until(lambda: ends_of(b), what="its end")
        assert [e[0] for e in ends_of(b)] == [inner.id]
        assert status(outer) == 200
        with inside(b, provider, outer) as another:
            assert status(another) == 200


def goes_on(b, provider, outer, inner):
    for looks in (1, 2):
        later(b, looks)
        b.call("lock")
        b.unlock()
        assert status(inner) == 200
    with inside(b, provider, outer) as another:
        assert status(another) == 200
    assert ends_of(b) == []


def test_one_that_runs_without_its_terminal_goes_on(b, provider):
    with Windowed(b, provider, nohup=True) as outer, inside(b, provider, outer) as inner:
        outer.close()
        assert outer.stat()[1] == 0
        goes_on(b, provider, outer, inner)
        assert status(outer) == 200


def test_one_that_was_begun_in_the_background_goes_on(b, provider):
    """The shell sent it no signal: it was disowned, or the person left the shell by exit."""
    with Windowed(b, provider, background=True) as outer, inside(b, provider, outer) as inner:
        outer.close()
        assert outer.stat() == ("S", 0)
        goes_on(b, provider, outer, inner)
        assert status(outer) == 200


def test_one_that_left_its_terminal_by_itself_goes_on(b, provider):
    with Windowed(b, provider) as outer, inside(b, provider, outer) as inner:
        outer.leave()
        assert outer.stat() == ("S", 0)
        goes_on(b, provider, outer, inner)
        outer.close()
        assert status(outer) == 200


def test_one_that_is_stopped_on_its_terminal_goes_on(b, provider):
    with Windowed(b, provider) as outer, inside(b, provider, outer) as inner:
        outer.stop()
        assert outer.stat()[1] != 0
        goes_on(b, provider, outer, inner)
        outer.go_on()
        assert status(outer) == 200


def test_one_that_never_had_a_terminal_goes_on(b, provider):
    with Windowed(b, provider, window=False) as outer, inside(b, provider, outer) as inner:
        outer.stop()
        assert outer.stat() == ("T", 0)
        goes_on(b, provider, outer, inner)
