"""Completions in this process, without a server: `python local.py`."""

import asyncio

from afterword.local import BlockingCompleter, Completer


async def main() -> None:
    async with Completer("builtin") as completer:
        async for piece in completer.complete("Once upon a time", max_tokens=40, stop="sentence"):
            print(piece, end="", flush=True)
        print()


asyncio.run(main())

with BlockingCompleter("builtin") as completer:  # for programs without asyncio
    print("".join(completer.complete("The capital of France is", stop="sentence")))
