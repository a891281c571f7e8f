import { isObject } from './json.js';
import { parseReference } from './references.js';
import { compareRanges, parseTimeRange, splitPrefix, timeRangeOf } from './search-date.js';
import type { SearchParameterType } from './search-parameters.js';

export interface MatchContext {
  modifier?: string | undefined;
  /** the FHIR base URL, under which absolute references are local ones */
  base: string;
  target?: string | undefined;
}

type Matcher = (element: unknown, value: string, context: MatchContext) => boolean;

/** Whether one element of a resource matches one value of a search parameter, by the parameter's type. */
export const matchers: Record<SearchParameterType, Matcher> = {
  string: matchString,
  token: matchToken,
  date: matchDate,
  reference: matchReference,
  quantity: matchQuantity,
  uri: (element, value, { modifier }) =>
    typeof element === 'string' &&
    (modifier === 'contains' ? element.includes(unescape(value)) : element === unescape(value)),
};

const TEXT_ELEMENTS = ['text', 'family', 'given', 'prefix', 'suffix', 'line', 'city', 'district', 'state'];

/** The texts of a string, a HumanName or an Address. */
export function textsOf(element: unknown): string[] {
  if (typeof element === 'string') return [element];
  if (!isObject(element)) return [];
  return [...TEXT_ELEMENTS, 'postalCode', 'country']
    .flatMap((name) => element[name])
    .filter((text) => typeof text === 'string');
}

/** Case and diacritics do not count: "adan" finds Adán. */
export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

function matchString(element: unknown, value: string, { modifier }: MatchContext): boolean {
  const wanted = unescape(value);
  return textsOf(element).some((text) => {
    if (modifier === 'exact') return text.normalize() === wanted.normalize();
    return modifier === 'contains' ? fold(text).includes(fold(wanted)) : fold(text).startsWith(fold(wanted));
  });
}

export interface Token {
  /** undefined for a plain code, whose system the element implies */
  system?: string | undefined;
  code: string;
  text: string;
  /** whether the element could carry a system at all */
  coded: boolean;
}

/** The tokens of a code, boolean, Coding, CodeableConcept, Identifier or ContactPoint. */
export function tokensOf(element: unknown): Token[] {
  if (typeof element === 'string' || typeof element === 'boolean') {
    return [{ code: String(element), text: String(element), coded: false }];
  }
  if (!isObject(element)) return [];
  const { coding, system, code, value, text, display } = element;
  if (coding === undefined && code === undefined && value === undefined) {
    return typeof text === 'string' ? [{ code: '', text, coded: true }] : [];
  }
  if (Array.isArray(coding)) {
    const tokens = coding.flatMap(tokensOf);
    return typeof text === 'string' ? [...tokens, { code: '', text, coded: true }] : tokens;
  }
  return [
    {
      system: typeof system === 'string' ? system : undefined,
      code: String(code ?? value),
      text: typeof display === 'string' ? display : '',
      coded: true,
    },
  ];
}

function matchToken(element: unknown, value: string, { modifier }: MatchContext): boolean {
  const tokens = tokensOf(element);
  if (modifier === 'text') return tokens.some(({ text }) => fold(text).startsWith(fold(unescape(value))));
  const bar = value.search(/(?<!\\)\|/);
  const system = bar < 0 ? undefined : unescape(value.slice(0, bar));
  const code = unescape(value.slice(bar + 1));
  return tokens.some((token) => {
    if (token.code === '' || (code !== '' && token.code !== code)) return false;
    if (system === undefined || !token.coded) return true;
    return system === '' ? token.system === undefined : token.system === system;
  });
}

function matchDate(element: unknown, value: string): boolean {
  const { prefix, operand } = splitPrefix(value);
  const wanted = parseTimeRange(operand);
  const range = timeRangeOf(element);
  return !!wanted && !!range && compareRanges(prefix, range, wanted);
}

function matchReference(element: unknown, value: string, { base, target }: MatchContext): boolean {
  const reference = isObject(element) ? element['reference'] : element;
  if (typeof reference !== 'string') return false;
  const wanted = unescape(value);
  const key = parseReference(reference, base);
  if (!key) return reference === wanted && target === undefined;
  if (target !== undefined && key.type !== target) return false;
  const wantedKey = parseReference(wanted, base);
  return wantedKey ? wantedKey.type === key.type && wantedKey.id === key.id : wanted === key.id;
}

function matchQuantity(element: unknown, value: string): boolean {
  if (!isObject(element) || typeof element['value'] !== 'number') return false;
  const { prefix, operand } = splitPrefix(value);
  const [number = '', system = '', unit = ''] = operand.split('|');
  if (system !== '' && element['system'] !== system) return false;
  if (unit !== '' && element['code'] !== unit && element['unit'] !== unit) return false;
  const actual = element['value'];
  const wanted = Number(number);
  if (prefix === 'eq' || prefix === 'ne' || prefix === 'ap') {
    // "140" means 139.5 up to 140.5: what is searched for has the precision it is written with
    const half = 0.5 * 10 ** -(number.split('.')[1]?.length ?? 0);
    const near = actual >= wanted - half && actual < wanted + half;
    if (prefix === 'ap') return Math.abs(actual - wanted) <= Math.abs(wanted) * 0.1;
    return near === (prefix === 'eq');
  }
  if (prefix === 'ge') return actual >= wanted;
  if (prefix === 'le') return actual <= wanted;
  return prefix === 'gt' || prefix === 'sa' ? actual > wanted : actual < wanted;
}

const unescape = (text: string): string => text.replace(/\\([\\,|$])/g, '$1');
