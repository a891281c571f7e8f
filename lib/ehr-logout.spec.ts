import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { launchRecord, runtimeAt } from '../test/support/launch-parts.js';
import type { ServerSettings } from '../test/support/registration.js';
import { ehrLogout } from './ehr-logout.js';
import type { LaunchRecord } from './session/launch-record.js';
import type { SmartRuntime } from './smart-runtime.js';

const ISS = 'https://ehr.example.org/fhir';
const END = 'https://ehr.example.org/session/end?realm=a%20b';
const BYE = 'https://app.example.com/bye';
let runtime: SmartRuntime | undefined;
let warnings: string[];

beforeEach(() => void (warnings = []));
afterEach(() => runtime?.close());

const record = (changed: Partial<LaunchRecord> = {}, end: string | undefined = END) =>
  launchRecord(ISS, {
    server: { token_endpoint: 'https://ehr.example.org/token', end_session_endpoint: end },
    idToken: 'id-token-1',
    ...changed,
  });

function logOut(settings: ServerSettings, ended: LaunchRecord[]) {
  runtime = runtimeAt(
    ISS,
    undefined,
    { logger: { warn: (line) => void warnings.push(line), error: () => undefined } },
    settings,
  );
  return ehrLogout(runtime, ended);
}

describe('the logout at the EHR', () => {
  it('B-31 is a form with the id_token, and a URL without it', async () => {
    expect(await logOut({ endSession: true, postLogoutRedirectUrl: BYE }, [record()])).toEqual({
      redirect_url: `https://ehr.example.org/session/end?realm=a+b&client_id=growth-chart&post_logout_redirect_uri=${encodeURIComponent(BYE)}`,
      form: {
        action: END,
        fields: { id_token_hint: 'id-token-1', client_id: 'growth-chart', post_logout_redirect_uri: BYE },
      },
    });
  });

  it('B-31 names no page to come back to where none is registered', async () => {
    const answer = await logOut({ endSession: true }, [record()]);

    expect(answer?.form?.fields).toEqual({ id_token_hint: 'id-token-1', client_id: 'growth-chart' });
    expect(answer?.redirect_url).not.toContain('post_logout_redirect_uri');
  });

  it('B-31 is a redirect where no id_token was kept', async () => {
    const answer = await logOut({ endSession: 'redirect', postLogoutRedirectUrl: BYE }, [
      record({ idToken: undefined }),
    ]);

    expect(answer?.form).toBeUndefined();
    expect(new URL(answer!.redirect_url).searchParams.get('post_logout_redirect_uri')).toBe(BYE);
  });

  it('B-31 ends one session for several patients at one EHR, with the latest id_token', async () => {
    const ended = [
      record({ startedAt: 1, idToken: 'first' }),
      record({ startedAt: 3, idToken: 'third' }),
      record({ startedAt: 2, idToken: 'second' }),
    ];

    expect((await logOut({ endSession: true }, ended))?.form?.fields.id_token_hint).toBe('third');
  });

  it.each<[string, ServerSettings, LaunchRecord[]]>([
    ['the switch is not set', {}, [record()]],
    ['the switch is off', { endSession: false }, [record()]],
    ['there was no session', { endSession: true }, []],
    [
      'several EHRs were launched from',
      { endSession: true },
      [record(), record({}, 'https://other.example/end')],
    ],
    [
      'another EHR has no such endpoint',
      { endSession: true },
      [
        record(),
        record({
          iss: 'https://other.example/fhir',
          server: { token_endpoint: 'https://other.example/token' },
        }),
      ],
    ],
    ['the app is another client since', { endSession: true }, [record({ clientId: 'before' })]],
    ['the EHR is registered no more', { endSession: true }, [record({ iss: 'https://gone.example/fhir' })]],
  ])('B-31 is left out where %s', async (_what, settings, ended) => {
    expect(await logOut(settings, ended)).toBeNull();
    expect(warnings).toEqual([]);
  });

  it('B-31 says what is missing where the EHR names no endpoint', async () => {
    const without = record({ server: { token_endpoint: 'https://ehr.example.org/token' } });

    expect(await logOut({ endSession: true }, [without])).toBeNull();
    expect(warnings).toEqual([
      'Hospital: endSession is set, and no end_session_endpoint is known: set endpoints.endSession',
    ]);
  });
});
