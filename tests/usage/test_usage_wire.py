"""Quota numbers over the wire (docs/PROTOCOL.md): usage-next, usage-put, usage.

What only time does is in test_usage_time.py, with a clock that can be moved."""

import pytest

import canary
import wire_client as wc
from client import until
from wire_client import Broker, Refused, in_child, mark, undumpable

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
ITEMS = [{"label": "5h", "percent": 2350, "reset": 1795344000},
         {"label": "bal", "amount": "-12.50", "currency": "USD"}]


def worker(b, *steps, name="zai", **more):
    """What the answers are to usage-next and then each step, (op, fields), in a
    process that is as a worker is."""
    undumpable()
    with b.connect() as c:
        c.call("hello")
        ask = {"own": True} if name is None else {"name": name}
        answers = [c.ask("usage-next", **ask, **more)]
        for op, fields in steps:
            answers.append(c.ask(op, **fields))
        return answers


def shown(b, name="zai", **more):
    return b.call("usage", name=name, **more)


def usages(b):
    return [(e["result"], e.get("entries")) for e in b.lines() if e["event"] == "usage"]


# ---- the whole way -----------------------------------------------------

def test_the_worker_gets_the_key_and_the_sealed_origin(broker):
    assert shown(broker) == {"v": 1, "ok": True, "state": "none", "items": []}
    got, = in_child(worker, broker)
    assert got == {"v": 1, "ok": True, "fetch": True, "origin": wc.ORIGIN, "token": TOKEN.encode()}
    assert usages(broker) == [("granted", "zai")]


def test_numbers_come_through(broker):
    def run():
        answer = worker(broker, ("usage-put", {"items": ITEMS}))[1]
        return answer
    assert in_child(run) == {"v": 1, "ok": True}
    # The worker has ended: they are the last ones that are known.
    assert shown(broker) == {"v": 1, "ok": True, "state": "stale", "age": 0, "items": ITEMS}


def test_a_session_reads_them_and_they_are_fresh_while_somebody_fetches(broker):
    def run():
        undumpable()
        with broker.connect() as c:
            c.call("hello")
            c.call("usage-next", name="zai")
            waiting = shown(broker)
            c.call("usage-put", items=ITEMS)
            return waiting, in_child(lambda: [mark(), shown(broker)][1])
    waiting, fresh = in_child(run)
    assert waiting == {"v": 1, "ok": True, "state": "waiting", "items": []}
    assert fresh == {"v": 1, "ok": True, "state": "fresh", "age": 0, "items": ITEMS}


def test_an_error_is_told(broker):
    def run():
        undumpable()
        with broker.connect() as c:
            c.call("hello")
            c.call("usage-next", name="zai")
            c.call("usage-put", error="rate-limited", retry=300)
            return shown(broker)
    assert in_child(run) == {"v": 1, "ok": True, "state": "error", "error": "rate-limited", "items": []}


def test_the_subscription_needs_no_vault():
    with Broker() as b:
        got = in_child(lambda: worker(b, ("usage-put", {"items": ITEMS}), name=None))
        assert got == [{"v": 1, "ok": True, "fetch": True}, {"v": 1, "ok": True}]
        assert shown(b, "claude", own=True)["items"] == ITEMS
        assert [e["event"] for e in b.lines()] == ["start"]


def test_the_subscription_is_no_entry_of_that_name(broker):
    broker.put("claude", TOKEN)
    in_child(lambda: worker(broker, ("usage-put", {"items": ITEMS[:1]}), name="claude"))
    assert shown(broker, "claude", own=True)["state"] == "none"
    in_child(lambda: worker(broker, ("usage-put", {"items": ITEMS[1:]}), name=None))
    assert shown(broker, "claude")["items"] == ITEMS[:1]
    assert shown(broker, "claude", own=True)["items"] == ITEMS[1:]


def test_two_subscriptions_are_two():
    with Broker() as b:
        def run(name, items):
            undumpable()
            with b.connect() as c:
                c.call("hello")
                c.call("usage-next", own=True, name=name)
                return c.call("usage-put", items=items)["ok"]
        assert in_child(run, "claude", ITEMS[:1]) and in_child(run, "claude-work", ITEMS[1:])
        assert shown(b, "claude", own=True)["items"] == ITEMS[:1]
        assert shown(b, "claude-work", own=True)["items"] == ITEMS[1:]
        assert shown(b, "claude-work")["state"] == "none"


