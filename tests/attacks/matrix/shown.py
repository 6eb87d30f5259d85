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
    "d": "the person's use is stopped until something is mended",
    "p": "it goes on outside of any session, as the person does",
    "c": "the conversation goes elsewhere",
    "R": "the key or the passphrase, or twelve characters of it, is read",
    ".": "makes no sense there",
    "?": "was not tried",
}
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


def documented():
    """The text for docs/THREATS.md."""
    kept = Kept()
    tried = [c for c in kept.columns if any(v != "?" for v in kept.cells[c].values())]
    ours = [c for c in tried if c != PLAIN]
    still = {name for _, name, _ in kept.rows if set(kept.letters(name, ours)) <= set("-.")}
    text = (f"{len(kept.rows)} attacks, each tried from the Bash tool, a hook, an MCP server, the status line and a daemon\n"
            "of an earlier session, or in a session after which the person goes on. Nothing came of these, in any\ncolumn:\n\n")
    for kind in dict.fromkeys(k for k, _, _ in kept.rows):
        names = [name for k, name, _ in kept.rows if k == kind and name in still]
        if names:
            text += "\n".join(textwrap.wrap(f"- **{kind}**: " + ", ".join(names) + ".", 100, subsequent_indent="  ",
                                            break_on_hyphens=False)) + "\n"
    text += "\nAnd these came to something:\n\n```\n"
    wide = max(len(name) for _, name, _ in kept.rows)
    for i, column in enumerate(tried):
        text += f"{' ' * (wide + 2)}{'|  ' * i}{column}\n"
    last = None
    for kind, name, what in kept.rows:
        if name in still:
            continue
        if kind != last:
            text, last = text + f"{kind}\n", kind
        text += f"{name:{wide}}  " + "  ".join(kept.letters(name, tried)) + f"  {what}\n"
    used = {x for _, name, _ in kept.rows for x in kept.letters(name, tried)}
    return text + "```\n\n" + "\n".join(f"`{x}` {LETTERS[x]}" + ("." if x == [y for y in LETTERS if y in used][-1] else ";")
                                        for x in LETTERS if x in used) + "\n"


if __name__ == "__main__":
    print(documented(), end="")
