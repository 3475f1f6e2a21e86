"""CITATION.cff: valid in what CFF 1.2.0 requires, and of this version."""

import configparser
import re

import pytest
import yaml
from repository import ROOT


@pytest.fixture(scope="module")
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def package():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser["metadata"]


def test_it_is_of_this_package(citation, package):
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["title"] == package["name"]
    assert str(citation["version"]) == package["version"]
    assert citation["license"] == package["license"]
    assert citation["message"] and citation["keywords"] == package["keywords"].split(", ")


def test_everybody_has_a_name(citation):
    for work in (citation, *citation["references"]):
        assert work["title"] and work["authors"], work
        for author in work["authors"]:
            assert author.keys() in ({"name"}, {"family-names", "given-names"})
            assert all(isinstance(part, str) and part for part in author.values())


def test_works_it_builds_on_have_a_year_and_a_place(citation):
    assert len(citation["references"]) >= 5
    for work in citation["references"]:
        assert 1900 < work["year"] < 2030
        assert {"article": "journal", "conference-paper": "collection-title"}[work["type"]] in work
        assert re.fullmatch(r"10\.\d{4,}/\S+", work.get("doi", "10.0000/none"))
