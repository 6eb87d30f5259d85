"""ccrun-relay's way to the provider: TLS, certificates, proxies, and what cannot be reached."""
import base64
import json
import os
import socket
import ssl
import tempfile
from pathlib import Path

import pytest

import wire_client as wc
from relay_broker import EXPIRED, TOKEN, Provider, Proxy, Relay, certificate, server_context


def failing(relay, *words, status=400):
    """The answer names the host and the cause."""
    response = relay.post()
    text = json.loads(response.data)["error"]["message"]
    assert response.status == status, text
    for word in words:
        assert word in text, text
    assert text.startswith("ccrun: ") and TOKEN not in text
    assert relay.wait("failure")["what"]
    return text


# ---- TLS ---------------------------------------------------------------

@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


def test_a_ca_of_ones_own(usual):
    with Provider(tls=server_context(*usual)) as p, Relay(p.url, files=[("ca", usual[0].read_bytes())]) as relay:
        c = relay.connect()
        for _ in range(3):
            assert relay.post(connection=c).status == 200
        body = os.urandom(5 << 20)
        p.reply = lambda wire, r: wire.sock.sendall(b"HTTP/1.1 200 A\r\nContent-Length: %d\r\n\r\n" % len(r.body) + r.body)
        assert relay.post(body=body, connection=c).data == body
        assert p.connections == 1
        assert p.requests[0].headers["authorization"] == "Bearer " + TOKEN


def test_an_unknown_ca(usual):
    with Provider(tls=server_context(*usual)) as p, Relay(p.url) as relay:
        failing(relay, "127.0.0.1", "certificate", "NODE_EXTRA_CA_CERTS=FILE")
        assert not p.requests
        assert relay.wait("use")["billed"] is False


def test_the_systems_cas_stay_beside_ones_own(usual, tmp_path):
    other = certificate(tmp_path)
    with Provider(tls=server_context(*usual)) as p, Relay(p.url, files=[("ca", other[0].read_bytes())]) as relay:
        failing(relay, "certificate")


def test_a_certificate_of_another_host(tmp_path):
    pair = certificate(tmp_path, "DNS:other.example")
    with Provider(tls=server_context(*pair)) as p, Relay(p.url, files=[("ca", pair[0].read_bytes())]) as relay:
        assert "NODE_EXTRA_CA_CERTS" not in failing(relay, "127.0.0.1")
        assert not p.requests


def test_a_certificate_that_has_expired(tmp_path):
    pair = certificate(tmp_path, dates=EXPIRED)
    with Provider(tls=server_context(*pair)) as p, Relay(p.url, files=[("ca", pair[0].read_bytes())]) as relay:
        failing(relay, "expired")
        assert not p.requests


def test_a_client_certificate(usual, tmp_path):
    mine = certificate(tmp_path, "DNS:me")
    files = [("ca", usual[0].read_bytes())]
    with Provider(tls=server_context(*usual, client=mine[0])) as p:
        with Relay(p.url, files=files) as relay:
            assert relay.post().status in (400, 502)
            assert not p.requests
        with Relay(p.url, files=[*files, ("cert", mine[0].read_bytes()), ("key", mine[1].read_bytes())]) as relay:
            assert relay.post().status == 200


def test_an_old_tls(usual):
    context = server_context(*usual)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with Provider(tls=context) as p, Relay(p.url, files=[("ca", usual[0].read_bytes())]) as relay:
        failing(relay, "127.0.0.1")


