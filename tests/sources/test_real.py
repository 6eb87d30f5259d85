"""The managers themselves, as the files that come with ccrun run them: pass, gpg,
secret-tool, keepassxc-cli, aws (against a loopback endpoint), and of bw what it
does when nobody is logged in."""
import http.server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pexpect
import pytest

from ccrun import Ccrun
from client import REPO, until
from keyring import SecretService

KEY = "real"
needs = {name: pytest.mark.skipif(not shutil.which(name, path="/usr/local/bin:/usr/bin:/bin"), reason=f"no {name}")
         for name in ("pass", "gpg", "secret-tool", "keepassxc-cli")}


class Real:
    """A manager in a world: put() what it is to hold, ref() of a name."""
    env = {}

    def __init__(self, world):
        self.world = world
        world.provider(KEY, base_url=f"https://{KEY}.example.test", auth="bearer", docs="made up for a test")

    def run(self, *argv, input=None, **kw):
        r = self.world.run([*argv], {**self.env, "PATH": "/usr/bin:/bin"}, input=input, **kw)
        assert r.rc == 0, r
        return r

    def ccctl(self, *argv, env=None):
        return self.world.ccctl(*argv, env={**self.env, "PATH": "/usr/bin:/bin", **(env or {})})

    def says(self, env=None):
        return self.world.says(KEY, {**self.env, "PATH": "/usr/bin:/bin", **(env or {})})

    def overlay(self, kind, text):
        path = self.world.write(self.world.config / f"ccrun/sources/{kind}.conf", text)
        for d in (path.parent, path.parent.parent):
            d.chmod(0o700)

    def add(self, name, *more, env=None):
        return self.world.agreeing_to_command(lambda *said: self.ccctl(
            "add", KEY, "--replace", "--source", self.ref(name), *self.world.allows(KEY), *more, *said, env=env))

    def get(self, name, env=None):
        r = self.add(name, "--no-check", env=env)
        assert r.rc == 0, r
        return self.says(env)

    def fails(self, name, *words, env=None):
        r = self.get(name, env)
        # A manager that takes long, as on a busy machine, is named meanwhile.
        ours = [line for line in r.err.splitlines()
                if line.startswith("ccrun: ") and not line.startswith("ccrun: waiting for ")]
        assert r.rc == 125 and r.out == "" and len(ours) == 1, r
        for word in words:
            assert word in ours[0], r
        [entry] = [e for e in json.loads(self.ccctl("keys", "--json").out) if e["name"] == KEY]
        assert entry["fetched"] is False
        return r


class Gpg(Real):
    def __init__(self, world):
        super().__init__(world)
        self.home = world.home / ".gnupg"
        self.home.mkdir(mode=0o700)
        self.run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "t@example.org", "rsa2048",
                 "encr", "never")

    def ref(self, name):
        return f"gpg:{self.world.home}/{name}.gpg"

    def put(self, name, text):
        self.run("gpg", "--batch", "--quiet", "--encrypt", "--recipient", "t@example.org", "--output",
                 self.world.home / f"{name}.gpg", input=text)

    def signed_out(self):
        away = self.world.home / "no-keys"
        away.mkdir(mode=0o700, exist_ok=True)
        return {"GNUPGHOME": str(away)}


class Pass(Gpg):
    def __init__(self, world):
        super().__init__(world)
        self.run("pass", "init", "t@example.org")

    def ref(self, name):
        return f"pass:ai/{name}"

    def put(self, name, text):
        self.run("pass", "insert", "--multiline", "--force", f"ai/{name}", input=text)


