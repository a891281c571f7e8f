import { Browser } from '../../../sample/ehr/testing/browser.js';
import type { Stage } from '../ehr/fault.js';
import type { Tenant } from '../ehr/tenant.js';

/** What a user got to see. */
export interface Sight {
  at: Stage;
  status: number;
  error: string | undefined;
  message: string;
  /** the body; parsed where it is JSON */
  body: unknown;
  headers: Headers;
}

/** A user with a browser, who launches the app from an EHR and looks at what comes of it. */
export class Visitor {
  readonly browser = new Browser();
  /** every answer of the app so far, headers and body, as text */
  readonly answers: string[] = [];

  constructor(
    private readonly appUrl: string,
    private readonly accept = 'application/json',
  ) {}

  /** From the EHR’s click to a guarded route, or to where it ends. */
  async launch(ehr: Tenant, visits: readonly string[] = ['/api/patient']): Promise<Sight> {
    const signedIn = await this.signIn(ehr);
    let sight = signedIn;
    if (signedIn.at !== 'callback' || signedIn.status !== 303) return signedIn;
    for (const path of visits) sight = await this.visit(path);
    return sight;
  }

  /** Up to the callback’s answer. */
  async signIn(ehr: Tenant): Promise<Sight> {
    const callback = await this.toCallback(ehr);
    return callback instanceof URL ? this.open('callback', callback.href) : callback;
  }

  /** Up to the callback’s address, which is not opened. */
  async toCallback(ehr: Tenant): Promise<URL | Sight> {
    const { fhirBaseUrl: iss, launch } = ehr;
    const route = launch === null ? 'standalone' : 'launch';
    const query = new URLSearchParams({ iss, ...(launch !== null && { launch }) });
    const started = await this.open('launch', `${this.appUrl}/fhir/${route}?${query.toString()}`);
    const authorize = started.headers.get('location');
    if (authorize === null) return started;
    const granted = await this.browser.get(authorize);
    const location = granted.headers.get('location');
    if (location !== null) return new URL(location);
    return { ...started, at: 'ehr', status: granted.status, body: await granted.text() };
  }

  visit(path: string): Promise<Sight> {
    return this.open('data', this.appUrl + path);
  }

  async open(at: Stage, url: string): Promise<Sight> {
    return this.read(at, await this.browser.get(url, { Accept: this.accept }));
  }

  async read(at: Stage, response: Response): Promise<Sight> {
    const { status, headers } = response;
    const text = await response.text();
    this.answers.push(`${JSON.stringify([...headers])}\n${text}`);
    const isJson = headers.get('content-type')?.includes('json') === true && text !== '';
    const body: unknown = isJson ? JSON.parse(text) : text;
    const { error, message } = (isJson && body !== null ? body : {}) as { error?: string; message?: string };
    const shownError = /Code: <code>(.*?)<\/code>/.exec(text)?.[1];
    return { at, status, error: error ?? shownError, message: message ?? text, body, headers };
  }
}
