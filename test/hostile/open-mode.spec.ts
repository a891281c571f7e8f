import { describe, expect, it } from '@jest/globals';
import { playAll, setStage } from './app/stage.js';
import { Visitor } from './app/visitor.js';
import { ACCEPTED } from './ehr/fault.js';
import { OPEN_MODE_FAULTS } from './faults/open-mode.js';

const ANYBODY = { allowAnyIssuer: true as const, knownFhirServers: [] };

/** Ways to write an address that is not public. PORT is where a server listens on this machine. */
const NOT_PUBLIC = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '017700000001',
  ],
  ...[
    '0177.0.0.1',
    '0177.0.0.01',
    '0',
    '0.0.0.0',
    'localhost',
    'LOCALHOST',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
  ],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b::127.0.0.1]'],
  ...['[2002:7f00:1::]', '[2001:0:7f00:1::]', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
  ...[
    '169.254.169.254',
    '0xa9fea9fe',
    '100.64.0.1',
    '100.127.255.255',
    '192.0.0.8',
    '198.18.0.1',
    '224.0.0.1',
  ],
  ...[
    '240.0.0.1',
    '255.255.255.255',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '[ff02::1]',
    '[::ffff:10.0.0.1]',
  ],
  ...['[::10.0.0.1]', '[64:ff9b::a00:1]', '[2001:db8::1]', '[100::1]'],
];

/** Written in another way than a URL parser writes it. */
const isDisguised = (host: string) => new URL(`https://${host}`).host !== host.toLowerCase();

describe('An app that anybody may launch', () => {
  const cast = setStage(() => ({
    options: { allowNonHttpsLaunch: false },
    client: () => ({
      ...ANYBODY,
      callbackUrl: 'https://app.example.com/fhir/callback',
      redirectUrl: 'https://app.example.com/',
    }),
  }));

  const launch = (iss: string) => {
    const query = new URLSearchParams({ iss, launch: 'launch-1' });
    return new Visitor(cast.app.url).open('launch', `${cast.app.url}/fhir/launch?${query.toString()}`);
  };

  it.each(NOT_PUBLIC.filter((host) => !isDisguised(host)))(
    'C-14 refuses https://%s before any connection',
    async (host) => {
      const { ehr } = cast;

      const sight = await launch(`https://${host}:${ehr.port}/basic/0/fhir`);

      expect(sight).toMatchObject({ status: 502, error: 'discovery_failed' });
      expect(sight.message).toContain('not public');
      expect(ehr.connections).toBe(0);
    },
  );

  it.each(NOT_PUBLIC.filter(isDisguised))('C-14 takes https://%s for no issuer at all', async (host) => {
    const { ehr } = cast;

    expect(await launch(`https://${host}:${ehr.port}/basic/0/fhir`)).toMatchObject({
      status: 403,
      error: 'unknown_issuer',
    });
    expect(ehr.connections).toBe(0);
  });

  it.each([
    ['http', 'http://ehr.example.org/fhir'],
    ['a user', 'https://user@ehr.example.org/fhir'],
    ['a user that looks like a host', 'https://ehr.example.org@127.0.0.1/fhir'],
    ['a query', 'https://ehr.example.org/fhir?x=1'],
    ['a fragment', 'https://ehr.example.org/fhir#x'],
    ['dots', 'https://ehr.example.org/fhir/../x'],
    ['a dot at the end of the host', 'https://localhost./fhir'],
    ['full-width letters', 'https://１２７.0.0.1/fhir'],
    ['circled digits', 'https://①②⑦.0.0.1/fhir'],
    ['an IDN', 'https://ehr.exämple.org/fhir'],
    ['a backslash', 'https://ehr.example.org\\@127.0.0.1/fhir'],
    ['a line break', 'https://127.0.0.1\r\n/fhir'],
    ['a zone', 'https://[fe80::1%25eth0]/fhir'],
    ['a file', 'file:///etc/passwd'],
    ['no host', 'https:///fhir'],
  ])('C-13 C-15 refuses an issuer with %s', async (_what, iss) => {
    expect(await launch(iss)).toMatchObject({ status: 403, error: 'unknown_issuer' });
    expect(cast.ehr.connections).toBe(0);
  });

  it('A4-4 starts no standalone launch at a server nobody named', async () => {
    const query = new URLSearchParams({ iss: 'https://ehr.example.org/fhir' });
    const user = new Visitor(cast.app.url);

    expect(await user.open('launch', `${cast.app.url}/fhir/standalone?${query.toString()}`)).toMatchObject({
      status: 403,
    });
  });
});

describe('An app in development that anybody may launch', () => {
  const cast = setStage(() => ({ client: () => ANYBODY }));

  playAll(cast, [
    { id: 'C-14', name: 'a server on loopback', profile: 'public', expect: ACCEPTED },
    ...OPEN_MODE_FAULTS,
  ]);
});
