"""ccrun-tpm2 alone, against a software TPM: what it seals comes back from this
TPM and no other, damage gives no key, and every failure has its own name."""
import os
import select
import socket
import struct
import subprocess
import threading
import time

import pytest

from ccrun import BUILD
from client import World, alive, children_named, until
from swtpm import Tpm

HELPER = BUILD / "libexec/ccrun/ccrun-tpm2"
DEADLINE = 10
HEAD = 8  # magic and version; then three fields with a length before each

pytestmark = pytest.mark.skipif(not HELPER.exists(), reason="built without ccrun-tpm2")


def start(world, verb, env=None, prefix=()):
    """(process, our end of its descriptor 3).  verb: its argument, or a list of them."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        n = theirs.fileno()
        move = f"3<&{n} {n}<&-" if n != 3 else ""
        proc = world.popen(["bash", "-c", f'exec "$@" {move}', "bash", *prefix, HELPER,
                            *([verb] if isinstance(verb, str) else verb)],
                           env, pass_fds=[n], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    ours.settimeout(3 * DEADLINE)
    return proc, ours


def heard(ours):
    """One packet.  A helper that ends with ours unread says so to us first."""
    try:
        return ours.recv(65536)
    except ConnectionResetError:
        return ours.recv(65536)


def answer(proc, ours):
    """(kind, payload) or ("f", (name, what, hint)).  It ends as it says."""
    with ours:
        packet = heard(ours)
        assert heard(ours) == b"", "more than one answer"
    code = proc.wait(DEADLINE)
    kind, body = packet[:1].decode(), packet[1:]
    noise = proc.stderr.read()
    proc.stderr.close()
    assert noise == b"", noise
    if kind == "k":
        assert code == 0
        return kind, body
    assert kind == "f" and code == 1, (packet, code)
    *texts, rest = body.split(b"\0")
    assert len(texts) == 3 and rest == b""
    name, what, hint = (t.decode() for t in texts)
    assert what and not what.endswith(".")
    return kind, (name, what, hint)


def helper(world, verb, packet=None, env=None, **kw):
    proc, ours = start(world, verb, env, **kw)
    if packet is not None:
        try:
            ours.send(packet)
        except BrokenPipeError:
            pass  # it answered without having read
    return answer(proc, ours)


def failure(world, verb, packet=None, env=None, **kw):
    """The failure's name, what failed, the hint."""
    kind, told = helper(world, verb, packet, env, **kw)
    assert kind == "f", "it gave something"
    return told


def sealed(world, tpm, key):
    kind, blob = helper(world, "seal", key, tpm.env)
    assert kind == "k", blob
    assert len(blob) <= 1024 and key not in blob
    return blob


@pytest.fixture
def world():
    with World() as w:
        yield w


@pytest.fixture
def tpm(world):
    with Tpm(world) as t:
        yield t


@pytest.fixture
def key():
    return os.urandom(32)


# ---- what it is for ----

def test_a_key_comes_back(world, tpm, key):
    blob = sealed(world, tpm, key)
    assert helper(world, "unseal", blob, tpm.env) == ("k", key)
    other = sealed(world, tpm, key)
    assert other != blob, "every sealing is another"
    assert helper(world, "unseal", other, tpm.env) == ("k", key)


def test_it_comes_back_after_a_restart(world, tpm, key):
    blob = sealed(world, tpm, key)
    tpm.stop()
    tpm.start()
    assert helper(world, "unseal", blob, tpm.env) == ("k", key)


def test_another_tpm_refuses(world, tpm, key):
    blob = sealed(world, tpm, key)
    tpm.reset()
    name, what, hint = failure(world, "unseal", blob, tpm.env)
    assert name == "wrong-key" and "this TPM did not seal" in what and hint
    # Even when the blob is made to name its storage key.
    parent = slice(HEAD + 2, HEAD + 2 + 34)
    mixed = blob[:parent.start] + sealed(world, tpm, key)[parent] + blob[parent.stop:]
    assert failure(world, "unseal", mixed, tpm.env)[0] == "damaged"


