"""`gamac-meta assess`: people order partitions in a web studio, and what they said comes out again."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gamac_meta.arguments import PROGRAM, add_command, at_least, positive
from gamac_meta.exceptions import CorpusError, InvalidInputError

if TYPE_CHECKING:
    from corpus.sessions import Invitation, SessionBook
    from corpus.store import CorpusStore

SECRET = "GAMAC_META_STUDIO_SECRET"  # noqa: S105 - the name of a variable
ADMIN = "GAMAC_META_STUDIO_ADMIN"
SECRET_FILE = "studio.secret"  # noqa: S105 - the name of a file
ADDRESS = "http://127.0.0.1:8000"
PROTOCOLS = ("binary_insertion", "bradley_terry")
LANGUAGES = ("en", "ru")
LINKS_LAST = 30  # days
LONGEST = 3650  # days that a link may be good for
MOST_DATASETS = 1_000_000
QUOTA = 20  # data sets of an invitation
WANTED = 5  # orders of a data set
TABLES = (".parquet", ".csv", ".tsv")


def add_commands(commands: Any) -> None:
    """The commands under `assess`."""
    assess = commands.add_parser(
        "assess", help="people order partitions by eye: a web studio", description="People order partitions by eye."
    )
    parts = assess.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = add_command(parts, "serve", serve, "the web studio for a corpus")
    _add_places(command)
    command.add_argument("--host", metavar="HOST", default="127.0.0.1", help="to listen on (default: 127.0.0.1)")
    command.add_argument("--port", metavar="N", type=_port, default=8000, help="default: 8000")
    _add_address(command)
    command.add_argument(
        "--wanted", metavar="N", type=positive, default=WANTED, help=f"orders of each data set (default: {WANTED})"
    )
    command.add_argument("--datasets", metavar="A-B,C", type=_ranges, help="which, by number (default: all)")

    command = add_command(parts, "invite", invite, "a link for each assessor")
    command.add_argument("names", metavar="NAME", nargs="+", help="pseudonyms of the assessors")
    _add_places(command)
    _add_address(command)
    command.add_argument(
        "--quota", metavar="N", type=positive, default=QUOTA, help=f"data sets for each (default: {QUOTA})"
    )
    command.add_argument(
        "--days", metavar="N", type=_days, default=LINKS_LAST, help=f"the link is good for (default: {LINKS_LAST})"
    )
    command.add_argument("--protocol", choices=PROTOCOLS, default=PROTOCOLS[0], help=f"default: {PROTOCOLS[0]}")
    command.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help="of the page (default: en)")

    command = add_command(parts, "revoke", revoke, "links of assessors are good no longer; their answers stay")
    command.add_argument("names", metavar="NAME", nargs="+", help="pseudonyms of the assessors")
    _add_places(command)

    command = add_command(parts, "status", status, "how far the assessors are, and how well they agree")
    _add_places(command)
    command.add_argument("--json", action="store_true", help="everything, for programs")

    command = add_command(parts, "export", export, "everything the assessors did, as a file")
    _add_places(command)
    command.add_argument(
        "--out", metavar="OUT", type=Path, required=True, help=".jsonl (all), or a table: .parquet, .csv, .tsv"
    )
    command.add_argument("--orders", action="store_true", help="a table of the orders instead of the answers")

    command = add_command(parts, "import", import_, "sessions that were exported, or orders from elsewhere")
    command.add_argument("file", metavar="FILE", type=Path)
    _add_places(command)
    command.add_argument(
        "--format",
        choices=("sessions", "csv", "gamac"),
        default="sessions",
        help="sessions: made by export (default); csv: orders, a column per candidate; gamac: GaMAC's assessor files",
    )
    command.add_argument("--assessor", metavar="NAME", help="whose orders they are, where the file does not say")
    command.add_argument(
        "--mapping", metavar="FILE", type=Path, help="for gamac: which data set a path is, a CSV of path and dataset"
    )


def serve(arguments: argparse.Namespace) -> None:
    """gamac-meta assess serve"""
    _require_studio()
    import uvicorn

    from corpus.app.server import create_app

    # refused before a secret is kept for what is no corpus
    _store(arguments)
    admin = os.environ.get(ADMIN) or None
    address = arguments.url or f"http://{_bracketed(arguments.host)}:{arguments.port}"
    app = create_app(
        arguments.corpus,
        db=arguments.db,
        secret=studio_secret(arguments.corpus),
        admin_token=admin,
        base_url=address,
        wanted=arguments.wanted,
        indices=arguments.datasets,
    )
    config = uvicorn.Config(
        app, host=arguments.host, port=arguments.port, log_level="warning", access_log=False, server_header=False
    )
    try:
        listening = config.bind_socket()
    except SystemExit:
        # uvicorn has said why on standard error
        raise CorpusError(f"the studio must have a free port, got {arguments.host}:{arguments.port}") from None
    print(f"studio: {address}; links for assessors: {PROGRAM} assess invite NAME --corpus {arguments.corpus}")
    print(f"admin:  {address}/admin" if admin else f"admin:  off; set {ADMIN} to a long random token to have it")
    sys.stdout.flush()
    # a server that is told to stop has done what it should; uvicorn ends what is under way, then passes the signal on
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        print("stopped; every answer that was acknowledged is stored")


def invite(arguments: argparse.Namespace) -> None:
    """gamac-meta assess invite NAME"""
    _require_studio()
    from corpus.app.links import invitation_link, origin, require_secret
    from corpus.session_records import require_person

    # all are refused, or none
    _store(arguments)
    secret, address = require_secret(studio_secret(arguments.corpus)), origin(arguments.url or ADDRESS)
    for name in arguments.names:
        require_person(name)
    expires = datetime.now(UTC) + timedelta(days=arguments.days)
    with _book(arguments) as book:
        for name in arguments.names:
            invitation = book.invite(
                name, expires=expires, quota=arguments.quota, protocol=arguments.protocol, language=arguments.language
            )
            print(f"{name}\t{invitation_link(address, secret, invitation)}")


def revoke(arguments: argparse.Namespace) -> None:
    """gamac-meta assess revoke NAME"""
    with _book(arguments) as book:
        valid = _valid(book.invitations())
        unknown = sorted(set(arguments.names) - {invitation.assessor for invitation in valid})
        if unknown:
            raise InvalidInputError(f"names must be of assessors with a link that is good, got {', '.join(unknown)}")
        for invitation in valid:
            if invitation.assessor in arguments.names:
                book.revoke(invitation.id)
                print(f"revoked the link of {invitation.assessor} made {invitation.created:%Y-%m-%d %H:%M}")


def status(arguments: argparse.Namespace) -> None:
    """gamac-meta assess status"""
    from corpus.reliability import agreement_report

    with _book(arguments) as book:
        report = agreement_report(book)
    if arguments.json:
        print(json.dumps(report.to_record(), indent=1, allow_nan=False))
    else:
        print(report)


def export(arguments: argparse.Namespace) -> None:
    """gamac-meta assess export"""
    known = TABLES if arguments.orders else (".jsonl", *TABLES)
    if arguments.out.suffix.lower() not in known:
        raise InvalidInputError(f"the output must end in one of {', '.join(known)}, got {str(arguments.out)!r}")
    from corpus.exchange import export_orders, export_sessions

    with _book(arguments) as book:
        (export_orders if arguments.orders else export_sessions)(book, arguments.out)
    print(f"wrote {arguments.out}")


def import_(arguments: argparse.Namespace) -> None:
    """gamac-meta assess import FILE"""
    from corpus.exchange import import_orders, import_sessions

    if arguments.format == "sessions":
        with _book(arguments) as book:
            print(import_sessions(book, arguments.file))
        return
    with _store(arguments) as store:
        found = import_orders(
            store,
            arguments.file,
            format=arguments.format,
            assessor=arguments.assessor,
            mapping=arguments.mapping,
        )
    print(found)


def studio_secret(corpus: Path) -> str:
    """What links are signed with: from the environment, or a file beside the corpus, made once, for its owner alone."""
    given = os.environ.get(SECRET)
    if given is not None:
        return given
    path = Path(corpus) / SECRET_FILE
    try:
        if not path.exists():
            # readable by its owner alone
            descriptor, beside = tempfile.mkstemp(dir=corpus, prefix=f".{SECRET_FILE}.")
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_urlsafe(32))
                    file.flush()
                    os.fsync(file.fileno())
                # whole or not there, and the first of several processes wins
                with suppress(FileExistsError):
                    os.link(beside, path)
            finally:
                Path(beside).unlink()
        return path.read_text()
    except OSError as error:
        raise CorpusError(
            f"{path} cannot hold the secret of the studio: {error.strerror or error}; set {SECRET} instead"
        ) from None


def _valid(invitations: Sequence[Invitation]) -> list[Invitation]:
    now = datetime.now(UTC)
    return [found for found in invitations if found.revoked is None and found.expires > now]


def _store(arguments: argparse.Namespace) -> CorpusStore:
    from corpus.store import CorpusStore

    return CorpusStore(arguments.corpus, arguments.db)


def _book(arguments: argparse.Namespace) -> SessionBook:
    from corpus.sessions import SessionBook

    # refused before a database is made for what is no corpus
    return SessionBook(_store(arguments).orders_place)


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", metavar="DIR", type=Path, required=True, help="made by corpus build")
    parser.add_argument("--db", metavar="URL", help="database of the answers (default: SQLite in DIR)")


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", metavar="URL", help=f"where assessors reach the studio (default: {ADDRESS})")


def _require_studio() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("fastapi", "itsdangerous", "jinja2", "limits", "uvicorn") if find_spec(name) is None]
    if missing:
        raise InvalidInputError(f"the studio needs {', '.join(missing)}: pip install 'gamac-meta[studio]'")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _port(text: str) -> int:
    port = at_least(text, 1)
    if port > 65535:
        raise argparse.ArgumentTypeError(f"must be a port, 1 to 65535, got {text!r}")
    return port


def _days(text: str) -> int:
    days = positive(text)
    if days > LONGEST:
        raise argparse.ArgumentTypeError(f"must be <= {LONGEST}, got {text!r}")
    return days


def _ranges(text: str) -> list[int]:
    """Numbers and ranges of them, both ends included."""
    found: set[int] = set()
    for part in text.split(","):
        ends = part.split("-")
        if len(ends) > 2 or not all(end.strip().isdecimal() for end in ends) or int(ends[0]) > int(ends[-1]):
            raise argparse.ArgumentTypeError(f"must be numbers or ranges such as 0-99,120, got {text!r}")
        if int(ends[-1]) >= MOST_DATASETS:
            raise argparse.ArgumentTypeError(f"must be numbers below {MOST_DATASETS}, got {text!r}")
        found |= set(range(int(ends[0]), int(ends[-1]) + 1))
    return sorted(found)
