"""Vaults of every version of the format, opened by the broker of today, changed, and opened again; and
those of versions to come, which it leaves as they are."""
import shutil

import pytest

import wire_client as wc
from built import REPO
from ccrun import PASSPHRASE, Ccrun

pytestmark = pytest.mark.usefixtures("ordinary_user")

VECTORS = REPO / "tests/vectors/vault"
TOKEN = b"sk-mixture-0123456789abcdef"
# With a generation that has none after it.
LAST = {"ok-generation-largest.vault"}


def vectors():
    """(file, slot, key, names) of those that a key opens."""
    for line in (VECTORS / "INDEX").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, slot, secret, result, stage, entries = line.split("\t")[:6]
        if result == "ok" and stage == "open" and secret.startswith("key:") and name not in LAST:
            names = [e.split("|")[0] for e in entries.split(";")] if entries != "-" else []
            yield name, int(slot), bytes.fromhex(secret[4:]), names


ROWS = list(vectors())


def version(data):
    return int.from_bytes(data[8:10], "little")


def put_file(b, data):
    b.vault.parent.mkdir(mode=0o700, exist_ok=True)
    b.vault.write_bytes(data)
    b.vault.chmod(0o600)


def names(b):
    return [e["name"] for e in b.call("list", after="")["entries"]]


@pytest.mark.parametrize("name, slot, key, there", ROWS, ids=[row[0] for row in ROWS])
def test_an_older_vault_is_opened_changed_and_opened_again(name, slot, key, there):
    data, b = (VECTORS / name).read_bytes(), wc.Broker()
    put_file(b, data)
    with b:
        b.call("unlock", slot=slot, key=key)
        assert names(b) == there and b.vault.read_bytes() == data, "opening changes nothing"
        b.put("zzz", TOKEN)
        assert version(b.vault.read_bytes()) >= 2
        assert b.vault.with_name("vault.prev").read_bytes() == data
        b.stop()
        b.start()
        b.call("unlock", slot=slot, key=key)
        assert names(b) == [*there, "zzz"]


def test_there_is_one_of_each_version():
    assert {version((VECTORS / row[0]).read_bytes()) for row in ROWS} == {1, 2, 3, 4, 5}


@pytest.fixture
def c():
    with Ccrun() as world:
        world.provider("demo", title="Demo", base_url="https://demo.example.test", auth="bearer", docs="of a test")
        yield world


@pytest.mark.parametrize("name", ["ok-passphrase.vault", "v2-ok-passphrase.vault"])
def test_a_person_opens_an_older_vault(c, name):
    (c.data / "ccrun").mkdir(mode=0o700)
    shutil.copy(VECTORS / name, c.data / "ccrun/vault")
    (c.data / "ccrun/vault").chmod(0o600)
    r = c.unlock(PASSPHRASE)
    assert r.rc == 0 and "(2 keys)" in r.err, r
    assert c.with_passphrase("get", "zai").out == "vector-token-0123456789"
    c.add("demo", TOKEN.decode())
    assert c.ccctl("lock").rc == 0 and c.unlock(PASSPHRASE).rc == 0
    assert c.with_passphrase("get", "zai").out == "vector-token-0123456789" and "demo" in c.ccctl("keys").out


@pytest.mark.parametrize("previous", [False, True])
@pytest.mark.parametrize("name", ["version-6.vault", "version-6-of-other-shape.vault", "flags-1.vault",
                                  "slot-kind-7.vault"])
def test_a_downgrade_is_refused_in_words_and_loses_nothing(c, name, previous):
    """The mend is the newer program; not the vault before it, which has not what was added since."""
    data = (VECTORS / name).read_bytes()
    where = c.data / "ccrun"
    where.mkdir(mode=0o700)
    for leaf in ("vault", "vault.prev")[:1 + previous]:
        (where / leaf).write_bytes(data)
        (where / leaf).chmod(0o600)
    for words in (["unlock"], ["init"]):
        r = c.with_passphrase(*words)
        assert r.rc == 1, r
    for run in (lambda: c.unlock(PASSPHRASE), lambda: c.with_passphrase("get", "demo")):
        r = run()
        assert r.rc != 0 and "hint: " in r.err and ".prev" not in r.err, r
    r = c.unlock(PASSPHRASE)
    assert "not known" in r.err and "hint: it was written by a newer ccrun: update this one" in r.err, r
    assert c.ccrun("--exec", "/bin/true", "demo").rc == 125
    assert {p.name: p.read_bytes() for p in where.iterdir() if p.name.startswith("vault") and p.name != "vault.lock"} \
        == {leaf: data for leaf in ("vault", "vault.prev")[:1 + previous]}
