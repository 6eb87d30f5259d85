"""A program on a terminal of its own, and a person who answers it.

    p = talk(c, CCCTL, "unlock")
    answer(p, "Passphrase for your vault: ", PASSPHRASE)
    said = done(p)
"""
import pexpect


def talk(world, *argv, env=None):
    """Start argv on a terminal in a world (client.py)."""
    argv = world.argv([str(word) for word in argv])
    p = pexpect.spawn(argv[0], argv[1:], env=world.env(env), cwd=str(world.cwd), timeout=30, encoding="utf-8")
    p.delaybeforesend = None
    return p


def answer(p, prompt, text, echo=False):
    """Wait for the prompt, a pattern, and until nothing that is typed is shown (echo: do not);
    then type the text.  What was written before the prompt."""
    p.expect(prompt)
    before = p.before
    if not echo:
        assert p.waitnoecho(10), "the terminal echoes"
    p.sendline(text)
    return before


CODE = r"[0-9A-Z]{5}(?:-[0-9A-Z]{5}){5}"


def written_down(p):
    """The recovery code that is shown; then Enter, as its page asks for."""
    p.expect(CODE)
    code = p.after
    answer(p, "Press Enter", "")
    return code


def ended(p):
    """What it still writes, and its exit status."""
    p.expect(pexpect.EOF)
    p.close()
    return p.before, p.exitstatus


def done(p, status=0):
    """It ends with this status; what it still writes."""
    said, code = ended(p)
    assert code == status, said
    return said
