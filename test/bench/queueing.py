# SPDX-License-Identifier: Apache-2.0
"""Workers that serve one connection at a time, and an open stream of clients.

  queueing.py server '{"workers", "port", "host", "shared", "factor"}'   each has a listener of its own, or all accept from one
      ("shared"), and takes "factor" times as long as it is asked to; prints {"pids"}; a line on standard input ends it
  queueing.py client '{"host", "port", "perSecond", "seconds", "heavyShare", "lightMs", "heavyMs", "seed", "timeout"}'
      connections at random moments, whatever became of the earlier ones; each says how long it takes to serve
      prints {"all", "light": {"count", "p50", "p99"} in ms, "failed", "overdue"}
A worker sleeps while it serves, so that the number of processors does not matter.
"""
import asyncio, json, os, random, signal, socket, sys, time

role, options = sys.argv[1], {"host": "127.0.0.1", "factor": 1, **json.loads(sys.argv[2])}


def listener():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if not options.get("shared"):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((options["host"], options["port"]))
    s.listen(4096)
    return s


def work(s):
    while True:
        client, _ = s.accept()
        try:
            time.sleep(int(client.recv(16)) / 1000 * options["factor"])
            client.send(b"!")
        except (OSError, ValueError):
            pass
        client.close()


def serve():
    shared = listener() if options.get("shared") else None
    pids = []
    for _ in range(options["workers"]):
        ready, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            s = shared or listener()
            os.write(told, b"r")
            work(s)
        os.read(ready, 1)
        os.close(ready)
        os.close(told)
        pids.append(pid)
    if shared:
        shared.close()
    print(json.dumps({"pids": pids}), flush=True)
    sys.stdin.readline()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def spread(values):
    values = sorted(values)
    at = lambda part: round(values[min(len(values) - 1, int(len(values) * part))], 1) if values else None
    return {"count": len(values), "p50": at(0.5), "p99": at(0.99)}


async def ask(ms, late, failed):
    began = time.monotonic()
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(options["host"], options["port"]), options["timeout"])
        writer.write(str(ms).encode())
        if not await asyncio.wait_for(reader.read(1), options["timeout"]):
            failed.append("closed")
        writer.close()
        late.append(((time.monotonic() - began) * 1000, ms))
    except asyncio.TimeoutError:
        failed.append("overdue")
    except OSError as error:
        failed.append(type(error).__name__)


async def stream():
    chance, late, failed, tasks = random.Random(options["seed"]), [], [], []
    due, end = time.monotonic(), time.monotonic() + options["seconds"]
    while due < end:
        due += chance.expovariate(options["perSecond"])
        ms = options["heavyMs"] if chance.random() < options["heavyShare"] else options["lightMs"]
        await asyncio.sleep(max(0, due - time.monotonic()))
        tasks.append(asyncio.create_task(ask(ms, late, failed)))
    await asyncio.gather(*tasks)
    light = [took for took, ms in late if ms == options["lightMs"]]
    print(json.dumps({"all": spread([took for took, _ in late]), "light": spread(light),
                      "overdue": failed.count("overdue"), "failed": len(failed) - failed.count("overdue")}), flush=True)


if role == "server":
    serve()
else:
    asyncio.run(stream())
