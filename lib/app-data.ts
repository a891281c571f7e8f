import { SmartError } from './smart-error.js';

const MAX_BYTES = 4_096;

/** It is written with every launch and every refresh, so it must be small; and it must come back as it went. */
export function appDataMistake(appData: unknown): SmartError | undefined {
  if (appData === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(appData);
  } catch {
    // a circle, or a BigInt
  }
  if (text !== undefined && Buffer.byteLength(text) <= MAX_BYTES) return undefined;
  return new SmartError(
    'invalid_launch_request',
    `appData must be a JSON value of at most ${MAX_BYTES} bytes; keep more under a key of your own, and give the key`,
  );
}
