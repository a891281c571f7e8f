import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Portal {
  url: string;
  /** the page with this address in its frame */
  with(app: string, sandbox?: string): string;
  close(): Promise<void>;
}

/** An EHR's page on 127.0.0.1 that shows the app in a frame: another site than localhost, where apps are. */
export async function startPortal(): Promise<Portal> {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url!, 'http://portal');
    const attributes = ['src', 'sandbox'].flatMap((name) => {
      const value = searchParams.get(name);
      return value === null ? [] : `${name}="${value.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"`;
    });
    response.setHeader('Content-Type', 'text/html');
    response.end(`<iframe ${attributes.join(' ')}></iframe>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    with: (src, sandbox) =>
      `${url}/?${new URLSearchParams({ src, ...(sandbox !== undefined && { sandbox }) }).toString()}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
