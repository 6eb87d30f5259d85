"""What ccctl is like every day: what one has comes first, a narrow terminal is not overrun, a
misspelt name gets its neighbour, times are those of the reader, and who waits is told for what."""
import datetime
import json
import re

import pytest

import canary
from ccrun import CCCTL, PASSPHRASE
from dialogue import answer, done, talk
from screen import Screen
from vault_writer import set_passphrase

WAITS = "ccctl: making the key from the passphrase ..."
ZONE = {"TZ": "Asia/Tokyo"}


def names(r):
    """The first column, without its title."""
    return [line.split()[0] for line in r.out.splitlines()[1:]]


def on_screen(c, *words, columns=80, rows=60, env=None):
    """What stands on a terminal of that width, line by line."""
    with Screen(c, [CCCTL, *words], columns=columns, rows=rows, env=env) as s:
        s.finish()
        return [line for line in s.text().splitlines() if line]


@pytest.fixture
def v(c):
    """An open vault with one key, and a provider of the person's own."""
    c.delivery = None
    c.demo()
    c.init()
    c.add("zai", canary.new_token())
    return c


# ---- what you have first ------------------------------------------------

def test_list_shows_what_you_have_first(v):
    r = v.ccctl("list")
    every = [row["name"] for row in json.loads(v.ccctl("list", "--json").out)]
    assert names(r) == ["zai", "demo"], r
    assert r.err == f"ccctl: {len(every) - 2} more, without a key: ccctl list --all\n"
    whole = v.ccctl("list", "--all")
    assert names(whole)[:2] == ["zai", "demo"] and whole.err == "", whole
    assert sorted(names(whole)) == sorted(every)
    assert json.loads(v.ccctl("list", "--all", "--json").out) == json.loads(v.ccctl("list", "--json").out)


def test_list_of_a_locked_vault_hides_nothing_that_may_have_a_key(v):
    v.ccctl("lock")
    shown = names(v.ccctl("list"))
    rows = {row["name"]: row["key"] for row in json.loads(v.ccctl("list", "--json").out)}
    assert shown[0] == "demo" and set(shown) == {"demo"} | {n for n, key in rows.items() if key == "locked"}
    assert "zai" in shown and "ollama" not in shown


def test_list_before_there_is_anything(c):
    r = c.ccctl("list")
    assert r.rc == 0 and r.out == "" and "none of the " in r.err and "ccctl list --all" in r.err, r


def test_list_shows_a_broken_file_of_yours(c):
    c.overlay("mine", "[provider]\nno-such-key = 1\n")
    assert re.match(r"mine +.*no-such-key", c.ccctl("list").out.splitlines()[1])


# ---- narrow terminals ---------------------------------------------------

@pytest.mark.parametrize("words", [("list",), ("list", "--all"), ("keys",)])
@pytest.mark.parametrize("columns", [60, 80, 132])
def test_a_table_fits_the_terminal(v, words, columns):
    """Each row is one line: none was wrapped."""
    lines = on_screen(v, *words, columns=columns)
    rows = names(v.ccctl(*words))
    table = [line for line in lines if not line.startswith("ccctl: ") and line.split()[0] in rows]
    assert [line.split()[0] for line in table] == rows, lines
    assert any("in vault" in line for line in table) or words == ("keys",)


def test_what_is_left_out_is_what_matters_least(v):
    title = on_screen(v, "list")[0].split()
    assert title[0] == "PROVIDER" and {"KEY", "VERIFIED"} < set(title) and "FROM" not in title, title
    wide = v.ccctl("list").out.splitlines()[0]
    assert wide.split() == "PROVIDER TITLE MODES KEY FROM ENDPOINT VERIFIED LAST USED".split()


@pytest.mark.parametrize("words", [("spent",), ("limit", "zai"), ("sessions",), ("slot", "list")])
def test_other_tables_fit_80_columns(v, words):
    assert v.ccctl("limit", "zai", "500M/month", "$1000/day", "20000/hour").rc == 0
    r = v.ccctl(*words)
    assert r.rc == 0 and all(len(line) <= 80 for line in r.out.splitlines()), r


# ---- a misspelt name ----------------------------------------------------

@pytest.mark.parametrize("words", [("add", "opnrouter"), ("show", "opnrouter"), ("default", "opnrouter"),
                                   ("link", "or", "opnrouter"), ("test", "opnrouter"), ("models", "opnrouter"),
                                   ("approve", "opnrouter")])
