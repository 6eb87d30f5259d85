"""Every command that README.md, docs/ and the man pages' EXAMPLES show, typed by a person as it is
printed, block by block: with the real client, and an endpoint here in the place of each provider.

LINES says what a line needs before it, what it must say, and what must be true after it.  A line
that is not there must end with 0."""
import json
import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

import canary
from ccrun import BUILD, PASSPHRASE, REPO, Ccrun
from dialogue import CODE
from examples import command, stories
from endpoint import Bash
from keyring import SecretService
from login_units import STAND_IN as SYSTEMCTL
from person import Person
from sources import Standin
from swtpm import Tpm

STORIES = stories()

ANSWERS = {
    r"passphrase[^\n]*: ": PASSPHRASE,
    r"Once more: ": PASSPHRASE,
    r"Press Enter[^\n]*": "",
    r"Type it back[^\n]*: ": CODE,
    r"AWS region[^\n]*: ": "eu-west-1",
    r"which model[^\n]*: ": "small-model",
    r"\[y/N\] ": "y",
}


def install(prefix, address):
    """The programs, below a prefix, with a provider's address that is here."""
    for directory in ("lib", "libexec", "share"):
        shutil.copytree(BUILD / directory, prefix / directory, symlinks=True, dirs_exist_ok=True)
    for name in ("ccrun", "ccctl", "ccrun-statusline"):
        (prefix / "bin").mkdir(exist_ok=True)
        shutil.copy(BUILD / "bin" / name, prefix / "bin")
    (prefix / "share/ccrun").chmod(0o700)       # as make install has it there: the vault's directory, too
    for path in (prefix / "share/ccrun/providers").glob("*.conf"):
        text = path.read_text()
        path.chmod(0o644)
        text = re.sub(r"^(base_url *= ).*$", rf"\g<1>{address}", text, flags=re.M)
        if path.stem in ("bedrock", "claude"):      # these have their address from the client
            text = text.replace("[provider]\n", f"[provider]\nbase_url = {address}\n", 1)
        path.write_text(text)


class Hosts:
    """One world a host; all of them have the same providers."""

    def __init__(self, ep, known_client, stack):
        self.ep, self.known_client, self.stack = ep, known_client, stack
        self.worlds, self.people, self.env = {}, {}, {}
        self.key = canary.new_token()

    def world(self, host, has):
        """has: keys of these in an open vault; None: no vault."""
        c = self.worlds[host] = self.stack.enter_context(Ccrun(self.ep, delivery=None))
        install(c.home / ".local", self.ep.url)
        c.bin = c.home / ".local/bin"
        self.known_client(c)
        if has is not None:
            c.init()
            for name in has:
                c.add(name, self.key)

    def person(self, host):
        if host not in self.people:
            c = self.worlds[host]
            env = {"EDITOR": "true", "PATH": f"{c.home}/managers:{c.bin}:{c.env()['PATH']}", **self.env}
            answers = {r"key[^\n]*: ": self.key, **ANSWERS}
            self.people[host] = self.stack.enter_context(Person(c, answers, env, c.home if host else c.cwd))
        return self.people[host]


# ---- what a line needs -------------------------------------------------

@dataclass
class Row:
    before: object = None       # (hosts, world)
    says: str = ""              # a pattern of what the line says
    after: object = None        # (hosts, world, what it said)
    instead: tuple = ()         # (a word of the page, what a person puts in its place)
    status: tuple = (0,)


def locked(hosts, world, said):
    assert world.status()["state"] == "locked"


def all_kinds(hosts, world, said):
    kinds = {slot["kind"] for slot in json.loads(world.ccctl("slot", "list", "--json").out)}
    assert kinds == {"passphrase", "keyring", "recovery", "keyfile", "tpm2", "credential"}


def real_pass(name):
    """pass, with this entry."""
    def before(hosts, world):
        for argv in (["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "t@example.org", "rsa2048",
                      "encr", "never"], ["pass", "init", "t@example.org"]):
            assert world.run(argv).rc == 0
        assert world.run(["pass", "insert", "--multiline", name], input=hosts.key + "\n").rc == 0
    return before


def played_op(hosts, world):
    Standin(world, "op").plays(out=hosts.key + "\n")


def desktop(hosts, world):
    """A keyring that the log-in opened, and systemd's manager."""
    hosts.env.update(hosts.stack.enter_context(SecretService(world)).env)
    world.write("managers/systemctl", SYSTEMCTL, 0o755)


