"""Raw bytes at the local gateway's socket: each connection is answered, none is the last one."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.asgi import Front
from infra.local.listening import listen
from tests.builders.apis import FakeApis
from tests.builders.front import InProcessGateway

BODY_SECONDS = 1.0
MOST_SECONDS = 20.0
LIST = b"GET /v1/popular HTTP/1.1\r\nhost: api\r\n"
POST = b"POST /v1/events HTTP/1.1\r\nhost: api\r\ncontent-type: application/json\r\n"
EVENT = (
    b'{"events":[{"user_id":"u1","item_id":"m1","event_type":"view","timestamp":1790000000000}]}'
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the gateway answers; behind it handlers of this process."""
    listener = listen(0, "the HTTP API", "--api-port")
    with InProcessGateway(FakeApis().handlers, BODY_SECONDS) as inner:
        front = Front([(inner.gateway, listener)])
        front.start()
        yield listener.getsockname()[1]
        assert front.death() is None
        front.stop()
        front.join()
    listener.close()


def talk(port: int, said: bytes, *, end: bool = False) -> list[tuple[int, bytes]]:
    """Statuses and bodies that come back; the socket's own limit is what a hang would meet."""
    with socket.create_connection(("127.0.0.1", port), MOST_SECONDS) as connection:
        try:
            connection.sendall(said)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # Refused before everything was sent; the answer is there to read.
        return answers(connection)


def answers(connection: socket.socket) -> list[tuple[int, bytes]]:
    found = []
    reader = connection.makefile("rb")
    try:
        while line := reader.readline():
            status, length, closes = int(line.split()[1]), 0, False
            while (header := reader.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                closes |= header.lower().strip() == b"connection: close"
            if status == 100:
                continue
            found.append((status, reader.read(length)))
            if closes:
                break
    except ConnectionResetError:
        assert found, "closed without an answer"
    return found


def closing(head: bytes) -> bytes:
    return head + b"connection: close\r\n\r\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (closing(LIST), 200),
        (closing(LIST + b"x-bytes: \x80\xff\r\n"), 200),
        (closing(LIST + b"x-same: v\r\n" * 300), 200),
        (closing(LIST + b"!#$%&'*+-.^_`|~: v\r\n"), 200),
        (closing(LIST + b"upgrade: websocket\r\nconnection: upgrade\r\n"), 200),
        (closing(LIST + b"expect: 100-continue\r\n"), 200),
        (closing(b"GET /v1/popular HTTP/1.1\r\nhost: [::1]:80\r\n"), 200),
        (closing(b"GET http://else.where/v1/popular HTTP/1.1\r\nhost: api\r\n"), 404),
        (closing(b"OPTIONS * HTTP/1.1\r\nhost: api\r\n"), 404),
        (closing(b"HEAD /v1/popular HTTP/1.1\r\nhost: api\r\n"), 404),
        (closing(b"BREW /v1/popular HTTP/1.1\r\nhost: api\r\n"), 404),
        (closing(b"CONNECT else.where:443 HTTP/1.1\r\nhost: api\r\n"), 404),
        (closing(b"GET /v1/users/a%0Ab/recommendations HTTP/1.1\r\nhost: api\r\n"), 400),
        (closing(b"GET /v1/users/a%zzb%/recommendations HTTP/1.1\r\nhost: api\r\n"), 200),
        (closing(b"GET /%00%0A%FF HTTP/1.1\r\nhost: api\r\n"), 404),
        (closing(b"GET /v1/popular?num_results=1&num_results=2 HTTP/1.1\r\nhost: api\r\n"), 400),
        (closing(b"GET /v1/popular?" + b"a" * 11_000 + b" HTTP/1.1\r\nhost: api\r\n"), 431),
        (closing(LIST + b"x-long: " + b"v" * 11_000 + b"\r\n"), 431),
        (closing(LIST + b"".join(b"x-%d: v\r\n" % n for n in range(2_000))), 431),
        (closing(LIST + b"x-long: " + b"v" * 200_000 + b"\r\n"), 400),
        (closing(LIST + b"x-\0: v\r\n"), 400),
        (closing(LIST + b"x y: v\r\n"), 400),
        (closing(LIST + b"x: a\0b\r\n"), 400),
        (closing(LIST + b": v\r\n"), 400),
        (closing(b"GET /v1/popular\xff HTTP/1.1\r\nhost: api\r\n"), 400),
        (closing(b"GET /v1/pop\0ular HTTP/1.1\r\nhost: api\r\n"), 400),
        (closing(b"GET /v1/popular HTTP/9.9\r\nhost: api\r\n"), 200),
        (closing(b"GET /v1/popular HTTP/1.1\r\n"), 400),
        (b"\0\1\2\3\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (closing(POST + b"content-length: %d\r\n" % len(EVENT)) + EVENT, 202),
        (closing(POST + b"transfer-encoding: chunked\r\n") + chunk(EVENT) + chunk(b""), 202),
        (closing(POST + b"content-length: 4\r\n") + b"\xff\xff\xff\xff", 400),
        (closing(POST + b"content-length: 1200000\r\n") + b" " * 1_200_000, 400),
        (closing(POST), 400),
        (closing(POST + b"content-length: -1\r\n"), 400),
        (closing(POST + b"content-length: x\r\n"), 400),
        (closing(POST + b"content-length: " + b"9" * 5_000 + b"\r\n"), 400),
        (closing(POST + b"content-length: 4\r\ncontent-length: 5\r\n") + b"12345", 400),
        (closing(POST + b"content-length: 99999999\r\n"), 413),
        (closing(POST + b"content-length: 7340032\r\n") + b" " * 7_340_032, 413),
        (closing(POST + b"content-length: 11534336\r\n") + b" " * 11_534_336, 413),
        (closing(POST + b"transfer-encoding: chunked\r\n") + chunk(b" " * 11_534_336), 413),
        (closing(POST + b"transfer-encoding: chunked\r\n") + b"zz\r\n", 400),
        (closing(POST + b"transfer-encoding: gzip, chunked\r\n"), 400),
    ],
    ids=lambda value: None if isinstance(value, int) else str(value[:50] + value[50:][-40:]),
)
def test_every_request_gets_its_answer_and_the_next_one_too(
    port: int, said: bytes, status: int
) -> None:
    found = talk(port, said)
    assert [code for code, _ in found] == [status]
    if status not in (200, 202):
        assert_refused(found[0][1])
    assert talk(port, closing(LIST))[0][0] == 200


