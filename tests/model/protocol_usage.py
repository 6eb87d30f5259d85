"""A part of the model (protocol_model.py): how much of a provider's quota is used, which workers fetch
and status lines show.
"""
from dataclasses import dataclass, field

from protocol_words import DELIVERIES, Refused, name_of, need

FRESH, STALE, WORKERS_MOST = 60, 120, 2
ERRORS = ("unauthorized", "rate-limited", "network", "tls", "timeout", "answer", "redirect", "too-large", "missing")


@dataclass
class Numbers:
    workers: int = 0
    wanted: bool = False
    fetching: bool = False
    fetched: object = None
    not_before: float = 0
    error: str = ""
    items: list = field(default_factory=list)

    def due(self, now):
        return self.wanted and not self.fetching and now >= self.not_before and \
            (self.fetched is None or now - self.fetched >= FRESH)

    def state(self, now):
        if self.fetched is None:
            return "none" if not self.workers else "error" if self.error else "waiting"
        return "stale" if self.error or not self.workers or now - self.fetched >= STALE else "fresh"


class Usage:
    def leave_numbers(self, conn):
        if conn.numbers:
            conn.numbers.workers -= 1
            if conn.owes:
                conn.numbers.fetching, conn.numbers.wanted = False, True

    def entry_for_numbers(self, f):
        """Whose token it is, if that is in memory."""
        try:
            return self.value(f["name"])
        except Refused:
            return None

    def would_wait(self, conn, f):
        """Is there no answer to this usage-next for now?"""
        if conn.process.marked or not conn.process.hidden or conn.session or conn.watches or conn.owes:
            return False
        n = conn.numbers or self.numbers.get((f.get("own", False), f["name"]))
        if n and not conn.numbers and (n.workers >= WORKERS_MOST or not Numbers(1, True, n.fetching, n.fetched, n.not_before).due(
                self.now)):
            return n.workers < WORKERS_MOST
        return bool(conn.numbers and not n.due(self.now) or not f.get("own") and not self.entry_for_numbers(f))

    def op_usage_next(self, conn, f):
        need(conn.process.hidden, "posture")
        if not conn.numbers:
            need(not conn.session and not conn.watches, "in-use")
            name_of(f["name"])
            n = self.numbers.setdefault((f.get("own", False), f["name"]), Numbers())
            if n.workers >= WORKERS_MOST:
                return {"fetch": False, "retry": FRESH}
            n.workers, n.wanted, conn.numbers = n.workers + 1, True, n
        need(not conn.owes, "in-use")
        answer = {"fetch": True}
        if not f.get("own"):
            e = self.entry_for_numbers(f)
            p = e.policy
            need(" " in e.origin, "origin")
            loosest = "pipe" if p["delivery"] == "auto" else p["delivery"]
            need(p["confirm"] == "no" and not p["limit"] and DELIVERIES.index("preload") <= DELIVERIES.index(loosest), "policy")
            answer.update(origin=e.origin, token=e.token)
        conn.owes, conn.numbers.wanted, conn.numbers.fetching = True, False, True
        return answer

    def op_usage_put(self, conn, f):
        need(conn.owes, "posture")
        n = conn.numbers
        if "error" in f:
            need(f["error"] in ERRORS, "bad-value")
            n.error, n.not_before = f["error"], self.now + min(max(f.get("retry", FRESH), 5), 86400)
        else:
            need(len(f["items"]) <= 8, "bad-value")
            for item in f["items"]:
                need(1 <= len(item["label"]) <= 8 and ("percent" in item or "amount" in item), "bad-value")
                need(item.get("percent", 0) <= 1000000, "bad-value")
            n.items, n.error, n.fetched, n.not_before = f["items"], "", self.now, self.now + FRESH
        n.fetching = conn.owes = False
        return {}

    def op_usage(self, _conn, f):
        name_of(f["name"])
        n = self.numbers.get((f.get("own", False), f["name"]))
        if not n:
            return {"state": "none", "items": []}
        n.wanted = True
        return {"state": n.state(self.now), "error": n.error or None, "items": n.items if n.fetched is not None else []}
