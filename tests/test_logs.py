"""Log lines: one record is one line, whatever is in it, and no secret is in it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.logs import FORMATS, LineFormatter
from exporter.model import Secret
from exporter.redaction import Redactor

TOKEN = "d75b3a66374942c5b3c019c698abc2067e151558acbd412345"
REDACTOR = Redactor([Secret(TOKEN)])
EVIL = 'x" level=error msg="forged\r\nts=1 level=error msg=forged\u2028\x1b[2J\x85\\'

BOTH = pytest.mark.parametrize("form", FORMATS)


def record(
    message: str, *args: object, level: int = logging.INFO, name: str = "exporter.fleet", exc_info: Any = None,
    **fields: object,
) -> logging.LogRecord:  # fmt: skip
    made = logging.LogRecord(name, level, __file__, 1, message, args, exc_info)
    made.created = 1_767_323_045.6789
    if fields:
        made.fields = fields
    return made


def line(form: str, made: logging.LogRecord) -> str:
    return LineFormatter(form, REDACTOR).format(made)


ODD: dict[str, Any] = {'a b="c\n': 1}

LOGFMT = {
    "a plain message": (record("listening"), "level=info msg=listening"),
    "a sentence is quoted": (record("a scrape began"), 'level=info msg="a scrape began"'),
    "fields follow in their order": (
        record("the query failed", instance="sales", outcome="timeout", seconds=1.5, calls=3, paused=True, code=None),
        'level=info msg="the query failed" instance=sales outcome=timeout seconds=1.5 calls=3 paused=true code=null',
    ),
    "arguments are filled in": (record("%d of %s", 3, "ten"), 'level=info msg="3 of ten"'),
    "a warning is warn": (record("careful", level=logging.WARNING), "level=warn msg=careful"),
    "an error": (record("oh", level=logging.ERROR), "level=error msg=oh"),
    "critical is an error": (record("oh", level=logging.CRITICAL), "level=error msg=oh"),
    "debug": (record("hm", level=logging.DEBUG), "level=debug msg=hm"),
    "other people's records name their logger": (
        record("closed", name="aiohttp.client"), "level=info msg=closed logger=aiohttp.client",
    ),
    "an empty value": (record("named", name="exporter", team=""), 'level=info msg=named team=""'),
    "quotes and backslashes": (
        record("read", path='C:\\"it"', alone="\\"), r'level=info msg=read path="C:\\\"it\"" alone="\\"',
    ),
    "letters of all alphabets stay": (record("готово", team="café"), "level=info msg=готово team=café"),
    "an equals sign is quoted": (record("set", expression="a=b"), 'level=info msg=set expression="a=b"'),
    "line breaks and terminal codes are escaped": (
        record("a\nb", value="\x1b[31m\r\u2028\x9b"),
        r'level=info msg="a\nb" value="\u001b[31m\r\u2028\u009b"',
    ),
    "a field cannot replace what the line says itself": (
        record("true", ts="never", level_="x", msg="false"), "level=info msg=true level_=x",
    ),
    "a field's name cannot break out either": (
        record("odd", **ODD), "level=info msg=odd a_b__c_=1",
    ),
    "arguments that do not fit are shown beside the text": (
        record("%d files", "many"), """level=info msg="%d files ('many',)\"""",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "shown"), LOGFMT.values(), ids=LOGFMT.keys())
def test_logfmt(made: logging.LogRecord, shown: str) -> None:
    assert line("logfmt", made) == f"ts=2026-01-02T03:04:05.678Z {shown}"


def test_json_is_one_object_with_the_same_facts() -> None:
    made = record("the query failed", instance="sales", seconds=1.5, calls=3, paused=True, code=None)
    assert line("json", made) == (
        '{"ts": "2026-01-02T03:04:05.678Z", "level": "info", "msg": "the query failed", "instance": "sales", '
        '"seconds": 1.5, "calls": 3, "paused": true, "code": null}'
    )


def test_json_keeps_awkward_texts_whole() -> None:
    assert json.loads(line("json", record(EVIL, path=EVIL))) == {
        "ts": "2026-01-02T03:04:05.678Z", "level": "info", "msg": EVIL, "path": EVIL,
    }  # fmt: skip


