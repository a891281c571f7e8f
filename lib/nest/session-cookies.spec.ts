import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Req } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { adapters } from '../../test/support/adapters.js';
import { rememberReplies } from './http-request.js';
import { SessionCookies } from './session-cookies.js';
import type { CookieSettings } from './session-cookies.js';

const SESSION = 's'.repeat(43);
const BROWSER = `-_${'b'.repeat(41)}`;

const MODES = {
  '': { name: 'smart-session', secure: true, embedded: false },
  '/embedded': { name: 'smart-session', secure: true, embedded: true },
  '/localhost': { name: 'smart-session', secure: false, embedded: false },
  '/embedded-localhost': { name: 'own', secure: false, embedded: true },
} satisfies Record<string, CookieSettings>;

/** Sets, clears and reads cookies in one mode. */
function controllerFor(mode: keyof typeof MODES) {
  const cookies = new SessionCookies(MODES[mode]);

  @Controller(mode)
  class CookieController {
    constructor(private readonly host: HttpAdapterHost) {}

    @Get('set')
    set(@Req() request: object): void {
      cookies.setLaunch(this.host.httpAdapter, request, BROWSER);
      cookies.setSession(this.host.httpAdapter, request, SESSION);
    }

    @Get('clear')
    clear(@Req() request: object): void {
      cookies.clearSession(this.host.httpAdapter, request);
    }

    @Get('read')
    read(@Req() request: object): object {
      return cookies.read(request);
    }
  }
  return CookieController;
}

@Module({ controllers: (Object.keys(MODES) as (keyof typeof MODES)[]).map(controllerFor) })
class CookieModule {}

describe.each(adapters)('the cookies on $name', ({ create }) => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    const adapter = create();
    app = await NestFactory.create(CookieModule, adapter, { logger: false });
    rememberReplies(adapter);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(() => app.close());

  async function setCookies(path: string): Promise<string[]> {
    return (await fetch(url + path)).headers.getSetCookie();
  }

  async function read(mode: string, cookie?: string): Promise<unknown> {
    return (await fetch(`${url}${mode}/read`, { headers: cookie === undefined ? {} : { cookie } })).json();
  }

  it('C-8 are host-bound, secure, out of reach of scripts, and same-site', async () => {
    expect(await setCookies('/set')).toEqual([
      `__Host-smart-session-launch=${BROWSER}; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax`,
      `__Host-smart-session=${SESSION}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
  });

  it('C-9 embedded, are sent in frames, and partitioned', async () => {
    expect(await setCookies('/embedded/set')).toEqual([
      `__Host-smart-session-launch=${BROWSER}; Max-Age=600; Path=/; HttpOnly; Secure; Partitioned; SameSite=None`,
      `__Host-smart-session=${SESSION}; Path=/; HttpOnly; Secure; Partitioned; SameSite=None`,
    ]);
  });

  it('C-8 lose prefix and Secure on plain-http localhost, and nothing else', async () => {
    expect(await setCookies('/localhost/set')).toEqual([
      `smart-session-launch=${BROWSER}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax`,
      `smart-session=${SESSION}; Path=/; HttpOnly; SameSite=Lax`,
    ]);
  });

  it('C-9 embedded on localhost, keep Secure: SameSite=None needs it', async () => {
    expect(await setCookies('/embedded-localhost/set')).toEqual([
      `own-launch=${BROWSER}; Max-Age=600; Path=/; HttpOnly; Secure; Partitioned; SameSite=None`,
      `own=${SESSION}; Path=/; HttpOnly; Secure; Partitioned; SameSite=None`,
    ]);
  });

  it.each([
    ['', '__Host-smart-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['/embedded', '__Host-smart-session=; Max-Age=0; Path=/; HttpOnly; Secure; Partitioned; SameSite=None'],
    ['/localhost', 'smart-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'],
  ])('C-8 end with the attributes they were set with: %j', async (mode, expected) => {
    expect(await setCookies(`${mode}/clear`)).toEqual([expected]);
  });

  it('are read back, between those of others', async () => {
    const cookie = `a=1; __Host-smart-session=${SESSION}; __Host-smart-session-launch=${BROWSER}; b=2`;

    expect(await read('', cookie)).toEqual({ sessionId: SESSION, browserId: BROWSER });
    expect(await read('', `__Host-smart-session-launch=${BROWSER}`)).toEqual({
      sessionId: null,
      browserId: BROWSER,
    });
  });

  it.each([
    ['no cookies', undefined],
    ['an unprefixed cookie, which a sibling domain may set', `smart-session=${SESSION}`],
    ['a prefix in other letters', `__host-smart-session=${SESSION}`],
    ['an empty id', '__Host-smart-session='],
    ['a short id', `__Host-smart-session=${SESSION.slice(1)}`],
    ['a long id', `__Host-smart-session=${SESSION}s`],
    ['a path', `__Host-smart-session=../${SESSION.slice(3)}`],
    ['escaped characters', `__Host-smart-session=%2F${SESSION.slice(3)}`],
    ['a list', `__Host-smart-session[]=${SESSION}`],
    ['no pair', `__Host-smart-session`],
  ])('C-8 take nothing else for an id: %s', async (_, cookie) => {
    expect(await read('', cookie)).toEqual({ sessionId: null, browserId: null });
  });
});

describe('outside of a request', () => {
  it('no cookie can be set', () => {
    const cookies = new SessionCookies(MODES['']);

    expect(() => cookies.setSession({} as never, { headers: {} }, SESSION)).toThrow(/HTTP request/);
  });
});
