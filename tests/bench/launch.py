"""A launch against what people have instead: wrapper scripts, ccs."""
import os
import shutil

from rows import BUILD, NPM, row, skipped, spawns
from ccrun import CCRUN

OURS = [CCRUN, "--exec", "/bin/true", "demo"]
RELAYED = [CCRUN, "--exec", "/bin/true", "relayed"]


def providers(c, token):
    """The same endpoint and key by preload, demo, and by relay."""
    c.demo(policy={"delivery": "preload"})
    c.ready(token)
    c.provider("relayed", title="By relay", base_url=c.endpoint_used.url, auth="bearer", policy={"delivery": "relay"})
    c.add("relayed", token)


def launches(c, token):
    a, r, b = spawns(c, 400, OURS, RELAYED, ["/bin/true"])
    row("ccrun by preload, target /bin/true : bare spawn of it", a, b, "<= 1.8")
    row("ccrun by relay, target /bin/true : bare spawn of it", r, b, "<= 1.8")
    with_pass(c, token)
    with_secret_tool(c, token)
    ccs(c)


def with_pass(c, token):
    if not shutil.which("pass") or not shutil.which("gpg"):
        skipped("pass", "not installed")
        return
    setup = ("set -e; export GNUPGHOME=$HOME/.gnupg; mkdir -p -m 700 $GNUPGHOME; "
             "gpg --batch --quiet --passphrase '' --quick-gen-key bench@example.invalid default default never; "
             "pass init bench@example.invalid >/dev/null; printf '%s\\n' \"$1\" | pass insert -e openrouter >/dev/null")
    r = c.run(["sh", "-c", setup, "sh", token])
    script = c.write("bin/with-pass", "#!/bin/bash\nexport ANTHROPIC_AUTH_TOKEN=\"$(pass show openrouter)\"\nexec /bin/true\n", 0o755)
    if r.rc != 0:
        skipped("pass", r.err.strip())
        return
    a, b = spawns(c, 60, OURS, [script])
    row("the same : wrapper script around pass show", a, b, ">= 10")
    c.run(["gpgconf", "--kill", "all"])


def with_secret_tool(c, token):
    if not all(map(shutil.which, ("secret-tool", "gnome-keyring-daemon", "dbus-run-session"))):
        skipped("secret-tool", "not installed")
        return
    script = c.write("bin/with-secret-tool", "#!/bin/bash\nexport ANTHROPIC_AUTH_TOKEN=\"$(secret-tool lookup name openrouter)\"\nexec /bin/true\n", 0o755)
    inner = ("printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; "
             "for i in 1 2 3 4 5 6 7 8 9 10; do printf '%s' \"$1\" | secret-tool store --label=x name openrouter 2>/dev/null && break; sleep 0.3; done; "
             "shift; \"$@\"")
    argv = ["dbus-run-session", "--", "sh", "-c", inner, "sh", token, BUILD + "/tests/bench_spawn", "60", "--",
            *map(str, OURS), "--", str(script)]
    r = c.run(argv, timeout=300)
    lines = r.out.split("\n")
    if r.rc == 0 and len(lines) >= 2 and lines[1].endswith(" 0"):
        a, b = [(float(x.split()[0]), float(x.split()[1])) for x in lines[:2]]
        row("the same : wrapper script around secret-tool lookup", a, b, ">= 10")
    else:
        skipped("secret-tool", r.err.strip()[-200:] + r.out.strip()[-100:])


def ccs(c):
    program = NPM / ".bin/ccs"
    if not os.path.exists(program):
        skipped("ccs", "not installed")
        return
    fake = c.write("bin/claude", "#!/bin/sh\nexec /bin/true\n", 0o755)
    profile = c.write(".ccs/bench.settings.json", '{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", '
                      '"ANTHROPIC_AUTH_TOKEN": "bench", "ANTHROPIC_MODEL": "m"}}')
    c.write(".ccs/config.json", '{"profiles": {"bench": "%s"}}' % profile)
    c.plain_env["CCS_CLAUDE_PATH"] = str(fake)
    try:
        a, b = spawns(c, 8, OURS, [program, "bench", "-p", "x"])
        row("the same : ccs (its claude replaced by /bin/true)", a, b, ">= 200")
    finally:
        del c.plain_env["CCS_CLAUDE_PATH"]
