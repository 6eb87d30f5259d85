"""What a person set in ~/.claude/settings.json, or an administrator in managed settings, and
Claude Code drops because ccrun manages its provider: ccrun takes it over, or names it."""
import json

import pytest

from endpoint import Bash, Endpoint, Text

MODELS = {"ANTHROPIC_MODEL": "own-model", "ANTHROPIC_DEFAULT_HAIKU_MODEL": "own-haiku"}


def settings(c, env=None, **keys):
    """The person's own file, and where it is."""
    c.settings({**keys, **({"env": env} if env else {})})
    return c.home / ".claude/settings.json"


def says(r, word):
    """Lines of ccrun -n that begin so: name -> the rest."""
    assert r.rc == 0, r
    lines = [line.split(" ", 2) for line in r.out.splitlines() if line.startswith(word + " ")]
    return {line[1]: line[2] for line in lines}


def sets(r):
    return dict(line[4:].split("=", 1) for line in r.out.splitlines() if line.startswith("set "))


def keyless(c, **kw):
    """A provider without a key: its launch needs no broker, which would serve no other namespace."""
    c.demo(placeholder="word", **kw)


# ---- models ----

@pytest.mark.parametrize("delivery", ["preload", "relay"])
def test_models_of_my_settings_are_asked_for(c, ep, token, known_client, delivery):
    known_client(c)
    c.demo(policy={"delivery": delivery})
    c.ready(token)
    path = settings(c, MODELS)
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and ep.main[0].json["model"] == "own-model", r
    r = c.ccrun("-n", "demo")
    assert sets(r)["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "own-haiku"
    assert says(r, "taken") == {name: f"({path}: env.{name})" for name in MODELS}
    r = c.ccctl("show", "demo")
    assert f"sends     ANTHROPIC_MODEL=own-model   ({path}: env.ANTHROPIC_MODEL)" in r.out, r


def test_what_the_providers_file_says_comes_first(c, ep, token):
    c.demo(models={"default": "file-model"})
    c.ready(token)
    path = settings(c, MODELS, model="key-model")
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and ep.main[0].json["model"] == "file-model", r
    r = c.ccrun("-n", "demo")
    assert list(says(r, "taken")) == ["ANTHROPIC_DEFAULT_HAIKU_MODEL"]
    ignored = says(r, "ignored")
    assert ignored["ANTHROPIC_MODEL"].startswith(f"({path}: env.ANTHROPIC_MODEL): ")
    assert "demo.conf:" in ignored["ANTHROPIC_MODEL"] and "has ANTHROPIC_MODEL=file-model" in ignored["ANTHROPIC_MODEL"]
    assert "ccctl edit demo" in ignored["ANTHROPIC_MODEL"]
    assert ignored["model"] == f"({path}: model): ANTHROPIC_MODEL=file-model comes first"
    shown = json.loads(c.ccctl("show", "demo", "--json").out)["sends"]
    assert {x["name"] for x in shown["ignored"]} == {"ANTHROPIC_MODEL", "model"} and shown["refused"] is None


def test_a_model_of_anthropics_is_not_asked_of_a_provider_with_others(c, ep, token):
    """Many pin one for their subscription; elsewhere an alias means the provider's."""
    c.demo(models={"opus": "GLM-5", "sonnet": "GLM-4.7"})
    c.ready(token)
    settings(c, {"ANTHROPIC_MODEL": "claude-opus-4-1-20250805", "ANTHROPIC_DEFAULT_SONNET_MODEL": "GLM-4.7",
                 "CLAUDE_CODE_SUBAGENT_MODEL": "sonnet"})
    r = c.ccrun("-n", "demo")
    assert list(says(r, "taken")) == ["CLAUDE_CODE_SUBAGENT_MODEL"]
    ignored = says(r, "ignored")
    assert list(ignored) == ["ANTHROPIC_MODEL"] and "the provider's file has others" in ignored["ANTHROPIC_MODEL"]
    settings(c, {"ANTHROPIC_MODEL": "opus"})
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and ep.main[0].json["model"] == "GLM-5", r


def test_the_model_of_my_settings_is_heeded(c, ep, token):
    c.demo()
    c.ready(token)
    path = settings(c, model="key-model")
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and ep.main[0].json["model"] == "key-model", r
    assert says(c.ccrun("-n", "demo"), "heeded") == {"model": f"({path}: model)"}


def test_models_of_settings_on_the_command_line(c, ep, token):
    c.demo()
    c.ready(token)
    settings(c, {"ANTHROPIC_MODEL": "own-model"})
    r = c.ccrun("demo", "--settings", json.dumps({"env": {"ANTHROPIC_MODEL": "said-model"}}), "-p", "hello")
    assert r.rc == 0 and ep.main[0].json["model"] == "said-model", r
    path = c.write("mine.json", json.dumps({"env": {"ANTHROPIC_MODEL": "file-model"}}))
    r = c.ccrun("demo", "--settings", path, "-p", "hello")
    assert r.rc == 0 and ep.main[-1].json["model"] == "file-model", r


def test_settings_that_claude_is_told_to_leave_out(c, ep, token):
    """As the Agent SDK does."""
    c.demo()
    c.ready(token)
    settings(c, {"ANTHROPIC_MODEL": "own-model"})
    r = c.ccrun("demo", "--setting-sources", "project", "-p", "hello")
    assert r.rc == 0 and ep.main[0].json["model"] != "own-model", r
    r = c.ccrun("demo", "--setting-sources=project,user", "-p", "hello")
    assert r.rc == 0 and ep.main[-1].json["model"] == "own-model", r


def test_a_directory_of_the_clients_own(c, ep, token):
    c.demo()
    c.ready(token)
    settings(c, {"ANTHROPIC_MODEL": "own-model"})
    path = c.write("other/settings.json", json.dumps({"env": {"ANTHROPIC_MODEL": "other-model"}}))
    r = c.ccrun("demo", "-p", "hello", env={"CLAUDE_CONFIG_DIR": path.parent})
    assert r.rc == 0 and ep.main[0].json["model"] == "other-model", r


@pytest.mark.parametrize("where", ["project", "local"])
def test_a_repositorys_settings_are_not_taken(c, ep, token, where):
    c.demo()
    c.ready(token)
    c.settings({"env": MODELS}, where)
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and ep.main[0].json["model"] != "own-model", r
    assert not says(c.ccrun("-n", "demo"), "taken")


# ---- what the client heeds by itself ----

def test_timeouts_of_my_settings_are_heeded(c):
    c.demo(env={"API_TIMEOUT_MS": "3000000"})
    path = settings(c, {"API_TIMEOUT_MS": "600000", "BASH_DEFAULT_TIMEOUT_MS": "5000"})
    r = c.ccrun("-n", "demo")
    assert says(r, "heeded") == {"API_TIMEOUT_MS": f"({path}: env.API_TIMEOUT_MS)"}
    assert not says(r, "ignored") and not says(r, "taken")


# ---- headers ----

HEADERS = {"ANTHROPIC_CUSTOM_HEADERS": "X-Team: platform\nX-Cost: 12"}


def test_headers_of_my_settings_without_a_key(c, ep):
    keyless(c)
    path = settings(c, HEADERS)
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and ep.main[0].headers["x-team"] == "platform" and ep.main[0].headers["x-cost"] == "12", r
    r = c.ccrun("-n", "demo")
    assert says(r, "taken") == {"ANTHROPIC_CUSTOM_HEADERS": f"({path}: env.ANTHROPIC_CUSTOM_HEADERS)"}
    settings(c, {"ANTHROPIC_CUSTOM_HEADERS": "X-Team: a\nX-Gateway-Key: 5"})
    assert "may hold a secret" in says(c.ccrun("-n", "demo"), "ignored")["ANTHROPIC_CUSTOM_HEADERS"]


@pytest.mark.parametrize("delivery", ["preload", "relay"])
def test_headers_of_my_settings_are_named_where_there_is_a_key(c, ep, token, known_client, delivery):
    known_client(c)
    c.demo(policy={"delivery": delivery})
    c.ready(token)
    settings(c, HEADERS)
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and "x-team" not in ep.main[0].headers, r
    why = says(c.ccrun("-n", "demo"), "ignored")["ANTHROPIC_CUSTOM_HEADERS"]
    assert "could send the key elsewhere" in why and "in [headers], or" in why and "(ccctl edit demo)" in why


# ---- what must not be taken ----

def test_a_settings_file_that_a_session_wrote(c, ep, token):
    """It moves no request, weakens no TLS and loads nothing."""
    with Endpoint(default=Text("evil")) as evil:
        c.demo()
        c.ready(token)
        planted = {"ANTHROPIC_BASE_URL": evil.url, "ANTHROPIC_AUTH_TOKEN": "planted", "HTTP_PROXY": evil.url,
                   "HTTPS_PROXY": evil.url, "NODE_EXTRA_CA_CERTS": str(c.home / "evil.pem"),
                   "NODE_TLS_REJECT_UNAUTHORIZED": "0", "CLAUDE_CODE_USE_BEDROCK": "1",
                   "ANTHROPIC_BEDROCK_BASE_URL": evil.url, "ANTHROPIC_UNIX_SOCKET": "/tmp/evil",
                   "CLAUDE_CODE_CLIENT_CERT": "/evil", "SSL_CERT_FILE": "/evil", **HEADERS}
        settings(c, planted, apiKeyHelper="touch ~/ran; echo planted")
        r = c.ccrun("demo", "-p", "hello", env={"HTTP_PROXY": None, "HTTPS_PROXY": None})
        assert r.rc == 0 and ep.sent("authorization") == {"Bearer " + token}, r
        assert not evil.requests and not (c.home / "ran").exists()
    r = c.ccrun("-n", "demo")
    assert not says(r, "taken")
    ignored = says(r, "ignored")
    assert set(ignored) == {*planted, "apiKeyHelper"}
    assert "a proxy would read the key" in ignored["HTTPS_PROXY"]
    assert "delivery = relay seals what it says" in ignored["NODE_EXTRA_CA_CERTS"]
    assert "ccctl import" in ignored["ANTHROPIC_AUTH_TOKEN"] and "planted" not in r.out


def test_a_models_name_that_is_none(c):
    c.demo()
    settings(c, {"ANTHROPIC_MODEL": "../../evil", "ANTHROPIC_DEFAULT_OPUS_MODEL": "sk-ant-api03-secret",
                 "ANTHROPIC_DEFAULT_HAIKU_MODEL": "a\nb"})
    r = c.ccrun("-n", "demo")
    assert not says(r, "taken") and len(says(r, "ignored")) == 3 and "secret" not in r.out


def test_a_note_at_the_launch(ready):
    settings(ready, {**HEADERS, "ANTHROPIC_BASE_URL": "http://x.test"})
    with ready.screen([ready.bin / "ccrun", "demo"]) as s:
        s.wait(r"note: ANTHROPIC_CUSTOM_HEADERS of your settings is not used here \(ccrun -n demo says why\)")


# ---- the network ----

def test_the_proxy_of_my_settings_reaches_what_claude_starts(c, token):
    c.demo(url="https://api.example.test")
    path = settings(c, {"HTTPS_PROXY": "http://me:pw@proxy.test:3128", "NO_PROXY": "a.test"})
    r = c.ccrun("-n", "demo", env={"HTTPS_PROXY": "http://other:1"})
    assert sets(r)["HTTPS_PROXY"] == "http://***@proxy.test:3128" and sets(r)["NO_PROXY"] == "a.test"
    assert says(r, "taken")["HTTPS_PROXY"] == f"({path}: env.HTTPS_PROXY)" and "pw" not in r.out
    assert "pw" not in c.ccctl("show", "demo").out


def test_a_server_here_is_not_asked_through_the_proxy_of_my_settings(relay_world, ep, token):
    c = relay_world
    c.demo()
    c.ready(token)
    settings(c, {"HTTP_PROXY": "http://127.0.0.1:9"})
    r = c.ccrun("demo", "-p", "hello", env={"HTTP_PROXY": None, "HTTPS_PROXY": None, "NO_PROXY": "b.test"})
    assert r.rc == 0 and ep.main, r
    said = sets(c.ccrun("-n", "demo", env={"HTTP_PROXY": None, "HTTPS_PROXY": None, "NO_PROXY": "b.test"}))
    assert said["HTTP_PROXY"] == "http://127.0.0.1:9" and said["NO_PROXY"] == "b.test,127.0.0.1"


def test_settings_that_are_no_json(c, ep, token):
    c.demo()
    c.ready(token)
    path = c.write(".claude/settings.json", "{ not JSON")
    r = c.ccrun("-n", "demo")
    assert f"{path}: line 1: not plain JSON" in says(r, "ignored")["settings.json"]
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and ep.main, r


# ---- the client's own word ----

NAMES = """
ANTHROPIC_DEFAULT_MODEL ANTHROPIC_DEFAULT_OPUS_MODEL ANTHROPIC_DEFAULT_OPUS_MODEL_NAME
ANTHROPIC_DEFAULT_OPUS_MODEL_SUPPORTED_CAPABILITIES ANTHROPIC_DEFAULT_FABLE_MODEL ANTHROPIC_SMALL_FAST_MODEL
ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION CLAUDE_CODE_SUBAGENT_MODEL CLAUDE_CODE_SUBAGENT_MODEL_FORCE
CLAUDE_CODE_WORKFLOW_SUBAGENT_MODEL CLAUDE_CODE_AUTO_MODE_MODEL CLAUDE_CODE_BG_CLASSIFIER_MODEL
ANTHROPIC_CUSTOM_MODEL_OPTION ANTHROPIC_CUSTOM_MODEL_OPTION_NAME ANTHROPIC_BETAS CLAUDE_CODE_MAX_CONTEXT_TOKENS
ANTHROPIC_BEDROCK_SERVICE_TIER ANTHROPIC_BEDROCK_REGION_PREFIX VERTEX_REGION_CLAUDE_4_0_OPUS CLOUD_ML_REGION
AWS_REGION AWS_PROFILE AWS_CONFIG_FILE AWS_ENDPOINT_URL_BEDROCK AWS_ROLE_ARN ANTHROPIC_VERTEX_PROJECT_ID
GOOGLE_CLOUD_PROJECT GOOGLE_CLOUD_QUOTA_PROJECT GCLOUD_PROJECT GOOGLE_APPLICATION_CREDENTIALS
ANTHROPIC_FOUNDRY_RESOURCE ANTHROPIC_AWS_WORKSPACE_ID CLAUDE_CODE_USE_GATEWAY CLAUDE_CODE_SKIP_BEDROCK_AUTH
ANTHROPIC_BEDROCK_BASE_URL HTTPS_PROXY http_proxy NO_PROXY ALL_PROXY NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR
CLAUDE_CODE_CERT_STORE CLAUDE_CODE_CLIENT_CERT CURL_CA_BUNDLE REQUESTS_CA_BUNDLE AWS_CA_BUNDLE GIT_SSL_CAINFO
NODE_TLS_REJECT_UNAUTHORIZED CLAUDE_CODE_HTTPS_PROXY CLAUDE_CODE_DISABLE_FEATURE_FLAGS API_TIMEOUT_MS
BASH_DEFAULT_TIMEOUT_MS BASH_MAX_TIMEOUT_MS MCP_TIMEOUT MCP_TOOL_TIMEOUT MAX_THINKING_TOKENS
CLAUDE_CODE_MAX_OUTPUT_TOKENS CLAUDE_CODE_EFFORT_LEVEL DISABLE_PROMPT_CACHING ENABLE_TOOL_SEARCH
CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY MY_OWN_VARIABLE
""".split()


def test_ccrun_names_all_that_claude_drops_and_nothing_else(c, ep, token):
    """A version of the client that drops others fails here: config/client/settings_variables.c."""
    c.demo()
    c.ready(token)
    settings(c, {name: "1234567" for name in NAMES})
    ep.script.append(Bash('env >"$HOME/seen"'))
    r = c.ccrun("demo", "-p", "hello", env={"HTTP_PROXY": None, "HTTPS_PROXY": None, "NO_PROXY": None})
    assert r.rc == 0, r
    seen = {line.split("=", 1)[0] for line in (c.home / "seen").read_text().splitlines() if line.endswith("=1234567")}
    r = c.ccrun("-n", "demo", env={"HTTP_PROXY": None, "HTTPS_PROXY": None, "NO_PROXY": None})
    taken, ignored = set(says(r, "taken")), set(says(r, "ignored"))
    assert taken <= seen and not ignored & seen
    assert seen - taken == set(NAMES) - taken - ignored


# ---- managed settings ----

UUID = "11111111-1111-1111-1111-111111111111"
ALONE = ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]
IN_ETC = """set -e
mount -t tmpfs none "$1"; mkdir "$1/upper" "$1/work"
mkdir -p "$1/upper/claude-code"
cp -r "$2/." "$1/upper/claude-code/"
mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" none /etc
shift 2
exec "$@"
"""


