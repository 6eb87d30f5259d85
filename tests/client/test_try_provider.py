"""ccctl test: one small request by the way of a launch, and what people and programs are told of
it; and what ccctl list makes of it later."""
import hashlib
import json
import os
import re
import socket
import threading
import time

import pytest

import canary
from api_shapes import message
from ccrun import CCCTL, PASSPHRASE
from client import alive, children_named
from dialogue import answer as type_in
from dialogue import done, talk
from relay_broker import EXPIRED, Provider, Proxy, answer, certificate, server_context

MODEL = "glm-4.7"
USAGE = {"input_tokens": 8, "output_tokens": 1}
HELLO = {**message(MODEL, [{"type": "text", "text": "h"}], "max_tokens"), "usage": USAGE}
NOT_FOUND = {"type": "error", "error": {"type": "not_found_error", "message": "Not Found"}}
HTML = b"<!DOCTYPE html><html><title>Welcome</title></html>"
WORKED = re.compile(rf"demo works: {re.escape(MODEL)} answered after \d+\.\d s \(tokens: 8 in, 1 out\)\n")


def error(text, kind="invalid_request_error"):
    return {"type": "error", "error": {"type": kind, "message": text}}


def lists(*names):
    """What it says to GET /v1/models."""
    return answer({"data": [{"id": n} for n in names]})


class Api(Provider):
    """A provider that says `says` to a message, and has a list of models."""

    def __init__(self, says=None, names=("glm-5", "glm-4.7", "glm-4.5-air"), **more):
        self.says = says if says is not None else answer(HELLO)
        self.list = lists(*names) if names else answer(NOT_FOUND, 404)
        super().__init__(self.tell, **more)

    def tell(self, wire, request):
        said = self.list if request.line.startswith("GET /v1/models") else self.says
        wire.sock.sendall(said(request) if callable(said) else said)

    @property
    def messages(self):
        return [r for r in self.requests if r.line.startswith("POST ")]


@pytest.fixture
def api():
    with Api() as provider:
        yield provider


@pytest.fixture
def w(relay_world, api, token):
    """A provider `demo` there, its key in the vault."""
    relay_world.demo(url=api.url, models={"default": MODEL})
    relay_world.ready(token)
    return relay_world


def told(w, *words, rc=1, **kw):
    """What a trial says: its one line, its hint, and what it says to programs; both agree."""
    words = words or ("demo",)
    r = w.ccctl("test", *words, **kw)
    said = w.ccctl("test", "--json", *words, **kw)
    assert r.rc == said.rc == rc, (r, said)
    found = json.loads(said.out)
    assert found["works"] == (rc == 0) and "\x1b" not in r.out + r.err
    if rc == 0:
        assert r.out.count("\n") == 1 and r.err == "", r
    else:
        assert r.out == "", r
        lines = r.err.splitlines()
        assert lines[-2:] == ["ccctl: " + found["message"], "hint: " + found["hint"]], r
    return found


def row(w, name="demo"):
    return next(r for r in json.loads(w.ccctl("list", "--json").out) if r["name"] == name)


def listed(w, name="demo"):
    return next(line for line in w.ccctl("list").out.splitlines() if line.split()[0] == name)


# ---- it works ----

def test_a_provider_that_works(w, api, token):
    r = w.ccctl("test", "demo")
    assert r.rc == 0 and WORKED.fullmatch(r.out) and r.err == "", r
    [request] = api.messages
    assert request.line == "POST /v1/messages HTTP/1.1" and request.headers["authorization"] == "Bearer " + token
    assert json.loads(request.body) == {"model": MODEL, "max_tokens": 1,
                                        "messages": [{"role": "user", "content": "hi"}]}
    assert request.headers["anthropic-version"] == "2023-06-01"
    found = told(w, rc=0)
    assert found["outcome"] == "works" and found["model"] == MODEL and found["status"] == 200
    assert (found["input"], found["output"], found["provider"], found["mode"]) == (8, 1, "demo", None)
    assert isinstance(found["first_byte_ms"], int) and found["hint"] is None