def test_nothing_stays_in_the_tpm(world, tpm, key):
    for _ in range(20):
        blob = sealed(world, tpm, key)
        assert helper(world, "unseal", blob, tpm.env) == ("k", key)
    broken = blob[:-1] + bytes([blob[-1] ^ 1])
    for _ in range(5):
        assert failure(world, "unseal", broken, tpm.env)[0] == "damaged"
    for kind in ("transient", "session", "saved"):
        assert tpm.handles(kind) == [], kind


# ---- the key is nowhere else ----

class Ears:
    """Listens where swtpm would.  serve(connection) is the TPM; its control
    socket, where tpm2-tss first sets a locality, says that all is well."""

    def __init__(self, world, name, control=True):
        self.path, self.control, self.open = world.tmp / name, control, []
        self.env = {"CCRUN_TPM2_TCTI": f"swtpm:path={self.path}"}
        for path, serve in ((self.path, self.serve), (f"{self.path}.ctrl", self.say_yes)):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(path))
            listener.listen(8)
            self.open.append(listener)
            threading.Thread(target=self.accept, args=(listener, serve), daemon=True).start()
        world.own()

    def accept(self, listener, serve):
        try:
            while True:
                conn, _ = listener.accept()
                self.open.append(conn)
                threading.Thread(target=self.until_it_ends, args=(conn, serve), daemon=True).start()
        except OSError:
            pass

    def until_it_ends(self, conn, serve):
        try:
            while serve(conn):
                pass
        except OSError:
            pass
        conn.close()

    def say_yes(self, conn):
        asked = conn.recv(64)
        if asked and self.control:
            conn.sendall(bytes(4))
        return asked

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


class Tap(Ears):
    """Between the program and the TPM: keeps what goes by, in both directions."""

    def __init__(self, world, tpm):
        self.tpm, self.seen = tpm, []
        super().__init__(world, "tap")

    def serve(self, conn):
        with socket.socket(socket.AF_UNIX) as up:
            up.connect(str(self.tpm.socket))
            while True:
                for s in select.select([conn, up], [], [])[0]:
                    data = s.recv(65536)
                    if not data:
                        return False
                    self.seen.append(data)
                    (up if s is conn else conn).sendall(data)


def test_the_key_does_not_cross_the_bus(world, tpm, key):
    with Tap(world, tpm) as tap:
        kind, blob = helper(world, "seal", key, tap.env)
        assert kind == "k", blob
        assert helper(world, "unseal", blob, tap.env) == ("k", key)
    seen = b"".join(tap.seen)
    assert len(seen) > 1000
    assert not any(key[i:i + 8] in seen for i in range(25))


# ---- damage ----

def test_every_truncation_is_refused(world, tpm, key):
    blob = sealed(world, tpm, key)
    for n in range(1, len(blob)):
        name, what, hint = failure(world, "unseal", blob[:n], tpm.env)
        assert name == "truncated" and hint, (n, name, what)


def test_no_flipped_byte_yields_a_key(world, tpm, key):
    blob = sealed(world, tpm, key)
    names = {}
    for at in range(len(blob)):
        # Each offset once; another bit each time.
        bad = blob[:at] + bytes([blob[at] ^ 1 << at % 8]) + blob[at + 1:]
        names[at] = failure(world, "unseal", bad, tpm.env)[0]
    assert set(names.values()) <= {"damaged", "truncated", "newer", "wrong-key"}, names
    # A changed name of the storage key looks like another TPM's; nothing else does.
    assert [at for at, name in names.items() if name == "wrong-key"] == list(range(HEAD + 2, HEAD + 2 + 34))
    assert helper(world, "unseal", blob, tpm.env) == ("k", key), "and the whole one is still good"


def fields(blob):
    at, found = HEAD, []
    while at < len(blob):
        n = struct.unpack_from("<H", blob, at)[0]
        found.append(blob[at + 2:at + 2 + n])
        at += 2 + n
    assert at == len(blob) and len(found) == 3
    return found


def joined(blob, *parts):
    return blob[:HEAD] + b"".join(struct.pack("<H", len(p)) + p for p in parts)


