/**
 * One connection between two spoolers, whoever opened it.
 *
 * | state         | left by                                                                    |
 * |---------------|----------------------------------------------------------------------------|
 * | `initial`     | the first tick: we dial → `connecting`                                     |
 * | `connecting`  | `opened` (TCP, and TLS where configured) → `handshake`; too late → `cooldown` |
 * | `handshake`   | `agreed` → `established`; too late → `cooldown`                            |
 * | `established` | `lost`, or silence → `cooldown`                                            |
 * | `cooldown`    | its end → `connecting`                                                     |
 * | `closed`      | never: a connection that the other side opened is not opened again by us   |
 *
 * What came from the other side begins at `handshake` and ends at `closed` instead of `cooldown`.
 *
 * Life: the source says something every `heartbeatIntervalMs`. The sink takes any byte as life and gives up after
 * `heartbeatTimeoutMs` without one. 15 s is less than twice 10 s: not one lost heartbeat is tolerated. The source in turn gives up
 * when something it sent stays unanswered for `answerTimeoutMs` while nothing at all came back.
 */
export type Phase = 'initial' | 'connecting' | 'handshake' | 'established' | 'cooldown' | 'closed';

/** All times are of one monotonic clock, in ms. */
export interface ConnectionState {
  readonly phase: Phase;
  readonly since: number;
  /** The last byte from the other side. */
  readonly heardAt: number;
  /** The last heartbeat: sent by a source, received by a sink. */
  readonly heartbeatAt: number | null;
  /** Since when an answer is owed to us; null: none is. */
  readonly owedSince: number | null;
  /** When a cooldown ends. */
  readonly until: number;
  readonly reason: string | null;
}

export interface ConnectionRules {
  readonly role: 'source' | 'sink';
  /** Opened by us; else by the other side. */
  readonly dialled: boolean;
  readonly connectTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly cooldownMs: number;
  readonly jitterMs: number;
}

export type ConnectionSignal =
  /** Time passes. `deaf`: we ourselves do not read at the moment, so silence says nothing about the other side. */
  | { readonly kind: 'tick'; readonly deaf?: boolean }
  | { readonly kind: 'opened' }
  | { readonly kind: 'agreed' }
  | { readonly kind: 'heard'; readonly heartbeat?: boolean }
  /** We sent something that wants an answer. */
  | { readonly kind: 'asked' }
  /** Nothing is unanswered any more. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'lost'; readonly reason: string };

export type ConnectionAction = 'dial' | 'heartbeat' | 'close';

export interface ConnectionStep {
  readonly state: ConnectionState;
  readonly actions: readonly ConnectionAction[];
}

export function initialConnection(rules: ConnectionRules, now: number): ConnectionState {
  const phase = rules.dialled ? 'initial' : 'handshake';
  return { phase, since: now, heardAt: now, heartbeatAt: null, owedSince: null, until: 0, reason: null };
}

/** `random` spreads the cooldowns of many sites that lost one centre at the same moment. */
export function stepConnection(
  state: ConnectionState,
  signal: ConnectionSignal,
  now: number,
  rules: ConnectionRules,
  random: number,
): ConnectionStep {
  const stay: ConnectionStep = { state, actions: [] };
  const lose = (reason: string): ConnectionStep => {
    if (state.phase === 'cooldown' || state.phase === 'closed' || state.phase === 'initial') return stay;
    const rest = { ...state, since: now, owedSince: null, reason };
    if (!rules.dialled) return { state: { ...rest, phase: 'closed' }, actions: ['close'] };
    const until = now + rules.cooldownMs + Math.round(random * rules.jitterMs);
    return { state: { ...rest, phase: 'cooldown', until }, actions: ['close'] };
  };
  switch (signal.kind) {
    case 'tick':
      return tick(state, signal.deaf === true, now, rules, lose);
    case 'opened':
      if (state.phase !== 'connecting') return stay;
      return { state: { ...state, phase: 'handshake', since: now, heardAt: now }, actions: [] };
    case 'agreed':
      if (state.phase !== 'handshake') return stay;
      return { state: { ...state, phase: 'established', since: now, heardAt: now, reason: null }, actions: [] };
    case 'heard':
      return { state: { ...state, heardAt: now, ...(signal.heartbeat === true ? { heartbeatAt: now } : {}) }, actions: [] };
    case 'asked':
      return state.owedSince === null ? { state: { ...state, owedSince: now }, actions: [] } : stay;
    case 'answered':
      return { state: { ...state, owedSince: null }, actions: [] };
    case 'lost':
      return lose(signal.reason);
  }
}

function tick(
  state: ConnectionState,
  deaf: boolean,
  now: number,
  rules: ConnectionRules,
  lose: (reason: string) => ConnectionStep,
): ConnectionStep {
  const stay: ConnectionStep = { state, actions: [] };
  const waited = now - state.since;
  switch (state.phase) {
    case 'initial':
      return { state: { ...state, phase: 'connecting', since: now }, actions: ['dial'] };
    case 'cooldown':
      return now < state.until ? stay : { state: { ...state, phase: 'connecting', since: now }, actions: ['dial'] };
    case 'connecting':
      return waited >= rules.connectTimeoutMs ? lose(`no connection within ${rules.connectTimeoutMs / 1000} s`) : stay;
    case 'handshake':
      return waited >= rules.handshakeTimeoutMs ? lose(`no handshake within ${rules.handshakeTimeoutMs / 1000} s`) : stay;
    case 'established':
      if (deaf) return { state: { ...state, heardAt: now }, actions: [] };
      return rules.role === 'sink' ? expectLife(state, now, rules, lose) : showLife(state, now, rules, lose);
    case 'closed':
      return stay;
  }
}

function expectLife(
  state: ConnectionState,
  now: number,
  rules: ConnectionRules,
  lose: (reason: string) => ConnectionStep,
): ConnectionStep {
  if (now - state.heardAt >= rules.heartbeatTimeoutMs) return lose(`heartbeat overdue ${rules.heartbeatTimeoutMs / 1000} s`);
  return { state, actions: [] };
}

function showLife(
  state: ConnectionState,
  now: number,
  rules: ConnectionRules,
  lose: (reason: string) => ConnectionStep,
): ConnectionStep {
  const { owedSince, heardAt } = state;
  if (owedSince !== null && now - Math.max(owedSince, heardAt) >= rules.answerTimeoutMs)
    return lose(`no answer within ${rules.answerTimeoutMs / 1000} s`);
  if (now - (state.heartbeatAt ?? state.since) < rules.heartbeatIntervalMs) return { state, actions: [] };
  return { state: { ...state, heartbeatAt: now }, actions: ['heartbeat'] };
}

/**
 * Both sides dialled each other: the connection that the lower site id dialled is kept, on both sides by the same rule. True: ours,
 * known by who dialled it, goes.
 */
export function isSurplus(ours: string, theirs: string, dialledByUs: boolean): boolean {
  const lower = ours < theirs ? ours : theirs;
  return (dialledByUs ? ours : theirs) !== lower;
}
