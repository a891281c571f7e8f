import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { adapters } from '../support/adapters.js';
import { FLOWS } from './flows.js';
import { captureOutput, Search, shown, shownError } from './places.js';
import { PLANTED, Secrets } from './secrets.js';
import { Stage } from './stage.js';
import type { StageOptions } from './stage.js';

/** Both frameworks, both kinds of client, pages and JSON. */
const SETTINGS: (Omit<StageOptions, 'adapter' | 'faults'> & { name: string })[] = [
  { name: 'Express', byKey: false, accept: 'text/html' },
  { name: 'Fastify', byKey: true, accept: 'application/json' },
];

afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(SETTINGS)('no secret gets out of an app on $name', ({ name, byKey, accept }) => {
  const { create } = adapters.find((adapter) => adapter.name === name)!;

  it.each(FLOWS)('C-19 A7-19 C-20 with $name', async ({ faults, expected, play }) => {
    const stage = await Stage.start({ adapter: create(), byKey, accept, faults });
    let statuses: number[] = [];
    let leaks: string[];
    try {
      statuses = await play(stage);
    } finally {
      leaks = await stage.end();
    }

    expect(statuses).toEqual(expected);
    expect(stage.output).toContain('Nest application successfully started');
    expect(leaks).toEqual([]);
  });
});

describe('the search itself', () => {
  const secrets = new Secrets();
  secrets.learn('verifier', 'abcdefghijklmnopqrstuvwxyz');
  const found = (text: string) => {
    const search = new Search(secrets);
    search.in('a place', text);
    return search.leaks;
  };

  it('C-19 finds a secret however it is written', () => {
    const { clientSecret } = PLANTED;
    const encodings = [
      clientSecret,
      `Basic ${Buffer.from(`app:${clientSecret}`).toString('base64')}`,
      `Basic ${Buffer.from(`an-app:${clientSecret}`).toString('base64')}`,
      Buffer.from(JSON.stringify({ token: clientSecret })).toString('base64url'),
      Buffer.from(clientSecret).toString('hex'),
    ];
    expect(encodings.map(found)).toEqual(encodings.map(() => ['clientSecret in a place']));
    expect(found('abcdefghijklmnopqrstuvwxyz')).toEqual(['verifier in a place']);
    expect(found('nothing of the kind')).toEqual([]);
  });

  it('C-19 looks into the terminal, and into what an error hides', () => {
    const output = captureOutput();
    new Logger('Test').error(PLANTED.code);
    console.warn({ deep: { token: PLANTED.accessToken } });
    process.stderr.write(Buffer.from(PLANTED.launch));
    output.stop();
    const hidden = new Error('outer', {
      cause: new Error('inner', { cause: { body: PLANTED.refreshToken } }),
    });
    Object.defineProperty(hidden, 'request', { value: { body: PLANTED.clientSecret }, enumerable: false });

    expect(found(output.text())).toEqual(['accessToken in a place', 'code in a place', 'launch in a place']);
    expect(found(shownError(hidden))).toEqual(['clientSecret in a place', 'refreshToken in a place']);
    expect(found(shown(new Map([['key', { [PLANTED.patient]: 1 }]])))).toEqual(['patient in a place']);
  });
});
