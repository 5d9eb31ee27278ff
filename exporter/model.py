"""The nouns of the service: its closed vocabularies, and the frozen records that travel between the rooms.

Words are the service's own, spelt as it spells them. Where they come from: the journal pages and the state pages of
GREEN-API's documentation, its JavaScript SDK's types, and captured answers. An unlisted word becomes `OTHER`.
This file knows no JSON, no HTTP, no clock and no metric.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

DEFAULT_PORT = 10048

NONE = "none"
"""The label of a word that is empty or missing."""
OTHER = "other"
"""The label of a word that this version does not list."""

STATUSES = ("pending", "sent", "delivered", "read", "noAccount", "notInGroup", "failed", "yellowCard")
"""Statuses that every account shows from the first moment."""
RARE_STATUSES = ("suspended", "noActiveSession", NONE, OTHER)
"""Statuses that appear as a label once an account has met them."""
ALL_STATUSES = STATUSES + RARE_STATUSES
STATUS_WORDS = {word: word for word in (*STATUSES, "suspended", "noActiveSession")} | {"fail": "failed"}
"""The service's word -> our label (`fail` is the 2021 documentation's spelling of `failed`)."""

MESSAGE_TYPES = (
    "textMessage", "extendedTextMessage", "imageMessage", "videoMessage", "documentMessage", "audioMessage",
    "stickerMessage", "locationMessage", "contactMessage", "contactsArrayMessage", "quotedMessage",
    "reactionMessage", "pollMessage", "pollUpdateMessage", "editedMessage", "deletedMessage", "groupInviteMessage",
    "buttonsMessage", "buttonsResponseMessage", "listMessage", "listResponseMessage", "templateMessage",
    "templateButtonsReplyMessage", "interactiveButtons", "interactiveButtonsReply", "interactiveButtonsResponse",
)  # fmt: skip
ALL_MESSAGE_TYPES = (*MESSAGE_TYPES, NONE, OTHER)
ANNOTATION_TYPES = frozenset({"deletedMessage", "editedMessage", "reactionMessage", "pollUpdateMessage"})
"""Rows that say something about another message: they are rows of the journal, not messages of their own."""

API, PHONE, UNKNOWN = "api", "phone", "unknown"
ORIGINS = (API, PHONE, UNKNOWN)
"""Where a message was sent from, by `sendByApi`: true, false, anything else."""

STATES = (
    "authorized", "notAuthorized", "blocked", "sleepMode", "starting", "yellowCard", "suspended", "pendingCode",
    "pendingPassword", OTHER,
)  # fmt: skip
"""getStateInstance's words over all products, and `other`."""

SETTINGS = ("outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook")
"""The settings that decide what the journal can know."""

MESSENGERS = ("whatsapp", "max", "telegram", "waba", UNKNOWN)

UNSETTLED = "unknown"
"""The settled label of a message that no answer showed near the age at which it settles."""

DELIVERY, READ = "delivery", "read"
STAGES = (DELIVERY, READ)


class Word(StrEnum):
    """A closed set of words. Hashed as the text it is, which costs a tenth of what an enumeration's own hash does."""

    __hash__ = str.__hash__


class Method(Word):
    """The API methods the exporter calls; the value is the service's name and the `method` label."""

    MESSAGES = "lastOutgoingMessages"
    STATE = "getStateInstance"
    SETTINGS = "getSettings"


METHODS = tuple(Method)


class Outcome(Word):
    """How one API call ended; the value is the `outcome` label."""

    OK = "ok"
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    SERVER_ERROR = "server_error"
    HTTP_OTHER = "http_other"
    REFUSED = "refused"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    NETWORK = "network"
    TLS = "tls"
    INTERNAL = "internal"


class Meaning(StrEnum):
    """What a row's timestamp means: the configured word, or the one learnt from the answers."""

    AUTO = "auto"
    SENT = "sent"
    LAST_ACTION = "last_action"


class Secret:
    """A text that cannot be printed by accident: repr, str and format show a mask; `reveal` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong with a configuration: where (line from 1, and path), and what, in a full sentence."""

    source: str
    line: int | None
    path: str
    text: str

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{place}: {self.path}: {self.text}" if self.path else f"{place}: {self.text}"


class Row(Protocol):
    """One usable element of a lastOutgoingMessages answer. Hashable; equal rows hash alike within a process."""

    @property
    def id(self) -> str: ...
    @property
    def chat(self) -> str: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def status(self) -> str | None: ...
    @property
    def message_type(self) -> str | None: ...
    @property
    def by_api(self) -> object: ...


REJECTIONS = ("not_an_object", "no_id", "no_timestamp", "not_outgoing", "bad_type")
"""Why a row could not be used."""


class Imprint(NamedTuple):
    """What is remembered of an array of objects: the digest of all its bytes, how many they are, where its elements
    begin, a digest of each with what stands between it and the next one, and one of each block of a few elements. Equal
    digests mean equal bytes, within one process.
    """

    whole: int
    size: int
    begins: array[int]
    digests: array[int]
    blocks: array[int]


class Journal(NamedTuple):
    """A decoded lastOutgoingMessages answer: the usable rows in the service's order, and why others are not.

    `unusable` are the places of those others in the array. `imprint` is None where the bytes did not allow one.
    """

    rows: list[Row]
    rejected: dict[str, int]
    unusable: frozenset[int] = frozenset()
    imprint: Imprint | None = None

    @property
    def length(self) -> int:
        """How many elements the array had, usable or not: the service's row limit counts them all."""
        return len(self.rows) + sum(self.rejected.values())

    def whole(self) -> Journal:
        """Itself, as for a `Repeat` all that it repeats."""
        return self


class Repeat(NamedTuple):
    """An answer that shows what the last one showed, element by element, but for a few rows.

    `changed` are these few, by their place in the array; `whole` decodes all, for who cannot go by them alone.
    """

    changed: Mapping[int, Row]
    imprint: Imprint
    whole: Callable[[], Journal]


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """What is kept of a getSettings answer: nothing in it is a secret. A missing flag is absent from `enabled`."""

    enabled: dict[str, bool]
    messenger: str


class Call(NamedTuple):
    """One finished API call as every observer sees it. Times are ours (Unix seconds); `date` is the answer's Date."""

    instance: str
    method: Method
    outcome: Outcome
    started: float
    finished: float
    detail: str = ""
    status: int | None = None
    retry_after: float | None = None
    date: float | None = None
    size: int = 0

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.OK