def desktop_with_tpm(hosts, world):
    desktop(hosts, world)
    world.write("managers/systemd-creds", "#!/bin/sh\ncat > sealed\n", 0o755)
    hosts.env.update(hosts.stack.enter_context(Tpm(world)).env)


def dotfile(hosts, world):
    world.write(".bashrc", f"export DEEPSEEK_API_KEY={hosts.key}\n")


def no_key_in_dotfile(hosts, world, said):
    assert hosts.key not in (world.home / ".bashrc").read_text()
    assert "deepseek" in world.ccctl("keys").out


def network(hosts, world):
    """scp between the hosts of the story."""
    roots = "".join(f"{name}:*) f={w.home}/${{f#*:}} ;; " for name, w in hosts.worlds.items() if name)
    script = ('#!/bin/sh\nfor to; do :; done\nreach() { f=$1; case "$f" in ' + roots + 'esac; }\n'
              'reach "$to"; to=$f\nwhile [ $# -gt 1 ]; do reach "$1"; cp -p "$f" "$to" || exit; shift; done\n')
    for w in hosts.worlds.values():
        w.write("managers/scp", script, 0o755)


def opens_by_passphrase_too(hosts, world, said):
    assert world.ccctl("lock").rc == 0 and world.unlock().rc == 0


def removed_keyfile_opens_nothing(hosts, world, said):
    """But the copy that the server had before."""
    server = hosts.worlds["server"]
    assert server.ccctl("lock").rc == 0 and server.ccctl("unlock", "--keyfile").rc == 0
    assert server.ccctl("lock").rc == 0
    shutil.copy(world.data / "ccrun/vault", server.data / "ccrun/vault")
    assert server.ccctl("unlock", "--keyfile").rc != 0
    r = server.unlock()
    assert r.rc == 0, r


def logged_in(hosts, world):
    world.login(hosts.key)


def default(hosts, world):
    assert world.ccctl("default", "zai").rc == 0


def pinned(hosts, world):
    (world.cwd / ".ccrun").write_text("provider = zai\n")


def job(hosts, world):
    hosts.env["OPENROUTER_KEY"] = hosts.key
    hosts.ep.script = [Bash("env")]


def job_has_no_key(hosts, world, said):
    asked_the_provider(hosts, world, said)
    assert len(hosts.ep.tool_results()) == 1 and "PATH=" in hosts.ep.tool_results()[0]
    assert not any(hosts.key in result for result in hosts.ep.tool_results())


def limited(hosts, world):
    assert world.ccctl("limit", "openrouter", "5M/day").rc == 0
    hosts.key = canary.new_token()


def still_limited(hosts, world, said):
    assert "5M" in world.ccctl("limit", "openrouter").out
    r = world.ccrun("openrouter", "-p", "hello")
    assert r.rc == 0, r
    asked_the_provider(hosts, world, said)


def link_works(name):
    def after(hosts, world, said):
        told, status = hosts.person("").types(f"{name} -p hello")
        assert status == 0 and "hello from loopback" in told, told
    return after


def asked_the_provider(hosts, world, said):
    assert hosts.ep.main[-1].headers["authorization"] == f"Bearer {hosts.key}"


# Stories that begin with another vault than one that is open and has these two keys.
VAULTS = {
    "README.md: ccrun openrouter": None,
    "README.md: ccrun zai -p \"explain this repo\"": (),
    "README.md: ccctl init": None,
    "README.md: ccctl add openrouter --source 'op://Private/OpenRouter/api key'": (),
    "docs/HOW-IT-WORKS.md: ccctl add zai": None,
    "docs/TEAMS.md: ccctl init --user": None,
    "docs/TEAMS.md: ccctl add openrouter --source 'op://Team/OpenRouter/api key'": (),
    "man/ccctl.1: ccctl add zai": None,
    "man/ccctl.1: pass show zai | ccctl add zai": (),
    "man/ccrun.1: ccrun openrouter": None,
}