def test_a_key_as_x_api_key(w, api, token):
    w.provider("other", title="Other", base_url=api.url, auth="api-key", models={"default": MODEL})
    w.add("other", token)
    assert w.ccctl("test", "other").rc == 0
    assert api.messages[-1].headers["x-api-key"] == token and "authorization" not in api.messages[-1].headers


def test_a_mode_and_its_model(relay_world, api, token):
    relay_world.demo(url=api.url, models={"default": MODEL}, extra="[mode big]\n[mode big models]\ndefault = glm-5[1m]\n")
    relay_world.ready(token)
    assert relay_world.ccctl("test", "demo:big").rc == 0
    assert json.loads(api.messages[-1].body)["model"] == "glm-5"
    assert relay_world.ccctl("test", "--model", "glm-4.5-air", "demo:big").rc == 0
    assert json.loads(api.messages[-1].body)["model"] == "glm-4.5-air"
    assert ":big worked on " in listed(relay_world)


def test_a_provider_that_names_no_model_is_asked_for_one(relay_world, api, token):
    api.list = lists("claude-opus-4-5", "claude-haiku-4-5", "claude-3-haiku")
    relay_world.demo(url=api.url)
    relay_world.ready(token)
    assert relay_world.ccctl("test", "demo").rc == 0
    assert json.loads(api.messages[-1].body)["model"] == "claude-haiku-4-5"


def test_no_model_anywhere(relay_world, api, token):
    api.list = answer(NOT_FOUND, 404)
    relay_world.demo(url=api.url)
    relay_world.ready(token)
    found = told(relay_world)
    assert found["outcome"] == "no-model" and found["hint"] == "ccctl test demo --model MODEL" and not api.messages
    assert row(relay_world)["tried"] == []


def test_a_provider_that_takes_no_single_token(w, api):
    def say(request):
        least = 16 <= json.loads(request.body)["max_tokens"]
        return answer(HELLO) if least else answer(error("max_tokens: minimum value is 16"), 400)
    api.says = say
    assert w.ccctl("test", "demo").rc == 0 and len(api.messages) == 2


def test_a_slow_one(w, api):
    def say(_):
        time.sleep(5.2)
        return answer(HELLO)
    api.says = say
    r = w.ccctl("test", "demo")
    assert r.rc == 0 and re.fullmatch(r"demo works, but slowly: .* answered after \d+\.\d s .*\n", r.out), r
    assert row(w)["tried"][0]["outcome"] == "slow"


def test_a_server_without_a_key(relay_world, api):
    relay_world.overlay("ollama", f"[provider]\nbase_url = {api.url}\n")
    r = relay_world.ccctl("test", "ollama", "--model", MODEL)
    assert r.rc == 0 and r.out.startswith("ollama works: "), r
    assert api.messages[-1].headers["authorization"] == "Bearer ollama"
    r = relay_world.ccctl("test", "ollama")
    assert r.rc == 1 and "needs to know its model" in r.err and len(api.messages) == 1, r


# ---- the provider answers something else ----

