"""Programs that start the client: the Agent SDK for node, which is npm's own, and what the one
for Python and Claude Code's GitHub action do, which is played here by their published sources.

    agent = Agent(c)
    said = agent.run({"pathToClaudeCodeExecutable": "/home/me/bin/zai"}, "hello")
    said.result, said.error
"""
import json
import os
import shutil
from pathlib import Path

import pytest

from client import REPO

# An application of the SDK's: prints each message, what it was asked, and how it ended.
AGENT = """
import { query } from 'SDK/sdk.mjs';
const say = (kind, value) => console.log(JSON.stringify({ [kind]: value }));
const { own, turns, ...options } = JSON.parse(process.argv[2]);
if (own) options.env = { ...process.env, ...own };
options.canUseTool = async (name, input) => { say('asked', name); return { behavior: 'allow', updatedInput: input }; };
options.hooks = { PreToolUse: [{ hooks: [async i => { say('hook', i.tool_name); return {}; }] }] };
options.stderr = text => say('stderr', text);
let next = () => {};
async function* prompts() {
  for (const turn of turns) {
    const done = new Promise(resolve => next = resolve);
    if (turn.model) await q.setModel(turn.model);
    yield { type: 'user', session_id: '', parent_tool_use_id: null, message: { role: 'user', content: turn.text } };
    await done;
  }
}
const q = query({ prompt: turns ? prompts() : process.argv[3], options });
try {
  for await (const m of q) {
    say('message', m);
    if (m.type === 'result') next();
  }
} catch (e) {
  say('thrown', e.message);
  process.exitCode = 3;
}
"""


def sdk():
    """The SDK's directory, or a skip."""
    where = Path(os.environ.get("CCRUN_SDK") or REPO / "build/sdk/node_modules/@anthropic-ai/claude-agent-sdk")
    if not (where / "sdk.mjs").exists():
        pytest.skip("no Agent SDK here: tools/sdk installs one")
    return where


class Said:
    """What an agent printed."""

    def __init__(self, run):
        self.run, self.kinds = run, {}
        for line in run.out.splitlines():
            for kind, value in json.loads(line).items():
                self.kinds.setdefault(kind, []).append(value)

    def __getitem__(self, kind):
        return self.kinds.get(kind, [])

    def of(self, kind, subtype=None):
        return [m for m in self["message"] if m["type"] == kind and subtype in (None, m.get("subtype"))]

    @property
    def results(self):
        return [m.get("result") for m in self.of("result")]

    @property
    def error(self):
        return "".join(self["thrown"])

    @property
    def stderr(self):
        return "".join(self["stderr"])

    def __str__(self):
        return str(self.run)


class Agent:
    """The application in a world; where: of the SDK."""

    def __init__(self, world, where):
        self.world = world
        self.file = world.write("agent.mjs", AGENT.replace("SDK", str(where)))

    def argv(self, options, prompt="go"):
        return ["node", self.file, json.dumps({k: str(v) if isinstance(v, Path) else v for k, v in options.items()}), prompt]

    def run(self, options, prompt="go", **kw):
        return Said(self.world.run(self.argv(options, prompt), timeout=90, **kw))


# Played: the form of the protocol that claude-agent-sdk speaks from Python (its files
# _internal/transport/subprocess_cli.py and _internal/query.py, read 2026-11-29).  It is not the library.
PYTHON_AGENT = '''#!/usr/bin/python3
import json, os, shutil, subprocess, sys
from pathlib import Path

cli, prompt = sys.argv[1:]
cli = cli or shutil.which("claude")
try:  # _check_claude_version, which no failure of stops
    r = subprocess.run([cli, "-v"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=10)
    print(json.dumps({"version": r.stdout}), flush=True)
except Exception:
    pass
env = {k: v for k, v in os.environ.items() if k != "CLAUDECODE"}
env.update(CLAUDE_CODE_ENTRYPOINT="sdk-py", CLAUDE_AGENT_SDK_VERSION="0.1.50", PWD=os.getcwd())
p = subprocess.Popen([cli, "--output-format", "stream-json", "--verbose", "--system-prompt", "", "--permission-prompt-tool",
                      "stdio", "--setting-sources=user,project", "--input-format", "stream-json"], env=env,
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=os.getcwd())

def write(value):
    p.stdin.write(json.dumps(value) + "\\n")
    p.stdin.flush()

def answer(request_id, response):
    write({"type": "control_response", "response": {"subtype": "success", "request_id": request_id, "response": response}})

try:
    write({"type": "control_request", "request_id": "req_1_0a1b2c3d", "request": {"subtype": "initialize", "hooks":
           {"PreToolUse": [{"matcher": None, "hookCallbackIds": ["hook_0"]}]}}})
    for line in p.stdout:
        m = json.loads(line)
        print(json.dumps({"message": m}), flush=True)
        if m["type"] == "control_response" and m["response"]["request_id"] == "req_1_0a1b2c3d":
            write({"type": "user", "session_id": "", "parent_tool_use_id": None,
                   "message": {"role": "user", "content": prompt}})
        elif m["type"] == "control_request" and m["request"]["subtype"] == "hook_callback":
            answer(m["request_id"], {})
        elif m["type"] == "control_request" and m["request"]["subtype"] == "can_use_tool":
            print(json.dumps({"asked": m["request"]["tool_name"]}), flush=True)
            answer(m["request_id"], {"behavior": "allow", "updatedInput": m["request"]["input"]})
        elif m["type"] == "result":
            p.stdin.close()
except BrokenPipeError:
    pass
code = p.wait()
if code:
    print(json.dumps({"thrown": f"Command failed with exit code {code}"}))
'''


