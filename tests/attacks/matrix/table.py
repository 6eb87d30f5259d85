"""The table: what came out, beside what is kept as expected (shown.py)."""
import json
import os
from pathlib import Path

from columns import COLUMNS
from shown import EXPECTED, LETTERS, RANK, UNTRIED, Kept
from techniques import GIVEN, KINDS, TECHNIQUES

NAMES = [c.name for c in COLUMNS]
WIDE = max(len(t.id) for t in TECHNIQUES)


def write_json(path, value):
    Path(path).write_text(json.dumps(value, default=str))


def in_order():
    return [t for kind in KINDS for t in TECHNIQUES if t.kind == kind]


def renewed(found, kept):
    """What is kept from now on: what was found; of what depends on luck, the worse; and what was
    found elsewhere, where it was skipped."""
    cells = {}
    for column in NAMES:
        cells[column] = {}
        for t in TECHNIQUES:
            old, new = kept.letter(column, t.id), found.get(column, {}).get(t.id, "?")
            lucky = t.racy and old in RANK and new in RANK and RANK.index(old) > RANK.index(new)
            if new == "?" or (new == "s" and old != "?") or lucky:
                new = old
            cells[column][t.id] = new
    return cells


def write_expected(cells):
    lines = ["# What comes of each attack; made by tests/attacks/matrix/run.py --renew, shown by shown.py.",
             "columns " + " ".join(NAMES)]
    for t in in_order():
        what = f"{t.what} ({t.known})" if t.known else t.what
        lines.append(f"{t.kind:9} {t.id:{WIDE}}  " + "  ".join(cells[n][t.id] for n in NAMES) + f"  {what}")
    EXPECTED.write_text("\n".join(lines) + "\n")


def compare(found, kept):
    """The cells that are worse than what is kept, better, and not stated there: lines."""
    worse, better, new = [], [], []
    for column, letters in found.items():
        for name, letter in letters.items():
            old = kept.letter(column, name)
            line = f"{column} {name}: {letter} ({LETTERS[letter]}), kept is {old}"
            if letter == old:
                continue
            if letter == "?" or old == "?" or (old in UNTRIED and letter not in "-" + UNTRIED):
                new.append(line)
            elif letter in RANK and old in RANK and RANK.index(letter) > RANK.index(old):
                worse.append(line)
            elif not luck(name) and letter not in UNTRIED:
                better.append(line)
    return worse, better, new


def luck(name):
    return any(t.racy for t in TECHNIQUES if t.id == name)


def reads(found):
    """{column: what is read there by no choice of the person's}."""
    given = {t.id for t in TECHNIQUES if t.kind == GIVEN}
    return {column: [name for name, letter in letters.items() if letter == "R" and name not in given]
            for column, letters in found.items()}


def show(found):
    """The table as people read it; the columns that were run."""
    columns = [n for n in NAMES if n in found]
    text = "".join(f"{' ' * (WIDE + 2)}{'|  ' * i}{n}\n" for i, n in enumerate(columns))
    kind = None
    for t in in_order():
        letters = [found[n].get(t.id) for n in columns]
        if not any(letters):
            continue
        text, kind = text + (f"{t.kind}\n" if t.kind != kind else ""), t.kind
        text += f"{t.id:{WIDE}}  " + "  ".join(x or " " for x in letters) + f"  {t.what}\n"
    return text


def report(found, notes, renew=False):
    """Print it; the exit code."""
    kept = Kept()
    print(show(found))
    for note in notes:
        print(note)
    if renew:
        write_expected(renewed(found, kept))
        print(f"kept: {os.path.relpath(EXPECTED)}; now: make docs")
    worse, better, new = compare(found, Kept())
    read = reads(found)
    print("reads: " + ", ".join(f"{column} {len(names)}" for column, names in read.items()))
    never = [f"{column} {name}" for column, names in read.items() if "relay" in column for name in names]
    bad = [("the key or the passphrase is read, by relay:", never), ("worse than what is kept:", worse),
           ("not stated in what is kept:", new)]
    for title, lines in [*bad, ("better than what is kept (make attack ARGS=--renew):", better)]:
        if lines:
            print(title)
            print("\n".join("    " + line for line in lines))
    return 1 if any(lines for _, lines in bad) else 0
