"""ccctl import: what it finds in the files where people keep keys, and what it
makes of it.  Nothing here may change a file of the person's."""
import json
import os
import sqlite3

import pexpect
import pytest

import canary
from ccrun import CCCTL, PASSPHRASE
from leaks import FIXTURES, Home


@pytest.fixture
def h():
    with Home() as home:
        home.init()
        yield home


def one(h, *words):
    keys = h.found(*words)["keys"]
    assert len(keys) == 1, keys
    return keys[0]


# ---- shell files -------------------------------------------------------

FORMS = [
    (".bashrc", "export ANTHROPIC_AUTH_TOKEN={}\n"),
    (".bashrc", "export ANTHROPIC_AUTH_TOKEN=\"{}\"\n"),
    (".zshrc", "export ANTHROPIC_AUTH_TOKEN='{}'  # mine\n"),
    (".profile", "ANTHROPIC_AUTH_TOKEN={}\nexport ANTHROPIC_AUTH_TOKEN\n"),
    (".zshenv", "typeset -gx ANTHROPIC_AUTH_TOKEN={}\n"),
    (".bash_profile", "declare -x ANTHROPIC_AUTH_TOKEN=$'{}'\n"),
    (".bash_aliases", "alias cz='ANTHROPIC_AUTH_TOKEN={} claude'\n"),
    (".bashrc", "cz() {{ ANTHROPIC_AUTH_TOKEN={} claude \"$@\"; }}\n"),
    (".bashrc", "function cz {{\n  env ANTHROPIC_AUTH_TOKEN={} claude \"$@\"\n}}\n"),
    (".zprofile", ": \"${{ANTHROPIC_AUTH_TOKEN:={}}}\"\n"),
    (".envrc", "export ANTHROPIC_AUTH_TOKEN=\"${{ANTHROPIC_AUTH_TOKEN:-{}}}\"\n"),
    (".config/fish/config.fish", "set -gx ANTHROPIC_AUTH_TOKEN {}\n"),
    (".config/fish/config.fish", "if status is-interactive\n    set -x ANTHROPIC_AUTH_TOKEN '{}'\nend\n"),
    (".config/fish/config.fish", "function cz\n    ANTHROPIC_AUTH_TOKEN={} claude $argv\nend\n"),
    (".bashrc", "KEY={}\nexport ANTHROPIC_AUTH_TOKEN=\"$KEY\"\n"),
    (".bashrc", "[ -t 1 ] &&\n  export ANTHROPIC_AUTH_TOKEN={}\n"),
    (".bashrc", "cat <<EOF\nit's \"not ( closed\nEOF\nexport ANTHROPIC_AUTH_TOKEN={}\n"),
    (".bashrc", "case $- in *i*) ;; *) return;; esac\n(( x = 1 << 2 ))\nexport ANTHROPIC_AUTH_TOKEN={}\n"),
    (".bashrc", "if [[ $a =~ ^(x|y)$ ]]; then :; fi\nexport ANTHROPIC_AUTH_TOKEN={}\n"),
    ("bin/cz", "#!/bin/sh\nANTHROPIC_AUTH_TOKEN={} \\\n  exec claude \"$@\"\n"),
    (".local/bin/cz", "#!/usr/bin/env bash\nexport ANTHROPIC_AUTH_TOKEN={}\r\nexec claude\r\n"),
]


@pytest.mark.parametrize("path,form", FORMS, ids=range(len(FORMS)))
def test_forms_of_assignment(h, path, form):
    text = form.format(h.key("t"))
    h.write(path, text)
    h.write(path + ".url", "")
    k = one(h)
    assert (k["kind"], k["variable"], k["file"]) == ("token", "ANTHROPIC_AUTH_TOKEN", str(h.home / path))
    lines = (h.home / path).read_text().splitlines()
    assert h.made["t"] in lines[k["written_line"] - 1]
    assert k["shown"] == "****" + h.made["t"][-4:]
    assert (h.home / path).read_bytes() == text.encode()
    h.imp("--yes")
    assert h.get(k["entry"]) == h.made["t"]
    assert (h.home / path).read_bytes() == text.encode()


SOURCES = [
    ('$(op read "op://Private/OpenRouter/api key")', "op://Private/OpenRouter/api key", "op"),
    ('$(op item get OpenRouter --vault Private --reveal --fields label=credential)',
     "op://Private/OpenRouter/credential", "op"),
    ("`pass show ai/openrouter`", "pass:ai/openrouter", "pass"),
    ("$(pass ai/openrouter | head -1)", "pass:ai/openrouter", "pass"),
    ("$(pass show ai/openrouter 2>/dev/null | head -n 1)", "pass:ai/openrouter", "pass"),
    ("$(secret-tool lookup service openrouter user me)", "secret-service:service=openrouter,user=me", "secret-tool"),
    ("$(gpg -dq ~/keys/or.gpg)", "gpg:{home}/keys/or.gpg", "gpg"),
    ("$(rbw get openrouter)", "rbw:openrouter", "rbw"),
    ("$(bw get password openrouter)", "bw:openrouter", "bw"),
    ("$(aws secretsmanager get-secret-value --secret-id prod/or --query SecretString --output text"
     " | jq -r .api_key)", "aws-sm:prod/or#api_key", "aws"),
    ("$(vault kv get -field=token secret/or)", "vault:secret/or#token", "vault"),
    ("$(op item get 'z.ai it''em' --reveal --fields credential)",
     "command:op item get 'z.ai item' --reveal --fields credential", "op"),
]


