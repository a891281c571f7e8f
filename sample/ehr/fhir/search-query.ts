import { FhirError } from './fhir-error.js';
import type { ResourceType } from './fhir-store.js';
import { parseFilter, splitEscaped } from './search-filter.js';
import type { Filter } from './search-filter.js';
import { isResourceType, searchParametersOf } from './search-parameters.js';
import type { SearchParameter } from './search-parameters.js';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 1000;

export interface SortKey {
  parameter: SearchParameter;
  descending: boolean;
}

/** `_include=Observation:subject:Patient`, or the same read backwards for `_revinclude`. */
export interface Include {
  source: ResourceType;
  parameter: SearchParameter;
  target?: string | undefined;
}

export interface SearchQuery {
  type: ResourceType;
  filters: Filter[];
  sort: SortKey[];
  count: number;
  offset: number;
  includes: Include[];
  revIncludes: Include[];
  withTotal: boolean;
  countOnly: boolean;
  /** the parameters that had an effect, for the self link */
  used: URLSearchParams;
}

export interface ParseOptions {
  /** `Prefer: handling=strict`: refuse what is not understood instead of ignoring it */
  strict?: boolean;
}

/** They steer the answer's form, which the HTTP layer sees to. */
const FORM_PARAMETERS = ['_format', '_pretty'];

type Parser = (query: SearchQuery, value: string) => void;

const RESULT_PARAMETERS: Record<string, Parser> = {
  _count: (query, value) => {
    query.count = Math.min(wholeNumber('_count', value), MAX_PAGE_SIZE);
    if (query.count === 0) query.countOnly = true;
  },
  _offset: (query, value) => {
    query.offset = wholeNumber('_offset', value);
  },
  _sort: (query, value) => {
    query.sort = value.split(',').map((key) => sortKey(query.type, key.trim()));
  },
  _include: (query, value) => {
    query.includes.push(include('_include', value));
  },
  _revinclude: (query, value) => {
    query.revIncludes.push(include('_revinclude', value));
  },
  _summary: (query, value) => {
    if (value === 'count') query.countOnly = true;
    else if (value !== 'false') throw unknown(`_summary=${value} is not supported`);
  },
  _total: (query, value) => {
    if (!['none', 'estimate', 'accurate'].includes(value)) throw invalid(`_total=${value}`);
    query.withTotal = value !== 'none';
  },
};

export function parseSearch(
  type: ResourceType,
  parameters: URLSearchParams,
  options: ParseOptions = {},
): SearchQuery {
  const query = emptyQuery(type);
  for (const [name, value] of parameters) {
    if (FORM_PARAMETERS.includes(name)) continue;
    try {
      parseParameter(query, name, value);
      query.used.append(name, value);
    } catch (error) {
      if (!(error instanceof UnknownParameter) || options.strict) throw error;
    }
  }
  return query;
}

function parseParameter(query: SearchQuery, name: string, value: string): void {
  const [base = '', modifier, ...rest] = name.split(':');
  const result = Object.hasOwn(RESULT_PARAMETERS, base) ? RESULT_PARAMETERS[base] : undefined;
  if (result) {
    if (modifier !== undefined) throw unknown(`${name} is not supported`);
    return result(query, value);
  }
  const parameters = searchParametersOf(query.type);
  const parameter = Object.hasOwn(parameters, base) ? parameters[base] : undefined;
  if (!parameter || rest.length > 0) {
    const known = [...Object.keys(RESULT_PARAMETERS), ...Object.keys(parameters)].join(', ');
    throw unknown(`${query.type} has no search parameter ${name}; known are ${known}`);
  }
  // a parameter without a value says nothing, as R4 has it
  if (value !== '') query.filters.push(parseFilter(base, parameter, modifier, splitEscaped(value, ',')));
}

function emptyQuery(type: ResourceType): SearchQuery {
  return {
    type,
    filters: [],
    sort: [],
    count: DEFAULT_PAGE_SIZE,
    offset: 0,
    includes: [],
    revIncludes: [],
    withTotal: true,
    countOnly: false,
    used: new URLSearchParams(),
  };
}

function sortKey(type: ResourceType, key: string): SortKey {
  const descending = key.startsWith('-');
  const name = descending ? key.slice(1) : key;
  const parameters = searchParametersOf(type);
  const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (!parameter) throw unknown(`${type} cannot be sorted by ${name}`);
  return { parameter, descending };
}

function include(name: string, value: string): Include {
  const [source = '', parameterName = '', target] = value.split(':');
  if (!isResourceType(source)) throw unknown(`${name}=${value}: ${source} is not a known type`);
  const parameters = searchParametersOf(source);
  const parameter = Object.hasOwn(parameters, parameterName) ? parameters[parameterName] : undefined;
  if (parameter?.type !== 'reference') {
    throw unknown(`${name}=${value}: ${source} has no reference parameter ${parameterName}`);
  }
  return { source, parameter, target: target ?? parameter.target };
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalid(`${name} is not a whole number: ${value}`);
  return Number(value);
}

/** Fatal only where the client asked for strict handling. */
class UnknownParameter extends FhirError {}

const unknown = (message: string): FhirError => new UnknownParameter(400, 'not-supported', message);
const invalid = (message: string): FhirError => new FhirError(400, 'value', message);
