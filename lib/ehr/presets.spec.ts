import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { checkServer } from './check-server.js';
import type { KnownFhirServer } from './known-fhir-server.js';
import { EhrPresets } from './presets.js';

const presets = Object.entries(EhrPresets);
const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

describe('a preset', () => {
  it.each(presets)('%s makes a known server that is taken', (name, preset) => {
    const server: KnownFhirServer = {
      name,
      issuer: 'https://ehr.example.org/fhir',
      ...preset,
      type: 'public',
    };

    expect(checkServer('servers[0]', server, false)).toEqual([]);
  });

  it.each(presets)('%s is plain data, and says nothing of the registration', (_name, preset) => {
    expect(JSON.parse(JSON.stringify(preset))).toStrictEqual(preset);
    const own = ['name', 'issuer', 'issMatch', 'type', 'method', 'clientSecret', 'privateKey', 'clientId'];
    expect(Object.keys(preset).filter((option) => own.includes(option))).toEqual([]);
  });

  it.each(presets)('%s names its source, and has a row in docs/ehrs.md', (name) => {
    const [comment = ''] =
      new RegExp(`/\\*\\*(?:(?!\\*/)[^])*\\*/\\s*${name}: \\{`).exec(read('presets.ts')) ?? [];

    expect(comment).toMatch(/\b([DE]-[A-Z]*-?[\da-d]+)\b[^]*\n {3}\* Sources?: \S/);
    expect(read('../../docs/ehrs.md')).toContain(`\`EhrPresets.${name}\``);
  });
});
