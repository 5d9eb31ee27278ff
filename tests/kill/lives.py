"""Messages whose end is certain: every status but pending stays until the journal is sure to have been asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

from exporter.simulator.plan import Message

Steps = tuple[tuple[str, float], ...]
TYPES = {"extendedTextMessage": 60, "imageMessage": 25, "textMessage": 10, "hologramMessage": 2, "deletedMessage": 3}
"""The last but one is a type that nobody lists, the last no message of its own."""
A_SECOND = 3.0
"""Messages of one account."""


def _on_the_way(last: str) -> Callable[[Random, Steps], Steps]:
    def steps(rng: Random, queued: Steps) -> Steps:
        at = queued[-1][1] if queued else 0.0
        told = list(queued)
        for status, longest in (("sent", 0.6), ("delivered", 1.2), ("read", 1.7)):
            at += rng.uniform(0.0, longest)
            told.append((status, at))
            if status == last:
                break
        return tuple(told)

    return steps


def _ends_as(status: str) -> Callable[[Random, Steps], Steps]:
    return lambda rng, queued: (*queued, (status, queued[-1][1] + rng.uniform(0.0, 1.5)))


FATES: Mapping[str, tuple[int, Callable[[Random, Steps], Steps]]] = {
    "read": (60, _on_the_way("read")),
    "delivered": (15, _on_the_way("delivered")),
    "sent": (6, _on_the_way("sent")),
    "noAccount": (9, _ends_as("noAccount")),
    "failed": (5, _ends_as("failed")),
    "pending": (5, lambda _, queued: queued),
}


def messages(rng: Random, since: float, until: float, age: float) -> Iterator[Message]:
    """What an account accepts between two moments. The journal shows each about `age` seconds after its acceptance."""
    at = since
    while (at := at + rng.expovariate(A_SECOND)) < until:
        yield _message(rng, at - age)


def _message(rng: Random, at: float) -> Message:
    weights = [weight for weight, _ in FATES.values()]
    _, live = rng.choices(list(FATES.values()), weights)[0]
    steps = live(rng, (("pending", at),))
    by_api = steps[-1][0] in ("pending", "noAccount", "failed") or rng.random() < 0.85
    return Message(
        chat=f"7900000{rng.randrange(50):04d}@c.us",
        id=f"{rng.getrandbits(80):020X}",
        steps=steps if by_api else steps[1:],  # what is typed on a phone was never pending
        type=rng.choices(list(TYPES), list(TYPES.values()))[0],
        by_api=by_api,
        lag=rng.random(),
    )
