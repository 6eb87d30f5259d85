"""`open` and the image of a program: what is granted, what is asked about, what is refused, and where
it is kept."""
import signal

import pytest

import canary
import vault_reader
import wire_client as wc
from wire_client import in_child, mark

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
ONE, TWO = "1" * 64, "2" * 64
NESTED = "delivery=auto nested=allow strict=no exposed=no"


def image(digest="", **more):
    return {"name": "claude", "path": "/home/u/.local/bin/claude", "file": "/home/u/claude/versions/2.1.330",
            "owner": 1000, "identity": "66:1:381121040:1764374400.1", "digest": digest, **more}


def script(digest="", **more):
    return image(digest, **{"interpreter": "/usr/bin/node", "interpreter_file": "/usr/bin/node18",
                            "interpreter_owner": 0, **more})


def opened(b, one, entry="zai", **more):
    with b.connect() as c:
        return c.call("open", **wc.open_fields(entry, roots="", image=[one], **more))


def refused(b, one, entry="zai", **more):
    with b.connect() as c:
        return c.error("open", **wc.open_fields(entry, roots="", image=[one], **more))


def images(b):
    return vault_reader.open_vault(b.vault.read_bytes(), b.key)["images"]


def test_the_first_is_kept_when_its_digest_is_said(broker):
    with broker.connect() as c:
        answer = c.call("open", **wc.open_fields(image=[image()]))
        assert answer["granted"] is False and answer["image"] == "new" and "was" not in answer, answer
        assert "session" not in answer and images(broker) == []
        # nothing was opened: this connection can
        assert c.call("open", **wc.open_fields(image=[image(ONE)]))["granted"] is True
    assert images(broker) == [image(ONE)]
    assert vault_reader.inspect(broker.vault.read_bytes())["version"] == 5
    assert opened(broker, image())["granted"] is True
    lines = [e for e in broker.lines() if e["event"] in ("image", "open")]
    assert [e["event"] for e in lines] == ["image", "open", "open"]
    assert lines[0]["why"] == f"new, BLAKE2b-256 {ONE}" and lines[0]["image"] == image()["file"], lines
    assert lines[0]["entries"] == "claude" and lines[0]["result"] == "granted", lines


@pytest.mark.parametrize("how", [{"identity": "66:2:3:4.5"}, {"file": "/home/u/claude/versions/2.1.331"}])
@pytest.mark.parametrize("kind", [image, script])
def test_an_update(broker, kind, how):
    opened(broker, kind(ONE))
    answer = opened(broker, kind(**how))
    assert answer["granted"] is False and answer["image"] == "updated" and answer["was"] == [kind(ONE)], answer
    assert images(broker) == [kind(ONE)]
    assert opened(broker, kind(TWO, **how))["granted"] is True
    assert images(broker) == [kind(TWO, **how)]


