import { describe, expect, it } from '@jest/globals';
import { SmartError, unwrap } from '../smart-error.js';
import { resolveReferences } from './resolve-references.js';
import type { ReferenceLimits } from './resolve-references.js';

const BASE = 'https://ehr.example/fhir';
const MANY = 3_000;
const at = (reference: string) => ({ reference });

interface Panel {
  resourceType: string;
  id: string;
  hasMember: unknown[];
}

/** An Observation whose list names these; `looks` counts how often the list is looked at. */
function panelOf(members: readonly string[], count: { looks: number } = { looks: 0 }): Panel {
  const hasMember = members.map(at);
  return Object.defineProperty({ resourceType: 'Observation', id: 'o1' } as Panel, 'hasMember', {
    enumerable: true,
    get: () => {
      count.looks += 1;
      return hasMember;
    },
  });
}

/** The server has one panel; `reads` are the paths that were read of it. */
async function resolved(source: unknown, paths: string[], stored: Panel, limits?: ReferenceLimits) {
  const reads: string[] = [];
  const read = (path: string) => {
    reads.push(path);
    return Promise.resolve({ ...stored, id: path.split('/')[1] });
  };
  return { reads, ...unwrap(await resolveReferences<Panel>(read, BASE, source, paths, limits)) };
}

/** Objects and lists in a value, each once. */
function nodesIn(value: unknown, seen = new Set<unknown>()): number {
  if (typeof value !== 'object' || value === null || seen.has(value)) return seen.size;
  seen.add(value);
  for (const member of Object.values(value)) nodesIn(member, seen);
  return seen.size;
}

describe('many references to one resource', () => {
  const itself = Array<string>(MANY).fill('Observation/o1');

  it.each([1, 2, 3])(
    'are walked and copied once: %d levels',
    async (levels) => {
      const count = { looks: 0 };
      const source = { resourceType: 'Observation', id: 'o1', hasMember: itself.map(at) };
      const path = Array<string>(levels).fill('hasMember').join('.');
      const reads: string[] = [];
      const read = (asked: string) => {
        reads.push(asked);
        return Promise.resolve(panelOf(itself, count));
      };
      const { get, graph } = unwrap(await resolveReferences<Panel>(read, BASE, source, [path]));
      expect(reads).toEqual(['Observation/o1']);
      expect(get('Observation/o1')?.id).toBe('o1');
      expect(count.looks).toBeLessThanOrEqual(2 * levels);
      const copy = graph<Panel>();
      expect(count.looks).toBeLessThanOrEqual(6 * levels);
      // the last copy has its references, the others have a list alone
      expect(nodesIn(copy)).toBeLessThan(MANY + 10 * levels);
      const [first, second] = copy.hasMember;
      expect(first).toMatchObject({ resourceType: 'Observation', id: 'o1' });
      expect(second).toBe(first);
      expect(graph<Panel>().hasMember[0]).not.toBe(first);
    },
    60_000,
  );

  it('are walked once where they are contained, and where they are in a Bundle', async () => {
    const count = { looks: 0 };
    const member = panelOf(Array<string>(MANY).fill('#o1'), count);
    const container = { resourceType: 'List', id: 'l', contained: [member], item: [at('#o1')] };
    const path = 'item.hasMember.hasMember.hasMember';
    const inside = await resolved(container, [path], member);
    inside.graph();
    const entry = [{ fullUrl: `${BASE}/Observation/o1`, resource: panelOf(itself, count) }];
    const bundle = { resourceType: 'Bundle', type: 'searchset', entry };
    const within = await resolved(bundle, ['hasMember.hasMember.hasMember'], member);
    within.graph();
    expect([inside.reads, within.reads]).toEqual([[], []]);
    expect(count.looks).toBeLessThan(40);
  }, 60_000);

  it('share one copy between the resources of a list', async () => {
    const source = Array.from({ length: 500 }, (_, id) => ({
      resourceType: 'Observation',
      id: `s${id}`,
      hasMember: [at('Observation/o1')],
    }));
    const { graph } = await resolved(source, ['hasMember'], panelOf([]));
    expect(new Set(graph<Panel[]>().map(({ hasMember }) => hasMember[0])).size).toBe(1);
  });
});