@pytest.mark.parametrize("status, body, outcome, words", [
    (401, error("invalid x-api-key", "authentication_error"), "wrong-key", "refuses the key (HTTP 401): invalid x-api-key"),
    (403, error("no", "permission_error"), "wrong-key", "refuses the key (HTTP 403): no"),
    (200, {"error": {"message": "invalid token"}}, "wrong-key", "invalid token"),
    (404, NOT_FOUND, "wrong-path", "no Messages API is at http://127.0.0.1:"),
    (404, HTML, "wrong-path", "(HTTP 404)"),
    (404, error("Invalid URL (POST /v1/messages)"), "wrong-path", "Invalid URL"),
    (405, b"", "wrong-path", "(HTTP 405)"),
    (301, b"", "wrong-path", "(HTTP 301)"),
    (200, HTML, "wrong-path", "no Messages API"),
    (200, {"id": "x", "object": "chat.completion", "choices": []}, "wrong-path", "no Messages API"),
    (402, error("Insufficient Balance"), "no-credit", "has no credit (HTTP 402): Insufficient Balance"),
    (400, error("Your credit balance is too low to access the API."), "no-credit", "credit balance is too low"),
    (403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, "no-credit", "balance"),
    (429, {"error": {"code": "1113", "message": "Insufficient balance or no resource package. Please recharge."}},
     "no-credit", "recharge"),
    (429, error("You exceeded your current quota, please check your plan"), "no-credit", "HTTP 429"),
    (429, error("Number of request tokens has exceeded your per-minute rate limit", "rate_limit_error"),
     "rate-limited", "takes no more requests now (HTTP 429)"),
    (404, error("model: glm-4.7", "not_found_error"), "unknown-model", "does not know the model glm-4.7 (HTTP 404)"),
    (400, {"error": {"message": "Model Not Exist"}}, "unknown-model", "Model Not Exist"),
    (503, {"error": {"message": "no available channel for model glm-4.7", "code": "model_not_found"}}, "unknown-model",
     "glm-4.7"),
    (400, error("messages: at least one is required"), "bad-request", "refuses the request (HTTP 400)"),
    (500, error("Internal", "api_error"), "provider-error", "has trouble of its own (HTTP 500)"),
    (529, error("Overloaded", "overloaded_error"), "provider-error", "HTTP 529"),
])
def test_what_a_provider_answers(w, api, status, body, outcome, words):
    api.says = answer(body, status, kind="text/html" if body == HTML else "application/json")
    found = told(w)
    assert found["outcome"] == outcome and words in found["message"], found
    assert found["status"] == status and found["hint"], found
    assert row(w)["tried"][0]["outcome"] == outcome and f": {outcome}" in listed(w)


def test_when_to_come_again(w, api):
    api.says = answer(error("slow down", "rate_limit_error"), 429, headers=[("Retry-After", "17")])
    assert told(w)["hint"] == "try again in 17 s"


def test_an_unknown_model_gets_its_neighbours(w, api):
    api.list = lists("alpha", "glm-5", "glm-4.7", "glm-4.5-air", "omega")
    api.says = answer(error("model: glm-4.6", "not_found_error"), 404)
    found = told(w, "--model", "glm-4.6", "demo")
    assert found["models"] == ["alpha", "glm-5", "glm-4.7", "glm-4.5-air", "omega"]
    assert found["hint"] == "it has glm-4.7, glm-5, glm-4.5-air, ... (ccctl models demo)"
    assert row(w)["tried"] == [], "what a person only tried says nothing of the provider"


def test_an_unknown_model_without_a_list(w, api):
    api.list = answer(NOT_FOUND, 404)
    api.says = answer(error("model: glm-4.7", "not_found_error"), 404)
    assert told(w)["hint"] == "its documentation names them; ccctl edit demo, [models]"


def test_an_answer_that_breaks_off(w, api):
    def say(_):
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"type\""
    api.says = say
    api.reply = lambda wire, request: (api.tell(wire, request), wire.sock.shutdown(socket.SHUT_RDWR))
    assert told(w)["outcome"] == "broken-answer"


def test_an_answer_that_is_no_http(w, api):
    api.says = b"220 mail.example ESMTP\r\n"
    assert told(w)["outcome"] == "broken-answer"


def test_words_that_would_drive_the_terminal(w, api):
    api.says = answer(error("a\x1b]0;x\x07b\nc\u202ed"), 400)
    r = w.ccctl("test", "demo")
    assert r.rc == 1 and "\x1b" not in r.err and "\u202e" not in r.err and r.err.count("\n") == 2, r


