"""The commands of the studio, as a research group runs them."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from corpus import protocols, sessions
from corpus.app.links import read_link
from corpus.sessions import SessionBook
from corpus.store import CorpusStore
from gamac_meta import assess, cli
from gamac_meta.exceptions import CorpusError

RUN = [sys.executable, "-m", "gamac_meta.cli", "assess"]
SECRET = "long enough to sign links with in tests"


@pytest.fixture
def tiny_corpus(tmp_path, small_entry, monkeypatch):
    monkeypatch.delenv(assess.SECRET, raising=False)
    monkeypatch.delenv(assess.ADMIN, raising=False)
    with CorpusStore(tmp_path / "corpus", create=True) as store:
        for index in range(3):
            store.write(small_entry(index, n=60))
    return tmp_path / "corpus"


@pytest.fixture
def book(tiny_corpus):
    with SessionBook(tiny_corpus / "orders.sqlite") as book:
        yield book


def ran(capsys, *argv):
    """What a command prints."""
    assert cli.main(["assess", *map(str, argv)]) == 0
    return capsys.readouterr().out


def refused(capsys, *argv):
    """The one line that a refused command prints."""
    try:
        status = cli.main(["assess", *map(str, argv)])
    except SystemExit as error:
        status = error.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("gamac-meta: error: ")
    assert err.count("\n") == 1
    return err


def test_choices_are_those_of_the_studio():
    # written down once more, so that a command line costs no import
    assert tuple(protocols.PROTOCOLS) == assess.PROTOCOLS
    assert assess.LANGUAGES == sessions.LANGUAGES


def test_an_invitation_is_a_link_that_the_studio_reads(tiny_corpus, book, capsys):
    printed = ran(
        capsys, "invite", "ann", "ben", "--corpus", tiny_corpus, "--quota", "7", "--days", "3", "--language", "ru",
        "--protocol", "bradley_terry", "--url", "https://studio.example.org",
    )  # fmt: skip
    lines = [line.split("\t") for line in printed.splitlines()]
    assert [name for name, _ in lines] == ["ann", "ben"]
    secret = (tiny_corpus / assess.SECRET_FILE).read_text()
    for name, link in lines:
        assert link.startswith("https://studio.example.org/join/")
        invitation = book.invitation(read_link(secret, link.rsplit("/", 1)[1]))
        assert invitation.assessor == name
        assert (invitation.quota, invitation.protocol, invitation.language) == (7, "bradley_terry", "ru")
        assert (invitation.expires - invitation.created).days in (2, 3)


def test_a_name_that_is_refused_invites_nobody(tiny_corpus, book, capsys):
    assert "simulated" in refused(capsys, "invite", "ann", "simulated-1", "--corpus", tiny_corpus)
    assert book.invitations() == ()


def test_a_link_that_outlives_the_calendar_is_refused(tiny_corpus, book, capsys):
    assert "must be <= 3650" in refused(capsys, "invite", "ann", "--corpus", tiny_corpus, "--days", "999999999")
    assert book.invitations() == ()


def test_revoked_links_are_good_no_longer(tiny_corpus, book, capsys):
    ran(capsys, "invite", "ann", "ben", "--corpus", tiny_corpus)
    ran(capsys, "invite", "ann", "--corpus", tiny_corpus)
    printed = ran(capsys, "revoke", "ann", "--corpus", tiny_corpus)
    assert printed.count("revoked the link of ann") == 2
    revoked = {(invitation.assessor, invitation.revoked is not None) for invitation in book.invitations()}
    assert revoked == {("ann", True), ("ben", False)}
    assert "got ann" in refused(capsys, "revoke", "ann", "ben", "--corpus", tiny_corpus)
    assert [invitation.revoked for invitation in book.invitations() if invitation.assessor == "ben"] == [None]


def test_the_secret_is_made_once_for_its_owner_alone(tiny_corpus):
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(assess.studio_secret, [tiny_corpus] * 8))
    assert len(found) == 1
    assert len(found.pop()) >= 32
    path = tiny_corpus / assess.SECRET_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tiny_corpus.glob(f".{assess.SECRET_FILE}*")] == []


def test_the_secret_of_the_environment_comes_first(tiny_corpus, monkeypatch):
    monkeypatch.setenv(assess.SECRET, SECRET)
    assert assess.studio_secret(tiny_corpus) == SECRET
    assert not (tiny_corpus / assess.SECRET_FILE).exists()


def test_a_secret_that_cannot_be_kept_is_an_error(tmp_path):
    with pytest.raises(CorpusError, match=r"cannot hold the secret .* set GAMAC_META_STUDIO_SECRET"):
        assess.studio_secret(tmp_path / "none")


def test_a_short_secret_is_refused(tiny_corpus, book, capsys, monkeypatch):
    monkeypatch.setenv(assess.SECRET, "short")
    assert "at least 16 characters, got 5" in refused(capsys, "invite", "ann", "--corpus", tiny_corpus)
    assert book.invitations() == ()


@pytest.mark.parametrize("command", ["serve", "status", "revoke ann", "invite ann"])
def test_what_is_no_corpus_is_left_as_it_is(tmp_path, capsys, command):
    (tmp_path / "empty").mkdir()
    assert "corpus" in refused(capsys, *command.split(), "--corpus", tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--port", "0", ">= 1"),
        ("--port", "70000", "1 to 65535"),
        ("--datasets", "3-1", "0-99,120"),
        ("--datasets", "a", "0-99,120"),
        ("--datasets", "0-99999999999999", "below 1000000"),
        ("--datasets", "0,77", r"got [77]"),
        ("--wanted", "0", ">= 1"),
        ("--url", "studio", "https://host"),
    ],
)
def test_settings_that_break_a_rule_are_refused(tiny_corpus, capsys, option, value, rule):
    assert rule in refused(capsys, "serve", "--corpus", tiny_corpus, option, value)


def test_ranges_hold_both_ends():
    assert assess._ranges("7,0-2, 2-3") == [0, 1, 2, 3, 7]


def test_export_says_which_files_it_writes(tiny_corpus, tmp_path, capsys):
    out = tmp_path / "a.txt"
    assert ".jsonl, .parquet, .csv, .tsv" in refused(capsys, "export", "--corpus", tiny_corpus, "--out", out)
    out = tmp_path / "a.jsonl"
    assert "one of .parquet, .csv, .tsv" in refused(capsys, "export", "--corpus", tiny_corpus, "--orders", "--out", out)


def test_status_before_anybody_came(tiny_corpus, capsys):
    assert "0" in ran(capsys, "status", "--corpus", tiny_corpus)
    assert json.loads(ran(capsys, "status", "--corpus", tiny_corpus, "--json"))["assessors"] == []


def test_without_its_packages_the_studio_says_what_to_install(tiny_corpus, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "fastapi" else name)
    message = refused(capsys, "serve", "--corpus", tiny_corpus)
    assert "needs fastapi: pip install 'gamac-meta[studio]'" in message


def serving(corpus, *options, **environment):
    """A studio in a process of its own, and what it printed once it is there."""
    server = subprocess.Popen(
        [*RUN, "serve", "--corpus", str(corpus), *options],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return server, server.stdout.readline() + server.stdout.readline()


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(address):
    """What is there, once it is."""
    for _ in range(900):
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return response.read().decode()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_serve_until_told_to_stop(tiny_corpus, free_port, sent):
    server, printed = serving(tiny_corpus, "--port", str(free_port), GAMAC_META_STUDIO_ADMIN="the token of tests")
    with server:
        assert f"http://127.0.0.1:{free_port}/admin" in printed
        assert "the token of tests" not in printed
        assert json.loads(answer(f"http://127.0.0.1:{free_port}/health")) == {"status": "ok"}
        server.send_signal(sent)
        out, err = server.communicate(timeout=60)
    assert (server.returncode, err) == (0, "")
    assert "every answer that was acknowledged is stored" in out


def test_the_admin_pages_are_off_without_a_token(tiny_corpus, free_port):
    server, printed = serving(tiny_corpus, "--port", str(free_port))
    with server:
        assert re.search(r"admin: +off; set GAMAC_META_STUDIO_ADMIN", printed)
        answer(f"http://127.0.0.1:{free_port}/health")
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"http://127.0.0.1:{free_port}/admin", timeout=5)
        refusal.value.close()
        assert refusal.value.code == 404
        server.kill()


def test_a_port_that_is_taken_is_an_error(tiny_corpus):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*RUN, "serve", "--corpus", str(tiny_corpus), "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"must have a free port, got 127.0.0.1:{port}" in done.stderr.splitlines()[-1]
