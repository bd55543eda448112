"""The studio with a real server and a real browser."""

import pytest
from studio_browser import Desk
from studio_server import serve

from corpus.store import CorpusStore

GENEROUS = dict.fromkeys(("assessor", "address", "entry", "login"), "100000/minute")


@pytest.fixture(scope="session")
def served(request, tmp_path_factory, small_entry):
    """A server with three data sets of 5 candidates; (server, corpus, place of the answers)."""
    corpus = tmp_path_factory.mktemp("studio") / "corpus"
    with CorpusStore(corpus, create=True) as store:
        for index in range(3):
            store.write(small_entry(index, n=80, p=5))
    url = request.getfixturevalue("new_database")() if getattr(request, "param", "sqlite") == "postgresql" else None
    with serve(corpus, db=url, limits=GENEROUS) as server:
        yield server, corpus, url or corpus / "orders.sqlite"


@pytest.fixture
def desk(served, browser):
    """The running studio; contexts that a test opens are closed after it."""
    desk = Desk(served[0], browser, *served[1:])
    yield desk
    for context in browser.contexts:
        context.close()
    desk.book.close()


@pytest.fixture
def newcomer(desk):
    """Invite somebody and sit them down: (name, work)."""

    def sit(*, practiced=True, quota=20, language="en", **options):
        name, link = desk.invite(practiced=practiced, quota=quota, language=language)
        return name, desk.sit(link, **options)

    return sit
