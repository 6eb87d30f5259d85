"""ccrun-usage: a key goes to the one address that it is sealed for, and what comes
back becomes numbers or one word."""
import email.utils
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import canary
import wire_client as wc
from client import World, alive, children_named, until
from quota_server import QuotaServer
from usage import HELPER, TlsMachine, Usage, certificate

DEEPSEEK = {"is_available": True, "balance_infos": [
    {"currency": "USD", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}]}
BALANCE = [{"label": "bal", "amount": "110.00", "currency": "USD"}]
PATHS = {"openrouter": "/api/v1/key", "zai": "/api/monitor/usage/quota/limit", "deepseek": "/user/balance",
         "moonshot": "/v1/users/me/balance", "minimax": "/v1/api/openplatform/coding_plan/remains",
         "siliconflow": "/v1/user/info"}


def zai(*limits, **more):
    return {"code": 200, "msg": "ok", "success": True, "data": {"level": "pro", "limits": limits}, **more}


HOURS = {"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 67, "nextResetTime": 1800000000999}
WEEK = {"type": "TOKENS_LIMIT", "unit": 6, "number": 1, "percentage": 8.25}
MONTH = {"type": "TIME_LIMIT", "unit": 5, "number": 1, "usage": 100, "percentage": 28, "nextResetTime": None}
KEY = {"label": "sk-or-...", "usage": 25.5, "usage_daily": 0.5, "usage_weekly": 2, "usage_monthly": 7.256,
       "is_free_tier": False, "expires_at": None}
MODEL = {"model_name": "MiniMax-M2", "current_interval_remaining_percent": 58.5, "end_time": 1800000000000}

ANSWERS = {
    "openrouter-limit": ("openrouter", {"data": {**KEY, "limit": 100, "limit_remaining": 74.5}},
                         [{"label": "key", "percent": 2550, "amount": "74.50", "currency": "USD"}]),
    "openrouter-overdrawn": ("openrouter", {"data": {**KEY, "limit": 10, "limit_remaining": -0.5}},
                             [{"label": "key", "percent": 10500, "amount": "-0.50", "currency": "USD"}]),
    "openrouter-nothing": ("openrouter", {"data": {**KEY, "limit": 0, "limit_remaining": 0}},
                           [{"label": "key", "percent": 10000, "amount": "0.00", "currency": "USD"}]),
    "openrouter-no-limit": ("openrouter", {"data": {**KEY, "limit": None, "limit_remaining": None}},
                            [{"label": "used", "amount": "7.26", "currency": "USD"}]),
    "openrouter-old": ("openrouter", {"data": {"limit": None, "usage": 25.5}},
                       [{"label": "used", "amount": "25.50", "currency": "USD"}]),
    # By unit: neither the list's order nor the type says what it is.
    "zai": ("zai", zai(MONTH, WEEK, HOURS),
            [{"label": "5h", "percent": 6700, "reset": 1800000000}, {"label": "wk", "percent": 825},
             {"label": "mo", "percent": 2800}]),
    "zai-two-of-a-kind": ("zai", zai(HOURS, {**HOURS, "type": "CREDIT_LIMIT", "percentage": 90}),
                          [{"label": "5h", "percent": 9000, "reset": 1800000000}]),
    "zai-unknown-unit": ("zai", zai({**HOURS, "unit": 77}, HOURS),
                         [{"label": "5h", "percent": 6700, "reset": 1800000000}]),
    "zai-no-number": ("zai", zai({"unit": 3, "percentage": "1"}), [{"label": "h", "percent": 100}]),
    "deepseek": ("deepseek", DEEPSEEK, BALANCE),
    "deepseek-two": ("deepseek", {"balance_infos": [{"currency": "CNY", "total_balance": "0.00"},
                                                    {"currency": "USD", "total_balance": "3.5"}]},
                     [{"label": "bal", "amount": "3.50", "currency": "USD"}]),
    "deepseek-both": ("deepseek", {"balance_infos": [{"currency": "CNY", "total_balance": "7"},
                                                     {"currency": "USD", "total_balance": "3.5"}]},
                      [{"label": "bal", "amount": "7.00", "currency": "CNY"},
                       {"label": "bal", "amount": "3.50", "currency": "USD"}]),
    "deepseek-empty": ("deepseek", {"balance_infos": [{"currency": "CNY", "total_balance": "0.00"},
                                                      {"currency": "USD", "total_balance": "-0.001"}]},
                       [{"label": "bal", "amount": "0.00", "currency": "USD"}]),
    "moonshot": ("moonshot", {"code": 0, "data": {"available_balance": 49.58894, "voucher_balance": 46.58,
                                                  "cash_balance": 3.00}, "scode": "0x0", "status": True},
                 [{"label": "bal", "amount": "49.59", "currency": "USD"}]),
    "minimax": ("minimax", {"model_remains": [MODEL], "base_resp": {"status_code": 0, "status_msg": "success"}},
                [{"label": "5h", "percent": 4150, "reset": 1800000000}]),
    "minimax-other-models": ("minimax", {"model_remains": [
        {"model_name": "speech-hd", "current_interval_remaining_percent": 0},
        {"model_name": "MiniMax-M2.5", "current_interval_remaining_percent": 75}]},
                             [{"label": "5h", "percent": 2500}]),
    "siliconflow": ("siliconflow", {"code": 20000, "data": {"id": "x", "balance": "0.88", "chargeBalance": "88.00",
                                                            "totalBalance": "88.88"}},
                    [{"label": "bal", "amount": "88.88", "currency": "USD"}]),
}

# Not an answer of that kind, whatever it is.
WRONG = {
    "deepseek": [b"", b"null", b"[]", b"1", b'"x"', b"{", b"<html>no</html>", b"\xff\xfe", b"{}{}", b"[" * 60000,
                 b'{"balance_infos":' + b"[" * 3000 + b"]" * 3000 + b"}", b'{"balance_infos":[],"balance_infos":[]}',
                 {"balance_infos": []}, {"balance_infos": None}, {"balance_infos": {}}, {"balance_infos": [None]},
                 {"balance_infos": [DEEPSEEK["balance_infos"][0]] * 9}]
                + [{"balance_infos": [{"currency": "USD", "total_balance": v}]}
                   for v in (None, True, [], {}, "", "-", ".", "1.", ".5", "1e3", "NaN", "inf", "0x10", " 1", "1 ", "+1",
                             "1,5", "1" * 40, "1." + "0" * 40, "1\u0000", "١", 10**9, -10**9, 10**30)]
                + [b'{"balance_infos":[{"currency":"USD","total_balance":%s}]}' % v
                   for v in (b"NaN", b"Infinity", b"1e400", b"-1e400", b"1e20", b"01", b"9" * 400)]
                + [{"balance_infos": [{"currency": v, "total_balance": "1"}]}
                   for v in (None, 1, "", "usd", "US", "DOLLARS", "U\x1bD", "US\u0000")],
    "openrouter": [{}, {"data": None}, {"data": []}, {"data": {}}, {"data": {"limit": "ten"}}, {"data": {"limit": 10}},
                   {"data": {"limit": -1, "limit_remaining": -2}}, {"data": {"limit": 1, "limit_remaining": 2}},
                   {"data": {"limit": 10, "limit_remaining": None}}, {"data": {"limit": None}},
                   {"data": {"limit": 1, "limit_remaining": -101}},
                   {"data": {"limit": None, "usage_monthly": -1}}, {"data": {"limit": None, "usage_monthly": []}}],
    "zai": [{}, {"success": True}, {"success": "true", "data": {"limits": [HOURS]}}, zai(), zai(None), zai(1),
            zai(code=500, success=False), zai({**HOURS, "unit": 77}), zai({**HOURS, "unit": None}),
            zai({**HOURS, "unit": 3.5}), zai({**HOURS, "number": 1000}), zai({**HOURS, "number": -5}),
            zai({**HOURS, "percentage": -1}), zai({**HOURS, "percentage": 10001}), zai({**HOURS, "percentage": None}),
            zai({**HOURS, "nextResetTime": -1}), zai({**HOURS, "nextResetTime": 10**18}),
            zai({**HOURS, "nextResetTime": 1800000000}), zai({**HOURS, "nextResetTime": []}), zai(*[HOURS] * 65)],
    "moonshot": [{}, {"data": None}, {"data": {}}, {"data": {"available_balance": None}},
                 {"data": [1]}, {"data": {"available_balance": {"x": 1}}}],
    "minimax": [{}, {"model_remains": []}, {"model_remains": [None]}, {"model_remains": [{}]},
                {"model_remains": [{**MODEL, "current_interval_remaining_percent": 101}]},
                {"model_remains": [{**MODEL, "current_interval_remaining_percent": -1}]},
                {"model_remains": [{**MODEL, "end_time": "soon"}]}, {"model_remains": [MODEL], "base_resp": 0},
                {"model_remains": [MODEL], "base_resp": {"status_code": 1}}],
    "siliconflow": [{}, {"data": {"totalBalance": False}}, {"data": {"totalBalance": "lots"}}],
}


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


# ---- what is asked -----------------------------------------------------

@pytest.mark.parametrize("name", ANSWERS)
def test_documented_answers(usage, server, token, name):
    kind, body, items = ANSWERS[name]
    server.answer(200, body)
    usage.start(kind).fetch("bearer " + server.url + "/some/api", token)
    assert usage.put() == {"items": items}
    first = usage.requests("usage-next")[0]
    assert (first["kind"], first["name"]) == (kind, "key") and "own" not in first
    sent = server.requests[0]
    assert sent.line == f"GET {PATHS[kind]} HTTP/1.1"
    assert sent.headers["authorization"] == (token if kind == "zai" else "Bearer " + token)
    assert sent.headers["accept"] == "application/json" and sent.headers["user-agent"].startswith("ccrun/")
    assert sent.headers["host"] == f"127.0.0.1:{server.port}"
    assert sorted(sent.headers) == ["accept", "authorization", "host", "user-agent"]
    assert sent.raw.count(token.encode()) == 1
    # It asks for the next thing to do on the same connection, and is quiet.
    until(lambda: len(usage.requests("usage-next")) == 2, what="the next usage-next")
    assert len(server.requests) == 1 and server.connections == 1 and usage.err == ""
    assert [e["op"] for e in usage.broker.events("request")] == ["hello", "usage-next", "usage-put", "usage-next"]


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_answers(usage, server, token, kind):
    usage.start(kind)
    for body in WRONG[kind]:
        server.answer(200, body)
        usage.fetch("bearer " + server.url, token)
        put = usage.put()
        assert put.get("error") == "answer" and set(put) == {"error", "retry"}, (body, put)
    assert alive(usage.pid) and usage.err == ""


@pytest.mark.parametrize("kind, body", [
    ("zai", {"code": 401, "msg": "token expired or incorrect", "success": False}),
    ("zai", {"code": 1002, "msg": "no", "success": False}),
    ("minimax", {"base_resp": {"status_code": 1004, "status_msg": "login fail"}})])
def test_a_refusal_with_a_200(usage, server, token, kind, body):
    server.answer(200, body)
    usage.start(kind).fetch("bearer " + server.url, token)
    assert usage.put() == {"error": "unauthorized", "retry": 300}


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_other_names_of_this_machine(usage, token, host):
    try:
        server = QuotaServer("::1" if host == "[::1]" else "127.0.0.1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        server.answer(200, DEEPSEEK)
        # The world's proxy variables lead nowhere: this machine is asked without.
        usage.start("deepseek", env={"NO_PROXY": None})
        usage.fetch(f"bearer http://{host}:{server.port}", token)
        assert usage.put() == {"items": BALANCE}


# ---- status codes ------------------------------------------------------

@pytest.mark.parametrize("status, error", [(401, "unauthorized"), (403, "unauthorized"), (500, "answer"),
                                           (503, "answer"), (404, "answer"), (204, "answer"), (206, "answer")])
def test_status(ask, server, status, error):
    server.answer(status, DEEPSEEK)
    put = ask()
    assert put == {"error": error, "retry": 300 if error == "unauthorized" else 30}


@pytest.mark.parametrize("value, low, high", [
    ("77", 77, 77), ("1", 30, 30), ("0", 30, 30), ("-5", 30, 30), ("soon", 30, 30), ("315360000", 21600, 21600),
    ("9" * 30, 30, 21600),  # no number for some versions of libcurl
    (None, 30, 30), ("date", 100, 121), ("past", 30, 30)])
def test_429(ask, server, value, low, high):
    when = {"date": 120, "past": -1000}.get(value)
    if when:
        value = email.utils.formatdate(time.time() + when, usegmt=True)
    server.answer(429, {"error": "slow down"}, [("Retry-After", value)] if value else ())
    put = ask()
    assert put["error"] == "rate-limited" and low <= put["retry"] <= high, put


def test_back_off_grows_and_is_forgotten(ask, server):
    def rounds(n):
        for _ in range(n):
            server.answer(429)
            yield ask()["retry"]
    assert list(rounds(6)) == [30, 60, 120, 240, 300, 300]
    server.answer(429, b"", [("Retry-After", "7000")])
    assert ask()["retry"] == 7000
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}
    assert list(rounds(2)) == [30, 60]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(ask, server, status):
    with QuotaServer() as other:
        server.answer(status, b"", [("Location", other.url + "/user/balance")])
        assert ask() == {"error": "redirect", "retry": 30}
        server.answer(200, DEEPSEEK)
        ask()
        assert other.connections == 0 and len(server.requests) == 2


# ---- servers that behave badly -----------------------------------------

# With two words: which one it is, the version of libcurl says.
BAD = {
    "cut-head": (b"HTTP/1.1 200 OK\r\nContent-Le", "network answer"),
    "cut-body": (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + json.dumps(DEEPSEEK).encode(), "network"),
    "cut-chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", "network"),
    "silent": (b"", "network"),
    "no-http": (b"SSH-2.0-OpenSSH_9.2\r\n", "network"),
    "http-0.9": (json.dumps(DEEPSEEK).encode(), "network"),
    "huge": (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 70000 + json.dumps(DEEPSEEK).encode(), "too-large"),
    "huge-said": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b" " * 70000, "too-large"),
    "head-without-end": (b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"x" * 1000000, "network too-large"),
    "many-headers": (b"HTTP/1.1 200 OK\r\n" + b"X-A: xxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" * 5000, "too-large"),
    "compressed": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00", "answer"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_servers(ask, server, name):
    data, error = BAD[name]
    server.raw(data)
    put = ask()
    assert put["error"] in error.split(), put
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}


