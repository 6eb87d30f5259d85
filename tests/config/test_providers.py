"""Every provider on the wire: the real client through ccrun, redirected to the
loopback endpoint by a file of the user's; which header carries the token, that
the other is absent, where the request goes, which model it names.  By relay where
that is possible, and one of each kind by the other deliveries."""
import pytest

from ccrun import CCRUN
from client import claude

SAID = "hello from loopback"


@pytest.fixture
def c(relay_world):
    return relay_world


def asked(c, ep, *argv, env=None):
    """One -p run through ccrun; the first conversation request that arrived."""
    r = c.ccrun(*argv, "-p", "say hello", env=env)
    assert r.rc == 0 and SAID in r.out, r
    assert ep.main, r
    return ep.main[0]


def redirected(c, ep, name, **more):
    return c.provider(name, base_url=ep.url, **more)


@pytest.mark.parametrize("name", ["openrouter", "zai"])
def test_bearer(c, ep, token, name):
    redirected(c, ep, name)
    c.ready(token, name)
    seen = asked(c, ep, name)
    assert seen.headers["authorization"] == "Bearer " + token
    assert "x-api-key" not in seen.headers
    assert seen.path == "/v1/messages?beta=true"


@pytest.mark.parametrize("name, parameter", [("anthropic", None), ("azure", "resource=mine")])
def test_api_key(c, ep, token, name, parameter):
    redirected(c, ep, name)
    c.init()
    c.add(name, token, *(["--set", parameter] if parameter else []))
    seen = asked(c, ep, name)
    assert seen.headers["x-api-key"] == token
    assert "authorization" not in seen.headers
    assert seen.path.startswith("/v1/messages")


def test_foundry(c, ep, token):
    redirected(c, ep, "foundry")
    c.init()
    c.add("foundry", token, "--set", "resource=mine")
    seen = asked(c, ep, "foundry")
    assert seen.headers["x-api-key"] == token
    assert "authorization" not in seen.headers


def test_bedrock_bearer(c, ep, token):
    redirected(c, ep, "bedrock")
    c.init()
    c.add("bedrock:bearer", token, "--set", "region=eu-west-1")
    seen = asked(c, ep, "bedrock:bearer")
    assert seen.headers["authorization"] == "Bearer " + token
    assert "x-api-key" not in seen.headers
    assert seen.path.startswith("/model/")


@pytest.mark.parametrize("delivery, name, parameters, header", [
    ("preload", "openrouter", [], "authorization"), ("preload", "anthropic", [], "x-api-key"),
    ("preload", "foundry", ["resource=mine"], "x-api-key"),
    ("preload", "bedrock:bearer", ["region=eu-west-1"], "authorization"),
    ("pipe", "anthropic", [], "x-api-key"), ("env", "openrouter", [], "authorization")])
def test_other_deliveries(c, ep, token, delivery, name, parameters, header):
    redirected(c, ep, name.partition(":")[0], policy={"delivery": delivery})
    c.init()
    c.add(name, token, *(word for p in parameters for word in ("--set", p)), "--allow", "delivery=" + delivery)
    assert f"\ndelivery {delivery}\n" in c.ccrun("-n", name).out
    seen = asked(c, ep, name)
    assert seen.headers[header] in (token, "Bearer " + token)
    assert ("x-api-key" in seen.headers) == (header == "x-api-key")


def test_bedrock_keys_are_signed(c, ep, token):
    redirected(c, ep, "bedrock")
    c.init()
    c.add("bedrock:keys", "AKIAEXAMPLEEXAMPLE12\n" + token, "--set", "region=eu-west-1", "--allow", "exposed=yes")
    seen = asked(c, ep, "bedrock", "--keys")
    assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE12/")
    assert "eu-west-1/bedrock/aws4_request" in seen.headers["authorization"]
    assert token not in str(seen.headers)


def test_bedrock_chain_uses_the_users_own_credentials(c, ep, token):
    redirected(c, ep, "bedrock")
    assert c.ccctl("add", "bedrock", "--set", "region=us-east-1").rc == 0
    c.write(".aws/credentials", f"[work]\naws_access_key_id = AKIACHAINCHAINCHAIN1\naws_secret_access_key = {token}\n")
    seen = asked(c, ep, "bedrock", env={"AWS_PROFILE": "work"})
    assert "Credential=AKIACHAINCHAINCHAIN1/" in seen.headers["authorization"]


def test_bedrock_says_what_it_needs(c, ep):
    redirected(c, ep, "bedrock")
    assert c.ccctl("add", "bedrock", "--set", "region=us-east-1").rc == 0
    r = c.ccrun("--exec", "/bin/true", "bedrock")
    assert r.rc == 0 and "warning" in r.err, r
    assert "bedrock:InvokeModel" in r.err and "bedrock:InvokeModelWithResponseStream" in r.err


def test_vertex(c, ep):
    redirected(c, ep, "vertex", skip_auth="yes")
    assert c.ccctl("add", "vertex", "--set", "project=p1", "--set", "region=us-east5").rc == 0
    seen = asked(c, ep, "vertex")
    assert "/projects/p1/locations/us-east5/publishers/anthropic/models/" in seen.path
    assert "x-api-key" not in seen.headers


def test_vertex_says_what_it_needs(c, ep):
    redirected(c, ep, "vertex")
    assert c.ccctl("add", "vertex", "--set", "project=p1", "--set", "region=us-east5").rc == 0
    r = c.ccrun("--exec", "/bin/true", "vertex")
    assert "gcloud auth application-default login" in r.err, r