# ---- waiting -----------------------------------------------------------

def hears_nothing(c, seconds=1.2):
    c.sock.settimeout(seconds)
    try:
        return c.recv()
    except TimeoutError:
        return None


def test_a_second_worker_waits_and_gets_nothing_while_numbers_are_fresh(broker):
    def run():
        undumpable()
        with broker.connect() as c, broker.connect() as other:
            for x in (c, other):
                x.call("hello")
            c.call("usage-next", name="zai")
            other.send(wc.request("usage-next", name="zai"))
            first = hears_nothing(other)
            c.call("usage-put", items=ITEMS)
            shown(broker)
            return first, hears_nothing(other)
    assert in_child(run) == (None, None)
    assert usages(broker) == [("granted", "zai")]


def test_who_waits_takes_over_from_who_ended(broker):
    def run():
        undumpable()
        with broker.connect() as other:
            with broker.connect() as c:
                c.call("hello")
                c.call("usage-next", name="zai")
                other.call("hello")
                other.send(wc.request("usage-next", name="zai"))
            return wc.unpack(other.recv())
    assert in_child(run)["token"] == TOKEN.encode()


def test_two_wait_and_others_come_again(broker):
    """Each takes one of the connections that sessions of the same user need."""
    def run():
        undumpable()
        with broker.connect() as c, broker.connect() as other, broker.connect() as third:
            for x in (c, other, third):
                x.call("hello")
            c.call("usage-next", name="zai")
            other.send(wc.request("usage-next", name="zai"))
            shown(broker)
            answers = [third.ask("usage-next", name="zai"), third.ask("usage-next", name="zai")]
            other.sock.close()
            until(lambda: shown(broker) and third.send(wc.request("usage-next", name="zai")) is None
                  and not hears_nothing(third), what="a place")
            return answers
    assert in_child(run) == [{"v": 1, "ok": True, "fetch": False, "retry": 60}] * 2
    assert usages(broker) == [("granted", "zai")]


def test_a_locked_vault_is_waited_for(broker):
    broker.call("lock")

    def run():
        undumpable()
        with broker.connect() as c:
            c.call("hello")
            c.send(wc.request("usage-next", name="zai"))
            before = hears_nothing(c)
            broker.unlock()
            c.sock.settimeout(8)
            return before, wc.unpack(c.recv())["token"]
    assert in_child(run) == (None, TOKEN.encode())


def test_fetching_does_not_keep_the_vault_open(broker):
    """usage-next is no use of the vault: the idle time runs on (by the clock:
    test_usage_time.py); here, that use times stay."""
    before = broker.call("list", after="")["entries"]
    in_child(worker, broker, ("usage-put", {"items": ITEMS}))
    assert broker.call("list", after="")["entries"] == before
    assert broker.call("status")["releases"] == 0


def test_an_entry_that_is_gone_brings_nothing(broker):
    def run():
        undumpable()
        with broker.connect() as c:
            c.call("hello")
            c.send(wc.request("usage-next", name="absent"))
            return hears_nothing(c)
    assert in_child(run) is None
    assert usages(broker) == []


# ---- who may -----------------------------------------------------------

def test_a_dumpable_process_gets_no_key(broker):
    with broker.connect() as c:
        c.call("hello")
        with pytest.raises(Refused) as e:
            c.call("usage-next", name="zai")
    assert e.value.error == "posture" and "dumpable" in e.value.message
    assert [e["result"] for e in broker.lines() if e["event"] == "usage-next"] == ["posture"]


@pytest.mark.parametrize("kind", [{}, {"kind": "openrouter"}])
def test_the_key_of_no_provider_has_no_numbers(broker, kind):
    """As `ccctl add --key` seals it: there is nowhere to ask with it."""
    broker.put("spare", TOKEN, origin="unbound")
    got, = in_child(lambda: worker(broker, name="spare", **kind))
    assert got["error"] == "origin" and "token" not in got
    assert "belongs to no provider yet" in got["message"]
    assert usages(broker) == []


def test_a_session_gets_no_key_and_leaves_no_numbers(broker):
    def run():
        mark()
        return [a["error"] for a in worker(broker, ("usage-put", {"items": ITEMS}))]
    assert in_child(run) == ["marked", "marked"]
    assert shown(broker)["state"] == "none"


