# Traffic of every kind that the dashboards show, until stdin ends: connections that stay and exchange messages, short ones,
# some through a virtual address, to two listeners that share one port. Arguments: {"port": P, "vip": A, "vipPort": P}.
import asyncio
import json
import sys

arguments = json.loads(sys.argv[1])
counts = {"messages": 0, "short": 0, "wrong": 0}


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def exchange(address, rounds, pause):
    reader, writer = await asyncio.open_connection(*address)
    for number in range(rounds):
        sent = bytes([number % 256]) * 1000
        writer.write(sent)
        counts["wrong"] += await reader.readexactly(len(sent)) != sent
        counts["messages"] += 1
        await asyncio.sleep(pause)
    writer.close()


async def short(address):
    while True:
        await exchange(address, 2, 0)
        counts["short"] += 1
        await asyncio.sleep(0.05)


async def main():
    direct, virtual = ("127.0.0.1", arguments["port"]), (arguments["vip"], arguments["vipPort"])
    servers = [await asyncio.start_server(echo, *direct, reuse_port=True) for _ in range(2)]
    tasks = [asyncio.create_task(exchange(direct, 1_000_000, 0.01)) for _ in range(4)]
    # The agent may still be starting: nobody answers at the virtual address before it does.
    print(json.dumps({"listening": len(servers)}), flush=True)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.readline)
    tasks += [asyncio.create_task(short(address)) for address in (direct, virtual)]
    await loop.run_in_executor(None, sys.stdin.read)
    failed = [str(task.exception()) for task in tasks if task.done()]
    print(json.dumps({**counts, "failed": failed}), flush=True)


asyncio.run(main())
