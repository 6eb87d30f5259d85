"""What a broker and its relays are made to bear.  Each scenario is a function of its numbers, fails
by an assertion, and returns figures for the page that run.py prints."""
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import client as world
import crowd
import wire_client as wc
from ccrun import CCRUN, Ccrun
from endpoint import Endpoint, Own, Text
from relay_broker import Provider, UnixConnection, answer
from relayed import Session, origin_of

RELAY_KIB = 6144  # as make bench wants it after thousands of requests
SESSIONS_UID, OTHER_FDS, TENANT_FDS, PLACES_SPARE = 1024, 64, 5, 16  # broker/limits.h
BODY = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'


# ---- the broker --------------------------------------------------------

def clients(count=64, seconds=5.0):
    """Clients without pause; each is served all it asks for."""
    with crowd.room(policy=wc.POLICY) as b, crowd.flat(b) as sums:
        done = crowd.run(count, crowd.talk, b, seconds, timeout=seconds * 10 + 60)
        assert min(asked for asked, _ in done) > 0
        sums.update(requests=sum(a for a, _ in done), sessions=sum(s for _, s in done),
                    least=min(a for a, _ in done))
    return f"{sums['requests']} requests and {sums['sessions']} claims in {seconds:.0f} s, the least of one client " \
           f"{sums['least']}; {sums['rss']} KiB resident, {sums['locked']} locked"


def vanishing(times=20):
    """Clients that are killed at each step of what they do."""
    with crowd.room(policy=wc.POLICY) as b, crowd.flat(b) as sums:
        for step in crowd.STEPS:
            for _ in range(times):
                crowd.vanish(b, step)
            b.call("hello")
    return f"{len(crowd.STEPS)} steps, {times * len(crowd.STEPS)} clients; {sums['rss']} KiB resident"


def asks(b, provider):
    """A session by relay; the status of its request."""
    with Session(b, provider) as s:
        return s.post().status


