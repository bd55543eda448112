"""Only what was signed here opens anything, and a signature for one purpose opens nothing else."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.app.links import (
    admin_cookie,
    cookie_value,
    invitation_link,
    is_admin_cookie,
    page_token,
    read_cookie,
    read_link,
)
from corpus.sessions import Invitation
from gamac_meta.exceptions import InvalidInputError

SECRET = "a secret that is long enough"
INVITATION = Invitation(
    "9f3c71d80a5be264c1f7028d6b94e35a",
    "<b>ann</b>",
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
    None,
    20,
    "binary_insertion",
    "en",
)


def token_of(link):
    return link.rsplit("/", 1)[1]


def test_a_link_leads_back_to_its_invitation():
    link = invitation_link("https://studio.example/", SECRET, INVITATION)
    assert link.startswith("https://studio.example/join/")
    assert read_link(SECRET, token_of(link)) == INVITATION.id


def test_a_link_tells_nobody_who_is_invited():
    token = token_of(invitation_link("http://a", SECRET, INVITATION))
    payload = urlsafe_b64decode(token.split(".")[0] + "==").decode()
    assert payload == f'"{INVITATION.id}"'


def test_another_secret_opens_nothing():
    token = token_of(invitation_link("http://a", SECRET, INVITATION))
    with pytest.raises(InvalidInputError, match="not made here"):
        read_link(SECRET + "!", token)


def test_links_and_cookies_are_not_exchangeable():
    token = token_of(invitation_link("http://a", SECRET, INVITATION))
    with pytest.raises(InvalidInputError):
        read_cookie(SECRET, token)
    with pytest.raises(InvalidInputError):
        read_link(SECRET, cookie_value(SECRET, INVITATION.id))
    with pytest.raises(InvalidInputError):
        read_cookie(SECRET, f"{INVITATION.id}.{page_token(SECRET, INVITATION.id)}")


@given(st.data())
def test_every_changed_character_is_noticed(data):
    token = token_of(invitation_link("http://a", SECRET, INVITATION))
    place = data.draw(st.integers(0, len(token) - 2))  # the last carries bits that decoding drops
    other = data.draw(st.sampled_from("ABCabc019-_.").filter(lambda letter: letter != token[place]))
    with pytest.raises(InvalidInputError):
        read_link(SECRET, token[:place] + other + token[place + 1 :])


@given(st.text(max_size=400))
def test_garbage_is_refused_in_words(text):
    with pytest.raises(InvalidInputError):
        read_link(SECRET, text)
    with pytest.raises(InvalidInputError):
        read_cookie(SECRET, text)
    assert not is_admin_cookie(SECRET, "token", text, 100)


def test_an_administrator_is_out_once_the_token_or_the_secret_is_another():
    value = admin_cookie(SECRET, "token")
    assert is_admin_cookie(SECRET, "token", value, 100)
    assert not is_admin_cookie(SECRET, "other", value, 100)
    assert not is_admin_cookie(SECRET + "!", "token", value, 100)
    assert not is_admin_cookie(SECRET, "token", value, -1)


def test_page_tokens_are_of_one_assessor():
    assert page_token(SECRET, "one") != page_token(SECRET, "two")
    assert page_token(SECRET, "one") == page_token(SECRET, "one")


@pytest.mark.parametrize(
    "url",
    ["", "studio.example", "ftp://a", "http://", "http://a:b", "http://a/b", "http://a?b", "http://u@a", "http://a:0"],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InvalidInputError, match="base_url must look like"):
        invitation_link(url, SECRET, INVITATION)


def test_a_short_secret_is_refused():
    with pytest.raises(InvalidInputError, match="at least 16 characters, got 5"):
        invitation_link("http://a", "short", INVITATION)
