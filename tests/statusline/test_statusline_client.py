"""The real client in full screen shows the line that ccctl statusline install
put in place: for a provider, a local one, plain variables and plain claude."""
import json
import re

import pytest

from ccrun import CCRUN
from client import claude, until

SAID = "hello from loopback"


@pytest.fixture
def installed(c):
    """A repository `app` on a branch, and the status line by the real command."""
    app = c.home / "app"
    app.mkdir()
    c.own()
    r = c.run(["sh", "-c", "git init -q -b feature . && git config user.email a@example.invalid && git config user.name a && "
                           "git commit -q --allow-empty -m one && git remote add origin https://git.example.invalid/acme/app.git"], cwd=app)
    assert r.rc == 0, r
    r = c.ccctl("statusline", "install", "--yes")
    assert r.rc == 0, r
    state = c.client_state()
    state["projects"][str(app)] = state["projects"][str(c.cwd)]
    c.write(".claude.json", json.dumps(state))
    c.cwd = app
    return c


def row_with(s, pattern):
    """The number of the screen's row that the pattern is on, and the match."""
    for y, line in enumerate(s.canvas.display):
        found = re.search(pattern, line)
        if found:
            return y, found
    return None


def shows(s, label, context):
    """After an answer: the line below the input box, its parts, their colours."""
    pattern = rf"{label} \| {context} \| feature \| app\b"
    s.wait(pattern)
    y, found = row_with(s, pattern)
    prompt = max(i for i, line in enumerate(s.canvas.display) if "❯" in line)
    assert y > prompt, s.text()
    fg = [s.canvas.buffer[y][x].fg for x in range(s.canvas.columns)]
    at = found.start() + found[0].index("feature")
    assert set(fg[at:at + 7]) == {"blue"}
    at = found.start() + found[0].rindex("app")
    assert set(fg[at:at + 3]) == {"magenta"}


def chat(s):
    s.ask("say hello")
    s.wait(SAID)


def test_a_third_partys(installed, ep, token):
    installed.demo(extra="[statusline]\nlabel = Demo\n")
    installed.ready(token)
    with installed.screen([CCRUN, "demo"]) as s:
        chat(s)
        shows(s, "Demo", r"\d+% ctx")
        assert s.exit() == 0
    assert ep.main


def test_a_presets_label(installed, ep, token):
    """GLM is what z.ai's preset says, wherever its endpoint is moved to."""
    installed.provider("zai", base_url=ep.url)
    installed.ready(token, "zai")
    with installed.screen([CCRUN, "zai"]) as s:
        chat(s)
        shows(s, "GLM", r"\d+% ctx")
        assert s.exit() == 0


def test_a_local_one(installed, ep):
    installed.provider("ollama", base_url=ep.url)
    r = installed.ccctl("add", "--set", "model=m", "ollama")
    assert r.rc == 0, r
    with installed.screen([CCRUN, "ollama"]) as s:
        chat(s)
        shows(s, "Local", r"\d+% ctx")
        assert s.exit() == 0


def test_plain_variables_at_a_local_address(installed, ep, token):
    with installed.screen([claude()], env={"ANTHROPIC_BASE_URL": ep.url, "ANTHROPIC_AUTH_TOKEN": token}) as s:
        chat(s)
        shows(s, "Local", r"\d+% ctx")
        assert s.exit() == 0


def test_plain_claude(installed, token):
    """A key in the environment and no address: the line is there from the start,
    with no answer."""
    installed.approve_key(token)
    with installed.screen([claude()], env={"ANTHROPIC_API_KEY": token}) as s:
        # Where nothing says who its host is, the client offers its auto mode first.
        if s.wait(r"your default permission mode\?|feature \| app")[0][0] == "y":
            s.send("\x1b[B")
            s.wait("❯ No")
            # The dialog takes no answer in its first moments: until it has gone.
            until(lambda: s.send("\r") or s.pump(1.0) and "permission mode?" not in s.text(), timeout=60)
        s.wait(r"Claude \| .*feature \| app\b")
        assert s.exit() == 0


def test_removed_it_is_gone(installed, ep, token):
    assert installed.ccctl("statusline", "remove", "--yes").rc == 0
    with installed.screen([claude()], env={"ANTHROPIC_BASE_URL": ep.url, "ANTHROPIC_AUTH_TOKEN": token}) as s:
        chat(s)
        s.pump(1.0)
        assert not row_with(s, r"\| feature \| app\b")
        assert s.exit() == 0