@pytest.fixture
def managed(c):
    """A function that runs ccrun where an administrator has put these files into /etc/claude-code."""
    (c.root / "etc").mkdir()
    place = c.root / "managed"
    place.mkdir()
    if c.run([*ALONE, "sh", "-c", IN_ETC, "sh", c.root / "etc", place, "true"]).rc != 0:
        pytest.skip("no user namespaces with overlays here")

    def run(files, *argv, program="ccrun", **kw):
        for path in sorted(place.rglob("*.json")):
            path.unlink()
        for name, text in files.items():
            path = place / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text if isinstance(text, str) else json.dumps(text))
        c.own()
        return c.run([*ALONE, "sh", "-c", IN_ETC, "sh", c.root / "etc", place, c.bin / program, *argv], **kw)
    return run


MANAGED = "/etc/claude-code/managed-settings.json"


@pytest.mark.parametrize("key, value", [("forceLoginMethod", "claudeai"), ("forceLoginMethod", "console"),
                                        ("forceLoginOrgUUID", UUID), ("forceLoginOrgUUID", [UUID]),
                                        ("apiKeyHelper", "/bin/company-key")])
def test_managed_settings_that_force_a_login(c, ep, managed, key, value):
    c.demo()
    for argv in (("demo", "-p", "hello"), ("-n", "demo")):
        r = managed({"managed-settings.json": {key: value}}, *argv)
        assert r.rc == 125 and f"managed settings at {MANAGED} force {key}: provider demo cannot be used" in r.err, r
    assert "hint: ask whoever administers this machine" in r.err and not ep.requests


