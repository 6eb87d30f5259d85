"""Limits and meters, from the client's request to the broker's numbers, with the real relay."""
import json
import os
import select
import signal
import socket
import struct
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest

import wire_client as wc
from api_shapes import message
from client import alive, until
from relay_broker import TOKEN, Provider, UnixConnection, answer, STREAM_HEAD, STREAM, chunk
from relayed import Session, origin_of, sealed


@pytest.fixture
def b():
    with wc.Broker() as broker:
        broker.init()
        yield broker


@pytest.fixture
def provider():
    with Provider() as p:
        yield p


def used(b, **options):
    rows = b.call("spent", **{"from": 0}, **options)["rows"]
    return {k: sum(r[k] for r in rows) for k in ("requests", "estimated", "input", "output", "micros")}


def settled(b, requests):
    until(lambda: used(b)["requests"] >= requests, what="the answer's numbers")
    return used(b)


def post_once(b, provider, body=b'{"model":"claude-asked-1"}', **changes):
    def child():
        with Session(b, provider, **changes) as s:
            r = s.post(body)
            return r.status, dict(r.getheaders()), r.data
    return wc.in_child(child, timeout=30)


def numbers(provider):
    """What the provider's one answer says about its tokens."""
    usage = json.loads(provider.reply.split(b"\r\n\r\n", 1)[1])["usage"]
    return usage["input_tokens"], usage["output_tokens"]


def test_what_was_used_is_counted(b, provider):
    sealed(b, provider)
    assert post_once(b, provider)[0] == 200
    sums = settled(b, 1)
    assert (sums["input"], sums["output"]) == numbers(provider)
    row, = b.call("spent", **{"from": 0})["rows"]
    assert row["entry"] == row["provider"] == "zai"
    assert row["project"] == "/home/me/work"
    assert row["model"].startswith("claude-test-1") and row["estimated"] == 0
    assert len(row["session"]) == 16
    # nothing of the conversation, and no key
    kept = (b.data / "spending").read_bytes()
    assert b"hello" not in kept and b"sk-relay" not in kept


def test_a_limit_refuses_before_the_request_goes_out(b, provider):
    sealed(b, provider)
    b.call("limit-set", name="zai", limit="1/day")
    assert post_once(b, provider)[0] == 200
    settled(b, 1)
    status, headers, body = post_once(b, provider)
    assert status == 429
    error = json.loads(body)["error"]
    assert error["type"] == "rate_limit_error"
    assert "the limit of 'zai' is reached: 1 of 1 request a day used, until" in error["message"]
    assert 0 < int({k.lower(): v for k, v in headers.items()}["retry-after"]) <= 90000
    assert len(provider.requests) == 1
    assert used(b)["requests"] == 1


def test_a_limit_reaches_a_live_session(b, provider):
    sealed(b, provider)
    on, tell = os.pipe()

    def child():
        with Session(b, provider) as s:
            first = s.post().status
            os.read(on, 1)
            return first, s.post().status
    c = wc.Child(child)
    settled(b, 1)
    b.call("limit-set", name="zai", limit="1/day")
    os.write(tell, b"x")
    assert c.result(30) == (200, 429)
    assert len(provider.requests) == 1


def test_two_sessions_have_one_limit(b, provider):
    sealed(b, provider)
    b.call("limit-set", name="zai", limit="3/day")
    statuses = [post_once(b, provider)[0] for _ in range(2)]
    settled(b, 2)
    with_two = [wc.Child(lambda: [s.post().status for s in [Session(b, provider)] for _ in range(2)])
                for _ in range(2)]
    statuses += [s for c in with_two for s in c.result(30)]
    assert sorted(statuses) == [200, 200, 200, 429, 429, 429]
    assert len(provider.requests) == 3


def test_a_session_that_is_killed_pays_by_estimate(b):
    started = []

    def stall(wire, _request):
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]))
        started.append(1)
        time.sleep(60)
    with Provider(stall) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="100k/day")

        def child():
            with Session(b, provider) as s:
                s.post(b'{"model":"m"}' + b" " * 30000)
        c = wc.Child(child)
        until(lambda: started, what="the stream")
        os.kill(c.pid, signal.SIGKILL)
        with pytest.raises(Exception):
            c.result()
        sums = settled(b, 1)
    assert sums["estimated"] == 1
    assert sums["input"] >= 10000 and sums["output"] >= 4096