@pytest.mark.parametrize("command,ref,program", SOURCES, ids=range(len(SOURCES)))
def test_managers_become_sources(h, command, ref, program):
    h.program(program)
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL=https://openrouter.ai/api\nexport ANTHROPIC_AUTH_TOKEN=\"{command}\"\n")
    k = one(h)
    ref = ref.format(home=h.home)
    assert (k["kind"], k["source"], k["provider"], k["state"]) == ("source", ref, "openrouter", "new")
    h.imp("--yes")
    entry = json.loads(h.ccctl("keys", "--json").out)[0]
    assert entry["name"] == "openrouter" and ref in json.dumps(entry)
    assert one(h)["state"] == "same"


UNKNOWN = ["$(security find-generic-password -w -s x)", "$(curl -s https://x/key)", "$(pass x | rot13)",
           "$(op read op://a/b/c; rm -rf /)", "$1", "$(cat missing-file)", "$(echo a b)"]


@pytest.mark.parametrize("value", UNKNOWN)
def test_what_is_not_known_is_named_and_not_run(h, value):
    h.write(".bashrc", f"export ANTHROPIC_AUTH_TOKEN=\"{value}\"\n")
    k = one(h)
    assert (k["kind"], k["state"], k["source"]) == ("unknown", "left", None)
    r = h.imp("--yes", "--scrub")
    assert "not imported" in r.out
    assert json.loads(h.ccctl("keys", "--json").out) == []


def test_nothing_is_run(h):
    """Every kind of expansion that a shell would have run leaves no trace."""
    h.write(".bashrc", "\n".join([
        "touch ~/ran-1", "X=$(touch ~/ran-2)", "Y=`touch ~/ran-3`", "export Z=\"$(touch ~/ran-4)\"",
        "cat <(touch ~/ran-5)", "export ANTHROPIC_AUTH_TOKEN=$(touch ~/ran-6; echo sk-1234567890)",
        ": ${A:=$(touch ~/ran-7)}"]) + "\n")
    h.imp("--yes", "--scrub")
    assert not list(h.home.glob("ran-*"))


def test_the_usual_wrapper_comes_out_whole(h):
    """Flag loop, op item get, model tiers, timeout, local branch."""
    text = (FIXTURES / "zai").read_text()
    h.write(".local/bin/zai", text, 0o755)
    h.program("op")
    k = one(h)
    assert (k["provider"], k["mode"], k["modes"]) == ("zai", None, ["local"])
    assert k["source"] == "command:op item get z.ai --reveal --field credential"
    assert k["settings"] == {"ANTHROPIC_DEFAULT_OPUS_MODEL": "GLM-5.1", "ANTHROPIC_DEFAULT_SONNET_MODEL": "GLM-5",
                             "ANTHROPIC_DEFAULT_HAIKU_MODEL": "GLM-4.5-Air", "API_TIMEOUT_MS": "3000000"}
    h.imp("--yes", "--scrub")
    assert (h.home / ".local/bin/zai").read_text() == text, "there is no secret in it"
    entry = json.loads(h.ccctl("keys", "--json").out)[0]
    assert (entry["name"], entry["origin"]) == ("zai", "bearer https://api.z.ai/api/anthropic")
    out = h.ccrun("-n", "zai").out
    for want in ("GLM-5.1", "GLM-4.5-Air", "API_TIMEOUT_MS", "3000000", "https://api.z.ai/api/anthropic"):
        assert want in out, out
    out = h.ccrun("-n", "zai:local").out
    for want in ("http://localhost:11434", "qwen3-coder:30b", "qwen3:8b", "ollama"):
        assert want in out, out


LOCALS = [
    'if [ "$1" = "--local" ]; then\n{local}\nelse\n{main}\nfi\n',
    'case "${{1:-}}" in\n  -l|--local) shift\n{local}\n  ;;\n  *)\n{main}\n  ;;\nesac\n',
    'USE_LOCAL=0\n[[ "${{1-}}" == --local ]] && USE_LOCAL=1\nif [[ $USE_LOCAL -eq 1 ]]; then\n{local}\nfi\n{main}\n',
    'if [ "${{1:-}}" != "--local" ]; then\n{main}\nelse\n{local}\nfi\n',
    'for a in "$@"; do if [ "$a" = --local ]; then L=yes; fi; done\nif [ -n "$L" ]; then\n{local}\nexec claude\nfi\n{main}\n',
]