def test_hostile_blobs(world, tpm, key):
    blob = sealed(world, tpm, key)
    name, public, private = fields(blob)
    assert joined(blob, name, public, private) == blob

    def why(bad):
        return failure(world, "unseal", bad, tpm.env)[0]

    assert why(blob + b"\0") == "damaged"
    assert why(blob + bytes(1024)) == "too-large"
    assert why(blob + bytes(3000)) == "too-large"
    assert why(os.urandom(200)) == "damaged"
    assert why(blob[:7] + b"\2" + blob[8:]) == "newer"
    assert why(blob[:7] + b"\0" + blob[8:]) == "damaged"
    assert why(joined(blob, b"", public, private)) == "damaged"
    assert why(joined(blob, name + b"\0", public, private)) == "damaged"
    assert why(joined(blob, name, b"", private)) == "damaged"
    assert why(joined(blob, name, public, b"")) == "damaged"
    assert why(joined(blob, name, public, b"\0\0")) == "damaged"
    # Lengths inside that say more or less than there is.
    assert why(joined(blob, name, public + b"\0", private)) == "damaged"
    assert why(joined(blob, name, b"\xff\xff" + public[2:], private)) == "damaged"
    assert why(joined(blob, name, b"\0\0" + public[2:], private)) == "damaged"
    assert why(joined(blob, name, public[:2] + b"\0\x01" + public[4:], private)) == "damaged"  # an RSA key
    assert why(joined(blob, name, public, b"\xff\xff" + private[2:])) == "damaged"
    assert why(joined(blob, name, public, private + b"\0")) == "damaged"
    # Parts of two sealings do not fit together.
    other = fields(sealed(world, tpm, key))
    assert why(joined(blob, name, other[1], private)) == "damaged"


# ---- no TPM, or one that will not ----

def test_no_tpm_at_all(world, key):
    name, what, hint = failure(world, "seal", key, {"CCRUN_TPM2_TCTI": "device:/nonexistent/tpm"})
    assert name == "system" and "no TPM" in what and "firmware" in hint
    if not os.path.exists("/dev/tpmrm0"):
        assert "/dev/tpmrm0" in failure(world, "seal", key)[1]


def test_a_device_that_is_not_ours(world, key):
    path = world.write(world.tmp / "tpm", "")
    path.chmod(0)
    name, what, hint = failure(world, "seal", key, {"CCRUN_TPM2_TCTI": f"device:{path}"})
    assert name == "system" and "permission" in what and "tss" in hint


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_that_is_no_tpm(world, key, device):
    assert failure(world, "seal", key, {"CCRUN_TPM2_TCTI": f"device:{device}"})[0] == "system"


def test_nobody_at_the_socket(world, tpm, key):
    blob = sealed(world, tpm, key)
    tpm.stop()
    for verb, packet in (("seal", key), ("unseal", blob)):
        name, what, hint = failure(world, verb, packet, tpm.env)
        assert name == "system" and str(tpm.socket) in what and hint


def test_the_owner_has_a_password(world, tpm, key):
    blob = sealed(world, tpm, key)
    tpm.owner_password(b"hunter2")
    for verb, packet in (("seal", key), ("unseal", blob)):
        name, what, hint = failure(world, verb, packet, tpm.env)
        assert name == "policy" and "password" in what and hint
    assert tpm.handles("transient") == []


def test_the_owner_is_switched_off(world, tpm, key):
    tpm.owner_off()
    name, what, _ = failure(world, "seal", key, tpm.env)
    assert name == "policy" and "switched off" in what


class StandIn(Ears):
    """code: its answer to every command, None for none at all."""

    def __init__(self, world, code, name="standin", control=True):
        self.code = code
        super().__init__(world, name, control)

    def serve(self, conn):
        asked = conn.recv(4096)
        if asked and self.code is not None:
            conn.sendall(self.code if isinstance(self.code, bytes) else
                         struct.pack(">HII", 0x8001, 10, self.code))
        return asked


