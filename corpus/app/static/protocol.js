// Which two candidates come next, and what order the answers give: the twin of the Python package
// corpus.protocols, so that a session goes on without the server. tests/corpus/app/test_protocol_twin.py
// drives both with random sessions; whoever changes one changes the other.

// as in plans.py: raised by every change of what is asked after the same answers
const RULES = 1;
const VERDICTS = ["left", "right", "tie", "skip"];
const ENTRIES = { answer: ["left", "right", "verdict"], undo: [], finish: ["ranks"], decline: [] };
const REPEAT_APART = 3;
const ACTIVE_PRIOR = 0.2;
const DIGITS = 1e6;

// The state after the events, all from the first, as a plain object: stage, question, answered, expected,
// ranks, final, answers. plan and events are records as the server sends them. Throws Error where an
// event does not fit.
export function replay(plan, events) {
  if (plan.rules !== RULES) throw new Error(`this page knows rules ${RULES} of a plan, got ${plan.rules}`);
  const start = METHODS[plan.protocol].start(plan);
  let state = { plan, steps: 0, answers: [], method: start, repeatDue: false, closed: null, final: null };
  const undone = [];
  for (const event of events) {
    if (event.step !== state.steps) throw new Error(`the next event must be step ${state.steps}, got ${event.step}`);
    if (!Object.hasOwn(ENTRIES, event.kind)) throw new Error(`unknown kind of event: ${event.kind}`);
    const plain = typeof event.body === "object" && event.body !== null && !Array.isArray(event.body);
    const entries = plain ? Object.keys(event.body).sort().join() : null;
    if (entries !== ENTRIES[event.kind].join()) throw new Error(`the body of ${event.kind} has wrong entries: ${entries}`);
    if (state.closed !== null) throw new Error(`nothing can follow once a session is ${state.closed}, got ${event.kind}`);
    let after;
    if (event.kind === "answer") {
      after = answered(state, event.body);
      undone.push(state);
    } else if (event.kind === "undo") {
      if (undone.length === 0) throw new Error("an undo must follow an answer that stands, there is none");
      after = undone.pop();
    } else if (event.kind === "finish") {
      after = finished(state, event.body.ranks);
    } else {
      after = { ...state, closed: "declined" };
    }
    state = { ...after, steps: event.step + 1 };
  }
  return {
    stage: stage(state),
    question: question(state),
    answered: state.answers.length,
    expected: expected(state),
    ranks: ranks(state),
    final: state.final,
    answers: state.answers,
  };
}

// ---- one event further ---------------------------------------------------------------------------

function answered(state, { left, right, verdict }) {
  if (!VERDICTS.includes(verdict)) throw new Error(`unknown verdict: ${verdict}`);
  if (stage(state) !== "compare") throw new Error(`the comparisons are over, the session is at ${stage(state)}`);
  let asked = planned(state);
  if (asked === null && !method(state).binding && isPair(left, right, state.plan.items)) {
    asked = { left, right, purpose: "active" };
  } else if (asked === null) {
    asked = question(state);
  }
  if (left !== asked.left || right !== asked.right) {
    throw new Error(`the question is ${asked.left} or ${asked.right}, the answer is to ${left} or ${right}`);
  }
  const answers = [...state.answers, { step: state.steps, left, right, verdict, purpose: asked.purpose }];
  if (asked.purpose === "repeat") return { ...state, answers, repeatDue: false };
  if (asked.purpose === "attention") return { ...state, answers };
  const sides = swapped(state) ? { left: "second", right: "first" } : { left: "first", right: "second" };
  return {
    ...state,
    answers,
    method: method(state).take(state.plan, state.method, sides[verdict] ?? verdict),
    repeatDue: state.plan.repeats.includes(comparisons(state) + 1),
  };
}

function finished(state, given) {
  const { items } = state.plan;
  if (stage(state) !== "arrange") throw new Error(`ranks are confirmed after the comparisons, not at ${stage(state)}`);
  if (!Array.isArray(given) || given.length !== items || !given.every(Number.isFinite)) {
    throw new Error(`ranks must be ${items} numbers`);
  }
  if (!meanRanks(given).every((rank, item) => rank === given[item])) {
    throw new Error(`ranks must be 1..${items}, ties share the mean rank, got ${given}`);
  }
  return { ...state, closed: "finished", final: given };
}