@pytest.mark.parametrize("form", LOCALS, ids=range(len(LOCALS)))
def test_a_local_branch_is_a_mode(h, form):
    local = ("export ANTHROPIC_BASE_URL=http://localhost:1234\nexport ANTHROPIC_AUTH_TOKEN=lm-studio\n"
             "export ANTHROPIC_MODEL=qwen3")
    main = ("export ANTHROPIC_BASE_URL=https://gw.acme.example/anthropic/\n"
            f"export ANTHROPIC_AUTH_TOKEN={h.key('t')}\nexport ANTHROPIC_MODEL=big-1")
    h.write("bin/acme", "#!/bin/bash\n" + form.format(local=local, main=main) + 'exec claude "$@"\n', 0o755)
    k = one(h)
    assert (k["provider"], k["base_url"], k["modes"]) == ("acme", "https://gw.acme.example/anthropic", ["local"])
    assert k["settings"] == {"ANTHROPIC_MODEL": "big-1"}
    h.imp("--yes")
    assert h.get("acme") == h.made["t"]
    plain, mode = h.ccrun("-n", "acme").out, h.ccrun("-n", "acme:local").out
    assert "big-1" in plain and "gw.acme.example" in plain and "qwen3" not in plain
    assert "qwen3" in mode and "http://localhost:1234" in mode and "lm-studio" in mode


def test_a_file_with_the_key(h):
    h.write("keys/openrouter", h.key("t", "sk-or-v1-") + "\n")
    h.write(".bashrc", 'export ANTHROPIC_AUTH_TOKEN="$(cat ~/keys/openrouter)"\n')
    k = one(h)
    assert (k["kind"], k["written_in"], k["provider"]) == ("token", str(h.home / "keys/openrouter"), "openrouter")
    h.imp("--yes", "--scrub")
    assert h.get("openrouter") == h.made["t"] and not h.leaks()


def test_a_variable_of_another_file(h):
    h.write(".zshenv", f"export MY_GATEWAY_SECRET={h.key('t')}\n")
    h.write("bin/gw", "#!/bin/sh\nexport ANTHROPIC_BASE_URL=https://gw.acme.example\n"
            "export ANTHROPIC_AUTH_TOKEN=$MY_GATEWAY_SECRET\nexec claude\n", 0o755)
    k = one(h)
    assert (k["written_in"], k["written_line"], k["provider"]) == (str(h.home / ".zshenv"), 1, "acme")
    h.imp("--yes", "--scrub")
    assert h.get("acme") == h.made["t"] and not h.leaks()


def test_a_branch_with_a_key_of_its_own_uses_its_provider(h):
    h.write("bin/cc", f"""#!/bin/bash
if [ "$1" = --router ]; then
  export ANTHROPIC_BASE_URL=https://openrouter.ai/api ANTHROPIC_AUTH_TOKEN={h.key('r', 'sk-or-v1-')}
  export ANTHROPIC_MODEL=vendor/model
else
  export ANTHROPIC_BASE_URL=https://api.z.ai/api/anthropic ANTHROPIC_AUTH_TOKEN={h.key('z')}
fi
exec claude "$@"
""", 0o755)
    h.imp("--yes")
    assert h.get("openrouter") == h.made["r"] and h.get("zai") == h.made["z"]
    out = h.ccrun("-n", "zai:router").out
    assert "https://openrouter.ai/api" in out and "vendor/model" in out, out
    assert "vendor/model" not in h.ccrun("-n", "zai").out


def test_functions_and_cases_do_not_mix(h):
    """Two providers in one file: each key with its own address and models."""
    h.write(".zshrc", f"""
one() {{
  local ANTHROPIC_BASE_URL=https://one.example.com ANTHROPIC_AUTH_TOKEN={h.key('a')} ANTHROPIC_MODEL=m1
  claude
}}
pick() {{
  case "$1" in
    two) export ANTHROPIC_BASE_URL=https://two.test.org ANTHROPIC_AUTH_TOKEN={h.key('b')};;
    three) export ANTHROPIC_BASE_URL=https://three.net ANTHROPIC_AUTH_TOKEN={h.key('c')} ANTHROPIC_MODEL=m3;;
  esac
}}
""")
    assert [(k["provider"], k["settings"]) for k in h.found()["keys"]] == [
        ("example", {"ANTHROPIC_MODEL": "m1"}), ("test", {}), ("three", {"ANTHROPIC_MODEL": "m3"})]


# ---- settings files, switchers -----------------------------------------

def test_settings_of_claude_code(h):
    h.settings({"env": {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic",
                        "ANTHROPIC_AUTH_TOKEN": h.key("user"), "ANTHROPIC_MODEL": "glm-x"}})
    h.settings({"env": {"ANTHROPIC_API_KEY": h.key("local", "sk-ant-api03-")}}, "local")
    before = h.bytes_of(".claude/settings.json", "work/.claude/settings.local.json")
    keys = {k["variable"]: k for k in h.found()["keys"]}
    assert keys["ANTHROPIC_AUTH_TOKEN"]["provider"] == "zai"
    assert keys["ANTHROPIC_AUTH_TOKEN"]["settings"] == {"ANTHROPIC_MODEL": "glm-x"}
    assert keys["ANTHROPIC_API_KEY"]["provider"] == "anthropic"
    h.imp("--yes")
    assert h.get("zai") == h.made["user"] and h.get("anthropic") == h.made["local"]
    assert h.bytes_of(*before) == before


