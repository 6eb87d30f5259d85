"""What a provider's guide prints behind `claude`, put behind `ccrun NAME`; and the models that
a server says it has: ccctl models, and the list in ccctl add."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ccrun import CCCTL, CCRUN, PASSPHRASE
from dialogue import done, talk

OPENAI = "/v1/models"
TAGS = "/api/tags"


class Server:
    """A server of models: what it answers at a path, and what was asked of it."""

    def __init__(self):
        self.answers, self.seen = {}, []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                server.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                status, body, more = server.answers.get(self.path.partition("?")[0], (404, b"{}", {}))
                self.send_response(status)
                for name, value in {"content-type": "application/json", "content-length": len(body), **more}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def says(self, names, path=OPENAI, status=200, **more):
        key, each = ("data", "id") if path == OPENAI else ("models", "name")
        body = names if isinstance(names, bytes) else json.dumps({key: [{each: n} for n in names]}).encode()
        self.answers[path] = status, body, more

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server():
    with Server() as s:
        yield s


@pytest.fixture
def ollama(c, server):
    """The provider, with the server in its place."""
    c.overlay("ollama", f"[provider]\nbase_url = {server.url}\n")
    return c


@pytest.fixture
def keyed(relay_world, server, token):
    """A provider with a key, by relay, whose model is asked for."""
    relay_world.provider("gate", title="Gate", base_url=server.url, auth="bearer", models={"default": "${model}"},
                         parameters={"model": "ask: which model"})
    relay_world.init()
    return relay_world


# ---- the guide's own lines ----

@pytest.mark.parametrize("words", [["--model", "glm-4.7-flash"], ["--model=glm-4.7-flash"]])
def test_ollama_guide_line(c, ep, words):
    c.overlay("ollama", f"[provider]\nbase_url = {ep.url}\n")
    r = c.ccrun("ollama", *words, "-p", "hi")
    assert r.rc == 0 and "hello from loopback" in r.out, r
    assert {q.json["model"] for q in ep.main} == {"glm-4.7-flash"}
    # It was for that launch: nothing is stored.
    r = c.ccrun("ollama", "-p", "hi")
    assert r.rc == 125 and "ccrun ollama --model" in r.err and "--set model=" in r.err, r


def test_exported_model_of_a_guide(c, ep):
    c.overlay("ollama", f"[provider]\nbase_url = {ep.url}\n")
    r = c.ccrun("ollama", "-p", "hi", env={"ANTHROPIC_MODEL": "qwen3-coder"})
    assert r.rc == 0 and {q.json["model"] for q in ep.main} == {"qwen3-coder"}, r


def test_lmstudio_guide_line_takes_the_usual_address_and_says_so(c):
    r = c.ccrun("-n", "lmstudio", "--model", "openai/gpt-oss-20b")
    assert r.rc == 0 and "set ANTHROPIC_BASE_URL=http://localhost:1234\n" in r.out, r
    assert "set ANTHROPIC_DEFAULT_HAIKU_MODEL=openai/gpt-oss-20b\n" in r.out
    note = next(line for line in r.out.splitlines() if line.startswith("note "))
    assert "url is http://localhost:1234" in note and "ccctl add lmstudio" in note


def test_what_is_stored_goes_before_the_usual_address(c):
    assert c.ccctl("add", "lmstudio", "--set", "url=http://10.1.1.1:9", "--set", "model=m").rc == 0
    r = c.ccrun("-n", "lmstudio", "--model", "other")
    assert "set ANTHROPIC_BASE_URL=http://10.1.1.1:9\n" in r.out and "note " not in r.out, r
    assert "set ANTHROPIC_MODEL=m\n" in r.out


@pytest.mark.parametrize("model, known", [("glm-5[1m]", "glm-5"), ("opus", None), ("sonnet", None), ("a b", None)])
def test_which_words_for_a_model_answer(c, model, known):
    r = c.ccrun("-n", "ollama", "--model", model)
    if known:
        assert f"set ANTHROPIC_MODEL={known}\n" in r.out, r
    else:
        assert r.rc == 125 and "needs to know its model" in r.err, r


def test_words_behind_a_double_dash_are_no_option(c):
    r = c.ccrun("-n", "ollama", "-p", "--", "--model", "x")
    assert r.rc == 125 and "needs to know its model" in r.err, r


def test_a_default_never_sends_a_conversation_to_another_machine(c):
    c.provider("far", title="Far", base_url="https://${host}", auth="none",
               parameters={"host": "ask: which host | llm.example.com"})
    r = c.ccrun("-n", "far")
    assert r.rc == 125 and "needs to know its host" in r.err, r


def test_a_choice_is_a_persons(c):
    c.provider("two", title="Two", base_url="http://localhost:${port}", auth="none",
               parameters={"port": "ask: which port | 1, 2"})
    r = c.ccrun("-n", "two")
    assert r.rc == 125 and "needs to know its port" in r.err, r


@pytest.mark.parametrize("provider, words", [("openrouter", ["--model", "anthropic/claude-sonnet-4", "-p", "hi"]),
                                             ("zai", ["--continue"]), ("deepseek", ["--model", "deepseek-chat"])])
def test_guide_line_of_a_keyed_provider(c, provider, words):
    show = c.write("bin/claude", '#!/bin/sh\nprintf "%s " "$@"\n', 0o755)
    r = c.ccrun("-n", provider, *words)
    assert r.rc == 0 and f"provider {provider}\n" in r.out, r
    r = c.ccrun("--exec", show, "ollama", "--model", "m", *words)
    assert r.out == " ".join(["--model", "m", *words, ""]), r


def test_the_first_line_with_a_model_is_not_asked_for_it(relay_world, ep, token):
    relay_world.provider("gate", title="Gate", base_url="${url}", auth="bearer",
                         models={"default": "${model}", "haiku": "${model}"},
                         parameters={"url": f"ask: address | {ep.url}", "model": "ask: which model"})
    p = talk(relay_world, CCRUN, "gate", "--model", "m-1", "-p", "hi")
    p.expect("address .*no key: ")
    p.sendline("")
    for prompt, text in (("(?i)new passphrase.*: ", PASSPHRASE), ("Once more: ", PASSPHRASE),
                         ("Key for gate: ", token)):
        p.expect(prompt)
        assert p.waitnoecho(10)
        p.sendline(text)
    p.expect("hello from loopback")
    assert "which model" not in done(p)
    assert ep.main[0].json["model"] == "m-1" and ep.main[0].headers["authorization"] == "Bearer " + token


# ---- ccctl models ----

def test_models_of_a_server_on_this_machine(ollama, server):
    server.says(["qwen3:8b", "glm-4.7-flash"])
    r = ollama.ccctl("models", "ollama")
    assert r.rc == 0 and r.out == "qwen3:8b\nglm-4.7-flash\n", r
    [(path, headers)] = server.seen
    assert path.startswith(OPENAI) and "authorization" not in headers and "x-api-key" not in headers
    r = ollama.ccctl("models", "--json", "ollama")
    assert json.loads(r.out) == {"provider": "ollama", "models": ["qwen3:8b", "glm-4.7-flash"]}, r


def test_models_of_an_older_ollama(ollama, server):
    server.says(["mistral:7b"], TAGS)
    r = ollama.ccctl("models", "ollama")
    assert r.rc == 0 and r.out == "mistral:7b\n", r


def test_models_of_a_server_that_has_none(ollama, server):
    server.says([])
    r = ollama.ccctl("models", "ollama")
    assert r.rc == 0 and r.out == "" and "no model yet" in r.err, r


def test_models_of_a_server_that_is_not_started(c):
    c.overlay("ollama", "[provider]\nbase_url = http://127.0.0.1:1\n")
    r = c.ccctl("models", "ollama")
    assert r.rc == 1 and "nothing answers at http://127.0.0.1:1" in r.err and "hint: " in r.err, r


def test_models_of_a_server_without_a_list(ollama):
    r = ollama.ccctl("models", "ollama")
    assert r.rc == 1 and "no list of models (HTTP 404)" in r.err, r


@pytest.mark.parametrize("body", [b"", b"<html>", b"[", b"{}", b'{"data": 7}', b'"x"'])
def test_an_answer_that_is_no_list(ollama, server, body):
    server.says(body)
    r = ollama.ccctl("models", "ollama")
    assert r.rc == 1 and "is no list of models" in r.err and r.out == "", r


def test_names_that_would_drive_the_terminal(ollama, server):
    server.says(["ok", "\x1b]0;title\x07", "two\nlines", "rtl\u202eexe", "x" * 300])
    r = ollama.ccctl("models", "ollama")
    assert r.rc == 0 and r.out == "ok\nrtl?exe\n", r


def test_more_names_than_anybody_has(ollama, server):
    server.says([f"m{i}" for i in range(9000)])
    r = ollama.ccctl("models", "ollama")
    assert r.rc == 0 and len(r.out.splitlines()) == 4000, r


def test_an_endless_answer(ollama, server):
    server.says(b"[" + b" " * (5 << 20))
    r = ollama.ccctl("models", "ollama")
    assert r.rc == 1 and "MiB" in r.err, r


def test_a_redirect_is_not_followed(ollama, server):
    with Server() as other:
        other.says(["stolen"])
        server.says(b"", status=302, location=other.url + OPENAI)
        r = ollama.ccctl("models", "ollama")
        assert r.rc == 1 and "302" in r.err and not other.seen, r


def test_a_subscription_has_no_list(c):
    r = c.ccctl("models", "claude")
    assert r.rc == 1 and "no list of models" in r.err, r


def test_models_behind_a_key_are_asked_for_by_relay(keyed, server, token):
    server.says(["big", "small"])
    keyed.add("gate", token, "--set", "model=big")
    r = keyed.ccctl("models", "gate")
    assert r.rc == 0 and r.out == "big\nsmall\n", r
    assert server.seen[-1][1]["authorization"] == "Bearer " + token and token not in r.out + r.err
    assert server.seen[-1][1]["anthropic-version"] == "2023-06-01", "without it Anthropic's API answers nothing"


def test_models_behind_a_key_that_cannot_be_reached(keyed, server, token):
    keyed.add("gate", token, "--set", "model=big")
    server.http.shutdown()
    server.http.server_close()
    r = keyed.ccctl("models", "gate")
    assert r.rc == 1 and f"{server.url.partition('//')[2]} cannot be reached" in r.err, r


def test_a_server_that_refuses_the_key(keyed, server, token):
    server.says(b"{}", status=401)
    keyed.add("gate", token, "--set", "model=big")
    r = keyed.ccctl("models", "gate")
    assert r.rc == 1 and "refuses the key (HTTP 401)" in r.err, r


def test_a_planted_address_gets_no_key(keyed, server, token):
    server.says(["big"])
    keyed.add("gate", token, "--set", "model=big")
    with Server() as other:
        other.says(["stolen"])
        keyed.provider("gate", title="Gate", base_url=other.url, auth="bearer")
        r = keyed.ccctl("models", "gate")
        assert r.rc == 1 and not other.seen and "stolen" not in r.out, r


def test_a_key_that_no_relay_uses_is_not_used_for_a_list(c, server, token):
    server.says(["big"])
    c.provider("gate", title="Gate", base_url=server.url, auth="bearer", policy={"delivery": "preload"})
    c.ready(token, "gate")
    r = c.ccctl("models", "gate")
    assert r.rc == 1 and "delivery = preload" in r.err and not server.seen, r


# ---- the list in ccctl add ----

@pytest.mark.parametrize("typed, stored", [("2", "glm"), ("glm", "glm"), ("of-mine", "of-mine")])
def test_add_offers_what_the_server_has(ollama, server, typed, stored):
    server.says(["qwen3:8b", "glm"])
    p = talk(ollama, CCCTL, "add", "ollama")
    p.expect(r"1\s+qwen3:8b\r\n.*2\s+glm\r\n")
    p.expect("which model.*: ")
    p.sendline(typed)
    done(p)
    assert f"set ANTHROPIC_MODEL={stored}\n" in ollama.ccrun("-n", "ollama").out


def test_the_only_model_is_the_default(ollama, server):
    server.says(["qwen3:8b"])
    p = talk(ollama, CCCTL, "add", "ollama")
    p.expect(r"which model.*\[qwen3:8b\]: ")
    p.sendline("")
    done(p)
    assert "set ANTHROPIC_MODEL=qwen3:8b\n" in ollama.ccrun("-n", "ollama").out


def test_add_asks_without_a_server(c):
    c.overlay("ollama", "[provider]\nbase_url = http://127.0.0.1:1\n")
    p = talk(c, CCCTL, "add", "ollama")
    p.expect("which model.*: ")
    p.sendline("m")
    done(p)


def test_add_of_a_keyed_provider_asks_for_the_key_first(keyed, server, token):
    server.says(["big", "small"])
    p = talk(keyed, CCCTL, "add", "gate")
    p.expect("Key for gate: ")
    assert p.waitnoecho(10)
    p.sendline(token)
    p.expect(r"2\s+small\r\n")
    p.expect("which model.*no key: ")
    p.sendline("2")
    done(p)
    assert "set ANTHROPIC_MODEL=small\n" in keyed.ccrun("-n", "gate").out
