import { describe, expect, it } from '@jest/globals';
import { SealedBox } from './sealed-box.js';

const OLD = 'an old secret of thirty-two characters';
const NEW = 'a new secret of thirty-two characters!';
const RECORD = { accessToken: 'canary-token', patient: 'canary-patient', text: 'Größe µ 🙂' };
const KEY = 'smart:launch:abc';
const box = new SealedBox([OLD]);

describe('a sealed entry', () => {
  it('C-20 opens with its secret, key and session id', () => {
    expect(box.open(box.seal(RECORD, KEY, 'session-1'), KEY, 'session-1')).toEqual(RECORD);
  });

  it('C-20 shows nothing of what is in it, nor whether two entries are alike', () => {
    const [first, second] = [box.seal(RECORD, KEY, 'session-1'), box.seal(RECORD, KEY, 'session-1')];
    const bytes = Buffer.from(first.split('.')[2]!, 'base64').toString('latin1');
    for (const text of [first, bytes]) expect(text).not.toMatch(/canary|session-1|secret/);
    expect(first).not.toBe(second);
  });

  it.each<[string, SealedBox, string, string]>([
    ['another session id', box, KEY, 'session-2'],
    ['an empty session id', box, KEY, ''],
    ['another key, to which it was moved', box, 'smart:launch:def', 'session-1'],
    ['the key of another kind of entry', box, 'smart:session:abc', 'session-1'],
    ['another secret', new SealedBox([NEW]), KEY, 'session-1'],
    ['no secret', new SealedBox([]), KEY, 'session-1'],
  ])('C-20 does not open with %s', (_what, other, key, id) => {
    expect(other.open(box.seal(RECORD, KEY, 'session-1'), key, id)).toBeUndefined();
  });

  it('C-20 does not open when any byte of it was changed', () => {
    const [version, secretId, data] = box.seal({ a: 1 }, KEY, 'session-1').split('.');
    const bytes = Buffer.from(data!, 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const tampered = Buffer.from(bytes);
      tampered[at]! ^= 1;
      const entry = `${version}.${secretId}.${tampered.toString('base64')}`;
      expect(box.open(entry, KEY, 'session-1')).toBeUndefined();
    }
  });

  it('C-20 does not open when it was cut', () => {
    const entry = box.seal({ a: 1 }, KEY, 'session-1');
    // the very last character may be padding that base64 can do without
    for (let length = 0; length < entry.length - 1; length++) {
      const cut = box.open(entry.slice(0, length), KEY, 'session-1');
      expect(cut).toBeUndefined();
    }
  });

  it.each(['', '.', '..', 'v1', 'v1..', 'v2.abc.AAAA', 'null', '{}', 'v1.__proto__.AAAA', '🙂.🙂.🙂'])(
    'does not open when it never was one: %j',
    (entry) => {
      expect(box.open(entry, KEY, 'session-1')).toBeUndefined();
    },
  );
});

describe('the rotation of secrets', () => {
  const rotated = new SealedBox([NEW, OLD]);

  it('C-20 opens what the old secret sealed', () => {
    expect(rotated.open(box.seal(RECORD, KEY, 'session-1'), KEY, 'session-1')).toEqual(RECORD);
  });

  it('C-20 seals with the new one', () => {
    const entry = rotated.seal(RECORD, KEY, 'session-1');
    expect(new SealedBox([NEW]).open(entry, KEY, 'session-1')).toEqual(RECORD);
    expect(box.open(entry, KEY, 'session-1')).toBeUndefined();
  });

  it('C-20 opens nothing that was given the name of another secret', () => {
    const [version, , data] = box.seal(RECORD, KEY, 'session-1').split('.');
    const other = new SealedBox([NEW]);
    const [, name] = other.seal(RECORD, KEY, 'session-1').split('.');
    expect(other.open(`${version}.${name}.${data}`, KEY, 'session-1')).toBeUndefined();
  });

  it('C-20 opens nothing more with a secret that was taken out', () => {
    const entry = box.seal(RECORD, KEY, 'session-1');
    expect(new SealedBox([NEW]).open(entry, KEY, 'session-1')).toBeUndefined();
  });

  it('C-20 says so where the secret is not one of its own, and nothing where an entry was tampered with', () => {
    let told = 0;
    const other = new SealedBox([NEW], () => (told += 1));
    const entry = box.seal(RECORD, KEY, 'session-1');

    expect(other.open(entry, KEY, 'session-1')).toBeUndefined();
    expect(told).toBe(1);
    expect(other.open(other.seal(RECORD, KEY, 'session-1'), KEY, 'session-2')).toBeUndefined();
    expect(other.open('nonsense', KEY, 'session-1')).toBeUndefined();
    expect(told).toBe(1);
  });

  it('C-20 a rotation in three steps opens every entry in every instance', () => {
    const steps = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]].map((secrets) => new SealedBox(secrets));
    const opens = (by: number, sealedBy: number) =>
      steps[by]!.open(steps[sealedBy]!.seal(RECORD, KEY, 'session-1'), KEY, 'session-1') !== undefined;

    // while one step is rolled out, instances of the step before still run
    for (const step of [1, 2]) expect([opens(step, step - 1), opens(step - 1, step)]).toEqual([true, true]);
    expect([opens(3, 2), opens(2, 3)]).toEqual([true, true]);
  });
});
