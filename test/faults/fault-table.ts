/** What users saw while something failed and afterwards: one line per fault and step. */
export interface FaultRow {
  fault: string;
  step: string;
  /** sent at once while it failed */
  requests: number;
  during: string;
  /** milliseconds of the slowest of them */
  slowestMs: number;
  afterwards: string;
}

const rows: FaultRow[] = [];

export function report(row: FaultRow): void {
  rows.push(row);
}

/** How often each outcome came: `503 × 8`. */
export function tally(outcomes: string[]): string {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${outcome} × ${count}`).join(', ');
}

export function faultTable(): string {
  const head = ['fault', 'step', 'requests', 'while it lasts', 'slowest ms', 'afterwards'];
  const lines = rows.map(({ fault, step, requests, during, slowestMs, afterwards }) =>
    [fault, step, requests, during, Math.round(slowestMs), afterwards].map(String),
  );
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]!.length)),
  );
  const printed = (line: string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join(' | ')
      .trimEnd();
  return [printed(head), widths.map((width) => '-'.repeat(width)).join('-|-'), ...lines.map(printed)].join(
    '\n',
  );
}
