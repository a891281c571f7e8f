import { randomUUID } from 'node:crypto';

/** Of one run, and nobody's real secret. The run of all tests is searched for the prefix. */
function canary(place: string): string {
  return `canary-${place}-${randomUUID().slice(0, 8)}`;
}

/** What is planted. Ids are FHIR ids, tokens and codes are in the alphabet of RFC 6749. */
export const PLANTED = {
  clientSecret: canary('client-secret'),
  sessionSecret: `${canary('session-secret')}-of-more-than-32-characters`,
  launch: canary('launch'),
  code: canary('code'),
  accessToken: canary('access'),
  renewedToken: canary('renewed'),
  refreshToken: canary('refresh'),
  rotatedToken: canary('rotated'),
  patient: canary('patient'),
  familyName: canary('family'),
  claim: canary('claim'),
};

/** Every secret of a flow: the planted ones, and those that are made on the way. */
export class Secrets {
  readonly #values = new Map<string, string>(Object.entries(PLANTED));

  learn(name: string, value: string | null | undefined): void {
    if (value) this.#values.set(name, value);
  }

  get(name: string): string {
    return this.#values.get(name) ?? '';
  }

  /** A text that quotes them all, as the worst of all error messages would. */
  quotation(): string {
    return [...this.#values.values()].join(' ');
  }

  /** Names of the secrets that a text holds, plain or encoded. */
  in(text: string, allowed: readonly string[] = []): string[] {
    return [...this.#values]
      .filter(
        ([name, value]) => !allowed.includes(name) && formsOf(value).some((form) => text.includes(form)),
      )
      .map(([name]) => name);
  }
}

/** A secret in a URL, in Basic credentials, in a JWT's payload, in a dump of bytes. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const inBase64 = [0, 1, 2].flatMap((shift) => {
    // what stands before and after changes the characters at the ends
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift + 1, -4);
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    bytes.toString('hex'),
    ...inBase64,
  ];
}
