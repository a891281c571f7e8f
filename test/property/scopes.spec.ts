import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import {
  mergeScopes,
  printScope,
  scopesFromUris,
  scopesToUris,
  toV1Scopes,
  toV2Scopes,
} from '../../lib/scope/scope-language.js';
import { parseResourceScope, SmartScopes, splitScopes } from '../../lib/scope/scope.js';
import { anyText, mutated } from './hostile-text.js';
import { holds } from './holds.js';

// Few values each, so that scopes often meet.
const resourceScope = fc
  .record({
    level: fc.constantFrom('patient', 'user', 'system'),
    type: fc.constantFrom('*', 'Patient', 'Observation'),
    permissions: fc.oneof(
      fc.subarray([...'cruds'], { minLength: 1 }).map((letters) => letters.join('')),
      fc.constantFrom('read', 'write', '*'),
    ),
    query: fc.constantFrom(
      '',
      '',
      '',
      '?category=a',
      '?category=b',
      '?category=a&code=x',
      '?code=x&category=a',
    ),
  })
  .map(({ level, type, permissions, query }) => {
    const isV1 = ['read', 'write', '*'].includes(permissions);
    return `${level}/${type}.${permissions}${isV1 ? '' : query}`;
  });
const otherScope = fc.constantFrom(
  'openid',
  'fhirUser',
  'launch',
  'launch/patient',
  'offline_access',
  '__own',
);
const nearlyScope = mutated('patient/Observation.rs', 'user/*.cruds?a=b').map((text) =>
  text.replace(/\s/g, ''),
);
const scope = fc.oneof(
  { weight: 5, arbitrary: resourceScope },
  { weight: 1, arbitrary: otherScope },
  { weight: 1, arbitrary: nearlyScope },
);
const list = fc.array(scope, { maxLength: 5 }).map((scopes) => scopes.join(' '));

const TYPES = ['Patient', 'Observation', 'Encounter'];
const V1: Record<string, string> = { read: 'rs', write: 'cud', '*': 'cruds' };

/**
 * What a list grants, told apart down to one permission for one type: `patient Observation r ?category=a`.
 * Written anew from SMART 2.2, with none of the code under test. `*` is every type, and itself.
 */
function grants(scopes: string): Set<string> {
  const atoms = new Set<string>();
  for (const one of scopes.split(/\s+/)) {
    const match = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(read|write|\*|[cruds]+)(?:\?(.*))?$/.exec(
      one,
    );
    if (!match) {
      atoms.add(one);
      continue;
    }
    const [, level, type, access = '', query = ''] = match;
    const types = type === '*' ? ['*', ...TYPES] : [type];
    const constraints =
      query === '' ? ['', 'category=a', 'category=b', 'category=a&code=x', 'a=b'] : [sorted(query)];
    for (const each of types)
      for (const permission of V1[access] ?? access)
        for (const constraint of constraints) atoms.add(`${level} ${each} ${permission} ${constraint}`);
  }
  return atoms;
}

/** What a scope needs: the same, but `*` needs nothing less than `*`. */
function needs(one: string): string[] {
  const query = sorted(/\?(.*)$/.exec(one)?.[1] ?? '');
  const [level, type] = one.split(/[/.]/);
  return [...grants(one)]
    .filter((atom) => !atom.includes(' ') || atom.startsWith(`${level} ${type} `))
    .filter((atom) => !atom.includes(' ') || atom.split(' ')[3] === query);
}

function sorted(query: string): string {
  return query.split('&').sort().join('&');
}

describe('a clinical scope', () => {
  holds('A17-1 A17-2 is what it was, after it was read and written', resourceScope, (text) => {
    const parsed = parseResourceScope(text);
    expect(parsed).toBeDefined();
    expect(parseResourceScope(printScope(parsed!))).toEqual(parsed);
  });

  holds(
    'A17-1 has permissions in order, or is none',
    fc.oneof(nearlyScope, anyText('patient/', '.rs')),
    (text) => {
      const parsed = parseResourceScope(text);
      if (!parsed) return;
      expect(parsed.permissions).toMatch(/^(?=.)c?r?u?d?s?$/);
      expect(parsed.resourceType).toMatch(/^(\*|[A-Z][A-Za-z]*)$/);
      expect(['patient', 'user', 'system']).toContain(parsed.level);
      for (const parameter of parsed.parameters) expect(parameter).toMatch(/^[^=]+=./);
    },
  );
});

