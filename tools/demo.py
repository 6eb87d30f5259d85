"""The demonstration behind `make run`: the real programs, a loopback provider."""
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "lib"))
from endpoint import Bash, Endpoint, Text  # noqa: E402

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(HERE, "build", "bin")
LOOK = ("echo '-- the token in my environment:'; env | grep -F sk-demo || echo none; "
        "echo '-- the token in the environment of claude:'; "
        "tr '\\0' '\\n' < /proc/$PPID/environ | grep -F sk-demo || echo none; "
        "echo '-- the memory of claude:'; head -c 1 /proc/$PPID/mem || true; "
        "echo '-- asking the broker from in here:'; " + BIN + "/ccctl get demo || true")


def say(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def private_world(top, claude):
    env = {"HOME": top, "PATH": os.environ["PATH"], "TERM": os.environ.get("TERM", "dumb"), "LANG": "C.UTF-8",
           "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        env[f"XDG_{name}_HOME"] = os.path.join(top, name.lower())
    env["XDG_RUNTIME_DIR"] = os.path.join(top, "run")
    for directory in ("run", "work", "config/ccrun/providers"):
        os.makedirs(os.path.join(top, directory), mode=0o700)
    os.makedirs(os.path.join(top, ".claude"))
    with open(os.path.join(top, ".claude", "settings.json"), "w", encoding="ascii") as f:
        f.write('{"permissions": {"allow": ["Bash"]}}')
    return env


def with_passphrase(argv, passphrase, env, **more):
    read, write = os.pipe()
    os.write(write, passphrase.encode() + b"\n")
    os.close(write)
    try:
        return subprocess.run(argv + ["--passphrase-fd", str(read)], env=env, pass_fds=[read], check=True, **more)
    finally:
        os.close(read)


def main():
    claude = sys.argv[1]
    token = "sk-demo-" + secrets.token_hex(16)
    top = tempfile.mkdtemp(prefix="ccrun-demo-")
    env = private_world(top, claude)
    endpoint = Endpoint(script=[Bash(LOOK), Text("Hello from the loopback provider, through the real Claude Code.")])
    try:
        say("1. A provider is a file.")
        conf = os.path.join(top, "config/ccrun/providers/demo.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"[provider]\ntitle = Demo\nbase_url = {endpoint.url}\nauth = bearer\n"
                    "docs = a loopback endpoint\n[models]\ndefault = demo-model\ncontext = 200000\n")
        os.chmod(conf, 0o600)
        print(open(conf, encoding="ascii").read().rstrip())

        say("2. A vault, and the key in it (ccctl init; ccctl add demo).")
        with_passphrase([f"{BIN}/ccctl", "init"], secrets.token_hex(8), env)
        subprocess.run([f"{BIN}/ccctl", "add", "demo"], input=token.encode(), env=env, check=True)

        say("3. ccrun demo -p ...: the real claude answers.")
        start = time.monotonic()
        subprocess.run([f"{BIN}/ccrun", "--exec", claude, "demo", "-p", "look around and say hello"],
                       env=env, cwd=os.path.join(top, "work"), stdin=subprocess.DEVNULL, timeout=120, check=True)
        print(f"({time.monotonic() - start:.1f} s)")

        say("4. What the provider saw.")
        seen = endpoint.main[0]
        value = seen.headers.get("Authorization") or seen.headers.get("authorization") or ""
        right = value == "Bearer " + token
        print(f"{seen.method} {seen.path}\nAuthorization: Bearer {token[:11]}... "
              f"({'the right token' if right else 'NOT THE TOKEN'})")

        say("5. What a child of claude (its Bash tool) could see.")
        for result in endpoint.tool_results():
            print(result)
        ok = right and not any(token in str(r) for r in endpoint.tool_results())
        say("6. What is on record (ccctl log, ccctl spent).")
        subprocess.run([f"{BIN}/ccctl", "log"], env=env, check=True)
        subprocess.run([f"{BIN}/ccctl", "spent"], env=env, check=True)
        say("The key was used; the provider, the broker and the session's relay are all that ever had it."
            if ok else "THIS SHOULD NOT HAVE HAPPENED.")
        return 0 if ok else 1
    finally:
        status = subprocess.run([f"{BIN}/ccctl", "status", "--json"], env=env, stdout=subprocess.PIPE, check=False)
        import json
        try:
            os.kill(json.loads(status.stdout)["pid"], signal.SIGTERM)
        except (ValueError, KeyError, TypeError, ProcessLookupError):
            pass
        endpoint.close()
        shutil.rmtree(top, ignore_errors=True)


sys.exit(main())