def test_a_broker_that_is_killed_counts_too_much_not_too_little(b):
    started = []

    def stall(_wire, _request):
        started.append(1)
        time.sleep(60)
    with Provider(stall) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="100k/day")
        c = wc.Child(lambda: Session(b, provider).post(b'{"model":"m","stream":true}'))
        until(lambda: started, what="the request")
        os.kill(b.pid, signal.SIGKILL)
        with pytest.raises(Exception):
            c.result()
        b.stop(signal.SIGKILL, check=False)
        b.start()
        sums = used(b)
    assert sums["requests"] == sums["estimated"] == 1
    assert sums["output"] == 4096


@contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def last_passed(b):
    """Tokens of the answer that the broker has in its file, should nobody hear the end of it."""
    lines = [line.split("\t") for line in (b.data / "spending").read_text().splitlines()]
    return max((int(f[3]) for f in lines if f[0] == "passed"), default=0)


def relay_of(s):
    """The pid of the session's relay, by the kernel: it is no child of the broker."""
    with socket.socket(socket.AF_UNIX) as c:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        c.connect(s.path)
        c.sendall(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
        _, beside, _, _ = c.recvmsg(4096, socket.CMSG_SPACE(12))
        return struct.unpack("3i", beside[0][2])[0]


def cut_off(s, body, after):
    """Read so many bytes of the answer; the session then has hung up."""
    c = UnixConnection(s.path)
    c.request("POST", "/v1/messages", body, {"Content-Type": "application/json"})
    if after:
        assert len(c.getresponse().read(after)) == after
    return c


def test_a_relay_that_is_killed_in_an_answer_counts_what_passed(b):
    """More than that is not free either way: the same answer, cut off by the client, counts as much."""
    size, on, tell = 400_000, *os.pipe()
    hear, say = os.pipe()

    def much(wire, _request):
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]) + chunk(b": " + b"x" * (2 * size) + b"\n\n"))
        time.sleep(60)

    def child():
        with Session(b, provider) as s:
            relay = relay_of(s)
            c = cut_off(s, b'{"model":"m","stream":true}', size)
            os.write(say, b"%d" % relay)
            os.read(on, 1)
            c.close()
            return s.post(b'{"model":"m","stream":true}').status
    with Provider(much) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="100k/day")
        c = wc.Child(child)
        relay = int(os.read(hear, 16))
        until(lambda: last_passed(b) >= size // 4, what="what passes")
        os.kill(relay, signal.SIGKILL)
        until(lambda: used(b)["requests"] == 1, what="what was cut off")
        os.write(tell, b"x")
        assert c.result(30) == 429
        sums = used(b)
    assert sums["estimated"] == 1 and sums["output"] >= size // 4
    end, = [e for e in until(lambda: [e for e in b.lines() if e["event"] == "end"], what="the end")]
    assert (end["requests"], end["failed"], end["restarts"], end["estimated"]) == (1, 1, 1, 1)
    assert end["output"] == sums["output"]


def test_what_passed_of_an_answer_under_way_is_held_against_the_next_request(b):
    """Else requests that begin one after the other, none of which ends, would pass any limit."""
    size, on, tell = 400_000, *os.pipe()

    def much(wire, _request):
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]) + chunk(b": " + b"x" * size + b"\n\n"))
        os.read(on, 1)
        wire.sock.sendall(b"".join(map(chunk, STREAM[1:])) + chunk(b""))

    def child():
        with Session(b, provider, marked=False) as one, Session(b, provider) as other:
            c = cut_off(one, b'{"model":"m","stream":true}', size)
            answers = [s.post(b'{"model":"m","stream":true}') for s in (one, other)]
            os.write(tell, b"x" * 3)
            c.close()
            return [(r.status, json.loads(r.data)["error"]["message"] if r.status == 429 else "") for r in answers]
    with Provider(much) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="60k/day")
        answers = wc.Child(child).result(30)
        for status, words in answers:
            assert status == 429 and "requests that are under way may use what is left" in words, answers
        assert len(provider.requests) == 1


def test_a_session_that_ends_with_its_relay_says_what_is_known(b):
    hear, say = os.pipe()

    def stall(wire, _request):
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]))
        time.sleep(60)

    def child():
        s = Session(b, provider)
        relay = relay_of(s)
        c = cut_off(s, b'{"model":"m","stream":true}', 10)
        os.write(say, b"%d" % relay)
        time.sleep(60)
        c.close()
    with Provider(stall) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="100k/day")
        c = wc.Child(child)
        relay = int(os.read(hear, 16))
        with frozen(b.pid):  # it hears of both ends at once
            os.kill(relay, signal.SIGKILL)
            os.kill(c.pid, signal.SIGKILL)
            os.waitid(os.P_PID, c.pid, os.WEXITED | os.WNOWAIT)
            until(lambda: not alive(relay), what="the relay is gone")
        with pytest.raises(Exception):
            c.result()
        end, = until(lambda: [e for e in b.lines() if e["event"] == "end"], what="the end")
    assert (end["requests"], end["failed"], end["estimated"], end["output"]) == (1, 1, 1, 4096)
    assert end["why"] == "its relay ended in 1 request, counted by estimate"


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("asked, output", [(b'"stream":true', 4096), (b'"stream":false', 32000),
                                           (b'"stream":true,"stream":false', 32000)])
