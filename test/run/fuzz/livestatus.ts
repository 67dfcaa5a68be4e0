import fc, { type Arbitrary } from 'fast-check';
import { isCacheable } from '../../../src/core/livestatus/cacheable.ts';
import { fixed16Bytes, parseFixed16, toFixed16 } from '../../../src/core/livestatus/fixed16.ts';
import { answerQuery } from '../../../src/core/livestatus/lql/answer.ts';
import { type AnyTable, columnsTable, table } from '../../../src/core/livestatus/lql/table.ts';
import { printLiteral, readAssignments } from '../../../src/core/livestatus/python-literal.ts';
import { cacheKey, parseRequest, toUpstream, wantsFixed16 } from '../../../src/core/livestatus/request.ts';
import { RequestFramer } from '../../../src/core/livestatus/request-framer.ts';
import { readSites } from '../../../src/core/livestatus/sites-mk.ts';
import { PythonSyntaxError } from '../../../src/core/python/literal.ts';
import { type Target, unpolluted } from './target.ts';

const tokens = [
  ...'GET COMMAND hosts columns status nosuch __proto__ constructor name state groups table type'.split(' '),
  ...'Columns: Filter: And: Or: Negate: Stats: StatsAnd: StatsOr: StatsNegate: Limit: Offset: Sort:'.split(' '),
  ...'OutputFormat: ResponseHeader: KeepAlive: ColumnHeaders: Separators: WaitTrigger: WaitTimeout: AuthUser: Cache: Localtime:'.split(
    ' ',
  ),
  ...'= != ~ ~~ !~ =~ < > <= >= !>= on off fixed16 json python wrapped_json csv reload asc desc sum max avg'.split(' '),
  ...'0 1 2 10 59 44 124 -1 1e9 999999999999 web ^web (a*)*$ (a|b)*\\1 [ ( \\ (?i) \xe4 \0 \t'.split(' '),
  ' ',
  ' ',
  '\n',
  '\n',
  '\n\n',
  '\r\n',
  ' \n',
  ':',
  'x'.repeat(300),
];
const soup: Arbitrary<string> = fc.array(fc.constantFrom(...tokens), { maxLength: 24 }).map((parts) => parts.join(''));
const words = tokens.filter((token) => !/[\n\r]/.test(token));
const line = fc.array(fc.constantFrom(...words), { maxLength: 5 }).map((parts) => parts.join(' '));
const likely: Arbitrary<string> = fc
  .tuple(fc.constantFrom('GET hosts', 'GET columns', 'GET status', 'COMMAND [1] X'), fc.array(line, { maxLength: 6 }))
  .map(([first, lines]) => `${[first, ...lines.filter((each) => each.trim() !== '')].join('\n')}\n\n`);
const python: Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      ...[
        'sites',
        ' = ',
        '.update(',
        ')',
        '{',
        '}',
        '[',
        ']',
        '(',
        ',',
        ':',
        "'",
        '"',
        "'''",
        'u',
        'r',
        'True',
        'None',
        '1',
        '-2.5',
        '0x',
        '\\',
      ],
      ...[
        "'a'",
        "'muc'",
        "'socket'",
        "'proxy'",
        "('tcp', {'address': ('h', 1)})",
        "'tcp:h:1'",
        "{'params': None}",
        '#',
        '\n',
        ' ',
        '\\x41',
        '+=',
      ],
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

interface Row {
  readonly name: string;
  readonly state: number;
  readonly groups: readonly string[];
}
const rows: readonly Row[] = [
  { name: 'web1', state: 0, groups: ['all', 'web'] },
  { name: 'a'.repeat(200), state: 2, groups: [] },
];
const tables: readonly AnyTable[] = [
  table<Row>({
    name: 'hosts',
    columns: (['name', 'state', 'groups'] as const).map((name) => ({
      name,
      type: name === 'name' ? 'string' : name === 'state' ? 'int' : 'list',
      description: '',
      value: (row: Row) => row[name],
    })),
    rows: () => rows,
  }),
  columnsTable(() => tables),
];
const limits = { maxLineBytes: 250, maxRequestBytes: 2_000 };
/** On a machine with other work to do. */
const hangMs = 10_000;

function framed(text: string, cut: number): readonly (readonly string[])[] {
  const framer = new RequestFramer();
  const found: (readonly string[])[] = [];
  for (let at = 0; at < text.length; at += cut) {
    framer.push(text.slice(at, at + cut));
    for (let next = framer.next(limits); next !== null; next = framer.next(limits)) {
      found.push(next.lines);
      if (next.kind === 'too-long') return found;
    }
  }
  framer.rest();
  return found;
}

function holds(lines: readonly string[]): boolean {
  wantsFixed16(lines);
  const answer = answerQuery(lines, tables);
  if (![200, 400, 404, 413, 450].includes(answer.code)) return false;
  const request = parseRequest(lines);
  if (request === null) return true;
  isCacheable(request, ['hosts', 'columns', '__proto__']);
  cacheKey(request);
  // However a client writes it, the site gets one request, and it asks for the header that we need.
  return [true, false].every((keep) => {
    const sent = toUpstream(request, keep);
    const framer = new RequestFramer();
    framer.push(sent);
    const most = { maxLineBytes: 10_000, maxRequestBytes: 100_000 };
    const first = framer.next(most);
    return first?.kind === 'request' && framer.next(most) === null && parseRequest(first.lines)?.fixed16 === true;
  });
}

function readsSites(text: string): boolean {
  try {
    for (const [, value] of readAssignments(text)) {
      readSites(value, '/live');
      printLiteral(value);
    }
  } catch (error) {
    if (!(error instanceof PythonSyntaxError)) throw error;
  }
  return true;
}

function readsHeader(text: string): boolean {
  const header = parseFixed16(text.slice(0, fixed16Bytes));
  return header === null || toFixed16(header).length === fixed16Bytes;
}

export const livestatus: Target = {
  id: 'livestatus',
  about:
    'requests are cut alike however they come, reach a site as one, and are answered or refused; sites.mk is read and never run',
  property: fc.property(fc.oneof(soup, likely), fc.integer({ min: 1, max: 40 }), python, (text, cut, mk) => {
    const began = performance.now();
    const requests = framed(text, cut);
    const alike = JSON.stringify(requests) === JSON.stringify(framed(text, text.length + 1));
    const good = alike && requests.every(holds) && readsSites(mk) && readsHeader(text) && unpolluted();
    return good && performance.now() - began < hangMs;
  }),
};
