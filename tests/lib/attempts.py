"""Attempts at a broker and at a relay: each gets what it is after when one control is off,
and nothing else stands in its way.

    for control, function in ATTEMPTS:   # function(broker) -> what comes of it; got(it)?
    for control, function in RELAYED:    # relayed(function, env) -> did it get through?

Where another control stands behind it, ATTEMPTS has "control,behind", as matrix/without.py
does: with that one off alone the attempt fails.  NotHere: it makes no sense on this machine.
"""
import hashlib
import os
import resource
import select
import signal
import socket
import tempfile
import time
from pathlib import Path

import relayed as real
import wire_client as wc
from api_shapes import message
from attempts_programs import LANDLOCK, NotHere
from built import BUILD
from client import until
from played_relay import Session as Played
from played_relay import RelayBroker, live, memfd
from relay_broker import PROGRAM, Provider, Relay, answer, certificate, server_context
from relay_broker import TOKEN as RELAY_TOKEN
from taken_over import AT_FDCWD, HERE, TakenOver
from windowed import NESTED, Windowed
from wire_client import in_child

TOKEN = "sk-test-0123456789abcdefghij"
OTHER = "sk-another-0123456789abcdefghij"


def got(found):
    """A key, or True: a use, or what a person cannot do any more."""
    return found is True or TOKEN in str(found)


# ---- the broker ----

def marked(function):
    """The same by a process of a session."""
    def child(b):
        wc.mark()
        return function(b)
    return lambda b: in_child(child, b)


def sealed(policy, function, **more):
    """The same with the key sealed so."""
    def run(b):
        b.put("zai", TOKEN, policy, replace=True, **more)
        return function(b)
    return run


def played(function):
    """The same at a broker whose relays are the test's."""
    function.played = True
    return function


def broker_for(function, build=BUILD):
    """One of that build, in a private world."""
    if hasattr(function, "played"):
        return RelayBroker(build=build)
    b = wc.Broker()
    b.program = build / "libexec/ccrun/ccbroker"
    return b


def get(b):
    return b.get("zai")


def impostor(b):
    """A child claims over the connection of the session that started it."""
    return in_child(wc.launch, b, "mark", "arrived", "hide", "other claims")


def claim(*steps, **changes):
    return lambda b: in_child(lambda: wc.launch(b, *steps, **changes))


def claimed(**changes):
    return claim("mark", "arrived", "hide", "claim", **changes)


def by_pipe(**changes):
    def child(b):
        with b.connect() as c:
            c.open(delivery="pipe", **changes)
            wc.mark()
            c.call("pipe")
            return os.read(c.fds[0], 100)
    return lambda b: in_child(child, b)


def by_relay(b, provider, at=None, **changes):
    """Does a request with the key come to the provider, or where else it is to go?"""
    def child():
        with real.Session(b, provider, **changes) as s:
            s.post()
    in_child(child, timeout=30)
    return [r.headers for r in (at or provider).requests]


def nobody_asks(b):
    b.person = None
    return b.get("zai")


def a_keyfile_asks(b):
    """An automatic slot's key, as a person's."""
    slot = b.add_slot(b"k" * 32, kind="keyfile")
    with b.connect(person=None) as c:
        c.prove(slot, b"k" * 32)
        return c.call("get", name="zai")["token"]


ELSEWHERE = "bearer https://elsewhere.example.test"


def nobody_says_yes(b):
    """A launch of somebody else's, with your open vault."""
    b.call("confirm-set", name="zai", confirm="session")
    return claimed()(b)


def apart(b):
    """By a process in a user namespace of its own, where it has every power over itself."""
    new_user = 0x10000000
    if in_child(wc.libc.unshare, new_user) != 0:
        raise NotHere("no user namespaces")
    return claim("mark", lambda: wc.libc.unshare(new_user), "arrived", "hide", "claim")(b)


def of_the_dead(b):
    """Its process has ended, and others hold the claim's channel.  Who has ended has no memory that
    others could read, however it was before."""
    pid, (mine, theirs) = b.pid, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        with b.connect() as c:
            c.open()
            wc.mark()
            c.arrived()
            os.kill(pid, signal.SIGSTOP)
            until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
            c.send(wc.fixed(wc.CLAIM), [theirs.fileno()])
            os._exit(0)
    theirs.close()
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    os.kill(pid, signal.SIGCONT)
    with mine:
        mine.settimeout(8)
        found = mine.recv(wc.PACKET_MAX)
    os.waitpid(child, 0)
    return found


def late(b):
    """Before the loop looks at deadlines, which it does every second."""
    def child():
        def passes():
            b.call("hello")
            (b.root / "state/ccrun/clock").write_text(str((wc.CLAIM_DEADLINE + 1) * 1000))
        return wc.launch(b, "mark", "arrived", "hide", passes, "claim")
    return in_child(child)


def crowd(b):
    """A session takes all connections, and its person gets none."""
    there, says = os.pipe()

    def child():
        wc.mark()
        held = []
        for _ in range(wc.CONNECTIONS_UID):
            c = b.connect()
            try:
                c.call("hello")
                held.append(c)
            except (wc.Refused, wc.Closed, OSError):
                pass
        os.write(says, b".")
        signal.pause()
    pid = wc.Child(child).pid
    try:
        os.read(there, 1)
        b.call("hello")
        return False
    except (wc.Refused, wc.Closed, OSError):
        return True
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(there), os.close(says)


