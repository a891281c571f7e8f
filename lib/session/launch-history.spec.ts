import { describe, expect, it } from '@jest/globals';
import { isAmbiguous, withLaunch } from './launch-history.js';
import type { LaunchHistory } from './launch-history.js';

const A = 'https://ehr-a.example.org/fhir';
const B = 'https://ehr-b.example.org/fhir';

function historyOf(...launches: [string, string | null][]): LaunchHistory | undefined {
  let history: LaunchHistory | undefined;
  for (const [iss, patient] of launches) history = withLaunch(history, { iss, patient });
  return history;
}

describe('a patient’s id alone', () => {
  it.each<[string, boolean, [string, string | null][], string | null]>([
    ['nobody launched', false, [], 'p1'],
    ['one EHR launched, twice', false, [[A, 'p1'], [`${A}/`, 'p1']], 'p1'], // prettier-ignore
    ['one EHR launched, and the other somebody else', false, [[A, 'p1'], [B, 'p2']], 'p1'], // prettier-ignore
    ['two EHRs launched', true, [[A, 'p1'], [B, 'p2'], [B, 'p1']], 'p1'], // prettier-ignore
    ['is none, at two EHRs', true, [[A, null], [B, null]], null], // prettier-ignore
  ])('G-5 that %s: ambiguous %s', (_what, expected, launches, patient) => {
    expect(isAmbiguous(historyOf(...launches), patient)).toBe(expected);
  });

  it('G-5 C-26 is always ambiguous between EHRs once a hundred patients were launched', () => {
    const many = Array.from({ length: 100 }, (_, index): [string, string] => [A, `p-${index}`]);
    const full = historyOf(...many);
    expect(isAmbiguous(full, 'p-1')).toBe(false);
    expect(isAmbiguous(withLaunch(full, { iss: A, patient: 'p-100' }), 'p-1')).toBe(false);
    const cut = withLaunch(full, { iss: B, patient: 'q-1' });
    expect([isAmbiguous(cut, 'p-1'), isAmbiguous(cut, 'q-1'), isAmbiguous(cut, 'q-2')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(JSON.stringify(withLaunch(cut, { iss: B, patient: 'q-2' })).length).toBeLessThan(1_500);
  });
});
