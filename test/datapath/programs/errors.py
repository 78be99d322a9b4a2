# SPDX-License-Identifier: Apache-2.0
"""How each end of a connection learns of the other's end. The test compares this with the same run on plain TCP."""
import select, socket, struct, time
import nb

RESET = struct.pack("ii", 1, 0)


def ready():
    client, server = nb.pair()
    nb.warm(client, server)
    return client, server


def outcome_of_reads(s):
    """How many bytes, then which end: 'EOF' or the name of an error."""
    got = 0
    while True:
        nb.wait(s, select.POLLIN, 5)
        try:
            some = s.recv(65536)
        except OSError as error:
            return [got, nb.error_of(lambda: (_ for _ in ()).throw(error))]
        if not some:
            return [got, "EOF"]
        got += len(some)


def outcome_of_writes(s):
    """The error that ends a row of sends."""
    for _ in range(300):
        error = nb.error_of(lambda: s.send(b"x" * 100))
        if error and error != "EAGAIN":
            return error
        time.sleep(0.001)
    return "none"


def reset_after_read():
    a, b = ready()
    a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    a.close()
    return [outcome_of_reads(b), outcome_of_writes(b)]


def reset_with_bytes_on_the_way():
    a, b = ready()
    nb.send_all(a, b"z" * 5000)
    a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    a.close()
    return [outcome_of_reads(b), outcome_of_writes(b)]


def send_to_closed():
    a, b = ready()
    a.close()
    return outcome_of_writes(b)


def send_to_closed_after_reading_the_end():
    a, b = ready()
    a.close()
    return [outcome_of_reads(b), outcome_of_writes(b)]


def send_to_one_that_ended_both_ways():
    a, b = ready()
    a.shutdown(socket.SHUT_RDWR)
    return [outcome_of_reads(b), outcome_of_writes(b), outcome_of_reads(a)[1]]


def end_of_reading():
    a, b = ready()
    a.shutdown(socket.SHUT_RD)
    first = nb.error_of(lambda: b.send(b"x" * 100))
    time.sleep(0.02)
    second = nb.error_of(lambda: b.send(b"x" * 100))
    time.sleep(0.02)
    nb.send_all(a, b"still")
    return [first, second, nb.recv_exactly(b, 5).decode(), nb.poll(a, select.POLLIN, 1) & select.POLLIN]


def last_bytes_before_close():
    a, b = ready()
    nb.send_all(a, b"last" * 1000)
    a.close()
    return outcome_of_reads(b)


def both_close_at_once():
    a, b = ready()
    a.shutdown(socket.SHUT_WR)
    b.shutdown(socket.SHUT_WR)
    return [outcome_of_reads(a), outcome_of_reads(b), outcome_of_writes(a)]


CASES = [reset_after_read, reset_with_bytes_on_the_way, send_to_closed, send_to_closed_after_reading_the_end,
         send_to_one_that_ended_both_ways, end_of_reading, last_bytes_before_close, both_close_at_once]
nb.report(**{case.__name__: case() for case in CASES})