def test_nobody_listens(usage, token):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    usage.start("deepseek").fetch(f"bearer http://127.0.0.1:{port}", token)
    assert usage.put() == {"error": "network", "retry": 30}


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"], ids=["headers", "body"])
def test_a_slow_server(ask, server, data):
    hold = threading.Event()
    server.raw(data, hold)
    assert ask() == {"error": "timeout", "retry": 30}
    hold.set()
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}


def test_a_server_that_drips(ask, server):
    def drip(c):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        while not server.closing.is_set():
            c.sendall(b" ")
            time.sleep(0.2)
    server.play(drip)
    assert ask() == {"error": "timeout", "retry": 30}


# ---- whom a key is sent to ---------------------------------------------

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


# ---- TLS ---------------------------------------------------------------

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


# ---- the client's own log-in -------------------------------------------

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


# ---- what is left of a key ---------------------------------------------

def memory_is_clean(pid, token):
    found, searched, spared = canary.scan_memory(pid, token, spare_locked=False)
    assert searched + spared > 100_000
    assert not found, found


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
def test_memory(ask, usage, server, token):
    hold = threading.Event()
    server.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    # It is there while it is needed, in locked memory alone, and with the child alone.
    with canary.frozen(child):
        found, searched, _ = canary.scan_memory(child, token, spare_locked=False)
        assert found and searched
        found, searched, spared = canary.scan_memory(child, token)
        assert searched > 100_000 and spared > 100_000
        assert not found, found
    memory_is_clean(usage.pid, token)
    hold.set()
    assert usage.put()["error"] == "network"
    until(lambda: not children_named(usage.pid, "ccrun-usage"), what="the child is gone")
    for status in (200, 401, 302, 429):
        server.answer(status, DEEPSEEK)
        ask()
    memory_is_clean(usage.pid, token)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
