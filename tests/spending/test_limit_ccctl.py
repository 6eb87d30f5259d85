"""ccctl limit and ccctl spent, as people and scripts meet them."""
import json
import types

import pytest

import wire_client as wc
from ccrun import CCCTL, PASSPHRASE
from client import until
from locking import Locking
from relay_broker import Provider
from relayed import Session, origin_of
from vault_reader import derive, inspect


@pytest.fixture
def w():
    with Locking() as world:
        world.keys(demo={})
        yield world


def raw(w):
    """The world's broker, as relayed.py wants one."""
    slot, = inspect((w.data / "ccrun/vault").read_bytes())["slots"]
    person = wc.Person(slot["id"], derive(slot, PASSPHRASE.encode()))
    return types.SimpleNamespace(connect=lambda: wc.Client(w.runtime / "ccrun/broker.sock", person=person))


def spend(w, project, model="m", times=1):
    """One session of the entry work, by relay."""
    with Provider() as provider:
        with raw(w).connect() as c:
            c.call("put", name="work", token=b"a-token-of-some-length", policy="delivery=relay",
                   origin=origin_of(provider), variable=wc.VARIABLE, replace=True)

        def child():
            with Session(raw(w), provider, "work", project=project) as s:
                return [s.post(b'{"model":"%s"}' % model.encode()).status for _ in range(times)]
        before = total(w)
        assert wc.in_child(child, timeout=30) == [200] * times
        until(lambda: total(w) == before + times, what="the numbers")


def total(w):
    return sum(r["requests"] for r in w.json("spent")["rows"])


def test_a_limit_is_set_and_shown(w):
    assert w.ok("limit", "demo").out.startswith("limit of demo: off\n")
    assert w.ok("limit", "demo", "5M/day", "$10/day").err == "ccctl: limit of demo: 5M tokens a day, $10 a day\n"
    shown = w.ok("limit", "demo").out
    assert shown.startswith("limit of demo: 5M tokens a day, $10 a day\n\nUSED IN")
    day = next(line for line in shown.splitlines() if line.startswith("day"))
    assert "0 of 5M" in day and "$0 of $10" in day
    assert max(map(len, shown.splitlines())) <= 80
    said = w.json("limit", "demo")
    assert said["limit"] == "5M/day $10/day"
    assert [x["period"] for x in said["windows"]] == ["hour", "day", "week", "month"]
    assert w.json("keys")[0]["policy"].endswith("limit=5M/day,$10/day")


@pytest.mark.parametrize("words, says", [
    (["limit", "demo", "5M"], "a period is missing"),
    (["limit", "demo", "0/day"], "quote it: '$10/day'"),  # what a shell makes of $10/day
    (["limit", "demo", "/day"], "quote it: '$10/day'"),
    (["limit", "demo", "5M/day", "4M/day"], "one limit each"),
    (["limit", "--json", "demo", "5M/day"], "sets none"),
    (["spent", "--by", "moon"], "--by is"),
    (["spent", "--since", "yesteryear"], "--since is a day"),
    (["spent", "more"], ""),
])
def test_usage(w, words, says):
    r = w.ccctl(*words)
    assert r.rc == 2 and says in r.err, r


def test_what_a_new_limit_takes_the_place_of_is_said(w):
    w.ok("limit", "demo", "2/hour")
    said = w.ok("limit", "demo", "1/hour").err
    assert said == "ccctl: limit of demo: 1 request an hour (before: 2 requests an hour)\n"
    with w.screen([CCCTL, "limit", "demo", "3000/day"], columns=110) as s:
        s.wait("the limit of demo is 1 request an hour; what allows more wants you: a passphrase or recovery code\n(.*\n)?Passphrase")
        s.send(PASSPHRASE + "\r")
        s.wait(r"limit of demo: 3000 requests a day \(before: 1 request an hour\)")


def test_all_limits(w):
    assert "no key has a limit" in w.ok("limit").err
    assert w.json("limit") == [{"name": "demo", "limit": None}]
    w.ok("limit", "demo", "200/hour", "$10/day")
    assert w.ok("limit").out.splitlines() == [
        "NAME  LIMIT                            USED", "demo  $10 a day, 200 requests an hour  $0 of $10, 0 of 200"]
    assert w.json("limit") == [{"name": "demo", "limit": "$10/day 200/hour"}]


def test_a_limit_of_nothing(w):
    r = w.ccctl("limit", "nobody", "5M/day")
    assert r.rc == 4 and "no entry 'nobody'" in r.err


def test_the_files_and_a_limit_do_not_differ(w):
    """A limit is a person's own: ccctl list and approve do not miss it in the files."""
    w.ok("limit", "demo", "5M/day")
    assert next(p for p in w.json("list") if p["name"] == "demo")["key"] == "stored"
    w.ok("approve", "demo")
    assert w.json("limit", "demo")["limit"] == "5M/day"


def test_with_a_limit_a_launch_needs_the_relay(w):
    w.ok("limit", "demo", "5M/day")
    r = w.ccrun("--exec", "/bin/sh", "demo", "-c", "true")
    assert r.rc == 125 and "has a limit" in r.err, r


def test_spent(w):
    r = w.ok("spent")
    assert r.out.startswith("counted since ") and "nothing was used" in r.err
    spend(w, "/home/me/first", "one", times=2)
    spend(w, "/home/me/" + "deep/" * 30 + "second", "two")
    table = w.ok("spent").out
    assert max(map(len, table.splitlines())) <= 80
    assert [line.split()[:2] for line in table.splitlines()[:2]] == [["PROVIDER", "REQUESTS"], ["work", "3"]]
    projects = w.ok("spent", "--by", "project").out
    assert max(map(len, projects.splitlines())) <= 80
    assert "/home/me/first" in projects and "…" in projects and "/second" in projects
    assert "total" in projects
    said = w.json("spent", "--by", "project")
    assert {(r["project"].rsplit("/", 1)[1], r["requests"]) for r in said["rows"]} == {("first", 2), ("second", 1)}
    assert len(w.json("spent", "--by", "session")["rows"]) == 2
    assert len(w.json("spent", "--by", "day", "--since", "today")["rows"]) == 1
    assert w.json("spent", "--since", "2199-01-01")["rows"] == []
    # no price: nobody makes one up
    assert "3 answers without a price: their cost is not known" in table
    assert all(r["cost_micros"] == 0 and r["unpriced"] for r in said["rows"])


def test_spent_while_locked_and_after_a_restart(w):
    spend(w, "/p")
    w.ok("lock")
    assert total(w) == 1
    w.end_broker()
    assert total(w) == 1


def test_a_damaged_file_is_said(w):
    spend(w, "/p")
    w.end_broker()
    path = w.data / "ccrun/spending"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "a damaged file of numbers was set aside" in w.ok("spent").out
    assert json.loads(w.ok("spent", "--json").out)["damaged"]
    assert path.with_name("spending.damaged").exists()


def test_the_status_line_shows_it(w):
    w.write(w.config / "ccrun/ccrun.conf", "[statusline]\nparts = spent\n")
    w.file("work")

    def line():
        env = {"CCRUN_PROVIDER": "work", "NO_COLOR": "1"}
        r = w.run([CCCTL.with_name("ccrun-statusline")], env=env, input="{}")
        assert r.rc == 0 and not r.err, r
        return r.out.strip()
    assert "today" not in line()
    spend(w, "/p")
    assert line().endswith(" today")
    w.ok("limit", "work", "3/day", "9M/day")
    assert line() == "1 of 3/day"
    w.ok("lock")
    assert line().endswith(" today")
