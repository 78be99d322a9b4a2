# SPDX-License-Identifier: Apache-2.0
"""Packets that begin before the place that their receiver has got to, as a sender makes them that sends again and joins
what has arrived with what has not. They are made by hand, in the name of a client that is really there."""
import socket, struct
import nb

SYN, FIN, PUSH, ACK = 2, 1, 8, 16
HERE = socket.inet_aton("127.0.0.1")
DATA = nb.pattern(120_000)
cut = 0


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Wire:
    """Sees the handshake of the next connection to a listener, and then sends for its client."""

    def __init__(self, listener):
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.raw.settimeout(nb.SECONDS)
        self.raw.bind(("127.0.0.1", 0))
        self.server = listener.getsockname()[1]

    def learn(self):
        while True:
            packet = self.raw.recv(65536)
            source, self.client, sequence, acknowledged, _, flags = struct.unpack_from("!HHIIBB", packet, 20)
            if source == self.server and flags == SYN | ACK:
                self.first, self.acknowledged = acknowledged, sequence + 1
                return self

    def send(self, start, end, flags=PUSH | ACK, had=0):
        """DATA[start:end], of which `had` bytes are there already."""
        global cut
        cut += had
        body = DATA[start:end]
        fields = [self.client, self.server, (self.first + start) % 2**32, self.acknowledged, 5 << 4, flags, 65535, 0, 0]
        header = struct.pack("!HHIIBBHHH", *fields)
        fields[7] = checksum(HERE + HERE + struct.pack("!HH", 6, len(header + body)) + header + body)
        self.raw.sendto(struct.pack("!HHIIBBHHH", *fields) + body, ("127.0.0.1", 0))


def expect(server, data, what):
    nb.same(nb.recv_exactly(server, len(data)), data, what)
    nb.check(nb.peeked(server) == 0, f"{what}: more than was sent")


listener = nb.listen()
wire = Wire(listener)
client = nb.connect(listener.getsockname())
server = nb.accept(listener)
wire.learn()
nb.warm(client, server)

wire.send(0, 1000)
wire.send(500, 2000, had=500)
wire.send(1000, 2000)
nb.check(not nb.option("counts", True) or nb.unread(server) == 2000, "FIONREAD")
nb.check(nb.peeked(server) == 2000, "a peek")
expect(server, DATA[:2000], "behind what waits")
wire.send(1500, 3000, had=500)
nb.same(nb.recv_exactly(server, 100), DATA[2000:2100], "when everything was read")
wire.send(2000, 4000, had=1000)
expect(server, DATA[2100:4000], "behind what is half read")

cut += 4000
nb.send_all(client, DATA[:5000])
expect(server, DATA[4000:5000], "what the client sends itself")
nb.send_all(client, b"r" * 100)
wire.send(4900, 6000, had=100)
expect(server, b"r" * 100 + DATA[5000:6000], "behind what went around TCP")

wire.send(6000, 26_000)
wire.send(7000, 46_000, had=19_000)
expect(server, DATA[6000:46_000], "many pages of it")

wire.send(50_000, 51_000)
wire.send(48_000, 50_500)
wire.send(45_000, 49_000, had=1000)
cut += 1000 + 500
expect(server, DATA[46_000:51_000], "out of order")

wire.send(50_000, 52_000, flags=FIN | PUSH | ACK, had=1000)
nb.same(nb.recv_to_end(server), DATA[51_000:52_000], "with the end of the stream")

client = nb.connect(listener.getsockname())
wire.learn()
wire.send(0, 1000)
wire.send(500, 2000, had=500)
wire.send(1500, 3000, had=500)
server = nb.accept(listener)
expect(server, DATA[:3000], "before accept")
nb.report(cut=cut)
