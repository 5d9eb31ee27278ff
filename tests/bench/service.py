"""The service of the benchmarks: a plain static HTTP server in a process of its own, as lean as asyncio allows.

It is not the simulator, whose lives and rules would cost the machine more than what is measured. Every instance has the
same number of rows, a third of them with a media thumbnail; `advance` moves 1 % of all rows one status on. Commands
come on standard input, one a line: `fill`, `advance`, `quit`; each is answered with `ok`.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time

from .orders import orders

_REQUEST = re.compile(rb"GET /waInstance(\d+)/lastOutgoingMessages/\S+ HTTP/1.1")
_NEXT = {"sent": "delivered", "delivered": "read", "read": "read"}
_THUMBNAIL = "/9j/" + "A" * 2_600
"""So that 100 rows weigh about 110 kB, as the documents' figures say."""
ROW_TYPES = ("extendedTextMessage", "textMessage", "imageMessage")


class Journal:
    """One instance's rows as finished bytes; a row that advances is written anew."""

    def __init__(self, number: int, rows: int) -> None:
        now = int(time.time())
        self._number = number
        self._rows = [
            {
                "type": "outgoing",
                "idMessage": f"3EB0{number:06X}{row:010X}",
                "timestamp": now,
                "typeMessage": ROW_TYPES[row % 3],
                "chatId": f"7900{row % 70:07d}@c.us",
                "textMessage": "A text of an ordinary length, as shops and clinics write them to people.",
                "statusMessage": "sent",
                "sendByApi": True,
                "deletedMessageId": "",
                "editedMessageId": "",
                "isEdited": False,
                "isDeleted": False,
                **({"jpegThumbnail": _THUMBNAIL, "mimeType": "image/jpeg"} if row % 3 == 2 else {}),
            }
            for row in range(rows)
        ]
        self._bytes = [json.dumps(row).encode() for row in self._rows]
        self.answer = _answer(b"[]")

    def show(self) -> None:
        self.answer = _answer(b"[" + b",".join(self._bytes) + b"]")

    def advance(self, place: int) -> None:
        row = self._rows[place]
        row["statusMessage"] = _NEXT[str(row["statusMessage"])]
        self._bytes[place] = json.dumps(row).encode()

    def __len__(self) -> int:
        return len(self._rows)


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


class Connection(asyncio.Protocol):
    def __init__(self, journals: dict[bytes, Journal]) -> None:
        self._journals = journals
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            request, self._waiting = self._waiting[:end], self._waiting[end + 4 :]
            if match := _REQUEST.match(request):
                self._transport.write(self._journals[match[1]].answer)


async def _serve(instances: int, rows: int) -> None:
    loop = asyncio.get_running_loop()
    journals = {str(1101000000 + number).encode(): Journal(number, rows) for number in range(instances)}
    server = await loop.create_server(lambda: Connection(journals), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    chance = random.Random(1)
    async for command in orders():
        if command == "advance":
            for _ in range(max(1, instances * rows // 100)):
                journal = journals[str(1101000000 + chance.randrange(instances)).encode()]
                journal.advance(chance.randrange(rows))
        for journal in journals.values():
            journal.show()
        print("ok", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
