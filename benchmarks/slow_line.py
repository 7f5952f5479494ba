"""A line with a long way: a proxy on loopback that holds all bytes back for a while.

    python -m benchmarks.slow_line PORT SECONDS

Prints its own port. What is sent needs half of the seconds in each direction, however
much it is: the line is long, not narrow.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

HOST = "127.0.0.1"
COMMANDS = 50


@contextlib.contextmanager
def slow_line(port: int, seconds: float) -> Iterator[int]:
    """The port of a line to `port` whose round trip takes so long."""
    command = [sys.executable, "-m", "benchmarks.slow_line", str(port), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=10)


def round_trip(port: int) -> float:
    """Seconds of one over the line, as a command without any work takes them.

    The line's clock is coarse: it holds bytes back a little longer than it should.
    """
    with smtplib.SMTP(HOST, port) as connection:
        times = []
        for _command in range(COMMANDS):
            began = time.monotonic()
            connection.noop()
            times.append(time.monotonic() - began)
    return statistics.median(times)


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Each piece leaves at its own time after it came."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue()

    async def deliver() -> None:
        while True:
            moment, data = await pieces.get()
            await asyncio.sleep(max(0.0, moment - loop.time()))
            if not data:
                break
            writer.write(data)
        writer.close()

    delivery = loop.create_task(deliver())
    data = b"-"
    while data:
        with contextlib.suppress(OSError):
            data = await reader.read(65536)
        await pieces.put((loop.time() + seconds, data))
    await delivery


async def serve(port: int, seconds: float) -> None:
    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, port)
        await asyncio.gather(
            carry(reader, far_writer, seconds / 2),
            carry(far_reader, writer, seconds / 2),
        )

    server = await asyncio.start_server(connected, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
