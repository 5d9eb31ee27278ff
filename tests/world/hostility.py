"""THE TABLE of what a service and a network can do to one question, each with the outcome it must get.

`FAILURES` are told apart by sentence; `ODDITIES` are answers that must be taken in although something in them is wrong.
Owns conducts only; knows no exporter but its vocabulary. Whatever could carry something private does.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from exporter.model import Outcome

from ..hostile import Conduct, Visit, answer, saying, then
from .secrets import CHAT, GROUP, PHONE, TEXT, TOKEN
from .service import row

MAX_BODY = 16 * 2**20
ASKED = 1_790_000_020
"""When the question of a failure is asked, in Unix seconds."""
SAMPLES = Path(__file__).parents[1] / "samples"
_GOSSIP = json.dumps({"message": f"{CHAT} {PHONE} {GROUP} {TEXT} {TOKEN}"}, ensure_ascii=False).encode()
_QUOTA = json.dumps(
    json.loads((SAMPLES / "error_466_quota.json").read_text()) | {"correspondentsStatus": {"description": PHONE}}
).encode()


@dataclass(frozen=True, slots=True)
class Failure:
    """What happens, what it must be called, and for how many seconds the instance is then left alone."""

    sentence: str
    conduct: Conduct
    outcome: Outcome
    pause: float = 10.0


@dataclass(frozen=True, slots=True)
class Oddity:
    """An answer, how many of its rows are usable, and why the others are not."""

    sentence: str
    body: bytes
    usable: int
    rejected: str = ""


def _status(status: int, outcome: Outcome, pause: float = 10.0, body: bytes = _GOSSIP, **headers: str) -> Failure:
    words = "".join(f" with {name.replace('_', '-')} {value}" for name, value in headers.items())
    return Failure(f"HTTP {status}{words}", saying(answer(body, status, **headers)), outcome, pause)


def _body(sentence: str, body: bytes, outcome: Outcome = Outcome.MALFORMED, **headers: str) -> Failure:
    return Failure(f"200 with {sentence}", saying(answer(body, 200, **headers)), outcome)


def _network(sentence: str, conduct: Conduct) -> Failure:
    return Failure(sentence, conduct, Outcome.NETWORK)


def _timeout(sentence: str, conduct: Conduct) -> Failure:
    return Failure(sentence, then(conduct, Visit.hang), Outcome.TIMEOUT)


async def _echo(visit: Visit) -> None:
    await visit.say(visit.head)
    visit.finish()


async def _echo_in_a_header(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nbroken header " + visit.target.encode() + b"\r\n\r\n")
    visit.finish()


async def _echo_as_reason(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 500 " + visit.target.encode() + b"\r\nContent-Length: 0\r\n\r\n")


async def _echo_as_chunk(visit: Visit) -> None:
    await visit.say(_CHUNKED + visit.target.encode() + b"\r\n")
    visit.finish()


async def _redirect_to_itself(visit: Visit) -> None:
    await visit.say(answer(b"", 307, Location=visit.target))


async def _headers_without_end(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\n")
    while not visit.over:
        await visit.say(b"X-More: and more\r\n" * 100)


async def _header_line_without_end(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nX-More: ")
    while not visit.over:
        await visit.say(b"and more " * 1000)


async def _body_without_end(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\n\r\n[")
    while not visit.over:
        await visit.say(b"[]," * 20_000)


async def _drip(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        await visit.say(b"[")
        await asyncio.sleep(0)


_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_ROW = json.dumps(row("A", 1_790_000_000), ensure_ascii=False).encode()
_ROWS = b"[" + _ROW + b"]"
_HALF = answer(_ROWS)[:-100]
_BOMB = gzip.compress(bytes(64 * 2**20), 9)

FAILURES = (
    _status(400, Outcome.BAD_REQUEST),
    _status(401, Outcome.UNAUTHORIZED, 60),
    _status(403, Outcome.FORBIDDEN, 60),
    _status(404, Outcome.NOT_FOUND, 60, (SAMPLES / "error_404_nginx.html").read_bytes(), Content_Type="text/html"),
    _status(429, Outcome.RATE_LIMITED, 2, b""),
    _status(429, Outcome.RATE_LIMITED, 30, Retry_After="30"),
    _status(429, Outcome.RATE_LIMITED, 2, Retry_After="0"),
    _status(429, Outcome.RATE_LIMITED, 2, Retry_After="-1"),
    _status(429, Outcome.RATE_LIMITED, 2, Retry_After="soon"),
    _status(429, Outcome.RATE_LIMITED, 2, Retry_After="1e309"),
    _status(429, Outcome.RATE_LIMITED, 3600, Retry_After="99999999999999999999"),
    _status(429, Outcome.RATE_LIMITED, 40, Retry_After=formatdate(ASKED + 40, usegmt=True)),
    _status(429, Outcome.RATE_LIMITED, 2, Retry_After=formatdate(0, usegmt=True)),
    _status(429, Outcome.RATE_LIMITED, 3600, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"),
    _status(429, Outcome.RATE_LIMITED, 2, Retry_After="Fri, 99 Dec 99999 23:59:59 GMT"),
    _status(466, Outcome.QUOTA_EXCEEDED, 3600, _QUOTA),
    *(_status(status, Outcome.HTTP_OTHER) for status in (300, 418, 469, 499, 600, 999)),
    _status(204, Outcome.HTTP_OTHER, body=b""),
    *(_status(status, Outcome.SERVER_ERROR) for status in (500, 502, 503, 504)),
    _status(503, Outcome.SERVER_ERROR, 120, Retry_After="120"),
    _body("status false", b'{"status":false,"reason":"' + PHONE.encode() + b'"}', Outcome.REFUSED),
    _body("null", b"null"),
    _body("nothing in it", b""),
    _body("blanks only", b" \r\n\t "),
    _body("HTML", b"<!doctype html><title>Welcome " + CHAT.encode() + b"</title>"),
    _body("a number", b"79005550123"),
    _body("a text", json.dumps(TEXT).encode()),
    _body("true", b"true"),
    _body("an object", _ROW),
    _body("a deep nest", b"[" * 100_000 + b"]" * 100_000),
    _body("10 million brackets", b"[" * 10_000_000),
    _body("a deep nest of objects", b'[{"a":' * 50_000 + b"1" + b"}]" * 50_000),
    _body("NaN", b'[{"idMessage":"A","timestamp":NaN}]'),
    _body("Infinity", b'[{"idMessage":"A","timestamp":1790000000,"x":Infinity}]'),
    _body("a stray comma", (SAMPLES / "whatsapp_docs_2021_trailing_comma.txt").read_bytes()),
    _body("half of an array", _ROWS[:-20]),
    _body("two arrays", _ROWS + _ROWS),
    _body("bytes that are not UTF-8", _ROWS.replace(b"4711", b"\xff\xfe\xfa\xfb")),
    _body("UTF-16", _ROWS.decode().encode("utf-16")),
    _body("what is not the gzip it says it is", _ROWS, Outcome.NETWORK, Content_Encoding="gzip"),
    _body("half of a gzip", gzip.compress(_ROWS * 50)[:-40], Content_Encoding="gzip"),
    _body("a gzip bomb", _BOMB, Outcome.TOO_LARGE, Content_Encoding="gzip"),
    _body("more than the cap, as it says itself", b"[", Outcome.TOO_LARGE, Content_Length=str(MAX_BODY + 1)),
    Failure("200 with a body without end", _body_without_end, Outcome.TOO_LARGE),
    _network("a body cut short", then(saying(_HALF), Visit.finish)),
    _network("headers without end", _headers_without_end),
    _network("a header line without end", _header_line_without_end),
    _network("a chunk whose size is no number", then(saying(_CHUNKED + b"order 4711\r\n"), Visit.finish)),
    _network("chunks that end too early", then(saying(_CHUNKED + b"5\r\n[null"), Visit.finish)),
    _network("another protocol", then(saying(b"SSH-2.0-OpenSSH_9.2\r\n"), Visit.finish)),
    _network("an echo of the question", _echo),
    _network("the question echoed in a broken header", _echo_in_a_header),
    _network("the question echoed where a chunk's size belongs", _echo_as_chunk),
    Failure("the question echoed as the reason of a 500", _echo_as_reason, Outcome.SERVER_ERROR),
    _network("a close instead of an answer", then(saying(), Visit.finish)),
    _network("a reset instead of an answer", then(saying(), Visit.reset)),
    _network("a reset within the status line", then(saying(b"HTTP/1.1 2"), Visit.reset)),
    _network("a reset within the headers", then(saying(b"HTTP/1.1 200 OK\r\nContent-"), Visit.reset)),
    _network("a reset after the headers", then(saying(_HALF.partition(b"[")[0]), Visit.reset)),
    _network("a reset within the body", then(saying(_HALF), Visit.reset)),
    _network("a reset between two chunks", then(saying(_CHUNKED + b"5\r\n[null\r\n"), Visit.reset)),
    _timeout("silence", saying()),
    _timeout("silence within the status line", saying(b"HTTP/1.1 2")),
    _timeout("silence within the headers", saying(b"HTTP/1.1 200 OK\r\nContent-")),
    _timeout("silence instead of a body", saying(_HALF.partition(b"[")[0])),
    _timeout("silence within the body", saying(_HALF)),
    _timeout("silence between two chunks", saying(_CHUNKED + b"5\r\n[null\r\n")),
    _timeout("silence within a chunk", saying(_CHUNKED + b"ff\r\n[null")),
    _timeout("a body byte by byte", _drip),
    Failure("a redirect to its own address", _redirect_to_itself, Outcome.HTTP_OTHER),
)


def _rows(**wrong: object) -> bytes:
    """A good row and one that differs."""
    return json.dumps([row("good", 1_790_000_000), row("wrong", 1_790_000_000) | wrong]).encode()


ODDITIES = (
    Oddity("no rows", b"[]", 0),
    Oddity("a byte order mark", b"\xef\xbb\xbf" + _ROWS, 1),
    Oddity("blanks around", b"\r\n\t " + _ROWS + b"\n\n", 1),
    Oddity("half a character where a text was cut", _rows(textMessage="cut \ud83d"), 2),
    Oddity("half a character in an id", _rows(idMessage="cut \ud83d"), 2),
    Oddity("duplicate keys", _ROWS.replace(b'"type"', b'"idMessage": "B", "type"', 1), 1),
    Oddity("huge integers where nobody looks", _ROWS.replace(b'{"', b'{"x": ' + b"9" * 5000 + b', "', 1), 1),
    Oddity("a huge timestamp", _rows(timestamp=10**400), 1, "bad_type"),
    Oddity("a timestamp in milliseconds", _rows(timestamp=1_790_000_000_000), 1, "bad_type"),
    Oddity("a timestamp as text", _rows(timestamp="1790000000"), 1, "bad_type"),
    Oddity("a timestamp with a fraction", _rows(timestamp=1_790_000_000.5), 1, "bad_type"),
    Oddity("a timestamp that is true", _rows(timestamp=True), 1, "bad_type"),
    Oddity("no timestamp", _rows(timestamp=0), 1, "no_timestamp"),
    Oddity("an empty timestamp", _rows(timestamp=""), 1, "no_timestamp"),
    Oddity("no id", _rows(idMessage=""), 1, "no_id"),
    Oddity("an id that is a number", _rows(idMessage=4711), 2),
    Oddity("an id that is null", _rows(idMessage=None), 1, "bad_type"),
    Oddity("an id that is a list", _rows(idMessage=["A"]), 1, "bad_type"),
    Oddity("a chat that is a number", _rows(chatId=int(PHONE)), 2),
    Oddity("a chat that is an object", _rows(chatId={"phone": PHONE}), 1, "bad_type"),
    Oddity("a status that is a number", _rows(statusMessage=7), 1, "bad_type"),
    Oddity("a status that is null", _rows(statusMessage=None), 2),
    Oddity("a status that nobody has heard of", _rows(statusMessage=TEXT), 2),
    Oddity("a type that is a list", _rows(typeMessage=[TEXT]), 1, "bad_type"),
    Oddity("a type that nobody has heard of", _rows(typeMessage=PHONE), 2),
    Oddity("an incoming row", _rows(type="incoming"), 1, "not_outgoing"),
    Oddity("a direction that is a number", _rows(type=1), 1, "bad_type"),
    Oddity("an origin that is a text", _rows(sendByApi="yes"), 2),
    Oddity("an origin that is an object", _rows(sendByApi={}), 2),
    Oddity("a text that is an object", _rows(textMessage={"text": TEXT}), 2),
    Oddity("a row that is null", b"[null," + _ROW + b"]", 1, "not_an_object"),
    Oddity("a row that is a text", b'["' + PHONE.encode() + b'",' + _ROW + b"]", 1, "not_an_object"),
    Oddity("a row that is a nest", b"[" + b"[" * 100 + b"]" * 100 + b"," + _ROW + b"]", 1, "not_an_object"),
)