function isPair(left, right, items) {
  return left !== right && [left, right].every((item) => Number.isInteger(item) && item >= 0 && item < items);
}

// ---- where a session stands ----------------------------------------------------------------------

function method(state) {
  return METHODS[state.plan.protocol];
}

function stage(state) {
  if (state.closed !== null) return state.closed;
  return planned(state) !== null || !method(state).over(state.plan, state.method) ? "compare" : "arrange";
}

function question(state) {
  if (stage(state) !== "compare") return null;
  return planned(state) ?? sided(state, ...method(state).propose(state.plan, state.method, state.answers));
}

function expected(state) {
  const { plan, answers } = state;
  if (stage(state) !== "compare") return answers.length;
  const done = comparisons(state);
  const remaining = method(state).remaining(plan, state.method);
  const repeats = plan.repeats.filter((count) => done < count && count <= done + remaining).length;
  const due = state.repeatDue && repeat(state) !== null ? 1 : 0;
  return answers.length + remaining + repeats + due + plan.attention.length - asked(state, "attention");
}

function ranks(state) {
  const { units, prior } = method(state).model(state.plan, state.method, state.answers);
  const strengths = fit(units, state.answers, prior);
  return meanRanks(strengths.map((strength) => -Math.round(strength * DIGITS)));
}

function planned(state) {
  const { plan, repeatDue } = state;
  const checked = asked(state, "attention");
  const over = method(state).over(plan, state.method);
  if (checked < plan.attention.length && (over || plan.attention[checked] <= comparisons(state))) {
    return sided(state, plan.decoy_of, plan.items, "attention");
  }
  return repeatDue ? repeat(state) : null;
}

function repeat(state) {
  const { plan, answers } = state;
  const fresh = Math.max(answers.length - REPEAT_APART + 1, 0);
  const again = answers.filter((answer) => answer.purpose === "repeat");
  const barred = new Set([...again, ...answers.slice(fresh)].map(pair));
  const earlier = answers.slice(0, fresh).filter(
    (answer) =>
      answer.purpose !== "repeat" && answer.purpose !== "attention" && answer.verdict !== "skip" && !barred.has(pair(answer)),
  );
  if (earlier.length === 0) return null;
  const turn = plan.repeats.indexOf(comparisons(state));
  const choice = earlier[Math.floor((plan.order[turn % plan.items] * earlier.length) / plan.items)];
  return { left: choice.right, right: choice.left, purpose: "repeat" };
}

function pair({ left, right }) {
  return `${Math.min(left, right)}-${Math.max(left, right)}`;
}

function asked(state, purpose) {
  return state.answers.filter((answer) => answer.purpose === purpose).length;
}

function comparisons(state) {
  return state.answers.length - asked(state, "repeat") - asked(state, "attention");
}

function swapped(state) {
  const shown = state.answers.length - asked(state, "repeat");
  return state.plan.sides[shown % state.plan.sides.length] === 1;
}

function sided(state, first, second, purpose) {
  return swapped(state) ? { left: second, right: first, purpose } : { left: first, right: second, purpose };
}

// ---- binary insertion ----------------------------------------------------------------------------

const insertion = {
  binding: true,

  start(plan) {
    return { groups: [[plan.order[0]]], entered: 1, low: 0, high: 1, skipped: [], checked: 0 };
  },

  over(plan, { groups, entered, checked }) {
    return entered >= plan.items && checked >= groups.length - 1;
  },

  remaining(plan, { groups, entered, low, high, checked }) {
    if (entered >= plan.items) return groups.length - 1 - checked;
    const later = plan.items - entered - 1;
    let total = searchLength(high - low);
    for (let more = 1; more <= later; more += 1) total += searchLength(groups.length + more);
    return Math.floor(total + groups.length + later + 0.5);
  },

  propose(plan, list) {
    if (list.entered < plan.items) return [plan.order[list.entered], list.groups[place(plan, list)][0], "insert"];
    const better = list.groups.length - 2 - list.checked;
    return [list.groups[better][0], list.groups[better + 1][0], "check"];
  },

  take(plan, list, verdict) {
    if (list.entered >= plan.items) return afterCheck(list, verdict);
    const item = plan.order[list.entered];
    const at = place(plan, list);
    if (verdict === "tie") {
      return enter(list, list.groups.map((group, index) => (index === at ? [...group, item] : group)));
    }
    const after = { ...list };
    if (verdict === "first") after.high = at;
    else if (verdict === "second") after.low = at + 1;
    else after.skipped = [...list.skipped, at];
    if (place(plan, after) !== null) return after;
    // in the middle of what is left, which is a single gap unless groups were skipped
    const gap = Math.floor((after.low + after.high + coin(plan, after)) / 2);
    return enter(list, [...list.groups.slice(0, gap), [item], ...list.groups.slice(gap)]);
  },

  // items that share a strength, each by the first of them, and the games of the prior
  model(plan, { groups }, answers) {
    const decided = answers.filter((answer) => answer.verdict === "left" || answer.verdict === "right");
    const apart = new Set(decided.map(pair));
    const units = Array.from({ length: plan.items }, (_, item) => item);
    for (const [first, ...others] of groups) {
      for (const item of others) {
        if (!apart.has(pair({ left: first, right: item }))) units[item] = first;
      }
    }
    return { units, prior: 1 / plan.items };
  },
};

