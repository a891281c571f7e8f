import { checkConfiguration } from '../ehr/check-configuration.js';
import { isStorageOption } from '../session/complete-storage.js';
import { DEFAULTS } from '../smart-client-options.js';
import { unknownOptions } from '../ehr/unknown-options.js';
import { DEFAULT_ROUTES } from './module-options.js';
import type { ResolvedRoutes, SmartOnFhirModuleOptions, SmartSessionOptions } from './module-options.js';

const MIN_SECRET_LENGTH = 32;
const SESSION_OPTIONS = ['secret', 'idleTimeoutMs', 'absoluteTimeoutMs', 'cookieName', 'embedded', 'active'];
const BOOLEANS = ['autoRefresh', 'enableMultiLaunch', 'allowNonHttpsLaunch'];

/** Every mistake in the module's options, each as a sentence that names the option, the problem, the fix. */
export function checkModuleOptions(
  given: SmartOnFhirModuleOptions | undefined,
  routes: ResolvedRoutes | false,
  production: boolean,
): string[] {
  if (typeof given !== 'object' || given === null) {
    return ['the options are missing: call SmartOnFhirModule.forRoot({ client: { … } })'];
  }
  const { client, options, storage, session } = given;
  return [
    ...unknownOptions('the module', given, ['client', 'options', 'storage', 'session']),
    ...checkConfiguration(client, options?.allowNonHttpsLaunch === true),
    ...checkBehaviour(options ?? {}),
    ...(storage === undefined || isStorageOption(storage)
      ? []
      : [
          'storage is none: give a Keyv, a cache-manager Cache, or an object with get(key) and set(key, value, ttlMs)',
        ]),
    ...checkSession(session, production),
    ...(routes ? checkRoutes(routes, client?.callbackUrl) : []),
  ];
}

function checkBehaviour(options: Record<string, unknown>): string[] {
  const numbers = Object.keys(DEFAULTS);
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || name === 'logger') return [];
    if (name === 'onEvent') return typeof value === 'function' ? [] : ['options.onEvent must be a function'];
    if (BOOLEANS.includes(name))
      return typeof value === 'boolean' ? [] : [`options.${name} must be true or false`];
    if (!numbers.includes(name)) return [`options.${name} is not an option: see SmartClientOptions`];
    return isDuration(value) ? [] : [`options.${name} must be a number that is not negative`];
  });
}

function checkSession(session: SmartSessionOptions | undefined, production: boolean): string[] {
  const mistakes = unknownOptions('session', session ?? {}, SESSION_OPTIONS);
  const secrets = typeof session?.secret === 'string' ? [session.secret] : (session?.secret ?? []);
  if (!Array.isArray(secrets) || secrets.some((secret) => typeof secret !== 'string')) {
    mistakes.push('session.secret must be a string or a list of strings');
  } else {
    if (secrets.length === 0 && production) {
      mistakes.push(
        `session.secret is missing: give at least ${MIN_SECRET_LENGTH} random characters, e.g. from "openssl rand -base64 32"`,
      );
    }
    if (secrets.some((secret) => secret.length < MIN_SECRET_LENGTH)) {
      mistakes.push(
        `session.secret is shorter than ${MIN_SECRET_LENGTH} characters: use "openssl rand -base64 32"`,
      );
    }
  }
  for (const name of ['idleTimeoutMs', 'absoluteTimeoutMs'] as const) {
    const value = session?.[name];
    if (value !== undefined && (!isDuration(value) || value === 0)) {
      mistakes.push(`session.${name} must be a positive number of milliseconds`);
    }
  }
  if (session?.cookieName !== undefined && !/^[A-Za-z0-9_-]+$/.test(session.cookieName)) {
    mistakes.push(
      'session.cookieName may hold only letters, digits, "-" and "_"; the __Host- prefix is added',
    );
  }
  const embedded = session?.embedded;
  const origins: unknown = typeof embedded === 'object' ? embedded?.frameAncestors : [];
  if (!Array.isArray(origins) || origins.some((origin) => !isOrigin(origin))) {
    mistakes.push(
      'session.embedded.frameAncestors must be a list of origins, e.g. ["https://ehr.example.org"]',
    );
  }
  return mistakes;
}

function checkRoutes(routes: ResolvedRoutes, callbackUrl: unknown): string[] {
  const mistakes = unknownOptions('routes', routes, Object.keys(DEFAULT_ROUTES));
  const { path, ...names } = routes;
  const taken = new Map<string, string>();
  for (const [route, name] of Object.entries(names)) {
    const other = taken.get(name);
    if (other) mistakes.push(`routes.${route} is the same path as routes.${other}: give each its own`);
    taken.set(name, route);
  }
  const pathname =
    typeof callbackUrl === 'string' && URL.canParse(callbackUrl) ? new URL(callbackUrl).pathname : '';
  if (pathname.endsWith(`/${path}/${routes.launch}`)) {
    mistakes.push('client.callbackUrl is the launch URL: the redirect URL must be another one');
  }
  return mistakes;
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isOrigin(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
}
