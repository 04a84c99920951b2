"""The whole conversation, with nothing but a WebSocket library: `python plain.py [URL]`."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8765/v1"


async def main() -> None:
    async with connect(URL, subprotocols=["afterword.v1"]) as socket:

        async def send(**message: object) -> None:
            await socket.send(json.dumps(message))

        await send(type="hello")
        await send(type="open", doc="letter", rev=1, before="The old lighthouse stood at the", after="")
        await send(type="edit", doc="letter", rev=2, insert=" end of the")
        await send(type="suggest", doc="letter", id=1, rev=2)
        async for frame in socket:
            message = json.loads(frame)
            if message["type"] == "token":
                print(message["text"], end="", flush=True)
            elif message["type"] == "done":
                print(f"\n[{message['reason']}; {message['usage']['reused']} tokens were known already]")
                break


asyncio.run(main())
