interface Cookie {
  host: string;
  path: string;
  name: string;
  value: string;
}

/** As much of a browser as a launch needs: it keeps cookies and follows redirects, and runs no script. */
export class Browser {
  #cookies: Cookie[] = [];

  /** The cookies a host would be sent at `/`, by name. */
  cookies(hostname: string): Record<string, string> {
    const own = this.#cookies.filter(({ host }) => host === hostname);
    return Object.fromEntries(own.map(({ name, value }) => [name, value]));
  }

  get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(url, { headers: { Accept: 'text/html', ...headers } });
  }

  post(url: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(url, {
      method: 'POST',
      headers: { Accept: 'text/html', ...headers },
      body: new URLSearchParams(form),
    });
  }

  /**
   * Follows redirects from `start` (an address, or an answer already there) and stops without loading the
   * first address that starts with `stopAt`. Returns that address, or the first answer that is no redirect.
   */
  async follow(start: string | Response, stopAt: string): Promise<URL | Response> {
    let response = typeof start === 'string' ? await this.get(start) : start;
    for (let hops = 0; hops < 20; hops += 1) {
      const location = response.headers.get('location');
      if (location === null) return response;
      const next = new URL(location, response.url);
      if (next.href.startsWith(stopAt)) return next;
      response = await this.get(next.href);
    }
    throw new Error('Too many redirects');
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    const target = new URL(url);
    const headers = new Headers(init.headers);
    const cookies = this.#cookies.filter((cookie) => belongsTo(cookie, target));
    if (cookies.length > 0)
      headers.set('Cookie', cookies.map(({ name, value }) => `${name}=${value}`).join('; '));
    const response = await fetch(target, { ...init, headers, redirect: 'manual' });
    response.headers.getSetCookie().forEach((header) => this.#store(header, target));
    return response;
  }

  #store(header: string, { hostname }: URL): void {
    const [pair = '', ...attributes] = header.split(';').map((part) => part.trim());
    const attribute = (name: string): string | undefined =>
      attributes.find((text) => text.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    const path = attribute('path') ?? '/';
    const expired =
      Number(attribute('max-age') ?? 1) <= 0 ||
      Date.parse(attribute('expires') ?? '9999-01-01') <= Date.now();
    this.#cookies = this.#cookies.filter(
      (old) => old.host !== hostname || old.path !== path || old.name !== name,
    );
    if (!expired) this.#cookies.push({ host: hostname, path, name, value });
  }
}

function belongsTo({ host, path }: Cookie, url: URL): boolean {
  const prefix = path.endsWith('/') ? path : `${path}/`;
  return host === url.hostname && (url.pathname === path || url.pathname.startsWith(prefix));
}
