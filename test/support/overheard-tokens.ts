import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** A request to an EHR that showed a token, as a thief in the middle would have seen it. */
export interface OverheardToken {
  path: string;
  scheme: string;
  token: string;
  proof: string | undefined;
}

interface UndiciRequest {
  origin: string;
  path: string;
  headers: string | string[];
}

/** Listens to what the HTTP client of this process sends to `origin`, until it is stopped. */
export function overheardTokens(origin: string): { tokens: OverheardToken[]; stop(): void } {
  const tokens: OverheardToken[] = [];
  const listen = (message: unknown) => {
    const { request } = message as { request: UndiciRequest };
    const headers = new Map(pairs(request.headers));
    const [, scheme, token] = /^(Bearer|DPoP) (\S+)$/.exec(headers.get('authorization') ?? '') ?? [];
    if (String(request.origin) !== origin || !scheme || !token) return;
    tokens.push({ path: request.path, scheme, token, proof: headers.get('dpop') });
  };
  subscribe('undici:request:create', listen);
  return { tokens, stop: () => void unsubscribe('undici:request:create', listen) };
}

function pairs(headers: string | string[]): [string, string][] {
  if (typeof headers === 'string')
    return pairs(headers.split('\r\n').flatMap((line) => line.split(/: (.*)/, 2)));
  const names = headers.filter((_, at) => at % 2 === 0);
  return names.map((name, at) => [name.toLowerCase(), headers[2 * at + 1] ?? '']);
}
