"""Ghost text with the Python client: `python client.py [URL]`."""

import asyncio
import sys

from afterword.client import connect

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8765/v1"


async def main() -> None:
    async with connect(URL) as client:
        document = await client.open("letter", "Thank you for your letter. I was", after="")
        document.type(" very")
        suggestion = document.suggest(max_tokens=24, stop="sentence")
        async for piece in suggestion:
            print(piece, end="", flush=True)
        print(f"   [{(await suggestion.done()).reason}]")
        taken = document.accept("word")  # or "phrase", "sentence", "all", or a number of characters
        print(f"took {taken!r}, {document.ghost!r} is still ahead")


asyncio.run(main())
