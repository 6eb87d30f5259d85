"""What people with gateways and clouds of their own say, in a provider's file or in their
environment, and what comes of it with the real client: it counts, or they are told."""
import json

import pytest

import canary
from ccrun import Ccrun, seal
from client import until
from endpoint import Bash, Endpoint, Text

SAID = "hello from loopback"


@pytest.fixture
def c(relay_world):
    return relay_world


def run(c, word="gw", *more, **kw):
    r = c.ccrun(word, *(more or ("-p", "say hello")), **kw)
    assert r.rc == 0 and SAID in r.out, r
    return r


# ---- headers ----

GATEWAY = """[provider]
title = Our gateway
base_url = {url}
auth = bearer
[secrets]
ANTHROPIC_AUTH_TOKEN = gw
header:cf-access-client-id = gw-id
header:x-litellm-api-key = Bearer gw-litellm
[headers]
x-portkey-config = pc 1: {config}
x-team = blue
"""


SECRETS = ["secret:ANTHROPIC_AUTH_TOKEN=gw", "secret:header:cf-access-client-id=gw-id",
           "secret:header:x-litellm-api-key:Bearer=gw-litellm"]


def gateway(c, ep, config="a=b"):
    return c.overlay("gw", GATEWAY.format(url=ep.url, config=config))


def ready(c, ep, tokens):
    gateway(c, ep)
    c.init()
    c.add("gw", "\n".join(tokens), *seal("header:x-portkey-config=pc 1: a=b", "header:x-team=blue", *SECRETS))


def test_several_secret_headers_and_plain_ones_go_out_by_relay(c, ep):
    tokens = [canary.new_token() for _ in range(3)]
    ready(c, ep, tokens)
    ep.script[:] = [Bash(canary.SNOOP), Text(SAID)]
    run(c)
    seen = ep.main[0].headers
    assert seen["authorization"] == "Bearer " + tokens[0]
    assert seen["cf-access-client-id"] == tokens[1]
    assert seen["x-litellm-api-key"] == "Bearer " + tokens[2]
    assert (seen["x-portkey-config"], seen["x-team"]) == ("pc 1: a=b", "blue")
    for token in tokens:
        assert not canary.scan_files(c.root, token)


def test_a_header_that_an_editor_changed_is_refused_until_a_person_approves(c, ep):
    """Gateways send on to where a header says, with the key."""
    ready(c, ep, [canary.new_token() for _ in range(3)])
    gateway(c, ep, config="evil")
    r = c.ccrun("gw", "-p", "hello")
    assert r.rc == 125 and "ccctl approve gw" in r.err, r
    assert not ep.requests


COMPANION = "[secrets]\nANTHROPIC_AUTH_TOKEN = gw\nheader:x-portkey-config = route\n"


def test_a_key_goes_out_with_no_other_that_was_not_sealed_with_it(c, ep):
    """What another entry holds may tell a gateway where to send this one; and whoever may put an
    entry, a program of the user's or an import of what stood in a file, has put it for this address."""
    text = f"[provider]\ntitle = Our gateway\nbase_url = {ep.url}\nauth = bearer\n"
    token, route = canary.new_token(), "{\"custom_host\":\"evil.example\"}"
    c.overlay("gw", text)
    c.init()
    c.add("gw", token)
    c.overlay("route", text + "[secrets]\nheader:x-portkey-config = route\n")
    c.add("route", route)
    c.overlay("gw", text + COMPANION)
    r = c.ccrun("gw", "-p", "hello")
    assert r.rc == 125 and "ccctl approve gw" in r.err and not ep.requests, r
    r = c.ccctl("approve", "gw", "--yes")
    assert r.rc == 0 and "secret:header:x-portkey-config=route" in r.out + r.err, r
    run(c)
    assert ep.main[0].headers["x-portkey-config"] == route


def test_headers_of_a_settings_file_or_the_environment_do_not_go_out(c, ep):
    ready(c, ep, [canary.new_token() for _ in range(3)])
    c.settings({"env": {"ANTHROPIC_CUSTOM_HEADERS": "x-stray: settings"}})
    r = run(c, env={"ANTHROPIC_CUSTOM_HEADERS": "x-stray: environment"})
    assert "x-stray" not in ep.main[0].headers
    assert "not for gw, of your environment: ANTHROPIC_CUSTOM_HEADERS\n" in r.err
    assert "hint: [headers] of its file" in r.err


