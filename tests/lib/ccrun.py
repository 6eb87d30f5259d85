"""A world (client.py) with ccrun in it: a vault, a broker, providers of its own.

    with Endpoint([Text("hi")]) as ep, Ccrun(ep) as c:
        c.provider("demo", base_url=ep.url)     # an overlay file
        c.init()
        c.add("demo", token)
        r = c.ccrun("demo", "-p", "hello")
"""
import json
import os
from pathlib import Path

from client import REPO, World, claude

BUILD = Path(os.environ.get("CCRUN_BUILD", REPO / "build"))
CCRUN = BUILD / "bin/ccrun"
CCCTL = BUILD / "bin/ccctl"
CCBROKER = BUILD / "libexec/ccrun/ccbroker"
LIBRARY = BUILD / "lib/ccrun/libccrun.so"
PASSPHRASE = "correct horse battery staple"


class Ccrun(World):
    """endpoint is only kept: nothing points the client there but a provider's
    file.  fast: a cheap key derivation for new vaults.  prefix: an installation."""

    def __init__(self, endpoint=None, fast=True, prefix=BUILD, **kw):
        super().__init__(None, None, **kw)
        self.bin = Path(prefix) / "bin"
        self.endpoint_used = endpoint
        self.fast = fast
        self.agreed = {}
        # What a user would have; ccrun decides about it.
        self.plain_env = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}

    def env(self, more=None):
        env = dict(self.plain_env)
        if self.fast:
            env["CCRUN_KDF"] = "fast"
        env["PATH"] = f"{Path(claude()).parent}:/usr/local/bin:/usr/bin:/bin"
        env.update(more or {})
        return super().env(env)

    # ---- files ----

    def overlay(self, name, text, mode=0o600):
        """~/.config/ccrun/providers/NAME.conf, as it stands."""
        path = self.write(self.config / f"ccrun/providers/{name}.conf", text, mode)
        for directory in (path.parent, path.parent.parent):
            directory.chmod(0o700)
        return path

    def provider(self, name, models=None, policy=None, env=None, parameters=None, secrets=None, extra="", **keys):
        """A provider file from its keys; keys: of [provider]."""
        keys = {k: v for k, v in keys.items() if v is not None}
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

    def with_passphrase(self, *argv, passphrase=PASSPHRASE, **kw):
        read, write = os.pipe()
        os.write(write, passphrase.encode() + b"\n")
        os.close(write)
        try:
            return self.run([self.bin / "ccctl", *argv, "--passphrase-fd", str(read)], pass_fds=[read], **kw)
        finally:
            os.close(read)

    def ccctl(self, *argv, **kw):
        return self.run([self.bin / "ccctl", *argv], **kw)

    def init(self):
        r = self.with_passphrase("init")
        assert r.rc == 0, r

    def unlock(self, passphrase=PASSPHRASE):
        return self.with_passphrase("unlock", passphrase=passphrase)

    def add(self, name, token, *more):
        """Add a key, and agree to the policy of `provider`, as a script of the file's author does."""
        more += tuple(w for word in self.agreed.get(name, []) for w in ("--allow", word))
        r = self.ccctl("add", name, *more, input=token if isinstance(token, bytes) else token + "\n")
        assert r.rc == 0, r
        return r

    def ready(self, token, name="demo"):
        """A vault with one key in it."""
        self.init()
        self.add(name, token)

    def ccrun(self, *argv, **kw):
        return self.run([self.bin / "ccrun", *argv], **kw)

    def status(self):
        return json.loads(self.ccctl("status", "--json").out)

    def broker(self):
        """The serving broker's pid, or None."""
        return self.status().get("pid")

    def record(self):
        path = self.state / "ccrun/record.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
