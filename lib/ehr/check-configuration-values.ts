import { isLoopback } from './fhir-base-url.js';

/** The app's own URLs (SMART 2.2 "Register App with EHR"): fixed, absolute, https. */
export function ownUrl(path: string, value: unknown, development: boolean): string[] {
  if (typeof value !== 'string' || value === '') return [`${path} is missing: give an absolute https URL`];
  let url: URL;
  try {
    url = new URL(value);
  } catch {
    return [`${path} is not an absolute URL: give e.g. "https://app.example.com/fhir/callback"`];
  }
  const mistakes: string[] = [];
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && development && isLoopback(url.hostname))) {
    mistakes.push(
      `${path} must use https (http only for localhost, with options.allowNonHttpsLaunch: true, in development)`,
    );
  }
  if (path.endsWith('callbackUrl') && value.includes('#')) mistakes.push(`${path} must not have a fragment`);
  if (value.includes('*')) mistakes.push(`${path} must not have a wildcard`);
  if (url.username || url.password) mistakes.push(`${path} must not hold credentials`);
  return mistakes;
}

export function requiredText(path: string, value: unknown, fix: string): string[] {
  return typeof value === 'string' && value.trim() !== '' ? [] : [`${path} is missing: give ${fix}`];
}
