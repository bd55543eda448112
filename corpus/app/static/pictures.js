// The points of a data set and the groupings that are compared: fetched, read, and kept on this device.

import { bytes } from "./api.js";

const DATABASE = "gamac-studio";
const PICTURES = "pictures";

/** Read the server's format: a JSON header, x, y, and the color numbers of every row, without copying.
 *
 * Returns {n, rows, colors, x, y, labels(row), groups(row), box}.
 */
export function read(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const { n, rows, colors } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = 4 + length;
  const x = new Float32Array(buffer, start, n);
  const y = new Float32Array(buffer, start + 4 * n, n);
  const labels = new Int16Array(buffer, start + 8 * n, rows * n);
  const row = (index) => labels.subarray(index * n, (index + 1) * n);
  const groups = (index) => new Set(row(index).filter((label) => label >= 0)).size;
  return { n, rows, colors, x, y, labels: row, groups, box: bounds(x, y) };
}

function bounds(x, y) {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) {
    if (x[i] < left) left = x[i];
    if (x[i] > right) right = x[i];
    if (y[i] < low) low = y[i];
    if (y[i] > high) high = y[i];
  }
  return { left, right, low, high };
}

function open() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(PICTURES);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

async function within(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(PICTURES, mode);
      const asked = work(transaction.objectStore(PICTURES));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** The picture of a session: from this device if it is here, else from the server, and kept. */
export async function picture(id) {
  // a browser that forbids the database still shows pictures while it is online
  const kept = await within("readonly", (store) => store.get(id)).catch(() => undefined);
  if (kept) return read(kept);
  const buffer = await bytes(`/api/sessions/${id}/picture`);
  await within("readwrite", (store) => store.put(buffer, id)).catch(() => undefined);
  return read(buffer);
}

/** Let go of a session's picture. */
export async function discard(id) {
  await within("readwrite", (store) => store.delete(id)).catch(() => undefined);
}
