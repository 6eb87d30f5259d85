"""The real client when its limit is reached."""
import pytest

from client import until
from endpoint import Bash, Text


@pytest.fixture
def relayed(c, token):
    c.demo(policy={"delivery": "relay"})
    c.ready(token)
    return c


def test_a_limit_ends_the_work_of_a_client_in_the_middle(relayed, ep):
    """The client says which limit it was and when it ends, and does not try for hours."""
    assert relayed.ccctl("limit", "demo", "2/day").rc == 0
    ep.script = [Bash(f"echo {n}") for n in range(5)] + [Text("all done")]
    r = relayed.ccrun("demo", "-p", "go", "--allowedTools", "Bash", timeout=90)
    assert r.rc != 0 and "all done" not in r.out, r
    assert "the limit of 'demo' is reached: 2 of 2 requests a day used, until" in r.out + r.err, r
    assert len(ep.main) <= 2
    spent = relayed.ccctl("spent", "--by", "project")
    assert str(relayed.cwd)[-20:] in spent.out, spent


def test_what_the_client_used_is_counted(relayed, ep):
    r = relayed.ccrun("demo", "-p", "hello")
    assert r.rc == 0, r
    until(lambda: "demo" in relayed.ccctl("spent").out, what="the numbers")
    assert "estimate" not in relayed.ccctl("spent").out