def test_profiles_of_ccs(h):
    """Files as ccs 7.79.1 writes them: one settings file a profile."""
    h.write(".ccs/config.json", json.dumps({"profiles": {"glm": "~/.ccs/glm.settings.json",
                                                         "km": "~/.ccs/km.settings.json"}}))
    h.write(".ccs/glm.settings.json", json.dumps({"env": {
        "ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "ANTHROPIC_AUTH_TOKEN": h.key("glm"),
        "ANTHROPIC_MODEL": "glm-5", "ANTHROPIC_DEFAULT_OPUS_MODEL": "glm-5"}}, indent=2))
    h.write(".ccs/km.settings.json", json.dumps({"env": {
        "ANTHROPIC_BASE_URL": "https://api.kimi.com/coding/", "ANTHROPIC_AUTH_TOKEN": h.key("km")}}, indent=2))
    h.write(".ccs/mm.settings.json", json.dumps({"env": {
        "ANTHROPIC_BASE_URL": "https://api.minimax.io/anthropic", "ANTHROPIC_AUTH_TOKEN": "YOUR_MINIMAX_API_KEY_HERE"}}))
    h.write(".ccs/ollama.settings.json", json.dumps({"env": {
        "ANTHROPIC_BASE_URL": "http://localhost:11434", "ANTHROPIC_AUTH_TOKEN": "ollama"}}))
    keys = h.found()["keys"]
    assert [k["base_url"] for k in keys] == ["https://api.z.ai/api/anthropic", "https://api.kimi.com/coding"]
    h.imp("--yes", "--scrub")
    assert h.get("zai") == h.made["glm"] and h.get(keys[1]["entry"]) == h.made["km"]
    assert not h.leaks()
    assert json.loads((h.home / ".ccs/glm.settings.json").read_text())["env"] == {
        "ANTHROPIC_MODEL": "glm-5", "ANTHROPIC_DEFAULT_OPUS_MODEL": "glm-5"}


def test_every_variable_that_names_a_model_gets_its_key(h):
    """The file that import writes is one that ccrun takes."""
    h.write(".claude/settings.json", json.dumps({"env": {
        "ANTHROPIC_BASE_URL": "https://llm.example.com", "ANTHROPIC_AUTH_TOKEN": h.key("gw"),
        "ANTHROPIC_DEFAULT_MODEL": "v/start", "ANTHROPIC_CUSTOM_MODEL_OPTION": "v/other",
        "ANTHROPIC_DEFAULT_OPUS_MODEL_NAME": "Big", "CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL": "v/flow",
        "CLAUDE_CODE_SUBAGENT_MODEL_FORCE": "1", "ANTHROPIC_BEDROCK_SERVICE_TIER": "flex",
        "VERTEX_REGION_CLAUDE_4_5_SONNET": "eu", "ANTHROPIC_BETAS": "a-1"}}))
    [key] = h.found()["keys"]
    h.imp("--yes", "--scrub")
    r = h.ccctl("show", key["entry"])
    assert r.rc == 0, r
    for line in ("ANTHROPIC_DEFAULT_MODEL=v/start", "ANTHROPIC_CUSTOM_MODEL_OPTION=v/other",
                 "ANTHROPIC_DEFAULT_OPUS_MODEL_NAME=Big", "CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL=v/flow"):
        assert line in r.out, r
    assert h.get(key["entry"]) == h.made["gw"] and not h.leaks()


def test_the_configuration_of_ccm(h):
    h.write(".ccm_config", "# CCM\nCCM_LANGUAGE=en\n\n# Deepseek\nDEEPSEEK_API_KEY=sk-your-deepseek-api-key\n"
            f"# GLM\nGLM_API_KEY={h.key('glm')}  # paid\nOPENROUTER_API_KEY={h.key('or', 'sk-or-v1-')}\n"
            "GLM_MODEL=glm-4.7\n")
    keys = h.found()["keys"]
    assert [(k["variable"], k["provider"]) for k in keys] == [("GLM_API_KEY", "zai"), ("OPENROUTER_API_KEY", "openrouter")]
    h.imp("--yes", "--scrub")
    assert h.get("zai") == h.made["glm"] and h.get("openrouter") == h.made["or"] and not h.leaks()


# ---- mapping -----------------------------------------------------------

def test_mapped_by_address_by_variable_by_shape(h):
    h.write(".bashrc", f"""
a() {{ ANTHROPIC_BASE_URL=https://OpenRouter.ai/api/v1 ANTHROPIC_AUTH_TOKEN={h.key('url')} claude; }}
b() {{ ANTHROPIC_AUTH_TOKEN={h.key('shape', 'sk-or-v1-')} claude; }}
export AWS_BEARER_TOKEN_BEDROCK={h.key('aws')}
export AWS_REGION=eu-west-1
export ANTHROPIC_FOUNDRY_API_KEY={h.key('foundry')} ANTHROPIC_FOUNDRY_RESOURCE=acme-ai
""")
    keys = h.found()["keys"]
    assert [(k["provider"], k["mode"]) for k in keys] == [
        ("openrouter", None), ("openrouter-2", None), ("bedrock", "bearer"), ("foundry", None)]
    h.imp("--yes")
    assert h.get("openrouter") == h.made["url"] and h.get("openrouter-2") == h.made["shape"]
    assert h.get("bedrock") == h.made["aws"] and h.get("foundry") == h.made["foundry"]
    assert "eu-west-1" in h.ccrun("-n", "bedrock:bearer").out
    assert "acme-ai" in h.ccrun("-n", "foundry").out
    assert "https://openrouter.ai/api" in h.ccrun("-n", "openrouter-2").out


