import { isObject } from './json.js';

/** Milliseconds, `from` inclusive and `until` exclusive: "2024-03" is the whole of that month. */
export interface TimeRange {
  from: number;
  until: number;
}

const DATE_TIME =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/;

/** The time a date, dateTime or instant spans at its own precision; a missing time zone is read as UTC. */
export function parseTimeRange(text: string): TimeRange | null {
  // an unescaped + in a query string has become a space
  const match = DATE_TIME.exec(text.replace(' ', '+'));
  if (!match) return null;
  const [, year = '', month, day, hour, minute, second, fraction, zone] = match;
  if (hour === undefined) return calendarRange(Number(year), month, day);
  const at = `${year}-${month}-${day}T${hour}:${minute}:${second ?? '00'}`;
  const from = Date.parse(`${at}.${(fraction ?? '').padEnd(3, '0').slice(0, 3)}${zone ?? 'Z'}`);
  if (Number.isNaN(from)) return null;
  return { from, until: from + (second === undefined ? 60_000 : fraction === undefined ? 1000 : 1) };
}

function calendarRange(year: number, month?: string, day?: string): TimeRange | null {
  const from = Date.UTC(year, Number(month ?? 1) - 1, Number(day ?? 1));
  const start = new Date(from);
  // Date.UTC rolls 31 February over into March
  if (start.getUTCMonth() !== Number(month ?? 1) - 1 || start.getUTCDate() !== Number(day ?? 1)) return null;
  if (day !== undefined) return { from, until: Date.UTC(year, Number(month) - 1, Number(day) + 1) };
  if (month !== undefined) return { from, until: Date.UTC(year, Number(month), 1) };
  return { from, until: Date.UTC(year + 1, 0, 1) };
}

/** The time an element spans: a date of any precision, or a Period, which may be open at either end. */
export function timeRangeOf(value: unknown): TimeRange | null {
  if (typeof value === 'string') return parseTimeRange(value);
  if (!isObject(value)) return null;
  const { start, end } = value;
  const from = typeof start === 'string' ? parseTimeRange(start) : null;
  const until = typeof end === 'string' ? parseTimeRange(end) : null;
  if (!from && !until) return null;
  return { from: from?.from ?? -Infinity, until: until?.until ?? Infinity };
}

export const PREFIXES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;
export type Prefix = (typeof PREFIXES)[number];

export function splitPrefix(text: string): { prefix: Prefix; operand: string } {
  const prefix = PREFIXES.find((candidate) => text.startsWith(candidate));
  return prefix ? { prefix, operand: text.slice(2) } : { prefix: 'eq', operand: text };
}

/** The comparisons of https://hl7.org/fhir/R4/search.html#prefix, for ranges on both sides. */
export function compareRanges(prefix: Prefix, value: TimeRange, operand: TimeRange): boolean {
  const contained = value.from >= operand.from && value.until <= operand.until;
  switch (prefix) {
    case 'eq':
      return contained;
    case 'ne':
      return !contained;
    case 'gt':
      return value.until > operand.until;
    case 'lt':
      return value.from < operand.from;
    case 'ge':
      return value.until > operand.until || contained;
    case 'le':
      return value.from < operand.from || contained;
    case 'sa':
      return value.from >= operand.until;
    case 'eb':
      return value.until <= operand.from;
    case 'ap':
      return value.from < operand.until && value.until > operand.from;
  }
}