def test_a_provider_cannot_say_what_only_the_relay_says(w, api):
    api.says = answer(error("x"), 400, headers=[("ccrun-cause", "locked"), ("CCRUN-Cause", "no-host")])
    assert told(w)["outcome"] == "bad-request"


# ---- it cannot be reached ----

@pytest.fixture
def nowhere(relay_world, token):
    """A function that makes `demo` a provider at an address."""
    def go(url, *more):
        relay_world.demo(url=url, models={"default": MODEL})
        relay_world.init()
        relay_world.add("demo", token, *more)
        return relay_world
    return go


def test_nobody_listens(nowhere):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    found = told(nowhere(f"http://127.0.0.1:{port}"))
    assert found["outcome"] == "refused" and f"nobody listens at 127.0.0.1:{port}" in found["message"]
    assert "server started" in found["hint"]


def test_a_name_that_is_not_known(nowhere, relay_world):
    relay_world.plain_env.update(HTTPS_PROXY=None, HTTP_PROXY=None)
    found = told(nowhere("https://no-such-host.invalid"))
    assert found["outcome"] == "no-host" and "no-such-host.invalid is not known (DNS)" in found["message"]


def test_a_server_that_never_answers(w, api):
    api.says = lambda request: time.sleep(30) or b""
    found = told(w, "--wait", "1", "demo")
    assert found["outcome"] == "timeout" and "gave no answer in time" in found["message"]
    assert "--wait SECONDS" in found["hint"]


def test_a_proxy_that_refuses(nowhere, relay_world):
    with Proxy("right") as proxy:
        relay_world.plain_env.update(HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}")
        found = told(nowhere("https://api.example"))
        assert found["outcome"] == "proxy" and "407" in found["message"], found


def test_a_proxy_that_is_not_there(nowhere, relay_world):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    relay_world.plain_env.update(HTTPS_PROXY=f"http://127.0.0.1:{port}")
    found = told(nowhere("https://api.example"))
    assert found["outcome"] == "proxy" and "api.example" in found["message"], found


# ---- TLS ----

def authorities(path):
    return "--allow", "ca=" + hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()[:32]


@pytest.mark.parametrize("name, dates, trusted, outcome, words", [
    ("IP:127.0.0.1", None, True, "works", ""),
    ("IP:127.0.0.1", None, False, "unknown-authority", "NODE_EXTRA_CA_CERTS"),
    ("DNS:other.example", None, True, "other-host", "address"),
    ("IP:127.0.0.1", EXPIRED, True, "clock", "clock"),
])
def test_certificates(nowhere, relay_world, tmp_path, name, dates, trusted, outcome, words):
    crt, key = certificate(tmp_path, name, **({"dates": dates} if dates else {}))
    if trusted:
        relay_world.plain_env["NODE_EXTRA_CA_CERTS"] = str(crt)
    with Api(tls=server_context(crt, key)) as p:
        found = told(nowhere(p.url, *(authorities(crt) if trusted else ())), rc=0 if outcome == "works" else 1)
        assert found["outcome"] == outcome and words in (found["hint"] or ""), found
        assert bool(p.messages) == (outcome == "works")


