"""What a line of the record may look like (docs/PROTOCOL.md, "The record"): every line that a
test reads is checked against it, so each kind of event is that any test makes happen."""
import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
HASH = re.compile(r"[0-9a-f]{64}\Z")
ID = re.compile(r"[0-9a-f]{16}\Z")
DELIVERIES = {"relay", "preload", "pipe", "env"}

SUMS = ["requests", "refused", "failed", "restarts", "input", "output", "cache_write", "cache_read", "estimated",
        "unpriced"]
KEYS = ["seq", "time", "event", "result", "pid", "provider", "entries", "delivery", "session", "inside", "image",
        "why", "missing", *SUMS, "cost_micros", "hash"]
NUMBERS = {"seq", "pid", "missing", "cost_micros", *SUMS}

ERRORS = set(re.findall(r'\[FAIL_\w+\] = \{ "([a-z-]+)"', (REPO / "base/fail.c").read_text())) - {"none"}
OPS = set(re.findall(r'\{ "([a-z-]+)", op_\w+, ', (REPO / "broker/dispatch.c").read_text()))
# Besides errors.  An op that stands here under no name of its own is refused under its own.
RESULTS = {
    **{event: {"granted"} for event in (
        "open", "keyless", "release", "again", "get", "add", "remove", "rename", "approve", "backup", "export", "retire",
        "slot-add", "slot-rm", "slot-replace", "rekey", "keyfile", "set", "limit-set", "fetch", "renew", "usage",
        "image", "image-forget", "confirm", "confirm-deny", "confirm-set")},
    **{event: {"asked"} for event in ("init", "unlock", "person", "restore")},
    "reopen": {"asked", "granted"}, "lock": {"granted", "done"}, "start": {"done"}, "stop": {"done"},
    "session-end": {"granted", "done"}, "end": {"done"}, "clock": {"done"}, "spending": {"done"}, "relay": {"granted", "restarted"},
    "request": {"refused"}, "provider": {"failed"}, "log-cut": {"found", "unknown"}, "vault-old": {"found"},
    "claim": set(), "message": set(),
}


def check(line):
    """line: a dict, in the order of the record."""
    assert list(line) == [key for key in KEYS if key in line], line
    assert {"seq", "time", "event", "result", "hash"} <= set(line), line
    for key, value in line.items():
        assert type(value) is (int if key in NUMBERS else str), (key, line)
        assert value != "" and (key not in NUMBERS or 0 <= value < 2**63), (key, line)
    assert TIME.match(line["time"]) and HASH.match(line["hash"]), line
    event, result = line["event"], line["result"]
    assert event in RESULTS or event in OPS, f"an event that is not documented: {line}"
    assert result in RESULTS.get(event, set()) | ERRORS, f"a result that is not documented: {line}"
    assert "why" in line or result not in ERRORS, line
    for key in ("session", "inside"):
        assert key not in line or ID.match(line[key]), line
    assert line.get("delivery", "relay") in DELIVERIES, line
    assert "missing" not in line or (event == "log-cut" and line["missing"] > 0), line
    sums = [key for key in SUMS if key in line]
    assert sums in ([], SUMS) and (not sums or event == "end"), line
    assert "cost_micros" not in line or (sums and line["requests"] > line["unpriced"]), line
