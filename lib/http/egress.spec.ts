import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { EgressRefused, guardedLookup, isAllowedAddress, isAllowedHost } from './egress.js';
import type { EgressPolicy } from './egress.js';

const OPEN: EgressPolicy = { publicOnly: false, allowLoopback: false };
const PUBLIC: EgressPolicy = { publicOnly: true, allowLoopback: false };
const DEVELOPMENT: EgressPolicy = { publicOnly: true, allowLoopback: true };

const FORBIDDEN: [string, string][] = [
  ['10/8', '10.0.0.5'],
  ['172.16/12', '172.16.0.1'],
  ['172.16/12, its end', '172.31.255.255'],
  ['192.168/16', '192.168.1.1'],
  ['link-local', '169.254.0.1'],
  ['cloud metadata', '169.254.169.254'],
  ['carrier-grade NAT', '100.64.0.1'],
  ['unspecified', '0.0.0.0'],
  ['this network', '0.1.2.3'],
  ['IETF protocol', '192.0.0.1'],
  ['documentation', '192.0.2.1'],
  ['benchmark', '198.18.0.1'],
  ['multicast', '224.0.0.1'],
  ['reserved', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['unspecified v6', '::'],
  ['unique local', 'fc00::1'],
  ['cloud metadata v6', 'fd00:ec2::254'],
  ['link-local v6', 'fe80::1'],
  ['site-local', 'fec0::1'],
  ['mapped v4', '::ffff:10.0.0.1'],
  ['mapped v4 in hex', '::ffff:a00:1'],
  ['compatible v4', '::10.0.0.1'],
  ['compatible v4 in hex', '::a00:1'],
  ['translated v4', '::ffff:0:10.0.0.1'],
  ['NAT64', '64:ff9b::10.0.0.1'],
  ['NAT64 in hex', '64:ff9b::a00:1'],
  ['local NAT64', '64:ff9b:1::a00:1'],
  ['6to4', '2002:a00:1::'],
  ['Teredo', '2001:0:a00:1::'],
  ['documentation v6', '2001:db8::1'],
  ['discard', '100::1'],
  ['multicast v6', 'ff02::1'],
  ['not yet assigned', '4000::1'],
];

const LOOPBACK: [string, string][] = [
  ['loopback', '127.0.0.1'],
  ['all of 127/8', '127.255.255.254'],
  ['loopback v6', '::1'],
  ['mapped loopback', '::ffff:127.0.0.1'],
];

const ALLOWED = ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'];

function host(address: string): URL {
  return new URL(address.includes(':') ? `https://[${address}]/` : `https://${address}/`);
}

describe('the addresses a call may reach', () => {
  it.each([...FORBIDDEN, ...LOOPBACK])('C-14 refuses %s: %s', (_, address) => {
    expect(isAllowedAddress(address, PUBLIC)).toBe(false);
    expect(isAllowedHost(host(address), PUBLIC)).toBe(false);
  });

  it.each(ALLOWED)('C-14 lets %s pass, which is public', (address) => {
    expect(isAllowedAddress(address, PUBLIC)).toBe(true);
    expect(isAllowedHost(host(address), PUBLIC)).toBe(true);
  });

  it.each([
    ['decimal', 'http://2130706433/'],
    ['hexadecimal', 'http://0x7f000001/'],
    ['octal', 'http://0177.0.0.1/'],
    ['short', 'http://127.1/'],
    ['decimal 10/8', 'http://167772165/'],
    ['octal metadata', 'http://0251.0376.0251.0376/'],
    ['full-width digits', 'http://１２７.0.0.1/'],
    ['mapped in brackets', 'http://[::ffff:7f00:1]/'],
    ['compatible in brackets', 'http://[::127.0.0.1]/'],
  ])('C-14 sees through the %s form of an address: %s', (_, url) => {
    expect(isAllowedHost(new URL(url), PUBLIC)).toBe(false);
  });

  it.each(LOOPBACK)('allows %s (%s) to development alone', (_, address) => {
    expect(isAllowedAddress(address, DEVELOPMENT)).toBe(true);
  });

  it.each(FORBIDDEN)('C-14 refuses %s to development, too: %s', (_, address) => {
    expect(isAllowedAddress(address, DEVELOPMENT)).toBe(false);
  });

  it.each(['', 'localhost', '1.2.3.4.5', '8.8.8.8:80', '8.8.8.8 '])(
    'C-14 refuses what is no address: %j',
    (address) => {
      expect(isAllowedAddress(address, PUBLIC)).toBe(false);
    },
  );

  it('leaves servers that were configured by name alone', () => {
    expect(isAllowedAddress('10.0.0.5', OPEN)).toBe(true);
    expect(isAllowedHost(new URL('https://10.0.0.5/fhir'), OPEN)).toBe(true);
  });

  it('leaves names to the lookup', () => {
    expect(isAllowedHost(new URL('https://ehr.example.org/'), PUBLIC)).toBe(true);
  });
});

interface Found {
  error: Error | null;
  address: string | LookupAddress[];
  family?: number;
}

function look(hostname: string, policy: EgressPolicy, all: boolean): Promise<Found> {
  return new Promise((resolve) => {
    guardedLookup(policy)(hostname, { all }, (error, address, family) => resolve({ error, address, family }));
  });
}

describe('guardedLookup', () => {
  it.each([true, false])('C-14 hands the socket no address of localhost (all: %s)', async (all) => {
    const { error, address } = await look('localhost', PUBLIC, all);

    expect(error).toBeInstanceOf(EgressRefused);
    expect(error).toMatchObject({ code: 'EGRESS_REFUSED' });
    expect(address).toBe('');
  });

  describe('of a name whose addresses its owner chooses', () => {
    const named = (...answers: string[][]) => {
      const lookup = guardedLookup(PUBLIC, (_hostname, _options, callback) =>
        callback(
          null,
          (answers.shift() ?? []).map((address) => ({ address, family: isIP(address) })),
        ),
      );
      return (all: boolean) =>
        new Promise<Found>((resolve) => {
          lookup('ehr.example.org', { all }, (error, address) => resolve({ error, address }));
        });
    };

    it.each([
      ['first', ['10.0.0.5', '8.8.8.8']],
      ['last', ['8.8.8.8', '2606:4700::1111', '10.0.0.5']],
    ])('C-14 hands the socket none where one of several is not public: the %s', async (_which, addresses) => {
      for (const all of [true, false]) {
        expect(await named(addresses)(all)).toEqual({ error: expect.any(EgressRefused), address: '' });
      }
    });

    it('C-14 hands the socket none once they are no longer the public ones that were there before', async () => {
      const look = named(['8.8.8.8'], ['169.254.169.254'], ['8.8.8.8']);
      expect(await look(true)).toEqual({ error: null, address: [{ address: '8.8.8.8', family: 4 }] });
      expect(await look(true)).toEqual({ error: expect.any(EgressRefused), address: '' });
      expect(await look(false)).toEqual({ error: null, address: '8.8.8.8' });
    });

    it('C-14 hands the socket none where there are none', async () => {
      expect(await named([])(true)).toEqual({ error: expect.any(EgressRefused), address: '' });
    });
  });

  it('gives a development app the addresses of localhost', async () => {
    const { error, address } = await look('localhost', DEVELOPMENT, true);

    expect(error).toBeNull();
    for (const { address: ip } of address as LookupAddress[]) expect(['127.0.0.1', '::1']).toContain(ip);
    expect(address.length).toBeGreaterThan(0);
  });

  it('gives one address to who asks for one', async () => {
    const { error, address, family } = await look('localhost', DEVELOPMENT, false);

    expect(error).toBeNull();
    expect([
      ['127.0.0.1', 4],
      ['::1', 6],
    ]).toContainEqual([address, family]);
  });

  it('passes on that a name does not exist', async () => {
    const { error } = await look(`${'a'.repeat(64)}.invalid`, PUBLIC, true);

    expect(error).not.toBeInstanceOf(EgressRefused);
    expect(error).toMatchObject({ syscall: 'getaddrinfo' });
  });
});
