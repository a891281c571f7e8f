import { isJsonObject } from '../http/json.js';

/** The members of an Observation that hold codes. */
export type CodedProperty =
  | 'code'
  | 'category'
  | 'method'
  | 'bodySite'
  | 'interpretation'
  | 'dataAbsentReason'
  | 'valueCodeableConcept';

type AnyObservation = { resourceType: 'Observation' };

/**
 * Observations by the codes of one of their members, whatever the system; each once under a code. What is no
 * Observation, or has no such code, is left out.
 *
 * @example
 * const { '8302-2': heights = [] } = byCode(observations, 'code');
 */
export function byCode<O extends AnyObservation>(
  observations: O | readonly O[],
  property: CodedProperty,
): Record<string, O[]> {
  // without a prototype: a code may be called anything, `__proto__` too
  const groups = Object.create(null) as Record<string, O[]>;
  for (const observation of [observations].flat() as O[]) {
    if (!isJsonObject(observation) || observation.resourceType !== 'Observation') continue;
    const member = Object.hasOwn(observation, property)
      ? (observation as Record<string, unknown>)[property]
      : [];
    for (const code of codesOf(member)) (groups[code] ??= []).push(observation);
  }
  return groups;
}

/**
 * A function that answers the Observations of any of the codes it is given, each once.
 *
 * @example
 * const vitals = byCodes(observations, 'code');
 * const weights = vitals('29463-7', '3141-9');
 */
export function byCodes<O extends AnyObservation>(
  observations: O | readonly O[],
  property: CodedProperty,
): (...codes: string[]) => O[] {
  const groups = byCode(observations, property);
  return (...codes) => [...new Set(codes.flatMap((code) => groups[code] ?? []))];
}

/** The codes of a CodeableConcept, or of several; malformed ones have none. */
function codesOf(member: unknown): Set<string> {
  const concepts = [member].flat().filter(isJsonObject);
  const codings = concepts.flatMap(({ coding }) => (Array.isArray(coding) ? (coding as unknown[]) : []));
  const codes = codings.filter(isJsonObject).map(({ code }) => code);
  return new Set(codes.filter((code): code is string => typeof code === 'string' && code !== ''));
}