def assert_refused(body: bytes) -> None:
    """A problem document of the function, the gateway's message, or the server's line."""
    if body.startswith(b"{"):
        said = json.loads(body)
        assert said.get("field") or said["message"]
    else:
        assert body in (b"", b"Invalid HTTP request received.")


def test_a_body_that_stops_half_way_does_not_wait_for_ever(port: int) -> None:
    half = POST + b"content-length: 1000\r\n\r\n" + EVENT
    ((status, body),) = talk(port, half)
    assert (status, json.loads(body)) == (408, {"message": "Request Timeout"})


def test_a_client_that_leaves_half_way_harms_nobody(port: int) -> None:
    for said in (b"GET /v1/pop", LIST, POST + b"content-length: 1000\r\n\r\n{", b"\r\n"):
        with socket.create_connection(("127.0.0.1", port), MOST_SECONDS) as connection:
            connection.sendall(said)
    assert talk(port, closing(LIST))[0][0] == 200


def test_requests_in_one_breath_are_answered_in_order(port: int) -> None:
    bad = b"GET /v1/popular?limit=1 HTTP/1.1\r\nhost: api\r\n\r\n"
    found = talk(port, (LIST + b"\r\n" + bad) * 20 + closing(LIST))
    assert [status for status, _ in found] == [200, 400] * 20 + [200]


def test_many_at_once_are_all_answered(port: int) -> None:
    # Others keep their connections open and say nothing.
    idle = [socket.create_connection(("127.0.0.1", port), MOST_SECONDS) for _ in range(50)]
    with ThreadPoolExecutor(32) as clients:
        flood = closing(LIST + b"x-flood: v\r\n" * 500)
        found = list(clients.map(lambda _: talk(port, flood), range(200)))
    for connection in idle:
        connection.close()
    assert [status for ((status, _),) in found] == [200] * 200
