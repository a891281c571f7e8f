import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const VERSION = 'v1';
const IV_BYTES = 12;
const TAG_BYTES = 16;

interface Secret {
  /** names the secret in the entry, so that the right one of several opens it */
  id: string;
  bytes: Buffer;
}

/**
 * Encryption at rest: AES-256-GCM under a key derived from the secret and the session's own id, which the
 * store holds only as a hash. Neither a dump of the store nor the secret alone opens an entry. The entry's
 * key is authenticated along, so entries cannot be swapped.
 */
export class SealedBox {
  readonly #secrets: [Secret, ...Secret[]];

  /**
   * @param secrets the first seals, all open
   * @param onUnknownSecret told when an entry was sealed under a secret that is not here
   */
  constructor(
    secrets: readonly string[],
    private readonly onUnknownSecret: () => void = () => undefined,
  ) {
    const [first = '', ...others] = secrets;
    this.#secrets = [toSecret(first), ...others.map(toSecret)];
  }

  seal(value: unknown, entryKey: string, id: string): string {
    const [secret] = this.#secrets;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', keyFor(secret, id), iv);
    cipher.setAAD(Buffer.from(entryKey));
    const sealed = Buffer.concat([
      iv,
      cipher.update(JSON.stringify(value), 'utf8'),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return `${VERSION}.${secret.id}.${sealed.toString('base64')}`;
  }

  /** Undefined when the entry was sealed under another secret or was tampered with. */
  open<T>(entry: string, entryKey: string, id: string): T | undefined {
    const [version, secretId, data] = entry.split('.');
    const secret = this.#secrets.find((candidate) => candidate.id === secretId);
    if (version !== VERSION || !data) return undefined;
    if (!secret) {
      this.onUnknownSecret();
      return undefined;
    }
    const sealed = Buffer.from(data, 'base64');
    if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', keyFor(secret, id), sealed.subarray(0, IV_BYTES));
      decipher.setAAD(Buffer.from(entryKey));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const text =
        decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      return JSON.parse(text) as T;
    } catch {
      return undefined;
    }
  }
}

function keyFor(secret: Secret, id: string): Buffer {
  return createHmac('sha256', secret.bytes).update(`smart-session:${id}`).digest();
}

function toSecret(text: string): Secret {
  const bytes = createHmac('sha256', 'nestjs-smart-on-fhir/session').update(text).digest();
  return { bytes, id: createHmac('sha256', bytes).update('id').digest('base64url').slice(0, 6) };
}
