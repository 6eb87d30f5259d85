"""A session by relay against a program that talks to the provider itself, TLS outward
on both; and what the relay holds in memory."""
import os
import socket
import subprocess
import time

from rows import BUILD, row
from ccrun import CCRUN, Ccrun
from client import claude as find_claude
from endpoint import Bash, Endpoint, Text
from relay_broker import certificate, server_context

MIB = 64
STREAMS, EVENTS, GAP = 20, 50, 10_000
TURNS = 4


class Provider:
    """bench_tls as a process; port, and the certificate to trust."""

    def __init__(self, root):
        self.crt, key = certificate(root, name="DNS:localhost")
        for path in (self.crt.parent, self.crt, key):
            path.chmod(0o755)
        self.process = subprocess.Popen([BUILD + "/tests/bench_tls", self.crt, key], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def add(c, token, crt, port):
    """Provider demo by relay at a port that speaks TLS, its authority sealed with the key."""
    c.demo(url=f"https://localhost:{port}", policy={"delivery": "relay"})
    c.ready(token)
    c.plain_env["NODE_EXTRA_CA_CERTS"] = str(crt)
    r = c.ccctl("approve", "demo", "--yes")
    if r.rc != 0:
        raise RuntimeError(str(r))


def relay_rows(token):
    with Ccrun() as c, Provider(c.root) as provider:
        add(c, token, provider.crt, provider.port)
        requests(c, provider)
        large(c, provider)
        streams(c, provider)
        memory(c, provider, 1000)
        if os.environ.get("LONG"):
            memory(c, provider, 100_000)
    turns(token)


def program(provider, *words):
    return [CCRUN, "--exec", BUILD + "/tests/bench_relay", "demo", provider.port, provider.crt, *words]


def both(c, provider, *words):
    """((minimum, median) by relay, the same straight), microseconds."""
    r = c.run(list(map(str, program(provider, *words))), timeout=900)
    if r.rc != 0:
        raise RuntimeError(str(r))
    a, b, d, e = map(float, r.out.split())
    return (a, b), (d, e)


def requests(c, provider):
    row("a request by relay : straight, kept connections, TLS", *both(c, provider, "requests", 4000), "<= 2")


def large(c, provider):
    ours, theirs = both(c, provider, "large", MIB, 7)
    row(f"an answer of {MIB} MiB by relay : straight", ours, theirs, "<= 1.67")
    print(f"that is {MIB * 1e6 / ours[0]:.0f} MiB/s by relay, {MIB * 1e6 / theirs[0]:.0f} straight: "
          f"{theirs[0] / ours[0]:.2f}, median {theirs[1] / ours[1]:.2f} (want >= 0.6)", flush=True)


def streams(c, provider):
    ours, theirs = both(c, provider, "streams", STREAMS, EVENTS, GAP, 7)
    row(f"{STREAMS} streams at once by relay : straight", ours, theirs, "<= 1.05")


def memory(c, provider, count):
    with c.popen(list(map(str, program(provider, "only", count))), {}, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        pid = int(p.stdout.readline())
        print(f"the relay after {count} requests: {held(pid)} (want <= 6144 KiB)", flush=True)
        p.stdin.close()


def held(pid):
    """A relay's memory can be asked about by root alone (tools/bench); its size, by everybody."""
    if os.environ.get("ASK_PSS"):
        with socket.socket(fileno=os.dup(int(os.environ["ASK_PSS"]))) as s:
            s.send(str(pid).encode())
            return f"PSS {s.recv(32).decode()} KiB"
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        kib = {line.split(":")[0]: int(line.split()[1]) for line in f if line.startswith(("VmRSS", "RssAnon", "RssShmem"))}
    return (f"{kib['RssAnon'] + kib['RssShmem']} KiB of its own, {kib['VmRSS']} KiB resident with all of the "
            "libraries that it shares; PSS lies between")


def turns(token):
    """The real client: each turn but the last asks for a tool."""
    with Endpoint(script=lambda r: Bash("true") if len(r.json["messages"]) < 2 * TURNS - 1 else Text("done")) as ep, \
            Ccrun(ep) as c:
        crt, key = certificate(c.root, name="DNS:localhost")
        ep.server.socket = server_context(crt, key).wrap_socket(ep.server.socket, server_side=True)
        add(c, token, crt, ep.port)
        asked = ["-p", "go", "--allowedTools", "Bash"]
        straight = {"ANTHROPIC_BASE_URL": f"https://localhost:{ep.port}", "ANTHROPIC_AUTH_TOKEN": token,
                    "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}
        times = {"relay": [], "straight": []}
        for i in range(9):
            for way, argv, env in (("straight", [find_claude(), *asked], straight), ("relay", [CCRUN, "demo", *asked], {})):
                seen, start = len(ep.main), time.monotonic()
                r = c.run(argv, env, timeout=120)
                spent = (time.monotonic() - start) * 1e6
                if r.rc != 0 or len(ep.main) - seen != TURNS:
                    raise RuntimeError(f"{len(ep.main) - seen} turns: {r}")
                if i:  # the first one by relay tries the client
                    times[way].append(spent)
        pick = lambda v: (min(v), sorted(v)[len(v) // 2])
        row(f"claude -p of {TURNS} turns by relay : without ccrun", pick(times["relay"]), pick(times["straight"]), "<= 1.05")