def test_memory_that_read_a_log_in(world, usage, token):
    world.login(token)
    hold = threading.Event()
    with QuotaServer() as proxy:
        proxy.raw(b"", hold)
        usage.start("anthropic", None, env={"https_proxy": proxy.url, "HTTPS_PROXY": None, "NO_PROXY": None})
        usage.say(own=True)
        until(lambda: proxy.requests, what="the request")
        (child,) = children_named(usage.pid, "ccrun-usage")
        with canary.frozen(child):
            assert canary.scan_memory(child, token, spare_locked=False)[0]
            found, _, _ = canary.scan_memory(child, token)
            assert not found, found
        memory_is_clean(usage.pid, token)
        hold.set()


def test_no_environment_argument_or_file_has_it(ask, usage, world, server, token):
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    # (What was sent to a test's own broker was in its standard input.)
    found, read = canary.scan_proc(token, skip=[os.getpid()])
    assert read and not found, found
    assert not canary.scan_files([world.root], token)
    hold.set()
    usage.put()
    assert not canary.scan_files([world.root], token)


def test_nobody_looks_into_it(ask, usage, server):
    if os.geteuid() == 0:
        pytest.skip("root sees everything")
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, "token-0123456789")
    until(lambda: server.requests, what="the request")
    for pid in (usage.pid, *children_named(usage.pid, "ccrun-usage")):
        for leaf in ("environ", "mem", "fd/3"):
            with pytest.raises(PermissionError):
                with open(f"/proc/{pid}/{leaf}", "rb") as f:
                    f.read(1)
    hold.set()