# A region, a platform or a resource stands in the address.
REGIONS = [
    ("https://dashscope.aliyuncs.com/apps/anthropic", "qwen", "region = dashscope"),
    ("https://cn-hongkong.dashscope.aliyuncs.com/apps/anthropic", "qwen", "region = cn-hongkong.dashscope"),
    ("https://api.moonshot.cn/anthropic", "moonshot", "region = cn"),
    ("https://api.minimaxi.com/anthropic", "minimax", "host = minimaxi.com"),
    ("https://api.siliconflow.cn", "siliconflow", "region = cn"),
    ("https://contoso.services.ai.azure.com/anthropic", "azure", "resource = contoso"),
]


@pytest.mark.parametrize("url,name,says", REGIONS)
def test_an_address_with_a_region_is_its_providers(h, url, name, says):
    variable = "ANTHROPIC_API_KEY" if name == "azure" else "ANTHROPIC_AUTH_TOKEN"
    h.write("bin/c", f"#!/bin/sh\nexport ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_MODEL=some-model\n"
                     f"export {variable}={h.key('t')}\nexec claude\n")
    k = one(h)
    assert (k["provider"], k["entry"]) == (name, name)
    h.imp("--yes")
    assert h.get(name) == h.made["t"]
    assert says in (h.config / f"ccrun/providers/{name}.conf").read_text()
    assert f"ANTHROPIC_BASE_URL={url}" in h.ccctl("show", name).out


@pytest.mark.parametrize("url", ["https://evil.aliyuncs.com/apps/anthropic", "https://api.moonshot.evil.example/anthropic",
                                 "https://a.b.services.ai.azure.com/anthropic", "https://api.siliconflow.cn.evil.example"])
def test_an_address_that_only_looks_like_one_is_not(h, url):
    h.write("bin/c", f"#!/bin/sh\nexport ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_AUTH_TOKEN={h.key('t')}\nexec claude\n")
    assert one(h)["provider"] not in ("qwen", "moonshot", "azure", "siliconflow")


@pytest.mark.parametrize("url,name", [
    ("https://llm.corp.example.com/anthropic", "example"), ("https://gateway.acme.co.uk", "acme"),
    ("http://127.0.0.1:4000", "127-0-0-1"), ("http://localhost:8080/", "localhost")])
def test_a_new_provider_is_named_for_its_host(h, url, name):
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_AUTH_TOKEN={h.key('t')}\n"
            "export API_TIMEOUT_MS=600000\n")
    assert one(h)["provider"] == name
    h.imp("--yes")
    assert h.get(name) == h.made["t"]
    out = h.ccrun("-n", name).out
    assert url.rstrip("/") in out and "600000" in out


@pytest.mark.parametrize("script,url,name,sourced", [
    ("claude-beta", "http://127.0.0.1:4000", "beta", "127-0-0-1"), ("beta-claude.sh", "http://10.0.0.7", "beta", "10-0-0-7"),
    ("cz", "http://localhost:8080", "cz", "localhost"), ("claude", "http://10.0.0.7", "10-0-0-7", "10-0-0-7"),
    ("claude-zai", "http://10.0.0.7", "zai-2", "10-0-0-7"), ("claude-beta", "https://llm.example.com", "example", "example")])
def test_a_script_names_what_has_a_number_for_a_host(h, script, url, name, sourced):
    text = f"#!/bin/sh\nexport ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_AUTH_TOKEN={h.key('t')}\nexec claude\n"
    path = h.write(f"bin/{script}", text)
    path.chmod(0o755)
    assert one(h)["provider"] == name
    path.chmod(0o644)
    assert one(h)["provider"] == sourced


@pytest.mark.parametrize("url", ["$GATEWAY/v1", "$(cat ~/gateway)", "ftp://x.example", "https://user@x.example"])
def test_a_key_for_an_address_that_cannot_be_told_goes_nowhere(h, url):
    """Least of all to the client's own endpoint."""
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    before = h.bytes_of(".bashrc")
    k = one(h)
    assert (k["kind"], k["state"], k["provider"]) == ("malformed", "left", None) and "address" in k["error"]
    h.imp("--yes", "--scrub")
    assert json.loads(h.ccctl("keys", "--json").out) == [] and h.bytes_of(".bashrc") == before


def test_an_address_of_another_file(h):
    h.write(".profile", "export ANTHROPIC_BASE_URL=https://gw.acme.example\n")
    h.write(".zshenv", f"export ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    k = one(h)
    assert (k["base_url"], k["provider"]) == ("https://gw.acme.example", "acme")
    h.write(".bashrc", "export ANTHROPIC_BASE_URL=https://other.example\n")
    assert one(h)["kind"] == "malformed"


def test_the_same_key_twice_is_one_entry_and_another_gets_a_name(h):
    h.add("openrouter", h.key("old"))
    h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('new', 'sk-or-v1-')}\n")
    h.write(".zshrc", f"export OPENROUTER_API_KEY={h.made['new']}\n")
    h.write(".profile", f"export OPENROUTER_API_KEY={h.made['old']}\n")
    states = {k["file"].rpartition("/")[2]: (k["entry"], k["state"]) for k in h.found()["keys"]}
    assert states == {".bashrc": ("openrouter-2", "other"), ".zshrc": ("openrouter-2", "other"),
                      ".profile": ("openrouter", "same")}
    h.imp("--yes", "--scrub")
    assert h.get("openrouter") == h.made["old"] and h.get("openrouter-2") == h.made["new"]
    assert not h.leaks()


