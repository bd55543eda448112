"""The administrator at the page: invites, copies, revokes."""

import re

import pytest
from playwright.sync_api import expect
from studio_browser import DESKTOP, PHONE
from studio_server import TOKEN

pytestmark = pytest.mark.browser


@pytest.fixture
def admin(desk):
    """Log in by the form: (page, what went wrong in it)."""

    def enter(**options):
        page, errors = desk.context(**options).new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{desk.server.url}/admin")
        # only the form's answer is 401
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Invitations")).to_be_visible()
        return page, errors

    return enter


def invite(page, name):
    page.get_by_label("Name or pseudonym").fill(name)
    page.get_by_label("Data sets", exact=True).fill("7")
    page.get_by_label("Language").select_option("ru")
    page.get_by_role("button", name="Invite").click()


def test_an_invitation_made_here_lets_its_assessor_in_until_it_is_revoked(desk, admin):
    page, errors = admin()
    invite(page, "  <b>dora</b> ")
    expect(page.get_by_role("status")).to_have_text("<b>dora</b> is invited; the link is first in the list.")
    row = page.locator("#invited tr").first
    expect(row.get_by_role("rowheader")).to_have_text("<b>dora</b>")
    link = row.get_by_role("textbox").input_value()
    assert desk.book.invitations()[-1].quota == 7
    guest = desk.context().new_page()
    guest.goto(link)
    assert guest.url == f"{desk.server.url}/studio"
    assert guest.locator("html").get_attribute("lang") == "ru"

    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    row.get_by_role("button", name=re.compile("^Revoke")).click()
    assert len(asked) == 1
    assert desk.book.invitations()[-1].revoked is None, "it was asked, and declined"
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name=re.compile("^Revoke")).click()
    expect(row).to_contain_text("revoked")
    expect(row.get_by_role("button")).to_have_count(0)
    assert guest.goto(link).status == 401
    assert errors == []


def test_a_refusal_is_told(desk, admin):
    page, _ = admin()
    invite(page, "simulated-1")
    expect(page.get_by_role("status")).to_contain_text("Refused: ")
    assert all(invitation.assessor != "simulated-1" for invitation in desk.book.invitations())


def test_a_link_is_copied(desk, admin):
    page, _ = admin(permissions=["clipboard-read", "clipboard-write"])
    invite(page, "eve")
    row = page.locator("#invited tr").first
    expect(row.get_by_role("rowheader")).to_have_text("eve")
    row.get_by_role("button", name="Copy the link of eve").click()
    expect(page.get_by_role("status")).to_have_text("The link of eve is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == row.get_by_role("textbox").input_value()


@pytest.mark.parametrize(
    "options", [DESKTOP, PHONE, DESKTOP | {"color_scheme": "dark"}], ids=["desktop", "phone", "dark"]
)
def test_everybody_can_use_it(newcomer, admin, options):
    from axe_playwright_python.sync_playwright import Axe

    newcomer()
    page, errors = admin(**options)
    expect(page.locator("#invited input").first).to_be_attached()
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    violations = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    drawn = page.evaluate("[...document.querySelectorAll('.plots img')].map((each) => each.naturalWidth > 0)")
    assert drawn == [True] * 4
    assert errors == []
