import { SmartClient, isSmartError } from 'nestjs-smart-on-fhir';
import type { SmartClientConfiguration, SmartClientOptions, SmartSession } from 'nestjs-smart-on-fhir';
import { runtimeFor } from '../../../lib/smart-runtime.js';
import type { fakeClock } from '../../support/clock.js';
import { SharedStore } from './shared-store.js';
import type { Pause } from './shared-store.js';
import type { Target, TwoEhrs } from './two-ehrs.js';

export interface Mode {
  multiLaunch: boolean;
  /** what a tab names in its requests: also the issuer, as the snippet does, or the patient alone */
  names: 'patient and issuer' | 'patient';
}

interface Tab {
  /** the launch under way: what it will be of, and its state */
  pending?: { target: Target; state: string };
  /** the launch that the tab shows */
  launched?: Target;
  /** what its requests name, from where the callback sent it */
  named: { patient: string | null; iss: string | null };
}

interface Cookies {
  session: string | null;
  launch: string | null;
}

const NOBODY: Tab['named'] = { patient: null, iss: null };
const OPTIONS: SmartClientOptions = {
  allowNonHttpsLaunch: true,
  maxLaunchesPerMinute: 1_000_000,
  session: { secret: 'a secret of more than thirty-two characters' },
};

/** A tab was given what it did not launch. */
export class WrongPatient extends Error {}

/** A tab that was launched a moment ago has no session. */
export class LostLaunch extends Error {}

/** A process of the app; when it crashes another takes its place. */
class AppProcess {
  readonly #connection;
  readonly #configuration: SmartClientConfiguration;
  readonly #options: SmartClientOptions;
  isGone = false;