def test_cut_off_at_once_counts_what_the_provider_may_bill(b, killed, asked, output):
    on, tell = os.pipe()
    hear, say = os.pipe()
    asked_for, ask = os.pipe()

    def stall(_wire, _request):
        os.write(ask, b"x")
        time.sleep(60)

    def child():
        with Session(b, provider) as s:
            os.write(say, b"%d" % relay_of(s))
            c = cut_off(s, b'{"model":"m","max_tokens":32000,%s}' % asked, 0)
            os.read(on, 1)
            c.close()
            until(lambda: counted(), what="the count")

    def counted():
        with b.connect() as c:
            return c.call("spent-today", name="zai").get("requests")
    with Provider(stall) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="100k/day")
        c = wc.Child(child)
        os.read(asked_for, 1)
        if killed:
            os.kill(int(os.read(hear, 16)), signal.SIGKILL)
            until(counted, what="the count")
        os.write(tell, b"x")
        c.result(30)
        assert used(b)["output"] == output


DOCUMENT = b'"messages":[{"content":[{"type":"document","source":{"type":"url","url":"https://a/b.pdf"}}]}]'
SEARCH = b'"tools":[{"type":"web_search_20250305","name":"web_search"}]'


@pytest.mark.parametrize("asked, said, least", [
    (DOCUMENT, False, 200_000), (DOCUMENT.replace(b"document", b"image"), False, 5000), (SEARCH, True, 199_000),
    (DOCUMENT, True, 0), (b'"messages":[]', False, 0)])
def test_cut_off_counts_the_input_that_is_in_no_byte_of_the_request(b, asked, said, least):
    """said: the answer began, and told what the request's own input has."""
    on, tell = os.pipe()
    asked_for, ask = os.pipe()

    def stall(wire, _request):
        if said:
            wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]))
        os.write(ask, b"x")
        time.sleep(60)

    def counted():
        with b.connect() as c:
            return c.call("spent-today", name="zai").get("requests")

    def child():
        with Session(b, provider) as s:
            c = cut_off(s, b'{"model":"m","stream":true,%s}' % asked, 10 if said else 0)
            os.read(on, 1)
            c.close()
            until(counted, what="the count")
    with Provider(stall) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="1M/day")
        c = wc.Child(child)
        os.read(asked_for, 1)
        os.write(tell, b"x")
        c.result(30)
        assert least <= used(b)["input"] <= max(2 * least, 100)


def goes_nowhere(b, provider, body, chunked, words):
    """With a limit in money it is refused, in these words, and the provider gets nothing."""
    headers = {"Content-Type": "application/json", **({"Transfer-Encoding": "chunked"} if chunked else {})}
    prices = [{"model": "cheap", "input": 1, "output": 1}]

    def child():
        with Session(b, provider, prices=prices) as s:
            c = UnixConnection(s.path)
            c.request("POST", "/v1/messages", iter([body]) if chunked else body, headers, encode_chunked=chunked)
            r = c.getresponse()
            return r.status, r.read()
    sealed(b, provider, prices=prices)
    b.call("limit-set", name="zai", limit="$1/day")
    status, said = wc.in_child(child, timeout=30)
    assert status == 400 and words in said
    assert provider.requests == []


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("second", [b"model", b"Model", b"mod\\u0065l"])
def test_one_request_names_one_model(b, provider, chunked, second):
    """Counted by the first one's price, answered by the last one's model, as servers take it."""
    body = b'{"model":"cheap","messages":["' + b"x" * 40000 + b'"],"%s":"dear"}' % second
    goes_nowhere(b, provider, body, chunked, b"two models")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("spoiler", [b"'a'", b"+1", b'"\n"', b"1,,"], ids=["quotes", "sign", "control", "comma"])
def test_a_body_that_is_no_json_names_no_model(b, provider, chunked, spoiler):
    """Behind what the relay's reader stops at, a lenient server finds another model."""
    body = b'{"model":"cheap","messages":["' + b"x" * 40000 + b'"],"n":%s,"model":"dear"}' % spoiler
    goes_nowhere(b, provider, body, chunked, b"no JSON")


