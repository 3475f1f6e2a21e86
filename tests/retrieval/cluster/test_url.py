"""URLs of libraries in Milvus."""

from pathlib import Path

import pytest
from command_output import bad
from hypothesis import given
from hypothesis import strategies as st

from encoders import AffectError
from retrieval.cluster.url import MilvusUrl
from retrieval.library_location import parse_location, require_folder


def test_parts_of_a_url():
    url = MilvusUrl.parse("milvus://me:p%40ss@db.example:1234/photos?patience=5")
    assert (url.host, url.port, url.name, url.patience) == ("db.example", 1234, "photos", 5)
    assert (url.user, url.password, url.server) == ("me", "p@ss", "http://db.example:1234")
    assert str(url) == "milvus://db.example:1234/photos" and "p@ss" not in repr(url)
    assert MilvusUrl.parse("milvus+tls://[::1]/a").server == "https://[::1]:19530"


@pytest.mark.parametrize(
    "text",
    [
        "milvus://", "milvus://host", "milvus://host/", "milvus://host/a/b", "milvus://host/1a", "milvus:///a",
        "milvus://host:port/a", "milvus://host:99999/a", "milvus://host/a?x=1", "milvus://host/a?patience=no",
        "milvus://host/a?patience=-1", "milvus://host/a?patience=nan", "http://host/a", "://", "milvus://[/a",
        "milvus://host/" + "a" * 65, "milvus://me:secret@host/1",
    ],
)  # fmt: skip
def test_bad_urls_are_one_line(text):
    with pytest.raises(AffectError) as error:
        parse_location(text)
    assert "\n" not in str(error.value) and "secret" not in str(error.value)
    assert bad("info", "--library", text).count("\n") == 1


def test_anything_else_is_a_folder(tmp_path):
    assert parse_location("milvus") == Path("milvus") and parse_location(str(tmp_path)) == tmp_path
    assert require_folder(tmp_path, "x") == tmp_path
    with pytest.raises(AffectError, match="affect map works on a library in a folder"):
        require_folder(MilvusUrl.parse("milvus://host/a"), "affect map")


@given(
    user=st.text(min_size=1),
    password=st.text(),
    host=st.sampled_from(["milvus.example", "127.0.0.1", "::1"]),
    patience=st.floats(0, 86400),
)
def test_the_full_text_reads_back_and_the_short_one_hides_the_password(user, password, host, patience):
    url = MilvusUrl(
        scheme="milvus", host=host, port=1, name="a", patience=patience, user=user, password=password
    )
    assert MilvusUrl.parse(url.to_full_text()) == url
    assert str(url).count("@") == 0
