// A key management service: its private keys never leave this process.
import { generateKeyPairSync, sign } from 'node:crypto';

const keys = new Map();

const OPERATIONS = {
  make({ kid, alg }) {
    const { privateKey, publicKey } =
      alg === 'RS384'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-384' });
    keys.set(kid, privateKey);
    return { ...publicKey.export({ format: 'jwk' }), kid, alg };
  },
  sign({ kid, data }) {
    const key = { key: keys.get(kid), dsaEncoding: 'ieee-p1363' };
    return sign('sha384', Buffer.from(data, 'base64'), key).toString('base64');
  },
  /** Whether a text holds anything private, as JWK, PEM or bytes in hex. */
  isIn({ text }) {
    return [...keys.values()].some((key) => {
      const { d, p } = key.export({ format: 'jwk' });
      const pem = key.export({ type: 'pkcs8', format: 'pem' }).split('\n')[2];
      const forms = [d, p, pem, Buffer.from(d, 'base64url').toString('hex')];
      return forms.some((form) => form !== undefined && text.includes(form));
    });
  },
  /** The same search in a text that does hold a key, which is not told. */
  findsItself() {
    return [...keys.values()].every((key) =>
      OPERATIONS.isIn({ text: JSON.stringify(key.export({ format: 'jwk' })) }),
    );
  },
};

process.on('message', ({ id, operation, ...parameters }) => {
  process.send({ id, result: OPERATIONS[operation](parameters) });
});
process.on('disconnect', () => process.exit());