def test_no_tls_at_all():
    with Provider(begin=lambda wire: (wire.more(), wire.sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n"), wire.more())) as p:
        with Relay(p.url.replace("http:", "https:")) as relay:
            failing(relay, "127.0.0.1")


@pytest.mark.parametrize("announced", [True, False])
def test_an_answer_until_the_end_is_whole_only_if_tls_says_so(usual, announced):
    def reply(wire, _):
        wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}")
        if announced:
            wire.sock.unwrap()
        wire.sock.close()
    with Provider(reply, tls=server_context(*usual)) as p, Relay(p.url, files=[("ca", usual[0].read_bytes())]) as relay:
        got = relay.exchange(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        assert got.endswith(b"2\r\n{}\r\n0\r\n\r\n") == announced, got


# ---- proxies -----------------------------------------------------------

def credentials(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("tls", [True, False])
def test_a_proxy_with_a_password(usual, tls):
    with Provider(tls=server_context(*usual) if tls else None) as p, Proxy(credentials("me:pass word")) as proxy:
        with Relay(p.url, proxy=f"http://me:pass%20word@127.0.0.1:{proxy.port}",
                   files=[("ca", usual[0].read_bytes())]) as relay:
            assert relay.post().status == 200
        assert proxy.requests[0].line == f"CONNECT 127.0.0.1:{p.port} HTTP/1.1"
        assert not [v for r in proxy.requests for v in r.headers.values() if TOKEN in v]
        assert "proxy-authorization" not in p.requests[0].headers


def test_a_proxy_that_wants_another_password(usual):
    with Provider(tls=server_context(*usual)) as p, Proxy(credentials("me:right")) as proxy:
        with Relay(p.url, proxy=f"http://me:wrong@127.0.0.1:{proxy.port}") as relay:
            text = failing(relay, "127.0.0.1", "407")
            assert "wrong" not in text
        assert not p.connections


def test_a_proxy_by_tls(usual):
    with Provider(tls=server_context(*usual)) as p, Proxy(tls=server_context(*usual)) as proxy:
        with Relay(p.url, proxy=f"https://127.0.0.1:{proxy.port}", files=[("ca", usual[0].read_bytes())]) as relay:
            assert relay.post().status == 200
        with Relay(p.url, proxy=f"https://127.0.0.1:{proxy.port}") as relay:
            failing(relay, "certificate")


def test_a_proxy_resolves_the_name(usual, tmp_path):
    pair = certificate(tmp_path, "DNS:provider.invalid")
    with Provider(tls=server_context(*pair)) as p, Proxy(to=("127.0.0.1", p.port)) as proxy:
        with Relay("https://provider.invalid:8443/x", proxy=f"http://127.0.0.1:{proxy.port}",
                   files=[("ca", pair[0].read_bytes())]) as relay:
            assert relay.post().status == 200
        assert proxy.requests[0].line == "CONNECT provider.invalid:8443 HTTP/1.1"
        assert p.requests[0].headers["host"] == "provider.invalid:8443"
        assert p.requests[0].line == "POST /x/v1/messages HTTP/1.1"


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "a.example, 127.0.0.1", "*"])
def test_no_proxy(no_proxy):
    with Provider() as p, Proxy() as proxy:
        with Relay(p.url, proxy=f"http://127.0.0.1:{proxy.port}", no_proxy=no_proxy) as relay:
            assert relay.post().status == 200
        assert not proxy.connections


def test_nothing_of_the_environment_counts():
    with Provider() as p, Proxy() as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        env = {n: url for n in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY")}
        with Relay(p.url, env=env) as relay:
            assert relay.post().status == 200
        assert not proxy.connections
        with Relay(p.url, env={"no_proxy": "*", "NO_PROXY": "*"}, proxy=url) as relay:
            assert relay.post().status == 200
        assert proxy.connections == 1


# ---- what cannot be reached --------------------------------------------

def test_ipv6():
    with Provider(host="::1") as p, Relay(p.url) as relay:
        assert relay.post().status == 200
        assert p.requests[0].headers["host"] == f"[::1]:{p.port}"


def test_a_name_that_resolves():
    with Provider() as p, Relay(p.url.replace("127.0.0.1", "localhost")) as relay:
        assert relay.post().status == 200
        assert p.requests[0].headers["host"] == f"localhost:{p.port}"


def beside(port):
    """Who listens at the other loopback, on the same port."""
    try:
        return socket.create_server(("::1", port), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")


def nobody_connected(listener):
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


THIS_MACHINE = ["localhost", "localhost.", "gw.localhost", "Gw.LocalHost."]


@pytest.mark.parametrize("name", THIS_MACHINE)
def test_localhost_without_tls_is_one_address(name):
    """On the other loopback any program may listen, also while the server does."""
    with Provider() as p, Relay(f"http://{name}:{p.port}") as relay, beside(p.port) as other:
        assert relay.post().status == 200
        assert p.requests[0].headers["host"].lower() == f"{name}:{p.port}".lower()
        nobody_connected(other)


@pytest.mark.parametrize("name", THIS_MACHINE)
def test_localhost_without_tls_is_no_other_address(name):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    with beside(port) as other, Relay(f"http://{name}:{port}") as relay:
        failing(relay, status=502)
        nobody_connected(other)


def with_file(path, text, function):
    """function() in a process for which that file of the system's is that text."""
    def child():
        ids = os.getuid(), os.getgid()
        if wc.libc.unshare(0x10020000) != 0:  # CLONE_NEWUSER | CLONE_NEWNS
            return "no user namespaces here"
        for file, line in (("setgroups", "deny"), ("uid_map", f"{ids[0]} {ids[0]} 1"), ("gid_map", f"{ids[1]} {ids[1]} 1")):
            Path("/proc/self", file).write_text(line)
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(text)
            f.flush()
            os.chmod(f.name, 0o644)
            if wc.libc.mount(f.name.encode(), os.path.realpath(path).encode(), None, 4096, None) != 0:  # MS_BIND
                return "nothing can be mounted here"
            return function()
    result = wc.in_child(child, timeout=30)
    if isinstance(result, str):
        pytest.skip(result)
    return result


BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.parametrize("control", ["", "machine-authorities"])
@pytest.mark.parametrize("way", ["at its address", "by a proxy"])
def test_an_authority_that_was_added_to_the_machine_does_not_count_by_itself(usual, way, control):
    """mkcert, Caddy and mitmproxy add theirs, and its key is a file of the user's."""
    if not os.path.isdir("/usr/share/ca-certificates/mozilla"):
        pytest.skip("this distribution does not have its authorities by themselves")
    bundle = Path(BUNDLE).read_text() + usual[0].read_text()

    def post():
        with Provider(tls=server_context(*usual)) as p, Proxy() as proxy:
            more = {} if way == "at its address" else {"proxy": f"http://127.0.0.1:{proxy.port}"}
            with Relay(p.url, env={"CCRUN_WITHOUT": control}, **more) as relay:
                answer = relay.post()
            with Relay(p.url, files=[("ca", usual[0].read_bytes())], **more) as relay:
                named = relay.post().status
            return answer.status, answer.data.decode(), named, len(p.requests)
    status, text, named, requests = with_file(BUNDLE, bundle, post)
    assert named == 200
    if control:
        assert (status, requests) == (200, 2)
        return
    assert (status, requests) == (400, 1)
    assert "added to this machine does not count by itself: NODE_EXTRA_CA_CERTS=FILE" in text


@pytest.mark.parametrize("name", ["gpu.local", "GPU.Local."])
def test_a_name_of_multicast_dns_without_tls_is_refused(name):
    """Any program can have avahi publish it; an entry may be sealed for one since before a file could not say it."""
    with Provider() as p:
        def post():
            with Relay(f"http://{name}:{p.port}") as relay:
                ended = relay.wait("end")
                relay.said()
                return ended
        assert with_file("/etc/hosts", "127.0.0.1 gpu.local\n", post) == {"op": "end"}
        assert not p.connections


def own_address():
    """One of this machine's that is not loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return s.getsockname()[0]


def test_an_address_of_this_machine_without_tls_gets_no_key(tmp_path):
    """NetworkManager gives a machine a server's address for any program of who is logged in there."""
    address = own_address()
    if not address or address.startswith("127."):
        pytest.skip("this machine has loopback alone")
    with Provider(host=address) as p, Relay(p.url) as relay:
        failing(relay, "an address of this machine's own", "http://127.0.0.1")
        assert not p.requests
    mine = certificate(tmp_path, f"IP:{address}")
    with Provider(host=address, tls=server_context(*mine)) as p, Relay(p.url, files=[("ca", mine[0].read_bytes())]) as relay:
        assert relay.post().status == 200


def test_a_name_without_tls_has_no_ipv6_address():
    """Whatever else a name resolves to, the key does not go there; a server there is written by its address."""
    with Provider() as p, beside(p.port) as other:
        def post():
            with Relay(f"http://gw.test:{p.port}") as relay:
                return relay.post().status
        assert with_file("/etc/hosts", "::1 gw.test\n127.0.0.1 gw.test\n", post) == 200
        assert len(p.requests) == 1
        nobody_connected(other)


def test_a_port_that_nobody_listens_on():
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    with Relay(f"http://127.0.0.1:{port}") as relay:
        failing(relay, f"127.0.0.1:{port}", status=502)
        failing(relay, status=502)
        used = relay.wait("use", 2)
        assert (used["status"], used["billed"], used["complete"]) == (0, False, False)


def test_a_name_that_does_not_exist():
    with Relay("https://does-not-exist.invalid/") as relay:
        failing(relay, "does-not-exist.invalid", status=502)
