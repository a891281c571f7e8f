import { setTimeout as delay } from 'node:timers/promises';
import { redisStorage } from 'nestjs-smart-on-fhir';
import { adapters } from '../support/adapters.js';
import { fakeClock } from '../support/clock.js';
import { Browser, startEhr, startTestApp } from '../support/launched-app.js';
import type { TestApp } from '../support/launched-app.js';
import { startProxy } from '../support/proxy.js';
import type { Proxy } from '../support/proxy.js';
import type { RunningEhr } from '../../sample/ehr/start-ehr.js';
import { RedisHost } from './redis-host.js';

export const STORE_TIMEOUT_MS = 700;
export const HTTP_TIMEOUT_MS = 2_000;
export const MINUTE = 60_000;
/** of an access token */
const LIFETIME_SECONDS = 300;
const BROWSERS = 4;
const RECOVERY_MS = 20_000;

/** One user: a browser, the patient it works on, and the answer of the EHR that it has in hand. */
export interface User {
  browser: Browser;
  patient: string;
  callback?: URL;
}

/** What came of a request, as its user sees it. */
export interface Outcome {
  name: string;
  ms: number;
}

/** An app, its EHR behind a proxy, and its Redis, directly or behind another. */
export class Stage {
  readonly clock = fakeClock();
  readonly #patients: string[];

  private constructor(
    readonly ehr: RunningEhr,
    readonly ehrProxy: Proxy,
    readonly redis: RedisHost,
    readonly redisProxy: Proxy,
    readonly app: TestApp,
  ) {
    this.#patients = ehr.store.list('Patient').map(({ id }) => id!);
  }

  static async start(options: { isRedisBehindProxy: boolean }): Promise<Stage> {
    const [{ create }] = adapters as [(typeof adapters)[number]];
    const [ehr, ehrProxy] = await startProxiedEhr();
    const redis = await RedisHost.start();
    const redisProxy = await startProxy({ to: { host: '127.0.0.1', port: redis.port } });
    const { port } = options.isRedisBehindProxy ? redisProxy : redis;
    const app = await startTestApp({
      adapter: create(),
      ehr,
      module: {
        storage: redisStorage(`redis://127.0.0.1:${port}`),
        options: { storeTimeoutMs: STORE_TIMEOUT_MS, httpTimeoutMs: HTTP_TIMEOUT_MS },
      },
    });
    return new Stage(ehr, ehrProxy, redis, redisProxy, app);
  }

  async close(): Promise<void> {
    this.clock.restore();
    await this.app.close();
    await this.ehrProxy.close();
    await this.redisProxy.close();
    await this.redis.close();
    await this.ehr.close();
  }

  /** Users with a launch ahead of them, at its callback, or completed. */
  async users(upTo: 'launch' | 'callback' | 'session'): Promise<User[]> {
    const users = Array.from({ length: BROWSERS }, (_, index) => ({
      browser: new Browser(),
      patient: this.#patients[index % this.#patients.length]!,
    }));
    if (upTo === 'launch') return users;
    const atCallback = await Promise.all(
      users.map(async (user) => ({
        ...user,
        callback: await this.app.toCallback(user.browser, { patient: user.patient }),
      })),
    );
    if (upTo === 'session') await Promise.all(atCallback.map((user) => this.callback(user)));
    return atCallback;
  }

  launch = ({ browser, patient }: User): Promise<Outcome> =>
    this.#outcome(browser.get(this.ehr.launchUrl(this.app.clientId, { patient })), { 302: 'at the EHR' });

  callback = ({ browser, callback }: User): Promise<Outcome> =>
    this.#outcome(browser.get(callback!.href), { 303: 'logged in', 400: 'launch again' });

  /** A guarded route that asks nothing of the EHR. */
  guard = (user: User): Promise<Outcome> => this.#data(user, '/api/launch', 'patient');

  /** A guarded route that reads the patient. */
  read = (user: User): Promise<Outcome> => this.#data(user, '/api/patient', 'id');

  /** Launches anew, all the way. */
  relaunch = async ({ browser, patient }: User): Promise<Outcome> => {
    const start = performance.now();
    const launchUrl = this.ehr.launchUrl(this.app.clientId, { patient });
    const end = await browser.follow(launchUrl, `${this.app.url}/chart`);
    const name = end instanceof URL ? 'logged in' : String(end.status);
    return { name, ms: performance.now() - start };
  };

  expireTokens(): void {
    this.clock.advance(LIFETIME_SECONDS * 1_000 + MINUTE);
  }

  /** Tokens that are still good, but not for long. */
  ageTokens(): void {
    this.clock.advance(LIFETIME_SECONDS * 1_000 - MINUTE / 2);
  }

  /** What the users see once it is no outage any more; the last thing they saw when that never comes. */
  async recovered(users: User[], act: (user: User) => Promise<Outcome>): Promise<string[]> {
    const giveUpAt = performance.now() + RECOVERY_MS;
    return Promise.all(
      users.map(async (user) => {
        for (;;) {
          const { name } = await act(user);
          if (!/^50/.test(name) || performance.now() > giveUpAt) return name;
          await delay(50);
          // the app leaves an EHR alone for a while that failed
          this.clock.advance(1_000);
        }
      }),
    );
  }

  async #data(user: User, path: string, idAt: string): Promise<Outcome> {
    const answer = user.browser.get(`${this.app.url}${path}`, { Accept: 'application/json' });
    const outcome = await this.#outcome(answer, { 200: 'own data', 401: 'session ended' });
    const body = (await (await answer).json()) as Record<string, unknown>;
    if (outcome.name !== 'own data') return outcome;
    return body[idAt] === user.patient ? outcome : { ...outcome, name: 'ANOTHER PATIENT' };
  }

  async #outcome(answer: Promise<Response>, names: Record<number, string>): Promise<Outcome> {
    const start = performance.now();
    const { status } = await answer;
    return { name: names[status] ?? String(status), ms: performance.now() - start };
  }
}

/** The EHR's URLs name the proxy, which has its port at another address of this machine. */
export async function startProxiedEhr(): Promise<[RunningEhr, Proxy]> {
  const host = '127.0.0.2';
  const ehr = await startEhr({
    apps: [],
    quiet: true,
    accessTokenTtlSeconds: LIFETIME_SECONDS,
    host,
    publicHost: '127.0.0.1',
  });
  const port = Number(new URL(ehr.url).port);
  return [ehr, await startProxy({ port, to: { host, port } })];
}