@played
def unmarked(b):
    """A session by relay whose children would ask the broker as anybody."""
    with Played(b) as s:
        s.relay()
        r = b.relay()
        r.begin()
        s.confine()
        return r.ask("value").get("token")


def another_key(b):
    """A session shows its ticket for a key that is not its own."""
    with Provider() as p:
        for name, token in (("team", OTHER), ("zai", TOKEN)):
            b.put(name, token, "delivery=relay nested=use", "bearer " + p.url, replace=name == "zai")

        def child():
            with real.Session(b, p, "team") as outer, real.Session(b, p, ticket=outer.ticket) as inner:
                inner.post()
        in_child(child, timeout=30)
        return [r.headers for r in p.requests]


def held_client(b):
    """A program of the session stops its client when the window is closed, and shows its ticket."""
    with Provider() as p:
        b.put("zai", TOKEN, NESTED, "bearer " + p.url, replace=True)
        with Windowed(b, p) as outer:
            outer.stop()
            outer.close()
            with Windowed(b, p, window=False, ticket=outer.ticket) as inner:
                inner.post()
                return [r.headers for r in p.requests]


def own_authority(b):
    """Who is in the provider's place has a certificate of an authority that the session names."""
    with tempfile.TemporaryDirectory() as where:
        crt, key = certificate(where)
        with Provider(tls=server_context(crt, key)) as p:
            b.put("zai", TOKEN, "delivery=relay", "bearer " + p.url, replace=True)
            return by_relay(b, p, files=[("ca", memfd(crt.read_bytes()))])


def own_proxy(b):
    """Where requests go without TLS, through a proxy that the session names."""
    with Provider() as p, Provider() as proxy:
        b.put("zai", TOKEN, "delivery=relay", "bearer " + p.url, replace=True)
        return by_relay(b, p, at=proxy, proxy=proxy.url)


def cheaper(b):
    """A request that a limit in money leaves no room for, by prices that nobody approved."""
    dear, cheap = ([{"model": "*", "input": n, "output": n}] for n in (10**9, 0))
    with Provider() as p:
        b.put("zai", TOKEN, "delivery=relay" + wc.prices_word(dear), "bearer " + p.url, replace=True)
        b.call("limit-set", name="zai", limit="$1/day")
        return by_relay(b, p, prices=cheap)


@played
def changed_later(b):
    """The relay is given other authorities than those that were looked at."""
    seen, evil = b"an authority of mine", b"an authority of his!"
    b.put("zai", TOKEN, "delivery=relay ca=" + hashlib.blake2b(seen, digest_size=32).hexdigest()[:32], replace=True)
    fd = memfd(seen, seals=0)
    with Played(b) as s:
        s.call("relay-file", fd=fd, kind="ca")
        s.relay()
        os.pwrite(fd, evil, 0)
        given, = [f for m, f in b.relay().begin() if m.get("kind") == "ca"]
        return os.pread(given, 100, 0) == evil


def planted(b):
    """Another program of your program's name, in a directory that comes first."""
    program = {"name": "claude", "path": "/home/u/.local/bin/claude", "file": "/home/u/claude/2.1.330",
               "owner": 1000, "identity": "66:1:2:3.4", "digest": "1" * 64}
    with b.connect() as c:
        c.open(image=[program], roots="")
    return claimed(image=[{**program, "path": "/home/u/node_modules/.bin/claude"}], roots="")(b)


def for_servers(b):
    """In a variable that the client does not keep from MCP servers and hooks."""
    b.put("mine", TOKEN, variable="MY_SERVICE_KEY")
    return claimed(entry="mine", variable="MY_SERVICE_KEY")(b)


def without_end(b):
    """One request more than a person allowed."""
    with Provider() as p:
        b.put("zai", TOKEN, "delivery=relay", "bearer " + p.url, replace=True)
        b.call("limit-set", name="zai", limit="1/day")

        def child():
            with real.Session(b, p) as s:
                s.post(), s.post()
        in_child(child, timeout=30)
        return len(p.requests) == 2


