/** Differences of two texts as a unified diff. */

const CONTEXT = 3;
/** Beyond so many changed lines the shortest diff is not looked for; the changed region is shown whole. */
const MOST_EDITS = 400;

interface Line {
  sign: " " | "-" | "+";
  text: string;
}

/** Empty when both are equal. Carriage returns at line ends are shown as they are. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return "";
  const lines = compare(before.split("\n"), after.split("\n"));
  const hunks: string[] = [];
  let oldLine = 1;
  let newLine = 1;
  for (let at = 0; at < lines.length; ) {
    if (lines[at]?.sign === " ") {
      oldLine++;
      newLine++;
      at++;
      continue;
    }
    const start = Math.max(0, at - CONTEXT);
    let end = at;
    for (let next = at; next < lines.length && next <= end + 2 * CONTEXT; next++) {
      if (lines[next]?.sign !== " ") end = next;
    }
    end = Math.min(lines.length, end + 1 + CONTEXT);
    const hunk = lines.slice(start, end);
    const lead = at - start;
    const removed = hunk.filter((line) => line.sign !== "+").length;
    const added = hunk.filter((line) => line.sign !== "-").length;
    hunks.push(
      `@@ -${oldLine - lead},${removed} +${newLine - lead},${added} @@\n${hunk.map((line) => line.sign + line.text).join("\n")}`,
    );
    oldLine += removed - lead;
    newLine += added - lead;
    at = end;
  }
  return `--- a/${path}\n+++ b/${path}\n${hunks.join("\n")}\n`;
}

function compare(before: string[], after: string[]): Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  const same = (text: string): Line => ({ sign: " ", text });
  return [
    ...before.slice(0, head).map(same),
    ...shortest(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

/** Myers' algorithm: the fewest removed and added lines. */
function shortest(before: string[], after: string[]): Line[] {
  const most = Math.min(before.length + after.length, MOST_EDITS);
  const trail: Map<number, number>[] = [];
  let reached = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= most; edits++) {
    trail.push(reached);
    const next = new Map<number, number>();
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down = reached.get(diagonal + 1) ?? -1;
      const right = reached.get(diagonal - 1) ?? -1;
      let x = diagonal === -edits || (diagonal !== edits && right < down) ? down : right + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal])
        x++;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return walkBack(trail, before, after);
    }
    reached = next;
  }
  return [
    ...before.map((text): Line => ({ sign: "-", text })),
    ...after.map((text): Line => ({ sign: "+", text })),
  ];
}

function walkBack(trail: Map<number, number>[], before: string[], after: string[]): Line[] {
  const lines: Line[] = [];
  let x = before.length;
  let y = after.length;
  for (let edits = trail.length - 1; edits >= 0; edits--) {
    const reached = trail[edits] as Map<number, number>;
    const diagonal = x - y;
    const down = reached.get(diagonal + 1) ?? -1;
    const right = reached.get(diagonal - 1) ?? -1;
    const insertion = diagonal === -edits || (diagonal !== edits && right < down);
    const fromX = insertion ? down : right;
    const fromY = fromX - (insertion ? diagonal + 1 : diagonal - 1);
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      lines.push({ sign: " ", text: before[--x] as string });
      y--;
    }
    if (edits > 0) {
      if (insertion) lines.push({ sign: "+", text: after[--y] as string });
      else lines.push({ sign: "-", text: before[--x] as string });
    }
  }
  return lines.reverse();
}
