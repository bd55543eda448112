// Dragging one card of an order with mouse, pen or finger.

const SLACK = 6; // px that a pointer may tremble before it drags
const EDGE = 70; // px from the window's edge where the page begins to scroll
const MARKS = ["before", "into", "after"];

/** The group nearest to a place on the screen, and whether it means before, into or after it. */
function aim(list, x, y, own) {
  const places = [...list.children];
  const upright = getComputedStyle(list).flexDirection === "column";
  let best = null;
  places.forEach((place, index) => {
    const box = place.getBoundingClientRect();
    const away = Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
    if (best && away >= best.away) return;
    const share = upright ? (y - box.top) / box.height : (x - box.left) / box.width;
    const where = share < 0.28 ? "before" : share > 0.72 ? "after" : "into";
    best = { away, index, where, place };
  });
  const alone = best.place.contains(own) && best.place.querySelectorAll(".card-box").length === 1;
  return alone ? null : best;
}

/** Let a card be dragged within its list.
 *
 * handle: what a finger takes hold of; a mouse may take the whole card. drop(index, where) is called at the end.
 */
export function draggable(card, handle, list, drop) {
  let grip = null; // the drag under way

  function mark(target) {
    for (const place of list.children) place.classList.remove(...MARKS);
    target?.place.classList.add(target.where);
  }

  function follow() {
    if (!grip?.moving) return;
    const { x, y } = grip;
    if (y < EDGE) window.scrollBy(0, (y - EDGE) / 5);
    else if (y > window.innerHeight - EDGE) window.scrollBy(0, (y - window.innerHeight + EDGE) / 5);
    const shift = [x - grip.startX + window.scrollX - grip.scrollX, y - grip.startY + window.scrollY - grip.scrollY];
    card.style.transform = `translate(${shift[0]}px, ${shift[1]}px)`;
    grip.target = aim(list, x, y, card);
    mark(grip.target);
    requestAnimationFrame(follow);
  }

  function move(event) {
    if (event.pointerId !== grip.pointer) return;
    [grip.x, grip.y] = [event.clientX, event.clientY];
    if (grip.moving || Math.hypot(grip.x - grip.startX, grip.y - grip.startY) < SLACK) return;
    grip.moving = true;
    // from here on the pointer belongs to the card, outside the window too
    card.setPointerCapture(event.pointerId);
    card.classList.add("dragged");
    follow();
  }

  function end(event) {
    if (event.pointerId !== grip.pointer) return;
    const { moving, target } = grip;
    grip = null;
    listen("removeEventListener");
    card.style.transform = "";
    card.classList.remove("dragged");
    mark(null);
    if (moving && target && event.type === "pointerup") drop(target.index, target.where);
  }

  // a quick pointer leaves the card before it has moved it
  function listen(method) {
    window[method]("pointermove", move);
    window[method]("pointerup", end);
    window[method]("pointercancel", end);
  }

  card.addEventListener("pointerdown", (event) => {
    const held = event.pointerType === "mouse" ? event.button === 0 : handle.contains(event.target);
    if (!held || grip) return;
    const [x, y] = [event.clientX, event.clientY];
    const start = { startX: x, startY: y, scrollX: window.scrollX, scrollY: window.scrollY };
    grip = { pointer: event.pointerId, x, y, ...start, moving: false, target: null };
    listen("addEventListener");
  });
  card.addEventListener("dragstart", (event) => event.preventDefault());
}
