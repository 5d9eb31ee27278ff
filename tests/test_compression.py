"""gzip by either library: what any client unpacks is what went in."""

from __future__ import annotations

import gzip
import platform
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.compression import COMPRESSORS, Compressor, gzipped


def test_isal_is_at_hand_and_preferred_on_the_machines_it_is_built_for() -> None:
    built_for = {"x86_64", "AMD64", "aarch64", "arm64"}
    assert list(COMPRESSORS) == ["zlib", "isal"][: 2 if platform.machine() in built_for else 1]


@pytest.mark.parametrize("compressor", COMPRESSORS.values(), ids=COMPRESSORS)
@given(blocks=st.lists(st.binary(max_size=2_000) | st.just(b'greenapi_up{name="a"} 1.0\n' * 500), max_size=20))
def test_the_blocks_come_out_as_they_went_in(compressor: Callable[[], Compressor], blocks: list[bytes]) -> None:
    assert gzip.decompress(gzipped(blocks, compressor)) == b"".join(blocks)


@pytest.mark.parametrize("compressor", COMPRESSORS.values(), ids=COMPRESSORS)
def test_an_answer_is_one_member_for_some_clients_read_no_second(compressor: Callable[[], Compressor]) -> None:
    reader = zlib.decompressobj(wbits=31)
    packed = gzipped([b"a" * 100_000, b"b" * 100_000], compressor)
    assert reader.decompress(packed) == b"a" * 100_000 + b"b" * 100_000
    assert reader.eof and not reader.unused_data