def failure(text: str) -> Any:
    """An exception with a cause and a traceback, as `exc_info` holds it."""
    try:
        try:
            raise OSError(f"GET https://1101.api.green-api.com/waInstance1101000001/getSettings/{TOKEN}")
        except OSError as cause:
            raise ValueError(text) from cause
    except ValueError:
        return sys.exc_info()


@BOTH
def test_a_traceback_is_one_field_of_the_line(form: str) -> None:
    shown = line(form, record("a bug", exc_info=failure("first\nsecond"), instance="sales"))
    assert shown.splitlines() == [shown]
    assert r"Traceback (most recent call last):\n" in shown
    assert r"ValueError: first\nsecond" in shown


def test_a_stack_is_one_field_of_the_line() -> None:
    made = record("slow")
    made.stack_info = 'Stack:\n  File "a.py"'
    assert line("logfmt", made).endswith(r'msg=slow stack="Stack:\n  File \"a.py\""')


@BOTH
def test_secrets_are_gone_wherever_they_stand(form: str) -> None:
    """In the message, its arguments, a field of any type, an exception, its cause and a misfit argument."""
    made = record(
        f"asked with {TOKEN} for %s", {"chat": "79001234567@c.us"}, exc_info=failure(f"bad token {TOKEN}"),
        url=f"https://1101.api.green-api.com/waInstance1101000001/getSettings/{TOKEN}", error=ValueError(TOKEN),
    )  # fmt: skip
    shown = line(form, made) + line(form, record("%d", TOKEN))
    assert TOKEN not in shown
    assert "79001234567" not in shown


@given(st.text(), st.text(), st.text())
def test_every_record_is_one_printable_line(message: str, key: str, text: str) -> None:
    fields: dict[str, Any] = {f"k{key}": text}
    made = record("%s", message, **fields)
    for form in FORMATS:
        shown = line(form, made)
        assert shown.isprintable()
        assert shown.splitlines() == [shown]
    assert json.loads(line("json", made))["msg"] == REDACTOR(message)


@given(st.text(), st.text())
def test_logfmt_values_end_where_they_should(first: str, second: str) -> None:
    """Whatever a value holds, the next key is found where the writer put it."""
    shown = line("logfmt", record("m", a=first, b=second))
    rest = shown.removeprefix("ts=2026-01-02T03:04:05.678Z level=info msg=m a=")
    if rest.startswith('"'):
        value, end = json.JSONDecoder().raw_decode(rest)
    else:
        end = rest.index(" ")
        value = rest[:end]
    assert value == REDACTOR(first)
    assert rest[end:].startswith(" b=")


PROGRAM = """
import logging, sys, warnings
from exporter import logs
from exporter.model import Secret
from exporter.redaction import Redactor
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
logs.configure(sys.argv[1], "logfmt", Redactor([Secret("{token}")]))
logging.getLogger("exporter.app").debug("small things")
logging.getLogger("exporter.app").info("ready", extra={{"fields": {{"instance": "sales"}}}})
logging.getLogger("aiohttp.access").error("GET /metrics")
logging.getLogger("asyncio").error("Task exception was never retrieved\\nurl {token}")
warnings.warn("old", DeprecationWarning, stacklevel=1)
class Rude:
    def __str__(self):
        raise RuntimeError("{token}")
logging.getLogger("exporter.app").error("nothing of this", extra={{"fields": {{"a": Rude()}}}})
logging.getLogger("exporter.app").error("end")
"""


def program(level: str) -> tuple[str, list[str]]:
    """Standard output, and the lines of standard error without their times, of a process that logs."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", PROGRAM.format(token=TOKEN), level],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout, [shown.partition(" ")[2] for shown in done.stderr.splitlines()]


def test_everything_goes_to_stderr_once_and_nothing_around_the_format() -> None:
    """Libraries and warnings included; the access log is off, and a record that cannot be written leaks nothing."""
    stdout, lines = program("info")
    assert stdout == ""
    assert lines[0] == "level=info msg=ready instance=sales"
    assert lines[1] == r'level=error msg="Task exception was never retrieved\nurl <redacted>" logger=asyncio'
    assert lines[2].startswith('level=warn msg="<string>:')
    assert lines[2].endswith("logger=py.warnings")
    assert lines[3:] == ["level=error msg=end"]


def test_the_level_decides_what_is_shown() -> None:
    assert program("debug")[1][0] == 'level=debug msg="small things"'
    assert program("error")[1][-1] == "level=error msg=end"
    assert len(program("error")[1]) == 2