// which of two middles is taken, 0 or 1
function coin(plan, { entered, low, high }) {
  const at = (low + high) % entered;
  return plan.order[at] > plan.order[(at + 1) % entered] ? 1 : 0;
}

function place(plan, list) {
  const { low, high, skipped } = list;
  const worse = coin(plan, list) === 1;
  const far = (group) => Math.abs(2 * group + 1 - low - high);
  let best = null;
  for (let group = low; group < high; group += 1) {
    if (skipped.includes(group)) continue;
    if (best === null || far(group) < far(best) || (worse && far(group) === far(best))) best = group;
  }
  return best;
}

function enter(list, groups) {
  return { groups, entered: list.entered + 1, low: 0, high: groups.length, skipped: [], checked: 0 };
}

function afterCheck(list, verdict) {
  const groups = [...list.groups];
  const better = groups.length - 2 - list.checked;
  if (verdict === "second") [groups[better], groups[better + 1]] = [groups[better + 1], groups[better]];
  return { ...list, groups, checked: list.checked + 1 };
}

function searchLength(groups) {
  const gaps = groups + 1;
  const depth = 31 - Math.clz32(gaps);
  return depth + (2 * (gaps - 2 ** depth)) / gaps;
}

// ---- active Bradley-Terry ------------------------------------------------------------------------

const active = {
  binding: false,

  start() {
    return { asked: 0 };
  },

  over(plan, { asked: count }) {
    return count >= plan.comparisons;
  },

  remaining(plan, { asked: count }) {
    return plan.comparisons - count;
  },

  propose(plan, _, answers) {
    const { units, prior } = active.model(plan);
    const gains = gainsOf(fit(units, answers, prior), winsOf(units, answers), prior);
    const times = new Map();
    for (const answer of answers) times.set(pair(answer), (times.get(pair(answer)) ?? 0) + 1);
    let best = null;
    plan.order.forEach((first, position) => {
      for (const second of plan.order.slice(position + 1)) {
        const count = times.get(pair({ left: first, right: second })) ?? 0;
        const gain = gains[first][second];
        if (best === null || count < best.count || (count === best.count && gain > best.gain)) {
          best = { first, second, count, gain };
        }
      }
    });
    return [best.first, best.second, "active"];
  },

  take(plan, { asked: count }) {
    return { asked: count + 1 };
  },

  model(plan) {
    return { units: Array.from({ length: plan.items }, (_, item) => item), prior: ACTIVE_PRIOR };
  },
};

const METHODS = { binary_insertion: insertion, bradley_terry: active };

// information of a comparison: p(1 - p) times the variance of the difference of strengths
function gainsOf(strengths, wins, prior) {
  const covariance = inverse(information(strengths, wins, prior));
  return strengths.map((mine, row) =>
    strengths.map((other, column) => {
      const chance = logistic(mine - other);
      const spread = covariance[row][row] + covariance[column][column] - 2 * covariance[row][column];
      return Math.round(chance * (1 - chance) * spread * DIGITS);
    }),
  );
}

// ---- Bradley-Terry strengths ---------------------------------------------------------------------

