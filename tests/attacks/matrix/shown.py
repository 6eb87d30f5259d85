#!/usr/bin/python3
"""What is kept of the attacks, and how docs/THREATS.md shows it: shown.py prints that.

expected.txt has a line for each technique: its kind, its name, a letter for each column,
and what it does.  Only the standard library is needed here, because make lint reads it."""
import textwrap
from pathlib import Path

EXPECTED = Path(__file__).resolve().parent / "expected.txt"
# From best to worst.
RANK = "-muxdpcR"
LETTERS = {
    "-": "nothing",
    "m": "it goes on, or runs in the next session, with the mark: the broker refuses it",
    "u": "requests with the key to the sealed address, within its limit, on record",
    "x": "requests that nobody allowed: to another path, or over the limit",
    "d": "the person's use, or the lock at suspend, is stopped until something is mended",
    "p": "it goes on outside of any session, as the person does",
    "c": "the conversation goes elsewhere",
    "R": "the key or the passphrase, or twelve characters of it, is read",
    ".": "makes no sense there",
    "s": "skipped: what it needs cannot be started there",
    "?": "was not tried",
}
UNTRIED = ".s?"
PLAIN = "plain"


class Kept:
    """columns: names; rows: (kind, name, what) in order; cells[column][name]: a letter."""

    def __init__(self, path=EXPECTED):
        self.columns, self.rows, self.cells = [], [], {}
        for line in path.read_text().splitlines() if path.exists() else ():
            words = line.split()
            if not words or line.startswith("#"):
                continue
            if words[0] == "columns":
                self.columns = words[1:]
                self.cells = {name: {} for name in self.columns}
                continue
            kind, name, *rest = words
            self.rows.append((kind, name, " ".join(rest[len(self.columns):])))
            for column, letter in zip(self.columns, rest):
                self.cells[column][name] = letter

    def letter(self, column, name):
        return self.cells.get(column, {}).get(name, "?")

    def letters(self, name, columns):
        return [self.letter(c, name) for c in columns]


HEAD = """{n} attacks, each tried from the Bash tool, a hook, an MCP server, the status line and a daemon
of an earlier session, or in a session after which the person goes on. Nothing came of {stopped} of them
in any column of ccrun's ({kinds}); [expected.txt](../tests/attacks/matrix/expected.txt) has a line for
each. These came to something; `given` is what a person or a provider hands over themselves:
"""


def filled(text):
    return "\n".join(textwrap.wrap(text, 100, break_on_hyphens=False, break_long_words=False)) + "\n"


def head(kept, nothing):
    kinds = [k for k, name, _ in kept.rows if name in nothing]
    counts = ", ".join(f"{kinds.count(k)} to {k}" for k in dict.fromkeys(kinds) if k != "given")
    return filled(HEAD.format(n=len(kept.rows), stopped=len(nothing), kinds=counts))


def table(kept, columns, names):
    """Those of which something does."""
    wide = max(len(name) for _, name, _ in kept.rows)
    text = "".join(f"{' ' * (wide + 2)}{'|  ' * i}{column}\n" for i, column in enumerate(columns))
    last = None
    for kind, name, what in kept.rows:
        if name in names:
            text, last = text + (f"{kind}\n" if kind != last else ""), kind
            text += f"{name:{wide}}  " + "  ".join(kept.letters(name, columns)) + f"  {what}\n"
    return text


def documented():
    """The text for docs/THREATS.md."""
    kept = Kept()
    columns = [c for c in kept.columns if any(v != "?" for v in kept.cells[c].values())]
    ours = [c for c in columns if c != PLAIN]
    # What was tried nowhere is not among these: its row says so.
    nothing = {name for _, name, _ in kept.rows
               if "-" in kept.letters(name, ours) and set(kept.letters(name, ours)) <= set("-" + UNTRIED)}
    rest = {name for _, name, _ in kept.rows} - nothing
    used = {x for _, name, _ in kept.rows for x in kept.letters(name, columns)}
    legend = [f"`{x}`: {LETTERS[x]}" for x in LETTERS if x in used]
    return (head(kept, nothing) + "\n```\n" + table(kept, columns, rest) + "```\n\n" +
            filled("; ".join(legend) + "."))


if __name__ == "__main__":
    print(documented(), end="")
