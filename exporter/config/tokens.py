"""The token of an instance: written in the file, in a secret file, or in the environment.

Owns the three keys; no complaint of this file ever quotes a token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model import Secret
from .complaints import INVALID, Place, Wrong, is_quotable
from .readers import Field, Found, scalar
from .tree import Node, Scalar
from .values import file_in, token_from, variable_name

TOKEN_KEYS = ("token", "token_file", "token_env")


def token_fields(directory: str) -> tuple[Field, ...]:
    """The rows of the table; token files are relative to the directory."""
    return (
        Field("token", _token),
        Field("token_file", scalar(file_in(directory))),
        Field("token_env", scalar(variable_name)),
    )


def _token(node: Node, place: Place) -> object:
    if not isinstance(node, Scalar) or node.kind == "nothing":
        place.complain(f"found {node.kind}; the token as one text is allowed")
    elif node.kind != "text":
        place.complain(f'found {node.kind}, as YAML reads it; put the token in quotes: token: "..."')
    else:
        try:
            return token_from(place.expand(node.text))
        except Wrong as wrong:
            place.complain(str(wrong))
    return INVALID


def token_of(
    found: Found, environ: Mapping[str, str], read_secret: Callable[[str], str]
) -> tuple[Secret, str | None] | None:
    """The token and the file it came from, if from one; None when it was complained about."""
    present = [key for key in TOKEN_KEYS if key in found.places]
    if len(present) != 1:
        here = " and ".join(present) or "no token"
        found.place.complain(f"found {here}; exactly one of {', '.join(TOKEN_KEYS)} is required")
        return None
    key = present[0]
    if key not in found.values:
        return None
    value, place = found.values[key], found.places[key]
    try:
        if key == "token_file":
            return token_from(_content(value, read_secret)), value
        return token_from(_variable(value, environ)) if key == "token_env" else value, None
    except Wrong as wrong:
        place.complain(f"{wrong}{_origin(key, value)}")
        return None


def _origin(key: str, value: object) -> str:
    return "" if key == "token" or not is_quotable(str(value)) else f" ({value})"


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise Wrong("this environment variable is not set")
    return environ[name]


def _content(path: str, read_secret: Callable[[str], str]) -> str:
    try:
        return read_secret(path)
    except OSError as error:
        hint = "" if is_quotable(path) else "; the name of a file is wanted here, the token itself goes into token"
        raise Wrong(f"the secret file cannot be read: {error.strerror or type(error).__name__}{hint}") from None
    except ValueError:
        raise Wrong("the secret file is not UTF-8 text") from None
