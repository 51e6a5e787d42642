"""Carries connections from one address to another, on either side of a container's wall.

Run as a plain file inside containers: it imports nothing but the standard library. Usage:
``python forwarder.py LISTEN=TARGET...``, each ``unix:PATH`` or ``tcp:HOST:PORT``. It says
``ready`` once all of them listen, and ends when its standard input does: whoever started it,
however that ended, leaves nothing behind.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable

__all__ = ["main"]

_CHUNK = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _connect(address: str) -> Streams:
    kind, _, rest = address.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(rest)
    host, _, port = rest.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _listen(address: str, connected: Connected) -> asyncio.Server:
    kind, _, rest = address.partition(":")
    if kind == "unix":
        server = await asyncio.start_unix_server(connected, rest)
        # Nobody but the one whose containers they are.
        os.chmod(rest, 0o600)
        return server
    host, _, port = rest.rpartition(":")
    return await asyncio.start_server(connected, host, int(port))


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        # One side is done; the other may still have an answer to give.
        sink.write_eof()


def _towards(target: str) -> Connected:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            theirs, ours = await _connect(target)
        except OSError:
            # Nobody there: the caller sees the connection end, as it would without us.
            writer.close()
            return
        try:
            await asyncio.gather(_carry(reader, ours), _carry(theirs, writer))
        finally:
            ours.close()
            writer.close()

    return connected


async def _until_input_ends() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look() -> None:
        if not os.read(0, _CHUNK):
            loop.remove_reader(0)
            ended.set()

    loop.add_reader(0, look)
    await ended.wait()


async def _forward(pairs: list[str]) -> None:
    for pair in pairs:
        address, _, target = pair.partition("=")
        await _listen(address, _towards(target))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await _until_input_ends()


def main() -> None:
    """Forwards what the arguments say until the input ends."""
    asyncio.run(_forward(sys.argv[1:]))


if __name__ == "__main__":
    main()