def test_ollama_needs_no_vault(c, ep):
    redirected(c, ep, "ollama")
    assert c.ccctl("add", "ollama", "--set", "model=qwen3-coder").rc == 0
    seen = asked(c, ep, "ollama")
    assert seen.headers["authorization"] == "Bearer ollama"
    assert "x-api-key" not in seen.headers
    assert seen.json["model"] == "qwen3-coder"
    assert c.broker() is None, "no broker was needed"


def test_local_provider_is_not_sent_through_a_proxy(c, ep):
    redirected(c, ep, "ollama")
    assert c.ccctl("add", "ollama", "--set", "model=m").rc == 0
    asked(c, ep, "ollama", env={"NO_PROXY": None, "HTTP_PROXY": "http://127.0.0.1:9"})


def test_claude_drops_what_strays(c, ep):
    r = c.ccrun("-n", "claude", env={"ANTHROPIC_API_KEY": "sk-stray-stray-stray", "ANTHROPIC_BASE_URL": ep.url})
    assert r.rc == 0, r
    lines = r.out.splitlines()
    assert "unset ANTHROPIC_API_KEY" in lines and "unset ANTHROPIC_BASE_URL" in lines
    assert not any("MANAGED_BY_HOST" in line and line.startswith("set") for line in lines), \
        "the client does not use its own login when it is told that it is managed"
    assert "delivery none" in lines


@pytest.mark.parametrize("tier, model", [("opus", "GLM-5"), ("sonnet", "GLM-4.7"), ("haiku", "GLM-4.5-Air")])
def test_tiers_arrive_mapped(c, ep, token, tier, model):
    redirected(c, ep, "zai")
    c.ready(token, "zai")
    r = c.ccrun("zai", "--model", tier, "-p", "hello")
    assert r.rc == 0, r
    assert ep.main[0].json["model"] == model


def test_v1_is_not_doubled(c, ep, token):
    c.demo(url=ep.url + "/v1")
    c.ready(token)
    r = c.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and "note:" in r.err, r
    assert ep.main[0].path == "/v1/messages?beta=true"


def test_stray_key_does_not_ride_along(c, ep, token):
    c.demo()
    c.ready(token)
    seen = asked(c, ep, "demo", env={"ANTHROPIC_API_KEY": "sk-stray-stray-stray", "ANTHROPIC_MODEL": "stray"})
    assert seen.headers["authorization"] == "Bearer " + token
    assert "x-api-key" not in seen.headers
    assert seen.json["model"] != "stray"


def test_two_providers_at_once(c, ep, token):
    import canary
    other = canary.new_token()
    c.demo()
    c.provider("demo2", title="Demo 2", base_url=ep.url + "/two", auth="api-key")
    c.init()
    c.add("demo", token)
    c.add("demo2", other)
    procs = [c.popen([CCRUN, name, "-p", "hello"]) for name in ("demo", "demo2")]
    assert [p.wait(60) for p in procs] == [0, 0]
    by_path = {r.path.startswith("/two"): r.headers for r in ep.main}
    assert by_path[False]["authorization"] == "Bearer " + token and "x-api-key" not in by_path[False]
    assert by_path[True]["x-api-key"] == other and "authorization" not in by_path[True]


@pytest.mark.parametrize("auth", ["bearer", "api-key"])
def test_full_screen(c, ep, token, auth):
    """The full-screen client: no question about the key, an answer, a clean end;
    ps shows claude and no wrapper."""
    c.demo(auth=auth)
    c.ready(token)
    with c.screen([CCRUN, "demo"]) as s:
        s.ask("say hello")
        s.wait(SAID)
        cmdline = open(f"/proc/{s.pid}/cmdline", "rb").read().split(b"\0")[0].decode() if not __import__("os").geteuid() else None
        comm = open(f"/proc/{s.pid}/comm").read().strip()
        assert comm.startswith("claude"), comm
        assert cmdline is None or cmdline == claude()
        assert s.exit() == 0
    header = ep.main[0].headers
    assert (header.get("authorization") == "Bearer " + token) == (auth == "bearer")
    assert (header.get("x-api-key") == token) == (auth == "api-key")


# provider, what ccctl add is told, the header that carries the token
EVERY = [("openrouter", [], "authorization"), ("zai", [], "authorization"), ("anthropic", [], "x-api-key"),
         ("azure", ["resource=mine"], "x-api-key"), ("foundry", ["resource=mine"], "x-api-key"),
         ("bedrock:bearer", ["region=eu-west-1"], "authorization"), ("bedrock:keys", ["region=eu-west-1"], None),
         ("vertex", ["project=p", "region=us-east5"], None), ("ollama", ["model=m"], None)]


@pytest.mark.parametrize("name, parameters, header", EVERY)
def test_every_provider_in_full_screen(c, ep, token, name, parameters, header):
    """Nothing is asked about keys, the answer is on the screen, the token in its header."""
    base = name.partition(":")[0]
    redirected(c, ep, base, **({"skip_auth": "yes"} if base == "vertex" else {}))
    c.init()
    given = "AKIAEXAMPLEEXAMPLE12\n" + token if name == "bedrock:keys" else token
    allow = ["--allow", "exposed=yes"] if name == "bedrock:keys" else []
    c.add(name, given, *(word for p in parameters for word in ("--set", p)), *allow)
    with c.screen([CCRUN, name]) as s:
        s.ask("say hello")
        s.wait(SAID)
        assert s.exit() == 0
    seen = ep.main[0].headers
    if header:
        assert seen[header] in (token, "Bearer " + token)
    assert ("x-api-key" in seen) == (header == "x-api-key")