@pytest.mark.parametrize("url", ["https://{}", "https://{}.example.org", "https://x.example.org/{}/v1"])
def test_an_address_that_has_the_key_in_it_becomes_no_provider(h, url):
    """It would stand there for all to read, its host in small letters."""
    key = h.key("t")
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL={url.format(key)}\nexport ANTHROPIC_AUTH_TOKEN={key}\n")
    r = h.imp("--yes")
    assert "not imported: its address has the key in it, and would show it" in r.out, r
    assert key.lower() not in (r.out + r.err).lower() and not list((h.config / "ccrun").rglob("*.conf"))


def test_twice_is_once(h):
    """What was imported is known the second time, and nothing is written again."""
    h.write(".bashrc", f"export ANTHROPIC_BASE_URL=https://x.example.org\nexport ANTHROPIC_AUTH_TOKEN={h.key('t')}\n")
    h.imp("--yes")
    conf = h.config / "ccrun/providers/example.conf"
    text = conf.read_bytes()
    assert one(h)["state"] == "same"
    assert "stored" not in h.imp("--yes").err and conf.read_bytes() == text
    assert len(json.loads(h.ccctl("keys", "--json").out)) == 1


def test_a_persons_provider_file_stays_as_it_says(h):
    mine = "; my own\n[provider]\ntitle = Mine\n\n[models]\nopus = my-model\n"
    h.overlay("zai", mine)
    h.settings({"env": {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "ANTHROPIC_AUTH_TOKEN": h.key("t"),
                        "ANTHROPIC_DEFAULT_OPUS_MODEL": "theirs", "ANTHROPIC_DEFAULT_HAIKU_MODEL": "small"}})
    h.imp("--yes")
    text = (h.config / "ccrun/providers/zai.conf").read_text()
    assert text.startswith(mine) and "haiku = small" in text and "theirs" not in text
    assert "my-model" in h.ccrun("-n", "zai").out


def test_settings_that_do_not_go_together_cost_no_key(h):
    """A person's file that the found settings would break stays, and the key is stored."""
    mine = "[provider]\ntitle = Mine\n\n" + "".join(f"; {'x' * 1900}\n" for _ in range(34))
    h.overlay("zai", mine)
    h.settings({"env": {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "ANTHROPIC_AUTH_TOKEN": h.key("t"),
                        "ANTHROPIC_MODEL": "m" * 900, "API_TIMEOUT_MS": "1"}})
    r = h.imp("--yes")
    assert "settings were not taken over" in r.err
    assert (h.config / "ccrun/providers/zai.conf").read_text() == mine and h.get("zai") == h.made["t"]


# ---- how it is asked ---------------------------------------------------

def test_without_a_word_nothing_is_changed(h):
    h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('t')}\n")
    for words in ((), ("--scrub",), ("--json",)):
        h.imp(*words)
    assert json.loads(h.ccctl("keys", "--json").out) == []
    assert h.leaks(skip=[h.home / ".bashrc"]) == set()
    assert not (h.config / "ccrun").exists() and not (h.state / "ccrun/import").exists()


def test_asked_once_on_a_terminal(h):
    h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('t')}\nexport ZAI_API_KEY={h.key('z')}\n")
    argv = h.argv([CCCTL, "import", "--scrub"])

    def tty(*answers):
        child = pexpect.spawn(argv[0], argv[1:], env=h.env(), cwd=str(h.cwd), timeout=20)
        for question, answer in answers:
            child.expect_exact(question)
            child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        return child

    said = tty(("store 2 keys in the vault?", "n")).before.decode()
    for name in ("openrouter", "zai"):
        assert f"'{name}' was not stored: it is in ~/.bashrc as before" in said, said
    assert json.loads(h.ccctl("keys", "--json").out) == []
    tty(("store 2 keys in the vault?", "y"), ("change ~/.bashrc so?", "n"))
    assert h.get("openrouter") == h.made["t"] and h.made["z"] in (h.home / ".bashrc").read_text()
    child = tty(("change ~/.bashrc so?", "y"))
    assert child.exitstatus == 0 and not h.leaks()


def test_an_import_says_that_it_is_half_of_the_way(h):
    h.write("bin/claude-zai", "#!/bin/sh\nexport ANTHROPIC_BASE_URL=https://api.z.ai/api/anthropic\n"
                              f"export ANTHROPIC_AUTH_TOKEN={h.key('z')}\nexec claude \"$@\"\n")
    r = h.imp("--yes")
    assert "ccctl import --scrub takes them out" in r.err and "ccctl link" not in r.err
    r = h.imp("--scrub", "--yes")
    assert "use ccrun PROVIDER in its place (ccctl link" in r.err and "takes them out" not in r.err
    r = h.imp("--yes")
    assert "in its place" not in r.err and "takes them out" not in r.err