@pytest.mark.parametrize("name, value", [("ANTHROPIC_BASE_URL", "https://gateway.test"), ("CLAUDE_CODE_USE_BEDROCK", "1"),
                                         ("ANTHROPIC_VERTEX_BASE_URL", "https://v.test"), ("CLAUDE_CODE_USE_MANTLE", "1"),
                                         ("CLAUDE_CODE_USE_GATEWAY", "1"), ("ANTHROPIC_AWS_BASE_URL", "https://aws.test")])
def test_managed_settings_that_force_an_address(c, ep, managed, name, value):
    keyless(c)
    r = managed({"managed-settings.d/10-gw.json": {"env": {name: value}}}, "demo", "-p", "hello")
    assert r.rc == 125 and f"managed settings at /etc/claude-code/managed-settings.d/10-gw.json force env.{name}" in r.err, r
    assert not ep.requests


def test_managed_settings_that_name_the_providers_own_address(c, ep, managed):
    keyless(c)
    r = managed({"managed-settings.json": {"env": {"ANTHROPIC_BASE_URL": ep.url + "/"}}}, "-n", "demo")
    assert "ANTHROPIC_BASE_URL" in says(r, "ignored")


def test_a_subscriptions_token_is_the_login_that_is_forced(c, managed):
    c.provider("sub", title="S", auth="oauth")
    r = managed({"managed-settings.json": {"forceLoginMethod": "claudeai"}}, "-n", "sub")
    assert r.rc == 0, r
    r = managed({"managed-settings.json": {"forceLoginMethod": "console"}}, "-n", "sub")
    assert r.rc == 125 and "force forceLoginMethod" in r.err, r


