"""A program of a session keeps its client from ending with the terminal window, by stopping it, so
as to go on with the session's ticket: that session is as one that a person ended.  Who runs
without a terminal, or is stopped on one, goes on.

Run it as an ordinary user: what it looks at is meaningless for root."""
import pytest

import wire_client as wc
from client import until
from relay_broker import Provider
from relayed import sealed
from windowed import NESTED, Windowed

pytestmark = pytest.mark.usefixtures("ordinary_user")

LOOK = 10  # seconds between two looks of a broker (broker/held.h)


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
