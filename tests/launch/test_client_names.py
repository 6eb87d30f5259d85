"""Whatever bears the name claude: what installers and managers of versions really put there is
launched, found, or explained.  The real client stands behind each."""
import os
import shutil
from pathlib import Path

import pytest

from client import claude

# What npm's package has in the place of the client until its install script was run.
STUB = """echo "Error: claude native binary not installed." >&2
echo "" >&2
echo "Either postinstall did not run (--ignore-scripts, some pnpm configs)" >&2
echo "or the platform-native optional dependency was not downloaded" >&2
echo "(--omit=optional)." >&2
exit 1
"""


def client():
    """The client's own file."""
    return os.path.realpath(claude())


@pytest.fixture
def w(relay_world, token):
    """Provider demo by relay at the endpoint, its key in an open vault, and a bin directory."""
    relay_world.demo()
    relay_world.ready(token)
    (relay_world.home / "bin").mkdir()
    return relay_world


def path(world, *first):
    """PATH with these directories of the home first, and no claude behind them."""
    return {"PATH": ":".join([*(str(world.home / d) for d in first), "/usr/bin", "/bin"])}


def link(world, at, to):
    at = world.home / at
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(to)
    return at


def answers(world, ep, token, *argv, env):
    """A launch whose request came to the provider with the key."""
    before = len(ep.main)
    r = world.ccrun(*argv, "-p", "hello", env=env)
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert [q.headers["authorization"] for q in ep.main[before:]][:1] == ["Bearer " + token]
    return r


# ---- launched ----

def test_nvm_links_into_its_version(w, ep, token):
    where = ".nvm/versions/node/v22.12.0"
    link(w, f"{where}/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe", client())
    link(w, f"{where}/bin/claude", "../lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe")
    answers(w, ep, token, "demo", env=path(w, f"{where}/bin"))


def test_native_installer_links_to_a_version(w, ep, token):
    version = link(w, ".local/share/claude/versions/2.1.330", client())
    link(w, ".local/bin/claude", version)
    answers(w, ep, token, "demo", env=path(w, ".local/bin"))


def test_a_version_of_the_native_installer_by_its_file(w, ep, token):
    """Its name is a number: it is known by where it is."""
    version = w.home / ".local/share/claude/versions/2.1.330"
    version.parent.mkdir(parents=True)
    shutil.copy(client(), version)
    r = w.ccrun("-n", "--exec", version, "demo", env=path(w))
    assert "delivery relay" in r.out, r
    answers(w, ep, token, "--exec", version, "demo", env=path(w))


def test_local_installation_is_a_script_that_becomes_it(w, ep, token):
    real = link(w, ".claude/local/node_modules/.bin/claude", client())
    w.write(".claude/local/claude", f'#!/bin/bash\nexec "{real}" "$@"\n', 0o755)
    answers(w, ep, token, "--exec", w.home / ".claude/local/claude", "demo", env=path(w))


def test_nix_wrapper(w, ep, token):
    link(w, "bin/.claude-wrapped", client())
    w.write("bin/claude", "#!/bin/bash -e\nexport DISABLE_AUTOUPDATER='1'\n"
            f'exec -a "$0" "{w.home}/bin/.claude-wrapped"  "$@"\n', 0o755)
    answers(w, ep, token, "demo", env=path(w, "bin"))


def test_asdf_shim(w, ep, token):
    """A shim that asks its manager, which looks for the version in the home directory."""
    link(w, ".asdf/installs/nodejs/22.12.0/bin/claude", client())
    asdf = w.write(".asdf/bin/asdf", '#!/bin/sh\nshift\nname=$1\nshift\n'
                   'exec "$HOME"/.asdf/installs/nodejs/*/bin/"$name" "$@"\n', 0o755)
    w.write(".asdf/shims/claude", "#!/usr/bin/env bash\n# asdf-plugin: nodejs 22.12.0\n"
            f'exec {asdf} exec "claude" "$@"\n', 0o755)
    answers(w, ep, token, "demo", env=path(w, ".asdf/shims"))


def test_mise_shim(w, ep, token):
    """A link to the manager itself, which goes by the name that it is called by."""
    link(w, ".local/share/mise/installs/node/22/bin/claude", client())
    mise = w.write("bin/mise", '#!/bin/bash\nexec "${MISE_DATA_DIR:-$HOME/.local/share/mise}'
                   '/installs/node/22/bin/${0##*/}" "$@"\n', 0o755)
    link(w, ".local/share/mise/shims/claude", mise)
    answers(w, ep, token, "demo", env=path(w, ".local/share/mise/shims"))


# ---- explained: a child has no key ----

BOOTSTRAPS = {
    "sh": '#!/bin/sh\necho starting >&2\n"{real}" "$@"\nexit $?\n',
    "volta": "#!/usr/bin/python3\nimport subprocess, sys\n"
             'sys.exit(subprocess.run(["{real}", *sys.argv[1:]], close_fds=False).returncode)\n',
}