PROGRAM, NODE = "/home/u/.local/bin/claude", "/usr/bin/node"
MOVED = f"claude was {PROGRAM} at its last launch, and now is /home/u/bin/claude"
LED = f"{PROGRAM} led to /home/u/claude/versions/2.1.330 at its last launch, and now to /home/u/claude/"
CHANGED = {
    "path": (image, image(path="/home/u/bin/claude"), MOVED),
    "owner": (image, image(owner=0), f"{PROGRAM} was uid 1000's at its last launch, and is uid 0's"),
    "directory": (image, image(file="/home/u/claude/2.1.331"), LED + "2.1.331"),
    "directory below": (image, image(file="/home/u/claude/versions/2/1"), LED + "versions/2/1"),
    "a script": (image, script(), f"claude was a program at its last launch, and now is a script: {PROGRAM}"),
    "a program": (script, image(), f"claude was a script at its last launch, and now is a program: {PROGRAM}"),
    "the script's path": (script, script(path="/home/u/bin/claude"), MOVED),
    "the interpreter's path": (script, script(interpreter="/home/u/bin/node"),
                               f"claude was run by {NODE} at its last launch, and now is run by /home/u/bin/node"),
    "the interpreter's directory": (script, script(interpreter_file="/opt/node"),
                                    f"{NODE} led to /usr/bin/node18 at its last launch, and now to /opt/node"),
    "the interpreter's owner": (script, script(interpreter_owner=1000),
                                f"{NODE} was uid 0's at its last launch, and is uid 1000's"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_another_program(broker, case):
    """However it says which files these are: the place decides."""
    kind, other, words = CHANGED[case]
    opened(broker, kind(ONE))
    answer = opened(broker, other)
    assert answer["granted"] is False and answer["image"] == "changed" and answer["was"] == [kind(ONE)], answer
    for digest in (ONE, TWO):
        with broker.connect() as c:
            said = c.ask("open", **wc.open_fields(roots="", image=[{**other, "digest": digest}]))
        assert (said["error"], said["message"]) == ("image", words)
        assert refused(broker, {**other, "digest": digest}, agreed=False) == "image"
    # agreed without a digest is no word about these files
    assert opened(broker, other, agreed=True)["granted"] is False
    assert images(broker) == [kind(ONE)]
    assert [e["result"] for e in broker.lines() if e["event"] == "open"][1:] == ["image"] * 4
    assert opened(broker, {**other, "digest": TWO}, agreed=True)["granted"] is True
    assert images(broker) == [{**other, "digest": TWO}]
    assert refused(broker, kind(ONE)) == "image"


def test_names_are_told_apart_and_entries_are_not(broker):
    broker.put("other", TOKEN)
    opened(broker, image(ONE))
    assert opened(broker, image(), entry="other")["granted"] is True
    assert opened(broker, image(name="wrapper"))["image"] == "new"


def test_what_a_session_starts_is_not_compared_and_keeps_nothing(broker):
    broker.put("nested", TOKEN, NESTED)
    opened(broker, image(ONE), entry="nested")
    other = script(TWO, path="/tmp/claude")
    answer = in_child(lambda: [mark(), opened(broker, other, entry="nested", agreed=True)][1])
    assert answer["granted"] is True and images(broker) == [image(ONE)]
    assert in_child(lambda: [mark(), broker.error("image", name="claude"),
                             broker.error("image-forget", name="claude")][1:]) == ["marked"] * 2


def test_what_shows_a_sessions_ticket_is_not_compared_by_relay_alone(broker):
    broker.put("nested", TOKEN, NESTED)
    with broker.connect() as c:
        ticket = c.open("nested", delivery="relay")["ticket"]
        assert opened(broker, image(), entry="nested", delivery="relay", ticket=ticket)["granted"] is True
        assert opened(broker, image(), entry="nested", ticket=ticket)["image"] == "new"
    assert images(broker) == []


BAD = [("wrong-type", []), ("wrong-type", [{"name": "claude"}]), ("wrong-type", "claude"),
       ("wrong-type", [image(owner="me")]), ("bad-value", [image(name="bin/claude")]), ("bad-value", [image(name="")]),
       ("bad-value", [image(path="bin/claude")]), ("bad-value", [image(file="")]),
       ("bad-value", [image(path="/bin\x1b/claude")]), ("bad-value", [image(identity="")]),
       ("bad-value", [image(identity="66:x")]), ("bad-value", [image("1" * 63)]), ("bad-value", [image("A" * 64)]),
       ("bad-value", [script(interpreter="node")]), ("too-large", [image(path="/" + "x" * 1024)]),
       ("too-large", [image(identity="1" * 321)])]


@pytest.mark.parametrize("i", range(len(BAD)))
def test_what_is_no_image(broker, i):
    error, value = BAD[i]
    with broker.connect() as c:
        assert c.error("open", **wc.open_fields(image=value)) == error
    assert images(broker) == []


def test_the_longest(broker):
    long = script(ONE, name="n" * 64, path="/" + "p" * 1023, file="/" + "f" * 1023, interpreter="/" + "i" * 1023,
                  interpreter_file="/" + "j" * 1023, identity="1" * 320, owner=2**64 - 1)
    for i in range(9):
        assert opened(broker, {**long, "name": f"{i}" + "n" * 63})["granted"] is True
    assert [one["name"][0] for one in images(broker)] == list("12345678")


def test_a_killed_broker_has_it_on_the_disk(broker):
    opened(broker, image(ONE))
    broker.stop(signal.SIGKILL, check=False)
    broker.start()
    broker.unlock()
    assert opened(broker, image())["granted"] is True
    assert refused(broker, image(TWO, path="/home/u/bin/claude")) == "image"


def test_kept_entries_are_compared_and_it_lasts_until_the_unlock(broker):
    """Without the vault key nothing can be written."""
    broker.put("spared", TOKEN, wc.POLICY + " keep=yes")
    opened(broker, image(ONE), entry="spared")
    broker.call("lock", why="screen")
    assert opened(broker, image(), entry="spared")["granted"] is True
    moved = image(TWO, path="/home/u/bin/claude")
    assert refused(broker, moved, entry="spared") == "image"
    assert opened(broker, moved, entry="spared", agreed=True)["granted"] is True
    assert opened(broker, moved, entry="spared")["granted"] is True
    broker.unlock()
    assert opened(broker, image(), entry="spared")["granted"] is True


def test_forgetting_is_a_persons_act(broker):
    opened(broker, image(ONE))
    assert broker.call("image", name="claude")["image"] == [image(ONE)]
    assert "image" not in broker.call("image", name="other")
    broker.person = None
    assert broker.error("image-forget", name="claude") == "person"
    assert images(broker) == [image(ONE)]
    broker.person = wc.Person(1, broker.key)
    assert broker.error("image-forget", name="other") == "no-entry"
    broker.call("image-forget", name="claude")
    assert images(broker) == [] and vault_reader.inspect(broker.vault.read_bytes())["version"] == 2
    assert opened(broker, script())["image"] == "new"


def test_a_disk_that_takes_nothing(broker):
    """What cannot be kept is not started: else the next launch would take it for a first one again."""
    broker.data.chmod(0o500)
    try:
        assert refused(broker, image(ONE)) == "system"
    finally:
        broker.data.chmod(0o700)
    assert opened(broker, image())["image"] == "new"