def test_who_cuts_the_way_to_the_provider_reaches_the_limit_all_the_same(b, provider):
    """A session names the proxy of its relay: that one ends the connection when the request has passed."""
    provider.reply = lambda wire, _: wire.sock.close()
    body = json.dumps({"model": "claude-asked-1", "max_tokens": 20000, "messages": ["x" * 3000]}).encode()

    def child():
        with Session(b, provider) as s:
            return [s.post(body).status for _ in range(6)]
    sealed(b, provider)
    b.call("limit-set", name="zai", limit="50k/day")
    statuses = wc.in_child(child, timeout=30)
    assert statuses == [502, 502, 502, 429, 429, 429]
    assert len(provider.requests) == 3
    assert used(b)["output"] == 60000 and used(b)["estimated"] == 3


def test_inside_a_session_the_key_that_is_counted_goes_along(b, provider):
    """A gateway may take its own key alone, which is sent in a further header and counted by itself."""
    policy, origin = "delivery=relay nested=use", origin_of(provider)
    sealed(b, provider, policy=policy)
    b.put("gate", "sk-gate-0123456789", policy, origin, "header:x-gate")
    b.call("limit-set", name="zai", limit="1/day")
    own = {"name": "zai", "variable": wc.VARIABLE, "origin": origin}
    gate = {"name": "gate", "variable": "header:x-gate", "origin": origin}

    def child():
        with Session(b, provider, entries=[own, gate]) as s:
            said = []
            for entries in ([gate], [gate, own], [own]):
                with b.connect() as c:
                    reply = c.ask("open", **{**wc.open_fields(delivery="relay", ticket=s.ticket), "entries": entries})
                    said.append(reply.get("error", "granted"))
            return said
    assert wc.in_child(child, timeout=30) == ["marked", "granted", "granted"]


def test_a_free_models_answers_say_nothing_of_anothers_cost(b):
    def reply(wire, request):
        if b"free" in request.body:
            body = message("free", [{"type": "text", "text": "hello"}], "end_turn")
            body["usage"]["cost"] = 0
            wire.sock.sendall(answer(body))
            return
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]) + chunk(b": " + b"x" * 200_000 + b"\n\n"))
        time.sleep(30)

    def counted():
        with b.connect() as c:
            return c.call("spent-today", name="zai").get("requests")

    def child():
        statuses, n = [], 0
        with Session(b, provider) as s:
            for n in range(1, 9, 2):
                assert s.post(b'{"model":"free"}').status == 200
                c = UnixConnection(s.path)
                c.request("POST", "/v1/messages", b'{"model":"dear","stream":true}', {"Content-Type": "application/json"})
                statuses.append(c.getresponse().status)
                c.close()
                until(lambda: statuses[-1] != 200 or counted() == n + 1, what="the numbers of what was cut off")
        return statuses
    with Provider(reply) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="$0.01/day")
        assert wc.Child(child).result(60) == [200, 200, 200, 429]


DEAR = {"model": "dear", "input": 3000000, "output": 15000000}
CHEAP = {"model": "*", "input": 1, "output": 1}
BODY = b'{"model":"dear","max_tokens":50000}'
FAR = b'{"max_tokens":50000,"messages":["' + b"x" * 70000 + b'"],"model":"dear"}'


def send(path, body, chunked):
    c = UnixConnection(path)
    headers = {"Content-Type": "application/json", **({"Transfer-Encoding": "chunked"} if chunked else {})}
    # In chunks, the model's name is cut in two.
    c.request("POST", "/v1/messages", iter([body[:13], body[13:]]) if chunked else body, headers, encode_chunked=chunked)
    return c.getresponse()


