import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { isFhirId } from '../../lib/ehr/launch-context.js';
import type { LaunchContext } from '../../lib/ehr/launch-context.js';
import { splitFhirUser, readFhirUser } from '../../lib/fhir-user.js';
import { readSmartStyle } from '../../lib/fhir/smart-style.js';
import { parseJson, parseJsonObject } from '../../lib/http/json.js';
import type { JsonObject } from '../../lib/http/json.js';
import { lifetimeSeconds, readTokenResponse } from '../../lib/token/token-response.js';
import type { TokenResponse } from '../../lib/token/token-response.js';
import { registrationOf } from '../support/registration.js';
import { anyText, mutated } from './hostile-text.js';
import { holds } from './holds.js';
import { jsonText } from './json-text.js';

const MEMBERS = [
  ...[
    'access_token',
    'token_type',
    'expires_in',
    'scope',
    'refresh_token',
    'id_token',
    'patient',
    'encounter',
  ],
  ...[
    'fhirContext',
    'intent',
    'need_patient_banner',
    'smart_style_url',
    'tenant',
    'fhirUser',
    '__department',
  ],
  ...['reference', 'canonical', 'identifier', 'type', 'role'],
];
const TEXTS = [
  'Bearer',
  'patient-1',
  'Patient/1',
  '../Binary/1',
  '..',
  'launch',
  'https://ehr.example/role',
  '',
];

const body = jsonText(MEMBERS, TEXTS);
/** one that has what every response needs, so that what follows is reached */
const withToken = body.map((text) => text.replace(/^\{/, '{"access_token":"token-1",').replace(',}', '}'));

const pristine = Object.getOwnPropertyNames(Object.prototype).sort();

function read(text: string): { json: JsonObject; answer: TokenResponse | undefined } {
  const json = parseJsonObject(text);
  if (json === undefined) throw new Error('a JSON object must be read as one');
  try {
    return { json, answer: readTokenResponse(json, 'launch', 1_000, { references: text.length % 2 === 0 }) };
  } catch (error) {
    // The list is complete: a message that quotes a value is none of these.
    expect((error as Error).message).toMatch(
      /^(access_token is missing or not a token|scope is not a string|(patient|encounter) is not a FHIR id)$/,
    );
    return { json, answer: undefined };
  }
}

function expectContext(context: LaunchContext): void {
  for (const id of [context.patient, context.encounter]) expect(id === null || isFhirId(id)).toBe(true);
  for (const text of [context.intent, context.tenant, context.smartStyleUrl]) {
    expect(text === null || (typeof text === 'string' && text !== '')).toBe(true);
  }
  expect(typeof context.needPatientBanner).toBe('boolean');
  for (const { reference, canonical, identifier, type, role } of context.fhirContext) {
    for (const text of [reference, canonical, type]) expect(['string', 'undefined']).toContain(typeof text);
    expect(role).toMatch(/^(launch$|[a-z][a-z0-9+.-]*:.)/is);
    expect(Boolean(reference ?? canonical ?? identifier)).toBe(true);
  }
  expect(Object.getPrototypeOf(context.extra)).toBe(Object.getPrototypeOf({}));
}

describe('a token response', () => {
  holds('A7-4 A7-8 A7-10 is read into what its type says, or refused', fc.oneof(body, withToken), (text) => {
    const { json, answer } = read(text);
    if (!answer) return;
    expect(answer.accessToken).toBe(json.access_token);
    expect(answer.accessToken).toMatch(/^[\x21-\x7e]+$/);
    expect([typeof answer.scope, typeof answer.scopeAssumed]).toEqual(['string', 'boolean']);
    for (const token of [answer.refreshToken, answer.idToken]) {
      if (token !== undefined) expect(token).toMatch(/./s);
    }
    expectContext(answer.context);
  });

  holds('C-27 reaches no prototype', fc.oneof(body, withToken), (text) => {
    const { json, answer } = read(text);
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(pristine);
    for (const made of [json, answer?.context.extra ?? {}]) {
      expect(Object.hasOwn(made, '__proto__') || Object.hasOwn(made, 'constructor')).toBe(false);
      expect(made.constructor).toBe(Object.getPrototypeOf({}).constructor);
    }
  });

  holds(
    'A7-5 has a lifetime between a moment and a year',
    fc.oneof(fc.anything(), anyText('3600', '-1')),
    (value) => {
      const seconds = lifetimeSeconds(value);
      expect(seconds > 0 && seconds <= 366 * 24 * 3600).toBe(true);
    },
  );
});

describe('what else an EHR sends', () => {
  const registration = registrationOf();
  const user = fc.oneof(
    mutated('Practitioner/1', `${registration.iss}/Patient/2`, 'https://other.example/fhir/Person/3'),
    anyText('Practitioner', '/', '1'),
    fc.jsonValue(),
  );

  holds('B-28 fhirUser is a person’s reference, or nobody', user, (fhirUser) => {
    const reference = readFhirUser({ fhirUser }, registration);
    if (reference === null) return;
    const { type, id } = splitFhirUser(reference);
    expect(['Practitioner', 'PractitionerRole', 'Patient', 'RelatedPerson', 'Person']).toContain(type);
    expect(isFhirId(id)).toBe(true);
    expect(reference.endsWith(`${type}/${id}`)).toBe(true);
  });

  const NAMES = ['color_text', 'dim_font_size', 'font_family_body'] as const;
  const value = fc.oneof(
    mutated('#00ff00', 'red', 'rgba(1, 2, 3, 0.5)', '12px', 'Arial, "Open Sans"', "'A B', serif"),
    anyText('red', '1px', 'Arial', '}', '{', ';', 'url(', ')', '/*', '*/', '\\'),
  );

  holds(
    'A7-16 a style’s values are CSS tokens and end no declaration',
    fc.tuple(value, value, value),
    (values) => {
      const style = readSmartStyle(Object.fromEntries(NAMES.map((name, index) => [name, values[index]])));
      for (const kept of Object.values(style) as string[]) {
        expect(kept).not.toMatch(/[;{}\\<>@!*]|url/i);
        // what is left when strings are taken out has no quote: none is open
        expect(kept.replace(/"[^"\n]*"|'[^'\n]*'/g, '')).not.toMatch(/['"]/);
      }
    },
  );
});

describe('JSON', () => {
  holds('C-17 of any bytes is a value or nothing', fc.uint8Array({ maxLength: 80 }), (bytes) => {
    const value = parseJson(Buffer.from(bytes));
    expect(['undefined', 'number', 'boolean', 'string', 'object']).toContain(typeof value);
  });

  const noise = fc.constantFrom('"[[[["', '"\\"{["', '"\\\\"', '1', '[]', '{"a":[{}]}', '"é"');
  const nested = fc
    .integer({ min: 1, max: 130 })
    .chain((depth) => fc.array(fc.tuple(fc.boolean(), noise), { minLength: depth, maxLength: depth }))
    .map((levels) => ({
      depth: levels.length,
      text: levels.reduceRight(
        (inner, [array, other]) => (array ? `[${other},${inner}]` : `{"a":${inner},"b":${other}}`),
        'null',
      ),
    }));

  holds('C-17 is read up to its limit of depth and not beyond', nested, ({ depth, text }) => {
    const value = parseJson(Buffer.from(text));
    // the noise adds up to three levels at the innermost place
    if (depth <= 97) expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
    else if (depth > 100) expect(value).toBeUndefined();
  });
});
