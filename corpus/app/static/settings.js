// What a person may set on this device; the language is kept by the server, too.

import { request } from "./api.js";
import { recall, remember } from "./journal.js";
import { language, setLanguage } from "./text.js";

const SWITCHES = { "show-groups": "groups", "use-keys": "keys" };

const find = (id) => document.getElementById(id);

/** {groups: whether the number of groups is shown, keys: whether single keys answer} */
export const settings = { groups: false, keys: true, ...recall("settings") };

function fill() {
  for (const [id, name] of Object.entries(SWITCHES)) find(id).checked = settings[name];
  document.body.classList.toggle("without-keys", !settings.keys);
}

/** Make the dialog work. changed() is called when a setting was changed, translated() when the language was. */
export function offerSettings({ changed, translated }) {
  find("open-settings").addEventListener("click", () => find("settings").showModal());
  find("close-settings").addEventListener("click", () => find("settings").close());
  find("language").addEventListener("change", async (event) => {
    setLanguage(event.target.value);
    translated();
    // where nobody answers, the choice holds for this visit
    await request("PUT", "/api/me", { language: language() }).catch(() => undefined);
  });
  for (const [id, name] of Object.entries(SWITCHES)) {
    find(id).addEventListener("change", (event) => {
      settings[name] = event.target.checked;
      remember("settings", settings);
      fill();
      changed();
    });
  }
  fill();
  changed();
}

/** Show the page in the language that the server knows. */
export function useLanguage(chosen) {
  setLanguage(chosen);
  find("language").value = language();
}
