import { notLaunched } from '../ehr/fault.js';
import type { Expectation, Fault } from '../ehr/fault.js';

const PRIVATE = [
  'http://10.0.0.5',
  'http://192.168.1.1:8080',
  'http://169.254.169.254/latest/meta-data',
  'http://[::ffff:10.0.0.5]',
  'http://[64:ff9b::a00:5]',
  'http://[fd00:ec2::254]',
  'http://0xa000005',
  'http://0.0.0.0',
];

/** Endpoints at addresses that an EHR nobody vouches for has no business to name (A2-11, C-14). */
export const OPEN_MODE_FAULTS: Fault[] = PRIVATE.flatMap((url) => [
  discovered('authorization_endpoint', url),
  discovered('token_endpoint', url),
  discovered('jwks_uri', url),
  discovered('revocation_endpoint', url),
  {
    ...named('smart_style_url', url),
    token: (body) => ({ ...body, smart_style_url: url }),
    visits: ['/api/style'],
    expect: { ...after('data', 'ehr_unavailable'), session: true },
  },
  {
    ...named('the redirect of the SMART configuration', url),
    answer: { discovery: () => ({ status: 302, headers: { location: url } }) },
    expect: after('launch', 'discovery_failed'),
  },
]);

function named(what: string, url: string): Pick<Fault, 'id' | 'name' | 'profile'> {
  return { id: 'C-14 A2-11', name: `${what} is at ${url}`, profile: 'public' };
}

function discovered(member: string, url: string): Fault {
  return {
    ...named(member, url),
    discovery: (document) => ({ ...document, [member]: url }),
    expect: notLaunched('discovery_failed', 502, member),
  };
}

function after(at: Expectation['at'], error: string): Expectation {
  return { at, status: 502, error };
}
