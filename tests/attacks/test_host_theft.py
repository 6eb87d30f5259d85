"""A program of the user's writes its own public key into the file that ccctl slot add keyfile --for
reads: the keyfile that comes of it opens the vault for whoever has the other half."""
import json
import os

import pytest
from ccrun import CCCTL, PASSPHRASE
from dialogue import done, talk
from host_files import agreed_host, public_line
from keyfile_reader import host_public, inspect_keyfile
from vault_thief import stolen


def key(secret):
    return public_line(host_public(secret)).split()[1]


@pytest.fixture
def planted(ready):
    """The path of server.pub, whose key is another one than the server's; both secret halves."""
    owner, thief = os.urandom(32), os.urandom(32)
    path = ready.write("server.pub", public_line(host_public(thief)))
    return path, owner, thief


def words(c, path, *more):
    return ["slot", "add", "keyfile", "--for", str(path), "--out", str(c.root / "made"), *more]


def unmade(c, thief, token):
    if (c.root / "made").exists():
        pytest.fail(stolen((c.root / "made").read_bytes(), thief, (c.data / "ccrun/vault").read_bytes(), token))
    assert len(json.loads(c.ccctl("slot", "list", "--json").out)) == 1


def test_a_planted_host_gets_no_keyfile_of_a_script(ready, token, planted):
    path, owner, thief = planted
    r = ready.with_passphrase(*words(ready, path))
    unmade(ready, thief, token)
    assert r.rc == 5 and f"--allow host={key(thief)}" in r.err, r
    r = ready.with_passphrase(*words(ready, path, "--allow", f"host={key(owner)}"))
    unmade(ready, thief, token)
    assert r.rc == 5, r


def test_a_planted_host_is_shown_before_the_passphrase(ready, token, planted):
    path, owner, thief = planted
    for answer in "n", "":
        p = talk(ready, CCCTL, *words(ready, path))
        p.expect_exact(key(thief))
        p.expect_exact("may it open the vault? [y/N]")
        p.sendline(answer)
        done(p, 1)
        unmade(ready, thief, token)


def test_the_right_host_is_agreed_to(ready, planted):
    path, owner, _ = planted
    path.write_text(public_line(host_public(owner)))
    r = ready.with_passphrase(*words(ready, path, *agreed_host(path)))
    assert r.rc == 0, r
    (ready.root / "made").unlink()
    p = talk(ready, CCCTL, *words(ready, path))
    p.expect_exact(key(owner))
    p.sendline("y")
    p.expect("Passphrase")
    p.sendline(PASSPHRASE)
    p.expect("slot 3")
    done(p)
    assert inspect_keyfile((ready.root / "made").read_bytes())["host"] == host_public(owner)
