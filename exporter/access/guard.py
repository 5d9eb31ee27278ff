"""The password at the door of every request, as a middleware."""

from __future__ import annotations

import base64
import binascii

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from .current import Access
from .passwords import Passwords, TooBusy


def guard(access: Access, passwords: Passwords) -> Middleware:
    """Lets a request through when there are no users, or when it names one with the right password: else 401."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        users = access.current().users
        if users:
            named = _named(request.headers.get(hdrs.AUTHORIZATION, ""))
            try:
                welcome = named is not None and await passwords.match(users, *named)
            except TooBusy:
                raise web.HTTPServiceUnavailable(text="too many passwords are being checked; come again\n") from None
            if not welcome:
                raise web.HTTPUnauthorized(text="a user and a password are needed\n", headers=_CHALLENGE)
        return await handler(request)

    return check


_CHALLENGE = {hdrs.WWW_AUTHENTICATE: 'Basic realm="greenapi-exporter", charset="UTF-8"'}


def _named(header: str) -> tuple[bytes, bytes] | None:
    """User and password of an Authorization header (RFC 7617); None if it is another one or malformed."""
    scheme, _, told = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(told.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None