// Log strengths of the items; those of one unit share theirs.
function fit(units, answers, prior) {
  const own = [...new Set(units)].sort((first, second) => first - second);
  const wins = winsOf(units, answers);
  const strengths = bradleyTerry(own.map((row) => own.map((column) => wins[row][column])), prior);
  return units.map((unit) => strengths[own.indexOf(unit)]);
}

function winsOf(units, answers) {
  const wins = units.map(() => units.map(() => 0));
  const shares = { left: [1, 0], right: [0, 1], tie: [0.5, 0.5] };
  for (const answer of answers) {
    if (answer.purpose === "attention" || answer.verdict === "skip") continue;
    const [left, right] = [units[answer.left], units[answer.right]];
    if (left === right) continue;
    wins[left][right] += shares[answer.verdict][0];
    wins[right][left] += shares[answer.verdict][1];
  }
  return wins;
}

// Newton's method on the concave log likelihood, as corpus.consensus.bradley_terry.
function bradleyTerry(wins, prior) {
  const won = wins.map((row) => row.reduce((sum, count) => sum + count, 0));
  let strengths = wins.map(() => 0);
  for (let round = 0; round < 100; round += 1) {
    const gradient = strengths.map((mine, row) => {
      let excess = won[row] + prior * (1 - 2 * logistic(mine));
      strengths.forEach((other, column) => {
        excess -= (wins[row][column] + wins[column][row]) * logistic(mine - other);
      });
      return excess;
    });
    const step = solve(cholesky(information(strengths, wins, prior)), gradient);
    const here = likelihood(strengths, wins, prior);
    let size = 1;
    while (size > 1e-9 && likelihood(along(strengths, step, size), wins, prior) < here) size /= 2;
    strengths = along(strengths, step, size);
    if (Math.max(...step.map(Math.abs)) < 1e-12) break;
  }
  return strengths;
}

function along(strengths, step, size) {
  return strengths.map((strength, item) => strength + size * step[item]);
}

function likelihood(strengths, wins, prior) {
  let total = 0;
  strengths.forEach((mine, row) => {
    total += prior * (logLogistic(mine) + logLogistic(-mine));
    strengths.forEach((other, column) => {
      if (wins[row][column] > 0) total += wins[row][column] * logLogistic(mine - other);
    });
  });
  return total;
}

function information(strengths, wins, prior) {
  return strengths.map((mine, row) => {
    const line = strengths.map((other, column) => {
      const chance = logistic(mine - other);
      return row === column ? 0 : -(wins[row][column] + wins[column][row]) * chance * (1 - chance);
    });
    const alone = logistic(mine);
    line[row] = 2 * prior * alone * (1 - alone) - line.reduce((sum, entry) => sum + entry, 0);
    return line;
  });
}

function logistic(x) {
  return 1 / (1 + Math.exp(-x));
}

function logLogistic(x) {
  return x >= 0 ? -Math.log1p(Math.exp(-x)) : x - Math.log1p(Math.exp(x));
}

// Lower triangle L with L L' = matrix, which is positive definite.
function cholesky(matrix) {
  const lower = matrix.map((row) => row.map(() => 0));
  matrix.forEach((_, row) => {
    for (let column = 0; column <= row; column += 1) {
      let rest = matrix[row][column];
      for (let k = 0; k < column; k += 1) rest -= lower[row][k] * lower[column][k];
      lower[row][column] = row === column ? Math.sqrt(rest) : rest / lower[column][column];
    }
  });
  return lower;
}

function solve(lower, right) {
  const found = [...right];
  for (let row = 0; row < found.length; row += 1) {
    for (let k = 0; k < row; k += 1) found[row] -= lower[row][k] * found[k];
    found[row] /= lower[row][row];
  }
  for (let row = found.length - 1; row >= 0; row -= 1) {
    for (let k = row + 1; k < found.length; k += 1) found[row] -= lower[k][row] * found[k];
    found[row] /= lower[row][row];
  }
  return found;
}

function inverse(matrix) {
  const lower = cholesky(matrix);
  return matrix.map((_, column) => solve(lower, matrix.map((__, row) => (row === column ? 1 : 0))));
}

// 1 for the smallest value, equal ones share the mean rank.
function meanRanks(values) {
  return values.map((value) => {
    const before = values.filter((other) => other < value).length;
    const upto = values.filter((other) => other <= value).length;
    return (before + upto + 1) / 2;
  });
}