def at_once(b, limit, prices, body, chunked=False, sessions=1, n=6, first=None):
    """So many requests, none of which is answered before the last was sent or refused: how many went out,
    the refusals' words, and what all of them cost, in dollars.  first: what an answer before them costs."""
    said = message("dear", [{"type": "text", "text": "hello"}], "end_turn")
    said["usage"].update(input_tokens=10, output_tokens=50000)
    go, arrived = threading.Event(), []
    hear, tell = os.pipe()

    def reply(wire, _request):
        if first and not arrived:
            said["usage"]["cost"] = first
        else:
            go.wait(60)
        arrived.append(1)
        wire.sock.sendall(answer(said))

    def one(path, out):
        r = send(path, body, chunked)
        if r.status != 200:
            assert (r.status, r.getheader("retry-after")) == (429, "5")
            out.append(json.loads(r.read())["error"]["message"])
            os.write(tell, b"x")

    def child():
        words = []
        with Session(b, provider, prices=prices) as s:
            if first:
                assert send(s.path, body, chunked).read()
            threads = [threading.Thread(target=one, args=(s.path, words)) for _ in range(n // sessions)]
            for t in threads:
                t.start()
            for t in threads:
                t.join(60)
        return words
    with Provider(reply) as provider:
        sealed(b, provider, prices=prices)
        b.call("limit-set", name="zai", limit=limit)
        children = [wc.Child(child) for _ in range(sessions)]
        refused = 0
        while len(provider.requests) + refused < n + bool(first):
            refused += len(os.read(hear, n)) if select.select([hear], [], [], 0.1)[0] else 0
        go.set()
        words = [w for c in children for w in c.result(60)]
    os.close(hear)
    os.close(tell)
    return len(provider.requests), words, settled(b, len(provider.requests))["micros"] / 1e6


@pytest.mark.parametrize("chunked", [False, True])
def test_what_names_its_model_is_reserved_by_that_ones_price(b, chunked):
    """In chunks as large as any, since they do not tell their length."""
    went, words, _ = at_once(b, "$1.40/day" if chunked else "$0.14/day", [DEAR], BODY, chunked)
    assert went == 2
    assert all("requests that are under way may use what is left" in w for w in words)


def test_what_does_not_begin_with_its_model_goes_out_alone(b):
    """It may ask for one without a price."""
    went, words, dollars = at_once(b, "$1/day", [DEAR], FAR)
    assert went == 1 and 0.75 < dollars < 0.76
    assert all("a request that does not begin with its model" in w and "goes out alone" in w for w in words)


def test_what_does_not_begin_with_its_model_is_reserved_by_the_dearest_price(b):
    """Where all have one: 23,000 tokens and an answer are $0.13."""
    went, words, _ = at_once(b, "$0.30/day", [DEAR, CHEAP], FAR)
    assert went == 2
    assert all("requests that are under way may use what is left" in w for w in words)


@pytest.mark.parametrize("sessions", [1, 2])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_model_without_a_price_goes_out_alone(b, chunked, sessions):
    went, words, _ = at_once(b, "$10/day", [{**DEAR, "model": "other"}], BODY, chunked, sessions)
    assert went == 1
    assert all("nobody knows yet what 'dear' costs" in w and "another such request of 'zai' is under way" in w
               for w in words)


def test_a_model_whose_answer_told_its_cost_does_not_go_alone(b):
    """The first request's answer says it, the next ones are reserved by that."""
    assert at_once(b, "$10/day", [], BODY, first=0.75)[0] == 7


@pytest.mark.parametrize("body, chunked", [(BODY, False), (BODY, True), (FAR, False)])
def test_without_a_limit_in_money_no_price_is_needed(b, body, chunked):
    assert at_once(b, "2M/day 100/day", [], body, chunked)[0] == 6


def test_chunks_are_as_many_tokens_as_any_body(b):
    went, words, _ = at_once(b, "500k/day", [], BODY, True)
    assert went == 2 and all("requests that are under way" in w for w in words)


def test_what_a_price_makes_of_it(b, provider):
    sealed(b, provider)
    prices = [{"model": "claude-*", "input": 3000000, "output": 15000000, "cache_read": 0, "cache_write": 0}]
    post_once(b, provider, prices=prices)
    tokens = numbers(provider)
    assert settled(b, 1)["micros"] == 3 * tokens[0] + 15 * tokens[1]


def test_a_cost_that_the_provider_reports(b):
    body = message("claude-test-1", [{"type": "text", "text": "hello"}], "end_turn")
    body["usage"]["cost"] = 0.25
    with Provider(answer(body)) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="$0.40/day")
        assert post_once(b, provider)[0] == 200
        assert settled(b, 1)["micros"] == 250000
        assert post_once(b, provider)[0] == 429


def test_a_limit_in_money_is_not_passed_by_cutting_answers_off(b):
    def endless(wire, _request):
        wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]))
        time.sleep(30)

    def counted():
        with b.connect() as c:
            return c.call("spent-today", name="zai").get("requests")

    def child():
        statuses = []
        with Session(b, provider) as s:
            for n in range(1, 6):
                c = UnixConnection(s.path)
                c.request("POST", "/v1/messages", b'{"model":"claude-asked-1"}', {"Content-Type": "application/json"})
                statuses.append(c.getresponse().status)
                c.close()
                until(lambda: statuses[-1] != 200 or counted() == n, what="the numbers of what was cut off")
        return statuses
    with Provider(endless) as provider:
        sealed(b, provider)
        b.call("limit-set", name="zai", limit="$0.01/day")
        assert wc.Child(child).result(30) == [200, 200, 200, 429, 429]
        assert b.call("limit", name="zai")["blind"] and len(provider.requests) == 3


