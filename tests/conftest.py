"""The fixtures that more than one subject uses.  pytest.ini puts tests/lib, whose
programs and modules they are made of, on the path."""
import os

import pytest

import canary
from ccrun import Ccrun
from client import LOGIN, reap_orphans
from endpoint import Endpoint, Text
from wire_client import Broker


# A worker has a whole file; these take longest (make test's log says which do).
LONGEST = ("test_protocol_model.py", "test_torture.py", "test_protocol.py", "test_logind.py", "test_keyring.py",
           "test_tpm2.py", "test_ccctl.py", "test_provider_files.py", "test_preload.py", "test_client_children.py",
           "test_client_callers.py", "test_import_scrub.py", "test_files.py", "test_recovery.py", "test_examples.py")


CLIENTS = ".cache/ccrun/clients"


def pytest_collection_modifyitems(config, items):
    """The longest files first, so that no worker is left with one of them at the end."""
    for asked in ("long", "package", "vm", "arm64", "booted", "mixture"):
        if asked not in config.option.markexpr:
            items[:] = [item for item in items if not item.get_closest_marker(asked)]
    rank = {name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


REAP_EVERY = 16  # tests; a look at all processes takes as long as a quick test


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    """What a test's brokers and relays left behind has ended, and came to this process."""
    item.session.ended = getattr(item.session, "ended", 0) + 1
    if item.session.ended % REAP_EVERY == 0:
        reap_orphans()


@pytest.fixture(scope="session")
def ordinary_user():
    """For tests of what an ordinary user's other processes cannot do: root can."""
    if os.geteuid() == 0:
        pytest.fail("run these tests as an ordinary user", pytrace=False)


@pytest.fixture
def token():
    """A random token: any 12 characters of it in a wrong place are a leak."""
    return canary.new_token()


@pytest.fixture
def ep():
    """A loopback endpoint that speaks the Messages API."""
    with Endpoint(default=Text("hello from loopback")) as endpoint:
        yield endpoint


@pytest.fixture
def c(ep):
    """A world with ccrun in it, and no vault yet."""
    with Ccrun(ep) as world:
        yield world


@pytest.fixture(scope="session")
def tried():
    """What a start of ccrun finds out of the client, as it keeps it; that takes a second."""
    with Endpoint(default=Text("hello from loopback")) as endpoint, Ccrun(endpoint, delivery="relay") as world:
        world.demo()
        world.ready(canary.new_token())
        r = world.ccrun("demo", "-p", "hello")
        assert r.rc == 0, r
        return (world.home / CLIENTS).read_text()


@pytest.fixture
def known_client(tried):
    """A function that tells a world what its first start would find out of the client."""
    def tell(world):
        world.write(CLIENTS, tried).parent.chmod(0o700)
    return tell


@pytest.fixture
def relay_world(ep, known_client):
    """The same as c, where providers go as they ship, by relay, and the client is known."""
    with Ccrun(ep, delivery=None) as world:
        known_client(world)
        yield world


@pytest.fixture
def relay_with_login(relay_world, token):
    """The same with provider demo and its key in an open vault; the user has a login, too."""
    relay_world.demo()
    relay_world.ready(token)
    relay_world.login(LOGIN)
    return relay_world


@pytest.fixture
def ready(c, token):
    """The same with provider demo at the endpoint, and its key in an open vault."""
    c.demo()
    c.ready(token)
    return c


@pytest.fixture
def fresh():
    """A ccbroker by itself, spoken to in its own protocol; no vault yet."""
    with Broker() as b:
        yield b


@pytest.fixture
def broker(fresh, request):
    """The same with an open vault, and the module's TOKEN in it as zai."""
    fresh.init()
    fresh.put("zai", request.module.TOKEN)
    return fresh


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
