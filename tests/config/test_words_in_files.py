"""Values and addresses as people write them into files: corrected, or refused with the
line and what is wrong; and what was sealed before addresses were corrected still works."""
import json
import stat

import pytest

import wire_client as wc
from vault_reader import read_vault
from ccrun import PASSPHRASE

ASK = """#!/usr/bin/python3
import json, os, socket
from http.client import HTTPConnection
c = HTTPConnection("ccrun.invalid")
c.sock = socket.socket(socket.AF_UNIX)
c.sock.connect(os.environ["ANTHROPIC_UNIX_SOCKET"])
c.request("POST", "/v1/messages", json.dumps({"model": "m", "max_tokens": 9, "stream": True,
          "tools": [{"name": "Bash"}], "messages": [{"role": "user", "content": "hi"}]}),
          {"content-type": "application/json"})
r = c.getresponse()
print(r.status, r.read().endswith(b"\\n\\n"))
"""


def printed(c, *words):
    """What `ccrun -n` says."""
    r = c.ccrun("-n", *words)
    assert r.rc == 0, r
    return r.out


def overlay(c, text, name="demo"):
    path = c.overlay(name, "")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_of_an_editor_that_marks_quotes_and_comments(c):
    text = ('\ufeff; my gateway\r\n[provider]\r\ntitle = "My # gateway"\r\n'
            "base_url\t=\t'https://gw.example.com/v1/'\t# from their page\r\n"
            'auth = "bearer" ; or api-key\r\ndocs = mine\r\n[models]\r\nopus = "glm-4.7" # new\r\n'
            "haiku = glm-4.7-flash # quick\r\n")
    overlay(c, text)
    out = printed(c, "demo")
    assert "https://gw.example.com\n" in out and "glm-4.7\n" in out and "glm-4.7-flash\n" in out
    assert "My # gateway" in c.ccctl("list").out + c.ccctl("show", "demo").out
    assert "dropped /v1" in out
    c.write(c.config / "ccrun/ccrun.conf", '\ufeff[ccrun]\r\ndefault = "demo" # mine\r\n', 0o600)
    assert "https://gw.example.com\n" in printed(c)


@pytest.mark.parametrize("line, why", [
    ('base_url = "https://gw.example.com', "a quote that does not end"),
    ("base_url = “https://gw.example.com”", "typographic quotes"),
    ("base_url = https://gw.example.com\u200b", "does not show"),
    ("base_url = https://gw.example.com\u00a0", "no-break space"),
    ("base_url = gw.example.com", "write https:// before it"),
    ("base_url = https://me:Secret@gw.example.com", "without USER:PASSWORD@"),
    ("base_url = https://gw.example.com/v1?beta=1", "write it up to the ?"),
    ("base_url = https://gw.bücher.example", "xn-- form"),
    ("base_url = https://<resource>.example.com", "placeholder"),
    ("base_url = https://gw.example.com/v1/chat/completions", "another API"),
])
def test_a_line_that_cannot_be_meant_is_refused_with_its_number(c, line, why):
    path = overlay(c, f"[provider]\nauth = bearer\n{line}\n")
    for r in (c.ccrun("-n", "demo"), c.ccctl("show", "demo")):
        assert r.rc != 0 and f"{path}:3: " in r.err and why in r.err, r
        assert "Secret" not in r.out + r.err


@pytest.mark.parametrize("given", ["HTTPS://GW.Example.com/v1/messages", " https://gw.example.com/v1/ ",
                                   '"https://gw.example.com"'])
def test_an_address_that_is_given_to_add(c, token, given):
    c.init()
    r = c.ccctl("add", "custom", "--set", f"url={given}", "--set", "auth=bearer", "--set", "model=m",
                input=token + "\n")
    assert r.rc == 0, r
    assert ("note: base_url" in r.err) == ("/v1" in given)
    vault = (c.data / "ccrun/vault").read_bytes()
    assert [e["origin"] for e in read_vault(vault, PASSPHRASE)] == ["bearer https://gw.example.com"]


def test_an_address_that_is_written_in_the_editor(c):
    path = overlay(c, "[provider]\nauth = bearer\nbase_url = https://gw.example.com\n")
    editor = c.write("bin/editor", f"#!/bin/sh\nsed -i s,gw.example.com,GW.Example.com/v1/messages, \"$1\"\n", 0o755)
    r = c.ccctl("edit", "demo", env={"EDITOR": str(editor)})
    assert r.rc == 0 and "dropped /v1/messages" in r.err and "lower case" in r.err, r
    assert "GW.Example.com/v1/messages" in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("delivery", ["preload", "relay"])
@pytest.mark.parametrize("old", ["http://LOCALHOST:{}", "http://localhost:{}/v1/messages"])
def test_what_was_sealed_before_is_not_refused(c, token, delivery, old):
    url = old.format(c.endpoint_used.port)
    c.init()
    c.demo(url=url, policy={"delivery": delivery})
    with wc.Client(c.runtime / "ccrun/broker.sock") as broker:
        broker.call("put", name="demo", origin=f"bearer {url}", variable="ANTHROPIC_AUTH_TOKEN",
                    policy=f"delivery={delivery}", token=token.encode(), replace=False)
    if delivery == "preload":
        assert c.says("demo").out == token
    else:
        ask = c.write("bin/ask", ASK, 0o755)
        r = c.ccrun("--exec", ask, "demo")
        assert r.out == "200 True\n", r
        assert c.endpoint_used.requests[-1].path == "/v1/messages"
    assert "its files say the same" in c.ccctl("show", "demo").out
    assert json.loads(c.ccctl("show", "--json", "demo").out)
    # Another place is another place.
    c.demo(url=url.replace("localhost", "127.0.0.1").replace("LOCALHOST", "127.0.0.1"), policy={"delivery": delivery})
    assert "sealed for" in c.says("demo").err