def test_what_reads_strangers_bytes_is_caged(ask, usage, server):
    """(What the cage refuses: tests/unit/test_usage_answers.c.)"""
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, "token-0123456789")
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    status = Path(f"/proc/{child}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    limits = Path(f"/proc/{child}/limits").read_text()
    assert "Max file size             0 " in limits and "Max core file size        0 " in limits
    hold.set()


# ---- life --------------------------------------------------------------

def test_it_ends_with_the_session(usage):
    usage.start("deepseek")
    assert alive(usage.pid)
    usage.end_session()
    usage.ended()
    assert usage.err == ""


def test_it_ends_with_the_session_in_the_middle_of_a_fetch(ask, usage, server, token):
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    usage.end_session()
    usage.ended()
    assert not alive(child) and usage.err == ""
    assert not usage.requests("usage-put")
    hold.set()


def test_the_child_dies_with_it(ask, usage, server, token):
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    (child,) = children_named(usage.pid, "ccrun-usage")
    os.kill(usage.pid, signal.SIGKILL)
    until(lambda: not alive(child), what="the child ends")
    hold.set()


def test_a_child_that_dies_is_an_error(ask, usage, server, token):
    hold = threading.Event()
    server.raw(b"", hold)
    usage.fetch("bearer " + server.url, token)
    until(lambda: server.requests, what="the request")
    os.kill(children_named(usage.pid, "ccrun-usage")[0], signal.SIGKILL)
    assert usage.put() == {"error": "answer", "retry": 30}
    hold.set()
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}


