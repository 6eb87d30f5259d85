"""What an attack came to, by evidence: the loot that it printed, the requests that arrived
at the provider and at the attacker's own server, the signs that planted programs left.

No attack says so itself, and none knows the secrets."""
import base64
import re
import string

import canary
from columns import LIMIT, LIMITED
from shown import RANK

PATHS = re.compile(r"/v1/(messages|messages/count_tokens|models(/[^/?]+)?)(\?beta=true)?$")
RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}")


def worst(letters):
    return max(letters, key=RANK.index, default="-")


def forms(data):
    """The loot, and what it is when it is decoded or turned round."""
    yield data
    yield data[::-1]
    for run in RUN.findall(data):
        for shift in range(4):
            part = run[shift:]
            part = part[:len(part) // 4 * 4].replace(b"-", b"+").replace(b"_", b"/")
            yield base64.b64decode(part)
        if all(chr(b) in string.hexdigits for b in run):
            for shift in range(2):
                part = run[shift:]
                yield bytes.fromhex(part[:len(part) // 2 * 2].decode())


def has(data, secret):
    """Has it a piece of the secret, plain, encoded or reversed?"""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
    if canary.scan_bytes(data, secret) or canary.scan_bytes(data[::-1], secret):
        return True
    # Encoded loot is short; memory has millions of runs that only look so.
    return len(data) < 1 << 20 and any(canary.scan_bytes(form, secret, wide=False) for form in forms(data))


def fragments(data, secret):
    """Is much of it there, in order?  Who reads a terminal beside somebody else gets some of
    the characters, and others the next time.  By chance there would be fewer."""
    if len(data) > 4 * len(secret):
        return False
    best = [0] * (len(secret) + 1)
    for byte in data:
        before = 0
        for i, wanted in enumerate(secret.encode(), 1):
            before, best[i] = best[i], before + 1 if byte == wanted else max(best[i], best[i - 1])
    return best[-1] >= canary.PIECE + len(data) // 16


class Evidence:
    """What there is about one column; secrets: the key, the passphrase, what opens a manager."""

    def __init__(self, out, secrets, ep, evil, prompt):
        self.out, self.secrets, self.ep, self.evil, self.prompt = out, secrets, ep, evil, prompt
        self.since = 0

    def mark(self):
        """From now on the attacker's server hears about one attack."""
        self.since = len(self.evil.requests)

    def loot(self, technique):
        """(vantage, letter) of each place where it was tried."""
        for path in sorted((self.out / "loot").glob(f"{technique.id}@*")):
            data = path.read_bytes()
            yield path.name.partition("@")[2], "R" if self.secret_in(data) else "-"

    def secret_in(self, data):
        return any(has(data, s) for s in self.secrets)

    def won(self, technique):
        """What its daemons left."""
        for path in self.out.glob(f"won.{technique.id}*"):
            if any(canary.scan_files([path], s) for s in self.secrets) or \
                    (path.stat().st_size < 1 << 20 and self.secret_in(path.read_bytes())) or \
                    (technique.told and technique.told in path.read_bytes()) or \
                    fragments(path.read_bytes()[:4096], self.secrets[1]):
                return "R"
        return "-"

    def ended(self, technique, vantage):
        path = self.out / "done" / f"{technique.id}@{vantage}"
        return path.read_text() if path.exists() else None

    def used(self, technique, place):
        """What arrived with the attack's tag, and the key beside it."""
        tag = f"attack={technique.id}@{place};"
        seen = [r for r in self.ep.saw(tag) if any(self.secrets[0] in v for v in r.headers.values())]
        strayed = [r for r in seen if not PATHS.match(r.path) or any(tag in v for v in r.headers.values())]
        return "x" if strayed or (technique.entry in LIMITED and len(seen) > LIMIT) else "u" if seen else "-"

    def elsewhere(self, requests):
        """What the attacker's server was sent."""
        letter = "-"
        for r in requests:
            text = r.path + "\n".join(r.headers.values()) + r.body.decode("utf-8", "replace")
            if any(has(text, s) for s in self.secrets):
                return "R"
            if self.prompt in text:
                letter = "c"
        return letter

    def signs(self, technique):
        path = self.out / f"ran.{technique.id}"
        if not path.exists():
            return "-"
        return worst("p" if "unlimited" in line.split()[3:5] else "m" for line in path.read_text().splitlines() if line)
