"""Bytes that are no HTTP, or broken HTTP, against the service as it really listens: a Chinese sentence or a closed
connection for each, no traceback, nothing repeated from what was sent, and the next person is served as before."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from core.db import Database
from core.secrets import Secrets
from recordings.store.folder import FolderStore
from web.bundle import Bundle
from web.parts import Parts
from web.service import WebService
from web.settings import WebSettings

BUNDLE = Bundle({name: name for name in ("desk.js", "player.js", "live-worker.js", "style.css")})
ANSWER_S = 30.0

HOST = b"Host: localhost\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
POST = b"POST /sign-in HTTP/1.1\r\n" + HOST + FORM
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

WIRE: dict[str, tuple[bytes, int, str]] = {
    "another protocol": (b"INVITE sip:12345@x SIP/2.0\r\n\r\n", 400, "无法读取"),
    "no request line": (b"\x00\x01\x02\x03\r\n\r\n", 400, "无法读取"),
    "a method with a space": (b"GE T / HTTP/1.1\r\n" + HOST + b"\r\n", 400, "无法读取"),
    "a version that is none": (b"GET / HTTP/9.9z\r\n" + HOST + b"\r\n", 400, "无法读取"),
    "a header without a colon": (b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n", 400, "无法读取"),
    "a header name with a space": (b"GET / HTTP/1.1\r\n" + HOST + b"Bad Name: x\r\n\r\n", 400, "无法读取"),
    "NUL in a header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n", 400, "无法读取"),
    "a header of a megabyte": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", 400, "过长"),
    "an address of a megabyte": (b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400, "过长"),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b", 400, "无法读取"),
    "a length that is text": (POST + b"Content-Length: many\r\n\r\n", 400, "无法读取"),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400, "无法读取"),
    "length and chunks": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "无法读取"),
    "a chunk size that is none": (CHUNKED + b"zz\r\na=b\r\n0\r\n\r\n", 400, "无法读取"),
    "a chunk longer than it says": (CHUNKED + b"1\r\nabc\r\n0\r\n\r\n", 400, "无法读取"),
    "chunks without end of size": (CHUNKED + b"5" * 10_000 + b"\r\n", 400, ""),
    "chunks of 300 KB": (CHUNKED + b"49400\r\n" + b"a" * 0x49400 + b"\r\n0\r\n\r\n", 413, "过大"),
    "gzip that is none": (POST + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\na=b", 415, "不受支持"),
    "an expectation": (POST + b"Expect: 200-maybe\r\nContent-Length: 3\r\n\r\na=b", 417, "不受支持"),
    "an absolute address elsewhere": (b"GET http://evil.example/x HTTP/1.1\r\n" + HOST + b"\r\n", 404, "没有这个页面"),
    "a tunnel": (b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 404, "没有这个页面"),
}


@pytest.fixture
async def address(db: Database, home: Path, unused_tcp_port: int) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """The service on its port, and a context that trusts it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    (home / "tls").mkdir()
    certificate.cert_chain_pems[0].write_to_path(home / "tls" / "server.pem")
    certificate.private_key_pem.write_to_path(home / "tls" / "server.key")
    store = FolderStore(home / "archive")
    settings = WebSettings(port=unused_tcp_port)
    service = WebService(Parts(db, settings, Secrets(home / "secrets"), BUNDLE, home, "弋阳12345", store))
    await service.start()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    try:
        yield unused_tcp_port, trusting
    finally:
        await service.stop()


async def say(where: tuple[int, ssl.SSLContext], sent: bytes) -> bytes:
    """Everything that comes back until the service closes or has answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", where[0], ssl=where[1], server_hostname="127.0.0.1")
    try:
        writer.write(sent)
        async with asyncio.timeout(ANSWER_S):
            head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        async with asyncio.timeout(ANSWER_S):
            return head + await reader.readexactly(length)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("name", list(WIRE))
async def test_broken_http_gets_a_sentence(address: tuple[int, ssl.SSLContext], name: str) -> None:
    sent, status, sentence = WIRE[name]
    answer = await say(address, sent)
    text = answer.decode("utf-8")
    assert re.match(rf"HTTP/1\.[01] {status} ", text), text
    assert sentence in text
    for sign in ("Traceback", "aiohttp", "Python", "nonsense", "a" * 50):
        assert sign not in text
    well = await say(address, b"GET /sign-in HTTP/1.1\r\n" + HOST + b"Accept: text/html\r\n\r\n")
    assert well.startswith(b"HTTP/1.1 200 ")