@pytest.mark.parametrize("kind", BOOTSTRAPS)
def test_a_bootstrap_that_runs_the_client_as_a_child(w, ep, token, kind):
    real = link(w, ".volta/tools/image/packages/@anthropic-ai/claude-code/bin/claude", client())
    start = w.write("bin/claude", BOOTSTRAPS[kind].format(real=real), 0o755)
    r = w.ccrun("demo", "-p", "hello", env=path(w, "bin"))
    assert r.rc == 125 and f"{start} runs claude as a child" in r.err and not ep.main, r
    # What it says to do works.
    words = r.err.partition("hint: ccrun ")[2].split()
    assert words[0] == "--exec" and words[2] == "demo", r
    answers(w, ep, token, "--exec", words[1], "demo", env=path(w, "bin"))


def test_a_bootstrap_is_fine_where_there_is_no_key(c, ep):
    c.overlay("ollama", f"[provider]\nbase_url = {ep.url}\n")
    c.write("bin/claude", BOOTSTRAPS["sh"].format(real=client()), 0o755)
    r = c.ccrun("ollama", "--model", "m", "-p", "hello", env=path(c, "bin"))
    assert r.rc == 0 and "hello from loopback" in r.out, r


# ---- explained: it cannot run ----

def test_npm_stub_is_to_be_installed_anew(c):
    """What lies beside it is whoever's who put it there: a hint that runs it would run a session's file."""
    package = c.home / ".npm-global/lib/node_modules/@anthropic-ai/claude-code"
    c.write(package / "bin/claude.exe", STUB, 0o755)
    link(c, ".npm-global/bin/claude", package / "bin/claude.exe")
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c, ".npm-global/bin"))
    assert r.rc == 126 and "the install script was not run" in r.err, r
    [hint] = [x for x in r.err.splitlines() if x.startswith("hint: ")]
    assert hint.endswith("npm install -g --prefix ~/.local --ignore-scripts=false @anthropic-ai/claude-code"), r
    assert "install.cjs" not in r.err and str(c.home) not in hint, r


BROKEN = {
    "empty": ("", "is empty"),
    "no interpreter": ("#!/opt/node/bin/node\nrequire('./cli.js')\n", "/opt/node/bin/node, which is not here"),
    "no node": ("#!/usr/bin/env no-such-node\n", "a program that is not in PATH"),
    "no line": ("exec something\n", "without a #! line"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_claude_that_cannot_run(c, kind):
    text, why = BROKEN[kind]
    c.write("bin/claude", text, 0o755)
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c, "bin"))
    assert r.rc == 126 and why in r.err and "hint: " in r.err, r


def test_a_musl_build_on_glibc(c):
    glibc, musl = b"/lib64/ld-linux-x86-64.so.2", b"/lib/ld-musl-absent.so.1"
    program = Path("/bin/true").read_bytes()
    if glibc not in program or Path(musl.decode()).exists():
        pytest.skip("this machine's programs are others")
    c.write("bin/claude", "", 0o755).write_bytes(program.replace(glibc, musl.ljust(len(glibc), b"\0")))
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c, "bin"))
    assert r.rc == 126 and "it is built for musl" in r.err, r


def test_a_link_to_a_version_that_was_removed(c):
    link(c, ".local/bin/claude", c.home / ".local/share/claude/versions/2.1.1")
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c, ".local/bin"))
    assert r.rc == 126 and "versions/2.1.1, which is not there" in r.err, r


# ---- found ----

PLACES = [".claude/local/claude", ".local/bin/claude", ".nvm/versions/node/v22.1.0/bin/claude",
          ".asdf/shims/claude", ".local/share/mise/shims/claude", ".bun/bin/claude", ".nix-profile/bin/claude"]


@pytest.mark.parametrize("place", PLACES)
def test_an_alias_or_a_function_of_the_shell(c, place):
    there = link(c, place, client())
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c))
    assert r.rc == 127 and f"ccrun --exec {there}" in r.err, r
    r = c.ccrun("-n", "--exec", there, "ollama", "--model", "m", env=path(c))
    assert r.rc == 0 and f"target {there}\n" in r.out, r


def test_of_several_node_versions_the_newest_is_named(c):
    for version in ("v9.11.0", "v22.1.0", "v20.9.0"):
        there = link(c, f".nvm/versions/node/{version}/bin/claude", client())
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c))
    assert r.rc == 127 and "ccrun --exec " + str(there).replace("v20.9.0", "v22.1.0") in r.err, r


def test_volta_is_named_by_the_client_behind_it(c):
    link(c, ".volta/bin/claude", "/bin/true")
    there = link(c, ".volta/tools/image/packages/@anthropic-ai/claude-code/bin/claude", client())
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c))
    assert r.rc == 127 and f"ccrun --exec {there}" in r.err, r


def test_no_claude_at_all(c):
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c))
    assert r.rc == 127 and "hint: install Claude Code: npm install" in r.err, r


def test_of_several_versions_the_others_are_named(c):
    for name in ("one", "two", "three"):
        link(c, f"{name}/claude", client())
    r = c.ccrun("-n", "ollama", "--model", "m", env=path(c, "one", "two", "three"))
    assert f"target {c.home}/one/claude\nother {c.home}/two/claude\nother {c.home}/three/claude\n" in r.out, r
