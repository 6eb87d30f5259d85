"""The short form of make fuzz-protocol: several clients, in any order, against the model of what
PROTOCOL.md grants; and that it can fail: with a control switched off it finds what that held."""
import pytest

import protocol_model
from protocol_machine import run


def test_the_broker_does_what_the_page_says():
    run(seed=1, sequences=40, length=40)


@pytest.mark.parametrize("control, says", [("mark", "must be refused.*marked"), ("nested", "was granted, and must be refused"),
                                           ("claim-deadline", "a key long after the launch")])
def test_it_can_fail(control, says):
    with pytest.raises(AssertionError, match=says):
        run(seed=1, sequences=80, length=60, without=(control,), shrink=False)


def test_each_request_is_in_the_model():
    """Or it is named here, and has tests of its own alone."""
    elsewhere = {"source-wait"}
    there = {op for op in protocol_model.TABLE if hasattr(protocol_model.Model, "op_" + op.replace("-", "_"))}
    assert there | elsewhere == set(protocol_model.TABLE) and not there & elsewhere
