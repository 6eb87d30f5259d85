"""Programs that start claude, and were told to start ccrun: applications of the Agent SDK, an
editor, a workflow of GitHub's.  The client is the real one, and so is the SDK for node; the others
are played (tests/lib/callers.py)."""
import json
import os
import signal
from pathlib import Path

import pytest

from callers import Action, Agent, PythonAgent, sdk
from client import LOGIN, claude, until
from endpoint import Bash, Endpoint, Text, Tool

SAID = "hello from loopback"


@pytest.fixture
def c(relay_with_login):
    return relay_with_login


@pytest.fixture(scope="module", name="where")
def where_the_sdk_is():
    return sdk()


@pytest.fixture
def agent(c, where):
    return Agent(c, where)


def link(c, *words):
    """The command that `ccctl link` makes."""
    place = c.home / "my bin"
    place.mkdir(exist_ok=True)
    r = c.ccctl("link", "--dir", place, *words)
    assert r.rc == 0, r
    return place / words[-2]


@pytest.fixture
def command(c):
    return link(c, "sdk", "demo")


def sessions(c):
    r = c.ccctl("sessions", "--json")
    assert r.rc == 0, r
    return json.loads(r.out)


def with_the_key(ep, token):
    """All that was asked was asked with it."""
    assert ep.main and {q.headers.get("authorization") for q in ep.requests} == {"Bearer " + token}
    assert {q.headers.get("x-api-key") for q in ep.requests} == {None} and not ep.saw(LOGIN)


def write(c):
    """A tool for which the application is asked."""
    return Tool("Write", {"file_path": str(c.cwd / "made"), "content": "it"})


# ---- the Agent SDK for node ----

def test_sdk_was_given_a_linked_command(c, ep, token, agent, command):
    ep.script = [write(c), Bash("echo $((6 * 7)); env; cat /proc/$PPID/environ"), Text("it is 42")]
    said = agent.run({"pathToClaudeCodeExecutable": command})
    assert said.run.rc == 0 and said.results == ["it is 42"], said
    assert said["asked"] == ["Write"] and said["hook"] == ["Write", "Bash"] and not said.stderr
    assert (c.cwd / "made").exists()
    seen = "".join(ep.tool_results())
    assert "42" in seen and token not in seen and "Permission denied" in seen
    with_the_key(ep, token)
    until(lambda: not sessions(c), what="the session's end")


def test_sdk_was_given_ccrun_and_the_provider_as_its_argument(c, ep, token, agent):
    said = agent.run({"pathToClaudeCodeExecutable": c.bin / "ccrun", "executableArgs": ["demo"]})
    assert said.results == [SAID], said
    with_the_key(ep, token)


def test_sdk_was_given_ccrun_alone(c, ep, token, agent):
    said = agent.run({"pathToClaudeCodeExecutable": c.bin / "ccrun"})
    assert said.run.rc == 3 and "hint: arguments for claude follow the provider, or choose one with ccctl default NAME" in said.error, said
    assert not ep.requests and c.ccctl("default", "demo").rc == 0
    said = agent.run({"pathToClaudeCodeExecutable": c.bin / "ccrun"})
    assert said.results == [SAID], said
    with_the_key(ep, token)


def test_sdk_found_the_vault_locked(c, ep, agent, command):
    assert c.ccctl("lock").rc == 0
    said = agent.run({"pathToClaudeCodeExecutable": command})
    assert said.run.rc == 3 and "the vault is locked\nhint: ccctl unlock" in said.error and not ep.requests, said


def test_sdk_has_an_environment_of_its_own(c, ep, token, agent, command):
    """As examples have it, with another provider's key and address."""
    with Endpoint() as other:
        own = {"ANTHROPIC_API_KEY": "sk-ant-another", "ANTHROPIC_BASE_URL": other.url, "ANTHROPIC_MODEL": "another-model"}
        said = agent.run({"pathToClaudeCodeExecutable": command, "own": own})
        assert said.results == [SAID] and not other.requests, said
    assert "note: not for demo, of your environment: ANTHROPIC_MODEL\nhint: " in said.stderr
    with_the_key(ep, token)


def test_sdk_holds_a_conversation_and_changes_the_model(ep, token, agent, command):
    turns = [{"text": "first"}, {"text": "second", "model": "another-model"}]
    said = agent.run({"pathToClaudeCodeExecutable": command, "turns": turns})
    assert said.results == [SAID, SAID], said
    assert ep.main[0].json["model"] != "another-model" == ep.main[-1].json["model"]
    assert "first" in json.dumps(ep.main[-1].json["messages"])
    with_the_key(ep, token)