@pytest.mark.parametrize("answering, cached", [("claude-asked-1", 1000), ("another-1", 0), ("another-1", 1000)])
def test_a_limit_in_money_holds_where_an_answer_has_no_whole_price(b, answering, cached):
    """Tokens of a kind without a price, and an answer by another name than was asked for."""
    body = message(answering, [{"type": "text", "text": "hello"}], "end_turn")
    body["usage"].update(input_tokens=10, output_tokens=50000, cache_read_input_tokens=cached)
    prices = [{"model": "claude-*", "input": 3000000, "output": 15000000}]
    with Provider(answer(body)) as provider:
        sealed(b, provider, prices=prices)
        b.call("limit-set", name="zai", limit="$0.70/day")
        assert post_once(b, provider, prices=prices)[0] == 200
        assert settled(b, 1)["micros"] == 3 * (10 + cached) + 15 * 50000
        assert post_once(b, provider, prices=prices)[0] == 429


def test_prices_are_bounded_and_a_session_sets_none(b, provider):
    sealed(b, provider, policy="delivery=relay nested=allow")
    many = [{"model": f"m{i}", "input": 1} for i in range(33)]
    fields = {"delivery": "relay", "origin": "bearer " + provider.url}
    with b.connect() as c:
        assert c.error("open", **wc.open_fields("zai", prices=many, **fields)) == "too-large"
        dear = [{"model": "m", "input": 10**10 + 1}]
        assert c.error("open", **wc.open_fields("zai", prices=dear, **fields)) == "bad-value"
        for model in ("", "a b", "a\nb", "a*b", "ü"):
            odd = [{"model": model, "input": 1, "output": 1}]
            assert c.error("open", **wc.open_fields("zai", prices=odd, **fields)) == "bad-value"
        assert c.error("open", **wc.open_fields("zai", project="a\nb", **fields)) == "bad-value"
        assert c.error("open", **wc.open_fields("zai", project="a" * 201, **fields)) == "too-large"

    def marked():
        wc.mark()
        with b.connect() as c:
            c.call("open", **wc.open_fields("zai", prices=[{"model": "*", "input": 0, "output": 0}], **fields))
    price = [{"model": "claude-*", "input": 10**6, "output": 10**6, "cache_read": 0, "cache_write": 0}]
    with b.connect() as c:
        c.call("open", **wc.open_fields("zai", prices=price, **fields))
    wc.in_child(marked)
    assert post_once(b, provider)[0] == 200
    assert settled(b, 1)["micros"] == sum(numbers(provider))


# ---- prices that were not sealed --------------------------------------

PRICE = [{"model": "claude-*", "input": 3000000, "output": 15000000}]
LOWER = [{"model": "claude-*", "input": 1, "output": 1}]


def asked(b, provider, **more):
    """The error of an `open` from outside any session, or None."""
    with b.connect() as c:
        reply = c.raw(wc.request("open", **wc.open_fields("zai", delivery="relay", origin=origin_of(provider), **more)))
        return None if reply["ok"] else reply["error"]


@pytest.mark.parametrize("limit, refused", [("off", False), ("5M/day 200/hour", False), ("$5/day", True), ("5M/day $5/week", True)])
def test_other_prices_than_the_sealed_ones(b, provider, limit, refused):
    """A limit in money counts by them, any other does not.  What is compared is what would count."""
    sealed(b, provider, prices=PRICE)
    b.call("limit-set", name="zai", limit=limit)
    twice = [*LOWER, *PRICE]
    hidden = [{"model": "claude-3", "input": 1, "output": 1}, *PRICE]
    for prices in ([], LOWER, twice, hidden, PRICE + PRICE):
        assert asked(b, provider, prices=prices) == ("origin" if refused else None)
    assert asked(b, provider) == ("origin" if refused else None), "none at all"
    assert asked(b, provider, prices=PRICE) is None
    b.call("approve", name="zai", policy="delivery=relay", origin=origin_of(provider), variable=wc.VARIABLE)
    assert asked(b, provider, prices=PRICE) == ("origin" if refused else None)
    assert asked(b, provider) is None and asked(b, provider, prices=[]) is None