def test_ones_own_login_is_the_clients_matter(managed):
    assert managed({"managed-settings.json": {"forceLoginMethod": "console"}}, "-n", "claude").rc == 0


def test_managed_settings_that_list_providers(c, ep, managed):
    keyless(c)
    r = managed({"managed-settings.json": {"allowedProviders": ["anthropic"]},
                 "managed-settings.d/a.json": {"allowedProviders": ["bedrock"]}}, "demo", "-p", "hello")
    assert r.rc == 125 and "managed-settings.d/a.json force allowedProviders, which does not have 'customEndpoint'" in r.err
    r = managed({"managed-settings.json": {"allowedProviders": ["customEndpoint"]}}, "demo", "-p", "hello")
    assert r.rc == 125 and "name no ANTHROPIC_BASE_URL" in r.err, r
    allowed = {"managed-settings.json": {"allowedProviders": ["customEndpoint"], "env": {"ANTHROPIC_BASE_URL": ep.url}}}
    c.demo(policy={"delivery": "relay"})
    r = managed(allowed, "-n", "demo")
    assert r.rc == 125 and "sends nothing to a relay" in r.err and "write delivery = preload" in r.err, r
    c.demo(policy={"delivery": "preload"})
    assert managed(allowed, "-n", "demo").rc == 0