LINES = {
    ("man/ccctl.1", "pass show zai | ccctl add zai"): Row(real_pass("zai")),
    ("man/ccctl.1", "ccctl slot add keyring"): Row(desktop),
    ("man/ccctl.1", "ccctl import"): Row(dotfile),
    ("man/ccctl.1", "ccctl import --scrub --history"): Row(after=no_key_in_dotfile),
    ("README.md", "ccctl slot add keyring"): Row(desktop_with_tpm),
    ("README.md", "ccctl import"): Row(dotfile),
    ("README.md", "ccctl import --scrub --history"): Row(after=no_key_in_dotfile),
    ("README.md", "ccctl doctor"): Row(status=(0, 1)),     # a finding, such as who can write below /tmp
    ("README.md", "ccctl add openrouter --source 'op://Private/OpenRouter/api key'"): Row(played_op),
    ("README.md", "ccctl add zai --source pass:ai/zai"): Row(real_pass("ai/zai")),
    ("README.md", "ccrun openrouter"): Row(after=asked_the_provider),
    ("README.md", 'ccrun zai -p "explain this repo"'): Row(says="hello from loopback", after=asked_the_provider),
    ("README.md", "ccctl lock"): Row(after=locked),
    ("README.md", "ccctl slot add credential | systemd-creds encrypt --name=ccrun.key - FILE"): Row(after=all_kinds),
    ("README.md", "ccrun claude"): Row(logged_in),
    ("README.md", "ccrun"): Row(default),
    ("README.md", "ccctl allow"): Row(pinned),
    ("README.md", "ccctl approve NAME"): Row(instead=("NAME", "zai")),
    ("README.md", "ccctl test openrouter"): Row(says="openrouter works"),
    ("README.md", "ccctl link my-agent zai"): Row(after=link_works("my-agent")),
    ("docs/HOW-IT-WORKS.md", "ccrun zai"): Row(after=asked_the_provider),
    ("man/ccrun.1", "ccrun openrouter"): Row(after=asked_the_provider),
    ("man/ccctl.1", "ccctl link local-claude ollama"): Row(after=link_works("local-claude")),
    ("man/ccctl.1", "ccctl host init > server.pub"): Row(network),
    ("docs/TEAMS.md", "ccctl host init > server.pub"): Row(network),
    ("docs/TEAMS.md", "ccctl unlock --auto"): Row(after=opens_by_passphrase_too),
    ("docs/TEAMS.md", "ccctl slot rm SLOT"): Row(instead=("SLOT", "2")),
    ("docs/TEAMS.md", "ccctl rekey"): Row(after=removed_keyfile_opens_nothing),
    ("docs/TEAMS.md", "ccctl init --user"): Row(job),
    ("docs/TEAMS.md", 'ccrun openrouter -p "..."'): Row(says="hello from loopback", after=job_has_no_key),
    ("docs/TEAMS.md", "ccctl add --replace openrouter"): Row(limited, after=still_limited),
    ("docs/TEAMS.md", "ccctl add openrouter --source 'op://Team/OpenRouter/api key'"): Row(played_op),
}


def printed():
    """(page, line) of each line that looks like a command of ours, by another rule than examples.py's."""
    for path in [REPO / "README.md", *(REPO / "docs").glob("*.md")]:
        for row in re.findall(r"^(?:    |\t)(?:\w*\$ )?((?:ccrun|ccctl)(?: .*)?)$", path.read_text(), re.M):
            yield str(path.relative_to(REPO)), row
    for path in (REPO / "man").glob("*.[1-8]"):
        examples = path.read_text().partition("\n.Sh EXAMPLES\n")[2].partition("\n.Sh ")[0].replace("\\(dq", '"')
        for row in re.findall(r"^(?:\.Dl )?\w*\$ (.*\b(?:ccrun|ccctl)\b.*)$", examples, re.M):
            yield str(path.relative_to(REPO)), row


def test_every_line_is_in_a_story():
    run = {}
    for story in STORIES:
        for line in story.lines:
            run.setdefault(story.page, []).append(line.text.splitlines()[0])
    rows = list(printed())
    assert len(rows) > 50
    for page, row in rows:
        assert any(row.startswith(text) for text in run.get(page, ())), f"{page}: nobody runs: {row}"


def test_the_table_is_of_lines_that_are_there():
    there = {(story.page, command(line)) for story in STORIES for line in story.lines}
    assert set(LINES) <= there and set(VAULTS) <= {story.name for story in STORIES}


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.name)
def test_example(story, ep, known_client):
    with ExitStack() as stack:
        hosts = Hosts(ep, known_client, stack)
        for host in dict.fromkeys(line.host for line in story.lines):
            hosts.world(host, None if host == "server" else VAULTS.get(story.name, ("openrouter", "zai")))
        for line in story.lines:
            row = LINES.get((story.page, command(line)), Row())
            world = hosts.worlds[line.host]
            if row.before:
                row.before(hosts, world)
            said, status = hosts.person(line.host).types(line.text.replace(*row.instead) if row.instead else line.text)
            print(f"{line.host}$ {line.text}\n{said}[{status}]")
            assert status in row.status, said
            assert re.search(row.says, said), said
            if row.after:
                row.after(hosts, world, said)
