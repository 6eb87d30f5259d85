"""A world (client.py) with ccrun in it: a vault, a broker, providers of its own.

    with Endpoint([Text("hi")]) as ep, Ccrun(ep) as c:
        c.provider("demo", base_url=ep.url)     # an overlay file
        c.init()
        c.add("demo", token)
        r = c.ccrun("demo", "-p", "hello")
"""
import hashlib
import json
import os
import re
import shlex
from pathlib import Path

from built import BUILD, REPO
from client import World, claude

CCRUN = BUILD / "bin/ccrun"
CCCTL = BUILD / "bin/ccctl"
CCBROKER = BUILD / "libexec/ccrun/ccbroker"
CONFINED = BUILD / "libexec/ccrun/confined"
LIBRARY = BUILD / "lib/ccrun/libccrun.so"
PASSPHRASE = "correct horse battery staple"


def wants_person(argv):
    """Does ccctl with these words want a person's slot, also of an open vault?"""
    verb, more = argv[0], argv[1:]
    if verb in ("get", "rm", "rename", "approve", "backup"):
        return True
    return (verb == "slot" and more and more[0] in ("add", "rm")) or \
        (verb == "add" and "--replace" in more) or (verb == "settings" and any("=" in w for w in more))


def seal(*lines):
    """--allow for what these sealed lines of a provider's file come to."""
    digest = hashlib.blake2b("".join(line + "\n" for line in lines).encode(), digest_size=32)
    return ("--allow", "env=" + digest.hexdigest()[:32])


class Ccrun(World):
    """endpoint is only kept: nothing points the client there but a provider's
    file.  prefix: an installation.
    delivery: of the providers that are made here, where they say none; None: auto."""

    def __init__(self, endpoint=None, prefix=BUILD, delivery="preload", **kw):
        super().__init__(None, None, **kw)
        self.delivery = delivery
        self.bin = Path(prefix) / "bin"
        self.endpoint_used = endpoint
        self.agreed, self.unsaid, self.routed = {}, set(), {}
        self.passphrase = PASSPHRASE
        # What a user would have; ccrun decides about it.
        self.plain_env = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}

    def env(self, more=None):
        env = dict(self.plain_env)
        env["PATH"] = f"{Path(claude()).parent}:/usr/local/bin:/usr/bin:/bin"
        env.update(more or {})
        return super().env(env)

    # ---- files ----

    def overlay(self, name, text, mode=0o600):
        """~/.config/ccrun/providers/NAME.conf, as it stands."""
        address = re.search(r"^\[provider\]\n(?:[^\[].*\n)*?base_url *= *(.*)$", text, re.M)
        self.routed.pop(name, None)
        if address and (REPO / f"share/providers/{name}.conf").exists():
            self.routed[name] = address.group(1)
        borrowed = re.search(r"^use *= *(.*)$", text, re.M)
        if not address and borrowed and borrowed.group(1) in self.routed:
            self.routed[name] = self.routed[borrowed.group(1)]
        path = self.write(self.config / f"ccrun/providers/{name}.conf", text, mode)
        for directory in (path.parent, path.parent.parent):
            directory.chmod(0o700)
        return path

    def provider(self, name, models=None, policy=None, env=None, parameters=None, secrets=None, extra="", **keys):
        """A provider file from its keys; keys: of [provider]."""
        keys = {k: v for k, v in keys.items() if v is not None}
        self.unsaid.discard(name)
        if self.delivery and "use" not in keys:
            if "delivery" not in (policy or {}):
                self.unsaid.add(name)
            policy = {"delivery": self.delivery, **(policy or {})}
        parts = [("provider", keys), ("parameters", parameters), ("models", models), ("env", env),
                 ("secrets", secrets), ("policy", policy)]
        text = ""
        for section, values in parts:
            if values:
                text += f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items())
        said = {**(policy or {}), **{k: v for k, v in (secrets or {}).items() if k == "exposed"}}
        self.agreed[name] = [f"{k}={v}" for k, v in said.items()]
        return self.overlay(name, text + extra)

    def demo(self, url=None, auth="bearer", **more):
        """A provider `demo` at the endpoint."""
        return self.provider("demo", title="Demo", base_url=url or self.endpoint_used.url, auth=auth,
                             docs="a loopback endpoint", **more)

    # ---- programs ----

    def agreeing_to_command(self, run):
        """run(*more): ccctl add --source, which names the command of a source's own file first."""
        r = run()
        if r.rc != 5 or not re.search("--allow '?command=", r.err):
            return r
        return run(*shlex.split(r.err.split("if that is what you want: ", 1)[1]))

    def agreeing(self, argv):
        """A first key's words, and that what its test says nothing about is meant: the delivery,
        and the address of a shipped provider that is this world's endpoint."""
        names = {str(word).partition(":")[0] for word in argv[1:]}
        if argv[:1] != ("add",) or "--key" in names:
            return argv
        if self.unsaid & names:
            argv += ("--allow", f"delivery={self.delivery}")
        for name in names & self.routed.keys():
            argv += ("--allow", f"base_url={self.routed[name]}")
        return argv

    def with_texts(self, argv, texts, **kw):
        """ccctl with a text on a descriptor for each option; None: without that option."""
        words, fds = list(self.agreeing(argv)), []
        for option, text in texts.items():
            if text is not None:
                read, write = os.pipe()
                os.write(write, text.encode() + b"\n")
                os.close(write)
                fds.append(read)
                words += [option, str(read)]
        try:
            return self.run([self.bin / "ccctl", *words], **{**kw, "pass_fds": [*fds, *kw.get("pass_fds", ())]})
        finally:
            for fd in fds:
                os.close(fd)

    def with_passphrase(self, *argv, passphrase=PASSPHRASE, **kw):
        return self.with_texts(argv, {"--passphrase-fd": passphrase}, **kw)

    def ccctl(self, *argv, person=True, **kw):
        """person: with self.passphrase, if it wants a person and none is given."""
        if person and argv and wants_person(argv) and "--passphrase-fd" not in argv:
            return self.with_passphrase(*argv, passphrase=self.passphrase, **kw)
        return self.run([self.bin / "ccctl", *self.agreeing(argv)], **kw)

    def init(self):
        r = self.with_passphrase("init")
        assert r.rc == 0, r

    def unlock(self, passphrase=PASSPHRASE):
        return self.with_passphrase("unlock", passphrase=passphrase)

    def allows(self, name):
        """The words with which a script agrees to the policy of `provider`."""
        return tuple(w for word in self.agreed.get(name, []) for w in ("--allow", word))

    def add(self, name, token, *more):
        """Add a key, and agree to the policy of `provider`, as a script of the file's author does."""
        more += self.allows(name)
        r = self.ccctl("add", name, *more, input=token if isinstance(token, bytes) else token + "\n")
        assert r.rc == 0, r
        return r

    def ready(self, token, name="demo"):
        """A vault with one key in it."""
        self.init()
        self.add(name, token)

    def ccrun(self, *argv, **kw):
        return self.run([self.bin / "ccrun", *argv], **kw)

    def says(self, provider, env=None):
        """The key that a launched program gets: fetched, if another manager has it."""
        return self.ccrun("--exec", "/bin/sh", provider, "-c", 'printf %s "$ANTHROPIC_AUTH_TOKEN"', env=env)

    def status(self):
        return json.loads(self.ccctl("status", "--json").out)

    def broker(self):
        """The serving broker's pid, or None."""
        return self.status().get("pid")

    def record(self):
        path = self.state / "ccrun/record.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
