"""Limits and the calendar: midnight, and clocks that are set.  The broker's clock is the
test's."""
import time

import pytest

import wire_client as wc
from client import until
from relay_broker import Provider
from relayed import Session, sealed

DAY = 86400


@pytest.fixture
def b():
    with wc.Broker() as broker:
        broker.init()
        yield broker


@pytest.fixture
def provider(b):
    with Provider() as p:
        sealed(b, p)
        yield p


def set_wall(b, seconds):
    """The broker's calendar is so many seconds ahead of the real one."""
    new = b.root / "state/ccrun/wall.new"
    new.write_text(str(int(seconds)))
    new.rename(b.root / "state/ccrun/wall")


def post(b, provider):
    before = requests(b)

    def child():
        with Session(b, provider) as s:
            return s.post().status
    status = wc.in_child(child, timeout=30)
    if status == 200:
        until(lambda: requests(b) > before, what="the numbers")
    return status


def requests(b):
    return sum(r["requests"] for r in b.call("spent", **{"from": 0})["rows"])


def day_ends(b):
    return next(w["ends"] for w in b.call("limit", name="zai")["windows"] if w["period"] == "day")


def test_midnight(b, provider):
    b.call("limit-set", name="zai", limit="1/day")
    noon = day_ends(b) - DAY // 2 - time.time()
    set_wall(b, noon)
    assert post(b, provider) == 200
    assert post(b, provider) == 429
    set_wall(b, noon + DAY // 2 - 60)
    assert post(b, provider) == 429
    set_wall(b, noon + DAY // 2 + 60)
    assert post(b, provider) == 200
    assert post(b, provider) == 429
    days = sorted(r["day"] for r in b.call("spent", **{"from": 0})["rows"])
    assert len(days) == 2 and days[0] < days[1]


def test_a_clock_that_goes_forward_and_back_empties_nothing(b, provider):
    b.call("limit-set", name="zai", limit="2/day")
    assert post(b, provider) == 200
    set_wall(b, 400 * DAY)
    assert post(b, provider) == 200
    set_wall(b, 0)
    assert post(b, provider) == 429
    said = [e["why"] for e in b.lines() if e["event"] == "clock"]
    assert len(said) == 2 and "set forward by" in said[0] and "set back by" in said[1]
    # and a restart changes nothing about it
    b.stop()
    b.start()
    b.unlock()
    assert post(b, provider) == 429
