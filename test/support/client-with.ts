import type { HttpClient } from '../../lib/http/http-client.js';
import { ReadyClient } from '../../lib/ready-client.js';
import type { LaunchRecord } from '../../lib/session/launch-record.js';
import type { SmartError } from '../../lib/smart-error.js';
import { launchRecord } from './launch-parts.js';

/**
 * A client of the EHR at `iss`, what it asked of its session (`renew <token>`, `end`), and what it left out of searches
 * about the patient.
 */
export function clientWith(
  iss: string,
  http: HttpClient,
  changed: Partial<LaunchRecord> = {},
  renewed?: LaunchRecord | SmartError,
): { fhir: ReadyClient; asked: string[]; dropped: string[] } {
  const [asked, dropped]: [string[], string[]] = [[], []];
  const record = launchRecord(iss, changed);
  const fhir = new ReadyClient(
    {
      record,
      isKnownServer: true,
      issuerName: 'Test EHR',
      renew: async (rejected) => {
        asked.push(`renew ${rejected.accessToken}`);
        return renewed ?? { ...record, accessToken: 'access-2' };
      },
      style: async () => null,
      isAlive: async () => true,
      end: async () => void asked.push('end'),
      foreignResults: (resourceType, count) => void dropped.push(`${resourceType} ${count}`),
    },
    http,
    1_000_000,
  );
  return { fhir, asked, dropped };
}
