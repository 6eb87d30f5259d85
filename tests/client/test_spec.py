"""The table of what people type (spec/): that its checks (tools/spec) see what they are for."""
import importlib.machinery
import importlib.util

import pytest

from built import REPO, SHIPPED
from ccrun import CCCTL


@pytest.fixture(scope="module")
def spec():
    loader = importlib.machinery.SourceFileLoader("spec_tool", str(REPO / "tools/spec"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("spec_tool", loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table(spec):
    return spec.Table(str(SHIPPED / "obj/generated/spec"))


@pytest.mark.parametrize("text, complaint", [
    ("ccctl unlock", None),
    ("ccctl unlok", "no verb unlok"),
    ("run ccctl add %s --replace, then", None),
    ("run ccctl add %s --replase, then", "no --replase"),
    ("ccctl status -q || ccctl unlock", None),
    ("ccctl status -x", "no -x"),
    ("ccctl slot list shows them", None),
    ("ccctl slot remove it", "no remove"),
    ("ccctl slot rm ID", "ID is no placeholder"),
    ("ccctl manages the keys", None),
    ("ccrun -n %s shows it", None),
    ("ccrun --nokey zai", "no --nokey"),
    ("ccrun zai --resume ID", None),
    ("setpriv --regid ccrun --clear-groups", None),
])
def test_a_command_in_a_message_is_one_that_is_there(spec, table, text, complaint):
    said = []
    spec.command_check(table, "a file", text, said.append)
    assert (len(said) == 0) if complaint is None else (len(said) == 1 and complaint in said[0]), said


@pytest.mark.parametrize("form, lines", [
    ("[-q] [--json]", [".Op Fl q", ".Op Fl -json"]),
    ("[--source REFERENCE [--no-check]]... NAME[:MODE]",
     [".Oo Fl -source Ar reference Oo Fl -no-check Oc Oc Ns ...", ".Ar name Ns Oo : Ns Ar mode Oc"]),
    ("add [--by provider|model] KIND", [".Cm add", ".Op Fl -by Cm provider | model", ".Ar kind"]),
    ("[SETTING=VALUE ...]", [".Op Ar setting Ns = Ns Ar value ..."]),
])
def test_a_form_becomes_a_synopsis(spec, form, lines):
    assert spec.mdoc_form(form) == lines


def test_a_form_without_its_row_is_refused(spec, table):
    said = []
    table.forms["ccctl", "lock"].append("[--now] WHAT")
    try:
        spec.forms_check(table, said.append)
    finally:
        table.forms["ccctl", "lock"].pop()
    assert len(said) == 2 and "--now" in said[0] and "WHAT" in said[1], said


def test_each_verb_takes_the_options_of_its_row(c, table):
    """And no other: an option that the table has is never unknown, one that it lacks always."""
    for verb in table.verbs:
        if verb in ("help", "complete"):
            continue
        for names, argument, _ in table.options.get(("ccctl", verb), []):
            for name in names:
                words = [name] + (["x"] if argument and argument[0] != "[" else [])
                r = c.run([CCCTL, verb, *words, "--no-such-option"])
                unknown = [line for line in r.err.splitlines() if "is unknown here" in line]
                assert r.rc == 2 and unknown in ([], ["ccctl: option --no-such-option is unknown here"]), (verb, r)
                assert unknown or argument, (verb, name, r)


def test_help_fits_a_terminal(c, table):
    for words in [["--help"]] + [["help", v] for v in table.verbs]:
        r = c.run([CCCTL, *words])
        assert r.rc == 0 and not [line for line in r.out.splitlines() if len(line) > 80 or line.endswith(" ")], r
    for verb, what in table.verbs.items():
        out = c.run([CCCTL, "help", verb]).out
        for names, _, word in table.options.get(("ccctl", verb), []):
            # One of another program of ours has no word.
            assert (names[0] in out) == bool(what and word) or not word, (verb, names)
