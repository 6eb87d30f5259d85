"""A relay all of whose memory or places are taken: a request that has stopped goes, one that goes on stays."""
import select
import threading
import time

import pytest

from relay_broker import MESSAGE, Provider, Relay, answer, until

STILL = 30       # seconds: relay/pair_places.c
CROWD = 60       # more than there are places for
BODY = b'{"model":"m","max_tokens":9,"messages":[]}'
HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
STOPPED = HEAD % len(BODY) + BODY[:-1]


@pytest.fixture
def provider():
    """It answers when `ready` is set, where the model is `late`."""
    ready = threading.Event()

    def reply(wire, request):
        if b"late" in request.body:
            ready.wait(4 * STILL)
        wire.sock.sendall(answer(MESSAGE))
    with Provider(reply) as p:
        p.ready = ready
        yield p
        ready.set()


def begun(relay, data):
    s = relay.raw()
    s.sendall(data)
    return s


def answers(crowd):
    """Those that have one."""
    return {s.recv(4096) for s in crowd if select.select([s], [], [], 0)[0]}


def drips(s, over):
    """A byte of the body every two seconds, for as long as another request waits."""
    for i in range(1, len(BODY)):
        if over.wait(2):
            s.sendall(BODY[i:])
            return
        s.sendall(BODY[i:i + 1])


def asks_again(relay):
    """As the client does after a 503: how often until it is served."""
    asked = []

    def served():
        asked.append(relay.post().status)
        return asked[-1] == 200 or time.sleep(1)
    until(served, "no request is served any more", 3 * STILL)
    return len(asked)


def test_bodies_that_stop_have_the_memory(provider):
    """Who waits for its answer, and whose body comes slowly, is not ended for the next one."""
    over = threading.Event()
    with Relay(provider.url) as relay:
        late = begun(relay, HEAD % 16 + b'{"model":"late"}')
        until(lambda: provider.requests, "the request of which the answer is late")
        steady = begun(relay, HEAD % len(BODY) + BODY[:1])
        until(lambda: provider.connections == 2, "the request of which the body comes slowly")
        dripping = threading.Thread(target=drips, args=(steady, over))
        dripping.start()
        crowd = [begun(relay, STOPPED) for _ in range(CROWD)]
        assert asks_again(relay) > 1
        over.set()
        provider.ready.set()
        dripping.join()
        assert {s.recv(100)[:12] for s in (late, steady)} == {b"HTTP/1.1 200"}
        ended = [a for a in answers(crowd) if a.startswith(b"HTTP/1.1 408")]
        assert ended and b"body stopped" in ended[0]
        stopped = [m for m in relay.of("use") if m["bytes"] == len(BODY) - 1]
        assert stopped and all(m["billed"] and not m["complete"] for m in stopped)
