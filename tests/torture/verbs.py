"""Verbs of ccctl that write into a person's files, killed at each call that changes one."""
import json
import shutil
from dataclasses import dataclass
from typing import Callable

import vault_reader
from leaks import Home
from traced import Tracer


class TracedHome(Home):
    """A home whose programs may run under a tracer."""
    tracer, first = None, None

    def run(self, argv, *args, **kw):
        if self.tracer is None:
            return super().run(argv, *args, **kw)
        argv, fds = self.tracer.before(argv, self.first)
        return super().run(argv, *args, **{**kw, "pass_fds": (*fds, *kw.get("pass_fds", ()))})

    def traced(self, do, first):
        """do(self) under a tracer: (its result, how it ended, the lines of the log)."""
        self.tracer, self.first = Tracer(), first
        try:
            result = do(self)
            self.tracer.started()
            return result, self.tracer.end(), self.tracer.lines()
        finally:
            self.tracer.close()
            self.tracer = None


@dataclass
class Verb:
    """do(home) on what begin(home) made; program: which of ours writes.  right(home): the files
    are whole, the old ones or the new ones; done(home): the new ones."""
    name: str
    do: Callable
    right: Callable
    done: Callable
    begin: Callable = lambda h: None
    program: str = "ccctl"


def text_of(path):
    return path.read_text() if path.exists() else None


# ---- one file of its own -----------------------------------------------

def conf(h):
    return h.config / "ccrun/ccrun.conf"


def begin_default(h):
    h.write(conf(h), "# mine\n[broker]\nidle = 10m\n")
    conf(h).parent.chmod(0o700)


def default_right(h):
    return text_of(conf(h)).startswith("# mine\n[broker]\nidle = 10m\n")


def settings_of(h):
    return h.home / ".claude/settings.json"


def begin_statusline(h):
    h.write(settings_of(h), '{"mine": [1, 2]}')


def settings_right(h):
    return json.loads(text_of(settings_of(h)))["mine"] == [1, 2]


def begin_backup(h):
    (h.home / "backup").unlink(missing_ok=True)


def backup_right(h):
    path = h.home / "backup"
    return not path.exists() or vault_reader.inspect(path.read_bytes())


def backup(h):
    return h.with_texts(("backup", str(h.home / "backup")), {"--passphrase-fd": h.passphrase,
                                                              "--new-passphrase-fd": "another one altogether"})


# ---- import ------------------------------------------------------------

def begin_import(h):
    for entry in ("openrouter", "example"):
        h.ccctl("rm", "-y", entry)
    shutil.rmtree(h.config / "ccrun", ignore_errors=True)
    shutil.rmtree(h.state / "ccrun/import", ignore_errors=True)
    h.write(".bashrc", f"export EDITOR=vim\nexport OPENROUTER_API_KEY={h.key('or')}\n")
    h.settings({"env": {"ANTHROPIC_BASE_URL": "https://x.example.org", "ANTHROPIC_AUTH_TOKEN": h.key("x"), "A": "1"}})


def key_is_somewhere(h, name, entry, path, rest):
    """In the file as it was, or in the vault and no longer there."""
    text = text_of(h.home / path)
    return rest in text and (h.made[name] in text or h.get(entry) == h.made[name])


def import_right(h):
    originals = [h.home / ".bashrc", settings_of(h)]
    json.loads(text_of(settings_of(h)))
    return key_is_somewhere(h, "or", "openrouter", ".bashrc", "EDITOR=vim") and \
        key_is_somewhere(h, "x", "example", ".claude/settings.json", '"A"') and \
        not h.leaks(skip=originals)


def import_done(h):
    return not h.leaks() and h.get("openrouter") == h.made["or"] and h.get("example") == h.made["x"]


VERBS = [
    Verb("import --scrub", lambda h: h.ccctl("import", "--scrub", "--yes"), import_right, import_done, begin_import,
         "ccrun-import"),
    Verb("default", lambda h: h.ccctl("default", "zai"), default_right, lambda h: "zai" in text_of(conf(h)),
         begin_default),
    Verb("statusline install", lambda h: h.ccctl("statusline", "install", "--yes"), settings_right,
         lambda h: "statusLine" in json.loads(text_of(settings_of(h))), begin_statusline),
    Verb("backup", backup, backup_right, lambda h: (h.home / "backup").exists(), begin_backup),
]


def unfinished(h):
    return [str(p) for p in h.root.rglob(".ccrun-unfinished-??????")]


def kill_at(h, verb, at):
    """One point; (was it met, what is wrong)."""
    verb.begin(h)
    result, end, _ = h.traced(verb.do, ("kill", verb.program, "files", at))
    wrong = []
    if end.hit == "-" and result.rc != 0:
        wrong.append(f"failed by itself: {result}")
    if end.left != "-":
        wrong.append(f"lives on: {end.left}")
    try:
        if not verb.right(h):
            wrong.append("the files are not whole")
    except (ValueError, AssertionError, OSError, vault_reader.VaultError) as e:
        wrong.append(f"the files are not whole: {e}")
    again = verb.do(h)
    if again.rc != 0 or not verb.done(h):
        wrong.append(f"the same command does not finish it: {again}")
    if unfinished(h):
        wrong.append(f"left behind: {unfinished(h)}")
    return end.hit != "-", [f"{verb.name}, killed at call {at} ({end.hit}): {w}" for w in wrong]


def crash_verb(verb, step=1):
    """(points, faults)"""
    with TracedHome() as h:
        h.init()
        at, met, faults = 1, True, []
        points = 0
        while met:
            met, wrong = kill_at(h, verb, at)
            faults += wrong
            points += met
            at += step
    return points, faults

