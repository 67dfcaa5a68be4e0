/** Requests that show how a server differs from others: each is asked directly and through the proxy, and must be answered alike. */
export interface Probe {
  readonly name: string;
  readonly request: string;
  /** The client closes its half behind the request. */
  readonly half?: true;
}

const fixed = 'ResponseHeader: fixed16';
const get = (...lines: readonly string[]) => `${lines.join('\n')}\n\n`;
const now = '1700000000';

export const probes: readonly Probe[] = [
  { name: 'one value as csv', request: get('GET status', 'Columns: num_hosts') },
  { name: 'one value with fixed16', request: get('GET status', 'Columns: num_hosts', fixed) },
  { name: 'csv with heads', request: get('GET hosts', 'Columns: name state', 'ColumnHeaders: on', fixed) },
  { name: 'csv of other separators', request: get('GET hosts', 'Columns: name groups', 'Separators: 10 33 44 58', fixed) },
  { name: 'json', request: get('GET hosts', 'Columns: name address groups', 'OutputFormat: json', fixed) },
  { name: 'json beyond ASCII', request: get('GET hosts', 'Columns: name plugin_output', 'OutputFormat: json', fixed) },
  { name: 'python', request: get('GET hosts', 'Columns: name state', 'OutputFormat: python', fixed) },
  { name: 'wrapped json', request: get('GET hosts', 'Columns: name', 'OutputFormat: wrapped_json', fixed) },
  { name: 'unknown format', request: get('GET hosts', 'Columns: name', 'OutputFormat: xml', fixed) },
  { name: 'all columns of a small table', request: get('GET timeperiods', 'OutputFormat: json', fixed) },
  {
    name: 'table columns',
    request: get('GET columns', 'Filter: table = hosts', 'Columns: name type', 'OutputFormat: json', fixed),
  },
  { name: 'filter equal', request: get('GET hosts', 'Columns: name', 'Filter: name = host1', fixed) },
  { name: 'filter regex', request: get('GET hosts', 'Columns: name', 'Filter: name ~ ^host1', fixed) },
  { name: 'filter of a group', request: get('GET hosts', 'Columns: name', 'Filter: groups >= all', fixed) },
  {
    name: 'and, or, negate',
    request: get('GET hosts', 'Columns: name', 'Filter: name = host1', 'Filter: name = host2', 'Or: 2', 'Negate:', fixed),
  },
  { name: 'stats', request: get('GET services', 'Stats: state = 0', 'Stats: state != 0', fixed) },
  {
    name: 'stats by column',
    request: get('GET services', 'Columns: host_name', 'Stats: state >= 0', 'OutputFormat: json', fixed),
  },
  {
    name: 'stats aggregate',
    request: get('GET services', 'Stats: max max_check_attempts', 'Stats: sum max_check_attempts', fixed),
  },
  { name: 'limit 0', request: get('GET hosts', 'Columns: name', 'Limit: 0', fixed) },
  { name: 'no rows', request: get('GET hosts', 'Columns: name', 'Filter: name = nobody', fixed) },
  { name: 'unknown table with fixed16', request: get('GET nosuch', fixed) },
  { name: 'unknown table without', request: get('GET nosuch') },
  { name: 'unknown header', request: get('GET status', 'Columns: num_hosts', 'Nonsense: 1', fixed) },
  { name: 'header without colon', request: get('GET status', 'Columns: num_hosts', 'nonsense', fixed) },
  { name: 'or of too few, header first', request: get('GET hosts', fixed, 'Or: 3') },
  { name: 'or of too few, header last', request: get('GET hosts', 'Or: 3', fixed) },
  { name: 'filter of one word', request: get('GET hosts', fixed, 'Filter: name') },
  { name: 'bad method', request: get('PUT hosts', fixed) },
  { name: 'lower case method', request: get('get hosts', fixed) },
  { name: 'no table', request: get('GET', fixed) },
  { name: 'empty request', request: '\n\n' },
  { name: 'leading empty line', request: `\n${get('GET status', 'Columns: num_hosts')}` },
  { name: 'carriage returns', request: 'GET status\r\nColumns: num_hosts\r\nResponseHeader: fixed16\r\n\r\n' },
  { name: 'line of blanks at the end', request: 'GET status\nColumns: num_hosts\n \n' },
  { name: 'other header format', request: get('GET status', 'Columns: num_hosts', 'ResponseHeader: fixed32') },
  {
    name: 'three kept alive at once',
    request: get('GET status', 'Columns: num_hosts', 'KeepAlive: on', fixed).repeat(3),
    half: true,
  },
  { name: 'three not kept alive', request: get('GET status', 'Columns: num_hosts').repeat(3) },
  { name: 'command', request: get(`COMMAND [${now}] DISABLE_FLAP_DETECTION`), half: true },
  { name: 'command with fixed16', request: get(`COMMAND [${now}] DISABLE_FLAP_DETECTION`, fixed), half: true },
  {
    name: 'command and query at once',
    request: `${get(`COMMAND [${now}] ENABLE_FLAP_DETECTION`)}${get('GET status', 'Columns: num_hosts')}`,
  },
  { name: 'unfinished', request: 'GET status\nColumns: num_ho', half: true },
  { name: 'no empty line', request: 'GET status\nColumns: num_hosts\n', half: true },
  { name: 'unknown user', request: get('GET hosts', 'Columns: name', 'AuthUser: nobody', fixed) },
  { name: 'time limit', request: get('GET hosts', 'Columns: name', 'Timelimit: 5', fixed) },
  { name: 'local time', request: get('GET status', 'Columns: num_hosts', `Localtime: ${now}`, fixed) },
  {
    name: 'wait that ends by its limit',
    request: get(
      'GET hosts',
      'Columns: name',
      'WaitObject: host1',
      'WaitTrigger: check',
      'WaitTimeout: 200',
      'Filter: name = host1',
      fixed,
    ),
  },
];
