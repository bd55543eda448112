"""What the OpenAPI document says is what is answered, to requests that keep to it and to requests that do not."""

import re
from collections import Counter, defaultdict

import schemathesis
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from studio_server import SECRET, TOKEN

from corpus.app.links import cookie_value
from corpus.app.visitors import COOKIE

CONFIG = {
    "seed": 1,
    # credentials are given below; generated ones are tried on each route all the same
    "generation": {"deterministic": True, "max-examples": 6, "database": "none", "with-security-parameters": False},
    "phases": {"stateful": {"max-steps": 4, "generation": {"max-examples": 4}}},
}
# it finds the ids of all invitations, and would lock out the assessor whose cookie the other routes are tried with
LAST = "/api/admin/invitations/{invitation_id}/revoke"


def test_nothing_is_found_by_schemathesis(studio):
    ann = studio.join("ann")
    trial, spare = ann.next(), studio.invite("bob")
    link = studio.link(spare).rsplit("/", 1)[1]
    known = {"session_id": trial["id"], "invitation_id": spare.id, "token": link}
    cookie = cookie_value(SECRET, studio.book.invitations()[0].id)
    config = schemathesis.Config.from_dict(CONFIG)
    schema = schemathesis.openapi.from_asgi("/openapi.json", studio.app, config=config)

    @schema.auth(refresh_interval=None)
    class Credentials:
        """The administrator's where they are asked for, otherwise an assessor's."""

        def get(self, case, _):
            return "administrator" if "/admin" in case.path else "assessor"

        def set(self, case, who, _):
            if who == "administrator":
                case.headers["Authorization"] = f"Bearer {TOKEN}"
            else:
                case.cookies[COOKIE] = cookie
                case.headers.update(ann.headers)

    @schema.hook
    def map_path_parameters(context, parameters):
        # most ids are of what exists
        valid = {name: value for name, value in (parameters or {}).items() if re.fullmatch(r"[\w-]{1,80}", str(value))}
        return (parameters or {}) | {name: known[name] for name, value in valid.items() if len(value) % 4}

    answered, found = defaultdict(Counter), set()
    for part in (schema.exclude(path=LAST), schema.include(path=LAST)):
        for event in from_schema(part).execute():
            if isinstance(event, (NonFatalError, FatalError)):
                found.add(str(event))
            elif isinstance(event, ScenarioFinished):
                cases = {name: node.value for name, node in event.recorder.cases.items()}
                for name, interaction in event.recorder.interactions.items():
                    if interaction.response is not None:
                        answered[cases[name].operation.label][interaction.response.status_code] += 1
                for name, checks in event.recorder.checks.items():
                    for check in checks:
                        if check.status == Status.FAILURE:
                            message, request = check.failure_info.failure.message, cases[name].as_curl_command()
                            found.add(f"{check.name}: {message[:500]}\n  {request[:1000]}")
    assert not found, "\n\n".join(sorted(found))
    operations = {result.ok().label for result in schema.get_all_operations()}
    reached = {label for label, statuses in answered.items() if any(200 <= status < 400 for status in statuses)}
    # the token itself is not guessed
    assert operations - reached <= {"POST /admin/login"}
