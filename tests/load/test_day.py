"""The short form of a person's day (day.py): fewer acts, and no record that is full."""
import pytest

import day

pytestmark = pytest.mark.usefixtures("ordinary_user")


def test_a_day():
    day.play(rotate=False, pace=0.3)


def test_a_broker_that_is_not_as_the_model_is_seen(monkeypatch):
    monkeypatch.setattr(day, "TTL", 2 * day.HOUR)
    with pytest.raises(AssertionError, match="brief"):
        day.play(rotate=False, pace=0.3)