def test_a_limit_in_money_does_not_count_by_what_came_before_it(b):
    """Prices that nobody sealed came while nothing counted by them: of that session, and of one inside it."""
    body = message("claude-asked-1", [{"type": "text", "text": "hello"}], "end_turn")
    body["usage"].update(input_tokens=10, output_tokens=50000)
    low, high, go, told = *os.pipe(), *os.pipe()

    def child():
        with Session(b, provider, prices=LOWER) as outer:
            first = outer.post().status
            with Session(b, provider, prices=PRICE, ticket=outer.ticket) as inside:
                before = inside.post().status
                os.write(high, b"x")
                os.read(go, 1)
                return first, before, outer.post(), [inside.post() for _ in range(3)]
    with Provider(answer(body)) as provider:
        sealed(b, provider, policy="delivery=relay nested=use", prices=PRICE)
        c = wc.Child(child)
        os.read(low, 1)
        b.call("limit-set", name="zai", limit="$0.70/day")
        os.write(told, b"x")
        first, before, outer, inside = c.result(30)
    assert (first, before) == (200, 200)
    assert outer.status != 200 and b"ccctl approve zai" in outer.data
    # the cost of one is not known, and then none passes
    assert [r.status for r in inside][-1] == 429 and b"[prices]" in inside[-1].data, [(r.status, r.data) for r in inside]
    assert len(provider.requests) <= 3


# ---- the requests about it ---------------------------------------------

def test_a_limit_gets_tighter_without_a_person(b, provider):
    sealed(b, provider)
    assert b.call("limit", name="zai")["limit"] == "off"
    for limit in ("5M/day", "4M/day", "4M/day $10/day", "4M/day $10/day 200/hour"):
        b.call("limit-set", name="zai", limit=limit)
        assert b.call("limit", name="zai")["limit"] == limit
    entry, = b.call("list", after="")["entries"]
    assert entry["policy"].endswith(" limit=4M/day,$10/day,200/hour")


@pytest.mark.parametrize("limit", ["off", "5M/day", "4M/hour", "$10/day"])
def test_a_limit_is_not_raised_without_a_person(b, provider, limit):
    sealed(b, provider)
    b.call("limit-set", name="zai", limit="4M/day")
    with pytest.raises(wc.Refused):
        b.call("limit-set", name="zai", limit=limit)
    assert b.call("limit", name="zai")["limit"] == "4M/day"
    assert any(e["event"] == "limit-set" and e["result"] == "person" for e in b.lines())
    with b.connect() as c:
        assert c.prove(b.person.slot, b.person.key)["ok"] and c.call("limit-set", name="zai", limit=limit)
    assert b.call("limit", name="zai")["limit"] == limit


def test_what_seals_an_entry_again_keeps_its_limit(b, provider):
    sealed(b, provider)
    b.call("limit-set", name="zai", limit="4M/day")
    with pytest.raises(wc.Refused):
        b.call("limit-set", name="nobody", limit="4M/day")
    b.call("approve", name="zai", policy="delivery=relay", origin="bearer " + provider.url, variable=wc.VARIABLE)
    assert b.call("limit", name="zai")["limit"] == "4M/day"


@pytest.mark.parametrize("delivery", ["preload", "pipe", "env"])
def test_with_a_limit_a_key_goes_to_a_relay_alone(b, delivery):
    b.put("zai", "a-token-of-some-length", "delivery=env")
    b.call("limit-set", name="zai", limit="4M/day")
    with b.connect() as c, pytest.raises(wc.Refused) as e:
        c.open(delivery=delivery)
    assert e.value.error == "policy" and "limit" in e.value.message


def test_locked_and_from_inside_a_session(b, provider):
    sealed(b, provider)
    post_once(b, provider)
    settled(b, 1)
    b.call("lock")
    assert used(b)["requests"] == 1
    assert b.error("limit", name="zai") == "locked"

    def marked():
        wc.mark()
        with b.connect() as c:
            today = c.call("spent-today", name="zai")
            return (c.error("spent", **{"from": 0}), c.error("limit-set", name="zai", limit="1/day"),
                    today["counted"], today["requests"], set(today) & {"model", "project"},
                    c.call("spent-today", name="other")["counted"])
    assert wc.in_child(marked) == ("marked", "marked", True, 1, set(), False)


def test_pages(b, provider):
    sealed(b, provider)
    post_once(b, provider)
    settled(b, 1)
    reply = b.call("spent", **{"from": 0})
    assert reply["next"] == 1 and not reply["more"]
    assert b.call("spent", **{"from": 1})["rows"] == []
    assert b.call("spent", **{"from": 2**63})["rows"] == []
    assert b.call("spent", **{"from": 0}, since=99991231)["rows"] == []