def test_a_misspelt_provider_gets_its_neighbour(v, words):
    r = v.ccctl(*words)
    line, hint = r.err.splitlines()
    assert r.rc != 0 and line.count("opnrouter") == 1, r
    assert hint in ("hint: did you mean openrouter?",
                    "hint: did you mean openrouter? ccctl edit opnrouter makes one of your own"), r


@pytest.mark.parametrize("words", [("get", "zia"), ("rm", "zia"), ("limit", "zia"), ("limit", "zia", "5M/day"),
                                   ("show", "zia"), ("confirm", "zia"), ("rename", "zia", "other")])
def test_a_misspelt_entry_gets_its_neighbour(v, words):
    r = v.ccctl(*words)
    assert r.rc != 0 and r.err.endswith("hint: did you mean zai?\n"), r


def test_ccrun_names_the_neighbour(v):
    r = v.ccrun("opnrouter", "-p", "hello")
    assert r.rc == 125 and "did you mean openrouter?" in r.err, r


def test_edit_asks_before_a_misspelt_name_becomes_a_provider(v):
    env = {"EDITOR": "touch edited; false"}
    with Screen(v, [CCCTL, "edit", "opnrouter"], env=env, columns=100) as s:
        s.wait("did you mean openrouter")
        s.wait("make a new provider opnrouter")
        s.send("n\r")
        assert s.finish() != 0
    assert not (v.cwd / "edited").exists()
    with Screen(v, [CCCTL, "edit", "opnrouter"], env=env, columns=100) as s:
        s.wait("make a new provider opnrouter")
        s.send("y\r")
        s.wait("the editor")
    assert (v.cwd / "edited").exists()


# ---- times --------------------------------------------------------------

def test_times_are_those_of_the_reader(v):
    """Nine hours later in Tokyo, in every text; UTC in JSON."""
    line = json.loads(v.ccctl("log", "-n", "1", "--json").out)[0]
    utc = datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
    there = (utc + datetime.timedelta(hours=9)).strftime("%Y-%m-%d %H:%M:%S")
    assert v.ccctl("log", "-n", "1", env=ZONE).out.startswith(there + "  ")
    assert v.ccctl("log", "-n", "1", "--json", env=ZONE).out == v.ccctl("log", "-n", "1", "--json").out
    created = json.loads(v.ccctl("show", "zai", "--json").out)["created"]
    utc = datetime.datetime.fromisoformat(created.replace("Z", "+00:00"))
    there = (utc + datetime.timedelta(hours=9)).strftime("%Y-%m-%d %H:%M")
    assert f"created   {there}\n" in v.ccctl("show", "zai", env=ZONE).out
    for words in (("slot", "list"), ("status",), ("limit", "zai"), ("spent",), ("list",), ("keys",)):
        assert not re.search(r"\dT\d\d:\d\d|\d\dZ", v.ccctl(*words, env=ZONE).out), words


# ---- what takes long ----------------------------------------------------

def costly(v):
    """The vault's passphrase costs as many passes as one may, of 256 MiB."""
    v.ccctl("lock")
    path = v.data / "ccrun/vault"
    path.write_bytes(set_passphrase(path.read_bytes(), PASSPHRASE.encode(), PASSPHRASE.encode(), cost=(16, 256 << 20)))


@pytest.mark.parametrize("words", (("get", "--reveal", "zai"), ("rename", "zai", "other"), ("unlock",)))
def test_a_key_that_takes_long_to_make_finds_the_broker_again(v, words):
    """As on a slow machine: the broker has closed the connection, which was silent for too long."""
    costly(v)
    if words != ("unlock",):
        assert v.with_passphrase("unlock").rc == 0
    p = talk(v, CCCTL, *words)
    answer(p, "Passphrase", PASSPHRASE)
    p.expect(re.escape(WAITS))
    v.write(v.state / "ccrun/clock.new", "40000").rename(v.state / "ccrun/clock")
    assert v.status()  # the broker looks at its clock
    if words[0] == "get":
        answer(p, "Press Enter.*screen", "")
    assert "deadline" not in done(p)


def test_who_waits_for_the_passphrase_is_told_once_on_a_terminal(v):
    costly(v)
    p = talk(v, CCCTL, "unlock")
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    said = done(p)
    assert said.count(WAITS) == 1 and v.status()["state"] == "unlocked", said
    # a program that reads it sees what it always has
    v.ccctl("lock")
    r = v.with_passphrase("unlock")
    assert r.rc == 0 and WAITS not in r.err + r.out, r


def test_what_is_quick_says_nothing(v):
    v.ccctl("lock")
    p = talk(v, CCCTL, "unlock")
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    assert WAITS not in done(p)
