"""What older programs said, as record.py found it: dialogues/NAME.json.

    said("first")                     # rows of a Row
    with older_broker("first", path): # answers as that one did, for the ccctl of today
"""
import json
import os
import signal
from collections import namedtuple
from contextlib import contextmanager
from pathlib import Path

import msgpack

import wire_client as wc
from client import until
from played_broker import listening

HERE = Path(__file__).resolve().parent
Row = namedtuple("Row", "connection verb packet request answer")
UNKNOWN = {"v": 1, "ok": False, "error": "unknown-op", "message": "unknown request", "hint": "programs of one version belong together"}


def versions():
    """{name: commit} of those that are kept, the oldest first."""
    lines = (HERE / "versions").read_text().splitlines()
    return dict(line.split()[:2] for line in lines if line and not line.startswith("#"))


def said(name):
    return rows(HERE / f"dialogues/{name}.json")


def rows(path):
    return [Row(number, verb, bytes.fromhex(packet), msgpack.unpackb(bytes.fromhex(packet)),
                msgpack.unpackb(bytes.fromhex(answer))) for number, verb, packet, answer in json.loads(path.read_text())]


def shape(value):
    """Types, and of an array what its first item has."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value[:1]]
    return type(value).__name__


def has(new, old):
    """Is all of the old shape in the new one?  Of an empty array nothing can be told."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(k in new and has(new[k], old[k]) for k in old)
    if isinstance(old, list):
        return isinstance(new, list) and (not old or not new or has(new[0], old[0]))
    return new == old


@contextmanager
def older_broker(name, path, newer=False, **others):
    """A process in that one's place, with an open vault.  newer: of a protocol to come, which answers nothing else;
    others: what else it answers an op."""
    answers = {row.request["op"]: row.answer for row in said(name) if row.answer["ok"]}
    state = next(row.answer for row in said(name) if row.request["op"] == "hello" and row.answer["state"] == "unlocked")
    answers.update({"hello": state, **{op: {**state, **answer} for op, answer in others.items()}})

    def serve(peer):
        while packet := peer.recv(wc.PACKET_MAX):
            answer = answers.get(msgpack.unpackb(packet)["op"], UNKNOWN)
            if newer:
                answer = {"v": 2, "ok": False, "error": "newer", "message": "protocol version 1", "hint": ""}
            peer.send(wc.pack(**answer))

    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        with listening(str(path), serve):
            while True:
                signal.pause()
    try:
        until(path.exists)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
