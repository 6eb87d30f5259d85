"""The broker and ccrun-relay themselves, without a part that the test plays: a session's
requests reach the provider with the key, for as long as the broker lets them.

Run it as an ordinary user: what it looks at is meaningless for root."""
import pytest

import canary
import wire_client as wc
from client import until
from played_relay import Session
from relay_broker import Provider, answer

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()


@pytest.fixture
def provider():
    with Provider(answer({"data": []})) as p:
        yield p


@pytest.fixture
def session(fresh, provider):
    origin = f"bearer {provider.url}"
    fresh.init()
    fresh.put("local", TOKEN, origin=origin)
    entries = [{"name": "local", "variable": wc.VARIABLE, "origin": origin}]
    with Session(fresh, "local", entries=entries) as s:
        s.relay()
        s.mark()
        yield s


def keys(provider):
    return [r.headers["authorization"] for r in provider.requests]


def test_a_request_goes_with_the_key(session, provider, fresh):
    status, body = session.get()
    assert (status, body) == (200, b'{"data": []}')
    assert keys(provider) == ["Bearer " + TOKEN]
    assert [(e["result"], e.get("why")) for e in fresh.lines() if e["event"] == "release"] == [
        ("granted", "to the session's relay")]
    [one] = fresh.call("sessions", after=0)["sessions"]
    assert one["has_value"] and one["pid"] == session.pid


def test_a_lock_stops_it_and_an_unlock_lets_it_go_on(session, provider, fresh):
    assert session.get()[0] == 200
    fresh.call("lock")
    status, body = session.get()
    assert status == 503 and b"locked" in body and b'"error"' in body, (status, body)
    fresh.unlock()
    assert session.get()[0] == 200
    assert keys(provider) == ["Bearer " + TOKEN] * 2


def test_an_ended_session_sends_nothing_any_more(session, provider, fresh):
    assert session.get()[0] == 200
    fresh.call("session-end", session=session.id)
    status, body = session.get()
    assert status >= 400 and b"ended" in body, (status, body)
    assert len(provider.requests) == 1


def test_a_replaced_key_is_used_from_the_next_request_on(session, provider, fresh):
    other = canary.new_token()
    assert session.get()[0] == 200
    fresh.put("local", other, origin=f"bearer {provider.url}", replace=True)
    assert session.get()[0] == 200
    assert keys(provider) == ["Bearer " + TOKEN, "Bearer " + other]


def test_what_is_refused_is_on_record(session, provider, fresh):
    status, _ = session.get("/v1/organizations/api_keys")
    assert status >= 400 and provider.requests == []
    until(lambda: [e for e in fresh.lines() if e["event"] == "request"], what="the refusal on record")
    assert fresh.call("sessions", after=0)["sessions"][0]["refusals"] == 1


def test_it_ends_with_the_session(session, fresh):
    assert session.get()[0] == 200
    session.end()
    until(lambda: not fresh.call("sessions", after=0)["sessions"], what="the session's end")
    assert [(e["requests"], e["refused"]) for e in fresh.lines() if e["event"] == "end"] == [(0, 0)]


def test_another_process_uses_it_not(session, provider):
    """Not even the user's own, which may connect."""
    with session.connect() as s:
        s.sendall(b"GET /v1/models HTTP/1.1\r\nHost: ccrun.invalid\r\nConnection: close\r\n\r\n")
        said = b""
        try:
            while part := s.recv(65536):
                said += part
        except ConnectionResetError:
            pass
    assert b" 200 " not in said and provider.requests == []
