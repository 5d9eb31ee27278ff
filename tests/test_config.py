"""The configuration: what is accepted and what it means, and what every mistake is answered with.

Each tests/configs/*.bad.yaml stands beside the exact complaints it gets (.txt), each *.ok.yaml beside the effective
configuration and its warnings; `python -m tests.test_config` writes these texts anew, their diff is read by a person.
All of it without a file system: secrets and variables are the two mappings below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import Config, Wrong, from_environment, masked, names_an_instance, parse, token_from
from exporter.config.fields import GLOBAL, IDENTITY, PER_INSTANCE
from exporter.config.tokens import TOKEN_KEYS
from exporter.config.tree import MAX_TEXT
from exporter.config.units import duration, duration_text, size, size_text
from exporter.errors import ConfigInvalid
from exporter.model import Secret

HERE = Path(__file__).parent
BAD = sorted((HERE / "configs").glob("*.bad.yaml"))
OK = sorted((HERE / "configs").glob("*.ok.yaml"))

TOKEN = "d75b3066374d4fe1b1a8d75b3066374d4fe1b1a8d75b306637"
ENVIRON = {"SALES_TOKEN": TOKEN, "TARIFF": "business", "EMPTY": "", "BROKEN_TOKEN": "a/b"}
SECRETS = {
    "/etc/greenapi/sales.token": f"{TOKEN}\n",
    "/etc/greenapi/empty.token": "\n",
    "/etc/greenapi/two-lines.token": f"{TOKEN}\n{TOKEN}\n",
}


def read_secret(path: str) -> str:
    """What stands in a secret file of the tests, as the file system would give or refuse it."""
    if path.endswith("binary.token"):
        return b"\xff".decode()
    if path not in SECRETS:
        raise FileNotFoundError(2, "No such file or directory", path)
    return SECRETS[path]


def load(text: str, environ: Mapping[str, str] = ENVIRON) -> Config:
    return parse(text, source="config.yaml", directory="/etc/greenapi", environ=environ, read_secret=read_secret)


def complaints(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        load(text)
    return [str(complaint) for complaint in caught.value.complaints]


def answer(text: str) -> str:
    """What a configuration file is answered with: its complaints, or its effective configuration and warnings."""
    try:
        config = load(text)
    except ConfigInvalid as invalid:
        return "".join(f"{complaint}\n" for complaint in invalid.complaints)
    return "".join(f"# {warning}\n" for warning in config.warnings) + masked(config)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_wrong_file_gets_exactly_these_complaints(path: Path) -> None:
    """All at once, in the order of the file, and without a token."""
    said = answer(path.read_text(encoding="utf-8"))
    assert said.startswith("config.yaml:")
    assert said == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert TOKEN not in said


@pytest.mark.parametrize("path", OK, ids=lambda path: path.name)
def test_a_good_file_means_exactly_this(path: Path) -> None:
    assert answer(path.read_text(encoding="utf-8")) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", OK, ids=lambda path: path.name)
def test_the_effective_configuration_loads_again_and_means_the_same(path: Path) -> None:
    """Once each mask is replaced by a token; warnings may differ, defaults being written out."""
    config = load(path.read_text(encoding="utf-8"))
    tokens = iter(i.token.reveal() for i in config.instances if i.token_file is None)
    again = load(re.sub("<secret>", lambda _: f'"{next(tokens)}"', masked(config)))
    assert replace(again, warnings=()) == replace(config, warnings=())


class TestTheExample:
    TEXT = (HERE.parent / "config.yaml.example").read_text(encoding="utf-8")

    def test_it_loads_as_it_is_without_environment_or_files(self) -> None:
        config = load(self.TEXT, environ={})
        assert config.warnings == ()
        assert [instance.name for instance in config.instances] == ["sales"]

    @pytest.mark.parametrize("key", [field.key for field in (*GLOBAL, *PER_INSTANCE, *IDENTITY)] + [*TOKEN_KEYS])
    def test_every_key_stands_in_it_with_a_line_of_why(self, key: str) -> None:
        assert re.search(rf"^[ #-]*{key}:.* # .+", self.TEXT, re.MULTILINE)

    def test_its_values_are_the_defaults(self) -> None:
        minimal = load(
            '{tariff: business, instances: [{id: "1101000001", name: sales, token: a, labels: {team: sales}}]}'
        )
        example = load(self.TEXT)
        assert masked(example) == masked(minimal)


class TestTokens:
    def test_a_token_comes_from_a_file_beside_the_configuration_without_its_line_end(self) -> None:
        (instance,) = load("{tariff: business, instances: [{id: 1, token_file: sales.token}]}").instances
        assert instance.token == Secret(TOKEN)
        assert instance.token_file == "/etc/greenapi/sales.token"

    def test_an_absolute_secret_file_stands_where_it_says(self) -> None:
        text = "{tariff: business, instances: [{id: 1, token_file: /run/secrets/x}]}"
        assert "(/run/secrets/x)" in complaints(text)[0]

    def test_a_token_comes_from_the_environment_in_both_ways(self) -> None:
        for value in ("token_env: SALES_TOKEN", "token: '${SALES_TOKEN}'"):
            (instance,) = load(f"{{tariff: business, instances: [{{id: 1, {value}}}]}}").instances
            assert (instance.token, instance.token_file) == (Secret(TOKEN), None)

    def test_a_secret_file_that_is_read_again_obeys_the_same_rule(self) -> None:
        assert token_from(f" {TOKEN}\r\n") == Secret(TOKEN)
        with pytest.raises(Wrong):
            token_from("https://")

    def test_no_output_of_a_loaded_configuration_holds_it(self) -> None:
        config = load("{tariff: business, instances: [{id: 1, token_env: SALES_TOKEN}]}")
        assert TOKEN not in f"{config} {config!r} {masked(config)}"


class TestWithoutAFile:
    VARIABLES: ClassVar = {
        "GREENAPI_ID_INSTANCE": "1101000001",
        "GREENAPI_API_TOKEN": TOKEN,
        "GREENAPI_TARIFF": "developer",
        "GREENAPI_API_URL": "https://1101.api.green-api.com/",
    }

    def test_four_variables_make_one_instance(self) -> None:
        (instance,) = from_environment(self.VARIABLES, read_secret).instances
        assert (instance.id, instance.name, instance.token) == ("1101000001", "1101000001", Secret(TOKEN))
        assert (instance.api_url, instance.min_interval) == ("https://1101.api.green-api.com", 2700)

    def test_the_token_may_stand_in_a_file(self) -> None:
        variables = {"GREENAPI_ID_INSTANCE": "1", "GREENAPI_TARIFF": "business"}
        variables["GREENAPI_API_TOKEN_FILE"] = "/etc/greenapi/sales.token"
        (instance,) = from_environment(variables, read_secret).instances
        assert (instance.token, instance.token_file) == (Secret(TOKEN), "/etc/greenapi/sales.token")

    def test_a_dollar_has_no_meaning_in_a_variable(self) -> None:
        with pytest.raises(ConfigInvalid) as caught:
            from_environment(self.VARIABLES | {"GREENAPI_TARIFF": "${TARIFF}"}, read_secret)
        assert "found '${TARIFF}'; allowed: business, developer" in str(caught.value.complaints[0])

    def test_complaints_and_warnings_name_the_variables(self) -> None:
        with pytest.raises(ConfigInvalid) as caught:
            from_environment({"GREENAPI_ID_INSTANCE": "x", "GREENAPI_API_URL": "x"}, read_secret)
        said = [str(complaint) for complaint in caught.value.complaints]
        assert [line.split("; ")[0] for line in said] == [
            "environment: GREENAPI_ID_INSTANCE: found 'x'",
            "environment: GREENAPI_API_URL: found 'x'",
            "environment: exactly one of GREENAPI_API_TOKEN and GREENAPI_API_TOKEN_FILE is required",
            "environment: GREENAPI_TARIFF: is missing",
        ]
        (warning,) = from_environment(self.VARIABLES | {"GREENAPI_API_URL": "http://example.com"}, read_secret).warnings
        assert warning.startswith("environment: GREENAPI_API_URL: plain http")

    def test_only_an_id_names_an_instance(self) -> None:
        assert names_an_instance(self.VARIABLES)
        assert not names_an_instance({"GREENAPI_API_TOKEN": TOKEN, "GREENAPI_ID_INSTANCE": ""})


class TestUnits:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("90s", 90),
            ("5m", 300),
            ("24h", 86400),
            ("1h30m", 5400),
            ("7d", 604800),
            ("500ms", 0.5),
            ("1.5", 1.5),
            ("0", 0),
            ("1d1h1m1s1ms", 90061.001),
            ("1.5h", 5400),
        ],
    )
    def test_a_duration_is_read(self, text: str, seconds: float) -> None:
        assert duration(text) == pytest.approx(seconds)

    @pytest.mark.parametrize(
        "text", ["", "s", "5 m", "1m1h", "5M", "1h30", "-1", "+1", "1e3", "nan", "inf", "٣", "1_0"]
    )
    def test_a_text_that_is_no_duration_is_refused(self, text: str) -> None:
        with pytest.raises(Wrong):
            duration(text)

    @pytest.mark.parametrize(
        ("text", "count"),
        [("64MiB", 64 * 2**20), ("10MB", 10**7), ("1kB", 1000), ("1.5 KiB", 1536), ("7", 7), ("7B", 7)],
    )
    def test_a_size_is_read(self, text: str, count: int) -> None:
        assert size(text) == count

    @given(st.integers(0, 10**12).map(lambda ms: ms / 1000) | st.floats(1e-6, 1e9))
    def test_a_written_duration_reads_as_itself(self, seconds: float) -> None:
        assert duration(duration_text(seconds)) == pytest.approx(seconds, rel=1e-9, abs=1e-9)

    @given(st.integers(0, 10**12) | st.integers(0, 4096).map(lambda mebibytes: mebibytes * 2**20))
    def test_a_written_size_reads_as_itself(self, count: int) -> None:
        assert size(size_text(count)) == count


def test_a_file_that_is_far_too_large_is_not_parsed() -> None:
    assert complaints("#" * (MAX_TEXT + 1)) == ["config.yaml:1: more than 4 MiB of text; this is no configuration"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
def test_every_kind_of_line_end_counts_lines_and_a_byte_order_mark_is_no_harm(line_end: str) -> None:
    assert complaints("\ufefftariff: business" + line_end + "state_file: \x07") == [
        "config.yaml:2: an unprintable character (U+0007); YAML allows none"
    ]
    assert load("\ufefftariff: business" + line_end + "instances: [{id: 1, token: a}]").instances


# Fuzz: whatever a file holds, it is a configuration or gets complaints; nothing else is raised, no token is shown.

BASE = (HERE / "configs" / "every_key.ok.yaml").read_text(encoding="utf-8") + f"  - {{id: '3', token: {TOKEN}}}\n"
PIECES = [
    "\t",
    "\n",
    "  ",
    "- ",
    ": ",
    "? ",
    "#",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    '"',
    "\\",
    "&a ",
    "*a",
    "!x ",
    "!!int ",
]
PIECES += [
    "<<: *a",
    "${",
    "$$",
    "${SALES_TOKEN}",
    "---",
    "...",
    "%YAML 9",
    "|",
    ">",
    "@",
    "`",
    "\x00",
    "\ud800",
    "\u2028",
]
PIECES += [
    "null",
    "1e999",
    ".nan",
    "9" * 400,
    "yes",
    "2026-13-45",
    "0o7",
    "1:2:3",
    "token",
    TOKEN,
    TOKEN[:30],
    "\u0661",
]

edits = st.tuples(st.integers(0, len(BASE)), st.integers(0, 12), st.sampled_from(PIECES) | st.text(max_size=8))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates()
scalars |= st.sampled_from(PIECES[19:])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.just("id"), inner, max_size=3),
    max_leaves=6,
)
documents = st.fixed_dictionaries(
    {
        "instances": values
        | st.lists(st.dictionaries(st.sampled_from([f.key for f in IDENTITY] + [*TOKEN_KEYS]), values))
    },
    optional={field.key: values for field in (*GLOBAL, *PER_INSTANCE)},
)


def refused_or_loaded(text: str) -> None:
    """The one promise for any text: complaints that say something and show no token, or a configuration."""
    try:
        config = load(text)
    except ConfigInvalid as invalid:
        assert invalid.complaints
        for complaint in invalid.complaints:
            assert complaint.text
            assert not shows_a_token(str(complaint)), complaint.path
            assert "\n" not in str(complaint)
    else:
        assert not any(map(shows_a_token, config.warnings))
        assert yaml.safe_load(masked(config))["instances"]


def shows_a_token(said: str) -> bool:
    return any(TOKEN[start : start + 24] in said for start in range(len(TOKEN) - 23))


@settings(max_examples=1000, deadline=None)
@given(st.lists(edits, min_size=1, max_size=4))
def test_an_edited_file_is_loaded_or_gets_complaints(changes: list[tuple[int, int, str]]) -> None:
    text = BASE
    for start, length, piece in changes:
        text = text[:start] + piece + text[start + length :]
    refused_or_loaded(text)


@settings(max_examples=500, deadline=None)
@given(documents)
def test_a_file_with_any_values_under_the_known_keys_is_loaded_or_gets_complaints(document: dict[str, object]) -> None:
    refused_or_loaded(yaml.safe_dump(document, allow_unicode=True))


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted({*TestWithoutAFile.VARIABLES, "GREENAPI_API_TOKEN_FILE"})), st.text()))
def test_any_environment_is_loaded_or_gets_complaints(environ: dict[str, str]) -> None:
    try:
        from_environment(environ, read_secret)
    except ConfigInvalid as invalid:
        assert all(complaint.text and complaint.line is None for complaint in invalid.complaints)


if __name__ == "__main__":
    for path in BAD + OK:
        path.with_suffix(".txt").write_text(answer(path.read_text(encoding="utf-8")), encoding="utf-8")