def test_it_ends_with_the_broker(usage):
    usage.start("deepseek")
    pid = usage.pid
    usage.broker.stop()
    until(lambda: not alive(pid), timeout=120, what="the worker ends")
    assert usage.err == ""


def test_a_broker_that_is_started_anew(ask, usage, server):
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}
    usage.broker.stop()
    usage.start_broker()
    until(lambda: len(usage.requests("hello")) == 2, timeout=60, what="it comes back")
    server.answer(200, DEEPSEEK)
    assert ask() == {"items": BALANCE}


def test_no_broker(usage):
    usage.broker.stop()
    assert usage.run(usage.words("deepseek")) == 0
    until(lambda: usage.err.count("\n") == 2, what="it says so")
    assert usage.err == "ccrun-usage: no broker is running\nhint: ccctl unlock starts one\n"


@pytest.mark.parametrize("answer", [{"refuse": "no-entry"}, {"raw": {"ok": True}}, {"raw": {"ok": 1}},
                                    {"raw": {"ok": True, "origin": "bearer http://127.0.0.1:9", "token": "text-not-bin"}},
                                    {"raw": {"ok": True, "origin": 5, "token": "x"}}])
def test_answers_that_end_it(usage, answer):
    usage.start("deepseek").say(**answer)
    usage.ended()
    assert usage.err.startswith("ccrun-usage: ") and not usage.requests("usage-put")


