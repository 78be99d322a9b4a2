# SPDX-License-Identifier: Apache-2.0
"""Two processes and one connection that does what the test says: it streams small messages, or it talks.

Every frame is hashed at both ends; each answer is the digest of all that the server has read, so that a byte that is
lost, doubled or moved shows at the next one. A frame is a letter, a length, and so many bytes:
  m  a message      p  the server pauses for a second      a  asks for the digest      s  asks for a stream the other way: "count size"
"""
import hashlib, os, struct, sys, time
import nb

HEAD = struct.Struct("=cI")
DIGEST = 32


def frame(letter, body=b""):
    return HEAD.pack(letter, len(body)) + body


def pause(per_second):
    if per_second:
        time.sleep(1 / per_second)


def serve(s):
    seen, buffer = hashlib.sha256(), bytearray()
    while some := nb.recv_some(s):
        buffer += some
        at = 0
        while len(buffer) - at >= HEAD.size:
            letter, length = HEAD.unpack_from(buffer, at)
            end = at + HEAD.size + length
            if end > len(buffer):
                break
            body = bytes(buffer[at + HEAD.size:end])
            seen.update(body)
            at = end
            if letter == b"p":
                time.sleep(1)
            elif letter == b"a":
                nb.send_all(s, seen.digest())
            elif letter == b"s":
                count, size = map(int, body.split())
                sent = hashlib.sha256()
                for number in range(count):
                    message = number.to_bytes(8, "little").ljust(size, b"x")[:size]
                    sent.update(message)
                    nb.send_all(s, message)
                nb.send_all(s, sent.digest())
        del buffer[:at]


class Client:
    def __init__(self, s):
        self.s, self.sent = s, hashlib.sha256()

    def send(self, letter, body=b""):
        self.sent.update(body)
        nb.send_all(self.s, frame(letter, body))

    def ask(self, size):
        self.send(b"a", nb.RANDOM.randbytes(size))
        nb.same(nb.recv_exactly(self.s, DIGEST), self.sent.digest(), "what the server has read")

    def talk(self, seconds, size=100, per_second=0):
        until, turns = time.monotonic() + seconds, 0
        while time.monotonic() < until and not nb.spoken():
            self.ask(size)
            turns += 1
            pause(per_second)
        return turns

    def stream(self, seconds, size=64, per_second=0):
        until, messages = time.monotonic() + seconds, 0
        while time.monotonic() < until and (messages % 32 or not nb.spoken()):
            self.send(b"m", nb.RANDOM.randbytes(size))
            messages += 1
            pause(per_second)
        self.ask(8)
        return messages

    def flood(self, seconds, size=64):
        """A stream to a reader that does not read at first."""
        self.send(b"p")
        return self.stream(seconds, size)

    def drink(self, count, size=64):
        """A stream from the server."""
        self.send(b"s", b"%d %d" % (count, size))
        got = hashlib.sha256(nb.recv_exactly(self.s, count * size))
        nb.same(nb.recv_exactly(self.s, DIGEST), got.digest(), "what the server has streamed")
        return count


listener = nb.listen()
if os.fork() == 0:
    serve(nb.accept(listener))
    os._exit(0)
client = Client(nb.connect(listener.getsockname()))
listener.close()
if nb.option("nagle", False):
    client.s.setsockopt(6, 1, 0)
nb.report(port=client.s.getsockname()[1])
while (words := nb.word().split()) and words[0] != "quit":
    how = {"talk": client.talk, "stream": client.stream, "flood": client.flood, "drink": client.drink}[words[0]]
    nb.report(did=words[0], times=how(*map(float if words[0] != "drink" else int, words[1:2]), *map(int, words[2:])))
client.s.close()
os.wait()