def test_sdk_resumes_a_session(ep, token, agent, command):
    first = agent.run({"pathToClaudeCodeExecutable": command}, "remember this").of("result")[0]
    said = agent.run({"pathToClaudeCodeExecutable": command, "resume": first["session_id"]})
    assert said.results == [SAID] and "remember this" in json.dumps(ep.main[-1].json["messages"]), said
    with_the_key(ep, token)


def in_a_session(c, ep, argv):
    """What the Bash tool answered to that command."""
    words = " ".join("'" + str(word) + "'" for word in argv)
    ep.script = lambda q: Text("the inner one") if "inner-question" in json.dumps(q.json["messages"][0]) \
        else Text("done") if q.tool_results() else Bash(words + " </dev/null")
    r = c.ccrun("demo", "-p", "go", "--allowedTools", "Bash")
    assert r.rc == 0 and "done" in r.out, r
    return "".join(ep.tool_results())


def test_sdk_in_a_session_starts_the_claude_of_its_path(c, ep, token, agent):
    text = in_a_session(c, ep, agent.argv({"pathToClaudeCodeExecutable": "claude"}, "inner-question"))
    assert '"result":"the inner one"' in text, text
    with_the_key(ep, token)


def test_sdk_in_a_session_starts_a_client_of_its_own(c, ep, token, agent):
    """The one that npm puts beside it.  It gets no key, and does not take the user's login."""
    text = in_a_session(c, ep, agent.argv({"pathToClaudeCodeExecutable": claude()}, "inner-question"))
    assert "Not logged in" in text and "the inner one" not in text and len(ep.main) == 2, text
    with_the_key(ep, token)


def test_application_was_started_by_ccrun(c, ep, agent, token):
    """Only claude's requests go by a relay.  What the hint says works."""
    node, *words = agent.argv({"pathToClaudeCodeExecutable": "claude"})
    r = c.ccrun("--exec", node, "demo", *words)
    assert r.rc == 125 and "; a program that starts claude is given one that ccctl link makes (CALLERS" in r.err and not ep.main, r
    said = agent.run({"pathToClaudeCodeExecutable": link(c, "sdk", "demo")})
    assert said.results == [SAID], said
    with_the_key(ep, token)


# ---- the Agent SDK for Python: its protocol, played ----

def test_python_sdk_was_given_a_linked_command_as_cli_path(c, ep, token, command):
    ep.script = [write(c), Bash("echo $((6 * 7)); env"), Text("it is 42")]
    said = PythonAgent(c).run(command)
    assert said.results == ["it is 42"] and said["asked"] == ["Write"] and not said.error, said
    assert "Claude Code" in said["version"][0] and said.of("control_request")
    seen = "".join(ep.tool_results())
    assert "42" in seen and token not in seen
    with_the_key(ep, token)
    until(lambda: not sessions(c), what="the session's end")


def test_python_sdk_found_the_vault_locked(c, ep, command):
    assert c.ccctl("lock").rc == 0
    said = PythonAgent(c).run(command)
    assert said.error.endswith("exit code 125") and not ep.requests, said
    assert said.run.err == "ccrun: the vault is locked\nhint: ccctl unlock\n", said


def test_python_sdk_in_a_session_finds_claude_in_path(c, ep, token):
    text = in_a_session(c, ep, PythonAgent(c).argv("", "inner-question"))
    assert '"result": "the inner one"' in text, text
    with_the_key(ep, token)


# ---- VS Code: claudeCode.claudeProcessWrapper, called with its own client's path first ----

@pytest.fixture
def bundled(c):
    """The client where the extension has it."""
    place = c.home / ".vscode-server/extensions/anthropic.claude-code-2.1.330-linux-x64/resources/native-binary"
    place.mkdir(parents=True)
    (place / "claude").symlink_to(Path(claude()).resolve())
    c.own()
    return place / "claude"


EDITOR = {"CLAUDE_CODE_ENTRYPOINT": "claude-vscode"}


def test_editor_was_given_a_command_that_wraps(c, ep, token, agent, bundled):
    wrapper = link(c, "--wrap", "code-demo", "demo")
    said = agent.run({"pathToClaudeCodeExecutable": wrapper, "executableArgs": [str(bundled)], "own": EDITOR})
    assert said.results == [SAID], said
    with_the_key(ep, token)
    # What its window of plugins asks.
    r = c.run([wrapper, bundled, "plugin", "list", "--json"])
    assert r.rc == 0 and isinstance(json.loads(r.out), list), r


