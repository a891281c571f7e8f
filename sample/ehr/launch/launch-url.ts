import type { RegisteredApp } from '../registered-app.js';

/** Where the browser goes when the user opens an app: its launch URL with `iss` and `launch`. */
export function launchUrl(app: RegisteredApp, fhirBaseUrl: string, handle: string): string {
  const url = new URL(app.launchUri);
  url.searchParams.set('iss', fhirBaseUrl);
  url.searchParams.set('launch', handle);
  return url.href;
}
