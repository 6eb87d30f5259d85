"""Fixtures of the end-to-end tests: an endpoint, a world with ccrun, a token."""
import os
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


@pytest.fixture(scope="module")
def machine():
    """A machine with room for a system broker; this process lives on it meanwhile."""
    if os.geteuid() != 0:
        pytest.skip("needs root: several users, and a broker of another one")
    from system_broker import Machine  # pylint: disable=import-outside-toplevel
    try:
        m = Machine().__enter__()
    except PermissionError as e:
        pytest.skip(str(e))
    yield m
    m.leave()


@pytest.fixture
def system(machine):
    """The same, and nobody has anything on it yet."""
    machine.clean()
    return machine
