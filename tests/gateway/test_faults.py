"""How bugs are described in logs."""

from __future__ import annotations

from afterword.faults import describe_fault


def fault(error: Exception, cause: Exception | None = None) -> Exception:
    """An exception that has been raised."""
    try:
        raise error from cause
    except Exception as raised:
        return raised


def test_the_kind_and_the_place_are_told() -> None:
    told = describe_fault(fault(KeyError("a private word")))
    assert "test_faults.py" in told
    assert told.endswith("KeyError")


def test_what_an_exception_quotes_is_not_told() -> None:
    for error in (KeyError("private"), ValueError("private"), UnicodeEncodeError("utf-8", "private", 0, 1, "private")):
        assert "private" not in describe_fault(fault(error))
        assert "private" not in describe_fault(fault(error), outspoken=True)
    assert "private" not in describe_fault(fault(TypeError(), ValueError("private")), outspoken=True)
    assert "private" not in describe_fault(fault(OSError("private")))


def test_code_that_holds_no_text_may_tell_what_the_system_says() -> None:
    assert describe_fault(fault(OSError("disk full")), outspoken=True).endswith("OSError: disk full")
    assert describe_fault(fault(RuntimeError("out of memory")), outspoken=True).endswith("RuntimeError: out of memory")
    assert describe_fault(fault(TypeError(), KeyError())).endswith("TypeError, caused by KeyError")
