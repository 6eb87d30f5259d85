#!/usr/bin/python3
"""A session whose key a relay uses, without ccrun and the client: a program that never
had a token.  It opens the session with the system broker, and for each line on its
standard input it asks the provider something, through the relay.

    relay_session.py SOCKET DIRECTORY ENTRY ORIGIN

Each answer is a line of JSON: {"status": 200, "body": "..."}, or {"error": "..."}.
"""
import http.client
import json
import os
import socket
import sys

from wire_client import Client, Refused, mark, open_fields, request, unpack


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("ccrun.invalid", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def listen(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    listener.setblocking(False)
    listener.bind(path)
    listener.listen(16)
    return listener


def start(broker, path, entry, origin):
    """The session, or what the broker refuses it for."""
    with Client(broker) as c:
        c.call("open", **open_fields(entry, origin=origin, delivery="relay"))
        with listen(path) as listener:
            c.send(request("relay", proxy="", no_proxy=""), [listener.fileno()])
            reply = unpack(c.recv())
        if not reply["ok"]:
            raise Refused(reply["error"], reply["message"], reply["hint"])
    mark()


def ask(path, text):
    body = json.dumps({"model": "claude-test", "max_tokens": 64, "tools": [{"name": "Bash"}],
                       "messages": [{"role": "user", "content": text}]})
    connection = Unix(path)
    connection.request("POST", "/v1/messages", body,
                       {"content-type": "application/json", "authorization": "Bearer placeholder",
                        "anthropic-version": "2023-06-01"})
    answer = connection.getresponse()
    return {"status": answer.status, "body": answer.read().decode()}


def answer(function, *args):
    try:
        said = function(*args) or {}
    except Refused as e:
        said = {"error": e.error, "message": e.message, "hint": e.hint}
    except OSError as e:
        said = {"error": str(e)}
    print(json.dumps(said), flush=True)
    return said


def main():
    broker, directory, entry, origin = sys.argv[1:]
    path = os.path.join(directory, f"relay-{os.getpid()}.sock")
    if "error" in answer(start, broker, path, entry, origin):
        return
    for line in sys.stdin:
        answer(ask, path, line.strip())


main()
