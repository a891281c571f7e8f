import { existsSync } from 'node:fs';
import { describe } from '@jest/globals';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const { CHROMIUM_PATH, CI } = process.env;
const places = CHROMIUM_PATH ? [CHROMIUM_PATH] : ['/usr/bin/chromium', '/usr/bin/chromium-browser'];
const executablePath = places.find((path) => existsSync(path));

/** A `describe` that is skipped, with a word on why, where there is no Chromium; in CI that is a failure. */
export const describeWithChromium = executablePath ? describe : describeWithout();

export function launchChromium(switches: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    // Containers have no user namespaces for the sandbox, and little shared memory.
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...switches],
  });
}

function describeWithout(): typeof describe.skip {
  const why = `no Chromium at ${places.join(' or ')} (CHROMIUM_PATH names another place)`;
  if (CI === 'true') throw new Error(`Browser tests cannot run: ${why}`);
  process.stderr.write(`Browser tests are skipped: ${why}\n`);
  return describe.skip;
}
