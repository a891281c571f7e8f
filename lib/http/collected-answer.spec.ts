import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { CollectedAnswer } from './collected-answer.js';

const KIB = 1_024;
const controller = { abort: () => undefined } as unknown as Dispatcher.DispatchController;

function started(maxBytes = 1_000_000): CollectedAnswer {
  const answer = new CollectedAnswer(maxBytes, 'ehr.example.org');
  answer.onRequestStart(controller);
  answer.onResponseStart(controller, 200, {});
  return answer;
}

async function bodyOf(chunks: Iterable<Buffer>): Promise<Buffer> {
  const answer = started();
  for (const chunk of chunks) answer.onResponseData(controller, chunk);
  answer.onResponseEnd();
  return (await answer.collected).body;
}

/** Bytes on the heap once all that nobody holds is gone. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

describe('an answer that is collected', () => {
  const part = (size: number, value: number) => Buffer.alloc(size, value);

  it.each<[string, number[]]>([
    ['nothing', []],
    ['one chunk', [10]],
    ['one large chunk', [70 * KIB]],
    ['small chunks of more than a page', [10 * KIB, 10 * KIB, 10 * KIB]],
    ['small chunks that fill a page', [8 * KIB, 8 * KIB, 1]],
    ['small and large ones in turn', [1, 20 * KIB, 2, 3, 16 * KIB, 5, 15 * KIB, 5 * KIB, 64 * KIB]],
  ])('is whole, of %s', async (_what, sizes) => {
    const chunks = sizes.map((size, at) => part(size, at + 1));
    expect((await bodyOf(chunks)).equals(Buffer.concat(chunks))).toBe(true);
  });

  it('C-17 takes about as much memory as it has bytes, in however many pieces they come', async () => {
    const answer = started();
    const before = heldBytes();
    for (let at = 0; at < 200_000; at += 1)
      answer.onResponseData(controller, Buffer.allocUnsafeSlow(1).fill(7));
    // a Buffer for each byte would be 30 MB
    expect(heldBytes() - before).toBeLessThan(5_000_000);
    answer.onResponseEnd();
    expect((await answer.collected).body.equals(part(200_000, 7))).toBe(true);
  });

  it('C-17 is over once it is too large, whatever comes after', async () => {
    const answer = started(100);
    const refused = expect(answer.collected).rejects.toMatchObject({ kind: 'too_large' });
    for (const size of [100, 1, 1]) answer.onResponseData(controller, part(size, 1));
    answer.onResponseEnd();
    await refused;
    expect(answer.isOver).toBe(true);
  });
});
