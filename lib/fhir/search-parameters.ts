import { SmartError } from '../smart-error.js';

/** Comparisons of dates, numbers and quantities (FHIR R4 3.1.1.4.5). */
const PREFIXES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;

/**
 * One value of a search parameter. FHIR's own types are written as a search wants them: a Coding or an Identifier as
 * `system|code`, a Quantity as `value|system|code`, a Reference as its `reference`, a Date as an ISO instant (UTC).
 *
 * A string is sent as it is: its commas mean OR, its `|` and `$` what they mean in FHIR. Text that users type goes
 * through {@link escapeSearchValue} first.
 */
export type SearchValue =
  | string
  | number
  | boolean
  | Date
  | { system?: string | undefined; code?: string | undefined; display?: string | undefined }
  | { system?: string | undefined; value?: string | undefined }
  | {
      value?: number | undefined;
      system?: string | undefined;
      code?: string | undefined;
      unit?: string | undefined;
    }
  | { reference?: string | undefined; display?: string | undefined };

/** `{ ge: '2024-01-01', lt: new Date() }`: each comparison must hold. */
export type SearchPrefixes = {
  [Prefix in (typeof PREFIXES)[number]]?: Exclude<SearchValue, boolean> | undefined;
};

/** `{ or: ['final', 'amended'] }`: one of them must hold; a comma in one of them is part of it. */
export interface SearchAlternatives {
  or: readonly (SearchValue | SearchPrefixes)[];
}

type ParameterValue = SearchValue | SearchPrefixes | SearchAlternatives;

/**
 * Parameters of a search. A name may have a modifier (`'name:exact'`) or a chain (`'subject:Patient.name'`). The values
 * of a list must all hold (AND); those of `_sort` and `_elements` are joined. `undefined` is left out. What would widen
 * the search without a word is an error: null, an empty text, list or object, NaN, an invalid Date.
 *
 * @example
 * { code: { system: 'http://loinc.org', code: '2339-0' }, date: { ge: '2026-01-01' }, status: { or: ['final', 'amended'] } }
 */
export interface SearchParameters {
  /** `Observation:patient`; with the target (`Observation:patient:Patient`) the result is typed */
  _include?: string | readonly string[] | undefined;
  /** `Provenance:target` */
  _revinclude?: string | readonly string[] | undefined;
  /** resources per page; the server may send fewer */
  _count?: number | string | undefined;
  /** `-date`, descending */
  _sort?: string | readonly string[] | undefined;
  _elements?: string | readonly string[] | undefined;
  _summary?: 'true' | 'text' | 'data' | 'count' | 'false' | (string & {}) | boolean | undefined;
  _total?: 'none' | 'estimate' | 'accurate' | (string & {}) | undefined;
  [name: string]: ParameterValue | readonly ParameterValue[] | undefined;
}

/** What a search asks for: an object, or a query as it is sent. */
export type SearchQuery = SearchParameters | URLSearchParams | string;

/** Names and values, decoded. */
export type QueryEntry = readonly [name: string, value: string];

const EMPTY_TEXT = 'an empty text, which would ask for everything';

/** Their values are one list, joined by commas. */
const JOINED = new Set(['_sort', '_elements']);

/**
 * Text as one value: `\`, `,`, `|` and `$` mean themselves (FHIR R4 3.1.1.4.0.2), so that what a user types is searched
 * for and changes nothing else.
 *
 * @example
 * fhir.search('Patient', { 'name:contains': escapeSearchValue(typed) })
 */
export function escapeSearchValue(text: string): string {
  return text.replace(/[\\,|$]/g, '\\$&');
}

/** The names and values to send. @throws SmartError `invalid_request`, naming the parameter and never its value */
export function queryEntries(query: SearchQuery): QueryEntry[] {
  if (typeof query === 'string' || query instanceof URLSearchParams) {
    return [...new URLSearchParams(query)].map(([name, value]) => [checkedName(name), written(name, value)]);
  }
  if (typeof query !== 'object' || query === null || Array.isArray(query)) {
    throw new SmartError('invalid_request', 'The parameters of a search are an object, or a query');
  }
  return Object.entries(query).flatMap(([name, value]) =>
    valuesOf(checkedName(name), value).map((text): QueryEntry => [name, text]),
  );
}

