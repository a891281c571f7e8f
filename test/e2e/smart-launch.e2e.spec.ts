import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConsoleLogger, Controller, Get, Inject, Injectable, Module, Scope } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Keyv } from 'keyv';
import { SmartLaunchModule, SmartLaunchService } from 'nestjs-smart-on-fhir';
import type {
  LaunchMembers,
  SmartAppLaunch,
  SmartAppLaunchStore,
  SmartError,
  SmartLaunchModuleOptions,
} from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { APPS, LoginGuard, READ_RESOURCE, startLaunchingEhr } from '../support/launching-ehr.js';
import type { LaunchingEhr, LaunchingEhrOptions } from '../support/launching-ehr.js';
import { fakeClock } from '../support/clock.js';
import { MapStorage } from '../support/map-storage.js';

const LAUNCH = 'ClientApplication/growth-chart/$smart-launch';
const GREY = { clientId: 'growth-client', userId: 'dr-grey' };

const form = (fields: Record<string, string> | [string, string][]): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
});
const parameters = (parameter: object[], type = 'application/fhir+json'): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': type },
  body: JSON.stringify({ resourceType: 'Parameters', parameter }),
});

interface Outcome {
  resourceType: string;
  issue: { severity: string; code: string; details: { text: string } }[];
}

