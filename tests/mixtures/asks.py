#!/usr/bin/python3
"""A client that stays: a request for each line that it reads, and its status in a line."""
import os
import socket
import sys
from http.client import HTTPConnection

BODY = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'

print("up", flush=True)
for _ in sys.stdin:
    c = HTTPConnection("ccrun.invalid")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(os.environ["ANTHROPIC_UNIX_SOCKET"])
    c.request("POST", "/v1/messages", BODY, {"content-type": "application/json"})
    answer = c.getresponse()
    print(answer.status, answer.read().decode().replace("\n", " "), flush=True)