def test_who_becomes_a_session_while_it_waits_gets_no_key(broker):
    def run():
        undumpable()
        with broker.connect() as other:
            with broker.connect() as c:
                c.call("hello")
                c.call("usage-next", name="zai")
                other.call("hello")
                other.send(wc.request("usage-next", name="zai"))
                mark()
            return wc.unpack(other.recv())
    assert in_child(run)["error"] == "marked"
    assert usages(broker) == [("granted", "zai")]


def test_a_debugger_gets_no_key(broker):
    def run():
        undumpable()
        wc.libc.ptrace(0, 0, 0, 0)
        return worker(broker)
    assert in_child(run)[0]["error"] == "posture"


@pytest.mark.parametrize("first", ["watch", "open"])
def test_one_connection_one_purpose(broker, first):
    def run():
        undumpable()
        with broker.connect() as c:
            c.call("hello")
            c.call(first, **({"kind": "x"} if first == "watch" else wc.open_fields("zai")))
            return c.ask("usage-next", name="zai")["error"]
    assert in_child(run) == "in-use"


def test_a_worker_opens_no_session_and_watches_nothing(broker):
    got = in_child(worker, broker, ("open", wc.open_fields("zai")), ("watch", {"kind": "x"}),
                   ("usage-next", {"name": "zai"}))
    assert [a.get("error") for a in got] == [None, "in-use", "in-use", "in-use"]


def test_sixteen_names_are_watched_at_most(broker):
    def run():
        undumpable()
        held = []
        for i in range(17):
            c = broker.connect()
            held.append(c)
            c.call("hello")
            c.send(wc.request("usage-next", name=f"k{i}"))
        last = wc.unpack(held[-1].recv())
        for c in held:
            c.close()
        return last["error"]
    assert in_child(run) == "busy"
    # Places that nobody watches are given away.
    assert until(lambda: in_child(worker, broker)[0]["ok"], what="a free place")


# ---- what comes in -----------------------------------------------------

BAD = [
    ({}, "wrong-type"),
    ({"items": 3}, "wrong-type"),
    ({"items": [{"label": "5h"}]}, "bad-value"),
    ({"items": [{"percent": 3}]}, "bad-value"),
    ({"items": [{"label": "", "percent": 3}]}, "bad-value"),
    ({"items": [{"label": "l" * 9, "percent": 3}]}, "bad-value"),
    ({"items": [{"label": "a b", "percent": 3}]}, "bad-value"),
    ({"items": [{"label": "a\x1b[31m", "percent": 3}]}, None),
    ({"items": [{"label": "5h", "percent": 1000001}]}, "bad-value"),
    ({"items": [{"label": "5h", "percent": -1}]}, "wrong-type"),
    ({"items": [{"label": "5h", "percent": 1.5}]}, "wrong-type"),
    ({"items": [{"label": "b", "amount": "1e9"}]}, "bad-value"),
    ({"items": [{"label": "b", "amount": "1" * 17}]}, "too-large"),
    ({"items": [{"label": "b", "amount": "1", "currency": "usd"}]}, "bad-value"),
    ({"items": [{"label": "b", "amount": "1", "currency": "U" * 9}]}, "bad-value"),
    ({"items": [{"label": "b", "amount": "1", "reset": "soon"}]}, "wrong-type"),
    ({"items": [{"label": "b", "amount": "1"}] * 9}, "bad-value"),
    ({"error": "worse"}, "bad-value"),
    ({"error": "network", "retry": "x"}, "wrong-type"),
]


def test_what_is_wrong_is_refused_and_may_be_said_again(broker):
    got = in_child(worker, broker, *(("usage-put", fields) for fields, _ in BAD), ("usage-put", {"items": ITEMS}))
    for (fields, want), answer in zip(BAD, got[1:]):
        assert not answer["ok"] and (want is None or answer["error"] == want), (fields, answer)
    assert got[-1]["ok"]


def test_numbers_that_nobody_asked_for_are_refused(broker):
    twice = in_child(worker, broker, ("usage-put", {"items": ITEMS}), ("usage-put", {"items": ITEMS}))
    assert twice[1]["ok"] and twice[2]["error"] == "posture"
    with broker.connect() as c:
        c.call("hello")
        assert c.ask("usage-put", items=ITEMS)["error"] == "posture"


@pytest.mark.parametrize("name", ["", "a b", "../x", "n" * 65])
def test_names(broker, name):
    assert broker.error("usage", name=name) in ("bad-value", "too-large")
