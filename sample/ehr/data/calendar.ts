/** The day the synthetic records end on: the data must not depend on when it is made. */
export const REFERENCE_DATE = '2026-06-30';

const DAY = 86_400_000;

/** Only dates, `YYYY-MM-DD`, and no clock. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + Math.round(days) * DAY).toISOString().slice(0, 10);
}

export function yearsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / (365.25 * DAY);
}
