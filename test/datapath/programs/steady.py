"""New connections all the time, `wide` at once, until told to stop by a line on standard input. Each must be answered.

Options: port, host, wide, http (ask for /), pause (seconds between two of one lane), timeout. Reports {"ready"} and then the totals:
{"answered", "refused", "reset", "silent"}.
"""
import asyncio, json, sys

options = {"port": 8080, "host": "127.0.0.1", "wide": 8, "pause": 0.002, "timeout": 8, "http": False}
options.update(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
totals = {"answered": 0, "refused": 0, "reset": 0, "silent": 0}


async def converse():
    reader, writer = await asyncio.open_connection(options["host"], options["port"])
    try:
        if options["http"]:
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
        totals["answered" if await reader.read(100) else "reset"] += 1
    finally:
        writer.close()


async def lane(stopped):
    while not stopped.is_set():
        try:
            await asyncio.wait_for(converse(), options["timeout"])
        except asyncio.TimeoutError:
            totals["silent"] += 1
        except ConnectionRefusedError:
            totals["refused"] += 1
        except OSError:
            totals["reset"] += 1
        await asyncio.sleep(options["pause"])


async def main():
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stopped.set)
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.gather(*(lane(stopped) for _ in range(options["wide"])))
    print(json.dumps(totals), flush=True)


asyncio.run(main())
