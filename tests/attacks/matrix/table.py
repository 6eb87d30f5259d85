"""The table: what came out, what is kept as expected, and how both are shown."""
import json
import os
import sys
from pathlib import Path

from columns import COLUMNS
from judge import LETTERS, RANK
from techniques import KINDS, TECHNIQUES

EXPECTED = Path(__file__).resolve().parent / "expected.txt"
NAMES = [c.name for c in COLUMNS]


def write_json(path, value):
    Path(path).write_text(json.dumps(value, default=str))


def read_expected():
    """{column: {technique: letter}}"""
    found = {name: {} for name in NAMES}
    for line in EXPECTED.read_text().splitlines() if EXPECTED.exists() else ():
        words = line.split()
        if line.startswith("#") or not words:
            continue
        for name, letter in zip(NAMES, words[1:]):
            found[name][words[0]] = letter
    return found


def lines_of(cells):
    """A line for each technique; cells: {column: {technique: letter}}."""
    wide = max(len(t.id) for t in TECHNIQUES)
    for kind in KINDS:
        for t in TECHNIQUES:
            if t.kind == kind:
                yield t, f"{t.id:{wide}}  " + "  ".join(cells[n].get(t.id, "?") for n in NAMES)


def write_expected(cells):
    head = "# technique, then a letter for each of: " + " ".join(NAMES) + "\n# Made by tests/attacks/matrix/run.py --renew.\n"
    EXPECTED.write_text(head + "".join(line + "\n" for _, line in lines_of(cells)))


def compare(found, expected):
    """The cells that are worse than what is kept, better, and not stated there: lines."""
    worse, better, new = [], [], []
    for column, letters in found.items():
        for name, letter in letters.items():
            kept = expected[column].get(name, "?")
            line = f"{column} {name}: {letter} ({LETTERS[letter]}), kept is {kept}"
            if letter == kept:
                continue
            if kept not in RANK:
                new.append(line)
            elif letter in RANK and RANK.index(letter) > RANK.index(kept):
                worse.append(line)
            else:
                better.append(line)
    return worse, better, new


def show(cells):
    """The table as people read it."""
    kind, wide = None, max(len(t.id) for t in TECHNIQUES)
    heads = [f"{' ' * (wide + 2)}{'user':12}{'system':12}", f"{' ' * (wide + 2)}" + "  ".join(
        "B" if c.name == "bare" else c.delivery[0] + "+" * (c.confine == "on") or "" for c in COLUMNS)]
    text = "\n".join(heads) + "\n"
    for t, line in lines_of(cells):
        if t.kind != kind:
            kind = t.kind
            text += f"{kind}\n"
        text += f"{line}  {t.what}\n"
    return text


def report(found, notes, renew=False):
    """Print it; the exit code."""
    expected = read_expected()
    merged = {n: {**expected[n], **found.get(n, {})} for n in NAMES}
    print(show({n: found.get(n, {}) for n in NAMES}))
    for note in notes:
        print(note)
    if renew:
        write_expected(merged)
        print(f"kept: {os.path.relpath(EXPECTED)}")
        return 0
    worse, better, new = compare(found, expected)
    for title, lines in (("worse than what is kept:", worse), ("not stated in what is kept:", new),
                         ("better than what is kept (make attack ARGS=--renew):", better)):
        if lines:
            print(title)
            print("\n".join("    " + line for line in lines))
    return 1 if worse or new else 0


if __name__ == "__main__":
    sys.stdout.write(show(read_expected()))
