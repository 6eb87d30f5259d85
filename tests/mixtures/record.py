"""What an older ccctl and ccrun say to their broker, and what that answers: into a file that the
suite plays to the broker of today (test_older_programs.py).

    record.py PREFIX FILE      PREFIX: where the older programs were built

Between the two is a process that passes on what it hears; the broker takes it for the client, and the
client takes it for the broker.
"""
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]

# pylint: disable=wrong-import-position
import msgpack

import wire_client as wc
from ccrun import Ccrun
from client import until
from played_broker import listening

PASSPHRASE = "correct horse battery staple"
TOKEN = "an-older-key-0123456789abcdef"
# For each word list: what else the person gives.
VERBS = [("init",), ("status",), ("add", "demo"), ("keys",), ("list",), ("get", "demo"), ("settings",),
         ("settings", "idle=1h"), ("slot", "list"), ("log",), ("lock",), ("unlock",), ("rename", "demo", "other"),
         ("rename", "other", "demo"), ("backup", "copy"), ("sessions",)]
SKIPPED = {"record"}  # parts of a file, which a person's tools read


class Recorder:
    """What passes: [connection, verb, request, answer], both in hexadecimal."""

    def __init__(self, real):
        self.real, self.said, self.verb, self.connections = real, [], "", 0
        self.lock = threading.Lock()

    def serve(self, peer):
        with self.lock:
            self.connections += 1
            number = self.connections
        with wc.Client(self.real, person=None) as broker:
            while packet := peer.recv(wc.PACKET_MAX):
                broker.send(packet)
                answer = broker.recv()
                if not packet.startswith(wc.MAGIC) and msgpack.unpackb(packet)["op"] not in SKIPPED:
                    self.said.append([number, self.verb, packet.hex(), answer.hex()])
                peer.send(answer)


def serve(socket_path, real, control):
    """A process of its own: the client wants an undumpable one.  A word is the next verb; the end, all."""
    recorder = Recorder(real)
    with listening(str(socket_path), recorder.serve):
        control.send(b"ready")
        while word := control.recv(100):
            recorder.verb = word.decode()
            control.send(b"ok")
    control.send(json.dumps(recorder.said).encode())
    os._exit(0)


def play(c, control):
    for words in VERBS:
        control.send(" ".join(words).encode())
        control.recv(10)
        more = {"input": TOKEN + "\n"} if words[0] == "add" else {}
        if words[0] in ("init", "unlock"):
            c.with_passphrase(*words)
        else:
            c.run([c.bin / "ccctl", *words], **more)
    control.send(b"launch")
    control.recv(10)
    c.run([c.bin / "ccrun", "--exec", "/bin/true", "demo"])


def main():
    prefix, out = Path(sys.argv[1]), Path(sys.argv[2])
    b = wc.Broker()
    b.program = prefix / "libexec/ccrun/ccbroker"
    with b, Ccrun(None, prefix=prefix, delivery=None) as c:
        c.provider("demo", title="Demo", base_url="https://demo.example.test", auth="bearer", docs="of a test")
        path = c.runtime / "ccrun/broker.sock"
        path.parent.mkdir(mode=0o700)
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        pid = os.fork()
        if pid == 0:
            control.close()
            serve(path, b.socket, theirs)
        theirs.close()
        assert control.recv(10) == b"ready"
        until(path.exists)
        play(c, control)
        control.shutdown(socket.SHUT_WR)
        text = b""
        while data := control.recv(1 << 16):
            text += data
        os.waitpid(pid, 0)
    said = json.loads(text)
    out.write_text("[\n" + ",\n".join(json.dumps(row) for row in said) + "\n]\n")
    print(f"{out}: {len(said)} requests")


if __name__ == "__main__":
    signal.alarm(120)
    main()