@pytest.mark.parametrize("code, name, text", [
    (0x921, "busy", "wrong passwords"), (0x922, "busy", "busy"), (0x90a, "busy", "busy"),
    (0x902, "busy", "no room"), (0x903, "busy", "no room"), (0x100, "system", "not started"),
    (0x101, "system", "0x101"), (0x2d5, "system", "0x2d5"), (0xb0902, "busy", "no room"),
    (b"not a TPM's answer", "system", "0x"), (b"\x80\x01\0\0\0\x0a\0\0\0\0", "system", "0x"),
])
def test_what_a_tpm_may_say(world, key, code, name, text):
    with StandIn(world, code) as standin:
        got = failure(world, "seal", key, standin.env)
    assert got[0] == name and text in got[1], got


def test_a_tpm_that_never_answers(world, key):
    """Not to a command, and not even to the first word."""
    with StandIn(world, None) as mute, StandIn(world, None, "deaf", control=False) as deaf:
        began, started = time.monotonic(), []
        for standin in (mute, deaf):
            proc, ours = start(world, "seal", standin.env)
            ours.send(key)
            worker, = until(lambda: children_named(proc.pid, "ccrun-tpm2"))
            started.append((proc, ours, worker))
        for proc, ours, worker in started:
            kind, (name, what, hint) = answer(proc, ours)
            assert (kind, name) == ("f", "timeout") and str(DEADLINE) in what and hint
            assert DEADLINE - 1 < time.monotonic() - began < DEADLINE + 2
            until(lambda: not alive(worker), what="the worker's end")


def test_ended_from_outside_it_leaves_no_worker(world, key):
    with StandIn(world, None) as standin:
        proc, ours = start(world, "seal", standin.env)
        ours.send(key)
        worker, = until(lambda: children_named(proc.pid, "ccrun-tpm2"))
        proc.terminate()
        proc.wait(5)
        until(lambda: not alive(worker), what="the worker's end")
        assert ours.recv(100) == b""
        ours.close()
        proc.stderr.close()


def test_a_worker_that_dies_is_told(world, key):
    with StandIn(world, None) as standin:
        proc, ours = start(world, "seal", standin.env)
        ours.send(key)
        worker, = until(lambda: children_named(proc.pid, "ccrun-tpm2"))
        subprocess.run(world.argv(["kill", "-KILL", str(worker)]), check=True)
        kind, (name, what, _) = answer(proc, ours)
    assert kind == "f" and name == "internal" and "signal 9" in what


# ---- the conversation ----

@pytest.mark.parametrize("n", [1, 16, 31, 33, 64, 2000])
def test_a_key_of_another_size(world, tpm, n):
    assert failure(world, "seal", os.urandom(n), tpm.env)[0] == "bad-value"


def test_a_packet_that_is_too_large(world, tpm):
    assert failure(world, "seal", bytes(40000), tpm.env)[0] in ("system", "too-large")


def test_nothing_sent(world, tpm):
    proc, ours = start(world, "seal", tpm.env)
    ours.shutdown(socket.SHUT_WR)
    assert answer(proc, ours)[1][0] == "bad-value"


@pytest.mark.parametrize("argv", [[], ["Seal"], ["seal", "seal"], ["unseal", "--help"], [""], ["sealx"]])
def test_malformed_arguments(world, tpm, argv):
    name, what, _ = failure(world, argv, bytes(32), tpm.env)
    assert name == "usage" and "seal | unseal" in what


def test_refused_inside_a_session(world, tpm, key):
    blob = sealed(world, tpm, key)
    for verb, packet in (("seal", key), ("unseal", blob)):
        assert failure(world, verb, packet, tpm.env, prefix=("prlimit", "--locks=1024:1024"))[0] == "marked"


def test_not_without_its_socket(world, tpm):
    r = world.run([HELPER, "seal"], tpm.env)
    assert r.rc == 1 and r.out == "" and "SOCK_SEQPACKET" in r.err


def test_tpm2_tss_says_nothing(world, tpm, key):
    """answer() looks at stderr; here is what would make it talk."""
    log = world.tmp / "log"
    noisy = {"TSS2_LOG": "all+TRACE", "TSS2_LOGFILE": str(log)}
    kind, blob = helper(world, "seal", key, {**tpm.env, **noisy})
    assert kind == "k" and helper(world, "unseal", blob, {**tpm.env, **noisy}) == ("k", key)
    assert not log.exists()