describe('a long list of references', () => {
  it('lets others in the process have their turn, and sees that the caller gave up', async () => {
    const controller = new AbortController();
    const member = { resourceType: 'Observation', id: 'x' };
    const hasMember = Array.from({ length: MANY }, () => at('#x'));
    const source = { resourceType: 'Observation', contained: [member], hasMember };
    const read = () => Promise.resolve(undefined);
    setImmediate(() => controller.abort());
    const limits = { signal: controller.signal };
    expect(await resolveReferences(read, BASE, source, ['hasMember'], limits)).toMatchObject({
      error: 'aborted',
    });
    const { get } = unwrap(await resolveReferences(read, BASE, source, ['hasMember']));
    expect(hasMember.every((reference) => get(reference) === (member as unknown))).toBe(true);
  });
});

describe('references that lead in a circle', () => {
  it('end where the path does', async () => {
    const stored: Record<string, Panel> = {
      'Observation/o1': panelOf(['Observation/o2', 'Observation/o1']),
      'Observation/o2': { ...panelOf(['Observation/o1', 'Observation/o2']), id: 'o2' },
    };
    const reads: string[] = [];
    const read = (path: string) => {
      reads.push(path);
      return Promise.resolve(stored[path]);
    };
    const path = Array<string>(60).fill('hasMember').join('.');
    const source = stored['Observation/o1'];
    const { graph, missing } = unwrap(await resolveReferences<Panel>(read, BASE, source, [path]));
    expect(reads.sort()).toEqual(['Observation/o1', 'Observation/o2']);
    expect(missing).toEqual([]);
    expect(nodesIn(graph())).toBeLessThan(60 * 10);
  }, 60_000);
});

describe('the resources that one call reads', () => {
  const others = Array.from({ length: 1_200 }, (_, at_) => `Observation/x${at_}`);

  it('are 1,000 unless the caller says otherwise; the others are missing', async () => {
    const stored = panelOf([]);
    const { reads, references, missing, graph } = await resolved(panelOf(others), ['hasMember'], stored);
    expect([reads.length, references.size, missing.length]).toEqual([1_000, 1_000, 200]);
    expect(missing[0]).toMatchObject({
      reference: 'Observation/x1000',
      error: { error: 'invalid_request', message: expect.stringContaining('more than 1,000 references') },
    });
    expect(graph<Panel>().hasMember.at(-1)).toEqual(at('Observation/x1199'));
    const two = await resolved(panelOf(others), ['hasMember'], stored, { maxReferences: 2 });
    expect([two.reads.length, two.missing.length]).toEqual([2, 1_198]);
    const all = await resolved(panelOf(others), ['hasMember'], stored, { maxReferences: 2_000 });
    expect([all.reads.length, all.missing.length]).toEqual([1_200, 0]);
  });

  it.each([0, -1, 1.5, Number.NaN, 100_001])('are a number: %p', async (maxReferences) => {
    const read = () => Promise.resolve(undefined);
    const limits = { maxReferences };
    expect(await resolveReferences(read, BASE, panelOf(others), ['hasMember'], limits)).toMatchObject({
      error: 'invalid_request',
      message: expect.stringContaining('maxReferences'),
    });
  });

  it('are no more where the caller aborts, whatever is still to be read', async () => {
    const controller = new AbortController();
    let reads = 0;
    const read = (path: string) => {
      reads += 1;
      controller.abort();
      return Promise.resolve({ ...panelOf(others), id: path.split('/')[1] });
    };
    const limits = { concurrency: 1, signal: controller.signal };
    const result = await resolveReferences(read, BASE, panelOf(others), ['hasMember.hasMember'], limits);
    expect(result).toBeInstanceOf(SmartError);
    expect(result).toMatchObject({ error: 'aborted' });
    expect(reads).toBe(1);
  });
});