def test_no_tls_at_all(nowhere):
    with Provider(begin=lambda wire: (wire.more(), wire.sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n"), wire.more())) as p:
        found = told(nowhere(p.url.replace("http:", "https:")))
    assert found["outcome"] == "tls" and "http or https" in found["hint"], found


# ---- ccrun does not ask ----

def test_a_locked_vault(w, api):
    assert w.ccctl("lock").rc == 0
    found = told(w, rc=3)
    assert found["outcome"] == "locked" and found["hint"] == "ccctl unlock" and not api.requests
    assert row(w)["tried"] == []


def test_a_locked_vault_is_opened_on_a_terminal(w, api):
    assert w.ccctl("lock").rc == 0
    p = talk(w, CCCTL, "test", "demo")
    type_in(p, "Passphrase for your vault: ", PASSPHRASE)
    assert "demo works: " in done(p) and api.messages


def test_no_key_yet(relay_world, api):
    relay_world.demo(url=api.url, models={"default": MODEL})
    relay_world.init()
    found = told(relay_world, rc=4)
    assert found["outcome"] == "not-started" and found["hint"] == "ccctl add demo" and not api.requests


def test_a_limit_that_is_reached(w, api):
    assert w.ccctl("limit", "demo", "1/day").rc == 0
    assert w.ccctl("test", "demo").rc == 0
    found = told(w)
    assert found["outcome"] == "limit" and "1 of 1 request a day" in found["message"] and "ccctl limit demo" in found["hint"], found
    assert len(api.messages) == 1
    assert row(w)["tried"][0]["outcome"] == "works"


def test_what_it_took_is_counted(w):
    assert w.ccctl("test", "demo").rc == 0
    [spent] = json.loads(w.ccctl("spent", "--by", "model", "--json").out)["rows"]
    assert (spent["requests"], spent["input"], spent["output"]) == (1, 8, 1), spent


def test_a_yes_is_asked_for_as_for_a_launch(w, api):
    assert w.ccctl("confirm", "demo", "session").rc == 0
    p = talk(w, CCCTL, "test", "demo")
    type_in(p, "Passphrase for your vault: ", PASSPHRASE)
    assert "demo works: " in done(p) and len(api.messages) == 1
    p = talk(w, CCCTL, "test", "demo")
    p.expect("Passphrase for your vault: ")
    assert re.search(r"program +\S+/ccrun-ask, as it says", p.before), p.before
    p.sendintr()
    p.close()
    assert len(api.messages) == 1


def test_it_is_on_record_as_a_trial(w):
    assert w.ccctl("test", "demo").rc == 0
    record = [e for e in w.record() if e["event"] in ("open", "release")]
    assert [e["event"] for e in record] == ["open", "release"]
    assert record[0]["why"] == "test" and record[0]["provider"] == "demo" and record[0]["delivery"] == "relay"
    assert record[1]["entries"] == "demo"


def test_a_planted_address_gets_no_key(w, token):
    with Api() as evil:
        w.demo(url=evil.url, models={"default": MODEL})
        r = w.ccctl("test", "demo")
        assert r.rc == 5 and "was sealed" in r.err and not evil.requests, r


@pytest.mark.parametrize("delivery", ["preload", "env", "pipe"])
def test_a_key_that_goes_to_the_client_is_tried_by_a_launch_alone(c, api, token, delivery):
    c.provider("gate", title="Gate", base_url=api.url, auth="api-key", policy={"delivery": delivery},
               models={"default": MODEL})
    c.ready(token, "gate")
    found = told(c, "gate", rc=6)
    assert found["outcome"] == "launch-only" and f"delivery = {delivery}" in found["message"]
    assert found["hint"] == "ccrun gate -p hi" and not api.requests
    assert not [e for e in c.record() if e["event"] == "open"]


@pytest.mark.parametrize("name, parameters", [("claude", ()), ("vertex", ("region=eu", "project=p")),
                                              ("bedrock", ("region=eu-west-1",))])
def test_clouds_and_a_subscription_are_tried_by_a_launch_alone(c, name, parameters):
    if parameters:
        assert c.ccctl("add", name, *(w for p in parameters for w in ("--set", p))).rc == 0
    found = told(c, name, rc=6)
    assert found["outcome"] == "launch-only" and found["hint"] == f"ccrun {name} -p hi", found


def test_a_plan_for_the_client_alone(w, api):
    api.says = answer(error("only available for Coding Agents such as Claude Code", "access_terminated_error"), 403)
    found = told(w, rc=6)
    assert found["outcome"] == "launch-only" and "Coding Agents" in found["message"], found


def test_words_of_the_command_line(w, api):
    for words in ((), ("demo", "more"), ("--wait", "0", "demo"), ("--frob", "demo")):
        assert w.ccctl("test", *words).rc == 2, words
    assert w.ccctl("test", "nobody").rc == 4
    assert w.ccctl("test", "demo:nobody").rc == 4
    assert not api.requests


def test_not_inside_a_session(c, api, token):
    c.demo(url=api.url, models={"default": MODEL})
    c.ready(token)
    r = c.ccrun("--exec", "/bin/sh", "demo", "-c", f"{CCCTL} test demo")
    assert r.rc == 5 and "inside a session" in r.err and not api.requests, r


# ---- where the key is ----

def test_the_key_is_in_no_file_argument_or_output(w, api, token):
    seen = []

    def say(_):
        seen.append(canary.scan_proc(token, skip=[os.getpid()])[0])
        return answer(error(f"your key {token} is wrong", "authentication_error"), 401)
    api.says = say
    r = w.ccctl("test", "demo")
    said = w.ccctl("test", "--json", "demo")
    assert len(seen) == 2 and not any(seen)
    assert not canary.scan_bytes(r.out + r.err + said.out + said.err, token)
    assert not canary.scan_files(w.root, token)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's eyes")
def test_the_key_is_in_the_relay_alone(c, api, token):
    """While the provider thinks: neither ccctl nor what asks has a piece of it in memory."""
    asked, go = threading.Event(), threading.Event()

    def say(_):
        asked.set()
        go.wait(60)
        return answer(HELLO)
    api.says = say
    c.demo(url=api.url, models={"default": MODEL}, policy={"delivery": "relay"})
    c.ready(token)
    with open(c.root / "said", "wb") as said:
        p = c.popen([CCCTL, "test", "demo"], stdout=said, stderr=said)
        assert asked.wait(60), (c.root / "said").read_text()
        [asking] = children_named(os.getpid(), "ccrun-ask")
        for pid in (p.pid, asking):
            with canary.frozen(pid):
                found, searched, _ = canary.scan_memory(pid, token, spare_locked=False)
            assert searched > 100_000 and not found, found
        relays = [pid for pid in children_named(os.getpid(), "ccrun-relay") if alive(pid)]
        assert any(canary.scan_memory(pid, token, spare_locked=False)[0] for pid in relays), "found nowhere at all"
        go.set()
        assert p.wait(60) == 0, (c.root / "said").read_text()


# ---- what is kept of it ----

def trial_file(w, name="demo"):
    return w.state / "ccrun/trials" / name


def test_list_says_when_it_worked(w):
    assert row(w)["tried"] == [] and "not tried here" in listed(w)
    assert w.ccctl("test", "demo").rc == 0
    [tried] = row(w)["tried"]
    assert {k: tried[k] for k in ("mode", "outcome", "works", "model", "current")} == {
        "mode": None, "outcome": "works", "works": True, "model": MODEL, "current": True}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", tried["at"])
    assert re.search(r" worked on \d{4}-\d\d-\d\d ", listed(w))
    path = trial_file(w)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    # also with a vault that is locked
    assert w.ccctl("lock").rc == 0
    assert row(w)["tried"][0]["current"] and " worked on " in listed(w)


def test_the_last_trial_counts(w, api):
    assert w.ccctl("test", "demo").rc == 0
    api.says = answer(error("bad", "authentication_error"), 401)
    assert w.ccctl("test", "demo").rc == 1
    assert re.search(r" failed on \d{4}-\d\d-\d\d: wrong-key ", listed(w)) and len(row(w)["tried"]) == 1


def test_another_key_was_not_tried(w):
    assert w.ccctl("test", "demo").rc == 0
    time.sleep(1.1)  # the broker's times are in seconds
    w.add("demo", canary.new_token(), "--replace")
    assert not row(w)["tried"][0]["current"] and "not tried since a change" in listed(w)
    assert w.ccctl("test", "demo").rc == 0
    assert row(w)["tried"][0]["current"] and " worked on " in listed(w)


def test_a_limit_and_confirm_are_no_other_key(w):
    assert w.ccctl("test", "demo").rc == 0
    time.sleep(1.1)  # the broker's times are in seconds
    assert w.ccctl("limit", "demo", "50/hour").rc == 0
    assert w.ccctl("confirm", "demo", "first").rc == 0
    assert row(w)["tried"][0]["current"] and " worked on " in listed(w)


def test_another_file_was_not_tried(w, api):
    assert w.ccctl("test", "demo").rc == 0
    w.demo(url=api.url, models={"default": "glm-5"})
    assert not row(w)["tried"][0]["current"] and "not tried since a change" in listed(w)
    w.demo(url=api.url, models={"default": MODEL})
    assert row(w)["tried"][0]["current"]


@pytest.mark.parametrize("text", ["", "at 1\n", "junk", "at 1764000000\noutcome perfect\nfiles " + "0" * 32 + "\n",
                                  "at x\noutcome works\nfiles " + "0" * 32 + "\n", "a\0b\n", "x" * 5000 + "\n",
                                  "at 1764000000\noutcome locked\nfiles " + "0" * 32 + "\n"])
def test_a_file_that_is_damaged_is_none(w, text):
    assert w.ccctl("test", "demo").rc == 0
    trial_file(w).write_text(text)
    assert row(w)["tried"] == [] and "not tried here" in listed(w)
    assert w.ccctl("test", "demo").rc == 0 and " worked on " in listed(w)


def test_a_planted_file_changes_words_alone(w, api):
    """It says that it works; what is sealed decides as before."""
    assert w.ccctl("test", "demo").rc == 0
    text = trial_file(w).read_text()
    trial_file(w).write_text(text.replace(f"model {MODEL}", "model \x1b[2J\u202eevil"))
    assert "\x1b" not in w.ccctl("list").out
    with Api() as evil:
        w.demo(url=evil.url, models={"default": MODEL})
        assert w.ccctl("test", "demo").rc == 5 and not evil.requests


@pytest.mark.parametrize("kind", ["link", "directory", "writable"])
def test_a_file_that_is_not_ones_own_is_none(w, kind):
    assert w.ccctl("test", "demo").rc == 0
    path = trial_file(w)
    if kind == "link":
        path.rename(w.root / "elsewhere")
        path.symlink_to(w.root / "elsewhere")
    elif kind == "directory":
        path.unlink()
        path.mkdir()
    else:
        path.chmod(0o666)
    assert row(w)["tried"] == []


def test_a_state_directory_that_cannot_be_written(w, ordinary_user):
    trials = w.state / "ccrun/trials"
    trials.mkdir(mode=0o500)
    r = w.ccctl("test", "demo")
    assert r.rc == 0 and WORKED.fullmatch(r.out) and "trials" in r.err, r
    trials.chmod(0o700)


def test_the_client_does_as_the_trial_did(relay_world, ep, token):
    """What the real client sends goes the same way, with the same key, to the same model."""
    relay_world.demo(models={"default": MODEL})
    relay_world.ready(token)
    assert relay_world.ccctl("test", "demo").rc == 0
    [trial] = ep.of("side")
    r = relay_world.ccrun("demo", "-p", "hello")
    assert r.rc == 0 and "hello from loopback" in r.out, r
    launch = ep.main[0]
    assert trial.path == "/v1/messages" == launch.path.partition("?")[0]
    assert trial.json["model"] == launch.json["model"] == MODEL
    for name in ("authorization", "host", "anthropic-version"):
        assert trial.headers[name] == launch.headers[name]
    why = [e.get("why") for e in relay_world.record() if e["event"] == "open"]
    assert why == ["test", None]
