"""A studio with a tiny corpus, in this process."""

import os
import shutil
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from studio_server import SECRET, TOKEN, Assessor

from corpus.app.links import invitation_link
from corpus.app.security import Limits
from corpus.app.server import create_app
from corpus.app.studio import Studio
from corpus.store import CorpusStore

with warnings.catch_warnings():
    # it prefers a newer client library where there is one
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

CHROMIUM = "GAMAC_META_TEST_CHROMIUM"
GENEROUS = Limits(assessor="100000/minute", address="100000/minute", entry="100000/minute", login="100000/minute")


@dataclass
class StudioOfTest:
    """An application and what a test needs around it."""

    app: FastAPI
    corpus: Path

    @property
    def inner(self) -> Studio:
        return self.app.state.studio

    @property
    def book(self):
        return self.inner.book

    def client(self, **options):
        """Somebody's browser, nobody's yet."""
        return TestClient(self.app, base_url=self.inner.origin, **options)

    def invite(self, name="ann", *, days=1.0, **options):
        return self.book.invite(name, expires=datetime.now(UTC) + timedelta(days=days), **options)

    def link(self, invitation):
        return invitation_link(self.inner.origin, self.inner.secret, invitation)

    def join(self, name="ann", **options):
        """An assessor who has followed a new link."""
        return Assessor(self.client(), self.link(self.invite(name, **options)))

    def admin(self):
        """The administrator's client."""
        return self.client(headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture(scope="session")
def browser():
    """Chromium; one for all tests, since there cannot be two at once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=os.environ[CHROMIUM], args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def template_corpus(tmp_path_factory, small_entry):
    directory = tmp_path_factory.mktemp("studio") / "corpus"
    with CorpusStore(directory, create=True) as store:
        for index in range(3):
            store.write(small_entry(index, n=60))
    return directory


@pytest.fixture
def tiny_corpus(tmp_path, template_corpus):
    """A corpus of three data sets of 4 candidates and 60 points."""
    return Path(shutil.copytree(template_corpus, tmp_path / "corpus"))


@pytest.fixture
def open_studio(tiny_corpus):
    """Make a studio with other settings."""
    opened = []

    def make(**settings):
        settings = {"secret": SECRET, "admin_token": TOKEN, "limits": GENEROUS} | settings
        studio = StudioOfTest(create_app(settings.pop("corpus", tiny_corpus), **settings), tiny_corpus)
        opened.append(studio)
        return studio

    yield make
    for studio in opened:
        studio.inner.close()


@pytest.fixture
def studio(open_studio):
    """A studio with a tiny corpus; its limits are out of the way."""
    return open_studio()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def answers_url(request):
    """Where answers go: None is the corpus's own SQLite file."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
