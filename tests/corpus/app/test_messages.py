# ruff: noqa: RUF001 - Cyrillic letters are meant
"""Texts of the page: both languages have the same keys and placeholders, and every key that is used is there."""

import re
from pathlib import Path

import pytest

from corpus.app import messages
from corpus.app.messages import LANGUAGES, MESSAGES, texts

APP = Path(messages.__file__).parent
PAGES = [APP / "templates" / name for name in ("base.html", "notice.html", "studio.html")]
SCRIPTS = sorted((APP / "static").glob("*.js"))
GROUPS = {key.split(".")[0] for key in MESSAGES}


def used():
    """Every key that a template or a script names, and the first parts of keys that are put together."""
    found, parts = set(), set()
    for page in PAGES:
        text = page.read_text()
        found |= set(re.findall(r'(?:text\(|\bt\[|data-text=|data-label=)["\']([a-z_.]+)["\']', text))
        found |= set(re.findall(r'messages\[code\]\["([a-z_.]+)"\]', text))
        for pair in re.findall(r'both\("([a-z_.]+)", "([a-z_.]+)"\)', text):
            found |= set(pair)
        parts |= set(re.findall(r'"([a-z_]+)\." ~', text))
    for script in SCRIPTS:
        text = script.read_text()
        found |= {key for key in re.findall(r'"([a-z]+\.(?!js")[a-z_]+)"', text) if key.split(".")[0] in GROUPS}
        found |= set(re.findall(r'(?:say|toast)\("([a-z_.]+)"', text))
        parts |= set(re.findall(r"`([a-z]+)\.\$\{", text))
    return found, parts


def placeholders(text):
    return sorted(re.findall(r"\{(\w+)\}", text))


def test_every_language_has_every_key():
    tables = [texts(language) for language in LANGUAGES]
    assert all(set(table) == set(MESSAGES) for table in tables)
    assert all(text.strip() == text != "" for table in tables for text in table.values())


@pytest.mark.parametrize("key", MESSAGES)
def test_languages_fill_in_the_same_things(key):
    english, russian = MESSAGES[key]
    assert placeholders(english) == placeholders(russian)
    assert re.search("[А-яЁё]", russian)
    assert not re.search("[А-яЁё]", english)


def test_every_key_that_is_used_exists():
    found, parts = used()
    assert found - set(MESSAGES) == set()
    assert parts <= GROUPS
    assert len(found) > 60


def test_every_text_is_used():
    found, parts = used()
    assert {key for key in set(MESSAGES) - found if key.split(".")[0] not in parts} == set()
