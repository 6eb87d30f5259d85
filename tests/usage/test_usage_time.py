"""Quota numbers and time: how often they are fetched, when they are stale, and
that fetching keeps no vault open.  The broker's clock is the test's."""
import pytest

import wire_client as wc
from locking import Locking

ITEMS = [{"label": "5h", "percent": 100}]


@pytest.fixture
def w():
    with Locking() as world:
        world.keys(demo={})
        yield world


class Worker:
    """A connection of a worker in this process, which stays undumpable."""

    def __init__(self, w):
        self.w = w
        self.c = wc.Client(str(w.runtime / "ccrun/broker.sock"))
        self.c.call("hello")

    def next(self):
        """Wait for its turn.  After the status the broker has heard it: the clock may go on."""
        self.c.send(wc.request("usage-next", name="demo"))
        self.w.status()

    def asked(self, timeout=1.5):
        """Was it told to fetch?  A sweep is half a second."""
        self.c.sock.settimeout(timeout)
        try:
            return "token" in wc.unpack(self.c.recv())
        except TimeoutError:
            return False

    def put(self, **fields):
        assert self.c.call("usage-put", **fields)["ok"]

    def look(self):
        with wc.Client(str(self.w.runtime / "ccrun/broker.sock")) as c:
            return c.call("usage", name="demo")


def run(w, function):
    """function(worker) in a process that is as a worker is."""
    def child():
        wc.undumpable()
        return function(Worker(w))
    return wc.in_child(child, timeout=60)


def test_once_a_minute_and_only_when_wanted(w):
    def go(k):
        k.next()
        first = k.asked(8)
        k.put(items=ITEMS)
        k.look()
        k.next()
        soon = k.asked()
        w.advance(50)
        almost = k.asked()
        w.advance(10)
        wanted = k.asked(8)  # k.look() above asked for them
        k.put(items=ITEMS)
        k.next()
        w.advance(3600)
        unwanted = k.asked()
        k.look()
        return first, soon, almost, wanted, unwanted, k.asked(8)
    assert run(w, go) == (True, False, False, True, False, True)


def test_who_waits_may_be_silent_whatever_else_it_asked(w):
    def go(k):
        k.next()
        k.asked(8)
        k.put(items=ITEMS)
        k.next()
        again = k.c.ask("usage-next", name="demo")["error"]
        w.advance(40)
        soon = k.asked()
        k.look()
        w.advance(40)
        return again, soon, k.asked(8)
    assert run(w, go) == ("in-use", False, True)


def test_stale_after_two_minutes(w):
    def go(k):
        k.next()
        k.asked(8)
        k.put(items=ITEMS)
        fresh = k.look()
        k.next()
        w.advance(55)
        w.advance(55)
        still = k.look()
        k.asked(8)  # and it takes a while to answer
        w.advance(11)
        return [(x["state"], x["age"]) for x in (fresh, still, k.look())]
    (fresh, a), (still, b), (stale, c) = run(w, go)
    assert (fresh, still, stale) == ("fresh", "fresh", "stale")
    assert a <= 2 and 110 <= b <= 119 and 121 <= c


def test_a_back_off_is_kept(w):
    def go(k):
        k.next()
        k.asked(8)
        k.put(error="rate-limited", retry=300)
        state = k.look()
        k.next()
        w.advance(298)
        early = k.asked()
        w.advance(3)
        return state["state"], state["error"], early, k.asked(8)
    assert run(w, go) == ("error", "rate-limited", False, True)


def test_last_numbers_stay_when_a_try_fails(w):
    def go(k):
        k.next()
        k.asked(8)
        k.put(items=ITEMS)
        k.look()
        k.next()
        w.advance(61)
        k.asked(8)
        k.put(error="network")
        x = k.look()
        return x["state"], x["error"], x["items"]
    assert run(w, go) == ("stale", "network", ITEMS)


def test_fetching_does_not_keep_the_vault_open(w):
    w.ok("settings", "idle=15m")

    def go(k):
        k.next()
        for _ in range(13):
            if not k.asked(8):
                return "not asked"
            k.put(items=ITEMS)
            k.look()
            k.next()
            w.advance(65)
        w.advance(56)
        return w.status()["state"]
    assert run(w, go) == "locked"


def test_a_worker_that_owes_numbers_is_dropped(w):
    def go(k):
        k.next()
        k.asked(8)
        w.advance(61)
        k.c.sock.settimeout(8)
        answers = []
        try:
            while True:
                answers.append(wc.unpack(k.c.recv())["error"])
        except (wc.Closed, ConnectionError):
            return answers
    assert run(w, go) == ["timeout"]
