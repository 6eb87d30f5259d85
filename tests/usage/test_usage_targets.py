"""ccrun-usage and whom it sends a key: the one address that it is sealed for, and who
proves to be that."""
import json
import os
import socket
import ssl
import time

import pytest

from client import until
from quota_server import QuotaServer
from usage import BALANCE, DEEPSEEK, certificate, memory_is_clean


# ---- whom a key is sent to ----------------------------------------------

@pytest.mark.parametrize("kind, origin", [
    ("deepseek", "bearer https://openrouter.ai/api"),
    ("openrouter", "bearer https://openrouter.ai.example.test"),
    ("openrouter", "bearer https://xopenrouter.ai"),
    ("openrouter", "bearer http://openrouter.ai/api"),
    ("openrouter", "bearer https://openrouter.ai@127.0.0.1:{port}"),
    ("openrouter", "bearer https://openrouter.ai\\@127.0.0.1:{port}"),
    ("deepseek", "bearer http://127.0.0.1.example.test:{port}"),
    ("deepseek", "bearer http://0.0.0.0:{port}"),
    ("deepseek", "bearer http://2130706433:{port}"),
    ("deepseek", "bearer http://127.1:{port}"),
    ("deepseek", "bearer http://192.0.2.1:{port}"),
    ("deepseek", "bearer https://[::ffff:127.0.0.1]:{port}"),
    ("deepseek", "bearer ftp://127.0.0.1:{port}"),
    ("deepseek", "bearer file:///etc/passwd"),
    ("deepseek", "http://127.0.0.1:{port}"),
    ("deepseek", "bearer"), ("deepseek", "")])
def test_other_origins_are_refused(usage, world, token, kind, origin):
    # A proxy would see every request that is sent anywhere.
    with QuotaServer() as server, QuotaServer() as proxy:
        usage.start(kind, env={"HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url, "http_proxy": proxy.url,
                               "ALL_PROXY": proxy.url, "NO_PROXY": None})
        usage.fetch(origin.format(port=server.port), token)
        assert usage.put() == {"error": "missing", "retry": 3600}
        assert server.connections == 0 and proxy.connections == 0
        assert usage.err.startswith("ccrun-usage: the entry") and token not in usage.err


@pytest.mark.parametrize("kind, host", [("openrouter", "openrouter.ai"), ("zai", "api.z.ai"),
                                        ("zai", "open.bigmodel.cn"), ("deepseek", "api.deepseek.com"),
                                        ("moonshot", "api.moonshot.ai"), ("minimax", "api.minimax.io"),
                                        ("siliconflow", "api.siliconflow.com")])
def test_the_family_through_a_proxy(usage, token, kind, host):
    """Asked for a tunnel, the proxy sees the host and no key."""
    with QuotaServer() as proxy:
        proxy.raw(b"HTTP/1.1 502 no\r\nContent-Length: 0\r\n\r\n")
        usage.start(kind, env={"https_proxy": proxy.url, "HTTPS_PROXY": None, "NO_PROXY": None})
        usage.fetch(f"bearer https://{host}/some/path", token)
        assert usage.put() == {"error": "network", "retry": 30}
        assert [r.line for r in proxy.requests] == [f"CONNECT {host}:443 HTTP/1.1"]
        assert token.encode() not in proxy.requests[0].raw and "authorization" not in proxy.requests[0].headers


@pytest.mark.parametrize("bad", ["short", "with blank in it", "line\r\nX-Evil: 1 23", "tab\there-12345", "é" * 10])
def test_tokens_that_are_none(usage, server, bad):
    usage.start("deepseek").fetch("bearer " + server.url, bad)
    usage.ended()
    assert server.connections == 0 and not usage.requests("usage-put") and usage.err.startswith("ccrun-usage: ")


# ---- TLS ----------------------------------------------------------------

