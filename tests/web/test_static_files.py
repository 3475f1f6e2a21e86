"""The page's files as they lie: what no browser is needed for."""

import re
from importlib.resources import files

import pytest

from encoders import MIN_CLASS_SCORE
from retrieval.report import THEME_PATH
from retrieval.report.modality_style import MODALITY_COLOURS, MODALITY_PLURALS
from retrieval.search import FUSION_RULES
from retrieval.web.request_guard import MAX_UPLOAD_BYTES
from retrieval.web.search_parameters import MAX_RESULTS
from spaces.circumplex import PRIOR_SD

STATIC = files("retrieval.web") / "static"
SOURCES = {path.name: path.read_text() for path in STATIC.iterdir()}
SCRIPTS = {name: text for name, text in SOURCES.items() if name.endswith(".js")}
PAGE = SOURCES["index.html"]


def test_colours_and_plurals_are_those_of_the_reports():
    script = SCRIPTS["modality_style.js"]
    for modality in ("image", "video", "audio"):
        assert f'{modality}: "{MODALITY_COLOURS[modality]}"' in script
        assert f'{modality}: "{MODALITY_PLURALS[modality]}"' in script
        assert f"--{modality}: {MODALITY_COLOURS[modality].lower()}" in THEME_PATH.read_text()


def test_limits_are_those_of_the_server_and_the_encoders():
    assert f"MAX_UPLOAD_BYTES = {MAX_UPLOAD_BYTES:_};" in SCRIPTS["uploads.js"]
    assert f"MAX_RESULTS = {MAX_RESULTS:_};" in SCRIPTS["search_session.js"]
    assert f"MIN_SCORE = {MIN_CLASS_SCORE};" in SCRIPTS["recognised_terms.js"]


def test_the_prior_of_the_page_is_that_of_the_plane():
    assert f"PRIOR_SD = {list(PRIOR_SD)};" in SCRIPTS["affect_certainty.js"]


def test_the_rules_that_give_no_chances_are_those_of_the_search():
    [rule] = [name for name, rule in FUSION_RULES.items() if not rule.is_probability]
    assert f'query.fusion !== "{rule}"' in SCRIPTS["address_state.js"]


def test_the_policy_of_the_page_allows_all_that_is_in_it():
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|<style", PAGE)
    for name, text in SCRIPTS.items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), name
    addresses = re.findall(r"(?:href|src)=\"([^\"]+)\"", PAGE)
    assert all(re.match(r"/(static/[\w.]+|\?view=library)?$|#", address) for address in addresses)
    assert not any(re.search(r"https?://(?!www\.w3\.org/)", text) for text in SOURCES.values())


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_module_imports_what_there_is(name):
    for imported, module in re.findall(
        r"^import \{([^}]+)\} from \"\./([\w.]+)\";", SCRIPTS[name], re.MULTILINE
    ):
        for symbol in filter(None, map(str.strip, imported.split(","))):
            pattern = (
                rf"^export (?:async )?(?:function|class|const) {symbol}\b|^export const \[.*\b{symbol}\b"
            )
            assert re.search(pattern, SCRIPTS[module], re.MULTILINE), f"{module} exports no {symbol}"


def test_every_element_that_a_module_looks_for_is_in_the_page():
    ids = re.findall(r'id="([^"]+)"', PAGE)
    assert len(ids) == len(set(ids))
    wanted = {found for text in SCRIPTS.values() for found in re.findall(r'findElement\("([^"]+)"\)', text)}
    assert wanted <= set(ids)
    icons = {
        found for text in SCRIPTS.values() for found in re.findall(r'createIcon(?:Button)?\("([^"]+)"', text)
    }
    assert {f"icon-{name}" for name in icons} <= set(ids)


def test_every_module_is_small():
    assert {name: text.count("\n") for name, text in SCRIPTS.items() if text.count("\n") > 250} == {}
