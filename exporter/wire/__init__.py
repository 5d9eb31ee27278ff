"""Bytes of the service -> records. The only room that knows the service's JSON keys.

It must not know HTTP, clocks or metrics, and it keeps nothing: what is not named here is dropped at decoding, message
texts and the secrets of getSettings (webhookUrlToken, proxy login) first of all.

`journal` reads lastOutgoingMessages, mostly as what it changes in the last answer; `row` is one element of it, strictly
or loosely typed; `instance` reads the two answers about an instance itself; `text` is what all answers have in common.
"""

from .instance import instance_settings, instance_state
from .journal import journal_after
from .row import JournalRow

__all__ = ["JournalRow", "instance_settings", "instance_state", "journal_after"]
