"""ccrun-usage and what servers say: numbers, or one word."""
import email.utils
import json
import socket
import threading
import time

import pytest

from client import alive, until
from quota_server import QuotaServer
from usage import BALANCE, DEEPSEEK, PATHS


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


# ---- what is asked ------------------------------------------------------

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


@pytest.mark.parametrize("host", ["localhost", "localhost.", "gw.localhost", "[::1]"])
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


# ---- status codes -------------------------------------------------------

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


# ---- servers that behave badly ------------------------------------------

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