def test_plain_headers_without_a_relay_are_the_clients_own(ep, token):
    with Ccrun(ep) as c:
        c.overlay("gw", f"[provider]\nbase_url = {ep.url}\nauth = bearer\n[headers]\nx-team = blue\nx-b = c: d\n"
                  "[policy]\ndelivery = preload\n")
        c.init()
        c.add("gw", token, "--allow", "delivery=preload", *seal("header:x-b=c: d", "header:x-team=blue"))
        run(c)
        seen = ep.main[0].headers
        assert (seen["x-team"], seen["x-b"], seen["authorization"]) == ("blue", "c: d", "Bearer " + token)


SUBSCRIPTION_SECRETS = ["secret:CLAUDE_CODE_OAUTH_TOKEN=gw", "secret:header:x-gate=gw-gate",
                        "secret:header:x-litellm-api-key:Bearer=gw-litellm"]
WITHOUT_RELAY = """[provider]
base_url = {url}
auth = oauth
[secrets]
CLAUDE_CODE_OAUTH_TOKEN = gw
header:x-litellm-api-key = Bearer gw-litellm
header:x-gate = gw-gate
[headers]
x-team = blue-and-green
[policy]
delivery = {delivery}
"""


@pytest.mark.parametrize("delivery", ["preload", "env"])
def test_secret_headers_beside_a_subscription(ep, delivery):
    """No relay carries a subscription's token, so the client adds the headers; what it starts
    sees none of them, by preload."""
    tokens = [canary.new_token() for _ in range(3)]
    with Ccrun(ep) as c:
        c.overlay("gw", WITHOUT_RELAY.format(url=ep.url, delivery=delivery))
        c.init()
        c.add("gw", "\n".join(tokens), *seal("header:x-team=blue-and-green", *SUBSCRIPTION_SECRETS),
              *(("--allow", "delivery=env") if delivery == "env" else ()))
        shown = c.ccrun("-n", "gw").out
        assert "set header:x-gate=(from vault: gw-gate)\nset header:x-team=blue-and-green\n" in shown
        told = json.dumps({"mcpServers": {"s": {"command": "/bin/sh", "args": [
            "-c", "(echo \"args $@\"; echo end) > ~/mcp.txt", "sh", "${ANTHROPIC_CUSTOM_HEADERS}", "${CCRUN_PROVIDER}"]}}})
        ep.script[:] = [Bash("until grep -q ^end ~/mcp.txt; do sleep 0.1; done; env; echo blue-and-green"), Text(SAID)]
        run(c, "gw", "-p", "hello", "--mcp-config", told)
        seen = ep.main[0].headers
        assert seen["authorization"] == "Bearer " + tokens[0]
        assert (seen["x-litellm-api-key"], seen["x-gate"]) == ("Bearer " + tokens[1], tokens[2])
        assert seen["x-team"] == "blue-and-green"
        assert (c.home / "mcp.txt").read_text() == "args  gw\nend\n"
        printed = "".join(ep.tool_results())
        assert "blue-and-green" in printed and "CCRUN_PROVIDER=gw" in printed
        if delivery == "preload":
            assert not any(token in printed for token in tokens) and "x-gate" not in printed


def test_a_secret_header_is_kept_from_arguments_of_children(ep):
    """By its own value, whatever stands before it in the variable."""
    tokens = [canary.new_token() for _ in range(3)]
    with Ccrun(ep) as c:
        c.overlay("gw", WITHOUT_RELAY.format(url=ep.url, delivery="preload"))
        c.init()
        c.add("gw", "\n".join(tokens), *seal("header:x-team=blue-and-green", *SUBSCRIPTION_SECRETS))
        script = ("set -- $(printf '%s\\n' \"$ANTHROPIC_CUSTOM_HEADERS\"); printf '%s %s\\n' \"$#\" \"$*\" | wc -c; "
                  "/bin/echo \"$@\"; env")
        r = c.ccrun("--exec", "/bin/sh", "gw", "-c", script)
        assert r.rc == 0, r
        assert not any(token in r.out for token in tokens)
        assert "x-litellm-api-key: Bearer xxxx" in r.out and "x-team: blue-and-green" in r.out


