import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server, ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { HostileApp } from './app/hostile-app.js';
import { Visitor } from './app/visitor.js';
import { HostileEhr } from './ehr/hostile-ehr.js';

/** Certificates come from openssl; without it the tests are skipped, with a word on why. In CI that is a failure. */
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl && process.env.CI === 'true') throw new Error('TLS tests cannot run: no openssl');
if (!hasOpenssl) process.stderr.write('TLS tests are skipped: no openssl\n');

(hasOpenssl ? describe : describe.skip)('An EHR whose TLS is not to be trusted', () => {
  let folder: string;
  let ehr: HostileEhr;
  let app: HostileApp;
  let server: Server;
  let requests = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hostile-tls-'));
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1',
      ...subject,
      ...files,
    ]);
    expect(made.status).toBe(0);
    ehr = await HostileEhr.startWithEvilTwin();
    app = await HostileApp.start(ehr, {
      client: () => ({
        knownFhirServers: [{ name: 'TLS', type: 'public', issMatch: (iss) => iss.startsWith('https:') }],
      }),
    });
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  afterAll(async () => {
    await app.close();
    await ehr.close();
    rmSync(folder, { recursive: true });
  });

  async function launchOver(options: ServerOptions, { url } = app) {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name)));
    requests = 0;
    server = createServer({ key, cert, ...options }, (_request, response) => {
      requests += 1;
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const iss = `https://localhost:${(server.address() as AddressInfo).port}/fhir`;
    const query = new URLSearchParams({ iss, launch: 'launch-1' });
    return new Visitor(url).open('launch', `${url}/fhir/launch?${query.toString()}`);
  }

  it('C-18 a certificate nobody signed is refused, in development too', async () => {
    const sight = await launchOver({});

    expect(sight).toMatchObject({ status: 502, error: 'discovery_failed' });
    expect(sight.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(requests).toBe(0);
  });

  it('C-18 a certificate nobody signed is refused where anybody may launch', async () => {
    const anybodys = await HostileApp.start(ehr, {
      client: () => ({ allowAnyIssuer: true, knownFhirServers: [] }),
    });
    const sight = await launchOver({}, anybodys);
    await anybodys.close();

    expect(sight).toMatchObject({ status: 502, error: 'discovery_failed' });
    expect(sight.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(requests).toBe(0);
  });

  it('C-18 TLS 1.1 is refused', async () => {
    const sight = await launchOver({
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });

    expect(sight).toMatchObject({ status: 502, error: 'discovery_failed' });
    expect(sight.message).not.toContain('SELF_SIGNED');
    expect(requests).toBe(0);
  });
});
