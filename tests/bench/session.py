"""What the library costs the client, and the broker against an echo server."""
import subprocess
import time

from rows import BUILD, row
from ccrun import CCRUN
from client import claude as find_claude


def first_request(c, ep, argv, env):
    seen = len(ep.requests)
    start = time.monotonic()
    proc = c.popen(argv, env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(ep.main) == 0 or len(ep.requests) == seen:
        time.sleep(0.0005)
        if proc.poll() is not None and len(ep.requests) == seen:
            raise RuntimeError("the client ended without a request")
    at = next(r.time for r in ep.requests[seen:] if r.kind == "main")
    proc.wait(30)
    return (at - start) * 1e6


def client(c, ep, token):
    plain = {"ANTHROPIC_BASE_URL": ep.url, "ANTHROPIC_AUTH_TOKEN": token, "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}
    times = {"ours": [], "plain": []}
    for _ in range(12):
        times["plain"].append(first_request(c, ep, [find_claude(), "-p", "hi"], plain))
        times["ours"].append(first_request(c, ep, [CCRUN, "demo", "-p", "hi"], {}))
    pick = lambda v: (min(v), sorted(v)[len(v) // 2])
    row("exec to claude's first request : with plain variables", pick(times["ours"]), pick(times["plain"]), "<= 1.05")


def broker(c, token):
    c.provider("bench", title="B", base_url="http://127.0.0.1:9", auth="bearer",
               policy={"delivery": "env", "nested": "allow"})
    c.add("bench", token)
    for i in range(98):
        c.provider("many", title="M", base_url="http://127.0.0.1:9", auth="bearer", secret=f"many-{i}")
        c.add("many", token + str(i))
    pid = c.broker()
    sock = str(c.runtime / "ccrun/broker.sock")
    r = c.run([BUILD + "/tests/bench_broker", sock, "bench", "bearer http://127.0.0.1:9", str(c.root / "echo.sock")], timeout=600)
    if r.rc != 0:
        raise RuntimeError(str(r))
    lines = [line.split() for line in r.out.splitlines()]
    one = [float(x) for x in lines[0][1:]]
    row("open + claim : SEQPACKET echo of the same sizes", one[:2], one[2:], "<= 4")
    many = [[float(x) for x in line[1:]] for line in lines[1:]]
    mid = sorted(many, key=lambda m: m[0] / m[3])[len(many) // 2]
    print(f"32 clients: {mid[0]:.0f} open+claim/s, echo {mid[3]:.0f}/s: ratio {mid[0] / mid[3]:.2f} (want >= 0.5); "
          f"p99 {mid[2]:.0f} us, median {mid[1]:.0f} us: {mid[2] / mid[1]:.2f} x (want <= 5); echo {mid[5] / mid[4]:.2f} x")
    before = resident(pid)
    c.run([BUILD + "/tests/bench_broker", "million", sock, "1000000"], timeout=600)
    print(f"resident with 100 entries: {before} KiB before, {resident(pid)} KiB after a million requests (want < 6144)")


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
