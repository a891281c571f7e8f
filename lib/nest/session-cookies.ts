import { parseCookie, stringifySetCookie } from 'cookie';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { headerOf, responseOf } from './http-request.js';

export interface CookieSettings {
  /** without prefix */
  name: string;
  /** false only on plain-http localhost */
  secure: boolean;
  embedded: boolean;
}

/** 43 characters of base64url: 256 bits. Anything else in our cookie is not from us. */
const ID = /^[A-Za-z0-9_-]{43}$/;
/** a launch takes at most ten minutes */
const LAUNCH_SECONDS = 600;

/**
 * The two cookies: the session's, and one that ties launches in progress to their browser (SMART 2.2 asks
 * that `state` be bound to the user agent). Both hold nothing but a random id.
 */
export class SessionCookies {
  readonly #sessionName: string;
  readonly #launchName: string;

  constructor(private readonly settings: CookieSettings) {
    // A page on a sibling domain cannot set a __Host- cookie (RFC 6265bis 4.1.3).
    const prefix = settings.secure ? '__Host-' : '';
    this.#sessionName = `${prefix}${settings.name}`;
    this.#launchName = `${prefix}${settings.name}-launch`;
  }

  read(request: object): { sessionId: string | null; browserId: string | null } {
    const header = headerOf(request, 'cookie');
    if (header === undefined) return { sessionId: null, browserId: null };
    const cookies = parseCookie(header);
    const id = (name: string) => {
      const value = cookies[name];
      return value !== undefined && ID.test(value) ? value : null;
    };
    return { sessionId: id(this.#sessionName), browserId: id(this.#launchName) };
  }

  setSession(adapter: AbstractHttpAdapter, request: object, id: string): void {
    this.#set(adapter, request, this.#sessionName, id);
  }

  clearSession(adapter: AbstractHttpAdapter, request: object): void {
    this.#set(adapter, request, this.#sessionName, '', 0);
  }

  setLaunch(adapter: AbstractHttpAdapter, request: object, id: string): void {
    this.#set(adapter, request, this.#launchName, id, LAUNCH_SECONDS);
  }

  #set(adapter: AbstractHttpAdapter, request: object, name: string, value: string, maxAge?: number): void {
    const response = responseOf(request);
    if (response === undefined) throw new Error('Cookies can only be set while an HTTP request is answered');
    const { secure, embedded } = this.settings;
    const cookie = stringifySetCookie(name, value, {
      path: '/',
      httpOnly: true,
      // SameSite=None needs Secure, which browsers take from localhost too
      secure: secure || embedded,
      sameSite: embedded ? 'none' : 'lax',
      partitioned: embedded,
      ...(maxAge !== undefined && { maxAge }),
    });
    adapter.appendHeader(response, 'Set-Cookie', cookie);
  }
}