class PythonAgent:
    def __init__(self, world):
        self.world = world
        self.file = world.write("agent.py", PYTHON_AGENT, 0o755)

    def argv(self, cli="", prompt="go"):
        return [self.file, str(cli), prompt]

    def run(self, cli="", prompt="go", **kw):
        return Said(self.world.run(self.argv(cli, prompt), timeout=90, **kw))


# ---- Claude Code's GitHub action ---------------------------------------

# What its step's env: block sets, mostly to nothing (base-action/action.yml, read 2026-11-29); its
# check of the environment wants a key of Anthropic's, so a person sets some word.
ACTION_ENV = {
    "CI": "true", "GITHUB_ACTIONS": "true", "CLAUDE_CODE_ACTION": "1", "ANTHROPIC_API_KEY": "unused",
    "CLAUDE_CODE_SUBPROCESS_ENV_SCRUB": "",
    **dict.fromkeys(["INPUT_SETTINGS", "INPUT_CLAUDE_ARGS", "INPUT_PLUGINS", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_BASE_URL",
                     "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "AWS_REGION",
                     "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "ANTHROPIC_BEDROCK_BASE_URL",
                     "ANTHROPIC_VERTEX_PROJECT_ID", "CLOUD_ML_REGION", "GOOGLE_APPLICATION_CREDENTIALS",
                     "ANTHROPIC_VERTEX_BASE_URL"], "")}

# Played: how base-action/src/run-claude.ts starts the client, before it took to the Agent SDK.
NAMED_PIPE = """set -e
pipe=$RUNNER_TEMP/claude_prompt_pipe
mkfifo "$pipe"
cat "$RUNNER_TEMP/prompt.txt" >"$pipe" &
cat "$pipe" | "$INPUT_PATH_TO_CLAUDE_CODE_EXECUTABLE" -p "$@" --verbose --output-format stream-json
"""


class Action:
    """The action's steps, with this executable of claude."""

    def __init__(self, world, executable):
        self.world, self.executable = world, executable
        self.temp = world.tmp / "runner"
        self.temp.mkdir(exist_ok=True)
        world.own()

    def env(self):
        return {**ACTION_ENV, "RUNNER_TEMP": self.temp, "INPUT_PATH_TO_CLAUDE_CODE_EXECUTABLE": self.executable}

    def by_named_pipe(self, prompt, *words):
        self.world.write(self.temp / "prompt.txt", prompt)
        return self.world.run(["bash", "-c", NAMED_PIPE, "run-claude", *words], env=self.env(), timeout=90)

    def install_plugin(self, market, name):
        """base-action/src/install-plugins.ts"""
        for words in (["marketplace", "add", market], ["install", name]):
            r = self.world.run([self.executable, "plugin", *words], env=self.env())
            if r.rc != 0:
                return r
        return r

    def by_sdk(self, agent, prompt, **more):
        """base-action/src/parse-sdk-options.ts and run-claude-sdk.ts"""
        return agent.run({"pathToClaudeCodeExecutable": self.executable, "systemPrompt": {"type": "preset", "preset": "claude_code"},
                          "settingSources": ["user", "project", "local"], "extraArgs": {},
                          "own": {"CLAUDE_CODE_ENTRYPOINT": "claude-code-github-action"}, **more}, prompt, env=self.env())


def programs(world, *names):
    """A PATH of these programs alone."""
    place = world.home / "few"
    place.mkdir()
    for name in names:
        (place / name).symlink_to(os.path.realpath(shutil.which(name)))
    world.own()
    return place