class SecretTool(Real):
    def __init__(self, world):
        super().__init__(world)
        self.service = SecretService(world).__enter__()
        self.env = self.service.env

    def ref(self, name):
        return f"secret-service:service=ccrun tests,name={name}"

    def put(self, name, text):
        self.run("secret-tool", "store", "--label", name, "service", "ccrun tests", "name", name, input=text)

    def signed_out(self):
        return {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nobody/is/there"}


class KeePassXC(Real):
    """With a key file in the place of a password, as a file of one's own can say."""

    def __init__(self, world):
        super().__init__(world)
        self.db, self.key = world.home / "keys.kdbx", world.write("keys.key", "0" * 64)
        self.env = {"QT_QPA_PLATFORM": "offscreen"}
        self.run("keepassxc-cli", "db-create", "--set-key-file", self.key, self.db)
        self.opens = f"--no-password --key-file {self.key}"
        self.overlay("keepassxc", "[source]\ncommand = keepassxc-cli show --show-protected --attributes Password "
                     f"{self.opens} -- {{file}} {{field}}\n")

    def ref(self, name):
        return f"keepassxc:{self.db}#{name}"

    def put(self, name, text):
        self.run("keepassxc-cli", "add", *self.opens.split(), "--password-prompt", self.db, name, input=text + "\n")

    def signed_out(self):
        self.world.write("keys.key", "1" * 64)
        return {}


class Manager(http.server.BaseHTTPRequestHandler):
    """AWS Secrets Manager, as far as one request goes."""
    secrets, asked = {}, []

    def do_POST(self):  # pylint: disable=invalid-name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.headers["X-Amz-Target"], body, self.headers.get("Authorization", "")))
        known = body["SecretId"] in self.secrets
        answer = {"Name": body["SecretId"], "SecretString": self.secrets[body["SecretId"]]} if known else {
            "__type": "ResourceNotFoundException", "message": "Secrets Manager can't find the specified secret."}
        data = json.dumps(answer).encode()
        self.send_response(200 if known else 400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Aws(Real):
    """The shipped command, and where the service is: this aws takes that as an
    option alone."""

    def __init__(self, world):
        super().__init__(world)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Manager)
        self.server.socket.settimeout(1)  # as in lib/endpoint.py
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        shipped = (REPO / "share/sources/aws-sm.conf").read_text()
        command = next(line for line in shipped.splitlines() if line.startswith("command"))
        self.overlay("aws-sm", f"[source]\n{command} --endpoint-url http://127.0.0.1:{self.server.server_port}\n")
        self.env = {"AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
                    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}

    def ref(self, name):
        return f"aws-sm:prod/{name}#token"

    def put(self, name, text):
        Manager.secrets[f"prod/{name}"] = text if text.startswith("{") else json.dumps({"token": text.rstrip("\n")})

    def signed_out(self):
        return {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture(scope="module", params=[
    pytest.param(Pass, marks=[needs["pass"], needs["gpg"]]), pytest.param(Gpg, marks=needs["gpg"]),
    pytest.param(SecretTool, marks=needs["secret-tool"]), pytest.param(KeePassXC, marks=needs["keepassxc-cli"]),
    pytest.param(Aws, marks=pytest.mark.skipif(not os.access("/usr/bin/aws", os.X_OK), reason="no aws"))],
    ids=["pass", "gpg", "secret-service", "keepassxc", "aws-sm"])
def m(request):
    with Ccrun() as c:
        c.init()
        manager = request.param(c)
        yield manager
        if isinstance(manager, SecretTool):
            manager.service.stop()
        if isinstance(manager, Aws):
            manager.server.shutdown()


def test_found(m, token):
    m.put("plain", token)
    r = m.add("plain")
    assert r.rc == 0, r
    assert m.says().out == token
    r = m.get("plain")
    assert (r.rc, r.out) == (0, token), r


def test_trailing_newline(m, token):
    m.put("line", token + "\n")
    assert m.get("line").out == token


def test_more_lines(m, token):
    if isinstance(m, Pass):
        m.put("lines", token + "\nuser: me\nurl: x\n")
        assert m.get("lines").out == token, "its first line is the password"
    elif isinstance(m, (Gpg, SecretTool)):
        m.put("lines", token + "\nuser: me\n")
        m.fails("lines", "more than one line")


def test_missing(m):
    m.fails("nobody-put-this", "no such item")


def test_empty(m):
    if isinstance(m, SecretTool):
        return  # it stores nothing that is empty
    m.put("empty", "")
    m.fails("empty", "gave nothing")


def test_large(m):
    if isinstance(m, (KeePassXC, SecretTool)):
        return  # they take no more than 1023 and 8191 bytes on standard input
    m.put("large", "k" * 16384)
    assert m.get("large").out == "k" * 16384
    m.put("larger", "k" * 16385)
    m.fails("larger", "16385")
    m.put("huge", "k" * 100_000)
    m.fails("huge", "more than" if not isinstance(m, Pass) else "gave")


def test_signed_out(m, token):
    m.put("plain2", token)
    env = m.signed_out()
    r = m.fails("plain2", "nobody is signed in", env=env)
    assert "hint: " in r.err


def test_aws_asks_for_what_it_should(m, token):
    if not isinstance(m, Aws):
        return
    m.put("asked", json.dumps({"a": {"b": token}}))
    Manager.asked.clear()  # what is refused first runs nothing
    r = m.world.agreeing_to_command(lambda *said: m.ccctl(
        "add", KEY, "--replace", "--source", "aws-sm:prod/asked#a.b", *m.world.allows(KEY), *said))
    assert r.rc == 0, r
    [(target, body, authorization)] = Manager.asked
    assert target == "secretsmanager.GetSecretValue" and body == {"SecretId": "prod/asked"}
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert m.says().out == token


@needs["keepassxc-cli"]
def test_keepassxc_asks_for_its_password(token):
    """The shipped command, on a terminal: typed without an echo, and only there."""
    with Ccrun() as c:
        c.init()
        db = c.home / "typed.kdbx"
        env = {"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin"}
        assert c.run(["keepassxc-cli", "db-create", "--set-password", db], env, input="open sesame\n" * 2).rc == 0
        r = c.run(["keepassxc-cli", "add", "--password-prompt", db, "ai"], env, input=f"open sesame\n{token}\n")
        assert r.rc == 0, r
        argv = c.argv([c.bin / "ccctl", "add", "--key", KEY, "--source", f"keepassxc:{db}#ai"])
        for password, code in (("wrong one", 1), ("open sesame", 0)):
            child = pexpect.spawn(argv[0], argv[1:], env=c.env(env), cwd=c.cwd, encoding="utf-8", timeout=60)
            child.expect("Enter password to unlock .*: ")
            until(lambda ch=child: not ch.getecho(), what="the echo is off")
            child.sendline(password)
            child.expect(pexpect.EOF)
            child.close()
            assert child.exitstatus == code and password not in child.before, child.before
            assert ("signed in" in child.before) == (code == 1), child.before
        c.provider("typed", base_url="https://typed.example.test", auth="bearer", docs="none", secret=KEY)
        assert c.ccctl("approve", "--yes", "typed").rc == 0
        assert c.says("typed").out == token


def bw():
    for path in (os.environ.get("CCRUN_BW"), shutil.which("bw"), REPO / "build/bw/node_modules/.bin/bw"):
        if path and os.access(path, os.X_OK) and subprocess.run([path, "--version"], capture_output=True,
                                                                check=False).returncode == 0:
            return Path(path)
    return None


def test_bw_not_logged_in():
    program = bw()
    if not program:
        pytest.skip("no bw that runs here: tools/bw installs one")
    with Ccrun() as c:
        c.init()
        env = {"PATH": f"{program.parent}:/usr/local/bin:/usr/bin:/bin"}
        r = c.ccctl("add", "--key", KEY, "--source", "bw:OpenRouter", env=env)
        assert r.rc == 1 and "nobody is signed in" in r.err and "hint: bw login" in r.err, r
        assert KEY not in c.ccctl("keys").out
