import { FhirError } from './fhir-error.js';
import { valuesAt } from './json.js';
import { parseTimeRange, splitPrefix } from './search-date.js';
import { matchers } from './search-match.js';
import type { SearchParameter, SearchParameterType } from './search-parameters.js';
import { isResourceType } from './search-parameters.js';

export interface Filter {
  name: string;
  parameter: SearchParameter;
  modifier?: string | undefined;
  /** alternatives: one of them has to match */
  values: string[];
}

const MODIFIERS: Record<SearchParameterType, readonly string[]> = {
  string: ['missing', 'exact', 'contains'],
  token: ['missing', 'not', 'text'],
  date: ['missing'],
  reference: ['missing'],
  quantity: ['missing'],
  uri: ['missing', 'contains'],
};

/** An unsupported modifier or a malformed value is an error however lenient the handling. */
export function parseFilter(
  name: string,
  parameter: SearchParameter,
  modifier: string | undefined,
  values: string[],
): Filter {
  const { type } = parameter;
  const byType = type === 'reference' && modifier !== undefined && isResourceType(modifier);
  if (modifier !== undefined && !byType && !MODIFIERS[type].includes(modifier)) {
    throw new FhirError(400, 'not-supported', `the modifier of ${name}:${modifier} is not supported`);
  }
  for (const value of values) {
    const problem = modifier === 'missing' ? missingProblem(value) : valueProblem(type, value);
    if (problem) throw new FhirError(400, 'value', `${name}=${value}: ${problem}`);
  }
  // `subject:Patient=1` is `subject` confined to patients
  if (byType) return { name, parameter: { ...parameter, target: modifier }, values };
  return { name, parameter, modifier, values };
}

export function matchesFilter(resource: unknown, filter: Filter, base = ''): boolean {
  const { parameter, modifier, values } = filter;
  const elements = parameter.paths.flatMap((path) => valuesAt(resource, path));
  if (modifier === 'missing') return (elements.length === 0) === (values[0] === 'true');
  const match = matchers[parameter.type];
  const found = values.some((value) =>
    elements.some((element) => match(element, value, { modifier, base, target: parameter.target })),
  );
  return modifier === 'not' ? !found : found;
}

function missingProblem(value: string): string | null {
  return value === 'true' || value === 'false' ? null : ':missing takes true or false';
}

function valueProblem(type: SearchParameterType, value: string): string | null {
  const { operand } = splitPrefix(value);
  if (type === 'date' && !parseTimeRange(operand))
    return 'not a date such as 2024, 2024-05-01 or ge2024-05-01';
  if (type === 'quantity' && !/^[+-]?\d+(\.\d+)?(\||$)/.test(operand)) return 'not a quantity such as gt140';
  return null;
}

/** Splits at the separator unless a backslash stands before it; the escapes stay for the next split. */
export function splitEscaped(text: string, separator: ',' | '|'): string[] {
  const parts = [''];
  for (const piece of text.match(/\\.|[^\\]|\\$/gs) ?? []) {
    if (piece === separator) parts.push('');
    else parts[parts.length - 1] += piece;
  }
  return parts;
}
