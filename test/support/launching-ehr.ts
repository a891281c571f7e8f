import { ForbiddenException, Injectable, Module, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext, INestApplication, ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { SmartLaunchModule, SmartLaunchService } from 'nestjs-smart-on-fhir';
import type {
  ClientApplication,
  ReadResource,
  SmartLaunchEvent,
  SmartLaunchModuleOptions,
} from 'nestjs-smart-on-fhir';
import { freePort } from './free-port.js';

/** Lets in whoever a cookie or a Bearer token names, but for `locked-out`. */
@Injectable()
export class LoginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string>; user?: { id: string } }>();
    const { authorization = '', cookie = '' } = request.headers;
    const id = /^Bearer (.+)$/.exec(authorization)?.[1] ?? /(?:^|; )ehr=([^;]+)/.exec(cookie)?.[1];
    if (id === undefined) throw new UnauthorizedException('Log in first');
    if (id === 'locked-out') throw new ForbiddenException('Not for you');
    request.user = { id };
    return true;
  }
}

export const APPS: ClientApplication[] = [
  {
    id: 'growth-chart',
    name: 'Growth Chart',
    launchUri: 'https://growth.example.org/launch?foo=1&iss=x',
    redirectUris: ['https://growth.example.org/callback'],
    clientId: 'growth-client',
    logoUri: 'https://growth.example.org/logo.png',
  },
  { id: 'not-for-launch', name: 'No launch' },
];

/** What the EHR has, and who may not see it. */
export const RECORD: Record<string, ReadResource & { hiddenFrom?: string }> = {
  'Patient/ada': { resourceType: 'Patient', id: 'ada' },
  'Patient/bob': { resourceType: 'Patient', id: 'bob' },
  'Patient/vip': { resourceType: 'Patient', id: 'vip', hiddenFrom: 'dr-grey' },
  'Encounter/visit': encounter('visit', 'Patient/ada'),
  'Encounter/group': encounter('group', 'Group/1'),
  'Encounter/elsewhere': encounter('elsewhere', 'https://other.example.org/fhir/Patient/ada'),
  'Encounter/of-vip': encounter('of-vip', 'Patient/vip'),
  'Encounter/hidden': { ...encounter('hidden', 'Patient/vip'), hiddenFrom: 'dr-grey' },
  'ImagingStudy/1': { resourceType: 'ImagingStudy', id: '1' },
  'List/2': { resourceType: 'List', id: '2' },
  'Observation/of-vip': { resourceType: 'Observation', id: 'of-vip', hiddenFrom: 'dr-grey' },
};

function encounter(id: string, reference: string): ReadResource {
  return { resourceType: 'Encounter', id, subject: { reference } } as ReadResource;
}

export const READ_RESOURCE: SmartLaunchModuleOptions['readResource'] = (reference, request) => {
  const resource = RECORD[reference];
  return resource?.hiddenFrom === (request as { user: { id: string } }).user.id ? null : resource;
};

export interface LaunchingEhr {
  app: INestApplication;
  origin: string;
  fhirBaseUrl: string;
  launches: SmartLaunchService;
  events: SmartLaunchEvent[];
  /** a request as `dr-grey`, without following redirects; `path` is below the FHIR base */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** the same, and the handle in the answer's Location */
  handle(path: string, init?: RequestInit): Promise<string>;
  close(): Promise<void>;
}

export interface LaunchingEhrOptions {
  adapter: AbstractHttpAdapter;
  /** path of the FHIR base. Default: `/fhir/R4` */
  path?: string;
  prefix?: string;
  options?: Partial<SmartLaunchModuleOptions>;
  imports?: ModuleMetadata['imports'];
}

/** A Nest app that is an EHR as far as launches go. */
export async function startLaunchingEhr(settings: LaunchingEhrOptions): Promise<LaunchingEhr> {
  const { adapter, path = '/fhir/R4', prefix, options, imports = [] } = settings;
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const fhirBaseUrl = `${origin}${path}`;
  const events: SmartLaunchEvent[] = [];
  @Module({
    imports: [
      SmartLaunchModule.forRoot({
        fhirBaseUrl,
        clientApplications: APPS,
        guards: [LoginGuard],
        readResource: READ_RESOURCE,
        onLaunch: (event) => events.push(event),
        ...options,
      }),
      ...imports,
    ],
  })
  class LaunchingEhrModule {}
  const app = await NestFactory.create(LaunchingEhrModule, adapter, { logger: false, abortOnError: false });
  if (prefix !== undefined) app.setGlobalPrefix(prefix);
  await app.listen(port, 'localhost');
  const ask = (below: string, init: RequestInit = {}) =>
    fetch(`${fhirBaseUrl.replace(/\/$/, '')}/${below}`, {
      redirect: 'manual',
      ...init,
      headers: { Authorization: 'Bearer dr-grey', ...(init.headers as Record<string, string>) },
    });
  return {
    app,
    origin,
    fhirBaseUrl,
    launches: app.get(SmartLaunchService),
    events,
    ask,
    handle: async (below, init) => {
      const answer = await ask(below, init);
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`${answer.status}: ${await answer.text()}`);
      return new URL(location).searchParams.get('launch')!;
    },
    close: () => app.close(),
  };
}
