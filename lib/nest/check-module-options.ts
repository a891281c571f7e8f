import { CLIENT_OPTIONS, checkConfiguration } from '../ehr/check-configuration.js';
import type { KnownFhirServer, SmartClientConfiguration } from '../ehr/known-fhir-server.js';
import { storageMistake } from '../session/complete-storage.js';
import { DEFAULTS } from '../smart-client-options.js';
import { unknownOptions } from '../ehr/unknown-options.js';
import { DEFAULT_ROUTES } from './module-options.js';
import type { ResolvedRoutes, SmartOnFhirModuleOptions, SmartSessionOptions } from './module-options.js';

const MIN_SECRET_LENGTH = 32;
const SESSION_OPTIONS = ['secret', 'idleTimeoutMs', 'absoluteTimeoutMs', 'cookieName', 'embedded', 'active'];
const BOOLEANS = ['autoRefresh', 'enableMultiLaunch', 'allowNonHttpsLaunch', 'allowFakeTokenResponse'];
const NUMBERS = Object.keys(DEFAULTS).filter((name) => !SESSION_OPTIONS.includes(name));
/** more milliseconds than this make a timer fire at once */
const MAX_TIMER = 2 ** 31 - 1;
const MAY_BE_ZERO = ['clockToleranceMs', 'refreshSkewMs'];

/** Every mistake in the module's options, each as a sentence that names the option, the problem, the fix. */
export function checkModuleOptions(
  given: SmartOnFhirModuleOptions | undefined,
  routes: ResolvedRoutes | false,
  production: boolean,
): string[] {
  if (typeof given !== 'object' || given === null) {
    return [
      'the options are missing: forRoot({ client: { … } }) takes them, and the factory of forRootAsync must return them',
    ];
  }
  const { client, options, storage, session } = given;
  return [
    ...misplaced(given),
    ...checkConfiguration(client, options?.allowNonHttpsLaunch === true, options?.pkceMode),
    ...checkBehaviour(options ?? {}),
    ...(storage === undefined ? [] : [storageMistake(storage) ?? []].flat()),
    ...checkSession(session, production),
    ...(routes ? checkRoutes(routes, client) : []),
  ];
}

function checkBehaviour(options: Record<string, unknown>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    // pkceMode is checked together with the servers it is for
    if (value === undefined || name === 'logger' || name === 'pkceMode') return [];
    if (name === 'cache') return checkCache(value);
    if (name === 'onEvent') return typeof value === 'function' ? [] : ['options.onEvent must be a function'];
    if (BOOLEANS.includes(name))
      return typeof value === 'boolean' ? [] : [`options.${name} must be true or false`];
    if (!NUMBERS.includes(name))
      return unknownOptions('options', { [name]: value }, [
        ...BOOLEANS,
        ...NUMBERS,
        'pkceMode',
        'cache',
        'onEvent',
      ]);
    if (isDuration(value) && Number(value) <= MAX_TIMER && (value !== 0 || MAY_BE_ZERO.includes(name)))
      return [];
    return [
      `options.${name} must be a ${MAY_BE_ZERO.includes(name) ? 'number, zero or more' : 'positive number'}`,
    ];
  });
}

function checkCache(value: unknown): string[] {
  if (typeof value === 'boolean') return [];
  if (typeof value !== 'object' || value === null) {
    return ['options.cache must be true, false or { ttlMs, store, always }'];
  }
  const { ttlMs, store, always } = value as Record<string, unknown>;
  const isTtl = ttlMs === undefined || (isDuration(ttlMs) && ttlMs !== 0);
  return [
    ...unknownOptions('options.cache', value, ['ttlMs', 'store', 'always']),
    ...(isTtl ? [] : ['options.cache.ttlMs must be a positive number']),
    ...(always === undefined || typeof always === 'boolean'
      ? []
      : ['options.cache.always must be true or false']),
    ...(store === undefined
      ? []
      : [storageMistake(store)?.replace(/^storage/, 'options.cache.store') ?? []].flat()),
  ];
}

function checkSession(session: SmartSessionOptions | undefined, production: boolean): string[] {
  const mistakes = unknownOptions('session', session ?? {}, SESSION_OPTIONS);
  const secrets = typeof session?.secret === 'string' ? [session.secret] : (session?.secret ?? []);
  if (!Array.isArray(secrets) || secrets.some((secret) => typeof secret !== 'string')) {
    mistakes.push('session.secret must be a string or a list of strings');
  } else {
    if (secrets.length === 0 && (production || session?.secret !== undefined)) {
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
  if (!['undefined', 'boolean', 'object'].includes(typeof embedded))
    mistakes.push('session.embedded must be true, false or { frameAncestors: […] }');
  const origins: unknown = typeof embedded === 'object' ? embedded?.frameAncestors : [];
  if (!Array.isArray(origins) || origins.some((origin) => !isOrigin(origin))) {
    mistakes.push(
      'session.embedded.frameAncestors must be a list of origins, e.g. ["https://ehr.example.org"]',
    );
  }
  return mistakes;
}

function checkRoutes(routes: ResolvedRoutes, client: SmartClientConfiguration | undefined): string[] {
  const mistakes = unknownOptions('routes', routes, [...Object.keys(DEFAULT_ROUTES), 'init']);
  const { path, ...names } = routes;
  const taken = new Map<string, string>();
  for (const [route, name] of Object.entries(names)) {
    const other = taken.get(name);
    if (other) mistakes.push(`routes.${route} is the same path as routes.${other}: give each its own`);
    taken.set(name, route);
  }
  const launchPath = `/${[path, routes.launch].filter((part) => part !== '').join('/')}`;
  const isLaunchUrl = (url: unknown) =>
    typeof url === 'string' &&
    URL.canParse(url) &&
    new URL(url).pathname.replace(/\/$/, '').endsWith(launchPath);
  const servers: unknown = client?.knownFhirServers;
  const configured = (Array.isArray(servers) ? (servers as (KnownFhirServer | null)[]) : []).map(
    (server, index) => [`client.knownFhirServers[${index}]`, server] as const,
  );
  for (const [owner, registration] of [['client', client] as const, ...configured]) {
    if (isLaunchUrl(registration?.callbackUrl))
      mistakes.push(`${owner}.callbackUrl is the launch URL: the redirect URL must be another one`);
  }
  return mistakes;
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isOrigin(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
}

/** Options that are none, with the place where they belong. */
function misplaced(given: object): string[] {
  const { routes, isGlobal, ...others } = given as Record<string, unknown>;
  const ofClient = Object.keys(others).filter((name) => CLIENT_OPTIONS.includes(name));
  const beside = Object.entries({ routes, isGlobal }).filter(([, value]) => value !== undefined);
  const known = ['client', 'options', 'storage', 'session', ...ofClient];
  return [
    ...beside.map(([name]) => `${name} stands beside useFactory, not in what it returns`),
    ...ofClient.map((name) => `${name} belongs into client: { ${name} }`),
    ...unknownOptions('', others, known),
  ];
}
