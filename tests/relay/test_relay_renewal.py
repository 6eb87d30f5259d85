"""ccrun-relay and a key that its provider refuses: it is renewed, and the request goes out once more."""
import json
import threading

import pytest

from relay_broker import MESSAGE, STREAM, STREAM_HEAD, TOKEN, Provider, Relay, answer, chunk, read_to_end, until

NEWER = TOKEN.replace("0", "9")
REFUSED = answer({"type": "error", "error": {"type": "authentication_error", "message": "its own words"}}, status=401)
GONE = {"error": "no-value", "message": "nobody can fetch the key anew", "hint": "another launch"}
LARGE = json.dumps({"model": "claude-asked-1", "x": "y" * 3_000_000}).encode()


class Keys:
    """A provider that takes NEWER alone.  together: so many are refused at once."""

    def __init__(self, together=1):
        self.barrier = threading.Barrier(together)
        self.meanwhile = None  # called with a request before it is refused
        self.seen = []

    def __call__(self, wire, request):
        key = request.headers["authorization"].removeprefix("Bearer ")
        self.seen.append(key)
        if key == NEWER:
            wire.sock.sendall(answer(MESSAGE))
            return
        self.barrier.wait(20)
        if self.meanwhile:
            self.meanwhile(request)
        wire.sock.sendall(REFUSED)


@pytest.fixture
def keys():
    return Keys()


@pytest.fixture
def provider(keys):
    with Provider(keys) as p:
        yield p


BODIES = {"small": b'{"model":"claude-asked-1"}', "large": LARGE, "in pieces": iter([LARGE[:5], LARGE[5:]])}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_refused_key_is_renewed(provider, keys, body):
    with Relay(provider.url, renewed=[(NEWER,)]) as relay:
        response = relay.post(body=body)
        assert (response.status, json.loads(response.data)) == (200, MESSAGE)
        assert keys.seen == [TOKEN, NEWER]
        first, second = provider.requests
        assert first.line == second.line and first.body == second.body
        assert len(relay.of("renew")) == 1
        use = relay.wait("use")
        assert (use["status"], use["model"]) == (200, MESSAGE["model"])
        # The next one begins with it.
        assert relay.post().status == 200 and keys.seen[2:] == [NEWER]
        relay.wait("use", 2)
        assert len(relay.of("use")) == 2, "the refused try is none"


def ask_at_once(relay, n):
    """Each over a connection of its own; their answers are to be awaited."""
    asked = [relay.connect() for _ in range(n)]
    for c in asked:
        c.request("POST", "/v1/messages", b'{"model":"m"}')
    return asked


def statuses(asked):
    return [Relay.finish(c, c.getresponse(), None).status for c in asked]


def test_several_that_are_refused_at_once_renew_it_once():
    with Provider(Keys(together=3)) as provider, Relay(provider.url, renewed=[None]) as relay:
        asked = ask_at_once(relay, 3)
        relay.wait("renew")
        until(lambda: len(provider.requests) == 3)
        relay.give_value([NEWER])
        assert statuses(asked) == [200] * 3
        assert len(relay.of("renew")) == 1


def test_one_that_is_refused_after_the_renewal_asks_for_none(provider, keys):
    """It was sent with the one before."""
    late = threading.Event()
    keys.meanwhile = lambda request: b"late" not in request.body or late.wait(20)
    with Relay(provider.url, renewed=[(NEWER,)]) as relay:
        slow = relay.connect()
        slow.request("POST", "/v1/messages", b'{"model":"late"}')
        until(lambda: keys.seen == [TOKEN])
        assert relay.post().status == 200
        late.set()
        assert statuses([slow]) == [200]
        assert keys.seen == [TOKEN, TOKEN, NEWER, NEWER] and len(relay.of("renew")) == 1


def test_it_stays_refused(provider, keys):
    """Whoever kept a newer one tells so; else the provider's own words are passed on."""
    with Relay(provider.url, renewed=[GONE]) as relay:
        response = relay.post()
        assert response.status == 401 and b"its own words" in response.data
        assert relay.post().status == 401
        assert len(relay.of("renew")) == 2 and keys.seen == [TOKEN] * 2
    with Relay(provider.url, renewed=[{**GONE, "error": "source", "message": "pass has ended"}]) as relay:
        response = relay.post()
        assert response.status == 401 and b"pass has ended" in response.data and b"own words" not in response.data


def test_the_second_refusal_is_the_answer(provider, keys):
    other = TOKEN.replace("1", "8")
    with Relay(provider.url, renewed=[(other,)]) as relay:
        response = relay.post()
        assert response.status == 401 and b"its own words" in response.data
        assert keys.seen == [TOKEN, other] and len(relay.of("renew")) == 1


def test_without_who_could_renew_it_nothing_is_kept(provider, keys):
    with Relay(provider.url) as relay:
        assert relay.post().status == 401
        assert keys.seen == [TOKEN] and not relay.of("renew")


def test_what_is_too_large_to_be_kept_is_to_be_sent_again(provider, keys):
    with Relay(provider.url, renewed=[(NEWER,)]) as relay:
        response = relay.post(body=LARGE * 2)
        assert response.status == 503 and b"the key was renewed: try again" in response.data
        assert response.headers["retry-after"] == "1"
        assert relay.post(body=LARGE * 2).status == 200
        assert keys.seen == [TOKEN, NEWER]


def test_an_answer_that_begins_before_all_of_it_was_sent_again():
    """What still waits is sent, though the answer has begun."""
    bodies = []

    def begin(wire):
        request = wire.head()
        if request.headers["authorization"].endswith(NEWER):
            wire.sock.sendall(STREAM_HEAD + chunk(STREAM[0]))
            bodies.append(wire.body(request.headers))
            wire.sock.sendall(b"".join(map(chunk, STREAM[1:])) + chunk(b""))
        else:
            wire.body(request.headers)
            wire.sock.sendall(REFUSED)

    with Provider(begin=begin) as provider, Relay(provider.url, renewed=[(NEWER,)]) as relay:
        response = relay.post(body=LARGE)
        assert response.status == 200 and response.data == b"".join(STREAM)
        assert bodies == [LARGE]


def test_a_lock_while_it_is_renewed_ends_the_request(provider):
    with Relay(provider.url, renewed=[None, GONE]) as relay:
        asked, = ask_at_once(relay, 1)
        relay.wait("renew")
        relay.wipe()
        assert read_to_end(asked.sock) == b""
        asked.close()
        relay.give("no-value", error="locked", message="the vault is locked", hint="")
        assert relay.post().status == 401
        assert len(relay.of("value")) == 2, "the key is asked for again"