  constructor(store: SharedStore, ehrs: TwoEhrs, multiLaunch: boolean) {
    this.#connection = store.connect();
    this.#configuration = {
      clientId: 'tabs',
      scope: 'launch openid offline_access patient/Patient.rs',
      callbackUrl: 'http://localhost/callback',
      redirectUrl: 'http://localhost/',
      knownFhirServers: [ehrs.knownServer('a'), ehrs.knownServer('b')],
    };
    this.#options = { ...OPTIONS, enableMultiLaunch: multiLaunch };
  }

  client(session: SmartSession): SmartClient {
    return new SmartClient(session, this.#connection.storage, this.#configuration, this.#options);
  }

  crash(): void {
    this.isGone = true;
    this.#connection.crash();
    void this.close();
  }

  async close(): Promise<void> {
    await runtimeFor(this.#configuration, this.#connection.storage, this.#options).http.close();
  }
}

/** One browser with five tabs, in front of two processes on one store and of two EHRs. */
export class TabsWorld {
  tabs: Tab[] = [];
  #cookies: Cookies = { session: null, launch: null };
  #lastEnd = '';
  readonly #store = new SharedStore();
  readonly #processes: AppProcess[];

  constructor(
    private readonly mode: Mode,
    private readonly ehrs: TwoEhrs,
    private readonly clock: ReturnType<typeof fakeClock>,
    /** told what every call ended with */
    private readonly count: (call: string, end: string) => void,
  ) {
    this.#processes = [0, 1].map(() => new AppProcess(this.#store, ehrs, mode.multiLaunch));
  }

  /** A new browser and an empty store, for processes that run on. */
  reset(pause: Pause): void {
    this.tabs = Array.from({ length: 5 }, () => ({ named: NOBODY }));
    this.#cookies = { session: null, launch: null };
    this.#store.entries.clear();
    this.#store.pause = pause;
    this.ehrs.pause = pause;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.close()));
  }

  async launch(tab: number, target: Target, process: number): Promise<void> {
    const launched = await this.#visit('launch', tab, process, (client) =>
      client.launch({ iss: this.ehrs.issuer(target.ehr), launch: 'x' }),
    );
    if (!launched) return;
    const state = new URL(launched.redirect_url).searchParams.get('state')!;
    this.tabs[tab] = { pending: { target, state }, named: NOBODY };
  }

  async callback(tab: number, process: number): Promise<void> {
    const { pending } = this.tabs[tab]!;
    if (!pending) return;
    const { target, state } = pending;
    this.tabs[tab] = { named: NOBODY };
    const completed = await this.#visit('callback', tab, process, (client) =>
      client.callback({ code: this.ehrs.code(target), state }),
    );
    if (completed)
      this.tabs[tab] = { launched: target, named: this.#namedBy(completed.redirect_url, target) };
  }

  /** The tab asks for its patient; it gets the one it launched, or an error. */
  async ask(tab: number, process: number, call: 'ready' | 'refresh' = 'ready'): Promise<string> {
    // as the page is when it asks: it may be left before the answer is here
    const { launched } = this.tabs[tab]!;
    if (!launched && !this.mode.multiLaunch) return 'nothing to ask for';
    const ready = await this.#visit(call, tab, process, (client) => client[call]());
    if (!ready) return this.#lastEnd;
    const patient = await ready.patient.request();
    const end = isSmartError(patient) ? patient.error : 'data';
    this.count('patient', end);
    if (isSmartError(patient)) return end;
    const got = `${patient.id} of ${patient.meta?.source}`;
    const wanted = launched ? `${launched.patient} of ${this.ehrs.issuer(launched.ehr)}` : 'nothing';
    if (got !== wanted) throw new WrongPatient(`tab ${tab} launched ${wanted} and got ${got}`);
    return end;
  }

  async logout(tab: number, process: number): Promise<void> {
    await this.#visit('logout', tab, process, async (client) => {
      await client.logout();
      return {};
    });
  }

  expire(ms: number): void {
    this.clock.advance(ms);
  }

  endGrants(target: Target): void {
    this.ehrs.endGrants(target);
  }

  crash(process: number): void {
    this.#processes[process]!.crash();
    this.#processes[process] = new AppProcess(this.#store, this.ehrs, this.mode.multiLaunch);
  }

  /** Right after launches of one user at one EHR every one of the tabs has its patient, or has to say whose it is. */
  async expectAll(opened: { tab: number; target: Target; process: number }[]): Promise<void> {
    const [first, ...others] = opened;
    const isOnes = others.every(
      ({ target }) => target.user === first?.target.user && target.ehr === first.target.ehr,
    );
    if (!isOnes || (others.length > 0 && !this.mode.multiLaunch)) return;
    for (const { tab, process } of opened) {
      const end = await this.ask(tab, process);
      const isExpected = end === 'data' || (this.mode.names === 'patient' && end === 'ambiguous_patient');
      if (!isExpected) throw new LostLaunch(`tab ${tab} was launched and got ${end}`);
    }
  }

  /** A request of a tab, with the cookies as they are when it is sent, and those of its answer. */
  async #visit<T extends object>(
    call: string,
    tab: number,
    at: number,
    work: (client: SmartClient) => Promise<T>,
  ): Promise<Exclude<T, Error> | undefined> {
    const process = this.#processes[at]!;
    const answered: Partial<Cookies> = {};
    const { patient, iss } = this.tabs[tab]!.named;
    const client = process.client({
      sessionId: this.#cookies.session,
      browserId: this.#cookies.launch,
      activePatient: patient,
      activeIssuer: iss,
      browserStarted: (id) => (answered.launch = id),
      sessionStarted: (id) => (answered.session = id),
      sessionEnded: () => (answered.session = null),
    });
    await this.#store.pause();
    const result = await work(client).catch((error: unknown) => {
      if (isSmartError(error)) return error;
      throw error;
    });
    // answers may overtake each other
    for (let hops = 0; hops < 5; hops += 1) await this.#store.pause();
    if (process.isGone) {
      this.count(call, 'the process crashed');
      return undefined;
    }
    Object.assign(this.#cookies, answered);
    this.#lastEnd = isSmartError(result) ? result.error : 'done';
    this.count(call, this.#lastEnd);
    return isSmartError(result) ? undefined : (result as Exclude<T, Error>);
  }

  /** In the default mode the page is not told by its URL; it knows its patient from the first answer. */
  #namedBy(redirectUrl: string, target: Target): Tab['named'] {
    const { searchParams } = new URL(redirectUrl);
    const patient = this.mode.multiLaunch ? searchParams.get('patient') : target.patient;
    const iss = this.mode.multiLaunch ? searchParams.get('iss') : this.ehrs.issuer(target.ehr);
    return { patient, iss: this.mode.names === 'patient' ? null : iss };
  }
}
