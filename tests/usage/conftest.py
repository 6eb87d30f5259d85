"""ccrun-usage, a quota server, and a machine where that has any name."""
import os

import pytest

from client import World
from quota_server import QuotaServer
from usage import TlsMachine, Usage


@pytest.fixture
def world():
    with World() as w:
        yield w


@pytest.fixture
def server():
    with QuotaServer() as s:
        yield s


@pytest.fixture
def usage(world):
    with Usage(world) as u:
        yield u


@pytest.fixture
def ask(usage, server, token):
    """One fetch of deepseek's; put() says what came of it."""
    usage.start("deepseek")

    def fetch():
        usage.fetch("bearer " + server.url + "/anthropic", token)
        return usage.put()
    return fetch


@pytest.fixture
def tls_machine(world, usage):
    """start(kind, entry, host, ...): the worker on a TlsMachine, which is returned."""
    if not TlsMachine.possible():
        pytest.skip("needs root and namespaces: other name and certificate files")
    machines = []

    def start(kind, entry, host, **kw):
        machine = TlsMachine(world, host, **kw)
        machines.append(machine)
        fd = os.pidfd_open(usage.session.pid)
        machine.start(["bash", "-c", f'exec "$@" 3<&{fd} {fd}<&-', "bash", *usage.words(kind, entry)], [fd])
        os.close(fd)
        return machine.requests
    yield start
    for machine in machines:
        machine.__exit__()