describe('granted scopes', () => {
  holds('A17-3 cover themselves', fc.oneof(list, anyText('patient/Observation.rs ', ' ')), (scopes) => {
    expect(new SmartScopes(scopes).missing(scopes)).toEqual([]);
  });

  holds(
    'A17-3 A17-4 cover what they add up to, and nothing more',
    fc.tuple(list, fc.oneof(resourceScope, otherScope)),
    ([granted, needed]) => {
      const atoms = grants(granted);
      expect(new SmartScopes(granted).covers(needed)).toBe(needs(needed).every((atom) => atoms.has(atom)));
    },
  );

  holds(
    'A17-3 cover what is covered by what they cover',
    fc.tuple(list, list, list),
    ([first, second, third]) => {
      const [one, other] = [new SmartScopes(first), new SmartScopes(second)];
      if (one.covers(second) && other.covers(third)) expect(one.covers(third)).toBe(true);
      // the same with what they are sure to cover
      const both = new SmartScopes(`${first} ${second}`);
      expect(other.covers(third) && !both.covers(third)).toBe(false);
    },
  );

  holds('A7-7 A17-3 lack exactly what would make them cover', fc.tuple(list, list), ([granted, asked]) => {
    const missing = new SmartScopes(granted).missing(asked);
    expect(new SmartScopes(`${granted} ${missing.join(' ')}`).missing(asked)).toEqual([]);
    for (const one of missing) expect(new SmartScopes(granted).covers(one)).toBe(false);
  });

  holds('A17-5 are listed as they came, once each', list, (scopes) => {
    const words = scopes.split(' ').filter(Boolean);
    expect(splitScopes(scopes.replaceAll(' ', ' \t ') + ' ')).toEqual([...new Set(words)]);
    expect(new SmartScopes(scopes).toArray()).toEqual([...new Set(words)]);
  });
});

describe('a list of scopes, written in another way', () => {
  holds('A17-2 grants the same in SMART 2, and in SMART 1 where that can say it', list, (scopes) => {
    const v2 = toV2Scopes(scopes);
    const v1 = toV1Scopes(scopes);
    expect(grants(v2)).toEqual(grants(scopes));
    expect(toV2Scopes(v2)).toBe(v2);
    if (v1 === undefined) return;
    expect(grants(v1)).toEqual(grants(scopes));
    expect(toV1Scopes(toV2Scopes(v1))).toBe(v1);
    expect(toV2Scopes(v1)).toBe(v2);
  });

  holds(
    'A17-3 A17-4 merged, grants what both grant, and nothing more',
    fc.tuple(list, list),
    ([one, other]) => {
      const union = mergeScopes(one, other);
      expect(grants(union)).toEqual(grants(`${one} ${other}`.trim()));
      expect(new SmartScopes(union).missing(one, other)).toEqual([]);
      expect(mergeScopes(union, one)).toBe(union);
      expect(toV2Scopes(union)).toBe(union);
    },
  );

  holds('A17-6 as URIs, is read back as it was', fc.oneof(list, anyText('__', '')), (scopes) => {
    const uris = scopesToUris(scopes);
    const isUri = /^[a-z][a-z0-9+.-]*:/i;
    for (const uri of splitScopes(uris)) expect(uri).toMatch(isUri);
    if (splitScopes(scopes).some((one) => isUri.test(one))) return;
    expect(scopesFromUris(uris)).toBe(splitScopes(scopes).join(' '));
    expect(new SmartScopes(uris).toArray()).toEqual(splitScopes(scopes));
  });
});