def test_what_is_shown_has_every_header(c, ep):
    ready(c, ep, [canary.new_token() for _ in range(3)])
    r = c.ccrun("-n", "gw")
    assert "relay header:x-litellm-api-key:Bearer=(from vault: gw-litellm)\n" in r.out
    assert "relay header:x-portkey-config=pc 1: a=b\nrelay header:x-team=blue\n" in r.out


# ---- betas, models, tiers ----

def test_betas_of_the_file_and_of_the_environment(c, ep, token):
    path = c.provider("gw", base_url=ep.url, auth="bearer", extra="[betas]\nof-the-file-1 = yes\n")
    c.ready(token, "gw")
    r = run(c, env={"ANTHROPIC_BETAS": "of-mine-1"})
    assert "of-the-file-1" in ep.main[0].headers["anthropic-beta"]
    assert "of-mine-1" not in ep.main[0].headers["anthropic-beta"]
    assert "of your environment: ANTHROPIC_BETAS\nhint: [betas]" in r.err
    path.write_text(path.read_text().partition("[betas]")[0])
    ep.requests.clear()
    r = run(c, env={"ANTHROPIC_BETAS": "of-mine-1,of-mine-2"})
    assert "of-mine-1,of-mine-2" in ep.main[0].headers["anthropic-beta"]
    assert "of your environment" not in r.err


def test_the_model_of_a_session_in_which_none_was_chosen(c, ep, token):
    c.provider("gw", base_url=ep.url, auth="bearer",
               models={"initial": "v/start:1", "opus": "v/opus:1", "opus_name": "Big one", "option": "v/other:1"})
    c.ready(token, "gw")
    run(c)
    run(c, "gw", "--model", "opus", "-p", "hello")
    run(c, "gw", "--model", "v/other:1", "-p", "hello")
    assert [q.json["model"] for q in ep.main] == ["v/start:1", "v/opus:1", "v/other:1"]


def test_a_model_of_the_environment_is_named_as_ignored(c, ep, token):
    c.provider("gw", base_url=ep.url, auth="bearer")
    c.ready(token, "gw")
    env = {"ANTHROPIC_MODEL": "v/mine", "CLAUDE_CODE_SUBAGENT_MODEL": "v/sub", "ANTHROPIC_AUTH_TOKEN": "stray"}
    r = run(c, env=env)
    assert "not for gw, of your environment: ANTHROPIC_MODEL, CLAUDE_CODE_SUBAGENT_MODEL\n" in r.err
    assert "hint: [models] of its file" in r.err and "stray" not in r.err
    assert ep.main[0].json["model"] != "v/mine"


def test_a_session_inside_says_nothing_of_what_the_outer_one_set(c, ep, token):
    c.provider("gw", base_url=ep.url, auth="bearer")
    c.ready(token, "gw")
    r = run(c, env={"CCRUN_PROVIDER": "other", "ANTHROPIC_MODEL": "v/others"})
    assert "of your environment" not in r.err


def test_bedrocks_service_tier_by_relay(c, ep, token):
    c.provider("bedrock", base_url=ep.url, models={"service_tier": "flex"})
    c.init()
    c.add("bedrock:bearer", token, "--set", "region=eu-west-1")
    run(c, "bedrock:bearer")
    [seen] = [q for q in ep.requests if q.path.startswith("/model/")][:1]
    assert seen.headers["x-amzn-bedrock-service-tier"] == "flex"
    assert seen.headers["authorization"] == "Bearer " + token


# ---- regions ----