function checkedName(name: string): string {
  if (/^[\w.:-]+$/.test(name)) return name;
  throw new SmartError('invalid_request', 'A search parameter has a name that is none of FHIR');
}

function valuesOf(name: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return repeats(name, value);
  if (value.length === 0) throw unusable(name, 'an empty list, which would ask for everything');
  if (!JOINED.has(name)) return value.flatMap((item: unknown) => repeats(name, item));
  return [value.map((item: unknown) => single(name, item)).join(',')];
}

/** One value of the object: a text for each time the parameter is sent. */
function repeats(name: string, value: unknown): string[] {
  if (typeof value === 'string') return [written(name, value)];
  if (isObject(value) && Object.hasOwn(value, 'or')) return [alternatives(name, value)];
  if (isPrefixes(value)) {
    return Object.entries(value)
      .filter(([, compared]) => compared !== undefined)
      .map(([prefix, compared]) => prefix + single(name, compared));
  }
  return [single(name, value)];
}

function alternatives(name: string, value: Record<string, unknown>): string {
  const { or, ...others } = value;
  if (!Array.isArray(or) || or.length === 0 || Object.keys(others).length > 0) {
    throw unusable(name, 'an "or" that is no list of values');
  }
  return or
    .map((item: unknown) => {
      if (!isPrefixes(item)) return single(name, item);
      const [text, ...more] = repeats(name, item);
      if (text === undefined || more.length > 0) throw unusable(name, 'an "or" of more than one comparison');
      return text;
    })
    .join(',');
}

/** One value: neither a list nor anything that FHIR would split. */
function single(name: string, value: unknown): string {
  switch (typeof value) {
    case 'string':
      // what is escaped stays so, and a comma is one of the text
      if (!isBlank(value))
        return value.replace(/(\\[\\,|$])|[\\,]/g, (text, kept?: string) => kept ?? `\\${text}`);
      throw unusable(name, EMPTY_TEXT);
    case 'boolean':
      return String(value);
    case 'number':
      if (Number.isFinite(value)) return String(value);
      throw unusable(name, 'not a number');
    case 'object':
      if (value instanceof Date) return instant(name, value);
      if (value !== null && !Array.isArray(value)) return fhirValue(name, value as Record<string, unknown>);
  }
  const what = value === null ? 'null' : Array.isArray(value) ? 'a list in a list' : typeof value;
  throw unusable(name, `${what}, which would ask for everything; leave it out where that is meant`);
}

function written(name: string, text: string): string {
  if (!text.split(/(?<!\\),/).some(isBlank)) return text;
  throw unusable(name, EMPTY_TEXT);
}

function isBlank(text: string): boolean {
  return /^[\s|]*$/.test(text);
}

function instant(name: string, date: Date): string {
  if (Number.isNaN(date.getTime())) throw unusable(name, 'an invalid Date');
  const text = date.toISOString();
  if (text.length === 24) return text;
  throw unusable(name, 'a Date outside the years 0 to 9999');
}

/** Coding, Identifier, Quantity and Reference, as far as a search uses them. */
function fhirValue(name: string, value: Record<string, unknown>): string {
  const { reference, system, code, unit, value: number } = value;
  const isText = (part: unknown): part is string => typeof part === 'string' && part.trim() !== '';
  const isSystem = system === undefined || typeof system === 'string';
  // a canonical reference may hold its version behind a bar
  if (isText(reference)) return single(name, reference);
  const token = code ?? number;
  if (isSystem && isText(token) && !isNumber(number)) {
    return (system === undefined ? '' : `${escapeSearchValue(system)}|`) + escapeSearchValue(token);
  }
  if (isSystem && isNumber(number)) {
    const inUnit = code ?? unit;
    if (inUnit === undefined && system === undefined) return single(name, number);
    if (isText(inUnit)) {
      return `${single(name, number)}|${escapeSearchValue(system ?? '')}|${escapeSearchValue(inUnit)}`;
    }
  }
  throw unusable(name, 'an object that is no Coding, Identifier, Quantity or Reference with a value');
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isPrefixes(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  const names = Object.keys(value);
  return names.length > 0 && names.every((name) => (PREFIXES as readonly string[]).includes(name));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function unusable(name: string, what: string): SmartError {
  return new SmartError('invalid_request', `The search parameter ${name} is ${what}`);
}