@pytest.fixture
def gate(b, provider):
    """A gateway's key, in a further header; as `entries` of `open` have it."""
    origin = origin_of(provider)
    b.put("gate", "another-token-0123456789", "delivery=relay", origin, "header:x-gate")
    return {"name": "gate", "variable": "header:x-gate", "origin": origin}


def test_a_further_headers_key_alone_has_its_limit(b, provider, gate):
    """A gateway may have the provider's key itself, and want its own alone."""
    b.call("limit-set", name="gate", limit="1/day")
    assert post_once(b, provider, entries=[gate])[0] == 200
    settled(b, 1)
    assert post_once(b, provider, entries=[gate])[0] == 429
    assert {r["entry"] for r in b.call("spent", **{"from": 0})["rows"]} == {"gate"} and len(provider.requests) == 1


@pytest.mark.parametrize("first", [True, False])
def test_a_limit_is_not_left_behind_where_another_key_is_counted(b, provider, gate, first):
    sealed(b, provider)
    b.call("limit-set", name="gate", limit="1/day")
    own = {"name": "zai", "variable": wc.VARIABLE, "origin": origin_of(provider)}
    with b.connect() as c:
        r = c.ask("open", **{**wc.open_fields(delivery="relay"), "entries": [gate, own] if first else [own, gate]})
    assert (r["error"], r["hint"]) == ("policy", "ccctl limit gate off, and one for zai")


def test_a_further_key_in_front_does_not_get_round_the_limit(b, provider, gate):
    sealed(b, provider)
    b.call("limit-set", name="zai", limit="1/day")
    entries = [gate, {"name": "zai", "variable": wc.VARIABLE, "origin": origin_of(provider)}]
    assert post_once(b, provider, entries=entries)[0] == 200
    settled(b, 1)
    assert post_once(b, provider, entries=entries)[0] == 429
    assert {r["entry"] for r in b.call("spent", **{"from": 0})["rows"]} == {"zai"}


@pytest.mark.parametrize("said", [TOKEN, f"claude/{TOKEN}", TOKEN[:9] + f"\\u{ord(TOKEN[9]):04x}" + TOKEN[10:]])
def test_no_key_is_counted_as_a_model(b, provider, said):
    """A provider that repeats the key where an answer names its model; in JSON's letters too."""
    provider.reply = provider.reply.split(b"\r\n\r\n", 1)[1]
    model = json.loads(provider.reply)["model"]
    provider.reply = answer(provider.reply.replace(json.dumps(model).encode(), f'"{said}"'.encode()))
    sealed(b, provider)
    assert post_once(b, provider)[0] == 200
    settled(b, 1)
    row, = b.call("spent", **{"from": 0})["rows"]
    assert row["model"] == json.loads(f'"{said}"').replace(TOKEN, "*" * len(TOKEN))
    assert not [p for p in b.root.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]


def key_as_model(wire, _request):
    """A stream whose beginning names the key as its model, and that goes on and on."""
    start = json.dumps({"type": "message_start", "message": message(TOKEN, [], None)})
    wire.sock.sendall(STREAM_HEAD + chunk(f"event: message_start\ndata: {start}\n\n".encode()))
    time.sleep(60)


@pytest.mark.parametrize("end", ["a lock", "its person", "its own", "the client"])
def test_no_key_is_counted_as_the_model_of_what_was_cut_off(b, end):
    """The relay wipes the key first, and then says what was under way."""
    hear, say = os.pipe()
    on, tell = os.pipe()

    def child():
        with Session(b, provider) as s:
            c = cut_off(s, b'{"model":"claude-asked-1","stream":true}', 40)
            os.write(say, b"x")
            os.read(on, 1)
            if end == "the client":
                c.close()
                os.read(on, 1)
    with Provider(key_as_model) as provider:
        sealed(b, provider)
        c = wc.Child(child)
        os.read(hear, 1)
        if end == "a lock":
            b.call("lock")
        elif end == "its person":
            b.call("session-end", session=b.call("sessions", after=0)["sessions"][0]["id"])
        else:
            os.write(tell, b"x")
        settled(b, 1)
        os.write(tell, b"xx")
        c.result(30)
        row, = b.call("spent", **{"from": 0})["rows"]
    # Where the relay still knew the key, as it reads; else what was asked for.
    known = {"the client": [True], "its own": [True, False]}.get(end, [False])
    assert row["model"] in ["*" * len(TOKEN) if k else "claude-asked-1" for k in known]
    assert not [p for p in b.root.rglob("*") if p.is_file() and TOKEN.encode() in p.read_bytes()]
