"""Text or environment -> a frozen Config, or every complaint at once. The order of the stages, and nothing else:
tree, fields of each mapping by the tables, tokens, checks over several keys, records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from ..errors import ConfigInvalid
from ..model import Complaint
from . import tree
from .checks import Draft, check
from .complaints import INVALID, Notes, Place
from .fields import GLOBAL, IDENTITY, PER_INSTANCE, TARIFFS_EXPLAINED
from .readers import Field, items, read_fields
from .records import Config, InstanceConfig
from .tokens import token_fields, token_of

ReadSecret = Callable[[str], str]

_VARIABLES = {
    "instances[0].id": "GREENAPI_ID_INSTANCE",
    "instances[0].token": "GREENAPI_API_TOKEN",
    "instances[0].token_file": "GREENAPI_API_TOKEN_FILE",
    "instances[0].api_url": "GREENAPI_API_URL",
    "instances[0].tariff": "GREENAPI_TARIFF",
    "tariff": "GREENAPI_TARIFF",
}
"""Where a value of the one instance of the environment stands."""
_SENTENCES = {
    "instances[0]": "exactly one of GREENAPI_API_TOKEN and GREENAPI_API_TOKEN_FILE is required",
    "tariff": "is missing; allowed: business, developer" + TARIFFS_EXPLAINED,
}
"""What a complaint says there when a sentence about the file's keys would not help."""


def parse(text: str, *, source: str, directory: str, environ: Mapping[str, str], read_secret: ReadSecret) -> Config:
    """The configuration that the text of a file says.

    `source` is the file's name in complaints, `directory` what relative token files are taken from, `environ` the
    environment; `read_secret(path)` gives the text of a secret file or raises OSError or UnicodeDecodeError.
    Raises ConfigInvalid with all complaints.
    """
    try:
        root = tree.read(text)
    except tree.Unreadable as unreadable:
        raise ConfigInvalid((Complaint(source, unreadable.line, "", unreadable.sentence),)) from None
    if not isinstance(root, tree.Mapping):
        sentence = (
            f"found {root.kind}; a mapping with at least tariff and instances is required, see config.yaml.example"
        )
        raise ConfigInvalid((Complaint(source, root.line, "", sentence),))
    return _config(root, Notes(source, environ), directory, environ, read_secret)


def names_an_instance(environ: Mapping[str, str]) -> bool:
    """Whether the environment names an instance, so that no file is needed."""
    return bool(environ.get("GREENAPI_ID_INSTANCE"))


def from_environment(environ: Mapping[str, str], read_secret: ReadSecret) -> Config:
    """The configuration of the one instance that the environment names; raises ConfigInvalid with all complaints."""
    pairs = [
        (path.removeprefix("instances[0]."), environ[variable])
        for path, variable in _VARIABLES.items()
        if path != "tariff" and environ.get(variable)
    ]
    instance = tree.Mapping(None, tuple((tree.Scalar(None, key), tree.Scalar(None, text)) for key, text in pairs))
    root = tree.Mapping(None, ((tree.Scalar(None, "instances"), tree.Sequence(None, (instance,))),))
    return _config(root, Notes("environment", None, _in_variables), "", environ, read_secret)


def _in_variables(complaint: Complaint) -> Complaint:
    variable = _VARIABLES.get(complaint.path, "")
    return replace(complaint, path=variable, text=_SENTENCES.get(complaint.path, complaint.text))


def _config(
    root: tree.Mapping, notes: Notes, directory: str, environ: Mapping[str, str], read_secret: ReadSecret
) -> Config:
    instances = partial(_instances, (*IDENTITY, *token_fields(directory), *PER_INSTANCE))
    top = read_fields(root, Place(notes, root.line), (*GLOBAL, *PER_INSTANCE, Field("instances", instances)))
    drafts = [Draft(found, token_of(found, environ, read_secret), top) for found in top.values.get("instances", ())]
    check(drafts, top)
    notes.finish()
    return Config(
        instances=tuple(map(_instance, drafts)),
        warnings=notes.warning_sentences(),
        **{field.key: top.values.get(field.key, field.default) for field in GLOBAL},
    )


def _instances(fields: tuple[Field, ...], node: tree.Node, place: Place) -> object:
    if node.kind == "nothing" or node == tree.Sequence(node.line, ()):
        place.complain("no instances; at least one with id and token is required")
        return INVALID
    founds = [(item, read_fields(item, inside, fields)) for inside, item in items(node, place)]
    return [found for item, found in founds if isinstance(item, tree.Mapping)]


def _instance(draft: Draft) -> InstanceConfig:
    assert draft.token is not None, "an instance without a token was complained about"
    token, token_file = draft.token
    return InstanceConfig(
        id=draft.value("id"),
        name=draft.value("name") or draft.value("id"),
        token=token,
        token_file=token_file,
        api_url=draft.value("api_url"),
        labels=draft.value("labels"),
        tariff=draft.value("tariff"),
        window=draft.value("window"),
        min_interval=draft.min_interval,
        timeout=draft.value("timeout"),
        timestamp=draft.value("timestamp"),
    )
