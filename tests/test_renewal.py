"""A rotated token is taken from its file, and a disk that hangs holds nobody up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from exporter.instance import Instance
from exporter.model import Call, Method, Outcome, Secret
from exporter.renewal import Renewal
from tests.test_instance import CONFIG, NOW, SALES, fresh

FILED = replace(SALES, token_file="/run/secrets/sales")


def without_access() -> Instance:
    """An instance whose token the service has just refused."""
    instance = fresh(FILED, replace(CONFIG, instances=(FILED,)))
    instance.ended(Call(instance.id, Method.MESSAGES, Outcome.UNAUTHORIZED, NOW, NOW + 1))
    return instance


def test_a_rotated_token_ends_the_pause_for_lack_of_access() -> None:
    async def read(_: str) -> Secret | None:
        return Secret("second-token")

    instance = without_access()
    assert instance.due(NOW + 30) == []
    asyncio.run(Renewal(read)([instance]), debug=True)
    assert instance.token == Secret("second-token")
    assert Method.STATE in instance.due(NOW + 30)


def test_a_file_that_cannot_be_read_or_holds_the_same_token_changes_nothing() -> None:
    for held in (None, FILED.token):

        async def read(_: str, held: Secret | None = held) -> Secret | None:
            return held

        instance = without_access()
        asyncio.run(Renewal(read)([instance]), debug=True)
        assert instance.due(NOW + 30) == []


def test_a_disk_that_hangs_is_asked_once_and_its_token_is_taken_when_it_comes() -> None:
    async def scene() -> None:
        asked, answer = [], asyncio.Event()

        async def read(path: str) -> Secret | None:
            asked.append(path)
            await answer.wait()
            return Secret("second-token")

        instance, renewal = without_access(), Renewal(read)
        await renewal([instance])
        await renewal([instance])
        assert asked == ["/run/secrets/sales"]
        answer.set()
        await renewal([instance])
        assert instance.token == Secret("second-token")

    asyncio.run(scene(), debug=True)


def test_who_has_access_has_its_file_left_alone() -> None:
    async def read(_: str) -> Secret | None:
        raise AssertionError("the file was read")

    asyncio.run(Renewal(read)([fresh(FILED)]), debug=True)
