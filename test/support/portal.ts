import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Portal {
  url: string;
  /** the page with this address in its frame */
  with(app: string): string;
  close(): Promise<void>;
}

/** An EHR's page on 127.0.0.1 that shows the app in a frame: another site than localhost, where apps are. */
export async function startPortal(): Promise<Portal> {
  const server = createServer((request, response) => {
    const src = new URL(request.url!, 'http://portal').searchParams.get('app') ?? '';
    response.setHeader('Content-Type', 'text/html');
    response.end(`<iframe src="${src.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"></iframe>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    with: (app) => `${url}/?app=${encodeURIComponent(app)}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
