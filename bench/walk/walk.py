"""What one keystroke, or one cancel, passes: the calls that both processes recorded, and how long the way is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function: `depth` functions of the program are on the stack, itself included."""

    thread: str
    file: str
    function: str
    depth: int


@dataclass(frozen=True, slots=True)
class Walk:
    """What was called, by process, in order. Comprehensions and lambdas count as functions, as in CPython 3.11."""

    gateway: list[Call]
    worker: list[Call]

    @property
    def calls(self) -> list[Call]:
        """Of both processes."""
        return [*self.gateway, *self.worker]

    @property
    def functions(self) -> int:
        """How many different functions."""
        return len({(call.file, call.function) for call in self.calls})

    @property
    def files(self) -> list[str]:
        """In which files, in the order in which they are reached."""
        return list(dict.fromkeys(call.file for call in self.calls))

    @property
    def gateway_files(self) -> list[str]:
        """Those of the gateway's process."""
        return list(dict.fromkeys(call.file for call in self.gateway))

    @property
    def gateway_depth(self) -> int:
        """The deepest stack in the gateway."""
        return max((call.depth for call in self.gateway), default=0)
