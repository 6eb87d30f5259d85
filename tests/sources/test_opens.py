"""What opens a password manager by a variable: no session gets it, whether it uses a key or not."""
import json

import pytest

from client import REPO
from sources import SourceFile, Standin

SHIPPED = [SourceFile(path) for path in sorted((REPO / "share/sources").glob("*.conf"))]
# As their documentation has them, whatever our files say.
KNOWN = ("BW_SESSION BW_PASSWORD BW_CLIENTSECRET BWS_ACCESS_TOKEN OP_SESSION OP_SESSION_my OP_SERVICE_ACCOUNT_TOKEN "
         "OP_CONNECT_TOKEN VAULT_TOKEN BAO_TOKEN VAULT_ROLE_ID VAULT_SECRET_ID VAULT_AUTH_GITHUB_TOKEN VAULT_LDAP_PASSWORD "
         "PASSWORD_STORE_GPG_OPTS DOPPLER_TOKEN INFISICAL_TOKEN CONJUR_AUTHN_API_KEY").split()
KEPT = ["AWS_PROFILE", "OP_ACCOUNT", "VAULT_ADDR", "PASSWORD_STORE_DIR"]


def words(source, key):
    return source.ini["source"].get(key, "").split()


def passed_on(world, provider, names, **kw):
    """Of the names those that a session of the provider has, and what ccrun said."""
    r = world.ccrun("--exec", "/usr/bin/env", provider, env={name: "opens-it" for name in names}, **kw)
    assert r.rc == 0, r
    return [name for name in names if f"{name}=opens-it" in r.out.splitlines()], r.err


def own(world, kind, text):
    path = world.write(world.config / f"ccrun/sources/{kind}.conf", text, 0o600)
    for directory in (path.parent, path.parent.parent):
        directory.chmod(0o700)
    return path


def test_a_session_without_a_key_cannot_ask_the_manager(c):
    bw = Standin(c, "bw")
    bw.path.write_text('#!/bin/sh\n[ "$BW_SESSION" = unlocked ] && echo the-key-of-another-entry\n')
    r = c.ccrun("--exec", "/bin/sh", "claude", "-c", "bw get password zai; :",
                env={"PATH": f"{bw.bin}:/usr/bin:/bin", "BW_SESSION": "unlocked"})
    assert r.rc == 0 and "the-key" not in r.out, r
    assert "note: not passed on, since a password manager opens by it: BW_SESSION" in r.err, r


def test_known_variables(ready):
    for provider in ("claude", "demo"):
        kept, said = passed_on(ready, provider, KNOWN + KEPT)
        assert kept == KEPT, (provider, kept)
        assert "not passed on" in said and "BWS_ACCESS_TOKEN" in said, said


@pytest.mark.parametrize("source", SHIPPED, ids=lambda s: s.kind)
def test_what_the_shipped_files_name(c, source):
    """The build has them all; what is shared goes on."""
    opens = [name.replace("*", "_X") for name in words(source, "opens")]
    shares = [name.replace("*", "X") for name in words(source, "shares")]
    assert passed_on(c, "claude", opens + shares)[0] == shares


def test_a_file_of_one_s_own_adds(c):
    own(c, "mine", "[source]\ncommand = mine {path}\nopens = MY_MANAGER_* OTHER_KEY\n")
    own(c, "bw", "[source]\nopens = BW_MINE\n")
    names = ["MY_MANAGER_TOKEN", "OTHER_KEY", "BW_MINE", "BW_SESSION", "OTHER_KEYS"]
    kept, said = passed_on(c, "claude", names)
    assert kept == ["OTHER_KEYS"] and "MY_MANAGER_TOKEN" in said, (kept, said)
    assert "unset MY_MANAGER_TOKEN\n" in c.ccrun("-n", "claude", env={"MY_MANAGER_TOKEN": "x"}).out
    assert "MY_MANAGER_TOKEN" in c.ccctl("show", "claude", env={"MY_MANAGER_TOKEN": "x"}).out


def test_it_takes_nothing_away(c):
    own(c, "bw", "[source]\nopens = BW_MINE\nshares = BW_SESSION\n")
    own(c, "vault", "[source]\nopens =\n")
    assert passed_on(c, "claude", ["BW_SESSION", "VAULT_TOKEN"])[0] == []


@pytest.mark.parametrize("names, said", [
    ("PATH", "PATH decides how programs run"), ("XDG_RUNTIME_DIR", "decides how programs run"), ("MY-TOKEN", "names of variables"),
    ("*", "names of variables"), ("AB*", "names of variables"), ("A*B*C", "names of variables"), ("1TOKEN", "names of variables"),
    ("A" * 65, "at most 64 bytes"), (" ".join(f"MY_TOKEN_{i}" for i in range(65)), "more than 64 variables")])
def test_what_is_no_name_is_refused(c, names, said):
    """And with it every launch: what the file was to hold back would go into the session."""
    path = own(c, "mine", f"[source]\ncommand = mine {{path}}\nopens = {names}\n")
    r = c.ccrun("--exec", "/bin/true", "claude")
    assert r.rc == 125 and said in r.err and f"{path}:3" in r.err, r


def test_a_file_that_others_can_write(c):
    own(c, "mine", "[source]\ncommand = mine {path}\nopens = MY_TOKEN\n").chmod(0o666)
    r = c.ccrun("--exec", "/bin/true", "claude")
    assert r.rc == 125 and "mine.conf" in r.err, r


def test_what_sessions_keep_is_said(c):
    """AWS's variables are other programs' too: they stay, and who has them has the key."""
    c.init()
    aws = Standin(c, "aws")
    env = {"PATH": f"{aws.bin}:/usr/bin:/bin"}
    c.provider("cloudy", base_url="https://cloudy.example.test", auth="bearer", docs="made up for a test")
    own(c, "aws-sm", "[source]\nshares = MY_AWS_LOGIN\n")
    r = c.ccctl("add", "cloudy", "--no-check", "--source", "aws-sm:prod/key", *c.allows("cloudy"), env=env)
    assert r.rc == 0, r
    [line] = [line for line in r.err.splitlines() if "can fetch the key" in line]
    assert line.startswith("ccctl: note: a session that has one of these variables"), line
    assert "AWS Secrets Manager" in line and " AWS_PROFILE " in line and line.endswith(" MY_AWS_LOGIN"), line
    [advice] = [x for x in json.loads(c.ccctl("doctor", "--json", env=env).out)
                if x["check"] == "entries" and "AWS_SECRET_ACCESS_KEY" in x["what"]]
    assert advice["state"] == "advice" and "a session that has one of these variables can fetch the key itself" in advice["what"]
    assert "ccctl add cloudy --replace" in advice["hint"], advice
    kept = passed_on(c, "claude", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"])[0]
    assert kept == ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"]


def test_others_say_nothing_of_that(c):
    c.init()
    bw = Standin(c, "bw")
    env = {"PATH": f"{bw.bin}:/usr/bin:/bin"}
    c.provider("cloudy", base_url="https://cloudy.example.test", auth="bearer", docs="made up for a test")
    r = c.ccctl("add", "cloudy", "--no-check", "--source", "bw:item", *c.allows("cloudy"), env=env)
    assert r.rc == 0 and "can fetch the key" not in r.err, r