async function outcome(answer: Response): Promise<{ status: number; code: string; text: string }> {
  const body = (await answer.json()) as Outcome;
  expect(answer.headers.get('content-type')).toMatch(/^application\/fhir\+json/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect([body.resourceType, body.issue[0]!.severity]).toEqual(['OperationOutcome', 'error']);
  return { status: answer.status, code: body.issue[0]!.code, text: body.issue[0]!.details.text };
}

describe.each(adapters)('$$smart-launch on $name', ({ create }) => {
  let ehr: LaunchingEhr;

  beforeAll(async () => {
    ehr = await startLaunchingEhr({ adapter: create() });
  });
  afterAll(() => ehr.close());

  async function taken(path: string, init?: RequestInit): Promise<LaunchMembers | SmartError> {
    return ehr.launches.take(await ehr.handle(path, init), GREY);
  }

  describe('Medplum’s five cases', () => {
    it('F-1 without an application there is none', async () => {
      const path = 'ClientApplication/$smart-launch';
      expect(await outcome(await ehr.ask(path))).toMatchObject({ status: 404, code: 'not-found' });
      expect((await ehr.ask(path, { method: 'POST' })).status).toBe(404);
    });

    it('F-1 an application without launchUri is not launched', async () => {
      const answer = await ehr.ask('ClientApplication/not-for-launch/$smart-launch');
      expect(await outcome(answer)).toMatchObject({
        status: 400,
        text: expect.stringContaining('launchUri'),
      });
    });

    it('F-1 redirects to launchUri, and the SmartAppLaunch is there to read', async () => {
      const answer = await ehr.ask(LAUNCH);
      expect(answer.status).toBe(302);
      const location = new URL(answer.headers.get('location')!);
      expect(`${location.origin}${location.pathname}`).toBe('https://growth.example.org/launch');

      const handle = location.searchParams.get('launch')!;
      const byHandle = await ehr.ask(`SmartAppLaunch/${handle}`);
      const { launchId } = ehr.events.at(-1)!;
      const byId = await ehr.ask(`SmartAppLaunch/${launchId}`);
      const resource = { resourceType: 'SmartAppLaunch', id: launchId };
      expect([byHandle.status, await byHandle.json()]).toEqual([200, resource]);
      expect([byId.status, await byId.json()]).toEqual([200, resource]);
      expect(byId.headers.get('content-type')).toMatch(/^application\/fhir\+json/);
      expect(JSON.stringify(resource)).not.toContain(handle);
    });

    it('F-1 keeps the launch parameter', async () => {
      const handle = await ehr.handle(`${LAUNCH}?patient=ada`);
      const launch = await (await ehr.ask(`SmartAppLaunch/${handle}`)).json();
      expect(launch).toMatchObject({ patient: { reference: 'Patient/ada' } });
    });

    it('F-1 F-5 takes one launch context, not two', async () => {
      const answer = await ehr.ask(`${LAUNCH}?patient=ada&encounter=visit`);
      expect(await outcome(answer)).toMatchObject({
        status: 400,
        code: 'invalid',
        text: expect.stringContaining('Only one launch context'),
      });
    });
  });

  it.each<[string, () => [path: string, init?: RequestInit]]>([
    ['the query', () => [`${LAUNCH}?patient=ada`]],
    ['the query of a POST', () => [`${LAUNCH}?patient=ada`, { method: 'POST' }]],
    ['a form', () => [LAUNCH, form({ patient: 'ada' })]],
    ['Parameters', () => [LAUNCH, parameters([{ name: 'patient', valueId: 'ada' }])]],
    [
      'Parameters as application/json',
      () => [
        LAUNCH,
        parameters([{ name: 'patient', valueString: 'ada' }], 'application/json; charset=utf-8'),
      ],
    ],
    [
      'a plain JSON object',
      () => [
        LAUNCH,
        { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"patient":"ada"}' },
      ],
    ],
  ])('F-1 reads the context from %s', async (_case, request) => {
    expect(await taken(...request())).toEqual({ patient: 'ada' });
  });

  it('F-1 an unknown application is 404', async () => {
    for (const id of ['nobody', '..%2Fgrowth-chart', 'growth_chart']) {
      const answer = await ehr.ask(`ClientApplication/${id}/$smart-launch`);
      expect(await outcome(answer)).toMatchObject({ status: 404, code: 'not-found' });
    }
    expect((await ehr.ask('ClientApplication/%20/$smart-launch')).status).toBe(400);
  });

  it.each([
    ['nobody is logged in', { Authorization: '' }, 401, 'login', 'Log in first'],
    ['the guard refuses', { Authorization: 'Bearer locked-out' }, 403, 'forbidden', 'Not for you'],
  ])('F-1 answers as an OperationOutcome where %s', async (_case, headers, status, code, text) => {
    for (const path of [LAUNCH, 'SmartAppLaunch/1']) {
      expect(await outcome(await ehr.ask(path, { headers }))).toEqual({ status, code, text });
    }
  });

  it('F-1 refuses HEAD, which would make a launch nobody sees', async () => {
    const before = ehr.events.length;
    expect((await ehr.ask(LAUNCH, { method: 'HEAD' })).status).toBe(405);
    expect(ehr.events).toHaveLength(before);
  });

  it('F-2 keeps the query of the launch URL, overwrites iss and launch, and is kept nowhere', async () => {
    const elsewhere = await ehr.ask(`${LAUNCH}?launchUri=https://evil.example`);
    expect([elsewhere.status, elsewhere.headers.get('location')]).toEqual([400, null]);
    const answer = await ehr.ask(`${LAUNCH}?_redirect=https://evil.example`);
    const { searchParams, origin } = new URL(answer.headers.get('location')!);
    expect(origin).toBe('https://growth.example.org');
    expect([...searchParams.keys()].sort()).toEqual(['foo', 'iss', 'launch']);
    expect(searchParams.get('foo')).toBe('1');
    expect(searchParams.get('iss')).toBe(ehr.fhirBaseUrl);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('F-4 a handle has 256 random bits, and the launch that is kept has only its hash', async () => {
    const handles = [await ehr.handle(LAUNCH), await ehr.handle(LAUNCH)];
    expect(new Set(handles).size).toBe(2);
    for (const handle of handles) expect(handle).toMatch(/^[\w-]{43}$/);
  });

  it('F-4 a SmartAppLaunch is for the user who launched', async () => {
    const handle = await ehr.handle(`${LAUNCH}?patient=ada`);
    const headers = { Authorization: 'Bearer dr-house' };
    expect(await outcome(await ehr.ask(`SmartAppLaunch/${handle}`, { headers }))).toMatchObject({
      status: 404,
    });
    await ehr.launches.take(handle, GREY);
    expect((await ehr.ask(`SmartAppLaunch/${handle}`)).status).toBe(404);
  });

  it.each([
    ['a patient that is not there', 'patient=nobody', 404],
    ['a patient this user may not read', 'patient=vip', 404],
    ['an encounter that is not there', 'encounter=nothing', 404],
    ['an encounter of a patient this user may not read', 'encounter=of-vip', 404],
    ['an encounter of a group', 'encounter=group', 400],
    ['an encounter of another server’s patient', 'encounter=elsewhere', 400],
  ])('F-5 refuses %s', async (_case, query, status) => {
    expect((await outcome(await ehr.ask(`${LAUNCH}?${query}`))).status).toBe(status);
  });

  it('F-5 an encounter brings its patient along', async () => {
    expect(await taken(`${LAUNCH}?encounter=visit`)).toEqual({ patient: 'ada', encounter: 'visit' });
  });

  it.each<[string, () => [path: string, init?: RequestInit]]>([
    ['climbs', () => [`${LAUNCH}?patient=..%2FPatient%2Fada`]],
    ['is a dot segment', () => [`${LAUNCH}?patient=..`]],
    ['is a reference', () => [`${LAUNCH}?patient=Patient%2Fada`]],
    ['is empty', () => [`${LAUNCH}?patient=`]],
    ['is too long', () => [`${LAUNCH}?patient=${'a'.repeat(65)}`]],
    ['is there twice', () => [`${LAUNCH}?patient=ada&patient=ada`]],
    ['is in brackets', () => [`${LAUNCH}?patient[]=ada`]],
    ['is spelt otherwise', () => [`${LAUNCH}?patientId=ada`]],
    [
      'is twice in a form',
      () => [
        LAUNCH,
        form([
          ['patient', 'ada'],
          ['patient', 'bob'],
        ]),
      ],
    ],
    ['is in query and form', () => [`${LAUNCH}?patient=ada`, form({ patient: 'bob' })]],
    ['is in brackets in a form', () => [LAUNCH, form({ 'patient[]': 'ada' })]],
    ['is a list', () => [LAUNCH, parameters([{ name: 'patient', valueId: ['ada'] }])]],
    [
      'is twice in Parameters',
      () => [
        LAUNCH,
        parameters([
          { name: 'patient', valueId: 'ada' },
          { name: 'patient', valueId: 'bob' },
        ]),
      ],
    ],
    ['has no value', () => [LAUNCH, parameters([{ name: 'patient' }])]],
    [
      'is an object',
      () => [LAUNCH, parameters([{ name: 'patient', part: [{ name: 'id', valueId: 'ada' }] }])],
    ],
  ])('F-6 refuses a patient that %s', async (_case, request) => {
    const before = ehr.events.length;
    expect((await outcome(await ehr.ask(...request()))).status).toBe(400);
    expect(ehr.events).toHaveLength(before);
  });

  it.each<[string, RequestInit, number]>([
    [
      'another resource',
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/fhir+json' },
        body: '{"resourceType":"Patient","id":"ada"}',
      },
      400,
    ],
    [
      'broken JSON',
      { method: 'POST', headers: { 'Content-Type': 'application/fhir+json' }, body: '{"resourceType":' },
      400,
    ],
    ['a parameter without a name', parameters([{ valueId: 'ada' }]), 400],
  ])('F-6 refuses a body that is %s', async (_case, init, status) => {
    expect((await outcome(await ehr.ask(LAUNCH, init))).status).toBe(status);
  });

  describe('with a cookie', () => {
    const cookie = (headers: Record<string, string>): RequestInit => ({
      headers: { Authorization: '', Cookie: 'ehr=dr-grey', ...headers },
    });
    const asked = async (headers: Record<string, string>, method = 'GET') =>
      fetch(`${ehr.fhirBaseUrl}/${LAUNCH}`, { method, redirect: 'manual', headers });

    it.each<[string, Record<string, string>]>([
      ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
      ['a sibling host', { 'Sec-Fetch-Site': 'same-site' }],
      ['a browser that does not say', {}],
      ['a page of nobody', { Origin: 'null' }],
      ['another page', { Origin: 'https://evil.example' }],
      ['another page by its referrer', { Referer: 'https://evil.example/' }],
      ['another page with a referrer of ours', { Origin: 'https://evil.example', Referer: 'OWN/' }],
      // a browser keeps the Referer of the page with the link through every redirect
      ['another site that one of ours links to', { 'Sec-Fetch-Site': 'cross-site', Referer: 'OWN/' }],
      ['a sibling host that one of ours links to', { 'Sec-Fetch-Site': 'same-site', Referer: 'OWN/' }],
      ['a browser whose word is unknown', { 'Sec-Fetch-Site': 'new-word', Referer: 'OWN/' }],
    ])('F-7 refuses a request of %s', async (_case, headers) => {
      const before = ehr.events.length;
      const own = Object.entries(headers).map(([name, value]) => [name, value.replace('OWN', ehr.origin)]);
      const given = { Cookie: 'ehr=dr-grey', ...(Object.fromEntries(own) as Record<string, string>) };
      for (const method of ['GET', 'POST']) {
        expect(await outcome(await asked(given, method))).toMatchObject({ status: 403, code: 'forbidden' });
      }
      expect(ehr.events).toHaveLength(before);
    });

    it.each<[string, Record<string, string>]>([
      ['its own pages', { 'Sec-Fetch-Site': 'same-origin' }],
      ['the address bar', { 'Sec-Fetch-Site': 'none' }],
      ['a form of its own', { Origin: 'OWN' }],
      ['its own pages by their referrer', { Referer: 'OWN/patients?q=a' }],
    ])('F-7 takes a request of %s', async (_case, headers) => {
      const own = Object.entries(headers).map(([name, value]) => [name, value.replace('OWN', ehr.origin)]);
      const given = { Cookie: 'ehr=dr-grey', ...(Object.fromEntries(own) as Record<string, string>) };
      expect((await asked(given)).status).toBe(302);
    });

    it('F-7 a credential that browsers add by themselves needs the proof, too', async () => {
      const headers = { Authorization: 'Basic ZHItZ3JleTpwYXNz' };
      expect((await ehr.ask(LAUNCH, { headers })).status).toBe(403);
      expect((await ehr.ask(LAUNCH, cookie({}))).status).toBe(403);
    });

    it('F-7 a token is a proof by itself', async () => {
      const headers = {
        Cookie: 'ehr=dr-grey',
        'Sec-Fetch-Site': 'cross-site',
        Origin: 'https://evil.example',
      };
      expect((await ehr.ask(LAUNCH, { headers })).status).toBe(302);
    });
  });

  it('F-9 carries further context, and members of the EHR’s own', async () => {
    const context = [
      { reference: 'ImagingStudy/1' },
      { reference: 'List/2', role: 'https://example.org/role' },
    ];
    const query = new URLSearchParams({
      patient: 'ada',
      intent: 'reconcile-medications',
      need_patient_banner: 'false',
      fhirContext: JSON.stringify(context),
      __site: '12',
      'https://example.org/ward': 'b',
      _format: 'json',
    });
    const members = {
      patient: 'ada',
      intent: 'reconcile-medications',
      need_patient_banner: false,
      fhirContext: context,
      __site: '12',
      'https://example.org/ward': 'b',
    };
    expect(await taken(`${LAUNCH}?${query.toString()}`)).toEqual(members);
    expect(
      await taken(
        LAUNCH,
        parameters([
          { name: 'patient', valueId: 'ada' },
          { name: 'intent', valueCode: 'reconcile-medications' },
          { name: 'need_patient_banner', valueBoolean: false },
          { name: 'fhirContext', valueReference: { reference: 'ImagingStudy/1' } },
          {
            name: 'fhirContext',
            part: [
              { name: 'reference', valueReference: { reference: 'List/2' } },
              { name: 'role', valueUri: 'https://example.org/role' },
            ],
          },
          { name: '__site', valueString: '12' },
          { name: 'https://example.org/ward', valueString: 'b' },
        ]),
      ),
    ).toEqual(members);
  });

  it.each([
    ['a patient this user may not read', 'Patient/vip', 404],
    ['a patient that is not there', 'Patient/nobody', 404],
    ['an encounter this user may not read', 'Encounter/hidden', 404],
    ['a resource this user may not read', 'Observation/of-vip', 404],
    ['an old version of one', 'Observation/of-vip/_history/2', 404],
    ['one by the URL it has here', 'BASE/Observation/of-vip', 404],
    ['one by a URL spelt otherwise', 'BASE/./Observation/of-vip', 404],
    ['one by a path that climbs', './Observation/of-vip', 400],
    ['one by a search', 'BASE/Observation?_id=of-vip', 400],
    ['one by a URL without a scheme', '//localhost/fhir/R4/Observation/of-vip', 400],
    ['one of nothing', '#contained', 400],
  ])('F-5 F-9 refuses a fhirContext with %s', async (_case, reference, status) => {
    const before = ehr.events.length;
    const item = {
      reference: reference.replace('BASE', ehr.fhirBaseUrl),
      role: 'https://example.org/role',
    };
    const context = encodeURIComponent(JSON.stringify([{ reference: 'ImagingStudy/1' }, item]));
    const answer = await ehr.ask(`${LAUNCH}?patient=ada&fhirContext=${context}`);
    expect((await outcome(answer)).status).toBe(status);
    expect(ehr.events).toHaveLength(before);
  });

  it('F-5 F-9 leaves a fhirContext of other servers, identifiers and canonicals to the app', async () => {
    const context = [
      { reference: `${ehr.fhirBaseUrl}/ImagingStudy/1` },
      { reference: 'https://other.example.org/fhir/Observation/of-vip' },
      { reference: 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7' },
      { identifier: { value: '7' }, type: 'ServiceRequest' },
      { canonical: 'https://example.org/Questionnaire/phq-9|1.0' },
    ];
    const query = new URLSearchParams({ patient: 'ada', fhirContext: JSON.stringify(context) });
    expect(await taken(`${LAUNCH}?${query.toString()}`)).toEqual({ patient: 'ada', fhirContext: context });
  });

  it('F-5 F-9 refuses a fhirContext of more references than anybody means', async () => {
    const context = Array.from({ length: 101 }, (_, index) => ({ reference: `ImagingStudy/${index}` }));
    const answer = await ehr.ask(LAUNCH, form({ fhirContext: JSON.stringify(context) }));
    expect(await outcome(answer)).toMatchObject({ status: 400, text: expect.stringContaining('100') });
  });

  it.each([
    ['tenant', 'other-hospital'],
    ['smart_style_url', 'https://evil.example/style.json'],
  ])('F-9 F-4 takes no %s from a request', async (name, value) => {
    for (const ask of [
      () => ehr.ask(`${LAUNCH}?${new URLSearchParams({ patient: 'ada', [name]: value }).toString()}`),
      () => ehr.ask(LAUNCH, form({ patient: 'ada', [name]: value })),
      () => ehr.ask(LAUNCH, parameters([{ name, valueString: value }])),
    ]) {
      expect(await outcome(await ask())).toMatchObject({ status: 400, text: expect.stringContaining(name) });
    }
  });

  it.each([
    'need_patient_banner=maybe',
    'smart_style_url=http://ehr.example.org/style.json',
    'smart_style_url=javascript:alert(1)',
    'fhirContext=nonsense',
    `fhirContext=${encodeURIComponent('[{"reference":"Patient/bob"}]')}`,
    `fhirContext=${encodeURIComponent('[{"role":"launch"}]')}`,
    'intent=',
    'tenant=a&tenant=b',
  ])('F-9 refuses %s', async (query) => {
    expect((await outcome(await ehr.ask(`${LAUNCH}?${query}`))).status).toBe(400);
  });

  it('F-11 each launch is told once, with who, which app and which context, and without its handle', async () => {
    const before = ehr.events.length;
    const handle = await ehr.handle(`${LAUNCH}?encounter=visit`);

    expect(ehr.events.slice(before)).toEqual([
      {
        type: 'launch',
        launchId: expect.stringMatching(/^[0-9a-f]{64}$/),
        userId: 'dr-grey',
        application: { id: 'growth-chart', name: 'Growth Chart', clientId: 'growth-client' },
        context: { patient: 'ada', encounter: 'visit' },
        at: expect.any(Date),
      },
    ]);
    expect(JSON.stringify(ehr.events)).not.toContain(handle);
  });
});

describe('the handle comes back', () => {
  let ehr: LaunchingEhr;
  const [{ create }] = adapters as [(typeof adapters)[number]];

  beforeAll(async () => {
    ehr = await startLaunchingEhr({ adapter: create(), options: { allowFromRequest: ['tenant'] } });
  });
  afterAll(() => ehr.close());
  const launched = (query = 'patient=ada') => ehr.handle(`${LAUNCH}?${query}`);

  it.each([
    ['another client', { ...GREY, clientId: 'other-client' }],
    ['the id of the application, which is not its client id', { ...GREY, clientId: 'growth-chart' }],
    ['another user', { ...GREY, userId: 'dr-house' }],
    ['another tenant', { ...GREY, tenant: 'south' }],
    ['another FHIR base', { ...GREY, aud: 'https://elsewhere.example.org/fhir' }],
  ])('F-4 is refused from %s, which does not use it up', async (_case, taker) => {
    const handle = await launched('patient=ada&tenant=north');

    expect(await ehr.launches.take(handle, taker)).toMatchObject({
      error: 'invalid_launch_request',
      oauthError: 'invalid_request',
    });
    expect(await ehr.launches.take(handle, GREY)).toEqual({ patient: 'ada', tenant: 'north' });
  });

  it('F-4 is taken once', async () => {
    const handle = await launched();
    await ehr.launches.take(handle, GREY);
    expect(await ehr.launches.take(handle, GREY)).toMatchObject({ oauthError: 'invalid_request' });
  });

  it.each(['', 'made-up', undefined, ['a', 'b'], 7])('F-4 is refused as %j', async (handle) => {
    expect(await ehr.launches.take(handle, GREY)).toMatchObject({ oauthError: 'invalid_request' });
  });

  it('F-4 is good for ten minutes', async () => {
    const clock = fakeClock();
    try {
      const [early, late] = [await launched(), await launched()];
      clock.advance(10 * 60_000 - 1_000);
      expect(await ehr.launches.take(early, GREY)).toEqual({ patient: 'ada' });
      clock.advance(1_000);
      expect(await ehr.launches.take(late, GREY)).toMatchObject({ oauthError: 'invalid_request' });
      expect((await ehr.ask(`SmartAppLaunch/${late}`)).status).toBe(404);
    } finally {
      clock.restore();
    }
  });

  it('F-8 gives out what the granted scopes allow', async () => {
    const take = async (scope: string) =>
      ehr.launches.take(await launched('encounter=visit&intent=order'), { ...GREY, scope });
    expect(await take('openid patient/*.rs')).toEqual({});
    expect(await take('launch/patient')).toEqual({ patient: 'ada' });
    expect(await take('launch/encounter')).toEqual({ encounter: 'visit' });
    expect(await take('launch openid')).toEqual({ patient: 'ada', encounter: 'visit', intent: 'order' });
  });

  it('F-14 of two authorizations at once, one gets it', async () => {
    const handle = await launched();
    const answers = await Promise.all([1, 2, 3].map(() => ehr.launches.take(handle, GREY)));
    expect(answers.filter((answer) => 'patient' in answer)).toHaveLength(1);
  });

  it('F-3 aud is the FHIR base, one slash aside', () => {
    const { launches, fhirBaseUrl } = ehr;
    const given = [
      fhirBaseUrl,
      `${fhirBaseUrl}/`,
      `${fhirBaseUrl}//`,
      ehr.origin,
      `${fhirBaseUrl}x`,
      undefined,
    ];
    expect(given.map((aud) => launches.isAudience(aud))).toEqual([true, true, false, false, false, false]);
  });
});

describe('the options', () => {
  const [{ create }] = adapters as [(typeof adapters)[number]];

  /** Runs with an EHR of these options. */
  async function withEhr<T>(
    options: Partial<SmartLaunchModuleOptions>,
    run: (ehr: LaunchingEhr) => Promise<T>,
    more: Partial<LaunchingEhrOptions> = {},
  ): Promise<T> {
    const ehr = await startLaunchingEhr({ adapter: create(), options, ...more });
    try {
      return await run(ehr);
    } finally {
      await ehr.close();
    }
  }

  it('F-5 allowPatientWithEncounter takes both where the encounter is the patient’s', () =>
    withEhr({ allowPatientWithEncounter: true }, async (ehr) => {
      const handle = await ehr.handle(`${LAUNCH}?patient=ada&encounter=visit`);
      expect(await ehr.launches.take(handle, GREY)).toEqual({ patient: 'ada', encounter: 'visit' });
      const mismatch = await ehr.ask(`${LAUNCH}?patient=bob&encounter=visit`);
      expect(await outcome(mismatch)).toMatchObject({ status: 400 });
    }));

  it('F-5 requireContext takes no launch about nobody; left out, there may be one', async () => {
    const status = async (ehr: LaunchingEhr, query: string) => (await ehr.ask(`${LAUNCH}${query}`)).status;
    await withEhr({ requireContext: true }, async (ehr) => {
      expect([await status(ehr, '?intent=x'), await status(ehr, '?patient=ada')]).toEqual([400, 302]);
      expect(await status(ehr, '?encounter=visit')).toBe(302);
    });
    await withEhr({}, async (ehr) => {
      expect([await status(ehr, ''), await status(ehr, '?pateint=ada')]).toEqual([302, 400]);
      expect(ehr.events).toHaveLength(1);
    });
  });

  it('F-5 what readResource reads must be what was asked for', () =>
    withEhr({ readResource: () => ({ resourceType: 'Patient', id: 'bob' }) }, async (ehr) => {
      expect((await ehr.ask(`${LAUNCH}?patient=ada`)).status).toBe(404);
    }));

  it('F-5 where readResource fails there is no launch, and nothing of it is told', () =>
    withEhr(
      {
        readResource: () => {
          throw new Error('Ada Lovelace could not be read');
        },
      },
      async (ehr) => {
        const answer = await outcome(await ehr.ask(`${LAUNCH}?patient=ada`));
        expect(answer).toMatchObject({ status: 500, code: 'exception' });
        expect(answer.text).not.toContain('Ada');
      },
    ));

  it('F-9 allowFromRequest lists what a request may say beside the patient', () =>
    withEhr({ allowFromRequest: ['smart_style_url', 'tenant'] }, async (ehr) => {
      const members = { smart_style_url: 'https://ehr.example.org/style.json', tenant: 'north' };
      const handle = await ehr.handle(`${LAUNCH}?${new URLSearchParams(members).toString()}`);
      expect(await ehr.launches.take(handle, GREY)).toEqual(members);
    }));

  it('F-9 launchContext adds what the EHR knows, and beats the request', () =>
    withEhr(
      {
        allowFromRequest: ['tenant'],
        launchContext: ({ userId, application, context }) => ({
          need_patient_banner: true,
          tenant: 'north',
          __by: [userId, application.id, context.patient],
        }),
      },
      async (ehr) => {
        const handle = await ehr.handle(`${LAUNCH}?patient=ada&tenant=south&intent=order`);
        expect(await ehr.launches.take(handle, { ...GREY, tenant: 'north' })).toEqual({
          patient: 'ada',
          tenant: 'north',
          intent: 'order',
          need_patient_banner: true,
          __by: ['dr-grey', 'growth-chart', 'ada'],
        });
      },
    ));

  it('F-9 launchContext cannot change the patient', () =>
    withEhr({ launchContext: () => ({ patient: 'bob' }) as LaunchMembers }, async (ehr) => {
      expect((await ehr.ask(`${LAUNCH}?patient=ada`)).status).toBe(500);
      expect(ehr.events).toEqual([]);
    }));

  it('F-11 where the audit fails there is no launch', () =>
    withEhr({ onLaunch: () => Promise.reject(new Error('audit log is full')) }, async (ehr) => {
      const answer = await ehr.ask(LAUNCH);
      expect(answer.headers.get('location')).toBeNull();
      expect(await outcome(answer)).toMatchObject({ status: 500 });
    }));

  it('F-7 trustedOrigins are pages of the EHR on other hosts, which launch by POST', () =>
    withEhr({ trustedOrigins: ['https://ui.example.org'] }, async (ehr) => {
      const ask = (method: string, headers: Record<string, string>) =>
        ehr.ask(LAUNCH, { method, headers: { Authorization: '', Cookie: 'ehr=dr-grey', ...headers } });
      const [listed, alike] = ['https://ui.example.org', 'https://ui.example.org.evil.example'];
      const refused: [string, Record<string, string>][] = [
        ['POST', { Origin: alike }],
        ['POST', { Referer: `${listed}/` }],
        ['POST', {}],
        ['GET', { Origin: listed }],
        ['GET', { Referer: `${listed}/` }],
      ];
      for (const site of ['cross-site', 'same-site']) {
        const said = { 'Sec-Fetch-Site': site };
        expect((await ask('POST', { ...said, Origin: listed })).status).toBe(302);
        for (const [method, headers] of refused) {
          expect(await outcome(await ask(method, { ...said, ...headers }))).toMatchObject({
            status: 403,
            text: expect.stringContaining('POST'),
          });
        }
      }
      // a browser too old to say where a request comes from
      expect((await ask('GET', { Referer: `${listed}/` })).status).toBe(302);
      expect((await ask('GET', { Referer: `${alike}/` })).status).toBe(403);
    }));

  it('F-1 applications come from a registry, as the user may see them', () =>
    withEhr(
      {
        clientApplications: {
          findById: async (id, request) =>
            (request as { user: { id: string } }).user.id === 'dr-grey'
              ? APPS.find((app) => app.id === id)
              : null,
        },
      },
      async (ehr) => {
        const headers = { Authorization: 'Bearer dr-house' };
        expect((await ehr.ask(LAUNCH)).status).toBe(302);
        expect((await ehr.ask(LAUNCH, { headers })).status).toBe(404);
        expect(() => ehr.launches.launchLinks()).toThrow('clientApplications is a lookup');
      },
    ));

  it.each([
    'javascript:alert(1)',
    'http://app.example.org/launch',
    'https://user:pw@app.example.org/',
    '/launch',
  ])('F-2 does not send a browser to %s, whatever the registry says', (launchUri) =>
    withEhr({ clientApplications: { findById: (id) => ({ id, name: id, launchUri }) } }, async (ehr) => {
      expect(await outcome(await ehr.ask(LAUNCH))).toMatchObject({ status: 400 });
    }),
  );

  it('F-4 the user is whom the application says, and without one there is no launch', () =>
    withEhr(
      { user: (request) => (request as { headers: Record<string, string> }).headers['x-user'] },
      async (ehr) => {
        const handle = await ehr.handle(LAUNCH, { headers: { 'X-User': 'dr-house' } });
        expect(await ehr.launches.take(handle, GREY)).toHaveProperty('error');
        expect(await ehr.launches.take(handle, { ...GREY, userId: 'dr-house' })).toEqual({});
        expect(await outcome(await ehr.ask(LAUNCH))).toMatchObject({ status: 401, code: 'login' });
      },
    ));

  it.each([
    ['id', { id: 7 }, '7'],
    ['userId', { userId: 'u' }, 'u'],
    ['sub', { sub: 's' }, 's'],
  ])('F-4 left out, it is the %s of request.user', async (_name, user, userId) => {
    const guard: CanActivate = {
      canActivate: (context: ExecutionContext) => {
        context.switchToHttp().getRequest<{ user: object }>().user = user;
        return true;
      },
    };
    await withEhr({ guards: [guard] }, async (ehr) => {
      expect(await ehr.launches.take(await ehr.handle(LAUNCH), { ...GREY, userId })).toEqual({});
    });
  });

  it('F-4 a store that forgets nothing does not make a launch live longer, nor good for another FHIR base', async () => {
    const kept = new Map<string, SmartAppLaunch>();
    const storage: SmartAppLaunchStore = {
      findById: async (id) => kept.get(id),
      save: async (launch) => kept.set(launch.id, launch),
      take: async (id) => kept.get(id),
    };
    await withEhr({ storage }, (ehr) =>
      withEhr({ storage }, async (other) => {
        const handle = await ehr.handle(LAUNCH);
        expect(await other.launches.take(handle, GREY)).toHaveProperty('error');
        expect((await other.ask(`SmartAppLaunch/${handle}`)).status).toBe(404);
        expect(await ehr.launches.take(handle, GREY)).toEqual({});
        const clock = fakeClock();
        clock.advance(10 * 60_000);
        expect(await ehr.launches.take(handle, GREY)).toHaveProperty('error');
        clock.restore();
      }),
    );
  });

  it('F-14 what the store holds tells neither patient, user, app nor intent', async () => {
    const storage = new MapStorage();
    await withEhr({ storage, secret: 's'.repeat(32) }, async (ehr) => {
      const context = { patient: 'ada', encounter: 'visit', intent: 'hiv-follow-up', __note: 'secret-note' };
      const handle = await ehr.handle(`${LAUNCH}?encounter=visit&intent=hiv-follow-up&__note=secret-note`);

      expect(storage.entries.size).toBe(1);
      for (const told of [...Object.values(context), 'dr-grey', 'growth', 'fhir/R4', handle]) {
        expect(storage.dump()).not.toContain(told);
      }
      const { launchId } = ehr.events[0]!;
      expect(await (await ehr.ask(`SmartAppLaunch/${launchId}`)).json()).toMatchObject({ id: launchId });
      expect(await ehr.launches.take(handle, GREY)).toEqual(context);
    });
  });

  it('F-14 a launch that the store cannot keep is 503', () => {
    const down = () => Promise.reject(new Error('down'));
    return withEhr({ storage: { findById: down, save: down, take: down } }, async (ehr) => {
      expect(await outcome(await ehr.ask(LAUNCH))).toMatchObject({ status: 503, code: 'transient' });
      expect(await outcome(await ehr.ask('SmartAppLaunch/1'))).toMatchObject({ status: 503 });
      expect(await ehr.launches.take('handle', GREY)).toMatchObject({ error: 'store_unavailable' });
    });
  });
});

describe.each(adapters)('where the operation is, on $name', ({ create }) => {
  it.each<[string, Partial<LaunchingEhrOptions>]>([
    ['a base with a trailing slash', { path: '/fhir/R4/' }],
    ['a base at the root', { path: '' }],
    ['a global prefix', { path: '/api/v1/fhir', prefix: 'api/v1' }],
    ['a global prefix that is the base', { path: '/fhir', prefix: '/fhir/' }],
  ])('F-3 F-1 is where the FHIR base says: %s', async (_case, more) => {
    const ehr = await startLaunchingEhr({ adapter: create(), ...more });
    try {
      const answer = await ehr.ask(`${LAUNCH}?patient=ada`);
      expect(answer.status).toBe(302);
      expect(new URL(answer.headers.get('location')!).searchParams.get('iss')).toBe(ehr.fhirBaseUrl);
      const [link] = ehr.launches.launchLinks({ patient: 'ada', need_patient_banner: false });
      expect(link).toEqual({
        id: 'growth-chart',
        name: 'Growth Chart',
        logo: 'https://growth.example.org/logo.png',
        launchUrl: expect.stringContaining('$smart-launch?patient=ada&need_patient_banner=false'),
      });
      const linked = await fetch(link!.launchUrl, {
        redirect: 'manual',
        headers: { Authorization: 'Bearer dr-grey' },
      });
      expect(linked.status).toBe(302);
    } finally {
      await ehr.close();
    }
  });

  it('F-1 guards are injected as Nest does, from the factory’s modules, request-scoped ones too', async () => {
    @Injectable()
    class Users {
      readonly known = ['dr-grey'];
    }
    @Injectable()
    class InjectedGuard implements CanActivate {
      constructor(@Inject(Users) private readonly users: Users) {}
      canActivate(context: ExecutionContext): boolean {
        const request = context
          .switchToHttp()
          .getRequest<{ headers: Record<string, string>; user?: { id: string } }>();
        const id = request.headers.authorization?.slice('Bearer '.length) ?? '';
        request.user = { id };
        return this.users.known.includes(id);
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class RequestGuard implements CanActivate {
      static made = 0;
      constructor() {
        RequestGuard.made += 1;
      }
      async canActivate(): Promise<boolean> {
        return true;
      }
    }
    @Module({ providers: [Users, RequestGuard], exports: [Users] })
    class UsersModule {}
    @Controller('links')
    class LinksController {
      constructor(@Inject(SmartLaunchService) private readonly launches: SmartLaunchService) {}
      @Get()
      links() {
        return this.launches.launchLinks();
      }
    }
    @Module({
      imports: [
        SmartLaunchModule.forRootAsync({
          imports: [UsersModule],
          useFactory: async () => ({
            fhirBaseUrl: 'http://localhost/fhir',
            clientApplications: APPS,
            guards: [InjectedGuard, RequestGuard],
            readResource: READ_RESOURCE,
          }),
        }),
      ],
      controllers: [LinksController],
    })
    class EhrModule {}
    const app = await NestFactory.create(EhrModule, create(), { logger: false, abortOnError: false });
    await app.listen(0, 'localhost');
    try {
      const url = (await app.getUrl()).replace('[::1]', 'localhost');
      const ask = (user: string) =>
        fetch(`${url}/fhir/${LAUNCH}`, { redirect: 'manual', headers: { Authorization: `Bearer ${user}` } });
      expect([(await ask('dr-grey')).status, (await ask('dr-grey')).status]).toEqual([302, 302]);
      expect(RequestGuard.made).toBe(2);
      expect(await outcome(await ask('dr-house'))).toMatchObject({ status: 403, code: 'forbidden' });
      expect(await (await fetch(`${url}/links`)).json()).toHaveLength(1);
    } finally {
      await app.close();
    }
  });
});

describe('a start', () => {
  const [{ create }] = adapters as [(typeof adapters)[number]];
  const good: SmartLaunchModuleOptions = {
    fhirBaseUrl: 'https://ehr.example.org/fhir',
    clientApplications: APPS,
    guards: [LoginGuard],
    readResource: READ_RESOURCE,
  };
  const start = async (module: unknown, logger: ConsoleLogger | false = false) => {
    const imports = [module as never];
    @Module({ imports })
    class EhrModule {}
    const app = await NestFactory.create(EhrModule, create(), { logger, abortOnError: false });
    await app.init();
    await app.close();
  };

  it('F-1 without guards fails', async () => {
    await expect(start(SmartLaunchModule.forRoot({ ...good, guards: [] }))).rejects.toThrow(
      'guards is empty',
    );
  });

  it('F-1 with mistakes says all of them in one error', async () => {
    const wrong = { fhirBaseUrl: 'nonsense', guards: [], readResources: READ_RESOURCE } as never;
    const error: Error = await start(SmartLaunchModule.forRoot(wrong)).then(
      () => new Error('started'),
      (thrown: Error) => thrown,
    );
    for (const name of ['fhirBaseUrl', 'guards', 'clientApplications', 'readResource is', 'readResources']) {
      expect(error.message).toContain(name);
    }
  });

  it('F-1 without options, or with the module as it is, says so', async () => {
    await expect(start(SmartLaunchModule.forRoot(undefined as never))).rejects.toThrow('4 mistakes');
    const nothing = { useFactory: () => undefined as never };
    await expect(start(SmartLaunchModule.forRootAsync(nothing))).rejects.toThrow('options are missing');
    await expect(start(SmartLaunchModule)).rejects.toThrow('imported as it is');
    expect(() => SmartLaunchModule.forRootAsync({ guards: [] } as never)).toThrow('guards');
  });

  it('F-14 in production fails without a secret where launches leave the process', async () => {
    const { NODE_ENV } = process.env;
    process.env.NODE_ENV = 'production';
    try {
      const outside = SmartLaunchModule.forRoot({ ...good, storage: new MapStorage() });
      await expect(start(outside)).rejects.toThrow('secret is missing');
      const sealed = { ...good, storage: new MapStorage(), secret: ['n'.repeat(32), 'o'.repeat(32)] };
      await start(SmartLaunchModule.forRoot(sealed));
      await start(SmartLaunchModule.forRoot({ ...good, storage: new Keyv() }));
      await start(SmartLaunchModule.forRoot(good));
    } finally {
      process.env.NODE_ENV = NODE_ENV;
    }
  });

  it('F-14 elsewhere it warns of it', async () => {
    const warnings: string[] = [];
    class Listener extends ConsoleLogger {
      override warn(message: string): void {
        warnings.push(message);
      }
      override log(): void {}
    }
    const quiet = { ...good, onLaunch: () => undefined };
    await start(SmartLaunchModule.forRoot(quiet), new Listener());
    expect(warnings).toEqual([]);
    await start(SmartLaunchModule.forRoot({ ...quiet, storage: new MapStorage() }), new Listener());
    expect(warnings).toContainEqual(expect.stringContaining('secret is not set'));
  });

  it('F-12 warns of two apps with one launch URL, and of launches that nobody audits', async () => {
    const warnings: string[] = [];
    class Listener extends ConsoleLogger {
      override warn(message: string): void {
        warnings.push(message);
      }
      override log(): void {}
    }
    const twins = ['One', 'Two'].map((name) => ({
      id: name,
      name,
      launchUri: `https://app.example.org/launch#${name}`,
    }));
    await start(
      SmartLaunchModule.forRoot({ ...good, clientApplications: [...APPS, ...twins] }),
      new Listener(),
    );
    expect(warnings).toEqual([
      expect.stringContaining('onLaunch is not set'),
      expect.stringContaining('One and Two have the same launchUri'),
    ]);
  });
});