CLOUDS = {"mantle": ("mantle", {"region": "us-east-1"}, "CLAUDE_CODE_USE_MANTLE"),
          "foundry-token": ("foundry", {"resource": "res1"}, "CLAUDE_CODE_USE_FOUNDRY"),
          "claude-aws": ("anthropicAws", {"region": "us-east-1", "workspace": "wrkspc_1"}, "CLAUDE_CODE_USE_ANTHROPIC_AWS"),
          "claude-google": ("anthropicGoogleCloud", {"region": "global", "project": "p1", "workspace": "wrkspc_1"},
                            "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD")}


@pytest.mark.parametrize("auth", CLOUDS)
def test_a_cloud_that_managed_settings_choose_or_list(c, managed, auth):
    listed, parameters, switch = CLOUDS[auth]
    secret = {"secret": "demo"} if auth.endswith(("-token", "-aws")) else {"secrets": {"AWS_BEARER_TOKEN_BEDROCK": "demo"}}
    c.provider("demo", title="Demo", auth=auth, parameters=parameters, policy={"delivery": "preload"},
               **({} if auth == "claude-google" else secret))
    said = {"managed-settings.json": {"allowedProviders": [listed], "env": {switch: "1"}}}
    r = managed(said, "-n", "demo")
    assert r.rc == 0 and f"{switch}=1" in r.out and "managed settings" not in r.err, r
    r = managed({"managed-settings.json": {"allowedProviders": ["bedrock"]}}, "-n", "demo")
    assert r.rc == 125 and f"does not have '{listed}'" in r.err, r
    r = managed({"managed-settings.json": {"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}}, "-n", "demo")
    assert r.rc == 125 and "force env.CLAUDE_CODE_USE_BEDROCK" in r.err, r


def test_models_headers_and_authorities_of_managed_settings(c, ep, managed):
    c.demo()
    said = {"ANTHROPIC_CUSTOM_HEADERS": "X-Team: platform", "NODE_EXTRA_CA_CERTS": "/etc/company.pem"}
    settings(c, {"ANTHROPIC_MODEL": "own-model"})
    r = managed({"managed-settings.json": {"env": {"ANTHROPIC_MODEL": "base-model", **said}},
                 "managed-settings.d/10.json": {"env": {"ANTHROPIC_MODEL": "first-model"}},
                 "managed-settings.d/20.json": {"env": {"ANTHROPIC_MODEL": "last-model"}},
                 "managed-settings.d/.30.json": {"env": {"ANTHROPIC_MODEL": "hidden-model"}}}, "-n", "demo")
    assert sets(r)["ANTHROPIC_MODEL"] == "last-model"
    assert says(r, "taken") == {
        "ANTHROPIC_MODEL": "(/etc/claude-code/managed-settings.d/20.json: env.ANTHROPIC_MODEL)",
        **{name: f"({MANAGED}: env.{name})" for name in said}}
    r = managed({"managed-settings.json": {"env": {"ANTHROPIC_CUSTOM_HEADERS": "X-Api-Token: 5"}}}, "-n", "demo")
    assert "may hold a secret" in says(r, "ignored")["ANTHROPIC_CUSTOM_HEADERS"]
    r = managed({"managed-settings.json": {"model": "key-model"}}, "-n", "demo")
    assert sets(r)["ANTHROPIC_MODEL"] == "own-model" and "model" in says(r, "ignored")


def test_the_model_of_managed_settings_is_asked_for(c, ep, managed):
    keyless(c)
    r = managed({"managed-settings.json": {"model": "policy-model", "env": HEADERS}}, "demo", "-p", "hello")
    assert r.rc == 0 and ep.main[0].json["model"] == "policy-model" and ep.main[0].headers["x-team"] == "platform", r


def test_the_client_takes_a_provider_that_managed_settings_list(c, ep, managed):
    keyless(c)
    r = managed({"managed-settings.json": {"allowedProviders": ["customEndpoint"],
                                           "env": {"ANTHROPIC_BASE_URL": ep.url}}}, "demo", "-p", "hello")
    assert r.rc == 0 and ep.main, r


def test_managed_settings_that_nobody_can_read(c, managed):
    keyless(c)
    for name in ("managed-settings.json", "managed-settings.d/x.json"):
        r = managed({name: "{ not JSON"}, "demo", "-p", "hello")
        assert r.rc == 125 and f"/etc/claude-code/{name}: line 1: not plain JSON" in r.err, r


def test_show_says_what_is_forced(c, managed):
    c.demo()
    c.init()
    r = managed({"managed-settings.json": {"forceLoginMethod": "console"}}, "show", "demo", program="ccctl")
    assert "refused   managed settings at" in r.out, r


# ---- the client's own login ----

SWITCHED = {"ANTHROPIC_AUTH_TOKEN": "PROXY_MANAGED", "ANTHROPIC_API_KEY": ""}


def test_what_a_switcher_left_leads_the_subscription_elsewhere(c, ep):
    """A proxy that has ended, a model server that was tried: claude goes there, and says nothing."""
    c.login("login-token")
    path = settings(c, {"ANTHROPIC_BASE_URL": ep.url, **SWITCHED}, apiKeyHelper="echo key")
    r = c.ccrun("claude", "-p", "hello")
    assert r.rc == 0 and ep.sent("authorization") == {"Bearer PROXY_MANAGED"}, "the client goes by them"
    assert ("ccrun: warning: claude sends requests where your settings say, or as whom: "
            f"{path}: env.ANTHROPIC_BASE_URL and 2 more\n") in r.err, r
    r = c.ccrun("-n", "claude")
    assert says(r, "heeded") == {"ANTHROPIC_BASE_URL": f"({path}: env.ANTHROPIC_BASE_URL)",
                                 "ANTHROPIC_AUTH_TOKEN": f"({path}: env.ANTHROPIC_AUTH_TOKEN)",
                                 "apiKeyHelper": f"({path}: apiKeyHelper)"}
    assert "ignored " not in r.out and "taken " not in r.out
    option = c.write("other.json", json.dumps({"env": {"ANTHROPIC_BASE_URL": ep.url}}))
    settings(c).write_text("{}")
    r = c.ccrun("claude", "--settings", option, "-p", "hello")
    assert "as whom: --settings: env.ANTHROPIC_BASE_URL\n" in r.err, r


def test_models_and_a_proxy_lead_the_subscription_nowhere_else(c):
    settings(c, {**MODELS, "HTTPS_PROXY": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": ""})
    r = c.ccrun("-n", "claude")
    assert r.rc == 0 and "heeded " not in r.out, r
    assert "warning" not in c.ccrun("--exec", "/bin/true", "claude").err


# ---- certificates that nobody checks ----

def test_a_switch_that_turns_checking_off_is_named(c, ep, token):
    c.demo()
    c.ready(token)
    r = c.ccrun("demo", "-p", "hello", env={"NODE_TLS_REJECT_UNAUTHORIZED": "0"})
    assert r.rc == 0 and "note: NODE_TLS_REJECT_UNAUTHORIZED=0 of your environment does not count" in r.err, r
    assert "hint: NODE_EXTRA_CA_CERTS=FILE" in r.err
    assert "NODE_TLS" not in c.ccrun("demo", "-p", "hello", env={"NODE_TLS_REJECT_UNAUTHORIZED": "1"}).err


@pytest.mark.parametrize("name", ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE"])
def test_authorities_of_the_environment_do_not_count_where_claude_has_the_key(c, token, name):
    """A line in a shell's file, which a session can write, and a proxy would read it."""
    c.demo()
    c.ready(token)
    planted = {name: str(c.home / "evil.pem")}
    r = c.ccrun("--exec", "/usr/bin/env", "demo", env=planted)
    assert r.rc == 0 and token in r.out and "evil.pem" not in r.out, r
    assert f"note: {name} of your environment does not count" in r.err and "hint: delivery = relay" in r.err, r
    assert f"unset {name} (children get it back)" in c.ccrun("-n", "demo", env=planted).out
    r = c.ccrun("--exec", "/usr/bin/env", "demo", env={name: ""})
    assert r.rc == 0 and "does not count" not in r.err, r


# ---- a status line that an administrator turns off ----

@pytest.mark.parametrize("key, user, shown", [("allowManagedHooksOnly", {}, False), ("disableAllHooks", {}, False),
                                              ("disableAllHooks", {"disableAllHooks": True}, True)])
def test_a_status_line_that_managed_settings_turn_off(c, ep, managed, key, user, shown):
    """It is in the person's file, and never run: the client says nothing, install says why."""
    keyless(c)
    settings(c, **user)
    files = {"managed-settings.json": {key: not shown}}
    r = managed(files, "statusline", "install", "--yes", program="ccctl")
    assert r.rc == 0 and (f"note: {key} is set in {MANAGED}" in r.err) != shown, r
    assert ("which turns every status line off" in r.err) != shown, r
    r = managed(files, "statusline", "install", "--yes", program="ccctl")
    assert "already" in r.err and (f"note: {key} is set in {MANAGED}" in r.err) != shown, "asked again"
    settings(c, statusLine={"type": "command", "command": "echo STATUS-$((40+2))"})
    with c.screen([*ALONE, "sh", "-c", IN_ETC, "sh", c.root / "etc", c.root / "managed", c.bin / "ccrun", "demo"]) as s:
        s.ask("hello")
        s.wait("hello from loopback")
        s.pump(2)
        assert ("STATUS-42" in "\n".join(s.canvas.display)) == shown
