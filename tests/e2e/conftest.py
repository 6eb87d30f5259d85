"""Fixtures of the end-to-end tests: an endpoint, a world with ccrun, a token."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import canary  # noqa: E402
from ccrun import Ccrun  # noqa: E402
from endpoint import Endpoint, Text  # noqa: E402


@pytest.fixture
def token():
    return canary.new_token()


@pytest.fixture
def ep():
    with Endpoint(default=Text("hello from loopback")) as endpoint:
        yield endpoint


@pytest.fixture
def c(ep):
    with Ccrun(ep) as world:
        yield world
