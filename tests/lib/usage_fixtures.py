"""What the tests of ccrun-usage begin with; import the fixtures by name."""
import os

import pytest

import canary
from client import World
from quota_server import QuotaServer
from usage import TlsMachine, Usage

# One documented answer, and what comes of it.
DEEPSEEK = {"is_available": True, "balance_infos": [
    {"currency": "USD", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}]}
BALANCE = [{"label": "bal", "amount": "110.00", "currency": "USD"}]
PATHS = {"openrouter": "/api/v1/key", "zai": "/api/monitor/usage/quota/limit", "deepseek": "/user/balance",
         "moonshot": "/v1/users/me/balance", "minimax": "/v1/api/openplatform/coding_plan/remains",
         "siliconflow": "/v1/user/info"}


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


def memory_is_clean(pid, token):
    found, searched, spared = canary.scan_memory(pid, token, spare_locked=False)
    assert searched + spared > 100_000
    assert not found, found