def test_a_certificate_that_nobody_vouches_for(usage, world, token):
    crt, key = certificate(world.root, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    with QuotaServer(context=context) as server:
        # Nor at the word of a variable.
        usage.start("deepseek", env={"SSL_CERT_FILE": str(crt), "CURL_CA_BUNDLE": str(crt)})
        usage.fetch("bearer " + server.url, token)
        assert usage.put() == {"error": "tls", "retry": 30}
        until(lambda: server.failures, what="a handshake")
        assert not server.requests


def test_tls_with_who_speaks_none(usage, token):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        usage.start("deepseek").fetch(f"bearer https://127.0.0.1:{listener.getsockname()[1]}", token)
        c, _ = listener.accept()
        with c:
            assert token.encode() not in c.recv(65536)
            c.sendall(b"HTTP/1.1 400 what\r\n\r\n")
            assert usage.put()["error"] == "tls"


WINDOWS = {"five_hour": {"utilization": 23.5, "resets_at": "2027-01-15T08:00:00.123456+00:00"},
           "seven_day": {"utilization": 8, "resets_at": "2027-01-15T09:00:00+01:00"}, "seven_day_opus": None}
WINDOW_ITEMS = [{"label": "5h", "percent": 2350, "reset": 1800000000}, {"label": "wk", "percent": 800, "reset": 1800000000}]


@pytest.mark.root
def test_the_subscription(world, usage, token, tls_machine):
    world.login(token)
    seen = tls_machine("anthropic", None, "api.anthropic.com", body=json.dumps(WINDOWS))
    usage.say(own=True)
    assert usage.put() == {"items": WINDOW_ITEMS}
    first = usage.requests("usage-next")[0]
    assert first["own"] is True and first["kind"] == "anthropic" and "name" not in first
    (sent,) = seen()
    assert sent["line"] == "GET /api/oauth/usage HTTP/1.1" and sent["headers"]["authorization"] == "Bearer " + token
    assert sent["headers"]["anthropic-beta"] == "oauth-2025-04-20" and sent["tls"] in ("TLSv1.2", "TLSv1.3")
    # No file of session keys, whatever the environment wants.
    assert not (world.root / "keylog").exists()
    memory_is_clean(usage.pid, token)


@pytest.mark.root
@pytest.mark.parametrize("after, retry", [(None, 300), ("20", 300), ("900", 900)])
def test_the_subscription_waits_for_long(world, usage, token, tls_machine, after, retry):
    world.login(token)
    tls_machine("anthropic", None, "api.anthropic.com", status=429, headers=[("Retry-After", after)] if after else [])
    usage.say(own=True)
    assert usage.put() == {"error": "rate-limited", "retry": retry}


@pytest.mark.root
def test_the_subscription_refused(world, usage, token, tls_machine):
    """By the server, not by what the file says: not asked again so soon."""
    world.login(token)
    tls_machine("anthropic", None, "api.anthropic.com", status=401)
    usage.say(own=True)
    assert usage.put() == {"error": "unauthorized", "retry": 300}


@pytest.mark.root
@pytest.mark.parametrize("body", ["{}", '{"five_hour": 3}', '{"five_hour": {"utilization": 1, "resets_at": "tomorrow"}}',
                                  '{"five_hour": {"utilization": -1}}'])
def test_the_subscriptions_wrong_answers(world, usage, token, tls_machine, body):
    world.login(token)
    tls_machine("anthropic", None, "api.anthropic.com", body=body)
    usage.say(own=True)
    assert usage.put() == {"error": "answer", "retry": 300}


@pytest.mark.root
def test_an_entry_with_tls(usage, token, tls_machine):
    seen = tls_machine("deepseek", "key", "api.deepseek.com", body=json.dumps(DEEPSEEK))
    usage.fetch("bearer https://api.deepseek.com/anthropic", token)
    assert usage.put() == {"items": BALANCE}
    assert seen()[0]["headers"]["authorization"] == "Bearer " + token
    memory_is_clean(usage.pid, token)


@pytest.mark.root
def test_a_trusted_certificate_of_another_name(usage, token, tls_machine):
    seen = tls_machine("deepseek", "key", "api.deepseek.com", name="api.example.test", body=json.dumps(DEEPSEEK))
    usage.fetch("bearer https://api.deepseek.com/anthropic", token)
    assert usage.put()["error"] == "tls"
    assert seen() == []


# ---- the client's own log-in --------------------------------------------

def credentials(world, where=".claude", **more):
    oauth = {"accessToken": "no-such-token-0123456789", "expiresAt": 4102444800000, **more}
    return world.write(where + "/.credentials.json", json.dumps({"claudeAiOauth": oauth}))


def own(usage, **kw):
    """What comes of a log-in that nothing may be asked with."""
    # Whatever were sent would go through this proxy.
    with QuotaServer() as proxy:
        usage.start("anthropic", None, env={"https_proxy": proxy.url, "HTTPS_PROXY": None, "NO_PROXY": None}, **kw)
        usage.say(own=True)
        put = usage.put()
        return put, proxy.connections


def test_no_log_in(usage):
    assert own(usage) == ({"error": "missing", "retry": 60}, 0)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"claudeAiOauth": 1}', '{"claudeAiOauth": {"accessToken": 1}}',
                                  '{"claudeAiOauth": {"accessToken": "a b c d e f g"}}',
                                  '{"claudeAiOauth": {"accessToken": "line\\r\\nX-Evil: 1"}}', " " * 70000])
def test_a_log_in_that_is_none(world, usage, text):
    world.write(".claude/.credentials.json", text)
    assert own(usage) == ({"error": "missing", "retry": 60}, 0)


def test_a_log_in_that_is_no_file(world, usage):
    (world.home / ".claude").mkdir(exist_ok=True)
    os.mkfifo(world.home / ".claude/.credentials.json")
    world.own()
    assert own(usage) == ({"error": "missing", "retry": 60}, 0)


def test_a_log_in_that_has_expired(world, usage):
    credentials(world, expiresAt=int(time.time() * 1000) - 1000)
    assert own(usage) == ({"error": "unauthorized", "retry": 60}, 0)


def test_a_log_in_is_used(world, usage):
    credentials(world)
    put, connections = own(usage)
    assert connections == 1 and put["retry"] >= 300


def test_the_clients_own_directory(world, usage):
    credentials(world, "elsewhere")
    with QuotaServer() as proxy:
        usage.start("anthropic", None, env={"https_proxy": proxy.url, "HTTPS_PROXY": None, "NO_PROXY": None,
                                            "CLAUDE_CONFIG_DIR": world.home / "elsewhere"})
        usage.say(own=True)
        assert usage.put()["error"] != "missing"
        assert [r.line for r in proxy.requests] == ["CONNECT api.anthropic.com:443 HTTP/1.1"]
