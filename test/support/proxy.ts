import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A TCP proxy that behaves as badly as a network, or the host behind it, can. It starts in good health. */
export interface Proxy {
  port: number;
  /** healthy again; what was held back goes on */
  through(): Promise<void>;
  /** connections stay open, new ones are taken, and nothing is passed on */
  freeze(): void;
  /** requests are passed on, answers are held back */
  holdAnswers(): void;
  /** everything takes so many milliseconds more, in each direction */
  slow(delayMs: number): void;
  /** connections are cut, new ones refused */
  cut(): Promise<void>;
  /** resolves when a request with this text has arrived, passed on or not; asked twice, at the first and the second */
  requested(text: string): Promise<void>;
  /** resolves when an answer with this text has arrived, passed on or not */
  answered(text: string): Promise<void>;
  close(): Promise<void>;
}

type Direction = 'request' | 'answer';

export async function startProxy(options: {
  /** 0 or left out: any free port */
  port?: number;
  to: { host: string; port: number };
}): Promise<Proxy> {
  const HOST = '127.0.0.1';
  const sockets = new Set<Socket>();
  const waiting: { direction: Direction; text: string; seen: () => void }[] = [];
  let held = new Set<Direction>();
  let delayMs = 0;
  let kept: (() => void)[] = [];

  /** What is on its way to a socket: nothing overtakes anything. */
  const delayed = new WeakMap<Socket, Promise<void>>();
  const pass = (direction: Direction, chunk: Buffer, to: Socket) => {
    const index = waiting.findIndex((each) => each.direction === direction && chunk.includes(each.text));
    if (index !== -1) waiting.splice(index, 1)[0]!.seen();
    const write = () => void (to.destroyed || to.write(chunk));
    const before = delayed.get(to);
    if (held.has(direction) || kept.length > 0) kept.push(write);
    else if (delayMs > 0 || before) {
      const arrived = delay(delayMs);
      const written = (before ?? Promise.resolve()).then(() => arrived).then(write);
      delayed.set(to, written);
      void written.then(() => {
        if (delayed.get(to) === written) delayed.delete(to);
      });
    } else write();
  };
  const server = createServer((client) => {
    const upstream = connect(options.to);
    for (const [socket, other, direction] of [
      [client, upstream, 'request'],
      [upstream, client, 'answer'],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (chunk: Buffer) => pass(direction, chunk, other));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST, () => {
        server.off('error', reject);
        resolve();
      });
    });
  const cut = () =>
    new Promise<void>((resolve) => {
      kept = [];
      if (server.listening) server.close(() => resolve());
      else resolve();
      for (const socket of sockets) socket.destroy();
    });
  const wait = (direction: Direction, text: string) =>
    new Promise<void>((seen) => waiting.push({ direction, text, seen }));

  await listen(options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    through: async () => {
      held = new Set();
      delayMs = 0;
      for (const write of kept.splice(0)) write();
      if (!server.listening) await listen(port);
    },
    freeze: () => {
      held = new Set(['request', 'answer']);
    },
    holdAnswers: () => {
      held = new Set(['answer']);
    },
    slow: (milliseconds) => {
      delayMs = milliseconds;
    },
    cut,
    requested: (text) => wait('request', text),
    answered: (text) => wait('answer', text),
    close: cut,
  };
}