def test_editor_was_given_ccrun_itself(c, ep, token, agent, bundled):
    options = {"pathToClaudeCodeExecutable": c.bin / "ccrun", "executableArgs": [str(bundled)], "own": EDITOR}
    said = agent.run(options)
    assert said.run.rc == 3 and "which provider? ccrun was given a program alone\nhint: ccctl default NAME; " in said.error, said
    assert not ep.requests
    # The project's provider.
    c.write(c.cwd / ".ccrun", "provider = demo\n")
    assert c.ccctl("allow").rc == 0
    said = agent.run(options)
    assert said.results == [SAID], said
    (c.cwd / ".ccrun").unlink()
    assert c.ccctl("default", "demo").rc == 0
    said = agent.run(options)
    assert said.results == [SAID], said
    r = c.run([c.bin / "ccrun", bundled, "plugin", "list", "--json"])
    assert r.rc == 0 and isinstance(json.loads(r.out), list), r
    with_the_key(ep, token)


def test_editor_has_no_client_of_its_own(c, ep, token, agent):
    """Then the wrapper is called as claude itself would be."""
    said = agent.run({"pathToClaudeCodeExecutable": link(c, "--wrap", "code-demo", "demo"), "own": EDITOR})
    assert said.results == [SAID], said
    with_the_key(ep, token)


def test_editor_found_the_vault_locked(c, ep, agent, bundled):
    assert c.ccctl("lock").rc == 0
    wrapper = link(c, "--wrap", "code-demo", "demo")
    said = agent.run({"pathToClaudeCodeExecutable": wrapper, "executableArgs": [str(bundled)], "own": EDITOR})
    assert "the vault is locked\nhint: ccctl unlock" in said.error and not ep.requests, said


# ---- claude-code-action: path_to_claude_code_executable ----

def test_action_writes_the_prompt_into_a_named_pipe(c, ep, token, command):
    ep.script = [Bash("echo $((6 * 7)); env"), Text("done")]
    r = Action(c, command).by_named_pipe("what is it?", "--allowedTools", "Bash")
    assert r.rc == 0 and not r.err, r
    assert json.loads(r.out.splitlines()[-1])["result"] == "done"
    seen = "".join(ep.tool_results())
    assert "42" in seen and token not in seen and "what is it?" in json.dumps(ep.main[0].json["messages"])
    with_the_key(ep, token)


def test_action_uses_the_sdk(c, ep, token, agent, command):
    c.write("market/.claude-plugin/marketplace.json", json.dumps({
        "name": "market", "owner": {"name": "me"}, "plugins": [{"name": "mine", "source": "./mine", "description": "it"}]}))
    c.write("market/mine/.claude-plugin/plugin.json", json.dumps({"name": "mine", "version": "1.0.0", "description": "it"}))
    c.write("market/mine/commands/hey.md", "---\ndescription: hey\n---\nwords of the plugin\n")
    action = Action(c, command)
    r = action.install_plugin(c.home / "market", "mine@market")
    assert r.rc == 0, r
    ep.script = [Bash("claude -p inner </dev/null"), Text("the inner one"), Text("done")]
    said = action.by_sdk(agent, "/mine:hey", allowedTools=["Bash"])
    assert said.results == ["done"] and not said.stderr, said
    assert "words of the plugin" in json.dumps(ep.main[0].json["messages"]) and ep.tool_results()[0] == "the inner one"
    with_the_key(ep, token)


def test_action_on_a_runner_without_a_vault(known_client, ep, where):
    """Nobody is there to ask."""
    from ccrun import Ccrun  # pylint: disable=import-outside-toplevel
    with Ccrun(ep, delivery=None) as c:
        known_client(c)
        c.demo()
        said = Action(c, link(c, "sdk", "demo")).by_sdk(Agent(c, where), "hello")
        assert "there is no vault yet\nhint: " in said.error and not ep.requests, said


def test_action_on_a_runner_whose_vault_opens_by_a_keyfile(c, ep, token, agent, command):
    """Nobody is there, and no broker runs."""
    for words in (["host", "init"], ["slot", "add", "keyfile"]):
        r = c.ccctl(*words)
        assert r.rc == 0, r
    os.kill(c.broker(), signal.SIGTERM)
    until(lambda: not c.broker(), what="the broker's end")
    said = Action(c, command).by_sdk(agent, "hello")
    assert said.results == [SAID], said
    with_the_key(ep, token)


def test_runner_is_told_of_a_key_that_does_not_count(c, ep, token, command):
    """Words of the environment that are empty are none."""
    env = {**Action(c, command).env(), "ANTHROPIC_MODEL": "mine", "GITHUB_TOKEN": "ghs_x"}
    r = c.run([command, "-p", "hi"], env=env)
    assert r.rc == 0 and "of your environment: ANTHROPIC_MODEL\n" in r.err, r
    with_the_key(ep, token)
