import { request } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { All, Controller, Post, UseGuards } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { FhirClient, ReadyClient, SmartClients, SmartSessionGuard } from 'nestjs-smart-on-fhir';
import type { SmartError } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';

@Controller('api')
@UseGuards(SmartSessionGuard)
class NotesController {
  @Post('note')
  write(@FhirClient() fhir: ReadyClient) {
    return { by: fhir.user.id };
  }

  @All('any')
  change(@FhirClient() fhir: ReadyClient) {
    return { by: fhir.user.id };
  }
}

/** Guards GraphQL operations that come over a WebSocket. */
class SocketGuard extends SmartSessionGuard {
  protected override getRequest(context: ExecutionContext): object {
    return context.getArgByIndex<{ req: object }>(2).req;
  }
}

describe.each(adapters)('An embedded app on $name', ({ create }) => {
  let ehr: RunningEhr;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    ehr = await startEhr({ apps: [], quiet: true });
    app = await startTestApp({
      adapter: create(),
      ehr,
      controllers: [NotesController],
      module: {
        session: {
          secret: 'a secret of more than thirty-two characters',
          embedded: { frameAncestors: ['https://ehr.example.org'] },
        },
      },
    });
    browser = new Browser();
    await app.launch(browser, { patient: ehr.store.list('Patient')[0]!.id! });
  });
  afterAll(async () => {
    await app.close();
    await ehr.close();
  });

  it('C-9 C-11 sets partitioned cookies and lets only the EHR frame it', async () => {
    const launch = await fetch(ehr.launchUrl(app.clientId, {}), { redirect: 'manual' });

    expect(launch.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^smart-session-launch=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; Secure; Partitioned; SameSite=None$/,
      ),
    ]);
    expect(launch.headers.get('content-security-policy')).toContain(
      'frame-ancestors https://ehr.example.org',
    );
  });

  it.each([
    ['from the app itself', { 'Sec-Fetch-Site': 'same-origin' }, 201],
    ['from the app, by an older browser', { Origin: 'OWN' }, 201],
    ['from another site', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['from another port of this host', { 'Sec-Fetch-Site': 'same-site', Origin: 'OWN' }, 403],
    ['from another origin', { Origin: 'https://evil.example' }, 403],
    ['from nowhere it can name', {}, 403],
  ])('C-12 a POST %s', async (_from, headers, expected) => {
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('OWN', app.url)]),
    );

    expect((await browser.post(`${app.url}/api/note`, {}, sent)).status).toBe(expected);
  });

  it('C-10 a callback without the launch’s cookie: a page that leads to a window of its own, no token request', async () => {
    const callback = await app.toCallback(new Browser(), { patient: ehr.store.list('Patient')[0]!.id! });
    const before = ehr.tokenRequests.length;
    const visitor = new Browser();

    const answer = await visitor.get(callback.href);
    const page = await answer.text();
    const link = /<a href="([^"]+)" target="_blank" rel="noopener">/.exec(page)?.[1];

    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
    expect(page).not.toContain(callback.searchParams.get('code')!);
    expect(page).toContain('The browser did not send the cookie');
    expect(ehr.tokenRequests).toHaveLength(before);
    const ownWindow = await visitor.get(link!.replaceAll('&#38;', '&'));
    expect(ownWindow.status).toBe(302);
    expect(ownWindow.headers.get('location')).toContain(`${new URL(ehr.issuer).origin}/`);
    expect(visitor.cookies('localhost')).toEqual({ 'smart-session-launch': expect.any(String) });
  });

  it('C-10 a callback that is refused for another reason leads nowhere', async () => {
    const callback = await app.toCallback(browser, { patient: ehr.store.list('Patient')[0]!.id! });
    callback.searchParams.set('state', 'invented');

    const answer = await browser.get(callback.href);

    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain('<a ');
  });

  it.each([
    ['the app itself', 'OWN', 'true'],
    ['another origin', 'https://evil.example', 'csrf_rejected'],
  ])('C-12 a WebSocket of %s', async (_from, origin, expected) => {
    const guard = new SocketGuard(app.app.get(SmartClients));
    const server = app.app.getHttpServer() as Server;
    server.once('upgrade', (handshake: IncomingMessage, socket: Duplex) => {
      const context = new ExecutionContextHost(
        [{}, {}, { req: handshake }],
        NotesController,
        () => undefined,
      );
      context.setType('graphql');
      guard.canActivate(context).then(
        (passed) => socket.end(`HTTP/1.1 400 ${String(passed)}\r\n\r\n`),
        ({ error }: SmartError) => socket.end(`HTTP/1.1 400 ${error}\r\n\r\n`),
      );
    });
    const cookies = Object.entries(browser.cookies('localhost'));
    const headers = {
      cookie: cookies.map(([name, value]) => `${name}=${value}`).join('; '),
      origin: origin.replace('OWN', app.url),
      connection: 'upgrade',
      upgrade: 'websocket',
    };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${app.url}/graphql`, { headers }, resolve).on('error', reject).end();
    });

    expect(answer.statusMessage).toBe(expected);
  });

  it.each([
    ['PUT', 403],
    ['PATCH', 403],
    ['DELETE', 403],
    ['GET', 200],
  ])('C-12 a %s from another site, which a browser sends the cookie with: %i', async (method, expected) => {
    const cookie = `smart-session=${browser.cookies('localhost')['smart-session']}`;
    const ask = async (site: string) =>
      (await fetch(`${app.url}/api/any`, { method, headers: { cookie, 'Sec-Fetch-Site': site } })).status;

    expect([await ask('cross-site'), await ask('same-origin')]).toEqual([expected, 200]);
  });

  it('C-12 nobody else’s page can log the user out', async () => {
    const answer = await browser.post(`${app.url}/fhir/logout`, {}, { 'Sec-Fetch-Site': 'cross-site' });

    expect(answer.status).toBe(403);
    expect((await browser.post(`${app.url}/api/note`, {}, { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(
      201,
    );
  });
});
