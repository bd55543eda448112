// Texts in the chosen language, from the table that came with the page.

const messages = JSON.parse(document.getElementById("messages").textContent);
let current = document.documentElement.lang;

/** The language that is shown, "en" or "ru". */
export const language = () => current;

/** A text with its placeholders filled in. */
export function say(key, values = {}) {
  const text = messages[current][key];
  if (text === undefined) throw new Error(`there is no text ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Show everything that does not change by itself in another language. */
export function setLanguage(chosen) {
  if (!(chosen in messages)) return;
  current = chosen;
  document.documentElement.lang = chosen;
  document.title = say("title");
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", say(node.dataset.label));
}
