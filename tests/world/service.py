"""A GREEN-API of a few instances on the raw server of `tests.hostile`: honest, until an instance is told otherwise.

Owns what an honest answer looks like, private contents included. Knows no exporter.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.model import Method

from ..hostile import Conduct, HostileServer, Visit, answer, hostile
from .secrets import CHAT, PROXY_LOGIN, PROXY_PASSWORD, TEXT, WEBHOOK_TOKEN


def row(id_: str, timestamp: float, status: str = "sent", **more: object) -> dict[str, object]:
    """A journal row with all that is private in it."""
    return {
        "type": "outgoing", "idMessage": id_, "timestamp": int(timestamp), "typeMessage": "textMessage",
        "chatId": CHAT, "textMessage": TEXT, "statusMessage": status, "sendByApi": True, **more,
    }  # fmt: skip


SETTINGS = {
    "wid": CHAT, "typeInstance": "whatsapp", "webhookUrlToken": WEBHOOK_TOKEN, "outgoingWebhook": "yes",
    "outgoingMessageWebhook": "yes", "outgoingAPIMessageWebhook": "no",
    "proxyInstance": f"{PROXY_LOGIN}:{PROXY_PASSWORD}@proxy.example.com:3128",
}  # fmt: skip


class Service:
    """`rows` are the journals by instance, newest first; `conducts` say who does not answer honestly, and what instead.

    `closing`: every honest answer ends its connection.
    """

    def __init__(self, *, closing: bool = False) -> None:
        self.rows: dict[str, list[dict[str, object]]] = {}
        self.conducts: dict[tuple[str, Method], Conduct] = {}
        self.asked: list[tuple[str, Method]] = []
        self.url = ""
        self._closing = closing

    def misbehave(self, instance: str, conduct: Conduct, method: Method = Method.MESSAGES) -> None:
        self.conducts[instance, method] = conduct

    def behave(self) -> None:
        self.conducts.clear()

    def send(self, instance: str, *rows: dict[str, object]) -> None:
        """These messages are the newest of the journal now."""
        self.rows[instance] = [*rows, *self.rows.get(instance, [])]

    def times_asked(self, instance: str, method: Method = Method.MESSAGES) -> int:
        return self.asked.count((instance, method))

    async def conduct(self, visit: Visit) -> None:
        _, place, method, _ = visit.target.split("/", 3)
        asked = place.removeprefix("waInstance"), Method(method)
        self.asked.append(asked)
        await self.conducts.get(asked, self._honestly)(visit)

    async def _honestly(self, visit: Visit) -> None:
        _, place, method, _ = visit.target.split("/", 3)
        bodies: dict[str, object] = {
            Method.MESSAGES: self.rows.get(place.removeprefix("waInstance"), []),
            Method.STATE: {"stateInstance": "authorized"},
            Method.SETTINGS: SETTINGS,
        }
        body = json.dumps(bodies[method]).encode()
        if self._closing:
            await visit.say(answer(body, Connection="close"))
            visit.finish()
        else:
            await visit.say(answer(body))


@asynccontextmanager
async def serving(*, closing: bool = False) -> AsyncIterator[tuple[Service, HostileServer]]:
    service = Service(closing=closing)
    async with hostile(service.conduct) as server:
        service.url = server.url
        yield service, server