def test_numbers_that_are_refused_end_it(usage, server, token):
    usage.start("deepseek").say(puts="bad-value")
    server.answer(200, DEEPSEEK)
    usage.fetch("bearer " + server.url, token)
    usage.ended()
    assert "this is a test: bad-value" in usage.err


def test_refused_inside_a_session(usage):
    assert usage.run(usage.words("deepseek"), preexec_fn=wc.mark) == 1
    assert "inside a session" in usage.err and not usage.broker.events("request")


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it(usage, signal_):
    def ignore():
        signal.signal(signal_, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal_])
    usage.start("deepseek", preexec_fn=ignore)
    os.kill(usage.pid, signal_)
    usage.ended()


# ---- the command line --------------------------------------------------

def test_help_and_version(world):
    r = world.run([HELPER, "--version"])
    assert r.rc == 0 and r.out.startswith("ccrun-usage ") and r.err == ""
    r = world.run([HELPER, "--help"])
    assert r.rc == 0 and r.err == ""
    for word in (*PATHS, "anthropic", "--kind", "--entry", "--own"):
        assert word in r.out


@pytest.mark.parametrize("words", [[], ["x"], ["--kind"], ["--kind", "deepseek"], ["--entry", "key"], ["--own"],
                                   ["--kind", "nonsense", "--entry", "key"], ["--kind", "deepseek", "--own"],
                                   ["--kind", "anthropic", "--entry", "key"],
                                   ["--kind", "anthropic", "--own", "--entry", "key"],
                                   ["--kind", "deepseek", "--entry", "../key"], ["--kind", "deepseek", "--entry", ""],
                                   ["--kind", "deepseek", "--entry", "a", "--entry", "b"],
                                   ["--kind", "zai", "--kind", "zai", "--entry", "a"], ["--version", "x"]])
def test_other_words_are_refused(usage, words):
    assert usage.run([HELPER, *words]) == 2
    assert usage.err.startswith("usage: ccrun-usage ") and not usage.broker.events("request")


@pytest.mark.parametrize("what", ["<&-", "</dev/null", "< <(sleep 1)", "</proc/$$"])
def test_descriptor_3_must_be_a_pidfd(usage, world, what):
    words = usage.words("deepseek")
    r = world.run(["bash", "-c", f'exec "$@" 3{what}', "bash", *words])
    assert r.rc == 2 and r.err == "ccrun-usage: descriptor 3 is no pidfd\nhint: ccrun runs this program\n"
    assert not usage.broker.events("request")
