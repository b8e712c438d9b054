// How far one number rises as another does.

/** Ranks of numbers from 1; equal numbers share the mean of theirs. @param {number[]} values */
function ranks(values) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]] === values[order[from]]) to++;
    for (let i = from; i <= to; i++) found[order[i]] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return found;
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Pearson's correlation; null if one of the two never changes. @param {number[]} one @param {number[]} other */
function correlation(one, other) {
  const [middle, otherMiddle] = [mean(one), mean(other)];
  let [both, own, others] = [0, 0, 0];
  one.forEach((value, i) => {
    const [a, b] = [value - middle, other[i] - otherMiddle];
    both += a * b;
    own += a * a;
    others += b * b;
  });
  return own && others ? both / Math.sqrt(own * others) : null;
}

/**
 * Spearman's rank correlation of numbers in pairs, -1 to 1; null of fewer than three pairs, or if one of the two never changes.
 * @param {number[]} one
 * @param {number[]} other
 */
export function spearman(one, other) {
  return one.length < 3 ? null : correlation(ranks(one), ranks(other));
}