def unrecorded(b):
    """The disk is full: nobody would know."""
    size = b.record.stat().st_size
    resource.prlimit(b.pid, resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    found = b.get("zai")
    assert b.record.stat().st_size == size
    return found


@played
def odd_quota(b):
    """The relay is told to send the key, for numbers, to a provider that has none of that kind."""
    b.put("zai", TOKEN, "delivery=relay", replace=True)
    session, relay = live(b)

    def worker():
        wc.undumpable()
        with b.connect() as c:
            c.call("hello")
            return c.ask("usage-next", name="zai", kind="deepseek")
    with session:
        relay.ask("value")
        child = wc.Child(worker)
        ready = select.select([relay.sock, child.pipe], [], [], 8)[0]
        asked = relay.sock in ready and relay.recv()[0]["op"] == "fetch"
        if asked:
            relay.send("fetched", id=1, error="network")
        child.result()
        return asked


def locked_memory(b):
    """What is left of the key in the broker's memory."""
    pid = b.pid
    b.call("lock")
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, may = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if "w" not in may:
                continue
            mem.seek(start)
            if TOKEN.encode() in mem.read(end - start):
                return True
    return False


def taken_over(function):
    """The same by the broker's own process: that somebody comes into it is played by tracing."""
    def run(b):
        if not HERE or LANDLOCK < 1:
            raise NotHere("another processor, or no Landlock")
        with TakenOver(b.pid) as it:
            return function(it)
    return run


@taken_over
def calls_somebody(it):
    """Whom it could tell all keys.  ProcessLookupError: its filter ends it."""
    with tempfile.TemporaryDirectory() as where, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(where + "/s")
        listener.listen()
        address = socket.AF_UNIX.to_bytes(2, "little") + listener.getsockname().encode()
        try:
            fd = it.call("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0)
        except AssertionError:
            return False
        return it.call("connect", fd, address, len(address) + 1) == 0


@taken_over
def reads_your_files(it):
    with tempfile.NamedTemporaryFile(prefix="id_ed25519.") as f:
        f.write(TOKEN.encode())
        f.flush()
        fd = it.call("openat", AT_FDCWD, f.name.encode(), os.O_RDONLY)
        return it.bytes_at(it.room, it.call("read", fd, it.room, len(TOKEN)))


ATTEMPTS = [
    # who asks
    ("mark", marked(get)),
    ("message-sender", impostor),
    ("same-process", of_the_dead),
    ("namespaces", apart),
    ("untraced", claim("mark", "arrived", "traceme", "hide", "claim")),
    ("undumpable-claimant", claim("mark", "arrived", "claim")),
    ("marked-claimant", claim("confine", "arrived", "hide", "claim")),
    ("confined-session", claim("mark alone", "arrived", "hide", "claim")),
    ("marked-session", unmarked),
    ("claim-deadline", late),
    ("session-places", crowd),
    # what it decides
    ("person", nobody_asks), ("persons-slot", a_keyfile_asks),
    ("nested", marked(lambda b: wc.launch(b, "arrived", "hide", "claim"))),
    ("confirm", nobody_says_yes),
    ("held-process", held_client), ("ticket-entry", another_key),
    ("sealed-origin", claimed(origin=ELSEWHERE)),
    ("sealed-variable", claimed(variable="ANTHROPIC_API_KEY")),
    ("sealed-config-dir", claimed(config_dir="/home/me/other")),
    ("sealed-env", claimed(env=bytes(32))),
    ("sealed-ca", own_authority),
    ("sealed-prices", cheaper),
    ("sealed-delivery", sealed("delivery=preload", by_pipe())),
    ("sealed-confine", sealed("confine=on", claimed(confine="off"))),
    ("strict", sealed("strict=yes", by_pipe(roots=""))),
    ("strict-roots", sealed("strict=yes", claimed())),
    ("image", planted), ("exposed", for_servers),
    ("sealed-files", changed_later), ("plain-proxy", own_proxy),
    ("limit", without_end), ("record", unrecorded), ("quota-host", odd_quota),
    # what it leaves; that nobody comes into its process is the other one's
    ("arena-wipe,hardened", locked_memory),
    ("broker-seccomp,hardened", calls_somebody), ("broker-landlock,hardened", reads_your_files),
]


# ---- the relay ----

def by_a_child(relay, provider):
    s = relay.raw()
    s.settimeout(5)
    ask = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    in_child(lambda: s.sendall(ask))
    try:
        return b"200" in s.recv(4096)
    except OSError:
        return False
    finally:
        s.close()


def other_path(relay, provider):
    try:
        relay.post("/v1/files")
    except (OSError, ValueError):
        pass
    return any("/v1/files" in r.line for r in provider.requests)


def routing_field(relay, provider):
    relay.post(headers={"X-Forwarded-Host": "elsewhere.example.test"})
    return "x-forwarded-host" in provider.requests[-1].headers


def two_models(relay, provider):
    relay.post(body=b'{"model":"cheap","model":"dear"}')
    return any(b"dear" in r.body for r in provider.requests)


def the_key_comes_back(relay, provider):
    return RELAY_TOKEN.encode() in relay.post().data


def after_a_wipe(relay, provider):
    assert relay.post().status == 200
    relay.values.append({"error": "locked", "message": "the vault is locked", "hint": "ccctl unlock"})
    relay.values.pop(0)
    relay.wipe()
    time.sleep(0.2)  # the wipe has no answer
    return relay.post().status == 200


RELAYED = [
    ("request-sender", by_a_child), ("request-routes", other_path), ("request-fields", routing_field),
    ("one-model", two_models),
    ("answer-filter", the_key_comes_back), ("relay-wipe", after_a_wipe),
]


def relayed(function, env, program=PROGRAM):
    said = message("claude-test-1", [{"type": "text", "text": RELAY_TOKEN}], "end_turn")
    with Provider(reply=answer(said)) as provider, Relay(provider.url, env=env, program=program) as relay:
        return function(relay, provider)