def holding(processes=1, count=wc.CONNECTIONS_UID + 100, files=None):
    """Processes that open connections and hold them, more than there are places or descriptors for."""
    with Provider(reply=answer({"id": "m"})) as p, crowd.room(files, origin=origin_of(p)) as b:
        sums = {}
        for _ in crowd.rounds(b, sums):
            held = [crowd.Process(crowd.hold, b, count // processes, hello) for hello in (True, False)
                    for _ in range(processes)]
            try:
                for process in held:
                    process.ready()
                with b.connect() as patient:     # one that a person types for
                    patient.call("hello")
                    for _ in range(20):
                        crowd.served(b)
                    assert wc.in_child(asks, b, p) == 200
                    assert patient.call("hello")["state"] == "unlocked"
            finally:
                for process in held:
                    process.kill()
    return f"{2 * processes} processes with {2 * count // processes * processes} connections" \
           + (f", {files} descriptors" if files else "") + f"; {sums['rss']} KiB resident"


def grabbing(processes=4, seconds=1):
    """Processes that connect as fast as they can, and hold what they get."""
    with crowd.room() as b:
        sums, took = {}, []
        for _ in crowd.rounds(b, sums):
            held = [crowd.Process(crowd.grab, b) for _ in range(processes)]
            try:
                time.sleep(seconds)
                for _ in range(20):
                    start = time.monotonic()
                    b.call("hello")
                    b.get("zai")
                    took.append(time.monotonic() - start)
            finally:
                for process in held:
                    process.kill()
    return f"{processes} processes; an honest client's two requests took {max(took) * 1000:.0f} ms at most"


# ---- sessions and their relays -----------------------------------------

def opened(say, b, provider, count):
    """So many sessions of one process, each with a relay of its own; then a request by each."""
    wc.many_files()
    sessions = [Session(b, provider, marked=False) for _ in range(count)]
    wc.mark()
    for s in sessions:
        assert s.post().status == 200
    say()
    signal.pause()


def crowded(count=1000, processes=50):
    """Live sessions by relay: what one costs, and who is served beside them."""
    usage = {"id": "m", "type": "message", "usage": {"input_tokens": 1, "output_tokens": 1}}
    count = count // processes * processes
    with Provider(reply=answer(usage)) as p, crowd.room(origin=origin_of(p)) as b:
        pid, sums, costs = b.pid, {}, []
        first = crowd.status_kib(pid, "VmRSS")[0]
        for _ in crowd.rounds(b, sums):
            held, files = [], crowd.descriptors(pid)
            try:
                for _ in range(processes):
                    held.append(crowd.Process(opened, b, p, count // processes))
                for process in held:
                    process.ready(300)
                costs = crowd_costs(b, count, first, files)
                crowd.served(b)
                b.call("lock")
                b.unlock()
            finally:
                for process in held:
                    process.kill()
        assert len(p.requests) == 3 * count
    return f"{count} sessions, as many relays; one costs " + costs


def crowd_costs(b, count, rss, files):
    """While they live: all are there, each with a relay; what one costs."""
    status, there = b.call("status"), crowd.relays()
    assert status["sessions"] == status["relays"] == len(there) == count
    opens = crowd.descriptors(b.pid)
    each = f" and {(opens - files) / count:.0f} descriptors" if files is not None else ""
    return f"{(crowd.status_kib(b.pid, 'VmRSS')[0] - rss) / count:.0f} KiB{each} of the broker, " \
           f"{crowd.memory_kib(there[::10])} KiB of a relay's own, {crowd.status_kib(there[0], 'VmLck')[0]} of them locked"


def opens_only(say, b, count):
    wc.many_files()
    held = []
    for _ in range(count):
        held.append(b.connect())
        held[-1].open(delivery="relay")
    say()
    signal.pause()


def too_many(files=None):
    """More sessions than there may be, by number or by descriptors: the next one hears why, and a person
    still lists, ends and locks."""
    most = SESSIONS_UID if files is None else (files - OTHER_FDS - TENANT_FDS) // 2 - PLACES_SPARE + 1
    with crowd.room(files) as b:
        with crowd.Process(opens_only, b, most) as process:
            process.ready()
            with b.connect() as c:
                said = c.ask("open", **wc.open_fields(delivery="relay"))
            assert said["error"] == "busy" and f"{most} sessions" in said["message"], said
            assert "ccctl sessions" in said["hint"]
            b.call("sessions", after=0)
            assert b.get("zai") == crowd.TOKEN.encode()
            b.call("lock")
            b.unlock()
        world.until(lambda: crowd.connections(b) == 1, 20, "the connections' end")
        crowd.served(b)
    return f"at {most}: {said['message']} ({said['hint']})"


# ---- launches ----------------------------------------------------------

CURL = "exec curl -sS --max-time 60 --unix-socket \"$ANTHROPIC_UNIX_SOCKET\" -H 'Content-Type: application/json' " \
       "-d '" + BODY.decode() + "' http://ccrun.invalid/v1/messages"


def launch(c, *more, words=CURL):
    return c.popen([CCRUN, "--exec", "/bin/sh", "demo", "-c", words, *more], stdout=subprocess.PIPE,
                   stderr=subprocess.PIPE, text=True)


def storm(count=300):
    """So many `ccrun` at once."""
    with Endpoint(default=Text("served")) as ep, Ccrun(ep, delivery="relay") as c:
        c.demo()
        c.ready(crowd.TOKEN)
        pid = c.broker()
        before = crowd.status_kib(pid, "VmLck")
        start = time.monotonic()
        begun = [launch(c) for _ in range(count)]
        served, refused = 0, {}
        for p in begun:
            out, err = p.communicate(timeout=300)
            if p.returncode == 0 and '"type": "message"' in out:
                served += 1
            else:
                line = err.strip().splitlines() or [f"exit {p.returncode}, without a word: {out!r}"]
                refused[line[0]] = refused.get(line[0], 0) + 1
                assert p.returncode == 125 and line[0].startswith("ccrun: "), (p.returncode, out, err)
        took = time.monotonic() - start
        assert served >= count // 2, refused
        assert {r.headers["authorization"] for r in ep.requests} == {f"Bearer {crowd.TOKEN}"}
        world.until(lambda: not c.status()["sessions"], 30, "the sessions' end")
        world.until(lambda: not crowd.relays(), 30, "the relays' end")
        assert crowd.status_kib(pid, "VmLck") == before and c.broker() == pid
        assert c.ccctl("log", "--verify").rc == 0
        ends = [e for e in c.record() if e["event"] == "end"]
        assert len(ends) >= served
    return f"{count} at once: {served} served in {took:.0f} s" + "".join(f"; {n} x {line}" for line, n in refused.items())


# ---- a provider that misbehaves ----------------------------------------

def stall(handler, frames):
    """Some of the answer, and then nothing until the client goes."""
    head(handler)
    send(handler, frames[0])
    handler.connection.settimeout(60)
    handler.rfile.read(1)


def flood(handler, frames):
    """An answer without end, as fast as it can be written."""
    head(handler)
    send(handler, frames[0])
    data = b"data: " + b"x" * 65000 + b"\n\n"
    while True:
        send(handler, data)


def cut(handler, frames):
    head(handler)
    send(handler, frames[0])
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def head(handler):
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()


def send(handler, data):
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


WAYS = {"stalls": stall, "floods": flood, "cuts": cut}


def providers(sessions=8):
    """Sessions whose provider stalls, floods or cuts, beside others."""
    def answers(request):
        kind = (request.json or {}).get("model")
        return Own(WAYS[kind], "x" * 200) if kind in WAYS else Text("served")

    with Endpoint(answers) as ep, Ccrun(ep, delivery="relay") as c:
        ep.turn = lambda request, asked: (ep.note(request, "main"), answers(request))[1]
        c.demo()
        c.ready(crowd.TOKEN)
        pid, grown = c.broker(), {}
        begun = {way: [launch(c, words=CURL.replace('"m"', f'"{way}"').replace("--max-time 60", "--max-time 5"))
                       for _ in range(sessions)] for way in WAYS}
        beside = [launch(c) for _ in range(sessions)]
        most = 0
        for p in beside:
            most = max([most, *(crowd.memory_kib([r]) for r in crowd.relays())])
            out, err = p.communicate(timeout=60)
            assert p.returncode == 0 and "served" in out, (p.returncode, out, err)
        for way, started in begun.items():
            codes = set()
            for p in started:
                out, err = p.communicate(timeout=60)
                codes.add(p.returncode)
                assert crowd.TOKEN not in out
            grown[way] = sorted(codes)
        # curl's words: 28 its time is over, 18 cut short
        assert grown == {"stalls": [28], "floods": [28], "cuts": [18]}, grown
        world.until(lambda: not crowd.relays() and not c.status()["sessions"], 30, "the relays' end")
        assert c.broker() == pid and c.ccctl("log", "--verify").rc == 0
        assert most < RELAY_KIB, most
    return f"{len(WAYS)} x {sessions} sessions, {sessions} honest ones beside them; a relay has {most} KiB of its own at most"


# ---- a session that is slow --------------------------------------------

def slowly(b, provider, count):
    """A session's process: heads of which a byte a second comes, heads and bodies of which half came;
    then a request as it should be, and how long that took, tried again as the client does."""
    with Session(b, provider) as s:
        whole = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" \
            % len(BODY) + BODY
        held = []
        for i in range(count):
            c = socket.socket(socket.AF_UNIX)
            c.connect(s.path)  # blocking: the queue of those that wait is short
            c.sendall(whole[:(1, 40, len(whole) - 10)[i % 3]])
            held.append(c)
        with suppress(BrokenPipeError):  # its time is over, where the others waited for a place
            for byte in whole[1:4]:
                held[0].sendall(bytes([byte]))
                time.sleep(1)
        start, status = time.monotonic(), 0
        while status != 200 and time.monotonic() < start + 60:
            with suppress(BlockingIOError):  # so many wait to be accepted
                status = s.post().status
            time.sleep(0.1 if status == 200 else 1)
        return status, time.monotonic() - start


def slow(count=30):
    """Slow connections of a session beside its honest ones."""
    with Provider(reply=answer({"id": "m"})) as p, crowd.room(origin=origin_of(p)) as b, crowd.flat(b):
        status, took = wc.in_child(slowly, b, p, count, timeout=120)
        assert status == 200
    return f"{count} connections of which half a request came, in one session; the next one is served after {took:.0f} s"