def test_what_a_provider_has_to_know_is_asked(h):
    h.write("bin/c", "#!/bin/sh\nexport ANTHROPIC_BASE_URL=https://api.moonshot.ai/anthropic\n"
                     f"export ANTHROPIC_AUTH_TOKEN={h.key('t')}\nexec claude\n")
    r = h.imp("--yes", "--scrub", rc=1)
    assert "needs to know its model" in r.err and "ccctl add moonshot --set model=" in r.err
    assert h.made["t"] in (h.home / "bin/c").read_text()
    argv = h.argv([CCCTL, "import"])
    t = pexpect.spawn(argv[0], argv[1:], env=h.env(), cwd=str(h.cwd), timeout=20)
    t.expect_exact("store 1 key in the vault?")
    t.sendline("y")
    t.expect_exact("which model")
    t.sendline("kimi-k2")
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0 and h.get("moonshot") == h.made["t"]
    assert "ANTHROPIC_MODEL=kimi-k2" in h.ccctl("show", "moonshot").out


@pytest.mark.parametrize("planted", [None, "model = ask: Passphrase for your vault"])
def test_what_a_file_of_yours_asks_is_named_as_that(h, planted):
    """A file that a session wrote asks in the words of ours."""
    path = h.write(".config/ccrun/providers/moonshot.conf", f"[provider]\ntitle = Your vault\n[parameters]\n{planted or ''}\n", 0o600)
    path.parent.chmod(0o700)
    h.write("bin/c", "#!/bin/sh\nexport ANTHROPIC_BASE_URL=https://api.moonshot.ai/anthropic\n"
                     f"export ANTHROPIC_AUTH_TOKEN={h.key('t')}\nexec claude\n")
    argv = h.argv([CCCTL, "import"])
    t = pexpect.spawn(argv[0], argv[1:], env=h.env(), cwd=str(h.cwd), timeout=20, encoding="utf-8", dimensions=(40, 300))
    t.expect_exact("store 1 key in the vault? [y/N] ")
    t.sendline("y")
    t.expect_exact("y\r\n")
    t.expect(": $")
    said = (t.before + t.after).split("\r\n")
    if planted:
        assert said[0] == f"{path} asks for its parameter 'model', in these words: \"Passphrase for your vault\"", said
        assert said[-1] == "moonshot, its parameter 'model', no passphrase and no key: ", said
    else:
        assert said == ["moonshot, which model, as https://platform.moonshot.ai/docs lists them: "], said
    t.sendintr()
    t.expect(pexpect.EOF)
    t.close()


def test_a_manager_that_is_not_there_is_not_forgotten(h):
    h.write("bin/c", "#!/bin/sh\nexport ANTHROPIC_BASE_URL=https://api.z.ai/api/anthropic\n"
                     'export ANTHROPIC_AUTH_TOKEN="$(op read "op://Private/z.ai/key")"\nexec claude\n')
    r = h.imp("--yes", rc=1)
    assert "ccctl add zai --source op://Private/z.ai/key --no-check" in r.err


def test_a_key_that_cannot_be_stored_leaves_no_provider(h):
    """The next import would find its file, and make another beside it."""
    h.add("zai", h.key("old"))
    h.write("bin/c", "#!/bin/sh\nexport ANTHROPIC_BASE_URL=https://api.z.ai/api/anthropic\n"
                     'export ANTHROPIC_AUTH_TOKEN="$(op read "op://Private/z.ai/key")"\nexec claude\n')
    for _ in range(2):
        r = h.imp("--yes", rc=1)
        assert "'zai-2' was not stored" in r.err and "zai-3" not in r.err, r
        assert not (h.config / "ccrun/providers/zai-2.conf").exists()


def test_the_vault_is_opened_by_descriptor(h):
    h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('t')}\n")
    h.ccctl("lock")
    assert one(h)["state"] == "open"
    r = h.ccctl("import", "--yes")
    assert r.rc == 3, r
    r = h.with_passphrase("import", "--yes", passphrase=PASSPHRASE)
    assert r.rc == 0 and h.get("openrouter") == h.made["t"], r


def test_words_name_files_and_projects(h):
    h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('home')}\n")
    h.write("work/.envrc", f"export ZAI_API_KEY={h.key('project')}\n")
    h.write("elsewhere/keys.sh", f"export ANTHROPIC_API_KEY={h.key('file')}\n")
    assert {k["variable"] for k in h.found()["keys"]} == {"OPENROUTER_API_KEY", "ZAI_API_KEY"}
    assert one(h, str(h.cwd))["variable"] == "ZAI_API_KEY"
    assert one(h, str(h.home / "elsewhere/keys.sh"))["variable"] == "ANTHROPIC_API_KEY"
    r = h.imp("sk-or-v1-not-a-file", rc=1)
    assert "sk-or" not in r.err


def test_usage(h):
    h.imp("--history", rc=2)
    h.imp("--nonsense", rc=2)
    assert "no keys were found" in h.imp().err


# ---- what cannot be read -----------------------------------------------

