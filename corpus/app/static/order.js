// An order with ties: a list of groups of items, best group first.  Every function returns a new order.

/** The order that ranks describe; equal ranks are one group. */
export function groupsOf(ranks) {
  const byRank = new Map();
  ranks.forEach((rank, item) => byRank.set(rank, [...(byRank.get(rank) ?? []), item]));
  return [...byRank.keys()].sort((a, b) => a - b).map((rank) => byRank.get(rank));
}

/** Each item's rank: 1 is best, equal items share the mean of their places. */
export function ranksOf(groups) {
  const ranks = [];
  let before = 0;
  for (const group of groups) {
    for (const item of group) ranks[item] = before + (group.length + 1) / 2;
    before += group.length;
  }
  return ranks;
}

/** Which group an item is in. */
export const indexOf = (groups, item) => groups.findIndex((group) => group.includes(item));

function moved(groups, item, change) {
  const copy = groups.map((group) => group.filter((other) => other !== item));
  change(copy);
  return copy.filter((group) => group.length);
}

/** One step better: out of its group, or past the group before it. */
export function better(groups, item) {
  const at = indexOf(groups, item);
  const target = groups[at].length > 1 ? at : Math.max(0, at - 1);
  return moved(groups, item, (copy) => copy.splice(target, 0, [item]));
}

/** One step worse. */
export function worse(groups, item) {
  const at = indexOf(groups, item);
  const target = groups[at].length > 1 ? at + 1 : at + 2;
  return moved(groups, item, (copy) => copy.splice(target, 0, [item]));
}

/** Equal to the group before it. */
export function join(groups, item) {
  const at = indexOf(groups, item);
  return at === 0 ? groups : moved(groups, item, (copy) => copy[at - 1].push(item));
}

/** No longer equal to the others of its group: just behind them. */
export function split(groups, item) {
  return groups[indexOf(groups, item)].length > 1 ? worse(groups, item) : groups;
}

/** Put an item "before", "into" or "after" the group that has a number now. */
export function put(groups, item, index, where) {
  return moved(groups, item, (copy) => {
    if (where === "into") copy[index].push(item);
    else copy.splice(where === "before" ? index : index + 1, 0, [item]);
  });
}
