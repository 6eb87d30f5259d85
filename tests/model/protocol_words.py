"""The words of docs/PROTOCOL.md, as the model (protocol_model.py) reads them: names, policies, headers,
limits; and a refusal.
"""
import hashlib
import re

PERSONS = ("passphrase", "recovery")
KINDS = (*PERSONS, "keyring", "keyfile", "credential", "tpm2")
EVENTS = ("suspend", "screen", "logout")
DELIVERIES = ("relay", "preload", "auto", "pipe", "env")  # from tightest to loosest
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
VARIABLE = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]{0,63}|header:[a-z0-9][a-z0-9-]{0,56}(?::[A-Za-z][A-Za-z0-9-]*)?)\Z")
HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
KEPT_FROM_SERVERS = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY")  # of the variables that are used here
PART = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._@+-]+"
DIRECTORY = re.compile(rf"(?:/|~/|\$XDG_(?:CONFIG|DATA|STATE)_HOME/){PART}(?:/{PART})*\Z")
MOST_SECONDS = 366 * 24 * 3600
LEVELS = ("no", "first", "session")


class Refused(Exception):
    """error: a name of the table of errors."""

    @property
    def error(self):
        return self.args[0]


POLICY = {"delivery": "auto", "nested": "deny", "strict": "no", "exposed": "no", "keep": "no", "ttl": 0, "linger": 0,
          "confine": "auto", "config_dir": "", "limit": "", "env": "", "ca": "", "prices": "", "confirm": "no"}
WORDS = {"delivery": DELIVERIES, "nested": ("deny", "use", "allow"), "strict": ("yes", "no"), "exposed": ("yes", "no"),
         "keep": ("yes", "no"), "confine": ("on", "auto", "off"), "confirm": LEVELS}


def policy_of(text):
    p = dict(POLICY)
    for word in text.split():
        key, _, value = word.partition("=")
        need(key in p and value in WORDS.get(key, (value,)), "bad-value")
        p[key] = seconds_of(value) if key in ("ttl", "linger") else value
    need(not p["config_dir"] or DIRECTORY.match(p["config_dir"]) and len(p["config_dir"]) <= 120, "bad-value")
    need(all(not p[key] or re.match("[0-9a-f]{32}\\Z", p[key]) for key in ("env", "ca", "prices")), "bad-value")
    return p


def seconds_of(text):
    m = re.match(r"(\d{1,9})([smhd]?)\Z", text)
    need(m, "bad-value")
    seconds = int(m[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[m[2]]
    need(seconds <= MOST_SECONDS, "bad-value")
    return seconds


def policy_text(p):
    always = ("delivery", "nested", "strict", "exposed")
    return " ".join(f"{k}={p[k]}" for k in p if k in always or p[k] != POLICY[k])


def digest(data):
    """As a policy has it."""
    return hashlib.blake2b(data, digest_size=32).hexdigest()[:32] if data else ""


def carried(items, env):
    """[(variable, token)] as a claim gives them: those that are headers in one item, with the others of the file."""
    given = {variable: token for variable, token in items if not variable.startswith("header:")}
    lines = [header_of(variable, token) for variable, token in items if variable.startswith("header:")]
    others = [b": ".join(line[len(b"header:"):].split(b"=", 1)) for line in env.splitlines() if line.startswith(b"header:")]
    if lines:
        given[HEADERS] = b"\n".join([*lines, *([b"", *others] if others else ())])
    return given


def header_of(variable, token):
    _, name, *scheme = variable.encode().split(b":")
    return name + b": " + b" ".join([*scheme, token])


def counted_for(opened):
    """The entry of a session that its requests are counted for: that in the endpoint's own header."""
    own = [e for e in opened["entries"] if not e["variable"].startswith("header:")]
    return (own or opened["entries"])[0]["name"]


def limit_of(text):
    """(how many, of what period); None: off."""
    number, _, period = text.partition("/")
    return (int(number), period) if period else None


def need(holds, error):
    if not holds:
        raise Refused(error)


def name_of(text):
    need(len(text) <= 64, "too-large")
    need(NAME.match(text), "bad-value")
