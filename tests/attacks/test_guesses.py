"""A session has its provider repeat guesses, and watches how the answer comes through the relay,
which looks for the key in it: that must tell nothing of which guess begins the key."""
import itertools
import socket
import string

import pytest

import wire_client as wc
from relay_broker import TOKEN, Provider, chunk
from relayed import Session, sealed

SIZE = 1000  # bytes of the provider's chunks
BEFORE = b'{"type":"error","error":{"message":"there is no model '
GUESSES = string.ascii_letters + string.digits + "-_."


def repeat(wire, request):
    """As many servers do, with words of the request in an error's text; a buffer of SIZE bytes at a time."""
    body = BEFORE + request.body + b'"}}'
    pieces = [body[i:i + SIZE] for i in range(0, len(body), SIZE)]
    wire.sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, pieces)) + chunk(b""))


def chunks_of_answer(path, body):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        got = b"".join(iter(lambda: s.recv(65536), b""))
    rest, chunks = got.split(b"\r\n\r\n", 1)[1], []
    while not rest.startswith(b"0\r\n"):
        size, rest = rest.split(b"\r\n", 1)
        chunks.append(rest[:int(size, 16)])
        rest = rest[len(chunks[-1]) + 2:]
    return chunks


def guess_next(path, known):
    """Each guess ends a chunk of the provider's.  The one that is held back there begins the key, if no other
    is."""
    at, body = len(BEFORE), b""
    for letter in GUESSES:
        body += (known + letter).encode().rjust(SIZE - at)
        at = 0
    ends = set(itertools.accumulate(map(len, chunks_of_answer(path, body))))
    held = [letter for i, letter in enumerate(GUESSES, 1)
            if i * SIZE not in ends and i * SIZE - len(known) - 1 in ends]
    return held[0] if len(held) == 1 else None


@pytest.mark.parametrize("known", [0, 12, len(TOKEN) - 2])
def test_nothing_of_the_key_is_guessed_from_what_is_held_back(known):
    """known: letters of the key, by whatever way: a provider's keys begin alike."""
    def attack():
        with Session(b, provider) as s:
            return guess_next(s.path, TOKEN[:known])
    with wc.Broker() as b, Provider(repeat) as provider:
        b.init()
        sealed(b, provider)
        assert wc.in_child(attack, timeout=60) is None


def test_the_key_itself_is_overwritten_where_it_is_repeated():
    """Across chunks, and behind text of the same kind of letters."""
    def attack():
        with Session(b, provider) as s:
            at = SIZE - len(BEFORE)
            body = b" " * (at - 20) + TOKEN.encode() + b"x" * 3000 + TOKEN.encode() + b" "
            return b"".join(chunks_of_answer(s.path, body)).decode()
    with wc.Broker() as b, Provider(repeat) as provider:
        b.init()
        sealed(b, provider)
        said = wc.in_child(attack, timeout=60)
        assert said == (BEFORE.decode() + " " * (SIZE - len(BEFORE) - 20) + "*" * len(TOKEN) + "x" * 3000
                        + "*" * len(TOKEN) + ' "}}')
