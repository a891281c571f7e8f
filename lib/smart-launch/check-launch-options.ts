import { isLoopback, parseFhirBaseUrl } from '../ehr/fhir-base-url.js';
import { isFhirId } from '../ehr/launch-context.js';
import { unknownOptions } from '../ehr/unknown-options.js';
import { storageMistake } from '../session/complete-storage.js';
import { launchUrlOf } from './client-application.js';
import type { ClientApplication } from './client-application.js';
import { isLaunchStore } from './launch-store.js';

const FUNCTIONS = ['user', 'launchContext', 'onLaunch'];
const BOOLEANS = ['allowPatientWithEncounter', 'requireContext'];
const EHR_MEMBERS: unknown[] = ['tenant', 'smart_style_url'];
const MIN_SECRET_LENGTH = 32;
const KNOWN = [
  'fhirBaseUrl',
  'clientApplications',
  'guards',
  'readResource',
  'storage',
  ...BOOLEANS,
  'secret',
  'allowFromRequest',
  'trustedOrigins',
  ...FUNCTIONS,
];

/** Every mistake in the module's options, each as a sentence that names the option, the problem, the fix. */
export function checkLaunchOptions(given: unknown): string[] {
  if (typeof given !== 'object' || given === null) {
    return [
      'the options are missing: forRoot({ fhirBaseUrl, … }) takes them, and the factory of forRootAsync must return them',
    ];
  }
  const { isGlobal, ...options } = given as Record<string, unknown>;
  const { storage, readResource, trustedOrigins = [] } = options;
  const { allowFromRequest = [] } = options;
  return [
    ...(isGlobal === undefined ? [] : ['isGlobal stands beside useFactory, not in what it returns']),
    ...unknownOptions('', options, KNOWN),
    ...checkBaseUrl(options.fhirBaseUrl),
    ...checkApplications(options.clientApplications),
    ...checkGuards(options.guards),
    ...(typeof readResource === 'function'
      ? []
      : [
          'readResource is missing: give (reference, request) => the resource as this user may read it, or null',
        ]),
    ...FUNCTIONS.filter((name) => options[name] !== undefined && typeof options[name] !== 'function').map(
      (name) => `${name} must be a function`,
    ),
    ...(storage === undefined || isLaunchStore(storage) ? [] : [storageMistake(storage) ?? []].flat()),
    ...BOOLEANS.filter((name) => !['undefined', 'boolean'].includes(typeof options[name])).map(
      (name) => `${name} must be true or false`,
    ),
    ...checkSecret(options.secret, isLaunchStore(storage)),
    ...(Array.isArray(trustedOrigins) && trustedOrigins.every(isOrigin)
      ? []
      : ['trustedOrigins must be a list of origins, e.g. ["https://ehr.example.org"]']),
    ...(Array.isArray(allowFromRequest) && allowFromRequest.every((name) => EHR_MEMBERS.includes(name))
      ? []
      : ["allowFromRequest must be a list of 'tenant' and 'smart_style_url'"]),
  ];
}

function checkBaseUrl(value: unknown): string[] {
  if (value === undefined)
    return ['fhirBaseUrl is missing: give the FHIR base, e.g. https://ehr.example.org/fhir/R4'];
  const base = typeof value === 'string' ? parseFhirBaseUrl(value) : undefined;
  if (!base) return ['fhirBaseUrl is no FHIR base: give an absolute URL without query, fragment and user'];
  const { protocol, hostname, pathname } = base.url;
  return [
    ...(protocol === 'https:' || isLoopback(hostname)
      ? []
      : ['fhirBaseUrl must be https: launches and tokens travel there; plain http is for localhost alone']),
    ...(/^[\w\-.~/]*$/.test(pathname)
      ? []
      : ['fhirBaseUrl must have a path of letters, digits, "-", ".", "_" and "~": it becomes a route']),
  ];
}

function checkApplications(value: unknown): string[] {
  if (value === undefined)
    return ['clientApplications is missing: give a list of apps, or an object with findById(id, request)'];
  if (!Array.isArray(value)) {
    const { findById } = (value ?? {}) as { findById?: unknown };
    return typeof findById === 'function'
      ? []
      : ['clientApplications must be a list of apps, or an object with findById(id, request)'];
  }
  const ids = new Set<unknown>();
  return (value as unknown[]).flatMap((item, index) => {
    const path = `clientApplications[${index}]`;
    const application = (item ?? {}) as Partial<ClientApplication>;
    const mistakes = checkApplication(path, application);
    if (ids.has(application.id)) mistakes.push(`${path}.id is there twice: give each app its own`);
    ids.add(application.id);
    return mistakes;
  });
}

function checkApplication(path: string, application: Partial<ClientApplication>): string[] {
  const { id, name, clientId, launchUri, redirectUris } = application;
  const isUrl = (url: unknown) => typeof url === 'string' && URL.canParse(url);
  return [
    ...(isFhirId(id) ? [] : [`${path}.id must be a FHIR id: 1 to 64 letters, digits, "-" and "."`]),
    ...(isText(name) ? [] : [`${path}.name is missing: users choose by it`]),
    ...(clientId === undefined || isText(clientId) ? [] : [`${path}.clientId must be text`]),
    ...(launchUri === undefined || launchUrlOf({ id: '', name: '', launchUri })
      ? []
      : [`${path}.launchUri must be an absolute https URL; plain http is for localhost alone`]),
    ...(redirectUris === undefined || (Array.isArray(redirectUris) && redirectUris.every(isUrl))
      ? []
      : [`${path}.redirectUris must be a list of absolute URLs`]),
  ];
}

function checkSecret(value: unknown, isOwnStore: boolean): string[] {
  if (value === undefined) return [];
  const secrets: unknown = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(secrets) || !secrets.every((secret) => typeof secret === 'string'))
    return ['secret must be a string or a list of strings'];
  const fix = `at least ${MIN_SECRET_LENGTH} random characters, e.g. from "openssl rand -base64 32"`;
  return [
    ...(secrets.length > 0 ? [] : [`secret is missing: give ${fix}`]),
    ...(secrets.every(({ length }) => length >= MIN_SECRET_LENGTH)
      ? []
      : [`secret is shorter than ${MIN_SECRET_LENGTH} characters: give ${fix}`]),
    ...(isOwnStore
      ? ['secret is not for a SmartAppLaunchStore, which gets launches as they are: encrypt them there']
      : []),
  ];
}

function checkGuards(value: unknown): string[] {
  const fix = 'give the guards that let your users in, e.g. [EhrLoginGuard]';
  if (!Array.isArray(value) || value.length === 0) {
    return [`guards is empty: anybody could launch apps in a user's name; ${fix}`];
  }
  const isGuard = (guard: unknown) =>
    typeof guard === 'function' ||
    typeof (guard as { canActivate?: unknown } | null)?.canActivate === 'function';
  return (value as unknown[]).flatMap((guard, index) =>
    isGuard(guard) ? [] : [`guards[${index}] is no guard: ${fix}`],
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

function isOrigin(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
}
