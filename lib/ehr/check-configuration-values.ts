import { isLoopback } from './fhir-base-url.js';

const EXAMPLES = [
  ['callbackUrl', 'fhir/callback'],
  ['clientPublicKeySetUrl', 'fhir/jwks.json'],
] as const;

/** The app's own URLs (SMART 2.2 "Register App with EHR"): fixed, absolute, https. */
export function ownUrl(path: string, value: unknown, development: boolean): string[] {
  if (typeof value !== 'string' || value === '') return [`${path} is missing: give an absolute https URL`];
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    const [, example] = EXAMPLES.find(([option]) => path.endsWith(option)) ?? ['', ''];
    return [`${path} is not an absolute URL: give e.g. "https://app.example.com/${example}"`];
  }
  const mistakes: string[] = [];
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && development && isLoopback(url.hostname))) {
    mistakes.push(
      `${path} must use https (http only for localhost, with options.allowNonHttpsLaunch: true, in development)`,
    );
  }
  if (EXAMPLES.some(([option]) => path.endsWith(option)) && value.includes('#'))
    mistakes.push(`${path} must not have a fragment`);
  if (value.includes('*')) mistakes.push(`${path} must not have a wildcard`);
  if (url.username || url.password) mistakes.push(`${path} must not hold credentials`);
  return mistakes;
}

export function requiredText(path: string, value: unknown, fix: string): string[] {
  if (typeof value === 'string' && value.trim() !== '') return [];
  return [
    value === undefined || value === null || typeof value === 'string'
      ? `${path} is missing: give ${fix}`
      : `${path} must be one string: ${fix}`,
  ];
}