def test_what_cannot_be_read_is_named_and_left(h):
    h.write(".bashrc", "export ANTHROPIC_AUTH_TOKEN='open\n" + f"export OPENROUTER_API_KEY={h.key('t')}\n")
    h.write(".profile", "x" * (1 << 20) + "\n#")
    (h.home / ".zshrc").write_bytes(b"export A=\xff\xfe\n")
    (h.home / ".zshenv").write_bytes(b"export A=\0\n")
    os.mkfifo(h.home / ".bash_login")
    h.write(".claude/settings.json", '{"env": {"ANTHROPIC_AUTH_TOKEN": "' + h.made["t"] + '",}}')
    h.write(".zprofile", f"export ZAI_API_KEY={h.key('z')}\n", 0o000)
    h.own()
    paths = [".bashrc", ".profile", ".zshrc", ".zshenv", ".claude/settings.json"]
    before = h.bytes_of(*paths)
    files = {f["file"].removeprefix(f"{h.home}/"): f for f in h.found()["files"] if f["error"]}
    assert set(files) == {*paths, ".bash_login", ".zprofile"}
    assert files[".bashrc"]["line"] == 1 and files[".claude/settings.json"]["line"] == 1
    h.imp("--scrub", "--yes")
    assert h.bytes_of(*paths) == before


def test_hostile_values(h):
    """What no token can be is named; nothing of it gets anywhere."""
    evil = ["a b c d e f g h", "$(touch ~/ran)", "naïve-üñí-tökën-with-UTF-8", "x" * 20000, "tab\there-and-there", "`touch ~/ran`"]
    h.settings({"env": {"ANTHROPIC_AUTH_TOKEN": "line\nbreak-in-the-token", "ANTHROPIC_BASE_URL": "https://x.example\n[evil]",
                        "a b; rm": "x", "ANTHROPIC_MODEL": "x\n[policy]\nnested = allow"}})
    h.write(".bashrc", "".join(f"f{i}() {{ ANTHROPIC_AUTH_TOKEN=\"{v}\" claude; }}\n" for i, v in enumerate(evil)))
    keys = h.found()["keys"]
    assert {k["kind"] for k in keys} <= {"malformed", "unknown"}, keys
    h.imp("--yes", "--scrub")
    assert not (h.home / "ran").exists() and not (h.config / "ccrun/providers").exists()


def test_every_character_that_a_token_may_have(h):
    """What a shell or JSON would take for syntax goes in and out as it is."""
    h.made["t"] = "it's\"a$(b)`c`${d}\\e;f|g&h<i>j!k#l*m?n~o" + canary.new_token(20)
    h.settings({"env": {"ANTHROPIC_API_KEY": h.made["t"]}})
    h.write(".bashrc", "export ANTHROPIC_API_KEY='" + h.made["t"].replace("'", "'\\''") + "'\n")
    assert {k["entry"] for k in h.found()["keys"]} == {"anthropic"}
    h.imp("--yes", "--scrub")
    assert h.get("anthropic") == h.made["t"] and not h.leaks()


def test_hostile_names(h):
    """A directory's and a file's name with everything in it."""
    where = h.home / "a b'\"$(touch ran)\nü"
    path = h.write(where / "x\033[31m; y.sh", f"export OPENROUTER_API_KEY={h.key('t')}\n")
    r = h.imp(str(path))
    assert "\033" not in r.out and "\033" not in r.err
    assert one(h, str(path))["file"] == str(path)
    r = h.imp("--yes", "--scrub", str(path))
    assert "\033" not in r.out + r.err
    assert h.made["t"] not in path.read_text() and not h.leaks()


def test_long_lines(h):
    h.write(".bashrc", "A='" + "x" * 100_000 + f"'; export OPENROUTER_API_KEY={h.key('t')}; B='" + "y" * 100_000 + "'\n")
    before = (h.home / ".bashrc").read_text()
    h.imp("--yes", "--scrub")
    assert (h.home / ".bashrc").read_text() == before.replace(h.made["t"], "")


@pytest.mark.root
def test_nothing_in_ordinary_memory(h):
    """While it asks, ccctl holds tokens in locked memory and nowhere else."""
    if os.geteuid() != 0:
        pytest.skip("needs root: to read another process's memory")
    h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('t')}\n")
    h.settings({"env": {"ANTHROPIC_API_KEY": h.key("j")}})
    h.write(".config/nushell/env.nu", f"$env.ZAI_API_KEY = '{h.key('n')}'\n")
    h.write(".config/Code/User/settings.json",
            json.dumps({"claudeCode.environmentVariables": {"DEEPSEEK_API_KEY": h.key("e")}}))
    h.write(".cc-switch/cc-switch.db", "")
    with sqlite3.connect(h.home / ".cc-switch/cc-switch.db") as db:
        db.execute("CREATE TABLE providers (id, app_type, name, settings_config)")
        db.execute("INSERT INTO providers VALUES ('1', 'claude', 'x', ?)",
                   [json.dumps({"env": {"MOONSHOT_API_KEY": h.key("d")}})])
    db.close()
    argv = h.argv([CCCTL, "import", "--scrub"])
    child = pexpect.spawn(argv[0], argv[1:], env=h.env(), cwd=str(h.cwd), timeout=20)
    try:
        child.expect_exact("in the vault?")
        from client import descendants  # pylint: disable=import-outside-toplevel
        searched = 0
        for pid in (child.pid, *descendants(child.pid)):
            with canary.frozen(pid):
                for token in h.made.values():
                    found, n, _ = canary.scan_memory(pid, token)
                    searched += n
                    assert not found, found
        assert searched > 0
    finally:
        child.sendline("n")
        child.expect(pexpect.EOF)
        child.close()
