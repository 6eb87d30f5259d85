"""By relay, what takes minutes or a download: make long."""
import os
import subprocess
import time

import pytest

from client import REPO
from endpoint import Bash, Own, Text
from test_relay_matrix import all_with, raw_stream

pytestmark = pytest.mark.long
MINUTES = float(os.environ.get("MINUTES", "10"))
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
PINNED = (REPO / "tools/claude.version").read_text().strip()


@pytest.fixture
def c(relay_world, token):
    """Provider demo by relay at the endpoint, its key in an open vault."""
    relay_world.demo()
    relay_world.ready(token)
    return relay_world


def test_a_stream_of_minutes(c, ep, token):
    """Nothing but pings comes for as long as it takes."""
    def slowly(handler, frames):
        raw_stream(handler, frames[:2])
        end = time.monotonic() + MINUTES * 60
        while time.monotonic() < end:
            time.sleep(10)
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(PING), PING))
        for frame in frames[2:]:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(frame), frame))
        handler.wfile.write(b"0\r\n\r\n")
    ep.script = [Own(slowly, "at long last")]
    r = c.ccrun("demo", "-p", "go", timeout=MINUTES * 60 + 120)
    assert r.rc == 0 and "at long last" in r.out and len(ep.main) == 1, r
    all_with(ep, token)


def installed(where, package, *more):
    """The program of a package of npm's, or a skip that says why there is none."""
    r = subprocess.run(["npm", "install", "--prefix", where, "--no-audit", "--no-fund", "--loglevel=error", *more,
                        package], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = [p for p in where.glob("node_modules/@anthropic-ai/*/claude") if p.is_file()]
    if r.returncode != 0 or not found:
        pytest.skip(f"npm cannot install {package}: {r.stdout.strip()[-200:]}")
    where.chmod(0o755)
    return found[0]


# Another release may want another place for its requests; the start would refuse it.
@pytest.mark.parametrize("package, more, preloaded", [
    ("@anthropic-ai/claude-code@latest", [], True),
    (f"@anthropic-ai/claude-code-linux-x64-musl@{PINNED}", ["--force"], False)], ids=["newest", "musl"])
def test_another_client(c, ep, token, package, more, preloaded):
    where = c.root / "npm"
    where.mkdir()
    program = installed(where, package, *more)
    version = c.run([program, "--version"])
    if version.rc != 0:
        pytest.skip(f"{package} does not run here: {version.err}")
    print(version.out)
    ep.script = [Bash("echo $((6 * 7)); env; cat /proc/$PPID/environ"), Text("done")]
    r = c.ccrun("--exec", program, "demo", "-p", "go", "--allowedTools", "Bash")
    assert r.rc == 0 and "done" in r.out, r
    all_with(ep, token)
    seen = "".join(ep.tool_results())
    assert "42" in seen and token not in seen
    assert ("Permission denied" in seen) == preloaded
    with c.screen([c.bin / "ccrun", "--exec", program, "demo"]) as s:
        s.wait("used by a relay, never in this process")
        s.ask("say hello")
        s.wait("hello from loopback")
        assert s.exit() == 0
