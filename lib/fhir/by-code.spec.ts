import { describe, expect, it } from '@jest/globals';
import type { Observation } from 'fhir/r4.js';
import { byCode, byCodes } from './by-code.js';

const observation = (id: string, code: string, category: string, ...further: string[]): Observation => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { coding: [{ code }, ...further.map((other) => ({ code: other }))] },
  category: [{ coding: [{ code: category }] }],
});
const PRESSURE = observation('1', '55284-4', 'vital-signs');
const GLUCOSE = observation('2', '6082-2', 'laboratory');

/** what fhirclient's tests throw at it, and worse */
const MALFORMED = [
  {},
  null,
  undefined,
  7,
  'text',
  { resourceType: 'Patient', category: { coding: [{ code: 'patient' }] } },
  { resourceType: 'Observation' },
  { resourceType: 'Observation', category: [null, { codding: null }] },
  { resourceType: 'Observation', category: [{ coding: [{ code: null }, null, { code: '' }, { code: 7 }] }] },
  { resourceType: 'Observation', category: { coding: { code: 'no list' } }, code: 'text' },
] as unknown as Observation[];

describe('observations by code', () => {
  const all = [PRESSURE, GLUCOSE, ...MALFORMED];

  it('are grouped, and what is malformed is left out', () => {
    expect({ ...byCode(all, 'code') }).toEqual({ '55284-4': [PRESSURE], '6082-2': [GLUCOSE] });
    expect({ ...byCode(all, 'category') }).toEqual({ 'vital-signs': [PRESSURE], laboratory: [GLUCOSE] });
    expect({ ...byCode(all, 'method') }).toEqual({});
    expect({ ...byCode(PRESSURE, 'code') }).toEqual({ '55284-4': [PRESSURE] });
  });

  it('are there once, though two systems share the code', () => {
    expect(byCode([observation('3', '8302-2', 'vital-signs', '8302-2')], 'code')['8302-2']).toHaveLength(1);
  });

  it.each(['__proto__', 'constructor', 'toString'])('C-27 may have a code of any name: %s', (code) => {
    const odd = observation('3', code, 'laboratory');
    expect(byCode([odd], 'code')[code]).toEqual([odd]);
    expect(byCode([], 'code')[code]).toBeUndefined();
    expect(byCodes([PRESSURE], 'code')(code)).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('C-27 are not found by an inherited member', () => {
    expect({ ...byCode([PRESSURE], '__proto__' as 'code') }).toEqual({});
  });
});

describe('observations of some codes', () => {
  const find = byCodes([PRESSURE, GLUCOSE, PRESSURE, ...MALFORMED], 'code');

  it('are found by one code or several, each once', () => {
    expect(find('55284-4')).toEqual([PRESSURE]);
    expect(find('6082-2', '55284-4')).toEqual([GLUCOSE, PRESSURE]);
    expect(find('6082-2', '6082-2')).toEqual([GLUCOSE]);
    const both = observation('3', 'a', 'laboratory', 'b');
    expect(byCodes([both], 'code')('a', 'b')).toEqual([both]);
  });

  it('are none where nobody has the code', () => {
    expect([find('1'), find()]).toEqual([[], []]);
  });
});
