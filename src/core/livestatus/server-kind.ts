/**
 * What a Livestatus server does that others do not. Measured on Icinga 2.13.6, read in the sources of mk_livestatus and naemon-livestatus
 * and in the answers of LMD; `unknown` is treated as mk, the original.
 */
export type ServerKind = 'unknown' | 'mk' | 'icinga' | 'lmd' | 'own';

export interface ServerQuirks {
  /** An idle connection takes a worker away from queries and from the checks themselves: 2 × cores of them stop the site. */
  readonly idleConnectionsBlock: boolean;
  /** Half-close after a complete line ends a request as an empty line does. */
  readonly halfCloseEndsRequest: boolean;
  /** An error to a client without `ResponseHeader: fixed16`: its bare text, or nothing at all. */
  readonly bareErrors: 'text' | 'silence';
  /** A COMMAND with `ResponseHeader: fixed16` is answered `200 0`. */
  readonly answersCommands: boolean;
  /** A longer line breaks the request. */
  readonly maxLineBytes: number;
}

const mk: ServerQuirks = {
  idleConnectionsBlock: false,
  halfCloseEndsRequest: true,
  bareErrors: 'text',
  answersCommands: false,
  maxLineBytes: 65_536,
};

const quirks: Readonly<Record<ServerKind, ServerQuirks>> = {
  unknown: mk,
  mk,
  own: mk,
  lmd: mk,
  icinga: {
    idleConnectionsBlock: true,
    halfCloseEndsRequest: false,
    bareErrors: 'silence',
    answersCommands: true,
    maxLineBytes: Number.POSITIVE_INFINITY,
  },
};

export function quirksOf(kind: ServerKind): ServerQuirks {
  return quirks[kind];
}

/** From the column `livestatus_version` of table `status`: Icinga says `r2.13.6-1`, LMD names itself, all others descend from mk. */
export function serverKindOf(livestatusVersion: string): ServerKind {
  if (livestatusVersion.startsWith('r2.')) return 'icinga';
  if (/lmd/i.test(livestatusVersion)) return 'lmd';
  if (livestatusVersion.startsWith('ceilograph')) return 'own';
  return 'mk';
}