def hosts(c, word, model, env=None):
    """Where the client wants to go."""
    with Endpoint() as proxy:
        env = {"HTTPS_PROXY": proxy.url, "NO_PROXY": None, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", **(env or {})}
        p = c.popen([c.bin / "ccrun", word, "-p", "hello", "--model", model], env=env)
        try:
            until(lambda: proxy.of("proxy"), 60, "the client asked for nothing")
        finally:
            p.kill()
            p.wait()
        return {q.path for q in proxy.of("proxy")}


VERTEX = "[provider]\nskip_auth = yes\n[parameters]\nproject = p1\nregion = {}\n"


@pytest.mark.parametrize("region, host", [
    ("us", "aiplatform.us.rep.googleapis.com"), ("eu", "aiplatform.eu.rep.googleapis.com"),
    ("global", "aiplatform.googleapis.com"), ("us-east5", "us-east5-aiplatform.googleapis.com")])
def test_vertexs_hosts_are_those_that_the_origin_says(c, region, host):
    c.overlay("vertex", VERTEX.format(region))
    assert hosts(c, "vertex", "claude-opus-4-8") == {host + ":443"}


def test_a_region_for_one_model(c):
    c.overlay("vertex", VERTEX.format("us-east5") + "[regions]\nclaude-sonnet-4-5 = eu\n")
    assert hosts(c, "vertex", "claude-sonnet-4-5") == {"aiplatform.eu.rep.googleapis.com:443"}
    assert hosts(c, "vertex", "claude-opus-4-8") == {"us-east5-aiplatform.googleapis.com:443"}


def test_a_region_of_the_environment_counts_where_it_is_one(c):
    c.overlay("vertex", VERTEX.format("us-east5"))
    own = {"VERTEX_REGION_CLAUDE_4_5_SONNET": "europe-west1"}
    assert hosts(c, "vertex", "claude-sonnet-4-5", own) == {"europe-west1-aiplatform.googleapis.com:443"}


# ---- kinds of credential ----

@pytest.mark.parametrize("auth, parameters, placeholder", [
    ("claude-aws", {"region": "eu-west-1", "workspace": "w1"}, "ANTHROPIC_AWS_API_KEY"),
    ("foundry-token", {"resource": "r1"}, "ANTHROPIC_FOUNDRY_AUTH_TOKEN"),
    ("mantle", {"region": "eu-west-1"}, "AWS_BEARER_TOKEN_BEDROCK"),
    ("gateway", {}, "ANTHROPIC_AUTH_TOKEN")])
def test_no_child_has_the_placeholder_or_the_socket(c, ep, token, auth, parameters, placeholder):
    secrets = {"AWS_BEARER_TOKEN_BEDROCK": "gw"} if auth == "mantle" else None
    c.provider("gw", base_url=ep.url, auth=auth, parameters=parameters, secrets=secrets)
    c.ready(token, "gw")
    assert f"set {placeholder}=placeholder\n" in c.ccrun("-n", "gw").out
    ep.script[:] = [Bash("env"), Text(SAID)]
    run(c)
    env = "".join(ep.tool_results())
    assert "CCRUN_PROVIDER=gw" in env, "the control"
    assert placeholder + "=" not in env and "/proc/self/fd" not in env


def test_the_new_kinds_without_a_relay(ep, token):
    """The key in the client's own variable, which a repository's servers do not get."""
    with Ccrun(ep) as c:
        for auth, parameters, variable, header in (
                ("claude-aws", {"region": "eu-west-1", "workspace": "w1"}, "ANTHROPIC_AWS_API_KEY", "x-api-key"),
                ("foundry-token", {"resource": "r1"}, "ANTHROPIC_FOUNDRY_AUTH_TOKEN", "authorization")):
            name = auth + "-1"
            c.provider(name, base_url=ep.url, auth=auth, parameters=parameters, policy={"delivery": "preload"})
            c.broker() or c.init()
            c.add(name, token)
            mcp = json.dumps({"mcpServers": {"s": {"command": "/bin/sh", "args": [
                "-c", "(env; echo \"args $@\"; echo end) > ~/mcp.txt", "sh", f"${{{variable}}}", "${CCRUN_PROVIDER}"]}}})
            ep.requests.clear()
            ep.script[:] = [Bash("until grep -q ^end ~/mcp.txt; do sleep 0.1; done"), Text(SAID)]
            run(c, name, "-p", "hello", "--mcp-config", mcp)
            assert ep.main[0].headers[header] in (token, "Bearer " + token)
            told = (c.home / "mcp.txt").read_text()
            assert f"args  {name}" in told, "the control: others are expanded"
            assert token not in told
            (c.home / "mcp.txt").unlink()


def test_a_gateway_by_the_clients_own_mode_sends_no_analytics(c, ep, token):
    c.provider("gateway", base_url=ep.url, parameters={"url": ep.url})
    c.ready(token, "gateway")
    run(c, "gateway")
    assert {q.path.partition("?")[0] for q in ep.requests} <= {"/v1/messages", "/v1/models"}
    assert ep.main[0].headers["authorization"] == "Bearer " + token
