"""The short form of make load: every scenario, smaller."""
import pytest

import crowd
import scenarios
import wire_client as wc

pytestmark = pytest.mark.usefixtures("ordinary_user")


@pytest.mark.parametrize("name, numbers", [
    ("clients", {"count": 16, "seconds": 2}), ("vanishing", {"times": 1}), ("holding", {}),
    ("holding", {"files": 256, "processes": 20}), ("grabbing", {"processes": 2}),
    ("crowded", {"count": 60, "processes": 6}), ("too_many", {"files": 256}), ("slow", {"count": 20}),
    ("storm", {"count": 60}), ("providers", {"sessions": 2})])
def test_bears(name, numbers):
    getattr(scenarios, name)(**numbers)


# ---- that these could fail ---------------------------------------------

def test_a_connection_that_stays_is_seen(monkeypatch):
    monkeypatch.setattr(crowd.world, "until", lambda condition, *_: condition() or pytest.fail("stays", pytrace=False))
    with crowd.room() as b, pytest.raises(pytest.fail.Exception, match="stays"), b.connect() as held:
        crowd.quiet(b, 1)
        with crowd.flat(b):
            held.call("hello")
            more = b.connect()
            more.call("hello")


def test_a_process_that_fails_is_told_of():
    def fails(_):
        raise wc.Closed("it ended")
    with crowd.Process(fails) as process, pytest.raises(AssertionError, match="it ended"):
        process.ready()
