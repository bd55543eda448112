"""The page may fetch the next data set while the last is worked on, and no more than that."""

from studio_server import event

from corpus.sessions import PRACTICE


def test_next_session_is_opened_ahead(studio):
    ann = studio.join()
    first = ann.past_practice()
    ahead = ann.post("/api/sessions", {"after": first["id"]}).json()["session"]
    assert ahead["number"] == 2
    assert ann.post("/api/sessions", {"after": first["id"]}).json()["session"] == ahead
    assert ann.next()["id"] == first["id"]  # what was begun first comes first
    assert ann.post("/api/sessions", {"after": ahead["id"]}).json()["session"]["id"] == first["id"]
    ann.send(first["id"], event(0, "decline"))
    assert ann.next()["id"] == ahead["id"]


def test_practice_may_be_followed_ahead(studio):
    ann = studio.join()
    practice = ann.next()
    ahead = ann.post("/api/sessions", {"after": practice["id"]}).json()["session"]
    assert (practice["practice"], ahead["practice"]) == (True, False)
    assert ann.next()["id"] == practice["id"]


def test_quota_holds_ahead(studio):
    ann = studio.join(quota=1)
    first = ann.past_practice()
    assert ann.post("/api/sessions", {"after": first["id"]}).json() == {"session": None}
    assert sum(session.key != PRACTICE for session in studio.book.sessions("ann")) == 1


def test_session_of_nobody_changes_nothing(studio):
    ann = studio.join()
    first = ann.past_practice()
    assert ann.post("/api/sessions", {"after": "nobody"}).json()["session"]["id"] == first["id"]
    assert ann.post("/api/sessions", {"after": "../x"}).status_code == 400
