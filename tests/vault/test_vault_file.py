"""The vault's file as others see it: opened by an independent reader that was
written from docs/VAULT.md, and damaged in every way, through the real programs."""
import json
import re
import shutil
import subprocess

import pytest

import vault_reader
from ccrun import PASSPHRASE
from client import REPO

VECTORS = REPO / "tests/vectors/vault"


def vault(c):
    return c.data / "ccrun/vault"


def test_an_independent_reader_opens_it(c, token):
    c.demo()
    c.ready(token)
    read = vault_reader.read_vault(vault(c).read_bytes(), PASSPHRASE)
    text = json.dumps(read, default=lambda o: o.decode() if isinstance(o, bytes) else str(o))
    assert token in text and "ANTHROPIC_AUTH_TOKEN" in text and c.endpoint_used.url in text
    with pytest.raises(Exception):
        vault_reader.read_vault(vault(c).read_bytes(), "another passphrase")


def test_the_reader_agrees_on_every_vector():
    r = subprocess.run(["/usr/bin/python3", REPO / "tests/lib/vault_reader.py", "--vectors", VECTORS],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert r.returncode == 0, r.stdout


def test_the_vectors_are_what_their_maker_makes(tmp_path):
    out = tmp_path / "vault"
    script = (REPO / "tests/vectors/make_vault_vectors.py").read_text()
    assert "argv" in script, "it takes where to write"
    subprocess.run(["/usr/bin/python3", REPO / "tests/vectors/make_vault_vectors.py", out], check=True,
                   stdout=subprocess.DEVNULL)
    for path in VECTORS.iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(list(out.iterdir())) == len(list(VECTORS.iterdir()))


def test_keyfiles_and_recovery_codes_too(tmp_path):
    where = VECTORS.parent
    r = subprocess.run(["/usr/bin/python3", REPO / "tests/lib/keyfile_reader.py", "--vectors", where],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert r.returncode == 0, r.stdout
    subprocess.run(["/usr/bin/python3", where / "make_key_vectors.py", tmp_path], check=True)
    for path in [where / "recovery.txt", *(where / "keyfile").iterdir()]:
        assert (tmp_path / path.relative_to(where)).read_bytes() == path.read_bytes(), path.name


DAMAGE = {
    "truncated": (lambda b: b[:len(b) // 2], "cut off|truncated|shorter"),
    "flipped": (lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:], "damaged|checksum"),
    "empty": (lambda b: b"", "cut off"),
    "something else": (lambda b: b"#!/bin/sh\n" * 50, "not a|no vault|damaged"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_named_and_nothing_written(c, token, how):
    c.demo()
    c.ready(token)
    c.add("demo", token + "x", "--replace")  # so that there is a generation before
    c.ccctl("lock")
    damage, words = DAMAGE[how]
    good = vault(c).read_bytes()
    bad = damage(good)
    vault(c).write_bytes(bad)
    c.own()
    r = c.unlock()
    assert r.rc == 1, r
    assert re.search(words, r.err), r
    assert "vault.prev" in r.err and str(vault(c)) in r.err, r
    assert vault(c).read_bytes() == bad, "nothing was written"
    # and the way back that the hint names works
    shutil.copy(str(vault(c)) + ".prev", vault(c))
    c.own()
    assert c.unlock().rc == 0
    assert c.ccctl("get", "demo").out == token


@pytest.mark.parametrize("vector, words", [("newer", "newer|version"), ("kdf", "cost|costs|bound|Argon|KDF|memory|passes")])
def test_newer_and_absurd_costs(c, vector, words):
    lines = [line.split("\t") for line in (VECTORS / "INDEX").read_text().splitlines() if line and line[0] != "#"]
    names = [f[0] for f in lines if any(vector in x for x in f[1:])]
    assert names
    c.init()
    c.ccctl("lock")
    for name in names[:4]:
        path = VECTORS / name
        if not path.exists():
            path = next(VECTORS.glob(name + "*"))
        vault(c).write_bytes(path.read_bytes())
        c.own()
        r = c.unlock()
        assert r.rc == 1 and re.search(words, r.err), (name, r)
