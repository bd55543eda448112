// The administrator's page: the list of invitations, to invite and to revoke.

import { Refused, request } from "/static/api.js";

const PLACE = "/api/admin/invitations";
const form = document.querySelector("#invite");
const said = document.querySelector("#said");
const rows = document.querySelector("#invited");

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

const day = (text) => element("time", { dateTime: text }, text.slice(0, 10));

function linkCell(invitation) {
  if (invitation.link === null) return element("td", {}, invitation.revoked === null ? "expired" : "revoked");
  const field = element("input", { readOnly: true, value: invitation.link, className: "link" });
  field.setAttribute("aria-label", `Link of ${invitation.assessor}`);
  field.addEventListener("focus", () => field.select());
  const copy = element("button", { type: "button" }, "Copy");
  copy.setAttribute("aria-label", `Copy the link of ${invitation.assessor}`);
  copy.addEventListener("click", async () => {
    field.focus();
    try {
      await navigator.clipboard.writeText(invitation.link);
      said.textContent = `The link of ${invitation.assessor} is copied.`;
    } catch {
      // no clipboard without https: the link is selected
      said.textContent = `The link of ${invitation.assessor} is selected; copy it.`;
    }
  });
  return element("td", {}, element("span", { className: "copying" }, field, copy));
}

function revokeCell(invitation) {
  if (invitation.link === null) return element("td");
  const button = element("button", { type: "button" }, "Revoke");
  button.setAttribute("aria-label", `Revoke the invitation of ${invitation.assessor}`);
  button.addEventListener("click", () => {
    if (!confirm(`Let ${invitation.assessor} in no more? What they did stays.`)) return;
    change(`${PLACE}/${invitation.id}/revoke`, {}, `The invitation of ${invitation.assessor} is revoked.`);
  });
  return element("td", {}, button);
}

function row(invitation) {
  const heading = element("th", { scope: "row" }, invitation.assessor);
  const cells = [
    String(invitation.quota),
    invitation.language,
    invitation.protocol.replaceAll("_", " "),
    day(invitation.created),
    day(invitation.expires),
  ].map((content) => element("td", {}, content));
  return element("tr", {}, heading, linkCell(invitation), ...cells, revokeCell(invitation));
}

async function list() {
  const { invitations } = await request("GET", PLACE);
  const nobody = element("tr", {}, element("td", { colSpan: 8 }, "Nobody is invited yet."));
  rows.replaceChildren(...(invitations.length ? invitations.reverse().map(row) : [nobody]));
}

async function attempt(work, done = "") {
  try {
    await work();
    said.textContent = done;
  } catch (error) {
    said.textContent = error instanceof Refused ? `Refused: ${error.message}` : "The server does not answer; try again.";
  }
}

function change(path, body, done) {
  return attempt(async () => {
    await request("POST", path, body);
    await list();
  }, done);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(form));
  const body = { ...given, assessor: given.assessor.trim(), quota: Number(given.quota), days: Number(given.days) };
  await change(PLACE, body, `${body.assessor} is invited; the link is first in the list.`);
  form.elements.assessor.value = "";
  form.elements.assessor.focus();
});

attempt(list);
